/*
 * cases_nmi.c - NMIs: not masked by IF, first among interrupts, blocked until IRET
 */
#include "run.h"

#define NMI_TITLE "[SDM] \"Handling Multiple NMIs\" (6.7.1)"
#define ORDER_TITLE "[SDM] \"Prioritization of Concurrent Events\" (6.9)"
#define IRET_TITLE "[SDM] \"NMI unblocking due to IRET\" (28.2.3)"
#define UD2_SIZE 2
#define HALT_TICKS 2000

/* The jump is where an emulator that looks rarely has looked at last. */
CODE(nmi_if0, LOAD_APIC AT_A SEND_NMI AT_B "jmp 1f\n1:\n" AT_C "nop\n");
CODE(nmi_sti, LOAD_APIC "sti\n" AT_A SEND_NMI AT_B "jmp 1f\n1:\n" AT_C "nop\n");

/* The first NMI's handler sends another, which must wait for its IRET. */
static bool send_second(struct rt_frame *f)
{
	if (f->vector != VECTOR_NMI || seen[VECTOR_NMI] > 1)
		return true;
	lapic_send_nmi();
	__asm__ volatile("jmp 1f\n1: nop");
	log_word("handled");
	return true;
}

static bool send_two_more(struct rt_frame *f)
{
	if (f->vector != VECTOR_NMI || seen[VECTOR_NMI] > 1)
		return true;
	lapic_send_nmi();
	__asm__ volatile("jmp 1f\n1: nop");
	lapic_send_nmi();
	__asm__ volatile("jmp 1f\n1: nop");
	log_word("handled");
	return true;
}

/* The handler meets a fault; its IRET unblocks NMIs within the first handler. */
static bool fault_inside(struct rt_frame *f)
{
	if (f->vector == VECTOR_UD)
		f->rip += UD2_SIZE;
	if (f->vector != VECTOR_NMI || seen[VECTOR_NMI] > 1)
		return true;
	lapic_send_nmi();
	__asm__ volatile("jmp 1f\n1: nop");
	log_word("blocked");
	__asm__ volatile("ud2\n\tjmp 1f\n1: nop");
	log_word("handled");
	return true;
}

/* The handler's own IRET faults: NMIs are unblocked all the same. */
static u64 saved_cs;

static bool bad_iret(struct rt_frame *f)
{
	if (f->vector == VECTOR_NMI && seen[VECTOR_NMI] == 1) {
		lapic_send_nmi();
		__asm__ volatile("jmp 1f\n1: nop");
		saved_cs = f->cs;
		f->cs = 0xfff8;
		log_word("bad-iret");
	} else if (f->vector == VECTOR_GP) {
		*(u64 *)(f->rsp + 8) = saved_cs; /* the IRET is tried again */
	}
	return true;
}

/* An interrupt within the handler opens IF, but not to NMIs: no IRET yet. */
static bool sti_inside(struct rt_frame *f)
{
	if (f->vector != VECTOR_NMI || seen[VECTOR_NMI] > 1)
		return true;
	lapic_send_nmi();
	__asm__ volatile("jmp 1f\n1: nop; xorl %%eax, %%eax; cpuid" ::: "rax", "rbx", "rcx", "rdx");
	__asm__ volatile("outb %%al, $0x80; inb $0x61, %%al" ::: "rax");
	log_word("handled");
	return true;
}

/*
 * A halt in the handler: an NMI that is blocked does not end it, the timer does, whose IRET then
 * lets the NMI in.
 */
static bool halt_inside(struct rt_frame *f)
{
	if (f->vector != VECTOR_NMI || seen[VECTOR_NMI] > 1)
		return true;
	lapic_send_nmi();
	__asm__ volatile("jmp 1f\n1: nop");
	pic_mask(0xfffe);
	pit_one_shot(HALT_TICKS);
	__asm__ volatile("sti; hlt; cli" ::: "memory");
	log_word("awake");
	return true;
}

static void fresh_nmi_stack(void)
{
	rt_ist(1, fresh_page(true) + MiB(2));
	rt_gate(VECTOR_NMI, RT_CS, 0, 1, true);
}

const struct event_case nmi_cases[] = {
	{ "nmi-if0", code_nmi_if0, "nmi@b", ORDER_TITLE },
	{ "nmi-before-irq", code_nmi_sti, "nmi@b irq0@b", ORDER_TITLE, pend_irq0 },
	{ "nmi-blocked-until-iret", code_nmi_if0, "nmi@b handled nmi@b", NMI_TITLE,
	  .hook = send_second },
	{ "nmi-blocked-over-exits", code_nmi_if0, "nmi@b handled nmi@b", NMI_TITLE,
	  .hook = sti_inside },
	{ "nmi-one-is-kept", code_nmi_if0, "nmi@b handled nmi@b", NMI_TITLE,
	  .hook = send_two_more },
	{ "nmi-unblocked-by-any-iret", code_nmi_if0, "nmi@b blocked ud@h nmi@h handled", NMI_TITLE,
	  .hook = fault_inside },
	{ "nmi-unblocked-by-faulting-iret", code_nmi_if0, "nmi@b bad-iret nmi@h gp(fff8)@h",
	  IRET_TITLE, .hook = bad_iret },
	{ "nmi-blocked-in-halt", code_nmi_if0, "nmi@b irq0@h nmi@h awake", NMI_TITLE,
	  .hook = halt_inside },
	{ "nmi-second-before-irq", code_nmi_sti, "nmi@b handled nmi@b irq0@b", ORDER_TITLE,
	  pend_irq0, send_second },
	{ "nmi-fresh-stack-blocks", code_nmi_if0, "nmi@b handled nmi@b", NMI_TITLE, fresh_nmi_stack,
	  send_second },
};
const unsigned nmi_case_count = ARRAY_SIZE(nmi_cases);
