/* file_store.c - see file_store.h */
#define _GNU_SOURCE /* open file description locks */

#include "type2/file_store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host.h"
#include "lib/fmt.h"
#include "type2/futex.h"
#include "type2/image.h"
#include "type2/threads.h"

struct file_store {
	struct store store;
	int fd;
	int told; /* the error that was logged last: each is told once */
};

static struct {
	struct host_lock lock;
	struct store_request *first, **end; /* waiting for a thread */
	u32 submitted;			    /* counts */
	u32 idle;			    /* threads that sleep or are about to */
} queue = { .end = &queue.first };

/* ---- One request, by a thread of ours -------------------------------------------------------- */

static void complain(struct file_store *f, const struct store_request *request, int error)
{
	static const char *const verb[] = { "read", "written", "flushed" };

	if (__atomic_exchange_n(&f->told, error, __ATOMIC_RELAXED) == error)
		return;
	host_log("%s: sector %llu cannot be %s: %s", f->store.name, (unsigned long long)request->at,
		 verb[request->operation],
		 error > 0 ? strerror(error) : "the file has become shorter");
}

static int vector_of(const struct store_request *request, struct iovec *vector)
{
	for (unsigned i = 0; i < request->segments; i++)
		vector[i] = (struct iovec){ request->segment[i].data, request->segment[i].len };
	return (int)request->segments;
}

/* The first done bytes of vector are through: what is left. */
static int advance(struct iovec **vector, int count, size_t done)
{
	while (count && done >= (*vector)->iov_len) {
		done -= (*vector)->iov_len;
		(*vector)++;
		count--;
	}
	if (count) {
		(*vector)->iov_base = (u8 *)(*vector)->iov_base + done;
		(*vector)->iov_len -= done;
	}
	return count;
}

/* 0, or errno; -1: at the end of the file. */
static int transfer(const struct file_store *f, const struct store_request *request)
{
	struct iovec all[STORE_SEGMENTS_MAX], *vector = all;
	int count = vector_of(request, all);
	off_t at = (off_t)(request->at * STORE_SECTOR);

	while (count) {
		ssize_t done = request->operation == STORE_READ ? preadv(f->fd, vector, count, at)
								: pwritev(f->fd, vector, count, at);

		if (done < 0 && errno != EINTR)
			return errno;
		if (!done)
			return -1;
		if (done > 0) {
			at += done;
			count = advance(&vector, count, (size_t)done);
		}
	}
	return 0;
}

static int carry_out(struct file_store *f, const struct store_request *request)
{
	if (request->operation == STORE_FLUSH)
		return fdatasync(f->fd) ? errno : 0;
	return transfer(f, request);
}

static void serve(struct store_request *request, struct file_store *f)
{
	int error = carry_out(f, request);

	if (error) {
		request->result = STORE_ERROR;
		complain(f, request, error);
	}
	request->done(request);
}

/* ---- Threads ------------------------------------------------------------------------------- */

static struct store_request *take(void)
{
	struct store_request *request;

	host_lock(&queue.lock);
	request = queue.first;
	if (request) {
		queue.first = request->next;
		if (!queue.first)
			queue.end = &queue.first;
	}
	host_unlock(&queue.lock);
	return request;
}

static void *work(void *unused UNUSED)
{
	for (;;) {
		u32 seen = __atomic_load_n(&queue.submitted, __ATOMIC_SEQ_CST);
		struct store_request *request = take();

		if (request) {
			serve(request, request->private[0]);
			continue;
		}
		__atomic_add_fetch(&queue.idle, 1, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&queue.submitted, __ATOMIC_SEQ_CST) == seen)
			futex_wait(&queue.submitted, seen, FUTEX_ANYBODY);
		__atomic_sub_fetch(&queue.idle, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

bool file_store_start_threads(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!threads_create("disk", work, NULL))
			return false;
	return true;
}

static bool submit(struct store *store, struct store_request *request)
{
	request->private[0] = container_of(store, struct file_store, store);
	request->next = NULL;
	host_lock(&queue.lock);
	*queue.end = request;
	queue.end = &request->next;
	host_unlock(&queue.lock);
	__atomic_add_fetch(&queue.submitted, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&queue.idle, __ATOMIC_SEQ_CST))
		futex_wake(&queue.submitted, FUTEX_ANYBODY);
	return false;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static void close_store(struct store *store)
{
	struct file_store *f = container_of(store, struct file_store, store);

	close(f->fd);
	host_free(f, sizeof(*f));
}

static const struct store_ops ops = { .submit = submit, .close = close_store };

static bool lock(int fd, const char *path, bool read_only, struct failure *why)
{
	struct flock whole = { .l_type = read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };

	if (!fcntl(fd, F_OFD_SETLK, &whole))
		return true;
	if (errno == EAGAIN || errno == EACCES)
		return failure_set(why, FAILURE_TEMPORARY, "%s: another process uses this image",
				   path);
	/* Some network file systems have no locks; a read-only image needs none. */
	if (read_only)
		return true;
	return failure_set(why, FAILURE_OS, "%s: cannot be locked: %s", path, strerror(errno));
}

static bool size_of(int fd, const char *path, u64 *size, struct failure *why)
{
	struct stat status;

	if (fstat(fd, &status))
		return failure_of_file(why, path);
	*size = (u64)status.st_size;
	if (S_ISBLK(status.st_mode) && ioctl(fd, BLKGETSIZE64, size))
		return failure_of_file(why, path);
	if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
		return failure_set(why, FAILURE_NO_INPUT, "%s: neither a file nor a disk", path);
	if (*size < STORE_SECTOR)
		return failure_set(why, FAILURE_DATA, "%s: a disk without a sector", path);
	return true;
}

static bool is_raw(int fd, const char *path, struct failure *why)
{
	u8 head[IMAGE_HEAD];
	ssize_t len = pread(fd, head, sizeof(head), 0);
	const char *format;

	if (len < 0)
		return failure_of_file(why, path);
	format = image_format(head, (u64)len);
	return !format ||
	       failure_set(why, FAILURE_DATA,
			   "%s: of format %s: tools/import-image makes a raw image of it", path,
			   format);
}

struct store *file_store_open(const char *name, const char *path, bool read_only,
			      struct failure *why)
{
	int fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	struct file_store *f;
	u64 size = 0;

	if (fd < 0) {
		failure_of_file(why, path);
		return NULL;
	}
	if (!size_of(fd, path, &size, why) || !is_raw(fd, path, why) ||
	    !lock(fd, path, read_only, why)) {
		close(fd);
		return NULL;
	}
	f = host_alloc(sizeof(*f));
	check(f);
	f->fd = fd;
	f->store.ops = &ops;
	fmt_string(f->store.name, sizeof(f->store.name), "%s", name);
	f->store.sectors = size / STORE_SECTOR;
	f->store.read_only = read_only;
	f->store.volatile_cache = !read_only;
	return &f->store;
}
