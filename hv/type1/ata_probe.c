/*
 * ata_probe.c - which disks a channel has
 *
 * Owns: the reset at start, and what a disk says of itself.
 * Must not know: requests.
 *
 * Sources: see ata.h.
 */
#include "type1/ata_parts.h"

#include "lib/fmt.h"

#define PROBE_NS 10000000000ull /* a reset may take 31 s, but disks that firmware used spin */
#define PORTS_BEHIND 0x206 /* of the control register behind the command block */
#define DRIVES 2
#define ID_VALID_SHIFT 14
#define ID_VALID 1 /* in those bits of word 83: words 82 to 84 mean something */

/* Text has two characters to a word, the first one in the high byte, and spaces at its end. */
static void copy_model(struct ata_drive *d, const u16 *id)
{
	char *end = d->model;

	for (unsigned i = 0; i < 2 * ATA_ID_MODEL_WORDS; i++) {
		u16 word = id[ATA_ID_MODEL + i / 2];
		char c = (char)(i % 2 ? word : word >> 8);

		d->model[i] = c < ' ' || c > '~' ? ' ' : c;
		if (d->model[i] != ' ')
			end = &d->model[i + 1];
	}
	*end = '\0';
}

static u64 number(const u16 *id, unsigned first, unsigned words)
{
	u64 value = 0;

	for (unsigned i = 0; i < words; i++)
		value |= (u64)id[first + i] << 16 * i;
	return value;
}

static void describe(struct ata_drive *d, const u16 *id)
{
	u16 commands = id[ATA_ID_COMMANDS2];

	if (commands >> ID_VALID_SHIFT != ID_VALID)
		commands = 0;
	d->flush_ext = commands & ATA_ID_FLUSH_EXT;
	d->dma = id[ATA_ID_CAPABILITIES] & ATA_ID_DMA;
	d->store.volatile_cache = commands & (ATA_ID_FLUSH | ATA_ID_FLUSH_EXT);
	d->store.sectors = number(id, ATA_ID_SECTORS, 2);
	if (commands & ATA_ID_LBA48)
		d->store.sectors = number(id, ATA_ID_SECTORS48, 4);
	copy_model(d, id);
}

/* Give the command to the drive that is selected; false: there is no ATA disk that answers it. */
static bool identify(const struct ata_channel *c, u16 *id)
{
	if (ata_in(c, ATA_LBA_MID) || ata_in(c, ATA_LBA_HIGH))
		return false; /* the signature of a CD drive, or of something else */
	ata_out(c, ATA_STATUS, ATA_IDENTIFY);
	ata_settle(c);
	if (!ata_peek(c) || !ata_wait_clear(c, ATA_STATUS_BSY, PROBE_NS))
		return false;
	if ((ata_in(c, ATA_STATUS) & (ATA_STATUS_DRQ | ATA_STATUS_ERR)) != ATA_STATUS_DRQ)
		return false;
	ata_read_words(c, id, ATA_ID_WORDS);
	return id[ATA_ID_CAPABILITIES] & ATA_ID_LBA;
}

/* False: there is no disk that can be used. */
static bool probe_drive(struct ata_channel *c, struct ata_drive *d)
{
	u16 id[ATA_ID_WORDS];
	u8 status;

	ata_out(c, ATA_DEVICE, d->select);
	ata_settle(c);
	status = ata_peek(c);
	if (!status || status == ATA_NO_CHANNEL || !ata_wait_clear(c, ATA_STATUS_BSY, PROBE_NS))
		return false;
	if (!identify(c, id))
		return false;
	describe(d, id);
	return d->store.sectors;
}

unsigned ata_probe(struct ata_channel *c, struct ata_drive *drive, unsigned first)
{
	unsigned found = 0;

	c->control = (u16)(c->base + PORTS_BEHIND);
	if (ata_peek(c) == ATA_NO_CHANNEL)
		return 0;
	/*
	 * Drive 0 has to say whether the channel is busy: firmware may have left an absent
	 * drive 1 selected, which is never busy, and a busy channel takes no other selection.
	 */
	ata_out(c, ATA_DEVICE, ATA_DEVICE_ALWAYS);
	ata_settle(c);
	x86_outb(c->control, ATA_CONTROL_SRST | ATA_CONTROL_NIEN);
	ata_delay(ATA_RESET_HOLD_NS);
	x86_outb(c->control, ATA_CONTROL_NIEN);
	ata_delay(ATA_RESET_SETTLE_NS);
	if (!ata_wait_clear(c, ATA_STATUS_BSY, PROBE_NS)) {
		host_log("espejo: the ATA channel at 0x%x stays busy: it is not used", c->base);
		return 0;
	}
	for (unsigned i = 0; i < DRIVES; i++) {
		struct ata_drive *d = &drive[found];

		*d = (struct ata_drive){ .channel = c };
		d->select = (u8)(ATA_DEVICE_ALWAYS | (i ? ATA_DEVICE_1 : 0));
		fmt_string(d->store.name, sizeof(d->store.name), "hd%u", first + found);
		found += probe_drive(c, d);
	}
	x86_outb(c->control, 0);
	return found;
}
