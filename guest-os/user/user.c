/* user.c - see user.h */
#include "user.h"

#include "lib/fmt.h"
#include "syscall_numbers.h"

long user_call(long number, u64 a, u64 b, u64 c);

void user_exit(int status)
{
	for (;;)
		user_call(SYSCALL_EXIT, (u64)status, 0, 0);
}

long user_write(const char *text, size_t length)
{
	return user_call(SYSCALL_WRITE, (u64)text, length, 0);
}

long user_read(char *buffer, size_t size)
{
	return user_call(SYSCALL_READ, (u64)buffer, size, 0);
}

int user_getpid(void)
{
	return (int)user_call(SYSCALL_GETPID, 0, 0, 0);
}

void user_yield(void)
{
	user_call(SYSCALL_YIELD, 0, 0, 0);
}

void user_sleep(u64 us)
{
	user_call(SYSCALL_SLEEP, us, 0, 0);
}

u64 user_uptime(void)
{
	return (u64)user_call(SYSCALL_UPTIME, 0, 0, 0);
}

void *user_sbrk(size_t bytes)
{
	long before = user_call(SYSCALL_SBRK, bytes, 0, 0);

	return before < 0 ? NULL : (void *)before;
}

int user_unmap(const void *page)
{
	return (int)user_call(SYSCALL_UNMAP, (u64)page, 0, 0);
}

int user_spawn(const char *const *words, size_t count)
{
	return (int)user_call(SYSCALL_SPAWN, (u64)words, count, 0);
}

int user_wait(int pid)
{
	return (int)user_call(SYSCALL_WAIT, (u64)pid, 0, 0);
}

int user_kill(int pid)
{
	return (int)user_call(SYSCALL_KILL, (u64)pid, 0, 0);
}

void user_print(const char *format, ...)
{
	char text[257];
	va_list args;

	va_start(args, format);

	size_t n = fmt_vstring(text, sizeof(text), format, args);

	va_end(args);
	user_write(text, MIN(n, sizeof(text) - 1));
}

u64 user_number(int argc, char **argv, int n, u64 otherwise)
{
	u64 value = 0;

	if (n >= argc)
		return otherwise;
	for (const char *c = argv[n]; *c >= '0' && *c <= '9'; c++)
		value = value * 10 + (u64)(*c - '0');
	return value;
}
