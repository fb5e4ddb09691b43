/*
 * power.c - ends of the machine
 *
 * Owns: the exit port (QEMU's isa-debug-exit at 0xf4), Bochs's shutdown port, the reset line of the
 * i8042.
 * Must not know: why the machine ends.
 */
#include "power.h"

#include "uart.h"
#include "x86_ops.h"

#define EXIT_PORT 0xf4
#define BOCHS_SHUTDOWN_PORT 0x8900
#define I8042_COMMAND 0x64
#define I8042_PULSE_RESET 0xfe
#define RESET_TRIES 1000

static NORETURN void halt(void)
{
	for (;;) {
		x86_cli();
		x86_hlt();
	}
}

/* Each port does nothing where it does not exist. The last words must be out before. */
static void leave(enum power_status status)
{
	uart_drain();
	x86_outb(EXIT_PORT, (u8)status);
	for (const char *c = "Shutdown"; *c; c++)
		x86_outb(BOCHS_SHUTDOWN_PORT, (u8)*c);
}

void power_reset(void)
{
	x86_cli();
	for (int i = 0; i < RESET_TRIES; i++)
		x86_outb(I8042_COMMAND, I8042_PULSE_RESET);
	halt();
}

void power_off(enum power_status status)
{
	x86_cli();
	leave(status);
	power_reset();
}

void power_stop(enum power_status status)
{
	x86_cli();
	leave(status);
	halt();
}
