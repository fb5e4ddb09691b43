/*
 * machine.h - a bare machine for testing devices: a bus, a clock, wires, saved states
 *
 * Owns: the fake machine's clock, and checks that every device must pass.
 * Must not know: any device.
 */
#ifndef ESPEJO_TESTS_UNIT_MACHINE_H
#define ESPEJO_TESTS_UNIT_MACHINE_H

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev/bus.h"
#include "vm/state.h"

#define US 1000ull
#define MS 1000000ull
#define S 1000000000ull

struct machine {
	struct bus bus;
	u64 now;
	unsigned rearms;
};

/* The end of a wire, and what was seen there. */
struct line {
	bool level;
	unsigned rises, falls;
};

static inline u64 machine_now(const struct bus *bus)
{
	return container_of(bus, struct machine, bus)->now;
}

static inline void machine_rearm(struct bus *bus)
{
	container_of(bus, struct machine, bus)->rearms++;
}

static inline void machine_init(struct machine *m)
{
	*m = (struct machine){ .bus = { .now = machine_now, .rearm = machine_rearm } };
}

/* Time passes, every alarm is served when it is due. */
static inline void machine_run(struct machine *m, u64 ns)
{
	u64 end = m->now + ns;

	while (m->bus.alarms && m->bus.alarms->when_ns <= end) {
		m->now = MAX(m->now, m->bus.alarms->when_ns);
		bus_expire(&m->bus);
	}
	m->now = end;
}

/* Time passes while the machine is not looked after. */
static inline void machine_jump(struct machine *m, u64 ns)
{
	m->now += ns;
	bus_expire(&m->bus);
}

static inline void line_set(void *line, unsigned pin UNUSED, bool level)
{
	struct line *l = line;

	l->rises += level && !l->level;
	l->falls += !level && l->level;
	l->level = level;
}

static inline struct wire line_wire(struct line *line)
{
	return (struct wire){ line_set, line, 0 };
}

/* Does call(argument) panic?  Tried in a child. */
static inline bool panics(void (*call)(void *), void *argument)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (!child) {
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
		call(argument);
		_exit(0);
	}
	waitpid(child, &status, 0);
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

/* A device whose saved state is put to the test. */
struct saved_device {
	void *dev;
	size_t size;
	u32 section;
	void (*save)(const void *dev, struct state_buf *buf);
	int (*load)(void *dev, struct state_buf *buf);
	void (*poke)(void); /* use the device in all ways; only sanitizers judge */
};

#define SAVED_HEADER 12 /* id, version, length */

static inline size_t saved_write(const struct saved_device *d, u8 *data, size_t size)
{
	struct state_buf buf = { .data = data, .size = size };

	d->save(d->dev, &buf);
	CU_ASSERT_PTR_NULL(buf.error);
	return buf.at;
}

/* From a heap copy of exact size, so that the address sanitizer sees reading beyond it. */
static inline int saved_read(const struct saved_device *d, const u8 *data, size_t size,
			     const char **error)
{
	u8 *copy = malloc(size ? size : 1);
	struct state_buf buf = { .data = copy, .size = size };
	u32 version, length;
	int result = -1;

	memcpy(copy, data, size);
	if (state_next_section(&buf, &version, &length) == d->section)
		result = d->load(d->dev, &buf);
	*error = buf.error;
	free(copy);
	return result;
}

/* Every shorter section is refused with a sentence, the device left as it was. */
static inline void check_truncated(const struct saved_device *d)
{
	u8 data[1024], again[1024];
	size_t size = saved_write(d, data, sizeof(data));
	void *before = malloc(d->size);
	const char *error;
	unsigned bad = 0;

	memcpy(before, d->dev, d->size);
	for (size_t n = SAVED_HEADER; n < size; n++) {
		bad += saved_read(d, data, n, &error) != -1 || !error; /* the file cut off */
		memcpy(again, data, sizeof(again));
		again[8] = (u8)(n - SAVED_HEADER);
		again[9] = (u8)((n - SAVED_HEADER) >> 8);
		bad +=
		    saved_read(d, again, size, &error) != -1 || !error; /* the section is short */
	}
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT_EQUAL(memcmp(before, d->dev, d->size), 0);
	CU_ASSERT_EQUAL(saved_read(d, data, size, &error), 0);
	CU_ASSERT_EQUAL(saved_write(d, again, sizeof(again)), size);
	CU_ASSERT_EQUAL(memcmp(data, again, size), 0);
	free(before);
}

/* Whatever a byte becomes: refused with a sentence and no change, or a device that works. */
static inline void check_corrupt(const struct saved_device *d)
{
	static const u8 values[] = { 0, 1, 2, 7, 8, 0x0f, 0x10, 0x20, 0x7f, 0x80, 0xfe, 0xff };
	u8 data[1024], bad[1024];
	size_t size = saved_write(d, data, sizeof(data));
	void *before = malloc(d->size);
	unsigned refused = 0, silent = 0, changed = 0;
	const char *error;

	for (size_t at = SAVED_HEADER; at < size; at++) {
		for (unsigned v = 0; v < sizeof(values); v++) {
			memcpy(bad, data, size);
			bad[at] = values[v];
			memcpy(before, d->dev, d->size);
			if (!saved_read(d, bad, size, &error)) {
				d->poke();
			} else {
				refused++;
				silent += !error;
				changed += memcmp(before, d->dev, d->size) != 0;
			}
			CU_ASSERT_EQUAL_FATAL(saved_read(d, data, size, &error), 0);
		}
	}
	CU_ASSERT(refused > 0);
	CU_ASSERT_EQUAL(silent, 0);
	CU_ASSERT_EQUAL(changed, 0);
	free(before);
}

/* The device, made impossible by hand, is saved; loading that must be refused. */
static inline bool refuses_itself(const struct saved_device *d)
{
	u8 data[1024];
	size_t size = saved_write(d, data, sizeof(data));
	const char *error;

	return saved_read(d, data, size, &error) == -1 && error;
}

/* Every port of a range, with odd values and widths; time passes. */
static inline void poke_ports(struct machine *m, u16 first, u16 last)
{
	static const u32 values[] = { 0, 1, 0x36, 0x55, 0xaa, 0xff, 0xdeadbeef };

	for (unsigned v = 0; v < ARRAY_SIZE(values); v++) {
		for (u16 port = first; port <= last; port++) {
			for (unsigned size = 1; size <= 4; size *= 2) {
				(void)bus_in(&m->bus, port, size);
				bus_out(&m->bus, port, size, values[v]);
			}
			m->now += 12345;
			bus_expire(&m->bus);
		}
	}
}

#endif
