/*
 * control.c - CR0, CR4 and CR8, and LMSW: every bit, legal and illegal combinations
 *
 * Owns: the values, and which of them the manual allows in 64-bit mode.
 * Must not know: what the bits do (control_effects.c).
 *
 * Sources: [SDM] vol. 3 "Control Registers" (2.5); vol. 2 "MOV - Move to/from Control Registers",
 * "LMSW", "SMSW", "CLTS"; [APM] vol. 2 "System-Control Registers" (3.1).
 */
#include "control.h"

#include "x86_ops.h"

#define CR0_DEFINED                                                                                \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | \
	 CR0_PG)
#define CR0_VARIED 11
#define RANDOM_CR4 300
#define WORD_VALUE(v) ((u64)(v) << 16)
#define MACHINE_STATUS 0xf

static u64 vector(void)
{
	return rt_faulted() ? WORD_VECTOR(rt_vector) | WORD_ERROR(rt_error) : 0;
}

bool control_on_qemu(void)
{
	return x86_cpuid(0x80000002, 0).eax == 0x554d4551; /* QEMU */
}

bool control_may_break_rules(void)
{
	return systems_virtual() || !control_on_qemu();
}

/* ---- CR0 --------------------------------------------------------------------------------- */

static u64 set_cr0(u64 value)
{
	u64 old = x86_read_cr0(), word, now;

	RT_TRY("mov %0, %%cr0", RT_OUT(), "r"(value));
	word = vector();
	now = x86_read_cr0();
	x86_write_cr0(old);
	return word | WORD_VALUE(now);
}

static bool cr0_allowed(u64 value)
{
	if (value >> 32 || !(value & CR0_PE) || !(value & CR0_PG))
		return false;
	return (value & CR0_CD) || !(value & CR0_NW);
}

static void try_cr0(u64 value)
{
	bool allowed = cr0_allowed(value);

	if (!allowed && !control_may_break_rules())
		return;
	/* The name that the census has for it. */
	if ((value & (CR0_NW | CR0_CD)) == CR0_NW && rt_avoids("cr0.nw"))
		return;
	systems_try(allowed, set_cr0(value),
		    allowed ? WORD_VALUE((value & CR0_DEFINED) | CR0_ET)
			    : WORD_VECTOR(VECTOR_GP) | WORD_VALUE(x86_read_cr0()),
		    0);
}

static u64 spread(unsigned n)
{
	static const u64 bits[CR0_VARIED] = { CR0_MP, CR0_EM, CR0_TS, CR0_ET, CR0_NE, CR0_WP,
					      CR0_AM, CR0_NW, CR0_CD, CR0_PE, CR0_PG };
	u64 value = 0;

	for (unsigned i = 0; i < CR0_VARIED; i++)
		value |= n & 1u << i ? bits[i] : 0;
	return value;
}

static void cr0(void)
{
	const u64 base = x86_read_cr0();

	systems_begin("control.cr0");
	for (unsigned n = 0; n < 1u << CR0_VARIED; n++)
		if (cr0_allowed(spread(n)))
			try_cr0(spread(n));
	for (unsigned i = 0; i < 32; i++)
		if (BIT(i) & ~CR0_DEFINED)
			try_cr0(base | BIT(i));
	systems_end();
	if (!control_may_break_rules())
		return;
	systems_begin("control.cr0.illegal");
	for (unsigned n = 0; n < 1u << CR0_VARIED; n++)
		if (!cr0_allowed(spread(n)) && systems_chosen(25))
			try_cr0(spread(n));
	for (unsigned i = 32; i < 64; i++)
		try_cr0(base | BIT(i));
	systems_end();
}

/* LMSW: four bits, and PE is only ever set; CLTS: one. */
static void machine_status(void)
{
	const u64 base = x86_read_cr0();
	u64 r, full;
	u16 m;

	systems_begin("control.msw");
	for (unsigned from = 0; from <= MACHINE_STATUS; from++)
		for (unsigned to = 0; to <= MACHINE_STATUS; to++) {
			u64 before = (base & ~(u64)MACHINE_STATUS) | from | CR0_PE;
			u32 upper = (u32)rt_random() & ~(u32)MACHINE_STATUS;

			x86_write_cr0(before);
			if (to & 1)
				__asm__ volatile("lmsw %w0" ::"r"(upper | to));
			else
				__asm__ volatile("lmsw %0" ::"m"(*(u16[]){ (u16)(upper | to) }));
			systems_try(0, x86_read_cr0(),
				    (before & ~(u64)MACHINE_STATUS) | to | CR0_PE, 0);
			__asm__ volatile("clts");
			systems_try(1, x86_read_cr0(),
				    ((before & ~(u64)MACHINE_STATUS) | to | CR0_PE) & ~CR0_TS, 0);
		}
	x86_write_cr0(base);
	r = ~0ull;
	full = ~0ull;
	__asm__ volatile("smsw %w0; smsw %1; smsw %2" : "+r"(r), "+r"(full), "=m"(m));
	systems_try(2, r, (~0ull << 16) | (base & 0xffff), 0);
	systems_try(3, full, base, 0);
	systems_try(4, m, base & 0xffff, 0);
	systems_end();
}

/* ---- CR4 --------------------------------------------------------------------------------- */

static const struct {
	u32 leaf;
	u8 reg, bit; /* reg: 1 EBX, 2 ECX, 3 EDX */
	u64 bits;
} promises[] = {
	{ 1, 3, 1, CR4_VME | CR4_PVI }, { 1, 3, 4, CR4_TSD },	   { 1, 3, 2, CR4_DE },
	{ 1, 3, 3, CR4_PSE },		{ 1, 3, 6, CR4_PAE },	   { 1, 3, 7, CR4_MCE },
	{ 1, 3, 13, CR4_PGE },		{ 1, 3, 24, CR4_OSFXSR },  { 1, 3, 25, CR4_OSXMMEXCPT },
	{ 7, 2, 2, CR4_UMIP },		{ 7, 2, 16, CR4_LA57 },	   { 1, 2, 5, CR4_VMXE },
	{ 1, 2, 6, CR4_SMXE },		{ 7, 1, 0, CR4_FSGSBASE }, { 1, 2, 17, CR4_PCIDE },
	{ 1, 2, 26, CR4_OSXSAVE },	{ 7, 2, 23, BIT(19) },	   { 7, 1, 7, CR4_SMEP },
	{ 7, 1, 20, CR4_SMAP },		{ 7, 2, 3, CR4_PKE },	   { 7, 2, 7, CR4_CET },
	{ 7, 3, 20, CR4_CET },		{ 7, 2, 31, CR4_PKS },	   { 7, 3, 5, BIT(25) },
};

u64 control_cr4(void)
{
	u64 bits = CR4_PCE; /* of old: nothing announces RDPMC */

	for (unsigned i = 0; i < ARRAY_SIZE(promises); i++) {
		const struct cpuid_regs r = x86_cpuid(promises[i].leaf, 0);
		const u32 reg = promises[i].reg == 1 ? r.ebx : promises[i].reg == 2 ? r.ecx : r.edx;

		if (reg & BIT(promises[i].bit))
			bits |= promises[i].bits;
	}
	return bits;
}

static u64 set_cr4(u64 value)
{
	u64 old = x86_read_cr4(), word, now;

	RT_TRY("mov %0, %%cr4", RT_OUT(), "r"(value));
	word = vector();
	now = x86_read_cr4();
	x86_write_cr4(old);
	return word | WORD_VALUE(now);
}

/* In IA-32e mode, with the PCID of CR3 zero. */
static bool cr4_allowed(u64 value)
{
	const u64 changed = value ^ x86_read_cr4();

	if (value & ~control_cr4() || !(value & CR4_PAE) || changed & CR4_LA57)
		return false;
	return (x86_read_cr0() & CR0_WP) || !(value & CR4_CET);
}

static void try_cr4(unsigned tag, u64 value)
{
	bool allowed = cr4_allowed(value);

	systems_try(
	    tag, set_cr4(value),
	    allowed ? WORD_VALUE(value) : WORD_VECTOR(VECTOR_GP) | WORD_VALUE(x86_read_cr4()), 0);
}

/* There are as many cases with one set of features as with another. */
static void try_or_count(unsigned tag, u64 value, bool wanted)
{
	if (wanted)
		try_cr4(tag, value);
	else
		systems_try(tag, 0, 0, 0);
}

/* Those may be the bare machine's alone, or have consequences of their own. */
#define CR4_NOT_BARE (CR4_VMXE | CR4_SMXE | CR4_CET | BIT(19) | BIT(25))

static void cr4(void)
{
	const u64 base = x86_read_cr4(), there = control_cr4() & ~CR4_NOT_BARE & ~CR4_LA57;

	systems_begin("control.cr4");
	for (unsigned i = 0; i < 32; i++)
		try_or_count(i, base ^ BIT(i), (BIT(i) & there & ~CR4_PAE) != 0);
	for (unsigned i = 0; i < RANDOM_CR4; i++)
		try_cr4(32, (rt_random() & there) | CR4_PAE);
	systems_end();
	if (!control_may_break_rules())
		return;
	systems_begin("control.cr4.illegal");
	for (unsigned i = 0; i < 64; i++)
		try_or_count(i, base ^ BIT(i), BIT(i) & (~there | CR4_PAE) & ~CR4_NOT_BARE);
	for (unsigned i = 0; i < RANDOM_CR4; i++)
		try_cr4(64, ((rt_random() & there) | CR4_PAE) ^ BIT(rt_random() % 64 | 32));
	systems_end();
	if (!systems_virtual())
		return;
	/* Nobody but the bare machine has these. */
	systems_begin("control.cr4.hidden");
	for (unsigned i = 0; i < 32; i++)
		if (BIT(i) & CR4_NOT_BARE & ~control_cr4())
			try_cr4(i, base ^ BIT(i));
	systems_end();
}

/* PCIDE is set only with PCID zero; then MOV to CR3 has a PCID, and bit 63 is not kept. */
static void pcids(void)
{
	const u64 cr3 = x86_read_cr3(), cr4 = x86_read_cr4();
	u64 now;

	if (!(control_cr4() & CR4_PCIDE))
		return;
	systems_begin("control.pcid");
	for (unsigned i = 0; i < 12; i++) {
		x86_write_cr4(cr4 | CR4_PCIDE);
		for (unsigned keep = 0; keep < 2; keep++) {
			RT_TRY("mov %0, %%cr3", RT_OUT(),
			       "r"(cr3 | BIT(i) | (keep ? CR3_NOFLUSH : 0)));
			now = x86_read_cr3();
			systems_try(keep, vector() | WORD_VALUE(now), WORD_VALUE(cr3 | BIT(i)), 0);
		}
		/* PCIDE goes with any PCID, and does not come back. */
		x86_write_cr4(cr4);
		RT_TRY("mov %0, %%cr4", RT_OUT(), "r"(cr4 | CR4_PCIDE));
		systems_try(2, vector() | WORD_VALUE(x86_read_cr4()),
			    WORD_VECTOR(VECTOR_GP) | WORD_VALUE(cr4), 0);
		x86_write_cr3(cr3);
		x86_write_cr4(cr4);
	}
	systems_end();
}

/* ---- CR8 --------------------------------------------------------------------------------- */

static void cr8(void)
{
	u64 now;

	systems_begin("control.cr8");
	for (u64 i = 0; i < 16; i++) {
		RT_TRY("mov %0, %%cr8", RT_OUT(), "r"(i));
		__asm__ volatile("mov %%cr8, %0" : "=r"(now));
		systems_try(0,
			    vector() | WORD_VALUE(now) |
				(u64)(*(volatile u32 *)(APIC_DEFAULT_BASE + 0x80) & 0xff) << 32,
			    WORD_VALUE(i) | i << 36, 0);
	}
	systems_end();
	if (control_may_break_rules()) {
		systems_begin("control.cr8.illegal");
		for (unsigned i = 4; i < 64; i++) {
			RT_TRY("mov %0, %%cr8", RT_OUT(), "r"(BIT(i)));
			__asm__ volatile("mov %%cr8, %0" : "=r"(now));
			systems_try(1, vector() | WORD_VALUE(now),
				    WORD_VECTOR(VECTOR_GP) | WORD_VALUE(15), 0);
		}
		systems_end();
	}
	__asm__ volatile("mov %0, %%cr8" ::"r"(0ull));
}

void systems_control(void)
{
	cr0();
	machine_status();
	cr4();
	pcids();
	cr8();
	control_effects();
	control_xcr0();
	control_activate();
}
