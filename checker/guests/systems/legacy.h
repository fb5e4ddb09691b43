/*
 * legacy.h - shots outside long mode: 32-bit protected mode, and virtual-8086 mode, in any number
 *
 * Owns: the way from 64-bit C to paging without IA-32e mode and back; 32-bit gates and a TSS.
 * Must not know: what is tried.
 *
 * legacy_run takes a list of shots: before each it stores up to three words of eight bytes
 * (entries of page tables), loads CR3 or invalidates one page; the next trap ends it.
 */
#ifndef CHECKER_LEGACY_H
#define CHECKER_LEGACY_H

#include "space.h"

#define LEGACY_EDITS 3

struct legacy_shot {
	u32 eip, cs, eflags, esp, ss; /* as IRET wants them; at CPL 0 neither ESP nor SS */
	u32 eax, edx, esi, edi;
	u32 flush; /* INVLPG of that; 0: CR3 is loaded again */
	struct {
		u32 at; /* 0: nothing is stored */
		u32 low, high, after;
	} edit[LEGACY_EDITS];
	/* How it ended; esp: behind what was pushed. */
	u32 vector, error, cr2, at, at_cs, at_eflags, at_esp;
};

struct legacy {
	u32 cr0, cr3, cr4, efer, ldt, count;
	struct legacy_shot *shot;
};

/* Gates and the TSS, once, after space_begin. */
void legacy_begin(void);
/* The usual one: interrupt gate, CPL 0; DPL 3 for INT3. */
void legacy_gate_reset(unsigned vector);
void legacy_gate_dpl3(unsigned vector);
/* The bits of the gate that are in mask become value. */
void legacy_gate_change(unsigned vector, u64 mask, u64 value);
/* Where the handlers' stack begins. */
u32 legacy_stack(void);
/* cr0 has PG; its tables map everything below LEGACY_MAPPED one to one. */
void legacy_run(const struct legacy *l);

#define LEGACY_MAPPED MiB(16)

#endif
