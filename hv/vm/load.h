/*
 * load.h - putting software into a new virtual machine
 *
 * Owns: multiboot 1 kernels, Linux bzImages and firmware, seen as bytes nobody vouches for.
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

/* Lines of the memory map; types as in E820 and multiboot. */
#define LOAD_USABLE 1
#define LOAD_RESERVED 2
#define LOAD_ACPI 3 /* tables that the guest may overwrite when it has read them */
#define LOAD_NVS 4
#define LOAD_AREAS 24
struct load_area {
	u64 base, size;
	u32 type;
};

/* Guest-physical memory that holds something already, or will: tables that we give a kernel. */
#define LOAD_RESERVED_MAX 8
struct load_reserved {
	u64 start, end; /* any alignment */
	u32 type; /* but LOAD_USABLE */
	const char *what; /* for messages: "the ACPI tables" */
};

struct load_request {
	struct blob kernel;
	const char *cmdline; /* the guest's command line */
	struct blob initrd; /* Linux; data NULL: none */
	const struct blob *modules; /* multiboot */
	unsigned module_count;
	const struct load_reserved *reserved; /* none overlaps another */
	unsigned reserved_count; /* at most LOAD_RESERVED_MAX */
	u64 acpi_rsdp; /* where ACPI's root pointer is, told to Linux; 0: let it search */
};

/*
 * Recognise the kernel, copy it into vm's memory and set the state of its first vCPU, as firmware
 * and a boot loader would hand over to it.
 * 0, or negative with a sentence in error[size] that names file, cause and numbers; the
 * memory of the VM is then undefined, nothing else is harmed.
 *
 * A kernel that asks for a video mode gets the text mode that there is, and is told so.
 * Sources: "Multiboot Specification version 0.6.96"; Linux "The Linux/x86 Boot Protocol".
 */
int load_kernel(struct vm *vm, const struct load_request *request, char *error, size_t size);

/*
 * Put firmware where a PC has it: its end below 4 GiB and below 1 MiB.  From 0xc0000 to 1 MiB the
 * guest sees ROM, until it tells the bridge otherwise; the vCPUs stay as they are after reset, and
 * the first one begins in the ROM.  Results as above.
 * Source: [SDM] "First Instruction Executed" (9.1.4).
 */
int load_firmware(struct vm *vm, const struct blob *image, char *error, size_t size);

/*
 * The memory map, as firmware would tell it, in order of addresses: RAM, minus what is
 * reserved.  Their number.
 */
unsigned load_map(const struct vm *vm, const struct load_reserved *reserved, unsigned count,
		  struct load_area areas[LOAD_AREAS]);

#endif
