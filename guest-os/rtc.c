/*
 * rtc.c - the real-time clock
 *
 * Owns: the MC146818's time registers, behind ports 0x70 and 0x71.
 * Must not know: the time that clock.c keeps.
 *
 * Source: Motorola MC146818 data sheet, "Address Map", "Register A", "Register B".
 */
#include "rtc.h"

#include "compiler.h"
#include "lib/string.h"
#include "x86_ops.h"

#define INDEX 0x70
#define DATA 0x71
#define SECONDS 0
#define MINUTES 2
#define HOURS 4
#define DAY 7
#define MONTH 8
#define YEAR 9
#define REGISTER_A 10
#define REGISTER_B 11
#define A_UPDATE BIT(7)
#define B_24_HOURS BIT(1)
#define B_BINARY BIT(2)
#define HOURS_PM BIT(7)
#define UPDATE_TRIES 1000000

static u8 read_register(u8 index)
{
	x86_outb(INDEX, index);
	return x86_inb(DATA);
}

static unsigned decimal(u8 value)
{
	if (read_register(REGISTER_B) & B_BINARY)
		return value;
	return (value >> 4) * 10u + (value & 0xf);
}

static unsigned read_hours(void)
{
	u8 raw = read_register(HOURS);
	unsigned hours = decimal(raw & (u8)~HOURS_PM);

	if (read_register(REGISTER_B) & B_24_HOURS)
		return hours;
	return hours % 12 + (raw & HOURS_PM ? 12 : 0);
}

static struct rtc_time read_once(void)
{
	for (int i = 0; i < UPDATE_TRIES && read_register(REGISTER_A) & A_UPDATE; i++)
		x86_pause();
	return (struct rtc_time){
		.seconds = decimal(read_register(SECONDS)),
		.minutes = decimal(read_register(MINUTES)),
		.hours = read_hours(),
		.day = decimal(read_register(DAY)),
		.month = decimal(read_register(MONTH)),
		.year = decimal(read_register(YEAR)),
	};
}

/* Two equal readings in a row: an update fell into neither. */
struct rtc_time rtc_read(void)
{
	struct rtc_time before, now = read_once();

	do {
		before = now;
		now = read_once();
	} while (memcmp(&before, &now, sizeof(now)));
	return now;
}
