/* vm.c - see vm.h: a machine made of its parts, and its life from power-on to its end */
#include "vm/vm.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "net/switch.h"
#include "vm/machine.h"
#include "vm/msr.h"

static u32 last_id;

/* ---- Clock ------------------------------------------------------------------ */

u64 vm_clock(const struct vm *vm)
{
	u64 now = vm->paused_at ? vm->paused_at : host_now();

	return now - vm->clock_base;
}

static u64 bus_now(const struct bus *bus)
{
	return vm_clock(container_of(bus, const struct vm, bus));
}

static void bus_rearm(struct bus *bus)
{
	struct vm *vm = container_of(bus, struct vm, bus);

	if (bus->alarms && vm->state == VM_RUNNING)
		host_timer_set(&vm->timer, bus->alarms->when_ns + vm->clock_base);
}

/* Does anybody notice an alarm now: a vCPU that runs, or that would wake? */
static bool alarms_matter(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (sched_state(vm->vcpu[i]) != SCHED_READY)
			return true;
	return false;
}

/*
 * While all its vCPUs wait for a CPU, a machine's alarms wait as well: else a guest with fast
 * timers would take time from whoever runs.
 */
static void timer_fired(struct host_timer *timer)
{
	struct vm *vm = container_of(timer, struct vm, timer);

	host_lock(&vm->lock);
	if (vm->state == VM_RUNNING && alarms_matter(vm))
		bus_expire(&vm->bus);
	else
		WRITE_ONCE(vm->alarms_late, true);
	host_unlock(&vm->lock);
}

void vm_catch_up(struct vm *vm)
{
	host_lock(&vm->lock);
	if (vm->alarms_late && vm->state == VM_RUNNING) {
		WRITE_ONCE(vm->alarms_late, false);
		bus_expire(&vm->bus);
		bus_rearm(&vm->bus);
	}
	host_unlock(&vm->lock);
}

/* ---- Making one --------------------------------------------------------------- */

static void free_vcpu(struct vcpu *v)
{
	virt->vcpu_free(v);
	trace_free(&v->trace);
	if (v->xsave)
		host_free_pages(v->xsave, v->xsave_order);
	host_free_pages(v, host_order(virt->vcpu_size));
}

#define NS_PER_S 1000000000ull
#define CALIBRATION_PER_MILLE 2 /* may be wrong by so much, which does not count */

u16 vm_lapic_tick_ns(void)
{
	u64 hz = host_tsc_hz(), wanted = NS_PER_S / 1000 * (1000 - CALIBRATION_PER_MILLE);

	return (u16)MIN((wanted + hz - 1) / hz, 0xffffull);
}

static int add_vcpu(struct vm *vm, unsigned index)
{
	struct vcpu *v = host_alloc_pages(host_order(virt->vcpu_size));
	const struct lapic_config lapic = {
		.id = index,
		.bsp = index == 0,
		.x2apic = cpuid_has(&vm->cpuid, 1, 2, CPUID_1_ECX_X2APIC),
		.tsc_deadline = cpuid_has(&vm->cpuid, 1, 2, CPUID_1_ECX_TSC_DEADLINE),
		.maxphyaddr = (u8)cpuid_maxphyaddr(&vm->cpuid),
		.tick_ns = vm_lapic_tick_ns(),
	};
	int error;

	if (!v)
		return -HOST_ENOMEM;
	v->vm = vm;
	v->index = index;
	v->sched.weight = vm->config.weight;
	v->xsave_order = host_order(virt->xsave_size());
	v->xsave = host_alloc_pages(v->xsave_order);
	error = v->xsave ? trace_init(&v->trace, host_trace_size()) : -HOST_ENOMEM;
	if (!error)
		error = virt->vcpu_init(v);
	if (error) {
		free_vcpu(v);
		return error;
	}
	lapic_init(&v->lapic, &vm->bus, &lapic, &machine_lapic_ops, v);
	mwait_init(v);
	vm->vcpu[vm->vcpu_count++] = v;
	return 0;
}

static int build(struct vm *vm, char *error, size_t size)
{
	const struct vm_config *config = &vm->config;
	const char *missing = "";
	u64 total, reserved, used;
	int result;

	result = cpuid_build(&vm->cpuid, config->cpu, virt->cpuid ? virt->cpuid : host_cpuid,
			     config->vcpus, &missing);
	if (result) {
		fmt_string(error, size, "VM %s: cpu=%s: %s%s", config->name, config->cpu,
			   result == -HOST_EINVAL ? "no such CPU model" : "this machine lacks ",
			   missing);
		return result;
	}
	result = virt->vm_init(vm);
	if (!result)
		result = memory_init(vm, config->memory);
	if (result) {
		host_memory(&total, &reserved, &used);
		fmt_string(error, size, "VM %s: mem=%lluM: %s, %llu MiB of %llu MiB are free",
			   config->name, (unsigned long long)(config->memory >> 20),
			   result == -HOST_EINVAL ? "no size a PC can have" : "not enough memory",
			   (unsigned long long)((total - reserved) >> 20),
			   (unsigned long long)(total >> 20));
		return result;
	}
	for (unsigned i = 0; i < config->vcpus && !result; i++)
		result = add_vcpu(vm, i);
	if (!result)
		result = machine_init(vm);
	if (result == -HOST_EINVAL)
		fmt_string(error, size, "VM %s: net=%s: another card there has its mac",
			   config->name, config->net->name);
	else if (result == -HOST_EBUSY)
		fmt_string(error, size, "VM %s: net=%s: all ports of the switch are taken",
			   config->name, config->net->name);
	else if (result)
		fmt_string(error, size, "VM %s: not enough memory for %u vCPUs and its devices",
			   config->name, config->vcpus);
	return result;
}

int vm_create(const struct vm_config *config, struct vm **made, char *error, size_t size)
{
	struct vm *vm;
	int result;

	if (!config->vcpus || config->vcpus > VM_MAX_VCPUS) {
		fmt_string(error, size, "VM %s: cpus=%u: 1 to %u", config->name, config->vcpus,
			   VM_MAX_VCPUS);
		return -HOST_EINVAL;
	}
	vm = host_alloc_pages(host_order(virt->vm_size));
	if (!vm) {
		fmt_string(error, size, "VM %s: not enough memory", config->name);
		return -HOST_ENOMEM;
	}
	vm->config = *config;
	vm->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	vm->timer.fire = timer_fired;
	vm->bus.now = bus_now;
	vm->bus.rearm = bus_rearm;
	result = build(vm, error, size);
	if (result) {
		vm_free(vm);
		return result;
	}
	msr_init(vm);
	vm_reset(vm);
	*made = vm;
	return 0;
}

void vm_free(struct vm *vm)
{
	check(vm_is_quiet(vm));
	host_timer_cancel(&vm->timer);
	machine_free(vm); /* before the vCPUs that links would kick */
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		free_vcpu(vm->vcpu[i]);
	if (vm->memory.slot_count)
		memory_free(vm);
	virt->vm_free(vm);
	if (vm->vga_memory) /* which was mapped until now */
		host_free_pages(vm->vga_memory, host_order(VGA_MEMORY));
	host_free_pages(vm, host_order(virt->vm_size));
}

/* ---- Life ----------------------------------------------------------------------- */

void vm_reset(struct vm *vm)
{
	u64 clock;

	check(vm_is_quiet(vm));
	host_timer_cancel(&vm->timer);
	host_lock(&vm->lock);
	clock = host_now() - vm->clock_base; /* it stood, but the battery's did not */
	vm->clock_base += clock;
	vm->paused_at = vm->clock_base;
	vm->tsc_base = host_tsc();
	vm->paused_tsc = vm->tsc_base;
	vm->state = VM_CREATED;
	vm->restart = false;
	vm->cause[0] = '\0';
	vm->triple_fault = false;
	vm->exited = false;
	vm->exit_value = 0;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_reset(vm->vcpu[i]);
	rtc_clock_restarts(&vm->rtc, clock);
	machine_reset(vm);
	host_unlock(&vm->lock);
}

/* While a machine is off or paused, its clock and its TSC stand. */
static void resume_clock(struct vm *vm)
{
	u64 now = host_now();
	u64 pause = now - vm->paused_at;
	u64 ticks = host_tsc() - vm->paused_tsc;

	vm->clock_base += pause;
	vm->paused_at = 0;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *v = vm->vcpu[i];

		vcpu_state(v, STATE_TSC)->tsc_offset -= ticks;
		vcpu_state_changed(v, STATE_TSC);
	}
}

void vm_start(struct vm *vm)
{
	host_lock(&vm->lock);
	check(vm->state == VM_CREATED || vm->state == VM_PAUSED);
	resume_clock(vm);
	vm->state = VM_RUNNING;
	bus_rearm(&vm->bus);
	/* The first one may end the machine at once: not before all of them can be stopped. */
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		host_run(vm->vcpu[i]);
	host_unlock(&vm->lock);
}

/* Take the vCPUs from the scheduler; those that run are kicked and leave soon. */
static void stop_vcpus(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		vcpu_note(vm->vcpu[i], REQUEST_STOP);
		host_stop(vm->vcpu[i]);
	}
}

void vm_pause(struct vm *vm)
{
	bool locked = host_locked(&vm->lock);

	if (!locked)
		host_lock(&vm->lock);
	if (vm->state == VM_RUNNING) {
		vm->state = VM_PAUSED;
		vm->paused_at = host_now();
		vm->paused_tsc = host_tsc();
		stop_vcpus(vm);
	}
	if (!locked)
		host_unlock(&vm->lock);
}

void vm_end(struct vm *vm, enum vm_state state, const char *cause, ...)
{
	bool locked = host_locked(&vm->lock);
	va_list args;
	bool first;

	if (!locked)
		host_lock(&vm->lock);
	first = vm->state < VM_HALTED;
	if (first) {
		if (!vm->paused_at) {
			vm->paused_at = host_now();
			vm->paused_tsc = host_tsc();
		}
		va_start(args, cause);
		fmt_vstring(vm->cause, sizeof(vm->cause), cause, args);
		va_end(args);
		vm->state = state;
		stop_vcpus(vm);
		vga_finish(&vm->vga);
		lines_flush(&vm->lines);
		host_vm_ended(vm);
	}
	if (!locked)
		host_unlock(&vm->lock);
}

void vm_end_triple_fault(struct vcpu *v)
{
	struct vm *vm = v->vm;
	bool locked = host_locked(&vm->lock);

	if (!locked)
		host_lock(&vm->lock);
	if (vm->state < VM_HALTED)
		vm->triple_fault = true;
	vm_end(vm, VM_DEAD, "triple fault of vCPU %u at rip %#llx", v->index,
	       (unsigned long long)v->regs.rip);
	if (!locked)
		host_unlock(&vm->lock);
}

/* LINT0, or an input of the IOAPIC, may carry an NMI or INIT to a CPU whose interrupts are off. */
static bool has_nmi_source(const struct vcpu *v)
{
	return lapic_lint0_is_event(&v->lapic) || ioapic_has_event(&v->vm->ioapic);
}

void vm_check_halted(struct vm *vm)
{
	host_lock(&vm->lock);
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		const struct vcpu *v = vm->vcpu[i];
		u8 activity = READ_ONCE(v->state.activity);

		/* To flush wakes nobody. */
		if (activity == ACTIVITY_RUN ||
		    (READ_ONCE(v->requests) & ~(u32)REQUEST_FLUSH) || has_nmi_source(v) ||
		    (activity == ACTIVITY_HALT && (v->regs.rflags & RFLAGS_IF))) {
			host_unlock(&vm->lock);
			return;
		}
	}
	vm_end(vm, VM_HALTED, "halted with interrupts off at rip %#llx: nothing can wake it",
	       (unsigned long long)vm->vcpu[0]->regs.rip);
	host_unlock(&vm->lock);
}

bool vm_is_quiet(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (sched_state(vm->vcpu[i]) != SCHED_OUT || READ_ONCE(vm->vcpu[i]->loaded))
			return false;
	return machine_settled(vm);
}

void vm_flush(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_request(vm->vcpu[i], REQUEST_FLUSH);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		while (READ_ONCE(vm->vcpu[i]->in_guest) &&
		       (READ_ONCE(vm->vcpu[i]->requests) & REQUEST_FLUSH))
			host_relax();
}

bool vm_console_input(struct vm *vm, u8 byte)
{
	bool taken;

	host_lock(&vm->lock);
	taken = vm->state == VM_RUNNING && uart_receive(&vm->uart, byte);
	host_unlock(&vm->lock);
	return taken;
}

const char *vm_state_name(unsigned state)
{
	static const char *const name[] = {
		[VM_CREATED] = "created", [VM_RUNNING] = "running", [VM_PAUSED] = "paused",
		[VM_HALTED] = "halted",	  [VM_OFF] = "off",	    [VM_DEAD] = "dead",
	};

	return state < ARRAY_SIZE(name) ? name[state] : "?";
}

u64 vm_exits(const struct vm *vm, char text[VM_EXITS_TEXT])
{
	u64 count[EXIT_REASON_COUNT] = { 0 }, total = 0;
	size_t len = 0;

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		for (unsigned r = 0; r < EXIT_REASON_COUNT; r++)
			count[r] += vm->vcpu[i]->exits[r];
	for (text[0] = '\0'; len < VM_EXITS_TEXT;) {
		unsigned most = 0;

		for (unsigned r = 0; r < EXIT_REASON_COUNT; r++)
			if (count[r] > count[most])
				most = r;
		if (!count[most])
			break;
		len += fmt_string(text + len, VM_EXITS_TEXT - len, "%s%s %llu", len ? ", " : "",
				  exit_reason_name(most), (unsigned long long)count[most]);
		total += count[most];
		count[most] = 0;
	}
	return total;
}
