/*
 * hostile_cpu.c - instructions and registers that belong to whoever owns the machine
 */
#include "hostile.h"
#include "lib/string.h"
#include "registers.h"
#include "x86_ops.h"

/* ---- VM instructions of both vendors ------------------------------------------------ */

static u8 page[4096] ALIGNED(4096);

#define TRY_VM(insn)                                                                               \
	do {                                                                                       \
		RT_TRY(insn, RT_OUT(), "a"(where[i]), "c"(0), "d"(page), "b"(&where[i]));          \
		hostile_case(t);                                                                   \
		hostile_bad(t, !rt_faulted(), insn, where[i]);                                     \
	} while (0)

static void vm_instructions(struct tally *t)
{
	const u64 where[] = { (u64)(uintptr_t)page, 0,		0xfff, 0x100000,
			      0xfee00000,	    1ull << 39, ~0ull };

	for (unsigned i = 0; i < ARRAY_SIZE(where); i++) {
		TRY_VM("vmrun");
		TRY_VM("vmload");
		TRY_VM("vmsave");
		TRY_VM("stgi");
		TRY_VM("clgi");
		TRY_VM("skinit");
		TRY_VM("invlpga");
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
		TRY_VM(".byte 0x0f, 0x37");	  /* GETSEC */
		TRY_VM("rsm");
	}
}

/* What the interface has is answered, all else refused; nothing else may change. */
static void hypercall(struct tally *t, u64 number, u64 argument)
{
	u64 a = number;

	RT_TRY("vmmcall", RT_OUT("+a"(a)), "b"(argument), "c"(argument), "d"(argument),
	       "S"(argument), "D"(argument));
	hostile_case(t);
	a = number;
	RT_TRY("vmcall", RT_OUT("+a"(a)), "b"(argument), "c"(argument), "d"(argument),
	       "S"(argument), "D"(argument));
	hostile_case(t);
}

static void hypercalls(struct tally *t)
{
	const u64 arguments[] = { 0,
				  1,
				  0xfff,
				  (u64)(uintptr_t)page,
				  rt_memory_end(),
				  GiB(4) - 1,
				  0xffff800000000000,
				  0xffffffff80000000,
				  ~0ull };

	for (u64 number = 0; number < 300; number++)
		for (unsigned i = 0; i < ARRAY_SIZE(arguments); i++)
			hypercall(t, number, arguments[i]);
	for (unsigned i = 0; i < 64; i++)
		hypercall(t, 1ull << i, rt_random());
}

/* ---- Control registers ---------------------------------------------------------------- */

#define TRY_CR(n, value) RT_TRY("mov %0, %%cr" #n, RT_OUT(), "r"((u64)(value)))

static void control_registers(struct tally *t)
{
	u64 cr0 = x86_read_cr0(), cr4 = x86_read_cr4(), efer = x86_rdmsr(MSR_EFER);

	for (unsigned bit = 0; bit < 64; bit++) {
		TRY_CR(0, cr0 ^ 1ull << bit);
		hostile_case(t);
		hostile_bad(t, bit >= 32 && !rt_faulted(), "CR0-reserved-bit", bit);
		x86_write_cr0(cr0);
		TRY_CR(4, cr4 ^ 1ull << bit);
		hostile_case(t);
		hostile_bad(t, (bit >= 25 || bit == 13 || bit == 15) && !rt_faulted(),
			    "CR4-reserved-bit", bit);
		x86_write_cr4(cr4);
		TRY_CR(8, 1ull << bit);
		hostile_case(t);
		hostile_bad(t, bit >= 4 && !rt_faulted(), "CR8-reserved-bit", bit);
		TRY_CR(8, 0);
		hostile_bad(t,
			    rt_wrmsr(MSR_EFER, efer ^ 1ull << bit) && bit != 0 && bit != 8 &&
				bit != 10 && bit != 11 && bit != 13 && bit != 14,
			    "EFER-reserved-bit", bit);
		hostile_case(t);
		rt_wrmsr(MSR_EFER, efer);
	}
	TRY_CR(4, cr4 ^ CR4_PAE);
	hostile_bad(t, !rt_faulted(), "PAE-off-in-long-mode", 0);
	hostile_case(t);
}

static void xcr0(struct tally *t)
{
	u32 lo, hi;

	registers_set(rt_number("seed", 666)); /* sets CR4.OSXSAVE if there is XSAVE */
	if (!(x86_read_cr4() & CR4_OSXSAVE))
		return;
	lo = (u32)x86_xgetbv(0);
	hi = (u32)(x86_xgetbv(0) >> 32);
	for (unsigned bit = 0; bit < 64; bit++) {
		u64 value = (lo | (u64)hi << 32) ^ 1ull << bit;

		RT_TRY("xsetbv", RT_OUT(), "a"((u32)value), "d"((u32)(value >> 32)), "c"(0));
		hostile_case(t);
		hostile_bad(t, bit > 19 && !rt_faulted(), "XCR0-reserved-bit", bit);
		hostile_bad(t, bit == 0 && !rt_faulted(), "XCR0-without-x87", bit);
		RT_TRY("xsetbv", RT_OUT(), "a"(lo), "d"(hi), "c"(0));
		RT_TRY("xsetbv", RT_OUT(), "a"(lo), "d"(hi), "c"(1u << (bit & 31)));
		hostile_case(t);
		hostile_bad(t, !rt_faulted(), "XSETBV-index", bit & 31);
	}
}

/* ---- Tables ---------------------------------------------------------------------------- */

struct PACKED pointer {
	u16 limit;
	u64 base;
};

static void tables(struct tally *t)
{
	const u64 bases[] = { 0,	  0xa0000,    0xfee00000,	  rt_memory_end(),
			      GiB(4) - 8, 1ull << 46, 0xffff800000000000, 0xffffffff80000000 };
	struct pointer gdt, idt, odd;

	__asm__ volatile("sgdt %0; sidt %1" : "=m"(gdt), "=m"(idt));
	for (unsigned i = 0; i < ARRAY_SIZE(bases); i++) {
		odd = (struct pointer){ (u16)rt_random(), bases[i] };
		RT_TRY("lgdt %0", RT_OUT(), "m"(odd));
		__asm__ volatile("lgdt %0" ::"m"(gdt));
		hostile_case(t);
		/* No fault may happen while the IDT is elsewhere. */
		__asm__ volatile("lidt %0; lidt %1" ::"m"(odd), "m"(idt));
		t->cases++;
	}
	for (u32 selector = 0; selector < 0x60; selector++) {
		RT_TRY("lldt %w0", RT_OUT(), "r"(selector));
		hostile_case(t);
		/* QEMU loads a null selector, and aborts at the next exception: [SDM] "LTR" has
		 * #GP. */
		if (selector > 3) {
			RT_TRY("ltr %w0", RT_OUT(), "r"(selector));
			hostile_case(t);
		}
		RT_TRY("movl %0, %%fs", RT_OUT(), "r"(selector));
		hostile_case(t);
		RT_TRY("movl %0, %%gs", RT_OUT(), "r"(selector));
		hostile_case(t);
	}
	RT_TRY("lldt %w0", RT_OUT(), "r"(0));
}

/* ---- Debug registers, single steps ------------------------------------------------------- */

static u64 steps, stray_steps;

static bool count_steps(struct rt_frame *frame)
{
	if (frame->vector != VECTOR_DB)
		return false;
	steps++;
	if (steps > 200)
		frame->rflags &= ~RFLAGS_TF;
	return true;
}

static void single_steps(struct tally *t)
{
	steps = 0;
	rt_hook = count_steps;
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n\t"
			 "nop\n\txorl %%eax, %%eax\n\txorl %%ecx, %%ecx\n\tcpuid\n\t"
			 "movl $0xed, %%edx\n\tinb %%dx, %%al\n\toutb %%al, %%dx\n\t"
			 "movl $0x1b, %%ecx\n\trdmsr\n\tmovq %%cr4, %%rax\n\tmovq %%rax, %%cr4\n\t"
			 "movl 0xfee00030, %%eax\n\t"
			 "pushfq; andq $~0x100, (%%rsp); popfq" ::
			     : "rax", "rbx", "rcx", "rdx", "memory", "cc");
	rt_hook = NULL;
	t->cases += steps;
	/* From the one behind the POPFQ that sets TF to the POPFQ that clears it. */
	/* [SDM] "Single-Step Exception Condition" (18.3.1.4) */
	hostile_bad(t, steps != 15, "single-steps", steps);
}

static void debug_registers(struct tally *t)
{
	rt_hook = count_steps;
	for (unsigned bit = 0; bit < 64; bit++) {
		steps = 0;
		RT_TRY("mov %0, %%dr7", RT_OUT(), "r"(1ull << bit | DR7_FIXED));
		hostile_case(t);
		hostile_bad(t, bit >= 32 && !rt_faulted(), "DR7-reserved-bit", bit);
		RT_TRY("mov %0, %%dr7", RT_OUT(), "r"(DR7_FIXED));
		RT_TRY("mov %0, %%dr7", RT_OUT(), "r"(DR7_FIXED));
		RT_TRY("mov %0, %%dr6", RT_OUT(), "r"(1ull << bit | DR6_FIXED));
		hostile_case(t);
		hostile_bad(t, bit >= 32 && !rt_faulted(), "DR6-reserved-bit", bit);
		RT_TRY("mov %0, %%dr0", RT_OUT(), "r"(rt_random()));
		hostile_case(t);
	}
	rt_hook = NULL;
	stray_steps = steps;
	single_steps(t);
}

/* ---- Caches and others --------------------------------------------------------------------- */

static void caches(struct tally *t)
{
	u64 low, high;

	RT_TRY("wbinvd", RT_OUT(), "i"(0));
	hostile_case(t);
	page[7] = 0x5a;
	RT_TRY("invd", RT_OUT(), "i"(0));
	hostile_case(t);
	hostile_bad(t, page[7] != 0x5a, "INVD-lost-a-store", 0);
	RT_TRY("clflush (%0)", RT_OUT(), "r"(page));
	hostile_case(t);
	RT_TRY("invlpg (%0)", RT_OUT(), "r"(0x8000000000000000));
	hostile_case(t);
	RT_TRY("monitor", RT_OUT(), "a"(page), "c"(0), "d"(0));
	hostile_case(t);
	RT_TRY("pause", RT_OUT(), "i"(0));
	hostile_case(t);
	for (u32 i = 0; i < 32; i++) {
		RT_TRY("rdpmc", RT_OUT("=a"(low), "=d"(high)), "c"(i));
		hostile_case(t);
	}
	RT_TRY("swapgs; swapgs", RT_OUT(), "i"(0));
	hostile_case(t);
}

/* ---- Code that changes under the hypervisor's feet ------------------------------------------ */

__asm__(".local saved_rsp; .comm saved_rsp, 8, 8");

/*
 * The same address holds CPUID with ever other prefixes, so with another length each time; behind
 * it INC R11 counts.  Whoever remembers an old length steps into the middle.
 */
static void changing_code(struct tally *t)
{
	static u8 code[64] ALIGNED(64);
	static const u8 prefixes[] = { 0x66, 0xf3, 0x2e, 0x48, 0xf2, 0x65 };
	static const u8 tail[] = { 0x0f, 0xa2, 0x49, 0xff, 0xc3, 0x49, 0xff, 0xc3, 0xc3 };

	for (unsigned i = 0; i < 600; i++) {
		unsigned n = (unsigned)(rt_random() % 9);
		u64 r11 = 0;

		for (unsigned k = 0; k < n; k++)
			code[k] = prefixes[rt_random() % (k + 1 == n ? 6 : 3)];
		memcpy(code + n, tail, sizeof(tail));
		rt_vector = RT_NONE;
		__asm__ volatile(
		    "movq $77f, rt_fixup\n\txor %%r11d, %%r11d\n\txor %%eax, %%eax\n\t"
		    "push %%rbx\n\tmovq %%rsp, saved_rsp\n\tcall *%1\n77:\t"
		    "movq saved_rsp, %%rsp\n\tpop %%rbx\n\tmovq $0, rt_fixup\n\tmov %%r11, %0"
		    : "=r"(r11)
		    : "r"(code)
		    : "rax", "rcx", "rdx", "r11", "memory", "cc");
		hostile_case(t);
		hostile_bad(t, rt_faulted() || r11 != 2, "RIP-behind-CPUID", n);
	}
}

/* Other values than the neighbour's in all registers that are swapped. */
static void own_registers(struct tally *t)
{
	const char *which = "none";

	for (unsigned i = 0; i < 50; i++) {
		u64 seed = rt_random();

		registers_set(seed);
		for (unsigned k = 0; k < 200; k++)
			x86_cpuid(0, 0);
		hostile_bad(t, registers_check(seed, &which) != 0, which ? which : "none", i);
		t->cases++;
	}
}

static const struct attack attacks[] = {
	{ "vm-instructions", vm_instructions, true },
	{ "hypercalls", hypercalls, true },
	{ "control-registers", control_registers, true },
	{ "xcr0", xcr0, false },
	{ "tables", tables, true },
	{ "debug", debug_registers, true },
	{ "caches", caches, true },
	{ "changing-code", changing_code, true },
	{ "own-registers", own_registers, true },
};

const struct attack_list hostile_cpu = { attacks, ARRAY_SIZE(attacks) };
