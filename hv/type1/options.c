/* options.c - see options.h */
#include "type1/options.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/words.h"

#define WORD_MAX 160 /* as many names of VMs as fit into vm= */
#define TRACE_MIN 16
#define TRACE_MAX 65536
#define TRACE_DEFAULT 256
#define SILENCE_MAX 3600
#define SILENCE_DEFAULT 20
#define WEIGHT_MAX 10000
#define WEIGHT_DEFAULT 100
#define MEMORY_DEFAULT MiB(64)

_Static_assert(VM_NAME_MAX == WORDS_NAME_MAX, "one rule for names");

/* What is being read, and what came out. */
struct parse {
	const char *at; /* the rest of the text */
	const char *where; /* "the hypervisor's command line", "module 2" */
	char *error;
	size_t error_size;
	char word[WORD_MAX];
	char *value; /* behind the word's '='; NULL: there is none */
	u32 seen; /* a bit for each option that was there */
	bool encoded; /* "--% " came before the rest */
	void *result;
};

/* One option: takes the value, false if it makes no sense. */
struct option {
	const char *name;
	const char *expected; /* for the error message; NULL: a flag without value */
	bool (*set)(struct parse *p, const char *value);
	bool many; /* may be given again */
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

/* A number of bytes, with K, M or G behind it or not.  False: anything else, or too large. */
static bool size_between(const char *text, u64 min, u64 max, u64 *result)
{
	unsigned shift = 0;
	u64 n;

	if (!words_take_number(&text, &n))
		return false;
	if (*text) {
		const char *unit = strchr("KMG", *text);

		if (!unit || text[1])
			return false;
		shift = (unsigned)(*unit == 'K' ? 10 : *unit == 'M' ? 20 : 30);
	}
	if (n > max >> shift || n << shift < min)
		return false;
	*result = n << shift;
	return true;
}

static bool number_between(const char *text, u64 min, u64 max, unsigned *result)
{
	u64 n;

	if (!words_number(text, &n) || n < min || n > max)
		return false;
	*result = (unsigned)n;
	return true;
}

/* The byte that %XX at text stands for; -1: it is none, or the end of a string. */
static int encoded_byte(const char *text)
{
	int byte = fmt_hex_byte(text + 1);

	return byte ? byte : -1;
}

void options_decode(const char *from, char *to)
{
	while (*from) {
		int byte = *from == '%' ? encoded_byte(from) : -1;

		*to++ = byte < 0 ? *from : (char)byte;
		from += byte < 0 ? 1 : 3;
	}
	*to = '\0';
}

static bool boolean(const char *text, bool *result)
{
	if (strcmp(text, "0") && strcmp(text, "1"))
		return false;
	*result = *text == '1';
	return true;
}

static bool name(const char *text, char result[VM_NAME_MAX])
{
	if (!words_is_name(text))
		return false;
	memcpy(result, text, strlen(text) + 1);
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
	if (!strcmp(p->word, "--") || !strcmp(p->word, "--%")) {
		p->encoded = p->word[2];
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

	if (p->seen & bit && !o->many)
		return fail(p, "option %s%s is given twice", o->name, o->expected ? "=" : "");
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
	o->exit_guest = !strcmp(value, "guest");
	return o->exit_done || o->exit_guest || !strcmp(value, "never");
}

static bool set_script_exit(struct parse *p, const char *value)
{
	struct options *o = p->result;

	o->script_exit = true;
	return !*value;
}

static bool set_housekeeping(struct parse *p, const char *value)
{
	struct options *o = p->result;

	o->housekeeping = true;
	return !*value;
}

static bool set_silence(struct parse *p, const char *value)
{
	struct options *o = p->result;

	return number_between(value, 0, SILENCE_MAX, &o->silence);
}

static bool set_console(struct parse *p, const char *value)
{
	struct options *o = p->result;

	o->console_raw = !strcmp(value, "raw");
	return o->console_raw || !strcmp(value, "lines");
}

static bool set_seed(struct parse *p, const char *value)
{
	struct options *o = p->result;

	o->has_seed = words_number(value, &o->seed);
	return o->has_seed;
}

int options_parse(const char *text, struct options *o, char *error, size_t size)
{
	static const struct option table[] = {
		{ "cpus", "1 to 64", set_cpus, false },
		{ "trace", "a power of two from 16 to 65536", set_trace, false },
		{ "exit", "never, done or guest", set_exit, false },
		{ "script-exit", NULL, set_script_exit, false },
		{ "housekeeping", NULL, set_housekeeping, false },
		{ "silence", "0 to 3600 seconds", set_silence, false },
		{ "console", "lines or raw", set_console, false },
		{ "seed", "a number of up to 64 bits", set_seed, false },
	};
	struct parse p = { .at = text,
			   .where = "the hypervisor's command line",
			   .error = error,
			   .error_size = size,
			   .result = o };
	int result;

	*o = (struct options){ .cpus = HOST_MAX_CPUS,
				.trace = TRACE_DEFAULT,
				.silence = SILENCE_DEFAULT };
	result = parse(&p, table, ARRAY_SIZE(table));
	if (!result && *p.at)
		return fail(&p, "-- %.40s: there is nobody to hand that on to", p.at);
	return result;
}

/* ---- A module's ----------------------------------------------------------------------------- */

enum module_option {
	NAME,
	MEM,
	CPUS,
	WEIGHT,
	CPU,
	STRICT,
	TICKS,
	DISK,
	NET,
	MAC,
	TASKSW,
	PAUSEPORT,
	LAST_OF_KERNEL = PAUSEPORT,
	VM,
	ROLE,
	COW,
	RO,
};

static struct vm_config *config_of(struct parse *p)
{
	return &((struct options_module *)p->result)->vm.config;
}

static bool set_name(struct parse *p, const char *value)
{
	return name(value, config_of(p)->name);
}

static bool set_mem(struct parse *p, const char *value)
{
	return size_between(value, DEFINITION_MEMORY_MIN, DEFINITION_MEMORY_MAX,
			    &config_of(p)->memory);
}

static bool set_vcpus(struct parse *p, const char *value)
{
	return number_between(value, 1, VM_MAX_VCPUS, &config_of(p)->vcpus);
}

static bool set_weight(struct parse *p, const char *value)
{
	return number_between(value, 1, WEIGHT_MAX, &config_of(p)->weight);
}

static bool set_cpu(struct parse *p, const char *value)
{
	struct vm_config *config = config_of(p);

	if (strcmp(value, "bare") && strcmp(value, "v1"))
		return false;
	fmt_string(config->cpu, sizeof(config->cpu), "%s", value);
	return true;
}

static bool set_ticks(struct parse *p, const char *value)
{
	config_of(p)->ticks = ticks_find(value);
	return config_of(p)->ticks;
}

static bool set_strict(struct parse *p, const char *value)
{
	return boolean(value, &config_of(p)->strict);
}

static bool set_disk(struct parse *p, const char *value)
{
	struct guest_definition *vm = &((struct options_module *)p->result)->vm;

	return vm->disk_count < DEFINITION_DISKS_MAX &&
	       definition_disk_of(value, &vm->disk[vm->disk_count]) && ++vm->disk_count;
}

static bool set_net(struct parse *p, const char *value)
{
	struct guest_definition *vm = &((struct options_module *)p->result)->vm;

	if (strcmp(value, "none"))
		return name(value, vm->net);
	vm->net[0] = '\0';
	return true;
}

static bool set_mac(struct parse *p, const char *value)
{
	struct guest_definition *vm = &((struct options_module *)p->result)->vm;

	vm->has_mac = link_mac_of(value, vm->mac);
	return vm->has_mac;
}

static bool set_tasksw(struct parse *p, const char *value UNUSED)
{
	((struct options_module *)p->result)->vm.tasksw = true;
	return true;
}

static bool set_pauseport(struct parse *p, const char *value UNUSED)
{
	((struct options_module *)p->result)->vm.config.pause_port = true;
	return true;
}

/* NAME[,NAME]..., each once. */
static bool set_vm(struct parse *p, const char *value)
{
	struct options_module *m = p->result;
	char one[WORD_MAX];

	for (;; value++) {
		const char *comma = strchr(value, ',');
		size_t len = comma ? (size_t)(comma - value) : strlen(value);

		memcpy(one, value, len);
		one[len] = '\0';
		for (unsigned i = 0; i < m->vm_count; i++)
			if (!strcmp(m->vm_name[i], one))
				return false;
		if (m->vm_count == OPTIONS_VMS_MAX || !name(one, m->vm_name[m->vm_count]))
			return false;
		m->vm_count++;
		value += len;
		if (!*value)
			return true;
	}
}

static bool set_role(struct parse *p, const char *value)
{
	static const char *const role[] = {
		[ROLE_INITRD] = "initrd",
		[ROLE_DISK] = "disk",
		[ROLE_FIRMWARE] = "firmware",
		[ROLE_MODULE] = "module",
	};
	struct options_module *m = p->result;

	m->is_script = !strcmp(value, "script");
	for (unsigned i = ROLE_INITRD; i < ARRAY_SIZE(role); i++)
		if (!strcmp(value, role[i]))
			m->file.role = (u8)i;
	return m->is_script || m->file.role != ROLE_KERNEL;
}

static bool set_cow(struct parse *p, const char *value UNUSED)
{
	((struct options_module *)p->result)->file.cow = true;
	return true;
}

static bool set_ro(struct parse *p, const char *value UNUSED)
{
	((struct options_module *)p->result)->file.ro = true;
	return true;
}

/* The first module with role=firmware: what describes a VM says the rest. */
static int check_firmware(struct parse *p, struct options_module *m)
{
	if (!(p->seen & BIT(NAME)))
		return fail(p, "name= is missing");
	if (*p->at)
		return fail(p, "-- %.40s: firmware takes no command line", p->at);
	m->vm.config.firmware = true;
	return 0;
}

static int check_encoding(struct parse *p)
{
	for (const char *at = p->at; p->encoded && (at = strchr(at, '%')); at++)
		if (encoded_byte(at) < 0)
			return fail(p, "--%% ...%.3s: expected %% and two hexadecimal digits", at);
	return 0;
}

/* Which options go together with role=. */
static int check_file(struct parse *p, const struct options_module *m)
{
	bool kept_apart = m->file.cow || m->file.ro;

	if (m->is_script)
		return p->seen & ~BIT(ROLE) ? fail(p, "role=script belongs to no VM: leave vm=, cow"
						      " and ro out")
					    : 0;
	if (!m->vm_count)
		return fail(p, "role= needs vm=NAME");
	if (m->file.role != ROLE_DISK && kept_apart)
		return fail(p, "%s is for role=disk only", m->file.cow ? "cow" : "ro");
	if (m->file.cow && m->file.ro)
		return fail(p, "cow is for a disk that is written to, ro for one that is not: not"
			       " both");
	if (m->file.role == ROLE_DISK && m->vm_count > 1 && !kept_apart)
		return fail(p, "a disk that %u VMs have needs cow or ro", m->vm_count);
	return 0;
}

static int check_module(struct parse *p, struct options_module *m)
{
	bool role = p->seen & BIT(ROLE), of_kernel = p->seen & BITS(LAST_OF_KERNEL, 0);
	u32 of_file = p->seen & ~BITS(LAST_OF_KERNEL, 0);

	if (of_kernel && of_file == BIT(ROLE) && m->file.role == ROLE_FIRMWARE)
		return check_firmware(p, m);
	if (of_kernel && of_file)
		return fail(p, "name=, mem=, cpus=, weight=, cpu=, strict=, ticks=, disk=, net=,"
			       " mac=, tasksw, pauseport describe a VM; vm=, role=, cow, ro add to "
			       "one: not both");
	if (role)
		return check_file(p, m);
	if (m->vm_count)
		return fail(p, "vm=%s needs role=initrd, disk, firmware or module", m->vm_name[0]);
	if (of_file)
		return fail(p, "%s needs vm=NAME role=disk", m->file.cow ? "cow" : "ro");
	if (!(p->seen & BIT(NAME)))
		return fail(p, "name= is missing");
	if (m->vm.has_mac && p->seen & BIT(NET) && !m->vm.net[0])
		return fail(p, "mac= makes no sense with net=none");
	return 0;
}

int options_parse_module(const char *text, unsigned number, struct options_module *m, char *error,
			 size_t size)
{
	static const struct option table[] = {
		[NAME] = { "name", WORDS_NAME_RULE, set_name, false },
		[MEM] = { "mem", "2M or more, such as 64M or 1G", set_mem, false },
		[CPUS] = { "cpus", "1 to 8", set_vcpus, false },
		[WEIGHT] = { "weight", "1 to 10000", set_weight, false },
		[CPU] = { "cpu", "bare or v1", set_cpu, false },
		[STRICT] = { "strict", "0 or 1", set_strict, false },
		[TICKS] = { "ticks", "merge or steady", set_ticks, false },
		[DISK] = { "disk", "hd0:START+SECTORS or hd0p1, at most four of them", set_disk,
			   true },
		[NET] = { "net", "the name of a switch, or none", set_net, false },
		[MAC] = { "mac", "six bytes of one card, such as 02:00:00:00:00:01", set_mac,
			  false },
		[TASKSW] = { "tasksw", NULL, set_tasksw, false },
		[PAUSEPORT] = { "pauseport", NULL, set_pauseport, false },
		[VM] = { "vm", "the name of a VM, or up to 8 with commas between", set_vm, false },
		[ROLE] = { "role", "initrd, disk, firmware, module or script", set_role, false },
		[COW] = { "cow", NULL, set_cow, false },
		[RO] = { "ro", NULL, set_ro, false },
	};
	char where[32];
	struct parse p = {
		.at = text, .where = where, .error = error, .error_size = size, .result = m
	};
	int result;

	_Static_assert(VM_MAX_VCPUS == 8 && HOST_MAX_CPUS == 64 && OPTIONS_VMS_MAX == 8 &&
			       DEFINITION_DISKS_MAX == 4,
		       "the tables say so");
	fmt_string(where, sizeof(where), "module %u", number);
	memset(m, 0, sizeof(*m));
	m->vm.config = (struct vm_config){
		.memory = MEMORY_DEFAULT, .vcpus = 1, .weight = WEIGHT_DEFAULT, .cpu = "bare"
	};
	result = parse(&p, table, ARRAY_SIZE(table));
	m->cmdline = m->vm.cmdline = m->file.blob.cmdline = p.at;
	m->encoded = p.encoded;
	if (!result)
		result = check_encoding(&p);
	return result ? result : check_module(&p, m);
}
