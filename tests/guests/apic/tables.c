/*
 * tables.c - what fw_cfg, the ACPI tables and the MP table say of CPUs
 *
 * Sources: [ACPI] "Finding the RSDP on IA-PC Systems" (5.2.5.1), "Multiple APIC Description Table"
 * (5.2.12); Intel, "MultiProcessor Specification" 1.4, "MP Configuration Table" (4); QEMU,
 * docs/specs/fw_cfg.txt.
 */
#include "apic.h"
#include "cpus.h"

#include "lib/string.h"

#define FW_CFG 0x510
#define KEY_SIGNATURE 0
#define KEY_CPUS 5
#define KEY_MAX_CPUS 15
#define AREA 0xe0000u
#define AREA_END 0x100000u

static u32 fw_cfg(u16 key, unsigned bytes)
{
	u32 v = 0;

	__asm__ volatile("outw %0, %1" ::"a"(key), "Nd"((u16)FW_CFG));
	for (unsigned i = 0; i < bytes; i++)
		v |= (u32)x86_inb(FW_CFG + 1) << (8 * i);
	return v;
}

static const u8 *at(u64 address)
{
	return (const u8 *)(uintptr_t)address;
}

static u32 dword(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static u8 sum_of(const u8 *p, u32 size)
{
	u8 sum = 0;

	while (size--)
		sum += *p++;
	return sum;
}

static const u8 *find(const char *text, u32 begin, u32 end, u32 size)
{
	for (u32 a = begin; a < end; a += 16)
		if (!memcmp(at(a), text, strlen(text)) && !sum_of(at(a), size))
			return at(a);
	return NULL;
}

static const u8 *madt(void)
{
	const u8 *rsdp = find("RSD PTR ", AREA, AREA_END, 20), *rsdt;

	if (!rsdp)
		return NULL;
	rsdt = at(dword(rsdp + 16));
	if (sum_of(rsdt, dword(rsdt + 4)))
		return NULL;
	for (u32 i = 36; i < dword(rsdt + 4); i += 4) {
		const u8 *table = at(dword(rsdt + i));

		if (!memcmp(table, "APIC", 4))
			return table;
	}
	return NULL;
}

static unsigned madt_cpus(void)
{
	const u8 *table = madt();
	unsigned n = 0;

	for (u32 i = 44; table && i < dword(table + 4); i += table[i + 1])
		n += table[i] == 0 && dword(table + i + 4) & 1;
	return n;
}

static unsigned mp_cpus(void)
{
	const u8 *mp = find("_MP_", 0xf0000, AREA_END, 16), *table, *e;
	unsigned n = 0;

	if (!mp)
		return 0;
	table = at(dword(mp + 4));
	e = table + 44;
	for (unsigned i = 0; i < (unsigned)(table[34] | table[35] << 8); i++) {
		n += *e == 0 && e[3] & 1;
		e += *e ? 8 : 20;
	}
	return n;
}

unsigned tables_cpus(void)
{
	if (fw_cfg(KEY_SIGNATURE, 4) == 0x554d4551)
		return fw_cfg(KEY_CPUS, 2);
	return MAX(madt_cpus(), 1u);
}

void check_tables(void)
{
	unsigned cpus = tables_cpus();

	value("CPUs %u", cpus);
	good(madt_cpus() == cpus, "the MADT has as many (%u)", madt_cpus());
	good(mp_cpus() == cpus, "the MP table, too (%u)", mp_cpus());
	if (fw_cfg(KEY_SIGNATURE, 4) == 0x554d4551)
		good(fw_cfg(KEY_MAX_CPUS, 2) == cpus, "fw_cfg has no more (%u)",
		     fw_cfg(KEY_MAX_CPUS, 2));
	value("BDA 0x%x 0x%x 0x%x", dword(at(0x400)) & 0xffff, dword(at(0x413)) & 0xffff,
	      dword(at(0x463)) & 0xffff);
}
