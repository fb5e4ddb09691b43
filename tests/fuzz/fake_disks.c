/* fake_disks.c - a machine without disks, for the shell */
#include "lib/fmt.h"
#include "type1/disks.h"

void disks_show(struct fmt_sink *sink UNUSED)
{
}
