/*
 * emulate_stack.c - instructions with the stack: one operand in memory, or the stack itself
 *
 * Owns: PUSH, POP and their kin, near CALL, JMP and RET, ENTER, LEAVE; the width of stack addresses
 * and the checks of a branch's target.
 * Must not know: what is behind the addresses.
 *
 * Sources: [SDM] vol. 1 "Stacks" (6.2); vol. 2, each instruction's page.
 */
#include "vm/alu.h"
#include "vm/emulate_parts.h"
#include "vm/vm.h"

/* rSP of the stack's width becomes offset; what is above it stays. */
static void set_sp(struct vcpu *v, u64 offset)
{
	u64 mask = emulate_stack_mask(v);

	v->regs.r[REG_RSP] = (v->regs.r[REG_RSP] & ~mask) | (offset & mask);
}

static int locate_push(struct vcpu *v, unsigned size, struct emulate_place *place, u64 *sp,
		       struct event *fault)
{
	*sp = (v->regs.r[REG_RSP] - size) & emulate_stack_mask(v);
	return emulate_locate_in(v, SEG_SS, *sp, size, true, place, fault);
}

static int locate_pop(struct vcpu *v, unsigned size, struct emulate_place *place,
		      struct event *fault)
{
	return emulate_locate_in(v, SEG_SS, v->regs.r[REG_RSP] & emulate_stack_mask(v), size, false,
				 place, fault);
}

static enum emulate_result do_push(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	struct emulate_place src, stack;
	u64 sp, value;

	if (emulate_locate_operand(v, insn, &insn->src, insn->src.size, false, &src, fault) ||
	    locate_push(v, insn->osize, &stack, &sp, fault))
		return R_FAULT;
	value = emulate_value(v, insn, &insn->src, &src);
	emulate_put(v, &stack, &value);
	set_sp(v, sp);
	emulate_accessed(v, &src);
	emulate_accessed(v, &stack);
	return R_DONE;
}

/* An operand addressed by rSP is so by the rSP behind the pop; POP rSP keeps what was popped. */
static enum emulate_result do_pop(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	struct emulate_place dst, stack;
	u64 old = v->regs.r[REG_RSP], value = 0;

	if (locate_pop(v, insn->osize, &stack, fault))
		return R_FAULT;
	set_sp(v, old + insn->osize);
	if (emulate_locate_operand(v, insn, &insn->dst, insn->dst.size, true, &dst, fault)) {
		v->regs.r[REG_RSP] = old;
		return R_FAULT;
	}
	emulate_get(v, &stack, &value);
	emulate_store(v, insn, &insn->dst, &dst, value);
	emulate_accessed(v, &stack);
	emulate_accessed(v, &dst);
	return R_DONE;
}

/* ---- Near branches ------------------------------------------------------------------- */

/* Where code goes on; a target beyond the limit, or not canonical, is #GP(0) of the branch. */
static int check_target(struct vcpu *v, const struct insn *insn, u64 *target, struct event *fault)
{
	const struct segment *cs = &vcpu_state(v, STATE_EXEC)->seg[SEG_CS];

	*target &= insn_mask(insn->osize);
	if (emulate_code64(v) ? emulate_canonical(v, *target) : *target <= cs->limit)
		return 0;
	return emulate_fault(fault, VECTOR_GP, 0);
}

/* The exit's completion steps over the instruction: from that far before the target. */
static void branch(struct vcpu *v, const struct insn *insn, u64 target)
{
	v->regs.rip = target - insn->len;
}

static u64 target_of(struct vcpu *v, const struct insn *insn, const struct insn_operand *opnd,
		     const struct emulate_place *place)
{
	if (opnd->kind == OPERAND_REL)
		return v->regs.rip + insn->len + insn->imm;
	return emulate_value(v, insn, opnd, place);
}

/* JMP and CALL, whose operand is src (r/m) or dst (a distance). */
static enum emulate_result do_branch(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	const struct insn_operand *opnd = insn->dst.kind ? &insn->dst : &insn->src;
	bool call = insn->op == INSN_CALL;
	struct emulate_place src, stack;
	u64 next = fetch_rip_behind(v, v->regs.rip, insn->len), target, sp = 0;

	if (emulate_locate_operand(v, insn, opnd, insn->osize, false, &src, fault))
		return R_FAULT;
	if (call && locate_push(v, insn->osize, &stack, &sp, fault))
		return R_FAULT;
	target = target_of(v, insn, opnd, &src);
	if (check_target(v, insn, &target, fault))
		return R_FAULT;
	if (call) {
		emulate_put(v, &stack, &next);
		set_sp(v, sp);
		emulate_accessed(v, &stack);
	}
	emulate_accessed(v, &src);
	branch(v, insn, target);
	return R_DONE;
}

static enum emulate_result do_ret(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	struct emulate_place stack;
	u64 target = 0;

	if (locate_pop(v, insn->osize, &stack, fault))
		return R_FAULT;
	emulate_get(v, &stack, &target);
	if (check_target(v, insn, &target, fault))
		return R_FAULT;
	set_sp(v, v->regs.r[REG_RSP] + insn->osize + (insn->src.kind ? insn->imm : 0));
	emulate_accessed(v, &stack);
	branch(v, insn, target);
	return R_DONE;
}

/* rSP is taken from rBP, in the stack's width, and rBP popped. */
static enum emulate_result do_leave(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	u64 mask = emulate_stack_mask(v), frame = v->regs.r[REG_RBP] & mask, value = 0;
	struct emulate_place stack;

	if (emulate_locate_in(v, SEG_SS, frame, insn->osize, false, &stack, fault))
		return R_FAULT;
	emulate_get(v, &stack, &value);
	set_sp(v, frame + insn->osize);
	insn_reg_write(insn, v->regs.r, REG_RBP, insn->osize, value);
	emulate_accessed(v, &stack);
	return R_DONE;
}

/* ---- Several values ------------------------------------------------------------------- */

/* The n-th value of size bytes below rSP, or from rSP upwards. */
static int locate_nth(struct vcpu *v, s64 n, unsigned size, bool write,
		      struct emulate_place *place, struct event *fault)
{
	u64 offset = v->regs.r[REG_RSP] + (u64)(n * (s64)size);

	return emulate_locate_in(v, SEG_SS, offset & emulate_stack_mask(v), size, write, place,
				 fault);
}

/* All eight, rSP as it was before.  Whatever may fault does so before the first is stored. */
static enum emulate_result do_pusha(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	unsigned size = insn->osize;
	struct emulate_place place[8];

	for (unsigned n = 0; n < ARRAY_SIZE(place); n++)
		if (locate_nth(v, -(s64)n - 1, size, true, &place[n], fault))
			return R_FAULT;
	for (unsigned n = 0; n < ARRAY_SIZE(place); n++) {
		emulate_put(v, &place[n], &v->regs.r[n]);
		emulate_accessed(v, &place[n]);
	}
	set_sp(v, v->regs.r[REG_RSP] - 8 * size);
	return R_DONE;
}

/* That of rSP is skipped. */
static enum emulate_result do_popa(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	unsigned size = insn->osize;
	struct emulate_place place[8];

	for (unsigned n = 0; n < ARRAY_SIZE(place); n++)
		if (locate_nth(v, n, size, false, &place[n], fault))
			return R_FAULT;
	for (unsigned n = 0; n < ARRAY_SIZE(place); n++) {
		u64 value = 0;

		emulate_get(v, &place[n], &value);
		if (n != REG_RDI - REG_RSP) /* the fourth from the end is rSP's */
			insn_reg_write(insn, v->regs.r, REG_RDI - n, size, value);
		emulate_accessed(v, &place[n]);
	}
	set_sp(v, v->regs.r[REG_RSP] + 8 * size);
	return R_DONE;
}

/* ENTER's display: the frame pointers of the procedures around this one. */
static int copy_frames(struct vcpu *v, const struct insn *insn, unsigned count, u64 *sp,
		       struct event *fault)
{
	u64 mask = emulate_stack_mask(v), frame = v->regs.r[REG_RBP];
	struct emulate_place from, to;

	for (unsigned i = 0; i < count; i++) {
		u64 value = 0;

		frame -= insn->osize;
		*sp -= insn->osize;
		if (emulate_locate_in(v, SEG_SS, frame & mask, insn->osize, false, &from, fault) ||
		    emulate_locate_in(v, SEG_SS, *sp & mask, insn->osize, true, &to, fault))
			return -1;
		emulate_get(v, &from, &value);
		emulate_put(v, &to, &value);
	}
	return 0;
}

static int push_at(struct vcpu *v, unsigned size, u64 value, u64 *sp, struct event *fault)
{
	struct emulate_place place;

	*sp -= size;
	if (emulate_locate_in(v, SEG_SS, *sp & emulate_stack_mask(v), size, true, &place, fault))
		return -1;
	emulate_put(v, &place, &value);
	emulate_accessed(v, &place);
	return 0;
}

/*
 * The registers change last, so that it can be begun anew after a fault.  The last word of the new
 * frame must be writable, though nothing is written there.
 */
static enum emulate_result do_enter(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	unsigned level = insn->imm2 & 31, size = insn->osize;
	u64 mask = emulate_stack_mask(v), sp = v->regs.r[REG_RSP], frame;
	struct emulate_place place;

	if (push_at(v, size, v->regs.r[REG_RBP], &sp, fault))
		return R_FAULT;
	frame = sp & mask;
	if (level && (copy_frames(v, insn, level - 1, &sp, fault) ||
		      push_at(v, size, frame, &sp, fault)))
		return R_FAULT;
	sp -= insn->imm;
	if (emulate_locate_in(v, SEG_SS, sp & mask, size, true, &place, fault))
		return R_FAULT;
	insn_reg_write(insn, v->regs.r, REG_RBP, size, frame);
	set_sp(v, sp);
	return R_DONE;
}

/* ---- Flags ---------------------------------------------------------------------------- */

/* Virtual-8086 mode with an IOPL below 3: as CR4.VME says. */
static bool is_restricted_v86(const struct vcpu *v)
{
	return (v->regs.rflags & RFLAGS_VM) && (v->regs.rflags & RFLAGS_IOPL) != RFLAGS_IOPL;
}

static enum emulate_result do_pushf(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	u64 value = v->regs.rflags & ~(u64)(RFLAGS_VM | RFLAGS_RF), sp = v->regs.r[REG_RSP];

	if (is_restricted_v86(v)) {
		if (!(vcpu_state(v, STATE_EXEC)->cr4 & CR4_VME) || insn->osize != 2) {
			emulate_fault(fault, VECTOR_GP, 0);
			return R_FAULT;
		}
		value = (value & ~(u64)RFLAGS_IF) | RFLAGS_IOPL |
			(value & RFLAGS_VIF ? RFLAGS_IF : 0);
	}
	if (push_at(v, insn->osize, value, &sp, fault))
		return R_FAULT;
	set_sp(v, sp);
	return R_DONE;
}

/* What POPF may change, by privilege. */
static u64 writable_flags(struct vcpu *v)
{
	u64 mask = ALU_FLAGS | RFLAGS_TF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_ID;
	u64 iopl = (v->regs.rflags & RFLAGS_IOPL) >> RFLAGS_IOPL_SHIFT;
	bool real = !(vcpu_state(v, STATE_EXEC)->cr0 & CR0_PE);
	u8 cpl = real ? 0 : v->state.cpl;

	if (cpl <= iopl)
		mask |= RFLAGS_IF;
	return cpl ? mask : mask | RFLAGS_IOPL;
}

/* POPF of 16 bits with CR4.VME: the guest's IF is VIF.  -1: #GP(0). */
static int virtual_popf(struct vcpu *v, u64 *value, u64 *mask, struct event *fault)
{
	bool enables = *value & RFLAGS_IF;

	if ((*value & RFLAGS_TF) || (enables && (v->regs.rflags & RFLAGS_VIP)))
		return emulate_fault(fault, VECTOR_GP, 0);
	*value = (*value & ~(u64)(RFLAGS_VIF | RFLAGS_IF)) | (enables ? RFLAGS_VIF : 0);
	*mask = (*mask & ~(u64)(RFLAGS_IOPL | RFLAGS_IF) & 0xffff) | RFLAGS_VIF;
	return 0;
}

static enum emulate_result do_popf(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	u64 value = 0, mask = writable_flags(v) & insn_mask(insn->osize);
	struct emulate_place stack;

	if (is_restricted_v86(v) && (!(v->state.cr4 & CR4_VME) || insn->osize != 2)) {
		emulate_fault(fault, VECTOR_GP, 0);
		return R_FAULT;
	}
	if (locate_pop(v, insn->osize, &stack, fault))
		return R_FAULT;
	emulate_get(v, &stack, &value);
	if (is_restricted_v86(v) && virtual_popf(v, &value, &mask, fault))
		return R_FAULT;
	set_sp(v, v->regs.r[REG_RSP] + insn->osize);
	v->regs.rflags = (v->regs.rflags & ~mask) | (value & mask);
	emulate_accessed(v, &stack);
	return emulate_moved(v, fetch_rip_behind(v, v->regs.rip, insn->len));
}

enum emulate_result emulate_stack(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	switch (insn->op) {
	case INSN_PUSH:
	case INSN_PUSH_SREG:
		return do_push(v, insn, fault);
	case INSN_POP:
		return do_pop(v, insn, fault);
	case INSN_CALL:
	case INSN_JMP:
		return do_branch(v, insn, fault);
	case INSN_RET:
		return do_ret(v, insn, fault);
	case INSN_LEAVE:
		return do_leave(v, insn, fault);
	case INSN_ENTER:
		return do_enter(v, insn, fault);
	case INSN_PUSHA:
		return do_pusha(v, insn, fault);
	case INSN_POPA:
		return do_popa(v, insn, fault);
	case INSN_PUSHF:
		return do_pushf(v, insn, fault);
	case INSN_POPF:
		return do_popf(v, insn, fault);
	default:
		return R_UNKNOWN;
	}
}
