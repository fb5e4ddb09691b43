/*
 * selftest_firmware.c - reading the firmware's tables, as they may look
 *
 * Owns: tables made up here.
 */
#include "acpi.h"
#include "lib/string.h"
#include "lock.h"
#include "mptable.h"
#include "selftest.h"

#define MADT_HEADER 44
#define MP_HEADER 44
#define MP_COUNT 34 /* where the table says how many entries it has */
#define IDS 4

/* Local APICs 5 (usable) and 6 (not), an IOAPIC, local APIC 9, a type that nobody knows. */
static const u8 madt_entries[] = {
	0,  8,	0, 5, 1, 0, 0,	  0,		    /* */
	0,  8,	1, 6, 0, 0, 0,	  0,		    /* */
	1,  12, 1, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0, /* */
	0,  8,	2, 9, 1, 0, 0,	  0,		    /* */
	77, 3,	0,
};

static void madt(struct check *c, const void *argument UNUSED)
{
	u8 table[MADT_HEADER + sizeof(madt_entries)] = { 0 };
	u32 ids[IDS] = { 0 };

	memcpy(table + MADT_HEADER, madt_entries, sizeof(madt_entries));
	expect_equal(c, "processors", acpi_madt_processors(table, sizeof(table), ids, IDS), 2);
	expect_equal(c, "the first", ids[0], 5);
	expect_equal(c, "the second", ids[1], 9);
	expect_equal(c, "at most", acpi_madt_processors(table, sizeof(table), ids, 1), 1);
	expect_equal(c, "cut", acpi_madt_processors(table, MADT_HEADER + 31, ids, IDS), 1);
	table[MADT_HEADER + 9] = 0;
	expect_equal(c, "an entry without length",
		     acpi_madt_processors(table, sizeof(table), ids, IDS), 1);
	expect_equal(c, "no entries", acpi_madt_processors(table, MADT_HEADER, ids, IDS), 0);
}

/* Processors 3 and 4 (not usable), a bus, processor 7. */
static const u8 mp_entries[] = {
	0, 3, 0x14, 1,	 0,   0,   0,	0,   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* */
	0, 4, 0x14, 0,	 0,   0,   0,	0,   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* */
	1, 0, 'I',  'S', 'A', ' ', ' ', ' ',					 /* */
	0, 7, 0x14, 1,	 0,   0,   0,	0,   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};

static void mp_table(struct check *c, const void *argument UNUSED)
{
	u8 table[MP_HEADER + sizeof(mp_entries)] = { 0 };
	u32 ids[IDS] = { 0 };

	memcpy(table + MP_HEADER, mp_entries, sizeof(mp_entries));
	table[MP_COUNT] = 4;
	expect_equal(c, "processors", mptable_read(table, sizeof(table), ids, IDS), 2);
	expect_equal(c, "the first", ids[0], 3);
	expect_equal(c, "the second", ids[1], 7);
	expect_equal(c, "cut", mptable_read(table, sizeof(table) - 1, ids, IDS), 1);
	table[MP_COUNT] = 3;
	expect_equal(c, "fewer entries", mptable_read(table, sizeof(table), ids, IDS), 1);
	table[MP_COUNT + 1] = 0xff;
	expect_equal(c, "more entries than there are", mptable_read(table, sizeof(table), ids, IDS),
		     2);
}

static void sums(struct check *c, const void *argument UNUSED)
{
	u8 bytes[] = { 0x80, 0x7f, 0x01 };

	expect_true(c, "a right sum", acpi_sums_to_zero(bytes, sizeof(bytes)));
	expect_true(c, "no wrong one", !acpi_sums_to_zero(bytes, sizeof(bytes) - 1));
}

/* The kernel's lock is ours, and stays so; another one counts its tickets. */
static void locks(struct check *c, const void *argument UNUSED)
{
	struct lock lock = { ~0u, ~0u }; /* the next ticket but one is 0 */

	expect_true(c, "the kernel's lock held", !lock_kernel_enter());
	for (u32 i = 0; i < 3; i++) {
		lock_take(&lock);
		expect_equal(c, "the ticket behind ours", lock.next, i);
		expect_equal(c, "ours", lock.serving, i - 1);
		lock_give(&lock);
		expect_equal(c, "free", lock.serving, lock.next);
	}
}

static const struct selftest tests[] = {
	{ "ACPI: the processors of a MADT, whole or cut", madt, NULL },
	{ "MP table: the processors, whole or cut", mp_table, NULL },
	{ "firmware: sums of tables", sums, NULL },
	{ "locks: taken and given, ticket by ticket", locks, NULL },
};

const struct selftest_group selftest_firmware = { tests, ARRAY_SIZE(tests) };
