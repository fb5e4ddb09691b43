/* triple.S - an exception that nothing handles, and no double fault handler either */
#include "tiny.h"

	say "triple: now\n"
	lidt no_idt
	ud2

	.section .rodata
no_idt:
	.word 0
	.long 0
