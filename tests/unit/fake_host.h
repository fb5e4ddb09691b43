/*
 * fake_host.h - the border beneath, faked: memory, time, kicks and console that a test can see
 *
 * Owns: host.h for the unit tests, in one process and one thread.
 * Must not know: what is tested.
 *
 * Time stands still until a test moves it.  Memory is counted, given out zeroed, and can be made
 * to run out.  Which CPU "we" are is a variable.  A panic aborts: see panics() in machine.h.
 */
#ifndef ESPEJO_TESTS_UNIT_FAKE_HOST_H
#define ESPEJO_TESTS_UNIT_FAKE_HOST_H

#include "host.h"

#define FAKE_TEXT_MAX 8192

struct fake_host {
	/* What a test sets. */
	unsigned cpu, cpus;
	u64 now, tsc;	      /* one tick is one nanosecond, but they may be set apart */
	u64 tsc_step;	      /* added to tsc at each reading */
	u64 tsc_hz;	      /* as host_tsc_hz tells it; 0: 1 GHz */
	u64 memory;	      /* bytes that can be promised */
	u64 allocations_left; /* ~0: any number; at 0 host_alloc_pages and host_alloc fail */
	bool ram_in_one_piece; /* host_alloc_ram gives some */
	struct cpuid_regs (*cpuid)(u32 leaf, u32 subleaf); /* NULL: a made-up machine */
	void (*on_kick)(struct vcpu *v);
	void (*on_run)(struct vcpu *v);
	void (*on_relax)(void);
	/* What a test looks at. */
	u64 pages_out, objects_out, reserved; /* given out now, in bytes; promised */
	unsigned allocations;		      /* calls that succeeded, ever */
	unsigned kicks, ended, paused, interrupts_taken, interrupts_pended;
	struct vcpu *kicked; /* the last one */
	struct vm *ended_vm;
	struct host_timer *timers; /* armed ones */
	char log[FAKE_TEXT_MAX], console[FAKE_TEXT_MAX];
};

extern struct fake_host fake_host;

/* As after start: 2 CPUs, 1 GiB; nothing may be given out any more. */
void fake_host_reset(void);
/* Time passes, timers fire when due (on the CPU that set them). */
void fake_host_run(u64 ns);
/* Nothing is given out, promised or armed? */
bool fake_host_clean(void);

#endif
