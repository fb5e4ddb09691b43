/*
 * guest.h - the one guest of this process
 *
 * Owns: its machine from the first power-on to its end, restarts between them.
 * Must not know: where its files, disks and network come from; how the process ends.
 */
#ifndef ESPEJO_TYPE2_GUEST_H
#define ESPEJO_TYPE2_GUEST_H

#include "type2/failure.h"
#include "type2/files.h"
#include "vm/vm.h"

/* Make the machine and put its software in.  False: why not.  files stay. */
bool guest_make(const struct vm_config *config, const struct files *files, struct failure *why);
/* Power on. */
void guest_start(void);
struct vm *guest_vm(void);

/* Readable (poll) when guest_poll has something to do. */
int guest_event_fd(void);

/* It has ended: as after guest_make again, but that memory is kept.  False: why not. */
bool guest_reload(struct failure *why);

enum guest_state { GUEST_RUNS, GUEST_ENDED };
/*
 * It ended by itself, was reset, paused itself, or nothing of that: if restart, a reset begins it
 * anew.  At GUEST_ENDED no vCPU runs any more.
 */
enum guest_state guest_poll(bool restart, struct failure *why);

/* Press the power button.  False: the guest does not listen. */
bool guest_power_button(void);
/* Stop it wherever it is; returns when no vCPU runs and its disks are at rest. */
void guest_stop(void);
void guest_free(void);

#endif
