/*
 * console_out.h - bytes on their way to the serial line
 *
 * Owns: their order, and how many of each writer's wait.
 * Must not know: lines, prefixes, VMs, locks.
 *
 * A line of 115200 baud takes 87 us for a byte.  Nobody shall wait for it with a CPU that others
 * want, so what does not fit into the UART's FIFO waits in a ring, from which console_out_pump
 * takes it whenever somebody looks.  A writer is a number; one of which more than its quota waits
 * (console_out_over) must be kept from writing more, so that the ring is never full.  If it is
 * nevertheless, its oldest byte is waited for.  So none is lost as long as the line moves.
 *
 * Until console_out_queue, and after console_out_sync, a byte is waited for at once: before there
 * are guests there is nobody to disturb, and a hypervisor that hangs in its first minutes has said
 * all that it had to say.
 *
 * Where the UART is always ready (QEMU), nothing ever waits: the ring stays empty.
 *
 * Locks: none; the console's is held, except for console_out_waits.
 */
#ifndef ESPEJO_TYPE1_CONSOLE_OUT_H
#define ESPEJO_TYPE1_CONSOLE_OUT_H

#include "compiler.h"

#define CONSOLE_OUT_SIZE 32768u /* bytes that may wait: a power of two */
#define CONSOLE_OUT_WRITERS 65u /* number 0 is the hypervisor itself */
#define CONSOLE_OUT_QUOTA 512u /* what may wait of one writer, more or less: 44 ms of the line */
/* A FIFO of 16 bytes at 115200 baud, 8N1, and a little: look again after that. */
#define CONSOLE_OUT_PERIOD_NS 1450000ull
/* Nothing has moved for so long: the line is dead, nobody is held back for it. */
#define CONSOLE_OUT_DEAD_NS 1000000000ull

/* From now on bytes may wait; host_now works. */
void console_out_queue(void);
/* No longer: what waits is sent first. */
void console_out_sync(void);

/* byte, from writer, goes out after all that came before it. */
void console_out_put(unsigned writer, u8 byte);

/* Give the UART what it takes now. */
void console_out_pump(void);

/* Does anything wait?  Any CPU, without the lock: a moment later it may be otherwise. */
extern u32 console_out_waiting; /* so many bytes do; changed by console_out.c only */
static inline bool console_out_waits(void)
{
	return READ_ONCE(console_out_waiting) != 0;
}

/* Bytes that fit, before one must be waited for. */
unsigned console_out_room(void);
/* Has the line stopped moving while bytes wait for it? */
bool console_out_dead(void);
/* Does anything of writer wait, and with more bytes more than its quota?  While the ring is half
 * full the quota is nothing, for then there are many writers. */
bool console_out_over(unsigned writer, size_t more);

/* Send all that waits, now. */
void console_out_flush(void);

#endif
