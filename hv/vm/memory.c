/* memory.c - see memory.h */
#include "vm/memory.h"

#include "host.h"
#include "lib/string.h"
#include "vm/vm.h"

/* 40 bits: what every CPU that we run on can address. */
#define MEMORY_SIZE_LIMIT (BIT(40) - GiB(4))

static unsigned table_order(u64 chunks)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < chunks * sizeof(void *))
		order++;
	return order;
}

static int add_slot(struct memory *memory, u64 base, u64 size)
{
	struct memory_slot *slot = &memory->slot[memory->slot_count];

	slot->chunk_order = table_order(size / MEMORY_CHUNK);
	slot->chunk = host_alloc_pages(slot->chunk_order);
	if (!slot->chunk)
		return -HOST_ENOMEM;
	slot->base = gpa(base);
	slot->size = size;
	memory->slot_count++;
	return 0;
}

int memory_init(struct vm *vm, u64 size)
{
	struct memory *memory = &vm->memory;
	int error;

	if (!size || size > MEMORY_SIZE_LIMIT)
		return -HOST_EINVAL;
	size = ALIGN_UP(size, MEMORY_CHUNK);
	error = host_reserve(size);
	if (error)
		return error;
	memory->size = size;
	error = add_slot(memory, 0, MIN(size, MEMORY_LOW_LIMIT));
	if (!error && size > MEMORY_LOW_LIMIT)
		error = add_slot(memory, GiB(4), size - MEMORY_LOW_LIMIT);
	if (error)
		memory_free(vm);
	return error;
}

void memory_free(struct vm *vm)
{
	struct memory *memory = &vm->memory;

	for (unsigned s = 0; s < memory->slot_count; s++) {
		struct memory_slot *slot = &memory->slot[s];

		for (u64 i = 0; i < slot->size / MEMORY_CHUNK; i++)
			if (slot->chunk[i])
				host_free_pages(slot->chunk[i], LARGE_PAGE_SHIFT - PAGE_SHIFT);
		host_free_pages(slot->chunk, slot->chunk_order);
	}
	host_unreserve(memory->size);
	*memory = (struct memory){ 0 };
}

static const struct memory_slot *find_slot(const struct memory *memory, u64 a)
{
	for (unsigned s = 0; s < memory->slot_count; s++)
		if (a - memory->slot[s].base.v < memory->slot[s].size)
			return &memory->slot[s];
	return NULL;
}

bool memory_is_ram(const struct vm *vm, gpa_t a, u64 len)
{
	const struct memory_slot *slot = find_slot(&vm->memory, a.v);

	if (!slot || len > slot->size - (a.v - slot->base.v))
		return false;
	return a.v >= MEMORY_VGA_HOLE_END || a.v + len <= MEMORY_VGA_HOLE;
}

/* The first chunk has a hole in it: what is below and above is mapped, the hole is not. */
static int map_chunk(struct vm *vm, gpa_t base, u8 *host)
{
	int error;

	if (base.v)
		return virt->map(vm, base, host, MEMORY_CHUNK, PROT_RWX);
	error = virt->map(vm, base, host, MEMORY_VGA_HOLE, PROT_RWX);
	if (error)
		return error;
	return virt->map(vm, gpa(MEMORY_VGA_HOLE_END), host + MEMORY_VGA_HOLE_END,
			 MEMORY_CHUNK - MEMORY_VGA_HOLE_END, PROT_RWX);
}

/*
 * Take a chunk and map it.  Two CPUs may touch it at once: then it is mapped twice, to the
 * same effect.  A chunk that could not be mapped stays the VM's and is mapped at the next
 * touch; it is never given back while a table may point to it.
 */
static int touch(struct vm *vm, const struct memory_slot *slot, u64 index)
{
	int error = 0;

	host_lock(&vm->memory.lock);
	if (!slot->chunk[index]) {
		void *host = host_alloc_pages(LARGE_PAGE_SHIFT - PAGE_SHIFT);

		__atomic_store_n(&slot->chunk[index], host, __ATOMIC_RELEASE);
		vm->memory.touched += host ? MEMORY_CHUNK : 0;
	}
	if (!slot->chunk[index])
		error = -HOST_ENOMEM;
	else
		error = map_chunk(vm, gpa(slot->base.v + index * MEMORY_CHUNK), slot->chunk[index]);
	host_unlock(&vm->memory.lock);
	return error;
}

void *memory_ptr(struct vm *vm, gpa_t a, u64 len)
{
	const struct memory_slot *slot = find_slot(&vm->memory, a.v);
	u64 offset, index;
	u8 *chunk;

	if (!slot || !memory_is_ram(vm, a, len))
		return NULL;
	offset = a.v - slot->base.v;
	index = offset / MEMORY_CHUNK;
	if (len > MEMORY_CHUNK - offset % MEMORY_CHUNK)
		return NULL;
	chunk = __atomic_load_n(&slot->chunk[index], __ATOMIC_ACQUIRE);
	if (!chunk) {
		if (touch(vm, slot, index))
			return NULL;
		chunk = slot->chunk[index];
	}
	return chunk + offset % MEMORY_CHUNK;
}

static int copy(struct vm *vm, gpa_t a, u8 *buf, u64 len, bool write)
{
	if (!memory_is_ram(vm, a, len))
		return -HOST_EINVAL;
	while (len) {
		u64 part = MIN(len, MEMORY_CHUNK - a.v % MEMORY_CHUNK);
		u8 *p = memory_ptr(vm, a, part);

		if (!p)
			return -HOST_ENOMEM;
		memcpy(write ? p : buf, write ? buf : p, part);
		a.v += part;
		buf += part;
		len -= part;
	}
	return 0;
}

int memory_read(struct vm *vm, gpa_t a, void *to, u64 len)
{
	return copy(vm, a, to, len, false);
}

int memory_write(struct vm *vm, gpa_t a, const void *from, u64 len)
{
	/* Only read from when writing: the cast takes no right away. */
	return copy(vm, a, (u8 *)(uintptr_t)from, len, true);
}

int memory_fault(struct vm *vm, gpa_t a)
{
	const struct memory_slot *slot = find_slot(&vm->memory, a.v);

	if (!slot || !memory_is_ram(vm, a, 1))
		return -HOST_ENOENT;
	return touch(vm, slot, (a.v - slot->base.v) / MEMORY_CHUNK);
}
