/*
 * part_store.c - some sectors of a store as a store: see store.h
 *
 * Owns: the offset.  Must not know: what a partition is.
 */
#include "store.h"

#include "host.h"
#include "lib/fmt.h"

struct part_store {
	struct store store;
	struct store *base;
	u64 first;
};

static bool submit(struct store *store, struct store_request *request)
{
	const struct part_store *part = container_of(store, struct part_store, store);

	return store_forward(part->base, request, part->first);
}

static void close(struct store *store)
{
	host_free(container_of(store, struct part_store, store), sizeof(struct part_store));
}

static const struct store_ops ops = { .submit = submit, .close = close };

struct store *part_store_new(const char *name, struct store *base, u64 first, u64 count)
{
	struct part_store *part;

	if (first > base->sectors || count > base->sectors - first)
		return NULL;
	part = host_alloc(sizeof(*part));
	if (!part)
		return NULL;
	fmt_string(part->store.name, sizeof(part->store.name), "%s", name);
	part->store.ops = &ops;
	part->store.sectors = count;
	part->store.read_only = base->read_only;
	part->store.volatile_cache = base->volatile_cache;
	part->base = base;
	part->first = first;
	return &part->store;
}
