/*
 * start.c - INIT and SIPI: what starts a CPU, what does not, and how it begins
 *
 * Sources: [SDM] vol. 3 "Processor State After Reset" (9.1.1, table 9-1), "MP Initialization
 * Protocol Algorithm" (8.4.3), "Issuing Interprocessor Interrupts" (10.6).
 */
#include "smp.h"

#include "lib/fmt.h"
#include "lib/string.h"

#define PAGE_A 0x8
#define PAGE_B 0x9
#define PAGE_C 0xa	       /* of CPUs 2 and 3 */
#define CR0_CACHES 0x60000000u /* INIT leaves them as they are */
#define REGS 20
#define FLAGS_OF_ARITHMETIC 0x8d5u

/* As ap.S stores it. */
struct PACKED record {
	u32 starts, regs[REGS];
	u8 idt[8], gdt[8];
};

extern char ap_start[], ap_end[], ap_record[], ap_gdt[];
extern u64 rt_gdt[];
extern volatile u32 ap_arrived;

static struct record *record_of(unsigned page)
{
	return (struct record *)(uintptr_t)((page << 12) + (unsigned)(ap_record - ap_start));
}

static void prepare(unsigned page)
{
	char *to = (char *)(uintptr_t)(page << 12);
	struct PACKED {
		u16 limit;
		u32 base;
	} gdt = { 0x3f, (u32)(uintptr_t)rt_gdt };

	memcpy(to, ap_start, (size_t)(ap_end - ap_start));
	memcpy(to + (ap_gdt - ap_start), &gdt, sizeof(gdt));
}

static void show_state(const struct record *r)
{
	static const char *const names[REGS] = { "eax", "ebx", "ecx",  "edx",  "esi",
						 "edi", "ebp", "esp",  "cr0",  "cr4",
						 "cr3", "cr2", "dr6",  "dr7",  "cs",
						 "ds",	"ss",  "base", "efer", "eflags" };
	static const u32 manual[REGS] = {
		[8] = 0x10, [12] = 0xffff0ff0, [13] = 0x400, [14] = PAGE_A << 8, [19] = 2
	};
	char name[SYSTEMS_NAME];

	for (unsigned i = 0; i < REGS; i++) {
		u32 got = r->regs[i], want = manual[i];

		if (i == 8)
			got &= ~CR0_CACHES;
		else if (i == 3)
			want = x86_cpuid(1, 0).eax;
		else if (i == 19)
			got &= ~FLAGS_OF_ARITHMETIC; /* ap.S has counted */
		else if (i == 17) {
			got &= (u32)APIC_BASE_BSP | (u32)APIC_BASE_ENABLE;
			want = (u32)APIC_BASE_ENABLE;
		}
		fmt_string(name, sizeof(name), "start.%s", names[i]);
		systems_number(name, got, want);
	}
	systems_number("start.idt.limit", r->idt[0] | r->idt[1] << 8, 0xffff);
	systems_number("start.idt.base", r->idt[2] | r->idt[3] << 8 | r->idt[4] << 16, 0);
	systems_number("start.gdt.limit", r->gdt[0] | r->gdt[1] << 8, 0xffff);
}

/* With a vector that waits for TPR to fall. */
static void spoil_lapic(void)
{
	smp_write(APIC_TPR, 0xf0);
	smp_write(APIC_LDR, 0x2000000);
	smp_write(APIC_DFR, 0x0fffffff);
	smp_write(APIC_SVR, SVR_ON & ~0xfu);
	smp_write(APIC_ICR, ICR_SELF | ICR_ASSERT | SMP_SPOILED);
	smp_write(APIC_TIMER_DIVIDE, 0xb);
	smp_write(APIC_LVT_TIMER, 0x20000 | SMP_SPOILED); /* periodic */
	smp_write(APIC_LVT_LINT0, SMP_SPOILED);
	smp_write(APIC_LVT_ERROR, SMP_SPOILED);
	smp_write(APIC_TIMER_COUNT, 0xfffffff0);
}

/* [SDM] vol. 3 "Local APIC State After It Receives an INIT Reset" (10.4.7.3) */
static void show_lapic(void)
{
	static const char *const names[] = {
#define X(name, offset, value) #name,
		SMP_LAPIC(X)
#undef X
	};
	static const u32 values[] = {
#define X(name, offset, value) value,
		SMP_LAPIC(X)
#undef X
	};
	char name[SYSTEMS_NAME];

	for (unsigned i = 0; i < SMP_LAPIC_REGS; i++) {
		fmt_string(name, sizeof(name), "start.lapic.%s", names[i]);
		systems_number(name, smp_lapic[i], values[i]);
	}
}

/* One by one: the page and its record are one. */
static bool start_others(void)
{
	const u32 before = ap_arrived;

	prepare(PAGE_C);
	for (u32 cpu = 2; cpu < CPUS; cpu++) {
		smp_send(cpu, ICR_INIT | ICR_ASSERT);
		smp_settle();
		smp_send(cpu, ICR_SIPI | ICR_ASSERT | PAGE_C);
		if (!smp_until(&ap_arrived, before + cpu - 1))
			return false;
		smp_settle();
	}
	return true;
}

/* Before anything else: no NMI may come to a CPU that never ran. */
bool smp_put_to_sleep(void)
{
	if (rt_number("cpus", 2) < CPUS)
		return false;
	systems_number("start.others", start_others(), true);
	return true;
}

bool smp_wake_up(void)
{
	bool all = start_others();

	systems_number("start.others.again", all, true);
	return all;
}

bool smp_start(void)
{
	const u32 before = ap_arrived;
	struct record *a = record_of(PAGE_A), *b = record_of(PAGE_B);

	prepare(PAGE_A);
	prepare(PAGE_B);
	smp_send(1, ICR_INIT | ICR_ASSERT);
	smp_settle();
	systems_number("start.init-alone", a->starts + b->starts, 0);
	smp_send(1, ICR_SIPI | ICR_ASSERT | PAGE_A);
	systems_number("start.sipi", smp_until(&ap_arrived, before + 1), true);
	if (ap_arrived == before)
		return false;
	smp_send(1, ICR_SIPI | ICR_ASSERT | PAGE_B);
	smp_settle();
	systems_number("start.sipi-while-running", a->starts << 4 | b->starts, 0x10);
	show_state(a);
	smp_give(spoil_lapic);
	systems_number("start.job", smp_join(), true);
	/* Stopped, it takes no interrupt and no job. */
	smp_send(1, ICR_INIT | ICR_ASSERT);
	smp_settle();
	smp_forget();
	smp_send(1, ICR_ASSERT | 0x50);
	if (systems_virtual()) /* QEMU 7.2 would start it at the reset vector */
		smp_send(1, ICR_NMI | ICR_ASSERT);
	smp_settle();
	systems_number("start.stopped", smp_came[1][0x50] + smp_came[1][VECTOR_NMI], 0);
	smp_send(1, ICR_SIPI | ICR_ASSERT | PAGE_B);
	smp_send(1, ICR_SIPI | ICR_ASSERT | PAGE_A);
	systems_number("start.again", smp_until(&ap_arrived, before + 2), true);
	smp_settle();
	show_lapic();
	systems_number("start.first-sipi-counts", a->starts << 4 | b->starts, 0x11);
	return ap_arrived == before + 2;
}
