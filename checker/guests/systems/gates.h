/*
 * gates.h - addresses and selectors on which the C and the assembly of the system parts agree
 *
 * The first selectors are those of the runtime (rt/layout.h).
 */
#ifndef CHECKER_GATES_H
#define CHECKER_GATES_H

#define SEL_LDT 0x40 /* 16 bytes */
#define SEL_USER_CS32 0x53
#define SEL_TSS32 0x58
#define SEL_TSS_DF 0x60
#define SEL_GATE 0x68
#define SEL_TEST 0x70 /* 16 bytes */
#define SEL_CALL 0x80 /* 16 bytes */
#define GDT_BYTES 0x90
/* In the LDT: its first descriptor, for user mode. */
#define SEL_IN_LDT 0x07

#define SPACE_USER 0x8000000000
#define SPACE_USER_APIC 0x8000001000
#define SPACE_FREE_SLOT 5

/* struct space_shot */
#define SHOT_RIP 0
#define SHOT_CS 8
#define SHOT_RFLAGS 16
#define SHOT_RSP 24
#define SHOT_SS 32
#define SHOT_RAX 40
#define SHOT_RCX 48
#define SHOT_RDX 56
#define SHOT_RBX 64
#define SHOT_RSI 72
#define SHOT_RDI 80

/* struct legacy, struct legacy_shot */
#define LEGACY_CR0 0
#define LEGACY_CR3 4
#define LEGACY_CR4 8
#define LEGACY_EFER 12
#define LEGACY_LDT 16
#define LEGACY_COUNT 20
#define LEGACY_SHOT 24
#define L_EIP 0
#define L_CS 4
#define L_EFLAGS 8
#define L_ESP 12
#define L_SS 16
#define L_EAX 20
#define L_EDX 24
#define L_ESI 28
#define L_EDI 32
#define L_FLUSH 36
#define L_EDIT 40
#define L_EDIT_SIZE 16
#define L_VECTOR 88
#define L_ERROR 92
#define L_CR2 96
#define L_AT 100
#define L_AT_CS 104
#define L_AT_EFLAGS 108
#define L_AT_ESP 112
#define L_SIZE 116

#endif
