/*
 * alu_wide.c - products, quotients, double shifts and the bit instructions, see alu.h
 *
 * Owns: results and flags of what is not one operand combined with another of its size.
 * Must not know: operands' homes.  Pure, and without the helpers that compilers call for division
 * by 128 bits.
 *
 * Sources: [SDM] vol. 2, each instruction's page.
 */
#include "vm/alu.h"

typedef unsigned __int128 u128;

static u64 bits_of(unsigned size)
{
	return 8 * size;
}

static bool is_negative(u64 a, unsigned size)
{
	return a >> (bits_of(size) - 1) & 1;
}

static u64 extend(u64 a, unsigned size)
{
	unsigned unused = 64 - 8 * size;

	return (u64)((s64)(a << unused) >> unused);
}

static void set_flags(u64 *rflags, u64 mask, u64 flags)
{
	*rflags = (*rflags & ~mask) | (flags & mask);
}

/* ---- Products and quotients ----------------------------------------------------------- */

u64 alu_mul(unsigned size, bool is_signed, u64 a, u64 b, u64 *high, u64 *rflags)
{
	u64 mask = insn_mask(size), low;
	bool lost;
	u128 r;

	if (is_signed)
		r = (u128)((__int128)(s64)extend(a, size) * (s64)extend(b, size));
	else
		r = (u128)(a & mask) * (b & mask);
	low = (u64)r & mask;
	*high = (u64)(r >> bits_of(size)) & mask;
	lost = *high != (is_signed && is_negative(low, size) ? mask : 0);
	set_flags(rflags, ALU_FLAGS,
		  alu_result_flags(size, low) | (lost ? RFLAGS_CF | RFLAGS_OF : 0));
	return low;
}

/* high:low by divisor, high being less: bit by bit, as on paper. */
static u64 divide(unsigned size, u64 high, u64 low, u64 divisor, u64 *rest)
{
	u64 quotient = 0;
	u128 r = high;

	for (unsigned bit = 8 * size; bit--;) {
		r = r << 1 | (low >> bit & 1);
		quotient <<= 1;
		if (r >= divisor) {
			r -= divisor;
			quotient |= 1;
		}
	}
	*rest = (u64)r;
	return quotient;
}

int alu_div(unsigned size, bool is_signed, u64 *high, u64 *low, u64 divisor)
{
	u64 mask = insn_mask(size), h = *high & mask, l = *low & mask, quotient, rest;
	bool minus = is_signed && is_negative(h, size);
	bool by_minus = is_signed && is_negative(divisor, size);

	divisor &= mask;
	if (minus) { /* the amount of both halves together */
		l = -l & mask;
		h = (~h + !l) & mask;
	}
	if (by_minus)
		divisor = -divisor & mask;
	if (h >= divisor)
		return -1;
	quotient = divide(size, h, l, divisor, &rest);
	if (is_signed && quotient > (mask >> 1) + (minus != by_minus))
		return -1;
	*low = (minus != by_minus ? -quotient : quotient) & mask;
	*high = (minus ? -rest : rest) & mask;
	return 0;
}

/* ---- Double shifts -------------------------------------------------------------------- */

/*
 * A word may be shifted by more than its 16 bits: CPUs then go on with the destination again,
 * behind the source.
 */
u64 alu_double_shift(bool left, unsigned size, u64 a, u64 b, unsigned count, u64 *rflags)
{
	u64 mask = insn_mask(size), n = bits_of(size), r, out;
	u128 wide;

	count &= size == 8 ? 63 : 31;
	a &= mask;
	b &= mask;
	if (!count)
		return a;
	if (size == 8) {
		wide = left ? (u128)a << 64 | b : (u128)b << 64 | a;
		r = (u64)(left ? wide << count >> 64 : wide >> count);
		out = left ? a >> (64 - count) : a >> (count - 1);
	} else {
		wide = (u128)a << 2 * n | (u128)b << n | a;
		r = (u64)(left ? wide << count >> 2 * n : wide >> count) & mask;
		out = (u64)(left ? wide >> (3 * n - count) : wide >> (count - 1));
	}
	set_flags(rflags, ALU_FLAGS,
		  alu_result_flags(size, r) | (out & 1 ? RFLAGS_CF : 0) |
			  (is_negative(r ^ a, size) ? RFLAGS_OF : 0));
	return r;
}

/* ---- Bits that are searched and counted ------------------------------------------------- */

/* Of what is not 0. */
static unsigned highest(u64 a)
{
	return 63 - (unsigned)__builtin_clzll(a);
}

static unsigned count_ones(u64 a)
{
	unsigned n = 0;

	for (; a; a &= a - 1)
		n++;
	return n;
}

u64 alu_count(enum insn_op op, unsigned size, u64 a, u64 *rflags)
{
	u64 r, n = bits_of(size);

	a &= insn_mask(size);
	switch (op) {
	case INSN_BSF:
	case INSN_BSR:
		set_flags(rflags, RFLAGS_ZF, a ? 0 : RFLAGS_ZF);
		return !a ? 0 : op == INSN_BSF ? (u64)__builtin_ctzll(a) : highest(a);
	case INSN_POPCNT:
		set_flags(rflags, ALU_FLAGS, a ? 0 : RFLAGS_ZF);
		return count_ones(a);
	case INSN_TZCNT:
		r = a ? (u64)__builtin_ctzll(a) : n;
		break;
	default: /* LZCNT */
		r = a ? n - 1 - highest(a) : n;
	}
	set_flags(rflags, RFLAGS_CF | RFLAGS_ZF, (a ? 0 : RFLAGS_CF) | (r ? 0 : RFLAGS_ZF));
	return r;
}

/* The polynomial 0x11edc6f41, reflected. [SDM] vol. 2 "CRC32" */
#define CRC32C 0x82f63b78u

u64 alu_crc32(unsigned size, u64 crc, u64 data)
{
	u32 r = (u32)crc;

	for (unsigned i = 0; i < size; i++) {
		r ^= (u8)(data >> 8 * i);
		for (unsigned bit = 0; bit < 8; bit++)
			r = r & 1 ? r >> 1 ^ CRC32C : r >> 1;
	}
	return r;
}

/* ---- With a carry of their own: CF of ADCX, OF of ADOX ----------------------------------- */

u64 alu_add_carry(unsigned size, u64 a, u64 b, u64 flag, u64 *rflags)
{
	u128 r = (u128)(a & insn_mask(size)) + (b & insn_mask(size)) + !!(*rflags & flag);

	set_flags(rflags, flag, r >> bits_of(size) ? flag : 0);
	return (u64)r & insn_mask(size);
}

/* ---- BMI ----------------------------------------------------------------------------- */

static u64 deposit(u64 from, u64 mask)
{
	u64 r = 0;

	for (; mask; mask &= mask - 1, from >>= 1)
		if (from & 1)
			r |= mask & -mask;
	return r;
}

static u64 gather(u64 from, u64 mask)
{
	u64 r = 0;

	for (unsigned n = 0; mask; mask &= mask - 1, n++)
		if (from & mask & -mask)
			r |= BIT(n);
	return r;
}

/* The n low bits, where n may be beyond the operand. */
static u64 low_bits(u64 a, u64 n)
{
	return n < 64 ? a & (BIT(n) - 1) : a;
}

/* The flags that most of them set: ZF and SF by the result, OF 0, and CF as it is given. */
static void set_bmi_flags(unsigned size, u64 r, bool carry, u64 *rflags)
{
	set_flags(rflags, RFLAGS_CF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF,
		  (alu_result_flags(size, r) & (RFLAGS_ZF | RFLAGS_SF)) | (carry ? RFLAGS_CF : 0));
}

u64 alu_bmi(enum alu_bmi op, unsigned size, u64 a, u64 b, u64 *rflags)
{
	u64 mask = insn_mask(size), n = bits_of(size), r;
	unsigned count = (unsigned)(b & (n - 1));
	bool carry = false;

	a &= mask;
	switch (op) {
	case ALU_PDEP:
		return deposit(a, b & mask);
	case ALU_PEXT:
		return gather(a, b & mask);
	case ALU_RORX:
		return count ? (a >> count | a << (n - count)) & mask : a;
	case ALU_SHLX:
		return a << count & mask;
	case ALU_SHRX:
		return a >> count;
	case ALU_SARX:
		return (u64)((s64)extend(a, size) >> count) & mask;
	case ALU_ANDN:
		r = a & ~b & mask;
		break;
	case ALU_BLSR:
		r = a & (a - 1);
		carry = !a;
		break;
	case ALU_BLSMSK:
		r = (a ^ (a - 1)) & mask;
		carry = !a;
		break;
	case ALU_BLSI:
		r = a & -a;
		carry = a;
		break;
	case ALU_BZHI:
		r = low_bits(a, b & 0xff);
		carry = (b & 0xff) >= n;
		break;
	default: /* BEXTR: from bit b[7:0] on, b[15:8] bits.  SF, undefined, is 0. */
		r = (b & 0xff) < n ? low_bits(a >> (b & 0xff), b >> 8 & 0xff) : 0;
		set_bmi_flags(size, r, false, rflags);
		set_flags(rflags, RFLAGS_SF, 0);
		return r;
	}
	set_bmi_flags(size, r, carry, rflags);
	return r;
}
