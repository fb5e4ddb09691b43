/*
 * fuzz_options.c - command lines of the hypervisor and of its modules
 *
 * Input: lines.  The first one is the hypervisor's, the others are modules'.  Each is refused with
 * a sentence, or means something that can be had.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "fake_type1.h"
#include "type1/bootinfo.h"
#include "type1/modules.h"
#include "type1/options.h"
#include "type1/words.h"

#define MODULES 24
#define FILE_BYTES 16

static struct bootinfo info;
static u8 files[MODULES][FILE_BYTES];

static bool is_sentence(const char *error, size_t size)
{
	return error[0] && memchr(error, 0, size);
}

static void check_definition(const struct guest_definition *d)
{
	check(words_is_name(d->config.name));
	check(d->config.vcpus >= 1 && d->config.vcpus <= VM_MAX_VCPUS && d->config.weight);
	check(d->config.memory && memchr(d->config.cpu, 0, sizeof(d->config.cpu)));
	check(d->file_count <= DEFINITION_FILES_MAX && d->disk_count <= DEFINITION_DISKS_MAX);
	check(memchr(d->net, 0, sizeof(d->net)));
	for (unsigned i = 0; i < d->disk_count; i++)
		check(d->disk[i].partition || d->disk[i].sectors);
}

static void check_module(const char *line, const struct options_module *o)
{
	check(o->cmdline);
	check(!o->cmdline[0] ||
	      (o->cmdline > line && o->cmdline <= line + strlen(line)));
	check(o->vm_count <= OPTIONS_VMS_MAX);
	for (unsigned i = 0; i < o->vm_count; i++)
		check(words_is_name(o->vm_name[i]));
	if (!o->is_script && !o->vm_count)
		check(words_is_name(o->vm.config.name));
	if (o->encoded) {
		char *copy = strdup(o->cmdline);

		options_decode(copy, copy);
		check(strlen(copy) <= strlen(o->cmdline));
		free(copy);
	}
}

static void try_line(const char *line, unsigned number)
{
	static struct options_module module;
	struct options options;
	char error[200];
	u64 value;
	u8 mac[DEFINITION_MAC_SIZE];
	struct definition_disk disk;

	memset(error, 0, sizeof(error));
	if (!number && options_parse(line, &options, error, sizeof(error)))
		check(is_sentence(error, sizeof(error)));
	memset(error, 0, sizeof(error));
	if (options_parse_module(line, number + 1, &module, error, sizeof(error)))
		check(is_sentence(error, sizeof(error)));
	else
		check_module(line, &module);
	(void)words_number(line, &value);
	(void)link_mac_of(line, mac);
	if (definition_disk_of(line, &disk))
		check(disk.partition || (disk.sectors && disk.start + disk.sectors > disk.start));
}

static void try_modules(void)
{
	struct blob script;
	char error[300];

	memset(error, 0, sizeof(error));
	if (modules_define_guests(&info, &script, error, sizeof(error)))
		check(is_sentence(error, sizeof(error)));
	for (unsigned i = 0; i < fake_type1.guests; i++)
		check_definition(&fake_type1.guest[i].definition);
	check(info.text_used <= BOOTINFO_TEXT);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *text = malloc(size + 1), *line[MODULES + 1], *next = text;
	unsigned lines = 0;

	memcpy(text, data, size);
	text[size] = '\0';
	fake_type1_reset();
	info.module_count = 0;
	info.text_used = 0;
	while (next && lines < ARRAY_SIZE(line)) {
		char *end = strchr(next, '\n');

		if (end)
			*end++ = '\0';
		line[lines] = strdup(next); /* of its exact size */
		try_line(line[lines], lines);
		if (lines)
			info.module[info.module_count++] = (struct bootinfo_module){
				host_hpa(files[lines - 1]).v,
				host_hpa(files[lines - 1]).v + FILE_BYTES, line[lines]
			};
		lines++;
		next = end;
	}
	try_modules();
	while (lines)
		free(line[--lines]);
	free(text);
	return 0;
}
