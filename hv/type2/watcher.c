/* watcher.c - see watcher.h */
#include "type2/watcher.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "type2/confine.h"
#include "type2/terminal.h"

static int signal_fd = -1;

/* ---- The parent ----------------------------------------------------------------------------- */

static int status_of_end(int status, int failed, unsigned asked)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (WTERMSIG(status) == SIGKILL && asked > 1)
		return WATCHER_STOPPED;
	if (WTERMSIG(status) == SIGSYS)
		host_log("the guest's process was killed: it made a system call that is not on its "
			 "list");
	else if (WTERMSIG(status) == SIGKILL)
		host_log("the guest's process was killed from outside, or memory was short");
	else
		host_log("the guest's process died of a bug: %s", strsignal(WTERMSIG(status)));
	return failed;
}

static NORETURN void watch(pid_t child, const sigset_t *signals, int failed)
{
	unsigned asked = 0;
	int signal, status;

	for (;;) {
		if (sigwait(signals, &signal))
			continue;
		if (signal != SIGCHLD)
			kill(child, asked++ ? SIGKILL : SIGTERM);
		else if (waitpid(child, &status, WNOHANG) == child)
			break;
	}
	terminal_restore();
	_exit(status_of_end(status, failed, asked));
}

/* ---- The child ------------------------------------------------------------------------------ */

static bool be_child(int lifeline)
{
	sigset_t stop;

	confine_die_with_parent(lifeline);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	signal_fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	return signal_fd >= 0;
}

bool watcher_split(int failed, struct failure *why)
{
	static const int heard[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCHLD };
	sigset_t signals;
	int lifeline[2];
	pid_t child;

	sigemptyset(&signals);
	for (unsigned i = 0; i < ARRAY_SIZE(heard); i++)
		sigaddset(&signals, heard[i]);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTTOU, SIG_IGN); /* the terminal's mode is restored from the background too */
	child = pipe(lifeline) ? -1 : fork();
	if (!child) {
		close(lifeline[1]);
		if (be_child(lifeline[0]))
			return true;
	}
	if (child <= 0)
		return failure_set(why, FAILURE_OS, "the system gives no more processes: %s",
				   strerror(errno));
	close(lifeline[0]);
	watch(child, &signals, failed);
}

int watcher_signal_fd(void)
{
	return signal_fd;
}

void watcher_take_signal(void)
{
	struct signalfd_siginfo info;

	while (read(signal_fd, &info, sizeof(info)) < 0 && errno == EINTR)
		;
}
