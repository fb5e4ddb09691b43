/* alu.c - see alu.h */
#include "vm/alu.h"

static u64 sign_bit(unsigned size)
{
	return BIT(8 * size - 1);
}

u64 alu_result_flags(unsigned size, u64 r)
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
	u64 flags = alu_result_flags(size, r);

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
	u64 flags = alu_result_flags(size, r);

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
		set_flags(rflags, ALU_FLAGS, alu_result_flags(size, r));
		return r;
	case INSN_OR:
		r = a | b;
		set_flags(rflags, ALU_FLAGS, alu_result_flags(size, r));
		return r;
	case INSN_XOR:
		r = a ^ b;
		set_flags(rflags, ALU_FLAGS, alu_result_flags(size, r));
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

/* One bit: *carry is CF, in and out. */
static u64 shift_once(enum insn_op op, unsigned size, u64 a, u64 *carry)
{
	u64 top = sign_bit(size), out = *carry;
	bool left = op == INSN_ROL || op == INSN_RCL || op == INSN_SHL;

	*carry = left ? !!(a & top) : a & 1;
	a = left ? a << 1 : a >> 1;
	switch (op) {
	case INSN_ROL:
		return a | *carry;
	case INSN_ROR:
		return a | (*carry ? top : 0);
	case INSN_RCL:
		return a | out;
	case INSN_RCR:
		return a | (out ? top : 0);
	case INSN_SAR:
		return a | (a << 1 & top);
	default:
		return a;
	}
}

/* OF: the two highest bits differ, before a shift to the left or behind one to the right. */
static bool shift_overflows(enum insn_op op, unsigned size, u64 before, u64 after, u64 carry)
{
	switch (op) {
	case INSN_SHL:
	case INSN_ROL:
	case INSN_RCL:
		return !!(after & sign_bit(size)) != carry;
	case INSN_SHR:
		return before & sign_bit(size);
	case INSN_SAR:
		return false;
	default:
		return !(after & sign_bit(size)) != !(after & sign_bit(size) >> 1);
	}
}

u64 alu_shift(enum insn_op op, unsigned size, u64 a, unsigned count, u64 *rflags)
{
	u64 mask = insn_mask(size), carry = *rflags & RFLAGS_CF ? 1 : 0, before, flags;
	bool rotates = op == INSN_ROL || op == INSN_ROR || op == INSN_RCL || op == INSN_RCR;

	count &= size == 8 ? 63 : 31;
	a &= mask;
	if (!count)
		return a;
	before = a;
	for (; count; count--) {
		before = a;
		a = shift_once(op, size, a, &carry) & mask;
	}
	flags = (carry ? RFLAGS_CF : 0) |
		(shift_overflows(op, size, before, a, carry) ? RFLAGS_OF : 0);
	if (rotates)
		set_flags(rflags, RFLAGS_CF | RFLAGS_OF, flags);
	else
		set_flags(rflags, ALU_FLAGS, flags | alu_result_flags(size, a));
	return a;
}
