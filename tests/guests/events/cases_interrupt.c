/*
 * cases_interrupt.c - the interrupt controllers: priorities, masks, ends of interrupt
 */
#include "run.h"

#include "x86_ops.h"

#define PIC_TITLE "8259A, \"Fully Nested Mode\""
#define EDGE_TITLE "8259A, \"Edge and Level Triggered Modes\""
#define APIC_TITLE "[SDM] \"Interrupt, Task, and Processor Priority\" (11.8.3)"
#define ACCEPT_TITLE "[SDM] \"Interrupt Acceptance for Fixed Interrupts\" (11.8.4)"
#define TIMER_TITLE "[SDM] \"APIC Timer\" (11.5.4)"
#define HLT_TITLE "[SDM] HLT (vol. 2)"
#define ORDER_TITLE "[SDM] \"Prioritization of Concurrent Events\" (6.9)"
#define IRQ0_MASKED "0xff"
#define NOT_IRQ0 0xffef
#define SHORT 40
#define LONG 4000

CODE(open, SET_FLAGS(IF) AT_A "nop\n" AT_B "nop\n");
CODE(closed, "nop\n" AT_A "nop\n" AT_B "nop\n");
CODE(unmask,
     "sti\nnop\n" AT_A "movb $0xee, %al\noutb %al, $0x21\n" AT_B "jmp 1f\n1:\n" AT_C "nop\n");
#define SEND_51 "movl $0x40051, 0x300(%rdi)\nmovl 0x300(%rdi), %eax\njmp 1f\n1:\n"
CODE(cr8, LOAD_APIC "movl $5, %eax\nmovq %rax, %cr8\n" SEND_51 "sti\nnop\n" AT_A
		    "nop\nmovl $4, %eax\nmovq %rax, %cr8\n" AT_B "nop\n" AT_C "nop\n");
CODE(cr8_same,
     LOAD_APIC "movl $6, %eax\nmovq %rax, %cr8\n" SEND_51 "sti\nnop\n" AT_A "nop\n" AT_B "nop\n");
CODE(tpr, LOAD_APIC "movl $0x50, 0x80(%rdi)\n" SEND_51 "sti\nnop\n" AT_A
		    "nop\nmovl $0x40, 0x80(%rdi)\n" AT_B "jmp 1f\n1:\n" AT_C "nop\n");
CODE(self,
     LOAD_APIC "sti\nnop\n" AT_A "movl $0x40051, 0x300(%rdi)\n" AT_B "jmp 1f\n1:\n" AT_C "nop\n");
CODE(eoi, LOAD_APIC "sti\nnop\n" AT_A "movl $0, 0xb0(%rdi)\n" AT_B "jmp 1f\n1:\n" AT_C "nop\n");
CODE(pic_end,
     "sti\nnop\n" AT_A "movb $0x60, %al\noutb %al, $0x20\n" AT_B "jmp 1f\n1:\n" AT_C "nop\n");
CODE(halt, "sti\n" AT_A "hlt\n" AT_B "nop\n" AT_C "nop\n");
CODE(halt_open, SET_FLAGS(IF) "nop\n" AT_A "hlt\n" AT_B "nop\n");
CODE(halt_twice, "sti\n" AT_A "hlt\n" AT_B "hlt\n" AT_C "nop\n");
CODE(out_irq, "sti\nmovw $0x3f9, %dx\nmovb $2, %al\n" AT_A "outb %al, %dx\n" AT_B
	      "jmp 1f\n1:\n" AT_C "nop\n");

static void send_two_classes(void)
{
	lapic_send_self(0x51);
	lapic_send_self(0x61);
}

static void send_one_class(void)
{
	lapic_send_self(0x51);
	lapic_send_self(0x52);
}

static void send_51(void)
{
	lapic_send_self(0x51);
}

static void send_61_twice(void)
{
	lapic_send_self(0x61);
	lapic_send_self(0x61);
}

static void both_irqs(void)
{
	pend_irq4();
	pend_irq0();
}

static void pic_and_apic(void)
{
	pend_irq0();
	lapic_send_self(0x51);
}

static void open_here(void)
{
	__asm__ volatile("sti; nop; nop; nop; cli" ::: "memory");
}

/* The handler lets others in while its own interrupt is in service. */
static bool nest_higher(struct rt_frame *f)
{
	if (f->vector == 0x51) {
		lapic_send_self(0x61);
		open_here();
		log_word("handled");
	}
	return true;
}

static bool nest_same_class(struct rt_frame *f)
{
	if (f->vector == 0x51) {
		lapic_send_self(0x52);
		open_here();
		log_word("handled");
	}
	return true;
}

/* The 8259A lets a higher one in, not a lower one. */
static bool pic_nest(struct rt_frame *f)
{
	if (f->vector == PIC_VECTOR + 4) {
		drop_irq4();
		pend_irq0();
		open_here();
		log_word("handled");
	}
	return true;
}

static bool pic_no_nest(struct rt_frame *f)
{
	if (f->vector == PIC_VECTOR) {
		pend_irq4();
		open_here();
		log_word("handled");
	} else {
		drop_irq4();
	}
	return true;
}

/* The line falls before the CPU asks for the vector. */
static void withdrawn(void)
{
	pend_irq4();
	drop_irq4();
}

static void masked(void)
{
	pic_mask(0xffff);
	pend_irq0();
}

/* A timer that fires again and again while interrupts are off: the request is one. */
static void many_edges(void)
{
	pend_irq0();
	pend_irq0();
	pend_irq0();
}

static void apic_one_shot(void)
{
	lapic_write(LAPIC_LVT_TIMER, 0x51);
	lapic_write(LAPIC_TIMER_INITIAL, 1000);
	while (lapic_read(LAPIC_TIMER_CURRENT))
		x86_pause();
}

static void apic_masked(void)
{
	lapic_write(LAPIC_LVT_TIMER, BIT(16) | 0x51);
	lapic_write(LAPIC_TIMER_INITIAL, 1000);
	while (lapic_read(LAPIC_TIMER_CURRENT))
		x86_pause();
	lapic_write(LAPIC_LVT_TIMER, 0x51); /* what it missed is gone */
}

static void keep_service(void)
{
	no_eoi = true;
	send_51();
	lapic_send_self(0x52);
}

static void keep_service_pic(void)
{
	no_eoi = true;
	pend_irq0();
}

/* IRQ 0 is in service, another edge waits. */
static bool edge_again(struct rt_frame *f)
{
	if (f->vector == PIC_VECTOR && seen[PIC_VECTOR] == 1)
		pend_irq0();
	return true;
}

static void timer_later(void)
{
	pit_one_shot(LONG);
}

static void apic_timer_later(void)
{
	lapic_write(LAPIC_LVT_TIMER, 0x51);
	lapic_write(LAPIC_TIMER_INITIAL, 1000000);
}

static bool timer_again(struct rt_frame *f)
{
	if (f->vector == PIC_VECTOR && seen[PIC_VECTOR] == 1)
		pit_one_shot(LONG);
	return true;
}

static void uart_ready(void)
{
	x86_outb(0x3fc, 8);
	while (!(x86_inb(0x3fd) & 0x40))
		x86_pause();
}

static bool quiet_uart(struct rt_frame *f)
{
	if (f->vector == PIC_VECTOR + 4)
		drop_irq4();
	return true;
}

static void software_off(void)
{
	lapic_send_self(0x51);
	lapic_write(LAPIC_LVT_LINT0, BIT(16) | 0x700); /* the PIC is cut off */
	pend_irq0();
}

#define LONG_HANDLER 20000000u

/*
 * The first handler computes for longer than any clock of the machine needs for a tick, and does
 * nothing that would exit.  What interrupts the CPU that runs the guest meanwhile is none of its
 * business.
 */
static bool long_handler(struct rt_frame *f UNUSED)
{
	unsigned rounds = seen[0x51] + seen[PIC_VECTOR] == 1 ? LONG_HANDLER : 0;

	for (unsigned i = 0; i < rounds; i++)
		__asm__ volatile("");
	return true;
}

const struct event_case interrupt_cases[] = {
	{ "apic-higher-class-first", code_open, "v61@a v51@a", APIC_TITLE, send_two_classes },
	{ "apic-higher-vector-first", code_open, "v52@a v51@a", APIC_TITLE, send_one_class },
	{ "apic-one-is-kept", code_open, "v61@a", ACCEPT_TITLE, send_61_twice },
	{ "apic-long-handler", code_open, "v51@a", ACCEPT_TITLE, send_51, long_handler,
	  .slow = true },
	{ "apic-nests-higher-class", code_open, "v51@a v61@h handled", APIC_TITLE, send_51,
	  nest_higher },
	{ "apic-same-class-waits-for-eoi", code_open, "v51@a handled v52@a", APIC_TITLE, send_51,
	  nest_same_class },
	{ "apic-eoi-opens", code_eoi, "v52@a v51@b", APIC_TITLE, keep_service },
	{ "apic-cr8", code_cr8, "v51@b", APIC_TITLE },
	{ "apic-cr8-masks-its-class", code_cr8_same, "-", APIC_TITLE },
	{ "apic-tpr", code_tpr, "v51@b", APIC_TITLE },
	{ "apic-self-ipi-at-once", code_self, "v51@b", ORDER_TITLE },
	{ "apic-timer-while-off", code_open, "v51@a", TIMER_TITLE, apic_one_shot },
	{ "apic-timer-masked", code_open, "-", TIMER_TITLE, apic_masked },
	{ "apic-lint0-masked", code_open, "v51@a", "[SDM] \"Local Vector Table\" (11.5.1)",
	  software_off },
	{ "irq-and-apic", code_open, "irq0@a v51@a or v51@a irq0@a",
	  "[SDM] \"Local Interrupt Pin Delivery\": ExtINT has no priority", pic_and_apic },
	{ "irq-and-apic-long-handler", code_open, "irq0@a v51@a or v51@a irq0@a",
	  "[SDM] \"Local Interrupt Pin Delivery\": ExtINT has no priority", pic_and_apic,
	  long_handler, .slow = true },
	{ "pic-lower-number-first", code_open, "irq0@a irq4@a", PIC_TITLE, both_irqs, quiet_uart },
	{ "pic-nests-higher", code_open, "irq4@a irq0@h handled", PIC_TITLE, pend_irq4, pic_nest },
	{ "pic-lower-waits-for-eoi", code_open, "irq0@a handled irq4@a", PIC_TITLE, pend_irq0,
	  pic_no_nest },
	{ "pic-eoi-opens", code_pic_end, "irq0@a irq0@b", PIC_TITLE, keep_service_pic, edge_again },
	{ "pic-spurious", code_open, "irq7@a or -",
	  "8259A, \"IR7\": an IR input must stay high until INTA", withdrawn },
	{ "pic-mask-keeps", code_unmask, "irq0@b", EDGE_TITLE, masked },
	{ "pic-edges-become-one", code_open, "irq0@a", EDGE_TITLE, many_edges },
	{ "pic-off-with-if", code_closed, "-", ORDER_TITLE, pend_irq0 },
	{ "out-raises-irq", code_out_irq, "irq4@b", ORDER_TITLE, uart_ready, quiet_uart },
	{ "hlt-woken-by-irq", code_halt, "irq0@b", HLT_TITLE, timer_later },
	{ "hlt-woken-by-apic", code_halt, "v51@b", HLT_TITLE, apic_timer_later },
	{ "hlt-pending", code_halt, "v51@b", HLT_TITLE, send_51 },
	{ "hlt-if-open", code_halt_open, "irq0@b", HLT_TITLE, timer_later },
	{ "hlt-twice", code_halt_twice, "irq0@b irq0@c", HLT_TITLE, timer_later, timer_again },
};
const unsigned interrupt_case_count = ARRAY_SIZE(interrupt_cases);
