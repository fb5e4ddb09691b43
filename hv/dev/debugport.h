/*
 * debugport.h - port 0xe9, where kernels under an emulator write text
 *
 * Owns: the port.  Must not know: where the text goes.
 * A convention of Bochs, which QEMU took over: it reads as 0xe9 where it exists.
 */
#ifndef ESPEJO_DEV_DEBUGPORT_H
#define ESPEJO_DEV_DEBUGPORT_H

#include "dev/bus.h"

#define DEBUGPORT_PORT 0xe9

struct debugport {
	struct bus *bus;
	void (*tx)(void *ctx, u8 byte); /* may be NULL */
	void *ctx;
};

/* No state: nothing to reset, to save or to load. */
void debugport_init(struct debugport *d, struct bus *bus, void (*tx)(void *ctx, u8 byte),
		    void *ctx);

#endif
