/* disk.h - the file system on the disk; see disk.c */
#ifndef GUEST_OS_DISK_H
#define GUEST_OS_DISK_H

#include "fs.h"

/* The disk as blocks. */
const struct fs_store *disk_store(void);

/* The file system on it, mounted at the first call; NULL, and *error and *trouble say why not. */
struct fs *disk_fs(int *error, const char **trouble);

/* Make an empty one: 0, or a negative reason. */
int disk_format(void);

/* Write back what is not on the disk yet; nothing, if nothing is mounted.  0, or -EIO. */
int disk_sync(void);

#endif
