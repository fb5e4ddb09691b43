/*
 * ram_store.c - memory as a disk: see store.h
 *
 * Owns: nothing but the handle; the memory is whose it was.  Every request ends at once.
 * Must not know: what is in it.
 */
#include "store.h"

#include "host.h"
#include "lib/fmt.h"

struct ram_store {
	struct store store;
	u8 *data;
};

static bool submit(struct store *store, struct store_request *request)
{
	u8 *at = container_of(store, struct ram_store, store)->data + request->at * STORE_SECTOR;
	u64 size = store_request_sectors(request) * STORE_SECTOR;
	struct store_cursor cursor = { 0 };

	if (request->operation == STORE_READ)
		store_copy_in(request, &cursor, at, size);
	else
		store_copy_out(request, &cursor, at, size);
	return true;
}

static void close(struct store *store)
{
	host_free(container_of(store, struct ram_store, store), sizeof(struct ram_store));
}

static const struct store_ops ops = { .submit = submit, .close = close };

struct store *ram_store_new(const char *name, void *data, u64 size, bool read_only)
{
	struct ram_store *ram = host_alloc(sizeof(*ram));

	if (!ram)
		return NULL;
	fmt_string(ram->store.name, sizeof(ram->store.name), "%s", name);
	ram->store.ops = &ops;
	ram->store.sectors = size / STORE_SECTOR;
	ram->store.read_only = read_only;
	ram->data = data;
	return &ram->store;
}
