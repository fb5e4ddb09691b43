/*
 * emulate_vector.c - moves between memory and vector or MMX registers
 *
 * Owns: which encodings are plain loads and stores, and their sizes.
 * Must not know: where the registers are kept (xsave.h), arithmetic on them.
 *
 * The CPU has checked CR0.EM, CR0.TS, CR4.OSFXSR and XCR0 before the access that made the guest
 * exit.  They are checked again: another CPU of the guest may have put another instruction there
 * since.  Not known: EVEX, gathers, everything that computes.
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
	LANE, /* one of as many as there are, by the immediate */
	FILL, /* all of the register, with copies */
	MMX,
	MMX_LANE,
};

#define ALIGNED_ONLY BIT(0) /* #GP(0) unless aligned to its size */
#define STORES BIT(1)
#define BY_REX_W BIT(2) /* 8 bytes with REX.W, else 4 */
#define VEX_ONLY BIT(3)

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
	{ MAP_0F, 0xc4, 0, MMX_LANE, 2, 0 }, /* PINSRW, PINSRB, PINSRD, PINSRQ */
	{ MAP_0F, 0xc4, 0x66, LANE, 2, 0 },
	{ MAP_0F3A, 0x20, 0x66, LANE, 1, 0 },
	{ MAP_0F3A, 0x22, 0x66, LANE, 4, BY_REX_W },
	{ MAP_0F3A, 0x14, 0x66, LANE, 1, STORES }, /* PEXTRB, PEXTRW, PEXTRD, PEXTRQ, EXTRACTPS */
	{ MAP_0F3A, 0x15, 0x66, LANE, 2, STORES },
	{ MAP_0F3A, 0x16, 0x66, LANE, 4, BY_REX_W | STORES },
	{ MAP_0F3A, 0x17, 0x66, LANE, 4, STORES },
	{ MAP_0F38, 0x18, 0x66, FILL, 4, VEX_ONLY }, /* VBROADCASTSS, SD, F128 */
	{ MAP_0F38, 0x19, 0x66, FILL, 8, VEX_ONLY },
	{ MAP_0F38, 0x1a, 0x66, FILL, 16, VEX_ONLY },
	{ MAP_0F38, 0x58, 0x66, FILL, 4, VEX_ONLY }, /* VPBROADCASTD, Q, VBROADCASTI128, B, W */
	{ MAP_0F38, 0x59, 0x66, FILL, 8, VEX_ONLY },
	{ MAP_0F38, 0x5a, 0x66, FILL, 16, VEX_ONLY },
	{ MAP_0F38, 0x78, 0x66, FILL, 1, VEX_ONLY },
	{ MAP_0F38, 0x79, 0x66, FILL, 2, VEX_ONLY },
};

static u8 selecting_prefix(const struct insn *insn)
{
	static const u8 by_pp[] = { 0, 0x66, REP_REPE, REP_REPNE };

	if (insn->vector_prefix)
		return by_pp[insn->vector_pp];
	return insn->rep ? insn->rep : insn->opsize_prefix ? 0x66 : 0;
}

static bool is_mmx(const struct vector_move *m)
{
	return m->kind == MMX || m->kind == MMX_LANE;
}

static bool encoded(const struct vector_move *m, const struct insn *insn)
{
	bool allowed = insn->vector_prefix ? !is_mmx(m) && !insn->evex : !(m->flags & VEX_ONLY);

	return allowed && m->map == insn->map && m->opcode == insn->opcode &&
	       m->prefix == selecting_prefix(insn);
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

/* Where in the register an operand of that size lies. */
static unsigned begins_at(const struct vector_move *m, const struct insn *insn, unsigned size)
{
	if (m->kind == HIGH)
		return XSAVE_XMM_SIZE / 2;
	if (m->kind == LANE)
		return insn->imm % (XSAVE_XMM_SIZE / size) * size;
	return m->kind == MMX_LANE ? insn->imm % (sizeof(u64) / size) * size : 0;
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
	emulate_put(v, place, value + begins_at(m, insn, place->len));
}

static void load_mmx(struct vcpu *v, const struct vector_move *m, const struct insn *insn,
		     const struct emulate_place *place)
{
	u64 old = m->kind == MMX_LANE ? xsave_read_mmx(v, insn->reg & 7) : 0;
	u8 value[sizeof(old)];

	memcpy(value, &old, sizeof(old));
	emulate_get(v, place, value + begins_at(m, insn, place->len));
	xsave_write_mmx(v, insn->reg & 7, load64(value));
}

/* What is not loaded stays as it is; with VEX, as it is in the register that vvvv names. */
static void load(struct vcpu *v, const struct vector_move *m, const struct insn *insn,
		 const struct emulate_place *place)
{
	unsigned whole = insn->vector_256 ? XSAVE_YMM_SIZE : XSAVE_XMM_SIZE;
	u8 value[XSAVE_YMM_SIZE] = { 0 };

	if (m->kind == LOW || m->kind == HIGH || m->kind == LANE)
		xsave_read_vector(v, insn->vector_prefix ? insn->vvvv : insn->reg, value,
				  XSAVE_XMM_SIZE);
	emulate_get(v, place, value + begins_at(m, insn, place->len));
	for (unsigned at = place->len; m->kind == FILL && at < whole; at += place->len)
		memcpy(value + at, value, place->len);
	xsave_write_vector(v, insn->reg, value,
			   m->kind == FILL ? whole : MAX(place->len, XSAVE_XMM_SIZE),
			   insn->vector_prefix);
}

/* ---- Bytes under a mask ----------------------------------------------------------------- */

#define MASKMOV 0xf7

/* MASKMOVQ and MASKMOVDQU, which have no ModRM of memory. */
static bool is_mask_move(const struct insn *insn)
{
	u8 prefix = selecting_prefix(insn);

	return insn->map == MAP_0F && insn->opcode == MASKMOV && insn->has_modrm && !insn->mem &&
	       !insn->evex && (prefix == 0x66 || (prefix == 0 && !insn->vector_prefix));
}

/* Value and mask: registers reg and rm. */
static void read_masked(struct vcpu *v, const struct insn *insn, bool mmx, u8 *value, u8 *mask)
{
	u64 word;

	if (!mmx) {
		xsave_read_vector(v, insn->reg, value, XSAVE_XMM_SIZE);
		xsave_read_vector(v, insn->rm, mask, XSAVE_XMM_SIZE);
		return;
	}
	word = xsave_read_mmx(v, insn->reg & 7);
	memcpy(value, &word, sizeof(word));
	word = xsave_read_mmx(v, insn->rm & 7);
	memcpy(mask, &word, sizeof(word));
}

/*
 * Bytes go to seg:rDI where the mask's have their highest bit set; all of it must be writable.  A
 * device sees only those bytes.
 */
static enum emulate_result do_mask_move(struct vcpu *v, const struct insn *insn, bool mmx,
					struct event *fault)
{
	static const struct insn_operand source = { .kind = OPERAND_SI }; /* its segment */
	unsigned size = mmx ? sizeof(u64) : XSAVE_XMM_SIZE;
	u64 at = v->regs.r[REG_RDI] & insn_mask(insn->asize);
	u8 value[XSAVE_XMM_SIZE], mask[XSAVE_XMM_SIZE];
	struct emulate_place all, byte;

	if (emulate_locate_in(v, insn_seg(insn, &source), at, size, true, &all, fault))
		return R_FAULT;
	read_masked(v, insn, mmx, value, mask);
	for (unsigned i = 0; i < size; i++) {
		if (!(mask[i] & BIT(7)))
			continue;
		if (emulate_locate_in(v, insn_seg(insn, &source), at + i, 1, true, &byte, fault))
			return R_FAULT;
		emulate_put(v, &byte, &value[i]);
	}
	emulate_accessed(v, &all);
	return R_DONE;
}

/* ---- The whole -------------------------------------------------------------------------- */

/* [SDM] vol. 2 "SIMD Exceptions and Exception Conditions": classes 1 to 5 and MMX's */
static int check_enabled(struct vcpu *v, const struct insn *insn, bool mmx, struct event *fault)
{
	const u64 vex = XCR0_SSE | XCR0_AVX;
	const struct cpu_state *state = vcpu_state(v, STATE_EXEC);

	if (insn->vector_prefix) {
		if (!(state->cr4 & CR4_OSXSAVE) ||
		    (vcpu_state(v, STATE_XSAVE)->xcr0 & vex) != vex)
			return emulate_exception(fault, VECTOR_UD);
	} else if ((state->cr0 & CR0_EM) || (!mmx && !(state->cr4 & CR4_OSFXSR))) {
		return emulate_exception(fault, VECTOR_UD);
	}
	return state->cr0 & CR0_TS ? emulate_exception(fault, VECTOR_NM) : 0;
}

static enum emulate_result do_vector_move(struct vcpu *v, const struct vector_move *m,
					  const struct insn *insn, struct event *fault)
{
	static const struct insn_operand memory = { .kind = OPERAND_MEM };
	unsigned size = size_of(m, insn);
	struct emulate_place place;

	if (check_enabled(v, insn, is_mmx(m), fault) ||
	    emulate_locate_operand(v, insn, &memory, size, m->flags & STORES, &place, fault))
		return R_FAULT;
	if ((m->flags & ALIGNED_ONLY) && (place.gva & (size - 1))) {
		emulate_fault(fault, VECTOR_GP, 0);
		return R_FAULT;
	}
	if (m->flags & STORES)
		store(v, m, insn, &place);
	else if (is_mmx(m))
		load_mmx(v, m, insn, &place);
	else
		load(v, m, insn, &place);
	emulate_accessed(v, &place);
	return R_DONE;
}

enum emulate_result emulate_vector(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	const struct vector_move *m = insn->mem ? find(insn) : NULL;
	bool mmx = !insn->vector_prefix && !insn->opsize_prefix;

	if (m)
		return do_vector_move(v, m, insn, fault);
	if (!is_mask_move(insn))
		return R_UNKNOWN;
	if (check_enabled(v, insn, mmx, fault))
		return R_FAULT;
	return do_mask_move(v, insn, mmx, fault);
}
