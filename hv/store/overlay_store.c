/*
 * overlay_store.c - copy on write: see store.h
 *
 * Owns: the clusters that were written, in pages found by a radix tree, and the requests that wait
 * for each other or for base.
 * Must not know: what base is, who writes.
 *
 * A request is a job, which goes on cluster by cluster until it must wait:
 *
 * - A read takes what was written from its pages, and each run of what was not from base.
 * - A write that covers a cluster takes a page for it.  One that covers it in part has base's
 *   cluster read into the page first; meanwhile the cluster is being filled, and other writes to it
 *   wait, for what they wrote would be lost under the old contents.  Reads need not: until a write
 *   has ended, the old contents are right as well.
 *
 * Locking: the overlay's lock is taken before base's; nobody's done() is called with it.
 */
#include "store.h"

#include "host.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define CLUSTER PAGE_SIZE
#define CLUSTER_SECTORS (CLUSTER / STORE_SECTOR)
#define TABLE_SHIFT 9
#define TABLE_ENTRIES (1u << TABLE_SHIFT)
#define TABLE_LEVELS_MAX 6
#define NO_LIMIT (~0ull)
ASSERT_SIZE(void *[TABLE_ENTRIES], PAGE_SIZE);

struct job;

struct overlay {
	struct store store;
	struct store *base;
	struct host_lock lock;
	void **root;
	unsigned levels;
	u64 used, limit; /* bytes in pages */
	bool told; /* that it is full */
	struct job *filling; /* jobs whose cluster is being filled */
	struct job *waiting, **waiting_end; /* writes that wait for one of them, oldest first */
};

struct job {
	struct overlay *overlay;
	struct store_request *request; /* whom all this is for */
	struct store_cursor cursor;
	u64 at, end; /* sectors: how far it is, and where it ends */
	u8 *page; /* being filled; NULL: a read */
	u64 cluster; /* that one */
	struct job *next;
	struct store_request base; /* what base is asked */
};
_Static_assert(sizeof(struct job) <= PAGE_SIZE, "a job is one small object");

/* ---- The tree ------------------------------------------------------------------------------- */

static unsigned entry_of(u64 cluster, unsigned level)
{
	return (unsigned)(cluster >> level * TABLE_SHIFT) & (TABLE_ENTRIES - 1);
}

static u8 *find(const struct overlay *o, u64 cluster)
{
	void **table = o->root;

	for (unsigned level = o->levels - 1; level && table; level--)
		table = table[entry_of(cluster, level)];
	return table ? table[entry_of(cluster, 0)] : NULL;
}

/* One more page within the limit. */
static void *take_page(struct overlay *o)
{
	void *page = o->limit - o->used >= PAGE_SIZE ? host_alloc_pages(0) : NULL;

	if (page)
		o->used += PAGE_SIZE;
	return page;
}

static void give_page(struct overlay *o, void *page)
{
	if (page) {
		host_free_pages(page, 0);
		o->used -= PAGE_SIZE;
	}
}

/* The tables to cluster, made if need be; NULL: no room.  Returns the entry for its page. */
static void **make_entry(struct overlay *o, u64 cluster)
{
	void **table = o->root;

	for (unsigned level = o->levels - 1; level; level--) {
		void **entry = (void **)&table[entry_of(cluster, level)];

		if (!*entry)
			*entry = take_page(o);
		if (!*entry)
			return NULL;
		table = *entry;
	}
	return &table[entry_of(cluster, 0)];
}

/* A page for a cluster that has none, not in the tree yet, but there is a place for it. */
static u8 *new_page(struct overlay *o, u64 cluster)
{
	u8 *page = make_entry(o, cluster) ? take_page(o) : NULL;

	if (!page && !o->told)
		host_log("%s: sector %llu cannot be written: %s, with %llu KiB of changes",
			 o->store.name, (unsigned long long)(cluster * CLUSTER_SECTORS),
			 o->limit - o->used < PAGE_SIZE ? "the limit is reached" :
							  "memory is short",
			 (unsigned long long)o->used / 1024);
	o->told |= !page;
	return page;
}

static void free_tree(struct overlay *o, void **table, unsigned level)
{
	for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
		if (table[i] && level)
			free_tree(o, table[i], level - 1);
		else
			give_page(o, table[i]);
	}
	give_page(o, table);
}

/* ---- Jobs ----------------------------------------------------------------------------------- */

static void base_done(struct store_request *request);

static struct job *new_job(struct overlay *o, struct store_request *request)
{
	struct job *job = host_alloc(sizeof(*job));

	if (!job)
		return NULL;
	job->overlay = o;
	job->request = request;
	job->at = request->at;
	job->end = request->at + store_request_sectors(request);
	job->base.done = base_done;
	return job;
}

static bool being_filled(const struct overlay *o, u64 cluster)
{
	const struct job *job = o->filling;

	while (job && job->cluster != cluster)
		job = job->next;
	return job;
}

static void unlink_filling(struct overlay *o, struct job *job)
{
	struct job **link = &o->filling;

	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
}

/* Sectors from at to the end of its cluster, or to end. */
static u64 within_cluster(u64 at, u64 end)
{
	return MIN(end - at, CLUSTER_SECTORS - at % CLUSTER_SECTORS);
}

/* The next run of a read that base has, as base's request. */
static void ask_base(struct job *job)
{
	struct store_cursor cursor = job->cursor;
	u64 end = job->at;
	u8 *data;
	u32 len;

	while (end < job->end && !find(job->overlay, end / CLUSTER_SECTORS))
		end += within_cluster(end, job->end);
	job->base.operation = STORE_READ;
	job->base.sector = job->at;
	job->base.segments = 0;
	while (job->at < end) {
		len = store_piece(job->request, &cursor, (end - job->at) * STORE_SECTOR, &data);
		job->base.segment[job->base.segments++] = (struct store_segment){ data, len };
		job->at += len / STORE_SECTOR;
	}
	job->cursor = cursor;
}

/* Base's contents of the cluster for a page that is written in part. */
static void ask_cluster(struct job *job)
{
	u64 first = job->cluster * CLUSTER_SECTORS;
	u64 sectors = MIN(CLUSTER_SECTORS, job->overlay->store.sectors - first);

	job->base.operation = STORE_READ;
	job->base.sector = first;
	job->base.segments = 1;
	job->base.segment[0] =
		(struct store_segment){ job->page, (u32)(sectors * STORE_SECTOR) };
}

/* Copy between the request and the part of a cluster's page at which the job is. */
static void copy(struct job *job, u8 *page)
{
	u64 sectors = within_cluster(job->at, job->end), size = sectors * STORE_SECTOR;
	u8 *at = page + job->at % CLUSTER_SECTORS * STORE_SECTOR;

	if (job->request->operation == STORE_READ)
		store_copy_in(job->request, &job->cursor, at, size);
	else
		store_copy_out(job->request, &job->cursor, at, size);
	job->at += sectors;
}

static void put_page(struct overlay *o, u64 cluster, u8 *page)
{
	*make_entry(o, cluster) = page;
}

enum step { STEP_ON, STEP_BASE, STEP_WAIT, STEP_FAILED };

static enum step step_read(struct job *job)
{
	u8 *page = find(job->overlay, job->at / CLUSTER_SECTORS);

	if (page) {
		copy(job, page);
		return STEP_ON;
	}
	ask_base(job);
	return STEP_BASE;
}

static enum step step_write(struct job *job)
{
	struct overlay *o = job->overlay;
	u64 cluster = job->at / CLUSTER_SECTORS, sectors = within_cluster(job->at, job->end);
	u8 *page = find(o, cluster);

	if (page) {
		copy(job, page);
		return STEP_ON;
	}
	if (being_filled(o, cluster))
		return STEP_WAIT;
	page = new_page(o, cluster);
	if (!page)
		return STEP_FAILED;
	/* The last cluster may be cut off by the end of the store. */
	if (sectors == MIN(CLUSTER_SECTORS, o->store.sectors - cluster * CLUSTER_SECTORS)) {
		copy(job, page);
		put_page(o, cluster, page);
		return STEP_ON;
	}
	job->page = page;
	job->cluster = cluster;
	ask_cluster(job);
	return STEP_BASE;
}

/* Base has answered: the page takes its place, or the request has failed. */
static bool take_answer(struct job *job)
{
	bool ok = job->base.result == STORE_OK;

	if (job->page && ok) {
		copy(job, job->page);
		put_page(job->overlay, job->cluster, job->page);
	} else if (job->page) {
		give_page(job->overlay, job->page);
	}
	job->page = NULL;
	return ok;
}

static void wait_for_filling(struct job *job)
{
	struct overlay *o = job->overlay;

	job->next = NULL;
	*o->waiting_end = job;
	o->waiting_end = &job->next;
}

/* Ask base; true: it has answered already. */
static bool asked(struct job *job)
{
	struct overlay *o = job->overlay;

	if (job->page) {
		job->next = o->filling;
		o->filling = job;
	}
	if (!store_submit(o->base, &job->base))
		return false;
	if (job->page)
		unlink_filling(o, job);
	return true;
}

/*
 * Work on job until it has ended (true) or waits for something (false).  With the lock held, under
 * which base's own locks are taken.
 */
static bool go_on(struct job *job)
{
	while (job->at < job->end) {
		enum step step =
			job->request->operation == STORE_READ ? step_read(job) : step_write(job);

		if (step == STEP_WAIT)
			wait_for_filling(job);
		if (step == STEP_WAIT || (step == STEP_BASE && !asked(job)))
			return false;
		if (step == STEP_FAILED || (step == STEP_BASE && !take_answer(job))) {
			job->request->result = STORE_ERROR;
			return true;
		}
	}
	return true;
}

/* Something was filled: all who wait try again.  Those that end are put before the others. */
static struct job *resume_waiting(struct overlay *o, struct job *ended)
{
	struct job *job = o->waiting, *next;

	o->waiting = NULL;
	o->waiting_end = &o->waiting;
	for (; job; job = next) {
		next = job->next;
		if (go_on(job)) {
			job->next = ended;
			ended = job;
		}
	}
	return ended;
}

static void base_done(struct store_request *request)
{
	struct job *job = container_of(request, struct job, base), *ended = NULL, *next;
	struct overlay *o = job->overlay;
	bool filled = job->page;

	host_lock(&o->lock);
	if (filled)
		unlink_filling(o, job);
	if (!take_answer(job))
		job->request->result = STORE_ERROR;
	if (job->request->result == STORE_ERROR || go_on(job)) {
		job->next = NULL;
		ended = job;
	}
	if (filled)
		ended = resume_waiting(o, ended);
	host_unlock(&o->lock);
	for (job = ended; job; job = next) {
		struct store_request *whose = job->request;

		next = job->next;
		host_free(job, sizeof(*job));
		whose->done(whose);
	}
}

/* ---- The store ------------------------------------------------------------------------------ */

static bool submit(struct store *store, struct store_request *request)
{
	struct overlay *o = container_of(store, struct overlay, store);
	struct job *job = new_job(o, request);
	bool ended;

	if (!job) {
		host_log("%s: sector %llu: memory is short", store->name,
			 (unsigned long long)request->sector);
		request->result = STORE_ERROR;
		return true;
	}
	host_lock(&o->lock);
	ended = go_on(job);
	host_unlock(&o->lock);
	if (ended)
		host_free(job, sizeof(*job));
	return ended;
}

static void close(struct store *store)
{
	struct overlay *o = container_of(store, struct overlay, store);

	check(!o->filling && !o->waiting);
	free_tree(o, o->root, o->levels - 1);
	host_free(o, sizeof(*o));
}

static const struct store_ops ops = { .submit = submit, .close = close };

/* Tables enough for so many sectors; 0: too many. */
static unsigned levels_for(u64 sectors)
{
	u64 clusters = sectors / CLUSTER_SECTORS + 1;
	unsigned levels = 1;

	while (levels <= TABLE_LEVELS_MAX && clusters >> levels * TABLE_SHIFT)
		levels++;
	return levels <= TABLE_LEVELS_MAX ? levels : 0;
}

struct store *overlay_store_new(const char *name, struct store *base, u64 limit)
{
	struct overlay *o = host_alloc(sizeof(*o));

	if (!o)
		return NULL;
	fmt_string(o->store.name, sizeof(o->store.name), "%s", name);
	o->store.ops = &ops;
	o->store.sectors = base->sectors;
	o->base = base;
	/* Room for everything needs no limit: it is the whole disk and its tables at most. */
	o->limit = limit / STORE_SECTOR < base->sectors ? limit : NO_LIMIT;
	o->waiting_end = &o->waiting;
	o->levels = levels_for(base->sectors);
	o->root = o->levels ? take_page(o) : NULL;
	if (!o->root) {
		host_free(o, sizeof(*o));
		return NULL;
	}
	return &o->store;
}

u64 overlay_store_used(const struct store *store)
{
	check(store->ops == &ops);
	return container_of(store, const struct overlay, store)->used;
}
