/*
 * test_mwait.c - MONITOR and MWAIT: what they refuse, what ends a wait, and that no store is missed
 *
 * Owns: vm/mwait.c and the guards of vm/memory.c, one step of one CPU at a time: the races are
 * steps in the order that would lose a store.
 */
#include "machine.h"

#include "cpuid_samples.h"
#include "fake_virt.h"
#include "vm/emulate.h"
#include "vm/handle.h"

void test_mwait_register(void);

#define CODE 0x8000ull
#define PAGE 0x5000ull
#define LINE (PAGE + 0x40)

static struct vm *vm;
static struct vcpu *v, *other;
static u32 hidden; /* of CPUID leaf 1, ECX */

/* A machine with all four instructions. */
static struct cpuid_regs machine_cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r = cpuid_sample_read(&cpuid_machine[BOCHS_RYZEN], leaf, subleaf);

	if (leaf == 1)
		r.ecx &= ~hidden;
	return r;
}

static void set_up(unsigned vcpus)
{
	struct vm_config config = {
		.name = "t", .memory = MiB(8), .vcpus = vcpus, .weight = 100, .cpu = "bare"
	};
	char error[200] = "";

	fake_virt_reset();
	fake_host.cpuid = machine_cpuid;
	CU_ASSERT_EQUAL_FATAL(vm_create(&config, &vm, error, sizeof(error)), 0);
	for (unsigned i = 0; i < vm->cpuid.count; i++) /* which the rules hide */
		if (vm->cpuid.leaf[i].leaf == CPUID_EXTENDED + 1)
			vm->cpuid.leaf[i].regs.ecx |= BIT(29);
	vm_start(vm);
	v = vm->vcpu[0];
	other = vm->vcpu[vcpus - 1];
	for (unsigned i = 0; i < vcpus; i++) {
		virt->load(vm->vcpu[i]);
		fake_mode_flat32(vm->vcpu[i]);
		vm->vcpu[i]->requests = 0;
	}
}

static void tear_down(void)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		CU_ASSERT_FALSE(vm->vcpu[i]->mwait.waiting && !vm->memory.guards);
	fake_vm_free(vm);
}

enum which { A_MONITOR = 0xc8, A_MWAIT = 0xc9, A_MONITORX = 0xfa, A_MWAITX = 0xfb };

/* w makes that exit, which is answered and completed. */
static void exit_of(struct vcpu *w, enum which which)
{
	const u8 code[] = { 0x0f, 0x01, (u8)which };

	check(memory_write(vm, gpa(CODE), code, sizeof(code)) == 0);
	w->regs.rip = CODE;
	w->exit = (struct vm_exit){ .reason = EXIT_MONITOR };
	handle_exit(w);
	virt->complete(w);
}

static void expect_raised(u8 vector)
{
	CU_ASSERT_EQUAL(v->raised.type, EVENT_EXCEPTION);
	CU_ASSERT_EQUAL(v->raised.vector, vector);
	CU_ASSERT_EQUAL(v->regs.rip, CODE);
	v->raised.type = EVENT_NONE;
}

static void expect_done(void)
{
	CU_ASSERT_EQUAL(v->raised.type, EVENT_NONE);
	CU_ASSERT_EQUAL(v->regs.rip, CODE + 3);
}

static void monitor(struct vcpu *w, u64 line)
{
	w->regs.r[REG_RAX] = line;
	w->regs.r[REG_RCX] = w->regs.r[REG_RDX] = 0;
	exit_of(w, A_MONITOR);
}

static void mwait(struct vcpu *w, u64 extensions)
{
	w->regs.r[REG_RCX] = extensions;
	exit_of(w, A_MWAIT);
}

/* It waits for a store to line, and has been found to. */
static void put_to_sleep(struct vcpu *w, u64 line)
{
	monitor(w, line);
	mwait(w, 0);
	CU_ASSERT_EQUAL(vcpu_step(w), VCPU_BLOCKED);
	CU_ASSERT_TRUE(w->mwait.waiting);
	CU_ASSERT_EQUAL(w->requests, 0);
}

/* Was it asked to look, and does it go on then? */
static bool wakes(struct vcpu *w)
{
	unsigned before = fake_vcpu(w)->entries;

	return (w->requests & REQUEST_WAKE) && vcpu_step(w) == VCPU_HOST && !w->mwait.waiting &&
	       fake_vcpu(w)->entries == before + 1;
}

static bool sleeps(struct vcpu *w)
{
	return vcpu_step(w) == VCPU_BLOCKED && w->mwait.waiting;
}

static void poke(u64 at, u8 value)
{
	*(u8 *)memory_ptr(vm, gpa(at), 1) = value;
}

static bool may_write(u64 at)
{
	u64 entries[5];
	hpa_t page;
	unsigned n = nested_walk(&container_of(vm, struct fake_vm, vm)->tables, gpa(at), entries,
				 &page);

	return container_of(vm, struct fake_vm, vm)->tables.format->rights(entries[n - 1]) &
	       PROT_W;
}

/* ---- Refused ------------------------------------------------------------------------- */

static void test_faults(void)
{
	set_up(1);
	v->regs.r[REG_RAX] = LINE;
	v->regs.r[REG_RCX] = 1;
	exit_of(v, A_MONITOR);
	expect_raised(VECTOR_GP);
	v->regs.r[REG_RCX] = BIT(40); /* 32-bit code has no RCX */
	exit_of(v, A_MONITOR);
	expect_done();
	mwait(v, 2);
	expect_raised(VECTOR_GP);
	CU_ASSERT_TRUE(v->mwait.armed);
	v->regs.r[REG_RCX] = 4;
	exit_of(v, A_MWAITX);
	expect_raised(VECTOR_GP);
	monitor(v, ~0ull); /* cut to 32 bits: no RAM, no fault */
	expect_done();
	v->state.seg[SEG_DS].limit = 0xfff;
	vcpu_state_changed(v, STATE_SEG);
	monitor(v, 0x1000);
	expect_raised(VECTOR_GP);
	fake_mode_long(v);
	monitor(v, BIT(60));
	expect_raised(VECTOR_GP);
	v->regs.r[REG_RAX] = LINE;
	v->regs.r[REG_RCX] = BIT(40);
	exit_of(v, A_MONITOR);
	expect_raised(VECTOR_GP);
	monitor(v, GiB(1)); /* which is not mapped */
	CU_ASSERT_EQUAL(v->raised.error, 0);
	CU_ASSERT_EQUAL(v->raised.cr2, GiB(1));
	expect_raised(VECTOR_PF);
	tear_down();
}

static void test_who_may(void)
{
	set_up(1);
	v->state.cpl = 3;
	vcpu_state_changed(v, STATE_EXEC);
	monitor(v, LINE);
	expect_raised(VECTOR_UD);
	mwait(v, 0);
	expect_raised(VECTOR_UD);
	exit_of(v, A_MONITORX);
	expect_done();
	exit_of(v, A_MWAITX);
	expect_done();
	CU_ASSERT_TRUE(v->mwait.waiting);
	tear_down();

	hidden = BIT(3);
	set_up(1);
	hidden = 0;
	monitor(v, LINE);
	expect_raised(VECTOR_UD);
	mwait(v, 0);
	expect_raised(VECTOR_UD);
	tear_down();
}

/* The code is no longer what exited, or cannot be fetched any more. */
static void test_code_changed(void)
{
	set_up(1);
	exit_of(v, 0xc1); /* VMCALL, which had its own exit */
	expect_raised(VECTOR_UD);
	fake_mode_long(v);
	v->regs.rip = GiB(1); /* not mapped any more */
	v->exit = (struct vm_exit){ .reason = EXIT_MONITOR };
	handle_exit(v);
	CU_ASSERT_EQUAL(v->raised.vector, VECTOR_PF);
	v->raised.type = EVENT_NONE;
	tear_down();
}

static void test_not_armed(void)
{
	set_up(1);
	mwait(v, 0);
	expect_done();
	CU_ASSERT_FALSE(v->mwait.waiting);
	monitor(v, 0xe0000000); /* nothing is there */
	expect_done();
	mwait(v, 0);
	CU_ASSERT_FALSE(v->mwait.waiting);
	monitor(v, LINE);
	mwait(v, 0);
	CU_ASSERT_TRUE(v->mwait.waiting);
	poke(LINE, 1);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	mwait(v, 0); /* one MONITOR is good for one MWAIT */
	CU_ASSERT_FALSE(v->mwait.waiting);
	tear_down();
}

/* ---- Stores -------------------------------------------------------------------------- */

static void test_store_faults(void)
{
	set_up(2);
	poke(LINE, 1);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(LINE), ACCESS_WRITE), 0);
	CU_ASSERT_TRUE(may_write(LINE));
	put_to_sleep(v, LINE + 5);
	CU_ASSERT_FALSE(may_write(LINE));
	CU_ASSERT_TRUE(may_write(PAGE + PAGE_SIZE));
	CU_ASSERT_TRUE(sleeps(v));
	poke(LINE, 2);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_TRUE(may_write(LINE));
	put_to_sleep(v, LINE);
	/* A store that changes nothing; it goes through at its next try. */
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(LINE + 63), ACCESS_READ | ACCESS_WRITE), 0);
	CU_ASSERT_TRUE(may_write(LINE));
	CU_ASSERT_EQUAL(vm->memory.guards, 0);
	CU_ASSERT_TRUE(wakes(v));
	tear_down();
}

/* Between MONITOR and MWAIT. */
static void test_store_before(void)
{
	set_up(2);
	monitor(v, LINE);
	poke(LINE + 63, 1);
	mwait(v, 0);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_FALSE(v->mwait.waiting);
	CU_ASSERT_EQUAL(vm->memory.guards, 0);
	monitor(v, LINE);
	poke(LINE + 64, 1); /* the next line */
	mwait(v, 0);
	CU_ASSERT_TRUE(sleeps(v));
	tear_down();
}

/* The other CPU is in the guest, and has not heard yet that it may not store. */
static void test_store_unseen(void)
{
	unsigned kicks;

	set_up(2);
	other->in_guest = true;
	kicks = fake_host.kicks;
	monitor(v, LINE);
	mwait(v, 0);
	CU_ASSERT_EQUAL(fake_host.kicks, kicks + 1);
	CU_ASSERT_PTR_EQUAL(fake_host.kicked, other);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_BLOCKED);
	poke(LINE, 1);
	CU_ASSERT_EQUAL(v->requests, 0); /* so far nobody knows */
	other->in_guest = false;
	CU_ASSERT(other->requests & REQUEST_FLUSH);
	CU_ASSERT_EQUAL(vcpu_step(other), VCPU_HOST);
	CU_ASSERT_TRUE(wakes(v));
	tear_down();
}

/* One that sleeps is left alone, but flushes before it goes on; and is not taken for awake. */
static void test_sleeper_is_not_kicked(void)
{
	unsigned kicks;

	set_up(2);
	put_to_sleep(other, PAGE + PAGE_SIZE);
	kicks = fake_host.kicks;
	put_to_sleep(v, LINE);
	CU_ASSERT_EQUAL(fake_host.kicks, kicks);
	CU_ASSERT_EQUAL(other->requests, REQUEST_FLUSH);
	kicks = fake_vcpu(other)->flushes;
	poke(PAGE + PAGE_SIZE, 1);
	CU_ASSERT_EQUAL(vcpu_step(other), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(other)->flushes, kicks + 1);
	tear_down();
}

/* Emulation stores by pointers of its own, which a translation may have left it before. */
static void test_emulated_store(void)
{
	struct event fault;
	u8 byte = 7;

	set_up(2);
	CU_ASSERT_EQUAL(emulate_write(other, LINE, &byte, 1, false, &fault), 0);
	put_to_sleep(v, LINE);
	CU_ASSERT_EQUAL(emulate_write(other, LINE, &byte, 1, false, &fault), 0); /* kept */
	CU_ASSERT_EQUAL(vcpu_step(other), VCPU_HOST);
	CU_ASSERT_TRUE(sleeps(v)); /* it changed nothing, and came before the flush */
	CU_ASSERT_EQUAL(emulate_read(other, LINE, &byte, 1, false, &fault), 0);
	monitor(other, LINE + 64);
	CU_ASSERT_EQUAL(v->requests, 0);
	CU_ASSERT_EQUAL(emulate_write(other, LINE, &byte, 1, false, &fault), 0);
	CU_ASSERT_TRUE(wakes(v));
	put_to_sleep(v, LINE);
	byte++;
	CU_ASSERT_EQUAL(emulate_write(other, LINE, &byte, 1, false, &fault), 0);
	CU_ASSERT_EQUAL(vcpu_step(other), VCPU_HOST);
	CU_ASSERT_TRUE(wakes(v));
	tear_down();
}

static void test_device_store(void)
{
	u32 word = 5;

	set_up(1);
	put_to_sleep(v, LINE);
	host_lock(&vm->lock);
	CU_ASSERT_TRUE(bus_write_ram(&vm->bus, gpa(LINE + 64), &word, sizeof(word)));
	CU_ASSERT_EQUAL(v->requests, 0);
	CU_ASSERT_TRUE(bus_write_ram(&vm->bus, gpa(LINE + 60), &word, sizeof(word)));
	host_unlock(&vm->lock);
	CU_ASSERT_TRUE(wakes(v));
	put_to_sleep(v, LINE);
	CU_ASSERT_EQUAL(memory_write(vm, gpa(PAGE), &word, sizeof(word)), 0);
	CU_ASSERT_EQUAL(v->requests, 0);
	CU_ASSERT_EQUAL(memory_write(vm, gpa(LINE), &word, sizeof(word)), 0);
	CU_ASSERT_TRUE(wakes(v));
	tear_down();
}

static void test_two_on_a_page(void)
{
	set_up(2);
	put_to_sleep(v, LINE);
	put_to_sleep(other, LINE + 64);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_BLOCKED); /* has flushed */
	v->nmi_pending = true;
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_FALSE(may_write(LINE)); /* the other one still waits */
	put_to_sleep(v, LINE);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(LINE), ACCESS_WRITE), 0);
	CU_ASSERT_TRUE(wakes(v));
	CU_ASSERT_TRUE(wakes(other));
	CU_ASSERT_TRUE(may_write(LINE));
	tear_down();
}

/* Tables that are made anew know nothing of guards. */
static void test_view_changes(void)
{
	set_up(2);
	put_to_sleep(v, MEMORY_PAM + 0x40);
	memory_pam(vm, gpa(MEMORY_PAM), PAGE_SIZE, true, false);
	CU_ASSERT_EQUAL(vm->memory.guards, 0);
	CU_ASSERT_TRUE(wakes(v));
	monitor(v, MEMORY_PAM + 0x40); /* stores are lost: no RAM any more */
	mwait(v, 0);
	CU_ASSERT_FALSE(v->mwait.waiting);
	put_to_sleep(v, MiB(4));
	poke(MiB(6), 1);
	CU_ASSERT_EQUAL(v->requests, 0);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(MiB(4) + PAGE_SIZE), ACCESS_READ), 0);
	CU_ASSERT_TRUE(wakes(v));
	tear_down();
}

/* ---- Other ends ------------------------------------------------------------------------ */

static void offer_interrupt(void)
{
	host_lock(&vm->lock);
	lapic_mmio_write(&v->lapic, 0xf0, 4, 0x1ff);
	lapic_deliver(&v->lapic, LAPIC_FIXED, 0x40, false);
	host_unlock(&vm->lock);
}

static void test_interrupts(void)
{
	set_up(1);
	put_to_sleep(v, LINE);
	offer_interrupt();
	CU_ASSERT_TRUE(v->requests & REQUEST_IRQ);
	CU_ASSERT_TRUE(sleeps(v)); /* it is masked */
	poke(LINE, 1);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	monitor(v, LINE);
	mwait(v, 1); /* is to end nevertheless */
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_FALSE(v->mwait.waiting);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injections, 0);
	v->regs.rflags |= RFLAGS_IF;
	monitor(v, LINE);
	mwait(v, 0);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injections, 1);
	tear_down();
}

static void test_life(void)
{
	set_up(2);
	put_to_sleep(other, LINE);
	vcpu_request(other, REQUEST_INIT);
	CU_ASSERT_EQUAL(vcpu_step(other), VCPU_BLOCKED);
	CU_ASSERT_FALSE(other->mwait.waiting);
	CU_ASSERT_TRUE(may_write(LINE));
	put_to_sleep(v, LINE);
	vm_pause(vm);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_STOPPED);
	CU_ASSERT_FALSE(v->mwait.waiting);
	vm_start(vm);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	put_to_sleep(v, LINE);
	v->regs.rflags &= ~RFLAGS_IF;
	vm_check_halted(vm); /* a store could wake it */
	CU_ASSERT_EQUAL(vm->state, VM_RUNNING);
	tear_down();
}

/* A CPU that is halted for ever is so with a flush to do, too. */
static void test_halted_for_ever(void)
{
	set_up(2);
	other->state.activity = ACTIVITY_HALT;
	other->regs.rflags &= ~RFLAGS_IF;
	put_to_sleep(v, LINE);
	CU_ASSERT_EQUAL(other->requests, REQUEST_FLUSH);
	poke(LINE, 1);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	v->state.activity = ACTIVITY_HALT;
	v->requests = 0;
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_BLOCKED);
	CU_ASSERT_EQUAL(vm->state, VM_HALTED);
	tear_down();
}

static void test_timeout(void)
{
	set_up(1);
	v->regs.r[REG_RAX] = LINE;
	v->regs.r[REG_RCX] = 0;
	exit_of(v, A_MONITORX);
	v->regs.r[REG_RCX] = 2;
	v->regs.r[REG_RBX] = 5000; /* ticks of 1 ns */
	exit_of(v, A_MWAITX);
	CU_ASSERT_TRUE(sleeps(v));
	fake_host_run(4000);
	CU_ASSERT_TRUE(sleeps(v));
	fake_host_run(2000);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	v->regs.r[REG_RCX] = 0;
	exit_of(v, A_MONITORX);
	v->regs.r[REG_RCX] = 2;
	exit_of(v, A_MWAITX);
	poke(LINE, 9);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_FALSE(v->mwait.timeout.armed);
	tear_down();
}

void test_mwait_register(void)
{
	CU_pSuite suite = CU_add_suite("mwait", NULL, NULL);

	CU_add_test(suite, "faults", test_faults);
	CU_add_test(suite, "who may wait", test_who_may);
	CU_add_test(suite, "code changed meanwhile", test_code_changed);
	CU_add_test(suite, "MWAIT without MONITOR", test_not_armed);
	CU_add_test(suite, "a store faults and wakes", test_store_faults);
	CU_add_test(suite, "a store before MWAIT", test_store_before);
	CU_add_test(suite, "a store before the flush", test_store_unseen);
	CU_add_test(suite, "who sleeps is not kicked", test_sleeper_is_not_kicked);
	CU_add_test(suite, "an emulated store", test_emulated_store);
	CU_add_test(suite, "a device's store", test_device_store);
	CU_add_test(suite, "two lines of a page", test_two_on_a_page);
	CU_add_test(suite, "memory that changes", test_view_changes);
	CU_add_test(suite, "interrupts, masked or not", test_interrupts);
	CU_add_test(suite, "INIT, pause, halt", test_life);
	CU_add_test(suite, "halted for ever", test_halted_for_ever);
	CU_add_test(suite, "MWAITX with a time", test_timeout);
}
