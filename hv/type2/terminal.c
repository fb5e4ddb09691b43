/* terminal.c - see terminal.h */
#include "type2/terminal.h"

#include <termios.h>
#include <unistd.h>

static struct termios before;
static bool changed;

bool terminal_raw(void)
{
	struct termios mode;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before))
		return false;
	mode = before;
	cfmakeraw(&mode);
	mode.c_oflag = before.c_oflag; /* a newline of ours begins a line */
	changed = !tcsetattr(STDIN_FILENO, TCSANOW, &mode);
	return changed;
}

void terminal_restore(void)
{
	if (changed)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	changed = false;
}
