/*
 * layout.h - addresses and selectors on which C and assembly must agree
 *
 * Physical memory is mapped one to one up to 4 GiB; RT_WINDOW is a page that rt_window points
 * anywhere.
 */
#ifndef CHECKER_RT_LAYOUT_H
#define CHECKER_RT_LAYOUT_H

#define RT_CS 0x08
#define RT_DS 0x10
#define RT_CS32 0x18 /* compatibility mode */
#define RT_USER_DS 0x23 /* DPL 3, and where SYSRET expects them */
#define RT_USER_CS 0x2b
#define RT_TSS 0x30
#define RT_WINDOW 0x8000000000 /* the second slot of the PML4 */
#define RT_STACK 0x4000

/* struct rt_frame: from RAX on, then what the CPU pushed. */
#define RT_FRAME_REGS 120

#endif
