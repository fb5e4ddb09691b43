/* uplink.c - see uplink.h */
#include "type2/uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/fmt.h"
#include "type2/threads.h"

static struct {
	struct net_switch net;
	struct link link; /* the port */
	const char *name;
	int fd, news;
	int told; /* the error that was logged last */
} uplink = { .fd = -1 };

/* Locks are held: only a note for the thread. */
static void ready(struct link *link UNUSED)
{
	u64 one = 1;

	while (write(uplink.news, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* What goes wrong is said once, until something else does; the frame is lost, as on a cable. */
static void complain(const char *what)
{
	if (errno == uplink.told || errno == EINTR)
		return;
	uplink.told = errno;
	host_log("network %s: frames cannot be %s: %s", uplink.name, what,
		 errno == EIO ? "the interface is down" : strerror(errno));
}

static void send_waiting(void)
{
	u8 frame[LINK_FRAME_MAX];
	u32 len;

	while ((len = link_receive(&uplink.link, frame)))
		if (write(uplink.fd, frame, len) < 0 && errno != EAGAIN && errno != ECONNREFUSED)
			complain("sent");
}

/* Nobody is there yet, or not at the moment: that is no end. */
static bool may_come_back(int error)
{
	return error == EAGAIN || error == EINTR || error == EIO || error == ECONNREFUSED;
}

/*
 * False: the other end is gone.  A message of no bytes is no end either, but for who has hung up.
 * Of one that is too long one byte more is taken, so that it is no frame.
 */
static bool take_arrived(bool hung_up)
{
	u8 frame[LINK_FRAME_MAX + 1];
	ssize_t len;

	while ((len = read(uplink.fd, frame, sizeof(frame))) > 0)
		link_send(&uplink.link, frame, (u32)len);
	if (len < 0 && errno != EAGAIN && errno != ECONNREFUSED)
		complain("received");
	return len < 0 ? may_come_back(errno) : !hung_up;
}

static void *run(void *unused UNUSED)
{
	struct pollfd fds[] = { { .fd = uplink.news, .events = POLLIN },
				{ .fd = uplink.fd, .events = POLLIN } };
	u64 count;

	for (;;) {
		poll(fds, ARRAY_SIZE(fds), -1);
		while (read(uplink.news, &count, sizeof(count)) < 0 && errno == EINTR)
			;
		send_waiting();
		if (fds[1].revents && !take_arrived(fds[1].revents & POLLHUP)) {
			fds[1].fd = -1; /* what is sent from now on is lost */
			host_log("network %s: the other end is gone", uplink.name);
		}
	}
	return NULL;
}

struct net_switch *uplink_open(int fd, const char *name)
{
	uplink.fd = fd;
	uplink.name = name;
	uplink.news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	switch_init(&uplink.net, "net");
	if (uplink.news < 0 || link_init(&uplink.link, "uplink", ready) ||
	    switch_plug(&uplink.net, &uplink.link))
		return NULL;
	return &uplink.net;
}

bool uplink_start_thread(void)
{
	return uplink.fd < 0 || threads_create("network", run, NULL);
}
