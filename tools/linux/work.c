/*
 * work.c - the workloads of `make compare`: the same program in every column of the table
 *
 * Usage: work all DISK [ADDRESS]      every workload; packets go to a broadcast ADDRESS
 *        work start UID COMMAND...    start COMMAND as user UID, wait for it, pass its status on
 *        work network ADDRESS         packets only, as soon as there is a way for them
 *        work hold                    use some memory until killed
 *        work mark                    one mark, for whoever calls
 *
 * Owns: the loads, and the marks around them.
 * Must not know: what it runs on, and what a load costs: tools/plugin/count.c counts that.
 *
 * A mark is a no-operation that carries a number: no privilege, no exit, nothing that the machine
 * notices.  Between the two marks of a load lie a known number of rounds; a few rounds run before
 * the first one, so that what is made only once has been made.
 * Source: [APM] vol. 3 "NOP"; Linux man-pages for each system call.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mark.h"

#define PAGE 4096
#define PORT_DISCARD 9
#define PAYLOAD 1400
#define WARM_UP 3

static const char *disk_path, *address;

static void die(const char *what) __attribute__((noreturn));
static void die(const char *what)
{
	fprintf(stderr, "work: %s: %s\n", what, errno ? strerror(errno) : "not understood");
	exit(1);
}

/* ---- Loads: prepare once, then rounds ------------------------------------------------------ */

static volatile uint64_t sink;

/* Marsaglia's xorshift with the shifts 13, 7, 17: arithmetic and nothing else. */
static void load_cpu(unsigned rounds)
{
	uint64_t x = 0x9e3779b97f4a7c15;

	while (rounds--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	sink = x;
}

static void load_syscall(unsigned rounds)
{
	while (rounds--)
		syscall(SYS_getppid);
}

/* Each round touches a page that was never touched. */
static void load_fault(unsigned rounds)
{
	size_t size = (size_t)rounds * PAGE;
	volatile char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || madvise((void *)memory, size, MADV_NOHUGEPAGE))
		die("mmap");
	for (size_t at = 0; at < size; at += PAGE)
		memory[at] = 1;
	if (munmap((void *)memory, size))
		die("munmap");
}

static void load_process(unsigned rounds)
{
	int status;

	while (rounds--) {
		pid_t child = fork();

		if (!child)
			_exit(0);
		if (child < 0 || waitpid(child, &status, 0) != child || status)
			die("fork");
	}
}

static void load_timer(unsigned rounds)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	while (rounds--)
		if (clock_nanosleep(CLOCK_MONOTONIC, 0, &ms, NULL))
			die("nanosleep");
}

/* Past the page cache, and lasting when the round ends. */
static void load_disk(unsigned rounds)
{
	static _Alignas(PAGE) char block[PAGE];
	int fd = open(disk_path, O_WRONLY | O_DIRECT);

	if (fd < 0)
		die(disk_path);
	for (unsigned i = 0; i < rounds; i++) {
		memset(block, (int)i, sizeof(block));
		if (pwrite(fd, block, PAGE, (off_t)(i % 1024) * PAGE) != PAGE || fdatasync(fd))
			die(disk_path);
	}
	close(fd);
}

static int packet_socket(struct sockaddr_in *to)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	*to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(PORT_DISCARD) };
	if (s < 0 || inet_pton(AF_INET, address, &to->sin_addr) != 1)
		die("socket");
	return s;
}

static void load_packet(unsigned rounds)
{
	static char payload[PAYLOAD];
	struct sockaddr_in to;
	int on = 1, s = packet_socket(&to);

	if (setsockopt(s, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)))
		die("SO_BROADCAST");
	while (rounds--)
		if (sendto(s, payload, PAYLOAD, 0, (struct sockaddr *)&to, sizeof(to)) != PAYLOAD)
			die("sendto");
	close(s);
}

/* The same by another way, which somebody else lays meanwhile. */
static void load_veth(unsigned rounds)
{
	load_packet(rounds);
}

static void wait_for_route(void)
{
	struct timespec pause = { .tv_nsec = 10000000 };
	struct sockaddr_in to;
	int s = packet_socket(&to);

	while (connect(s, (struct sockaddr *)&to, sizeof(to)))
		if (errno != ENETUNREACH || nanosleep(&pause, NULL))
			die("connect");
	close(s);
}

/* The number of a mark is part of an instruction, and so a constant. */
#define LOAD(number, load, rounds)                        \
	do {                                              \
		load(WARM_UP);                            \
		MARK(MARK_LOAD + 2 * (number));           \
		load(rounds);                             \
		MARK(MARK_LOAD + 2 * (number) + 1);       \
		printf("work: %s %u\n", #load, (rounds)); \
	} while (0)

static void all(void)
{
	LOAD(0, load_cpu, 1000000);
	LOAD(1, load_syscall, 10000);
	LOAD(2, load_fault, 4096);
	LOAD(3, load_process, 50);
	LOAD(4, load_timer, 100);
	LOAD(5, load_disk, 500);
	if (address)
		LOAD(6, load_packet, 500);
	fflush(stdout);
}

static void network(void)
{
	wait_for_route();
	LOAD(7, load_veth, 500);
	fflush(stdout);
}

/* ---- The rest ------------------------------------------------------------------------------ */

static int start(const char *uid, char *command[])
{
	struct rusage use;
	int status;
	pid_t child;

	MARK(MARK_START);
	child = fork();
	if (!child) {
		if (atoi(uid) && (setgid((gid_t)atoi(uid)) || setuid((uid_t)atoi(uid))))
			die("setuid");
		execv(command[0], command);
		die(command[0]);
	}
	if (child < 0 || wait4(child, &status, 0, &use) != child)
		die("fork");
	printf("work: peak %ld KiB\n", use.ru_maxrss);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char *argv[])
{
	if (argc > 3 && !strcmp(argv[1], "start"))
		return start(argv[2], argv + 3);
	MARK(MARK_BEGIN);
	if (argc == 2 && !strcmp(argv[1], "mark"))
		return 0;
	if (argc == 2 && !strcmp(argv[1], "hold")) {
		printf("work: holds\n");
		fflush(stdout);
		for (;;)
			pause();
	}
	if (argc == 3 && !strcmp(argv[1], "network")) {
		address = argv[2];
		network();
		MARK(MARK_END);
		return 0;
	}
	if ((argc != 3 && argc != 4) || strcmp(argv[1], "all"))
		die("arguments");
	disk_path = argv[2];
	address = argv[3];
	all();
	MARK(MARK_END);
	return 0;
}
