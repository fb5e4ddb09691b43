/* debugport.c - see debugport.h */
#include "dev/debugport.h"

#define DEBUGPORT_ANSWER 0xe9

static u32 debugport_in(void *dev, u16 port, unsigned size)
{
	struct debugport *d = dev;

	return size == 1 ? DEBUGPORT_ANSWER : bus_split_in(d->bus, port, size);
}

static void debugport_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct debugport *d = dev;

	if (size != 1)
		bus_split_out(d->bus, port, size, value);
	else if (d->tx)
		d->tx(d->ctx, (u8)value);
}

void debugport_init_at(struct debugport *d, struct bus *bus, u16 port,
		       void (*tx)(void *ctx, u8 byte), void *ctx)
{
	*d = (struct debugport){ bus, tx, ctx };
	bus_claim_ports(bus, (struct port_range){ port, port, debugport_in, debugport_out, d });
}

void debugport_init(struct debugport *d, struct bus *bus, void (*tx)(void *ctx, u8 byte), void *ctx)
{
	debugport_init_at(d, bus, DEBUGPORT_PORT, tx, ctx);
}
