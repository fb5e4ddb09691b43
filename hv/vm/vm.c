/* vm.c - see vm.h: a machine made of its parts, and its life from power-on to its end */
#include "vm/vm.h"

#include "lib/fmt.h"
#include "lib/string.h"
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

/* ---- Wires ------------------------------------------------------------------ */

static void lapic_notify(void *ctx)
{
	vcpu_request(ctx, REQUEST_IRQ);
}

static struct vcpu *lowest_priority(struct vm *vm, const struct ipi *ipi)
{
	struct vcpu *best = NULL;

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *v = vm->vcpu[i];

		if (lapic_accepts(&v->lapic, ipi) &&
		    (!best || lapic_ppr(&v->lapic) < lapic_ppr(&best->lapic)))
			best = v;
	}
	return best;
}

static void lapic_send_ipi(void *ctx, const struct ipi *ipi)
{
	struct vm *vm = ((struct vcpu *)ctx)->vm;

	if (ipi->mode == LAPIC_LOWEST) {
		struct vcpu *v = lowest_priority(vm, ipi);

		if (v)
			lapic_deliver(&v->lapic, ipi->mode, ipi->vector, ipi->level);
		return;
	}
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (lapic_accepts(&vm->vcpu[i]->lapic, ipi))
			lapic_deliver(&vm->vcpu[i]->lapic, ipi->mode, ipi->vector, ipi->level);
}

static void lapic_event(void *ctx, enum lapic_mode mode, u8 vector)
{
	struct vcpu *v = ctx;

	switch (mode) {
	case LAPIC_NMI:
		vcpu_request(v, REQUEST_NMI);
		break;
	case LAPIC_INIT:
		vcpu_request(v, REQUEST_INIT);
		break;
	case LAPIC_SIPI:
		v->sipi_vector = vector;
		vcpu_request(v, REQUEST_SIPI);
		break;
	default: /* SMI: this machine has no system management mode */
		break;
	}
}

static u64 lapic_tsc(void *ctx)
{
	return host_tsc() + ((struct vcpu *)ctx)->state.tsc_offset;
}

/* Farther than this is never: beyond it, products overflow. */
#define FAR_SECONDS 1000000ull

static u64 lapic_tsc_to_ns(void *ctx, u64 tsc)
{
	struct vcpu *v = ctx;
	u64 now = host_tsc(), ahead = tsc - v->state.tsc_offset - now;
	u64 ns;

	if ((s64)ahead < 0)
		return 0;
	if (ahead > FAR_SECONDS * host_tsc_hz())
		return ~0ull;
	ns = host_tsc_to_ns(now + ahead) + 1; /* the first nanosecond that is not too early */
	return ns > v->vm->clock_base ? ns - v->vm->clock_base : 0;
}

static const struct lapic_ops lapic_ops = {
	.notify = lapic_notify,
	.send_ipi = lapic_send_ipi,
	.event = lapic_event,
	.tsc = lapic_tsc,
	.tsc_to_ns = lapic_tsc_to_ns,
};

static void serial_out(void *ctx, u8 byte)
{
	const char c = (char)byte;

	host_console_write(ctx, &c, 1);
}

static void reset_wanted(void *ctx)
{
	struct vm *vm = ctx;

	vm->restart = true;
	vm_end(vm, VM_OFF, "the guest reset the machine");
}

static void exit_port(void *ctx, u32 value, unsigned size UNUSED)
{
	struct vm *vm = ctx;

	vm->exit_value = value;
	vm_end(vm, VM_OFF, "the guest wrote %u to the exit port", value);
}

static void init_devices(struct vm *vm)
{
	const struct uart_line line = { .tx = serial_out, .ctx = vm };
	const struct i8042_lines i8042 = { .reset = reset_wanted, .ctx = vm };

	pic_init(&vm->pic, &vm->bus, lapic_wire(&vm->vcpu[0]->lapic, 0));
	pit_init(&vm->pit, &vm->bus, pic_wire(&vm->pic, 0));
	uart_init(&vm->uart, &vm->bus, UART_COM1_PORT, pic_wire(&vm->pic, UART_COM1_IRQ), &line);
	rtc_init(&vm->rtc, &vm->bus, pic_wire(&vm->pic, RTC_IRQ),
		 host_epoch() + host_now() / 1000000000, vm->memory.slot[0].size,
		 vm->memory.slot_count > 1 ? vm->memory.slot[1].size : 0);
	rtc_set_cpus(&vm->rtc, vm->vcpu_count);
	i8042_init(&vm->i8042, &vm->bus, pic_wire(&vm->pic, I8042_IRQ),
		   pic_wire(&vm->pic, I8042_AUX_IRQ), &i8042);
	debugport_init(&vm->debugport, &vm->bus, serial_out, vm);
	exitport_init(&vm->exitport, &vm->bus, exit_port, vm);
}

static void reset_devices(struct vm *vm)
{
	pic_reset(&vm->pic);
	pit_reset(&vm->pit);
	uart_reset(&vm->uart);
	rtc_reset(&vm->rtc);
	i8042_reset(&vm->i8042);
	/* Loaders start kernels without firmware: leave what firmware would. */
	pic_after_firmware(&vm->pic);
	pit_after_firmware(&vm->pit);
	uart_after_firmware(&vm->uart);
	lapic_after_firmware(&vm->vcpu[0]->lapic);
}

/* ---- Making one --------------------------------------------------------------- */

static unsigned order_of(size_t size)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

static void free_vcpu(struct vcpu *v)
{
	virt->vcpu_free(v);
	trace_free(&v->trace);
	if (v->xsave)
		host_free_pages(v->xsave, v->xsave_order);
	host_free_pages(v, order_of(virt->vcpu_size));
}

static int add_vcpu(struct vm *vm, unsigned index)
{
	struct vcpu *v = host_alloc_pages(order_of(virt->vcpu_size));
	const struct lapic_config lapic = {
		.id = index,
		.bsp = index == 0,
		.x2apic = cpuid_has(&vm->cpuid, 1, 2, CPUID_1_ECX_X2APIC),
		.tsc_deadline = cpuid_has(&vm->cpuid, 1, 2, CPUID_1_ECX_TSC_DEADLINE),
		.maxphyaddr = (u8)cpuid_maxphyaddr(&vm->cpuid),
	};
	int error;

	if (!v)
		return -HOST_ENOMEM;
	v->vm = vm;
	v->index = index;
	v->sched.weight = vm->config.weight;
	v->xsave_order = order_of(virt->xsave_size());
	v->xsave = host_alloc_pages(v->xsave_order);
	error = v->xsave ? trace_init(&v->trace, host_trace_size()) : -HOST_ENOMEM;
	if (!error)
		error = virt->vcpu_init(v);
	if (error) {
		free_vcpu(v);
		return error;
	}
	lapic_init(&v->lapic, &vm->bus, &lapic, &lapic_ops, v);
	vm->vcpu[vm->vcpu_count++] = v;
	return 0;
}

static int build(struct vm *vm, char *error, size_t size)
{
	const struct vm_config *config = &vm->config;
	const char *missing = "";
	u64 total, reserved, used;
	int result;

	result = cpuid_build(&vm->cpuid, config->cpu, host_cpuid, config->vcpus, &missing);
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
	if (result)
		fmt_string(error, size, "VM %s: not enough memory for %u vCPUs", config->name,
			   config->vcpus);
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
	vm = host_alloc_pages(order_of(virt->vm_size));
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
	init_devices(vm);
	msr_init(vm);
	vm_reset(vm);
	*made = vm;
	return 0;
}

void vm_free(struct vm *vm)
{
	check(vm_is_quiet(vm));
	host_timer_cancel(&vm->timer);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		free_vcpu(vm->vcpu[i]);
	if (vm->memory.slot_count)
		memory_free(vm);
	virt->vm_free(vm);
	host_free_pages(vm, order_of(virt->vm_size));
}

/* ---- Life ----------------------------------------------------------------------- */

void vm_reset(struct vm *vm)
{
	check(vm_is_quiet(vm));
	host_timer_cancel(&vm->timer);
	host_lock(&vm->lock);
	vm->clock_base = host_now();
	vm->paused_at = vm->clock_base;
	vm->tsc_base = host_tsc();
	vm->paused_tsc = vm->tsc_base;
	vm->state = VM_CREATED;
	vm->restart = false;
	vm->cause[0] = '\0';
	vm->exit_value = 0;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_reset(vm->vcpu[i]);
	reset_devices(vm);
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
	host_unlock(&vm->lock);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		host_run(vm->vcpu[i]);
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
	host_lock(&vm->lock);
	if (vm->state == VM_RUNNING) {
		vm->state = VM_PAUSED;
		vm->paused_at = host_now();
		vm->paused_tsc = host_tsc();
		stop_vcpus(vm);
	}
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
		if (!vm->paused_at)
			vm->paused_at = host_now();
		va_start(args, cause);
		fmt_vstring(vm->cause, sizeof(vm->cause), cause, args);
		va_end(args);
		vm->state = state;
		stop_vcpus(vm);
		host_vm_ended(vm);
	}
	if (!locked)
		host_unlock(&vm->lock);
}

/* The one line of this machine that can carry an NMI to a CPU whose interrupts are off. */
static bool has_nmi_source(const struct vcpu *v)
{
	u32 lint0 = v->lapic.lvt[LAPIC_LVT_LINT0];

	return (lint0 & BIT(16)) == 0 && (lint0 >> 8 & 7) == LAPIC_NMI;
}

void vm_check_halted(struct vm *vm)
{
	host_lock(&vm->lock);
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		const struct vcpu *v = vm->vcpu[i];
		u8 activity = READ_ONCE(v->state.activity);

		if (activity == ACTIVITY_RUN || vcpu_requested(v) || has_nmi_source(v) ||
		    (activity == ACTIVITY_HALT && (v->regs.rflags & RFLAGS_IF))) {
			host_unlock(&vm->lock);
			return;
		}
	}
	vm_end(vm, VM_HALTED, "halted with interrupts off at rip %#llx: nothing can wake it",
	       (unsigned long long)vm->vcpu[0]->regs.rip);
	host_unlock(&vm->lock);
}

bool vm_is_quiet(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (sched_state(vm->vcpu[i]) != SCHED_OUT || READ_ONCE(vm->vcpu[i]->loaded))
			return false;
	return true;
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
