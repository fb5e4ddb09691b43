/*
 * type2-init.c - the only program beside espejo-vm in the Linux that tools/type2 boots
 *
 * Owns: bringing up KVM and what the guest's files lie on; running /espejo-vm with the arguments in
 * /args (each ended by a zero byte) on the serial line; saying how it ended.
 * Must not know: guests.
 *
 * What espejo-vm says on standard error goes to port 0xe9, line by line, as the Type 1 with
 * console=raw says it there (tools/supervise.c, "raw"): when the serial line is the guest's, why it
 * ended, and the status.
 * Sources: Linux, init_module(2), reboot(2), ioperm(2), sched_setaffinity(2),
 * Documentation/core-api/irq/irq-affinity.rst.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtc.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define DEBUG_PORT 0xe9
#define PROGRAM "/espejo-vm"
#define ARGUMENTS "/args"
#define MODULES "/modules"     /* a line for each file, in the order of their dependences */
#define TERMINATE "/terminate" /* if it is there: behind how many lines a SIGTERM comes */
#define SERIAL "/dev/ttyS0"
#define CARD "eth0"
#define CLOCK "/dev/rtc0"
#define CLOCK_CPUS "/proc/irq/8/smp_affinity" /* a mask in hexadecimal digits */
#define RECORD "/dev/ttyS1" /* where a trace goes, if the machine has it */
#define ARGUMENTS_MAX 128
#define BYTES_MAX 65536
#define FAILED 125
#define PREFIX "espejo-vm: "

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (const char *c = line; *c; c++)
		outb((unsigned char)*c, DEBUG_PORT);
	outb('\n', DEBUG_PORT);
}

static void end(int status) __attribute__((noreturn));
static void end(int status)
{
	sync();
	say("espejo: emulator status %d", status);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void fail(const char *what)
{
	say("espejo: cannot start: %s: %s", what, strerror(errno));
	end(FAILED);
}

static void load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
		fail(path);
	close(fd);
}

static void load_modules(void)
{
	FILE *list = fopen(MODULES, "re");
	char path[256];

	if (!list)
		fail(MODULES);
	while (fscanf(list, "%255s", path) == 1)
		load_module(path);
	fclose(list);
}

static void mount_all(void)
{
	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/tmp", 01777);
	if (mount("dev", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY)
		fail("/dev");
	if (mount("proc", "/proc", "proc", 0, NULL))
		fail("/proc");
}

/* ---- The network of the emulated machine: QEMU's, whose addresses are always the same ----------
 */

static void set_address(int fd, struct ifreq *request, unsigned long what, const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	inet_pton(AF_INET, address, &in.sin_addr);
	memcpy(&request->ifr_addr, &in, sizeof(in));
	if (ioctl(fd, what, request))
		fail(address);
}

static void set_route(int fd, const char *gateway)
{
	struct sockaddr_in any = { .sin_family = AF_INET }, in = any;
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };

	inet_pton(AF_INET, gateway, &in.sin_addr);
	memcpy(&route.rt_gateway, &in, sizeof(in));
	memcpy(&route.rt_dst, &any, sizeof(any));
	memcpy(&route.rt_genmask, &any, sizeof(any));
	if (ioctl(fd, SIOCADDRT, &route))
		fail(gateway);
}

static void write_resolver(void)
{
	FILE *file;

	mkdir("/etc", 0755);
	file = fopen("/etc/resolv.conf", "we");
	if (!file)
		fail("resolv.conf");
	fputs("nameserver 10.0.2.3\n", file);
	fclose(file);
}

static void configure_network(void)
{
	struct ifreq request = { .ifr_name = CARD };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("socket");
	if (!ioctl(fd, SIOCGIFINDEX, &request)) {
		set_address(fd, &request, SIOCSIFADDR, "10.0.2.15");
		set_address(fd, &request, SIOCSIFNETMASK, "255.255.255.0");
		request.ifr_flags = IFF_UP | IFF_RUNNING;
		if (ioctl(fd, SIOCSIFFLAGS, &request))
			fail(CARD);
		set_route(fd, "10.0.2.2");
		write_resolver();
	}
	close(fd);
}

/*
 * QEMU 7.2 may lose an interrupt at VMRUN (docs/found.md), and Linux starts the next timer only
 * when the last one came: a guest that exits without end would have this CPU for itself.  Any other
 * interrupt makes the CPU look again, so the clock gives one each second.
 */
static void start_clock(void)
{
	int fd = open(CLOCK, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, RTC_UIE_ON, 0))
		fail(CLOCK);
}

/*
 * On QEMU any CPU may switch off the nested paging of the first one (docs/found.md), so that runs
 * no guest where there are others, and the clock wakes the second.
 */
static void leave_first_cpu(void)
{
	cpu_set_t cpus;
	FILE *affinity;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		fail("sched_getaffinity");
	if (CPU_COUNT(&cpus) == 1)
		return;
	CPU_CLR(0, &cpus);
	affinity = fopen(CLOCK_CPUS, "we");
	if (!affinity || fputs("2", affinity) < 0 || fclose(affinity))
		fail(CLOCK_CPUS);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		fail("sched_setaffinity");
}

/* ---- espejo-vm ------------------------------------------------------------------------------ */

/* The arguments' file is one string after another. */
static void read_arguments(char **argv)
{
	static char bytes[BYTES_MAX];
	int fd = open(ARGUMENTS, O_RDONLY | O_CLOEXEC), count = 0;
	ssize_t len = fd >= 0 ? read(fd, bytes, sizeof(bytes) - 1) : -1;

	if (len < 0)
		fail(ARGUMENTS);
	argv[count++] = PROGRAM;
	for (char *at = bytes; at < bytes + len && count < ARGUMENTS_MAX - 1; at += strlen(at) + 1)
		argv[count++] = at;
	argv[count] = NULL;
	close(fd);
}

/* Bytes pass as they are. */
static void make_raw(int fd)
{
	struct termios mode;

	if (tcgetattr(fd, &mode))
		return;
	cfmakeraw(&mode);
	cfsetspeed(&mode, B115200);
	mode.c_cflag |= CLOCAL;
	tcsetattr(fd, TCSANOW, &mode);
}

/* A line's mode lasts as long as somebody has it open. */
static void open_serial_lines(void)
{
	int fd = open(SERIAL, O_RDWR | O_NOCTTY),
	    record = open(RECORD, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		fail(SERIAL);
	make_raw(fd);
	if (record >= 0)
		make_raw(record);
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* output: an end of a pipe, or -1 for the serial line. */
static pid_t start(int *messages, int output)
{
	static char *argv[ARGUMENTS_MAX];
	int ends[2];
	pid_t child;

	read_arguments(argv);
	if (pipe2(ends, O_CLOEXEC))
		fail("pipe");
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child) {
		setsid();
		dup2(ends[1], STDERR_FILENO);
		if (output >= 0)
			dup2(output, STDOUT_FILENO);
		execv(PROGRAM, argv);
		_exit(FAILED);
	}
	close(ends[1]);
	*messages = ends[0];
	return child;
}

/*
 * For tests: what an administrator does, behind each of so many lines of the guest's, for a guest
 * that has said so is ready, however long it took.  Hands them on to the serial line.
 */
static void terminate(pid_t child, unsigned times, int from)
{
	char byte;

	while (read(from, &byte, 1) == 1) {
		if (write(STDOUT_FILENO, &byte, 1) != 1)
			return;
		if (byte == '\n' && times) {
			kill(child, SIGTERM);
			times--;
		}
	}
}

/* As start; *watcher is who hands its output on, or 0. */
static pid_t start_and_terminate(int *messages, pid_t *watcher)
{
	FILE *file = fopen(TERMINATE, "re");
	unsigned times;
	int ends[2];
	pid_t child;

	*watcher = 0;
	if (!file)
		return start(messages, -1);
	if (fscanf(file, "%u", &times) != 1 || pipe2(ends, O_CLOEXEC))
		fail(TERMINATE);
	fclose(file);
	child = start(messages, ends[1]);
	close(ends[1]);
	*watcher = fork();
	if (*watcher < 0)
		fail("fork");
	if (!*watcher) {
		terminate(child, times, ends[0]);
		_exit(0);
	}
	close(ends[0]);
	return child;
}

/* In the words that the Type 1 uses. */
static void pass_on(int messages)
{
	FILE *in = fdopen(messages, "r");
	char line[1024];

	while (in && fgets(line, sizeof(line), in)) {
		const char *text = line;

		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(text, PREFIX, strlen(PREFIX)))
			text += strlen(PREFIX);
		say("%s%s", strncmp(text, "VM ", 3) ? "espejo: cannot start: " : "", text);
	}
}

int main(void)
{
	int messages, status;
	pid_t child, watcher;

	if (ioperm(DEBUG_PORT, 1, 1))
		return 1;
	mount_all();
	load_modules();
	configure_network();
	start_clock();
	leave_first_cpu();
	open_serial_lines();
	say("espejo: the serial line is VM guest's");
	child = start_and_terminate(&messages, &watcher);
	pass_on(messages);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (watcher)
		waitpid(watcher, NULL, 0);
	tcdrain(STDOUT_FILENO);
	end(WIFEXITED(status) ? WEXITSTATUS(status) : FAILED);
}
