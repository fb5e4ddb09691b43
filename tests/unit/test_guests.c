/*
 * test_guests.c - guests come and go: type1/guests.c
 *
 * It is part of this file under other names, for fake_type1.c has the same functions.
 */
#define guests_numbered tested_numbered
#define guests_at tested_at
#define guests_find tested_find
#define guests_of tested_of
#define guests_define tested_define
#define guests_start tested_start
#define guests_kill tested_kill
#define guests_restart tested_restart
#define guests_delete tested_delete
#define guests_pause tested_pause
#define guests_resume tested_resume
#define guests_hold tested_hold
#define guests_release tested_release
#define guests_poll tested_poll
#define guests_ended tested_ended
#define guests_alive tested_alive
#define host_vm_ended tested_vm_ended

#include "type1/guests.c"

#include "fake_virt.h"
#include "machine.h"
#include "net/switches.h"

void test_guests_register(void);

#define ROUNDS 100

static char error[300];

/* A multiboot kernel of one page at 1 MiB that tells its own addresses. */
static const u8 *kernel(void)
{
	static u32 image[1024] = { 0x1badb002, 0x10000, 0u - 0x1badb002u - 0x10000u, 0x100000,
				   0x100000,   0x101000, 0x101000, 0x100020 };

	return (const u8 *)image;
}

static struct guest_definition definition(const char *name)
{
	struct guest_definition d = { .config = { .memory = MiB(4), .vcpus = 2, .weight = 100,
						  .cpu = "bare" },
				      .kernel = { .data = kernel(), .size = 4096, .name = "k" },
				      .cmdline = "" };

	snprintf(d.config.name, sizeof(d.config.name), "%s", name);
	return d;
}

static struct guest *define(const char *name)
{
	struct guest_definition d = definition(name);

	return guests_define(&d, error, sizeof(error));
}

static void begin(void)
{
	fake_virt_reset();
	memset(guest, 0, sizeof(guest));
}

static bool says(const char *words)
{
	if (!strstr(error, words))
		printf("\n%s\n", error);
	return strstr(error, words);
}

/* All memory comes back, each time. */
static void test_rounds(void)
{
	u64 pages, objects;

	begin();
	CU_ASSERT_PTR_NOT_NULL(define("one"));
	pages = fake_host.pages_out;
	objects = fake_host.objects_out;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct guest *g = define("two");

		CU_ASSERT_PTR_NOT_NULL_FATAL(g);
		CU_ASSERT_EQUAL(g->number, 2);
		CU_ASSERT_EQUAL_FATAL(guests_start(g, error, sizeof(error)), 0);
		CU_ASSERT_PTR_EQUAL(guests_of(g->vm), g);
		CU_ASSERT(fake_host.reserved == MiB(4) && fake_host.pages_out > pages);
		CU_ASSERT_EQUAL(guests_delete(g, error, sizeof(error)), -HOST_EBUSY);
		CU_ASSERT_TRUE(says("VM two is running: vm kill it first"));
		CU_ASSERT_EQUAL(guests_pause(g), 0);
		CU_ASSERT_EQUAL(guests_delete(g, error, sizeof(error)), -HOST_EBUSY);
		CU_ASSERT_TRUE(says("VM two is paused: vm kill it first"));
		guests_kill(g);
		host_vm_ended(g->vm);
		CU_ASSERT_EQUAL(guests_delete(g, error, sizeof(error)), 0);
		CU_ASSERT_PTR_NULL(guests_find("two"));
		CU_ASSERT_PTR_NULL(guests_find("2"));
		CU_ASSERT(fake_host.pages_out == pages && fake_host.objects_out == objects);
		CU_ASSERT(!fake_host.reserved && !fake_host.timers);
	}
	/* Its end was told before it was gone. */
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "VM two is dead: killed"));
	CU_ASSERT_EQUAL(guests_delete(guests_at(0), error, sizeof(error)), 0); /* never started */
	CU_ASSERT_PTR_NULL(guests_at(0));
}

/* Number and name stay one's own as long as it is there; then others may have them. */
static void test_places(void)
{
	char name[VM_NAME_MAX];

	begin();
	for (unsigned i = 1; i <= GUESTS_MAX; i++) {
		snprintf(name, sizeof(name), "vm%u", i);
		CU_ASSERT_PTR_NOT_NULL_FATAL(define(name));
	}
	CU_ASSERT_PTR_NULL(define("more"));
	CU_ASSERT_TRUE(says("no more than 64 VMs: vm delete gives room"));
	CU_ASSERT_EQUAL(guests_delete(guests_find("vm7"), error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(guests_delete(guests_find("1"), error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(guests_at(0)->number, 2);
	CU_ASSERT_EQUAL(guests_at(5)->number, 8);
	CU_ASSERT_EQUAL(guests_at(61)->number, 64);
	CU_ASSERT_PTR_NULL(guests_at(62));
	CU_ASSERT_STRING_EQUAL(guests_find("64")->definition.config.name, "vm64");
	CU_ASSERT_EQUAL(define("more")->number, 1);
	CU_ASSERT_EQUAL(define("vm7")->number, 7);
	CU_ASSERT_PTR_NULL(define("even more"));
	CU_ASSERT_PTR_NULL(guests_numbered(0));
	CU_ASSERT_PTR_NULL(guests_numbered(65));
	CU_ASSERT_PTR_NULL(guests_numbered(~0ull));
}

static void test_names(void)
{
	begin();
	CU_ASSERT_PTR_NOT_NULL(define("a"));
	CU_ASSERT_PTR_NULL(define("a"));
	CU_ASSERT_TRUE(says("there is a VM 'a' already"));
	CU_ASSERT_PTR_NULL(define(""));
	CU_ASSERT_PTR_NULL(define("100"));
	CU_ASSERT_TRUE(says("and no number: '100'"));
	CU_ASSERT_PTR_NULL(define("x\ny"));
}

/* Whoever looks at one that was killed waits until it is out of its guest. */
static struct vcpu *late;

static void leave(void)
{
	late->loaded = false;
}

static void test_hold(void)
{
	struct guest *g;

	begin();
	g = define("a");
	CU_ASSERT_EQUAL_FATAL(guests_start(g, error, sizeof(error)), 0);
	CU_ASSERT_TRUE(guests_hold(g));
	CU_ASSERT_EQUAL(g->vm->state, VM_PAUSED);
	guests_release(g, true);
	CU_ASSERT_EQUAL(g->vm->state, VM_RUNNING);
	late = g->vm->vcpu[1];
	late->loaded = true;
	fake_host.on_relax = leave;
	guests_kill(g);
	CU_ASSERT_TRUE(late->loaded);
	CU_ASSERT_FALSE(guests_hold(g));
	CU_ASSERT_FALSE(late->loaded);
	guests_release(g, false);
	CU_ASSERT_EQUAL(g->vm->state, VM_DEAD);
	late->loaded = true;
	CU_ASSERT_EQUAL(guests_delete(g, error, sizeof(error)), 0);
	CU_ASSERT_TRUE(fake_host_clean());
}

/* A guest whose devices cannot be had is refused with a sentence, and nothing of it stays. */
static void test_plugs_refused(void)
{
	static const char *const words[] = { "a disk without a sector", "hd7", "too many disks",
					     "other switches already" };
	static const u8 sector[STORE_SECTOR];
	u64 objects;

	begin();
	objects = fake_host.objects_out;
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		struct guest_definition d = definition("a");
		struct guest *g;

		d.file_count = i == 0 ? 1 : i == 2 ? VM_MAX_DISKS + 1 : 0;
		for (unsigned k = 0; k < d.file_count; k++)
			d.file[k] = (struct definition_file){
				.role = ROLE_DISK,
				.ro = true,
				.blob = { .data = sector, .size = i ? STORE_SECTOR : 511 },
			};
		d.disk_count = i == 1;
		d.disk[0] = (struct definition_disk){ .drive = 7, .partition = 1 };
		for (unsigned k = 0; i == 3 && k < SWITCHES_MAX; k++) {
			struct guest_definition other = definition("other");

			snprintf(other.net, sizeof(other.net), "lan%u", k);
			g = guests_define(&other, error, sizeof(error));
			CU_ASSERT_EQUAL(guests_start(g, error, sizeof(error)), 0);
			guests_kill(g);
			CU_ASSERT_EQUAL(guests_delete(g, error, sizeof(error)), 0);
		}
		strcpy(d.net, i == 3 ? "more" : "");
		g = guests_define(&d, error, sizeof(error));
		CU_ASSERT_NOT_EQUAL(guests_start(g, error, sizeof(error)), 0);
		CU_ASSERT_TRUE(says(words[i]));
		CU_ASSERT_PTR_NULL(g->vm);
		CU_ASSERT_EQUAL(guests_delete(g, error, sizeof(error)), 0);
		CU_ASSERT_EQUAL(fake_host.objects_out, objects);
		CU_ASSERT_TRUE(fake_host_clean());
	}
}

static void nothing_done(struct store_request *request UNUSED)
{
}

static void write_sector(struct store *store, u8 byte)
{
	static u8 data[STORE_SECTOR];
	static struct store_request request;

	memset(data, byte, sizeof(data));
	request = (struct store_request){
		.operation = STORE_WRITE, .segments = 1, .done = nothing_done
	};
	request.segment[0] = (struct store_segment){ data, sizeof(data) };
	CU_ASSERT_TRUE(store_submit(store, &request));
	CU_ASSERT_EQUAL(request.result, STORE_OK);
}

/*
 * Two guests over one file with cow: neither changes it; what one wrote is there after a restart of
 * its machine.  A disk of one's own is changed.
 */
static void test_plugs(void)
{
	static u8 shared[4 * STORE_SECTOR], own[4 * STORE_SECTOR];
	struct guest_definition d = definition("a");
	struct guest *g[2];
	u64 objects;

	begin();
	objects = fake_host.objects_out;
	memset(shared, 0x55, sizeof(shared));
	d.file_count = 2;
	d.file[0] = (struct definition_file){
		.role = ROLE_DISK, .cow = true, .blob = { .data = shared, .size = sizeof(shared) }
	};
	d.file[1] = (struct definition_file){ .role = ROLE_DISK,
					      .blob = { .data = own, .size = sizeof(own) } };
	strcpy(d.net, "lan0");
	for (unsigned i = 0; i < 2; i++) {
		d.config.name[0] = (char)('a' + i);
		g[i] = guests_define(&d, error, sizeof(error));
		CU_ASSERT_EQUAL_FATAL(guests_start(g[i], error, sizeof(error)), 0);
		CU_ASSERT_EQUAL(g[i]->vm->disk_count, 2 - i);
		CU_ASSERT_PTR_NOT_NULL(g[i]->vm->net->link.net);
		d.file_count = 1;
	}
	CU_ASSERT_PTR_EQUAL(g[0]->vm->net->link.net, g[1]->vm->net->link.net);
	CU_ASSERT_NOT_EQUAL(memcmp(g[0]->vm->config.mac, g[1]->vm->config.mac, LINK_MAC), 0);
	write_sector(g[0]->vm->config.disk[0], 1);
	write_sector(g[0]->vm->config.disk[1], 2);
	CU_ASSERT_EQUAL(shared[0], 0x55);
	CU_ASSERT_EQUAL(own[0], 2);
	CU_ASSERT_EQUAL(guests_restart(g[0], error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(g[0]->vm->disk_count, 2);
	for (unsigned i = 0; i < 2; i++) {
		guests_kill(g[i]);
		CU_ASSERT_EQUAL(guests_delete(g[i], error, sizeof(error)), 0);
	}
	CU_ASSERT_EQUAL(fake_host.objects_out, objects);
	CU_ASSERT_TRUE(fake_host_clean());
}

/* A guest that resets itself comes again; one that cannot be loaded leaves nothing behind. */
static void test_lives(void)
{
	struct guest_definition d = definition("a");
	struct guest *g;

	begin();
	g = guests_define(&d, error, sizeof(error));
	CU_ASSERT_EQUAL_FATAL(guests_start(g, error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(guests_alive(), 1);
	g->vm->restart = true;
	vm_end(g->vm, VM_OFF, "reset");
	host_vm_ended(g->vm);
	guests_poll();
	CU_ASSERT_EQUAL(g->vm->state, VM_RUNNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "VM a is off: reset"));
	guests_kill(g);
	CU_ASSERT_EQUAL(guests_delete(g, error, sizeof(error)), 0);
	d.kernel.size = 4;
	g = guests_define(&d, error, sizeof(error));
	CU_ASSERT(guests_start(g, error, sizeof(error)) < 0);
	CU_ASSERT_PTR_NULL(g->vm);
	CU_ASSERT_TRUE(fake_host_clean());
}

static void reset(struct guest *g)
{
	g->vm->restart = true;
	vm_end(g->vm, VM_OFF, "reset");
	host_vm_ended(g->vm);
	guests_poll();
}

/* One that does little else than to reset itself waits for its next life; it may be killed. */
static void test_resets(void)
{
	struct guest *g;

	begin();
	g = define("a");
	CU_ASSERT_EQUAL_FATAL(guests_start(g, error, sizeof(error)), 0);
	set_restart(g, fake_host.now - 1000); /* to load it took 1 us */
	CU_ASSERT_EQUAL(g->restart_ns, fake_host.now + 1000 * (RESTART_PART - 1));
	reset(g);
	CU_ASSERT_EQUAL(g->vm->state, VM_OFF);
	CU_ASSERT_FALSE(guests_ended(g->vm));
	CU_ASSERT_EQUAL(guests_alive(), 1);
	fake_host_run(1000 * (RESTART_PART - 1) - 1);
	guests_poll();
	CU_ASSERT_EQUAL(g->vm->state, VM_OFF);
	fake_host_run(1);
	guests_poll();
	CU_ASSERT_EQUAL(g->vm->state, VM_RUNNING);
	set_restart(g, fake_host.now - 1000);
	reset(g);
	guests_kill(g);
	CU_ASSERT_TRUE(guests_ended(g->vm));
	CU_ASSERT_EQUAL(guests_alive(), 0);
	fake_host_run(1000000);
	guests_poll();
	CU_ASSERT_EQUAL(g->vm->state, VM_OFF);
	CU_ASSERT_EQUAL(guests_delete(g, error, sizeof(error)), 0);
	CU_ASSERT_TRUE(fake_host_clean());
}

void test_guests_register(void)
{
	CU_pSuite suite = CU_add_suite("guests", NULL, NULL);

	CU_add_test(suite, "names that are none", test_names);
	CU_add_test(suite, "devices that cannot be had", test_plugs_refused);
	CU_add_test(suite, "disks and networks", test_plugs);
	CU_add_test(suite, "numbers", test_places);
	CU_add_test(suite, "a hundred come and go", test_rounds);
	CU_add_test(suite, "held still", test_hold);
	CU_add_test(suite, "lives", test_lives);
	CU_add_test(suite, "one that resets itself again and again", test_resets);
}
