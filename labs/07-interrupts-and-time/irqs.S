/*
 * irqs.S - in which order do interrupts come?
 *
 * Each scene makes a few sources ask, lets them in, and prints a letter for each handler that
 * began, in order; brackets stand around a time in which a handler let others in.  The command line
 * says which scenes: pic, lapic or cpu, then a word to be printed.
 *
 *   T  the PIT, IRQ 0      S  the UART, IRQ 4     C  the clock, IRQ 8, behind the cascade
 *   a b c  the LAPIC's vectors 0x41 0x51 0x61     L M  level-triggered ones     N  NMI
 */
#include "pc.h"

#define UART_IER (COM1 + 1)
#define UART_IIR (COM1 + 2)
#define UART_MCR (COM1 + 4)
#define LAPIC 0xfee00000
#define LAPIC_EOI (LAPIC + 0xb0)
#define LAPIC_ICR (LAPIC + 0x300)
#define LAPIC_LINT0 (LAPIC + 0x350)
#define IOAPIC 0xfec00000
#define UNTOUCHED 0x800000 /* of 16 MiB */
#define TO_SELF 0x40000
#define NMI_TO_SELF 0x40400
#define EXTINT 0x700
#define LEVEL 0x8000
#define MASKED 0x10000

.macro MASK first, second
	OUTB (PIC+1), \first
	OUTB (PIC2+1), \second
.endm

.macro IPI vector
	movl $(TO_SELF | \vector), LAPIC_ICR
.endm

/* Interrupts on for a while, and off. */
.macro LET_IN
	sti
	call wait
	cli
.endm

main:
	mov command, %esi
	mov (%esi), %al
	cmp $'p', %al
	je pic
	cmp $'l', %al
	je lapic
	jmp cpu

wait:
	mov $3000, %ecx
1:	loop 1b
	ret

/* ---- Sources ------------------------------------------------------------------ */

/* The PIT's mode 0: its output rises after 20 ticks, and stays. */
raise_t:
	OUTB 0x43, 0x30
	OUTB 0x40, 20
	OUTB 0x40, 0
	mov $1, %ah
	jmp until_asked

/* The UART can always send: it asks as soon as it may. */
raise_s:
	OUTB UART_IER, 0
	OUTB UART_MCR, 8
	OUTB UART_IER, 2
	ret

/* The clock's periodic interrupt, each 122 us until somebody reads register C. */
raise_c:
	OUTB 0x70, 0x0a
	OUTB 0x71, 0x23
	OUTB 0x70, 0x0b
	OUTB 0x71, 0x42
	OUTB 0x70, 0x0c
	in $0x71, %al
	mov $PIC2, %dx
	OUTB PIC2, 0x0a
1:	in $PIC2, %al
	test $1, %al
	jz 1b
	ret

until_asked:
	OUTB PIC, 0x0a
1:	in $PIC, %al
	test %ah, %al
	jz 1b
	ret

/* ---- Handlers ------------------------------------------------------------------- */

on_t:
	LOG T
	push %eax
	OUTB PIC, 0x20
	pop %eax
	iret

on_c:
	LOG C
	pusha
	OUTB 0x70, 0x0b
	OUTB 0x71, 0x02
	OUTB 0x70, 0x0c
	in $0x71, %al
	OUTB PIC2, 0x20
	OUTB PIC, 0x20
	popa
	iret

on_s:
	LOG S
	pusha
	mov $UART_IIR, %dx
	in %dx, %al
	mov inside, %eax
	movl $0, inside
	test %eax, %eax
	jz 1f
	LOG "("
	call *%eax
	LET_IN
	LOG ")"
1:	OUTB PIC, 0x20
	popa
	iret

/* ---- Scenes with the 8259s -------------------------------------------------------- */

pic:
	GATE 0x20, on_t
	GATE 0x24, on_s
	GATE 0x28, on_c

	call raise_s
	call raise_c
	call raise_t
	MASK 0xea, 0xfe
	LET_IN
	SAY priority

	movl $t_and_s, inside
	call raise_s
	LET_IN
	SAY nested

	MASK 0xfa, 0xff
	call raise_s
	LET_IN
	LOG "-"
	MASK 0xea, 0xff
	LET_IN
	SAY masked

	OUTB PIC, 0xc3		/* IRQ 3 is the lowest now, so 4 the highest */
	call raise_t
	call raise_s
	LET_IN
	movl $raise_t, inside
	call raise_s
	LET_IN
	SAY rotated

	movl $special, inside
	call raise_s
	LET_IN
	OUTB PIC, 0x48
	SAY special
	ret

t_and_s:
	call raise_t
	jmp raise_s

/* Special mask mode: who is in service, but masked, holds nobody back. */
special:
	OUTB PIC, 0x68
	MASK 0xfa, 0xff
	jmp raise_t

/* ---- Scenes with the LAPIC ---------------------------------------------------------- */

.macro HANDLER name, letter
\name:
	LOG \letter
	pusha
	mov inside_\letter, %eax
	movl $0, inside_\letter
	test %eax, %eax
	jz 1f
	LOG "("
	call *%eax
	LET_IN
	LOG ")"
1:	movl $0, LAPIC_EOI
	popa
	iret
	.pushsection .data
inside_\letter:
	.long 0
	.popsection
.endm
HANDLER on_a, a
HANDLER on_b, b
HANDLER on_d, c

/* The UART's line stays up while its interrupt is enabled and IIR was not read. */
on_level:
	LOG L
	pusha
	decl rounds
	jnz 1f
	OUTB UART_IER, 0
1:	movl $0, LAPIC_EOI
	popa
	iret

/* INTR of the 8259s, as a level at LINT0: up until the PIC has nothing to ask. */
on_lint0:
	LOG M
	pusha
	decl rounds
	jnz 1f
	MASK 0xff, 0xff
1:	movl $0, LAPIC_EOI
	popa
	iret

lapic_gates:
	GATE 0x41, on_a
	GATE 0x51, on_b
	GATE 0x61, on_d
	ret

lapic:
	call lapic_gates
	GATE 0x71, on_level
	GATE 0x72, on_lint0

	movl $a_and_c, inside_b
	IPI 0x51
	LET_IN
	SAY nested

	movl $c_then_b, inside_b
	IPI 0x51
	LET_IN
	SAY highest

	movl $0, LAPIC_EOI	/* nothing is in service: nothing happens */
	IPI 0x41
	LET_IN
	SAY nothing

	movl $2, rounds
	movl $(0x10 + 2 * 4 + 1), IOAPIC
	movl $0, IOAPIC + 0x10
	movl $(0x10 + 2 * 4), IOAPIC
	movl $(LEVEL | 0x71), IOAPIC + 0x10
	call raise_s
	LET_IN
	movl $(0x10 + 2 * 4), IOAPIC
	movl $MASKED, IOAPIC + 0x10
	SAY level

	movl $3, rounds
	movl $(LEVEL | 0x72), LAPIC_LINT0
	call raise_t
	MASK 0xfa, 0xff
	LET_IN
	movl $EXTINT, LAPIC_LINT0
	SAY lint0
	ret

a_and_c:
	IPI 0x41
	IPI 0x61
	ret

/* c comes, and ends, so it may come again; then b asks once more, and waits for the first b. */
c_then_b:
	IPI 0x61
	LET_IN
	IPI 0x61
	LET_IN
	IPI 0x51
	ret

/* ---- Scenes with the CPU ----------------------------------------------------------------- */

/* Before the instruction that it should come before? */
on_place:
	push %eax
	mov 4(%esp), %eax
	cmp place, %eax
	jne 1f
	LOG 1
1:	movl $0, LAPIC_EOI
	pop %eax
	iret

/* "!" if a's handler had begun already: this NMI came behind a, though before its letter. */
on_nmi:
	cmpl $on_a, (%esp)
	jne 1f
	LOG "!"
1:	LOG N
	pusha
	mov inside_n, %eax
	movl $0, inside_n
	test %eax, %eax
	jz 1f
	LOG "("
	call *%eax
	LOG ")"
1:	popa
	iret

/* Inside an NMI another one and an interrupt ask: the NMI waits for IRET, and is the first then. */
nmi_and_a:
	movl $NMI_TO_SELF, LAPIC_ICR
	IPI 0x41
	jmp wait

cpu:
	call lapic_gates
	GATE 2, on_nmi
	GATE 0x81, on_place
	GATE 0x20, on_t

	IPI 0x41
	IPI 0x61
	IPI 0x51
	call wait
	LOG "-"
	LET_IN
	SAY off

	movl $1f, place
	IPI 0x81
	sti
	nop
1:	nop
	cli
	movl $1f, place
	IPI 0x81
	sti			/* memory for the first time: an exit, and the same again */
	movl $0, UNTOUCHED
1:	nop
	cli
	SAY shadow

	movl $NMI_TO_SELF, LAPIC_ICR
	call wait
	SAY nmi

	movl $nmi_and_a, inside_n
	sti
	movl $NMI_TO_SELF, LAPIC_ICR
	call wait
	cli
	SAY both

	call raise_t		/* an interrupt of the 8259s beside one of the LAPIC */
	IPI 0x41
	MASK 0xfa, 0xff
	LET_IN
	SAY two

	mov $20, %ebp		/* what is asked for while interrupts are off: one exit each */
1:	IPI 0x41
	call wait
	sti
	nop
	cli
	dec %ebp
	jnz 1b
	SAY twenty
	ret

	.data
inside:	.long 0
place:	.long 0
inside_n:
	.long 0
rounds:	.long 0

	.section .note.GNU-stack, "", @progbits
