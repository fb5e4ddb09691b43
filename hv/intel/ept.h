/*
 * ept.h - how an entry of the extended page tables looks
 *
 * Owns: nothing but the way to ask for it.  Must not know: the tree (paging/nested.h).
 */
#ifndef ESPEJO_INTEL_EPT_H
#define ESPEJO_INTEL_EPT_H

#include "paging/nested.h"

/* Entry makers for a CPU with these capabilities (MSR_VMX_EPT_VPID_CAP). */
void ept_format(struct nested_format *format, u64 capabilities);

#endif
