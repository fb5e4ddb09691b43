/*
 * supervise.c - runs one emulator and never leaves it behind
 *
 * Owns: the emulator's process, its serial line (bridged to standard input and
 * output), the time limit, the script that types into the line, the patterns
 * that end a run, the exit status, the scratch directory.
 * Must not know: how an emulator's command line is made; tools/run does that.
 *
 * If an argument of the command contains @PTY@, that is replaced by the name of
 * a pseudo-terminal which is the machine's serial line, and the command's own
 * output is "chatter".  Else the serial line is the command's standard input
 * and output, and its standard error is the chatter.
 *
 * Raw (-r): the serial line is a guest's and means nothing to us.  What the hypervisor says, to
 * port 0xe9, is chatter on both emulators: its last words state the emulator's status.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "play.h"

enum {
	STATUS_SILENT = 123, /* ended without saying how, or before its script did */
	STATUS_TIMEOUT = 124,
	STATUS_FAILED = 125, /* the emulator did not start, or broke down */
	ESCAPE_KEY = 0x1d,   /* Ctrl-] */
	LINE_SIZE = 4096,
	QUEUE_SIZE = 65536,
	INPUT_SIZE = 256, /* read at once */
	TAIL_LINES = 12,
	IDLE_MS = 100,
};

/* The line that is being received, without carriage returns. */
struct line {
	char text[LINE_SIZE];
	size_t len;
	bool seen; /* its unfinished form was already looked at */
};

static struct {
	double limit_s;
	const char *scratch, *pace_us, *play;
	FILE *out, *log;
	regex_t until, end_chatter, status_line;
	bool has_until, has_end_chatter, strict, bochs, raw, verbose;
} opt;

static pid_t child;
static int serial_in = -1, serial_out = -1, chatter = -1, signals[2];
static struct line serial_line, chatter_line;
static char *tail[TAIL_LINES];
static char *bochs_panic; /* why it gave up, many lines before its last */
static unsigned tail_next;
static char queue[QUEUE_SIZE]; /* bytes to be typed */
static size_t queue_head, queue_len;
static bool serial_spoke, orderly, broke;
static bool takes_input = true; /* the machine takes what is typed */
static char *cause; /* of a raw run's end */
static bool cause_goes_on; /* in lines that are indented */
static int stated = -1;	 /* the status that the machine printed */
static int verdict = -1; /* the reason why we end it: an exit status */
static struct termios tty_before;
static bool tty_raw;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void say(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs(serial_line.len && !tty_raw ? "\n" : "", stderr);
	fputs(opt.raw ? "tools/hv-run: " : "tools/run: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs(tty_raw ? "\r\n" : "\n", stderr);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

/* Everything that must not outlive us; also runs on exit(). */
static void clean_up(void)
{
	if (child > 0) {
		kill(-child, SIGKILL);
		waitpid(child, NULL, 0);
		child = 0;
	}
	if (tty_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &tty_before);
	tty_raw = false;
	if (opt.scratch)
		nftw(opt.scratch, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	opt.scratch = NULL;
}

static void fail(const char *what, const char *subject)
{
	say("%s %s: %s", what, subject, strerror(errno));
	exit(STATUS_FAILED);
}

static void on_signal(int number)
{
	unsigned char byte = (unsigned char)number;
	int saved = errno;

	if (write(signals[1], &byte, 1) < 0) {
		/* The pipe is full, so we shall wake up anyway. */
	}
	errno = saved;
}

static void write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			verdict = STATUS_FAILED;
			return;
		}
		text += n;
		len -= (size_t)n;
	}
}

static void type_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len && queue_len < QUEUE_SIZE; i++)
		queue[(queue_head + queue_len++) % QUEUE_SIZE] = text[i];
}

static void compile(regex_t *regex, const char *pattern)
{
	char why[200];
	int error = regcomp(regex, pattern, REG_EXTENDED | REG_NEWLINE);

	if (!error)
		return;
	regerror(error, regex, why, sizeof(why));
	say("bad pattern \"%s\": %s", pattern, why);
	exit(STATUS_FAILED);
}

static void serial_look(struct line *line, bool whole)
{
	regmatch_t match[3];

	line->text[line->len] = 0;
	if (opt.has_until && !regexec(&opt.until, line->text, 0, NULL, 0) && verdict < 0)
		verdict = 0;
	if (whole && !opt.raw && !regexec(&opt.status_line, line->text, 3, match, 0))
		stated = atoi(line->text + match[2].rm_so);
}

static void add_cause(const char *text)
{
	char *longer;

	if (asprintf(&longer, "%s%s%s", cause ? cause : "", cause && *text ? "\n" : "", text) < 0)
		fail("out of", "memory");
	free(cause);
	cause = longer;
}

/*
 * A line of the hypervisor or of the emulator, in a raw run.  It says when the serial line leads to
 * the guest: what is typed before would be lost.
 */
static void raw_look(const char *text)
{
	static const char *const causes[] = { "espejo: cannot start", "espejo: PANIC", "VM " };
	regmatch_t match[3];
	bool of_bochs = opt.bochs && *text >= '0' && *text <= '9'; /* its own log: no news */
	bool told = (opt.verbose && !of_bochs) ||
		    (!strncmp(text, "VM ", 3) && strstr(text, " is dead: "));

	if (!regexec(&opt.status_line, text, 3, match, 0)) {
		stated = atoi(text + match[2].rm_so);
		return;
	}
	takes_input = takes_input || !strncmp(text, "espejo: the serial line is ", 27);
	if (told)
		say("%s", text);
	cause_goes_on = cause_goes_on && *text == ' ';
	for (unsigned i = 0; i < sizeof(causes) / sizeof(*causes); i++) {
		if (strncmp(text, causes[i], strlen(causes[i])))
			continue;
		cause_goes_on = true;
		free(cause);
		cause = NULL;
	}
	if (cause_goes_on)
		add_cause(told ? "" : text);
}

static void chatter_look(struct line *line, bool whole)
{
	if (!whole)
		return;
	line->text[line->len] = 0;
	free(tail[tail_next]);
	tail[tail_next] = strdup(line->text);
	tail_next = (tail_next + 1) % TAIL_LINES;
	if (!bochs_panic && opt.bochs && strstr(line->text, ">>PANIC<<"))
		bochs_panic = strdup(line->text);
	if (opt.raw)
		raw_look(line->text);
	if (!opt.bochs && !opt.raw) {
		say("%s", line->text);
		broke = broke || !strstr(line->text, "warning:");
		return;
	}
	if (strstr(line->text, "hutdown requested") || strstr(line->text, "3rd exception") ||
	    strstr(line->text, "3rd (") || strstr(line->text, "exception with no resolution"))
		orderly = true;
	if (opt.has_end_chatter && !regexec(&opt.end_chatter, line->text, 0, NULL, 0)) {
		orderly = true;
		verdict = opt.raw ? STATUS_FAILED : opt.strict ? STATUS_SILENT : 0;
	}
}

static void split(struct line *line, const char *text, size_t len,
		  void (*look)(struct line *, bool whole))
{
	for (size_t i = 0; i < len && verdict < 0; i++) {
		if (text[i] == '\n') {
			look(line, true);
			line->len = 0;
		} else if (text[i] && text[i] != '\r' && line->len < LINE_SIZE - 1) {
			line->text[line->len++] = text[i];
		}
	}
	line->seen = false;
}

/* Reads what there is.  Returns false at the end of the file. */
static bool take_serial(void)
{
	char buf[4096];
	ssize_t n = read(serial_out, buf, sizeof(buf));

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	serial_spoke = true;
	write_all(STDOUT_FILENO, buf, (size_t)n);
	if (opt.out) {
		fwrite(buf, 1, (size_t)n, opt.out);
		fflush(opt.out);
	}
	split(&serial_line, buf, (size_t)n, serial_look);
	play_feed(buf, (size_t)n);
	return true;
}

static bool take_chatter(void)
{
	char buf[4096];
	ssize_t n = read(chatter, buf, sizeof(buf));

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	if (opt.log)
		fwrite(buf, 1, (size_t)n, opt.log);
	split(&chatter_line, buf, (size_t)n, chatter_look);
	return true;
}

static bool has_room(void)
{
	return queue_len <= QUEUE_SIZE - INPUT_SIZE;
}

static bool take_input(void)
{
	char buf[INPUT_SIZE];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n <= 0)
		return n < 0 && errno == EINTR;
	if (tty_raw && memchr(buf, ESCAPE_KEY, (size_t)n)) {
		say("ended by Ctrl-]");
		verdict = 0;
	}
	type_text(buf, (size_t)n);
	return true;
}

/* Types one piece; a UART without flow control gets it byte by byte. */
static void give_input(void)
{
	size_t piece = opt.pace_us ? 1 : QUEUE_SIZE - queue_head;
	ssize_t n;

	if (piece > queue_len)
		piece = queue_len;
	n = write(serial_in, queue + queue_head, piece);
	if (n <= 0)
		return;
	queue_head = (queue_head + (size_t)n) % QUEUE_SIZE;
	queue_len -= (size_t)n;
}

static int open_terminal(char *name, size_t size)
{
	struct termios raw;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

	if (master < 0 || grantpt(master) || unlockpt(master) || ptsname_r(master, name, size))
		fail("cannot make a", "pseudo-terminal");
	/* Held open, so that the line does not hang up before the emulator opens it. */
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &raw))
		fail("cannot open", name);
	cfmakeraw(&raw);
	tcsetattr(slave, TCSANOW, &raw);
	return master;
}

static char *replace(const char *text, const char *name)
{
	const char *at = strstr(text, "@PTY@");
	char *result;

	if (asprintf(&result, "%.*s%s%s", (int)(at - text), text, name, at + 5) < 0)
		fail("out of", "memory");
	return result;
}

static void child_becomes(char **argv, int in, int out, int err)
{
	setpgid(0, 0);
	/* Should we be killed by force, the kernel ends the emulator. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	if (in < 0)
		in = open("/dev/null", O_RDONLY);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void start(char **argv)
{
	int to[2] = { -1, -1 }, from[2] = { -1, -1 }, talk[2];
	char name[64];

	if (pipe2(talk, O_CLOEXEC))
		fail("cannot make a", "pipe");
	for (char **arg = argv; *arg; arg++) {
		if (!strstr(*arg, "@PTY@"))
			continue;
		serial_in = serial_out = open_terminal(name, sizeof(name));
		*arg = replace(*arg, name);
	}
	if (serial_in < 0) {
		if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
			fail("cannot make a", "pipe");
		serial_in = to[1];
		serial_out = from[0];
	}
	child = fork();
	if (child < 0)
		fail("cannot start", argv[0]);
	if (!child)
		child_becomes(argv, to[0], from[1] < 0 ? talk[1] : from[1], talk[1]);
	setpgid(child, child);
	close(talk[1]);
	if (to[0] >= 0) {
		close(to[0]);
		close(from[1]);
	}
	chatter = talk[0];
	fcntl(serial_in, F_SETFL, O_NONBLOCK);
	fcntl(serial_out, F_SETFL, O_NONBLOCK);
	fcntl(chatter, F_SETFL, O_NONBLOCK);
}

static bool prepare_stdin(void)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO))
		return true;
	if (tcgetpgrp(STDIN_FILENO) != getpgrp() || tcgetattr(STDIN_FILENO, &tty_before))
		return false; /* in the background: reading would stop us */
	raw = tty_before;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST | ONLCR;
	say("Ctrl-] ends the emulator; every other key goes to the machine");
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	tty_raw = true;
	return true;
}

/* Returns true when the emulator has ended, with its wait status. */
static bool take_signal(int *wait_status)
{
	unsigned char number;

	if (read(signals[0], &number, 1) != 1)
		return false;
	if (number != SIGCHLD) {
		verdict = 128 + number;
		return false;
	}
	if (waitpid(child, wait_status, WNOHANG) != child)
		return false;
	child = 0;
	return true;
}

static int poll_timeout_ms(double deadline)
{
	double left = deadline > 0 ? (deadline - now()) * 1000 + 1 : 1e6;

	if (queue_len && takes_input && opt.pace_us && left > atof(opt.pace_us) / 1000)
		left = atof(opt.pace_us) / 1000 + 1;
	if (opt.has_until && serial_line.len && !serial_line.seen && left > IDLE_MS)
		left = IDLE_MS;
	return left < 0 ? 0 : (int)left;
}

/*
 * A prompt has no newline: a pattern is tried on an unfinished line as well,
 * once the machine is silent for a moment.
 */
static void look_when_idle(int ready)
{
	if (ready || !opt.has_until || !serial_line.len || serial_line.seen || queue_len)
		return;
	serial_look(&serial_line, false);
	serial_line.seen = true;
}

static bool serve(bool use_stdin, double deadline, int *wait_status)
{
	double next_key = 0;
	enum { SIGNAL, SERIAL, CHATTER, STDIN, KEYS };
	struct pollfd fds[] = {
		[SIGNAL] = { .fd = signals[0], .events = POLLIN },
		[SERIAL] = { .fd = serial_out, .events = POLLIN },
		[CHATTER] = { .fd = chatter, .events = POLLIN },
		[STDIN] = { .fd = use_stdin ? STDIN_FILENO : -1, .events = POLLIN },
		[KEYS] = { .events = POLLOUT },
	};

	while (verdict < 0) {
		bool paced = opt.pace_us && now() < next_key;
		int ready;

		fds[KEYS].fd = queue_len && takes_input && !paced ? serial_in : -1;
		fds[STDIN].fd = use_stdin && has_room() ? STDIN_FILENO : -1;
		ready = poll(fds, 5, poll_timeout_ms(deadline));
		if (ready < 0 && errno != EINTR)
			fail("cannot wait for", "the emulator");
		if (deadline > 0 && now() >= deadline) {
			verdict = STATUS_TIMEOUT;
			break;
		}
		look_when_idle(ready);
		if (ready <= 0)
			continue;
		if (fds[SERIAL].revents && !take_serial())
			fds[SERIAL].fd = -1;
		if (fds[CHATTER].revents && !take_chatter())
			fds[CHATTER].fd = -1;
		if (fds[STDIN].revents)
			use_stdin = take_input();
		if (fds[KEYS].revents & POLLOUT) {
			give_input();
			next_key = now() + (opt.pace_us ? atof(opt.pace_us) / 1e6 : 0);
		}
		if (fds[SIGNAL].revents && take_signal(wait_status))
			return true;
	}
	return false;
}

/* What the emulator wrote just before its end is still in the pipes. */
static void drain(void)
{
	struct pollfd fds[] = { { .fd = serial_out, .events = POLLIN },
				{ .fd = chatter, .events = POLLIN } };

	while (poll(fds, 2, 0) > 0) {
		if (fds[0].revents && !take_serial())
			fds[0].fd = -1;
		if (fds[1].revents && !take_chatter())
			fds[1].fd = -1;
		if (fds[0].fd < 0 && fds[1].fd < 0)
			return;
	}
}

static void show_tail(void)
{
	if (bochs_panic)
		say("emulator: %s", bochs_panic);
	for (unsigned i = 0; i < TAIL_LINES; i++) {
		char *text = tail[(tail_next + i) % TAIL_LINES];

		if (text && (opt.bochs || opt.raw))
			say("emulator: %s", text);
	}
}

static int silent_or(int status)
{
	if (opt.strict)
		say("the machine ended without stating an exit status");
	return opt.strict ? STATUS_SILENT : status;
}

/* isa-debug-exit makes (v << 1) | 1 of a value v; an even status is a power off or reset. */
static int qemu_status(int wait_status)
{
	int code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;

	if (code < 0 || code == 127 || (code == 1 && broke && !serial_spoke))
		return STATUS_FAILED;
	return code & 1 ? code >> 1 : silent_or(0);
}

/* Bochs has no exit device: the machine states its status in a line. */
static int bochs_status(void)
{
	if (stated >= 0)
		return stated;
	return orderly ? silent_or(0) : STATUS_FAILED;
}

static int raw_judge(void)
{
	int status = stated >= 0 ? stated : verdict >= 0 ? verdict : STATUS_FAILED;

	if (stated < 0 && verdict == STATUS_TIMEOUT)
		say("time limit of %g s reached", opt.limit_s);
	if (status == STATUS_FAILED && cause && *cause)
		say("%s", cause);
	if (status == STATUS_FAILED && !cause) {
		say("the hypervisor or the emulator failed");
		show_tail();
	}
	return status;
}

static int judge(bool ended, int wait_status)
{
	int status = verdict;

	if (opt.raw)
		return raw_judge();

	if (serial_line.len)
		serial_look(&serial_line, true);

	if (ended && (verdict < 0 || verdict == STATUS_SILENT))
		status = opt.bochs ? bochs_status() : qemu_status(wait_status);
	if (!ended && opt.bochs && orderly && stated >= 0)
		status = stated;
	if (status == STATUS_TIMEOUT)
		say("time limit of %g s reached", opt.limit_s);
	if (play_waits_for()) {
		say("the script was still waiting for: %s", play_waits_for());
		status = status ? status : STATUS_SILENT;
	}
	if (status == STATUS_FAILED) {
		say("the emulator failed");
		show_tail();
	}
	return status;
}

static FILE *must_open(const char *name, const char *mode)
{
	FILE *file = fopen(name, mode);

	if (!file)
		fail("cannot open", name);
	return file;
}

static void read_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+bc:e:l:o:p:P:rst:u:v")) != -1) {
		switch (c) {
		case 'b':
			opt.bochs = true;
			break;
		case 'c':
			opt.scratch = optarg;
			break;
		case 'e':
			compile(&opt.end_chatter, optarg);
			opt.has_end_chatter = true;
			break;
		case 'l':
			opt.log = must_open(optarg, "w");
			break;
		case 'o':
			opt.out = must_open(optarg, "w");
			break;
		case 'p':
			opt.pace_us = optarg;
			break;
		case 'P':
			opt.play = optarg;
			break;
		case 'r':
			opt.raw = true;
			takes_input = false;
			break;
		case 's':
			opt.strict = true;
			break;
		case 't':
			opt.limit_s = atof(optarg);
			break;
		case 'u':
			compile(&opt.until, optarg);
			opt.has_until = true;
			break;
		case 'v':
			opt.verbose = true;
			break;
		default:
			exit(STATUS_FAILED);
		}
	}
}

static void start_script(void)
{
	const char *why;

	if (!opt.play || play_start(opt.play, type_text, &why))
		return;
	say("script %s: %s", opt.play, why);
	exit(STATUS_FAILED);
}

int main(int argc, char **argv)
{
	int wait_status = 0, status;
	bool use_stdin, ended;

	atexit(clean_up);
	read_options(argc, argv);
	if (optind >= argc) {
		fputs("usage: supervise [options] COMMAND...; see tools/run\n", stderr);
		return STATUS_FAILED;
	}
	compile(&opt.status_line, opt.raw ? "^(espejo): emulator status ([0-9]+)$" :
					    "^(espejo|guest-os): exit status ([0-9]+)");
	if (pipe2(signals, O_CLOEXEC | O_NONBLOCK))
		fail("cannot make a", "pipe");
	signal(SIGPIPE, SIG_IGN);
	for (const int *s = (int[]){ SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0 }; *s; s++)
		signal(*s, on_signal);
	use_stdin = prepare_stdin();
	start_script();
	start(argv + optind);
	ended = serve(use_stdin, opt.limit_s > 0 ? now() + opt.limit_s : 0, &wait_status);
	if (ended || verdict == STATUS_TIMEOUT)
		drain();
	if (opt.log)
		fclose(opt.log);
	status = judge(ended, wait_status);
	clean_up();
	return status;
}
