/*
 * options.h - the command line of espejo-vm
 *
 * Owns: what the user asked for, and whether it makes sense by itself.
 * Must not know: files, devices: whether they are there is seen when they are opened.
 */
#ifndef ESPEJO_TYPE2_OPTIONS_H
#define ESPEJO_TYPE2_OPTIONS_H

#include "vm/vm.h"

#define OPTIONS_ROMS 4
#define OPTIONS_ERROR 256

enum options_disk_mode { DISK_WRITE, DISK_READ_ONLY, DISK_COPY_ON_WRITE };

struct options_disk {
	const char *path;
	u8 mode; /* enum options_disk_mode */
};

enum options_net { NET_NONE, NET_USER, NET_TAP, NET_SOCKET, NET_FD };

struct options {
	u64 memory; /* bytes */
	unsigned cpus;
	const char *cpu;    /* CPUID model */
	const char *kernel; /* or the image that firmware boots; NULL: none */
	bool by_firmware;
	const char *firmware; /* its file */
	const char *rom[OPTIONS_ROMS];
	unsigned roms;
	const char *append; /* "" if not given */
	const char *initrd; /* as it was given: see files.h; NULL: none */
	struct options_disk disk[VM_MAX_DISKS];
	unsigned disks;
	u8 kernel_mode;	 /* if it is an image: enum options_disk_mode */
	u8 net;		 /* enum options_net */
	const char *tap; /* its name */
	int net_fd;
	u16 net_mine, net_peer; /* ports of NET_SOCKET */
	bool has_mac;
	u8 mac[LINK_MAC];
	const char *trace; /* file for the last exits; NULL: none */
	const char *state; /* file for the state where the guest pauses itself; NULL: none */
	u32 trace_entries;
	bool exit_guest; /* end as the guest does, whose status is ours */
	bool verbose, help;
	const char *attempt; /* confined, try this instead of running the guest: for tests */
};

/* 0, or -HOST_EINVAL with a sentence in error.  Texts stay argv's, which may be changed. */
int options_parse(int argc, char **argv, struct options *options, char error[OPTIONS_ERROR]);

/* What --help says. */
extern const char options_usage[];

#endif
