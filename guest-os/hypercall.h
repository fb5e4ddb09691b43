/*
 * hypercall.h - calls to the hypervisor, where one is announced that takes them
 *
 * Owns: finding the form of them that works.  Must not know: what they are for.
 */
#ifndef GUEST_OS_HYPERCALL_H
#define GUEST_OS_HYPERCALL_H

#include "types.h"

#define HYPERCALL_PORT 0xec
#define HYPERCALL_VERSION 0
#define HYPERCALL_UNKNOWN (~0ull)

/* Does CPUID name a hypervisor whose calls these are? */
bool hypercall_present(void);

/* Call it: by VMMCALL or VMCALL, whichever is answered, else by the port.  What it returns. */
u64 hypercall(u64 number);

/* The same by the port, which is answered everywhere. */
u64 hypercall_by_port(u64 number);

#endif
