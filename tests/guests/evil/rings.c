/*
 * rings.c - see evil.h: rings that lie
 *
 * Each case takes a chain that is right and spoils one thing.  BROKEN is what the specification
 * lets a device say to a driver that breaks the rules; NOTHING stands here for "either way".
 */
#include "evil.h"

#include "lib/string.h"

#define LAPIC 0xfee00000
#define IOAPIC 0xfec00000
#define HOLE 0xd0000000
#define VGA 0xa0000
#define ROM 0xf0000
#define TOP_ROM 0xfffff000

static u16 next_avail; /* avail idx that the case shows */
static struct descriptor table[RING_SIZE * 4 + 8] ALIGNED(4096);

static u64 address(const volatile void *p)
{
	return (u64)(uintptr_t)p;
}

/* ---- Chains ------------------------------------------------------------------------- */

static void loop_self(const struct device *d UNUSED)
{
	ring.d[chain_length - 1].flags |= D_NEXT;
	ring.d[chain_length - 1].next = (u16)(chain_length - 1);
}

static void loop_first(const struct device *d UNUSED)
{
	ring.d[chain_length - 1].flags |= D_NEXT;
	ring.d[chain_length - 1].next = 0;
}

/* A loop of the last kind of descriptor, so that no other rule ends it. */
static void loop_two(const struct device *d UNUSED)
{
	unsigned last = chain_length - 1;

	ring.d[last].flags |= D_NEXT;
	ring.d[last].next = (u16)(last + 1);
	ring.d[last + 1] = ring.d[last];
	ring.d[last + 1].next = (u16)last;
}

static void next_size(const struct device *d UNUSED)
{
	ring.d[chain_length - 1].flags |= D_NEXT;
	ring.d[chain_length - 1].next = RING_SIZE;
}

static void next_far(const struct device *d UNUSED)
{
	ring.d[chain_length - 1].flags |= D_NEXT;
	ring.d[chain_length - 1].next = 0xffff;
}

static void head_size(const struct device *d UNUSED)
{
	ring.avail[0] = RING_SIZE;
}

static void head_far(const struct device *d UNUSED)
{
	ring.avail[0] = 0xffff;
}

static void jump_one(const struct device *d UNUSED)
{
	next_avail = RING_SIZE + 1;
}

static void jump_half(const struct device *d UNUSED)
{
	next_avail = 0x8000;
}

static void jump_back(const struct device *d UNUSED)
{
	next_avail = 0xffff;
}

static void no_bytes(const struct device *d UNUSED)
{
	ring.d[chain_data].len = 0;
}

static void beyond_ram(const struct device *d UNUSED)
{
	ring.d[chain_data].address = memory_end() - 16;
	ring.d[chain_data].len = 4096;
}

static void all_of_it(const struct device *d UNUSED)
{
	ring.d[chain_data].len = ~0u;
}

static void sum_4g(const struct device *d UNUSED)
{
	ring.d[0].len = 0x80000000;
	ring.d[chain_length - 1].len = 0x80000000;
}

static void wraps(const struct device *d UNUSED)
{
	ring.d[chain_data].address = ~0ull - 99;
	ring.d[chain_data].len = 4096;
}

static void wraps_to_zero(const struct device *d UNUSED)
{
	ring.d[chain_data].address = -256ull;
	ring.d[chain_data].len = 256;
}

static void read_after_write(const struct device *d UNUSED)
{
	unsigned last = chain_length - 1;

	ring.d[last].flags = D_WRITE | D_NEXT;
	ring.d[last].next = (u16)(last + 1);
	ring.d[last + 1] = (struct descriptor){ address(memory_buffer(3)), 16, 0, 0 };
}

/* ---- Indirect tables -------------------------------------------------------------------- */

/* The whole chain into a table, descriptor 0 points to it. */
static void make_indirect(void)
{
	memcpy(table, ring.d, chain_length * sizeof(table[0]));
	ring.d[0] = (struct descriptor){ address(table), (u32)(chain_length * sizeof(table[0])),
					 D_INDIRECT, 0 };
}

static void indirect_good(const struct device *d UNUSED)
{
	make_indirect();
}

static void indirect_odd(const struct device *d UNUSED)
{
	make_indirect();
	ring.d[0].len += 7;
}

static void indirect_short(const struct device *d UNUSED)
{
	make_indirect();
	ring.d[0].len = 8;
}

static void indirect_empty(const struct device *d UNUSED)
{
	make_indirect();
	ring.d[0].len = 0;
}

static void indirect_nested(const struct device *d UNUSED)
{
	make_indirect();
	table[chain_length - 1].flags |= D_INDIRECT;
	table[chain_length - 1].address = address(table);
	table[chain_length - 1].len = 16;
}

static void indirect_next(const struct device *d UNUSED)
{
	make_indirect();
	ring.d[0].flags |= D_NEXT;
	ring.d[0].next = 1;
}

static void indirect_hole(const struct device *d UNUSED)
{
	make_indirect();
	ring.d[0].address = HOLE;
}

static void indirect_wraps(const struct device *d UNUSED)
{
	make_indirect();
	ring.d[0].address = ~0ull - 15;
	ring.d[0].len = 64;
}

static void indirect_beyond(const struct device *d UNUSED)
{
	make_indirect();
	table[chain_length - 1].flags |= D_NEXT;
	table[chain_length - 1].next = (u16)chain_length;
}

static void indirect_loop(const struct device *d UNUSED)
{
	make_indirect();
	table[chain_length - 1].flags |= D_NEXT;
	table[chain_length - 1].next = (u16)(chain_length - 1);
}

/* A table of 4 GiB, all of it said to be there. */
static void indirect_huge(const struct device *d UNUSED)
{
	make_indirect();
	ring.d[0].len = 0xfffffff0;
	table[chain_length - 1].flags |= D_NEXT;
	table[chain_length - 1].next = 0xffff;
}

static void indirect_long(const struct device *d UNUSED)
{
	u16 kind = ring.d[chain_length - 1].flags;

	make_indirect();
	for (unsigned i = chain_length - 1; i < ARRAY_SIZE(table); i++)
		table[i] = (struct descriptor){ address(memory_buffer(3)), 1, (u16)(kind | D_NEXT),
						(u16)(i + 1) };
	table[ARRAY_SIZE(table) - 1].flags = kind;
	ring.d[0].len = sizeof(table);
}

static const struct {
	const char *name;
	void (*spoil)(const struct device *d);
	enum outcome wanted;
	u64 features;
} cases[] = {
	{ "a descriptor that follows itself", loop_self, BROKEN, 0 },
	{ "a chain that returns to its head", loop_first, BROKEN, 0 },
	{ "two descriptors in a ring", loop_two, BROKEN, 0 },
	{ "a successor just beyond the table", next_size, BROKEN, 0 },
	{ "a successor far beyond the table", next_far, BROKEN, 0 },
	{ "a head just beyond the table", head_size, BROKEN, 0 },
	{ "a head far beyond the table", head_far, BROKEN, 0 },
	{ "an index one ahead of the ring", jump_one, BROKEN, 0 },
	{ "an index half way round", jump_half, BROKEN, 0 },
	{ "an index that runs backwards", jump_back, BROKEN, 0 },
	{ "a buffer of no bytes", no_bytes, BROKEN, 0 },
	{ "a buffer over the end of RAM", beyond_ram, BROKEN, 0 },
	{ "a buffer of 4 GiB", all_of_it, BROKEN, 0 },
	{ "two buffers of 2 GiB", sum_4g, BROKEN, 0 },
	{ "a buffer around the end of addresses", wraps, BROKEN, 0 },
	{ "a buffer up to the end of addresses", wraps_to_zero, BROKEN, 0 },
	{ "something to read after something to write", read_after_write, BROKEN, 0 },
	{ "an indirect table, as it should be", indirect_good, SERVED, F_INDIRECT },
	{ "an indirect table that was not negotiated", indirect_good, BROKEN, 0 },
	{ "an indirect table of odd length", indirect_odd, BROKEN, F_INDIRECT },
	{ "an indirect table of half an entry", indirect_short, BROKEN, F_INDIRECT },
	{ "an indirect table of nothing", indirect_empty, BROKEN, F_INDIRECT },
	{ "an indirect table in an indirect table", indirect_nested, BROKEN, F_INDIRECT },
	{ "an indirect table with a successor", indirect_next, BROKEN, F_INDIRECT },
	{ "an indirect table where nothing is", indirect_hole, BROKEN, F_INDIRECT },
	{ "an indirect table around the end of addresses", indirect_wraps, BROKEN, F_INDIRECT },
	{ "a successor beyond the indirect table", indirect_beyond, BROKEN, F_INDIRECT },
	{ "a loop in an indirect table", indirect_loop, BROKEN, F_INDIRECT },
	{ "an indirect table of 4 GiB", indirect_huge, BROKEN, F_INDIRECT },
	{ "an indirect table longer than the queue", indirect_long, BROKEN, F_INDIRECT },
};

static const char *const outcome_name[] = { "nothing", "served", "needs reset" };

static void judge(const struct device *d, const char *what, enum outcome got, enum outcome wanted)
{
	u8 isr = (u8)reg_read(d->isr, 0, 1);

	/* "Notification of Device Configuration Changes" (4.1.5.4): bit 1 */
	if (got == BROKEN)
		verdict(wanted != SERVED && isr & 2, "%s: %s: %s (ISR %x)", d->name, what,
			outcome_name[got], isr);
	else if (wanted)
		verdict(got == wanted, "%s: %s: %s", d->name, what, outcome_name[got]);
	else
		verdict(virtio_works(d), "%s: %s: %s, and works again", d->name, what,
			outcome_name[got]);
}

static void run_case(const struct device *d, unsigned i)
{
	bool up = virtio_up(d, cases[i].features);

	next_avail = 1;
	virtio_chain(d);
	cases[i].spoil(d);
	judge(d, cases[i].name, up ? virtio_run(d, next_avail) : NOTHING, cases[i].wanted);
}

/* ---- Where data lies --------------------------------------------------------------------- */

static void addresses(const struct device *d)
{
	const u64 places[] = { LAPIC,	     IOAPIC,
			       HOLE,	     TOP_ROM,
			       d->common,    d->msix,
			       memory_end(), BIT(32),
			       BIT(40),	     BIT(51) + 4096,
			       BIT(52),	     BIT(63),
			       -4096ull,     0xffff800000100000ull };
	unsigned broken = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		enum outcome got;

		virtio_up(d, 0);
		virtio_chain(d);
		ring.d[chain_data].address = places[i];
		got = virtio_run(d, 1);
		broken += got == BROKEN;
		if (got != BROKEN)
			judge(d, "a buffer that is no RAM", got, BROKEN);
	}
	verdict(broken == ARRAY_SIZE(places), "%s: %u of %u buffers that are no RAM break it",
		d->name, broken, (unsigned)ARRAY_SIZE(places));
	/* A PC's own devices cannot reach these either; what is there is the machine's to say. */
	for (unsigned i = 0; i < 2; i++) {
		virtio_up(d, 0);
		virtio_chain(d);
		ring.d[chain_data].address = i ? ROM : VGA;
		judge(d, i ? "a buffer in the BIOS" : "a buffer in the screen", virtio_run(d, 1),
		      NOTHING);
	}
}

/* ---- Where the rings lie ------------------------------------------------------------------- */

enum part { DESC, AVAIL, USED, PARTS };

static void place(const struct device *d, enum part part, u64 at, enum outcome wanted)
{
	static const char *const part_name[] = { "descriptors", "available ring", "used ring" };
	u64 where[PARTS] = { address(ring.d), address(&ring.avail_flags),
			     address(&ring.used_flags) };
	enum outcome got;

	where[part] = at;
	virtio_reset(d);
	virtio_begin(d, 0);
	memset(&ring, 0, sizeof(ring));
	virtio_chain(d);
	ring.avail_idx = 1;
	virtio_queue(d, d->queue, RING_SIZE, where[DESC], where[AVAIL], where[USED]);
	virtio_go(d);
	got = virtio_run(d, 1);
	verdict(wanted ? got == wanted : virtio_works(d), "%s: the %s at 0x%lx: %s", d->name,
		part_name[part], at, outcome_name[got]);
}

static void places(const struct device *d)
{
	static const u64 nowhere[] = { HOLE,	LAPIC,	  TOP_ROM,	     BIT(32),
				       BIT(63), -4096ull, 0xfffffffffffffff0 };

	for (unsigned part = 0; part < PARTS; part++)
		for (unsigned i = 0; i < ARRAY_SIZE(nowhere); i++)
			place(d, part, nowhere[i], BROKEN);
	place(d, DESC, address(ring.d) + 8, BROKEN);
	place(d, AVAIL, address(&ring.avail_flags) + 1, BROKEN);
	place(d, USED, address(&ring.used_flags) + 2, BROKEN);
	place(d, DESC, memory_end() - 8, BROKEN);
	place(d, AVAIL, memory_end() - 2, BROKEN);
	place(d, USED, memory_end(), BROKEN);
	place(d, USED, d->common, BROKEN);
	place(d, USED, ROM, NOTHING);
	place(d, USED, VGA, NOTHING);
}

/* ---- The same buffer twice, queues that are not there -------------------------------------------
 */

static void twice(const struct device *d)
{
	virtio_up(d, 0);
	virtio_chain(d);
	for (unsigned i = 0; i < RING_SIZE; i++)
		ring.avail[i] = 0;
	judge(d, "one buffer as often as the ring has room", virtio_run(d, RING_SIZE), NOTHING);
}

static void strange_queues(const struct device *d)
{
	virtio_up(d, 0);
	for (unsigned n = 0; n < 4096 / 4; n++)
		reg_write(d->notify, 4 * n, 4, rt_random());
	for (u32 n = 2; n < 0x10000; n += 4097) {
		reg_write(d->common, QUEUE_SELECT, 2, n);
		reg_write(d->common, QUEUE_SIZE, 2, 8);
		reg_write(d->common, QUEUE_DESC, 8, address(ring.d));
		reg_write(d->common, QUEUE_ENABLE, 2, 1);
		if (reg_read(d->common, QUEUE_SIZE, 2) || reg_read(d->common, QUEUE_ENABLE, 2)) {
			verdict(false, "%s: there is a queue %u", d->name, n);
			return;
		}
	}
	verdict(!(virtio_status(d) & S_NEEDS_RESET), "%s: queues that are not there are not there",
		d->name);
}

static void strange_sizes(const struct device *d)
{
	static const u16 sizes[] = { 0, 3, 100, 257, 512, 0x8000, 0xffff };
	unsigned taken = 0;

	virtio_reset(d);
	virtio_begin(d, 0);
	reg_write(d->common, QUEUE_SELECT, 2, d->queue);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 before = reg_read(d->common, QUEUE_SIZE, 2);

		reg_write(d->common, QUEUE_SIZE, 2, sizes[i]);
		taken += reg_read(d->common, QUEUE_SIZE, 2) != before;
	}
	verdict(!taken, "%s: %u impossible queue sizes are taken", d->name, taken);
}

void rings_main(void)
{
	for (unsigned k = 0; k < ARRAY_SIZE(devices); k++) {
		const struct device *d = &devices[k];

		if (d->devfn < 0)
			continue;
		for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
			run_case(d, i);
		addresses(d);
		places(d);
		twice(d);
		strange_queues(d);
		strange_sizes(d);
		verdict(virtio_works(d), "%s: works after all that", d->name);
	}
}
