/* silence.c - see silence.h */
#include "type1/silence.h"

#include "host.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/guests.h"
#include "type1/loop.h"
#include "type1/symbols.h"
#include "x86.h"

#define NS_PER_SECOND 1000000000ull
/* So often in the time after which a guest is silent: the trace still remembers then. */
#define LOOKS 20
#define WHERE_MAX 80

/* What a guest had done at its last sign of life. */
struct watch {
	unsigned vm_id; /* a new machine may have the address of one that is gone */
	u64 said, halts, asked, run_ns;
	bool listened; /* seen with interrupts on since then */
	bool reported;
};

static struct watch watch[GUESTS_MAX];
/* Copied in time: the ring soon holds nothing but our own interrupts. */
static struct trace_entry last[GUESTS_MAX][VM_MAX_VCPUS];
static u64 limit_ns;
static bool due;
static struct host_timer timer;

static void look_again(struct host_timer *t)
{
	due = true;
	host_timer_set(t, host_now() + limit_ns / LOOKS);
	loop_wake_boot_cpu();
}

void silence_init(unsigned seconds)
{
	limit_ns = seconds * NS_PER_SECOND;
	timer.fire = look_again;
	if (seconds)
		host_timer_set(&timer, host_now() + limit_ns / LOOKS);
}

/* Did the guest leave for a reason of its own? */
static bool asked_for(unsigned reason)
{
	return reason != EXIT_NONE && reason != EXIT_HOST && reason != EXIT_WINDOW_INTR &&
	       reason != EXIT_WINDOW_NMI;
}

static struct watch now_of(const struct vm *vm)
{
	struct watch w = { .vm_id = vm->id, .said = vm->console_bytes };

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *v = vm->vcpu[i];

		w.halts += v->exits[EXIT_HLT];
		w.run_ns += sched_run_ns(v, host_now());
		for (unsigned r = 0; r < EXIT_REASON_COUNT; r++)
			w.asked += asked_for(r) ? v->exits[r] : 0;
		if (v->regs.rflags & RFLAGS_IF)
			w.listened = true;
	}
	return w;
}

/* "0x10002c, in spin_here+0x0" */
static void where(const struct guest *g, u64 rip, char *text, size_t size)
{
	size_t len = fmt_string(text, size, "%#llx, in ", (unsigned long long)rip);

	if (len < size && !symbols_find(&g->definition.kernel, rip, text + len, size - len))
		fmt_string(text + len, size - len, "a function that only its symbols tell");
}

/* Remember v's last exit that was not our doing, if the ring still has it. */
static void remember(const struct vcpu *v, struct trace_entry *into)
{
	const struct trace_entry *e;

	for (u64 n = 0; (e = trace_get(&v->trace, n)); n++) {
		if (!asked_for(trace_reason(e)))
			continue;
		*into = *e;
		return;
	}
}

static void report_vcpu(const struct guest *g, const struct vcpu *v, const struct trace_entry *e)
{
	char text[WHERE_MAX];
	u64 ago;

	where(g, v->regs.rip, text, sizeof(text));
	host_log("  vCPU %u is at %s, interrupts are %s", v->index, text,
		 v->regs.rflags & RFLAGS_IF ? "on" : "off");
	if (!e->left) {
		host_log("  no exit for a reason of its own as far back as the trace goes");
		return;
	}
	ago = host_now() - MIN(host_tsc_to_ns(e->left), host_now());
	where(g, e->rip, text, sizeof(text));
	host_log("  its last exit, %llu.%llu s ago: %s (info %#llx) at %s",
		 (unsigned long long)(ago / NS_PER_SECOND),
		 (unsigned long long)(ago / (NS_PER_SECOND / 10) % 10),
		 exit_reason_name(trace_reason(e)), (unsigned long long)e->info, text);
}

static void report(struct guest *g, u64 silent_ns)
{
	const char *name = g->definition.config.name;
	bool ran = guests_hold(g);

	host_log("VM %s is silent: it used %llu s of CPU time without a word or a HLT", name,
		 (unsigned long long)(silent_ns / NS_PER_SECOND));
	for (unsigned i = 0; i < g->vm->vcpu_count; i++)
		report_vcpu(g, g->vm->vcpu[i], &last[g->number - 1][i]);
	host_log("  next: addr2line -f -e KERNEL %#llx, or: trace %s 20, walk %s %#llx, dump %s, "
		 "vm kill %s",
		 (unsigned long long)g->vm->vcpu[0]->regs.rip, name, name,
		 (unsigned long long)g->vm->vcpu[0]->regs.rip, name, name);
	guests_release(g, ran);
}

static void look_at(struct guest *g, struct watch *w)
{
	struct watch now = now_of(g->vm);
	bool hangs;

	if (now.vm_id != w->vm_id)
		memset(last[g->number - 1], 0, sizeof(last[0]));
	for (unsigned i = 0; i < g->vm->vcpu_count; i++)
		remember(g->vm->vcpu[i], &last[g->number - 1][i]);
	if (now.vm_id != w->vm_id || now.said != w->said || now.halts != w->halts ||
	    now.run_ns < w->run_ns) {
		*w = now;
		w->listened = false; /* from now on */
		return;
	}
	w->listened = w->listened || now.listened;
	hangs = now.asked == w->asked || !w->listened;
	if (w->reported || !hangs || now.run_ns - w->run_ns < limit_ns)
		return;
	w->reported = true;
	report(g, now.run_ns - w->run_ns);
}

void silence_poll(void)
{
	if (!due)
		return;
	due = false;
	for (unsigned i = 0; guests_at(i); i++) {
		struct guest *g = guests_at(i);

		if (g->vm && g->vm->state == VM_RUNNING)
			look_at(g, &watch[g->number - 1]);
	}
}
