/*
 * fuzz_boot_tables.c - what loader and firmware left in memory: multiboot 1 and 2, ACPI, MP table
 *
 * Input: a byte that says which, one of options, an RSDP or the address; then memory.  Memory is
 * small and seen in several places, so that pointers hit it.  Checksums of what is met first are
 * put right in the copy that is looked at, unless an option says no.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "type1/acpi.h"
#include "type1/layout.h"
#include "type1/mptable.h"
#include "type1/multiboot.h"

#define MEMORY_MAX 4096u
#define BIOS 0xe0000u /* the size of what is searched there is filled up with zeros */
#define BIOS_SIZE 0x20000u

static u8 *memory, *bios;
static u64 memory_size;
static u64 looks;

/* [0, size) from 0 on and, as the BIOS area's beginning, from BIOS on. */
static const u8 *see(const struct physical *physical UNUSED, u64 address, u64 len)
{
	check(++looks < 10000000);
	if (address <= memory_size && len <= memory_size - address)
		return memory + address;
	if (address >= BIOS && address - BIOS <= BIOS_SIZE && len <= BIOS + BIOS_SIZE - address)
		return bios + (address - BIOS);
	return NULL;
}

static void sum_to_zero(u64 at, u64 len, u64 field)
{
	u8 sum = 0;

	if (at > memory_size || len > memory_size - at || field >= len)
		return;
	memory[at + field] = 0;
	for (u64 i = 0; i < len; i++)
		sum = (u8)(sum + memory[at + i]);
	memory[at + field] = (u8)-sum;
}

/* Tables whose signature is found get the checksum that goes with their length. */
static void seal(void)
{
	for (u64 at = 0; at + 16 <= memory_size; at += 4) {
		const u8 *p = memory + at;

		if (!memcmp(p, "RSD PTR ", 8)) {
			sum_to_zero(at, 20, 8);
			sum_to_zero(at, 36, 32);
		} else if (!memcmp(p, "RSDT", 4) || !memcmp(p, "XSDT", 4) ||
			   !memcmp(p, "APIC", 4) || !memcmp(p, "FACP", 4)) {
			sum_to_zero(at, physical_u32(p + 4), 9);
		} else if (!memcmp(p, "_MP_", 4)) {
			sum_to_zero(at, 16ull * p[8], 10);
		} else if (!memcmp(p, "PCMP", 4)) {
			sum_to_zero(at, physical_u16(p + 4), 7);
		}
	}
}

static void check_text(const struct bootinfo *info, const char *text)
{
	if (!text)
		return;
	/* Ours: a literal, or among the strings, which end there. */
	if (text >= info->text && text < info->text + sizeof(info->text))
		check(memchr(text, 0, (size_t)(info->text + sizeof(info->text) - text)));
	else
		check(strlen(text) < 100);
}

static void parse_multiboot(u32 magic, u64 address)
{
	static const struct physical physical = { see };
	static struct bootinfo info;
	char error[300] = "";

	memset(&info, 0, offsetof(struct bootinfo, text));
	if (multiboot_parse(magic, address, &physical, &info, error, sizeof(error))) {
		check(error[0] && memchr(error, 0, sizeof(error)));
		return;
	}
	check(info.region_count <= BOOTINFO_REGIONS && info.module_count <= BOOTINFO_MODULES);
	check_text(&info, info.loader);
	check_text(&info, info.cmdline);
	for (unsigned i = 0; i < info.region_count; i++)
		check(info.region[i].start <= info.region[i].end);
	for (unsigned i = 0; i < info.module_count; i++) {
		check(info.module[i].start <= info.module[i].end);
		check_text(&info, info.module[i].cmdline);
	}
}

static void check_machine(const struct acpi_machine *m)
{
	check(m->cpu_count <= ACPI_CPUS && m->ioapic_count <= ACPI_IOAPICS);
	for (unsigned i = 0; i < m->cpu_count; i++)
		for (unsigned j = 0; j < i; j++)
			check(m->apic_id[i] != m->apic_id[j]);
}

static void parse_firmware(const u8 *rsdp)
{
	static const struct physical physical = { see };
	struct acpi_machine m;
	char error[300] = "";

	memset(&m, 0, sizeof(m));
	if (acpi_find(&physical, rsdp, &m, error, sizeof(error)))
		check(error[0] && !m.cpu_count);
	else
		check(m.cpu_count);
	check_machine(&m);
	memset(&m, 0, sizeof(m));
	(void)mptable_find(&physical, &m);
	check_machine(&m);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	u8 what = (u8)fuzz_take(&in, 1);
	u16 address = (u16)fuzz_take(&in, 2);

	if (!bios)
		bios = calloc(1, BIOS_SIZE);
	memory_size = MIN(in.left, MEMORY_MAX);
	memory = malloc(memory_size ? memory_size : 1);
	memcpy(memory, in.data, memory_size);
	looks = 0;
	if (!(what & 4))
		seal();
	switch (what & 3) {
	case 0:
		parse_multiboot(MULTIBOOT1_MAGIC, address % MEMORY_MAX);
		break;
	case 1:
		parse_multiboot(MULTIBOOT2_MAGIC, address % MEMORY_MAX & ~7u);
		break;
	case 2: /* the loader has found an RSDP */
		if (memory_size >= BOOTINFO_RSDP) {
			memset(bios, 0, BIOS_SIZE);
			parse_firmware(memory);
		}
		break;
	default:
		memset(bios, 0, BIOS_SIZE);
		memcpy(bios, memory, memory_size);
		parse_firmware(NULL);
		break;
	}
	free(memory);
	return 0;
}
