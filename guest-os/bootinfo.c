/*
 * bootinfo.c - what the boot loader told us
 *
 * Owns: the multiboot information structure, the list of RAM ranges, the command line's words.
 * Must not know: what the words mean (main.c) or who gets the RAM (page.c).
 *
 * Source: Multiboot Specification 0.6.96 "Boot information format" (3.3).
 */
#include "bootinfo.h"

#include "compiler.h"
#include "layout.h"
#include "lib/string.h"
#include "print.h"

#define LOADER_MAGIC 0x2badb002
#define INFO_CMDLINE BIT(2)
#define INFO_MMAP BIT(6)
#define MMAP_AVAILABLE 1

struct multiboot_info {
	u32 flags;
	u32 mem_lower, mem_upper; /* KiB */
	u32 boot_device;
	u32 cmdline;
	u32 mods_count, mods_addr;
	u32 syms[4];
	u32 mmap_length, mmap_addr;
} PACKED;
ASSERT_OFFSET(struct multiboot_info, cmdline, 16);
ASSERT_OFFSET(struct multiboot_info, mmap_length, 44);

struct multiboot_mmap {
	u32 size; /* of what follows */
	u64 base, length;
	u32 type;
} PACKED;
ASSERT_SIZE(struct multiboot_mmap, 24);

struct bootinfo_range bootinfo_ram[BOOTINFO_RANGES_MAX];
unsigned bootinfo_ram_count;

static char cmdline[512];

static void add_range(u64 start, u64 end)
{
	start = ALIGN_UP(start, PAGE_SIZE);
	end = ALIGN_DOWN(MIN(end, GiB(4)), PAGE_SIZE);
	if (start < end && bootinfo_ram_count < BOOTINFO_RANGES_MAX)
		bootinfo_ram[bootinfo_ram_count++] = (struct bootinfo_range){ start, end };
}

static void take_memory_map(const struct multiboot_info *info)
{
	u64 at = DIRECT_BASE + info->mmap_addr, end = at + info->mmap_length;

	while (at < end) {
		const struct multiboot_mmap *entry = (const void *)at;

		if (entry->type == MMAP_AVAILABLE)
			add_range(entry->base, entry->base + entry->length);
		at += entry->size + sizeof(entry->size);
	}
}

static void take_command_line(const char *text)
{
	for (size_t i = 0; text[i] && i < sizeof(cmdline) - 1; i++)
		cmdline[i] = text[i];
}

void bootinfo_init(u32 magic, u64 pa)
{
	const struct multiboot_info *info = (const void *)(DIRECT_BASE + pa);

	if (magic != LOADER_MAGIC)
		panic("not started by a multiboot loader: magic %#x", magic);
	if (!(info->flags & INFO_MMAP))
		panic("the boot loader gave no memory map");
	take_memory_map(info);
	if (info->flags & INFO_CMDLINE)
		take_command_line((const char *)(DIRECT_BASE + info->cmdline));
}

/* The word at or behind *at, its length in *len; moves *at behind it.  NULL at the end. */
static const char *next_word(const char **at, size_t *len)
{
	const char *word = *at;

	while (*word == ' ')
		word++;
	*len = 0;
	while (word[*len] && word[*len] != ' ')
		++*len;
	*at = word + *len;
	return *len ? word : NULL;
}

bool bootinfo_has(const char *wanted)
{
	const char *at = cmdline, *word;
	size_t len;

	while ((word = next_word(&at, &len)))
		if (len == strlen(wanted) && !strncmp(word, wanted, len))
			return true;
	return false;
}

bool bootinfo_value(const char *prefix, unsigned n, char *value, size_t size)
{
	const char *at = cmdline, *word;
	size_t len, skip = strlen(prefix);

	while ((word = next_word(&at, &len))) {
		if (len < skip || strncmp(word, prefix, skip) || n--)
			continue;
		len = MIN(len - skip, size - 1);
		memcpy(value, word + skip, len);
		value[len] = '\0';
		return true;
	}
	return false;
}
