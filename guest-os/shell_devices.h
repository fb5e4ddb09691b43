/* shell_devices.h - the commands for network and other devices; see shell_devices.c */
#ifndef GUEST_OS_SHELL_DEVICES_H
#define GUEST_OS_SHELL_DEVICES_H

#include "types.h"

/* Each gets its words, the command's name first, and returns whether it did what was asked. */
bool shell_devices_net(unsigned count, char **words);
bool shell_devices_ping(unsigned count, char **words);
bool shell_devices_pci(unsigned count, char **words);
bool shell_devices_random(unsigned count, char **words);
bool shell_devices_say(unsigned count, char **words);

#endif
