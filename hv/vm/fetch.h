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
 * and every page table entry walked and every byte of the instruction is still the
 * same in memory.
 */
#ifndef ESPEJO_VM_FETCH_H
#define ESPEJO_VM_FETCH_H

#include "vm/decode.h"
#include "vm/state.h"

struct vcpu;
struct walk_mode;

#define FETCH_ENTRIES 16
#define FETCH_WALK_MAX 5

struct fetch_entry {
	/* Key. */
	u64 rip, cr0, cr3, cr4, efer, cs_base;
	u16 cs_attr;
	u8 cpl;
	bool valid;
	/* What it rests on: memory that must still hold the same. */
	bool wide; /* page table entries of 8 bytes, else 4 */
	u8 walk_count;
	const void *entry[FETCH_WALK_MAX];
	u64 value[FETCH_WALK_MAX];
	const u8 *bytes; /* with 16 readable bytes behind, on one page */
	u64 code[2], mask[2]; /* the instruction, and which of the bytes are its own */
	/* Answer. */
	struct insn insn;
};

struct fetch_cache {
	struct fetch_entry entry[FETCH_ENTRIES]; /* direct mapped, by RIP */
	u64 hits, misses;
};

/*
 * Decode the instruction at v's RIP.  NULL: it cannot be fetched, because the guest changed
 * its tables or code meanwhile; *fault is then what the guest would get (#PF, #UD, #GP).
 * The result is valid until the next call.
 */
const struct insn *fetch_insn(struct vcpu *v, struct event *fault);

/* How v walks its page tables now (for walk.h). */
void fetch_walk_mode(struct vcpu *v, struct walk_mode *mode);

/* Forget everything (a memory slot changed). */
void fetch_flush(struct vcpu *v);

#endif
