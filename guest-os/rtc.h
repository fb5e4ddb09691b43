/* rtc.h - the real-time clock; see rtc.c */
#ifndef GUEST_OS_RTC_H
#define GUEST_OS_RTC_H

#include "types.h"

struct rtc_time {
	unsigned seconds, minutes, hours, day, month, year; /* year: 0..99 */
};

/* The time of day, not torn by an update. */
struct rtc_time rtc_read(void);

#endif
