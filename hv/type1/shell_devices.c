/* shell_devices.c - see shell_commands.h: the machine's disks and its network */
#include "lib/string.h"
#include "net/switches.h"
#include "type1/console.h"
#include "type1/disks.h"
#include "type1/services.h"
#include "type1/shell_commands.h"

const char shell_devices_net_help[] =
    "list; capture PORT on|off: its frames, to the second serial port";

int shell_devices_disk(int words, char *word[])
{
	if (words != 2 || strcmp(word[1], "list"))
		return shell_fail("disk list");
	disks_show(console_sink);
	return 0;
}

static int capture(const char *port, const char *state)
{
	char error[VM_CAUSE_MAX];
	bool on = !strcmp(state, "on");

	if (!on && strcmp(state, "off"))
		return shell_fail("net capture PORT on|off");
	if (services_capture(port, on, error, sizeof(error)))
		return shell_fail("%s", error);
	return 0;
}

int shell_devices_net(int words, char *word[])
{
	if (words == 4 && !strcmp(word[1], "capture"))
		return capture(word[2], word[3]);
	if (words != 2 || strcmp(word[1], "list"))
		return shell_fail("net list; net capture PORT on|off");
	switches_show(console_sink);
	return 0;
}
