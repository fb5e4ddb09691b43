/* storm.S - asks the hypervisor without end, with interrupts off */
#include "tiny.h"

	say "storm: now\n"
	.globl storm_here
storm_here:
	xorl %eax, %eax
	cpuid
	jmp storm_here
