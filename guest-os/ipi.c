/*
 * ipi.c - messages between processors
 *
 * Owns: the two vectors, the call that each processor may have to answer.
 * Must not know: what is called, why somebody is woken.
 *
 * Source: [SDM] "Issuing Interprocessor Interrupts" (10.6).
 */
#include "ipi.h"

#include "lapic.h"
#include "x86_ops.h"

/* What it was sent for happens on the way out of the kernel, or in the idle loop. */
static void wake_interrupt(struct trap_frame *frame UNUSED)
{
	lapic_eoi();
}

/* trap.c takes no lock for this one. */
static void call_interrupt(struct trap_frame *frame UNUSED)
{
	lapic_eoi();
	ipi_serve();
}

void ipi_init(void)
{
	trap_set(IPI_WAKE_VECTOR, wake_interrupt);
	trap_set(IPI_CALL_VECTOR, call_interrupt);
}

void ipi_wake(const struct cpu *target)
{
	lapic_send(target->apic_id, IPI_WAKE_VECTOR);
}

/* The argument first, then the function, which is what the other one looks for. */
static void begin_call(struct cpu *target, void (*function)(u64), u64 argument)
{
	target->call_argument = argument;
	__atomic_store_n(&target->call, function, __ATOMIC_RELEASE);
	lapic_send(target->apic_id, IPI_CALL_VECTOR);
}

static void await_call(const struct cpu *target)
{
	while (__atomic_load_n(&target->call, __ATOMIC_ACQUIRE))
		x86_pause();
}

void ipi_call(struct cpu *target, void (*function)(u64), u64 argument)
{
	begin_call(target, function, argument);
	await_call(target);
}

static bool is_other(const struct cpu *cpu)
{
	return cpu != cpu_this() && READ_ONCE(cpu->online);
}

static void begin_others(void (*function)(u64), u64 argument)
{
	for (struct cpu *cpu = cpu_table; cpu < cpu_table + cpu_count; cpu++)
		if (is_other(cpu))
			begin_call(cpu, function, argument);
}

static void await_others(void)
{
	for (struct cpu *cpu = cpu_table; cpu < cpu_table + cpu_count; cpu++)
		if (is_other(cpu))
			await_call(cpu);
}

void ipi_call_others(void (*function)(u64), u64 argument)
{
	begin_others(function, argument);
	await_others();
}

void ipi_call_all(void (*function)(u64), u64 argument)
{
	begin_others(function, argument);
	function(argument);
	await_others();
}

void ipi_serve(void)
{
	struct cpu *self = cpu_this();
	void (*function)(u64) = __atomic_load_n(&self->call, __ATOMIC_ACQUIRE);

	if (!function || self->answering)
		return;
	self->answering = true;
	function(self->call_argument);
	self->answering = false;
	__atomic_store_n(&self->call, NULL, __ATOMIC_RELEASE);
}
