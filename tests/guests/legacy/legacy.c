/*
 * legacy.c - instructions in real mode, in virtual-8086 mode and against segment limits: which
 * traps come, where, what the registers hold then
 *
 * Owns: the tables of descriptors, the log.  The same image runs bare and as a guest, and the
 * records are compared; so nothing here knows what is right.
 *
 * Sources: [SDM] "8086 Emulation" (20), "Protected-Mode Exceptions and Interrupts" (6).
 */
#include "types.h"
#include "compiler.h"
#include "../serial.h"

#define CODE 0x8000u
#define STUB 0x7000u
#define LOG 0x6000u
#define BUFFER 0x9000u
#define EXIT_VECTOR 0x30
#define VM BIT(17)
#define TF BIT(8)

struct insn {
	const char *text;
	const u8 *code, *end;
};

struct frame {
	u32 edi, esi, ebp, esp_here, ebx, edx, ecx, eax, vector, error, eip, cs, eflags, esp, ss;
};

extern const struct insn insns16[], insns_v86[], insns32[];
extern const u8 stub_start[], stub_end[], real_stubs[], traps[];
void to_real(u32 flags);
void to_segments(const u32 *regs);
void main(u32 info);
u32 trapped(struct frame *f);

static u64 gdt[16], idt[64];
static struct {
	u16 limit;
	const void *base;
} PACKED gdtr = { sizeof(gdt) - 1, gdt }, idtr = { sizeof(idt) - 1, idt };
static u32 tss[26 + 8 + 2048 + 1];
static unsigned steps;
static bool any;

/* ---- Traps ---------------------------------------------------------------------------- */

static void event(u32 vector, u32 error, u32 at, u32 dr6, u32 eax)
{
	any = true;
	if (vector == EXIT_VECTOR) {
		number(" ax=", eax);
		return;
	}
	number(" ", vector);
	if (error)
		number("/", error);
	number("@", at);
	if (vector == 1)
		number(" dr6=", dr6);
}

/* True: go on. */
u32 trapped(struct frame *f)
{
	u32 dr6;

	__asm__ volatile("movl %%db6, %0" : "=r"(dr6));
	__asm__ volatile("movl %0, %%db6" ::"r"(0));
	event(f->vector, f->error, f->eflags & VM ? f->eip : f->eip - CODE, dr6, f->eax);
	return f->vector == 1 && ++steps < 8 && (f->eflags & TF);
}

static void copy(u32 to, const u8 *from, const u8 *end)
{
	for (volatile u8 *p = (u8 *)to; from < end; from++)
		*p++ = *from;
}

static void prepare(const struct insn *insn)
{
	for (u32 i = 0; i < 0x1000; i++)
		*(volatile u8 *)(BUFFER + i) = 0;
	*(volatile u32 *)LOG = 0;
	copy(CODE, insn->code, insn->end);
	steps = 0;
	any = false;
	say(insn->text);
	say(":");
}

/* ---- Modes ------------------------------------------------------------------------------ */

static void real(const struct insn *insn, u32 flags)
{
	for (; insn->text; insn++) {
		const volatile u32 *log = (u32 *)(LOG + 16);

		prepare(insn);
		to_real(flags);
		__asm__ volatile("lgdt %0; lidt %1" ::"m"(gdtr), "m"(idtr));
		for (u32 n = *(volatile u16 *)LOG; n; n--, log += 4)
			event(log[0] & 0xffff, 0, (log[0] >> 16) - CODE, log[2], log[3]);
		say("\n");
	}
}

static void v86(const struct insn *insn, u32 flags)
{
	const u32 regs[] = { 0, CODE >> 4, 2 | VM | flags, 0x5ff0, 0, 0, 0, 0, 0 };

	for (; insn->text; insn++) {
		prepare(insn);
		to_segments(regs);
		say("\n");
	}
}

static void segments(const struct insn *insn, u32 flags)
{
	const u32 regs[] = { CODE, 8, 2 | flags, 0, 0, 0, 0, 0x28, 0x30 };

	for (; insn->text; insn++) {
		prepare(insn);
		to_segments(regs);
		say("\n");
	}
}

static void make_tables(void)
{
	u32 base = (u32)tss;
	volatile u32 *ivt = (u32 *)0;

	gdt[1] = 0x00cf9b000000ffff;
	gdt[2] = 0x00cf93000000ffff;
	gdt[3] = 0x00009b000000ffff; /* 16 bits */
	gdt[4] = 0x000093000000ffff;
	gdt[5] = 0x0040930090000fff;		/* FS: 4 KiB at 0x9000 */
	gdt[6] = 0x0000970090000fff;		/* GS: expand-down, above 0xfff */
	gdt[7] = 0x00009b000000ffff & ~BIT(47); /* absent */
	gdt[10] = 0x0040130090000fff;		/* absent data */
	gdt[11] = 0x0040910090000fff;		/* read-only */
	gdt[12] = 0x00cffb000000ffff;
	gdt[13] = 0x0000890000000000 | (sizeof(tss) - 1) | (u64)(base & 0xffffff) << 16 |
		  (u64)(base >> 24) << 56;
	gdt[14] = 0xfe4093e000000fff; /* the local APIC: 4 KiB at 0xfee00000 */
	gdt[14] = 0x0000000000000fff | (u64)0xe00000 << 16 | (u64)0x93 << 40 | (u64)0x40 << 48 |
		  (u64)0xfe << 56;
	for (unsigned i = 0; i < 64; i++) {
		u32 at = (u32)traps + 16 * i;

		idt[i] = (at & 0xffff) | 8u << 16 |
			 (u64)(i >= 0x30 || i == 3 || i == 4 ? 0xee : 0x8e) << 40 |
			 (u64)(at >> 16) << 48;
		ivt[i] = STUB + (u32)(real_stubs - stub_start) + 0;
	}
	idt[0x3f] = 0;
	tss[1] = 0x5000; /* ESP 0 */
	tss[2] = 0x10;
	tss[25] = (26 + 8) * 4 << 16; /* the I/O map, behind 32 bytes of redirection map */
	for (unsigned i = 26 + 8; i < ARRAY_SIZE(tss); i++)
		tss[i] = 0;
	tss[26 + 8 + 0x71 / 32] |= 1u << (0x71 % 32);
	tss[ARRAY_SIZE(tss) - 1] = ~0u;
	copy(STUB, stub_start, stub_end);
	__asm__ volatile("lgdt %0; lidt %1; ltr %w2" ::"m"(gdtr), "m"(idtr), "r"(0x68));
	__asm__ volatile(
	    "ljmp $8, $1f; 1:\n\t"
	    "movl %0, %%ds; movl %0, %%es; movl %0, %%ss; movl %0, %%fs; movl %0, %%gs" ::"r"(
		0x10));
}

/* Stubs of real mode lie 8 bytes apart. */
static void make_ivt(void)
{
	volatile u32 *ivt = (u32 *)0;

	for (unsigned i = 0; i < 64; i++)
		ivt[i] = STUB + (u32)(real_stubs - stub_start) + 8 * i;
}

static bool has_vme(void)
{
	u32 a = 1, b, c, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	return d & BIT(1);
}

static void all_v86(const char *name)
{
	static const u32 flags[] = { 0, 0x3000, 0x200, TF };

	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		say(name);
		number(" flags=", flags[i]);
		say("\n");
		v86(insns16, flags[i]);
		v86(insns_v86, flags[i]);
	}
}

void main(u32 info)
{
	const u32 *mb = (const u32 *)info;
	bool no_v86 = false;
	u32 cr4;

	for (const char *p = (mb[0] & 4) ? (const char *)mb[4] : ""; *p; p++)
		if (p[0] == 'v' && p[1] == '8' && p[2] == '6' && p[3] == '=')
			no_v86 = true;
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	say_begin();
	make_tables();
	make_ivt();
	say("area real\n");
	real(insns16, 2);
	say("stepped\n");
	real(insns16, 2 | TF);
	say("segments\n");
	segments(insns32, 0);
	segments(insns32, TF);
	if (!no_v86) {
		all_v86("v86");
		if (has_vme()) {
			__asm__ volatile("movl %%cr4, %0" : "=r"(cr4));
			__asm__ volatile("movl %0, %%cr4" ::"r"(cr4 | 1));
			all_v86("vme");
			__asm__ volatile("movl %0, %%cr4" ::"r"(cr4));
		}
	}
	say("legacy: finished\n");
	say_end();
	outb(0xf4, 0);
	for (const char *p = "Shutdown"; *p; p++)
		outb(0x8900, (u8)*p);
}
