/*
 * rt.h - what the checker's probes, and the guests of tests that want C, run on
 *
 * Owns: boot, traps that are survived, records on the serial line, words of the command line, the
 * end of the machine.
 * Must not know: what is probed.
 *
 * A probe is a multiboot kernel.  It runs at CPL 0 with interrupts off on one CPU.  All that it has
 * to say are records, lines of the form
 *
 *	@NONCE kind key=value ..
 *
 * with the nonce=WORD of its command line, so that nobody else can speak for it.
 */
#ifndef CHECKER_RT_H
#define CHECKER_RT_H

#include "compiler.h"
#include "layout.h"
#include "x86.h"

/* The probe itself.  When it returns, the machine ends with that status. */
unsigned probe_main(void);

/* ---- Speaking --------------------------------------------------------------------- */

/* A record; format without nonce and newline. */
void rt_record(const char *format, ...) PRINTF_LIKE(1, 2);
/* Text as it is. */
void rt_print(const char *format, ...) PRINTF_LIKE(1, 2);
/* A character that was typed, or -1. */
int rt_typed(void);

/* ---- The command line -------------------------------------------------------------- */

/* The value of KEY=VALUE as a number (decimal or 0x), or other. */
u64 rt_number(const char *key, u64 other);
/* Does KEY=VALUE have this value? */
bool rt_has(const char *key, const char *value);
/* The value of KEY=VALUE, cut to size; false: there is none, and word stays as it is. */
bool rt_word(const char *key, char *word, size_t size);
/*
 * Is it one of avoid=NAME,NAME of the command line?  It would end the guest, or the machine, or
 * take for ever.  Census: board, the chips of a PC; halts, what waits for an NMI of its timer;
 * names of cases.  Systems: cr0.nw, smep.cpuid, pae (control.c, paging_legacy.c).
 */
bool rt_avoids(const char *name);

/* The first byte behind RAM that begins at 1 MiB, as the loader says; at most 3.5 GiB. */
u64 rt_memory_end(void);
/* The first byte behind this probe, page-aligned. */
u64 rt_image_limit(void);

NORETURN void rt_end(unsigned status);

/* ---- Traps --------------------------------------------------------------------------- */

struct rt_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error, rip, cs, rflags, rsp, ss;
};
ASSERT_OFFSET(struct rt_frame, vector, RT_FRAME_REGS);

#define RT_NONE 0x100 /* no exception */

/* The last exception that was survived. */
extern volatile u64 rt_fixup; /* where to go on after the next one; 0: it is the end */
extern volatile u64 rt_vector, rt_error, rt_cr2, rt_rip;
/* Interrupts and NMIs that came. */
extern volatile u64 rt_interrupts;
/* Looks at a trap first; true: handled, go on as the frame says. */
extern bool (*rt_hook)(struct rt_frame *frame);

/*
 * Around one instruction: if it raises an exception, rt_vector says which, and execution goes on
 * behind it.  Else rt_vector is RT_NONE.
 *	RT_TRY("rdmsr", RT_OUT("=a"(lo), "=d"(hi)), "c"(msr));
 */
#define RT_OUT(...) __VA_ARGS__
#define RT_TRY(insn, outputs, ...)                                                                 \
	do {                                                                                       \
		rt_vector = RT_NONE;                                                               \
		__asm__ volatile("movq $77f, rt_fixup\n\t" insn "\n77:\tmovq $0, rt_fixup"         \
				 : outputs:__VA_ARGS__                                             \
				 : "memory", "cc");                                                \
	} while (0)

static inline bool rt_faulted(void)
{
	return rt_vector != RT_NONE;
}

/*
 * A gate of vector to the runtime's stub, from where rt_hook sees the trap.  As the runtime begins,
 * all are present, for CPL 0, on IST slot 1, that of the NMI on slot 2.
 */
void rt_gate(unsigned vector, unsigned selector, unsigned dpl, unsigned ist, bool present);
/* IST slot 1..7; slot 1 and RSP 0 begin on the same stack. */
void rt_ist(unsigned slot, u64 stack_top);

/* f(argument); true: an exception ended it, see rt_vector. */
bool rt_attempt(void (*f)(u64), u64 argument);

#define RT_PIC_VECTOR 0x20
/* The PIC pair, at that vector, with these lines masked; all are at the start. */
void rt_pic(u16 masks);

bool rt_rdmsr(u32 msr, u64 *value); /* true: it did not fault */
bool rt_wrmsr(u32 msr, u64 value);

/* RT_WINDOW + (address & 0xfff) shows physical memory at address; PTE bits are added. */
void *rt_window(u64 address);
/* A 2 MiB page of the one-to-one map, there or not. */
void rt_page_present(u64 address, bool present);
/* Let user mode reach all of the one-to-one map. */
void rt_user_pages(void);

/* Pseudo-random numbers (xorshift64*), seeded by seed=N. */
u64 rt_random(void);
void rt_seed(u64 seed);

#endif
