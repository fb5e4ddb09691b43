/* user.h - what a program may ask of the kernel; contracts in syscall_numbers.h */
#ifndef GUEST_OS_USER_H
#define GUEST_OS_USER_H

#include "compiler.h"

int main(int argc, char **argv);

NORETURN void user_exit(int status);
long user_write(const char *text, size_t length);
long user_read(char *buffer, size_t size);
int user_getpid(void);
void user_yield(void);
void user_sleep(u64 us);
u64 user_uptime(void);
void *user_sbrk(size_t bytes); /* NULL: no memory */
int user_unmap(const void *page);
int user_spawn(const char *const *words, size_t count);
int user_wait(int pid);
int user_kill(int pid);

/* Formatted text on the console, up to 256 bytes, in one piece. */
void user_print(const char *format, ...) PRINTF_LIKE(1, 2);

/* The n-th argument as a number, or a default where there is none. */
u64 user_number(int argc, char **argv, int n, u64 otherwise);

#endif
