/*
 * trace.h - the last exits of a vCPU, and the counts of all of them
 *
 * Owns: the ring, one entry for each exit, written by the CPU that runs the vCPU.
 * Must not know: what reasons mean.  Cheap enough to be always on.
 *
 * Time is the host's TSC: [left, entered) is hypervisor, up to the next left is guest.
 */
#ifndef ESPEJO_TRACE_H
#define ESPEJO_TRACE_H

#include "compiler.h"
#include "vm/exit.h"

struct trace_entry {
	u64 left; /* TSC when the guest stopped */
	u64 entered; /* TSC when it went on, 0: not yet */
	u64 rip;
	u64 info; /* port, MSR, guest-physical address, vector: by reason */
	u32 raw; /* low half of the vendor's code */
	u16 reason;
	u16 cpu;
};
ASSERT_SIZE(struct trace_entry, 40);

struct trace {
	struct trace_entry *ring;
	u64 count; /* entries ever written; the newest is ring[(count - 1) & mask] */
	u32 mask;
};

/* size: entries, a power of two.  0 or -HOST_ENOMEM. */
int trace_init(struct trace *trace, u32 size);
void trace_free(struct trace *trace);

/* Newest first: entry n (0: the newest), or NULL when there are no more. */
const struct trace_entry *trace_get(const struct trace *trace, u64 n);

static inline struct trace_entry *trace_next(struct trace *trace)
{
	return &trace->ring[trace->count++ & trace->mask];
}

#endif
