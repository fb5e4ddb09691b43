/* test_cpuid.c - what a virtual CPU says that it is: vm/cpuid*.c */
#include <CUnit/CUnit.h>
#include <string.h>

#include "cpuid_samples.h"
#include "fake_virt.h"
#include "vm/cpuid_rules.h"

void test_cpuid_register(void);

static unsigned machine;
static u32 cut_leaf, cut_ecx, cut_edx; /* features taken away from the machine */
static bool everything;		       /* a machine with every bit set in feature leaves */

static struct cpuid_regs read_machine(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r = cpuid_sample_read(&cpuid_machine[machine], leaf, subleaf);

	if (leaf == cut_leaf) {
		r.ecx &= ~cut_ecx;
		r.edx &= ~cut_edx;
	}
	if (everything && leaf == 0)
		r.eax = 0x24;
	else if (everything && leaf == 0x80000000)
		r.eax = 0x80000028;
	else if (everything && leaf == 0x80000008)
		r = (struct cpuid_regs){ 0x3934, ~0u, ~0u, ~0u };
	else if (everything && leaf == 0xd && subleaf > 1)
		r = (struct cpuid_regs){ 64, 576 + 64 * subleaf, 0, 0 };
	else if (everything && (leaf < 0x40000000 || leaf >= 0x80000000))
		r = (struct cpuid_regs){ ~0u, ~0u, ~0u, ~0u };
	return r;
}

static struct vm *make(unsigned which, const char *model, unsigned vcpus)
{
	struct vm_config config = { .name = "t", .memory = MiB(4), .vcpus = vcpus, .weight = 100 };
	struct vm *vm = NULL;
	char error[200] = "";

	machine = which;
	fake_virt_reset();
	fake_host.cpuid = read_machine;
	strcpy(config.cpu, model);
	CU_ASSERT_EQUAL_FATAL(vm_create(&config, &vm, error, sizeof(error)), 0);
	for (unsigned i = 0; i < vcpus; i++)
		fake_vcpu_settle(vm->vcpu[i]);
	return vm;
}

static void finish(struct vm *vm)
{
	vm_free(vm);
	CU_ASSERT(fake_host_clean());
}

static bool same(struct cpuid_regs a, struct cpuid_regs b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

/* ---- The rules --------------------------------------------------------------- */

static void test_rules(void)
{
	for (unsigned i = 0; i < cpuid_rule_count; i++) {
		const struct cpuid_rule *a = &cpuid_rules[i];

		CU_ASSERT(a->high <= 31 && a->low <= a->high && a->reg <= CPUID_ALL);
		CU_ASSERT_PTR_NOT_NULL(a->name);
		if (a->policy == CPUID_HIDDEN || a->policy == CPUID_EMULATED)
			CU_ASSERT_PTR_NOT_NULL(a->reason);
		if (i)
			CU_ASSERT(a[-1].leaf < a->leaf ||
				  (a[-1].leaf == a->leaf && a[-1].subleaf <= a->subleaf));
		for (unsigned j = 0; j < i; j++) {
			const struct cpuid_rule *b = &cpuid_rules[j];

			CU_ASSERT(
			    a->leaf != b->leaf || a->subleaf != b->subleaf ||
			    (a->reg != b->reg && a->reg != CPUID_ALL && b->reg != CPUID_ALL) ||
			    a->low > b->high || b->low > a->high);
		}
	}
}

/* On a machine that has everything, hidden bits and bits without a rule stay clear. */
static void test_default_is_hidden(void)
{
	struct vm *vm;

	everything = true;
	vm = make(QEMU_MAX, "bare", 1);
	everything = false;
	for (unsigned i = 0; i < vm->cpuid.count; i++) {
		const struct cpuid_leaf *e = &vm->cpuid.leaf[i];

		for (unsigned bit = 0; bit < 128; bit++) {
			struct cpuid_regs r = e->regs;
			bool allowed = false;

			if (!(*cpuid_reg(&r, bit / 32) & BIT(bit % 32)))
				continue;
			for (unsigned j = 0; j < cpuid_rule_count; j++) {
				const struct cpuid_rule *rule = &cpuid_rules[j];

				allowed |= rule->leaf == e->leaf &&
					   (rule->subleaf == e->subleaf ||
					    rule->subleaf == CPUID_ANY_SUBLEAF) &&
					   (rule->reg == bit / 32 || rule->reg == CPUID_ALL) &&
					   bit % 32 >= rule->low && bit % 32 <= rule->high &&
					   rule->policy != CPUID_HIDDEN;
			}
			CU_ASSERT(allowed);
		}
	}
	CU_ASSERT(!cpuid_has(&vm->cpuid, 1, CPUID_ECX, 5));	     /* VMX */
	CU_ASSERT(!cpuid_has(&vm->cpuid, 0x80000001, CPUID_ECX, 2)); /* SVM */
	CU_ASSERT(!cpuid_has(&vm->cpuid, 7, CPUID_ECX, 5));	     /* WAITPKG */
	CU_ASSERT_EQUAL(cpuid_xcr0_allowed(&vm->cpuid), 0x2e7);
	CU_ASSERT(!(cpuid_cr4_allowed(&vm->cpuid) & (CR4_VMXE | CR4_SMXE | CR4_CET)));
	CU_ASSERT(!(cpuid_efer_allowed(&vm->cpuid) & (EFER_SVME | EFER_LMSLE | EFER_LMA)));
	CU_ASSERT_EQUAL(vm->cpuid.max_basic, 0x1f);
	CU_ASSERT_EQUAL(vm->cpuid.max_extended, 0x8000001f);
	finish(vm);
}

static void test_table_order(void)
{
	for (unsigned which = 0; which < MACHINES; which++) {
		struct vm *vm = make(which, "bare", 8);
		const struct cpuid_table *t = &vm->cpuid;

		for (unsigned i = 1; i < t->count; i++)
			CU_ASSERT(t->leaf[i - 1].leaf < t->leaf[i].leaf ||
				  (t->leaf[i - 1].leaf == t->leaf[i].leaf &&
				   t->leaf[i - 1].subleaf < t->leaf[i].subleaf));
		for (u32 n = 0; n < 32; n++)
			CU_ASSERT(!t->basic[n] || t->leaf[t->basic[n] - 1].leaf == n);
		finish(vm);
	}
}

/* ---- Models -------------------------------------------------------------------- */

static void test_no_such_model(void)
{
	static struct cpuid_table t;
	const char *missing = NULL;

	machine = QEMU_MAX;
	CU_ASSERT_EQUAL(cpuid_build(&t, "v2", read_machine, 1, &missing), -HOST_EINVAL);
	CU_ASSERT_EQUAL(cpuid_build(&t, "", read_machine, 1, &missing), -HOST_EINVAL);
	CU_ASSERT_STRING_EQUAL(missing, "");
}

static void test_v1_missing(void)
{
	static const struct {
		u32 leaf, ecx, edx;
		const char *name;
	} cuts[] = {
		{ 1, BIT(20), 0, "SSE4.2" },	  { 1, BIT(13), 0, "CMPXCHG16B" },
		{ 1, BIT(23), 0, "POPCNT" },	  { 0x80000001, 1, 0, "LAHF/SAHF in 64-bit mode" },
		{ 0x80000001, 0, BIT(20), "NX" }, { 1, 0, BIT(26), "SSE2" },
	};
	static struct cpuid_table t;
	const char *missing;

	machine = BOCHS_RYZEN;
	for (unsigned i = 0; i < ARRAY_SIZE(cuts); i++) {
		cut_leaf = cuts[i].leaf;
		cut_ecx = cuts[i].ecx;
		cut_edx = cuts[i].edx;
		CU_ASSERT_EQUAL(cpuid_build(&t, "v1", read_machine, 1, &missing), -HOST_ENOTSUP);
		CU_ASSERT_STRING_EQUAL(missing, cuts[i].name);
	}
	cut_leaf = ~0u;
	CU_ASSERT_EQUAL(cpuid_build(&t, "v1", read_machine, 1, &missing), 0);
}

/* v1 is the same everywhere. */
static void test_v1_is_one(void)
{
	static struct cpuid_table t[MACHINES];
	const char *missing;

	for (machine = 0; machine < MACHINES; machine++)
		CU_ASSERT_EQUAL(cpuid_build(&t[machine], "v1", read_machine, 2, &missing), 0);
	CU_ASSERT_EQUAL(memcmp(&t[0], &t[1], sizeof(t[0])), 0);
	CU_ASSERT_EQUAL(memcmp(&t[0], &t[2], sizeof(t[0])), 0);
	CU_ASSERT_EQUAL(memcmp(&t[0].leaf[0].regs.ebx, "Espe", 4), 0);
	CU_ASSERT_EQUAL(memcmp(&t[0].leaf[0].regs.edx, "joEs", 4), 0);
	CU_ASSERT_EQUAL(memcmp(&t[0].leaf[0].regs.ecx, "pejo", 4), 0);
	CU_ASSERT(t[0].hypervisor);
	CU_ASSERT(cpuid_has(&t[0], 1, CPUID_ECX, 31));
	CU_ASSERT(cpuid_has(&t[0], 1, CPUID_ECX, 21)); /* x2APIC, which QEMU lacks */
	CU_ASSERT(cpuid_has(&t[0], 1, CPUID_ECX, 24));
	CU_ASSERT(!cpuid_has(&t[0], 1, CPUID_ECX, 26)); /* XSAVE */
	CU_ASSERT_EQUAL(cpuid_maxphyaddr(&t[0]), 39);
	CU_ASSERT_EQUAL(cpuid_xcr0_allowed(&t[0]), 0);
	CU_ASSERT_EQUAL(cpuid_efer_allowed(&t[0]), EFER_SCE | EFER_LME | EFER_NXE);
}

static void test_v1_hypervisor_leaf(void)
{
	struct vm *vm = make(BOCHS_RYZEN, "v1", 1);
	struct cpuid_regs r = cpuid_get(vm->vcpu[0], 0x40000000, 0);

	CU_ASSERT_EQUAL(r.eax, 0x40000000);
	CU_ASSERT_EQUAL(memcmp(&r.ebx, "EspejoEspejo", 12), 0);
	r = cpuid_get(vm->vcpu[0], 0x40000001, 0);
	CU_ASSERT_EQUAL(r.eax | r.ebx | r.ecx | r.edx, 0);
	finish(vm);
}

/*
 * Leaf 0x15: the TSC's frequency as a fraction of the LAPIC timer's.  Linux multiplies the
 * crystal's kHz by EBX in 32 bits.
 */
static void check_clocks(u64 tsc_hz, u64 lapic_hz)
{
	struct cpuid_table t;
	const char *missing;
	const struct cpuid_leaf *e;
	u64 told;

	fake_host.tsc_hz = tsc_hz;
	CU_ASSERT_EQUAL(cpuid_build(&t, "bare", read_machine, 1, &missing), 0);
	fake_host.tsc_hz = 0;
	e = cpuid_fixed(&t, 0x15);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	CU_ASSERT(e->regs.eax && e->regs.ebx);
	CU_ASSERT_EQUAL(e->regs.ecx, lapic_hz);
	CU_ASSERT(e->regs.ecx / 1000ull * e->regs.ebx <= 0xffffffff);
	told = (u64)e->regs.ecx * e->regs.ebx / e->regs.eax;
	CU_ASSERT(told - tsc_hz + tsc_hz / 1000 <= tsc_hz / 500);
}

static void test_clocks(void)
{
	struct vm *vm;

	fake_virt_reset();
	machine = BOCHS_SKYLAKE_X;
	check_clocks(50000000, 50000000);
	check_clocks(50030000, 50000000);
	check_clocks(1000000000, 1000000000);
	check_clocks(2593000000, 1000000000);
	check_clocks(3999987000, 1000000000);
	check_clocks(5123450000, 1000000000);
	vm = make(QEMU_MAX, "bare", 1); /* has no such leaf */
	CU_ASSERT_PTR_NULL(cpuid_fixed(&vm->cpuid, 0x15));
	finish(vm);
}

/* Emulated, but no part of v1: a guest that halts exits once, one that waits for a store twice. */
static void test_monitor(void)
{
	for (unsigned which = 0; which < MACHINES; which++) {
		struct vm *vm = make(which, "bare", 1);

		CU_ASSERT_TRUE(cpuid_has(&vm->cpuid, 1, CPUID_ECX, CPUID_1_ECX_MONITOR));
		finish(vm);
		vm = make(which, "v1", 1);
		CU_ASSERT_FALSE(cpuid_has(&vm->cpuid, 1, CPUID_ECX, CPUID_1_ECX_MONITOR));
		finish(vm);
	}
}

/* What bare changes of a one-CPU machine: the hidden bits, and nothing else. */
static void test_bare_fidelity(void)
{
	static const struct {
		u32 leaf;
		u32 ebx, ecx, edx; /* bits that may differ */
	} hidden[] = {
		{ 1, 0,
		  BIT(2) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(10) | BIT(14) |
		      BIT(15) | BIT(18),
		  BIT(21) | BIT(22) | BIT(29) | BIT(31) },
		{ 7, BIT(2) | BIT(4) | BIT(11) | BIT(12) | BIT(14) | BIT(15) | BIT(22) | BIT(25),
		  BIT(31), 0 },
		{ 0x80000001, 0,
		  BIT(2) | BIT(3) | BIT(9) | BIT(10) | BIT(12) | BIT(13) | BIT(17) | BIT(23) |
		      BIT(24) | BIT(26) | BIT(28),
		  0 },
	};
	static const u32 equal[] = { 0x0,	 0x2,	     0x5,	 0x16,	     0x40000000,
				     0x80000000, 0x80000002, 0x80000003, 0x80000004,
				     0x80000005, 0x80000006, 0x80000008, 0x80000019 };

	for (unsigned which = 0; which < MACHINES; which++) {
		struct vm *vm = make(which, "bare", 1);
		struct vcpu *v = vm->vcpu[0];

		fake_mode_long(v);
		for (unsigned i = 0; i < ARRAY_SIZE(equal); i++)
			if (equal[i] <= (equal[i] >= 0x80000000	  ? vm->cpuid.max_extended
					 : equal[i] >= 0x40000000 ? vm->cpuid.max_hypervisor
								  : vm->cpuid.max_basic))
				CU_ASSERT(
				    same(cpuid_get(v, equal[i], 0), read_machine(equal[i], 0)));
		for (unsigned i = 0; i < ARRAY_SIZE(hidden); i++) {
			struct cpuid_regs a = cpuid_get(v, hidden[i].leaf, 0);
			struct cpuid_regs b = read_machine(hidden[i].leaf, 0);

			CU_ASSERT_EQUAL((a.ebx ^ b.ebx) & ~hidden[i].ebx, 0);
			CU_ASSERT_EQUAL((a.ecx ^ b.ecx) & ~hidden[i].ecx, 0);
			CU_ASSERT_EQUAL((a.edx ^ b.edx) & ~hidden[i].edx, 0);
		}
		CU_ASSERT(!vm->cpuid.hypervisor);
		finish(vm);
	}
}

/* A hypervisor with services (as KVM's) is not passed on; a mere name is. */
static struct cpuid_regs read_kvm(u32 leaf, u32 subleaf)
{
	if (leaf == 0x40000000)
		return (struct cpuid_regs){ 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d };
	if (leaf == 0x40000001)
		return (struct cpuid_regs){ 0x1007efb, 0, 0, 0 };
	return read_machine(leaf, subleaf);
}

static void test_foreign_hypervisor(void)
{
	static struct cpuid_table t;
	const char *missing;

	machine = QEMU_MAX;
	CU_ASSERT_EQUAL(cpuid_build(&t, "bare", read_kvm, 1, &missing), 0);
	CU_ASSERT(!cpuid_has(&t, 1, CPUID_ECX, 31));
	CU_ASSERT_EQUAL(t.max_hypervisor, 0);
	CU_ASSERT_EQUAL(cpuid_build(&t, "bare", read_machine, 1, &missing), 0);
	CU_ASSERT(cpuid_has(&t, 1, CPUID_ECX, 31));
}

/* ---- Answers -------------------------------------------------------------------- */

static void test_beyond(void)
{
	static const u32 beyond[] = { 0x20,	  0x1000,     0x3fffffff, 0x40000002,
				      0x7fffffff, 0x80000020, 0xc0000000, ~0u };

	for (unsigned which = 0; which < MACHINES; which++) {
		struct vm *vm = make(which, "bare", 1);
		struct cpuid_regs last = cpuid_get(vm->vcpu[0], vm->cpuid.max_basic, 0),
				  none = { 0 };

		for (unsigned i = 0; i < ARRAY_SIZE(beyond); i++)
			CU_ASSERT(same(cpuid_get(vm->vcpu[0], beyond[i], 0),
				       which == BOCHS_RYZEN ? none : last));
		finish(vm);
	}
}

static void test_dynamic(void)
{
	struct vm *vm = make(QEMU_MAX, "bare", 2);
	struct vcpu *v = vm->vcpu[1];
	u64 off;

	CU_ASSERT_EQUAL(cpuid_get(v, 1, 0).ebx >> 24, 1);
	CU_ASSERT_EQUAL(cpuid_get(v, 1, 0).ebx >> 16 & 0xff, 2);
	CU_ASSERT(cpuid_get(v, 1, 0).edx & BIT(28));
	CU_ASSERT(!(cpuid_get(v, 1, 0).ecx & BIT(27)));
	CU_ASSERT(cpuid_get(v, 1, 0).edx & BIT(9));
	CU_ASSERT(!(cpuid_get(v, 7, 0).ecx & BIT(4)));
	vcpu_state(v, STATE_ALL)->cr4 |= CR4_OSXSAVE | CR4_PKE;
	fake_vcpu_settle(v);
	CU_ASSERT(cpuid_get(v, 1, 0).ecx & BIT(27));
	CU_ASSERT(cpuid_get(v, 7, 0).ecx & BIT(4));
	off = lapic_base(&v->lapic) & ~APIC_BASE_ENABLE;
	host_lock(&vm->lock);
	CU_ASSERT(lapic_set_base(&v->lapic, off));
	host_unlock(&vm->lock);
	CU_ASSERT(!(cpuid_get(v, 1, 0).edx & BIT(9)));
	CU_ASSERT(!(cpuid_get(v, 0x80000001, 0).edx & BIT(9)));
	CU_ASSERT(cpuid_get(vm->vcpu[0], 1, 0).edx & BIT(9));
	finish(vm);
}

static void test_topology(void)
{
	struct vm *vm = make(QEMU_MAX, "bare", 3);
	struct vcpu *v = vm->vcpu[2];
	struct cpuid_regs r = cpuid_get(v, 0xb, 0);

	CU_ASSERT(same(r, (struct cpuid_regs){ 0, 1, 0x100, 2 }));
	CU_ASSERT(same(cpuid_get(v, 0xb, 1), (struct cpuid_regs){ 2, 3, 0x201, 2 }));
	CU_ASSERT(same(cpuid_get(v, 0xb, 2), (struct cpuid_regs){ 0, 0, 2, 2 }));
	CU_ASSERT(same(cpuid_get(v, 0xb, 0x1ff), (struct cpuid_regs){ 0, 0, 0xff, 2 }));
	CU_ASSERT_EQUAL(cpuid_get(v, 0x80000008, 0).ecx, 0x2002);
	CU_ASSERT(cpuid_get(v, 0x80000001, 0).ecx & BIT(1));
	finish(vm);

	vm = make(BOCHS_RYZEN, "bare", 4);
	v = vm->vcpu[3];
	CU_ASSERT(same(cpuid_get(v, 0x8000001e, 0), (struct cpuid_regs){ 3, 3, 0, 0 }));
	CU_ASSERT_EQUAL(cpuid_get(v, 0x8000001d, 3).eax, 0xc163);
	CU_ASSERT_EQUAL(cpuid_get(v, 0x8000001d, 0).eax, 0x121);
	CU_ASSERT_EQUAL(cpuid_get(v, 0x8000001d, 4).eax, 0);
	finish(vm);

	vm = make(BOCHS_SKYLAKE_X, "bare", 4);
	CU_ASSERT_EQUAL(cpuid_get(vm->vcpu[0], 4, 0).eax, 0x0c000121);
	CU_ASSERT_EQUAL(cpuid_get(vm->vcpu[0], 4, 3).eax, 0x0c00c163);
	CU_ASSERT_EQUAL(cpuid_get(vm->vcpu[0], 4, 4).eax, 0);
	CU_ASSERT_EQUAL(cpuid_get(vm->vcpu[0], 0x80000008, 0).ecx, 0);
	finish(vm);
}

static void test_xsave(void)
{
	struct vm *vm = make(BOCHS_SKYLAKE_X, "bare", 1);
	struct vcpu *v = vm->vcpu[0];
	static const struct {
		u64 xcr0;
		u32 size, compacted;
	} cases[] = {
		{ 1, 576, 576 },
		{ 3, 576, 576 },
		{ 7, 832, 832 },
		{ 0xe7, 0xa80, 832 + 64 + 512 + 1024 },
	};

	CU_ASSERT_EQUAL(cpuid_xcr0_allowed(&vm->cpuid), 0xe7);
	CU_ASSERT_EQUAL(cpuid_get(v, 0xd, 1).eax, 0xf); /* XSAVES too */
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		vcpu_state(v, STATE_ALL)->xcr0 = cases[i].xcr0;
		fake_vcpu_settle(v);
		CU_ASSERT_EQUAL(cpuid_get(v, 0xd, 0).ebx, cases[i].size);
		CU_ASSERT_EQUAL(cpuid_get(v, 0xd, 0).ecx, 0xa80);
		CU_ASSERT_EQUAL(cpuid_get(v, 0xd, 1).ebx, cases[i].compacted);
	}
	CU_ASSERT_EQUAL(cpuid_get(v, 0xd, 3).eax, 0);
	CU_ASSERT_EQUAL(cpuid_get(v, 0xd, 7).eax, 0x400);
	finish(vm);

	vm = make(QEMU_MAX, "bare", 1); /* MPX is not passed on */
	CU_ASSERT_EQUAL(cpuid_xcr0_allowed(&vm->cpuid), 0x207);
	CU_ASSERT_EQUAL(cpuid_get(vm->vcpu[0], 0xd, 3).eax, 0);
	CU_ASSERT_EQUAL(cpuid_get(vm->vcpu[0], 0xd, 0).ecx, 0xa88);
	finish(vm);
}

static void test_intel_syscall_bit(void)
{
	struct vm *vm = make(BOCHS_SKYLAKE_X, "bare", 1);
	struct vcpu *v = vm->vcpu[0];

	fake_mode_flat32(v);
	CU_ASSERT(!(cpuid_get(v, 0x80000001, 0).edx & BIT(11)));
	fake_mode_long(v);
	CU_ASSERT(cpuid_get(v, 0x80000001, 0).edx & BIT(11));
	CU_ASSERT(cpuid_efer_allowed(&vm->cpuid) & EFER_SCE);
	finish(vm);
}

static void test_controls(void)
{
	struct vm *vm = make(QEMU_MAX, "bare", 1);
	u64 cr4 = cpuid_cr4_allowed(&vm->cpuid);

	CU_ASSERT_EQUAL(cr4 & (CR4_LA57 | CR4_UMIP | CR4_SMEP | CR4_SMAP | CR4_PKE | CR4_OSXSAVE),
			CR4_LA57 | CR4_UMIP | CR4_SMEP | CR4_SMAP | CR4_PKE | CR4_OSXSAVE);
	CU_ASSERT_EQUAL(cr4 & (CR4_PCIDE | CR4_VMXE | CR4_SMXE | CR4_CET), 0);
	CU_ASSERT_EQUAL(cpuid_maxphyaddr(&vm->cpuid), 40);
	CU_ASSERT_EQUAL(cpuid_efer_allowed(&vm->cpuid),
			EFER_SCE | EFER_LME | EFER_NXE |
			    (read_machine(0x80000001, 0).edx & BIT(25) ? EFER_FFXSR : 0));
	finish(vm);
}

void test_cpuid_register(void)
{
	CU_pSuite suite = CU_add_suite("cpuid", NULL, NULL);

	CU_add_test(suite, "rules are sorted, disjoint, reasoned", test_rules);
	CU_add_test(suite, "what no rule names is hidden", test_default_is_hidden);
	CU_add_test(suite, "table is sorted and indexed", test_table_order);
	CU_add_test(suite, "no such model", test_no_such_model);
	CU_add_test(suite, "v1 names what the machine lacks", test_v1_missing);
	CU_add_test(suite, "v1 is the same on all machines", test_v1_is_one);
	CU_add_test(suite, "v1's hypervisor leaf", test_v1_hypervisor_leaf);
	CU_add_test(suite, "the clocks' frequencies", test_clocks);
	CU_add_test(suite, "MONITOR", test_monitor);
	CU_add_test(suite, "bare differs in hidden bits only", test_bare_fidelity);
	CU_add_test(suite, "another hypervisor's services", test_foreign_hypervisor);
	CU_add_test(suite, "beyond the last leaf", test_beyond);
	CU_add_test(suite, "bits that follow the vCPU", test_dynamic);
	CU_add_test(suite, "topology", test_topology);
	CU_add_test(suite, "XSAVE sizes", test_xsave);
	CU_add_test(suite, "Intel's SYSCALL bit", test_intel_syscall_bit);
	CU_add_test(suite, "CR4, EFER, address width", test_controls);
}
