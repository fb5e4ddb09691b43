/*
 * usernet.h - a network for users without rights: a process that speaks for the guest
 *
 * Owns: starting it.  Must not know: what it does with frames (usernet/main.c).
 *
 * It is a program of its own beside ours, espejo-net, since it needs what a guest's process must
 * not have: sockets.
 */
#ifndef ESPEJO_TYPE2_USERNET_H
#define ESPEJO_TYPE2_USERNET_H

#include "type2/failure.h"

/*
 * Start it; the socket on which a message is a frame, or -1: why not.  It ends when that socket's
 * other end, ours, is closed.
 */
int usernet_start(struct failure *why);

#endif
