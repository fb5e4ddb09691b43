/*
 * cases_fault.c - faults: error codes, privileges, RF, faults within string instructions
 */
#include "run.h"

#define ERROR_TITLE "[SDM] \"Error Code\" (6.13)"
#define PRIVILEGE_TITLE                                                                            \
	"[SDM] \"Flag Usage By Exception- or Interrupt-Handler Procedure\" (6.12.1.3), INT n "     \
	"(vol. 2)"
#define ORDER_TITLE "[SDM] \"Prioritization of Concurrent Events\" (6.9)"
#define RF_TITLE                                                                                   \
	"[SDM] \"Instruction-Breakpoint Exception Condition\" (18.3.1.1): RF in the pushed flags"
#define REP_TITLE "[SDM] REP (vol. 2): what is done is done"
#define BEFORE_EDGE "8"
#define TIMER_PERIODIC BIT(17)
#define TIMER_PERIOD 200000

CODE(divide, "xorl %ecx, %ecx\n" AT_A "divl %ecx\n" AT_B "nop\n");
CODE(ud, AT_A "ud2\n" AT_B "nop\n");
CODE(load_ds, "movl $0x1234, %eax\n" AT_A "movl %eax, %ds\n" AT_B "nop\n");
CODE(noncanonical, "movq $1, %rax\nshlq $50, %rax\n" AT_A "movl (%rax), %ecx\n" AT_B "nop\n");
CODE(noncanonical_stack, "movq %rbp, %rbx\nmovq $1, %rbp\nshlq $50, %rbp\n" AT_A
			 "movl (%rbp), %ecx\n" AT_B "movq %rbx, %rbp\n");
CODE(load, AT_A "movl (%r8), %eax\n" AT_B "nop\n");
CODE(store, AT_A "movl %eax, (%r8)\n" AT_B "nop\n");
CODE(fault_irq, SET_FLAGS(IF) AT_A "ud2\n" AT_B "nop\n");
CODE(rdmsr, "movl $0x12345678, %ecx\n" AT_A "rdmsr\n" AT_B "nop\n");
CODE(wrmsr, "movl $0x277, %ecx\nmovl $2, %eax\nxorl %edx, %edx\n" AT_A "wrmsr\n" AT_B "nop\n");
CODE(xsetbv, "xorl %ecx, %ecx\nxorl %eax, %eax\nxorl %edx, %edx\n" AT_A "xsetbv\n" AT_B "nop\n");
CODE(vmrun, "xorl %eax, %eax\n" AT_A "vmrun\n" AT_B "nop\n");
CODE(vmlaunch, AT_A "vmlaunch\n" AT_B "nop\n");

CODE_USER(user_int3, AT_A "int3\n" AT_B "nop\n");
CODE_USER(user_int_dpl0, AT_A "int $" TEXT(DPL0_VECTOR) "\n" AT_B "nop\n");
CODE_USER(user_int_dpl3, AT_A "int $" TEXT(DPL3_VECTOR) "\n" AT_B "nop\n");
CODE_USER(user_icebp, AT_A ".byte 0xf1\n" AT_B "nop\n");
CODE_USER(user_hlt, AT_A "hlt\n" AT_B "nop\n");
CODE_USER(user_cli, AT_A "cli\n" AT_B "nop\n");
CODE_USER(user_in, AT_A "inb $0x61, %al\n" AT_B "nop\n");
CODE_USER(user_rdmsr, "movl $0x1b, %ecx\n" AT_A "rdmsr\n" AT_B "nop\n");
CODE_USER(user_wbinvd, AT_A "wbinvd\n" AT_B "nop\n");
CODE_USER(user_cr0, AT_A "movq %cr0, %rax\n" AT_B "nop\n");
CODE_USER(user_cpuid, "xorl %eax, %eax\n" AT_A "cpuid\n" AT_B "nop\n");
CODE_USER(user_load, AT_A "movl (%r8), %eax\n" AT_B "nop\n");
CODE_USER(user_step,
	  "pushq $0x102\npopfq\nnop\n" AT_A "xorl %eax, %eax\n" AT_B "cpuid\n" AT_Z "nop\n");

CODE(rep_insb, "leaq -" BEFORE_EDGE "(%r8), %rdi\nmovl $0x61, %edx\nmovl $12, %ecx\n" AT_A
	       "rep insb\n" AT_B "movl %ecx, events_word\n");
CODE(rep_outsb, "leaq -" BEFORE_EDGE "(%r8), %rsi\nmovl $0x80, %edx\nmovl $12, %ecx\n" AT_A
		"rep outsb\n" AT_B "movl %ecx, events_word\n");
CODE(rep_movsb,
     "leaq -" BEFORE_EDGE "(%r8), %rdi\nleaq events_buffer(%rip), %rsi\nmovl $12, %ecx\n" AT_A
     "rep movsb\n" AT_B "movl %ecx, events_word\n");
CODE(long_movs, "movq %r8, %rsi\nmovq %r8, %rdi\nmovl $1048576, %ecx\nsti\nnop\n" AT_A
		"rep movsb\n" AT_B "cli\nmovl %ecx, events_word\n");
CODE(long_outs, "movq %r8, %rsi\nmovl $0x80, %edx\nmovl $300000, %ecx\nsti\nnop\n" AT_A
		"rep outsb\n" AT_B "cli\nmovl %ecx, events_word\n");
CODE(rf_int3, AT_A "int3\n" AT_B "nop\n");
CODE(rf_rep, "movq %r8, %rsi\nmovq %r8, %rdi\nmovl $1048576, %ecx\nsti\nnop\n" AT_A
	     "rep movsb\n" AT_B "cli\nmovl %ecx, events_word\n");

#define UNMAPPED MiB(22)
#define RAM MiB(16)

static void hide_unmapped(void)
{
	rt_page_present(UNMAPPED, false);
}

static void show_unmapped(void)
{
	rt_page_present(UNMAPPED, true);
}

/* A handler that brings the page, and the instruction goes on where it was. */
static bool bring_page(struct rt_frame *f)
{
	if (f->vector != VECTOR_PF)
		return false;
	log_word("left %lu", f->rcx);
	rt_page_present(RAM + MiB(2), true);
	return true;
}

static void hide_second(void)
{
	events_word = 99;
	rt_page_present(RAM + MiB(2), false);
}

static void count_left(void)
{
	log_word("then %u", events_word);
	rt_page_present(RAM + MiB(2), true);
}

static void start_timer(void)
{
	count_only = true;
	events_word = 99;
	lapic_write(LAPIC_LVT_TIMER, TIMER_PERIODIC | 0x51);
	lapic_write(LAPIC_TIMER_INITIAL, TIMER_PERIOD);
}

static void was_interrupted(void)
{
	log_word("%s, left %u", interrupts_at_a ? "interrupted" : "in one piece", events_word);
}

static u64 rf_in_interrupts;

static bool look_at_rf(struct rt_frame *f)
{
	if (f->vector == 0x51 && f->rcx)
		rf_in_interrupts += !!(f->rflags & RFLAGS_RF);
	return false;
}

static void all_had_rf(void)
{
	log_word(interrupts_at_a && rf_in_interrupts >= interrupts_at_a ? "rf" : "no rf");
}

static void dpl0_int3(void)
{
	rt_gate(VECTOR_BP, RT_CS, 0, 0, true);
}

static void absent_dpl3(void)
{
	rt_gate(DPL3_VECTOR, RT_CS, 3, 0, false);
}

#define FAULT(label, code, want)                                                                   \
	{                                                                                          \
		label, code, want, ERROR_TITLE                                                     \
	}
#define USER(label, code, want)                                                                    \
	{                                                                                          \
		"user-" label, code, want, PRIVILEGE_TITLE                                         \
	}

const struct event_case fault_cases[] = {
	FAULT("divide", code_divide, "de@a"),
	FAULT("ud", code_ud, "ud@a"),
	FAULT("load-ds", code_load_ds, "gp(1234)@a"),
	FAULT("non-canonical", code_noncanonical, "gp(0)@a"),
	FAULT("non-canonical-stack", code_noncanonical_stack, "ss(0)@a"),
	FAULT("rdmsr-absent", code_rdmsr, "gp(0)@a"),
	FAULT("wrmsr-pat", code_wrmsr, "gp(0)@a"),
	FAULT("xsetbv-zero", code_xsetbv, "gp(0)@a"),
	FAULT("vmrun", code_vmrun, "ud@a"),
	FAULT("vmlaunch", code_vmlaunch, "ud@a"),
	{ "page-read", code_load, "pf(0)@a", ERROR_TITLE, hide_unmapped, .after = show_unmapped,
	  .argument = UNMAPPED },
	{ "page-write", code_store, "pf(2)@a", ERROR_TITLE, hide_unmapped, .after = show_unmapped,
	  .argument = UNMAPPED },
	{ "irq-before-fault", code_fault_irq, "irq0@a ud@a", ORDER_TITLE, pend_irq0 },
	{ "user-int3-dpl0", code_user_int3, "gp(1a)@a", PRIVILEGE_TITLE, dpl0_int3 },
	{ "user-int3", code_user_int3, "bp@b", PRIVILEGE_TITLE },
	USER("int-n-dpl0", code_user_int_dpl0, "gp(18a)@a"),
	USER("int-n", code_user_int_dpl3, "v32@b"),
	{ "user-int-n-absent", code_user_int_dpl3, "np(192)@a", ERROR_TITLE, absent_dpl3 },
	USER("icebp-needs-no-dpl", code_user_icebp, "db()@b"),
	USER("hlt", code_user_hlt, "gp(0)@a"),
	USER("cli", code_user_cli, "gp(0)@a"),
	USER("in", code_user_in, "gp(0)@a"),
	USER("rdmsr", code_user_rdmsr, "gp(0)@a"),
	USER("wbinvd", code_user_wbinvd, "gp(0)@a"),
	USER("cr0", code_user_cr0, "gp(0)@a"),
	USER("cpuid", code_user_cpuid, "-"),
	USER("step-cpuid", code_user_step, "db(BS)@a db(BS)@b db(BS)@z"),
	{ "user-page-read", code_user_load, "pf(4)@a", ERROR_TITLE, hide_unmapped,
	  .after = show_unmapped, .argument = UNMAPPED },
	{ "rep-ins-fault", code_rep_insb, "pf(2)@a left 4 then 0", REP_TITLE, hide_second,
	  bring_page, count_left, RAM + MiB(2) },
	{ "rep-outs-fault", code_rep_outsb, "pf(0)@a left 4 then 0", REP_TITLE, hide_second,
	  bring_page, count_left, RAM + MiB(2) },
	{ "rep-movs-fault", code_rep_movsb, "pf(2)@a left 4 then 0", REP_TITLE, hide_second,
	  bring_page, count_left, RAM + MiB(2) },
	{ "rep-movs-interrupted", code_long_movs, "interrupted, left 0", REP_TITLE, start_timer,
	  .after = was_interrupted, .argument = RAM },
	{ "rep-outs-interrupted", code_long_outs, "interrupted, left 0", REP_TITLE, start_timer,
	  .after = was_interrupted, .argument = RAM, .slow = true },
	{ "rf-of-fault", code_ud, "ud@a+rf", RF_TITLE, .show_rf = true },
	{ "rf-of-gp", code_load_ds, "gp(1234)@a+rf", RF_TITLE, .show_rf = true },
	{ "rf-of-xsetbv", code_xsetbv, "gp(0)@a+rf", RF_TITLE, .show_rf = true },
	{ "rf-of-vmrun", code_vmrun, "ud@a+rf", RF_TITLE, .show_rf = true },
	{ "rf-of-page-fault", code_store, "pf(2)@a+rf", RF_TITLE, hide_unmapped,
	  .after = show_unmapped, .argument = UNMAPPED, .show_rf = true },
	{ "rf-of-trap", code_rf_int3, "bp@b", RF_TITLE, .show_rf = true },
	{ "rf-of-interrupted-rep", code_rf_rep, "rf", RF_TITLE, start_timer, look_at_rf, all_had_rf,
	  RAM },
};
const unsigned fault_case_count = ARRAY_SIZE(fault_cases);
