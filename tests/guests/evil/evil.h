/*
 * evil.h - a driver that breaks every rule of its devices, and looks what becomes of it
 *
 * Owns: what the parts have in common: verdicts, canaries, PCI, a virtio driver that can lie.
 * Must not know: who emulates the devices; whether others were harmed is for others to see.
 *
 * The guest says TAP lines: a device that was lied to says so where the specification wants it
 * (DEVICE_NEEDS_RESET), works again after a reset, and has written nothing that was not its to
 * write.  Words of the command line:
 *
 *	part=rings                 this part alone
 *	mode=storm                 no verdicts: make trouble until killed
 */
#ifndef EVIL_EVIL_H
#define EVIL_EVIL_H

#include "compiler.h"
#include "rt.h"
#include "x86.h"
#include "x86_ops.h"

/* ---- Verdicts (main.c) ------------------------------------------------------------- */

/* A TAP line. */
void verdict(bool good, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- Memory that nobody may write (memory.c) ------------------------------------------- */

/* All RAM behind the image, and the zones around the buffers, get a pattern. */
void memory_mark(void);
/* Is it still there?  The first address that is not, else 0; the pattern is restored. */
u64 memory_spoilt(void);
/* A page of that RAM which no one has touched before; 0: there is none left. */
u64 memory_fresh(void);

/* Buffers, with zones of pattern around each: what a device may write to. */
#define BUFFERS 8
#define BUFFER_SIZE 4096u
u8 *memory_buffer(unsigned n);
/* The first byte behind RAM, tables of firmware included: ram=BYTES. */
u64 memory_end(void);

/* ---- PCI (pci.c) -------------------------------------------------------------------------- */

#define PCI_COMMAND 0x04
#define PCI_STATUS 0x06
#define PCI_BAR0 0x10
#define PCI_CAPABILITIES 0x34
#define PCI_IO 1
#define PCI_MEMORY 2
#define PCI_MASTER 4
#define PCI_CONFIG_SIZE 256
#define PCI_DEVFNS 256

u32 pci_read(u8 devfn, unsigned offset, unsigned size);
void pci_write(u8 devfn, unsigned offset, unsigned size, u32 value);
/* The configuration space of all functions, to be put back after it was scribbled upon. */
void pci_keep(void);
void pci_restore(void);
/* The next function that there is, from devfn on; -1: none. */
int pci_next(unsigned devfn);

/* ---- virtio (virtio.c) ---------------------------------------------------------------------- */

enum { TYPE_NET = 1, TYPE_BLK = 2, TYPE_CONSOLE = 3, TYPE_RNG = 4 };

/* "Common configuration structure layout" (4.1.4.3) */
enum {
	DEVICE_FEATURE_SELECT = 0x00,
	DEVICE_FEATURE = 0x04,
	DRIVER_FEATURE_SELECT = 0x08,
	DRIVER_FEATURE = 0x0c,
	CONFIG_VECTOR = 0x10,
	NUM_QUEUES = 0x12,
	STATUS = 0x14,
	QUEUE_SELECT = 0x16,
	QUEUE_SIZE = 0x18,
	QUEUE_VECTOR = 0x1a,
	QUEUE_ENABLE = 0x1c,
	QUEUE_NOTIFY_OFF = 0x1e,
	QUEUE_DESC = 0x20,
	QUEUE_DRIVER = 0x28,
	QUEUE_DEVICE = 0x30,
	QUEUE_RESET = 0x3a,
	COMMON_SIZE = 0x3c,
};

enum {
	S_ACKNOWLEDGE = 1,
	S_DRIVER = 2,
	S_DRIVER_OK = 4,
	S_FEATURES_OK = 8,
	S_NEEDS_RESET = 64,
	S_FAILED = 128,
};

#define F_INDIRECT BIT(28)
#define F_EVENT_IDX BIT(29)
#define F_VERSION_1 BIT(32)
#define F_RING_RESET BIT(40)

enum { D_NEXT = 1, D_WRITE = 2, D_INDIRECT = 4 };

struct descriptor {
	u64 address;
	u32 len;
	u16 flags, next;
};
ASSERT_SIZE(struct descriptor, 16);

/* The largest that a queue of ours gets: small, so that chains outgrow it soon. */
#define RING_SIZE 64

struct ring {
	struct descriptor d[RING_SIZE] ALIGNED(4096);
	volatile u16 avail_flags, avail_idx, avail[RING_SIZE], used_event;
	volatile u16 used_flags ALIGNED(4096);
	volatile u16 used_idx;
	volatile struct {
		u32 id, len;
	} used[RING_SIZE];
	volatile u16 avail_event;
};

struct device {
	const char *name;
	u16 type;
	u16 queue;			       /* the one that carries our requests */
	int devfn;			       /* -1: there is none */
	u64 common, isr, config, notify, msix; /* addresses; 0: not there */
	u32 config_size, notify_multiplier;
	u64 sectors; /* of a disk */
	bool read_only;
};

extern struct device devices[4];
extern struct ring ring;
/* Descriptors in the present chain, and the one in it that carries the data. */
extern unsigned chain_length, chain_data;

u64 reg_read(u64 base, unsigned offset, unsigned size);
void reg_write(u64 base, unsigned offset, unsigned size, u64 value);

/* Find all devices by their capabilities; how many there are. */
unsigned virtio_find(void);
/* Write status 0 and wait until it is read back. */
bool virtio_reset(const struct device *d);
/* Up to FEATURES_OK, with VERSION_1 and features; false: it will not. */
bool virtio_begin(const struct device *d, u64 features);
/* Tell the device where its queue is, and switch it on. */
void virtio_queue(const struct device *d, unsigned n, u16 size, u64 desc, u64 avail, u64 used);
void virtio_go(const struct device *d); /* DRIVER_OK */
void virtio_notify(const struct device *d, unsigned n);
u8 virtio_status(const struct device *d);
/* Reset, features, our ring, DRIVER_OK. */
bool virtio_up(const struct device *d, u64 features);
/* A request that is right, into ring.d from 0 on and avail[0]; not yet shown in avail_idx. */
void virtio_chain(const struct device *d);

enum outcome { NOTHING, SERVED, BROKEN };
/* Show what avail[] has, notify, wait for one of them. */
enum outcome virtio_run(const struct device *d, u16 avail_idx);
/* Does a right request work, after a reset? */
bool virtio_works(const struct device *d);

/* ---- The parts ------------------------------------------------------------------------------ */

void rings_main(void);	   /* what is in a ring */
void flight_main(void);	   /* what is taken away under way */
void requests_main(void);  /* right rings, wrong requests */
void registers_main(void); /* virtio's registers */
void bars_main(void);	   /* PCI: configuration space, BARs, MSI-X */
void chipset_main(void);   /* all that is older than PCI, fw_cfg, IOAPIC */
void errors_main(void);	   /* a disk with a sector that fails */
void race_main(void);	   /* a second CPU that changes rings under way */
NORETURN void storm_main(void);

#endif
