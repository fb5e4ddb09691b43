/*
 * disks.h - the machine's disks by name, and who uses which part of them
 *
 * Owns: names, partitions, and the rule that nobody writes where another one reads or writes.
 * Must not know: drivers (they add stores), virtual machines (they are but a name here).
 *
 *   hd0             a whole disk
 *   hd0p1           a partition of it
 *   hd0:2048+4096   4096 sectors from sector 2048 on
 *
 * The boot CPU alone calls these; what is opened may be used and closed on any CPU.
 */
#ifndef ESPEJO_TYPE1_DISKS_H
#define ESPEJO_TYPE1_DISKS_H

#include "store.h"

struct fmt_sink;

#define DISKS_MAX 8
#define DISKS_OWNER_MAX 24

/* A driver's disk under its store's name, which has no ':' and no 'p'; description: its model. */
void disks_add(struct store *store, const char *description);

/* Read the partition tables; poll() lets the drivers work meanwhile.  Once, when all are added. */
void disks_read_partitions(void (*poll)(void));

/*
 * Open name for owner, to be read, or also to be written.  NULL with a sentence in error: there is
 * none, or it is in use (-HOST_ENOENT, -HOST_EBUSY, ... in *result).  store_close gives it back.
 */
struct store *disks_open(const char *name, bool write, const char *owner, int *result, char *error,
			 size_t size);

void disks_show(struct fmt_sink *sink);

#endif
