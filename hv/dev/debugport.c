/* debugport.c - see debugport.h */
#include "dev/debugport.h"

static u32 debugport_in(void *dev, u16 port, unsigned size)
{
	struct debugport *d = dev;

	return size == 1 ? DEBUGPORT_PORT : bus_split_in(d->bus, port, size);
}

static void debugport_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct debugport *d = dev;

	if (size != 1)
		bus_split_out(d->bus, port, size, value);
	else if (d->tx)
		d->tx(d->ctx, (u8)value);
}

void debugport_init(struct debugport *d, struct bus *bus, void (*tx)(void *ctx, u8 byte), void *ctx)
{
	*d = (struct debugport){ bus, tx, ctx };
	bus_claim_ports(bus, (struct port_range){ DEBUGPORT_PORT, DEBUGPORT_PORT, debugport_in,
						  debugport_out, d });
}
