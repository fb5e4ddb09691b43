/*
 * main.c - the table of contents
 *
 * Owns: the order in which the parts start, and what the command line's words mean:
 *	selftest         run the self-test, then leave with its result
 *	run=PROGRAM,ARG  start a program at boot (as often as given)
 *	do=COMMAND,ARG   execute a command of the shell at boot, in turn (as often as given)
 *	poweroff         leave when all this has ended: success, if all gave exit status 0 and did
 *	                 their work
 *	shell            the default
 *	timer=pit        time slices from the PIT instead of the LAPIC
 *	ip=10.0.0.2/24   our address on the network, and how many bits name the network
 *	gateway=10.0.0.1 through whom all others are reached
 *	console=both     what is printed also goes to the second console
 *	cpus=N           use N processors at most
 *	intx             PCI devices interrupt by their lines, even if they have messages
 *	quiet            no greeting
 */
#include "bootinfo.h"
#include "clock.h"
#include "compiler.h"
#include "cpu.h"
#include "fpu.h"
#include "lib/string.h"
#include "lock.h"
#include "net.h"
#include "page.h"
#include "pci_interrupt.h"
#include "pic.h"
#include "power.h"
#include "print.h"
#include "process.h"
#include "random.h"
#include "segment.h"
#include "selftest.h"
#include "shell.h"
#include "smp.h"
#include "syscall.h"
#include "uart.h"
#include "virtio_blk.h"
#include "virtio_console.h"
#include "virtio_net.h"

#define RUN_MAX 8

static int run_pid[RUN_MAX];
static unsigned run_count;
static bool all_started = true;

/* Start the programs that the command line asks for. */
static void run_programs(void)
{
	char text[128];

	for (unsigned i = 0; i < RUN_MAX && bootinfo_value("run=", i, text, sizeof(text)); i++) {
		int pid = shell_spawn(text, ',');

		if (pid > 0)
			run_pid[run_count++] = pid;
		else
			all_started = false;
	}
}

/* Execute the commands that the command line asks for.  True if all did their work. */
static bool execute_commands(void)
{
	char text[128];
	bool success = true;

	for (unsigned i = 0; bootinfo_value("do=", i, text, sizeof(text)); i++)
		success = shell_execute(text, ',') && success;
	return success;
}

/* All of them, or as many as the word cpus= says. */
static void start_processors(void)
{
	char text[8];
	int max = CPU_MAX;

	if (bootinfo_value("cpus=", 0, text, sizeof(text)))
		max = shell_number(text);
	smp_init(max > 0 ? (unsigned)max : 1);
	if (cpu_online() > 1 && !bootinfo_has("quiet"))
		print("guest-os: %u processors\n", cpu_online());
}

/* The devices on the PCI bus, as far as there are any. */
static void start_devices(void)
{
	pci_init();
	pci_prefer_lines(bootinfo_has("intx"));
	random_init();
	virtio_console_init();
	virtio_blk_init();
	virtio_net_init();
	net_init();
	print_mirror(bootinfo_has("console=both"));
}

/* Wait for all of them. True if each was started and ended with exit status 0. */
static bool programs_succeed(void)
{
	bool success = all_started;

	for (unsigned i = 0; i < run_count; i++) {
		struct process_end end;

		if (process_wait(run_pid[i], &end) || end.how != END_EXIT || end.status)
			success = false;
	}
	return success;
}

/* From boot.S, on the boot stack, with the boot page tables, interrupts off. */
NORETURN void main_start(u32 multiboot_magic, u32 multiboot_info);
void main_start(u32 multiboot_magic, u32 multiboot_info)
{
	bool done;

	uart_init();
	bootinfo_init(multiboot_magic, multiboot_info);
	page_init();
	segment_init(0);
	trap_init();
	lock_kernel_enter();
	space_init();
	fpu_init();
	pic_init();
	clock_init();
	clock_use_pit(bootinfo_has("timer=pit"));
	syscall_init();
	process_init();
	uart_listen();
	start_processors();
	start_devices();

	if (!bootinfo_has("quiet"))
		print("guest-os: %lu KiB of memory free\n", page_free_count() * PAGE_KIB);
	if (bootinfo_has("selftest"))
		power_off(selftest_run() ? POWER_SUCCESS : POWER_FAILURE);
	run_programs();
	done = execute_commands();
	if (bootinfo_has("poweroff"))
		power_off(programs_succeed() && done ? POWER_SUCCESS : POWER_FAILURE);
	shell_run();
}
