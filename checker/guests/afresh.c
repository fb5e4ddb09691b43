/* afresh.c - see afresh.h */
#include "afresh.h"

#include "registers.h"
#include "rt/rt.h"
#include "x86_ops.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define CMOS_BOOT 0x5a /* one that nobody uses */
#define BOOTED 0xa6
#define RESET_CONTROL 0xcf9
#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc
#define PCI_ENABLE 0x80000000u
#define PCI_FUNCTIONS 256
#define PCI_STATUS_BITS 0xffff0000u /* of dword 4: written by 1s, changed by events */
#define PIIX4 (1 << 3 | 3)
#define PIIX4_ID 0x71138086u
#define PMBASE_BITS 0xffc0u
#define IOAPIC 0xfec00000ull
#define IOAPIC_DATA 0x10
#define IOAPIC_ENTRIES 24

static unsigned boot;

static void tell(const char *name, u64 value)
{
	rt_record("afresh boot=%u %s=0x%lx", boot, name, value);
}

/* ---- Of the CPU ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	u32 index;
	u64 spoiled;
} msrs[] = {
	{ "STAR", MSR_STAR, 0x123400000000 },
	{ "LSTAR", MSR_LSTAR, 0x1000 },
	{ "CSTAR", MSR_CSTAR, 0x2000 },
	{ "SFMASK", MSR_SFMASK, 0x200 },
	{ "KERNEL_GS_BASE", MSR_KERNEL_GS_BASE, 0x3000 },
	{ "FS_BASE", MSR_FS_BASE, 0x4000 },
	{ "GS_BASE", MSR_GS_BASE, 0x5000 },
	{ "SYSENTER_CS", MSR_SYSENTER_CS, 0x8 },
	{ "SYSENTER_ESP", MSR_SYSENTER_ESP, 0x6000 },
	{ "SYSENTER_EIP", MSR_SYSENTER_EIP, 0x7000 },
	{ "PAT", MSR_PAT, 0x0506040104070406 },
	{ "TSC_AUX", MSR_TSC_AUX, 0x77 },
	{ "APIC_BASE", MSR_APIC_BASE, 0 }, /* 0: told only */
	{ "MTRR_DEF_TYPE", MSR_MTRR_DEF_TYPE, 0xc00 },
	{ "MTRR_PHYS_BASE0", MSR_MTRR_PHYSBASE0, 0x80000000 },
	{ "MTRR_FIX64K", MSR_MTRR_FIX64K_00000, 0 },
	{ "DEBUGCTL", MSR_DEBUGCTL, 1 },
};

static const struct {
	const char *name;
	u32 offset, mask, spoiled; /* mask 0: told only */
} lapic[] = {
	{ "ID", 0x20, 0, 0 },
	{ "TPR", 0x80, ~0u, 0x90 },
	{ "LDR", 0xd0, ~0u, 0x4000000 },
	{ "DFR", 0xe0, ~0u, 0x0fffffff },
	{ "SVR", 0xf0, ~0u, 0x1e0 },
	{ "IRR", 0x220, 0, 0 },
	{ "ESR", 0x280, 0, 0 },
	{ "ICR", 0x300, ~0u, 0x44050 }, /* to itself: vector 0x50 waits behind TPR */
	{ "ICR_HIGH", 0x310, ~0u, 0x3000000 },
	{ "LVT_TIMER", 0x320, ~0u, 0x20051 },
	{ "LVT_PERF", 0x340, ~0u, 0x52 },
	{ "LVT_LINT0", 0x350, ~0u, 0x10053 },
	{ "LVT_LINT1", 0x360, ~0u, 0x10054 },
	{ "LVT_ERROR", 0x370, ~0u, 0x55 },
	{ "DIVIDE", 0x3e0, ~0u, 0xb },
	{ "COUNT", 0x380, ~0u, 0xffffff00 },
};

static volatile u32 *lapic_register(u32 offset)
{
	return (volatile u32 *)(APIC_DEFAULT_BASE + offset);
}

#define DR_GET(n, v) __asm__ volatile("mov %%dr" #n ", %0" : "=r"(v))

static void tell_cpu(u64 seed)
{
	u64 dr[8] = { 0 }, value;

	tell("registers-of-before", registers_kept(seed));
	DR_GET(0, dr[0]);
	DR_GET(1, dr[1]);
	DR_GET(2, dr[2]);
	DR_GET(3, dr[3]);
	DR_GET(6, dr[6]);
	DR_GET(7, dr[7]);
	tell("DR0-3", dr[0] | dr[1] | dr[2] | dr[3]);
	tell("DR6", dr[6]);
	tell("DR7", dr[7]);
	__asm__ volatile("mov %%cr8, %0" : "=r"(value));
	tell("CR8", value);
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		tell(msrs[i].name, rt_rdmsr(msrs[i].index, &value) ? value : 0xbad);
	for (unsigned i = 0; i < ARRAY_SIZE(lapic); i++)
		tell(lapic[i].name, *lapic_register(lapic[i].offset));
}

/* What all CPUs have gets its values from the seed as well. */
static void spoil_cpu(u64 seed)
{
	for (unsigned i = 0; i < ARRAY_SIZE(lapic); i++)
		if (lapic[i].mask)
			*lapic_register(lapic[i].offset) = lapic[i].spoiled;
	registers_set(seed);
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		if (msrs[i].spoiled)
			rt_wrmsr(msrs[i].index, msrs[i].spoiled);
}

/* ---- Of the chips -------------------------------------------------------------------------- */

/* A register behind an index, or none (index NO_INDEX). */
#define NO_INDEX 0x100
static const struct {
	const char *name;
	u16 index_port, index, port;
	u8 mask, spoiled; /* what is told; the rest is time, or an input */
} chips[] = {
	{ "rtc.a", CMOS_INDEX, 0xa, CMOS_DATA, 0x7f, 0x2f },
	{ "rtc.b", CMOS_INDEX, 0xb, CMOS_DATA, 0x78, 0x72 },
	{ "elcr.0", 0, NO_INDEX, 0x4d0, 0xff, 0x20 },
	{ "elcr.1", 0, NO_INDEX, 0x4d1, 0xff, 0x0e },
	{ "pic.imr.0", 0, NO_INDEX, 0x21, 0xff, 0xfb },
	{ "pic.imr.1", 0, NO_INDEX, 0xa1, 0xff, 0xee },
	{ "system.b", 0, NO_INDEX, 0x61, 0x0f, 0x0d },
	{ "uart.ier", 0, NO_INDEX, 0x2f9, 0x0f, 0x0f },
	{ "uart.lcr", 0, NO_INDEX, 0x2fb, 0xff, 0x1b },
	{ "uart.mcr", 0, NO_INDEX, 0x2fc, 0x1f, 0x1b },
	{ "vga.misc", 0, NO_INDEX, 0x3cc, 0xff, 0 },
	{ "vga.dac-mask", 0, NO_INDEX, 0x3c6, 0xff, 0x0f },
	{ "vga.sequencer.2", 0x3c4, 2, 0x3c5, 0x0f, 0x08 },
	{ "vga.sequencer.4", 0x3c4, 4, 0x3c5, 0x0e, 0x0e },
	{ "vga.graphics.5", 0x3ce, 5, 0x3cf, 0x7b, 0x41 },
	{ "vga.graphics.6", 0x3ce, 6, 0x3cf, 0x0f, 0x05 },
	{ "vga.graphics.8", 0x3ce, 8, 0x3cf, 0xff, 0x5a },
	{ "vga.crtc.0a", 0x3d4, 0x0a, 0x3d5, 0x3f, 0x2e },
	{ "vga.crtc.0c", 0x3d4, 0x0c, 0x3d5, 0xff, 0x12 },
	{ "vga.crtc.0e", 0x3d4, 0x0e, 0x3d5, 0xff, 0x34 },
	{ "apm.status", 0, NO_INDEX, 0xb3, 0xff, 0x5c },
};

static void select(unsigned i)
{
	if (chips[i].index != NO_INDEX)
		x86_outb(chips[i].index_port, (u8)chips[i].index);
}

/* Bits 5:0 of a counter's status: how it was programmed. */
static void tell_pit(void)
{
	for (unsigned n = 0; n < 3; n++) {
		char name[] = "pit.0";

		name[4] = (char)('0' + n);
		x86_outb(0x43, (u8)(0xe0 | 2u << n));
		tell(name, x86_inb((u16)(0x40 + n)) & 0x3f);
	}
}

static void spoil_pit(void)
{
	static const u8 control[] = { 0x36, 0x58, 0xb3 };

	for (unsigned n = 0; n < 3; n++) {
		x86_outb(0x43, control[n]);
		x86_outb((u16)(0x40 + n), 0x99);
		x86_outb((u16)(0x40 + n), 0x09);
	}
}

static u32 ioapic(u32 index)
{
	*(volatile u32 *)IOAPIC = index;
	return *(volatile u32 *)(IOAPIC + IOAPIC_DATA);
}

static void ioapic_write(u32 index, u32 value)
{
	*(volatile u32 *)IOAPIC = index;
	*(volatile u32 *)(IOAPIC + IOAPIC_DATA) = value;
}

static void tell_ioapic(void)
{
	u64 sum = 0;

	tell("ioapic.id", ioapic(0));
	for (u32 i = 0; i < 2 * IOAPIC_ENTRIES; i++)
		sum = (sum ^ ioapic(0x10 + i)) * 0x100000001b3ull;
	tell("ioapic.entries", sum);
}

static void spoil_ioapic(void)
{
	ioapic_write(0, 5u << 24);
	for (u32 i = 0; i < IOAPIC_ENTRIES; i++) {
		ioapic_write(0x11 + 2 * i, 0x7000000);
		ioapic_write(0x10 + 2 * i, 0x10060 + i + (i % 3 ? 0x8000 : 0));
	}
}

static u32 pci_read(unsigned devfn, unsigned offset)
{
	x86_outl(PCI_ADDRESS, PCI_ENABLE | devfn << 8 | offset);
	return x86_inl(PCI_DATA);
}

static void pci_write(unsigned devfn, unsigned offset, u32 value)
{
	x86_outl(PCI_ADDRESS, PCI_ENABLE | devfn << 8 | offset);
	x86_outl(PCI_DATA, value);
}

static u16 pm_base(void)
{
	return pci_read(PIIX4, 0) == PIIX4_ID ? (u16)(pci_read(PIIX4, 0x40) & PMBASE_BITS) : 0;
}

static void tell_pci(void)
{
	char name[] = "pci.00";
	u16 pm = pm_base();

	tell("pm.enable", pm ? x86_inw((u16)(pm + 2)) : 0);
	tell("pm.control", pm ? x86_inw((u16)(pm + 4)) & 0x1c03 : 0);
	for (unsigned devfn = 0; devfn < PCI_FUNCTIONS; devfn++) {
		u64 sum = 0;

		if (pci_read(devfn, 0) == ~0u)
			continue;
		for (unsigned at = 0; at < 256; at += 4)
			sum = (sum ^ (pci_read(devfn, at) & (at == 4 ? ~PCI_STATUS_BITS : ~0u))) *
			      0x100000001b3ull;
		name[4] = "0123456789abcdef"[devfn >> 4];
		name[5] = "0123456789abcdef"[devfn & 15];
		tell(name, sum);
	}
}

/* Headers, and what steers interrupts and memory below 1 MiB. */
static void spoil_pci(void)
{
	u16 pm = pm_base();

	if (pm)
		x86_outw((u16)(pm + 2), 0x101);
	for (unsigned devfn = 0; devfn < PCI_FUNCTIONS; devfn++) {
		if (pci_read(devfn, 0) == ~0u)
			continue;
		for (unsigned bar = 0x10; bar < 0x28; bar += 4)
			pci_write(devfn, bar, 0xd0000000u + devfn * 0x100000u + (bar << 12));
		pci_write(devfn, 0x3c, 0x55);
		pci_write(devfn, 4, 0);
	}
	pci_write(0, 0x58, 0x11110000);	     /* PAM of an i440FX */
	pci_write(1 << 3, 0x60, 0x8b0a0b0a); /* PIRQs of a PIIX3 */
}

static void tell_chips(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(chips); i++) {
		select(i);
		tell(chips[i].name, x86_inb(chips[i].port) & chips[i].mask);
	}
	tell_pit();
	tell_ioapic();
	tell_pci();
}

static void spoil_chips(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(chips); i++) {
		select(i);
		x86_outb(chips[i].port, chips[i].spoiled);
	}
	x86_outb(0x3c2, 0x66);
	spoil_pit();
	spoil_ioapic();
	spoil_pci();
}

/* ---- Twice ---------------------------------------------------------------------------------- */

static u8 cmos_boot(void)
{
	x86_outb(CMOS_INDEX, CMOS_BOOT);
	return x86_inb(CMOS_DATA);
}

static NORETURN void reset(void)
{
	x86_outb(CMOS_INDEX, CMOS_BOOT);
	x86_outb(CMOS_DATA, BOOTED);
	x86_outb(RESET_CONTROL, 2);
	x86_outb(RESET_CONTROL, 6);
	for (;;)
		x86_pause();
}

unsigned afresh(u64 seed)
{
	boot = cmos_boot() == BOOTED ? 2 : 1;
	tell_chips();
	tell_cpu(seed);
	if (boot == 1) {
		spoil_chips();
		spoil_cpu(seed);
		reset();
	}
	rt_record("afresh-end");
	return 0;
}
