/*
 * census_time.c - what comes between two instructions: lengths, single steps, shadows, interrupts
 *
 * Sources: [SDM] "Single-Step Exception Condition" (18.3.1.4), "Masking Exceptions and Interrupts
 * When Switching Stacks" (6.8.3), "Local APIC" (11).
 */
#include "census.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "x86_ops.h"

/* ---- Lengths ------------------------------------------------------------------------- */

#define INC_R11 0x49, 0xff, 0xc3

static u8 code[64] ALIGNED(64);

static const struct {
	const char *name;
	u8 len, bytes[15];
} instructions[] = {
	{ "cpuid", 2, { 0x0f, 0xa2 } },
	{ "cpuid.66", 3, { 0x66, 0x0f, 0xa2 } },
	{ "cpuid.rex", 3, { 0x48, 0x0f, 0xa2 } },
	{ "cpuid.f3", 3, { 0xf3, 0x0f, 0xa2 } },
	{ "cpuid.2e.66.rex", 5, { 0x2e, 0x66, 0x41, 0x0f, 0xa2 } },
	{ "cpuid.long",
	  15,
	  { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x0f,
	    0xa2 } },
	{ "in.al.dx", 1, { 0xec } },
	{ "in.ax.dx", 2, { 0x66, 0xed } },
	{ "in.al.imm", 2, { 0xe4, 0xea } },
	{ "in.rex", 2, { 0x48, 0xec } },
	{ "out.imm.66", 3, { 0x66, 0xe7, 0xea } },
	{ "rdmsr", 2, { 0x0f, 0x32 } },
	{ "rdmsr.66", 3, { 0x66, 0x0f, 0x32 } },
	{ "rdmsr.long", 8, { 0x2e, 0x3e, 0x26, 0x36, 0x66, 0x67, 0x0f, 0x32 } },
	{ "wbinvd.66", 3, { 0x66, 0x0f, 0x09 } },
	{ "mov.cr0", 3, { 0x0f, 0x20, 0xc0 } },
	{ "mov.cr8.rex", 4, { 0x44, 0x0f, 0x20, 0xc0 } },
	{ "rdtsc", 2, { 0x0f, 0x31 } },
	{ "mmio.disp32", 8, { 0x67, 0x8b, 0x04, 0x25, 0x30, 0x00, 0xe0, 0xfe } },
};

/*
 * The instruction, then INC R11 twice: whoever steps too far or too short loses one or faults.  So
 * does who stops before an immediate byte: 0xea is #UD in 64-bit mode.
 */
static u64 run_code(const u8 *bytes, unsigned len)
{
	static const u8 tail[] = { INC_R11, INC_R11, 0xc3 };
	u64 r11 = 0;

	memcpy(code, bytes, len);
	memcpy(code + len, tail, sizeof(tail));
	rt_vector = RT_NONE;
	__asm__ volatile(
	    "movq $77f, rt_fixup\n\txor %%r11d, %%r11d\n\txor %%eax, %%eax\n\tpush %%rbx\n\t"
	    "mov $0x1b, %%ecx\n\tmov $0xed, %%edx\n\tmovq %%rsp, census_rsp\n\tcall *%1\n77:\t"
	    "movq census_rsp, %%rsp\n\tpop %%rbx\n\tmovq $0, rt_fixup\n\tmov %%r11, %0"
	    : "=r"(r11)
	    : "r"((u64)(uintptr_t)code)
	    : "rax", "rcx", "rdx", "r11", "memory", "cc");
	return rt_faulted() ? 0xf000 + rt_vector : r11;
}

__asm__(".local census_rsp; .comm census_rsp, 8, 8");

/* The second time, a hypervisor may know the instruction already. */
static u64 run_twice(const u8 *bytes, unsigned len)
{
	u64 r11 = run_code(bytes, len);

	return r11 == 2 ? run_code(bytes, len) : r11;
}

void census_length(void)
{
	char name[CENSUS_NAME_MAX];

	for (unsigned i = 0; i < ARRAY_SIZE(instructions); i++) {
		fmt_string(name, sizeof(name), "length.%s", instructions[i].name);
		census_number_manual(name, run_twice(instructions[i].bytes, instructions[i].len),
				     2);
	}
}

/* ---- Single steps -------------------------------------------------------------------------- */

static u64 steps[32], step_count;
static u8 stepped_dr6;

static bool note_step(struct rt_frame *frame)
{
	u64 dr6;

	if (frame->vector != VECTOR_DB)
		return false;
	__asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
	stepped_dr6 = (u8)(dr6 >> 14 & 1);
	__asm__ volatile("mov %0, %%dr6" ::"r"(DR6_FIXED));
	if (step_count < ARRAY_SIZE(steps))
		steps[step_count] = frame->rip;
	if (++step_count > 100)
		frame->rflags &= ~RFLAGS_TF;
	return true;
}

extern const char census_steps[];

static void single_steps(void)
{
	char name[CENSUS_NAME_MAX];

	step_count = 0;
	rt_hook = note_step;
	__asm__ volatile(
	    "pushfq; orq $0x100, (%%rsp); popfq\n"
	    "census_steps:\tnop\n\txorl %%eax, %%eax\n\tcpuid\n\tnop\n\t"
	    "movl $0xed, %%edx\n\tinb %%dx, %%al\n\tnop\n\toutb %%al, %%dx\n\tnop\n\t"
	    "movl $0x1b, %%ecx\n\trdmsr\n\tnop\n\tmovq %%cr0, %%rax\n\tmovq %%rax, %%cr0\n\tnop\n\t"
	    "movl 0xfee00030, %%eax\n\tnop\n\t"
	    "pushfq; andq $~0x100, (%%rsp); popfq" ::
		: "rax", "rbx", "rcx", "rdx", "memory", "cc");
	rt_hook = NULL;
	census_number("step.count", step_count);
	census_number_manual("step.dr6.bs", stepped_dr6, 1);
	for (unsigned i = 0; i < MIN(step_count, ARRAY_SIZE(steps)); i++) {
		fmt_string(name, sizeof(name), "step.%u", i);
		census_number(name, steps[i] - (u64)(uintptr_t)census_steps);
	}
}

/* ---- Interrupts ------------------------------------------------------------------------------ */

#define ICR 0xfee00300ull
#define ICR_HIGH 0xfee00310ull
#define SVR 0xfee000f0ull
#define EOI 0xfee000b0ull
#define TPR 0xfee00080ull
#define SELF BIT(18)
#define VECTOR 0x60

static volatile u64 came_at, came;

static bool note_interrupt(struct rt_frame *frame)
{
	if (frame->vector != VECTOR && frame->vector != VECTOR + 0x10)
		return false;
	if (!came++)
		came_at = frame->rip;
	*(volatile u32 *)EOI = 0;
	return true;
}

static void write_apic(u64 at, u32 value)
{
	*(volatile u32 *)at = value;
}

static void pend(u32 vector)
{
	write_apic(ICR, (u32)SELF | vector);
}

/* Where does a pending interrupt get in, counted in bytes from the label? */
#define ARRIVES(name, insns, manual)                                                               \
	do {                                                                                       \
		u64 label;                                                                         \
		came = came_at = 0;                                                                \
		pend(VECTOR);                                                                      \
		__asm__ volatile("leaq 1f(%%rip), %0\n1:\t" insns "\n\tcli"                        \
				 : "=&r"(label)                                                    \
				 : "d"(0xed)                                                       \
				 : "rax", "rbx", "rcx", "memory", "cc");                           \
		census_number_manual(name, came ? came_at - label : 0xbad, manual);                \
	} while (0)

/* CPUID of a leaf that never changes; the second time a hypervisor may know the instruction. */
static NEVER_INLINE void shadow_before_cpuid(const char *name)
{
	ARRIVES(name, "xorl %%eax, %%eax; sti; cpuid; nop; nop", 5);
}

static void shadows(void)
{
	ARRIVES("sti.nop", "sti; nop; nop; nop", 2);
	ARRIVES("sti.in", "sti; inb %%dx, %%al; nop; nop", 2);
	ARRIVES("sti.cpuid", "sti; cpuid; nop; nop", 3);
	shadow_before_cpuid("sti.cpuid.0");
	shadow_before_cpuid("sti.cpuid.0.again");
	ARRIVES("sti.hlt", "sti; hlt; nop; nop", 2);
	/* The instruction in the shadow exits, and is tried again: RAM that nobody has touched. */
	ARRIVES("sti.touch", "sti; movb $1, 0x2a00000; nop; nop", 9);
	ARRIVES("sti.touch.read", "sti; movb 0x2c00000, %%al; nop; nop", 8);
	ARRIVES("sti.mmio", "sti; movl 0xfee00030, %%eax; nop; nop", 10);
	ARRIVES("popf", "pushfq; orq $0x200, (%%rsp); popfq; nop; nop", 10);
}

/*
 * A fault comes first, as IF is set; the interrupt that waits comes with the next STI, though
 * nothing exits in between.
 */
static void behind_fault(void)
{
	came = 0;
	pend(VECTOR);
	RT_TRY("sti; insb", RT_OUT(), "D"(RT_WINDOW + MiB(1) + 8), "d"(0xed));
	census_trap("sti.fault", "#14(0x2)");
	census_number_manual("sti.fault.cr2", rt_cr2, RT_WINDOW + MiB(1) + 8);
	__asm__ volatile("sti; nop; nop; nop; cli" ::: "memory");
	census_number_manual("sti.fault.then", came, 1);
}

static void priorities_by_cr8(void)
{
	came = 0;
	__asm__ volatile("mov %0, %%cr8" ::"r"(6ull));
	pend(VECTOR);
	pend(VECTOR + 0x10);
	__asm__ volatile("sti; nop; nop; nop; cli" ::: "memory");
	census_number_manual("cr8.6", came, 1);
	__asm__ volatile("mov %0, %%cr8; sti; nop; nop; cli" ::"r"(0ull) : "memory");
	census_number_manual("cr8.0", came, 2);
}

static void priorities(void)
{
	came = 0;
	write_apic(TPR, 0xf0);
	pend(VECTOR);
	__asm__ volatile("sti; nop; nop; inb $0xed, %%al; nop; cli" ::: "rax", "memory");
	census_number_manual("tpr.holds", came, 0);
	write_apic(TPR, 0);
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
	census_number_manual("tpr.lets", came, 1);
	if (!rt_avoids("cr8.6"))
		priorities_by_cr8();
	came = 0;
	pend(VECTOR);
	pend(VECTOR);
	census_number_manual("irr", *(volatile u32 *)0xfee00230, 1);
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
	census_number_manual("irr.twice-is-once", came, 1);
	census_number_manual("if.holds", (pend(VECTOR), came), 1);
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
}

/* ---- NMIs ------------------------------------------------------------------------------------ */

#define APIC_ID 0xfee00020ull
#define ICR_NMI (BIT(14) | BIT(10)) /* assert, delivery mode 100b */
#define LONG_ENOUGH 1000

static volatile u64 nmis, depth, deepest, order;

static void send_nmi(void)
{
	write_apic(ICR_HIGH, *(volatile u32 *)APIC_ID & 0xff000000);
	write_apic(ICR, (u32)ICR_NMI);
	for (unsigned i = 0; i < LONG_ENOUGH; i++)
		__asm__ volatile("");
}

/*
 * The first NMI asks for an interrupt and for another NMI, which must wait for its IRET.  One that
 * comes with interrupts on is noted as such: it was not within the handler of the interrupt.
 */
static bool note_nmi(struct rt_frame *frame)
{
	if (frame->vector != VECTOR && frame->vector != VECTOR_NMI)
		return false;
	order = order * 10 + (frame->vector == VECTOR ? 2 : frame->rflags & RFLAGS_IF ? 3 : 1);
	if (frame->vector == VECTOR) {
		*(volatile u32 *)EOI = 0;
		return true;
	}
	if (++depth > deepest)
		deepest = depth;
	if (!nmis++) {
		pend(VECTOR);
		send_nmi();
	}
	depth--;
	return true;
}

/*
 * NMIs come whatever IF says, one at a time, and before interrupts.  On no stack of their own: one
 * within another is to be counted, not to destroy it.
 * [SDM] "Handling Multiple NMIs" (6.7.1), "Priority Among Simultaneous Exceptions and Interrupts"
 * (6.9)
 */
static void non_maskable(void)
{
	rt_gate(VECTOR_NMI, RT_CS, 0, 0, true);
	rt_hook = note_nmi;
	send_nmi();
	census_number_manual("nmi.count", nmis, 2);
	census_number_manual("nmi.deepest", deepest, 1);
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
	census_number_manual("nmi.order", order, 112);
	nmis = order = 0;
	__asm__ volatile("sti" ::: "memory");
	send_nmi();
	__asm__ volatile("cli" ::: "memory");
	census_number_manual("nmi.order.if", order, 332);
}

void census_interrupt(void)
{
	single_steps();
	write_apic(SVR, 0x1ff);
	write_apic(TPR, 0);
	rt_hook = note_interrupt;
	shadows();
	behind_fault();
	priorities();
	non_maskable();
	rt_hook = NULL;
}
