/*
 * selftest_smp.c - more than one processor
 *
 * Owns: the page at TEST_BASE, and what the processors have seen there.
 */
#include "clock.h"
#include "cpu.h"
#include "ipi.h"
#include "lapic.h"
#include "layout.h"
#include "lock.h"
#include "page.h"
#include "sched.h"
#include "selftest.h"
#include "space.h"
#include "x86_ops.h"

#define ROUNDS 500
#define PATIENCE_US 5000000
#define LOOK_US 10000
#define FIRST_MARK 0x11
#define SECOND_MARK 0x22

static struct {
	u32 lapic_id, cpuid_id;
	u64 tsc, apic_base, cr0, cr4, efer;
	u8 byte;
	unsigned calls;
} seen[CPU_MAX];

static void note(u64 argument UNUSED)
{
	unsigned i = cpu_this()->index;

	seen[i].calls++;
	seen[i].lapic_id = lapic_id();
	seen[i].cpuid_id = x86_cpuid(1, 0).ebx >> 24;
	seen[i].apic_base = x86_rdmsr(MSR_APIC_BASE);
	seen[i].cr0 = x86_read_cr0();
	seen[i].cr4 = x86_read_cr4();
	seen[i].efer = x86_rdmsr(MSR_EFER);
}

static void note_all(void)
{
	for (unsigned i = 0; i < CPU_MAX; i++)
		seen[i].calls = 0;
	ipi_call_all(note, 0);
}

static void calls(struct check *c, const void *argument UNUSED)
{
	note_all();
	for (unsigned i = 0; i < cpu_online(); i++)
		expect_equal(c, "calls", seen[i].calls, 1);
}

static void ids(struct check *c, const void *argument UNUSED)
{
	note_all();
	for (unsigned i = 0; i < cpu_online(); i++) {
		expect_equal(c, "LAPIC's ID", seen[i].lapic_id, cpu_table[i].apic_id);
		expect_equal(c, "CPUID's", seen[i].cpuid_id, cpu_table[i].apic_id);
		for (unsigned j = 0; j < i; j++)
			expect_true(c, "another one", seen[i].lapic_id != seen[j].lapic_id);
	}
}

static void boot_processor(struct check *c, const void *argument UNUSED)
{
	note_all();
	for (unsigned i = 0; i < cpu_online(); i++)
		expect_equal(c, "APIC_BASE", seen[i].apic_base,
			     APIC_DEFAULT_BASE | APIC_BASE_ENABLE | (i ? 0 : APIC_BASE_BSP));
}

static void control_registers(struct check *c, const void *argument UNUSED)
{
	note_all();
	for (unsigned i = 1; i < cpu_online(); i++) {
		expect_equal(c, "CR0", seen[i].cr0, seen[0].cr0);
		expect_equal(c, "CR4", seen[i].cr4, seen[0].cr4);
		expect_equal(c, "EFER", seen[i].efer, seen[0].efer);
	}
}

static void read_tsc(u64 argument UNUSED)
{
	seen[cpu_this()->index].tsc = x86_rdtsc();
}

static void tscs_agree(struct check *c, const void *argument UNUSED)
{
	for (unsigned i = 1; i < cpu_online(); i++) {
		u64 start = x86_rdtsc();

		ipi_call(&cpu_table[i], read_tsc, 0);
		expect_between(c, "TSC", seen[i].tsc, start, x86_rdtsc());
	}
}

static void read_byte(u64 va)
{
	seen[cpu_this()->index].byte = *(volatile u8 *)va;
}

/* A page at TEST_BASE for a while: everybody must read its mark, not what was there before. */
static void show_page(struct check *c, u8 *page, u8 mark)
{
	*page = mark;
	if (space_map(&space_kernel, TEST_BASE, page_address(page), PTE_W | PTE_NX)) {
		expect_true(c, "a page table", false);
		return;
	}
	ipi_call_all(read_byte, TEST_BASE);
	for (unsigned i = 0; i < cpu_online(); i++)
		expect_equal(c, "byte", seen[i].byte, mark);
	space_unmap(&space_kernel, TEST_BASE);
}

/* Two pages, both in use: a stale translation would lead to the other one. */
static void shootdown(struct check *c, const void *argument UNUSED)
{
	u8 *first = page_alloc(), *second = page_alloc();

	expect_true(c, "pages", first && second);
	if (!c->what) {
		show_page(c, first, FIRST_MARK);
		show_page(c, second, SECOND_MARK);
	}
	if (first)
		page_free(first);
	if (second)
		page_free(second);
}

static struct lock lock;
static volatile u64 plain, inside;
static u64 atomic, most_inside;

static void count_locked(u64 argument UNUSED)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		lock_take(&lock);
		inside = inside + 1;
		most_inside = MAX(most_inside, inside);
		plain = plain + 1;
		inside = inside - 1;
		lock_give(&lock);
	}
}

static void lock_excludes(struct check *c, const void *argument UNUSED)
{
	plain = inside = most_inside = 0;
	ipi_call_all(count_locked, 0);
	expect_equal(c, "count", plain, (u64)ROUNDS * cpu_online());
	expect_equal(c, "most at the same time", most_inside, 1);
}

static void count_atomic(u64 argument UNUSED)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		__atomic_fetch_add(&atomic, 1, __ATOMIC_RELAXED);
}

static void locked_xadd(struct check *c, const void *argument UNUSED)
{
	atomic = 0;
	ipi_call_all(count_atomic, 0);
	expect_equal(c, "count", atomic, (u64)ROUNDS * cpu_online());
}

static unsigned running(void)
{
	unsigned n = 0;

	for (unsigned i = 1; i < cpu_count; i++)
		n += cpu_table[i].online && cpu_table[i].current != &cpu_table[i].idle;
	return n;
}

static void wait_until_running(unsigned wanted)
{
	for (u64 limit = clock_us() + PATIENCE_US; running() != wanted && clock_us() < limit;)
		sched_wait(0, clock_us() + LOOK_US);
}

/* As many endless loops as there are processors: we are on the first, and look at the others. */
static void programs_everywhere(struct check *c, const void *argument UNUSED)
{
	const char *words[] = { "tester", "spin" };
	unsigned others = cpu_online() - 1;
	int pid[CPU_MAX];

	for (unsigned i = 0; i < cpu_online(); i++)
		pid[i] = process_spawn(words, ARRAY_SIZE(words));
	wait_until_running(others);
	expect_equal(c, "others that run a program", running(), others);
	for (unsigned i = 0; i < cpu_online(); i++) {
		struct process_end end = { 0 };

		expect_between(c, "pid", (u64)pid[i], 1, 0x7fffffff);
		expect_equal(c, "kill", (u64)process_kill(pid[i]), 0);
		expect_equal(c, "wait", (u64)process_wait(pid[i], &end), 0);
		expect_equal(c, "killed", end.how, END_KILLED);
	}
	wait_until_running(0);
	expect_equal(c, "others that run one at last", running(), 0);
}

static const struct selftest tests[] = {
	{ "SMP: every processor answers a call", calls, NULL },
	{ "SMP: every processor has an ID of its own", ids, NULL },
	{ "SMP: one of them is the boot processor", boot_processor, NULL },
	{ "SMP: control registers and EFER are alike", control_registers, NULL },
	{ "SMP: their TSCs agree", tscs_agree, NULL },
	{ "SMP: all forget a translation", shootdown, NULL },
	{ "SMP: a lock lets in one at a time", lock_excludes, NULL },
	{ "SMP: LOCK XADD loses nothing", locked_xadd, NULL },
	{ "SMP: programs run everywhere at the same time", programs_everywhere, NULL },
};

const struct selftest_group selftest_smp = { tests, ARRAY_SIZE(tests) };
