/* rtc.c - see rtc.h; pure, tested on the host */
#include "dev/rtc.h"

#include "dev/clock.h"
#include "dev/section.h"
#include "host.h"
#include "lib/string.h"

#define INDEX_PORT 0x70
#define DATA_PORT 0x71
#define INDEX_BITS 0x7f /* bit 7 holds NMIs back on some boards; not here */

/* Bytes of the chip; their order is the order of struct fields. */
enum {
	SECOND,
	SECOND_ALARM,
	MINUTE,
	MINUTE_ALARM,
	HOUR,
	HOUR_ALARM,
	WEEKDAY,
	DAY,
	MONTH,
	YEAR,
	REG_A,
	REG_B,
	REG_C,
	REG_D,
};

/* Bytes of a PC's firmware. */
#define SHUTDOWN_STATUS 0x0f
#define EQUIPMENT 0x14
#define BASE_KIB 0x15
#define EXTENDED_KIB 0x17
#define EXTENDED_KIB_AGAIN 0x30
#define CENTURY 0x32
#define ABOVE_16M 0x34 /* in 64 KiB */
#define BOOT_FLAGS 0x38 /* and the third device to boot from */
#define BOOT_ORDER 0x3d /* the first and the second */
#define ABOVE_4G 0x5b  /* in 64 KiB, three bytes */
#define CPUS_LESS_1 0x5f

#define EQUIPMENT_FPU 0x02 /* and no floppy, no mouse; the display says itself what it is */
#define BOOT_ANY_FLOPPY 0x01 /* do not look for a signature */
#define BOOT_DISK 2u
#define BOOT_CD 3u

#define A_UIP 0x80
#define A_DIVIDER 0x70
#define A_DIVIDER_RUNS 0x20 /* 2: 32,768 Hz; what is above stops it */
#define A_RATE 0x0f
#define A_POWER_ON 0x26
#define B_SET 0x80
#define B_PIE 0x40
#define B_AIE 0x20
#define B_UIE 0x10
#define B_BINARY 0x04
#define B_24H 0x02
#define B_INTERRUPTS 0x70 /* the same bits as their flags in C */
#define B_SQUARE_WAVE 0x08
#define C_IRQF 0x80
#define C_PF 0x40
#define C_AF 0x20
#define C_UF 0x10
#define D_VALID 0x80

#define HOUR_PM 0x80
#define ALARM_ANY 0xc0 /* matches every value */

#define RTC_HZ 32768
#define UIP_NS 244141ull	      /* told this long before an update */
#define AFTER_RESET_NS (NS_PER_S / 2) /* the first update after the divider starts */
#define SECONDS_PER_DAY 86400ull
#define LAST_YEAR 9999
#define LAST_EPOCH 253402300799ull /* 9999-12-31 23:59:59 */
#define NEVER (~0ull)

#define RTC_VERSION 1

struct date {
	unsigned year, month, day, weekday; /* month, day from 1; Sunday is 1 */
	unsigned hour, minute, second;
};

static bool leap_year(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned month_days(unsigned year, unsigned month)
{
	static const u8 days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && leap_year(year));
}

/* Days from 1970-01-01 to the first day of year (1970 or later). */
static u64 days_before(unsigned year)
{
	u64 y = year - 1;

	return 365ull * (year - 1970) + (y / 4 - y / 100 + y / 400) -
	       (1969 / 4 - 1969 / 100 + 1969 / 400);
}

static struct date to_date(u64 epoch)
{
	u64 days = epoch / SECONDS_PER_DAY;
	unsigned rest = (unsigned)(epoch % SECONDS_PER_DAY);
	struct date d = { .hour = rest / 3600, .minute = rest / 60 % 60, .second = rest % 60 };

	d.weekday = (unsigned)((days + 4) % 7) + 1; /* 1970 began on a Thursday */
	d.year = 1970 + (unsigned)(days / 366);	    /* too early by some years at most */
	while (days_before(d.year + 1) <= days)
		d.year++;
	days -= days_before(d.year);
	for (d.month = 1; days >= month_days(d.year, d.month); d.month++)
		days -= month_days(d.year, d.month);
	d.day = (unsigned)days + 1;
	return d;
}

static unsigned clamp(unsigned v, unsigned low, unsigned high)
{
	return v < low ? low : v > high ? high : v;
}

/* A guest may write a date that does not exist: it becomes the nearest one that does. */
static u64 from_date(struct date d)
{
	u64 days;

	d.year = clamp(d.year, 1970, LAST_YEAR);
	d.month = clamp(d.month, 1, 12);
	d.day = clamp(d.day, 1, month_days(d.year, d.month));
	days = days_before(d.year) + d.day - 1;
	for (unsigned m = 1; m < d.month; m++)
		days += month_days(d.year, m);
	return days * SECONDS_PER_DAY + clamp(d.hour, 0, 23) * 3600 + clamp(d.minute, 0, 59) * 60 +
	       clamp(d.second, 0, 59);
}

static bool divider_runs(const struct rtc *r)
{
	return (r->cmos[REG_A] & A_DIVIDER) <= A_DIVIDER_RUNS;
}

static bool must_stop(const struct rtc *r)
{
	return r->cmos[REG_B] & B_SET || !divider_runs(r);
}

static u8 encode(const struct rtc *r, unsigned v)
{
	return (u8)(r->cmos[REG_B] & B_BINARY ? v : v / 10 << 4 | v % 10);
}

static unsigned decode(const struct rtc *r, u8 byte)
{
	return r->cmos[REG_B] & B_BINARY ? byte : (byte >> 4) * 10u + (byte & 15);
}

static u8 encode_hour(const struct rtc *r, unsigned hour)
{
	if (r->cmos[REG_B] & B_24H)
		return encode(r, hour);
	return encode(r, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static unsigned decode_hour(const struct rtc *r, u8 byte)
{
	if (r->cmos[REG_B] & B_24H)
		return decode(r, byte);
	return decode(r, byte & (u8)~HOUR_PM) % 12 + (byte & HOUR_PM ? 12 : 0);
}

/* Whole seconds that the running clock has counted since r->epoch. */
static u64 seconds_at(const struct rtc *r, u64 ns)
{
	return (ns - r->epoch_ns) / NS_PER_S;
}

static u64 epoch_at(const struct rtc *r, u64 ns)
{
	return MIN(r->epoch + seconds_at(r, ns), LAST_EPOCH);
}

static void put_date(const struct rtc *r, u8 *byte, u64 epoch)
{
	struct date d = to_date(epoch);

	byte[SECOND] = encode(r, d.second);
	byte[MINUTE] = encode(r, d.minute);
	byte[HOUR] = encode_hour(r, d.hour);
	byte[WEEKDAY] = encode(r, d.weekday);
	byte[DAY] = encode(r, d.day);
	byte[MONTH] = encode(r, d.month);
	byte[YEAR] = encode(r, d.year % 100);
	byte[CENTURY] = encode(r, d.year / 100);
}

static u64 get_date(const struct rtc *r, const u8 *byte)
{
	struct date d = {
		.second = decode(r, byte[SECOND]),
		.minute = decode(r, byte[MINUTE]),
		.hour = decode_hour(r, byte[HOUR]),
		.day = decode(r, byte[DAY]),
		.month = decode(r, byte[MONTH]),
		.year = decode(r, byte[CENTURY]) * 100 + MIN(decode(r, byte[YEAR]), 99u),
	};

	return from_date(d);
}

static bool is_time(unsigned index)
{
	return index == SECOND || index == MINUTE || index == HOUR ||
	       (index >= WEEKDAY && index <= YEAR) || index == CENTURY;
}

static bool alarm_matches(const struct rtc *r, unsigned index, u8 now)
{
	return (r->cmos[index] & ALARM_ANY) == ALARM_ANY || r->cmos[index] == now;
}

/* The first time from epoch on at which the alarm matches, within a day; or NEVER. */
static u64 next_match(const struct rtc *r, u64 epoch)
{
	u64 t = epoch;

	while (t <= epoch + SECONDS_PER_DAY) {
		struct date d = to_date(t);

		if (!alarm_matches(r, HOUR_ALARM, encode_hour(r, d.hour)))
			t += 3600 - d.minute * 60 - d.second;
		else if (!alarm_matches(r, MINUTE_ALARM, encode(r, d.minute)))
			t += 60 - d.second;
		else if (!alarm_matches(r, SECOND_ALARM, encode(r, d.second)))
			t++;
		else
			return t;
	}
	return NEVER;
}

/* Ticks of the divider chain in a period of the periodic interrupt; 0: none. */
static u64 period_ticks(const struct rtc *r)
{
	unsigned rate = r->cmos[REG_A] & A_RATE;

	if (!rate || !divider_runs(r))
		return 0;
	return BIT(rate <= 2 ? rate + 6 : rate - 1); /* rates 1 and 2 repeat 8 and 9 */
}

static u64 periods_at(const struct rtc *r, u64 ns)
{
	u64 ticks = period_ticks(r);

	return ticks ? clock_ticks(ns - r->epoch_ns, RTC_HZ) / ticks : 0;
}

/* Flags for everything that happened since the last look, whether it interrupts or not. */
static void update_flags(struct rtc *r, u64 now)
{
	u64 before = seconds_at(r, r->seen_ns), after = seconds_at(r, now);

	if (periods_at(r, now) != periods_at(r, r->seen_ns))
		r->cmos[REG_C] |= C_PF;
	if (!r->stopped && after != before) {
		r->cmos[REG_C] |= C_UF;
		if (next_match(r, r->epoch + before + 1) <= r->epoch + after)
			r->cmos[REG_C] |= C_AF;
	}
	r->seen_ns = now;
}

/* The time of the next event that interrupts, or NEVER. */
static u64 next_event(const struct rtc *r, u64 now)
{
	u8 enabled = r->cmos[REG_B] & B_INTERRUPTS;
	u64 ticks = period_ticks(r), when = NEVER, match;

	if (enabled & B_PIE && ticks)
		when = r->epoch_ns + clock_ns((periods_at(r, now) + 1) * ticks, RTC_HZ);
	if (r->stopped)
		return when;
	if (enabled & B_UIE)
		when = MIN(when, r->epoch_ns + (seconds_at(r, now) + 1) * NS_PER_S);
	if (enabled & B_AIE) {
		match = next_match(r, r->epoch + seconds_at(r, now) + 1);
		if (match != NEVER)
			when = MIN(when, r->epoch_ns + (match - r->epoch) * NS_PER_S);
	}
	return when;
}

/*
 * The line is up from an enabled flag until register C is read.  While it is, no
 * alarm is needed: a guest that does not read C costs nothing.
 */
static void update_irq(struct rtc *r)
{
	u8 *c = &r->cmos[REG_C];
	u64 when;

	*c &= (u8)~C_IRQF;
	if (*c & r->cmos[REG_B] & B_INTERRUPTS)
		*c |= C_IRQF;
	wire_set(&r->irq, *c & C_IRQF);
	when = *c & C_IRQF ? NEVER : next_event(r, r->seen_ns);
	if (when == NEVER)
		bus_alarm_cancel(&r->alarm);
	else
		bus_alarm_set(&r->alarm, when);
}

static u64 catch_up(struct rtc *r)
{
	u64 now = r->bus->now(r->bus);

	update_flags(r, now);
	return now;
}

static void fire(void *dev)
{
	catch_up(dev);
	update_irq(dev);
}

/* The clock shows epoch from the last full second on: the divider's phase is kept. */
static void set_epoch(struct rtc *r, u64 epoch, u64 now)
{
	r->epoch = epoch;
	r->epoch_ns = now - (now - r->epoch_ns) % NS_PER_S;
}

/* SET or the divider changed. */
static void run_or_stop(struct rtc *r, bool divider_ran, u64 now)
{
	if (divider_runs(r) && !divider_ran) { /* counting of the second begins in its middle */
		u64 epoch = r->stopped ? r->epoch : epoch_at(r, now);

		r->epoch_ns = now - AFTER_RESET_NS;
		r->epoch = epoch;
	}
	if (must_stop(r) == r->stopped)
		return;
	r->stopped = !r->stopped;
	if (!r->stopped)
		set_epoch(r, get_date(r, r->cmos), now);
}

static void write_time(struct rtc *r, unsigned index, u8 byte, u64 now)
{
	if (!r->stopped)
		put_date(r, r->cmos, epoch_at(r, now));
	r->cmos[index] = byte;
	if (!r->stopped)
		set_epoch(r, get_date(r, r->cmos), now);
}

static void write_byte(struct rtc *r, unsigned index, u8 byte)
{
	u64 now = catch_up(r);
	bool divider_ran = divider_runs(r);

	/* If this stops it, time stands in the format in force until now. */
	if (!r->stopped && (index == REG_A || index == REG_B))
		put_date(r, r->cmos, epoch_at(r, now));
	if (is_time(index)) {
		write_time(r, index, byte, now);
	} else if (index == REG_A) {
		r->cmos[REG_A] = byte & (u8)~A_UIP;
		run_or_stop(r, divider_ran, now);
	} else if (index == REG_B) {
		if (byte & ~r->cmos[REG_B] & B_SET)
			byte &= (u8)~B_UIE;
		r->cmos[REG_B] = byte;
		run_or_stop(r, divider_ran, now);
	} else if (index != REG_C && index != REG_D) {
		r->cmos[index] = byte;
	}
	update_irq(r);
}

static u8 read_c(struct rtc *r)
{
	u8 c;

	update_irq(r);
	c = r->cmos[REG_C];
	r->cmos[REG_C] = 0;
	update_irq(r);
	return c;
}

static u8 read_byte(struct rtc *r, unsigned index)
{
	u64 now = catch_up(r);
	u8 byte[RTC_CMOS_SIZE];

	if (index == REG_C)
		return read_c(r);
	if (index == REG_A && !r->stopped && NS_PER_S - (now - r->epoch_ns) % NS_PER_S <= UIP_NS)
		return r->cmos[REG_A] | A_UIP;
	if (r->stopped || !is_time(index))
		return r->cmos[index];
	put_date(r, byte, epoch_at(r, now));
	return byte[index];
}

static u32 rtc_in(void *dev, u16 port, unsigned size)
{
	struct rtc *r = dev;

	if (size != 1)
		return bus_split_in(r->bus, port, size);
	return port == DATA_PORT ? read_byte(r, r->index) : 0xff; /* the index is write-only */
}

static void rtc_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct rtc *r = dev;

	if (size != 1)
		bus_split_out(r->bus, port, size, value);
	else if (port == DATA_PORT)
		write_byte(r, r->index, (u8)value);
	else
		r->index = value & INDEX_BITS;
}

static void put_number(struct rtc *r, unsigned index, unsigned bytes, u64 v)
{
	for (unsigned i = 0; i < bytes; i++)
		r->cmos[index + i] = (u8)(v >> (8 * i));
}

static u64 above(u64 size, u64 from, u64 unit, u64 max)
{
	return size > from ? MIN((size - from) / unit, max) : 0;
}

/* What firmware would have found and noted. */
static void put_memory_sizes(struct rtc *r)
{
	u64 extended = above(r->ram_low, MiB(1), KiB(1), 0xffff);

	put_number(r, BASE_KIB, 2, MIN(r->ram_low / KiB(1), 640));
	put_number(r, EXTENDED_KIB, 2, extended);
	put_number(r, EXTENDED_KIB_AGAIN, 2, extended);
	put_number(r, ABOVE_16M, 2, above(r->ram_low, MiB(16), KiB(64), 0xffff));
	put_number(r, ABOVE_4G, 3, MIN(r->ram_high / KiB(64), 0xffffff));
	r->cmos[CPUS_LESS_1] = (u8)(r->cpus - 1);
}

/* What firmware's set-up screen would have left: it boots a disk, else a CD. */
static void put_settings(struct rtc *r)
{
	r->cmos[EQUIPMENT] = EQUIPMENT_FPU;
	r->cmos[BOOT_FLAGS] = BOOT_ANY_FLOPPY;
	r->cmos[BOOT_ORDER] = BOOT_DISK | BOOT_CD << 4;
}

void rtc_clock_restarts(struct rtc *r, u64 ns)
{
	if (!r->stopped)
		r->epoch = epoch_at(r, ns);
	r->epoch_ns = 0 - (ns - r->epoch_ns) % NS_PER_S;
	r->seen_ns = 0;
}

void rtc_after_firmware(struct rtc *r)
{
	u64 now = r->bus->now(r->bus);
	u64 epoch = r->stopped ? get_date(r, r->cmos) : epoch_at(r, now);

	r->cmos[REG_A] = A_POWER_ON;
	r->cmos[REG_B] = B_24H;
	r->cmos[REG_D] = D_VALID;
	r->cmos[SHUTDOWN_STATUS] = 0;
	put_memory_sizes(r);
	r->stopped = false;
	set_epoch(r, epoch, now);
	r->seen_ns = now;
	update_irq(r);
}

void rtc_reset(struct rtc *r)
{
	r->index = 0;
	r->cmos[REG_B] &= (u8) ~(B_INTERRUPTS | B_SQUARE_WAVE);
	r->cmos[REG_C] = 0;
	r->seen_ns = r->bus->now(r->bus);
	update_irq(r);
}

void rtc_set_cpus(struct rtc *r, unsigned cpus)
{
	check(cpus >= 1 && cpus <= 256);
	r->cpus = cpus;
	r->cmos[CPUS_LESS_1] = (u8)(cpus - 1);
}

void rtc_init(struct rtc *r, struct bus *bus, struct wire irq, u64 epoch, u64 ram_low, u64 ram_high)
{
	*r = (struct rtc){ .bus = bus,
			   .irq = irq,
			   .ram_low = ram_low,
			   .ram_high = ram_high,
			   .cpus = 1,
			   .epoch = MIN(epoch, LAST_EPOCH),
			   .epoch_ns = bus->now(bus) };
	bus_alarm_init(bus, &r->alarm, fire, r);
	bus_claim_ports(bus, (struct port_range){ INDEX_PORT, DATA_PORT, rtc_in, rtc_out, r });
	put_settings(r);
	rtc_after_firmware(r);
}

void rtc_save(const struct rtc *r, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_RTC, RTC_VERSION);

	state_put(buf, r->index, 1);
	state_put_bytes(buf, r->cmos, sizeof(r->cmos));
	state_put(buf, r->stopped, 1);
	state_put(buf, r->epoch, 8);
	state_put(buf, r->epoch_ns, 8);
	state_put(buf, r->seen_ns, 8);
	state_end_section(buf, begin);
}

/* The start of the running second may lie up to a second before the machine's start. */
static bool times_are_possible(const struct rtc *r, u64 now)
{
	return r->seen_ns <= now && r->seen_ns - r->epoch_ns <= r->seen_ns + NS_PER_S;
}

int rtc_load(struct rtc *r, struct state_buf *buf)
{
	struct rtc n = *r;
	u64 now = r->bus->now(r->bus);

	n.index = (u8)state_get_max(buf, 1, INDEX_BITS, "the RTC's index is above 127");
	state_get_bytes(buf, n.cmos, sizeof(n.cmos));
	n.stopped = state_get_max(buf, 1, 1, "a flag of the RTC is neither 0 nor 1");
	n.epoch = state_get_max(buf, 8, LAST_EPOCH, "the RTC is beyond the year 9999");
	n.epoch_ns = state_get(buf, 8);
	n.seen_ns = state_get(buf, 8);
	if (n.cmos[REG_A] & A_UIP || n.cmos[REG_C] & 0x0f || n.cmos[REG_D] != D_VALID)
		state_refuse(buf, "the RTC's registers have impossible bits");
	if (must_stop(&n) != n.stopped)
		state_refuse(buf, "the RTC runs although its registers stop it, or the reverse");
	if (!times_are_possible(&n, now))
		state_refuse(buf, "the RTC's times lie in the future");
	if (buf->error)
		return -1;

	bus_alarm_cancel(&r->alarm);
	n.alarm = r->alarm;
	*r = n;
	update_irq(r);
	return 0;
}
