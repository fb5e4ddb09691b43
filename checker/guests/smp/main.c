/* main.c - see smp.h */
#include "smp.h"

#define PATIENCE 3000000u
#define SETTLE 1000u
#define WAKE 0x39 /* a vector */

volatile u32 smp_came[CPUS][256];
volatile u64 smp_fixup;
static void (*volatile job)(void);
static volatile u32 jobs_given, jobs_done[CPUS], job_for;
static volatile u32 lives[CPUS];

volatile u32 ap_arrived; /* counted by ap.S */
struct PACKED {
	u16 limit;
	u64 base;
} ap_idt;
void ap_main(void);

u32 smp_read(u32 reg)
{
	return *(volatile u32 *)(APIC_DEFAULT_BASE + reg);
}

void smp_write(u32 reg, u32 value)
{
	*(volatile u32 *)(APIC_DEFAULT_BASE + reg) = value;
}

/* As it is found; on another CPU than the one that asks. */
volatile u32 smp_lapic[SMP_LAPIC_REGS];
const u16 smp_lapic_reg[SMP_LAPIC_REGS] = { SMP_LAPIC(SMP_LAPIC_OFFSET) };

void smp_send(u32 destination, u32 command)
{
	smp_write(APIC_ICR_HIGH, destination << 24);
	smp_write(APIC_ICR, command);
}

unsigned smp_here(void)
{
	return smp_read(APIC_ID) >> 24 & (CPUS - 1);
}

static bool on_trap(struct rt_frame *f)
{
	unsigned cpu = smp_here();

	if (f->vector == VECTOR_PF && cpu && smp_fixup) {
		smp_came[cpu][VECTOR_PF]++;
		f->rip = smp_fixup;
		return true;
	}
	if (f->vector != VECTOR_NMI && f->vector < 32)
		return false;
	smp_came[cpu][f->vector]++;
	if (f->vector != VECTOR_NMI)
		smp_write(APIC_EOI, 0);
	return true;
}

void smp_forget(void)
{
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		for (unsigned v = 0; v < 256; v++)
			smp_came[cpu][v] = 0;
}

bool smp_until(const volatile u32 *what, u32 least)
{
	for (u64 i = 0; i < PATIENCE && *what < least; i++)
		x86_pause();
	return *what >= least;
}

void smp_settle(void)
{
	for (u64 i = 0; i < SETTLE; i++)
		x86_pause();
}

/* CPUs that never ran are not safe from NMIs in QEMU 7.2; this one is, and takes nothing else. */
static NORETURN void sleep_for_ever(void)
{
	for (;;)
		x86_hlt();
}

/* Those that have little to do leave the host to others; give wakes them. */
static void wait(unsigned cpu)
{
	if (cpu > 1) {
		__asm__ volatile("sti; hlt" ::: "memory");
	} else {
		x86_sti();
		x86_pause();
	}
}

/* Where ap.S comes out. */
void ap_main(void)
{
	const unsigned cpu = smp_here();
	u32 seen;

	for (unsigned i = 0; i < SMP_LAPIC_REGS; i++)
		smp_lapic[i] = smp_read(smp_lapic_reg[i]);
	smp_write(APIC_SVR, SVR_ON);
	smp_write(APIC_TPR, 0);
	if (!lives[cpu]++ && cpu > 1)
		sleep_for_ever();
	seen = jobs_given;
	jobs_done[cpu] = seen;
	x86_sti();
	for (;;) {
		x86_cli();
		if (jobs_given == seen) {
			wait(cpu);
			continue;
		}
		x86_sti();
		seen = jobs_given;
		if (job_for & 1u << cpu)
			job();
		jobs_done[cpu] = seen;
	}
}

static void give(void (*f)(void), u32 cpus)
{
	job = f;
	job_for = cpus;
	__atomic_store_n(&jobs_given, jobs_given + 1, __ATOMIC_SEQ_CST);
	for (u32 cpu = 2; cpu < CPUS; cpu++)
		if (cpus & 1u << cpu)
			smp_send(cpu, ICR_ASSERT | WAKE);
}

void smp_give(void (*f)(void))
{
	give(f, 1u << 1);
}

void smp_give_all(void (*f)(void))
{
	give(f, (1u << CPUS) - 2);
}

bool smp_join(void)
{
	bool all = true;

	for (unsigned cpu = 1; cpu < CPUS; cpu++)
		if (job_for & 1u << cpu)
			all = smp_until(&jobs_done[cpu], jobs_given) && all;
	return all;
}

unsigned probe_main(void)
{
	bool four;

	rt_hook = on_trap;
	for (unsigned v = 0; v < 256; v++)
		rt_gate(v, RT_CS, 0, 0, true);
	__asm__ volatile("sidt %0" : "=m"(ap_idt));
	smp_write(APIC_SVR, SVR_ON);
	four = smp_put_to_sleep();
	if (smp_start()) {
		smp_messages();
		smp_pages();
		smp_litmus();
		if (four && smp_wake_up())
			smp_four();
	}
	systems_finish();
	return 0;
}
