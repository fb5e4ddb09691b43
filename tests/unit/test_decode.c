/*
 * test_decode.c - the instruction decoder, one instruction a case
 *
 * Owns: what decode() must say of known instructions, of broken ones and of noise.
 * Must not know: its tables; the instructions are in decode_cases.h.
 *
 * Every decode here is from a heap buffer of exactly the bytes given, so that the
 * address sanitizer sees a read beyond them.
 */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "decode_cases.h"

void test_decode_register(void);

#define NOISE_ROUNDS 1000000
#define RSP_VALUE 0x7fff0000ull

static const enum decode_mode modes[] = { DECODE_16, DECODE_32, DECODE_64 };

static enum decode_mode mode_of(int bits)
{
	return bits == 64 ? DECODE_64 : bits == 32 ? DECODE_32 : DECODE_16;
}

static unsigned parse(const char *text, u8 *bytes)
{
	unsigned n = 0;
	char *end;

	for (; *text; text = end) {
		bytes[n++] = strtoul(text, &end, 16);
		while (*end == ' ')
			end++;
	}
	return n;
}

/* Decode from a buffer of exactly `len` bytes; malloc(0) is a valid one too. */
static int decode_exact(struct insn *insn, const u8 *bytes, unsigned len, enum decode_mode mode)
{
	u8 *copy = malloc(len);
	int err;

	memcpy(copy, bytes, len);
	err = decode(insn, copy, len, mode);
	free(copy);
	return err;
}

static int decode_text(struct insn *insn, int bits, const char *text)
{
	u8 bytes[32];
	unsigned len = parse(text, bytes);

	return decode_exact(insn, bytes, len, mode_of(bits));
}

/* A check that names the instruction it failed on. */
static void expect(bool ok, int bits, const char *bytes, const char *what, int got)
{
	char line[160];

	snprintf(line, sizeof(line), "%d-bit [%s]: %s (got %d)", bits, bytes, what, got);
	CU_assertImplementation(ok, __LINE__, line, __FILE__, "", CU_FALSE);
}

/* Each shorter piece of it must ask for more. */
static void expect_short_when_cut(int bits, const char *text)
{
	u8 bytes[32];
	unsigned len = parse(text, bytes);
	struct insn insn;

	for (unsigned n = 0; n < len; n++) {
		int err = decode_exact(&insn, bytes, n, mode_of(bits));

		expect(err == -DECODE_SHORT, bits, text, "cut must be DECODE_SHORT", err);
	}
}

/* Bad input first. */

static void test_invalid(void)
{
	struct insn insn;

	for (unsigned i = 0; i < ARRAY_SIZE(invalid_cases); i++) {
		int err = decode_text(&insn, invalid_cases[i].bits, invalid_cases[i].bytes);

		expect(err == -DECODE_UD, invalid_cases[i].bits, invalid_cases[i].bytes,
		       "must be #UD", err);
	}
}

static void test_truncated(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(decode_cases); i++)
		expect_short_when_cut(decode_cases[i].bits, decode_cases[i].bytes);
	for (unsigned i = 0; i < ARRAY_SIZE(length_cases); i++)
		expect_short_when_cut(length_cases[i].bits, length_cases[i].bytes);
}

/* `prefixes` times 66 before the given bytes. */
static int decode_padded(struct insn *insn, unsigned prefixes, const char *text)
{
	u8 bytes[48];
	unsigned len;

	memset(bytes, 0x66, prefixes);
	len = prefixes + parse(text, bytes + prefixes);
	return decode_exact(insn, bytes, len, DECODE_64);
}

static void test_overlong(void)
{
	struct insn insn;

	CU_ASSERT_EQUAL(decode_padded(&insn, 14, "90"), 0);
	CU_ASSERT_EQUAL(insn.len, 15);
	CU_ASSERT_EQUAL(decode_padded(&insn, 15, "90"), -DECODE_LONG);
	CU_ASSERT_EQUAL(decode_padded(&insn, 14, ""), -DECODE_SHORT);
	CU_ASSERT_EQUAL(decode_padded(&insn, 15, ""), -DECODE_LONG);
	CU_ASSERT_EQUAL(decode_padded(&insn, 13, "0f a2"), 0);
	CU_ASSERT_EQUAL(decode_padded(&insn, 14, "0f a2"), -DECODE_LONG);
	CU_ASSERT_EQUAL(decode_padded(&insn, 4, "48 c7 84 00 00 00 00 00 44 33 22 11"),
			-DECODE_LONG);
	CU_ASSERT_EQUAL(decode_padded(&insn, 3, "48 c7 84 00 00 00 00 00 44 33 22 11"), 0);
	CU_ASSERT_EQUAL(insn.len, 15);
}

/* Known instructions. */

static void expect_operand(const struct decode_case *c, const char *which,
			   const struct insn_operand *got, const struct insn_operand *want)
{
	char what[48];

	snprintf(what, sizeof(what), "%s operand's kind", which);
	expect(got->kind == want->kind, c->bits, c->bytes, what, got->kind);
	snprintf(what, sizeof(what), "%s operand's register", which);
	expect(got->reg == want->reg, c->bits, c->bytes, what, got->reg);
	snprintf(what, sizeof(what), "%s operand's size", which);
	expect(got->size == want->size, c->bits, c->bytes, what, got->size);
}

static void expect_access(const struct decode_case *c, const struct insn *insn)
{
	bool named = c->dst.kind == OPERAND_MEM || c->src.kind == OPERAND_MEM;

	expect(insn->mem == named, c->bits, c->bytes, "memory operand", insn->mem);
	expect(insn->mem_read == (c->access == R || c->access == RW), c->bits, c->bytes,
	       "reads memory", insn->mem_read);
	expect(insn->mem_write == (c->access == W || c->access == RW), c->bits, c->bytes,
	       "writes memory", insn->mem_write);
}

static void test_instructions(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(decode_cases); i++) {
		const struct decode_case *c = &decode_cases[i];
		struct insn insn;
		u8 bytes[32];
		int err = decode_text(&insn, c->bits, c->bytes);

		expect(err == 0, c->bits, c->bytes, "must be valid", err);
		expect(insn.len == parse(c->bytes, bytes), c->bits, c->bytes, "length", insn.len);
		expect(insn.op == c->op, c->bits, c->bytes, insn_name(c->op), insn.op);
		expect_operand(c, "first", &insn.dst, &c->dst);
		expect_operand(c, "second", &insn.src, &c->src);
		expect_access(c, &insn);
	}
}

static void test_lengths(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(length_cases); i++) {
		const struct length_case *c = &length_cases[i];
		struct insn insn;
		u8 bytes[32];
		int err = decode_text(&insn, c->bits, c->bytes);

		expect(err == 0, c->bits, c->bytes, "must be valid", err);
		expect(insn.len == parse(c->bytes, bytes), c->bits, c->bytes, "length", insn.len);
		expect(insn.op == INSN_OTHER, c->bits, c->bytes, "must be OTHER", insn.op);
	}
}

/* Each operation but INVALID has a case of its own. */
static void test_every_operation_has_a_case(void)
{
	for (unsigned op = INSN_UD; op < INSN_OP_COUNT; op++) {
		bool found = false;

		for (unsigned i = 0; i < ARRAY_SIZE(decode_cases); i++)
			found |= decode_cases[i].op == op;
		expect(found, 0, insn_name(op), "has no case", op);
	}
	CU_ASSERT_STRING_EQUAL(insn_name(INSN_CPUID), "CPUID");
	CU_ASSERT_STRING_EQUAL(insn_name(INSN_OP_COUNT), "?");
}

/* Parts of struct insn. */

static void test_prefixes(void)
{
	struct insn insn;

	CU_ASSERT_EQUAL(decode_text(&insn, 64, "f0 67 65 66 01 08"), 0);
	CU_ASSERT(insn.lock && insn.opsize_prefix && insn.addrsize_prefix);
	CU_ASSERT_EQUAL(insn.seg_override, SEG_GS);
	CU_ASSERT_EQUAL(insn.osize, 2);
	CU_ASSERT_EQUAL(insn.asize, 4);
	CU_ASSERT_EQUAL(decode_text(&insn, 64, "f2 f3 a4"), 0);
	CU_ASSERT_EQUAL(insn.rep, REP_REPE);
	CU_ASSERT_EQUAL(decode_text(&insn, 64, "f3 f2 a4"), 0);
	CU_ASSERT_EQUAL(insn.rep, REP_REPNE);
	/* Only the last REX, and only directly before the opcode. */
	CU_ASSERT_EQUAL(decode_text(&insn, 64, "48 66 89 08"), 0);
	CU_ASSERT(insn.rex == 0 && insn.osize == 2);
	CU_ASSERT_EQUAL(decode_text(&insn, 64, "48 41 89 08"), 0);
	CU_ASSERT(insn.rex == 0x41 && insn.osize == 4);
	CU_ASSERT_EQUAL(decode_text(&insn, 64, "48 f3 a5"), 0);
	CU_ASSERT_EQUAL(insn.dst.size, 4);
}

static void test_segments(void)
{
	static const struct {
		int bits;
		const char *bytes;
		u8 seg;
	} cases[] = {
		{ 64, "8b 00", SEG_DS },
		{ 64, "8b 04 24", SEG_SS },
		{ 64, "8b 45 00", SEG_SS },
		{ 64, "41 8b 04 24", SEG_DS },
		{ 64, "41 8b 45 00", SEG_DS },
		{ 64, "8b 05 00 00 00 00", SEG_DS },
		{ 64, "64 8b 04 24", SEG_FS },
		{ 64, "2e 8b 00", SEG_DS },
		{ 64, "64 2e 8b 00", SEG_FS },
		{ 32, "2e 8b 00", SEG_CS },
		{ 32, "26 8b 45 00", SEG_ES },
		{ 32, "36 8b 00", SEG_SS },
		{ 32, "65 3e 8b 45 00", SEG_DS },
		{ 16, "8b 02", SEG_SS },
		{ 16, "8b 00", SEG_DS },
		{ 16, "8b 46 00", SEG_SS },
		{ 16, "8b 06 00 00", SEG_DS },
		{ 32, "8b 04 05 00 00 00 00", SEG_DS },
		{ 32, "26 a1 00 00 00 00", SEG_ES },
		{ 32, "8b 04 68", SEG_DS },
	};
	struct insn insn;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		CU_ASSERT_EQUAL(decode_text(&insn, cases[i].bits, cases[i].bytes), 0);
		expect(insn_seg(&insn, &insn.src) == cases[i].seg, cases[i].bits, cases[i].bytes,
		       "segment", insn_seg(&insn, &insn.src));
	}
	CU_ASSERT_EQUAL(decode_text(&insn, 32, "2e a5"), 0);
	CU_ASSERT_EQUAL(insn_seg(&insn, &insn.src), SEG_CS);
	CU_ASSERT_EQUAL(insn_seg(&insn, &insn.dst), SEG_ES);
}

static void test_immediates(void)
{
	static const struct {
		int bits;
		const char *bytes;
		u64 imm, imm2;
	} cases[] = {
		{ 64, "48 c7 00 fe ff ff ff", -2ull, 0 },
		{ 64, "c7 00 fe ff ff ff", -2ull, 0 },
		{ 64, "83 00 80", -128ull, 0 },
		{ 64, "80 00 80", 0x80, 0 },
		{ 64, "48 b8 88 77 66 55 44 33 22 f1", 0xf122334455667788, 0 },
		{ 64, "b8 88 77 66 f5", 0xf5667788, 0 },
		{ 64, "6a ff", -1ull, 0 },
		{ 64, "68 00 00 00 80", 0xffffffff80000000, 0 },
		{ 64, "e6 f4", 0xf4, 0 },
		{ 64, "cd 80", 0x80, 0 },
		{ 64, "eb fe", -2ull, 0 },
		{ 16, "e9 00 ff", -256ull, 0 },
		{ 64, "c2 f0 ff", 0xfff0, 0 },
		{ 64, "c8 10 ff 02", 0xff10, 2 },
		{ 16, "ea f0 ff 00 f0", 0xfff0, 0xf000 },
		{ 32, "9a 44 33 22 f1 08 00", 0xf1223344, 8 },
		{ 64, "d1 e0", 1, 0 },
		{ 64, "0f ba 20 85", 0x85, 0 },
		{ 64, "69 08 ff ff ff ff", -1ull, 0 },
	};
	struct insn insn;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		CU_ASSERT_EQUAL(decode_text(&insn, cases[i].bits, cases[i].bytes), 0);
		expect(insn.imm == cases[i].imm, cases[i].bits, cases[i].bytes, "imm",
		       (int)insn.imm);
		expect(insn.imm2 == cases[i].imm2, cases[i].bits, cases[i].bytes, "imm2",
		       (int)insn.imm2);
	}
}

/* Registers and addresses. */

static const u64 gpr_values[REG_COUNT] = {
	[REG_RAX] = 0x1111111111118899,
	[REG_RCX] = 0xffffffffffffffff,
	[REG_RDX] = 0x3333,
	[REG_RBX] = 0x0000444400001000,
	[REG_RSP] = RSP_VALUE,
	[REG_RBP] = 0x20000,
	[REG_RSI] = 0xaaaa00000000fff0,
	[REG_RDI] = 0xbbbb000012345678,
	[REG_R12] = 0xc000,
	[REG_R13] = 0xd000,
	[REG_R15] = 0xf0f0f0f0f0f0f0f0,
};

static void test_registers(void)
{
	struct insn plain = { .rex = 0 }, rex = { .rex = 0x40 };
	u64 gpr[REG_COUNT];

	CU_ASSERT_EQUAL(insn_reg_read(&plain, gpr_values, REG_RAX, 1), 0x99);
	CU_ASSERT_EQUAL(insn_reg_read(&plain, gpr_values, 4, 1), 0x88); /* AH */
	CU_ASSERT_EQUAL(insn_reg_read(&plain, gpr_values, 5, 1), 0xff); /* CH */
	CU_ASSERT_EQUAL(insn_reg_read(&plain, gpr_values, 6, 1), 0x33); /* DH */
	CU_ASSERT_EQUAL(insn_reg_read(&plain, gpr_values, 7, 1), 0x10); /* BH */
	CU_ASSERT_EQUAL(insn_reg_read(&rex, gpr_values, 4, 1), 0x00);	/* SPL */
	CU_ASSERT_EQUAL(insn_reg_read(&rex, gpr_values, 7, 1), 0x78);	/* DIL */
	CU_ASSERT_EQUAL(insn_reg_read(&plain, gpr_values, 4, 2), RSP_VALUE & 0xffff);
	CU_ASSERT_EQUAL(insn_reg_read(&plain, gpr_values, REG_RDI, 4), 0x12345678);
	CU_ASSERT_EQUAL(insn_reg_read(&plain, gpr_values, REG_R15, 8), 0xf0f0f0f0f0f0f0f0);

	memcpy(gpr, gpr_values, sizeof(gpr));
	insn_reg_write(&plain, gpr, 4, 1, 0xab);
	CU_ASSERT_EQUAL(gpr[REG_RAX], 0x111111111111ab99);
	CU_ASSERT_EQUAL(gpr[REG_RSP], RSP_VALUE);
	insn_reg_write(&rex, gpr, 4, 1, 0xab);
	CU_ASSERT_EQUAL(gpr[REG_RSP], RSP_VALUE | 0xab);
	insn_reg_write(&plain, gpr, REG_RAX, 1, 0xfff);
	CU_ASSERT_EQUAL(gpr[REG_RAX], 0x111111111111abff);
	insn_reg_write(&plain, gpr, REG_RAX, 2, 0x12345);
	CU_ASSERT_EQUAL(gpr[REG_RAX], 0x1111111111112345);
	insn_reg_write(&plain, gpr, REG_RAX, 4, 0x987654321);
	CU_ASSERT_EQUAL(gpr[REG_RAX], 0x87654321);
	insn_reg_write(&plain, gpr, REG_RCX, 8, 7);
	CU_ASSERT_EQUAL(gpr[REG_RCX], 7);
}

static void test_addresses(void)
{
	static const struct {
		int bits;
		const char *bytes;
		u64 ea; /* of the source operand, the instruction ending at 0x100000 */
	} cases[] = {
		{ 64, "8b 00", 0x1111111111118899 },
		{ 64, "67 8b 00", 0x11118899 },
		{ 64, "8b 43 ff", 0x0000444400000fff },
		{ 64, "8b 83 00 00 00 80", 0x000044437fff0000 + 0x11000 },
		{ 64, "8b 04 24", RSP_VALUE },
		{ 64, "8b 44 24 08", RSP_VALUE + 8 },
		{ 64, "8b 04 cb", 0x0000444400001000 - 8 },
		{ 64, "8b 04 cd 10 00 00 00", 8 },
		{ 64, "8b 04 25 00 00 e0 fe", 0xfffffffffee00000 },
		{ 64, "67 8b 04 25 00 00 e0 fe", 0xfee00000 },
		{ 64, "8b 05 f8 ff ff ff", 0xffff8 },
		{ 64, "67 8b 05 f8 ff ff ff", 0xffff8 },
		{ 64, "67 8b 05 00 00 f0 ff", 0 },
		{ 64, "41 8b 04 24", 0xc000 },
		{ 64, "41 8b 04 25 00 10 00 00", 0x1000 },
		{ 64, "43 8b 04 25 00 10 00 00", 0xd000 },
		{ 64, "41 8b 45 00", 0xd000 },
		{ 64, "42 8b 04 23", 0x000044440000d000 },
		{ 64, "43 8b 44 65 01", 0xd000 + 2 * 0xc000 + 1 },
		{ 64, "a1 88 77 66 55 44 33 22 f1", 0xf122334455667788 },
		{ 64, "67 a1 00 00 e0 fe", 0xfee00000 },
		{ 64, "ac", 0xaaaa00000000fff0 },
		{ 64, "67 ac", 0xfff0 },
		{ 32, "8b 03", 0x1000 },
		{ 32, "8b 43 ff", 0xfff },
		{ 32, "8b 05 00 00 e0 fe", 0xfee00000 },
		{ 32, "8b 04 4b", 0xffe },
		{ 32, "67 8b 00", 0x0ff0 }, /* BX+SI wraps at 64 KiB */
		{ 16, "8b 02", 0xfff0 },    /* BP+SI */
		{ 16, "8b 01", 0x6678 },    /* BX+DI */
		{ 16, "8b 05", 0x5678 },
		{ 16, "8b 44 20", 0x0010 },
		{ 16, "8b 87 00 f0", 0x0000 },
		{ 16, "8b 06 34 12", 0x1234 },
		{ 16, "a1 34 12", 0x1234 },
		{ 16, "67 8b 07", 0x12345678 },
		{ 16, "ac", 0xfff0 },
	};
	struct insn insn;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 ea;

		CU_ASSERT_EQUAL(decode_text(&insn, cases[i].bits, cases[i].bytes), 0);
		ea = insn_ea(&insn, &insn.src, gpr_values, 0x100000);
		expect(ea == cases[i].ea, cases[i].bits, cases[i].bytes, "address", (int)ea);
	}
	CU_ASSERT_EQUAL(decode_text(&insn, 64, "67 aa"), 0);
	CU_ASSERT_EQUAL(insn_ea(&insn, &insn.dst, gpr_values, 0), 0x12345678);
}

/* BT m, r counts from the operand: address and bit, far and backwards. */
static void test_bit_strings(void)
{
	static const struct {
		const char *bytes;
		u64 rcx;
		s64 distance;
	} cases[] = {
		{ "0f a3 0b", 31, 0 },		{ "0f a3 0b", 32, 4 },
		{ "0f a3 0b", -1ull, -4 },	{ "0f a3 0b", 0xffffffffull, -4 },
		{ "48 0f a3 0b", 63, 0 },	{ "48 0f a3 0b", 64, 8 },
		{ "48 0f ab 0b", -65ull, -16 }, { "66 0f b3 0b", 0x8000, -4096 },
		{ "66 0f bb 0b", 17, 2 },	{ "48 0f a3 0b", 1ull << 40, 1ll << 37 },
	};
	u64 gpr[REG_COUNT];
	struct insn insn;

	memcpy(gpr, gpr_values, sizeof(gpr));
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		gpr[REG_RCX] = cases[i].rcx;
		CU_ASSERT_EQUAL(decode_text(&insn, 64, cases[i].bytes), 0);
		CU_ASSERT_EQUAL(insn_ea(&insn, &insn.dst, gpr, 0) - gpr[REG_RBX],
				(u64)cases[i].distance);
	}
	CU_ASSERT_EQUAL(decode_text(&insn, 64, "0f ba 23 ff"), 0); /* an immediate does not */
	CU_ASSERT_EQUAL(insn_ea(&insn, &insn.dst, gpr, 0), gpr[REG_RBX]);
}

/* Noise. */

static u64 noise_state;

static u64 noise(void)
{
	noise_state ^= noise_state << 13;
	noise_state ^= noise_state >> 7;
	noise_state ^= noise_state << 17;
	return noise_state;
}

/* Half of it plain noise, half with frequent prefixes and escapes in front. */
static void make_noise(u8 *bytes)
{
	static const u8 likely_bytes[] = { 0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x48, 0x4f, 0x0f,
					   0x0f, 0xc4, 0xc5, 0x62, 0x8f, 0x64, 0x38, 0x3a };

	for (unsigned i = 0; i < INSN_MAX_LEN; i++)
		bytes[i] = noise() >> 33;
	for (unsigned i = 0, n = noise() >> 61; i < n; i++)
		bytes[i] = likely_bytes[noise() >> 60];
}

/*
 * The prefix property: the instruction's own bytes, exactly, give the same, one less
 * asks for more, and what follows does not matter.
 */
static bool holds_for_noise(const u8 *bytes, u8 *exact[INSN_MAX_LEN + 1], enum decode_mode mode)
{
	struct insn insn, again;
	unsigned len;
	int err;

	memcpy(exact[INSN_MAX_LEN], bytes, INSN_MAX_LEN);
	err = decode(&insn, exact[INSN_MAX_LEN], INSN_MAX_LEN, mode);
	if (err)
		return err == -DECODE_UD || err == -DECODE_LONG;
	len = insn.len;
	if (len < 1 || len > INSN_MAX_LEN || insn.op == INSN_INVALID || insn.op >= INSN_OP_COUNT)
		return false;
	memcpy(exact[len], bytes, len);
	if (decode(&again, exact[len], len, mode) || memcmp(&insn, &again, sizeof(insn)))
		return false;
	memcpy(exact[len - 1], bytes, len - 1);
	return decode(&again, exact[len - 1], len - 1, mode) == -DECODE_SHORT;
}

static void test_noise(void)
{
	u8 *exact[INSN_MAX_LEN + 1], bytes[INSN_MAX_LEN];
	unsigned broken = 0;

	noise_state = 0x9e3779b97f4a7c15ull;
	for (unsigned i = 0; i <= INSN_MAX_LEN; i++)
		exact[i] = malloc(i);
	for (unsigned i = 0; i < NOISE_ROUNDS; i++) {
		make_noise(bytes);
		for (unsigned mode = 0; mode < ARRAY_SIZE(modes); mode++)
			broken += !holds_for_noise(bytes, exact, modes[mode]);
	}
	CU_ASSERT_EQUAL(broken, 0);
	for (unsigned i = 0; i <= INSN_MAX_LEN; i++)
		free(exact[i]);
}

void test_decode_register(void)
{
	CU_pSuite suite = CU_add_suite("decode", NULL, NULL);

	CU_add_test(suite, "not instructions", test_invalid);
	CU_add_test(suite, "truncated anywhere", test_truncated);
	CU_add_test(suite, "more than 15 bytes", test_overlong);
	CU_add_test(suite, "instructions", test_instructions);
	CU_add_test(suite, "lengths of the rest", test_lengths);
	CU_add_test(suite, "every operation has a case", test_every_operation_has_a_case);
	CU_add_test(suite, "prefixes", test_prefixes);
	CU_add_test(suite, "segments", test_segments);
	CU_add_test(suite, "immediates", test_immediates);
	CU_add_test(suite, "registers", test_registers);
	CU_add_test(suite, "addresses", test_addresses);
	CU_add_test(suite, "bit strings", test_bit_strings);
	CU_add_test(suite, "noise", test_noise);
}
