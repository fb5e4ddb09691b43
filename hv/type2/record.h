/*
 * record.h - the last exits of a guest, in a file
 *
 * Owns: the file, and writing what the trace rings hold.
 * Must not know: who reads it: tools/trace-json, as it reads the Type 1's `trace-dump`.
 */
#ifndef ESPEJO_TYPE2_RECORD_H
#define ESPEJO_TYPE2_RECORD_H

#include "type2/failure.h"

struct vm;

/* Make the file, before we lock ourselves in. */
bool record_open(const char *path, struct failure *why);
/* If it was opened: all that vm's rings hold.  No vCPU runs.  False: it cannot be written. */
bool record_write(const struct vm *vm);

#endif
