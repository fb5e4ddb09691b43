/*
 * tool.c - what a script needs to find and shrink a case; see usage
 *
 * Owns: files and the command line.  Must not know: machines (shrink.sh).
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "found.h"
#include "guests/streams/generate.h"
#include "guests/streams/space.h"

#define SPEAKER "one"
#define TEXT_MAX STREAM_SPACE_SIZE
#define CASES_MAX 1000

enum { OK, DIFFERENT, BROKEN };

static void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("streams: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(BROKEN);
}

/* A whole file, ended by a zero. */
static char *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	long length;
	char *bytes;

	if (!file || fseek(file, 0, SEEK_END) || (length = ftell(file)) < 0)
		die("cannot read %s", path);
	rewind(file);
	bytes = malloc((size_t)length + 1);
	if (!bytes || fread(bytes, 1, (size_t)length, file) != (size_t)length)
		die("cannot read %s", path);
	fclose(file);
	bytes[length] = '\0';
	if (size)
		*size = (size_t)length;
	return bytes;
}

static void print_case(const struct stream_case *c)
{
	static char text[TEXT_MAX];

	if (case_write(c, text, sizeof(text)) >= sizeof(text))
		die("a case is too long");
	fputs(text, stdout);
}

/* The cases of a file; dies if there is one that cannot be read. */
static unsigned read_cases(const char *path, struct stream_case *cases, unsigned room)
{
	char *bytes = read_file(path, NULL);
	const char *text = bytes;
	unsigned count = 0;
	int result;

	while (count < room && (result = case_read(&cases[count], &text)) != 0) {
		if (result < 0)
			die("%s: not a case: %.40s", path, text);
		count++;
	}
	free(bytes);
	return count;
}

/* ---- Two runs --------------------------------------------------------------------------- */

static struct record_log logs[2];

static void load_runs(char **argv, struct found_run *bare, struct found_run *virtual)
{
	if (!record_load(&logs[0], argv[0], SPEAKER) || !record_load(&logs[1], argv[2], NULL))
		die("cannot read %s or %s", argv[0], argv[2]);
	*bare = (struct found_run){ &logs[0], SPEAKER, argv[1] };
	*virtual = (struct found_run){ &logs[1], SPEAKER, argv[3] };
}

static void print_number(void *context, uint64_t number, const char *bare, const char *virtual)
{
	(void)context, (void)bare, (void)virtual;
	printf("%llu\n", (unsigned long long)number);
}

static int differ(char **argv)
{
	struct found_run bare, virtual;

	load_runs(argv + 1, &bare, &virtual);
	return found_differ(&bare, &virtual, argv[0], print_number, NULL) ? DIFFERENT : OK;
}

/* Words that are not the same, side by side. */
static void explain_words(const char *bare, const char *virtual)
{
	while (*bare && *virtual) {
		size_t b = strcspn(bare, " "), v = strcspn(virtual, " ");

		if (b != v || strncmp(bare, virtual, b))
			printf("#   bare %.*s, virtual %.*s\n", (int)b, bare, (int)v, virtual);
		bare += b + (bare[b] == ' ');
		virtual += v + (virtual[v] == ' ');
	}
}

/* Records of one kind, in order: a case may have many. */
static void explain_kind(const struct found_run *bare, const struct found_run *virtual,
			 const char *kind)
{
	size_t at = 0, other = 0;

	for (;;) {
		const char *b = record_next(bare->log, &at, bare->speaker, bare->nonce, kind);
		const char *v =
		    record_next(virtual->log, &other, virtual->speaker, virtual->nonce, kind);

		if (!b && !v)
			return;
		if (b && v && !strcmp(b, v))
			continue;
		if (b && v) {
			printf("# %s %.*s:\n", kind, (int)strcspn(b, "="), b);
			explain_words(b, v);
		} else {
			printf("# %s, only %s: %s\n", kind, b ? "bare" : "virtual", b ? b : v);
		}
	}
}

static int explain(char **argv)
{
	struct found_run bare, virtual;

	load_runs(argv, &bare, &virtual);
	explain_kind(&bare, &virtual, "trap");
	explain_kind(&bare, &virtual, "value");
	return OK;
}

/* ---- Cases -------------------------------------------------------------------------------- */

static int emit(char **argv)
{
	struct stream_case c;

	generate_lenient = atoi(argv[2]);
	generate_case(&c, strtoull(argv[0], NULL, 0), strtoull(argv[1], NULL, 0));
	print_case(&c);
	return OK;
}

static int attempts(char **argv)
{
	static struct stream_case c, smaller;
	unsigned weight;

	if (read_cases(argv[0], &c, 1) != 1)
		die("%s: no case", argv[0]);
	weight = found_weight(&c);
	for (unsigned n = 0; found_attempt(&c, n, &smaller); n++)
		if (found_weight(&smaller) < weight)
			print_case(&smaller);
	return OK;
}

struct best {
	struct stream_case *cases;
	unsigned count, weight;
	bool lost;
	const struct stream_case *c;
};

static void consider(void *context, uint64_t number, const char *bare, const char *virtual)
{
	struct best *best = context;
	unsigned weight;

	/* Without a bare result the attempt itself is wrong; the first one that the virtual machine
	 * did not survive is the cause of the others. */
	if (number >= best->count || !bare || (!virtual && best->lost))
		return;
	best->lost |= !virtual;
	weight = found_weight(&best->cases[number]);
	if (best->c && weight >= best->weight)
		return;
	best->c = &best->cases[number];
	best->weight = weight;
}

static int pick(char **argv)
{
	static struct stream_case cases[CASES_MAX];
	struct best best = { .cases = cases, .count = read_cases(argv[0], cases, CASES_MAX) };
	struct found_run bare, virtual;

	load_runs(argv + 1, &bare, &virtual);
	found_differ(&bare, &virtual, "case", consider, &best);
	if (!best.c)
		return DIFFERENT;
	print_case(best.c);
	return OK;
}

/* The stream's bytes, for a disassembler. */
static int bytes_of(char **argv)
{
	static struct stream_case c;

	if (read_cases(argv[0], &c, 1) != 1)
		die("%s: no case", argv[0]);
	for (unsigned i = 0; i < c.units; i++)
		fwrite(c.unit[i].byte, 1, c.unit[i].len, stdout);
	return OK;
}

static int mode_of(char **argv)
{
	static struct stream_case c;

	if (read_cases(argv[0], &c, 1) != 1)
		die("%s: no case", argv[0]);
	puts(c.value[CASE_mode] == MODE_USER_32 || c.value[CASE_mode] == MODE_KERNEL_32
		 ? "i386"
		 : "i386:x86-64");
	return OK;
}

/* The probe's image with cases in it. */
static int embed(char **argv)
{
	static struct stream_case cases[CASES_MAX];
	size_t size, length, at;
	char *image = read_file(argv[0], &size), *text = read_file(argv[1], &length);
	FILE *to;

	if (length >= STREAM_SPACE_SIZE || read_cases(argv[1], cases, CASES_MAX) == CASES_MAX)
		die("%s: too many cases", argv[1]);
	for (at = 0; at + sizeof(struct stream_space) <= size; at++)
		if (!memcmp(image + at, STREAM_SPACE_MAGIC, sizeof(STREAM_SPACE_MAGIC)))
			break;
	if (at + sizeof(struct stream_space) > size)
		die("%s: no space for cases", argv[0]);
	memcpy(image + at + offsetof(struct stream_space, text), text, length + 1);
	to = fopen(argv[2], "wb");
	if (!to || fwrite(image, 1, size, to) != size || fclose(to))
		die("cannot write %s", argv[2]);
	return OK;
}

/* ---- The command line ----------------------------------------------------------------------- */

static const struct command {
	const char *name, *arguments;
	int count;
	int (*run)(char **argv);
} commands[] = {
	{ "emit", "SEED INDEX LENIENT", 3, emit },
	{ "differ", "block|case BARE NONCE VIRTUAL NONCE", 5, differ },
	{ "explain", "BARE NONCE VIRTUAL NONCE", 4, explain },
	{ "attempts", "CASE", 1, attempts },
	{ "pick", "CASES BARE NONCE VIRTUAL NONCE", 5, pick },
	{ "bytes", "CASE", 1, bytes_of },
	{ "mode", "CASE", 1, mode_of },
	{ "embed", "IMAGE CASES NEW-IMAGE", 3, embed },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (argc == commands[i].count + 2 && !strcmp(argv[1], commands[i].name))
			return commands[i].run(argv + 2);
	fputs("usage:\n", stderr);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stderr, "  streams-tool %s %s\n", commands[i].name, commands[i].arguments);
	return BROKEN;
}
