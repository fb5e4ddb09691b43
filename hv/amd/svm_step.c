/*
 * svm_step.c - stepping over one instruction of the guest
 *
 * Owns: setting TF behind the guest's back, and making the step invisible afterwards.
 * Must not know: why a step is wanted (svm_event.c).
 *
 * Sources: [APM] vol. 2 "Intercept Operation" (15.7), "Exception Intercepts" (15.12).
 */
#include "amd/svm.h"

#include "vm/emulate.h"
#include "vm/irq.h"

/*
 * Set TF for one instruction, so that the guest never sees it.  Whatever else the instruction may
 * do is intercepted, and nothing has happened yet at such an exit.  The instructions that read
 * or write RFLAGS are told apart by their intercepts, SYSCALL and SYSRET by their opcode:
 * after these it is the new TF that counts, so it is made to survive.
 */
void svm_step_begin(struct svm_vcpu *s)
{
	struct vmcb_control *c = &s->vmcb->control;
	struct vmcb_save *save = &s->vmcb->save;
	struct svm_step *step = &s->step;
	u64 *r11 = &s->vcpu.regs.r[REG_R11];
	struct event fault;
	const struct insn *insn;
	enum insn_op op;

	svm_regs_from_vmcb(s);
	insn = fetch_insn(&s->vcpu, &fault);
	op = insn ? insn->op : INSN_INVALID;
	s->vcpu.state_fresh = 0;
	*step = (struct svm_step){
		.active = true,
		.guest_tf = save->rflags & RFLAGS_TF,
		.dr6 = save->dr6,
		.sfmask = save->sfmask,
		.r11_tf = *r11 & RFLAGS_TF,
		.exceptions = c->intercept_exceptions,
		.misc1 = c->intercept_misc1,
		.misc2 = c->intercept_misc2,
		.op = op,
		.len = insn ? insn->len : 0,
		.imm = insn ? (u8)insn->imm : 0,
		.pushes_flags = op == INSN_PUSHF,
		.loads_flags = op == INSN_POPF || op == INSN_IRET,
		.iret = op == INSN_IRET,
	};
	if (op == INSN_SYSCALL)
		save->sfmask &= ~RFLAGS_TF;
	if (op == INSN_SYSRET)
		*r11 |= RFLAGS_TF;
	save->rflags |= RFLAGS_TF;
	save->dr6 = DR6_FIXED;
	c->intercept_exceptions = ~0u;
	c->intercept_misc1 &= ~(u32)VMCB_INTERCEPT_IRET;
	c->intercept_misc1 |= VMCB_INTERCEPT_SWINT;
	if (!insn) /* the tables or the code are changing: be told */
		c->intercept_misc1 |= VMCB_INTERCEPT_PUSHF | VMCB_INTERCEPT_POPF |
				      VMCB_INTERCEPT_IRET;
	c->intercept_misc2 |= VMCB_INTERCEPT_ICEBP;
	svm_changed(s, VMCB_CLEAN_I | VMCB_CLEAN_DRX);
}

/* TF as the guest must find it after the instruction, and in R11 if that has it. */
static void step_end_flags(struct svm_vcpu *s, bool done)
{
	struct vmcb_save *save = &s->vmcb->save;
	const struct svm_step *step = &s->step;
	u64 *r11 = &s->vcpu.regs.r[REG_R11], tf = step->guest_tf;

	save->sfmask = step->sfmask;
	if (step->op == INSN_SYSRET)
		*r11 = (*r11 & ~RFLAGS_TF) | step->r11_tf;
	if (done && step->loads_flags)
		return;
	if (done && step->op == INSN_SYSRET)
		tf = step->r11_tf;
	if (done && step->op == INSN_SYSCALL) {
		*r11 = (*r11 & ~RFLAGS_TF) | tf;
		tf &= ~step->sfmask;
	}
	save->rflags = (save->rflags & ~RFLAGS_TF) | tf;
}

/* All as it was before, but for what the instruction itself did. */
void svm_step_end(struct svm_vcpu *s, bool done)
{
	struct vmcb_control *c = &s->vmcb->control;
	struct svm_step *step = &s->step;

	c->intercept_exceptions = step->exceptions;
	c->intercept_misc1 = step->misc1;
	c->intercept_misc2 = step->misc2;
	s->vmcb->save.dr6 = step->dr6;
	step_end_flags(s, done);
	step->active = false;
	svm_changed(s, VMCB_CLEAN_I | VMCB_CLEAN_DRX);
}

/* Take our TF out of the RFLAGS that PUSHF has just pushed. */
static void step_clean_stack(struct svm_vcpu *s)
{
	struct vcpu *v = &s->vcpu;
	const struct cpu_state *state;
	struct event fault;
	u64 at;
	u8 byte;

	svm_regs_from_vmcb(s);
	state = vcpu_state(v, STATE_EXEC | STATE_SEG);
	at = v->regs.r[REG_RSP] + 1; /* the byte of TF */
	if (!(state->efer & EFER_LMA) || !(state->seg[SEG_CS].attr & SEG_ATTR_L)) {
		at &= state->seg[SEG_SS].attr & SEG_ATTR_DB ? 0xffffffff : 0xffff;
		at = (u32)(at + state->seg[SEG_SS].base);
	}
	if (!emulate_read(v, at, &byte, 1, false, &fault)) {
		byte &= (u8)~(RFLAGS_TF >> 8);
		emulate_write(v, at, &byte, 1, false, &fault);
	}
	v->state_fresh = 0;
}

/*
 * The instruction is not executed but raises an event, which the guest gets, without our TF.  To
 * QEMU 7.2, INT3 and INTO are software interrupts too.  An INT n that was not there to be decoded
 * has been fetched by now: it is tried again.
 */
static void step_reflect(struct svm_vcpu *s, u64 code, u64 dr6)
{
	struct vmcb_save *save = &s->vmcb->save;
	const struct vmcb_control *c = &s->vmcb->control;
	struct event event = { .type = EVENT_EXCEPTION,
			       .vector = (u8)(code - VMCB_EXIT_EXCEPTION) };

	if (code == VMCB_EXIT_SWINT && s->step.op == INSN_INT) {
		event = (struct event){ .type = EVENT_SOFT_INT, .vector = s->step.imm };
	} else if (code == VMCB_EXIT_SWINT && s->step.op == INSN_INT3) {
		event = (struct event){ .type = EVENT_SOFT_EXCEPTION, .vector = VECTOR_BP };
	} else if (code == VMCB_EXIT_SWINT && s->step.op == INSN_INTO) {
		event = (struct event){ .type = EVENT_SOFT_EXCEPTION, .vector = VECTOR_OF };
	} else if (code == VMCB_EXIT_SWINT) {
		return;
	} else if (code == VMCB_EXIT_ICEBP) {
		event = (struct event){ .type = EVENT_ICEBP, .vector = VECTOR_DB };
	} else if (event.vector == VECTOR_BP || event.vector == VECTOR_OF) {
		event.type = EVENT_SOFT_EXCEPTION;
	} else if ((SVM_EXCEPTIONS_WITH_ERROR & BIT(event.vector)) && (save->cr0 & CR0_PE)) {
		event.has_error = true;
		event.error = (u32)c->exitinfo1;
	}
	if (event.type != EVENT_EXCEPTION)
		event.insn_len = s->step.len;
	if (event.type == EVENT_EXCEPTION && event.vector == VECTOR_PF)
		svm_set_cr2(s, c->exitinfo2);
	if (event.type == EVENT_EXCEPTION && event.vector == VECTOR_DB) {
		save->dr6 |= dr6;
		save->dr7 &= ~DR7_GD; /* of its delivery, which does not do it */
	}
	svm_inject(&s->vcpu, &event);
	svm_changed(s, VMCB_CLEAN_CR2 | VMCB_CLEAN_DRX);
}

/*
 * The debug exception of our TF sets BS; of Bochs 2.7, which leaves DR6 alone when #DB is
 * intercepted, nothing.  Others are the guest's: breakpoints before it, DR7.GD.
 */
static enum svm_step_result step_stopped(struct svm_vcpu *s, u64 code)
{
	u64 dr6 = s->vmcb->save.dr6 & ~DR6_FIXED;

	if (code == VMCB_EXIT_EXCEPTION + VECTOR_DB && (!dr6 || (dr6 & DR6_BS)))
		return STEP_DONE;
	if (code == VMCB_EXIT_EXCEPTION + VECTOR_MC)
		return STEP_EXIT;
	if (code - VMCB_EXIT_EXCEPTION < 32 || code == VMCB_EXIT_SWINT || code == VMCB_EXIT_ICEBP)
		return STEP_FAULT;
	switch (code) {
	case VMCB_EXIT_PUSHF:
		s->step.pushes_flags = true;
		s->vmcb->control.intercept_misc1 &= ~(u32)VMCB_INTERCEPT_PUSHF;
		break;
	case VMCB_EXIT_POPF:
	case VMCB_EXIT_IRET:
		s->step.iret = code == VMCB_EXIT_IRET;
		s->step.loads_flags = true;
		s->vmcb->control.intercept_misc1 &=
			~(u32)(VMCB_INTERCEPT_POPF | VMCB_INTERCEPT_IRET);
		break;
	default:
		return STEP_EXIT;
	}
	svm_changed(s, VMCB_CLEAN_I);
	return STEP_GOES_ON;
}

/* After an exit during a step.  An IRET ends NMI blocking, even one that faults. */
enum svm_step_result svm_step_after(struct svm_vcpu *s)
{
	const struct svm_step *step = &s->step;
	u64 code = s->vmcb->control.exitcode, dr6 = s->vmcb->save.dr6 & ~DR6_FIXED;
	enum svm_step_result result = step_stopped(s, code);
	bool own_trap = step->op == INSN_SYSRET ? step->r11_tf : step->guest_tf;

	if (result == STEP_GOES_ON)
		return result;
	svm_step_end(s, result == STEP_DONE);
	if (result == STEP_EXIT)
		return result;
	if (s->step.iret)
		svm_set_nmi_blocked(s, false);
	if (result == STEP_FAULT) {
		step_reflect(s, code, dr6);
		return result;
	}
	if (step->pushes_flags && !step->guest_tf)
		step_clean_stack(s);
	if (step->op == INSN_SYSCALL && (step->sfmask & RFLAGS_TF))
		own_trap = false;
	dr6 = (dr6 & ~DR6_BS) | (own_trap ? DR6_BS : 0);
	if (!dr6)
		return STEP_DONE;
	irq_raise(&s->vcpu,
		  &(struct event){ .type = EVENT_EXCEPTION, .vector = VECTOR_DB, .dr6 = dr6 });
	return STEP_TRAP;
}

