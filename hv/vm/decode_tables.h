/*
 * decode_tables.h - how the opcode tables are written
 *
 * Owns: struct opcode and the notation of its operands, which is that of the
 * manuals' opcode maps, so that a table can be read beside them.
 * Must not know: how an instruction is taken apart (decode.c).  Private to both.
 *
 * Source: [SDM] vol. 2 "Opcode Map", "Codes for Addressing Method" (A.2.1) and
 * "Codes for Operand Type" (A.2.2).
 */
#ifndef ESPEJO_VM_DECODE_TABLES_H
#define ESPEJO_VM_DECODE_TABLES_H

#include "vm/decode.h"

/* Where an operand is. Those from AT_RM to AT_DR need a ModRM byte. */
enum code_where {
	AT_NONE,
	AT_RM, /* E: r/m, a general register or memory */
	AT_RM_OTHER, /* W, Q, x87: r/m, another kind of register or memory */
	AT_RM_MEM, /* M: r/m, memory only */
	AT_RM_REG, /* R: r/m, a register whatever mod says */
	AT_REG, /* G: reg, a general register */
	AT_SREG, /* S: reg, a segment register */
	AT_CR, /* C: reg, a control register */
	AT_DR, /* D: reg, a debug register */
	AT_OPCODE, /* Z: general register in the opcode's low bits */
	AT_OPCODE_SREG, /* segment register in bits 5:3 of PUSH and POP */
	AT_ACC, /* AL, AX, EAX, RAX */
	AT_CL,
	AT_DX,
	AT_ONE, /* the constant 1 */
	AT_IMM, /* I, zero-extended */
	AT_IMM_SIGNED, /* I, sign-extended */
	AT_REL, /* J: distance of a branch */
	AT_FAR, /* A: offset and selector in the instruction */
	AT_MOFFS, /* O: memory, its address in the instruction */
	AT_SI, /* X: memory at rSI */
	AT_DI, /* Y: memory at rDI */
};

/* How large it is. */
enum code_size {
	SZ_NONE,
	SZ_B, /* byte */
	SZ_W, /* word */
	SZ_D, /* doubleword */
	SZ_Q, /* quadword */
	SZ_DQ, /* double quadword */
	SZ_V, /* operand size: word, doubleword, quadword */
	SZ_Z, /* word, or doubleword also for an operand size of 64 bits */
	SZ_Y, /* doubleword, or quadword for an operand size of 64 bits */
	SZ_M, /* mode: quadword in 64-bit mode, else doubleword; no prefix counts */
	SZ_A, /* address size */
	SZ_VW, /* operand size in a register, word in memory */
	SZ_P, /* far pointer: operand size and two bytes */
	SZ_S, /* limit and base of a descriptor table: 6 or 10 bytes */
};

/* clang-format off */
#define OPERAND_CODES(X) \
	X(NO, AT_NONE, SZ_NONE) \
	X(Eb, AT_RM, SZ_B) X(Ew, AT_RM, SZ_W) X(Ev, AT_RM, SZ_V) X(Ez, AT_RM, SZ_Z) \
	X(Ey, AT_RM, SZ_Y) X(Em, AT_RM, SZ_M) X(Evw, AT_RM, SZ_VW) \
	X(W, AT_RM_OTHER, SZ_NONE) \
	X(M, AT_RM_MEM, SZ_NONE) X(Mv, AT_RM_MEM, SZ_V) X(My, AT_RM_MEM, SZ_Y) \
	X(Mq, AT_RM_MEM, SZ_Q) X(Mdq, AT_RM_MEM, SZ_DQ) X(Mp, AT_RM_MEM, SZ_P) \
	X(Ms, AT_RM_MEM, SZ_S) \
	X(Rm, AT_RM_REG, SZ_M) X(Rv, AT_RM_REG, SZ_V) X(Ry, AT_RM_REG, SZ_Y) \
	X(Rd, AT_RM_REG, SZ_D) X(Ra, AT_RM_REG, SZ_A) \
	X(Gb, AT_REG, SZ_B) X(Gw, AT_REG, SZ_W) X(Gv, AT_REG, SZ_V) X(Gz, AT_REG, SZ_Z) \
	X(Gy, AT_REG, SZ_Y) X(Gm, AT_REG, SZ_M) \
	X(Sw, AT_SREG, SZ_W) X(Cm, AT_CR, SZ_M) X(Dm, AT_DR, SZ_M) \
	X(Zb, AT_OPCODE, SZ_B) X(Zv, AT_OPCODE, SZ_V) X(Zs, AT_OPCODE_SREG, SZ_W) \
	X(AL, AT_ACC, SZ_B) X(rAX, AT_ACC, SZ_V) X(eAX, AT_ACC, SZ_Z) \
	X(CL, AT_CL, SZ_B) X(DX, AT_DX, SZ_W) X(One, AT_ONE, SZ_B) \
	X(Ib, AT_IMM, SZ_B) X(Iw, AT_IMM, SZ_W) X(Iv, AT_IMM, SZ_V) X(Id, AT_IMM, SZ_D) \
	X(sIb, AT_IMM_SIGNED, SZ_B) X(Iz, AT_IMM_SIGNED, SZ_Z) \
	X(Jb, AT_REL, SZ_B) X(Jz, AT_REL, SZ_Z) X(Ap, AT_FAR, SZ_Z) \
	X(Ob, AT_MOFFS, SZ_B) X(Ov, AT_MOFFS, SZ_V) \
	X(Xb, AT_SI, SZ_B) X(Xv, AT_SI, SZ_V) X(Xz, AT_SI, SZ_Z) \
	X(Yb, AT_DI, SZ_B) X(Yv, AT_DI, SZ_V) X(Yz, AT_DI, SZ_Z)
/* clang-format on */

enum operand_code {
#define CODE_ENUM(name, where, size) CODE_##name,
	OPERAND_CODES(CODE_ENUM)
#undef CODE_ENUM
	CODE_COUNT
};

struct code_info {
	u8 where; /* enum code_where */
	u8 size; /* enum code_size */
};

/* What is true of an opcode beyond its operands. */
enum opcode_flag {
	F_READ = BIT(0), /* reads its first operand */
	F_WRITE = BIT(1), /* writes it */
	F_RW = F_READ | F_WRITE,
	F_SRC_WRITE = BIT(2), /* writes its second operand too */
	F_ADDRESS = BIT(3), /* its memory operand is only an address */
	F_LOCK = BIT(4), /* LOCK is allowed with a memory destination */
	F_NOT64 = BIT(5), /* invalid in 64-bit mode */
	F_ONLY64 = BIT(6), /* invalid elsewhere */
	F_DEFAULT64 = BIT(7), /* 64 bits by default in 64-bit mode, 66 gives 16 */
	F_FORCE64 = BIT(8), /* 64 bits in 64-bit mode, whatever the prefixes */
	F_GROUP = BIT(9), /* ModRM.reg chooses: op is an enum opcode_group */
	F_SPLIT = BIT(10), /* of a group: the next one is for register forms */
	F_VARIANT = BIT(11), /* a prefix may choose another: look in opcode_variants */
};

/*
 * A table entry.  dst and src are described to the caller; all three take their
 * bytes from the instruction.  An entry of zeros is an invalid opcode.
 */
struct opcode {
	u8 op; /* enum insn_op */
	u8 dst, src, third; /* enum operand_code */
	u16 flags; /* enum opcode_flag */
};

enum opcode_group {
	GROUP_1, /* 80-83 */
	GROUP_1A, /* 8F */
	GROUP_2, /* C0, C1, D0-D3 */
	GROUP_3B, /* F6 */
	GROUP_3V, /* F7 */
	GROUP_4, /* FE */
	GROUP_5, /* FF */
	GROUP_6, /* 0F 00 */
	GROUP_7, /* 0F 01, memory; registers are in opcode_group7_reg */
	GROUP_8, /* 0F BA */
	GROUP_9, /* 0F C7 */
	GROUP_9_REG,
	GROUP_11B, /* C6 */
	GROUP_11V, /* C7 */
	GROUP_15, /* 0F AE */
	GROUP_15_REG,
	GROUP_COUNT
};

/*
 * An opcode that F3, F2 or 66 turn into another instruction, where that matters to
 * us.  In this order: F3 and F2 win over 66.
 */
enum variant_form { FORM_ANY, FORM_MEM, FORM_REG };

struct opcode_variant {
	u8 map, opcode;
	u8 prefix; /* 0xf3, 0xf2, 0x66 */
	u8 form; /* enum variant_form: any ModRM, or only with memory, a register ... */
	u8 reg; /* ... and this /r */
	struct opcode entry;
};

extern const struct code_info code_info[CODE_COUNT];
extern const struct opcode opcode_one_byte[256];
extern const struct opcode opcode_0f[256];
extern const struct opcode opcode_0f38[256];
extern const struct opcode opcode_0f3a[256];
extern const struct opcode opcode_group7_reg[64]; /* by ModRM - C0 */
extern const struct opcode opcode_groups[GROUP_COUNT][8];
extern const struct opcode_variant opcode_variants[];
extern const unsigned opcode_variant_count;

/* The shapes of VEX, EVEX and XOP instructions: ModRM and no immediate or one. */
extern const struct opcode opcode_vector, opcode_vector_imm8, opcode_vector_imm32;
extern const struct opcode opcode_no_operands;

#endif
