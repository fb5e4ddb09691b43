/* modules.c - see modules.h */
#include "type1/modules.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/bootinfo.h"
#include "type1/guests.h"
#include "type1/options.h"

static struct blob blob_of(const struct bootinfo_module *m, const struct options_module *o)
{
	return (struct blob){ .data = host_ptr(hpa(m->start)),
			      .size = m->end - m->start,
			      .name = m->cmdline,
			      .cmdline = o->cmdline };
}

static int define(const struct options_module *o, const struct blob *kernel, char *error,
		  size_t size)
{
	/* Too large for the stack, and only the boot CPU is here. */
	static struct guest definition;

	definition = (struct guest){
		.config = o->config, .kernel = *kernel, .cmdline = o->cmdline
	};
	return guests_define(&definition, error, size) ? 0 : -HOST_EINVAL;
}

/* One more file for a guest that is there already. */
static int add(struct guest *g, const struct options_module *o, const struct blob *file,
	       char *error, size_t size)
{
	if (o->role == ROLE_INITRD && !g->initrd.data) {
		g->initrd = *file;
		return 0;
	}
	if (o->role == ROLE_MODULE && g->module_count < GUEST_MODULES_MAX) {
		g->module[g->module_count++] = *file;
		return 0;
	}
	if (o->role == ROLE_INITRD)
		fmt_string(error, size, "VM %s has two initrds", g->config.name);
	else if (o->role == ROLE_MODULE)
		fmt_string(error, size, "VM %s has more than %u modules", g->config.name,
			   GUEST_MODULES_MAX);
	else
		fmt_string(error, size, "VM %s: role=disk and role=firmware are not there yet",
			   g->config.name);
	return -HOST_EINVAL;
}

static int module(const struct bootinfo *info, unsigned i, struct blob *script, char *error,
		  size_t size)
{
	struct options_module o;
	struct guest *g;
	struct blob file;
	int result = options_parse_module(info->module[i].cmdline, i + 1, &o, error, size);

	if (result)
		return result;
	file = blob_of(&info->module[i], &o);
	if (o.role == ROLE_KERNEL)
		return define(&o, &file, error, size);
	if (o.role == ROLE_SCRIPT) {
		*script = file;
		return 0;
	}
	g = guests_find(o.config.name);
	if (g)
		return add(g, &o, &file, error, size);
	fmt_string(error, size, "module %u: vm=%s: no module before it has name=%s", i + 1,
		   o.config.name, o.config.name);
	return -HOST_EINVAL;
}

int modules_define_guests(const struct bootinfo *info, struct blob *script, char *error,
			  size_t size)
{
	*script = (struct blob){ 0 };
	for (unsigned i = 0; i < info->module_count; i++) {
		int result = module(info, i, script, error, size);

		if (result)
			return result;
	}
	return 0;
}
