/*
 * init.c - the first program of a Linux that runs guests for the checker
 *
 * Owns: several guests as processes of this Linux, each on a serial line of its own; the steps of
 * a run (checker/pgcheck); what became of each guest.
 * Must not know: what a guest or its hypervisor is; what a run is for.
 *
 * The initramfs holds
 *	/modules     files to load, a line each
 *	/guests      names, a line each; /guest.NAME is the command of one: words, each ended by
 *	             a zero byte
 *	/steps       lines "wait NAME SECONDS", "type NAME TEXT", "start NAME", "kill NAME",
 *	             "sleep MS", "report"
 *	/look        if it is there, all are looked at, not only those that seem to be halted
 *	/tap         if it is there: the address of a tap device "tap0", for a guest's --net
 *
 * A guest's serial line is its process's standard input and output; every line goes to our serial
 * line as "[NAME] line".  Descriptor 3 is the human monitor of one that is a QEMU (MONITOR_WORD in
 * its words), 4 a socket of datagrams: a network cable at whose other end nobody is.
 *
 * What we say ourselves goes to port 0xe9, which no guest can reach: "vm NAME STATE CAUSE" and, if
 * KVM's tracepoint can count, "kvm EXIT-CODE COUNT".  Status: 0; 125 we, or a guest's
 * hypervisor, could not be started.
 *
 * Sources: Linux, Documentation/trace/histogram.rst, proc(5); QEMU, "Human Monitor",
 * hw/misc/debugexit.c.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
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
#include <time.h>
#include <unistd.h>

#define DEBUG_PORT 0xe9
#define EXIT_PORT 0xf4
#define SERIAL "/dev/ttyS0"
#define TAP "tap0"
#define TRIGGER "/sys/kernel/tracing/events/kvm/kvm_exit/trigger"
#define HISTOGRAM "/sys/kernel/tracing/events/kvm/kvm_exit/hist"
#define MONITOR_FD 3
#define CABLE_FD 4
#define MONITOR_WORD "chardev=monitor"
#define GUESTS_MAX 32
#define NAME_SIZE 40
#define WORDS_MAX 80
#define COMMAND_SIZE 8192
#define LINE_SIZE 1200
#define CAUSE_SIZE 160
#define REPLY_SIZE 16384
#define STEPS_MAX 128
#define LOOK_MS 500
#define SLOWNESS 20
#define PATIENCE_MS 60000 /* for its first word */
#define IDLE_TICKS 1	  /* of 10 ms, between two looks */
#define LOOKS_HALTED 2	  /* one look could meet a guest between two instructions of a HLT loop */
#define RFLAGS_IF 0x200
#define FAILED 125

enum state { STATE_RUNNING, STATE_HALTED, STATE_OFF, STATE_DEAD, STATE_KILLED };

struct line {
	char text[LINE_SIZE];
	size_t len;
};

struct guest {
	char name[NAME_SIZE];
	char bytes[COMMAND_SIZE];
	char *word[WORDS_MAX + 1];
	bool monitored;
	pid_t pid; /* 0: it does not run */
	int serial, messages, monitor, cable;
	struct line out, said;
	char reply[REPLY_SIZE];
	size_t reply_len;
	unsigned halted_looks;
	long long looked, heard; /* ms; the latter of its last word, or its start */
	unsigned long ticks;
	enum state state;
	bool spoke;
	char cause[CAUSE_SIZE];
};

static struct guest guests[GUESTS_MAX];
static unsigned guest_count;
static int serial_line;

/* ---- Saying, ending ------------------------------------------------------------------- */

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
	tcdrain(serial_line);
	if (status)
		outb((unsigned char)(status >> 1), EXIT_PORT);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void fail(const char *what) __attribute__((noreturn));
static void fail(const char *what)
{
	say("cannot start: %s: %s", what, strerror(errno));
	end(FAILED);
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

/* ---- Guests ------------------------------------------------------------------------------ */

static struct guest *guest_named(const char *name)
{
	for (unsigned i = 0; i < guest_count; i++)
		if (!strcmp(guests[i].name, name))
			return &guests[i];
	errno = ENOENT;
	fail(name);
}

static void read_command(struct guest *g)
{
	char path[NAME_SIZE + 16];
	ssize_t len;
	int fd, n = 0;

	snprintf(path, sizeof(path), "/guest.%s", g->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd >= 0 ? read(fd, g->bytes, sizeof(g->bytes) - 1) : -1;
	if (len <= 0)
		fail(path);
	close(fd);
	for (char *at = g->bytes; at < g->bytes + len && n < WORDS_MAX; at += strlen(at) + 1) {
		g->word[n++] = at;
		g->monitored |= strstr(at, MONITOR_WORD) != NULL;
	}
}

static void make_pair(int pair[2], int type)
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair))
		fail("socketpair");
}

static void run_guest(struct guest *g, int serial, int messages, int monitor, int cable)
    __attribute__((noreturn));
static void run_guest(struct guest *g, int serial, int messages, int monitor, int cable)
{
	setsid();
	dup2(serial, STDIN_FILENO);
	dup2(serial, STDOUT_FILENO);
	dup2(messages, STDERR_FILENO);
	dup2(monitor, MONITOR_FD);
	dup2(cable, CABLE_FD);
	execv(g->word[0], g->word);
	_exit(FAILED);
}

static void start(struct guest *g)
{
	int serial[2], messages[2], monitor[2], cable[2];

	make_pair(serial, SOCK_STREAM);
	make_pair(messages, SOCK_STREAM);
	make_pair(monitor, SOCK_STREAM);
	make_pair(cable, SOCK_DGRAM);
	g->pid = fork();
	if (g->pid < 0)
		fail("fork");
	if (!g->pid)
		run_guest(g, serial[1], messages[1], monitor[1], cable[1]);
	close(serial[1]);
	close(messages[1]);
	close(monitor[1]);
	close(cable[1]);
	g->serial = serial[0];
	g->messages = messages[0];
	g->monitor = monitor[0];
	g->cable = cable[0];
	g->out.len = g->said.len = g->reply_len = 0;
	g->halted_looks = 0;
	g->ticks = 0;
	g->heard = now_ms();
	g->state = STATE_RUNNING;
	snprintf(g->cause, sizeof(g->cause), "-");
}

static void read_guests(void)
{
	FILE *list = fopen("/guests", "re");

	if (!list)
		fail("/guests");
	while (guest_count < GUESTS_MAX && fscanf(list, "%39s", guests[guest_count].name) == 1)
		read_command(&guests[guest_count++]);
	fclose(list);
	for (unsigned i = 0; i < guest_count; i++)
		start(&guests[i]);
}

/* ---- What they say -------------------------------------------------------------------------- */

static void write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
}

static void pass_on(struct guest *g, const char *text, size_t len)
{
	char head[NAME_SIZE + 4];

	write_all(serial_line, head, (size_t)snprintf(head, sizeof(head), "[%s] ", g->name));
	write_all(serial_line, text, len);
	write_all(serial_line, "\n", 1);
}

/* espejo-vm: "espejo-vm: VM guest is STATE: CAUSE".  Others: the last line is what there is to
 * know. */
static void take_message(struct guest *g, const char *text)
{
	static const char known[] = "VM guest is ";
	const char *at = strstr(text, known);

	say("# %s: %s", g->name, text);
	if (!at) {
		if (!g->monitored)
			return;
		snprintf(g->cause, sizeof(g->cause), "%.150s", text);
		return;
	}
	at += sizeof(known) - 1;
	g->state = !strncmp(at, "halted", 6) ? STATE_HALTED
		   : !strncmp(at, "off", 3)  ? STATE_OFF
					     : STATE_DEAD;
	at = strchr(at, ':');
	snprintf(g->cause, sizeof(g->cause), "%.150s", at ? at + 2 : "-");
}

/* Cuts bytes into lines; one that is too long loses its tail, one that does not end is none. */
static void take_bytes(struct guest *g, struct line *line, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != '\n') {
			if (line->len < LINE_SIZE - 1)
				line->text[line->len++] = bytes[i];
			continue;
		}
		line->text[line->len] = '\0';
		if (line == &g->out)
			pass_on(g, line->text, line->len);
		else
			take_message(g, line->text);
		line->len = 0;
	}
}

/* False: nothing was there. */
static bool listen_to(struct guest *g, int fd, struct line *line)
{
	char bytes[4096];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n <= 0)
		return false;
	g->spoke |= line == &g->out;
	g->heard = now_ms();
	take_bytes(g, line, bytes, (size_t)n);
	return true;
}

/* ---- A guest of QEMU's, looked at through its monitor ------------------------------- */

static unsigned long number_behind(const char *text, const char *key, bool *found)
{
	const char *at = strstr(text, key);

	*found = at != NULL;
	return at ? strtoul(at + strlen(key), NULL, 16) : 0;
}

static void judge_reply(struct guest *g)
{
	bool has_flags, has_halted;
	unsigned long flags = number_behind(g->reply, "RFL=", &has_flags);
	unsigned long halted = number_behind(g->reply, "HLT=", &has_halted);

	if (strstr(g->reply, "internal-error")) {
		g->state = STATE_DEAD;
		snprintf(g->cause, sizeof(g->cause), "its hypervisor gave up: internal-error");
	}
	if (has_flags && has_halted) {
		g->halted_looks = halted && !(flags & RFLAGS_IF) ? g->halted_looks + 1 : 0;
		g->state = g->halted_looks >= LOOKS_HALTED ? STATE_HALTED : g->state;
		if (g->state == STATE_HALTED)
			snprintf(g->cause, sizeof(g->cause), "HLT with interrupts off");
	}
}

/* Its CPU time in ticks of Linux's; 0: not known. */
static unsigned long cpu_ticks(const struct guest *g)
{
	unsigned long user = 0, kernel = 0;
	char path[40];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)g->pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		   &kernel) != 2)
		user = kernel = 0;
	fclose(file);
	return user + kernel;
}

/*
 * A question for registers makes QEMU take them out of KVM and put them back, which is not without
 * effect (docs/found.md): only who does nothing is asked.
 */
static bool is_idle(struct guest *g)
{
	unsigned long now = cpu_ticks(g), before = g->ticks;

	g->ticks = now;
	return !access("/look", F_OK) || (before && now - before <= IDLE_TICKS);
}

static void look_at(struct guest *g)
{
	static const char question[] = "info status\ninfo registers\n";
	ssize_t n =
	    recv(g->monitor, g->reply + g->reply_len, REPLY_SIZE - 1 - g->reply_len, MSG_DONTWAIT);

	if (n > 0)
		g->reply_len += (size_t)n;
	g->reply[g->reply_len] = '\0';
	if (now_ms() - g->looked < LOOK_MS || g->state != STATE_RUNNING)
		return;
	judge_reply(g);
	g->reply_len = 0;
	g->looked = now_ms();
	if (!is_idle(g)) {
		g->halted_looks = 0;
		return;
	}
	if (send(g->monitor, question, sizeof(question) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		g->halted_looks = 0;
}

/* ---- The end of a guest ----------------------------------------------------------- */

/* With -no-reboot QEMU ends with 0 at a reset and a triple fault; the exit port's status is odd. */
static void judge_status(struct guest *g, int status)
{
	bool by_port = WIFEXITED(status) && (WEXITSTATUS(status) & 1);

	if (g->state == STATE_KILLED || (!g->monitored && g->state != STATE_RUNNING))
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == FAILED) {
		errno = ENOEXEC;
		fail(g->name);
	}
	if (g->monitored && by_port && !g->spoke)
		fail(g->name);
	g->state = g->monitored && by_port ? STATE_OFF : STATE_DEAD;
	if (!WIFEXITED(status))
		snprintf(g->cause, sizeof(g->cause), "its process died of signal %d",
			 WTERMSIG(status));
	else if (g->monitored)
		snprintf(g->cause, sizeof(g->cause),
			 by_port ? "status %d" : "reset or triple fault", WEXITSTATUS(status));
	else
		snprintf(g->cause, sizeof(g->cause), "its process ended with %d",
			 WEXITSTATUS(status));
}

static void bury(struct guest *g, int status)
{
	while (listen_to(g, g->serial, &g->out) || listen_to(g, g->messages, &g->said))
		;
	judge_status(g, status);
	close(g->serial);
	close(g->messages);
	close(g->monitor);
	close(g->cable);
	g->pid = 0;
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < guest_count; i++)
			if (guests[i].pid == pid)
				bury(&guests[i], status);
}

static bool over(const struct guest *g)
{
	return !g->pid || g->state != STATE_RUNNING;
}

/* Everybody is heard, for at most that long. */
static void hear(int ms)
{
	struct pollfd fds[2 * GUESTS_MAX];
	nfds_t n = 0;

	for (unsigned i = 0; i < guest_count; i++)
		if (guests[i].pid) {
			fds[n++] = (struct pollfd){ .fd = guests[i].serial, .events = POLLIN };
			fds[n++] = (struct pollfd){ .fd = guests[i].messages, .events = POLLIN };
		}
	poll(fds, n, ms);
	for (unsigned i = 0; i < guest_count; i++) {
		struct guest *g = &guests[i];

		if (!g->pid)
			continue;
		listen_to(g, g->serial, &g->out);
		listen_to(g, g->messages, &g->said);
		if (g->monitored)
			look_at(g);
	}
	reap();
}

/* ---- Steps ----------------------------------------------------------------------------- */

/* As of Espejo, one that was killed is dead. */
static const char *state_name(enum state state)
{
	static const char *const names[] = { "running", "halted", "off", "dead", "dead" };

	return names[state];
}

/* Lines "{ exit_reason: 114 } hitcount: 5" of KVM's tracepoint. */
static void report_exits(void)
{
	FILE *file = fopen(HISTOGRAM, "re");
	char line[256];
	unsigned code;
	unsigned long count;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "{ exit_reason: %u } hitcount: %lu", &code, &count) == 2)
			say("kvm %x %lu", code, count);
	if (file)
		fclose(file);
}

static void report(void)
{
	for (unsigned i = 0; i < guest_count; i++)
		say("vm %s %s %s", guests[i].name, state_name(guests[i].state), guests[i].cause);
	report_exits();
}

/*
 * Until it is over, or has been silent for too long: who still speaks is not stuck.  Seconds are
 * those of a machine that idles; here an instruction takes a nanosecond, and a second is long.
 */
static void wait_end(struct guest *g, long seconds)
{
	long patience = seconds * 1000 / SLOWNESS;

	while (!over(g) && now_ms() - g->heard < patience)
		hear(20);
	if (!over(g))
		say("# %s: not over after %ld ms of silence", g->name, patience);
}

static void kill_guest(struct guest *g)
{
	if (!g->pid)
		return;
	g->state = STATE_KILLED;
	snprintf(g->cause, sizeof(g->cause), "killed");
	kill(g->pid, SIGKILL);
	while (g->pid)
		hear(20);
}

/* A guest with firmware takes a while to begin; what comes before that is lost. */
static void await_word(const struct guest *g)
{
	for (long long until = now_ms() + PATIENCE_MS; !g->spoke && !over(g) && now_ms() < until;)
		hear(20);
}

static void type_at(struct guest *g, const char *text)
{
	char line[256];

	await_word(g);
	g->heard = now_ms(); /* it has as long as any to answer */
	if (g->pid)
		send(g->serial, line, (size_t)snprintf(line, sizeof(line), "%.250s\r", text),
		     MSG_NOSIGNAL);
}

/* From when all have begun. */
static void sleep_while_all_run(long ms)
{
	for (unsigned i = 0; i < guest_count; i++)
		await_word(&guests[i]);
	for (long long until = now_ms() + ms; now_ms() < until;)
		hear(20);
}

static void take_step(const char *step)
{
	char verb[16] = "", name[NAME_SIZE] = "", rest[200] = "";

	sscanf(step, "%15s %39s %199[^\n]", verb, name, rest);
	if (!strcmp(verb, "wait"))
		wait_end(guest_named(name), atol(rest));
	else if (!strcmp(verb, "type"))
		type_at(guest_named(name), rest);
	else if (!strcmp(verb, "start"))
		start(guest_named(name));
	else if (!strcmp(verb, "kill"))
		kill_guest(guest_named(name));
	else if (!strcmp(verb, "sleep"))
		sleep_while_all_run(atol(name));
	else if (!strcmp(verb, "report"))
		report();
}

/* Without steps a run lasts until all guests are over. */
static void take_steps(void)
{
	FILE *file = fopen("/steps", "re");
	char line[300];
	unsigned steps = 0;

	for (; file && fgets(line, sizeof(line), file); steps++)
		take_step(line);
	if (file)
		fclose(file);
	for (unsigned i = 0; !steps && i < guest_count; i++)
		while (!over(&guests[i]))
			hear(20);
	if (!steps)
		report();
}

/* ---- The Linux beneath --------------------------------------------------------------------- */

static void mount_at(const char *type, const char *where)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, NULL) && errno != EBUSY)
		fail(where);
}

static void load_modules(void)
{
	FILE *list = fopen("/modules", "re");
	char path[256];

	while (list && fscanf(list, "%255s", path) == 1) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
			fail(path);
		close(fd);
	}
	if (list)
		fclose(list);
}

/* Does a step ask for a report?  Counting costs instructions at each exit: only then. */
static bool report_is_wanted(void)
{
	FILE *file = fopen("/steps", "re");
	char line[300];
	bool wanted = false;

	while (file && fgets(line, sizeof(line), file))
		wanted |= !strncmp(line, "report", 6);
	if (file)
		fclose(file);
	return wanted;
}

/* A kernel without it has no account: nothing is reported then. */
static void count_exits(void)
{
	static const char what[] = "hist:keys=exit_reason";
	int fd;

	if (mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL) && errno != EBUSY)
		return;
	fd = open(TRIGGER, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	write_all(fd, what, sizeof(what) - 1);
	close(fd);
}

/* Descriptors 0 to CABLE_FD are for children to have: none of ours shall be among them. */
static void fill_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < CABLE_FD);
}

/* For guests that have a cable to each other: UDP on 127.0.0.1. */
static void bring_up_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		fail("lo");
	close(fd);
}

static void configure_tap(int control, const char *address)
{
	struct ifreq request = { .ifr_name = TAP };
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
		fail(address);
	memcpy(&request.ifr_addr, &in, sizeof(in));
	if (ioctl(control, SIOCSIFADDR, &request))
		fail(TAP);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(control, SIOCSIFFLAGS, &request))
		fail(TAP);
}

/* A network card of this Linux whose cable leads to whoever opens it by its name. */
static void make_tap(void)
{
	struct ifreq request = { .ifr_name = TAP, .ifr_flags = IFF_TAP | IFF_NO_PI };
	FILE *file = fopen("/tap", "re");
	char address[32];
	int fd, control;

	if (!file)
		return;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fscanf(file, "%31s", address) != 1 || fd < 0 || control < 0 ||
	    ioctl(fd, TUNSETIFF, &request) || ioctl(fd, TUNSETPERSIST, 1))
		fail(TAP);
	configure_tap(control, address);
	close(control);
	close(fd);
	fclose(file);
}

static void open_serial_line(void)
{
	struct termios mode;

	serial_line = open(SERIAL, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (serial_line < 0 || tcgetattr(serial_line, &mode))
		fail(SERIAL);
	cfmakeraw(&mode);
	cfsetspeed(&mode, B115200);
	mode.c_cflag |= CLOCAL;
	tcsetattr(serial_line, TCSANOW, &mode);
}

int main(void)
{
	if (ioperm(DEBUG_PORT, 1, 1) || ioperm(EXIT_PORT, 1, 1))
		return 1;
	signal(SIGPIPE, SIG_IGN);
	mount_at("devtmpfs", "/dev");
	fill_descriptors();
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("tmpfs", "/tmp");
	load_modules();
	if (report_is_wanted())
		count_exits();
	bring_up_loopback();
	make_tap();
	open_serial_line();
	say("# begins");
	read_guests();
	take_steps();
	end(0);
}
