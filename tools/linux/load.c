/*
 * load.c - what `make bench` runs in a Linux guest: a load of a known number of requests
 *
 * Usage: load disk DEVICE read|write DEPTH COUNT   4 KiB requests at random places, DEPTH at a time
 *        load take udp|tcp PORT                    take what comes, until killed
 *        load give udp|tcp ADDRESS PORT COUNT SIZE COUNT datagrams, or writes, of SIZE bytes
 *
 * Owns: the load.  It measures nothing: who runs it counts exits from outside, and takes the
 * difference of two runs that differ in COUNT only.
 * Places come from a fixed seed; a disk is opened past the page cache and asked by Linux AIO, those
 * that were finished together being submitted again together.
 * Source: Linux man-pages, io_submit(2), io_getevents(2), open(2) on O_DIRECT.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK 4096
#define DEPTH_MAX 256
#define SIZE_MAX_NET 65536

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "not understood");
	exit(1);
}

static unsigned long number(const char *text, unsigned long least, unsigned long most)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || end == text || n < least || n > most) {
		errno = 0;
		die(text);
	}
	return n;
}

/* Marsaglia's xorshift with the shifts 13, 7, 17: the same places in every run. */
static uint64_t next_random(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* ---- Disk -------------------------------------------------------------------------------- */

struct disk {
	int fd;
	unsigned opcode;
	uint64_t blocks;
	aio_context_t context;
	unsigned long submitted, finished, count;
};

/* Submit those of the n requests in slot[] that are still to be done, each at a new place. */
static void submit(struct disk *d, struct iocb *slot[], unsigned n)
{
	if (n > d->count - d->submitted)
		n = d->count - d->submitted;
	for (unsigned i = 0; i < n; i++)
		slot[i]->aio_offset = (int64_t)(next_random() % d->blocks * BLOCK);
	for (unsigned done = 0; done < n;) {
		long taken = syscall(SYS_io_submit, d->context, (long)(n - done), slot + done);

		if (taken <= 0)
			die("io_submit");
		done += taken;
	}
	d->submitted += n;
}

static void finish(struct disk *d, unsigned depth)
{
	struct io_event event[DEPTH_MAX];
	struct iocb *again[DEPTH_MAX];
	long n = syscall(SYS_io_getevents, d->context, 1L, (long)depth, event, NULL);

	if (n <= 0)
		die("io_getevents");
	for (long i = 0; i < n; i++) {
		if (event[i].res != BLOCK) {
			errno = event[i].res < 0 ? (int)-event[i].res : EIO;
			die("a request");
		}
		again[i] = (struct iocb *)(uintptr_t)event[i].obj;
	}
	d->finished += n;
	submit(d, again, n);
}

static void prepare(struct disk *d, struct iocb *slot[], unsigned depth)
{
	static struct iocb iocb[DEPTH_MAX];

	for (unsigned i = 0; i < depth; i++) {
		void *buffer = aligned_alloc(BLOCK, BLOCK);

		if (!buffer)
			die("memory");
		memset(buffer, 0xa5, BLOCK);
		iocb[i].aio_fildes = (unsigned)d->fd;
		iocb[i].aio_lio_opcode = (uint16_t)d->opcode;
		iocb[i].aio_buf = (uintptr_t)buffer;
		iocb[i].aio_nbytes = BLOCK;
		slot[i] = &iocb[i];
	}
}

static void load_disk(char *arg[])
{
	struct iocb *slot[DEPTH_MAX];
	struct disk d = { .count = number(arg[3], 1, 100000000) };
	unsigned depth = number(arg[2], 1, DEPTH_MAX);
	uint64_t bytes = 0;

	if (strcmp(arg[1], "read") && strcmp(arg[1], "write"))
		die(arg[1]);
	d.opcode = arg[1][0] == 'r' ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE;
	d.fd = open(arg[0], O_RDWR | O_DIRECT);
	if (d.fd < 0 || ioctl(d.fd, BLKGETSIZE64, &bytes))
		die(arg[0]);
	d.blocks = bytes / BLOCK;
	if (!d.blocks || syscall(SYS_io_setup, (long)depth, &d.context))
		die("io_setup");
	prepare(&d, slot, depth);
	submit(&d, slot, depth);
	while (d.finished < d.count)
		finish(&d, depth);
}

/* ---- Network ----------------------------------------------------------------------------- */

static int kind_of(const char *name)
{
	if (strcmp(name, "udp") && strcmp(name, "tcp"))
		die(name);
	return name[0] == 'u' ? SOCK_DGRAM : SOCK_STREAM;
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)number(port, 1, 65535)) };

	if (address && inet_pton(AF_INET, address, &a.sin_addr) != 1)
		die(address);
	return a;
}

static void load_take(char *arg[])
{
	static char buffer[SIZE_MAX_NET];
	int kind = kind_of(arg[0]);
	struct sockaddr_in a = address_of(NULL, arg[1]);
	int s = socket(AF_INET, kind, 0);

	if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)))
		die("bind");
	if (kind == SOCK_STREAM && listen(s, 1))
		die("listen");
	for (;;) {
		int from = kind == SOCK_STREAM ? accept(s, NULL, NULL) : s;

		while (read(from, buffer, sizeof(buffer)) > 0)
			;
		if (kind == SOCK_STREAM)
			close(from);
	}
}

static void load_give(char *arg[])
{
	static char buffer[SIZE_MAX_NET];
	int s = socket(AF_INET, kind_of(arg[0]), 0);
	struct sockaddr_in a = address_of(arg[1], arg[2]);
	unsigned long count = number(arg[3], 1, 100000000);
	size_t size = number(arg[4], 1, sizeof(buffer));
	char end;

	if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
	for (unsigned long i = 0; i < count; i++)
		for (size_t done = 0; done < size;) {
			ssize_t n = write(s, buffer + done, size - done);

			if (n < 0)
				die("write");
			done += n;
		}
	/* Until the other side has taken it all and closed. */
	if (kind_of(arg[0]) == SOCK_STREAM && (shutdown(s, SHUT_WR) || read(s, &end, 1)))
		die("the other end");
}

int main(int argc, char *argv[])
{
	if (argc == 6 && !strcmp(argv[1], "disk"))
		load_disk(argv + 2);
	else if (argc == 4 && !strcmp(argv[1], "take"))
		load_take(argv + 2);
	else if (argc == 7 && !strcmp(argv[1], "give"))
		load_give(argv + 2);
	else
		die("arguments");
	printf("load: done\n");
	return 0;
}
