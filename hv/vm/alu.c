/* alu.c - see alu.h */
#include "vm/alu.h"

static u64 sign_bit(unsigned size)
{
	return BIT(8 * size - 1);
}

/* PF looks at the lowest byte only. */
static u64 result_flags(unsigned size, u64 r)
{
	u64 flags = 0;

	if (!r)
		flags |= RFLAGS_ZF;
	if (r & sign_bit(size))
		flags |= RFLAGS_SF;
	if (!__builtin_parity((unsigned)(r & 0xff)))
		flags |= RFLAGS_PF;
	return flags;
}

/* Carry out of bit 7 (3, ...) is where the majority of a, b and not r says so. */
static u64 add_flags(unsigned size, u64 a, u64 b, u64 r)
{
	u64 carry = (a & b) | ((a | b) & ~r);
	u64 flags = result_flags(size, r);

	if (carry & sign_bit(size))
		flags |= RFLAGS_CF;
	if (carry & BIT(3))
		flags |= RFLAGS_AF;
	if ((a ^ r) & (b ^ r) & sign_bit(size))
		flags |= RFLAGS_OF;
	return flags;
}

static u64 sub_flags(unsigned size, u64 a, u64 b, u64 r)
{
	u64 borrow = (~a & b) | ((~a | b) & r);
	u64 flags = result_flags(size, r);

	if (borrow & sign_bit(size))
		flags |= RFLAGS_CF;
	if (borrow & BIT(3))
		flags |= RFLAGS_AF;
	if ((a ^ b) & (a ^ r) & sign_bit(size))
		flags |= RFLAGS_OF;
	return flags;
}

static void set_flags(u64 *rflags, u64 mask, u64 flags)
{
	*rflags = (*rflags & ~mask) | (flags & mask);
}

static u64 alu_bit(enum insn_op op, unsigned size, u64 a, u64 b, u64 *rflags)
{
	u64 bit = BIT(b & (8 * size - 1));

	set_flags(rflags, RFLAGS_CF, a & bit ? RFLAGS_CF : 0);
	switch (op) {
	case INSN_BTS:
		return a | bit;
	case INSN_BTR:
		return a & ~bit;
	case INSN_BTC:
		return a ^ bit;
	default:
		return a;
	}
}

bool alu_knows(enum insn_op op)
{
	switch (op) {
	case INSN_ADD:
	case INSN_ADC:
	case INSN_SUB:
	case INSN_SBB:
	case INSN_CMP:
	case INSN_AND:
	case INSN_OR:
	case INSN_XOR:
	case INSN_TEST:
	case INSN_INC:
	case INSN_DEC:
	case INSN_NOT:
	case INSN_NEG:
	case INSN_BT:
	case INSN_BTS:
	case INSN_BTR:
	case INSN_BTC:
		return true;
	default:
		return false;
	}
}

u64 alu(enum insn_op op, unsigned size, u64 a, u64 b, u64 *rflags)
{
	u64 mask = insn_mask(size), carry = *rflags & RFLAGS_CF ? 1 : 0, r;

	a &= mask;
	b &= mask;
	switch (op) {
	case INSN_ADD:
	case INSN_ADC:
		r = (a + b + (op == INSN_ADC ? carry : 0)) & mask;
		set_flags(rflags, ALU_FLAGS, add_flags(size, a, b, r));
		return r;
	case INSN_SUB:
	case INSN_CMP:
	case INSN_SBB:
		r = (a - b - (op == INSN_SBB ? carry : 0)) & mask;
		set_flags(rflags, ALU_FLAGS, sub_flags(size, a, b, r));
		return r;
	case INSN_AND:
	case INSN_TEST:
		r = a & b;
		set_flags(rflags, ALU_FLAGS, result_flags(size, r));
		return r;
	case INSN_OR:
		r = a | b;
		set_flags(rflags, ALU_FLAGS, result_flags(size, r));
		return r;
	case INSN_XOR:
		r = a ^ b;
		set_flags(rflags, ALU_FLAGS, result_flags(size, r));
		return r;
	case INSN_INC: /* these two leave CF alone */
		r = (a + 1) & mask;
		set_flags(rflags, ALU_FLAGS & ~RFLAGS_CF, add_flags(size, a, 1, r));
		return r;
	case INSN_DEC:
		r = (a - 1) & mask;
		set_flags(rflags, ALU_FLAGS & ~RFLAGS_CF, sub_flags(size, a, 1, r));
		return r;
	case INSN_NOT:
		return ~a & mask;
	case INSN_NEG:
		r = (0 - a) & mask;
		set_flags(rflags, ALU_FLAGS, sub_flags(size, 0, a, r));
		return r;
	default:
		return alu_bit(op, size, a, b, rflags);
	}
}
