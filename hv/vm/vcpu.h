/*
 * vcpu.h - a virtual CPU, and the loop that runs it
 *
 * Owns: what a vCPU is to everybody, requests to it, its state's freshness.
 * Must not know: back ends (which embed struct vcpu in their own), hosts.
 */
#ifndef ESPEJO_VM_VCPU_H
#define ESPEJO_VM_VCPU_H

#include "dev/lapic.h"
#include "host.h"
#include "sched/sched.h"
#include "trace/trace.h"
#include "virt.h"
#include "vm/fetch.h"
#include "vm/mwait.h"

/*
 * What others may ask of a vCPU: set the bit, then kick.  Read again with interrupts
 * held off immediately before each entry.
 */
#define REQUEST_IRQ BIT(0) /* the interrupt controllers' output may have changed */
#define REQUEST_FLUSH BIT(1) /* guest memory was unmapped or protected */
#define REQUEST_STOP BIT(2) /* leave the loop: the VM is paused, reset or dead */
#define REQUEST_NMI BIT(3) /* an NMI arrived */
#define REQUEST_WAKE BIT(4) /* look again why you are blocked */
#define REQUEST_INIT BIT(5) /* INIT, SIPI from another CPU */
#define REQUEST_SIPI BIT(6)
#define REQUEST_HOST BIT(7) /* the host wants its CPU: vcpu_step returns VCPU_HOST */
#define REQUEST_WORK BIT(8) /* devices have work posted (dev/bus.h) */

struct msr_found {
	const struct msr_rule *rule; /* NULL: none */
	u32 msr;
};

struct vcpu {
	/* First, at fixed offsets: the world switch in assembly uses them. */
	struct gpregs regs;

	/* Hot: read or written at every exit. */
	u32 requests; /* REQUEST_*, atomic */
	u32 state_fresh; /* STATE_* parts of state that are true since the last exit */
	struct vm_exit exit;
	struct trace trace;
	u64 exits[EXIT_REASON_COUNT];
	u64 mode_epoch; /* counts changes of what STATE_EXEC holds, but CR3 and CS */
	u64 guest_tsc, monitor_tsc; /* TSC ticks spent in each */
	u64 first_tsc; /* host_tsc of its first step; 0: none yet */
	struct fetch_cache fetch;

	struct vm *vm;
	unsigned index; /* 0: the boot processor */
	struct cpu_state state; /* see vcpu_state */
	void *xsave; /* FPU state while not loaded; 64-byte aligned, non-compacted */
	unsigned xsave_order;

	u64 changed_rip; /* where code was found that cannot have exited.. */
	unsigned changed; /* ..and how often, nothing else being done */

	/* Events: see vm/irq.h. */
	struct event raised; /* a fault from emulation; EVENT_NONE: none */
	bool sipi_wanted; /* INIT came, and no SIPI since; under the VM's lock */
	u8 sipi_vector;
	bool nmi_pending;
	bool injected; /* an event was given to virt->inject since the last entry */
	u8 windows; /* what was asked of virt->window */
	struct mwait mwait; /* MONITOR and MWAIT */
	struct lapic lapic;
	u64 misc_enable, tsc_adjust; /* MSRs that no back end keeps */
	u64 mtrr[32]; /* stored, without effect: see vm/msr.c */
	u64 mcg_status, mcg_ctl, mce[40]; /* likewise: four for each bank */
	struct msr_found msr_found[8]; /* rules looked up before: see vm/msr.c */

	bool loaded; /* on some CPU */
	bool in_guest; /* between the last look at requests and the exit */
	struct sched_entity sched;
};
ASSERT_OFFSET(struct vcpu, regs, 0);

/* Why vcpu_step came back. */
enum vcpu_stop {
	VCPU_HOST, /* a host interrupt: take it, then step again or run another */
	VCPU_BLOCKED, /* halted: step again once somebody has kicked it */
	VCPU_STOPPED, /* its VM is not running */
};

/*
 * Run v until the host needs its CPU, it blocks, or stops.  Never sleeps, holds no lock on
 * return.  v must be loaded (virt->load).  A deadline is the host's: it sets its timer, whose
 * interrupt ends the step.
 */
enum vcpu_stop vcpu_step(struct vcpu *v);

/* Parts of v's state as the guest would see them now, fetched if stale. */
struct cpu_state *vcpu_state(struct vcpu *v, unsigned parts);
/* Parts of v->state were changed: make them the guest's. */
void vcpu_state_changed(struct vcpu *v, unsigned parts);

/* Set the request and kick.  Any CPU, any lock may be held. */
void vcpu_request(struct vcpu *v, u32 request);
/* Set it for v's own next entry: by the CPU that runs v, no kick. */
void vcpu_note(struct vcpu *v, u32 request);
/*
 * Take it back: what was asked for has happened otherwise.  By the CPU that runs v, or, of
 * events that its LAPIC sends, under the VM's lock.
 */
void vcpu_forget(struct vcpu *v, u32 request);

static inline bool vcpu_requested(const struct vcpu *v)
{
	return __atomic_load_n(&v->requests, __ATOMIC_ACQUIRE) != 0;
}

/* Reset to power-on state; not loaded. */
void vcpu_reset(struct vcpu *v);

/* Family, model, stepping: what EDX holds at reset. */
u32 vcpu_signature(const struct vcpu *v);

#endif
