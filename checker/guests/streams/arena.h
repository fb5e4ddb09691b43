/*
 * arena.h - the machine that a case runs on
 *
 * Owns: page tables, descriptor tables and stacks of cases, loading a state into the CPU, taking
 * what became of it out again, and putting the CPU back into order.
 * Must not know: when a case is over, what is made of the results (run.h).
 */
#ifndef CHECKER_STREAMS_ARENA_H
#define CHECKER_STREAMS_ARENA_H

#include "case.h"

/* What the stubs save: place.h, SAVE_*. */
extern u64 arena_save[];
/* See arena.S: into what the save page says; back when run_trap returns 0. */
void arena_enter(void);
/* Lets interrupts in that wait. */
void arena_drain(void);
extern const char arena[], arena_gate[];

/* The state after a case, as NAME; what is big is there as a hash. */
#define ARENA_RESULTS(X)                                                                           \
	X(rax)                                                                                     \
	X(rcx)                                                                                     \
	X(rdx)                                                                                     \
	X(rbx)                                                                                     \
	X(rsp)                                                                                     \
	X(rbp)                                                                                     \
	X(rsi)                                                                                     \
	X(rdi)                                                                                     \
	X(r8)                                                                                      \
	X(r9)                                                                                      \
	X(r10)                                                                                     \
	X(r11)                                                                                     \
	X(r12)                                                                                     \
	X(r13)                                                                                     \
	X(r14)                                                                                     \
	X(r15)                                                                                     \
	X(rip)                                                                                     \
	X(cs)                                                                                      \
	X(rflags)                                                                                  \
	X(ss)                                                                                      \
	X(ds)                                                                                      \
	X(es)                                                                                      \
	X(fs)                                                                                      \
	X(gs)                                                                                      \
	X(fs_base)                                                                                 \
	X(gs_base)                                                                                 \
	X(kernel_gs_base)                                                                          \
	X(cr0)                                                                                     \
	X(cr2)                                                                                     \
	X(cr4)                                                                                     \
	X(cr8)                                                                                     \
	X(efer)                                                                                    \
	X(xcr0)                                                                                    \
	X(dr0)                                                                                     \
	X(dr1)                                                                                     \
	X(dr2)                                                                                     \
	X(dr3)                                                                                     \
	X(dr6)                                                                                     \
	X(dr7)                                                                                     \
	X(gdt_limit)                                                                               \
	X(idt_limit)                                                                               \
	X(idt_base)                                                                                \
	X(ldtr)                                                                                    \
	X(tr)                                                                                      \
	X(gdt)                                                                                     \
	X(msrs)                                                                                    \
	X(x87)                                                                                     \
	X(xmm)                                                                                     \
	X(ymm)                                                                                     \
	X(mxcsr)                                                                                   \
	X(code0)                                                                                   \
	X(code1)                                                                                   \
	X(data0)                                                                                   \
	X(data1)                                                                                   \
	X(data2)                                                                                   \
	X(data3)                                                                                   \
	X(memory0)                                                                                 \
	X(memory1)                                                                                 \
	X(memory2)                                                                                 \
	X(memory3)                                                                                 \
	X(waiting)                                                                                 \
	X(reason)                                                                                  \
	X(traps)                                                                                   \
	X(history)

enum arena_result {
#define X(name) RESULT_##name,
	ARENA_RESULTS(X)
#undef X
	    RESULT_COUNT
};

/* Once.  NULL, or what this CPU lacks. */
const char *arena_init(void);

/* Code, tables, registers as the case says; the save page is ready for arena_enter. */
void arena_load(const struct stream_case *c);
/* The state into results, but for rip, cs, ss, rflags, registers and what run.c adds. */
void arena_store(const struct stream_case *c, u64 results[RESULT_COUNT]);

/* The word at a linear address of the case, or NULL. */
u64 *arena_word(u64 linear);
/* The selector of CS and SS in that mode. */
u16 arena_cs(u64 mode);
u16 arena_ss(u64 mode);

/* A number and another one make a third. */
static inline u64 arena_fold(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9fb21c651e98df25ull;
	return hash ^ hash >> 31;
}

/* Of all memory that cases can reach; it is then as after arena_init. */
u64 arena_check(void);

#endif
