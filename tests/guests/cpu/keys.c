/*
 * keys.c - pages and the switches that guard them: each right, each privilege level, protection
 * keys of user and supervisor pages; on RAM, and on a device, where a hypervisor walks the tables
 * itself
 *
 * Source: [SDM] "Access Rights" (4.6), "Page-Fault Exceptions" (4.7).
 */
#include "cpu.h"

#define WINDOW (1ull << 39) /* its own entry of the PML4 */
#define LAPIC_PAGE 0xfee00000ull
#define PTE_KEY(n) ((u64)(n) << 59)
#define MSR_PKRS_NUMBER 0x6e1
#define NUMBER(x) ((unsigned long long)(x))

static u64 tables[3][512] ALIGNED(4096);
static u8 page[4096] ALIGNED(4096);
extern u64 rt_pml4[];

static void point(u64 to, u64 bits, u64 upper)
{
	u64 at = (u64)(uintptr_t)tables;

	rt_pml4[2] = at | PTE_P | PTE_W | PTE_U;
	tables[0][0] = (at + 4096) | PTE_P | PTE_W | PTE_U;
	tables[1][0] = (at + 8192) | PTE_P | PTE_W | PTE_U | upper;
	tables[2][0] = to | bits;
	x86_write_cr3(x86_read_cr3());
}

static const char *touch(char how)
{
	volatile u8 *at = (u8 *)(2 * WINDOW + 0x30);
	u32 value = 0;

	switch (how) {
	case 'r':
		RT_TRY("movl (%1), %0", RT_OUT("=r"(value)), "r"(at));
		break;
	case 'w':
		RT_TRY("movl %0, (%1)", RT_OUT(), "r"(0), "r"(at));
		break;
	case 'a':
		__asm__ volatile("stac");
		RT_TRY("movl (%1), %0", RT_OUT("=r"(value)), "r"(at));
		__asm__ volatile("clac");
		break;
	default:
		RT_TRY("invlpg (%0)", RT_OUT(), "r"(at));
	}
	return outcome();
}

static void line(const char *name, u64 bits, u64 upper)
{
	static const u64 places[] = { 0, LAPIC_PAGE };

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		u64 to = places[i] ? places[i] : (u64)(uintptr_t)page;

		point(to, bits, upper);
		rt_print("%s %llx/%llx %s: r %s", name, NUMBER(bits), NUMBER(upper),
			 i ? "device" : "ram", touch('r'));
		rt_print(" w %s", touch('w'));
		if (x86_read_cr4() & CR4_SMAP)
			rt_print(" ac %s", touch('a'));
		rt_print(" bits %llx/%llx\n", NUMBER(tables[2][0] & 0xfff),
			 NUMBER(tables[1][0] & 0xfff));
	}
}

static void all(const char *name)
{
	static const u64 bits[] = { 0,
				    PTE_P,
				    PTE_P | PTE_W,
				    PTE_P | PTE_U,
				    PTE_P | PTE_W | PTE_U,
				    PTE_P | PTE_W | PTE_NX,
				    PTE_P | BIT(51),
				    BIT(51) };

	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
		line(name, bits[i], 0);
	line(name, PTE_P | PTE_W, PTE_NX);
	line(name, PTE_P | PTE_W | PTE_U, BIT(51));
}

static void keys(const char *name, u64 user)
{
	for (unsigned rights = 0; rights < 4; rights++) {
		if (user)
			__asm__ volatile(".byte 0x0f, 0x01, 0xef" ::"a"(rights << 2), "c"(0),
					 "d"(0));
		else
			rt_wrmsr(MSR_PKRS_NUMBER, rights << 2);
		rt_print("rights %u\n", rights);
		line(name, PTE_P | PTE_W | user | PTE_KEY(1), 0);
		line(name, PTE_P | user | PTE_KEY(1), 0);
		line(name, PTE_P | PTE_W | user | PTE_KEY(2), 0);
	}
}

void keys_area(void)
{
	u64 cr0 = x86_read_cr0(), cr4 = x86_read_cr4();

	all("WP");
	x86_write_cr0(cr0 & ~CR0_WP);
	all("no WP");
	x86_write_cr0(cr0);
	if (feature(7, 1, 20)) {
		x86_write_cr4(cr4 | CR4_SMAP);
		all("SMAP");
	}
	x86_write_cr4(cr4);
	if (feature(7, 2, 3)) {
		x86_write_cr4(cr4 | CR4_PKE);
		keys("PKE", PTE_U);
	}
	x86_write_cr4(cr4);
	if (feature(7, 2, 31)) {
		x86_write_cr4(cr4 | CR4_PKS);
		keys("PKS", 0);
		x86_write_cr0(cr0 & ~CR0_WP);
		keys("PKS, no WP", 0);
		x86_write_cr0(cr0);
	}
	x86_write_cr4(cr4);
}
