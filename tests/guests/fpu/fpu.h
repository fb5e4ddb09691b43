/*
 * fpu.h - the ways to load and save FPU state that this CPU has
 *
 * Owns: what CPUID says of XSAVE, and one function for each of its instructions.
 * Must not know: rounds.
 */
#ifndef TESTS_FPU_H
#define TESTS_FPU_H

#include "rt.h"

#include "lib/fmt.h"

#define FPU_AREA 4096 /* more than any component that a guest is shown reaches */
#define FPU_HEADER 512
#define FPU_COMPONENTS 32

enum fpu_form { FPU_FXSAVE, FPU_XSAVE, FPU_XSAVEOPT, FPU_XSAVEC, FPU_XSAVES, FPU_FORMS };

extern const char *const fpu_form_name[FPU_FORMS];
extern u64 fpu_xcr0_all; /* 0: there is no XSAVE */
extern u32 fpu_mxcsr_mask;
extern bool fpu_has_in_use; /* XGETBV with ECX 1 */
extern struct fpu_component {
	u32 size, offset; /* 0: XCR0 cannot have it */
} fpu_component[FPU_COMPONENTS];

/* Switch the FPU and XSAVE on; XCR0 is then all that there is. */
void fpu_init(void);

/* The forms that there are, in turn. */
enum fpu_form fpu_form_of(unsigned round);

/* All that XCR0 has, from a 64-byte aligned standard area; FXRSTOR without XSAVE. */
void fpu_load(const u8 *area);
void fpu_save(enum fpu_form form, u8 *area);

/*
 * Say where XSAVEC and XSAVES put the upper halves of the YMM registers when x87 and SSE state is
 * in its first configuration, and what comes back from there.
 */
void fpu_layout(void);

#endif
