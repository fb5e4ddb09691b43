/*
 * race.c - see evil.h: a second CPU changes the rings while the device reads them
 *
 * What is right for a moment and wrong in the next, a device may take for either, but as a whole:
 * one that checks a field and reads it once more would go where it must not.  race=1 says that
 * there is a second CPU.
 */
#include "evil.h"

#include "lib/string.h"

#define LAPIC 0xfee00000u
#define ICR 0x300
#define INIT_OTHERS 0xc4500u
#define SIPI_OTHERS 0xc4600u
#define TRAMPOLINE 0x8000u
#define ROUNDS 150u
#define ROUNDS_MOST (20 * ROUNDS) /* where the two CPUs hardly ever run at the same time */
#define CHAINS 16u
#define HOLE 0xd0000000

extern const u8 trampoline[], trampoline_end[], trampoline_cr3[], trampoline_stack[],
    trampoline_entry[];

static volatile bool running, racing;
static volatile u64 changes;
static u8 stack[4096] ALIGNED(16);
static struct descriptor table[4] ALIGNED(4096);

/* Wrong for some turns of a loop, then right again. */
static void flash(volatile u16 *field, u16 wrong)
{
	u16 right = *field;

	*field = wrong;
	for (unsigned i = changes % 64; i; i--)
		__asm__ volatile("");
	*field = right;
}

static void spoil(unsigned n)
{
	struct descriptor *d = n & 8 ? &table[n % 3] : &ring.d[n % chain_length];
	volatile u16 *part = (volatile u16 *)(void *)d;

	switch (n / 16 % 6) {
	case 0:
		flash(&part[1], HOLE >> 16); /* of the address */
		break;
	case 1:
		flash(&part[3], 0x8000);
		break;
	case 2:
		flash(&part[5], 0xf000); /* of the length */
		break;
	case 3:
		flash(&part[6], (u16)(part[6] ^ D_INDIRECT));
		break;
	case 4:
		flash(&part[7], 0xffff);
		break;
	default:
		flash(&ring.avail[n % CHAINS], (u16)(RING_SIZE + n));
		break;
	}
}

static void second_cpu(void)
{
	running = true;
	for (unsigned n = 0;; n += 7) {
		while (!racing)
			x86_pause();
		spoil(n);
		changes++;
	}
}

static void set(const u8 *field, u64 value)
{
	memcpy((void *)(uintptr_t)(TRAMPOLINE + (u64)(field - trampoline)), &value, sizeof(value));
}

static bool start_second(void)
{
	memcpy((void *)(uintptr_t)TRAMPOLINE, trampoline, (size_t)(trampoline_end - trampoline));
	set(trampoline_cr3, x86_read_cr3());
	set(trampoline_stack, (u64)(uintptr_t)(stack + sizeof(stack) - 8));
	set(trampoline_entry, (u64)(uintptr_t)second_cpu);
	reg_write(LAPIC, 0xf0, 4, 0x1ff);
	reg_write(LAPIC, ICR, 4, INIT_OTHERS);
	for (unsigned i = 0; i < 100000; i++)
		(void)x86_inb(0x80);
	for (unsigned k = 0; k < 2 && !running; k++) {
		reg_write(LAPIC, ICR, 4, SIPI_OTHERS | TRAMPOLINE >> 12);
		for (unsigned i = 0; i < 200000 && !running; i++)
			(void)x86_inb(0x80);
	}
	return running;
}

/* The same request again and again, through a table or not. */
static void offer(const struct device *d, bool indirect)
{
	virtio_chain(d);
	memcpy(table, ring.d, chain_length * sizeof(table[0]));
	if (indirect)
		ring.d[0] =
		    (struct descriptor){ (u64)(uintptr_t)table,
					 chain_length * (u32)sizeof(table[0]), D_INDIRECT, 0 };
	for (unsigned i = 0; i < CHAINS; i++)
		ring.avail[i] = 0;
}

static void race(const struct device *d)
{
	unsigned count[3] = { 0 };

	for (unsigned i = 0; i < ROUNDS_MOST; i++) {
		if (i >= ROUNDS && count[SERVED] && count[BROKEN])
			break;
		virtio_up(d, F_INDIRECT);
		offer(d, i & 1);
		racing = true;
		count[virtio_run(d, 1)]++;
		for (u16 idx = 2; idx < CHAINS && !(virtio_status(d) & S_NEEDS_RESET); idx++) {
			ring.avail_idx = idx;
			virtio_notify(d, d->queue);
		}
		count[BROKEN] += (virtio_status(d) & S_NEEDS_RESET) != 0;
		racing = false;
		virtio_reset(d);
	}
	verdict(count[SERVED] && count[BROKEN] && changes,
		"%s: of rings that another CPU changes, %s", d->name,
		count[SERVED] && count[BROKEN] ? "some are served and some break it"
					       : "all are alike");
	rt_print("# %s: served %u, broken %u, neither %u; %lu changes\n", d->name, count[SERVED],
		 count[BROKEN], count[NOTHING], changes);
}

void race_main(void)
{
	if (!rt_number("race", 0))
		return;
	verdict(start_second(), "a second CPU starts");
	for (unsigned k = 0; running && k < ARRAY_SIZE(devices); k++)
		if (devices[k].devfn >= 0)
			race(&devices[k]);
}
