/*
 * host.h - the border beneath: what the monitor asks of whoever owns the machine
 *
 * Owns: memory, time, timers, locks, kicks, the console, panic: as promises.
 * Must not know: virtual machines' insides, CPU vendors.
 *
 * Two hosts keep these promises: type1/ on bare metal, and (issue 4) type2/ as a
 * Linux process.  A third, in tests/unit, fakes them so that the monitor can be
 * tested with sanitizers.
 *
 * The monitor is never interrupted: on bare metal it runs with interrupts off and
 * takes them only inside a guest, when idle, or in host_take_interrupts.  So no
 * function here may be called from an interrupt, and none needs to save flags.
 */
#ifndef ESPEJO_HOST_H
#define ESPEJO_HOST_H

#include <stdarg.h>

#include "compiler.h"

struct vcpu;
struct vm;

/* ---- Errors ---------------------------------------------------------------- */

/*
 * What a function that can lack something returns: 0, or one of these, negative.
 * A wrong argument from our own code is no such case: it panics.
 */
#define HOST_ENOMEM 12 /* memory is short */
#define HOST_EINVAL 22 /* what a user or a file asked for makes no sense */
#define HOST_ENOTSUP 95 /* this machine cannot do it */
#define HOST_ENOENT 2 /* no such thing */
#define HOST_EBUSY 16

/* Our own bug, or hardware that broke its promise: says file, line and state, and stops. */
#define panic(...) host_panic(__FILE__, __LINE__, __VA_ARGS__)
#define check(condition)                                  \
	do {                                              \
		if (unlikely(!(condition)))               \
			panic("check failed: %s", #condition); \
	} while (0)
NORETURN void host_panic(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);

/* One line for the operator; a newline is added. */
void host_log(const char *format, ...) PRINTF_LIKE(1, 2);

/* ---- Memory ---------------------------------------------------------------- */

/*
 * 2^order pages in a row, aligned to their size, all zero, or NULL.
 * order 0 is 4 KiB, order 9 is 2 MiB; larger ones need not be offered.
 * What is freed may be handed to another guest: it is cleared in between.
 */
void *host_alloc_pages(unsigned order);
void host_free_pages(void *pages, unsigned order);

/*
 * A guest's RAM in one piece, zero, aligned to 2 MiB; what is never touched costs nothing.  NULL:
 * this host has memory only as host_alloc_pages gives it.  size: a multiple of 2 MiB, reserved.
 */
void *host_alloc_ram(u64 size);
void host_free_ram(void *ram, u64 size);

/* The order of pages that hold size bytes. */
static inline unsigned host_order(size_t size)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

/*
 * Promise that pages can be allocated later (a VM's memory is taken when first
 * touched, but promised when the VM is created).  -HOST_ENOMEM if too much is promised.
 */
int host_reserve(u64 bytes) MUST_CHECK;
void host_unreserve(u64 bytes);
/* Bytes in all, promised and in use. */
void host_memory(u64 *total, u64 *reserved, u64 *used);

/* Small zeroed objects, up to a page, 16-byte aligned; NULL if memory is short. */
void *host_alloc(size_t size);
void host_free(void *object, size_t size);

/* The physical address of allocated memory, and back.  Bare metal only. */
hpa_t host_hpa(const void *p);
void *host_ptr(hpa_t a);

/* ---- Time ------------------------------------------------------------------ */

/* Nanoseconds since start; the same on all CPUs, never backwards. */
u64 host_now(void);
/* The CPU's time stamp counter, and its frequency.  The same on all CPUs. */
u64 host_tsc(void);
u64 host_tsc_hz(void);
/* host_now at a given TSC value, without reading either. */
u64 host_tsc_to_ns(u64 tsc);

/* Seconds since 1970 at host_now() == 0, from the machine's clock. */
u64 host_epoch(void);

/*
 * fire(timer) is called once when host_now() reaches the time, from the loop that
 * owns some CPU, holding no lock.  Setting an armed timer moves it.  After cancel
 * returns, fire is not running and will not run: so never cancel while holding a
 * lock that fire takes.
 */
struct host_timer {
	void (*fire)(struct host_timer *timer);
	u64 when_ns;
	/* The host's own: */
	struct host_timer *next;
	unsigned cpu;
	u8 state;
};
void host_timer_set(struct host_timer *timer, u64 when_ns);
void host_timer_cancel(struct host_timer *timer);

/* ---- CPUs ------------------------------------------------------------------ */

#define HOST_MAX_CPUS 64

unsigned host_cpu(void); /* the number of this CPU, 0.. */
unsigned host_cpu_count(void); /* those that run vCPUs */

/*
 * Make whoever runs v look at v->requests: a CPU inside the guest leaves it; a
 * blocked vCPU becomes runnable.  Returns at once; a kick is never lost, but two
 * may become one.  The request bit must be set before.
 */
void host_kick(struct vcpu *v);

/*
 * Let v run from now on; take it out of running (it may still be inside the guest when this
 * returns: vm_is_quiet tells).  Any CPU; vm->lock may be held.
 */
void host_run(struct vcpu *v);
void host_stop(struct vcpu *v);

/* A breath in a loop that waits for another CPU. */
void host_relax(void);

/* What CPUID says on this machine. */
struct cpuid_regs;
struct cpuid_regs host_cpuid(u32 leaf, u32 subleaf);

/* Let interrupts of the host in that are due (the cause of an EXIT_HOST). */
void host_take_interrupts(void);

/*
 * Make an interrupt pending at this CPU, whose handler does nothing: it ends the next run of a
 * guest at once, or comes in with the others that are due.  False: this host cannot.
 */
bool host_pend_interrupt(void);
/* The same with an NMI, for a CPU that holds NMIs off at the moment. */
void host_pend_nmi(void);

/* ---- Locks ------------------------------------------------------------------ */

/* Mutual exclusion for short times: no waiting for anything while holding one. */
struct host_lock {
	u32 next, serving;
	u32 owner; /* CPU number + 1: taking it twice is a bug that panics */
};
void host_lock(struct host_lock *lock);
void host_unlock(struct host_lock *lock);
bool host_locked(const struct host_lock *lock); /* by this CPU: for checks */

/* ---- Virtual machines ------------------------------------------------------- */

/* Entries of the trace ring of a new vCPU: a power of two. */
u32 host_trace_size(void);

/*
 * vm is at its end by itself (vm->state, vm->cause, vm->restart); told once, vm->lock may be held.
 */
void host_vm_ended(struct vm *vm);

/* vm paused itself, and waits to be resumed (vm_start); vm->lock is held. */
void host_vm_paused(struct vm *vm);

/* len random bytes for vm: from a stream of its own, from which nothing of others follows. */
void host_random(struct vm *vm, void *to, size_t len);

/* ---- Console ---------------------------------------------------------------- */

/* What a VM's serial line says; the host prefixes it with the VM's name. */
void host_console_write(struct vm *vm, const char *text, size_t len);

#endif
