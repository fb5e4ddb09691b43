/*
 * selftest_facts.c - lines about the machine, as far as machines differ
 *
 * Owns: what is told, not judged: what the CPU is, and what emulators are known to do in their
 * own way.  A virtual machine should print the same here as the machine beneath it.
 */
#include "clock.h"
#include "fpu.h"
#include "layout.h"
#include "page.h"
#include "print.h"
#include "process.h"
#include "selftest.h"
#include "x86_ops.h"

#define ABSENT_MEMORY 0xe8000000 /* between RAM and the firmware */
#define UNKNOWN_MSR 0x12345678

SELFTEST_INSN(rdmsr);

static void print_processor(void)
{
	struct cpuid_regs r = x86_cpuid(0, 0);

	print("# machine: %.4s%.4s%.4s, leaf 1 eax %#x\n", (char *)&r.ebx, (char *)&r.edx,
	      (char *)&r.ecx, x86_cpuid(1, 0).eax);
	print("# machine: %lu KiB of memory, state components %#lx\n",
	      page_total_count() * PAGE_KIB, fpu_components());
}

static void print_clock(void)
{
	struct clock_facts facts = clock_facts();

	print("# time: TSC %lu kHz, LAPIC timer %lu kHz\n", facts.tsc_khz, facts.lapic_khz);
}

static void print_absent_memory(void)
{
	if (space_map(&space_kernel, TEST_BASE, ABSENT_MEMORY, PTE_NX | PTE_PCD | PTE_PWT))
		return;
	print("# machine: absent memory reads as %#x\n", *(volatile u32 *)TEST_BASE);
	space_unmap(&space_kernel, TEST_BASE);
}

static void print_exception(const char *what, void (*function)(u64), u64 argument)
{
	struct trap_frame frame;
	bool raised = trap_try(function, argument, &frame);

	print("# machine: %s: %s\n", what, raised ? trap_name(frame.vector) : "no exception");
}

static void print_user_exception(const char *what, const char *mode)
{
	const char *words[] = { "tester", mode };
	struct process_end end;
	int pid = process_spawn(words, ARRAY_SIZE(words));

	process_announce(false);
	if (pid > 0 && !process_wait(pid, &end))
		print("# machine: %s: %s\n", what,
		      end.how == END_FAULT ? trap_name(end.frame.vector) : "no exception");
	process_announce(true);
}

void selftest_print_machine(void)
{
	u64 cr0 = x86_read_cr0();

	print_processor();
	print_clock();
	print_absent_memory();
	print_exception("RDMSR of an MSR that is none", insn_rdmsr, UNKNOWN_MSR);
	x86_write_cr0(cr0 | CR0_AM);
	print_user_exception("an unaligned load with AC set", "ac");
	x86_write_cr0(cr0);
	print_user_exception("an SSE division by zero, unmasked", "xm");
}
