/* files.c - see files.h */
#include "type2/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "type2/image.h"

/* ---- Opening -------------------------------------------------------------------------------- */

/* It must not be changed while we run, as a kernel's image must not while it is loaded. */
static bool map(const char *path, struct blob *blob, struct failure *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *p;

	*blob = (struct blob){ .name = path };
	if (fd < 0)
		return failure_of_file(why, path);
	if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
		close(fd);
		return failure_set(why, FAILURE_NO_INPUT, "%s: not a file", path);
	}
	if (!status.st_size) {
		close(fd);
		return failure_set(why, FAILURE_DATA, "%s: the file is empty", path);
	}
	p = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return failure_of_file(why, path);
	blob->data = p;
	blob->size = (u64)status.st_size;
	return true;
}

/* The next part of a list with commas, of which ",," is one that does not part. */
static char *next_part(const char **list)
{
	const char *at = *list;
	char *part = malloc(strlen(at) + 1), *to = part;

	if (!part)
		return NULL;
	while (*at && (*at != ',' || at[1] == ',')) {
		at += *at == ',';
		*to++ = *at++;
	}
	*to = '\0';
	*list = *at ? at + 1 : NULL;
	return part;
}

/* "FILE TEXT,FILE TEXT": what a module is told is its whole part, as by QEMU. */
static bool open_modules(const char *list, struct files *files, struct failure *why)
{
	while (list) {
		struct blob *module = &files->module[files->modules];
		char *part = next_part(&list), *file, *space;
		bool good;

		if (!part)
			return failure_set(why, FAILURE_OS, "memory is short");
		if (files->modules == FILES_MODULES)
			return failure_set(why, FAILURE_USAGE, "more than %u modules",
					   FILES_MODULES);
		file = strdup(part); /* both stay: blobs point to them */
		space = file ? strchr(file, ' ') : NULL;
		if (space)
			*space = '\0';
		good =
		    file ? map(file, module, why) : failure_set(why, FAILURE_OS, "memory is short");
		if (!good)
			return false;
		module->cmdline = part;
		files->modules++;
	}
	return true;
}

/* What QEMU tells a multiboot kernel: its own name, a space, the text. */
static bool name_first(struct files *files, const char *append)
{
	size_t size = strlen(files->kernel.name) + strlen(append) + 2;
	char *text = malloc(size);

	if (!text)
		return false;
	stpcpy(stpcpy(stpcpy(text, files->kernel.name), " "), append);
	files->cmdline = text;
	return true;
}

static bool open_kernel(struct options *o, struct files *files, struct failure *why)
{
	if (!map(o->kernel, &files->kernel, why))
		return false;
	switch (image_kind(files->kernel.data, files->kernel.size)) {
	case IMAGE_LINUX:
		files->cmdline = o->append;
		return !o->initrd || map(o->initrd, &files->initrd, why);
	case IMAGE_MULTIBOOT:
		if (!name_first(files, o->append))
			return failure_set(why, FAILURE_OS, "memory is short");
		return open_modules(o->initrd, files, why);
	case IMAGE_DISK:
		o->by_firmware = true;
		break;
	case IMAGE_OTHER_DISK:
		return failure_set(
		    why, FAILURE_DATA,
		    "%s: a disk image of format %s: tools/import-image makes a raw one of it",
		    o->kernel, image_format(files->kernel.data, files->kernel.size));
	default:
		return failure_set(
		    why, FAILURE_DATA,
		    "%s: neither a multiboot kernel nor a Linux bzImage nor a disk image",
		    o->kernel);
	}
	munmap((void *)(uintptr_t)files->kernel.data, files->kernel.size);
	files->kernel = (struct blob){ 0 };
	return true;
}

/* The image becomes the first disk. */
static bool open_firmware(struct options *o, struct files *files, struct failure *why)
{
	if (*o->append || o->initrd)
		return failure_set(
		    why, FAILURE_USAGE,
		    "%s is a disk image, which firmware boots: no --append, no --initrd",
		    o->kernel);
	if (o->kernel) {
		if (o->disks == VM_MAX_DISKS)
			return failure_set(why, FAILURE_USAGE,
					   "more than four disks, the image included");
		memmove(&o->disk[1], &o->disk[0], o->disks * sizeof(o->disk[0]));
		o->disk[0] = (struct options_disk){ .path = o->kernel, .mode = o->kernel_mode };
		o->disks++;
	}
	for (unsigned i = 0; i < o->roms; i++)
		if (!map(o->rom[i], &files->rom[files->roms++], why))
			return false;
	return map(o->firmware, &files->kernel, why);
}

bool files_open(struct options *o, struct files *files, struct failure *why)
{
	*files = (struct files){ .cmdline = o->append };
	if (!o->by_firmware && !open_kernel(o, files, why))
		return false;
	return !o->by_firmware || open_firmware(o, files, why);
}
