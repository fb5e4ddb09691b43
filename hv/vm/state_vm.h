/*
 * state_vm.h - the state of a whole machine, as one saved form
 *
 * Owns: which sections a machine has and their order; the text in which they leave the hypervisor.
 * Must not know: back ends, hosts; who reads it (tools/state.c).
 *
 * The sections: MACHINE and CPUID; for each vCPU GPREGS, CPU, XSAVE, VCPU and its LAPIC; the other
 * devices; RAM and SCREEN; NAMES.  Of memory there is only a hash of each page that is not zero: so
 * a state can be compared with another one, not gone on with.
 *
 * Text has lines, numbers in hexadecimal:
 *	state-begin NAME LENGTH
 *	state OFFSET BYTES SUM		at most 48 bytes, and a sum of them
 *	state-end LENGTH SUM		of all bytes
 * A sum is FNV-1a of 32 bits, that of a line begun with its offset.
 */
#ifndef ESPEJO_VM_STATE_VM_H
#define ESPEJO_VM_STATE_VM_H

#include "vm/state.h"

struct fmt_sink;
struct vm;

/* 32-bit FNV-1a, begun with STATE_VM_SUM or with the sum of what came before. */
#define STATE_VM_SUM 2166136261u
u32 state_vm_sum(u32 sum, const void *data, size_t len);

/* vm is quiet (vm_is_quiet) and stays so; its lock is not held.  0, or -1 with buf->error set. */
int state_vm_save(struct vm *vm, struct state_buf *buf);

/* The same, into memory that is taken for it, and then as text.  NULL, or the sentence why not. */
const char *state_vm_print(struct vm *vm, struct fmt_sink *sink);

#endif
