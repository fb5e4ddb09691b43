/*
 * modules.h - from the loader's modules to guests
 *
 * Owns: which file belongs to which guest, by the modules' command lines.
 * Must not know: the grammar of command lines (options.h), machines (guests.h).
 */
#ifndef ESPEJO_TYPE1_MODULES_H
#define ESPEJO_TYPE1_MODULES_H

#include "vm/load.h"

struct bootinfo;

/*
 * Define a guest for each first module and hand the others their files.  The script, if any, is
 * in *script; data NULL: none.  Texts are added to those of info.  0, or negative with a sentence
 * in error that names the module.
 */
int modules_define_guests(struct bootinfo *info, struct blob *script, char *error, size_t size);

#endif
