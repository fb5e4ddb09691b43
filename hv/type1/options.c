/* options.c - see options.h */
#include "type1/options.h"

#include "lib/fmt.h"
#include "lib/string.h"

#define WORD_MAX 128
#define TRACE_MIN 16
#define TRACE_MAX 65536
#define TRACE_DEFAULT 256
#define SILENCE_MAX 3600
#define SILENCE_DEFAULT 20
#define WEIGHT_MAX 10000
#define WEIGHT_DEFAULT 100
#define MEMORY_DEFAULT MiB(64)
#define MEMORY_MIN MiB(2)
#define MEMORY_MAX GiB(512)

/* What is being read, and what came out. */
struct parse {
	const char *at; /* the rest of the text */
	const char *where; /* "the hypervisor's command line", "module 2" */
	char *error;
	size_t error_size;
	char word[WORD_MAX];
	char *value; /* behind the word's '='; NULL: there is none */
	u32 seen; /* a bit for each option that was there */
	void *result;
};

/* One option: takes the value, false if it makes no sense. */
struct option {
	const char *name;
	const char *expected; /* for the error message; NULL: a flag without value */
	bool (*set)(struct parse *p, const char *value);
};

static int fail(struct parse *p, const char *format, ...) PRINTF_LIKE(2, 3);
static int fail(struct parse *p, const char *format, ...)
{
	size_t len = fmt_string(p->error, p->error_size, "%s: ", p->where);
	va_list args;

	if (len < p->error_size) {
		va_start(args, format);
		fmt_vstring(p->error + len, p->error_size - len, format, args);
		va_end(args);
	}
	return -HOST_EINVAL;
}

/* ---- Values ---------------------------------------------------------------------------- */

/* Decimal, with K, M or G behind it if units.  False: anything else, or too large. */
static bool number(const char *text, bool units, u64 max, u64 *result)
{
	u64 n = 0;
	unsigned shift = 0;

	if (!*text)
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (n > (~0ull - 9) / 10)
			return false;
		n = n * 10 + (u64)(*text - '0');
	}
	if (units && *text) {
		const char *unit = strchr("KMG", *text);

		if (!unit)
			return false;
		shift = (unsigned)(*unit == 'K' ? 10 : *unit == 'M' ? 20 : 30);
		text++;
	}
	if (*text || n > max >> shift)
		return false;
	*result = n << shift;
	return true;
}

static bool number_between(const char *text, u64 min, u64 max, unsigned *result)
{
	u64 n;

	if (!number(text, false, max, &n) || n < min)
		return false;
	*result = (unsigned)n;
	return true;
}

static bool boolean(const char *text, bool *result)
{
	if (strcmp(text, "0") && strcmp(text, "1"))
		return false;
	*result = *text == '1';
	return true;
}

/* Letters, digits, '-' and '_': what can be typed and prefixed without harm. */
static bool name(const char *text, char *result, size_t size)
{
	size_t len = strlen(text);

	if (!len || len >= size)
		return false;
	for (const char *c = text; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		      (*c >= '0' && *c <= '9') || *c == '-' || *c == '_' || *c == '.'))
			return false;
	memcpy(result, text, len + 1);
	return true;
}

/* ---- Words ------------------------------------------------------------------------------- */

enum word { WORD_NONE, WORD_REST, WORD_PLAIN, WORD_OPTION, WORD_LONG };

/* The next word; behind "--" the rest of the text stands alone. */
static enum word next_word(struct parse *p)
{
	size_t len = 0;

	while (*p->at == ' ')
		p->at++;
	while (p->at[len] && p->at[len] != ' ')
		len++;
	if (!len)
		return WORD_NONE;
	memcpy(p->word, p->at, MIN(len, (size_t)WORD_MAX - 1));
	p->word[MIN(len, (size_t)WORD_MAX - 1)] = '\0';
	p->at += len;
	if (!strcmp(p->word, "--")) {
		while (*p->at == ' ')
			p->at++;
		return WORD_REST;
	}
	p->value = strchr(p->word, '=');
	if (len >= WORD_MAX)
		return WORD_LONG;
	if (!p->value)
		return WORD_PLAIN;
	*p->value++ = '\0';
	return WORD_OPTION;
}

static const struct option *find(const struct option *options, unsigned count, const char *word)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(options[i].name, word))
			return &options[i];
	return NULL;
}

static int set(struct parse *p, const struct option *options, const struct option *o)
{
	u32 bit = 1u << (o - options);

	if (p->seen & bit)
		return fail(p, "option %s= is given twice", o->name);
	p->seen |= bit;
	if (!o->set(p, p->value ? p->value : ""))
		return fail(p, "option %s=%s: expected %s", o->name, p->value, o->expected);
	return 0;
}

/*
 * All options up to the end or "--".  A word without '=' is a file's name while no option was
 * seen, and an error afterwards, unless it is a flag.
 */
static int parse(struct parse *p, const struct option *options, unsigned count)
{
	for (;;) {
		enum word kind = next_word(p);
		const struct option *o;
		int error;

		if (kind == WORD_NONE || kind == WORD_REST)
			return 0;
		if (kind == WORD_LONG && (p->value || p->seen))
			return fail(p, "%.40s... is longer than %u characters", p->word, WORD_MAX);
		o = find(options, count, p->word);
		if (kind == WORD_OPTION && (!o || !o->expected))
			return fail(p, "unknown option %s=%s", p->word, p->value);
		if (kind != WORD_OPTION && (!o || o->expected)) {
			if (p->seen || o)
				return fail(p, "%s is no option%s", p->word,
					    o ? " without a value" : "");
			continue;
		}
		error = set(p, options, o);
		if (error)
			return error;
	}
}

/* ---- The hypervisor's ----------------------------------------------------------------------- */

static bool set_cpus(struct parse *p, const char *value)
{
	struct options *o = p->result;

	return number_between(value, 1, HOST_MAX_CPUS, &o->cpus);
}

static bool set_trace(struct parse *p, const char *value)
{
	struct options *o = p->result;

	return number_between(value, TRACE_MIN, TRACE_MAX, &o->trace) &&
	       (o->trace & (o->trace - 1)) == 0;
}

static bool set_exit(struct parse *p, const char *value)
{
	struct options *o = p->result;

	o->exit_done = !strcmp(value, "done");
	return o->exit_done || !strcmp(value, "never");
}

static bool set_script_exit(struct parse *p, const char *value)
{
	struct options *o = p->result;

	o->script_exit = true;
	return !*value;
}

static bool set_silence(struct parse *p, const char *value)
{
	struct options *o = p->result;

	return number_between(value, 0, SILENCE_MAX, &o->silence);
}

int options_parse(const char *text, struct options *o, char *error, size_t size)
{
	static const struct option table[] = {
		{ "cpus", "1 to 64", set_cpus },
		{ "trace", "a power of two from 16 to 65536", set_trace },
		{ "exit", "never or done", set_exit },
		{ "script-exit", NULL, set_script_exit },
		{ "silence", "0 to 3600 seconds", set_silence },
	};
	struct parse p = { .at = text,
			   .where = "the hypervisor's command line",
			   .error = error,
			   .error_size = size,
			   .result = o };

	*o = (struct options){ .cpus = HOST_MAX_CPUS,
				.trace = TRACE_DEFAULT,
				.silence = SILENCE_DEFAULT };
	return parse(&p, table, ARRAY_SIZE(table));
}

/* ---- A module's ----------------------------------------------------------------------------- */

enum module_option { NAME, MEM, CPUS, WEIGHT, CPU, STRICT, VM, ROLE };

static bool set_name(struct parse *p, const char *value)
{
	struct options_module *m = p->result;

	return name(value, m->config.name, sizeof(m->config.name));
}

static bool set_mem(struct parse *p, const char *value)
{
	struct options_module *m = p->result;

	return number(value, true, MEMORY_MAX, &m->config.memory) &&
	       m->config.memory >= MEMORY_MIN;
}

static bool set_vcpus(struct parse *p, const char *value)
{
	struct options_module *m = p->result;

	return number_between(value, 1, VM_MAX_VCPUS, &m->config.vcpus);
}

static bool set_weight(struct parse *p, const char *value)
{
	struct options_module *m = p->result;

	return number_between(value, 1, WEIGHT_MAX, &m->config.weight);
}

static bool set_cpu(struct parse *p, const char *value)
{
	struct options_module *m = p->result;

	return (!strcmp(value, "bare") || !strcmp(value, "v1")) &&
	       name(value, m->config.cpu, sizeof(m->config.cpu));
}

static bool set_strict(struct parse *p, const char *value)
{
	struct options_module *m = p->result;

	return boolean(value, &m->config.strict);
}

static bool set_role(struct parse *p, const char *value)
{
	static const char *const role[] = {
		[ROLE_INITRD] = "initrd", [ROLE_DISK] = "disk",	    [ROLE_FIRMWARE] = "firmware",
		[ROLE_MODULE] = "module", [ROLE_SCRIPT] = "script",
	};
	struct options_module *m = p->result;

	for (unsigned i = ROLE_INITRD; i < ARRAY_SIZE(role); i++) {
		if (strcmp(value, role[i]))
			continue;
		m->role = (u8)i;
		return true;
	}
	return false;
}

/* Which options go together. */
static int check_module(struct parse *p, const struct options_module *m)
{
	const u32 of_kernel = BIT(NAME) | BIT(MEM) | BIT(CPUS) | BIT(WEIGHT) | BIT(CPU) |
			      BIT(STRICT);
	bool vm = p->seen & BIT(VM), role = p->seen & BIT(ROLE);

	if (p->seen & of_kernel && (vm || role))
		return fail(p, "name=, mem=, cpus=, weight=, cpu=, strict= describe a VM; vm= and"
			       " role= add to one: not both");
	if (m->role == ROLE_SCRIPT)
		return vm ? fail(p, "role=script belongs to no VM: leave vm= out") : 0;
	if (vm && !role)
		return fail(p, "vm=%s needs role=initrd, disk, firmware or module", m->config.name);
	if (role && !vm)
		return fail(p, "role= needs vm=NAME");
	if (!vm && !(p->seen & BIT(NAME)))
		return fail(p, "name= is missing");
	return 0;
}

int options_parse_module(const char *text, unsigned number_of_it, struct options_module *m,
			 char *error, size_t size)
{
	static const struct option table[] = {
		[NAME] = { "name", "1 to 15 letters, digits, '.', '-' or '_'", set_name },
		[MEM] = { "mem", "2M or more, such as 64M or 1G", set_mem },
		[CPUS] = { "cpus", "1 to 8", set_vcpus },
		[WEIGHT] = { "weight", "1 to 10000", set_weight },
		[CPU] = { "cpu", "bare or v1", set_cpu },
		[STRICT] = { "strict", "0 or 1", set_strict },
		[VM] = { "vm", "the name of a VM", set_name },
		[ROLE] = { "role", "initrd, disk, firmware, module or script", set_role },
	};
	char where[32];
	struct parse p = {
		.at = text, .where = where, .error = error, .error_size = size, .result = m
	};
	int result;

	_Static_assert(VM_MAX_VCPUS == 8 && HOST_MAX_CPUS == 64, "the tables say so");
	fmt_string(where, sizeof(where), "module %u", number_of_it);
	*m = (struct options_module){ .config = { .memory = MEMORY_DEFAULT,
						  .vcpus = 1,
						  .weight = WEIGHT_DEFAULT,
						  .cpu = "bare" } };
	result = parse(&p, table, ARRAY_SIZE(table));
	m->cmdline = p.at;
	return result ? result : check_module(&p, m);
}
