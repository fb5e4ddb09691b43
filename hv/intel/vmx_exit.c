/*
 * vmx_exit.c - what a VM exit means
 *
 * Owns: exit reasons and qualifications, turned into struct vm_exit; interruption
 * information, turned into struct event and back; NMIs and machine checks of the host.
 * Must not know: what is done about an exit.
 *
 * Sources: [SDM] "VMX Basic Exit Reasons" (appendix C), "Recording VM-Exit Information and
 * Updating VM-Entry Control Fields" (28.2), "NMI unblocking due to IRET" (28.2.3).
 */
#include "intel/vmx.h"

#include "vm/fast.h"

/* ---- Events ------------------------------------------------------------------ */

struct event vmx_event(u64 info, u64 error, u64 length)
{
	static const u8 types[] = {
		[INTR_TYPE_EXTERNAL] = EVENT_INTR,
		[INTR_TYPE_NMI] = EVENT_NMI,
		[INTR_TYPE_HARD_EXCEPTION] = EVENT_EXCEPTION,
		[INTR_TYPE_SOFT_INT] = EVENT_SOFT_INT,
		[INTR_TYPE_PRIVILEGED_SOFT] = EVENT_ICEBP,
		[INTR_TYPE_SOFT_EXCEPTION] = EVENT_SOFT_EXCEPTION,
		[INTR_TYPE_OTHER] = EVENT_NONE,
	};
	struct event event = { .type = EVENT_NONE };

	if (!(info & INTR_VALID))
		return event;
	event.type = types[(info & INTR_TYPE) >> INTR_TYPE_SHIFT];
	event.vector = info & INTR_VECTOR;
	event.has_error = info & INTR_ERROR_CODE;
	if (event.has_error)
		event.error = (u32)error;
	if (event.type >= EVENT_SOFT_INT)
		event.insn_len = (u8)length;
	return event;
}

u32 vmx_event_info(const struct event *event, bool protected_mode)
{
	static const u8 types[] = {
		[EVENT_INTR] = INTR_TYPE_EXTERNAL,
		[EVENT_NMI] = INTR_TYPE_NMI,
		[EVENT_EXCEPTION] = INTR_TYPE_HARD_EXCEPTION,
		[EVENT_SOFT_INT] = INTR_TYPE_SOFT_INT,
		[EVENT_SOFT_EXCEPTION] = INTR_TYPE_SOFT_EXCEPTION,
		[EVENT_ICEBP] = INTR_TYPE_PRIVILEGED_SOFT,
	};
	u32 info = INTR_VALID | (u32)types[event->type] << INTR_TYPE_SHIFT | event->vector;

	/* No error codes in real mode. */
	if (event->has_error && protected_mode)
		info |= INTR_ERROR_CODE;
	return info;
}

/*
 * The delivery of an event may have been cut short by this exit; instructions that exit
 * by themselves never do that, so only the others ask.
 */
static void read_interrupted(struct intel_vcpu *iv)
{
	u64 info = vmread(VMCS_IDT_VECTORING_INFO), error = 0, length = 0, blocking;

	if (likely(!(info & INTR_VALID)))
		return;
	if (info & INTR_ERROR_CODE)
		error = vmread(VMCS_IDT_VECTORING_ERROR_CODE);
	length = vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
	iv->vcpu.state.interrupted = vmx_event(info, error, length);
	if (iv->vcpu.state.interrupted.type != EVENT_NMI)
		return;
	/* An NMI that is to be delivered again must not be blocked by itself. */
	blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY);
	vmwrite(VMCS_GUEST_INTERRUPTIBILITY, blocking & ~INTERRUPTIBILITY_NMI);
}

/*
 * An IRET unblocked NMIs and then met this exit: it will run again, and until then they are
 * blocked.  (Not so for a fault that the guest is to get: the IRET is over then.)
 */
static void block_nmi_again(struct intel_vcpu *iv)
{
	if (iv->vcpu.state.interrupted.type == EVENT_NONE)
		vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
			vmread(VMCS_GUEST_INTERRUPTIBILITY) | INTERRUPTIBILITY_NMI);
}

/* ---- Reasons that say more --------------------------------------------------- */

/*
 * An NMI of the host ended the guest and has been taken from the CPU; NMIs stay blocked
 * until an IRET.  INT 2 runs the host's own handler, by its gate and on its stack, and that
 * handler's IRET is the one that unblocks them.  [SDM] "Handling Multiple NMIs" (6.7.1)
 */
static void host_nmi(void)
{
	__asm__ volatile("int $2" ::: "memory");
}

/* The machine check is as the host's would have been; its handler decides. */
static void host_machine_check(void)
{
	__asm__ volatile("int $18" ::: "memory");
}

static void decode_exception(struct intel_vcpu *iv, struct vm_exit *exit)
{
	u64 info = vmread(VMCS_EXIT_INTERRUPTION_INFO);
	unsigned type = (info & INTR_TYPE) >> INTR_TYPE_SHIFT;

	read_interrupted(iv);
	exit->reason = EXIT_HOST;
	if (type == INTR_TYPE_NMI) {
		host_nmi();
		return;
	}
	if ((info & INTR_VECTOR) == VECTOR_MC) {
		host_machine_check();
		return;
	}
	exit->reason = EXIT_EXCEPTION;
	exit->exception.vector = info & INTR_VECTOR;
	exit->exception.has_error = info & INTR_ERROR_CODE;
	if (exit->exception.has_error)
		exit->exception.error = (u32)vmread(VMCS_EXIT_INTERRUPTION_ERROR_CODE);
	/* INT1 says nothing in DR6, whatever else the qualification has of the moment. */
	if (type == INTR_TYPE_PRIVILEGED_SOFT)
		exit->exception.int1_len = (u8)vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
	else if (exit->exception.vector == VECTOR_DB)
		exit->exception.address = vmread(VMCS_EXIT_QUALIFICATION);
}

static void decode_io(struct intel_vcpu *iv, struct vm_exit *exit)
{
	u64 q = vmread(VMCS_EXIT_QUALIFICATION);

	exit->io.port = (u16)(q >> QUAL_IO_PORT_SHIFT);
	exit->io.size = (u8)((q & QUAL_IO_SIZE) + 1);
	exit->io.in = q & QUAL_IO_IN;
	exit->io.string = q & QUAL_IO_STRING;
	exit->io.value = (u32)iv->vcpu.regs.r[REG_RAX];
	if (exit->io.size < 4)
		exit->io.value &= (1u << 8 * exit->io.size) - 1;
	exit->decoded = !exit->io.string;
}

static void decode_cr(struct intel_vcpu *iv UNUSED, struct vm_exit *exit)
{
	static const u8 access[] = {
		[QUAL_CR_WRITE] = CR_WRITE,
		[QUAL_CR_READ] = CR_READ,
		[QUAL_CR_CLTS] = CR_CLTS,
		[QUAL_CR_LMSW] = CR_LMSW,
	};
	u64 q = vmread(VMCS_EXIT_QUALIFICATION);

	exit->cr.number = q & QUAL_CR_NUMBER;
	exit->cr.access = access[(q & QUAL_CR_ACCESS) >> QUAL_CR_ACCESS_SHIFT];
	exit->cr.reg = (q & QUAL_CR_REG) >> QUAL_CR_REG_SHIFT;
	exit->cr.source = (u16)(q >> QUAL_CR_SOURCE_SHIFT);
	exit->decoded = true;
}

static void decode_dr(struct intel_vcpu *iv UNUSED, struct vm_exit *exit)
{
	u64 q = vmread(VMCS_EXIT_QUALIFICATION);

	exit->cr.number = q & QUAL_DR_NUMBER;
	exit->cr.access = q & QUAL_DR_READ ? CR_READ : CR_WRITE;
	exit->cr.reg = (q & QUAL_DR_REG) >> QUAL_DR_REG_SHIFT;
	exit->decoded = true;
}

static void decode_rdmsr(struct intel_vcpu *iv, struct vm_exit *exit)
{
	exit->msr.index = (u32)iv->vcpu.regs.r[REG_RCX];
	exit->msr.write = false;
	exit->decoded = true;
}

static void decode_wrmsr(struct intel_vcpu *iv, struct vm_exit *exit)
{
	const u64 *r = iv->vcpu.regs.r;

	exit->msr.index = (u32)r[REG_RCX];
	exit->msr.write = true;
	exit->msr.value = r[REG_RDX] << 32 | (u32)r[REG_RAX];
	exit->decoded = true;
}

static void decode_xsetbv(struct intel_vcpu *iv, struct vm_exit *exit)
{
	const u64 *r = iv->vcpu.regs.r;

	exit->xsetbv.index = (u32)r[REG_RCX];
	exit->xsetbv.value = r[REG_RDX] << 32 | (u32)r[REG_RAX];
	exit->decoded = true;
}

static void decode_memory(struct intel_vcpu *iv, struct vm_exit *exit)
{
	u64 q = vmread(VMCS_EXIT_QUALIFICATION);

	read_interrupted(iv);
	if (q & QUAL_EPT_NMI_UNBLOCKED)
		block_nmi_again(iv);
	/* The instruction did not complete; Bochs 2.7 has its single-step trap pending already. */
	if (unlikely(iv->vcpu.regs.rflags & RFLAGS_TF))
		vmx_fix_pending_debug(iv);
	exit->memory.gpa = gpa(vmread(VMCS_GUEST_PHYSICAL_ADDRESS));
	exit->memory.access = (q & QUAL_EPT_READ ? ACCESS_READ : 0) |
			      (q & QUAL_EPT_WRITE ? ACCESS_WRITE : 0) |
			      (q & QUAL_EPT_FETCH ? ACCESS_FETCH : 0);
	exit->memory.walking = (q & QUAL_EPT_LINEAR_VALID) && !(q & QUAL_EPT_FINAL);
}

/* Our tables have an entry that no entry may be. */
static void decode_misconfig(struct intel_vcpu *iv, struct vm_exit *exit UNUSED)
{
	gpa_t a = gpa(vmread(VMCS_GUEST_PHYSICAL_ADDRESS));
	u64 e[NESTED_LEVELS + 1] = { 0 };
	hpa_t page;
	unsigned n = intel_ops.walk(iv->vcpu.vm, a, e, &page);

	panic("EPT misconfiguration at guest-physical %#llx: %u entries %#llx %#llx %#llx %#llx",
	      (unsigned long long)a.v, n, (unsigned long long)e[0], (unsigned long long)e[1],
	      (unsigned long long)e[2], (unsigned long long)e[3]);
}

/*
 * By a task gate, the event that went through it is part of the switch, and vm/task.c knows when it
 * counts as delivered.  RIP moves behind an instruction that caused the switch, INT n included.
 */
static void decode_task(struct intel_vcpu *iv, struct vm_exit *exit)
{
	u64 q = vmread(VMCS_EXIT_QUALIFICATION);
	const struct event *through = &iv->vcpu.state.interrupted;

	exit->task.selector = q & QUAL_TASK_SELECTOR;
	exit->task.source = (q & QUAL_TASK_SOURCE) >> QUAL_TASK_SOURCE_SHIFT;
	exit->decoded = true;
	exit->insn_len = (u8)vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
	if (exit->task.source != QUAL_TASK_IDT)
		return;
	read_interrupted(iv);
	exit->task.has_error = through->has_error;
	exit->task.error = through->error;
	if (through->type < EVENT_SOFT_INT)
		exit->insn_len = 0;
}

static void decode_machine_check(struct intel_vcpu *iv UNUSED, struct vm_exit *exit UNUSED)
{
	host_machine_check();
}

/* ---- The table of reasons ---------------------------------------------------- */

/* The first four bytes of struct vm_exit, written as one. */
struct header {
	u8 reason; /* enum exit_reason */
	u8 outcome;
	u8 insn_len; /* here: a mask, all ones if the exit says how long the instruction is */
	bool decoded;
};
ASSERT_SIZE(struct header, sizeof(u32));
ASSERT_OFFSET(struct vm_exit, reason, offsetof(struct header, reason));
ASSERT_OFFSET(struct vm_exit, outcome, offsetof(struct header, outcome));
ASSERT_OFFSET(struct vm_exit, insn_len, offsetof(struct header, insn_len));
ASSERT_OFFSET(struct vm_exit, decoded, offsetof(struct header, decoded));

struct meaning {
	union {
		struct header header;
		u32 word;
	};
	void (*decode)(struct intel_vcpu *iv, struct vm_exit *exit); /* the rest, or NULL */
};

/* An instruction, whose length the exit reports; or something else that happened. */
#define INSTRUCTION(reason, ...) { { { EXIT_##reason, OUTCOME_NONE, 0xff, false } }, __VA_ARGS__ }
#define OCCURRENCE(reason, ...) { { { EXIT_##reason, OUTCOME_NONE, 0, false } }, __VA_ARGS__ }

static const struct meaning meanings[VMX_EXIT_LIMIT] = {
	[VMX_EXIT_EXCEPTION_OR_NMI] = OCCURRENCE(EXCEPTION, decode_exception),
	[VMX_EXIT_EXTERNAL_INTERRUPT] = OCCURRENCE(HOST, NULL),
	[VMX_EXIT_TRIPLE_FAULT] = OCCURRENCE(SHUTDOWN, NULL),
	[VMX_EXIT_INIT] = OCCURRENCE(INIT, NULL),
	[VMX_EXIT_INTERRUPT_WINDOW] = OCCURRENCE(WINDOW_INTR, NULL),
	[VMX_EXIT_NMI_WINDOW] = OCCURRENCE(WINDOW_NMI, NULL),
	[VMX_EXIT_TASK_SWITCH] = OCCURRENCE(TASK, decode_task),
	[VMX_EXIT_CPUID] = INSTRUCTION(CPUID, NULL),
	[VMX_EXIT_GETSEC] = INSTRUCTION(INSN, NULL),
	[VMX_EXIT_HLT] = INSTRUCTION(HLT, NULL),
	[VMX_EXIT_INVD] = INSTRUCTION(CACHE, NULL),
	[VMX_EXIT_RDPMC] = INSTRUCTION(RDPMC, NULL),
	[VMX_EXIT_VMCALL] = INSTRUCTION(HYPERCALL, NULL),
	[VMX_EXIT_VMCLEAR] = INSTRUCTION(VM_INSN, NULL),
	[VMX_EXIT_VMLAUNCH] = INSTRUCTION(VM_INSN, NULL),
	[VMX_EXIT_VMPTRLD] = INSTRUCTION(VM_INSN, NULL),
	[VMX_EXIT_VMPTRST] = INSTRUCTION(VM_INSN, NULL),
	[VMX_EXIT_VMREAD] = INSTRUCTION(VM_INSN, NULL),
	[VMX_EXIT_VMRESUME] = INSTRUCTION(VM_INSN, NULL),
	[VMX_EXIT_VMWRITE] = INSTRUCTION(VM_INSN, NULL),
	[VMX_EXIT_VMXOFF] = INSTRUCTION(VM_INSN, NULL),
	[VMX_EXIT_VMXON] = INSTRUCTION(VM_INSN, NULL),
	[VMX_EXIT_CR_ACCESS] = INSTRUCTION(CR, decode_cr),
	[VMX_EXIT_MOV_DR] = INSTRUCTION(DR, decode_dr),
	[VMX_EXIT_IO] = INSTRUCTION(IO, decode_io),
	[VMX_EXIT_RDMSR] = INSTRUCTION(MSR, decode_rdmsr),
	[VMX_EXIT_WRMSR] = INSTRUCTION(MSR, decode_wrmsr),
	[VMX_EXIT_MWAIT] = INSTRUCTION(MONITOR, NULL),
	[VMX_EXIT_MONITOR] = INSTRUCTION(MONITOR, NULL),
	[VMX_EXIT_PAUSE] = INSTRUCTION(PAUSE, NULL),
	[VMX_EXIT_MACHINE_CHECK] = OCCURRENCE(HOST, decode_machine_check),
	[VMX_EXIT_EPT_VIOLATION] = OCCURRENCE(MEMORY, decode_memory),
	[VMX_EXIT_EPT_MISCONFIG] = OCCURRENCE(MEMORY, decode_misconfig),
	[VMX_EXIT_INVEPT] = INSTRUCTION(VM_INSN, NULL),
	[VMX_EXIT_INVVPID] = INSTRUCTION(VM_INSN, NULL),
	[VMX_EXIT_WBINVD] = INSTRUCTION(CACHE, NULL),
	[VMX_EXIT_XSETBV] = INSTRUCTION(XSETBV, decode_xsetbv),
	[VMX_EXIT_VMFUNC] = INSTRUCTION(VM_INSN, NULL),
	/* These exit on some CPUs with no control asking for it, for #UD to be raised. */
	[VMX_EXIT_ENCLS] = INSTRUCTION(INSN, NULL),
	[VMX_EXIT_PCONFIG] = INSTRUCTION(INSN, NULL),
	[VMX_EXIT_LOADIWKEY] = INSTRUCTION(INSN, NULL),
	[VMX_EXIT_ENCLV] = INSTRUCTION(INSN, NULL),
	[VMX_EXIT_SEAMCALL] = INSTRUCTION(INSN, NULL),
	[VMX_EXIT_TDCALL] = INSTRUCTION(INSN, NULL),
};

/*
 * EIP wraps at 4 GiB, but whoever stepped over an instruction at the very end did not know the
 * mode.  The CPU refuses such an RIP; true: it is mended.
 */
static bool mend_rip(struct intel_vcpu *iv)
{
	bool code_64bit = vmread(VMCS_ENTRY_CONTROLS) & ENTRY_CTL_IA32E_GUEST &&
			  vmread(VMCS_GUEST_CS_ACCESS_RIGHTS) & ACCESS_RIGHTS_L;

	if (code_64bit || iv->vcpu.regs.rip - GiB(4) >= INSN_MAX_LEN)
		return false;
	iv->vcpu.regs.rip = (u32)iv->vcpu.regs.rip;
	return true;
}

/* Not in the table (header 0), or beyond it: never asked for.  Or the entry failed. */
__attribute__((noinline)) static void exited_strangely(struct intel_vcpu *iv, u32 reason)
{
	if (!(reason & VMX_EXIT_ENTRY_FAILED)) {
		iv->vcpu.exit = (struct vm_exit){ .reason = EXIT_UNKNOWN, .raw = reason };
		return;
	}
	if ((reason & VMX_EXIT_BASIC) == VMX_EXIT_MACHINE_CHECK)
		host_machine_check();
	vmx_refused(iv, reason);
	if ((reason & VMX_EXIT_BASIC) == VMX_EXIT_GUEST_STATE && mend_rip(iv))
		vmx_run(&iv->vcpu);
}

#define HEADER_LENGTH_SHIFT 16
#define HEADER_LENGTH BITS(23, 16)
_Static_assert(EXIT_NONE == 0, "what is not in the table has a header of 0");

void vmx_exited(struct vcpu *v)
{
	struct intel_vcpu *iv = vmx_vcpu(v);
	struct vm_exit *exit = &v->exit;
	u32 reason = (u32)vmread_value_hot(VMCS_EXIT_REASON), length, header;
	const struct meaning *m = &meanings[reason];

	vmread_hot(VMCS_GUEST_RIP, &v->regs.rip);
	v->regs.r[REG_RSP] = iv->seen_rsp = vmread_value_hot(VMCS_GUEST_RSP);
	v->regs.rflags = iv->seen_rflags = vmread_value_hot(VMCS_GUEST_RFLAGS);
	if (unlikely(reason >= VMX_EXIT_LIMIT || !m->word)) {
		exited_strangely(iv, reason);
		return;
	}
	exit->raw = reason;
	exit->word = 0;
	/* Undefined if the exit is no instruction's: the mask makes it 0. */
	length = (u32)vmread_value_hot(VMCS_EXIT_INSTRUCTION_LENGTH) << HEADER_LENGTH_SHIFT;
	header = m->word & (length | ~(u32)HEADER_LENGTH);
	__builtin_memcpy(exit, &header, sizeof(header));
	if (m->decode)
		m->decode(iv, exit);
}

/* ---- The short way ----------------------------------------------------------- */

#ifdef CHECKING
struct vcpu *vmx_fast(struct vcpu *v UNUSED)
{
	return NULL; /* every entry is to be checked, so every exit takes the long way */
}
#else
/* With the reason known when this is compiled, most of what fast_answer asks is known too. */
static ALWAYS_INLINE struct vcpu *answer(struct vcpu *v, u8 reason, u32 raw)
{
	struct fast_exit exit = { .reason = reason, .len_known = true, .raw = raw };
	u64 rip = vmread_value_hot(VMCS_GUEST_RIP);
	unsigned ignored;

	exit.rip = rip;
	if (vmread_value_hot(VMCS_GUEST_RFLAGS) & (RFLAGS_TF | RFLAGS_RF))
		return NULL;
	if (vmread_value_hot(VMCS_GUEST_INTERRUPTIBILITY) & INTERRUPTIBILITY_SHADOW)
		return NULL;
	if (!fast_answer(v, &exit, &v->regs.r[REG_RAX], &ignored))
		return NULL;
	rip += vmread_value_hot(VMCS_EXIT_INSTRUCTION_LENGTH);
	vmwrite_hot(VMCS_GUEST_RIP, &rip);
	return v;
}

struct vcpu *vmx_fast(struct vcpu *v)
{
	u32 reason = (u32)vmread_value_hot(VMCS_EXIT_REASON);

	if (likely(reason == VMX_EXIT_CPUID))
		return answer(v, EXIT_CPUID, VMX_EXIT_CPUID);
	if (reason == VMX_EXIT_VMCALL)
		return answer(v, EXIT_HYPERCALL, VMX_EXIT_VMCALL);
	return NULL;
}
#endif

/* ---- Names ------------------------------------------------------------------- */

static const char *const reason_names[VMX_EXIT_LIMIT] = {
#define X(name, number) [number] = #name,
	VMX_EXIT_REASONS(X)
#undef X
};

const char *vmx_raw_name(u64 raw)
{
	u64 basic = raw & VMX_EXIT_BASIC;

	if (raw & VMX_RAW_BY_RULES)
		return "refused before VM entry";
	if (raw & VMX_RAW_FAIL_VALID)
		return vmx_error_text(basic);
	if (raw & VMX_EXIT_ENTRY_FAILED)
		return basic == VMX_EXIT_GUEST_STATE	? "VM entry failed: invalid guest state"
		       : basic == VMX_EXIT_MSR_LOADING	? "VM entry failed: MSR loading"
		       : basic == VMX_EXIT_MACHINE_CHECK ? "VM entry failed: machine check"
							 : "VM entry failed";
	if (basic >= VMX_EXIT_LIMIT || !reason_names[basic])
		return "reserved exit reason";
	return reason_names[basic];
}
