/*
 * test_vm.c - a machine's making, its clock, and its ends
 */
#include "machine.h"

#include "fake_virt.h"
#include "vm/handle.h"

void test_vm_register(void);

static const struct vm_config good = {
	.name = "test", .memory = MiB(8), .vcpus = 2, .weight = 100, .cpu = "bare"
};

static int create(const struct vm_config *config, struct vm **vm, char *error)
{
	*vm = NULL;
	error[0] = '\0';
	return vm_create(config, vm, error, VM_CAUSE_MAX);
}

/* ---- Errors ------------------------------------------------------------------- */

/* Refused with a sentence that has word in it, and nothing is left. */
static void refused(struct vm_config config, int why, const char *word)
{
	char error[VM_CAUSE_MAX];
	struct vm *vm;

	CU_ASSERT_EQUAL(create(&config, &vm, error), why);
	CU_ASSERT_PTR_NULL(vm);
	if (!strstr(error, word))
		printf("\n\"%s\" does not say \"%s\"\n", error, word);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, word));
	CU_ASSERT(fake_host_clean());
	CU_ASSERT_EQUAL(fake_virt.vms_made + fake_virt.vcpus_made, 0);
}

static void test_refused(void)
{
	struct vm_config c;

	fake_virt_reset();
	c = good, c.vcpus = 0;
	refused(c, -HOST_EINVAL, "cpus=0");
	c = good, c.vcpus = VM_MAX_VCPUS + 1;
	refused(c, -HOST_EINVAL, "cpus=9");
	c = good, c.memory = 0;
	refused(c, -HOST_EINVAL, "mem=0M");
	c = good, c.memory = ~0ull;
	refused(c, -HOST_EINVAL, "mem=");
	c = good, c.memory = GiB(2);
	refused(c, -HOST_ENOMEM, "not enough memory, 1024 MiB of 1024 MiB are free");
	c = good, memcpy(c.cpu, "v99", 4);
	refused(c, -HOST_EINVAL, "cpu=v99: no such CPU model");
	fake_virt.vm_init_error = -HOST_ENOMEM;
	refused(good, -HOST_ENOMEM, "not enough memory");
	fake_virt.vm_init_error = 0;
	fake_virt.vcpu_init_error = -HOST_ENOMEM;
	refused(good, -HOST_ENOMEM, "2 vCPUs");
}

/* Memory ends at each allocation in turn. */
static void test_exhausted(void)
{
	char error[VM_CAUSE_MAX];
	struct vm *vm;
	u64 n;

	fake_virt_reset();
	for (n = 0; n < 100; n++) {
		fake_host.allocations_left = n;
		if (create(&good, &vm, error) == 0)
			break;
		CU_ASSERT_PTR_NULL(vm);
		CU_ASSERT_PTR_NOT_NULL(strstr(error, "not enough memory"));
		CU_ASSERT(fake_host_clean());
		CU_ASSERT_EQUAL(fake_virt.vms_made + fake_virt.vcpus_made, 0);
	}
	CU_ASSERT(n >= 8); /* VM, tables, chunk pointers, and three of each vCPU */
	fake_host.allocations_left = ~0ull;
	fake_vm_free(vm);
}

static void free_loaded(void *vm)
{
	vm_free(vm);
}

static void reset_running(void *vm)
{
	vm_reset(vm);
}

static void start_twice(void *vm)
{
	vm_start(vm);
}

static void test_misuse(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 1);

	CU_ASSERT(panics(free_loaded, vm));
	CU_ASSERT(panics(reset_running, vm));
	CU_ASSERT(panics(start_twice, vm));
	fake_vm_free(vm);
}

static unsigned unlocked_runs;

static void note_run(struct vcpu *v)
{
	unlocked_runs += !host_locked(&v->vm->lock);
}

/* One that runs could end the machine before the next one is added, and nobody would stop that. */
static void test_start_is_one(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 2);

	vm_pause(vm);
	virt->unload(vm->vcpu[0]);
	unlocked_runs = 0;
	fake_host.on_run = note_run;
	vm_start(vm);
	fake_host.on_run = NULL;
	CU_ASSERT_EQUAL(unlocked_runs, 0);
	fake_vm_free(vm);
}

/* ---- Clocks --------------------------------------------------------------------- */

static u64 guest_tsc(const struct vm *vm)
{
	return host_tsc() + vm->vcpu[0]->state.tsc_offset;
}

static void test_clock(void)
{
	char error[VM_CAUSE_MAX];
	struct vm *vm;

	fake_virt_reset();
	fake_host_run(5 * S);
	CU_ASSERT_EQUAL_FATAL(create(&good, &vm, error), 0);
	CU_ASSERT_EQUAL(vm->state, VM_CREATED);
	fake_host_run(3 * S); /* loading takes its time, the machine is off meanwhile */
	CU_ASSERT_EQUAL(vm_clock(vm), 0);
	vm_start(vm);
	CU_ASSERT_EQUAL(vm_clock(vm), 0);
	CU_ASSERT_EQUAL(guest_tsc(vm), 0);
	fake_host_run(2 * S);
	CU_ASSERT_EQUAL(vm_clock(vm), 2 * S);
	CU_ASSERT_EQUAL(guest_tsc(vm), 2 * S);

	vm_pause(vm);
	CU_ASSERT_EQUAL(vm->state, VM_PAUSED);
	fake_host_run(7 * S);
	CU_ASSERT_EQUAL(vm_clock(vm), 2 * S);
	vm_start(vm);
	CU_ASSERT_EQUAL(vm_clock(vm), 2 * S);
	CU_ASSERT_EQUAL(guest_tsc(vm), 2 * S);
	CU_ASSERT_EQUAL(guest_tsc(vm), fake_vcpu(vm->vcpu[0])->truth.tsc_offset + host_tsc());
	fake_host_run(1 * S);
	CU_ASSERT_EQUAL(vm_clock(vm), 3 * S);

	vm_pause(vm);
	fake_host_run(1 * S);
	vm_reset(vm);
	CU_ASSERT_EQUAL(vm->state, VM_CREATED);
	CU_ASSERT_EQUAL(vm_clock(vm), 0);
	fake_host_run(4 * S);
	vm_start(vm);
	fake_host_run(1 * S);
	CU_ASSERT_EQUAL(vm_clock(vm), 1 * S);
	CU_ASSERT_EQUAL(guest_tsc(vm), 1 * S);
	fake_vm_free(vm);
}

static void fired(void *count)
{
	++*(unsigned *)count;
}

/* An alarm for 10 ms of the machine's time; 5 run, 100 stand still, 5 run. */
static void test_alarm_waits_for_resume(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 1);
	struct alarm alarm;
	unsigned count = 0;

	host_lock(&vm->lock);
	bus_alarm_init(&vm->bus, &alarm, fired, &count);
	bus_alarm_set(&alarm, vm_clock(vm) + 10 * MS);
	host_unlock(&vm->lock);
	fake_host_run(5 * MS);
	vm_pause(vm);
	fake_host_run(100 * MS);
	CU_ASSERT_EQUAL(count, 0);
	virt->unload(vm->vcpu[0]);
	vm_start(vm);
	fake_host_run(5 * MS - 1);
	CU_ASSERT_EQUAL(count, 0);
	fake_host_run(1);
	CU_ASSERT_EQUAL(count, 0); /* its vCPU waits for a CPU: so does the alarm */
	CU_ASSERT_TRUE(vm->alarms_late);
	vm_catch_up(vm);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_FALSE(vm->alarms_late);
	host_lock(&vm->lock);
	bus_alarm_set(&alarm, vm_clock(vm) + MS);
	host_unlock(&vm->lock);
	CU_ASSERT_PTR_EQUAL(sched_pick(0, host_now()), vm->vcpu[0]);
	fake_host_run(MS);
	CU_ASSERT_EQUAL(count, 2); /* and it does not once it runs */
	sched_put(vm->vcpu[0], false, host_now());
	host_lock(&vm->lock);
	bus_alarm_cancel(&alarm);
	host_unlock(&vm->lock);
	fake_vm_free(vm);
}

/* ---- Ends ------------------------------------------------------------------------ */

static void test_first_end_wins(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 2);
	u64 clock;

	fake_host_run(1 * MS);
	vm_end(vm, VM_OFF, "the %s one", "first");
	clock = vm_clock(vm);
	CU_ASSERT_EQUAL(vm->state, VM_OFF);
	CU_ASSERT_STRING_EQUAL(vm->cause, "the first one");
	CU_ASSERT_EQUAL(fake_host.ended, 1);
	CU_ASSERT_PTR_EQUAL(fake_host.ended_vm, vm);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(sched_state(vm->vcpu[i]), SCHED_OUT);
		CU_ASSERT(vm->vcpu[i]->requests & REQUEST_STOP);
	}
	fake_host_run(1 * MS);
	vm_end(vm, VM_DEAD, "the second one");
	vm_pause(vm);
	CU_ASSERT_EQUAL(vm->state, VM_OFF);
	CU_ASSERT_STRING_EQUAL(vm->cause, "the first one");
	CU_ASSERT_EQUAL(fake_host.ended, 1);
	CU_ASSERT_EQUAL(vm_clock(vm), clock);
	fake_vm_free(vm);
}

static void test_end_while_paused(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 1);

	vm_pause(vm);
	vm_end(vm, VM_DEAD, "killed");
	CU_ASSERT_EQUAL(vm->state, VM_DEAD);
	fake_vm_free(vm);
}

static void test_long_cause_is_cut(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 1);

	vm_end(vm, VM_DEAD, "%0300d", 7);
	CU_ASSERT_EQUAL(strlen(vm->cause), VM_CAUSE_MAX - 1);
	fake_vm_free(vm);
}

static void port_out(struct vm *vm, u16 port, u32 value)
{
	host_lock(&vm->lock);
	bus_out(&vm->bus, port, port == EXITPORT_PORT ? 4 : 1, value);
	host_unlock(&vm->lock);
}

static void test_exit_port(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 1);

	port_out(vm, EXITPORT_PORT, 42);
	CU_ASSERT_EQUAL(vm->state, VM_OFF);
	CU_ASSERT_EQUAL(vm->exit_value, 42);
	CU_ASSERT_PTR_NOT_NULL(strstr(vm->cause, "42"));
	CU_ASSERT_FALSE(vm->restart);
	fake_vm_free(vm);
}

static void test_guest_resets(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 1);
	u8 *ram = memory_ptr(vm, gpa(0x5000), 1);

	*ram = 77;
	vm->exit_value = 1;
	port_out(vm, 0x64, 0xfe);
	CU_ASSERT_EQUAL(vm->state, VM_OFF);
	CU_ASSERT_TRUE(vm->restart);
	virt->unload(vm->vcpu[0]);
	vm->vcpu[0]->regs.rip = 1;
	vm_reset(vm);
	CU_ASSERT_EQUAL(vm->state, VM_CREATED);
	CU_ASSERT_FALSE(vm->restart);
	CU_ASSERT_EQUAL(vm->cause[0], '\0');
	CU_ASSERT_EQUAL(vm->exit_value, 0);
	CU_ASSERT_EQUAL(vm->vcpu[0]->regs.rip, 0xfff0);
	CU_ASSERT_EQUAL(*ram, 77); /* a reset line clears no memory */
	vm_start(vm);
	CU_ASSERT_EQUAL(vm->state, VM_RUNNING);
	fake_vm_free(vm);
}

/* ---- Halted for ever -------------------------------------------------------------- */

struct halting {
	const char *name;
	u8 activity[2];
	bool enabled[2]; /* RFLAGS.IF */
	u32 requests[2];
	u32 lint0; /* LVT LINT0 of the first; 0: masked */
	u64 ioapic; /* entry of the PIT; 0: masked */
	bool dead;
};

#define LINT0_NMI 0x400u
#define LINT0_EXTINT 0x700u
#define LVT_MASK BIT(16)
#define RUN ACTIVITY_RUN
#define HALT ACTIVITY_HALT
#define WAIT ACTIVITY_WAIT_SIPI

static const struct halting haltings[] = {
	{ "both run", { RUN, RUN }, .dead = false },
	{ "one runs", { HALT, RUN }, .dead = false },
	{ "both halted for ever", { HALT, HALT }, .dead = true },
	{ "the other one waits for SIPI", { HALT, WAIT }, .dead = true },
	{ "interrupts on", { HALT, WAIT }, { true, false }, .dead = false },
	{ "interrupts on in the other one", { HALT, HALT }, { false, true }, .dead = false },
	{ "IF of a CPU that waits for SIPI means nothing",
	  { HALT, WAIT },
	  { false, true },
	  .dead = true },
	{ "something was asked of it",
	  { HALT, WAIT },
	  .requests = { REQUEST_NMI, 0 },
	  .dead = false },
	{ "something was asked of the other one",
	  { HALT, WAIT },
	  .requests = { 0, REQUEST_SIPI },
	  .dead = false },
	{ "LINT0 brings NMIs", { HALT, WAIT }, .lint0 = LINT0_NMI, .dead = false },
	{ "LINT0 would bring NMIs, but is masked",
	  { HALT, WAIT },
	  .lint0 = LINT0_NMI | LVT_MASK,
	  .dead = true },
	{ "LINT0 brings interrupts", { HALT, WAIT }, .lint0 = LINT0_EXTINT, .dead = true },
	{ "the IOAPIC brings NMIs", { HALT, WAIT }, .ioapic = LINT0_NMI, .dead = false },
	{ "the IOAPIC brings interrupts", { HALT, WAIT }, .ioapic = 0x30, .dead = true },
	{ "the IOAPIC would bring NMIs, but is masked",
	  { HALT, WAIT },
	  .ioapic = LINT0_NMI | LVT_MASK,
	  .dead = true },
};

static void test_halted(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(haltings); i++) {
		struct vm *vm = fake_vm_make(MiB(8), 2);
		const struct halting *h = &haltings[i];

		for (unsigned n = 0; n < 2; n++) {
			vm->vcpu[n]->state.activity = h->activity[n];
			vm->vcpu[n]->regs.rflags = RFLAGS_ONE | (h->enabled[n] ? RFLAGS_IF : 0);
			vm->vcpu[n]->requests = h->requests[n];
			vm->vcpu[n]->lapic.lvt[LAPIC_LVT_LINT0] = LVT_MASK;
		}
		vm->vcpu[0]->lapic.lvt[LAPIC_LVT_LINT0] = h->lint0 ? h->lint0 : LVT_MASK;
		if (h->ioapic)
			vm->ioapic.entry[2] = h->ioapic;
		vm->vcpu[0]->regs.rip = 0xabc;
		vm_check_halted(vm);
		if ((vm->state == VM_HALTED) != h->dead)
			printf("\n%s: %s\n", h->name, vm_state_name(vm->state));
		CU_ASSERT_EQUAL(vm->state, h->dead ? VM_HALTED : VM_RUNNING);
		CU_ASSERT_EQUAL(!!strstr(vm->cause, "0xabc"), h->dead);
		fake_vm_free(vm);
	}
}

/* ---- The rest ------------------------------------------------------------------------ */

static void test_power_on(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 3);
	struct vm *other;
	char error[VM_CAUSE_MAX];

	CU_ASSERT_EQUAL(vm->vcpu_count, 3);
	CU_ASSERT_EQUAL(vm->vcpu[0]->state.activity, ACTIVITY_RUN);
	CU_ASSERT_EQUAL(vm->vcpu[1]->state.activity, ACTIVITY_WAIT_SIPI);
	CU_ASSERT_EQUAL(vm->vcpu[2]->state.activity, ACTIVITY_WAIT_SIPI);
	CU_ASSERT_EQUAL((uintptr_t)vm->vcpu[0]->xsave % 64, 0);
	CU_ASSERT_FALSE(vm_is_quiet(vm));
	vm_pause(vm);
	CU_ASSERT_FALSE(vm_is_quiet(vm)); /* still on its CPU */
	virt->unload(vm->vcpu[0]);
	CU_ASSERT_TRUE(vm_is_quiet(vm));
	CU_ASSERT_EQUAL_FATAL(create(&good, &other, error), 0);
	CU_ASSERT_NOT_EQUAL(other->id, vm->id);
	vm_free(other);
	fake_vm_free(vm);
}

static void test_console(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 1);

	port_out(vm, UART_COM1_PORT + 3, 3); /* 8 bits */
	port_out(vm, UART_COM1_PORT, 'H');
	fake_host_run(10 * MS);
	port_out(vm, UART_COM1_PORT, 'i');
	fake_host_run(10 * MS);
	CU_ASSERT_STRING_EQUAL(fake_host.console, "Hi");
	CU_ASSERT_TRUE(vm_console_input(vm, 'x'));
	vm_pause(vm);
	CU_ASSERT_FALSE(vm_console_input(vm, 'x'));
	fake_vm_free(vm);
}

/* Somebody in the guest must leave before vm_flush returns; who is outside is not waited for. */
static struct vm *flushed;
static unsigned relaxed;

static void leaves_guest(void)
{
	if (++relaxed == 3)
		flushed->vcpu[0]->in_guest = false;
}

static void test_flush_waits(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 2);

	flushed = vm;
	relaxed = 0;
	fake_host.on_relax = leaves_guest;
	vm_flush(vm);
	CU_ASSERT_EQUAL(relaxed, 0);
	vm->vcpu[0]->in_guest = true;
	vm_flush(vm);
	CU_ASSERT_EQUAL(relaxed, 3);
	CU_ASSERT(vm->vcpu[0]->requests & vm->vcpu[1]->requests & REQUEST_FLUSH);
	fake_host.on_relax = NULL;
	fake_vm_free(vm);
}

static void test_names(void)
{
	for (unsigned i = VM_CREATED; i <= VM_DEAD; i++)
		CU_ASSERT(strlen(vm_state_name(i)) > 2);
	CU_ASSERT_STRING_EQUAL(vm_state_name(VM_DEAD + 1), "?");
	for (unsigned i = 0; i < EXIT_REASON_COUNT; i++)
		CU_ASSERT(strlen(exit_reason_name(i)) > 2);
	CU_ASSERT_STRING_EQUAL(exit_reason_name(EXIT_REASON_COUNT), "?");
}

void test_vm_register(void)
{
	CU_pSuite suite = CU_add_suite("vm", NULL, NULL);

	CU_add_test(suite, "configurations that are refused", test_refused);
	CU_add_test(suite, "memory ends while it is made", test_exhausted);
	CU_add_test(suite, "misuse panics", test_misuse);
	CU_add_test(suite, "all start as one", test_start_is_one);
	CU_add_test(suite, "clock and TSC stand while off or paused", test_clock);
	CU_add_test(suite, "alarms wait for resume", test_alarm_waits_for_resume);
	CU_add_test(suite, "the first end wins", test_first_end_wins);
	CU_add_test(suite, "killed while paused", test_end_while_paused);
	CU_add_test(suite, "a long cause is cut", test_long_cause_is_cut);
	CU_add_test(suite, "exit port", test_exit_port);
	CU_add_test(suite, "the guest resets itself", test_guest_resets);
	CU_add_test(suite, "halted for ever", test_halted);
	CU_add_test(suite, "power-on", test_power_on);
	CU_add_test(suite, "serial line", test_console);
	CU_add_test(suite, "flush waits for who is in the guest", test_flush_waits);
	CU_add_test(suite, "names", test_names);
}
