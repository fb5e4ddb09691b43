/*
 * svm_exit.c - from exit codes to struct vm_exit
 *
 * Owns: what each exit code means, and where the VMCB keeps its particulars.
 * Must not know: what is done about an exit.
 *
 * Source: [APM] vol. 2 "SVM Intercept Exit Codes" (appendix C), "Intercept Operation" (15.7) and
 * the sections on each intercept.
 */
#include "amd/svm.h"

#include "vm/emulate.h"
#include "vm/fetch.h"
#include "vm/task.h"

/* What EXITINTINFO calls an event: the types of EVENTINJ. */
static u8 event_type(u64 info)
{
	u8 vector = info & VMCB_EVENT_VECTOR;

	switch ((info & VMCB_EVENT_TYPE) >> VMCB_EVENT_TYPE_SHIFT) {
	case VMCB_EVENT_TYPE_INTR:
		return EVENT_INTR;
	case VMCB_EVENT_TYPE_NMI:
		return EVENT_NMI;
	case VMCB_EVENT_TYPE_SOFT_INT:
		return EVENT_SOFT_INT;
	default:
		return vector == VECTOR_BP || vector == VECTOR_OF ? EVENT_SOFT_EXCEPTION :
								    EVENT_EXCEPTION;
	}
}

/* The length of the INT n at RIP, which pushes the address behind it; 0: it is gone. */
static u8 soft_length(struct svm_vcpu *s)
{
	u64 len = s->vmcb->control.nrip - s->vmcb->save.rip;
	const struct insn *insn;
	struct event fault;

	if (s->cut_len)
		return s->cut_len;
	if (svm_features.nrips && len > 0 && len <= INSN_MAX_LEN)
		return (u8)len;
	insn = fetch_insn(&s->vcpu, &fault);
	s->vcpu.state_fresh = 0;
	return insn ? insn->len : 0;
}

/*
 * An event whose delivery the exit cut short.  Of a soft one, RIP is still at its instruction;
 * should that have vanished, the guest just runs on at RIP.
 * [APM] vol. 2 "EXITINTINFO", in "Event Injection" and "Nested Exceptions" (15.7.2)
 */
static void save_interrupted(struct svm_vcpu *s, u64 info)
{
	struct event *event = &s->vcpu.state.interrupted;

	*event = (struct event){ .type = event_type(info),
				 .vector = (u8)(info & VMCB_EVENT_VECTOR),
				 .has_error = info & VMCB_EVENT_EV };
	if (event->has_error)
		event->error = (u32)(info >> VMCB_EVENT_ERROR_SHIFT);
	if (event->type == EVENT_EXCEPTION && event->vector == VECTOR_PF)
		event->cr2 = s->vmcb->save.cr2;
	if (event->type == EVENT_NMI)
		svm_set_nmi_blocked(s, false);
	if (event->type >= EVENT_SOFT_INT) {
		event->insn_len = soft_length(s);
		if (!event->insn_len)
			event->type = EVENT_NONE;
	}
}

/* ---- Particulars ---------------------------------------------------------------------- */

/* Bytes of the instruction that exited, if the CPU or the cache knows; else 0. */
static ALWAYS_INLINE u8 insn_length(struct vcpu *v)
{
	const struct vmcb *b = svm_vcpu(v)->vmcb;
	u64 rip = b->save.rip;
	const struct insn *insn;

	if (svm_features.nrips)
		return b->control.nrip - rip <= INSN_MAX_LEN ? (u8)(b->control.nrip - rip) : 0;
	insn = fetch_known(&v->fetch, v->mode_epoch, rip, b->save.cr3, svm_segment(&b->save.cs));
	return insn ? insn->len : 0;
}

static void fill_nothing(const struct vmcb_control *c UNUSED, struct vcpu *v UNUSED)
{
}

static void fill_insn(const struct vmcb_control *c UNUSED, struct vcpu *v)
{
	v->exit.insn_len = insn_length(v);
}

/* "IOIO Intercept Information" (15.10.2); exitinfo2 is the next RIP, on every CPU. */
static void fill_io(const struct vmcb_control *c, struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;
	u64 info = c->exitinfo1, len = c->exitinfo2 - v->regs.rip;

	exit->io.port = (u16)(info >> VMCB_IOIO_PORT_SHIFT);
	exit->io.size = (info & VMCB_IOIO_SIZE) >> VMCB_IOIO_SIZE_SHIFT;
	exit->io.in = (info & VMCB_IOIO_IN) != 0;
	exit->io.string = (info & VMCB_IOIO_STR) != 0;
	exit->io.value = (u32)(v->regs.r[REG_RAX] & (BIT(exit->io.size * 8) - 1));
	exit->insn_len = len <= INSN_MAX_LEN ? (u8)len : 0;
	exit->decoded = true;
}

static void fill_msr(const struct vmcb_control *c, struct vcpu *v)
{
	const u64 *r = v->regs.r;

	v->exit.msr.index = (u32)r[REG_RCX];
	v->exit.msr.write = c->exitinfo1 != 0;
	v->exit.msr.value = r[REG_RDX] << 32 | (u32)r[REG_RAX];
	v->exit.insn_len = insn_length(v);
	v->exit.decoded = true;
}

/* "MOV CRx/DRx Intercepts" (15.8.1): CLTS, LMSW and SMSW count as accesses of CR0, but no MOV. */
static void fill_cr(const struct vmcb_control *c, struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;

	exit->insn_len = insn_length(v);
	exit->cr.number = c->exitcode & 0xf;
	exit->cr.access = c->exitcode < VMCB_EXIT_CR_WRITE ? CR_READ : CR_WRITE;
	exit->decoded = svm_features.decode_assists && (c->exitinfo1 & VMCB_CR_IS_MOV);
	exit->cr.reg = exit->decoded ? c->exitinfo1 & VMCB_CR_GPR : 0;
	exit->cr.source = 0;
}

static void fill_dr(const struct vmcb_control *c, struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;

	exit->insn_len = insn_length(v);
	exit->cr.number = c->exitcode & 0xf;
	exit->cr.access = c->exitcode < VMCB_EXIT_DR_WRITE ? CR_READ : CR_WRITE;
	exit->decoded = svm_features.decode_assists;
	exit->cr.reg = exit->decoded ? c->exitinfo1 & VMCB_CR_GPR : 0;
	exit->cr.source = 0;
}

static void fill_xsetbv(const struct vmcb_control *c, struct vcpu *v)
{
	const u64 *r = v->regs.r;

	(void)c;
	v->exit.insn_len = insn_length(v);
	v->exit.xsetbv.index = (u32)r[REG_RCX];
	v->exit.xsetbv.value = r[REG_RDX] << 32 | (u32)r[REG_RAX];
	v->exit.decoded = true;
}

#define IDT_TASK_GATE 5 /* in bits 44:40 of an entry */
#define IDT_TYPE_SHIFT 40
#define IDT_TYPE BITS(4, 0)
#define IDT_SELECTOR_SHIFT 16

/* Does this vector's gate in the guest's IDT lead to that task? */
static bool leads_to(struct vcpu *v, u8 vector, u16 selector)
{
	const struct table_register *idtr = &vcpu_state(v, STATE_SEG)->idtr;
	struct event fault;
	u64 gate;

	if (emulate_read(v, (u32)(idtr->base + vector * sizeof(gate)), &gate, sizeof(gate), true,
			 &fault))
		return false;
	return (gate >> IDT_TYPE_SHIFT & IDT_TYPE) == IDT_TASK_GATE &&
	       (u16)(gate >> IDT_SELECTOR_SHIFT) == selector;
}

/*
 * Bochs 2.7 does not say which event goes through a task gate, unless it was injected: EXITINTINFO
 * is that of the last injection.  It is that of an instruction at RIP whose gate leads there; else
 * an exception, which has an error code or not.
 */
static void guess_event(struct vcpu *v)
{
	const struct vm_exit *exit = &v->exit;
	struct event *event = &v->state.interrupted, fault;
	const struct insn *insn = fetch_insn(v, &fault);
	unsigned op = insn ? insn->op : INSN_INVALID;
	u8 vector = op == INSN_INT   ? (u8)insn->imm :
		    op == INSN_INT3  ? VECTOR_BP :
		    op == INSN_INTO  ? VECTOR_OF :
		    op == INSN_ICEBP ? VECTOR_DB :
				       0;

	*event = (struct event){ .type = EVENT_EXCEPTION,
				 .vector = exit->task.has_error ? VECTOR_GP : VECTOR_UD,
				 .has_error = exit->task.has_error,
				 .error = exit->task.error };
	if (vector && leads_to(v, vector, exit->task.selector))
		*event = (struct event){ .type = EVENT_SOFT_INT,
					 .vector = vector,
					 .insn_len = insn->len };
}

/*
 * "Task Switch Intercept" (15.14.1).  A switch through a task gate of the IDT shows in
 * EXITINTINFO; the event is then part of the switch (vm/task.c).  RF is as the old task's flags are
 * to be saved.
 */
static void fill_task(const struct vmcb_control *c, struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;
	u64 rf = c->exitinfo2 & VMCB_TASK_RF ? RFLAGS_RF : 0;

	exit->task.selector = (u16)c->exitinfo1;
	if (c->exitintinfo & VMCB_EVENT_V)
		exit->task.source = TASK_IDT;
	else if (c->exitinfo2 & VMCB_TASK_IRET)
		exit->task.source = TASK_IRET;
	else
		exit->task.source = c->exitinfo2 & VMCB_TASK_JMP ? TASK_JMP : TASK_CALL;
	exit->task.has_error = c->exitinfo2 & VMCB_TASK_ERROR;
	exit->task.error = (u32)c->exitinfo2;
	if (exit->task.source != TASK_IDT)
		return;
	v->regs.rflags = (v->regs.rflags & ~RFLAGS_RF) | rf;
	if (!leads_to(v, (u8)(c->exitintinfo & VMCB_EVENT_VECTOR), exit->task.selector))
		guess_event(v);
	v->state_fresh = 0;
}

/* "Nested versus Guest Page Faults, Fault Ordering" (15.25.6) */
static void fill_memory(const struct vmcb_control *c, struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;

	exit->memory.gpa = gpa(c->exitinfo2);
	exit->memory.access = c->exitinfo1 & PF_FETCH ? ACCESS_FETCH :
			      c->exitinfo1 & PF_WRITE ? ACCESS_WRITE :
							ACCESS_READ;
	exit->memory.walking = c->exitinfo1 & VMCB_NPF_TABLE;
}

/*
 * Did a breakpoint on the instruction at RIP raise this #DB?  Then it is a fault, and what it
 * pushes has RF, so that IRET gets past it.  [APM] vol. 2 "Using Breakpoints" (13.1.3)
 */
static bool at_breakpoint(struct vcpu *v)
{
	const struct cpu_state *state = vcpu_state(v, STATE_DR | STATE_EXEC);
	u64 at = state->seg[SEG_CS].base + v->regs.rip;

	for (unsigned n = 0; n < 4; n++)
		if ((state->dr[6] & BIT(n)) && !(state->dr[7] >> (16 + 4 * n) & 3) &&
		    state->dr[n] == at)
			return true;
	return false;
}

/*
 * Exceptions exit so that the guest may have them after all: #DF for what EXITINTINFO names,
 * the others besides it (svm_event.c says when and why).  A machine check while the guest ran
 * is the host's: its own handler decides, as if the interrupt had arrived now.
 * [APM] vol. 2 "Exception Intercepts" (15.12)
 */
static void fill_exception(const struct vmcb_control *c, struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;
	u8 vector = (u8)(c->exitcode - VMCB_EXIT_EXCEPTION);

	exit->exception.vector = vector;
	exit->exception.has_error = SVM_EXCEPTIONS_WITH_ERROR & BIT(vector);
	exit->exception.error = vector == VECTOR_DF ? 0 : (u32)c->exitinfo1;
	exit->exception.address = vector == VECTOR_DB ? 0 : c->exitinfo2; /* DR6 has it already */
	if (vector == VECTOR_DB && at_breakpoint(v))
		v->regs.rflags |= RFLAGS_RF;
	if (vector == VECTOR_DF)
		v->state.interrupted.type = EVENT_NONE;
	if (vector == VECTOR_MC) {
		__asm__ volatile("int %0" ::"i"(VECTOR_MC) : "memory");
		exit->reason = EXIT_HOST;
	}
}

/*
 * Does IRET at RIP return to another task?  Stepped over, such a one would leave our TF in the TSS
 * of the task that it leaves.
 */
static bool returns_to_task(struct vcpu *v)
{
	const struct cpu_state *state = vcpu_state(v, STATE_EXEC | STATE_SEG);
	struct vm_exit *exit = &v->exit;
	struct event fault;
	u16 link;

	if (!(v->regs.rflags & RFLAGS_NT) || (v->regs.rflags & RFLAGS_VM) ||
	    !(state->cr0 & CR0_PE) || (state->efer & EFER_LMA) ||
	    emulate_read(v, state->tr.base, &link, sizeof(link), true, &fault))
		return false;
	exit->reason = EXIT_TASK;
	exit->task.selector = link;
	exit->task.source = TASK_IRET;
	return true;
}

/* IRET exits while NMIs are blocked; it is ours to step over, or to carry out. */
static void fill_iret(const struct vmcb_control *c UNUSED, struct vcpu *v)
{
	struct svm_vcpu *s = svm_vcpu(v);
	bool task = returns_to_task(v);

	v->state_fresh = 0;
	if (task)
		return;
	s->dirty |= SVM_DIRTY_STEP;
	svm_run_slow(s);
}

/* ---- The table ------------------------------------------------------------------------- */

struct exit_kind {
	u8 reason; /* enum exit_reason; 0: not expected */
	void (*fill)(const struct vmcb_control *c, struct vcpu *v); /* the particulars */
};

static const struct exit_kind kinds[VMCB_EXIT_RDPRU + 1] = {
	[VMCB_EXIT_CR_READ ... VMCB_EXIT_CR_READ + 0x1f] = { EXIT_CR, fill_cr },
	[VMCB_EXIT_DR_READ ... VMCB_EXIT_DR_READ + 0x1f] = { EXIT_DR, fill_dr },
	[VMCB_EXIT_EXCEPTION ... VMCB_EXIT_EXCEPTION + 0x1f] = { EXIT_EXCEPTION, fill_exception },
	[VMCB_EXIT_INTR] = { EXIT_HOST, fill_nothing },
	[VMCB_EXIT_NMI] = { EXIT_HOST, fill_nothing },
	[VMCB_EXIT_SMI] = { EXIT_HOST, fill_nothing },
	[VMCB_EXIT_INIT] = { EXIT_HOST, fill_nothing },
	[VMCB_EXIT_VINTR] = { EXIT_WINDOW_INTR, fill_nothing },
	[VMCB_EXIT_RDPMC] = { EXIT_RDPMC, fill_insn },
	[VMCB_EXIT_CPUID] = { EXIT_CPUID, fill_insn },
	[VMCB_EXIT_RSM] = { EXIT_INSN, fill_insn },
	[VMCB_EXIT_IRET] = { EXIT_HOST, fill_iret },
	[VMCB_EXIT_INVD] = { EXIT_CACHE, fill_insn },
	[VMCB_EXIT_PAUSE] = { EXIT_PAUSE, fill_insn },
	[VMCB_EXIT_HLT] = { EXIT_HLT, fill_insn },
	[VMCB_EXIT_INVLPGA] = { EXIT_VM_INSN, fill_insn },
	[VMCB_EXIT_IOIO] = { EXIT_IO, fill_io },
	[VMCB_EXIT_MSR] = { EXIT_MSR, fill_msr },
	[VMCB_EXIT_TASK_SWITCH] = { EXIT_TASK, fill_task },
	[VMCB_EXIT_SHUTDOWN] = { EXIT_SHUTDOWN, fill_nothing },
	[VMCB_EXIT_VMRUN] = { EXIT_VM_INSN, fill_insn },
	[VMCB_EXIT_VMMCALL] = { EXIT_HYPERCALL, fill_insn },
	[VMCB_EXIT_VMLOAD] = { EXIT_VM_INSN, fill_insn },
	[VMCB_EXIT_VMSAVE] = { EXIT_VM_INSN, fill_insn },
	[VMCB_EXIT_STGI] = { EXIT_VM_INSN, fill_insn },
	[VMCB_EXIT_CLGI] = { EXIT_VM_INSN, fill_insn },
	[VMCB_EXIT_SKINIT] = { EXIT_VM_INSN, fill_insn },
	[VMCB_EXIT_WBINVD] = { EXIT_CACHE, fill_insn },
	[VMCB_EXIT_MONITOR] = { EXIT_MONITOR, fill_insn },
	[VMCB_EXIT_MWAIT] = { EXIT_MONITOR, fill_insn },
	[VMCB_EXIT_MWAIT_CONDITIONAL] = { EXIT_MONITOR, fill_insn },
	[VMCB_EXIT_XSETBV] = { EXIT_XSETBV, fill_xsetbv },
	[VMCB_EXIT_RDPRU] = { EXIT_INSN, fill_insn },
};
static const struct exit_kind kind_npf = { EXIT_MEMORY, fill_memory };
static const struct exit_kind kind_invalid = { EXIT_REFUSED, fill_nothing };
static const struct exit_kind kind_unknown = { EXIT_UNKNOWN, fill_nothing };
static const struct exit_kind kind_host = { EXIT_HOST, fill_nothing };

/*
 * A refused entry of QEMU 7.2 leaves the host's RAX, RSP, RIP (and DR6, DR7) in the VMCB; what is
 * not the guest's fault is mended and tried again, in the guest's own.
 */
static NEVER_INLINE const struct exit_kind *refused(struct svm_vcpu *s)
{
	if (!svm_mend_cs(s))
		return &kind_invalid;
	svm_regs_to_vmcb(s);
	return &kind_host;
}

static ALWAYS_INLINE const struct exit_kind *find_kind(struct svm_vcpu *s, u64 code)
{
	if (likely(code < ARRAY_SIZE(kinds) && kinds[code].reason))
		return &kinds[code];
	if (code == VMCB_EXIT_NPF)
		return &kind_npf;
	return (u32)code == VMCB_EXIT_INVALID ? refused(s) : &kind_unknown;
}

/* Out of line, so that the usual exit needs no frame. */
static NEVER_INLINE void exit_in_delivery(struct svm_vcpu *s, const struct exit_kind *kind)
{
	const struct vmcb_control *c = &s->vmcb->control;

	save_interrupted(s, c->exitintinfo);
	kind->fill(c, &s->vcpu);
}

void svm_exit(struct svm_vcpu *s)
{
	const struct vmcb_control *c = &s->vmcb->control;
	const u64 code = c->exitcode;
	const struct exit_kind *kind = find_kind(s, code);
	struct vm_exit *exit = &s->vcpu.exit;

	svm_regs_from_vmcb(s);
	exit->head = code << 32 | kind->reason; /* raw and reason: nothing decoded, no outcome */
	exit->word = 0;
	if (unlikely(c->exitintinfo & VMCB_EVENT_V))
		exit_in_delivery(s, kind);
	else
		kind->fill(c, &s->vcpu);
}

unsigned svm_explain(struct vcpu *v, struct fmt_sink *sink)
{
	return svm_check(svm_vcpu(v)->vmcb, &svm_features, ~0u, sink);
}
