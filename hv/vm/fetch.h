/*
 * fetch.h - which instruction made the guest exit
 *
 * Owns: reading guest code through the guest's own page tables, and the cache
 * that makes it cheap for an instruction that exits again and again.
 * Must not know: what instructions mean (decode.h), back ends.
 *
 * Some CPUs say how long the exiting instruction is, some do not, and none gives all
 * operands.  A walk and a decode cost hundreds of instructions; the cache is exact
 * all the same: an entry counts only if CR0, CR3, CR4, EFER, CS, CPL and RIP are equal
 * (of the first, third and fourth it is enough to count changes, for none is made without us) and
 * every page table entry walked and every byte of the instruction is still the
 * same in memory.
 */
#ifndef ESPEJO_VM_FETCH_H
#define ESPEJO_VM_FETCH_H

#include "vm/decode.h"
#include "vm/state.h"

struct vcpu;
struct vm;
struct walk_mode;

#define FETCH_ENTRIES 16
#define FETCH_WALK_MAX 5

struct fetch_entry {
	/* Key. */
	u64 rip;
	u64 cr3;
	struct segment cs; /* its selector says the CPL */
	u64 epoch; /* v->mode_epoch, which counts changes of CR0, CR4 and EFER; 0: no entry */
	/* What it rests on: memory that must still hold the same. */
	const u8 *entry[FETCH_WALK_MAX]; /* page table entries, outermost first */
	u64 value[FETCH_WALK_MAX], value_mask;
	u8 walk_count;
	/* epoch again if this is plain, else 0: at most eight bytes of code, and four entries of
	 * eight bytes, of which those that were not walked point to their own value. */
	u64 plain_epoch;
	const u8 *bytes; /* with 16 readable bytes behind, on one page */
	u64 code[2], mask[2]; /* the instruction, and which of the bytes are its own */
	/* Answer. */
	struct insn insn;
} ALIGNED(256);

ASSERT_SIZE(struct fetch_entry, 256); /* an index that is a shift */

/* A page of data that was translated before, which is as exact. */
#define FETCH_PAGES 8

struct fetch_page {
	u64 page; /* gva >> PAGE_SHIFT */
	u64 cr3, epoch; /* as above */
	gpa_t gpa;
	u8 *ram; /* NULL: the page is not RAM.  What changes that flushes the cache */
	u16 kind; /* how it is accessed, and by whom */
	u8 walk_count;
	bool plain;
	const u8 *entry[FETCH_WALK_MAX];
	u64 value[FETCH_WALK_MAX], value_mask;
};

struct fetch_cache {
	struct fetch_page page[FETCH_PAGES];
	struct fetch_entry entry[FETCH_ENTRIES]; /* direct mapped, by RIP and CR3 */
	u64 hits, misses;
};

/* What fetching code depends on and a guest changes without an exit. */
static ALWAYS_INLINE bool fetch_same_code(const struct fetch_entry *e, u64 cr3,
					  const struct segment *cs)
{
	return e->cr3 == cr3 && e->cs.base == cs->base && load64(&e->cs) == load64(cs);
}

/* A kernel's instruction exits again and again, in the address spaces of many processes. */
static ALWAYS_INLINE struct fetch_entry *fetch_slot(struct fetch_cache *cache, u64 rip, u64 cr3)
{
	struct fetch_entry *e = &cache->entry[(rip ^ cr3 >> PAGE_SHIFT) % FETCH_ENTRIES];

	__asm__("" : "+r"(e)); /* else compilers work it out anew for each of its fields */
	return e;
}

/* The same for an entry that is plain: five comparisons without a decision. */
static ALWAYS_INLINE bool fetch_same_plain(const struct fetch_entry *e)
{
	return !((load64(e->bytes) ^ e->code[0]) & e->mask[0]) &&
	       load64(e->entry[0]) == e->value[0] && load64(e->entry[1]) == e->value[1] &&
	       load64(e->entry[2]) == e->value[2] && load64(e->entry[3]) == e->value[3];
}

/*
 * What fetch_insn would answer, without a call, for who has CR3 and CS in hand.  epoch is v's
 * mode_epoch.  NULL: fetch_insn may know more.
 */
static ALWAYS_INLINE const struct insn *fetch_known(struct fetch_cache *cache, u64 epoch, u64 rip,
						    u64 cr3, const struct segment *cs)
{
	const struct fetch_entry *e = fetch_slot(cache, rip, cr3);

	if (unlikely(e->rip != rip || e->plain_epoch != epoch || !fetch_same_code(e, cr3, cs) ||
		     !fetch_same_plain(e)))
		return NULL;
	return &e->insn;
}

/*
 * Decode the instruction at v's RIP.  NULL: it cannot be fetched, because the guest changed
 * its tables or code meanwhile; *fault is then what the guest would get (#PF, #UD, #GP).
 * The result is valid until the next call.
 */
const struct insn *fetch_insn(struct vcpu *v, struct event *fault);

/*
 * RIP behind an instruction of len bytes at rip, in the mode that v is in by then: outside 64-bit
 * mode EIP wraps around at 4 GiB, in 16-bit code too.
 * [SDM] "Instruction Pointer" (vol. 1, 3.5), [APM] vol. 1 "Instruction Pointer" (2.1.3)
 */
u64 fetch_rip_wrapped(struct vcpu *v, u64 next);
static ALWAYS_INLINE u64 fetch_rip_behind(struct vcpu *v, u64 rip, unsigned len)
{
	return likely(!((rip ^ (rip + len)) >> 32)) ? rip + len : fetch_rip_wrapped(v, rip + len);
}

/* How v walks its page tables now (for walk.h). */
void fetch_walk_mode(struct vcpu *v, struct walk_mode *mode);

/*
 * Where v's data at linear address gva lies, for that access (ACCESS_READ or WRITE of vm/exit.h,
 * and WALK_SYSTEM of vm/walk.h); sets accessed and dirty bits.  *ram: where that is in our memory,
 * as far as the page goes; NULL if it is not RAM.  0, or -1 with the #PF in *fault.  gva must be
 * canonical, and cut to 32 bits outside long mode.
 */
int fetch_translate(struct vcpu *v, u64 gva, unsigned access, gpa_t *at, u8 **ram,
		    struct event *fault);
struct event fetch_page_fault(u64 gva, u32 error);

/*
 * RAM of vm at a, in one page; NULL: there is none.  RAM for which the host has no memory left is
 * neither: the VM ends with that cause, for its pages were promised, and to wait for memory that
 * nobody is about to give back would be worse than to say so.
 */
void *fetch_ram(struct vm *vm, gpa_t a, u64 len);

/* Forget everything (a memory slot changed). */
void fetch_flush(struct vcpu *v);

#endif
