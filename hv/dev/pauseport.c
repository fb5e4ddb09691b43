/* pauseport.c - see pauseport.h */
#include "dev/pauseport.h"

static u32 pauseport_in(void *dev UNUSED, u16 port UNUSED, unsigned size UNUSED)
{
	return 0;
}

static void pauseport_out(void *dev, u16 port UNUSED, unsigned size UNUSED, u32 value UNUSED)
{
	struct pauseport *p = dev;

	p->pause(p->ctx);
}

void pauseport_init(struct pauseport *p, struct bus *bus, void (*pause)(void *ctx), void *ctx)
{
	*p = (struct pauseport){ pause, ctx };
	bus_claim_ports(bus, (struct port_range){ PAUSEPORT_PORT, PAUSEPORT_PORT, pauseport_in,
						  pauseport_out, p });
}
