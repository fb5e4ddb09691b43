/*
 * mmio.h - what boot.S, forms.S and mmio.c share
 *
 * Owns: selectors, the layout of a register record, how a form is described.
 * Must not know: instructions.
 */
#ifndef TESTS_MMIO_H
#define TESTS_MMIO_H

#define CODE 0x8000

#define SELECTORS(X) \
	X(SEL_CODE, 0x08) \
	X(SEL_DATA, 0x10) \
	X(SEL_OPERAND, 0x18) /* where the operands are: RAM, or the device */ \
	X(SEL_OTHER, 0x20) /* the same once more */ \
	X(SEL_TSS, 0x28) \
	X(SEL_LDT, 0x30) \
	X(SEL_TSS_FREE, 0x38) \
	X(SEL_ABSENT, 0x40) \
	X(SEL_EXECUTE_ONLY, 0x48) \
	X(SEL_CODE_USER, 0x50) \
	X(SEL_DATA_USER, 0x58) \
	X(SEL_GATE, 0x60) \
	X(SEL_CONFORMING, 0x68) \
	X(SEL_GATE_INWARDS, 0x70) \
	X(SEL_BEYOND, 0x200)

/* Symbols of the assembler, since the preprocessor does not look into strings. */
#ifdef __ASSEMBLER__
#define SELECTOR(name, value) .set name, value;
SELECTORS(SELECTOR)
#else
#define SELECTOR(name, value) name = value,
enum { SELECTORS(SELECTOR) };
#endif

#define TRAPS 64
#define USER_VECTOR 0x30

/* Offsets in `in` and `out`; general registers first, in the order of their numbers. */
#define R_FLAGS 32
#define R_CS 36
#define R_DS 40
#define R_ES 44
#define R_FS 48
#define R_GS 52
#define R_SS 56
#define R_LDTR 60
#define R_TR 64
#define R_CR0 68
#define R_VECTOR 72
#define R_ERROR 76
#define R_EIP 80
#define R_TRAP_FLAGS 84
#define R_STEPS 88
#define R_DR6 92
#define R_GDTR 96 /* 6 bytes */
#define R_IDTR 104
#define R_SIZE 112

/* What a form wants. */
#define STACK 1 /* its stack in the segment too, at 0x100 */
#define STEP 2 /* TF is set */
#define DOWN 4 /* DF is set */
#define SSE 8 /* CPUID says so: leave it out otherwise */

#endif
