/* record.c - see record.h */
#include "type2/record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/fmt.h"
#include "vm/vm.h"

#define BUFFER 65536

/* A sink that collects text into large writes. */
struct writer {
	struct fmt_sink sink;
	size_t len;
	bool failed;
	char text[BUFFER];
};

static int record_fd = -1;
static struct writer writer;

bool record_open(const char *path, struct failure *why)
{
	record_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (record_fd >= 0)
		return true;
	return failure_set(why, errno == EACCES ? FAILURE_NO_PERMISSION : FAILURE_CANNOT_CREATE,
			   "%s: %s", path, strerror(errno));
}

static void flush(struct writer *w)
{
	for (size_t at = 0; at < w->len && !w->failed;) {
		ssize_t done = write(record_fd, w->text + at, w->len - at);

		if (done > 0)
			at += (size_t)done;
		else
			w->failed = errno != EINTR;
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

static void print(const char *format, ...) PRINTF_LIKE(1, 2);
static void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vput(&writer.sink, format, args);
	va_end(args);
}

/* Oldest first.  "trace VM VCPU ENTERED LEFT RIP INFO REASON": in the guest until LEFT. */
static void write_ring(const struct vm *vm, const struct vcpu *v)
{
	for (u64 n = trace_size(&v->trace); n--;) {
		const struct trace_entry *e = trace_get(&v->trace, n);

		if (e)
			print("trace %s %u %llu %llu %llx %llx %s\n", vm->config.name, v->index,
			      (unsigned long long)e->entered, (unsigned long long)e->left,
			      (unsigned long long)e->rip, (unsigned long long)e->info,
			      exit_reason_name(trace_reason(e)));
	}
}

bool record_write(const struct vm *vm)
{
	if (record_fd < 0)
		return true;
	writer.sink.put = put;
	print("trace-begin %llu\n", (unsigned long long)host_tsc_hz());
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		write_ring(vm, vm->vcpu[i]);
	print("trace-end\n");
	flush(&writer);
	close(record_fd);
	record_fd = -1;
	if (writer.failed)
		host_log("the trace cannot be written: %s", strerror(errno));
	return !writer.failed;
}
