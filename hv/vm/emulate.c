/*
 * emulate.c - see emulate.h: instructions with one operand in memory
 *
 * Owns: what they do to registers, flags and memory, the shift and multiply groups excepted.
 * Must not know: segments, page tables, devices (emulate_memory.c).
 *
 * Sources: [SDM] vol. 2, each instruction's page; [APM] vol. 3.
 */
#include "vm/emulate.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "vm/alu.h"
#include "vm/emulate_parts.h"
#include "vm/irq.h"
#include "vm/vm.h"

/* ---- Operands ----------------------------------------------------------------------------- */

u64 emulate_value(struct vcpu *v, const struct insn *insn, const struct insn_operand *opnd,
		  const struct emulate_place *place)
{
	u64 value = 0;

	switch (opnd->kind) {
	case OPERAND_NONE:
		return 0;
	case OPERAND_REG:
		return insn_reg_read(insn, v->regs.r, opnd->reg, opnd->size);
	case OPERAND_IMM:
		return insn->imm;
	case OPERAND_SREG:
		return vcpu_state(v, STATE_SEG | STATE_EXEC)->seg[opnd->reg].selector;
	default:
		emulate_get(v, place, &value);
		return value;
	}
}

void emulate_store(struct vcpu *v, const struct insn *insn, const struct insn_operand *opnd,
		   const struct emulate_place *place, u64 value)
{
	if (opnd->kind == OPERAND_REG)
		insn_reg_write(insn, v->regs.r, opnd->reg, opnd->size, value);
	else
		emulate_put(v, place, &value);
}

/* Both operands of an instruction, at most one of which is memory. */
struct places {
	struct emulate_place dst, src;
};

static int locate_both(struct vcpu *v, const struct insn *insn, bool write, struct places *p,
		       struct event *fault)
{
	if (emulate_locate_operand(v, insn, &insn->src, insn->src.size, false, &p->src, fault))
		return -1;
	return emulate_locate_operand(v, insn, &insn->dst, insn->dst.size, write, &p->dst, fault);
}

static void both_accessed(struct vcpu *v, const struct places *p)
{
	emulate_accessed(v, &p->src);
	emulate_accessed(v, &p->dst);
}

/* dst as read becomes new.  False: somebody else changed it meanwhile, compute it anew. */
static bool replace_dst(struct vcpu *v, const struct insn *insn, const struct places *p, u64 old,
			u64 new)
{
	if (p->dst.len)
		return emulate_replace(v, &p->dst, &old, &new);
	emulate_store(v, insn, &insn->dst, &p->dst, new);
	return true;
}

/* ---- Instructions ------------------------------------------------------------------------- */

static s64 sign_extend(u64 value, unsigned size)
{
	unsigned shift = 64 - 8 * size;

	return (s64)(value << shift) >> shift;
}

static enum emulate_result do_move(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	struct places p;
	u64 value;

	if (locate_both(v, insn, true, &p, fault))
		return R_FAULT;
	value = emulate_value(v, insn, &insn->src, &p.src);
	if (insn->op == INSN_MOVSX || insn->op == INSN_MOVSXD)
		value = (u64)sign_extend(value, insn->src.size);
	if (insn->op == INSN_MOVBE)
		value = __builtin_bswap64(value) >> (64 - 8 * insn->dst.size);
	emulate_store(v, insn, &insn->dst, &p.dst, value);
	both_accessed(v, &p);
	return R_DONE;
}

static enum emulate_result do_alu(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	bool writes = insn->op != INSN_CMP && insn->op != INSN_TEST && insn->op != INSN_BT;
	struct places p;
	u64 flags, a, b, r;

	if (locate_both(v, insn, writes, &p, fault))
		return R_FAULT;
	b = emulate_value(v, insn, &insn->src, &p.src);
	if (writes)
		emulate_begin(v, &p.dst);
	do {
		flags = v->regs.rflags;
		a = emulate_value(v, insn, &insn->dst, &p.dst);
		r = alu(insn->op, insn->dst.size, a, b, &flags);
	} while (writes && !replace_dst(v, insn, &p, a, r));
	emulate_end(v, &p.dst);
	v->regs.rflags = flags;
	both_accessed(v, &p);
	return R_DONE;
}

/* XCHG and XADD, whose memory operand is dst; of XCHG with a register only, nobody asks. */
static enum emulate_result do_exchange(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	struct places p;
	u64 flags, a, b, r;

	if (locate_both(v, insn, true, &p, fault))
		return R_FAULT;
	b = emulate_value(v, insn, &insn->src, &p.src);
	emulate_begin(v, &p.dst);
	do {
		flags = v->regs.rflags;
		a = emulate_value(v, insn, &insn->dst, &p.dst);
		r = insn->op == INSN_XADD ? alu(INSN_ADD, insn->dst.size, a, b, &flags) : b;
	} while (!(p.dst.len ? emulate_replace(v, &p.dst, &a, &r) : true));
	emulate_end(v, &p.dst);
	insn_reg_write(insn, v->regs.r, insn->src.reg, insn->src.size, a);
	if (!p.dst.len)
		emulate_store(v, insn, &insn->dst, &p.dst, r);
	v->regs.rflags = flags;
	both_accessed(v, &p);
	return R_DONE;
}

/* Memory is written either way, with its old value if they differ. */
static enum emulate_result do_cmpxchg(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	unsigned size = insn->dst.size;
	u64 flags, old, new, rax = v->regs.r[REG_RAX] & insn_mask(size);
	struct places p;

	if (locate_both(v, insn, true, &p, fault))
		return R_FAULT;
	new = emulate_value(v, insn, &insn->src, &p.src);
	emulate_begin(v, &p.dst);
	do {
		flags = v->regs.rflags;
		old = emulate_value(v, insn, &insn->dst, &p.dst);
		alu(INSN_CMP, size, rax, old, &flags);
	} while (!replace_dst(v, insn, &p, old, old == rax ? new : old));
	emulate_end(v, &p.dst);
	if (old != rax)
		insn_reg_write(insn, v->regs.r, REG_RAX, size, old);
	v->regs.rflags = flags;
	both_accessed(v, &p);
	return R_DONE;
}

/* CMPXCHG8B and CMPXCHG16B: rDX:rAX with memory, rCX:rBX into it; of the flags, only ZF. */
static enum emulate_result do_cmpxchg_pair(struct vcpu *v, const struct insn *insn,
					   struct event *fault)
{
	unsigned half = insn->dst.size / 2;
	u64 *r = v->regs.r, lo, hi;
	u8 old[16], new[16];
	struct emulate_place place;
	bool equal;

	if (emulate_locate_operand(v, insn, &insn->dst, 2 * half, true, &place, fault))
		return R_FAULT;
	if (half == 8 && (place.gva & 15)) {
		emulate_fault(fault, VECTOR_GP, 0);
		return R_FAULT;
	}
	emulate_begin(v, &place);
	do {
		lo = hi = 0;
		emulate_get(v, &place, old);
		memcpy(&lo, old, half);
		memcpy(&hi, old + half, half);
		equal = lo == (r[REG_RAX] & insn_mask(half)) &&
			hi == (r[REG_RDX] & insn_mask(half));
		memcpy(new, equal ? (void *)&r[REG_RBX] : old, half);
		memcpy(new + half, equal ? (void *)&r[REG_RCX] : old + half, half);
	} while (!emulate_replace(v, &place, old, new));
	emulate_end(v, &place);
	if (!equal) {
		insn_reg_write(insn, r, REG_RAX, half, lo);
		insn_reg_write(insn, r, REG_RDX, half, hi);
	}
	v->regs.rflags = (v->regs.rflags & ~RFLAGS_ZF) | (equal ? RFLAGS_ZF : 0);
	emulate_accessed(v, &place);
	return R_DONE;
}

/* The condition in the low four bits of an opcode.  [SDM] vol. 1 "EFLAGS Condition Codes" (B) */
static bool condition(unsigned opcode, u64 rflags)
{
	bool less = !(rflags & RFLAGS_SF) != !(rflags & RFLAGS_OF), holds;

	switch (opcode >> 1 & 7) {
	case 0:
		holds = rflags & RFLAGS_OF;
		break;
	case 1:
		holds = rflags & RFLAGS_CF;
		break;
	case 2:
		holds = rflags & RFLAGS_ZF;
		break;
	case 3:
		holds = rflags & (RFLAGS_CF | RFLAGS_ZF);
		break;
	case 4:
		holds = rflags & RFLAGS_SF;
		break;
	case 5:
		holds = rflags & RFLAGS_PF;
		break;
	case 6:
		holds = less;
		break;
	default:
		holds = less || (rflags & RFLAGS_ZF);
	}
	return holds != (opcode & 1);
}

static enum emulate_result do_setcc(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	struct places p;

	if (locate_both(v, insn, true, &p, fault))
		return R_FAULT;
	emulate_store(v, insn, &insn->dst, &p.dst, condition(insn->opcode, v->regs.rflags));
	both_accessed(v, &p);
	return R_DONE;
}

/* The source is read, and a 32-bit destination cut, whether the condition holds or not. */
static enum emulate_result do_cmov(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	struct places p;
	u64 value;

	if (locate_both(v, insn, true, &p, fault))
		return R_FAULT;
	value = emulate_value(v, insn, &insn->src, &p.src);
	if (!condition(insn->opcode, v->regs.rflags))
		value = emulate_value(v, insn, &insn->dst, &p.dst);
	emulate_store(v, insn, &insn->dst, &p.dst, value);
	both_accessed(v, &p);
	return R_DONE;
}

static enum emulate_result do_shift(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	struct places p;
	u64 flags, a, r, count;

	if (locate_both(v, insn, true, &p, fault))
		return R_FAULT;
	count = emulate_value(v, insn, &insn->src, &p.src);
	emulate_begin(v, &p.dst);
	do {
		flags = v->regs.rflags;
		a = emulate_value(v, insn, &insn->dst, &p.dst);
		r = alu_shift(insn->op, insn->dst.size, a, (unsigned)count, &flags);
	} while (!replace_dst(v, insn, &p, a, r));
	emulate_end(v, &p.dst);
	v->regs.rflags = flags;
	both_accessed(v, &p);
	return R_DONE;
}

/* From a segment register; into one: emulate_segment.c. */
static enum emulate_result do_move_segment(struct vcpu *v, const struct insn *insn,
					   struct event *fault)
{
	return insn->src.kind == OPERAND_SREG ? do_move(v, insn, fault) :
						emulate_segment(v, insn, fault);
}

static enum emulate_result execute_locked(struct vcpu *v, const struct insn *insn,
					  struct event *fault)
{
	switch (insn->op) {
	case INSN_XCHG:
	case INSN_XADD:
		return do_exchange(v, insn, fault);
	case INSN_CMPXCHG:
		return do_cmpxchg(v, insn, fault);
	case INSN_CMPXCHG8B:
	case INSN_CMPXCHG16B:
		return do_cmpxchg_pair(v, insn, fault);
	default:
		return alu_knows(insn->op) ? do_alu(v, insn, fault) : R_UNKNOWN;
	}
}

/* What the decoder does not describe. */
static enum emulate_result execute_other(struct vcpu *v, const struct insn *insn,
					 struct event *fault)
{
	enum emulate_result result = emulate_vector(v, insn, fault);

	if (result == R_UNKNOWN)
		result = emulate_bmi(v, insn, fault);
	return result == R_UNKNOWN ? emulate_fpu(v, insn, fault) : result;
}

/* The rest, in the order of likelihood. */
static enum emulate_result (*const group[])(struct vcpu *, const struct insn *, struct event *) = {
	execute_locked, emulate_string, emulate_stack,	emulate_integer,
	emulate_segment, emulate_system, emulate_far,	emulate_return,
};

static enum emulate_result execute(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	enum emulate_result result;

	switch (insn->op) {
	case INSN_MOV:
	case INSN_MOVZX:
	case INSN_MOVSX:
	case INSN_MOVSXD:
	case INSN_MOVBE:
	case INSN_MOVNTI:
		return do_move(v, insn, fault);
	case INSN_MOV_SREG:
		return do_move_segment(v, insn, fault);
	case INSN_SETCC:
		return do_setcc(v, insn, fault);
	case INSN_CMOVCC:
		return do_cmov(v, insn, fault);
	case INSN_ROL:
	case INSN_ROR:
	case INSN_RCL:
	case INSN_RCR:
	case INSN_SHL:
	case INSN_SHR:
	case INSN_SAR:
		return do_shift(v, insn, fault);
	case INSN_OTHER:
		return execute_other(v, insn, fault);
	default:
		break;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(group); i++) {
		result = group[i](v, insn, fault);
		if (result != R_UNKNOWN)
			return result;
	}
	return R_UNKNOWN;
}

/* QEMU 7.2 may repeat what it translated until the other CPU writes again: some turns. */
#define CHANGED_MOST 100000

/*
 * An instruction without a place in memory does not fault on one: another CPU has changed the code
 * since the exit.  The guest's CPU looks again; if it finds the same again and again, this is a
 * form that we do not know.
 */
static bool code_changed(struct vcpu *v, const struct insn *insn)
{
	if (insn->mem || v->exit.reason == EXIT_EMULATE)
		return false;
	if (v->changed_rip != v->regs.rip)
		v->changed = 0;
	v->changed_rip = v->regs.rip;
	return v->changed++ < CHANGED_MOST;
}

/*
 * It is not known here what the instruction does; but if its operand cannot be reached, the fault
 * of that is all it does.  One without an operand in memory comes only from a back end that has an
 * emulator of its own, and gave it up because the CPU had refused it.
 */
static enum emulate_result unknown(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	const struct insn_operand opnd = { .kind = OPERAND_MEM };
	struct emulate_place place;

	if (insn->mem && insn->dst.size + insn->src.size &&
	    emulate_locate_operand(v, insn, &opnd, 1, insn->mem_write, &place, fault))
		return R_FAULT;
	if (code_changed(v, insn))
		return R_CHANGED;
	if (v->exit.reason == EXIT_EMULATE && !insn->mem) {
		emulate_exception(fault, VECTOR_UD);
		return R_FAULT;
	}
	vm_end(v->vm, VM_DEAD,
	       "cannot emulate %s (opcode %#x of map %u) at rip %#llx on address %#llx",
	       insn_name(insn->op), insn->opcode, insn->map, (unsigned long long)v->regs.rip,
	       (unsigned long long)v->exit.memory.gpa.v);
	return R_UNKNOWN;
}

/* RIP stands behind the instruction already, so the back end will not end a shadow. */
static void set_shadow(struct vcpu *v, u8 shadow)
{
	if (vcpu_state(v, STATE_INT)->shadow == shadow)
		return;
	v->state.shadow = shadow;
	vcpu_state_changed(v, STATE_INT);
}

/* Behind an instruction that began with TF set. */
static void step(struct vcpu *v, u64 rflags)
{
	if (rflags & RFLAGS_TF)
		irq_single_step(v);
}

void emulate_instruction(struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;
	u64 rflags = v->regs.rflags;
	struct event fault = { 0 };
	const struct insn *insn = fetch_insn(v, &fault);
	enum emulate_result result = insn ? execute(v, insn, &fault) : R_FAULT;

	if (result == R_UNKNOWN)
		result = unknown(v, insn, &fault);
	switch (result) {
	case R_DONE:
		v->changed = 0;
		exit->insn_len = insn->len;
		exit->outcome = OUTCOME_DONE;
		break;
	case R_AGAIN:
		exit->outcome = OUTCOME_RETRY;
		v->regs.rflags |= RFLAGS_RF; /* it goes on; its breakpoint was met before */
		step(v, rflags); /* a trap behind each round of REP */
		break;
	case R_MOVED:
		exit->outcome = OUTCOME_RETRY;
		set_shadow(v, 0);
		step(v, rflags);
		break;
	case R_SHADOW: /* which holds back the trap as well */
		exit->outcome = OUTCOME_RETRY;
		set_shadow(v, SHADOW_MOV_SS);
		break;
	case R_CHANGED:
		exit->outcome = OUTCOME_RETRY;
		break;
	case R_FAULT:
		exit->outcome = OUTCOME_FAULT;
		exit->fault = fault;
		break;
	case R_UNKNOWN:
	case R_ELSEWHERE:
		break;
	}
}
