/*
 * ram.h - memory of a Linux process, as host.h promises it
 *
 * Owns: how much may be promised to guests; where pages come from.
 * Must not know: what they are for.
 */
#ifndef ESPEJO_TYPE2_RAM_H
#define ESPEJO_TYPE2_RAM_H

#include "host.h"

/* total: bytes that this machine can give, ram_of_machine() or less.  Once, before any other. */
void ram_init(u64 total);

/* Physical memory, or what the process's control group allows of it. */
u64 ram_of_machine(void);

#endif
