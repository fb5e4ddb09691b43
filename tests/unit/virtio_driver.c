/* virtio_driver.c - see virtio_driver.h */
#include "virtio_driver.h"

#define DESCRIPTOR_SIZE 16
#define BARS_BASE 0xfe000000ull

/* ---- The machine --------------------------------------------------------- */

static struct virtio_machine *of_bus(const struct bus *bus)
{
	struct machine *m = container_of(bus, struct machine, bus);

	return container_of(m, struct virtio_machine, m);
}

static void *find_ram(const struct virtio_machine *vm, u64 a, u64 len)
{
	u64 n = a / LARGE_PAGE_SIZE, at = a % LARGE_PAGE_SIZE;

	if (n >= RAM_PIECES || !vm->piece[n] || len > LARGE_PAGE_SIZE - at)
		return NULL;
	return vm->piece[n] + at;
}

static void *ram(const struct bus *bus, gpa_t a, u64 len)
{
	of_bus(bus)->accesses++;
	return find_ram(of_bus(bus), a.v, len);
}

static void msi(struct bus *bus, u64 address, u32 data)
{
	struct virtio_machine *vm = of_bus(bus);

	CU_ASSERT_EQUAL(address, MSI_ADDRESS);
	vm->msis++;
	vm->msi_data = data;
}

static void posted(struct bus *bus)
{
	of_bus(bus)->posts++;
}

void vmachine_init(struct virtio_machine *vm)
{
	struct wire wires[PCI_INTX_LINES];

	memset(vm, 0, sizeof(*vm));
	machine_init(&vm->m);
	vm->m.bus.ram = ram;
	vm->m.bus.msi = msi;
	vm->m.bus.posted = posted;
	for (unsigned i = 0; i < RAM_PIECES; i++)
		if (i != RAM_HOLE)
			vm->piece[i] = calloc(1, LARGE_PAGE_SIZE);
	for (unsigned i = 0; i < PCI_INTX_LINES; i++)
		wires[i] = line_wire(&vm->irq[i]);
	pci_init(&vm->pci, &vm->m.bus, wires);
}

void vmachine_free(struct virtio_machine *vm)
{
	for (unsigned i = 0; i < RAM_PIECES; i++)
		free(vm->piece[i]);
}

void *vmachine_at(struct virtio_machine *vm, u64 a, u64 len)
{
	void *p = find_ram(vm, a, len);

	if (!p)
		abort();
	return p;
}

void vmachine_put16(struct virtio_machine *vm, u64 a, u16 value)
{
	memcpy(vmachine_at(vm, a, sizeof(value)), &value, sizeof(value));
}

u16 vmachine_get16(struct virtio_machine *vm, u64 a)
{
	u16 value;

	memcpy(&value, vmachine_at(vm, a, sizeof(value)), sizeof(value));
	return value;
}

void vmachine_work(struct virtio_machine *vm)
{
	while (vm->m.bus.works_posted)
		bus_run_works(&vm->m.bus);
}

/* ---- Rings --------------------------------------------------------------- */

void ring_init(struct ring *ring, struct virtio_machine *vm, u64 base, u16 size)
{
	*ring = (struct ring){
		.vm = vm,
		.size = size,
		.descriptors = base,
		.available = base + 0x2000,
		.used = base + 0x3000,
	};
	memset(vmachine_at(vm, base, 0x4000), 0, 0x4000);
}

static void put_descriptor(struct virtio_machine *vm, u64 at, u64 address, u32 len, u16 flags,
			   u16 next)
{
	struct virtqueue_descriptor d = { address, len, flags, next };

	memcpy(vmachine_at(vm, at, sizeof(d)), &d, sizeof(d));
}

void ring_describe(struct ring *ring, u16 n, u64 address, u32 len, u16 flags, u16 next)
{
	put_descriptor(ring->vm, ring->descriptors + n * DESCRIPTOR_SIZE, address, len, flags,
		       next);
}

void ring_offer(struct ring *ring, u16 head)
{
	vmachine_put16(ring->vm, ring->available + 4 + 2 * (ring->added % ring->size), head);
	ring->added++;
	vmachine_put16(ring->vm, ring->available + 2, ring->added);
}

static u16 flags_of(const struct piece *pieces, unsigned i, unsigned count)
{
	return (u16)((pieces[i].write ? VIRTQUEUE_WRITE : 0) |
		     (i + 1 < count ? VIRTQUEUE_NEXT : 0));
}

u16 ring_add(struct ring *ring, const struct piece *pieces, unsigned count)
{
	u16 head = ring->next_descriptor % ring->size;

	for (unsigned i = 0; i < count; i++) {
		u16 n = ring->next_descriptor++ % ring->size;

		ring_describe(ring, n, pieces[i].address, pieces[i].len, flags_of(pieces, i, count),
			      ring->next_descriptor % ring->size);
	}
	ring_offer(ring, head);
	return head;
}

u16 ring_add_indirect(struct ring *ring, u64 table, const struct piece *pieces, unsigned count)
{
	u16 head = ring->next_descriptor++ % ring->size;

	for (unsigned i = 0; i < count; i++)
		put_descriptor(ring->vm, table + i * DESCRIPTOR_SIZE, pieces[i].address,
			       pieces[i].len, flags_of(pieces, i, count), (u16)(i + 1));
	ring_describe(ring, head, table, count * DESCRIPTOR_SIZE, VIRTQUEUE_INDIRECT, 0);
	ring_offer(ring, head);
	return head;
}

bool ring_take(struct ring *ring, u32 *id, u32 *len)
{
	u64 at = ring->used + 4 + 8 * (ring->seen % ring->size);

	if (vmachine_get16(ring->vm, ring->used + 2) == ring->seen)
		return false;
	memcpy(id, vmachine_at(ring->vm, at, 4), 4);
	memcpy(len, vmachine_at(ring->vm, at + 4, 4), 4);
	ring->seen++;
	if (ring->event_idx)
		vmachine_put16(ring->vm, ring->available + 4 + 2 * ring->size, ring->seen);
	return true;
}

void ring_want_interrupt_after(struct ring *ring, u16 n)
{
	vmachine_put16(ring->vm, ring->available + 4 + 2 * ring->size, (u16)(ring->seen + n));
}

bool ring_needs_kick(struct ring *ring)
{
	u16 new = ring->added, old = ring->kicked, event;

	ring->kicked = new;
	if (new == old)
		return false;
	if (!ring->event_idx)
		return !(vmachine_get16(ring->vm, ring->used) & VIRTQUEUE_NO_NOTIFY);
	event = vmachine_get16(ring->vm, ring->used + 4 + 8 * ring->size);
	/* The driver must tell when the element numbered event is among the new ones. */
	for (; old != new; old++)
		if (old == event)
			return true;
	return false;
}

/* ---- The driver ---------------------------------------------------------- */

void driver_init(struct driver *d, struct virtio_machine *vm, struct virtio_pci *p)
{
	const u8 irq[PCI_INTX_LINES] = { 10, 10, 11, 11 };

	*d = (struct driver){ .vm = vm, .p = p, .devfn = p->function.devfn };
	pci_after_firmware(&vm->pci, BARS_BASE, irq);
	pci_config_write(&vm->pci, d->devfn, PCI_COMMAND, 2,
			 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static const struct mmio_range *registers(struct driver *d, u64 offset, u64 *at)
{
	const struct mmio_range *range;
	u64 base = 0;

	CU_ASSERT_FATAL(pci_bar_address(&d->p->function, VIRTIO_PCI_BAR_REGISTERS, &base));
	range = bus_mmio_find(&d->vm->m.bus, gpa(base + offset));
	CU_ASSERT_PTR_NOT_NULL_FATAL(range);
	*at = base + offset - range->base.v;
	return range;
}

u64 driver_read(struct driver *d, u64 offset, unsigned size)
{
	u64 at;
	const struct mmio_range *range = registers(d, offset, &at);

	return range->read(range->dev, at, size);
}

void driver_write(struct driver *d, u64 offset, unsigned size, u64 value)
{
	u64 at;
	const struct mmio_range *range = registers(d, offset, &at);

	range->write(range->dev, at, size, value);
}

u64 driver_features(struct driver *d)
{
	u64 low, high;

	driver_write(d, VIRTIO_PCI_DEVICE_FEATURE_SELECT, 4, 0);
	low = driver_read(d, VIRTIO_PCI_DEVICE_FEATURE, 4);
	driver_write(d, VIRTIO_PCI_DEVICE_FEATURE_SELECT, 4, 1);
	high = driver_read(d, VIRTIO_PCI_DEVICE_FEATURE, 4);
	return low | high << 32;
}

void driver_status(struct driver *d, u8 status)
{
	driver_write(d, VIRTIO_PCI_STATUS, 1, status);
}

bool driver_negotiate(struct driver *d, u64 features)
{
	u8 status = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER;

	driver_status(d, 0);
	driver_status(d, VIRTIO_ACKNOWLEDGE);
	driver_status(d, status);
	for (unsigned word = 0; word < 2; word++) {
		driver_write(d, VIRTIO_PCI_DRIVER_FEATURE_SELECT, 4, word);
		driver_write(d, VIRTIO_PCI_DRIVER_FEATURE, 4, (u32)(features >> (32 * word)));
	}
	driver_status(d, status | VIRTIO_FEATURES_OK);
	return driver_read(d, VIRTIO_PCI_STATUS, 1) & VIRTIO_FEATURES_OK;
}

static void write_address(struct driver *d, unsigned field, u64 value)
{
	driver_write(d, field, 4, (u32)value);
	driver_write(d, field + 4, 4, (u32)(value >> 32));
}

void driver_queue(struct driver *d, unsigned n, u16 size)
{
	struct ring *ring = &d->ring[n];
	bool event_idx = ring->event_idx;

	ring_init(ring, d->vm, DRIVER_RINGS * (n + 1), size);
	ring->event_idx = event_idx;
	driver_write(d, VIRTIO_PCI_QUEUE_SELECT, 2, n);
	driver_write(d, VIRTIO_PCI_QUEUE_SIZE, 2, size);
	CU_ASSERT_EQUAL(driver_read(d, VIRTIO_PCI_QUEUE_SIZE, 2), size);
	write_address(d, VIRTIO_PCI_QUEUE_DESC, ring->descriptors);
	write_address(d, VIRTIO_PCI_QUEUE_DRIVER, ring->available);
	write_address(d, VIRTIO_PCI_QUEUE_DEVICE, ring->used);
	driver_write(d, VIRTIO_PCI_QUEUE_ENABLE, 2, 1);
}

bool driver_start(struct driver *d, u64 features, u16 queue_size)
{
	u64 queues = driver_read(d, VIRTIO_PCI_NUM_QUEUES, 2);

	if (!driver_negotiate(d, features | VIRTIO_F_VERSION_1))
		return false;
	for (unsigned n = 0; n < queues; n++) {
		d->ring[n].event_idx = features & VIRTIO_F_EVENT_IDX;
		driver_queue(d, n, queue_size);
	}
	driver_status(d, (u8)(driver_read(d, VIRTIO_PCI_STATUS, 1) | VIRTIO_DRIVER_OK));
	return true;
}

void driver_msix(struct driver *d)
{
	struct pci *pci = &d->vm->pci;
	const struct mmio_range *range;
	u64 base = 0;
	u8 cap = d->p->function.msix.cap;

	CU_ASSERT_FATAL(pci_bar_address(&d->p->function, VIRTIO_PCI_BAR_MSIX, &base));
	range = bus_mmio_find(&d->vm->m.bus, gpa(base));
	CU_ASSERT_PTR_NOT_NULL_FATAL(range);
	for (unsigned n = 0; n < d->p->function.msix.vectors; n++) {
		range->write(range->dev, 16 * n, 4, (u32)MSI_ADDRESS);
		range->write(range->dev, 16 * n + 4, 4, 0);
		range->write(range->dev, 16 * n + 8, 4, 0x40 + n);
		range->write(range->dev, 16 * n + 12, 4, 0);
	}
	pci_config_write(pci, d->devfn, cap + 2u, 2, 0x8000);
	driver_write(d, VIRTIO_PCI_CONFIG_VECTOR, 2, 0);
	for (unsigned n = 0; n < driver_read(d, VIRTIO_PCI_NUM_QUEUES, 2); n++) {
		driver_write(d, VIRTIO_PCI_QUEUE_SELECT, 2, n);
		driver_write(d, VIRTIO_PCI_QUEUE_VECTOR, 2, n + 1);
	}
}

void driver_kick(struct driver *d, unsigned n)
{
	if (ring_needs_kick(&d->ring[n])) {
		d->ring[n].kicks++;
		driver_write(d, VIRTIO_PCI_NOTIFY + n * VIRTIO_PCI_NOTIFY_MULTIPLIER, 2, n);
	}
	vmachine_work(d->vm);
}
