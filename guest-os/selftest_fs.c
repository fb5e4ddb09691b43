/*
 * selftest_fs.c - the file system, on a store in memory
 *
 * Owns: the store: some pages, which may be made to fail.
 */
#include "errno.h"
#include "fs.h"
#include "lib/string.h"
#include "page.h"
#include "selftest.h"

#define BLOCKS 24
#define DATA_BLOCKS (BLOCKS - FS_FIRST)
#define FRONT 32 /* bytes of a superblock that say something */

static u8 *block_at[BLOCKS];
static bool failing;
static struct fs fs;
static u8 *text; /* two pages in a row of what goes into files */

static int read_block(u64 block, void *page)
{
	if (failing || block >= BLOCKS)
		return -EIO;
	memcpy(page, block_at[block], FS_BLOCK);
	return 0;
}

static int write_block(u64 block, const void *page)
{
	if (failing || block >= BLOCKS)
		return -EIO;
	memcpy(block_at[block], page, FS_BLOCK);
	return 0;
}

static int flush(void)
{
	return failing ? -EIO : 0;
}

static const struct fs_store store = { read_block, write_block, flush, BLOCKS };

static void finish(void)
{
	failing = false;
	fs_unmount(&fs);
	for (unsigned i = 0; i < BLOCKS; i++)
		if (block_at[i])
			page_free(block_at[i]);
	memset(block_at, 0, sizeof(block_at));
}

/* A store with an empty file system, mounted. */
static bool begin(struct check *c)
{
	static u8 contents[2 * FS_BLOCK];
	bool complete = true;

	text = contents;
	for (u32 i = 0; i < sizeof(contents); i++)
		text[i] = (u8)(i * 7 + i / 256);
	for (unsigned i = 0; i < BLOCKS; i++) {
		block_at[i] = page_alloc();
		complete = complete && block_at[i];
	}
	expect_true(c, "pages", complete);
	if (complete)
		expect_equal(c, "mkfs", (u64)fs_format(&fs, &store), 0);
	if (c->what)
		finish();
	return !c->what;
}

static u64 mount_again(void)
{
	const char *trouble;

	fs_unmount(&fs);
	return (u64)fs_mount(&fs, &store, &trouble);
}

/* Is this file there with the first bytes of text, from `from` on? */
static void expect_file(struct check *c, const char *name, u32 from, u32 size)
{
	u8 *got = page_alloc();
	u32 listed = 0;

	if (!got || !fs.store) {
		expect_true(c, "a page and a file system", false);
		return;
	}
	for (u32 i = 0; fs_list(&fs, i, &listed) && strcmp(fs_list(&fs, i, &listed), name);)
		i++;
	expect_equal(c, "size", listed, size);
	for (u32 at = 0; at < size && !c->what; at += FS_BLOCK) {
		u32 n = MIN((u32)FS_BLOCK, size - at);

		expect_equal(c, "bytes", (u64)fs_read(&fs, name, at, got, FS_BLOCK), n);
		expect_equal(c, "difference", (u64)memcmp(got, text + from + at, n), 0);
	}
	page_free(got);
}

static void fresh_is_empty(struct check *c, const void *argument UNUSED)
{
	u32 size;

	if (!begin(c))
		return;
	expect_true(c, "no file", !fs_list(&fs, 0, &size));
	expect_equal(c, "free blocks", fs_free_blocks(&fs), DATA_BLOCKS);
	expect_equal(c, "mount", mount_again(), 0);
	expect_equal(c, "read", (u64)fs_read(&fs, "a", 0, &size, 1), (u64)-ENOENT);
	expect_equal(c, "remove", (u64)fs_remove(&fs, "a"), (u64)-ENOENT);
	finish();
}

static void files_last(struct check *c, const void *argument UNUSED)
{
	if (!begin(c))
		return;
	expect_equal(c, "write", (u64)fs_write(&fs, "a", text, 100), 0);
	expect_equal(c, "write", (u64)fs_write(&fs, "long", text, FS_BLOCK + 1), 0);
	expect_equal(c, "write", (u64)fs_write(&fs, "empty", text, 0), 0);
	expect_equal(c, "sync", (u64)fs_sync(&fs), 0);
	expect_equal(c, "mount", mount_again(), 0);
	expect_file(c, "a", 0, 100);
	expect_file(c, "long", 0, FS_BLOCK + 1);
	expect_file(c, "empty", 0, 0);
	finish();
}

static void replace_and_remove(struct check *c, const void *argument UNUSED)
{
	u32 size;

	if (!begin(c))
		return;
	for (u32 i = 0; i < 3 * DATA_BLOCKS; i++) {
		expect_equal(c, "write", (u64)fs_write(&fs, "a", text + i, FS_BLOCK + i), 0);
		expect_equal(c, "sync", (u64)fs_sync(&fs), 0);
	}
	expect_file(c, "a", 3 * DATA_BLOCKS - 1, FS_BLOCK + 3 * DATA_BLOCKS - 1);
	expect_equal(c, "free blocks", fs_free_blocks(&fs), DATA_BLOCKS - 2);
	expect_equal(c, "remove", (u64)fs_remove(&fs, "a"), 0);
	expect_equal(c, "sync", (u64)fs_sync(&fs), 0);
	expect_equal(c, "mount", mount_again(), 0);
	expect_true(c, "no file", !fs_list(&fs, 0, &size));
	expect_equal(c, "free blocks", fs_free_blocks(&fs), DATA_BLOCKS);
	finish();
}

/* What was not synced is lost, but nothing else is: not even contents written over since. */
static void crash_goes_back(struct check *c, const void *argument UNUSED)
{
	u32 size;

	if (!begin(c))
		return;
	fs_write(&fs, "a", text, 100);
	expect_equal(c, "sync", (u64)fs_sync(&fs), 0);
	for (u32 i = 0; i < 3; i++)
		expect_equal(c, "write", (u64)fs_write(&fs, "a", text + 200, 300), 0);
	fs_write(&fs, "b", text, 1);
	expect_equal(c, "mount", mount_again(), 0);
	expect_file(c, "a", 0, 100);
	expect_true(c, "one file", !fs_list(&fs, 1, &size));
	finish();
}

/* The newer set is damaged somewhere: the older one counts. */
static void cut_off_sync(struct check *c, const void *argument UNUSED)
{
	for (unsigned block = 0; block < FS_SET && begin(c); block++) {
		unsigned newer;

		fs_write(&fs, "a", text, 100);
		fs_sync(&fs);
		fs_write(&fs, "a", text + 1, 200);
		fs_sync(&fs);
		newer = fs.super->generation % 2;
		block_at[newer * FS_SET + block][FRONT - 1] ^= 1;
		expect_equal(c, "mount", mount_again(), 0);
		expect_file(c, "a", 0, 100);
		finish();
	}
}

static void damaged_superblock(struct check *c, const void *argument UNUSED)
{
	if (!begin(c))
		return;
	for (unsigned i = 0; i < FRONT; i++) {
		block_at[0][i] ^= 0x10;
		block_at[FS_SET][i] ^= 0x10;
		expect_equal(c, "mount", mount_again(), (u64)-EUCLEAN);
		block_at[0][i] ^= 0x10;
		block_at[FS_SET][i] ^= 0x10;
	}
	expect_equal(c, "mount at last", mount_again(), 0);
	finish();
}

static void bad_inode(void)
{
	fs.entry[0].inode = FS_FILES;
}

static void bad_name(void)
{
	memset(fs.entry[0].name, 'x', FS_NAME_MAX);
}

static void bad_size(void)
{
	fs.inode[0].size = FS_FILE_MAX + 1;
}

static void bad_block(void)
{
	fs.inode[0].block[0] = BLOCKS;
}

static void system_block(void)
{
	fs.inode[0].block[0] = 1;
}

static void shared_block(void)
{
	fs.inode[1].block[0] = fs.inode[0].block[0];
}

static void free_block(void)
{
	memset(fs.bitmap, 0, FS_BLOCK);
}

static void (*const damages[])(void) = { bad_inode,    bad_name,     bad_size,	bad_block,
					 system_block, shared_block, free_block };

/* Every checksum is right, but what they seal is impossible: a disk that somebody has made. */
static void impossible_contents(struct check *c, const void *argument UNUSED)
{
	for (unsigned i = 0; i < ARRAY_SIZE(damages) && begin(c); i++) {
		fs_write(&fs, "a", text, 100);
		fs_write(&fs, "b", text, 100);
		damages[i]();
		for (int sets = 0; sets < 2; sets++) {
			fs.dirty = true;
			expect_equal(c, "sync", (u64)fs_sync(&fs), 0);
		}
		expect_equal(c, "mount", mount_again(), (u64)-EUCLEAN);
		finish();
	}
}

static void limits(struct check *c, const void *argument UNUSED)
{
	char name[] = "file 0";

	if (!begin(c))
		return;
	expect_equal(c, "no name", (u64)fs_write(&fs, "", text, 1), (u64)-EINVAL);
	expect_equal(c, "a huge file", (u64)fs_write(&fs, "a", text, FS_FILE_MAX + 1), (u64)-EFBIG);
	for (unsigned i = 0; i < DATA_BLOCKS / 2; i++) {
		name[5] = (char)('a' + i);
		expect_equal(c, "write", (u64)fs_write(&fs, name, text, 2 * FS_BLOCK), 0);
	}
	expect_equal(c, "a full disk", (u64)fs_write(&fs, "b", text, 1), (u64)-ENOSPC);
	expect_file(c, "file a", 0, 2 * FS_BLOCK);
	expect_equal(c, "remove", (u64)fs_remove(&fs, "file a"), 0);
	expect_equal(c, "sync", (u64)fs_sync(&fs), 0);
	for (unsigned i = DATA_BLOCKS / 2; i < FS_FILES + 1; i++) {
		name[5] = (char)(' ' + 1 + i);
		expect_equal(c, "write", (u64)fs_write(&fs, name, text, 0), 0);
	}
	expect_equal(c, "too many files", (u64)fs_write(&fs, "b", text, 0), (u64)-ENOSPC);
	finish();
}

static void errors_told(struct check *c, const void *argument UNUSED)
{
	u8 byte;

	if (!begin(c))
		return;
	fs_write(&fs, "a", text, 100);
	failing = true;
	expect_equal(c, "read", (u64)fs_read(&fs, "a", 0, &byte, 1), (u64)-EIO);
	expect_equal(c, "write", (u64)fs_write(&fs, "b", text, 1), (u64)-EIO);
	expect_equal(c, "sync", (u64)fs_sync(&fs), (u64)-EIO);
	failing = false;
	expect_equal(c, "sync at last", (u64)fs_sync(&fs), 0);
	expect_equal(c, "free blocks", fs_free_blocks(&fs), DATA_BLOCKS - 1);
	failing = true;
	expect_equal(c, "mount", mount_again(), (u64)-EIO);
	failing = false;
	expect_equal(c, "mount at last", mount_again(), 0);
	expect_file(c, "a", 0, 100);
	finish();
}

static const struct selftest tests[] = {
	{ "file system: a new one is empty", fresh_is_empty, NULL },
	{ "file system: files are there after the next mount", files_last, NULL },
	{ "file system: blocks of old contents come back", replace_and_remove, NULL },
	{ "file system: without a sync, all is as at the last one", crash_goes_back, NULL },
	{ "file system: a sync that was cut off is forgotten", cut_off_sync, NULL },
	{ "file system: a damaged superblock is refused", damaged_superblock, NULL },
	{ "file system: impossible contents are refused", impossible_contents, NULL },
	{ "file system: its limits are told", limits, NULL },
	{ "file system: errors of the disk are told", errors_told, NULL },
};

const struct selftest_group selftest_fs = { tests, ARRAY_SIZE(tests) };
