/* mwait.c - see mwait.h */
#include "vm/mwait.h"

#include "lib/string.h"
#include "vm/emulate_parts.h"
#include "vm/irq.h"
#include "vm/vm.h"

#define CPUID_EXT1_ECX_MONITORX 29
#define CPUID_MWAIT 5 /* leaf */
#define CPUID_MWAIT_ECX_MASKED 1 /* MWAIT may be told to end by interrupts that are masked */

#define MWAIT_MASKED_TOO BIT(0) /* ECX of MWAIT and MWAITX */
#define MWAITX_TIMER BIT(1) /* EBX says for how long at most */

#define NS_PER_S 1000000000ull

/* ---- Who waits -------------------------------------------------------------------------- */

static bool waits(const struct vcpu *v)
{
	return __atomic_load_n(&v->mwait.waiting, __ATOMIC_ACQUIRE);
}

static bool changed(const struct vcpu *v)
{
	return memcmp(v->mwait.ram, v->mwait.seen, MWAIT_LINE) != 0;
}

static void hit(struct vcpu *v)
{
	WRITE_ONCE(v->mwait.hit, true);
	vcpu_request(v, REQUEST_WAKE);
}

void mwait_stored(struct vm *vm, gpa_t a, u64 len)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *v = vm->vcpu[i];

		if (waits(v) && v->mwait.line.v + MWAIT_LINE > a.v && v->mwait.line.v < a.v + len)
			hit(v);
	}
}

void mwait_look(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (waits(vm->vcpu[i]) && changed(vm->vcpu[i]))
			hit(vm->vcpu[i]);
}

static void time_is_over(void *v)
{
	hit(v);
}

void mwait_init(struct vcpu *v)
{
	bus_alarm_init(&v->vm->bus, &v->mwait.timeout, time_is_over, v);
}

static void set_timeout(struct vcpu *v, u32 ticks)
{
	struct vm *vm = v->vm;

	host_lock(&vm->lock);
	bus_alarm_set(&v->mwait.timeout, vm_clock(vm) + ticks * NS_PER_S / host_tsc_hz());
	host_unlock(&vm->lock);
}

static void stop(struct vcpu *v)
{
	__atomic_store_n(&v->mwait.waiting, false, __ATOMIC_RELEASE);
	memory_unguard(v->vm, v->index);
	if (v->mwait.timeout.armed)
		bus_alarm_cancel(&v->mwait.timeout);
}

void mwait_reset(struct vcpu *v)
{
	v->mwait.armed = false;
	if (v->mwait.waiting)
		stop(v);
}

void mwait_cancel(struct vcpu *v)
{
	host_lock(&v->vm->lock);
	mwait_reset(v);
	host_unlock(&v->vm->lock);
}

/*
 * Devices store under the VM's lock: whoever holds it is done with the line.  The guard is up, so
 * what is compared here is all that was stored before.
 */
bool mwait_waits(struct vcpu *v)
{
	const struct mwait *m = &v->mwait;
	bool ends;

	host_lock(&v->vm->lock);
	ends = READ_ONCE(m->hit) || changed(v) || irq_wakes(v) ||
	       (m->masked_too && lapic_pending(&v->lapic));
	if (ends)
		stop(v);
	host_unlock(&v->vm->lock);
	return !ends;
}

/* ---- The instructions ------------------------------------------------------------------- */

static bool has_monitor(const struct vcpu *v)
{
	return cpuid_has(&v->vm->cpuid, 1, 2, CPUID_1_ECX_MONITOR);
}

static bool has_monitorx(const struct vcpu *v)
{
	return cpuid_has(&v->vm->cpuid, CPUID_EXTENDED + 1, 2, CPUID_EXT1_ECX_MONITORX);
}

/* RCX in 64-bit mode, else ECX: the extensions and hints asked for. */
static u64 extensions(const struct vcpu *v, const struct insn *insn)
{
	return insn->mode == DECODE_64 ? v->regs.r[REG_RCX] : (u32)v->regs.r[REG_RCX];
}

/* No extension of MONITOR is defined.  A line of what is no RAM is not armed: MWAIT goes on. */
static void monitor(struct vcpu *v, const struct insn *insn)
{
	struct vm_exit *exit = &v->exit;
	struct mwait *m = &v->mwait;
	enum x86_seg seg = insn->seg_override < SEG_COUNT ? insn->seg_override : SEG_DS;
	struct emulate_place place;
	u64 inside;

	if (extensions(v, insn)) {
		exit_fault(exit, VECTOR_GP, true, 0);
		return;
	}
	if (emulate_locate_in(v, seg, v->regs.r[REG_RAX] & insn_mask(insn->asize), 1, false, &place,
			      &exit->fault)) {
		exit->outcome = OUTCOME_FAULT;
		return;
	}
	emulate_accessed(v, &place);
	inside = place.at[0].v % MWAIT_LINE;
	m->armed = place.ram[0];
	m->hit = false;
	m->line = gpa(place.at[0].v - inside);
	if (m->armed) {
		m->ram = place.ram[0] - inside;
		memcpy(m->seen, m->ram, MWAIT_LINE);
	}
	exit->outcome = OUTCOME_DONE;
}

static void begin(struct vcpu *v)
{
	struct mwait *m = &v->mwait;

	m->armed = false;
	__atomic_store_n(&m->waiting, true, __ATOMIC_SEQ_CST);
	memory_guard(v->vm, v->index, gpa(m->line.v & ~PAGE_MASK));
	vcpu_note(v, REQUEST_WAKE);
}

/* EAX is a hint only: how deep to sleep. */
static void wait(struct vcpu *v, const struct insn *insn, u64 allowed)
{
	struct vm_exit *exit = &v->exit;
	u64 asked = extensions(v, insn);

	if (asked & ~allowed) {
		exit_fault(exit, VECTOR_GP, true, 0);
		return;
	}
	exit->outcome = OUTCOME_DONE;
	if (!v->mwait.armed)
		return;
	v->mwait.masked_too = asked & MWAIT_MASKED_TOO;
	begin(v);
	if (asked & MWAITX_TIMER)
		set_timeout(v, (u32)v->regs.r[REG_RBX]);
}

static u64 mwait_extensions(const struct vcpu *v)
{
	return cpuid_has(&v->vm->cpuid, CPUID_MWAIT, 2, CPUID_MWAIT_ECX_MASKED) ? MWAIT_MASKED_TOO
										 : 0;
}

void mwait_instruction(struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;
	const struct insn *insn = fetch_insn(v, &exit->fault);
	bool user;

	if (!insn) {
		exit->outcome = OUTCOME_FAULT;
		return;
	}
	exit->insn_len = insn->len;
	user = vcpu_state(v, STATE_EXEC)->cpl != 0;
	if (insn->op == INSN_MONITOR && has_monitor(v) && !user)
		monitor(v, insn);
	else if (insn->op == INSN_MWAIT && has_monitor(v) && !user)
		wait(v, insn, mwait_extensions(v));
	else if (insn->op == INSN_MONITORX && has_monitorx(v))
		monitor(v, insn);
	else if (insn->op == INSN_MWAITX && has_monitorx(v))
		wait(v, insn, MWAIT_MASKED_TOO | MWAITX_TIMER);
	else
		exit_fault(exit, VECTOR_UD, false, 0);
}
