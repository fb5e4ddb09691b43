/* trap.h - exceptions and interrupts; see trap.c */
#ifndef GUEST_OS_TRAP_H
#define GUEST_OS_TRAP_H

#include "compiler.h"

#define TRAP_VECTORS 256
#define TRAP_SYSCALL 256 /* "vector" of a frame that SYSCALL made */

/* What trap_entry.S and syscall_entry.S leave on the stack: registers, then what the CPU pushed. */
struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};
ASSERT_SIZE(struct trap_frame, 22 * 8);
ASSERT_OFFSET(struct trap_frame, vector, 15 * 8);
ASSERT_OFFSET(struct trap_frame, rip, 17 * 8);

typedef void trap_handler(struct trap_frame *frame);

/* Fill the IDT, and load it: all gates lead to trap_dispatch with interrupts off. */
void trap_init(void);

/* Load it on another processor. */
void trap_load(void);

/* Call handler for this vector from now on; returns the one before (NULL: the default). */
trap_handler *trap_set(unsigned vector, trap_handler *handler);

/* Which stack a vector uses: an IST index, see segment.h.  present: whether its gate exists. */
void trap_set_gate(unsigned vector, unsigned ist, bool present);

/* Was this frame made in user mode? */
static inline bool trap_from_user(const struct trap_frame *frame)
{
	return (frame->cs & 3) == 3;
}

/* The manuals' short name of an exception: "#PF"; "interrupt" for other vectors. */
const char *trap_name(u64 vector);

/* Every register of the frame on the console. */
void trap_dump(const struct trap_frame *frame);

/*
 * Run function(argument) in kernel mode, and survive it: true if it raised an exception that no
 * handler took, which is then in *frame.  Not nested.
 */
bool trap_try(void (*function)(u64 argument), u64 argument, struct trap_frame *frame);

/* For trap_entry.S. */
void trap_dispatch(struct trap_frame *frame);

#endif
