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

#include "lib/fmt.h"

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
	if (exit->exception.vector == VECTOR_DB)
		exit->exception.address = vmread(VMCS_EXIT_QUALIFICATION);
	/* INT1 is a trap, but exits as a fault: raised again, it must point behind itself. */
	if (type == INTR_TYPE_PRIVILEGED_SOFT)
		iv->vcpu.regs.rip += vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
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
	unsigned n = intel_ops.walk(iv->vcpu.vm, a, e);

	panic("EPT misconfiguration at guest-physical %#llx: %u entries %#llx %#llx %#llx %#llx",
	      (unsigned long long)a.v, n, (unsigned long long)e[0], (unsigned long long)e[1],
	      (unsigned long long)e[2], (unsigned long long)e[3]);
}

/*
 * By a task gate, the event that went through it is part of the switch: it is not to be
 * delivered again.  RIP moves behind an instruction that caused the switch, INT n included.
 */
static void decode_task(struct intel_vcpu *iv, struct vm_exit *exit)
{
	u64 q = vmread(VMCS_EXIT_QUALIFICATION);
	struct event *through = &iv->vcpu.state.interrupted;

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
	if (through->type == EVENT_NMI)
		vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
			vmread(VMCS_GUEST_INTERRUPTIBILITY) | INTERRUPTIBILITY_NMI);
	through->type = EVENT_NONE;
}

static void decode_machine_check(struct intel_vcpu *iv UNUSED, struct vm_exit *exit UNUSED)
{
	host_machine_check();
}

/* ---- The table of reasons ---------------------------------------------------- */

struct meaning {
	u8 reason; /* enum exit_reason */
	bool length; /* the exit says how long the instruction is */
	void (*decode)(struct intel_vcpu *iv, struct vm_exit *exit); /* the rest, or NULL */
};

#define NO_LENGTH false
#define LENGTH true

/* What is not here we never asked for: EXIT_UNKNOWN. */
static const struct meaning meanings[VMX_EXIT_LIMIT] = {
	[VMX_EXIT_EXCEPTION_OR_NMI] = { EXIT_EXCEPTION, NO_LENGTH, decode_exception },
	[VMX_EXIT_EXTERNAL_INTERRUPT] = { EXIT_HOST, NO_LENGTH, NULL },
	[VMX_EXIT_TRIPLE_FAULT] = { EXIT_SHUTDOWN, NO_LENGTH, NULL },
	[VMX_EXIT_INIT] = { EXIT_INIT, NO_LENGTH, NULL },
	[VMX_EXIT_INTERRUPT_WINDOW] = { EXIT_WINDOW_INTR, NO_LENGTH, NULL },
	[VMX_EXIT_NMI_WINDOW] = { EXIT_WINDOW_NMI, NO_LENGTH, NULL },
	[VMX_EXIT_TASK_SWITCH] = { EXIT_TASK, NO_LENGTH, decode_task },
	[VMX_EXIT_CPUID] = { EXIT_CPUID, LENGTH, NULL },
	[VMX_EXIT_GETSEC] = { EXIT_INSN, LENGTH, NULL },
	[VMX_EXIT_HLT] = { EXIT_HLT, LENGTH, NULL },
	[VMX_EXIT_INVD] = { EXIT_CACHE, LENGTH, NULL },
	[VMX_EXIT_WBINVD] = { EXIT_CACHE, LENGTH, NULL },
	[VMX_EXIT_RDPMC] = { EXIT_RDPMC, LENGTH, NULL },
	[VMX_EXIT_VMCALL] = { EXIT_HYPERCALL, LENGTH, NULL },
	[VMX_EXIT_VMCLEAR] = { EXIT_VM_INSN, LENGTH, NULL },
	[VMX_EXIT_VMLAUNCH] = { EXIT_VM_INSN, LENGTH, NULL },
	[VMX_EXIT_VMPTRLD] = { EXIT_VM_INSN, LENGTH, NULL },
	[VMX_EXIT_VMPTRST] = { EXIT_VM_INSN, LENGTH, NULL },
	[VMX_EXIT_VMREAD] = { EXIT_VM_INSN, LENGTH, NULL },
	[VMX_EXIT_VMRESUME] = { EXIT_VM_INSN, LENGTH, NULL },
	[VMX_EXIT_VMWRITE] = { EXIT_VM_INSN, LENGTH, NULL },
	[VMX_EXIT_VMXOFF] = { EXIT_VM_INSN, LENGTH, NULL },
	[VMX_EXIT_VMXON] = { EXIT_VM_INSN, LENGTH, NULL },
	[VMX_EXIT_INVEPT] = { EXIT_VM_INSN, LENGTH, NULL },
	[VMX_EXIT_INVVPID] = { EXIT_VM_INSN, LENGTH, NULL },
	[VMX_EXIT_VMFUNC] = { EXIT_VM_INSN, LENGTH, NULL },
	[VMX_EXIT_CR_ACCESS] = { EXIT_CR, LENGTH, decode_cr },
	[VMX_EXIT_MOV_DR] = { EXIT_DR, LENGTH, decode_dr },
	[VMX_EXIT_IO] = { EXIT_IO, LENGTH, decode_io },
	[VMX_EXIT_RDMSR] = { EXIT_MSR, LENGTH, decode_rdmsr },
	[VMX_EXIT_WRMSR] = { EXIT_MSR, LENGTH, decode_wrmsr },
	[VMX_EXIT_MWAIT] = { EXIT_MONITOR, LENGTH, NULL },
	[VMX_EXIT_MONITOR] = { EXIT_MONITOR, LENGTH, NULL },
	[VMX_EXIT_PAUSE] = { EXIT_PAUSE, LENGTH, NULL },
	[VMX_EXIT_MACHINE_CHECK] = { EXIT_HOST, NO_LENGTH, decode_machine_check },
	[VMX_EXIT_EPT_VIOLATION] = { EXIT_MEMORY, NO_LENGTH, decode_memory },
	[VMX_EXIT_EPT_MISCONFIG] = { EXIT_MEMORY, NO_LENGTH, decode_misconfig },
	[VMX_EXIT_XSETBV] = { EXIT_XSETBV, LENGTH, decode_xsetbv },
	/* Asked for by no control; some CPUs exit all the same. */
	[VMX_EXIT_ENCLS] = { EXIT_INSN, LENGTH, NULL },
	[VMX_EXIT_ENCLV] = { EXIT_INSN, LENGTH, NULL },
	[VMX_EXIT_PCONFIG] = { EXIT_INSN, LENGTH, NULL },
	[VMX_EXIT_LOADIWKEY] = { EXIT_INSN, LENGTH, NULL },
	[VMX_EXIT_SEAMCALL] = { EXIT_INSN, LENGTH, NULL },
	[VMX_EXIT_TDCALL] = { EXIT_INSN, LENGTH, NULL },
};

void vmx_exit_decode(struct intel_vcpu *iv, u64 reason)
{
	struct vm_exit *exit = &iv->vcpu.exit;
	const struct meaning *m;
	u64 basic = reason & VMX_EXIT_BASIC;

	exit->raw = reason;
	exit->outcome = OUTCOME_NONE;
	exit->insn_len = 0;
	exit->decoded = false;
	exit->word = 0;
	if (unlikely(basic >= VMX_EXIT_LIMIT || meanings[basic].reason == EXIT_NONE)) {
		exit->reason = EXIT_UNKNOWN;
		return;
	}
	m = &meanings[basic];
	exit->reason = m->reason;
	if (m->length)
		exit->insn_len = (u8)vmread_value_hot(VMCS_EXIT_INSTRUCTION_LENGTH);
	if (m->decode)
		m->decode(iv, exit);
}

/* ---- Names ------------------------------------------------------------------- */

static const char *const reason_names[VMX_EXIT_LIMIT] = {
#define X(name, number) [number] = #name,
	VMX_EXIT_REASONS(X)
#undef X
};

const char *vmx_raw_name(u64 raw)
{
	u64 basic = raw & VMX_EXIT_BASIC;

	if (raw & VMX_REFUSED_BY_RULES)
		return "refused before VM entry";
	if (raw & VMX_RUN_FAIL_VALID)
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
