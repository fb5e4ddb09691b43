/* smp.h - starting the other processors; see smp.c */
#ifndef GUEST_OS_SMP_H
#define GUEST_OS_SMP_H

#include "types.h"

/*
 * Find the other processors and start them, max in all at most; from then on they run processes.
 * Silent if there are none.
 */
void smp_init(unsigned max);

/* Where they were listed: "ACPI", "the MP table", or "nothing". */
const char *smp_source(void);

#endif
