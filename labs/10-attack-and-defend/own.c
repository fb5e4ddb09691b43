/*
 * own.c - the open task, 10.9: an attack of your own
 *
 * You know four holes.  This hypervisor may have others: what a guest says is an index, a length or
 * a number anywhere.  Look for them, from inside a machine, and call alarm() when the machine gives
 * you what it should not.  On a hypervisor without holes there must be no alarm.
 */
#include "frame.h"

static inline void alarm(const char *where)
{
	say("own: alarm: ");
	say(where);
	say("\n");
}

static inline u8 cmos_read(u8 index)
{
	outb(0x70, index);
	return inb(0x71);
}

static void attack(void)
{
	/* lab: 10.9 */
	static u8 name[512];
	struct disk_header header = { DISK_NAME, 0, 0 };
	struct disk_piece piece = { name, sizeof(name) };
	volatile u8 *plane = (volatile u8 *)0xa0000;
	u32 found = 0;

	/* The signature has four bytes: behind it there is nothing. */
	outw(0x510, 0);
	for (unsigned i = 0; i < 64; i++)
		found += inb(0x511) && i >= 4;
	if (found)
		alarm("fw_cfg tells more than an item has");

	/* The number of a byte of CMOS has seven bits; below 14 it is a clock, as byte 50 is. */
	found = 0;
	for (u8 i = 14; i < 128; i++)
		found += i != 50 && cmos_read(i) != cmos_read(i | 128);
	if (found)
		alarm("CMOS has more than 128 bytes");

	/* A disk's name has 20 bytes. */
	memset(name, 0xa5, sizeof(name));
	found = 0;
	if (disk_open())
		disk_request(&header, &piece, 1);
	for (unsigned i = 20; i < sizeof(name); i++)
		found += name[i] != 0xa5;
	if (found)
		alarm("a disk's name is longer than 20 bytes");

	/* 128 KiB are to be seen of planes of 64 KiB: the second half is the first one again. */
	outw(0x3c4, 0x0602); /* map mask: planes 1 and 2; their addresses are not odd and even */
	outw(0x3c4, 0x0604);
	outw(0x3ce, 0x0005); /* write mode 0, read mode 0 */
	outw(0x3ce, 0x0006); /* 128 KiB */
	outw(0x3ce, 0x0204); /* read plane 2 */
	found = 0;
	for (unsigned at = 0; at < 0x10000; at += 0x1010) {
		plane[at] = (u8)(at >> 4 | 1);
		found += plane[0x10000 + at] != plane[at];
	}
	if (found)
		alarm("the VGA has more memory than it has");
	/* lab: end */
}

void guest(void)
{
	wait_for_key();
	say("own: now\n");
	attack();
	say("own: I am still here\n");
}
