/*
 * options.h - command lines: of the hypervisor and of its modules
 *
 * Owns: their grammar.  What is not understood is an error that names it: nothing is guessed.
 * Must not know: what the options do; no hardware, so that it runs in a host test as well.
 *
 *   hypervisor   [file]... [cpus=N] [trace=N] [exit=never|done] [script-exit]
 *                [silence=SECONDS]
 *   first module of a VM
 *                [file]... name=NAME [mem=N[K|M|G]] [cpus=N] [weight=N] [cpu=bare|v1]
 *                [strict=0|1] [-- the guest's command line]
 *   further ones [file]... vm=NAME role=initrd|disk|firmware|module [-- command line]
 *   script       [file]... role=script
 *
 * Loaders put the file's name in front: words before the first option that have no '='.
 */
#ifndef ESPEJO_TYPE1_OPTIONS_H
#define ESPEJO_TYPE1_OPTIONS_H

#include "vm/vm.h"

struct options {
	unsigned cpus; /* use at most so many */
	u32 trace; /* entries of a vCPU's ring, a power of two */
	bool exit_done; /* end the run when all VMs have ended */
	bool script_exit; /* end the run at the end of the script */
	unsigned silence; /* seconds of CPU time until a guest is reported as silent; 0: never */
};

enum options_role {
	ROLE_KERNEL,
	ROLE_INITRD,
	ROLE_DISK,
	ROLE_FIRMWARE,
	ROLE_MODULE,
	ROLE_SCRIPT,
};

struct options_module {
	u8 role; /* enum options_role */
	struct vm_config config; /* of a kernel; else only the name of its VM */
	const char *cmdline; /* points into the text, behind "-- "; "" if there is none */
};

/* 0, or -HOST_EINVAL with a sentence in error that names the option. */
int options_parse(const char *text, struct options *options, char *error, size_t size);

/* The same for module number (1..). */
int options_parse_module(const char *text, unsigned number, struct options_module *module,
			 char *error, size_t size);

#endif
