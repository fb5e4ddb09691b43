/*
 * devices.c - the devices of a PC, each in a state that it does not have by itself
 *
 * Owns: what is written to them.
 * Must not know: the CPU's registers, how a state is taken.
 *
 * What moves with time is started so that it comes to rest before the state is taken, or moves for
 * longer than the test takes; the rest is declared (tests/system/state.declared).
 *
 * Sources: those of hv/dev.
 */
#include "state.h"

#include "lib/string.h"
#include "x86_ops.h"

static void out(u16 port, u8 value)
{
	x86_outb(port, value);
}

/* Ports and values: mostly an index register and its data. */
static void out_all(const u16 (*writes)[2], unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		out(writes[i][0], (u8)writes[i][1]);
}

/* ---- Old ones ----------------------------------------------------------------------------- */

#define PIC_MASTER_MASK 0x21
#define PIC_SLAVE_MASK 0xa1
#define PIT_CONTROL 0x43
#define SYSTEM_CONTROL 0x61
#define SYSTEM_GATE2 1
#define SYSTEM_OUT2 BIT(5)
#define PIT_MAX 0xff

void devices_wait(void)
{
	out(SYSTEM_CONTROL, 0);
	out(PIT_CONTROL, 0xb0); /* channel 2, mode 0, 65,535 periods of 838 ns */
	out(0x42, PIT_MAX);
	out(0x42, PIT_MAX);
	out(SYSTEM_CONTROL, SYSTEM_GATE2);
	while (!(x86_inb(SYSTEM_CONTROL) & SYSTEM_OUT2))
		for (unsigned i = 0; i < 1000; i++)
			x86_pause();
}

/* Channel 0 comes to its end, and its interrupt waits in the 8259, which masks it. */
static const u16 old_writes[][2] = {
	{ PIT_CONTROL, 0x30 },
	{ 0x40, 0x10 },
	{ 0x40, 0 }, /* 0: mode 0, 16 */
	{ PIC_MASTER_MASK, 0xfb },
	{ PIC_SLAVE_MASK, 0xef },
	{ 0x4d0, 0x20 },
	{ 0x4d1, 0x0c }, /* ELCR: 5, 10, 11 are levels */
	{ 0x20, 0x0b },	 /* OCW3: reads give the ISR */
	{ 0xa0, 0xc3 },	 /* OCW2: the lowest priority is 3 */
	{ 0x3f8 + 3, 0x80 },
	{ 0x3f8, 3 },
	{ 0x3f9, 1 },
	{ 0x3f8 + 3, 0x1b }, /* UART: divisor, 8E1 */
	{ 0x3f8 + 7, 0x5a },
	{ 0x3f8 + 4, 0x0b },
	{ 0x3f8 + 1, 0x05 },
	{ 0x70, 0x0a },
	{ 0x71, 0x2f }, /* RTC: the rate of its ticks */
	{ 0x70, 0x0b },
	{ 0x71, 0x82 }, /* it stands, at 12:34:56 on Friday, the 7th of February 2025 */
	{ 0x70, 0x00 },
	{ 0x71, 0x56 },
	{ 0x70, 0x02 },
	{ 0x71, 0x34 },
	{ 0x70, 0x04 },
	{ 0x71, 0x12 },
	{ 0x70, 0x06 },
	{ 0x71, 0x06 },
	{ 0x70, 0x07 },
	{ 0x71, 0x07 },
	{ 0x70, 0x08 },
	{ 0x71, 0x02 },
	{ 0x70, 0x09 },
	{ 0x71, 0x25 },
	{ 0x70, 0x01 },
	{ 0x71, 0x11 },
	{ 0x70, 0x03 },
	{ 0x71, 0x22 },
	{ 0x70, 0x05 },
	{ 0x71, 0x23 },
	{ 0x70, 0x40 },
	{ 0x71, 0xa5 },
	{ 0x70, 0x41 },
	{ 0x71, 0x5a },
	{ 0x70, 0x7f },
	{ 0x64, 0x60 },
	{ 0x60, 0x65 }, /* i8042: command byte */
	{ 0x64, 0x65 },
	{ 0x60, 0xc3 }, /* a byte of its RAM */
};

/* ---- VGA ------------------------------------------------------------------------------------ */

#define TEXT 0xb8000

static const u16 screen_writes[][2] = {
	{ 0x3d4, 0x0e }, { 0x3d5, 0x03 }, { 0x3d4, 0x0f }, { 0x3d5, 0x21 }, /* the cursor */
	{ 0x3d4, 0x0a }, { 0x3d5, 0x0e }, { 0x3c8, 0x11 }, { 0x3c9, 0x3f },
	{ 0x3c9, 0x20 }, { 0x3c9, 0x10 }, { 0x3c9, 0x08 }, /* a colour and a part */
	{ 0x3ce, 0x08 }, { 0x3cf, 0xfe },
};

static void screen(void)
{
	volatile u16 *text = (volatile u16 *)TEXT;
	static const char words[] = "here it stands";

	for (unsigned i = 0; words[i]; i++)
		text[i] = (u16)(0x1700 | words[i]);
	out_all(screen_writes, ARRAY_SIZE(screen_writes));
}

/* ---- Local APIC and IOAPIC ------------------------------------------------------------------ */

#define IOAPIC 0xfec00000
#define IOAPIC_WINDOW 4 /* in units of 4 bytes */
#define IOAPIC_ENTRY 0x10

static void apic(unsigned reg, u32 value)
{
	*(volatile u32 *)(APIC_DEFAULT_BASE + reg) = value;
}

static void ioapic(u32 reg, u32 value)
{
	volatile u32 *base = (volatile u32 *)IOAPIC;

	base[0] = reg;
	base[IOAPIC_WINDOW] = value;
}

/* The timer counts down for an hour and more; an interrupt to ourselves waits. */
static const u32 apic_writes[][2] = {
	{ 0xf0, 0x1ef },    { 0xd0, 0x02000000 },  { 0xe0, 0xffffffff }, { 0x350, 0x10700 },
	{ 0x360, 0x00400 }, { 0x370, 0x000fe },	   { 0x340, 0x100fc },	 { 0x3e0, 0x0a },
	{ 0x320, 0x300f0 }, { 0x380, 0xfffffff0 }, { 0x310, 0 },	 { 0x300, 0x04061 },
};

static void apics(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(apic_writes); i++)
		apic(apic_writes[i][0], apic_writes[i][1]);
	ioapic(IOAPIC_ENTRY + 2 * 5, 0x1a955); /* masked, level, low, logical, lowest priority */
	ioapic(IOAPIC_ENTRY + 2 * 5 + 1, 0x03000000);
	ioapic(IOAPIC_ENTRY + 2 * 9, 0x0a059);
	ioapic(IOAPIC_ENTRY + 2 * 9 + 1, 0x01000000);
	*(volatile u32 *)IOAPIC = 1; /* the index stays somewhere */
}

/* ---- PCI: the chipset, and the entropy device with a queue ---------------------------------- */

#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc
#define PCI_ENABLE BIT(31)
#define PCI_COMMAND 4
#define PCI_BAR 0x10
#define PCI_CAPABILITIES 0x34
#define DEVFN(slot, function) ((slot) << 3 | (function))
#define RNG DEVFN(3, 0)
#define PIIX3 DEVFN(1, 0)
#define PIIX4 DEVFN(1, 3)
#define CAP_VENDOR 9
#define CAP_MSIX 0x11
#define COMMON 1 /* cfg_type */
#define MSIX_ON BIT(31)

static void pci_at(unsigned devfn, unsigned reg)
{
	x86_outl(PCI_ADDRESS, PCI_ENABLE | devfn << 8 | reg);
}

static u32 pci_read(unsigned devfn, unsigned reg)
{
	pci_at(devfn, reg);
	return x86_inl(PCI_DATA);
}

static void pci_write(unsigned devfn, unsigned reg, u32 value)
{
	pci_at(devfn, reg);
	x86_outl(PCI_DATA, value);
}

/* The memory behind a BAR, at offset. */
static u8 *bar(unsigned devfn, unsigned number, u32 offset)
{
	return (u8 *)(uintptr_t)((pci_read(devfn, PCI_BAR + 4 * number) & ~0xfu) + offset);
}

static u8 *find_common(unsigned devfn)
{
	for (unsigned cap = pci_read(devfn, PCI_CAPABILITIES) & 0xfc; cap;
	     cap = pci_read(devfn, cap) >> 8 & 0xfc) {
		u32 head = pci_read(devfn, cap);

		if ((head & 0xff) == CAP_VENDOR && head >> 24 == COMMON)
			return bar(devfn, pci_read(devfn, cap + 4) & 0xff,
				   pci_read(devfn, cap + 8));
	}
	return NULL;
}

static void message(unsigned devfn)
{
	for (unsigned cap = pci_read(devfn, PCI_CAPABILITIES) & 0xfc; cap;
	     cap = pci_read(devfn, cap) >> 8 & 0xfc) {
		u32 head = pci_read(devfn, cap), table = pci_read(devfn, cap + 4);
		volatile u32 *entry;

		if ((head & 0xff) != CAP_MSIX)
			continue;
		entry = (volatile u32 *)(void *)bar(devfn, table & 7, table & ~7u);
		entry[0] = 0xfee01000;
		entry[2] = 0x4071;
		entry[3] = 1;
		pci_write(devfn, cap, head | MSIX_ON);
	}
}

static u8 rings[3][PAGE_SIZE] ALIGNED(PAGE_SIZE);

/* [VIRTIO] "Common configuration structure layout" (4.1.4.3) */
static void virtio(unsigned devfn)
{
	u8 *common = find_common(devfn);

	pci_write(devfn, PCI_COMMAND, 6);
	message(devfn);
	if (!common)
		return;
	*(volatile u8 *)(common + 20) = 0;
	*(volatile u8 *)(common + 20) = 3;
	*(volatile u32 *)(void *)(common + 8) = 1;
	*(volatile u32 *)(void *)(common + 12) = 1; /* VERSION_1 */
	*(volatile u8 *)(common + 20) = 11;
	*(volatile u16 *)(void *)(common + 22) = 0;
	*(volatile u16 *)(void *)(common + 24) = 8;
	*(volatile u16 *)(void *)(common + 26) = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(rings); i++) {
		*(volatile u32 *)(void *)(common + 32 + 8 * i) = (u32)(uintptr_t)rings[i];
		*(volatile u32 *)(void *)(common + 36 + 8 * i) = 0;
	}
	*(volatile u16 *)(void *)(common + 28) = 1;
	*(volatile u8 *)(common + 20) = 15;
}

static void chipset(void)
{
	pci_write(0, 0x58, (pci_read(0, 0x58) & 0xffff) | 0x13000000); /* PAM 2 */
	pci_write(PIIX3, 0x60, 0x0b0a8005);
	pci_write(PIIX4, 0x04, pci_read(PIIX4, 0x04));
	virtio(RNG);
	pci_at(PIIX3, 0x4c); /* the address stays somewhere */
}

/* ---- All ------------------------------------------------------------------------------------ */

#define FW_CFG 0x510
#define FW_CFG_DATA 0x511
#define FW_CFG_FILES 0x19

#define BDA_TICKS 0x46c /* the time of day, as firmware counts it */

void devices_set_up(void)
{
	__asm__ volatile("movl %0, (%1)" ::"r"(0x12345), "r"((u64)BDA_TICKS) : "memory");
	out_all(old_writes, ARRAY_SIZE(old_writes));
	screen();
	apics();
	chipset();
	x86_outw(FW_CFG, FW_CFG_FILES);
	for (unsigned i = 0; i < 3; i++)
		x86_inb(FW_CFG_DATA);
}
