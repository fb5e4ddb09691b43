/* shell_disk.h - the commands for the disk; see shell_disk.c */
#ifndef GUEST_OS_SHELL_DISK_H
#define GUEST_OS_SHELL_DISK_H

#include "types.h"

/* Each gets its words, the command's name first, and returns whether it did what was asked. */
bool shell_disk_mkfs(unsigned count, char **words);
bool shell_disk_ls(unsigned count, char **words);
bool shell_disk_cat(unsigned count, char **words);
bool shell_disk_write(unsigned count, char **words);
bool shell_disk_rm(unsigned count, char **words);
bool shell_disk_sync(unsigned count, char **words);

#endif
