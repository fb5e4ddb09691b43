/*
 * selftest_interrupt.c - interrupts: PIC, PIT, LAPIC and its timer, shadows, HLT
 *
 * Owns: both timers while a check runs; gives them back to clock.c behind each one.
 * Timed checks depend on a machine that may be busy: they may try several times.
 */
#include "clock.h"
#include "lapic.h"
#include "layout.h"
#include "pic.h"
#include "pit.h"
#include "sched.h"
#include "segment.h"
#include "selftest.h"
#include "uart.h"
#include "x86_ops.h"

#define LOW_VECTOR 0x51
#define HIGH_VECTOR 0x71
#define SOON_US 2000
#define LONG_US 20000 /* by then it would have come */
#define PATIENCE_US 1000000
#define PERIOD_US 5000
#define PERIODS 8
#define TRIES 10

#define UART_IER (UART_BASE + 1)
#define UART_IIR (UART_BASE + 2)
#define IER_RECEIVED BIT(0)
#define IER_THR_EMPTY BIT(1)

SELFTEST_INSN(sti);
SELFTEST_INSN(sti_cli);
SELFTEST_INSN(popf);
SELFTEST_INSN(hlt);

/* What the handlers below have seen. */
static volatile u64 seen_count, seen_rip, seen_stack;
static volatile bool seen_in_service;
static u8 seen_order[8];

/* Let pending interrupts come, then hold them off again. */
static void let_in(void)
{
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
}

/* Until so many interrupts have come; a machine that is busy elsewhere gets a second for it. */
static void let_in_until(u64 count)
{
	u64 end = clock_us() + PATIENCE_US;

	while (seen_count < count && clock_us() < end)
		let_in();
}

/* Interrupts on, spinning, for so long. */
static void let_in_for(u64 us)
{
	x86_sti();
	clock_delay(us);
	x86_cli();
}

static void note(const struct trap_frame *frame)
{
	if (seen_count < ARRAY_SIZE(seen_order))
		seen_order[seen_count] = (u8)frame->vector;
	seen_count++;
	seen_rip = frame->rip;
	seen_stack = (u64)frame;
}

static void on_lapic(struct trap_frame *frame)
{
	note(frame);
	seen_in_service = lapic_in_service((unsigned)frame->vector);
	lapic_eoi();
}

static void on_pic(struct trap_frame *frame)
{
	note(frame);
	seen_in_service = pic_in_service((unsigned)frame->vector - PIC_VECTOR);
	pic_eoi((unsigned)frame->vector - PIC_VECTOR);
}

static void on_pic_no_eoi(struct trap_frame *frame)
{
	note(frame);
}

static void on_uart(struct trap_frame *frame)
{
	x86_inb(UART_IIR); /* takes the request back */
	on_pic(frame);
}

static void on_nmi(struct trap_frame *frame)
{
	note(frame);
}

static trap_handler *timer_before, *pit_before, *uart_before;

static void begin(trap_handler *timer, trap_handler *pit)
{
	seen_count = seen_rip = 0;
	seen_in_service = false;
	pic_mask(PIT_IRQ);
	timer_before = trap_set(LAPIC_TIMER_VECTOR, timer);
	pit_before = trap_set(PIC_VECTOR + PIT_IRQ, pit);
	uart_before = trap_set(PIC_VECTOR + UART_IRQ, on_uart);
	trap_set(LOW_VECTOR, on_lapic);
	trap_set(HIGH_VECTOR, on_lapic);
}

static void finish(void)
{
	trap_set(LAPIC_TIMER_VECTOR, timer_before);
	trap_set(PIC_VECTOR + PIT_IRQ, pit_before);
	trap_set(PIC_VECTOR + UART_IRQ, uart_before);
	lapic_write(LAPIC_LVT_TIMER, LAPIC_TIMER_VECTOR);
	clock_use_pit(clock_facts().pit);
}

static void send_self(u32 vector)
{
	lapic_write(LAPIC_ICR_LOW, LAPIC_ICR_SELF | vector);
}

/* Channel 0 may have left a request behind: let it in, and forget it. */
static void settle_pit(void)
{
	pic_unmask(PIT_IRQ);
	let_in_for(SOON_US);
	seen_count = 0;
}

static void self_ipi(struct check *c, const void *argument UNUSED)
{
	begin(on_lapic, on_pic);
	send_self(LOW_VECTOR);
	expect_true(c, "request while IF is off", lapic_requested(LOW_VECTOR));
	expect_equal(c, "interrupts while IF is off", seen_count, 0);
	let_in();
	expect_equal(c, "interrupts", seen_count, 1);
	expect_true(c, "in service in the handler", seen_in_service);
	expect_true(c, "nothing left",
		    !lapic_requested(LOW_VECTOR) && !lapic_in_service(LOW_VECTOR));
	finish();
}

static void lapic_priority(struct check *c, const void *argument UNUSED)
{
	begin(on_lapic, on_pic);
	send_self(LOW_VECTOR);
	send_self(HIGH_VECTOR);
	let_in();
	let_in();
	expect_equal(c, "interrupts", seen_count, 2);
	expect_equal(c, "first", seen_order[0], HIGH_VECTOR);
	expect_equal(c, "second", seen_order[1], LOW_VECTOR);
	finish();
}

static void task_priority(struct check *c, const void *argument UNUSED)
{
	u64 cr8;

	begin(on_lapic, on_pic);
	lapic_write(LAPIC_TPR, LOW_VECTOR & 0xf0);
	__asm__ volatile("movq %%cr8, %0" : "=r"(cr8));
	expect_equal(c, "CR8", cr8, LOW_VECTOR >> 4);
	send_self(LOW_VECTOR);
	let_in();
	expect_equal(c, "interrupts of this priority", seen_count, 0);
	send_self(HIGH_VECTOR);
	let_in();
	expect_equal(c, "interrupts of a higher one", seen_count, 1);
	__asm__ volatile("movq %0, %%cr8" ::"r"(0ull));
	expect_equal(c, "TPR", lapic_read(LAPIC_TPR), 0);
	let_in();
	expect_equal(c, "interrupts at last", seen_count, 2);
	finish();
}

static void nmi_to_self(struct check *c, const void *argument UNUSED)
{
	u64 low, high;

	begin(on_lapic, on_pic);
	trap_set(VECTOR_NMI, on_nmi);
	lapic_write(LAPIC_ICR_HIGH, lapic_read(LAPIC_ID)); /* the shorthand is for vectors only */
	lapic_write(LAPIC_ICR_LOW, LAPIC_ICR_NMI);
	clock_delay(SOON_US);
	trap_set(VECTOR_NMI, NULL);
	segment_ist_bounds(IST_NMI, &low, &high);
	expect_equal(c, "NMIs with IF off", seen_count, 1);
	expect_between(c, "stack", seen_stack, low, high);
	finish();
}

static void sti_shadow(struct check *c, const void *argument UNUSED)
{
	begin(on_lapic, on_pic);
	send_self(LOW_VECTOR);
	insn_sti(0);
	expect_equal(c, "interrupts", seen_count, 1);
	expect_equal(c, "RIP", seen_rip, (u64)insn_sti_at);
	finish();
}

static void sti_cli(struct check *c, const void *argument UNUSED)
{
	begin(on_lapic, on_pic);
	send_self(LOW_VECTOR);
	insn_sti_cli(0);
	expect_equal(c, "interrupts", seen_count, 0);
	let_in();
	expect_equal(c, "interrupts", seen_count, 1);
	finish();
}

static void popf_no_shadow(struct check *c, const void *argument UNUSED)
{
	begin(on_lapic, on_pic);
	send_self(LOW_VECTOR);
	insn_popf(0);
	expect_equal(c, "interrupts", seen_count, 1);
	expect_equal(c, "RIP", seen_rip, (u64)insn_popf_at);
	finish();
}

static void hlt_wakes_by_lapic(struct check *c, const void *argument UNUSED)
{
	begin(on_lapic, on_pic);
	lapic_arm(SOON_US);
	insn_hlt(0);
	expect_equal(c, "interrupts", seen_count, 1);
	expect_equal(c, "RIP", seen_rip, (u64)insn_hlt_at);
	finish();
}

static void hlt_wakes_by_pit(struct check *c, const void *argument UNUSED)
{
	begin(on_lapic, on_pic);
	settle_pit();
	pit_arm(SOON_US);
	insn_hlt(0);
	expect_equal(c, "interrupts", seen_count, 1);
	expect_equal(c, "RIP", seen_rip, (u64)insn_hlt_at);
	expect_equal(c, "vector", seen_order[0], PIC_VECTOR + PIT_IRQ);
	finish();
}

static void hlt_pending(struct check *c, const void *argument UNUSED)
{
	begin(on_lapic, on_pic);
	send_self(LOW_VECTOR);
	insn_hlt(0);
	expect_equal(c, "interrupts", seen_count, 1);
	expect_equal(c, "RIP", seen_rip, (u64)insn_hlt_at);
	finish();
}

static void lapic_one_shot(struct check *c, const void *argument UNUSED)
{
	u64 start = clock_us();

	begin(on_lapic, on_pic);
	lapic_arm(SOON_US);
	let_in_until(1);
	expect_between(c, "time in us", clock_us() - start, SOON_US / 10 * 9, PATIENCE_US);
	let_in_for(LONG_US);
	expect_equal(c, "interrupts", seen_count, 1);
	expect_equal(c, "count", lapic_read(LAPIC_TIMER_CURRENT), 0);
	finish();
}

static void lapic_counts_down(struct check *c, const void *argument UNUSED)
{
	u32 first, second;

	begin(on_lapic, on_pic);
	lapic_write(LAPIC_TIMER_INITIAL, ~0u);
	first = lapic_read(LAPIC_TIMER_CURRENT);
	clock_delay(1000);
	second = lapic_read(LAPIC_TIMER_CURRENT);
	lapic_disarm();
	expect_between(c, "count", second, 1, first - 1);
	expect_equal(c, "count when stopped", lapic_read(LAPIC_TIMER_CURRENT), 0);
	finish();
}

static void lapic_masked(struct check *c, const void *argument UNUSED)
{
	begin(on_lapic, on_pic);
	lapic_write(LAPIC_LVT_TIMER, LAPIC_LVT_MASKED | LAPIC_TIMER_VECTOR);
	lapic_arm(SOON_US);
	let_in_for(LONG_US);
	expect_equal(c, "interrupts", seen_count, 0);
	finish();
}

/*
 * How long PERIODS interrupts take from one to the last.  Lost ones make it longer, a late first
 * one makes it shorter: what counts is the try that comes nearest.
 */
static u64 time_periods(u64 give_up_us)
{
	u64 start = clock_us(), first;

	seen_count = 0;
	while (seen_count < 1 && clock_us() < start + give_up_us)
		let_in();
	first = clock_us();
	while (seen_count < 1 + PERIODS && clock_us() < start + give_up_us)
		sched_idle();
	return clock_us() - first;
}

static void expect_rate(struct check *c)
{
	u64 wanted = PERIOD_US * PERIODS, got = 0;
	u64 low = wanted / 4 * 3, high = wanted / 2 * 3;

	for (int i = 0; i < TRIES && (got < low || got > high); i++)
		got = time_periods(20 * wanted);
	expect_between(c, "time in us", got, low, high);
}

static void lapic_periodic(struct check *c, const void *argument UNUSED)
{
	begin(on_lapic, on_pic);
	lapic_write(LAPIC_LVT_TIMER, LAPIC_LVT_PERIODIC | LAPIC_TIMER_VECTOR);
	lapic_arm(PERIOD_US);
	expect_rate(c);
	finish();
}

static void pit_rate(struct check *c, const void *argument UNUSED)
{
	begin(on_lapic, on_pic);
	pic_unmask(PIT_IRQ);
	pit_periodic(1000000 / PERIOD_US);
	expect_rate(c);
	finish();
}

static void pit_counts(struct check *c, const void *argument UNUSED)
{
	u16 first, second;

	begin(on_lapic, on_pic);
	pit_arm(PIT_ARM_MAX_US);
	first = pit_count();
	clock_delay(1000);
	second = pit_count();
	expect_between(c, "count", second, 1, first - 1u);
	finish();
}

static void pic_mask_holds(struct check *c, const void *argument UNUSED)
{
	begin(on_lapic, on_pic);
	settle_pit();
	pic_mask(PIT_IRQ);
	expect_true(c, "mask", pic_masked(PIT_IRQ));
	pit_arm(SOON_US);
	for (u64 end = clock_us() + PATIENCE_US; !pic_requested(PIT_IRQ) && clock_us() < end;)
		x86_pause();
	let_in();
	expect_equal(c, "interrupts while masked", seen_count, 0);
	expect_true(c, "request", pic_requested(PIT_IRQ));
	pic_unmask(PIT_IRQ);
	let_in();
	expect_equal(c, "interrupts at last", seen_count, 1);
	expect_true(c, "in service in the handler", seen_in_service);
	expect_true(c, "nothing in service", !pic_in_service(PIT_IRQ));
	finish();
}

/* Until the end of IRQ 0's interrupt, IRQ 4 must wait. */
static void pic_priority(struct check *c, const void *argument UNUSED)
{
	begin(on_lapic, on_pic);
	uart_drain();
	settle_pit();
	trap_set(PIC_VECTOR + PIT_IRQ, on_pic_no_eoi);
	pit_arm(SOON_US);
	let_in_until(1);
	expect_equal(c, "interrupts", seen_count, 1);
	x86_outb(UART_IER, IER_RECEIVED | IER_THR_EMPTY);
	let_in_for(SOON_US);
	expect_equal(c, "interrupts before EOI", seen_count, 1);
	pic_eoi(PIT_IRQ);
	let_in_until(2);
	x86_outb(UART_IER, IER_RECEIVED);
	expect_equal(c, "interrupts after EOI", seen_count, 2);
	expect_equal(c, "the second", seen_order[1], PIC_VECTOR + UART_IRQ);
	finish();
}

static void uart_interrupts(struct check *c, const void *argument UNUSED)
{
	begin(on_lapic, on_pic);
	uart_drain();
	x86_outb(UART_IER, IER_RECEIVED | IER_THR_EMPTY);
	let_in_until(1);
	x86_outb(UART_IER, IER_RECEIVED);
	expect_equal(c, "interrupts", seen_count, 1);
	expect_equal(c, "vector", seen_order[0], PIC_VECTOR + UART_IRQ);
	finish();
}

static const struct selftest tests[] = {
	{ "LAPIC: an IPI to oneself waits for IF", self_ipi, NULL },
	{ "LAPIC: the higher vector comes first", lapic_priority, NULL },
	{ "LAPIC: TPR and CR8 hold interrupts off", task_priority, NULL },
	{ "LAPIC: an NMI to oneself comes on its own stack", nmi_to_self, NULL },
	{ "STI: one more instruction before an interrupt", sti_shadow, NULL },
	{ "STI, CLI: no interrupt between them", sti_cli, NULL },
	{ "POPF: an interrupt right behind it", popf_no_shadow, NULL },
	{ "STI, HLT with an interrupt pending: RIP behind HLT", hlt_pending, NULL },
	{ "HLT wakes by the LAPIC timer, RIP behind it", hlt_wakes_by_lapic, NULL },
	{ "HLT wakes by the PIT, RIP behind it", hlt_wakes_by_pit, NULL },
	{ "LAPIC timer: one shot, once and not early", lapic_one_shot, NULL },
	{ "LAPIC timer: counts down, stops", lapic_counts_down, NULL },
	{ "LAPIC timer: silent when masked", lapic_masked, NULL },
	{ "LAPIC timer: periodic at its rate", lapic_periodic, NULL },
	{ "PIT: periodic at its rate", pit_rate, NULL },
	{ "PIT: counts down", pit_counts, NULL },
	{ "PIC: a masked request waits", pic_mask_holds, NULL },
	{ "PIC: a lower input waits for EOI", pic_priority, NULL },
	{ "UART: interrupts when it can send", uart_interrupts, NULL },
};

const struct selftest_group selftest_interrupt = { tests, ARRAY_SIZE(tests) };
