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

#endif
