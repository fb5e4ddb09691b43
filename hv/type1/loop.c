/* loop.c - see loop.h */
#include "type1/loop.h"

#include "sched/sched.h"
#include "type1/apic.h"
#include "type1/console.h"
#include "type1/cpu.h"
#include "type1/nudge.h"
#include "type1/timer.h"
#include "type1/traps.h"
#include "vm/vcpu.h"
#include "x86_ops.h"

#define NEVER (~0ull)

static bool open_for_all; /* the other CPUs may schedule */
static bool work_due; /* for the boot CPU: leave the guest, work() */
static void (*boot_work)(void);
static bool drivers_due; /* for the boot CPU: poll_drivers() */
static void (*poll_drivers)(void);

/* ---- Kicks ------------------------------------------------------------------------------- */

/* A kick is nothing but an interruption: the loop, or vcpu_step, looks again. */
static void kick_interrupt(void)
{
	apic_eoi();
	cpu_this()->kicks++;
}

static void rouse_interrupt(void)
{
	apic_eoi();
}

void loop_init(void)
{
	traps_set_handler(TRAPS_VECTOR_KICK, kick_interrupt);
	traps_set_handler(TRAPS_VECTOR_ROUSE, rouse_interrupt);
}

/*
 * The CPU looks again soon.  One that is this one and in its loop will do so anyway; one that
 * handles an exit would go back into its guest, so it interrupts itself.
 */
static void kick_cpu(int index)
{
	const struct cpu *cpu;
	bool stepping;

	if (index < 0)
		return;
	cpu = cpu_table[index];
	stepping = __atomic_load_n(&cpu->stepping, __ATOMIC_SEQ_CST);
	if (cpu != cpu_this() || stepping)
		apic_send(cpu->apic_id, TRAPS_VECTOR_KICK);
	if (!stepping || !nudge_needed())
		return;
	nudge_soon((unsigned)index);
	if (cpu != cpu_this())
		apic_send_nmi(cpu->apic_id);
}

void host_kick(struct vcpu *v)
{
	/* Its own CPU reads the requests again before it enters the guest. */
	if (cpu_this()->loaded != v)
		kick_cpu(sched_kick(v));
}

const struct cpu *loop_rouse(struct vcpu *v, u64 *kicks)
{
	int index = sched_kick(v);

	if (index < 0)
		return NULL;
	*kicks = READ_ONCE(cpu_table[index]->kicks);
	apic_send(cpu_table[index]->apic_id, TRAPS_VECTOR_ROUSE);
	return cpu_table[index];
}

void host_run(struct vcpu *v)
{
	kick_cpu(sched_add(v));
}

void host_stop(struct vcpu *v)
{
	kick_cpu(sched_remove(v));
}

void host_relax(void)
{
	x86_pause();
}

struct cpuid_regs host_cpuid(u32 leaf, u32 subleaf)
{
	return x86_cpuid(leaf, subleaf);
}

void host_take_interrupts(void)
{
	/* STI holds interrupts off for one more instruction. */
	__asm__ volatile("sti; nop; cli" ::: "memory");
}

bool host_pend_interrupt(void)
{
	apic_send(cpu_this()->apic_id, TRAPS_VECTOR_KICK);
	return true;
}

void host_pend_nmi(void)
{
	apic_send_nmi(cpu_this()->apic_id);
}

void loop_set_work(void (*work)(void))
{
	boot_work = work;
}

void loop_wake_boot_cpu(void)
{
	__atomic_store_n(&work_due, true, __ATOMIC_SEQ_CST);
	kick_cpu(0);
}

/* An operator, or a script, may wait for that. */
void host_vm_paused(struct vm *vm UNUSED)
{
	loop_wake_boot_cpu();
}

void loop_set_drivers(void (*poll)(void))
{
	poll_drivers = poll;
}

void loop_wake_drivers(void)
{
	__atomic_store_n(&drivers_due, true, __ATOMIC_SEQ_CST);
	kick_cpu(0);
}

/* ---- The loop ------------------------------------------------------------------------------- */

static void run_drivers(const struct cpu *cpu)
{
	if (cpu->index == 0 && __atomic_exchange_n(&drivers_due, false, __ATOMIC_SEQ_CST) &&
	    poll_drivers)
		poll_drivers();
}

/* The boot CPU's duties beside vCPUs. */
static void do_work(void)
{
	if (likely(!__atomic_exchange_n(&work_due, false, __ATOMIC_SEQ_CST)) || !boot_work)
		return;
	kick_cpu(sched_busy(cpu_this()->index));
	boot_work();
}

static bool must_leave(const struct cpu *cpu)
{
	return cpu->index == 0 && READ_ONCE(work_due);
}

/* When v's time is over.  If others wait, a CPU that set no timer must hear of it too. */
static u64 deadline_of(struct vcpu *v)
{
	u64 deadline = sched_deadline(v);

	if (deadline != NEVER)
		kick_cpu(sched_nudge());
	return deadline;
}

/* The CPU is the loop's again: so nobody (nudge.c) needs to ask v for it any longer. */
static void stop_stepping(struct cpu *cpu, struct vcpu *v)
{
	cpu->stepping = false;
	vcpu_forget(v, REQUEST_HOST);
}

/*
 * Keep v on this CPU until it blocks or stops, or its time is over and others wait.  It is
 * unloaded before others may have it.
 *
 * A kick after stepping was set gets the guest's CPU back; what an earlier one wanted is looked at
 * afterwards.  So none falls between, even where a guest is deaf to interrupts (nudge.h).
 */
static void run_vcpu(struct cpu *cpu, struct vcpu *v)
{
	enum vcpu_stop stop = VCPU_HOST;
	u64 deadline, now;

	virt->load(v);
	cpu->loaded = v;
	cpu->loaded_ns = host_now();
	do {
		__atomic_store_n(&cpu->stepping, true, __ATOMIC_SEQ_CST);
		deadline = deadline_of(v);
		if (must_leave(cpu) || console_holds(v->vm) || host_now() >= deadline)
			break;
		timer_arm(deadline);
		nudge_at(cpu->timer_armed_ns);
		stop = vcpu_step(v);
		stop_stepping(cpu, v);
		host_take_interrupts();
		timer_expire();
		run_drivers(cpu);
	} while (stop == VCPU_HOST);
	stop_stepping(cpu, v);
	nudge_at(NEVER);
	virt->unload(v);
	cpu->loaded = NULL;
	now = host_now();
	cpu->busy_ns += now - cpu->loaded_ns;
	sched_put(v, stop == VCPU_BLOCKED, now);
}

/* Nothing to run: halted until an interrupt.  After a kick since sched_pick HLT ends at once. */
static void idle(struct cpu *cpu)
{
	u64 since = host_now();

	if (must_leave(cpu) || (cpu->index == 0 && READ_ONCE(drivers_due)))
		return;
	timer_arm(NEVER);
	__asm__ volatile("sti; hlt; cli" ::: "memory");
	cpu->idle_ns += host_now() - since;
}

void loop_run(void)
{
	struct cpu *cpu = cpu_this();

	if (cpu->index == 0)
		__atomic_store_n(&open_for_all, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&open_for_all, __ATOMIC_ACQUIRE))
		x86_pause();
	for (;;) {
		struct vcpu *v;

		timer_expire();
		run_drivers(cpu);
		if (cpu->index == 0)
			do_work();
		v = sched_pick(cpu->index, host_now());
		if (v)
			run_vcpu(cpu, v);
		else
			idle(cpu);
	}
}
