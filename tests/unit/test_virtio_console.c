/* test_virtio_console.c - characters in and out: dev/virtio_console.c; and dev/virtio_rng.c */
#include "virtio_driver.h"

#include "dev/section.h"
#include "dev/virtio_console.h"
#include "dev/virtio_rng.h"

void test_virtio_console_register(void);

#define BUFFERS 0x60000ull
#define RX VIRTIO_CONSOLE_RX
#define TX VIRTIO_CONSOLE_TX

static struct virtio_machine vm;
static struct virtio_console console;
static struct driver driver;
static char shown[65536];
static size_t shown_len;

static void show(void *context, const char *text, size_t len)
{
	CU_ASSERT_PTR_EQUAL(context, &vm);
	CU_ASSERT(len > 0 && len <= VIRTIO_CONSOLE_CHUNK);
	if (shown_len + len < sizeof(shown))
		memcpy(shown + shown_len, text, len);
	shown_len += len;
}

static void start(u64 features)
{
	vmachine_init(&vm);
	shown_len = 0;
	memset(shown, 0, sizeof(shown));
	virtio_console_init(&console, &vm.m.bus, &vm.pci, 0x28, show, &vm, false);
	driver_init(&driver, &vm, &console.pci);
	CU_ASSERT(driver_start(&driver, features, 32));
}

static void end(void)
{
	vmachine_free(&vm);
}

static bool used(unsigned ring, u32 *len)
{
	u32 id;

	return ring_take(&driver.ring[ring], &id, len);
}

static void say(const char *text)
{
	const struct piece piece = { BUFFERS, (u32)strlen(text), false };

	memcpy(vmachine_at(&vm, BUFFERS, piece.len), text, piece.len);
	ring_add(&driver.ring[TX], &piece, 1);
	driver_kick(&driver, TX);
}

static void test_output(void)
{
	u32 len;

	start(0);
	say("hello");
	say(" world");
	CU_ASSERT_STRING_EQUAL(shown, "hello world");
	CU_ASSERT(used(TX, &len) && len == 0);
	CU_ASSERT(used(TX, &len));
	end();
}

/* Any amount in one buffer is shown in parts, with the guest running in between. */
static void test_large_output(void)
{
	const struct piece piece = { LARGE_PAGE_SIZE - 20000, 30000, false };
	u32 len;

	start(0);
	memset(vmachine_at(&vm, piece.address, 20000), 'a', 20000);
	memset(vmachine_at(&vm, LARGE_PAGE_SIZE, 10000), 'b', 10000);
	ring_add(&driver.ring[TX], &piece, 1);
	driver_write(&driver, VIRTIO_PCI_NOTIFY + 4, 2, 1);
	/* On a real serial line it must not take longer than a turn: 10 ms, and a little. */
	CU_ASSERT(shown_len * 1000000 / 11520 <= 11200);
	CU_ASSERT_EQUAL(shown_len, VIRTIO_CONSOLE_RUN);
	CU_ASSERT(!used(TX, &len));
	bus_run_works(&vm.m.bus);
	CU_ASSERT_EQUAL(shown_len, 2 * VIRTIO_CONSOLE_RUN);
	vmachine_work(&vm);
	CU_ASSERT_EQUAL(shown_len, 30000);
	CU_ASSERT(shown[19999] == 'a' && shown[20000] == 'b');
	CU_ASSERT(used(TX, &len));
	end();
}

static void save_writing(void *unused UNUSED)
{
	u8 data[1024];
	struct state_buf buf = { .data = data, .size = sizeof(data) };

	virtio_console_save(&console, &buf);
}

/* A reset while a buffer is being shown: it is forgotten. */
static void test_reset_while_writing(void)
{
	const struct piece piece = { BUFFERS, 30000, false };
	u32 len;

	start(0);
	ring_add(&driver.ring[TX], &piece, 1);
	driver_write(&driver, VIRTIO_PCI_NOTIFY + 4, 2, 1);
	CU_ASSERT(console.writing);
	CU_ASSERT(panics(save_writing, NULL));
	CU_ASSERT(driver_start(&driver, 0, 32));
	vmachine_work(&vm);
	CU_ASSERT_EQUAL(shown_len, VIRTIO_CONSOLE_RUN);
	say("x");
	CU_ASSERT_EQUAL(shown_len, VIRTIO_CONSOLE_RUN + 1);
	CU_ASSERT(used(TX, &len));
	CU_ASSERT(!used(TX, &len));
	end();
}

/* The driver takes the device off the bus meanwhile. */
static void test_master_lost_while_writing(void)
{
	const struct piece piece = { BUFFERS, 30000, false };

	start(0);
	ring_add(&driver.ring[TX], &piece, 1);
	driver_write(&driver, VIRTIO_PCI_NOTIFY + 4, 2, 1);
	pci_config_write(&vm.pci, 0x28, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	vmachine_work(&vm);
	CU_ASSERT_EQUAL(shown_len, VIRTIO_CONSOLE_RUN);
	CU_ASSERT(!console.writing);
	CU_ASSERT(console.virtio.status & VIRTIO_NEEDS_RESET);
	CU_ASSERT(!panics(save_writing, NULL));
	end();
}

static void test_odd_output(void)
{
	const struct piece writable = { BUFFERS, 10, true };
	u32 len;

	start(0);
	ring_add(&driver.ring[TX], &writable, 1);
	driver_kick(&driver, TX);
	CU_ASSERT_EQUAL(shown_len, 0);
	CU_ASSERT(used(TX, &len));
	end();
}

static void give(u32 len)
{
	const struct piece piece = { BUFFERS + 512 * (driver.ring[RX].added % 16), len, true };

	ring_add(&driver.ring[RX], &piece, 1);
	driver_kick(&driver, RX);
}

static void test_input(void)
{
	u32 len;

	start(VIRTIO_F_EVENT_IDX);
	give(64);
	give(64);
	CU_ASSERT(virtio_console_input(&console, 'a'));
	CU_ASSERT(used(RX, &len) && len == 1);
	CU_ASSERT_EQUAL(*(char *)vmachine_at(&vm, BUFFERS, 1), 'a');
	CU_ASSERT(virtio_console_input(&console, 'b'));
	CU_ASSERT(used(RX, &len) && len == 1);
	/* No buffers: it waits, and comes together. */
	for (char c = '0'; c <= '9'; c++)
		CU_ASSERT(virtio_console_input(&console, (u8)c));
	give(4);
	CU_ASSERT(used(RX, &len) && len == 4);
	CU_ASSERT_EQUAL(memcmp(vmachine_at(&vm, BUFFERS + 1024, 4), "0123", 4), 0);
	give(64);
	CU_ASSERT(used(RX, &len) && len == 6);
	end();
}

static void test_input_full(void)
{
	unsigned taken = 0;
	u32 len;

	start(0);
	while (virtio_console_input(&console, (u8)taken))
		taken++;
	CU_ASSERT_EQUAL(taken, VIRTIO_CONSOLE_INPUT);
	give(100);
	CU_ASSERT(used(RX, &len) && len == 100);
	CU_ASSERT(virtio_console_input(&console, 1)); /* there is room again */
	driver_status(&driver, 0);
	CU_ASSERT(!virtio_console_input(&console, 1)); /* nobody reads */
	end();
}

static void test_emergency(void)
{
	start(0);
	driver_status(&driver, 0);
	driver_write(&driver, VIRTIO_PCI_DEVICE + 8, 4, '!');
	CU_ASSERT_STRING_EQUAL(shown, "!");
	end();
}

static void save(const void *device, struct state_buf *buf)
{
	virtio_console_save(device, buf);
}

static int load(void *device, struct state_buf *buf)
{
	return virtio_console_load(device, buf);
}

static void poke(void)
{
	(void)virtio_console_input(&console, 'x');
	virtio_notify_all(&console.virtio);
	vmachine_work(&vm);
}

static void test_saved(void)
{
	const struct saved_device d = {
		&console, sizeof(console), DEVICE_SECTION_VIRTIO_CONSOLE, save, load, poke
	};
	u8 data[512];
	const char *error;
	size_t size;
	u32 len;

	start(0);
	CU_ASSERT(virtio_console_input(&console, 'q'));
	CU_ASSERT(virtio_console_input(&console, 'r'));
	size = saved_write(&d, data, sizeof(data));
	driver_status(&driver, 0);
	CU_ASSERT_EQUAL(saved_read(&d, data, size, &error), 0);
	give(10);
	CU_ASSERT(used(RX, &len) && len == 2);
	CU_ASSERT_EQUAL(memcmp(vmachine_at(&vm, BUFFERS, 2), "qr", 2), 0);
	check_truncated(&d);
	check_corrupt(&d);
	end();
}

/* ---- Entropy ------------------------------------------------------------- */

static struct virtio_rng rng;
static unsigned filled;

static void fill(void *context, void *to, size_t len)
{
	CU_ASSERT_PTR_EQUAL(context, &vm);
	CU_ASSERT(len <= VIRTIO_RNG_CHUNK);
	memset(to, (int)++filled, len);
}

static void start_rng(void)
{
	vmachine_init(&vm);
	filled = 0;
	virtio_rng_init(&rng, &vm.m.bus, &vm.pci, 0x30, fill, &vm, true);
	driver_init(&driver, &vm, &rng.pci);
	CU_ASSERT(driver_start(&driver, VIRTIO_F_EVENT_IDX, 16));
}

static void test_entropy(void)
{
	const struct piece pieces[] = { { BUFFERS, 10, true }, { BUFFERS + 512, 20, true } };
	const struct piece huge = { BUFFERS, 65536, true };
	const struct piece readable = { BUFFERS, 16, false };
	u32 len;

	start_rng();
	ring_add(&driver.ring[0], pieces, 2);
	driver_kick(&driver, 0);
	CU_ASSERT(used(0, &len) && len == 30);
	CU_ASSERT_EQUAL(*(u8 *)vmachine_at(&vm, BUFFERS + 512 + 19, 1), 1);
	CU_ASSERT_EQUAL(*(u8 *)vmachine_at(&vm, BUFFERS + 512 + 20, 1), 0);
	ring_add(&driver.ring[0], &huge, 1);
	ring_add(&driver.ring[0], &readable, 1);
	driver_kick(&driver, 0);
	CU_ASSERT(used(0, &len) && len == VIRTIO_RNG_CHUNK);
	CU_ASSERT(used(0, &len) && len == 0);
	CU_ASSERT_EQUAL(pci_get(&rng.pci.function, PCI_DEVICE_ID, 2), 0x1044);
	end();
}

static void save_rng(const void *device, struct state_buf *buf)
{
	virtio_rng_save(device, buf);
}

static int load_rng(void *device, struct state_buf *buf)
{
	return virtio_rng_load(device, buf);
}

static void poke_rng(void)
{
	virtio_notify_all(&rng.virtio);
	vmachine_work(&vm);
}

static void test_entropy_saved(void)
{
	const struct saved_device d = { &rng,	  sizeof(rng), DEVICE_SECTION_VIRTIO_RNG,
					save_rng, load_rng,    poke_rng };

	start_rng();
	check_truncated(&d);
	check_corrupt(&d);
	end();
}

void test_virtio_console_register(void)
{
	CU_pSuite s = CU_add_suite("virtio_console, virtio_rng", NULL, NULL);

	CU_add_test(s, "a buffer that cannot be read", test_odd_output);
	CU_add_test(s, "reset while writing", test_reset_while_writing);
	CU_add_test(s, "more input than there is room", test_input_full);
	CU_add_test(s, "bus mastering lost while writing", test_master_lost_while_writing);
	CU_add_test(s, "output", test_output);
	CU_add_test(s, "large output", test_large_output);
	CU_add_test(s, "input", test_input);
	CU_add_test(s, "a character in an emergency", test_emergency);
	CU_add_test(s, "saved states", test_saved);
	CU_add_test(s, "entropy", test_entropy);
	CU_add_test(s, "entropy: saved states", test_entropy_saved);
}
