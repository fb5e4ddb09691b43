/*
 * shell_disk.c - the commands for the disk
 *
 * Owns: what they say.  Must not know: how any of it is done (disk.c, fs.c).
 */
#include "shell_disk.h"

#include "disk.h"
#include "errno.h"
#include "lib/string.h"
#include "print.h"

#define TEXT_MAX 256

static const char *reason(int error)
{
	switch (-error) {
	case ENODEV:
		return "there is no disk";
	case ENOENT:
		return "no such file";
	case EINVAL:
		return "that can not be a name";
	case EFBIG:
		return "too large for a file";
	case ENOSPC:
		return "no room on the disk";
	case EROFS:
		return "the disk can not be written";
	case ENOMEM:
		return "no memory";
	default:
		return "the disk failed";
	}
}

/* Say what went wrong, if anything did; true: nothing. */
static bool judge(const char *command, const char *name, int error)
{
	if (error < 0)
		print("%s: %s%s%s\n", command, name, *name ? ": " : "", reason(error));
	return error >= 0;
}

static struct fs *mounted(const char *command)
{
	const char *trouble;
	int error;
	struct fs *fs = disk_fs(&error, &trouble);

	if (error == -EUCLEAN)
		print("%s: %s; mkfs makes a new one\n", command, trouble);
	else
		judge(command, "", error);
	return fs;
}

static bool named(unsigned count, char **words)
{
	if (count < 2)
		print("%s: which file?\n", words[0]);
	return count > 1;
}

bool shell_disk_mkfs(unsigned count UNUSED, char **words)
{
	return judge(words[0], "", disk_format());
}

bool shell_disk_ls(unsigned count UNUSED, char **words)
{
	const struct fs *fs = mounted(words[0]);
	const char *name;
	u32 size;

	if (!fs)
		return false;
	for (unsigned i = 0; (name = fs_list(fs, i, &size)); i++)
		print("%6u %s\n", size, name);
	print("%lu KiB free\n", (unsigned long)(fs_free_blocks(fs) * (FS_BLOCK / 1024)));
	return true;
}

bool shell_disk_cat(unsigned count, char **words)
{
	struct fs *fs = named(count, words) ? mounted(words[0]) : NULL;
	char text[TEXT_MAX];
	int n;

	if (!fs)
		return false;
	for (u64 at = 0; (n = fs_read(fs, words[1], at, text, sizeof(text))) > 0; at += (u64)n)
		print("%.*s", n, text);
	return judge(words[0], words[1], n);
}

/* The words, with a space between them and a line's end behind. */
static size_t join(unsigned count, char **words, char text[TEXT_MAX])
{
	size_t n = 0;

	for (unsigned i = 0; i < count; i++) {
		size_t length = MIN(strlen(words[i]), TEXT_MAX - 1 - n);

		memcpy(text + n, words[i], length);
		n += length;
		if (n < TEXT_MAX)
			text[n++] = i + 1 < count ? ' ' : '\n';
	}
	return n;
}

bool shell_disk_write(unsigned count, char **words)
{
	struct fs *fs = named(count, words) ? mounted(words[0]) : NULL;
	char text[TEXT_MAX];

	if (!fs)
		return false;
	return judge(words[0], words[1],
		     fs_write(fs, words[1], text, join(count - 2, words + 2, text)));
}

bool shell_disk_rm(unsigned count, char **words)
{
	struct fs *fs = named(count, words) ? mounted(words[0]) : NULL;

	return fs && judge(words[0], words[1], fs_remove(fs, words[1]));
}

bool shell_disk_sync(unsigned count UNUSED, char **words)
{
	return judge(words[0], "", disk_sync());
}
