/*
 * fuzz_load.c - kernels, initrds, modules and firmware that nobody vouches for
 *
 * Input: what kind of file, which begins as a good one; its size, changes to it; then sizes of what
 * goes with it.  It is refused with a sentence, or the vCPU stands at something in RAM.
 */
#include "fuzz_vm.h"

#include <stdlib.h>
#include <string.h>

#include "vm/load.h"

#define FILE_MAX 12288u
#define BIG MiB(4) /* zeros: larger than the machine */
#define MODULES 4

enum kind { ELF32, ELF64, KLUDGE, BZIMAGE, FIRMWARE, ANYTHING, KINDS };

static u8 file[FILE_MAX];
static u8 *zeros;

static void put(u32 at, unsigned bytes, u64 value)
{
	memcpy(file + at, &value, bytes);
}

/* "Multiboot Specification version 0.6.96", "OS image format" (3.1) */
static void put_multiboot(u32 at, u32 flags)
{
	put(at, 4, 0x1badb002);
	put(at + 4, 4, flags);
}

static void make_elf(bool wide)
{
	put(0, 4, 0x464c457f);
	put(4, 4, wide ? 0x010102 : 0x010101);
	put(16, 2, 2); /* ET_EXEC */
	put(18, 2, wide ? 62 : 3);
	put(20, 4, 1);
	put_multiboot(0x200, 3);
	if (wide) {
		put(24, 8, 0x100200);
		put(32, 8, 64);
		put(52, 2, 64);
		put(54, 2, 56);
		put(56, 2, 1);
		put(64, 4, 1);
		put(68, 4, 7);
		put(72, 8, 0x200);
		put(80, 8, 0x100000);
		put(88, 8, 0x100000);
		put(96, 8, 0x800);
		put(104, 8, 0x2000);
	} else {
		put(24, 4, 0x100200);
		put(28, 4, 52);
		put(40, 2, 52);
		put(42, 2, 32);
		put(44, 2, 1);
		put(52, 4, 1);
		put(56, 4, 0x200);
		put(60, 4, 0x100000);
		put(64, 4, 0x100000);
		put(68, 4, 0x800);
		put(72, 4, 0x2000);
	}
}

static void make_kludge(void)
{
	put_multiboot(0x40, 0x10003);
	put(0x4c, 4, 0x100040); /* header, load, load end, bss end, entry */
	put(0x50, 4, 0x100000);
	put(0x54, 4, 0x100800);
	put(0x58, 4, 0x102000);
	put(0x5c, 4, 0x100100);
}

/* Linux "The Linux/x86 Boot Protocol", "The Real-Mode Kernel Header" */
static void make_bzimage(void)
{
	put(0x1f1, 1, 1);
	put(0x1f4, 4, 0x80);
	put(0x1fe, 2, 0xaa55);
	put(0x200, 2, 0x66eb);
	put(0x202, 4, 0x53726448);
	put(0x206, 2, 0x20f);
	put(0x211, 1, 1);
	put(0x214, 4, 0x100000);
	put(0x22c, 4, 0x7fffffff);
	put(0x230, 4, 0x1000);
	put(0x234, 1, 1);
	put(0x236, 2, 1);
	put(0x238, 4, 0x7ff);
	put(0x258, 8, 0x100000);
	put(0x260, 4, 0x4000);
}

static u32 make_file(enum kind kind, struct fuzz_input *in)
{
	u32 size = (u32)fuzz_take(in, 2) % FILE_MAX;

	memset(file, 0, sizeof(file));
	if (kind == ELF32 || kind == ELF64)
		make_elf(kind == ELF64);
	else if (kind == KLUDGE)
		make_kludge();
	else if (kind == BZIMAGE)
		make_bzimage();
	else if (kind == FIRMWARE)
		size &= ~0xfffu;
	return size ? size : 0x2000;
}

/* Where the headers are, or anywhere. */
static void change(struct fuzz_input *in, u32 size)
{
	u16 where = (u16)fuzz_take(in, 2);
	unsigned bytes = 1u << (where >> 14);
	u64 value = where & 0x2000 ? fuzz_take_number(in) : fuzz_take(in, bytes);

	where %= 0x2000;
	if (where + bytes <= size)
		put(where, bytes, value);
}

static void seal(u32 size)
{
	u32 word[2];

	for (u32 at = 0; at + 12 <= MIN(size, 8192u); at += 4) {
		memcpy(word, file + at, sizeof(word));
		if (word[0] == 0x1badb002)
			put(at + 8, 4, (u32)(0 - word[0] - word[1]));
	}
}

static void check_map(const struct vm *vm, const struct load_request *request)
{
	struct load_area area[LOAD_AREAS];
	unsigned n = load_map(vm, request->reserved, request->reserved_count, area);

	check(n && n <= LOAD_AREAS);
	for (unsigned i = 0; i < n; i++) {
		check(area[i].size && area[i].type);
		check(!i || area[i].base >= area[i - 1].base + area[i - 1].size);
	}
}

static void load(struct vm *vm, enum kind kind, const struct load_request *request)
{
	const struct cpu_state *s;
	char error[256];
	int result;
	u64 rip;

	memset(error, 0, sizeof(error));
	result = kind == FIRMWARE ? load_firmware(vm, &request->kernel, error, sizeof(error))
				  : load_kernel(vm, request, error, sizeof(error));
	check(!host_locked(&vm->lock));
	if (result) {
		check(result < 0 && error[0] && memchr(error, 0, sizeof(error)));
		check(strstr(error, request->kernel.name) || strstr(error, "initrd") ||
		      strstr(error, "module") || strstr(error, "memory"));
		return;
	}
	s = vcpu_state(vm->vcpu[0], STATE_ALL);
	rip = vm->vcpu[0]->regs.rip;
	check(kind == FIRMWARE || (s->cr0 & CR0_PE));
	check(kind == FIRMWARE || s->cpl == 0);
	if (s->cr0 & CR0_PG) /* Linux */
		check((s->efer & EFER_LMA) && memory_is_ram(vm, gpa(rip), 1) &&
		      memory_is_ram(vm, gpa(s->cr3), PAGE_SIZE));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	u8 options = (u8)fuzz_take(&in, 1);
	enum kind kind = (enum kind)((options & 7) % KINDS);
	struct vm *vm = fuzz_vm_begin(1, true);
	u32 file_size = make_file(kind, &in), changes = (u32)fuzz_take(&in, 1) % 32;
	struct blob modules[MODULES];
	struct load_reserved reserved[2] = { { 0x9fc00, 0xa0000, LOAD_RESERVED, "the EBDA" } };
	char cmdline[3000];
	struct load_request request = { .cmdline = cmdline,
					.modules = modules,
					.module_count = (unsigned)fuzz_take(&in, 1) % (MODULES + 1),
					.reserved = reserved,
					.reserved_count = options >> 6 & 1,
					.acpi_rsdp = options & 0x80 ? 0xf0000 : 0 };
	u64 initrd = options & 0x20 ? fuzz_take_number(&in) % BIG : 0;

	if (!zeros)
		zeros = calloc(1, BIG);
	memset(cmdline, 'x', sizeof(cmdline));
	cmdline[fuzz_take(&in, 2) % sizeof(cmdline)] = '\0';
	cmdline[sizeof(cmdline) - 1] = '\0';
	if (initrd)
		request.initrd = (struct blob){ zeros, initrd, "initrd.img", NULL };
	for (unsigned i = 0; i < request.module_count; i++)
		modules[i] = (struct blob){ zeros, fuzz_take_number(&in) % BIG, "module.bin",
					    i & 1 ? cmdline : "" };
	for (unsigned i = 0; i < changes; i++)
		change(&in, file_size);
	seal(file_size);
	request.kernel = (struct blob){ malloc(file_size), file_size, "k.elf", NULL };
	memcpy((u8 *)request.kernel.data, file, file_size);
	check_map(vm, &request);
	if (kind == FIRMWARE) {
		free((u8 *)request.kernel.data);
		request.kernel = (struct blob){ zeros, (u64)file_size << 8, "k.elf", NULL };
	}
	load(vm, kind, &request);
	if (kind != FIRMWARE)
		free((u8 *)request.kernel.data);
	return 0;
}
