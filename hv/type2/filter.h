/*
 * filter.h - the system calls that a running guest's process needs, and no others
 *
 * Owns: the list that every process of ours needs, and the making of a filter from it.
 * Must not know: what else a process needs: it says so.
 *
 * A call that is not on the list, or with arguments that are not, kills the process (SIGSYS).
 * Source: Linux, seccomp(2), "Seccomp BPF (SECure COMPuting with filters)".
 */
#ifndef ESPEJO_TYPE2_FILTER_H
#define ESPEJO_TYPE2_FILTER_H

#include "compiler.h"

struct filter_wishes {
	const u32 *ioctls; /* requests that are allowed */
	unsigned ioctl_count;
	const u16 *calls; /* allowed whatever their arguments are */
	unsigned call_count;
};

/*
 * For all threads, for ever.  No thread, mapping with code, or process can be made from here on,
 * nor, unless wished, a file or socket.  False: this kernel has no such filters.
 */
bool filter_install(const struct filter_wishes *wishes);

#endif
