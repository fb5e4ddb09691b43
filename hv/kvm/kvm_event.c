/*
 * kvm_event.c - events into the guest, and what KVM has left over
 *
 * Owns: the events in the shared page, both windows.
 * Must not know: which event is due (vm/irq.c).
 *
 * KVM has a queue of its own: an event that it could not deliver, because a signal came first or
 * because the delivery met something, stays there; and instructions that KVM carries out raise
 * exceptions into it.  At each exit all that is taken out, so that there is one queue only, ours;
 * what is to be delivered is put in just before an entry, as if it had been interrupted before.
 *
 * Source: [KVM] "KVM_GET_VCPU_EVENTS" (4.31), "KVM_CAP_EXCEPTION_PAYLOAD" (7.14).
 */
#include "kvm/kvm.h"
#include "vm/irq.h"

#define EVENTS_FLAGS                                                                               \
	(KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_PAYLOAD)
#define DR6_BREAKPOINTS BITS(3, 0)

static struct kvm_vcpu_events *events_of(struct kvm_vcpu *k)
{
	return &k->run->s.regs.events;
}

void kvm_events_drop(struct kvm_vcpu *k)
{
	struct kvm_vcpu_events *e = events_of(k);

	e->exception.injected = e->exception.pending = e->exception_has_payload = 0;
	e->interrupt.injected = e->nmi.injected = e->nmi.pending = 0;
	k->events = true;
}

/*
 * Software interrupts and exceptions come back only when their delivery was interrupted, with RIP
 * still at the instruction: it is executed again.
 */
void kvm_inject(struct vcpu *v, const struct event *event)
{
	struct kvm_vcpu *k = kvm_vcpu(v);
	struct kvm_vcpu_events *e = events_of(k);

	switch (event->type) {
	case EVENT_INTR:
		e->interrupt.injected = 1;
		e->interrupt.nr = event->vector;
		e->interrupt.soft = 0;
		break;
	case EVENT_NMI:
		e->nmi.injected = 1;
		break;
	case EVENT_EXCEPTION:
		e->exception.injected = 1;
		e->exception.nr = event->vector;
		e->exception.has_error_code = event->has_error;
		e->exception.error_code = event->error;
		break;
	case EVENT_SOFT_INT:
	case EVENT_SOFT_EXCEPTION:
	case EVENT_ICEBP:
		return;
	default:
		panic("no event of type %u can be injected", event->type);
	}
	e->interrupt.shadow = 0;
	k->events = true;
}

void kvm_window(struct vcpu *v, unsigned windows)
{
	kvm_vcpu(v)->windows = (u8)windows;
}

/*
 * KVM tells when an interrupt could be taken; of NMIs it only knows to deliver one as soon as it
 * can.  So it is given the one that waits, and asked afterwards whether it still has it.
 */
void kvm_events_before(struct kvm_vcpu *k)
{
	struct kvm_vcpu_events *e = events_of(k);
	bool nmi = (k->windows & WINDOW_NMI) && k->vcpu.nmi_pending;

	k->run->request_interrupt_window = !!(k->windows & WINDOW_INTR);
	if (nmi) {
		e->nmi.pending = 1;
		k->events = true;
	}
	if (!k->events)
		return;
	e->flags = EVENTS_FLAGS;
	k->run->kvm_dirty_regs |= KVM_SYNC_X86_EVENTS;
	k->events = false;
}

/* INT3 and INTO: their delivery was interrupted, they are executed again. */
static bool is_soft(u8 vector)
{
	return vector == VECTOR_BP || vector == VECTOR_OF;
}

static void take_interrupted(struct kvm_vcpu *k)
{
	const struct kvm_vcpu_events *e = events_of(k);
	struct event *event = &k->vcpu.state.interrupted;

	if (e->exception.injected && !is_soft(e->exception.nr))
		*event = (struct event){ .type = EVENT_EXCEPTION,
					 .vector = e->exception.nr,
					 .has_error = e->exception.has_error_code,
					 .error = e->exception.error_code };
	else if (e->nmi.injected)
		*event = (struct event){ .type = EVENT_NMI, .vector = VECTOR_NMI };
	else if (e->interrupt.injected && !e->interrupt.soft)
		*event = (struct event){ .type = EVENT_INTR, .vector = e->interrupt.nr };
}

/* An exception that KVM has raised and not begun to deliver. */
static void take_raised(struct kvm_vcpu *k)
{
	const struct kvm_vcpu_events *e = events_of(k);
	struct event event = { .type = EVENT_EXCEPTION,
			       .vector = e->exception.nr,
			       .has_error = e->exception.has_error_code,
			       .error = e->exception.error_code };

	if (event.vector == VECTOR_PF)
		event.cr2 = e->exception_has_payload ? e->exception_payload
						     : vcpu_state(&k->vcpu, STATE_CR2)->cr2;
	if (event.vector == VECTOR_DB && e->exception_has_payload)
		event.dr6 = e->exception_payload & (DR6_BREAKPOINTS | DR6_BD | DR6_BS);
	irq_raise(&k->vcpu, &event);
}

void kvm_events_after(struct kvm_vcpu *k)
{
	struct kvm_vcpu_events *e = events_of(k);
	bool given = (k->windows & WINDOW_NMI) && k->vcpu.nmi_pending;

	if (given && !e->nmi.pending)
		k->vcpu.nmi_pending = false; /* delivered, or on its way: then it is taken below */
	if (likely(!(e->exception.injected | e->exception.pending | e->interrupt.injected |
		     e->nmi.injected | e->nmi.pending)))
		return;
	vcpu_note(&k->vcpu, REQUEST_IRQ);
	take_interrupted(k);
	if (e->exception.pending)
		take_raised(k);
	kvm_events_drop(k);
}
