/*
 * decode_tables.c - the opcode maps
 *
 * Owns: which opcode bytes are instructions, their names and operands.
 * Must not know: how an instruction is taken apart (decode.c).
 *
 * To be read beside the opcode maps of a manual, whose notation it has: Eb is an
 * 8-bit r/m operand, Gv a register of the operand size, Iz an immediate of at most
 * 32 bits; decode_tables.h lists all.  "W" stands for every r/m operand that we do
 * not describe (x87, MMX, SSE, mask registers): it only makes a ModRM byte be read.
 *
 * Sources: [SDM] vol. 2 "Opcode Map" (appendix A); [APM] vol. 3 "Opcode and Operand
 * Encodings" (appendix A).
 */
#include "vm/decode_tables.h"

const struct code_info code_info[CODE_COUNT] = {
#define CODE_INFO(name, where, size) [CODE_##name] = { where, size },
	OPERAND_CODES(CODE_INFO)
#undef CODE_INFO
};

/* Entries with 0 to 3 operands: name, operands, flags. */
#define I0(name, fl) { INSN_##name, CODE_NO, CODE_NO, CODE_NO, fl }
#define I1(name, a, fl) { INSN_##name, CODE_##a, CODE_NO, CODE_NO, fl }
#define I2(name, a, b, fl) { INSN_##name, CODE_##a, CODE_##b, CODE_NO, fl }
#define I3(name, a, b, c, fl) { INSN_##name, CODE_##a, CODE_##b, CODE_##c, fl }
/* Only a source. */
#define IS(name, b, fl) { INSN_##name, CODE_NO, CODE_##b, CODE_NO, fl }
/* A group, with the operands of all its members that name none themselves. */
#define G1(group, a, fl) { group, CODE_##a, CODE_NO, CODE_NO, F_GROUP | (fl) }
#define G2(group, a, b, fl) { group, CODE_##a, CODE_##b, CODE_NO, F_GROUP | (fl) }
#define G0(group, fl) { group, CODE_W, CODE_NO, CODE_NO, F_GROUP | (fl) }

#define R F_READ
#define WR F_WRITE
#define RW F_RW
#define LK F_LOCK
#define D64 F_DEFAULT64
#define F64 F_FORCE64
#define I64 F_NOT64
#define O64 F_ONLY64
#define VAR F_VARIANT

const struct opcode opcode_no_operands = I0(OTHER, 0);
const struct opcode opcode_vector = I1(OTHER, W, 0);
const struct opcode opcode_vector_imm8 = I2(OTHER, W, Ib, 0);
const struct opcode opcode_vector_imm32 = I2(OTHER, W, Id, 0);

/* Shapes of instructions that are not described. */
#define OTHER I1(OTHER, W, 0)
#define OTHER_IB I2(OTHER, W, Ib, 0)
/* Invalid but for its variants. */
#define BY_PREFIX { INSN_INVALID, CODE_W, CODE_NO, CODE_NO, VAR }

/* clang-format off */

/* The six encodings of an arithmetic operation, from its first opcode. */
#define ARITH(first, name, fl, lock) \
	[(first) + 0] = I2(name, Eb, Gb, (fl) | (lock)), \
	[(first) + 1] = I2(name, Ev, Gv, (fl) | (lock)), \
	[(first) + 2] = I2(name, Gb, Eb, fl), \
	[(first) + 3] = I2(name, Gv, Ev, fl), \
	[(first) + 4] = I2(name, AL, Ib, fl), \
	[(first) + 5] = I2(name, rAX, Iz, fl)

const struct opcode opcode_one_byte[256] = {
	ARITH(0x00, ADD, RW, LK), [0x06] = IS(PUSH_SREG, Zs, I64), [0x07] = I1(POP_SREG, Zs, I64),
	ARITH(0x08, OR, RW, LK), [0x0e] = IS(PUSH_SREG, Zs, I64), /* 0F: the next map */
	ARITH(0x10, ADC, RW, LK), [0x16] = IS(PUSH_SREG, Zs, I64), [0x17] = I1(POP_SREG, Zs, I64),
	ARITH(0x18, SBB, RW, LK), [0x1e] = IS(PUSH_SREG, Zs, I64), [0x1f] = I1(POP_SREG, Zs, I64),
	ARITH(0x20, AND, RW, LK), [0x27] = I0(OTHER, I64), /* DAA */
	ARITH(0x28, SUB, RW, LK), [0x2f] = I0(OTHER, I64), /* DAS */
	ARITH(0x30, XOR, RW, LK), [0x37] = I0(OTHER, I64), /* AAA */
	ARITH(0x38, CMP, R, 0), [0x3f] = I0(OTHER, I64), /* AAS */

	/* In 64-bit mode these are REX prefixes. */
	[0x40 ... 0x47] = I1(INC, Zv, RW | I64),
	[0x48 ... 0x4f] = I1(DEC, Zv, RW | I64),
	[0x50 ... 0x57] = IS(PUSH, Zv, D64),
	[0x58 ... 0x5f] = I1(POP, Zv, WR | D64),

	[0x60] = I0(PUSHA, I64),
	[0x61] = I0(POPA, I64),
	[0x62] = IS(BOUND, M, I64), /* with a register: EVEX */
	[0x63] = I2(ARPL, Ew, Gw, RW), /* in 64-bit mode: MOVSXD, see decode.c */
	[0x68] = IS(PUSH, Iz, D64),
	[0x69] = I3(IMUL, Gv, Ev, Iz, WR),
	[0x6a] = IS(PUSH, sIb, D64),
	[0x6b] = I3(IMUL, Gv, Ev, sIb, WR),
	[0x6c] = I2(INS, Yb, DX, WR),
	[0x6d] = I2(INS, Yz, DX, WR),
	[0x6e] = I2(OUTS, DX, Xb, 0),
	[0x6f] = I2(OUTS, DX, Xz, 0),
	[0x70 ... 0x7f] = I1(JCC, Jb, F64),

	[0x80] = G2(GROUP_1, Eb, Ib, 0),
	[0x81] = G2(GROUP_1, Ev, Iz, 0),
	[0x82] = G2(GROUP_1, Eb, Ib, I64),
	[0x83] = G2(GROUP_1, Ev, sIb, 0),
	[0x84] = I2(TEST, Eb, Gb, R),
	[0x85] = I2(TEST, Ev, Gv, R),
	[0x86] = I2(XCHG, Eb, Gb, RW | F_SRC_WRITE | LK),
	[0x87] = I2(XCHG, Ev, Gv, RW | F_SRC_WRITE | LK),
	[0x88] = I2(MOV, Eb, Gb, WR),
	[0x89] = I2(MOV, Ev, Gv, WR),
	[0x8a] = I2(MOV, Gb, Eb, WR),
	[0x8b] = I2(MOV, Gv, Ev, WR),
	[0x8c] = I2(MOV_SREG, Evw, Sw, WR),
	[0x8d] = I2(LEA, Gv, M, WR | F_ADDRESS),
	[0x8e] = I2(MOV_SREG, Sw, Ew, WR),
	[0x8f] = G1(GROUP_1A, Ev, D64), /* or XOP */

	[0x90] = I2(XCHG, Zv, rAX, RW | F_SRC_WRITE), /* without REX.B: NOP, see decode.c */
	[0x91 ... 0x97] = I2(XCHG, Zv, rAX, RW | F_SRC_WRITE),
	[0x98] = I0(OTHER, 0), /* CBW, CWDE, CDQE */
	[0x99] = I0(OTHER, 0), /* CWD, CDQ, CQO */
	[0x9a] = IS(CALL_FAR, Ap, I64),
	[0x9b] = I0(FWAIT, 0),
	[0x9c] = I0(PUSHF, D64),
	[0x9d] = I0(POPF, D64),
	[0x9e] = I0(OTHER, 0), /* SAHF */
	[0x9f] = I0(OTHER, 0), /* LAHF */

	[0xa0] = I2(MOV, AL, Ob, WR),
	[0xa1] = I2(MOV, rAX, Ov, WR),
	[0xa2] = I2(MOV, Ob, AL, WR),
	[0xa3] = I2(MOV, Ov, rAX, WR),
	[0xa4] = I2(MOVS, Yb, Xb, WR),
	[0xa5] = I2(MOVS, Yv, Xv, WR),
	[0xa6] = I2(CMPS, Xb, Yb, R),
	[0xa7] = I2(CMPS, Xv, Yv, R),
	[0xa8] = I2(TEST, AL, Ib, R),
	[0xa9] = I2(TEST, rAX, Iz, R),
	[0xaa] = I2(STOS, Yb, AL, WR),
	[0xab] = I2(STOS, Yv, rAX, WR),
	[0xac] = I2(LODS, AL, Xb, WR),
	[0xad] = I2(LODS, rAX, Xv, WR),
	[0xae] = I2(SCAS, AL, Yb, R),
	[0xaf] = I2(SCAS, rAX, Yv, R),

	[0xb0 ... 0xb7] = I2(MOV, Zb, Ib, WR),
	[0xb8 ... 0xbf] = I2(MOV, Zv, Iv, WR),

	[0xc0] = G2(GROUP_2, Eb, Ib, RW),
	[0xc1] = G2(GROUP_2, Ev, Ib, RW),
	[0xc2] = IS(RET, Iw, F64),
	[0xc3] = I0(RET, F64),
	[0xc4] = I2(LES, Gz, Mp, WR | I64), /* or VEX */
	[0xc5] = I2(LDS, Gz, Mp, WR | I64), /* or VEX */
	[0xc6] = G2(GROUP_11B, Eb, Ib, 0),
	[0xc7] = G2(GROUP_11V, Ev, Iz, 0),
	[0xc8] = { INSN_ENTER, CODE_NO, CODE_Iw, CODE_Ib, D64 },
	[0xc9] = I0(LEAVE, D64),
	[0xca] = IS(RET_FAR, Iw, 0),
	[0xcb] = I0(RET_FAR, 0),
	[0xcc] = I0(INT3, 0),
	[0xcd] = IS(INT, Ib, 0),
	[0xce] = I0(INTO, I64),
	[0xcf] = I0(IRET, 0),

	[0xd0] = G2(GROUP_2, Eb, One, RW),
	[0xd1] = G2(GROUP_2, Ev, One, RW),
	[0xd2] = G2(GROUP_2, Eb, CL, RW),
	[0xd3] = G2(GROUP_2, Ev, CL, RW),
	[0xd4] = IS(OTHER, Ib, I64), /* AAM */
	[0xd5] = IS(OTHER, Ib, I64), /* AAD */
	[0xd6] = I0(OTHER, I64), /* SALC, undocumented */
	[0xd7] = I0(XLAT, 0),
	[0xd8 ... 0xdf] = OTHER, /* x87 */

	[0xe0 ... 0xe2] = I1(LOOP, Jb, F64),
	[0xe3] = I1(JCXZ, Jb, F64),
	[0xe4] = I2(IN, AL, Ib, WR),
	[0xe5] = I2(IN, eAX, Ib, WR),
	[0xe6] = I2(OUT, Ib, AL, 0),
	[0xe7] = I2(OUT, Ib, eAX, 0),
	[0xe8] = I1(CALL, Jz, F64),
	[0xe9] = I1(JMP, Jz, F64),
	[0xea] = IS(JMP_FAR, Ap, I64),
	[0xeb] = I1(JMP, Jb, F64),
	[0xec] = I2(IN, AL, DX, WR),
	[0xed] = I2(IN, eAX, DX, WR),
	[0xee] = I2(OUT, DX, AL, 0),
	[0xef] = I2(OUT, DX, eAX, 0),

	[0xf1] = I0(ICEBP, 0),
	[0xf4] = I0(HLT, 0),
	[0xf5] = I0(OTHER, 0), /* CMC */
	[0xf6] = G1(GROUP_3B, Eb, 0),
	[0xf7] = G1(GROUP_3V, Ev, 0),
	[0xf8 ... 0xf9] = I0(OTHER, 0), /* CLC, STC */
	[0xfa] = I0(CLI, 0),
	[0xfb] = I0(STI, 0),
	[0xfc ... 0xfd] = I0(OTHER, 0), /* CLD, STD */
	[0xfe] = G1(GROUP_4, Eb, 0),
	[0xff] = G1(GROUP_5, Ev, 0),
};

const struct opcode opcode_0f[256] = {
	[0x00] = G1(GROUP_6, Ew, VAR),
	[0x01] = G1(GROUP_7, M, 0), /* register forms: opcode_group7_reg */
	[0x02] = I2(LAR, Gv, Ew, WR),
	[0x03] = I2(LSL, Gv, Ew, WR),
	[0x05] = I0(SYSCALL, 0),
	[0x06] = I0(CLTS, 0),
	[0x07] = I0(SYSRET, 0),
	[0x08] = I0(INVD, 0),
	[0x09] = I0(WBINVD, VAR),
	[0x0b] = I0(UD, 0),
	[0x0d] = OTHER, /* PREFETCHW */
	[0x0e] = I0(OTHER, 0), /* FEMMS */
	[0x0f] = OTHER_IB, /* 3DNow!, whose opcode comes last */
	[0x10 ... 0x17] = OTHER,
	[0x18 ... 0x1f] = I1(NOP, W, F_ADDRESS), /* prefetches, MPX, ENDBR, hint NOPs */

	[0x20] = I2(MOV_CR, Rm, Cm, WR),
	[0x21] = I2(MOV_DR, Rm, Dm, WR),
	[0x22] = I2(MOV_CR, Cm, Rm, WR),
	[0x23] = I2(MOV_DR, Dm, Rm, WR),
	[0x28 ... 0x2f] = OTHER,

	[0x30] = I0(WRMSR, 0),
	[0x31] = I0(RDTSC, 0),
	[0x32] = I0(RDMSR, 0),
	[0x33] = I0(RDPMC, 0),
	[0x34] = I0(SYSENTER, 0),
	[0x35] = I0(SYSEXIT, 0),
	[0x37] = I0(GETSEC, 0),
	[0x40 ... 0x4f] = I2(CMOVCC, Gv, Ev, RW),
	[0x50 ... 0x6f] = OTHER,
	[0x70 ... 0x73] = OTHER_IB,
	[0x74 ... 0x76] = OTHER,
	[0x77] = I0(OTHER, 0), /* EMMS */
	[0x78] = I2(VMREAD, Em, Gm, WR | VAR),
	[0x79] = I2(VMWRITE, Gm, Em, R | VAR),
	[0x7c ... 0x7f] = OTHER,

	[0x80 ... 0x8f] = I1(JCC, Jz, F64),
	[0x90 ... 0x9f] = I1(SETCC, Eb, WR),
	[0xa0] = IS(PUSH_SREG, Zs, D64),
	[0xa1] = I1(POP_SREG, Zs, D64),
	[0xa2] = I0(CPUID, 0),
	[0xa3] = I2(BT, Ev, Gv, R),
	[0xa4] = I3(SHLD, Ev, Gv, Ib, RW),
	[0xa5] = I3(SHLD, Ev, Gv, CL, RW),
	[0xa8] = IS(PUSH_SREG, Zs, D64),
	[0xa9] = I1(POP_SREG, Zs, D64),
	[0xaa] = I0(RSM, 0),
	[0xab] = I2(BTS, Ev, Gv, RW | LK),
	[0xac] = I3(SHRD, Ev, Gv, Ib, RW),
	[0xad] = I3(SHRD, Ev, Gv, CL, RW),
	[0xae] = G0(GROUP_15, F_SPLIT | VAR),
	[0xaf] = I2(IMUL, Gv, Ev, RW),

	[0xb0] = I2(CMPXCHG, Eb, Gb, RW | LK),
	[0xb1] = I2(CMPXCHG, Ev, Gv, RW | LK),
	[0xb2] = I2(LSS, Gv, Mp, WR),
	[0xb3] = I2(BTR, Ev, Gv, RW | LK),
	[0xb4] = I2(LFS, Gv, Mp, WR),
	[0xb5] = I2(LGS, Gv, Mp, WR),
	[0xb6] = I2(MOVZX, Gv, Eb, WR),
	[0xb7] = I2(MOVZX, Gv, Ew, WR),
	[0xb8] = BY_PREFIX, /* POPCNT has F3 */
	[0xb9] = I1(UD, W, F_ADDRESS),
	[0xba] = G2(GROUP_8, Ev, Ib, 0),
	[0xbb] = I2(BTC, Ev, Gv, RW | LK),
	[0xbc] = I2(BSF, Gv, Ev, WR | VAR), /* with F3: TZCNT */
	[0xbd] = I2(BSR, Gv, Ev, WR | VAR), /* with F3: LZCNT */
	[0xbe] = I2(MOVSX, Gv, Eb, WR),
	[0xbf] = I2(MOVSX, Gv, Ew, WR),

	[0xc0] = I2(XADD, Eb, Gb, RW | F_SRC_WRITE | LK),
	[0xc1] = I2(XADD, Ev, Gv, RW | F_SRC_WRITE | LK),
	[0xc2] = OTHER_IB, /* CMPPS */
	[0xc3] = I2(MOVNTI, My, Gy, WR),
	[0xc4 ... 0xc6] = OTHER_IB, /* PINSRW, PEXTRW, SHUFPS */
	[0xc7] = G0(GROUP_9, F_SPLIT | VAR),
	[0xc8 ... 0xcf] = I1(BSWAP, Zv, RW),
	[0xd0 ... 0xfe] = OTHER,
	[0xff] = I1(UD, W, F_ADDRESS),
};

const struct opcode opcode_0f38[256] = {
	[0x00 ... 0x0b] = OTHER, /* SSSE3 */
	[0x10] = OTHER, [0x14 ... 0x15] = OTHER, [0x17] = OTHER, /* SSE4.1 from here */
	[0x1c ... 0x1e] = OTHER, [0x20 ... 0x25] = OTHER, [0x28 ... 0x2b] = OTHER,
	[0x30 ... 0x41] = OTHER,
	[0x80 ... 0x82] = BY_PREFIX, /* INVEPT, INVVPID, INVPCID have 66 */
	[0xc8 ... 0xcd] = OTHER, [0xcf] = OTHER, /* SHA, GF2P8MULB */
	[0xd8] = OTHER, [0xdb ... 0xdf] = OTHER, /* AES, key locker */
	[0xf0] = I2(MOVBE, Gv, Mv, WR | VAR),
	[0xf1] = I2(MOVBE, Mv, Gv, WR | VAR),
	[0xf5] = OTHER, /* WRUSS */
	[0xf6] = I1(OTHER, W, VAR), /* WRSS; ADCX has 66, ADOX F3 */
	[0xf8 ... 0xfc] = OTHER, /* MOVDIR64B, MOVDIRI, ENQCMD, key locker, AADD */
};

const struct opcode opcode_0f3a[256] = {
	[0x08 ... 0x0f] = OTHER_IB, [0x14 ... 0x17] = OTHER_IB, [0x20 ... 0x22] = OTHER_IB,
	[0x40 ... 0x42] = OTHER_IB, [0x44] = OTHER_IB, [0x60 ... 0x63] = OTHER_IB,
	[0xcc] = OTHER_IB, [0xce ... 0xcf] = OTHER_IB, /* SHA1RNDS4, GF2P8AFFINE */
	[0xdf] = OTHER_IB, /* AESKEYGENASSIST */
	[0xf0] = OTHER_IB, /* HRESET */
};

const struct opcode opcode_group7_reg[64] = {
	[0x00] = I0(ENCLV, 0), [0x01] = I0(VMCALL, 0), [0x02] = I0(VMLAUNCH, 0),
	[0x03] = I0(VMRESUME, 0), [0x04] = I0(VMXOFF, 0), [0x05] = I0(PCONFIG, 0),
	[0x06] = I0(OTHER, 0), /* WRMSRNS, RDMSRLIST, WRMSRLIST */
	[0x08] = I0(MONITOR, 0), [0x09] = I0(MWAIT, 0),
	[0x0a] = I0(CLAC, 0), [0x0b] = I0(STAC, 0),
	[0x0c ... 0x0e] = I0(OTHER, 0), /* TDCALL, SEAMRET, SEAMOPS */
	[0x0f] = I0(ENCLS, 0),
	[0x10] = I0(XGETBV, 0), [0x11] = I0(XSETBV, 0), [0x14] = I0(VMFUNC, 0),
	[0x15 ... 0x16] = I0(OTHER, 0), /* XEND, XTEST */
	[0x17] = I0(ENCLU, 0),
	[0x18] = I0(VMRUN, 0), [0x19] = I0(VMMCALL, 0), [0x1a] = I0(VMLOAD, 0),
	[0x1b] = I0(VMSAVE, 0), [0x1c] = I0(STGI, 0), [0x1d] = I0(CLGI, 0),
	[0x1e] = I0(SKINIT, 0), [0x1f] = I0(INVLPGA, 0),
	[0x20 ... 0x27] = I1(SMSW, Rv, WR),
	[0x28 ... 0x2f] = I0(OTHER, 0), /* SERIALIZE, XSUSLDTRK, shadow stacks, UIRET, RDPKRU ... */
	[0x30 ... 0x37] = IS(LMSW, Ew, 0),
	[0x38] = I0(SWAPGS, O64), [0x39] = I0(RDTSCP, 0),
	[0x3a] = I0(MONITORX, 0), [0x3b] = I0(MWAITX, 0),
	[0x3c] = I0(OTHER, 0), /* CLZERO */
	[0x3d] = I0(RDPRU, 0),
	[0x3e] = I0(INVLPGB, 0), /* with F3 or F2: RMPADJUST, RMPUPDATE */
	[0x3f] = I0(TLBSYNC, 0), /* with F3 or F2: PSMASH, PVALIDATE */
};

const struct opcode opcode_groups[GROUP_COUNT][8] = {
	[GROUP_1] = {
		I0(ADD, RW | LK), I0(OR, RW | LK), I0(ADC, RW | LK), I0(SBB, RW | LK),
		I0(AND, RW | LK), I0(SUB, RW | LK), I0(XOR, RW | LK), I0(CMP, R),
	},
	[GROUP_1A] = { [0] = I0(POP, WR) },
	[GROUP_2] = {
		I0(ROL, 0), I0(ROR, 0), I0(RCL, 0), I0(RCR, 0),
		I0(SHL, 0), I0(SHR, 0), I0(SHL, 0), I0(SAR, 0),
	},
	[GROUP_3B] = {
		I2(TEST, Eb, Ib, R), I2(TEST, Eb, Ib, R), I0(NOT, RW | LK), I0(NEG, RW | LK),
		IS(MUL, Eb, 0), IS(IMUL, Eb, 0), IS(DIV, Eb, 0), IS(IDIV, Eb, 0),
	},
	[GROUP_3V] = {
		I2(TEST, Ev, Iz, R), I2(TEST, Ev, Iz, R), I0(NOT, RW | LK), I0(NEG, RW | LK),
		IS(MUL, Ev, 0), IS(IMUL, Ev, 0), IS(DIV, Ev, 0), IS(IDIV, Ev, 0),
	},
	[GROUP_4] = { I0(INC, RW | LK), I0(DEC, RW | LK) },
	[GROUP_5] = {
		I0(INC, RW | LK), I0(DEC, RW | LK), IS(CALL, Ev, F64), IS(CALL_FAR, Mp, 0),
		IS(JMP, Ev, F64), IS(JMP_FAR, Mp, 0), IS(PUSH, Ev, D64),
	},
	[GROUP_6] = {
		I1(SLDT, Evw, WR), I1(STR, Evw, WR), IS(LLDT, Ew, 0), IS(LTR, Ew, 0),
		IS(VERR, Ew, 0), IS(VERW, Ew, 0), /* /6 with F2: LKGS */
	},
	[GROUP_7] = {
		I1(SGDT, Ms, WR), I1(SIDT, Ms, WR), IS(LGDT, Ms, 0), IS(LIDT, Ms, 0),
		I1(SMSW, Ew, WR), I0(OTHER, 0), /* RSTORSSP */
		IS(LMSW, Ew, 0), IS(INVLPG, M, F_ADDRESS),
	},
	[GROUP_8] = { [4] = I0(BT, R), I0(BTS, RW | LK), I0(BTR, RW | LK), I0(BTC, RW | LK) },
	[GROUP_9] = {
		[1] = I1(CMPXCHG8B, Mq, RW | LK), /* REX.W: CMPXCHG16B, see decode.c */
		[3] = I1(XRSTORS, M, F_ADDRESS), I0(OTHER, 0), /* XSAVEC */
		I1(XSAVES, M, F_ADDRESS),
		[6] = IS(VMPTRLD, Mq, 0), I1(VMPTRST, Mq, WR),
	},
	[GROUP_9_REG] = { [6] = I1(RDRAND, Rv, WR), I1(RDSEED, Rv, WR) },
	[GROUP_11B] = { [0] = I0(MOV, WR), [7] = I0(OTHER, 0) }, /* XABORT, if ModRM is F8 */
	[GROUP_11V] = { [0] = I0(MOV, WR), [7] = I0(OTHER, 0) }, /* XBEGIN */
	/* FXSAVE FXRSTOR LDMXCSR STMXCSR XSAVE XRSTOR XSAVEOPT CLFLUSH */
	[GROUP_15] = { [0 ... 6] = I0(OTHER, 0), [7] = IS(CLFLUSH, M, F_ADDRESS) },
	/* LFENCE MFENCE SFENCE */
	[GROUP_15_REG] = { [5 ... 7] = I0(OTHER, 0) },
};

/* A variant for any ModRM, for one /r with a memory or with a register operand. */
#define ANY FORM_ANY, 0
#define MEM_R(r) FORM_MEM, r
#define REG_R(r) FORM_REG, r

const struct opcode_variant opcode_variants[] = {
	{ MAP_0F, 0x00, 0xf2, MEM_R(6), I1(OTHER, W, 0) }, /* LKGS */
	{ MAP_0F, 0x00, 0xf2, REG_R(6), I1(OTHER, W, 0) },
	{ MAP_0F, 0x09, 0xf3, ANY, I0(WBNOINVD, 0) },
	{ MAP_0F, 0x78, 0xf2, ANY, I3(OTHER, W, Ib, Ib, 0) }, /* INSERTQ */
	{ MAP_0F, 0x78, 0x66, ANY, I3(OTHER, W, Ib, Ib, 0) }, /* EXTRQ */
	{ MAP_0F, 0x79, 0xf2, ANY, I1(OTHER, W, 0) },
	{ MAP_0F, 0x79, 0x66, ANY, I1(OTHER, W, 0) },
	{ MAP_0F, 0xae, 0xf3, REG_R(0), I1(RDFSBASE, Ry, WR | O64) },
	{ MAP_0F, 0xae, 0xf3, REG_R(1), I1(RDGSBASE, Ry, WR | O64) },
	{ MAP_0F, 0xae, 0xf3, REG_R(2), IS(WRFSBASE, Ry, O64) },
	{ MAP_0F, 0xae, 0xf3, REG_R(3), IS(WRGSBASE, Ry, O64) },
	{ MAP_0F, 0xae, 0xf3, REG_R(4), I1(OTHER, W, 0) }, /* PTWRITE */
	{ MAP_0F, 0xae, 0xf3, REG_R(6), IS(UMONITOR, Ra, F_ADDRESS) },
	{ MAP_0F, 0xae, 0xf2, REG_R(6), IS(UMWAIT, Rd, 0) },
	{ MAP_0F, 0xae, 0x66, REG_R(6), IS(TPAUSE, Rd, 0) },
	{ MAP_0F, 0xae, 0x66, MEM_R(6), IS(CLFLUSH, M, F_ADDRESS) }, /* CLWB */
	{ MAP_0F, 0xb8, 0xf3, ANY, I2(POPCNT, Gv, Ev, WR) },
	{ MAP_0F, 0xbc, 0xf3, ANY, I2(TZCNT, Gv, Ev, WR) },
	{ MAP_0F, 0xbd, 0xf3, ANY, I2(LZCNT, Gv, Ev, WR) },
	{ MAP_0F, 0xc7, 0xf3, REG_R(7), I1(RDPID, Rm, WR) },
	{ MAP_0F, 0xc7, 0xf3, REG_R(6), I1(OTHER, W, 0) }, /* SENDUIPI */
	{ MAP_0F, 0xc7, 0xf3, MEM_R(6), IS(VMXON, Mq, 0) },
	{ MAP_0F, 0xc7, 0x66, MEM_R(6), IS(VMCLEAR, Mq, 0) },
	{ MAP_0F38, 0x80, 0x66, ANY, I2(INVEPT, Gm, Mdq, R) },
	{ MAP_0F38, 0x81, 0x66, ANY, I2(INVVPID, Gm, Mdq, R) },
	{ MAP_0F38, 0x82, 0x66, ANY, I2(INVPCID, Gm, Mdq, R) },
	{ MAP_0F38, 0xf0, 0xf2, ANY, I2(CRC32, Gy, Eb, WR) },
	{ MAP_0F38, 0xf1, 0xf2, ANY, I2(CRC32, Gy, Ev, WR) },
	{ MAP_0F38, 0xf6, 0x66, ANY, I2(ADCX, Gy, Ey, WR) },
	{ MAP_0F38, 0xf6, 0xf3, ANY, I2(ADOX, Gy, Ey, WR) },
};
/* clang-format on */

const unsigned opcode_variant_count = ARRAY_SIZE(opcode_variants);
