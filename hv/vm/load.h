/*
 * load.h - putting software into a new virtual machine
 *
 * Owns: multiboot 1 kernels and Linux bzImages, seen as bytes nobody vouches for.
 * Must not know: where the bytes came from.
 */
#ifndef ESPEJO_VM_LOAD_H
#define ESPEJO_VM_LOAD_H

#include "compiler.h"

struct vm;

/* A file in our memory. */
struct blob {
	const u8 *data;
	u64 size;
	const char *name; /* for messages */
	const char *cmdline; /* of a multiboot module */
};

struct load_request {
	struct blob kernel;
	const char *cmdline; /* the guest's command line */
	struct blob initrd; /* Linux; data NULL: none */
	const struct blob *modules; /* multiboot */
	unsigned module_count;
};

/*
 * Recognise the kernel, copy it into vm's memory and set the state of its first vCPU.
 * 0, or negative with a sentence in error[size] that names file, cause and numbers; the
 * memory of the VM is then undefined, nothing else is harmed.
 * Sources: "Multiboot Specification version 0.6.96"; Linux "The Linux/x86 Boot Protocol".
 */
int load_kernel(struct vm *vm, const struct load_request *request, char *error, size_t size);

#endif
