/* disks.c - see disks.h */
#include "type2/disks.h"

#include "lib/fmt.h"
#include "type2/file_store.h"

static struct store *base[VM_MAX_DISKS], *overlay[VM_MAX_DISKS];
static unsigned count;

/* What a copy-on-write disk keeps in memory: no more than is left beside the guest's. */
static u64 room_for_changes(const struct store *store, u64 guest_memory)
{
	u64 total, reserved, used;

	host_memory(&total, &reserved, &used);
	total -= MIN(total, reserved + guest_memory);
	return MIN(store->sectors * STORE_SECTOR, total / 2);
}

static bool open_one(const struct options_disk *disk, u64 guest_memory, struct failure *why)
{
	unsigned n = count++;
	char name[sizeof(base[n]->name)];

	fmt_string(name, sizeof(name), "disk%u", n);
	base[n] = file_store_open(name, disk->path, disk->mode != DISK_WRITE, why);
	if (!base[n] || disk->mode != DISK_COPY_ON_WRITE)
		return base[n];
	overlay[n] = overlay_store_new(name, base[n], room_for_changes(base[n], guest_memory));
	return overlay[n] || failure_set(why, FAILURE_OS, "%s: memory is short", disk->path);
}

bool disks_open(const struct options *o, struct vm_config *config, struct failure *why)
{
	for (unsigned i = 0; i < o->disks; i++) {
		if (!open_one(&o->disk[i], o->memory, why))
			return false;
		config->disk[config->disks++] = overlay[i] ? overlay[i] : base[i];
	}
	return true;
}

void disks_close(void)
{
	for (unsigned i = 0; i < count; i++) {
		store_close(overlay[i]);
		store_close(base[i]);
	}
	count = 0;
}
