/*
 * lapic_regs.c - the two doors to the local APIC's registers
 *
 * Owns: which register can be read and written by which door, with which bits.
 * Must not know: what a register does beyond its bits (lapic.c, lapic_timer.c).
 *
 * Sources: [SDM] vol. 3 "Local APIC Register Address Map" (table 12-1), "x2APIC Register
 * Address Space" (12.12.1.2), "Reserved Bit Checking" (12.12.1.3).
 */
#include "dev/lapic_regs.h"

#include "x86.h"

#define LVT_VECTOR_AND_MASK (MESSAGE_VECTOR | LVT_MASKED)
#define LVT_WITH_MODE (LVT_VECTOR_AND_MASK | MESSAGE_MODE << MESSAGE_MODE_SHIFT)

u32 lapic_lvt_bits(const struct lapic *l, enum lapic_lvt n)
{
	switch (n) {
	case LAPIC_LVT_TIMER:
		return (u32)(LVT_VECTOR_AND_MASK | (u32)TIMER_PERIODIC << LVT_TIMER_MODE_SHIFT |
			     (l->config.tsc_deadline
				  ? (u32)TIMER_TSC_DEADLINE << LVT_TIMER_MODE_SHIFT
				  : 0));
	case LAPIC_LVT_THERMAL:
	case LAPIC_LVT_PERF:
		return (u32)LVT_WITH_MODE;
	case LAPIC_LVT_LINT0:
	case LAPIC_LVT_LINT1:
		return (u32)(LVT_WITH_MODE | LVT_POLARITY | LVT_LEVEL);
	default:
		return (u32)LVT_VECTOR_AND_MASK;
	}
}

static bool is_lvt(unsigned reg)
{
	return reg >= REG_LVT_TIMER && reg <= REG_LVT_ERROR;
}

/* Bits that are the hardware's: writing them is allowed and without effect. */
static u32 lvt_read_only(enum lapic_lvt n)
{
	bool lint = n == LAPIC_LVT_LINT0 || n == LAPIC_LVT_LINT1;

	return (u32)(LVT_STATUS | (lint ? LVT_REMOTE_IRR : 0));
}

/* While the LAPIC is switched off by software, mask bits stay set. */
static void write_lvt(struct lapic *l, enum lapic_lvt n, u32 value)
{
	value &= lapic_lvt_bits(l, n);
	if (!lapic_software_enabled(l))
		value |= LVT_MASKED;
	if (n == LAPIC_LVT_TIMER) {
		lapic_timer_set_lvt(l, value);
	} else {
		if (n == LAPIC_LVT_LINT0 && value & LVT_LEVEL)
			value |= l->lvt[n] & LVT_REMOTE_IRR;
		l->lvt[n] = value;
		lapic_look_at_lint(l);
	}
}

static void write_svr(struct lapic *l, u32 value)
{
	l->svr = value & (SVR_VECTOR | SVR_ENABLE);
	if (lapic_software_enabled(l))
		return;
	for (unsigned n = 0; n < LAPIC_LVT_COUNT; n++)
		write_lvt(l, n, l->lvt[n]);
}

static u32 id_register(const struct lapic *l)
{
	return lapic_x2apic(l) ? l->config.id : l->config.id << LAPIC_ID_SHIFT;
}

/*
 * One of the registers that come in rows: ISR, TMR and IRR, LAPIC_VECTOR_WORDS registers each,
 * which begin at REG_ISR, REG_TMR, REG_IRR and lie side by side up to REG_ESR; and the entries of
 * the local vector table, which begin at REG_LVT_TIMER (l->lvt has them in that order).  False:
 * reg, which may be any number, is none of these; its value is 0.
 * Source: [SDM] vol. 3 "Local APIC Register Address Map" (table 12-1).
 */
static bool read_row(const struct lapic *l, unsigned reg, u32 *value)
{
	*value = 0;
	if (reg >= REG_ISR && reg < REG_ESR) {
		const u32 *set = reg < REG_TMR ? l->isr : reg < REG_IRR ? l->tmr : l->irr;

		*value = set[reg % LAPIC_VECTOR_WORDS];
		return true;
	}
	if (is_lvt(reg)) {
		*value = l->lvt[reg - REG_LVT_TIMER];
		return true;
	}
	return false;
}

/* A register that both doors show; false: there is none. */
static bool read_register(struct lapic *l, unsigned reg, u32 *value)
{
	switch (reg) {
	case REG_ID:
		*value = id_register(l);
		return true;
	case REG_VERSION:
		*value = LAPIC_VERSION | (LAPIC_LVT_COUNT - 1) << 16;
		return true;
	case REG_TPR:
		*value = l->tpr;
		return true;
	case REG_PPR:
		*value = lapic_ppr(l);
		return true;
	case REG_LDR:
		*value = lapic_logical_id(l);
		return true;
	case REG_SVR:
		*value = l->svr;
		return true;
	case REG_ESR:
		*value = l->esr;
		return true;
	case REG_ICR:
		*value = (u32)l->icr;
		return true;
	case REG_TIMER_INITIAL:
		*value = l->timer_initial;
		return true;
	case REG_TIMER_CURRENT:
		*value = lapic_timer_read(l);
		return true;
	case REG_TIMER_DIVIDE:
		*value = l->timer_divide;
		return true;
	default:
		return read_row(l, reg, value);
	}
}

/* A register that both doors can write, with bits that were checked; false: there is none. */
static bool write_register(struct lapic *l, unsigned reg, u32 value)
{
	if (is_lvt(reg)) {
		write_lvt(l, reg - REG_LVT_TIMER, value);
		return true;
	}
	switch (reg) {
	case REG_TPR:
		lapic_set_tpr(l, (u8)value);
		return true;
	case REG_EOI:
		lapic_eoi(l);
		return true;
	case REG_SVR:
		write_svr(l, value);
		return true;
	case REG_ESR: /* shows what was collected until now */
		l->esr = l->esr_new;
		l->esr_new = 0;
		return true;
	case REG_TIMER_INITIAL:
		lapic_timer_load(l, value);
		return true;
	case REG_TIMER_DIVIDE:
		lapic_timer_set_divide(l, value);
		return true;
	default:
		return false;
	}
}

/* ---- The xAPIC page -------------------------------------------------------- */

static u32 read_page(struct lapic *l, unsigned reg)
{
	u32 value;

	switch (reg) {
	case REG_APR:
		return lapic_apr(l);
	case REG_DFR:
		return l->dfr;
	case REG_EOI: /* write-only */
		return 0;
	case REG_ICR_HIGH:
		return (u32)(l->icr >> ICR_DEST_SHIFT);
	default:
		if (!read_register(l, reg, &value))
			lapic_error(l, ESR_ILLEGAL_REGISTER);
		return value;
	}
}

/* A register may be read in parts; between registers (offsets 4..15 of 16) there is nothing. */
u64 lapic_mmio_read(void *dev, u64 offset, unsigned size)
{
	struct lapic *l = dev;
	unsigned reg = (unsigned)(offset % LAPIC_PAGE_SIZE) >> LAPIC_REG_SHIFT;
	unsigned byte = offset % BIT(LAPIC_REG_SHIFT);
	u32 value;

	if (!lapic_enabled(l) || lapic_x2apic(l))
		return ~0ull;
	value = byte < sizeof(u32) ? read_page(l, reg) >> (8 * byte) : 0;
	return size < sizeof(u32) ? value & BITS(8 * size - 1, 0) : value;
}

static bool is_read_only(unsigned reg)
{
	return reg == REG_ID || reg == REG_VERSION || reg == REG_APR || reg == REG_PPR ||
	       (reg >= REG_ISR && reg < REG_ESR) || reg == REG_TIMER_CURRENT;
}

static void write_page(struct lapic *l, unsigned reg, u32 value)
{
	switch (reg) {
	case REG_LDR:
		l->ldr = value & (u32)BITS(31, LAPIC_ID_SHIFT);
		break;
	case REG_DFR:
		l->dfr = (value & DFR_MODEL) | DFR_FIXED;
		break;
	case REG_ICR_HIGH:
		l->icr = (u32)l->icr | (value & BITS(31, LAPIC_ID_SHIFT)) << ICR_DEST_SHIFT;
		break;
	case REG_ICR:
		l->icr = (l->icr & ~BITS(31, 0)) | (value & ICR_LOW_BITS);
		lapic_send(l);
		break;
	default:
		if (!is_read_only(reg) && !write_register(l, reg, value))
			lapic_error(l, ESR_ILLEGAL_REGISTER);
		break;
	}
}

/* Writes of less than a register, or beside one, are undefined: they are lost. */
void lapic_mmio_write(void *dev, u64 offset, unsigned size, u64 value)
{
	struct lapic *l = dev;

	if (!lapic_enabled(l) || lapic_x2apic(l) || size < sizeof(u32) ||
	    !IS_ALIGNED(offset, BIT(LAPIC_REG_SHIFT)))
		return;
	write_page(l, (unsigned)(offset % LAPIC_PAGE_SIZE) >> LAPIC_REG_SHIFT, (u32)value);
}

bool lapic_page_hit(const struct lapic *l, gpa_t a)
{
	return lapic_enabled(l) && !lapic_x2apic(l) &&
	       ALIGN_DOWN(a.v, LAPIC_PAGE_SIZE) == ALIGN_DOWN(l->base, LAPIC_PAGE_SIZE);
}

/* ---- The x2APIC MSRs ------------------------------------------------------- */

bool lapic_read_msr(struct lapic *l, u32 msr, u64 *value)
{
	u32 low;

	*value = 0;
	if (msr == MSR_TSC_DEADLINE && l->config.tsc_deadline) {
		*value = lapic_timer_deadline(l);
		return true;
	}
	if (msr < MSR_X2APIC_FIRST || msr > MSR_X2APIC_LAST || !lapic_x2apic(l))
		return false;
	if (msr - MSR_X2APIC_FIRST == REG_ICR) {
		*value = l->icr;
		return true;
	}
	if (!read_register(l, msr - MSR_X2APIC_FIRST, &low))
		return false;
	*value = low;
	return true;
}

/* The bits that WRMSR may set; false: the register is read-only or not there. */
static bool x2apic_bits(const struct lapic *l, unsigned reg, u64 *bits)
{
	if (is_lvt(reg)) {
		enum lapic_lvt n = reg - REG_LVT_TIMER;

		*bits = lapic_lvt_bits(l, n) | lvt_read_only(n);
		return true;
	}
	switch (reg) {
	case REG_TPR:
	case REG_SELF_IPI:
		*bits = MESSAGE_VECTOR;
		return true;
	case REG_EOI:
	case REG_ESR:
		*bits = 0;
		return true;
	case REG_SVR:
		*bits = SVR_VECTOR | SVR_ENABLE;
		return true;
	case REG_ICR:
		*bits = BITS(63, ICR_DEST_SHIFT) | ICR_LOW_BITS;
		return true;
	case REG_TIMER_INITIAL:
		*bits = BITS(31, 0);
		return true;
	case REG_TIMER_DIVIDE:
		*bits = DIVIDE_BITS;
		return true;
	default:
		return false;
	}
}

bool lapic_write_msr(struct lapic *l, u32 msr, u64 value)
{
	unsigned reg = msr - MSR_X2APIC_FIRST;
	u64 bits;

	if (msr == MSR_TSC_DEADLINE && l->config.tsc_deadline) {
		lapic_timer_set_deadline(l, value);
		return true;
	}
	if (msr < MSR_X2APIC_FIRST || msr > MSR_X2APIC_LAST || !lapic_x2apic(l) ||
	    !x2apic_bits(l, reg, &bits) || value & ~bits)
		return false;
	if (reg == REG_ICR) {
		l->icr = value;
		lapic_send(l);
	} else if (reg == REG_SELF_IPI) {
		lapic_self_ipi(l, (u8)value);
	} else {
		write_register(l, reg, (u32)value);
	}
	return true;
}
