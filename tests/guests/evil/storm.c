/*
 * storm.c - see evil.h: interrupts that never end, timers as fast as they go, frames without end
 *
 * Beside this guest another one wants its share of the CPU.  kind=NAME makes one kind of trouble
 * alone; else they take turns.
 */
#include "evil.h"

#include "lib/string.h"

#define LAPIC 0xfee00000u
#define IOAPIC 0xfec00000u
#define VECTOR 0x50
#define ROUNDS 200u /* of interrupts, before it is another's turn */

static unsigned taken;

/* Interrupts until there were enough, then on with interrupts off. */
static bool count_interrupt(struct rt_frame *frame)
{
	if (frame->vector < 32)
		return false;
	reg_write(LAPIC, 0xb0, 4, 0);
	x86_outb(0xa0, 0x20);
	x86_outb(0x20, 0x20);
	if (++taken >= ROUNDS)
		frame->rflags &= ~RFLAGS_IF;
	return true;
}

static void interrupts(void)
{
	taken = 0;
	rt_hook = count_interrupt;
	x86_sti();
	for (unsigned i = 0; i < 1000000 && taken < ROUNDS; i++)
		x86_pause();
	x86_cli();
	rt_hook = NULL;
}

static void redirect(unsigned pin, u32 low)
{
	reg_write(IOAPIC, 0, 4, 0x10 + 2 * pin);
	reg_write(IOAPIC, 0x10, 4, low);
}

/* The UART wants to send, and nobody answers it: a level that stays. */
static void level(void)
{
	reg_write(LAPIC, 0xf0, 4, 0x1ff);
	redirect(4, VECTOR | BIT(15));
	x86_outb(0x3fb, 3);
	x86_outb(0x3fc, 8);
	x86_outb(0x3f9, 2);
	interrupts();
	x86_outb(0x3f9, 0);
	redirect(4, BIT(16));
}

/* PIT, RTC and the local APIC's timer, each as fast as it goes. */
static void timers(void)
{
	rt_pic(0xfefa);
	x86_outb(0x43, 0x34);
	x86_outb(0x40, 2);
	x86_outb(0x40, 0);
	x86_outb(0x70, 0x0a);
	x86_outb(0x71, 0x23);
	x86_outb(0x70, 0x0b);
	x86_outb(0x71, 0x42);
	reg_write(LAPIC, 0xf0, 4, 0x1ff);
	reg_write(LAPIC, 0x3e0, 4, 0xb);
	reg_write(LAPIC, 0x320, 4, VECTOR + 1 + BIT(17));
	reg_write(LAPIC, 0x380, 4, 1);
	interrupts();
	reg_write(LAPIC, 0x380, 4, 0);
	x86_outb(0x70, 0x0b);
	x86_outb(0x71, 0x02);
	x86_outb(0x43, 0x30);
	rt_pic(0xffff);
}

/* Ourselves, through the local APIC. */
static void own(void)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		reg_write(LAPIC, 0x300, 4, 0x40000 + VECTOR + i % 64);
	interrupts();
}

static void frames(void)
{
	const struct device *d = &devices[1];

	if (d->devfn < 0)
		return;
	virtio_up(d, 0);
	virtio_chain(d);
	for (unsigned i = 0; i < RING_SIZE / 2; i++) {
		ring.d[2 * i] = ring.d[0];
		ring.d[2 * i].next = (u16)(2 * i + 1);
		ring.d[2 * i + 1] = ring.d[1];
		ring.d[2 * i + 1].len = 1514;
		ring.avail[i] = (u16)(2 * i);
		ring.avail[i + RING_SIZE / 2] = (u16)(2 * i);
	}
	for (unsigned i = 0; i < 20; i++) {
		u64 from = rt_random();

		memcpy(memory_buffer(1) + 6, &from, 6);
		memory_buffer(1)[6] &= 0xfe;
		ring.avail_idx = (u16)(ring.avail_idx + RING_SIZE / 2);
		virtio_notify(d, d->queue);
		for (unsigned k = 0; k < 100 && ring.used_idx != ring.avail_idx; k++)
			(void)virtio_status(d);
	}
}

static void disk(void)
{
	const struct device *d = &devices[0];

	if (d->devfn < 0)
		return;
	for (unsigned i = 0; i < 20; i++)
		(void)virtio_works(d);
}

/* As many requests at once as the ring has room for, of a page each. */
static void requests(void)
{
	const struct device *d = &devices[0];
	u16 idx = 0;

	if (d->devfn < 0)
		return;
	virtio_up(d, 0);
	virtio_chain(d);
	ring.d[1].len = BUFFER_SIZE;
	for (unsigned k = chain_length; k + chain_length <= RING_SIZE; k++) {
		ring.d[k] = ring.d[k % chain_length];
		ring.d[k].next = (u16)(k + 1);
	}
	for (unsigned i = 0; i < 50; i++) {
		for (unsigned k = 0; k + chain_length <= RING_SIZE - chain_length;
		     k += chain_length)
			ring.avail[idx++ % RING_SIZE] = (u16)k;
		ring.avail_idx = idx;
		virtio_notify(d, d->queue);
		for (unsigned k = 0; k < 20000 && ring.used_idx != idx; k++)
			(void)virtio_status(d);
	}
}

/* Pages of text.  Only by kind=console, as kind=uart: a log of it is long. */
static void console(void)
{
	const struct device *d = &devices[2];

	if (d->devfn < 0)
		return;
	virtio_up(d, 0);
	virtio_chain(d);
	ring.d[0].len = BUFFER_SIZE;
	memset(memory_buffer(0), 'x', BUFFER_SIZE);
	(void)virtio_run(d, 1);
}

static void entropy(void)
{
	const struct device *d = &devices[3];

	for (unsigned i = 0; i < 20; i++)
		(void)virtio_works(d);
}

/* BARs and PAM move: what the machine must rebuild each time. */
static void moves(void)
{
	const struct device *d = &devices[3];

	for (unsigned i = 0; i < 50; i++) {
		pci_write((u8)d->devfn, PCI_BAR0, 4, (u32)(0xd0000000 + 0x4000 * (i % 64)));
		pci_write(0, 0x59 + i % 7, 1, (u32)(i * 0x11));
		reg_write(0xb8000, 2 * (i % 2000), 2, 0x0720);
	}
	pci_write((u8)d->devfn, PCI_BAR0, 4, (u32)d->common);
}

static void registers(void)
{
	for (unsigned i = 0; i < 2000; i++) {
		x86_outl(0xcf8, (u32)rt_random() | (u32)BIT(31));
		(void)x86_inl(0xcfc);
		(void)reg_read(LAPIC, 0x390, 4);
		(void)x86_inl(0x608);
	}
}

NORETURN void storm_main(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} kinds[] = {
		{ "level", level },	{ "timers", timers }, { "own", own },
		{ "frames", frames },	{ "disk", disk },     { "requests", requests },
		{ "entropy", entropy }, { "moves", moves },   { "registers", registers },
	};
	char word[32] = "";

	rt_word("kind", word, sizeof(word));
	rt_print("evil: storming\n");
	while (!strcmp(word, "console"))
		console();
	for (u64 n = 1; !strcmp(word, "uart"); n++)
		rt_print("line %lu, as long as those of a kernel that has much to say\n", n);
	for (u64 round = 0;; round++)
		for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
			if (!*word || !strcmp(word, kinds[i].name))
				kinds[i].run();
}
