/*
 * hostile_virtio.c - virtio drivers that lie: registers, rings, descriptors
 *
 * Must not know: what a device says of a driver that lies; only what becomes of memory.
 */
#include "hostile_virtio.h"

#include "hostile.h"
#include "hostile_pci.h"
#include "lib/string.h"
#include "x86_ops.h"

enum { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE, CAP_PCI };
#define CAP_TYPE 3
#define CAP_BAR 4
#define CAP_OFFSET 8
#define CAP_LENGTH 12
#define CAP_EXTRA 16
#define INDIRECT BIT(28)
#define MODERN_ID 0x1040
#define BEFORE 0x5a
#define BEHIND 0xa5
#define BYTES 0x0101010101010101ull
#define NOWHERE 0xd0000000ull

struct ring virtio_ring ALIGNED(4096);
static struct ring *const ring = &virtio_ring;

/* ---- Finding them ---------------------------------------------------------------------- */

/* The capability of that type whose structure lies in memory that we reach; 0: none. */
static unsigned capability(unsigned devfn, unsigned type)
{
	unsigned at = pci_read(devfn, PCI_CAPABILITIES) & 0xfc;

	for (unsigned n = 0; at && n < 48; n++, at = pci_read(devfn, at + 1) & 0xfc)
		if ((pci_read(devfn, at) & 0xff) == PCI_CAP_VENDOR &&
		    (pci_read(devfn, at + CAP_TYPE) & 0xff) == type &&
		    (type == CAP_PCI ||
		     pci_memory_bar(devfn, pci_read(devfn, at + CAP_BAR) & 0xff)))
			return at;
	return 0;
}

static u64 structure(unsigned devfn, unsigned type)
{
	unsigned at = capability(devfn, type);
	u32 base = at ? pci_memory_bar(devfn, pci_read(devfn, at + CAP_BAR) & 0xff) : 0;

	return base ? base + pci_read(devfn, at + CAP_OFFSET) : 0;
}

void virtio_each(void (*f)(const struct virtio *d, void *context), void *context)
{
	u32 word[PCI_WORDS];
	unsigned nth = 0;

	memset(ring->before, BEFORE, sizeof(ring->before));
	memset(ring->behind, BEHIND, sizeof(ring->behind));
	for (unsigned devfn = 0; devfn < PCI_FUNCTIONS; devfn++) {
		struct virtio d = { .devfn = devfn, .nth = nth };

		if (!pci_is_victim(devfn) || (pci_read(devfn, 0) & 0xffff) != PCI_VIRTIO)
			continue;
		pci_keep(devfn, word);
		pci_write(devfn, PCI_COMMAND, PCI_BUSES_ON);
		d.type = (pci_read(devfn, 0) >> 16) - MODERN_ID;
		d.common = structure(devfn, CAP_COMMON);
		d.notify = structure(devfn, CAP_NOTIFY);
		d.isr = structure(devfn, CAP_ISR);
		d.device = structure(devfn, CAP_DEVICE);
		if (!d.common || !d.notify)
			continue;
		d.multiplier = pci_read(devfn, capability(devfn, CAP_NOTIFY) + CAP_EXTRA);
		f(&d, context);
		set8(d.common + COMMON_STATUS, 0);
		pci_restore(devfn, word);
		nth++;
	}
}

/* ---- Driving one ------------------------------------------------------------------------- */

void virtio_negotiate(const struct virtio *d)
{
	set8(d->common + COMMON_STATUS, 0);
	for (unsigned i = 0; i < 10000 && *(volatile u8 *)(uintptr_t)(d->common + COMMON_STATUS);
	     i++)
		x86_pause();
	set8(d->common + COMMON_STATUS, 3);
	for (unsigned i = 0; i < 2; i++) {
		set32(d->common + COMMON_FEATURE_SELECT, i);
		set32(d->common + COMMON_FEATURE, i ? 1 : (u32)INDIRECT);
	}
	set8(d->common + COMMON_STATUS, 11);
}

void virtio_queue(const struct virtio *d, unsigned queue, u16 size, u64 desc, u64 avail, u64 used)
{
	set16(d->common + COMMON_SELECT, (u16)queue);
	set16(d->common + COMMON_SIZE, size);
	set64(d->common + COMMON_DESC, desc);
	set64(d->common + COMMON_AVAIL, avail);
	set64(d->common + COMMON_USED, used);
	set16(d->common + COMMON_ENABLE, 1);
}

void virtio_bring_up(const struct virtio *d, unsigned queue, u64 desc, u64 avail, u64 used)
{
	virtio_negotiate(d);
	virtio_queue(d, queue, RING, desc, avail, used);
	set8(d->common + COMMON_STATUS, 15);
}

/*
 * Behind the table lie descriptors that are good: whoever follows a number beyond the table finds a
 * header, and then buffers in what nobody may write.
 */
static void lay_bait(void)
{
	static u8 header[16];

	ring->d[RING] = (struct descriptor){ (u64)(uintptr_t)header, sizeof(header), DESC_NEXT,
					     RING + 1 };
	ring->d[RING + 1] = (struct descriptor){ (u64)(uintptr_t)ring->behind, 512,
						 DESC_WRITE | DESC_NEXT, RING + 2 };
	ring->d[RING + 2] =
	    (struct descriptor){ (u64)(uintptr_t)ring->behind + 1024, 1, DESC_WRITE, 0 };
}

void virtio_start(const struct virtio *d, unsigned queue)
{
	memset((void *)(uintptr_t)ring->avail, 0, sizeof(ring->avail));
	memset((void *)(uintptr_t)ring->used, 0, sizeof(ring->used));
	lay_bait();
	virtio_bring_up(d, queue, (u64)(uintptr_t)ring->d, (u64)(uintptr_t)ring->avail,
			(u64)(uintptr_t)ring->used);
}

void virtio_notify(const struct virtio *d, unsigned queue)
{
	u64 off;

	set16(d->common + COMMON_SELECT, (u16)queue);
	off = *(volatile u16 *)(uintptr_t)(d->common + COMMON_NOTIFY_OFF);
	__asm__ volatile("mfence" ::: "memory");
	set16(d->notify + off * d->multiplier, (u16)queue);
}

void virtio_wait(const struct virtio *d)
{
	for (unsigned k = 0; k < 20; k++)
		(void)*(volatile u8 *)(uintptr_t)(d->common + COMMON_STATUS);
}

void virtio_offer(const struct virtio *d, unsigned queue, unsigned n)
{
	u16 index = ring->avail[1];

	for (unsigned i = 0; i < n; i++)
		ring->avail[2 + (index + i) % RING] = (u16)(i % RING);
	ring->avail[1] = (u16)(index + n);
	virtio_notify(d, queue);
}

/* ---- What it did to us --------------------------------------------------------------------- */

static void look(struct tally *t, u64 target, u64 action)
{
	const u64 *before = (const u64 *)(const void *)ring->before;
	const u64 *behind = (const u64 *)(const void *)ring->behind;

	for (unsigned i = 0; i < sizeof(ring->before) / 8; i++) {
		hostile_bad(t, before[i] != BEFORE * BYTES, "written-before-a-ring", action);
		hostile_bad(t, behind[i] != BEHIND * BYTES, "written-behind-a-buffer", action);
	}
	rt_vector = RT_NONE;
	hostile_case(t, target, action);
}

/* Whatever was used was one of the table's. */
static void look_at_used(struct tally *t, u64 action)
{
	for (unsigned i = 0; i < MIN(ring->used[1], RING); i++)
		hostile_bad(t, ring->used[2 + 4 * i] >= RING, "used-beyond-the-table", action);
}

/* A machine without such devices has nothing to be lied to: that is the one case then. */
static void each(struct tally *t, void (*f)(const struct virtio *d, void *t))
{
	memset(ring->before, BEFORE, sizeof(ring->before));
	memset(ring->behind, BEHIND, sizeof(ring->behind));
	look(t, 0xffff, 0);
	virtio_each(f, t);
}

/* ---- Registers ----------------------------------------------------------------------------- */

static void write_registers(const struct virtio *d, void *t)
{
	static const u32 values[] = { 0, ~0u, 0x8001 };
	u64 value;

	for (u64 at = 0; at < COMMON_END; at++)
		for (unsigned size = 1; size <= 4; size *= 2)
			for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
				volatile void *p = (volatile void *)(uintptr_t)(d->common + at);

				if (size == 1)
					*(volatile u8 *)p = (u8)values[i];
				else if (size == 2)
					*(volatile u16 *)p = (u16)values[i];
				else
					*(volatile u32 *)p = values[i];
				RT_TRY("movq (%1), %0", RT_OUT("=r"(value)), "r"(p));
				rt_vector = RT_NONE;
				hostile_case(t, d->nth % 4 << 8 | at / 4, size);
			}
	look(t, d->nth % 4 << 8 | 0xff, 0);
}

/* Every register in every width, at any time.  Catches: a queue that is used before it is set up.
 */
static void virtio_registers(struct tally *t)
{
	each(t, write_registers);
}

static void write_status(const struct virtio *d, void *t)
{
	for (unsigned status = 0; status < 256; status++) {
		set8(d->common + COMMON_STATUS, (u8)status);
		set16(d->common + COMMON_ENABLE, (u16)(status & 1));
		set16(d->notify, (u16)status);
		set16(d->common + COMMON_CONFIG_VECTOR, (u16)(status << 3));
		if (status % 16 == 15)
			set8(d->common + COMMON_STATUS, 0);
		look(t, d->nth % 4, status / 8);
	}
}

/* Catches: a device that works for a driver that is not ready, or has failed. */
static void virtio_status(struct tally *t)
{
	each(t, write_status);
}

static void use_window(const struct virtio *d, void *t)
{
	static const u32 offsets[] = { 0, 0x3ffc, 0x4000, 0xfffffffc, 0x7fffffff, 2 };
	static const u32 lengths[] = { 0, 1, 2, 3, 4, 8, ~0u };
	unsigned at = capability(d->devfn, CAP_PCI);

	for (unsigned bar = 0; at && bar < 256; bar += bar < 7 ? 1 : 83)
		for (unsigned o = 0; o < ARRAY_SIZE(offsets); o++)
			for (unsigned l = 0; l < ARRAY_SIZE(lengths); l++) {
				pci_write(d->devfn, at + CAP_BAR, bar);
				pci_write(d->devfn, at + CAP_OFFSET, offsets[o]);
				pci_write(d->devfn, at + CAP_LENGTH, lengths[l]);
				pci_write(d->devfn, at + CAP_EXTRA, 0x5a5a5a5a);
				pci_read(d->devfn, at + CAP_EXTRA);
				look(t, bar, o << 1 | (l > 3));
			}
}

/* The BARs through configuration space.  Catches: an offset or a width that is taken as it is. */
static void virtio_window(struct tally *t)
{
	each(t, use_window);
}

static void ask_device(const struct virtio *d, void *t)
{
	u64 value;

	for (u64 at = 0; d->device && at < 0x1000; at += at < 64 ? 1 : 509) {
		volatile u8 *p = (volatile u8 *)(uintptr_t)(d->device + at);

		RT_TRY("movl (%1), %k0", RT_OUT("=r"(value)), "r"(p));
		RT_TRY("movq (%1), %0", RT_OUT("=r"(value)), "r"(p));
		look(t, d->nth % 4 << 8 | (at < 64 ? at / 4 : 16), 0);
		*p = (u8)at;
		*(volatile u32 *)(void *)p = ~0u;
		look(t, d->nth % 4 << 8 | (at < 64 ? at / 4 : 16), 1);
	}
	for (unsigned n = 0; n < 0x1000;
	     n += 67) { /* notifications for queues that are not there */
		set16(d->notify + n, (u16)(n * 3));
		look(t, d->nth % 4 << 8 | 0x80, n / 67 % 16);
	}
}

/* Catches: a read beyond what the device knows of itself. */
static void virtio_device(struct tally *t)
{
	each(t, ask_device);
}

/* ---- Descriptors ----------------------------------------------------------------------------- */

/* One descriptor that lies; the rest of the table is what it leads to. */
static const struct descriptor lies[] = {
	{ NOWHERE, 4096, DESC_WRITE, 0 },
	{ 0xfee00000, 4096, DESC_WRITE, 0 },
	{ 0xfffff000, 4096, DESC_WRITE, 0 },
	{ BIT(32), 4096, DESC_WRITE, 0 },
	{ BIT(40), 4096, DESC_WRITE, 0 },
	{ BIT(51), 4096, DESC_WRITE, 0 },
	{ BIT(63), 4096, DESC_WRITE, 0 },
	{ ~0ull - 99, 4096, DESC_WRITE, 0 },
	{ -4096ull, 4096, DESC_WRITE, 0 },
	{ 0, 0, DESC_WRITE, 0 },
	{ 0, 16, DESC_WRITE | DESC_NEXT, 0 },
	{ 0, 16, DESC_WRITE | DESC_NEXT, RING },
	{ 0, 16, DESC_WRITE | DESC_NEXT, RING + 1 },
	{ 0, 16, DESC_NEXT, RING + 1 },
	{ 0, 16, DESC_WRITE | DESC_NEXT, 0xffff },
	{ 0, 16, DESC_TABLE, 0 },
	{ 0, 17, DESC_TABLE, 0 },
	{ 0, ~0u, DESC_TABLE, 0 },
	{ NOWHERE, 64, DESC_TABLE, 0 },
	{ ~0ull - 15, 64, DESC_TABLE, 0 },
	{ 0, 16, DESC_TABLE | DESC_NEXT, 1 },
	{ NOWHERE, 4096, 0, 0 },
	{ BIT(63), 1, 0, 0 },
	{ 0, 16, DESC_NEXT, 0 },
	{ 0, 16, DESC_TABLE | DESC_WRITE, 0 },
	{ 0, 16, 0xfff8, 0 },
};
#define SELF_TABLE 10

static void set_lie(unsigned i)
{
	for (unsigned k = 0; k < RING; k++)
		ring->d[k] = (struct descriptor){ (u64)(uintptr_t)ring->data, 16, DESC_WRITE, 0 };
	ring->d[0] = lies[i];
	if (!ring->d[0].address)
		ring->d[0].address = (u64)(uintptr_t)ring->data;
	/* As a table, the data leads back to itself. */
	memcpy(ring->data, &lies[SELF_TABLE], sizeof(lies[SELF_TABLE]));
}

static void tell_lies(const struct virtio *d, void *t)
{
	for (unsigned queue = 0; queue < 2; queue++)
		for (unsigned i = 0; i < ARRAY_SIZE(lies); i++) {
			set_lie(i);
			virtio_start(d, queue);
			virtio_offer(d, queue, 1);
			virtio_wait(d);
			look(t, d->nth % 4 << 1 | queue, i);
			look_at_used(t, i);
		}
}

/* Catches: a length, an address or a link that is believed; DMA outside the guest. */
static void virtio_descriptors(struct tally *t)
{
	each(t, tell_lies);
}

static void misplace(const struct virtio *d, void *t)
{
	const u64 places[] = { NOWHERE, 0xfee00000,	     0xfffff000, BIT(32), BIT(51),
			       BIT(63), rt_memory_end() - 8, -8ull,	 1,	  0xa0000 };

	for (unsigned queue = 0; queue < 2; queue++)
		for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
			for (unsigned which = 0; which < 3; which++) {
				u64 at[3] = { (u64)(uintptr_t)ring->d, (u64)(uintptr_t)ring->avail,
					      (u64)(uintptr_t)ring->used };

				set_lie(9);
				memset((void *)(uintptr_t)ring->avail, 0, sizeof(ring->avail));
				at[which] = places[i];
				virtio_bring_up(d, queue, at[0], at[1], at[2]);
				virtio_offer(d, queue, 1);
				virtio_wait(d);
				look(t, d->nth % 4 << 3 | queue << 2 | which, i);
			}
}

/* Rings where no RAM is.  Catches: a used ring that is written outside the guest. */
static void virtio_places(struct tally *t)
{
	each(t, misplace);
}

/* "The driver writes": no size that the device does not have, and a power of two. */
static void try_size(const struct virtio *d, struct tally *t, u16 size)
{
	u16 most, now;

	set8(d->common + COMMON_STATUS, 0);
	set8(d->common + COMMON_STATUS, 11);
	most = *(volatile u16 *)(uintptr_t)(d->common + COMMON_SIZE);
	set16(d->common + COMMON_SIZE, size);
	now = *(volatile u16 *)(uintptr_t)(d->common + COMMON_SIZE);
	hostile_bad(t, now > most || !now || now & (now - 1), "a-queue-of-no-size", size);
	set16(d->common + COMMON_ENABLE, 1);
	set8(d->common + COMMON_STATUS, 15);
}

static void run_ahead(const struct virtio *d, void *t)
{
	static const u16 indices[] = { RING + 1, 0x7fff, 0x8000, 0xffff, 1 };
	static const u16 heads[] = { 0, RING, RING + 1, RING + 64, 0x3fff, 0xffff };
	static const u16 sizes[] = { 0, 1, 3, RING, 0x8000, 0xffff };

	for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++)
		for (unsigned i = 0; i < ARRAY_SIZE(indices); i++)
			for (unsigned h = 0; h < ARRAY_SIZE(heads); h++) {
				if (h > 2 && indices[i] != 1)
					continue;
				set_lie(9);
				virtio_start(d, 0);
				if (sizes[s] != RING)
					try_size(d, t, sizes[s]);
				for (unsigned k = 0; k < RING; k++)
					ring->avail[2 + k] = heads[h];
				ring->avail[1] = indices[i];
				virtio_notify(d, 0);
				virtio_wait(d);
				if (sizes[s] == RING)
					look_at_used(t, h);
				look(t, d->nth % 2 << 4 | s, i << 1 | (h > 0));
			}
}

/* Indices and sizes.  Catches: a head beyond the table, a ring that is gone through for ever. */
static void virtio_indices(struct tally *t)
{
	each(t, run_ahead);
}

#define WORDS_BEHIND 200u

/*
 * Whoever notes which heads are in flight has a bit for each; a head beyond the queue is a bit in
 * what lies behind: these turn addresses of that into others.  As many buffers as the ring has, and
 * more, are asked for too.
 */
static void count_beyond(const struct virtio *d, void *t)
{
	for (unsigned n = 0; n < 2 * WORDS_BEHIND; n++) {
		set_lie(9);
		virtio_start(d, 0);
		ring->avail[2] = (u16)((n / 2 + 1) * 64 + (n % 2 ? 44 : 21));
		ring->avail[1] = 1;
		virtio_notify(d, 0);
		hostile_bad(t, ring->used[1] != 0, "used-beyond-the-table", n);
		look(t, d->nth % 4 << 1, n / 32);
	}
	for (unsigned count = RING + 1; count < 4 * RING; count += 5) {
		for (unsigned k = 0; k < RING; k++)
			ring->d[k] = (struct descriptor){ (u64)(uintptr_t)ring->data, 16,
							  DESC_WRITE, 0 };
		virtio_start(d, 0);
		for (unsigned k = 0; k < RING; k++)
			ring->avail[2 + k] = (u16)k;
		ring->avail[1] = (u16)count;
		virtio_notify(d, 0);
		virtio_wait(d);
		hostile_bad(t, ring->used[1] > RING, "more-than-the-ring-holds", count);
		look(t, d->nth % 4 << 1 | 0x100, count);
	}
}

/* Catches: a bit or an element beyond what the queue has. */
static void virtio_beyond(struct tally *t)
{
	each(t, count_beyond);
}

static const struct attack attacks[] = {
	{ "virtio-beyond", virtio_beyond, false },
	{ "virtio-registers", virtio_registers, true },
	{ "virtio-status", virtio_status, true },
	{ "virtio-window", virtio_window, true },
	{ "virtio-device", virtio_device, true },
	{ "virtio-descriptors", virtio_descriptors, true },
	{ "virtio-places", virtio_places, true },
	{ "virtio-indices", virtio_indices, true },
};

const struct attack_list hostile_virtio = ATTACKS(attacks);
