/*
 * program.c - the programs in the image
 *
 * Owns: the table of embedded ELF files and the loader for them.
 * Must not know: processes.
 *
 * Source: Tool Interface Standard, "Executable and Linking Format" 1.2, book I; the 64-bit
 * structures are in the System V ABI, "Object Files" (4), "Program Loading" (5).
 */
#include "program.h"

#include "errno.h"
#include "layout.h"
#include "lib/string.h"
#include "page.h"

#define ELF_MAGIC 0x464c457fu
#define ELF_CLASS_64 2
#define ELF_EXECUTABLE 2
#define ELF_X86_64 62
#define SEGMENT_LOAD 1
#define SEGMENT_X 1
#define SEGMENT_W 2

struct elf_header {
	u32 magic;
	u8 class, data, version, padding[9];
	u16 type, machine;
	u32 version2;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
ASSERT_SIZE(struct elf_header, 64);

struct elf_segment {
	u32 type, flags;
	u64 offset, va, pa, file_size, memory_size, align;
};
ASSERT_SIZE(struct elf_segment, 56);

/* program_table.S */
extern const struct program program_table[];

const struct program *program_at(unsigned n)
{
	return program_table[n].name ? &program_table[n] : NULL;
}

const struct program *program_find(const char *name)
{
	for (const struct program *p = program_table; p->name; p++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

/* One page with what the file has for it; the rest stays zero. */
static int load_page(const struct program *program, struct space *space,
		     const struct elf_segment *segment, u64 va, u64 rights)
{
	u64 from = MAX(va, segment->va);
	u64 to = MIN(va + PAGE_SIZE, segment->va + segment->file_size);
	u8 *page = page_alloc();

	if (!page)
		return -ENOMEM;
	memcpy(page + (from - va), program->image + segment->offset + (from - segment->va),
	       to - from);

	int error = space_map(space, va, page_address(page), rights | PTE_U);

	if (error)
		page_free(page);
	return error;
}

/* Pages with file contents are copied now; those behind them are zero, and come on demand. */
static int load_segment(const struct program *program, struct space *space,
			const struct elf_segment *segment)
{
	u64 rights = (segment->flags & SEGMENT_W ? PTE_W : 0) |
		     (segment->flags & SEGMENT_X ? 0 : PTE_NX);
	u64 start = ALIGN_DOWN(segment->va, PAGE_SIZE);
	u64 end = ALIGN_UP(segment->va + segment->memory_size, PAGE_SIZE);
	int error = space_add_area(space, start, end, rights);

	if ((rights & PTE_W) && !(rights & PTE_NX))
		return -ENOEXEC;
	for (u64 va = start; !error && va < segment->va + segment->file_size; va += PAGE_SIZE)
		error = load_page(program, space, segment, va, rights);
	return error;
}

static bool plausible(const struct program *program, const struct elf_header *header)
{
	u64 size = (u64)(program->end - program->image);

	return size >= sizeof(*header) && header->magic == ELF_MAGIC &&
	       header->class == ELF_CLASS_64 && header->type == ELF_EXECUTABLE &&
	       header->machine == ELF_X86_64 &&
	       header->phentsize == sizeof(struct elf_segment) &&
	       header->phoff + header->phnum * sizeof(struct elf_segment) <= size;
}

int program_load(const struct program *program, struct space *space, u64 *entry, u64 *heap)
{
	const struct elf_header *header = (const void *)program->image;
	const struct elf_segment *segment = (const void *)(program->image + header->phoff);
	int error = 0;

	if (!plausible(program, header))
		return -ENOEXEC;
	*entry = header->entry;
	*heap = USER_BASE;
	for (unsigned i = 0; !error && i < header->phnum; i++) {
		if (segment[i].type != SEGMENT_LOAD || !segment[i].memory_size)
			continue;
		error = load_segment(program, space, &segment[i]);
		*heap = MAX(*heap, ALIGN_UP(segment[i].va + segment[i].memory_size, PAGE_SIZE));
	}
	if (!error)
		error = space_add_area(space, USER_STACK_TOP - USER_STACK_SIZE, USER_STACK_TOP,
				       PTE_W | PTE_NX);
	return error;
}
