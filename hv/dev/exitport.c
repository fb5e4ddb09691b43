/* exitport.c - see exitport.h */
#include "dev/exitport.h"

#define EXITPORT_PORTS 4

static u32 exitport_in(void *dev UNUSED, u16 port UNUSED, unsigned size UNUSED)
{
	return 0;
}

static void exitport_out(void *dev, u16 port UNUSED, unsigned size, u32 value)
{
	struct exitport *e = dev;

	e->exit(e->ctx, value, size);
}

void exitport_init(struct exitport *e, struct bus *bus,
		   void (*exit)(void *ctx, u32 value, unsigned size), void *ctx)
{
	*e = (struct exitport){ exit, ctx };
	bus_claim_ports(bus, (struct port_range){ EXITPORT_PORT, EXITPORT_PORT + EXITPORT_PORTS - 1,
						  exitport_in, exitport_out, e });
}
