/*
 * selftest_machine.c - what is there beside the processor, and what is not
 *
 * Owns: checks of ports, absent memory, PIT channel 2, RTC, the size of RAM.
 */
#include "bootinfo.h"
#include "clock.h"
#include "layout.h"
#include "page.h"
#include "pit.h"
#include "rtc.h"
#include "sched.h"
#include "selftest.h"
#include "space.h"
#include "uart.h"
#include "x86_ops.h"

#define ABSENT_PORT 0x2a0
#define ABSENT_MEMORY 0xe8000000 /* between RAM and the firmware */
#define UART_SCRATCH (UART_BASE + 7)
#define PATTERN 0x5aa5c33cu
#define GATED_COUNT 11932 /* 10 ms */
#define TRIGGERED_COUNT 59659 /* 50 ms */
#define TRIES 10
#define SECOND_US 1000000

extern char kernel_end[];

static void absent_port(struct check *c, const void *argument UNUSED)
{
	expect_equal(c, "8 bits", x86_inb(ABSENT_PORT), 0xff);
	expect_equal(c, "16 bits", x86_inw(ABSENT_PORT), 0xffff);
	expect_equal(c, "32 bits", x86_inl(ABSENT_PORT), 0xffffffff);
	x86_outb(ABSENT_PORT, 0);
	expect_equal(c, "8 bits after OUT", x86_inb(ABSENT_PORT), 0xff);
}

/* Emulators do not agree on what is read where nothing is; but it is never what was written. */
static void absent_memory(struct check *c, const void *argument UNUSED)
{
	volatile u32 *word = (void *)TEST_BASE;

	if (space_map(&space_kernel, TEST_BASE, ABSENT_MEMORY,
		      PTE_W | PTE_NX | PTE_PCD | PTE_PWT)) {
		expect_true(c, "a page table", false);
		return;
	}
	word[0] = PATTERN;
	word[1] = ~PATTERN;
	expect_true(c, "nothing stored", word[0] != PATTERN && word[1] != ~PATTERN);
	space_unmap(&space_kernel, TEST_BASE);
}

static void uart_scratch(struct check *c, const void *argument UNUSED)
{
	x86_outb(UART_SCRATCH, 0x5a);
	expect_equal(c, "scratch register", x86_inb(UART_SCRATCH), 0x5a);
	x86_outb(UART_SCRATCH, 0xa5);
	expect_equal(c, "scratch register", x86_inb(UART_SCRATCH), 0xa5);
}

/* It takes the PIT a clock or two to begin. */
static void trigger(void)
{
	pit_gate(false);
	pit_gate(true);
	clock_delay(100);
}

/* Three counts: behind a trigger, 20 ms later, behind another trigger. */
static void count_triggered(u16 count[3])
{
	pit_gated_start(PIT_TRIGGERED, TRIGGERED_COUNT, false);
	trigger();
	count[0] = pit_gated_count();
	clock_delay(20000);
	count[1] = pit_gated_count();
	trigger();
	count[2] = pit_gated_count();
}

/* QEMU lets mode 0 count with its gate closed; both know mode 1.  A busy machine may be late. */
static void gate_triggers(struct check *c, const void *argument UNUSED)
{
	u16 count[3] = { 0 };

	for (int i = 0; i < TRIES && (count[1] >= count[0] || count[2] <= count[1]); i++)
		count_triggered(count);
	expect_between(c, "count behind the trigger", count[0], 1, TRIGGERED_COUNT);
	expect_between(c, "count 20 ms later", count[1], 1, count[0] - 1u);
	expect_between(c, "count behind another trigger", count[2], count[1] + 1u, TRIGGERED_COUNT);
}

static void gate_output_rises(struct check *c, const void *argument UNUSED)
{
	u64 start = clock_us();

	pit_gated_start(PIT_AT_ONCE, GATED_COUNT, true);
	expect_true(c, "output low at first", !pit_gated_output() || clock_us() - start > 9000);
	while (!pit_gated_output() && clock_us() - start < SECOND_US)
		x86_pause();
	expect_between(c, "time in us", clock_us() - start, 9000, SECOND_US - 1);
}

static void rtc_plausible(struct check *c, const void *argument UNUSED)
{
	struct rtc_time now = rtc_read();

	expect_between(c, "seconds", now.seconds, 0, 59);
	expect_between(c, "minutes", now.minutes, 0, 59);
	expect_between(c, "hours", now.hours, 0, 23);
	expect_between(c, "day", now.day, 1, 31);
	expect_between(c, "month", now.month, 1, 12);
	expect_between(c, "year", now.year, 0, 99);
}

/* Halted: an emulator that counts instructions would take its time over a busy millisecond. */
static void doze(u64 us)
{
	for (u64 end = clock_us() + us; clock_us() < end;) {
		clock_alarm(end);
		sched_idle();
	}
}

/* A clock that stands still, or is much too slow, fails; a busy machine may see a long second. */
static void rtc_advances(struct check *c, const void *argument UNUSED)
{
	u64 start = clock_us();
	unsigned before = rtc_read().seconds;

	while (rtc_read().seconds == before && clock_us() - start < 3 * SECOND_US)
		doze(1000);
	expect_between(c, "seconds passed", (rtc_read().seconds + 60 - before) % 60, 1, 3);
}

static void ram_ends(struct check *c, const void *argument UNUSED)
{
	expect_between(c, "RAM ranges", bootinfo_ram_count, 1, BOOTINFO_RANGES_MAX);
	for (unsigned i = 0; i < bootinfo_ram_count; i++) {
		if (bootinfo_ram[i].end <= (u64)kernel_end - KERNEL_BASE)
			continue; /* not in the direct map */

		volatile u64 *last = page_at(bootinfo_ram[i].end - sizeof(u64));
		u64 before = *last;

		*last = ~before;
		expect_equal(c, "last word of RAM", *last, ~before);
		*last = before;
	}
}

static const struct selftest tests[] = {
	{ "an absent port reads as ones", absent_port, NULL },
	{ "absent memory holds nothing", absent_memory, NULL },
	{ "RAM reaches to where the map says", ram_ends, NULL },
	{ "UART: the scratch register holds a value", uart_scratch, NULL },
	{ "port 0x61: the gate triggers PIT channel 2", gate_triggers, NULL },
	{ "port 0x61: the output rises when channel 2 is through", gate_output_rises, NULL },
	{ "RTC: a plausible time", rtc_plausible, NULL },
	{ "RTC: seconds pass", rtc_advances, NULL },
};

const struct selftest_group selftest_machine = { tests, ARRAY_SIZE(tests) };
