/*
 * exceptions.c - exceptions in long mode, 32-bit protected mode and virtual-8086 mode: which one,
 * with which error code, from where, with which flags, on which stack; and again with one gate
 * broken
 *
 * Owns: what should come of a line of the table where a gate is broken (double faults). Must not
 * know: what the lines do (exceptions_table.c).
 *
 * Sources: [SDM] vol. 3 "Error Code" (6.13), "Interrupt 8 - Double Fault Exception (#DF)" (6.15,
 * tables 6-4, 6-5), "Handling Faults in Handler Procedures: RF" (6.8.3), "64-Bit Mode Stack
 * Frame" (6.14.2), "Interrupt Stack Table" (6.14.5).
 */
#include "exceptions.h"

#include "legacy.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "x86_ops.h"

#define PORT 0xed
#define ABSENT 0x70000000u /* nothing is mapped there in our 32-bit tables */
#define ABSENT64 0x700000000000ull
#define BAD_SELECTOR 0x1238
#define ABSENT_DATA 0x00cf73000000ffff /* data for user mode, not present */
#define ERROR_EXT 1
#define GATE_PRESENT BIT(47)
#define LINES_MAX 128
#define USER32 0x40000000u
#define V86_CODE 0x10000u
#define V86_SELECTOR (V86_CODE >> 4)
#define NO_GATE 0x100

/* What is the matter with one gate. */
enum broken { ABSENT_GATE, BAD_CS, NULL_CS, BROKEN_KINDS };
static const char *const broken_names[] = { "absent", "bad-selector", "null-selector" };

/* How a shot ended, in any mode. */
struct seen {
	u64 vector, error, at; /* at: offset of the pushed instruction pointer */
	bool rf, cr2, level,
	    stack; /* RF pushed; CR2, the pushed CPL, the handler's stack: as they should be */
};

#define WORD_AT(n) ((u64)(n) << 32)
#define WORD_RF BIT(40)
#define WORD_LEVEL BIT(41)
#define WORD_STACK BIT(42)

static u8 code_page[4096] ALIGNED(4096), ring0_stack[4096] ALIGNED(16), ist_stack[4096] ALIGNED(16);
static bool on_ist;

static u64 at(const void *p)
{
	return (u64)(uintptr_t)p;
}

/* ---- What should be ---------------------------------------------------------------------- */

static bool contributory(unsigned vector)
{
	return vector == VECTOR_DE || (vector >= VECTOR_TS && vector <= VECTOR_GP);
}

/* INT n, INT3, INTO: no EXT in the error code of what their delivery meets. */
static bool is_software(unsigned vector)
{
	return vector == VECTOR_BP || vector == VECTOR_OF || vector >= 32;
}

/* Of an instruction that ends so: where the pushed instruction pointer is. */
static unsigned pushed_at(const struct exception_line *line, unsigned vector)
{
	if (vector == VECTOR_BP)
		return line->len + 1u;
	return is_software(vector) || vector == VECTOR_DB ? line->len : line->fault_at;
}

static u64 word(const struct seen *s)
{
	return WORD_VECTOR(s->vector) | WORD_ERROR(s->error) | WORD_AT(s->at & 0xff) |
	       (s->rf ? WORD_RF : 0) | (s->cr2 ? WORD_CR2 : 0) | (s->level ? WORD_LEVEL : 0) |
	       (s->stack ? WORD_STACK : 0);
}

/* What comes of it if that gate is broken; open: what the manual does not say. */
static u64 expect(const struct exception_line *line, const struct ending *end, unsigned gate,
		  enum broken broken, u64 *open)
{
	struct seen s = {
		.vector = end->vector, .error = end->error, .level = true, .stack = true
	};
	bool fault = !is_software(end->vector) && end->vector != VECTOR_DB;

	*open = gate == NO_GATE ? 0 : WORD_RF; /* once is enough */
	s.at = pushed_at(line, end->vector);
	s.rf = fault;
	s.cr2 = end->vector == VECTOR_PF;
	if (end->vector != gate)
		return word(&s);
	if (contributory(end->vector) || end->vector == VECTOR_PF) {
		s = (struct seen){ .vector = VECTOR_DF, .level = true, .stack = true };
		*open |= WORD_AT(0xff);
		return word(&s);
	}
	/* The second one is a fault, with the instruction pointer that the first would have pushed,
	   or, if a software interrupt was to be delivered, that of its instruction. */
	s.error = is_software(end->vector) ? 0 : ERROR_EXT;
	if (broken == ABSENT_GATE)
		s.error |= gate * 8 + 2;
	else if (broken == BAD_CS)
		s.error |= BAD_SELECTOR;
	s.vector = broken == ABSENT_GATE ? VECTOR_NP : VECTOR_GP;
	if (is_software(end->vector))
		s.at = end->vector == VECTOR_BP ? line->len : line->fault_at;
	return word(&s);
}

static void put_code(const struct exception_line *line)
{
	memcpy(code_page, line->code, line->len);
	code_page[line->len] = 0xcc;
}

/* ---- Long mode --------------------------------------------------------------------------- */

static void long_gates(void)
{
	for (unsigned v = 0; v < 64; v++)
		rt_gate(v, RT_CS, v == VECTOR_BP || v == DPL3_VECTOR ? 3 : 0,
			on_ist || v == VECTOR_DF ? 3 : 0, true);
}

static u64 long_shot(const struct exception_line *line, bool user)
{
	struct space_shot s = { .rdx = PORT, .rsi = ABSENT64, .rdi = ABSENT64 };
	u64 begin = user ? SPACE_USER + 2 * 4096ull : at(code_page), stack, dr6;
	u64 own = at(ring0_stack) + 2048;
	struct seen seen;

	s.rip = begin;
	s.cs = user ? RT_USER_CS : RT_CS;
	s.ss = user ? RT_USER_DS : RT_DS;
	s.rsp = own;
	s.rflags = RFLAGS_ONE | (line->step ? RFLAGS_TF : 0);
	put_code(line);
	space_shoot(&s);
	__asm__ volatile("mov %%dr6, %0\n\tmov %1, %%dr6" : "=&r"(dr6) : "r"(DR6_FIXED));
	stack = on_ist || s.vector == VECTOR_DF ? at(ist_stack) + sizeof(ist_stack)
		: user				? at(ring0_stack) + sizeof(ring0_stack)
						: own;
	seen = (struct seen){ .vector = s.vector,
			      .error = s.error,
			      .at = s.at - begin,
			      .rf = s.at_rflags & RFLAGS_RF,
			      .cr2 = s.vector == VECTOR_PF && s.cr2 == ABSENT64,
			      .level = s.at_cs == s.cs && s.at_ss == s.ss && s.at_rsp == own,
			      .stack = s.frame_end == stack };
	if (s.vector == VECTOR_DB && !(dr6 & DR6_BS))
		seen.level = false;
	return word(&seen);
}

static void long_batch(const char *name, unsigned gate, enum broken broken)
{
	char text[SYSTEMS_NAME];

	fmt_string(text, sizeof(text), "exception.64.%s%s", on_ist ? "ist." : "", name);
	systems_begin(text);
	for (unsigned i = 0; i < exception_line_count; i++) {
		const struct exception_line *line = &exception_lines[i];

		for (unsigned user = 0; user < 2; user++) {
			const struct ending *end = &line->end[user];
			u64 open, manual;

			/* Without an IST a handler of the kernel's would be on a broken gate's
			 * stack. */
			if (!(line->modes & IN_64) || end->vector == NO_TRY)
				continue;
			manual = expect(line, end, gate, broken, &open);
			systems_try(line->exits, long_shot(line, user), manual, open);
		}
	}
	systems_end();
}

static void long_mode(void)
{
	static const u8 gates[] = { VECTOR_DE, VECTOR_DB, VECTOR_BP, VECTOR_UD,	  VECTOR_NP,
				    VECTOR_SS, VECTOR_GP, VECTOR_PF, DPL0_VECTOR, DPL3_VECTOR };
	char name[24];

	space_user_page(2, at(code_page));
	rt_ist(3, at(ist_stack) + sizeof(ist_stack));
	space_ring0_stack(at(ring0_stack) + sizeof(ring0_stack));
	for (unsigned ist = 0; ist < 2; ist++) {
		on_ist = ist;
		long_gates();
		long_batch("whole", NO_GATE, ABSENT_GATE);
		for (unsigned i = 0; i < ARRAY_SIZE(gates); i++)
			for (enum broken kind = 0; kind < BROKEN_KINDS; kind++) {
				unsigned v = gates[i];

				if (ist && kind != ABSENT_GATE)
					continue;
				fmt_string(name, sizeof(name), "%s.%u", broken_names[kind], v);
				rt_gate(v,
					kind == BAD_CS	  ? BAD_SELECTOR
					: kind == NULL_CS ? 0
							  : RT_CS,
					v == VECTOR_BP || v == DPL3_VECTOR ? 3 : 0, on_ist ? 3 : 0,
					kind != ABSENT_GATE);
				long_batch(name, v, kind);
				long_gates();
			}
	}
}

/* ---- Outside long mode ------------------------------------------------------------------- */

static u32 directory[1024] ALIGNED(4096), low_table[4][1024] ALIGNED(4096),
    user_table[1024] ALIGNED(4096);
static struct legacy_shot shots[LINES_MAX];
static u8 codes[LINES_MAX][32] ALIGNED(4096); /* one page */

#define RW_ (PTE_P | PTE_W)
#define ALL (PTE_P | PTE_W | PTE_U)

static void make_tables(void)
{
	for (unsigned i = 0; i < 4; i++) {
		directory[i] = (u32)(at(low_table[i]) | RW_);
		for (unsigned j = 0; j < 1024; j++)
			low_table[i][j] = (i << 22 | j << 12) | RW_;
	}
	directory[0] |= PTE_U;
	low_table[0][V86_CODE >> 12] = (u32)(at(codes) | ALL);
	directory[USER32 >> 22] = (u32)(at(user_table) | ALL);
	user_table[0] = (u32)(at(codes) | ALL);
}

static void legacy_gates(void)
{
	for (unsigned v = 0; v < 64; v++)
		legacy_gate_reset(v);
	legacy_gate_dpl3(DPL3_VECTOR);
}

/* kind: 0 CPL 0, 1 CPL 3, 2 virtual-8086 mode with IOPL 3, 3 with IOPL 0 */
enum where { KERNEL32, USER32_MODE, V86_IOPL3, V86_IOPL0, WHERES };
static const char *const where_names[] = { "32.kernel", "32.user", "v86.iopl3", "v86.iopl0" };

static void aim(struct legacy_shot *s, const struct exception_line *line, enum where where,
		unsigned slot)
{
	*s = (struct legacy_shot){ .edx = PORT, .esi = ABSENT, .edi = ABSENT, .flush = ABSENT };
	memcpy(codes[slot], line->code, line->len);
	codes[slot][line->len] = 0xcc;
	s->eflags = (u32)(RFLAGS_ONE | (line->step ? RFLAGS_TF : 0));
	s->eip = (u32)at(codes[slot]);
	s->cs = RT_CS32;
	if (where == USER32_MODE) {
		s->eip = USER32 + slot * (u32)sizeof(codes[0]);
		s->cs = SEL_USER_CS32;
		s->ss = RT_USER_DS;
		s->esp = USER32 + 0xff0;
	} else if (where >= V86_IOPL3) {
		s->eip = slot * (u32)sizeof(codes[0]);
		s->cs = V86_SELECTOR;
		s->ss = V86_SELECTOR;
		s->esp = 0xffe;
		s->eflags |= RFLAGS_VM | (where == V86_IOPL3 ? RFLAGS_IOPL : 0);
	}
}

/* What the CPU pushes besides EFLAGS, CS, EIP. */
static u32 depth(enum where where)
{
	return where == KERNEL32 ? 0 : where == USER32_MODE ? 8 : 24;
}

static u64 legacy_word(const struct legacy_shot *s, enum where where)
{
	const struct seen seen = {
		.vector = s->vector,
		.error = s->error,
		.at = s->at - s->eip,
		.rf = s->at_eflags & RFLAGS_RF,
		.cr2 = s->vector == VECTOR_PF && s->cr2 == ABSENT,
		.level = (s->at_cs & 0xffff) == s->cs &&
			 ((s->at_eflags ^ s->eflags) & (RFLAGS_VM | RFLAGS_IOPL)) == 0,
		.stack = s->at_esp == legacy_stack() - depth(where),
	};

	return word(&seen);
}

static void legacy_batch(enum where where, const char *name, unsigned gate, enum broken broken)
{
	const u8 mode = where >= V86_IOPL3 ? IN_V86 : IN_32;
	const unsigned column = where == USER32_MODE || where == V86_IOPL0;
	struct legacy l = { .cr0 = (u32)(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG),
			    .cr3 = (u32)at(directory),
			    .shot = shots };
	char text[SYSTEMS_NAME];
	u8 index[LINES_MAX];

	for (unsigned i = 0; i < exception_line_count; i++) {
		const struct exception_line *line = &exception_lines[i];

		if (!(line->modes & mode) || line->end[column].vector == NO_TRY)
			continue;
		/* 16-bit code has other immediates: those lines are not for it. */
		index[l.count] = (u8)i;
		aim(&shots[l.count], line, where, l.count);
		l.count++;
	}
	legacy_run(&l);
	fmt_string(text, sizeof(text), "exception.%s.%s", where_names[where], name);
	systems_begin(text);
	for (unsigned i = 0; i < l.count; i++) {
		const struct exception_line *line = &exception_lines[index[i]];
		u64 open, manual = expect(line, &line->end[column], gate, broken, &open);

		systems_try(line->exits, legacy_word(&shots[i], where), manual, open);
	}
	systems_end();
}

static bool selector_matters(enum where where, unsigned vector)
{
	return where == KERNEL32 && (vector == VECTOR_BP || vector == VECTOR_UD ||
				     vector == VECTOR_GP || vector == DPL3_VECTOR);
}

static void legacy_modes(void)
{
	static const u8 gates[] = { VECTOR_DE, VECTOR_DB,   VECTOR_BP,	VECTOR_OF,
				    VECTOR_UD, VECTOR_NP,   VECTOR_SS,	VECTOR_GP,
				    VECTOR_PF, DPL0_VECTOR, DPL3_VECTOR };
	const enum where last = rt_has("v86", "no") ? USER32_MODE : V86_IOPL0;
	char name[24];

	make_tables();
	legacy_begin();
	legacy_gates();
	for (enum where where = KERNEL32; where <= last; where++) {
		legacy_batch(where, "whole", NO_GATE, ABSENT_GATE);
		for (unsigned i = 0; i < ARRAY_SIZE(gates); i++)
			for (enum broken kind = 0; kind < BROKEN_KINDS; kind++) {
				/* What the selector is matters once for each kind of event. */
				if (kind != ABSENT_GATE && !selector_matters(where, gates[i]))
					continue;
				fmt_string(name, sizeof(name), "%s.%u", broken_names[kind],
					   gates[i]);
				if (kind == ABSENT_GATE)
					legacy_gate_change(gates[i], GATE_PRESENT, 0);
				else
					legacy_gate_change(gates[i], BITS(31, 16),
							   (kind == BAD_CS ? BAD_SELECTOR : 0ull)
							       << 16);
				legacy_batch(where, name, gates[i], kind);
				legacy_gates();
			}
	}
}

void systems_exceptions(void)
{
	space_begin();
	space_descriptor_low(SEL_TEST, ABSENT_DATA);
	space_ldt(0);
	__asm__ volatile("lldt %w0" ::"r"(0));
	long_mode();
	legacy_modes();
	space_end();
}
