/* plugs.c - see plugs.h */
#include "type1/plugs.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "net/switches.h"
#include "type1/disks.h"

/* ---- Disks ---------------------------------------------------------------------------------- */

static void close_one(struct plugs *plugs, unsigned n)
{
	if (plugs->disk[n])
		store_close(plugs->disk[n]);
	if (plugs->base[n])
		store_close(plugs->base[n]);
	plugs->disk[n] = plugs->base[n] = NULL;
}

/* A file in memory.  With cow it is never changed: it may be others' disk too. */
static int open_file(struct plugs *plugs, const struct definition_file *file, unsigned number)
{
	unsigned n = plugs->count;
	char name[sizeof(plugs->disk[n]->name)];
	/* Of those who may write into it, only its one owner has the cast's result. */
	void *data = (void *)(uintptr_t)file->blob.data;
	u64 bytes = ALIGN_DOWN(file->blob.size, STORE_SECTOR);
	struct store *store;

	fmt_string(name, sizeof(name), "vm%u-disk%u", number, n);
	store = ram_store_new(name, data, bytes, file->ro || file->cow);
	if (store && file->cow) {
		plugs->base[n] = store;
		store = overlay_store_new(name, store, bytes);
	}
	plugs->disk[n] = store;
	plugs->count++;
	return store ? 0 : -HOST_ENOMEM;
}

/* The name by which disks.h knows the area. */
static void name_area(const struct definition_disk *area, char *name, size_t size)
{
	if (area->partition)
		fmt_string(name, size, "hd%up%u", area->drive, area->partition);
	else
		fmt_string(name, size, "hd%u:%llu+%llu", area->drive,
			   (unsigned long long)area->start, (unsigned long long)area->sectors);
}

static int open_area(struct plugs *plugs, const struct definition_disk *area, const char *owner,
		     char *error, size_t size)
{
	char name[64], why[VM_CAUSE_MAX];
	int result;

	name_area(area, name, sizeof(name));
	plugs->disk[plugs->count] = disks_open(name, true, owner, &result, why, sizeof(why));
	if (plugs->disk[plugs->count++])
		return 0;
	fmt_string(error, size, "VM %s: disk=%s", owner, why);
	return result;
}

static int open_disks(struct plugs *plugs, const struct guest_definition *d, unsigned number,
		      char *error, size_t size)
{
	const char *name = d->config.name;
	int result = 0;

	for (unsigned i = 0; i < d->file_count && !result; i++) {
		const struct definition_file *file = &d->file[i];

		if (file->role != ROLE_DISK)
			continue;
		if (plugs->count == VM_MAX_DISKS || file->blob.size < STORE_SECTOR) {
			fmt_string(error, size, "VM %s: %s", name,
				   plugs->count == VM_MAX_DISKS ? "too many disks" :
								  "a disk without a sector");
			return -HOST_EINVAL;
		}
		result = open_file(plugs, file, number);
		if (result)
			fmt_string(error, size, "VM %s: not enough memory for its disk", name);
	}
	for (unsigned i = 0; i < d->disk_count && !result; i++) {
		if (plugs->count == VM_MAX_DISKS) {
			fmt_string(error, size, "VM %s: too many disks", name);
			return -HOST_EINVAL;
		}
		result = open_area(plugs, &d->disk[i], name, error, size);
	}
	return result;
}

/* ---- Networks ------------------------------------------------------------------------------- */

/* Locally administered; the last two bytes are the guest's number. */
static void make_mac(u8 mac[LINK_MAC], unsigned number)
{
	static const u8 ours[LINK_MAC] = { 0x52, 0x54, 0x00, 0xe5, 0x00, 0x00 };

	memcpy(mac, ours, LINK_MAC);
	mac[4] = (u8)(number >> 8);
	mac[5] = (u8)number;
}

static int open_net(const struct guest_definition *d, unsigned number, struct vm_config *config,
		    char *error, size_t size)
{
	config->net = NULL;
	if (!d->net[0])
		return 0;
	config->net = switches_get(d->net);
	if (!config->net) {
		fmt_string(error, size, "VM %s: net=%s: there are %u other switches already",
			   d->config.name, d->net, SWITCHES_MAX);
		return -HOST_EINVAL;
	}
	if (d->has_mac)
		memcpy(config->mac, d->mac, LINK_MAC);
	else
		make_mac(config->mac, number);
	return 0;
}

int plugs_open(struct plugs *plugs, const struct guest_definition *definition, unsigned number,
	       struct vm_config *config, char *error, size_t size)
{
	int result = 0;

	if (!plugs->open) {
		plugs->open = true;
		result = open_disks(plugs, definition, number, error, size);
	}
	if (!result)
		result = open_net(definition, number, config, error, size);
	if (result) {
		plugs_close(plugs);
		return result;
	}
	config->disks = plugs->count;
	memcpy(config->disk, plugs->disk, sizeof(plugs->disk));
	return 0;
}

void plugs_close(struct plugs *plugs)
{
	for (unsigned n = 0; n < plugs->count; n++)
		close_one(plugs, n);
	memset(plugs, 0, sizeof(*plugs));
}
