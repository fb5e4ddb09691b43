/* virtio.c - see virtio.h; pure, tested on the host */
#include "dev/virtio.h"

#include "host.h"
#include "vm/state.h"

#define STATUS_ALL                                                                                 \
	(VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK | VIRTIO_FEATURES_OK |              \
	 VIRTIO_NEEDS_RESET | VIRTIO_FAILED)

/* ---- Reset --------------------------------------------------------------- */

static void reset_queue(struct virtio *v, unsigned n)
{
	virtqueue_reset(&v->queue[n]);
	if (v->ops->forget)
		v->ops->forget(v, n);
}

/* All but the status, which a driver reads to learn that a reset has ended. */
static void reset_parts(struct virtio *v)
{
	v->accepted = 0;
	for (unsigned n = 0; n < v->ops->queues; n++) {
		reset_queue(v, n);
		v->queue_resetting[n] = false;
	}
	v->config_changed = false;
	v->cause = NULL;
	if (v->transport)
		v->transport->reset(v);
}

void virtio_reset(struct virtio *v)
{
	reset_parts(v);
	v->status = 0;
	v->resetting = false;
	v->generation = 0;
}

void virtio_init(struct virtio *v, struct bus *bus, const struct virtio_ops *ops, u64 features)
{
	check(ops->queues <= VIRTIO_QUEUES_MAX);
	*v = (struct virtio){ .bus = bus, .ops = ops, .offered = features | VIRTIO_F_ALL };
	for (unsigned n = 0; n < ops->queues; n++)
		virtqueue_init(&v->queue[n], bus, ops->queue_size[n]);
}

bool virtio_busy(const struct virtio *v)
{
	return v->ops->busy && v->ops->busy(v);
}

void virtio_settle(struct virtio *v)
{
	if (virtio_busy(v))
		return;
	for (unsigned n = 0; n < v->ops->queues; n++)
		v->queue_resetting[n] = false;
	if (v->resetting)
		virtio_reset(v);
}

/* ---- Status and features ------------------------------------------------- */

bool virtio_running(const struct virtio *v)
{
	return (v->status & (VIRTIO_DRIVER_OK | VIRTIO_NEEDS_RESET)) == VIRTIO_DRIVER_OK &&
	       !v->resetting && v->transport->master(v);
}

bool virtio_has(const struct virtio *v, u64 feature)
{
	return v->status & VIRTIO_FEATURES_OK && v->accepted & feature;
}

u32 virtio_features(const struct virtio *v, u32 word)
{
	return word < 2 ? (u32)(v->offered >> (32 * word)) : 0;
}

u32 virtio_accepted(const struct virtio *v, u32 word)
{
	return word < 2 ? (u32)(v->accepted >> (32 * word)) : 0;
}

void virtio_accept(struct virtio *v, u32 word, u32 features)
{
	if (word >= 2 || v->status & VIRTIO_FEATURES_OK || v->resetting)
		return;
	v->accepted &= ~((u64)~0u << (32 * word));
	v->accepted |= (u64)features << (32 * word);
}

static bool acceptable(const struct virtio *v)
{
	return !(v->accepted & ~v->offered) && v->accepted & VIRTIO_F_VERSION_1;
}

static void begin_reset(struct virtio *v)
{
	reset_parts(v);
	v->resetting = true;
	virtio_settle(v);
}

/* The rings' features are known: drivers may set up queues before FEATURES_OK, but use none. */
static void negotiated(struct virtio *v)
{
	for (unsigned n = 0; n < v->ops->queues; n++) {
		v->queue[n].indirect = v->accepted & VIRTIO_F_INDIRECT_DESC;
		v->queue[n].event_idx = v->accepted & VIRTIO_F_EVENT_IDX;
	}
}

void virtio_set_status(struct virtio *v, u8 status)
{
	u8 added = status & STATUS_ALL & (u8) ~(v->status | VIRTIO_NEEDS_RESET);

	if (v->resetting)
		return;
	if (!status) {
		begin_reset(v);
		return;
	}
	if (added & VIRTIO_FEATURES_OK && !acceptable(v))
		added &= (u8)~VIRTIO_FEATURES_OK;
	if (added & VIRTIO_DRIVER_OK && !((v->status | added) & VIRTIO_FEATURES_OK))
		added &= (u8)~VIRTIO_DRIVER_OK;
	v->status |= added;
	if (added & VIRTIO_FEATURES_OK)
		negotiated(v);
	if (added & VIRTIO_DRIVER_OK)
		virtio_notify_all(v);
}

void virtio_break(struct virtio *v, const char *cause)
{
	if (v->status & VIRTIO_NEEDS_RESET)
		return;
	v->cause = cause;
	v->status |= VIRTIO_NEEDS_RESET;
	for (unsigned n = 0; n < v->ops->queues; n++)
		if (!v->queue[n].broken)
			v->queue[n].broken = cause;
	if (v->status & VIRTIO_DRIVER_OK)
		v->transport->interrupt(v, VIRTIO_CONFIG_CHANGE);
}

/* ---- Configuration ------------------------------------------------------- */

void virtio_config_changed(struct virtio *v)
{
	v->config_changed = true;
	if (v->status & VIRTIO_DRIVER_OK && !v->resetting)
		v->transport->interrupt(v, VIRTIO_CONFIG_CHANGE);
}

/* "Common configuration structure layout" (4.1.4.3): the generation changes at the first look. */
u64 virtio_config_read(struct virtio *v, u64 offset, unsigned size)
{
	u64 value = 0;

	if (v->config_changed)
		v->generation++;
	v->config_changed = false;
	for (unsigned i = 0; i < size && offset + i < v->ops->config_size; i++)
		value |= (u64)v->ops->config_read(v, (unsigned)offset + i) << (8 * i);
	return value;
}

void virtio_config_write(struct virtio *v, u64 offset, unsigned size, u64 value)
{
	if (!v->ops->config_write || v->resetting)
		return;
	for (unsigned i = 0; i < size && offset + i < v->ops->config_size; i++)
		v->ops->config_write(v, (unsigned)offset + i, (u8)(value >> (8 * i)));
}

/* ---- Queues -------------------------------------------------------------- */

static void look_after(struct virtio *v, unsigned n)
{
	if (v->queue[n].broken)
		virtio_break(v, v->queue[n].broken);
}

bool virtio_pop(struct virtio *v, unsigned n, struct virtqueue_chain *chain)
{
	enum virtqueue_result result;

	if (!virtio_running(v))
		return false;
	result = virtqueue_pop(&v->queue[n], chain);
	look_after(v, n);
	return result == VIRTQUEUE_TAKEN;
}

void virtio_push(struct virtio *v, unsigned n, u16 head, u32 epoch, u32 written)
{
	if (epoch != v->queue[n].epoch || v->resetting)
		return;
	if (virtio_running(v))
		virtqueue_push(&v->queue[n], head, epoch, written);
	else
		virtio_break(v, "the driver took its RAM away while the device used it");
}

void virtio_publish(struct virtio *v, unsigned n)
{
	if (virtio_running(v) && virtqueue_publish(&v->queue[n]))
		v->transport->interrupt(v, n);
	look_after(v, n);
}

bool virtio_listen(struct virtio *v, unsigned n)
{
	bool more = virtio_running(v) && virtqueue_listen(&v->queue[n]);

	look_after(v, n);
	return more;
}

void virtio_ignore(struct virtio *v, unsigned n)
{
	if (virtio_running(v))
		virtqueue_ignore(&v->queue[n]);
	look_after(v, n);
}

void virtio_notify(struct virtio *v, u64 n)
{
	if (n < v->ops->queues && virtio_running(v) && v->queue[n].enabled)
		v->ops->notify(v, (unsigned)n);
}

void virtio_notify_all(struct virtio *v)
{
	for (unsigned n = 0; n < v->ops->queues; n++)
		virtio_notify(v, n);
}

bool virtio_queue_writable(const struct virtio *v, unsigned n)
{
	return n < v->ops->queues && !v->queue[n].enabled && !v->queue_resetting[n] &&
	       !v->resetting;
}

void virtio_queue_enable(struct virtio *v, unsigned n)
{
	if (!virtio_queue_writable(v, n))
		return;
	v->queue[n].enabled = true;
	if (v->status & VIRTIO_FEATURES_OK)
		negotiated(v);
}

void virtio_queue_reset(struct virtio *v, unsigned n)
{
	if (n >= v->ops->queues || v->resetting || v->queue_resetting[n] ||
	    !virtio_has(v, VIRTIO_F_RING_RESET))
		return;
	reset_queue(v, n);
	v->queue_resetting[n] = true;
	virtio_settle(v);
}

/* ---- Saved states -------------------------------------------------------- */

void virtio_save(const struct virtio *v, struct state_buf *buf)
{
	check(!virtio_busy(v) && !v->resetting);
	state_put(buf, v->accepted, 8);
	state_put(buf, v->status, 1);
	state_put(buf, v->config_changed, 1);
	state_put(buf, v->generation, 1);
	for (unsigned n = 0; n < v->ops->queues; n++)
		virtqueue_save(&v->queue[n], buf);
}

void virtio_load(struct virtio *v, struct state_buf *buf)
{
	v->accepted = state_get(buf, 8);
	v->status = (u8)state_get(buf, 1);
	v->config_changed =
	    state_get_max(buf, 1, 1, "a flag of a virtio device is neither 0 nor 1");
	v->generation = (u8)state_get(buf, 1);
	v->resetting = false;
	for (unsigned n = 0; n < v->ops->queues; n++) {
		virtqueue_load(&v->queue[n], buf);
		v->queue_resetting[n] = false;
	}
	if (v->status & ~STATUS_ALL)
		state_refuse(buf, "a virtio device has an impossible status");
	if (v->status & VIRTIO_FEATURES_OK && !acceptable(v))
		state_refuse(buf, "a virtio driver uses features that this device does not have");
	if (v->status & VIRTIO_DRIVER_OK && !(v->status & VIRTIO_FEATURES_OK))
		state_refuse(buf, "a virtio driver runs without features");
	v->cause = v->status & VIRTIO_NEEDS_RESET ? "it did when it was saved" : NULL;
	if (v->status & VIRTIO_FEATURES_OK)
		negotiated(v);
}
