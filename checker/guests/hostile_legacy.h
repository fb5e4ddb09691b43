/*
 * hostile_legacy.h - attacks that long mode does not have
 */
#ifndef CHECKER_HOSTILE_LEGACY_H
#define CHECKER_HOSTILE_LEGACY_H

/* Two tasks that switch to each other for ever. */
void legacy_tasks(void);
/* Every exception is a task switch to a task that raises one. */
void legacy_tangle(void);
/* #AC whose delivery raises #AC, without an instruction between: CVE-2015-5307. */
void legacy_alignment(void);

#endif
