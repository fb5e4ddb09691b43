/* multiboot.c - see multiboot.h */
#include "type1/multiboot.h"

#include "host.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/layout.h"

#define TEXT_MAX 4096 /* of one string */
#define MEMORY_USABLE 1
#define ADDRESS_TOP ALIGN_DOWN(~0ull, PAGE_SIZE) /* ends beyond it could not be rounded up */

struct parser {
	const struct physical *memory;
	struct bootinfo *info;
	char *error;
	size_t error_size;
};

static int fail(struct parser *p, const char *format, ...) PRINTF_LIKE(2, 3);
static int fail(struct parser *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vstring(p->error, p->error_size, format, args);
	va_end(args);
	return -HOST_EINVAL;
}

/* ---- Collecting --------------------------------------------------------------------- */

/* A copy of a string of at most limit bytes; NULL: no end, or no room for it. */
static const char *copy_text(struct bootinfo *info, const u8 *text, u64 limit)
{
	char *copy = info->text + info->text_used;
	u64 room = BOOTINFO_TEXT - info->text_used;

	for (u64 i = 0; i < MIN(limit, room); i++) {
		copy[i] = (char)text[i];
		if (!text[i]) {
			info->text_used += i + 1;
			return copy;
		}
	}
	return NULL;
}

/* The same for a string somewhere in memory, of which only the start is known. */
static const char *copy_text_at(struct parser *p, u64 address)
{
	u64 len = 0;

	while (len < TEXT_MAX) {
		const u8 *c = physical_see(p->memory, address + len++, 1);

		if (!c)
			return NULL;
		if (!*c)
			return copy_text(p->info, physical_see(p->memory, address, len), len);
	}
	return NULL;
}

static int add_region(struct parser *p, u64 start, u64 len, bool usable)
{
	struct bootinfo *info = p->info;
	bool wraps = start + len < start;
	u64 end = wraps ? ADDRESS_TOP : MIN(start + len, ADDRESS_TOP);

	if (wraps && usable)
		return fail(p, "the loader's memory map has an entry at %#lx that wraps around",
			    start);
	if (start >= end)
		return 0;
	if (info->region_count == BOOTINFO_REGIONS)
		return fail(p, "the loader's memory map has more than %u entries",
			    BOOTINFO_REGIONS);
	info->region[info->region_count++] = (struct bootinfo_region){ start, end, usable };
	return 0;
}

/* The end of the usable entry that has start; start itself: none has it. */
static u64 ram_from(const struct bootinfo *info, u64 start)
{
	u64 end = start;

	for (unsigned i = 0; i < info->region_count; i++) {
		const struct bootinfo_region *r = &info->region[i];

		if (r->usable && start >= r->start && start < r->end)
			end = MAX(end, r->end);
	}
	return end;
}

/* Entries may lie side by side. */
static bool is_ram(const struct bootinfo *info, u64 start, u64 end)
{
	u64 to;

	for (; start < end; start = to) {
		to = ram_from(info, start);
		if (to == start)
			return false;
	}
	return true;
}

static bool meets_ram(const struct bootinfo *info, u64 start, u64 end)
{
	for (unsigned i = 0; i < info->region_count; i++) {
		const struct bootinfo_region *r = &info->region[i];

		if (r->usable && start < r->end && end > r->start)
			return true;
	}
	return false;
}

static int add_module(struct parser *p, u64 start, u64 end, const char *cmdline)
{
	struct bootinfo *info = p->info;

	if (!cmdline)
		return fail(p, "module %u: its command line is broken, or all are longer than %u",
			    info->module_count + 1, BOOTINFO_TEXT);
	if (info->module_count == BOOTINFO_MODULES)
		return fail(p, "more than %u modules", BOOTINFO_MODULES);
	info->module[info->module_count++] = (struct bootinfo_module){ start, end, cmdline };
	return 0;
}

/* Modules come before the memory map in some loaders: look at the end. */
static int check_modules(struct parser *p)
{
	for (unsigned i = 0; i < p->info->module_count; i++) {
		const struct bootinfo_module *m = &p->info->module[i];

		if (m->end <= m->start)
			return fail(p, "module %u (%.60s) is empty: %#lx to %#lx", i + 1,
				    m->cmdline, m->start, m->end);
		if (!is_ram(p->info, m->start, m->end))
			return fail(p,
				    "module %u (%.60s) does not fit into memory: %#lx to %#lx is"
				    " not all RAM; give the machine more memory",
				    i + 1, m->cmdline, m->start, m->end);
	}
	return 0;
}

/* Nobody shall paint into RAM, which is somebody else's, or beyond the address space. */
static void check_screen(struct bootinfo *info)
{
	const struct screen_framebuffer *fb = &info->framebuffer;
	u64 size = (u64)fb->pitch * fb->height;

	if (info->screen == BOOTINFO_FRAMEBUFFER &&
	    (size > ADDRESS_TOP || fb->address > ADDRESS_TOP - size ||
	     meets_ram(info, fb->address, fb->address + size)))
		info->screen = BOOTINFO_NO_SCREEN;
}

static int finish(struct parser *p)
{
	if (!p->info->cmdline)
		p->info->cmdline = "";
	if (!p->info->loader)
		p->info->loader = "an unnamed loader";
	if (!p->info->region_count)
		return fail(p, "the loader gave no memory map");
	check_screen(p->info);
	return check_modules(p);
}

/* ---- Multiboot 1 --------------------------------------------------------------------- */

#define MB1_SIZE 116
#define MB1_FLAGS 0
#define MB1_CMDLINE 16
#define MB1_MODULE_COUNT 20
#define MB1_MODULES 24
#define MB1_MAP_SIZE 44
#define MB1_MAP 48
#define MB1_LOADER 64
#define MB1_FRAMEBUFFER 88
#define MB1_PITCH 96
#define MB1_WIDTH 100
#define MB1_HEIGHT 104
#define MB1_BITS 108
#define MB1_TYPE 109
#define MB1_COLOURS 110
#define MB1_HAS_CMDLINE BIT(2)
#define MB1_HAS_MODULES BIT(3)
#define MB1_HAS_MAP BIT(6)
#define MB1_HAS_LOADER BIT(9)
#define MB1_HAS_FRAMEBUFFER BIT(12)
#define MB1_MODULE_SIZE 16
#define MB1_MAP_ENTRY 24 /* with its size field */

#define FRAMEBUFFER_RGB 1
#define FRAMEBUFFER_TEXT 2
#define COLOURS_SIZE 6

static int mb1_map(struct parser *p, u64 address, u64 len)
{
	u64 at = 0;

	while (at + MB1_MAP_ENTRY <= len) {
		const u8 *e = physical_see(p->memory, address + at, MB1_MAP_ENTRY);

		if (!e)
			return fail(p, "the loader's memory map is out of reach at %#lx", address);
		if (physical_u32(e) < MB1_MAP_ENTRY - 4)
			return fail(p, "the loader's memory map has an entry of %u bytes",
				    physical_u32(e));
		if (add_region(p, physical_u64(e + 4), physical_u64(e + 12),
			       physical_u32(e + 20) == MEMORY_USABLE))
			return -HOST_EINVAL;
		at += 4 + (u64)physical_u32(e);
	}
	return 0;
}

static int mb1_modules(struct parser *p, u64 address, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		const u8 *m = physical_see(p->memory, address + i * MB1_MODULE_SIZE,
					   MB1_MODULE_SIZE);

		if (!m)
			return fail(p, "the loader's list of modules is out of reach at %#lx",
				    address);
		if (add_module(p, physical_u32(m), physical_u32(m + 4),
			       physical_u32(m + 8) ? copy_text_at(p, physical_u32(m + 8)) : ""))
			return -HOST_EINVAL;
	}
	return 0;
}

/* Colours: position and size of red, green, blue. */
static void set_colours(struct screen_framebuffer *fb, const u8 *c)
{
	fb->red_shift = c[0];
	fb->red_bits = c[1];
	fb->green_shift = c[2];
	fb->green_bits = c[3];
	fb->blue_shift = c[4];
	fb->blue_bits = c[5];
}

static bool colours_sane(const struct screen_framebuffer *fb)
{
	return fb->red_shift + fb->red_bits <= fb->bits && fb->red_bits &&
	       fb->green_shift + fb->green_bits <= fb->bits && fb->green_bits &&
	       fb->blue_shift + fb->blue_bits <= fb->bits && fb->blue_bits;
}

/* A screen that makes no sense is none: it must not keep the machine from starting. */
static void set_screen(struct bootinfo *info, u8 type)
{
	const struct screen_framebuffer *fb = &info->framebuffer;

	info->screen = BOOTINFO_NO_SCREEN;
	if (type == FRAMEBUFFER_TEXT)
		info->screen = BOOTINFO_VGA_TEXT;
	else if (type == FRAMEBUFFER_RGB && fb->bits <= 32 && colours_sane(fb) &&
		 (u64)fb->pitch >= (u64)fb->width * (fb->bits / 8))
		info->screen = BOOTINFO_FRAMEBUFFER;
}

static void mb1_framebuffer(struct bootinfo *info, const u8 *i)
{
	struct screen_framebuffer *fb = &info->framebuffer;

	fb->address = physical_u64(i + MB1_FRAMEBUFFER);
	fb->pitch = physical_u32(i + MB1_PITCH);
	fb->width = physical_u32(i + MB1_WIDTH);
	fb->height = physical_u32(i + MB1_HEIGHT);
	fb->bits = i[MB1_BITS];
	set_colours(fb, i + MB1_COLOURS);
	set_screen(info, i[MB1_TYPE]);
}

static int mb1_parse(struct parser *p, u64 address)
{
	const u8 *i = physical_see(p->memory, address, MB1_SIZE);
	struct bootinfo *info = p->info;
	u32 flags;

	if (!i)
		return fail(p, "the loader's information is out of reach at %#lx", address);
	flags = physical_u32(i + MB1_FLAGS);
	info->screen = BOOTINFO_VGA_TEXT; /* the specification's state of a PC */
	if (flags & MB1_HAS_FRAMEBUFFER)
		mb1_framebuffer(info, i);
	if (flags & MB1_HAS_LOADER)
		info->loader = copy_text_at(p, physical_u32(i + MB1_LOADER));
	if (flags & MB1_HAS_CMDLINE) {
		info->cmdline = copy_text_at(p, physical_u32(i + MB1_CMDLINE));
		if (!info->cmdline)
			return fail(p, "the hypervisor's command line has no end");
	}
	if (flags & MB1_HAS_MAP &&
	    mb1_map(p, physical_u32(i + MB1_MAP), physical_u32(i + MB1_MAP_SIZE)))
		return -HOST_EINVAL;
	if (flags & MB1_HAS_MODULES &&
	    mb1_modules(p, physical_u32(i + MB1_MODULES), physical_u32(i + MB1_MODULE_COUNT)))
		return -HOST_EINVAL;
	return finish(p);
}

/* ---- Multiboot 2 --------------------------------------------------------------------- */

enum mb2_tag {
	MB2_END = 0,
	MB2_CMDLINE = 1,
	MB2_LOADER = 2,
	MB2_MODULE = 3,
	MB2_MAP = 6,
	MB2_FRAMEBUFFER = 8,
	MB2_EFI32 = 11,
	MB2_EFI64 = 12,
	MB2_ACPI_OLD = 14,
	MB2_ACPI_NEW = 15,
	MB2_EFI_MAP = 17,
	MB2_EFI_BOOT_SERVICES = 18,
};

#define MB2_HEADER 8 /* of the information, and of each tag */
#define MB2_MAP_ENTRY 24
#define RSDP_OLD_SIZE 20

static int mb2_map(struct parser *p, const u8 *tag, u32 len)
{
	u32 entry = len >= 16 ? physical_u32(tag + 8) : 0;

	if (entry < MB2_MAP_ENTRY)
		return fail(p, "the loader's memory map has entries of %u bytes", entry);
	for (u64 at = 16; at + entry <= len; at += entry)
		if (add_region(p, physical_u64(tag + at), physical_u64(tag + at + 8),
			       physical_u32(tag + at + 16) == MEMORY_USABLE))
			return -HOST_EINVAL;
	return 0;
}

static void mb2_framebuffer(struct bootinfo *info, const u8 *tag, u32 len)
{
	struct screen_framebuffer *fb = &info->framebuffer;

	if (len < 32)
		return;
	fb->address = physical_u64(tag + 8);
	fb->pitch = physical_u32(tag + 16);
	fb->width = physical_u32(tag + 20);
	fb->height = physical_u32(tag + 24);
	fb->bits = tag[28];
	if (len >= 32 + COLOURS_SIZE)
		set_colours(fb, tag + 32);
	set_screen(info, tag[29]);
}

/* Old and new pointers may both be there: the longer one, which comes with XSDT, wins. */
static void mb2_rsdp(struct bootinfo *info, const u8 *tag, u32 len, u32 wanted)
{
	if (len < MB2_HEADER + wanted || (info->has_rsdp && wanted == RSDP_OLD_SIZE))
		return;
	memset(info->rsdp, 0, sizeof(info->rsdp));
	memcpy(info->rsdp, tag + MB2_HEADER, wanted);
	info->has_rsdp = true;
}

static int mb2_tag(struct parser *p, u32 type, const u8 *tag, u32 len)
{
	struct bootinfo *info = p->info;

	switch (type) {
	case MB2_CMDLINE:
		info->cmdline = copy_text(info, tag + MB2_HEADER, len - MB2_HEADER);
		return info->cmdline ? 0 : fail(p, "the hypervisor's command line has no end");
	case MB2_LOADER:
		info->loader = copy_text(info, tag + MB2_HEADER, len - MB2_HEADER);
		return 0;
	case MB2_MODULE:
		if (len < 17)
			return fail(p, "the loader's tag of a module has %u bytes", len);
		return add_module(p, physical_u32(tag + 8), physical_u32(tag + 12),
				  copy_text(info, tag + 16, len - 16));
	case MB2_MAP:
		return mb2_map(p, tag, len);
	case MB2_FRAMEBUFFER:
		mb2_framebuffer(info, tag, len);
		return 0;
	case MB2_ACPI_OLD:
		mb2_rsdp(info, tag, len, RSDP_OLD_SIZE);
		return 0;
	case MB2_ACPI_NEW:
		mb2_rsdp(info, tag, len, BOOTINFO_RSDP);
		return 0;
	case MB2_EFI32:
	case MB2_EFI64:
	case MB2_EFI_MAP:
		info->efi = true;
		return 0;
	case MB2_EFI_BOOT_SERVICES:
		return fail(p, "the loader left EFI's boot services running");
	default:
		return 0;
	}
}

static int mb2_parse(struct parser *p, u64 address)
{
	const u8 *head = physical_see(p->memory, address, MB2_HEADER), *all;
	u64 total, at = MB2_HEADER;

	if (!head)
		return fail(p, "the loader's information is out of reach at %#lx", address);
	total = physical_u32(head);
	all = physical_see(p->memory, address, total);
	if (!all)
		return fail(p, "the loader's information of %lu bytes is out of reach at %#lx",
			    total, address);
	while (at + MB2_HEADER <= total) {
		u32 type = physical_u32(all + at), len = physical_u32(all + at + 4);

		if (len < MB2_HEADER || len > total - at)
			return fail(p, "the loader's tag %u has a length of %u", type, len);
		if (type == MB2_END)
			return finish(p);
		if (mb2_tag(p, type, all + at, len))
			return -HOST_EINVAL;
		at += ALIGN_UP((u64)len, 8ull);
	}
	return fail(p, "the loader's information has no last tag");
}

int multiboot_parse(u32 magic, u64 address, const struct physical *memory, struct bootinfo *info,
		    char *error, size_t size)
{
	struct parser p = { memory, info, error, size };

	memset(info, 0, sizeof(*info));
	if (magic == MULTIBOOT1_MAGIC)
		return mb1_parse(&p, address);
	if (magic == MULTIBOOT2_MAGIC)
		return mb2_parse(&p, address);
	return fail(&p, "not started by a multiboot loader (EAX was %#x)", magic);
}
