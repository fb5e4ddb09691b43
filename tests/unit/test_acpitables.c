/*
 * test_acpitables.c - the guests' ACPI and MP tables, read by those who read the machine's own:
 * dev/acpitables.c, dev/acpiloader.c, dev/mptables.c
 */
#include "machine.h"

#include "dev/acpiloader.h"
#include "dev/acpitables.h"
#include "dev/ioapic.h"
#include "dev/mptables.h"
#include "dev/piix3.h"
#include "dev/piix4.h"
#include "type1/acpi.h"
#include "type1/mptable.h"

void test_acpitables_register(void);

#define MEMORY_SIZE 0x200000ull
#define BASE 0x100000u

static u8 *memory;
static struct acpitables tables;
static char error[200];

static const u8 *see(const struct physical *physical UNUSED, u64 address, u64 len)
{
	return address <= MEMORY_SIZE && len <= MEMORY_SIZE - address ? memory + address : NULL;
}

static const struct physical physical = { see };

static int begin(void)
{
	memory = malloc(MEMORY_SIZE);
	return !memory;
}

static int end(void)
{
	free(memory);
	return 0;
}

static struct acpitables_config config_of(unsigned cpus)
{
	return (struct acpitables_config){ .cpus = cpus, .ioapic_id = 0 };
}

static void install(unsigned cpus)
{
	const struct acpitables_config config = config_of(cpus);

	memset(memory, 0, MEMORY_SIZE);
	acpitables_build(&tables, &config);
	acpitables_place(&tables, BASE);
	memcpy(memory + BASE, tables.data, tables.size);
	memcpy(memory + ACPITABLES_RSDP_AT, tables.rsdp, sizeof(tables.rsdp));
}

static u32 get32(u64 at)
{
	return physical_u32(memory + at);
}

/* The table of that name in the XSDT, or 0. */
static u32 find_table(const char *signature)
{
	u64 xsdt = physical_u64(memory + ACPITABLES_RSDP_AT + 24);

	for (u32 at = 36; at < get32(xsdt + 4); at += 8) {
		u32 table = (u32)physical_u64(memory + xsdt + at);

		if (!memcmp(memory + table, signature, 4))
			return table;
	}
	return 0;
}

/* ---- Bad input -------------------------------------------------------------- */

static void build_for(void *cpus)
{
	const struct acpitables_config config = config_of(*(unsigned *)cpus);

	acpitables_build(&tables, &config);
}

static void place_at(void *base)
{
	install(1);
	acpitables_place(&tables, *(u32 *)base);
}

static void mp_for(void *cpus)
{
	static struct pci pci;
	const struct mptables_config config = { .acpi = config_of(*(unsigned *)cpus), .pci = &pci };
	u8 bytes[MPTABLES_SIZE_MAX];

	mptables_build(bytes, MPTABLES_AT, &config);
}

static void test_our_own_mistakes(void)
{
	unsigned none = 0, many = ACPITABLES_CPUS_MAX + 1;
	u32 odd = BASE + 16, high = 0xffffffc0;

	CU_ASSERT(panics(build_for, &none));
	CU_ASSERT(panics(build_for, &many));
	CU_ASSERT(panics(mp_for, &none));
	CU_ASSERT(panics(mp_for, &many));
	CU_ASSERT(panics(place_at, &odd));
	CU_ASSERT(panics(place_at, &high));
}

/* ---- ACPI ------------------------------------------------------------------- */

/* The hypervisor's own reader of such tables. */
static void test_own_reader(void)
{
	static const u8 levels[] = { 5, 9, 10, 11 };
	struct acpi_machine m;

	for (unsigned cpus = 1; cpus <= ACPITABLES_CPUS_MAX; cpus++) {
		install(cpus);
		CU_ASSERT_EQUAL_FATAL(acpi_find(&physical, NULL, &m, error, sizeof(error)), 0);
		CU_ASSERT_STRING_EQUAL(m.source, "ACPI");
		CU_ASSERT_EQUAL(m.cpu_count, cpus);
		for (unsigned i = 0; i < cpus; i++)
			CU_ASSERT_EQUAL(m.apic_id[i], i);
		CU_ASSERT_EQUAL(get32(find_table("APIC") + 36), 0xfee00000);
		CU_ASSERT_EQUAL(m.ioapic_count, 1);
		CU_ASSERT_EQUAL(m.ioapic[0].address, IOAPIC_BASE);
		CU_ASSERT_EQUAL(m.isa[0].gsi, 2);
		CU_ASSERT(!m.isa[0].level && !m.isa[4].level);
		for (unsigned i = 0; i < ARRAY_SIZE(levels); i++)
			CU_ASSERT(m.isa[levels[i]].level && !m.isa[levels[i]].active_low);
		CU_ASSERT(m.has_reset && m.reset_port == 0xcf9 && m.reset_value == 6);
	}
}

static void test_sums(void)
{
	static const char *const names[] = { "FACP", "APIC" };
	u32 fadt, table;

	install(4);
	CU_ASSERT(physical_sums_to_zero(tables.rsdp, 20));
	CU_ASSERT(physical_sums_to_zero(tables.rsdp, 36));
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		table = find_table(names[i]);
		CU_ASSERT_FATAL(table >= BASE && table < BASE + tables.size);
		CU_ASSERT(physical_sums_to_zero(memory + table, get32(table + 4)));
	}
	fadt = find_table("FACP");
	table = get32(fadt + 40);
	CU_ASSERT(!memcmp(memory + table, "DSDT", 4));
	CU_ASSERT(physical_sums_to_zero(memory + table, get32(table + 4)));
	CU_ASSERT_EQUAL(physical_u64(memory + fadt + 140), table);
	CU_ASSERT(!memcmp(memory + get32(fadt + 36), "FACS", 4));
	CU_ASSERT_EQUAL(get32(fadt + 36) % 64, 0);
	table = get32(ACPITABLES_RSDP_AT + 16);
	CU_ASSERT(!memcmp(memory + table, "RSDT", 4));
	CU_ASSERT(physical_sums_to_zero(memory + table, get32(table + 4)));
	for (u32 at = 36; at < get32(table + 4); at += 4) /* the same list as the XSDT's */
		CU_ASSERT_EQUAL(get32(table + at), find_table((char *)memory + get32(table + at)));
}

static void test_fadt(void)
{
	u32 f;

	install(1);
	f = find_table("FACP");
	CU_ASSERT_EQUAL(get32(f + 4), 244);
	CU_ASSERT_EQUAL(physical_u16(memory + f + 46), 9);
	CU_ASSERT_EQUAL(get32(f + 48), 0xb2);
	CU_ASSERT_EQUAL(memory[f + 52], 0xf1);
	CU_ASSERT_EQUAL(memory[f + 53], 0xf0);
	CU_ASSERT_EQUAL(get32(f + 56), 0x600);
	CU_ASSERT_EQUAL(get32(f + 64), 0x604);
	CU_ASSERT_EQUAL(get32(f + 76), 0x608);
	CU_ASSERT_EQUAL(get32(f + 80), 0x60c);
	CU_ASSERT_EQUAL(get32(f + 88), 0x04000204); /* sizes of events, control, -, timer */
	CU_ASSERT_EQUAL(physical_u16(memory + f + 109), 3);
	CU_ASSERT_EQUAL(get32(f + 112), 0x465);
	CU_ASSERT_EQUAL(physical_u64(memory + f + 152), 0x600); /* the same in the long fields */
	CU_ASSERT_EQUAL(physical_u64(memory + f + 176), 0x604);
	CU_ASSERT_EQUAL(get32(f + 208), 0x03002001);
	CU_ASSERT_EQUAL(physical_u64(memory + f + 212), 0x608);
}

/* Does iasl take the table apart without complaint?  text must be in what it makes of it. */
static bool disassembles(const char *name, u32 at, const char *text)
{
	char directory[] = "/tmp/espejo-acpi.XXXXXX", path[64], command[400];
	FILE *file;
	int status;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/%s.dat", directory, name);
	file = fopen(path, "wb");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fwrite(memory + at, 1, get32(at + 4), file);
	fclose(file);
	snprintf(command, sizeof(command),
		 "cd %s && iasl -d %s.dat >log 2>&1 && ! grep -iqE 'error|warning|invalid' log && "
		 "! grep -qiE '(error|warning|invalid) *[:(]' %s.dsl && grep -q '%s' %s.dsl",
		 directory, name, name, text, name);
	status = system(command);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	if (system(command))
		return false;
	return status == 0;
}

static void test_disassembly(void)
{
	u32 fadt, xsdt;

	install(8);
	fadt = find_table("FACP");
	xsdt = (u32)physical_u64(memory + ACPITABLES_RSDP_AT + 24);
	CU_ASSERT(disassembles("dsdt", get32(fadt + 40), "LNKS"));
	CU_ASSERT(disassembles("facp", fadt, "Reset Register"));
	CU_ASSERT(disassembles("apic", find_table("APIC"), "Local APIC NMI"));
	CU_ASSERT(disassembles("xsdt", xsdt, "Extended System Description Table"));
	CU_ASSERT(
	    disassembles("rsdt", get32(ACPITABLES_RSDP_AT + 16), "Root System Description Table"));
	memory[fadt + 8] ^= 1; /* what the check is worth: a wrong checksum */
	CU_ASSERT(!disassembles("facp", fadt, "Reset Register"));
}

/* ---- Through fw_cfg --------------------------------------------------------- */

struct loaded_file {
	const char *name;
	u64 at;
};

static struct loaded_file loaded[2];

static u64 place_of(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(loaded); i++)
		if (loaded[i].name && !strcmp(loaded[i].name, name))
			return loaded[i].at;
	CU_FAIL("the script names a file that it did not allocate");
	return 0;
}

static const struct fwcfg_item *item_of(const struct fwcfg *f, const char *name)
{
	for (unsigned n = 0; n < f->files; n++)
		if (!strcmp(f->directory.file[n].name, name))
			for (unsigned i = 0; i < f->count; i++)
				if (f->item[i].key == FWCFG_FIRST_FILE + n)
					return &f->item[i];
	return NULL;
}

static void do_allocate(const struct fwcfg *f, const struct acpiloader_command *c)
{
	const struct fwcfg_item *item = item_of(f, c->allocate.file);
	bool high = c->allocate.zone == ACPILOADER_HIGH;
	u64 at = high ? BASE : ACPITABLES_RSDP_AT;

	CU_ASSERT_PTR_NOT_NULL_FATAL(item);
	CU_ASSERT(at % c->allocate.align == 0);
	loaded[high] = (struct loaded_file){ c->allocate.file, at };
	memcpy(memory + at, item->data, item->size);
}

static void do_pointer(const struct acpiloader_command *c)
{
	u64 at = place_of(c->pointer.file) + c->pointer.at, value = 0;

	memcpy(&value, memory + at, c->pointer.size);
	value += place_of(c->pointer.to);
	memcpy(memory + at, &value, c->pointer.size);
}

static void do_sum(const struct acpiloader_command *c)
{
	u64 at = place_of(c->sum.file);

	for (u32 i = 0, byte = 0; i < c->sum.length; i++, byte = 0) {
		byte = memory[at + c->sum.start + i];
		if (c->sum.start + i != c->sum.at)
			memory[at + c->sum.at] = (u8)(memory[at + c->sum.at] - byte);
	}
}

/* Firmware that does what the script says gets what acpitables_place makes. */
static void test_loader(void)
{
	static struct acpiloader loader;
	static struct fwcfg fw;
	static struct machine m;
	const struct acpitables_config config = config_of(3);
	const struct fwcfg_item *script;
	u8 *placed = malloc(MEMORY_SIZE);

	install(3);
	memcpy(placed, memory, MEMORY_SIZE);
	memset(memory, 0, MEMORY_SIZE);
	memset(loaded, 0, sizeof(loaded));
	machine_init(&m);
	fwcfg_init(&fw, &m.bus);
	acpiloader_init(&loader, &fw, &config);
	acpiloader_init(&loader, &fw, &config); /* again, as when the machine starts anew */
	CU_ASSERT_EQUAL(fw.files, 3);
	script = item_of(&fw, "etc/table-loader");
	CU_ASSERT_PTR_NOT_NULL_FATAL(script);
	CU_ASSERT_EQUAL(script->size, loader.commands * 128);
	for (unsigned i = 0; i < loader.commands; i++) {
		const struct acpiloader_command *c = &loader.script[i];

		if (c->command == ACPILOADER_ALLOCATE)
			do_allocate(&fw, c);
		else if (c->command == ACPILOADER_POINTER)
			do_pointer(c);
		else if (c->command == ACPILOADER_SUM)
			do_sum(c);
		else
			CU_FAIL("a command that nobody knows");
	}
	CU_ASSERT_EQUAL(memcmp(placed, memory, MEMORY_SIZE), 0);
	free(placed);
}

/* ---- MP table --------------------------------------------------------------- */

#define POINTER_SIZE 16
#define HEADER_SIZE 44

static void set_nothing(void *ctx UNUSED, unsigned irq UNUSED, bool level UNUSED)
{
}

static void end_nothing(void *ctx UNUSED)
{
}

static struct pci pci;

static void plug(void)
{
	static const struct wire none[PCI_INTX_LINES];
	static const struct piix3_lines piix3_lines = { .irq = set_nothing, .reset = end_nothing };
	static const struct piix4_lines piix4_lines = { .power_off = end_nothing };
	static const struct pci_identity identity = { .vendor = 0x1af4, .intx_pin = 1 };
	static struct machine m;
	static struct piix3 piix3;
	static struct piix4 piix4;
	static struct pci_function card[3];

	machine_init(&m);
	pci_init(&pci, &m.bus, none);
	piix3_init(&piix3, &pci, &piix3_lines);
	piix4_init(&piix4, &pci, none[0], &piix4_lines);
	pci_add(&pci, &card[0], PCI_DEVFN(3, 0), &identity);
	pci_add(&pci, &card[1], PCI_DEVFN(4, 0), &identity);
	pci_add(&pci, &card[2], PCI_DEVFN(4, 1), &identity); /* the same pin */
}

static void install_mp(unsigned cpus)
{
	struct mptables_config config = {
		.acpi = config_of(cpus), .cpu_signature = 0x600, .cpu_features = 0x201, .pci = &pci
	};
	u8 bytes[MPTABLES_SIZE_MAX];
	u32 size;

	plug();
	memset(memory, 0, MEMORY_SIZE);
	size = mptables_build(bytes, MPTABLES_AT, &config);
	CU_ASSERT_FATAL(size <= sizeof(bytes));
	memcpy(memory + MPTABLES_AT, bytes, size);
}

static void test_mp_reader(void)
{
	struct acpi_machine m;

	for (unsigned cpus = 1; cpus <= ACPITABLES_CPUS_MAX; cpus++) {
		install_mp(cpus);
		CU_ASSERT_EQUAL_FATAL(acpi_find(&physical, NULL, &m, error, sizeof(error)), 0);
		CU_ASSERT_STRING_EQUAL(m.source, "the MP table");
		CU_ASSERT_EQUAL(m.cpu_count, cpus);
		CU_ASSERT_EQUAL(get32(MPTABLES_AT + POINTER_SIZE + 36), 0xfee00000);
		CU_ASSERT_EQUAL(m.ioapic_count, 1);
		CU_ASSERT_EQUAL(m.isa[0].gsi, 2);
		CU_ASSERT_EQUAL(m.isa[4].gsi, 4);
		CU_ASSERT(m.isa[9].level && !m.isa[9].active_low);
	}
}

/* The pin of an interrupt source, or -1 if the table has it not exactly once. */
static int pin_of(u8 bus, u8 irq)
{
	const u8 *table = memory + MPTABLES_AT + POINTER_SIZE, *entry = table + HEADER_SIZE;
	int found = 0, pin = -1;

	for (unsigned i = 0; i < physical_u16(table + 34); i++) {
		if (entry[0] == 3 && entry[4] == bus && entry[5] == irq) {
			pin = entry[7];
			found++;
			CU_ASSERT_EQUAL(physical_u16(entry + 2), bus == 0 || irq == 9 ? 0x0d : 0);
		}
		entry += entry[0] == 0 ? 20 : 8;
	}
	CU_ASSERT_PTR_EQUAL(entry, table + physical_u16(table + 4));
	return found == 1 ? pin : -1;
}

static void test_mp_interrupts(void)
{
	install_mp(2);
	CU_ASSERT(physical_sums_to_zero(memory + MPTABLES_AT, POINTER_SIZE));
	CU_ASSERT_EQUAL(pin_of(0, 1 << 2), 9);	/* power management */
	CU_ASSERT_EQUAL(pin_of(0, 3 << 2), 11); /* device 3, INTA: PIRQC */
	CU_ASSERT_EQUAL(pin_of(0, 4 << 2), 11);
	CU_ASSERT_EQUAL(pin_of(0, 5 << 2), -1);
	CU_ASSERT_EQUAL(pin_of(1, 0), 2);
	CU_ASSERT_EQUAL(pin_of(1, 1), 1);
	CU_ASSERT_EQUAL(pin_of(1, 2), -1); /* the cascade */
	CU_ASSERT_EQUAL(pin_of(1, 9), 9);
	CU_ASSERT_EQUAL(pin_of(1, 10), -1); /* PCI's */
	CU_ASSERT_EQUAL(pin_of(1, 15), 15);
}

void test_acpitables_register(void)
{
	CU_pSuite suite = CU_add_suite("acpitables", begin, end);

	CU_add_test(suite, "our own mistakes", test_our_own_mistakes);
	CU_add_test(suite, "read by our own reader", test_own_reader);
	CU_add_test(suite, "pointers and checksums", test_sums);
	CU_add_test(suite, "FADT", test_fadt);
	CU_add_test(suite, "read by iasl", test_disassembly);
	CU_add_test(suite, "loaded by firmware", test_loader);
	CU_add_test(suite, "MP table read by our own reader", test_mp_reader);
	CU_add_test(suite, "MP table: interrupts", test_mp_interrupts);
}
