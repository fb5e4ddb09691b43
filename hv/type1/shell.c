/* shell.c - see shell.h: finding the command for a line, and the commands about the machine */
#include "type1/shell.h"

#include "host.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/console.h"
#include "type1/crash.h"
#include "type1/cpu.h"
#include "type1/power.h"
#include "type1/shell_commands.h"
#include "type1/stress.h"
#include "type1/words.h"

struct command {
	const char *name;
	const char *help;
	int (*run)(int words, char *word[]);
};

int shell_fail(const char *format, ...)
{
	char text[VM_CAUSE_MAX];
	va_list args;

	va_start(args, format);
	fmt_vstring(text, sizeof(text), format, args);
	va_end(args);
	console_printf("%s\n", text);
	return -1;
}

struct guest *shell_guest(int words, char *word[], int index)
{
	struct guest *g = words > index ? guests_find(word[index]) : NULL;

	if (!g && words > index)
		shell_fail("there is no VM '%s': see vm list", word[index]);
	else if (!g)
		shell_fail("which VM? see vm list");
	return g;
}

/* ---- The machine -------------------------------------------------------------------- */

static int run_mem(int words UNUSED, char *word[] UNUSED)
{
	u64 total, reserved, used;

	host_memory(&total, &reserved, &used);
	console_printf("memory: %llu MiB, promised to VMs %llu MiB, in use %llu KiB\n",
		       (unsigned long long)(total >> 20), (unsigned long long)(reserved >> 20),
		       (unsigned long long)(used >> 10));
	for (unsigned i = 0; guests_at(i); i++) {
		const struct guest *g = guests_at(i);

		if (g->vm)
			console_printf("  %-12s %6llu MiB, touched %llu MiB\n",
				       g->definition.config.name,
				       (unsigned long long)(g->vm->memory.size >> 20),
				       (unsigned long long)(g->vm->memory.touched >> 20));
	}
	return 0;
}

/* What it takes to have a VM: for make bench. */
static int run_cost(int words UNUSED, char *word[] UNUSED)
{
	for (unsigned i = 0; guests_at(i); i++) {
		const struct guest *g = guests_at(i);
		const struct vcpu *v = g->vm ? g->vm->vcpu[0] : NULL;

		if (v && v->first_tsc)
			console_printf("cost %s: %llu ticks to its first instruction, %llu bytes\n",
				       g->definition.config.name,
				       (unsigned long long)(v->first_tsc - g->created_tsc),
				       (unsigned long long)g->overhead);
	}
	return 0;
}

/* What each CPU did since the start: time with a vCPU, time halted. */
static int run_cpus(int words UNUSED, char *word[] UNUSED)
{
	u64 now = host_now();

	console_printf("%3s %7s %11s %11s %10s %6s  %s\n", "CPU", "APIC ID", "BUSY s", "IDLE s",
		       "INTERRUPTS", "NMIs", "NOW");
	for (unsigned i = 0; i < cpu_count; i++) {
		const struct cpu *c = cpu_table[i];
		const struct vcpu *v = READ_ONCE(c->loaded);
		u64 since = v && now > c->loaded_ns ? now - c->loaded_ns : 0;
		u64 busy = (c->busy_ns + since) / 1000000;
		u64 idle = c->idle_ns / 1000000;

		console_printf("%3u %7u %7llu.%03llu %7llu.%03llu %10llu %6llu  %s\n", i,
			       c->apic_id, (unsigned long long)(busy / 1000),
			       (unsigned long long)(busy % 1000), (unsigned long long)(idle / 1000),
			       (unsigned long long)(idle % 1000),
			       (unsigned long long)c->interrupts, (unsigned long long)c->nmis,
			       i == host_cpu() ? "this shell" : v ? v->vm->config.name : "-");
	}
	return 0;
}

static int run_stress(int words, char *word[])
{
	u64 count;

	if (words != 3 || strcmp(word[1], "kicks") || !words_number(word[2], &count) || !count)
		return shell_fail("stress kicks COUNT");
	return stress_kicks(count) ? -1 : 0;
}

static int run_crash(int words, char *word[])
{
	const char *kind;

	if (words == 2)
		crash(word[1]);
	console_printf("crash");
	for (unsigned i = 0; (kind = crash_kind(i)); i++)
		console_printf(i ? "|%s" : " %s", kind);
	console_printf("\n");
	return -1;
}

static int run_quit(int words, char *word[])
{
	u64 status = 0;

	if (words > 1 && (!words_number(word[1], &status) || status > 127))
		return shell_fail("quit [0..127]");
	host_exit((unsigned)status);
}

static int run_reboot(int words UNUSED, char *word[] UNUSED)
{
	power_reset();
}

static int run_help(int words, char *word[]);

static const struct command commands[] = {
	{ "help", "this list", run_help },
	{ "vm", shell_vm_help, shell_vm },
	{ "trace", "VM [COUNT]: the last exits of its first vCPU", shell_look_trace },
	{ "trace-dump", "all exits still in the rings, for tools/trace-json",
	  shell_look_trace_dump },
	{ "walk", "VM ADDRESS: guest-virtual to host-physical, level by level", shell_look_walk },
	{ "protect", "VM ADDRESS SIZE RIGHTS: rwx of RAM in the nested tables, until a fault",
	  shell_look_protect },
	{ "dirty", "VM [ADDRESS SIZE]: pages that its CPUs wrote since the last time",
	  shell_look_dirty },
	{ "dump", "VM: the control block of its first vCPU", shell_look_dump },
	{ "poke", "VM FIELD VALUE [force]: a value for its control block; force: ask the CPU too",
	  shell_look_poke },
	{ "state", "VM: its whole state as text, for build/tools/state", shell_look_state },
	{ "disk", "list: the machine's disks, and who has them", shell_devices_disk },
	{ "net", shell_devices_net_help, shell_devices_net },
	{ "mem", "memory of the machine and of each VM", run_mem },
	{ "cost", "what each VM took: ticks until it ran, memory beside its RAM", run_cost },
	{ "cpus", "what each CPU of the machine does and did", run_cpus },
	{ "stress", "kicks COUNT: is one lost?", run_stress },
	{ "crash", "KIND: a bug of the hypervisor, on purpose", run_crash },
	{ "quit", "[STATUS]: end the machine", run_quit },
	{ "reboot", "reset the machine", run_reboot },
};

static int run_help(int words UNUSED, char *word[] UNUSED)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		console_printf("  %-10s %s\n", commands[i].name, commands[i].help);
	console_printf("  Ctrl-a h    how to switch between the shell and the VMs' consoles\n");
	return 0;
}

int shell_command(char *text)
{
	char *word[WORDS_MAX];
	int words = words_split(text, word);

	if (words < 0)
		return shell_fail("a quote is open, or there are too many words");
	if (!words)
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(word[0], commands[i].name))
			return commands[i].run(words, word);
	return shell_fail("'%s' is no command: try help", word[0]);
}

static void take_line(char *text)
{
	shell_command(text);
	console_printf(SHELL_PROMPT);
}

void shell_init(void)
{
	console_set_input(take_line);
	console_printf(SHELL_PROMPT);
}
