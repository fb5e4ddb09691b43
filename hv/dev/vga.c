/* vga.c - see vga.h: the registers; pure, tested on the host */
#include "dev/vga.h"

#include "dev/clock.h"
#include "dev/section.h"
#include "dev/vga_parts.h"
#include "host.h"
#include "lib/string.h"

#define VGA_VERSION 1

#define ATTRIBUTE_PORT 0x3c0
#define ATTRIBUTE_READ_PORT 0x3c1
#define MISC_PORT 0x3c2 /* reads: input status 0 */
#define ENABLE_PORT 0x3c3
#define SEQUENCER_PORT 0x3c4
#define DAC_MASK_PORT 0x3c6
#define DAC_READ_PORT 0x3c7 /* reads: DAC state */
#define DAC_WRITE_PORT 0x3c8
#define DAC_DATA_PORT 0x3c9
#define FEATURE_READ_PORT 0x3ca
#define MISC_READ_PORT 0x3cc
#define GRAPHICS_PORT 0x3ce
#define LAST_PORT 0x3cf
#define MONO_CRTC_PORT 0x3b4
#define MONO_STATUS_PORT 0x3ba
#define COLOUR_CRTC_PORT 0x3d4
#define COLOUR_STATUS_PORT 0x3da /* writes: feature control */

#define ATTRIBUTE_INDEX 0x1f
#define SEQUENCER_INDEX 7
#define GRAPHICS_INDEX 15
#define CRTC_INDEX 0x3f
#define CRTC_OVERFLOW_LINE_COMPARE BIT(4) /* is never protected */
#define CRTC_PROTECTED 7 /* the last register that is */
#define DAC_STATE_READING 3
#define DAC_BITS 0x3f
#define FLOATING 0xff

/* A frame of 720x400 at 70 Hz: 31,469 lines per second. */
#define LINE_HZ 31469
#define FRAME_LINES 449
#define SHOWN_LINES 400
#define RETRACE_FIRST 412
#define RETRACE_LAST 413
#define SHOWN_OF_LINE(ns) ((ns) * 5 / 4 < NS_PER_S / LINE_HZ) /* 80 % of it */
#define STATUS_NOT_SHOWN BIT(0)
#define STATUS_RETRACE BIT(3)

/* Bits that exist. */
static const u8 sequencer_bits[VGA_SEQUENCER_REGS] = { 0x03, 0x3d, 0x0f, 0x3f, 0x0e };
static const u8 graphics_bits[VGA_GRAPHICS_REGS] = { 0x0f, 0x0f, 0x0f, 0x1f, 0x03,
						     0x7b, 0x0f, 0x0f, 0xff };
static const u8 attribute_bits[VGA_ATTRIBUTE_REGS] = {
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f,
};

/* ---- Reading -------------------------------------------------------------------------- */

/* Retrace goes by the machine's clock, so that who waits for it sees it come. */
static u8 read_status(struct vga *vga)
{
	u64 now = vga->bus->now(vga->bus), lines = clock_ticks(now, LINE_HZ);
	u64 line = lines % FRAME_LINES, into = now - clock_ns(lines, LINE_HZ);
	u8 status = 0;

	vga->reg.attribute_data = false;
	if (line >= SHOWN_LINES || !SHOWN_OF_LINE(into))
		status |= STATUS_NOT_SHOWN;
	if (line >= RETRACE_FIRST && line <= RETRACE_LAST)
		status |= STATUS_RETRACE;
	return status;
}

static u8 read_dac(struct vga *vga)
{
	u8 value = vga->reg.dac[vga->reg.dac_read][vga->reg.dac_part];

	if (++vga->reg.dac_part == 3) {
		vga->reg.dac_part = 0;
		vga->reg.dac_read++;
	}
	return value;
}

static u8 read_indexed(const u8 *reg, unsigned count, unsigned index)
{
	return index < count ? reg[index] : 0;
}

static u8 read_port(struct vga *vga, u16 port)
{
	switch (port) {
	case ATTRIBUTE_PORT:
		return vga->reg.attribute_index;
	case ATTRIBUTE_READ_PORT:
		return read_indexed(vga->reg.attribute, VGA_ATTRIBUTE_REGS,
				    vga->reg.attribute_index & ATTRIBUTE_INDEX);
	case MISC_PORT:
		return 0;
	case ENABLE_PORT:
		return 1;
	case SEQUENCER_PORT:
		return vga->reg.sequencer_index;
	case SEQUENCER_PORT + 1:
		return read_indexed(vga->reg.sequencer, VGA_SEQUENCER_REGS,
				    vga->reg.sequencer_index);
	case DAC_MASK_PORT:
		return vga->reg.dac_mask;
	case DAC_READ_PORT:
		return vga->reg.dac_reading ? DAC_STATE_READING : 0;
	case DAC_WRITE_PORT:
		return vga->reg.dac_write;
	case DAC_DATA_PORT:
		return read_dac(vga);
	case FEATURE_READ_PORT:
		return vga->reg.feature;
	case MISC_READ_PORT:
		return vga->reg.misc;
	case GRAPHICS_PORT:
		return vga->reg.graphics_index;
	case GRAPHICS_PORT + 1:
		return read_indexed(vga->reg.graphics, VGA_GRAPHICS_REGS, vga->reg.graphics_index);
	default:
		return FLOATING;
	}
}

static u32 vga_in(void *dev, u16 port, unsigned size)
{
	struct vga *vga = dev;

	return size == 1 ? read_port(vga, port) : bus_split_in(vga->bus, port, size);
}

/* The CRTC and the status register are at one of two places, by the miscellaneous register. */
static bool is_here(const struct vga *vga, u16 port)
{
	return (port >= COLOUR_CRTC_PORT) == (vga->reg.misc & MISC_COLOUR);
}

static u32 crtc_in(void *dev, u16 port, unsigned size)
{
	struct vga *vga = dev;

	if (size != 1)
		return bus_split_in(vga->bus, port, size);
	if (!is_here(vga, port))
		return FLOATING;
	if (port == MONO_STATUS_PORT || port == COLOUR_STATUS_PORT)
		return read_status(vga);
	if (!(port & 1))
		return vga->reg.crtc_index;
	return read_indexed(vga->reg.crtc, VGA_CRTC_REGS, vga->reg.crtc_index);
}

/* ---- Writing -------------------------------------------------------------------------- */

static void write_attribute(struct vga *vga, u8 value)
{
	unsigned index = vga->reg.attribute_index & ATTRIBUTE_INDEX;

	if (!vga->reg.attribute_data)
		vga->reg.attribute_index = value & DAC_BITS;
	else if (index < VGA_ATTRIBUTE_REGS)
		vga->reg.attribute[index] = value & attribute_bits[index];
	vga->reg.attribute_data = !vga->reg.attribute_data;
}

/*
 * A byte for DAC_DATA_PORT.  It is a colour's red, green or blue, six bits; which one comes,
 * dac_part says (0, 1, 2), and of which colour, dac_write.  Behind blue comes the red of the next
 * colour, behind colour 255 colour 0.  Whoever set the address last, for reading or for writing,
 * makes no difference to that; read_dac shares dac_part.
 * Source: see vga.h, "Video Digital-to-Analog Converter".
 */
static void write_dac(struct vga *vga, u8 value)
{
	vga->reg.dac[vga->reg.dac_write][vga->reg.dac_part] = value & DAC_BITS;
	if (++vga->reg.dac_part == 3) {
		vga->reg.dac_part = 0;
		vga->reg.dac_write++;
	}
}

static void write_port(struct vga *vga, u16 port, u8 value)
{
	switch (port) {
	case ATTRIBUTE_PORT:
		write_attribute(vga, value);
		break;
	case MISC_PORT:
		vga->reg.misc = value;
		break;
	case SEQUENCER_PORT:
		vga->reg.sequencer_index = value & SEQUENCER_INDEX;
		break;
	case SEQUENCER_PORT + 1:
		if (vga->reg.sequencer_index < VGA_SEQUENCER_REGS)
			vga->reg.sequencer[vga->reg.sequencer_index] =
				value & sequencer_bits[vga->reg.sequencer_index];
		break;
	case DAC_MASK_PORT:
		vga->reg.dac_mask = value;
		break;
	case DAC_READ_PORT:
	case DAC_WRITE_PORT:
		vga->reg.dac_reading = port == DAC_READ_PORT;
		*(vga->reg.dac_reading ? &vga->reg.dac_read : &vga->reg.dac_write) = value;
		vga->reg.dac_part = 0;
		break;
	case DAC_DATA_PORT:
		write_dac(vga, value);
		break;
	case GRAPHICS_PORT:
		vga->reg.graphics_index = value & GRAPHICS_INDEX;
		break;
	case GRAPHICS_PORT + 1:
		if (vga->reg.graphics_index < VGA_GRAPHICS_REGS)
			vga->reg.graphics[vga->reg.graphics_index] =
				value & graphics_bits[vga->reg.graphics_index];
		break;
	default:
		break;
	}
	vga_screen_window(vga);
}

static void vga_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct vga *vga = dev;

	if (size == 1)
		write_port(vga, port, (u8)value);
	else
		bus_split_out(vga->bus, port, size, value);
}

static void write_crtc(struct vga *vga, u8 value)
{
	unsigned index = vga->reg.crtc_index;
	u8 bits = 0xff;

	if (index >= VGA_CRTC_REGS)
		return;
	if ((vga->reg.crtc[CRTC_RETRACE_END] & CRTC_PROTECT) && index <= CRTC_PROTECTED)
		bits = index == CRTC_OVERFLOW ? CRTC_OVERFLOW_LINE_COMPARE : 0;
	value = (u8)((vga->reg.crtc[index] & ~bits) | (value & bits));
	if (vga->reg.crtc[index] != value)
		vga_screen_changed(vga);
	vga->reg.crtc[index] = value;
	if (index == CRTC_CURSOR_LOW)
		vga_screen_cursor(vga);
}

static void crtc_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct vga *vga = dev;

	if (size != 1)
		bus_split_out(vga->bus, port, size, value);
	else if (!is_here(vga, port))
		return;
	else if (port == MONO_STATUS_PORT || port == COLOUR_STATUS_PORT)
		vga->reg.feature = (u8)value;
	else if (port & 1)
		write_crtc(vga, (u8)value);
	else
		vga->reg.crtc_index = value & CRTC_INDEX;
}

/* ---- Life ------------------------------------------------------------------------------- */

static void mirror_line(void *ctx, const char *text, size_t len)
{
	const struct vga *vga = ctx;
	char line[sizeof(VGA_MARK) + VGA_MIRROR_COLUMNS];
	size_t mark = sizeof(VGA_MARK) - 1;

	memcpy(line, VGA_MARK, mark);
	memcpy(line + mark, text, len);
	line[mark + len] = '\n';
	vga->ops->line(vga->ctx, line, mark + len + 1);
}

void vga_init(struct vga *vga, struct bus *bus, u8 *memory, const struct vga_ops *ops, void *ctx)
{
	static const struct {
		u16 first, last;
	} ports[] = {
		{ MONO_CRTC_PORT, MONO_CRTC_PORT + 1 },
		{ MONO_STATUS_PORT, MONO_STATUS_PORT },
		{ COLOUR_CRTC_PORT, COLOUR_CRTC_PORT + 1 },
		{ COLOUR_STATUS_PORT, COLOUR_STATUS_PORT },
	};

	check(IS_ALIGNED((uintptr_t)memory, PAGE_SIZE));
	memset(vga, 0, sizeof(*vga));
	vga->bus = bus;
	vga->ops = ops;
	vga->ctx = ctx;
	vga->memory = memory;
	bus_alarm_init(bus, &vga->look, vga_screen_look, vga);
	bus_claim_ports(bus,
			(struct port_range){ ATTRIBUTE_PORT, LAST_PORT, vga_in, vga_out, vga });
	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
		bus_claim_ports(bus, (struct port_range){ ports[i].first, ports[i].last, crtc_in,
							  crtc_out, vga });
	bus_claim_mmio(bus, (struct mmio_range){ gpa(VGA_BASE), VGA_SIZE, vga_memory_read,
						 vga_memory_write, vga });
	vga_reset(vga);
}

void vga_reset(struct vga *vga)
{
	bus_alarm_cancel(&vga->look);
	vga->reg = (struct vga_registers){ .dac_mask = 0xff };
	vga_mirror_init(&vga->mirror, mirror_line, vga);
	vga_screen_window(vga);
}

/* "Modes of Operation", mode 3+: 720x400. */
static const u8 mode3_sequencer[VGA_SEQUENCER_REGS] = { 0x03, 0x00, 0x03, 0x00, 0x02 };
static const u8 mode3_crtc[VGA_CRTC_REGS] = {
	0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
	0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff,
};
static const u8 mode3_graphics[VGA_GRAPHICS_REGS] = { 0, 0, 0, 0, 0, 0x10, 0x0e, 0x0f, 0xff };
static const u8 mode3_attribute[VGA_ATTRIBUTE_REGS] = {
	0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a,
	0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00,
};
#define MODE3_MISC 0x67
#define ATTRIBUTE_SCREEN_ON 0x20 /* beside the index */
#define BLANK_CELL 0x0720 /* a space, grey on black */

/* The 64 colours of an EGA: two bits each of red, green and blue, the low ones above. */
static void ega_palette(struct vga *vga)
{
	for (unsigned i = 0; i < 64; i++)
		for (unsigned c = 0; c < 3; c++)
			vga->reg.dac[i][c] = (u8)((i >> (2 - c) & 1) * 0x2a +
						   (i >> (5 - c) & 1) * 0x15);
}

void vga_after_firmware(struct vga *vga)
{
	vga_reset(vga);
	vga->reg.misc = MODE3_MISC;
	memcpy(vga->reg.sequencer, mode3_sequencer, sizeof(vga->reg.sequencer));
	memcpy(vga->reg.crtc, mode3_crtc, sizeof(vga->reg.crtc));
	memcpy(vga->reg.graphics, mode3_graphics, sizeof(vga->reg.graphics));
	memcpy(vga->reg.attribute, mode3_attribute, sizeof(vga->reg.attribute));
	vga->reg.attribute_index = ATTRIBUTE_SCREEN_ON;
	ega_palette(vga);
	for (unsigned i = 0; i < VGA_TEXT_SIZE; i += 2) {
		vga->memory[i] = BLANK_CELL & 0xff;
		vga->memory[i + 1] = BLANK_CELL >> 8;
	}
	vga_screen_window(vga);
}

/* ---- State -------------------------------------------------------------------------------- */

void vga_save(const struct vga *vga, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_VGA, VGA_VERSION);

	state_put(buf, vga->reg.misc, 1);
	state_put(buf, vga->reg.feature, 1);
	state_put(buf, vga->reg.sequencer_index, 1);
	state_put(buf, vga->reg.crtc_index, 1);
	state_put(buf, vga->reg.graphics_index, 1);
	state_put(buf, vga->reg.attribute_index, 1);
	state_put_bytes(buf, vga->reg.sequencer, sizeof(vga->reg.sequencer));
	state_put_bytes(buf, vga->reg.crtc, sizeof(vga->reg.crtc));
	state_put_bytes(buf, vga->reg.graphics, sizeof(vga->reg.graphics));
	state_put_bytes(buf, vga->reg.attribute, sizeof(vga->reg.attribute));
	state_put(buf, vga->reg.attribute_data, 1);
	state_put(buf, vga->reg.dac_reading, 1);
	state_put(buf, vga->reg.dac_mask, 1);
	state_put(buf, vga->reg.dac_read, 1);
	state_put(buf, vga->reg.dac_write, 1);
	state_put(buf, vga->reg.dac_part, 1);
	state_put_bytes(buf, vga->reg.dac, sizeof(vga->reg.dac));
	state_put_bytes(buf, vga->reg.latch, sizeof(vga->reg.latch));
	state_end_section(buf, begin);
}

static void get_bits(struct state_buf *buf, u8 *reg, const u8 *bits, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		reg[i] = (u8)state_get(buf, 1);
		if (reg[i] & ~bits[i])
			state_refuse(buf, "a register of the VGA has impossible bits");
	}
}

static void get_registers(struct vga_registers *n, struct state_buf *buf)
{
	n->misc = (u8)state_get(buf, 1);
	n->feature = (u8)state_get(buf, 1);
	n->sequencer_index = (u8)state_get_max(buf, 1, SEQUENCER_INDEX, NULL);
	n->crtc_index = (u8)state_get_max(buf, 1, CRTC_INDEX, NULL);
	n->graphics_index = (u8)state_get_max(buf, 1, GRAPHICS_INDEX, NULL);
	n->attribute_index = (u8)state_get_max(buf, 1, DAC_BITS, NULL);
	get_bits(buf, n->sequencer, sequencer_bits, VGA_SEQUENCER_REGS);
	state_get_bytes(buf, n->crtc, sizeof(n->crtc));
	get_bits(buf, n->graphics, graphics_bits, VGA_GRAPHICS_REGS);
	get_bits(buf, n->attribute, attribute_bits, VGA_ATTRIBUTE_REGS);
}

static void get_dac(struct vga_registers *n, struct state_buf *buf)
{
	n->attribute_data = state_get_max(buf, 1, 1, NULL);
	n->dac_reading = state_get_max(buf, 1, 1, NULL);
	n->dac_mask = (u8)state_get(buf, 1);
	n->dac_read = (u8)state_get(buf, 1);
	n->dac_write = (u8)state_get(buf, 1);
	n->dac_part = (u8)state_get_max(buf, 1, 2, NULL);
	for (unsigned i = 0; i < VGA_COLOURS; i++)
		for (unsigned c = 0; c < 3; c++)
			n->dac[i][c] = (u8)state_get_max(buf, 1, DAC_BITS, NULL);
	state_get_bytes(buf, n->latch, sizeof(n->latch));
}

/* The screen is looked at as if it had just been written: its lines may be told again. */
int vga_load(struct vga *vga, struct state_buf *buf)
{
	struct vga_registers n = { 0 };

	get_registers(&n, buf);
	get_dac(&n, buf);
	if (buf->error)
		return -1;
	vga->reg = n;
	vga_screen_window(vga);
	vga_screen_changed(vga);
	return 0;
}
