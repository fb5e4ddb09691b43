/* layout.h - selectors and sizes on which C and assembly must agree */
#ifndef EVENTS_LAYOUT_H
#define EVENTS_LAYOUT_H

#define SEL_CODE 0x08
#define SEL_DATA 0x10
#define SEL_CODE32 0x18
#define SEL_USER_DATA 0x23
#define SEL_USER_CODE 0x2b
#define SEL_TSS 0x30

#define STACK_SIZE 0x8000

#endif
