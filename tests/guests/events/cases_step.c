/*
 * cases_step.c - single-stepping: a #DB behind each instruction that began with TF set
 *
 * Many of the instructions exit to a hypervisor, which has to raise the trap in the CPU's place.
 */
#include "run.h"

#include "x86_ops.h"

#define STEP_TITLE "[SDM] \"Single-Step Exception Condition\" (18.3.1.4)"
#define SS_TITLE "[SDM] \"Masking Exceptions and Interrupts When Switching Stacks\" (6.8.3)"
#define ORDER_TITLE "[SDM] \"Prioritization of Concurrent Events\" (6.9)"
#define SYSCALL_TITLE "[APM] vol. 2 \"SYSCALL and SYSRET\" (6.1.1): RFLAGS and SFMASK"

#define BEGIN LOAD_APIC SET_FLAGS(TF)
/* setup; TF; one NOP; the instruction. */
#define STEP_CODE(name, setup, insn)                                                               \
	CODE(step_##name, setup "\n" BEGIN "nop\n" AT_A insn "\n" AT_B "nop\n" AT_Z "nop\n")

#define BOTH "db(BS)@a db(BS)@b db(BS)@z"

STEP_CODE(nop, "", "nop");
STEP_CODE(cpuid, "xorl %eax, %eax", "cpuid");
STEP_CODE(in, "", "inb $0x61, %al");
STEP_CODE(out, "", "outb %al, $0x80");
STEP_CODE(rdmsr, "movl $0x1b, %ecx", "rdmsr");
STEP_CODE(wrmsr, "movl $0xc0000102, %ecx\nxorl %eax, %eax\nxorl %edx, %edx", "wrmsr");
STEP_CODE(mmio_read, "", "movl 0x20(%rdi), %eax");
STEP_CODE(mmio_write, "", "movl $0, 0x80(%rdi)");
STEP_CODE(wbinvd, "", "wbinvd");
STEP_CODE(cr0, "movq %cr0, %rax", "movq %rax, %cr0");
STEP_CODE(cr8, "xorl %eax, %eax", "movq %rax, %cr8");
STEP_CODE(clts, "", "clts");
STEP_CODE(ud, "", "ud2");
STEP_CODE(vmrun, "xorl %eax, %eax", "vmrun");
STEP_CODE(int3, "", "int3");
STEP_CODE(intn, "", "int $" TEXT(DPL3_VECTOR));
STEP_CODE(icebp, "", ".byte 0xf1");
STEP_CODE(mov_ss, "movl %ss, %ebx", "movl %ebx, %ss");
STEP_CODE(outs, "leaq events_buffer(%rip), %rsi\nmovl $0x80, %edx\nmovl $3, %ecx", "rep outsb");
CODE(step_insb,
     "movl $0x61, %edx\nmovl $3, %ecx\n" SET_FLAGS(TF) "leaq events_buffer(%rip), %rdi\n" AT_A
						       "rep insb\n" AT_B "nop\n" AT_Z "nop\n");
CODE(step_mov_ss_cpuid, "movl %ss, %ebx\nxorl %eax, %eax\n" BEGIN "nop\n" AT_A
			"movl %ebx, %ss\n" AT_B "cpuid\n" AT_C "nop\n" AT_Z "nop\n");
CODE(step_mov_ss_out, "movl %ss, %ebx\n" BEGIN "nop\n" AT_A "movl %ebx, %ss\n" AT_B
		      "outb %al, $0x80\n" AT_C "nop\n" AT_Z "nop\n");
CODE(step_mov_ss_ud, "movl %ss, %ebx\n" BEGIN "nop\n" AT_A "movl %ebx, %ss\n" AT_B "ud2\n" AT_C
		     "nop\n" AT_Z "nop\n");
CODE(step_popf_clear, "pushq $2\n" SET_FLAGS(TF) "nop\n" AT_A "popfq\n" AT_B "nop\n" AT_Z "nop\n");
CODE(step_pushf, SET_FLAGS(TF) "nop\n" AT_A "pushfq\n" AT_Z "popq %rax\n"
			       "andl $0x100, %eax\nmovl %eax, events_word\n");
CODE(step_syscall,
     SET_FLAGS(TF) "nop\n" AT_A "syscall\n.globl step_syscall_to\nstep_syscall_to:\n" AT_B
		   "nop\n" AT_Z "nop\n");
CODE(step_syscall_mask,
     SET_FLAGS(TF) "nop\n" AT_A "syscall\n.globl step_syscall_mask_to\nstep_syscall_mask_to:\n" AT_B
		   "nop\n" AT_C "nop\n");
/* Both due at b: the trap of the instruction before is first. */
CODE(step_irq, "pushq $0x302\n" SET_FLAGS(TF) AT_A "popfq\n" AT_B "nop\n" AT_Z "nop\n");
CODE(step_sti, SET_FLAGS(TF) "nop\n" AT_A "sti\n" AT_B "nop\n" AT_Z "nop\n");
CODE(step_irq_cpuid,
     "xorl %eax, %eax\npushq $0x302\n" SET_FLAGS(TF) AT_A "popfq\n" AT_B "cpuid\n" AT_Z "nop\n");
/* NMI becomes due with an instruction that a hypervisor emulates. */
CODE(step_nmi, BEGIN "nop\n" AT_A SEND_NMI AT_Z "nop\n");
CODE32(step32_cpuid,
       "xorl %eax, %eax\npushl $0x102\npopfl\nnop\n" AT_A "cpuid\n" AT_B "nop\n" AT_Z "nop\n");
CODE32(step32_pop_ss,
       "pushl %ss\npushl $0x102\npopfl\nnop\n" AT_A "popl %ss\n" AT_B "nop\n" AT_Z "nop\n");

extern const char step_syscall_to[], step_syscall_mask_to[];
u32 events_word;

static void set_syscall(const char *to, u64 mask)
{
	x86_wrmsr(MSR_STAR, (u64)RT_CS << 32);
	x86_wrmsr(MSR_LSTAR, (u64)(uintptr_t)to);
	x86_wrmsr(MSR_SFMASK, mask);
}

static void syscall_open(void)
{
	set_syscall(step_syscall_to, 0);
}

static void syscall_masked(void)
{
	set_syscall(step_syscall_mask_to, RFLAGS_TF);
}

static void log_pushed(void)
{
	log_word("pushed %x", events_word);
}

#define STEP(label, code, want)                                                                    \
	{                                                                                          \
		"step-" label, code, want, STEP_TITLE                                              \
	}

const struct event_case step_cases[] = {
	STEP("nop", code_step_nop, BOTH),
	STEP("cpuid", code_step_cpuid, BOTH),
	STEP("in", code_step_in, BOTH),
	STEP("out", code_step_out, BOTH),
	STEP("rdmsr", code_step_rdmsr, BOTH),
	STEP("wrmsr", code_step_wrmsr, BOTH),
	STEP("device-read", code_step_mmio_read, BOTH),
	STEP("device-write", code_step_mmio_write, BOTH),
	STEP("wbinvd", code_step_wbinvd, BOTH),
	STEP("write-cr0", code_step_cr0, BOTH),
	STEP("write-cr8", code_step_cr8, BOTH),
	STEP("clts", code_step_clts, BOTH),
	/* A fault is no completed instruction; behind it TF is still set. */
	STEP("ud", code_step_ud, "db(BS)@a ud@a db(BS)@z"),
	STEP("vmrun", code_step_vmrun, "db(BS)@a ud@a db(BS)@z"),
	/* INT n clears TF before the trap is looked at; IRET sets it again. */
	STEP("int3", code_step_int3, "db(BS)@a bp@b db(BS)@z"),
	STEP("int-n", code_step_intn, "db(BS)@a v32@b db(BS)@z"),
	STEP("icebp", code_step_icebp, "db(BS)@a db()@b db(BS)@z"),
	STEP("rep-outs", code_step_outs, "db(BS)@a db(BS)@a db(BS)@a db(BS)@b db(BS)@z"),
	STEP("rep-ins", code_step_insb, "db(BS)@a db(BS)@a db(BS)@a db(BS)@b db(BS)@z"),
	{ "step-mov-ss", code_step_mov_ss, "db(BS)@a db(BS)@z", SS_TITLE },
	{ "step-mov-ss-cpuid", code_step_mov_ss_cpuid, "db(BS)@a db(BS)@c db(BS)@z", SS_TITLE },
	{ "step-mov-ss-out", code_step_mov_ss_out, "db(BS)@a db(BS)@c db(BS)@z", SS_TITLE },
	{ "step-mov-ss-ud", code_step_mov_ss_ud, "db(BS)@a ud@b db(BS)@z", SS_TITLE },
	{ "step-pop-ss-32", code_step32_pop_ss, "db(BS)@a db(BS)@z", SS_TITLE },
	STEP("cpuid-32", code_step32_cpuid, BOTH),
	STEP("popf-clears", code_step_popf_clear, "db(BS)@a db(BS)@b"),
	{ "step-pushf", code_step_pushf, "db(BS)@a db(BS)@z pushed 100", STEP_TITLE,
	  .after = log_pushed },
	{ "step-syscall", code_step_syscall, "db(BS)@a db(BS)@b db(BS)@z", SYSCALL_TITLE,
	  syscall_open },
	{ "step-syscall-masked", code_step_syscall_mask, "db(BS)@a", SYSCALL_TITLE,
	  syscall_masked },
	{ "step-before-irq", code_step_irq, "db(BS)@b irq0@b db(BS)@z", ORDER_TITLE, pend_irq0 },
	{ "step-irq-cpuid", code_step_irq_cpuid, "db(BS)@b irq0@b db(BS)@z", ORDER_TITLE,
	  pend_irq0 },
	{ "step-sti", code_step_sti, "db(BS)@a db(BS)@b irq0@b db(BS)@z", ORDER_TITLE, pend_irq0 },
	{ "step-before-nmi", code_step_nmi, "db(BS)@a nmi@h db(BS)@z", ORDER_TITLE },
};
const unsigned step_case_count = ARRAY_SIZE(step_cases);
