/*
 * decode_dump.c - the decoder against objdump
 *
 * Owns: making byte streams that cover the opcode maps, and judging what objdump
 * prints of them, or of a program, by decode().  decode_crosscheck.sh runs it.
 * Must not know: opcode tables, ours or others'.
 *
 *   decode_dump random SEED KIBYTES   write random bytes
 *   decode_dump sweep SEED MODE       write each opcode with prefixes and ModRM bytes
 *   decode_dump check MODE            read "objdump -w --insn-width=16 -M intel", judge, report
 *
 * objdump shows the bytes of each instruction.  decode() is given exactly these:
 * were an instruction longer for us, it would ask for more, and were it shorter, it
 * would say so.  What both judge differently is put into a class with a reason, each
 * defined by a rule on the bytes below, or it is a mismatch.
 *
 * Where lengths agree and the operation has a name, the text is searched for that name,
 * for our registers, and for our memory operand as objdump would write it.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "vm/decode.h"

#define LINE_MAX_CHARS 512
#define SHOWN_MAX 10

enum verdict {
	SAME,
	OBJDUMP_BAD,
	LONE_PREFIX,
	FWAIT_MERGED,
	LOCK_REFUSED,
	VECTOR_PREFIXED,
	NO_SUCH_REGISTER,
	NO_SUCH_FORM,
	WRONG_TEXT,
	MISMATCH,
	VERDICT_COUNT
};

static const char *const verdict_text[VERDICT_COUNT] = {
	[SAME] = "same",
	[OBJDUMP_BAD] = "objdump: (bad); not compared",
	[LONE_PREFIX] = "objdump shows prefixes as a line of their own; we wait for the opcode",
	[FWAIT_MERGED] = "objdump shows FWAIT and the x87 instruction after it as one",
	[LOCK_REFUSED] = "LOCK where the manual says #UD; same length without it",
	[VECTOR_PREFIXED] = "66, F2, F3, LOCK or REX before VEX, EVEX, XOP: the manual says #UD",
	[NO_SUCH_REGISTER] = "MOV of a CR, DR or segment register that does not exist, or to CS",
	[NO_SUCH_FORM] = "SWAPGS, RDFSBASE ... outside 64-bit mode; VIA's 0F A6, 0F A7",
	[WRONG_TEXT] = "WRONG OPERATION OR OPERAND",
	[MISMATCH] = "MISMATCH",
};

/* xorshift64*: any seed but 0, the same bytes on every machine. */
static u64 random_state;

static u64 random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

static void write_random(unsigned kib)
{
	for (unsigned i = 0; i < kib * 1024; i++)
		putchar(random_next() >> 56);
}

#define SLOT_BYTES 40
#define SLOT_RANDOM 12
#define NOP 0x90

/* One slot: the given bytes, random ones, and NOPs that bring objdump into step again. */
static void write_slot(const u8 *head, unsigned len)
{
	u8 slot[SLOT_BYTES];

	memset(slot, NOP, sizeof(slot));
	memcpy(slot, head, len);
	for (unsigned i = 0; i < SLOT_RANDOM; i++)
		slot[len + i] = random_next() >> 56;
	fwrite(slot, 1, sizeof(slot), stdout);
}

/* What stands before an opcode byte: length, bytes. Vector prefixes in the second part. */
struct head {
	u8 len;
	u8 bytes[5];
};

static const struct head legacy_heads[] = {
	{ 0, { 0 } },	       { 1, { 0x66 } },	      { 1, { 0x67 } },	     { 1, { 0xf2 } },
	{ 1, { 0xf3 } },       { 2, { 0x66, 0x67 } }, { 2, { 0x66, 0xf3 } }, { 2, { 0x64, 0xf0 } },
	{ 1, { 0x48 } },       { 1, { 0x4f } },	      { 2, { 0x66, 0x48 } }, { 2, { 0x66, 0x45 } },
	{ 2, { 0xf3, 0x4d } }, { 2, { 0xf2, 0x41 } }, { 2, { 0x67, 0x43 } },
};

static const struct head maps[] = {
	{ 0, { 0 } },
	{ 1, { 0x0f } },
	{ 2, { 0x0f, 0x38 } },
	{ 2, { 0x0f, 0x3a } },
};

static const struct head vector_heads[] = {
	{ 2, { 0xc5, 0xf8 } },
	{ 2, { 0xc5, 0xfd } },
	{ 2, { 0xc5, 0xfa } },
	{ 2, { 0xc5, 0xcb } },
	{ 3, { 0xc4, 0xe1, 0x78 } },
	{ 3, { 0xc4, 0xe1, 0xf9 } },
	{ 3, { 0xc4, 0xe2, 0x78 } },
	{ 3, { 0xc4, 0xe2, 0xf9 } },
	{ 3, { 0xc4, 0xe2, 0x7d } },
	{ 3, { 0xc4, 0xe2, 0x6b } },
	{ 3, { 0xc4, 0xe3, 0x79 } },
	{ 3, { 0xc4, 0xe3, 0xfd } },
	{ 3, { 0xc4, 0xe3, 0x7b } },
	{ 4, { 0x62, 0xf1, 0x7c, 0x48 } },
	{ 4, { 0x62, 0xf1, 0xfd, 0x48 } },
	{ 4, { 0x62, 0xf1, 0x7e, 0x08 } },
	{ 4, { 0x62, 0xf1, 0xff, 0x08 } },
	{ 4, { 0x62, 0xf2, 0x7d, 0x48 } },
	{ 4, { 0x62, 0xf2, 0xfd, 0x09 } },
	{ 4, { 0x62, 0xf2, 0x7e, 0x28 } },
	{ 4, { 0x62, 0xf3, 0x7d, 0x48 } },
	{ 4, { 0x62, 0xf3, 0xfd, 0x49 } },
	{ 4, { 0x62, 0xf5, 0x7c, 0x48 } },
	{ 4, { 0x62, 0xf6, 0x7d, 0x48 } },
	{ 3, { 0x8f, 0xe8, 0x78 } },
	{ 3, { 0x8f, 0xe8, 0xf8 } },
	{ 3, { 0x8f, 0xe9, 0x78 } },
	{ 3, { 0x8f, 0xe9, 0xf8 } },
	{ 3, { 0x8f, 0xea, 0x78 } },
	{ 3, { 0xc4, 0x61, 0x79 } },
};

static unsigned append(u8 *to, unsigned len, const struct head *h)
{
	memcpy(to + len, h->bytes, h->len);
	return len + h->len;
}

/* All opcodes behind `len` bytes, with each `step`th ModRM byte from a random one. */
static void sweep_map(u8 *bytes, unsigned len, unsigned step)
{
	for (unsigned op = 0; op < 256; op++) {
		for (unsigned m = random_next() % step; m < 256; m += step) {
			bytes[len] = op;
			bytes[len + 1] = m;
			write_slot(bytes, len + 2);
		}
	}
}

static void write_sweep(enum decode_mode mode)
{
	u8 bytes[16];

	for (unsigned p = 0; p < ARRAY_SIZE(legacy_heads); p++) {
		unsigned len = append(bytes, 0, &legacy_heads[p]);

		if (mode != DECODE_64 && len && (bytes[len - 1] & 0xf0) == 0x40)
			continue;
		for (unsigned m = 0; m < ARRAY_SIZE(maps); m++)
			sweep_map(bytes, append(bytes, len, &maps[m]), p || m > 1 ? 11 : 1);
	}
	for (unsigned v = 0; v < ARRAY_SIZE(vector_heads); v++)
		sweep_map(bytes, append(bytes, 0, &vector_heads[v]), 23);
}

/* A line of objdump: "  address:\tb0 b1 b2 \tmnemonic operands". */
struct line {
	u8 bytes[16];
	unsigned len;
	const char *text;
};

static bool parse_line(struct line *l, char *s)
{
	char *p = strchr(s, '\t'), *end;

	l->len = 0;
	l->text = "";
	if (!p || p == s || p[-1] != ':')
		return false;
	for (p++; *p && *p != '\t' && l->len < sizeof(l->bytes); p = end) {
		unsigned long v = strtoul(p, &end, 16);

		if (end == p)
			break;
		l->bytes[l->len++] = v;
		while (*end == ' ')
			end++;
	}
	if (l->len && *p == '\t')
		l->text = p + 1;
	return l->len > 0;
}

static bool is_prefix(u8 b, enum decode_mode mode)
{
	return strchr("\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3", (char)b) ||
	       (mode == DECODE_64 && (b & 0xf0) == 0x40);
}

static unsigned count_prefixes(const struct line *l, enum decode_mode mode)
{
	unsigned n = 0;

	while (n < l->len && l->bytes[n] && is_prefix(l->bytes[n], mode))
		n++;
	return n;
}

static bool same(const u8 *bytes, unsigned len, enum decode_mode mode)
{
	struct insn insn;

	return decode(&insn, bytes, len, mode) == 0 && insn.len == len;
}

static bool is_vector(u8 b)
{
	return b == 0xc4 || b == 0xc5 || b == 0x62 || b == 0x8f;
}

static bool no_such_register(const struct line *l, unsigned prefixes, enum decode_mode mode)
{
	u8 copy[16], *op = copy + prefixes;
	unsigned rest = l->len - prefixes;

	memcpy(copy, l->bytes, l->len);
	if (rest >= 3 && op[0] == 0x0f && op[1] >= 0x20 && op[1] <= 0x26) {
		op[1] &= ~4; /* the 386's test registers are 0F 24 and 0F 26 */
		op[2] &= ~0x38;
	} else if (rest >= 2 && (op[0] == 0x8c || op[0] == 0x8e)) {
		op[1] &= ~0x38;
	} else {
		return false;
	}
	if (prefixes && mode == DECODE_64 && (op[-1] & 0xf0) == 0x40)
		op[-1] &= ~REX_R;
	return same(copy, l->len, mode);
}

/*
 * What other CPUs have or objdump prints too freely: SWAPGS, RDFSBASE and its kin outside
 * 64-bit mode, VIA's 0F A6 and 0F A7.
 */
static bool no_such_form(const u8 *op, unsigned len, enum decode_mode mode)
{
	if (len != 3 || op[0] != 0x0f)
		return false;
	if ((op[1] & 0xfe) == 0xa6)
		return true;
	if (mode == DECODE_64)
		return false;
	return (op[1] == 0x01 && op[2] == 0xf8) || (op[1] == 0xae && (op[2] & 0xe0) == 0xc0);
}

static enum verdict judge(const struct line *l, enum decode_mode mode);

/* One byte left out (an FWAIT), or DS instead of it (a LOCK): is the rest explained? */
static bool explained_without(const struct line *l, unsigned at, bool keep, enum decode_mode mode)
{
	struct line other = *l;

	if (keep) {
		other.bytes[at] = 0x3e;
	} else {
		other.len--;
		memmove(other.bytes + at, other.bytes + at + 1, other.len - at);
	}
	return judge(&other, mode) != MISMATCH;
}

/* The first prefix that VEX, EVEX and XOP do not bear: all but segments and 67; -1. */
static int refused_by_vector(const struct line *l, unsigned prefixes, enum decode_mode mode)
{
	for (unsigned i = 0; i < prefixes; i++)
		if (strchr("\x66\xf0\xf2\xf3", (char)l->bytes[i]) ||
		    (mode == DECODE_64 && (l->bytes[i] & 0xf0) == 0x40))
			return i;
	return -1;
}

static enum verdict explain(const struct line *l, enum decode_mode mode, int err)
{
	unsigned prefixes = count_prefixes(l, mode), rest = l->len - prefixes;
	const u8 *op = l->bytes + prefixes, *lock = memchr(l->bytes, 0xf0, prefixes);
	int refused = refused_by_vector(l, prefixes, mode);

	if (!rest)
		return LONE_PREFIX;
	if (op[0] == 0x9b && explained_without(l, prefixes, false, mode))
		return FWAIT_MERGED;
	if (err != -DECODE_UD)
		return MISMATCH;
	if (lock && explained_without(l, lock - l->bytes, true, mode))
		return LOCK_REFUSED;
	if (is_vector(op[0]) && refused >= 0 && explained_without(l, refused, false, mode))
		return VECTOR_PREFIXED;
	if (no_such_register(l, prefixes, mode))
		return NO_SUCH_REGISTER;
	if (no_such_form(op, rest, mode))
		return NO_SUCH_FORM;
	return MISMATCH;
}

/* Text that objdump should have printed, in its Intel syntax. */
struct text {
	char s[128];
	unsigned n;
};

static void put(struct text *t, const char *format, ...) PRINTF_LIKE(2, 3);

static void put(struct text *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	t->n += vsnprintf(t->s + t->n, sizeof(t->s) - t->n, format, args);
	va_end(args);
}

static const char *register_name(const struct insn *insn, unsigned reg, unsigned size)
{
	static const char *const bytes[] = { "al", "cl", "dl", "bl", "ah", "ch", "dh", "bh" };
	static const char *const new_bytes[] = { "spl", "bpl", "sil", "dil" };
	static const char *const words[] = { "ax", "cx", "dx", "bx", "sp", "bp", "si", "di" };
	static char names[4][8];
	static unsigned turn;
	char *name = names[turn++ % 4];

	if (reg >= REG_R8)
		snprintf(name, 8, "r%u%s", reg,
			 size == 8   ? ""
			 : size == 4 ? "d"
			 : size == 2 ? "w"
				     : "b");
	else if (size == 1)
		snprintf(name, 8, "%s", insn->rex && reg >= 4 ? new_bytes[reg - 4] : bytes[reg]);
	else
		snprintf(name, 8, "%s%s", size == 8 ? "r" : size == 4 ? "e" : "", words[reg]);
	return name;
}

static void put_displacement(struct text *t, const struct insn *insn, bool alone)
{
	u64 disp = (u64)insn->disp;

	if (alone)
		put(t, "0x%llx", (unsigned long long)(disp & insn_mask(insn->asize)));
	else if (insn->disp < 0 && !insn->rip_relative)
		put(t, "-0x%llx", (unsigned long long)-disp);
	else
		put(t, "+0x%llx", (unsigned long long)disp);
}

/* [base+index*scale+disp], or :disp behind a segment. */
static void put_address(struct text *t, const struct insn *insn)
{
	bool alone = insn->base == INSN_NO_REG && insn->index == INSN_NO_REG && !insn->rip_relative;
	bool has_disp = insn->mod != 0 || insn->base == INSN_NO_REG;

	if (alone) {
		put(t, ":");
		put_displacement(t, insn, true);
		return;
	}
	put(t, "[");
	if (insn->rip_relative)
		put(t, "%s", insn->asize == 8 ? "rip" : "eip");
	if (insn->base != INSN_NO_REG)
		put(t, "%s", register_name(insn, insn->base, insn->asize));
	if (insn->index != INSN_NO_REG) {
		put(t, "%s%s", insn->base == INSN_NO_REG ? "" : "+",
		    register_name(insn, insn->index, insn->asize));
		if (insn->asize != 2)
			put(t, "*%u", 1 << insn->scale);
	}
	if (has_disp)
		put_displacement(t, insn, false);
	put(t, "]");
}

static const char *size_name(unsigned size)
{
	switch (size) {
	case 1:
		return "BYTE PTR";
	case 2:
		return "WORD PTR";
	case 4:
		return "DWORD PTR";
	case 6:
		return "FWORD PTR";
	case 8:
		return "QWORD PTR";
	case 10:
		return "TBYTE PTR";
	default:
		return "PTR";
	}
}

/* objdump shows a SIB without index as +riz*1, where we have none. */
static bool has_null_index(const char *text)
{
	return strstr(text, "riz*") || strstr(text, "eiz*");
}

/* The word, with no letter or digit beside it: AX is not in EAX. */
static bool has_word(const char *text, const char *word)
{
	const char *at = text;

	for (; (at = strstr(at, word)); at++)
		if ((at == text || !isalnum(at[-1])) && !isalnum(at[strlen(word)]))
			return true;
	return false;
}

static bool has_memory(const char *text, const struct insn *insn, unsigned size)
{
	struct text want = { .n = 0 };

	if (size && strstr(text, "PTR") && !strstr(text, size_name(size)))
		return false;
	if (!has_null_index(text))
		put_address(&want, insn);
	return strstr(text, want.s);
}

/*
 * The size that objdump gives an operand, where the manual disagrees with it; 0 is not
 * compared.
 */
static unsigned objdump_size(const struct insn *insn, const struct insn_operand *o)
{
	switch (insn->op) {
	case INSN_MOV_SREG:
	case INSN_LAR:
	case INSN_LSL: /* the upper part of the register is not used */
		return o->kind == OPERAND_REG ? insn->osize : o->size;
	case INSN_MOVSXD: /* REX.W wins over 66 */
		return insn->opsize_prefix && insn->osize == 8 && o == &insn->src ? 2 : o->size;
	case INSN_RDFSBASE:
	case INSN_RDGSBASE:
	case INSN_WRFSBASE:
	case INSN_WRGSBASE: /* there is no 16-bit form */
		return insn->osize == 2 ? 0 : o->size;
	case INSN_UMWAIT:
	case INSN_TPAUSE: /* always 32 bits */
		return 0;
	case INSN_LGDT:
	case INSN_LIDT:
	case INSN_SGDT:
	case INSN_SIDT:
		return o->size;
	default: /* a far pointer with REX.W: AMD's 6 bytes, Intel's 10 */
		return o->size == 10 ? 0 : o->size;
	}
}

static bool has_operand(const char *text, const struct insn *insn, const struct insn_operand *o)
{
	unsigned size = objdump_size(insn, o);

	if (o->kind == OPERAND_REG && size)
		return has_word(text, register_name(insn, o->reg, size));
	return o->kind != OPERAND_MEM || has_memory(text, insn, size);
}

/* The mnemonic in our name: before '_', with the condition left out. */
static bool has_operation(const char *text, enum insn_op op)
{
	struct text want = { .n = 0 };

	if (op == INSN_ICEBP || op == INSN_FWAIT || op == INSN_CLFLUSH || op == INSN_UD ||
	    op == INSN_JCXZ || op == INSN_XLAT)
		return true;
	for (const char *p = insn_name(op); *p && *p != '_'; p++)
		put(&want, "%c", *p | 0x20);
	if (op == INSN_JCC || op == INSN_SETCC || op == INSN_CMOVCC)
		want.s[want.n - 2] = '\0';
	return strstr(text, want.s);
}

static bool text_agrees(const char *text, const struct insn *insn)
{
	/* F3 41 90 is XCHG for emulators and the manual, PAUSE for objdump. */
	if (insn->op == INSN_OTHER || insn->op == INSN_NOP || (insn->op == INSN_XCHG && insn->rep))
		return true;
	return has_operation(text, insn->op) && has_operand(text, insn, &insn->dst) &&
	       has_operand(text, insn, &insn->src);
}

static enum verdict judge(const struct line *l, enum decode_mode mode)
{
	struct insn insn;
	int err;

	if (strstr(l->text, "(bad)") || strstr(l->text, ".byte") || !*l->text)
		return OBJDUMP_BAD;
	err = decode(&insn, l->bytes, l->len, mode);
	if (!err && insn.len == l->len)
		return text_agrees(l->text, &insn) ? SAME : WRONG_TEXT;
	return explain(l, mode, err);
}

static int check(enum decode_mode mode)
{
	unsigned long count[VERDICT_COUNT] = { 0 };
	char text[LINE_MAX_CHARS];
	struct line l;

	while (fgets(text, sizeof(text), stdin)) {
		enum verdict v;

		if (!parse_line(&l, text))
			continue;
		v = judge(&l, mode);
		if (++count[v] <= SHOWN_MAX && v >= WRONG_TEXT)
			printf("  %s: %s", verdict_text[v], text);
	}
	for (unsigned v = 0; v < VERDICT_COUNT; v++)
		if (count[v] || v >= WRONG_TEXT)
			printf("  %10lu %s\n", count[v], verdict_text[v]);
	return count[MISMATCH] || count[WRONG_TEXT] || !count[SAME];
}

static int usage(void)
{
	fprintf(stderr, "usage: decode_dump random SEED KIB | sweep SEED MODE | check MODE\n");
	return 2;
}

static enum decode_mode mode_of(const char *bits)
{
	return atoi(bits) == 64 ? DECODE_64 : atoi(bits) == 32 ? DECODE_32 : DECODE_16;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "check"))
		return check(mode_of(argv[2]));
	if (argc != 4)
		return usage();
	random_state = strtoull(argv[2], NULL, 0);
	if (!strcmp(argv[1], "random"))
		write_random(atoi(argv[3]));
	else if (!strcmp(argv[1], "sweep"))
		write_sweep(mode_of(argv[3]));
	else
		return usage();
	return 0;
}
