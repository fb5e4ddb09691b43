/*
 * guests.h - the virtual machines of this hypervisor, and what they are loaded from
 *
 * Owns: the list of guests, defined by modules or by the shell; making, starting, ending and
 * restarting their machines.
 * Must not know: how modules are found (modules.h), what commands look like (shell.h).
 *
 * A guest is a definition (configuration and files) that outlives its machine.  All calls are made
 * by the boot CPU's loop, so the list needs no lock; host_vm_ended only leaves a note.
 */
#ifndef ESPEJO_TYPE1_GUESTS_H
#define ESPEJO_TYPE1_GUESTS_H

#include "vm/load.h"
#include "vm/vm.h"

#define GUESTS_MAX 64
#define GUEST_MODULES_MAX 8

struct guest {
	struct vm_config config;
	struct blob kernel, initrd, module[GUEST_MODULES_MAX];
	unsigned module_count;
	const char *cmdline;
	struct vm *vm; /* NULL: never started */
	unsigned number; /* 1.., as shown and typed */
	bool ended; /* its machine came to an end; not yet said */
	u64 created_tsc; /* host_tsc when its machine began to be made */
	u64 overhead; /* bytes of the hypervisor's memory that its machine took, without its RAM */
};

/*
 * A new definition, copied.  NULL with a sentence in error: the name is taken or empty, or there
 * are too many.
 */
struct guest *guests_define(const struct guest *definition, char *error, size_t size);

/* The definition by number or name; NULL: none. */
struct guest *guests_find(const char *name);
/* The nth of the list, 0..; NULL behind the last one. */
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
/* 0, or -HOST_EINVAL: its machine is not running (not paused). */
int guests_pause(struct guest *g);
int guests_resume(struct guest *g);

/* Report machines that have ended, restart those that were reset.  Called now and then. */
void guests_poll(void);
/* Guests whose machine runs or is paused. */
unsigned guests_alive(void);

#endif
