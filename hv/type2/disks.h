/*
 * disks.h - the disks of the guest
 *
 * Owns: opening what the command line names, as the stores of a machine.
 * Must not know: how a file is read (file_store.h), what a guest does with it.
 */
#ifndef ESPEJO_TYPE2_DISKS_H
#define ESPEJO_TYPE2_DISKS_H

#include "type2/failure.h"
#include "type2/options.h"

/* False: why not.  What was opened then is closed by disks_close all the same. */
bool disks_open(const struct options *o, struct vm_config *config, struct failure *why);
/* The machine is gone. */
void disks_close(void);

#endif
