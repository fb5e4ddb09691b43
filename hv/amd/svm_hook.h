/*
 * svm_hook.h - the one thing that AMD-V asks of the host beyond host.h
 *
 * A host that can, sets it before cpu_on of the boot CPU.
 */
#ifndef ESPEJO_AMD_SVM_HOOK_H
#define ESPEJO_AMD_SVM_HOOK_H

#include "compiler.h"

/*
 * Make an interrupt pending at this CPU, which runs with interrupts off: an IPI to itself, whose
 * handler does nothing.  False: it cannot.  Used to find out whether this CPU lets our
 * interrupts through while a guest has its own switched off (virt_ops.kick_needs_nmi), and to
 * come back from a guest right after an event was delivered to it.
 */
extern bool (*svm_pend_interrupt)(void);

#endif
