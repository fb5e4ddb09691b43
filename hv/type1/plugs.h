/*
 * plugs.h - what a guest's machine is plugged into: its disks and its network
 *
 * Owns: the stores that are open for a guest, made from its definition.
 * Must not know: devices, drivers.
 *
 * The boot CPU alone calls these.
 */
#ifndef ESPEJO_TYPE1_PLUGS_H
#define ESPEJO_TYPE1_PLUGS_H

#include "type1/definition.h"

/* Open for one guest.  A disk of its own in memory keeps what was written until it is closed. */
struct plugs {
	struct store *disk[VM_MAX_DISKS];
	struct store *base[VM_MAX_DISKS]; /* what an overlay lies over; else NULL */
	unsigned count;
	bool open;
};

/*
 * Open what the definition of guest number names and write it into config; what is open already
 * stays.  0, or negative with a sentence in error, and nothing is open.
 */
int plugs_open(struct plugs *plugs, const struct guest_definition *definition, unsigned number,
	       struct vm_config *config, char *error, size_t size);
/* No machine uses them any more. */
void plugs_close(struct plugs *plugs);

#endif
