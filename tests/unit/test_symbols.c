/* test_symbols.c - functions of a kernel that nobody vouches for: type1/symbols.c */
#include <CUnit/CUnit.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "type1/symbols.h"
#include "vm/load.h"

void test_symbols_register(void);

static const char names[] = "\0first\0second\0third";
enum { FIRST = 1, SECOND = 7, THIRD = 14 };

/* The same small file in both classes: a header, sections {none, symbols, names}, both tables. */
struct file32 {
	Elf32_Ehdr header;
	Elf32_Shdr section[3];
	Elf32_Sym symbol[4];
	char names[sizeof(names)];
};

struct file64 {
	Elf64_Ehdr header;
	Elf64_Shdr section[3];
	Elf64_Sym symbol[4];
	char names[sizeof(names)];
};

#define CODE_SECTION 5
#define FILL(f, class, code, a, b, c)                                                            \
	do {                                                                                     \
		memset(&(f), 0, sizeof(f));                                                      \
		memcpy((f).header.e_ident, ELFMAG, SELFMAG);                                     \
		(f).header.e_ident[EI_CLASS] = ELFCLASS##class;                                  \
		(f).header.e_shoff = offsetof(__typeof__(f), section);                           \
		(f).header.e_shnum = 3;                                                          \
		(f).section[1].sh_type = SHT_SYMTAB;                                             \
		(f).section[1].sh_offset = offsetof(__typeof__(f), symbol);                      \
		(f).section[1].sh_size = sizeof((f).symbol);                                     \
		(f).section[1].sh_link = 2;                                                      \
		(f).section[2].sh_type = SHT_STRTAB;                                             \
		(f).section[2].sh_offset = offsetof(__typeof__(f), names);                       \
		(f).section[2].sh_size = sizeof(names);                                          \
		memcpy((f).names, names, sizeof(names));                                         \
		(f).symbol[1].st_name = FIRST;                                                   \
		(f).symbol[1].st_value = a;                                                      \
		(f).symbol[2].st_name = THIRD;                                                   \
		(f).symbol[2].st_value = c;                                                      \
		(f).symbol[3].st_name = SECOND;                                                  \
		(f).symbol[3].st_value = b;                                                      \
		for (int i = 1; i < 4; i++) {                                                    \
			(f).symbol[i].st_info = code;                                            \
			(f).symbol[i].st_shndx = CODE_SECTION;                                   \
		}                                                                                \
	} while (0)

static struct file32 f32;
static struct file64 f64;
static char text[40];

static void set_up(void)
{
	FILL(f32, 32, STT_FUNC, 0x80100000, 0x80100100, 0x80100200);
	FILL(f64, 64, STT_FUNC, 0xffffffff80100000, 0xffffffff80100100, 0xffffffff80100200);
}

static const char *find(const void *data, size_t size, u64 address)
{
	struct blob file = { .data = data, .size = size };

	return symbols_find(&file, address, text, sizeof(text)) ? text : "nothing";
}

static const char *find64(u64 address)
{
	return find(&f64, sizeof(f64), address);
}

static const char *find32(u64 address)
{
	return find(&f32, sizeof(f32), address);
}

static void test_found(void)
{
	set_up();
	CU_ASSERT_STRING_EQUAL(find64(0xffffffff80100000), "first+0");
	CU_ASSERT_STRING_EQUAL(find64(0xffffffff801000ff), "first+0xff");
	CU_ASSERT_STRING_EQUAL(find64(0xffffffff80100100), "second+0");
	CU_ASSERT_STRING_EQUAL(find64(0xffffffff80100234), "third+0x34");
	CU_ASSERT_STRING_EQUAL(find64(0x80100000), "nothing");
}

static void test_narrowed(void)
{
	set_up();
	CU_ASSERT_STRING_EQUAL(find32(0x80100101), "second+0x1");
	CU_ASSERT_STRING_EQUAL(find32(0xffffffff80100101), "second+0x1");
	CU_ASSERT_STRING_EQUAL(find32(0x800fffff), "nothing");
}

static void test_no_function(void)
{
	set_up();
	f64.symbol[3].st_info = STT_OBJECT;
	CU_ASSERT_STRING_EQUAL(find64(0xffffffff80100100), "first+0x100");
	f64.symbol[1].st_shndx = SHN_UNDEF;
	CU_ASSERT_STRING_EQUAL(find64(0xffffffff80100100), "nothing");
}

static void test_stripped(void)
{
	set_up();
	f64.section[1].sh_type = SHT_PROGBITS;
	CU_ASSERT_STRING_EQUAL(find64(0xffffffff80100100), "nothing");
	CU_ASSERT_STRING_EQUAL(find("not an ELF file", 15, 1), "nothing");
	CU_ASSERT_STRING_EQUAL(find(NULL, 0, 1), "nothing");
}

static void test_broken(void)
{
	static const u64 bad[] = { 0, 1, 8, sizeof(f64), ~0u, ~0ull, ~0ull - 8 };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		set_up();
		f64.header.e_shoff = bad[i];
		find64(0xffffffff80100100);
		set_up();
		f64.header.e_shnum = (Elf64_Half)bad[i];
		find64(0xffffffff80100100);
		set_up();
		f64.section[1].sh_offset = bad[i];
		find64(0xffffffff80100100);
		set_up();
		f64.section[1].sh_size = bad[i];
		find64(0xffffffff80100100);
		set_up();
		f64.section[1].sh_link = (Elf64_Word)bad[i];
		find64(0xffffffff80100100);
		set_up();
		f64.section[2].sh_size = bad[i];
		find64(0xffffffff80100100);
		set_up();
		f64.symbol[3].st_name = (Elf64_Word)bad[i];
		find64(0xffffffff80100100);
	}
	/* A name that runs to the end of its table, and a table to the end of the file. */
	set_up();
	memset(f64.names, 'x', sizeof(f64.names));
	CU_ASSERT_STRING_EQUAL(find64(0xffffffff80100100), "nothing");
}

/* The sanitizer sees each byte that is read behind the end. */
static void test_cut_off(void)
{
	set_up();
	for (size_t size = 0; size < sizeof(f32); size++) {
		u8 *copy = malloc(size ? size : 1);

		memcpy(copy, &f32, size);
		find(copy, size, 0x80100101);
		free(copy);
	}
	CU_ASSERT_STRING_EQUAL(find32(0x80100101), "second+0x1");
}

void test_symbols_register(void)
{
	CU_pSuite suite = CU_add_suite("symbols", NULL, NULL);

	CU_add_test(suite, "the function before the address", test_found);
	CU_add_test(suite, "a 64-bit kernel in an ELF32 file", test_narrowed);
	CU_add_test(suite, "data and undefined symbols are none", test_no_function);
	CU_add_test(suite, "no symbols, no ELF file", test_stripped);
	CU_add_test(suite, "fields that make no sense", test_broken);
	CU_add_test(suite, "a file cut off anywhere", test_cut_off);
}
