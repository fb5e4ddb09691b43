/*
 * xsave.h - a guest's FPU and vector registers, where nobody may touch those of the CPU
 *
 * Owns: the layout of the XSAVE area, as far as emulation reads and writes it.
 * Must not know: back ends, which fill the area and load it (STATE_XSAVE); instructions.
 *
 * The hypervisor uses general registers only, so a vector register of a guest is either in the
 * CPU or in vcpu->xsave.  Each function here fetches the area if it is stale; one that writes
 * makes what it wrote the guest's.  That costs a save and a load of all of it: for rare things.
 *
 * Sources: [SDM] vol. 1 "Managing State Using the XSAVE Feature Set" (13), "XSAVE Area" (13.4);
 * "The MMX State and MMX Register Set" (vol. 3, 12.2).
 */
#ifndef ESPEJO_VM_XSAVE_H
#define ESPEJO_VM_XSAVE_H

#include "types.h"

struct vcpu;

#define XSAVE_XMM_SIZE 16
#define XSAVE_YMM_SIZE 32

/*
 * The low bytes (16, or 32 where the guest has AVX) of vector register n, 0..15.  Writing 16
 * leaves the upper half alone unless told to clear it, as VEX-encoded instructions do.
 */
void xsave_read_vector(struct vcpu *v, unsigned n, void *to, unsigned size);
void xsave_write_vector(struct vcpu *v, unsigned n, const void *from, unsigned size,
			bool clear_upper);

/*
 * MMX register n, 0..7.  Any access makes the FPU's registers MMX's: TOP 0, none empty.
 */
u64 xsave_read_mmx(struct vcpu *v, unsigned n);
void xsave_write_mmx(struct vcpu *v, unsigned n, u64 value);

struct state_buf;

/* The XSAVE section of a saved state: every register, also where the area says "initial". */
void xsave_save(struct vcpu *v, struct state_buf *buf);

/* Protection keys of user pages; 0 (all may) where there is no such register. */
u32 xsave_pkru(struct vcpu *v);

#endif
