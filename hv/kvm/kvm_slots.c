/*
 * kvm_slots.c - guest memory in regions of KVM's
 *
 * Owns: which region is where, cutting regions, the log of written pages.
 * Must not know: ioctls (it is given two functions), what lies in memory.
 *
 * Source: [KVM] "KVM_SET_USER_MEMORY_REGION" (4.35), "KVM_GET_DIRTY_LOG" (4.8).
 */
#include "kvm/kvm.h"
#include "lib/string.h"

#define BITS_PER_WORD 64

static u64 end_of(const struct kvm_slot *slot)
{
	return slot->at + slot->size;
}

static bool overlaps(const struct kvm_slot *slot, u64 at, u64 size)
{
	return slot->size && slot->at < at + size && at < end_of(slot);
}

/* ---- Making and deleting ---- */

static void forget_log(struct kvm_slot *slot)
{
	if (slot->dirty)
		host_free_pages(slot->dirty, slot->dirty_order);
	slot->dirty = NULL;
	slot->logged = false;
}

static void delete_slot(struct kvm_slots *slots, unsigned n)
{
	struct kvm_slot *slot = &slots->slot[n];

	forget_log(slot);
	slot->size = 0;
	check(!slots->set(slots, n)); /* nothing is needed for that */
}

static int make(struct kvm_slots *slots, u64 at, u64 size, u8 *host, unsigned prot)
{
	for (unsigned n = 0; n < KVM_SLOTS; n++) {
		struct kvm_slot *slot = &slots->slot[n];

		if (slot->size)
			continue;
		*slot = (struct kvm_slot){ .at = at, .size = size, .host = host, .prot = (u8)prot };
		if (!slots->set(slots, n))
			return 0;
		slot->size = 0;
		break;
	}
	return -HOST_ENOMEM;
}

/*
 * Make [at, at + size) free.  What is left of a region on either side is made anew, without its
 * log: it counts as written.  If there is no memory for that it is gone too, and exits.
 */
static void carve(struct kvm_slots *slots, u64 at, u64 size)
{
	for (unsigned n = 0; n < KVM_SLOTS; n++) {
		const struct kvm_slot old = slots->slot[n];

		if (!overlaps(&old, at, size))
			continue;
		delete_slot(slots, n);
		if (old.at < at)
			make(slots, old.at, at - old.at, old.host, old.prot);
		if (end_of(&old) > at + size)
			make(slots, at + size, end_of(&old) - (at + size),
			     old.host + (at + size - old.at), old.prot);
	}
}

int kvm_slots_map(struct kvm_slots *slots, u64 at, void *host, u64 size, unsigned prot)
{
	for (unsigned n = 0; n < KVM_SLOTS; n++) {
		const struct kvm_slot *slot = &slots->slot[n];

		if (overlaps(slot, at, size) && slot->at <= at && end_of(slot) >= at + size &&
		    slot->host + (at - slot->at) == host && slot->prot == prot)
			return 0; /* it is there */
	}
	carve(slots, at, size);
	return make(slots, at, size, host, prot);
}

void kvm_slots_unmap(struct kvm_slots *slots, u64 at, u64 size)
{
	carve(slots, at, size);
}

void kvm_slots_protect(struct kvm_slots *slots, u64 at, u64 size, unsigned prot)
{
	for (unsigned n = 0; n < KVM_SLOTS; n++) {
		const struct kvm_slot old = slots->slot[n];
		u64 from = MAX(old.at, at), to = MIN(end_of(&old), at + size);

		if (!overlaps(&old, at, size) || old.prot == prot)
			continue;
		carve(slots, from, to - from);
		make(slots, from, to - from, old.host + (from - old.at), prot);
	}
}

void kvm_slots_free(struct kvm_slots *slots)
{
	for (unsigned n = 0; n < KVM_SLOTS; n++)
		forget_log(&slots->slot[n]);
}

/* ---- Written pages ---- */

static void set_bits(u64 *bitmap, u64 first, u64 count)
{
	for (u64 i = first; i < first + count; i++)
		bitmap[i / BITS_PER_WORD] |= BIT(i % BITS_PER_WORD);
}

/*
 * From now on KVM notes who is written; up to now all may have been.  False: there is no memory for
 * that.
 */
static bool begin_log(struct kvm_slots *slots, unsigned n)
{
	struct kvm_slot *slot = &slots->slot[n];
	u64 words = ALIGN_UP(slot->size / PAGE_SIZE, BITS_PER_WORD) / BITS_PER_WORD;

	slot->dirty_order = host_order(2 * words * sizeof(u64));
	slot->dirty = host_alloc_pages(slot->dirty_order);
	if (!slot->dirty)
		return false;
	slot->logged = true;
	memset(slot->dirty, 0xff, words * sizeof(u64));
	if (!slots->set(slots, n))
		return true;
	forget_log(slot);
	return false;
}

/* slot->dirty: the bits kept, and behind them room for those that KVM gives. */
static void fetch_log(struct kvm_slots *slots, unsigned n)
{
	struct kvm_slot *slot = &slots->slot[n];
	u64 words = ALIGN_UP(slot->size / PAGE_SIZE, BITS_PER_WORD) / BITS_PER_WORD;
	u64 *fresh = slot->dirty + words;

	memset(fresh, 0, words * sizeof(*fresh));
	check(!slots->fetch(slots, n, fresh));
	for (u64 i = 0; i < words; i++)
		slot->dirty[i] |= fresh[i];
}

/* Pages of slot n from `first` on go to the bitmap from bit `to` on. */
static void take_log(struct kvm_slots *slots, unsigned n, u64 first, u64 count, u64 *bitmap, u64 to)
{
	struct kvm_slot *slot = &slots->slot[n];

	fetch_log(slots, n);
	for (u64 i = first; i < first + count; i++) {
		u64 bit = BIT(i % BITS_PER_WORD), *word = &slot->dirty[i / BITS_PER_WORD];

		if (*word & bit)
			set_bits(bitmap, to + i - first, 1);
		*word &= ~bit;
	}
}

void kvm_slots_dirty(struct kvm_slots *slots, u64 at, u64 size, u64 *bitmap)
{
	u64 pages = size / PAGE_SIZE;

	memset(bitmap, 0, ALIGN_UP(pages, BITS_PER_WORD) / 8);
	for (unsigned n = 0; n < KVM_SLOTS; n++) {
		const struct kvm_slot *slot = &slots->slot[n];
		u64 from = MAX(slot->at, at), to = MIN(end_of(slot), at + size), count;

		if (!overlaps(slot, at, size) || !(slot->prot & PROT_W))
			continue;
		count = (to - from) / PAGE_SIZE;
		if (slot->logged || begin_log(slots, n))
			take_log(slots, n, (from - slot->at) / PAGE_SIZE, count, bitmap,
				 (from - at) / PAGE_SIZE);
		else
			set_bits(bitmap, (from - at) / PAGE_SIZE, count);
	}
}
