/*
 * pauseport.h - port 0xeb, by which a test kernel stops its machine where it stands
 *
 * Owns: the port, one byte wide.  Must not know: what stopping means.
 * A convention of our own, and only on a machine whose maker wants it (vm_config.pause_port): its
 * guest says "here", and whoever owns the machine looks at it, between two instructions.
 */
#ifndef ESPEJO_DEV_PAUSEPORT_H
#define ESPEJO_DEV_PAUSEPORT_H

#include "dev/bus.h"

#define PAUSEPORT_PORT 0xeb

struct pauseport {
	void (*pause)(void *ctx); /* something was written; behind that instruction, please */
	void *ctx;
};

/* No state: nothing to reset, to save or to load.  Reads give 0. */
void pauseport_init(struct pauseport *p, struct bus *bus, void (*pause)(void *ctx), void *ctx);

#endif
