/*
 * rtc.h - the MC146818 clock and its CMOS memory
 *
 * Owns: ports 0x70/0x71, the time of day, alarm and periodic interrupt, and the
 * bytes where a PC's firmware keeps the size of memory and what to boot from.
 * Must not know: the host's clock; time is the start epoch plus the machine's clock.
 *
 * Source: Motorola, "MC146818A Real-Time Clock Plus RAM".
 */
#ifndef ESPEJO_DEV_RTC_H
#define ESPEJO_DEV_RTC_H

#include "dev/bus.h"

struct state_buf;

#define RTC_IRQ 8
#define RTC_CMOS_SIZE 128

struct rtc {
	struct bus *bus;
	struct wire irq;
	struct alarm alarm;
	u64 ram_low, ram_high; /* configuration, for reset */
	unsigned cpus;

	u8 index;		/* of the byte that port 0x71 accesses, 0..127 */
	u8 cmos[RTC_CMOS_SIZE]; /* bytes 0..9 and century are true only while stopped */
	bool stopped;		/* by SET or the divider: time stands in the bytes */
	/* The clock shows epoch at time epoch_ns and runs from there. */
	u64 epoch, epoch_ns;
	u64 seen_ns; /* flags of register C are up to date until here */
};

/*
 * epoch: seconds since 1970 (UTC) now, by the bus's clock, up to year 9999.
 * ram_low: bytes of memory from 0 (below 4 GiB); ram_high: bytes from 4 GiB on.
 */
void rtc_init(struct rtc *r, struct bus *bus, struct wire irq, u64 epoch, u64 ram_low,
	      u64 ram_high);
/* How many CPUs the machine has, 1..256, for CMOS byte 0x5f; 1 if nobody says. */
void rtc_set_cpus(struct rtc *r, unsigned cpus);
/*
 * The bus's clock, which has come to ns, begins again at 0.  The chip has a battery: its time goes
 * on.  Its next reset follows.
 */
void rtc_clock_restarts(struct rtc *r, u64 ns);
/*
 * Its RESET line: interrupts and the square wave are off; the time goes on (or stands), and the
 * memory stays, for the battery does.  "Reset" (MC146818A)
 */
void rtc_reset(struct rtc *r);
/* What firmware sets and notes at each start: how the clock runs, memory sizes. */
void rtc_after_firmware(struct rtc *r);

void rtc_save(const struct rtc *r, struct state_buf *buf);
/* After state_next_section gave DEVICE_SECTION_RTC, the machine's clock restored before. */
int rtc_load(struct rtc *r, struct state_buf *buf);

#endif
