/* irq.c - see irq.h */
#include "vm/irq.h"

#include "vm/vm.h"

/* [SDM] "Interrupt 8 - Double Fault Exception (#DF)" (6.15), table 6-4 */
enum fault_class { BENIGN, CONTRIBUTORY, PAGE_FAULT };

static enum fault_class fault_class(u8 vector)
{
	switch (vector) {
	case VECTOR_DE:
	case VECTOR_TS:
	case VECTOR_NP:
	case VECTOR_SS:
	case VECTOR_GP:
	case VECTOR_CP:
		return CONTRIBUTORY;
	case VECTOR_PF:
	case VECTOR_VE:
		return PAGE_FAULT;
	default:
		return BENIGN;
	}
}

/* table 6-5 */
enum irq_merge irq_merge(const struct event *first, const struct event *second)
{
	enum fault_class a, b;

	if (first->type != EVENT_EXCEPTION || second->type != EVENT_EXCEPTION)
		return IRQ_MERGE_SECOND;
	a = fault_class(first->vector);
	b = fault_class(second->vector);
	if (first->vector == VECTOR_DF && b != BENIGN)
		return IRQ_MERGE_SHUTDOWN;
	if ((a == CONTRIBUTORY && b == CONTRIBUTORY) || (a == PAGE_FAULT && b != BENIGN))
		return IRQ_MERGE_DOUBLE_FAULT;
	return IRQ_MERGE_SECOND;
}

/* CR2 is the last page fault's address, even of one that becomes a double fault. */
static void load_cr2(struct vcpu *v, const struct event *event)
{
	if (event->type != EVENT_EXCEPTION || event->vector != VECTOR_PF)
		return;
	v->state.cr2 = event->cr2;
	vcpu_state_changed(v, STATE_CR2);
}

static bool is_debug(const struct event *event)
{
	return event->type == EVENT_EXCEPTION && event->vector == VECTOR_DB;
}

/* The NMI is gone, and blocks others all the same: the fault's IRET ends that. */
static void block_nmis(struct vcpu *v)
{
	vcpu_state(v, STATE_INT)->nmi_blocked = true;
	vcpu_state_changed(v, STATE_INT);
}

void irq_raise(struct vcpu *v, const struct event *event)
{
	struct event *first = v->state.interrupted.type ? &v->state.interrupted : &v->raised;
	struct event second = *event;

	vcpu_note(v, REQUEST_IRQ);
	if (first->type == EVENT_NONE) {
		v->raised = second;
		return;
	}
	if (first == &v->raised && is_debug(first) && is_debug(&second))
		second.dr6 |= first->dr6; /* of one instruction: one trap */
	switch (irq_merge(first, &second)) {
	case IRQ_MERGE_SECOND:
		if (first->type == EVENT_NMI)
			block_nmis(v);
		v->raised = second;
		break;
	case IRQ_MERGE_DOUBLE_FAULT:
		load_cr2(v, &second);
		v->raised = (struct event){ .type = EVENT_EXCEPTION,
					    .vector = VECTOR_DF,
					    .has_error = true };
		break;
	case IRQ_MERGE_SHUTDOWN:
		v->raised.type = EVENT_NONE;
		vm_end_triple_fault(v);
		break;
	}
	v->state.interrupted.type = EVENT_NONE;
}

void irq_single_step(struct vcpu *v)
{
	static const struct event step = { .type = EVENT_EXCEPTION,
					   .vector = VECTOR_DB,
					   .dr6 = DR6_BS };

	if (!(vcpu_state(v, STATE_MSR)->debugctl & DEBUGCTL_BTF))
		irq_raise(v, &step);
}

/* Neither trap nor abort: the instruction runs again.  [SDM] "Exception Classifications" (6.5) */
static bool is_fault(const struct event *event)
{
	return event->type == EVENT_EXCEPTION && event->vector != VECTOR_DB &&
	       event->vector != VECTOR_BP && event->vector != VECTOR_OF &&
	       event->vector != VECTOR_DF && event->vector != VECTOR_MC;
}

#define BREAKPOINTS 4
#define DR7_TYPE(n) (16 + 4 * (n)) /* two bits; 0: execution */

/*
 * Breakpoints on the instruction at RIP.  A single step that ends there tells of them in DR6:
 * of all if one is enabled.  [SDM] "Debug Status Register (DR6)" (18.2.3)
 */
static u64 breakpoints_here(struct vcpu *v)
{
	const struct cpu_state *state = vcpu_state(v, STATE_DR | STATE_EXEC);
	u64 at = state->seg[SEG_CS].base + v->regs.rip, met = 0, enabled = 0;

	for (unsigned n = 0; n < BREAKPOINTS; n++) {
		if (state->dr[7] >> DR7_TYPE(n) & 3 || state->dr[n] != at)
			continue;
		met |= BIT(n);
		enabled |= state->dr[7] >> 2 * n & 3;
	}
	return enabled ? met : 0;
}

/* A fault that emulation raised: its CR2 or DR6 become visible as it is delivered. */
static void deliver_raised(struct vcpu *v)
{
	struct event *event = &v->raised;

	load_cr2(v, event);
	if (event->type == EVENT_EXCEPTION && event->vector == VECTOR_DB) {
		struct cpu_state *state = vcpu_state(v, STATE_DR);

		state->dr[6] |= event->dr6;
		if ((event->dr6 & DR6_BS) && !(v->regs.rflags & RFLAGS_RF))
			state->dr[6] |= breakpoints_here(v);
		state->dr[7] &= ~DR7_GD; /* whatever the cause: "Debug Control Register" (18.2.4) */
		vcpu_state_changed(v, STATE_DR);
	}
	if (!(vcpu_state(v, STATE_EXEC)->cr0 & CR0_PE))
		event->has_error = false; /* real mode pushes none */
	if (is_fault(event))
		v->regs.rflags |= RFLAGS_RF; /* in the pushed image: "RF Flag" (18.3.1.1) */
	virt->inject(v, event);
	v->raised.type = EVENT_NONE;
}

/* The one event that was on its way before anything new: an interrupted delivery, then faults. */
static bool deliver_first(struct vcpu *v)
{
	struct event *interrupted = &v->state.interrupted;

	if (interrupted->type) {
		virt->inject(v, interrupted);
		interrupted->type = EVENT_NONE;
	} else if (v->raised.type) {
		deliver_raised(v);
	} else {
		return false;
	}
	return true;
}

static bool deliver_nmi(struct vcpu *v)
{
	static const struct event nmi = { .type = EVENT_NMI, .vector = VECTOR_NMI };
	struct cpu_state *state = vcpu_state(v, STATE_INT);

	if (state->nmi_blocked || (state->shadow & SHADOW_MOV_SS))
		return false;
	if (state->shadow) {
		/* STI holds back maskable interrupts only; VM entry wants to see it gone. */
		state->shadow = 0;
		vcpu_state_changed(v, STATE_INT);
	}
	v->nmi_pending = false;
	virt->inject(v, &nmi);
	return true;
}

static bool interrupts_open(struct vcpu *v)
{
	return (v->regs.rflags & RFLAGS_IF) && !vcpu_state(v, STATE_INT)->shadow;
}

/* Acknowledge it.  False: it was withdrawn meanwhile. */
static bool take_interrupt(struct vcpu *v, struct event *event)
{
	int vector = lapic_highest_pending(&v->lapic);

	if (vector >= 0)
		lapic_ack(&v->lapic, (u8)vector);
	else if (lapic_extint(&v->lapic))
		vector = pic_ack(&v->vm->pic);
	else
		return false;
	*event = (struct event){ .type = EVENT_INTR, .vector = (u8)vector };
	return true;
}

/*
 * Decide what v's next entry delivers, and which windows it asks for: the order is irq.h's.
 *
 * An entry delivers at most one event.  One may be on its way already: v->injected says that
 * virt->inject was called since the last entry, for this function runs again if a request comes
 * in between; or deliver_first finds one.  v->injected is true afterwards if there is one.
 *   - A pending NMI is delivered if nothing else is and deliver_nmi can; it stays pending
 *     otherwise, and wants WINDOW_NMI.
 *   - An interrupt (lapic_pending: the 8259s' too) is taken from its controller and injected if
 *     nothing else is, and the guest can take one (interrupts_open).  What is taken is in service:
 *     so it must be injected.
 *   - If one is still pending after all that, it wants WINDOW_INTR.
 *
 * The controllers may be looked at and changed under the VM's lock only.  virt->window is
 * called without it, and only if the set of wishes is another one than the last (v->windows): each
 * call costs, at each entry.
 */
void irq_prepare(struct vcpu *v)
{
	struct event interrupt;
	unsigned windows = 0;
	bool busy;

	host_lock(&v->vm->lock);
	/* It may be that a request came between the last call and the entry. */
	busy = v->injected || deliver_first(v);
	if (v->nmi_pending) {
		if (!busy && deliver_nmi(v))
			busy = true;
		else
			windows |= WINDOW_NMI;
	}
	if (lapic_pending(&v->lapic) && !busy && interrupts_open(v) &&
	    take_interrupt(v, &interrupt)) {
		virt->inject(v, &interrupt);
		busy = true;
	}
	v->injected = busy;
	if (lapic_pending(&v->lapic))
		windows |= WINDOW_INTR;
	host_unlock(&v->vm->lock);

	if (windows != v->windows) {
		v->windows = (u8)windows;
		virt->window(v, windows);
	}
}

bool irq_wakes(struct vcpu *v)
{
	if (v->raised.type || v->state.interrupted.type)
		return true;
	if (v->nmi_pending && !vcpu_state(v, STATE_INT)->nmi_blocked)
		return true;
	return (v->regs.rflags & RFLAGS_IF) && lapic_pending(&v->lapic);
}
