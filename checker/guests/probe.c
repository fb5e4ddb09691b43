/*
 * probe.c - what does a thing cost here?
 *
 * work=NAME n=N   carries a thing out N times (n=0: as often as is its wont) and records the ticks
 * of the TSC that this took, in the least of several runs and in all; work=all does them one after
 * the other, and at last work=wake.  Bare and virtual, the same image gives the two numbers whose
 * difference is the hypervisor's.
 */
#include "probe.h"

#include "rt/rt.h"
#include "lib/string.h"
#include "x86_ops.h"

#define RUNS 5
#define MARK_PORT 0x80 /* the POST code: nobody listens, but an emulator's log shows the exit */
#define OUT_PORT 0xed  /* nobody */
#define PIT_COMMAND 0x43
#define PIT_CHANNEL0_MODE0 0x30
#define LAPIC_VERSION 0xfee00030ull
#define CHUNK MiB(2)
#define CPUID_1_ECX_HYPERVISOR BIT(31)

static u64 spin(u64 n)
{
	u64 start = x86_rdtsc();

	__asm__ volatile(".balign 16\n1: dec %0\n\tjnz 1b" : "+r"(n)::"cc");
	return x86_rdtsc() - start;
}

/* A loop around one instruction; what it leaves in registers does not matter. */
#define LOOP(insn, n, a, c, d)                                                                     \
	__asm__ volatile(                                                                          \
	    ".balign 16\n1:\tmov %4, %%rax\n\tmov %5, %%rcx\n\tmov %6, %%rdx\n\t" insn             \
	    "\n\tdec %0\n\tjnz 1b"                                                                 \
	    : "+r"(n), "=&a"(out[0]), "=&c"(out[1]), "=&d"(out[2])                                 \
	    : "r"((u64)(a)), "r"((u64)(c)), "r"((u64)(d))                                          \
	    : "rbx", "memory", "cc")

#define WORK(name, insn, a, c, d)                                                                  \
	static u64 work_##name(u64 n)                                                              \
	{                                                                                          \
		u64 out[3], start = x86_rdtsc();                                                   \
                                                                                                   \
		LOOP(insn, n, a, c, d);                                                            \
		return x86_rdtsc() - start;                                                        \
	}

WORK(empty, "", 0, 0, 0)
WORK(cpuid, "cpuid", 0, 0, 0)
WORK(vmcall, "vmcall", 0, 0, 0)
WORK(vmmcall, "vmmcall", 0, 0, 0)
WORK(rdmsr, "rdmsr", 0, MSR_APIC_BASE, 0)
WORK(wrmsr, "wrmsr", 0, MSR_STAR, 0)
WORK(out, "outb %%al, %%dx", 0, 0, OUT_PORT)
WORK(in, "inb %%dx, %%al", 0, 0, OUT_PORT)
WORK(mmio, "movl (%%rdx), %%eax", 0, 0, LAPIC_VERSION)

/* ---- What must not exit at all -------------------------------------------------- */

/* SYSCALL comes back to its handler in ring 0; a SYSRET would go to ring 3, so the handler jumps.
 */
static void prepare_syscall(void)
{
	x86_wrmsr(MSR_STAR, (u64)RT_CS << 32);
	x86_wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_TF | RFLAGS_DF);
	x86_wrmsr(MSR_EFER, x86_rdmsr(MSR_EFER) | EFER_SCE);
	__asm__ volatile(
	    "leaq 1f(%%rip), %%rax\n\tmovq %%rax, %%rdx\n\tshrq $32, %%rdx\n\twrmsr\n\t"
	    "jmp 2f\n1:\tjmp *%%rcx\n2:" ::"c"(MSR_LSTAR)
	    : "rax", "rdx", "memory");
}

static u64 work_syscall(u64 n)
{
	u64 start = x86_rdtsc();

	for (u64 i = 0; i < n; i++)
		__asm__ volatile("syscall" ::: "rcx", "r11", "memory");
	return x86_rdtsc() - start;
}

/* Page faults of a page that is not present in the guest's own tables. */
static u64 work_pagefault(u64 n)
{
	volatile u8 *absent = (volatile u8 *)(RT_WINDOW + MiB(1));
	u64 start = x86_rdtsc(), value;

	for (u64 i = 0; i < n; i++)
		RT_TRY("movb (%1), %b0", RT_OUT("=&q"(value)), "r"(absent));
	return x86_rdtsc() - start;
}

static u64 work_cr3(u64 n)
{
	u64 start = x86_rdtsc();

	for (u64 i = 0; i < n; i++)
		x86_write_cr3(x86_read_cr3());
	return x86_rdtsc() - start;
}

static u64 work_invlpg(u64 n)
{
	u64 start = x86_rdtsc();

	for (u64 i = 0; i < n; i++)
		x86_invlpg(i << 12);
	return x86_rdtsc() - start;
}

/* What a lazy switch of the FPU does: bits of CR0 that are the guest's own. */
static u64 work_ts(u64 n)
{
	u64 cr0 = x86_read_cr0(), start = x86_rdtsc();

	for (u64 i = 0; i < n; i++) {
		x86_write_cr0(cr0 | CR0_TS);
		__asm__ volatile("clts");
	}
	return x86_rdtsc() - start;
}

/* ---- Once only -------------------------------------------------------------------- */

/* The first touch of a chunk of RAM: a nested fault that takes, clears and maps host memory. */
static u64 work_touch(u64 n)
{
	static u64 at;
	u64 start;

	if (!at)
		at = ALIGN_UP(rt_image_limit() + CHUNK, CHUNK);
	start = x86_rdtsc();
	for (u64 i = 0; i < n && at < rt_memory_end(); i++, at += CHUNK)
		*(volatile u8 *)at = 1;
	return x86_rdtsc() - start;
}

/* ---- The table ---------------------------------------------------------------------- */

static const struct work {
	const char *name;
	u64 (*run)(u64 n);
	u64 n;
	unsigned runs;
	bool hypercall;
	void (*prepare)(void);
} works[] = {
	{ "cpu", spin, 5000000, RUNS, false, NULL },
	{ "empty", work_empty, 1000, RUNS, false, NULL },
	{ "cpuid", work_cpuid, 1000, RUNS, false, NULL },
	{ "vmcall", work_vmcall, 1000, RUNS, true, NULL },
	{ "vmmcall", work_vmmcall, 1000, RUNS, true, NULL },
	{ "rdmsr", work_rdmsr, 1000, RUNS, false, NULL },
	{ "wrmsr", work_wrmsr, 1000, RUNS, false, NULL },
	{ "out", work_out, 1000, RUNS, false, NULL },
	{ "in", work_in, 1000, RUNS, false, NULL },
	{ "mmio", work_mmio, 1000, RUNS, false, NULL },
	{ "touch", work_touch, 1, RUNS, false, NULL },
	{ "syscall", work_syscall, 1000, RUNS, false, prepare_syscall },
	{ "pagefault", work_pagefault, 1000, RUNS, false, NULL },
	{ "cr3", work_cr3, 1000, RUNS, false, NULL },
	{ "invlpg", work_invlpg, 1000, RUNS, false, NULL },
	{ "ts", work_ts, 1000, RUNS, false, NULL },
};

static void once(u64 argument UNUSED)
{
	const struct work *w = &works[argument];

	w->run(1);
}

/* One that this machine has not (a hypercall of the other vendor, or any on bare metal). */
static bool absent(unsigned i)
{
	return works[i].hypercall && rt_attempt(once, i);
}

#define REST_ROUNDS 2000000u /* 80 ms where an instruction is 20 ns */

/*
 * What was recorded last may still be on its way along a slow line, and the hypervisor at work on
 * that: let it be gone.
 */
static void rest(void)
{
	for (u32 i = 0; i < REST_ROUNDS; i++)
		__asm__ volatile("");
}

static void run(unsigned i)
{
	const struct work *w = &works[i];
	u64 n = rt_number("n", 0), least = ~0ull, total = 0;

	if (!n || w->n == 1)
		n = w->n;
	if (absent(i)) {
		rt_record("work name=%s absent=1", w->name);
		return;
	}
	rest();
	if (w->prepare)
		w->prepare();
	x86_outb(MARK_PORT, (u8)(i + 1));
	for (unsigned r = 0; r < w->runs; r++) {
		u64 ticks = w->run(n);

		total += ticks;
		least = MIN(least, ticks);
	}
	x86_outb(MARK_PORT, 0);
	rt_record("work name=%s n=%lu runs=%u least=%lu total=%lu", w->name, n, w->runs, least,
		  total);
}

/* A tickless guest: the interval timer, which firmware left at 18.2 Hz, waits for a count. */
static void stop_ticks(void)
{
	x86_outb(PIT_COMMAND, PIT_CHANNEL0_MODE0);
}

/* Nobody reads its flags, so that after one interrupt nothing is to be done. */
static void forget_clock(void)
{
	x86_outb(0x70, 0x0a);
	x86_outb(0x71, 0x23); /* each 122 us */
	x86_outb(0x70, 0x0b);
	x86_outb(0x71, 0x42);
}

unsigned probe_main(void)
{
	u64 began = x86_rdtsc(), halted = 0;

	stop_ticks();
	forget_clock();
	for (unsigned i = 0; i < ARRAY_SIZE(works); i++)
		if (rt_has("work", "all") || rt_has("work", works[i].name))
			run(i);
	if (rt_has("work", "all") || rt_has("work", "wake"))
		halted = probe_wake();
	if (rt_has("work", "walk"))
		probe_walk();
	rt_record("end awake=%lu", x86_rdtsc() - began - halted);
	return 0;
}
