/*
 * space.h - the address space in which cases run, and one shot in it
 *
 * Owns: tables of our own above the runtime's, snippets of code that both privilege levels can
 * run, a descriptor table with room.  Must not know: what is tried.
 *
 * In long mode the first entry of the root is the runtime's one-to-one map (supervisor only); the
 * second holds SPACE_USER: the snippets, and the local APIC behind them, for user mode.
 */
#ifndef CHECKER_SPACE_H
#define CHECKER_SPACE_H

#include "gates.h"
#include "systems.h"

/* Code that ends with INT3; see gates.h for what is in which register. */
extern const char snippets[], snippet_read[], snippet_write[], snippet_fetch[], snippet_outs[],
    snippet_ins[], snippet_movs[], snippet_segment[], snippet_change[], snippet_stack[];

/* A snippet as user mode sees it. */
static inline u64 space_user(const char *snippet)
{
	return SPACE_USER + (u64)(snippet - snippets);
}

struct space_shot {
	u64 rip, cs, rflags, rsp, ss; /* as IRETQ wants them */
	u64 rax, rcx, rdx, rbx, rsi, rdi;
	/* How it ended. */
	u64 vector, error, cr2, at, at_cs, at_rflags, at_rsp, at_ss;
	u64 frame_end; /* where the stack of its handler began */
};

/* Descriptors, an LDT register, breakpoints for user mode; once. */
void space_begin(void);
/* A descriptor in the table of which SEL_ are the selectors. */
void space_descriptor(unsigned selector, u64 low, u64 high);
/* 8 bytes of it. */
void space_descriptor_low(unsigned selector, u64 low);
/* The runtime's TSS is to be loaded again. */
void space_task_available(void);
/* Page n of SPACE_USER, from 2 on, shows that one. */
void space_user_page(unsigned n, u64 address);
/* RSP 0, until space_end. */
void space_ring0_stack(u64 top);
/* 8 bytes of it; and the runtime's TSS is to be loaded again. */
void space_descriptor_low(unsigned selector, u64 low);
void space_task_available(void);
/* The runtime's traps and tables again. */
void space_end(void);

/* The root that the cases use; entries from SPACE_FREE_SLOT on are theirs. */
extern u64 space_root[512];

/* Until the next trap, whatever it is. */
void space_shoot(struct space_shot *shot);

/* These tables and CR4, with LA57 as it is there, in IA-32e mode.  Both map the first 4 GiB. */
void space_levels(u64 cr3, u64 cr4);

/* LDT: 16 bytes there. */
void space_ldt(u64 base);

#endif
