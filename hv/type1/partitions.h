/*
 * partitions.h - how a disk is divided
 *
 * Owns: the layouts of MBR and GPT, read as bytes that nobody vouches for.
 * Must not know: disks; no hardware, so that it runs in a host test as well.
 *
 * Sources: UEFI 2.10, "Legacy Master Boot Record (MBR)" (5.2.1), "GUID Partition Table (GPT) Disk
 * Layout" (5.3).  Extended partitions (types 05h, 0Fh, 85h) are as DOS made them: no standard has
 * them.
 */
#ifndef ESPEJO_TYPE1_PARTITIONS_H
#define ESPEJO_TYPE1_PARTITIONS_H

#include "compiler.h"

#define PARTITIONS_MAX 32
#define PARTITIONS_SECTOR 512

struct partition {
	unsigned number; /* as in hd0p5: MBR 1..4, inside an extended one 5.., GPT 1.. */
	u64 first, count; /* sectors, inside the disk */
};

/* The disk as the parser sees it. */
struct partitions_disk {
	u64 sectors;
	/* Sector number sector into buf; false: it cannot be read. */
	bool (*read)(const struct partitions_disk *disk, u64 sector, u8 buf[PARTITIONS_SECTOR]);
};

/*
 * What the disk's table lists, as far as it lies inside the disk; how many, at most PARTITIONS_MAX.
 * Without a table, or with a damaged one: 0.
 */
unsigned partitions_read(const struct partitions_disk *disk, struct partition p[PARTITIONS_MAX]);

#endif
