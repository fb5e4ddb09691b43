/*
 * console.h - one serial line and screen, shared by the hypervisor and its guests
 *
 * Owns: who writes a line now, prefixes, and where typed characters go.
 * Must not know: what shell commands mean, what guests say.
 *
 * Lines are whole: what a VM says is collected until its newline and appears as
 * "[name] line".  Only the source that has the input (the focus) shows unfinished lines, for
 * the sake of prompts, after a moment of quiet; when another line comes between, it is shown
 * again from its start.  The hypervisor's own lines have no prefix.
 *
 * Ctrl-a commands: 1..9 or n, p: input to that, the next, the previous VM; s: to the shell;
 * Ctrl-a: one Ctrl-a as input; h: help.
 *
 * console=raw: the serial line is the line of the only VM, byte for byte in both directions, and
 * Ctrl-a is a byte like any other.  What the hypervisor has to say goes to the screen, and to port
 * 0xe9, where emulators listen and to which no guest has a way.
 *
 * A serial line of real speed takes 6 ms for a line of text.  No CPU waits for that
 * (console_out.h): what is written waits, in the order in which it was written, until the UART
 * takes it; a timer looks after it, and so does whoever writes.  A VM that has more to say than the
 * line can take is held (console_holds) until its text has gone, and its CPU is its neighbours'
 * meanwhile; their lines wait for no more than a quota of each such VM.  At the end of the run, and
 * in a panic, all that waits is sent first; a hypervisor that hangs instead takes with it what had
 * no time to go.
 *
 * Locks: the console's is the last in the order but for the timers'; any other may be held when
 * writing.
 */
#ifndef ESPEJO_TYPE1_CONSOLE_H
#define ESPEJO_TYPE1_CONSOLE_H

#include "host.h"

struct fmt_sink;
struct screen_framebuffer;

/* From the first moment on: the serial line. */
void console_init(void);
/* From here on console=raw; before the first VM. */
void console_use_raw(void);
bool console_is_raw(void);
/* The screen too, when it is known that there is VGA text. */
void console_use_vga(void);
/* The loader's framebuffer, which memory maps. */
void console_use_framebuffer(const struct screen_framebuffer *fb, void *memory);
/* Now interrupts, timers and memory work: take input, by interrupt if there is an IOAPIC. */
void console_input_on(void);

/* The shell's output; part of a line may be a prompt.  host_log is for whole lines. */
void console_printf(const char *format, ...) PRINTF_LIKE(1, 2);
/* The same as a sink, for functions that print into one. */
extern struct fmt_sink *const console_sink;

/* line(text) gets each line typed while the shell has the input, without its newline; called by
 * the boot CPU's loop with no lock held.  text may be changed. */
void console_set_input(void (*line)(char *text));

/* vm has said more than the serial line could take yet: it does not run until that has gone.
 * Asked by each CPU's loop before it runs a vCPU; no lock held. */
bool console_holds(const struct vm *vm);

/* Give the input to vm; NULL: to the shell. */
void console_set_focus(struct vm *vm);
struct vm *console_focus(void);
/* vm will be freed: its unfinished line is finished, the input goes to the shell. */
void console_forget(struct vm *vm);

/* Boot CPU's loop: characters that arrived go where they belong.  No lock held. */
void console_take_input(void);

/* A panic: no locks any more, the line starts at the left, all that follows appears at once. */
void console_panic(void);
/* Was that called? */
bool console_panics(void);
/* For the end of the run: unfinished lines are finished, all bytes on the line. */
void console_flush(void);

#endif
