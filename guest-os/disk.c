/*
 * disk.c - the file system on the disk
 *
 * Owns: the one file system that is mounted.
 * Must not know: what is in its blocks (fs.c), how they get to the device (virtio_blk.c).
 */
#include "disk.h"

#include "errno.h"
#include "page.h"
#include "virtio_blk.h"

#define SECTORS (FS_BLOCK / DISK_SECTOR)

static struct fs mounted;

static int read_block(u64 block, void *page)
{
	return virtio_blk_read(block * SECTORS, page, FS_BLOCK);
}

static int write_block(u64 block, const void *page)
{
	return virtio_blk_write(block * SECTORS, page, FS_BLOCK);
}

const struct fs_store *disk_store(void)
{
	static struct fs_store store = { read_block, write_block, virtio_blk_flush, 0 };

	store.blocks = virtio_blk_sectors() / SECTORS;
	return &store;
}

struct fs *disk_fs(int *error, const char **trouble)
{
	*error = 0;
	*trouble = NULL;
	if (mounted.store)
		return &mounted;
	*error = virtio_blk_present() ? fs_mount(&mounted, disk_store(), trouble) : -ENODEV;
	return *error ? NULL : &mounted;
}

int disk_format(void)
{
	if (!virtio_blk_present())
		return -ENODEV;
	if (virtio_blk_read_only())
		return -EROFS;
	if (mounted.store)
		fs_unmount(&mounted);
	return fs_format(&mounted, disk_store());
}

int disk_sync(void)
{
	return mounted.store ? fs_sync(&mounted) : 0;
}
