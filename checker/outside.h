/*
 * outside.h - the machine's memory, looked at from outside
 *
 * Owns: the hypervisor's image in memory against its file; the nested page tables, walked; words
 * that must be nobody else's. Must not know: the hypervisor's opinion about any of it.
 */
#ifndef CHECKER_OUTSIDE_H
#define CHECKER_OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outside_memory {
	const uint8_t *bytes;
	uint64_t size;
};

/* Map a file of raw physical memory, or read any file.  False: not there. */
bool outside_open(struct outside_memory *memory, const char *path);
void outside_close(struct outside_memory *memory);

struct outside_range {
	uint64_t begin, end; /* physical */
};

/*
 * Compare what the ELF file says is not written to (text, read-only data) with memory.  Result:
 * bytes that differ, *first the physical address of the first one; -1: no ELF64 file, nothing to
 * compare, or a segment that lies outside of the file or of memory.  *compared counts bytes;
 * *image is where the whole image lies.
 */
int64_t outside_image(const struct outside_memory *memory, const struct outside_memory *elf,
		      uint64_t *first, uint64_t *compared, struct outside_range *image);

enum outside_format { OUTSIDE_NPT, OUTSIDE_EPT };

/* One VM's nested tables: where the root is; then what was found. */
struct outside_vm {
	const char *name;
	uint64_t root;
	struct outside_range
	    *page;	 /* host memory that the guest can reach, in order of guest addresses */
	uint64_t *guest; /* where in the guest */
	size_t pages, room;
	struct outside_range *table; /* pages that hold the tables */
	size_t tables, table_room;
};

/*
 * Walk; false with *why: an entry points where no RAM of a PC is (a page there is a device of the
 * machine), or there are absurdly many.
 */
bool outside_walk(const struct outside_memory *memory, enum outside_format format,
		  struct outside_vm *vm, const char **why);
void outside_forget(struct outside_vm *vm);

/*
 * Do two VMs share host memory, or does one reach the image or a table?  NULL: all apart; else a
 * sentence in text.
 */
const char *outside_apart(const struct outside_vm *vm, size_t count, struct outside_range image,
			  char *text, size_t size);

/*
 * Words with this upper half in memory that VMs other than the owner can reach: how many, *first
 * where. (The hypervisor has some in saved registers.)
 */
uint64_t outside_stray(const struct outside_memory *memory, uint32_t tag,
		       const struct outside_vm *vm, size_t count, const char *owner,
		       uint64_t *first);

#endif
