/* statefile.c - see statefile.h */
#include "type2/statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "lib/fmt.h"
#include "vm/state_vm.h"
#include "vm/vm.h"

#define BUFFER 65536
#define QUIET_POLL_MS 1

/* A sink that collects text into large writes. */
static struct writer {
	struct fmt_sink sink;
	int fd, error;
	size_t len;
	char text[BUFFER];
} file = { .fd = -1 };

bool statefile_open(const char *path, struct failure *why)
{
	file.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (file.fd >= 0)
		return true;
	return failure_set(why, errno == EACCES ? FAILURE_NO_PERMISSION : FAILURE_CANNOT_CREATE,
			   "%s: %s", path, strerror(errno));
}

static void flush(struct writer *w)
{
	for (size_t at = 0; at < w->len && !w->error;) {
		ssize_t done = write(w->fd, w->text + at, w->len - at);

		if (done > 0)
			at += (size_t)done;
		else if (errno != EINTR)
			w->error = errno;
	}
	w->len = 0;
}

static void put(struct fmt_sink *sink, const char *text, size_t len)
{
	struct writer *w = container_of(sink, struct writer, sink);

	if (len > sizeof(w->text) - w->len)
		flush(w);
	memcpy(w->text + w->len, text, len); /* pieces of a line are short */
	w->len += len;
}

bool statefile_take(struct vm *vm, struct failure *why)
{
	const char *problem;

	while (!vm_is_quiet(vm))
		poll(NULL, 0, QUIET_POLL_MS);
	file.sink.put = put;
	problem = state_vm_print(vm, &file.sink);
	flush(&file);
	vm_start(vm);
	if (problem)
		return failure_set(why, FAILURE_OS, "the guest's state: %s", problem);
	if (file.error)
		return failure_set(why, FAILURE_IO, "the guest's state cannot be written: %s",
				   strerror(file.error));
	return true;
}
