/* virtio_console.h - the second console; see virtio_console.c */
#ifndef GUEST_OS_VIRTIO_CONSOLE_H
#define GUEST_OS_VIRTIO_CONSOLE_H

#include "types.h"

/* Find the console and start it.  Silent if there is none. */
void virtio_console_init(void);

bool virtio_console_present(void);

/* Show a text; waits until the device has taken it, but not for ever: 0, or -EIO. */
int virtio_console_write(const char *text, size_t length);

/* The next character that was typed, or -1.  Wakes: SCHED_INPUT. */
int virtio_console_read(void);

#endif
