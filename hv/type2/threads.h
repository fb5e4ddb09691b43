/*
 * threads.h - the threads of this process: one for each vCPU, and those that serve them
 *
 * Owns: what a CPU is on bare metal: who runs which vCPU, waiting when it is blocked, kicks.
 * Must not know: what a vCPU does.
 *
 * Linux is the scheduler.  sched/ is here for the states of vCPUs alone: each has a "CPU" of its
 * own, its thread, which sleeps while its vCPU is not ready.
 */
#ifndef ESPEJO_TYPE2_THREADS_H
#define ESPEJO_TYPE2_THREADS_H

#include "host.h"

/* The number of this thread, 0..; given when it first asks. */
unsigned threads_self(void);

/*
 * A thread with all signals blocked, that never ends.  name: at most 15 bytes.  False: the system
 * gives us no more of them, errno says why.
 */
bool threads_create(const char *name, void *(*run)(void *), void *arg) MUST_CHECK;

/* Threads for vCPUs 0..vcpus-1, asleep until host_run.  False: as above. */
bool threads_start_vcpus(unsigned vcpus);

#endif
