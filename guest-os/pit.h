/* pit.h - the interval timer; see pit.c */
#ifndef GUEST_OS_PIT_H
#define GUEST_OS_PIT_H

#include "types.h"

#define PIT_HZ 1193182
#define PIT_IRQ 0
#define PIT_ARM_MAX_US 50000

/* Interrupt once, us (1..PIT_ARM_MAX_US) from now, or shortly after. */
void pit_arm(u64 us);

/* Interrupt hz times (19..) a second. */
void pit_periodic(unsigned hz);

/* No interrupt any more: a one-shot that has not begun. */
void pit_disarm(void);

/* Channel 0's count now. */
u16 pit_count(void);

/*
 * Channel 2, whose gate and output are at port 0x61.  Load it to count once from count to 0, with
 * its gate as given; its output then rises.  It begins at once, or (PIT_TRIGGERED) each time the
 * gate opens.
 */
enum pit_gated_mode { PIT_AT_ONCE, PIT_TRIGGERED };
void pit_gated_start(enum pit_gated_mode mode, u16 count, bool gate);
void pit_gate(bool open);
bool pit_gated_output(void);
u16 pit_gated_count(void);

#endif
