/*
 * fs.c - a tiny file system
 *
 * Owns: everything within the blocks of a store; fs.h describes them.
 * Must not know: what the store is: a disk (disk.c), or memory in the self-test.
 *
 * Whatever is read from the store is looked at before it is used: a disk may come from anywhere.
 */
#include "fs.h"

#include "errno.h"
#include "lib/string.h"
#include "page.h"

/* Fowler, Noll, Vo: FNV-1a with 64 bits. */
#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

static bool bit(const u8 *bitmap, u32 n)
{
	return bitmap[n / 8] >> n % 8 & 1;
}

static void set_bit(u8 *bitmap, u32 n, bool value)
{
	bitmap[n / 8] = (u8)((bitmap[n / 8] & ~(1u << n % 8)) | (unsigned)value << n % 8);
}

static u32 blocks_of(u32 size)
{
	return (u32)(((u64)size + FS_BLOCK - 1) / FS_BLOCK);
}

/* The four pages of the set, in the order of the disk. */
static void *page_of(const struct fs *fs, unsigned n)
{
	void *const pages[FS_SET] = { fs->super, fs->bitmap, fs->inode, fs->entry };

	return pages[n];
}

static u64 checksum(const struct fs *fs)
{
	u64 sum = FNV_BASIS;

	for (unsigned n = 0; n < FS_SET; n++) {
		const u8 *page = page_of(fs, n);

		for (size_t i = 0; i < FS_BLOCK; i++) {
			size_t at = n * FS_BLOCK + i - offsetof(struct fs_super, checksum);
			bool own = at < sizeof(fs->super->checksum);

			sum = (sum ^ (own ? 0 : page[i])) * FNV_PRIME;
		}
	}
	return sum;
}

/* ---- Looking at a set before it is trusted ---- */

static const char *check_super(const struct fs *fs)
{
	const struct fs_super *s = fs->super;

	if (s->magic != FS_MAGIC)
		return "there is no file system";
	if (s->version != FS_VERSION)
		return "the file system has another version";
	if (s->blocks <= FS_FIRST || s->blocks > FS_BLOCKS_MAX || s->blocks > fs->store->blocks)
		return "the superblock claims an impossible size";
	if (s->checksum != checksum(fs))
		return "the checksum is wrong";
	return NULL;
}

/* Its blocks must be marked as used, and be nobody else's: seen is a bitmap of those met so far. */
static const char *check_inode(const struct fs *fs, const struct fs_inode *inode, u8 *seen)
{
	if (inode->size > FS_FILE_MAX)
		return "a file is too large";
	for (u32 i = 0; i < blocks_of(inode->size); i++) {
		u32 block = inode->block[i];

		if (block < FS_FIRST || block >= fs->super->blocks || !bit(fs->bitmap, block))
			return "a file has a block that is none";
		if (bit(seen, block))
			return "two files share a block";
		set_bit(seen, block, true);
	}
	return NULL;
}

static const char *check_files(const struct fs *fs)
{
	const char *trouble = NULL;
	bool named[FS_FILES] = { false };

	memset(fs->buffer, 0, FS_BLOCK);
	for (unsigned i = 0; !trouble && i < FS_FILES; i++) {
		const struct fs_entry *e = &fs->entry[i];

		if (!e->name[0])
			continue;
		if (e->name[FS_NAME_MAX - 1] || e->inode >= FS_FILES || !fs->inode[e->inode].used ||
		    named[e->inode])
			return "a directory entry is wrong";
		named[e->inode] = true;
		trouble = check_inode(fs, &fs->inode[e->inode], fs->buffer);
	}
	return trouble;
}

static int read_set(struct fs *fs, unsigned which, const char **trouble)
{
	int error = 0;

	for (unsigned n = 0; !error && n < FS_SET; n++)
		error = fs->store->read(which * FS_SET + n, page_of(fs, n));
	if (error)
		return error;
	*trouble = check_super(fs);
	if (!*trouble && fs->super->generation % 2 != which)
		*trouble = "a set lies where the other belongs";
	if (!*trouble)
		*trouble = check_files(fs);
	return *trouble ? -EUCLEAN : 0;
}

/* ---- Mounting ---- */

static int take_pages(struct fs *fs, const struct fs_store *store)
{
	*fs = (struct fs){ .store = store,
			   .super = page_alloc(),
			   .bitmap = page_alloc(),
			   .inode = page_alloc(),
			   .entry = page_alloc(),
			   .committed = page_alloc(),
			   .buffer = page_alloc() };
	if (fs->super && fs->bitmap && fs->inode && fs->entry && fs->committed && fs->buffer)
		return 0;
	fs_unmount(fs);
	return -ENOMEM;
}

void fs_unmount(struct fs *fs)
{
	void *const pages[] = { fs->super, fs->bitmap,	  fs->inode,
				fs->entry, fs->committed, fs->buffer };

	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		if (pages[i])
			page_free(pages[i]);
	*fs = (struct fs){ 0 };
}

int fs_mount(struct fs *fs, const struct fs_store *store, const char **trouble)
{
	const char *other;
	u64 generation;
	int error = take_pages(fs, store), odd_error;

	if (error)
		return error;
	odd_error = read_set(fs, 1, &other);
	generation = odd_error ? 0 : fs->super->generation;
	error = read_set(fs, 0, trouble);
	if (!odd_error && (error || generation > fs->super->generation))
		error = read_set(fs, 1, trouble);
	else if (error == -EUCLEAN && fs->super->magic != FS_MAGIC && odd_error == -EUCLEAN)
		*trouble = other; /* it may know more */
	if (error)
		fs_unmount(fs);
	else
		memcpy(fs->committed, fs->bitmap, FS_BLOCK);
	return error;
}

int fs_format(struct fs *fs, const struct fs_store *store)
{
	u64 blocks = MIN(store->blocks, (u64)FS_BLOCKS_MAX);
	int error = blocks > FS_FIRST ? take_pages(fs, store) : -ENOSPC;

	if (error)
		return error;
	*fs->super =
	    (struct fs_super){ .magic = FS_MAGIC, .version = FS_VERSION, .blocks = (u32)blocks };
	for (u32 n = 0; n < FS_FIRST; n++)
		set_bit(fs->bitmap, n, true);
	/* Twice: nothing may be left of what was there before, not even as the older set. */
	for (int i = 0; !error && i < 2; i++) {
		fs->dirty = true;
		error = fs_sync(fs);
	}
	if (error)
		fs_unmount(fs);
	return error;
}

/* Contents first, then the set, its superblock last: each behind a flush. */
int fs_sync(struct fs *fs)
{
	unsigned which = (fs->super->generation + 1) % 2;
	int error = fs->store->flush();

	if (!fs->dirty || error)
		return error;
	fs->super->generation++;
	fs->super->checksum = checksum(fs);
	for (unsigned n = FS_SET - 1; !error && n > 0; n--)
		error = fs->store->write(which * FS_SET + n, page_of(fs, n));
	if (!error)
		error = fs->store->flush();
	if (!error)
		error = fs->store->write(which * FS_SET, fs->super);
	if (!error)
		error = fs->store->flush();
	if (error) {
		fs->super->generation--;
		return error;
	}
	memcpy(fs->committed, fs->bitmap, FS_BLOCK);
	fs->dirty = false;
	return 0;
}

/* ---- Files ---- */

static struct fs_entry *find(const struct fs *fs, const char *name)
{
	for (unsigned i = 0; i < FS_FILES; i++)
		if (fs->entry[i].name[0] && !strcmp(fs->entry[i].name, name))
			return &fs->entry[i];
	return NULL;
}

/* A block that neither the current state uses nor the one that a crash would bring back. */
static u32 take_block(struct fs *fs)
{
	for (u32 n = FS_FIRST; n < fs->super->blocks; n++) {
		if (bit(fs->bitmap, n) || bit(fs->committed, n))
			continue;
		set_bit(fs->bitmap, n, true);
		return n;
	}
	return 0;
}

static void give_blocks(struct fs *fs, const struct fs_inode *inode)
{
	for (u32 i = 0; i < blocks_of(inode->size); i++)
		if (inode->block[i])
			set_bit(fs->bitmap, inode->block[i], false);
}

/* Contents go to the store at once, into fresh blocks. */
static int fill(struct fs *fs, struct fs_inode *inode, const u8 *data)
{
	for (u32 i = 0; i < blocks_of(inode->size); i++) {
		size_t n = MIN((size_t)FS_BLOCK, inode->size - i * FS_BLOCK);
		int error;

		inode->block[i] = take_block(fs);
		if (!inode->block[i])
			return -ENOSPC;
		memset(fs->buffer, 0, FS_BLOCK);
		memcpy(fs->buffer, data + i * FS_BLOCK, n);
		error = fs->store->write(inode->block[i], fs->buffer);
		if (error)
			return error;
	}
	return 0;
}

/* A free entry with a free inode, its name filled in; there are as many of both. */
static struct fs_entry *new_entry(struct fs *fs, const char *name)
{
	struct fs_entry *e = fs->entry;
	u32 inode = 0;

	while (e < fs->entry + FS_FILES && e->name[0])
		e++;
	while (inode < FS_FILES && fs->inode[inode].used)
		inode++;
	if (e == fs->entry + FS_FILES || inode == FS_FILES)
		return NULL;
	memset(e, 0, sizeof(*e));
	memcpy(e->name, name, strlen(name));
	e->inode = inode;
	return e;
}

int fs_write(struct fs *fs, const char *name, const void *data, size_t size)
{
	struct fs_inode inode = { .used = 1, .size = (u32)size };
	struct fs_entry *e = find(fs, name);
	int error;

	if (!name[0] || strlen(name) >= FS_NAME_MAX)
		return -EINVAL;
	if (size > FS_FILE_MAX)
		return -EFBIG;
	error = fill(fs, &inode, data);
	if (!error && !e) {
		e = new_entry(fs, name);
		error = e ? 0 : -ENOSPC;
	} else if (!error) {
		give_blocks(fs, &fs->inode[e->inode]);
	}
	if (error) {
		give_blocks(fs, &inode);
		return error;
	}
	fs->inode[e->inode] = inode;
	fs->dirty = true;
	return 0;
}

int fs_read(struct fs *fs, const char *name, u64 offset, void *data, size_t size)
{
	const struct fs_entry *e = find(fs, name);
	const struct fs_inode *inode;
	size_t done = 0;

	if (!e)
		return -ENOENT;
	inode = &fs->inode[e->inode];
	while (done < size && offset < inode->size) {
		u64 in_block = offset % FS_BLOCK;
		size_t n = MIN(size - done, (size_t)MIN(FS_BLOCK - in_block, inode->size - offset));
		int error = fs->store->read(inode->block[offset / FS_BLOCK], fs->buffer);

		if (error)
			return error;
		memcpy((u8 *)data + done, (u8 *)fs->buffer + in_block, n);
		done += n;
		offset += n;
	}
	return (int)done;
}

int fs_remove(struct fs *fs, const char *name)
{
	struct fs_entry *e = find(fs, name);

	if (!e)
		return -ENOENT;
	give_blocks(fs, &fs->inode[e->inode]);
	memset(&fs->inode[e->inode], 0, sizeof(struct fs_inode));
	memset(e, 0, sizeof(*e));
	fs->dirty = true;
	return 0;
}

const char *fs_list(const struct fs *fs, unsigned n, u32 *size)
{
	for (unsigned i = 0; i < FS_FILES; i++) {
		if (!fs->entry[i].name[0] || n--)
			continue;
		*size = fs->inode[fs->entry[i].inode].size;
		return fs->entry[i].name;
	}
	return NULL;
}

u64 fs_free_blocks(const struct fs *fs)
{
	u64 n = 0;

	for (u32 i = FS_FIRST; i < fs->super->blocks; i++)
		n += !bit(fs->bitmap, i);
	return n;
}
