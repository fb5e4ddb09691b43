/*
 * tap.h - captured frames leave the machine by COM2
 *
 * Owns: the machine's COM2, and the one capture that goes there, byte by byte: what is attached to
 * that port (a file, in an emulator) is a pcap file from its first byte on.
 * Must not know: links, switches.
 *
 * Source: see serial.h.
 */
#ifndef ESPEJO_TYPE1_TAP_H
#define ESPEJO_TYPE1_TAP_H

#include "net/capture.h"

/* The capture; begun by the first call, on the boot CPU.  NULL: no COM2, or memory is short. */
struct capture *tap_capture(void);

/* The machine is about to end: send the rest, as long as the port takes it. */
void tap_flush(void);

#endif
