/*
 * cases_debug.c - breakpoints on code, data and ports; INT3, ICEBP, INTO; DR7.GD
 */
#include "run.h"

#define CODE_TITLE "[SDM] \"Instruction-Breakpoint Exception Condition\" (18.3.1.1)"
#define DATA_TITLE "[SDM] \"Data Memory and I/O Breakpoint Exception Conditions\" (18.3.1.2)"
#define GD_TITLE "[SDM] \"General-Detect Exception Condition\" (18.3.1.3)"
#define SS_TITLE "[SDM] \"Masking Exceptions and Interrupts When Switching Stacks\" (6.8.3)"
#define ORDER_TITLE "[SDM] \"Prioritization of Concurrent Events\" (6.9)"
#define ICEBP_TITLE "[SDM] INT n/INTO/INT3/INT1 (vol. 2)"

/* DR7: breakpoint 0, globally, with R/W and LEN. */
#define ON_CODE "0x402"
#define ON_WRITE "0xd0402" /* 4 bytes */
#define ON_ACCESS "0xf0402"
#define ON_PORT "0x20402"
#define BREAK(where, how)                                                                          \
	"leaq " where ", %rax\nmovq %rax, %dr0\nmovl $" how ", %eax\nmovq %rax, %dr7\n"

#define BREAK_CODE(name, setup, insn)                                                              \
	CODE(break_##name, setup                                                                   \
	     "\n" LOAD_APIC BREAK("5f(%rip)", ON_CODE) "xorl %eax, %eax\n" AT_A                    \
						       "nop\n5:\n" AT_B insn "\n" AT_C "nop\n")

BREAK_CODE(nop, "", "nop");
BREAK_CODE(cpuid, "", "cpuid");
BREAK_CODE(in, "", "inb $0x61, %al");
BREAK_CODE(out, "", "outb %al, $0x80");
BREAK_CODE(rdmsr, "movl $0x1b, %ecx", "rdmsr");
BREAK_CODE(mmio, "", "movl 0x20(%rdi), %eax");
BREAK_CODE(ud, "", "ud2");
BREAK_CODE(outs, "leaq events_buffer(%rip), %rsi\nmovl $0x80, %edx\nmovl $3, %ecx", "rep outsb");
CODE(break_irq, BREAK("5f(%rip)", ON_CODE) SET_FLAGS(IF) "5:\n" AT_A "nop\n" AT_B "nop\n");
CODE(break_after_ss, "movl %ss, %ebx\n" BREAK("5f(%rip)", ON_CODE) AT_A "movl %ebx, %ss\n5:\n" AT_B
									"nop\n" AT_C "nop\n");

CODE(data_write,
     BREAK("events_word(%rip)", ON_WRITE) AT_A "movl $1, events_word\n" AT_B "nop\n" AT_C "nop\n");
CODE(data_read, BREAK("events_word(%rip)", ON_WRITE) AT_A "movl events_word, %eax\n" AT_B "nop\n");
CODE(data_access,
     BREAK("events_word(%rip)", ON_ACCESS) AT_A "movl events_word, %eax\n" AT_B "nop\n");
CODE(data_mmio, LOAD_APIC BREAK("0x80(%rdi)", ON_WRITE) AT_A "movl $0, 0x80(%rdi)\n" AT_B "nop\n");
CODE(data_ss,
     BREAK("events_ss(%rip)", ON_ACCESS) AT_A "movw events_ss, %ss\n" AT_B "nop\n" AT_C "nop\n");
CODE(data_ss_cpuid, "xorl %eax, %eax\n" BREAK("events_ss(%rip)", ON_ACCESS) AT_A
     "movw events_ss, %ss\n" AT_B "cpuid\n" AT_C "nop\n");
CODE(data_outs,
     BREAK("events_word(%rip)", ON_ACCESS) "leaq events_word(%rip), %rsi\nmovl $0x80, %edx\n" AT_A
					   "outsb\n" AT_B "nop\n");
CODE(data_ins,
     BREAK("events_word(%rip)", ON_ACCESS) "leaq events_word(%rip), %rdi\nmovl $0x61, %edx\n" AT_A
					   "insb\n" AT_B "nop\n");
CODE(data_step, BREAK("events_word(%rip)", ON_WRITE)
		    SET_FLAGS(TF) "nop\n" AT_A "movl $1, events_word\n" AT_B "nop\n" AT_Z "nop\n");

CODE(port_out, BREAK("0x80", ON_PORT) AT_A "outb %al, $0x80\n" AT_B "nop\n");
CODE(port_in, BREAK("0x61", ON_PORT) AT_A "inb $0x61, %al\n" AT_B "nop\n");
CODE(port_other, BREAK("0x80", ON_PORT) AT_A "outb %al, $0x84\n" AT_B "nop\n");

CODE(icebp, AT_A ".byte 0xf1\n" AT_B "nop\n");
CODE(int3, AT_A "int3\n" AT_B "nop\n");
CODE(intn, AT_A "int $" TEXT(DPL0_VECTOR) "\n" AT_B "nop\n");
CODE32(into, "movl $0x7fffffff, %eax\naddl $1, %eax\n" AT_A "into\n" AT_B "nop\n");
CODE32(into_not, "xorl %eax, %eax\n" AT_A "into\n" AT_B "nop\n");
CODE(detect, "movl $0x2400, %eax\nmovq %rax, %dr7\n" AT_A "movq %dr3, %rax\n" AT_B "nop\n");

u32 events_ss = RT_DS;

#define ON_INSN(label, code, want)                                                                 \
	{                                                                                          \
		"break-" label, code, want, CODE_TITLE                                             \
	}

const struct event_case debug_cases[] = {
	ON_INSN("nop", code_break_nop, "db(B0)@b"),
	ON_INSN("cpuid", code_break_cpuid, "db(B0)@b"),
	ON_INSN("in", code_break_in, "db(B0)@b"),
	ON_INSN("out", code_break_out, "db(B0)@b"),
	ON_INSN("rdmsr", code_break_rdmsr, "db(B0)@b"),
	ON_INSN("device-memory", code_break_mmio, "db(B0)@b"),
	ON_INSN("rep-outs", code_break_outs, "db(B0)@b"),
	ON_INSN("ud", code_break_ud, "db(B0)@b ud@b"),
	{ "break-after-irq", code_break_irq, "irq0@a db(B0)@a", ORDER_TITLE, pend_irq0 },
	{ "break-in-ss-shadow", code_break_after_ss, "-", SS_TITLE },
	{ "data-write", code_data_write, "db(B0)@b", DATA_TITLE },
	{ "data-read-of-write", code_data_read, "-", DATA_TITLE },
	{ "data-access", code_data_access, "db(B0)@b", DATA_TITLE },
	{ "data-device-memory", code_data_mmio, "db(B0)@b", DATA_TITLE },
	{ "data-mov-ss", code_data_ss, "db(B0)@c", SS_TITLE },
	{ "data-mov-ss-cpuid", code_data_ss_cpuid, "db(B0)@c", SS_TITLE },
	{ "data-outs", code_data_outs, "db(B0)@b", DATA_TITLE },
	{ "data-ins", code_data_ins, "db(B0)@b", DATA_TITLE },
	{ "data-step", code_data_step, "db(BS)@a db(B0,BS)@b db(BS)@z", DATA_TITLE },
	{ "port-out", code_port_out, "db(B0)@b", DATA_TITLE },
	{ "port-in", code_port_in, "db(B0)@b", DATA_TITLE },
	{ "port-other", code_port_other, "-", DATA_TITLE },
	{ "icebp", code_icebp, "db()@b", ICEBP_TITLE },
	{ "int3", code_int3, "bp@b", ICEBP_TITLE },
	{ "int-n", code_intn, "v31@b", ICEBP_TITLE },
	{ "into-32", code_into, "of@b", ICEBP_TITLE },
	{ "into-without-overflow", code_into_not, "-", ICEBP_TITLE },
	{ "general-detect", code_detect, "db(BD)@a", GD_TITLE },
};
const unsigned debug_case_count = ARRAY_SIZE(debug_cases);
