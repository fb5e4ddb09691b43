/*
 * generate.h - a case out of two numbers
 *
 * Owns: random states, random streams of instructions, what must not be in them.
 * Must not know: how a case is run.
 *
 * The same numbers give the same case in the probe and on the host, on every CPU.
 *
 * What a case may not do, because the probe would be lost:
 *	- run for ever: no unit jumps backwards; random bytes get no backward branch
 *	- at CPL 0: HLT, MWAIT, random bytes, ports with a life of their own, LGDT and LIDT of
 *	  tables that do not serve traps; LTR and LLDT in 32-bit mode (Bochs takes half of the base)
 *	- LOCK BTS of a register: ends QEMU 7.2
 *	- the FPU's arithmetic on VGA memory, and events on a stack there: no software does that
 *
 * Because two bare runs would differ, or bare and virtual may:
 *	- time, random numbers: what RDTSC, RDRAND return is overwritten at once
 *	- CPUID leaves with features that a hypervisor may hide; for that, and for time, only random
 *	  bytes end in a page without code: a unit is not left in its middle
 *	- flags that BT and its like leave undefined; CMPXCHG8B inside a block: on QEMU they come of
 *	  what it translated together, and so on exits
 *	- RCL and RCR of memory, of which QEMU loses the flags if it faults, now and then; SETcc
 *	  likewise
 *	- on QEMU, STI in the shadow of another STI or of MOV SS, which is one more shadow only
 *	  behind an exit
 *	- bits 3 to 0 of DR6 that were written, and BT: the next #DB may clear them
 *	- pages whose PTE became illegal as EFER.NXE was cleared, while the TLB knows them
 *	- SYSENTER into the kernel: in compatibility mode QEMU, which should refuse it as AMD does,
 *	  makes a CS with both L and D, and its VMRUN does not take that back
 *	- on QEMU, with a device: #SS(0), which is #GP(0) there, and far calls out of user mode to
 *	  code of its level, whose pushes are a supervisor's there
 *	- VM instructions of AMD at CPL 3: in a guest EFER.SVME is set, and the CPU looks at the CPL
 *	  before an intercept: #GP, not #UD; [APM] vol. 2 "Intercept Operation" (15.7)
 *	- FXRSTOR of an illegal MXCSR: what Bochs has loaded by then is put right (run.c)
 *	- RDPMC, which is #UD on QEMU; dwords of absent ports that are not aligned there
 */
#ifndef CHECKER_STREAMS_GENERATE_H
#define CHECKER_STREAMS_GENERATE_H

#include "case.h"
#include "dice.h"

/* What a case is mostly made of; the kind of case n is n modulo their number. */
#define STREAM_KINDS(X)                                                                            \
	X(KERNEL, "kernel")		  /* CPL 0, 64-bit */                                      \
	X(USER, "user")			  /* CPL 3, 64-bit */                                      \
	X(COMPATIBILITY, "compatibility") /* CPL 3 or 0, 32-bit */                                 \
	X(STEP, "step")			  /* TF, breakpoints */                                    \
	X(INTERRUPT, "interrupt")	  /* an interrupt waits; shadows */                        \
	X(EXIT, "exit")			  /* CPL 0, what hypervisors intercept */                  \
	X(DEVICE, "device")		  /* ports, and memory that is a device */                 \
	X(RAW, "raw")			  /* CPL 3, random bytes with prefixes */

enum stream_kind {
#define X(id, name) KIND_##id,
	STREAM_KINDS(X)
#undef X
	    KIND_COUNT
};

const char *generate_kind_name(unsigned kind);
/*
 * The emulator is QEMU, which checks neither segments nor alignment, so that a hypervisor which
 * emulates an instruction does better: no such instructions where it would show.
 */
extern bool generate_lenient;
/* Case number index of that seed. */
void generate_case(struct stream_case *c, u64 seed, u64 index);

/* A unit that can stand in a case of this kind, with this state; forms.c. */
void forms_unit(struct case_unit *unit, struct dice *d, enum stream_kind kind,
		const struct stream_case *c);
/* Likewise, in the device's page mostly. */
u64 forms_in_device(struct dice *d);
/* A port without a life of its own. */
u16 forms_port(struct dice *d);
/* An address in the window, near the border of a page more often than not. */
u64 forms_address(struct dice *d);
/*
 * One for a breakpoint.  QEMU ends itself where the delivery of a #DB meets one, so there it is
 * none on what lies below stack, where events go that have no stack of their own.
 */
u64 forms_watched(struct dice *d, u64 stack);

#endif
