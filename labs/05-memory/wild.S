/*
 * wild.S - a guest with a wild pointer
 *
 * It stores once to an address between 1 and 1.25 GiB, which the number on the command line
 * chooses.  Its machine has no memory there.  It waits until the operator says so (vm resume).
 */
#include "guest.h"

#define WILD 0x40000000
#define WILD_BITS 0x0ffffffc

	pause_here
	say "wild: a store to "
	and $WILD_BITS, %ebx
	or $WILD, %ebx
	say_hex %ebx
	say "\n"
	movl $1, (%ebx)
	say "wild: still here\n"
	end_here
