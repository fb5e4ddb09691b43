/* lapic.c - see lapic.h; which interrupt is next, messages in and out, modes */
#include "dev/lapic_regs.h"

#include "dev/section.h"
#include "host.h"
#include "lib/string.h"

#define NONE (-1)
#define WORD_BITS 32u
#define CLASS(vector) ((unsigned)(vector) >> 4)

#define LAPIC_STATE_VERSION 1

static bool test(const u32 *set, unsigned vector)
{
	return set[vector / WORD_BITS] >> vector % WORD_BITS & 1;
}

static void assign(u32 *set, unsigned vector, bool value)
{
	u32 bit = (u32)BIT(vector % WORD_BITS);

	if (value)
		set[vector / WORD_BITS] |= bit;
	else
		set[vector / WORD_BITS] &= ~bit;
}

static int highest(const u32 *set)
{
	for (int i = LAPIC_VECTOR_WORDS - 1; i >= 0; i--)
		if (set[i])
			return i * (int)WORD_BITS + 31 - __builtin_clz(set[i]);
	return NONE;
}

/* ---- Which interrupt is next ------------------------------------------------ */

bool lapic_enabled(const struct lapic *l)
{
	return l->base & APIC_BASE_ENABLE;
}

bool lapic_x2apic(const struct lapic *l)
{
	return l->base & APIC_BASE_X2APIC;
}

bool lapic_software_enabled(const struct lapic *l)
{
	return l->svr & SVR_ENABLE;
}

/* [SDM] "Task and Processor Priorities" (12.8.3.1) */
u8 lapic_ppr(const struct lapic *l)
{
	int in_service = MAX(highest(l->isr), 0);

	return CLASS(l->tpr) >= CLASS(in_service) ? l->tpr : (u8)(in_service & 0xf0);
}

/* [SDM] "Lowest Priority Delivery Mode" (12.6.2.4) */
u32 lapic_apr(const struct lapic *l)
{
	int in_service = MAX(highest(l->isr), 0), request = MAX(highest(l->irr), 0);

	if (CLASS(l->tpr) >= CLASS(request) && CLASS(l->tpr) > CLASS(in_service))
		return l->tpr;
	return MAX(CLASS(l->tpr), MAX(CLASS(in_service), CLASS(request))) << 4;
}

int lapic_highest_pending(const struct lapic *l)
{
	int request = lapic_enabled(l) ? highest(l->irr) : NONE;

	return request != NONE && CLASS(request) > CLASS(lapic_ppr(l)) ? request : NONE;
}

void lapic_ack(struct lapic *l, u8 vector)
{
	check(test(l->irr, vector));
	assign(l->irr, vector, false);
	assign(l->isr, vector, true);
}

static enum lapic_mode lvt_mode(const struct lapic *l, enum lapic_lvt n)
{
	return l->lvt[n] >> MESSAGE_MODE_SHIFT & MESSAGE_MODE;
}

bool lapic_extint(const struct lapic *l)
{
	if (!lapic_enabled(l))
		return l->lint[0];
	return l->lint[0] && !(l->lvt[LAPIC_LVT_LINT0] & LVT_MASKED) &&
	       lvt_mode(l, LAPIC_LVT_LINT0) == LAPIC_EXTINT;
}

bool lapic_lint0_is_event(const struct lapic *l)
{
	enum lapic_mode mode = lvt_mode(l, LAPIC_LVT_LINT0);

	return lapic_enabled(l) && !(l->lvt[LAPIC_LVT_LINT0] & LVT_MASKED) &&
	       (mode == LAPIC_NMI || mode == LAPIC_INIT);
}

bool lapic_pending(const struct lapic *l)
{
	return lapic_extint(l) || lapic_highest_pending(l) != NONE;
}

void lapic_changed(struct lapic *l)
{
	if (lapic_pending(l))
		l->ops->notify(l->ctx);
}

u8 lapic_get_tpr(const struct lapic *l)
{
	return l->tpr;
}

void lapic_set_tpr(struct lapic *l, u8 tpr)
{
	l->tpr = tpr;
	lapic_changed(l);
}

/* ---- Interrupts come in ----------------------------------------------------- */

/* [SDM] "Error Handling" (12.5.3).  One interrupt for each new kind of error. */
void lapic_error(struct lapic *l, u32 bit)
{
	if (l->esr_new & bit)
		return;
	l->esr_new |= bit;
	lapic_fire_lvt(l, LAPIC_LVT_ERROR);
}

/* [SDM] "Interrupt Acceptance for Fixed Interrupts" (12.8.4) */
static void accept(struct lapic *l, u8 vector, bool level)
{
	if (!lapic_enabled(l) || !lapic_software_enabled(l))
		return;
	if (vector < LAPIC_FIRST_VECTOR) {
		lapic_error(l, ESR_RECEIVE_ILLEGAL);
		return;
	}
	assign(l->irr, vector, true);
	assign(l->tmr, vector, level);
	lapic_changed(l);
}

static void cpu_event(struct lapic *l, enum lapic_mode mode, u8 vector)
{
	if (l->ops->event)
		l->ops->event(l->ctx, mode, vector);
}

void lapic_deliver(struct lapic *l, enum lapic_mode mode, u8 vector, bool level)
{
	if (!lapic_enabled(l))
		return;
	switch (mode) {
	case LAPIC_FIXED:
	case LAPIC_LOWEST:
		accept(l, vector, level);
		break;
	case LAPIC_SMI:
	case LAPIC_NMI:
	case LAPIC_INIT:
	case LAPIC_SIPI:
		cpu_event(l, mode, vector);
		break;
	case LAPIC_EXTINT: /* comes by LINT0's level */
	case LAPIC_RESERVED:
		break;
	}
}

/* Only LINT0 can be level-triggered. */
static bool lvt_level(const struct lapic *l, enum lapic_lvt n)
{
	return n == LAPIC_LVT_LINT0 && l->lvt[n] & LVT_LEVEL && lvt_mode(l, n) == LAPIC_FIXED;
}

/* A local source asks.  [SDM] "Local Vector Table" (12.5.1) */
void lapic_fire_lvt(struct lapic *l, enum lapic_lvt n)
{
	if (l->lvt[n] & LVT_MASKED)
		return;
	switch (
	    lvt_mode(l, n)) { /* of timer and error always FIXED: other bits cannot be written */
	case LAPIC_FIXED:
		if (lvt_level(l, n))
			l->lvt[n] |= LVT_REMOTE_IRR;
		accept(l, (u8)(l->lvt[n] & MESSAGE_VECTOR), lvt_level(l, n));
		break;
	case LAPIC_SMI:
	case LAPIC_NMI:
	case LAPIC_INIT:
		cpu_event(l, lvt_mode(l, n), 0);
		break;
	default:
		break;
	}
}

void lapic_look_at_lint(struct lapic *l)
{
	if (l->lint[0] && lvt_level(l, LAPIC_LVT_LINT0) &&
	    !(l->lvt[LAPIC_LVT_LINT0] & LVT_REMOTE_IRR))
		lapic_fire_lvt(l, LAPIC_LVT_LINT0);
	else
		lapic_changed(l);
}

void lapic_set_lint(void *dev, unsigned pin, bool level)
{
	struct lapic *l = dev;
	enum lapic_lvt n = LAPIC_LVT_LINT0 + pin;

	check(pin < ARRAY_SIZE(l->lint));
	if (l->lint[pin] == level)
		return;
	l->lint[pin] = level;
	if (!level)
		return;
	if (!lapic_enabled(l)) { /* the pins are the CPU's INTR and NMI */
		if (pin == 0)
			lapic_changed(l);
		else
			cpu_event(l, LAPIC_NMI, 0);
	} else if (lvt_level(l, n) || lvt_mode(l, n) == LAPIC_EXTINT) {
		lapic_look_at_lint(l);
	} else {
		lapic_fire_lvt(l, n);
	}
}

struct wire lapic_wire(struct lapic *l, unsigned pin)
{
	return (struct wire){ lapic_set_lint, l, pin };
}

/*
 * The guest writes EOI: of the vectors in service the highest one is over; without one, nothing
 * happens.  If it came level-triggered (its bit in the TMR), whoever sent it hears of that, and may
 * ask again: LINT0, if it is level-triggered (lvt_level) and has this vector, by its Remote IRR,
 * which is cleared in the LVT; and the IOAPIC, by ops->eoi, which may be NULL.  Afterwards
 * LINT0 may still be up, and other requests may have waited (lapic_look_at_lint, lapic_changed).
 * [SDM] "Signaling Interrupt Servicing Completion" (12.8.5), "Local Vector Table" (12.5.1)
 */
void lapic_eoi(struct lapic *l)
{
	int vector = highest(l->isr);
	u32 *lint0 = &l->lvt[LAPIC_LVT_LINT0];

	if (vector == NONE)
		return;
	assign(l->isr, (unsigned)vector, false);
	if (test(l->tmr, (unsigned)vector)) {
		if (lvt_level(l, LAPIC_LVT_LINT0) && (int)(*lint0 & MESSAGE_VECTOR) == vector)
			*lint0 &= (u32)~LVT_REMOTE_IRR;
		if (l->ops->eoi)
			l->ops->eoi(l->ctx, (u8)vector);
	}
	lapic_look_at_lint(l);
	lapic_changed(l);
}

/* ---- Messages go out --------------------------------------------------------- */

void lapic_self_ipi(struct lapic *l, u8 vector)
{
	if (vector < LAPIC_FIRST_VECTOR)
		lapic_error(l, ESR_SEND_ILLEGAL);
	else
		accept(l, vector, false);
}

static struct ipi ipi_from_icr(const struct lapic *l)
{
	struct ipi ipi = {
		.sender = l,
		.mode = l->icr >> MESSAGE_MODE_SHIFT & MESSAGE_MODE,
		.vector = l->icr & MESSAGE_VECTOR,
		.shorthand = l->icr >> ICR_SHORTHAND_SHIFT & ICR_SHORTHAND,
		.logical = l->icr & ICR_LOGICAL,
		.dest = (u32)(l->icr >> ICR_DEST_SHIFT),
	};

	if (!lapic_x2apic(l)) {
		ipi.dest = (u32)(l->icr >> ICR_XAPIC_DEST_SHIFT);
		if (!ipi.logical && ipi.dest == 0xff)
			ipi.dest = LAPIC_BROADCAST;
	}
	return ipi;
}

/*
 * The message in ICR.  [SDM] "Issuing Interprocessor Interrupts" (12.6).  IPIs are edge-
 * triggered whatever ICR says; INIT with level de-assert did something on early CPUs only.
 * Combinations that the manual calls invalid, like a SIPI to oneself, are lost.
 */
void lapic_send(struct lapic *l)
{
	struct ipi ipi = ipi_from_icr(l);
	bool ordinary = ipi.mode == LAPIC_FIXED || ipi.mode == LAPIC_LOWEST;
	bool to_self = ipi.shorthand == LAPIC_TO_SELF || ipi.shorthand == LAPIC_TO_ALL;

	if (ipi.mode == LAPIC_RESERVED || ipi.mode == LAPIC_EXTINT)
		return;
	if (ipi.mode == LAPIC_INIT && l->icr & ICR_LEVEL && !(l->icr & ICR_ASSERT))
		return;
	if (to_self && !ordinary && ipi.mode != LAPIC_NMI)
		return;
	if (ordinary && ipi.vector < LAPIC_FIRST_VECTOR)
		lapic_error(l, ESR_SEND_ILLEGAL);
	else if (ipi.shorthand == LAPIC_TO_SELF)
		lapic_deliver(l, ipi.mode, ipi.vector, false);
	else
		l->ops->send_ipi(l->ctx, &ipi);
}

/* LDR as the guest reads it.  [SDM] "Logical Destination Mode in x2APIC Mode" (12.12.10.2) */
u32 lapic_logical_id(const struct lapic *l)
{
	if (!lapic_x2apic(l))
		return l->ldr;
	return l->config.id >> 4 << 16 | (u32)BIT(l->config.id & 15);
}

/* [SDM] "Logical Destination Mode" (12.6.2.2): eight bits each of message and LDR. */
static bool xapic_logical(const struct lapic *l, u32 dest)
{
	u32 own = l->ldr >> LAPIC_ID_SHIFT;

	if (dest > 0xff)
		return false;
	if ((l->dfr & DFR_MODEL) == DFR_MODEL)
		return own & dest;
	return (dest >> 4 == own >> 4 || dest >> 4 == 0xf) && own & dest & 0xf;
}

bool lapic_matches(const struct lapic *l, u32 dest, bool logical)
{
	u32 own = lapic_logical_id(l);

	if (!lapic_enabled(l))
		return false;
	if (dest == LAPIC_BROADCAST)
		return true;
	if (!logical)
		return dest == l->config.id;
	if (!lapic_x2apic(l))
		return xapic_logical(l, dest);
	return dest >> 16 == own >> 16 && dest & own & 0xffff;
}

bool lapic_accepts(const struct lapic *l, const struct ipi *ipi)
{
	switch ((enum lapic_shorthand)ipi->shorthand) {
	case LAPIC_TO_SELF:
		return l == ipi->sender;
	case LAPIC_TO_ALL:
		return lapic_enabled(l);
	case LAPIC_TO_OTHERS:
		return lapic_enabled(l) && l != ipi->sender;
	case LAPIC_TO_DEST:
		break;
	}
	return lapic_matches(l, ipi->dest, ipi->logical);
}

/* ---- Modes and reset --------------------------------------------------------- */

u64 lapic_base(const struct lapic *l)
{
	return l->base;
}

static bool base_is_valid(const struct lapic *l, u64 value)
{
	u64 bits = APIC_BASE_BSP | APIC_BASE_ENABLE | BITS(l->config.maxphyaddr - 1, 12) |
		   (l->config.x2apic ? APIC_BASE_X2APIC : 0);

	return !(value & ~bits) && (value & APIC_BASE_ENABLE || !(value & APIC_BASE_X2APIC));
}

/*
 * Not allowed: from off to x2APIC at once, from x2APIC back to xAPIC.  Off loses the
 * registers.  The BSP flag cannot be written.
 */
bool lapic_set_base(struct lapic *l, u64 value)
{
	bool to_x2apic = value & APIC_BASE_X2APIC;

	if (!base_is_valid(l, value) || (to_x2apic && !lapic_enabled(l)) ||
	    (lapic_x2apic(l) && value & APIC_BASE_ENABLE && !to_x2apic))
		return false;
	if (to_x2apic && !lapic_x2apic(l))
		l->icr = (u32)l->icr; /* the destination has another form there */
	l->base = (value & ~APIC_BASE_BSP) | (l->base & APIC_BASE_BSP);
	if (!lapic_enabled(l))
		lapic_init_ipi(l);
	lapic_changed(l);
	return true;
}

void lapic_init_ipi(struct lapic *l)
{
	l->tpr = 0;
	l->ldr = 0;
	l->dfr = DFR_MODEL | DFR_FIXED;
	l->svr = SVR_VECTOR;
	memset(l->isr, 0, sizeof(l->isr));
	memset(l->tmr, 0, sizeof(l->tmr));
	memset(l->irr, 0, sizeof(l->irr));
	l->esr = l->esr_new = 0;
	l->icr = 0;
	for (unsigned n = 0; n < LAPIC_LVT_COUNT; n++)
		l->lvt[n] = LVT_MASKED;
	lapic_timer_reset(l);
}

void lapic_reset(struct lapic *l)
{
	l->base = APIC_DEFAULT_BASE | APIC_BASE_ENABLE | (l->config.bsp ? APIC_BASE_BSP : 0);
	lapic_init_ipi(l);
}

void lapic_after_firmware(struct lapic *l)
{
	l->svr = SVR_VECTOR | SVR_ENABLE;
	l->lvt[LAPIC_LVT_LINT0] = (u32)LAPIC_EXTINT << MESSAGE_MODE_SHIFT;
	l->lvt[LAPIC_LVT_LINT1] = (u32)LAPIC_NMI << MESSAGE_MODE_SHIFT;
	lapic_changed(l);
}

void lapic_init(struct lapic *l, struct bus *bus, const struct lapic_config *config,
		const struct lapic_ops *ops, void *ctx)
{
	check(config->maxphyaddr >= 32 && config->maxphyaddr <= 52);
	check(ops->notify && ops->send_ipi &&
	      ((ops->tsc && ops->tsc_to_ns) || !config->tsc_deadline));
	*l = (struct lapic){ .bus = bus, .ops = ops, .ctx = ctx, .config = *config };
	if (!l->config.tick_ns)
		l->config.tick_ns = 1;
	lapic_timer_init(l);
	lapic_reset(l);
}

/* ---- State -------------------------------------------------------------------- */

static void put_words(struct state_buf *buf, const char *name, const u32 *word, unsigned count)
{
	state_scope(buf, name);
	for (unsigned i = 0; i < count; i++)
		state_put(buf, word[i], 4);
	state_scope(buf, NULL);
}

static void get_words(struct state_buf *buf, u32 *word, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		word[i] = (u32)state_get(buf, 4);
}

void lapic_save(const struct lapic *l, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_LAPIC, LAPIC_STATE_VERSION);

	state_put(buf, l->config.id, 4);
	state_put(buf, l->base, 8);
	state_put(buf, l->tpr, 1);
	state_put(buf, l->ldr, 4);
	state_put(buf, l->dfr, 4);
	state_put(buf, l->svr, 4);
	put_words(buf, "isr", l->isr, LAPIC_VECTOR_WORDS);
	put_words(buf, "tmr", l->tmr, LAPIC_VECTOR_WORDS);
	put_words(buf, "irr", l->irr, LAPIC_VECTOR_WORDS);
	state_put(buf, l->esr, 4);
	state_put(buf, l->esr_new, 4);
	state_put(buf, l->icr, 8);
	put_words(buf, "lvt", l->lvt, LAPIC_LVT_COUNT);
	state_put(buf, l->lint[0], 1);
	state_put(buf, l->lint[1], 1);
	state_put(buf, l->timer_initial, 4);
	state_put(buf, l->timer_divide, 4);
	state_put(buf, l->timer_running, 1);
	state_put(buf, l->timer_start, 8);
	state_put(buf, l->timer_told, 8);
	state_put(buf, l->tsc_deadline, 8);
	state_end_section(buf, begin);
}

static void get_all(struct lapic *l, struct state_buf *buf)
{
	static const char flag[] = "a flag of the LAPIC is neither 0 nor 1";

	l->base = state_get(buf, 8);
	l->tpr = (u8)state_get(buf, 1);
	l->ldr = (u32)state_get(buf, 4);
	l->dfr = (u32)state_get(buf, 4);
	l->svr =
	    (u32)state_get_max(buf, 4, SVR_VECTOR | SVR_ENABLE, "the LAPIC's SVR has unknown bits");
	get_words(buf, l->isr, LAPIC_VECTOR_WORDS);
	get_words(buf, l->tmr, LAPIC_VECTOR_WORDS);
	get_words(buf, l->irr, LAPIC_VECTOR_WORDS);
	l->esr = (u32)state_get_max(buf, 4, 0xff, "the LAPIC's ESR has unknown bits");
	l->esr_new = (u32)state_get_max(buf, 4, 0xff, "the LAPIC's ESR has unknown bits");
	l->icr = state_get(buf, 8);
	get_words(buf, l->lvt, LAPIC_LVT_COUNT);
	l->lint[0] = state_get_max(buf, 1, 1, flag);
	l->lint[1] = state_get_max(buf, 1, 1, flag);
	l->timer_initial = (u32)state_get(buf, 4);
	l->timer_divide = (u32)state_get(buf, 4);
	l->timer_running = state_get_max(buf, 1, 1, flag);
	l->timer_start = state_get(buf, 8);
	l->timer_told = state_get(buf, 8);
	l->tsc_deadline = state_get(buf, 8);
}

/* What is wrong with loaded registers, or NULL. */
static const char *find_fault(const struct lapic *l)
{
	if (!base_is_valid(l, l->base) || !!(l->base & APIC_BASE_BSP) != l->config.bsp)
		return "the LAPIC's APIC_BASE does not fit this CPU";
	if ((l->isr[0] | l->irr[0]) & BITS(LAPIC_FIRST_VECTOR - 1, 0))
		return "the LAPIC holds a vector below 16";
	if (l->icr & BITS(31, 0) & ~(u64)ICR_LOW_BITS || l->timer_divide & ~DIVIDE_BITS ||
	    (l->dfr & DFR_FIXED) != DFR_FIXED || l->ldr & BITS(LAPIC_ID_SHIFT - 1, 0))
		return "the LAPIC's ICR, LDR, DFR or divisor has impossible bits";
	for (unsigned n = 0; n < LAPIC_LVT_COUNT; n++) {
		u32 bits = lapic_lvt_bits(l, n) | (n == LAPIC_LVT_LINT0 ? (u32)LVT_REMOTE_IRR : 0);

		if (l->lvt[n] & ~bits || (!lapic_software_enabled(l) && !(l->lvt[n] & LVT_MASKED)))
			return "an LVT entry of the LAPIC has impossible bits";
	}
	if (!lapic_timer_possible(l, l->bus->now(l->bus)))
		return "the LAPIC's timer began in the future";
	return NULL;
}

int lapic_load(struct lapic *l, struct state_buf *buf)
{
	struct lapic n = *l;
	const char *fault;

	if (state_get(buf, 4) != l->config.id)
		return state_refuse(buf, "the state is that of another CPU's LAPIC");
	get_all(&n, buf);
	fault = find_fault(&n);
	if (fault)
		state_refuse(buf, fault);
	if (buf->error)
		return -1;

	bus_alarm_cancel(&l->alarm);
	n.alarm = l->alarm;
	*l = n;
	lapic_timer_rearm(l);
	lapic_changed(l);
	return 0;
}
