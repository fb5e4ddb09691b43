/*
 * load.c - putting software into a new virtual machine
 *
 * Owns: choosing the loader, the memory map, room in the VM's RAM.
 * Must not know: kernel formats (load_multiboot.c, load_linux.c), traces of firmware (load_rom.c).
 */
#include "vm/load.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "vm/load_parts.h"
#include "vm/msr.h"
#include "vm/vm.h"

#define BIOS_ROM 0xf0000ull
#define RESET_VECTOR 16 /* bytes before the end of firmware */
#define IOAPIC_BASE 0xfec00000ull

static unsigned ram_map(const struct vm *vm, struct load_area *areas)
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

/* Put an area in at place i. */
static void insert(struct load_area *areas, unsigned *n, unsigned i, struct load_area area)
{
	if (!area.size)
		return;
	check(*n < LOAD_AREAS);
	for (unsigned k = (*n)++; k > i; k--)
		areas[k] = areas[k - 1];
	areas[i] = area;
}

/* Cut [start, end) out of what is usable. */
static void cut(struct load_area *areas, unsigned *n, const struct load_reserved *r)
{
	for (unsigned i = 0; i < *n; i++) {
		struct load_area old = areas[i];
		u64 end = old.base + old.size;
		u64 from = MAX(r->start, old.base), to = MIN(r->end, end);

		if (old.type != LOAD_USABLE || from >= to)
			continue;
		areas[i] = (struct load_area){ from, to - from, r->type };
		insert(areas, n, i + 1, (struct load_area){ to, end - to, LOAD_USABLE });
		insert(areas, n, i, (struct load_area){ old.base, from - old.base, LOAD_USABLE });
	}
}

unsigned load_map(const struct vm *vm, const struct load_reserved *reserved, unsigned count,
		  struct load_area areas[LOAD_AREAS])
{
	unsigned n = ram_map(vm, areas);

	check(count <= LOAD_RESERVED_MAX);
	for (unsigned i = 0; i < count; i++)
		cut(areas, &n, &reserved[i]);
	return n;
}

unsigned load_areas(const struct loader *l, struct load_area areas[LOAD_AREAS])
{
	return load_map(l->vm, l->request->reserved, l->request->reserved_count, areas);
}

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

const struct load_range *load_taken(const struct loader *l, u64 start, u64 end)
{
	for (unsigned i = 0; i < l->used_count; i++)
		if (overlap(&l->used[i], start, end))
			return &l->used[i];
	return NULL;
}

static bool usable(const struct loader *l, u64 start, u64 size)
{
	struct load_area areas[LOAD_AREAS];
	unsigned count = load_areas(l, areas);

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

	other = load_taken(l, start, start + size);
	if (other)
		return load_refuse(l, file, "%s at 0x%lx-0x%lx overlaps %s at 0x%lx-0x%lx", what,
				   start, start + size, other->what, other->start, other->end);
	if (!usable(l, start, size))
		return load_refuse(l, file,
				   "%s of 0x%lx bytes at 0x%lx is not inside usable memory "
				   "(0-0x%lx, 0x%lx-0x%lx)",
				   what, size, start, (u64)LOAD_LOW_END, (u64)LOAD_HIGH_START,
				   l->vm->memory.slot[0].size);
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
		other = load_taken(l, at, at + size);
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
		other = load_taken(l, at, at + size);
		if (!other)
			return at;
		end = other->start;
	}
	return LOAD_NOWHERE;
}

u64 load_place(const struct loader *l, u64 size, u64 align, u64 lowest, u64 limit)
{
	struct load_area areas[LOAD_AREAS];
	unsigned count = load_areas(l, areas);
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

	for (unsigned i = load_areas(l, areas); i-- > 0 && at == LOAD_NOWHERE;)
		if (areas[i].type == LOAD_USABLE)
			at = place_high_in(l, size, align, MAX(areas[i].base, lowest),
					   MIN(areas[i].base + areas[i].size, limit));
	return at;
}

/* ---- Writing -------------------------------------------------------------------- */

int load_no_memory(struct loader *l, u64 at)
{
	load_refuse(l, &l->request->kernel, "no memory is left on this machine for address 0x%lx",
		    at);
	return -HOST_ENOMEM;
}

int load_put(struct loader *l, u64 at, const void *from, u64 size)
{
	return size && memory_write(l->vm, gpa(at), from, size) ? load_no_memory(l, at) : 0;
}

int load_clear(struct loader *l, u64 at, u64 size)
{
	while (size) {
		u64 part = MIN(size, MEMORY_CHUNK - at % MEMORY_CHUNK);
		void *p = memory_ptr(l->vm, gpa(at), part);

		if (!p)
			return load_no_memory(l, at);
		memset(p, 0, part);
		at += part;
		size -= part;
	}
	return 0;
}

static void take_reserved(struct loader *l)
{
	const struct load_request *request = l->request;

	check(request->reserved_count <= LOAD_RESERVED_MAX);
	for (unsigned i = 0; i < request->reserved_count; i++) {
		const struct load_reserved *r = &request->reserved[i];

		l->used[l->used_count++] = (struct load_range){ r->start, r->end, r->what };
	}
}

int load_kernel(struct vm *vm, const struct load_request *request, char *error, size_t size)
{
	struct loader l = { .vm = vm, .request = request, .error = error, .error_size = size };
	int result;

	take_reserved(&l);
	result = load_rom(&l);
	if (result)
		return result;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		msr_after_firmware(vm->vcpu[i]);
	return load_linux_wanted(&request->kernel) ? load_linux(&l) : load_multiboot(&l);
}

/* ---- Firmware ------------------------------------------------------------------------ */

/* Erased flash is all ones, a file that is no ROM mostly ends in zeros. */
static bool begins_somewhere(const struct blob *image)
{
	const u8 *first = image->data + image->size - RESET_VECTOR;

	return !(first[0] == 0 && first[1] == 0) && !(first[0] == 0xff && first[1] == 0xff);
}

int load_firmware(struct vm *vm, const struct blob *image, char *error, size_t size)
{
	const struct load_request request = { .kernel = *image };
	struct loader l = { .vm = vm, .request = &request, .error = error, .error_size = size };

	if (image->size < MEMORY_ROM_LOW / 2 || image->size > MEMORY_ROM_MAX ||
	    !IS_ALIGNED(image->size, PAGE_SIZE))
		return load_refuse(&l, image,
				   "0x%lx bytes are no ROM: 0x%lx to 0x%lx in steps of 0x%lx",
				   image->size, (u64)MEMORY_ROM_LOW / 2, (u64)MEMORY_ROM_MAX,
				   (u64)PAGE_SIZE);
	if (!begins_somewhere(image))
		return load_refuse(&l, image, "no ROM: nothing at offset 0x%lx, where a CPU begins",
				   image->size - RESET_VECTOR);
	if (memory_rom(vm, image->data, image->size)) {
		load_refuse(&l, image, "no memory is left on this machine for a ROM of 0x%lx bytes",
			    image->size);
		return -HOST_ENOMEM;
	}
	memory_pam(vm, gpa(MEMORY_PAM), MEMORY_PAM_END - MEMORY_PAM, false, false);
	return 0;
}
