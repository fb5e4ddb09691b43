/* power.c - see power.h */
#include "type1/power.h"

#include "host.h"
#include "type1/console.h"
#include "type1/tsc.h"
#include "x86_ops.h"

#define QEMU_EXIT 0xf4 /* isa-debug-exit: ends QEMU with (value << 1) | 1 */
#define BOCHS_SHUTDOWN 0x8900
#define KBC_COMMAND 0x64
#define KBC_RESET 0xfe
#define KBC_BUSY BIT(1)
#define KBC_PATIENCE 100000
#define RESET_WAIT 1000000

static const struct acpi_machine *machine;

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

static void tell_emulator(unsigned status)
{
	x86_outl(QEMU_EXIT, status);
	for (const char *p = "Shutdown"; *p; p++)
		x86_outb(BOCHS_SHUTDOWN, (u8)*p);
}

void power_off(unsigned status)
{
	tell_emulator(status);
	halt_for_ever();
}

void host_exit(unsigned status)
{
	console_flush();
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
