/*
 * definition.h - what a virtual machine shall be made of
 *
 * Owns: the struct that command lines (options.c), modules (modules.c) and the shell fill in and
 * guests.c starts machines from; areas of disks as text.
 * Must not know: where it came from, what is done with it.
 */
#ifndef ESPEJO_TYPE1_DEFINITION_H
#define ESPEJO_TYPE1_DEFINITION_H

#include "vm/load.h"
#include "vm/vm.h"

#define DEFINITION_FILES_MAX 16
#define DEFINITION_DISKS_MAX 4
#define DEFINITION_MEMORY_MIN MiB(2)
#define DEFINITION_MEMORY_MAX GiB(512)
#define DEFINITION_MAC_SIZE 6

/* What a file is for its VM. */
enum definition_role { ROLE_KERNEL, ROLE_INITRD, ROLE_DISK, ROLE_FIRMWARE, ROLE_MODULE };

/* A file beside the kernel. */
struct definition_file {
	u8 role; /* enum definition_role */
	bool cow; /* a disk: what its VM writes is kept apart, so others may have the file too */
	bool ro; /* a disk: its VM may not write */
	struct blob blob; /* its command line too */
};

/* A part of one of the machine's own disks. */
struct definition_disk {
	u8 drive; /* 0: hd0 */
	u8 partition; /* 1..; 0: the sectors that follow */
	u64 start, sectors; /* of 512 bytes */
};

struct guest_definition {
	struct vm_config config;
	struct blob kernel;
	const char *cmdline; /* the guest's */
	unsigned file_count, disk_count;
	struct definition_file file[DEFINITION_FILES_MAX]; /* as they were given */
	struct definition_disk disk[DEFINITION_DISKS_MAX]; /* behind those that are files */
	char net[VM_NAME_MAX]; /* the switch that it is plugged into; "": none */
	bool has_mac;
	u8 mac[DEFINITION_MAC_SIZE];
	bool tasksw; /* task switches by hardware work in it */
};

/*
 * Text of the form hdN:START+SECTORS or hdNpN; false: no area that a disk could have.  N from 0
 * for drives, from 1 for partitions.
 */
bool definition_disk_of(const char *text, struct definition_disk *disk);

/* Has it a disk that another VM must not have as well: one that it writes to, not cow? */
bool definition_owns_disk(const struct guest_definition *definition);

#endif
