/* usernet.c - see usernet.h */
#include "type2/usernet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fmt.h"

#define PROGRAM "espejo-net"
#define PATH_MAX_BYTES 4096

/* It lies where we do. */
static bool find_program(char *path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", path, size - sizeof(PROGRAM));
	char *folder_end;

	if (len <= 0)
		return false;
	path[len] = '\0';
	folder_end = strrchr(path, '/');
	memcpy(folder_end + 1, PROGRAM, sizeof(PROGRAM));
	return !access(path, X_OK);
}

/* Two forks: nobody has to wait for its end. */
static bool start(char *path, int fd)
{
	pid_t child = fork();
	char number[16];
	int status;

	if (child < 0)
		return false;
	if (child)
		return waitpid(child, &status, 0) == child && status == 0;
	if (fork())
		_exit(0);
	setsid();
	fcntl(fd, F_SETFD, 0);
	fmt_string(number, sizeof(number), "%d", fd);
	execv(path, (char *[]){ path, number, NULL });
	_exit(1);
}

int usernet_start(struct failure *why)
{
	char path[PATH_MAX_BYTES];
	int ends[2];

	if (!find_program(path, sizeof(path))) {
		failure_set(why, FAILURE_UNAVAILABLE,
			    "--net user: there is no " PROGRAM
			    " beside this program: it is built where libslirp-dev is");
		return -1;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) || !start(path, ends[1])) {
		failure_set(why, FAILURE_OS, "--net user: " PROGRAM " cannot be started: %s",
			    strerror(errno));
		return -1;
	}
	close(ends[1]);
	return ends[0];
}
