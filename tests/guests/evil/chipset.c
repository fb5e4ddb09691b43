/* chipset.c - see evil.h: what is older than PCI, and what came with ACPI */
#include "evil.h"

#include "lib/string.h"

#define LAPIC 0xfee00000u
#define IOAPIC 0xfec00000u
#define FWCFG_SELECT 0x510
#define FWCFG_DMA 0x514
#define PM_BASE 0x600
#define PM_CONTROL (PM_BASE + 4)
#define PM_TIMER (PM_BASE + 8)
#define SLEEP_ENABLE BIT(13)
#define I8042_DATA 0x60
#define I8042 0x64

/* ---- fw_cfg -------------------------------------------------------------------------- */

static u32 big32(u32 value)
{
	return __builtin_bswap32(value);
}

struct request {
	u32 control, length;
	u64 address;
};

static void start(u64 request)
{
	x86_outl(FWCFG_DMA, big32((u32)(request >> 32)));
	x86_outl(FWCFG_DMA + 4, big32((u32)request));
}

/* The control word that comes back: 0, or 1 for an error. */
static u32 dma(u32 control, u64 address, u32 length)
{
	volatile struct request *r = (volatile struct request *)(void *)memory_buffer(6);

	r->control = big32(control);
	r->length = big32(length);
	r->address = __builtin_bswap64(address);
	start((u64)(uintptr_t)r);
	return big32(r->control);
}

static void fwcfg(void)
{
	static const u64 bad[] = {
		0xd0000000, LAPIC, 0xfffff000, BIT(32), BIT(63), -4096ull, ~0ull
	};
	const u32 read = 2, select = 8 | 0x19u << 16;
	unsigned errors = 0, wanted = 0;

	/* Is it there at all? */
	if (dma(select | read, (u64)(uintptr_t)memory_buffer(7), 4)) {
		verdict(false, "fw_cfg: its directory can be read");
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++, wanted++)
		errors += dma(select | read, bad[i], 64) == 1;
	errors += dma(select | read, memory_end() - 4, 64) == 1;
	errors += dma(select | read, 0, ~0u) == 1;
	errors += dma(select | read, memory_end() - 4, ~0u) == 1;
	errors += dma(select | read, ~0ull - 3, ~0u) == 1;
	errors += dma(16, (u64)(uintptr_t)memory_buffer(7), 4) == 1; /* a write */
	wanted += 5;
	verdict(errors == wanted, "fw_cfg: %u of %u impossible transfers are errors", errors,
		wanted);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		start(bad[i]);
	start(memory_end() - 8);
	for (unsigned i = 0; i < 2000; i++) {
		u16 port = (u16)(FWCFG_SELECT + rt_random() % 4);

		if (rt_random() & 1)
			x86_outw(port, (u16)rt_random());
		else
			x86_outb(port, (u8)rt_random());
		(void)x86_inl(port);
	}
	(void)dma(4, 0, ~0u); /* skip all there is, and more */
	verdict(!dma(select | read, (u64)(uintptr_t)memory_buffer(7), 4),
		"fw_cfg: works afterwards");
}

/* ---- Ports -------------------------------------------------------------------------------- */

static void out(u16 port, unsigned kind, u32 value)
{
	if (kind % 3 == 0)
		x86_outb(port, (u8)value);
	else if (kind % 3 == 1)
		x86_outw(port, (u16)value);
	else
		x86_outl(port, value);
}

/* Random writes of all widths to first..last, and reads. */
static void storm(u16 first, u16 last, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		u16 port = (u16)(first + rt_random() % (last - first + 1u));
		unsigned width = (unsigned)(rt_random() % 3);

		/* What is wider must not reach beyond. */
		if (port + (1u << width) - 1 > last)
			width = 0;
		out(port, width, (u32)rt_random());
		(void)x86_inl(port);
	}
}

/*
 * Commands that are the end of us are left out: 0xf0-0xff pulse the reset line, 0xd1 sets it, and
 * 0xdd takes us our odd megabytes (gate A20).
 */
static void i8042(void)
{
	for (unsigned i = 0; i < 3000; i++) {
		u8 command = (u8)rt_random();

		if (command >= 0xf0 || command == 0xd1 || command == 0xdd)
			continue;
		x86_outb(I8042, command);
		x86_outb(I8042_DATA, (u8)rt_random());
		(void)x86_inb(I8042_DATA);
		(void)x86_inb(I8042);
	}
}

/* The line is not written to: it is what we speak by. */
static void uart(void)
{
	for (unsigned i = 0; i < 3000; i++) {
		static const u16 port[] = { 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff };

		x86_outb(port[rt_random() % ARRAY_SIZE(port)], (u8)rt_random());
		(void)x86_inb(0x3f8);
		(void)x86_inb(0x3fa);
	}
	x86_outb(0x3fb, 3);
	verdict(x86_inb(0x3fb) == 3, "the UART takes orders after a storm");
}

static void power(void)
{
	u32 first, second;

	for (unsigned type = 1; type < 8; type++) {
		x86_outw(PM_CONTROL, (u16)(type << 10));
		x86_outw(PM_CONTROL, (u16)(type << 10 | SLEEP_ENABLE));
	}
	for (unsigned i = 0; i < 1000; i++) {
		u16 port = (u16)(PM_BASE + rt_random() % 64);

		/* Type 0 is off. */
		if (port >= PM_CONTROL - 3 && port < PM_TIMER)
			continue;
		out(port, port >= PM_BASE + 60 ? 0 : (unsigned)rt_random(), (u32)rt_random());
	}
	x86_outl(PM_TIMER, 0);
	first = x86_inl(PM_TIMER);
	for (unsigned i = 0; i < 100000 && x86_inl(PM_TIMER) == first; i++)
		x86_pause();
	second = x86_inl(PM_TIMER);
	verdict(first != second, "the PM timer runs after sleeps of the wrong types");
}

static void rtc(void)
{
	u8 seen;

	for (unsigned i = 0; i < 3000; i++) {
		x86_outb(0x70, (u8)rt_random());
		x86_outb(0x71, (u8)rt_random());
		(void)x86_inb(0x71);
	}
	x86_outb(0x70, 0x0d);
	seen = x86_inb(0x71);
	verdict(seen & 0x80, "the RTC says that its battery is good after a storm");
	x86_outb(0x70, 0x0b);
	x86_outb(0x71, 0x02);
}

/* The screen: its registers in all widths, and its memory in all modes that they make. */
static void vga(void)
{
	for (unsigned i = 0; i < 40; i++) {
		storm(0x3c0, 0x3df, 60);
		for (unsigned k = 0; k < 40; k++) {
			u64 at = 0xa0000 + rt_random() % 0x1fff8;
			unsigned size = 1u << rt_random() % 4;

			reg_write(at, 0, size, rt_random());
			(void)reg_read(at, 0, size);
		}
	}
	__asm__ volatile("rep stosb" ::"D"(0xa0000), "c"(0x20000), "a"(0) : "memory");
	reg_write(0xb8000, 0, 8, 0);
}

/* ---- IOAPIC, local APIC ------------------------------------------------------------------------
 */

static void ioapic(void)
{
	volatile u32 *select = (volatile u32 *)(uintptr_t)IOAPIC, *window = select + 4;
	u32 version;

	*select = 1;
	version = *window;
	for (unsigned i = 0; i < 5000; i++) {
		*select = (u32)rt_random() & 0x3f;
		*window = ((u32)rt_random() & ~0x700u) | 0x100; /* no INIT to oneself */
		(void)*window;
	}
	for (unsigned i = 0; i < 1000; i++)
		reg_write(IOAPIC, (unsigned)(rt_random() % 0xff0), 1u << rt_random() % 4,
			  rt_random() & ~0x700ull);
	for (unsigned n = 0x10; n < 0x40; n++) {
		*select = n;
		*window = n & 1 ? 0 : 0x10000; /* masked */
	}
	*select = 1;
	verdict(*window == version, "the IOAPIC's version is what it was");
}

static void lapic(void)
{
	u32 version = *(volatile u32 *)(uintptr_t)(LAPIC + 0x30);

	for (unsigned i = 0; i < 5000; i++) {
		unsigned offset = (unsigned)(rt_random() % 0x400) & ~0xfu;

		if (offset == 0x300) /* ICR: INIT to oneself is an end */
			continue;
		reg_write(LAPIC, offset + (rt_random() & 1 ? 0 : (unsigned)rt_random() % 9),
			  1u << rt_random() % 4, rt_random() & ~0x700ull);
	}
	for (unsigned lvt = 0x2f0; lvt <= 0x370; lvt += 0x10)
		if (lvt != 0x300 && lvt != 0x310)
			reg_write(LAPIC, lvt, 4, 0x10000);
	reg_write(LAPIC, 0x380, 4, 0);
	reg_write(LAPIC, 0xf0, 4, 0xff);
	reg_write(LAPIC, 0x80, 4, 0);
	verdict(*(volatile u32 *)(uintptr_t)(LAPIC + 0x30) == version,
		"the local APIC's version is what it was");
}

void chipset_main(void)
{
	if (!rt_has("fwcfg", "0"))
		fwcfg();
	storm(0x20, 0x21, 2000);
	storm(0xa0, 0xa1, 2000);
	storm(0x4d0, 0x4d1, 500);
	storm(0x40, 0x43, 3000);
	for (unsigned i = 0; i < 1000; i++)
		x86_outb(0x61, (u8)rt_random());
	x86_outb(0x61, 0);
	rt_pic(0xffff);
	i8042();
	uart();
	rtc();
	power();
	vga();
	ioapic();
	lapic();
	rt_pic(0xffff);
}
