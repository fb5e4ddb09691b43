/*
 * console_input.h - what is typed on the console
 *
 * Owns: the characters on their way, the line that is being edited, Ctrl-a.
 * Must not know: how output is kept apart (console.c).
 */
#ifndef ESPEJO_TYPE1_CONSOLE_INPUT_H
#define ESPEJO_TYPE1_CONSOLE_INPUT_H

/* Part of console_input_on. */
void console_input_init(void);
/* Interrupts are not enough: a guest that keeps them off holds them off from us as well. */
void console_input_poll(void);

#endif
