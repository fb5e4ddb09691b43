/*
 * main.c - MONITOR and MWAIT: what they refuse, what ends a wait, and that no store is missed
 *
 * With one CPU: faults, interrupts.  cpus=2: stores of the other one.  then=sleep: both wait for
 * ever, for who looks from outside whether they let others have the machine.
 *
 * Sources: [SDM] vol. 2 "MONITOR", "MWAIT"; vol. 3 "MONITOR/MWAIT Instructions" (8.10.3).
 */
#include "rt.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "x86_ops.h"

#define LINE 64
#define SIPI_PAGE 8
#define TIMER_VECTOR 0x51
#define ROUNDS 400
#define TICKS 200000 /* of the LAPIC's timer: from 0.2 ms to 4 ms */
#define WAIT_TICKS 1000000 /* of the TSC */
#define PATIENCE 200000000u

#define APIC_EOI 0xb0
#define APIC_SVR 0xf0
#define APIC_IRR 0x200
#define APIC_ICR 0x300
#define APIC_ICR_HIGH 0x310
#define APIC_LVT_TIMER 0x320
#define APIC_INITIAL 0x380
#define APIC_DIVIDE 0x3e0
#define SVR_ON 0x1ffu
#define DIVIDE_BY_1 0xbu
#define ICR_INIT 0x4500u
#define ICR_SIPI 0x4600u

#define MONITOR ".byte 0x0f, 0x01, 0xc8"
#define MWAIT ".byte 0x0f, 0x01, 0xc9"
#define MONITORX ".byte 0x0f, 0x01, 0xfa"
#define MWAITX ".byte 0x0f, 0x01, 0xfb"
#define MWAITX_TIMER 2
#define CPUID_EXTENDED_FEATURES 0x80000001
#define CPUID_MONITORX BIT(29)

extern char ap_start[], ap_end[], ap_gdt[];
extern u64 rt_gdt[];
struct PACKED {
	u16 limit;
	u64 base;
} ap_idt;
void ap_main(void);

/* A page whose lines the two CPUs tell each other things by. */
static struct {
	volatile u64 ball ALIGNED(LINE), /* CPU 1 waits for it to change */
		echo ALIGNED(LINE), noise ALIGNED(LINE), quiet ALIGNED(LINE);
	u8 rest[LINE] ALIGNED(LINE);
} page ALIGNED(PAGE_SIZE);

static volatile u32 arrived, woken, timer_irqs;
static volatile u64 other_page[PAGE_SIZE / 8] ALIGNED(PAGE_SIZE);
static volatile bool play;
static bool masked_too; /* MWAIT may be ended by interrupts that are masked: QEMU refuses */
static unsigned number, failures;

static void good(bool is_good, const char *text)
{
	failures += !is_good;
	rt_print("%s %u - %s\n", is_good ? "ok" : "not ok", ++number, text);
}

static u32 apic_read(u32 reg)
{
	return *(volatile u32 *)(APIC_DEFAULT_BASE + reg);
}

static void apic_write(u32 reg, u32 value)
{
	*(volatile u32 *)(APIC_DEFAULT_BASE + reg) = value;
}

static void monitor(const volatile void *line)
{
	__asm__ volatile(MONITOR ::"a"(line), "c"(0), "d"(0) : "memory");
}

static void mwait(u64 extensions)
{
	__asm__ volatile(MWAIT ::"a"(0), "c"(extensions) : "memory");
}

/* Wait until *what is no longer old, interrupts off: only a store can end that. */
static void wait_while(const volatile u64 *what, u64 old)
{
	while (*what == old) {
		monitor(what);
		if (*what == old)
			mwait(0);
	}
}

/* About as long as the other CPU takes to fall asleep. */
static void linger(void)
{
	for (unsigned i = 0; i < 20000; i++)
		x86_pause();
}

/* ---- Faults ------------------------------------------------------------------------------ */

static u64 faulted(void)
{
	return rt_faulted() ? rt_vector : 0;
}

static void try_monitor(u64 at, u64 extensions)
{
	RT_TRY(MONITOR, RT_OUT(), "a"(at), "c"(extensions), "d"(0));
}

static void try_mwait(u64 extensions)
{
	RT_TRY(MWAIT, RT_OUT(), "a"(0), "c"(extensions));
}

static void in_user_mode(u64 wait)
{
	struct PACKED {
		u64 rip, cs, rflags, rsp, ss;
	} frame = { 0, RT_USER_CS, RFLAGS_ONE, (u64)(uintptr_t)&other_page[256], RT_USER_DS };

	__asm__ volatile("movq $1f, (%1)\n\t"
			 "movq %1, %%rsp\n\t"
			 "iretq\n"
			 "1:\n\t"
			 "testl %%edi, %%edi\n\t"
			 "jnz 2f\n\t" MONITOR "\n"
			 "2:\n\t" MWAIT "\n\t"
			 "ud2"
			 :
			 : "D"(wait), "r"(&frame), "a"(&page), "c"(0), "d"(0)
			 : "memory");
}

static void check_faults(void)
{
	u64 page_4m = MiB(16);

	try_monitor((u64)(uintptr_t)&page, 1);
	good(faulted() == VECTOR_GP && rt_error == 0, "MONITOR with an extension is #GP(0)");
	try_monitor(BIT(60), 0);
	good(faulted() == VECTOR_GP, "MONITOR of a non-canonical address is #GP");
	rt_page_present(page_4m, false);
	try_monitor(page_4m + 8, 0);
	good(faulted() == VECTOR_PF && rt_error == 0 && rt_cr2 == page_4m + 8,
	     "MONITOR of a page that is not there is #PF, as a read");
	rt_page_present(page_4m, true);
	try_mwait(4);
	good(faulted() == VECTOR_GP && rt_error == 0, "MWAIT with an unknown extension is #GP(0)");
	try_mwait(0);
	good(!faulted(), "MWAIT without MONITOR goes on");
	try_mwait(1);
	good(faulted() == (masked_too ? 0 : VECTOR_GP), "extension 0 is known, or #GP(0)");
	rt_user_pages();
	good(rt_attempt(in_user_mode, 0) && rt_vector == VECTOR_UD, "MONITOR in user mode is #UD");
	good(rt_attempt(in_user_mode, 1) && rt_vector == VECTOR_UD, "MWAIT in user mode is #UD");
}

/* ---- MONITORX and MWAITX ------------------------------------------------------------------- */

static void user_monitorx(u64 stack)
{
	struct PACKED {
		u64 rip, cs, rflags, rsp, ss;
	} frame = { 0, RT_USER_CS, RFLAGS_ONE, stack, RT_USER_DS };

	__asm__ volatile("movq $1f, (%0)\n\t"
			 "movq %0, %%rsp\n\t"
			 "iretq\n"
			 "1:\t" MONITORX "\n\t"
			 "movl $2, %%ecx\n\t" MWAITX "\n\t" /* MWAITX_TIMER */
			 "hlt"
			 :
			 : "r"(&frame), "a"(&page), "b"(1), "c"(0), "d"(0)
			 : "memory");
}

static bool has_monitorx(void)
{
	return x86_cpuid(BIT(31), 0).eax >= CPUID_EXTENDED_FEATURES &&
	       x86_cpuid(CPUID_EXTENDED_FEATURES, 0).ecx & CPUID_MONITORX;
}

/* The wait begins, and is ended by another CPU, only where nothing was stored since MONITORX. */
static void check_timed(void)
{
	u64 began;

	RT_TRY(MWAITX, RT_OUT(), "a"(0), "b"(0), "c"(4));
	good(faulted() == VECTOR_GP && rt_error == 0, "MWAITX with an unknown extension is #GP(0)");
	RT_TRY(MONITORX, RT_OUT(), "a"(&page), "c"(1), "d"(0));
	good(faulted() == VECTOR_GP && rt_error == 0, "MONITORX with an extension is #GP(0)");
	RT_TRY(MONITORX, RT_OUT(), "a"(&other_page), "c"(0), "d"(0));
	good(!faulted(), "MONITORX of a line");
	began = x86_rdtsc();
	RT_TRY(MWAITX, RT_OUT(), "a"(0), "b"(WAIT_TICKS), "c"(MWAITX_TIMER));
	good(!faulted() && x86_rdtsc() - began >= WAIT_TICKS / 2,
	     "MWAITX waits until its time is over");
	rt_user_pages();
	good(rt_attempt(user_monitorx, (u64)(uintptr_t)&other_page[256]) && rt_vector == VECTOR_GP,
	     "user mode may MONITORX, and MWAITX: what comes behind them faults");
}

/* ---- Interrupts ---------------------------------------------------------------------------- */

static bool on_trap(struct rt_frame *frame)
{
	if (frame->vector != TIMER_VECTOR)
		return false;
	timer_irqs++;
	apic_write(APIC_EOI, 0);
	return true;
}

static bool timer_is_pending(void)
{
	return apic_read(APIC_IRR + 16 * (TIMER_VECTOR / 32)) >> TIMER_VECTOR % 32 & 1;
}

static void start_timer(void)
{
	apic_write(APIC_LVT_TIMER, TIMER_VECTOR);
	apic_write(APIC_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_INITIAL, TICKS);
}

static void check_interrupts(void)
{
	unsigned waits = 0;

	start_timer();
	while (!timer_irqs && waits < 1000) {
		monitor(&page.quiet);
		__asm__ volatile("sti; " MWAIT "; cli" ::"a"(0), "c"(0) : "memory");
		waits++;
	}
	good(timer_irqs == 1, "an interrupt ends MWAIT, and is delivered");
	good(waits < 10, "it did wait");
	if (!masked_too)
		return;
	start_timer();
	waits = 0;
	while (!timer_is_pending() && waits < 1000) {
		monitor(&page.quiet);
		mwait(1);
		waits++;
	}
	good(timer_is_pending() && timer_irqs == 1,
	     "an interrupt that is masked ends MWAIT with extension 0, and waits");
	good(waits < 10, "it did wait");
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
	good(timer_irqs == 2, "it comes when it may");
}

static void check_own_store(void)
{
	monitor(&page.quiet);
	page.quiet++;
	mwait(0);
	good(true, "a store between MONITOR and MWAIT is not waited for");
}

/* ---- Two CPUs ------------------------------------------------------------------------------ */

/* CPU 1: gives back the ball, for ever; at 0 it waits just once for what it is told. */
void ap_main(void)
{
	u64 seen = 0;

	apic_write(APIC_SVR, SVR_ON);
	arrived = 1;
	for (;;) {
		if (play) {
			wait_while(&page.ball, seen);
			seen = page.ball;
			page.echo = seen;
			continue;
		}
		monitor(&page.quiet);
		mwait(0);
		woken++;
	}
}

static void start_other(void)
{
	char *to = (char *)(uintptr_t)(SIPI_PAGE << 12);
	struct PACKED {
		u16 limit;
		u32 base;
	} gdt = { 0x3f, (u32)(uintptr_t)rt_gdt };

	memcpy(to, ap_start, (size_t)(ap_end - ap_start));
	memcpy(to + (ap_gdt - ap_start), &gdt, sizeof(gdt));
	__asm__ volatile("sidt %0" : "=m"(ap_idt));
	apic_write(APIC_ICR_HIGH, 1u << 24);
	apic_write(APIC_ICR, ICR_INIT);
	for (unsigned i = 0; i < 20; i++)
		linger();
	apic_write(APIC_ICR_HIGH, 1u << 24);
	apic_write(APIC_ICR, ICR_SIPI | SIPI_PAGE);
	for (unsigned i = 0; i < PATIENCE && !arrived; i++)
		x86_pause();
}

/* CPU 1 has woken from its single wait. */
static bool wakes(u32 before)
{
	for (unsigned i = 0; i < PATIENCE && woken == before; i++)
		x86_pause();
	return woken != before;
}

/* It waits: nothing wakes it for a while. */
static u32 asleep(void)
{
	u32 before;

	do {
		before = woken;
		linger();
	} while (woken != before);
	return before;
}

static void check_stores(void)
{
	u8 line[LINE];
	u32 before;

	good(arrived, "CPU 1 starts");
	before = asleep();
	page.quiet++;
	good(wakes(before), "a store of the other CPU ends MWAIT");
	before = asleep();
	*(volatile u64 *)&page.quiet = page.quiet;
	good(wakes(before), "so does one that changes nothing");
	before = asleep();
	__atomic_fetch_add(&page.quiet, 1, __ATOMIC_SEQ_CST);
	good(wakes(before), "and a locked addition");
	before = asleep();
	((volatile u8 *)&page.quiet)[LINE - 1]++;
	good(wakes(before), "and a byte at the end of the line");
	before = asleep();
	memset(line, 5, sizeof(line));
	__asm__ volatile("rep movsb" ::"D"(&page.quiet), "S"(line), "c"(LINE) : "memory");
	good(wakes(before), "and a string");
	before = asleep();
	(void)page.quiet;
	good(woken == before, "a load does not");
}

/* Both wait for each other, interrupts off: a store that is missed is the end of the game. */
static void check_game(void)
{
	play = true;
	page.quiet++; /* wake it from its last single wait */
	for (u64 round = 1; round <= ROUNDS; round++) {
		page.ball = round;
		if (round % 3 == 0)
			page.noise++; /* on the page, but not on the line */
		wait_while(&page.echo, round - 1);
		if (page.echo != round)
			break;
	}
	good(page.echo == ROUNDS, "both CPUs wait for each other's stores, none is missed");
}

static void sleep_for_ever(void)
{
	rt_print("mwait: both sleep\n");
	for (;;) {
		monitor(&other_page);
		mwait(0);
	}
}

#define CPUID_1_ECX_MONITOR BIT(3)

static bool has_monitor(void)
{
	return x86_cpuid(1, 0).ecx & CPUID_1_ECX_MONITOR;
}

unsigned probe_main(void)
{
	bool two = rt_number("cpus", 1) > 1;

	if (!has_monitor()) {
		rt_print("1..0 # SKIP no MONITOR here\n");
		return 0;
	}
	masked_too = !rt_has("masked", "no");
	rt_hook = on_trap;
	rt_gate(TIMER_VECTOR, RT_CS, 0, 0, true);
	apic_write(APIC_SVR, SVR_ON);
	if (two)
		start_other();
	if (rt_has("then", "sleep"))
		sleep_for_ever();
	if (!rt_has("faults", "no"))
		check_faults();
	check_interrupts();
	check_own_store();
	if (has_monitorx() && !rt_has("timer", "no"))
		check_timed();
	if (two) {
		check_stores();
		check_game();
	}
	rt_print("1..%u\n# %u failed\n", number, failures);
	return failures ? 1 : 0;
}
