/*
 * deviations.c - what bare emulators are known to do instead of what the manuals say
 *
 * Measured on QEMU 7.2.22 (TCG) and Bochs 2.7.  Our hypervisor must do what the manual says, or
 * what its machine does bare: nobody is failed for an emulator's bug.
 */
#include "run.h"

#include "lib/string.h"

static const struct {
	const char *emulator, *name, *got;
} known[] = {
	{ "none", "none", "-" },
};

const char *deviation(const char *emulator, const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].emulator, emulator) && !strcmp(known[i].name, name))
			return known[i].got;
	return NULL;
}
