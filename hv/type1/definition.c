/* definition.c - see definition.h */
#include "type1/definition.h"

#include "lib/string.h"
#include "type1/words.h"

#define DRIVES_MAX 4 /* two channels of two: hd0 to hd3 */
#define PARTITIONS_MAX 128 /* a GPT's usual number */
#define SECTORS_LIMIT BIT(48) /* what ATA can address */

/* START+SECTORS */
static bool sectors_of(const char *text, struct definition_disk *disk)
{
	return words_take_number(&text, &disk->start) && *text++ == '+' &&
	       words_number(text, &disk->sectors) && disk->sectors &&
	       disk->sectors <= SECTORS_LIMIT && disk->start <= SECTORS_LIMIT - disk->sectors;
}

bool definition_disk_of(const char *text, struct definition_disk *disk)
{
	u64 drive, partition;

	memset(disk, 0, sizeof(*disk));
	if (strncmp(text, "hd", 2))
		return false;
	text += 2;
	if (!words_take_number(&text, &drive) || drive >= DRIVES_MAX)
		return false;
	disk->drive = (u8)drive;
	if (*text == ':')
		return sectors_of(text + 1, disk);
	if (*text != 'p' || !words_number(text + 1, &partition) || !partition ||
	    partition > PARTITIONS_MAX)
		return false;
	disk->partition = (u8)partition;
	return true;
}

bool definition_owns_disk(const struct guest_definition *definition)
{
	for (unsigned i = 0; i < definition->file_count; i++) {
		const struct definition_file *file = &definition->file[i];

		if (file->role == ROLE_DISK && !file->cow && !file->ro)
			return true;
	}
	return definition->disk_count;
}
