/*
 * files.h - the files that a guest is started from, as bytes in memory
 *
 * Owns: kernel, initrd, modules, firmware; what kind of file it is.
 * Must not know: how they are loaded (vm/load.h).
 */
#ifndef ESPEJO_TYPE2_FILES_H
#define ESPEJO_TYPE2_FILES_H

#include "type2/failure.h"
#include "type2/options.h"
#include "vm/load.h"

#define FILES_MODULES 16

struct files {
	struct blob kernel;  /* data NULL: none; firmware's image if by_firmware */
	const char *cmdline; /* the guest's */
	struct blob initrd;
	struct blob module[FILES_MODULES];
	unsigned modules;
	struct blob rom[OPTIONS_ROMS];
	unsigned roms;
};

/*
 * Open all that o names.  A disk image in the place of a kernel makes o one that starts with
 * firmware, the image its first disk.  False: why not.
 */
bool files_open(struct options *o, struct files *files, struct failure *why);

#endif
