/*
 * load_linux.c - Linux kernels, by the 64-bit boot protocol, or the 32-bit one if that is all
 *
 * Owns: the setup header, the zero page, and the page tables and descriptors that a
 * kernel is entered with.
 * Must not know: where the bytes came from.
 *
 * Source: Linux "The Linux/x86 Boot Protocol": "The Real-Mode Kernel Header", "64-bit Boot
 * Protocol", "32-bit Boot Protocol"; "Zero Page".
 */
#include "lib/string.h"
#include "vm/load_parts.h"
#include "vm/vm.h"

/* Offsets in the file's first sectors, and in the zero page: they are the same. */
#define ZERO_SCREEN_MODE 0x06 /* u8; the next one columns */
#define ZERO_SCREEN_COLUMNS 0x07
#define ZERO_SCREEN_EGA 0x0a /* u16: what INT 0x10 says of the adapter in BX */
#define ZERO_SCREEN_LINES 0x0e
#define ZERO_SCREEN_IS_VGA 0x0f
#define ZERO_SCREEN_POINTS 0x10 /* u16 */
#define ZERO_ACPI_RSDP 0x70 /* u64 */
#define ZERO_E820_COUNT 0x1e8
#define SETUP_START 0x1f1   /* u8 setup_sects */
#define SETUP_SYSSIZE 0x1f4 /* u32, in 16 bytes */
#define SETUP_BOOT_FLAG 0x1fe
#define SETUP_JUMP 0x201 /* u8: the header ends so far behind the next byte */
#define SETUP_MAGIC 0x202
#define SETUP_VERSION 0x206
#define SETUP_LOADER 0x210
#define SETUP_LOADFLAGS 0x211
#define SETUP_CODE32_START 0x214
#define SETUP_RAMDISK 0x218
#define SETUP_RAMDISK_SIZE 0x21c
#define SETUP_CMDLINE 0x228
#define SETUP_INITRD_MAX 0x22c
#define SETUP_ALIGNMENT 0x230
#define SETUP_RELOCATABLE 0x234
#define SETUP_XLOADFLAGS 0x236
#define SETUP_CMDLINE_SIZE 0x238
#define SETUP_SETUP_DATA 0x250
#define SETUP_PREF_ADDRESS 0x258
#define SETUP_INIT_SIZE 0x260

#define SETUP_MAX_END 0x290
#define ZERO_E820 0x2d0

#define BOOT_FLAG 0xaa55
#define HDRS 0x53726448u /* "HdrS" */
#define VERSION_MIN 0x202 /* command lines as we give them */
#define VERSION_INITRD_MAX 0x203
#define VERSION_RELOCATABLE 0x205
#define VERSION_CMDLINE_SIZE 0x206
#define VERSION_INIT_SIZE 0x20a
#define VERSION_XLOADFLAGS 0x20c
#define INITRD_MAX_BEFORE 0x37ffffffull /* what kernels without such a field can reach */
#define CMDLINE_SIZE_BEFORE 255
#define DECOMPRESSED_TIMES 8 /* room for a kernel that does not say how much it needs */
#define VGA_COLOUR_256K 3
#define LOADER_UNDEFINED 0xff
#define LOADED_HIGH BIT(0)
#define XLF_KERNEL_64 BIT(0)
#define SECTOR 512u
#define ENTRY64 0x200

struct e820 {
	u64 base, size;
	u32 type;
} PACKED;
ASSERT_SIZE(struct e820, 20);

/* Where what the kernel needs at its start lies: below 640 KiB, out of its way. */
#define ZERO_PAGE 0x10000ull
#define GDT 0x11000ull
#define CMDLINE 0x12000ull
#define CMDLINE_ROOM 0x10000ull
#define TABLES 0x30000ull
#define MAPPED_GIB 4u
#define TABLES_END (TABLES + (2 + MAPPED_GIB) * PAGE_SIZE)
#define ENTRIES 512 /* of a table */

/* [SDM] "Segment Descriptors" (3.4.5): flat, accessed; at __BOOT_CS and __BOOT_DS. */
#define BOOT_CS 0x10
#define BOOT_DS 0x18
static const u64 gdt64[] = { 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff };
static const u64 gdt32[] = { 0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff };
_Static_assert(sizeof(gdt64) == sizeof(gdt32), "one limit for both");

struct setup {
	u8 page[PAGE_SIZE]; /* the zero page in the making */
	u64 kernel_offset, kernel_size; /* in the file */
	u64 at, size; /* in memory, as long as it decompresses itself */
	u64 version; /* of the protocol */
	bool wide; /* it has a 64-bit entry */
};

#define SETUP_ORDER 1 /* pages for a struct setup */
_Static_assert(sizeof(struct setup) <= PAGE_SIZE << SETUP_ORDER, "room for the setup");

static u64 field(const struct setup *s, unsigned offset, unsigned bytes)
{
	u64 value = 0;

	memcpy(&value, s->page + offset, bytes);
	return value;
}

static void set_field(struct setup *s, unsigned offset, unsigned bytes, u64 value)
{
	memcpy(s->page + offset, &value, bytes);
}

bool load_linux_wanted(const struct blob *kernel)
{
	u32 magic;

	return load_peek(kernel, SETUP_MAGIC, &magic, sizeof(magic)) && magic == HDRS;
}

/* A field that is there since some version; or what holds without it. */
static u64 field_since(const struct setup *s, u64 version, unsigned offset, unsigned bytes,
		       u64 otherwise)
{
	return s->version >= version ? field(s, offset, bytes) : otherwise;
}

/* Where the header of that version ends at the least. */
static unsigned needed_end(u64 version)
{
	static const struct {
		u16 version, end;
	} ends[] = {
		{ VERSION_INIT_SIZE, SETUP_INIT_SIZE + 4 },
		{ VERSION_CMDLINE_SIZE, SETUP_CMDLINE_SIZE + 4 },
		{ VERSION_RELOCATABLE, SETUP_RELOCATABLE + 1 },
		{ VERSION_INITRD_MAX, SETUP_INITRD_MAX + 4 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++)
		if (version >= ends[i].version)
			return ends[i].end;
	return SETUP_CMDLINE + 4;
}

/* Copy the header into the zero page.  Its length is in the jump over it. */
static int read_header(struct loader *l, struct setup *s)
{
	const struct blob *kernel = &l->request->kernel;
	u16 version = 0;
	u8 jump = 0;
	unsigned end, needed;

	memset(s, 0, sizeof(*s));
	load_peek(kernel, SETUP_JUMP, &jump, 1);
	load_peek(kernel, SETUP_VERSION, &version, sizeof(version));
	s->version = version;
	needed = needed_end(version);
	end = SETUP_MAGIC + jump;
	if (end < needed || end > SETUP_MAX_END)
		return load_refuse(l, kernel, "the setup header ends at 0x%x, not in 0x%x-0x%x",
				   end, needed, SETUP_MAX_END);
	if (!load_peek(kernel, SETUP_START, s->page + SETUP_START, end - SETUP_START))
		return load_refuse(l, kernel, "the setup header is cut off: 0x%lx bytes",
				   kernel->size);
	return 0;
}

static int check_header(struct loader *l, struct setup *s)
{
	const struct blob *kernel = &l->request->kernel;
	u64 align = field_since(s, VERSION_RELOCATABLE, SETUP_ALIGNMENT, 4, LARGE_PAGE_SIZE);

	if (field(s, SETUP_BOOT_FLAG, 2) != BOOT_FLAG)
		return load_refuse(l, kernel, "boot flag 0x%lx instead of 0x%x",
				   field(s, SETUP_BOOT_FLAG, 2), BOOT_FLAG);
	if (s->version < VERSION_MIN)
		return load_refuse(l, kernel, "boot protocol %lu.%02lu; 2.02 or later is needed",
				   s->version >> 8, s->version & 0xff);
	if (!(field(s, SETUP_LOADFLAGS, 1) & LOADED_HIGH))
		return load_refuse(l, kernel, "a zImage (loadflags 0x%lx), not a bzImage",
				   field(s, SETUP_LOADFLAGS, 1));
	s->wide = field_since(s, VERSION_XLOADFLAGS, SETUP_XLOADFLAGS, 2, 0) & XLF_KERNEL_64;
	if (!align || (align & (align - 1)))
		return load_refuse(l, kernel, "kernel_alignment 0x%lx is no power of two", align);
	return 0;
}

/* Where the protected-mode kernel is in the file. */
static int find_kernel(struct loader *l, struct setup *s)
{
	const struct blob *kernel = &l->request->kernel;
	u64 sectors = field(s, SETUP_START, 1), size = field(s, SETUP_SYSSIZE, 4) * 16;

	s->kernel_offset = ((sectors ? sectors : 4) + 1) * SECTOR;
	if (!size || s->kernel_offset >= kernel->size)
		return load_refuse(l, kernel,
				   "no kernel behind %lu setup sectors: 0x%lx bytes from offset "
				   "0x%lx, and the file ends at 0x%lx",
				   sectors, size, s->kernel_offset, kernel->size);
	/* syssize is rounded up. */
	s->kernel_size = MIN(size, kernel->size - s->kernel_offset);
	if (size - s->kernel_size > 15)
		return load_refuse(l, kernel,
				   "the file is cut off: 0x%lx of 0x%lx bytes from offset 0x%lx",
				   s->kernel_size, size, s->kernel_offset);
	s->size = field_since(s, VERSION_INIT_SIZE, SETUP_INIT_SIZE, 4,
			      s->kernel_size * DECOMPRESSED_TIMES);
	s->size = MAX(s->size, s->kernel_size);
	return 0;
}

static int place_kernel(struct loader *l, struct setup *s)
{
	const struct blob *kernel = &l->request->kernel;
	u64 preferred =
	    field_since(s, VERSION_INIT_SIZE, SETUP_PREF_ADDRESS, 8, LOAD_HIGH_START);
	u64 align = field_since(s, VERSION_RELOCATABLE, SETUP_ALIGNMENT, 4, LARGE_PAGE_SIZE);
	bool relocatable = field_since(s, VERSION_RELOCATABLE, SETUP_RELOCATABLE, 1, 0);
	int error;

	align = MAX(align, LARGE_PAGE_SIZE);
	s->at = load_place(l, s->size, 1, preferred, GiB(MAPPED_GIB));
	if (preferred < LOAD_HIGH_START || s->at != preferred)
		s->at = relocatable
			    ? load_place(l, s->size, align, LOAD_HIGH_START, GiB(MAPPED_GIB))
			    : LOAD_NOWHERE;
	if (s->at == LOAD_NOWHERE)
		return load_refuse(
		    l, kernel, "it needs 0x%lx bytes at 0x%lx%s, and memory ends at 0x%lx", s->size,
		    preferred, relocatable ? " or elsewhere" : "",
		    l->vm->memory.slot[0].size);
	error = load_claim(l, kernel, s->at, s->size, "the kernel");
	if (!error)
		error = load_put(l, s->at, kernel->data + s->kernel_offset, s->kernel_size);
	if (!error)
		error = load_clear(l, s->at + s->kernel_size, s->size - s->kernel_size);
	set_field(s, SETUP_CODE32_START, 4, s->at);
	return error;
}

/* As high as the kernel can reach it. */
static int place_initrd(struct loader *l, struct setup *s)
{
	const struct blob *initrd = &l->request->initrd;
	u64 limit = field_since(s, VERSION_INITRD_MAX, SETUP_INITRD_MAX, 4, INITRD_MAX_BEFORE) + 1;
	u64 at;
	int error;

	if (!initrd->data || !initrd->size)
		return 0;
	at = load_place_high(l, initrd->size, PAGE_SIZE, LOAD_HIGH_START,
			     MIN(limit, GiB(MAPPED_GIB)));
	if (at == LOAD_NOWHERE)
		return load_refuse(l, initrd,
				   "an initrd of 0x%lx bytes does not fit beside the kernel at "
				   "0x%lx-0x%lx, below 0x%lx, in 0x%lx bytes of memory",
				   initrd->size, s->at, s->at + s->size, limit,
				   l->vm->memory.slot[0].size);
	error = load_claim(l, initrd, at, initrd->size, "the initrd");
	if (!error)
		error = load_put(l, at, initrd->data, initrd->size);
	set_field(s, SETUP_RAMDISK, 4, at);
	set_field(s, SETUP_RAMDISK_SIZE, 4, initrd->size);
	return error;
}

static int put_cmdline(struct loader *l, struct setup *s)
{
	const char *text = l->request->cmdline ? l->request->cmdline : "";
	u64 limit =
	    field_since(s, VERSION_CMDLINE_SIZE, SETUP_CMDLINE_SIZE, 4, CMDLINE_SIZE_BEFORE);

	limit = MIN(limit, CMDLINE_ROOM - 1);
	if (strlen(text) > limit)
		return load_refuse(l, &l->request->kernel,
				   "a command line of %zu bytes; it takes %lu at most",
				   strlen(text), limit);
	set_field(s, SETUP_CMDLINE, 4, CMDLINE);
	return load_put(l, CMDLINE, text, strlen(text) + 1);
}

/* As the kernel's own real-mode code would find it. */
static void put_screen(struct setup *s)
{
	set_field(s, ZERO_SCREEN_MODE, 1, LOAD_TEXT_MODE);
	set_field(s, ZERO_SCREEN_COLUMNS, 1, LOAD_TEXT_COLUMNS);
	set_field(s, ZERO_SCREEN_EGA, 2, VGA_COLOUR_256K);
	set_field(s, ZERO_SCREEN_LINES, 1, LOAD_TEXT_ROWS);
	set_field(s, ZERO_SCREEN_IS_VGA, 1, 1);
	set_field(s, ZERO_SCREEN_POINTS, 2, LOAD_TEXT_POINTS);
}

static int put_zero_page(struct loader *l, struct setup *s)
{
	struct load_area areas[LOAD_AREAS];
	unsigned count = load_areas(l, areas);

	put_screen(s);
	set_field(s, ZERO_ACPI_RSDP, 8, l->request->acpi_rsdp);
	set_field(s, SETUP_LOADER, 1, LOADER_UNDEFINED);
	set_field(s, SETUP_SETUP_DATA, 8, 0);
	set_field(s, ZERO_E820_COUNT, 1, count);
	for (unsigned i = 0; i < count; i++) {
		const struct e820 e = { areas[i].base, areas[i].size, areas[i].type };

		memcpy(s->page + ZERO_E820 + i * sizeof(e), &e, sizeof(e));
	}
	return load_put(l, ZERO_PAGE, s->page, sizeof(s->page));
}

/* Identity, in pages of 2 MiB: the PML4, a PDPT, then one page directory for each GiB. */
static int put_tables(struct loader *l, const struct setup *s)
{
	u64 *table = memory_ptr(l->vm, gpa(TABLES), TABLES_END - TABLES);

	if (!s->wide)
		return load_put(l, GDT, gdt32, sizeof(gdt32));
	if (!table)
		return load_clear(l, TABLES, 1); /* which says so */
	memset(table, 0, 2 * PAGE_SIZE);
	table[0] = (TABLES + PAGE_SIZE) | PTE_P | PTE_W;
	for (u64 i = 0; i < MAPPED_GIB; i++)
		table[ENTRIES + i] = (TABLES + (2 + i) * PAGE_SIZE) | PTE_P | PTE_W;
	for (u64 i = 0; i < MAPPED_GIB * ENTRIES; i++)
		table[2 * ENTRIES + i] = i * LARGE_PAGE_SIZE | PTE_P | PTE_W | PTE_PS;
	return load_put(l, GDT, gdt64, sizeof(gdt64));
}

/* Both protocols: interrupts off, flat segments, RSI the zero page, the other registers zero. */
static void set_state(struct vcpu *v, const struct setup *s)
{
	struct cpu_state *state = vcpu_state(v, STATE_EXEC | STATE_SEG);

	memset(v->regs.r, 0, sizeof(v->regs.r));
	if (s->wide)
		state_long(state, &v->regs, TABLES);
	else
		state_flat32(state, &v->regs);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		state->seg[i].selector = i == SEG_CS ? BOOT_CS : BOOT_DS;
	state->gdtr = (struct table_register){ GDT, sizeof(gdt64) - 1 };
	v->regs.r[REG_RSI] = ZERO_PAGE;
	v->regs.rip = s->wide ? s->at + ENTRY64 : s->at;
	vcpu_state_changed(v, STATE_EXEC | STATE_SEG);
}

int load_linux(struct loader *l)
{
	const struct load_request *request = l->request;
	struct setup *s;
	int error;

	if (request->module_count)
		return load_refuse(l, &request->modules[0],
				   "a module is for multiboot kernels; Linux takes one initrd");
	s = host_alloc_pages(SETUP_ORDER);
	if (!s) {
		load_refuse(l, &request->kernel, "no memory is left on this machine to load it");
		return -HOST_ENOMEM;
	}
	error = read_header(l, s);
	if (!error)
		error = check_header(l, s);
	if (!error)
		error = load_claim(l, &request->kernel, ZERO_PAGE, TABLES_END - ZERO_PAGE,
				   "what a kernel is started with");
	if (!error)
		error = find_kernel(l, s);
	if (!error)
		error = place_kernel(l, s);
	if (!error)
		error = place_initrd(l, s);
	if (!error)
		error = put_cmdline(l, s);
	if (!error)
		error = put_zero_page(l, s);
	if (!error)
		error = put_tables(l, s);
	if (!error)
		set_state(l->vm->vcpu[0], s);
	host_free_pages(s, SETUP_ORDER);
	return error;
}
