/*
 * census_board.h - words that the census' files about chips have in common
 */
#ifndef CHECKER_CENSUS_BOARD_H
#define CHECKER_CENSUS_BOARD_H

#include "rt/rt.h"

enum board_apic_register {
	BOARD_ISR_3 = 0x130, /* vectors 0x60 to 0x7f */
	BOARD_TMR_3 = 0x1b0,
	BOARD_IRR_3 = 0x230,
	BOARD_LVT_TIMER = 0x320,
	BOARD_LINT0 = 0x350,
	BOARD_TIMER_INITIAL = 0x380,
	BOARD_TIMER_CURRENT = 0x390,
	BOARD_TIMER_DIVIDE = 0x3e0,
};
#define BOARD_EXTINT 0x700
#define BOARD_MASKED 0x10000

volatile u32 *board_apic(u32 offset);
volatile u32 *board_ioapic(u8 n);
/* Interrupts on for a few instructions. */
void board_open(void);

u8 board_cmos(u8 index);
void board_set_cmos(u8 index, u8 value);
/* IRQ 0 goes up soon and stays, or is down.  [8254] "Mode 0" */
void board_pit_once(bool up);
/* The line of COM1: the transmitter is empty, and says so or not. */
void board_uart_irq(bool up);

/* census_chips3.c: a second look, behind census_chips2.c. */
void census_chips3(void);
/* census_chips4.c: a third one. */
void census_chips4(void);

u32 board_pci_read(unsigned devfn, unsigned offset);
void board_pci_write(unsigned devfn, unsigned offset, u32 value);
/* The PM block's timer, if there is a PIIX4; 0: none. */
u16 board_pm_port(void);

#endif
