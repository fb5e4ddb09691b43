/*
 * load_rom.c - what firmware leaves in a PC's memory: its ROM, interrupt vectors, data areas
 *
 * Owns: the bytes of rom/rom.S in a machine whose kernel is started directly.
 * Must not know: kernel formats.
 *
 * Sources: IBM, "PC/AT Technical Reference" (1502243), "ROM BIOS Data Area"; [ACPI] "INT
 * 15H, E820H" (15.1).
 */
#include "lib/string.h"
#include "rom/rom.h"
#include "vm/load_parts.h"
#include "vm/vm.h"

static const u8 rom[] = {
#include "rom.bin.h"
};
_Static_assert(sizeof(rom) == ROM_SIZE, "rom.S fills its page");

#define TEXT_PAGE 4096 /* bytes of a screen, rounded up */
#define EQUIPMENT 0x0226 /* FPU, mouse port, 80 columns with colour, one serial line */
#define VECTOR_SIZE 4
#define BDA_TICKS 0x46c
#define TICKS_PER_DAY 0x1800b0ull
#define SECONDS_PER_DAY 86400u

/* The BIOS data area: what old code looks up there. */
static const struct {
	u16 at;
	u8 size;
	u16 value;
} bios_data[] = {
	{ 0x400, 2, UART_COM1_PORT },
	{ 0x40e, 2, LOAD_LOW_END >> 4 }, /* segment of the EBDA */
	{ 0x410, 2, EQUIPMENT },
	{ 0x413, 2, LOAD_LOW_END >> 10 }, /* KiB of memory */
	{ 0x41a, 2, 0x1e }, /* the keyboard's buffer: head, tail, start, end */
	{ 0x41c, 2, 0x1e },
	{ 0x449, 1, LOAD_TEXT_MODE },
	{ 0x44a, 2, LOAD_TEXT_COLUMNS },
	{ 0x44c, 2, TEXT_PAGE },
	{ 0x460, 2, 0x0607 }, /* the cursor's lines */
	{ 0x463, 2, LOAD_TEXT_CRTC },
	{ 0x480, 2, 0x1e },
	{ 0x482, 2, 0x3e },
	{ 0x484, 1, LOAD_TEXT_ROWS - 1 },
	{ 0x485, 2, LOAD_TEXT_POINTS },
};

struct rom_area {
	u64 base, size;
	u32 type;
} PACKED;
ASSERT_SIZE(struct rom_area, ROM_AREA_SIZE);
_Static_assert(ROM_AREAS >= LOAD_AREAS, "INT 15h has room for the memory map");

static u32 in_rom(u16 offset)
{
	return 16 * ROM_SEGMENT + offset;
}

static struct rom_header header(void)
{
	struct rom_header h;

	memcpy(&h, rom, sizeof(h));
	return h;
}

/* Those that the ROM knows; the others are 0, and so is what was left in them. */
static int put_vectors(struct loader *l)
{
	const u8 *offset = rom + (header().vectors - ROM_OFFSET);
	u16 vector[PAGE_SIZE / 4 / 2] = { 0 };

	_Static_assert(sizeof(vector) >= 256 * VECTOR_SIZE, "all vectors");
	for (unsigned i = 0; i < ROM_VECTORS; i++) {
		memcpy(&vector[2 * i], offset + 2 * i, 2);
		vector[2 * i + 1] = ROM_SEGMENT;
	}
	return load_put(l, 0, vector, 256 * VECTOR_SIZE);
}

/* What INT 15h, E820 tells. */
static int put_areas(struct loader *l)
{
	const struct rom_header h = header();
	struct load_area areas[LOAD_AREAS];
	u16 count = (u16)load_areas(l, areas);
	int error = load_put(l, in_rom(h.area_count), &count, sizeof(count));

	for (unsigned i = 0; i < count && !error; i++) {
		const struct rom_area a = { areas[i].base, areas[i].size, areas[i].type };

		error = load_put(l, in_rom(h.areas) + i * sizeof(a), &a, sizeof(a));
	}
	return error;
}

/* The EBDA says how many KiB it has; what is reserved in it is somebody's already. */
static int put_ebda(struct loader *l)
{
	const u8 kib = (MEMORY_VGA_HOLE - LOAD_LOW_END) >> 10;
	u64 at = LOAD_LOW_END, end;
	int error = 0;

	for (; at < MEMORY_VGA_HOLE && !error; at = end) {
		const struct load_range *other = load_taken(l, at, at + 1);

		end = other ? other->end : at + 1;
		if (!other)
			error = load_put(l, at, at == LOAD_LOW_END ? &kib : (const u8 *)"", 1);
	}
	return error;
}

/* Ticks since midnight, 18.2 a second. */
static int put_ticks(struct loader *l)
{
	u64 second = (host_epoch() + host_now() / 1000000000) % SECONDS_PER_DAY;
	u32 ticks = (u32)(second * TICKS_PER_DAY / SECONDS_PER_DAY);

	return load_put(l, BDA_TICKS, &ticks, sizeof(ticks));
}

static int put_bios_data(struct loader *l)
{
	int error = load_clear(l, 0x400, 0x100);

	for (unsigned i = 0; i < ARRAY_SIZE(bios_data) && !error; i++)
		error = load_put(l, bios_data[i].at, &bios_data[i].value, bios_data[i].size);
	return error ? error : put_ticks(l);
}

int load_rom(struct loader *l)
{
	int error;

	if (memory_rom(l->vm, rom, sizeof(rom)))
		return load_no_memory(l, ROM_BASE);
	error = load_put(l, ROM_BASE, rom, sizeof(rom));
	if (!error)
		error = put_areas(l);
	if (!error)
		error = put_vectors(l);
	if (!error)
		error = put_ebda(l);
	return error ? error : put_bios_data(l);
}

struct table_register load_rom_gdt(void)
{
	return (struct table_register){ .base = in_rom(header().gdt),
					.limit = ROM_GDT_ENTRIES * sizeof(u64) - 1 };
}
