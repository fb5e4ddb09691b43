/*
 * test_machine.c - docs/machine.md says what the code does
 *
 * Owns: printing the tables of CPUID, MSRs, ports and memory from the code, and comparing them
 * with the sections of docs/machine.md that are marked "begin NAME" and "end NAME".
 * To write them anew: ESPEJO_WRITE_DOCS=1 unit-tests machine, from the top of the tree.
 */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpuid_samples.h"
#include "fake_virt.h"
#include "vm/cpuid_rules.h"
#include "vm/load_parts.h"
#include "vm/msr.h"

void test_machine_register(void);

#define DOCUMENT "docs/machine.md"

static struct cpuid_regs read_qemu(u32 leaf, u32 subleaf)
{
	return cpuid_sample_read(&cpuid_machine[QEMU_MAX], leaf, subleaf);
}

/* ---- The tables, in Markdown ------------------------------------------------------ */

static void print_cpuid(FILE *out)
{
	static const char *const regs[] = { "EAX", "EBX", "ECX", "EDX", "all" };

	fprintf(out, "| leaf | register | name | policy | v1 | why |\n|---|---|---|---|---|---|\n");
	for (unsigned i = 0; i < cpuid_rule_count; i++) {
		const struct cpuid_rule *r = &cpuid_rules[i];

		fprintf(out, "| 0x%x", r->leaf);
		if (r->subleaf && r->subleaf != CPUID_ANY_SUBLEAF)
			fprintf(out, ".%u", r->subleaf);
		fprintf(out, " | %s", regs[r->reg]);
		if (r->high == r->low)
			fprintf(out, "[%u]", r->low);
		else if (r->high - r->low < 31)
			fprintf(out, "[%u:%u]", r->high, r->low);
		fprintf(out, " | %s | %s | %s | %s |\n", r->name, cpuid_policy_name(r->policy),
			r->v1 ? "yes" : "", r->reason ? r->reason : "");
	}
}

static void print_msr(FILE *out)
{
	fprintf(out, "| MSR | name | policy | if | why |\n|---|---|---|---|---|\n");
	for (unsigned i = 0; i < msr_rule_count; i++) {
		const struct msr_rule *r = &msr_rules[i];

		fprintf(out, "| 0x%x", r->first);
		if (r->last != r->first)
			fprintf(out, "-0x%x", r->last);
		fprintf(out, " | %s | %s | %s | ", r->name, msr_kind_name(r->kind),
			msr_condition_name(r->only));
		if (r->kind == MSR_CONSTANT || r->kind == MSR_IGNORED)
			fprintf(out, "0x%lx: ", r->value);
		fprintf(out, "%s |\n", r->reason ? r->reason : "");
	}
}

static const char *device_name(const struct vm *vm, const void *dev)
{
	const struct {
		const void *dev;
		size_t size;
		const char *name;
	} devices[] = {
		{ &vm->uart, sizeof(vm->uart), "16550 serial line, COM1" },
		{ &vm->pic, sizeof(vm->pic), "8259 pair" },
		{ &vm->pit, sizeof(vm->pit), "8254 timer, speaker port" },
		{ &vm->rtc, sizeof(vm->rtc), "CMOS clock" },
		{ &vm->i8042, sizeof(vm->i8042), "8042 keyboard controller, reset" },
		{ &vm->i440fx, sizeof(vm->i440fx), "host bridge" },
		{ &vm->piix3, sizeof(vm->piix3), "ISA bridge: reset control" },
		{ &vm->piix4, sizeof(vm->piix4), "power management" },
		{ &vm->pci, sizeof(vm->pci), "PCI configuration" },
		{ &vm->vga, sizeof(vm->vga), "VGA" },
		{ &vm->fwcfg, sizeof(vm->fwcfg), "fw_cfg" },
		{ &vm->console, sizeof(vm->console), "virtio console: notifications" },
		{ &vm->rng, sizeof(vm->rng), "virtio entropy: notifications" },
		{ &vm->debugport, sizeof(vm->debugport), "debug console" },
		{ &vm->exitport, sizeof(vm->exitport),
		  "exit port: the VM ends with the value written" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(devices); i++)
		if ((const char *)dev >= (const char *)devices[i].dev &&
		    (const char *)dev < (const char *)devices[i].dev + devices[i].size)
			return devices[i].name;
	return "a device that test_machine.c does not know";
}

static struct vm *make_vm(void)
{
	struct vm_config config = {
		.name = "t", .memory = GiB(4), .vcpus = 1, .weight = 100, .cpu = "bare"
	};
	struct vm *vm = NULL;
	char error[200];

	fake_virt_reset();
	fake_host.cpuid = read_qemu;
	fake_host.memory = GiB(8);
	CU_ASSERT_EQUAL_FATAL(vm_create(&config, &vm, error, sizeof(error)), 0);
	return vm;
}

static void print_ports(FILE *out)
{
	struct vm *vm = make_vm();

	fprintf(out, "| ports | device |\n|---|---|\n");
	for (unsigned i = 0; i < vm->bus.port_count; i++) {
		const struct port_range *r = &vm->bus.port[i];

		fprintf(out, "| 0x%x", r->first);
		if (r->last != r->first)
			fprintf(out, "-0x%x", r->last);
		fprintf(out, " | %s |\n", device_name(vm, r->dev));
	}
	fprintf(out, "| all others | nothing: reads as ones, writes are lost |\n");
	vm_free(vm);
}

static void print_memory(FILE *out)
{
	struct load_area areas[LOAD_AREAS];
	struct vm *vm = make_vm();
	unsigned count = load_map(vm, NULL, 0, areas);

	fprintf(out, "| from | up to | the map says | |\n|---|---|---|---|\n");
	for (unsigned i = 0; i < count; i++) {
		u64 end = areas[i].base + areas[i].size;
		bool ram = memory_is_ram(vm, gpa(areas[i].base), areas[i].size);

		fprintf(out, "| 0x%lx | 0x%lx | %s | %s |\n", areas[i].base, end - 1,
			areas[i].type == LOAD_USABLE ? "usable" : "reserved",
			ram ? "RAM"
			: areas[i].base == APIC_DEFAULT_BASE
			    ? "each CPU's LAPIC, while APIC_BASE is there"
			    : "nothing");
		if (end == MEMORY_VGA_HOLE)
			fprintf(out,
				"| 0x%llx | 0x%llx | not listed | nothing |\n"
				"| 0x%llx | 0x%lx | not listed | RAM |\n",
				MEMORY_VGA_HOLE, MEMORY_VGA_HOLE_END - 1, MEMORY_VGA_HOLE_END,
				areas[i + 1].base - 1);
	}
	fprintf(out, "| elsewhere | | not listed | nothing: reads as ones, writes are lost |\n");
	vm_free(vm);
}

static const struct {
	const char *name;
	void (*print)(FILE *out);
} sections[] = {
	{ "cpuid", print_cpuid },
	{ "msr", print_msr },
	{ "ports", print_ports },
	{ "memory", print_memory },
};

/* ---- The document ------------------------------------------------------------------ */

static char *read_document(void)
{
	FILE *in = fopen(DOCUMENT, "r");
	char *text = NULL;
	size_t size = 0;
	FILE *copy;
	int c;

	if (!in)
		return NULL;
	copy = open_memstream(&text, &size);
	while ((c = getc(in)) != EOF)
		putc(c, copy);
	fclose(copy);
	fclose(in);
	return text;
}

/* The text between the marks of a section, or NULL; *length its bytes. */
static char *find_section(char *text, const char *name, size_t *length)
{
	char begin[64], end[64];
	char *from, *to;

	snprintf(begin, sizeof(begin), "<!-- begin %s -->\n", name);
	snprintf(end, sizeof(end), "<!-- end %s -->", name);
	from = strstr(text, begin);
	if (!from)
		return NULL;
	from += strlen(begin);
	to = strstr(from, end);
	*length = to ? (size_t)(to - from) : 0;
	return to ? from : NULL;
}

static char *expected(unsigned i)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	sections[i].print(out);
	fclose(out);
	return text;
}

static void rewrite(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sections); i++) {
		char *document = read_document(), *text = expected(i), *at;
		size_t length = 0;
		FILE *out;

		CU_ASSERT_PTR_NOT_NULL_FATAL(document);
		at = find_section(document, sections[i].name, &length);
		CU_ASSERT_PTR_NOT_NULL_FATAL(at);
		out = fopen(DOCUMENT, "w");
		CU_ASSERT_PTR_NOT_NULL_FATAL(out);
		fprintf(out, "%.*s%s%s", (int)(at - document), document, text, at + length);
		fclose(out);
		free(document);
		free(text);
	}
}

static void show_difference(const char *name, const char *wanted, const char *found, size_t length)
{
	size_t line = 0, i = 0;

	for (; wanted[i] && i < length && wanted[i] == found[i]; i++)
		if (wanted[i] == '\n')
			line = i + 1;
	printf("\n  %s, section %s: the code says\n    %.*s\n  the document\n    %.*s", DOCUMENT,
	       name, (int)strcspn(wanted + line, "\n"), wanted + line,
	       (int)strcspn(found + line, "\n"), found + line);
}

static void test_document(void)
{
	char *document;

	if (getenv("ESPEJO_WRITE_DOCS"))
		rewrite();
	document = read_document();
	CU_ASSERT_PTR_NOT_NULL_FATAL(document); /* run this from the top of the tree */
	for (unsigned i = 0; i < ARRAY_SIZE(sections); i++) {
		char *wanted = expected(i), *found;
		size_t length = 0;

		found = find_section(document, sections[i].name, &length);
		CU_ASSERT_PTR_NOT_NULL(found);
		if (found && (strlen(wanted) != length || memcmp(wanted, found, length))) {
			show_difference(sections[i].name, wanted, found, length);
			CU_FAIL("docs/machine.md does not say what the code does");
		}
		free(wanted);
	}
	free(document);
}

/* Every device on the bus has a name in the table. */
static void test_names(void)
{
	char *ports = expected(2);

	CU_ASSERT_PTR_NULL(strstr(ports, "does not know"));
	free(ports);
}

void test_machine_register(void)
{
	CU_pSuite suite = CU_add_suite("machine", NULL, NULL);

	CU_add_test(suite, "docs/machine.md agrees with the code", test_document);
	CU_add_test(suite, "every device has a name", test_names);
}
