/*
 * vga.h - a VGA: its registers, 256 KiB of memory in four planes, and text for those who have no
 * screen
 *
 * Owns: ports 0x3b4-0x3da, addresses 0xa0000-0xbffff, and the mirror of the text screen.
 * Must not know: how memory gets into a guest, where lines of text go.
 *
 * Sources: IBM, "PS/2 Hardware Interface Technical Reference: Video Subsystems", "Video Graphics
 * Array Function": "Registers", "Video Memory Organization", "Modes of Operation".
 *
 * In text mode the 32 KiB at 0xb8000 are mapped into the guest: writing costs nothing but one exit
 * when the screen has been at rest, which starts a clock (VGA_PERIOD) after which the screen is
 * looked at and the window watched again; many lines at once are seen by the cursor that is set
 * behind them.  They are the same memory as the even addresses of planes
 * 0 and 1, stored so that they lie in a row.
 *
 * Not like the original: nothing is displayed, so timing registers, palette and fonts are stored
 * without effect; direct accesses to text memory do not load the latches; the odd/even page bit,
 * the "chain" of 128 KiB and split screens are not looked at; input status 0 senses no monitor.
 *
 * Locking: the VM's device lock, as all devices.
 */
#ifndef ESPEJO_DEV_VGA_H
#define ESPEJO_DEV_VGA_H

#include "dev/bus.h"
#include "dev/vga_mirror.h"

struct state_buf;

#define VGA_BASE 0xa0000ull
#define VGA_SIZE KiB(128)
#define VGA_TEXT 0xb8000ull
#define VGA_TEXT_SIZE KiB(32)
#define VGA_PLANE KiB(64)
#define VGA_MEMORY (4 * VGA_PLANE)
#define VGA_PERIOD 20000000ull /* ns from the first write to a look at the screen */

#define VGA_SEQUENCER_REGS 5
#define VGA_CRTC_REGS 25
#define VGA_GRAPHICS_REGS 9
#define VGA_ATTRIBUTE_REGS 21
#define VGA_COLOURS 256

/* How the guest sees the text memory; more is more. */
enum vga_window {
	VGA_WINDOW_CLOSED, /* through the registers: each access comes to vga_read and vga_write */
	VGA_WINDOW_WATCHED, /* reads go to memory, the first write calls vga_written */
	VGA_WINDOW_OPEN, /* reads and writes go to memory */
};

struct vga_ops {
	/* Show text memory (the first VGA_TEXT_SIZE bytes of memory) at VGA_TEXT like that. */
	void (*window)(void *ctx, enum vga_window state);
	/* Since the window is watched, can no CPU write to it any more without vga_written? */
	bool (*settled)(void *ctx);
	/* A line of the screen, with its newline. */
	void (*line)(void *ctx, const char *text, size_t len);
};

#define VGA_MARK "vga: " /* each line begins with it */

/* What a saved state holds. */
struct vga_registers {
	u8 misc, feature;
	u8 sequencer_index, crtc_index, graphics_index, attribute_index;
	u8 sequencer[VGA_SEQUENCER_REGS];
	u8 crtc[VGA_CRTC_REGS];
	u8 graphics[VGA_GRAPHICS_REGS];
	u8 attribute[VGA_ATTRIBUTE_REGS];
	bool attribute_data; /* the flip-flop: the next write to 0x3c0 is data */
	u8 dac_mask, dac_read, dac_write, dac_part; /* part: 0 red, 1 green, 2 blue */
	bool dac_reading;
	u8 dac[VGA_COLOURS][3]; /* six bits each */
	u8 latch[4];
};

struct vga {
	struct bus *bus;
	const struct vga_ops *ops;
	void *ctx;
	u8 *memory; /* see cell() of vga_memory.c */

	struct vga_registers reg;

	u8 window; /* enum vga_window: what was asked for last */
	unsigned cursor, lines; /* where it was seen last, rows it went since the last look */
	struct alarm look;
	struct vga_mirror mirror;
};

/*
 * memory: VGA_MEMORY bytes, zero, aligned to a page, the caller's.  Claims ports and addresses.
 * Then as after vga_reset.
 */
void vga_init(struct vga *vga, struct bus *bus, u8 *memory, const struct vga_ops *ops, void *ctx);
/* Power-on: registers 0, window closed. */
void vga_reset(struct vga *vga);
/* As a BIOS leaves it: mode 3, 80x25 colour text, the screen blank. */
void vga_after_firmware(struct vga *vga);
/* The guest is about to write into the watched window: opens it. */
void vga_written(struct vga *vga);
/* Tell whatever is on the screen and was not told: the machine is at its end. */
void vga_finish(struct vga *vga);

/* Registers only; memory is saved by whoever saves RAM. */
void vga_save(const struct vga *vga, struct state_buf *buf);
int vga_load(struct vga *vga, struct state_buf *buf);

#endif
