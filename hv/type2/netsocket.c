/* netsocket.c - see netsocket.h */
#include "type2/netsocket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct sockaddr_in loopback(unsigned port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((u16)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

int netsocket_open(unsigned mine, unsigned peer, struct failure *why)
{
	struct sockaddr_in here = loopback(mine), there = loopback(peer);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&here, sizeof(here)) &&
	    !connect(fd, (struct sockaddr *)&there, sizeof(there)))
		return fd;
	if (errno == EADDRINUSE)
		failure_set(why, FAILURE_TEMPORARY, "--net socket: another process has port %u",
			    mine);
	else if (errno == EACCES)
		failure_set(why, FAILURE_NO_PERMISSION, "--net socket: no permission for port %u",
			    mine);
	else
		failure_set(why, FAILURE_UNAVAILABLE, "--net socket: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

bool netsocket_check(int fd, struct failure *why)
{
	struct stat status;
	int type = 0;
	socklen_t size = sizeof(type);

	if (fstat(fd, &status))
		return failure_set(why, FAILURE_NO_INPUT, "--net fd=%d: it is not open", fd);
	if (S_ISCHR(status.st_mode))
		return true;
	if (S_ISSOCK(status.st_mode) && !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) &&
	    (type == SOCK_DGRAM || type == SOCK_SEQPACKET))
		return true;
	return failure_set(why, FAILURE_DATA,
			   "--net fd=%d: neither a socket of datagrams or packets nor a tap device",
			   fd);
}
