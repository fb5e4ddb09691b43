/*
 * svm_event.c - events into the guest, and waiting for the moment when it can take them
 *
 * Owns: EVENTINJ and V_IRQ, the interrupt and NMI windows, NMI blocking.
 * Must not know: which event is due (vm/irq.c), how a step is made (svm_step.c).
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
 * A fault in the delivery of #DF is the triple fault, which SHUTDOWN intercepts; Bochs 2.7
 * ignores that and stops altogether.  So #DF always exits before it is delivered, and is injected
 * while all that could make a triple fault of it is intercepted.  What then exits with the #DF in
 * EXITINTINFO is the triple fault (irq_raise ends the VM).  The guard ends right behind the
 * delivery, with an exit of its own: Bochs 2.7 calls a later fault one in the delivery.
 * [APM] vol. 2 "Exception Intercepts" (15.12), "#DF - Double-Fault Exception" (8.2.9)
 */
#define DELIVERY_FAULTS                                                                           \
	((u32)(BIT(VECTOR_DE) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | \
	       BIT(VECTOR_GP) | BIT(VECTOR_PF) | BIT(VECTOR_CP)))

static void guard_delivery(struct svm_vcpu *s)
{
	s->guarded = true;
	s->vmcb->control.intercept_exceptions = SVM_EXCEPTIONS_NOW | DELIVERY_FAULTS;
	s->dirty |= VMCB_CLEAN_I;
}

/* What was good before needs no check, and not the slow way either. */
static void end_guard(struct svm_vcpu *s)
{
	s->guarded = false;
	s->vmcb->control.intercept_exceptions = SVM_EXCEPTIONS_NOW;
	s->vmcb->control.clean &= ~(u32)VMCB_CLEAN_I;
}

/*
 * QEMU 7.2 delivers the second fault instead of #DF if the first came by EVENTINJ, so they are
 * merged in irq_raise.  Bochs 2.7 does merge.
 */
static bool needs_guard(u8 vector)
{
	return vector == VECTOR_DF ||
	       (svm_features.virtual_interrupts && (DELIVERY_FAULTS & BIT(vector)));
}

/*
 * The next VMRUN delivers event: EVENTINJ gets its vector, its type (injected_type), V, and if
 * there is an error code that one and EV.  svm_changed wants to know it, as SVM_DIRTY_EVENT.
 * An event without type, or of one beyond the table, is our own bug.
 *
 * Soft events, EVENT_SOFT_INT and all behind it, push the address of the next instruction:
 * with NRIP save the CPU takes it from nRIP, else RIP must have moved on already.  So their
 * length goes to soft_len, by which RIP is moved for the entry, and back if the delivery is
 * cut short; it is 0 for the others.
 *
 * What is delivered ends the interrupt shadow.  An NMI blocks further ones, which AMD-V leaves
 * to software (svm_set_nmi_blocked).  Exceptions that needs_guard names are delivered under
 * guard_delivery.
 *
 * [APM] vol. 2 "Event Injection" (15.20), "Interrupt Shadows" (15.21.5)
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
	if (event->type == EVENT_EXCEPTION && needs_guard(event->vector))
		guard_delivery(s);
	svm_changed(s, SVM_DIRTY_EVENT);
}

void svm_window(struct vcpu *v, unsigned windows)
{
	struct svm_vcpu *s = svm_vcpu(v);

	s->windows = (u8)windows;
	s->dirty |= SVM_DIRTY_WINDOW; /* also to take the old ones back */
}

/* ---- External interrupts as virtual ones --------------------------------------------- */

#define V_IRQ_FIELDS (VMCB_V_IRQ | VMCB_V_INTR_PRIO | VMCB_V_IGN_TPR | VMCB_V_INTR_VECTOR)

static bool injects_interrupt(const struct vmcb_control *c)
{
	return (c->eventinj & (VMCB_EVENT_V | VMCB_EVENT_TYPE)) ==
	       (VMCB_EVENT_V | (u64)VMCB_EVENT_TYPE_INTR << VMCB_EVENT_TYPE_SHIFT);
}

/*
 * An interrupt that came by EVENTINJ QEMU 7.2 may deliver a second time, whatever IF says: when
 * anything but an event stops its CPU loop before the next exit.  So it is offered as V_IRQ, which
 * the CPU takes before the first instruction, as the guest has IF set and no shadow.  Faults of the
 * delivery exit: QEMU leaves V_IRQ set then, and would try again behind the fault's handler.  Bochs
 * 2.7 does not take V_IRQ at an entry (svm_features.virtual_interrupts): it gets EVENTINJ.
 * [APM] vol. 2 "Virtual Interrupts" (15.21.4)
 */
static void offer_interrupt(struct svm_vcpu *s)
{
	struct vmcb_control *c = &s->vmcb->control;

	c->int_control |= VMCB_V_IRQ | VMCB_V_INTR_PRIO | VMCB_V_IGN_TPR |
			  (c->eventinj & VMCB_EVENT_VECTOR) << VMCB_V_INTR_VECTOR_SHIFT;
	c->eventinj = 0;
	s->offered = true;
	guard_delivery(s);
	svm_changed(s, VMCB_CLEAN_TPR);
}

/*
 * The entry is over: EXITINTINFO says what became of the offer, as if it had been an injection.
 * An interrupt not taken, because one of the host's came first, is one cut short; so is one whose
 * delivery exited, which QEMU 7.2 calls an exception there, leaving V_IRQ set.  But behind a fault
 * of the delivery the interrupt does not come again: the CPU had acknowledged it.
 */
static void end_offer(struct svm_vcpu *s)
{
	struct vmcb_control *c = &s->vmcb->control;
	u64 vector = c->int_control >> VMCB_V_INTR_VECTOR_SHIFT & VMCB_EVENT_VECTOR;
	bool pending = c->int_control & VMCB_V_IRQ, cut = c->exitintinfo & VMCB_EVENT_V;
	u64 exception = c->exitcode - VMCB_EXIT_EXCEPTION;

	s->offered = false;
	c->int_control &= ~V_IRQ_FIELDS;
	c->clean &= ~(u32)VMCB_CLEAN_TPR;
	if (!pending && (c->exitintinfo & VMCB_EVENT_TYPE))
		return;
	if (cut && exception < 32 && (DELIVERY_FAULTS & BIT(exception)))
		c->exitintinfo = 0;
	else if (cut || pending)
		c->exitintinfo = VMCB_EVENT_V | vector;
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
	svm_choose_way(s);
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

/*
 * Before an entry: get the CPU to exit when a window opens that s->windows asks for.  EXIT_WINDOW_*
 * if one is open already: then nothing needs to run.  Else EXIT_NONE.
 *
 * An event that is injected (EVENTINJ) comes before all else, and ends a shadow.  So a window
 * is open if there is neither an event nor a shadow (int_shadow), and
 *   - that of NMIs: it was asked for, and NMIs are not blocked;
 *   - that of interrupts: it was asked for, and RFLAGS.IF is set.  NMIs come first.
 * If none is:
 *   1. A step is needed if SVM_DIRTY_STEP asks for one (once: the bit is cleared), or if any
 *      window was asked for and there is a shadow, but no event.
 *   2. With a step, V_IRQ is off; without, it is on exactly while the window of interrupts is
 *      asked for (set_virtual_interrupt): it exits when IF is set.
 *   3. Then one of these, the first that applies: the step (svm_step_begin); exit_behind_event,
 *      if NMIs are waited for that are not blocked, or a delivery is guarded (s->guarded), or an
 *      interrupt is to be injected here as V_IRQ while the window needs V_IRQ, too (any of
 *      s->windows); offer_interrupt, if an interrupt is to be injected as V_IRQ, and IF is set.
 * Interrupts are injected as V_IRQ where svm_features.virtual_interrupts says so, if
 * injects_interrupt, but not with a step.  Blocked NMIs need nothing: their IRET exits.
 */
static enum exit_reason open_windows(struct svm_vcpu *s)
{
	struct vmcb_control *c = &s->vmcb->control;
	bool event = c->eventinj & VMCB_EVENT_V, shadow = c->int_shadow & VMCB_INTERRUPT_SHADOW;
	bool nmi = (s->windows & WINDOW_NMI) && !s->nmi_blocked;
	bool intr = (s->windows & WINDOW_INTR) && (s->vmcb->save.rflags & RFLAGS_IF);
	bool step = (s->dirty & SVM_DIRTY_STEP) || (s->windows && shadow && !event);
	bool offer = svm_features.virtual_interrupts && injects_interrupt(c) && !step;

	s->dirty &= ~(u32)SVM_DIRTY_STEP;
	if (!event && !shadow && (nmi || intr))
		return nmi ? EXIT_WINDOW_NMI : EXIT_WINDOW_INTR;
	set_virtual_interrupt(s, (s->windows & WINDOW_INTR) && !step);
	if (step)
		svm_step_begin(s);
	else if (nmi || s->guarded || (offer && s->windows)) /* V_IRQ is taken by the window */
		exit_behind_event();
	else if (offer && (s->vmcb->save.rflags & RFLAGS_IF))
		offer_interrupt(s);
	return EXIT_NONE;
}

/*
 * No instruction sets reserved bits of RFLAGS, nor VM in long mode; QEMU 7.2's ADCX does
 * (docs/emulators.md).  That is not the guest's fault: as on a CPU, they stay clear.
 */
static void mend_rflags(struct vmcb_save *save)
{
	save->rflags &= ~(u64)RFLAGS_RESERVED;
	if (save->efer & EFER_LMA)
		save->rflags &= ~(u64)RFLAGS_VM;
}

/*
 * SYSENTER gives CS with L and without D, or is #UD; QEMU 7.2's gives both in long mode, which
 * its own VMRUN refuses (docs/emulators.md).  The guest runs 64-bit code.  What an operator broke
 * stays.
 */
bool svm_mend_cs(struct svm_vcpu *s)
{
	struct vmcb_save *save = &s->vmcb->save;
	const u16 both = SEG_ATTR_L | SEG_ATTR_DB;

	if (likely((save->cs.attrib & both) != both) || !(save->efer & EFER_LMA) || s->poke.size)
		return false;
	save->cs.attrib &= (u16)~SEG_ATTR_DB;
	svm_changed(s, VMCB_CLEAN_SEG);
	return true;
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
	svm_mend_cs(s);
	if (groups & SVM_DIRTY_LOADED)
		mend_rflags(&s->vmcb->save);
	if (SVM_CHECKING)
		groups |= SVM_CHECK_CPU;
	if (unlikely(s->dirty & SVM_DIRTY_POKE)) {
		groups = ~0u;
		if (svm_poke_apply(s))
			return true;
	}
	if (!groups || svm_check(s->vmcb, &svm_features, groups, NULL) == 0) {
		c->clean &= ~s->dirty;
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
	/* An entry that was refused flushed nothing. */
	if (unlikely(c->tlb_control == VMCB_TLB_FLUSH_ALL) && (u32)c->exitcode != VMCB_EXIT_INVALID)
		svm_flushed_all();
	s->soft_len = 0;
	c->eventinj = 0;
	c->tlb_control = VMCB_TLB_NOTHING;
	c->clean = svm_features.clean;
	s->dirty = s->windows ? SVM_DIRTY_WINDOW : 0;
	s->unchecked = 0;
	if (s->offered)
		end_offer(s);
	if (s->guarded)
		end_guard(s);
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
static bool enter(struct svm_vcpu *s, enum svm_step_result *result)
{
	u64 rip = s->vmcb->save.rip;
	bool shadow = s->vmcb->control.int_shadow & VMCB_INTERRUPT_SHADOW;

	*result = STEP_EXIT;
	if (!before_entry(s)) {
		__asm__ volatile("stgi" ::: "memory"); /* exit_behind_event */
		if (s->step.active)
			svm_step_end(s, false);
		return false;
	}
	svm_enter(&s->vcpu.regs, s->vmcb_pa, s->host_pa, svm_stop);
	if (unlikely(s->poke.forced))
		svm_poke_verdict(s);
	after_exit(s);
	if (shadow)
		keep_shadow(s, rip);
	if (s->step.active)
		*result = svm_step_after(s);
	if (*result == STEP_DONE && s->vmcb->save.rip == rip)
		s->vmcb->control.int_shadow = 0; /* a jump to itself */
	return true;
}

void svm_run_slow(struct svm_vcpu *s)
{
	enum svm_step_result result;
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

/* Not beside the ways themselves: the audit of entries puts itself between by the linker. */
void svm_choose_way(struct svm_vcpu *s)
{
	if (s->vmcb->control.int_control & VMCB_V_IRQ)
		s->again = svm_stop;
	else
		s->again = svm_features.nrips ? svm_go_on_nrips : svm_go_on;
}
