/*
 * test_vcpu.c - the loop that runs a vCPU: requests, completion, accounts
 */
#include "machine.h"

#include "fake_virt.h"
#include "vm/handle.h"

void test_vcpu_register(void);

/* A guest that makes scripted exits, one at each entry, then wants nothing more. */
struct script {
	struct vm_exit exit[8];
	struct event interrupted[8];
	unsigned count, next;
	u32 request; /* somebody asks for this while the guest runs */
	u64 rip[8];  /* as found at each entry */
};

static void scripted(struct vcpu *v)
{
	struct script *s = fake_vcpu(v)->ctx;

	fake_host.tsc += 100;
	CU_ASSERT_TRUE(v->in_guest);
	if (s->next == s->count)
		return;
	s->rip[s->next] = v->regs.rip;
	v->exit = s->exit[s->next];
	v->state.interrupted = s->interrupted[s->next];
	if (s->request)
		v->requests |= s->request;
	s->request = 0;
	s->next++;
}

static struct vcpu *set_up(struct vm *vm, struct script *s)
{
	struct vcpu *v = vm->vcpu[0];

	fake_mode_flat32(v);
	fake_vcpu(v)->guest = scripted;
	fake_vcpu(v)->ctx = s;
	v->regs.rip = 0x1000;
	return v;
}

/* ---- Unhappy guests --------------------------------------------------------------- */

struct death {
	u8 reason;
	const char *cause;
};

static void test_deaths(void)
{
	static const struct death deaths[] = {
		{ EXIT_SHUTDOWN, "triple fault of vCPU 0 at rip 0x1000" },
		{ EXIT_UNKNOWN, "unknown exit 0x4d (FAKE_77) at rip 0x1000" },
		{ EXIT_NONE, "unknown exit 0x4d" },
		{ EXIT_INIT, "unknown exit 0x4d" },
		{ EXIT_DR, "unknown exit 0x4d" },
		{ EXIT_REFUSED, "entry refused by the CPU (FAKE_77), 1 rules broken" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(deaths); i++) {
		struct script s = { .exit = { { .reason = deaths[i].reason, .raw = 77 } },
				    .count = 1 };
		struct vm *vm = fake_vm_make(MiB(4), 1);
		struct vcpu *v = set_up(vm, &s);

		CU_ASSERT_EQUAL(vcpu_step(v), VCPU_STOPPED);
		CU_ASSERT_EQUAL(vm->state, VM_DEAD);
		if (!strstr(vm->cause, deaths[i].cause))
			printf("\n\"%s\" lacks \"%s\"\n", vm->cause, deaths[i].cause);
		CU_ASSERT_PTR_NOT_NULL(strstr(vm->cause, deaths[i].cause));
		CU_ASSERT_EQUAL(fake_vcpu(v)->entries, 1);
		CU_ASSERT_EQUAL(vcpu_step(v), VCPU_STOPPED); /* it stays dead */
		CU_ASSERT_EQUAL(fake_vcpu(v)->entries, 1);
		CU_ASSERT_FALSE(v->in_guest);
		if (deaths[i].reason == EXIT_REFUSED)
			CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "CR0.PG is 1"));
		fake_vm_free(vm);
	}
}

/* The delivery of an event touched what is no RAM: the instruction at RIP has no part in it. */
static void test_delivery_to_device_memory(void)
{
	static const u8 store[] = { 0xa2, 0x00, 0x00, 0x00, 0xe0 }; /* MOV [0xe0000000], AL */
	struct script s = {
		.exit = { { .reason = EXIT_MEMORY,
			    .memory = { .gpa = { 0xe0000000 }, .access = ACCESS_WRITE } } },
		.interrupted = { { .type = EVENT_INTR, .vector = 0x30 } },
		.count = 1,
	};
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = set_up(vm, &s);

	v->regs.rflags |= RFLAGS_IF;
	memory_write(vm, gpa(0x1000), store, sizeof(store));
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_STOPPED);
	CU_ASSERT_EQUAL(vm->state, VM_DEAD);
	CU_ASSERT_PTR_NOT_NULL(strstr(vm->cause, "vector 48"));
	CU_ASSERT_PTR_NOT_NULL(strstr(vm->cause, "0xe0000000"));
	fake_vm_free(vm);
}

/* ---- Requests ----------------------------------------------------------------------- */

static void test_host_interrupt(void)
{
	struct script s = { .exit = { { .reason = EXIT_HOST } }, .count = 1 };
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = set_up(vm, &s);

	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(v)->entries, 1);
	CU_ASSERT_FALSE(v->in_guest);
	CU_ASSERT_FALSE(host_locked(&vm->lock));
	fake_vm_free(vm);
}

static void test_stop(void)
{
	struct script s = { .count = 0 };
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = set_up(vm, &s);

	vm_pause(vm);
	CU_ASSERT(v->requests & REQUEST_STOP);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_STOPPED);
	CU_ASSERT_EQUAL(fake_vcpu(v)->entries, 0);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_STOPPED); /* never in, as long as it does not run */
	vm_start(vm);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(v)->entries, 1);
	fake_vm_free(vm);
}

/* Paused while it runs: the exit in hand is completed, then it leaves. */
static void pauses(struct vcpu *v)
{
	fake_vcpu(v)->guest = NULL;
	vm_pause(v->vm);
	v->exit = (struct vm_exit){ .reason = EXIT_CPUID, .insn_len = 2 };
}

static void test_completed_before_stop(void)
{
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = set_up(vm, NULL);

	fake_vcpu(v)->guest = pauses;
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_STOPPED);
	CU_ASSERT_EQUAL(v->regs.rip, 0x1002);
	CU_ASSERT_EQUAL(v->exit.outcome, OUTCOME_NONE);
	fake_vm_free(vm);
}

/* INIT finds the exit in hand completed: its RIP is not moved on behind it. */
static void test_completed_before_init(void)
{
	struct script s = { .exit = { { .reason = EXIT_PAUSE, .insn_len = 2 },
				      { .reason = EXIT_HOST } },
			    .count = 2,
			    .request = REQUEST_INIT };
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = set_up(vm, &s);

	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_EQUAL(s.rip[1], 0xfff0);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.seg[SEG_CS].base, 0xffff0000);
	fake_vm_free(vm);
}

static void test_flush(void)
{
	struct script s = { .exit = { { .reason = EXIT_PAUSE, .insn_len = 2 } },
			    .count = 1,
			    .request = REQUEST_FLUSH };
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = set_up(vm, &s);
	struct event fault;

	memory_write(vm, gpa(0x1000), "\xf3\x90", 2); /* PAUSE */
	CU_ASSERT_PTR_NOT_NULL(fetch_insn(v, &fault));
	CU_ASSERT_PTR_NOT_NULL(fetch_insn(v, &fault));
	CU_ASSERT_EQUAL(v->fetch.misses, 1);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(v)->flushes, 1);
	CU_ASSERT_EQUAL(fake_vcpu(v)->entries, 2);
	v->regs.rip = 0x1000;
	CU_ASSERT_PTR_NOT_NULL(fetch_insn(v, &fault));
	CU_ASSERT_EQUAL(v->fetch.misses, 2); /* forgotten */
	CU_ASSERT_EQUAL(v->requests, 0);
	fake_vm_free(vm);
}

static void test_nmi_request(void)
{
	struct script s = { .count = 0 };
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = set_up(vm, &s);

	fake_host.kicks = 0;
	vcpu_request(v, REQUEST_NMI);
	CU_ASSERT_EQUAL(fake_host.kicks, 1);
	CU_ASSERT_PTR_EQUAL(fake_host.kicked, v);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injections, 1);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injected[0].type, EVENT_NMI);
	fake_vm_free(vm);
}

static void test_halt_and_wake(void)
{
	struct script s = { .exit = { { .reason = EXIT_HLT, .insn_len = 1 } }, .count = 1 };
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = set_up(vm, &s);

	v->regs.rflags |= RFLAGS_IF;
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_BLOCKED);
	CU_ASSERT_EQUAL(v->state.activity, ACTIVITY_HALT);
	CU_ASSERT_EQUAL(v->regs.rip, 0x1001);
	CU_ASSERT_EQUAL(v->requests, 0);	     /* else the scheduler would not let it rest */
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_BLOCKED); /* a kick without a reason */
	CU_ASSERT_EQUAL(fake_vcpu(v)->entries, 1);
	host_lock(&vm->lock);
	lapic_deliver(&v->lapic, LAPIC_FIXED, 0x51, false);
	host_unlock(&vm->lock);
	CU_ASSERT_EQUAL(vm->state, VM_RUNNING);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injected[0].vector, 0x51);
	fake_vm_free(vm);
}

static void test_halt_for_ever(void)
{
	struct script s = { .exit = { { .reason = EXIT_HLT, .insn_len = 1 } }, .count = 1 };
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = set_up(vm, &s);

	vm->vcpu[0]->lapic.lvt[LAPIC_LVT_LINT0] = BIT(16);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_BLOCKED);
	CU_ASSERT_EQUAL(vm->state, VM_HALTED);
	CU_ASSERT_EQUAL(fake_host.ended, 1);
	fake_vm_free(vm);
}

static void test_init_sipi(void)
{
	struct script s = { .count = 0 };
	struct vm *vm = fake_vm_make(MiB(4), 2);
	struct vcpu *ap = vm->vcpu[1];

	fake_vcpu(ap)->guest = scripted;
	fake_vcpu(ap)->ctx = &s;
	virt->load(ap);
	CU_ASSERT_EQUAL(vcpu_step(ap), VCPU_BLOCKED);
	vcpu_request(ap, REQUEST_WAKE | REQUEST_IRQ | REQUEST_NMI);
	CU_ASSERT_EQUAL(vcpu_step(ap), VCPU_BLOCKED); /* nothing but SIPI starts it */
	ap->nmi_pending = false;
	ap->sipi_vector = 0x9a;
	vcpu_request(ap, REQUEST_SIPI);
	CU_ASSERT_EQUAL(vcpu_step(ap), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(ap)->truth.seg[SEG_CS].selector, 0x9a00);
	CU_ASSERT_EQUAL(fake_vcpu(ap)->truth.seg[SEG_CS].base, 0x9a000);
	CU_ASSERT_EQUAL(ap->regs.rip, 0);
	ap->sipi_vector = 0x10; /* the second SIPI of the old protocol */
	vcpu_request(ap, REQUEST_SIPI);
	CU_ASSERT_EQUAL(vcpu_step(ap), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(ap)->truth.seg[SEG_CS].base, 0x9a000);
	ap->raised = (struct event){ .type = EVENT_EXCEPTION, .vector = VECTOR_UD };
	vcpu_request(ap, REQUEST_INIT); /* back to the start, whatever was going on */
	CU_ASSERT_EQUAL(vcpu_step(ap), VCPU_BLOCKED);
	CU_ASSERT_EQUAL(ap->state.activity, ACTIVITY_WAIT_SIPI);
	vcpu_request(ap, REQUEST_INIT | REQUEST_SIPI); /* both at once: INIT comes first */
	CU_ASSERT_EQUAL(vcpu_step(ap), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(ap)->truth.seg[SEG_CS].base, 0x10000);
	CU_ASSERT_EQUAL(fake_vcpu(ap)->injections, 0);
	fake_vm_free(vm);
}

/* Messages that follow each other before the CPU looks at them. */
static void test_init_sipi_order(void)
{
	struct script s = { .count = 0 };
	struct vm *vm = fake_vm_make(MiB(4), 2);
	struct vcpu *ap = vm->vcpu[1];

	fake_vcpu(ap)->guest = scripted;
	fake_vcpu(ap)->ctx = &s;
	virt->load(ap);
	ap->lapic.ops->event(ap, LAPIC_INIT, 0);
	ap->lapic.ops->event(ap, LAPIC_SIPI, 0x9a);
	ap->lapic.ops->event(ap, LAPIC_SIPI, 0x10);
	CU_ASSERT_EQUAL(vcpu_step(ap), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(ap)->truth.seg[SEG_CS].base, 0x9a000); /* the first counts */
	ap->lapic.ops->event(ap, LAPIC_SIPI, 0x10); /* it runs: lost */
	ap->lapic.ops->event(ap, LAPIC_NMI, 0);
	ap->lapic.ops->event(ap, LAPIC_INIT, 0);
	CU_ASSERT_EQUAL(vcpu_step(ap), VCPU_BLOCKED);
	CU_ASSERT_EQUAL(ap->state.activity, ACTIVITY_WAIT_SIPI);
	CU_ASSERT(!ap->nmi_pending);
	ap->lapic.ops->event(ap, LAPIC_SIPI, 0x20);
	ap->lapic.ops->event(ap, LAPIC_INIT, 0); /* that SIPI came to nothing */
	CU_ASSERT_EQUAL(vcpu_step(ap), VCPU_BLOCKED);
	ap->lapic.ops->event(ap, LAPIC_SIPI, 0x30);
	CU_ASSERT_EQUAL(vcpu_step(ap), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(ap)->truth.seg[SEG_CS].base, 0x30000);
	fake_vm_free(vm);
}

/* ---- Completion ------------------------------------------------------------------------- */

static void test_answers(void)
{
	struct script s = {
		.exit = {
			{ .reason = EXIT_IO, .insn_len = 2,
			  .io = { .port = 0x1234, .size = 2, .in = true } },
			{ .reason = EXIT_PAUSE, .insn_len = 2 },
			{ .reason = EXIT_INSN, .insn_len = 2 }, /* #UD */
		},
		.count = 3,
	};
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = set_up(vm, &s);

	v->regs.r[REG_RAX] = 0x1111111122222222;
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_EQUAL(v->regs.r[REG_RAX], 0x111111112222ffff);
	CU_ASSERT_EQUAL(s.rip[0], 0x1000);
	CU_ASSERT_EQUAL(s.rip[1], 0x1002);
	CU_ASSERT_EQUAL(s.rip[2], 0x1004);
	CU_ASSERT_EQUAL(v->regs.rip, 0x1004); /* a fault points at its instruction */
	CU_ASSERT_EQUAL(fake_vcpu(v)->injected[0].vector, VECTOR_UD);
	fake_vm_free(vm);
}

/* TF: one trap behind each instruction that was carried out for the guest. */
static void test_single_step(void)
{
	struct script s = {
		.exit = { { .reason = EXIT_PAUSE, .insn_len = 2 } },
		.count = 1,
	};
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = set_up(vm, &s);

	v->regs.rflags |= RFLAGS_TF;
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injections, 1);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injected[0].vector, VECTOR_DB);
	CU_ASSERT_EQUAL(v->regs.rip, 0x1002);
	CU_ASSERT(fake_vcpu(v)->truth.dr[6] & DR6_BS);
	fake_vm_free(vm);
}

static void test_interrupted_is_delivered_again(void)
{
	struct script s = {
		.exit = { { .reason = EXIT_HOST } },
		.interrupted = { { .type = EVENT_SOFT_INT, .vector = 0x80, .insn_len = 2 } },
		.count = 1,
	};
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = set_up(vm, &s);

	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injections, 0);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injections, 1);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injected[0].vector, 0x80);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injected[0].insn_len, 2);
	fake_vm_free(vm);
}

/*
 * MOV CR decoded by us from memory that another vCPU of the guest has changed since the exit: no
 * register that the architecture does not have may get through to a panic.
 */
static void test_cr_code_changed(void)
{
	static const u8 codes[][3] = {
		{ 0x0f, 0x22, 0xd0 }, /* MOV CR2, EAX */
		{ 0x0f, 0x22, 0xc8 }, /* MOV CR1, EAX */
		{ 0x0f, 0x22, 0xf8 }, /* MOV CR7, EAX */
		{ 0x0f, 0x20, 0xe8 }, /* MOV EAX, CR5 */
		{ 0x90, 0x90, 0x90 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(codes); i++) {
		struct script s = { .exit = { { .reason = EXIT_CR } }, .count = 1 };
		struct vm *vm = fake_vm_make(MiB(4), 1);
		struct vcpu *v = set_up(vm, &s);

		memory_write(vm, gpa(0x1000), codes[i], sizeof(codes[i]));
		CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
		CU_ASSERT_EQUAL(vm->state, VM_RUNNING);
		fake_vm_free(vm);
	}
}

/* ---- Accounts ---------------------------------------------------------------------------- */

static void test_accounts(void)
{
	struct script s = {
		.exit = { { .reason = EXIT_PAUSE, .insn_len = 2, .raw = 5 },
			  { .reason = EXIT_PAUSE, .insn_len = 2, .raw = 6 },
			  { .reason = EXIT_CACHE, .insn_len = 2, .raw = 0xffffffff } },
		.count = 3,
	};
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = set_up(vm, &s);
	const struct trace_entry *e;

	fake_host.tsc_step = 1;
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_EQUAL(v->exits[EXIT_PAUSE], 2);
	CU_ASSERT_EQUAL(v->exits[EXIT_CACHE], 1);
	CU_ASSERT_EQUAL(v->exits[EXIT_HOST], 1);
	CU_ASSERT_EQUAL(v->guest_tsc, 4 * 101); /* four stays of 100 ticks and a reading */
	CU_ASSERT(v->monitor_tsc >= 4 && v->monitor_tsc < 40);
	e = trace_get(&v->trace, 0);
	CU_ASSERT_EQUAL(trace_reason(e), EXIT_HOST);
	CU_ASSERT_EQUAL(e->rip, 0x1006);
	CU_ASSERT(e->left > e->entered);
	e = trace_get(&v->trace, 1);
	CU_ASSERT_EQUAL(trace_reason(e), EXIT_CACHE);
	CU_ASSERT_EQUAL(e->head >> 32, 0xffffffff);
	CU_ASSERT_EQUAL(e->rip, 0x1004);
	CU_ASSERT(e->entered > trace_get(&v->trace, 2)->left);
	CU_ASSERT_PTR_NOT_NULL(trace_get(&v->trace, 3));
	CU_ASSERT_PTR_NULL(trace_get(&v->trace, 4));
	fake_host.tsc += 1000000; /* not ours: others ran */
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT(v->guest_tsc + v->monitor_tsc < 1000);
	CU_ASSERT(e->left < trace_get(&v->trace, 0)->left);
	fake_vm_free(vm);
}

/* State is fetched once after an exit, and only what is asked for. */
static void test_fresh_state(void)
{
	struct script s = { .count = 0 };
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = set_up(vm, &s);
	unsigned gets;

	vcpu_step(v);
	gets = fake_vcpu(v)->gets;
	CU_ASSERT_EQUAL(vcpu_state(v, STATE_EXEC)->cr0, CR0_PE | CR0_ET);
	vcpu_state(v, STATE_EXEC);
	CU_ASSERT_EQUAL(fake_vcpu(v)->gets, gets + 1);
	CU_ASSERT_NOT_EQUAL(v->state.dr[7], DR7_FIXED); /* nobody asked: stale */
	vcpu_state(v, STATE_EXEC | STATE_DR);
	CU_ASSERT_EQUAL(v->state.dr[7], DR7_FIXED);
	fake_vm_free(vm);
}

void test_vcpu_register(void)
{
	CU_pSuite suite = CU_add_suite("vcpu", NULL, NULL);

	CU_add_test(suite, "exits that end the VM", test_deaths);
	CU_add_test(suite, "event delivery through device memory", test_delivery_to_device_memory);
	CU_add_test(suite, "code changed behind a MOV CR", test_cr_code_changed);
	CU_add_test(suite, "host interrupt", test_host_interrupt);
	CU_add_test(suite, "stop and go", test_stop);
	CU_add_test(suite, "completed before it stops", test_completed_before_stop);
	CU_add_test(suite, "completed before INIT", test_completed_before_init);
	CU_add_test(suite, "flush", test_flush);
	CU_add_test(suite, "NMI", test_nmi_request);
	CU_add_test(suite, "halt and wake", test_halt_and_wake);
	CU_add_test(suite, "halted for ever", test_halt_for_ever);
	CU_add_test(suite, "INIT and SIPI", test_init_sipi);
	CU_add_test(suite, "INIT and SIPI without a pause", test_init_sipi_order);
	CU_add_test(suite, "answers reach registers", test_answers);
	CU_add_test(suite, "single step over what is emulated", test_single_step);
	CU_add_test(suite, "a cut delivery is taken up", test_interrupted_is_delivered_again);
	CU_add_test(suite, "accounts and trace", test_accounts);
	CU_add_test(suite, "state is fetched on demand", test_fresh_state);
}
