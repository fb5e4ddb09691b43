/*
 * emulate_vector.c - moves between memory and vector or MMX registers
 *
 * Owns: which encodings are plain loads and stores, and their sizes.
 * Must not know: where the registers are kept (xsave.h), arithmetic on them.
 *
 * The CPU has carried out the checks of CR0.EM, CR0.TS, CR4.OSFXSR and XCR0 before the access that
 * made the guest exit.  Not known: EVEX, gathers, everything that computes.
 *
 * Sources: [SDM] vol. 2, the pages of MOVUPS, MOVAPS, MOVDQA, MOVNTDQ, MOVQ and their kin.
 */
#include "vm/emulate_parts.h"

#include "lib/string.h"
#include "vm/vm.h"
#include "vm/xsave.h"

enum vector_kind {
	WHOLE, /* all of the register: 16 bytes, or 32 with VEX.L */
	SCALAR, /* its low bytes; a load clears the rest */
	LOW, /* its low quadword; the other is left alone */
	HIGH, /* its high quadword, likewise */
	MMX,
};

#define ALIGNED_ONLY BIT(0) /* #GP(0) unless aligned to its size */
#define STORES BIT(1)
#define BY_REX_W BIT(2) /* 8 bytes with REX.W, else 4 */

struct vector_move {
	u8 map, opcode, prefix; /* the one that selects: 0, 66, F3, F2 */
	u8 kind, size, flags;
};

#define LOAD_STORE(opcode, prefix, kind, size, flags)                                \
	{ MAP_0F, (opcode), (prefix), (kind), (size), (flags) },                     \
	{ MAP_0F, (opcode) + 1, (prefix), (kind), (size), (flags) | STORES }

static const struct vector_move moves[] = {
	LOAD_STORE(0x10, 0, WHOLE, 16, 0), /* MOVUPS, MOVUPD, MOVSS, MOVSD */
	LOAD_STORE(0x10, 0x66, WHOLE, 16, 0),
	LOAD_STORE(0x10, 0xf3, SCALAR, 4, 0),
	LOAD_STORE(0x10, 0xf2, SCALAR, 8, 0),
	LOAD_STORE(0x12, 0, LOW, 8, 0), /* MOVLPS, MOVLPD */
	LOAD_STORE(0x12, 0x66, LOW, 8, 0),
	LOAD_STORE(0x16, 0, HIGH, 8, 0), /* MOVHPS, MOVHPD */
	LOAD_STORE(0x16, 0x66, HIGH, 8, 0),
	LOAD_STORE(0x28, 0, WHOLE, 16, ALIGNED_ONLY), /* MOVAPS, MOVAPD */
	LOAD_STORE(0x28, 0x66, WHOLE, 16, ALIGNED_ONLY),
	{ MAP_0F, 0x2b, 0, WHOLE, 16, ALIGNED_ONLY | STORES }, /* MOVNTPS, MOVNTPD */
	{ MAP_0F, 0x2b, 0x66, WHOLE, 16, ALIGNED_ONLY | STORES },
	{ MAP_0F, 0x6e, 0, MMX, 4, BY_REX_W }, /* MOVD, MOVQ */
	{ MAP_0F, 0x7e, 0, MMX, 4, BY_REX_W | STORES },
	{ MAP_0F, 0x6e, 0x66, SCALAR, 4, BY_REX_W },
	{ MAP_0F, 0x7e, 0x66, SCALAR, 4, BY_REX_W | STORES },
	{ MAP_0F, 0x6f, 0, MMX, 8, 0 },
	{ MAP_0F, 0x7f, 0, MMX, 8, STORES },
	{ MAP_0F, 0x7e, 0xf3, SCALAR, 8, 0 },
	{ MAP_0F, 0xd6, 0x66, SCALAR, 8, STORES },
	{ MAP_0F, 0x6f, 0x66, WHOLE, 16, ALIGNED_ONLY }, /* MOVDQA, MOVDQU */
	{ MAP_0F, 0x7f, 0x66, WHOLE, 16, ALIGNED_ONLY | STORES },
	{ MAP_0F, 0x6f, 0xf3, WHOLE, 16, 0 },
	{ MAP_0F, 0x7f, 0xf3, WHOLE, 16, STORES },
	{ MAP_0F, 0xe7, 0, MMX, 8, STORES }, /* MOVNTQ, MOVNTDQ */
	{ MAP_0F, 0xe7, 0x66, WHOLE, 16, ALIGNED_ONLY | STORES },
	{ MAP_0F, 0xf0, 0xf2, WHOLE, 16, 0 }, /* LDDQU */
	{ MAP_0F38, 0x2a, 0x66, WHOLE, 16, ALIGNED_ONLY }, /* MOVNTDQA */
};

static u8 selecting_prefix(const struct insn *insn)
{
	static const u8 by_pp[] = { 0, 0x66, REP_REPE, REP_REPNE };

	if (insn->vector_prefix)
		return by_pp[insn->vector_pp];
	return insn->rep ? insn->rep : insn->opsize_prefix ? 0x66 : 0;
}

/* With VEX, the halves are merged from a third register, and there is no MMX. */
static bool encoded(const struct vector_move *m, const struct insn *insn)
{
	bool vex_too = m->kind == WHOLE || m->kind == SCALAR || (m->flags & STORES);

	return m->map == insn->map && m->opcode == insn->opcode &&
	       m->prefix == selecting_prefix(insn) &&
	       (!insn->vector_prefix || (vex_too && m->kind != MMX && !insn->evex));
}

static const struct vector_move *find(const struct insn *insn)
{
	for (unsigned i = 0; i < ARRAY_SIZE(moves); i++)
		if (encoded(&moves[i], insn))
			return &moves[i];
	return NULL;
}

static unsigned size_of(const struct vector_move *m, const struct insn *insn)
{
	if ((m->flags & BY_REX_W) && (insn->rex & REX_W))
		return 8;
	return m->kind == WHOLE && insn->vector_256 ? XSAVE_YMM_SIZE : m->size;
}

/* Only REX.R counts for vector registers, as for general ones; MMX has eight. */
static void store(struct vcpu *v, const struct vector_move *m, const struct insn *insn,
		  const struct emulate_place *place)
{
	u8 value[XSAVE_YMM_SIZE];
	u64 mmx;

	if (m->kind == MMX) {
		mmx = xsave_read_mmx(v, insn->reg & 7);
		memcpy(value, &mmx, sizeof(mmx));
	} else {
		xsave_read_vector(v, insn->reg, value, sizeof(value));
	}
	emulate_put(v, place, value + (m->kind == HIGH ? 8 : 0));
}

static void load(struct vcpu *v, const struct vector_move *m, const struct insn *insn,
		 const struct emulate_place *place)
{
	u8 value[XSAVE_YMM_SIZE] = { 0 };

	if (m->kind == LOW || m->kind == HIGH)
		xsave_read_vector(v, insn->reg, value, XSAVE_XMM_SIZE);
	emulate_get(v, place, value + (m->kind == HIGH ? 8 : 0));
	if (m->kind == MMX)
		xsave_write_mmx(v, insn->reg & 7, load64(value));
	else
		xsave_write_vector(v, insn->reg, value, MAX(place->len, XSAVE_XMM_SIZE),
				   insn->vector_prefix);
}

enum emulate_result emulate_vector(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	static const struct insn_operand memory = { .kind = OPERAND_MEM };
	const struct vector_move *m = insn->mem ? find(insn) : NULL;
	struct emulate_place place;
	unsigned size;

	if (!m)
		return R_UNKNOWN;
	size = size_of(m, insn);
	if (emulate_locate_operand(v, insn, &memory, size, m->flags & STORES, &place, fault))
		return R_FAULT;
	if ((m->flags & ALIGNED_ONLY) && (place.gva & (size - 1))) {
		emulate_fault(fault, VECTOR_GP, 0);
		return R_FAULT;
	}
	if (m->flags & STORES)
		store(v, m, insn, &place);
	else
		load(v, m, insn, &place);
	emulate_accessed(v, &place);
	return R_DONE;
}
