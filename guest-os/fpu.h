/* fpu.h - the registers of x87, SSE and AVX; see fpu.c */
#ifndef GUEST_OS_FPU_H
#define GUEST_OS_FPU_H

#include "types.h"

/* Allow user mode to use them, on this processor. */
void fpu_init(void);

/* Fill a page with the state that a process starts with. */
void fpu_fresh(void *page);

void fpu_save(void *page);
void fpu_restore(const void *page);

/* The state components in use: XCR0's bits, or x87 and SSE where there is no XSAVE. */
u64 fpu_components(void);

#endif
