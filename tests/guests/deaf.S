/*
 * deaf.S - never hears the clock that it started: interrupts off, one waits at each entry
 *
 * WBINVD and CPUID without end: what is carried out the long way, and the short one.
 */
#include "tiny.h"

	movb $0x34, %al			/* the PIT: channel 0, every 1.2 ms */
	outb %al, $0x43
	xorl %eax, %eax
	outb %al, $0x40
	movb $0x06, %al
	outb %al, $0x40
	movb $0x11, %al			/* the first 8259, with IRQ 0 alone */
	outb %al, $0x20
	movb $0x20, %al
	outb %al, $0x21
	movb $0x04, %al
	outb %al, $0x21
	movb $0x01, %al
	outb %al, $0x21
	movb $0xfe, %al
	outb %al, $0x21
	say "deaf: now\n"
deaf_here:
	wbinvd
	xorl %eax, %eax
	cpuid
	jmp deaf_here
