/*
 * attack.c - the attack of `make compare`: the same attempts from inside of every column
 *
 * Usage: attack neighbour     be the victim: hold a secret in memory, until killed
 *        attack all MODULE    try everything, and say what came of it
 *        attack terminal      type on the terminal that is standard input: one character
 *
 * Owns: the attempts.  A line "attack: NAME got|failed WORDS" for each; whether what was got
 * belongs to somebody else, only who looks from outside can tell (tools/compare).
 * Must not know: what it runs in.  No attempt uses a bug of anybody's: each asks in the documented
 * way, and shows what is allowed.  Bugs come on top, in proportion to the code that is trusted.
 * Source: Linux man-pages, process_vm_readv(2), proc(5) on kcore and core_pattern, iopl(2),
 * finit_module(2), mount(2), reboot(2); Linux, "Memory Management" of x86-64 for the direct map.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define NAME "neighbour"
#define SECRET_AT 0x100000000ull /* where the neighbour's page is mapped */
#define HOST_FILE "/host-secret"
#define CHUNK 65536
#define MiB (1ul << 20)
#define EXHAUST_MOST 1024 /* MiB */
/* Of all memory, with four levels of page tables or with five; without address randomization. */
#define DIRECT_MAP_4 0xffff888000000000ull
#define DIRECT_MAP_5 0xff11000000000000ull
#define DIRECT_MAP_4_SIZE (64ull << 40)
#define DIRECT_MAP_5_SIZE (32ull << 50)
#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc
#define PCI_ENABLE 0x80000000u

/*
 * The secret is the exclusive or of these two, so that a search of memory finds no searcher.
 * tools/compare puts it into the neighbour's memory where the neighbour is another machine.
 */
static volatile uint64_t half[] = { 0x9a1d6f7704c35e21, 0xd66a0b1c73aa2f45 };

static bool is_secret(uint64_t value)
{
	return (value ^ half[0]) == half[1];
}

static void tell(const char *name, bool got, const char *words, ...)
	__attribute__((format(printf, 3, 4)));
static void tell(const char *name, bool got, const char *words, ...)
{
	va_list args;

	printf("attack: %s %s ", name, got ? "got" : "failed");
	va_start(args, words);
	vprintf(words, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

static void tell_errno(const char *name, const char *what)
{
	tell(name, false, "%s: %s", what, strerror(errno));
}

/* ---- The neighbour ------------------------------------------------------------------------- */

static int neighbour(void)
{
	volatile uint64_t *page = mmap((void *)SECRET_AT, PAGE, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (page == MAP_FAILED || prctl(PR_SET_NAME, NAME))
		return 1;
	for (unsigned i = 0; i < PAGE / sizeof(*page); i++)
		page[i] = half[0] ^ half[1];
	for (;;)
		pause();
}

/* The next process of that name, or 0. */
static pid_t find_neighbour(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	while (proc && !found && (entry = readdir(proc))) {
		char path[300], name[32] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file = fopen(path, "r");
		if (file && fgets(name, sizeof(name), file) && !strcmp(name, NAME "\n"))
			found = atoi(entry->d_name);
		if (file)
			fclose(file);
	}
	if (proc)
		closedir(proc);
	return found;
}

/* ---- What belongs to others ---------------------------------------------------------------- */

static void read_process(void)
{
	uint64_t value = 0;
	struct iovec to = { &value, sizeof(value) }, from = { (void *)SECRET_AT, sizeof(value) };
	pid_t pid = find_neighbour();

	if (!pid)
		tell("process-memory", false, "sees no neighbour");
	else if (syscall(SYS_process_vm_readv, pid, &to, 1ul, &from, 1ul, 0ul) < 0)
		tell_errno("process-memory", "process_vm_readv");
	else
		tell("process-memory", is_secret(value), "the neighbour's secret");
}

/* One segment of /proc/kcore, eight bytes at a time; false: the secret is not in it. */
static bool search(int fd, const Elf64_Phdr *segment, unsigned long *read_bytes)
{
	static uint64_t chunk[CHUNK / sizeof(uint64_t)];

	for (uint64_t at = 0; at < segment->p_filesz; at += CHUNK) {
		ssize_t size = pread(fd, chunk, CHUNK, (off_t)(segment->p_offset + at));

		for (ssize_t i = 0; i < size / (ssize_t)sizeof(*chunk); i++)
			if (is_secret(chunk[i])) {
				memset(chunk, 0, sizeof(chunk));
				return true;
			}
		*read_bytes += size > 0 ? (unsigned long)size : 0;
	}
	return false;
}

static bool in_direct_map(uint64_t address)
{
	return address - DIRECT_MAP_4 < DIRECT_MAP_4_SIZE ||
	       address - DIRECT_MAP_5 < DIRECT_MAP_5_SIZE;
}

static void read_kernel(void)
{
	int fd = open("/proc/kcore", O_RDONLY);
	unsigned long read_bytes = 0;
	Elf64_Ehdr header;
	bool found = false;

	if (fd < 0 || pread(fd, &header, sizeof(header), 0) != sizeof(header)) {
		tell_errno("physical-memory", "/proc/kcore");
		return;
	}
	for (unsigned i = 0; i < header.e_phnum && !found; i++) {
		Elf64_Phdr segment;
		off_t at = (off_t)(header.e_phoff + i * sizeof(segment));

		if (pread(fd, &segment, sizeof(segment), at) == sizeof(segment) &&
		    segment.p_type == PT_LOAD && in_direct_map(segment.p_vaddr))
			found = search(fd, &segment, &read_bytes);
	}
	close(fd);
	if (found)
		tell("physical-memory", true, "the neighbour's secret, in /proc/kcore");
	else
		tell("physical-memory", false, "read %lu MiB of memory, the secret is not there",
		     read_bytes / MiB);
}

static void kill_neighbour(void)
{
	pid_t pid = find_neighbour();

	if (!pid)
		tell("kill", false, "sees no neighbour");
	else if (kill(pid, SIGKILL))
		tell_errno("kill", "kill");
	else
		tell("kill", true, "killed the neighbour");
}

static void read_file(void)
{
	static const char *const path[] = { HOST_FILE, "/proc/1/root" HOST_FILE,
					    "/../../.." HOST_FILE };
	char text[64];
	int fd = -1;

	for (unsigned i = 0; fd < 0 && i < sizeof(path) / sizeof(path[0]); i++)
		fd = open(path[i], O_RDONLY);
	if (fd < 0)
		tell_errno("files", HOST_FILE);
	else
		tell("files", read(fd, text, sizeof(text)) > 0, "read " HOST_FILE);
}

/* ---- What belongs to the machine or its kernel --------------------------------------------- */

static void ports(void)
{
	if (iopl(3)) {
		tell_errno("ports", "iopl");
		return;
	}
	outl(PCI_ENABLE, PCI_ADDRESS);
	tell("ports", true, "PCI device 0 says %08x", inl(PCI_DATA));
}

static void module(const char *file)
{
	int fd = open(file, O_RDONLY);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		tell_errno("module", fd < 0 ? file : "finit_module");
	else
		tell("module", true, "loaded code into the kernel");
}

static void core_pattern(void)
{
	int fd = open("/proc/sys/kernel/core_pattern", O_WRONLY);

	if (fd < 0 || write(fd, "core\n", 5) != 5)
		tell_errno("core-pattern", "core_pattern");
	else
		tell("core-pattern", true, "may name a program that the kernel runs as root");
}

static void mounting(void)
{
	if (mount("none", "/tmp", "tmpfs", 0, NULL))
		tell_errno("mount", "mount");
	else
		tell("mount", true, "mounted a file system");
}

static void take_memory(int report)
{
	for (unsigned i = 1; i <= EXHAUST_MOST; i++) {
		char *memory = mmap(NULL, MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				    -1, 0);

		if (memory == MAP_FAILED)
			break;
		for (unsigned long at = 0; at < MiB; at += PAGE)
			memory[at] = 1;
		if (write(report, "", 1) != 1)
			break;
	}
	_exit(0);
}

static void exhaust(void)
{
	unsigned count = 0;
	int report[2], status;
	pid_t child;
	char byte;

	if (pipe(report))
		return;
	child = fork();
	if (!child)
		take_memory(report[1]);
	close(report[1]);
	while (read(report[0], &byte, 1) == 1)
		count++;
	waitpid(child, &status, 0);
	tell("memory", count > 128, "%u MiB, then %s", count,
	     WIFSIGNALED(status) ? "killed" : "refused");
}

/* Last: where it is allowed, nothing comes after it. */
static void power(void)
{
	tell("power", true, "asks to switch the machine off");
	if (reboot(RB_POWER_OFF))
		tell_errno("power", "reboot");
}

/* Not one of "all": it would need a terminal of somebody else's.  Source: ioctl_tty(2), TIOCSTI. */
static int terminal(void)
{
	char typed = '#';

	if (ioctl(STDIN_FILENO, TIOCSTI, &typed))
		tell_errno("terminal", "TIOCSTI");
	else
		tell("terminal", true, "typed on it");
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc == 2 && !strcmp(argv[1], NAME))
		return neighbour();
	if (argc == 2 && !strcmp(argv[1], "terminal"))
		return terminal();
	if (argc != 3 || strcmp(argv[1], "all")) {
		fprintf(stderr, "usage: attack neighbour | terminal | all MODULE\n");
		return 64;
	}
	read_process();
	read_kernel();
	kill_neighbour();
	read_file();
	ports();
	module(argv[2]);
	core_pattern();
	mounting();
	exhaust();
	power();
	return 0;
}
