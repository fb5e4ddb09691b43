/*
 * test_outside.c - memory looked at from outside: images, nested tables that are broken or shared
 */
#include <CUnit/Basic.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "../../checker/outside.h"

void test_outside_register(void);

#define PAGE 4096u
#define MEMORY (64u * PAGE)

static uint8_t memory_bytes[MEMORY], elf_bytes[3 * PAGE];
static const struct outside_memory memory = { memory_bytes, MEMORY };
static const struct outside_memory elf = { elf_bytes, sizeof(elf_bytes) };

/* Text at 0x2000 (a page), data at 0x4000. */
static void make_elf(void)
{
	Elf64_Ehdr h = { .e_phoff = sizeof(h), .e_phnum = 2 };
	Elf64_Phdr p[2] = {
		{ .p_type = PT_LOAD,
		  .p_flags = PF_R | PF_X,
		  .p_offset = PAGE,
		  .p_paddr = 0x2000,
		  .p_filesz = PAGE,
		  .p_memsz = PAGE },
		{ .p_type = PT_LOAD,
		  .p_flags = PF_R | PF_W,
		  .p_offset = 2 * PAGE,
		  .p_paddr = 0x4000,
		  .p_filesz = PAGE,
		  .p_memsz = 2 * PAGE },
	};

	memset(memory_bytes, 0, sizeof(memory_bytes));
	memset(elf_bytes, 0x5a, sizeof(elf_bytes));
	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELFCLASS64;
	memcpy(elf_bytes, &h, sizeof(h));
	memcpy(elf_bytes + sizeof(h), p, sizeof(p));
	memcpy(memory_bytes + 0x2000, elf_bytes + PAGE, PAGE);
}

static void test_image(void)
{
	struct outside_range image;
	uint64_t first, compared;

	make_elf();
	CU_ASSERT_EQUAL(outside_image(&memory, &elf, &first, &compared, &image), 0);
	CU_ASSERT(compared == PAGE && image.begin == 0x2000 && image.end == 0x6000);
	memory_bytes[0x2345] ^= 1;
	memory_bytes[0x4001] ^= 1; /* data may change */
	CU_ASSERT_EQUAL(outside_image(&memory, &elf, &first, &compared, &image), 1);
	CU_ASSERT_EQUAL(first, 0x2345);
	elf_bytes[0] = 0;
	CU_ASSERT_EQUAL(outside_image(&memory, &elf, &first, &compared, &image), -1);
	make_elf();
	elf_bytes[offsetof(Elf64_Ehdr, e_phnum)] = 0xff;
	CU_ASSERT_EQUAL(outside_image(&memory, &elf, &first, &compared, &image), -1);
	/* A segment that lies nowhere is not left out. */
	make_elf();
	elf_bytes[sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_paddr) + 3] = 1;
	CU_ASSERT_EQUAL(outside_image(&memory, &elf, &first, &compared, &image), -1);
}

static void entry(uint64_t table, unsigned i, uint64_t value)
{
	memcpy(memory_bytes + table + i * 8ull, &value, sizeof(value));
}

/* Four tables from root on, one page of the guest at 0 and one at 0x1000. */
static void make_tables(uint64_t root, uint64_t page, uint64_t other)
{
	for (unsigned i = 0; i < 3; i++)
		entry(root + i * PAGE, 0, (root + (i + 1) * PAGE) | 7);
	entry(root + 3 * PAGE, 0, page | 7);
	entry(root + 3 * PAGE, 1, other | 7);
}

static const struct outside_range image = { 0x1000, 0x3000 };

static const char *apart(uint64_t page, uint64_t other, uint64_t second, char *text, size_t size)
{
	struct outside_vm vm[2] = { { .name = "a", .root = 0x8000 },
				    { .name = "b", .root = 0x10000 } };
	const char *why, *wrong = "a table is broken";

	memset(memory_bytes, 0, sizeof(memory_bytes));
	make_tables(0x8000, page, other);
	make_tables(0x10000, second, second + PAGE);
	if (outside_walk(&memory, OUTSIDE_NPT, &vm[0], &why) &&
	    outside_walk(&memory, OUTSIDE_EPT, &vm[1], &why))
		wrong = outside_apart(vm, 2, image, text, size);
	outside_forget(&vm[0]);
	outside_forget(&vm[1]);
	return wrong;
}

static void test_tables(void)
{
	char text[200];

	CU_ASSERT_PTR_NULL(apart(0x20000, 0x22000, 0x30000, text, sizeof(text)));
	CU_ASSERT_PTR_NOT_NULL_FATAL(apart(0x20000, 0x2000, 0x30000, text, sizeof(text)));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "image"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(apart(0x20000, 0x31000, 0x30000, text, sizeof(text)));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "VM b"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(apart(0x20000, 0x20000, 0x30000, text, sizeof(text)));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "two places"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(apart(0x20000, 0x12000, 0x30000, text, sizeof(text)));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "table of b"));
}

static void test_broken_tables(void)
{
	struct outside_vm vm = { .name = "a", .root = 0x8000 };
	const char *why;

	memset(memory_bytes, 0, sizeof(memory_bytes));
	entry(0x8000, 3, 0x7ffffffff000 | 7);
	CU_ASSERT_FALSE(outside_walk(&memory, OUTSIDE_NPT, &vm, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "outside"));
	outside_forget(&vm);
	/* A table that points to itself ends all the same. */
	for (unsigned i = 0; i < 512; i++)
		entry(0x8000, i, 0x8000 | 7);
	CU_ASSERT_FALSE(outside_walk(&memory, OUTSIDE_NPT, &vm, &why));
	outside_forget(&vm);
	vm.root = 0xfffffffff000;
	CU_ASSERT_FALSE(outside_walk(&memory, OUTSIDE_EPT, &vm, &why));
	outside_forget(&vm);
}

/* A device of the machine is nobody's RAM. */
static void test_devices(void)
{
	static const uint64_t pages[] = { 0xfee00000, MEMORY, MEMORY - PAGE, 0xa0000, 0xff000 };
	static const bool good[] = { false, false, true, false, false };
	static uint8_t two_mib[2u << 20];
	const struct outside_memory large = { two_mib, sizeof(two_mib) };
	const char *why;

	for (unsigned i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		struct outside_vm vm = { .name = "a", .root = 0x8000 };

		memset(memory_bytes, 0, sizeof(memory_bytes));
		make_tables(0x8000, 0x20000, pages[i]);
		memcpy(two_mib, memory_bytes, sizeof(memory_bytes));
		CU_ASSERT_EQUAL(outside_walk(i < 3 ? &memory : &large, OUTSIDE_EPT, &vm, &why),
				good[i]);
		outside_forget(&vm);
	}
}

static void test_secrets(void)
{
	struct outside_range mine = { 0x20000, 0x21000 }, others = { 0x30000, 0x31000 };
	const struct outside_vm vm[] = { { .name = "owner", .page = &mine, .pages = 1 },
					 { .name = "thief", .page = &others, .pages = 1 } };
	const uint64_t secret = 0x5ec7e71e12345678;
	uint64_t first = 0;

	memset(memory_bytes, 0, sizeof(memory_bytes));
	memcpy(memory_bytes + 0x20010, &secret, 8);
	memcpy(memory_bytes + 0x5000, &secret, 8); /* the hypervisor's */
	CU_ASSERT_EQUAL(outside_stray(&memory, 0x5ec7e71e, vm, 2, "owner", &first), 0);
	memcpy(memory_bytes + 0x30ff8, &secret, 8);
	CU_ASSERT_EQUAL(outside_stray(&memory, 0x5ec7e71e, vm, 2, "owner", &first), 1);
	CU_ASSERT_EQUAL(first, 0x30ff8);
}

static void test_files(void)
{
	struct outside_memory m;

	CU_ASSERT_FALSE(outside_open(&m, "/nonexistent"));
	CU_ASSERT_FALSE(outside_open(&m, "/dev/null"));
	CU_ASSERT(outside_open(&m, "/proc/self/exe"));
	outside_close(&m);
}

void test_outside_register(void)
{
	CU_pSuite s = CU_add_suite("outside", NULL, NULL);

	CU_add_test(s, "the hypervisor's image", test_image);
	CU_add_test(s, "VMs are apart", test_tables);
	CU_add_test(s, "broken nested tables", test_broken_tables);
	CU_add_test(s, "devices in nested tables", test_devices);
	CU_add_test(s, "secrets", test_secrets);
	CU_add_test(s, "files", test_files);
}
