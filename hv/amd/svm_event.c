/*
 * svm_event.c - events into the guest, and waiting for the moment when it can take them
 *
 * Owns: EVENTINJ, the interrupt and NMI windows, NMI blocking, stepping over one instruction.
 * Must not know: which event is due (vm/irq.c).
 *
 * AMD-V helps with one window only: an intercepted virtual interrupt exits when RFLAGS.IF is set
 * and no shadow is in force.  Whether NMIs are blocked it does not say at all.  So from an NMI's
 * delivery on, IRET is intercepted, and is then stepped over, since NMIs are blocked until it has
 * completed.  The end of an interrupt shadow is found by a step too: QEMU 7.2 forgets the
 * shadow at VMRUN, so a virtual interrupt would come too early there.
 *
 * Sources: [APM] vol. 2 "Event Injection" (15.20), "Interrupt and Local APIC Support" (15.21),
 * "Interrupt Shadows" (15.21.5), "Virtual Interrupts" (15.21.4).
 */
#include "amd/svm.h"

#include "vm/emulate.h"
#include "vm/irq.h"

static const u8 injected_type[] = {
	[EVENT_INTR] = VMCB_EVENT_TYPE_INTR,
	[EVENT_NMI] = VMCB_EVENT_TYPE_NMI,
	[EVENT_EXCEPTION] = VMCB_EVENT_TYPE_EXCEPTION,
	[EVENT_SOFT_INT] = VMCB_EVENT_TYPE_SOFT_INT,
	[EVENT_SOFT_EXCEPTION] = VMCB_EVENT_TYPE_EXCEPTION,
	[EVENT_ICEBP] = VMCB_EVENT_TYPE_EXCEPTION,
};

/* From here to its IRET an NMI handler is not interrupted by another NMI. */
void svm_set_nmi_blocked(struct svm_vcpu *s, bool blocked)
{
	struct vmcb_control *c = &s->vmcb->control;

	if (s->nmi_blocked == blocked)
		return;
	s->nmi_blocked = blocked;
	if (blocked)
		c->intercept_misc1 |= VMCB_INTERCEPT_IRET;
	else
		c->intercept_misc1 &= ~(u32)VMCB_INTERCEPT_IRET;
	svm_changed(s, VMCB_CLEAN_I);
}

/*
 * A fault in the delivery of #DF is the triple fault, which SHUTDOWN intercepts; Bochs 2.7 ignores
 * that and stops altogether.  So #DF always exits before it is delivered, and is injected while
 * all that could make a triple fault of it is intercepted.  What then exits with the #DF in
 * EXITINTINFO is the triple fault (irq_raise ends the VM); without, it is a later fault of the
 * guest, raised as it came.  The first exit ends it, so no guest pays who has no double faults.
 * [APM] vol. 2 "Exception Intercepts" (15.12), "#DF - Double-Fault Exception" (8.2.9)
 */
#define DF_GUARD                                                                                  \
	((u32)(BIT(VECTOR_DE) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | \
	       BIT(VECTOR_GP) | BIT(VECTOR_PF) | BIT(VECTOR_CP)))

static void guard_double_fault(struct svm_vcpu *s, bool on)
{
	struct vmcb_control *c = &s->vmcb->control;

	if (s->df_guarded == on)
		return;
	s->df_guarded = on;
	c->intercept_exceptions = on ? SVM_EXCEPTIONS | DF_GUARD : SVM_EXCEPTIONS;
	svm_changed(s, VMCB_CLEAN_I);
}

/*
 * Soft events push the address of the next instruction: with NRIP save the CPU takes it from
 * nRIP, else RIP must have moved on already; RIP is moved for the entry in any case, and back
 * if the delivery is cut short.  What is delivered ends the interrupt shadow.
 */
void svm_inject(struct vcpu *v, const struct event *event)
{
	struct svm_vcpu *s = svm_vcpu(v);
	struct vmcb_control *c = &s->vmcb->control;

	check(event->type > EVENT_NONE && event->type < ARRAY_SIZE(injected_type));
	c->eventinj = VMCB_EVENT_V | event->vector |
		      (u64)injected_type[event->type] << VMCB_EVENT_TYPE_SHIFT;
	if (event->has_error)
		c->eventinj |= VMCB_EVENT_EV | (u64)event->error << VMCB_EVENT_ERROR_SHIFT;
	s->soft_len = event->type >= EVENT_SOFT_INT ? event->insn_len : 0;
	c->int_shadow = 0;
	if (event->type == EVENT_NMI)
		svm_set_nmi_blocked(s, true);
	if (event->type == EVENT_EXCEPTION && event->vector == VECTOR_DF)
		guard_double_fault(s, true);
	svm_changed(s, SVM_DIRTY_EVENT);
}

void svm_window(struct vcpu *v, unsigned windows)
{
	struct svm_vcpu *s = svm_vcpu(v);

	s->windows = (u8)windows;
	s->dirty |= SVM_DIRTY_WINDOW; /* also to take the old ones back */
}

/* ---- Stepping over one instruction ------------------------------------------------- */

/*
 * Set TF for one instruction, so that the guest never sees it.  Whatever else the instruction may
 * do is intercepted, and nothing has happened yet at such an exit.  The instructions that read
 * or write RFLAGS are told apart by their intercepts, SYSCALL and SYSRET by their opcode:
 * after these it is the new TF that counts, so it is made to survive.
 */
static void step_begin(struct svm_vcpu *s)
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
static void step_end(struct svm_vcpu *s, bool done)
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
		if (dr6 & DR6_BD)
			save->dr7 &= ~DR7_GD;
	}
	svm_inject(&s->vcpu, &event);
	svm_changed(s, VMCB_CLEAN_CR2 | VMCB_CLEAN_DRX);
}

/* What became of the step. */
enum step_result {
	STEP_GOES_ON, /* it is an instruction to be known about */
	STEP_DONE,
	STEP_TRAP, /* done, and a debug trap of the guest's own is raised */
	STEP_FAULT, /* not executed, its event is injected */
	STEP_EXIT, /* not executed, something else stopped the guest */
};

/*
 * The debug exception of our TF sets BS; of Bochs 2.7, which leaves DR6 alone when #DB is
 * intercepted, nothing.  Others are the guest's: breakpoints before it, DR7.GD.
 */
static enum step_result step_stopped(struct svm_vcpu *s, u64 code)
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
static enum step_result step_after(struct svm_vcpu *s)
{
	const struct svm_step *step = &s->step;
	u64 code = s->vmcb->control.exitcode, dr6 = s->vmcb->save.dr6 & ~DR6_FIXED;
	enum step_result result = step_stopped(s, code);
	bool own_trap = step->op == INSN_SYSRET ? step->r11_tf : step->guest_tf;

	if (result == STEP_GOES_ON)
		return result;
	step_end(s, result == STEP_DONE);
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

/* ---- Entering with all that is asked for -------------------------------------------- */

/* V_IRQ, with an intercept, exits as soon as an interrupt could be taken. */
static void set_virtual_interrupt(struct svm_vcpu *s, bool on)
{
	struct vmcb_control *c = &s->vmcb->control;

	if (on == !!(c->int_control & VMCB_V_IRQ))
		return;
	if (on) {
		c->int_control |= VMCB_V_IRQ | VMCB_V_IGN_TPR;
		c->intercept_misc1 |= VMCB_INTERCEPT_VINTR;
	} else {
		c->int_control &= ~(VMCB_V_IRQ | VMCB_V_IGN_TPR);
		c->intercept_misc1 &= ~(u32)VMCB_INTERCEPT_VINTR;
	}
	svm_changed(s, VMCB_CLEAN_I | VMCB_CLEAN_TPR);
}

/*
 * Come back from the guest right behind the delivery of its event: something of the host's is
 * pending as it is entered.  Where a guest with interrupts off holds those of the host back too
 * (Bochs 2.7), an NMI, which the clear GIF keeps until then; svm_enter sets it again.
 */
static void exit_behind_event(void)
{
	if (!amd_ops.kick_needs_nmi()) {
		host_pend_interrupt();
		return;
	}
	__asm__ volatile("clgi" ::: "memory");
	host_pend_nmi();
}

/* EXIT_WINDOW_*: that window is open already, nothing needs to run; else EXIT_NONE. */
static enum exit_reason open_windows(struct svm_vcpu *s)
{
	struct vmcb_control *c = &s->vmcb->control;
	bool event = c->eventinj & VMCB_EVENT_V, shadow = c->int_shadow & VMCB_INTERRUPT_SHADOW;
	bool nmi = (s->windows & WINDOW_NMI) && !s->nmi_blocked;
	bool intr = (s->windows & WINDOW_INTR) && (s->vmcb->save.rflags & RFLAGS_IF);
	bool step = (s->dirty & SVM_DIRTY_STEP) || (s->windows && shadow && !event);

	s->dirty &= ~(u32)SVM_DIRTY_STEP;
	if (!event && !shadow && (nmi || intr))
		return nmi ? EXIT_WINDOW_NMI : EXIT_WINDOW_INTR;
	set_virtual_interrupt(s, (s->windows & WINDOW_INTR) && !step);
	if (step)
		step_begin(s);
	else if (nmi)
		exit_behind_event();
	return EXIT_NONE;
}

/* False: the VMCB breaks a rule, and v->exit says so. */
static bool before_entry(struct svm_vcpu *s)
{
	struct vmcb_control *c = &s->vmcb->control;
	struct vm_exit *exit = &s->vcpu.exit;
	u32 groups = s->unchecked;

	if (s->soft_len) {
		s->vmcb->save.rip += s->soft_len;
		c->nrip = s->vmcb->save.rip;
		s->soft_rip = c->nrip;
	}
	c->tlb_control = svm_tlb_control(s);
	if (SVM_CHECKING)
		groups |= SVM_CHECK_CPU;
	if (unlikely(s->dirty & SVM_DIRTY_POKE)) {
		groups = ~0u;
		if (svm_poke_apply(s))
			return true;
	}
	if (svm_check(s->vmcb, &svm_features, groups, NULL) == 0) {
		c->clean = svm_features.clean & ~s->dirty;
		return true;
	}
	exit->reason = EXIT_REFUSED;
	exit->outcome = OUTCOME_NONE;
	exit->raw = VMCB_EXIT_INVALID;
	exit->word = 0;
	return false;
}

/* What was for one entry only is over. */
static void after_exit(struct svm_vcpu *s)
{
	struct vmcb_control *c = &s->vmcb->control;
	bool cut = s->soft_len && (c->exitintinfo & VMCB_EVENT_V) &&
		   s->vmcb->save.rip == s->soft_rip;

	if (cut)
		s->vmcb->save.rip -= s->soft_len;
	s->cut_len = cut ? s->soft_len : 0;
	s->soft_len = 0;
	c->eventinj = 0;
	c->tlb_control = VMCB_TLB_NOTHING;
	c->clean = svm_features.clean;
	s->dirty = s->windows ? SVM_DIRTY_WINDOW : 0;
	s->unchecked = 0;
	guard_double_fault(s, false);
}

static void exit_with(struct svm_vcpu *s, enum exit_reason reason)
{
	struct vm_exit *exit = &s->vcpu.exit;

	svm_regs_from_vmcb(s);
	exit->raw = s->vmcb->control.exitcode;
	exit->reason = (u8)reason;
	exit->outcome = OUTCOME_NONE;
	exit->word = 0;
}

/*
 * A guest that did not get ahead is still in the shadow that it was entered with, though QEMU 7.2,
 * which does not read the VMCB's shadow, has forgotten it.
 */
static void keep_shadow(struct svm_vcpu *s, u64 rip)
{
	if (s->vmcb->save.rip == rip)
		s->vmcb->control.int_shadow |= VMCB_INTERRUPT_SHADOW;
}

/* One entry.  False: the VMCB was refused by our own rules. */
static bool enter(struct svm_vcpu *s, enum step_result *result)
{
	u64 rip = s->vmcb->save.rip;
	bool shadow = s->vmcb->control.int_shadow & VMCB_INTERRUPT_SHADOW;

	*result = STEP_EXIT;
	if (!before_entry(s)) {
		__asm__ volatile("stgi" ::: "memory"); /* exit_behind_event */
		if (s->step.active)
			step_end(s, false);
		return false;
	}
	svm_enter(&s->vcpu.regs, s->vmcb_pa, s->host_pa, svm_stop);
	if (unlikely(s->poke.forced))
		svm_poke_verdict(s);
	after_exit(s);
	if (shadow)
		keep_shadow(s, rip);
	if (s->step.active)
		*result = step_after(s);
	if (*result == STEP_DONE && s->vmcb->save.rip == rip)
		s->vmcb->control.int_shadow = 0; /* a jump to itself */
	return true;
}

void svm_run_slow(struct svm_vcpu *s)
{
	enum step_result result;
	enum exit_reason open;

	for (;;) {
		open = s->step.active ? EXIT_NONE : open_windows(s);
		if (open) {
			exit_with(s, open);
			return;
		}
		if (!enter(s, &result))
			return;
		if (result == STEP_TRAP) {
			exit_with(s, EXIT_HOST);
			return;
		}
		if (result == STEP_EXIT) {
			svm_exit(s);
			return;
		}
	}
}
