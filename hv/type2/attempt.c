/* attempt.c - see attempt.h */
#define _GNU_SOURCE

#include "type2/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"

static long open_file(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static long create_file(void)
{
	return open("left-behind", O_RDWR | O_CREAT, 0600);
}

static long execute(void)
{
	char *const argv[] = { (char[]){ "sh" }, NULL }, *const envp[] = { NULL };

	return execve("/bin/sh", argv, envp);
}

static long make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long trace_parent(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long make_process(void)
{
	return syscall(SYS_fork);
}

static long make_thread(void)
{
	return syscall(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, NULL, NULL, NULL, 0);
}

static long map_code(void)
{
	return (long)mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long make_code(void)
{
	static u8 page[PAGE_SIZE] ALIGNED(PAGE_SIZE);

	return mprotect(page, sizeof(page), PROT_READ | PROT_EXEC);
}

/* Typing into the user's shell. */
static long type_into_terminal(void)
{
	char c = '\n';

	return syscall(SYS_ioctl, STDIN_FILENO, TIOCSTI, &c);
}

static long kill_others(void)
{
	return kill(-1, SIGKILL);
}

static long call_32_bits(void)
{
	long result;

	/* getpid's number of the 32-bit ABI, which the list does not know. */
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
	return result;
}

static const struct attempt {
	const char *name;
	long (*run)(void);
} attempts[] = {
	{ "open", open_file },		{ "create", create_file },
	{ "execve", execute },		{ "socket", make_socket },
	{ "ptrace", trace_parent },	{ "fork", make_process },
	{ "thread", make_thread },	{ "mmap-code", map_code },
	{ "mprotect-code", make_code }, { "tiocsti", type_into_terminal },
	{ "kill", kill_others },	{ "int80", call_32_bits },
};

int attempt_run(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(attempts); i++) {
		long result;

		if (strcmp(name, attempts[i].name))
			continue;
		errno = 0;
		result = attempts[i].run();
		host_log("attempt %s: %s", name, result == -1 && errno ? "refused" : "WORKED");
		return 0;
	}
	host_log("no such attempt: %s", name);
	return -1;
}
