/* symbols.c - see symbols.h */
#include "type1/symbols.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "vm/load.h"

#define ELF_MAGIC 0x464c457fu
#define ELF_CLASS 4
#define ELF_CLASS_64 2
#define SECTION_SYMTAB 2
#define SYMBOL_TYPE(info) ((info)&15)
#define SYMBOL_NOTYPE 0 /* labels of assembly */
#define SYMBOL_FUNC 2
#define SYMBOL_UNDEFINED 0

/* Where a field lies in the structures of each class: [0] ELF32, [1] ELF64. */
static const u8 header_shoff[] = { 32, 40 }, header_shnum[] = { 48, 60 };
static const u8 section_size[] = { 40, 64 }, section_type = 4, section_link[] = { 24, 40 };
static const u8 section_offset[] = { 16, 24 }, section_bytes[] = { 20, 32 };
static const u8 symbol_size[] = { 16, 24 }, symbol_value[] = { 4, 8 }, symbol_info[] = { 12, 4 };
static const u8 symbol_section[] = { 14, 6 };

struct elf {
	const struct blob *file;
	unsigned wide; /* 1: ELF64 */
	u64 sections, section_count;
};

struct table {
	u64 offset, size, link;
};

/* size bytes at offset, little-endian; 0 outside of the file. */
static u64 get(const struct elf *e, u64 offset, unsigned size)
{
	u64 value = 0;

	if (offset < e->file->size && size <= e->file->size - offset)
		memcpy(&value, e->file->data + offset, size);
	return value;
}

static u64 get_word(const struct elf *e, u64 offset)
{
	return get(e, offset, e->wide ? 8 : 4);
}

static bool open(struct elf *e, const struct blob *file)
{
	e->file = file;
	if (get(e, 0, 4) != ELF_MAGIC)
		return false;
	e->wide = get(e, ELF_CLASS, 1) == ELF_CLASS_64;
	e->sections = get_word(e, header_shoff[e->wide]);
	e->section_count = get(e, header_shnum[e->wide], 2);
	return e->sections < file->size;
}

static struct table section(const struct elf *e, u64 n)
{
	u64 at = e->sections + n * section_size[e->wide];

	return (struct table){ .offset = get_word(e, at + section_offset[e->wide]),
			       .size = get_word(e, at + section_bytes[e->wide]),
			       .link = get(e, at + section_link[e->wide], 4) };
}

/* The first symbol table, and its names; false: the file was stripped. */
static bool find_tables(const struct elf *e, struct table *symbols, struct table *names)
{
	for (u64 n = 0; n < e->section_count; n++) {
		if (get(e, e->sections + n * section_size[e->wide] + section_type, 4) !=
		    SECTION_SYMTAB)
			continue;
		*symbols = section(e, n);
		*names = section(e, symbols->link);
		return symbols->offset < e->file->size && names->offset < e->file->size &&
		       symbols->size <= e->file->size - symbols->offset &&
		       names->size <= e->file->size - names->offset;
	}
	return false;
}

static bool is_code(const struct elf *e, u64 at)
{
	unsigned type = SYMBOL_TYPE(get(e, at + symbol_info[e->wide], 1));

	return (type == SYMBOL_FUNC || type == SYMBOL_NOTYPE) &&
	       get(e, at + symbol_section[e->wide], 2) != SYMBOL_UNDEFINED;
}

/* The last one that begins at or before address: its place in the file, or 0. */
static u64 find_symbol(const struct elf *e, const struct table *symbols, u64 address)
{
	u64 best = 0, best_value = 0;

	for (u64 at = symbols->offset; at + symbol_size[e->wide] <= symbols->offset + symbols->size;
	     at += symbol_size[e->wide]) {
		u64 value = get_word(e, at + symbol_value[e->wide]);

		if (value <= address && value && value >= best_value && is_code(e, at)) {
			best = at;
			best_value = value;
		}
	}
	return best;
}

static bool is_ended(const u8 *names, u64 at, u64 size)
{
	while (at < size && names[at])
		at++;
	return at < size;
}

bool symbols_find(const struct blob *file, u64 address, char *text, size_t size)
{
	struct table symbols, names;
	u64 at, name;
	struct elf e;

	if (!open(&e, file) || !find_tables(&e, &symbols, &names))
		return false;
	if (!e.wide)
		address = (u32)address;
	at = find_symbol(&e, &symbols, address);
	name = at ? get(&e, at, 4) : 0;
	/* A name that its table does not end is none. */
	if (!name || !is_ended(file->data + names.offset, name, names.size))
		return false;
	fmt_string(text, size, "%s+%#llx", (const char *)file->data + names.offset + name,
		   (unsigned long long)(address - get_word(&e, at + symbol_value[e.wide])));
	return true;
}
