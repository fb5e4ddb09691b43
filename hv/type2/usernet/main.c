/*
 * main.c - espejo-net: a guest's frames become sockets of an ordinary user
 *
 * usage: espejo-net FD
 *
 * Owns: the loop between the socket at FD, where a message is an Ethernet frame, and libslirp,
 * which is a whole network: 10.0.2.0/24, gateway 10.0.2.2, name server 10.0.2.3, DHCP
 * from 10.0.2.15. Must not know: guests.  It ends when the other end of FD is closed.
 *
 * It is confined like the guest's process, but for the sockets; and does not let the guest reach
 * this host's own loopback addresses.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <slirp/libslirp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "type2/confine.h"
#include "type2/filter.h"

#define FRAME_MAX 1518
#define FRAMES_AT_ONCE 64
#define POLLS_MAX 1024
#define TIMERS_MAX 8
#define NS_PER_MS 1000000
#define NEVER INT64_MAX
#define MS_MAX 1000

static int guest_fd;
static Slirp *slirp;

/* confine.c's bugs end here. */
void host_panic(const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "espejo-net: panic at %s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* ---- What libslirp asks of us ---------------------------------------------------------------- */

struct timer {
	SlirpTimerCb fire;
	void *arg;
	s64 when_ms;
	bool used;
};

static struct timer timers[TIMERS_MAX];

static s64 clock_ns(void *opaque UNUSED)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (s64)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A guest that does not take its frames loses them. */
static ssize_t send_packet(const void *frame, size_t len, void *opaque UNUSED)
{
	ssize_t sent =
	    len <= FRAME_MAX ? send(guest_fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL) : -1;

	return sent < 0 ? (ssize_t)len : sent;
}

static void guest_error(const char *message UNUSED, void *opaque UNUSED)
{
}

static void *timer_new(SlirpTimerCb fire, void *arg, void *opaque UNUSED)
{
	for (unsigned i = 0; i < TIMERS_MAX; i++)
		if (!timers[i].used) {
			timers[i] = (struct timer){ fire, arg, NEVER, true };
			return &timers[i];
		}
	panic("more than %d timers", TIMERS_MAX);
}

static void timer_free(void *timer, void *opaque UNUSED)
{
	((struct timer *)timer)->used = false;
}

static void timer_mod(void *timer, int64_t when_ms, void *opaque UNUSED)
{
	((struct timer *)timer)->when_ms = when_ms;
}

static void ignore_fd(int fd UNUSED, void *opaque UNUSED)
{
}

static void notify(void *opaque UNUSED)
{
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = clock_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = ignore_fd,
	.unregister_poll_fd = ignore_fd,
	.notify = notify,
};

/* ---- The loop ------------------------------------------------------------------------------- */

static struct pollfd polls[POLLS_MAX];
static unsigned poll_count;

static const struct {
	short poll;
	int slirp;
} events[] = {
	{ POLLIN, SLIRP_POLL_IN },   { POLLOUT, SLIRP_POLL_OUT }, { POLLPRI, SLIRP_POLL_PRI },
	{ POLLERR, SLIRP_POLL_ERR }, { POLLHUP, SLIRP_POLL_HUP },
};

static int add_poll(int fd, int wanted, void *opaque UNUSED)
{
	struct pollfd *p = &polls[poll_count];

	if (poll_count == POLLS_MAX)
		return -1;
	*p = (struct pollfd){ .fd = fd };
	for (unsigned i = 0; i < ARRAY_SIZE(events); i++)
		if (wanted & events[i].slirp)
			p->events = (short)(p->events | events[i].poll);
	return (int)poll_count++;
}

static int events_of(int index, void *opaque UNUSED)
{
	int seen = 0;

	for (unsigned i = 0; index >= 0 && i < ARRAY_SIZE(events); i++)
		if (polls[index].revents & events[i].poll)
			seen |= events[i].slirp;
	return seen;
}

static void run_timers(void)
{
	s64 now = clock_ns(NULL) / NS_PER_MS;

	for (unsigned i = 0; i < TIMERS_MAX; i++)
		if (timers[i].used && timers[i].when_ms <= now) {
			timers[i].when_ms = NEVER;
			timers[i].fire(timers[i].arg);
		}
}

/* False: the guest's process is gone. */
static bool take_frames(void)
{
	u8 frame[FRAME_MAX];

	for (unsigned i = 0; i < FRAMES_AT_ONCE; i++) {
		ssize_t len = recv(guest_fd, frame, sizeof(frame), MSG_DONTWAIT);

		if (len < 0)
			return errno == EAGAIN || errno == EINTR;
		if (!len)
			return false;
		slirp_input(slirp, frame, (int)len);
	}
	return true;
}

static void loop(void)
{
	for (;;) {
		uint32_t ms = MS_MAX;
		int ready;

		poll_count = 0;
		add_poll(guest_fd, SLIRP_POLL_IN, NULL);
		slirp_pollfds_fill(slirp, &ms, add_poll, NULL);
		ready = poll(polls, poll_count, (int)MIN(ms, (uint32_t)MS_MAX));
		if (polls[0].revents && !take_frames())
			return;
		slirp_pollfds_poll(slirp, ready < 0, events_of, NULL);
		run_timers();
	}
}

/* ---- Start ---------------------------------------------------------------------------------- */

static void confine(void)
{
	static const u16 calls[] = {
		SYS_socket,   SYS_connect,	SYS_bind,	   SYS_listen,	   SYS_accept,
		SYS_accept4,  SYS_sendto,	SYS_recvfrom,	   SYS_sendmsg,	   SYS_recvmsg,
		SYS_shutdown, SYS_getsockname,	SYS_getpeername,   SYS_getsockopt, SYS_setsockopt,
		SYS_getppid,  SYS_fcntl,	SYS_openat,	   SYS_newfstatat, SYS_fstat,
		SYS_lseek,    SYS_rt_sigaction, SYS_rt_sigsuspend, SYS_mremap,
	};
	static const u32 ioctls[] = { FIONBIO, FIONREAD };
	const struct filter_wishes wishes = { ioctls, ARRAY_SIZE(ioctls), calls,
					      ARRAY_SIZE(calls) };

	confine_namespaces(true, "/etc/resolv.conf");
	if (!filter_install(&wishes))
		fprintf(stderr, "espejo-net: this kernel cannot filter system calls\n");
}

int main(int argc, char **argv)
{
	SlirpConfig config = { .version = 1, .in_enabled = true, .disable_host_loopback = true };

	guest_fd = argc == 2 ? atoi(argv[1]) : -1;
	if (guest_fd < 3) {
		fprintf(stderr, "usage: espejo-net FD (espejo-vm starts it)\n");
		return 64;
	}
	signal(SIGPIPE, SIG_IGN);
	confine();
	inet_pton(AF_INET, "10.0.2.0", &config.vnetwork);
	inet_pton(AF_INET, "255.255.255.0", &config.vnetmask);
	inet_pton(AF_INET, "10.0.2.2", &config.vhost);
	inet_pton(AF_INET, "10.0.2.15", &config.vdhcp_start);
	inet_pton(AF_INET, "10.0.2.3", &config.vnameserver);
	slirp = slirp_new(&config, &callbacks, NULL);
	if (!slirp) {
		fprintf(stderr, "espejo-net: libslirp refuses its configuration\n");
		return 71;
	}
	loop();
	slirp_cleanup(slirp);
	return 0;
}
