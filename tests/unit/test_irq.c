/*
 * test_irq.c - which event comes first
 *
 * Owns: the merge table against a second one, the order of events, windows and shadows.
 * Must not know: how a back end injects: a little guest takes the events and returns from them.
 */
#include "machine.h"

#include "fake_virt.h"
#include "vm/irq.h"

void test_irq_register(void);

/* ---- The merge table ---------------------------------------------------------- */

/*
 * [SDM] "Interrupt 8 - Double Fault Exception (#DF)", typed again row by row: what the second
 * one (a letter of the vectors below) becomes.  s: second, d: double fault, x: shutdown.
 * Vectors:                      DE DB NM BP OF BR UD NM DF -- TS NP SS GP PF -- MF AC MC XM VE CP
 */
static const char second_after_benign[] = "ssssssssssssssssssssss";
static const char after_contributory[] = "dsssssss"
					 "s"
					 "s"
					 "dddd"
					 "s"
					 "s"
					 "ssss"
					 "s"
					 "d";
static const char after_page_fault[] = "dsssssss"
				       "s"
				       "s"
				       "dddd"
				       "d"
				       "s"
				       "ssss"
				       "d"
				       "d";
static const char after_double_fault[] = "xsssssss"
					 "s"
					 "s"
					 "xxxx"
					 "x"
					 "s"
					 "ssss"
					 "x"
					 "x";

static const char *row_of(unsigned first)
{
	switch (first) {
	case 0:
	case 10:
	case 11:
	case 12:
	case 13:
	case 21:
		return after_contributory;
	case 14:
	case 20:
		return after_page_fault;
	case 8:
		return after_double_fault;
	default:
		return second_after_benign;
	}
}

static char merged(u8 type1, u8 vector1, u8 type2, u8 vector2)
{
	const struct event first = { .type = type1, .vector = vector1 };
	const struct event second = { .type = type2, .vector = vector2 };

	switch (irq_merge(&first, &second)) {
	case IRQ_MERGE_SECOND:
		return 's';
	case IRQ_MERGE_DOUBLE_FAULT:
		return 'd';
	case IRQ_MERGE_SHUTDOWN:
		return 'x';
	}
	return '?';
}

static void test_merge_exceptions(void)
{
	unsigned wrong = 0;

	for (unsigned a = 0; a < 32; a++) {
		for (unsigned b = 0; b < 32; b++) {
			char want = b < 22 ? row_of(a)[b] : 's';
			char got = merged(EVENT_EXCEPTION, (u8)a, EVENT_EXCEPTION, (u8)b);

			if (got != want && ++wrong < 5)
				printf("\nvector %u then %u: %c, not %c\n", a, b, got, want);
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void test_merge_types(void)
{
	unsigned wrong = 0;

	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 32; b++) {
			wrong += merged(EVENT_INTR, (u8)a, EVENT_EXCEPTION, (u8)b) != 's';
			wrong += merged(EVENT_NMI, 2, EVENT_EXCEPTION, (u8)b) != 's';
			/* INT n, INT3 and INTO, ICEBP run again after the fault's handler. */
			wrong += merged(EVENT_SOFT_INT, (u8)a, EVENT_EXCEPTION, (u8)b) != 's';
			wrong += merged(EVENT_SOFT_EXCEPTION, 3, EVENT_EXCEPTION, (u8)b) != 's';
			wrong += merged(EVENT_SOFT_EXCEPTION, 4, EVENT_EXCEPTION, (u8)b) != 's';
			wrong += merged(EVENT_ICEBP, 1, EVENT_EXCEPTION, (u8)b) != 's';
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* ---- A guest that takes events ------------------------------------------------ */

/*
 * It is entered with an event, whose handler begins with interrupts off; it runs until a window
 * opens, else it returns from the handler; with no handler left it stops.
 */
struct guest {
	char log[256];
	struct {
		bool intr; /* as before: IF */
	} stack[16];
	unsigned depth;
	unsigned spurious; /* windows that told a lie */
};

static void guest_log(struct guest *g, const char *text)
{
	if (g->log[0])
		strcat(g->log, " ");
	strcat(g->log, text);
}

static void take(struct vcpu *v, struct guest *g, const struct event *e)
{
	static const char *const name[] = {
		[EVENT_INTR] = "I",	[EVENT_NMI] = "NMI",	      [EVENT_EXCEPTION] = "E",
		[EVENT_SOFT_INT] = "S", [EVENT_SOFT_EXCEPTION] = "B", [EVENT_ICEBP] = "ICE",
	};
	char text[32];

	if (e->type == EVENT_NMI)
		snprintf(text, sizeof(text), "NMI");
	else
		snprintf(text, sizeof(text), e->has_error ? "%s%u(%x)" : "%s%u", name[e->type],
			 e->vector, e->error);
	guest_log(g, text);
	g->stack[g->depth].intr = v->regs.rflags & RFLAGS_IF;
	g->depth++;
	v->regs.rflags &= ~RFLAGS_IF;
}

static void guest_runs(struct vcpu *v)
{
	struct fake_vcpu *f = fake_vcpu(v);
	struct guest *g = f->ctx;

	if (f->pending.type)
		take(v, g, &f->pending);
	for (;;) {
		if ((f->windows & WINDOW_NMI) && !f->truth.nmi_blocked && !f->truth.shadow) {
			v->exit.reason = EXIT_WINDOW_NMI;
			return;
		}
		if ((f->windows & WINDOW_INTR) && (v->regs.rflags & RFLAGS_IF) &&
		    !f->truth.shadow) {
			v->exit.reason = EXIT_WINDOW_INTR;
			return;
		}
		if (f->truth.shadow) { /* one instruction */
			f->truth.shadow = 0;
			guest_log(g, "insn");
			continue;
		}
		if (!g->depth)
			return;
		g->depth--;
		f->truth.nmi_blocked = false;
		if (g->stack[g->depth].intr)
			v->regs.rflags |= RFLAGS_IF;
		guest_log(g, "iret");
	}
}

/* ---- Order -------------------------------------------------------------------- */

#define X(n)                                                                                       \
	{                                                                                          \
		.type = EVENT_EXCEPTION, .vector = (n)                                             \
	}
#define XE(n, e)                                                                                   \
	{                                                                                          \
		.type = EVENT_EXCEPTION, .vector = (n), .has_error = true, .error = (e)            \
	}
#define INTR(n)                                                                                    \
	{                                                                                          \
		.type = EVENT_INTR, .vector = (n)                                                  \
	}
#define NMI_EVENT                                                                                  \
	{                                                                                          \
		.type = EVENT_NMI, .vector = 2                                                     \
	}
#define NOTHING                                                                                    \
	{                                                                                          \
		.type = EVENT_NONE                                                                 \
	}

struct order {
	const char *name;
	struct event interrupted, raise; /* found after the exit; raised by its handler */
	bool nmi, nmi_blocked;
	u8 vector;   /* in the LAPIC's request register, 0: none */
	bool extint; /* the PIC asks for vector 0x30 */
	bool masked; /* RFLAGS.IF is clear */
	u8 shadow;
	const char *want;
};

static const struct order orders[] = {
	{ "nothing", .want = "" },
	{ "an interrupt", .vector = 0x51, .want = "I81 iret" },
	{ "an NMI", .nmi = true, .want = "NMI iret" },
	{ "the PIC's interrupt", .extint = true, .want = "I48 iret" },
	{ "a fault", .raise = X(VECTOR_UD), .want = "E6 iret" },
	{ "a fault with an error code", .raise = XE(VECTOR_GP, 0x18), .want = "E13(18) iret" },

	{ "NMI before interrupt", .nmi = true, .vector = 0x51, .want = "NMI iret I81 iret" },
	{ "LAPIC before PIC", .vector = 0x51, .extint = true, .want = "I81 iret I48 iret" },
	{ "NMI, LAPIC, PIC", .nmi = true, .vector = 0x51, .extint = true,
	  .want = "NMI iret I81 iret I48 iret" },
	{ "fault before NMI: the NMI comes in its handler", .raise = X(VECTOR_UD), .nmi = true,
	  .want = "E6 NMI iret iret" },
	{ "fault before interrupt: the interrupt waits for IF", .raise = X(VECTOR_UD),
	  .vector = 0x51, .want = "E6 iret I81 iret" },
	{ "fault, NMI, interrupt", .raise = X(VECTOR_UD), .nmi = true, .vector = 0x51,
	  .want = "E6 NMI iret iret I81 iret" },

	{ "masked interrupt stays away", .vector = 0x51, .masked = true, .want = "" },
	{ "masked PIC stays away", .extint = true, .masked = true, .want = "" },
	{ "NMI though interrupts are masked", .nmi = true, .masked = true, .want = "NMI iret" },
	{ "fault though interrupts are masked", .raise = X(0), .masked = true, .want = "E0 iret" },
	{ "NMI with a masked interrupt", .nmi = true, .vector = 0x51, .masked = true,
	  .want = "NMI iret" },

	{ "STI shadow holds back the interrupt for one instruction", .vector = 0x51,
	  .shadow = SHADOW_STI, .want = "insn I81 iret" },
	{ "STI shadow does not hold back an NMI", .nmi = true, .shadow = SHADOW_STI,
	  .want = "NMI iret" },
	{ "MOV SS shadow holds back the interrupt", .vector = 0x51, .shadow = SHADOW_MOV_SS,
	  .want = "insn I81 iret" },
	{ "MOV SS shadow holds back the NMI", .nmi = true, .shadow = SHADOW_MOV_SS,
	  .want = "insn NMI iret" },
	{ "both behind a MOV SS shadow: NMI first", .nmi = true, .vector = 0x51,
	  .shadow = SHADOW_MOV_SS, .want = "insn NMI iret I81 iret" },
	{ "NMI ends the STI shadow, the interrupt follows it", .nmi = true, .vector = 0x51,
	  .shadow = SHADOW_STI, .want = "NMI iret I81 iret" },
	{ "a fault is not held back by a shadow", .raise = X(VECTOR_UD), .shadow = SHADOW_MOV_SS,
	  .want = "E6 iret" },

	{ "a blocked NMI waits", .nmi = true, .nmi_blocked = true, .want = "" },
	{ "a blocked NMI does not stop an interrupt, whose IRET ends that", .nmi = true,
	  .nmi_blocked = true, .vector = 0x51, .want = "I81 iret NMI iret" },
	{ "an NMI in an NMI's handler comes after it", .interrupted = NMI_EVENT, .nmi = true,
	  .want = "NMI iret NMI iret" },

	{ "an interrupted interrupt is delivered again", .interrupted = INTR(0x61),
	  .want = "I97 iret" },
	{ "an interrupted NMI is delivered again", .interrupted = NMI_EVENT, .want = "NMI iret" },
	{ "an interrupted INT n is delivered again",
	  .interrupted = { .type = EVENT_SOFT_INT, .vector = 0x80, .insn_len = 2 },
	  .want = "S128 iret" },
	{ "an interrupted fault keeps its error code", .interrupted = XE(VECTOR_PF, 7),
	  .want = "E14(7) iret" },
	{ "an interrupted interrupt before another one", .interrupted = INTR(0x61), .vector = 0x71,
	  .want = "I97 iret I113 iret" },
	{ "an interrupted interrupt before an NMI", .interrupted = INTR(0x61), .nmi = true,
	  .want = "I97 NMI iret iret" },
	{ "an interrupted fault before NMI and interrupt", .interrupted = X(VECTOR_DB), .nmi = true,
	  .vector = 0x51, .want = "E1 NMI iret iret I81 iret" },

	{ "interrupt met a fault: it is gone", .interrupted = INTR(0x61),
	  .raise = XE(VECTOR_PF, 2), .want = "E14(2) iret" },
	{ "... and a new interrupt comes after it", .interrupted = INTR(0x61),
	  .raise = XE(VECTOR_PF, 2), .vector = 0x51, .want = "E14(2) iret I81 iret" },
	{ "... and an NMI in the fault's handler", .interrupted = INTR(0x61),
	  .raise = XE(VECTOR_PF, 2), .nmi = true, .want = "E14(2) NMI iret iret" },
	{ "NMI met a fault: it is gone", .interrupted = NMI_EVENT, .raise = XE(VECTOR_PF, 2),
	  .want = "E14(2) iret" },
	{ "... and another one waits for an IRET", .interrupted = NMI_EVENT, .nmi = true,
	  .raise = XE(VECTOR_PF, 2), .want = "E14(2) iret NMI iret" },
	{ "INT n met a fault: it runs again by itself",
	  .interrupted = { .type = EVENT_SOFT_INT, .vector = 0x80, .insn_len = 2 },
	  .raise = XE(VECTOR_NP, 0x10), .want = "E11(10) iret" },
	{ "page fault met a page fault", .interrupted = XE(VECTOR_PF, 0), .raise = XE(VECTOR_PF, 2),
	  .want = "E8(0) iret" },
	{ "general protection met a page fault", .interrupted = XE(VECTOR_GP, 0),
	  .raise = XE(VECTOR_PF, 2), .want = "E14(2) iret" },
	{ "page fault met a general protection", .interrupted = XE(VECTOR_PF, 0),
	  .raise = XE(VECTOR_GP, 8), .want = "E8(0) iret" },
	{ "debug trap met a page fault", .interrupted = X(VECTOR_DB), .raise = XE(VECTOR_PF, 2),
	  .want = "E14(2) iret" },
	{ "double fault before the interrupt", .interrupted = XE(VECTOR_GP, 0),
	  .raise = XE(VECTOR_NP, 8), .vector = 0x51, .want = "E8(0) iret I81 iret" },
};

static void ask_for(struct vcpu *v, const struct order *o)
{
	struct vm *vm = v->vm;

	host_lock(&vm->lock);
	if (o->vector)
		lapic_deliver(&v->lapic, LAPIC_FIXED, o->vector, false);
	if (o->extint) {
		pic_wire(&vm->pic, 0).set(&vm->pic, 0, true);
	}
	host_unlock(&vm->lock);
}

/* 8259 pair at 0x30, 0x38, edge, automatic end of interrupt, all but IRQ 0 masked. */
static void set_up_pic(struct vm *vm)
{
	static const u8 init[] = { 0x30, 0x04, 0x03 };

	host_lock(&vm->lock);
	pic_wire(&vm->pic, 0).set(&vm->pic, 0, false);
	bus_out(&vm->bus, 0x20, 1, 0x11);
	for (unsigned i = 0; i < sizeof(init); i++)
		bus_out(&vm->bus, 0x21, 1, init[i]);
	bus_out(&vm->bus, 0x21, 1, 0xfe);
	host_unlock(&vm->lock);
}

static struct vcpu *set_up(struct vm *vm, struct guest *g)
{
	struct vcpu *v = vm->vcpu[0];

	memset(g, 0, sizeof(*g));
	fake_mode_flat32(v);
	set_up_pic(vm);
	host_lock(&vm->lock);
	lapic_init_ipi(&v->lapic);
	lapic_after_firmware(&v->lapic);
	host_unlock(&vm->lock);
	fake_vcpu_settle(v);
	fake_vcpu(v)->guest = guest_runs;
	fake_vcpu(v)->ctx = g;
	return v;
}

static void run_order(struct vm *vm, const struct order *o)
{
	struct guest g;
	struct vcpu *v = set_up(vm, &g);

	v->state.shadow = o->shadow;
	v->state.nmi_blocked = o->nmi_blocked;
	v->regs.rflags = RFLAGS_ONE | (o->masked ? 0 : RFLAGS_IF);
	virt->set_state(v, STATE_INT);
	v->state.interrupted = o->interrupted;
	if (o->raise.type)
		irq_raise(v, &o->raise);
	v->nmi_pending |= o->nmi;
	vcpu_note(v, REQUEST_IRQ);
	ask_for(v, o);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	if (strcmp(g.log, o->want))
		printf("\n%s: got \"%s\", want \"%s\"\n", o->name, g.log, o->want);
	CU_ASSERT_STRING_EQUAL(g.log, o->want);
	CU_ASSERT_EQUAL(vm->state, VM_RUNNING);
}

static void test_order(void)
{
	struct vm *vm = fake_vm_make(MiB(4), 1);

	for (unsigned i = 0; i < ARRAY_SIZE(orders); i++)
		run_order(vm, &orders[i]);
	fake_vm_free(vm);
}

/*
 * Another CPU asks between irq_prepare and the entry, so that it is called again: what was injected
 * already comes first, and nothing is lost.
 */
static void test_asked_again(void)
{
	static const struct order first = { .vector = 0x51 }, second = { .vector = 0x61 };
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct guest g;
	struct vcpu *v = set_up(vm, &g);

	v->regs.rflags = RFLAGS_ONE | RFLAGS_IF;
	ask_for(v, &first);
	irq_prepare(v);
	ask_for(v, &second);
	v->nmi_pending = true;
	vcpu_note(v, REQUEST_IRQ);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_STRING_EQUAL(g.log, "I81 NMI iret iret I97 iret");
	fake_vm_free(vm);
}

/* ---- Windows ------------------------------------------------------------------ */

static void nothing_happens(struct vcpu *v)
{
	v->exit.reason = EXIT_HOST;
}

static unsigned windows_after_step(struct vcpu *v)
{
	vcpu_note(v, REQUEST_IRQ);
	vcpu_step(v);
	return fake_vcpu(v)->windows;
}

static void test_windows(void)
{
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct order masked = { .vector = 0x51 };
	struct guest g;
	struct vcpu *v = set_up(vm, &g);

	fake_vcpu(v)->guest = nothing_happens;
	v->regs.rflags = RFLAGS_ONE;
	CU_ASSERT_EQUAL(windows_after_step(v), 0);
	ask_for(v, &masked);
	CU_ASSERT_EQUAL(windows_after_step(v), WINDOW_INTR);
	v->nmi_pending = true;
	v->state.nmi_blocked = true;
	virt->set_state(v, STATE_INT);
	CU_ASSERT_EQUAL(windows_after_step(v), WINDOW_INTR | WINDOW_NMI);
	CU_ASSERT_EQUAL(fake_vcpu(v)->window_calls, 2);
	/* The guest raises its task priority: the interrupt is withdrawn, and so is the window. */
	host_lock(&vm->lock);
	lapic_set_tpr(&v->lapic, 0xf0);
	host_unlock(&vm->lock);
	CU_ASSERT_EQUAL(windows_after_step(v), WINDOW_NMI);
	/* Unchanged wishes are not told again. */
	CU_ASSERT_EQUAL(windows_after_step(v), WINDOW_NMI);
	CU_ASSERT_EQUAL(fake_vcpu(v)->window_calls, 3);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injections, 0);
	fake_vm_free(vm);
}

/* ---- Ends ----------------------------------------------------------------------- */

static void test_triple_fault(void)
{
	static const u8 contributory[] = { 0, 10, 11, 12, 13, 14 };

	for (unsigned i = 0; i < sizeof(contributory); i++) {
		struct vm *vm = fake_vm_make(MiB(4), 1);
		struct vcpu *v = vm->vcpu[0];
		const struct event second = X(contributory[i]);

		fake_mode_flat32(v);
		v->regs.rip = 0x1234;
		v->state.interrupted = (struct event)XE(VECTOR_DF, 0);
		irq_raise(v, &second);
		CU_ASSERT_EQUAL(vm->state, VM_DEAD);
		CU_ASSERT_PTR_NOT_NULL(strstr(vm->cause, "triple fault"));
		CU_ASSERT_PTR_NOT_NULL(strstr(vm->cause, "0x1234"));
		CU_ASSERT_EQUAL(fake_host.ended, 1);
		CU_ASSERT_EQUAL(vcpu_step(v), VCPU_STOPPED);
		CU_ASSERT_EQUAL(fake_vcpu(v)->entries, 0);
		fake_vm_free(vm);
	}
}

/* ---- What is delivered beside the vector ---------------------------------------- */

static struct vcpu *deliver_raised(struct vm *vm, const struct event *event)
{
	struct vcpu *v = vm->vcpu[0];

	fake_vcpu(v)->guest = NULL;
	irq_raise(v, event);
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_HOST);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injections, 1);
	return v;
}

/* Of breakpoints on the next instruction DR6 tells too, of all if one is enabled; of no others. */
static void test_step_onto_breakpoint(void)
{
	struct event db = { .type = EVENT_EXCEPTION, .vector = VECTOR_DB, .dr6 = DR6_BS };
	struct vm *vm = fake_vm_make(MiB(2), 1);
	struct vcpu *v = vm->vcpu[0];
	u64 at;

	for (unsigned enabled = 0; enabled < 2; enabled++) {
		fake_mode_flat32(v);
		at = v->state.seg[SEG_CS].base + v->regs.rip;
		v->state.dr[0] = v->state.dr[1] = v->state.dr[2] = at;
		v->state.dr[3] = at + 1;
		v->state.dr[6] = DR6_FIXED;
		v->state.dr[7] = DR7_FIXED | (enabled ? BIT(2) : 0) | BIT(24); /* 2: a write */
		fake_vcpu_settle(v);
		deliver_raised(vm, &db);
		CU_ASSERT_EQUAL(fake_vcpu(v)->truth.dr[6], DR6_FIXED | DR6_BS | (enabled ? 3 : 0));
	}
	fake_vm_free(vm);
}

static void test_cr2_dr6(void)
{
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = vm->vcpu[0];
	struct event pf = XE(VECTOR_PF, 2), db = X(VECTOR_DB), gp = XE(VECTOR_GP, 0);

	pf.cr2 = 0xdead0000;
	db.dr6 = DR6_BS | DR6_BD;
	fake_mode_flat32(v);
	v->state.cr2 = 1;
	fake_vcpu_settle(v);
	deliver_raised(vm, &gp);	       /* a #GP leaves CR2 alone */
	CU_ASSERT(v->regs.rflags & RFLAGS_RF); /* a fault pushes RF set, a trap does not */
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cr2, 1);
	fake_mode_flat32(v);
	deliver_raised(vm, &pf);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cr2, 0xdead0000);

	fake_mode_flat32(v);
	v->state.dr[6] = DR6_FIXED | 1;
	v->state.dr[7] = DR7_FIXED | DR7_GD;
	fake_vcpu_settle(v);
	deliver_raised(vm, &db);
	CU_ASSERT_FALSE(v->regs.rflags & RFLAGS_RF);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.dr[6], DR6_FIXED | 1 | DR6_BS | DR6_BD);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.dr[7], DR7_FIXED);

	db.dr6 = DR6_BS; /* GD is cleared whatever raised the exception */
	fake_mode_flat32(v);
	v->state.dr[7] = DR7_FIXED | DR7_GD;
	fake_vcpu_settle(v);
	deliver_raised(vm, &db);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.dr[7], DR7_FIXED);

	/* [SDM] "Interrupt 14 - Page-Fault Exception": CR2 changes even if #DF comes of it. */
	fake_mode_flat32(v);
	v->state.interrupted = (struct event)XE(VECTOR_PF, 0);
	deliver_raised(vm, &pf);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injected[0].vector, VECTOR_DF);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cr2, 0xdead0000);
	fake_vm_free(vm);
}

/* [SDM] "Error Code" (6.13): in real-address mode none is pushed. */
static void test_real_mode_error_code(void)
{
	struct vm *vm = fake_vm_make(MiB(4), 1);
	struct vcpu *v = vm->vcpu[0];
	const struct event gp = XE(VECTOR_GP, 0);

	fake_mode_real(v);
	deliver_raised(vm, &gp);
	CU_ASSERT_EQUAL(fake_vcpu(v)->injected[0].vector, VECTOR_GP);
	CU_ASSERT_FALSE(fake_vcpu(v)->injected[0].has_error);
	fake_mode_flat32(v);
	deliver_raised(vm, &gp);
	CU_ASSERT_TRUE(fake_vcpu(v)->injected[0].has_error);
	fake_vm_free(vm);
}

/* ---- HLT ----------------------------------------------------------------------------- */

struct halt {
	const char *name;
	struct order is;
	bool wakes;
};

static const struct halt halts[] = {
	{ "nothing", { .masked = false }, false },
	{ "interrupt", { .vector = 0x51 }, true },
	{ "masked interrupt", { .vector = 0x51, .masked = true }, false },
	{ "PIC", { .extint = true }, true },
	{ "masked PIC", { .extint = true, .masked = true }, false },
	{ "NMI", { .nmi = true, .masked = true }, true },
	{ "blocked NMI", { .nmi = true, .nmi_blocked = true, .masked = true }, false },
	{ "single-step trap of HLT", { .raise = X(VECTOR_DB), .masked = true }, true },
};

static void test_wakes(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(halts); i++) {
		struct vm *vm = fake_vm_make(MiB(4), 1);
		const struct order *o = &halts[i].is;
		struct guest g;
		struct vcpu *v = set_up(vm, &g);
		enum vcpu_stop stop;

		v->state.nmi_blocked = o->nmi_blocked;
		virt->set_state(v, STATE_INT);
		v->regs.rflags = RFLAGS_ONE | (o->masked ? 0 : RFLAGS_IF);
		v->nmi_pending = o->nmi;
		if (o->raise.type)
			irq_raise(v, &o->raise);
		ask_for(v, o);
		v->state.activity = ACTIVITY_HALT;
		stop = vcpu_step(v);
		if ((stop == VCPU_HOST) != halts[i].wakes)
			printf("\n%s: woke %d\n", halts[i].name, stop == VCPU_HOST);
		CU_ASSERT_EQUAL(stop, halts[i].wakes ? VCPU_HOST : VCPU_BLOCKED);
		CU_ASSERT_EQUAL(v->state.activity, halts[i].wakes ? ACTIVITY_RUN : ACTIVITY_HALT);
		fake_vm_free(vm);
	}
}

void test_irq_register(void)
{
	CU_pSuite suite = CU_add_suite("irq", NULL, NULL);

	CU_add_test(suite, "merging: every pair of exceptions", test_merge_exceptions);
	CU_add_test(suite, "merging: every other first event", test_merge_types);
	CU_add_test(suite, "order, shadows, blocking", test_order);
	CU_add_test(suite, "asked again before the entry", test_asked_again);
	CU_add_test(suite, "windows come and go", test_windows);
	CU_add_test(suite, "triple fault ends the VM", test_triple_fault);
	CU_add_test(suite, "CR2 and DR6 at delivery", test_cr2_dr6);
	CU_add_test(suite, "a step onto a breakpoint", test_step_onto_breakpoint);
	CU_add_test(suite, "no error code in real mode", test_real_mode_error_code);
	CU_add_test(suite, "what wakes a halted CPU", test_wakes);
}
