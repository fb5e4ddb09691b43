/* disks.c - see disks.h */
#include "type1/disks.h"

#include "host.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/partitions.h"

struct disk {
	struct store *store;
	char description[48];
	struct partition partition[PARTITIONS_MAX];
	unsigned partitions;
};

/* A range of a disk that somebody has opened. */
struct claim {
	struct store store;
	struct disk *disk;
	u64 first;
	char owner[DISKS_OWNER_MAX];
	struct claim *next;
};

struct range {
	struct disk *disk;
	u64 first, count;
};

static struct disk disks[DISKS_MAX];
static unsigned count;
static struct host_lock lock; /* of the list of claims */
static struct claim *claims;

void disks_add(struct store *store, const char *description)
{
	struct disk *d;

	if (count == DISKS_MAX) {
		host_log("espejo: disk %s is not used: there are more than %u", store->name,
			 DISKS_MAX);
		return;
	}
	d = &disks[count++];
	*d = (struct disk){ .store = store };
	fmt_string(d->description, sizeof(d->description), "%s", description);
}

/* ---- Partitions ----------------------------------------------------------------------------- */

static bool read_ended;
static void (*poll_drivers)(void);
static struct store *read_from;

static void read_done(struct store_request *request UNUSED)
{
	read_ended = true;
}

/* Wait for one sector.  Drivers end every request sooner or later. */
static bool read_sector(const struct partitions_disk *disk UNUSED, u64 sector, u8 *buf)
{
	static struct store_request request; /* large, and only the boot CPU is here */

	request = (struct store_request){
		.operation = STORE_READ, .sector = sector, .segments = 1, .done = read_done,
	};
	request.segment[0] = (struct store_segment){ buf, STORE_SECTOR };
	read_ended = store_submit(read_from, &request);
	while (!read_ended) {
		poll_drivers();
		host_relax();
	}
	return request.result == STORE_OK;
}

void disks_read_partitions(void (*poll)(void))
{
	poll_drivers = poll;
	for (unsigned i = 0; i < count; i++) {
		struct partitions_disk disk = { disks[i].store->sectors, read_sector };

		read_from = disks[i].store;
		disks[i].partitions = partitions_read(&disk, disks[i].partition);
	}
}

/* ---- Names ---------------------------------------------------------------------------------- */

/* A decimal number at *at, which is moved behind it; false: there is none, or it is too large. */
static bool take_number(const char **at, u64 *value)
{
	const char *start = *at;

	for (*value = 0; **at >= '0' && **at <= '9'; (*at)++) {
		unsigned digit = (unsigned)(**at - '0');

		if (*value > (~0ull - digit) / 10)
			return false;
		*value = *value * 10 + digit;
	}
	return *at != start;
}

static const struct partition *find_partition(const struct disk *d, u64 number)
{
	for (unsigned i = 0; i < d->partitions; i++)
		if (d->partition[i].number == number)
			return &d->partition[i];
	return NULL;
}

/* What stands behind the disk's name; "" is the whole.  0, or why not in error. */
static int parse_rest(const char *name, const char *rest, struct range *range, char *error,
		      size_t size)
{
	const struct partition *p;
	u64 sectors = range->disk->store->sectors, number;

	if (*rest == 'p') {
		rest++;
		if (!take_number(&rest, &number) || *rest)
			goto nonsense;
		p = find_partition(range->disk, number);
		if (!p) {
			fmt_string(error, size, "%s: there is no such partition", name);
			return -HOST_ENOENT;
		}
		range->first = p->first;
		range->count = p->count;
		return 0;
	}
	if (*rest++ != ':' || !take_number(&rest, &range->first) || *rest++ != '+' ||
	    !take_number(&rest, &range->count) || *rest || !range->count)
		goto nonsense;
	if (range->first < sectors && range->count <= sectors - range->first)
		return 0;
	fmt_string(error, size, "%s: the disk has %llu sectors", name, (unsigned long long)sectors);
	return -HOST_EINVAL;
nonsense:
	fmt_string(error, size, "%s: not a disk: hd0, hd0p1 or hd0:START+SECTORS", name);
	return -HOST_EINVAL;
}

static int parse(const char *name, struct range *range, char *error, size_t size)
{
	for (unsigned i = 0; i < count; i++) {
		size_t len = strlen(disks[i].store->name);
		char next;

		if (strncmp(name, disks[i].store->name, len) != 0)
			continue;
		next = name[len];
		if (next >= '0' && next <= '9')
			continue; /* hd1 is no part of hd10 */
		*range = (struct range){ &disks[i], 0, disks[i].store->sectors };
		return next ? parse_rest(name, name + len, range, error, size) : 0;
	}
	fmt_string(error, size, "%s: there is no such disk (%u found)", name, count);
	return -HOST_ENOENT;
}

/* ---- Claims --------------------------------------------------------------------------------- */

static bool submit(struct store *store, struct store_request *request)
{
	const struct claim *claim = container_of(store, struct claim, store);

	return store_forward(claim->disk->store, request, claim->first);
}

static void give_back(struct store *store)
{
	struct claim *claim = container_of(store, struct claim, store), **link = &claims;

	host_lock(&lock);
	while (*link != claim)
		link = &(*link)->next;
	*link = claim->next;
	host_unlock(&lock);
	host_free(claim, sizeof(*claim));
}

static const struct store_ops ops = { .submit = submit, .close = give_back };

/* Somebody who has opened a part of range, if one of the two writes. */
static const struct claim *conflict(const struct range *range, bool write)
{
	for (const struct claim *c = claims; c; c = c->next)
		if (c->disk == range->disk && c->first < range->first + range->count &&
		    range->first < c->first + c->store.sectors && (write || !c->store.read_only))
			return c;
	return NULL;
}

static struct claim *new_claim(const char *name, const struct range *range, bool write,
			       const char *owner)
{
	struct claim *claim = host_alloc(sizeof(*claim));

	if (!claim)
		return NULL;
	fmt_string(claim->store.name, sizeof(claim->store.name), "%s", name);
	fmt_string(claim->owner, sizeof(claim->owner), "%s", owner);
	claim->store.ops = &ops;
	claim->store.sectors = range->count;
	claim->store.read_only = !write;
	claim->store.volatile_cache = range->disk->store->volatile_cache;
	claim->disk = range->disk;
	claim->first = range->first;
	return claim;
}

/* Enter it into the list, unless somebody has it; then a sentence in error. */
static bool enter(struct claim *claim, const struct range *range, bool write, char *error,
		  size_t size)
{
	const struct claim *other;

	host_lock(&lock);
	other = conflict(range, write);
	if (other) {
		fmt_string(error, size, "%s cannot be opened %s: %s %s %s of it", claim->store.name,
			   write ? "for writing" : "for reading", other->owner,
			   other->store.read_only ? "reads" : "writes", other->store.name);
	} else {
		claim->next = claims;
		claims = claim;
	}
	host_unlock(&lock);
	return !other;
}

struct store *disks_open(const char *name, bool write, const char *owner, int *result, char *error,
			 size_t size)
{
	struct range range;
	struct claim *claim;

	*result = parse(name, &range, error, size);
	if (!*result && write && range.disk->store->read_only) {
		fmt_string(error, size, "%s cannot be written", name);
		*result = -HOST_EINVAL;
	}
	if (*result)
		return NULL;
	claim = new_claim(name, &range, write, owner);
	if (!claim) {
		fmt_string(error, size, "%s: memory is short", name);
		*result = -HOST_ENOMEM;
		return NULL;
	}
	if (enter(claim, &range, write, error, size))
		return &claim->store;
	host_free(claim, sizeof(*claim));
	*result = -HOST_EBUSY;
	return NULL;
}

/* ---- For the operator ----------------------------------------------------------------------- */

static void say(struct fmt_sink *sink, const char *format, ...) PRINTF_LIKE(2, 3);

static void say(struct fmt_sink *sink, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vput(sink, format, args);
	va_end(args);
}

static void show_disk(const struct disk *d, struct fmt_sink *sink)
{
	say(sink, "%-8s %llu sectors, %llu MiB%s%s%s\n", d->store->name,
	    (unsigned long long)d->store->sectors, (unsigned long long)d->store->sectors >> 11,
	    d->store->read_only ? ", read only" : "", d->description[0] ? ", " : "",
	    d->description);
	for (unsigned i = 0; i < d->partitions; i++)
		say(sink, "  %sp%-4u %llu+%llu\n", d->store->name, d->partition[i].number,
		    (unsigned long long)d->partition[i].first,
		    (unsigned long long)d->partition[i].count);
	host_lock(&lock);
	for (const struct claim *c = claims; c; c = c->next)
		if (c->disk == d)
			say(sink, "  %s is %s by %s\n", c->store.name,
			    c->store.read_only ? "read" : "written", c->owner);
	host_unlock(&lock);
}

void disks_show(struct fmt_sink *sink)
{
	if (!count)
		say(sink, "there is no disk\n");
	for (unsigned i = 0; i < count; i++)
		show_disk(&disks[i], sink);
}
