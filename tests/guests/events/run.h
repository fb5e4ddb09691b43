/*
 * run.h - what the cases run on: marks, the log of events, the machine's interrupt controllers
 *
 * Owns: the trap handler that writes the log; a known state before each case; the verdict.
 * Must not know: the cases.
 *
 * A case is a piece of code with marks in it, something that is pending when it begins, and the
 * events that the manual lets happen, in their order.  An event in the log is
 *
 *	NAME[(ERROR)]@MARK	`irq0@b`, `gp(18a)@a`, `db(BS)@c`
 *
 * MARK is where the pushed RIP points: a mark, `+N` bytes behind the case's begin, or `h`: in a
 * handler.  Behind a fault the case goes on at its next mark (at its end, if there is none);
 * a trap, an interrupt, and a breakpoint on code return to where they came from.
 */
#ifndef EVENTS_RUN_H
#define EVENTS_RUN_H

#include "compiler.h"
#include "rt.h"
#include "x86.h"

/* Vectors.  The PIC's are PIC_VECTOR + IRQ, the local APIC's are those in cases. */
#define PIC_VECTOR RT_PIC_VECTOR
#define EXIT_VECTOR 0x30 /* INT from anywhere: the end of a case */
#define DPL0_VECTOR 0x31
#define DPL3_VECTOR 0x32
#define SPURIOUS_VECTOR 0xef

/* ---- Code of a case ------------------------------------------------------------------ */

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

/* Marks; Z, the last one, ends single-stepping. */
#define MARK(letter) "7700: .pushsection marks, \"a\"; .quad 7700b, '" #letter "'; .popsection\n"
#define AT_A MARK(a)
#define AT_B MARK(b)
#define AT_C MARK(c)
#define AT_D MARK(d)
#define AT_Z MARK(z)
#define END_OF_CASE "7700: .pushsection marks, \"a\"; .quad 7700b, 0x24; .popsection\n"

#define PUSH(selector) "pushq $" TEXT(selector) "\n"
#define PUSH_CODE PUSH(RT_CS)
#define PUSH_CODE32 PUSH(RT_CS32)
#define PUSH_DATA PUSH(RT_DS)
#define PUSH_USER_CODE PUSH(RT_USER_CS)
#define PUSH_USER_DATA PUSH(RT_USER_DS)

#define CODE(name, ...)                                                                            \
	extern const char code_##name[];                                                           \
	__asm__(".pushsection cases, \"ax\"\n.globl code_" #name "\ncode_" #name                   \
		":\n" __VA_ARGS__ END_OF_CASE "jmp case_end\n.popsection\n")
/* The same in 32-bit compatibility mode, on the same stack. */
#define CODE32(name, ...)                                                                          \
	CODE(name,                                                                                 \
	     PUSH_CODE32 "leaq 1f(%rip), %rax\npushq %rax\nlretq\n"                                \
			 ".code32\n1:\n" __VA_ARGS__ END_OF_CASE "jmp case_end32\n.code64\n")
/* In user mode; it ends by INT. */
#define CODE_USER(name, ...)                                                                       \
	CODE(name,                                                                                 \
	     PUSH_USER_DATA "pushq $case_user_stack\npushq $2\n" PUSH_USER_CODE                    \
			    "leaq 1f(%rip), %rax\npushq %rax\niretq\n1:\n" __VA_ARGS__ END_OF_CASE \
			    "int $" TEXT(EXIT_VECTOR) "\n")

/* Flags at once. */
#define SET_FLAGS(bits) "pushq $(2 | (" bits "))\npopfq\n"
#define TF "0x100"
#define IF "0x200"

/* ---- Cases --------------------------------------------------------------------------- */

struct event_case {
	const char *name;
	const char *code;
	const char
	    *expected; /* by the manuals; "-": nothing; where they leave it open: "this or that" */
	const char *source;  /* the manual's title */
	void (*setup)(void); /* makes things pending; interrupts are off */
	/*
	 * In a handler, after the log and before its end of interrupt.  True: do not go on at the
	 * next mark, return to where the frame says.
	 */
	bool (*hook)(struct rt_frame *f);
	void (*after)(void); /* what else there is to log */
	u64 argument;	     /* in R8 */
	bool show_rf;	     /* "+rf" behind events whose pushed RFLAGS have it */
	bool slow;	     /* millions of instructions: not for the checker */
};

extern const struct event_case shadow_cases[], step_cases[], nmi_cases[], interrupt_cases[],
    debug_cases[], fault_cases[], delivery_cases[], fresh_cases[], behind_cases[];
extern const unsigned shadow_case_count, step_case_count, nmi_case_count, interrupt_case_count,
    debug_case_count, fault_case_count, delivery_case_count, fresh_case_count,
    behind_case_count;

/*
 * What an emulator is known to do instead of what the manual says: `name` gives `got` on
 * `emulator` ("qemu", "qemu-bare", ..).  NULL: nothing.
 */
const char *deviation(const char *emulator, const char *name);

/* ---- For setups and hooks -------------------------------------------------------------- */

/* A word into the log. */
void log_word(const char *format, ...) PRINTF_LIKE(1, 2);

/* How often an event came in this case, by vector. */
extern unsigned seen[256];
/* This case wants no log of maskable interrupts, only counts: how many, and at mark `a`. */
extern bool count_only;
extern unsigned interrupts_total, interrupts_at_a;

extern u32 events_word; /* what a case leaves to be looked at */
extern u8 events_buffer[64];
/* EOI by the handler; a case may do without. */
extern bool no_eoi;

/* A gate as the cases find it: present, DPL 3 for INT3, INTO, EXIT and DPL3, no IST. */
void gate_reset(unsigned vector);
/* The slot of the double fault's stack; the cases have the others. */
#define IST_DF 7

/* A 2 MiB page of RAM that nobody has touched, mapped or not; each call gives another. */
u64 fresh_page(bool mapped);

/* ---- The machine (machine.c) ------------------------------------------------------------ */

void machine_reset(void); /* controllers in a known state, nothing pending */
void machine_drain(void); /* what a case left behind */
void pic_eoi(unsigned irq);
void lapic_eoi(void);

void pend_irq0(void);		   /* the PIT's one shot has fired, IRQ 0 is in the PIC's IRR */
void pit_one_shot(unsigned count); /* fires after count ticks of 1193182 Hz */
void pend_irq4(void);		   /* the UART wants to send */
void drop_irq4(void);		   /* and no longer */
void pic_mask(u16 mask);	   /* IRQs that are held back */

#define LAPIC_ID 0x20
#define LAPIC_TPR 0x80
#define LAPIC_EOI 0xb0
#define LAPIC_SVR 0xf0
#define LAPIC_ICR_LOW 0x300
#define LAPIC_ICR_HIGH 0x310
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_CURRENT 0x390
#define LAPIC_TIMER_DIVIDE 0x3e0
#define ICR_SELF 0x40000
#define ICR_NMI 0x400
u32 lapic_read(u32 reg);
void lapic_write(u32 reg, u32 value);
void lapic_send_self(u8 vector); /* pending when it returns, if interrupts are off */
void lapic_send_nmi(void);
/* Assembly: NMI to this CPU, by one store; RDI must hold APIC_DEFAULT_BASE. */
#define SEND_NMI "movl $0x400, 0x300(%rdi)\n"
#define LOAD_APIC "movl $0xfee00000, %edi\n"

#endif
