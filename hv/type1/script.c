/* script.c - see script.h */
#include "type1/script.h"

#include "host.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/console.h"
#include "type1/guests.h"
#include "type1/loop.h"
#include "type1/power.h"
#include "type1/shell.h"
#include "type1/words.h"

#define LINE_MAX 256
#define HEARD_MAX 4096
#define POLL_NS 2000000ull /* while waiting: the script's own resolution */
#define DEFAULT_SECONDS 30
#define NUMBER_MAX 1000000 /* of seconds or milliseconds */

/* What guests said since the last expect that it satisfied. */
struct heard {
	const struct vm *vm;
	size_t len;
	char text[HEARD_MAX];
};

static struct {
	const char *text;
	size_t len, at;
	unsigned line;
	char now[LINE_MAX]; /* the line being carried out, cut up */
	char *word[WORDS_MAX];
	int words;
	bool waiting; /* the line has begun and is not over */
	bool active;
	u64 deadline_ns;
	size_t sent; /* of word[2] */
	struct host_timer timer;
	struct host_lock lock; /* of heard */
	struct heard heard[GUESTS_MAX];
} script;

bool script_active(void)
{
	return script.active;
}

static void look_again(struct host_timer *timer UNUSED)
{
	loop_wake_boot_cpu();
}

void script_start(const char *text, size_t len)
{
	script.text = text;
	script.len = len;
	script.active = true;
	script.timer.fire = look_again;
}

/* vm's slot, or an empty one, which becomes vm's; NULL: there is none. */
static struct heard *heard_of(const struct vm *vm)
{
	struct heard *empty = NULL;

	for (unsigned i = 0; i < GUESTS_MAX; i++) {
		struct heard *h = &script.heard[i];

		if (h->vm == vm)
			return h;
		if (!h->vm && !empty)
			empty = h;
	}
	if (empty)
		empty->vm = vm;
	return empty;
}

void script_hear(const struct vm *vm, const char *text, size_t len)
{
	struct heard *h;

	if (!script.active)
		return;
	host_lock(&script.lock);
	h = heard_of(vm);
	for (size_t i = 0; h && i < len; i++) {
		if (h->len == HEARD_MAX) { /* forget the older half */
			h->len = HEARD_MAX / 2;
			memmove(h->text, h->text + HEARD_MAX / 2, h->len);
		}
		h->text[h->len++] = text[i];
	}
	host_unlock(&script.lock);
}

/* A new VM may get the place of one that is gone, and its address too. */
void script_forget(const struct vm *vm)
{
	host_lock(&script.lock);
	for (unsigned i = 0; i < GUESTS_MAX; i++) {
		struct heard *h = &script.heard[i];

		if (h->vm != vm)
			continue;
		h->vm = NULL;
		h->len = 0;
	}
	host_unlock(&script.lock);
}

NORETURN static void fail(const char *why)
{
	console_flush();
	host_log("script: line %u: %s", script.line, why);
	host_exit(1);
}

static struct guest *guest_named(const char *name)
{
	struct guest *g = guests_find(name);
	char why[LINE_MAX];

	if (!g || !g->vm) {
		fmt_string(why, sizeof(why), "no VM '%s' runs", name);
		fail(why);
	}
	return g;
}

/* Found: it and all before it are consumed. */
static bool find_heard(const struct vm *vm, const char *wanted)
{
	size_t n = strlen(wanted);
	struct heard *h;
	bool found = false;

	host_lock(&script.lock);
	h = heard_of(vm);
	for (size_t i = 0; h && !found && i + n <= h->len; i++) {
		if (memcmp(h->text + i, wanted, n))
			continue;
		found = true;
		h->len -= i + n;
		memmove(h->text, h->text + i + n, h->len);
	}
	host_unlock(&script.lock);
	return found;
}

static bool in_state(const struct vm *vm, const char *state)
{
	if (!strcmp(state, "ended"))
		return guests_ended(vm);
	return !strcmp(state, vm_state_name(vm->state));
}

static bool send_some(struct vm *vm)
{
	const char *text = script.word[2];

	while (text[script.sent] && vm_console_input(vm, (u8)text[script.sent]))
		script.sent++;
	return !text[script.sent];
}

static u64 number(const char *text)
{
	u64 n;

	if (!words_number(text, &n) || n > NUMBER_MAX)
		fail("a number is expected, at most 1000000");
	return n;
}

static void want_words(int least, int most)
{
	if (script.words < least || script.words > most)
		fail("wrong number of words");
}

/* True: the line is over. */
static bool carry_on(void)
{
	const char *verb = script.word[0];
	struct guest *g;

	if (!strcmp(verb, "sleep"))
		return host_now() >= script.deadline_ns;
	g = guest_named(script.word[1]);
	if (!strcmp(verb, "expect"))
		return find_heard(g->vm, script.word[2]);
	if (!strcmp(verb, "send"))
		return send_some(g->vm);
	return in_state(g->vm, script.word[2]);
}

static bool is_wait(const char *verb)
{
	return !strcmp(verb, "expect") || !strcmp(verb, "send") || !strcmp(verb, "wait");
}

static void begin_wait(void)
{
	u64 seconds = DEFAULT_SECONDS;

	script.sent = 0;
	script.waiting = true;
	if (!strcmp(script.word[0], "sleep")) {
		want_words(2, 2);
		script.deadline_ns = host_now() + number(script.word[1]) * 1000000;
		return;
	}
	want_words(3, 4);
	if (script.words == 4)
		seconds = number(script.word[3]);
	script.deadline_ns = host_now() + seconds * 1000000000;
}

/* The next line into script.now; false: there is none. */
static bool next_line(void)
{
	size_t n = 0;

	if (script.at >= script.len)
		return false;
	script.line++;
	while (script.at < script.len && script.text[script.at] != '\n') {
		if (n == LINE_MAX - 1)
			fail("line too long");
		script.now[n++] = script.text[script.at++];
	}
	script.at++;
	script.now[n] = '\0';
	return true;
}

/* What to say, or NULL: line is no echo. */
static const char *echo_text(const char *line)
{
	if (strncmp(line, "echo", 4) || (line[4] && line[4] != ' '))
		return NULL;
	return line[4] ? line + 5 : "";
}

static void begin_line(void)
{
	const char *line = script.now, *text;
	char copy[LINE_MAX];

	while (*line == ' ')
		line++;
	text = echo_text(line);
	if (text)
		console_printf("%s\n", text);
	if (text || *line == '#')
		return; /* these are not cut into words: quotes in them mean nothing */
	memcpy(copy, script.now, sizeof(copy));
	script.words = words_split(script.now, script.word);
	if (script.words < 0)
		fail("a quote is open, or there are too many words");
	if (!script.words)
		return;
	if (is_wait(script.word[0]) || !strcmp(script.word[0], "sleep"))
		begin_wait();
	else {
		console_printf(SHELL_PROMPT "%s\n", copy);
		if (shell_command(copy))
			fail("the command failed");
	}
}

static void timed_out(void)
{
	char why[LINE_MAX];

	if (!strcmp(script.word[0], "sleep"))
		return;
	fmt_string(why, sizeof(why), "%s %s '%s': not seen in time", script.word[0], script.word[1],
		   script.word[2]);
	fail(why);
}

void script_poll(void)
{
	while (script.active) {
		if (script.waiting) {
			if (carry_on()) {
				script.waiting = false;
				continue;
			}
			if (host_now() >= script.deadline_ns)
				timed_out();
			host_timer_set(&script.timer, strcmp(script.word[0], "sleep") ?
								host_now() + POLL_NS :
								script.deadline_ns);
			return;
		}
		if (next_line())
			begin_line();
		else
			script.active = false;
	}
}
