/*
 * trace-json.c - the shell's trace-dump as Chrome Trace Event JSON, for Perfetto and
 * chrome://tracing
 *
 * Owns: the format of both; times in microseconds since the first event of a run.
 * Must not know: what exit reasons mean, but that a HLT waits.
 *
 * Arguments: serial records of runs, each "RECORD" or "NAME=RECORD".  One process per VM, with its
 * run's NAME in front, so that several runs fit into one file; each of them begins at 0, whatever
 * its clock was.  One track per vCPU: a slice "guest" for each stay in the guest, then one with the
 * exit's name until the guest goes on.  A counter per VM shows the exits of each millisecond by
 * reason.
 *
 * Source: "Trace Event Format" (Google, 2016): "Complete Events", "Counter Events", "Metadata
 * Events".
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 32, LABEL_SIZE = 32, REASON_SIZE = 48, VMS_MAX = 64, REASONS_MAX = 64 };
enum { LINE_SIZE = 1024, SHOWN_SIZE = NAME_SIZE + LABEL_SIZE + 8 };
static const uint64_t ns_per_ms = 1000000;

/* One line "trace VM VCPU ENTERED LEFT RIP INFO REASON": times in TSC ticks, RIP and INFO in hex.
 */
struct entry {
	unsigned vm, vcpu, reason, order;
	uint64_t entered, left; /* ns, after scale() */
	uint64_t rip, info;
};

static struct entry *entries;
static size_t count, room, run_start; /* of the run that is being read */
static char vm_name[VMS_MAX][SHOWN_SIZE], reason_name[REASONS_MAX][REASON_SIZE];
static unsigned vms, reasons, line_number;
static const char *file_name, *label; /* label: the run's, ": " behind it, or nothing */
static unsigned label_length;
static uint64_t tsc_hz;
static bool ended, first_event = true;

static void fail(const char *why)
{
	fprintf(stderr, "trace-json: %s: ", file_name);
	if (line_number)
		fprintf(stderr, "line %u: ", line_number);
	fprintf(stderr, "%s\n", why);
	exit(1);
}

/* The number of name in a table of names, where it is put if it is new. */
static unsigned intern(void *table, size_t size, unsigned *used, unsigned max, const char *name)
{
	char *at = table;
	unsigned i;

	for (i = 0; i < *used; i++, at += size)
		if (!strcmp(at, name))
			return i;
	if (*used == max || strlen(name) >= size)
		fail("too many names, or one too long");
	strcpy(at, name);
	return (*used)++;
}

static void add(const char *text)
{
	char vm[NAME_SIZE], shown[SHOWN_SIZE], reason[REASON_SIZE];
	struct entry *e;

	if (count == room) {
		room = room ? 2 * room : 4096;
		entries = realloc(entries, room * sizeof(*entries));
		if (!entries)
			fail(strerror(errno));
	}
	e = &entries[count];
	if (sscanf(text, "trace %31s %u %" SCNu64 " %" SCNu64 " %" SCNx64 " %" SCNx64 " %47[^\n]",
		   vm, &e->vcpu, &e->entered, &e->left, &e->rip, &e->info, reason) != 7)
		fail("not an entry of trace-dump");
	snprintf(shown, sizeof(shown), "%.*s%sVM %s", (int)label_length, label,
		 label_length ? ": " : "", vm);
	e->vm = intern(vm_name, SHOWN_SIZE, &vms, VMS_MAX, shown);
	e->reason = intern(reason_name, REASON_SIZE, &reasons, REASONS_MAX, reason);
	e->order = (unsigned)count++;
	if (e->left < e->entered)
		fail("an exit before its entry");
}

/* The line before this one: a console line that others interrupt is shown again from its start. */
static char held[LINE_SIZE];

/* next: the line after it, or NULL. */
static void take_held(const char *next)
{
	size_t len = strlen(held);

	if (len && (!next || strncmp(next, held, len) || !next[len]))
		add(held);
	held[0] = 0;
}

/* Everything but the dump is other people's text. */
static void take(char *text)
{
	text[strcspn(text, "\r\n")] = 0;
	if (!strncmp(text, "trace-begin ", 12)) {
		tsc_hz = strtoull(text + 12, NULL, 10);
		count = run_start; /* of several dumps the last one counts */
		ended = false;
	} else if (!strcmp(text, "trace-end")) {
		take_held(NULL);
		ended = true;
	} else if (tsc_hz && !ended && !strncmp(text, "trace ", 6)) {
		take_held(text);
		strcpy(held, text);
	}
}

static int by_track(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->vm != y->vm)
		return x->vm < y->vm ? -1 : 1;
	if (x->vcpu != y->vcpu)
		return x->vcpu < y->vcpu ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int by_time(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->vm != y->vm)
		return x->vm < y->vm ? -1 : 1;
	return x->left < y->left ? -1 : x->left > y->left;
}

static uint64_t ns_of(uint64_t ticks)
{
	return (uint64_t)((__uint128_t)ticks * 1000000000 / tsc_hz);
}

/* Ticks to ns since the run's first event; on a track, time never goes back. */
static void scale(void)
{
	uint64_t start = UINT64_MAX, last = 0;

	for (size_t i = run_start; i < count; i++)
		start = entries[i].entered < start ? entries[i].entered : start;
	for (size_t i = run_start; i < count; i++) {
		struct entry *e = &entries[i];

		if (i == run_start || e->vm != e[-1].vm || e->vcpu != e[-1].vcpu)
			last = 0;
		e->entered = ns_of(e->entered - start);
		e->left = ns_of(e->left - start);
		e->entered = e->entered < last ? last : e->entered;
		e->left = e->left < e->entered ? e->entered : e->left;
		last = e->left;
	}
}

/* ---- JSON ---------------------------------------------------------------------- */

static void print_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		if ((unsigned char)*s >= ' ')
			putchar(*s);
	}
	putchar('"');
}

static void begin_event(char phase, unsigned vm, unsigned vcpu)
{
	printf("%s{\"ph\":\"%c\",\"pid\":%u,\"tid\":%u,", first_event ? "" : ",\n", phase, vm + 1,
	       vcpu);
	first_event = false;
}

static void print_us(const char *key, uint64_t ns)
{
	printf("\"%s\":%" PRIu64 ".%03u,", key, ns / 1000, (unsigned)(ns % 1000));
}

static void print_meta(unsigned vm, unsigned vcpu, const char *what, const char *name)
{
	begin_event('M', vm, vcpu);
	printf("\"name\":\"%s\",\"args\":{\"name\":", what);
	print_string(name);
	printf("}}");
}

static void print_names(void)
{
	for (size_t i = 0; i < count; i++) {
		const struct entry *e = &entries[i];
		char number[16];

		if (!i || e->vm != e[-1].vm)
			print_meta(e->vm, 0, "process_name", vm_name[e->vm]);
		if (i && e->vm == e[-1].vm && e->vcpu == e[-1].vcpu)
			continue;
		snprintf(number, sizeof(number), "vCPU %u", e->vcpu);
		print_meta(e->vm, e->vcpu, "thread_name", number);
	}
}

static void print_slice(const struct entry *e, const char *category, const char *name,
			uint64_t from, uint64_t to)
{
	begin_event('X', e->vm, e->vcpu);
	printf("\"cat\":\"%s\",\"name\":", category);
	print_string(name);
	putchar(',');
	print_us("ts", from);
	print_us("dur", to - from);
	printf("\"args\":{\"rip\":\"0x%" PRIx64 "\",\"info\":\"0x%" PRIx64 "\",\"exit\":", e->rip,
	       e->info);
	print_string(reason_name[e->reason]);
	printf("}}");
}

/* After a HLT the time is nobody's: the guest waits. */
static bool waits(const struct entry *e)
{
	return !strcmp(reason_name[e->reason], "HLT");
}

static void print_slices(void)
{
	for (size_t i = 0; i < count; i++) {
		const struct entry *e = &entries[i], *next = e + 1;

		print_slice(e, "guest", "guest", e->entered, e->left);
		/* Nobody knows yet how long the last one takes. */
		if (i + 1 < count && next->vm == e->vm && next->vcpu == e->vcpu)
			print_slice(e, waits(e) ? "wait" : "hypervisor", reason_name[e->reason],
				    e->left, next->entered);
	}
}

static void print_counter(unsigned vm, uint64_t ms, const unsigned exits[])
{
	bool first = true;

	begin_event('C', vm, 0);
	printf("\"name\":\"exits per ms\",");
	print_us("ts", ms * ns_per_ms);
	printf("\"args\":{");
	for (unsigned r = 0; r < reasons; r++) {
		printf("%s", first ? "" : ",");
		print_string(reason_name[r]);
		printf(":%u", exits[r]);
		first = false;
	}
	printf("}}");
}

/* A value holds until the next one: a millisecond without exits needs its zeros once. */
static void print_counters(void)
{
	static const unsigned none[REASONS_MAX];

	qsort(entries, count, sizeof(*entries), by_time);
	for (size_t i = 0; i < count;) {
		unsigned vm = entries[i].vm, exits[REASONS_MAX] = { 0 };
		uint64_t ms = entries[i].left / ns_per_ms;

		for (; i < count && entries[i].vm == vm && entries[i].left / ns_per_ms == ms; i++)
			exits[entries[i].reason]++;
		print_counter(vm, ms, exits);
		if (i == count || entries[i].vm != vm || entries[i].left / ns_per_ms > ms + 1)
			print_counter(vm, ms + 1, none);
	}
}

/* NAME=FILE or FILE: the last dump in it joins the entries. */
static void read_run(const char *argument)
{
	unsigned others = vms; /* of the runs before */
	const char *separator = strchr(argument, '=');
	char line[LINE_SIZE];
	FILE *file;

	label = argument;
	label_length = separator ? (unsigned)(separator - argument) : 0;
	file_name = separator ? separator + 1 : argument;
	line_number = 0;
	if (label_length >= LABEL_SIZE)
		fail("a name too long");
	file = fopen(file_name, "r");
	if (!file)
		fail(strerror(errno));
	run_start = count;
	tsc_hz = 0;
	ended = false;
	while (fgets(line, sizeof(line), file)) {
		line_number++;
		take(line);
	}
	fclose(file);
	if (!tsc_hz || !ended || count == run_start)
		fail(!tsc_hz  ? "no trace-dump was found"
		     : !ended ? "the dump is cut off: no trace-end"
			      : "the dump is empty");
	qsort(entries + run_start, count - run_start, sizeof(*entries), by_track);
	if (entries[run_start].vm < others)
		fail("another run has a VM of this name: give them names, NAME=RECORD");
	scale();
}

int main(int argc, char *argv[])
{
	if (argc < 2) {
		fputs("usage: trace-json [NAME=]RECORD...\n", stderr);
		return 64;
	}
	for (int i = 1; i < argc; i++)
		read_run(argv[i]);
	printf("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
	print_names();
	print_slices();
	print_counters();
	printf("\n]}\n");
	return fflush(stdout) || ferror(stdout);
}
