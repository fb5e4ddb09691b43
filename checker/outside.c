/* outside.c - see outside.h.  Sources: [APM] vol. 2 "Nested Page Tables" (15.25), [SDM] "EPT"
 * (29.3) */
#include "outside.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u
#define ENTRIES 512
#define TABLES_MAX 4096 /* of 16 MiB: much more than any guest here needs */
#define PRESENT_NPT 1u
#define PRESENT_EPT 7u /* any of read, write, execute */
#define LARGE 0x80u
#define ADDRESS 0x000ffffffffff000ull
#define HOLE_BEGIN 0xa0000u
#define HOLE_END 0x100000u

static void *need(void *p)
{
	if (p)
		return p;
	fputs("checker: out of memory\n", stderr);
	exit(2);
}

bool outside_open(struct outside_memory *memory, const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *p;

	*memory = (struct outside_memory){ 0 };
	if (fd < 0)
		return false;
	if (fstat(fd, &st) || st.st_size <= 0) {
		close(fd);
		return false;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return false;
	*memory = (struct outside_memory){ p, (uint64_t)st.st_size };
	return true;
}

void outside_close(struct outside_memory *memory)
{
	if (memory->bytes)
		munmap((void *)(uintptr_t)memory->bytes, (size_t)memory->size);
	*memory = (struct outside_memory){ 0 };
}

/* ---- The image --------------------------------------------------------------------------- */

static bool inside(uint64_t at, uint64_t len, uint64_t size)
{
	return at <= size && len <= size - at;
}

/* Differences between a segment's bytes in the file and in memory. */
static uint64_t compare_segment(const struct outside_memory *memory,
				const struct outside_memory *elf, const Elf64_Phdr *p,
				uint64_t *first)
{
	uint64_t bad = 0;

	for (uint64_t i = 0; i < p->p_filesz; i++) {
		if (memory->bytes[p->p_paddr + i] == elf->bytes[p->p_offset + i])
			continue;
		if (!bad++)
			*first = p->p_paddr + i;
	}
	return bad;
}

int64_t outside_image(const struct outside_memory *memory, const struct outside_memory *elf,
		      uint64_t *first, uint64_t *compared, struct outside_range *image)
{
	Elf64_Ehdr header;
	uint64_t bad = 0, at = 0;

	*compared = *first = 0;
	*image = (struct outside_range){ UINT64_MAX, 0 };
	if (elf->size < sizeof(header))
		return -1;
	memcpy(&header, elf->bytes, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    !inside(header.e_phoff, (uint64_t)header.e_phnum * sizeof(Elf64_Phdr), elf->size))
		return -1;
	for (unsigned i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr p;

		memcpy(&p, elf->bytes + header.e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type != PT_LOAD)
			continue;
		if (!inside(p.p_offset, p.p_filesz, elf->size) ||
		    !inside(p.p_paddr, p.p_memsz, memory->size) || p.p_filesz > p.p_memsz)
			return -1;
		image->begin = p.p_paddr < image->begin ? p.p_paddr : image->begin;
		image->end =
		    p.p_paddr + p.p_memsz > image->end ? p.p_paddr + p.p_memsz : image->end;
		if (p.p_flags & PF_W)
			continue;
		*compared += p.p_filesz;
		bad += compare_segment(memory, elf, &p, &at);
		if (bad && !*first)
			*first = at;
	}
	return *compared ? (int64_t)bad : -1;
}

/* ---- Nested tables ------------------------------------------------------------------------ */

static void add_page(struct outside_vm *vm, uint64_t at, uint64_t size, uint64_t guest)
{
	struct outside_range *last = vm->pages ? &vm->page[vm->pages - 1] : NULL;

	if (last && last->end == at &&
	    vm->guest[vm->pages - 1] + (last->end - last->begin) == guest) {
		last->end += size;
		return;
	}
	if (vm->pages == vm->room) {
		vm->room = vm->room ? 2 * vm->room : 64;
		vm->page = need(realloc(vm->page, vm->room * sizeof(*vm->page)));
		vm->guest = need(realloc(vm->guest, vm->room * sizeof(*vm->guest)));
	}
	vm->guest[vm->pages] = guest;
	vm->page[vm->pages++] = (struct outside_range){ at, at + size };
}

static bool add_table(struct outside_vm *vm, uint64_t at)
{
	if (vm->tables == TABLES_MAX)
		return false;
	if (vm->tables == vm->table_room) {
		vm->table_room = vm->table_room ? 2 * vm->table_room : 16;
		vm->table = need(realloc(vm->table, vm->table_room * sizeof(*vm->table)));
	}
	vm->table[vm->tables++] = (struct outside_range){ at, at + PAGE };
	return true;
}

struct walker {
	const struct outside_memory *memory;
	uint64_t present;
	struct outside_vm *vm;
	const char *why;
};

/* Not the hole of a PC below 1 MiB: screen and firmware, although the file of memory goes on there.
 */
static bool is_ram(const struct outside_memory *memory, uint64_t at, uint64_t size)
{
	return inside(at, size, memory->size) && (at + size <= HOLE_BEGIN || at >= HOLE_END);
}

static bool walk_table(struct walker *w, uint64_t table, unsigned level, uint64_t guest)
{
	uint64_t span = 1ull << (12 + 9 * (level - 1));

	if (!inside(table, PAGE, w->memory->size)) {
		w->why = "a table lies outside memory";
		return false;
	}
	if (!add_table(w->vm, table)) {
		w->why = "there are too many tables";
		return false;
	}
	for (unsigned i = 0; i < ENTRIES; i++) {
		uint64_t entry, page, at = guest + i * span;

		memcpy(&entry, w->memory->bytes + table + i * 8, sizeof(entry));
		if (!(entry & w->present))
			continue;
		if (level < 4 && (level == 1 || entry & LARGE)) {
			page = entry & ADDRESS & ~(span - 1);
			if (!is_ram(w->memory, page, span)) {
				w->why = "a page lies outside memory: a device, or nothing";
				return false;
			}
			add_page(w->vm, page, span, at);
		} else if (!walk_table(w, entry & ADDRESS, level - 1, at)) {
			return false;
		}
	}
	return true;
}

bool outside_walk(const struct outside_memory *memory, enum outside_format format,
		  struct outside_vm *vm, const char **why)
{
	struct walker w = { memory, format == OUTSIDE_NPT ? PRESENT_NPT : PRESENT_EPT, vm, "" };
	bool good = walk_table(&w, vm->root & ADDRESS, 4, 0);

	*why = w.why;
	return good;
}

void outside_forget(struct outside_vm *vm)
{
	free(vm->page);
	free(vm->guest);
	free(vm->table);
	vm->page = vm->table = NULL;
	vm->guest = NULL;
	vm->pages = vm->tables = vm->room = vm->table_room = 0;
}

static bool meet(struct outside_range a, struct outside_range b)
{
	return a.begin < b.end && b.begin < a.end;
}

static const struct outside_range *first_meeting(const struct outside_vm *vm,
						 const struct outside_range *other, size_t count)
{
	for (size_t i = 0; i < vm->pages; i++)
		for (size_t k = 0; k < count; k++)
			if (meet(vm->page[i], other[k]))
				return &vm->page[i];
	return NULL;
}

/* Within one VM: no host page at two guest addresses. */
static const struct outside_range *twice(const struct outside_vm *vm)
{
	for (size_t i = 0; i < vm->pages; i++)
		for (size_t k = 0; k < i; k++)
			if (meet(vm->page[i], vm->page[k]))
				return &vm->page[i];
	return NULL;
}

static const char *says(char *text, size_t size, const struct outside_vm *vm,
			const struct outside_range *page, const char *what, const char *whose)
{
	snprintf(text, size, "VM %s reaches host memory at 0x%llx, which is %s%s", vm->name,
		 (unsigned long long)page->begin, what, whose);
	return text;
}

const char *outside_apart(const struct outside_vm *vm, size_t count, struct outside_range image,
			  char *text, size_t size)
{
	for (size_t a = 0; a < count; a++) {
		const struct outside_range *page = first_meeting(&vm[a], &image, 1);

		if (page)
			return says(text, size, &vm[a], page, "the hypervisor's image", "");
		page = twice(&vm[a]);
		if (page)
			return says(text, size, &vm[a], page, "at two places of its own", "");
		for (size_t b = 0; b < count; b++) {
			page = first_meeting(&vm[a], vm[b].table, vm[b].tables);
			if (page)
				return says(text, size, &vm[a], page, "a nested table of ",
					    vm[b].name);
			page = a < b ? first_meeting(&vm[a], vm[b].page, vm[b].pages) : NULL;
			if (page)
				return says(text, size, &vm[a], page, "also that of VM ",
					    vm[b].name);
		}
	}
	return NULL;
}

static uint64_t tagged_words(const struct outside_memory *memory, uint32_t tag,
			     struct outside_range page, uint64_t *first)
{
	uint64_t count = 0;

	for (uint64_t at = page.begin; at + 8 <= page.end && at + 8 <= memory->size; at += 8) {
		uint32_t high;

		memcpy(&high, memory->bytes + at + 4, sizeof(high));
		if (high == tag && !count++)
			*first = at;
	}
	return count;
}

uint64_t outside_stray(const struct outside_memory *memory, uint32_t tag,
		       const struct outside_vm *vm, size_t count, const char *owner,
		       uint64_t *first)
{
	uint64_t stray = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; strcmp(vm[i].name, owner) && k < vm[i].pages; k++) {
			uint64_t at = 0, n = tagged_words(memory, tag, vm[i].page[k], &at);

			if (n && !stray)
				*first = at;
			stray += n;
		}
	return stray;
}
