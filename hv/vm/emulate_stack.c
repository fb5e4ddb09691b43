/*
 * emulate_stack.c - instructions with the stack: one operand in memory, or the stack itself
 *
 * Owns: PUSH, POP, near CALL, JMP and RET, LEAVE; the width of stack addresses and the checks of a
 * branch's target.
 * Must not know: what is behind the addresses.
 *
 * Sources: [SDM] vol. 1 "Stacks" (6.2); vol. 2, each instruction's page.
 */
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
	u64 next = fetch_rip_behind(v, v->regs.rip, insn->len), target, sp;

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
	default:
		return R_UNKNOWN;
	}
}
