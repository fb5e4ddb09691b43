/*
 * syscall_numbers.h - the border between programs and the kernel
 *
 * A program puts the number into RAX, up to three arguments into RDI, RSI, RDX and executes
 * SYSCALL.  The result is in RAX: negative values are reasons of failure (errno.h).  RCX and R11
 * are lost, all other registers keep their values.
 */
#ifndef GUEST_OS_SYSCALL_NUMBERS_H
#define GUEST_OS_SYSCALL_NUMBERS_H

#define SYSCALL_EXIT 0   /* (status): does not return */
#define SYSCALL_WRITE 1  /* (text, length) to the console: length, -EFAULT */
#define SYSCALL_READ 2   /* (buffer, size): waits for input; bytes read, -EFAULT */
#define SYSCALL_GETPID 3 /* (): pid */
#define SYSCALL_YIELD 4  /* (): 0 */
#define SYSCALL_SLEEP 5  /* (microseconds): 0 */
#define SYSCALL_UPTIME 6 /* (): microseconds since the kernel started */
#define SYSCALL_SBRK 7   /* (bytes, not negative): the heap's former end, -ENOMEM */
#define SYSCALL_UNMAP 8  /* (address): give the page there back: 0, -EINVAL */
#define SYSCALL_SPAWN 9  /* (words, count): pid; see process_spawn */
#define SYSCALL_WAIT 10  /* (pid): exit status, 128 + vector of a fatal fault, or -ECHILD */
#define SYSCALL_KILL 11  /* (pid): 0, -ESRCH, -EINVAL */
#define SYSCALL_COUNT 12

#endif
