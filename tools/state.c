/*
 * state.c - reads and compares states of virtual machines: build/tools/state
 *
 *	state show FILE			every field by name, a line each
 *	state diff [--declared FILE] [--only FIELD] NAME=FILE NAME=FILE...
 *					the fields that differ, of each pair
 *
 * Owns: taking a state out of a log (hv/vm/state_vm.h), its fields, which differences are declared.
 * Must not know: the layout of any section: a state brings its names along (hv/vm/state.h).
 *
 * A line of a file of declarations is "must WHO FIELD WHY": a difference in a FIELD (in which *
 * stands for anything) is expected if one of the two is WHO (or WHO is *).  If WHO is there and no
 * pair needs the line, it is one too many; but not with "may".  Status: 0 all as declared; 1 not
 * so; 2 the command or a file makes no sense.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dev/section.h"

#define NAME_MAX_BYTES 160
#define WORD_MAX 64
#define MACHINES_MAX 8
#define RULES_MAX 256
#define BLOB_LINE 16 /* a longer one is compared byte by byte */

struct field {
	char name[NAME_MAX_BYTES];
	const uint8_t *data;
	uint32_t bytes;
	bool number; /* little-endian; else bytes in their order */
};

struct machine {
	char name[WORD_MAX];
	const char *path;
	uint8_t *data;
	size_t size;
	struct field *field;
	size_t fields;
};

struct rule {
	char who[WORD_MAX], pattern[NAME_MAX_BYTES];
	unsigned line, used;
	bool must;
};

static struct rule rule[RULES_MAX];
static unsigned rules;

_Noreturn static void die(const char *format, ...)
{
	va_list args;

	fputs("state: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

static void *grow(void *old, size_t size)
{
	void *p = realloc(old, size);

	if (!p)
		die("no memory");
	return p;
}

/* ---- From a log to bytes -------------------------------------------------------------------- */

#define SUM_BEGIN 2166136261u
#define SUM_PRIME 16777619u

static uint32_t sum_of(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *byte = data;

	while (len--)
		sum = (sum ^ *byte++) * SUM_PRIME;
	return sum;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes of text into to, up to the first that is no digit; their number. */
static size_t from_hex(const char *text, uint8_t *to, size_t room)
{
	size_t n = 0;

	while (n < room && digit(text[2 * n]) >= 0 && digit(text[2 * n + 1]) >= 0) {
		to[n] = (uint8_t)(digit(text[2 * n]) << 4 | digit(text[2 * n + 1]));
		n++;
	}
	return n;
}

/* A line "state OFFSET BYTES SUM" goes behind what is there.  False: it is damaged. */
static bool take_line(struct machine *m, size_t room, const char *line)
{
	uint32_t offset, sum;
	int begin = 0;
	size_t len;

	if (sscanf(line, "state %" SCNx32 " %n", &offset, &begin) != 1 || !begin ||
	    offset != m->size)
		return false;
	len = from_hex(line + begin, m->data + m->size, room - m->size);
	if (!len || sscanf(line + begin + 2 * len, " %" SCNx32, &sum) != 1)
		return false;
	m->size += len;
	return sum == sum_of(sum_of(SUM_BEGIN, &offset, sizeof(offset)), m->data + offset, len);
}

/* The last state of the log that is whole. */
static void read_log(struct machine *m)
{
	FILE *file = fopen(m->path, "re");
	char *line = NULL;
	size_t line_size = 0, room = 0;
	bool inside = false, whole = false;
	uint32_t sum;

	if (!file)
		die("%s: %s", m->path, strerror(errno));
	while (getline(&line, &line_size, file) > 0) {
		if (sscanf(line, "state-begin %*s %zx", &room) == 1) {
			m->data = grow(m->data, room + 1);
			m->size = 0;
			inside = true;
			whole = false;
		} else if (inside && !strncmp(line, "state ", 6)) {
			if (!take_line(m, room, line))
				die("%s: a line of the state is damaged: %.40s", m->path, line);
		} else if (inside && sscanf(line, "state-end %*x %" SCNx32, &sum) == 1) {
			whole = m->size == room && sum == sum_of(SUM_BEGIN, m->data, m->size);
			inside = false;
		}
	}
	free(line);
	fclose(file);
	if (!whole)
		die("%s: there is no whole state in it", m->path);
}

/* ---- From bytes to fields ------------------------------------------------------------------- */

static const char *const section_name[] = {
	[STATE_SECTION_GPREGS] = "",	  [STATE_SECTION_CPU] = "",
	[STATE_SECTION_XSAVE] = "xsave.", [STATE_SECTION_MACHINE] = "machine",
	[STATE_SECTION_CPUID] = "cpuid",  [STATE_SECTION_VCPU] = "",
	[STATE_SECTION_RAM] = "ram",	  [STATE_SECTION_SCREEN] = "screen",
	[STATE_SECTION_NAMES] = "names",
};

static const char *const device_name[] = {
#define DEVICE(section, text) [DEVICE_SECTION_##section - STATE_SECTION_DEVICE_FIRST] = text
	DEVICE(UART, "uart"),
	DEVICE(PIC, "pic"),
	DEVICE(PIT, "pit"),
	DEVICE(RTC, "rtc"),
	DEVICE(I8042, "i8042"),
	DEVICE(LAPIC, "lapic."),
	DEVICE(PCI, "pci"),
	DEVICE(IOAPIC, "ioapic"),
	DEVICE(PIIX3, "piix3"),
	DEVICE(PIIX4, "piix4"),
	DEVICE(FWCFG, "fwcfg"),
	DEVICE(VGA, "vga"),
	DEVICE(VIRTIO_BLK, "virtio-blk"),
	DEVICE(VIRTIO_NET, "virtio-net"),
	DEVICE(VIRTIO_CONSOLE, "virtio-console"),
	DEVICE(VIRTIO_RNG, "virtio-rng"),
#undef DEVICE
};

static const char *name_of_section(uint32_t id)
{
	size_t devices = sizeof(device_name) / sizeof(*device_name);
	const char *name = NULL;

	if (id < sizeof(section_name) / sizeof(*section_name))
		name = section_name[id];
	else if (id >= STATE_SECTION_DEVICE_FIRST && id - STATE_SECTION_DEVICE_FIRST < devices)
		name = device_name[id - STATE_SECTION_DEVICE_FIRST];
	return name ? name : "unknown";
}

static uint32_t number32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The names as they were written, the next one to be used at the front. */
struct names {
	const uint8_t *at, *end;
	uint32_t left; /* of the run at the front; 0: a new one begins at `at` */
	uint32_t bytes;
	const char *text;
};

static void next_name(const struct machine *m, struct names *n)
{
	const uint8_t *zero;

	if (n->left && --n->left)
		return;
	zero = n->end - n->at > 8 ? memchr(n->at + 8, 0, (size_t)(n->end - n->at - 8)) : NULL;
	if (!zero || !number32(n->at))
		die("%s: names are missing", m->path);
	n->left = number32(n->at);
	n->bytes = number32(n->at + 4);
	n->text = (const char *)n->at + 8;
	n->at = zero + 1;
}

/*
 * What is left of a C expression: "vm->reg.crtc[i]" is reg.crtc, "s->dr[6]" dr[6].  A scope
 * stands before a tab.
 */
static void clean_name(char *to, size_t size, const char *text)
{
	const char *tab = strchr(text, '\t'), *expression = tab ? tab + 1 : text;
	size_t len = strcspn(expression, "[ ("), digits = strspn(expression + len, "[0123456789");
	size_t scope = tab ? (size_t)(tab - text) : 0;

	if (digits > 1) /* an index that is a number */
		len += digits + 1;
	for (size_t i = 0; i + 1 < len; i++) {
		if (expression[i] != '-' || expression[i + 1] != '>')
			continue;
		expression += i + 2;
		len -= i + 2;
		i = (size_t)-1;
	}
	snprintf(to, size, "%.*s%s%.*s", (int)scope, text, tab ? "." : "", (int)len, expression);
}

static struct field *add_field(struct machine *m)
{
	if (!(m->fields & (m->fields + 1)))
		m->field = grow(m->field, 2 * (m->fields + 1) * sizeof(*m->field));
	memset(&m->field[m->fields], 0, sizeof(*m->field));
	return &m->field[m->fields++];
}

static void take_section(struct machine *m, const char *prefix, const uint8_t *at, uint32_t length,
			 struct names *names)
{
	while (length) {
		struct field *f = add_field(m);
		char name[NAME_MAX_BYTES - WORD_MAX];

		next_name(m, names);
		f->bytes = names->bytes & ~(uint32_t)STATE_NAME_BYTES;
		f->number = !(names->bytes & STATE_NAME_BYTES);
		f->data = at;
		if (f->bytes > length || (f->number && f->bytes > 8))
			die("%s: its names do not fit its sections", m->path);
		clean_name(name, sizeof(name), names->text);
		snprintf(f->name, sizeof(f->name), "%s%s", prefix, name);
		at += f->bytes;
		length -= f->bytes;
	}
}

/* Fields of one name in one section become name[0], name[1], ... */
static void number_fields(struct machine *m, size_t first)
{
	for (size_t i = first; i < m->fields; i++) {
		char name[NAME_MAX_BYTES];
		unsigned count = 0;

		memcpy(name, m->field[i].name, sizeof(name));
		for (size_t k = i + 1; k < m->fields; k++) {
			char numbered[NAME_MAX_BYTES + 16];

			if (strcmp(m->field[k].name, name))
				continue;
			snprintf(numbered, sizeof(numbered), "%s[%u]", name, ++count);
			memcpy(m->field[k].name, numbered, sizeof(name) - 1);
		}
		if (count)
			strncat(m->field[i].name, "[0]",
				sizeof(m->field[i].name) - strlen(m->field[i].name) - 1);
	}
}

/* Sections are {id, version, length}; this one's, checked.  False: there is no further one. */
static bool section_at(const struct machine *m, size_t at, uint32_t *id, uint32_t *length)
{
	if (at == m->size)
		return false;
	if (m->size - at < 12)
		die("%s: the state is cut off", m->path);
	*id = number32(m->data + at);
	*length = number32(m->data + at + 8);
	if (*length > m->size - at - 12)
		die("%s: a section is cut off", m->path);
	return true;
}

static struct names find_names(const struct machine *m)
{
	uint32_t id, length;

	for (size_t at = 8; section_at(m, at, &id, &length); at += 12 + length)
		if (id == STATE_SECTION_NAMES)
			return (struct names){ .at = m->data + at + 12,
					       .end = m->data + at + 12 + length };
	die("%s: the state has no names", m->path);
}

/* What belongs to a CPU begins with its general registers; others are numbered if several. */
static void make_prefix(char *to, size_t size, uint32_t id, int cpu, unsigned nth)
{
	const char *name = name_of_section(id);
	bool of_cpu = !*name || strchr(name, '.');

	if (of_cpu)
		snprintf(to, size, "cpu%d.%s", cpu, name);
	else if (nth)
		snprintf(to, size, "%s%u.", name, nth);
	else
		snprintf(to, size, "%s.", name);
}

static void read_fields(struct machine *m)
{
	uint32_t id, length, last = 0;
	struct names names;
	unsigned nth = 0;
	int cpu = -1;

	if (m->size < 8 || number32(m->data) != STATE_MAGIC ||
	    number32(m->data + 4) != STATE_FORMAT)
		die("%s: a state of an unknown form", m->path);
	names = find_names(m);
	for (size_t at = 8; section_at(m, at, &id, &length); at += 12 + length) {
		size_t first = m->fields;
		char prefix[WORD_MAX];

		if (id == STATE_SECTION_NAMES)
			continue;
		cpu += id == STATE_SECTION_GPREGS;
		nth = id == last ? nth + 1 : 0;
		last = id;
		make_prefix(prefix, sizeof(prefix), id, cpu, nth);
		take_section(m, prefix, m->data + at + 12, length, &names);
		number_fields(m, first);
	}
	if (names.left > 1 || names.at != names.end)
		die("%s: more names than fields", m->path);
}

static void read_machine(struct machine *m, const char *path)
{
	m->path = path;
	read_log(m);
	read_fields(m);
}

/* ---- Showing -------------------------------------------------------------------------------- */

static void print_value(char *to, size_t size, const struct field *f)
{
	size_t n = 0;

	if (!f) {
		snprintf(to, size, "absent");
		return;
	}
	n += (size_t)snprintf(to, size, f->number ? "0x" : "");
	for (uint32_t i = 0; i < f->bytes && n + 3 < size; i++)
		n += (size_t)snprintf(to + n, size - n, "%02x",
				      f->data[f->number ? f->bytes - 1 - i : i]);
}

static void show(const struct machine *m)
{
	static char value[2 * 4096 + 3];

	for (size_t i = 0; i < m->fields; i++) {
		print_value(value, sizeof(value), &m->field[i]);
		printf("%s %s\n", m->field[i].name, value);
	}
}

/* ---- Declarations --------------------------------------------------------------------------- */

static bool matches(const char *pattern, const char *text)
{
	for (; *pattern; pattern++, text++) {
		if (*pattern == '*') {
			do
				if (matches(pattern + 1, text))
					return true;
			while (*text++);
			return false;
		}
		if (*pattern != *text)
			return false;
	}
	return !*text;
}

static void read_rules(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL, how[WORD_MAX], why[2];
	size_t size = 0;

	if (!file)
		die("%s: %s", path, strerror(errno));
	for (unsigned n = 1; getline(&line, &size, file) > 0; n++) {
		struct rule *r = &rule[rules];

		if (line[0] == '#' || line[strspn(line, " \t\n")] == '\0')
			continue;
		if (rules == RULES_MAX)
			die("%s: more than %d lines", path, RULES_MAX);
		if (sscanf(line, "%63s %63s %159s %1s", how, r->who, r->pattern, why) != 4 ||
		    (strcmp(how, "must") && strcmp(how, "may")))
			die("%s: line %u: must or may, WHO, FIELD, WHY are expected", path, n);
		r->must = !strcmp(how, "must");
		r->line = n;
		rules++;
	}
	free(line);
	fclose(file);
}

/* Only these fields count. */
static const char *only = "*";

static bool declared(const char *field, const struct machine *a, const struct machine *b)
{
	bool found = false;

	for (unsigned i = 0; i < rules; i++) {
		struct rule *r = &rule[i];

		if (strcmp(r->who, "*") && strcmp(r->who, a->name) && strcmp(r->who, b->name))
			continue;
		if (!matches(r->pattern, field))
			continue;
		r->used++;
		found = true;
	}
	return found;
}

/* ---- Comparing ------------------------------------------------------------------------------ */

struct verdict {
	unsigned alike, declared, undeclared;
};

static const struct field *find_field(const struct machine *m, const char *name, size_t hint)
{
	for (size_t i = 0; i < m->fields; i++) {
		const struct field *f = &m->field[(hint + i) % m->fields];

		if (!strcmp(f->name, name))
			return f;
	}
	return NULL;
}

static void differs(struct verdict *v, const struct machine *a, const struct machine *b,
		    const struct field *in_a, const struct field *in_b, const char *name)
{
	char value_a[80], value_b[80];

	if (!matches(only, name))
		return;
	if (declared(name, a, b)) {
		v->declared++;
		return;
	}
	v->undeclared++;
	print_value(value_a, sizeof(value_a), in_a);
	print_value(value_b, sizeof(value_b), in_b);
	printf("differs %s %s %s %s %s\n", a->name, b->name, name, value_a, value_b);
}

static void compare_bytes(struct verdict *v, const struct machine *a, const struct machine *b,
			  const struct field *in_a, const struct field *in_b)
{
	for (uint32_t i = 0; i < in_a->bytes; i++) {
		const struct field byte_a = { .data = in_a->data + i, .bytes = 1 };
		const struct field byte_b = { .data = in_b->data + i, .bytes = 1 };
		char name[NAME_MAX_BYTES + 16];

		if (in_a->data[i] == in_b->data[i])
			continue;
		snprintf(name, sizeof(name), "%s+%#x", in_a->name, i);
		differs(v, a, b, &byte_a, &byte_b, name);
	}
}

static void compare(struct verdict *v, const struct machine *a, const struct machine *b)
{
	for (size_t i = 0; i < a->fields; i++) {
		const struct field *in_a = &a->field[i], *in_b = find_field(b, in_a->name, i);

		if (in_b && in_a->bytes == in_b->bytes &&
		    !memcmp(in_a->data, in_b->data, in_a->bytes))
			v->alike++;
		else if (in_b && in_a->bytes == in_b->bytes && in_a->bytes > BLOB_LINE)
			compare_bytes(v, a, b, in_a, in_b);
		else
			differs(v, a, b, in_a, in_b, in_a->name);
	}
	for (size_t i = 0; i < b->fields; i++)
		if (!find_field(a, b->field[i].name, i))
			differs(v, a, b, NULL, &b->field[i], b->field[i].name);
}

/* Is the machine that it is about there, and are its fields compared? */
static bool concerns(const struct rule *r, const struct machine *machine, unsigned count)
{
	if (strcmp(only, "*") && strcmp(only, r->pattern))
		return false;
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(r->who, machine[i].name))
			return true;
	return !strcmp(r->who, "*");
}

/* Lines that no pair needed; how many of them are too many. */
static unsigned idle_rules(const struct machine *machine, unsigned count)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < rules; i++) {
		const struct rule *r = &rule[i];

		if (r->used || !concerns(r, machine, count))
			continue;
		printf("never differs%s: line %u: %s %s\n", r->must ? "" : " this time", r->line,
		       r->who, r->pattern);
		wrong += r->must;
	}
	return wrong;
}

static int diff(struct machine *machine, unsigned count, const char *rules_path)
{
	unsigned wrong = 0;

	if (rules_path)
		read_rules(rules_path);
	for (unsigned i = 0; i < count; i++)
		for (unsigned k = i + 1; k < count; k++) {
			struct verdict v = { 0 };

			compare(&v, &machine[i], &machine[k]);
			printf("pair %s %s: %u alike, %u declared, %u undeclared\n",
			       machine[i].name, machine[k].name, v.alike, v.declared, v.undeclared);
			wrong += v.undeclared;
		}
	wrong += idle_rules(machine, count);
	return wrong != 0;
}

static void usage(void)
{
	die("usage: state show FILE | state diff [--declared FILE] [--only FIELD] "
	    "NAME=FILE NAME=FILE...");
}

int main(int argc, char **argv)
{
	static struct machine machine[MACHINES_MAX];
	const char *rules_path = NULL;
	unsigned count = 0;
	int i = 2;

	if (argc == 3 && !strcmp(argv[1], "show")) {
		read_machine(&machine[0], argv[2]);
		show(&machine[0]);
		return 0;
	}
	if (argc < 4 || strcmp(argv[1], "diff"))
		usage();
	for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (!strcmp(argv[i], "--declared"))
			rules_path = argv[i + 1];
		else if (!strcmp(argv[i], "--only"))
			only = argv[i + 1];
		else
			usage();
	}
	for (; i < argc; i++) {
		struct machine *m = &machine[count++];
		const char *path = strchr(argv[i], '=');

		if (!path || count == MACHINES_MAX || path == argv[i] || path - argv[i] >= WORD_MAX)
			usage();
		memcpy(m->name, argv[i], (size_t)(path - argv[i]));
		read_machine(m, path + 1);
	}
	if (count < 2)
		usage();
	return diff(machine, count, rules_path);
}
