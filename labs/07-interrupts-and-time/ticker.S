/*
 * ticker.S - a clock made of interrupts, held against a counter
 *
 * The command line says which timer: pit or apic, then a word to be printed.  Time is told by the
 * PM timer, which nobody needs to count: 3 of its ticks are one of the PIT.  In words of each line:
 *
 *   ticks N of M    interrupts that came, of those that were due
 *   early           came before they were due
 *   crowded         came less than 2/5 of a period behind the one before
 *   late            that came more than a fifth of a period after a due time
 */
#include "pc.h"

#define PERIOD 2386		/* PIT ticks: 2 ms */
#define ROUNDS 100
#define LAPIC 0xfee00000
#define LAPIC_EOI (LAPIC + 0xb0)
#define LVT_TIMER (LAPIC + 0x320)
#define INITIAL (LAPIC + 0x380)
#define CURRENT (LAPIC + 0x390)
#define DIVIDE (LAPIC + 0x3e0)
#define VECTOR 0x61
#define PERIODIC 0x20000
#define MASKED 0x10000

.macro NAMED name
	.pushsection .data
9:	.asciz "\name"
	.popsection
	mov $9b, %esi
	call puts
.endm

.macro NUMBER value
	mov \value, %eax
	call put_number
.endm

main:
	GATE 0x20, on_pit
	GATE VECTOR, on_apic
	mov command, %esi
	mov (%esi), %al
	cmp $'p', %al
	jne apic

	movl $(3 * PERIOD), period
	OUTB 0x43, 0x34
	OUTB 0x40, (PERIOD & 255)
	OUTB 0x40, (PERIOD >> 8)
	call start
	OUTB (PIC+1), 0xfa
	call count
	SAY periodic
	jmp report

/* EAX = the PM timer, which is 24 or 32 bits wide. */
now:
	mov $PM_TIMER, %dx
	in %dx, %eax
	ret

start:
	call now
	mov %eax, began
	mov %eax, last
	movl $0, crowded
	xor %eax, %eax
	mov %eax, ticks
	mov %eax, early
	mov %eax, late
	ret

/* EAX = time since the start. */
since:
	call now
	sub began, %eax
	and $0xffffff, %eax
	ret

/* Interrupts come, for ROUNDS periods and a bit. */
count:
	mov period, %eax
	imul $ROUNDS, %eax
	mov period, %ecx
	shr $1, %ecx
	add %ecx, %eax
	mov %eax, end
	sti
1:	call wait
	call since
	cmp end, %eax
	jb 1b
	cli
	ret

wait:
	mov $2000, %ecx
1:	loop 1b
	ret

on_pit:
	pusha
	call tick
	OUTB PIC, 0x20
	popa
	iret

on_apic:
	pusha
	call tick
	movl $0, LAPIC_EOI
	popa
	iret

/* One tick more: EAX = its time, ECX = those due until then, EDX = how late it is. */
tick:
	incl ticks
	call now
	mov %eax, %ecx
	sub last, %ecx
	and $0xffffff, %ecx
	mov %eax, last
	cmpl $1, ticks		/* the first has none before it */
	je 1f
	lea (%ecx,%ecx,4), %ecx	/* 5 * gap < 2 * period? */
	mov period, %edx
	add %edx, %edx
	cmp %edx, %ecx
	jae 1f
	incl crowded
1:	sub began, %eax
	and $0xffffff, %eax
	add $16, %eax		/* the start was not exactly when the timer began */
	xor %edx, %edx
	divl period
	cmp %eax, ticks
	jbe 2f
	incl early
2:	mov period, %eax
	mov $5, %ecx
	push %edx
	xor %edx, %edx
	div %ecx
	pop %edx
	cmp %eax, %edx
	jb 3f
	incl late
3:	ret

/* ---- The LAPIC's timer --------------------------------------------------------- */

/* Whatever its clock is: EAX = counts in 2 ms, and they are the period, in PM ticks. */
measure:
	movl $0xb, DIVIDE	/* by 1 */
	movl $MASKED, LVT_TIMER
	call start
	movl $-1, INITIAL
1:	call since
	cmp $(3 * PERIOD * 16), %eax
	jb 1b
	mov CURRENT, %ecx
	not %ecx
	mov %eax, %ebx
	mov $(3 * PERIOD), %eax
	mul %ecx
	div %ebx
	mov %eax, counts
	movl $(3 * PERIOD), period
	ret

apic:
	call measure

	mov counts, %eax	/* one shot: once, and not before its time */
	movl $VECTOR, LVT_TIMER
	call start
	mov counts, %eax
	mov %eax, INITIAL
	sti
	mov $4, %ebx
	call periods
	cli
	SAY one-shot
	call report

	movl $(PERIODIC | VECTOR), LVT_TIMER
	call start
	mov counts, %eax
	mov %eax, INITIAL
	call count
	SAY periodic
	call report

	movl $(PERIODIC | MASKED | VECTOR), LVT_TIMER
	call start		/* what expires while it is masked is lost */
	mov counts, %eax
	mov %eax, INITIAL
	sti
	mov $9, %ebx
	call periods_half
	movl $(PERIODIC | VECTOR), LVT_TIMER
	call since
	mov $12, %ebx
	call periods_half
	cli
	SAY masked
	call report

	movl $MASKED, LVT_TIMER
	shrl $6, counts		/* 31 us: too fast to be given one by one */
	movl $(PERIODIC | VECTOR), LVT_TIMER
	call start
	mov counts, %eax
	mov %eax, INITIAL
	sti
	mov $10, %ebx
	call periods
	cli
	movl $MASKED, LVT_TIMER
	SAY fast
	jmp report

/* Until EBX periods have passed since the start; and a half. */
periods_half:
	mov period, %eax
	shr $1, %eax
	jmp 1f
periods:
	xor %eax, %eax
1:	mov period, %ecx
	imul %ebx, %ecx
	add %ecx, %eax
	mov %eax, end
2:	call wait
	call since
	cmp end, %eax
	jb 2b
	ret

/* ---- What it came to ------------------------------------------------------------- */

report:
	NAMED "  ticks "
	NUMBER ticks
	NAMED " of "
	call since
	xor %edx, %edx
	divl period
	call put_number
	NAMED ", early "
	NUMBER early
	NAMED ", crowded "
	NUMBER crowded
	NAMED ", late "
	NUMBER late
	jmp newline

	.data
	.align 4
period:	.long 0
began:	.long 0
last:	.long 0
end:	.long 0
crowded:
	.long 0
ticks:	.long 0
early:	.long 0
late:	.long 0
counts:	.long 0

	.section .note.GNU-stack, "", @progbits
