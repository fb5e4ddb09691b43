/*
 * test_load.c - putting kernels into a VM: vm/load*.c
 *
 * Owns: small kernels of each format made here, each of their fields broken in turn, and
 * random damage under the address sanitizer.
 */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_virt.h"
#include "rom/rom.h"
#include "vm/load.h"
#include "vm/load_parts.h"

void test_load_register(void);

#define FILE_SIZE 0x2000
static u8 file[FILE_SIZE];
static u64 file_size;
static struct vm *vm;
static char error[256];
static const char *cmdline;
static struct blob modules[3];
static unsigned module_count;
static struct blob initrd;
static struct load_reserved reserved[LOAD_RESERVED_MAX];
static unsigned reserved_count;
static u64 rsdp;

static void put(unsigned at, unsigned bytes, u64 value)
{
	memcpy(file + at, &value, bytes);
}

static void put_multiboot(unsigned at, u32 flags)
{
	put(at, 4, 0x1badb002);
	put(at + 4, 4, flags);
	put(at + 8, 4, 0 - 0x1badb002u - flags);
}

static void start(u64 memory)
{
	vm = fake_vm_make(memory, 1);
	cmdline = "a=b";
	module_count = 0;
	initrd = (struct blob){ 0 };
	reserved_count = 0;
	rsdp = 0;
}

static void finish(void)
{
	fake_vm_free(vm);
}

/* From a copy of exact size, so that a byte beyond is seen. */
static int load(void)
{
	u8 *copy = malloc(file_size ? file_size : 1);
	struct load_request request = { .kernel = { copy, file_size, "k.elf", NULL },
					.cmdline = cmdline,
					.initrd = initrd,
					.modules = modules,
					.module_count = module_count,
					.reserved = reserved,
					.reserved_count = reserved_count,
					.acpi_rsdp = rsdp };
	int result;

	memcpy(copy, file, file_size);
	error[0] = 0;
	result = load_kernel(vm, &request, error, sizeof(error));
	free(copy);
	return result;
}

static bool refused(const char *text)
{
	int result = load();

	if (result == -HOST_EINVAL && strstr(error, text) && strchr(error, ':'))
		return true;
	printf("\n  wanted \"%s\", got %d \"%s\"", text, result, error);
	return false;
}

static u64 guest(u64 at, unsigned bytes)
{
	u64 value = 0;

	CU_ASSERT_EQUAL(memory_read(vm, gpa(at), &value, bytes), 0);
	return value;
}

static bool guest_says(u64 at, const char *text)
{
	char buf[128] = "";

	memory_read(vm, gpa(at), buf, strlen(text) + 1);
	return strcmp(buf, text) == 0;
}

/* ---- Kernels ------------------------------------------------------------------ */

#define CODE 0x100000ull
#define DATA 0x300000ull

static void make_elf32(void)
{
	memset(file, 0, sizeof(file));
	file_size = 0x400;
	put(0, 4, 0x464c457f);
	put(4, 4, 0x010101);
	put(16, 2, 2);		 /* executable */
	put(18, 2, 3);		 /* 386 */
	put(24, 4, CODE + 0x20); /* entry */
	put(28, 4, 52);		 /* program headers */
	put(42, 2, 32);
	put(44, 2, 2);
	/* type, offset, vaddr, paddr, filesz, memsz */
	put(52, 4, 1), put(56, 4, 0x100), put(60, 4, CODE), put(64, 4, CODE);
	put(68, 4, 0x200), put(72, 4, 0x1000);
	put(84, 4, 1), put(88, 4, 0x300), put(92, 4, DATA), put(96, 4, DATA);
	put(100, 4, 0x100), put(104, 4, 0x100);
	put_multiboot(0x100, 3);
	put(0x120, 4, 0xfeeb);
	put(0x300, 4, 0x12345678);
}

static void make_elf64(void)
{
	memset(file, 0, sizeof(file));
	file_size = 0x300;
	put(0, 4, 0x464c457f);
	put(4, 4, 0x010102);
	put(16, 2, 2);
	put(18, 2, 62);
	put(24, 8, 0xffffffff80100020); /* entry, linked high */
	put(32, 8, 64);
	put(54, 2, 56);
	put(56, 2, 1);
	put(64, 4, 1), put(72, 8, 0x100), put(80, 8, 0xffffffff80100000), put(88, 8, CODE);
	put(96, 8, 0x200), put(104, 8, 0x3000);
	put_multiboot(0x100, 1);
	put(0x120, 4, 0xfeeb);
}

/* header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr behind the header at 0x40 */
static void make_flat(u32 load_end, u32 bss_end)
{
	memset(file, 0, sizeof(file));
	file_size = 0x1000;
	put_multiboot(0x40, 0x10000);
	put(0x4c, 4, CODE + 0x20), put(0x50, 4, CODE), put(0x54, 4, load_end);
	put(0x58, 4, bss_end), put(0x5c, 4, CODE + 0x60);
	put(0x80, 4, 0xfeeb);
}

static void make_linux(void)
{
	memset(file, 0, sizeof(file));
	file_size = 0x400 + 0x1000;
	put(0x1f1, 1, 1);     /* one setup sector */
	put(0x1f4, 4, 0x100); /* syssize */
	put(0x1fe, 2, 0xaa55);
	put(0x200, 2, 0x66eb); /* header ends at 0x268 */
	put(0x202, 4, 0x53726448);
	put(0x206, 2, 0x20f);
	put(0x211, 1, 1);
	put(0x22c, 4, 0x7fffffff);
	put(0x230, 4, 0x200000);
	put(0x234, 1, 1);
	put(0x236, 2, 1);
	put(0x238, 4, 2047);
	put(0x258, 8, 0x1000000);
	put(0x260, 4, 0x300000);
	put(0x600, 4, 0xfeeb);
	put(0x400 + 0xffc, 4, 0xabcdef01);
}

struct damage {
	unsigned at, bytes;
	u64 value;
	const char *text;
};

static void all_refused(void (*make)(void), const struct damage *d, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		make();
		put(d[i].at, d[i].bytes, d[i].value);
		CU_ASSERT(refused(d[i].text));
	}
	make();
	CU_ASSERT_EQUAL(load(), 0); /* and without damage it loads */
}

/* ---- Bad ones ------------------------------------------------------------------- */

static void test_no_kernel(void)
{
	start(MiB(8));
	memset(file, 0, sizeof(file));
	for (file_size = 0; file_size < 0x300; file_size++)
		CU_ASSERT(refused("no 0x1badb002 in the first 8192"));
	make_flat(0, 0);
	put_multiboot(0x41, 0x10000); /* not aligned */
	put(0x40, 1, 0);
	CU_ASSERT(refused("no 0x1badb002"));
	make_flat(0, 0);
	put(0x48, 4, 1);
	CU_ASSERT(refused("wrong checksum"));
	memset(file, 0, sizeof(file));
	file_size = FILE_SIZE;
	put_multiboot(0x1ff4, 0x10000); /* addresses beyond 8 KiB */
	CU_ASSERT(refused("cut off"));
	CU_ASSERT_EQUAL(strncmp(error, "k.elf: ", 7), 0);
	finish();
}

static void test_bad_multiboot_flags(void)
{
	start(MiB(8));
	make_elf32();
	for (unsigned bit = 3; bit < 16; bit++) {
		put_multiboot(0x100, BIT(bit) | 3);
		CU_ASSERT(refused("features that nobody knows"));
	}
	put_multiboot(0x100, BIT(17) | BIT(31)); /* optional ones */
	CU_ASSERT_EQUAL(load(), 0);
	file[0] = 0;
	CU_ASSERT(refused("no ELF"));
	finish();
}

static void test_bad_elf32(void)
{
	static const struct damage d[] = {
		{ 4, 1, 3, "class 3" },
		{ 5, 1, 2, "not little-endian" },
		{ 16, 2, 3, "type 3" },
		{ 18, 2, 40, "machine 40" },
		{ 24, 4, 0xdead0000, "entry point 0xdead0000" },
		{ 24, 4, 0x101000, "entry point 0x101000" },
		{ 28, 4, 0x3f0, "beyond the file's end" },
		{ 28, 4, 0xffffffff, "beyond the file's end" },
		{ 42, 2, 31, "of 31 bytes" },
		{ 42, 2, 0xffff, "beyond the file's end" },
		{ 44, 2, 0, "0 ELF program headers" },
		{ 44, 2, 0xffff, "65535 ELF program headers" },
		{ 44, 2, 64, "" },
		{ 56, 4, 0x300, "the file ends at 0x400" },
		{ 56, 4, 0xffffffff, "the file ends at 0x400" },
		{ 64, 4, 0xa0000, "not inside usable memory" },
		{ 64, 4, 0x9fb00, "not inside usable memory" },
		{ 64, 4, 0x7ff001, "not inside usable memory" },
		{ 64, 4, 0xfffffff0, "beyond 4 GiB" },
		{ 64, 4, DATA - 0xfff, "overlaps" },
		{ 68, 4, 0x1001, "0x1001 bytes in the file, 0x1000 in memory" },
		{ 68, 4, 0xffffffff, "in the file" },
		{ 72, 4, 0xffffffff, "beyond 4 GiB" },
		{ 72, 4, 0x700001, "not inside usable memory" },
		{ 72, 4, 0x200001, "overlaps" },
		{ 96, 4, CODE + 0xfff, "overlaps" },
	};

	start(MiB(8));
	all_refused(make_elf32, d, ARRAY_SIZE(d));
	for (make_elf32(), file_size = 0x10c; file_size < 0x400; file_size += 4)
		CU_ASSERT(refused("the file ends"));
	finish();
}

static void test_bad_elf64(void)
{
	static const struct damage d[] = {
		{ 18, 2, 3, "machine 3" },
		{ 18, 2, 183, "machine 183" },
		{ 24, 8, BIT(40), "entry point 0x10000000000" },
		{ 32, 8, ~0ull, "beyond the file's end" },
		{ 32, 8, ~0ull - 55, "beyond the file's end" },
		{ 54, 2, 32, "of 32 bytes" },
		{ 72, 8, ~0ull, "the file ends" },
		{ 88, 8, ~0ull, "beyond 4 GiB" },
		{ 88, 8, GiB(4), "beyond 4 GiB" },
		{ 96, 8, ~0ull, "in the file" },
		{ 104, 8, ~0ull, "beyond 4 GiB" },
		{ 104, 8, GiB(4) - CODE, "not inside usable memory" },
	};

	start(MiB(8));
	all_refused(make_elf64, d, ARRAY_SIZE(d));
	finish();
}

static void good_flat(void)
{
	make_flat(CODE + 0xfe0, CODE + 0x2000);
}

static void test_bad_flat(void)
{
	static const struct damage d[] = {
		{ 0x4c, 4, CODE - 4, "do not fit" },	/* header_addr below load_addr */
		{ 0x4c, 4, CODE + 0x44, "do not fit" }, /* image starts before the file */
		{ 0x50, 4, 0, "do not fit" },
		{ 0x50, 4, CODE + 0x24, "do not fit" },
		{ 0x54, 4, CODE, "not above load_addr" },
		{ 0x54, 4, CODE + 0xfe1, "the file ends" },
		{ 0x54, 4, 0xffffffff, "below the image's end" },
		{ 0x58, 4, CODE + 0xfdf, "below the image's end" },
		{ 0x58, 4, 0xffffffff, "not inside usable memory" },
		{ 0x5c, 4, CODE + 0x2000, "entry point" },
		{ 0x5c, 4, 0, "entry point" },
	};

	start(MiB(8));
	all_refused(good_flat, d, ARRAY_SIZE(d));
	finish();
}

static void test_bad_linux(void)
{
	static const struct damage d[] = {
		{ 0x1f1, 1, 40, "setup sectors" },
		{ 0x1f1, 1, 2, "cut off" },
		{ 0x1f4, 4, 0, "no kernel" },
		{ 0x1f4, 4, 0x101, "cut off" },
		{ 0x1f4, 4, 0xffffffff, "cut off" },
		{ 0x1fe, 2, 0, "boot flag 0x0" },
		{ 0x201, 1, 0x61, "header ends at 0x263" },
		{ 0x201, 1, 0x8f, "header ends at 0x291" },
		{ 0x201, 1, 0x5f, "header ends at 0x261, not in 0x264" },
		{ 0x206, 2, 0x201, "boot protocol 2.01" },
		{ 0x206, 2, 0, "boot protocol 0.00" },
		{ 0x211, 1, 0, "zImage" },
		{ 0x230, 4, 0, "power of two" },
		{ 0x230, 4, 0x300000, "power of two" },

		{ 0x238, 4, 2, "command line of 3 bytes; it takes 2" },
		{ 0x260, 4, 0xffffffff, "it needs 0xffffffff bytes" },
		{ 0x260, 4, 0x2000000, "it needs 0x2000000 bytes" },
	};
	char name[] = "m.img";

	start(MiB(32));
	cmdline = "a=b";
	all_refused(make_linux, d, ARRAY_SIZE(d));
	put(0x234, 1, 0); /* not relocatable */
	put(0x258, 8, 0x10000);
	CU_ASSERT(refused("at 0x10000,"));
	put(0x258, 8, ~0ull);
	CU_ASSERT(refused("memory ends at 0x2000000"));
	make_linux();
	for (file_size = 0x206; file_size < 0x400; file_size += 7)
		CU_ASSERT_EQUAL(load(), -HOST_EINVAL);
	make_linux();
	initrd = (struct blob){ file, MiB(32), name, NULL }; /* never read: it does not fit */
	CU_ASSERT(refused("does not fit"));
	CU_ASSERT_EQUAL(strncmp(error, "m.img: ", 7), 0);
	initrd = (struct blob){ 0 };
	modules[0] = (struct blob){ file, 16, name, "" };
	module_count = 1;
	CU_ASSERT(refused("module"));
	finish();
}

static void test_bad_modules(void)
{
	char name[] = "m.bin";

	start(MiB(8));
	make_elf32();
	modules[0] = (struct blob){ file, MiB(8), name, "x" };
	module_count = 1;
	CU_ASSERT(refused("does not fit"));
	CU_ASSERT_EQUAL(strncmp(error, "m.bin: ", 7), 0);
	modules[0].size = ~0ull;
	CU_ASSERT(refused("does not fit"));
	module_count = 0;
	initrd = (struct blob){ file, 16, name, NULL };
	CU_ASSERT(refused("for Linux"));
	finish();
}

/* Firmware is bytes as well. */
static void test_bad_firmware(void)
{
	static const u64 sizes[] = { 0, 1, KiB(64) - 1, KiB(60), KiB(128) - 1, KiB(128) + 1,
				     MiB(2) + KiB(4), ~0ull, ALIGN_DOWN(~0ull, PAGE_SIZE) };
	static u8 image[KiB(128)];
	struct blob rom = { image, 0, "bios.bin", NULL };
	u8 byte;

	start(MiB(8));
	image[sizeof(image) - 16] = 0xea;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		rom.size = sizes[i];
		CU_ASSERT_EQUAL(load_firmware(vm, &rom, error, sizeof(error)), -HOST_EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(error, "bios.bin: 0x"));
		CU_ASSERT_PTR_NOT_NULL(strstr(error, "no ROM"));
	}
	rom.size = sizeof(image);
	fake_host.allocations_left = 0;
	CU_ASSERT_EQUAL(load_firmware(vm, &rom, error, sizeof(error)), -HOST_ENOMEM);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "bios.bin: no memory is left"));
	fake_host.allocations_left = ~0ull;
	image[sizeof(image) - 16] = 0; /* an empty file, erased flash */
	CU_ASSERT_EQUAL(load_firmware(vm, &rom, error, sizeof(error)), -HOST_EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "nothing at offset 0x1fff0"));
	memset(image, 0xff, sizeof(image));
	CU_ASSERT_EQUAL(load_firmware(vm, &rom, error, sizeof(error)), -HOST_EINVAL);
	/* None of them left anything. */
	CU_ASSERT_EQUAL(memory_read(vm, gpa(GiB(4) - 1), &byte, 1), -HOST_EINVAL);
	CU_ASSERT(memory_is_ram(vm, gpa(0xf0000), KiB(64)));
	finish();
}

/* The machine's memory is at its end: said so, and it is not the file's fault. */
static void test_no_memory(void)
{
	start(MiB(32));
	make_linux();
	fake_host.allocations_left = 0;
	CU_ASSERT_EQUAL(load(), -HOST_ENOMEM);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "no memory is left"));
	fake_host.allocations_left = 2;
	CU_ASSERT_EQUAL(load(), -HOST_ENOMEM);
	fake_host.allocations_left = ~0ull;
	CU_ASSERT_EQUAL(load(), 0);
	finish();
}

/* Whatever happens to its bytes: loaded, or refused with a sentence; never a byte out of place. */
static void test_damage(void)
{
	void (*const make[])(void) = { make_elf32, make_elf64, good_flat, make_linux };
	static u8 initrd_bytes[5000];
	unsigned loaded = 0, refusals = 0, silent = 0;

	srand(1);
	for (unsigned i = 0; i < 12000; i++) {
		unsigned flips = 1 + (unsigned)rand() % 6;

		if (i % 400 == 0)
			start(MiB(i % 800 ? 8 : 20));
		make[i % 4]();
		initrd = (struct blob){ 0 };
		reserved_count = i / 4 % 3;
		reserved[0] = (struct load_reserved){ 0x9fc00, 0x9fe00, LOAD_RESERVED, "mp" };
		reserved[1] = (struct load_reserved){ MiB(7), MiB(7) + 100, LOAD_ACPI, "acpi" };
		if (i % 8 == 3)
			initrd = (struct blob){ initrd_bytes, sizeof(initrd_bytes), "i", NULL };
		for (unsigned n = 0; n < flips; n++) {
			unsigned at = (unsigned)rand() % (i % 4 == 3 ? 0x90 : 0x120);

			if (i % 4 == 3)
				at += 0x1f0;
			file[at] = rand() % 2 ? (u8)rand() : (u8)(file[at] ^ (1u << rand() % 8));
		}
		if (rand() % 8 == 0)
			file_size = (unsigned)rand() % (unsigned)(file_size + 1);
		if (load()) {
			refusals++;
			silent += strlen(error) < 10;
		} else {
			loaded++;
		}
		if (i % 400 == 399)
			finish();
	}
	CU_ASSERT(loaded > 1000);
	CU_ASSERT(refusals > 1000);
	CU_ASSERT_EQUAL(silent, 0);
}

/* ---- Good ones ------------------------------------------------------------------ */

static void test_elf32(void)
{
	static u8 one[5000], two[3];
	struct vcpu *v;
	u64 info, list;

	start(MiB(8));
	v = vm->vcpu[0];
	make_elf32();
	one[4999] = 0x77;
	modules[0] = (struct blob){ one, sizeof(one), "one", "one -x" };
	modules[1] = (struct blob){ two, sizeof(two), "two", NULL };
	module_count = 2;
	CU_ASSERT_EQUAL(memory_write(vm, gpa(CODE + 0x800), "old", 4), 0);
	CU_ASSERT_EQUAL_FATAL(load(), 0);

	CU_ASSERT_EQUAL(v->regs.r[REG_RAX], 0x2badb002);
	CU_ASSERT_EQUAL(v->regs.rip, CODE + 0x20);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cr0 & (CR0_PE | CR0_PG), CR0_PE);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.seg[SEG_DS].limit, 0xffffffff);
	CU_ASSERT(!(v->regs.rflags & RFLAGS_IF));
	CU_ASSERT_EQUAL(guest(CODE, 4), 0x1badb002);
	CU_ASSERT_EQUAL(guest(CODE + 0x20, 4), 0xfeeb);
	CU_ASSERT_EQUAL(guest(CODE + 0x800, 4), 0); /* its bss */
	CU_ASSERT_EQUAL(guest(DATA, 4), 0x12345678);

	info = v->regs.r[REG_RBX];
	CU_ASSERT_EQUAL(info, 0x9000);
	CU_ASSERT_EQUAL(guest(info, 4), BIT(0) | BIT(1) | BIT(2) | BIT(3) | BIT(6) | BIT(9));
	CU_ASSERT_EQUAL(guest(info + 12, 4), 0x80ffffff);
	CU_ASSERT_EQUAL(guest(info + 4, 4), 639);
	CU_ASSERT_EQUAL(guest(info + 8, 4), 7 * 1024);
	CU_ASSERT(guest_says(guest(info + 16, 4), "a=b"));
	CU_ASSERT(guest_says(guest(info + 64, 4), "Espejo"));
	CU_ASSERT_EQUAL(guest(info + 20, 4), 2);
	list = guest(info + 24, 4);
	CU_ASSERT_EQUAL(guest(list, 4) % PAGE_SIZE, 0);
	CU_ASSERT(guest(list, 4) >= CODE + 0x1000);
	CU_ASSERT_EQUAL(guest(list + 4, 4) - guest(list, 4), 5000);
	CU_ASSERT_EQUAL(guest(guest(list, 4) + 4999, 1), 0x77);
	CU_ASSERT(guest_says(guest(list + 8, 4), "one -x"));
	CU_ASSERT_EQUAL(guest(list + 16, 4) % PAGE_SIZE, 0);
	CU_ASSERT(guest(list + 16, 4) >= guest(list + 4, 4));
	CU_ASSERT(guest_says(guest(list + 24, 4), ""));
	/* What old code looks for in the BIOS data area. */
	CU_ASSERT_EQUAL(guest(0x413, 2), 639);
	CU_ASSERT_EQUAL(guest(0x40e, 2), 0x9fc0);
	CU_ASSERT_EQUAL(guest(0x9fc00, 1), 1); /* KiB of the EBDA */
	CU_ASSERT_EQUAL(guest(0x449, 1), 3);
	CU_ASSERT_EQUAL(guest(0x44a, 2), 80);
	CU_ASSERT_EQUAL(guest(0x463, 2), 0x3d4);
	CU_ASSERT_EQUAL(guest(0x484, 1), 24);
	finish();
}

/* Real mode: vectors into a ROM, which a reset finds below 4 GiB, too. */
static void test_rom(void)
{
	u64 at, gdt;

	start(MiB(8));
	make_elf32();
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	for (unsigned n = 0; n < 0x78; n++) {
		CU_ASSERT_EQUAL(guest(4 * n + 2, 2), 0xf000);
		CU_ASSERT(guest(4 * n, 2) >= 0xf000);
	}
	CU_ASSERT_EQUAL(guest(4 * 0x78, 4), 0);
	CU_ASSERT_EQUAL(guest(0xf0000 + guest(0, 2), 1), 0xcf); /* iret */
	CU_ASSERT_EQUAL(guest(0xffff0, 1), 0xea); /* ljmp */
	CU_ASSERT_EQUAL(guest(0xffff0, 8), guest(0xfffffff0, 8));
	/* INT 15h, E820 tells the map of multiboot. */
	at = vm->vcpu[0]->regs.r[REG_RBX];
	CU_ASSERT_EQUAL(guest(0xf0000 + guest(ROM_BASE + 4, 2), 2), guest(at + 44, 4) / 24);
	CU_ASSERT_EQUAL(guest(0xf0000 + guest(ROM_BASE + 6, 2) + 8, 8), 0x9fc00);
	/* Descriptors and a stack, of which kernels do not ask who made them. */
	gdt = vm->vcpu[0]->state.gdtr.base;
	CU_ASSERT_EQUAL(vm->vcpu[0]->state.gdtr.limit, 39);
	CU_ASSERT_EQUAL(guest(gdt + vm->vcpu[0]->state.seg[SEG_CS].selector, 8),
			0x00cf9b000000ffff);
	CU_ASSERT_EQUAL(guest(gdt + vm->vcpu[0]->state.seg[SEG_DS].selector, 8),
			0x00cf93000000ffff);
	CU_ASSERT_EQUAL(vm->vcpu[0]->state.idtr.limit, 0x3ff);
	CU_ASSERT(vm->vcpu[0]->regs.r[REG_RSP] >= 0x1000 && vm->vcpu[0]->regs.r[REG_RSP] < 0x9000);
	finish();
}

/* Whatever mode it wants, it hears of the text mode; who does not ask does not. */
static void test_video(void)
{
	u64 info;

	start(MiB(8));
	make_elf32();
	put_multiboot(0x100, 4);
	put(0x100 + 32, 4, 0), put(0x100 + 36, 4, 1024); /* graphics, so wide */
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	info = vm->vcpu[0]->regs.r[REG_RBX];
	CU_ASSERT(guest(info, 4) & BIT(12));
	CU_ASSERT(!(guest(info, 4) & BIT(11)));
	CU_ASSERT_EQUAL(guest(info + 88, 8), 0xb8000);
	CU_ASSERT_EQUAL(guest(info + 96, 4), 160);
	CU_ASSERT_EQUAL(guest(info + 100, 4), 80);
	CU_ASSERT_EQUAL(guest(info + 104, 4), 25);
	CU_ASSERT_EQUAL(guest(info + 108, 1), 16);
	CU_ASSERT_EQUAL(guest(info + 109, 1), 2);
	make_elf32();
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	info = vm->vcpu[0]->regs.r[REG_RBX];
	CU_ASSERT(!(guest(info, 4) & (BIT(11) | BIT(12))));
	finish();
}

static bool has_area(const struct load_area *areas, unsigned n, u64 from, u64 to, u32 type)
{
	for (unsigned i = 0; i < n; i++)
		if (areas[i].base == from && areas[i].base + areas[i].size == to &&
		    areas[i].type == type)
			return true;
	return false;
}

static void test_reserved_map(void)
{
	static const struct load_reserved r[] = {
		{ 0x1000, 0x2000, LOAD_NVS, "nvs" },
		{ 0x9f000, 0x9fd00, LOAD_RESERVED, "mp" }, /* into the EBDA, which is reserved */
		{ MiB(1), MiB(1) + 0x123, LOAD_ACPI, "low" },
		{ MiB(8) - KiB(64), MiB(8), LOAD_ACPI, "top" },
		{ MiB(9), MiB(10), LOAD_ACPI, "where nothing is" },
		{ 0xe0000, 0xe1000, LOAD_ACPI, "no RAM for anybody anyway" },
		{ MiB(2), MiB(2), LOAD_ACPI, "nothing" },
		{ MiB(3), MiB(4), LOAD_RESERVED, "middle" },
	};
	struct load_area areas[LOAD_AREAS];
	unsigned n;
	u64 last = 0;

	start(MiB(8));
	n = load_map(vm, r, ARRAY_SIZE(r), areas);
	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT(areas[i].size > 0);
		CU_ASSERT(areas[i].base >= last);
		last = areas[i].base + areas[i].size;
	}
	CU_ASSERT(has_area(areas, n, 0, 0x1000, LOAD_USABLE));
	CU_ASSERT(has_area(areas, n, 0x1000, 0x2000, LOAD_NVS));
	CU_ASSERT(has_area(areas, n, 0x2000, 0x9f000, LOAD_USABLE));
	CU_ASSERT(has_area(areas, n, 0x9f000, 0x9fc00, LOAD_RESERVED));
	CU_ASSERT(has_area(areas, n, 0x9fc00, 0xa0000, LOAD_RESERVED));
	CU_ASSERT(has_area(areas, n, MiB(1), MiB(1) + 0x123, LOAD_ACPI));
	CU_ASSERT(has_area(areas, n, MiB(1) + 0x123, MiB(3), LOAD_USABLE));
	CU_ASSERT(has_area(areas, n, MiB(4), MiB(8) - KiB(64), LOAD_USABLE));
	CU_ASSERT(has_area(areas, n, MiB(8) - KiB(64), MiB(8), LOAD_ACPI));
	CU_ASSERT_EQUAL(n, load_map(vm, NULL, 0, areas) + 7);
	finish();
}

/* What is reserved is not touched, not even by the loader's own clearing, and not loaded over. */
static void test_reserved(void)
{
	static u8 module[MiB(1)];
	u64 info, list;

	start(MiB(8));
	reserved[0] = (struct load_reserved){ 0x9fc00, 0x9fc40, LOAD_RESERVED, "the MP table" };
	reserved[1] = (struct load_reserved){ MiB(2), MiB(2) + 0x1000, LOAD_ACPI, "ACPI's tables" };
	reserved[2] = (struct load_reserved){ 0x9000, 0xa000, LOAD_NVS, "something" };
	reserved_count = 3;
	memory_write(vm, gpa(0x9fc10), "_MP_", 4);
	memory_write(vm, gpa(0x9fc40), "old", 4);
	memory_write(vm, gpa(MiB(2)), "RSDT", 4);
	make_elf32();
	modules[0] = (struct blob){ module, sizeof(module), "m", NULL };
	module_count = 1;
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	CU_ASSERT(guest_says(0x9fc10, "_MP_"));
	CU_ASSERT_EQUAL(guest(0x9fc40, 4), 0);
	CU_ASSERT(guest_says(MiB(2), "RSDT"));
	info = vm->vcpu[0]->regs.r[REG_RBX];
	CU_ASSERT(info >= 0xa000);
	CU_ASSERT_EQUAL(guest(info + 8, 4), KiB(1)); /* up to the first hole */
	list = guest(info + 24, 4);
	CU_ASSERT(guest(list, 4) >= MiB(2) + 0x1000); /* there is no room for it below */
	put(92, 4, MiB(2)), put(96, 4, MiB(2)); /* a segment in the tables */
	CU_ASSERT(refused("a segment at 0x200000-0x200100 overlaps ACPI's tables"));
	make_elf32();
	put(24, 4, MiB(2) + 8); /* the entry */
	CU_ASSERT(refused("entry point 0x200008"));
	make_linux();
	module_count = 0;
	reserved[2] = (struct load_reserved){ 0x11000, 0x12000, LOAD_NVS, "something" };
	CU_ASSERT(refused("overlaps something at 0x11000"));
	finish();
}

static void test_firmware(void)
{
	static u8 image[KiB(256)];
	struct blob rom = { image, sizeof(image), "bios.bin", NULL };
	struct vcpu *v;

	start(MiB(8));
	v = vm->vcpu[0];
	for (unsigned i = 0; i < sizeof(image); i++)
		image[i] = (u8)(i / 7 + i / 4096);
	CU_ASSERT_EQUAL_FATAL(load_firmware(vm, &rom, error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(guest(GiB(4) - 16, 8), load64(image + sizeof(image) - 16));
	CU_ASSERT_EQUAL(guest(GiB(4) - sizeof(image), 8), load64(image));
	CU_ASSERT_EQUAL(guest(MiB(1) - 16, 8), load64(image + sizeof(image) - 16));
	CU_ASSERT_EQUAL(guest(0xe0000, 8), load64(image + KiB(128)));
	CU_ASSERT(!memory_is_ram(vm, gpa(0xe0000), 1));
	CU_ASSERT_PTR_NULL(memory_view(vm, gpa(0xdffff), 1)); /* option ROMs: none */
	CU_ASSERT_EQUAL(memory_write(vm, gpa(0xf0000), "lost", 4), 0);
	CU_ASSERT_EQUAL(guest(0xf0000, 8), load64(image + KiB(192)));
	/* The vCPU as reset leaves it: CS:IP is f000:fff0, at 0xfffffff0. */
	vcpu_reset(v);
	CU_ASSERT_EQUAL(v->state.seg[SEG_CS].base + v->regs.rip, GiB(4) - 16);
	finish();
}

/* The map: in order, without overlap, exactly the RAM there is. */
static void check_map(u64 memory)
{
	u64 info, at, end, usable = 0, last = 0;

	start(memory);
	make_elf32();
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	info = vm->vcpu[0]->regs.r[REG_RBX];
	at = guest(info + 48, 4);
	end = at + guest(info + 44, 4);
	CU_ASSERT(end > at);
	for (; at < end; at += 4 + guest(at, 4)) {
		u64 base = guest(at + 4, 8), size = guest(at + 12, 8);

		CU_ASSERT_EQUAL(guest(at, 4), 20);
		CU_ASSERT(base >= last);
		last = base + size;
		if (guest(at + 20, 4) == 1) {
			usable += size;
			CU_ASSERT(memory_is_ram(vm, gpa(base), size));
		}
	}
	CU_ASSERT_EQUAL(at, end);
	CU_ASSERT_EQUAL(usable, memory - (MiB(1) - 0x9fc00));
	finish();
}

static void test_map(void)
{
	check_map(MiB(8));
	check_map(MiB(2) + MiB(2));
}

static void test_elf64(void)
{
	start(MiB(8));
	make_elf64();
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	CU_ASSERT_EQUAL(vm->vcpu[0]->regs.rip, CODE + 0x20); /* a virtual entry, taken physically */
	CU_ASSERT_EQUAL(guest(CODE + 0x20, 4), 0xfeeb);
	finish();
}

static void test_flat(void)
{
	start(MiB(8));
	make_flat(0, 0);
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	CU_ASSERT_EQUAL(vm->vcpu[0]->regs.rip, CODE + 0x60);
	CU_ASSERT_EQUAL(guest(CODE + 0x60, 4), 0xfeeb);
	good_flat();
	CU_ASSERT_EQUAL(memory_write(vm, gpa(CODE + 0x1ff0), "old", 4), 0);
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	CU_ASSERT_EQUAL(guest(CODE + 0x1ff0, 4), 0);
	finish();
}

/* A kernel where the information would lie: it goes elsewhere. */
static void test_low_kernel(void)
{
	u64 info;

	start(MiB(8));
	make_flat(0, 0);
	put(0x4c, 4, 0x8020), put(0x50, 4, 0x8000), put(0x58, 4, 0x90000), put(0x5c, 4, 0x8060);
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	info = vm->vcpu[0]->regs.r[REG_RBX];
	CU_ASSERT(info >= 0x90000);
	CU_ASSERT(guest_says(guest(info + 64, 4), "Espejo"));
	CU_ASSERT_EQUAL(guest(0x8060, 4), 0xfeeb);
	finish();
}

static void test_linux(void)
{
	static u8 bytes[5001];
	struct cpu_state *truth;
	struct vcpu *v;
	u64 zero, pml4, address, top;

	start(MiB(32));
	v = vm->vcpu[0];
	truth = &fake_vcpu(v)->truth;
	make_linux();
	bytes[5000] = 0x99;
	initrd = (struct blob){ bytes, sizeof(bytes), "i.img", NULL };
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	CU_ASSERT_EQUAL(v->regs.rip, 0x1000200);
	CU_ASSERT_EQUAL(guest(0x1000200, 4), 0xfeeb);
	CU_ASSERT_EQUAL(guest(0x1000ffc, 4), 0xabcdef01);
	zero = v->regs.r[REG_RSI];
	CU_ASSERT_EQUAL(guest(zero + 0x202, 4), 0x53726448);
	CU_ASSERT_EQUAL(guest(zero + 0x210, 1), 0xff);
	CU_ASSERT_EQUAL(guest(zero + 0x1fe, 2), 0xaa55);
	CU_ASSERT_EQUAL(guest(zero + 0x214, 4), 0x1000000);
	CU_ASSERT(guest_says(guest(zero + 0x228, 4), "a=b"));
	CU_ASSERT_EQUAL(guest(zero + 0, 4) | guest(zero + 0x1e9, 8), 0);
	CU_ASSERT_EQUAL(guest(zero + 0x70, 8), 0);
	/* A screen of 80x25 on a VGA */
	CU_ASSERT_EQUAL(guest(zero + 0x06, 2), 0x5003);
	CU_ASSERT_EQUAL(guest(zero + 0x0e, 2), 0x0119);
	/* The initrd: as high as it goes. */
	CU_ASSERT_EQUAL(guest(zero + 0x21c, 4), 5001);
	CU_ASSERT_EQUAL(guest(zero + 0x218, 4), MiB(32) - 0x2000);
	CU_ASSERT_EQUAL(guest(guest(zero + 0x218, 4) + 5000, 1), 0x99);
	/* E820 */
	CU_ASSERT_EQUAL(guest(zero + 0x1e8, 1), 6);
	CU_ASSERT_EQUAL(guest(zero + 0x2d0 + 8, 8), 0x9fc00);
	CU_ASSERT_EQUAL(guest(zero + 0x2d0 + 3 * 20, 8), MiB(1));
	CU_ASSERT_EQUAL(guest(zero + 0x2d0 + 3 * 20 + 8, 8), MiB(31));
	/* 64-bit mode, and the descriptors that it is in */
	CU_ASSERT_EQUAL(truth->efer & (EFER_LME | EFER_LMA), EFER_LME | EFER_LMA);
	CU_ASSERT_EQUAL(truth->cr0 & (CR0_PG | CR0_PE), CR0_PG | CR0_PE);
	CU_ASSERT(truth->seg[SEG_CS].attr & SEG_ATTR_L);
	CU_ASSERT_EQUAL(truth->seg[SEG_CS].selector, 0x10);
	CU_ASSERT_EQUAL(truth->seg[SEG_DS].selector, 0x18);
	CU_ASSERT_EQUAL(guest(truth->gdtr.base + 0x10, 8), 0x00af9b000000ffff);
	CU_ASSERT_EQUAL(guest(truth->gdtr.base + 0x18, 8), 0x00cf93000000ffff);
	CU_ASSERT_EQUAL(truth->gdtr.limit, 31);
	/* Identity for 4 GiB */
	pml4 = truth->cr3;
	for (address = 0; address < GiB(4); address += GiB(1) - MiB(2)) {
		u64 pdpt = guest(pml4, 8) & PTE_ADDR;
		u64 pd = guest(pdpt + (address >> 30) * 8, 8) & PTE_ADDR;
		u64 entry = guest(pd + (address >> 21 & 511) * 8, 8);

		CU_ASSERT_EQUAL(entry, (address & ~(MiB(2) - 1)) | PTE_P | PTE_W | PTE_PS);
	}
	/* initrd_addr_max holds */
	put(0x22c, 4, 0xffffff);
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	top = guest(zero + 0x218, 4) + 5001;
	CU_ASSERT(top <= 0x1000000 && top > 0x1000000 - 0x2000);
	finish();
}

/* Without a 64-bit entry: flat segments, no paging, begun at its first byte. */
static void test_linux32(void)
{
	struct cpu_state *truth;
	struct vcpu *v;

	start(MiB(32));
	v = vm->vcpu[0];
	truth = &fake_vcpu(v)->truth;
	make_linux();
	put(0x236, 2, 4);
	rsdp = 0xf5a40;
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	CU_ASSERT_EQUAL(v->regs.rip, 0x1000000);
	CU_ASSERT_EQUAL(truth->cr0 & (CR0_PE | CR0_PG), CR0_PE);
	CU_ASSERT_EQUAL(truth->efer & EFER_LME, 0);
	CU_ASSERT_EQUAL(truth->seg[SEG_CS].selector, 0x10);
	CU_ASSERT_EQUAL(truth->seg[SEG_CS].attr & SEG_ATTR_L, 0);
	CU_ASSERT_EQUAL(truth->seg[SEG_SS].selector, 0x18);
	CU_ASSERT_EQUAL(guest(truth->gdtr.base + 0x10, 8), 0x00cf9b000000ffff);
	CU_ASSERT_EQUAL(guest(truth->gdtr.base + 0x18, 8), 0x00cf93000000ffff);
	CU_ASSERT_EQUAL(v->regs.r[REG_RBP] | v->regs.r[REG_RDI] | v->regs.r[REG_RBX], 0);
	CU_ASSERT_EQUAL(guest(v->regs.r[REG_RSI] + 0x70, 8), 0xf5a40);
	CU_ASSERT(!(v->regs.rflags & RFLAGS_IF));
	finish();
}

/* Old headers are shorter: what they do not say is not taken from behind them. */
static void test_linux_old(void)
{
	static const struct {
		u16 version;
		u8 jump; /* to the header's end */
		u64 at;
	} old[] = {
		{ 0x20b, 0x62, 0x1000000 },
		{ 0x209, 0x3a, 0x100000 }, /* no preferred address */
		{ 0x206, 0x3a, 0x100000 },
		{ 0x205, 0x33, 0x100000 },
		{ 0x204, 0x2e, 0x100000 },
		{ 0x203, 0x2e, 0x100000 },
		{ 0x202, 0x2a, 0x100000 },
	};

	start(MiB(32));
	for (unsigned i = 0; i < ARRAY_SIZE(old); i++) {
		make_linux();
		put(0x206, 2, old[i].version);
		put(0x201, 1, old[i].jump);
		memset(file + 0x202 + old[i].jump, 0x5a, 0x290 - 0x202 - old[i].jump);
		CU_ASSERT_EQUAL(load(), 0);
		CU_ASSERT_EQUAL(vm->vcpu[0]->regs.rip, old[i].at); /* no 64-bit entry either */
		put(0x201, 1, old[i].jump - 1);
		CU_ASSERT(refused("header ends"));
	}
	finish();
}

static void test_linux_relocated(void)
{
	start(MiB(8)); /* 16 MiB does not exist */
	make_linux();
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	CU_ASSERT_EQUAL(vm->vcpu[0]->regs.rip, 0x200200);
	CU_ASSERT_EQUAL(guest(vm->vcpu[0]->regs.r[REG_RSI] + 0x214, 4), 0x200000);
	put(0x230, 4, 0x400000);
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	CU_ASSERT_EQUAL(vm->vcpu[0]->regs.rip, 0x400200);
	put(0x1f1, 1, 0); /* 0 means 4 sectors */
	put(0x1f4, 4, 0xa0);
	CU_ASSERT_EQUAL(load(), 0);
	finish();
}

void test_load_register(void)
{
	CU_pSuite suite = CU_add_suite("load", NULL, NULL);

	CU_add_test(suite, "no kernel at all", test_no_kernel);
	CU_add_test(suite, "multiboot flags", test_bad_multiboot_flags);
	CU_add_test(suite, "broken ELF32", test_bad_elf32);
	CU_add_test(suite, "broken ELF64", test_bad_elf64);
	CU_add_test(suite, "broken addresses in the header", test_bad_flat);
	CU_add_test(suite, "broken bzImage", test_bad_linux);
	CU_add_test(suite, "modules that do not fit", test_bad_modules);
	CU_add_test(suite, "broken firmware", test_bad_firmware);
	CU_add_test(suite, "the machine's memory runs out", test_no_memory);
	CU_add_test(suite, "random damage", test_damage);
	CU_add_test(suite, "ELF32, modules, information", test_elf32);
	CU_add_test(suite, "memory map", test_map);
	CU_add_test(suite, "memory map with reserved pieces", test_reserved_map);
	CU_add_test(suite, "reserved memory", test_reserved);
	CU_add_test(suite, "a screen", test_video);
	CU_add_test(suite, "a ROM", test_rom);
	CU_add_test(suite, "ELF64 linked high", test_elf64);
	CU_add_test(suite, "addresses in the header", test_flat);
	CU_add_test(suite, "a kernel in low memory", test_low_kernel);
	CU_add_test(suite, "bzImage", test_linux);
	CU_add_test(suite, "bzImage elsewhere", test_linux_relocated);
	CU_add_test(suite, "bzImage without a 64-bit entry", test_linux32);
	CU_add_test(suite, "bzImage of an older protocol", test_linux_old);
	CU_add_test(suite, "firmware", test_firmware);
}
