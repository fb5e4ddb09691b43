/* acpiloader.c - see acpiloader.h; pure, tested on the host */
#include "dev/acpiloader.h"

#include "host.h"
#include "lib/string.h"

#define TABLES "etc/acpi/tables"
#define RSDP "etc/acpi/rsdp"
#define SCRIPT "etc/table-loader"
#define RSDP_ALIGN 16

static struct acpiloader_command *next(struct acpiloader *l, u32 code)
{
	struct acpiloader_command *c;

	check(l->commands < ACPILOADER_COMMANDS);
	c = &l->script[l->commands++];
	*c = (struct acpiloader_command){ .command = code };
	return c;
}

static void allocate(struct acpiloader *l, const char *file, u32 align, u8 zone)
{
	struct acpiloader_command *c = next(l, ACPILOADER_ALLOCATE);

	memcpy(c->allocate.file, file, strlen(file));
	c->allocate.align = align;
	c->allocate.zone = zone;
}

/* Every pointer leads into the tables. */
static void add_pointers(struct acpiloader *l, const char *file,
			 const struct acpitables_pointer *pointer, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct acpiloader_command *c = next(l, ACPILOADER_POINTER);

		memcpy(c->pointer.file, file, strlen(file));
		memcpy(c->pointer.to, TABLES, strlen(TABLES));
		c->pointer.at = pointer[i].at;
		c->pointer.size = pointer[i].size;
	}
}

static void add_sums(struct acpiloader *l, const char *file, const struct acpitables_sum *sum,
		     unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct acpiloader_command *c = next(l, ACPILOADER_SUM);

		memcpy(c->sum.file, file, strlen(file));
		c->sum.at = sum[i].at;
		c->sum.start = sum[i].start;
		c->sum.length = sum[i].length;
	}
}

void acpiloader_init(struct acpiloader *l, struct fwcfg *f, const struct acpitables_config *config)
{
	struct acpitables *t = &l->tables;

	acpitables_build(t, config);
	l->commands = 0;
	allocate(l, TABLES, ACPITABLES_ALIGN, ACPILOADER_HIGH);
	allocate(l, RSDP, RSDP_ALIGN, ACPILOADER_BIOS_AREA);
	add_pointers(l, TABLES, t->pointer, t->pointers);
	add_sums(l, TABLES, t->sum, t->sums);
	add_pointers(l, RSDP, t->rsdp_pointer, ARRAY_SIZE(t->rsdp_pointer));
	add_sums(l, RSDP, t->rsdp_sum, ARRAY_SIZE(t->rsdp_sum));
	fwcfg_add_file(f, TABLES, t->data, t->size);
	fwcfg_add_file(f, RSDP, t->rsdp, sizeof(t->rsdp));
	fwcfg_add_file(f, SCRIPT, l->script,
		       (u32)(l->commands * sizeof(struct acpiloader_command)));
}
