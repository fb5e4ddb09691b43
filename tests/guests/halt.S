/* halt.S - halted with interrupts off: nothing wakes it again */
#include "tiny.h"

	say "halt: now\n"
	cli
1:	hlt
	jmp 1b
