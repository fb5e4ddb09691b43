/* virtio_blk.c - see virtio_blk.h; pure, tested and fuzzed on the host */
#include "dev/virtio_blk.h"

#include "dev/section.h"
#include "host.h"
#include "lib/string.h"
#include "vm/state.h"

#define CLASS_SCSI_STORAGE 0x010000
#define STATUS_SIZE 1u
#define HEADER_SIZE ((u32)sizeof(struct virtio_blk_header))
#define BOUNCE_SIZE ((u32)PAGE_SIZE)
/* What is moved in one go before the guest runs again: its CPU is not interrupted meanwhile. */
#define BYTES_PER_RUN MiB(1)
#define BYTES_OF_REQUEST KiB(4) /* what one costs at least, in such bytes */
#define SECTION_VERSION 1

_Static_assert(VIRTIO_BLK_SLOTS == 64, "a bit for each slot in a u64");
#define ALL_SLOTS (~0ull)

/*
 * A request of the driver's.  It becomes one request to the store; several, if its data goes
 * through the bounce page; and another one to flush, if a write must last.
 */
struct virtio_blk_slot {
	struct virtio_blk *blk;
	unsigned number;
	u16 head;
	u32 epoch;
	u8 *status; /* the last writable byte */
	bool bounced, flush; /* how it goes; what is still to come */
	u64 sector;
	u32 bytes, done; /* of data */
	struct store_request request; /* its segments: the data in the guest's RAM */
};
_Static_assert(sizeof(struct virtio_blk_slot) <= PAGE_SIZE, "host_alloc gives up to a page");

static struct virtio_blk *of_virtio(const struct virtio *v)
{
	return container_of(v, struct virtio_blk, virtio);
}

/* ---- Slots --------------------------------------------------------------- */

static void slot_ended(struct virtio_blk_slot *slot)
{
	struct virtio_blk *blk = slot->blk;

	/* Another CPU may take the bit, and free blk: not before this one has left it. */
	__atomic_fetch_add(&blk->telling, 1, __ATOMIC_ACQ_REL);
	__atomic_fetch_or(&blk->ended, BIT(slot->number), __ATOMIC_ACQ_REL);
	bus_post(blk->virtio.bus, blk->work);
	__atomic_fetch_sub(&blk->telling, 1, __ATOMIC_ACQ_REL);
}

/* Any CPU, no lock. */
static void request_done(struct store_request *request)
{
	slot_ended(container_of(request, struct virtio_blk_slot, request));
}

static void bounce_done(struct store_request *request)
{
	slot_ended(container_of(request, struct virtio_blk, bounce_request)->bouncing);
}

static bool make_slot(struct virtio_blk *blk, unsigned n)
{
	struct virtio_blk_slot *slot = host_alloc(sizeof(*slot));

	if (!slot)
		return false;
	slot->blk = blk;
	slot->number = n;
	slot->request.done = request_done;
	blk->slot[n] = slot;
	return true;
}

/* NULL: all are in use, or memory is short; there is always one. */
static struct virtio_blk_slot *free_slot(struct virtio_blk *blk)
{
	unsigned n;

	if (blk->used_slots == ALL_SLOTS)
		return NULL;
	n = (unsigned)__builtin_ctzll(~blk->used_slots);
	return blk->slot[n] || make_slot(blk, n) ? blk->slot[n] : NULL;
}

/* Does the driver still wait for it, and may its memory be touched? */
static bool current(const struct virtio_blk_slot *slot)
{
	const struct virtio *v = &slot->blk->virtio;

	return slot->epoch == v->queue[0].epoch && virtio_running(v);
}

/* The slot is free again, and the driver gets its answer. */
static void answer(struct virtio_blk_slot *slot, enum virtio_blk_status status, u32 written)
{
	struct virtio_blk *blk = slot->blk;

	blk->used_slots &= ~BIT(slot->number);
	if (blk->bouncing == slot)
		blk->bouncing = NULL;
	if (current(slot))
		WRITE_ONCE(*slot->status, (u8)status);
	virtio_push(&blk->virtio, 0, slot->head, slot->epoch, written);
}

/*
 * "The Virtqueue Used Ring" (2.7.8): written counts from the first byte on, so where data was to
 * be read and was not, it is 0, whatever became of the status behind.
 */
static void fail(struct virtio_blk_slot *slot, enum virtio_blk_status status, u32 data)
{
	answer(slot, status, data ? 0 : STATUS_SIZE);
}

/* ---- The store ----------------------------------------------------------- */

static u32 bounce_part(const struct virtio_blk_slot *slot)
{
	return MIN(slot->bytes - slot->done, BOUNCE_SIZE);
}

/* Copy the part of the data whose turn it is. */
static void copy_bounced(struct virtio_blk_slot *slot, bool to_guest)
{
	const struct store_segment *s = slot->request.segment;
	u32 skip = slot->done, part = bounce_part(slot);
	u8 *bounce = slot->blk->bounce;

	for (; part; s++) {
		u32 from = MIN(skip, s->len), n = MIN(part, s->len - from);
		u8 *guest = (u8 *)s->data + from;

		memcpy(to_guest ? guest : bounce, to_guest ? bounce : guest, n);
		skip -= from;
		part -= n;
		bounce += n;
	}
}

/*
 * What the store has to do next for a request of the driver's, filled in; NULL: nothing is left.
 * - While data is left (slot->done of slot->bytes are done, and the first lies at slot->sector):
 *   slot->request, which has its segments already and moves all of it; or, if the slot is bounced,
 *   blk->bounce_request, which moves the next bounce_part() by way of the bounce page.
 *   copy_bounced fills that page before a write.
 * - Then, once, if slot->flush: a STORE_FLUSH, without segments, at sector 0.
 * The operation is slot->request's.  That the data lies inside the store, transfer() has found out;
 * store_submit panics if it does not.
 */
static struct store_request *next_request(struct virtio_blk_slot *slot)
{
	struct virtio_blk *blk = slot->blk;
	struct store_request *request = slot->bounced ? &blk->bounce_request : &slot->request;
	bool data = slot->done < slot->bytes;

	if (!data && !slot->flush)
		return NULL;
	request->operation = slot->request.operation;
	request->sector = slot->sector + slot->done / STORE_SECTOR;
	if (!data) {
		slot->flush = false;
		request->operation = STORE_FLUSH;
		request->sector = 0;
		request->segments = 0;
	} else if (slot->bounced) {
		if (request->operation == STORE_WRITE)
			copy_bounced(slot, false);
		request->segment[0] = (struct store_segment){ blk->bounce, bounce_part(slot) };
		request->segments = 1;
	}
	return request;
}

/* A request to the store ended; false: badly, or nobody wants to know any more. */
static bool take_result(struct virtio_blk_slot *slot)
{
	const struct store_request *request =
	    slot->bounced ? &slot->blk->bounce_request : &slot->request;

	if (request->result != STORE_OK || !current(slot))
		return false;
	if (request->operation == STORE_FLUSH)
		return true;
	if (slot->bounced && request->operation == STORE_READ)
		copy_bounced(slot, true);
	slot->done += slot->bounced ? bounce_part(slot) : slot->bytes;
	return true;
}

/* Until the store makes it wait, or it is done. */
static void run(struct virtio_blk_slot *slot, bool ok)
{
	u32 data = slot->request.operation == STORE_READ ? slot->bytes : 0;

	while (ok) {
		struct store_request *request = next_request(slot);

		if (!request) {
			answer(slot, VIRTIO_BLK_OK, data + STATUS_SIZE);
			return;
		}
		if (!store_submit(slot->blk->store, request))
			return;
		ok = take_result(slot);
	}
	fail(slot, VIRTIO_BLK_IOERR, data);
}

/* Who waits for the bounce page gets it, one after the other. */
static void run_bounced(struct virtio_blk *blk)
{
	while (!blk->bouncing && blk->wants_bounce) {
		unsigned n = (unsigned)__builtin_ctzll(blk->wants_bounce);

		blk->wants_bounce &= ~BIT(n);
		blk->bouncing = blk->slot[n];
		run(blk->slot[n], true);
	}
}

/* ---- Requests ------------------------------------------------------------ */

/*
 * "Device Operation" (5.2.6.2): a driver that cannot flush needs each write to last.
 */
static bool write_through(const struct virtio_blk *blk)
{
	if (!blk->store->volatile_cache)
		return false;
	if (virtio_has(&blk->virtio, VIRTIO_BLK_F_CONFIG_WCE))
		return !blk->writeback;
	return !virtio_has(&blk->virtio, VIRTIO_BLK_F_FLUSH);
}

static bool in_store(const struct store *store, u64 sector, u32 bytes)
{
	return bytes % STORE_SECTOR == 0 && bytes <= VIRTIO_BLK_BYTES_MAX &&
	       sector <= store->sectors && bytes / STORE_SECTOR <= store->sectors - sector;
}

/* The data's pieces into the slot's request; true: all of them are whole sectors. */
static bool cut_data(struct virtio_blk_slot *slot, bool write)
{
	struct virtqueue_segment piece[VIRTQUEUE_SEGMENTS_MAX];
	unsigned n = virtqueue_slice(&slot->blk->chain, !write, write ? HEADER_SIZE : 0,
				     slot->bytes, piece, ARRAY_SIZE(piece));
	bool even = true;

	for (unsigned i = 0; i < n; i++) {
		slot->request.segment[i] = (struct store_segment){ piece[i].data, piece[i].len };
		even &= piece[i].len % STORE_SECTOR == 0;
	}
	slot->request.segments = n;
	return even;
}

/* So many bytes of the chain's data to or from the store, from sector on; or the answer why not. */
static void transfer(struct virtio_blk_slot *slot, bool write, u64 sector, u32 bytes)
{
	struct virtio_blk *blk = slot->blk;

	if (!in_store(blk->store, sector, bytes) || (write && blk->store->read_only)) {
		fail(slot, VIRTIO_BLK_IOERR, write ? 0 : bytes);
		return;
	}
	slot->request.operation = write ? STORE_WRITE : STORE_READ;
	slot->sector = sector;
	slot->bytes = bytes;
	slot->flush = write && write_through(blk);
	slot->bounced = !cut_data(slot, write);
	if (slot->bounced)
		blk->wants_bounce |= BIT(slot->number);
	else
		run(slot, true);
}

/* All that was written and has ended is to last. */
static void flush(struct virtio_blk_slot *slot)
{
	slot->request.operation = STORE_FLUSH;
	slot->flush = true;
	run(slot, true);
}

/* The store's name, in 20 bytes: it ends with a zero only if it is shorter. */
static void get_id(struct virtio_blk_slot *slot, u32 space)
{
	struct virtio_blk *blk = slot->blk;
	u8 id[VIRTIO_BLK_ID_SIZE] = { 0 };
	size_t len = MIN(strlen(blk->store->name), sizeof(id));
	u32 written;

	memcpy(id, blk->store->name, len);
	written = virtqueue_write(&blk->chain, 0, id, MIN(space, VIRTIO_BLK_ID_SIZE));
	answer(slot, VIRTIO_BLK_OK, written == space ? written + STATUS_SIZE : written);
}

/*
 * Begin the request in blk->chain, whose header was read, in a slot that is free.  The chain has a
 * whole header in front and at least one writable byte.
 *
 * The slot is in use from now on (used_slots), knows the buffer's head and epoch for the answer,
 * and where the status goes: into the last writable byte of all, however the driver cut what is
 * before it.  Of the slot's last request nothing is left: no bytes, none done, neither bounced nor
 * to be flushed.  Then what the type asks for.  A read fills what is writable before the status; a
 * write takes what is readable behind the header; get_id has the same room as a read.  A type that
 * there is not is answered with VIRTIO_BLK_UNSUPP: whatever room it had, nothing was put there.
 *
 * "Device Operation" (5.2.6).
 */
static void begin(struct virtio_blk_slot *slot, const struct virtio_blk_header *header)
{
	const struct virtqueue_chain *chain = &slot->blk->chain;
	const struct virtqueue_segment *last =
	    &chain->segment[chain->readable + chain->writable - 1];
	u32 space = chain->writable_bytes - STATUS_SIZE;

	slot->blk->used_slots |= BIT(slot->number);
	slot->head = chain->head;
	slot->epoch = chain->epoch;
	slot->status = &last->data[last->len - 1];
	slot->bytes = slot->done = 0;
	slot->bounced = slot->flush = false;
	switch (header->type) {
	case VIRTIO_BLK_IN:
		transfer(slot, false, header->sector, space);
		break;
	case VIRTIO_BLK_OUT:
		transfer(slot, true, header->sector, chain->readable_bytes - HEADER_SIZE);
		break;
	case VIRTIO_BLK_FLUSH:
		flush(slot);
		break;
	case VIRTIO_BLK_GET_ID:
		get_id(slot, space);
		break;
	default:
		fail(slot, VIRTIO_BLK_UNSUPP, space);
		break;
	}
}

/* One request out of the ring; what it costs in bytes; 0: there was none. */
static u32 take(struct virtio_blk *blk)
{
	struct virtio_blk_slot *slot = free_slot(blk);
	struct virtqueue_chain *chain = &blk->chain;
	struct virtio_blk_header header;

	if (!slot || !virtio_pop(&blk->virtio, 0, chain))
		return 0;
	if (virtqueue_read(chain, 0, &header, HEADER_SIZE) != HEADER_SIZE || !chain->writable) {
		virtio_break(&blk->virtio, "a request has no header, or no room for its status");
		return 0;
	}
	begin(slot, &header);
	return MAX(slot->bytes, (u32)BYTES_OF_REQUEST);
}

/*
 * All that is in the ring.  While something is in flight its end leads back here, so that the
 * driver need not notify; and after so many bytes the rest is left for the next time.
 */
static void process(struct virtio_blk *blk)
{
	struct virtio *v = &blk->virtio;
	u64 moved = 0;
	u32 n;

	do {
		while (moved < BYTES_PER_RUN && (n = take(blk)) != 0)
			moved += n;
		run_bounced(blk);
		virtio_publish(v, 0);
		if (moved >= BYTES_PER_RUN)
			bus_post(v->bus, blk->work);
		if (moved >= BYTES_PER_RUN || blk->used_slots) {
			virtio_ignore(v, 0);
			return;
		}
	} while (virtio_listen(v, 0));
}

static void notify(struct virtio *v, unsigned n UNUSED)
{
	process(of_virtio(v));
}

static void work(void *dev)
{
	struct virtio_blk *blk = dev;
	u64 ended = __atomic_exchange_n(&blk->ended, 0, __ATOMIC_ACQ_REL);

	for (; ended; ended &= ended - 1) {
		struct virtio_blk_slot *slot = blk->slot[__builtin_ctzll(ended)];

		run(slot, take_result(slot));
	}
	virtio_settle(&blk->virtio);
	process(blk);
}

/* ---- Configuration ------------------------------------------------------- */

static u8 config_read(struct virtio *v, unsigned offset)
{
	struct virtio_blk *blk = of_virtio(v);
	u8 bytes[VIRTIO_BLK_CONFIG_SIZE] = { 0 };
	const u32 size_max = VIRTIO_BLK_SIZE_MAX, seg_max = VIRTIO_BLK_SEG_MAX;
	const u32 blk_size = STORE_SECTOR;

	memcpy(&bytes[VIRTIO_BLK_CAPACITY], &blk->store->sectors, sizeof(u64));
	memcpy(&bytes[VIRTIO_BLK_SIZE_MAX_FIELD], &size_max, sizeof(u32));
	memcpy(&bytes[VIRTIO_BLK_SEG_MAX_FIELD], &seg_max, sizeof(u32));
	memcpy(&bytes[VIRTIO_BLK_BLK_SIZE], &blk_size, sizeof(u32));
	bytes[VIRTIO_BLK_WRITEBACK] = blk->writeback;
	return bytes[offset];
}

static void config_write(struct virtio *v, unsigned offset, u8 value)
{
	if (offset == VIRTIO_BLK_WRITEBACK && virtio_has(v, VIRTIO_BLK_F_CONFIG_WCE))
		of_virtio(v)->writeback = value & 1;
}

/* ---- Life ---------------------------------------------------------------- */

/* Those that wait for the bounce page are in nobody's hands. */
static void forget(struct virtio *v, unsigned n UNUSED)
{
	struct virtio_blk *blk = of_virtio(v);

	blk->used_slots &= ~blk->wants_bounce;
	blk->wants_bounce = 0;
	if (!v->accepted) /* not a queue alone, but the device */
		blk->writeback = 1;
}

static bool busy(const struct virtio *v)
{
	return of_virtio(v)->used_slots != 0;
}

static const struct virtio_ops ops = {
	.id = VIRTIO_ID_BLK,
	.queues = 1,
	.queue_size = { VIRTIO_BLK_QUEUE_SIZE },
	.config_size = VIRTIO_BLK_CONFIG_SIZE,
	.notify = notify,
	.config_read = config_read,
	.config_write = config_write,
	.forget = forget,
	.busy = busy,
};

int virtio_blk_init(struct virtio_blk *blk, struct bus *bus, struct pci *pci, u8 devfn,
		    struct store *store, bool ports)
{
	u64 features = VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_BLK_SIZE |
		       VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_CONFIG_WCE;

	*blk = (struct virtio_blk){ .store = store };
	blk->bounce = host_alloc_pages(0);
	if (!blk->bounce || !make_slot(blk, 0)) {
		virtio_blk_free(blk);
		return -HOST_ENOMEM;
	}
	blk->bounce_request.done = bounce_done;
	blk->work = bus_add_work(bus, work, blk);
	virtio_init(&blk->virtio, bus, &ops, features | (store->read_only ? VIRTIO_BLK_F_RO : 0));
	virtio_pci_init(&blk->pci, &blk->virtio, pci, devfn, CLASS_SCSI_STORAGE, ports);
	return 0;
}

void virtio_blk_reset(struct virtio_blk *blk)
{
	virtio_reset(&blk->virtio);
}

void virtio_blk_free(struct virtio_blk *blk)
{
	check(!blk->used_slots);
	while (__atomic_load_n(&blk->telling, __ATOMIC_ACQUIRE))
		host_relax();
	for (unsigned n = 0; n < VIRTIO_BLK_SLOTS; n++)
		if (blk->slot[n])
			host_free(blk->slot[n], sizeof(*blk->slot[n]));
	if (blk->bounce)
		host_free_pages(blk->bounce, 0);
	memset(blk->slot, 0, sizeof(blk->slot));
	blk->bounce = NULL;
}

void virtio_blk_save(const struct virtio_blk *blk, struct state_buf *buf)
{
	size_t begin_at = state_begin_section(buf, DEVICE_SECTION_VIRTIO_BLK, SECTION_VERSION);

	state_put(buf, blk->writeback, 1);
	state_put(buf, blk->store->sectors, 8);
	virtio_pci_save(&blk->pci, buf);
	state_end_section(buf, begin_at);
}

int virtio_blk_load(struct virtio_blk *blk, struct state_buf *buf)
{
	u8 writeback = (u8)state_get_max(buf, 1, 1, "a virtio disk's cache mode is unknown");

	if (state_get(buf, 8) != blk->store->sectors)
		state_refuse(buf, "a virtio disk has another size here");
	if (virtio_pci_load(&blk->pci, buf))
		return -1;
	blk->writeback = writeback;
	return 0;
}
