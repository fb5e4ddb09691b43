/* smp.c - see smp.h */
#include "type1/smp.h"

#include "lib/string.h"
#include "type1/apic.h"
#include "type1/paging.h"
#include "type1/timer.h"
#include "type1/traps.h"
#include "type1/tsc.h"
#include "virt.h"
#include "x86_ops.h"

#define INIT_DELAY_US 10000
#define STARTUP_DELAY_US 200
#define ANSWER_US 1000000 /* an emulator on a busy host takes its time */
#define EXCEPTION_STACKS_ORDER 3

extern u8 trampoline_start[], trampoline_end[];
extern u8 boot_stack[];

struct cpu *cpu_table[HOST_MAX_CPUS];
unsigned cpu_count;

static struct cpu boot_cpu;
static u8 boot_exception_stacks[CPU_EXCEPTION_PAGES * PAGE_SIZE] ALIGNED(2 * PAGE_SIZE);
static void (*enter_loop)(void);

/* How far the CPU that starts has come. */
enum progress { SMP_SILENT, SMP_ALIVE, SMP_READY, SMP_REFUSED };
static u32 progress;

unsigned host_cpu(void)
{
	return cpu_this()->index;
}

unsigned host_cpu_count(void)
{
	return cpu_count;
}

void smp_init_boot_cpu(void)
{
	boot_cpu.self = &boot_cpu;
	boot_cpu.stack = boot_stack;
	boot_cpu.exception_stacks = boot_exception_stacks;
	cpu_table[0] = &boot_cpu;
	cpu_count = 1;
	x86_wrmsr(MSR_GS_BASE, (u64)&boot_cpu);
}

void smp_guard_stacks(const struct cpu *cpu)
{
	paging_guard(cpu->stack);
	for (unsigned i = 0; i < CPU_EXCEPTION_PAGES; i += 2)
		paging_guard(cpu->exception_stacks + i * PAGE_SIZE);
}

static u32 progress_get(void)
{
	return __atomic_load_n(&progress, __ATOMIC_ACQUIRE);
}

static void progress_set(u32 value)
{
	__atomic_store_n(&progress, value, __ATOMIC_RELEASE);
}

/* The other CPU's side; from the trampoline. */
static NORETURN void smp_entry(struct cpu *cpu)
{
	int error;

	x86_write_cr3(paging_root());
	traps_init_cpu(cpu);
	apic_init_cpu();
	timer_init_cpu();
	progress_set(SMP_ALIVE);
	tsc_sync_answer();
	error = virt->cpu_on();
	if (error) {
		progress_set(SMP_REFUSED);
		for (;;)
			x86_hlt();
	}
	progress_set(SMP_READY);
	enter_loop();
	panic("the loop of CPU %u ended", cpu->index);
}

/* A struct cpu with its stacks; NULL: no memory. */
static struct cpu *make_cpu(u32 id)
{
	struct cpu *cpu = host_alloc(sizeof(*cpu));

	if (!cpu)
		return NULL;
	cpu->self = cpu;
	cpu->apic_id = id;
	cpu->index = cpu_count;
	cpu->stack = host_alloc_pages(STACK_PAGES_ORDER);
	cpu->exception_stacks = host_alloc_pages(EXCEPTION_STACKS_ORDER);
	if (cpu->stack && cpu->exception_stacks) {
		smp_guard_stacks(cpu);
		return cpu;
	}
	host_free_pages(cpu->stack, STACK_PAGES_ORDER);
	host_free_pages(cpu->exception_stacks, EXCEPTION_STACKS_ORDER);
	host_free(cpu, sizeof(*cpu));
	return NULL;
}

static void set_argument(u8 *page, unsigned offset, u64 value)
{
	memcpy(page + offset, &value, sizeof(value));
}

static void fill_trampoline(u8 *page, struct cpu *cpu)
{
	memcpy(page, trampoline_start, (size_t)(trampoline_end - trampoline_start));
	set_argument(page, TRAMPOLINE_PAGE_TABLE, paging_trampoline_root());
	set_argument(page, TRAMPOLINE_CPU, (u64)cpu);
	set_argument(page, TRAMPOLINE_STACK, (u64)cpu->stack + STACK_SIZE);
	set_argument(page, TRAMPOLINE_ENTRY, (u64)smp_entry);
}

static bool wait_for_progress(u32 from, u64 us)
{
	u64 end = host_now() + us * 1000;

	while (progress_get() == from && host_now() < end)
		x86_pause();
	return progress_get() != from;
}

/* The CPU's way up, seen from here.  False: it said nothing, or cannot be used. */
static bool start(struct cpu *cpu, u64 low_page)
{
	progress_set(SMP_SILENT);
	apic_send_init(cpu->apic_id);
	tsc_delay_us(INIT_DELAY_US);
	for (unsigned i = 0; i < 2 && progress_get() == SMP_SILENT; i++) {
		apic_send_startup(cpu->apic_id, low_page);
		wait_for_progress(SMP_SILENT, STARTUP_DELAY_US);
	}
	if (!wait_for_progress(SMP_SILENT, ANSWER_US)) {
		apic_send_init(cpu->apic_id); /* not in the middle of the next one's start */
		host_log("espejo: the CPU with APIC ID %u does not answer", cpu->apic_id);
		return false;
	}
	cpu->tsc_offset = (u64)tsc_sync_ask();
	if (!wait_for_progress(SMP_ALIVE, ANSWER_US) || progress_get() == SMP_REFUSED) {
		apic_send_init(cpu->apic_id); /* before the next one gets its number */
		host_log("espejo: the CPU with APIC ID %u cannot switch %s on", cpu->apic_id,
			 virt->name);
		return false;
	}
	return true;
}

void smp_start(const struct acpi_machine *machine, unsigned limit, u64 low_page,
	       void (*enter)(void))
{
	u8 *page = host_ptr(hpa(low_page));

	enter_loop = enter;
	if (!low_page && machine->cpu_count > 1 && limit > 1) {
		host_log("espejo: no free page below 1 MiB, so only one CPU is used");
		return;
	}
	for (unsigned i = 0; i < machine->cpu_count && cpu_count < limit; i++) {
		struct cpu *cpu;

		if (machine->apic_id[i] == cpu_table[0]->apic_id)
			continue;
		if (machine->apic_id[i] >= ACPI_ALL_CPUS && !apic_is_x2apic()) {
			host_log("espejo: the CPU with APIC ID %u is left out: only"
				 " x2APIC reaches it",
				 machine->apic_id[i]);
			continue;
		}
		cpu = make_cpu(machine->apic_id[i]);
		if (!cpu) {
			host_log("espejo: no memory for more than %u CPUs", cpu_count);
			return;
		}
		cpu_table[cpu->index] = cpu;
		fill_trampoline(page, cpu);
		/* One that failed keeps its memory: it may come to life yet. */
		if (start(cpu, low_page))
			cpu_count++;
	}
}
