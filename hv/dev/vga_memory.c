/*
 * vga_memory.c - the four planes, through the graphics controller
 *
 * Owns: what an access between 0xa0000 and 0xbffff does.
 * Must not know: ports, the screen.
 *
 * Source: see vga.h: "Graphics Controller Registers", "Sequencer Registers".
 */
#include "dev/vga_parts.h"

#define PLANES 4
#define ODD_EVEN_PLANES 3u /* bits of planes 0 and 1 */

/* The part of the 128 KiB that is decoded, by the memory map bits of the miscellaneous register. */
static const struct {
	u64 base, size;
} maps[4] = {
	{ 0, KiB(128) },
	{ 0, KiB(64) },
	{ KiB(64), KiB(32) },
	{ KiB(96), KiB(32) },
};

/*
 * Text uses the even addresses of planes 0 and 1, which lie side by side here as the guest sees
 * them; the odd ones likewise behind, then planes 2 and 3.
 */
static u8 *cell(struct vga *vga, unsigned plane, unsigned at)
{
	u64 odd = at & 1;

	if (plane >= 2)
		return &vga->memory[plane * VGA_PLANE + at];
	return &vga->memory[odd * VGA_PLANE + ((at - odd) | plane)];
}

static unsigned map_of(const struct vga *vga)
{
	return vga->reg.graphics[GFX_MISC] >> GFX_MISC_MAP_SHIFT & 3;
}

bool vga_memory_is_plain(const struct vga *vga)
{
	const u8 *gfx = vga->reg.graphics;
	u8 mode = vga->reg.sequencer[SEQ_MEMORY_MODE];

	return (vga->reg.misc & MISC_MEMORY) && map_of(vga) == 3 &&
	       !(mode & (SEQ_MEMORY_SEQUENTIAL | SEQ_MEMORY_CHAIN4)) &&
	       vga->reg.sequencer[SEQ_MAP_MASK] == ODD_EVEN_PLANES &&
	       (gfx[GFX_MODE] & (GFX_MODE_WRITE | GFX_MODE_READ | GFX_MODE_ODD_EVEN)) ==
		       GFX_MODE_ODD_EVEN &&
	       !gfx[GFX_ENABLE_SET_RESET] && !gfx[GFX_ROTATE] && !gfx[GFX_READ_MAP] &&
	       gfx[GFX_BIT_MASK] == 0xff;
}

/* Where in a plane, and which planes, an address is; false: not decoded. */
static bool decode(const struct vga *vga, u64 offset, bool write, unsigned *at, unsigned *planes)
{
	u8 mode = vga->reg.sequencer[SEQ_MEMORY_MODE];
	bool odd_even = write ? !(mode & SEQ_MEMORY_SEQUENTIAL) :
				(vga->reg.graphics[GFX_MODE] & GFX_MODE_ODD_EVEN) != 0;
	unsigned map = map_of(vga), a = (unsigned)(offset - maps[map].base);

	if (!(vga->reg.misc & MISC_MEMORY) || offset - maps[map].base >= maps[map].size)
		return false;
	a &= VGA_PLANE - 1;
	if (mode & SEQ_MEMORY_CHAIN4) {
		*at = a & ~3u;
		*planes = 1u << (a & 3);
	} else if (odd_even) {
		*at = a & ~1u;
		*planes = a & 1 ? 0xa : 0x5;
	} else {
		*at = a;
		*planes = 0xf;
	}
	return true;
}

static u8 read_byte(struct vga *vga, u64 offset)
{
	const u8 *gfx = vga->reg.graphics;
	unsigned at, planes, plane = gfx[GFX_READ_MAP] & 3;
	u8 differ = 0;

	if (!decode(vga, offset, false, &at, &planes))
		return 0xff;
	for (unsigned p = 0; p < PLANES; p++)
		vga->reg.latch[p] = *cell(vga, p, at);
	if (gfx[GFX_MODE] & GFX_MODE_READ) {
		for (unsigned p = 0; p < PLANES; p++)
			if (gfx[GFX_COLOUR_DONT_CARE] >> p & 1)
				differ |= vga->reg.latch[p] ^
					  (gfx[GFX_COLOUR_COMPARE] >> p & 1 ? 0xff : 0);
		return (u8)~differ;
	}
	if (planes == 0xa || planes == 0x5)
		plane = (plane & 2) | (planes == 0xa);
	else if (planes != 0xf)
		plane = (unsigned)__builtin_ctz(planes);
	return vga->reg.latch[plane];
}

static u8 rotate(u8 value, unsigned count)
{
	return (u8)(value >> count | value << (8 - count));
}

static u8 combine(const struct vga *vga, u8 value, u8 latch)
{
	switch (vga->reg.graphics[GFX_ROTATE] >> GFX_FUNCTION_SHIFT & 3) {
	case 1:
		return value & latch;
	case 2:
		return value | latch;
	case 3:
		return value ^ latch;
	default:
		return value;
	}
}

/* "Write Mode" 0 to 3: what one plane gets of a byte from the CPU. */
static u8 plane_value(const struct vga *vga, unsigned plane, u8 byte)
{
	const u8 *gfx = vga->reg.graphics;
	u8 mask = gfx[GFX_BIT_MASK], latch = vga->reg.latch[plane];
	u8 rotated = rotate(byte, gfx[GFX_ROTATE] & GFX_ROTATE_COUNT);
	u8 set = gfx[GFX_SET_RESET] >> plane & 1 ? 0xff : 0, value;

	switch (gfx[GFX_MODE] & GFX_MODE_WRITE) {
	case 0:
		value = gfx[GFX_ENABLE_SET_RESET] >> plane & 1 ? set : rotated;
		break;
	case 1:
		return latch;
	case 2:
		value = byte >> plane & 1 ? 0xff : 0;
		break;
	default:
		value = set;
		mask &= rotated;
	}
	return (u8)((combine(vga, value, latch) & mask) | (latch & ~mask));
}

static void write_byte(struct vga *vga, u64 offset, u8 byte)
{
	unsigned at, planes;

	if (!decode(vga, offset, true, &at, &planes))
		return;
	planes &= vga->reg.sequencer[SEQ_MAP_MASK];
	for (unsigned p = 0; p < PLANES; p++)
		if (planes >> p & 1)
			*cell(vga, p, at) = plane_value(vga, p, byte);
}

u64 vga_memory_read(void *dev, u64 offset, unsigned size)
{
	u64 value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (u64)read_byte(dev, offset + i) << (8 * i);
	return value;
}

void vga_memory_write(void *dev, u64 offset, unsigned size, u64 value)
{
	for (unsigned i = 0; i < size; i++)
		write_byte(dev, offset + i, (u8)(value >> (8 * i)));
	vga_screen_changed(dev);
}
