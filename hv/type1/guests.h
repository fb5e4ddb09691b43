/*
 * guests.h - the virtual machines of this hypervisor, and what they are loaded from
 *
 * Owns: the list of guests, defined by modules or by the shell; making, starting, ending,
 * restarting and deleting their machines.
 * Must not know: how modules are found (modules.h), what commands look like (shell.h).
 *
 * A guest is a definition that outlives its machine.  All calls are made by the boot CPU's loop, so
 * the list needs no lock; host_vm_ended only leaves a note.
 */
#ifndef ESPEJO_TYPE1_GUESTS_H
#define ESPEJO_TYPE1_GUESTS_H

#include "type1/plugs.h"
#include "type1/random.h"

#define GUESTS_MAX 64

struct guest {
	unsigned number; /* 1.., as shown and typed: its own as long as it is there */
	struct guest_definition definition;
	struct vm *vm; /* NULL: not started since it was defined */
	struct plugs plugs; /* open from its first start until it is deleted */
	struct random_stream random; /* its machines' */
	bool ended; /* its machine came to an end; not yet said */
	bool told; /* that was said, and it has not been started since */
	bool restarts; /* it was reset, that was said, and it comes again at restart_ns */
	u64 restart_ns; /* host_now: not loaded before if it resets itself */
	u64 created_tsc; /* host_tsc when its machine began to be made */
	u64 overhead; /* bytes of the hypervisor's memory that its machine took, without its RAM */
};

/*
 * A new guest with a copy of the definition, under the lowest number that is free.  NULL with a
 * sentence in error: the name is taken or none (words.h), or there are too many.
 */
struct guest *guests_define(const struct guest_definition *definition, char *error, size_t size);

/* The guest by number or name; NULL: none. */
struct guest *guests_find(const char *name);
/* The one with that number; NULL: none. */
struct guest *guests_numbered(u64 number);
/* The nth of the list in the order of numbers, 0..; NULL behind the last one. */
struct guest *guests_at(unsigned n);
struct guest *guests_of(const struct vm *vm);

/*
 * Make the machine if there is none (or a dead one: anew), load it, run it.  0, or negative with a
 * sentence in error.
 */
int guests_start(struct guest *g, char *error, size_t size);
/* Its machine ends now, cause "killed". */
void guests_kill(struct guest *g);
/* The machine as after power-on, with its files loaded again. */
int guests_restart(struct guest *g, char *error, size_t size);
/*
 * The machine's memory is given back, and name and number are free; g is gone.  -HOST_EBUSY with a
 * sentence in error: it runs or is paused.
 */
int guests_delete(struct guest *g, char *error, size_t size);
/* 0, or -HOST_EINVAL: its machine is not running (not paused). */
int guests_pause(struct guest *g);
int guests_resume(struct guest *g);

/*
 * For a look at g's machine, which there is: none of its vCPUs is on a CPU when this returns, be it
 * paused or at its end.  guests_release with the result lets it go on if it ran.
 */
bool guests_hold(struct guest *g) MUST_CHECK;
void guests_release(struct guest *g, bool ran);

/*
 * Report machines that have ended, restart those that were reset: at once, unless a guest does
 * little else.  Called now and then.
 */
void guests_poll(void);
/* Is vm at its end for good, and the operator has been told? */
bool guests_ended(const struct vm *vm);
/* Guests whose machine runs, is paused, or was reset. */
unsigned guests_alive(void);

#endif
