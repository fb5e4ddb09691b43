/*
 * pae.c - see pae.h: PAE paging, with its four entries anywhere in a page
 *
 * Owns: tables of its own, the way there and back.
 * Must not know: tasks.
 *
 * What exits is decoded by a hypervisor that walks the guest's tables: CR3 names 32 bytes of them,
 * of which the rest of the page says nothing.
 *
 * Source: [SDM] "PAE Paging" (4.4): CR3 has the address in bits 31 to 5.
 */
#include "pae.h"

#include "say.h"

#define ENTRIES 4
#define PRESENT 1
#define WRITABLE 2
#define UNCACHED 0x10
#define LARGE 0x80
#define LARGE_SHIFT 21
#define CR0_PAGING BIT(31)
#define CR0_SHOWN 0x80000007 /* caching is as the loader left it */
#define CR4_PHYSICAL_EXTENSION BIT(5)
#define PORT_DELAY 0x80
#define MSR_APIC 0x1b
#define LAPIC_LDR 0xfee000d0u

static u64 entries[512] ALIGNED(4096), directories[ENTRIES][512] ALIGNED(4096);

static u32 address(const void *p)
{
	return (u32)(uintptr_t)p;
}

static void make_tables(u32 at)
{
	for (u32 i = 0; i < ARRAY_SIZE(entries); i++)
		entries[i] = 0;
	for (u32 i = 0; i < ENTRIES; i++) {
		entries[at / sizeof(entries[0]) + i] = address(directories[i]) | PRESENT;
		for (u32 n = 0; n < 512; n++)
			directories[i][n] = (u64)(i * 512 + n) << LARGE_SHIFT | PRESENT | WRITABLE |
					    LARGE | (i == ENTRIES - 1 ? UNCACHED : 0);
	}
}

/* Off and on again, with another CR3 and another form of tables. */
static void change_paging(u32 cr3, bool extended)
{
	u32 cr0, cr4;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("mov %0, %%cr0" ::"r"(cr0 & ~(u32)CR0_PAGING) : "memory");
	cr4 &= ~(u32)CR4_PHYSICAL_EXTENSION;
	cr4 |= extended ? (u32)CR4_PHYSICAL_EXTENSION : 0;
	__asm__ volatile("mov %0, %%cr4" ::"r"(cr4));
	__asm__ volatile("mov %0, %%cr3" ::"r"(cr3) : "memory");
	__asm__ volatile("mov %0, %%cr0" ::"r"(cr0 | (u32)CR0_PAGING) : "memory");
}

/* What exits, each twice: the second time it is known. */
static void exits(void)
{
	volatile u32 *ldr = (volatile u32 *)(uintptr_t)LAPIC_LDR;

	for (u32 i = 0; i < 2; i++) {
		u32 eax = 0, ebx, ecx = 0, edx, cr0;

		__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
		say_hex("vendor", ebx);
		__asm__ volatile("rdmsr" : "=a"(eax), "=d"(edx) : "c"(MSR_APIC));
		say_hex("base", eax & ~0xfffu);
		__asm__ volatile("mov %%cr0, %0; mov %0, %%cr0" : "=r"(cr0)::"memory");
		say_hex("cr0", cr0 & CR0_SHOWN);
		outb(PORT_DELAY, 0);
		*ldr = 0x5a000000 << i;
		say_hex("ldr", *ldr);
	}
}

void pae(u32 cr3)
{
	static const u16 places[] = { 0, 0x20, 0x7e0, 0xfe0 };

	say_case("PAE");
	for (u32 i = 0; i < ARRAY_SIZE(places); i++) {
		make_tables(places[i]);
		change_paging(address(entries) + places[i], true);
		say_hex("at", places[i]);
		exits();
		change_paging(cr3, false);
		say("\n");
	}
}
