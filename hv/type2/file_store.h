/*
 * file_store.h - a file, or a block device of the host, as a disk
 *
 * Owns: opening and locking images; the threads that read and write them.
 * Must not know: formats but raw bytes, guests.
 *
 * Requests are worked on by several threads, so that many are under way at once.  A flush ends when
 * the host's kernel says that what was written before is on the medium: fdatasync(2).
 *
 * An image is locked as a whole while it is open, so that no two processes write it (one writes
 * alone, many may read); the lock ends with the process, however that ends.  QEMU's own locks are
 * of the same kind.  Source: Linux, fcntl(2), "Open file description locks".
 */
#ifndef ESPEJO_TYPE2_FILE_STORE_H
#define ESPEJO_TYPE2_FILE_STORE_H

#include "store.h"
#include "type2/failure.h"

/* Open the raw image at path, whose name in messages will be name.  NULL: why not. */
struct store *file_store_open(const char *name, const char *path, bool read_only,
			      struct failure *why);

/* Threads for all stores; before the first request.  False: as threads_create. */
bool file_store_start_threads(unsigned count);

#endif
