/*
 * smp.c - starting the other processors
 *
 * Owns: INIT and SIPI, the trampoline's place, what a processor does until it can run processes.
 * Must not know: how the firmware's tables look (acpi.c, mptable.c).
 *
 * A processor wakes up in real mode at the trampoline (smp_trampoline.S), takes the same way into
 * long mode as the first one did (boot.S), and comes to smp_processor on the stack of its idle
 * thread.  One is started at a time.
 *
 * Source: [SDM] "MP Initialization Protocol Algorithm for MP Systems" (8.4.3), "Typical AP
 * Initialization Sequence" (8.4.4.2).
 */
#include "smp.h"

#include "acpi.h"
#include "bootinfo.h"
#include "clock.h"
#include "cpu.h"
#include "fpu.h"
#include "ipi.h"
#include "lapic.h"
#include "lib/string.h"
#include "lock.h"
#include "mptable.h"
#include "page.h"
#include "print.h"
#include "sched.h"
#include "segment.h"
#include "space.h"
#include "syscall.h"
#include "x86_ops.h"

#define INIT_WAIT_US 10000
#define SIPI_WAIT_US 1000
#define START_WAIT_US 2000000

/* smp_trampoline.S, boot.S */
extern char smp_trampoline[], smp_trampoline_end[];
u64 smp_cr3, smp_stack; /* what the processor that starts now is to load */

static struct cpu *starting;
static const char *source = "nothing";

NORETURN void smp_processor(void);

/* From boot.S: on the idle thread's stack, with the kernel's page tables, interrupts off. */
void smp_processor(void)
{
	struct cpu *self = starting;

	segment_init(self->index);
	trap_load();
	fpu_init();
	lapic_init();
	syscall_init();
	__atomic_store_n(&self->online, true, __ATOMIC_RELEASE);
	lock_kernel_enter();
	sched_idle_forever();
}

static bool online_within(const struct cpu *cpu, u64 us)
{
	for (u64 end = clock_us() + us; clock_us() < end; x86_pause())
		if (__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
			return true;
	return __atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE);
}

/* The second SIPI is for processors that have slept through the first. */
static bool start(struct cpu *cpu)
{
	starting = cpu;
	smp_cr3 = page_address(space_kernel.pml4);
	smp_stack = process_stack_top(&cpu->idle);
	lapic_send(cpu->apic_id, LAPIC_ICR_INIT | LAPIC_ICR_ASSERT);
	clock_delay(INIT_WAIT_US);
	lapic_send(cpu->apic_id, LAPIC_ICR_STARTUP | TRAMPOLINE / PAGE_SIZE);
	if (online_within(cpu, SIPI_WAIT_US))
		return true;
	lapic_send(cpu->apic_id, LAPIC_ICR_STARTUP | TRAMPOLINE / PAGE_SIZE);
	return online_within(cpu, START_WAIT_US);
}

/* The trampoline must be RAM, and nobody else's: page.c leaves the first MiB alone. */
static bool place_trampoline(void)
{
	bool ram = false;

	for (unsigned i = 0; i < bootinfo_ram_count; i++)
		ram = ram || (bootinfo_ram[i].start <= TRAMPOLINE &&
			      TRAMPOLINE + PAGE_SIZE <= bootinfo_ram[i].end);
	if (!ram || space_show(TRAMPOLINE, PAGE_SIZE, PTE_W))
		return false;
	memcpy(page_at(TRAMPOLINE), smp_trampoline, (size_t)(smp_trampoline_end - smp_trampoline));
	return true;
}

static unsigned find(u32 *ids)
{
	unsigned n = acpi_processors(ids, CPU_MAX);

	source = n ? "ACPI" : "the MP table";
	if (!n)
		n = mptable_processors(ids, CPU_MAX);
	if (!n)
		source = "nothing";
	return n;
}

void smp_init(unsigned max)
{
	u32 ids[CPU_MAX];
	unsigned found;

	cpu_table[0].online = true;
	if (!lapic_present())
		return;
	cpu_table[0].apic_id = lapic_id();
	ipi_init();
	found = find(ids);
	if (found < 2 || !place_trampoline())
		return;
	for (unsigned i = 0; i < found && cpu_count < MIN(max, CPU_MAX); i++) {
		struct cpu *cpu = &cpu_table[cpu_count];

		if (ids[i] == cpu_table[0].apic_id)
			continue;
		cpu->apic_id = ids[i];
		cpu->index = cpu_count;
		if (process_init_idle(cpu))
			return;
		cpu_count++;
		if (!start(cpu)) {
			print("guest-os: the processor with APIC ID %u does not start\n", ids[i]);
			return; /* it may wake up yet, and would use what the next one needs */
		}
	}
}

const char *smp_source(void)
{
	return source;
}
