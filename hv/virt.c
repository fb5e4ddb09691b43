/* virt.c - see virt.h: choosing the back end */
#include "virt.h"

#include "lib/fmt.h"

#define REASONS_MAX 800

const struct virt_ops *virt;

const char *virt_select(const struct virt_ops *const candidates[], unsigned count)
{
	static char reasons[REASONS_MAX];
	size_t len = 0;

	for (unsigned i = 0; i < count; i++) {
		const char *reason = candidates[i]->probe();

		if (!reason) {
			virt = candidates[i];
			return NULL;
		}
		if (len < sizeof(reasons))
			len += fmt_string(reasons + len, sizeof(reasons) - len, "\n  %s", reason);
	}
	return reasons;
}
