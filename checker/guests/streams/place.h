/*
 * place.h - addresses and selectors on which C, assembly and the generator of cases agree
 *
 * Owns: where a case's code and data lie, the arena from which it is entered and to which it traps,
 * the selectors that it may load.
 * Must not know: what is in a case.
 *
 * A case has an address space of its own: a window of ten pages at STREAM_WINDOW and, far away from
 * any number that it is likely to make up, the arena.  Nothing else is mapped, so that no store of
 * a case at CPL 0 can reach the probe.
 */
#ifndef CHECKER_STREAMS_PLACE_H
#define CHECKER_STREAMS_PLACE_H

#define STREAM_WINDOW 0x60000000 /* below 2 GiB: an absolute operand of 32 bits reaches it */
#define STREAM_CODE STREAM_WINDOW
#define STREAM_CODE_PAGES 2
#define STREAM_DATA (STREAM_WINDOW + 0x3000) /* a hole before it, and one behind it */
#define STREAM_DATA_PAGES 4
#define STREAM_PAGES (STREAM_CODE_PAGES + STREAM_DATA_PAGES)
#define STREAM_DEVICE (STREAM_WINDOW + 0x20000) /* the local APIC's registers, if at all */
#define STREAM_DEVICE_PAGE 2 /* the data page that may be VGA memory instead */
#define STREAM_TPR (STREAM_DEVICE + 0x80) /* [SDM] "Task and Processor Priorities" (11.8.3.1) */

/* The arena, linked low with the probe, is seen here too; the last slot of the PML4. */
#define STREAM_ARENA 0xffffff8000000000
#define STREAM_ARENA_PAGES 16

/* Offsets in the arena. */
#define ARENA_SAVE 0x4000
#define ARENA_GDT 0x5000
#define ARENA_LDT 0x5800
#define ARENA_IDT 0x6000       /* every vector on a stack of its own kind */
#define ARENA_IDT_PLAIN 0x7000 /* most on the stack of the moment */
#define ARENA_TSS 0x8000
#define ARENA_TSS_OTHER 0x8100
#define ARENA_STACKS 0x9000 /* of 512 bytes each, tops at + 512 n */
#define ARENA_STACK_SIZE 512
#define ARENA_STACK_RSP0 8
#define ARENA_STACK_SYSENTER 9

/* The GDT: as the runtime's, and more. */
#define SEL_KERNEL_64 0x08
#define SEL_KERNEL_DATA 0x10
#define SEL_KERNEL_32 0x18
#define SEL_USER_DATA 0x23
#define SEL_USER_64 0x2b
#define SEL_TSS 0x30
#define SEL_USER_32 0x43
#define SEL_SMALL 0x4b /* data from STREAM_DATA on, of two pages */
#define SEL_DOWN 0x53  /* expand-down */
#define SEL_ABSENT 0x5b
#define SEL_READ_ONLY 0x63
#define SEL_CONFORMING 0x68
#define SEL_LDT 0x70
#define SEL_GATE 0x83
#define SEL_TSS_OTHER 0x90
#define SEL_USER_16 0xab
#define SEL_ABSENT_CODE 0xb3
#define SEL_GATE_KERNEL 0xc0 /* DPL 0 */
#define SEL_GATE_ABSENT 0xd3
#define SEL_LDT_DATA 0x0f
#define SEL_LDT_CODE 0x17
#define STREAM_GDT_ENTRIES 28
#define STREAM_LDT_ENTRIES 4

/* Vectors beyond the IDT's: other ways to leave user mode. */
#define VECTOR_SYSCALL 0x100
#define VECTOR_SYSCALL_32 0x101
#define VECTOR_SYSENTER 0x102
#define STREAM_STUBS 0x103
#define STREAM_STUB_SIZE 32

/* INT of these is for everybody, of those behind them there is no gate. */
#define VECTOR_OPEN 0x60
#define VECTOR_MISSING 0x70

#define PORT_SCRATCH 0x3ff /* a byte that the first UART keeps */

/* What the stubs save, words from ARENA_SAVE on. */
#define SAVE_GPRS 0
#define SAVE_FRAME 16 /* RIP, CS, RFLAGS, RSP, SS: what IRETQ takes */
#define SAVE_VECTOR 21
#define SAVE_STACK 22 /* RSP as the stub found it */
#define SAVE_CR3 23
#define SAVE_BUSY 24 /* a trap is being looked at */
#define SAVE_HOST_RSP 25
#define SAVE_HOST_CR3 26
#define SAVE_CR2 27

#endif
