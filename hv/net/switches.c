/* switches.c - see switches.h */
#include "net/switches.h"

#include "lib/string.h"

static struct net_switch switches[SWITCHES_MAX];
static unsigned count;

struct net_switch *switches_get(const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(switches[i].name, name))
			return &switches[i];
	if (count == SWITCHES_MAX)
		return NULL;
	switch_init(&switches[count], name);
	return &switches[count++];
}

struct link *switches_port(const char *name)
{
	struct link *link = NULL;

	for (unsigned i = 0; i < count && !link; i++)
		link = switch_find(&switches[i], name);
	return link;
}

void switches_show(struct fmt_sink *sink)
{
	for (unsigned i = 0; i < count; i++)
		switch_show(&switches[i], sink);
}
