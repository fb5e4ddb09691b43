/*
 * emulate_return.c - returns that load CS
 *
 * Owns: RETF and IRET, to the same level, outwards, to virtual-8086 mode and to another task.
 * Must not know: what is behind the addresses.
 *
 * Sources: [SDM] vol. 2 "RET", "IRET/IRETD/IRETQ"; vol. 3 "Returning from a Called Procedure"
 * (5.8.6), "Entering Virtual-8086 Mode" (20.2.2).
 */
#include "vm/emulate.h"
#include "vm/emulate_far.h"
#include "vm/vm.h"

#define TSS_LINK 0
#define IP_MAX 0xffff /* in virtual-8086 mode */

#define FLAGS_USER (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_TF | \
		    RFLAGS_DF | RFLAGS_OF | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC | RFLAGS_ID)

/* Outwards, segments that the outer level could not have loaded become null. */
static void drop_segments(struct vcpu *v)
{
	static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

	for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
		struct segment *s = &v->state.seg[data[i]];
		bool conforming = (s->attr & SEGMENT_CODE) && (s->attr & SEGMENT_CONFORMING);

		if (s->attr && !conforming && segment_dpl(s) < v->state.cpl)
			*s = (struct segment){ 0 };
	}
}

/* Where a return leads: CS's RPL is the new level. */
static int check_return(struct vcpu *v, u16 selector, struct target *t, struct event *fault)
{
	unsigned rpl = selector & SELECTOR_RPL, dpl;

	if (segment_read(v, selector, &t->code, fault))
		return -1;
	dpl = segment_dpl(&t->code.segment);
	t->cpl = (u8)rpl;
	if (!far_is_code(&t->code.segment) || rpl < v->state.cpl ||
	    (t->code.segment.attr & SEGMENT_CONFORMING ? dpl > rpl : dpl != rpl))
		return segment_fault(fault, VECTOR_GP, selector);
	return far_check_code(v, t, fault);
}

/* SS of the level that is returned to; null for 64-bit code that is not the user's. */
static int outer_stack(struct vcpu *v, const struct target *t, u16 selector, struct stack *s,
		       struct event *fault)
{
	bool wide = segment_long(v) && (t->code.segment.attr & SEG_ATTR_L);
	struct descriptor d;

	if (!(selector & SELECTOR_ERROR)) {
		if (!wide || t->cpl == 3 || (selector & SELECTOR_RPL) != t->cpl)
			return segment_fault(fault, VECTOR_GP, 0);
		s->ss = (struct segment){ .selector = selector };
	} else {
		if (segment_read(v, selector, &d, fault) ||
		    segment_check_stack(&d.segment, t->cpl, VECTOR_GP, fault) ||
		    segment_mark(v, &d, SEGMENT_ACCESSED, fault))
			return -1;
		s->ss = d.segment;
	}
	s->mask = wide ? ~0ull : s->ss.attr & SEG_ATTR_DB ? 0xffffffffull : 0xffffull;
	return 0;
}

/* The stack behind CS and RIP; with `whole` (IRET in 64-bit mode) even if the level stays. */
static int return_to(struct vcpu *v, struct stack *s, unsigned size, u64 release, bool whole,
		     const struct target *t, struct event *fault)
{
	bool outwards = t->cpl != v->state.cpl;
	struct stack outer = { 0 };
	u64 sp, ss;

	s->sp = (s->sp & ~s->mask) | ((s->sp + release) & s->mask);
	if (!outwards && !whole) {
		far_set_code(v, t);
		far_set_stack(v, s);
		return 0;
	}
	if (far_pop(v, s, size, &sp, fault) || far_pop(v, s, size, &ss, fault) ||
	    outer_stack(v, t, (u16)ss, &outer, fault))
		return -1;
	outer.sp = sp;
	if (outwards)
		outer.sp = (sp & ~outer.mask) | ((sp + release) & outer.mask);
	v->state.seg[SEG_SS] = outer.ss;
	far_set_code(v, t);
	if (outwards)
		drop_segments(v);
	vcpu_state_changed(v, STATE_SEG);
	far_set_stack(v, &outer);
	return 0;
}

static enum emulate_result do_ret(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	u64 release = insn->src.kind ? insn->imm : 0, cs;
	struct stack s = far_stack(v);
	struct target t;

	if (far_pop(v, &s, insn->osize, &t.rip, fault) || far_pop(v, &s, insn->osize, &cs, fault))
		return R_FAULT;
	if (!segment_protected(v)) {
		if (far_check_real(v, t.rip, fault))
			return R_FAULT;
		s.sp = (s.sp & ~s.mask) | ((s.sp + release) & s.mask);
		far_set_real(v, (u16)cs, t.rip);
		far_set_stack(v, &s);
		return R_MOVED;
	}
	if (check_return(v, (u16)cs, &t, fault) ||
	    return_to(v, &s, insn->osize, release, false, &t, fault))
		return R_FAULT;
	return R_MOVED;
}

/* ---- IRET ---------------------------------------------------------------------------------- */

/* By the level that executes it. */
static u64 loadable_flags(const struct vcpu *v, unsigned size)
{
	u64 mask = FLAGS_USER, iopl = (v->regs.rflags & RFLAGS_IOPL) >> RFLAGS_IOPL_SHIFT;
	u8 cpl = v->state.cr0 & CR0_PE ? v->state.cpl : 0;

	if (cpl <= iopl)
		mask |= RFLAGS_IF;
	if (!cpl)
		mask |= RFLAGS_IOPL | RFLAGS_VIF | RFLAGS_VIP;
	if (v->regs.rflags & RFLAGS_VM)
		mask &= ~(u64)RFLAGS_IOPL;
	return mask & insn_mask(size);
}

static void set_flags(struct vcpu *v, u64 value, u64 mask)
{
	v->regs.rflags = (v->regs.rflags & ~mask) | (value & mask);
}

/* NMIs are let in again. */
static void unblock_nmi(struct vcpu *v)
{
	if (!vcpu_state(v, STATE_INT)->nmi_blocked)
		return;
	v->state.nmi_blocked = false;
	vcpu_state_changed(v, STATE_INT);
	vcpu_note(v, REQUEST_IRQ);
}

static enum emulate_result iret_real(struct vcpu *v, struct stack *s, unsigned size, u64 rip,
				     u16 cs, u64 flags, struct event *fault)
{
	u64 mask = loadable_flags(v, size) & ~(u64)(RFLAGS_VIF | RFLAGS_VIP);

	if (far_check_real(v, rip, fault))
		return R_FAULT;
	far_set_real(v, cs, rip);
	far_set_stack(v, s);
	set_flags(v, flags, mask);
	unblock_nmi(v);
	return R_MOVED;
}

/* All segments are what the stack holds; the level is 3. */
static enum emulate_result iret_to_v86(struct vcpu *v, struct stack *s, u64 rip, u16 cs, u64 flags,
				       struct event *fault)
{
	static const u8 order[] = { SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	u64 sp, selector[ARRAY_SIZE(order)], mask = loadable_flags(v, 4) | RFLAGS_VM;

	if (far_pop(v, s, 4, &sp, fault))
		return R_FAULT;
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		if (far_pop(v, s, 4, &selector[i], fault))
			return R_FAULT;
	if (rip > IP_MAX) {
		segment_fault(fault, VECTOR_GP, 0);
		return R_FAULT;
	}
	set_flags(v, flags, mask);
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		segment_set_real(v, order[i], (u16)selector[i]);
	segment_set_real(v, SEG_CS, cs);
	v->state.cpl = 3;
	v->regs.rip = rip;
	v->regs.r[REG_RSP] = sp;
	vcpu_state_changed(v, STATE_EXEC | STATE_SEG);
	unblock_nmi(v);
	return R_MOVED;
}

/* Back to the task that this one was called from. */
static enum emulate_result iret_task(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	u16 link;

	if (segment_long(v)) {
		segment_fault(fault, VECTOR_GP, 0);
		return R_FAULT;
	}
	if (emulate_read(v, v->state.tr.base + TSS_LINK, &link, sizeof(link), true, fault))
		return R_FAULT;
	return far_switch_task(v, insn, link, TASK_IRET);
}

static enum emulate_result do_iret(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	unsigned size = insn->osize;
	struct stack s = far_stack(v);
	struct target t;
	u64 cs, flags, mask;

	if (segment_protected(v) && (v->regs.rflags & RFLAGS_NT))
		return iret_task(v, insn, fault);
	/* Virtual-8086 mode is for the monitor then, also where CR4.VME could help. */
	if ((v->regs.rflags & RFLAGS_VM) && (v->regs.rflags & RFLAGS_IOPL) != RFLAGS_IOPL) {
		segment_fault(fault, VECTOR_GP, 0);
		return R_FAULT;
	}
	if (far_pop(v, &s, size, &t.rip, fault) || far_pop(v, &s, size, &cs, fault) ||
	    far_pop(v, &s, size, &flags, fault))
		return R_FAULT;
	if (!segment_protected(v))
		return iret_real(v, &s, size, t.rip, (u16)cs, flags, fault);
	if (size == 4 && (flags & RFLAGS_VM) && !v->state.cpl && !segment_long(v))
		return iret_to_v86(v, &s, t.rip, (u16)cs, flags, fault);
	mask = loadable_flags(v, size);
	if (check_return(v, (u16)cs, &t, fault) ||
	    return_to(v, &s, size, 0, emulate_code64(v), &t, fault))
		return R_FAULT;
	set_flags(v, flags, mask);
	unblock_nmi(v);
	return R_MOVED;
}

enum emulate_result emulate_return(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	if (insn->op != INSN_RET_FAR && insn->op != INSN_IRET)
		return R_UNKNOWN;
	vcpu_state(v, STATE_EXEC | STATE_SEG);
	return insn->op == INSN_IRET ? do_iret(v, insn, fault) : do_ret(v, insn, fault);
}
