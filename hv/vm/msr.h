/*
 * msr.h - the model-specific registers of a virtual CPU
 *
 * Owns: the policy for every MSR: passed to the guest without an exit, kept in
 * cpu_state, emulated, reading as constant, or absent (#GP).  The table in msr.c is the
 * documentation.
 * Must not know: back ends; which MSRs pass is told to them by virt->trap.
 */
#ifndef ESPEJO_VM_MSR_H
#define ESPEJO_VM_MSR_H

#include "compiler.h"

struct vm;
struct cpuid_table;
struct vcpu;

/* Let the MSRs that need no exit pass, for all vCPUs of the VM. */
void msr_init(struct vm *vm);
void msr_reset(struct vcpu *v);
/* MTRRs as a PC's firmware leaves them, for kernels that start without one: write-back RAM. */
void msr_after_firmware(struct vcpu *v);

/* RDMSR, WRMSR by the guest: false is #GP(0).  The VM's lock is not held. */
bool msr_read(struct vcpu *v, u32 msr, u64 *value);
bool msr_write(struct vcpu *v, u32 msr, u64 value);

/*
 * What the machine beneath does, said once by the back end, before there are VMs.  Emulators answer
 * RDMSR of a register that they lack with 0 and lose what is written; then a guest with cpu=bare
 * finds the same, since kernels rely on it.  On a CPU such an access is #GP, and
 * so it is if nobody says anything.
 */
struct msr_machine {
	bool ignores; /* what it lacks */
	bool rdpmc_undefined; /* RDPMC is #UD, not #GP for want of a counter */
	/* The rest is of interest if it does. */
	u64 misc_enable, perf_status, mcg_cap;
};

#define MSR_PERF_STATUS 0x198
/* A number that no vendor has given away, within the reach of MSR bitmaps. */
#define MSR_NOBODYS 0xc0001ff0

void msr_set_machine(const struct msr_machine *machine);
/* Is RDPMC #UD in this VM, as on its machine? */
bool msr_rdpmc_undefined(const struct cpuid_table *t);

enum msr_kind {
	MSR_PASSED,   /* the guest's own register of the CPU: no exit */
	MSR_KEPT,     /* in cpu_state, checked when written */
	MSR_EMULATED, /* by a function */
	MSR_CONSTANT, /* reads so; a write is #GP */
	MSR_IGNORED,  /* reads so; a write is lost */
	MSR_ABSENT,   /* #GP */
	MSR_KIND_COUNT,
};

/* When a VM has the register: a vendor it names, or a CPUID feature. */
enum msr_condition {
	MSR_ALWAYS,
	MSR_IF_INTEL,
	MSR_IF_AMD,
	MSR_IF_NOT_INTEL,
	MSR_IF_MCA,
	MSR_IF_MTRR,
	MSR_IF_PAT,
	MSR_IF_SEP,
	MSR_IF_APIC,
	MSR_IF_X2APIC,
	MSR_IF_DEADLINE,
	MSR_IF_TSC_ADJUST,
	MSR_IF_RDTSCP,
	MSR_IF_LM,
	MSR_IF_SYSCALL,
	MSR_IF_PKS,
	MSR_IF_XSAVES,
	MSR_IF_MISC_ENABLE,
	MSR_CONDITION_COUNT,
};

/* MSRs first..last.  One that no rule names is absent. */
struct msr_rule {
	u32 first, last;
	u8 kind;	    /* enum msr_kind */
	u8 only;	    /* enum msr_condition; if it does not hold, absent */
	const char *name;   /* as the manuals spell it */
	const char *reason; /* NULL: none is needed */
	u64 value;	    /* CONSTANT, IGNORED */
	/* PASSED, KEPT: where in cpu_state, and what a value must be (NULL: anything) */
	u16 parts, offset;
	bool (*valid)(const struct vcpu *v, u64 *value);
	/* EMULATED; NULL: #GP */
	bool (*read)(struct vcpu *v, u32 msr, u64 *value);
	bool (*write)(struct vcpu *v, u32 msr, u64 value);
};

/* For msr_rules.c. */
struct cpuid_table;
extern struct msr_machine msr_machine;
bool msr_ignored(const struct cpuid_table *t);

extern const struct msr_rule msr_rules[]; /* sorted, no overlap */
extern const unsigned msr_rule_count;

const char *msr_kind_name(unsigned kind);
const char *msr_condition_name(unsigned only); /* "" for always */

#endif
