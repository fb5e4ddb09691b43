/*
 * fake_virt.h - a CPU back end without a CPU
 *
 * Owns: struct virt_ops for the unit tests; it does what the test's script says a guest does,
 * and writes down what it was asked for.  Small machines to test on.
 * Must not know: what is tested.
 *
 * The state that run() leaves stale is really destroyed, so that whoever looks at it without
 * vcpu_state gets rubbish.
 */
#ifndef ESPEJO_TESTS_UNIT_FAKE_VIRT_H
#define ESPEJO_TESTS_UNIT_FAKE_VIRT_H

#include "fake_host.h"
#include "paging/nested.h"
#include "vm/vm.h"

#define FAKE_EVENTS 64
#define FAKE_XSAVE_SIZE 2048

struct fake_vm {
	struct vm vm;
	bool made;
	unsigned traps;
	struct nested tables;
};

struct fake_vcpu {
	struct vcpu vcpu;
	bool made;
	struct cpu_state truth; /* what the guest's registers hold */
	struct event pending;	/* to be delivered at the next entry */
	unsigned windows;

	/* The guest: called at each entry, fills in v->exit.  NULL: always EXIT_HOST. */
	void (*guest)(struct vcpu *v);
	void *ctx;

	/* What was asked for. */
	struct event injected[FAKE_EVENTS]; /* as delivered, in order */
	unsigned injections, window_calls;
	unsigned entries, flushes, completions, loads, sets, gets;
};

/* What shall fail: a step of vm_create. */
struct fake_virt {
	int vm_init_error, vcpu_init_error, map_error;
	unsigned vcpus_made, vms_made; /* now */
	unsigned maps;
	u64 unmapped; /* bytes */
};

extern struct fake_virt fake_virt;
extern const struct virt_ops fake_virt_ops;

static inline struct fake_vcpu *fake_vcpu(struct vcpu *v)
{
	return container_of(v, struct fake_vcpu, vcpu);
}

/* virt is this one, and nothing fails; fake_host_reset too. */
void fake_virt_reset(void);

/* A machine of so much memory, running, its first vCPU loaded.  */
struct vm *fake_vm_make(u64 memory, unsigned vcpus);
/* Ends it; panics if anything is left. */
void fake_vm_free(struct vm *vm);

/* v's state becomes the test's: copies v->state to the truth, forgets exits and events. */
void fake_vcpu_settle(struct vcpu *v);

/* Modes with flat segments: real mode, 32-bit without paging, 64-bit on 4-level tables. */
void fake_mode_real(struct vcpu *v);
void fake_mode_flat32(struct vcpu *v);
void fake_mode_long(struct vcpu *v);

/*
 * Page tables for fake_mode_long lie from FAKE_TABLES on; the first 2 MiB are identity-mapped.
 * flags: PTE_* besides P.  Mapping again replaces.
 */
#define FAKE_TABLES 0x300000ull
void fake_map(struct vm *vm, u64 gva, u64 gpa_at, u64 flags);
/* The last-level entry for gva, in guest memory. */
u64 *fake_pte(struct vm *vm, u64 gva);

#endif
