/*
 * vga_parts.h - what the files of the VGA share
 *
 * Owns: the registers that matter, by name.
 * Must not know: anything outside of vga*.c, whose it is alone.
 */
#ifndef ESPEJO_DEV_VGA_PARTS_H
#define ESPEJO_DEV_VGA_PARTS_H

#include "dev/vga.h"

#define MISC_COLOUR BIT(0) /* CRTC at 0x3d4, else 0x3b4 */
#define MISC_MEMORY BIT(1)

#define SEQ_MAP_MASK 2
#define SEQ_MEMORY_MODE 4
#define SEQ_MEMORY_SEQUENTIAL BIT(2) /* else odd and even addresses go to odd and even planes */
#define SEQ_MEMORY_CHAIN4 BIT(3)

enum graphics_register {
	GFX_SET_RESET,
	GFX_ENABLE_SET_RESET,
	GFX_COLOUR_COMPARE,
	GFX_ROTATE,
	GFX_READ_MAP,
	GFX_MODE,
	GFX_MISC,
	GFX_COLOUR_DONT_CARE,
	GFX_BIT_MASK,
};
#define GFX_ROTATE_COUNT 7
#define GFX_FUNCTION_SHIFT 3
#define GFX_MODE_WRITE 3
#define GFX_MODE_READ BIT(3)
#define GFX_MODE_ODD_EVEN BIT(4)
#define GFX_MISC_GRAPHICS BIT(0)
#define GFX_MISC_MAP_SHIFT 2

enum crtc_register {
	CRTC_DISPLAY_COLUMNS = 0x01, /* less 1 */
	CRTC_OVERFLOW = 0x07,
	CRTC_SCAN_LINES = 0x09,
	CRTC_CURSOR_START = 0x0a,
	CRTC_START_HIGH = 0x0c,
	CRTC_START_LOW = 0x0d,
	CRTC_CURSOR_HIGH = 0x0e,
	CRTC_CURSOR_LOW = 0x0f,
	CRTC_RETRACE_END = 0x11,
	CRTC_DISPLAY_END = 0x12,
	CRTC_OFFSET = 0x13,
};
#define CRTC_CURSOR_OFF BIT(5)
#define CRTC_PROTECT BIT(7)

/* vga_memory.c: memory-mapped accesses; and is text memory now a plain array for the guest? */
u64 vga_memory_read(void *dev, u64 offset, unsigned size);
void vga_memory_write(void *dev, u64 offset, unsigned size, u64 value);
bool vga_memory_is_plain(const struct vga *vga);

/* vga_screen.c: the alarm; something may have changed; what the window should be. */
void vga_screen_look(void *dev);
void vga_screen_changed(struct vga *vga);
void vga_screen_window(struct vga *vga);
/* The guest has set the cursor: its CPU is not writing now, which is a moment to look at the screen
 * if it has written many lines since the last one. */
void vga_screen_cursor(struct vga *vga);

#endif
