/*
 * timer.c - see timer.h
 *
 * One list, one timerfd, one thread that sleeps in reading it.  Who sets the earliest timer
 * programs the timerfd and wakes nobody.
 * Source: Linux, timerfd_create(2), clock_gettime(2).
 */
#include "type2/timer.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "type2/threads.h"
#include "x86_ops.h"

#define NS_PER_S 1000000000ull
#define NEVER (~0ull)
#define CALIBRATION_NS 20000000ull
#define ATTEMPTS 16 /* pairs of readings, of which the closest counts */

enum timer_state { TIMER_IDLE, TIMER_ARMED };

static struct {
	struct host_lock lock;
	struct host_timer *first; /* earliest first */
	const struct host_timer *firing;
	u32 firing_thread;
	u64 programmed_ns; /* when the timerfd ends its thread's sleep */
	int fd;
} timers = { .programmed_ns = NEVER, .fd = -1 };

/* ---- Clocks -------------------------------------------------------------------------------- */

struct reading {
	u64 ns, tsc;
};

static u64 start_ns, epoch, tsc_hz;
static struct reading first_reading;

static u64 monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * NS_PER_S + (u64)t.tv_nsec;
}

/* Both clocks at one moment: the shortest of some attempts, for we may lose our CPU in one. */
static struct reading read_both(void)
{
	struct reading best = { 0 };
	u64 shortest = NEVER;

	for (unsigned i = 0; i < ATTEMPTS; i++) {
		u64 before = x86_rdtsc(), ns = monotonic(), after = x86_rdtsc();

		if (after - before < shortest) {
			shortest = after - before;
			best = (struct reading){ ns, before + (after - before) / 2 };
		}
	}
	return best;
}

void timer_init(void)
{
	start_ns = monotonic();
	epoch = (u64)time(NULL);
	first_reading = read_both();
}

void timer_calibrate(void)
{
	const struct reading *a = &first_reading;
	u64 end = a->ns + CALIBRATION_NS;
	struct timespec until = { (time_t)(end / NS_PER_S), (long)(end % NS_PER_S) };
	struct reading b;

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
	b = read_both();
	tsc_hz = (u64)((unsigned __int128)(b.tsc - a->tsc) * NS_PER_S / (b.ns - a->ns));
	check(tsc_hz);
}

u64 host_now(void)
{
	return monotonic() - start_ns;
}

u64 host_tsc(void)
{
	return x86_rdtsc();
}

u64 host_tsc_hz(void)
{
	return tsc_hz;
}

/* From now on, so that the calibration's error does not grow with time. */
u64 host_tsc_to_ns(u64 tsc)
{
	s64 ticks = (s64)(tsc - host_tsc());

	return host_now() + (u64)(s64)((__int128)ticks * (s64)NS_PER_S / (s64)tsc_hz);
}

u64 host_epoch(void)
{
	return epoch;
}

/* ---- Timers -------------------------------------------------------------------------------- */

/* Under the lock.  A timer that is taken back leaves it as it is: a look in vain harms nobody. */
static void program(void)
{
	u64 when = timers.first ? timers.first->when_ns : NEVER;
	struct itimerspec spec = { 0 };

	if (timers.fd < 0 || when >= timers.programmed_ns)
		return;
	timers.programmed_ns = when;
	when += start_ns;
	spec.it_value.tv_sec = (time_t)(when / NS_PER_S);
	spec.it_value.tv_nsec = (long)(when % NS_PER_S);
	check(!timerfd_settime(timers.fd, TFD_TIMER_ABSTIME, &spec, NULL));
}

static void take_out(struct host_timer *timer)
{
	struct host_timer **link = &timers.first;

	if (timer->state != TIMER_ARMED)
		return;
	while (*link != timer)
		link = &(*link)->next;
	*link = timer->next;
	timer->state = TIMER_IDLE;
}

/* Equal times stay in the order in which they were set. */
static void put_in(struct host_timer *timer)
{
	struct host_timer **link = &timers.first;

	while (*link && (*link)->when_ns <= timer->when_ns)
		link = &(*link)->next;
	timer->next = *link;
	timer->state = TIMER_ARMED;
	*link = timer;
}

void host_timer_set(struct host_timer *timer, u64 when_ns)
{
	host_lock(&timers.lock);
	take_out(timer);
	timer->when_ns = when_ns;
	put_in(timer);
	program();
	host_unlock(&timers.lock);
}

/* Does another thread run its fire?  From inside it there is nothing to wait for. */
static bool fires_elsewhere(const struct host_timer *timer)
{
	return timers.firing == timer && timers.firing_thread != threads_self();
}

void host_timer_cancel(struct host_timer *timer)
{
	/* fire itself may set it again meanwhile: then again. */
	for (;;) {
		bool wait;

		host_lock(&timers.lock);
		take_out(timer);
		wait = fires_elsewhere(timer);
		host_unlock(&timers.lock);
		if (!wait)
			return;
		host_relax();
	}
}

/* The first timer, if it is due, taken out and marked as firing; else the timerfd is set. */
static struct host_timer *next_due(void)
{
	struct host_timer *timer;

	host_lock(&timers.lock);
	timers.firing = NULL;
	timer = timers.first;
	if (timer && timer->when_ns <= host_now()) {
		timers.firing = timer;
		timers.firing_thread = threads_self();
		take_out(timer);
	} else {
		timer = NULL;
		timers.programmed_ns = NEVER;
		program();
	}
	host_unlock(&timers.lock);
	return timer;
}

static void *run(void *unused UNUSED)
{
	struct host_timer *timer;
	u64 expirations;

	for (;;) {
		while ((timer = next_due()))
			timer->fire(timer);
		while (read(timers.fd, &expirations, sizeof(expirations)) < 0 && errno == EINTR)
			;
	}
	return NULL;
}

bool timer_start_thread(void)
{
	timers.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	return timers.fd >= 0 && threads_create("timer", run, NULL);
}
