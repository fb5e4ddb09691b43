/* syscall.h - system calls; see syscall.c, and syscall_numbers.h for what there is */
#ifndef GUEST_OS_SYSCALL_H
#define GUEST_OS_SYSCALL_H

#include "trap.h"

/* Let SYSCALL enter the kernel, on this processor. */
void syscall_init(void);

/* Where SYSCALL puts its frame. */
void syscall_set_stack(u64 rsp);

/* For syscall_entry.S. */
void syscall_dispatch(struct trap_frame *frame);

#endif
