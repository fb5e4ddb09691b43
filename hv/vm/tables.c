/*
 * tables.c - see tables.h
 *
 * Sources: [ACPI] "Finding the RSDP on IA-PC Systems" (5.2.5.1); SeaBIOS, "Runtime config"
 * (docs/Runtime_config.md) for the names of the files.
 */
#include "vm/tables.h"

#include "dev/acpiloader.h"
#include "dev/mptables.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "rom/rom.h"
#include "vm/machine.h"
#include "vm/vm.h"

/* Behind the RSDP and the MP table. */
#define TABLES_AT 0xf6000u
_Static_assert(TABLES_AT >= MPTABLES_AT + MPTABLES_SIZE_MAX, "behind the MP table");
_Static_assert(TABLES_AT + ACPITABLES_SIZE_MAX <= ROM_BASE, "in the BIOS area, below our ROM");

struct tables_e820 {
	u64 base, size;
	u32 type;
} PACKED;
ASSERT_SIZE(struct tables_e820, 20);

/* What fw_cfg's files point to. */
struct tables_firmware {
	struct acpiloader loader;
	struct tables_e820 e820[LOAD_AREAS];
};

int tables_init(struct vm *vm)
{
	fwcfg_init(&vm->fwcfg, &vm->bus);
	fwcfg_add_number(&vm->fwcfg, FWCFG_CPUS, vm->vcpu_count, 2);
	fwcfg_add_number(&vm->fwcfg, FWCFG_MAX_CPUS, vm->vcpu_count, 2);
	fwcfg_add_number(&vm->fwcfg, FWCFG_RAM_SIZE, vm->memory.size, 8);
	fwcfg_add_number(&vm->fwcfg, FWCFG_IRQ0_OVERRIDE, 1, 1);
	if (!vm->config.firmware)
		return 0;
	vm->firmware = host_alloc_pages(host_order(sizeof(*vm->firmware)));
	return vm->firmware ? 0 : -HOST_ENOMEM;
}

void tables_free(struct vm *vm)
{
	if (vm->firmware)
		host_free_pages(vm->firmware, host_order(sizeof(*vm->firmware)));
}

static struct acpitables_config acpi_config(const struct vm *vm)
{
	return (struct acpitables_config){ .cpus = vm->vcpu_count, .ioapic_id = MACHINE_IOAPIC_ID };
}

/* To RAM in the first MiB, which every machine has. */
static void put(struct vm *vm, u32 at, const void *data, u32 size)
{
	if (memory_write(vm, gpa(at), data, size))
		host_log("VM %s: no memory left for its tables", vm->config.name);
}

static void place_mptables(struct vm *vm)
{
	const struct cpuid_regs one = cpuid_get(vm->vcpu[0], 1, 0);
	const struct mptables_config config = {
		.acpi = acpi_config(vm),
		.cpu_signature = one.eax,
		.cpu_features = one.edx,
		.pci = &vm->pci,
	};
	u8 table[MPTABLES_SIZE_MAX];

	put(vm, MPTABLES_AT, table, mptables_build(table, MPTABLES_AT, &config));
}

u64 tables_place(struct vm *vm)
{
	const struct acpitables_config config = acpi_config(vm);
	static struct host_lock lock; /* of t, which is too large for a stack */
	static struct acpitables t;

	host_lock(&lock);
	acpitables_build(&t, &config);
	acpitables_place(&t, TABLES_AT);
	put(vm, TABLES_AT, t.data, t.size);
	put(vm, ACPITABLES_RSDP_AT, t.rsdp, sizeof(t.rsdp));
	host_unlock(&lock);
	place_mptables(vm);
	return ACPITABLES_RSDP_AT;
}

static void offer_memory_map(struct vm *vm)
{
	struct tables_e820 *e820 = vm->firmware->e820;
	struct load_area areas[LOAD_AREAS];
	unsigned count = load_map(vm, NULL, 0, areas), ram = 0;

	/* Firmware adds what it takes for itself. */
	for (unsigned i = 0; i < count; i++)
		if (areas[i].type == LOAD_USABLE && areas[i].base >= MEMORY_PAM_END)
			e820[ram++] = (struct tables_e820){ areas[i].base, areas[i].size,
							    LOAD_USABLE };
	/* The first area is told from 0 on. */
	if (ram) {
		e820[0].size += e820[0].base;
		e820[0].base = 0;
	}
	fwcfg_add_file(&vm->fwcfg, "etc/e820", e820, ram * (u32)sizeof(*e820));
}

void tables_offer(struct vm *vm, const struct blob *rom, unsigned roms)
{
	const struct acpitables_config config = acpi_config(vm);
	char name[FWCFG_NAME_SIZE];

	acpiloader_init(&vm->firmware->loader, &vm->fwcfg, &config);
	offer_memory_map(vm);
	for (unsigned i = 0; i < roms; i++) {
		fmt_string(name, sizeof(name), "vgaroms/%u.bin", i);
		fwcfg_add_file(&vm->fwcfg, name, rom[i].data, (u32)rom[i].size);
	}
	if (!roms)
		fwcfg_add_file_number(&vm->fwcfg, "etc/sercon-port", UART_COM1_PORT);
}
