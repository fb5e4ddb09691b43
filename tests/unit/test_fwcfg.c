/* test_fwcfg.c - what firmware is told: dev/fwcfg.c */
#include "machine.h"

#include "dev/fwcfg.h"
#include "dev/section.h"

void test_fwcfg_register(void);

#define RAM_SIZE (4 * MiB(1)) /* two pieces */
#define REQUEST 0x1000u
#define BUFFER 0x2000u
#define ERROR 1u
#define READ 2u
#define SKIP 4u
#define SELECT 8u
#define WRITE 16u

static struct machine m;
static struct fwcfg fw;
static u8 *ram;
static const u8 file[] = "hello, firmware";

static void *get_ram(const struct bus *bus UNUSED, gpa_t a, u64 len)
{
	bool inside = a.v < RAM_SIZE && len <= RAM_SIZE - a.v;

	CU_ASSERT(len <= MiB(2) - a.v % MiB(2));
	return inside ? ram + a.v : NULL;
}

static void start(void)
{
	machine_init(&m);
	m.bus.ram = get_ram;
	free(ram);
	ram = calloc(1, RAM_SIZE);
	fwcfg_init(&fw, &m.bus);
}

static u32 in(u16 port, unsigned size)
{
	return bus_in(&m.bus, port, size);
}

static void select_key(u16 key)
{
	bus_out(&m.bus, 0x510, 2, key);
}

static u64 read_little(u16 key, unsigned bytes)
{
	u64 value = 0;

	select_key(key);
	for (unsigned i = 0; i < bytes; i++)
		value |= (u64)in(0x511, 1) << (8 * i);
	return value;
}

static void put_big(u64 a, unsigned bytes, u64 value)
{
	for (unsigned i = 0; i < bytes; i++)
		ram[a + i] = (u8)(value >> (8 * (bytes - 1 - i)));
}

static u32 big32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static u32 dma_at(u64 request, u32 control, u32 length, u64 address)
{
	put_big(request, 4, control);
	put_big(request + 4, 4, length);
	put_big(request + 8, 8, address);
	bus_out(&m.bus, 0x514, 4, 0);
	bus_out(&m.bus, 0x518, 4, __builtin_bswap32((u32)request));
	return big32(ram + request);
}

static u32 dma(u32 control, u32 length, u64 address)
{
	return dma_at(REQUEST, control, length, address);
}

static void add_many(void *name)
{
	char each[8];

	for (unsigned i = 0; i <= FWCFG_FILES; i++) {
		snprintf(each, sizeof(each), "%s%u", (char *)name, i);
		fwcfg_add_file(&fw, each, file, 1);
	}
}

static void add_long(void *length)
{
	char name[80] = "";

	memset(name, 'n', *(unsigned *)length);
	fwcfg_add_file(&fw, name, file, 1);
}

static void test_our_own_mistakes(void)
{
	unsigned good = FWCFG_NAME_SIZE - 1, bad = FWCFG_NAME_SIZE;

	start();
	CU_ASSERT(panics(add_many, "n"));
	CU_ASSERT(panics(add_long, &bad));
	CU_ASSERT(!panics(add_long, &good));
}

static void test_unknown(void)
{
	start();
	CU_ASSERT_EQUAL(read_little(0x7777, 8), 0);
	CU_ASSERT_EQUAL(read_little(FWCFG_NO_KEY, 8), 0);
	CU_ASSERT_EQUAL(in(0x511, 2), 0); /* one byte wide */
	CU_ASSERT_EQUAL(in(0x512, 1), 0);
	CU_ASSERT_EQUAL(read_little(FWCFG_SIGNATURE, 6), 0x554d4551); /* zeros behind the end */
	bus_out(&m.bus, 0x511, 1, 0xff);			      /* nothing can be written */
	bus_out(&m.bus, 0x510, 1, FWCFG_ID);
	bus_out(&m.bus, 0x510, 4, FWCFG_ID);
	select_key(FWCFG_SIGNATURE);
	CU_ASSERT_EQUAL(in(0x511, 1), 'Q');
	fwcfg_reset(&fw);
	CU_ASSERT_EQUAL(in(0x510, 1), 'Q');
}

static void test_numbers(void)
{
	start();
	fwcfg_add_number(&fw, FWCFG_CPUS, 4, 2);
	fwcfg_add_number(&fw, FWCFG_RAM_SIZE, 0x123456789abc, 8);
	fwcfg_add_number(&fw, FWCFG_IRQ0_OVERRIDE, 1, 1);
	CU_ASSERT_EQUAL(read_little(FWCFG_ID, 4), 3);
	CU_ASSERT_EQUAL(read_little(FWCFG_CPUS, 4), 4);
	CU_ASSERT_EQUAL(read_little(FWCFG_RAM_SIZE, 8), 0x123456789abc);
	CU_ASSERT_EQUAL(read_little(FWCFG_IRQ0_OVERRIDE, 1), 1);
	fwcfg_add_number(&fw, FWCFG_CPUS, 2, 2);
	CU_ASSERT_EQUAL(read_little(FWCFG_CPUS, 2), 2);
}

/* The directory as SeaBIOS reads it: a count, then 64 bytes each. */
static void test_files(void)
{
	u8 entry[64];

	start();
	select_key(FWCFG_DIRECTORY);
	CU_ASSERT_EQUAL(in(0x511, 1) | in(0x511, 1) | in(0x511, 1) | in(0x511, 1), 0);
	fwcfg_add_file(&fw, "etc/e820", file, sizeof(file));
	fwcfg_add_file_number(&fw, "etc/sercon-port", 0x3f8);
	fwcfg_add_file(&fw, "bootorder", NULL, 0);
	fwcfg_add_file(&fw, "etc/e820", file, 5); /* replaced */
	CU_ASSERT_EQUAL(dma(SELECT | READ | FWCFG_DIRECTORY << 16, 4, BUFFER), 0);
	CU_ASSERT_EQUAL(big32(ram + BUFFER), 3);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(dma(READ, sizeof(entry), BUFFER), 0);
		memcpy(entry, ram + BUFFER, sizeof(entry));
		CU_ASSERT_EQUAL(big32(entry), i == 0 ? 5 : i == 1 ? 8 : 0);
		CU_ASSERT_EQUAL(entry[4] << 8 | entry[5], FWCFG_FIRST_FILE + (int)i);
		CU_ASSERT_STRING_EQUAL((char *)entry + 8, i == 0   ? "etc/e820"
							  : i == 1 ? "etc/sercon-port"
								   : "bootorder");
	}
	CU_ASSERT_EQUAL(read_little(FWCFG_FIRST_FILE + 1, 8), 0x3f8);
	CU_ASSERT_EQUAL(read_little(FWCFG_FIRST_FILE + 0, 8), 0x6f6c6c6568); /* hello */
	CU_ASSERT_EQUAL(read_little(FWCFG_FIRST_FILE + 2, 8), 0);
}

static void test_dma_signature(void)
{
	start();
	CU_ASSERT_EQUAL(in(0x514, 4), 0x554d4551);
	CU_ASSERT_EQUAL(in(0x518, 4), 0x47464320);
	CU_ASSERT_EQUAL(in(0x516, 1), 'M');
	CU_ASSERT_EQUAL(in(0x51b, 1), 'G');
	CU_ASSERT_EQUAL(in(0x51a, 4) & 0xffff, 0x4746);
}

static void test_dma(void)
{
	start();
	fwcfg_add_file(&fw, "f", file, sizeof(file));
	ram[BUFFER + 20] = 0x55;
	CU_ASSERT_EQUAL(dma(SELECT | READ | FWCFG_FIRST_FILE << 16, 20, BUFFER), 0);
	CU_ASSERT_EQUAL(memcmp(ram + BUFFER, file, sizeof(file)), 0);
	CU_ASSERT_EQUAL(ram[BUFFER + 19], 0); /* zeros behind the end */
	CU_ASSERT_EQUAL(ram[BUFFER + 20], 0x55);
	CU_ASSERT_EQUAL(dma(SELECT | SKIP | FWCFG_FIRST_FILE << 16, 7, 0), 0);
	CU_ASSERT_EQUAL(in(0x511, 1), 'f');
	CU_ASSERT_EQUAL(dma(SKIP, 0xffffffff, 0), 0); /* to the end, not beyond */
	CU_ASSERT_EQUAL(fw.at, sizeof(file));
	CU_ASSERT_EQUAL(dma(SELECT | READ | 0x7777u << 16, 4, BUFFER),
			0); /* an unknown key: zeros */
	CU_ASSERT_EQUAL(ram[BUFFER], 0);
	CU_ASSERT_EQUAL(dma(0, 4, BUFFER), 0);
	/* Over the border of two pieces of RAM, the request too. */
	CU_ASSERT_EQUAL(
	    dma_at(MiB(2) - 5, SELECT | READ | FWCFG_FIRST_FILE << 16, 16, MiB(2) - 3 - 0x100), 0);
	CU_ASSERT_EQUAL(dma(SELECT | READ | FWCFG_FIRST_FILE << 16, 16, MiB(2) - 3), 0);
	CU_ASSERT_EQUAL(memcmp(ram + MiB(2) - 3, file, 16), 0);
}

static void test_bad_dma(void)
{
	start();
	fwcfg_add_file(&fw, "f", file, sizeof(file));
	CU_ASSERT_EQUAL(dma(SELECT | WRITE | FWCFG_FIRST_FILE << 16, 4, BUFFER), ERROR);
	CU_ASSERT_EQUAL(dma(SELECT | READ | FWCFG_FIRST_FILE << 16, 16, RAM_SIZE - 8), ERROR);
	CU_ASSERT_EQUAL(dma(SELECT | READ | FWCFG_FIRST_FILE << 16, 16, ~0ull - 3), ERROR);
	CU_ASSERT_EQUAL(dma(SELECT | READ | FWCFG_FIRST_FILE << 16, 4, GiB(64)), ERROR);
	CU_ASSERT_EQUAL(dma(SELECT | READ | 0x7777u << 16, 0xffffffff, BUFFER), ERROR);
	CU_ASSERT_EQUAL(dma(SELECT | READ | FWCFG_FIRST_FILE << 16, 0xffffffff, BUFFER), ERROR);
	CU_ASSERT_EQUAL(dma(SELECT | READ | 0x7777u << 16, FWCFG_ZEROS_MAX, BUFFER), 0);
	CU_ASSERT_EQUAL(dma(SELECT | READ | 0x7777u << 16, FWCFG_ZEROS_MAX + 1, BUFFER), ERROR);
	/* Requests that are no RAM, or not all of them. */
	bus_out(&m.bus, 0x514, 4, 0xffffffff);
	bus_out(&m.bus, 0x518, 4, 0xf8ffffff);
	bus_out(&m.bus, 0x518, 4, __builtin_bswap32((u32)RAM_SIZE - 8));
	bus_out(&m.bus, 0x518, 2, 0x0010);
	bus_out(&m.bus, 0x516, 4, 0x0010);
	CU_ASSERT_EQUAL(fw.dma_high, 0);
}

static void save(const void *dev, struct state_buf *buf)
{
	fwcfg_save(dev, buf);
}

static int load(void *dev, struct state_buf *buf)
{
	return fwcfg_load(dev, buf);
}

static void poke(void)
{
	poke_ports(&m, 0x510, 0x51b);
	for (unsigned i = 0; i < 32; i++)
		(void)in(0x511, 1);
}

static void test_state(void)
{
	const struct saved_device d = { &fw, sizeof(fw), DEVICE_SECTION_FWCFG, save, load, poke };

	start();
	fwcfg_add_file(&fw, "f", file, sizeof(file));
	select_key(FWCFG_FIRST_FILE);
	(void)in(0x511, 1);
	bus_out(&m.bus, 0x514, 4, 0x12345678);
	check_truncated(&d);
	CU_ASSERT_EQUAL(in(0x511, 1), 'e');
	check_corrupt(&d);
	start();
	fw.at = 5;
	CU_ASSERT(refuses_itself(&d));
	free(ram);
	ram = NULL;
}

void test_fwcfg_register(void)
{
	CU_pSuite suite = CU_add_suite("fwcfg", NULL, NULL);

	CU_add_test(suite, "our own mistakes", test_our_own_mistakes);
	CU_add_test(suite, "unknown keys, odd accesses", test_unknown);
	CU_add_test(suite, "bad DMA", test_bad_dma);
	CU_add_test(suite, "numbers", test_numbers);
	CU_add_test(suite, "files", test_files);
	CU_add_test(suite, "DMA is announced", test_dma_signature);
	CU_add_test(suite, "DMA", test_dma);
	CU_add_test(suite, "saved state", test_state);
}
