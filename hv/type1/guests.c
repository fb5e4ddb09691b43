/* guests.c - see guests.h */
#include "type1/guests.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/console.h"
#include "type1/loop.h"
#include "type1/services.h"
#include "type1/words.h"
#include "vm/tables.h"

/* By number - 1; the number of one that is not there is 0. */
static struct guest guest[GUESTS_MAX];
static u64 last_stream; /* of random numbers; 0 is the hypervisor's own */

/*
 * To load a machine takes the boot CPU's time, which no account is charged for: a guest that resets
 * its machine again and again gets at most this part of it.
 */
#define RESTART_PART 200
#define NEVER (~0ull)

static void restart_fire(struct host_timer *timer);
static struct host_timer restart_timer = { .fire = restart_fire };

/* ---- The list ---------------------------------------------------------------------------- */

struct guest *guests_numbered(u64 number)
{
	if (!number || number > GUESTS_MAX || !guest[number - 1].number)
		return NULL;
	return &guest[number - 1];
}

struct guest *guests_at(unsigned n)
{
	for (unsigned i = 0; i < GUESTS_MAX; i++)
		if (guest[i].number && !n--)
			return &guest[i];
	return NULL;
}

struct guest *guests_find(const char *name)
{
	u64 number;

	if (words_number(name, &number))
		return guests_numbered(number);
	for (unsigned i = 0; i < GUESTS_MAX; i++)
		if (guest[i].number && !strcmp(guest[i].definition.config.name, name))
			return &guest[i];
	return NULL;
}

struct guest *guests_of(const struct vm *vm)
{
	for (unsigned i = 0; i < GUESTS_MAX; i++)
		if (READ_ONCE(guest[i].vm) == vm)
			return &guest[i];
	return NULL;
}

static struct guest *free_place(void)
{
	for (unsigned i = 0; i < GUESTS_MAX; i++)
		if (!guest[i].number)
			return &guest[i];
	return NULL;
}

struct guest *guests_define(const struct guest_definition *definition, char *error, size_t size)
{
	const char *name = definition->config.name;
	struct guest *g = free_place();

	if (!words_is_name(name))
		fmt_string(error, size, "a VM's name is " WORDS_NAME_RULE ": '%s'", name);
	else if (guests_find(name))
		fmt_string(error, size, "there is a VM '%s' already", name);
	else if (!g)
		fmt_string(error, size, "no more than %u VMs: vm delete gives room", GUESTS_MAX);
	else {
		g->definition = *definition;
		g->number = (unsigned)(g - guest) + 1;
		random_stream_init(&g->random, ++last_stream);
		return g;
	}
	return NULL;
}

/* ---- Machines ------------------------------------------------------------------------------ */

static bool is_alive(const struct vm *vm)
{
	return vm && (vm->state == VM_RUNNING || vm->state == VM_PAUSED);
}

unsigned guests_alive(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < GUESTS_MAX; i++)
		n += is_alive(guest[i].vm) || guest[i].restarts;
	return n;
}

/* Its vCPUs are on their way out of the guest: at most an exit's time. */
static void wait_quiet(struct vm *vm)
{
	while (!vm_is_quiet(vm)) {
		host_take_interrupts();
		services_poll();
		host_relax();
	}
}

static int load(struct guest *g, char *error, size_t size)
{
	const struct guest_definition *d = &g->definition;
	struct blob module[DEFINITION_FILES_MAX], rom[DEFINITION_FILES_MAX];
	unsigned roms = 0;
	struct load_request request = {
		.kernel = d->kernel,
		.cmdline = d->cmdline ? d->cmdline : "",
		.modules = module,
	};
	int result;

	for (unsigned i = 0; i < d->file_count; i++) {
		if (d->file[i].role == ROLE_INITRD)
			request.initrd = d->file[i].blob;
		else if (d->file[i].role == ROLE_MODULE)
			module[request.module_count++] = d->file[i].blob;
		else if (d->file[i].role == ROLE_FIRMWARE)
			rom[roms++] = d->file[i].blob;
	}
	if (g->vm->config.firmware) {
		tables_offer(g->vm, rom, roms);
		result = load_firmware(g->vm, &d->kernel, error, size);
	} else {
		request.acpi_rsdp = tables_place(g->vm);
		result = load_kernel(g->vm, &request, error, size);
	}
	if (!result) {
		g->told = g->restarts = false;
		vm_start(g->vm);
	}
	return result;
}

/* Tell the operator of its end, once.  False: there is none to be told. */
static bool tell_end(struct guest *g)
{
	if (!__atomic_exchange_n(&g->ended, false, __ATOMIC_ACQUIRE) || !g->vm)
		return false;
	host_log("VM %s is %s: %s", g->definition.config.name, vm_state_name(g->vm->state),
		 g->vm->cause);
	__atomic_store_n(&g->told, true, __ATOMIC_RELEASE);
	return true;
}

static void discard(struct guest *g)
{
	struct vm *vm = g->vm;

	if (!vm)
		return;
	wait_quiet(vm);
	tell_end(g);
	WRITE_ONCE(g->vm, NULL);
	console_forget(vm);
	vm_free(vm);
}

/* It has been loaded since then: when may it be again, if it asks for that itself? */
static void set_restart(struct guest *g, u64 since)
{
	u64 now = host_now();

	g->restart_ns = now + (now - since) * (RESTART_PART - 1);
}

static u64 memory_used(void)
{
	u64 total, reserved, used;

	host_memory(&total, &reserved, &used);
	return used;
}

int guests_start(struct guest *g, char *error, size_t size)
{
	const char *name = g->definition.config.name;
	struct vm_config config;
	u64 since = host_now();
	int result;

	if (is_alive(g->vm)) {
		fmt_string(error, size, "VM %s is %s", name, vm_state_name(g->vm->state));
		return -HOST_EBUSY;
	}
	if (!g->definition.kernel.data) {
		fmt_string(error, size, "VM %s has no kernel", name);
		return -HOST_ENOENT;
	}
	discard(g);
	g->restarts = false;
	g->overhead = memory_used();
	g->created_tsc = host_tsc();
	config = g->definition.config;
	result = plugs_open(&g->plugs, &g->definition, g->number, &config, error, size);
	if (!result)
		result = vm_create(&config, &g->vm, error, size);
	if (!result)
		result = load(g, error, size);
	if (!result)
		g->overhead = memory_used() - g->overhead - g->vm->memory.touched;
	if (result)
		discard(g);
	set_restart(g, since);
	return result;
}

void guests_kill(struct guest *g)
{
	g->restarts = false;
	if (is_alive(g->vm))
		vm_end(g->vm, VM_DEAD, "killed");
}

int guests_restart(struct guest *g, char *error, size_t size)
{
	u64 since = host_now();
	int result;

	if (!g->vm)
		return guests_start(g, error, size);
	if (is_alive(g->vm))
		vm_end(g->vm, VM_OFF, "restarted");
	wait_quiet(g->vm);
	g->ended = g->restarts = false;
	vm_reset(g->vm);
	result = load(g, error, size);
	set_restart(g, since);
	return result;
}

int guests_delete(struct guest *g, char *error, size_t size)
{
	if (is_alive(g->vm)) {
		fmt_string(error, size, "VM %s is %s: vm kill it first", g->definition.config.name,
			   vm_state_name(g->vm->state));
		return -HOST_EBUSY;
	}
	discard(g);
	plugs_close(&g->plugs);
	memset(g, 0, sizeof(*g));
	return 0;
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

bool guests_hold(struct guest *g)
{
	bool ran = guests_pause(g) == 0;

	/* One that was killed a moment ago may still be in its guest. */
	wait_quiet(g->vm);
	return ran;
}

void guests_release(struct guest *g, bool ran)
{
	if (ran)
		guests_resume(g);
}

/* Any CPU, the VM's lock held: only a note for guests_poll. */
void host_vm_ended(struct vm *vm)
{
	struct guest *g = guests_of(vm);

	if (g)
		__atomic_store_n(&g->ended, true, __ATOMIC_RELEASE);
	loop_wake_boot_cpu();
}

bool guests_ended(const struct vm *vm)
{
	const struct guest *g = guests_of(vm);

	return READ_ONCE(vm->state) >= VM_HALTED &&
	       (!g || (__atomic_load_n(&g->told, __ATOMIC_ACQUIRE) && !g->restarts));
}

static void restart_fire(struct host_timer *timer UNUSED)
{
	loop_wake_boot_cpu();
}

/* It comes again if it was reset, as soon as it may: that time if it is to come, else NEVER. */
static u64 poll_guest(struct guest *g)
{
	char error[VM_CAUSE_MAX];

	if (tell_end(g))
		g->restarts = g->vm->restart;
	if (!g->restarts)
		return NEVER;
	if (host_now() < g->restart_ns)
		return g->restart_ns;
	g->restarts = false;
	if (guests_restart(g, error, sizeof(error)))
		host_log("VM %s cannot be restarted: %s", g->definition.config.name, error);
	return NEVER;
}

void guests_poll(void)
{
	u64 next = NEVER;

	for (unsigned i = 0; i < GUESTS_MAX; i++) {
		u64 when = poll_guest(&guest[i]);

		next = MIN(next, when);
	}
	if (next != NEVER)
		host_timer_set(&restart_timer, next);
}
