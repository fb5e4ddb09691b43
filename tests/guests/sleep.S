/* sleep.S - halted with interrupts on and every source of them off: only the host can wake it */
#include "tiny.h"

#define PIC1_MASK 0x21
#define PIC2_MASK 0xa1

	say "sleep: now\n"
	movb $0xff, %al
	outb %al, $PIC1_MASK
	outb %al, $PIC2_MASK
1:	sti
	hlt
	jmp 1b
