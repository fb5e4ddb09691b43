/*
 * layout.h - addresses and selectors on which the census of instructions and its assembly agree
 *
 * Everything that a form may touch lies below 1 MiB, so that real mode reaches it.  Nobody else
 * does: the loader's words were read before.
 */
#ifndef CHECKER_ISA_LAYOUT_H
#define CHECKER_ISA_LAYOUT_H

#define ISA_SHOT 0x4000 /* struct isa_shot */
#define ISA_IVT_A 0x5000
#define ISA_IVT_B 0x5400
#define ISA_LOW 0x7000 /* the 16-bit part of shoot.S */
#define ISA_LOW_STACK 0x6f00
#define ISA_CODE 0x10000
#define ISA_DATA 0x20000
#define ISA_STACK 0x30000

/* Selectors.  The first four are those of the runtime (rt/layout.h). */
#define SEL_CS64 0x08
#define SEL_DS 0x10
#define SEL_CS32 0x18
#define SEL_USER_DS 0x23
#define SEL_USER_CS64 0x2b
#define SEL_USER_CS32 0x33
#define SEL_USER_CS16 0x3b
#define SEL_USER_DS16 0x43
#define SEL_USER_SS16 0x4b
#define SEL_LOW_CS 0x50
#define SEL_LOW_DS 0x58
#define SEL_TSS64_A 0x60
#define SEL_TSS64_B 0x70
#define SEL_TSS32_A 0x80
#define SEL_TSS32_B 0x88
#define SEL_LDT_A 0x90
#define SEL_LDT_B 0xa0
#define SEL_TEST_DATA 0xb3
#define SEL_TEST_CS64 0xb8
#define SEL_TEST_CS32 0xc0
#define SEL_TEST_CS16 0xc8
#define SEL_TEST_GATE 0xd3
#define SEL_TSS16 0xe3
#define SEL_ABSENT 0xeb
#define SEL_LEAVE 0xf0 /* a 32-bit TSS: no way leads into long mode with one of 16 bits */
#define GDT_SLOTS 31

/* How shoot_legacy enters the mode. */
#define ENTER_SUPERVISOR 0
#define ENTER_USER 1
#define ENTER_V86 2
#define ENTER_REAL 3

/* struct isa_shot */
#define SHOT_GPR 0
#define SHOT_RIP 128
#define SHOT_CS 136
#define SHOT_RFLAGS 144
#define SHOT_SS 152
#define SHOT_DS 160
#define SHOT_ES 168
#define SHOT_FS 176
#define SHOT_GS 184
#define SHOT_OUT 192 /* the same again, as it was left */
#define SHOT_VECTOR 384
#define SHOT_ERROR 392
#define SHOT_ENTER 400
#define SHOT_CR0 408
#define SHOT_LDTR 416
#define SHOT_TR 424
#define SHOT_GDTR 432
#define SHOT_IDTR 448
#define SHOT_MAIN_GDTR 464
#define SHOT_SEEN_CR0 480
#define SHOT_SEEN_CR3 488
#define SHOT_SEEN_CR4 496
#define SHOT_SEEN_LDTR 504
#define SHOT_SEEN_TR 512
#define SHOT_SEEN_GDTR 520
#define SHOT_SEEN_IDTR 536
#define SHOT_JUMP 552 /* offset and selector, for a far jump */
#define SHOT_SIZE 560

#endif
