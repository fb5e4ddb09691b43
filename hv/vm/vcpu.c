/* vcpu.c - see vcpu.h: the loop that everything else serves */
#include "vm/vcpu.h"

#include "lib/string.h"
#include "vm/handle.h"
#include "vm/irq.h"
#include "vm/msr.h"
#include "vm/vm.h"

struct cpu_state *vcpu_state(struct vcpu *v, unsigned parts)
{
	unsigned stale = parts & ~v->state_fresh;

	if (stale) {
		virt->get_state(v, stale);
		v->state_fresh |= stale;
	}
	return &v->state;
}

void vcpu_state_changed(struct vcpu *v, unsigned parts)
{
	if (parts & STATE_EXEC)
		v->mode_epoch++;
	v->state_fresh |= parts;
	virt->set_state(v, parts);
}

void vcpu_note(struct vcpu *v, u32 request)
{
	__atomic_or_fetch(&v->requests, request, __ATOMIC_SEQ_CST);
}

void vcpu_forget(struct vcpu *v, u32 request)
{
	__atomic_and_fetch(&v->requests, ~request, __ATOMIC_SEQ_CST);
}

void vcpu_request(struct vcpu *v, u32 request)
{
	vcpu_note(v, request);
	host_kick(v);
}

/* INIT and SIPI: [SDM] "MP Initialization Protocol Algorithm" (9.4.3) */
static void serve_init(struct vcpu *v)
{
	vcpu_state(v, STATE_ALL);
	state_init(&v->state, &v->regs, vcpu_signature(v));
	v->state.activity = v->index ? ACTIVITY_WAIT_SIPI : ACTIVITY_RUN;
	v->raised.type = EVENT_NONE;
	v->nmi_pending = v->injected = false;
	vcpu_state_changed(v, STATE_ALL);
	virt->flush(v); /* paging is off, whatever it was */
	host_lock(&v->vm->lock);
	mwait_reset(v);
	lapic_init_ipi(&v->lapic);
	host_unlock(&v->vm->lock);
}

static void serve_sipi(struct vcpu *v)
{
	struct segment *cs = &v->state.seg[SEG_CS];

	if (v->state.activity != ACTIVITY_WAIT_SIPI)
		return;
	vcpu_state(v, STATE_EXEC);
	cs->selector = (u16)(v->sipi_vector << 8);
	cs->base = (u64)v->sipi_vector << 12;
	v->regs.rip = 0;
	vcpu_state_changed(v, STATE_EXEC);
	v->state.activity = ACTIVITY_RUN;
}

static void serve_work(struct vm *vm)
{
	host_lock(&vm->lock);
	bus_run_works(&vm->bus);
	mwait_look(vm);
	host_unlock(&vm->lock);
}

/* True: something woke it. */
static bool still_halted(struct vcpu *v)
{
	bool halted;

	host_lock(&v->vm->lock);
	halted = !irq_wakes(v);
	if (!halted)
		v->state.activity = ACTIVITY_RUN;
	host_unlock(&v->vm->lock);
	if (halted)
		vm_check_halted(v->vm);
	return halted;
}

/* Do what was asked.  True: v must not enter the guest now, *stop says why. */
static bool serve(struct vcpu *v, enum vcpu_stop *stop)
{
	u32 asked = __atomic_exchange_n(&v->requests, 0, __ATOMIC_SEQ_CST);

	if (asked & REQUEST_HOST) {
		vcpu_note(v, asked & ~(u32)REQUEST_HOST);
		*stop = VCPU_HOST;
		return true;
	}
	if (asked & REQUEST_FLUSH) {
		virt->flush(v);
		fetch_flush(v);
		mwait_look(v->vm); /* the last moment at which v could store unseen */
	}
	if (asked & REQUEST_INIT)
		serve_init(v);
	if (asked & REQUEST_SIPI)
		serve_sipi(v);
	if (asked & REQUEST_NMI)
		v->nmi_pending = true;
	if (READ_ONCE(v->vm->state) != VM_RUNNING) {
		if (v->mwait.waiting)
			mwait_cancel(v);
		*stop = VCPU_STOPPED;
		vcpu_note(v, REQUEST_IRQ | (asked & REQUEST_WORK)); /* look again on resume */
		return true;
	}
	if (asked & REQUEST_WORK)
		serve_work(v->vm);
	if (v->state.activity == ACTIVITY_WAIT_SIPI ||
	    (v->state.activity == ACTIVITY_HALT && still_halted(v)) ||
	    (v->mwait.waiting && mwait_waits(v))) {
		*stop = VCPU_BLOCKED;
		return true;
	}
	irq_prepare(v);
	return false;
}

/*
 * One stay in the guest, or several with exits that need no more than vm/fast.h; accounted.
 * Why it left.
 */
static enum exit_reason run_guest(struct vcpu *v)
{
	u64 left, head;

	v->state_fresh = 0;
	trace_enter(&v->trace, trace_clock());
	virt->run(v);
	v->injected = false;
	left = trace_clock();
	head = v->exit.head;
	v->guest_tsc += left - v->trace.now->entered;
	v->exits[(u8)head]++;
	trace_leave(&v->trace, left, v->regs.rip, v->exit.word, head);
	return (u8)head;
}

enum vcpu_stop vcpu_step(struct vcpu *v)
{
	enum vcpu_stop stop = VCPU_HOST;
	enum exit_reason reason;
	u64 begin = trace_clock(), guest = v->guest_tsc;

	if (v->state.activity != ACTIVITY_RUN || v->mwait.waiting)
		vcpu_note(v, REQUEST_WAKE);
	if (READ_ONCE(v->vm->alarms_late))
		vm_catch_up(v->vm);
	if (!v->first_tsc)
		v->first_tsc = host_tsc();
	for (;;) {
		/*
		 * Whoever asks sets a request, then looks at in_guest and kicks; we say that we
		 * go in, then look at requests.  One of the two sees the other.
		 */
		__atomic_store_n(&v->in_guest, true, __ATOMIC_SEQ_CST);
		if (unlikely(vcpu_requested(v))) {
			__atomic_store_n(&v->in_guest, false, __ATOMIC_RELEASE);
			virt->complete(v);
			if (serve(v, &stop))
				break;
			continue;
		}
		reason = run_guest(v);
		__atomic_store_n(&v->in_guest, false, __ATOMIC_RELEASE);
		if (unlikely(v->state.interrupted.type))
			vcpu_note(v, REQUEST_IRQ);
		if (reason == EXIT_HOST)
			break;
		handle_exit(v);
	}
	virt->complete(v);
	v->monitor_tsc += trace_clock() - begin - (v->guest_tsc - guest);
	return stop;
}

u32 vcpu_signature(const struct vcpu *v)
{
	const struct cpuid_table *table = &v->vm->cpuid;

	return table->count && table->basic[1] ? table->leaf[table->basic[1] - 1].regs.eax : 0;
}

/*
 * FNINIT's control word, MXCSR's reset value, and all components in their initial state.
 * [SDM] "Legacy Region of an XSAVE Area" (vol. 1, 13.4.1), "XSAVE Header" (13.4.2)
 */
#define XSAVE_FCW 0
#define XSAVE_MXCSR 24
#define XSAVE_LEGACY_AND_HEADER 576

static void reset_xsave(u8 *area)
{
	const u16 fcw = 0x37f;
	const u32 mxcsr = 0x1f80;

	memset(area, 0, XSAVE_LEGACY_AND_HEADER);
	memcpy(area + XSAVE_FCW, &fcw, sizeof(fcw));
	memcpy(area + XSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
}

void vcpu_reset(struct vcpu *v)
{
	state_reset(&v->state, &v->regs, vcpu_signature(v));
	v->state.activity = v->index ? ACTIVITY_WAIT_SIPI : ACTIVITY_RUN;
	v->sipi_wanted = v->index != 0;
	v->state.tsc_offset = 0 - v->vm->tsc_base;
	v->exit = (struct vm_exit){ 0 };
	v->raised.type = EVENT_NONE;
	v->nmi_pending = v->injected = false;
	v->windows = 0;
	v->requests = REQUEST_IRQ | REQUEST_WORK | REQUEST_FLUSH; /* whatever was asked before */
	reset_xsave(v->xsave);
	lapic_reset(&v->lapic);
	msr_reset(v);
	mwait_reset(v);
	fetch_flush(v);
	vcpu_state_changed(v, STATE_ALL);
	virt->window(v, 0);
}
