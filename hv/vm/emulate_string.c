/*
 * emulate_string.c - string instructions
 *
 * Owns: one round of each, REP and its conditions, when a long one is left.
 * Must not know: what is behind the addresses.
 *
 * Sources: [SDM] vol. 2 "REP/REPE/REPZ/REPNE/REPNZ", vol. 1 "String Operations" (7.3.9).
 */
#include "vm/alu.h"
#include "vm/breakpoint.h"
#include "vm/emulate.h"
#include "vm/emulate_parts.h"
#include "vm/emulate_segment.h"
#include "vm/vm.h"

/* One REP instruction is left after so many rounds, so that interrupts get in. */
#define ROUNDS_MAX 64

static void advance(struct vcpu *v, const struct insn *insn, unsigned reg, unsigned size)
{
	s64 step = v->regs.rflags & RFLAGS_DF ? -(s64)size : (s64)size;
	u64 value = insn_reg_read(insn, v->regs.r, reg, insn->asize) + (u64)step;

	/* insn_reg_write would cut 32-bit registers as an operand: addresses do the same. */
	insn_reg_write(insn, v->regs.r, reg, insn->asize, value);
}

#define TSS_IO_MAP 102 /* where its offset stands, in the TSS */

/*
 * May v use size ports from there on, by IOPL or by the map in its TSS?  The CPU has asked that
 * before the exit, but of the instruction that was there then.
 * [SDM] vol. 1 "I/O Permission Bit Map" (19.5.2)
 */
static int check_ports(struct vcpu *v, u16 port, unsigned size, struct event *fault)
{
	const struct cpu_state *state = vcpu_state(v, STATE_EXEC);
	u64 iopl = (v->regs.rflags & RFLAGS_IOPL) >> RFLAGS_IOPL_SHIFT;
	const struct segment *tr;
	u16 offset, bits;
	u64 at;

	if (likely(!(state->cr0 & CR0_PE) || (!(v->regs.rflags & RFLAGS_VM) && state->cpl <= iopl)))
		return 0;
	tr = &vcpu_state(v, STATE_SEG)->tr;
	if (!(tr->attr & SEGMENT_32) || tr->limit < TSS_IO_MAP + 1)
		return emulate_fault(fault, VECTOR_GP, 0);
	if (emulate_read(v, tr->base + TSS_IO_MAP, &offset, sizeof(offset), true, fault))
		return -1;
	at = (u64)offset + port / 8;
	if (at + 1 > tr->limit)
		return emulate_fault(fault, VECTOR_GP, 0);
	if (emulate_read(v, tr->base + at, &bits, sizeof(bits), true, fault))
		return -1;
	return bits >> port % 8 & (BIT(size) - 1) ? emulate_fault(fault, VECTOR_GP, 0) : 0;
}

static void port_round(struct vcpu *v, const struct insn *insn, const struct emulate_place *mem)
{
	u16 port = (u16)v->regs.r[REG_RDX];
	bool in = insn->op == INSN_INS;
	u64 value = 0;

	if (!in)
		emulate_get(v, mem, &value);
	host_lock(&v->vm->lock);
	if (in)
		value = bus_in(&v->vm->bus, port, mem->len);
	else
		bus_out(&v->vm->bus, port, mem->len, (u32)value);
	host_unlock(&v->vm->lock);
	if (in)
		emulate_put(v, mem, &value);
	breakpoint_port(v, port, mem->len);
}

/* CMPS subtracts the destination from the source, SCAS from rAX. */
static void compare_round(struct vcpu *v, const struct insn *insn,
			  const struct emulate_place *dst, const struct emulate_place *src)
{
	u64 a = emulate_value(v, insn, &insn->dst, dst);
	u64 b = emulate_value(v, insn, &insn->src, src);
	bool swapped = insn->op == INSN_CMPS ? insn->dst.kind == OPERAND_DI
					     : insn->dst.kind != OPERAND_REG;

	alu(INSN_CMP, insn->dst.size, swapped ? b : a, swapped ? a : b, &v->regs.rflags);
}

/* One round of a string instruction without its count.  -1: it faulted, registers unchanged. */
static int round_once(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	bool compares = insn->op == INSN_CMPS || insn->op == INSN_SCAS;
	const struct insn_operand *a = &insn->src, *b = &insn->dst;
	unsigned size = insn->op == INSN_OUTS ? a->size : b->size;
	struct emulate_place src, dst;

	if ((insn->op == INSN_INS || insn->op == INSN_OUTS) &&
	    check_ports(v, (u16)v->regs.r[REG_RDX], size, fault))
		return -1;
	/* The one at rSI is looked at first. */
	if (insn->dst.kind == OPERAND_SI &&
	    emulate_locate_operand(v, insn, b, size, !compares, &dst, fault))
		return -1;
	if (emulate_locate_operand(v, insn, a, size, false, &src, fault))
		return -1;
	if (insn->dst.kind != OPERAND_SI &&
	    emulate_locate_operand(v, insn, b, size, !compares, &dst, fault))
		return -1;
	if (insn->op == INSN_INS || insn->op == INSN_OUTS)
		port_round(v, insn, insn->op == INSN_INS ? &dst : &src);
	else if (compares)
		compare_round(v, insn, &dst, &src);
	else
		emulate_store(v, insn, b, &dst, emulate_value(v, insn, a, &src));
	emulate_accessed(v, &src);
	emulate_accessed(v, &dst);
	if (a->kind == OPERAND_SI || b->kind == OPERAND_SI)
		advance(v, insn, REG_RSI, size);
	if (a->kind == OPERAND_DI || b->kind == OPERAND_DI)
		advance(v, insn, REG_RDI, size);
	return 0;
}

static bool repeat_ends(const struct insn *insn, u64 rflags)
{
	bool zero = rflags & RFLAGS_ZF;

	if (insn->op != INSN_CMPS && insn->op != INSN_SCAS)
		return false;
	return insn->rep == REP_REPE ? !zero : zero;
}

/*
 * Between two rounds interrupts are let in, and the registers say how far it came.  A trap flag
 * steps through every round; a breakpoint is met by one of them.
 */
static bool is_interrupted(struct vcpu *v, unsigned rounds)
{
	return (v->regs.rflags & RFLAGS_TF) || v->raised.type || rounds == ROUNDS_MAX ||
	       vcpu_requested(v) || READ_ONCE(v->vm->state) != VM_RUNNING;
}

static enum emulate_result repeat(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	for (unsigned rounds = 1;; rounds++) {
		u64 count = insn_reg_read(insn, v->regs.r, REG_RCX, insn->asize);

		if (!count)
			return R_DONE;
		if (round_once(v, insn, fault))
			return R_FAULT;
		insn_reg_write(insn, v->regs.r, REG_RCX, insn->asize, count - 1);
		if (count == 1 || repeat_ends(insn, v->regs.rflags))
			return R_DONE;
		if (is_interrupted(v, rounds))
			return R_AGAIN;
	}
}

enum emulate_result emulate_string(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	switch (insn->op) {
	case INSN_MOVS:
	case INSN_STOS:
	case INSN_LODS:
	case INSN_CMPS:
	case INSN_SCAS:
	case INSN_INS:
	case INSN_OUTS:
		break;
	default:
		return R_UNKNOWN;
	}
	if (insn->rep == REP_NONE)
		return round_once(v, insn, fault) ? R_FAULT : R_DONE;
	return repeat(v, insn, fault);
}
