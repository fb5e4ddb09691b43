/*
 * confine.h - a process that a guest has broken into finds nothing
 *
 * Owns: namespaces, the empty root, capabilities, limits.  The list of system calls: filter.h.
 * Must not know: what the process is for.
 *
 * What is needed must be open before.  What the system refuses (some forbid namespaces to users) is
 * done without; new privileges, capabilities and the filter of system calls it always lets us give
 * up.
 *
 * Sources: Linux, namespaces(7), user_namespaces(7), pivot_root(2), capabilities(7), prctl(2).
 */
#ifndef ESPEJO_TYPE2_CONFINE_H
#define ESPEJO_TYPE2_CONFINE_H

#include "compiler.h"

/*
 * This process and its children: mounts, IPC and names of their own, an empty root that cannot be
 * written, unless keep_network a network without a card, and for its children process numbers of
 * their own.  Of root it becomes nobody.  Then no capabilities and no way to get any.  A copy of
 * the small file at keep_file, if any, is in the root.  One thread. How much of it could be had, as
 * text for the operator.
 */
const char *confine_namespaces(bool keep_network, const char *keep_file);

/* No core files, no new files beyond those that may be polled, no further processes. */
void confine_limits(void);

/* This process ends with its parent; lifeline: a pipe whose other end only the parent holds. */
void confine_die_with_parent(int lifeline);

#endif
