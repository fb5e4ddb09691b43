/* shell.c - see shell.h */
#include "type1/shell.h"

#include "host.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/console.h"
#include "type1/crash.h"
#include "type1/cpu.h"
#include "type1/guests.h"
#include "type1/power.h"
#include "type1/stress.h"
#include "vm/walk.h"

struct command {
	const char *name;
	const char *help;
	int (*run)(int words, char *word[]);
};

static int fail(const char *format, ...) PRINTF_LIKE(1, 2);

static int fail(const char *format, ...)
{
	char text[VM_CAUSE_MAX];
	va_list args;

	va_start(args, format);
	fmt_vstring(text, sizeof(text), format, args);
	va_end(args);
	console_printf("%s\n", text);
	return -1;
}

/* ---- Words ---------------------------------------------------------------------- */

static char unescape(char c)
{
	return c == 'n' ? '\n' : c == 'r' ? '\r' : c;
}

/* One word from *at on, which is moved behind it; NULL: an open quote. */
static char *take_word(char **at)
{
	char *from = *at, *to = from, *start = from;
	bool quoted = false;

	for (; *from && (quoted || *from != ' '); from++) {
		if (*from == '"')
			quoted = !quoted;
		else if (*from == '\\' && from[1])
			*to++ = unescape(*++from);
		else
			*to++ = *from;
	}
	*at = *from ? from + 1 : from;
	*to = '\0';
	return quoted ? NULL : start;
}

int shell_split(char *text, char *words[SHELL_WORDS])
{
	int n = 0;

	for (;;) {
		while (*text == ' ')
			text++;
		if (!*text)
			return n;
		if (n == SHELL_WORDS)
			return -1;
		words[n] = take_word(&text);
		if (!words[n++])
			return -1;
	}
}

static bool parse_u64(const char *s, u64 *value)
{
	unsigned base = 10, digits = 0;

	if (s[0] == '0' && s[1] == 'x') {
		base = 16;
		s += 2;
	}
	for (*value = 0; *s; s++, digits++) {
		unsigned d = *s >= '0' && *s <= '9' ? (unsigned)(*s - '0')
			     : *s >= 'a' && *s <= 'f' ? (unsigned)(*s - 'a') + 10
						      : 99;

		if (d >= base || *value > (~0ull - d) / base)
			return false;
		*value = *value * base + d;
	}
	return digits;
}

static struct guest *guest_of(int words, char *word[], int index)
{
	struct guest *g = words > index ? guests_find(word[index]) : NULL;

	if (!g)
		fail(words > index ? "there is no VM '%s': see vm list" : "which VM%s? see vm list",
		     words > index ? word[index] : "");
	return g;
}

/* ---- vm -------------------------------------------------------------------------- */

static u64 total_exits(const struct vm *vm, u64 by_reason[EXIT_REASON_COUNT])
{
	u64 total = 0;

	for (unsigned r = 0; r < EXIT_REASON_COUNT; r++) {
		by_reason[r] = 0;
		for (unsigned i = 0; i < vm->vcpu_count; i++)
			by_reason[r] += vm->vcpu[i]->exits[r];
		total += by_reason[r];
	}
	return total;
}

static void print_exits(const struct vm *vm)
{
	bool first = true;
	u64 count[EXIT_REASON_COUNT];

	if (!total_exits(vm, count))
		return;
	console_printf("        exits:");
	for (;;) {
		unsigned most = 0;

		for (unsigned r = 0; r < EXIT_REASON_COUNT; r++)
			if (count[r] > count[most])
				most = r;
		if (!count[most])
			break;
		console_printf("%s %s %llu", first ? "" : ",", exit_reason_name(most),
			       (unsigned long long)count[most]);
		count[most] = 0;
		first = false;
	}
	console_printf("\n");
}

static u64 run_ms(const struct vm *vm)
{
	u64 ns = 0, now = host_now();

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		ns += sched_run_ns(vm->vcpu[i], now);
	return ns / 1000000;
}

static void list_one(const struct guest *g)
{
	const struct vm *vm = g->vm;
	u64 count[EXIT_REASON_COUNT], ms = vm ? run_ms(vm) : 0;

	console_printf("%3u %-12s %-8s %5llu %5u %7llu.%03llu %10llu", g->number, g->config.name,
		       vm ? vm_state_name(vm->state) : "defined",
		       (unsigned long long)(g->config.memory >> 20), g->config.vcpus,
		       (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000),
		       (unsigned long long)(vm ? total_exits(vm, count) : 0));
	console_printf(vm && vm->cause[0] ? "  %s\n" : "%s\n", vm ? vm->cause : "");
	if (vm)
		print_exits(vm);
}

static int vm_list(void)
{
	console_printf("%3s %-12s %-8s %5s %5s %11s %10s\n", "#", "NAME", "STATE", "MiB", "vCPUs",
		       "RUN s", "EXITS");
	for (unsigned i = 0; guests_at(i); i++)
		list_one(guests_at(i));
	return 0;
}

/* vm create NAME LIKE [MiB]: a new one with the files of another. */
static int vm_create_like(int words, char *word[])
{
	struct guest *like = guest_of(words, word, 3), made;
	char error[VM_CAUSE_MAX];
	u64 mib;

	if (!like)
		return -1;
	made = *like;
	if (strlen(word[2]) >= VM_NAME_MAX)
		return fail("a name has at most %u characters", VM_NAME_MAX - 1);
	memcpy(made.config.name, word[2], strlen(word[2]) + 1);
	if (words > 4) {
		if (!parse_u64(word[4], &mib) || !mib || mib > BIT(20))
			return fail("'%s' is no size in MiB", word[4]);
		made.config.memory = mib << 20;
	}
	if (!guests_define(&made, error, sizeof(error)))
		return fail("%s", error);
	return 0;
}

static int done(int result, const struct guest *g)
{
	return result ? fail("VM %s is %s", g->config.name,
			     g->vm ? vm_state_name(g->vm->state) : "not started")
		      : 0;
}

static int run_vm(int words, char *word[])
{
	const char *verb = words > 1 ? word[1] : "list";
	char error[VM_CAUSE_MAX];
	struct guest *g;

	if (!strcmp(verb, "list"))
		return vm_list();
	if (!strcmp(verb, "create"))
		return words > 3 ? vm_create_like(words, word) : fail("vm create NAME LIKE [MiB]");
	g = guest_of(words, word, 2);
	if (!g)
		return -1;
	if (!strcmp(verb, "start"))
		return guests_start(g, error, sizeof(error)) ? fail("%s", error) : 0;
	if (!strcmp(verb, "restart"))
		return guests_restart(g, error, sizeof(error)) ? fail("%s", error) : 0;
	if (!strcmp(verb, "pause"))
		return done(guests_pause(g), g);
	if (!strcmp(verb, "resume"))
		return done(guests_resume(g), g);
	if (!strcmp(verb, "kill")) {
		guests_kill(g);
		return 0;
	}
	if (!strcmp(verb, "console")) {
		console_set_focus(g->vm);
		return 0;
	}
	return fail("vm list|create|start|pause|resume|restart|kill|console [VM]");
}

/* ---- What a vCPU did, and where it is ---------------------------------------------- */

/* Its machine stands still while we look: registers are true then. */
static struct vcpu *look_at(struct guest *g, unsigned index, bool *resume)
{
	*resume = false;
	if (!g->vm || index >= g->vm->vcpu_count) {
		fail("VM %s has no vCPU %u", g->config.name, index);
		return NULL;
	}
	*resume = guests_pause(g) == 0;
	return g->vm->vcpu[index];
}

static void print_trace(const struct vcpu *v, u64 count)
{
	while (count--) {
		const struct trace_entry *e = trace_get(&v->trace, count);

		if (!e)
			continue;
		console_printf("%14llu ns %-16s rip %#llx info %#llx\n",
			       (unsigned long long)host_tsc_to_ns(e->left),
			       exit_reason_name(trace_reason(e)), (unsigned long long)e->rip,
			       (unsigned long long)e->info);
	}
}

static int run_trace(int words, char *word[])
{
	struct guest *g = guest_of(words, word, 1);
	u64 count = 10;
	struct vcpu *v;
	bool resume;

	if (!g || (words > 2 && !parse_u64(word[2], &count)))
		return g ? fail("trace VM [COUNT]") : -1;
	v = look_at(g, 0, &resume);
	if (v)
		print_trace(v, MIN(count, trace_size(&v->trace)));
	if (resume)
		guests_resume(g);
	return v ? 0 : -1;
}

/*
 * Everything the rings hold, for tools/trace-json: one line an exit, times in TSC ticks.
 * "trace VM VCPU ENTERED LEFT RIP INFO REASON": in the guest from ENTERED to LEFT
 */
static void dump_vcpu(const struct guest *g, const struct vcpu *v)
{
	for (u64 n = trace_size(&v->trace); n--;) {
		const struct trace_entry *e = trace_get(&v->trace, n);

		if (e)
			console_printf("trace %s %u %llu %llu %llx %llx %s\n", g->config.name,
				       v->index, (unsigned long long)e->entered,
				       (unsigned long long)e->left, (unsigned long long)e->rip,
				       (unsigned long long)e->info,
				       exit_reason_name(trace_reason(e)));
	}
}

static int run_trace_dump(int words UNUSED, char *word[] UNUSED)
{
	console_printf("trace-begin %llu\n", (unsigned long long)host_tsc_hz());
	for (unsigned i = 0; guests_at(i); i++) {
		struct guest *g = guests_at(i);
		bool resume = g->vm && guests_pause(g) == 0;

		for (unsigned n = 0; g->vm && n < g->vm->vcpu_count; n++)
			dump_vcpu(g, g->vm->vcpu[n]);
		if (resume)
			guests_resume(g);
	}
	console_printf("trace-end\n");
	return 0;
}

static void print_guest_walk(const struct walk *w)
{
	for (unsigned i = 0; i < w->count; i++)
		console_printf("  level %u: entry at %#llx = %#llx\n", w->count - i,
			       (unsigned long long)w->entry[i].at.v,
			       (unsigned long long)w->entry[i].value);
}

static void print_nested_walk(struct vm *vm, gpa_t a)
{
	u64 entries[5];
	unsigned n = virt->walk(vm, a, entries);

	console_printf("guest-physical %#llx\n", (unsigned long long)a.v);
	for (unsigned i = 0; i < n; i++)
		console_printf("  nested level %u: %#llx\n", 4 - i, (unsigned long long)entries[i]);
}

static void walk_gva(struct vcpu *v, u64 gva)
{
	struct walk_mode mode;
	struct walk w;
	void *host;

	fetch_walk_mode(v, &mode);
	mode.cpl = 0;
	console_printf("guest-virtual %#llx, CR3 %#llx\n", (unsigned long long)gva,
		       (unsigned long long)mode.cr3);
	if (walk(&w, &mode, gva, ACCESS_READ)) {
		print_guest_walk(&w);
		console_printf("  page fault, error code %#x\n", w.error);
		return;
	}
	print_guest_walk(&w);
	print_nested_walk(v->vm, w.gpa);
	host = memory_ptr(v->vm, w.gpa, 1);
	if (host)
		console_printf("host-physical %#llx\n", (unsigned long long)host_hpa(host).v);
	else
		console_printf("no RAM there: a device or nothing\n");
}

static int run_walk(int words, char *word[])
{
	struct guest *g = guest_of(words, word, 1);
	struct vcpu *v;
	bool resume;
	u64 gva;

	if (!g)
		return -1;
	if (words != 3 || !parse_u64(word[2], &gva))
		return fail("walk VM ADDRESS (0x...)");
	v = look_at(g, 0, &resume);
	if (v)
		walk_gva(v, gva);
	if (resume)
		guests_resume(g);
	return v ? 0 : -1;
}

static int run_dump(int words, char *word[])
{
	struct guest *g = guest_of(words, word, 1);
	struct vcpu *v;
	bool resume;

	if (!g)
		return -1;
	v = look_at(g, 0, &resume);
	if (v)
		virt->dump(v, console_sink);
	if (resume)
		guests_resume(g);
	return v ? 0 : -1;
}

/* Also what a lab on the control block is done with. */
static int run_poke(int words, char *word[])
{
	struct guest *g = guest_of(words, word, 1);
	bool force = words == 5 && !strcmp(word[4], "force"), known;
	struct vcpu *v;
	bool resume;
	u64 value;

	if (!g)
		return -1;
	if ((words != 4 && !force) || !parse_u64(word[3], &value))
		return fail("poke VM FIELD VALUE [force]");
	v = look_at(g, 0, &resume);
	if (!v)
		return -1;
	known = virt->poke(v, word[2], value, force);
	if (resume)
		guests_resume(g);
	return known ? 0 : fail("%s has no field '%s': see dump", virt->name, word[2]);
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
			console_printf("  %-12s %6llu MiB, touched %llu MiB\n", g->config.name,
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
				       g->config.name,
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

	if (words != 3 || strcmp(word[1], "kicks") || !parse_u64(word[2], &count) || !count)
		return fail("stress kicks COUNT");
	return stress_kicks(count);
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

	if (words > 1 && (!parse_u64(word[1], &status) || status > 127))
		return fail("quit [0..127]");
	host_exit((unsigned)status);
}

static int run_reboot(int words UNUSED, char *word[] UNUSED)
{
	power_reset();
}

static int run_help(int words, char *word[]);

static const struct command commands[] = {
	{ "help", "this list", run_help },
	{ "vm", "list | create NAME LIKE [MiB] | start pause resume restart kill console VM",
	  run_vm },
	{ "trace", "VM [COUNT]: the last exits of its first vCPU", run_trace },
	{ "trace-dump", "all exits still in the rings, for tools/trace-json", run_trace_dump },
	{ "walk", "VM ADDRESS: guest-virtual to host-physical, level by level", run_walk },
	{ "dump", "VM: the control block of its first vCPU", run_dump },
	{ "poke", "VM FIELD VALUE [force]: a value for its control block; force: ask the CPU too",
	  run_poke },
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
	char *word[SHELL_WORDS];
	int words = shell_split(text, word);

	if (words < 0)
		return fail("a quote is open, or there are too many words");
	if (!words)
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(word[0], commands[i].name))
			return commands[i].run(words, word);
	return fail("'%s' is no command: try help", word[0]);
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
