/*
 * main.c - the table of contents
 *
 * Owns: the order in which the parts start, and what the command line's words mean:
 *	selftest         run the self-test, then leave with its result
 *	run=PROGRAM,ARG  start a program at boot (as often as given)
 *	poweroff         leave when these programs have ended: success, if all gave exit status 0
 *	shell            the default
 *	timer=pit        time slices from the PIT instead of the LAPIC
 *	quiet            no greeting
 */
#include "bootinfo.h"
#include "clock.h"
#include "compiler.h"
#include "fpu.h"
#include "lib/string.h"
#include "page.h"
#include "pic.h"
#include "power.h"
#include "print.h"
#include "process.h"
#include "segment.h"
#include "selftest.h"
#include "shell.h"
#include "syscall.h"
#include "uart.h"

#define RUN_MAX 8

static int run_pid[RUN_MAX];
static unsigned run_count;

/* Start the programs that the command line asks for. */
static void run_programs(void)
{
	char text[128];

	for (unsigned i = 0; i < RUN_MAX && bootinfo_value("run=", i, text, sizeof(text)); i++) {
		int pid = shell_spawn(text, ',');

		if (pid > 0)
			run_pid[run_count++] = pid;
	}
}

/* Wait for all of them. True if each ended with exit status 0, and there was one. */
static bool programs_succeed(void)
{
	bool success = run_count > 0;

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
	uart_init();
	bootinfo_init(multiboot_magic, multiboot_info);
	page_init();
	segment_init();
	trap_init();
	space_init();
	fpu_init();
	pic_init();
	clock_init();
	clock_use_pit(bootinfo_has("timer=pit"));
	syscall_init();
	process_init();
	uart_listen();

	if (!bootinfo_has("quiet"))
		print("guest-os: %lu KiB of memory free\n", page_free_count() * PAGE_KIB);
	if (bootinfo_has("selftest"))
		power_off(selftest_run() ? POWER_SUCCESS : POWER_FAILURE);
	run_programs();
	if (bootinfo_has("poweroff"))
		power_off(programs_succeed() ? POWER_SUCCESS : POWER_FAILURE);
	shell_run();
}
