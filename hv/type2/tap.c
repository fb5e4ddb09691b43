/* tap.c - see tap.h */
#include "type2/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TUN_DEVICE "/dev/net/tun"

int tap_open(const char *name, struct failure *why)
{
	int fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC);
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (fd < 0) {
		if (errno == ENOENT || errno == ENODEV)
			failure_set(why, FAILURE_UNAVAILABLE, "--net tap=%s: this system has no %s",
				    name, TUN_DEVICE);
		else
			failure_of_file(why, TUN_DEVICE);
		return -1;
	}
	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	if (!ioctl(fd, TUNSETIFF, &request))
		return fd;
	if (errno == EPERM)
		failure_set(why, FAILURE_NO_PERMISSION,
			    "--net tap=%s: no permission: ip tuntap add %s mode tap user NAME",
			    name, name);
	else if (errno == EBUSY)
		failure_set(why, FAILURE_TEMPORARY, "--net tap=%s: another process has it", name);
	else
		failure_set(why, FAILURE_UNAVAILABLE, "--net tap=%s: %s", name, strerror(errno));
	close(fd);
	return -1;
}
