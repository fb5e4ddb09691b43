/*
 * cases_shadow.c - STI and MOV SS hold events back until the next instruction is over
 *
 * The instruction in the shadow is also one that exits to a hypervisor: what it completes by
 * itself ends the shadow.
 */
#include "run.h"

#include "x86_ops.h"

#define STI_TITLE "[SDM] \"Masking Maskable Hardware Interrupts\" (6.8.1), STI (vol. 2)"
#define SS_TITLE "[SDM] \"Masking Exceptions and Interrupts When Switching Stacks\" (6.8.3)"
#define IF_TITLE "[SDM] \"Prioritization of Concurrent Events\" (6.9)"
#define LOOPS "100"
#define TIMER_PERIOD 200000
#define TIMER_PERIODIC BIT(17)

/* IF becomes 1 at STI; what is pending waits until the instruction behind it is over. */
#define STI_CODE(name, insn)                                                                       \
	CODE(sti_##name, LOAD_APIC "sti\n" AT_A insn "\n" AT_B "nop\n" AT_C "nop\n")

STI_CODE(nop, "nop");
STI_CODE(xor, "xorl %eax, %eax");
CODE(sti_cpuid, "xorl %eax, %eax\nsti\n" AT_A "cpuid\n" AT_B "nop\n" AT_C "nop\n");
STI_CODE(in, "inb $0x61, %al");
STI_CODE(out, "outb %al, $0x80");
CODE(sti_rdmsr, "movl $0x1b, %ecx\nsti\n" AT_A "rdmsr\n" AT_B "nop\n" AT_C "nop\n");
CODE(sti_wrmsr, "movl $0xc0000102, %ecx\nxorl %eax, %eax\nxorl %edx, %edx\nsti\n" AT_A
		"wrmsr\n" AT_B "nop\n" AT_C "nop\n");
STI_CODE(mmio, "movl 0x20(%rdi), %eax");
STI_CODE(cr0, "movq %cr0, %rax");
CODE(sti_cr0_write, "movq %cr0, %rax\nsti\n" AT_A "movq %rax, %cr0\n" AT_B "nop\n" AT_C "nop\n");
STI_CODE(wbinvd, "wbinvd");
STI_CODE(hlt, "hlt");
STI_CODE(sti, "sti");
STI_CODE(ud, "ud2");
CODE(sti_vmrun, "xorl %eax, %eax\nsti\n" AT_A "vmrun\n" AT_B "nop\n" AT_C "nop\n");
STI_CODE(vmxoff, "vmxoff");
CODE(sti_xsetbv, "xorl %ecx, %ecx\nxorl %eax, %eax\nxorl %edx, %edx\nsti\n" AT_A "xsetbv\n" AT_B
		 "nop\n" AT_C "nop\n");
STI_CODE(int, "int $" TEXT(DPL3_VECTOR));
CODE(sti_cli, "sti\n" AT_A "cli\n" AT_B "nop\n" AT_C "nop\n");
CODE(popf, SET_FLAGS(IF) AT_A "nop\n" AT_B "nop\n");
CODE(iret, "movq %rsp, %rax\n" PUSH_DATA "pushq %rax\npushq $0x202\n" PUSH_CODE
	   "leaq 1f(%rip), %rax\npushq %rax\niretq\n1:\n" AT_A "nop\n" AT_B "nop\n");
CODE(sti_rep, "leaq events_buffer(%rip), %rdi\nleaq 8(%rdi), %rsi\nmovl $8, %ecx\nsti\n" AT_A
	      "rep movsb\n" AT_B "nop\n");

CODE(sti_pushf,
     "sti\n" AT_A "pushfq\n" AT_B "popq %rax\nandl $0x100, %eax\nmovl %eax, events_word\n");
CODE(sti_popf, "pushq $0x202\nsti\n" AT_A "popfq\n" AT_B "nop\n" AT_C "nop\n");
CODE(sti_syscall,
     "sti\n" AT_A "syscall\n.globl sti_syscall_to\nsti_syscall_to:\n" AT_B "nop\n" AT_C "nop\n");
CODE(sti_jmp, "sti\n" AT_A "jmp 1f\n" AT_B "nop\n1:\n" AT_C "nop\n" AT_D "nop\n");
CODE(sti_iret,
     "movq %rsp, %rax\n" PUSH_DATA "pushq %rax\npushq $0x202\n" PUSH_CODE
     "leaq 1f(%rip), %rax\npushq %rax\nsti\n" AT_A "iretq\n1:\n" AT_B "nop\n" AT_C "nop\n");

/* A timer that comes at any time: never in the shadow, of STI or of MOV SS. */
#define NEVER_CODE(name, begin, insn)                                                              \
	CODE(name, "movl %ss, %ebx\nsti\n1:\n" begin "\n" AT_A insn "\nnop\nnop\ncmpl $" LOOPS     \
		   ", interrupts_total\njb 1b\ncli\n")

NEVER_CODE(never_ss_nop, "movl %ebx, %ss", "nop");
NEVER_CODE(never_ss_cpuid, "xorl %eax, %eax\nmovl %ss, %ebx\nmovl %ebx, %ss", "cpuid");
NEVER_CODE(never_ss_in, "movl %ebx, %ss", "inb $0x61, %al");
NEVER_CODE(never_sti_nop, "cli\nnop\nsti", "nop");
NEVER_CODE(never_sti_out, "cli\nnop\nsti", "outb %al, $0x80");

CODE32(sti32, "sti\n" AT_A "nop\n" AT_B "nop\n" AT_C "nop\n");
/* The instruction between POP SS and the next: here the timer looks for it in 32-bit code. */
CODE32(never_pop_ss, "sti\n1:\npushl %ss\npopl %ss\n" AT_A "nop\nnop\ncmpl $" LOOPS
		     ", interrupts_total\njb 1b\ncli\n");

u8 events_buffer[64];
extern const char sti_syscall_to[];

static void pend_and_syscall(void)
{
	x86_wrmsr(MSR_STAR, (u64)RT_CS << 32);
	x86_wrmsr(MSR_LSTAR, (u64)(uintptr_t)sti_syscall_to);
	x86_wrmsr(MSR_SFMASK, 0);
	pend_irq0();
}

static void log_pushed(void)
{
	log_word("pushed %x", events_word);
}

static void pend_v51(void)
{
	lapic_send_self(0x51);
}

static void start_timer(void)
{
	count_only = true;
	lapic_write(LAPIC_LVT_TIMER, TIMER_PERIODIC | 0x51);
	lapic_write(LAPIC_TIMER_INITIAL, TIMER_PERIOD);
}

static void count_in_shadow(void)
{
	log_word("%s", interrupts_at_a ? "sometimes" : "never");
}

#define STI(label, code, want)                                                                     \
	{                                                                                          \
		"sti-" label, code, want, STI_TITLE, pend_irq0                                     \
	}
#define NEVER(label, code, title, is_slow)                                                         \
	{                                                                                          \
		"never-" label, code, "never", title, start_timer, .after = count_in_shadow,       \
			.slow = is_slow                                                            \
	}

const struct event_case shadow_cases[] = {
	STI("nop", code_sti_nop, "irq0@b"),
	{ "sti-nop-apic", code_sti_nop, "v51@b", STI_TITLE, pend_v51 },
	STI("xor", code_sti_xor, "irq0@b"),
	STI("cpuid", code_sti_cpuid, "irq0@b"),
	{ "sti-cpuid-apic", code_sti_cpuid, "v51@b", STI_TITLE, pend_v51 },
	STI("in", code_sti_in, "irq0@b"),
	STI("out", code_sti_out, "irq0@b"),
	STI("rdmsr", code_sti_rdmsr, "irq0@b"),
	STI("wrmsr", code_sti_wrmsr, "irq0@b"),
	STI("device-memory", code_sti_mmio, "irq0@b"),
	STI("read-cr0", code_sti_cr0, "irq0@b"),
	STI("write-cr0", code_sti_cr0_write, "irq0@b"),
	STI("wbinvd", code_sti_wbinvd, "irq0@b"),
	STI("hlt", code_sti_hlt, "irq0@b"),
	STI("sti", code_sti_sti, "irq0@b"),
	STI("cli", code_sti_cli, "-"),
	STI("ud", code_sti_ud, "ud@a irq0@b"),
	STI("vmrun", code_sti_vmrun, "ud@a irq0@b"),
	STI("vmxoff", code_sti_vmxoff, "ud@a irq0@b"),
	STI("xsetbv-gp", code_sti_xsetbv, "gp(0)@a irq0@b"),
	STI("int", code_sti_int, "v32@b irq0@b"),
	STI("popf", code_sti_popf, "irq0@b"),
	STI("jmp", code_sti_jmp, "irq0@c"),
	STI("iret", code_sti_iret, "irq0@b"),
	{ "sti-pushf", code_sti_pushf, "irq0@b pushed 0", STI_TITLE, pend_irq0,
	  .after = log_pushed },
	{ "sti-syscall", code_sti_syscall, "irq0@b", STI_TITLE, pend_and_syscall },
	STI("rep-movs", code_sti_rep, "irq0@a or irq0@b"),
	{ "popf-opens", code_popf, "irq0@a", IF_TITLE, pend_irq0 },
	{ "iret-opens", code_iret, "irq0@a", IF_TITLE, pend_irq0 },
	NEVER("mov-ss-nop", code_never_ss_nop, SS_TITLE, true),
	NEVER("mov-ss-cpuid", code_never_ss_cpuid, SS_TITLE, false),
	NEVER("mov-ss-in", code_never_ss_in, SS_TITLE, true),
	NEVER("sti-nop", code_never_sti_nop, STI_TITLE, true),
	NEVER("sti-out", code_never_sti_out, STI_TITLE, false),
	NEVER("pop-ss-32", code_never_pop_ss, SS_TITLE, true),
	STI("nop-32", code_sti32, "irq0@b"),
};
const unsigned shadow_case_count = ARRAY_SIZE(shadow_cases);
