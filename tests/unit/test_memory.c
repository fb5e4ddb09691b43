/*
 * test_memory.c - the RAM of a virtual machine
 *
 * Owns: sizes, holes, borders, exhaustion, arithmetic that overflows.
 */
#include "machine.h"

#include "fake_virt.h"
#include "vm/emulate.h"
#include "vm/handle.h"
#include "vm/walk.h"

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
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0x1000), ACCESS_READ), 0);
	CU_ASSERT_EQUAL(mapped(vm, 0x1000), (u64)(uintptr_t)memory_ptr(vm, gpa(0x1000), 1));
	CU_ASSERT_EQUAL(mapped(vm, 0x9ffff), (u64)(uintptr_t)memory_ptr(vm, gpa(0x9ffff), 1));
	CU_ASSERT_EQUAL(mapped(vm, 0xa0000), 0);
	CU_ASSERT_EQUAL(mapped(vm, 0xbffff), 0);
	CU_ASSERT_EQUAL(mapped(vm, 0xc0000), (u64)(uintptr_t)memory_ptr(vm, gpa(0xc0000), 1));
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(GiB(4) + MiB(3)), ACCESS_READ), 0);
	CU_ASSERT_EQUAL(mapped(vm, GiB(4) + MiB(3)),
			(u64)(uintptr_t)memory_ptr(vm, gpa(GiB(4) + MiB(3)), 1));
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0x1000), ACCESS_READ), 0); /* another CPU was faster */
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0xb8000), ACCESS_READ), -HOST_ENOENT);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0xfee00000), ACCESS_READ), -HOST_ENOENT);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(~0ull), ACCESS_READ), -HOST_ENOENT);
	CU_ASSERT_EQUAL(mapped(vm, 0xb8000), 0);
	free_bare(vm);
}

/* With gate A20 closed, odd MiB show even ones: to the guest, and to us. */
static void test_a20(void)
{
	struct vm *vm = bare_vm();
	u64 value = 0;

	CU_ASSERT_EQUAL_FATAL(memory_init(vm, MiB(8)), 0);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(MiB(2)), ACCESS_READ), 0);
	value = 0x1122334455667788;
	CU_ASSERT_EQUAL(memory_write(vm, gpa(MiB(3)), &value, 8), 0);
	memory_a20(vm, false);
	CU_ASSERT_EQUAL(mapped(vm, MiB(2)), 0); /* what was mapped is not any more */
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(MiB(3)), ACCESS_READ), 0);
	CU_ASSERT_NOT_EQUAL(mapped(vm, MiB(2)), 0);
	CU_ASSERT_EQUAL(mapped(vm, MiB(3) + 0x5000), mapped(vm, MiB(2) + 0x5000));
	CU_ASSERT_PTR_EQUAL(memory_ptr(vm, gpa(MiB(3) + 16), 8),
			    memory_ptr(vm, gpa(MiB(2) + 16), 8));
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(MiB(1)), ACCESS_READ), 0);
	CU_ASSERT_EQUAL(mapped(vm, MiB(1)), mapped(vm, 0));
	CU_ASSERT_EQUAL(mapped(vm, 0x1a0000), 0); /* the display's */
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0x1a0000), ACCESS_READ), -HOST_ENOENT);
	CU_ASSERT(!memory_is_ram(vm, gpa(0x1a0000), 1));
	value = 0;
	CU_ASSERT_EQUAL(memory_write(vm, gpa(MiB(3) - 4), &value, 8), 0); /* 2 MiB + .. and 2 MiB */
	CU_ASSERT_EQUAL(memory_read(vm, gpa(MiB(3)), &value, 8), 0);
	CU_ASSERT_EQUAL(value, 0);
	memory_a20(vm, true);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(MiB(3)), ACCESS_READ), 0);
	CU_ASSERT_EQUAL(mapped(vm, MiB(3)) - mapped(vm, MiB(2)), MiB(1));
	CU_ASSERT_EQUAL(memory_read(vm, gpa(MiB(3)), &value, 8), 0);
	CU_ASSERT_EQUAL(value, 0x1122334455667788);
	free_bare(vm);
}

/* What is unmapped is what was mapped since the gate moved last: a guest cannot make us do more. */
static void test_a20_often(void)
{
	const unsigned chunks = 40;
	struct vm *vm = bare_vm();

	fake_host.memory = GiB(1);
	CU_ASSERT_EQUAL_FATAL(memory_init(vm, chunks * MEMORY_CHUNK), 0);
	for (unsigned i = 0; i < chunks; i++)
		CU_ASSERT_EQUAL(memory_fault(vm, gpa(i * MEMORY_CHUNK), ACCESS_READ), 0);
	memory_a20(vm, false);
	CU_ASSERT_EQUAL(fake_virt.unmapped, chunks * MEMORY_CHUNK);
	for (unsigned i = 0; i < chunks; i++)
		CU_ASSERT_EQUAL(mapped(vm, i * MEMORY_CHUNK + MiB(1)), 0);
	for (unsigned i = 0; i < 100; i++) {
		u64 a = i % chunks * MEMORY_CHUNK;

		CU_ASSERT_EQUAL(memory_fault(vm, gpa(a + MiB(1)), ACCESS_READ), 0);
		CU_ASSERT_EQUAL(mapped(vm, a + MiB(1)) - mapped(vm, a), i % 2 ? MiB(1) : 0);
		fake_virt.unmapped = 0;
		memory_a20(vm, i % 2 == 0);
		CU_ASSERT_EQUAL(fake_virt.unmapped, MEMORY_CHUNK);
		CU_ASSERT_EQUAL(mapped(vm, a) | mapped(vm, a + MiB(1)), 0);
	}
	fake_virt.unmapped = 0;
	memory_a20(vm, false);
	CU_ASSERT_EQUAL(fake_virt.unmapped, 0);
	free_bare(vm);
}

static void test_fault_without_memory(void)
{
	struct vm *vm = bare_vm();

	CU_ASSERT_EQUAL_FATAL(memory_init(vm, MiB(8)), 0);
	fake_host.allocations_left = 0;
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0), ACCESS_READ), -HOST_ENOMEM);
	CU_ASSERT_PTR_NULL(memory_ptr(vm, gpa(0), 1));
	CU_ASSERT_EQUAL(vm->memory.touched, 0);
	fake_host.allocations_left = ~0ull;
	/* The chunk is there, its tables are not: the next touch maps it. */
	fake_virt.map_error = -HOST_ENOMEM;
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0), ACCESS_READ), -HOST_ENOMEM);
	CU_ASSERT_EQUAL(vm->memory.touched, MiB(2));
	fake_virt.map_error = 0;
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0), ACCESS_READ), 0);
	CU_ASSERT_EQUAL(vm->memory.touched, MiB(2));
	CU_ASSERT_NOT_EQUAL(mapped(vm, 0), 0);
	free_bare(vm);
}

/* ---- Views: ROM, shadowed areas, a window --------------------------------------------------- */

#define ROM_SIZE KiB(256)
static u8 rom_image[ROM_SIZE];

static u8 rom_byte(u64 offset)
{
	return (u8)(offset * 5 + offset / 253 + 1);
}

static unsigned rights(struct vm *vm, u64 a)
{
	u64 entries[NESTED_LEVELS];
	hpa_t page = hpa(0);
	unsigned n = nested_walk(&container_of(vm, struct fake_vm, vm)->tables, gpa(a), entries,
				 &page);

	return page.v ? entries[n - 1] & PROT_RWX : 0;
}

static struct vm *rom_vm(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 2);

	for (u64 i = 0; i < ROM_SIZE; i++)
		rom_image[i] = rom_byte(i);
	CU_ASSERT_EQUAL_FATAL(memory_rom(vm, rom_image, ROM_SIZE), 0);
	return vm;
}

static u8 byte_at(struct vm *vm, u64 a)
{
	u8 byte = 0x5c;

	CU_ASSERT_EQUAL(memory_read(vm, gpa(a), &byte, 1), 0);
	return byte;
}

static void put_byte(struct vm *vm, u64 a, u8 byte)
{
	CU_ASSERT_EQUAL(memory_write(vm, gpa(a), &byte, 1), 0);
}

static void test_rom_refused(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 1);
	u64 before = fake_host.pages_out;

	CU_ASSERT_EQUAL(memory_rom(vm, rom_image, 0), -HOST_EINVAL);
	CU_ASSERT_EQUAL(memory_rom(vm, rom_image, PAGE_SIZE + 1), -HOST_EINVAL);
	CU_ASSERT_EQUAL(memory_rom(vm, rom_image, MEMORY_ROM_MAX + PAGE_SIZE), -HOST_EINVAL);
	CU_ASSERT_EQUAL(memory_rom(vm, rom_image, ~0ull), -HOST_EINVAL);
	CU_ASSERT_EQUAL(memory_rom(vm, rom_image, ALIGN_DOWN(~0ull, PAGE_SIZE)), -HOST_EINVAL);
	fake_host.allocations_left = 0;
	CU_ASSERT_EQUAL(memory_rom(vm, rom_image, PAGE_SIZE), -HOST_ENOMEM);
	fake_host.allocations_left = ~0ull;
	CU_ASSERT_EQUAL(fake_host.pages_out, before);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(GiB(4) - 16), ACCESS_FETCH), -HOST_ENOENT);
	fake_vm_free(vm);
}

static void test_rom(void)
{
	struct vm *vm = rom_vm();
	const u64 top = GiB(4) - ROM_SIZE;
	u8 two[2];

	CU_ASSERT_EQUAL(memory_fault(vm, gpa(GiB(4) - 16), ACCESS_FETCH), 0);
	CU_ASSERT_EQUAL(rights(vm, GiB(4) - 16), PROT_R | PROT_X);
	CU_ASSERT_EQUAL(rights(vm, top), PROT_R | PROT_X);
	CU_ASSERT_EQUAL(mapped(vm, top - 1), 0);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(top), ACCESS_WRITE), -HOST_ENOENT);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(top - 1), ACCESS_READ), -HOST_ENOENT);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(GiB(4)), ACCESS_READ), -HOST_ENOENT);
	CU_ASSERT_EQUAL(byte_at(vm, top), rom_byte(0));
	CU_ASSERT_EQUAL(byte_at(vm, GiB(4) - 1), rom_byte(ROM_SIZE - 1));
	put_byte(vm, top, 0xaa); /* lost */
	CU_ASSERT_EQUAL(byte_at(vm, top), rom_byte(0));
	CU_ASSERT_EQUAL(rom_image[0], rom_byte(0));
	CU_ASSERT_EQUAL(memory_read(vm, gpa(GiB(4) - 1), two, 2), -HOST_EINVAL);
	CU_ASSERT_EQUAL(memory_read(vm, gpa(top - 1), two, 2), -HOST_EINVAL);
	CU_ASSERT_EQUAL(memory_write(vm, gpa(GiB(4) - 1), two, 2), -HOST_EINVAL);
	CU_ASSERT_PTR_NULL(memory_ptr(vm, gpa(top), 1));
	CU_ASSERT_PTR_NOT_NULL(memory_view(vm, gpa(top), ROM_SIZE));
	CU_ASSERT_PTR_NULL(memory_view(vm, gpa(top), ROM_SIZE + 1));
	CU_ASSERT_PTR_NULL(memory_view(vm, gpa(top - 1), 1));
	CU_ASSERT(!memory_is_ram(vm, gpa(top), 1));
	/* Another one: smaller, so the rest is nothing again. */
	CU_ASSERT_EQUAL(memory_rom(vm, rom_image, KiB(64)), 0);
	CU_ASSERT_EQUAL(mapped(vm, GiB(4) - 16), 0);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(top), ACCESS_READ), -HOST_ENOENT);
	CU_ASSERT_EQUAL(byte_at(vm, GiB(4) - KiB(64)), rom_byte(0));
	fake_vm_free(vm);
}

struct pam_case {
	bool read_ram, write_ram;
	unsigned rights;
};

/* Each page of an area in each state; the pages beside it do not change. */
static void test_shadow(void)
{
	static const struct pam_case cases[] = {
		{ false, false, PROT_R | PROT_X },
		{ false, true, PROT_R | PROT_X },
		{ true, false, PROT_R | PROT_X },
		{ true, true, PROT_RWX },
	};
	struct vm *vm = rom_vm();
	const u64 at = 0xe4000, size = KiB(16);
	const u64 in_rom = ROM_SIZE - (MiB(1) - at);

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct pam_case *c = &cases[i];
		u8 ram = (u8)(0x80 + i), seen = c->read_ram ? ram : rom_byte(in_rom);

		memory_pam(vm, gpa(at), size, true, true);
		put_byte(vm, at, ram);
		memory_pam(vm, gpa(at), size, c->read_ram, c->write_ram);
		CU_ASSERT_EQUAL(mapped(vm, at), 0); /* nobody goes on with what was */
		CU_ASSERT_EQUAL(memory_fault(vm, gpa(at), ACCESS_READ), 0);
		CU_ASSERT_EQUAL(rights(vm, at), c->rights);
		CU_ASSERT_EQUAL(rights(vm, at + size - 1), c->rights);
		CU_ASSERT_EQUAL(rights(vm, at - 1), PROT_RWX);
		CU_ASSERT_EQUAL(rights(vm, at + size), PROT_RWX);
		CU_ASSERT_EQUAL(*(u8 *)(uintptr_t)mapped(vm, at), seen);
		CU_ASSERT_EQUAL(*(const u8 *)memory_view(vm, gpa(at), size), seen);
		CU_ASSERT_EQUAL(byte_at(vm, at), seen);
		CU_ASSERT_EQUAL(memory_fault(vm, gpa(at), ACCESS_WRITE),
				c->rights == PROT_RWX ? 0 : -HOST_ENOENT);
		CU_ASSERT_EQUAL(memory_is_ram(vm, gpa(at), 1), c->rights == PROT_RWX);
		CU_ASSERT_EQUAL(memory_ptr(vm, gpa(at), 1) != NULL, c->rights == PROT_RWX);
		CU_ASSERT_EQUAL(memory_is_ram(vm, gpa(at - 1), size + 2), c->rights == PROT_RWX);
		put_byte(vm, at, 0x11);
		memory_pam(vm, gpa(at), size, true, true);
		CU_ASSERT_EQUAL(byte_at(vm, at), c->write_ram ? 0x11 : ram);
	}
	fake_vm_free(vm);
}

/* Where neither RAM nor ROM is read: nothing, but writes may still go to RAM. */
static void test_shadow_without_rom(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 1);
	u8 byte;

	memory_pam(vm, gpa(MEMORY_PAM), MEMORY_PAM_END - MEMORY_PAM, false, true);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0xf0000), ACCESS_READ), -HOST_ENOENT);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0xf0000), ACCESS_WRITE), -HOST_ENOENT);
	CU_ASSERT_EQUAL(memory_read(vm, gpa(0xf0000), &byte, 1), -HOST_EINVAL);
	CU_ASSERT_PTR_NULL(memory_view(vm, gpa(0xf0000), 1));
	put_byte(vm, 0xf0000, 0x77);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0x1000), ACCESS_READ), 0);
	CU_ASSERT_EQUAL(mapped(vm, 0xf0000), 0);
	CU_ASSERT_NOT_EQUAL(mapped(vm, MiB(1)), 0);
	memory_pam(vm, gpa(0xf0000), KiB(64), true, false);
	CU_ASSERT_EQUAL(byte_at(vm, 0xf0000), 0x77);
	/* A ROM that is smaller than the 128 KiB: below it is still nothing. */
	memory_pam(vm, gpa(MEMORY_PAM), MEMORY_PAM_END - MEMORY_PAM, false, false);
	CU_ASSERT_EQUAL(memory_rom(vm, rom_image, KiB(64)), 0);
	CU_ASSERT_EQUAL(byte_at(vm, 0xf0000), rom_image[0]);
	CU_ASSERT_EQUAL(memory_read(vm, gpa(0xeffff), &byte, 1), -HOST_EINVAL);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0xf0000), ACCESS_READ), 0);
	CU_ASSERT_EQUAL(mapped(vm, 0xeffff), 0);
	CU_ASSERT_NOT_EQUAL(mapped(vm, 0xf0000), 0);
	fake_vm_free(vm);
}

/* One copy over RAM, ROM that loses it, RAM behind ROM; and one that meets the hole. */
static void test_copy_over_views(void)
{
	static u8 from[KiB(256)], to[sizeof(from)];
	struct vm *vm = rom_vm();

	memset(from, 0xab, sizeof(from));
	memory_pam(vm, gpa(0xe0000), KiB(64), false, false);
	memory_pam(vm, gpa(0xf0000), KiB(64), false, true);
	CU_ASSERT_EQUAL(memory_write(vm, gpa(0xd8000), from, sizeof(from)), 0);
	CU_ASSERT_EQUAL(memory_read(vm, gpa(0xd8000), to, sizeof(to)), 0);
	CU_ASSERT_EQUAL(to[0], 0xab);
	CU_ASSERT_EQUAL(to[0x7fff], 0xab);
	CU_ASSERT_EQUAL(to[0x8000], rom_byte(KiB(128)));
	CU_ASSERT_EQUAL(to[0x27fff], rom_byte(KiB(256) - 1));
	CU_ASSERT_EQUAL(to[0x28000], 0xab); /* above 1 MiB */
	memory_pam(vm, gpa(0xe0000), KiB(128), true, true);
	CU_ASSERT_EQUAL(byte_at(vm, 0xe0000), 0);
	CU_ASSERT_EQUAL(byte_at(vm, 0xf0000), 0xab);
	CU_ASSERT_EQUAL(memory_write(vm, gpa(0x9ffff), from, 2), -HOST_EINVAL);
	CU_ASSERT_EQUAL(byte_at(vm, 0x9ffff), 0); /* nothing at all was written */
	fake_vm_free(vm);
}

static void *pam_badly(u64 base, u64 size)
{
	struct vm *vm = fake_vm_make(MiB(4), 1);

	memory_pam(vm, gpa(base), size, true, true);
	return vm;
}

static void pam_below(void *unused UNUSED)
{
	pam_badly(0xbf000, PAGE_SIZE);
}

static void pam_above(void *unused UNUSED)
{
	pam_badly(0xff000, 2 * PAGE_SIZE);
}

static void pam_odd(void *unused UNUSED)
{
	pam_badly(0xf0800, PAGE_SIZE);
}

static void test_our_mistakes(void)
{
	fake_virt_reset();
	CU_ASSERT(panics(pam_below, NULL));
	CU_ASSERT(panics(pam_above, NULL));
	CU_ASSERT(panics(pam_odd, NULL));
}

static struct {
	struct vm *vm;
	unsigned written;
} device;

static void device_written(void *ctx UNUSED)
{
	CU_ASSERT(host_locked(&device.vm->lock));
	device.written++;
	memory_window_set(device.vm, MEMORY_WINDOW_OPEN);
}

#define WINDOW 0xb8000ull
#define WINDOW_SIZE KiB(32)

static struct vm *window_vm(u8 **host)
{
	struct vm *vm = fake_vm_make(MiB(8), 2);

	/* Wherever the machine's own display is, this test uses the hole. */
	memory_window_set(vm, MEMORY_WINDOW_CLOSED);
	*host = host_alloc_pages(3);
	device.vm = vm;
	device.written = 0;
	memory_window(vm, &(struct memory_window){ gpa(WINDOW), WINDOW_SIZE, *host, device_written,
						   NULL });
	return vm;
}

static void free_window_vm(struct vm *vm, u8 *host)
{
	memory_window_set(vm, MEMORY_WINDOW_CLOSED);
	host_free_pages(host, 3);
	fake_vm_free(vm);
}

static void test_window(void)
{
	u8 *host;
	struct vm *vm = window_vm(&host);
	struct vcpu *other = vm->vcpu[1];

	host[0] = 0x41;
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(WINDOW), ACCESS_READ), -HOST_ENOENT);
	memory_window_set(vm, MEMORY_WINDOW_WATCHED);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(WINDOW), ACCESS_READ), 0);
	CU_ASSERT_EQUAL(rights(vm, WINDOW), PROT_R | PROT_X);
	CU_ASSERT_EQUAL(rights(vm, WINDOW + WINDOW_SIZE - 1), PROT_R | PROT_X);
	CU_ASSERT_EQUAL(rights(vm, WINDOW - 1), 0);
	CU_ASSERT_EQUAL(mapped(vm, WINDOW), (u64)(uintptr_t)host);
	CU_ASSERT_EQUAL(device.written, 0);
	/* The first write: the device hears of it, and then writes cost nothing. */
	other->requests = 0;
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(WINDOW + 5), ACCESS_WRITE), 0);
	CU_ASSERT_EQUAL(device.written, 1);
	CU_ASSERT_EQUAL(rights(vm, WINDOW), PROT_RWX);
	CU_ASSERT_EQUAL(other->requests & REQUEST_FLUSH, 0); /* rights were only given */
	/* A CPU that still has the old right: nothing happens twice. */
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(WINDOW + 5), ACCESS_READ | ACCESS_WRITE), 0);
	CU_ASSERT_EQUAL(device.written, 1);
	/* Watched again: taken away, and everybody must forget. */
	memory_window_set(vm, MEMORY_WINDOW_WATCHED);
	CU_ASSERT_EQUAL(rights(vm, WINDOW), PROT_R | PROT_X);
	CU_ASSERT(other->requests & REQUEST_FLUSH);
	CU_ASSERT(vm->vcpu[0]->requests & REQUEST_FLUSH);
	/* Emulation writes: the same; with and without the lock. */
	put_byte(vm, WINDOW + 2, 0x42);
	CU_ASSERT_EQUAL(device.written, 2);
	CU_ASSERT_EQUAL(host[2], 0x42);
	memory_window_set(vm, MEMORY_WINDOW_WATCHED);
	host_lock(&vm->lock);
	put_byte(vm, WINDOW + 4, 0x43);
	host_unlock(&vm->lock);
	CU_ASSERT_EQUAL(device.written, 3);
	CU_ASSERT_EQUAL(byte_at(vm, WINDOW), 0x41);
	CU_ASSERT_PTR_EQUAL(memory_view(vm, gpa(WINDOW + 4), 4), host + 4);
	CU_ASSERT_PTR_NULL(memory_ptr(vm, gpa(WINDOW), 1)); /* no RAM that devices may use */
	CU_ASSERT(!memory_is_ram(vm, gpa(WINDOW), 1));
	memory_window_set(vm, MEMORY_WINDOW_CLOSED);
	CU_ASSERT_EQUAL(mapped(vm, WINDOW), 0);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(WINDOW), ACCESS_WRITE), -HOST_ENOENT);
	CU_ASSERT_EQUAL(memory_write(vm, gpa(WINDOW), "x", 1), -HOST_EINVAL);
	CU_ASSERT_EQUAL(device.written, 3);
	free_window_vm(vm, host);
}

/* Written first, never read: mapped with all rights at once. */
static void test_window_written_first(void)
{
	u8 *host;
	struct vm *vm = window_vm(&host);

	memory_window_set(vm, MEMORY_WINDOW_WATCHED);
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(WINDOW), ACCESS_WRITE), 0);
	CU_ASSERT_EQUAL(rights(vm, WINDOW), PROT_RWX);
	CU_ASSERT_EQUAL(device.written, 1);
	free_window_vm(vm, host);
}

static void test_settled(void)
{
	u8 *host;
	struct vm *vm = window_vm(&host);
	struct vcpu *other = vm->vcpu[1];

	memory_window_set(vm, MEMORY_WINDOW_OPEN);
	other->requests = 0;
	other->in_guest = true; /* on another CPU */
	CU_ASSERT(memory_settled(vm));
	memory_window_set(vm, MEMORY_WINDOW_WATCHED);
	CU_ASSERT(!memory_settled(vm));
	CU_ASSERT_PTR_EQUAL(fake_host.kicked, other);
	other->requests = 0; /* it left and flushed */
	CU_ASSERT(memory_settled(vm));
	memory_pam(vm, gpa(0xf0000), KiB(64), true, false);
	CU_ASSERT(!memory_settled(vm));
	other->in_guest = false; /* out, and will flush before it goes in */
	CU_ASSERT(memory_settled(vm));
	free_window_vm(vm, host);
}

/* The view changes when no memory is left for tables: the next touch says so, nothing is stale. */
static void test_views_without_memory(void)
{
	struct vm *vm = rom_vm();

	fake_virt.map_error = -HOST_ENOMEM;
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(GiB(4) - 16), ACCESS_FETCH), -HOST_ENOMEM);
	fake_virt.map_error = 0;
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(GiB(4) - 16), ACCESS_FETCH), 0);
	memory_pam(vm, gpa(0xf0000), KiB(64), false, false);
	fake_virt.map_error = -HOST_ENOMEM;
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0xf0000), ACCESS_READ), -HOST_ENOMEM);
	CU_ASSERT_EQUAL(mapped(vm, 0xf0000), 0);
	fake_virt.map_error = 0;
	CU_ASSERT_EQUAL(memory_fault(vm, gpa(0xf0000), ACCESS_READ), 0);
	CU_ASSERT_EQUAL(rights(vm, 0xf0000), PROT_R | PROT_X);
	fake_vm_free(vm);
}

/* Whatever the bridge is told, guest and emulation see one and the same. */
static void test_views_agree(void)
{
	struct vm *vm = rom_vm();
	u8 *ram = memory_ptr(vm, gpa(0xc0000), KiB(256));
	unsigned wrong = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(ram);
	srand(3);
	for (unsigned i = 0; i < 3000; i++) {
		u64 at = MEMORY_PAM + (u64)(rand() % 16) * KiB(16);
		u64 probe = MEMORY_PAM + (u64)(rand() % (int)KiB(256));
		const u8 *view;
		u8 byte = (u8)rand(), seen = 0xff;

		memory_pam(vm, gpa(at), KiB(16), rand() & 1, rand() & 1);
		view = memory_view(vm, gpa(probe), 1);
		memory_read(vm, gpa(probe), &seen, 1);
		if (!memory_fault(vm, gpa(probe), ACCESS_READ))
			wrong += mapped(vm, probe) != (u64)(uintptr_t)view || *view != seen;
		else
			wrong += view != NULL || seen != 0xff || mapped(vm, probe);
		memory_write(vm, gpa(probe), &byte, 1);
		wrong += (rights(vm, probe) & PROT_W) &&
			 (ram[probe - MEMORY_PAM] != byte || view != ram + (probe - MEMORY_PAM));
	}
	CU_ASSERT_EQUAL(wrong, 0);
	for (u64 i = 0; i < ROM_SIZE; i++)
		wrong += byte_at(vm, GiB(4) - ROM_SIZE + i) != rom_byte(i);
	CU_ASSERT_EQUAL(wrong, 0);
	fake_vm_free(vm);
}

/* Code in ROM is fetched, and fetched anew when the view has changed. */
static void test_fetch_from_rom(void)
{
	static const u8 nops[] = { 0x0f, 0x31, 0x90, 0x90 }, cpuid[] = { 0x0f, 0xa2, 0x90, 0x90 };
	struct vm *vm = rom_vm();
	struct vcpu *v = vm->vcpu[0];
	const struct insn *insn;
	struct event fault;

	memcpy(rom_image + ROM_SIZE - 0x100, nops, sizeof(nops));
	CU_ASSERT_EQUAL_FATAL(memory_rom(vm, rom_image, ROM_SIZE), 0);
	fake_mode_real(v);
	v->state.seg[SEG_CS].base = 0xffff0000;
	fake_vcpu_settle(v);
	v->regs.rip = 0xff00;
	insn = fetch_insn(v, &fault);
	CU_ASSERT_PTR_NOT_NULL_FATAL(insn);
	CU_ASSERT_EQUAL(insn->opcode, 0x31);
	/* The same below 1 MiB; then RAM comes in its place. */
	memory_pam(vm, gpa(0xf0000), KiB(64), false, true);
	memory_write(vm, gpa(0xfff00), cpuid, sizeof(cpuid));
	v->state.seg[SEG_CS].base = 0xf0000;
	fake_vcpu_settle(v);
	insn = fetch_insn(v, &fault);
	CU_ASSERT_PTR_NOT_NULL_FATAL(insn);
	CU_ASSERT_EQUAL(insn->opcode, 0x31);
	memory_pam(vm, gpa(0xf0000), KiB(64), true, true);
	CU_ASSERT(v->requests & REQUEST_FLUSH);
	fetch_flush(v); /* as it is served before the next entry */
	insn = fetch_insn(v, &fault);
	CU_ASSERT_PTR_NOT_NULL_FATAL(insn);
	CU_ASSERT_EQUAL(insn->opcode, 0xa2);
	fake_vm_free(vm);
}

/* Emulated loads and stores see what the guest's own would. */
static void test_emulation_sees_views(void)
{
	struct vm *vm = rom_vm();
	struct vcpu *v = vm->vcpu[0];
	struct event fault;
	u32 value = 0, stored = 0xfeedbeef;

	vm->config.strict = true; /* a store to nothing would end it */
	fake_mode_flat32(v);
	memory_pam(vm, gpa(0xf0000), KiB(64), false, true);
	CU_ASSERT_EQUAL(emulate_read(v, 0xffff0, &value, 4, false, &fault), 0);
	CU_ASSERT_EQUAL(value & 0xff, rom_byte(ROM_SIZE - 16));
	CU_ASSERT_EQUAL(emulate_write(v, 0xffff0, &stored, 4, false, &fault), 0);
	CU_ASSERT_EQUAL(emulate_read(v, 0xfffffff0, &value, 4, false, &fault), 0);
	CU_ASSERT_EQUAL(value & 0xff, rom_byte(ROM_SIZE - 16));
	CU_ASSERT_EQUAL(emulate_write(v, 0xfffffff0, &stored, 4, false, &fault), 0);
	CU_ASSERT_EQUAL(emulate_read(v, 0xfffffff0, &value, 4, false, &fault), 0);
	CU_ASSERT_EQUAL(value & 0xff, rom_byte(ROM_SIZE - 16));
	CU_ASSERT_EQUAL(vm->state, VM_RUNNING);
	memory_pam(vm, gpa(0xf0000), KiB(64), true, false);
	CU_ASSERT_EQUAL(emulate_read(v, 0xffff0, &value, 4, false, &fault), 0);
	CU_ASSERT_EQUAL(value, 0xfeedbeef); /* which went to RAM */
	/* Over the border of two views. */
	memory_pam(vm, gpa(0xe0000), KiB(64), false, false);
	CU_ASSERT_EQUAL(emulate_read(v, 0xefffe, &value, 4, false, &fault), 0);
	CU_ASSERT_EQUAL(value, rom_byte(KiB(192) - 2) | rom_byte(KiB(192) - 1) << 8);
	CU_ASSERT_EQUAL(emulate_write(v, 0xefffe, &stored, 4, false, &fault), 0);
	CU_ASSERT_EQUAL(emulate_read(v, 0xefffe, &value, 4, false, &fault), 0);
	CU_ASSERT_EQUAL(value, rom_byte(KiB(192) - 2) | rom_byte(KiB(192) - 1) << 8);
	CU_ASSERT_EQUAL(vm->state, VM_RUNNING);
	fake_vm_free(vm);
}

/* The host has nothing left: only that guest dies, and it is said why; a device is no such case. */
static void test_exhausted_by_guest(void)
{
	struct vm *vm = fake_vm_make(MiB(8), 1);
	struct vcpu *v = vm->vcpu[0];

	fake_mode_flat32(v);
	v->exit = (struct vm_exit){ .reason = EXIT_MEMORY,
				    .memory = { gpa(MiB(6)), ACCESS_WRITE, false } };
	fake_host.allocations_left = 0;
	handle_exit(v);
	fake_host.allocations_left = ~0ull;
	CU_ASSERT_EQUAL(vm->state, VM_DEAD);
	CU_ASSERT_STRING_EQUAL(vm->cause, "no host memory left for address 0x600000");
	fake_vm_free(vm);
}

/* Page tables in ROM lead where they say. */
static void test_walk_in_rom(void)
{
	const u32 entry = 0x00400000 | PTE_P | PTE_A | PTE_PS;
	struct vm *vm = rom_vm();
	struct vcpu *v = vm->vcpu[0];
	struct walk_mode mode;
	struct walk w;

	memcpy(rom_image + ROM_SIZE - PAGE_SIZE + 4, &entry, sizeof(entry));
	CU_ASSERT_EQUAL_FATAL(memory_rom(vm, rom_image, ROM_SIZE), 0);
	fake_mode_flat32(v);
	v->state.cr0 |= CR0_PG;
	v->state.cr4 |= CR4_PSE;
	v->state.cr3 = 0xfffff000;
	fake_vcpu_settle(v);
	fetch_walk_mode(v, &mode);
	CU_ASSERT_EQUAL(walk(&w, &mode, 0x00412345, ACCESS_READ), 0);
	CU_ASSERT_EQUAL(w.gpa.v, 0x00412345);
	fake_vm_free(vm);
}

void test_memory_register(void)
{

	CU_pSuite suite = CU_add_suite("memory", NULL, NULL);

	CU_add_test(suite, "sizes that are refused", test_refused);
	CU_add_test(suite, "exhausted while made: nothing leaks", test_exhausted);
	CU_add_test(suite, "exhausted when touched", test_fault_without_memory);
	CU_add_test(suite, "exhausted when the guest touches", test_exhausted_by_guest);
	CU_add_test(suite, "what is RAM, and what wraps around", test_what_is_ram);
	CU_add_test(suite, "sizes", test_sizes);
	CU_add_test(suite, "a touch takes a chunk", test_touching);
	CU_add_test(suite, "copies over borders", test_copy_over_borders);
	CU_add_test(suite, "a fault maps", test_fault_maps);
	CU_add_test(suite, "gate A20", test_a20);
	CU_add_test(suite, "gate A20, again and again", test_a20_often);
	CU_add_test(suite, "ROM that is refused", test_rom_refused);
	CU_add_test(suite, "no memory for tables of views", test_views_without_memory);
	CU_add_test(suite, "our own mistakes", test_our_mistakes);
	CU_add_test(suite, "ROM", test_rom);
	CU_add_test(suite, "shadowed areas", test_shadow);
	CU_add_test(suite, "shadowed areas without ROM", test_shadow_without_rom);
	CU_add_test(suite, "copies over views", test_copy_over_views);
	CU_add_test(suite, "all views agree", test_views_agree);
	CU_add_test(suite, "a window", test_window);
	CU_add_test(suite, "a window that is written first", test_window_written_first);
	CU_add_test(suite, "settled", test_settled);
	CU_add_test(suite, "code in ROM", test_fetch_from_rom);
	CU_add_test(suite, "emulation sees it too", test_emulation_sees_views);
	CU_add_test(suite, "page tables in ROM", test_walk_in_rom);
}
