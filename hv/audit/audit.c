/* audit.c - see audit.h */
#include "audit/audit.h"

#include "lib/fmt.h"
#include "vm/cpuid_rules.h"

#define LIMIT 200 /* violations after which going on makes no sense */
#define SAID 8	  /* of each rule, so many are printed */

static struct audit_vm vms[AUDIT_VMS];
static struct audit_vcpu vcpus[AUDIT_VCPUS]; /* by address: a hash */
static struct host_lock lock;
static u64 serials; /* given away */

static struct {
	u64 looked[AUDIT_RULES];
} counts[HOST_MAX_CPUS];
static u64 violations[AUDIT_RULES];

static const char *const names[] = {
#define X(name, text) [AUDIT_##name] = text,
	AUDIT_RULES_LIST(X)
#undef X
};

/* ---- Records --------------------------------------------------------------------- */

static unsigned slot_of(const struct vcpu *v)
{
	return (unsigned)((uintptr_t)v >> 6) % AUDIT_VCPUS;
}

struct audit_vcpu *audit_find(const struct vcpu *v)
{
	for (unsigned i = 0; i < AUDIT_VCPUS; i++) {
		struct audit_vcpu *a = &vcpus[(slot_of(v) + i) % AUDIT_VCPUS];

		if (READ_ONCE(a->v) == v)
			return a;
		if (!a->serial)
			return NULL;
	}
	return NULL;
}

struct audit_vm *audit_vm(const struct vm *vm)
{
	for (unsigned i = 0; i < AUDIT_VMS; i++)
		if (READ_ONCE(vms[i].vm) == vm)
			return &vms[i];
	return NULL;
}

struct audit_vm *audit_vm_around(const void *p, size_t size)
{
	for (unsigned i = 0; i < AUDIT_VMS; i++) {
		const struct vm *vm = READ_ONCE(vms[i].vm);

		if (vm && (uintptr_t)p - (uintptr_t)vm < size)
			return &vms[i];
	}
	return NULL;
}

static void add_vcpu(struct audit_vm *vm, struct vcpu *v)
{
	unsigned i = slot_of(v), tried = 0;

	while (vcpus[i % AUDIT_VCPUS].v)
		check(++i && ++tried < AUDIT_VCPUS);
	vcpus[i % AUDIT_VCPUS] = (struct audit_vcpu){ .vm = vm, .serial = ++serials };
	vcpus[i % AUDIT_VCPUS].image = host_alloc_pages(0);
	if (!vcpus[i % AUDIT_VCPUS].image)
		panic("audit: no memory for a record");
	WRITE_ONCE(vcpus[i % AUDIT_VCPUS].v, v);
}

void audit_add(struct vm *vm, const struct tree_format *format)
{
	struct audit_vm *a = NULL;

	host_lock(&lock);
	for (unsigned i = 0; i < AUDIT_VMS && !a; i++)
		if (!vms[i].vm)
			a = &vms[i];
	if (!a)
		panic("audit: more than %u VMs", AUDIT_VMS);
	*a = (struct audit_vm){ .serial = ++serials, .tree.format = format, .touched = true };
	WRITE_ONCE(a->vm, vm);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		add_vcpu(a, vm->vcpu[i]);
	host_unlock(&lock);
}

/* The serial stays, so that a search goes on behind. */
void audit_remove(struct vm *vm)
{
	struct audit_vm *a = audit_vm(vm);

	if (!a)
		return;
	host_lock(&lock);
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct audit_vcpu *v = audit_find(vm->vcpu[i]);

		check(v);
		host_free_pages(v->image, 0);
		v->image = NULL;
		WRITE_ONCE(v->v, NULL);
	}
	tree_free(&a->tree);
	WRITE_ONCE(a->vm, NULL);
	host_unlock(&lock);
}

void audit_reset(struct audit_vcpu *a)
{
	a->nmi_blocked = false;
	a->shadow = false;
}

/* ---- Violations -------------------------------------------------------------------- */

void audit_count(const struct audit_vcpu *a, enum audit_rule rule)
{
	counts[a->cpu].looked[rule]++;
}

void audit_expect(struct audit_vcpu *a, enum audit_rule rule, bool good, const char *what,
		  u64 expected, u64 found)
{
	if (likely(good))
		return;
	if (__atomic_add_fetch(&violations[rule], 1, __ATOMIC_RELAXED) > SAID ||
	    a->found == AUDIT_PENDING)
		return;
	fmt_string(a->text[a->found++], AUDIT_TEXT,
		   "audit: %s: %s: expected %#llx, there is %#llx, %s vCPU %u, CPU %u, entry %llu",
		   names[rule], what, (unsigned long long)expected, (unsigned long long)found,
		   a->v->vm->config.name, a->v->index, a->cpu, (unsigned long long)a->entries);
}

u64 audit_violations(enum audit_rule rule)
{
	return __atomic_load_n(&violations[rule], __ATOMIC_RELAXED);
}

static u64 all_violations(void)
{
	u64 sum = 0;

	for (unsigned rule = 0; rule < AUDIT_RULES; rule++)
		sum += audit_violations(rule);
	return sum;
}

void audit_say(struct audit_vcpu *a)
{
	if (likely(!a->found))
		return;
	for (unsigned i = 0; i < a->found; i++)
		host_log("%s", a->text[i]);
	a->found = 0;
	if (all_violations() > LIMIT)
		panic("audit: more than %u violations", LIMIT);
}

u64 audit_summary(void)
{
	for (unsigned rule = 0; rule < AUDIT_RULES; rule++) {
		u64 looked = 0;

		for (unsigned cpu = 0; cpu < HOST_MAX_CPUS; cpu++)
			looked += READ_ONCE(counts[cpu].looked[rule]);
		host_log("audit: %s entries=%llu violations=%llu", names[rule],
			 (unsigned long long)looked, (unsigned long long)audit_violations(rule));
	}
	return all_violations();
}

/* ---- Translations ------------------------------------------------------------------- */

void audit_enter(struct audit_vcpu *a, unsigned cpu)
{
	if (!a->ran || a->cpu != cpu) {
		a->stay++;
		a->tagged = false;
	}
	a->cpu = cpu;
	a->entries++;
	audit_changed(a->vm, cpu);
}

void audit_short(struct audit_vcpu *a)
{
	a->entries++;
	if (a->shadow)
		audit_count(a, AUDIT_SHORT);
}

/*
 * [APM] vol. 2 "Implicit Invalidations" in "TLB Management" (5.5), [SDM] "Operations that
 * Invalidate TLBs and Paging-Structure Caches" (4.10.4.1).  With PCIDs, translations of another
 * one may stay.
 */
bool audit_mode_flushes(const struct audit_mode *was, const struct audit_mode *now)
{
	u64 cr0 = was->cr0 ^ now->cr0, cr4 = was->cr4 ^ now->cr4, cr3 = was->cr3 ^ now->cr3;

	if ((cr0 & CR0_PG) || (cr4 & (CR4_PSE | CR4_PAE | CR4_PGE)))
		return true;
	if ((cr4 & was->cr4 & CR4_PCIDE) || (cr4 & now->cr4 & CR4_SMEP))
		return true;
	if (!(now->cr0 & CR0_PG) || !cr3)
		return false;
	return !(now->cr4 & CR4_PCIDE) || !(cr3 & CR3_PCID);
}

/* Somebody else has just changed the tables, and asked: its kick is on the way. */
static bool asked_to_flush(const struct vcpu *v)
{
	return __atomic_load_n(&v->requests, __ATOMIC_SEQ_CST) & REQUEST_FLUSH;
}

void audit_translations(struct audit_vcpu *a, u64 tag, bool by_root, const struct audit_mode *mode)
{
	struct tlb_user u = { .vcpu = a->serial,
			      .root = a->vm->root,
			      .by_root = by_root,
			      .tables = READ_ONCE(a->vm->tables),
			      .due = READ_ONCE(a->vm->due),
			      .stay = a->stay };
	bool held = tlb_holds(a->cpu, tag, a->serial);
	enum tlb_verdict verdict;

	audit_count(a, AUDIT_ASID);
	audit_count(a, AUDIT_FLUSH);
	verdict = tlb_enter(a->cpu, tag, &u);
	if (verdict == TLB_STALE && asked_to_flush(a->v))
		verdict = TLB_GOOD;
	audit_expect(a, verdict == TLB_NO_TAG || verdict == TLB_SHARED ? AUDIT_ASID : AUDIT_FLUSH,
		     verdict == TLB_GOOD, tlb_text(verdict), u.due, tag);
	if (held && a->tagged && a->tag == tag)
		audit_expect(a, AUDIT_FLUSH, !audit_mode_flushes(&a->mode, mode),
			     "a flush since CR0, CR3 or CR4 was changed for it", a->mode.cr3,
			     mode->cr3);
	a->tag = tag;
	a->tagged = true;
	a->mode = *mode;
}

void audit_tag_owner(struct audit_vcpu *a, u64 tag)
{
	if (a->tagged && !audit_whole(a))
		return;
	for (unsigned i = 0; i < AUDIT_VCPUS; i++) {
		struct audit_vcpu *other = &vcpus[i];

		if (other != a && READ_ONCE(other->v) && other->ran && tag)
			audit_expect(a, AUDIT_ASID, other->tag != tag, "a tag of its own", 0, tag);
	}
}

void audit_touched(struct audit_vm *vm, unsigned cpu UNUSED)
{
	WRITE_ONCE(vm->touched, true);
}

void audit_changing(struct audit_vm *vm, unsigned cpu)
{
	__atomic_or_fetch(&vm->changing, BIT(cpu), __ATOMIC_SEQ_CST);
	audit_touched(vm, cpu);
}

void audit_changed(struct audit_vm *vm, unsigned cpu)
{
	if (READ_ONCE(vm->changing) & BIT(cpu))
		__atomic_and_fetch(&vm->changing, ~BIT(cpu), __ATOMIC_SEQ_CST);
}

/* ---- Events -------------------------------------------------------------------------- */

/*
 * [SDM] "STI - Set Interrupt Flag", "MOV - Move", "POP" (vol. 2), [APM] vol. 2 "Interrupt Shadows"
 * (15.21.5).  Only these make a shadow, and it lasts for one instruction.
 */
void audit_shadow(struct audit_vcpu *a, u64 rip, bool shadow, bool injects)
{
	audit_count(a, AUDIT_SHADOWS);
	if (!a->ran)
		return;
	if (rip != a->rip)
		audit_expect(a, AUDIT_SHADOWS, !shadow || a->retries,
			     "no shadow behind an instruction that exited, at", a->rip, rip);
	else if (a->retries && a->shadow)
		audit_expect(a, AUDIT_SHADOWS, shadow || injects,
			     "the shadow of an instruction that is tried again, at", a->rip, rip);
	if (injects)
		audit_expect(a, AUDIT_SHADOWS, !shadow, "no shadow behind a delivery, at", a->rip,
			     rip);
}

/* Vectors whose exceptions push an error code.  [SDM] "Error Code" (6.13); #VC and #SX are AMD's */
#define WITH_ERROR                                                                                 \
	(BIT(VECTOR_DF) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | BIT(VECTOR_GP) |      \
	 BIT(VECTOR_PF) | BIT(VECTOR_AC) | BIT(VECTOR_CP))
#define EXCEPTIONS 32

static bool has_error_code(const struct audit_event *e, const struct audit_moment *m)
{
	return e->type == EVENT_EXCEPTION && m->protected_mode && e->vector < EXCEPTIONS &&
	       (WITH_ERROR & BIT(e->vector));
}

void audit_event(struct audit_vcpu *a, const struct audit_event *e, const struct audit_moment *m)
{
	audit_count(a, AUDIT_EVENTS);
	if (!e->valid)
		return;
	audit_expect(a, AUDIT_EVENTS, e->type != EVENT_NONE && !e->reserved,
		     "an event of a defined type, no reserved bits", 0, e->raw);
	audit_expect(a, AUDIT_EVENTS, e->has_error == has_error_code(e, m),
		     "an error code as the vector wants it", has_error_code(e, m), e->raw);
	switch (e->type) {
	case EVENT_INTR:
		audit_expect(a, AUDIT_EVENTS, m->interrupts && !m->shadow,
			     "an interrupt with IF set and no shadow", RFLAGS_IF, e->raw);
		break;
	case EVENT_NMI:
		audit_expect(a, AUDIT_EVENTS, e->vector == VECTOR_NMI, "vector 2 of an NMI",
			     VECTOR_NMI, e->vector);
		audit_expect(a, AUDIT_EVENTS, !m->nmi_blocked, "an NMI while none is handled", 0,
			     e->raw);
		break;
	case EVENT_EXCEPTION:
		audit_expect(a, AUDIT_EVENTS, e->vector < EXCEPTIONS && e->vector != VECTOR_NMI,
			     "an exception's vector", 0, e->vector);
		break;
	}
}

/* ---- Maps ---------------------------------------------------------------------------- */

static const struct passed {
	u32 first, last;
	u32 leaf; /* the CPUID bit that says that there is one */
	u8 reg, bit;
} passed[] = {
	{ MSR_SYSENTER_CS, MSR_SYSENTER_EIP, 1, CPUID_EDX, 11 },
	{ MSR_PKRS, MSR_PKRS, 7, CPUID_ECX, 31 },
	{ MSR_STAR, MSR_STAR, 0x80000001, CPUID_EDX, 11 },
	{ MSR_LSTAR, MSR_CSTAR, 0x80000001, CPUID_EDX, 29 },
	{ MSR_SFMASK, MSR_SFMASK, 0x80000001, CPUID_EDX, 11 },
	{ MSR_FS_BASE, MSR_KERNEL_GS_BASE, 0x80000001, CPUID_EDX, 29 },
};

bool audit_msr_passes(const struct vm *vm, u32 msr)
{
	for (unsigned i = 0; i < ARRAY_SIZE(passed); i++)
		if (msr >= passed[i].first && msr <= passed[i].last)
			return cpuid_has(&vm->cpuid, passed[i].leaf, passed[i].reg, passed[i].bit);
	return false;
}

void audit_map(struct audit_vcpu *a, const char *what, const void *map, u64 bytes)
{
	const u64 *word = map;

	for (u64 i = 0; i < bytes / sizeof(u64); i++)
		audit_expect(a, AUDIT_MAPS, word[i] == ~0ull, what, i * 64, word[i]);
}

void audit_msr_map(struct audit_vcpu *a, const struct audit_msr_map *m)
{
	for (u32 i = 0; i < m->count; i++) {
		unsigned bit = i * m->step + m->offset;
		bool passes = audit_msr_passes(a->v->vm, m->first + i);

		audit_expect(a, AUDIT_MAPS, !(m->map[bit / 8] & BIT(bit % 8)) == passes, m->what,
			     m->first + i, m->map[bit / 8]);
	}
}
