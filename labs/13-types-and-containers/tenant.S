/*
 * tenant.S - a guest that tries, one after another, what it has been given
 *
 * Its command line ends in eight hexadecimal digits, the key.  Ports, device memory and a
 * register of
 * the CPU keep the key and give it back; ROM must not; a clock must tick, for a CPU that works
 * and for one that
 * sleeps.  Each is a line.  Then it switches its machine off; with "!" behind the key, it falls
 * over.
 * A multiboot 1 kernel in 32-bit protected mode without paging: it runs on each type of
 * hypervisor, and bare.
 *
 * Source: Multiboot Specification, "Machine state" (3.2), "Boot information format" (3.3); Intel,
 * 8259A and 8254 data sheets; [APM] vol. 2 "Local APIC" (16), "Memory-Type Range Registers" (7.7).
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define INFO_CMDLINE 16
#define COM1 0x3f8
#define LINE_CONTROL (COM1 + 3)
#define LINE_8BITS 3 /* the UART starts with five */
#define EXIT_PORT 0xf4
#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define CMOS_FREE 0x60 /* four bytes that nobody needs */
#define APIC_INITIAL_COUNT 0xfee00380 /* of a timer whose interrupt is masked */
#define APIC_TASK_PRIORITY 0xfee00080
#define MSR_MTRR_PHYSBASE0 0x200
#define MTRR_ADDRESS 0xfffff000
#define ROM_BYTE 0xfffff800 /* below 4 GiB, where no chipset puts RAM in its place */
#define PIC_COMMAND 0x20
#define PIC_DATA 0x21
#define PIC_EOI 0x20
#define VECTOR_TIMER 0x20
#define PIT_COMMAND 0x43
#define PIT_DATA 0x40
#define PIT_RATE 0x34 /* counter 0, both bytes, rate generator */
#define PIT_1KHZ 1193
#define TICKS 3
#define DEAF_CYCLES 8000000 /* some ticks, on a CPU of up to 4 GHz */
#define CODE 8
#define DATA 16

	.section .multiboot, "a"
	.align 4
	.long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

	.text
	.globl _start
_start:
	lgdt gdtr
	ljmp $CODE, $1f
1:	mov $DATA, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $stack_end, %esp
	cld
	mov $LINE_CONTROL, %edx
	mov $LINE_8BITS, %al
	out %al, %dx
	mov INFO_CMDLINE(%ebx), %esi
	call read_key
	mov $s_key, %esi
	mov key, %eax
	call say_value

	mov $CMOS_FREE, %ebx
	mov $key, %esi
1:	mov %ebx, %eax
	out %al, $CMOS_INDEX
	lodsb
	out %al, $CMOS_DATA
	inc %ebx
	cmp $CMOS_FREE + 4, %ebx
	jne 1b
	mov $CMOS_FREE, %ebx
	mov $value, %edi
1:	mov %ebx, %eax
	out %al, $CMOS_INDEX
	in $CMOS_DATA, %al
	stosb
	inc %ebx
	cmp $CMOS_FREE + 4, %ebx
	jne 1b
	mov $s_ports, %esi
	mov value, %eax
	call say_value

	mov key, %eax
	mov %eax, APIC_INITIAL_COUNT
	movl $0, APIC_TASK_PRIORITY	/* lest what is read be what was written last */
	mov APIC_INITIAL_COUNT, %eax
	mov $s_memory, %esi
	call say_value

	mov $MSR_MTRR_PHYSBASE0, %ecx
	mov key, %eax
	and $MTRR_ADDRESS, %eax
	xor %edx, %edx
	wrmsr
	xor %eax, %eax
	rdmsr
	mov $s_msr, %esi
	call say_value

	xor %eax, %eax
	cpuid
	mov %ebx, vendor
	mov %edx, vendor + 4
	mov %ecx, vendor + 8
	mov $s_cpuid, %esi
	call say

	mov ROM_BYTE, %al
	mov %al, %bl
	not %bl
	mov %bl, ROM_BYTE
	mov $s_rom, %esi
	cmp ROM_BYTE, %al
	je 1f
	mov $s_no_rom, %esi
1:	call say

	call start_clock
	sti
1:	cmpl $TICKS, ticks	/* nothing here leaves the guest */
	jb 1b
	mov $s_busy, %esi
	call say
	cli
	mov ticks, %ebx
	rdtsc
	mov %eax, %esi
1:	rdtsc
	sub %esi, %eax
	cmp $DEAF_CYCLES, %eax
	jb 1b
	sti			/* what has come is delivered behind the next instruction */
	nop
	nop
	mov $s_deaf, %esi
	cmp ticks, %ebx
	jb 1f
	mov $s_lost, %esi
1:	call say
	mov ticks, %ebx
	add $TICKS, %ebx
1:	hlt
	cmp %ebx, ticks
	jb 1b
	cli
	mov $s_asleep, %esi
	call say

	cmpb $0, falls
	jne 1f
	mov $s_off, %esi
	call say
	xor %eax, %eax
	out %al, $EXIT_PORT	/* the machine ends, and says 0 */
1:	mov $s_falls, %esi
	call say
	lidt nothing
	int3			/* #BP, which has no gate: #GP, then #DF, then no way out */

/* ---- What the lines need -------------------------------------------------------------------- */

/* The last word of the text at ESI, as hexadecimal digits, to key; "!" behind them to falls. */
read_key:
	xor %ebx, %ebx
1:	lodsb
	test %al, %al
	jz 3f
	cmp $' ', %al
	jne 2f
	xor %ebx, %ebx
	jmp 1b
2:	cmp $'!', %al
	jne 2f
	movb $1, falls
	jmp 1b
2:	cmp $'a', %al
	jb 2f
	sub $'a' - '0' - 10, %al
2:	sub $'0', %al
	and $15, %eax
	shl $4, %ebx
	or %eax, %ebx
	jmp 1b
3:	mov %ebx, key
	ret

/* EAX in hexadecimal into the eight places at EDI. */
put_hex:
	mov $8, %ecx
1:	rol $4, %eax
	mov %eax, %ebx
	and $15, %ebx
	mov digits(%ebx), %bl
	mov %bl, (%edi)
	inc %edi
	loop 1b
	ret

/* The text at ESI, and behind it EAX and the end of the line. */
say_value:
	mov $number, %edi
	call put_hex
	call say
	mov $number, %esi

/* The text at ESI, in one instruction. */
say:
	mov %esi, %edi
	xor %eax, %eax
	mov $-1, %ecx
	repne scasb
	not %ecx
	dec %ecx
	mov $COM1, %edx
	rep outsb
	ret

start_clock:
	mov $timer, %eax
	mov %ax, gate_timer
	shr $16, %eax
	mov %ax, gate_timer + 6
	lidt idtr
	mov $0x11, %al		/* edge triggered, two of them, four words */
	out %al, $PIC_COMMAND
	mov $VECTOR_TIMER, %al
	out %al, $PIC_DATA
	mov $4, %al		/* the other one is at line 2 */
	out %al, $PIC_DATA
	mov $1, %al
	out %al, $PIC_DATA
	mov $0xfe, %al		/* line 0 alone */
	out %al, $PIC_DATA
	mov $PIT_RATE, %al
	out %al, $PIT_COMMAND
	mov $PIT_1KHZ & 255, %al
	out %al, $PIT_DATA
	mov $PIT_1KHZ >> 8, %al
	out %al, $PIT_DATA
	ret

timer:
	push %eax
	incl ticks
	mov $PIC_EOI, %al
	out %al, $PIC_COMMAND
	pop %eax
	iret

	.data
	.align 8
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff	/* CODE */
	.quad 0x00cf93000000ffff	/* DATA */
gdtr:
	.word gdtr - gdt - 1
	.long gdt
idtr:
	.word idt_end - idt - 1
	.long idt
nothing:
	.word 0
	.long 0
digits:
	.ascii "0123456789abcdef"
number:
	.asciz "........\n"
s_key:
	.asciz "tenant: the key is "
s_ports:
	.asciz "tenant: ports keep "
s_memory:
	.asciz "tenant: device memory keeps "
s_msr:
	.asciz "tenant: an MSR keeps "
s_cpuid:
	.ascii "tenant: CPUID says "
vendor:
	.asciz "............\n"
s_rom:
	.asciz "tenant: ROM stays as it was\n"
s_no_rom:
	.asciz "tenant: ROM can be written\n"
s_busy:
	.asciz "tenant: a clock interrupts who works\n"
s_deaf:
	.asciz "tenant: a clock waits for who does not listen\n"
s_lost:
	.asciz "tenant: a clock is not heard\n"
s_asleep:
	.asciz "tenant: a clock wakes who sleeps\n"
s_off:
	.asciz "tenant: off\n"
s_falls:
	.asciz "tenant: falls over\n"
	.align 8
idt:
	.fill VECTOR_TIMER, 8, 0
gate_timer:
	.word 0, CODE, 0x8e00, 0
idt_end:

	.bss
	.align 16
key:
	.skip 4
value:
	.skip 4
ticks:
	.skip 4
falls:
	.skip 4
	.skip 1024
stack_end:

	.section .note.GNU-stack, "", @progbits
