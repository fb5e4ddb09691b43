/*
 * pair.S - two programs, each written as if the machine were its own
 *
 * The command line ends with "left SEED", "right SEED" or "both SEED".  Each says its name and a
 * number
 * made of the seed, then waits by the machine's timer and says how long that took, a few times, and
 * switches the machine off.  One alone needs a machine: as a guest it has one.  Both together
 * share a bare
 * one, with nobody between: they take turns, at each access to a device, and know nothing of each
 * other.
 *
 * Sources: Multiboot Specification, "Machine state" (3.2); Intel 8254 data sheet, "Mode 0";
 * PC16550D data sheet.
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define INFO_COMMAND_LINE 16
#define COM1 0x3f8
#define LINE_CONTROL (COM1 + 3)
#define LINE_8BITS 3
#define LINE_STATUS (COM1 + 5)
#define HOLDING_EMPTY 0x20
#define ALL_SENT 0x40
#define TIMER_CHANNEL2 0x42
#define TIMER_CONTROL 0x43
#define TIMER_ONE_SHOT 0xb0 /* channel 2, low byte then high byte, mode 0 */
#define GATE_PORT 0x61
#define GATE_ON 1
#define TIMER_ENDED 0x20
#define EXIT_PORT 0xf4
#define BOCHS_PORT 0x8900 /* Bochs ends when it reads "Shutdown" here */
#define DIGITS 8
#define TICKS_PER_MS 1193

/* Where a program's own things are, from EBP. */
#define OTHER 0 /* the other program's; 0: there is none */
#define STACK 4 /* its ESP while the other one runs */
#define NUMBER 8
#define WAITS 12 /* how often, still */
#define TICKS 16 /* of the timer, each time */
#define NAME 20
#define NAME_SIZE 6

	.section .multiboot, "a"
	.align 4
	.long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

	.text
	.globl _start
_start:
	mov $left_stack, %esp
	cld
	mov INFO_COMMAND_LINE(%ebx), %esi
	mov %esi, %ebx
	call read_seed
	mov seed, %eax
	mov %eax, left + NUMBER
	imul $1664525, %eax, %eax
	add $1013904223, %eax
	mov %eax, right + NUMBER
	mov $left, %ebp
	mov $right_stack - 8, %ebx	/* for turn: EBP of right, then where it begins */
	movl $right, (%ebx)
	movl $program, 4(%ebx)
	mov %ebx, right + STACK
	cmpb $'l', word
	je program
	cmpb $'r', word
	jne 1f
	mov $right, %ebp
	jmp program
1:	movl $right, left + OTHER
	movl $left, right + OTHER
	/* Each of them, on a machine of its own. */
program:
	mov $LINE_CONTROL, %edx
	mov $LINE_8BITS, %al
	call put
	mov NUMBER(%ebp), %ebx
	call say
1:	call wait
	call say
	decl WAITS(%ebp)
	jnz 1b
	mov $LINE_STATUS, %edx
2:	in %dx, %al
	test $ALL_SENT, %al
	jz 2b
	mov $EXIT_PORT, %edx
	xor %eax, %eax
	call put
	mov $BOCHS_PORT, %edx
	mov $shutdown, %esi
2:	lodsb
	call put
	test %al, %al
	jnz 2b
	cli
3:	hlt
	jmp 3b

/* Until the timer has counted; EBX: how often it was asked. */
wait:
	mov $GATE_PORT, %edx
	mov $GATE_ON, %al
	call put
	mov $TIMER_CONTROL, %edx
	mov $TIMER_ONE_SHOT, %al
	call put
	mov $TIMER_CHANNEL2, %edx
	mov TICKS(%ebp), %al
	call put
	mov TICKS + 1(%ebp), %al
	call put
	xor %ebx, %ebx
1:	inc %ebx
	mov $GATE_PORT, %edx
	in %dx, %al
	call turn
	test $TIMER_ENDED, %al
	jz 1b
	ret

/* A line: the name, and EBX. */
say:
	lea NAME(%ebp), %esi
	mov $NAME_SIZE, %ecx
1:	lodsb
	call send
	loop 1b
	mov $DIGITS, %ecx
2:	rol $4, %ebx
	mov %bl, %al
	and $15, %al
	add $'0', %al
	cmp $'9', %al
	jbe 3f
	add $'a' - '0' - 10, %al
3:	call send
	loop 2b
	mov $'\n', %al
/* A byte to the serial line, which may still have one to send. */
send:
	mov %al, %ah
	mov $LINE_STATUS, %edx
5:	in %dx, %al
	test $HOLDING_EMPTY, %al
	jz 5b
	mov $COM1, %edx
	mov %ah, %al
put:
	out %al, %dx
	/* The other one's turn, if there is one: it goes on where it gave us ours. */
turn:
	cmpl $0, OTHER(%ebp)
	je 1f
	push %eax
	push %ebx
	push %ecx
	push %edx
	push %esi
	push $2f
	push %ebp
	mov %esp, STACK(%ebp)
	mov OTHER(%ebp), %ebp
	mov STACK(%ebp), %esp
	pop %ebp
	ret
2:	pop %esi
	pop %edx
	pop %ecx
	pop %ebx
	pop %eax
1:	ret

/* The last words of the text at ESI. */
read_seed:
	mov %esi, %edi
	xor %eax, %eax
	or $-1, %ecx
	repne scasb
	lea -1-DIGITS(%edi), %esi
	mov $DIGITS, %ecx
1:	lodsb
	or $0x20, %al		/* 'A' becomes 'a'; digits stay */
	sub $'0', %al
	cmp $10, %al
	jb 2f
	sub $'a' - '0' - 10, %al
2:	shll $4, seed
	or %al, seed
	loop 1b
	/* The word before: "left", "right" or "both"; its first letter is all that counts. */
	sub $2 + DIGITS, %esi
3:	mov (%esi), %al
	cmp %ebx, %esi
	je 4f
	dec %esi
	cmpb $' ', (%esi)
	jne 3b
4:	mov %al, word
	ret

	.data
	.align 4
left:
	.long 0, 0, 0, 3, 4 * TICKS_PER_MS
	.ascii "left  "
	.align 4
right:
	.long 0, 0, 0, 6, TICKS_PER_MS
	.ascii "right "
seed:
	.long 0
shutdown:
	.asciz "Shutdown"
word:
	.byte 0

	.bss
	.align 4
	.skip 256
left_stack:
	.skip 256
right_stack:

	.section .note.GNU-stack, "", @progbits
