/*
 * pit.c - the interval timer
 *
 * Owns: the 8254's channels 0 (IRQ 0) and 2 (speaker), and port 0x61.
 * Must not know: what time it is.
 *
 * Source: Intel 8254 data sheet, "Programming the 8254", "Mode Definitions".
 */
#include "pit.h"

#include "compiler.h"
#include "x86_ops.h"

#define CHANNEL0 0x40
#define CHANNEL2 0x42
#define CONTROL 0x43
#define PORT_61 0x61

#define SELECT2 BIT(7)
#define LATCH 0
#define ACCESS_BOTH (3u << 4)
#define MODE0 (0u << 1) /* output rises at 0 */
#define MODE1 (1u << 1) /* the same, triggered by the gate */
#define MODE2 (2u << 1) /* output falls for one clock each period */

#define PORT_61_GATE2 BIT(0)
#define PORT_61_SPEAKER BIT(1)
#define PORT_61_OUT2 BIT(5)

static void load(u16 channel, u16 count)
{
	x86_outb(channel, (u8)count);
	x86_outb(channel, count >> 8);
}

static u16 read_latched(u16 channel)
{
	u8 low = x86_inb(channel);

	return (u16)(x86_inb(channel) << 8 | low);
}

void pit_arm(u64 us)
{
	x86_outb(CONTROL, ACCESS_BOTH | MODE0);
	load(CHANNEL0, (u16)(us * PIT_HZ / 1000000 + 1));
}

void pit_periodic(unsigned hz)
{
	x86_outb(CONTROL, ACCESS_BOTH | MODE2);
	load(CHANNEL0, (u16)(PIT_HZ / hz));
}

/* A channel in mode 0 that has been given no count does not count. */
void pit_disarm(void)
{
	x86_outb(CONTROL, ACCESS_BOTH | MODE0);
}

u16 pit_count(void)
{
	x86_outb(CONTROL, LATCH);
	return read_latched(CHANNEL0);
}

void pit_gate(bool open)
{
	u8 others = x86_inb(PORT_61) & (u8) ~(PORT_61_GATE2 | PORT_61_SPEAKER);

	x86_outb(PORT_61, others | (open ? PORT_61_GATE2 : 0));
}

void pit_gated_start(enum pit_gated_mode mode, u16 count, bool gate)
{
	pit_gate(gate);
	x86_outb(CONTROL, SELECT2 | ACCESS_BOTH | (mode == PIT_TRIGGERED ? MODE1 : MODE0));
	load(CHANNEL2, count);
}

bool pit_gated_output(void)
{
	return x86_inb(PORT_61) & PORT_61_OUT2;
}

u16 pit_gated_count(void)
{
	x86_outb(CONTROL, SELECT2 | LATCH);
	return read_latched(CHANNEL2);
}
