/* definition.c - see definition.h */
#include "type1/definition.h"

#include "lib/string.h"
#include "type1/words.h"

#define DRIVES_MAX 4 /* two channels of two: hd0 to hd3 */
#define PARTITIONS_MAX 128 /* a GPT's usual number */
#define SECTORS_LIMIT BIT(48) /* what ATA can address */
#define MAC_GROUP BIT(0) /* of the first byte: many receivers, so no card's own */

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

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 'a' - 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool definition_mac_of(const char *text, u8 mac[DEFINITION_MAC_SIZE])
{
	u8 any = 0;

	for (unsigned i = 0; i < DEFINITION_MAC_SIZE; i++, text += 3) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i < DEFINITION_MAC_SIZE - 1 ? ':' : '\0'))
			return false;
		mac[i] = (u8)(high << 4 | low);
		any |= mac[i];
	}
	return any && !(mac[0] & MAC_GROUP);
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
