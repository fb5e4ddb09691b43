/*
 * silence.h - guests that run and run, and have nothing to say
 *
 * Owns: when a guest counts as silent, and what is said about it.
 * Must not know: devices, back ends.
 *
 * A guest shows that it lives by a character on its console or by a HLT.  If it has used seconds of
 * CPU time without either, and in that time also did nothing that exits, or was never seen with
 * interrupts on, it hangs for all that can be known from outside.  It is reported once, until
 * it shows life again: where it is, its last exit, and what to do next.
 */
#ifndef ESPEJO_TYPE1_SILENCE_H
#define ESPEJO_TYPE1_SILENCE_H

/* seconds of a guest's own CPU time; 0: never look.  By the boot CPU. */
void silence_init(unsigned seconds);

/* Look at all guests, if it is time; called by the boot CPU's loop now and then. */
void silence_poll(void);

#endif
