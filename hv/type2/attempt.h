/*
 * attempt.h - what somebody would try who has broken into a guest's process
 *
 * Owns: the attempts, for tests of the confinement.
 * Must not know: how they are prevented.
 */
#ifndef ESPEJO_TYPE2_ATTEMPT_H
#define ESPEJO_TYPE2_ATTEMPT_H

/*
 * Try what name says, in a process that is confined: it should not come back.  If it does, it says
 * whether it was refused or, worse, worked.  -1: there is no such attempt.
 */
int attempt_run(const char *name);

#endif
