/*
 * debugport.h - ports where kernels and firmware under an emulator write text
 *
 * Owns: the ports.  Must not know: where the text goes.
 * Conventions of Bochs (0xe9), which QEMU took over, and of SeaBIOS (0x402): the port reads as 0xe9
 * where it exists, and who finds something else there stays silent.
 */
#ifndef ESPEJO_DEV_DEBUGPORT_H
#define ESPEJO_DEV_DEBUGPORT_H

#include "dev/bus.h"

#define DEBUGPORT_PORT 0xe9
#define DEBUGPORT_FIRMWARE_PORT 0x402

struct debugport {
	struct bus *bus;
	void (*tx)(void *ctx, u8 byte); /* may be NULL */
	void *ctx;
};

/* No state: nothing to reset, to save or to load. */
void debugport_init(struct debugport *d, struct bus *bus, void (*tx)(void *ctx, u8 byte),
		    void *ctx);
/* The same at another port: for what firmware says. */
void debugport_init_at(struct debugport *d, struct bus *bus, u16 port,
		       void (*tx)(void *ctx, u8 byte), void *ctx);

#endif
