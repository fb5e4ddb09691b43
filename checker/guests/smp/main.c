/* main.c - see smp.h */
#include "smp.h"

#define PATIENCE 3000000u
#define SETTLE 1000u

volatile u32 smp_came[CPUS][256];
volatile u64 smp_fixup;
static void (*volatile job)(void);
static volatile u32 jobs_given, jobs_done;

extern const char rt_stack_top[];
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

void smp_send(u32 destination, u32 command)
{
	smp_write(APIC_ICR_HIGH, destination << 24);
	smp_write(APIC_ICR, command);
}

static unsigned here(const void *on_stack)
{
	u64 below = (u64)(uintptr_t)rt_stack_top - (u64)(uintptr_t)on_stack;

	return below < RT_STACK ? 0 : 1;
}

static bool on_trap(struct rt_frame *f)
{
	unsigned cpu = here(f);

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

/* Where ap.S comes out. */
void ap_main(void)
{
	u32 seen;

	smp_write(APIC_SVR, SVR_ON);
	smp_write(APIC_TPR, 0);
	seen = jobs_given = jobs_done;
	x86_sti();
	for (;;) {
		x86_pause();
		if (jobs_given == seen)
			continue;
		seen = jobs_given;
		job();
		jobs_done = seen;
	}
}

void smp_give(void (*f)(void))
{
	job = f;
	__atomic_store_n(&jobs_given, jobs_given + 1, __ATOMIC_SEQ_CST);
}

bool smp_join(void)
{
	return smp_until(&jobs_done, jobs_given);
}

unsigned probe_main(void)
{
	rt_hook = on_trap;
	for (unsigned v = 0; v < 256; v++)
		rt_gate(v, RT_CS, 0, 0, true);
	__asm__ volatile("sidt %0" : "=m"(ap_idt));
	smp_write(APIC_SVR, SVR_ON);
	if (smp_start()) {
		smp_messages();
		smp_pages();
		smp_litmus();
	}
	systems_finish();
	return 0;
}
