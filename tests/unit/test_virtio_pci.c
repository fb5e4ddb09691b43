/* test_virtio_pci.c - registers, negotiation, interrupts: dev/virtio.c, dev/virtio_pci.c */
#include "virtio_driver.h"

#include "dev/section.h"

void test_virtio_pci_register(void);

#define DATA 0x40000ull
#define DEVFN 0x20
#define F_ODD BIT(3) /* a feature of the device's own */
#define F_NOBODYS BIT(4)
#define CONFIG_SIZE 6

/* A device that does as little as one can: it gives buffers back, when it is told to. */
static struct {
	struct virtio virtio;
	struct virtio_pci pci;
	u8 config[CONFIG_SIZE];
	unsigned notified[2], forgotten[2];
	bool hold, in_flight; /* keep what is taken; others work on it */
	struct virtqueue_chain chain;
} dev;

static struct virtio_machine vm;
static struct driver driver;

static void serve(struct virtio *v, unsigned n)
{
	do {
		while (!(dev.hold && dev.in_flight) && virtio_pop(v, n, &dev.chain)) {
			if (dev.hold)
				dev.in_flight = true;
			else
				virtio_push(v, n, dev.chain.head, dev.chain.epoch, 1);
		}
		virtio_publish(v, n);
	} while (!dev.in_flight && virtio_listen(v, n));
}

static void dev_notify(struct virtio *v, unsigned n)
{
	dev.notified[n]++;
	serve(v, n);
}

static u8 dev_config_read(struct virtio *v UNUSED, unsigned offset)
{
	return dev.config[offset];
}

static void dev_config_write(struct virtio *v UNUSED, unsigned offset, u8 value)
{
	dev.config[offset] = value;
}

static void dev_forget(struct virtio *v UNUSED, unsigned n)
{
	dev.forgotten[n]++;
}

static bool dev_busy(const struct virtio *v UNUSED)
{
	return dev.in_flight;
}

static const struct virtio_ops ops = {
	.id = 42,
	.queues = 2,
	.queue_size = { 64, 32 },
	.config_size = CONFIG_SIZE,
	.notify = dev_notify,
	.config_read = dev_config_read,
	.config_write = dev_config_write,
	.forget = dev_forget,
	.busy = dev_busy,
};

static void start(void)
{
	vmachine_init(&vm);
	memset(&dev, 0, sizeof(dev));
	virtio_init(&dev.virtio, &vm.m.bus, &ops, F_ODD);
	virtio_pci_init(&dev.pci, &dev.virtio, &vm.pci, DEVFN, 0x123456, true);
	driver_init(&driver, &vm, &dev.pci);
}

static void end(void)
{
	vmachine_free(&vm);
}

static u32 config(unsigned offset, unsigned size)
{
	return pci_config_read(&vm.pci, DEVFN, offset, size);
}

static u8 status(void)
{
	return (u8)driver_read(&driver, VIRTIO_PCI_STATUS, 1);
}

static u16 add(unsigned n)
{
	const struct piece piece = { DATA, 16, true };

	return ring_add(&driver.ring[n], &piece, 1);
}

static void tell(unsigned n)
{
	driver_write(&driver, VIRTIO_PCI_NOTIFY + 4 * n, 2, n);
}

static bool taken(unsigned n)
{
	u32 id, len;

	return ring_take(&driver.ring[n], &id, &len);
}

static struct line *intx(void)
{
	return &vm.irq[pci_line(DEVFN, 1)];
}

/* ---- What the function says it is ---------------------------------------- */

static void test_identity(void)
{
	start();
	CU_ASSERT_EQUAL(config(PCI_VENDOR_ID, 2), 0x1af4);
	CU_ASSERT_EQUAL(config(PCI_DEVICE_ID, 2), 0x1040 + 42);
	CU_ASSERT_EQUAL(config(PCI_REVISION_ID, 1), 1);
	CU_ASSERT(config(PCI_SUBSYSTEM_ID, 2) >= 0x40);
	CU_ASSERT_EQUAL(config(PCI_CLASS, 2), 0x3456);
	CU_ASSERT_EQUAL(config(PCI_INTERRUPT_PIN, 1), 1);
	end();
}

/* The first capability of a type at or behind at; 0: none. */
static unsigned find_cap(unsigned at, unsigned type)
{
	while (at && (config(at, 1) != PCI_CAP_VENDOR || config(at + 3, 1) != type))
		at = config(at + 1, 1);
	return at;
}

static void check_cap(unsigned type, unsigned bar, u32 offset, u32 length)
{
	unsigned cap = find_cap(config(PCI_CAPABILITIES, 1), type);

	CU_ASSERT_FATAL(cap != 0);
	CU_ASSERT(config(cap + 2, 1) >= 16);
	CU_ASSERT_EQUAL(config(cap + 4, 1), bar);
	CU_ASSERT_EQUAL(config(cap + 8, 4), offset);
	CU_ASSERT_EQUAL(config(cap + 12, 4), length);
}

static void test_capabilities(void)
{
	unsigned first = 0, second = 0;

	start();
	check_cap(VIRTIO_PCI_CAP_COMMON, 0, 0, 0x3c);
	check_cap(VIRTIO_PCI_CAP_ISR, 0, 0x1000, 1);
	check_cap(VIRTIO_PCI_CAP_DEVICE, 0, 0x2000, CONFIG_SIZE);
	check_cap(VIRTIO_PCI_CAP_NOTIFY, 0, 0x3000, 8); /* all drivers can use memory */
	first = find_cap(config(PCI_CAPABILITIES, 1), VIRTIO_PCI_CAP_NOTIFY);
	second = find_cap(config(first + 1, 1), VIRTIO_PCI_CAP_NOTIFY);
	CU_ASSERT_EQUAL(config(second + 4, 1), 2);
	CU_ASSERT_EQUAL(config(second + 8, 4), 0);
	CU_ASSERT_EQUAL(config(first + 16, 4), 4);
	CU_ASSERT_EQUAL(config(second + 16, 4), 4);
	CU_ASSERT(find_cap(config(PCI_CAPABILITIES, 1), VIRTIO_PCI_CAP_PCI) != 0);
	/* They are read-only, and survive a reset. */
	pci_config_write(&vm.pci, DEVFN, first + 4, 1, 5);
	CU_ASSERT_EQUAL(config(first + 4, 1), 0);
	pci_reset(&vm.pci);
	check_cap(VIRTIO_PCI_CAP_NOTIFY, 0, 0x3000, 8);
	end();
}

/* ---- Negotiation --------------------------------------------------------- */

static void test_bad_features(void)
{
	start();
	CU_ASSERT(!driver_negotiate(&driver, 0));
	CU_ASSERT(!driver_negotiate(&driver, F_ODD)); /* without VERSION_1 */
	CU_ASSERT(!driver_negotiate(&driver, VIRTIO_F_VERSION_1 | F_NOBODYS));
	CU_ASSERT(!driver_negotiate(&driver, VIRTIO_F_VERSION_1 | BIT(34)));
	CU_ASSERT(!driver_negotiate(&driver, ~0ull));
	/* Without FEATURES_OK there is no DRIVER_OK, and nothing is served. */
	driver_queue(&driver, 0, 32);
	driver_status(&driver, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK);
	CU_ASSERT(!(status() & VIRTIO_DRIVER_OK));
	add(0);
	tell(0);
	CU_ASSERT_EQUAL(dev.notified[0], 0);
	end();
}

static void test_features(void)
{
	start();
	CU_ASSERT_EQUAL(driver_features(&driver), VIRTIO_F_ALL | F_ODD);
	driver_write(&driver, VIRTIO_PCI_DEVICE_FEATURE_SELECT, 4, 2);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE_FEATURE, 4), 0);
	driver_write(&driver, VIRTIO_PCI_DEVICE_FEATURE_SELECT, 4, ~0u);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE_FEATURE, 4), 0);
	CU_ASSERT(driver_negotiate(&driver, VIRTIO_F_VERSION_1 | F_ODD));
	CU_ASSERT(virtio_has(&dev.virtio, F_ODD));
	CU_ASSERT(!virtio_has(&dev.virtio, VIRTIO_F_EVENT_IDX));
	/* Too late. */
	driver_write(&driver, VIRTIO_PCI_DRIVER_FEATURE_SELECT, 4, 0);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DRIVER_FEATURE, 4), F_ODD);
	driver_write(&driver, VIRTIO_PCI_DRIVER_FEATURE, 4, 0);
	CU_ASSERT(virtio_has(&dev.virtio, F_ODD));
	/* Writing fewer bits takes none away; a driver cannot make it need a reset. */
	driver_status(&driver, VIRTIO_ACKNOWLEDGE);
	CU_ASSERT_EQUAL(status(), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	driver_status(&driver, 0xff);
	CU_ASSERT(!(status() & VIRTIO_NEEDS_RESET));
	driver_status(&driver, 0);
	CU_ASSERT_EQUAL(status(), 0);
	CU_ASSERT(!virtio_has(&dev.virtio, F_ODD));
	end();
}

/* A queue of EVENT_IDX may be set up before the features are known. */
static void test_early_queue(void)
{
	start();
	driver.ring[0].event_idx = true;
	driver_queue(&driver, 0, 32);
	driver_status(&driver, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	driver_write(&driver, VIRTIO_PCI_DRIVER_FEATURE_SELECT, 4, 0);
	driver_write(&driver, VIRTIO_PCI_DRIVER_FEATURE, 4, VIRTIO_F_EVENT_IDX);
	driver_write(&driver, VIRTIO_PCI_DRIVER_FEATURE_SELECT, 4, 1);
	driver_write(&driver, VIRTIO_PCI_DRIVER_FEATURE, 4, VIRTIO_F_VERSION_1 >> 32);
	driver_status(&driver, VIRTIO_FEATURES_OK);
	CU_ASSERT(dev.virtio.queue[0].event_idx);
	add(0);
	driver_status(&driver, VIRTIO_DRIVER_OK); /* what is there already is looked at */
	CU_ASSERT(taken(0));
	end();
}

/* ---- Queues -------------------------------------------------------------- */

static void test_queue_registers(void)
{
	start();
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_NUM_QUEUES, 2), 2);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_SIZE, 2), 64);
	driver_write(&driver, VIRTIO_PCI_QUEUE_SELECT, 2, 1);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_SIZE, 2), 32);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_NOTIFY_OFF, 2), 1);
	driver_write(&driver, VIRTIO_PCI_QUEUE_SIZE, 2, 64); /* more than there are */
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_SIZE, 2), 32);
	driver_write(&driver, VIRTIO_PCI_QUEUE_SIZE, 2, 24); /* no power of two */
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_SIZE, 2), 32);
	driver_write(&driver, VIRTIO_PCI_QUEUE_SIZE, 2, 0);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_SIZE, 2), 32);
	driver_write(&driver, VIRTIO_PCI_QUEUE_DESC, 8, 0x123456789abcdef0);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_DESC, 4), 0x9abcdef0);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_DESC + 4, 4), 0x12345678);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_DESC, 8), 0x123456789abcdef0);
	driver_queue(&driver, 1, 16);
	driver_write(&driver, VIRTIO_PCI_QUEUE_DESC, 4, 0); /* it is on: nothing moves */
	driver_write(&driver, VIRTIO_PCI_QUEUE_SIZE, 2, 8);
	driver_write(&driver, VIRTIO_PCI_QUEUE_ENABLE, 2, 0);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_DESC, 4), driver.ring[1].descriptors);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_SIZE, 2), 16);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_ENABLE, 2), 1);
	end();
}

static void test_no_such_queue(void)
{
	start();
	for (unsigned n = 2; n < 0x10000; n = 2 * n + 1) {
		driver_write(&driver, VIRTIO_PCI_QUEUE_SELECT, 2, n);
		CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_SELECT, 2), n);
		CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_SIZE, 2), 0);
		for (unsigned at = VIRTIO_PCI_QUEUE_SIZE; at < VIRTIO_PCI_COMMON_SIZE; at += 2)
			driver_write(&driver, at, 2, 1);
		CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_ENABLE, 2), 0);
		CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_VECTOR, 2), 0xffff);
	}
	CU_ASSERT(driver_start(&driver, 0, 16));
	for (unsigned offset = 0; offset < PAGE_SIZE; offset += 4)
		driver_write(&driver, VIRTIO_PCI_NOTIFY + offset, 2, 7);
	CU_ASSERT_EQUAL(dev.notified[0], 2); /* DRIVER_OK, and its own offset */
	CU_ASSERT_EQUAL(dev.notified[1], 2);
	end();
}

static void test_notify(void)
{
	u64 base;

	start();
	CU_ASSERT(driver_start(&driver, 0, 16));
	dev.notified[0] = dev.notified[1] = 0;
	add(1);
	tell(1);
	CU_ASSERT_EQUAL(dev.notified[1], 1);
	CU_ASSERT(taken(1));
	CU_ASSERT_FATAL(pci_bar_address(&dev.pci.function, VIRTIO_PCI_BAR_PORTS, &base));
	add(0);
	bus_out(&vm.m.bus, (u16)base, 2, 0);
	CU_ASSERT_EQUAL(dev.notified[0], 1);
	CU_ASSERT(taken(0));
	bus_out(&vm.m.bus, (u16)(base + 4), 2, 1);
	CU_ASSERT_EQUAL(dev.notified[1], 2);
	bus_out(&vm.m.bus, (u16)(base + 8), 2, 2);
	CU_ASSERT_EQUAL(bus_in(&vm.m.bus, (u16)base, 4), 0);
	end();
}

/* Without bus mastering nothing is touched; what came meanwhile is served afterwards. */
static void test_master(void)
{
	start();
	CU_ASSERT(driver_start(&driver, 0, 16));
	pci_config_write(&vm.pci, DEVFN, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	add(0);
	vm.accesses = 0;
	tell(0);
	CU_ASSERT_EQUAL(vm.accesses, 0);
	CU_ASSERT(!taken(0));
	pci_config_write(&vm.pci, DEVFN, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	CU_ASSERT(taken(0));
	end();
}

/* ---- Resets -------------------------------------------------------------- */

static void test_broken(void)
{
	start();
	CU_ASSERT(driver_start(&driver, 0, 16));
	ring_offer(&driver.ring[0], 999);
	tell(0);
	CU_ASSERT(status() & VIRTIO_NEEDS_RESET);
	CU_ASSERT_PTR_NOT_NULL(dev.virtio.cause);
	CU_ASSERT(intx()->level);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_ISR, 1), VIRTIO_PCI_ISR_CONFIG);
	CU_ASSERT(!intx()->level);
	/* The other queue is dead as well. */
	dev.notified[1] = 0;
	add(1);
	tell(1);
	CU_ASSERT_EQUAL(dev.notified[1], 0);
	CU_ASSERT(driver_start(&driver, 0, 16));
	CU_ASSERT_PTR_NULL(dev.virtio.cause);
	add(1);
	tell(1);
	CU_ASSERT(taken(1));
	end();
}

static void test_reset_in_flight(void)
{
	struct virtqueue_chain old;

	start();
	CU_ASSERT(driver_start(&driver, 0, 16));
	dev.hold = true;
	add(0);
	tell(0);
	CU_ASSERT(dev.in_flight);
	old = dev.chain;
	dev.forgotten[0] = 0;
	driver_status(&driver, 0);
	CU_ASSERT_NOT_EQUAL(status(), 0); /* not yet */
	CU_ASSERT(dev.forgotten[0] > 0);
	driver_status(&driver, VIRTIO_ACKNOWLEDGE);
	driver_write(&driver, VIRTIO_PCI_QUEUE_SELECT, 2, 0);
	driver_write(&driver, VIRTIO_PCI_QUEUE_DESC, 4, 0x5000);
	driver_write(&driver, VIRTIO_PCI_QUEUE_ENABLE, 2, 1);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_ENABLE, 2), 0);
	dev.in_flight = dev.hold = false;
	vm.accesses = 0;
	virtio_push(&dev.virtio, 0, old.head, old.epoch, 1);
	virtio_publish(&dev.virtio, 0);
	virtio_settle(&dev.virtio);
	CU_ASSERT_EQUAL(vm.accesses, 0);
	CU_ASSERT_EQUAL(status(), 0);
	CU_ASSERT(driver_start(&driver, 0, 16));
	add(0);
	tell(0);
	virtio_push(&dev.virtio, 0, old.head, old.epoch, 1); /* later still */
	CU_ASSERT(taken(0));
	CU_ASSERT(!taken(0));
	end();
}

static u64 queue_reset(void)
{
	return driver_read(&driver, VIRTIO_PCI_QUEUE_RESET, 2);
}

static void test_queue_reset(void)
{
	start();
	CU_ASSERT(driver_start(&driver, VIRTIO_F_RING_RESET, 16));
	add(0);
	add(1);
	tell(0);
	tell(1);
	driver_write(&driver, VIRTIO_PCI_QUEUE_SELECT, 2, 1);
	driver_write(&driver, VIRTIO_PCI_QUEUE_RESET, 2, 1);
	CU_ASSERT_EQUAL(queue_reset(), 0); /* done at once */
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_ENABLE, 2), 0);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_SIZE, 2), 32);
	driver_queue(&driver, 1, 8);
	add(1);
	tell(1);
	CU_ASSERT(taken(1));
	/* With something in flight: later. */
	dev.hold = true;
	add(1);
	tell(1);
	driver_write(&driver, VIRTIO_PCI_QUEUE_RESET, 2, 1);
	CU_ASSERT_EQUAL(queue_reset(), 1);
	driver_write(&driver, VIRTIO_PCI_QUEUE_ENABLE, 2, 1);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_ENABLE, 2), 0);
	dev.in_flight = dev.hold = false;
	virtio_settle(&dev.virtio);
	CU_ASSERT_EQUAL(queue_reset(), 0);
	CU_ASSERT_EQUAL(status() & VIRTIO_DRIVER_OK, VIRTIO_DRIVER_OK); /* the device runs on */
	add(0);
	tell(0);
	CU_ASSERT(taken(0) && taken(0));
	end();
}

static void test_queue_reset_not_negotiated(void)
{
	start();
	CU_ASSERT(driver_start(&driver, 0, 16));
	driver_write(&driver, VIRTIO_PCI_QUEUE_SELECT, 2, 0);
	driver_write(&driver, VIRTIO_PCI_QUEUE_RESET, 2, 1);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_ENABLE, 2), 1);
	end();
}

/* The whole machine is reset, with something in flight. */
static void test_power_on(void)
{
	start();
	CU_ASSERT(driver_start(&driver, 0, 16));
	dev.hold = true;
	add(0);
	tell(0);
	CU_ASSERT(virtio_busy(&dev.virtio));
	virtio_reset(&dev.virtio);
	pci_reset(&vm.pci);
	CU_ASSERT_EQUAL(dev.virtio.status, 0);
	CU_ASSERT(virtio_busy(&dev.virtio));
	CU_ASSERT(!intx()->level);
	end();
}

/* ---- Interrupts ---------------------------------------------------------- */

static void test_intx(void)
{
	start();
	CU_ASSERT(driver_start(&driver, 0, 16));
	add(0);
	tell(0);
	CU_ASSERT(intx()->level);
	CU_ASSERT(config(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	add(0);
	tell(0);
	CU_ASSERT_EQUAL(intx()->rises, 1);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_ISR, 1), VIRTIO_PCI_ISR_QUEUE);
	CU_ASSERT(!intx()->level);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_ISR, 1), 0);
	virtio_config_changed(&dev.virtio);
	add(1);
	tell(1);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_ISR, 1),
			VIRTIO_PCI_ISR_CONFIG | VIRTIO_PCI_ISR_QUEUE);
	virtio_config_changed(&dev.virtio);
	CU_ASSERT(intx()->level);
	driver_status(&driver, 0);
	CU_ASSERT(!intx()->level);
	end();
}

static void test_msix(void)
{
	start();
	CU_ASSERT(driver_start(&driver, 0, 16));
	driver_msix(&driver);
	add(0);
	tell(0);
	CU_ASSERT_EQUAL(vm.msis, 1);
	CU_ASSERT_EQUAL(vm.msi_data, 0x41);
	add(1);
	tell(1);
	CU_ASSERT_EQUAL(vm.msi_data, 0x42);
	virtio_config_changed(&dev.virtio);
	CU_ASSERT_EQUAL(vm.msis, 3);
	CU_ASSERT_EQUAL(vm.msi_data, 0x40);
	CU_ASSERT(!intx()->level);
	/* A vector that is not there is none; none is silent. */
	driver_write(&driver, VIRTIO_PCI_QUEUE_SELECT, 2, 0);
	driver_write(&driver, VIRTIO_PCI_QUEUE_VECTOR, 2, 3);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_VECTOR, 2), 0xffff);
	driver_write(&driver, VIRTIO_PCI_CONFIG_VECTOR, 2, 0xfffe);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_CONFIG_VECTOR, 2), 0xffff);
	add(0);
	tell(0);
	virtio_config_changed(&dev.virtio);
	CU_ASSERT_EQUAL(vm.msis, 3);
	/* Two events may share a vector; a reset unmaps all. */
	driver_write(&driver, VIRTIO_PCI_QUEUE_VECTOR, 2, 2);
	add(0);
	tell(0);
	CU_ASSERT_EQUAL(vm.msi_data, 0x42);
	driver_status(&driver, 0);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_QUEUE_VECTOR, 2), 0xffff);
	end();
}

/* ---- Configuration ------------------------------------------------------- */

static void test_device_config(void)
{
	u64 generation;

	start();
	memcpy(dev.config, "\x11\x22\x33\x44\x55\x66", CONFIG_SIZE);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE, 4), 0x44332211);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE + 1, 2), 0x3322);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE + 4, 8), 0x6655); /* and nothing */
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE + 6, 4), 0);
	driver_write(&driver, VIRTIO_PCI_DEVICE + 4, 4, 0xddccbbaa);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE + 4, 2), 0xbbaa);
	generation = driver_read(&driver, VIRTIO_PCI_GENERATION, 1);
	for (unsigned i = 0; i < 256; i++) /* as many as make a byte come round */
		virtio_config_changed(&dev.virtio);
	(void)driver_read(&driver, VIRTIO_PCI_DEVICE, 4);
	CU_ASSERT_NOT_EQUAL(driver_read(&driver, VIRTIO_PCI_GENERATION, 1), generation);
	generation = driver_read(&driver, VIRTIO_PCI_GENERATION, 1);
	(void)driver_read(&driver, VIRTIO_PCI_DEVICE, 4);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_GENERATION, 1), generation);
	end();
}

static unsigned window;

static void point_window(u8 bar, u32 offset, u32 length)
{
	window = find_cap(config(PCI_CAPABILITIES, 1), VIRTIO_PCI_CAP_PCI);
	pci_config_write(&vm.pci, DEVFN, window + 4, 1, bar);
	pci_config_write(&vm.pci, DEVFN, window + 8, 4, offset);
	pci_config_write(&vm.pci, DEVFN, window + 12, 4, length);
}

static void test_window(void)
{
	start();
	/* It works while the BARs are not decoded: that is what it is for. */
	pci_config_write(&vm.pci, DEVFN, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	point_window(0, VIRTIO_PCI_NUM_QUEUES, 2);
	CU_ASSERT_EQUAL(config(window + 16, 2), 2);
	point_window(0, VIRTIO_PCI_QUEUE_SELECT, 2);
	pci_config_write(&vm.pci, DEVFN, window + 16, 2, 1);
	point_window(0, VIRTIO_PCI_QUEUE_SIZE, 2);
	CU_ASSERT_EQUAL(config(window + 16, 4) & 0xffff, 32);
	point_window(0, VIRTIO_PCI_STATUS, 1);
	pci_config_write(&vm.pci, DEVFN, window + 16, 1, VIRTIO_ACKNOWLEDGE);
	CU_ASSERT_EQUAL(dev.virtio.status, VIRTIO_ACKNOWLEDGE);
	CU_ASSERT_EQUAL(config(window + 16, 1), VIRTIO_ACKNOWLEDGE);
	end();
}

static void test_window_astray(void)
{
	static const struct {
		u8 bar;
		u32 offset, length;
	} bad[] = {
		{ 0, 0x14, 0 },	  { 0, 0x14, 3 }, { 0, 0x14, 8 },    { 0, 0x16, 4 },
		{ 0, 0x4000, 1 }, { 0, ~0u, 1 },  { 0, ~0u - 3, 4 }, { 3, 0, 4 },
		{ 6, 0, 4 },	  { 255, 0, 4 },  { 2, 16, 1 },
	};

	start();
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		point_window(bad[i].bar, bad[i].offset, bad[i].length);
		pci_config_write(&vm.pci, DEVFN, window + 16, 4, ~0u);
		(void)config(window + 16, 4);
		(void)config(window + 18, 1);
		CU_ASSERT_EQUAL(dev.virtio.status, 0);
	}
	end();
}

/* ---- Any access, saved states -------------------------------------------- */

static void poke(void)
{
	static const u64 values[] = { 0, 1, 0x0f, 0xff, 0xffff, 0xdeadbeef, ~0ull };

	for (unsigned v = 0; v < ARRAY_SIZE(values); v++)
		for (u64 offset = 0; offset < VIRTIO_PCI_BAR_SIZE;
		     offset += offset % 4096 < 80 ? 1 : 509)
			for (unsigned size = 1; size <= 8; size *= 2) {
				virtio_pci_write(&dev.pci.function, offset, size, values[v]);
				(void)virtio_pci_read(&dev.pci.function, offset, size);
			}
}

static void test_any_access(void)
{
	start();
	poke();
	CU_ASSERT(driver_start(&driver, VIRTIO_F_RING_RESET | VIRTIO_F_EVENT_IDX, 16));
	poke();
	end();
}

static void save(const void *unused UNUSED, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_VIRTIO_RNG, 1);

	virtio_pci_save(&dev.pci, buf);
	state_end_section(buf, begin);
}

static int load(void *unused UNUSED, struct state_buf *buf)
{
	return virtio_pci_load(&dev.pci, buf);
}

/* What the registers and queues are; the epochs go on. */
static void poke_loaded(void)
{
	virtio_notify_all(&dev.virtio);
	for (u64 offset = 0; offset < VIRTIO_PCI_COMMON_SIZE; offset++)
		(void)virtio_pci_read(&dev.pci.function, offset, 4);
}

static void test_saved(void)
{
	/* Corrupt queues may be given anything: RAM is 6 MiB and a hole, all of it may be written.
	 */
	const struct saved_device d = { &dev, sizeof(dev), DEVICE_SECTION_VIRTIO_RNG,
					save, load,	   poke_loaded };
	u8 before[256], after[256];
	size_t size;
	const char *error;

	start();
	CU_ASSERT(driver_start(&driver, VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC, 16));
	driver_write(&driver, VIRTIO_PCI_QUEUE_SELECT, 2, 1);
	driver_write(&driver, VIRTIO_PCI_QUEUE_VECTOR, 2, 2);
	for (unsigned i = 0; i < 5; i++) {
		add(1);
		tell(1);
	}
	size = saved_write(&d, before, sizeof(before));
	driver_status(&driver, 0);
	CU_ASSERT_EQUAL(saved_read(&d, before, size, &error), 0);
	CU_ASSERT_EQUAL(saved_write(&d, after, sizeof(after)), size);
	CU_ASSERT_EQUAL(memcmp(before, after, size), 0);
	driver.ring[1].seen = 5;
	add(1);
	tell(1);
	CU_ASSERT(taken(1)); /* it goes on where it was */
	check_truncated(&d);
	check_corrupt(&d);
	end();
}

static void save_busy(void *unused UNUSED)
{
	u8 data[256];
	struct state_buf buf = { .data = data, .size = sizeof(data) };

	virtio_pci_save(&dev.pci, &buf);
}

static void test_saved_busy(void)
{
	start();
	CU_ASSERT(driver_start(&driver, 0, 16));
	dev.hold = true;
	add(0);
	tell(0);
	CU_ASSERT(panics(save_busy, NULL));
	end();
}

void test_virtio_pci_register(void)
{
	CU_pSuite s = CU_add_suite("virtio_pci", NULL, NULL);

	CU_add_test(s, "features that are refused", test_bad_features);
	CU_add_test(s, "queues that are not there", test_no_such_queue);
	CU_add_test(s, "a broken ring", test_broken);
	CU_add_test(s, "any access", test_any_access);
	CU_add_test(s, "the window astray", test_window_astray);
	CU_add_test(s, "identity", test_identity);
	CU_add_test(s, "capabilities", test_capabilities);
	CU_add_test(s, "features", test_features);
	CU_add_test(s, "a queue before the features", test_early_queue);
	CU_add_test(s, "queue registers", test_queue_registers);
	CU_add_test(s, "notifications", test_notify);
	CU_add_test(s, "bus mastering", test_master);
	CU_add_test(s, "reset with a buffer in flight", test_reset_in_flight);
	CU_add_test(s, "reset of a queue", test_queue_reset);
	CU_add_test(s, "reset of a queue, not negotiated", test_queue_reset_not_negotiated);
	CU_add_test(s, "power-on with a buffer in flight", test_power_on);
	CU_add_test(s, "INTx", test_intx);
	CU_add_test(s, "MSI-X", test_msix);
	CU_add_test(s, "device configuration", test_device_config);
	CU_add_test(s, "the window in configuration space", test_window);
	CU_add_test(s, "saved states", test_saved);
	CU_add_test(s, "saved too early", test_saved_busy);
}
