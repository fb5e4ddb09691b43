/*
 * cases_behind.c - what holds behind an instruction that a hypervisor carried out, or tries again
 *
 * RF is cleared by the instruction that it lets pass, and stays until that is done; NMIs stay
 * blocked until an IRET is done, however often it is begun; segments that are null stay null.
 */
#include "run.h"

#include "x86_ops.h"

#define RF_TITLE "[SDM] \"Instruction-Breakpoint Exception Condition\" (18.3.1.1): RF"
#define IRET_TITLE "[SDM] \"NMI unblocking due to IRET\" (28.2.3)"
#define NMI_TITLE "[SDM] \"Handling Multiple NMIs\" (6.7.1)"
#define NULL_TITLE "[SDM] \"Segment Loading Instructions in IA-32e Mode\" (3.4.4)"
#define SCREEN 0xa0000ul
#define VGA_MISC_READ 0x3cc
#define VGA_MISC_WRITE 0x3c2
#define VGA_SEQUENCER 0x3c4
#define VGA_GRAPHICS 0x3ce

/* ---- RF ------------------------------------------------------------------------------ */

/* Breakpoints on the instruction and on the next one.  RF lets the first pass, and only that. */
#define BREAK_TWO(name, setup, insn)                                                               \
	CODE(behind_##name,                                                                        \
	     LOAD_APIC                                                                             \
	     "leaq 5f(%rip), %rax\nmovq %rax, %dr0\nleaq 6f(%rip), %rax\nmovq %rax, %dr1\n"        \
	     "movl $0x40a, %eax\nmovq %rax, %dr7\nxorl %eax, %eax\nxorl %ecx, %ecx\n" setup        \
	     "\n" AT_A "nop\n5:\n" AT_B insn "\n6:\n" AT_C "nop\n")

BREAK_TWO(nop, "", "nop");
BREAK_TWO(cpuid, "", "cpuid");
BREAK_TWO(in, "", "inb $0x61, %al");
BREAK_TWO(out, "", "outb %al, $0x80");
BREAK_TWO(rdmsr, "movl $0x1b, %ecx", "rdmsr");
BREAK_TWO(wrmsr, "movl $0x10, %ecx\nrdmsr", "wrmsr");
BREAK_TWO(xsetbv, "xgetbv", "xsetbv");
BREAK_TWO(wbinvd, "", "wbinvd");
BREAK_TWO(cr0, "movq %cr0, %rax", "movq %rax, %cr0");
BREAK_TWO(cr8, "", "movq %rax, %cr8");
BREAK_TWO(device, "", "movl 0x20(%rdi), %eax");
BREAK_TWO(touch, "movq behind_at, %rdi", "movl $1, (%rdi)");

u64 behind_at; /* on a page that nobody has touched */

static void choose_page(void)
{
	behind_at = fresh_page(true);
}

/* ---- NMIs ---------------------------------------------------------------------------- */

CODE(behind_nmi, LOAD_APIC AT_A SEND_NMI AT_B "jmp 1f\n1:\n" AT_C "nop\n");
CODE(behind_iret, AT_A "iretq\n" AT_B "nop\n");

static void send_another(void)
{
	lapic_send_nmi();
	__asm__ volatile("jmp 1f\n1: nop");
}

/* The frame is zeros in memory that nobody has touched: tried again, the IRET faults by CS 0. */
static bool iret_from_fresh(struct rt_frame *f)
{
	if (f->vector != VECTOR_NMI || seen[VECTOR_NMI] > 1)
		return f->vector == VECTOR_NMI;
	send_another();
	log_word("sent");
	__asm__ volatile("movq %0, %%rsp\n\tjmp code_behind_iret" ::"r"(fresh_page(true) + MiB(1)));
	return true;
}

/*
 * Graphics memory as an array of bytes, four planes chained: each access is the adapter's affair.
 * IBM VGA, "Sequencer Registers", "Graphics Controller Registers"
 */
static void chain_planes(void)
{
	static const struct {
		u16 port;
		u8 index, value;
	} set[] = {
		{ VGA_SEQUENCER, 2, 0xf }, { VGA_SEQUENCER, 4, 0xe }, { VGA_GRAPHICS, 0, 0 },
		{ VGA_GRAPHICS, 1, 0 },	   { VGA_GRAPHICS, 3, 0 },    { VGA_GRAPHICS, 4, 0 },
		{ VGA_GRAPHICS, 5, 0x40 }, { VGA_GRAPHICS, 6, 5 },    { VGA_GRAPHICS, 8, 0xff },
	};

	x86_outb(VGA_MISC_WRITE, x86_inb(VGA_MISC_READ) | 3);
	for (unsigned i = 0; i < ARRAY_SIZE(set); i++) {
		x86_outb(set[i].port, set[i].index);
		x86_outb(set[i].port + 1, set[i].value);
	}
	*(volatile u16 *)SCREEN = RT_DS;
}

/* SS from the screen's memory: an emulator gives the shadow, and must not open NMIs with it. */
static bool load_from_screen(struct rt_frame *f)
{
	if (f->vector != VECTOR_NMI || seen[VECTOR_NMI] > 1)
		return true;
	send_another();
	__asm__ volatile("movw %0, %%ss\n\tnop\n\tmovq %0, %%rax\n\tjmp 1f\n1:\tnop" ::"m"(
			     *(volatile u16 *)SCREEN)
			 : "rax", "memory");
	log_word("handled");
	return true;
}

/* ---- Null segments -------------------------------------------------------------------- */

/* In 32-bit code; what an emulator loads into SS leaves the others alone. */
#define NULL_SEGMENTS(name, at)                                                                    \
	CODE32(behind_##name,                                                                      \
	       "xorl %eax, %eax\nlldt %ax\nmovl %eax, %es\nmovl %eax, %fs\nmovl %eax, %gs\n"       \
	       "movw 0xa0000, %ss\n" AT_A "nop\n" AT_B "movb %es:" at ", %al\n" AT_C               \
	       "movb %fs:" at ", %al\n" AT_D "movb %al, %gs:" at "\n")

NULL_SEGMENTS(null, "0x8000");
NULL_SEGMENTS(null_device, "0xa0000");

#define BEHIND(label, code)                                                                        \
	{                                                                                          \
		"break-behind-" label, code, "db(B0)@b db(B1)@c", RF_TITLE                         \
	}

const struct event_case behind_cases[] = {
	BEHIND("nop", code_behind_nop),
	BEHIND("cpuid", code_behind_cpuid),
	BEHIND("in", code_behind_in),
	BEHIND("out", code_behind_out),
	BEHIND("rdmsr", code_behind_rdmsr),
	BEHIND("wrmsr", code_behind_wrmsr),
	BEHIND("xsetbv", code_behind_xsetbv),
	BEHIND("wbinvd", code_behind_wbinvd),
	BEHIND("write-cr0", code_behind_cr0),
	BEHIND("write-cr8", code_behind_cr8),
	BEHIND("device-memory", code_behind_device),
	{ "break-behind-first-touch", code_behind_touch, "db(B0)@b db(B1)@c", RF_TITLE,
	  choose_page },
	{ "nmi-unblocked-by-iret-from-fresh-stack", code_behind_nmi, "nmi@b sent nmi@h gp(0)@a",
	  IRET_TITLE, .hook = iret_from_fresh },
	{ "nmi-blocked-over-load-of-ss", code_behind_nmi, "nmi@b handled nmi@b", NMI_TITLE,
	  chain_planes, load_from_screen },
	{ "null-segments-stay-null", code_behind_null, "gp(0)@b gp(0)@c gp(0)@d", NULL_TITLE,
	  chain_planes },
	{ "null-segments-and-a-device", code_behind_null_device, "gp(0)@b gp(0)@c gp(0)@d",
	  NULL_TITLE, chain_planes },
};
const unsigned behind_case_count = ARRAY_SIZE(behind_cases);
