/*
 * cases_delivery.c - what happens while an event is being delivered
 *
 * Gates that are absent or lead nowhere, stacks that are not there: contributory faults, double
 * faults.  And stacks in memory that nobody has touched: under a hypervisor that gives memory
 * at the first touch, the delivery is cut short by an exit, and must be taken up again.
 */
#include "run.h"

#define DF_TITLE "[SDM] \"Interrupt 8 - Double Fault Exception (#DF)\" (6.15)"
#define ERROR_TITLE "[SDM] \"Error Code\" (6.13): EXT and IDT"
#define AGAIN_TITLE "[SDM] \"Information for VM Exits During Event Delivery\" (28.2.4)"
#define BAD_SELECTOR 0x1238
#define UNMAPPED MiB(22)

CODE(irq, SET_FLAGS(IF) AT_A "nop\n" AT_B "nop\n");
CODE(d_nmi, LOAD_APIC AT_A SEND_NMI AT_B "jmp 1f\n1:\n" AT_C "nop\n");
CODE(d_int3, AT_A "int3\n" AT_B "nop\n");
CODE(d_intn, AT_A "int $" TEXT(DPL3_VECTOR) "\n" AT_B "nop\n");
CODE(d_icebp, AT_A ".byte 0xf1\n" AT_B "nop\n");
CODE(d_ud, AT_A "ud2\n" AT_B "nop\n");
CODE(d_de, "xorl %ecx, %ecx\n" AT_A "divl %ecx\n" AT_B "nop\n");
CODE(d_gp, "movl $0x1234, %eax\n" AT_A "movl %eax, %ds\n" AT_B "nop\n");
CODE(d_xsetbv, "xorl %ecx, %ecx\nxorl %eax, %eax\nxorl %edx, %edx\n" AT_A "xsetbv\n" AT_B "nop\n");
CODE(d_vmrun, "xorl %eax, %eax\n" AT_A "vmrun\n" AT_B "nop\n");
CODE(d_pf, "movl $0x1600000, %eax\n" AT_A "movl %eax, (%rax)\n" AT_B "nop\n");
CODE(d_step, "xorl %eax, %eax\n" SET_FLAGS(TF) AT_A "cpuid\n" AT_Z "nop\n");
CODE(d_sti, "sti\n" AT_A "nop\n" AT_B "nop\n");
CODE_USER(d_user, AT_A "int $" TEXT(DPL3_VECTOR) "\n" AT_B "ud2\n" AT_C "int3\n" AT_D "nop\n");

static void absent(unsigned vector)
{
	rt_gate(vector, RT_CS, 3, 0, false);
}

static void nowhere(unsigned vector)
{
	rt_gate(vector, BAD_SELECTOR, 3, 0, true);
}

static void stackless(unsigned vector)
{
	rt_ist(1, UNMAPPED + MiB(2));
	rt_page_present(UNMAPPED, false);
	rt_gate(vector, RT_CS, 3, 1, true);
}

static void fresh(unsigned vector)
{
	rt_ist(1, fresh_page(true) + MiB(2));
	rt_gate(vector, RT_CS, 3, 1, true);
}

#define SETUP(name, ...)                                                                           \
	static void name(void)                                                                     \
	{                                                                                          \
		__VA_ARGS__;                                                                       \
	}

SETUP(absent_ud, absent(VECTOR_UD))
SETUP(absent_gp, absent(VECTOR_GP))
SETUP(absent_de, absent(VECTOR_DE))
SETUP(absent_int, absent(DPL3_VECTOR))
SETUP(absent_int3, absent(VECTOR_BP))
SETUP(absent_nmi, absent(VECTOR_NMI))
SETUP(absent_irq, absent(PIC_VECTOR); pend_irq0())
SETUP(absent_51, absent(0x51); lapic_send_self(0x51))
SETUP(absent_pf, absent(VECTOR_PF); rt_page_present(UNMAPPED, false))
SETUP(nowhere_ud, nowhere(VECTOR_UD))
SETUP(nowhere_gp, nowhere(VECTOR_GP))
SETUP(nowhere_pf, nowhere(VECTOR_PF); rt_page_present(UNMAPPED, false))
SETUP(nowhere_int, nowhere(DPL3_VECTOR))
SETUP(nowhere_51, nowhere(0x51); lapic_send_self(0x51))
SETUP(nowhere_db, nowhere(VECTOR_DB))
SETUP(stackless_pf, stackless(VECTOR_PF))
SETUP(stackless_gp, stackless(VECTOR_GP))
SETUP(stackless_ud, stackless(VECTOR_UD))
SETUP(stackless_int, stackless(DPL3_VECTOR))
SETUP(stackless_51, stackless(0x51); lapic_send_self(0x51))
SETUP(fresh_irq, fresh(PIC_VECTOR); pend_irq0())
SETUP(fresh_51, fresh(0x51); lapic_send_self(0x51))
SETUP(fresh_int3, fresh(VECTOR_BP))
SETUP(fresh_int, fresh(DPL3_VECTOR))
SETUP(fresh_db, fresh(VECTOR_DB))
SETUP(fresh_nmi, fresh(VECTOR_NMI))
SETUP(fresh_ud, fresh(VECTOR_UD))
SETUP(fresh_de, fresh(VECTOR_DE))
SETUP(fresh_gp, fresh(VECTOR_GP))
SETUP(fresh_pf, fresh(VECTOR_PF); rt_page_present(UNMAPPED, false))
SETUP(fresh_df, fresh(VECTOR_DF); nowhere(VECTOR_GP))

/* Brings the stack; what was being delivered comes again by itself, or does not. */
static bool bring_stack(struct rt_frame *f)
{
	if (f->vector == VECTOR_PF)
		rt_page_present(UNMAPPED, true);
	return f->vector == VECTOR_PF;
}

static bool stop_stepping(struct rt_frame *f)
{
	f->rflags &= ~RFLAGS_TF;
	return true;
}

static void restore(void)
{
	rt_page_present(UNMAPPED, true);
}

#define GATE(label, code, want, setup)                                                             \
	{                                                                                          \
		label, code, want, ERROR_TITLE, setup, .after = restore                            \
	}
#define DOUBLE(label, code, want, setup)                                                           \
	{                                                                                          \
		label, code, want, DF_TITLE, setup, .after = restore                               \
	}
#define FRESH(label, code, want, setup)                                                            \
	{                                                                                          \
		"fresh-stack-" label, code, want, AGAIN_TITLE, setup, .after = restore             \
	}

const struct event_case delivery_cases[] = {
	GATE("absent-ud", code_d_ud, "np(33)@a", absent_ud),
	GATE("absent-vmrun", code_d_vmrun, "np(33)@a", absent_ud),
	GATE("absent-int-n", code_d_intn, "np(192)@a", absent_int),
	GATE("absent-int3", code_d_int3, "np(1a)@a", absent_int3),
	GATE("absent-nmi", code_d_nmi, "np(13)@b", absent_nmi),
	GATE("absent-irq", code_irq, "np(103)@a", absent_irq),
	GATE("absent-apic", code_irq, "np(28b)@a", absent_51),
	GATE("absent-apic-in-shadow", code_d_sti, "np(28b)@b", absent_51),
	GATE("nowhere-ud", code_d_ud, "gp(1239)@a", nowhere_ud),
	GATE("nowhere-int-n", code_d_intn, "gp(1238)@a", nowhere_int),
	GATE("nowhere-apic", code_irq, "gp(1239)@a", nowhere_51),
	{ "nowhere-step", code_d_step, "gp(1239)@z", ERROR_TITLE, nowhere_db, stop_stepping,
	  restore },
	GATE("nowhere-icebp", code_d_icebp, "gp(1239)@a", nowhere_db),
	DOUBLE("gp-then-gp", code_d_gp, "df(0)@a", nowhere_gp),
	DOUBLE("xsetbv-gp-then-gp", code_d_xsetbv, "df(0)@a", nowhere_gp),
	DOUBLE("gp-then-np", code_d_gp, "df(0)@a", absent_gp),
	DOUBLE("de-then-np", code_d_de, "df(0)@a", absent_de),
	DOUBLE("pf-then-gp", code_d_pf, "df(0)@a", nowhere_pf),
	DOUBLE("pf-then-np", code_d_pf, "df(0)@a", absent_pf),
	DOUBLE("pf-then-pf", code_d_pf, "df(0)@a", stackless_pf),
	{ "gp-then-pf", code_d_gp, "pf(2)@a gp(1234)@a", DF_TITLE, stackless_gp, bring_stack,
	  restore },
	{ "xsetbv-gp-then-pf", code_d_xsetbv, "pf(2)@a gp(0)@a", DF_TITLE, stackless_gp,
	  bring_stack, restore },
	{ "ud-then-pf", code_d_ud, "pf(2)@a ud@a", DF_TITLE, stackless_ud, bring_stack, restore },
	{ "int-n-then-pf", code_d_intn, "pf(2)@a v32@b", DF_TITLE, stackless_int, bring_stack,
	  restore },
	/* The controller has been told that the CPU took it: it does not come again. */
	{ "apic-then-pf", code_irq, "pf(2)@a", DF_TITLE, stackless_51, bring_stack, restore },
	FRESH("irq", code_irq, "irq0@a", fresh_irq),
	FRESH("apic", code_irq, "v51@a", fresh_51),
	FRESH("apic-shadow", code_d_sti, "v51@b", fresh_51),
	FRESH("nmi", code_d_nmi, "nmi@b", fresh_nmi),
	FRESH("int3", code_d_int3, "bp@b", fresh_int3),
	FRESH("int-n", code_d_intn, "v32@b", fresh_int),
	FRESH("icebp", code_d_icebp, "db()@b", fresh_db),
	FRESH("step", code_d_step, "db(BS)@z", fresh_db),
	FRESH("ud", code_d_ud, "ud@a", fresh_ud),
	FRESH("vmrun", code_d_vmrun, "ud@a", fresh_ud),
	FRESH("de", code_d_de, "de@a", fresh_de),
	FRESH("gp", code_d_gp, "gp(1234)@a", fresh_gp),
	FRESH("xsetbv", code_d_xsetbv, "gp(0)@a", fresh_gp),
	FRESH("pf", code_d_pf, "pf(2)@a", fresh_pf),
	FRESH("df", code_d_gp, "df(0)@a", fresh_df),
	{ "fresh-stack-user", code_d_user, "v32@b ud@b bp@d", AGAIN_TITLE, fresh_int,
	  .after = restore },
};
const unsigned delivery_case_count = ARRAY_SIZE(delivery_cases);
