/*
 * button.S - listens to its power button as an operating system with ACPI does, by looking
 *
 * Enables ACPI and the button's event, waits until the status says that it was pressed, clears
 * it and switches itself off; with the word "deaf" on its command line it says so, and goes on.
 * Source: [ACPI] "PM1 Event Grouping" (4.8.3.1), "PM1 Control Grouping" (4.8.3.2).
 */
#include "tiny.h"

#define INFO_CMDLINE 16
#define PM_BASE 0x600
#define PM1_STATUS PM_BASE
#define PM1_ENABLE (PM_BASE + 2)
#define PM1_CONTROL (PM_BASE + 4)
#define POWER_BUTTON 0x100
#define SOFT_OFF 0x2000
#define SMI_PORT 0xb2
#define ACPI_ENABLE 0xf1

	movl INFO_CMDLINE(%ebx), %edi
1:	incl %edi
	cmpb $0, (%edi)
	jne 1b
	decl %edi /* the last letter: 'f' of deaf */
	movb $ACPI_ENABLE, %al
	outb %al, $SMI_PORT
	movw $PM1_ENABLE, %dx
	movw $POWER_BUTTON, %ax
	outw %ax, %dx
	say "button: listening\n"
2:	movw $PM1_STATUS, %dx
	inw %dx, %ax
	testw $POWER_BUTTON, %ax
	jz 2b
	movw $POWER_BUTTON, %ax
	outw %ax, %dx
	say "button: pressed\n"
	cmpb $'f', (%edi)
	je 2b
	movw $PM1_CONTROL, %dx
	movw $SOFT_OFF, %ax
	outw %ax, %dx
	jmp .
