/* test_acpi.c - tables of firmware, mostly broken: type1/acpi.c, type1/mptable.c */
#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "type1/acpi.h"

void test_acpi_register(void);

#define SIZE 0x200000ull
#define RSDP 0xf0010ull
#define RSDT 0x100000ull
#define XSDT 0x101000ull
#define MADT 0x102000ull
#define FADT 0x103000ull
#define MP 0xf8000ull
#define MP_TABLE 0x104000ull
#define NOISE_ROUNDS 2000

static u8 *memory;
static struct acpi_machine m;
static char error[200];

static const u8 *see(const struct physical *physical, u64 address, u64 len)
{
	(void)physical;
	return address <= SIZE && len <= SIZE - address ? memory + address : NULL;
}

static const struct physical physical = { see };

static int begin(void)
{
	memory = malloc(SIZE);
	return !memory;
}

static int end(void)
{
	free(memory);
	return 0;
}

static void put16(u64 at, u16 value)
{
	memcpy(memory + at, &value, 2);
}

static void put32(u64 at, u32 value)
{
	memcpy(memory + at, &value, 4);
}

static void put64(u64 at, u64 value)
{
	memcpy(memory + at, &value, 8);
}

/* Make [at, at + len) add up to 0 by the byte at sum. */
static void seal(u64 at, u64 len, u64 sum)
{
	u8 total = 0;

	memory[sum] = 0;
	for (u64 i = 0; i < len; i++)
		total = (u8)(total + memory[at + i]);
	memory[sum] = (u8)-total;
}

static void header(u64 at, const char *signature, u32 len)
{
	memcpy(memory + at, signature, 4);
	put32(at + 4, len);
	seal(at, len, at + 9);
}

static u32 madt_len;

static void madt_begin(void)
{
	madt_len = 44;
	put32(MADT + 36, 0xfee00000);
}

static u64 madt_entry(u8 type, u8 len)
{
	u64 at = MADT + madt_len;

	memory[at] = type;
	memory[at + 1] = len;
	madt_len += len;
	return at;
}

static void madt_cpu(u8 id, u32 flags)
{
	u64 at = madt_entry(0, 8);

	memory[at + 3] = id;
	put32(at + 4, flags);
}

static void madt_end(void)
{
	header(MADT, "APIC", madt_len);
}

static void rsdp(u8 revision)
{
	memcpy(memory + RSDP, "RSD PTR ", 8);
	memory[RSDP + 15] = revision;
	put32(RSDP + 16, RSDT);
	put32(RSDP + 20, 36);
	put64(RSDP + 24, XSDT);
	seal(RSDP, 20, RSDP + 8);
	seal(RSDP, 36, RSDP + 32);
}

/* Two CPUs, a disabled one, an I/O APIC, IRQ 0 at input 2, a reset register. */
static void sane(void)
{
	u64 at;

	memset(memory, 0, SIZE);
	rsdp(2);
	put32(RSDT + 36, MADT);
	header(RSDT, "RSDT", 40);
	put64(XSDT + 36, FADT);
	put64(XSDT + 44, MADT);
	header(XSDT, "XSDT", 52);
	madt_begin();
	madt_cpu(0, 1);
	madt_cpu(3, 1);
	madt_cpu(9, 0);
	at = madt_entry(1, 12);
	put32(at + 4, 0xfec00000);
	at = madt_entry(2, 10);
	put32(at + 4, 2);
	at = madt_entry(2, 10);
	memory[at + 3] = 9;
	put32(at + 4, 20);
	put16(at + 8, 0xf);
	madt_end();
	put32(FADT + 112, BIT(10));
	memory[FADT + 116] = 1;
	put64(FADT + 120, 0xcf9);
	memory[FADT + 128] = 6;
	header(FADT, "FACP", 244);
}

static int find(void)
{
	error[0] = '\0';
	return acpi_find(&physical, NULL, &m, error, sizeof(error));
}

static void check_two(void)
{
	CU_ASSERT_EQUAL(m.cpu_count, 2);
	CU_ASSERT_EQUAL(m.apic_id[0], 0);
	CU_ASSERT_EQUAL(m.apic_id[1], 3);
}

static void test_nothing(void)
{
	memset(memory, 0, SIZE);
	CU_ASSERT_EQUAL(find(), -HOST_ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "neither ACPI tables nor an MP table"));
	CU_ASSERT_EQUAL(m.cpu_count, 0);
	CU_ASSERT_EQUAL(m.isa[4].gsi, 4);
	memset(memory, 0xff, SIZE);
	CU_ASSERT_EQUAL(find(), -HOST_ENOENT);
}

static void test_good(void)
{
	sane();
	CU_ASSERT_EQUAL(find(), 0);
	check_two();
	CU_ASSERT_STRING_EQUAL(m.source, "ACPI");
	CU_ASSERT_EQUAL(m.ioapic_count, 1);
	CU_ASSERT_EQUAL(m.ioapic[0].address, 0xfec00000);
	CU_ASSERT_EQUAL(m.isa[0].gsi, 2);
	CU_ASSERT_EQUAL(m.isa[9].gsi, 20);
	CU_ASSERT_TRUE(m.isa[9].active_low && m.isa[9].level);
	CU_ASSERT_FALSE(m.isa[0].active_low || m.isa[0].level);
	CU_ASSERT_TRUE(m.has_reset && m.reset_port == 0xcf9 && m.reset_value == 6);
	/* Revision 0 has the RSDT only, and so no FADT here. */
	rsdp(0);
	CU_ASSERT_EQUAL(find(), 0);
	check_two();
	CU_ASSERT_FALSE(m.has_reset);
	/* A loader's copy is as good; a broken copy is not trusted, and the area is searched. */
	sane();
	CU_ASSERT_EQUAL(acpi_find(&physical, memory + RSDP, &m, error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(acpi_find(&physical, memory + 0x5000, &m, error, sizeof(error)), 0);
	/* In the EBDA too. */
	put16(0x40e, 0x9fc0);
	memcpy(memory + 0x9fc20, memory + RSDP, 36);
	memset(memory + RSDP, 0, 36);
	CU_ASSERT_EQUAL(find(), 0);
	check_two();
}

/* Each breaks one thing of a sane machine; without an MP table nothing is left. */
static void break_rsdp(void) { memory[RSDP + 17]++; }
static void break_rsdt_too(void) { rsdp(0); memory[RSDT + 20]++; }
static void break_madt(void) { memory[MADT + 50]++; }
static void short_madt(void) { header(MADT, "APIC", 43); }
static void long_madt(void) { put32(MADT + 4, 0x7fffffff); }
static void far_tables(void) { put64(XSDT + 44, ~0ull - 20); header(XSDT, "XSDT", 52); }
static void wrong_name(void) { header(MADT, "APIX", madt_len); }
static void no_roots(void) { header(XSDT, "XSDX", 52); header(RSDT, "RSDX", 40); }
static void tiny_root(void) { put32(XSDT + 4, 35); put32(RSDT + 4, 35); }

static void test_broken(void)
{
	static void (*const breaks[])(void) = { break_rsdp, break_rsdt_too, break_madt,
						short_madt, long_madt,	    far_tables,
						wrong_name, no_roots,	    tiny_root };

	for (unsigned i = 0; i < ARRAY_SIZE(breaks); i++) {
		sane();
		breaks[i]();
		CU_ASSERT_EQUAL(find(), -HOST_ENOENT);
		CU_ASSERT_EQUAL(m.cpu_count, 0);
	}
	/* A broken XSDT, but a good RSDT. */
	sane();
	memory[XSDT + 20]++;
	CU_ASSERT_EQUAL(find(), 0);
	check_two();
}

/* Entries that lie about their length end the walk; what came before counts. */
static void test_broken_entries(void)
{
	static const u8 lengths[] = { 0, 1, 200 };

	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		sane();
		memory[MADT + 44 + 16 + 1] = lengths[i];
		madt_end();
		CU_ASSERT_EQUAL(find(), 0);
		check_two();
		CU_ASSERT_EQUAL(m.ioapic_count, 0);
	}
	/* Types that are too short for what they should say are skipped. */
	sane();
	madt_entry(9, 8);
	madt_entry(5, 4);
	madt_entry(1, 4);
	madt_entry(0, 2);
	madt_end();
	CU_ASSERT_EQUAL(find(), 0);
	check_two();
}

static void test_many(void)
{
	u64 at;

	sane();
	madt_begin();
	for (unsigned i = 0; i < 70; i++)
		madt_cpu((u8)i, 1);
	madt_cpu(0, 1); /* twice: counted once */
	at = madt_entry(9, 16);
	put32(at + 4, 0x1234);
	put32(at + 8, 1);
	for (unsigned i = 0; i < 12; i++)
		put32(madt_entry(1, 12) + 4, 0xfec00000 + 0x1000 * i);
	at = madt_entry(2, 10);
	memory[at + 3] = 16; /* no ISA interrupt */
	madt_end();
	CU_ASSERT_EQUAL(find(), 0);
	CU_ASSERT_EQUAL(m.cpu_count, ACPI_CPUS);
	CU_ASSERT_EQUAL(m.cpu_ignored, 7);
	CU_ASSERT_EQUAL(m.ioapic_count, ACPI_IOAPICS);
}

/* ---- The MP table ----------------------------------------------------------------- */

static u16 mp_len, mp_count;

static u64 mp_entry(u8 type, u16 len)
{
	u64 at = MP_TABLE + mp_len;

	memory[at] = type;
	mp_len = (u16)(mp_len + len);
	mp_count++;
	return at;
}

static void mp_seal(void)
{
	memcpy(memory + MP_TABLE, "PCMP", 4);
	put16(MP_TABLE + 4, mp_len);
	put16(MP_TABLE + 34, mp_count);
	seal(MP_TABLE, mp_len, MP_TABLE + 7);
	memcpy(memory + MP, "_MP_", 4);
	put32(MP + 4, MP_TABLE);
	memory[MP + 8] = 1;
	seal(MP, 16, MP + 10);
}

static void mp_sane(void)
{
	u64 at;

	memset(memory, 0, SIZE);
	mp_len = 44;
	mp_count = 0;
	put32(MP_TABLE + 36, 0xfee00000);
	at = mp_entry(0, 20);
	memory[at + 3] = 3;
	at = mp_entry(0, 20);
	memory[at + 1] = 3;
	memory[at + 3] = 1;
	at = mp_entry(0, 20);
	memory[at + 1] = 5; /* disabled */
	at = mp_entry(1, 8);
	memory[at + 1] = 7;
	memcpy(memory + at + 2, "ISA   ", 6);
	at = mp_entry(2, 8);
	memory[at + 3] = 1;
	put32(at + 4, 0xfec00000);
	at = mp_entry(3, 8);
	memory[at + 4] = 7;
	memory[at + 5] = 0;
	memory[at + 7] = 2;
	mp_seal();
}

static void test_mp(void)
{
	mp_sane();
	CU_ASSERT_EQUAL(find(), 0);
	check_two();
	CU_ASSERT_STRING_EQUAL(m.source, "the MP table");
	CU_ASSERT_EQUAL(m.ioapic_count, 1);
	CU_ASSERT_EQUAL(m.isa[0].gsi, 2);
	/* Broken ones. */
	memory[MP_TABLE + 50]++;
	CU_ASSERT_EQUAL(find(), -HOST_ENOENT);
	mp_sane();
	memory[MP + 9]++;
	CU_ASSERT_EQUAL(find(), -HOST_ENOENT);
	mp_sane();
	put32(MP + 4, 0xfffffff0);
	seal(MP, 16, MP + 10);
	CU_ASSERT_EQUAL(find(), -HOST_ENOENT);
	mp_sane();
	mp_len = 43;
	mp_seal();
	CU_ASSERT_EQUAL(find(), -HOST_ENOENT);
	/* More entries announced than there are; an unknown one at the very end. */
	mp_sane();
	mp_count = 1000;
	mp_seal();
	CU_ASSERT_EQUAL(find(), 0);
	check_two();
	/* ACPI is asked first. */
	mp_sane();
	rsdp(0);
	CU_ASSERT_EQUAL(find(), 0);
	CU_ASSERT_STRING_EQUAL(m.source, "the MP table");
}

/* The ID that means all CPUs is no CPU's: an INIT to it would be one to us. */
static void test_broadcast(void)
{
	u64 at;

	sane();
	madt_cpu(0xff, 1);
	at = madt_entry(9, 16);
	put32(at + 4, ~0u);
	put32(at + 8, 1);
	madt_end();
	CU_ASSERT_EQUAL(find(), 0);
	check_two();
	/* 255 is one as good as any where IDs have 32 bits. */
	at = madt_entry(9, 16);
	put32(at + 4, 0xff);
	put32(at + 8, 1);
	madt_end();
	CU_ASSERT_EQUAL(find(), 0);
	CU_ASSERT_EQUAL(m.cpu_count, 3);
	mp_sane();
	at = mp_entry(0, 20);
	memory[at + 1] = 0xff;
	memory[at + 3] = 1;
	mp_seal();
	CU_ASSERT_EQUAL(find(), 0);
	check_two();
}

/* Whatever bytes there are, with checksums that fit: an answer, and no step outside. */
static void test_noise(void)
{
	u32 seed = 7;

	for (unsigned round = 0; round < NOISE_ROUNDS; round++) {
		if (round & 1)
			mp_sane();
		else
			sane();
		for (unsigned i = 0; i < 6; i++) {
			static const u64 table[] = { MADT, XSDT, FADT, MP_TABLE };

			seed = seed * 1664525 + 1013904223;
			memory[table[seed >> 30] + (seed >> 8) % 120] = (u8)(seed >> 20);
		}
		seal(MADT, MIN(physical_u32(memory + MADT + 4), 4096u), MADT + 9);
		seal(XSDT, MIN(physical_u32(memory + XSDT + 4), 4096u), XSDT + 9);
		seal(MP_TABLE, MIN(physical_u16(memory + MP_TABLE + 4), 4096u), MP_TABLE + 7);
		find();
		CU_ASSERT_FATAL(m.cpu_count <= ACPI_CPUS && m.ioapic_count <= ACPI_IOAPICS);
	}
}

void test_acpi_register(void)
{
	CU_pSuite suite = CU_add_suite("acpi", begin, end);

	CU_add_test(suite, "nothing", test_nothing);
	CU_add_test(suite, "broken tables", test_broken);
	CU_add_test(suite, "broken entries", test_broken_entries);
	CU_add_test(suite, "good", test_good);
	CU_add_test(suite, "many CPUs", test_many);
	CU_add_test(suite, "an ID of no CPU", test_broadcast);
	CU_add_test(suite, "MP table", test_mp);
	CU_add_test(suite, "noise", test_noise);
}
