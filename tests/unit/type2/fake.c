/* fake.c - see fake.h */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char fake_log[256];
unsigned fake_logs;
enum vcpu_stop (*fake_step)(struct vcpu *v);
unsigned fake_input_room;
char fake_input[64];

void host_log(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fake_log, sizeof(fake_log), format, args);
	va_end(args);
	__atomic_add_fetch(&fake_logs, 1, __ATOMIC_RELEASE);
}

void host_panic(const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "panic at %s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

enum vcpu_stop vcpu_step(struct vcpu *v)
{
	return fake_step(v);
}

int fake_process(void (*run)(void))
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (!child) {
		close(STDERR_FILENO);
		run();
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}
