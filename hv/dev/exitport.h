/*
 * exitport.h - port 0xf4, by which a test kernel ends its machine
 *
 * Owns: the port, four bytes wide.  Must not know: what ending means.
 * A convention of QEMU's isa-debug-exit device (iobase=0xf4, iosize=4).
 */
#ifndef ESPEJO_DEV_EXITPORT_H
#define ESPEJO_DEV_EXITPORT_H

#include "dev/bus.h"

#define EXITPORT_PORT 0xf4

struct exitport {
	/* value as written, of size 1, 2 or 4 bytes; note it, act on it later */
	void (*exit)(void *ctx, u32 value, unsigned size);
	void *ctx;
};

/* No state: nothing to reset, to save or to load.  Reads give 0. */
void exitport_init(struct exitport *e, struct bus *bus,
		   void (*exit)(void *ctx, u32 value, unsigned size), void *ctx);

#endif
