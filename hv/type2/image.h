/*
 * image.h - what kind of file it is, by its first bytes
 *
 * Owns: the signatures of kernels and disk images.
 * Must not know: how any of them is read.
 *
 * Sources: Linux "The Linux/x86 Boot Protocol" ("HdrS" at 0x202); "Multiboot Specification version
 * 0.6.96", "OS image format" (3.1); for images the formats' own documents, QEMU
 * "docs/interop/qcow2", VMware "Virtual Disk Format 5.0", and what qemu-img(1) takes for VDI, VHD,
 * VHDX.
 */
#ifndef ESPEJO_TYPE2_IMAGE_H
#define ESPEJO_TYPE2_IMAGE_H

#include "compiler.h"

#define IMAGE_HEAD 512 /* bytes that image_format looks at */

enum image_kind {
	IMAGE_UNKNOWN,
	IMAGE_LINUX, /* a bzImage */
	IMAGE_MULTIBOOT,
	IMAGE_DISK,	  /* raw: its first sector ends as a boot sector does */
	IMAGE_OTHER_DISK, /* of a format that image_format names */
};

enum image_kind image_kind(const u8 *data, u64 size);
/* The name of a disk image's format, "QCOW2"; NULL: none that is known, so it may be raw. */
const char *image_format(const u8 *data, u64 size);

#endif
