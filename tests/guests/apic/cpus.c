/*
 * cpus.c - the other CPUs: how they start, what they get, what they see of each other
 *
 * Sources: [SDM] vol. 3 "Multiple-Processor (MP) Initialization" (9.4), "Memory Ordering" (9.2),
 * "Issuing Interprocessor Interrupts" (12.6).
 */
#include "apic.h"
#include "cpus.h"

#include "layout.h"
#include "lib/string.h"

#define MAX_CPUS 16
#define PAGE_A 0x8
#define PAGE_B 0x9
#define WORK_VECTOR 0xa1
#define WAKE_VECTOR 0xa2
#define ROUNDS 2000

struct PACKED record {
	u32 starts, regs[20];
	u8 idt[8], gdt[8];
};

extern char ap_start[], ap_end[], ap_record[], ap_gdt[];
volatile u32 ap_arrived;
struct PACKED {
	u16 limit;
	u64 base;
} ap_idt;
void ap_main(unsigned number);

static unsigned cpu_count;
static volatile u32 beat[MAX_CPUS], irqs[MAX_CPUS], nmis[MAX_CPUS], last[MAX_CPUS], ids[MAX_CPUS];
static void (*volatile job)(unsigned id);
static volatile u32 job_number, done;
static volatile bool sleepers;

static u32 own_id(void)
{
	u32 a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return b >> 24;
}

bool cpus_on_trap(unsigned vector)
{
	u32 id = ap_arrived ? own_id() : 0;

	if (!id)
		return false;
	if (vector == VECTOR_NMI) {
		nmis[id]++;
		return true;
	}
	if (vector < 16)
		return false;
	last[id] = vector;
	irqs[id]++;
	apic_write(APIC_EOI, 0);
	return true;
}

void ap_main(unsigned number UNUSED)
{
	u32 id = own_id() % MAX_CPUS, seen = 0;

	apic_write(APIC_SVR, SVR_ON | SPURIOUS);
	ids[id] = apic_read(APIC_ID) >> 24 == id;
	__asm__ volatile("sti");
	for (;;) {
		beat[id]++;
		x86_pause();
		if (job_number != seen) {
			seen = job_number;
			job(id);
			__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
		} else if (sleepers) {
			x86_hlt();
		}
	}
}

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

void cpus_wait_us(u64 us)
{
	for (; us; us -= MIN(us, 1000ull)) {
		u64 n = MIN(us, 1000ull) * 1193 / 1000 + 1;

		x86_outb(0x61, (u8)(x86_inb(0x61) & ~3u));
		x86_outb(0x43, 0xb0);
		x86_outb(0x42, (u8)n);
		x86_outb(0x42, (u8)(n >> 8));
		x86_outb(0x61, (u8)((x86_inb(0x61) & ~3u) | 1));
		while (!(x86_inb(0x61) & 0x20))
			x86_pause();
	}
}

static bool until(volatile u32 *what, u32 atleast)
{
	for (u64 i = 0; i < 50ull * PATIENCE && *what < atleast; i++)
		x86_pause();
	return *what >= atleast;
}

/* All others run f once. */
static bool on_others(void (*f)(unsigned id))
{
	done = 0;
	job = f;
	__atomic_add_fetch(&job_number, 1, __ATOMIC_SEQ_CST);
	return until(&done, cpu_count - 1);
}

/* ---- Starting ---------------------------------------------------------------------------- */

static void show_state(const struct record *r)
{
	static const char *const name[20] = { "EAX", "EBX", "ECX", "EDX",  "ESI", "EDI", "EBP",
					      "ESP", "CR0", "CR4", "CR3",  "CR2", "DR6", "DR7",
					      "CS",  "DS",  "SS",	"BASE", "EFER", "EFLAGS" };
	u32 a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	for (unsigned i = 0; i < 20; i++)
		value("AP %s 0x%x", name[i], r->regs[i]);
	value("AP IDT limit 0x%x base 0x%x GDT limit 0x%x base 0x%x", r->idt[0] | r->idt[1] << 8,
	      r->idt[2] | r->idt[3] << 8, r->gdt[0] | r->gdt[1] << 8, r->gdt[2] | r->gdt[3] << 8);
	good(r->regs[14] == PAGE_A << 8, "an AP's CS is the page of its SIPI");
	good(r->regs[3] == a, "its EDX is the CPU's signature");
	good(!r->regs[18], "its EFER is 0");
	good(!(r->regs[17] & 0x100), "it is not the BSP");
	good(r->regs[12] == 0xffff0ff0 && r->regs[13] == 0x400, "its DR6 and DR7");
}

static void check_start(void)
{
	struct record *a, *b;

	prepare(PAGE_A);
	prepare(PAGE_B);
	a = record_of(PAGE_A);
	b = record_of(PAGE_B);
	__asm__ volatile("sidt %0" : "=m"(ap_idt));
	apic_send(1, MODE_INIT | ICR_ASSERT);
	cpus_wait_us(10000);
	good(!a->starts && !b->starts, "INIT alone starts nothing");
	apic_send(1, MODE_SIPI | ICR_ASSERT | PAGE_A);
	apic_send(1, MODE_SIPI | ICR_ASSERT | PAGE_B);
	good(until(&beat[1], 1), "INIT and SIPI start CPU 1");
	cpus_wait_us(2000);
	good(a->starts == 1 && !b->starts, "the second SIPI is ignored (%u, %u)", a->starts,
	     b->starts);
	show_state(a);
	apic_send(1, MODE_SIPI | ICR_ASSERT | PAGE_B);
	cpus_wait_us(2000);
	good(!b->starts, "a SIPI to a running CPU is ignored");
	apic_send(1, MODE_INIT | ICR_ASSERT);
	cpus_wait_us(2000);
	beat[1] = 0;
	cpus_wait_us(2000);
	good(!beat[1], "INIT stops a running CPU");
	apic_send(1, WORK_VECTOR);
	cpus_wait_us(2000);
	good(!beat[1] && !irqs[1], "an interrupt does not start it");
	/* INIT and two SIPIs with nothing between, while a SIPI that came too early is lost. */
	apic_send(1, MODE_INIT | ICR_ASSERT);
	apic_send(1, MODE_INIT | ICR_ASSERT);
	apic_send(1, MODE_SIPI | ICR_ASSERT | PAGE_B);
	apic_send(1, MODE_SIPI | ICR_ASSERT | PAGE_A);
	good(until(&beat[1], 1), "INIT, INIT, SIPI, SIPI without a pause");
	cpus_wait_us(2000);
	good(b->starts == 1 && a->starts == 1, "the first SIPI counts (%u, %u)", a->starts,
	     b->starts);
	apic_send(1, MODE_SIPI | ICR_ASSERT | PAGE_A);
	apic_send(1, MODE_INIT | ICR_ASSERT);
	cpus_wait_us(2000);
	beat[1] = 0;
	cpus_wait_us(2000);
	good(!beat[1] && a->starts == 1, "SIPI, INIT: it waits (%u)", a->starts);
	ap_arrived = 1; /* keeps traps apart */
	apic_send(0, ICR_TO_OTHERS | MODE_INIT | ICR_ASSERT);
	apic_send(0, ICR_TO_OTHERS | MODE_INIT | 0x8000);
	apic_send(0, ICR_TO_OTHERS | MODE_SIPI | PAGE_A);
	good(until(&ap_arrived, cpu_count), "a broadcast starts all (%u)", ap_arrived);
	cpus_wait_us(5000);
	for (unsigned id = 1; id < cpu_count; id++)
		good(ids[id] && beat[id], "CPU %u runs, and its IDs agree", id);
}

/* ---- Talking ------------------------------------------------------------------------------- */

static u32 sum(const volatile u32 *what)
{
	u32 total = 0;

	for (unsigned id = 1; id < cpu_count; id++)
		total += what[id];
	return total;
}

static void clear(void)
{
	for (unsigned id = 0; id < MAX_CPUS; id++)
		irqs[id] = nmis[id] = last[id] = 0;
}

static bool all_got(volatile u32 *what, u32 n)
{
	for (u64 i = 0; i < 50ull * PATIENCE && sum(what) < n * (cpu_count - 1); i++)
		x86_pause();
	cpus_wait_us(200);
	return sum(what) == n * (cpu_count - 1);
}

static void set_logical(unsigned id)
{
	apic_write(APIC_DFR, ~0u);
	apic_write(APIC_LDR, BIT(24 + id));
}

static void check_talk(void)
{
	clear();
	for (unsigned id = 1; id < cpu_count; id++)
		apic_send(id, WORK_VECTOR);
	good(all_got(irqs, 1), "a message to each");
	clear();
	for (unsigned i = 0; i < 10; i++) {
		apic_send(0, ICR_TO_OTHERS | WORK_VECTOR);
		all_got(irqs, i + 1);
	}
	good(all_got(irqs, 10), "ten to all others (%u)", sum(irqs));
	clear();
	apic_send(0, ICR_TO_OTHERS | MODE_NMI);
	good(all_got(nmis, 1), "an NMI to all others (%u)", sum(nmis));
	if (cpu_count <= 8) {
		on_others(set_logical);
		clear();
		apic_send(0xfe & (BIT(cpu_count) - 1), ICR_LOGICAL | WORK_VECTOR);
		good(all_got(irqs, 1), "a logical message to several");
		clear();
		for (unsigned i = 0; i < 10; i++) {
			apic_send(0xfe, ICR_LOGICAL | MODE_LOWEST | WORK_VECTOR);
			for (u64 j = 0; j < 50ull * PATIENCE && sum(irqs) <= i; j++)
				x86_pause();
		}
		cpus_wait_us(200);
		good(sum(irqs) == 10, "lowest priority: one gets it (%u of 10)", sum(irqs));
	}
	sleepers = true;
	cpus_wait_us(3000);
	clear();
	for (unsigned i = 0; i < 20; i++) {
		cpus_wait_us(100);
		apic_send(0, ICR_TO_OTHERS | WAKE_VECTOR);
		all_got(irqs, i + 1);
	}
	good(all_got(irqs, 20), "messages wake CPUs in HLT (%u)", sum(irqs));
	cpus_wait_us(1000);
	clear();
	apic_send(0, ICR_TO_OTHERS | MODE_NMI);
	good(all_got(nmis, 1), "NMIs wake CPUs in HLT (%u)", sum(nmis));
	sleepers = false;
	apic_send(0, ICR_TO_OTHERS | WAKE_VECTOR);
	cpus_wait_us(1000);
}

/* ---- Memory, time ---------------------------------------------------------------------------- */

static volatile u32 locked, counter, plain;
static volatile u64 last_tsc, back_by;
static volatile u32 backwards;

/*
 * By exchange, not by tickets: eight vCPUs share one or two CPUs, and who draws the next ticket is
 * seldom who runs next, so that each ticket would cost a slice.
 */
static void lock(void)
{
	while (__atomic_exchange_n(&locked, 1, __ATOMIC_SEQ_CST))
		x86_pause();
}

static void count(unsigned id UNUSED)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		u64 now;

		__atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
		lock();
		plain = plain + 1;
		now = x86_rdtsc();
		if (now < last_tsc) {
			backwards++;
			back_by = last_tsc - now;
		}
		last_tsc = now;
		__atomic_store_n(&locked, 0, __ATOMIC_SEQ_CST);
	}
}

static volatile u32 page_bad, page_round, page_ready;

static void watch_page(unsigned id UNUSED)
{
	const volatile u32 *window = (const volatile u32 *)RT_WINDOW;

	for (u32 i = 1; i <= 50; i++) {
		while (page_round < i)
			x86_pause();
		x86_invlpg(RT_WINDOW);
		if (*window != 0x1000 + i)
			page_bad = page_bad + 1;
		__atomic_add_fetch(&page_ready, 1, __ATOMIC_SEQ_CST);
	}
}

static u32 pages[2][1024] ALIGNED(4096);

static void check_pages(void)
{
	done = 0;
	job = watch_page;
	job_number = job_number + 1;
	for (u32 i = 1; i <= 50; i++) {
		pages[i & 1][0] = 0x1000 + i;
		rt_window((u64)(uintptr_t)pages[i & 1]);
		__atomic_store_n(&page_round, i, __ATOMIC_SEQ_CST);
		until(&page_ready, i * (cpu_count - 1));
	}
	until(&done, cpu_count - 1);
	good(!page_bad, "a page that moved is seen by all after INVLPG (%u wrong)", page_bad);
}

static void check_memory(void)
{
	done = 0;
	job = count;
	job_number = job_number + 1;
	count(0);
	good(until(&done, cpu_count - 1), "all come to their end");
	good(counter == ROUNDS * cpu_count, "no locked increment is lost (%u)", counter);
	good(plain == ROUNDS * cpu_count, "the lock holds (%u)", plain);
	good(!backwards, "the TSC never goes back between CPUs (%u times, by %lu)", backwards,
	     back_by);
	check_pages();
}

void check_cpus(void)
{
	cpu_count = tables_cpus();
	if (cpu_count < 2)
		return;
	apic_quiet(false);
	check_start();
	check_talk();
	check_memory();
	apic_send(0, ICR_TO_OTHERS | MODE_INIT | ICR_ASSERT);
	cpus_wait_us(1000);
	ap_arrived = 0;
	apic_quiet(false);
}
