/*
 * native.h - an instruction on the CPU of the host, for comparison
 *
 * Owns: running a few bytes of 64-bit code with known registers, flags and memory.
 * Must not know: what is compared.  On hosts that are no x86-64 there is none.
 */
#ifndef ESPEJO_TESTS_UNIT_NATIVE_H
#define ESPEJO_TESTS_UNIT_NATIVE_H

#include "x86.h"

/* Memory for code at NATIVE_CODE, for data at NATIVE_DATA: low, so that 32-bit registers reach it.
 */
#define NATIVE_CODE 0x20000000ull
#define NATIVE_DATA 0x20010000ull
#define NATIVE_DATA_SIZE 0x10000ull

struct native {
	u64 r[REG_COUNT]; /* RSP is neither set nor told */
	u64 rflags;	  /* arithmetic flags and DF */
};

/* False: this host cannot. */
bool native_init(void);
/* Run one instruction that goes on behind itself.  False: it raised #DE. */
bool native_run(struct native *n, const u8 *bytes, unsigned len);

#endif
