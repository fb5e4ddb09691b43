/*
 * emulate_integer.c - integer instructions whose operands differ from each other
 *
 * Owns: products, quotients, double shifts, searches and counts of bits, CRC32, XLAT, BOUND, BMI.
 * Must not know: what is behind the addresses; arithmetic (alu.h).
 *
 * Sources: [SDM] vol. 2, each instruction's page.
 */
#include "vm/alu.h"
#include "vm/cpuid.h"
#include "vm/emulate_parts.h"
#include "vm/vm.h"

#define FEATURES 7 /* CPUID leaves */
#define FEATURES_BMI1 BIT(3) /* EBX */
#define EXTENDED 0x80000001u
#define EXTENDED_ABM BIT(5) /* ECX: LZCNT */

/* The value of an operand that is only read; -1: the fault of its place. */
static int load(struct vcpu *v, const struct insn *insn, const struct insn_operand *opnd,
		unsigned size, u64 *value, struct event *fault)
{
	struct emulate_place place;

	if (emulate_locate_operand(v, insn, opnd, size, false, &place, fault))
		return -1;
	*value = emulate_value(v, insn, opnd, &place);
	emulate_accessed(v, &place);
	return 0;
}

static int load_src(struct vcpu *v, const struct insn *insn, u64 *value, struct event *fault)
{
	return load(v, insn, &insn->src, insn->src.size, value, fault);
}

static void set_dst(struct vcpu *v, const struct insn *insn, u64 value)
{
	insn_reg_write(insn, v->regs.r, insn->dst.reg, insn->dst.size, value);
}

static u64 reg_of(struct vcpu *v, const struct insn *insn, unsigned n, unsigned size)
{
	return insn_reg_read(insn, v->regs.r, n, size);
}

/* ---- Products and quotients ----------------------------------------------------------- */

/* High and low half: AH and AL, or rDX and rAX. */
static void put_pair(struct vcpu *v, const struct insn *insn, unsigned size, u64 high, u64 low)
{
	if (size == 1) {
		insn_reg_write(insn, v->regs.r, REG_RAX, 2, high << 8 | low);
		return;
	}
	insn_reg_write(insn, v->regs.r, REG_RAX, size, low);
	insn_reg_write(insn, v->regs.r, REG_RDX, size, high);
}

/* MUL and IMUL of rAX. */
static enum emulate_result do_mul(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	unsigned size = insn->src.size;
	u64 b, low, high;

	if (load_src(v, insn, &b, fault))
		return R_FAULT;
	low = alu_mul(size, insn->op == INSN_IMUL, v->regs.r[REG_RAX], b, &high, &v->regs.rflags);
	put_pair(v, insn, size, high, low);
	return R_DONE;
}

/* IMUL r, r/m and IMUL r, r/m, imm: the latter are the opcodes without 0F. */
static enum emulate_result do_imul(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	unsigned size = insn->dst.size;
	u64 a, high, b = insn->imm;

	if (insn->dst.kind == OPERAND_NONE)
		return do_mul(v, insn, fault);
	if (load_src(v, insn, &a, fault))
		return R_FAULT;
	if (insn->map == MAP_0F)
		b = reg_of(v, insn, insn->dst.reg, size);
	set_dst(v, insn, alu_mul(size, true, a, b, &high, &v->regs.rflags));
	return R_DONE;
}

static enum emulate_result do_div(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	unsigned size = insn->src.size;
	u64 low = v->regs.r[REG_RAX], divisor;
	u64 high = size == 1 ? low >> 8 : v->regs.r[REG_RDX];

	if (load_src(v, insn, &divisor, fault))
		return R_FAULT;
	if (alu_div(size, insn->op == INSN_IDIV, &high, &low, divisor)) {
		emulate_exception(fault, VECTOR_DE);
		return R_FAULT;
	}
	put_pair(v, insn, size, high, low);
	return R_DONE;
}

/* ---- Bits ----------------------------------------------------------------------------- */

/* By CL, or an immediate. */
static enum emulate_result do_double_shift(struct vcpu *v, const struct insn *insn,
					   struct event *fault)
{
	bool by_cl = insn->opcode & 1;
	unsigned count = (unsigned)(by_cl ? v->regs.r[REG_RCX] : insn->imm) & 0xff;
	u64 a, r, flags, b = reg_of(v, insn, insn->src.reg, insn->src.size);
	struct emulate_place dst;

	if (emulate_locate_operand(v, insn, &insn->dst, insn->dst.size, true, &dst, fault))
		return R_FAULT;
	emulate_begin(v, &dst);
	do {
		flags = v->regs.rflags;
		a = emulate_value(v, insn, &insn->dst, &dst);
		r = alu_double_shift(insn->op == INSN_SHLD, insn->dst.size, a, b, count, &flags);
		if (!dst.len)
			set_dst(v, insn, r);
	} while (dst.len && !emulate_replace(v, &dst, &a, &r));
	emulate_end(v, &dst);
	v->regs.rflags = flags;
	emulate_accessed(v, &dst);
	return R_DONE;
}

/* CPUs that do not know F3 before BSF and BSR ignore it. */
static enum insn_op count_op(struct vcpu *v, const struct insn *insn)
{
	if (insn->op == INSN_TZCNT && !(cpuid_get(v, FEATURES, 0).ebx & FEATURES_BMI1))
		return INSN_BSF;
	if (insn->op == INSN_LZCNT && !(cpuid_get(v, EXTENDED, 0).ecx & EXTENDED_ABM))
		return INSN_BSR;
	return insn->op;
}

static enum emulate_result do_count(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	enum insn_op op = count_op(v, insn);
	u64 a, r;

	if (load_src(v, insn, &a, fault))
		return R_FAULT;
	r = alu_count(op, insn->dst.size, a, &v->regs.rflags);
	if (a || (op != INSN_BSF && op != INSN_BSR))
		set_dst(v, insn, r);
	return R_DONE;
}

static enum emulate_result do_crc32(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	u64 data;

	if (load_src(v, insn, &data, fault))
		return R_FAULT;
	set_dst(v, insn, alu_crc32(insn->src.size, v->regs.r[insn->dst.reg], data));
	return R_DONE;
}

static enum emulate_result do_add_carry(struct vcpu *v, const struct insn *insn,
					struct event *fault)
{
	u64 flag = insn->op == INSN_ADCX ? RFLAGS_CF : RFLAGS_OF, b;

	if (load_src(v, insn, &b, fault))
		return R_FAULT;
	set_dst(v, insn,
		alu_add_carry(insn->dst.size, v->regs.r[insn->dst.reg], b, flag, &v->regs.rflags));
	return R_DONE;
}

/* ---- Tables --------------------------------------------------------------------------- */

/* AL = [rBX + AL] */
static enum emulate_result do_xlat(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	static const struct insn_operand source = { .kind = OPERAND_SI };
	u64 at = (v->regs.r[REG_RBX] + (u8)v->regs.r[REG_RAX]) & insn_mask(insn->asize);
	struct emulate_place place;
	u8 value;

	if (emulate_locate_in(v, insn_seg(insn, &source), at, 1, false, &place, fault))
		return R_FAULT;
	emulate_get(v, &place, &value);
	insn_reg_write(insn, v->regs.r, REG_RAX, 1, value);
	emulate_accessed(v, &place);
	return R_DONE;
}

static s64 sign_extend(u64 value, unsigned size)
{
	unsigned unused = 64 - 8 * size;

	return (s64)(value << unused) >> unused;
}

/* A signed index between two bounds in memory. */
static enum emulate_result do_bound(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	unsigned size = insn->osize;
	s64 index = sign_extend(v->regs.r[insn->reg], size);
	struct emulate_place place;
	u64 both = 0;

	if (emulate_locate_operand(v, insn, &insn->src, 2 * size, false, &place, fault))
		return R_FAULT;
	emulate_get(v, &place, &both);
	emulate_accessed(v, &place);
	if (index >= sign_extend(both, size) && index <= sign_extend(both >> 8 * size, size))
		return R_DONE;
	emulate_exception(fault, VECTOR_BR);
	return R_FAULT;
}

/* ---- BMI ------------------------------------------------------------------------------ */

/* Values of VEX.pp. */
enum { PP_NONE, PP_66, PP_F3, PP_F2 };

enum bmi_form {
	RM_V, /* reg = op(r/m, vvvv) */
	V_RM, /* reg = op(vvvv, r/m) */
	INTO_V, /* vvvv = op(r/m) */
	RM_IMM, /* reg = op(r/m, imm) */
};

static const struct bmi {
	u8 map, opcode, pp;
	u8 reg; /* ModRM.reg, if the form is INTO_V */
	u8 form, op;
} bmis[] = {
	{ MAP_0F38, 0xf2, PP_NONE, 0, RM_V, ALU_ANDN },
	{ MAP_0F38, 0xf3, PP_NONE, 1, INTO_V, ALU_BLSR },
	{ MAP_0F38, 0xf3, PP_NONE, 2, INTO_V, ALU_BLSMSK },
	{ MAP_0F38, 0xf3, PP_NONE, 3, INTO_V, ALU_BLSI },
	{ MAP_0F38, 0xf5, PP_NONE, 0, RM_V, ALU_BZHI },
	{ MAP_0F38, 0xf5, PP_F3, 0, V_RM, ALU_PEXT },
	{ MAP_0F38, 0xf5, PP_F2, 0, V_RM, ALU_PDEP },
	{ MAP_0F38, 0xf7, PP_NONE, 0, RM_V, ALU_BEXTR },
	{ MAP_0F38, 0xf7, PP_66, 0, RM_V, ALU_SHLX },
	{ MAP_0F38, 0xf7, PP_F3, 0, RM_V, ALU_SARX },
	{ MAP_0F38, 0xf7, PP_F2, 0, RM_V, ALU_SHRX },
	{ MAP_0F3A, 0xf0, PP_F2, 0, RM_IMM, ALU_RORX },
};

#define BMI_MULX 0xf6

static const struct bmi *find_bmi(const struct insn *insn)
{
	for (unsigned i = 0; i < ARRAY_SIZE(bmis); i++)
		if (bmis[i].map == insn->map && bmis[i].opcode == insn->opcode &&
		    bmis[i].pp == insn->vector_pp &&
		    (bmis[i].form != INTO_V || bmis[i].reg == (insn->modrm >> 3 & 7)))
			return &bmis[i];
	return NULL;
}

/* vvvv:reg = rDX * r/m, no flags; if both are one register, it gets the high half. */
static void mulx(struct vcpu *v, const struct insn *insn, unsigned size, u64 b)
{
	u64 flags = 0, high, low = alu_mul(size, false, v->regs.r[REG_RDX], b, &high, &flags);

	insn_reg_write(insn, v->regs.r, insn->vvvv, size, low);
	insn_reg_write(insn, v->regs.r, insn->reg, size, high);
}

static void bmi(struct vcpu *v, const struct insn *insn, const struct bmi *m, unsigned size, u64 rm)
{
	u64 other = m->form == RM_IMM ? insn->imm : v->regs.r[insn->vvvv];
	u64 a = m->form == V_RM ? other : rm, b = m->form == V_RM ? rm : other;

	insn_reg_write(insn, v->regs.r, m->form == INTO_V ? insn->vvvv : insn->reg, size,
		       alu_bmi(m->op, size, a, b, &v->regs.rflags));
}

enum emulate_result emulate_bmi(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	static const struct insn_operand memory = { .kind = OPERAND_MEM };
	unsigned size = insn->rex & REX_W ? 8 : 4;
	bool is_mulx = insn->map == MAP_0F38 && insn->opcode == BMI_MULX &&
		       insn->vector_pp == PP_F2;
	const struct bmi *m;
	u64 rm;

	if (!insn->vector_prefix || insn->evex || insn->vector_256 || !insn->mem)
		return R_UNKNOWN;
	m = find_bmi(insn);
	if (!m && !is_mulx)
		return R_UNKNOWN;
	if (load(v, insn, &memory, size, &rm, fault))
		return R_FAULT;
	if (is_mulx)
		mulx(v, insn, size, rm);
	else
		bmi(v, insn, m, size, rm);
	return R_DONE;
}

enum emulate_result emulate_integer(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	switch (insn->op) {
	case INSN_MUL:
		return do_mul(v, insn, fault);
	case INSN_IMUL:
		return do_imul(v, insn, fault);
	case INSN_DIV:
	case INSN_IDIV:
		return do_div(v, insn, fault);
	case INSN_SHLD:
	case INSN_SHRD:
		return do_double_shift(v, insn, fault);
	case INSN_BSF:
	case INSN_BSR:
	case INSN_TZCNT:
	case INSN_LZCNT:
	case INSN_POPCNT:
		return do_count(v, insn, fault);
	case INSN_CRC32:
		return do_crc32(v, insn, fault);
	case INSN_ADCX:
	case INSN_ADOX:
		return do_add_carry(v, insn, fault);
	case INSN_XLAT:
		return do_xlat(v, insn, fault);
	case INSN_BOUND:
		return do_bound(v, insn, fault);
	default:
		return R_UNKNOWN;
	}
}
