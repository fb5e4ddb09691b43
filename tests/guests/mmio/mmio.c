/*
 * mmio.c - instructions with operands in RAM and in device memory: both must come to the same
 *
 * Owns: descriptors, the device (VGA memory, as a plain array), the comparison.  The same image
 * runs bare and as a guest, and what it says is compared; so nothing here knows what is right.
 * Must not know: instructions (forms.S).
 *
 * A form runs twice, with the base of the operands' segment at a buffer and at the VGA's window.
 * All offsets are the same, so all results must be.
 *
 * Sources: Multiboot Specification 0.6.96; [SDM] "Segment Descriptors" (3.4.5); IBM VGA:
 * "Sequencer Registers", "Graphics Controller Registers".
 */
#include "types.h"
#include "compiler.h"
#include "../serial.h"
#include "mmio.h"

#define WINDOW 0xa0000u
#define SIZE 0x180u /* of what a form may touch, from the segment's base on */
#define LIMIT 0xffffu
#define TF BIT(8)
#define DF BIT(10)
#define DEFINED 0xed5u /* flags of arithmetic, IF, DF */
#define INFO_COMMAND_LINE BIT(2) /* of multiboot: the fifth word is where it lies */

struct form {
	const char *text;
	const u8 *code, *end;
	u32 undefined, wants, words[5];
};

struct record {
	u32 r[8], flags, cs, ds, es, fs, gs, ss, ldtr, tr, cr0;
	u32 vector, error, eip, trap_flags, steps, dr6;
	u16 gdtr[4], idtr[4];
};
ASSERT_SIZE(struct record, R_SIZE);
ASSERT_OFFSET(struct record, cr0, R_CR0);
ASSERT_OFFSET(struct record, dr6, R_DR6);
ASSERT_OFFSET(struct record, idtr, R_IDTR);

extern const struct form forms[], forms_end[];
extern const u8 traps[], leave[], kernel_stack[];
void run(void);
void main(const u32 *info);

struct record in, out;
static u64 gdt[20], idt[TRAPS], ldt[2];
static struct {
	u16 limit;
	const void *base;
} PACKED gdtr = { sizeof(gdt) - 1, gdt }, idtr = { sizeof(idt) - 1, idt };
static u32 tss[26], tss_free[26];
static u8 ram[LIMIT + 1] ALIGNED(16), seen[SIZE];

/* ---- The machine ----------------------------------------------------------------------- */

/* attr: as in the descriptor, flags in bits 15:12. */
static u64 segment(u32 base, u32 limit, u32 attr)
{
	return (limit & 0xffff) | (u64)(limit & 0xf0000) << 32 | (u64)(base & 0xffffff) << 16 |
	       (u64)(base & 0xff000000) << 32 | (u64)attr << 40;
}

static u64 gate(const void *to, u32 selector, u32 attr, u32 parameters)
{
	u32 at = (u32)to;

	return (at & 0xffff) | (u64)selector << 16 | (u64)parameters << 32 | (u64)attr << 40 |
	       (u64)(at & 0xffff0000) << 32;
}

/* Anew for each run, since some forms change them. */
static void make_tables(u32 operands)
{
	gdt[SEL_CODE / 8] = segment(0, 0xfffff, 0xc09b);
	gdt[SEL_DATA / 8] = segment(0, 0xfffff, 0xc093);
	gdt[SEL_OPERAND / 8] = segment(operands, LIMIT, 0x4093);
	gdt[SEL_OTHER / 8] = segment(operands, LIMIT, 0x4092);
	gdt[SEL_TSS / 8] = segment((u32)tss, sizeof(tss) - 1, 0x89);
	gdt[SEL_LDT / 8] = segment((u32)ldt, sizeof(ldt) - 1, 0x82);
	gdt[SEL_TSS_FREE / 8] = segment((u32)tss_free, sizeof(tss_free) - 1, 0x89);
	gdt[SEL_ABSENT / 8] = segment(0, 0xfffff, 0xc013);
	gdt[SEL_EXECUTE_ONLY / 8] = segment(0, 0xfffff, 0xc099);
	gdt[SEL_CODE_USER / 8] = segment(0, 0xfffff, 0xc0fb);
	gdt[SEL_DATA_USER / 8] = segment(operands, LIMIT, 0x40f3);
	gdt[SEL_GATE / 8] = gate(leave, SEL_CODE, 0x8c, 0);
	gdt[SEL_CONFORMING / 8] = segment(0, 0xfffff, 0xc09f);
	gdt[SEL_GATE_INWARDS / 8] = gate(leave, SEL_CODE, 0xec, 2);
	ldt[1] = segment(0, 0xfffff, 0xc093);
	for (unsigned i = 0; i < TRAPS; i++)
		idt[i] = gate(traps + 16 * i, SEL_CODE, i == USER_VECTOR ? 0xee : 0x8e, 0);
	tss[1] = tss_free[1] = (u32)kernel_stack;
	tss[2] = tss_free[2] = SEL_DATA;
	__asm__ volatile("lgdt %0\n\tlidt %1\n\tltr %w2\n\tlldt %w3" ::"m"(gdtr), "m"(idtr),
			 "r"(SEL_TSS), "r"(0));
	__asm__ volatile("mov %0, %%cr0" ::"r"(0x11));
}

/* Graphics memory from 0xa0000 on, four planes chained: a plain array of 64 KiB. */
static void open_window(void)
{
	static const struct {
		u16 port;
		u8 index, value;
	} set[] = {
		{ 0x3c4, 2, 0x0f }, { 0x3c4, 4, 0x0e }, { 0x3ce, 0, 0 },    { 0x3ce, 1, 0 },
		{ 0x3ce, 3, 0 },    { 0x3ce, 4, 0 },    { 0x3ce, 5, 0x40 }, { 0x3ce, 6, 0x05 },
		{ 0x3ce, 8, 0xff },
	};

	outb(0x3c2, inb(0x3cc) | 3);
	for (unsigned i = 0; i < ARRAY_SIZE(set); i++) {
		outb(set[i].port, set[i].index);
		outb(set[i].port + 1, set[i].value);
	}
}

static bool enable_sse(void)
{
	u32 a = 1, b, c, d, cr4;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	if (!(d & BIT(26)))
		return false;
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | 0x600));
	return true;
}

/* ---- Forms ----------------------------------------------------------------------------- */

static void fill(volatile u8 *at, const struct form *f)
{
	for (unsigned i = 0; i < SIZE; i++)
		at[i] = (u8)(i * 7 + 3);
	for (unsigned i = 0; i < sizeof(f->words) && (!i || f->words[i / 4] || i < 8); i++)
		at[i] = (u8)(f->words[i / 4] >> 8 * (i % 4));
}

/* The form, and behind it a jump to `leave`. */
static void place_code(const struct form *f)
{
	volatile u8 *to = (volatile u8 *)CODE;
	u32 len = (u32)(f->end - f->code), distance = (u32)leave - (CODE + len + 5);

	for (u32 i = 0; i < len; i++)
		to[i] = f->code[i];
	to[len] = 0xe9;
	for (u32 i = 0; i < 4; i++)
		to[len + 1 + i] = (u8)(distance >> 8 * i);
}

static void run_form(const struct form *f, u32 base)
{
	static const u32 start[8] = { 0x12345678, 5, 3, 0, 0, 0x60, 0x20, 0x40 };
	volatile u8 *at = (volatile u8 *)base;

	in = out = (struct record){ .flags = 2, .vector = 0xff };
	for (unsigned i = 0; i < 8; i++)
		in.r[i] = start[i];
	in.ss = f->wants & STACK ? SEL_OPERAND : SEL_DATA;
	in.r[4] = f->wants & STACK ? 0x100 : (u32)kernel_stack - 0x400;
	in.flags |= (f->wants & STEP ? TF : 0) | (f->wants & DOWN ? DF : 0);
	make_tables(base);
	fill(at, f);
	run();
	for (unsigned i = 0; i < SIZE; i++)
		seen[i] = at[i];
	out.flags &= DEFINED & ~f->undefined;
	out.trap_flags &= DEFINED & ~f->undefined;
}

static u32 sum(void)
{
	u32 value = 0x811c9dc5;

	for (unsigned i = 0; i < SIZE; i++)
		value = (value ^ seen[i]) * 0x1000193;
	return value;
}

static bool equal(const void *a, const void *b, unsigned size)
{
	const u8 *p = a, *q = b;

	while (size && *p == *q)
		p++, q++, size--;
	return !size;
}

/* What became of the form, its stack pointer told by how far it moved. */
static void tell(const struct record *r, u32 memory)
{
	static const char *const names[8] = { " eax=", " ecx=", " edx=", " ebx=",
					      " esp=", " ebp=", " esi=", " edi=" };

	if (r->vector != 0xff) {
		number(" trap ", r->vector);
		number("/", r->error);
		number("@", r->vector == USER_VECTOR ? 0 : r->eip - CODE);
	}
	for (unsigned i = 0; i < 8; i++)
		if (r->r[i] != in.r[i])
			number(names[i], i == 4 ? r->r[i] - in.r[i] : r->r[i]);
	number(" flags=", r->vector != 0xff ? r->trap_flags : r->flags);
	if (r->steps) {
		number(" steps=", r->steps);
		number(" dr6=", r->dr6 & 0xe00f);
	}
	number(" segments=", r->cs);
	number(",", r->ds);
	number(",", r->es);
	number(",", r->fs);
	number(",", r->gs);
	number(",", r->ss);
	number(" ldtr=", r->ldtr);
	number(" tr=", r->tr);
	number(" cr0=", r->cr0);
	number(" memory=", memory);
}

static void compare(const struct form *f)
{
	static u8 ram_seen[SIZE];
	struct record plain;
	u32 memory;

	place_code(f);
	run_form(f, (u32)ram);
	plain = out;
	for (unsigned i = 0; i < SIZE; i++)
		ram_seen[i] = seen[i];
	memory = sum();
	run_form(f, WINDOW);
	say(f->text);
	say(":");
	tell(&out, sum());
	if (!equal(&plain, &out, sizeof(out)) || !equal(ram_seen, seen, SIZE)) {
		say(" | NOT AS IN RAM:");
		tell(&plain, memory);
		for (unsigned i = 0; i < SIZE; i++)
			if (ram_seen[i] != seen[i]) {
				number(" at ", i);
				number(" ", ram_seen[i]);
				number(" is ", seen[i]);
			}
	}
	say("\r\n");
}

static bool starts_with(const char *text, const char *with)
{
	while (*with && *text == *with)
		text++, with++;
	return !*with;
}

/* Is the word, up to its end or a comma, in text? */
static bool has_word(const char *text, const char *word)
{
	for (; *text; text++) {
		unsigned n = 0;

		while (word[n] && word[n] != ',' && text[n] == word[n])
			n++;
		if (n && (!word[n] || word[n] == ','))
			return true;
	}
	return false;
}

/* "skip=WORD,WORD", at the end of the command line: forms with any of these are left out. */
static bool is_skipped(const u32 *info, const char *text)
{
	static const char option[] = "skip=";
	const char *at = info[0] & INFO_COMMAND_LINE ? (const char *)(uintptr_t)info[4] : "";

	while (*at && !starts_with(at, option))
		at++;
	for (at += *at ? sizeof(option) - 1 : 0; *at; at++) {
		if (has_word(text, at))
			return true;
		while (*at && *at != ',')
			at++;
		if (!*at)
			break;
	}
	return false;
}

/* info: what the boot loader left. */
void main(const u32 *info)
{
	bool sse = enable_sse();

	say_begin();
	open_window();
	say("mmio: begin\r\n");
	for (const struct form *f = forms; f < forms_end; f++)
		if ((sse || !(f->wants & SSE)) && !is_skipped(info, f->text))
			compare(f);
	say("mmio: finished\r\n");
	say_end();
	outb(0xf4, 0);
	for (const char *p = "Shutdown"; *p; p++) /* Bochs ends */
		outb(0x8900, (u8)*p);
}
