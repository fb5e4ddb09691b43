/*
 * program_table.S - the user programs, as ELF files inside the kernel's constants
 *
 * The table is of struct program (program.h) and ends with a name of zero.  The files
 * come from user/, built before this; guest-os.mk gives their folder as include path.
 */
	.macro PROGRAM name
	.section .rodata.programs, "a"
	.balign 16
program_\name:
	.incbin "\name\().elf"
program_\name\()_end:
program_\name\()_name:
	.asciz "\name"
	.section .rodata.program_table, "a"
	.quad program_\name\()_name, program_\name, program_\name\()_end
	.endm

	.section .rodata.program_table, "a"
	.balign 8
	.globl program_table
program_table:
	PROGRAM counter
	PROGRAM sieve
	PROGRAM walker
	PROGRAM faulter
	PROGRAM asker
	PROGRAM tester
	PROGRAM worker
	.quad 0, 0, 0

	.section .note.GNU-stack, "", @progbits
