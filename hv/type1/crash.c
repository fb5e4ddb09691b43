/* crash.c - see crash.h */
#include "type1/crash.h"

#include "host.h"
#include "lib/string.h"
#include "type1/layout.h"
#include "type1/panic.h"
#include "type1/power.h"
#include "x86_ops.h"

static void crash_panic(void)
{
	panic("on purpose");
}

static void crash_check(void)
{
	check(host_cpu() == HOST_MAX_CPUS);
}

static void crash_lock(void)
{
	static struct host_lock lock;

	host_lock(&lock);
	host_lock(&lock);
}

/* The lower half of our address space is empty. */
static void crash_read(void)
{
	READ_ONCE(*(volatile u64 *)MiB(16));
}

static void crash_write(void)
{
	*(volatile u8 *)(u64)crash = 0;
}

/* Through the direct map, which has the code too. */
static void crash_execute(void)
{
	((void (*)(void))(DIRECT_BASE + (u64)crash_panic - IMAGE_BASE))();
}

static void crash_undefined(void)
{
	__asm__ volatile("ud2");
}

/* Calls without end, of which the compiler does not know; none can become a jump. */
static NEVER_INLINE u64 deeper(volatile u64 *above)
{
	volatile u64 here[16] = { *above + 1 };

	return here[0] ? deeper(here) + here[0] : 0;
}

static void crash_stack(void)
{
	volatile u64 top = 0;

	deeper(&top);
}

/* A wild stack pointer: even the exception cannot be pushed. */
static void crash_pointer(void)
{
	__asm__ volatile("movq %0, %%rsp; pushq $0" ::"r"(MiB(16)) : "memory");
}

/* What is printed of this first panic brings the next one. */
static void crash_twice(void)
{
	panic("on purpose, and once more: %s", (const char *)MiB(16));
}

static const struct {
	const char *kind;
	void (*run)(void);
} crashes[] = {
	{ "panic", crash_panic },     { "check", crash_check },	    { "lock", crash_lock },
	{ "read", crash_read },	      { "write", crash_write },	    { "execute", crash_execute },
	{ "undefined", crash_undefined }, { "stack", crash_stack }, { "pointer", crash_pointer },
	{ "twice", crash_twice },
};

const char *crash_kind(unsigned n)
{
	return n < ARRAY_SIZE(crashes) ? crashes[n].kind : NULL;
}

int crash(const char *kind)
{
	for (unsigned i = 0; i < ARRAY_SIZE(crashes); i++) {
		if (strcmp(crashes[i].kind, kind))
			continue;
		crashes[i].run();
		panic("crash %s went well", kind);
	}
	return -HOST_ENOENT;
}
