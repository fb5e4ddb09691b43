/* virtio_pci.c - see virtio_pci.h; pure, tested and fuzzed on the host */
#include "dev/virtio_pci.h"

#include "host.h"
#include "vm/state.h"

#define VENDOR 0x1af4
#define DEVICE_BASE 0x1040
#define SUBSYSTEM 0x1100
#define REVISION 1
#define MSIX_BAR_SIZE 0x1000
#define PORTS_SIZE 16

_Static_assert(VIRTIO_QUEUES_MAX * VIRTIO_PCI_NOTIFY_MULTIPLIER <= PORTS_SIZE,
	       "each queue has its port");
_Static_assert(VIRTIO_QUEUES_MAX + 1 <= PCI_MSIX_VECTORS_MAX, "each event has its vector");

static struct virtio_pci *of_function(struct pci_function *f)
{
	return container_of(f, struct virtio_pci, function);
}

static struct virtio_pci *of_virtio(const struct virtio *v)
{
	return v->transport_of;
}

/* ---- The device's view --------------------------------------------------- */

/*
 * "Used Buffer Notifications" (4.1.5.3), "Notification of Device Configuration Changes" (4.1.5.4):
 * with MSI-X, only a change of the configuration is noted in ISR.
 */
static void interrupt(struct virtio *v, unsigned n)
{
	struct virtio_pci *p = of_virtio(v);
	bool msix = pci_msix_enabled(&p->function);

	if (n == VIRTIO_CONFIG_CHANGE)
		p->isr |= VIRTIO_PCI_ISR_CONFIG;
	else if (!msix)
		p->isr |= VIRTIO_PCI_ISR_QUEUE;
	if (!msix)
		pci_set_intx(&p->function, true);
	else if (p->vector[n] != VIRTIO_PCI_NO_VECTOR)
		pci_msix_send(&p->function, p->vector[n]);
}

static bool master(const struct virtio *v)
{
	return pci_master(&of_virtio(v)->function);
}

static void reset(struct virtio *v)
{
	struct virtio_pci *p = of_virtio(v);

	p->device_feature_select = p->driver_feature_select = 0;
	p->queue_select = 0;
	for (unsigned n = 0; n < ARRAY_SIZE(p->vector); n++)
		p->vector[n] = VIRTIO_PCI_NO_VECTOR;
	p->isr = 0;
	pci_set_intx(&p->function, false);
}

static const struct virtio_transport transport = {
	.interrupt = interrupt,
	.master = master,
	.reset = reset,
};

/* ---- Common configuration ------------------------------------------------ */

/* The selected queue, or one that is not there: size 0, all zero. */
static const struct virtqueue *selected(const struct virtio_pci *p)
{
	static const struct virtqueue none;

	return p->queue_select < p->virtio->ops->queues ? &p->virtio->queue[p->queue_select]
							: &none;
}

static u32 read_queue(const struct virtio_pci *p, unsigned offset)
{
	const struct virtqueue *q = selected(p);
	bool there = q->size_max != 0;

	switch (offset) {
	case VIRTIO_PCI_QUEUE_SIZE:
		return q->size;
	case VIRTIO_PCI_QUEUE_VECTOR:
		return there ? p->vector[p->queue_select] : VIRTIO_PCI_NO_VECTOR;
	case VIRTIO_PCI_QUEUE_ENABLE:
		return q->enabled;
	case VIRTIO_PCI_QUEUE_NOTIFY_OFF:
		return there ? p->queue_select : 0;
	case VIRTIO_PCI_QUEUE_DESC:
		return (u32)q->descriptors;
	case VIRTIO_PCI_QUEUE_DESC + 4:
		return (u32)(q->descriptors >> 32);
	case VIRTIO_PCI_QUEUE_DRIVER:
		return (u32)q->available;
	case VIRTIO_PCI_QUEUE_DRIVER + 4:
		return (u32)(q->available >> 32);
	case VIRTIO_PCI_QUEUE_DEVICE:
		return (u32)q->used;
	case VIRTIO_PCI_QUEUE_DEVICE + 4:
		return (u32)(q->used >> 32);
	case VIRTIO_PCI_QUEUE_RESET:
		return there && p->virtio->queue_resetting[p->queue_select];
	default:
		return 0;
	}
}

static u32 read_common(const struct virtio_pci *p, unsigned offset)
{
	const struct virtio *v = p->virtio;

	switch (offset) {
	case VIRTIO_PCI_DEVICE_FEATURE_SELECT:
		return p->device_feature_select;
	case VIRTIO_PCI_DEVICE_FEATURE:
		return virtio_features(v, p->device_feature_select);
	case VIRTIO_PCI_DRIVER_FEATURE_SELECT:
		return p->driver_feature_select;
	case VIRTIO_PCI_DRIVER_FEATURE:
		return virtio_accepted(v, p->driver_feature_select);
	case VIRTIO_PCI_CONFIG_VECTOR:
		return p->vector[VIRTIO_CONFIG_CHANGE];
	case VIRTIO_PCI_NUM_QUEUES:
		return v->ops->queues;
	case VIRTIO_PCI_STATUS:
		return v->status;
	case VIRTIO_PCI_GENERATION:
		return v->generation;
	case VIRTIO_PCI_QUEUE_SELECT:
		return p->queue_select;
	default:
		return read_queue(p, offset);
	}
}

/* A vector that there is not reads back as none. */
static u16 valid_vector(const struct virtio_pci *p, u32 vector)
{
	return vector < p->function.msix.vectors ? (u16)vector : VIRTIO_PCI_NO_VECTOR;
}

static void set_half(u64 *field, unsigned offset, u32 value)
{
	unsigned shift = offset & 4 ? 32 : 0;

	*field = (*field & ~((u64)~0u << shift)) | (u64)value << shift;
}

/* Only while the queue is off. */
static void set_up_queue(struct virtqueue *q, unsigned offset, u32 value)
{
	u16 size = (u16)value;

	switch (offset) {
	case VIRTIO_PCI_QUEUE_SIZE:
		if (size && size <= q->size_max && !(size & (size - 1)))
			q->size = size;
		break;
	case VIRTIO_PCI_QUEUE_DESC:
	case VIRTIO_PCI_QUEUE_DESC + 4:
		set_half(&q->descriptors, offset, value);
		break;
	case VIRTIO_PCI_QUEUE_DRIVER:
	case VIRTIO_PCI_QUEUE_DRIVER + 4:
		set_half(&q->available, offset, value);
		break;
	case VIRTIO_PCI_QUEUE_DEVICE:
	case VIRTIO_PCI_QUEUE_DEVICE + 4:
		set_half(&q->used, offset, value);
		break;
	default:
		break;
	}
}

static void write_queue(struct virtio_pci *p, unsigned offset, u32 value)
{
	struct virtio *v = p->virtio;
	unsigned n = p->queue_select;

	if (n >= v->ops->queues || v->resetting)
		return;
	if (offset == VIRTIO_PCI_QUEUE_VECTOR)
		p->vector[n] = valid_vector(p, (u16)value);
	else if (offset == VIRTIO_PCI_QUEUE_ENABLE && (u16)value == 1)
		virtio_queue_enable(v, n);
	else if (offset == VIRTIO_PCI_QUEUE_RESET && (u16)value == 1)
		virtio_queue_reset(v, n);
	else if (virtio_queue_writable(v, n))
		set_up_queue(&v->queue[n], offset, value);
}

static void write_common(struct virtio_pci *p, unsigned offset, u32 value)
{
	switch (offset) {
	case VIRTIO_PCI_DEVICE_FEATURE_SELECT:
		p->device_feature_select = value;
		break;
	case VIRTIO_PCI_DRIVER_FEATURE_SELECT:
		p->driver_feature_select = value;
		break;
	case VIRTIO_PCI_DRIVER_FEATURE:
		virtio_accept(p->virtio, p->driver_feature_select, value);
		break;
	case VIRTIO_PCI_CONFIG_VECTOR:
		p->vector[VIRTIO_CONFIG_CHANGE] = valid_vector(p, (u16)value);
		break;
	case VIRTIO_PCI_STATUS:
		virtio_set_status(p->virtio, (u8)value);
		break;
	case VIRTIO_PCI_QUEUE_SELECT:
		p->queue_select = (u16)value;
		break;
	default:
		write_queue(p, offset, value);
		break;
	}
}

/* ---- The BARs ------------------------------------------------------------ */

static u8 read_isr(struct virtio_pci *p)
{
	u8 isr = p->isr;

	p->isr = 0;
	pci_set_intx(&p->function, false);
	return isr;
}

static u64 cut(u64 value, unsigned size)
{
	return size < 8 ? value & BITS(8 * size - 1, 0) : value;
}

/*
 * "PCI Device Layout" (4.1.3): drivers use each field's own width.  A wider access gets the field
 * at its offset, alone; but 64 bits are two fields of 32.
 */
u64 virtio_pci_read(void *function, u64 offset, unsigned size)
{
	struct virtio_pci *p = of_function(function);
	unsigned in_page = offset % PAGE_SIZE;

	switch (ALIGN_DOWN(offset, PAGE_SIZE)) {
	case VIRTIO_PCI_COMMON:
		if (size == 8)
			return read_common(p, in_page) | (u64)read_common(p, in_page + 4) << 32;
		return cut(read_common(p, in_page), size);
	case VIRTIO_PCI_ISR:
		return in_page == 0 ? read_isr(p) : 0;
	case VIRTIO_PCI_DEVICE:
		return virtio_config_read(p->virtio, in_page, size);
	default:
		return 0;
	}
}

void virtio_pci_write(void *function, u64 offset, unsigned size, u64 value)
{
	struct virtio_pci *p = of_function(function);
	unsigned in_page = offset % PAGE_SIZE;

	value = cut(value, size);
	switch (ALIGN_DOWN(offset, PAGE_SIZE)) {
	case VIRTIO_PCI_COMMON:
		write_common(p, in_page, (u32)value);
		if (size == 8)
			write_common(p, in_page + 4, (u32)(value >> 32));
		break;
	case VIRTIO_PCI_DEVICE:
		virtio_config_write(p->virtio, in_page, size, value);
		break;
	case VIRTIO_PCI_NOTIFY:
		virtio_notify(p->virtio, in_page / VIRTIO_PCI_NOTIFY_MULTIPLIER);
		break;
	default:
		break;
	}
}

static u64 ports_read(void *function UNUSED, u64 offset UNUSED, unsigned size UNUSED)
{
	return 0;
}

static void ports_write(void *function, u64 offset, unsigned size UNUSED, u64 value UNUSED)
{
	virtio_notify(of_function(function)->virtio, offset / VIRTIO_PCI_NOTIFY_MULTIPLIER);
}

/* ---- Configuration space ------------------------------------------------- */

static bool overlaps(const struct virtio_pci *p, unsigned offset, unsigned size)
{
	unsigned data = p->window + VIRTIO_PCI_CAP_EXTRA;

	return offset < data + 4 && data < offset + size;
}

/*
 * What the window points at: its BAR, or NULL if it points at nothing.
 * "PCI configuration access capability" (4.1.4.9)
 */
static const struct pci_bar *window_target(const struct virtio_pci *p, u32 *offset, u32 *length)
{
	const struct pci_function *f = &p->function;
	u32 n = pci_get(f, p->window + VIRTIO_PCI_CAP_BAR, 1);
	const struct pci_bar *bar = n < PCI_BARS ? &f->bar[n] : NULL;

	*offset = pci_get(f, p->window + VIRTIO_PCI_CAP_OFFSET, 4);
	*length = pci_get(f, p->window + VIRTIO_PCI_CAP_LENGTH, 4);
	if (!bar || (*length != 1 && *length != 2 && *length != 4) || *offset % *length)
		return NULL;
	return *offset < bar->size && bar->size - *offset >= *length ? bar : NULL;
}

static void before(struct pci_function *f, unsigned offset, unsigned size)
{
	struct virtio_pci *p = of_function(f);
	const struct pci_bar *bar;
	u32 at, length;

	if (!overlaps(p, offset, size))
		return;
	bar = window_target(p, &at, &length);
	if (bar && bar->read)
		pci_set(f, p->window + VIRTIO_PCI_CAP_EXTRA, length, (u32)bar->read(f, at, length));
}

/* What came while the device might not touch RAM is looked at when it may. */
static void look_at_master(struct virtio_pci *p)
{
	bool now = pci_master(&p->function), was = p->was_master;

	p->was_master = now;
	if (now && !was)
		virtio_notify_all(p->virtio);
}

static void replaced(struct pci_function *f)
{
	look_at_master(of_function(f));
}

static void written(struct pci_function *f, unsigned offset, unsigned size)
{
	struct virtio_pci *p = of_function(f);
	const struct pci_bar *bar;
	u32 at, length;

	if (offset < PCI_COMMAND + 2 && PCI_COMMAND < offset + size)
		look_at_master(p);
	if (!overlaps(p, offset, size))
		return;
	bar = window_target(p, &at, &length);
	if (bar && bar->write)
		bar->write(f, at, length, pci_get(f, p->window + VIRTIO_PCI_CAP_EXTRA, length));
}

/* ---- Life ---------------------------------------------------------------- */

static u8 add_capability(struct virtio_pci *p, enum virtio_pci_cap_type type, unsigned extra,
			 unsigned bar, u32 offset, u32 length)
{
	struct pci_function *f = &p->function;
	u8 size = (u8)(VIRTIO_PCI_CAP_SIZE + extra);
	u8 cap = pci_add_capability(f, PCI_CAP_VENDOR, size);

	pci_define(f, cap + VIRTIO_PCI_CAP_LEN, 1, size, 0);
	pci_define(f, cap + VIRTIO_PCI_CAP_TYPE, 1, type, 0);
	pci_define(f, cap + VIRTIO_PCI_CAP_BAR, 1, bar, 0);
	pci_define(f, cap + VIRTIO_PCI_CAP_OFFSET, 4, offset, 0);
	pci_define(f, cap + VIRTIO_PCI_CAP_LENGTH, 4, length, 0);
	return cap;
}

static void add_notify(struct virtio_pci *p, unsigned bar, u32 offset)
{
	u32 length = (u32)p->virtio->ops->queues * VIRTIO_PCI_NOTIFY_MULTIPLIER;
	u8 cap = add_capability(p, VIRTIO_PCI_CAP_NOTIFY, 4, bar, offset, length);

	pci_define(&p->function, cap + VIRTIO_PCI_CAP_EXTRA, 4, VIRTIO_PCI_NOTIFY_MULTIPLIER, 0);
}

static void add_window(struct virtio_pci *p)
{
	struct pci_function *f = &p->function;
	u8 cap = add_capability(p, VIRTIO_PCI_CAP_PCI, 4, 0, 0, 0);

	pci_define(f, cap + VIRTIO_PCI_CAP_BAR, 1, 0, 0xff);
	pci_define(f, cap + VIRTIO_PCI_CAP_OFFSET, 4, 0, ~0u);
	pci_define(f, cap + VIRTIO_PCI_CAP_LENGTH, 4, 0, ~0u);
	pci_define(f, cap + VIRTIO_PCI_CAP_EXTRA, 4, 0, ~0u);
	p->window = cap;
}

static void add_bars(struct virtio_pci *p, bool ports)
{
	struct pci_function *f = &p->function;

	pci_add_bar(f, VIRTIO_PCI_BAR_REGISTERS,
		    &(struct pci_bar){ .size = VIRTIO_PCI_BAR_SIZE,
				       .read = virtio_pci_read,
				       .write = virtio_pci_write });
	pci_add_bar(f, VIRTIO_PCI_BAR_MSIX, &(struct pci_bar){ .size = MSIX_BAR_SIZE });
	if (ports)
		pci_add_bar(
		    f, VIRTIO_PCI_BAR_PORTS,
		    &(struct pci_bar){
			.size = PORTS_SIZE, .io = true, .read = ports_read, .write = ports_write });
}

void virtio_pci_init(struct virtio_pci *p, struct virtio *v, struct pci *pci, u8 devfn, u32 class,
		     bool ports)
{
	const struct pci_identity id = {
		.vendor = VENDOR,
		.device = (u16)(DEVICE_BASE + v->ops->id),
		.subsystem_vendor = VENDOR,
		.subsystem = SUBSYSTEM,
		.class = class,
		.revision = REVISION,
		.intx_pin = 1,
	};

	*p = (struct virtio_pci){ .virtio = v };
	pci_add(pci, &p->function, devfn, &id);
	p->function.before = before;
	p->function.written = written;
	p->function.replaced = replaced;
	add_bars(p, ports);
	/* The last one added comes first, and is what a driver prefers: memory, which all can. */
	add_capability(p, VIRTIO_PCI_CAP_COMMON, 0, VIRTIO_PCI_BAR_REGISTERS, VIRTIO_PCI_COMMON,
		       VIRTIO_PCI_COMMON_SIZE);
	if (ports)
		add_notify(p, VIRTIO_PCI_BAR_PORTS, 0);
	add_notify(p, VIRTIO_PCI_BAR_REGISTERS, VIRTIO_PCI_NOTIFY);
	add_capability(p, VIRTIO_PCI_CAP_ISR, 0, VIRTIO_PCI_BAR_REGISTERS, VIRTIO_PCI_ISR, 1);
	if (v->ops->config_size)
		add_capability(p, VIRTIO_PCI_CAP_DEVICE, 0, VIRTIO_PCI_BAR_REGISTERS,
			       VIRTIO_PCI_DEVICE, v->ops->config_size);
	add_window(p);
	pci_add_msix(&p->function, VIRTIO_PCI_BAR_MSIX, v->ops->queues + 1u);
	v->transport = &transport;
	v->transport_of = p;
	virtio_reset(v);
}

/* ---- Saved states -------------------------------------------------------- */

void virtio_pci_save(const struct virtio_pci *p, struct state_buf *buf)
{
	state_put(buf, p->device_feature_select, 4);
	state_put(buf, p->driver_feature_select, 4);
	state_put(buf, p->queue_select, 2);
	for (unsigned n = 0; n < ARRAY_SIZE(p->vector); n++)
		state_put(buf, p->vector[n], 2);
	state_put(buf, p->isr, 1);
	virtio_save(p->virtio, buf);
}

int virtio_pci_load(struct virtio_pci *p, struct state_buf *buf)
{
	struct virtio_pci new = *p;
	struct virtio v = *p->virtio;

	new.device_feature_select = (u32)state_get(buf, 4);
	new.driver_feature_select = (u32)state_get(buf, 4);
	new.queue_select = (u16)state_get(buf, 2);
	for (unsigned n = 0; n < ARRAY_SIZE(new.vector); n++) {
		u16 vector = (u16)state_get(buf, 2);

		new.vector[n] = valid_vector(p, vector);
		if (new.vector[n] != vector)
			state_refuse(buf,
				     "a virtio device has an interrupt vector that is not there");
	}
	new.isr = (u8)state_get_max(buf, 1, VIRTIO_PCI_ISR_QUEUE | VIRTIO_PCI_ISR_CONFIG,
				    "a virtio device has unknown interrupts");
	virtio_load(&v, buf);
	if (buf->error)
		return -1;
	new.was_master = pci_master(&p->function);
	*p->virtio = v;
	*p = new;
	return 0;
}
