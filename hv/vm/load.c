/*
 * load.c - putting software into a new virtual machine
 *
 * Owns: choosing the loader, the memory map, room in the VM's RAM, and what firmware
 * would have left in low memory.
 * Must not know: kernel formats (load_multiboot.c, load_linux.c).
 */
#include "vm/load.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "vm/load_parts.h"
#include "vm/msr.h"
#include "vm/vm.h"

/* IBM PC BIOS data area: what old code looks up there. */
#define BDA_COM1_PORT 0x400
#define BDA_EBDA_SEGMENT 0x40e
#define BDA_MEMORY_KIB 0x413

#define BIOS_ROM 0xf0000ull
#define IOAPIC_BASE 0xfec00000ull

unsigned load_map(const struct vm *vm, struct load_area areas[LOAD_AREAS])
{
	const struct memory *memory = &vm->memory;
	unsigned n = 0;

	areas[n++] = (struct load_area){ 0, LOAD_LOW_END, LOAD_USABLE };
	areas[n++] =
	    (struct load_area){ LOAD_LOW_END, MEMORY_VGA_HOLE - LOAD_LOW_END, LOAD_RESERVED };
	areas[n++] = (struct load_area){ BIOS_ROM, LOAD_HIGH_START - BIOS_ROM, LOAD_RESERVED };
	areas[n++] = (struct load_area){ LOAD_HIGH_START, memory->slot[0].size - LOAD_HIGH_START,
					 LOAD_USABLE };
	areas[n++] = (struct load_area){ IOAPIC_BASE, PAGE_SIZE, LOAD_RESERVED };
	areas[n++] = (struct load_area){ APIC_DEFAULT_BASE, PAGE_SIZE, LOAD_RESERVED };
	for (unsigned i = 1; i < memory->slot_count; i++)
		areas[n++] =
		    (struct load_area){ memory->slot[i].base.v, memory->slot[i].size, LOAD_USABLE };
	return n;
}
_Static_assert(6 + MEMORY_SLOTS - 1 <= LOAD_AREAS, "room for all areas");

int load_refuse(struct loader *l, const struct blob *file, const char *format, ...)
{
	size_t at = fmt_string(l->error, l->error_size, "%s: ", file->name);
	va_list args;

	va_start(args, format);
	if (at < l->error_size)
		fmt_vstring(l->error + at, l->error_size - at, format, args);
	va_end(args);
	return -HOST_EINVAL;
}

bool load_peek(const struct blob *file, u64 offset, void *to, u64 size)
{
	if (offset > file->size || size > file->size - offset)
		return false;
	memcpy(to, file->data + offset, size);
	return true;
}

/* ---- Room ---------------------------------------------------------------------- */

static bool overlap(const struct load_range *r, u64 start, u64 end)
{
	return start < r->end && r->start < end;
}

static const struct load_range *taken(const struct loader *l, u64 start, u64 end)
{
	for (unsigned i = 0; i < l->used_count; i++)
		if (overlap(&l->used[i], start, end))
			return &l->used[i];
	return NULL;
}

static bool usable(const struct loader *l, u64 start, u64 size)
{
	struct load_area areas[LOAD_AREAS];
	unsigned count = load_map(l->vm, areas);

	for (unsigned i = 0; i < count; i++)
		if (areas[i].type == LOAD_USABLE && start >= areas[i].base &&
		    start - areas[i].base <= areas[i].size &&
		    size <= areas[i].size - (start - areas[i].base))
			return true;
	return false;
}

int load_claim(struct loader *l, const struct blob *file, u64 start, u64 size, const char *what)
{
	const struct load_range *other;

	if (!usable(l, start, size))
		return load_refuse(l, file,
				   "%s of 0x%lx bytes at 0x%lx is not inside usable memory "
				   "(0-0x%lx, 0x%lx-0x%lx)",
				   what, size, start, (u64)LOAD_LOW_END, (u64)LOAD_HIGH_START,
				   l->vm->memory.slot[0].size);
	other = taken(l, start, start + size);
	if (other)
		return load_refuse(l, file, "%s at 0x%lx-0x%lx overlaps %s at 0x%lx-0x%lx", what,
				   start, start + size, other->what, other->start, other->end);
	if (l->used_count == LOAD_RANGES)
		return load_refuse(l, file, "more than %d pieces to load", LOAD_RANGES);
	l->used[l->used_count++] = (struct load_range){ start, start + size, what };
	return 0;
}

static u64 place_in(const struct loader *l, u64 size, u64 align, u64 start, u64 end)
{
	const struct load_range *other;
	u64 at = ALIGN_UP(start, align);

	while (at < end && size <= end - at) {
		other = taken(l, at, at + size);
		if (!other)
			return at;
		at = ALIGN_UP(other->end, align);
	}
	return LOAD_NOWHERE;
}

static u64 place_high_in(const struct loader *l, u64 size, u64 align, u64 start, u64 end)
{
	const struct load_range *other;

	while (end > start && size <= end - start) {
		u64 at = ALIGN_DOWN(end - size, align);

		if (at < start)
			break;
		other = taken(l, at, at + size);
		if (!other)
			return at;
		end = other->start;
	}
	return LOAD_NOWHERE;
}

u64 load_place(const struct loader *l, u64 size, u64 align, u64 lowest, u64 limit)
{
	struct load_area areas[LOAD_AREAS];
	unsigned count = load_map(l->vm, areas);
	u64 at = LOAD_NOWHERE;

	for (unsigned i = 0; i < count && at == LOAD_NOWHERE; i++)
		if (areas[i].type == LOAD_USABLE)
			at = place_in(l, size, align, MAX(areas[i].base, lowest),
				      MIN(areas[i].base + areas[i].size, limit));
	return at;
}

u64 load_place_high(const struct loader *l, u64 size, u64 align, u64 lowest, u64 limit)
{
	struct load_area areas[LOAD_AREAS];
	u64 at = LOAD_NOWHERE;

	for (unsigned i = load_map(l->vm, areas); i-- > 0 && at == LOAD_NOWHERE;)
		if (areas[i].type == LOAD_USABLE)
			at = place_high_in(l, size, align, MAX(areas[i].base, lowest),
					   MIN(areas[i].base + areas[i].size, limit));
	return at;
}

/* ---- Writing -------------------------------------------------------------------- */

static int no_memory(struct loader *l, u64 at)
{
	load_refuse(l, &l->request->kernel, "no memory is left on this machine for address 0x%lx",
		    at);
	return -HOST_ENOMEM;
}

int load_put(struct loader *l, u64 at, const void *from, u64 size)
{
	return size && memory_write(l->vm, gpa(at), from, size) ? no_memory(l, at) : 0;
}

int load_clear(struct loader *l, u64 at, u64 size)
{
	while (size) {
		u64 part = MIN(size, MEMORY_CHUNK - at % MEMORY_CHUNK);
		void *p = memory_ptr(l->vm, gpa(at), part);

		if (!p)
			return no_memory(l, at);
		memset(p, 0, part);
		at += part;
		size -= part;
	}
	return 0;
}

static int put_bios_data(struct loader *l)
{
	const u16 com1 = UART_COM1_PORT, ebda = LOAD_LOW_END >> 4, kib = LOAD_LOW_END >> 10;
	int error = load_put(l, BDA_COM1_PORT, &com1, sizeof(com1));

	if (!error)
		error = load_put(l, BDA_EBDA_SEGMENT, &ebda, sizeof(ebda));
	if (!error)
		error = load_put(l, BDA_MEMORY_KIB, &kib, sizeof(kib));
	if (!error)
		error = load_clear(l, LOAD_LOW_END, MEMORY_VGA_HOLE - LOAD_LOW_END);
	return error;
}

int load_kernel(struct vm *vm, const struct load_request *request, char *error, size_t size)
{
	struct loader l = { .vm = vm, .request = request, .error = error, .error_size = size };
	int result = put_bios_data(&l);

	if (result)
		return result;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		msr_after_firmware(vm->vcpu[i]);
	return load_linux_wanted(&request->kernel) ? load_linux(&l) : load_multiboot(&l);
}
