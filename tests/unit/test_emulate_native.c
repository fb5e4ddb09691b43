/*
 * test_emulate_native.c - random instructions, emulated and on the host's own CPU
 *
 * Owns: making instructions with operands in a known piece of memory, and comparing registers,
 * flags and memory.  In 64-bit mode, on x86-64 hosts; elsewhere there is nothing to compare with.
 * Must not know: what an instruction does: that is the CPU's to say.
 *
 * Memory is at the same addresses in the guest; of its pages every second one is the device's.
 */
#include "emu.h"
#include "native.h"

void test_emulate_native_register(void);

#define PAGES (NATIVE_DATA_SIZE / PAGE_SIZE)
#define ROUNDS 90000
/* Operands lie in the middle, so that a bit string may reach far. */
#define TARGET (NATIVE_DATA + 0x4000)
#define TARGET_SIZE 0x8000ull

static u64 seed = 0x853c49e6748fea9bull;

static u64 dice(u64 sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed * 0x2545f4914f6cdd1dull >> 11) % sides;
}

static u64 random64(void)
{
	static const u64 border[] = { 0,	   1,	    0x7f,	0x80,	    0xff,
				      0x7fff,	   0x8000,  0x7fffffff, 0x80000000, 0xffffffff,
				      BIT(63) - 1, BIT(63), ~0ull };

	if (dice(3) == 0)
		return border[dice(ARRAY_SIZE(border))];
	return dice(~0ull) << 32 ^ dice(~0ull);
}

/* ---- Instructions ----------------------------------------------------------------- */

enum shape {
	SHAPE_RM,   /* ModRM with a memory operand and a register */
	SHAPE_IMM8, /* ... with ModRM.reg as given, and an immediate byte */
	SHAPE_IMM,  /* ... an immediate of the operand's size, 4 bytes at most */
	SHAPE_ONE,  /* ... and nothing more */
	SHAPE_BITS, /* as RM, the register counts bits from the operand */
	SHAPE_STRING,
	SHAPE_OFFSET, /* A0..A3 */
	SHAPE_SHIFT, /* as RM, with an immediate byte, or CL: SHLD, SHRD */
	SHAPE_VEX, /* prefix: map and pp; reg: ModRM.reg, or ANY */
	SHAPE_VEX_IMM8,
	SHAPE_XLAT,
};

#define BYTE 1	/* the opcode is of bytes; one more is that of the other sizes */
#define LOCKS 2 /* may have LOCK */
#define QUAD 4	/* only with REX.W */
#define NO_16 8 /* not with 66 */
#define P_66 16 /* one of these prefixes belongs to it */
#define P_F3 32
#define P_F2 64
#define ANY 0xff

/* What not every CPU has. */
enum feature { ALL, MOVBE, POPCNT, LZCNT, SSE42, BMI1, BMI2, ADX };
#define NEEDS(feature) ((u64)(feature) << 32)

struct template
{
	u8 shape, flags;
	u8 prefix[2]; /* of the opcode */
	u8 opcode, reg;
	u64 undefined; /* flags; and NEEDS */
};

#define AF RFLAGS_AF
#define BT_UNDEFINED (RFLAGS_OF | RFLAGS_SF | RFLAGS_AF | RFLAGS_PF)

/* Both directions of the eight of opcode 00, 08, ..., and their forms with immediates. */
#define EIGHT(n, undefined)                                                                        \
	{ SHAPE_RM, BYTE | LOCKS, { 0 }, 8 * (n), 0, undefined },                                  \
	    { SHAPE_RM, BYTE, { 0 }, 8 * (n) + 2, 0, undefined },                                  \
	    { SHAPE_IMM, BYTE | LOCKS, { 0 }, 0x80, (n), undefined },                              \
	{                                                                                          \
		SHAPE_IMM8, LOCKS, { 0 }, 0x83, (n), undefined                                     \
	}

/* SETcc and CMOVcc, of a condition and its contrary. */
#define CONDITIONS(n)                                                                              \
	{ SHAPE_ONE, 0, { 0x0f }, 0x90 + 2 * (n), 0, 0 },                                          \
	    { SHAPE_ONE, 0, { 0x0f }, 0x91 + 2 * (n), 0, 0 },                                      \
	    { SHAPE_RM, 0, { 0x0f }, 0x40 + 2 * (n), 0, 0 },                                       \
	{                                                                                          \
		SHAPE_RM, 0, { 0x0f }, 0x41 + 2 * (n), 0, 0                                        \
	}

/* By one, by an immediate: then OF is undefined, and CF of a byte or word shifted out of sight. */
#define SHIFTS(n, undefined)                                                                       \
	{ SHAPE_ONE, BYTE, { 0 }, 0xd0, (n), undefined },                                          \
	{                                                                                          \
		SHAPE_IMM8, BYTE, { 0 }, 0xc0, (n),                                                \
		    (undefined) | RFLAGS_OF | ((n) == 4 || (n) == 5 ? RFLAGS_CF : 0)               \
	}

#define CF RFLAGS_CF
#define PF RFLAGS_PF
#define ZF RFLAGS_ZF
#define SF RFLAGS_SF
#define OF RFLAGS_OF

static const struct template templates[] = {
	EIGHT(0, 0),
	EIGHT(1, AF),
	EIGHT(2, 0),
	EIGHT(3, 0),
	EIGHT(4, AF),
	EIGHT(5, 0),
	EIGHT(6, AF),
	{ SHAPE_RM, BYTE, { 0 }, 0x38, 0, 0 }, /* CMP cannot be locked */
	{ SHAPE_RM, BYTE, { 0 }, 0x3a, 0, 0 },
	{ SHAPE_IMM, BYTE, { 0 }, 0x80, 7, 0 },
	{ SHAPE_IMM8, 0, { 0 }, 0x83, 7, 0 },
	{ SHAPE_RM, BYTE, { 0 }, 0x84, 0, AF }, /* TEST */
	{ SHAPE_IMM, BYTE, { 0 }, 0xf6, 0, AF },
	{ SHAPE_ONE, BYTE | LOCKS, { 0 }, 0xf6, 2, 0 }, /* NOT, NEG, INC, DEC */
	{ SHAPE_ONE, BYTE | LOCKS, { 0 }, 0xf6, 3, 0 },
	{ SHAPE_ONE, BYTE | LOCKS, { 0 }, 0xfe, 0, 0 },
	{ SHAPE_ONE, BYTE | LOCKS, { 0 }, 0xfe, 1, 0 },
	{ SHAPE_RM, BYTE, { 0 }, 0x88, 0, 0 }, /* MOV */
	{ SHAPE_RM, BYTE, { 0 }, 0x8a, 0, 0 },
	{ SHAPE_IMM, BYTE, { 0 }, 0xc6, 0, 0 },
	{ SHAPE_OFFSET, BYTE, { 0 }, 0xa0, 0, 0 },
	{ SHAPE_OFFSET, BYTE, { 0 }, 0xa2, 0, 0 },
	{ SHAPE_RM, QUAD, { 0 }, 0x63, 0, 0 }, /* MOVSXD */
	{ SHAPE_RM, 0, { 0x0f }, 0xb6, 0, 0 }, /* MOVZX, MOVSX */
	{ SHAPE_RM, 0, { 0x0f }, 0xb7, 0, 0 },
	{ SHAPE_RM, 0, { 0x0f }, 0xbe, 0, 0 },
	{ SHAPE_RM, 0, { 0x0f }, 0xbf, 0, 0 },
	{ SHAPE_RM, NO_16, { 0x0f }, 0xc3, 0, 0 },	  /* MOVNTI */
	{ SHAPE_RM, BYTE | LOCKS, { 0 }, 0x86, 0, 0 },	  /* XCHG */
	{ SHAPE_RM, BYTE | LOCKS, { 0x0f }, 0xc0, 0, 0 }, /* XADD */
	{ SHAPE_RM, BYTE | LOCKS, { 0x0f }, 0xb0, 0, 0 }, /* CMPXCHG */
	{ SHAPE_BITS, 0, { 0x0f }, 0xa3, 0, BT_UNDEFINED },
	{ SHAPE_BITS, LOCKS, { 0x0f }, 0xab, 0, BT_UNDEFINED },
	{ SHAPE_BITS, LOCKS, { 0x0f }, 0xb3, 0, BT_UNDEFINED },
	{ SHAPE_BITS, LOCKS, { 0x0f }, 0xbb, 0, BT_UNDEFINED },
	{ SHAPE_IMM8, 0, { 0x0f }, 0xba, 4, BT_UNDEFINED },
	{ SHAPE_IMM8, LOCKS, { 0x0f }, 0xba, 5, BT_UNDEFINED },
	{ SHAPE_IMM8, LOCKS, { 0x0f }, 0xba, 6, BT_UNDEFINED },
	{ SHAPE_IMM8, LOCKS, { 0x0f }, 0xba, 7, BT_UNDEFINED },
	CONDITIONS(0), CONDITIONS(1), CONDITIONS(2), CONDITIONS(3),
	CONDITIONS(4), CONDITIONS(5), CONDITIONS(6), CONDITIONS(7),
	SHIFTS(0, 0), SHIFTS(1, 0), SHIFTS(2, 0), SHIFTS(3, 0), /* ROL, ROR, RCL, RCR */
	SHIFTS(4, AF), SHIFTS(5, AF), SHIFTS(7, AF), /* SHL, SHR, SAR */
	{ SHAPE_STRING, BYTE, { 0 }, 0xa4, 0, 0 },
	{ SHAPE_STRING, BYTE, { 0 }, 0xa6, 0, 0 },
	{ SHAPE_STRING, BYTE, { 0 }, 0xaa, 0, 0 },
	{ SHAPE_STRING, BYTE, { 0 }, 0xac, 0, 0 },
	{ SHAPE_STRING, BYTE, { 0 }, 0xae, 0, 0 },
	{ SHAPE_RM, 0, { 0x0f, 0x38 }, 0xf0, 0, NEEDS(MOVBE) },
	{ SHAPE_RM, 0, { 0x0f, 0x38 }, 0xf1, 0, NEEDS(MOVBE) },
	{ SHAPE_ONE, BYTE, { 0 }, 0xf6, 4, SF | ZF | AF | PF }, /* MUL, IMUL, DIV, IDIV */
	{ SHAPE_ONE, BYTE, { 0 }, 0xf6, 5, SF | ZF | AF | PF },
	{ SHAPE_ONE, BYTE, { 0 }, 0xf6, 6, CF | OF | SF | ZF | AF | PF },
	{ SHAPE_ONE, BYTE, { 0 }, 0xf6, 7, CF | OF | SF | ZF | AF | PF },
	{ SHAPE_RM, 0, { 0x0f }, 0xaf, 0, SF | ZF | AF | PF },
	{ SHAPE_IMM, 0, { 0 }, 0x69, ANY, SF | ZF | AF | PF },
	{ SHAPE_IMM8, 0, { 0 }, 0x6b, ANY, SF | ZF | AF | PF },
	{ SHAPE_SHIFT, 0, { 0x0f }, 0xa4, 0, AF | OF },
	{ SHAPE_SHIFT, 0, { 0x0f }, 0xa5, 0, AF | OF },
	{ SHAPE_SHIFT, 0, { 0x0f }, 0xac, 0, AF | OF },
	{ SHAPE_SHIFT, 0, { 0x0f }, 0xad, 0, AF | OF },
	{ SHAPE_RM, 0, { 0x0f }, 0xbc, 0, CF | OF | SF | AF | PF }, /* BSF, BSR */
	{ SHAPE_RM, 0, { 0x0f }, 0xbd, 0, CF | OF | SF | AF | PF },
	{ SHAPE_RM, P_F3, { 0x0f }, 0xbc, 0, OF | SF | AF | PF | NEEDS(BMI1) }, /* TZCNT, LZCNT */
	{ SHAPE_RM, P_F3, { 0x0f }, 0xbd, 0, OF | SF | AF | PF | NEEDS(LZCNT) },
	{ SHAPE_RM, P_F3, { 0x0f }, 0xb8, 0, NEEDS(POPCNT) },
	{ SHAPE_RM, P_F2, { 0x0f, 0x38 }, 0xf0, 0, NEEDS(SSE42) }, /* CRC32 */
	{ SHAPE_RM, P_F2, { 0x0f, 0x38 }, 0xf1, 0, NEEDS(SSE42) },
	{ SHAPE_RM, P_66, { 0x0f, 0x38 }, 0xf6, 0, NEEDS(ADX) }, /* ADCX, ADOX */
	{ SHAPE_RM, P_F3, { 0x0f, 0x38 }, 0xf6, 0, NEEDS(ADX) },
	{ SHAPE_XLAT, 0, { 0 }, 0xd7, 0, 0 },
	{ SHAPE_VEX, 0, { 2, 0 }, 0xf2, ANY, AF | PF | NEEDS(BMI1) }, /* ANDN */
	{ SHAPE_VEX, 0, { 2, 0 }, 0xf3, 1, AF | PF | NEEDS(BMI1) }, /* BLSR, BLSMSK, BLSI */
	{ SHAPE_VEX, 0, { 2, 0 }, 0xf3, 2, AF | PF | NEEDS(BMI1) },
	{ SHAPE_VEX, 0, { 2, 0 }, 0xf3, 3, AF | PF | NEEDS(BMI1) },
	{ SHAPE_VEX, 0, { 2, 0 }, 0xf7, ANY, AF | SF | PF | NEEDS(BMI1) }, /* BEXTR */
	{ SHAPE_VEX, 0, { 2, 0 }, 0xf5, ANY, AF | PF | NEEDS(BMI2) }, /* BZHI */
	{ SHAPE_VEX, 0, { 2, 2 }, 0xf5, ANY, NEEDS(BMI2) }, /* PEXT, PDEP, MULX */
	{ SHAPE_VEX, 0, { 2, 3 }, 0xf5, ANY, NEEDS(BMI2) },
	{ SHAPE_VEX, 0, { 2, 3 }, 0xf6, ANY, NEEDS(BMI2) },
	{ SHAPE_VEX, 0, { 2, 1 }, 0xf7, ANY, NEEDS(BMI2) }, /* SHLX, SARX, SHRX, RORX */
	{ SHAPE_VEX, 0, { 2, 2 }, 0xf7, ANY, NEEDS(BMI2) },
	{ SHAPE_VEX, 0, { 2, 3 }, 0xf7, ANY, NEEDS(BMI2) },
	{ SHAPE_VEX_IMM8, 0, { 3, 3 }, 0xf0, ANY, NEEDS(BMI2) },
};

struct sample {
	u8 code[24];
	unsigned len;
	u64 r[REG_COUNT], rflags;
	u64 undefined;
};

static void put(struct sample *s, u64 value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		s->code[s->len++] = (u8)(value >> (8 * i));
}

/* What ModRM and SIB name, as coefficients of registers. */
struct address {
	unsigned base, index; /* REG_COUNT: none */
	u64 scale, disp;
};

/* The register that is chosen such that the address comes close to target. */
static void aim(struct sample *s, const struct address *a, u64 target, bool cut)
{
	unsigned pick = a->base < REG_COUNT ? a->base : a->index;
	u64 value = target - a->disp;
	s64 times = 1;

	if (pick == REG_COUNT)
		return;
	if (pick != a->base)
		times = (s64)a->scale;
	else if (a->index == pick)
		times = 1 + (s64)a->scale;
	else if (a->index < REG_COUNT)
		value -= s->r[a->index] * a->scale;
	s->r[pick] = (u64)((s64)value / times);
	if (cut)
		s->r[pick] = (u32)s->r[pick] | dice(BIT(32)) << 32;
}

/* ModRM, SIB, displacement for a place in memory; the registers get what leads there. */
static void put_memory(struct sample *s, u8 reg, u8 rex, bool cut, unsigned behind)
{
	unsigned mod = (unsigned)dice(3), base = (unsigned)dice(8), index = (unsigned)dice(8);
	unsigned scale = (unsigned)dice(4);
	bool sib = base == REG_RSP || dice(3) == 0, bare = mod == 0 && base == REG_RBP;
	u64 target = TARGET + dice(TARGET_SIZE);
	struct address a = { REG_COUNT, REG_COUNT, BIT(scale), 0 };

	if (!bare)
		a.base = base | (rex & REX_B ? 8 : 0);
	if (sib && (index != REG_RSP || (rex & REX_X)))
		a.index = index | (rex & REX_X ? 8 : 0);
	if (bare && !sib) /* from RIP on */
		a.disp = target - (NATIVE_CODE + s->len + 5 + behind);
	else if (bare && a.index == REG_COUNT)
		a.disp = target;
	else if (bare || mod == 2)
		a.disp = (u64)(s64)(s32)dice(BIT(32));
	else if (mod == 1)
		a.disp = (u64)(s64)(s8)dice(256);
	put(s, mod << 6 | (reg & 7) << 3 | (sib ? 4 : base), 1);
	if (sib)
		put(s, scale << 6 | index << 3 | base, 1);
	put(s, a.disp, mod == 1 ? 1 : mod == 2 || bare ? 4 : 0);
	aim(s, &a, target, cut);
}

/* Where the operand really is; not every place can be hit. */
static bool within(const struct sample *s, unsigned slack)
{
	static const struct insn_operand memory = { .kind = OPERAND_MEM };
	struct insn insn;
	const struct insn_operand *mem;
	u64 at;

	if (decode(&insn, s->code, s->len, DECODE_64))
		return false;
	mem = insn.dst.kind == OPERAND_MEM ? &insn.dst : &insn.src;
	if (insn.op == INSN_OTHER && insn.mem)
		mem = &memory;
	if (insn.len != s->len || mem->kind != OPERAND_MEM || insn.base == REG_RSP)
		return false;
	at = insn_ea(&insn, mem, s->r, NATIVE_CODE + insn.len);
	return at - (NATIVE_DATA + slack) < NATIVE_DATA_SIZE - 2 * slack - 16;
}

static unsigned put_prefixes(struct sample *s, const struct template *t, u8 *rex, bool *cut)
{
	bool word = dice(4) == 0 && !(t->flags & (QUAD | NO_16 | P_66));

	*cut = dice(5) == 0;
	*rex = dice(2) ? 0x40 | (u8)dice(16) : 0;
	if (t->flags & QUAD)
		*rex |= 0x40 | REX_W;
	if (t->shape == SHAPE_OFFSET)
		*cut = false;
	if (*cut)
		put(s, 0x67, 1);
	if (word || (t->flags & P_66))
		put(s, 0x66, 1);
	if (t->flags & (P_F3 | P_F2))
		put(s, t->flags & P_F3 ? 0xf3 : 0xf2, 1);
	if ((t->flags & LOCKS) && dice(4) == 0)
		put(s, 0xf0, 1);
	if (t->shape == SHAPE_STRING && dice(3))
		put(s, dice(2) ? 0xf3 : 0xf2, 1);
	if (*rex)
		put(s, *rex, 1);
	return *rex & REX_W ? 8 : word ? 2 : 4;
}

static void put_string(struct sample *s, unsigned size, bool cut)
{
	u64 high = cut ? random64() << 32 : 0;

	s->r[REG_RSI] = (TARGET + dice(TARGET_SIZE)) | high;
	s->r[REG_RDI] =
	    (dice(8) ? TARGET + dice(TARGET_SIZE) : (s->r[REG_RSI] & 0xffffffff) + size) | high;
	s->r[REG_RCX] = dice(24) | high;
}

/* Three bytes of VEX, which carry what REX would.  The register in vvvv is not RSP. */
static void put_vex(struct sample *s, const struct template *t, u8 *rex, bool *cut)
{
	u8 vvvv;

	do
		vvvv = (u8)dice(16);
	while (vvvv == REG_RSP);
	if (t->shape == SHAPE_VEX_IMM8)
		vvvv = 0; /* none */
	*cut = dice(5) == 0;
	*rex = (u8)dice(16);
	if (*cut)
		put(s, 0x67, 1);
	put(s, 0xc4, 1);
	put(s, (~*rex & (REX_R | REX_X | REX_B)) << 5 | t->prefix[0], 1);
	put(s, (*rex & REX_W ? 0x80 : 0) | (~vvvv & 15) << 3 | t->prefix[1], 1);
	put(s, t->opcode, 1);
}

/* Not VEX: prefixes and opcode.  The operand's size. */
static unsigned put_opcode(struct sample *s, const struct template *t, bool byte, u8 *rex,
			   bool *cut)
{
	unsigned size = put_prefixes(s, t, rex, cut);

	put(s, t->prefix[0] | (u64)t->prefix[1] << 8, t->prefix[1] ? 2 : t->prefix[0] ? 1 : 0);
	put(s, t->opcode | ((t->flags & BYTE) && !byte), 1);
	return byte ? 1 : size;
}

/* A register operand that is not RSP, in whole. */
static u8 choose_reg(const struct template *t, u8 rex, bool byte)
{
	u8 reg;

	do
		reg = (u8)dice(8) | (rex & REX_R ? 8 : 0);
	while (reg == REG_RSP && (!byte || rex || t->prefix[1]));
	return reg;
}

/* Bytes of immediate behind the address. */
static unsigned immediate(const struct template *t, unsigned size)
{
	if (t->shape == SHAPE_SHIFT)
		return !(t->opcode & 1);
	if (t->shape == SHAPE_IMM8 || t->shape == SHAPE_VEX_IMM8)
		return 1;
	return t->shape == SHAPE_IMM ? MIN(size, 4u) : 0;
}

static bool has_register(const struct template *t)
{
	return t->shape == SHAPE_RM || t->shape == SHAPE_BITS || t->shape == SHAPE_SHIFT ||
	       t->reg == ANY;
}

/* One instruction; false: it came out wrong, try again. */
static bool make(struct sample *s, const struct template *t)
{
	bool byte = (t->flags & BYTE) && dice(2), cut;
	unsigned size, imm;
	u8 rex, reg;

	*s = (struct sample){ .undefined = t->undefined };
	for (unsigned i = 0; i < REG_COUNT; i++)
		s->r[i] = random64();
	s->rflags =
	    dice(BIT(12)) & (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF);
	if (t->opcode == 0xf6 && t->reg >= 6 && dice(2)) /* DIV, IDIV that may be carried out */
		s->r[REG_RDX] = dice(2) ? 0 : ~0ull;
	if (t->shape == SHAPE_STRING)
		s->rflags |= dice(2) ? RFLAGS_DF : 0;
	if (t->shape == SHAPE_VEX || t->shape == SHAPE_VEX_IMM8) {
		put_vex(s, t, &rex, &cut);
		size = 4;
	} else {
		size = put_opcode(s, t, byte, &rex, &cut);
	}
	if (t->shape == SHAPE_XLAT) {
		s->r[REG_RBX] = TARGET + dice(TARGET_SIZE);
		return true;
	}
	if (t->shape == SHAPE_STRING) {
		put_string(s, size, cut);
		return true;
	}
	if (t->shape == SHAPE_OFFSET) {
		put(s, TARGET + dice(TARGET_SIZE), 8);
		return true;
	}
	imm = immediate(t, size);
	reg = has_register(t) ? choose_reg(t, rex, byte) : t->reg;
	put_memory(s, reg, rex, cut, imm);
	put(s, t->shape == SHAPE_SHIFT && size == 2 ? dice(16) : random64(), imm);
	if (t->shape == SHAPE_BITS)
		s->r[reg] = (u64)(s64)(s16)dice(0x10000);
	if (t->shape == SHAPE_SHIFT && size == 2 && (s->r[REG_RCX] & 31) > 15)
		return false; /* beyond the operand: undefined */
	return within(s, 32);
}

/* ---- Both sides ------------------------------------------------------------------------ */

static u8 *native_page(unsigned n)
{
	return (u8 *)(uintptr_t)(NATIVE_DATA + n * PAGE_SIZE);
}

static u8 *guest_page(unsigned n)
{
	if (n & 1)
		return emu.device + n * PAGE_SIZE;
	return memory_ptr(emu.vm, gpa(0x40000 + n * PAGE_SIZE), PAGE_SIZE);
}

static void map_pages(void)
{
	emu_start(EMU_64);
	fake_map(emu.vm, NATIVE_CODE, EMU_CODE, PTE_U);
	for (unsigned n = 0; n < PAGES; n++)
		fake_map(emu.vm, NATIVE_DATA + n * PAGE_SIZE,
			 (n & 1 ? EMU_DEVICE : 0x40000) + n * PAGE_SIZE, PTE_W | PTE_U);
	emu_settle();
}

static void fill_pages(void)
{
	for (unsigned n = 0; n < PAGES; n++) {
		for (unsigned i = 0; i < PAGE_SIZE; i++)
			native_page(n)[i] = (u8)dice(dice(8) ? 256 : 2);
		memcpy(guest_page(n), native_page(n), PAGE_SIZE);
	}
}

static bool same_memory(void)
{
	for (unsigned n = 0; n < PAGES; n++)
		if (memcmp(guest_page(n), native_page(n), PAGE_SIZE))
			return false;
	return true;
}

static void emulate_sample(struct sample *s)
{
	struct vcpu *v = emu.v;

	memcpy(v->regs.r, s->r, sizeof(s->r));
	v->regs.rflags = s->rflags | RFLAGS_ONE | RFLAGS_IF;
	v->regs.rip = NATIVE_CODE;
	check(memory_write(emu.vm, gpa(EMU_CODE), s->code, s->len) == 0);
	v->exit = (struct vm_exit){ .reason = EXIT_MEMORY };
	emulate_instruction(v);
}

static bool same(struct sample *s)
{
	struct native n = { .rflags = s->rflags };
	const struct vcpu *v = emu.v;
	u64 flags =
	    (RFLAGS_DF | RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF) &
	    ~s->undefined;
	bool done;

	memcpy(n.r, s->r, sizeof(n.r));
	done = native_run(&n, s->code, s->len);
	emulate_sample(s);
	n.r[REG_RSP] = s->r[REG_RSP];
	if (!done)
		return v->exit.outcome == OUTCOME_FAULT && v->exit.fault.vector == VECTOR_DE &&
		       !v->exit.fault.has_error && memcmp(n.r, v->regs.r, sizeof(n.r)) == 0 &&
		       same_memory();
	return v->exit.outcome == OUTCOME_DONE && v->exit.insn_len == s->len &&
	       memcmp(n.r, v->regs.r, sizeof(n.r)) == 0 && !((n.rflags ^ v->regs.rflags) & flags) &&
	       same_memory();
}

static void tell(const struct sample *s, const char *name)
{
	printf("\n%s [", name);
	for (unsigned i = 0; i < s->len; i++)
		printf("%s%02x", i ? " " : "", s->code[i]);
	printf("] outcome %u, flags before %#llx\n", emu.v->exit.outcome,
	       (unsigned long long)s->rflags);
}

static enum feature feature_of(const struct template *t)
{
	return (enum feature)(t->undefined >> 32);
}

#ifdef __x86_64__
static u32 cpuid_bits(u32 leaf, bool ebx)
{
	u32 a = leaf, b, c = 0, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return ebx ? b : c;
}

static bool host_has(enum feature f)
{
	switch (f) {
	case MOVBE:
		return cpuid_bits(1, false) >> 22 & 1;
	case POPCNT:
		return cpuid_bits(1, false) >> 23 & 1;
	case SSE42:
		return cpuid_bits(1, false) >> 20 & 1;
	case LZCNT:
		return cpuid_bits(0x80000001, false) >> 5 & 1;
	case BMI1:
		return cpuid_bits(7, true) >> 3 & 1;
	case BMI2:
		return cpuid_bits(7, true) >> 8 & 1;
	case ADX:
		return cpuid_bits(7, true) >> 19 & 1;
	default:
		return true;
	}
}
#else
static bool host_has(enum feature f)
{
	return f == ALL;
}
#endif

static void test_against_cpu(void)
{
	unsigned count = ARRAY_SIZE(templates), wrong = 0, tried = 0;
	unsigned seen[ARRAY_SIZE(templates)] = { 0 };

	if (!native_init())
		return;
	map_pages();
	fill_pages();
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned n = (unsigned)dice(count);
		struct sample s;

		if (!host_has(feature_of(&templates[n])) || !make(&s, &templates[n]))
			continue;
		tried++;
		seen[n]++;
		if (same(&s))
			continue;
		if (wrong++ < 8)
			tell(&s, "not as the CPU does it:");
		fill_pages(); /* both alike again */
	}
	CU_ASSERT(tried > ROUNDS / 2);
	for (unsigned n = 0; n < count; n++)
		CU_ASSERT(seen[n] > 100 || !host_has(feature_of(&templates[n])));
	CU_ASSERT_EQUAL(wrong, 0);
}

void test_emulate_native_register(void)
{
	CU_pSuite suite = CU_add_suite("emulate_native", emu_begin, emu_end);

	CU_add_test(suite, "random instructions against the host's CPU", test_against_cpu);
}
