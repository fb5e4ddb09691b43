/*
 * hostile_code.c - instructions: of virtual machines, too long, over borders, changing,
 * single-stepped
 *
 * Must not know: how a hypervisor finds out what an instruction is.
 */
#include "hostile.h"
#include "lib/string.h"
#include "x86_ops.h"

#define LAPIC_VERSION 0xfee00030
#define INSN_MAX 15

/* ---- VM instructions of both vendors ------------------------------------------------ */

static u8 page[4096] ALIGNED(4096);
static u64 where[8];

#define TRY_VM(insn)                                                                               \
	do {                                                                                       \
		RT_TRY(insn, RT_OUT(), "a"(where[i]), "c"(0), "d"(page), "b"(&where[i]));          \
		hostile_case(t, i, n++);                                                           \
		hostile_bad(t, !rt_faulted(), insn, where[i]);                                     \
	} while (0)

static void choose_places(void)
{
	const u64 places[] = { (u64)(uintptr_t)page, 0,	   0xfff, 0x100000, 0xfee00000, 1ull << 39,
			       ~0ull >> 12 << 12,    ~0ull };

	memcpy(where, places, sizeof(where));
}

/* Catches: an intercept that is missing: the guest would run, load, or switch off others. */
static void svm_instructions(struct tally *t)
{
	choose_places();
	for (unsigned i = 0; i < ARRAY_SIZE(where); i++) {
		unsigned n = 0;

		TRY_VM("vmrun");
		TRY_VM("vmload");
		TRY_VM("vmsave");
		TRY_VM("stgi");
		TRY_VM("clgi");
		TRY_VM("skinit");
		TRY_VM("invlpga");
	}
}

static void vmx_instructions(struct tally *t)
{
	choose_places();
	for (unsigned i = 0; i < ARRAY_SIZE(where); i++) {
		unsigned n = 0;

		TRY_VM("vmxon (%%rbx)");
		TRY_VM("vmclear (%%rbx)");
		TRY_VM("vmptrld (%%rbx)");
		TRY_VM("vmptrst (%%rbx)");
		TRY_VM("vmread %%rax, %%rdx");
		TRY_VM("vmwrite %%rdx, %%rax");
		TRY_VM("vmlaunch");
		TRY_VM("vmresume");
		TRY_VM("vmxoff");
		TRY_VM("invept (%%rbx), %%rax");
		TRY_VM("invvpid (%%rbx), %%rax");
		TRY_VM(".byte 0x0f, 0x01, 0xd4"); /* VMFUNC */
	}
}

/* Enclaves, trusted and secure modes, platform configuration: all need what nobody offers. */
static void mode_instructions(struct tally *t)
{
	choose_places();
	for (unsigned i = 0; i < ARRAY_SIZE(where); i++) {
		unsigned n = 0;

		TRY_VM(".byte 0x0f, 0x37"); /* GETSEC */
		TRY_VM("rsm");
		TRY_VM(".byte 0x0f, 0x01, 0xc0");	/* ENCLV */
		TRY_VM(".byte 0x0f, 0x01, 0xcf");	/* ENCLS */
		TRY_VM(".byte 0x0f, 0x01, 0xd7");	/* ENCLU */
		TRY_VM(".byte 0x0f, 0x01, 0xc5");	/* PCONFIG */
		TRY_VM(".byte 0x66, 0x0f, 0x01, 0xcc"); /* TDCALL */
		TRY_VM(".byte 0x66, 0x0f, 0x01, 0xcf"); /* SEAMCALL */
		TRY_VM(".byte 0xf2, 0x0f, 0x01, 0xff"); /* PVALIDATE */
		TRY_VM(".byte 0xf3, 0x0f, 0x01, 0xfe"); /* RMPADJUST */
		TRY_VM(".byte 0x0f, 0x0a");		/* nobody's */
		TRY_VM(".byte 0xf0, 0x0f, 0xa2");	/* LOCK CPUID */
	}
}

/* ---- Instructions at the border of what can be ---------------------------------------- */

/* What exits, or is emulated; RET follows.  RCX is IA32_APIC_BASE, RDX port 0xed, RDI the APIC. */
static const struct {
	u8 len, bytes[8];
} exiting[] = {
	{ 2, { 0x0f, 0xa2 } },			 /* CPUID */
	{ 1, { 0xec } },			 /* IN AL, DX */
	{ 1, { 0xee } },			 /* OUT DX, AL */
	{ 2, { 0xe5, 0xed } },			 /* IN EAX, 0xed */
	{ 2, { 0x0f, 0x32 } },			 /* RDMSR */
	{ 2, { 0x8b, 0x07 } },			 /* MOV EAX, [RDI] */
	{ 6, { 0x81, 0x0f, 0, 0, 0, 0 } },	 /* OR dword [RDI], 0 */
	{ 3, { 0x0f, 0x20, 0xe0 } },		 /* MOV RAX, CR4 */
	{ 3, { 0x0f, 0x22, 0xe0 } },		 /* MOV CR4, RAX */
	{ 2, { 0x0f, 0x09 } },			 /* WBINVD */
	{ 7, { 0xc7, 0x47, 0x50, 1, 0, 0, 0 } }, /* MOV dword [RDI + 0x50], 1: read-only */
	{ 3, { 0x0f, 0x23, 0xc0 } },		 /* MOV DR0, RAX */
};
#define COUNT_AND_RETURN 0x49, 0xff, 0xc3, 0xc3 /* INC R11; RET */

extern const u8 hostile_prepare[];
__asm__(".text\nhostile_prepare:\n\t"
	"pushq %rbx\n\txorl %r11d, %r11d\n\tmovl $0x1b, %ecx\n\tmovl $0xed, %edx\n\t"
	"movq %cr4, %rax\n\tmovq %rdi, %r8\n\tmovl $0xfee00030, %edi\n\tcall *%r8\n\t"
	"popq %rbx\n\tret\n");

/* As hostile_call, with the registers that `exiting` wants. */
static bool call_prepared(const void *code, u64 *count)
{
	static u8 thunk[] ALIGNED(
	    16) = { 0x49, 0xba, 0,   0, 0, 0, 0, 0, 0, 0, /* MOV R10, prepare */
		    0x48, 0xbf, 0,   0, 0, 0, 0, 0, 0, 0, /* MOV RDI, code */
		    0x41, 0xff, 0xe2 };			  /* JMP R10 */
	u64 prepare = (u64)(uintptr_t)hostile_prepare, at = (u64)(uintptr_t)code;

	memcpy(thunk + 2, &prepare, sizeof(prepare));
	memcpy(thunk + 12, &at, sizeof(at));
	return hostile_call(thunk, count);
}

static void put(u8 *at, const u8 *prefix, unsigned prefixes, unsigned insn)
{
	static const u8 tail[] = { COUNT_AND_RETURN };

	memcpy(at, prefix, prefixes);
	memcpy(at + prefixes, exiting[insn].bytes, exiting[insn].len);
	memcpy(at + prefixes + exiting[insn].len, tail, sizeof(tail));
}

/* More than 15 bytes are #GP.  Catches: a decoder that reads on, or takes a length for another. */
static void long_instructions(struct tally *t)
{
	static const u8 segments[18] = { 0x2e, 0x3e, 0x26, 0x36, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e,
					 0x3e, 0x3e, 0x3e, 0x26, 0x26, 0x26, 0x36, 0x36, 0x36 };
	static u8 code[64];

	for (unsigned insn = 0; insn < ARRAY_SIZE(exiting); insn++)
		for (unsigned n = 0; n <= ARRAY_SIZE(segments); n++) {
			u64 count = 0;
			bool faulted, too_long = n + exiting[insn].len > INSN_MAX;

			put(code, segments, n, insn);
			faulted = call_prepared(code, &count);
			hostile_case(t, insn, n);
			hostile_bad(t, too_long && !faulted, "too-long", insn << 8 | n);
			hostile_bad(t, !too_long && !faulted && count != 1, "length",
				    insn << 8 | n);
		}
}

#define EDGE MiB(18) /* behind it a page of 2 MiB is taken away */

/* Instructions that end at the end of what is mapped, or beyond.  Catches: a decoder that reads on.
 */
static void edge_of_page(struct tally *t)
{
	static const u8 none[1] = { 0 };
	u8 *edge = (u8 *)(uintptr_t)EDGE, saved[16];

	if (rt_memory_end() < EDGE + MiB(2)) {
		edge = (u8 *)(uintptr_t)MiB(8);
		if (rt_memory_end() < MiB(10))
			return;
	}
	memcpy(saved, edge, sizeof(saved));
	for (unsigned insn = 0; insn < ARRAY_SIZE(exiting); insn++)
		for (unsigned inside = 1; inside <= exiting[insn].len; inside++) {
			u64 count = 0;
			bool faulted;

			put(edge - inside, none, 0, insn);
			rt_page_present((u64)(uintptr_t)edge, false);
			faulted = call_prepared(edge - inside, &count);
			rt_page_present((u64)(uintptr_t)edge, true);
			hostile_case(t, insn, inside);
			hostile_bad(t, !faulted || rt_vector != VECTOR_PF || count,
				    "code-that-is-not-there", insn << 8 | inside);
		}
	memcpy(edge, saved, sizeof(saved));
}

/*
 * The same address holds CPUID with ever other prefixes, so with another length each time; behind
 * it INC R11 counts.  Catches: whoever remembers an old length, and steps into the middle.
 */
static void changing_code(struct tally *t)
{
	static u8 code[64] ALIGNED(64);
	static const u8 prefixes[] = { 0x66, 0xf3, 0x2e, 0x48, 0xf2, 0x65 };
	static const u8 tail[] = { 0x0f, 0xa2, 0x49, 0xff, 0xc3, 0x49, 0xff, 0xc3, 0x5b, 0xc3 };

	for (u64 i = hostile_some(600); i; i--) {
		unsigned n = (unsigned)(rt_random() % 9), last = 0;
		u64 r11 = 0;

		code[0] = 0x53; /* CPUID writes RBX */
		for (unsigned k = 0; k < n; k++)
			code[1 + k] =
			    prefixes[last = (unsigned)(rt_random() % (k + 1 == n ? 6 : 3))];
		memcpy(code + 1 + n, tail, sizeof(tail));
		hostile_call(code, &r11);
		hostile_case(t, n, last);
		hostile_bad(t, rt_faulted() || r11 != 2, "RIP-behind-CPUID", n);
	}
}

/* ---- Steps and shadows ------------------------------------------------------------------ */

static u64 steps, interrupts;

static bool count_steps(struct rt_frame *frame)
{
	if (frame->vector >= 32)
		interrupts++;
	if (frame->vector != VECTOR_DB)
		return false;
	if (++steps > 200)
		frame->rflags &= ~RFLAGS_TF;
	return true;
}

/* Catches: a step that is lost behind an instruction that we carry out, or one too many. */
static void single_steps(struct tally *t)
{
	static u8 code[64];
	static const u8 set_tf[] = { 0x9c, 0x81, 0x0c, 0x24, 0, 1, 0, 0, 0x9d };
	static const u8 clear_tf[] = { 0x9c, 0x81, 0x24, 0x24, 0xff,
				       0xfe, 0xff, 0xff, 0x9d, COUNT_AND_RETURN };

	rt_hook = count_steps;
	for (unsigned insn = 0; insn < ARRAY_SIZE(exiting); insn++)
		for (unsigned twice = 0; twice < 2; twice++) {
			u8 *at = code;
			u64 count;

			memcpy(at, set_tf, sizeof(set_tf));
			at += sizeof(set_tf);
			for (unsigned k = 0; k <= twice; k++, at += exiting[insn].len)
				memcpy(at, exiting[insn].bytes, exiting[insn].len);
			memcpy(at, clear_tf, sizeof(clear_tf));
			steps = 0;
			call_prepared(code, &count);
			hostile_case(t, insn, twice);
			/* Behind each, and behind the three that clear the flag. */
			/* [SDM] "Single-Step Exception Condition" (18.3.1.4) */
			hostile_bad(t, rt_faulted() || steps != 4 + twice || count != 1,
				    "single-steps", insn << 8 | steps);
		}
	rt_hook = NULL;
}

#define LAPIC_SVR 0xfee000f0
#define LAPIC_ICR 0xfee00300
#define ICR_SELF BIT(18)

static void ask_for_interrupt(void)
{
	*(volatile u32 *)LAPIC_SVR = 0x1ff;
	*(volatile u32 *)LAPIC_ICR = 0x45 | (u32)ICR_SELF;
}

/* An interrupt waits; STI or MOV SS holds it back for one instruction, which exits.  Catches: an
 * interrupt that is lost, or comes twice. */
static void shadows(struct tally *t)
{
	static u8 code[64];
	static const u8 shadow[2][5] = { { 0xfb, 0x90, 0x90, 0x90, 0x90 },
					 { 0xfb, 0x8c, 0xd6, 0x8e, 0xd6 } };
	static const u8 end[] = { 0x90, 0xfa, COUNT_AND_RETURN };

	rt_hook = count_steps;
	for (unsigned insn = 0; insn < ARRAY_SIZE(exiting); insn++)
		for (unsigned kind = 0; kind < 4; kind++) {
			unsigned lead = kind & 1 ? 5 : 1;
			u64 count = 0;

			memcpy(code, shadow[kind & 1], lead);
			memcpy(code + lead, exiting[insn].bytes, exiting[insn].len);
			memcpy(code + lead + exiting[insn].len, end, sizeof(end));
			interrupts = 0;
			if (kind < 2)
				ask_for_interrupt();
			call_prepared(code, &count);
			hostile_case(t, insn, kind);
			hostile_bad(t, rt_faulted() || interrupts != (kind < 2) || count != 1,
				    "interrupt-in-a-shadow", insn << 8 | interrupts);
			__asm__ volatile("cli");
		}
	rt_hook = NULL;
}

/* ---- Gates --------------------------------------------------------------------------------- */

#define GATE_TYPE_SHIFT 40

struct PACKED pointer {
	u16 limit;
	u64 base;
};

static void spoil(volatile u64 *gate, unsigned vector, unsigned kind)
{
	rt_gate(vector,
		kind == 1   ? 0
		: kind == 2 ? RT_DS
		: kind == 3 ? 0x7f8
			    : RT_CS,
		0, 1, kind != 0);
	if (kind == 4) /* a call gate */
		gate[0] ^= (u64)(0xe ^ 0xc) << GATE_TYPE_SHIFT;
	if (kind == 5) /* a task gate */
		gate[0] ^= (u64)(0xe ^ 0x5) << GATE_TYPE_SHIFT;
}

/* Catches: an event of the guest's that the hypervisor delivers although the guest cannot take it.
 */
static void bad_gates(struct tally *t)
{
	static u8 code[] = { 0xcd, 0, 0xc3 };
	struct pointer idt;

	__asm__ volatile("sidt %0" : "=m"(idt));
	for (unsigned vector = 0; vector < 256; vector += vector < 32 ? 1 : 5) {
		volatile u64 *gate = (volatile u64 *)(uintptr_t)idt.base + vector * 2;
		u64 count;

		if (vector == VECTOR_NMI || vector == VECTOR_DF || vector == VECTOR_NP ||
		    vector == VECTOR_GP || vector == VECTOR_TS)
			continue;
		for (unsigned kind = 0; kind < 6; kind++) {
			spoil(gate, vector, kind);
			code[1] = (u8)vector;
			hostile_call(code, &count);
			hostile_case(t, vector < 32 ? vector : 32 + vector / 32, kind);
			hostile_bad(t, !rt_faulted(), "a-gate-that-is-none", vector << 8 | kind);
		}
		rt_gate(vector, RT_CS, 0, 1, true);
	}
}

static const struct attack attacks[] = {
	{ "svm-instructions", svm_instructions, true },
	{ "vmx-instructions", vmx_instructions, true },
	{ "mode-instructions", mode_instructions, true },
	{ "long-instructions", long_instructions, true },
	{ "edge-of-page", edge_of_page, true },
	{ "changing-code", changing_code, true },
	{ "single-steps", single_steps, true },
	{ "shadows", shadows, true },
	{ "bad-gates", bad_gates, true },
};

const struct attack_list hostile_code = ATTACKS(attacks);
