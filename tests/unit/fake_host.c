/* fake_host.c - see fake_host.h */
#include "fake_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/lab.h"
#include "sched/sched.h"
#include "x86.h"

#define MAX_BLOCKS 65536
#define TSC_HZ 1000000000ull

struct fake_host fake_host;

/* What is given out, so that a wrong order or size is seen. */
static struct {
	void *at;
	size_t size;
} block[MAX_BLOCKS];
static unsigned blocks;

void fake_host_reset(void)
{
	check(!blocks);
	memset(&fake_host, 0, sizeof(fake_host));
	fake_host.cpus = 2;
	fake_host.now = 1000;
	fake_host.tsc = 1000;
	fake_host.memory = GiB(1);
	fake_host.allocations_left = ~0ull;
	sched_init(&sched_round_robin, 0, fake_host.cpus);
}

bool fake_host_clean(void)
{
	return !blocks && !fake_host.pages_out && !fake_host.objects_out && !fake_host.reserved &&
	       !fake_host.timers;
}

/* ---- Errors ---------------------------------------------------------------- */

void host_panic(const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "panic at %s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	abort();
}

void lab_todo_at(const char *id, const char *folder, const char *file, int line,
		 const char *function)
{
	fprintf(stderr, LAB_TODO_FORMAT, id, file, line, function, folder);
	abort();
}

static void append(char *text, const char *more, size_t len)
{
	size_t used = strlen(text);

	len = MIN(len, FAKE_TEXT_MAX - 1 - used);
	memcpy(text + used, more, len);
	text[used + len] = '\0';
}

void host_log(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	append(fake_host.log, line, strlen(line));
	append(fake_host.log, "\n", 1);
}

/* ---- Memory ---------------------------------------------------------------- */

static void *take(size_t align, size_t size)
{
	void *p;

	if (!fake_host.allocations_left)
		return NULL;
	if (fake_host.allocations_left != ~0ull)
		fake_host.allocations_left--;
	check(blocks < MAX_BLOCKS);
	p = aligned_alloc(align, ALIGN_UP(size, align));
	check(p);
	memset(p, 0, size);
	block[blocks].at = p;
	block[blocks++].size = size;
	fake_host.allocations++;
	return p;
}

static void give_back(void *p, size_t size)
{
	unsigned i = 0;

	while (i < blocks && block[i].at != p)
		i++;
	check(i < blocks && block[i].size == size);
	block[i] = block[--blocks];
	free(p);
}

void *host_alloc_pages(unsigned order)
{
	void *p = take(PAGE_SIZE << order, PAGE_SIZE << order);

	fake_host.pages_out += p ? PAGE_SIZE << order : 0;
	return p;
}

void host_free_pages(void *pages, unsigned order)
{
	give_back(pages, PAGE_SIZE << order);
	fake_host.pages_out -= PAGE_SIZE << order;
}

void *host_alloc(size_t size)
{
	void *p = take(16, size);

	fake_host.objects_out += p ? size : 0;
	return p;
}

void host_free(void *object, size_t size)
{
	give_back(object, size);
	fake_host.objects_out -= size;
}

void *host_alloc_ram(u64 size)
{
	void *p = fake_host.ram_in_one_piece ? take(LARGE_PAGE_SIZE, size) : NULL;

	fake_host.pages_out += p ? size : 0;
	return p;
}

void host_free_ram(void *ram, u64 size)
{
	give_back(ram, size);
	fake_host.pages_out -= size;
}

int host_reserve(u64 bytes)
{
	if (bytes > fake_host.memory - fake_host.reserved)
		return -HOST_ENOMEM;
	fake_host.reserved += bytes;
	return 0;
}

void host_unreserve(u64 bytes)
{
	check(bytes <= fake_host.reserved);
	fake_host.reserved -= bytes;
}

void host_memory(u64 *total, u64 *reserved, u64 *used)
{
	*total = fake_host.memory;
	*reserved = fake_host.reserved;
	*used = fake_host.pages_out + fake_host.objects_out;
}

hpa_t host_hpa(const void *p)
{
	return hpa((u64)(uintptr_t)p);
}

void *host_ptr(hpa_t a)
{
	return (void *)(uintptr_t)a.v;
}

/* ---- Time ------------------------------------------------------------------ */

u64 host_now(void)
{
	return fake_host.now;
}

u64 host_tsc(void)
{
	fake_host.tsc += fake_host.tsc_step;
	return fake_host.tsc;
}

u64 host_tsc_hz(void)
{
	return fake_host.tsc_hz ? fake_host.tsc_hz : TSC_HZ;
}

u64 host_tsc_to_ns(u64 tsc)
{
	return fake_host.now + (tsc - fake_host.tsc);
}

u64 host_epoch(void)
{
	return 1767225600; /* 2026-01-01 */
}

void host_timer_cancel(struct host_timer *timer)
{
	struct host_timer **at = &fake_host.timers;

	while (*at && *at != timer)
		at = &(*at)->next;
	if (*at)
		*at = timer->next;
	timer->next = NULL;
	timer->state = 0;
}

void host_timer_set(struct host_timer *timer, u64 when_ns)
{
	struct host_timer **at = &fake_host.timers;

	host_timer_cancel(timer);
	while (*at && (*at)->when_ns <= when_ns)
		at = &(*at)->next;
	timer->when_ns = when_ns;
	timer->cpu = fake_host.cpu;
	timer->state = 1;
	timer->next = *at;
	*at = timer;
}

void fake_host_run(u64 ns)
{
	u64 end = fake_host.now + ns;

	while (fake_host.timers && fake_host.timers->when_ns <= end) {
		struct host_timer *timer = fake_host.timers;
		u64 step = timer->when_ns > fake_host.now ? timer->when_ns - fake_host.now : 0;

		fake_host.now += step;
		fake_host.tsc += step;
		host_timer_cancel(timer);
		timer->fire(timer);
	}
	fake_host.tsc += end - fake_host.now;
	fake_host.now = end;
}

/* ---- CPUs ------------------------------------------------------------------ */

unsigned host_cpu(void)
{
	return fake_host.cpu;
}

unsigned host_cpu_count(void)
{
	return fake_host.cpus;
}

void host_kick(struct vcpu *v)
{
	fake_host.kicks++;
	fake_host.kicked = v;
	if (fake_host.on_kick)
		fake_host.on_kick(v);
	else
		sched_kick(v);
}

void host_run(struct vcpu *v)
{
	if (fake_host.on_run)
		fake_host.on_run(v);
	sched_add(v);
}

void host_stop(struct vcpu *v)
{
	sched_remove(v);
}

void host_relax(void)
{
	if (fake_host.on_relax)
		fake_host.on_relax();
}

void host_take_interrupts(void)
{
	fake_host.interrupts_taken++;
}

bool host_pend_interrupt(void)
{
	fake_host.interrupts_pended++;
	return true;
}

/* A machine of nobody's make, with whatever features there are. */
static struct cpuid_regs made_up(u32 leaf, u32 subleaf)
{
	switch (leaf) {
	case 0:
		return (struct cpuid_regs){ 0xd, 0x656a7073, 0x6f2d6f72, 0x736f6a65 };
	case 1:
		return (struct cpuid_regs){ 0x000306a9, 0x00020800, ~0u & ~BIT(31), ~0u };
	case 7:
		return subleaf ? (struct cpuid_regs){ 0 } : (struct cpuid_regs){ 0, ~0u, ~0u, 0 };
	case 0xd:
		if (subleaf == 0)
			return (struct cpuid_regs){ 0x207, 0x348, 0x348, 0 };
		if (subleaf == 2)
			return (struct cpuid_regs){ 0x100, 0x240, 0, 0 };
		return subleaf == 9 ? (struct cpuid_regs){ 8, 0x340, 0, 0 } /* PKRU */
				    : (struct cpuid_regs){ 0 };
	case 0x80000000:
		return (struct cpuid_regs){ 0x80000008, 0x656a7073, 0x6f2d6f72, 0x736f6a65 };
	case 0x80000001:
		return (struct cpuid_regs){ 0x000306a9, 0, ~0u, ~0u };
	case 0x80000008:
		return (struct cpuid_regs){ 0x3028, 0, 0, 0 }; /* 40 physical bits */
	default:
		return (struct cpuid_regs){ 0 };
	}
}

struct cpuid_regs host_cpuid(u32 leaf, u32 subleaf)
{
	return fake_host.cpuid ? fake_host.cpuid(leaf, subleaf) : made_up(leaf, subleaf);
}

/* ---- Locks ------------------------------------------------------------------ */

void host_lock(struct host_lock *lock)
{
	check(!lock->owner); /* one thread: whoever holds it will never let go */
	lock->owner = fake_host.cpu + 1;
}

void host_unlock(struct host_lock *lock)
{
	check(lock->owner == fake_host.cpu + 1);
	lock->owner = 0;
}

bool host_locked(const struct host_lock *lock)
{
	return lock->owner == fake_host.cpu + 1;
}

/* ---- Virtual machines, console -------------------------------------------------- */

u32 host_trace_size(void)
{
	return 64;
}

void host_vm_ended(struct vm *vm)
{
	fake_host.ended++;
	fake_host.ended_vm = vm;
}

void host_vm_paused(struct vm *vm UNUSED)
{
	fake_host.paused++;
}

void host_console_write(struct vm *vm UNUSED, const char *text, size_t len)
{
	append(fake_host.console, text, len);
}

/* Not random at all: what a test can expect. */
void host_random(struct vm *vm UNUSED, void *to, size_t len)
{
	u8 *byte = to;

	for (size_t i = 0; i < len; i++)
		byte[i] = (u8)i;
}
