/*
 * audit.h - what must hold at each entry of a guest, checked by somebody else
 *
 * Owns: a record for each VM and vCPU, beside the hypervisor's own; the rules that know no vendor;
 * what is said of a violation, and the counts.
 * Must not know: the variables by which the hypervisor decides what to flush, reload or intercept:
 * a bug there is what it looks for.  Vendors' control blocks (amd/svm_audit.c, intel/vmx_audit.c).
 *
 * The audit is linked around the same object files as the usual image: the linker turns calls
 * of some functions into calls of ours (--wrap in hv.mk), so nothing of it stands in the code that
 * it watches.  It sees what an emulator forgives: a missed flush, a shared ASID, a stale
 * clean bit, an intercept that is missing.
 */
#ifndef ESPEJO_AUDIT_AUDIT_H
#define ESPEJO_AUDIT_AUDIT_H

#include "audit/tlb.h"
#include "audit/tree.h"
#include "vm/vm.h"

/*
 * asid: tags of translations; flush: translations that should be gone; clean: what the CPU may
 * have cached of a control block; intercepts: what must exit; maps: permission maps of ports and
 * MSRs; events: what is injected; shadows: of interrupts; short: answers of the short way behind an
 * instruction that stood in a shadow (what holds there is a rule of "shadows"); tables: the nested
 * ones; host: what the CPU needs to come back.
 */
#define AUDIT_RULES_LIST(X)                                                                        \
	X(ASID, "asid")                                                                            \
	X(FLUSH, "flush")                                                                          \
	X(CLEAN, "clean")                                                                          \
	X(INTERCEPTS, "intercepts")                                                                \
	X(MAPS, "maps")                                                                            \
	X(EVENTS, "events")                                                                        \
	X(SHADOWS, "shadows")                                                                      \
	X(SHORT, "short")                                                                          \
	X(TABLES, "tables")                                                                        \
	X(HOST, "host")

enum audit_rule {
#define X(name, text) AUDIT_##name,
	AUDIT_RULES_LIST(X)
#undef X
	    AUDIT_RULES
};

#define AUDIT_EVERY 64	  /* at each of so many entries all tables are looked at */
#define AUDIT_SELDOM 1024 /* and the maps, which hardly change */
#define AUDIT_VMS 64
#define AUDIT_VCPUS 512 /* a power of two */
#define AUDIT_TEXT 200
#define AUDIT_PENDING 4

struct audit_vm {
	struct vm *vm; /* NULL: free */
	u64 serial;    /* no other VM has had it */
	struct tree tree;
	u64 root;	 /* as the CPU was given it last; 0: not yet */
	u64 tables, due; /* see struct tlb_user */
	u64 changing;	 /* CPUs that change the tables, or have not yet asked for flushes */
	bool touched;	 /* the tables may differ from the copy */
};

/* Of the guest's modes, what translations depend on. */
struct audit_mode {
	u64 cr0, cr3, cr4;
};

struct audit_vcpu {
	struct vcpu *v; /* NULL: free */
	struct audit_vm *vm;
	u64 serial;
	u64 entries; /* short ones too */
	u64 stay;
	unsigned cpu; /* of the last entry */
	bool ran;
	/* As the guest left it. */
	struct audit_mode mode;
	u64 rip;
	bool shadow;
	bool retries; /* it left at an access to memory: the instruction is tried again, or emulated
		       */
	bool nmi_blocked; /* an NMI was delivered, and no IRET has been seen */
	bool tagged;	  /* it has run under tag, on this CPU */
	u64 tag;
	void *image; /* a page for the vendor */
	/* Found where nothing may be said. */
	unsigned found;
	char text[AUDIT_PENDING][AUDIT_TEXT];
};

/* The record; NULL: it is no vCPU of a VM that was created. */
struct audit_vcpu *audit_find(const struct vcpu *v);
struct audit_vm *audit_vm(const struct vm *vm);
/* The VM within whose size bytes, its back end's part included, p points. */
struct audit_vm *audit_vm_around(const void *p, size_t size);
void audit_add(struct vm *vm, const struct tree_format *format);
void audit_remove(struct vm *vm);
/* Its CPU is as after RESET or INIT: what the record remembers of events is void. */
void audit_reset(struct audit_vcpu *a);

/* ---- Violations ---- */

/* The rule was looked at once. */
void audit_count(const struct audit_vcpu *a, enum audit_rule rule);
/* Unless good: say that what should be expected but is found. */
void audit_expect(struct audit_vcpu *a, enum audit_rule rule, bool good, const char *what,
		  u64 expected, u64 found);
static inline void audit_equal(struct audit_vcpu *a, enum audit_rule rule, const char *what,
			       u64 expected, u64 found)
{
	audit_expect(a, rule, expected == found, what, expected, found);
}
/* Say what was found since the last time: where the host is whole. */
void audit_say(struct audit_vcpu *a);
u64 audit_violations(enum audit_rule rule);
/* Counts of all rules, as lines "audit: RULE entries=N violations=N"; the number of violations. */
u64 audit_summary(void);

/* ---- Rules of all vendors, in the order of an entry ---- */

/* An entry begins on this CPU: the first one there, or the first since another CPU? */
void audit_enter(struct audit_vcpu *a, unsigned cpu);
/* An entry by the short way. */
void audit_short(struct audit_vcpu *a);
/* Is it time to look at all tables?  At the maps? */
static inline bool audit_whole(const struct audit_vcpu *a)
{
	return a->entries % AUDIT_EVERY == 1 || a->vm->touched;
}
static inline bool audit_seldom(const struct audit_vcpu *a)
{
	return a->entries % AUDIT_SELDOM == 1;
}
/* The tables at root, which the CPU is given: compared with the copy, and every leaf if whole. */
void audit_tables(struct audit_vcpu *a, u64 root, bool whole);
/* The copy becomes what the tables are now, and what was lost is counted. */
void audit_tables_update(struct audit_vm *vm);
/* Would the instructions that change the mode from was to now have flushed? */
bool audit_mode_flushes(const struct audit_mode *was, const struct audit_mode *now);
/* A tag that no other vCPU may have while this one is there. */
void audit_tag_owner(struct audit_vcpu *a, u64 tag);
/* The flushes of the entry have been told to the model; does it need one more? */
void audit_translations(struct audit_vcpu *a, u64 tag, bool by_root, const struct audit_mode *mode);
/* A shadow at rip: the guest's own, at the instruction at which it left, or an emulated one's. */
void audit_shadow(struct audit_vcpu *a, u64 rip, bool shadow, bool injects);

struct audit_event {
	bool valid;
	u8 type; /* enum event_type; EVENT_NONE: a reserved one */
	u8 vector;
	bool has_error, reserved;
	u64 raw;
};
struct audit_moment {
	bool interrupts, shadow, nmi_blocked, protected_mode;
};
/* May this be injected now? */
void audit_event(struct audit_vcpu *a, const struct audit_event *e, const struct audit_moment *m);

/* Is this MSR one of the few that a guest may have to itself?  docs/machine.md */
bool audit_msr_passes(const struct vm *vm, u32 msr);
/*
 * A map of bits, one for each port or MSR from first on, step bits apart: set, but for what passes
 * (msr), or all.
 */
void audit_map(struct audit_vcpu *a, const char *what, const void *map, u64 bytes);
struct audit_msr_map {
	const u8 *map;
	u32 first, count;
	unsigned step, offset; /* bits from one MSR to the next, and of the one looked at */
	const char *what;
};
void audit_msr_map(struct audit_vcpu *a, const struct audit_msr_map *m);

/* ---- Changes ---- */

/* The tables are made larger: nobody must be asked for a flush. */
void audit_touched(struct audit_vm *vm, unsigned cpu);
/* This CPU begins to change the tables; it has done all that belongs to a change. */
void audit_changing(struct audit_vm *vm, unsigned cpu);
void audit_changed(struct audit_vm *vm, unsigned cpu);

#endif
