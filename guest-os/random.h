/* random.h - numbers that nobody can foresee, or at least that differ; see random.c */
#ifndef GUEST_OS_RANDOM_H
#define GUEST_OS_RANDOM_H

#include "types.h"

/* Find a source and take a seed from it. */
void random_init(void);

/* Is there a virtio entropy device? */
bool random_device_present(void);

/* Fill length bytes, up to a page, from the device: 0, or -EIO. */
int random_from_device(void *bytes, size_t length);

/* 64 bits from the generator, which the seed has started. */
u64 random_next(void);

#endif
