/* errno.h - reasons of failure; functions and system calls return them negated */
#ifndef GUEST_OS_ERRNO_H
#define GUEST_OS_ERRNO_H

#define ENOENT 2  /* no such program, no such file */
#define ESRCH 3   /* no such process */
#define EIO 5     /* a device failed, or is not there */
#define E2BIG 7   /* too many arguments */
#define ENOEXEC 8 /* not a program for this machine */
#define ECHILD 10 /* not your child */
#define EAGAIN 11 /* no room at the moment */
#define ENOMEM 12 /* no memory */
#define EFAULT 14 /* an address that the program may not access */
#define ENODEV 19 /* no such device */
#define EINVAL 22 /* an argument that makes no sense */
#define EFBIG 27  /* a file that would be too large */
#define ENOSPC 28 /* no room on the disk */
#define EROFS 30  /* a disk that can not be written */
#define ENOSYS 38 /* no such system call */
#define ENETUNREACH 101 /* no way there */
#define ETIMEDOUT 110   /* no answer */
#define EUCLEAN 117     /* no file system, or a damaged one */

#endif
