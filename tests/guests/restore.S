/*
 * restore.S - loads the state of its FPU without end
 *
 * Nothing of it reaches the hypervisor, nor another guest; it should be so on an emulator, too.
 */
#include "tiny.h"

	fninit
	fnstenv environment
	say "restore: now\n"
	.globl restore_here
restore_here:
	fldenv environment
	jmp restore_here

	.bss
environment:
	.skip 28
