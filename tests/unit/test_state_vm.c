/* test_state_vm.c - a whole machine: vm/state_vm.c, the names of vm/state.c, the pause port */
#include "machine.h"

#include "dev/pauseport.h"
#include "dev/section.h"
#include "fake_virt.h"
#include "lib/fmt.h"
#include "vm/state_vm.h"

void test_state_vm_register(void);

#define ROOM KiB(64)

/* ---- Names ------------------------------------------------------------------------ */

static u32 number_at(const u8 *p)
{
	return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

/* The next name is so many of so many bytes with that text. */
static bool name_is(const u8 **at, u32 count, u32 bytes, const char *text)
{
	const char *found = (const char *)*at + 8;
	bool good = number_at(*at) == count && number_at(*at + 4) == bytes && !strcmp(found, text);

	if (!good)
		printf("\n%u of %u bytes: '%s'\n", number_at(*at), number_at(*at + 4), found);
	*at += 8 + strlen(found) + 1;
	return good;
}

static void test_names(void)
{
	u8 data[256], text[256], bytes[3] = { 1, 2, 3 };
	struct state_names names = { .text = { .data = text, .size = sizeof(text) } };
	struct state_buf buf = { .data = data, .size = sizeof(data), .names = &names };
	struct event e = { .error = 7 };
	const u8 *at = text;
	size_t begin;

	state_put_header(&buf);
	begin = state_begin_section(&buf, 0x200, 1);
	for (unsigned i = 0; i < 3; i++)
		state_put(&buf, bytes[i], 1); /* a run */
	state_scope(&buf, "one");
	state_put(&buf, e.error, 4);
	state_scope(&buf, "two");
	state_put(&buf, e.error, 4);
	state_scope(&buf, NULL);
	state_put_bytes(&buf, bytes, sizeof(bytes));
	state_put_bytes(&buf, bytes, sizeof(bytes));
	state_end_section(&buf, begin);
	begin = state_begin_section(&buf, 0x201, 1);
	for (unsigned i = 0; i < 2; i++)
		state_put(&buf, bytes[i], 1);
	state_end_section(&buf, begin);
	CU_ASSERT_PTR_NULL(buf.error);
	CU_ASSERT(name_is(&at, 3, 1, "bytes[i]"));
	CU_ASSERT(name_is(&at, 1, 4, "one\te.error"));
	CU_ASSERT(name_is(&at, 1, 4, "two\te.error"));
	CU_ASSERT(name_is(&at, 1, 3 | STATE_NAME_BYTES, "bytes"));
	CU_ASSERT(name_is(&at, 1, 3 | STATE_NAME_BYTES, "bytes"));
	CU_ASSERT(name_is(&at, 2, 1, "bytes[i]"));
	CU_ASSERT_EQUAL((size_t)(at - text), names.text.at);

	begin = buf.at;
	state_put_names(&buf);
	CU_ASSERT_EQUAL(number_at(data + begin), STATE_SECTION_NAMES);
	CU_ASSERT_EQUAL(number_at(data + begin + 8), names.text.at);
	CU_ASSERT_EQUAL(memcmp(data + begin + 12, text, names.text.at), 0);
}

static void test_names_no_room(void)
{
	u8 data[64], text[19];
	struct state_names names = { .text = { .data = text, .size = sizeof(text) } };
	struct state_buf buf = { .data = data, .size = sizeof(data), .names = &names };

	state_put(&buf, 1, 1);
	CU_ASSERT_PTR_NULL(buf.error);
	state_put(&buf, 2, 1);
	CU_ASSERT_PTR_NOT_NULL(buf.error);
}

/* ---- A machine -------------------------------------------------------------------- */

static struct vm *make(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 2);

	vm_pause(vm);
	virt->unload(vm->vcpu[0]);
	CU_ASSERT_FATAL(vm_is_quiet(vm));
	return vm;
}

/* Into data[ROOM]; its size. */
static size_t save(struct vm *vm, u8 *data)
{
	u8 *text = calloc(1, ROOM);
	struct state_names names = { .text = { .data = text, .size = ROOM } };
	struct state_buf buf = { .data = data, .size = ROOM, .names = &names };

	CU_ASSERT_EQUAL_FATAL(state_vm_save(vm, &buf), 0);
	free(text);
	return buf.at;
}

/* The bytes of section id number nth; NULL: there is none. */
static const u8 *section(const u8 *data, size_t size, u32 id, unsigned nth, u32 *length)
{
	for (size_t at = 8; at + 12 <= size; at += 12 + *length) {
		*length = number_at(data + at + 8);
		if (number_at(data + at) == id && !nth--)
			return data + at + 12;
	}
	*length = 0;
	return NULL;
}

static void test_sections(void)
{
	static const struct {
		u32 id;
		unsigned count;
	} expected[] = {
		{ STATE_SECTION_MACHINE, 1 },	  { STATE_SECTION_CPUID, 1 },
		{ STATE_SECTION_GPREGS, 2 },	  { STATE_SECTION_CPU, 2 },
		{ STATE_SECTION_XSAVE, 2 },	  { STATE_SECTION_VCPU, 2 },
		{ DEVICE_SECTION_LAPIC, 2 },	  { DEVICE_SECTION_UART, 1 },
		{ DEVICE_SECTION_PIC, 1 },	  { DEVICE_SECTION_PIT, 1 },
		{ DEVICE_SECTION_RTC, 1 },	  { DEVICE_SECTION_I8042, 1 },
		{ DEVICE_SECTION_PCI, 1 },	  { DEVICE_SECTION_IOAPIC, 1 },
		{ DEVICE_SECTION_PIIX3, 1 },	  { DEVICE_SECTION_PIIX4, 1 },
		{ DEVICE_SECTION_FWCFG, 1 },	  { DEVICE_SECTION_VGA, 1 },
		{ DEVICE_SECTION_VIRTIO_RNG, 1 }, { DEVICE_SECTION_VIRTIO_CONSOLE, 1 },
		{ DEVICE_SECTION_VIRTIO_NET, 0 }, { DEVICE_SECTION_VIRTIO_BLK, 0 },
		{ STATE_SECTION_RAM, 1 },	  { STATE_SECTION_SCREEN, 1 },
		{ STATE_SECTION_NAMES, 1 },
	};
	struct vm *vm = make();
	u8 *data = malloc(ROOM);
	size_t size = save(vm, data);
	u32 length;

	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		unsigned count = 0;

		while (section(data, size, expected[i].id, count, &length))
			count++;
		if (count != expected[i].count)
			printf("\nsection %#x: %u times\n", expected[i].id, count);
		CU_ASSERT_EQUAL(count, expected[i].count);
	}
	free(data);
	fake_vm_free(vm);
}

/* Each byte of each section has a name, and no name has none. */
static void test_all_named(void)
{
	struct vm *vm = make();
	u8 *data = malloc(ROOM);
	size_t size = save(vm, data), named = 0, sections = 0;
	u32 length, all;
	const u8 *name = section(data, size, STATE_SECTION_NAMES, 0, &all), *end = name + all;

	while (name < end) {
		u32 bytes = number_at(name + 4) & ~(u32)STATE_NAME_BYTES;

		named += (size_t)number_at(name) * bytes;
		CU_ASSERT(bytes <= 8 || (number_at(name + 4) & STATE_NAME_BYTES));
		name += 8 + strlen((const char *)name + 8) + 1;
	}
	CU_ASSERT_PTR_EQUAL(name, end);
	for (size_t at = 8; at < size; at += 12 + length) {
		length = number_at(data + at + 8);
		sections += number_at(data + at) == STATE_SECTION_NAMES ? 0 : length;
	}
	CU_ASSERT_EQUAL(named, sections);
	free(data);
	fake_vm_free(vm);
}

/* What is loaded back from a section is what was saved: here of CPU 1, and of a device. */
static void test_loads(void)
{
	struct vm *vm = make();
	u8 *data = malloc(ROOM);
	struct cpu_state state = { 0 };
	struct gpregs regs;
	struct state_buf buf = { .data = data };
	const u8 *at;
	u32 length;

	vcpu_state(vm->vcpu[1], STATE_ALL)->lstar = 0x123456;
	vm->vcpu[1]->regs.r[REG_R9] = 99;
	vcpu_state_changed(vm->vcpu[1], STATE_MSR);
	buf.size = save(vm, data);
	at = section(data, buf.size, STATE_SECTION_GPREGS, 1, &length);
	buf.at = (size_t)(at - data) - 12;
	CU_ASSERT_EQUAL(state_load_cpu(&buf, &state, &regs), 0);
	CU_ASSERT_EQUAL(state.lstar, 0x123456);
	CU_ASSERT_EQUAL(regs.r[REG_R9], 99);
	free(data);
	fake_vm_free(vm);
}

/* Of each page that is not zero: its address and a hash of all its bytes. */
static void test_pages(void)
{
	struct vm *vm = make();
	u8 *before = malloc(ROOM), *after = malloc(ROOM), *page = memory_ptr(vm, gpa(0x345000), 1);
	u32 length, more;
	const u8 *ram;
	size_t size;

	size = save(vm, before);
	section(before, size, STATE_SECTION_RAM, 0, &length);
	page[0xfff] = 1;
	size = save(vm, after);
	ram = section(after, size, STATE_SECTION_RAM, 0, &more);
	CU_ASSERT_EQUAL(more, length + 16);
	CU_ASSERT_EQUAL(number_at(ram + length), 0x345000);
	memcpy(before, ram, more);
	page[0xfff] = 0;
	page[0xffe] = 1;
	size = save(vm, after);
	ram = section(after, size, STATE_SECTION_RAM, 0, &more);
	CU_ASSERT_EQUAL(number_at(ram + length), 0x345000);
	CU_ASSERT_NOT_EQUAL(memcmp(before + length + 8, ram + length + 8, 8), 0);
	page[0xffe] = 0;
	size = save(vm, after);
	section(after, size, STATE_SECTION_RAM, 0, &more);
	CU_ASSERT_EQUAL(more, length);
	free(before);
	free(after);
	fake_vm_free(vm);
}

/* ---- Text ------------------------------------------------------------------------- */

struct text {
	struct fmt_sink sink;
	size_t len;
	char text[16 * ROOM];
};

static void put(struct fmt_sink *sink, const char *piece, size_t len)
{
	struct text *t = container_of(sink, struct text, sink);

	CU_ASSERT_FATAL(len < sizeof(t->text) - t->len);
	memcpy(t->text + t->len, piece, len);
	t->len += len;
	t->text[t->len] = '\0';
}

/* The bytes that lines of text stand for; their sums are right. */
static size_t bytes_of(const char *text, const struct vm *vm, u8 *to)
{
	size_t size = 0, said;
	unsigned offset, sum;
	char hex[128], name[16];

	CU_ASSERT_EQUAL_FATAL(sscanf(text, "state-begin %15s %zx", name, &said), 2);
	CU_ASSERT_STRING_EQUAL(name, vm->config.name);
	for (text = strchr(text, '\n') + 1;
	     !strncmp(text, "state ", 6) &&
	     sscanf(text, "state %x %127s %x", &offset, hex, &sum) == 3;
	     text = strchr(text, '\n') + 1) {
		size_t n = strlen(hex) / 2;
		u32 place = offset;

		CU_ASSERT_EQUAL_FATAL(offset, size);
		for (size_t i = 0; i < n; i++) {
			unsigned byte = 0;

			sscanf(hex + 2 * i, "%2x", &byte);
			to[size++] = (u8)byte;
		}
		CU_ASSERT_EQUAL(
		    sum, state_vm_sum(state_vm_sum(STATE_VM_SUM, &place, 4), to + offset, n));
	}
	CU_ASSERT_EQUAL(size, said);
	CU_ASSERT_EQUAL(sscanf(text, "state-end %zx %x", &said, &sum), 2);
	CU_ASSERT_EQUAL(size, said);
	CU_ASSERT_EQUAL(sum, state_vm_sum(STATE_VM_SUM, to, size));
	return size;
}

static void test_text(void)
{
	static struct text t;
	struct vm *vm = make();
	u8 *data = malloc(ROOM), *back = malloc(ROOM);
	u64 taken = fake_host.pages_out;
	size_t size;

	t = (struct text){ .sink.put = put };
	CU_ASSERT_EQUAL(state_vm_sum(STATE_VM_SUM, "foobar", 6), 0xbf9cf968); /* FNV's own */
	size = save(vm, data);
	CU_ASSERT_PTR_NULL(state_vm_print(vm, &t.sink));
	CU_ASSERT_EQUAL(fake_host.pages_out, taken);
	CU_ASSERT_EQUAL(bytes_of(t.text, vm, back), size);
	CU_ASSERT_EQUAL(memcmp(data, back, size), 0);

	/* Too large for the first buffers that are tried. */
	for (u64 at = 0; at < MiB(8); at += PAGE_SIZE)
		if (memory_is_ram(vm, gpa(at), 1))
			*(u8 *)memory_ptr(vm, gpa(at), 1) = 1;
	t.len = 0;
	CU_ASSERT_PTR_NULL(state_vm_print(vm, &t.sink));
	CU_ASSERT_PTR_NOT_NULL(strstr(t.text, "state-end "));

	t.len = 0;
	for (u64 left = 0; left < 2; left++) {
		fake_host.allocations_left = left;
		CU_ASSERT_STRING_EQUAL(state_vm_print(vm, &t.sink), "not enough memory");
	}
	fake_host.allocations_left = ~0ull;
	CU_ASSERT_EQUAL(t.len, 0);
	free(data);
	free(back);
	fake_vm_free(vm);
}

/* ---- The port --------------------------------------------------------------------- */

static void out(struct vm *vm)
{
	host_lock(&vm->lock);
	bus_out(&vm->bus, PAUSEPORT_PORT, 1, 0);
	host_unlock(&vm->lock);
}

static void test_port(void)
{
	struct vm_config config = { .name = "here",
				    .memory = MiB(8),
				    .vcpus = 2,
				    .weight = 100,
				    .cpu = "bare",
				    .pause_port = true };
	char error[VM_CAUSE_MAX];
	struct vm *vm;

	fake_virt_reset();
	CU_ASSERT_EQUAL_FATAL(vm_create(&config, &vm, error, sizeof(error)), 0);
	out(vm); /* before it runs: as by a loader */
	CU_ASSERT_EQUAL(vm->state, VM_CREATED);
	vm_start(vm);
	CU_ASSERT_EQUAL(vm->state, VM_RUNNING);
	CU_ASSERT_EQUAL(fake_host.paused, 0);
	out(vm);
	CU_ASSERT_EQUAL(vm->state, VM_PAUSED);
	CU_ASSERT_EQUAL(fake_host.paused, 1);
	CU_ASSERT(vm_is_quiet(vm));
	out(vm);
	CU_ASSERT_EQUAL(fake_host.paused, 1);
	vm_start(vm);
	CU_ASSERT_EQUAL(vm->state, VM_RUNNING);
	host_lock(&vm->lock);
	CU_ASSERT_EQUAL(bus_in(&vm->bus, PAUSEPORT_PORT, 1), 0);
	host_unlock(&vm->lock);
	fake_vm_free(vm);
}

static void test_no_port(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 1);

	out(vm);
	CU_ASSERT_EQUAL(vm->state, VM_RUNNING);
	host_lock(&vm->lock);
	CU_ASSERT_EQUAL(bus_in(&vm->bus, PAUSEPORT_PORT, 1), 0xff);
	host_unlock(&vm->lock);
	fake_vm_free(vm);
}

void test_state_vm_register(void)
{
	CU_pSuite suite = CU_add_suite("state of a machine", NULL, NULL);

	CU_add_test(suite, "what is written has names", test_names);
	CU_add_test(suite, "no room for names", test_names_no_room);
	CU_add_test(suite, "sections", test_sections);
	CU_add_test(suite, "each byte is named", test_all_named);
	CU_add_test(suite, "it can be loaded again", test_loads);
	CU_add_test(suite, "pages of memory", test_pages);
	CU_add_test(suite, "text", test_text);
	CU_add_test(suite, "the pause port", test_port);
	CU_add_test(suite, "no pause port", test_no_port);
}
