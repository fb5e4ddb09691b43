/* tlb.c - see tlb.h */
#include "audit/tlb.h"

static struct tag {
	u64 vcpu; /* 0: nothing is held */
	u64 root;
	u64 tables; /* as it was when the first of what is held was made */
	u64 stay;
} held[HOST_MAX_CPUS][TLB_TAGS];

void tlb_flush_all(unsigned cpu)
{
	for (unsigned i = 0; i < TLB_TAGS; i++)
		held[cpu][i].vcpu = 0;
}

void tlb_flush_tag(unsigned cpu, u64 tag)
{
	if (tag < TLB_TAGS)
		held[cpu][tag].vcpu = 0;
}

void tlb_flush_root(unsigned cpu, u64 root)
{
	for (unsigned i = 0; i < TLB_TAGS; i++)
		if (held[cpu][i].root == root)
			held[cpu][i].vcpu = 0;
}

bool tlb_holds(unsigned cpu, u64 tag, u64 vcpu)
{
	return tag < TLB_TAGS && held[cpu][tag].vcpu == vcpu;
}

enum tlb_verdict tlb_enter(unsigned cpu, u64 tag, const struct tlb_user *u)
{
	struct tag *t;
	enum tlb_verdict verdict = TLB_GOOD;

	if (!tag || tag >= TLB_TAGS)
		return TLB_NO_TAG;
	t = &held[cpu][tag];
	if (t->vcpu && u->by_root && t->root != u->root)
		t->vcpu = 0; /* under another tag, in truth */
	if (t->vcpu && t->vcpu != u->vcpu)
		verdict = TLB_SHARED;
	else if (t->vcpu && t->tables < u->due)
		verdict = TLB_STALE;
	else if (t->vcpu && t->stay != u->stay)
		verdict = TLB_FROM_BEFORE;
	/* What was found once is not said again at each entry. */
	if (!t->vcpu || verdict != TLB_GOOD)
		*t = (struct tag){ u->vcpu, u->root, u->tables, u->stay };
	return verdict;
}

void tlb_forgive(u64 vcpu, u64 from, u64 to)
{
	for (unsigned cpu = 0; cpu < host_cpu_count(); cpu++)
		for (unsigned i = 0; i < TLB_TAGS; i++)
			if (held[cpu][i].vcpu == vcpu && held[cpu][i].tables >= from)
				held[cpu][i].tables = MAX(held[cpu][i].tables, to);
}

const char *tlb_text(enum tlb_verdict verdict)
{
	static const char *const text[] = {
		[TLB_GOOD] = "good",
		[TLB_NO_TAG] = "a tag of a guest's",
		[TLB_SHARED] = "a tag that no other vCPU has used here since the last flush",
		[TLB_STALE] = "a flush since the nested tables lost something",
		[TLB_FROM_BEFORE] = "a flush since it ran on another CPU",
	};

	return text[verdict];
}
