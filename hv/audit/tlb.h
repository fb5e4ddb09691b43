/*
 * tlb.h - what the TLB of each CPU may still hold
 *
 * Owns: a model: for each CPU and each tag (ASID, VPID), whose translations were made under it, and
 * since when nothing was thrown away.
 * Must not know: how a hypervisor decides to flush.  It is told of entries and flushes as the CPU
 * sees them, and of nothing else.
 *
 * [APM] vol. 2 "TLB Control" (15.16), [SDM] "Caching Translation Information" (29.4)
 */
#ifndef ESPEJO_AUDIT_TLB_H
#define ESPEJO_AUDIT_TLB_H

#include "host.h"

#define TLB_TAGS 128 /* 0 is the host's */

/* Who enters a guest, and what it could make stale. */
struct tlb_user {
	u64 vcpu;     /* a number that nobody else had before, not 0 */
	u64 root;     /* of its nested tables */
	bool by_root; /* which is a part of the tag, too */
	u64 tables;   /* changes of the nested tables so far that took something away */
	u64 due;      /* so many of them must have been answered by a flush */
	u64 stay;     /* counts its moves from one CPU to another */
};

enum tlb_verdict {
	TLB_GOOD,
	TLB_NO_TAG,	 /* 0, or one that the model has no room for */
	TLB_SHARED,	 /* another vCPU's translations are there under that tag */
	TLB_STALE,	 /* there may be translations of what was taken away from the tables */
	TLB_FROM_BEFORE, /* and of what the vCPU made of its own while it ran elsewhere */
};

/* All that this CPU holds goes; what it holds under a tag; what it made of the tables at root. */
void tlb_flush_all(unsigned cpu);
void tlb_flush_tag(unsigned cpu, u64 tag);
void tlb_flush_root(unsigned cpu, u64 root);

/* Is anything of this vCPU held there under that tag? */
bool tlb_holds(unsigned cpu, u64 tag, u64 vcpu);

/* u enters its guest on this CPU, under tag; the flushes of the entry have been told before. */
enum tlb_verdict tlb_enter(unsigned cpu, u64 tag, const struct tlb_user *u);

/* This vCPU needs no flush for changes number from..to: it cannot use what is stale. */
void tlb_forgive(u64 vcpu, u64 from, u64 to);

const char *tlb_text(enum tlb_verdict verdict);

#endif
