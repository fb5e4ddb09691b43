/*
 * fake_type1.h - what the shell and scripts stand on, faked
 *
 * Owns: the console as a text, a list of guests that only remember what was done to them, and
 * an end of the run that a test survives.
 */
#ifndef ESPEJO_TESTS_UNIT_FAKE_TYPE1_H
#define ESPEJO_TESTS_UNIT_FAKE_TYPE1_H

#include <setjmp.h>

#include "fake_host.h"
#include "type1/guests.h"
#include "type1/services.h"

#define FAKE_GUESTS 4

struct fake_type1 {
	char said[FAKE_TEXT_MAX]; /* on the console */
	struct guest guest[FAKE_GUESTS];
	unsigned guests;
	char done[FAKE_TEXT_MAX]; /* "start a;pause b;" */
	int result;		  /* of what is done to guests */
	struct vm *focus;
	unsigned wakes; /* of the boot CPU */
	u64 kicks; /* asked for by `stress` */
	jmp_buf ended;
	unsigned status; /* of host_exit, which jumps to ended */
};

extern struct fake_type1 fake_type1;

/* Nothing said, no guests; fake_host_reset too. */
void fake_type1_reset(void);
struct guest *fake_type1_guest(const char *name, struct vm *vm);

#endif
