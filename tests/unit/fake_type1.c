/* fake_type1.c - see fake_type1.h */
#include "fake_type1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fmt.h"
#include "type1/console.h"
#include "type1/crash.h"
#include "type1/cpu.h"
#include "type1/loop.h"
#include "type1/power.h"
#include "type1/stress.h"

struct fake_type1 fake_type1;

void fake_type1_reset(void)
{
	memset(&fake_type1, 0, sizeof(fake_type1));
	fake_host_reset();
}

struct guest *fake_type1_guest(const char *name, struct vm *vm)
{
	struct guest *g = &fake_type1.guest[fake_type1.guests++];

	snprintf(g->definition.config.name, VM_NAME_MAX, "%s", name);
	g->definition.config.memory = MiB(64);
	g->definition.config.vcpus = 1;
	g->vm = vm;
	g->number = fake_type1.guests;
	return g;
}

static void append(char *text, const char *more, size_t len)
{
	size_t used = strlen(text);

	len = MIN(len, FAKE_TEXT_MAX - 1 - used);
	memcpy(text + used, more, len);
	text[used + len] = '\0';
}

/* ---- Console ------------------------------------------------------------------- */

void console_printf(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	append(fake_type1.said, text, strlen(text));
}

static void sink_put(struct fmt_sink *sink UNUSED, const char *text, size_t len)
{
	append(fake_type1.said, text, len);
}

static struct fmt_sink sink = { sink_put };
struct fmt_sink *const console_sink = &sink;

void console_set_input(void (*line)(char *text) UNUSED)
{
}

void console_set_focus(struct vm *vm)
{
	fake_type1.focus = vm;
}

void console_forget(struct vm *vm UNUSED)
{
}

void console_flush(void)
{
}

/* ---- Guests -------------------------------------------------------------------- */

static int note(const char *verb, const struct guest *g)
{
	append(fake_type1.done, verb, strlen(verb));
	append(fake_type1.done, " ", 1);
	append(fake_type1.done, g->definition.config.name, strlen(g->definition.config.name));
	append(fake_type1.done, ";", 1);
	return fake_type1.result;
}

struct guest *guests_at(unsigned n)
{
	return n < fake_type1.guests ? &fake_type1.guest[n] : NULL;
}

struct guest *guests_find(const char *name)
{
	for (unsigned i = 0; i < fake_type1.guests; i++)
		if (!strcmp(fake_type1.guest[i].definition.config.name, name))
			return &fake_type1.guest[i];
	return NULL;
}

struct guest *guests_define(const struct guest_definition *definition, char *error, size_t size)
{
	struct guest *g = &fake_type1.guest[fake_type1.guests];

	if (fake_type1.result || fake_type1.guests == FAKE_GUESTS) {
		snprintf(error, size, "no such luck");
		return NULL;
	}
	g->definition = *definition;
	note("define", g);
	g->number = ++fake_type1.guests;
	return g;
}

int guests_start(struct guest *g, char *error, size_t size)
{
	snprintf(error, size, "no such luck");
	return note("start", g);
}

int guests_restart(struct guest *g, char *error, size_t size)
{
	snprintf(error, size, "no such luck");
	return note("restart", g);
}

void guests_kill(struct guest *g)
{
	note("kill", g);
}

int guests_delete(struct guest *g, char *error, size_t size)
{
	snprintf(error, size, "no such luck");
	return note("delete", g);
}

int guests_pause(struct guest *g)
{
	return note("pause", g);
}

int guests_resume(struct guest *g)
{
	return note("resume", g);
}

bool guests_hold(struct guest *g)
{
	return note("hold", g) == 0;
}

void guests_release(struct guest *g, bool ran)
{
	if (ran)
		note("release", g);
}

/* The operator of a test is told at once. */
bool guests_ended(const struct vm *vm)
{
	return vm->state >= VM_HALTED;
}

/* ---- CPUs ------------------------------------------------------------------------ */

static struct cpu boot_cpu;
struct cpu *cpu_table[HOST_MAX_CPUS] = { &boot_cpu };
unsigned cpu_count = 1;

int crash(const char *kind)
{
	append(fake_type1.done, "crash ", 6);
	append(fake_type1.done, kind, strlen(kind));
	return -HOST_ENOENT;
}

const char *crash_kind(unsigned n)
{
	return n ? NULL : "kind";
}

int stress_kicks(u64 count)
{
	fake_type1.kicks += count;
	return 0;
}

/* ---- The loop -------------------------------------------------------------------- */

void loop_wake_boot_cpu(void)
{
	fake_type1.wakes++;
}

void loop_wake_drivers(void)
{
	fake_type1.wakes++;
}

/* ---- The end --------------------------------------------------------------------- */

void host_exit(unsigned status)
{
	fake_type1.status = status;
	longjmp(fake_type1.ended, 1);
}

void power_reset(void)
{
	host_exit(0);
}

/* ---- Services --------------------------------------------------------------------- */

void services_poll(void)
{
}

int services_capture(const char *port, bool on, char *error, size_t size)
{
	append(fake_type1.done, on ? "capture " : "release ", 8);
	append(fake_type1.done, port, strlen(port));
	if (fake_type1.result)
		snprintf(error, size, "no such port");
	return fake_type1.result;
}
