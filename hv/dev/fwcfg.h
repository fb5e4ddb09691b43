/*
 * fwcfg.h - fw_cfg: what the machine tells firmware about itself
 *
 * Owns: ports 0x510 (selector), 0x511 (data), 0x514-0x51b (DMA address); the directory of files.
 * Must not know: what is in the files.
 *
 * Source: QEMU, "QEMU Firmware Configuration (fw_cfg) Device" (docs/specs/fw_cfg.txt of 7.2): the
 * numbers of its keys and the layout of its directory are what SeaBIOS and Linux look for.
 *
 * Guests cannot write items.  A key that nobody gave an item reads as zeros.
 */
#ifndef ESPEJO_DEV_FWCFG_H
#define ESPEJO_DEV_FWCFG_H

#include "dev/bus.h"

struct state_buf;

#define FWCFG_PORT 0x510
#define FWCFG_PORTS 12
#define FWCFG_NAME_SIZE 56 /* with the zero at the end */
#define FWCFG_FILES 24
#define FWCFG_KEYS 16
/* So many zeros one DMA request may read behind the end of an item: a bound on what it costs us. */
#define FWCFG_ZEROS_MAX 65536u

/* Keys that are no files.  Numbers in items are little endian. */
enum fwcfg_key {
	FWCFG_SIGNATURE = 0x00,
	FWCFG_ID = 0x01,
	FWCFG_RAM_SIZE = 0x03,	/* u64: bytes */
	FWCFG_NOGRAPHIC = 0x04, /* u16: 1: the serial line is the console */
	FWCFG_CPUS = 0x05,	/* u16: running at start */
	FWCFG_MAX_CPUS = 0x0f,	/* u16: highest APIC ID + 1 */
	FWCFG_DIRECTORY = 0x19,
	FWCFG_FIRST_FILE = 0x20,
	FWCFG_IRQ0_OVERRIDE = 0x8002, /* u8: ISA IRQ 0 enters the IOAPIC at pin 2 */
	FWCFG_NO_KEY = 0xffff,
};

struct fwcfg_item {
	u16 key;
	u32 size;
	const void *data; /* NULL: in number */
	u8 number[8];
};

/* As the guest reads it: big endian. */
struct fwcfg_file {
	u8 size[4];
	u8 key[2];
	u8 reserved[2];
	char name[FWCFG_NAME_SIZE];
};
ASSERT_SIZE(struct fwcfg_file, 64);

struct fwcfg_directory {
	u8 count[4];
	struct fwcfg_file file[FWCFG_FILES];
};

struct fwcfg {
	struct bus *bus;
	struct fwcfg_item item[FWCFG_KEYS + FWCFG_FILES];
	unsigned count;
	struct fwcfg_directory directory;
	unsigned files;

	u16 key; /* selected */
	u32 at;	 /* the next byte of it */
	u32 dma_high;
};

/* Claims the ports; signature, ID and an empty directory are there. */
void fwcfg_init(struct fwcfg *f, struct bus *bus);
/* Power-on: nothing selected; items stay. */
void fwcfg_reset(struct fwcfg *f);

/*
 * Items.  data stays the caller's and must live as long as f; a file's name is copied.  A name or
 * key that is there already gets the new contents (a machine that starts again).  Panics on more
 * items than fit, and on names too long.
 */
void fwcfg_add_number(struct fwcfg *f, u16 key, u64 value, unsigned bytes);
void fwcfg_add_file(struct fwcfg *f, const char *name, const void *data, u32 size);
/* A file of 8 bytes, a number, as etc/sercon-port is. */
void fwcfg_add_file_number(struct fwcfg *f, const char *name, u64 value);

void fwcfg_save(const struct fwcfg *f, struct state_buf *buf);
/* After state_next_section gave DEVICE_SECTION_FWCFG: 0, or -1, buf->error set, f unchanged. */
int fwcfg_load(struct fwcfg *f, struct state_buf *buf);

#endif
