/*
 * mptable.h - the MP table, for machines without ACPI
 *
 * Owns: its layout, seen as bytes nobody vouches for.  Must not know: ACPI.
 * Source: Intel, "MultiProcessor Specification" 1.4, "MP Configuration Table" (4).
 */
#ifndef ESPEJO_TYPE1_MPTABLE_H
#define ESPEJO_TYPE1_MPTABLE_H

#include "type1/acpi.h"

/* True: a table was found and lists CPUs; what it says is in *m (which has defaults). */
bool mptable_find(const struct physical *memory, struct acpi_machine *m);

#endif
