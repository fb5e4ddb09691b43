/*
 * hostile_memory.c - addresses that are not ours: holes, above RAM, near 4 GiB, beyond; the local
 * APIC
 *
 * Must not know: where the hypervisor or others lie.
 */
#include "hostile.h"
#include "secret.h"
#include "x86_ops.h"

#define STEP 0x200000ull
#define LAPIC 0xfee00000ull
#define LAPIC_TPR 0x80
#define LAPIC_EOI 0xb0
#define LAPIC_SVR 0xf0
#define LAPIC_ICR 0x300
#define LAPIC_ICR_HIGH 0x310
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_INITIAL 0x380
#define LAPIC_DIVIDE 0x3e0
#define SVR_ON 0x1ff
#define DIVIDE_BY_1 0xb
#define PERIODIC BIT(17)
#define MASKED BIT(16)
#define STORM_MAX 3000
#define PIT_COMMAND 0x43
#define PIT_CHANNEL0 0x40

/* ---- RAM of ours -------------------------------------------------------------------- */

/* Nobody has touched it yet: it must be zero, and nobody else's. */
static void fresh_memory(struct tally *t)
{
	for (u64 at = ALIGN_UP(rt_image_limit(), 4096); at < rt_memory_end(); at += 8) {
		u64 value = *(volatile u64 *)at;

		t->cases += IS_ALIGNED(at, 4096);
		hostile_bad(t, value != 0, "memory-not-cleared", at);
		hostile_bad(t, value >> SECRET_SHIFT == SECRET_TAG, "a-secret", at);
	}
}

/* ---- What is not RAM ------------------------------------------------------------------ */

/*
 * Load, store, load again, in all sizes.  A store that can be read back is memory, and it is not
 * ours.
 */
static void poke(struct tally *t, u64 address, bool device)
{
	volatile void *p = rt_window(address);
	u64 first = 0, again = 0, value = rt_random() | 1;

	RT_TRY("movq (%1), %0", RT_OUT("+r"(first)), "r"(p));
	hostile_case(t);
	hostile_bad(t, first >> SECRET_SHIFT == SECRET_TAG, "a-secret", address);
	RT_TRY("movq %0, (%1)", RT_OUT(), "r"(value), "r"(p));
	hostile_case(t);
	RT_TRY("movq (%1), %0", RT_OUT("+r"(again)), "r"(p));
	hostile_case(t);
	hostile_bad(t, !device && !rt_faulted() && again == value, "a-store-that-stays", address);
	RT_TRY("movl %k0, (%1)", RT_OUT(), "r"(value), "r"(p));
	hostile_case(t);
	RT_TRY("movw %w0, (%1)", RT_OUT(), "r"(value), "r"(p));
	hostile_case(t);
	RT_TRY("movb %b0, (%1)", RT_OUT(), "q"(value), "r"(p));
	hostile_case(t);
	again = 0;
	RT_TRY("movl (%1), %k0", RT_OUT("+r"(again)), "r"(p));
	hostile_case(t);
	hostile_bad(t, !device && !rt_faulted() && (u32)again == (u32)value, "a-store-that-stays",
		    address);
}

static bool is_ours(u64 address)
{
	return address < 0xa0000 || (address >= 0xc0000 && address < rt_memory_end());
}

static bool is_apic(u64 address)
{
	return ALIGN_DOWN(address, 4096) == LAPIC || ALIGN_DOWN(address, 4096) == 0xfec00000;
}

/* Text memory of a VGA, which a machine may have: what is stored there stays. */
static bool is_screen(u64 address)
{
	return address >= 0xb8000 && address < 0xc0000;
}

static void holes(struct tally *t)
{
	static const u64 places[] = {
		0xa0000,    0xb8000,	0xbfff8,    0xfec00000, 0xfed00000,
		0xfedffff8, 0xfee01000, 0xff000000, 0xfffffff0, 0xfffffff8,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
		poke(t, places[i], is_screen(places[i]));
	for (u64 at = rt_memory_end(); at < GiB(4); at += STEP)
		if (!is_ours(at) && !is_apic(at))
			poke(t, at + (rt_random() & 0xff8), false);
}

/* Up to the last address that a page table entry can name, and beyond. */
static void huge_addresses(struct tally *t)
{
	for (unsigned bit = 32; bit < 52; bit++) {
		poke(t, 1ull << bit, false);
		poke(t, (1ull << bit) + (rt_random() & BITS(31, 3)), false);
		poke(t, (1ull << bit) - 8, is_ours((1ull << bit) - 8));
	}
	for (unsigned i = 0; i < 200; i++)
		poke(t, (rt_random() & BITS(50, 3)) | 1ull << 32, false);
}

/* Over the end of RAM, in one access. */
static void straddle(struct tally *t)
{
	volatile u8 *end = (volatile u8 *)rt_memory_end();
	u64 value = 0;

	for (unsigned back = 1; back < 8; back++) {
		RT_TRY("movq (%1), %0", RT_OUT("+r"(value)), "r"(end - back));
		hostile_case(t);
		RT_TRY("movq %0, (%1)", RT_OUT(), "r"(value), "r"(end - back));
		hostile_case(t);
		RT_TRY("lock addq %0, (%1)", RT_OUT(), "r"(value), "r"(end - (back & ~1u)));
		hostile_case(t);
	}
}

/* ---- The local APIC ---------------------------------------------------------------------- */

static volatile u32 *lapic(u32 offset)
{
	return (volatile u32 *)(LAPIC + offset);
}

/* Every offset in every size; then as it was. */
static void apic_page(struct tally *t)
{
	u32 svr = *lapic(LAPIC_SVR);
	u64 value = 0;

	for (u32 offset = 0; offset < 4096; offset += 4) {
		RT_TRY("movl (%1), %k0", RT_OUT("+r"(value)), "r"(lapic(offset)));
		hostile_case(t);
		if (offset == LAPIC_ICR || offset == LAPIC_ICR + 4)
			continue;
		RT_TRY("movl %k0, (%1)", RT_OUT(), "r"(rt_random() & 0xfffff0ff),
		       "r"(lapic(offset)));
		hostile_case(t);
		RT_TRY("movb (%1), %b0", RT_OUT("+q"(value)), "r"(lapic(offset)));
		hostile_case(t);
		RT_TRY("movq (%1), %0", RT_OUT("+r"(value)), "r"(lapic(offset & ~7u)));
		hostile_case(t);
	}
	for (u32 offset = LAPIC_LVT_TIMER; offset <= 0x370; offset += 0x10)
		*lapic(offset) = MASKED;
	*lapic(LAPIC_INITIAL) = 0;
	*lapic(LAPIC_TPR) = 0;
	*lapic(LAPIC_SVR) = svr;
}

/* To where RAM is, to holes, to the sky; off and on; x2APIC in all orders. */
static void apic_base(struct tally *t)
{
	const u64 places[] = { 0,	   0x100000, rt_memory_end(), 0xa0000,
			       0xfffff000, GiB(4),   1ull << 39,      1ull << 51 };
	const u64 modes[] = { APIC_BASE_ENABLE,		 APIC_BASE_ENABLE | APIC_BASE_X2APIC,
			      APIC_BASE_X2APIC,		 0,
			      APIC_BASE_ENABLE | BIT(9), APIC_BASE_ENABLE | 1 };
	u64 old = x86_rdmsr(MSR_APIC_BASE), value = 0;

	for (unsigned p = 0; p < ARRAY_SIZE(places); p++)
		for (unsigned m = 0; m < ARRAY_SIZE(modes); m++) {
			rt_wrmsr(MSR_APIC_BASE, places[p] | modes[m] | (old & APIC_BASE_BSP));
			hostile_case(t);
			RT_TRY("movl (%1), %k0", RT_OUT("+r"(value)),
			       "r"(rt_window(places[p] + 0x20)));
			hostile_case(t);
			rt_rdmsr(MSR_X2APIC_FIRST + 3, &value);
			hostile_case(t);
			rt_wrmsr(MSR_APIC_BASE, 0);
			rt_wrmsr(MSR_APIC_BASE, old);
		}
	hostile_bad(t, x86_rdmsr(MSR_APIC_BASE) != old, "APIC_BASE-does-not-come-back",
		    x86_rdmsr(MSR_APIC_BASE));
}

/* Interrupts for everybody, in all delivery modes but INIT and SIPI, which would end us. */
static void icr(struct tally *t)
{
	static const u8 modes[] = { 0, 1, 2, 3, 4, 7 };
	u64 before = rt_interrupts;

	*lapic(LAPIC_SVR) = SVR_ON;
	for (u32 shorthand = 0; shorthand < 4; shorthand++)
		for (u32 destination = 0; destination < 256; destination += 15)
			for (unsigned m = 0; m < ARRAY_SIZE(modes); m++)
				for (u32 flags = 0; flags < 16; flags += 3) {
					*lapic(LAPIC_ICR_HIGH) = destination << 24;
					*lapic(LAPIC_ICR) = 0x40 | (u32)modes[m] << 8 |
							    flags << 12 | shorthand << 18;
					t->cases++;
				}
	__asm__ volatile("sti; nop; nop; cli");
	hostile_bad(t, rt_interrupts == before, "no-interrupt-to-oneself", rt_interrupts);
}

/* ---- Interrupts without end ---------------------------------------------------------------- */

static u64 storm_began;

static void calm(void)
{
	*lapic(LAPIC_LVT_TIMER) = MASKED;
	*lapic(LAPIC_INITIAL) = 0;
	rt_pic(0xffff);
}

/* Interrupts may come faster than we can take them: then this handler is all that ever runs. */
static bool weather(struct rt_frame *frame)
{
	if (frame->vector >= 32 && rt_interrupts - storm_began > STORM_MAX)
		calm();
	return false;
}

/* period=N counts of the PIT: the shortest is 2, 1.7 us, which on a slow machine is less than an
 * exit. */
static void interrupt_storm(struct tally *t)
{
	u64 before = rt_interrupts, period = rt_number("period", 2);

	storm_began = before;
	rt_hook = weather;
	*lapic(LAPIC_SVR) = SVR_ON;
	*lapic(LAPIC_DIVIDE) = DIVIDE_BY_1;
	*lapic(LAPIC_LVT_TIMER) = 0x41 | PERIODIC;
	*lapic(LAPIC_INITIAL) = (u32)(25 * period);
	rt_pic(0xfffe);
	x86_outb(PIT_COMMAND, 0x34);
	x86_outb(PIT_CHANNEL0, (u8)period);
	x86_outb(PIT_CHANNEL0, (u8)(period >> 8));
	for (unsigned i = 0; i < 2000; i++) {
		__asm__ volatile("sti; nop; cli");
		t->cases++;
	}
	calm();
	__asm__ volatile("sti; nop; cli");
	rt_hook = NULL;
	hostile_bad(t, rt_interrupts == before, "no-timer-interrupt", 0);
}

static const struct attack attacks[] = {
	{ "fresh-memory", fresh_memory, false },
	{ "holes", holes, true },
	{ "huge-addresses", huge_addresses, true },
	{ "straddle", straddle, true },
	{ "apic-page", apic_page, true },
	{ "apic-base", apic_base, true },
	{ "icr", icr, true },
};

const struct attack_list hostile_memory = { attacks, ARRAY_SIZE(attacks) };

static const struct attack last[] = { { "interrupt-storm", interrupt_storm, true } };

const struct attack_list hostile_last = { last, ARRAY_SIZE(last) };
