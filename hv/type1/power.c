/*
 * power.c - see power.h
 *
 * Source: Intel, "82371AB PCI-to-ISA / IDE Xcelerator (PIIX4)", "PMBA - Power Management Base
 * Address" (7.1.11), "PMCNTRL - Power Management Control Register" (7.2.3).
 */
#include "type1/power.h"

#include "host.h"
#include "type1/console.h"
#include "type1/pcibus.h"
#include "type1/services.h"
#include "type1/tsc.h"
#include "x86_ops.h"

#define QEMU_EXIT 0xf4 /* isa-debug-exit: ends QEMU with (value << 1) | 1 */
#define BOCHS_SHUTDOWN 0x8900
#define INTEL 0x8086
#define PIIX4_PM 0x7113
#define PIIX4_PMBA 0x40
#define PIIX4_PORTS 0xffc0
#define PIIX4_CONTROL 4 /* of the ports */
#define PIIX4_SUSPEND BIT(13) /* of a type whose number 0 is soft off */
#define KBC_COMMAND 0x64
#define KBC_RESET 0xfe
#define KBC_BUSY BIT(1)
#define KBC_PATIENCE 100000
#define RESET_WAIT 1000000

static const struct acpi_machine *machine;
static bool as_guest; /* exit=guest */

void power_init(const struct acpi_machine *m)
{
	machine = m;
}

NORETURN static void halt_for_ever(void)
{
	for (;;) {
		x86_cli();
		x86_hlt();
	}
}

static void shut_bochs_down(void)
{
	for (const char *p = "Shutdown"; *p; p++)
		x86_outb(BOCHS_SHUTDOWN, (u8)*p);
}

static void tell_emulator(unsigned status)
{
	x86_outl(QEMU_EXIT, status);
	shut_bochs_down();
}

void power_off(unsigned status)
{
	tell_emulator(as_guest ? POWER_FAILED : status);
	halt_for_ever();
}

void power_as_guest(void)
{
	as_guest = true;
}

/* The only kind of machine whose switch is known to us: QEMU's. */
static void soft_off(void)
{
	const struct pcibus_function *pm = pcibus_find(INTEL, PIIX4_PM);
	u16 ports = pm ? (u16)(pcibus_read(pm, PIIX4_PMBA) & PIIX4_PORTS) : 0;

	if (ports)
		x86_outw(ports + PIIX4_CONTROL, PIIX4_SUSPEND);
}

/* What follows on the console are the last words. */
static void close_console(void)
{
	if (!console_panics())
		services_flush();
	console_flush();
}

void power_end(enum power_end end, u32 value)
{
	u8 status = end == POWER_END_VALUE ? (u8)(value << 1 | 1) : 0;

	close_console();
	host_log("espejo: emulator status %u", status);
	console_flush();
	if (end == POWER_END_VALUE)
		x86_outl(QEMU_EXIT, value);
	shut_bochs_down();
	if (end == POWER_END_OFF)
		soft_off();
	if (end == POWER_END_RESET)
		power_reset();
	halt_for_ever();
}

void host_exit(unsigned status)
{
	if (as_guest && status)
		power_end(POWER_END_VALUE, POWER_FAILED);
	if (as_guest)
		power_end(POWER_END_OFF, 0);
	close_console();
	host_log("espejo: exit status %u", status);
	console_flush();
	tell_emulator(status);
	host_log("espejo: halted; the machine may be switched off");
	halt_for_ever();
}

static void wait_a_little(void)
{
	for (unsigned i = 0; i < RESET_WAIT; i++)
		x86_pause();
}

void power_reset(void)
{
	struct PACKED {
		u16 limit;
		u64 base;
	} no_idt = { 0, 0 };

	console_flush();
	if (machine && machine->has_reset) {
		x86_outb(machine->reset_port, machine->reset_value);
		wait_a_little();
	}
	for (unsigned i = 0; x86_inb(KBC_COMMAND) & KBC_BUSY && i < KBC_PATIENCE; i++)
		x86_pause();
	x86_outb(KBC_COMMAND, KBC_RESET);
	wait_a_little();
	__asm__ volatile("lidt %0; int3" ::"m"(no_idt));
	halt_for_ever();
}
