/* forms.c - units: see generate.h; which form, and values that are allowed, and some that are not
 */
#include "pen.h"

#include "compiler.h"
#include "lib/string.h"
#include "x86.h"

#define MOD_REGISTER 0xc0
#define PREFIX_OPERAND 0x66
#define SHADOW_IN 6 /* units of a case with an interrupt */

/* ---- System registers ------------------------------------------------------------------------ */

static u64 canonical(u64 value)
{
	return (u64)((s64)(value << 16) >> 16);
}

static u64 msr_value(struct dice *d, u32 msr)
{
	switch (msr) {
	case MSR_PAT:
		return dice_one_in(d, 2) ? PAT_RESET : 0x0106040501060400;
	case MSR_EFER:
		return CASE_EFER ^
		       (dice_number(d) & (EFER_SCE | (generate_lenient ? 0 : EFER_NXE)));
	case MSR_STAR: /* SYSRET adds 16 to it: QEMU has a selector of 17 bits then */
		return canonical(dice_number(d)) & ~BIT(63);
	case MSR_SFMASK:
		return dice_number(d) & 0x3f7fd5;
	case MSR_SYSENTER_CS:
		return 0; /* else SYSENTER: see generate.h */
	case MSR_TSC_AUX:
		return dice_below(d, BIT(32));
	default:
		return canonical(dice_number(d));
	}
}

/* RDMSR, WRMSR, and RDMSR behind it. */
static void unit_msr(struct pen *pen)
{
	static const u32 msrs[] = { MSR_STAR,	 MSR_CSTAR,	  MSR_SFMASK,
				    MSR_FS_BASE, MSR_GS_BASE,	  MSR_KERNEL_GS_BASE,
				    MSR_PAT,	 MSR_EFER,	  MSR_SYSENTER_CS,
				    MSR_TSC_AUX, MSR_SYSENTER_ESP };
	u32 msr = msrs[dice_below(pen->d, ARRAY_SIZE(msrs))];

	pen_mov(pen, 1, msr);
	pen->unit->count = 2;
	if (dice_one_in(pen->d, 2)) {
		u64 value = msr_value(pen->d, msr);

		pen_mov(pen, 0, value);
		pen_mov(pen, 2, value >> 32);
		pen_pattern(pen, "0f30");
		pen->unit->count = 5;
	}
	/* What NXE means for pages that the TLB knows is nobody's promise. */
	pen_pattern(pen, msr == MSR_EFER ? "0f20da0f22da" : "0f32");
}

/* A bit of CR0, CR4 or what XCR0 enables; CR3 as it is; a priority into CR8. */
static void unit_control(struct pen *pen)
{
	static const u8 cr0[] = { 1, 2, 3, 3, 16, 18 /* AM */ },
			cr4[] = { 2, 7, 8, 9, 10, 16, 18, 3 /* DE */ };
	static const u8 xcr0[] = { 1, 3, 7, 0, 2, 5 };
	bool wide = pen_long(pen);

	pen->unit->count = 3;
	switch (dice_below(pen->d, 6)) {
	case 0:
		pen_pattern(pen, wide ? "0f20c1480fbaf9" : "0f20c10fbaf9");
		pen_put(pen, cr0[dice_below(pen->d, ARRAY_SIZE(cr0) - generate_lenient)], 1);
		pen_pattern(pen, "F0f22c1");
		break;
	case 1:
		pen_pattern(pen, wide ? "0f20e2480fbafa" : "0f20e20fbafa");
		pen_put(pen, cr4[dice_below(pen->d, ARRAY_SIZE(cr4) - pen->watched)], 1);
		pen_pattern(pen, "F0f22e2");
		break;
	case 2:
		pen_pattern(pen, dice_one_in(pen->d, 2) ? "0f20d80f22d8" : "0f20df0f22df");
		pen->unit->count = 2;
		break;
	case 3:
		if (wide) { /* elsewhere REX is INC, and the rest a MOV to CR0 */
			pen_mov(pen, 0, dice_below(pen->d, pen->low_priority ? 8 : 16));
			pen_pattern(pen, "440f22c0440f20c1");
		} else {
			pen_pattern(pen, "0f20c0");
			pen->unit->count = 1;
		}
		break;
	case 4:
		pen_pattern(pen, "31c931d2");
		pen_mov(pen, 0, xcr0[dice_below(pen->d, ARRAY_SIZE(xcr0))]);
		pen_pattern(pen, "0f01d1");
		pen->unit->count = 4;
		break;
	default:
		pen_mov(pen, 0, 1 | dice_below(pen->d, 16));
		pen_pattern(pen, "0f01f0");
		pen->unit->count = 2;
	}
}

static u64 dr7_value(struct dice *d)
{
	u64 value = DR7_FIXED | (dice_number(d) & BITS(9, 0));

	/* QEMU clears GD only at the #DB that it raises. */
	if (!generate_lenient && dice_one_in(d, 4))
		value |= DR7_GD;
	for (unsigned i = 0; i < 4; i++) {
		u64 kind = dice_below(d, 4);

		value |= (kind ? kind | dice_below(d, 4) << 2 : 0) << (16 + 4 * i);
	}
	return value;
}

static void unit_debug(struct pen *pen)
{
	u8 n = (u8)dice_below(pen->d, 8);

	if (n == 7 || n == 5)
		pen_mov(pen, 0, dr7_value(pen->d));
	else
		/* A CPU may clear bits 3 to 0 of DR6 at the next #DB; Bochs does BT, too. */
		pen_mov(pen, 0,
			n < 4 ? forms_watched(pen->d, pen->stack)
			      : dice_below(pen->d, BIT(32)) & ~(BIT(15) | 15));
	pen_pattern(pen, "0f23");
	pen_put(pen, MOD_REGISTER | n << 3, 1);
	pen_pattern(pen, "0f21");
	pen_put(pen, MOD_REGISTER | n << 3 | 1, 1);
	pen->unit->count = 3;
}

/* LGDT, LIDT with tables that hold what traps need. */
static void unit_table(struct pen *pen)
{
	static const u16 gdt[] = { 0xbf, 0x6f, 0xffff }, idt[] = { 0xfff, 0x6ff, 0x67f };
	static const u16 tables[] = { ARENA_GDT, ARENA_IDT, ARENA_IDT_PLAIN };
	u64 which = dice_below(pen->d, 3), limit = dice_below(pen->d, 3);

	pen_pattern(pen, "eb0a");
	pen_put(pen, which ? idt[limit] : gdt[limit], 2);
	pen_put(pen, STREAM_ARENA + tables[which], 8);
	pen_pattern(pen, which ? "0f011d" : "0f0115");
	pen_put(pen, (u64)-17, 4);
	pen->unit->count = 2;
}

/* LTR, LLDT; in 32-bit mode only what faults, as some CPUs take half of the base there. */
static void unit_selector(struct pen *pen)
{
	bool task = dice_one_in(pen->d, 2);
	u16 selector = pen_selector(pen);

	if (!pen_long(pen))
		selector = dice_one_in(pen->d, 2) ? SEL_USER_DATA : SEL_TSS;
	else if (dice_one_in(pen->d, 2) || (task && selector < 4)) /* null in TR ends QEMU */
		selector = task ? SEL_TSS_OTHER : SEL_LDT;
	pen_pattern(pen, "66b8");
	pen_put(pen, selector, 2);
	pen_pattern(pen, task ? "0f00d8" : "0f00d0");
	pen->unit->count = 2;
}

static void unit_tables(struct pen *pen)
{
	if (pen_long(pen) && dice_one_in(pen->d, 2))
		unit_table(pen);
	else
		unit_selector(pen);
}

/* MONITOR of the window; QEMU looks at no address, nor at breakpoints there. */
static void unit_monitor(struct pen *pen)
{
	if (generate_lenient) {
		pen_pattern(pen, "0f0b");
		pen->unit->count = 0;
		return;
	}
	pen_mov(pen, 0, forms_address(pen->d));
	pen_pattern(pen, "f6000031c931d20f01c8");
	pen->unit->count = 5;
}

/* ---- Devices --------------------------------------------------------------------------------- */

#define PORT_NOTHING 0x2220 /* aligned: else QEMU reads half of it as zeros */
#define PORT_POST 0x80	    /* takes bytes */

u16 forms_port(struct dice *d)
{
	static const u16 port[] = { PORT_NOTHING, PORT_POST, PORT_SCRATCH };

	return port[dice_below(d, ARRAY_SIZE(port))];
}

/* IN and OUT, once or by REP, of ports without a life of their own. */
static void unit_port(struct pen *pen)
{
	bool in = dice_one_in(pen->d, 2), string = dice_one_in(pen->d, 2) && pen_checked(pen) &&
						   !pen->watched;
	unsigned size = (unsigned)dice_below(pen->d, 3);
	u16 port = PORT_NOTHING;

	if (!size)
		port = dice_one_in(pen->d, 2) ? PORT_SCRATCH : in ? PORT_NOTHING : PORT_POST;
	pen_pattern(pen, "66ba");
	pen_put(pen, port, 2);
	pen->unit->count = 2;
	if (string) {
		pen_mov(pen, 1, dice_below(pen->d, 10));
		pen_mov(pen, in ? 7 : 6, forms_address(pen->d));
		pen->unit->count = 4;
		if (!dice_one_in(pen->d, 3))
			pen_put(pen, 0xf3, 1);
	} else if (port == PORT_SCRATCH && !in && dice_one_in(pen->d, 2)) {
		pen_pattern(pen, "eeec");
		pen->unit->count = 3;
		return;
	}
	if (size == 1)
		pen_put(pen, PREFIX_OPERAND, 1);
	if (string && !in && dice_one_in(pen->d, 4))
		pen_put(pen, 0x64, 1);
	pen_put(pen, (string ? 0x6cu : 0xecu) | (in ? 0u : 2u) | (size ? 1u : 0u), 1);
}

struct device_form {
	const char *opcode;
	u8 reg;		/* of ModRM, unless it is a register */
	u8 immediate;	/* bytes */
	bool unsettled; /* some flags are undefined */
};

static void put_device_form(struct pen *pen, const struct device_form *form)
{
	pen_pattern(pen, form->opcode);
	pen_absolute(pen, STREAM_TPR);
	/* Only eight bits are kept. */
	if (form->immediate)
		pen_put(pen, dice_below(pen->d, form->immediate == 1 && form->unsettled ? 8 : 128),
			form->immediate);
	if (form->unsettled)
		pen_pattern(pen, "F");
}

static void read_device(struct pen *pen)
{
	static const struct device_form reading[] = {
		{ "8b", 0, 0, false },	   { "03", 0, 0, false },   { "2b", 0, 0, false },
		{ "33", 0, 0, false },	   { "0b", 0, 0, false },   { "23", 0, 0, false },
		{ "3b", 0, 0, false },	   { "85", 0, 0, false },   { "13", 0, 0, false },
		{ "0faf", 0, 0, true },	   { "0f44", 0, 0, false }, { "0f4f", 0, 0, false },
		{ "f30fb8", 0, 0, false }, { "63", 0, 0, false },
	};

	pen->reg = (u8)dice_below(pen->d, 8);
	put_device_form(pen, &reading[dice_below(pen->d, ARRAY_SIZE(reading))]);
}

static void write_device(struct pen *pen)
{
	static const struct device_form writing[] = {
		{ "c7", 0, 4, false },	{ "c7", 0, 4, false },	{ "83", 4, 1, false },
		{ "83", 1, 1, false },	{ "83", 6, 1, false },	{ "f7", 0, 4, false },
		{ "83", 7, 1, false },	{ "0fba", 5, 1, true }, { "0fba", 6, 1, true },
		{ "0fba", 4, 1, true },
	};
	const struct device_form *form = &writing[dice_below(pen->d, ARRAY_SIZE(writing))];

	pen->reg = form->reg;
	put_device_form(pen, form);
}

/* The priority register of the local APIC, in every way that reads or writes 32 bits of it. */
static void unit_device(struct pen *pen)
{
	pen->unit->count = 1;
	if (dice_one_in(pen->d, 2)) {
		read_device(pen);
	} else if (dice_one_in(pen->d, 4)) {
		pen_mov(pen, 1, dice_below(pen->d, 256));
		pen_pattern(pen, dice_one_in(pen->d, 2) ? "870c25V" : "890c25V");
		pen->unit->count = 2;
	} else {
		write_device(pen);
	}
}

/* ---- Random bytes ---------------------------------------------------------------------------- */

/* RCL and RCR. */
static bool is_rotate_by_carry(const u8 p[2])
{
	return ((p[0] & 0xfe) == 0xc0 || (p[0] & 0xfc) == 0xd0) && (p[1] & 0x30) == 0x10;
}

/* The opcode's bytes at p may not stand there: two runs would differ, or one would not end. */
static void defuse(u8 *p, size_t left)
{
	if (left > 1 && ((p[0] & 0xf0) == 0x70 || (p[0] & 0xfc) == 0xe0 || p[0] == 0xeb))
		p[1] &= 0x7f;
	if (left > 4 && (p[0] & 0xfe) == 0xe8)
		p[4] &= 0x7f;
	if (p[0] == 0xf0) /* LOCK BTS of a register ends QEMU 7.2 */
		p[0] = 0xf2;
	if (p[0] == 0xff)
		p[0] = 0xfe;
	if (generate_lenient && left > 1 && is_rotate_by_carry(p))
		p[1] |= MOD_REGISTER;
	if (p[0] != 0x0f || left < 2)
		return;
	if (left > 5 && (p[1] & 0xf0) == 0x80)
		p[5] &= 0x7f;
	if (p[1] == 0xa2 || p[1] == 0xc7 || p[1] == 0x33)
		p[1] ^= 1;
	/* BT and the like leave flags undefined: SETcc instead. */
	if (p[1] == 0xa3 || p[1] == 0xab || p[1] == 0xb3 || p[1] == 0xba || p[1] == 0xbb)
		p[1] = 0x90 | (p[1] & 15);
	/* If the store faults, flags are as QEMU cut its blocks: exits decide. */
	if (generate_lenient && left > 2 && (p[1] & 0xf0) == 0x90)
		p[2] |= MOD_REGISTER;
	if (p[1] == 0x38 && left > 2 && p[2] == 0x0c) /* ends QEMU 7.2 */
		p[2] ^= 1;
	if (p[1] == 0x01 && left > 2 && p[2] >= MOD_REGISTER)
		p[2] &= 0x3f;
}

#define RAW_TAIL 6 /* zeros: no branch lacks its distance */

static void unit_raw(struct pen *pen)
{
	struct case_unit *unit = pen->unit;
	unsigned bytes = 4 + (unsigned)dice_below(pen->d, 12);

	pen_prefix(pen);
	pen_rex(pen);
	if (dice_one_in(pen->d, 2))
		pen_put(pen, 0x0f, 1);
	while (unit->len < bytes)
		pen_put(pen, dice_one_in(pen->d, 6) ? 0 : dice_number(pen->d), 1);
	pen_put(pen, 0, RAW_TAIL);
	for (unsigned i = 0; i < unit->len; i++)
		defuse(&unit->byte[i], unit->len - i);
	unit->count = 1;
	unit->sensitive = true;
}

/*
 * STI, and right behind it what a hypervisor carries out: an interrupt that waits comes after that
 * instruction, neither before it nor one later.  Of CPUID it is a leaf that all have alike.
 */
static void unit_shadow(struct pen *pen)
{
	static const struct form shadowed[] = {
		{ "b802000080fb0fa2b8DbbDb9DbaD", 0, 7 }, /* CPUID */
		{ "b977020000fb0f32", 0, 3 },	/* RDMSR of PAT */
		{ "66ba2022fbec90", 0, 4 },	/* IN of nothing */
		{ "fbe68090", 0, 3 },		/* OUT to the POST port */
		{ "0f20e1fb0f22e190", 0, 4 },	/* MOV to CR4 */
		{ "0f20c1fb0f22c190", 0, 4 },	/* MOV to CR0 */
		{ "fb0f0990", 0, 3 },		/* WBINVD */
		{ "fb0f0690", 0, 3 },		/* CLTS */
	};
	const struct form *form = &shadowed[dice_below(pen->d, ARRAY_SIZE(shadowed))];

	pen->unit->sensitive = true;
	pen->unit->count = form->count;
	pen_pattern(pen, form->pattern);
}

/* STI, or MOV SS of AX, is the last one. */
static bool ends_in_shadow(const u8 *byte, unsigned len)
{
	if (len && byte[len - 1] == 0xfb)
		return true;
	return len > 1 && byte[len - 2] == 0x8e && byte[len - 1] == 0xd0;
}

/*
 * QEMU gives STI no shadow in the shadow of the instruction before, unless there was an exit
 * between the two: its VMRUN knows no shadow.  So none begins where one may be.
 */
static void part_shadows(struct case_unit *unit)
{
	u8 *byte = unit->byte;
	unsigned len = unit->len;

	for (unsigned i = 2; i < len; i++)
		if (byte[i - 2] == 0x8e && byte[i - 1] == 0xd0 && byte[i] == 0xfb)
			byte[i] = 0x90;
	if (ends_in_shadow(byte, len) && len < CASE_UNIT_MAX) {
		byte[unit->len++] = 0x90;
		unit->count += unit->count != 0;
	}
}

/* ---- The choice --------------------------------------------------------------------------------
 */

static void one_of_sensitive(struct pen *pen)
{
	static void (*const special[])(struct pen *) = { unit_msr,    unit_control, unit_debug,
							 unit_tables, unit_monitor, unit_port };

	pen->unit->sensitive = true;
	if (dice_one_in(pen->d, 3))
		special[dice_below(pen->d, ARRAY_SIZE(special))](pen);
	else
		pen_form(pen, forms_sensitive, forms_sensitive_count);
}

/*
 * QEMU mixes up string I/O and breakpoints on its data.  An interrupt that is held back after it
 * was offered may come as a spurious one; on Bochs it does.
 */
static struct pen pen_of(struct case_unit *unit, struct dice *d, enum stream_kind kind,
			 const struct stream_case *c)
{
	const u64 *value = c->value;

	return (struct pen){
		.unit = unit,
		.d = d,
		.mode = (enum case_mode)value[CASE_mode],
		.low_priority = !generate_lenient && value[CASE_pending],
		.stack = value[CASE_rsp],
		.device = value[CASE_device] == 2,
		.watched = generate_lenient && kind == KIND_STEP,
		.settled = (value[CASE_rflags] & RFLAGS_TF) || value[CASE_pending] ||
			   value[CASE_dr7] != DR7_FIXED,
	};
}

void forms_unit(struct case_unit *unit, struct dice *d, enum stream_kind kind,
		const struct stream_case *c)
{
	static const u8 sensitive_of_ten[KIND_COUNT] = {
		[KIND_KERNEL] = 3,    [KIND_USER] = 3, [KIND_COMPATIBILITY] = 3, [KIND_STEP] = 4,
		[KIND_INTERRUPT] = 5, [KIND_EXIT] = 8, [KIND_DEVICE] = 2,
	};
	struct pen pen = pen_of(unit, d, kind, c);

	memset(unit, 0, sizeof(*unit));
	if (pen.device) {
		unit->sensitive = true;
		pen_form(&pen, forms_memory, forms_memory_count);
		return;
	}
	if (kind == KIND_RAW) {
		unit_raw(&pen);
		return;
	}
	if (kind == KIND_DEVICE && dice_one_in(d, 2)) {
		unit->sensitive = true;
		if (dice_one_in(d, 2))
			unit_port(&pen);
		else
			unit_device(&pen);
		return;
	}
	if (kind == KIND_INTERRUPT && dice_one_in(d, SHADOW_IN)) {
		unit_shadow(&pen);
		return;
	}
	if (dice_below(d, 10) < sensitive_of_ten[kind])
		one_of_sensitive(&pen);
	else
		pen_form(&pen, forms_plain, forms_plain_count);
	if (generate_lenient)
		part_shadows(unit);
}
