/* pen.c - see pen.h */
#include "pen.h"

#include "compiler.h"
#include "x86.h"

#define PREFIX_OPERAND 0x66
#define PREFIX_ADDRESS 0x67
#define REX 0x40
#define REX_W 8
#define MOD_REGISTER 0xc0
#define RM_SIB 4
#define RM_DISP32 5
#define SIB_ABSOLUTE 0x25

bool pen_long(const struct pen *pen)
{
	return pen->mode == MODE_KERNEL_64 || pen->mode == MODE_USER_64;
}

static bool is_kernel(enum case_mode mode)
{
	return mode == MODE_KERNEL_64 || mode == MODE_KERNEL_32;
}

bool pen_checked(const struct pen *pen)
{
	return !generate_lenient || pen_long(pen);
}

/* ---- Bytes ---------------------------------------------------------------------------- */

void pen_put(struct pen *pen, u64 value, unsigned bytes)
{
	for (; bytes && pen->unit->len < CASE_UNIT_MAX; bytes--, value >>= 8)
		pen->unit->byte[pen->unit->len++] = (u8)value;
}

u64 forms_address(struct dice *d)
{
	u64 page = dice_below(d, STREAM_DATA_PAGES + 1), offset = dice_below(d, PAGE_SIZE);

	switch (dice_below(d, 4)) {
	case 0:
		offset = PAGE_SIZE - dice_below(d, 17);
		break;
	case 1:
		offset &= 0xfc0;
		break;
	case 2:
		offset &= 0xff0;
		break;
	}
	return STREAM_DATA + page * PAGE_SIZE + offset - (dice_one_in(d, 8) ? PAGE_SIZE : 0);
}

#define FRAMES 256u /* what events push, one in the delivery of another */

u64 forms_watched(struct dice *d, u64 stack)
{
	u64 at = forms_address(d);

	if (generate_lenient && at < stack && stack - at < FRAMES)
		at ^= 4 * FRAMES;
	return at;
}

u64 forms_in_device(struct dice *d)
{
	u64 at = forms_address(d);

	if (dice_one_in(d, 8))
		return at;
	return STREAM_DATA + STREAM_DEVICE_PAGE * PAGE_SIZE + (at & PAGE_MASK);
}

static u64 some_immediate(struct dice *d)
{
	switch (dice_below(d, 4)) {
	case 0:
		return dice_below(d, 256) - 128;
	case 1:
		return forms_address(d);
	default:
		return dice_number(d);
	}
}

void pen_mov(struct pen *pen, u8 reg, u64 value)
{
	pen_put(pen, 0xb8u | reg, 1);
	pen_put(pen, value, 4);
}

/* ---- Operands ------------------------------------------------------------------------- */

static void put_register(struct pen *pen)
{
	pen_put(pen, MOD_REGISTER | pen->reg << 3 | dice_below(pen->d, 8), 1);
}

void pen_absolute(struct pen *pen, u64 address)
{
	if (pen_long(pen)) {
		pen_put(pen, pen->reg << 3 | RM_SIB, 1);
		pen_put(pen, SIB_ABSOLUTE, 1);
	} else {
		pen_put(pen, pen->reg << 3 | RM_DISP32, 1);
	}
	pen_put(pen, address, 4);
}

/* [RBX], [RSI], [RDI] mostly; any other, with an index, now and then. */
static void put_based(struct pen *pen)
{
	static const u8 likely_base[] = { 3, 6, 7, 3, 6, 7, 5, 0 };
	u8 rm = likely_base[dice_below(pen->d, ARRAY_SIZE(likely_base))];
	u8 mod = (u8)dice_below(pen->d, 3);

	if (dice_one_in(pen->d, 8))
		rm = RM_SIB;
	if (mod == 0 && rm == RM_DISP32)
		mod = 1;
	pen_put(pen, (u64)mod << 6 | pen->reg << 3 | rm, 1);
	if (rm == RM_SIB)
		pen_put(pen, dice_below(pen->d, 4) << 6 | 1 << 3 | 3, 1); /* RBX + RCX * n */
	if (mod == 1)
		pen_put(pen, dice_below(pen->d, 256), 1);
	if (mod == 2)
		pen_put(pen, dice_below(pen->d, PAGE_SIZE) - PAGE_SIZE / 2, 4);
}

static void put_memory(struct pen *pen)
{
	if (dice_one_in(pen->d, 3))
		pen_absolute(pen, pen->device ? forms_in_device(pen->d) : forms_address(pen->d));
	else
		put_based(pen);
}

/* Far calls of QEMU push elsewhere if RSP is beyond 4 GiB (docs/emulators.md): no loads there. */
static void put_operand(struct pen *pen, char kind)
{
	if (!pen->reg_fixed)
		pen->reg = (u8)dice_below(pen->d, 8);
	if (!pen->reg_fixed && pen->device && generate_lenient && pen->reg == REG_RSP)
		pen->reg = REG_RAX;
	if (kind == 'R' || (kind == 'E' && dice_one_in(pen->d, 2)))
		put_register(pen);
	else
		put_memory(pen);
	pen->reg_fixed = false;
}

void pen_prefix(struct pen *pen)
{
	static const u8 prefix[] = { 0x66, 0x66, 0x66, 0x64, 0x65, 0x2e, 0x36,
				     0x3e, 0x26, 0xf0, 0xf2, 0xf3, 0x67 };
	u8 p;

	if (!dice_one_in(pen->d, 5))
		return;
	p = prefix[dice_below(pen->d, ARRAY_SIZE(prefix))];
	/* In 32-bit mode another address size would change what follows. */
	if (p == PREFIX_ADDRESS && !pen_long(pen))
		return;
	pen->operand16 |= p == PREFIX_OPERAND;
	pen_put(pen, p, 1);
}

/* Segments and operand size only. */
static void put_width(struct pen *pen)
{
	static const u8 prefix[] = { PREFIX_OPERAND, PREFIX_OPERAND, 0x64, 0x65, 0x36, 0x26 };
	u8 p = prefix[dice_below(pen->d, ARRAY_SIZE(prefix))];

	if (!dice_one_in(pen->d, 4))
		return;
	pen->operand16 |= p == PREFIX_OPERAND;
	pen_put(pen, p, 1);
}

void pen_rex(struct pen *pen)
{
	u8 bits = (u8)dice_below(pen->d, 8) & (u8)dice_below(pen->d, 8);

	if (!pen_long(pen) || dice_one_in(pen->d, 2))
		return;
	if (dice_one_in(pen->d, 2))
		bits |= REX_W;
	pen->wide = bits & REX_W;
	pen_put(pen, REX | bits, 1);
}

u16 pen_selector(struct pen *pen)
{
	static const u16 selectors[] = { 0,
					 3,
					 SEL_KERNEL_64,
					 SEL_KERNEL_DATA,
					 SEL_KERNEL_32,
					 SEL_USER_DATA,
					 SEL_USER_DATA,
					 SEL_USER_64,
					 SEL_TSS,
					 SEL_USER_32,
					 SEL_SMALL,
					 SEL_DOWN,
					 SEL_ABSENT,
					 SEL_READ_ONLY,
					 SEL_CONFORMING,
					 SEL_LDT,
					 SEL_GATE,
					 SEL_TSS_OTHER,
					 SEL_ABSENT_CODE,
					 SEL_LDT_DATA,
					 SEL_LDT_CODE,
					 0x1f8,
					 0xb8 };

	return selectors[dice_below(pen->d, ARRAY_SIZE(selectors))];
}

/*
 * What a form has for a selector.  QEMU pushes what a far call without a change of level does as a
 * supervisor: none from user mode by a pointer in a device.
 */
static u16 some_selector(struct pen *pen)
{
	u16 selector = pen_selector(pen);

	if (!generate_lenient || !pen->device || is_kernel(pen->mode))
		return selector;
	switch (selector) {
	case SEL_USER_64:
	case SEL_USER_32:
	case SEL_CONFORMING:
	case SEL_LDT_CODE:
		return SEL_GATE_ABSENT;
	default:
		return selector;
	}
}

/*
 * Where a far transfer may lead: here again, or nowhere.  Code of another size would take what
 * follows for something else.
 */
static u8 code_selector(struct pen *pen)
{
	static const u8 bad[] = { 0, 0x10, 0x23, 0x30, 0x5b, 0x70 };
	bool kernel = is_kernel(pen->mode);

	if (dice_one_in(pen->d, 4))
		return bad[dice_below(pen->d, ARRAY_SIZE(bad))];
	if (kernel)
		return dice_one_in(pen->d, 3) ? SEL_CONFORMING : SEL_KERNEL_64;
	return SEL_USER_64;
}

static u8 stack_selector(struct pen *pen)
{
	if (dice_one_in(pen->d, 4))
		return (u8)pen_selector(pen);
	return is_kernel(pen->mode) ? SEL_KERNEL_DATA : SEL_USER_DATA;
}

/* ---- Patterns --------------------------------------------------------------------------- */

static u8 hex(char c)
{
	return (u8)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void put_letter(struct pen *pen, char letter)
{
	struct dice *d = pen->d;

	switch (letter) {
	case 'P':
		pen_prefix(pen);
		break;
	case 'W':
		put_width(pen);
		break;
	case 'G':
		pen_rex(pen);
		break;
	case 'O':
		pen->unit->byte[pen->unit->len - 1] |= (u8)dice_below(d, 8);
		break;
	case 'B':
		pen_put(pen, dice_number(d), 1);
		break;
	case 'D':
		pen_put(pen, some_immediate(d), 4);
		break;
	case 'Q':
		pen_put(pen, some_immediate(d), 8);
		break;
	case 'Z':
		pen_put(pen, some_immediate(d), pen->operand16 && !pen->wide ? 2 : 4);
		break;
	case 'A':
		pen_put(pen, forms_address(d), 4);
		break;
	case 'V':
		pen_put(pen, STREAM_TPR, 4);
		break;
	case 'S':
		pen_put(pen, some_selector(pen), 2);
		break;
	case 'C':
		pen_put(pen, code_selector(pen), 1);
		break;
	case 'T':
		pen_put(pen, stack_selector(pen), 1);
		break;
	case 'F': /* SETC AL; CMP EAX, EAX */
		pen_pattern(pen, "0f92c039c0");
		break;
	case 'U':
		pen_pattern(pen, "39c0");
		break;
	default:
		put_operand(pen, letter);
	}
}

void pen_pattern(struct pen *pen, const char *p)
{
	while (*p) {
		if (*p == '/') {
			pen->reg = hex(p[1]);
			pen->reg_fixed = true;
			p += 2;
		} else if ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f')) {
			pen_put(pen, (u64)hex(p[0]) << 4 | hex(p[1]), 1);
			p += 2;
		} else {
			put_letter(pen, *p++);
		}
	}
}

/* Are flags undefined behind its first instruction? */
static bool leaves_flags(const char *pattern)
{
	for (; *pattern; pattern++)
		if (*pattern == 'F' || *pattern == 'U')
			return true;
	return false;
}

void pen_form(struct pen *pen, const struct form *table, size_t count)
{
	const struct form *form;

	do
		form = &table[dice_below(pen->d, count)];
	while (!(form->modes & BIT(pen->mode)) || (pen->settled && leaves_flags(form->pattern)));
	pen->unit->count = form->count;
	pen_pattern(pen, form->pattern);
}
