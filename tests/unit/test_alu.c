/*
 * test_alu.c - results and flags, by fixed vectors and against the host's own CPU
 *
 * Undefined flags are compared as CPUs leave them only where alu.h promises it.
 */
#include "machine.h"

#include "native.h"
#include "vm/alu.h"

void test_alu_register(void);

#define C RFLAGS_CF
#define P RFLAGS_PF
#define A RFLAGS_AF
#define Z RFLAGS_ZF
#define SG RFLAGS_SF
#define O RFLAGS_OF
#define ALL ALU_FLAGS

struct vector {
	u8 op, size;
	u64 a, b, flags; /* before */
	u64 result, after;
};

static const struct vector vectors[] = {
	{ INSN_ADD, 1, 0xff, 0x01, 0, 0x00, C | P | A | Z },
	{ INSN_ADD, 1, 0x7f, 0x01, C, 0x80, A | SG | O },
	{ INSN_ADD, 1, 0x80, 0x80, 0, 0x00, C | P | Z | O },
	{ INSN_ADD, 2, 0xffff, 1, 0, 0, C | P | A | Z },
	{ INSN_ADD, 4, 0x7fffffff, 0x7fffffff, 0, 0xfffffffe, A | SG | O },
	{ INSN_ADD, 8, ~0ull, ~0ull, 0, ~0ull - 1, C | A | SG },
	{ INSN_ADC, 1, 0xff, 0x00, C, 0x00, C | P | A | Z },
	{ INSN_ADC, 1, 0xff, 0xff, C, 0xff, C | P | A | SG },
	{ INSN_ADC, 8, ~0ull, 0, C, 0, C | P | A | Z },
	{ INSN_ADC, 4, 1, 1, 0, 2, 0 },
	{ INSN_SUB, 1, 0x00, 0x01, 0, 0xff, C | P | A | SG },
	{ INSN_SUB, 1, 0x80, 0x01, 0, 0x7f, A | O },
	{ INSN_SUB, 8, 0, BIT(63), 0, BIT(63), C | P | SG | O },
	{ INSN_SBB, 1, 0x00, 0xff, C, 0x00, C | P | A | Z },
	{ INSN_SBB, 4, 5, 5, C, 0xffffffff, C | P | A | SG },
	{ INSN_SBB, 2, 5, 5, 0, 0, P | Z },
	{ INSN_CMP, 2, 0x1234, 0x1234, ALL, 0, P | Z },
	{ INSN_CMP, 1, 0x10, 0x01, 0, 0x0f, P | A },
	{ INSN_AND, 1, 0xf0, 0x0f, ALL, 0, P | Z },
	{ INSN_AND, 4, 0xffffffff, 0x80000001, C | O | A, 0x80000001, SG },
	{ INSN_OR, 8, BIT(63), 1, C, BIT(63) | 1, SG },
	{ INSN_XOR, 2, 0xffff, 0xffff, ALL, 0, P | Z },
	{ INSN_TEST, 1, 0x80, 0x80, C, 0x80, SG },
	{ INSN_INC, 1, 0xff, 0, C, 0x00, C | P | A | Z },
	{ INSN_INC, 1, 0x7f, 0, 0, 0x80, A | SG | O },
	{ INSN_INC, 4, 0xffffffff, 0, 0, 0, P | A | Z },
	{ INSN_DEC, 1, 0x00, 0, C, 0xff, C | P | A | SG },
	{ INSN_DEC, 1, 0x80, 0, 0, 0x7f, A | O },
	{ INSN_DEC, 8, 1, 0, ALL, 0, C | P | Z },
	{ INSN_NOT, 1, 0x0f, 0, ALL, 0xf0, ALL },
	{ INSN_NOT, 8, 0, 0, 0, ~0ull, 0 },
	{ INSN_NEG, 1, 0x00, 0, C, 0x00, P | Z },
	{ INSN_NEG, 1, 0x80, 0, 0, 0x80, C | SG | O },
	{ INSN_NEG, 4, 1, 0, 0, 0xffffffff, C | P | A | SG },
	{ INSN_BT, 2, 0x8000, 15, 0, 0x8000, C },
	{ INSN_BT, 2, 0x8000, 14, ALL, 0x8000, ALL & ~C },
	{ INSN_BT, 4, 1, 32, 0, 1, C }, /* the number is cut to the size */
	{ INSN_BTS, 8, 0, 63, C, BIT(63), 0 },
	{ INSN_BTR, 4, 0xffffffff, 31, 0, 0x7fffffff, C },
	{ INSN_BTC, 2, 0x0001, 0, 0, 0, C },
	{ INSN_BTC, 2, 0x0001, 16, 0, 0, C },
};

static void test_vectors(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct vector *v = &vectors[i];
		u64 flags = v->flags | RFLAGS_IF | RFLAGS_DF;
		u64 high = v->size == 8 ? 0 : ~0ull << 8 * v->size; /* of operands: ignored */
		u64 b = v->op >= INSN_BT && v->op <= INSN_BTC ? v->b : v->b | high;
		u64 result = alu(v->op, v->size, v->a | high, b, &flags);

		if (result != v->result || flags != (v->after | RFLAGS_IF | RFLAGS_DF))
			printf("\nvector %u: %#llx, flags %#llx\n", i, (unsigned long long)result,
			       (unsigned long long)flags);
		CU_ASSERT_EQUAL(result, v->result);
		CU_ASSERT_EQUAL(flags, v->after | RFLAGS_IF | RFLAGS_DF);
		CU_ASSERT(alu_knows(v->op));
	}
}

static void test_known(void)
{
	unsigned known = 0;

	for (unsigned op = 0; op < INSN_OP_COUNT; op++)
		known += alu_knows(op);
	CU_ASSERT_EQUAL(known, 17);
	CU_ASSERT_FALSE(alu_knows(INSN_MUL));
	CU_ASSERT_FALSE(alu_knows(INSN_SHL));
}

/* Quotients: what fits, what just does not. */
static void test_div(void)
{
	static const struct {
		u8 size, is_signed, error;
		u64 high, low, divisor, quotient, rest;
	} cases[] = {
		{ 1, 0, 0, 0x00, 0xff, 0x10, 0x0f, 0x0f },
		{ 1, 0, 1, 0x10, 0x00, 0x10, 0, 0 },
		{ 1, 0, 1, 0x00, 0x00, 0x00, 0, 0 },
		{ 1, 1, 0, 0xff, 0x80, 0x01, 0x80, 0x00 }, /* -128 fits, ... */
		{ 1, 1, 1, 0x00, 0x80, 0x01, 0, 0 }, /* 128 does not */
		{ 2, 1, 0, 0xffff, 0xfff9, 2, 0xfffd, 0xffff }, /* rest: as the dividend */
		{ 4, 0, 0, 1, 0, 2, 0x80000000, 0 },
		{ 8, 0, 0, 1, 5, 3, 0x5555555555555557, 0 },
		{ 8, 1, 1, BIT(63), 0, ~0ull, 0, 0 },
		{ 8, 1, 0, ~0ull, BIT(63), 1, BIT(63), 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 high = cases[i].high, low = cases[i].low;
		int error = alu_div(cases[i].size, cases[i].is_signed, &high, &low,
				    cases[i].divisor);

		CU_ASSERT_EQUAL(error != 0, cases[i].error);
		CU_ASSERT_EQUAL(low, error ? cases[i].low : cases[i].quotient);
		CU_ASSERT_EQUAL(high, error ? cases[i].high : cases[i].rest);
	}
}

static void test_wide(void)
{
	u64 flags = 0, high;

	CU_ASSERT_EQUAL(alu_mul(8, false, ~0ull, ~0ull, &high, &flags), 1);
	CU_ASSERT_EQUAL(high, ~0ull - 1);
	CU_ASSERT_EQUAL(flags & (C | O), C | O);
	CU_ASSERT_EQUAL(alu_mul(8, true, ~0ull, ~0ull, &high, &flags), 1);
	CU_ASSERT_EQUAL(high, 0);
	CU_ASSERT_EQUAL(flags & (C | O), 0);
	/* "123456789", whose CRC-32C is known. */
	high = alu_crc32(8, 0xffffffff, 0x3837363534333231);
	CU_ASSERT_EQUAL(alu_crc32(1, high, 0x39) ^ 0xffffffff, 0xe3069283);
	CU_ASSERT_EQUAL(alu_double_shift(true, 4, 0x80000001, 0xf0000000, 4, &flags), 0x1f);
	CU_ASSERT_EQUAL(alu_double_shift(false, 2, 0x8001, 0x000f, 4, &flags), 0xf800);
	CU_ASSERT_EQUAL(alu_count(INSN_LZCNT, 2, 1, &flags), 15);
	CU_ASSERT_EQUAL(alu_count(INSN_TZCNT, 4, 0, &flags), 32);
	CU_ASSERT_EQUAL(flags & (C | Z), C);
}

/* ---- Against the CPU ----------------------------------------------------------- */

/* op on RAX and RDX of the size: opcode of the 8-bit form; the wider ones follow it. */
struct form {
	u8 op, prefix, opcode, modrm;
	u64 defined; /* flags */
};

static const struct form forms[] = {
	{ INSN_ADD, 0, 0x00, 0xd0, ALL },	{ INSN_OR, 0, 0x08, 0xd0, ALL & ~A },
	{ INSN_ADC, 0, 0x10, 0xd0, ALL },	{ INSN_SBB, 0, 0x18, 0xd0, ALL },
	{ INSN_AND, 0, 0x20, 0xd0, ALL & ~A },	{ INSN_SUB, 0, 0x28, 0xd0, ALL },
	{ INSN_XOR, 0, 0x30, 0xd0, ALL & ~A },	{ INSN_CMP, 0, 0x38, 0xd0, ALL },
	{ INSN_TEST, 0, 0x84, 0xd0, ALL & ~A }, { INSN_INC, 0, 0xfe, 0xc0, ALL },
	{ INSN_DEC, 0, 0xfe, 0xc8, ALL },	{ INSN_NOT, 0, 0xf6, 0xd0, ALL },
	{ INSN_NEG, 0, 0xf6, 0xd8, ALL },	{ INSN_BT, 0x0f, 0xa3, 0xd0, C | Z },
	{ INSN_BTS, 0x0f, 0xab, 0xd0, C | Z },	{ INSN_BTR, 0x0f, 0xb3, 0xd0, C | Z },
	{ INSN_BTC, 0x0f, 0xbb, 0xd0, C | Z },
};

static unsigned encode(const struct form *f, unsigned size, u8 *code)
{
	unsigned n = 0;

	if (size == 2)
		code[n++] = 0x66;
	if (size == 8)
		code[n++] = 0x48;
	if (f->prefix)
		code[n++] = f->prefix;
	code[n++] = (u8)(f->opcode | (!f->prefix && size > 1));
	code[n++] = f->modrm;
	return n;
}

static u64 seed = 0x2545f4914f6cdd1dull;

/* Random bits; often a border, or one with few bits. */
static u64 operand(void)
{
	static const u64 border[] = { 0,	  1,	       0x7f,	0x80,	    0xff,
				      0x7fff,	  0x8000,      0xffff,	0x7fffffff, 0x80000000,
				      0xffffffff, BIT(63) - 1, BIT(63), ~0ull };

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	switch (seed >> 60) {
	case 0:
	case 1:
	case 2:
		return border[(seed >> 8) % ARRAY_SIZE(border)];
	case 3:
		return BIT(seed >> 8 & 63);
	default:
		return seed * 0x9e3779b97f4a7c15ull;
	}
}

static bool same_as_cpu(const struct form *f, unsigned size, u64 a, u64 b, u64 flags)
{
	struct native n = { .rflags = flags };
	u64 ours = flags, mask = insn_mask(size), result;
	bool writes = f->op != INSN_CMP && f->op != INSN_TEST && f->op != INSN_BT;
	u8 code[8];

	n.r[REG_RAX] = a;
	n.r[REG_RDX] = b;
	native_run(&n, code, encode(f, size, code));
	result = alu(f->op, size, a, b, &ours);
	if ((ours ^ n.rflags) & f->defined)
		return false;
	if ((f->defined & A) == 0 && f->op < INSN_BT && (ours & A))
		return false; /* promised: 0 for the logical ones */
	return !writes || ((result ^ n.r[REG_RAX]) & mask) == 0;
}

#define ROUNDS 8000

static void test_against_cpu(void)
{
	unsigned wrong = 0, tried = 0;

	if (!native_init())
		return; /* no such CPU: the fixed vectors must do */
	for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
		for (unsigned size = forms[i].prefix ? 2 : 1; size <= 8; size *= 2) {
			for (unsigned k = 0; k < ROUNDS; k++) {
				u64 a = operand(), b = operand(), flags = operand() & ALL;

				tried++;
				if (same_as_cpu(&forms[i], size, a, b, flags) || wrong++ > 5)
					continue;
				printf("\n%s size %u: %#llx, %#llx, flags %#llx\n",
				       insn_name(forms[i].op), size, (unsigned long long)a,
				       (unsigned long long)b, (unsigned long long)flags);
			}
		}
	}
	CU_ASSERT(tried > 500000);
	CU_ASSERT_EQUAL(wrong, 0);
}

void test_alu_register(void)
{
	CU_pSuite suite = CU_add_suite("alu", NULL, NULL);

	CU_add_test(suite, "fixed vectors", test_vectors);
	CU_add_test(suite, "what is known", test_known);
	CU_add_test(suite, "quotients", test_div);
	CU_add_test(suite, "products, bits", test_wide);
	CU_add_test(suite, "against the host's CPU", test_against_cpu);
}
