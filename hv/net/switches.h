/*
 * switches.h - the switches of a host, by name
 *
 * Owns: which there are.  Must not know: who is plugged into them.
 *
 * One CPU makes them; those that are there may be used on any CPU and stay for ever.
 */
#ifndef ESPEJO_NET_SWITCHES_H
#define ESPEJO_NET_SWITCHES_H

#include "net/switch.h"

#define SWITCHES_MAX 5
#define SWITCHES_UPLINK "net" /* the one with the machine's own network card */

/* The switch of that name, made if need be; NULL: there are SWITCHES_MAX others. */
struct net_switch *switches_get(const char *name);
/* The port of that name at any of them; NULL: none. */
struct link *switches_port(const char *name);
void switches_show(struct fmt_sink *sink);

#endif
