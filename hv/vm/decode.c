/*
 * decode.c - taking an instruction apart
 *
 * Owns: the order of an instruction's parts (prefixes, opcode, ModRM, SIB,
 * displacement, immediates) and what each of them says.
 * Must not know: which opcodes exist (decode_tables.c), and whatever decode.h
 * excludes.
 *
 * Sources: as in decode.h.
 */
#include "vm/decode.h"
#include "vm/decode_tables.h"
#include "lib/string.h"

#define PREFIX_OPSIZE 0x66
#define PREFIX_ADDRSIZE 0x67
#define PREFIX_LOCK 0xf0

#define MOD_REG 3
#define MODRM_FIRST_REG 0xc0 /* ModRM bytes from here on have mod = 3 */
#define RM_SIB 4
#define RM_DISP 5   /* with mod = 0: a displacement alone */
#define RM_DISP16 6 /* the same with 16-bit addresses */
#define SIB_NO_INDEX 4

/* The bytes still to be read. The first error stays, and what is read after it is 0. */
struct cursor {
	const u8 *bytes;
	unsigned len, pos;
	int err;
};

static const u8 *ahead(struct cursor *c)
{
	if (!c->err && c->pos >= INSN_MAX_LEN)
		c->err = -DECODE_LONG;
	if (!c->err && c->pos >= c->len)
		c->err = -DECODE_SHORT;
	return c->err ? NULL : &c->bytes[c->pos];
}

static u8 peek(struct cursor *c)
{
	const u8 *p = ahead(c);

	return p ? *p : 0;
}

static u8 take(struct cursor *c)
{
	const u8 *p = ahead(c);

	if (!p)
		return 0;
	c->pos++;
	return *p;
}

/* A little-endian number of `size` bytes. */
static u64 take_number(struct cursor *c, unsigned size)
{
	u64 v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (u64)take(c) << (8 * i);
	return v;
}

static s64 sign_extend(u64 v, unsigned size)
{
	unsigned shift = 64 - 8 * size;

	return size ? (s64)(v << shift) >> shift : 0;
}

static s64 take_signed(struct cursor *c, unsigned size)
{
	return sign_extend(take_number(c, size), size);
}

static void refuse(struct cursor *c)
{
	if (!c->err)
		c->err = -DECODE_UD;
}

static void set_segment(struct insn *insn, enum x86_seg seg)
{
	if (insn->mode != DECODE_64 || seg == SEG_FS || seg == SEG_GS)
		insn->seg_override = seg;
}

/* Note one legacy prefix; false if the byte is none. */
static bool note_prefix(struct insn *insn, u8 byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e: /* ES CS SS DS: in bits 4:3 */
		set_segment(insn, byte >> 3 & 3);
		return true;
	case 0x64:
	case 0x65:
		set_segment(insn, byte == 0x64 ? SEG_FS : SEG_GS);
		return true;
	case PREFIX_OPSIZE:
		insn->opsize_prefix = true;
		return true;
	case PREFIX_ADDRSIZE:
		insn->addrsize_prefix = true;
		return true;
	case PREFIX_LOCK:
		insn->lock = true;
		return true;
	case REP_REPE:
	case REP_REPNE:
		insn->rep = byte;
		return true;
	default:
		return false;
	}
}

/* All prefixes; returns the first opcode byte. REX counts only directly before it. */
static u8 take_prefixes(struct cursor *c, struct insn *insn)
{
	for (;;) {
		u8 byte = take(c);

		if (c->err)
			return 0;
		if (insn->mode == DECODE_64 && (byte & 0xf0) == 0x40)
			insn->rex = byte;
		else if (note_prefix(insn, byte))
			insn->rex = 0;
		else
			return byte;
	}
}

/*
 * Does `byte` start a VEX (C4, C5), EVEX (62) or XOP (8F) prefix?  Outside 64-bit
 * mode the first three are LES, LDS, BOUND, whose operand must be memory, so the
 * prefixes are what would be their register forms.  8F is POP with /0, and an XOP
 * map is never below 8.
 */
static bool starts_vector(struct cursor *c, const struct insn *insn, u8 byte)
{
	if (byte == 0x8f)
		return (peek(c) & 0x1f) >= MAP_XOP8;
	if (byte != 0xc4 && byte != 0xc5 && byte != 0x62)
		return false;
	return insn->mode == DECODE_64 || peek(c) >= MODRM_FIRST_REG;
}

/* R, X, B are stored inverted in bits 7:5, W plainly in bit 7 of the next byte. */
static u8 vector_rex(const struct insn *insn, u8 rxb, u8 w)
{
	if (insn->mode != DECODE_64)
		return 0;
	return (~rxb >> 5 & (REX_R | REX_X | REX_B)) | (w >> 7 ? REX_W : 0);
}

/* The last byte of VEX: a register, inverted, in bits 6:3, L in bit 2, pp in bits 1:0. */
static void set_vex(struct insn *insn, u8 byte)
{
	insn->vvvv = (~byte >> 3 & 15) & (insn->mode == DECODE_64 ? 15 : 7);
	insn->vector_256 = byte & BIT(2);
	insn->vector_pp = byte & 3;
}

/* The prefix's bytes after the first. */
static void take_vector_prefix(struct cursor *c, struct insn *insn, u8 first)
{
	u8 p0 = take(c), p1;

	insn->vector_prefix = true;
	if (first == 0xc5) {
		set_vex(insn, p0);
		insn->rex = vector_rex(insn, p0 | 0x60, 0);
		insn->map = MAP_0F;
		return;
	}
	p1 = take(c);
	set_vex(insn, p1);
	insn->rex = vector_rex(insn, p0, p1);
	insn->map = p0 & 0x1f;
	if (first == 0x8f && (insn->map > MAP_XOPA || (p1 & 3)))
		refuse(c);
	if (first == 0xc4 && (insn->map < MAP_0F || insn->map > MAP_0F3A))
		refuse(c);
	if (first != 0x62)
		return;
	insn->evex = true;
	/* Fixed bits; p0's bit 4 is R', a register number's fifth bit. */
	insn->map = p0 & 7;
	take(c);
	if (insn->map == 0 || insn->map == 4 || insn->map > MAP_EVEX6 || (p0 & 8) || !(p1 & 4))
		refuse(c);
}

/* Their form: all have ModRM but VZEROUPPER, and the map tells of an immediate. */
static const struct opcode *vector_entry(const struct insn *insn, bool evex)
{
	switch (insn->map) {
	case MAP_0F:
		if (insn->opcode == 0x77 && !evex)
			return &opcode_no_operands;
		if ((insn->opcode & 0xfc) == 0x70 || insn->opcode == 0xc2 ||
		    (insn->opcode >= 0xc4 && insn->opcode <= 0xc6))
			return &opcode_vector_imm8;
		return &opcode_vector;
	case MAP_0F3A:
	case MAP_XOP8:
		return &opcode_vector_imm8;
	case MAP_XOPA:
		return &opcode_vector_imm32;
	default:
		return &opcode_vector;
	}
}

static const struct opcode *take_vector_opcode(struct cursor *c, struct insn *insn, u8 first)
{
	if (insn->rex || insn->rep || insn->opsize_prefix || insn->lock)
		refuse(c);
	take_vector_prefix(c, insn, first);
	insn->opcode = take(c);
	return vector_entry(insn, first == 0x62);
}

/* The opcode after its prefixes, by the escape bytes. */
static const struct opcode *take_opcode(struct cursor *c, struct insn *insn)
{
	u8 byte = take_prefixes(c, insn);

	if (starts_vector(c, insn, byte))
		return take_vector_opcode(c, insn, byte);
	if (byte == 0x0f) {
		byte = take(c);
		insn->map = byte == 0x38 ? MAP_0F38 : byte == 0x3a ? MAP_0F3A : MAP_0F;
		if (insn->map != MAP_0F)
			byte = take(c);
	}
	insn->opcode = byte;
	switch (insn->map) {
	case MAP_0F:
		return &opcode_0f[byte];
	case MAP_0F38:
		return &opcode_0f38[byte];
	case MAP_0F3A:
		return &opcode_0f3a[byte];
	default:
		return &opcode_one_byte[byte];
	}
}

static bool code_in_modrm(u8 code)
{
	return code_info[code].where >= AT_RM && code_info[code].where <= AT_DR;
}

static bool wants_modrm(const struct opcode *e)
{
	return code_in_modrm(e->dst) || code_in_modrm(e->src);
}

static void take_modrm(struct cursor *c, struct insn *insn)
{
	u8 modrm = take(c);

	insn->has_modrm = true;
	insn->modrm = modrm;
	insn->mod = modrm >> 6;
	insn->reg = (modrm >> 3 & 7) | (insn->rex & REX_R ? 8 : 0);
	insn->rm = (modrm & 7) | (insn->rex & REX_B ? 8 : 0);
}

/* The member of a group, with what it inherits from the group's own entry. */
static void choose_member(const struct insn *insn, struct opcode *e)
{
	bool is_reg = insn->mod == MOD_REG;
	bool by_byte = is_reg && e->op == GROUP_7;
	unsigned group = e->op + (is_reg && e->flags & F_SPLIT);
	const struct opcode *m = by_byte ? &opcode_group7_reg[insn->modrm - MODRM_FIRST_REG]
					 : &opcode_groups[group][insn->modrm >> 3 & 7];

	e->op = m->op;
	e->flags = (e->flags & ~F_GROUP) | m->flags;
	if (by_byte || m->dst || m->src) {
		e->dst = m->dst;
		e->src = m->src;
	}
}

/* The prefix that selects an instruction: 66 only if there is neither F3 nor F2. */
static u8 selecting_prefix(const struct insn *insn)
{
	if (insn->rep)
		return insn->rep;
	return insn->opsize_prefix ? PREFIX_OPSIZE : 0;
}

static bool variant_applies(const struct opcode_variant *v, const struct insn *insn)
{
	if (v->map != insn->map || v->opcode != insn->opcode || v->prefix != selecting_prefix(insn))
		return false;
	if (v->form == FORM_ANY)
		return true;
	return (v->form == FORM_REG) == (insn->mod == MOD_REG) && v->reg == (insn->modrm >> 3 & 7);
}

static void choose_variant(const struct insn *insn, struct opcode *e)
{
	for (unsigned i = 0; i < opcode_variant_count; i++) {
		if (variant_applies(&opcode_variants[i], insn)) {
			*e = opcode_variants[i].entry;
			return;
		}
	}
}

/* F3 or F2 make others of these: ERETS, ERETU, and the RMP instructions of SEV-SNP. */
static bool is_reused_by_prefix(u8 op)
{
	return op == INSN_CLAC || op == INSN_RDPRU || op == INSN_INVLPGB || op == INSN_TLBSYNC;
}

/* Encodings that the tables cannot tell apart. */
static void choose_special(const struct insn *insn, struct opcode *e)
{
	static const struct opcode movsxd = { INSN_MOVSXD, CODE_Gv, CODE_Ez, CODE_NO, F_WRITE };

	if (insn->vector_prefix)
		return;
	if (e->op == INSN_ARPL && insn->mode == DECODE_64) {
		*e = movsxd;
	} else if (insn->rep && is_reused_by_prefix(e->op)) {
		e->op = INSN_OTHER;
	} else if (insn->map == MAP_ONE_BYTE && insn->opcode == 0x90 && !(insn->rex & REX_B)) {
		*e = opcode_no_operands;
		e->op = insn->rep == REP_REPE ? INSN_PAUSE : INSN_NOP;
	} else if (e->op == INSN_CMPXCHG8B && insn->rex & REX_W) {
		e->op = INSN_CMPXCHG16B;
		e->dst = CODE_Mdq;
	}
}

static void set_sizes(struct insn *insn, unsigned flags)
{
	static const u8 size[2][3] = { { 2, 4, 4 }, { 4, 2, 2 } };
	static const u8 address[2][3] = { { 2, 4, 8 }, { 4, 2, 4 } };

	insn->asize = address[insn->addrsize_prefix][insn->mode];
	insn->osize = size[insn->opsize_prefix][insn->mode];
	if (insn->mode != DECODE_64)
		return;
	if (insn->rex & REX_W || flags & F_FORCE64 || (flags & F_DEFAULT64 && !insn->opsize_prefix))
		insn->osize = 8;
}

/* [SDM] "16-Bit Addressing Forms with the ModR/M Byte" (table 2-1), vol. 2 */
static void take_address16(struct cursor *c, struct insn *insn)
{
	static const u8 base[8] = { REG_RBX, REG_RBX, REG_RBP, REG_RBP,
				    REG_RSI, REG_RDI, REG_RBP, REG_RBX };
	static const u8 index[8] = { REG_RSI,	  REG_RDI,     REG_RSI,	    REG_RDI,
				     INSN_NO_REG, INSN_NO_REG, INSN_NO_REG, INSN_NO_REG };

	insn->base = base[insn->rm];
	insn->index = index[insn->rm];
	if (insn->mod == 0 && insn->rm == RM_DISP16) {
		insn->base = INSN_NO_REG;
		insn->disp = take_signed(c, 2);
	} else {
		insn->disp = take_signed(c, insn->mod);
	}
}

static void take_sib(struct cursor *c, struct insn *insn)
{
	u8 sib = take(c);

	insn->scale = sib >> 6;
	insn->index = (sib >> 3 & 7) | (insn->rex & REX_X ? 8 : 0);
	if (insn->index == SIB_NO_INDEX)
		insn->index = INSN_NO_REG;
	insn->base = (sib & 7) | (insn->rex & REX_B ? 8 : 0);
	if (insn->mod == 0 && (sib & 7) == RM_DISP)
		insn->base = INSN_NO_REG;
}

/*
 * Memory that ModRM names, where addresses have 32 or 64 bits: take what follows ModRM, all
 * of it and no byte more, and note base, index and scale (there are none until somebody notes
 * one: INSN_NO_REG), the displacement and rip_relative.
 *
 * With mod 0, 1 and 2 there is no displacement, one of one byte, one of four; it is signed.
 * The base is register insn->rm, but for two values of r/m as it stands in the byte, in three
 * bits, whatever REX.B is: RM_SIB, behind which take_sib finds base and index; and with mod
 * 0 RM_DISP, which is a displacement of four bytes and no base.  In 64-bit mode that one
 * counts from the next instruction.  Where take_sib finds no base there are four bytes of
 * displacement as well.
 *
 * [SDM] "32-Bit Addressing Forms with the ModR/M Byte" (table 2-2), "32-Bit Addressing Forms
 * with the SIB Byte" (table 2-3), "RIP-Relative Addressing" (2.2.1.6), vol. 2
 */
static void take_address32(struct cursor *c, struct insn *insn)
{
	unsigned rm = insn->modrm & 7;

	insn->base = insn->rm;
	if (rm == RM_SIB)
		take_sib(c, insn);
	else if (insn->mod == 0 && rm == RM_DISP)
		insn->base = INSN_NO_REG;
	insn->rip_relative = insn->mode == DECODE_64 && rm == RM_DISP && insn->mod == 0;
	if (insn->mod == 1)
		insn->disp = take_signed(c, 1);
	else if (insn->mod == 2 || insn->base == INSN_NO_REG)
		insn->disp = take_signed(c, 4);
}

/* What follows ModRM to name memory. */
static void take_address(struct cursor *c, struct insn *insn)
{
	insn->mem = true;
	if (insn->asize == 2)
		take_address16(c, insn);
	else
		take_address32(c, insn);
}

static bool is_register_only(const struct opcode *e)
{
	return code_info[e->dst].where == AT_RM_REG || code_info[e->src].where == AT_RM_REG;
}

static bool is_memory_only(const struct opcode *e)
{
	return code_info[e->dst].where == AT_RM_MEM || code_info[e->src].where == AT_RM_MEM;
}

/* Whether r/m is a register or memory, and the address if so. */
static void take_rm(struct cursor *c, struct insn *insn, const struct opcode *e)
{
	if (is_register_only(e))
		insn->mod = MOD_REG;
	if (insn->mod != MOD_REG)
		take_address(c, insn);
	else if (is_memory_only(e))
		refuse(c);
}

static unsigned code_bytes(const struct insn *insn, u8 code)
{
	switch (code_info[code].size) {
	case SZ_B:
		return 1;
	case SZ_W:
		return 2;
	case SZ_D:
		return 4;
	case SZ_Q:
		return 8;
	case SZ_DQ:
		return 16;
	case SZ_V:
		return insn->osize;
	case SZ_Z:
		return MIN(insn->osize, 4);
	case SZ_Y:
		return insn->osize == 8 ? 8 : 4;
	case SZ_M:
		return insn->mode == DECODE_64 ? 8 : 4;
	case SZ_A:
		return insn->asize;
	case SZ_VW:
		return insn->mem ? 2 : insn->osize;
	case SZ_P:
		return insn->osize + 2;
	case SZ_S:
		return insn->mode == DECODE_64 ? 10 : 6;
	default:
		return 0;
	}
}

/* A number in the instruction; the second one is in imm2. */
static void put_immediate(struct insn *insn, u64 value, bool *had_one)
{
	if (*had_one)
		insn->imm2 = value;
	else
		insn->imm = value;
	*had_one = true;
}

/* The bytes of an operand that follow ModRM and address. */
static void take_operand_bytes(struct cursor *c, struct insn *insn, u8 code, bool *had_one)
{
	unsigned size;

	if (code == CODE_NO)
		return;
	size = code_bytes(insn, code);
	switch (code_info[code].where) {
	case AT_IMM:
		put_immediate(insn, take_number(c, size), had_one);
		break;
	case AT_IMM_SIGNED:
	case AT_REL:
		put_immediate(insn, (u64)take_signed(c, size), had_one);
		break;
	case AT_FAR:
		insn->imm = take_number(c, size);
		insn->imm2 = take_number(c, 2);
		break;
	case AT_ONE:
		insn->imm = 1;
		break;
	case AT_MOFFS:
		insn->mem = true;
		insn->disp = (s64)take_number(c, insn->asize);
		break;
	default:
		break;
	}
}

static const u8 operand_kind[] = {
	[AT_RM] = OPERAND_REG,	   [AT_RM_OTHER] = OPERAND_NONE,
	[AT_RM_MEM] = OPERAND_MEM, [AT_RM_REG] = OPERAND_REG,
	[AT_REG] = OPERAND_REG,	   [AT_SREG] = OPERAND_SREG,
	[AT_CR] = OPERAND_CR,	   [AT_DR] = OPERAND_DR,
	[AT_OPCODE] = OPERAND_REG, [AT_OPCODE_SREG] = OPERAND_SREG,
	[AT_ACC] = OPERAND_REG,	   [AT_CL] = OPERAND_REG,
	[AT_DX] = OPERAND_REG,	   [AT_ONE] = OPERAND_IMM,
	[AT_IMM] = OPERAND_IMM,	   [AT_IMM_SIGNED] = OPERAND_IMM,
	[AT_REL] = OPERAND_REL,	   [AT_FAR] = OPERAND_FAR,
	[AT_MOFFS] = OPERAND_MEM,  [AT_SI] = OPERAND_SI,
	[AT_DI] = OPERAND_DI,
};

/* The register's number, if the operand is one. */
static u8 operand_register(const struct insn *insn, unsigned where)
{
	switch (where) {
	case AT_RM:
	case AT_RM_REG:
		return insn->rm;
	case AT_REG:
	case AT_DR:
		return insn->reg;
	case AT_SREG: /* REX.R does not count */
		return insn->modrm >> 3 & 7;
	case AT_CR: /* LOCK turns CR0 into CR8. [APM] vol. 3 "MOV CRn" */
		return insn->lock && insn->reg == 0 ? 8 : insn->reg;
	case AT_OPCODE:
		return (insn->opcode & 7) | (insn->rex & REX_B ? 8 : 0);
	case AT_OPCODE_SREG:
		return insn->opcode >> 3 & 7;
	case AT_CL:
		return REG_RCX;
	case AT_DX:
		return REG_RDX;
	default:
		return 0;
	}
}

/* A sign-extended immediate has the operand size, however few bytes encode it. */
static struct insn_operand operand(const struct insn *insn, u8 code)
{
	unsigned where = code_info[code].where;
	bool rm_is_mem = insn->mem && (where == AT_RM || where == AT_RM_OTHER);

	if (code == CODE_NO)
		return (struct insn_operand){ .kind = OPERAND_NONE };
	return (struct insn_operand){
		.kind = rm_is_mem ? OPERAND_MEM : operand_kind[where],
		.reg = rm_is_mem ? 0 : operand_register(insn, where),
		.size = where == AT_IMM_SIGNED ? insn->osize : code_bytes(insn, code),
	};
}

static bool is_memory(const struct insn_operand *o)
{
	return o->kind == OPERAND_MEM || o->kind == OPERAND_SI || o->kind == OPERAND_DI;
}

static void describe(struct insn *insn, const struct opcode *e)
{
	insn->op = e->op;
	if (e->op == INSN_OTHER)
		return;
	insn->dst = operand(insn, e->dst);
	insn->src = operand(insn, e->src);
	if (e->flags & F_ADDRESS)
		return;
	insn->mem_read = is_memory(&insn->src) || (is_memory(&insn->dst) && e->flags & F_READ);
	insn->mem_write = is_memory(&insn->dst) && e->flags & F_WRITE;
}

static bool operand_exists(const struct insn_operand *o)
{
	static const u16 control_registers = BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(8);

	switch (o->kind) {
	case OPERAND_SREG:
		return o->reg < SEG_COUNT;
	case OPERAND_CR:
		return control_registers & BIT(o->reg);
	case OPERAND_DR:
		return o->reg < 8;
	default:
		return true;
	}
}

static bool lock_allowed(const struct insn *insn, const struct opcode *e)
{
	if (insn->op == INSN_MOV_CR)
		return insn->reg == 0;
	return e->flags & F_LOCK && insn->dst.kind == OPERAND_MEM;
}

/* Encodings that are well-formed, and #UD all the same. */
static bool is_valid(const struct insn *insn, const struct opcode *e)
{
	bool mov_to_cs =
	    insn->op == INSN_MOV_SREG && insn->dst.kind == OPERAND_SREG && insn->dst.reg == SEG_CS;
	bool group11_rest = insn->op == INSN_OTHER && insn->map == MAP_ONE_BYTE &&
			    (insn->opcode & 0xfe) == 0xc6 && insn->modrm != 0xf8;

	return operand_exists(&insn->dst) && operand_exists(&insn->src) && !mov_to_cs &&
	       !group11_rest && (!insn->lock || lock_allowed(insn, e));
}

static bool valid_in_mode(const struct insn *insn, const struct opcode *e)
{
	return e->op && !(e->flags & (insn->mode == DECODE_64 ? F_NOT64 : F_ONLY64));
}

static void start(struct insn *insn, enum decode_mode mode)
{
	memset(insn, 0, sizeof(*insn));
	insn->mode = mode;
	insn->seg_override = SEG_COUNT;
	insn->base = INSN_NO_REG;
	insn->index = INSN_NO_REG;
}

/* Everything up to ModRM chooses the entry. */
static struct opcode take_entry(struct cursor *c, struct insn *insn)
{
	struct opcode e = *take_opcode(c, insn);

	if (wants_modrm(&e))
		take_modrm(c, insn);
	if (e.flags & F_VARIANT)
		choose_variant(insn, &e);
	if (e.flags & F_GROUP)
		choose_member(insn, &e);
	choose_special(insn, &e);
	if (!valid_in_mode(insn, &e))
		refuse(c);
	return e;
}

int decode(struct insn *out, const u8 *bytes, unsigned len, enum decode_mode mode)
{
	struct cursor c = { .bytes = bytes, .len = len };
	bool had_immediate = false;
	struct opcode e;

	start(out, mode);
	e = take_entry(&c, out);
	set_sizes(out, e.flags);
	if (out->has_modrm)
		take_rm(&c, out, &e);
	take_operand_bytes(&c, out, e.dst, &had_immediate);
	take_operand_bytes(&c, out, e.src, &had_immediate);
	take_operand_bytes(&c, out, e.third, &had_immediate);
	if (c.err)
		return c.err;
	describe(out, &e);
	out->len = c.pos;
	return is_valid(out, &e) ? 0 : -DECODE_UD;
}
