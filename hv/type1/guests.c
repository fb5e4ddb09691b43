/* guests.c - see guests.h */
#include "type1/guests.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/console.h"
#include "type1/loop.h"

static struct guest guest[GUESTS_MAX];
static unsigned guest_count;

struct guest *guests_at(unsigned n)
{
	return n < guest_count ? &guest[n] : NULL;
}

static unsigned parse_number(const char *s)
{
	unsigned n = 0;

	for (; *s >= '0' && *s <= '9' && n <= GUESTS_MAX; s++)
		n = n * 10 + (unsigned)(*s - '0');
	return *s ? 0 : n;
}

struct guest *guests_find(const char *name)
{
	unsigned number = parse_number(name);

	if (number)
		return guests_at(number - 1);
	for (unsigned i = 0; i < guest_count; i++)
		if (!strcmp(guest[i].config.name, name))
			return &guest[i];
	return NULL;
}

struct guest *guests_of(const struct vm *vm)
{
	for (unsigned i = 0; i < guest_count; i++)
		if (guest[i].vm == vm)
			return &guest[i];
	return NULL;
}

struct guest *guests_define(const struct guest *definition, char *error, size_t size)
{
	const char *name = definition->config.name;
	struct guest *g;

	if (!name[0] || parse_number(name)) {
		fmt_string(error, size, "a VM needs a name that is no number: '%s'", name);
		return NULL;
	}
	if (guests_find(name)) {
		fmt_string(error, size, "there is a VM '%s' already", name);
		return NULL;
	}
	if (guest_count == GUESTS_MAX) {
		fmt_string(error, size, "no more than %u VMs", GUESTS_MAX);
		return NULL;
	}
	g = &guest[guest_count++];
	*g = *definition;
	g->vm = NULL;
	g->number = guest_count;
	return g;
}

static bool is_alive(const struct vm *vm)
{
	return vm && (vm->state == VM_RUNNING || vm->state == VM_PAUSED);
}

unsigned guests_alive(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < guest_count; i++)
		n += is_alive(guest[i].vm);
	return n;
}

/* Its vCPUs are on their way out of the guest: at most an exit's time. */
static void wait_quiet(const struct vm *vm)
{
	while (!vm_is_quiet(vm)) {
		host_take_interrupts();
		host_relax();
	}
}

static int load(struct guest *g, char *error, size_t size)
{
	const struct load_request request = {
		.kernel = g->kernel,
		.cmdline = g->cmdline ? g->cmdline : "",
		.initrd = g->initrd,
		.modules = g->module,
		.module_count = g->module_count,
	};
	int result = load_kernel(g->vm, &request, error, size);

	if (!result)
		vm_start(g->vm);
	return result;
}

static void discard(struct guest *g)
{
	if (!g->vm)
		return;
	wait_quiet(g->vm);
	console_forget(g->vm);
	vm_free(g->vm);
	g->vm = NULL;
	g->ended = false;
}

static u64 memory_used(void)
{
	u64 total, reserved, used;

	host_memory(&total, &reserved, &used);
	return used;
}

int guests_start(struct guest *g, char *error, size_t size)
{
	int result;

	if (is_alive(g->vm)) {
		fmt_string(error, size, "VM %s is %s", g->config.name, vm_state_name(g->vm->state));
		return -HOST_EBUSY;
	}
	if (!g->kernel.data) {
		fmt_string(error, size, "VM %s has no kernel", g->config.name);
		return -HOST_ENOENT;
	}
	discard(g);
	g->overhead = memory_used();
	g->created_tsc = host_tsc();
	result = vm_create(&g->config, &g->vm, error, size);
	if (!result)
		result = load(g, error, size);
	if (!result)
		g->overhead = memory_used() - g->overhead - g->vm->memory.touched;
	if (result)
		discard(g);
	return result;
}

void guests_kill(struct guest *g)
{
	if (is_alive(g->vm))
		vm_end(g->vm, VM_DEAD, "killed");
}

int guests_restart(struct guest *g, char *error, size_t size)
{
	if (!g->vm)
		return guests_start(g, error, size);
	if (is_alive(g->vm))
		vm_end(g->vm, VM_OFF, "restarted");
	wait_quiet(g->vm);
	g->ended = false;
	vm_reset(g->vm);
	return load(g, error, size);
}

int guests_pause(struct guest *g)
{
	if (!g->vm || g->vm->state != VM_RUNNING)
		return -HOST_EINVAL;
	vm_pause(g->vm);
	wait_quiet(g->vm);
	return 0;
}

int guests_resume(struct guest *g)
{
	if (!g->vm || g->vm->state != VM_PAUSED)
		return -HOST_EINVAL;
	vm_start(g->vm);
	return 0;
}

/* Any CPU, the VM's lock held: only a note for guests_poll. */
void host_vm_ended(struct vm *vm)
{
	struct guest *g = guests_of(vm);

	if (g)
		__atomic_store_n(&g->ended, true, __ATOMIC_RELEASE);
	loop_wake_boot_cpu();
}

static void report(struct guest *g)
{
	char error[VM_CAUSE_MAX];

	host_log("VM %s is %s: %s", g->config.name, vm_state_name(g->vm->state), g->vm->cause);
	if (g->vm->restart && guests_restart(g, error, sizeof(error)))
		host_log("VM %s cannot be restarted: %s", g->config.name, error);
}

void guests_poll(void)
{
	for (unsigned i = 0; i < guest_count; i++)
		if (__atomic_exchange_n(&guest[i].ended, false, __ATOMIC_ACQUIRE) && guest[i].vm)
			report(&guest[i]);
}
