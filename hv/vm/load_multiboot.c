/*
 * load_multiboot.c - multiboot 1 kernels
 *
 * Owns: their header, ELF and a.out bodies, modules, and the information structure.
 * Must not know: where the bytes came from.
 *
 * Sources: "Multiboot Specification version 0.6.96": "OS image format" (3.1), "Machine
 * state" (3.2), "Boot information format" (3.3); "System V ABI", "Object Files" (4).
 */
#include "lib/string.h"
#include "vm/load_parts.h"
#include "vm/vm.h"

#define HEADER_MAGIC 0x1badb002u
#define HEADER_SEARCH 8192u
#define HEADER_PAGE_ALIGN BIT(0)  /* modules; ours always are */
#define HEADER_MEMORY_INFO BIT(1) /* ours always is there */
#define HEADER_VIDEO BIT(2) /* tell me of the screen */
#define HEADER_REQUIRED BITS(15, 0)
#define HEADER_ADDRESSES BIT(16)

struct header {
	u32 magic, flags, checksum;
	u32 header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr; /* if ADDRESSES */
};
ASSERT_SIZE(struct header, 32);
#define HEADER_BASIC offsetof(struct header, header_addr)

#define BOOT_MAGIC 0x2badb002u /* in EAX */
#define INFO_MEMORY BIT(0)
#define INFO_BOOT_DEVICE BIT(1)
#define INFO_CMDLINE BIT(2)
#define INFO_MODULES BIT(3)
#define INFO_MAP BIT(6)
#define INFO_LOADER_NAME BIT(9)
#define INFO_FRAMEBUFFER BIT(12)
#define BOOT_DEVICE 0x80ffffffu /* the first BIOS disk as a whole: other loaders say so too */
#define FRAMEBUFFER_TEXT 2
#define INFO_ADDRESS 0x9000ull /* where QEMU puts it */

struct info {
	u32 flags;
	u32 mem_lower, mem_upper; /* KiB from 0, from 1 MiB */
	u32 boot_device;
	u32 cmdline;
	u32 mods_count, mods_addr;
	u32 syms[4];
	u32 mmap_length, mmap_addr;
	u32 drives_length, drives_addr;
	u32 config_table;
	u32 boot_loader_name;
	u32 apm_table;
	u32 vbe[4];
	u64 framebuffer_addr;
	u32 framebuffer_pitch, framebuffer_width, framebuffer_height;
	u8 framebuffer_bpp, framebuffer_type, colour_info[6];
} PACKED;
ASSERT_SIZE(struct info, 116);
ASSERT_OFFSET(struct info, cmdline, 16);
ASSERT_OFFSET(struct info, mods_count, 20);
ASSERT_OFFSET(struct info, mmap_length, 44);
ASSERT_OFFSET(struct info, boot_loader_name, 64);
ASSERT_OFFSET(struct info, framebuffer_addr, 88);
ASSERT_OFFSET(struct info, framebuffer_type, 109);

struct map_entry {
	u32 size; /* of what follows */
	u64 base, length;
	u32 type;
} PACKED;
ASSERT_SIZE(struct map_entry, 24);

struct module {
	u32 start, end, string, reserved;
};
ASSERT_SIZE(struct module, 16);

/* ---- ELF ------------------------------------------------------------------------ */

#define ELF_MAGIC 0x464c457fu /* 7f "ELF" */
#define ELF_CLASS 4
#define ELF_CLASS32 1
#define ELF_CLASS64 2
#define ELF_DATA 5
#define ELF_LITTLE_ENDIAN 1
#define ELF_EXEC 2
#define ELF_386 3
#define ELF_X86_64 62
#define ELF_LOAD 1
#define ELF_SEGMENTS 64

struct elf32 {
	u8 ident[16];
	u16 type, machine;
	u32 version, entry, phoff, shoff, flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
ASSERT_SIZE(struct elf32, 52);

struct elf64 {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
ASSERT_SIZE(struct elf64, 64);

struct phdr32 {
	u32 type, offset, vaddr, paddr, filesz, memsz, flags, align;
};
ASSERT_SIZE(struct phdr32, 32);

struct phdr64 {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};
ASSERT_SIZE(struct phdr64, 56);

/* Header and segment of either class. */
struct elf {
	bool wide;
	u16 type, machine, phentsize, phnum;
	u64 entry, phoff;
};

struct body {
	u64 offset, file_size; /* in the file */
	u64 at, size;	       /* in memory; the rest is zero */
};

/* Copy one piece of the kernel to where it wants to be. */
static int load_body(struct loader *l, const struct body *b, const char *what)
{
	const struct blob *kernel = &l->request->kernel;
	int error;

	if (b->file_size > b->size)
		return load_refuse(l, kernel, "%s has 0x%lx bytes in the file, 0x%lx in memory",
				   what, b->file_size, b->size);
	if (b->offset > kernel->size || b->file_size > kernel->size - b->offset)
		return load_refuse(
		    l, kernel, "%s needs 0x%lx bytes from offset 0x%lx, but the file ends at 0x%lx",
		    what, b->file_size, b->offset, kernel->size);
	if (!b->size)
		return 0;
	if (b->at >= GiB(4) || b->size > GiB(4) - b->at)
		return load_refuse(l, kernel, "%s of 0x%lx bytes at 0x%lx goes beyond 4 GiB", what,
				   b->size, b->at);
	error = load_claim(l, kernel, b->at, b->size, what);
	if (!error)
		error = load_put(l, b->at, kernel->data + b->offset, b->file_size);
	if (!error)
		error = load_clear(l, b->at + b->file_size, b->size - b->file_size);
	return error;
}

/* The entry must be in something that was loaded. */
static int check_entry(struct loader *l, u64 entry)
{
	for (unsigned i = l->request->reserved_count; i < l->used_count; i++)
		if (entry >= l->used[i].start && entry < l->used[i].end)
			return 0;
	return load_refuse(l, &l->request->kernel, "the entry point 0x%lx is in no loaded segment",
			   entry);
}

static int read_elf(struct loader *l, struct elf *elf)
{
	const struct blob *kernel = &l->request->kernel;
	struct elf32 narrow;
	struct elf64 wide;

	if (!load_peek(kernel, 0, &narrow, sizeof(narrow)))
		return load_refuse(l, kernel, "the ELF header is cut off (0x%lx bytes)",
				   kernel->size);
	if (narrow.ident[ELF_DATA] != ELF_LITTLE_ENDIAN)
		return load_refuse(l, kernel, "ELF data encoding %d is not little-endian",
				   narrow.ident[ELF_DATA]);
	elf->wide = narrow.ident[ELF_CLASS] == ELF_CLASS64;
	if (!elf->wide && narrow.ident[ELF_CLASS] != ELF_CLASS32)
		return load_refuse(l, kernel, "unknown ELF class %d", narrow.ident[ELF_CLASS]);
	if (!elf->wide) {
		*elf = (struct elf){ false,	   narrow.type,	 narrow.machine, narrow.phentsize,
				     narrow.phnum, narrow.entry, narrow.phoff };
		return 0;
	}
	if (!load_peek(kernel, 0, &wide, sizeof(wide)))
		return load_refuse(l, kernel, "the ELF header is cut off (0x%lx bytes)",
				   kernel->size);
	*elf = (struct elf){ true,	 wide.type,  wide.machine, wide.phentsize,
			     wide.phnum, wide.entry, wide.phoff };
	return 0;
}

static int check_elf(struct loader *l, const struct elf *elf)
{
	const struct blob *kernel = &l->request->kernel;
	unsigned need = elf->wide ? sizeof(struct phdr64) : sizeof(struct phdr32);

	if (elf->machine != ELF_X86_64 && (elf->wide || elf->machine != ELF_386))
		return load_refuse(l, kernel, "ELF machine %d is not an x86", elf->machine);
	if (elf->type != ELF_EXEC)
		return load_refuse(l, kernel, "ELF type %d is not an executable", elf->type);
	if (elf->phentsize < need)
		return load_refuse(l, kernel, "ELF program headers of %d bytes, not %d",
				   elf->phentsize, need);
	if (!elf->phnum || elf->phnum > ELF_SEGMENTS)
		return load_refuse(l, kernel, "%d ELF program headers, not 1 to %d", elf->phnum,
				   ELF_SEGMENTS);
	return 0;
}

static bool read_phdr(const struct blob *kernel, const struct elf *elf, unsigned i,
		      struct phdr64 *ph)
{
	struct phdr32 narrow;
	u64 at;

	if (__builtin_add_overflow(elf->phoff, (u64)i * elf->phentsize, &at))
		return false;
	if (elf->wide)
		return load_peek(kernel, at, ph, sizeof(*ph));
	if (!load_peek(kernel, at, &narrow, sizeof(narrow)))
		return false;
	*ph = (struct phdr64){ .type = narrow.type,
			       .offset = narrow.offset,
			       .vaddr = narrow.vaddr,
			       .paddr = narrow.paddr,
			       .filesz = narrow.filesz,
			       .memsz = narrow.memsz };
	return true;
}

/* Kernels linked high say a virtual entry point: paging is off, so take it as physical. */
static int load_elf(struct loader *l, u64 *entry)
{
	const struct blob *kernel = &l->request->kernel;
	struct elf elf = { 0 };
	int error = read_elf(l, &elf);

	if (!error)
		error = check_elf(l, &elf);
	*entry = elf.entry;
	for (unsigned i = 0; i < elf.phnum && !error; i++) {
		struct phdr64 ph;

		if (!read_phdr(kernel, &elf, i, &ph))
			return load_refuse(
			    l, kernel,
			    "program header %u (table at 0x%lx) is beyond the file's "
			    "end at 0x%lx",
			    i, elf.phoff, kernel->size);
		if (ph.type != ELF_LOAD)
			continue;
		if (elf.entry >= ph.vaddr && elf.entry - ph.vaddr < ph.memsz)
			*entry = elf.entry - ph.vaddr + ph.paddr;
		error = load_body(l, &(struct body){ ph.offset, ph.filesz, ph.paddr, ph.memsz },
				  "a segment");
	}
	return error ? error : check_entry(l, *entry);
}

/* ---- a.out, or anything: the header says where it goes. ---------------------------- */

static int load_flat(struct loader *l, const struct header *h, u64 header_at, u64 *entry)
{
	const struct blob *kernel = &l->request->kernel;
	struct body b = { .at = h->load_addr };
	u64 before = (u64)h->header_addr - h->load_addr;
	int error;

	if (h->header_addr < h->load_addr || before > header_at)
		return load_refuse(l, kernel,
				   "header_addr 0x%x and load_addr 0x%x do not fit a header at "
				   "offset 0x%lx",
				   h->header_addr, h->load_addr, header_at);
	b.offset = header_at - before;
	if (h->load_end_addr && h->load_end_addr <= h->load_addr)
		return load_refuse(l, kernel, "load_end_addr 0x%x is not above load_addr 0x%x",
				   h->load_end_addr, h->load_addr);
	b.file_size =
	    h->load_end_addr ? (u64)h->load_end_addr - h->load_addr : kernel->size - b.offset;
	if (h->bss_end_addr && h->bss_end_addr < h->load_addr + b.file_size)
		return load_refuse(l, kernel, "bss_end_addr 0x%x is below the image's end 0x%lx",
				   h->bss_end_addr, h->load_addr + b.file_size);
	b.size = h->bss_end_addr ? (u64)h->bss_end_addr - h->load_addr : b.file_size;
	error = load_body(l, &b, "the image");
	*entry = h->entry_addr;
	return error ? error : check_entry(l, *entry);
}

/* ---- Header ------------------------------------------------------------------------ */

static int find_header(struct loader *l, struct header *h, u64 *at)
{
	const struct blob *kernel = &l->request->kernel;
	u64 bad = LOAD_NOWHERE;

	for (u64 offset = 0; offset + HEADER_BASIC <= HEADER_SEARCH; offset += 4) {
		memset(h, 0, sizeof(*h));
		if (!load_peek(kernel, offset, h, HEADER_BASIC))
			break;
		if (h->magic != HEADER_MAGIC)
			continue;
		if (h->magic + h->flags + h->checksum) {
			bad = offset;
			continue;
		}
		*at = offset;
		if (!(h->flags & HEADER_ADDRESSES))
			return 0;
		if (offset + sizeof(*h) > HEADER_SEARCH ||
		    !load_peek(kernel, offset, h, sizeof(*h)))
			return load_refuse(l, kernel, "the multiboot header at 0x%lx is cut off",
					   offset);
		return 0;
	}
	if (bad != LOAD_NOWHERE)
		return load_refuse(l, kernel, "the multiboot header at 0x%lx has a wrong checksum",
				   bad);
	return load_refuse(
	    l, kernel,
	    "neither a Linux bzImage nor a multiboot kernel: no 0x%x in the first %u "
	    "of 0x%lx bytes",
	    HEADER_MAGIC, HEADER_SEARCH, kernel->size);
}

static int check_flags(struct loader *l, const struct header *h)
{
	u32 unknown = h->flags & HEADER_REQUIRED &
		      ~(HEADER_PAGE_ALIGN | HEADER_MEMORY_INFO | HEADER_VIDEO);

	if (unknown)
		return load_refuse(l, &l->request->kernel,
				   "it requires multiboot features that nobody knows (flags 0x%x)",
				   unknown);
	return 0;
}

/* ---- Information -------------------------------------------------------------------- */

static const char loader_name[] = "Espejo";

/* A place in guest memory that is being filled. */
struct cursor {
	struct loader *l;
	u64 at;
	int error;
};

static u32 put(struct cursor *c, const void *from, u64 size)
{
	u64 at = c->at;

	if (!c->error)
		c->error = load_put(c->l, at, from, size);
	c->at += size;
	return (u32)at;
}

static u32 put_string(struct cursor *c, const char *s)
{
	return put(c, s ? s : "", (s ? strlen(s) : 0) + 1);
}

static u64 string_size(const char *s)
{
	return (s ? strlen(s) : 0) + 1;
}

static int load_module(struct loader *l, const struct blob *file, struct module *m)
{
	u64 at = load_place(l, MAX(file->size, 1ull), PAGE_SIZE, LOAD_HIGH_START, GiB(4));
	int error;

	if (at == LOAD_NOWHERE)
		return load_refuse(l, file,
				   "the module of 0x%lx bytes does not fit beside the kernel in "
				   "0x%lx bytes of memory",
				   file->size, l->vm->memory.slot[0].size);
	error = load_claim(l, file, at, MAX(file->size, 1ull), "a module");
	if (!error)
		error = load_put(l, at, file->data, file->size);
	m->start = (u32)at;
	m->end = (u32)(at + file->size);
	return error;
}

static void put_map(struct cursor *c, struct info *info, const struct load_area *areas,
		    unsigned count)
{
	info->mmap_length = count * sizeof(struct map_entry);
	info->mmap_addr = (u32)c->at;
	for (unsigned i = 0; i < count; i++) {
		const struct map_entry e = { sizeof(e) - sizeof(e.size), areas[i].base,
					     areas[i].size, areas[i].type };

		put(c, &e, sizeof(e));
	}
}

static void put_modules(struct cursor *c, struct info *info)
{
	const struct load_request *request = c->l->request;
	struct cursor list = *c;

	info->mods_count = request->module_count;
	info->mods_addr = (u32)c->at;
	c->at += request->module_count * sizeof(struct module);
	for (unsigned i = 0; i < request->module_count && !c->error; i++) {
		struct module m = { 0 };

		c->error = load_module(c->l, &request->modules[i], &m);
		m.string = put_string(c, request->modules[i].cmdline);
		put(&list, &m, sizeof(m));
	}
	if (!c->error)
		c->error = list.error;
}

/* Which mode the kernel would like does not count: there is one. */
static void put_framebuffer(struct info *info)
{
	info->flags |= INFO_FRAMEBUFFER;
	info->framebuffer_addr = LOAD_TEXT_BASE;
	info->framebuffer_pitch = LOAD_TEXT_COLUMNS * LOAD_TEXT_CELL;
	info->framebuffer_width = LOAD_TEXT_COLUMNS;
	info->framebuffer_height = LOAD_TEXT_ROWS;
	info->framebuffer_bpp = 8 * LOAD_TEXT_CELL;
	info->framebuffer_type = FRAMEBUFFER_TEXT;
}

/* KiB from 1 MiB to the first hole. */
static u32 upper_memory(const struct load_area *areas, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (areas[i].type == LOAD_USABLE && areas[i].base == LOAD_HIGH_START)
			return (u32)(areas[i].size >> 10);
	return 0;
}

/* Structure, map, list of modules and strings in one piece; the modules themselves elsewhere. */
static int put_info(struct loader *l, bool screen, u64 *at)
{
	const struct load_request *request = l->request;
	struct info info = { .flags = INFO_MEMORY | INFO_BOOT_DEVICE | INFO_CMDLINE | INFO_MODULES |
				      INFO_MAP | INFO_LOADER_NAME,
			     .boot_device = BOOT_DEVICE };
	struct load_area areas[LOAD_AREAS];
	unsigned count = load_areas(l, areas);
	u64 size = sizeof(info) + count * sizeof(struct map_entry) +
		   request->module_count * sizeof(struct module) + string_size(request->cmdline) +
		   sizeof(loader_name);
	struct cursor c = { .l = l };

	for (unsigned i = 0; i < request->module_count; i++)
		size += string_size(request->modules[i].cmdline);
	*at = load_place(l, size, 16, INFO_ADDRESS, GiB(4));
	if (*at == LOAD_NOWHERE)
		return load_refuse(l, &request->kernel,
				   "no room for 0x%lx bytes of multiboot information", size);
	c.error = load_claim(l, &request->kernel, *at, size, "multiboot information");
	c.at = *at + sizeof(info);
	put_map(&c, &info, areas, count);
	put_modules(&c, &info);
	info.cmdline = put_string(&c, request->cmdline);
	info.boot_loader_name = put(&c, loader_name, sizeof(loader_name));
	info.mem_lower = LOAD_LOW_END / 1024;
	info.mem_upper = upper_memory(areas, count);
	if (screen)
		put_framebuffer(&info);
	return c.error ? c.error : load_put(l, *at, &info, sizeof(info));
}

#define IVT_SIZE 0x400 /* of real mode, which begins at 0 */
#define STACK 0x7000   /* below what is used */

/*
 * [Multiboot] "Machine state" (3.2).  Descriptors and stack are not promised there, but found on
 * every PC.
 */
static void set_state(struct vcpu *v, u64 entry, u64 info)
{
	vcpu_state(v, STATE_EXEC | STATE_SEG);
	memset(v->regs.r, 0, sizeof(v->regs.r));
	state_flat32(&v->state, &v->regs);
	v->state.gdtr = load_rom_gdt();
	v->state.idtr = (struct table_register){ .limit = IVT_SIZE - 1 };
	v->regs.r[REG_RSP] = STACK;
	v->regs.r[REG_RAX] = BOOT_MAGIC;
	v->regs.r[REG_RBX] = info;
	v->regs.rip = entry;
	vcpu_state_changed(v, STATE_EXEC | STATE_SEG);
}

int load_multiboot(struct loader *l)
{
	const struct load_request *request = l->request;
	struct header h;
	u64 header_at = 0, entry = 0, info = 0;
	u32 magic = 0;
	int error = find_header(l, &h, &header_at);

	if (!error)
		error = check_flags(l, &h);
	if (!error && request->initrd.data)
		error = load_refuse(l, &request->initrd,
				    "an initrd is for Linux; give a multiboot kernel modules");
	if (error)
		return error;
	load_peek(&request->kernel, 0, &magic, sizeof(magic));
	if (h.flags & HEADER_ADDRESSES)
		error = load_flat(l, &h, header_at, &entry);
	else if (magic == ELF_MAGIC)
		error = load_elf(l, &entry);
	else
		error = load_refuse(l, &request->kernel,
				    "a multiboot header without addresses, and the file is no ELF");
	if (!error)
		error = put_info(l, h.flags & HEADER_VIDEO, &info);
	if (!error)
		set_state(l->vm->vcpu[0], entry, info);
	return error;
}
