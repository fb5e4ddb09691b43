/*
 * options.h - command lines: of the hypervisor and of its modules
 *
 * Owns: their grammar.  What is not understood is an error that names it: nothing is guessed.
 * Must not know: what the options do; no hardware, so that it runs in a host test as well.
 *
 *   hypervisor   [file]... [cpus=N] [trace=N] [exit=never|done|guest] [script-exit]
 *                [housekeeping] [silence=SECONDS] [console=lines|raw] [seed=N]
 *   first module of a VM
 *                [file]... name=NAME [mem=N[K|M|G]] [cpus=N] [weight=N] [cpu=bare|v1]
 *                [strict=0|1] [ticks=merge|steady] [disk=hdN:START+SECTORS|hdNpN]...
 *                [net=NAME|none] [mac=XX:XX:XX:XX:XX:XX] [tasksw] [pauseport] [role=firmware]
 *                [-- the guest's command line]
 *   further ones [file]... vm=NAME[,NAME]... role=initrd|disk|firmware|module [cow|ro]
 *                [-- command line]
 *   script       [file]... role=script
 *
 * housekeeping: the boot CPU runs no vCPUs.  It has the drivers, the operator and the scripts, and
 * their work takes nobody's turn.
 *
 * ticks: what becomes of ticks of the PIT that the VM had no CPU for (dev/ticks.h).
 * pauseport: a write to port 0xeb pauses the VM (dev/pauseport.h).
 *
 * disk= is a part of one of the machine's own disks, START and SECTORS in units of 512 bytes; cow
 * and ro are for role=disk, and a disk that several VMs have needs one of them.
 *
 * A first module with role=firmware is a ROM that the machine begins in, instead of a kernel;
 * further ones with that role are option ROMs for it.
 *
 * Instead of "-- text" there may be "--% text", where %XX stands for the byte XX: GRUB changes
 * quotes, backslashes and spaces, and leaves that alone.
 *
 * Loaders put the file's name in front: words before the first option that have no '='.  Numbers
 * and names: words.h.
 */
#ifndef ESPEJO_TYPE1_OPTIONS_H
#define ESPEJO_TYPE1_OPTIONS_H

#include "type1/definition.h"

struct options {
	unsigned cpus; /* use at most so many */
	u32 trace; /* entries of a vCPU's ring, a power of two */
	bool exit_done; /* end the run when all VMs have ended */
	bool exit_guest; /* end it as the only VM ends (power.h) */
	bool console_raw; /* the serial line is the only VM's (console.h) */
	bool has_seed;
	u64 seed; /* of random numbers, instead of the CPU's */
	bool housekeeping; /* the boot CPU runs no vCPUs */
	bool script_exit; /* end the run at the end of the script */
	unsigned silence; /* seconds of CPU time until a guest is reported as silent; 0: never */
};

#define OPTIONS_VMS_MAX 8 /* that have one file */

/* One of three things: a VM with its kernel, a file for VMs, a script. */
struct options_module {
	bool is_script;
	struct guest_definition vm; /* of a kernel; its files are still missing */
	struct definition_file file; /* with the role; its bytes are still missing */
	unsigned vm_count; /* 0: a kernel or a script */
	char vm_name[OPTIONS_VMS_MAX][VM_NAME_MAX]; /* those that have the file */
	const char *cmdline; /* points into the text, behind "-- "; "" if there is none */
	bool encoded; /* it has %XX, all of them good: options_decode */
};

/* 0, or -HOST_EINVAL with a sentence in error that names the option. */
int options_parse(const char *text, struct options *options, char *error, size_t size);

/* The same for module number (1..). */
int options_parse_module(const char *text, unsigned number, struct options_module *module,
			 char *error, size_t size);

/* Each %XX as its byte; to is as large as from, or is from. */
void options_decode(const char *from, char *to);

#endif
