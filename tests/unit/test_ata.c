/*
 * test_ata.c - the ATA driver with a disk that exists only here: hv/type1/ata.c, ata_probe.c
 *
 * The driver is part of this file; its port accesses reach a fake controller, and its memory has
 * fake physical addresses.  The disk takes its time, checks what it is told, and can fail.
 */
#include "fake_host.h"
#include "fake_type1.h"
#include "machine.h"

#define ESPEJO_X86_OPS_H

static u8 x86_inb(u16 port);
static u16 x86_inw(u16 port);
static void x86_outb(u16 port, u8 value);
static void x86_outw(u16 port, u16 value);
static void x86_outl(u16 port, u32 value);
static hpa_t fake_hpa(const void *p);
static void no_handler(unsigned vector, void (*handler)(void));
static void no_eoi(void);
static bool no_route(unsigned irq, u8 vector, u32 apic_id);

#include "type1/apic.h"
#include "type1/irqroute.h"
#include "type1/traps.h"
#define host_hpa fake_hpa
#define traps_set_handler no_handler
#define apic_eoi no_eoi
#define irqroute_isa no_route
#include "type1/ata.c"
#include "type1/ata_probe.c"

void test_ata_register(void);

/* ---- Memory --------------------------------------------------------------------------------- */

#define ARENA (1 << 20)

static u8 low[ARENA] ALIGNED(4096), high[ARENA] ALIGNED(4096);

static const struct {
	const void *at;
	u64 size, address;
} memory[] = {
	{ prds, sizeof(prds), 0x200000 },
	{ bounces, sizeof(bounces), 0x300000 },
	{ low, sizeof(low), 0x1008000 }, /* 64 KiB borders lie elsewhere than in it */
	{ high, sizeof(high), GiB(4) - 0x4000 },
};

static hpa_t fake_hpa(const void *p)
{
	for (unsigned i = 0; i < ARRAY_SIZE(memory); i++)
		if ((const u8 *)p >= (const u8 *)memory[i].at &&
		    (const u8 *)p < (const u8 *)memory[i].at + memory[i].size)
			return hpa(memory[i].address +
				   (u64)((const u8 *)p - (const u8 *)memory[i].at));
	CU_FAIL_FATAL("memory that nobody knows");
	return hpa(0);
}

static u8 *at_address(u64 address, u64 size)
{
	for (unsigned i = 0; i < ARRAY_SIZE(memory); i++)
		if (address >= memory[i].address && size <= memory[i].size &&
		    address - memory[i].address <= memory[i].size - size)
			return (u8 *)memory[i].at + (address - memory[i].address);
	CU_FAIL_FATAL("DMA to where nothing is");
	return NULL;
}

/* ---- The disk ------------------------------------------------------------------------------- */

#define BUS_MASTER 0xc000
#define EDGE BIT(28) /* LBA28 ends there */
#define WINDOW 2048 /* sectors that exist at the disk's start, and around EDGE */
#define DISK_SECTORS (EDGE + WINDOW / 2)

static struct {
	/* What a test sets. */
	bool has_lba48, has_dma, absent, slave_is_cd;
	bool hangs; /* from the next command on */
	bool revives; /* when it is reset */
	u64 bad; /* this sector fails */
	u32 slow; /* looks at the status until something happens, at most */
	/* Registers: now, and before that. */
	u8 device, count[2], lba[3][2], error, status, control;
	u8 command;
	u32 wait;
	u64 sector, left, moved; /* of the command */
	bool write, dma;
	u16 buffer[SECTOR_WORDS];
	unsigned word;
	u8 bm_command, bm_status;
	u32 bm_table;
	unsigned commands, flushes, resets, dmas;
	u8 data[2 * WINDOW * STORE_SECTOR];
} ide;

static u32 state;

static u32 any(u32 below)
{
	state = state * 1664525 + 1013904223;
	return (u32)(((u64)(state >> 4) * below) >> 28);
}

static u64 place_of(u64 sector)
{
	if (sector < WINDOW)
		return sector;
	CU_ASSERT_TRUE_FATAL(sector >= EDGE - WINDOW / 2 && sector < DISK_SECTORS);
	return sector - (EDGE - WINDOW / 2) + WINDOW;
}

static u8 *sector_data(u64 sector)
{
	return ide.data + place_of(sector) * STORE_SECTOR;
}

static void finish(u8 status, u8 error)
{
	ide.status = status | ATA_STATUS_DRDY;
	ide.error = error;
	ide.command = 0;
	if (ide.dma) {
		ide.bm_status |= ATA_BM_INTERRUPT;
		ide.bm_status &= (u8)~ATA_BM_ACTIVE;
	}
}

static void identify_data(void)
{
	static const char model[] = "A Fake Disk ";

	memset(ide.buffer, 0, sizeof(ide.buffer));
	for (unsigned i = 0; i < ATA_ID_MODEL_WORDS; i++)
		ide.buffer[ATA_ID_MODEL + i] = 0x2020;
	for (unsigned i = 0; i + 1 < sizeof(model); i += 2)
		ide.buffer[ATA_ID_MODEL + i / 2] = (u16)(model[i] << 8 | model[i + 1]);
	ide.buffer[ATA_ID_CAPABILITIES] = (u16)(ATA_ID_LBA | (ide.has_dma ? ATA_ID_DMA : 0));
	ide.buffer[ATA_ID_SECTORS] = ide.has_lba48 ? 0xffff : WINDOW;
	ide.buffer[ATA_ID_SECTORS + 1] = ide.has_lba48 ? 0x0fff : 0;
	ide.buffer[ATA_ID_COMMANDS2] = 0x4000 | ATA_ID_FLUSH;
	if (ide.has_lba48)
		ide.buffer[ATA_ID_COMMANDS2] |= ATA_ID_LBA48 | ATA_ID_FLUSH_EXT;
	if (ide.has_lba48)
		for (unsigned i = 0; i < 4; i++)
			ide.buffer[ATA_ID_SECTORS48 + i] = (u16)(DISK_SECTORS >> 16 * i);
	ide.word = 0;
	ide.status = ATA_STATUS_DRDY | ATA_STATUS_DRQ;
}

/* All of a DMA command's sectors, by the table. */
static void do_dma(void)
{
	const struct ata_prd *prd = (const struct ata_prd *)(void *)at_address(ide.bm_table, 8);
	u64 done = 0, size = ide.left * STORE_SECTOR;
	u8 *disk = sector_data(ide.sector);

	CU_ASSERT_EQUAL(!(ide.bm_command & ATA_BM_TO_MEMORY), ide.write);
	for (;; prd++) {
		u32 len = prd->size ? prd->size : ATA_PRD_SIZE;
		u8 *there = at_address(prd->address, len);

		CU_ASSERT_FALSE((prd->address | len) & 1);
		CU_ASSERT_EQUAL(prd->address / ATA_PRD_SIZE,
				(prd->address + len - 1) / ATA_PRD_SIZE);
		CU_ASSERT_TRUE_FATAL(done + len <= size);
		memcpy(ide.write ? disk + done : there, ide.write ? there : disk + done, len);
		done += len;
		if (prd->flags & ATA_PRD_LAST)
			break;
	}
	CU_ASSERT_EQUAL(done, size);
	ide.dmas++;
	finish(0, 0);
}

static bool is_bad(u64 sectors)
{
	return ide.bad >= ide.sector && ide.bad < ide.sector + sectors;
}

/* Something happens inside the disk. */
static void work(void)
{
	if (!(ide.status & ATA_STATUS_BSY) || ide.hangs)
		return;
	if (ide.wait && ide.wait--)
		return;
	if (ide.command == ATA_IDENTIFY) {
		identify_data();
	} else if (ide.command == ATA_FLUSH_CACHE || ide.command == ATA_FLUSH_CACHE_EXT) {
		ide.flushes++;
		finish(0, 0);
	} else if (ide.dma) {
		if (!(ide.bm_command & ATA_BM_START))
			return;
		if (is_bad(ide.left))
			finish(ATA_STATUS_ERR, BIT(6));
		else
			do_dma();
	} else if (ide.write && ide.word == SECTOR_WORDS) {
		memcpy(sector_data(ide.sector++), ide.buffer, STORE_SECTOR);
		ide.word = 0;
		ide.status = ATA_STATUS_DRDY | (--ide.left ? ATA_STATUS_DRQ : 0);
	} else if (is_bad(1)) {
		finish(ATA_STATUS_ERR, BIT(6));
	} else {
		ide.word = 0;
		if (!ide.write)
			memcpy(ide.buffer, sector_data(ide.sector), STORE_SECTOR);
		ide.status = ATA_STATUS_DRDY | ATA_STATUS_DRQ;
	}
}

static bool is_ext(u8 command)
{
	return command == ATA_READ_SECTORS_EXT || command == ATA_READ_DMA_EXT ||
	       command == ATA_WRITE_SECTORS_EXT || command == ATA_WRITE_DMA_EXT;
}

static void begin_data(u8 command)
{
	u8 h = is_ext(command);

	CU_ASSERT_TRUE(ide.device & ATA_DEVICE_LBA);
	ide.sector = ide.lba[0][0] | (u64)ide.lba[1][0] << 8 | (u64)ide.lba[2][0] << 16;
	ide.left = ide.count[0];
	if (h) {
		CU_ASSERT_TRUE(ide.has_lba48);
		ide.sector |= (u64)ide.lba[0][1] << 24 | (u64)ide.lba[1][1] << 32 |
			      (u64)ide.lba[2][1] << 40;
		ide.left |= (u64)ide.count[1] << 8;
	} else {
		ide.sector |= (u64)(ide.device & 0xf) << 24;
	}
	if (!ide.left)
		ide.left = h ? 65536 : 256;
	place_of(ide.sector);
	place_of(ide.sector + ide.left - 1);
	CU_ASSERT_TRUE(h || ide.sector + ide.left <= EDGE);
}

static void begin_command_of_disk(u8 command)
{
	CU_ASSERT_FALSE(ide.status & (ATA_STATUS_BSY | ATA_STATUS_DRQ));
	ide.command = command;
	ide.commands++;
	ide.write = command == ATA_WRITE_SECTORS || command == ATA_WRITE_SECTORS_EXT ||
		    command == ATA_WRITE_DMA || command == ATA_WRITE_DMA_EXT;
	ide.dma = command == ATA_READ_DMA || command == ATA_READ_DMA_EXT ||
		  command == ATA_WRITE_DMA || command == ATA_WRITE_DMA_EXT;
	ide.word = 0;
	ide.wait = any(ide.slow + 1);
	ide.status = ATA_STATUS_BSY;
	if (command != ATA_IDENTIFY && command != ATA_FLUSH_CACHE && command != ATA_FLUSH_CACHE_EXT)
		begin_data(command);
	if (command == ATA_FLUSH_CACHE_EXT)
		CU_ASSERT_TRUE(ide.has_lba48);
}

/* ---- Its ports ------------------------------------------------------------------------------ */

static bool slave_selected(void)
{
	return ide.device & ATA_DEVICE_1;
}

static u8 status_now(void)
{
	if (ide.absent || (slave_selected() && !ide.slave_is_cd))
		return 0;
	work();
	return slave_selected() ? ATA_STATUS_DRDY : ide.status;
}

static u8 x86_inb(u16 port)
{
	switch (port) {
	case 0x1f0 + ATA_ERROR:
		return ide.error;
	case 0x1f0 + ATA_LBA_MID:
		return slave_selected() ? 0x14 : 0;
	case 0x1f0 + ATA_LBA_HIGH:
		return slave_selected() ? 0xeb : 0;
	case 0x1f0 + ATA_STATUS:
	case 0x3f6:
		return status_now();
	case BUS_MASTER + ATA_BM_STATUS:
		work();
		return ide.bm_status;
	default:
		CU_ASSERT_EQUAL(port & 0xff0, port == 0x376 ? 0x370 : 0x170);
		return 0xff;
	}
}

static void shift(u8 reg[2], u8 value)
{
	reg[1] = reg[0];
	reg[0] = value;
}

static void reset_of_disk(void)
{
	ide.resets++;
	ide.hangs &= !ide.revives;
	ide.command = 0;
	ide.status = ide.hangs ? ATA_STATUS_BSY : ATA_STATUS_DRDY;
	ide.device = 0;
}

static void x86_outb(u16 port, u8 value)
{
	switch (port) {
	case 0x1f0 + ATA_COUNT:
		shift(ide.count, value);
		break;
	case 0x1f0 + ATA_LBA_LOW:
	case 0x1f0 + ATA_LBA_MID:
	case 0x1f0 + ATA_LBA_HIGH:
		shift(ide.lba[port - 0x1f0 - ATA_LBA_LOW], value);
		break;
	case 0x1f0 + ATA_DEVICE:
		ide.device = value;
		break;
	case 0x1f0 + ATA_STATUS:
		if (!slave_selected() && !ide.absent)
			begin_command_of_disk(value);
		break;
	case 0x3f6:
		if (value & ATA_CONTROL_SRST)
			reset_of_disk();
		ide.control = value;
		break;
	case BUS_MASTER + ATA_BM_COMMAND:
		ide.bm_command = value;
		ide.bm_status |= value & ATA_BM_START ? ATA_BM_ACTIVE : 0;
		break;
	case BUS_MASTER + ATA_BM_STATUS:
		ide.bm_status &= (u8)~(value & (ATA_BM_ERROR | ATA_BM_INTERRUPT));
		break;
	default:
		CU_ASSERT_EQUAL(port, 0x376);
	}
}

static void x86_outl(u16 port, u32 value)
{
	CU_ASSERT_EQUAL(port, BUS_MASTER + ATA_BM_TABLE);
	ide.bm_table = value;
}

static u16 x86_inw(u16 port)
{
	u16 word = ide.buffer[ide.word++ % SECTOR_WORDS];

	CU_ASSERT_EQUAL(port, 0x1f0);
	CU_ASSERT_TRUE(ide.status & ATA_STATUS_DRQ);
	if (ide.word == SECTOR_WORDS) {
		ide.sector++;
		ide.wait = any(ide.slow + 1);
		ide.status = ide.command != ATA_IDENTIFY && --ide.left ? ATA_STATUS_BSY :
									ATA_STATUS_DRDY;
	}
	return word;
}

static void x86_outw(u16 port, u16 value)
{
	CU_ASSERT_EQUAL(port, 0x1f0);
	CU_ASSERT_TRUE(ide.status & ATA_STATUS_DRQ);
	ide.buffer[ide.word++ % SECTOR_WORDS] = value;
	if (ide.word == SECTOR_WORDS) {
		ide.wait = any(ide.slow + 1);
		ide.status = ATA_STATUS_BSY;
	}
}

static void no_handler(unsigned vector UNUSED, void (*handler)(void) UNUSED)
{
}

static void no_eoi(void)
{
}

static bool no_route(unsigned irq UNUSED, u8 vector UNUSED, u32 apic_id UNUSED)
{
	return false;
}

/* ---- Requests ------------------------------------------------------------------------------- */

#define FLIGHT 8

static struct store *disk;
static struct store_request request[FLIGHT];
static unsigned ended;

static void time_passes(void)
{
	fake_host.now += US;
}

/* A driver as at start. */
static void begin(bool lba48, bool dma, u32 slow)
{
	static struct ata_channel at_start[ATA_CHANNELS];
	static bool saved;

	fake_type1_reset();
	fake_host.on_relax = time_passes;
	if (!saved)
		memcpy(at_start, channels, sizeof(channels));
	saved = true;
	memcpy(channels, at_start, sizeof(channels));
	drive_count = 0;
	ended = 0;
	memset(&ide, 0, sizeof(ide));
	for (size_t i = 0; i < sizeof(ide.data); i++)
		ide.data[i] = (u8)any(256);
	ide.status = ATA_STATUS_DRDY;
	ide.has_lba48 = lba48;
	ide.has_dma = dma;
	ide.slow = slow;
	ide.bad = ~0ull;
	ide.slave_is_cd = true;
	ata_init(dma ? BUS_MASTER : 0);
	disk = ata_store(0);
}

static void done(struct store_request *r)
{
	CU_ASSERT_FALSE(channels[0].lock.owner);
	CU_ASSERT_EQUAL(r->private[3], NULL);
	r->private[3] = r;
	ended++;
}

static struct store_request *prepare(unsigned i, unsigned operation, u64 sector)
{
	struct store_request *r = &request[i];

	memset(r, 0, sizeof(*r));
	r->operation = (u8)operation;
	r->sector = sector;
	r->done = done;
	return r;
}

static void add(struct store_request *r, u8 *data, u32 sectors)
{
	r->segment[r->segments++] = (struct store_segment){ data, sectors * STORE_SECTOR };
}

static void submit_all(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		CU_ASSERT_FALSE(store_submit(disk, &request[i]));
}

/* Only its timer makes the driver look. */
static void run(unsigned count, u64 limit)
{
	u64 end = fake_host.now + limit;

	while (ended < count && fake_host.now < end)
		fake_host_run(100 * US);
	CU_ASSERT_EQUAL(ended, count);
}

static unsigned one(unsigned operation, u64 sector, u32 sectors)
{
	struct store_request *r = prepare(0, operation, sector);

	ended = 0;
	if (sectors)
		add(r, low, sectors);
	if (!store_submit(disk, r))
		run(1, 60 * S);
	return r->result;
}

static void test_probe(void)
{
	begin(true, true, 3);
	CU_ASSERT_PTR_NOT_NULL_FATAL(disk);
	CU_ASSERT_STRING_EQUAL(disk->name, "hd0");
	CU_ASSERT_STRING_EQUAL(ata_model(0), "A Fake Disk");
	CU_ASSERT_EQUAL(disk->sectors, DISK_SECTORS);
	CU_ASSERT_TRUE(disk->volatile_cache);
	CU_ASSERT_FALSE(disk->read_only);
	CU_ASSERT_PTR_NULL(ata_store(1)); /* the CD drive is none, the other channel is empty */
	CU_ASSERT_EQUAL(ide.control, 0);
	begin(false, true, 0);
	CU_ASSERT_EQUAL(disk->sectors, WINDOW);
	ide.absent = true;
	drive_count = 0;
	ata_init(BUS_MASTER);
	CU_ASSERT_PTR_NULL(ata_store(0));
	CU_ASSERT_STRING_EQUAL(ata_model(0), "");
}

/* ---- Against an array ----------------------------------------------------------------------- */

/* A random request in random pieces of both arenas, in its own eighth of them. */
static void prepare_random(unsigned i, u64 sector, u32 sectors)
{
	struct store_request *r = prepare(i, any(2) ? STORE_WRITE : STORE_READ, sector);
	u64 at = (u64)i * (ARENA / FLIGHT);

	while (sectors) {
		u32 n = 1 + any(sectors > 40 ? 40 : sectors);

		n = MIN(n, sectors);
		if (any(4) == 0)
			at += 1 + any(3); /* an odd place */
		add(r, (any(6) ? low : high) + at, n);
		at += (u64)n * STORE_SECTOR;
		sectors -= n;
	}
	CU_ASSERT_TRUE_FATAL(at <= (i + 1) * (u64)(ARENA / FLIGHT));
}

static void compare(const struct store_request *r, const u8 *model)
{
	const u8 *expected = model + place_of(r->sector) * STORE_SECTOR;

	for (unsigned i = 0; i < r->segments; i++) {
		CU_ASSERT_FALSE(memcmp(r->segment[i].data, expected, r->segment[i].len));
		expected += r->segment[i].len;
	}
}

static void copy_to_model(const struct store_request *r, u8 *model)
{
	u8 *to = model + place_of(r->sector) * STORE_SECTOR;

	for (unsigned i = 0; i < r->segments; i++) {
		memcpy(to, r->segment[i].data, r->segment[i].len);
		to += r->segment[i].len;
	}
}

/* Requests that do not meet on the disk: each has its own eighth of a window. */
static void round_of_requests(u8 *model, bool lba48)
{
	u64 base = lba48 && any(2) ? EDGE - WINDOW / 2 : 0;

	for (unsigned i = 0; i < ARENA; i++) {
		low[i] = (u8)any(256);
		high[i] = (u8)(low[i] + 1);
	}
	for (unsigned i = 0; i < FLIGHT; i++) {
		u32 eighth = WINDOW / FLIGHT, first = any(eighth);
		u32 sectors = 1 + any(eighth - first);

		sectors = MIN(sectors, 240u); /* odd places cost room */
		prepare_random(i, base + i * eighth + first, sectors);
		if (request[i].operation == STORE_WRITE)
			copy_to_model(&request[i], model);
	}
	ended = 0;
	submit_all(FLIGHT);
	run(FLIGHT, 60 * S);
	for (unsigned i = 0; i < FLIGHT; i++) {
		CU_ASSERT_EQUAL(request[i].result, STORE_OK);
		compare(&request[i], model);
	}
	CU_ASSERT_FALSE(memcmp(model, ide.data, sizeof(ide.data)));
}

static void exercise(bool lba48, bool dma, u32 slow)
{
	static u8 model[sizeof(ide.data)];

	begin(lba48, dma, slow);
	memcpy(model, ide.data, sizeof(model));
	for (unsigned n = 0; n < 6; n++)
		round_of_requests(model, lba48);
	CU_ASSERT_EQUAL(!!ide.dmas, dma);
	CU_ASSERT_EQUAL(channels[0].state, ATA_IDLE);
	CU_ASSERT_FALSE(fake_host.log[0]);
}

static void test_random_requests(void)
{
	state = 1;
	exercise(false, false, 0);
	exercise(false, false, 9);
	exercise(true, false, 3);
	exercise(false, true, 0);
	exercise(true, true, 0);
	exercise(true, true, 30);
}

/* The largest commands: 256 sectors, whose count is written as 0 without LBA48. */
static void test_large(void)
{
	for (unsigned lba48 = 0; lba48 < 2; lba48++) {
		begin(lba48, true, 2);
		ide.commands = 0;
		CU_ASSERT_EQUAL(one(STORE_READ, 3, 700), STORE_OK);
		CU_ASSERT_FALSE(memcmp(low, sector_data(3), 700 * STORE_SECTOR));
		CU_ASSERT_EQUAL(ide.commands, 3);
		ide.commands = 0;
		/* By way of the bounce buffer. */
		prepare(0, STORE_READ, 1);
		add(&request[0], low + 1, 300);
		ended = 0;
		submit_all(1);
		run(1, S);
		CU_ASSERT_FALSE(memcmp(low + 1, sector_data(1), 300 * STORE_SECTOR));
		CU_ASSERT_EQUAL(ide.commands, 3);
	}
	/* The last sector of the disk, and those around where LBA28 ends. */
	begin(true, true, 0);
	CU_ASSERT_EQUAL(one(STORE_READ, DISK_SECTORS - 1, 1), STORE_OK);
	CU_ASSERT_FALSE(memcmp(low, sector_data(DISK_SECTORS - 1), STORE_SECTOR));
	CU_ASSERT_EQUAL(one(STORE_READ, EDGE - 1, 2), STORE_OK);
	CU_ASSERT_EQUAL(one(STORE_READ, EDGE - 2, 2), STORE_OK);
	CU_ASSERT_EQUAL(one(STORE_READ, EDGE, 1), STORE_OK);
}

static void test_flush(void)
{
	begin(true, true, 5);
	CU_ASSERT_EQUAL(one(STORE_FLUSH, 0, 0), STORE_OK);
	CU_ASSERT_EQUAL(ide.flushes, 1);
	begin(false, false, 5);
	CU_ASSERT_EQUAL(one(STORE_FLUSH, 0, 0), STORE_OK);
	CU_ASSERT_EQUAL(ide.flushes, 1);
}

/* ---- Trouble -------------------------------------------------------------------------------- */

static void test_bad_sector(void)
{
	for (unsigned dma = 0; dma < 2; dma++) {
		begin(true, dma, 2);
		ide.bad = 77;
		CU_ASSERT_EQUAL(one(STORE_READ, 70, 10), STORE_ERROR);
		CU_ASSERT_PTR_NOT_NULL(strstr(
			fake_host.log, "hd0: reading 10 sectors at 70: status 0x41, error 0x40: "
				       "data cannot be read"));
		CU_ASSERT_EQUAL(one(STORE_WRITE, 77, 1), STORE_ERROR);
		CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "hd0: writing 1 sectors at 77"));
		CU_ASSERT_EQUAL(one(STORE_READ, 78, 10), STORE_OK);
		/* Others in the queue do not suffer. */
		for (unsigned i = 0; i < FLIGHT; i++)
			add(prepare(i, STORE_READ, 74 + i), low, 1);
		ended = 0;
		submit_all(FLIGHT);
		run(FLIGHT, 60 * S);
		for (unsigned i = 0; i < FLIGHT; i++)
			CU_ASSERT_EQUAL(request[i].result, i == 3 ? STORE_ERROR : STORE_OK);
		/* The console is not filled. */
		for (unsigned i = 0; i < 50; i++)
			CU_ASSERT_EQUAL(one(STORE_READ, 77, 1), STORE_ERROR);
		CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "no more of this is said"));
		CU_ASSERT_TRUE(strlen(fake_host.log) < 4000);
	}
}

/* No answer: a reset, and all but the one request go on. */
static void test_hang(void)
{
	for (unsigned dma = 0; dma < 2; dma++) {
		begin(true, dma, 2);
		ide.hangs = ide.revives = true;
		for (unsigned i = 0; i < 3; i++)
			add(prepare(i, i == 1 ? STORE_WRITE : STORE_READ, 10 * i), low, 2);
		submit_all(3);
		run(3, 60 * S);
		CU_ASSERT_EQUAL(request[0].result, STORE_ERROR);
		CU_ASSERT_EQUAL(request[1].result, STORE_OK);
		CU_ASSERT_EQUAL(request[2].result, STORE_OK);
		CU_ASSERT_EQUAL(ide.resets, 2);
		CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "no answer: the disk is reset"));
	}
}

/* It stays silent: everything fails, at last at once. */
static void test_dead(void)
{
	begin(true, true, 2);
	ide.hangs = true;
	for (unsigned i = 0; i < 3; i++)
		add(prepare(i, STORE_READ, 10 * i), low, 2);
	submit_all(3);
	run(3, 60 * S);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(request[i].result, STORE_ERROR);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "hd0: the disk does not come back"));
	add(prepare(0, STORE_READ, 1), low, 1);
	CU_ASSERT_TRUE(store_submit(disk, &request[0]));
	CU_ASSERT_EQUAL(request[0].result, STORE_ERROR);
	/* A single request, after whose end nothing is in the queue. */
	begin(true, true, 2);
	ide.hangs = true;
	CU_ASSERT_EQUAL(one(STORE_READ, 1, 1), STORE_ERROR);
	fake_host_run(60 * S);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "hd0: the disk does not come back"));
}

/* Not ready when the command should begin. */
static void test_not_ready(void)
{
	begin(true, true, 2);
	ide.revives = true;
	ide.hangs = true;
	ide.status = ATA_STATUS_BSY;
	CU_ASSERT_EQUAL(one(STORE_READ, 1, 1), STORE_ERROR);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "the disk is not ready"));
	CU_ASSERT_EQUAL(one(STORE_READ, 1, 1), STORE_OK);
}

void test_ata_register(void)
{
	CU_pSuite suite = CU_add_suite("ata", NULL, NULL);

	CU_ADD_TEST(suite, test_probe);
	CU_ADD_TEST(suite, test_random_requests);
	CU_ADD_TEST(suite, test_large);
	CU_ADD_TEST(suite, test_flush);
	CU_ADD_TEST(suite, test_bad_sector);
	CU_ADD_TEST(suite, test_hang);
	CU_ADD_TEST(suite, test_dead);
	CU_ADD_TEST(suite, test_not_ready);
}
