/*
 * fuzz.h - what a fuzz target is, and a machine to try devices in
 *
 * Owns: the entry point's prototype, input taken byte by byte, RAM with edges, what is kept
 * between inputs.
 * Must not know: what is tried.
 *
 * A target is a file fuzz_NAME.c with LLVMFuzzerTestOneInput.  It leaves nothing behind: the same
 * input does the same again.  Sanitizers, panics and the target's own checks judge.  Inputs that
 * once found something stand in corpus/NAME; make test-unit tries them all.
 */
#ifndef ESPEJO_TESTS_FUZZ_FUZZ_H
#define ESPEJO_TESTS_FUZZ_FUZZ_H

#include "dev/pci.h"

/* 0: input was tried. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

struct fuzz_input {
	const u8 *data;
	size_t left;
};

/* The next bytes as a little-endian number; missing ones are 0. */
u64 fuzz_take(struct fuzz_input *in, unsigned bytes);
/* A number of up to eight bytes whose interesting values are likely: near limits, powers of two. */
u64 fuzz_take_number(struct fuzz_input *in);

/*
 * Something that is slow to make is made once; each input then begins with it as it was.  What it
 * points to stays: that must be of no meaning in the state kept, or be kept as well.
 */
struct fuzz_kept {
	void *at, *copy;
	size_t size;
};
void fuzz_keep(struct fuzz_kept *kept, void *at, size_t size);
void fuzz_restore(const struct fuzz_kept *kept, unsigned count);

/* Around the border of two pieces of RAM, and at the end of the second one there is nothing. */
#define FUZZ_RAM_SIZE KiB(32) /* of each half */
#define FUZZ_RAM_BASE (LARGE_PAGE_SIZE - FUZZ_RAM_SIZE)
#define FUZZ_RAM_END (LARGE_PAGE_SIZE + FUZZ_RAM_SIZE)

struct fuzz_machine {
	struct bus bus;
	u8 *half[2];
	struct pci pci;
	/* A guest that writes RAM while a device reads it: two bytes of place, one of change. */
	struct fuzz_input *patches;
};

void fuzz_machine_init(struct fuzz_machine *m, struct fuzz_input *patches);
void fuzz_machine_free(struct fuzz_machine *m);
/* RAM at a, for the guest itself; NULL: that is none. */
void *fuzz_ram(const struct fuzz_machine *m, u64 a, u64 len);
void fuzz_ram_write(const struct fuzz_machine *m, u64 a, const void *from, u64 len);

#endif
