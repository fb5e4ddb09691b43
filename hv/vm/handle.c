/* handle.c - see handle.h: one function for each reason */
#include "vm/handle.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "vm/breakpoint.h"
#include "vm/cr.h"
#include "vm/emulate.h"
#include "vm/irq.h"
#include "vm/msr.h"
#include "vm/task.h"
#include "vm/vm.h"

const char *exit_reason_name(unsigned reason)
{
	static const char *const name[] = {
#define X(id, text) text,
		EXIT_REASONS(X)
#undef X
	};

	return reason < EXIT_REASON_COUNT ? name[reason] : "?";
}

static void undefined(struct vcpu *v)
{
	exit_fault(&v->exit, VECTOR_UD, false, 0);
}

static void general_protection(struct vcpu *v)
{
	exit_fault(&v->exit, VECTOR_GP, true, 0);
}

/* The exiting instruction decoded; NULL: the guest gets the fault of fetching it. */
static const struct insn *instruction(struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;
	const struct insn *insn = fetch_insn(v, &exit->fault);

	if (insn)
		exit->insn_len = insn->len;
	else
		exit->outcome = OUTCOME_FAULT;
	return insn;
}

/* The instruction was carried out: RIP moves on, over a length that somebody knows. */
static void done(struct vcpu *v)
{
	if (likely(v->exit.insn_len) || instruction(v))
		v->exit.outcome = OUTCOME_DONE;
}

static void handle_nothing(struct vcpu *v)
{
	v->exit.outcome = OUTCOME_NONE;
}

static void handle_window(struct vcpu *v)
{
	v->windows = 0;
	virt->window(v, 0);
	vcpu_note(v, REQUEST_IRQ);
}

static u64 hypercall(u64 number)
{
	switch (number) {
	case HYPERCALL_VERSION:
		return HYPERCALL_CURRENT_VERSION;
	default:
		return HYPERCALL_UNKNOWN;
	}
}

/* OUT of EAX; KVM does not say whether it was OUTS, which writes something else. */
static bool is_port_call(const struct vcpu *v)
{
	const struct vm_exit *exit = &v->exit;

	return v->vm->cpuid.hypervisor && !exit->io.in && exit->io.size == sizeof(u32) &&
	       exit->io.value == (u32)v->regs.r[REG_RAX];
}

/*
 * IN, OUT and their string forms; exit->io says which.  INS and OUTS are instructions to emulate:
 * the CPU has not said which memory they mean.  What is_port_call recognises at HYPERCALL_PORT
 * is a hypercall: its result goes to RAX, and no device hears of it.  Anything else is one
 * access of the VM's bus, under the VM's lock.  io.value is what OUT gives and what IN gets;
 * the back end cuts the answer to the width of AL, AX or EAX.
 *
 * An access of a port may meet a breakpoint (vm/breakpoint.h), which the guest takes behind
 * the instruction.  In the end the instruction has been carried out: done.
 */
static void handle_io(struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;
	struct vm *vm = v->vm;

	if (exit->io.string) {
		emulate_instruction(v);
		return;
	}
	if (unlikely(exit->io.port == HYPERCALL_PORT) && is_port_call(v)) {
		v->regs.r[REG_RAX] = hypercall(v->regs.r[REG_RAX]);
		done(v);
		return;
	}
	host_lock(&vm->lock);
	if (exit->io.in)
		exit->io.value = bus_in(&vm->bus, exit->io.port, exit->io.size);
	else
		bus_out(&vm->bus, exit->io.port, exit->io.size, exit->io.value);
	host_unlock(&vm->lock);
	if (!breakpoint_none(v))
		breakpoint_port(v, exit->io.port, exit->io.size);
	done(v);
}

static void handle_memory(struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;

	switch (memory_fault(v->vm, exit->memory.gpa, exit->memory.access)) {
	case 0:
		/* The instruction met its breakpoint before; not every CPU says so by RF. */
		if (!v->state.interrupted.type)
			v->regs.rflags |= RFLAGS_RF;
		exit->outcome = OUTCOME_RETRY;
		break;
	case -HOST_ENOENT:
		if (v->state.interrupted.type)
			vm_end(v->vm, VM_DEAD,
			       "vector %u cannot be delivered at rip %#llx: no RAM at %#llx",
			       v->state.interrupted.vector, (unsigned long long)v->regs.rip,
			       (unsigned long long)exit->memory.gpa.v);
		else
			emulate_instruction(v);
		break;
	default:
		vm_end(v->vm, VM_DEAD, "no host memory left for address %#llx",
		       (unsigned long long)exit->memory.gpa.v);
	}
}

/* A device, or memory that the guest's tables do not give for this access: what is watched, ROM. */
static void handle_mmio(struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;
	gpa_t at = exit->mmio.gpa;

	if (exit->mmio.write) {
		if (memory_write(v->vm, at, &exit->mmio.value, exit->mmio.size) == -HOST_EINVAL)
			emulate_device_write(v, at, exit->mmio.size, exit->mmio.value);
	} else if (memory_read(v->vm, at, &exit->mmio.value, exit->mmio.size) == -HOST_EINVAL) {
		exit->mmio.value = emulate_device_read(v, at, exit->mmio.size);
	}
	exit->outcome = OUTCOME_DONE;
}

/* The trace tells what the short way tells of the same exit (vm/fast.h). */
static void note_operand(struct vcpu *v, u64 info)
{
	struct trace *t = &v->trace;

	(t->now == t->ring ? t->end : t->now)[-1].info = info;
}

static void handle_cpuid(struct vcpu *v)
{
	u64 *r = v->regs.r;
	struct cpuid_regs regs = cpuid_get(v, (u32)r[REG_RAX], (u32)r[REG_RCX]);

	note_operand(v, (u32)r[REG_RAX]);
	r[REG_RAX] = regs.eax;
	r[REG_RBX] = regs.ebx;
	r[REG_RCX] = regs.ecx;
	r[REG_RDX] = regs.edx;
	done(v);
}

static void handle_msr(struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;
	bool ok = exit->msr.write ? msr_write(v, exit->msr.index, exit->msr.value)
				  : msr_read(v, exit->msr.index, &exit->msr.value);

	if (ok)
		done(v);
	else
		general_protection(v);
}

static u64 read_source16(struct vcpu *v, const struct insn *insn, bool *ok)
{
	u16 value = 0;

	*ok = true;
	if (insn->src.kind == OPERAND_REG)
		return (u16)insn_reg_read(insn, v->regs.r, insn->src.reg, 2);
	*ok = !emulate_load(v, insn, &insn->src, &value, sizeof(value), &v->exit.fault);
	return value;
}

/* What CR0 becomes by LMSW: the low four bits, but PE is never cleared. */
static u64 lmsw(u64 cr0, u64 source)
{
	return (cr0 & ~(CR0_MP | CR0_EM | CR0_TS)) | (source & (CR0_PE | CR0_MP | CR0_EM | CR0_TS));
}

/* What cr.h reads and writes. */
static bool cr_known(unsigned number, enum cr_access access)
{
	return number == 0 || number == 3 || number == 4 || number == 8 ||
	       (number == 2 && access == CR_READ);
}

/* The CPU did not say which registers: the instruction does. */
static bool decode_cr(struct vcpu *v, u64 *value)
{
	const struct insn *insn = instruction(v);
	struct vm_exit *exit = &v->exit;
	bool ok = true;

	if (!insn)
		return false;
	switch (insn->op) {
	case INSN_MOV_CR:
		exit->cr.access = insn->dst.kind == OPERAND_CR ? CR_WRITE : CR_READ;
		exit->cr.number = exit->cr.access == CR_WRITE ? insn->dst.reg : insn->src.reg;
		if (!cr_known(exit->cr.number, exit->cr.access)) {
			exit->outcome = OUTCOME_RETRY; /* as below */
			return false;
		}
		exit->cr.reg = exit->cr.access == CR_WRITE ? insn->src.reg : insn->dst.reg;
		*value = v->regs.r[exit->cr.reg];
		if (insn->mode != DECODE_64)
			*value = (u32)*value;
		return true;
	case INSN_CLTS:
		exit->cr.number = 0;
		exit->cr.access = CR_WRITE;
		*value = vcpu_state(v, STATE_EXEC)->cr0 & ~CR0_TS;
		return true;
	case INSN_LMSW:
		exit->cr.number = 0;
		exit->cr.access = CR_WRITE;
		*value = lmsw(vcpu_state(v, STATE_EXEC)->cr0, read_source16(v, insn, &ok));
		if (!ok)
			exit->outcome = OUTCOME_FAULT;
		return ok;
	default: /* the guest changed its code since: let it run what is there now */
		exit->outcome = OUTCOME_RETRY;
		return false;
	}
}

static u64 decoded_cr(struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;
	u64 cr0 = vcpu_state(v, STATE_EXEC)->cr0;

	switch (exit->cr.access) {
	case CR_CLTS:
		exit->cr.access = CR_WRITE;
		return cr0 & ~CR0_TS;
	case CR_LMSW:
		exit->cr.access = CR_WRITE;
		return lmsw(cr0, exit->cr.source);
	default:
		if (v->state.seg[SEG_CS].attr & SEG_ATTR_L && v->state.efer & EFER_LMA)
			return v->regs.r[exit->cr.reg];
		return (u32)v->regs.r[exit->cr.reg];
	}
}

static void handle_cr(struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;
	u64 value;

	if (exit->decoded)
		value = decoded_cr(v);
	else if (!decode_cr(v, &value))
		return;
	if (exit->cr.access == CR_READ) {
		v->regs.r[exit->cr.reg] = cr_read(v, exit->cr.number);
		done(v);
	} else if (cr_write(v, exit->cr.number, value)) {
		done(v);
	} else {
		general_protection(v);
	}
}

static void handle_hlt(struct vcpu *v)
{
	done(v);
	if (v->exit.outcome != OUTCOME_DONE)
		return;
	v->state.activity = ACTIVITY_HALT;
	vcpu_note(v, REQUEST_WAKE);
}

static void handle_hypercall(struct vcpu *v)
{
	u64 *r = v->regs.r;

	if (!v->vm->cpuid.hypervisor) {
		undefined(v);
		return;
	}
	note_operand(v, r[REG_RAX]);
	r[REG_RAX] = hypercall(r[REG_RAX]);
	done(v);
}

/* [SDM] XSETBV (vol. 2): what may be on together, and only what CPUID offers. */
static bool xcr0_allowed(const struct vcpu *v, u64 value)
{
	if (!(value & XCR0_X87) || (value & ~cpuid_xcr0_allowed(&v->vm->cpuid)))
		return false;
	if ((value & XCR0_AVX) && !(value & XCR0_SSE))
		return false;
	if ((value & XCR0_AVX512) && ((value & XCR0_AVX512) != XCR0_AVX512 || !(value & XCR0_AVX)))
		return false;
	return !(value & XCR0_BNDREGS) == !(value & XCR0_BNDCSR);
}

static void handle_xsetbv(struct vcpu *v)
{
	const u64 *r = v->regs.r;
	u64 value = (r[REG_RDX] << 32) | (u32)r[REG_RAX];

	if (!(vcpu_state(v, STATE_EXEC)->cr4 & CR4_OSXSAVE)) {
		undefined(v);
	} else if (v->state.cpl || (u32)r[REG_RCX] || !xcr0_allowed(v, value)) {
		general_protection(v);
	} else {
		vcpu_state(v, STATE_XSAVE)->xcr0 = value;
		vcpu_state_changed(v, STATE_XSAVE);
		done(v);
	}
}

static void handle_exception(struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;

	exit_fault(exit, exit->exception.vector, exit->exception.has_error, exit->exception.error);
	exit->fault.cr2 = exit->exception.address;
	exit->fault.dr6 = exit->exception.address;
	if (exit->exception.int1_len) {
		exit->fault.type = EVENT_ICEBP;
		exit->fault.insn_len = exit->exception.int1_len;
	}
}

static void handle_shutdown(struct vcpu *v)
{
	vm_end_triple_fault(v);
}

/* The sentences of explain, as log lines. */
struct log_sink {
	struct fmt_sink sink;
	char line[VM_CAUSE_MAX];
	size_t len;
};

static void log_put(struct fmt_sink *sink, const char *text, size_t len)
{
	struct log_sink *log = container_of(sink, struct log_sink, sink);

	for (; len; text++, len--) {
		if (*text != '\n' && log->len < sizeof(log->line) - 1)
			log->line[log->len++] = *text;
		if (*text != '\n')
			continue;
		log->line[log->len] = '\0';
		host_log("  %s", log->line);
		log->len = 0;
	}
}

/* No counters, so no index is valid.  Where the machine has no RDPMC, the guest has none. */
static void handle_rdpmc(struct vcpu *v)
{
	if (msr_rdpmc_undefined(&v->vm->cpuid))
		undefined(v);
	else
		general_protection(v);
}

static void handle_refused(struct vcpu *v)
{
	struct log_sink log = { .sink = { log_put } };
	unsigned broken;

	host_log("VM %s: the CPU refuses to enter the guest:", v->vm->config.name);
	broken = virt->explain(v, &log.sink);
	vm_end(v->vm, VM_DEAD, "entry refused by the CPU (%s), %u rules broken",
	       virt->raw_name(v->exit.raw), broken);
}

static void handle_unknown(struct vcpu *v)
{
	vm_end(v->vm, VM_DEAD, "unknown exit %#llx (%s) at rip %#llx",
	       (unsigned long long)v->exit.raw, virt->raw_name(v->exit.raw),
	       (unsigned long long)v->regs.rip);
}

static void (*const handler[EXIT_REASON_COUNT])(struct vcpu *v) = {
	[EXIT_NONE] = handle_unknown,
	[EXIT_HOST] = handle_nothing,
	[EXIT_WINDOW_INTR] = handle_window,
	[EXIT_WINDOW_NMI] = handle_window,
	[EXIT_IO] = handle_io,
	[EXIT_MMIO] = handle_mmio,
	[EXIT_MEMORY] = handle_memory,
	[EXIT_CPUID] = handle_cpuid,
	[EXIT_MSR] = handle_msr,
	[EXIT_CR] = handle_cr,
	[EXIT_DR] = handle_unknown,
	[EXIT_HLT] = handle_hlt,
	[EXIT_PAUSE] = done,
	[EXIT_HYPERCALL] = handle_hypercall,
	[EXIT_VM_INSN] = undefined,
	[EXIT_XSETBV] = handle_xsetbv,
	[EXIT_CACHE] = done, /* caches are coherent and not the guest's: nothing to write back */
	[EXIT_RDPMC] = handle_rdpmc,
	[EXIT_MONITOR] = mwait_instruction,
	[EXIT_EXCEPTION] = handle_exception,
	[EXIT_TASK] = task_switch,
	[EXIT_INSN] = undefined,
	[EXIT_INIT] = handle_unknown,
	[EXIT_EMULATE] = emulate_instruction,
	[EXIT_SHUTDOWN] = handle_shutdown,
	[EXIT_REFUSED] = handle_refused,
	[EXIT_UNKNOWN] = handle_unknown,
};

void handle_exit(struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;

	handler[exit->reason](v);
	if (unlikely(exit->outcome == OUTCOME_FAULT)) {
		if (exit->insn_len == EXIT_LEN_BACK_END)
			return;
		exit->outcome = OUTCOME_NONE;
		irq_raise(v, &exit->fault);
	} else if (unlikely(exit->outcome == OUTCOME_DONE && (v->regs.rflags & RFLAGS_TF))) {
		if (exit->insn_len != EXIT_LEN_BACK_END)
			irq_single_step(v);
	}
}
