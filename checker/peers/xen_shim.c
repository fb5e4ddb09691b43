/*
 * xen_shim.c - makes a multiboot kernel of Xen's PVH dom0
 *
 * Owns: from Xen's start info to a multiboot information structure; loading the kernel, which is
 * the first module (for Xen: dom0's ramdisk) as a 32-bit ELF file, to where it wants to be.
 * Must not know: which kernel it is.
 *
 * The kernel sees MEMORY_LIMIT bytes of RAM: the shim, and what it has copied, lie above.  Xen puts
 * the module and the start info wherever there is room, also where the kernel will be: so they are
 * copied first.
 *
 * Sources: Xen, xen/include/public/arch-x86/hvm/start_info.h, arch-x86/cpuid.h, memory.h; Multiboot
 * Specification 0.6.96, "Boot information format" (3.3); [ELF] "Program Header".
 */
#include <stddef.h>
#include <stdint.h>

#define START_MAGIC 0x336ec578u
#define CPUID_XEN 0x40000000u
#define XEN_1 0x566e6558u /* "XenVMMXenVMM" */
#define XEN_2 0x65584d4du
#define XEN_3 0x4d4d566eu
#define CALL_BYTES 32
#define CALL_MEMORY 12
#define MEMORY_MAP 9 /* XENMEM_memory_map */
#define PAGE 4096

#define MEMORY_LIMIT (96u << 20)
#define LOW_LIMIT (640u << 10)
#define MIB (1u << 20)
#define MODULE_MAX (4u << 20)
#define TEXT_MAX 2048
#define RANGES_MAX 32
#define TYPE_RAM 1
#define PT_LOAD 1
#define ELF_MAGIC 0x464c457fu
#define ELF_CLASS_32 1
#define FLAGS (1u << 0 | 1u << 2 | 1u << 6) /* sizes of memory, command line, memory map */
#define COM1 0x3f8
#define COM_LSR 5
#define LSR_EMPTY 0x20

struct start_info {
	uint32_t magic, version, flags, modules;
	uint64_t module_list, cmdline, rsdp;
};
_Static_assert(sizeof(struct start_info) == 40, "start info, version 0: dom0 has no more");

struct start_module {
	uint64_t start, size, cmdline, reserved;
};
_Static_assert(sizeof(struct start_module) == 32, "module list entry");

struct __attribute__((packed)) xen_range {
	uint64_t start, size;
	uint32_t type;
};
_Static_assert(sizeof(struct xen_range) == 20, "memory map entry");

struct xen_map {
	uint32_t count;
	struct xen_range *range;
};
_Static_assert(sizeof(struct xen_map) == 8, "XENMEM_memory_map of a 32-bit guest");

struct __attribute__((packed)) multiboot_range {
	uint32_t bytes; /* that follow */
	uint64_t start, size;
	uint32_t type;
};
_Static_assert(sizeof(struct multiboot_range) == 24, "multiboot memory map entry");

struct multiboot {
	uint32_t flags, lower, upper, boot_device, cmdline, modules, module_list, syms[4];
	uint32_t map_bytes, map;
};
_Static_assert(offsetof(struct multiboot, map_bytes) == 44, "multiboot information");

struct elf_header {
	uint32_t magic;
	uint8_t class, rest[11];
	uint16_t type, machine;
	uint32_t version, entry, segments_at, sections_at, flags;
	uint16_t size, segment_size, segments;
};
_Static_assert(offsetof(struct elf_header, segments) == 44, "ELF header");

struct elf_segment {
	uint32_t type, offset, address, physical, in_file, in_memory, flags, align;
};
_Static_assert(sizeof(struct elf_segment) == 32, "ELF program header");

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

void xen_shim(uint32_t address);
void __attribute__((noreturn)) xen_leave(uint32_t entry, uint32_t information);
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int byte, size_t n);

static uint8_t kernel[MODULE_MAX] __attribute__((aligned(16)));
static uint8_t calls[PAGE] __attribute__((aligned(PAGE)));
static char text[TEXT_MAX];
static struct multiboot_range ranges[RANGES_MAX];
static struct multiboot info;

/* The compiler may call these two. */
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	void *end = to;

	__asm__ volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(n)::"memory");
	return to;
}

void *memset(void *to, int byte, size_t n)
{
	void *end = to;

	__asm__ volatile("rep stosb" : "+D"(end), "+c"(n) : "a"(byte) : "memory");
	return to;
}

static uint8_t in(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* Says why, and waits: the run's time limit ends it. */
static void __attribute__((noreturn)) give_up(const char *why)
{
	for (; *why; why++) {
		while (!(in(COM1 + COM_LSR) & LSR_EMPTY))
			;
		__asm__ volatile("outb %0, %1" ::"a"(*why), "Nd"((uint16_t)COM1));
	}
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* ---- Calls: dom0 must ask for its memory map ------------------------------------------- */

static struct cpuid cpuid(uint32_t leaf)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(0));
	return r;
}

/* Xen writes the instructions of its calls into a page of ours. */
static void map_calls(void)
{
	struct cpuid r = cpuid(CPUID_XEN);

	if (r.ebx != XEN_1 || r.ecx != XEN_2 || r.edx != XEN_3)
		give_up("shim: this is not Xen\n");
	__asm__ volatile("wrmsr" ::"c"(cpuid(CPUID_XEN + 2).ebx), "a"(calls), "d"(0) : "memory");
}

static uint32_t memory_call(uint32_t what, void *argument)
{
	uint32_t result;

	__asm__ volatile("call *%3"
			 : "=a"(result), "+b"(what), "+c"(argument)
			 : "r"(calls + CALL_BYTES * CALL_MEMORY)
			 : "memory");
	return result;
}

/* ---- What a multiboot loader tells ------------------------------------------------------ */

static void copy_text(const char *from)
{
	size_t n = 0;

	for (; from && from[n] && n < TEXT_MAX - 1; n++)
		text[n] = from[n];
	text[n] = '\0';
	info.cmdline = (uint32_t)(uintptr_t)text;
}

/* RAM ends at MEMORY_LIMIT; what lies above is not told. */
static void copy_map(void)
{
	static struct xen_range from[RANGES_MAX];
	struct xen_map map = { RANGES_MAX, from };
	uint32_t n = 0;

	if (memory_call(MEMORY_MAP, &map))
		give_up("shim: Xen tells no memory map\n");
	for (uint32_t i = 0; i < map.count; i++) {
		uint64_t size = from[i].size;

		if (from[i].type == TYPE_RAM && from[i].start >= MEMORY_LIMIT)
			continue;
		if (from[i].type == TYPE_RAM && from[i].start + size > MEMORY_LIMIT)
			size = MEMORY_LIMIT - from[i].start;
		ranges[n++] = (struct multiboot_range){ sizeof(ranges[0]) - sizeof(ranges[0].bytes),
							from[i].start, size, from[i].type };
	}
	info.map = (uint32_t)(uintptr_t)ranges;
	info.map_bytes = n * (uint32_t)sizeof(ranges[0]);
	info.lower = LOW_LIMIT >> 10;
	info.upper = (MEMORY_LIMIT - MIB) >> 10;
	info.flags = FLAGS;
}

/* ---- The kernel ---------------------------------------------------------------------------- */

/* In this program addresses are physical, and below 4 GiB. */
static const void *at(uint64_t address)
{
	return (const void *)(uintptr_t)address;
}

static void copy_kernel(const struct start_info *start)
{
	const struct start_module *module = at(start->module_list);

	if (!start->modules)
		give_up("shim: dom0 has no ramdisk, which would be the kernel\n");
	if (module->size > MODULE_MAX)
		give_up("shim: the kernel is too large\n");
	memcpy(kernel, at(module->start), (size_t)module->size);
}

/* To where the file says; result: where it begins. */
static uint32_t load_kernel(void)
{
	const struct elf_header *h = (const void *)kernel;
	const struct elf_segment *s = (const void *)(kernel + h->segments_at);

	if (h->magic != ELF_MAGIC || h->class != ELF_CLASS_32)
		give_up("shim: the kernel is no 32-bit ELF file\n");
	for (unsigned i = 0; i < h->segments; i++) {
		uint8_t *to = (uint8_t *)(uintptr_t)s[i].physical;

		if (s[i].type != PT_LOAD)
			continue;
		if (s[i].physical < MIB || s[i].in_memory > MEMORY_LIMIT - s[i].physical)
			give_up("shim: the kernel wants to be where it cannot\n");
		memcpy(to, kernel + s[i].offset, s[i].in_file);
		memset(to + s[i].in_file, 0, s[i].in_memory - s[i].in_file);
	}
	return h->entry;
}

/* Called with the physical address of the start info; does not return. */
void xen_shim(uint32_t address)
{
	const struct start_info *start = at(address);

	if (start->magic != START_MAGIC)
		give_up("shim: not started as a PVH kernel\n");
	copy_text(start->cmdline ? at(start->cmdline) : NULL);
	copy_kernel(start);
	map_calls();
	copy_map();
	xen_leave(load_kernel(), (uint32_t)(uintptr_t)&info);
}
