/*
 * census_chips2.c - what the chips of a PC do: modes, orders and borders that census_chips.c leaves
 * out
 *
 * Everything here is polled, interrupts off but for moments.  The manual's word stands beside each
 * case, for the emulators' chips differ from it and from one another.  What is a time is a ratio of
 * two clocks, each read between two near readings of the other (clock_pair), and judged by wide
 * limits.
 *
 * Sources: Intel, "8259A", "8254"; Motorola, "MC146818A"; National, "PC16550D"; ACPI Specification,
 * "Power Management Timer".
 */
#include "census.h"
#include "census_board.h"
#include "x86_ops.h"

#define PATIENCE 200000u

/* ---- 8259A ---- */

#define MASTER 0x20
#define SLAVE 0xa0
#define ELCR 0x4d0
#define READ_IRR 0x0a
#define READ_ISR 0x0b
#define POLL 0x0c
#define SPECIAL_MASK_ON 0x68
#define SPECIAL_MASK_OFF 0x48
#define EOI 0x20
#define SPECIFIC_EOI 0x60
#define SET_LOWEST 0xc0
#define ROTATE_SPECIFIC_EOI 0xe0
#define ICW4_AUTO_EOI 2
#define CASCADE 2
#define RTC_IRQ 8
#define UART_IRQ 4

static u8 ask(u16 chip, u8 command)
{
	x86_outb(chip, command);
	return x86_inb(chip);
}

static void start_pics(u8 icw4)
{
	static const u8 words[2][3] = { { 0x11, RT_PIC_VECTOR, 1 << CASCADE },
					{ 0x11, RT_PIC_VECTOR + 8, CASCADE } };

	for (unsigned n = 0; n < 2; n++) {
		u16 chip = n ? SLAVE : MASTER;

		x86_outb(chip, words[n][0]);
		x86_outb(chip + 1, words[n][1]);
		x86_outb(chip + 1, words[n][2]);
		x86_outb(chip + 1, icw4);
		x86_outb(chip + 1, 0xff);
	}
}

static void irq0(bool up)
{
	board_pit_once(up);
	for (unsigned i = 0; up && i < PATIENCE && !(ask(MASTER, READ_IRR) & 1); i++)
		;
}

/* The clock's periodic interrupt, on input 0 of the second chip. */
static void irq8(bool up)
{
	if (!up) {
		board_set_cmos(0x0b, 0x02);
		board_cmos(0x0c);
		return;
	}
	board_set_cmos(0x0a, 0x26);
	board_set_cmos(0x0b, 0x42);
	for (unsigned i = 0; i < PATIENCE && !(ask(SLAVE, READ_IRR) & 1); i++)
		;
}

/* Two levels in service, one ended by its name; then with automatic EOI. */
static void pic_orders(void)
{
	start_pics(1);
	irq8(true);
	census_number_manual("pic.cascade.masked", ask(MASTER, READ_IRR) & 4, 0);
	x86_outb(SLAVE + 1, 0xfe);
	census_number_manual("pic.cascade.irr", ask(MASTER, READ_IRR) & 4, 4);
	x86_outb(MASTER + 1, (u8) ~(1 << CASCADE | 1));
	census_number_manual("pic.poll.cascade", ask(MASTER, POLL), 0x82);
	census_number_manual("pic.poll.slave", ask(SLAVE, POLL), 0x80);
	irq0(true);
	census_number_manual("pic.nested", ask(MASTER, POLL), 0x80);
	census_number_manual("pic.isr.two", ask(MASTER, READ_ISR), 5);
	census_number_manual("pic.read.stays", x86_inb(MASTER), 5);
	x86_outb(MASTER, SPECIFIC_EOI | CASCADE);
	census_number_manual("pic.eoi.specific", ask(MASTER, READ_ISR), 1);
	census_number_manual("pic.isr.slave", ask(SLAVE, READ_ISR), 1);
	x86_outb(SLAVE, EOI);
	census_number_manual("pic.eoi.slave", ask(SLAVE, READ_ISR), 0);
	irq8(false);
	irq8(true);
	census_number_manual("pic.lower.waits", ask(MASTER, POLL) & 0x80, 0);
	x86_outb(MASTER, SPECIAL_MASK_ON);
	x86_outb(MASTER + 1, (u8) ~(1 << CASCADE));
	census_number_manual("pic.special-mask", ask(MASTER, POLL), 0x82);
	x86_outb(MASTER, SPECIAL_MASK_OFF);
	x86_outb(MASTER, ROTATE_SPECIFIC_EOI | CASCADE);
	census_number_manual("pic.rotate.specific", ask(MASTER, READ_ISR), 1);
	x86_outb(MASTER, EOI);
	irq8(false);
	irq0(false);
}

static void pic_modes(void)
{
	start_pics(1);
	x86_outb(MASTER, SPECIAL_MASK_ON);
	x86_outb(MASTER, READ_ISR);
	start_pics(1); /* ICW1 clears the one, and IRR is read again */
	x86_outb(SLAVE + 1, 0xfe);
	x86_outb(MASTER + 1, (u8) ~(1 << CASCADE | 1));
	irq0(true);
	(void)ask(MASTER, POLL);
	x86_outb(MASTER + 1, (u8) ~(1 << CASCADE));
	irq8(true);
	census_number_manual("pic.icw1.special-mask", ask(MASTER, POLL) & 0x80, 0);
	x86_outb(MASTER, READ_ISR);
	start_pics(1);
	x86_outb(SLAVE + 1, 0xfe);
	irq8(false);
	irq8(true);
	census_number_manual("pic.icw1.reads-irr", x86_inb(MASTER) & 4, 4);
	irq8(false);
	irq0(false);
	start_pics(1);
	x86_outb(MASTER, SET_LOWEST | 1);
	x86_outb(SLAVE + 1, 0xfe);
	x86_outb(MASTER + 1, (u8) ~(1 << CASCADE | 1));
	irq0(true);
	irq8(true);
	census_number_manual("pic.lowest.1", ask(MASTER, POLL), 0x82);
	start_pics(1 | ICW4_AUTO_EOI);
	irq0(false);
	irq0(true);
	x86_outb(MASTER + 1, 0xfe);
	census_number_manual("pic.auto-eoi.poll", ask(MASTER, POLL), 0x80);
	census_number_manual("pic.auto-eoi", ask(MASTER, READ_ISR), 0);
	irq0(false);
	irq8(false);
	start_pics(1);
}

/* What the handlers saw. */
static u64 taken_vector, taken_isr, taken_slave;

static bool note_taken(struct rt_frame *frame)
{
	if (frame->vector < RT_PIC_VECTOR || frame->vector >= RT_PIC_VECTOR + 16)
		return false;
	taken_vector = frame->vector;
	taken_isr = ask(MASTER, READ_ISR);
	taken_slave = ask(SLAVE, READ_ISR);
	irq8(false);
	x86_outb(SLAVE, EOI);
	x86_outb(MASTER, EOI);
	return true;
}

/* By the CPU, with vectors: LINT0 lets it through. */
static void pic_vectors(void)
{
	u32 lint0 = *board_apic(BOARD_LINT0);

	*board_apic(BOARD_LINT0) = BOARD_EXTINT;
	rt_hook = note_taken;
	x86_outb(SLAVE + 1, 0xfe);
	x86_outb(MASTER + 1, (u8) ~(1 << CASCADE));
	irq8(true);
	board_open();
	rt_hook = NULL;
	*board_apic(BOARD_LINT0) = lint0;
	rt_pic(0xffff);
	census_number_manual("pic.vector.slave", taken_vector, RT_PIC_VECTOR + RTC_IRQ);
	census_number_manual("pic.vector.isr", taken_isr, 1 << CASCADE);
	census_number_manual("pic.vector.isr.slave", taken_slave, 1);
	census_number_manual("pic.vector.ended", ask(MASTER, READ_ISR) | ask(SLAVE, READ_ISR), 0);
}

/* An input in level mode: what is up asks again, what is down no longer. */
static void pic_levels(void)
{
	u8 bit = 1 << UART_IRQ, down, up, poll, still, gone, edge, once, none;

	/* Results wait until the line is ours again: they leave by it. */
	x86_outb(ELCR, bit);
	board_uart_irq(false);
	x86_outb(MASTER + 1, (u8)~bit);
	down = ask(MASTER, READ_IRR) & bit;
	board_uart_irq(true);
	up = ask(MASTER, READ_IRR) & bit;
	poll = ask(MASTER, POLL);
	still = ask(MASTER, READ_IRR) & bit;
	board_uart_irq(false);
	gone = ask(MASTER, READ_IRR) & bit;
	x86_outb(MASTER, EOI);
	x86_outb(ELCR, 0);
	board_uart_irq(true);
	edge = ask(MASTER, POLL);
	once = ask(MASTER, READ_IRR) & bit;
	x86_outb(MASTER, EOI);
	none = ask(MASTER, POLL) & 0x80;
	board_uart_irq(false);
	rt_pic(0xffff);
	census_number_manual("pic.level.down", down, 0);
	census_number_manual("pic.level.up", up, bit);
	census_number_manual("pic.level.poll", poll, 0x80 | UART_IRQ);
	census_number_manual("pic.level.still", still, bit);
	census_number_manual("pic.level.gone", gone, 0);
	census_number_manual("pic.edge.poll", edge, 0x80 | UART_IRQ);
	census_number_manual("pic.edge.once", once, 0);
	census_number_manual("pic.edge.none", none, 0);
}

/* ---- 8254 ---- */

#define PIT_CONTROL 0x43
#define COUNTER(n) (u16)(0x40 + (n))
#define SYSTEM 0x61
#define OUT2 0x20

static void write_count2(u16 count)
{
	x86_outb(COUNTER(2), (u8)count);
	x86_outb(COUNTER(2), (u8)(count >> 8));
}

static u16 read_count2(void)
{
	u16 low = x86_inb(COUNTER(2));

	return (u16)(low | x86_inb(COUNTER(2)) << 8);
}

static u16 latch2(void)
{
	x86_outb(PIT_CONTROL, 0x80);
	return read_count2();
}

static bool out2(void)
{
	return x86_inb(SYSTEM) & OUT2;
}

static bool out2_becomes(bool high)
{
	for (unsigned i = 0; i < PATIENCE; i++)
		if (out2() == high)
			return true;
	return false;
}

/* Read-back: every counter that is named; its status comes before its count; a latch holds. */
static void pit_latches(void)
{
	u8 status0, status2;
	u16 count;

	x86_outb(SYSTEM, 0);
	x86_outb(PIT_CONTROL, 0x30);
	x86_outb(PIT_CONTROL, 0xb2);
	x86_outb(PIT_CONTROL, 0xea); /* the status of 0 and 2 */
	status0 = x86_inb(COUNTER(0));
	status2 = x86_inb(COUNTER(2));
	census_number_manual("pit.read-back.0", status0 & 0x3f, 0x30);
	census_number_manual("pit.read-back.2", status2 & 0x3f, 0x32);
	x86_outb(PIT_CONTROL, 0xb0);
	write_count2(0x1234);
	x86_outb(PIT_CONTROL, 0xc8); /* both of 2 */
	census_number_manual("pit.read-back.status", x86_inb(COUNTER(2)) & 0x3f, 0x30);
	census_number_manual("pit.read-back.count", read_count2(), 0x1234);
	x86_outb(PIT_CONTROL, 0x80);
	write_count2(0x5678);
	x86_outb(PIT_CONTROL, 0x80);
	count = read_count2();
	census_number_manual("pit.latch.holds", count, 0x1234);
	census_number_manual("pit.latch.then", latch2(), 0x5678);
	x86_outb(PIT_CONTROL, 0x80);
	x86_outb(PIT_CONTROL, 0xe8);
	census_number_manual("pit.latch.status-first", x86_inb(COUNTER(2)) & 0x3f, 0x30);
	census_number_manual("pit.latch.and-count", read_count2(), 0x5678);
}

/* Modes 1 to 3 of counter 2, whose gate is ours. */
/* Behind 0 comes 9999.  Who was away for too long looks again. */
static void pit_bcd(void)
{
	u16 value = 0;

	x86_outb(SYSTEM, 1);
	for (unsigned i = 0; i < 50 && value < 0x9000; i++) {
		x86_outb(PIT_CONTROL, 0xb1);
		write_count2(0x0010);
		out2_becomes(true);
		value = latch2();
	}
	census_number_manual("pit.bcd.round", value >= 0x9000 && (value & 15) < 10, 1);
	x86_outb(PIT_CONTROL, 0xe8);
	census_number_manual("pit.status.out", x86_inb(COUNTER(2)) & 0x80, 0x80);
	x86_outb(PIT_CONTROL, 0xb0);
	x86_outb(PIT_CONTROL, 0xe8);
	census_number_manual("pit.status.out.low", x86_inb(COUNTER(2)) & 0x80, 0);
	x86_outb(SYSTEM, 0);
}

static void pit_modes(void)
{
	bool odd = false;
	u16 value;

	x86_outb(SYSTEM, 0);
	x86_outb(PIT_CONTROL, 0xb2); /* one-shot: its gate starts it */
	census_number_manual("pit.mode1.high", out2(), 1);
	write_count2(0x2000);
	census_number_manual("pit.mode1.waits", out2(), 1);
	x86_outb(SYSTEM, 1);
	census_number_manual("pit.mode1.low", out2_becomes(false), 1);
	census_number_manual("pit.mode1.ends", out2_becomes(true), 1);
	x86_outb(SYSTEM, 0);
	x86_outb(PIT_CONTROL, 0xb4); /* rate generator: a new count waits for the period's end */
	write_count2(0xffff);
	x86_outb(SYSTEM, 1);
	write_count2(0x10);
	value = latch2();
	census_number_manual("pit.mode2.new-waits", value > 0x100, 1);
	x86_outb(PIT_CONTROL, 0xe8);
	census_number_manual("pit.mode2.null", x86_inb(COUNTER(2)) & 0x40, 0x40);
	x86_outb(SYSTEM, 0);
	x86_outb(PIT_CONTROL, 0xb4);
	write_count2(0x400);
	x86_outb(SYSTEM, 1);
	for (unsigned i = 0; i < 50; i++) {
		value = latch2();
		odd |= value > 0x400 || !value;
	}
	census_number_manual("pit.mode2.range", odd, 0);
	x86_outb(PIT_CONTROL, 0xb6); /* square wave: by two */
	write_count2(0x1000);
	odd = false;
	for (unsigned i = 0; i < 50; i++) {
		value = latch2();
		odd |= value & 1 || value > 0x1000;
	}
	census_number_manual("pit.mode3.even", odd, 0);
	census_number_manual("pit.mode3.low", out2_becomes(false), 1);
	census_number_manual("pit.mode3.high", out2_becomes(true), 1);
	x86_outb(SYSTEM, 0);
	census_number_manual("pit.mode3.gate", out2(), 1);
	x86_outb(PIT_CONTROL, 0xb0);
	write_count2(0x2000);
	x86_outb(SYSTEM, 1);
	x86_outb(COUNTER(2), 0); /* the first byte of two stops it */
	value = latch2();
	census_number_manual("pit.mode0.stops", (u16)(value - latch2()), 0);
	census_number_manual("pit.speaker", x86_inb(SYSTEM) & 3, 1);
	x86_outb(COUNTER(2), 0);
	x86_outb(SYSTEM, 0);
}

/* ---- Clocks ---- */

/* Ticks of the PM timer, 3 of which are one of the PIT. */
static u32 pm(void)
{
	return board_pm_port() ? x86_inl(board_pm_port()) & 0xffffff : 0;
}

/* Both at about the same time: undisturbed between two near readings of the first. */
static bool clock_pair(u32 (*other)(void), u32 *pm_at, u32 *other_at)
{
	u32 least = ~0u;

	for (unsigned i = 0; i < 64; i++) {
		u32 before = pm(), value = other(), took = (pm() - before) & 0xffffff;

		if (took >= least)
			continue;
		least = took;
		*pm_at = before;
		*other_at = value;
	}
	return least < 2000;
}

static u32 pit_reading(void)
{
	return latch2();
}

static u32 apic_reading(void)
{
	return *board_apic(BOARD_TIMER_CURRENT);
}

/* Ticks of a clock that counts down, in 12 ms by the PM timer; wide: its width in bits. */
static u64 ticks_in_12_ms(u32 (*other)(void), u32 bits)
{
	u32 pm_from = 0, from = 0, pm_to = 0, to = 0, passed;
	u64 mask = ~0u >> (32 - bits);

	for (unsigned try = 0; try < 40; try++) { /* who was away for too long tries again */
		if (!clock_pair(other, &pm_from, &from))
			continue;
		for (unsigned i = 0; i < PATIENCE && ((pm() - pm_from) & 0xffffff) < 43000; i++)
			;
		if (!clock_pair(other, &pm_to, &to))
			continue;
		passed = (pm_to - pm_from) & 0xffffff;
		if (passed < (bits > 16 ? 8000000 : 150000))
			return (((u64)from - to) & mask) * 42954 / passed;
	}
	return 0;
}

static bool near(u64 value, u64 expected)
{
	return value * 100 > expected * 80 && value * 100 < expected * 125;
}

static void rates(void)
{
	u64 by_1, by_16, pit;

	if (!board_pm_port())
		return;
	x86_outb(SYSTEM, 1);
	x86_outb(PIT_CONTROL, 0xb4);
	write_count2(0);
	pit = ticks_in_12_ms(pit_reading, 16);
	x86_outb(SYSTEM, 0);
	census_number_manual("pm.rate.pit", near(pit, 14318), 1);
	*board_apic(BOARD_LVT_TIMER) = BOARD_MASKED;
	*board_apic(BOARD_TIMER_DIVIDE) = 0xb;
	*board_apic(BOARD_TIMER_INITIAL) = ~0u;
	by_1 = ticks_in_12_ms(apic_reading, 32);
	*board_apic(BOARD_TIMER_DIVIDE) = 3;
	*board_apic(BOARD_TIMER_INITIAL) = ~0u;
	by_16 = ticks_in_12_ms(apic_reading, 32);
	*board_apic(BOARD_TIMER_INITIAL) = 0;
	*board_apic(BOARD_TIMER_DIVIDE) = 0xb;
	census_number_manual("lapic.divide.by-16", near(by_16 * 16, by_1), 1);
}

/* ---- MC146818A ---- */

#define PERIODS 20

/*
 * Is this the time between two periodic flags, in ticks of the PM timer?  Who is away for a while
 * sees longer ones, never shorter ones; so some must be right, and not as many be half.
 */
static bool is_period(u8 rate, u32 expected)
{
	unsigned right = 0, half = 0;
	u32 last = 0;

	board_set_cmos(0x0a, 0x20 | rate);
	board_cmos(0x0c);
	for (unsigned n = 0; n <= PERIODS; n++) {
		u32 at, took;
		unsigned i = 0;

		while (i < PATIENCE && !(board_cmos(0x0c) & 0x40))
			i++;
		if (i == PATIENCE)
			return false; /* nor will there be another */
		at = pm();
		took = (at - last) & 0xffffff;
		last = at;
		right += n && near(took, expected);
		half += n && near(took, expected / 2);
	}
	return right >= 3 && right > half;
}

#define BINARY 4 /* DM */

/*
 * Hours by twelve and by twenty-four, in both codes: what was set is what runs.  Who changes the
 * code sets all: a date in the other one is another year, or none.
 * MC146818A "Data Mode (DM)", register B
 */
static void rtc_hours(void)
{
	static const struct {
		u8 index, bcd, binary;
	} date[] = { { 6, 5, 5 }, { 7, 1, 1 }, { 8, 1, 1 }, { 9, 0x26, 26 }, { 0x32, 0x20, 20 } };
	static const struct {
		const char *name;
		u8 b, hour;
	} cases[] = {
		{ "rtc.12.midnight", 0, 0x12 },	    { "rtc.12.noon", 0, 0x92 },
		{ "rtc.12.afternoon", 0, 0x81 },    { "rtc.12.morning", 0, 0x11 },
		{ "rtc.12.binary.noon", 4, 0x8c },  { "rtc.12.binary.night", 4, 0x8b },
		{ "rtc.24.binary", 6, 23 },	    { "rtc.24.midnight", 2, 0 },
		{ "rtc.24.binary.midnight", 6, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		board_set_cmos(0x0b, 0x80 | cases[i].b);
		for (unsigned k = 0; k < ARRAY_SIZE(date); k++)
			board_set_cmos(date[k].index,
				       cases[i].b & BINARY ? date[k].binary : date[k].bcd);
		board_set_cmos(0, 0);
		board_set_cmos(2, 0);
		board_set_cmos(4, cases[i].hour);
		board_set_cmos(0x0b, cases[i].b);
		census_number_manual(cases[i].name, board_cmos(4), cases[i].hour);
	}
	board_set_cmos(0x0b, 0x02);
}

#define UPDATE_TRIES 8

/* For 0.6 s; looks as often as it can, for it is announced for 244 us. */
static bool update_announced(void)
{
	u32 from = pm();

	x86_outb(0x70, 0x0a);
	for (unsigned i = 0; i < 50 * PATIENCE; i++) {
		if (x86_inb(0x71) & 0x80)
			return true;
		if (i % 64 == 0 && ((pm() - from) & 0xffffff) > 2150000)
			break;
	}
	return false;
}

/* Restart the divider: an update comes in half a second.  Its flags; was it announced? */
static u8 next_update(bool *announced)
{
	u8 flags = 0;

	board_set_cmos(0x0a, 0x76);
	board_set_cmos(0x0a, 0x20);
	board_cmos(0x0c);
	*announced = update_announced();
	for (unsigned i = 0; i < PATIENCE && !(flags & 0x10); i++)
		flags |= board_cmos(0x0c);
	return flags;
}

/* Who was away just then has not seen it announced, but not each time. */
static bool update_seen(bool announced)
{
	for (unsigned i = 0; i < UPDATE_TRIES && !announced; i++)
		next_update(&announced);
	return announced;
}

/* The end of a leap February; half a second, as the divider is restarted. */
static void rtc_midnight(void)
{
	static const u8 index[] = { 0, 2, 4, 6, 7, 8, 9, 0x32 };
	static const u8 before[] = { 0x59, 0x59, 0x23, 2, 0x28, 0x02, 0x00, 0x20 };
	static const u8 after[] = { 0, 0, 0, 3, 0x29, 0x02, 0x00, 0x20 };
	bool announced, again;
	unsigned same = 0;
	u8 flags;

	board_set_cmos(0x0b, 0x82);
	for (unsigned i = 0; i < ARRAY_SIZE(index); i++)
		board_set_cmos(index[i], before[i]);
	board_set_cmos(1, 0);
	board_set_cmos(3, 0xff); /* any minute, any hour */
	board_set_cmos(5, 0xc0);
	board_set_cmos(0x0b, 0x02);
	flags = next_update(&announced);
	for (unsigned i = 0; i < ARRAY_SIZE(index); i++)
		same += board_cmos(index[i]) == after[i];
	census_number_manual("rtc.midnight", same, ARRAY_SIZE(index));
	census_number_manual("rtc.midnight.flags", flags & 0x30, 0x30);
	board_set_cmos(1, 0x45); /* this alarm is not meant: bit 6 alone is no "any" */
	flags = next_update(&again);
	census_number_manual("rtc.alarm.other", flags & 0x30, 0x10);
	census_number_manual("rtc.uip", update_seen(announced) && update_seen(again), 1);
}

/* SET holds it, though half a second and more goes by. */
static void rtc_held(void)
{
	u32 from;

	board_set_cmos(0x0b, 0x82);
	board_set_cmos(0, 0x30);
	board_set_cmos(0x0a, 0x76);
	board_set_cmos(0x0a, 0x20);
	board_cmos(0x0c);
	from = pm();
	for (unsigned i = 0; i < 50 * PATIENCE && ((pm() - from) & 0xffffff) < 2150000; i++)
		;
	census_number_manual("rtc.set.holds", board_cmos(0), 0x30);
	census_number_manual("rtc.set.no-update", board_cmos(0x0c) & 0x10, 0);
	board_set_cmos(0x0b, 0x02);
}

static void rtc(void)
{
	u8 kept[10], a = board_cmos(0x0a) & 0x7f, b = board_cmos(0x0b), century = board_cmos(0x32);

	for (unsigned i = 0; i < sizeof(kept); i++)
		kept[i] = board_cmos((u8)i);
	if (board_pm_port()) {
		census_number_manual("rtc.rate.6", is_period(6, 3496), 1);
		census_number_manual("rtc.rate.7", is_period(7, 6992), 1);
	}
	rtc_hours();
	if (census_virtual()) {
		rtc_midnight();
		rtc_held();
	}
	board_set_cmos(0x0b, 0x80 | b);
	for (unsigned i = 0; i < sizeof(kept); i++)
		board_set_cmos((u8)i, kept[i]);
	board_set_cmos(0x32, century);
	board_set_cmos(0x0a, a);
	board_set_cmos(0x0b, b);
	board_cmos(0x0c);
	board_set_cmos(0x40, 0x5a); /* RAM of nobody */
	census_number_manual("rtc.ram", board_cmos(0x40), 0x5a);
}

void census_chips2(void)
{
	pic_orders();
	pic_modes();
	pic_vectors();
	pic_levels();
	pit_latches();
	pit_bcd();
	pit_modes();
	rates();
	rtc();
	census_chips3();
	rt_hook = NULL;
}
