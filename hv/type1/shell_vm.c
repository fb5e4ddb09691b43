/* shell_vm.c - see shell_commands.h: the command `vm` */
#include "type1/shell_commands.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/console.h"
#include "type1/words.h"

/* ---- The list ------------------------------------------------------------------------------ */

static void print_broken(const char *name, unsigned number, const struct virtio *v)
{
	const char *cause = READ_ONCE(v->cause);

	if (cause)
		console_printf("        %s %u needs a reset: %s\n", name, number, cause);
}

/* Devices that their drivers lied to. */
static void print_devices(const struct vm *vm)
{
	for (unsigned n = 0; n < vm->disk_count; n++)
		print_broken("disk", n, &vm->disk[n]->virtio);
	if (vm->net)
		print_broken("net", 0, &vm->net->virtio);
	print_broken("console", 0, &vm->console.virtio);
	print_broken("entropy", 0, &vm->rng.virtio);
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
	const struct vm_config *config = &g->definition.config;
	const struct vm *vm = g->vm;
	char exits[VM_EXITS_TEXT] = "";
	u64 count = vm ? vm_exits(vm, exits) : 0, ms = vm ? run_ms(vm) : 0;

	console_printf("%3u %-12s %-8s %5llu %5u %7llu.%03llu %10llu", g->number, config->name,
		       vm ? vm_state_name(vm->state) : "defined",
		       (unsigned long long)(config->memory >> 20), config->vcpus,
		       (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000),
		       (unsigned long long)count);
	console_printf(vm && vm->cause[0] ? "  %s\n" : "%s\n", vm ? vm->cause : "");
	if (count)
		console_printf("        exits: %s\n", exits);
	if (vm)
		print_devices(vm);
}

static int vm_list(void)
{
	console_printf("%3s %-12s %-8s %5s %5s %11s %10s\n", "#", "NAME", "STATE", "MiB", "vCPUs",
		       "RUN s", "EXITS");
	for (unsigned i = 0; guests_at(i); i++)
		list_one(guests_at(i));
	return 0;
}

/* ---- What is done to one -------------------------------------------------------------------- */

/* vm create NAME LIKE [MiB]: a new one with the files of another. */
static int vm_create_like(int words, char *word[])
{
	static struct guest_definition made; /* large, and only the boot CPU is here */
	struct guest *like;
	char error[VM_CAUSE_MAX];
	u64 mib;

	if (words < 4 || words > 5)
		return shell_fail("vm create NAME LIKE [MiB]");
	like = shell_guest(words, word, 3);
	if (!like)
		return -1;
	if (!words_is_name(word[2]))
		return shell_fail("'%s' is no name: " WORDS_NAME_RULE, word[2]);
	if (definition_owns_disk(&like->definition))
		return shell_fail("VM %s has a disk that no other VM may have too",
				  like->definition.config.name);
	made = like->definition;
	made.has_mac = false; /* that one belongs to the other */
	fmt_string(made.config.name, sizeof(made.config.name), "%s", word[2]);
	if (words > 4) {
		if (!words_number(word[4], &mib) || mib < DEFINITION_MEMORY_MIN >> 20 ||
		    mib > DEFINITION_MEMORY_MAX >> 20)
			return shell_fail("'%s' is no size in MiB", word[4]);
		made.config.memory = mib << 20;
	}
	return guests_define(&made, error, sizeof(error)) ? 0 : shell_fail("%s", error);
}

static int in_state(const struct guest *g)
{
	return shell_fail("VM %s is %s", g->definition.config.name,
			  g->vm ? vm_state_name(g->vm->state) : "not started");
}

static int vm_start_one(struct guest *g)
{
	char error[VM_CAUSE_MAX];

	return guests_start(g, error, sizeof(error)) ? shell_fail("%s", error) : 0;
}

static int vm_restart(struct guest *g)
{
	char error[VM_CAUSE_MAX];

	return guests_restart(g, error, sizeof(error)) ? shell_fail("%s", error) : 0;
}

static int vm_delete(struct guest *g)
{
	char error[VM_CAUSE_MAX];

	return guests_delete(g, error, sizeof(error)) ? shell_fail("%s", error) : 0;
}

static int vm_pause_one(struct guest *g)
{
	return guests_pause(g) ? in_state(g) : 0;
}

static int vm_resume(struct guest *g)
{
	return guests_resume(g) ? in_state(g) : 0;
}

static int vm_kill(struct guest *g)
{
	guests_kill(g);
	return 0;
}

static int vm_console(struct guest *g)
{
	if (!g->vm)
		return in_state(g);
	console_set_focus(g->vm);
	return 0;
}

#define VERBS "start|pause|resume|restart|kill|delete|console"

static const struct {
	const char *name;
	int (*run)(struct guest *g);
} verbs[] = {
	{ "start", vm_start_one }, { "pause", vm_pause_one }, { "resume", vm_resume },
	{ "restart", vm_restart }, { "kill", vm_kill },	      { "delete", vm_delete },
	{ "console", vm_console },
};

const char shell_vm_help[] = "list | create NAME LIKE [MiB] | " VERBS " VM";

int shell_vm(int words, char *word[])
{
	const char *verb = words > 1 ? word[1] : "list";

	if (!strcmp(verb, "list"))
		return vm_list();
	if (!strcmp(verb, "create"))
		return vm_create_like(words, word);
	for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++) {
		struct guest *g;

		if (strcmp(verb, verbs[i].name))
			continue;
		g = shell_guest(words, word, 2);
		return g ? verbs[i].run(g) : -1;
	}
	return shell_fail("vm %s", shell_vm_help);
}
