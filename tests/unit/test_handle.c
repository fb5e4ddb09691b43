/*
 * test_handle.c - the answers to exits that change the CPU: control registers, XSETBV, hypercalls
 *
 * Owns: what handle_exit makes of an exit, with operands told by the CPU or decoded by us.
 */
#include "machine.h"

#include "fake_virt.h"
#include "vm/handle.h"

void test_handle_register(void);

#define CODE 0x8000ull

static struct vm *vm;
static struct vcpu *v;

static int begin(void)
{
	vm = fake_vm_make(MiB(8), 1);
	v = vm->vcpu[0];
	return 0;
}

static int end(void)
{
	fake_vm_free(vm);
	return 0;
}

/* An exit of that reason at the instruction, whose operands are for us to find. */
static void exit_at(enum exit_reason reason, const u8 *bytes, unsigned len)
{
	check(memory_write(vm, gpa(CODE), bytes, len) == 0);
	v->regs.rip = CODE;
	v->exit = (struct vm_exit){ .reason = (u8)reason };
	handle_exit(v);
}
#define EXIT_AT(reason, ...)                                                                       \
	exit_at(reason, (const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

static void expect_done(unsigned len)
{
	CU_ASSERT_EQUAL(v->exit.outcome, OUTCOME_DONE);
	CU_ASSERT_EQUAL(v->exit.insn_len, len);
	CU_ASSERT_EQUAL(v->raised.type, EVENT_NONE);
}

static void expect_raised(u8 vector)
{
	CU_ASSERT_EQUAL(v->exit.outcome, OUTCOME_NONE);
	CU_ASSERT_EQUAL(v->raised.type, EVENT_EXCEPTION);
	CU_ASSERT_EQUAL(v->raised.vector, vector);
	v->raised.type = EVENT_NONE;
}

/* SYSENTER in 64-bit mode, of which KVM on AMD's CPUs says that it cannot emulate it. */
static void test_emulator_gave_up(void)
{
	fake_mode_long(v);
	EXIT_AT(EXIT_EMULATE, 0x0f, 0x34);
	expect_raised(VECTOR_UD);
	CU_ASSERT_NOT_EQUAL(vm->state, VM_DEAD);
}

static void test_refused_values(void)
{
	fake_mode_flat32(v);
	v->regs.r[REG_RBX] = CR0_PG;	    /* without PE */
	EXIT_AT(EXIT_CR, 0x0f, 0x22, 0xc3); /* MOV CR0, EBX */
	expect_raised(VECTOR_GP);
	v->regs.r[REG_RBX] = CR4_VMXE;
	EXIT_AT(EXIT_CR, 0x0f, 0x22, 0xe3);
	expect_raised(VECTOR_GP);
	fake_mode_long(v);
	v->regs.r[REG_RBX] = 16;
	EXIT_AT(EXIT_CR, 0x44, 0x0f, 0x22, 0xc3); /* MOV CR8, RBX */
	expect_raised(VECTOR_GP);
}

static void test_mov_cr(void)
{
	fake_mode_flat32(v);
	v->regs.r[REG_RBX] =
	    0xffffffff00000000 | CR0_PE | CR0_TS; /* the upper half does not count */
	EXIT_AT(EXIT_CR, 0x0f, 0x22, 0xc3);
	expect_done(3);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cr0, CR0_PE | CR0_ET | CR0_TS);
	EXIT_AT(EXIT_CR, 0x0f, 0x20, 0xc7); /* MOV EDI, CR0 */
	expect_done(3);
	CU_ASSERT_EQUAL(v->regs.r[REG_RDI], CR0_PE | CR0_ET | CR0_TS);
	fake_mode_long(v);
	v->regs.r[REG_RBX] = BIT(32) | CR0_PE | CR0_PG; /* here it does */
	EXIT_AT(EXIT_CR, 0x0f, 0x22, 0xc3);
	expect_raised(VECTOR_GP);
	v->regs.r[REG_R9] = 5;
	EXIT_AT(EXIT_CR, 0x45, 0x0f, 0x22, 0xc1); /* MOV CR8, R9 */
	expect_done(4);
	EXIT_AT(EXIT_CR, 0x45, 0x0f, 0x20, 0xc2); /* MOV R10, CR8 */
	expect_done(4);
	CU_ASSERT_EQUAL(v->regs.r[REG_R10], 5);
	EXIT_AT(EXIT_CR, 0xf0, 0x0f, 0x20, 0xc0); /* LOCK MOV EAX, CR0 is CR8, as on AMD */
	expect_done(4);
	CU_ASSERT_EQUAL(v->regs.r[REG_RAX], 5);
	CU_ASSERT_EQUAL(lapic_get_tpr(&v->lapic), 0x50);
}

/* The CPU told the operands. */
static void test_mov_cr_decoded(void)
{
	fake_mode_flat32(v);
	v->regs.r[REG_RSI] = 0x1234500000000000 | CR0_PE | CR0_MP;
	v->exit = (struct vm_exit){ .reason = EXIT_CR,
				    .decoded = true,
				    .insn_len = 3,
				    .cr = { .number = 0, .reg = REG_RSI, .access = CR_WRITE } };
	handle_exit(v);
	expect_done(3);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cr0, CR0_PE | CR0_ET | CR0_MP);
	v->exit = (struct vm_exit){
		.reason = EXIT_CR, .decoded = true, .insn_len = 2, .cr = { .access = CR_CLTS }
	};
	handle_exit(v);
	expect_done(2);
	v->exit = (struct vm_exit){ .reason = EXIT_CR,
				    .decoded = true,
				    .insn_len = 3,
				    .cr = { .access = CR_LMSW, .source = CR0_TS | CR0_EM } };
	handle_exit(v);
	expect_done(3);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cr0, CR0_PE | CR0_ET | CR0_TS | CR0_EM);
}

/* [SDM] LMSW (vol. 2): the low four bits, PE is set but never cleared, the rest stays. */
static void test_lmsw(void)
{
	static const u16 zero = 0;

	fake_mode_real(v);
	v->regs.r[REG_RAX] = 0xfff1 | CR0_MP;
	EXIT_AT(EXIT_CR, 0x0f, 0x01, 0xf0); /* LMSW AX */
	expect_done(3);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cr0 & 0xffff, CR0_PE | CR0_MP | CR0_ET);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cr0 >> 16, (CR0_CD | CR0_NW) >> 16);
	memory_write(vm, gpa(0x9000), &zero, 2);
	v->regs.r[REG_RBX] = 0x9000;
	EXIT_AT(EXIT_CR, 0x0f, 0x01, 0x37); /* LMSW [BX] */
	expect_done(3);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cr0 & 0xffff, CR0_PE | CR0_ET);
	fake_mode_long(v);
	v->regs.r[REG_RBX] = 0x7f0000000000;
	EXIT_AT(EXIT_CR, 0x0f, 0x01, 0x33); /* LMSW [RBX], not mapped */
	expect_raised(VECTOR_PF);
	EXIT_AT(EXIT_CR, 0x0f, 0x06); /* CLTS */
	expect_done(2);
}

static void test_code_gone(void)
{
	fake_mode_long(v);
	v->regs.rip = 0x7f0000000000;
	v->exit = (struct vm_exit){ .reason = EXIT_CPUID };
	handle_exit(v);
	expect_raised(VECTOR_PF);
	EXIT_AT(EXIT_CR, 0x0f, 0x04); /* no instruction any more */
	expect_raised(VECTOR_UD);
	EXIT_AT(EXIT_CR, 0x90);
	CU_ASSERT_EQUAL(v->exit.outcome, OUTCOME_RETRY);
}

/* Such exits are #UD or #GP for the guest, whatever the instruction was. */
static void test_plain_faults(void)
{
	static const struct {
		u8 reason, vector;
	} plain[] = {
		{ EXIT_VM_INSN, VECTOR_UD },
		{ EXIT_INSN, VECTOR_UD },
		{ EXIT_RDPMC, VECTOR_GP },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(plain); i++) {
		fake_mode_flat32(v);
		v->exit = (struct vm_exit){ .reason = plain[i].reason };
		handle_exit(v);
		expect_raised(plain[i].vector);
	}
}

static void test_exception(void)
{
	fake_mode_flat32(v);
	v->exit = (struct vm_exit){ .reason = EXIT_EXCEPTION,
				    .exception = { .vector = VECTOR_PF,
						   .has_error = true,
						   .error = 2,
						   .address = 0x4000 } };
	handle_exit(v);
	CU_ASSERT_EQUAL(v->raised.error, 2);
	CU_ASSERT_EQUAL(v->raised.cr2, 0x4000);
	expect_raised(VECTOR_PF);
}

struct xsetbv {
	u64 value;
	u32 index;
	u8 cpl;
	bool osxsave;
	u8 vector; /* 0: accepted */
};

static void test_xsetbv(void)
{
	static const struct xsetbv cases[] = {
		{ XCR0_X87, 0, 0, false, VECTOR_UD },
		{ XCR0_X87, 0, 0, true, 0 },
		{ XCR0_X87 | XCR0_SSE, 0, 0, true, 0 },
		{ XCR0_X87 | XCR0_SSE | XCR0_AVX, 0, 0, true, 0 },
		{ XCR0_X87 | XCR0_AVX, 0, 0, true, VECTOR_GP },
		{ XCR0_SSE, 0, 0, true, VECTOR_GP },
		{ 0, 0, 0, true, VECTOR_GP },
		{ XCR0_X87, 1, 0, true, VECTOR_GP },
		{ XCR0_X87, 0, 3, true, VECTOR_GP },
		{ XCR0_X87 | BIT(62), 0, 0, true, VECTOR_GP },
		{ XCR0_X87 | XCR0_BNDREGS, 0, 0, true, VECTOR_GP },
		{ XCR0_X87 | XCR0_SSE | XCR0_AVX | BIT(5), 0, 0, true, VECTOR_GP },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct xsetbv *c = &cases[i];

		fake_mode_flat32(v);
		v->state.cr4 = c->osxsave ? CR4_OSXSAVE : 0;
		v->state.cpl = c->cpl;
		fake_vcpu_settle(v);
		v->regs.r[REG_RAX] = 0xabcd00000000 | (u32)c->value;
		v->regs.r[REG_RDX] = 0xabcd00000000 | c->value >> 32;
		v->regs.r[REG_RCX] = c->index;
		v->exit = (struct vm_exit){ .reason = EXIT_XSETBV, .insn_len = 3 };
		handle_exit(v);
		if (c->vector) {
			expect_raised(c->vector);
			CU_ASSERT_EQUAL(fake_vcpu(v)->truth.xcr0, XCR0_X87);
		} else {
			expect_done(3);
			CU_ASSERT_EQUAL(fake_vcpu(v)->truth.xcr0, c->value);
		}
	}
}

static void hypercall(u64 number)
{
	v->regs.r[REG_RAX] = number;
	v->exit = (struct vm_exit){ .reason = EXIT_HYPERCALL, .insn_len = 3 };
	handle_exit(v);
}

static void test_hypercall(void)
{
	fake_mode_flat32(v);
	vm->cpuid.hypervisor = false; /* then there is nobody to call */
	hypercall(HYPERCALL_VERSION);
	expect_raised(VECTOR_UD);
	vm->cpuid.hypervisor = true;
	hypercall(HYPERCALL_VERSION);
	expect_done(3);
	CU_ASSERT_EQUAL(v->regs.r[REG_RAX], HYPERCALL_CURRENT_VERSION);
	hypercall(0x123456789);
	expect_done(3);
	CU_ASSERT_EQUAL(v->regs.r[REG_RAX], HYPERCALL_UNKNOWN);
}

static void port_call(u64 rax, u32 written, unsigned size)
{
	v->regs.r[REG_RAX] = rax;
	v->exit = (struct vm_exit){ .reason = EXIT_IO, .insn_len = 2 };
	v->exit.io.port = HYPERCALL_PORT;
	v->exit.io.size = (u8)size;
	v->exit.io.value = written;
	handle_exit(v);
	expect_done(2);
}

/* The same calls by a port, if there is a hypervisor to call; nothing else there is one. */
static void test_port_call(void)
{
	fake_mode_flat32(v);
	vm->cpuid.hypervisor = true;
	port_call(HYPERCALL_VERSION, HYPERCALL_VERSION, 4);
	CU_ASSERT_EQUAL(v->regs.r[REG_RAX], HYPERCALL_CURRENT_VERSION);
	port_call(0x123456789, 0x23456789, 4);
	CU_ASSERT_EQUAL(v->regs.r[REG_RAX], HYPERCALL_UNKNOWN);
	port_call(BIT(32) | HYPERCALL_VERSION, HYPERCALL_VERSION, 4); /* all of RAX is the number */
	CU_ASSERT_EQUAL(v->regs.r[REG_RAX], HYPERCALL_UNKNOWN);
	port_call(HYPERCALL_VERSION, HYPERCALL_VERSION, 2);
	CU_ASSERT_EQUAL(v->regs.r[REG_RAX], HYPERCALL_VERSION);
	port_call(HYPERCALL_VERSION, 7, 4); /* OUTS, of which KVM says no more than that */
	CU_ASSERT_EQUAL(v->regs.r[REG_RAX], HYPERCALL_VERSION);
	v->exit = (struct vm_exit){ .reason = EXIT_IO, .insn_len = 2 };
	v->exit.io.port = HYPERCALL_PORT;
	v->exit.io.size = 4;
	v->exit.io.in = true;
	handle_exit(v);
	CU_ASSERT_EQUAL(v->exit.io.value, ~0u);
	vm->cpuid.hypervisor = false;
	port_call(HYPERCALL_VERSION, HYPERCALL_VERSION, 4);
	CU_ASSERT_EQUAL(v->regs.r[REG_RAX], HYPERCALL_VERSION);
}

/* The trace of the long way says what that of the short way does: leaf, or number. */
static void test_trace(void)
{
	fake_mode_flat32(v);
	vm->cpuid.hypervisor = true;
	for (unsigned i = 0; i < 3 * trace_size(&v->trace); i++) {
		trace_leave(&v->trace, 1, 2, 0, EXIT_CPUID);
		v->regs.r[REG_RAX] = 0xffffffff00000000 | i % 5;
		v->exit = (struct vm_exit){ .reason = EXIT_CPUID, .insn_len = 2 };
		handle_exit(v);
		CU_ASSERT_EQUAL(trace_get(&v->trace, 0)->info, i % 5);
	}
	trace_leave(&v->trace, 1, 2, 0, EXIT_HYPERCALL);
	hypercall(77);
	CU_ASSERT_EQUAL(trace_get(&v->trace, 0)->info, 77);
}

/* [SDM] "Single-Stepping on Branches" (18.4.3): with BTF, only a branch is a step. */
static void test_single_step(void)
{
	for (unsigned btf = 0; btf < 2; btf++) {
		fake_mode_flat32(v);
		v->state.debugctl = btf ? BIT(1) : 0;
		fake_vcpu_settle(v);
		v->regs.rflags |= RFLAGS_TF;
		v->exit = (struct vm_exit){ .reason = EXIT_CPUID, .insn_len = 2 };
		handle_exit(v);
		CU_ASSERT_EQUAL(v->raised.type, btf ? EVENT_NONE : EVENT_EXCEPTION);
		v->raised.type = EVENT_NONE;
	}
	v->regs.rflags &= ~RFLAGS_TF;
}

/* A nested fault on RAM is no instruction's affair. */
static void test_memory(void)
{
	fake_mode_flat32(v);
	v->exit = (struct vm_exit){ .reason = EXIT_MEMORY, .memory = { .gpa = { MiB(6) } } };
	v->regs.rflags |= RFLAGS_TF;
	handle_exit(v);
	CU_ASSERT_EQUAL(v->exit.outcome, OUTCOME_RETRY);
	CU_ASSERT_EQUAL(v->raised.type, EVENT_NONE);
}

void test_handle_register(void)
{
	CU_pSuite suite = CU_add_suite("handle", begin, end);

	CU_add_test(suite, "what KVM's emulator gave up", test_emulator_gave_up);
	CU_add_test(suite, "values that are refused", test_refused_values);
	CU_add_test(suite, "code that is gone", test_code_gone);
	CU_add_test(suite, "what is #UD or #GP", test_plain_faults);
	CU_add_test(suite, "MOV CR", test_mov_cr);
	CU_add_test(suite, "MOV CR, operands told", test_mov_cr_decoded);
	CU_add_test(suite, "LMSW and CLTS", test_lmsw);
	CU_add_test(suite, "an intercepted exception", test_exception);
	CU_add_test(suite, "XSETBV", test_xsetbv);
	CU_add_test(suite, "hypercalls", test_hypercall);
	CU_add_test(suite, "hypercalls by a port", test_port_call);
	CU_add_test(suite, "what the trace says", test_trace);
	CU_add_test(suite, "single step, and BTF", test_single_step);
	CU_add_test(suite, "nested fault on RAM", test_memory);
}
