/* modules.c - see modules.h */
#include "type1/modules.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/bootinfo.h"
#include "type1/guests.h"
#include "type1/options.h"

#define NAME_SHOWN 64 /* characters of a file's name */

/* The module that is looked at, and where to complain about it. */
struct reader {
	struct bootinfo *info;
	unsigned number; /* 1.. */
	char *error;
	size_t error_size;
};

static int fail(struct reader *r, const char *format, ...) PRINTF_LIKE(2, 3);
static int fail(struct reader *r, const char *format, ...)
{
	size_t len = fmt_string(r->error, r->error_size, "module %u: ", r->number);
	va_list args;

	if (len < r->error_size) {
		va_start(args, format);
		fmt_vstring(r->error + len, r->error_size - len, format, args);
		va_end(args);
	}
	return -HOST_EINVAL;
}

/* A copy of text[len] that stays, behind the loader's strings; NULL: there is no room. */
static char *keep(struct reader *r, const char *text, size_t len)
{
	struct bootinfo *info = r->info;
	char *copy = info->text + info->text_used;

	if (len >= BOOTINFO_TEXT - info->text_used)
		return NULL;
	info->text_used += len + 1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

/* The file's name, if a loader put it there: for messages, which are too short for all the text. */
static const char *name_of(struct reader *r, const char *text)
{
	const char *end = strchr(text, ' ');
	const char *copy;

	if (!end || strchr(text, '=') < end)
		return text;
	copy = keep(r, text, MIN((size_t)(end - text), (size_t)NAME_SHOWN));
	return copy ? copy : text;
}

/* 0, or a failure. */
static int blob_of(struct reader *r, const struct bootinfo_module *m,
		   const struct options_module *o, struct blob *blob)
{
	char *decoded;

	*blob = (struct blob){ .data = host_ptr(hpa(m->start)),
			       .size = m->end - m->start,
			       .name = name_of(r, m->cmdline),
			       .cmdline = o->cmdline };
	if (!o->encoded)
		return 0;
	decoded = keep(r, o->cmdline, strlen(o->cmdline));
	if (!decoded)
		return fail(r, "all command lines are longer than %u", BOOTINFO_TEXT);
	options_decode(decoded, decoded);
	blob->cmdline = decoded;
	return 0;
}

/* One more file for the guest of that name, which is there already. */
static int add(struct reader *r, const char *name, const struct definition_file *file)
{
	struct guest *g = guests_find(name);
	bool firmware;

	if (!g)
		return fail(r, "vm=%s: no module before it has name=%s", name, name);
	if (g->definition.file_count == DEFINITION_FILES_MAX)
		return fail(r, "vm=%s: more than %u files", name, DEFINITION_FILES_MAX);
	firmware = g->definition.config.firmware;
	if (file->role == ROLE_FIRMWARE && !firmware)
		return fail(r, "vm=%s: role=firmware is an option ROM, for a VM that begins with"
			       " firmware", name);
	if (firmware && (file->role == ROLE_INITRD || file->role == ROLE_MODULE))
		return fail(r, "vm=%s: it begins with firmware, which takes no %s", name,
			    file->role == ROLE_INITRD ? "initrd" : "modules");
	for (unsigned i = 0; i < g->definition.file_count; i++)
		if (file->role == ROLE_INITRD && g->definition.file[i].role == ROLE_INITRD)
			return fail(r, "vm=%s: it has an initrd already", name);
	g->definition.file[g->definition.file_count++] = *file;
	return 0;
}

static int module(struct reader *r, struct options_module *o, struct blob *script)
{
	const struct bootinfo_module *m = &r->info->module[r->number - 1];
	int result = options_parse_module(m->cmdline, r->number, o, r->error, r->error_size);
	char why[VM_CAUSE_MAX];

	if (result)
		return result;
	if (o->is_script && script->data)
		return fail(r, "there is a script already");
	if (o->is_script)
		return blob_of(r, m, o, script);
	if (!o->vm_count) {
		result = blob_of(r, m, o, &o->vm.kernel);
		o->vm.cmdline = o->vm.kernel.cmdline;
		if (result)
			return result;
		return guests_define(&o->vm, why, sizeof(why)) ? 0 : fail(r, "%s", why);
	}
	result = blob_of(r, m, o, &o->file.blob);
	for (unsigned i = 0; i < o->vm_count && !result; i++)
		result = add(r, o->vm_name[i], &o->file);
	return result;
}

int modules_define_guests(struct bootinfo *info, struct blob *script, char *error, size_t size)
{
	struct reader r = { .info = info, .error = error, .error_size = size };
	static struct options_module o; /* large, and only the boot CPU is here */
	int result = 0;

	*script = (struct blob){ 0 };
	while (r.number < info->module_count && !result) {
		r.number++;
		result = module(&r, &o, script);
	}
	return result;
}
