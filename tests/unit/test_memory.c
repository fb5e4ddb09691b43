/*
 * test_memory.c - the RAM of a virtual machine
 *
 * Owns: sizes, holes, borders, exhaustion, arithmetic that overflows.
 */
#include "machine.h"

#include "fake_virt.h"

void test_memory_register(void);

/* A VM with nothing but memory. */
static struct vm *bare_vm(void)
{
	struct fake_vm *f;

	fake_virt_reset();
	f = host_alloc_pages(4);
	check(sizeof(*f) <= PAGE_SIZE << 4);
	CU_ASSERT_EQUAL_FATAL(virt->vm_init(&f->vm), 0);
	return &f->vm;
}

static void free_bare(struct vm *vm)
{
	if (vm->memory.slot_count)
		memory_free(vm);
	virt->vm_free(vm);
	host_free_pages(container_of(vm, struct fake_vm, vm), 4);
	CU_ASSERT(fake_host_clean());
}

static void test_refused(void)
{
	static const u64 absurd[] = { 0, ~0ull, BIT(63), BIT(40), BIT(40) - GiB(4) + 1 };
	struct vm *vm = bare_vm();

	fake_host.memory = ~0ull;
	for (unsigned i = 0; i < ARRAY_SIZE(absurd); i++) {
		CU_ASSERT_EQUAL(memory_init(vm, absurd[i]), -HOST_EINVAL);
		CU_ASSERT_EQUAL(fake_host.reserved, 0);
	}
	fake_host.memory = MiB(64);
	CU_ASSERT_EQUAL(memory_init(vm, MiB(64) + 1), -HOST_ENOMEM);
	CU_ASSERT_EQUAL(vm->memory.slot_count, 0);
	free_bare(vm);
}

/* Memory runs out at the first, the second, ... allocation of a VM with two slots. */
static void test_exhausted(void)
{
	unsigned failed = 0;

	for (u64 n = 0; n < 4; n++) {
		struct vm *vm = bare_vm();
		u64 before = fake_host.pages_out;

		fake_host.memory = GiB(16);
		fake_host.allocations_left = n;
		if (memory_init(vm, GiB(8)) == -HOST_ENOMEM) {
			failed++;
			CU_ASSERT_EQUAL(fake_host.pages_out, before);
			CU_ASSERT_EQUAL(fake_host.reserved, 0);
		}
		fake_host.allocations_left = ~0ull;
		free_bare(vm);
	}
	CU_ASSERT_EQUAL(failed, 2); /* one for each slot */
}

static void test_sizes(void)
{
	static const struct {
		u64 asked, total, low, high;
	} sizes[] = {
		{ 1, MiB(2), MiB(2), 0 },
		{ MiB(2), MiB(2), MiB(2), 0 },
		{ MiB(2) + 1, MiB(4), MiB(4), 0 },
		{ GiB(3), GiB(3), GiB(3), 0 },
		{ GiB(3) + MiB(512), GiB(3) + MiB(512), GiB(3) + MiB(512), 0 },
		{ GiB(3) + MiB(514), GiB(3) + MiB(514), GiB(3) + MiB(512), MiB(2) },
		{ GiB(8), GiB(8), GiB(3) + MiB(512), GiB(4) + MiB(512) },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct vm *vm = bare_vm();
		const struct memory *m = &vm->memory;

		fake_host.memory = GiB(64);
		CU_ASSERT_EQUAL_FATAL(memory_init(vm, sizes[i].asked), 0);
		CU_ASSERT_EQUAL(m->size, sizes[i].total);
		CU_ASSERT_EQUAL(fake_host.reserved, sizes[i].total);
		CU_ASSERT_EQUAL(m->slot[0].size, sizes[i].low);
		CU_ASSERT_EQUAL(m->slot_count, sizes[i].high ? 2 : 1);
		CU_ASSERT_EQUAL(sizes[i].high ? m->slot[1].size : 0, sizes[i].high);
		CU_ASSERT_EQUAL(m->touched, 0);
		free_bare(vm);
	}
}

struct range {
	u64 at, len;
	bool ram;
};

static const struct range ranges[] = {
	{ 0, 1, true },
	{ 0, 0xa0000, true },
	{ 0, 0xa0001, false },
	{ 0x9ffff, 1, true },
	{ 0x9ffff, 2, false },
	{ 0xa0000, 1, false },
	{ 0xbffff, 1, false },
	{ 0xbffff, 2, false },
	{ 0xc0000, 1, true },
	{ 0x9f000, 0x40000, false }, /* across the hole */
	{ GiB(3) + MiB(512) - 1, 1, true },
	{ GiB(3) + MiB(512) - 1, 2, false },
	{ GiB(3) + MiB(512), 1, false },
	{ 0xfee00000, 4, false },
	{ GiB(4) - 1, 1, false },
	{ GiB(4) - 1, 2, false },
	{ GiB(4), 1, true },
	{ GiB(4) + MiB(512) - 8, 8, true },
	{ GiB(4) + MiB(512) - 8, 9, false },
	{ GiB(4) + MiB(512), 1, false },
	{ ~0ull, 1, false }, /* arithmetic that would wrap around */
	{ ~0ull, 2, false },
	{ ~0ull - 7, 16, false },
	{ 0x1000, ~0ull, false },
	{ 0xc0000, ~0ull - 0xbffff, false },
	{ GiB(4), ~0ull - GiB(4) + 2, false },
	{ 1, ~0ull, false },
	{ BIT(63), BIT(63), false },
};

static void test_what_is_ram(void)
{
	struct vm *vm = bare_vm();
	u8 byte[16];

	fake_host.memory = GiB(8);
	CU_ASSERT_EQUAL_FATAL(memory_init(vm, GiB(4)), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct range *r = &ranges[i];

		if (memory_is_ram(vm, gpa(r->at), r->len) != r->ram)
			printf("\n%#llx + %#llx\n", (unsigned long long)r->at,
			       (unsigned long long)r->len);
		CU_ASSERT_EQUAL(memory_is_ram(vm, gpa(r->at), r->len), r->ram);
		if (!r->ram)
			CU_ASSERT_PTR_NULL(memory_ptr(vm, gpa(r->at), r->len));
		if (!r->ram && r->len <= sizeof(byte)) {
			CU_ASSERT_EQUAL(memory_read(vm, gpa(r->at), byte, r->len), -HOST_EINVAL);
			CU_ASSERT_EQUAL(memory_write(vm, gpa(r->at), byte, r->len), -HOST_EINVAL);
		}
	}
	CU_ASSERT_EQUAL(vm->memory.touched, 0); /* asking takes nothing */
	free_bare(vm);
}

static void test_touching(void)
{
	struct vm *vm = bare_vm();
	u8 *p;

	CU_ASSERT_EQUAL_FATAL(memory_init(vm, MiB(8)), 0);
	p = memory_ptr(vm, gpa(MiB(2) + 5), 3);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p[0] | p[1] | p[2], 0);
	CU_ASSERT_EQUAL(vm->memory.touched, MiB(2));
	CU_ASSERT_PTR_EQUAL(memory_ptr(vm, gpa(MiB(2)), 1), p - 5);
	CU_ASSERT_EQUAL(vm->memory.touched, MiB(2));
	/* A pointer is good within its chunk only. */
	CU_ASSERT_PTR_NOT_NULL(memory_ptr(vm, gpa(MiB(4) - 2), 2));
	CU_ASSERT_PTR_NULL(memory_ptr(vm, gpa(MiB(4) - 2), 3));
	CU_ASSERT_EQUAL(vm->memory.touched, MiB(2));
	free_bare(vm);
}

static void test_copy_over_borders(void)
{
	static u8 from[MiB(2) + 300], to[sizeof(from)];
	struct vm *vm = bare_vm();

	for (unsigned i = 0; i < sizeof(from); i++)
		from[i] = (u8)(i * 7 + i / 251);
	CU_ASSERT_EQUAL_FATAL(memory_init(vm, MiB(8)), 0);
	CU_ASSERT_EQUAL(memory_write(vm, gpa(MiB(2) - 100), from, sizeof(from)), 0);
	CU_ASSERT_EQUAL(vm->memory.touched, MiB(6));
	CU_ASSERT_EQUAL(memory_read(vm, gpa(MiB(2) - 100), to, sizeof(to)), 0);
	CU_ASSERT_EQUAL(memcmp(from, to, sizeof(from)), 0);
	/* One byte too far: nothing is copied at all. */
	CU_ASSERT_EQUAL(memory_write(vm, gpa(MiB(8) - 4), "abcde", 5), -HOST_EINVAL);
	CU_ASSERT_EQUAL(memory_read(vm, gpa(MiB(8) - 4), to, 4), 0);
	CU_ASSERT_EQUAL(memcmp(to, "\0\0\0\0", 4), 0);
	CU_ASSERT_EQUAL(memory_read(vm, gpa(0x9fffe), to, 4), -HOST_EINVAL);
	free_bare(vm);
}

/* What the nested tables say of a: the host address, or 0. */
static u64 mapped(struct vm *vm, u64 a)
{
	u64 entries[NESTED_LEVELS];
	hpa_t page = hpa(0);

	nested_walk(&container_of(vm, struct fake_vm, vm)->tables, gpa(a), entries, &page);
	return page.v;
}

static void test_fault_maps(void)
{
	struct vm *vm = bare_vm();

	fake_host.memory = GiB(8);
	CU_ASSERT_EQUAL_FATAL(memory_init(vm, GiB(4)), 0);
	CU_ASSERT_EQUAL(mapped(vm, 0x1000), 0);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0x1000)), 0);
	CU_ASSERT_EQUAL(mapped(vm, 0x1000), (u64)(uintptr_t)memory_ptr(vm, gpa(0x1000), 1));
	CU_ASSERT_EQUAL(mapped(vm, 0x9ffff), (u64)(uintptr_t)memory_ptr(vm, gpa(0x9ffff), 1));
	CU_ASSERT_EQUAL(mapped(vm, 0xa0000), 0);
	CU_ASSERT_EQUAL(mapped(vm, 0xbffff), 0);
	CU_ASSERT_EQUAL(mapped(vm, 0xc0000), (u64)(uintptr_t)memory_ptr(vm, gpa(0xc0000), 1));
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(GiB(4) + MiB(3))), 0);
	CU_ASSERT_EQUAL(mapped(vm, GiB(4) + MiB(3)),
			(u64)(uintptr_t)memory_ptr(vm, gpa(GiB(4) + MiB(3)), 1));
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0x1000)), 0); /* another CPU was faster */
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0xb8000)), -HOST_ENOENT);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0xfee00000)), -HOST_ENOENT);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(~0ull)), -HOST_ENOENT);
	CU_ASSERT_EQUAL(mapped(vm, 0xb8000), 0);
	free_bare(vm);
}

static void test_fault_without_memory(void)
{
	struct vm *vm = bare_vm();

	CU_ASSERT_EQUAL_FATAL(memory_init(vm, MiB(8)), 0);
	fake_host.allocations_left = 0;
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0)), -HOST_ENOMEM);
	CU_ASSERT_PTR_NULL(memory_ptr(vm, gpa(0), 1));
	CU_ASSERT_EQUAL(vm->memory.touched, 0);
	fake_host.allocations_left = ~0ull;
	/* The chunk is there, its tables are not: the next touch maps it. */
	fake_virt.map_error = -HOST_ENOMEM;
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0)), -HOST_ENOMEM);
	CU_ASSERT_EQUAL(vm->memory.touched, MiB(2));
	fake_virt.map_error = 0;
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0)), 0);
	CU_ASSERT_EQUAL(vm->memory.touched, MiB(2));
	CU_ASSERT_NOT_EQUAL(mapped(vm, 0), 0);
	free_bare(vm);
}

void test_memory_register(void)
{
	CU_pSuite suite = CU_add_suite("memory", NULL, NULL);

	CU_add_test(suite, "sizes that are refused", test_refused);
	CU_add_test(suite, "exhausted while made: nothing leaks", test_exhausted);
	CU_add_test(suite, "exhausted when touched", test_fault_without_memory);
	CU_add_test(suite, "what is RAM, and what wraps around", test_what_is_ram);
	CU_add_test(suite, "sizes", test_sizes);
	CU_add_test(suite, "a touch takes a chunk", test_touching);
	CU_add_test(suite, "copies over borders", test_copy_over_borders);
	CU_add_test(suite, "a fault maps", test_fault_maps);
}
