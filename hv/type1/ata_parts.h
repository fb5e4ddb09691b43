/*
 * ata_parts.h - what the files of the ATA driver share
 *
 * Owns: a channel and a drive, and access to their registers.
 * Must not know: who uses disks.  Only ata.c and ata_probe.c include this.
 */
#ifndef ESPEJO_TYPE1_ATA_PARTS_H
#define ESPEJO_TYPE1_ATA_PARTS_H

#include "host.h"
#include "store.h"
#include "type1/ata_regs.h"
#include "x86_ops.h"

#define ATA_CHANNELS 2
#define ATA_BOUNCE_SECTORS 128
#define ATA_PRDS (PAGE_SIZE / sizeof(struct ata_prd))
#define ATA_RESET_HOLD_NS 10000ull /* at least 5 us */
#define ATA_RESET_SETTLE_NS 2000000ull

enum ata_state {
	ATA_IDLE,
	ATA_READING, /* by PIO */
	ATA_WRITING,
	ATA_WAITING, /* for DMA, or for the end of a command without data */
	ATA_TROUBLE, /* the command could not be begun */
	ATA_RESETTING,
};

struct ata_channel;

struct ata_drive {
	struct store store;
	struct ata_channel *channel;
	u8 select; /* its ATA_DEVICE */
	bool dma, flush_ext;
	unsigned errors;
	char model[2 * ATA_ID_MODEL_WORDS + 1];
};

struct ata_channel {
	struct host_lock lock;
	u16 base, control;
	u16 bus_master; /* 0: none */
	u8 irq, vector;
	bool interrupts; /* they come */
	bool dead; /* it did not come back from a reset */
	struct host_timer timer;
	bool timer_set;
	struct ata_prd *prd; /* ATA_PRDS */
	u8 *bounce; /* ATA_BOUNCE_SECTORS */

	struct store_request *queue, **queue_end; /* the first one is being worked on */
	struct store_request *ended; /* to be told, the last one first */
	struct ata_drive *drive; /* whose request it is, or was */
	u8 state; /* enum ata_state */
	bool dma, bounced; /* this command */
	u64 at, left; /* sectors: where the command begins, and what remains from there */
	struct store_cursor cursor; /* what comes next of the request's memory */
	u32 count; /* sectors of this command */
	u32 moved; /* of them, by PIO */
	u64 deadline;
};

static inline u8 ata_in(const struct ata_channel *c, enum ata_register reg)
{
	return x86_inb((u16)(c->base + reg));
}

static inline void ata_out(const struct ata_channel *c, enum ata_register reg, u64 value)
{
	x86_outb((u16)(c->base + reg), (u8)value);
}

/* The status without its side effect on the interrupt. */
static inline u8 ata_peek(const struct ata_channel *c)
{
	return x86_inb(c->control);
}

/* 400 ns, after which the status is that of the device selected, of the command given. */
static inline void ata_settle(const struct ata_channel *c)
{
	for (unsigned i = 0; i < 4; i++)
		ata_peek(c);
}

static inline void ata_delay(u64 ns)
{
	u64 end = host_now() + ns;

	while (host_now() < end)
		host_relax();
}

/* Until the status bits of mask are 0; false: not within ns. */
static inline bool ata_wait_clear(const struct ata_channel *c, u8 mask, u64 ns)
{
	u64 end = host_now() + ns;

	while (ata_peek(c) & mask) {
		if (host_now() >= end)
			return false;
		host_relax();
	}
	return true;
}

static inline void ata_read_words(const struct ata_channel *c, u16 *to, unsigned words)
{
	while (words--)
		*to++ = x86_inw((u16)(c->base + ATA_DATA));
}

static inline void ata_write_words(const struct ata_channel *c, const u16 *from, unsigned words)
{
	while (words--)
		x86_outw((u16)(c->base + ATA_DATA), *from++);
}

/*
 * ata_probe.c: reset the channel (its numbers are set) and add the ATA disks on it to drive[],
 * at most two, with the store named after number first and up.  How many.
 */
unsigned ata_probe(struct ata_channel *c, struct ata_drive *drive, unsigned first);

#endif
