/* image.c - see image.h */
#include "type2/image.h"

#include <string.h>

#define LINUX_MAGIC_AT 0x202
#define BOOT_SIGNATURE_AT 510
#define MULTIBOOT_MAGIC 0x1badb002u
#define MULTIBOOT_SEARCH 8192
#define TAR_MAGIC_AT 257
#define TAR_NAME 100
#define VDI_MAGIC_AT 64

static bool has(const u8 *data, u64 size, u64 at, const void *magic, u64 len)
{
	return size >= at + len && !memcmp(data + at, magic, len);
}

/* A tar archive begins with a name of up to 100 bytes. */
static bool is_ovf(const u8 *data)
{
	for (unsigned i = 0; i + 4 <= TAR_NAME && data[i]; i++)
		if (!memcmp(data + i, ".ovf", 4))
			return true;
	return false;
}

const char *image_format(const u8 *data, u64 size)
{
	static const struct {
		const char *name, *magic;
		u8 len, at;
	} formats[] = {
		{ "QCOW2", "QFI\xfb", 4, 0 },
		{ "VMDK", "KDMV", 4, 0 },
		{ "VMDK", "# Disk DescriptorFile", 21, 0 },
		{ "VDI", "\x7f\x10\xda\xbe", 4, VDI_MAGIC_AT },
		{ "VHDX", "vhdxfile", 8, 0 },
		{ "VHD", "conectix", 8, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++)
		if (has(data, size, formats[i].at, formats[i].magic, formats[i].len))
			return formats[i].name;
	/* An OVA is a tar archive, whose first file describes it. */
	if (has(data, size, TAR_MAGIC_AT, "ustar", 5) && is_ovf(data))
		return "OVA";
	return NULL;
}

/* A header whose first three words sum to zero. */
static bool is_multiboot(const u8 *data, u64 size)
{
	u32 word[3];

	for (u64 at = 0; at + sizeof(word) <= MIN(size, (u64)MULTIBOOT_SEARCH); at += 4) {
		memcpy(word, data + at, sizeof(word));
		if (word[0] == MULTIBOOT_MAGIC && !(word[0] + word[1] + word[2]))
			return true;
	}
	return false;
}

enum image_kind image_kind(const u8 *data, u64 size)
{
	if (image_format(data, size))
		return IMAGE_OTHER_DISK;
	if (has(data, size, LINUX_MAGIC_AT, "HdrS", 4))
		return IMAGE_LINUX;
	if (is_multiboot(data, size))
		return IMAGE_MULTIBOOT;
	return has(data, size, BOOT_SIGNATURE_AT, "\x55\xaa", 2) ? IMAGE_DISK : IMAGE_UNKNOWN;
}
