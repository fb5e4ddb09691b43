/* ata.c - see ata.h */
#include "type1/ata.h"

#include "lib/fmt.h"
#include "type1/apic.h"
#include "type1/ata_parts.h"
#include "type1/cpu.h"
#include "type1/irqroute.h"
#include "type1/loop.h"
#include "type1/traps.h"

#define MS 1000000ull
#define COMMAND_NS (10000 * MS)
#define RESET_NS (10000 * MS)
#define SELECT_NS 100000ull /* for a disk that is not busy */
#define POLL_NS MS
#define BACKSTOP_NS (5 * MS) /* where the interrupt should come first */

#define LBA28_END BIT(28)
#define COMMAND_SECTORS 256
#define ERRORS_LOGGED 20
#define SECTOR_WORDS (STORE_SECTOR / 2)

/* Below 4 GiB, as the image is. */
static struct ata_prd prds[ATA_CHANNELS][ATA_PRDS] ALIGNED(4096);
static u8 bounces[ATA_CHANNELS][ATA_BOUNCE_SECTORS * STORE_SECTOR] ALIGNED(4096);

static struct ata_channel channels[ATA_CHANNELS] = {
	{ .base = 0x1f0, .irq = 14, .vector = TRAPS_VECTOR_ATA0 },
	{ .base = 0x170, .irq = 15, .vector = TRAPS_VECTOR_ATA1 },
};
static struct ata_drive drives[ATA_DRIVES];
static unsigned drive_count;

/* What the controller reads is in memory; what it wrote is read from there. */
static void memory_barrier(void)
{
	__asm__ volatile("" ::: "memory");
}

/* ---- Commands ------------------------------------------------------------------------------- */

/* The region [address, address + size) behind the n entries that there are. */
static unsigned add_prds(struct ata_channel *c, unsigned n, u64 address, u32 size)
{
	while (size) {
		u32 len = MIN(size, ATA_PRD_SIZE - (u32)(address & (ATA_PRD_SIZE - 1)));

		check(n < ATA_PRDS);
		c->prd[n++] = (struct ata_prd){ .address = (u32)address, .size = (u16)len };
		address += len;
		size -= len;
	}
	return n;
}

static bool reachable(const u8 *data, u32 size)
{
	u64 address = host_hpa(data).v;

	return !(address & 1) && address < GiB(4) && size <= GiB(4) - address;
}

/* Fill the table with as many of the request's own pieces as DMA reaches: count of sectors. */
static u32 gather(struct ata_channel *c)
{
	u64 left = MIN(c->left, (u64)COMMAND_SECTORS) * STORE_SECTOR, size = 0;
	unsigned n = 0;
	u8 *data;

	while (size < left) {
		struct store_cursor next = c->cursor;
		u32 len = store_piece(c->queue, &next, left - size, &data);

		if (!reachable(data, len))
			break;
		n = add_prds(c, n, host_hpa(data).v, len);
		c->cursor = next;
		size += len;
	}
	if (n)
		c->prd[n - 1].flags = ATA_PRD_LAST;
	return (u32)(size / STORE_SECTOR);
}

static void prepare_dma(struct ata_channel *c)
{
	unsigned n;

	c->count = gather(c);
	c->bounced = !c->count;
	if (c->bounced) {
		c->count = (u32)MIN(c->left, (u64)ATA_BOUNCE_SECTORS);
		n = add_prds(c, 0, host_hpa(c->bounce).v, c->count * STORE_SECTOR);
		c->prd[n - 1].flags = ATA_PRD_LAST;
		if (c->queue->operation == STORE_WRITE)
			store_copy_out(c->queue, &c->cursor, c->bounce, c->count * STORE_SECTOR);
	}
	x86_outl((u16)(c->bus_master + ATA_BM_TABLE), (u32)host_hpa(c->prd).v);
	x86_outb((u16)(c->bus_master + ATA_BM_COMMAND),
		 c->queue->operation == STORE_READ ? ATA_BM_TO_MEMORY : 0);
	x86_outb((u16)(c->bus_master + ATA_BM_STATUS), ATA_BM_ERROR | ATA_BM_INTERRUPT);
}

static void start_dma(const struct ata_channel *c)
{
	memory_barrier();
	x86_outb((u16)(c->bus_master + ATA_BM_COMMAND),
		 ATA_BM_START | (c->queue->operation == STORE_READ ? ATA_BM_TO_MEMORY : 0));
}

/* Which of the eight. */
static u8 data_command(bool write, bool dma, bool ext)
{
	static const u8 command[2][2][2] = {
		{ { ATA_READ_SECTORS, ATA_READ_SECTORS_EXT }, { ATA_READ_DMA, ATA_READ_DMA_EXT } },
		{ { ATA_WRITE_SECTORS, ATA_WRITE_SECTORS_EXT },
		  { ATA_WRITE_DMA, ATA_WRITE_DMA_EXT } },
	};

	return command[write][dma][ext];
}

/* Select the drive and say which sectors; of the EXT commands, the high halves go first. */
static void say_where(const struct ata_channel *c, bool ext)
{
	u8 high = ext ? 0 : (u8)(c->at >> 24 & 0xf);

	ata_out(c, ATA_DEVICE, c->drive->select | ATA_DEVICE_LBA | high);
	if (ext) {
		ata_out(c, ATA_COUNT, c->count >> 8);
		ata_out(c, ATA_LBA_LOW, c->at >> 24);
		ata_out(c, ATA_LBA_MID, c->at >> 32);
		ata_out(c, ATA_LBA_HIGH, c->at >> 40);
	}
	ata_out(c, ATA_COUNT, c->count);
	ata_out(c, ATA_LBA_LOW, c->at);
	ata_out(c, ATA_LBA_MID, c->at >> 8);
	ata_out(c, ATA_LBA_HIGH, c->at >> 16);
}

static bool select_drive(const struct ata_channel *c)
{
	ata_out(c, ATA_DEVICE, c->drive->select | ATA_DEVICE_LBA);
	ata_settle(c);
	return ata_wait_clear(c, ATA_STATUS_BSY | ATA_STATUS_DRQ, SELECT_NS);
}

/* The next command of the first request. */
static void begin_command(struct ata_channel *c)
{
	const struct ata_drive *d = c->drive;
	bool write = c->queue->operation == STORE_WRITE, ext;

	c->deadline = host_now() + COMMAND_NS;
	c->moved = 0;
	c->state = ATA_TROUBLE;
	c->dma = false;
	if (!select_drive(c))
		return;
	if (c->queue->operation == STORE_FLUSH) {
		ata_out(c, ATA_STATUS, d->flush_ext ? ATA_FLUSH_CACHE_EXT : ATA_FLUSH_CACHE);
		ata_settle(c);
		c->state = ATA_WAITING;
		return;
	}
	c->dma = d->dma && c->bus_master;
	if (c->dma)
		prepare_dma(c);
	else
		c->count = (u32)MIN(c->left, (u64)COMMAND_SECTORS);
	ext = c->at + c->count > LBA28_END;
	say_where(c, ext);
	ata_out(c, ATA_STATUS, data_command(write, c->dma, ext));
	if (c->dma)
		start_dma(c);
	ata_settle(c);
	c->state = c->dma ? ATA_WAITING : write ? ATA_WRITING : ATA_READING;
}

static void begin_request(struct ata_channel *c)
{
	c->state = ATA_IDLE;
	if (!c->queue)
		return;
	c->drive = c->queue->private[0];
	c->at = c->queue->at;
	c->left = store_request_sectors(c->queue);
	c->cursor = (struct store_cursor){ 0 };
	begin_command(c);
}

/* ---- Ends ----------------------------------------------------------------------------------- */

static void end_request(struct ata_channel *c, enum store_result result)
{
	struct store_request *request = c->queue;

	c->queue = request->next;
	if (!c->queue)
		c->queue_end = &c->queue;
	request->result = (u8)result;
	request->next = c->ended;
	c->ended = request;
}

/* The cause of an error, in the words of "Error register". */
static const char *cause(u8 error)
{
	static const char *const name[] = { "address mark not found", "track 0 not found",
					    "command aborted", "media change requested",
					    "sector not found", "media changed",
					    "data cannot be read", "interface CRC" };

	for (unsigned bit = 8; bit--;)
		if (error & BIT(bit))
			return name[bit];
	return "no cause given";
}

/* A medium with many bad sectors is not to fill the console. */
static void complain(struct ata_channel *c, const char *why)
{
	static const char *const verb[] = { "reading", "writing", "flushing" };
	struct ata_drive *d = c->drive;
	char what[48] = "";

	if (c->queue->operation != STORE_FLUSH)
		fmt_string(what, sizeof(what), " %u sectors at %llu", c->count,
			   (unsigned long long)c->at);
	if (d->errors++ < ERRORS_LOGGED)
		host_log("%s: %s%s: %s%s", d->store.name, verb[c->queue->operation], what, why,
			 d->errors == ERRORS_LOGGED ? " (no more of this is said)" : "");
}

static void fail(struct ata_channel *c, u8 status, u8 error)
{
	char why[80];

	fmt_string(why, sizeof(why), "status %#x, error %#x: %s", status, error, cause(error));
	complain(c, why);
	end_request(c, STORE_ERROR);
	begin_request(c);
}

static void stop_dma(const struct ata_channel *c)
{
	if (!c->bus_master)
		return;
	x86_outb((u16)(c->bus_master + ATA_BM_COMMAND), 0);
	x86_outb((u16)(c->bus_master + ATA_BM_STATUS), ATA_BM_ERROR | ATA_BM_INTERRUPT);
	memory_barrier();
}

/* The disk does not do what it should: start it anew, without this request. */
static void reset(struct ata_channel *c, const char *why)
{
	complain(c, why);
	stop_dma(c);
	end_request(c, STORE_ERROR);
	x86_outb(c->control, ATA_CONTROL_SRST);
	ata_delay(ATA_RESET_HOLD_NS);
	x86_outb(c->control, 0);
	c->state = ATA_RESETTING;
	c->deadline = host_now() + RESET_NS;
}

static void give_up(struct ata_channel *c)
{
	host_log("%s: the disk does not come back from a reset: it is not used any more",
		 c->drive->store.name);
	c->dead = true;
	while (c->queue)
		end_request(c, STORE_ERROR);
	c->state = ATA_IDLE;
}

/* The command has moved all its sectors. */
static void end_command(struct ata_channel *c)
{
	if (c->dma && c->bounced && c->queue->operation == STORE_READ)
		store_copy_in(c->queue, &c->cursor, c->bounce, c->count * STORE_SECTOR);
	if (c->queue->operation != STORE_FLUSH) {
		c->at += c->count;
		c->left -= c->count;
	}
	if (c->left) {
		begin_command(c);
		return;
	}
	end_request(c, STORE_OK);
	begin_request(c);
}

/* ---- Progress ------------------------------------------------------------------------------- */

/* One sector of the first request, by PIO: from or to wherever its pieces are. */
static void move_sector(struct ata_channel *c)
{
	u16 sector[SECTOR_WORDS];

	if (c->state == ATA_WRITING) {
		store_copy_out(c->queue, &c->cursor, sector, sizeof(sector));
		ata_write_words(c, sector, SECTOR_WORDS);
	} else {
		ata_read_words(c, sector, SECTOR_WORDS);
		store_copy_in(c->queue, &c->cursor, sector, sizeof(sector));
	}
	c->moved++;
	ata_settle(c);
}

/* The device may want a sector, or be at its end.  False: nothing yet. */
static bool step_pio(struct ata_channel *c)
{
	u8 status;

	if (ata_peek(c) & ATA_STATUS_BSY)
		return false;
	status = ata_in(c, ATA_STATUS);
	if (status & (ATA_STATUS_ERR | ATA_STATUS_DF)) {
		fail(c, status, ata_in(c, ATA_ERROR));
		return true;
	}
	if (c->moved < c->count) {
		if (!(status & ATA_STATUS_DRQ))
			return false;
		move_sector(c);
		/* Of a read nothing more is to come; a write's last sector must arrive first. */
		if (c->moved < c->count || c->state == ATA_WRITING)
			return true;
	}
	end_command(c);
	return true;
}

/* Has the command without data, or the DMA, ended? */
static bool step_waiting(struct ata_channel *c)
{
	u8 master = c->dma ? x86_inb((u16)(c->bus_master + ATA_BM_STATUS)) : 0, status;

	if (c->dma && !(master & (ATA_BM_INTERRUPT | ATA_BM_ERROR)))
		return false;
	if (ata_peek(c) & ATA_STATUS_BSY)
		return false;
	if (c->dma)
		stop_dma(c);
	status = ata_in(c, ATA_STATUS);
	if (status & (ATA_STATUS_ERR | ATA_STATUS_DF) || master & ATA_BM_ERROR)
		fail(c, status, status & ATA_STATUS_ERR ? ata_in(c, ATA_ERROR) : 0);
	else
		end_command(c);
	return true;
}

/* False: nothing has changed. */
static bool step(struct ata_channel *c)
{
	switch (c->state) {
	case ATA_READING:
	case ATA_WRITING:
		return step_pio(c);
	case ATA_WAITING:
		return step_waiting(c);
	case ATA_TROUBLE:
		reset(c, "the disk is not ready: it is reset");
		return true;
	case ATA_RESETTING:
		/* Its status means something only after a while. */
		if (host_now() < c->deadline - RESET_NS + ATA_RESET_SETTLE_NS ||
		    ata_peek(c) & ATA_STATUS_BSY)
			return false;
		begin_request(c);
		return true;
	default:
		return false;
	}
}

static void overdue(struct ata_channel *c)
{
	if (c->state == ATA_IDLE || host_now() < c->deadline)
		return;
	if (c->state == ATA_RESETTING)
		give_up(c);
	else
		reset(c, "no answer: the disk is reset");
}

/* While something is in progress, the timer looks after it. */
static void keep_watch(struct ata_channel *c)
{
	if (c->state == ATA_IDLE || c->timer_set)
		return;
	c->timer_set = true;
	host_timer_set(&c->timer, host_now() + (c->interrupts ? BACKSTOP_NS : POLL_NS));
}

static void poll(struct ata_channel *c)
{
	struct store_request *ended, *next;

	if (READ_ONCE(c->state) == ATA_IDLE)
		return;
	host_lock(&c->lock);
	while (step(c))
		continue;
	overdue(c);
	keep_watch(c);
	ended = c->ended;
	c->ended = NULL;
	host_unlock(&c->lock);
	for (; ended; ended = next) {
		next = ended->next;
		ended->done(ended);
	}
}

void ata_poll(void)
{
	for (unsigned i = 0; i < ATA_CHANNELS; i++)
		poll(&channels[i]);
}

static void fire(struct host_timer *timer)
{
	struct ata_channel *c = container_of(timer, struct ata_channel, timer);

	host_lock(&c->lock);
	c->timer_set = false;
	host_unlock(&c->lock);
	poll(c);
}

/* On the boot CPU.  Reading the status, in the loop, lets the next one come. */
static void interrupt(void)
{
	loop_wake_drivers();
	apic_eoi();
}

static bool submit(struct store *store, struct store_request *request)
{
	struct ata_drive *d = container_of(store, struct ata_drive, store);
	struct ata_channel *c = d->channel;
	bool dead;

	request->private[0] = d;
	request->next = NULL;
	host_lock(&c->lock);
	dead = c->dead;
	if (!dead) {
		*c->queue_end = request;
		c->queue_end = &request->next;
		if (c->state == ATA_IDLE)
			begin_request(c);
		keep_watch(c);
	}
	host_unlock(&c->lock);
	if (dead)
		request->result = STORE_ERROR;
	return dead;
}

static const struct store_ops ops = { .submit = submit };

/* ---- Start ---------------------------------------------------------------------------------- */

static void init_channel(struct ata_channel *c)
{
	unsigned found;

	c->queue_end = &c->queue;
	c->timer.fire = fire;
	found = ata_probe(c, &drives[drive_count], drive_count);
	for (unsigned i = 0; i < found; i++)
		drives[drive_count++].store.ops = &ops;
	if (!found)
		return;
	traps_set_handler(c->vector, interrupt);
	c->interrupts = irqroute_isa(c->irq, c->vector, cpu_table[0]->apic_id);
}

void ata_init(u16 bus_master)
{
	for (unsigned i = 0; i < ATA_CHANNELS; i++) {
		struct ata_channel *c = &channels[i];

		c->prd = prds[i];
		c->bounce = bounces[i];
		c->bus_master = bus_master ? (u16)(bus_master + i * ATA_BM_SECOND) : 0;
		init_channel(c);
	}
}

struct store *ata_store(unsigned n)
{
	return n < drive_count ? &drives[n].store : NULL;
}

const char *ata_model(unsigned n)
{
	return n < drive_count ? drives[n].model : "";
}
