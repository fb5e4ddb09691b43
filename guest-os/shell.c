/*
 * shell.c - the user's way in
 *
 * Owns: the line editor and the commands.  Runs as the kernel's own thread.
 * Must not know: how any of it is done.
 */
#include "shell.h"

#include "clock.h"
#include "errno.h"
#include "lib/string.h"
#include "loads.h"
#include "page.h"
#include "power.h"
#include "print.h"
#include "process.h"
#include "program.h"
#include "rtc.h"
#include "sched.h"
#include "selftest.h"
#include "shell_devices.h"
#include "shell_disk.h"
#include "shell_memory.h"
#include "uart.h"
#include "virtio_console.h"

#define LINE_MAX 120
#define WORDS_MAX 24
#define BACKSPACE '\b'
#define DELETE 0x7f
#define NUMBER_MAX 100000000
#define TICKS_DEMO_US 500000

/* Divide text at this character, in place. Returns how many words there are, at most max. */
static unsigned split(char *text, char divider, char **words, unsigned max)
{
	unsigned n = 0;

	for (;;) {
		while (*text == divider)
			*text++ = '\0';
		if (!*text || n == max)
			return n;
		words[n++] = text;
		while (*text && *text != divider)
			text++;
	}
}

int shell_number(const char *text)
{
	int value = *text ? 0 : -1;

	for (; *text >= '0' && *text <= '9' && value < NUMBER_MAX; text++)
		value = value * 10 + (*text - '0');
	return *text ? -1 : value;
}

static const char *reason(int error)
{
	switch (-error) {
	case ENOENT:
		return "no such program";
	case ESRCH:
		return "no such process";
	case E2BIG:
		return "too many or too long arguments";
	case ENOEXEC:
		return "not a program";
	case EAGAIN:
		return "too many processes";
	case ENOMEM:
		return "no memory";
	case EINVAL:
		return "that is not allowed";
	default:
		return "error";
	}
}

static int spawn(char **words, unsigned count)
{
	int pid = process_spawn((const char *const *)words, count);

	if (pid < 0)
		print("run: %s: %s\n", count ? words[0] : "", reason(pid));
	return pid;
}

int shell_spawn(char *text, char divider)
{
	char *words[PROCESS_ARGS_MAX];

	return spawn(words, split(text, divider, words, PROCESS_ARGS_MAX));
}

static void report(int pid, const char *name, const struct process_end *end)
{
	char text[128];

	process_describe_end(end, text, sizeof(text));
	print("%s (pid %d): %s\n", name, pid, text);
}

/* Forget the children that have ended; say so. */
static void bury_children(void)
{
	for (struct process *p = process_table; p < process_table + PROCESS_MAX; p++) {
		struct process_end end;
		char name[PROCESS_NAME_MAX];
		int pid = p->pid;

		if (p->state != PROCESS_ENDED)
			continue;
		memcpy(name, p->name, sizeof(name));
		if (process_reap(pid, &end) == 1 && end.how != END_FAULT)
			report(pid, name, &end);
	}
}
/* Until it has ended or Ctrl-C comes, which kills it.  True if it gave exit status 0. */
static bool wait_foreground(int pid)
{
	struct process_end end;

	while (!process_reap(pid, &end)) {
		if (uart_take_break())
			process_kill(pid);
		else
			sched_wait(SCHED_CHILD | SCHED_INPUT, CLOCK_NEVER);
	}
	if (end.how == END_KILLED)
		print("killed\n");
	else if (end.how == END_EXIT && end.status)
		print("exit %d\n", end.status);
	return end.how == END_EXIT && !end.status;
}

static bool command_help(unsigned count, char **words);

static bool command_run(unsigned count, char **words)
{
	bool background = count > 1 && !strcmp(words[count - 1], "&");
	int pid;

	if (count < 2) {
		print("programs:");
		for (unsigned i = 0; program_at(i); i++)
			print(" %s", program_at(i)->name);
		print("\n");
		return true;
	}
	pid = spawn(words + 1, count - 1 - background);
	if (pid > 0 && background)
		print("pid %d\n", pid);
	return pid > 0 && (background || wait_foreground(pid));
}

static bool command_ps(unsigned count UNUSED, char **words UNUSED)
{
	static const char *const states[] = {
		[PROCESS_RUNNABLE] = "run", [PROCESS_WAITING] = "wait", [PROCESS_ENDED] = "ended"
	};

	process_account();
	print("  pid parent state  run ms name\n");
	for (const struct process *p = process_table; p < process_table + PROCESS_MAX; p++)
		if (p->state != PROCESS_FREE)
			print("%5d %6d %-5s %7lu %s\n", p->pid, p->parent, states[p->state],
			      p->run_us / 1000, p->name);
	return true;
}

static bool command_kill(unsigned count, char **words)
{
	int pid = count > 1 ? shell_number(words[1]) : -1;
	int error = pid < 0 ? -ESRCH : process_kill(pid);

	if (error)
		print("kill: %s\n", reason(error));
	return !error;
}

static bool command_mem(unsigned count UNUSED, char **words UNUSED)
{
	print("%lu of %lu KiB free\n", page_free_count() * PAGE_KIB,
	      page_total_count() * PAGE_KIB);
	return true;
}

static bool command_uptime(unsigned count UNUSED, char **words UNUSED)
{
	struct rtc_time now = rtc_read();
	u64 ms = clock_us() / 1000;

	process_account();
	print("%02u-%02u-%02u %02u:%02u:%02u, up %lu.%03lu s, idle %lu ms\n", now.year, now.month,
	      now.day, now.hours, now.minutes, now.seconds, ms / 1000, ms % 1000,
	      process_idle_us() / 1000);
	return true;
}

/* Nothing ticks by itself: show both timers' interrupts, and what half a second of sleep adds. */
static bool command_ticks(unsigned count UNUSED, char **words UNUSED)
{
	struct clock_facts before = clock_facts(), after;
	u64 until = clock_us() + TICKS_DEMO_US;

	while (clock_us() < until)
		sched_wait(0, until);
	after = clock_facts();
	print("TSC %lu kHz, LAPIC timer %lu kHz, slices by %s\n", after.tsc_khz, after.lapic_khz,
	      after.pit ? "PIT" : "LAPIC");
	print("PIT   %lu interrupts, %lu in the last %u ms\n", after.pit_ticks,
	      after.pit_ticks - before.pit_ticks, TICKS_DEMO_US / 1000);
	print("LAPIC %lu interrupts, %lu in the last %u ms\n", after.lapic_ticks,
	      after.lapic_ticks - before.lapic_ticks, TICKS_DEMO_US / 1000);
	return true;
}

static bool command_selftest(unsigned count UNUSED, char **words UNUSED)
{
	return selftest_run();
}

/* What is not on the disk yet must get there first. */
static bool command_reboot(unsigned count, char **words)
{
	if (shell_disk_sync(count, words))
		power_reset();
	return false;
}

static bool command_poweroff(unsigned count, char **words)
{
	if (shell_disk_sync(count, words))
		power_off(POWER_SUCCESS);
	return false;
}

static const struct command {
	const char *name, *arguments, *help;
	bool (*execute)(unsigned count, char **words); /* did it do what was asked? */
} commands[] = {
	{ "help", "", "this list", command_help },
	{ "run", "[NAME [ARGUMENT..] [&]]", "run a program, & behind the scenes; or list them",
	  command_run },
	{ "ps", "", "list the processes", command_ps },
	{ "kill", "PID", "end a process", command_kill },
	{ "mem", "", "show free memory", command_mem },
	{ "walk", "ADDRESS [PID]", "translate an address, level by level", shell_memory_walk },
	{ "peek", "ADDRESS", "read a byte, as the kernel may", shell_memory_peek },
	{ "uptime", "", "show the time", command_uptime },
	{ "ticks", "", "show what the timers do", command_ticks },
	{ "mkfs", "", "make an empty file system on the disk", shell_disk_mkfs },
	{ "ls", "", "list the files", shell_disk_ls },
	{ "cat", "NAME", "show a file", shell_disk_cat },
	{ "write", "NAME TEXT..", "put a line into a file", shell_disk_write },
	{ "rm", "NAME", "remove a file", shell_disk_rm },
	{ "sync", "", "make everything on the disk survive", shell_disk_sync },
	{ "net", "[ADDRESS/BITS [GATEWAY]]", "show or set the addresses", shell_devices_net },
	{ "ping", "ADDRESS [COUNT]", "ask whether somebody is there", shell_devices_ping },
	{ "pci", "", "list what is on the PCI bus", shell_devices_pci },
	{ "random", "", "show numbers of the entropy device", shell_devices_random },
	{ "say", "TEXT..", "a line on the second console", shell_devices_say },
	{ "selftest", "", "run the self-test", command_selftest },
	{ "loads", "[NAME..]", "run workloads to be measured", shell_loads },
	{ "crash", "", "a bug of this kernel, on purpose", shell_memory_crash },
	{ "reboot", "", "reset the machine", command_reboot },
	{ "poweroff", "", "leave the machine", command_poweroff },
};

static bool command_help(unsigned count UNUSED, char **words UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		print("%-9s%-24s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
	print("Ctrl-C ends the program that runs.\n");
	return true;
}

bool shell_execute(char *line, char divider)
{
	char *words[WORDS_MAX];
	unsigned count = split(line, divider, words, ARRAY_SIZE(words));

	if (!count)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(words[0], commands[i].name))
			return commands[i].execute(count, words);
	print("%s: no such command; try help\n", words[0]);
	return false;
}

/* From the serial line or from the second console, which may stand in for it. */
static int next_key(void)
{
	int c = uart_read();

	return c < 0 ? virtio_console_read() : c;
}

/* A character, or -1 for Ctrl-C. */
static int read_key(void)
{
	int c;

	while ((c = next_key()) < 0) {
		if (uart_take_break())
			return -1;
		sched_wait(SCHED_INPUT, CLOCK_NEVER);
	}
	return c;
}

/* A line, without its end, with echo. */
static void read_line(char *line)
{
	unsigned n = 0;

	for (;;) {
		int c = read_key();

		if (c == '\r' || c == '\n' || c < 0) {
			print("\n");
			line[c < 0 ? 0 : n] = '\0';
			return;
		}
		if ((c == BACKSPACE || c == DELETE) && n) {
			n--;
			print("\b \b");
		} else if (c >= ' ' && c < DELETE && n < LINE_MAX) {
			line[n++] = (char)c;
			print("%c", c);
		}
	}
}

void shell_run(void)
{
	char line[LINE_MAX + 1];

	for (;;) {
		bury_children();
		print("$ ");
		read_line(line);
		shell_execute(line, ' ');
	}
}
