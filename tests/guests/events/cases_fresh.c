/*
 * cases_fresh.c - instructions and deliveries that are begun twice
 *
 * Behind a hypervisor that gives memory at the first touch, an instruction whose operand lies in
 * memory that nobody has touched exits and is tried again: in the shadow of STI, with an interrupt
 * that waits for its end.  A delivery that was cut short is taken up again: and must leave nothing
 * behind that the next exits would find.
 */
#include "run.h"

#define STI_TITLE "[SDM] \"STI - Set Interrupt Flag\" (vol. 2)"
#define AGAIN_TITLE "[SDM] \"Information for VM Exits During Event Delivery\" (28.2.4)"
#define IRET_TITLE "[SDM] \"IRET/IRETD/IRETQ\" (vol. 2), in a handler of NMIs"
#define NT "0x4000"

/* ---- In the shadow of STI ---------------------------------------------------------------- */

u64 fresh_at; /* in the middle of a page that nobody has touched */

#define OPERAND(name, insn)                                                                        \
	CODE(fresh_##name,                                                                         \
	     "movq fresh_at, %r8\nmovq %r8, %rsi\nmovq %r8, %rdi\nmovl $0x80, %edx\n"              \
	     "xorl %eax, %eax\nsti\n" AT_A insn "\n" AT_B "nop\n" AT_C "nop\n")
#define STACK(name, insn, behind)                                                                  \
	CODE(fresh_##name,                                                                         \
	     "movq %rsp, %r15\nmovq %rsp, %rbp\nmovq fresh_at, %rsp\nsti\n" AT_A insn              \
	     "\n" AT_B behind "\nmovq %r15, %rsp\n" AT_C "nop\n")

OPERAND(store, "movl %eax, (%r8)");
OPERAND(load, "movl (%r8), %eax");
OPERAND(add, "addl $1, (%r8)");
OPERAND(locked, "lock xaddq %rax, (%r8)");
OPERAND(fxsave, "fxsave (%r8)");
OPERAND(lfs, "lfsl (%r8), %eax");
OPERAND(sgdt, "sgdt (%r8)");
OPERAND(movs, "movsb");
OPERAND(outs, "outsb");
STACK(push, "pushq %rax", "");
STACK(pop, "popq %rax", "");
STACK(call, "call 1f\nnop\n1:", "");
STACK(enter, "enter $16, $1", "");
STACK(pushf, "pushfq", "popq %rax\nandl $0x100, %eax\nmovl %eax, events_word");
STACK(popf, "popfq", "nop\nsti\n");
STACK(lret, "lretq", "");
STACK(iret, "iretq", "");
STACK(int, "int $" TEXT(DPL3_VECTOR), "");
STACK(int3, "int3", "");
STACK(ud, "ud2", "");
CODE32(fresh_pushf32, "movl %esp, %ebp\nmovl fresh_at, %esp\nsti\n" AT_A "pushfl\n" AT_B
		      "popl %eax\nmovl %ebp, %esp\nandl $0x100, %eax\nmovl %eax, events_word\n");

static void pend_and_fresh(void)
{
	fresh_at = fresh_page(true) + MiB(1);
	pend_irq0();
}

static void log_pushed(void)
{
	log_word("pushed %x", events_word);
}

/* ---- What a delivery leaves behind --------------------------------------------------------- */

CODE(a_int3, AT_A "int3\n" AT_B "nop\n");
CODE(a_intn, AT_A "int $" TEXT(DPL3_VECTOR) "\n" AT_B "nop\n");
CODE(a_ud, AT_A "ud2\n" AT_B "nop\n");
CODE(a_gp, "movl $0x1234, %eax\n" AT_A "movl %eax, %ds\n" AT_B "nop\n");
CODE(a_irq, SET_FLAGS(IF) AT_A "nop\n" AT_B "nop\n");

static void fresh(unsigned vector)
{
	rt_ist(1, fresh_page(true) + MiB(2));
	rt_gate(vector, RT_CS, 3, 1, true);
}

static void fresh_int3(void)
{
	fresh(VECTOR_BP);
}

static void fresh_intn(void)
{
	fresh(DPL3_VECTOR);
}

static void fresh_ud(void)
{
	fresh(VECTOR_UD);
}

static void fresh_gp(void)
{
	fresh(VECTOR_GP);
}

static void fresh_irq(void)
{
	fresh(PIC_VECTOR);
	pend_irq0();
}

/* Exits of all kinds in the handler: each must be of one instruction, and come back behind it. */
static bool exit_often(struct rt_frame *f)
{
	unsigned steps = 0;

	if (f->vector == VECTOR_NMI)
		return true;
	__asm__ volatile("movq %%cr0, %%rax; movq %%rax, %%cr0; incl %0\n\t"
			 "xorl %%eax, %%eax; cpuid; incl %0\n\t"
			 "outb %%al, $0x80; incl %0\n\t"
			 "movl $0x277, %%ecx; rdmsr; wrmsr; incl %0\n\t"
			 "movq %%cr4, %%rax; movq %%rax, %%cr4; incl %0\n\t"
			 "movq %%cr8, %%rax; movq %%rax, %%cr8; incl %0"
			 : "+r"(steps)
			 :
			 : "rax", "rbx", "rcx", "rdx", "memory", "cc");
	log_word("exits %u", steps);
	return f->vector != VECTOR_GP && f->vector != VECTOR_UD;
}

/* ---- IRET in a handler of NMIs: a hypervisor may have to carry it out, or to step over it ------
 */

CODE(iret_nmi, LOAD_APIC AT_A SEND_NMI AT_B "jmp 1f\n1:\n" AT_C "nop\n");

/* Where to go on behind a fault is in RBX, with the stack in R12. */
static bool go_on_behind(struct rt_frame *f)
{
	f->rip = f->rbx;
	f->rsp = f->r12;
	f->rflags &= ~(RFLAGS_TF | RFLAGS_NT);
	return true;
}

/* In the handler: an IRET with such a frame, RFLAGS being set before. */
#define IRET(name, set, ss, flags, cs)                                                             \
	static bool iret_##name(struct rt_frame *f)                                                \
	{                                                                                          \
		if (f->vector == VECTOR_DB) {                                                      \
			f->rflags &= ~RFLAGS_TF;                                                   \
			return true;                                                               \
		}                                                                                  \
		if (f->vector != VECTOR_NMI)                                                       \
			return go_on_behind(f);                                                    \
		__asm__ volatile("movq %%rsp, %%r12\n\tleaq 1f(%%rip), %%rbx\n\t"                  \
				 "pushq $" ss "\n\tpushq %%r12\n\tpushq $2 | " flags "\n\t"        \
				 "pushq $" cs "\n\tpushq %%rbx\n\t"                                \
				 "pushq $2 | " set "\n\tpopfq\n\tiretq\n1:\tnop\n\t"               \
				 "nop; pushq $2; popfq" ::                                         \
				     : "rbx", "r12", "memory", "cc");                              \
		log_word("handled");                                                               \
		return true;                                                                       \
	}

IRET(plain, "0", TEXT(RT_DS), "0", TEXT(RT_CS))
IRET(nested, NT, TEXT(RT_DS), "0", TEXT(RT_CS))
IRET(to_nested, "0", TEXT(RT_DS), NT, TEXT(RT_CS))
IRET(null_cs, "0", TEXT(RT_DS), "0", "0")
IRET(data_cs, "0", TEXT(RT_DS), "0", TEXT(RT_DS))
IRET(code_ss, "0", TEXT(RT_CS), "0", TEXT(RT_CS))
IRET(user_ss, "0", TEXT(RT_USER_DS), "0", TEXT(RT_CS))
IRET(no_user_ss, "0", "0", "0", TEXT(RT_USER_CS))
IRET(stepped, TF, TEXT(RT_DS), "0", TEXT(RT_CS))
IRET(to_step, "0", TEXT(RT_DS), TF, TEXT(RT_CS))

#define SHADOW(label, code, want)                                                                  \
	{                                                                                          \
		"fresh-sti-" label, code, want, STI_TITLE, pend_and_fresh                          \
	}
#define PUSHES(label, code, want)                                                                  \
	{                                                                                          \
		"fresh-sti-" label, code, want, STI_TITLE, pend_and_fresh, .after = log_pushed     \
	}
#define AFTER(label, code, want, setup)                                                            \
	{                                                                                          \
		"fresh-then-exits-" label, code, want, AGAIN_TITLE, setup, exit_often              \
	}
#define IN_NMI(label, handler, want)                                                               \
	{                                                                                          \
		"nmi-iret-" label, code_iret_nmi, want, IRET_TITLE, .hook = handler                \
	}

const struct event_case fresh_cases[] = {
	SHADOW("store", code_fresh_store, "irq0@b"),
	SHADOW("load", code_fresh_load, "irq0@b"),
	SHADOW("add", code_fresh_add, "irq0@b"),
	SHADOW("locked", code_fresh_locked, "irq0@b"),
	SHADOW("fxsave", code_fresh_fxsave, "irq0@b"),
	SHADOW("lfs", code_fresh_lfs, "irq0@b"),
	SHADOW("sgdt", code_fresh_sgdt, "irq0@b"),
	SHADOW("movs", code_fresh_movs, "irq0@b"),
	SHADOW("outs", code_fresh_outs, "irq0@b"),
	SHADOW("push", code_fresh_push, "irq0@b"),
	SHADOW("pop", code_fresh_pop, "irq0@b"),
	SHADOW("call", code_fresh_call, "irq0@b"),
	SHADOW("enter", code_fresh_enter, "irq0@b"),
	SHADOW("popf", code_fresh_popf, "irq0@c"),
	SHADOW("lret", code_fresh_lret, "gp(0)@a irq0@b"),
	SHADOW("iret", code_fresh_iret, "gp(0)@a irq0@b"),
	SHADOW("int", code_fresh_int, "v32@b irq0@b"),
	SHADOW("int3", code_fresh_int3, "bp@b irq0@b"),
	SHADOW("ud", code_fresh_ud, "ud@a irq0@b"),
	PUSHES("pushf", code_fresh_pushf, "irq0@b pushed 0"),
	PUSHES("pushf32", code_fresh_pushf32, "irq0@b pushed 0"),
	AFTER("int3", code_a_int3, "bp@b exits 6", fresh_int3),
	AFTER("int-n", code_a_intn, "v32@b exits 6", fresh_intn),
	AFTER("ud", code_a_ud, "ud@a exits 6", fresh_ud),
	AFTER("gp", code_a_gp, "gp(1234)@a exits 6", fresh_gp),
	AFTER("irq", code_a_irq, "irq0@a exits 6", fresh_irq),
	IN_NMI("plain", iret_plain, "nmi@b handled"),
	IN_NMI("nested-task", iret_nested, "nmi@b gp(0)@h handled"),
	IN_NMI("to-nested-task", iret_to_nested, "nmi@b handled"),
	IN_NMI("null-cs", iret_null_cs, "nmi@b gp(0)@h handled"),
	IN_NMI("data-cs", iret_data_cs, "nmi@b gp(10)@h handled"),
	IN_NMI("code-ss", iret_code_ss, "nmi@b gp(8)@h handled"),
	IN_NMI("user-ss", iret_user_ss, "nmi@b gp(20)@h handled"),
	IN_NMI("no-user-ss", iret_no_user_ss, "nmi@b gp(0)@h handled"),
	IN_NMI("stepped", iret_stepped, "nmi@b db(BS)@h handled"),
	IN_NMI("to-step", iret_to_step, "nmi@b db(BS)@h handled"),
};
const unsigned fresh_case_count = ARRAY_SIZE(fresh_cases);
