/*
 * decode.h - from instruction bytes to struct insn
 *
 * Owns: the length and the meaning of an encoded instruction, and the rules by
 * which an instruction names registers and addresses.
 * Must not know: a CPU, a VM, memory, paging, privilege.  Bytes come in, a
 * description goes out; the same bytes always give the same description.
 *
 * A hypervisor decodes for two reasons.  It needs the length of what it
 * emulates, where the CPU does not report it, and there a wrong length is a
 * guest that runs on in the middle of an instruction.  And it needs the operands
 * of a MOV to a device, of which the CPU reports only the address.  So the length
 * is exact for every instruction, while the operands are described for those
 * that enum insn_op names, and not for the rest, which are INSN_OTHER.
 *
 * Sources: [SDM] vol. 2 "Instruction Format" (2), "Opcode Map" (appendix A);
 * [APM] vol. 3 "Instruction Encoding" (1), "Opcode and Operand Encodings"
 * (appendix A); [APM] vol. 6 for XOP.
 */
#ifndef ESPEJO_VM_DECODE_H
#define ESPEJO_VM_DECODE_H

#include "types.h"
#include "compiler.h"
#include "x86.h"

/* The longest instruction. [SDM] "Instruction Format" (2), vol. 2 */
#define INSN_MAX_LEN 15

/*
 * The default sizes that the code segment gives: CS.L = 1 is DECODE_64, else CS.D
 * chooses.  Real mode and virtual-8086 mode are DECODE_16.
 */
enum decode_mode { DECODE_16, DECODE_32, DECODE_64 };

/* Why decode() refuses, returned negated. */
#define DECODE_SHORT 1 /* the instruction is longer than the bytes given */
#define DECODE_UD 2 /* no such instruction: #UD */
#define DECODE_LONG 3 /* more than INSN_MAX_LEN bytes: #GP(0) */

/*
 * The operations, under the manuals' names.  One name may stand for several
 * encodings: the operands tell them apart.  Where the name is not a mnemonic:
 *
 *   OTHER       valid, its length is known, its operands are not described
 *   UD          UD0, UD1, UD2: instructions whose whole effect is #UD
 *   MOV_SREG    MOV to or from a segment register (also PUSH_SREG, POP_SREG)
 *   JCC, SETCC, CMOVCC   the condition is the low four bits of the opcode
 *   CALL_FAR ...  the forms that load CS, and so may switch tasks
 *   INT         INT n; INT3, INTO and ICEBP (F1, also INT1) are apart
 *   PUSHF, POPF, PUSHA, POPA, IRET   of any operand size
 *   LOOP        also LOOPE and LOOPNE; JCXZ also JECXZ and JRCXZ
 *   CMPXCHG16B  is CMPXCHG8B with a 16-byte operand
 */
/* clang-format off */
#define INSN_OPS(X) \
	X(INVALID) X(OTHER) X(UD) X(NOP) X(PAUSE) X(FWAIT) \
	/* data movement */ \
	X(MOV) X(MOVZX) X(MOVSX) X(MOVSXD) X(MOVBE) X(MOVNTI) X(CMOVCC) X(SETCC) X(LEA) X(BSWAP) \
	X(XCHG) X(XADD) X(CMPXCHG) X(CMPXCHG8B) X(CMPXCHG16B) X(XLAT) \
	X(PUSH) X(POP) X(PUSHA) X(POPA) X(PUSHF) X(POPF) X(ENTER) X(LEAVE) \
	/* strings and ports */ \
	X(MOVS) X(STOS) X(LODS) X(CMPS) X(SCAS) X(INS) X(OUTS) X(IN) X(OUT) \
	/* arithmetic, logic, bits */ \
	X(ADD) X(OR) X(ADC) X(SBB) X(AND) X(SUB) X(XOR) X(CMP) X(TEST) X(INC) X(DEC) X(NOT) X(NEG) \
	X(MUL) X(IMUL) X(DIV) X(IDIV) X(ROL) X(ROR) X(RCL) X(RCR) X(SHL) X(SHR) X(SAR) \
	X(BT) X(BTS) X(BTR) X(BTC) X(SHLD) X(SHRD) X(BSF) X(BSR) X(TZCNT) X(LZCNT) X(POPCNT) \
	X(CRC32) X(ADCX) X(ADOX) \
	/* control flow */ \
	X(JMP) X(JCC) X(LOOP) X(JCXZ) X(CALL) X(RET) X(JMP_FAR) X(CALL_FAR) X(RET_FAR) \
	X(INT) X(INT3) X(INTO) X(ICEBP) X(IRET) X(BOUND) \
	X(SYSCALL) X(SYSRET) X(SYSENTER) X(SYSEXIT) \
	/* flags */ \
	X(CLI) X(STI) X(CLAC) X(STAC) \
	/* segments and tables */ \
	X(MOV_SREG) X(PUSH_SREG) X(POP_SREG) X(LES) X(LDS) X(LSS) X(LFS) X(LGS) \
	X(LGDT) X(LIDT) X(SGDT) X(SIDT) X(LLDT) X(LTR) X(SLDT) X(STR) \
	X(LAR) X(LSL) X(VERR) X(VERW) X(ARPL) X(SWAPGS) \
	X(RDFSBASE) X(RDGSBASE) X(WRFSBASE) X(WRGSBASE) \
	/* the machine */ \
	X(MOV_CR) X(MOV_DR) X(CLTS) X(LMSW) X(SMSW) X(CPUID) X(RDMSR) X(WRMSR) \
	X(RDTSC) X(RDTSCP) X(RDPMC) X(RDPID) X(RDPRU) X(RDRAND) X(RDSEED) X(XGETBV) X(XSETBV) \
	X(HLT) X(MONITOR) X(MWAIT) X(MONITORX) X(MWAITX) X(UMONITOR) X(UMWAIT) X(TPAUSE) \
	X(INVD) X(WBINVD) X(WBNOINVD) X(INVLPG) X(INVPCID) X(INVLPGB) X(TLBSYNC) X(CLFLUSH) \
	X(XSAVES) X(XRSTORS) X(GETSEC) X(ENCLS) X(ENCLU) X(ENCLV) X(PCONFIG) X(RSM) \
	/* virtualization, of both vendors */ \
	X(VMCALL) X(VMLAUNCH) X(VMRESUME) X(VMXOFF) X(VMXON) X(VMCLEAR) X(VMPTRLD) X(VMPTRST) \
	X(VMREAD) X(VMWRITE) X(INVEPT) X(INVVPID) X(VMFUNC) \
	X(VMMCALL) X(VMRUN) X(VMLOAD) X(VMSAVE) X(STGI) X(CLGI) X(SKINIT) X(INVLPGA)
/* clang-format on */

enum insn_op {
#define INSN_ENUM(name) INSN_##name,
	INSN_OPS(INSN_ENUM)
#undef INSN_ENUM
	INSN_OP_COUNT
};

/* Which of F3 and F2 came last.  REP and REPE are one prefix. */
enum insn_rep { REP_NONE, REP_REPE = 0xf3, REP_REPNE = 0xf2 };

/* The opcode maps; the numbers are those in VEX, EVEX and XOP prefixes. */
enum insn_map {
	MAP_ONE_BYTE = 0,
	MAP_0F = 1,
	MAP_0F38 = 2,
	MAP_0F3A = 3,
	MAP_EVEX5 = 5,
	MAP_EVEX6 = 6,
	MAP_XOP8 = 8,
	MAP_XOP9 = 9,
	MAP_XOPA = 10,
};

enum insn_operand_kind {
	OPERAND_NONE,
	OPERAND_REG, /* general register `reg`; read it by insn_reg_read() */
	OPERAND_MEM, /* memory, named by ModRM or by an offset in the instruction */
	OPERAND_SI, /* memory at seg:rSI, the source of a string instruction */
	OPERAND_DI, /* memory at ES:rDI, its destination */
	OPERAND_IMM, /* `imm`, already extended to the operand's size */
	OPERAND_SREG, /* segment register `reg`, an enum x86_seg */
	OPERAND_CR, /* control register number `reg` */
	OPERAND_DR, /* debug register number `reg` */
	OPERAND_REL, /* branch distance `imm` from the end of the instruction */
	OPERAND_FAR, /* far pointer: offset `imm`, selector `imm2` */
};

/*
 * One operand.  `size` is in bytes: 1, 2, 4, 8, or 16 for CMPXCHG16B and
 * descriptors of INVPCID and the like; 6 or 10 for LGDT and far pointers (4 for
 * 16:16).  It is 0 where nothing is loaded or stored (LEA, INVLPG) and in INSN_OTHER.
 */
struct insn_operand {
	u8 kind; /* enum insn_operand_kind */
	u8 reg; /* enum x86_reg unless kind says otherwise */
	u8 size;
};

#define INSN_NO_REG 0xff
#define REX_W BIT(3)
#define REX_R BIT(2)
#define REX_X BIT(1)
#define REX_B BIT(0)

/*
 * A decoded instruction.
 *
 * Operands implied by an operation are not listed, as its manual page gives them
 * (rAX of CMPXCHG, the stack of PUSH, DX:AX of MUL), and a third operand is only
 * in `imm` (IMUL, SHLD).  Two destinations (XCHG, XADD) are dst and src.
 * Only-written operands are dst; the only operand is dst, but for those that are
 * only read or called for their address, which are src (PUSH, INVLPG, LGDT).
 */
struct insn {
	u8 len; /* bytes, 1 to INSN_MAX_LEN */
	u8 mode; /* enum decode_mode */

	/* prefixes, as found */
	u8 rep; /* enum insn_rep; also set where it selects the instruction */
	bool lock;
	bool opsize_prefix; /* 66 */
	bool addrsize_prefix; /* 67 */
	u8 seg_override; /* enum x86_seg, or SEG_COUNT; CS DS ES SS do not count in 64-bit mode */
	u8 rex; /* the byte, or 0; 4 bits W R X B where VEX, EVEX or XOP carry them */
	bool vector_prefix; /* VEX, EVEX or XOP */
	bool evex;

	u8 osize; /* operand size: 2, 4, 8; what 8-bit forms ignore */
	u8 asize; /* address size: 2, 4, 8 */

	u8 map; /* enum insn_map */
	u8 opcode; /* the byte in that map; 3DNow! is 0F 0F and has its opcode in imm */
	bool has_modrm;
	u8 modrm; /* the byte; mod, reg and rm are its parts ... */
	u8 mod;
	u8 reg; /* ... extended by REX.R ... */
	u8 rm; /* ... and REX.B */

	/* the memory operand OPERAND_MEM; for its address use insn_ea() */
	bool mem; /* there is one */
	bool rip_relative;
	u8 base, index; /* enum x86_reg or INSN_NO_REG */
	u8 scale; /* the index is shifted left by 0 to 3 */
	s64 disp; /* sign-extended, but a MOV offset (A0-A3), which is an address */

	/* what happens to OPERAND_MEM, _SI and _DI; not known for INSN_OTHER */
	bool mem_read;
	bool mem_write;

	/* VEX: the prefix it stands for, 0 to 3 for none, 66, F3, F2; operands of 256 bits */
	u8 vector_pp;
	bool vector_256;
	u8 vvvv; /* VEX and XOP: the register that is named there */

	u8 op; /* enum insn_op, never INSN_INVALID */
	struct insn_operand dst, src;
	u64 imm; /* the immediate, or 1 for the shifts by one */
	u64 imm2; /* ENTER's level, a far pointer's selector */
};

/*
 * Decode the instruction at `bytes`, of which `len` are there; no byte beyond
 * them is read, nor any beyond the instruction's last.  More bytes than
 * INSN_MAX_LEN are of no use, and fewer may do.
 *
 * 0, or one of these, with *out unspecified:
 *   -DECODE_SHORT  give more: the rest lies on the next page, and may fault there
 *   -DECODE_UD     the CPU raises #UD
 *   -DECODE_LONG   the CPU raises #GP(0)
 *
 * What bytes alone cannot tell is accepted: whether this CPU has the extension,
 * VEX and EVEX in real mode, LLDT, ARPL and the like in real mode, privilege.
 * Nor are the opcodes of VEX, EVEX and XOP judged, only their form.  A CPU that
 * has run the instruction has judged these before the exit.
 *
 * Where vendors differ: near branches in 64-bit mode ignore 66, as on Intel (AMD
 * takes a 16-bit displacement and cuts RIP; no compiler emits that).  LOCK MOV
 * CR0 is CR8, as on AMD (#UD on Intel).  Not known: APX and VEX map 7.
 */
int decode(struct insn *out, const u8 *bytes, unsigned len, enum decode_mode mode) MUST_CHECK;

/* The operation's name, such as "MOV". */
const char *insn_name(enum insn_op op);

/*
 * General register `reg` as an operand of `size` 1, 2, 4 or 8 bytes, zero-extended.
 * Without REX the byte registers 4 to 7 are AH, CH, DH, BH.  `gpr` is in the order
 * of enum x86_reg.  [SDM] "REX Prefixes" (2.2.1), vol. 2
 */
u64 insn_reg_read(const struct insn *insn, const u64 *gpr, unsigned reg, unsigned size);

/*
 * Store into it.  32 bits clear the upper half, as in 64-bit mode; 8 and 16 bits
 * leave the rest alone.  [SDM] "General-Purpose Registers in 64-Bit Mode"
 * (vol. 1, 3.4.1.1)
 */
void insn_reg_write(const struct insn *insn, u64 *gpr, unsigned reg, unsigned size, u64 value);

/*
 * The offset of operand `opnd` (OPERAND_MEM, _SI or _DI) in its segment, cut to
 * the address size; the caller adds the base of insn_seg().  `rip_next` is the
 * address after the instruction.  The bit instructions (BT m, r) reach beyond
 * their operand, and this is counted in.  POP to memory addressed by rSP wants rSP
 * already incremented.  Of INSN_OTHER not for EVEX, which scales
 * displacements, nor for gathers, which have vectors of indices.
 */
u64 insn_ea(const struct insn *insn, const struct insn_operand *opnd, const u64 *gpr, u64 rip_next);

/* The segment of a memory operand: ES for _DI, else the override or the default. */
enum x86_seg insn_seg(const struct insn *insn, const struct insn_operand *opnd);

/* All ones of that many bytes, 1 to 8. */
static inline u64 insn_mask(unsigned size)
{
	return ~0ull >> (64 - 8 * size);
}

#endif
