/*
 * store.c - what all stores have in common
 *
 * Owns: the checks of a request, and walking over its segments.
 * Must not know: any store.
 */
#include "store.h"

#include "host.h"
#include "lib/string.h"

u64 store_request_sectors(const struct store_request *request)
{
	u64 bytes = 0;

	for (unsigned i = 0; i < request->segments; i++)
		bytes += request->segment[i].len;
	return bytes / STORE_SECTOR;
}

/* Whoever asks has looked at what a guest wanted: what is wrong here is a bug of ours. */
static void check_request(const struct store *store, const struct store_request *request)
{
	u64 sectors = store_request_sectors(request);

	check(request->operation <= STORE_FLUSH && request->done);
	check(request->segments <= STORE_SEGMENTS_MAX);
	for (unsigned i = 0; i < request->segments; i++)
		check(request->segment[i].data && request->segment[i].len &&
		      request->segment[i].len % STORE_SECTOR == 0);
	if (request->operation == STORE_FLUSH)
		check(!request->segments);
	else if (request->sector > store->sectors || sectors > store->sectors - request->sector)
		panic("%s: %llu sectors at %llu do not lie in %llu", store->name,
		      (unsigned long long)sectors, (unsigned long long)request->sector,
		      (unsigned long long)store->sectors);
	check(request->operation != STORE_WRITE || !store->read_only);
}

bool store_submit(struct store *store, struct store_request *request)
{
	check_request(store, request);
	request->store = store;
	request->result = STORE_OK;
	request->at = request->sector;
	if (request->operation == STORE_FLUSH ? !store->volatile_cache : !request->segments)
		return true;
	return store->ops->submit(store, request);
}

void store_close(struct store *store)
{
	if (store && store->ops->close)
		store->ops->close(store);
}

u32 store_piece(const struct store_request *request, struct store_cursor *cursor, u64 most,
		u8 **data)
{
	const struct store_segment *segment = &request->segment[cursor->segment];
	u32 len;

	if (cursor->segment >= request->segments)
		return 0;
	len = (u32)MIN(most, (u64)segment->len - cursor->offset);
	*data = (u8 *)segment->data + cursor->offset;
	cursor->offset += len;
	if (cursor->offset == segment->len)
		*cursor = (struct store_cursor){ .segment = cursor->segment + 1 };
	return len;
}

void store_copy_in(const struct store_request *request, struct store_cursor *cursor,
		   const void *from, u64 size)
{
	const u8 *at = from;
	u8 *data;

	while (size) {
		u32 len = store_piece(request, cursor, size, &data);

		check(len);
		memcpy(data, at, len);
		at += len;
		size -= len;
	}
}

void store_copy_out(const struct store_request *request, struct store_cursor *cursor, void *to,
		    u64 size)
{
	u8 *at = to, *data;

	while (size) {
		u32 len = store_piece(request, cursor, size, &data);

		check(len);
		memcpy(at, data, len);
		at += len;
		size -= len;
	}
}
