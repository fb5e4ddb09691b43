/*
 * trace.h - the last exits of a vCPU
 *
 * Owns: the ring, one entry for each stay in the guest, written by the CPU that runs the vCPU.
 * Must not know: what reasons mean.  Cheap enough to be always on.
 *
 * [entered, left) is the guest's time; from there to the next entered it is the hypervisor's, for
 * the reason that stands in the entry.
 */
#ifndef ESPEJO_TRACE_H
#define ESPEJO_TRACE_H

#include "host.h"
#include "vm/exit.h"

struct trace_entry {
	u64 entered, left; /* trace_clock; left 0: not yet */
	u64 rip; /* where it left */
	u64 info; /* port, MSR, guest-physical address, vector: by reason */
	u64 head; /* of its struct vm_exit: reason and the vendor's code */
};
ASSERT_SIZE(struct trace_entry, 40);

struct trace {
	struct trace_entry *now; /* being written: the oldest one gave way to it */
	struct trace_entry *ring, *end;
};

/* size: entries, a power of two.  0 or -HOST_ENOMEM. */
int trace_init(struct trace *trace, u32 size);
void trace_free(struct trace *trace);

/* Newest first: entry n (0: the newest that is complete), or NULL when there are no more. */
const struct trace_entry *trace_get(const struct trace *trace, u64 n);
/* How many entries the ring holds at most. */
u32 trace_size(const struct trace *trace);

static inline unsigned trace_reason(const struct trace_entry *e)
{
	return (u8)e->head;
}

/* The ticks of host_tsc, inline: it is read twice at every exit.  CPUs may differ by an offset
 * that host_tsc takes out. */
static inline u64 trace_clock(void)
{
#if defined(__x86_64__) && !__STDC_HOSTED__
	u64 lo, hi; /* RDTSC clears the upper halves */

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return hi << 32 | lo;
#else
	return host_tsc();
#endif
}

static inline void trace_enter(struct trace *trace, u64 entered)
{
	trace->now->entered = entered;
}

static inline void trace_leave(struct trace *trace, u64 left, u64 rip, u64 info, u64 head)
{
	struct trace_entry *e = trace->now;

	e->left = left;
	e->rip = rip;
	e->info = info;
	e->head = head;
	if (unlikely(++e == trace->end))
		e = trace->ring;
	trace->now = e;
}

#endif
