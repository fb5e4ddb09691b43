/* spin.S - interrupts off, and round and round for ever */
#include "tiny.h"

	say "spin: now\n"
	cli
	.globl spin_here
spin_here:
	jmp spin_here
