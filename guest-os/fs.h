/*
 * fs.h - a tiny file system; see fs.c
 *
 * On the disk, in blocks of 4 KiB, numbers with their lowest byte first:
 *
 *	block 0  superblock: struct fs_super
 *	      1  bitmap: bit n % 8 of byte n / 8 is set if block n is in use
 *	      2  inodes: FS_FILES of struct fs_inode
 *	      3  root directory: FS_FILES of struct fs_entry
 *	   4..7  the same four once more
 *	    8..  what is in the files
 *
 * The two sets take turns: fs_sync writes the one that is older, its superblock last.  The newer
 * one whose checksum is right counts, so a write that is cut off leaves the state of the sync
 *before.
 */
#ifndef GUEST_OS_FS_H
#define GUEST_OS_FS_H

#include "compiler.h"

#define FS_BLOCK PAGE_SIZE
#define FS_MAGIC 0x73666f6a65707365ull /* "espejofs" */
#define FS_VERSION 1
#define FS_SET 4		     /* blocks of a set */
#define FS_FIRST (2 * FS_SET)	     /* of the blocks for files */
#define FS_BLOCKS_MAX (8 * FS_BLOCK) /* what one bitmap can tell of; what is behind is not used */
#define FS_FILES 64
#define FS_NAME_MAX 60 /* with its zero */
#define FS_FILE_BLOCKS 14
#define FS_FILE_MAX (FS_FILE_BLOCKS * FS_BLOCK)

struct fs_super {
	u64 magic;
	u64 checksum;	/* of the whole set, with this member as 0 */
	u64 generation; /* counts the syncs; odd: blocks 4..7 */
	u32 version, blocks;
	u8 unused[FS_BLOCK - 32];
};
ASSERT_SIZE(struct fs_super, FS_BLOCK);

struct fs_inode {
	u32 used; /* 1, or 0: free */
	u32 size; /* in bytes; it has as many blocks as this needs */
	u32 block[FS_FILE_BLOCKS];
};
ASSERT_SIZE(struct fs_inode, FS_BLOCK / FS_FILES);

struct fs_entry {
	char name[FS_NAME_MAX]; /* empty: free */
	u32 inode;
};
ASSERT_SIZE(struct fs_entry, FS_BLOCK / FS_FILES);

/* Where the blocks are: each function returns 0 or a negative reason. */
struct fs_store {
	int (*read)(u64 block, void *page);
	int (*write)(u64 block, const void *page);
	int (*flush)(void);
	u64 blocks;
};

struct fs {
	const struct fs_store *store; /* NULL: not mounted */
	struct fs_super *super;	      /* these four: a page each, the current state */
	u8 *bitmap;
	struct fs_inode *inode;
	struct fs_entry *entry;
	u8 *committed; /* the bitmap of the last sync: its blocks must stay as they are */
	void *buffer;  /* a page for what is in between */
	bool dirty;    /* something is not on the disk yet */
};

/*
 * Take possession of a store.  0; -EUCLEAN: there is no file system on it, or a damaged one (why is
 * in *trouble); -EIO; -ENOMEM.
 */
int fs_mount(struct fs *fs, const struct fs_store *store, const char **trouble);

/* Make an empty file system on a store, and mount it.  0, -ENOSPC: too small, -EIO, -ENOMEM. */
int fs_format(struct fs *fs, const struct fs_store *store);

/* Forget it, without a sync. */
void fs_unmount(struct fs *fs);

/* Make everything survive: 0, or -EIO. */
int fs_sync(struct fs *fs);

/*
 * Replace a file's contents, or make a new one.  0; -EINVAL: no such name is possible; -EFBIG;
 * -ENOSPC: no room for another name or for the contents; -EIO.  Lasts from the next sync on.
 */
int fs_write(struct fs *fs, const char *name, const void *data, size_t size);

/* Read size bytes at most from an offset: how many they were; -ENOENT, -EIO. */
int fs_read(struct fs *fs, const char *name, u64 offset, void *data, size_t size);

/* Remove a file: 0, -ENOENT.  Lasts from the next sync on. */
int fs_remove(struct fs *fs, const char *name);

/* The n-th file's name and size; NULL behind the last. */
const char *fs_list(const struct fs *fs, unsigned n, u32 *size);

/* Blocks that a new file could have. */
u64 fs_free_blocks(const struct fs *fs);

#endif
