/*
 * lapic.c - registers, priorities, messages to oneself, modes of the local APIC
 *
 * Sources: [SDM] vol. 3 "Local APIC" (12.4), "Handling Interrupts" (12.8), "Extended XAPIC
 * (x2APIC)" (12.12).
 */
#include "apic.h"

static const struct {
	const char *name;
	u32 reg;
} registers[] = {
	{ "ID", APIC_ID },	       { "VERSION", APIC_VERSION }, { "TPR", APIC_TPR },
	{ "APR", 0x90 },	       { "PPR", APIC_PPR },	    { "EOI", APIC_EOI },
	{ "LDR", APIC_LDR },	       { "DFR", APIC_DFR },	    { "SVR", APIC_SVR },
	{ "ISR0", APIC_ISR },	       { "TMR0", APIC_TMR },	    { "IRR0", APIC_IRR },
	{ "ICR", APIC_ICR },	       { "ICR_HIGH", APIC_ICR_HIGH }, { "TIMER", APIC_LVT_TIMER },
	{ "THERMAL", 0x330 },	       { "PERF", 0x340 },	    { "LINT0", APIC_LVT_LINT0 },
	{ "LINT1", APIC_LVT_LINT1 },   { "ERROR", APIC_LVT_ERROR }, { "INITIAL", APIC_INITIAL },
	{ "CURRENT", APIC_CURRENT },   { "DIVIDE", APIC_DIVIDE },   { "ESR", APIC_ESR },
};

static void show_all(const char *when)
{
	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++)
		value("%s %s 0x%x", when, registers[i].name, apic_read(registers[i].reg));
}

void check_registers(void)
{
	value("APIC_BASE 0x%lx", x86_rdmsr(MSR_APIC_BASE));
	show_all("start");
	apic_quiet(false);
	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++) {
		u32 reg = registers[i].reg, ones, zeros;

		if (reg == APIC_ICR || reg == APIC_SVR || reg == APIC_INITIAL || reg == APIC_ID)
			continue;
		apic_write(reg, ~0u);
		ones = apic_read(reg);
		apic_write(reg, 0);
		zeros = apic_read(reg);
		if (reg == APIC_LVT_LINT0 || reg == APIC_LVT_LINT1 || reg > APIC_ICR)
			apic_write(reg, reg == APIC_DIVIDE ? DIVIDE_BY_1 : LVT_MASK);
		value("bits %s 0x%x 0x%x", registers[i].name, ones, zeros);
	}
	apic_write(APIC_SVR, ~0u & ~SVR_ON);
	value("bits SVR 0x%x", apic_read(APIC_SVR));
	for (u32 lvt = APIC_LVT_TIMER; lvt <= APIC_LVT_ERROR; lvt += 16)
		apic_write(lvt, 0x50);
	for (u32 lvt = APIC_LVT_TIMER; lvt <= APIC_LVT_ERROR; lvt += 16)
		good(apic_read(lvt) & LVT_MASK, "LVT 0x%x stays masked while the APIC is off", lvt);
	apic_write(APIC_LDR, 0);
	apic_write(APIC_DFR, ~0u);
	apic_quiet(false);
}

/* ---- Vectors ------------------------------------------------------------------------ */

static volatile unsigned depth, deepest;

static void nest(unsigned vector)
{
	depth++;
	deepest = MAX(deepest, depth);
	if (vector == 0x45) {
		apic_send(0, ICR_TO_SELF | 0x35); /* lower: waits */
		apic_send(0, ICR_TO_SELF | 0x4f); /* same class: waits */
		apic_send(0, ICR_TO_SELF | 0x85); /* higher: at once */
		apic_send(0, ICR_TO_SELF | 0x45); /* itself, twice: once more */
		apic_send(0, ICR_TO_SELF | 0x45);
		log_open();
		good(log_count == 2 && log_vector[1] == 0x85, "only a higher class interrupts");
		good(apic_bit(APIC_ISR, 0x45) && apic_bit(APIC_IRR, 0x45),
		     "a vector is in service and requested again");
		good(apic_read(APIC_PPR) == 0x40, "PPR is the class in service (0x%x)",
		     apic_read(APIC_PPR));
		log_hook = NULL;
	}
	apic_eoi();
	depth--;
}

static void check_each(void)
{
	unsigned bad = 0, pending = 0;

	for (unsigned v = 22; v < 256; v++) {
		if (v >= RT_PIC_VECTOR && v < RT_PIC_VECTOR + 16)
			continue;
		log_clear();
		if (v == SPURIOUS)
			apic_write(APIC_SVR, SVR_ON | 0xef);
		apic_send(0, ICR_TO_SELF | v);
		pending += apic_bit(APIC_IRR, v);
		if (v == SPURIOUS)
			log_hook = nest;
		log_open();
		log_hook = NULL;
		bad += !log_is(v) || apic_bit(APIC_ISR, v) || apic_bit(APIC_IRR, v) ||
		       apic_bit(APIC_TMR, v);
	}
	apic_write(APIC_SVR, SVR_ON | SPURIOUS);
	good(pending == 256 - 22 - 16, "each vector waits in IRR while IF is 0 (%u)", pending);
	good(!bad, "each vector arrives once (%u did not)", bad);
}

static void check_order(void)
{
	unsigned bad = 0;

	log_clear();
	for (unsigned v = FIRST_FREE; v < 255; v++)
		apic_send(0, ICR_TO_SELF | (FIRST_FREE + (v * 7 % 207)));
	for (unsigned v = FIRST_FREE; v < 255; v++)
		apic_send(0, ICR_TO_SELF | v);
	for (unsigned i = 0; i < 300; i++)
		log_open();
	for (unsigned i = 0; i < log_count && i < LOG_SIZE; i++)
		bad += log_vector[i] != 254 - i;
	good(log_count == 255 - FIRST_FREE, "all pending at once arrive once each (%u)", log_count);
	good(!bad, "the highest comes first (%u out of order)", bad);
}

static void check_priority(void)
{
	unsigned bad = 0, bad_cr8 = 0, bad_ppr = 0;

	for (u64 t = 0; t < 16; t++) {
		log_clear();
		if (t & 1)
			write_cr8(t);
		else
			apic_write(APIC_TPR, (u32)t << 4 | (t == 6 ? 5 : 0));
		bad_cr8 += read_cr8() != t || apic_read(APIC_TPR) >> 4 != t;
		bad_ppr += apic_read(APIC_PPR) != apic_read(APIC_TPR);
		for (unsigned class = 3; class < 16; class++)
			apic_send(0, ICR_TO_SELF | class << 4 | 5);
		for (unsigned i = 0; i < 20; i++)
			log_open();
		bad += log_count != 15 - MAX(t, 2ull);
		write_cr8(0);
		for (unsigned i = 0; i < 20; i++)
			log_open();
		bad += log_count != 13;
	}
	good(!bad, "TPR holds back its class and lower ones (%u wrong)", bad);
	good(!bad_cr8, "CR8 and TPR are one (%u wrong)", bad_cr8);
	good(!bad_ppr, "PPR is TPR with nothing in service (%u wrong)", bad_ppr);
	apic_write(APIC_TPR, 0x27);
	write_cr8(2);
	value("TPR after CR8 of the same class 0x%x", apic_read(APIC_TPR));
	write_cr8(0);
}

static void keep(unsigned vector UNUSED)
{
}

/* CR8 lowered, TPR written with IF=1: at the next instruction. */
static void check_at_once(void)
{
	log_clear();
	write_cr8(15);
	apic_send(0, ICR_TO_SELF | 0x61);
	__asm__ volatile("sti; nop; nop" ::: "memory");
	good(!log_count, "CR8 holds back while IF is 1");
	write_cr8(0);
	__asm__ volatile("nop; nop" ::: "memory");
	good(log_is(0x61), "lowering CR8 lets it in");
	apic_write(APIC_TPR, 0xf0);
	apic_write(APIC_ICR, ICR_TO_SELF | 0x62);
	apic_write(APIC_TPR, 0);
	__asm__ volatile("nop; nop; cli" ::: "memory");
	good(log_count == 2, "lowering TPR lets it in");

	log_clear();
	log_hook = keep;
	apic_send(0, ICR_TO_SELF | 0x51);
	log_open();
	apic_send(0, ICR_TO_SELF | 0x71);
	log_open();
	good(log_count == 2 && apic_bit(APIC_ISR, 0x51) && apic_bit(APIC_ISR, 0x71),
	     "two are in service");
	apic_eoi();
	good(apic_bit(APIC_ISR, 0x51) && !apic_bit(APIC_ISR, 0x71), "EOI ends the highest");
	apic_eoi();
	apic_eoi();
	good(!apic_bit(APIC_ISR, 0x51), "EOI with nothing in service does nothing");
	log_hook = NULL;
}

void check_vectors(void)
{
	apic_quiet(false);
	check_each();
	check_order();
	check_priority();
	check_at_once();
	log_clear();
	log_hook = nest;
	apic_send(0, ICR_TO_SELF | 0x45);
	log_open();
	log_open();
	log_open();
	good(!log_spurious, "none was spurious (%u)", log_spurious);
	good(log_count == 5 && log_vector[2] == 0x4f && log_vector[3] == 0x45 &&
		 log_vector[4] == 0x35,
	     "the others follow by class, then by vector (%u)", log_count);
	apic_quiet(false);
}

/* ---- Messages --------------------------------------------------------------------------- */

static u32 error_status(void)
{
	apic_write(APIC_ESR, 0);
	return apic_read(APIC_ESR);
}

static bool arrives(u32 dest, u32 icr)
{
	log_clear();
	apic_send(dest, icr | 0x77);
	log_open();
	return log_is(0x77);
}

static volatile unsigned to_send;

static void again(unsigned vector)
{
	if (vector != VECTOR_NMI)
		return;
	for (; to_send; to_send--)
		apic_send(apic_read(APIC_ID) >> 24, MODE_NMI | ICR_ASSERT);
}

static void check_nmi(void)
{
	u32 self = apic_read(APIC_ID) >> 24;

	log_clear();
	apic_send(self, MODE_NMI | ICR_ASSERT);
	good(log_nmis == 1, "an NMI to oneself (%u)", log_nmis);
	log_clear();
	log_hook = again;
	to_send = 3;
	apic_send(self, MODE_NMI | ICR_ASSERT);
	__asm__ volatile("nop; nop; nop" ::: "memory");
	good(log_nmis == 2, "of NMIs inside an NMI one is latched (%u)", log_nmis);
	log_hook = NULL;
	log_clear();
	apic_send(self, MODE_NMI | ICR_ASSERT | 0x31); /* the vector does not matter */
	good(log_nmis == 1 && !log_count, "the vector of an NMI is ignored");
	log_clear();
	write_cr8(15);
	apic_send(self, MODE_NMI);
	write_cr8(0);
	good(log_nmis == 1, "TPR does not hold back NMIs");
	log_clear();
	apic_send(0, MODE_NMI | ICR_TO_SELF);
	log_open();
	value("NMI by the self shorthand: nmis %u", log_nmis);
	apic_quiet(false);
}

void check_messages(void)
{
	u32 self = apic_read(APIC_ID) >> 24;

	apic_quiet(false);
	good(arrives(self, 0), "physical, own ID");
	good(!arrives(self + 0x40, 0), "physical, nobody's ID");
	good(arrives(0xff, 0), "physical broadcast");
	good(arrives(0, ICR_TO_SELF), "shorthand self");
	good(arrives(0, ICR_TO_ALL), "shorthand all");
	good(!arrives(0, ICR_TO_OTHERS), "shorthand others leaves us out");
	good(arrives(self, MODE_LOWEST), "lowest priority, physical");
	apic_write(APIC_DFR, ~0u);
	apic_write(APIC_LDR, 0x04u << 24);
	good(arrives(0x04, ICR_LOGICAL), "flat, our bit");
	good(arrives(0x0c, ICR_LOGICAL), "flat, our bit among others");
	good(!arrives(0x08, ICR_LOGICAL), "flat, another bit");
	good(arrives(0xff, ICR_LOGICAL), "flat, all bits");
	good(arrives(0x04, ICR_LOGICAL | MODE_LOWEST), "flat, lowest priority");
	good(!arrives(0, ICR_LOGICAL), "flat, no bit");
	apic_write(APIC_DFR, 0);
	apic_write(APIC_LDR, 0x24u << 24);
	value("DFR of clusters 0x%x", apic_read(APIC_DFR));
	good(arrives(0x24, ICR_LOGICAL), "cluster, ours");
	good(arrives(0x2f, ICR_LOGICAL), "cluster, ours and its others");
	good(!arrives(0x28, ICR_LOGICAL), "cluster, another of it");
	good(!arrives(0x34, ICR_LOGICAL), "cluster, another one");
	good(arrives(0xff, ICR_LOGICAL), "cluster, all");
	apic_write(APIC_DFR, ~0u);
	apic_write(APIC_LDR, 0);
	error_status();
	error_status();
	log_low = true;
	apic_send(0, ICR_TO_SELF | 5);
	value("ESR after sending vector 5: 0x%x", error_status());
	value("ESR after that: 0x%x", error_status());
	apic_read(0x10);
	value("ESR after reading a reserved register: 0x%x", error_status());
	apic_write(0x3f0, 0);
	value("ESR after writing a reserved register: 0x%x", error_status());
	apic_write(APIC_LVT_ERROR, 0x66);
	log_clear();
	apic_send(0, ICR_TO_SELF | 5);
	log_open();
	value("error interrupts %u", log_count);
	log_low = false;
	error_status();
	check_nmi();
}

/* ---- Modes ---------------------------------------------------------------------------------- */

static bool takes_base(u64 base)
{
	return rt_wrmsr(MSR_APIC_BASE, base);
}

static u32 feature(u32 leaf, bool ecx, unsigned bit)
{
	u32 a = leaf, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return (ecx ? c : d) >> bit & 1;
}

static void check_off(u64 base)
{
	u32 before = apic_read(APIC_VERSION);

	apic_write(APIC_TPR, 0x30);
	good(takes_base(base & ~APIC_BASE_ENABLE), "the APIC is switched off");
	value("CPUID.APIC while off %u", feature(1, false, 9));
	value("read while off 0x%x", apic_read(APIC_VERSION));
	apic_write(APIC_TPR, 0x50);
	value("CR8 while off 0x%lx", read_cr8());
	write_cr8(7);
	value("CR8 written while off 0x%lx", read_cr8());
	write_cr8(0);
	good(takes_base(base), "and on again");
	good(feature(1, false, 9) == 1, "CPUID says so");
	good(apic_read(APIC_VERSION) == before, "its version is the same");
	value("SVR after off and on 0x%x", apic_read(APIC_SVR));
	value("LINT0 after off and on 0x%x", apic_read(APIC_LVT_LINT0));
	value("TPR after off and on 0x%x", apic_read(APIC_TPR));
}

static void check_moved(u64 base)
{
	const u64 other = 0xfef00000;
	u32 version = apic_read(APIC_VERSION);

	good(takes_base((base & 0xfff) | other), "the page is moved");
	good(*(volatile u32 *)(other + APIC_VERSION) == version, "and found there");
	value("read of the old place 0x%x", apic_read(APIC_VERSION));
	takes_base(base);
	good(apic_read(APIC_VERSION) == version, "and back");
	good(!takes_base(base | 1), "reserved low bits");
	good(!takes_base(base | 1ull << 60), "reserved high bits");
	value("APIC_BASE without BSP takes %u", takes_base(base & ~APIC_BASE_BSP));
	value("APIC_BASE then 0x%lx", x86_rdmsr(MSR_APIC_BASE));
	takes_base(base);
}

static void show_msrs(void)
{
	for (u32 reg = 0; reg < 0x100; reg++) {
		u32 msr = MSR_X2APIC_FIRST + reg;
		u64 v = 0;
		bool r, w0, w1, wh;

		r = rt_rdmsr(msr, &v);
		w0 = rt_wrmsr(msr, 0);
		w1 = reg != 0x30 && reg != 0x38 && reg != 0x3f && rt_wrmsr(msr, ~0u);
		wh = reg != 0x30 && rt_wrmsr(msr, 1ull << 32);
		if (r || w0 || w1 || wh)
			value("x2APIC 0x%x: read %u 0x%lx, write 0 %u, ones %u, high %u", reg, r,
			      reg == 0x39 ? 0 : v, w0, w1, wh);
		if (reg == 0xf)
			rt_wrmsr(msr, SVR_ON | SPURIOUS);
		if (reg >= 0x32 && reg <= 0x37)
			rt_wrmsr(msr, LVT_MASK);
	}
}

static bool arrives_x2(u64 icr)
{
	log_clear();
	x86_wrmsr(MSR_X2APIC_FIRST + 0x30, icr | 0x78);
	log_open();
	return log_is(0x78);
}

static void check_x2apic(u64 base)
{
	u32 id = apic_read(APIC_ID) >> 24;
	u64 v;

	good(takes_base(base | APIC_BASE_X2APIC), "x2APIC is switched on");
	good(!takes_base(base), "x2APIC to xAPIC is #GP");
	good(!takes_base((base & ~APIC_BASE_ENABLE) | APIC_BASE_X2APIC), "EXTD without EN is #GP");
	show_msrs();
	log_open();
	apic_eoi();
	v = x86_rdmsr(MSR_X2APIC_FIRST + (APIC_ID >> 4));
	good(v == id, "the ID is not shifted (%lu)", v);
	v = x86_rdmsr(MSR_X2APIC_FIRST + (APIC_LDR >> 4));
	good(v == ((u64)(id >> 4) << 16 | 1u << (id & 15)), "LDR follows from it");
	value("page while x2APIC 0x%x", apic_read(APIC_VERSION));
	log_clear();
	x86_wrmsr(MSR_X2APIC_FIRST + (APIC_SELF_IPI >> 4), 0x79);
	log_open();
	good(log_is(0x79), "SELF_IPI");
	good(arrives_x2((u64)id << 32), "x2APIC physical");
	good(arrives_x2(0xffffffffull << 32), "x2APIC broadcast");
	good(!arrives_x2(0xffull << 32), "0xff is no broadcast there");
	good(arrives_x2(ICR_TO_SELF), "x2APIC shorthand");
	good(arrives_x2((u64)(id >> 4) << 48 | 1ull << (32 + (id & 15)) | ICR_LOGICAL),
	     "x2APIC logical");
	write_cr8(5);
	good(x86_rdmsr(MSR_X2APIC_FIRST + (APIC_TPR >> 4)) == 0x50, "CR8 is TPR");
	write_cr8(0);
	good(takes_base(base & ~APIC_BASE_ENABLE), "x2APIC to off");
	good(!rt_rdmsr(MSR_X2APIC_FIRST + 2, &v), "no MSRs while off");
	good(!takes_base(base | APIC_BASE_X2APIC), "off to x2APIC is #GP");
	good(takes_base(base), "off to xAPIC");
	value("SVR after x2APIC 0x%x", apic_read(APIC_SVR));
}

void check_modes(void)
{
	u64 base = x86_rdmsr(MSR_APIC_BASE), v;

	apic_quiet(false);
	check_moved(base);
	check_off(base);
	good(!rt_rdmsr(MSR_X2APIC_FIRST + 2, &v) || !feature(1, true, 21),
	     "no x2APIC MSRs in xAPIC mode");
	if (feature(1, true, 21))
		check_x2apic(base);
	else
		value("EXTD without x2APIC takes %u", takes_base(base | APIC_BASE_X2APIC));
	apic_quiet(false);
}
