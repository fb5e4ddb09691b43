/* errno.h - reasons of failure; functions and system calls return them negated */
#ifndef GUEST_OS_ERRNO_H
#define GUEST_OS_ERRNO_H

#define ENOENT 2  /* no such program */
#define ESRCH 3   /* no such process */
#define E2BIG 7   /* too many arguments */
#define ENOEXEC 8 /* not a program for this machine */
#define ECHILD 10 /* not your child */
#define EAGAIN 11 /* no room for another process */
#define ENOMEM 12 /* no memory */
#define EFAULT 14 /* an address that the program may not access */
#define EINVAL 22 /* an argument that makes no sense */
#define ENOSYS 38 /* no such system call */

#endif
