/*
 * tap.h - a tap device of the host
 *
 * Owns: attaching to it.  Must not know: frames (uplink.h).
 * Source: Linux "Universal TUN/TAP device driver".
 */
#ifndef ESPEJO_TYPE2_TAP_H
#define ESPEJO_TYPE2_TAP_H

#include "type2/failure.h"

/*
 * Attach to tap device name, which an administrator made for this user; with the right to do so it
 * is made, and goes when the process ends.  Its descriptor, or -1: why not.
 */
int tap_open(const char *name, struct failure *why);

#endif
