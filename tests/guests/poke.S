/* poke.S - stores behind its memory: lost on a PC, the end of a VM with strict=1 */
#include "tiny.h"

#define NOTHING_THERE 0xf8000000

	movl NOTHING_THERE, %eax
	cmpl $-1, %eax
	jne 1f
	say "poke: nothing reads as ones\n"
1:	say "poke: now\n"
	movl $0x5eed, NOTHING_THERE
	say "poke: still here\n"
	cli
	hlt
