/*
 * store.h - blocks that last: what a disk of a virtual machine is made of
 *
 * Owns: the promise of a block store, and requests to it.
 * Must not know: who asks (virtio_blk), who answers (a module in memory, a disk driver, a file).
 *
 * A store is an array of 512-byte sectors.  A request is submitted once and ends once, either
 * inside store_submit or later by done().  Requests in flight may end in any order, and a store may
 * work on them in any order; whoever needs one, waits.
 */
#ifndef ESPEJO_STORE_H
#define ESPEJO_STORE_H

#include "compiler.h"

#define STORE_SECTOR 512u
#define STORE_SEGMENTS_MAX 130

enum store_operation {
	STORE_READ,
	STORE_WRITE,
	STORE_FLUSH, /* what was written and has ended, lasts through a power failure at its end */
};

enum store_result {
	STORE_OK,
	STORE_ERROR, /* medium or driver failed: the cause was logged, with store and sector */
};

/* A piece of memory of ours, or of a guest's RAM; len is a multiple of a sector. */
struct store_segment {
	void *data;
	u32 len;
};

struct store;

struct store_request {
	u8 operation; /* enum store_operation */
	u8 result; /* enum store_result, when ended */
	u64 sector; /* first one; sector + all lengths must lie inside the store: else panic */
	struct store_segment segment[STORE_SEGMENTS_MAX];
	unsigned segments; /* 0 for FLUSH */
	/*
	 * It ended: called once, on any CPU, by nobody's vCPU, with no lock held (so it posts work:
	 * bus.h).  Not called if store_submit said that it ended.
	 */
	void (*done)(struct store_request *request);
	/* The store's own: */
	u64 at; /* sector, counted in the store beneath that does the work */
	struct store_request *next;
	struct store *store;
	void *private[4];
};

struct store_ops {
	bool (*submit)(struct store *store, struct store_request *request);
	/* Nobody uses it any more; requests in flight have ended.  May be NULL. */
	void (*close)(struct store *store);
};

struct store {
	const struct store_ops *ops;
	char name[24]; /* for messages and serial numbers: "hd0p1", "module 3" */
	u64 sectors;
	bool read_only; /* writes must not be submitted: panic */
	bool volatile_cache; /* FLUSH has something to do */
};

/*
 * Begin request.  True: it has ended already, result is set.  False: done() will be called.  The
 * caller keeps request and its memory until then.  Any lock may be held.
 */
bool store_submit(struct store *store, struct store_request *request) MUST_CHECK;
/* All requests have ended.  A store over another one leaves that one open. */
void store_close(struct store *store);

/* ---- For those who write stores -------------------------------------------------------------- */

/* The sum of the segments' lengths, in sectors. */
u64 store_request_sectors(const struct store_request *request);

/* Hand a request that was submitted to a part on to the store beneath, first sectors further. */
static inline bool store_forward(struct store *base, struct store_request *request, u64 first)
{
	request->at += first;
	return base->ops->submit(base, request);
}

/* Where in a request's segments one is. */
struct store_cursor {
	unsigned segment;
	u32 offset;
};

/* The piece at the cursor, at most most bytes, which the cursor then passes; 0: at the end. */
u32 store_piece(const struct store_request *request, struct store_cursor *cursor, u64 most,
		u8 **data);
/* Copy size bytes into the segments (a READ's) from the cursor on, or out of them (a WRITE's). */
void store_copy_in(const struct store_request *request, struct store_cursor *cursor,
		   const void *from, u64 size);
void store_copy_out(const struct store_request *request, struct store_cursor *cursor, void *to,
		    u64 size);

/* ---- Stores over memory and over other stores (store/) -------------------------------------- */

/* Memory of ours as a disk: size is cut to whole sectors.  NULL: memory is short. */
struct store *ram_store_new(const char *name, void *data, u64 size, bool read_only);

/*
 * What is written stays in memory pages and base is never changed: several machines share base.
 * At most limit bytes are kept, tables included; a write beyond ends as STORE_ERROR.  With as many
 * as base has, everything can be written.  NULL: memory is short.
 */
struct store *overlay_store_new(const char *name, struct store *base, u64 limit);
/* Bytes kept at the moment. */
u64 overlay_store_used(const struct store *store);

/* Sectors first..first+count-1 of base as a store of its own.  NULL: beyond base, or no memory. */
struct store *part_store_new(const char *name, struct store *base, u64 first, u64 count);

#endif
