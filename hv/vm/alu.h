/*
 * alu.h - arithmetic as the CPU does it, flags included
 *
 * Owns: results and flags of the two-operand integer instructions.
 * Must not know: operands' homes.  Pure.
 */
#ifndef ESPEJO_VM_ALU_H
#define ESPEJO_VM_ALU_H

#include "vm/decode.h"

/* The flags that these instructions define. */
#define ALU_FLAGS (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

/*
 * a op b for operands of size 1, 2, 4 or 8 bytes: ADD ADC SUB SBB CMP AND OR XOR TEST, and of one
 * operand (b ignored) INC DEC NOT NEG, and BT BTS BTR BTC with b the bit's number in a.
 * Result cut to size; *rflags has the flags of the instruction set as [SDM] vol. 2 says, AF as
 * CPUs leave it where it is undefined (0 for the logical ones).
 */
u64 alu(enum insn_op op, unsigned size, u64 a, u64 b, u64 *rflags);

/*
 * a shifted or rotated by count, as the CPU masks it: ROL ROR RCL RCR SHL SHR SAR.  By 0 the flags
 * stay.  OF, where it is undefined (counts above 1), is that of the last bit moved.
 */
u64 alu_shift(enum insn_op op, unsigned size, u64 a, unsigned count, u64 *rflags);

/* Is op one that alu does? */
bool alu_knows(enum insn_op op);

/* ZF, SF and PF of a result, which is cut to size; PF looks at its lowest byte only. */
u64 alu_result_flags(unsigned size, u64 r);

/* ---- alu_wide.c; operands are cut to size, results are */

/*
 * The low half of a product, and its high half in *high: MUL, IMUL.  CF and OF: the low half alone
 * would not do.  SF, ZF, PF and AF, undefined, are those of the low half.
 */
u64 alu_mul(unsigned size, bool is_signed, u64 a, u64 b, u64 *high, u64 *rflags);

/*
 * *high:*low by divisor: the quotient goes to *low, the rest to *high (DIV, IDIV).  -1: by zero, or
 * the quotient is too large, nothing changed: #DE.
 */
int alu_div(unsigned size, bool is_signed, u64 *high, u64 *low, u64 divisor) MUST_CHECK;

/* SHLD, SHRD: a shifted by count, as the CPU masks it, and filled from b.  By 0 flags stay. */
u64 alu_double_shift(bool left, unsigned size, u64 a, u64 b, unsigned count, u64 *rflags);

/* BSF, BSR (of 0: 0, which the CPU does not store), TZCNT, LZCNT, POPCNT. */
u64 alu_count(enum insn_op op, unsigned size, u64 a, u64 *rflags);

/* CRC32 of size bytes of data. */
u64 alu_crc32(unsigned size, u64 crc, u64 data);

/* a + b + flag, and flag (RFLAGS_CF or RFLAGS_OF) is the carry out: ADCX, ADOX. */
u64 alu_add_carry(unsigned size, u64 a, u64 b, u64 flag, u64 *rflags);

/* What VEX encodes of BMI1 and BMI2, MULX excepted.  b is the second source, or the count. */
enum alu_bmi {
	ALU_ANDN, /* a and not b */
	ALU_BLSR,
	ALU_BLSMSK,
	ALU_BLSI,
	ALU_BZHI,
	ALU_BEXTR,
	ALU_PDEP, /* a deposited, or extracted, under mask b */
	ALU_PEXT,
	ALU_RORX,
	ALU_SHLX,
	ALU_SHRX,
	ALU_SARX,
};
u64 alu_bmi(enum alu_bmi op, unsigned size, u64 a, u64 b, u64 *rflags);

#endif
