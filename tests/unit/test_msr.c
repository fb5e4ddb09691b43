/* test_msr.c - model-specific registers: vm/msr.c, vm/msr_rules.c */
#include <CUnit/CUnit.h>
#include <string.h>

#include "cpuid_samples.h"
#include "fake_virt.h"
#include "vm/msr.h"

void test_msr_register(void);

static unsigned machine;
static struct vm *vm;
static struct vcpu *v;

static struct cpuid_regs read_machine(u32 leaf, u32 subleaf)
{
	return cpuid_sample_read(&cpuid_machine[machine], leaf, subleaf);
}

static void start(unsigned which, const char *model)
{
	struct vm_config config = { .name = "t", .memory = MiB(4), .vcpus = 1, .weight = 100 };
	char error[200];

	machine = which;
	fake_virt_reset();
	fake_host.cpuid = read_machine;
	strcpy(config.cpu, model);
	CU_ASSERT_EQUAL_FATAL(vm_create(&config, &vm, error, sizeof(error)), 0);
	v = vm->vcpu[0];
	fake_vcpu_settle(v);
}

static void finish(void)
{
	vm_free(vm);
	CU_ASSERT(fake_host_clean());
}

/* ~0 stands for #GP; no test below expects it as a value. */
static u64 rd(u32 msr)
{
	u64 value = 0;

	return msr_read(v, msr, &value) ? value : ~0ull;
}

static bool wr(u32 msr, u64 value)
{
	return msr_write(v, msr, value);
}

static void test_rules(void)
{
	for (unsigned i = 0; i < msr_rule_count; i++) {
		const struct msr_rule *r = &msr_rules[i];

		CU_ASSERT(r->first <= r->last);
		if (i)
			CU_ASSERT(r[-1].last < r->first);
		CU_ASSERT_PTR_NOT_NULL(r->name);
		if (r->kind != MSR_PASSED)
			CU_ASSERT_PTR_NOT_NULL(r->reason);
		if (r->kind == MSR_PASSED || r->kind == MSR_KEPT)
			CU_ASSERT(r->parts && r->offset < sizeof(struct cpu_state));
		if (r->kind == MSR_EMULATED)
			CU_ASSERT(r->read || r->write);
		CU_ASSERT_STRING_NOT_EQUAL(msr_kind_name(r->kind), "?");
		CU_ASSERT_STRING_NOT_EQUAL(msr_condition_name(r->only), "?");
	}
}

/* Absent: #GP both ways, on every machine. */
static void test_absent(void)
{
	static const u32 absent[] = { 0x3a,	  0x48,	      0x49,	  0xc1,	      0xe7,
				      0x10a,	  0x17b,      0x186,	  0x198,      0x345,
				      0x400,	  0x480,      0xd90,	  0x12345,    0x40000000,
				      0x4b564d00, 0xc0000104, 0xc0010117, 0xc0010200, 0xffffffff };

	for (unsigned which = 0; which < MACHINES; which++) {
		start(which, "bare");
		for (unsigned i = 0; i < ARRAY_SIZE(absent); i++) {
			CU_ASSERT_EQUAL(rd(absent[i]), ~0ull);
			CU_ASSERT(!wr(absent[i], 0));
		}
		finish();
	}
}

static void test_efer(void)
{
	start(QEMU_MAX, "bare");
	CU_ASSERT(!wr(MSR_EFER, EFER_SVME));
	CU_ASSERT(!wr(MSR_EFER, EFER_LMSLE));
	CU_ASSERT(!wr(MSR_EFER, BIT(1)));
	CU_ASSERT(!wr(MSR_EFER, BIT(63)));
	CU_ASSERT_EQUAL(rd(MSR_EFER), 0);
	CU_ASSERT(wr(MSR_EFER, EFER_LME | EFER_NXE | EFER_SCE | EFER_LMA));
	CU_ASSERT_EQUAL(rd(MSR_EFER), EFER_LME | EFER_NXE | EFER_SCE); /* LMA is not for writing */
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.efer, EFER_LME | EFER_NXE | EFER_SCE);
	fake_mode_long(v);
	CU_ASSERT(!wr(MSR_EFER, EFER_SCE)); /* LME while paging */
	CU_ASSERT(wr(MSR_EFER, EFER_LME | EFER_SCE));
	CU_ASSERT_EQUAL(rd(MSR_EFER), EFER_LME | EFER_LMA | EFER_SCE);
	finish();

	start(BOCHS_SKYLAKE_X, "bare");
	CU_ASSERT(!wr(MSR_EFER, EFER_FFXSR)); /* AMD's */
	finish();
	start(BOCHS_RYZEN, "bare");
	CU_ASSERT(wr(MSR_EFER, EFER_FFXSR));
	finish();
}

static void test_pat(void)
{
	start(QEMU_MAX, "bare");
	CU_ASSERT_EQUAL(rd(MSR_PAT), PAT_RESET);
	CU_ASSERT(!wr(MSR_PAT, 0x0007040600070402));
	CU_ASSERT(!wr(MSR_PAT, 0x0307040600070406));
	CU_ASSERT(!wr(MSR_PAT, 0x0800000000000000));
	CU_ASSERT_EQUAL(rd(MSR_PAT), PAT_RESET);
	CU_ASSERT(wr(MSR_PAT, 0x0001040506070000));
	CU_ASSERT_EQUAL(rd(MSR_PAT), 0x0001040506070000);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.pat, 0x0001040506070000);
	finish();
}

static void test_mtrr(void)
{
	start(QEMU_MAX, "bare"); /* 40 physical bits */
	CU_ASSERT_EQUAL(rd(MSR_MTRRCAP), 0x508);
	CU_ASSERT(!wr(MSR_MTRRCAP, 0x508));
	CU_ASSERT(!wr(0x200, 2));     /* type */
	CU_ASSERT(!wr(0x200, 7));     /* UC- is PAT's */
	CU_ASSERT(!wr(0x200, 0x106)); /* bits 11..8 */
	CU_ASSERT(!wr(0x200, BIT(40) | 6));
	CU_ASSERT(!wr(0x201, BIT(40) | 0x800));
	CU_ASSERT(!wr(0x201, 0x400));
	CU_ASSERT(!wr(0x250, 0x0606060606060602));
	CU_ASSERT(!wr(0x268, 0x0800000000000000));
	CU_ASSERT(!wr(MSR_MTRR_DEF_TYPE, 0x1000));
	CU_ASSERT(!wr(MSR_MTRR_DEF_TYPE, 0xc02));
	CU_ASSERT_EQUAL(rd(0x210), ~0ull); /* a ninth pair */
	for (u32 msr = 0x200; msr < 0x210; msr++) {
		CU_ASSERT(wr(msr, (u64)msr << 12 | (msr % 2 ? 0x800 : 6)));
		CU_ASSERT_EQUAL(rd(msr), (u64)msr << 12 | (msr % 2 ? 0x800 : 6));
	}
	for (u32 msr = 0x250; msr < 0x270; msr++) {
		bool there = msr == 0x250 || msr == 0x258 || msr == 0x259 || msr >= 0x268;

		CU_ASSERT_EQUAL(wr(msr, 0x0504050406040100 + ((u64)(msr & 1) << 16)), there);
		CU_ASSERT_EQUAL(rd(msr) != ~0ull, there);
	}
	CU_ASSERT(wr(MSR_MTRR_DEF_TYPE, 0xc06));
	CU_ASSERT_EQUAL(rd(0x200), 0x200006); /* no two share a place */
	CU_ASSERT_EQUAL(rd(0x250), 0x0504050406040100);
	CU_ASSERT_EQUAL(rd(0x26f), 0x0504050406050100);
	msr_after_firmware(v);
	CU_ASSERT_EQUAL(rd(MSR_MTRR_DEF_TYPE), 0xc06);
	CU_ASSERT_EQUAL(rd(0x200), 0xe0000000);
	CU_ASSERT_EQUAL(rd(0x201), 0xffe0000800);
	CU_ASSERT_EQUAL(rd(0x259), 0);
	msr_reset(v);
	CU_ASSERT_EQUAL(rd(MSR_MTRR_DEF_TYPE), 0);
	finish();
}

static void test_tsc(void)
{
	start(BOCHS_SKYLAKE_X, "bare");
	fake_host.tsc = 1000;
	fake_host.tsc_step = 0;
	CU_ASSERT(wr(MSR_TSC, 5000));
	CU_ASSERT_EQUAL(rd(MSR_TSC), 5000);
	fake_host.tsc += 7;
	CU_ASSERT_EQUAL(rd(MSR_TSC), 5007);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.tsc_offset, 4000);
	CU_ASSERT(wr(MSR_TSC_ADJUST, rd(MSR_TSC_ADJUST) + 100));
	CU_ASSERT_EQUAL(rd(MSR_TSC), 5107);
	CU_ASSERT(wr(MSR_TSC_ADJUST, rd(MSR_TSC_ADJUST) - 107));
	CU_ASSERT_EQUAL(rd(MSR_TSC), 5000);
	finish();
	start(QEMU_MAX, "bare"); /* has no TSC_ADJUST */
	CU_ASSERT_EQUAL(rd(MSR_TSC_ADJUST), ~0ull);
	CU_ASSERT(!wr(MSR_TSC_ADJUST, 0));
	CU_ASSERT_EQUAL(rd(MSR_TSC_DEADLINE), ~0ull);
	finish();
}

/* An armed deadline is a value of the TSC: moving the TSC moves the alarm. */
static void test_deadline_moves(void)
{
	u64 before, after;

	start(BOCHS_SKYLAKE_X, "bare");
	fake_host.tsc_step = 0;
	host_lock(&vm->lock);
	CU_ASSERT(lapic_set_base(&v->lapic, lapic_base(&v->lapic)));
	lapic_mmio_write(&v->lapic, 0xf0, 4, 0x1ff);
	lapic_mmio_write(&v->lapic, 0x320, 4, 0x40040); /* TSC-deadline mode */
	host_unlock(&vm->lock);
	CU_ASSERT(wr(MSR_TSC_DEADLINE, rd(MSR_TSC) + 1000000));
	CU_ASSERT_NOT_EQUAL(rd(MSR_TSC_DEADLINE), 0);
	CU_ASSERT_FATAL(v->lapic.alarm.armed);
	before = v->lapic.alarm.when_ns;
	CU_ASSERT(wr(MSR_TSC_ADJUST, rd(MSR_TSC_ADJUST) + 400000));
	CU_ASSERT_FATAL(v->lapic.alarm.armed);
	after = v->lapic.alarm.when_ns;
	CU_ASSERT_EQUAL(before - after, 400000); /* the fake TSC counts nanoseconds */
	finish();
}

/* Centuries away is never, all ones too; it must not be taken for past. */
static void test_deadline_far(void)
{
	static const u64 far[] = { BIT(62), BIT(63), BIT(63) + 1, ~0ull };

	start(BOCHS_SKYLAKE_X, "bare");
	host_lock(&vm->lock);
	CU_ASSERT(lapic_set_base(&v->lapic, lapic_base(&v->lapic)));
	lapic_mmio_write(&v->lapic, 0xf0, 4, 0x1ff);
	lapic_mmio_write(&v->lapic, 0x320, 4, 0x40040); /* TSC-deadline mode */
	host_unlock(&vm->lock);
	for (unsigned i = 0; i < ARRAY_SIZE(far); i++) {
		CU_ASSERT(wr(MSR_TSC_DEADLINE, far[i]));
		CU_ASSERT_EQUAL(rd(MSR_TSC_DEADLINE), far[i]);
		CU_ASSERT(!lapic_pending(&v->lapic));
	}
	fake_host.tsc += 1000;
	CU_ASSERT(wr(MSR_TSC_DEADLINE, 1)); /* past */
	CU_ASSERT_EQUAL(rd(MSR_TSC_DEADLINE), 0);
	finish();
}

static void test_lapic_doors(void)
{
	start(BOCHS_SKYLAKE_X, "bare");
	CU_ASSERT_EQUAL(rd(MSR_APIC_BASE), APIC_DEFAULT_BASE | APIC_BASE_ENABLE | APIC_BASE_BSP);
	CU_ASSERT_EQUAL(rd(0x802), ~0ull); /* not in x2APIC mode */
	CU_ASSERT(!wr(MSR_APIC_BASE, rd(MSR_APIC_BASE) | 1));
	CU_ASSERT(!wr(MSR_APIC_BASE, rd(MSR_APIC_BASE) | BIT(45)));
	CU_ASSERT(wr(MSR_APIC_BASE, rd(MSR_APIC_BASE) | APIC_BASE_X2APIC));
	CU_ASSERT_EQUAL(rd(0x802), 0);
	CU_ASSERT(!wr(0x802, 1));
	CU_ASSERT(wr(0x80b, 0));
	CU_ASSERT(!host_locked(&vm->lock));
	finish();
	start(QEMU_MAX, "bare"); /* no x2APIC there */
	CU_ASSERT(!wr(MSR_APIC_BASE, rd(MSR_APIC_BASE) | APIC_BASE_X2APIC));
	finish();
	start(QEMU_MAX, "v1");
	CU_ASSERT(wr(MSR_APIC_BASE, rd(MSR_APIC_BASE) | APIC_BASE_X2APIC));
	CU_ASSERT_EQUAL(rd(0x802), 0);
	finish();
}

static void test_canonical(void)
{
	static const u32 bases[] = { MSR_LSTAR,	      MSR_CSTAR,	  MSR_FS_BASE,
				     MSR_GS_BASE,     MSR_KERNEL_GS_BASE, MSR_SYSENTER_ESP,
				     MSR_SYSENTER_EIP };

	for (unsigned i = 0; i < ARRAY_SIZE(bases); i++) {
		start(BOCHS_RYZEN, "bare"); /* 48 bits */
		CU_ASSERT(!wr(bases[i], BIT(47)));
		CU_ASSERT(!wr(bases[i], BIT(63)));
		CU_ASSERT_EQUAL(rd(bases[i]), 0);
		CU_ASSERT(wr(bases[i], 0xffff800000000000));
		CU_ASSERT_EQUAL(rd(bases[i]), 0xffff800000000000);
		finish();
		start(QEMU_MAX, "bare"); /* LA57 */
		CU_ASSERT(wr(bases[i], BIT(47)));
		CU_ASSERT(!wr(bases[i], BIT(56)));
		CU_ASSERT(wr(bases[i], BITS(63, 56)));
		finish();
	}
	start(QEMU_MAX, "bare");
	CU_ASSERT(wr(MSR_GS_BASE, 0x1234));
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.seg[SEG_GS].base, 0x1234);
	CU_ASSERT(wr(MSR_STAR, 0x8000000000000000));
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.star, 0x8000000000000000);
	finish();
}

static void test_vendors(void)
{
	start(BOCHS_SKYLAKE_X, "bare");
	CU_ASSERT_EQUAL(rd(0xc0010000), ~0ull);
	CU_ASSERT_EQUAL(rd(0xc0010015), ~0ull);
	CU_ASSERT_EQUAL(rd(MSR_PLATFORM_ID), 0);
	CU_ASSERT_EQUAL(rd(MSR_BIOS_SIGN_ID), BIT(32));
	CU_ASSERT(wr(0x79, 0x1000));
	CU_ASSERT_EQUAL(rd(0x79), ~0ull);
	CU_ASSERT(!wr(MSR_TSC_AUX, BIT(32)));
	CU_ASSERT(wr(MSR_TSC_AUX, 5));
	CU_ASSERT_EQUAL(rd(MSR_TSC_AUX), 5);
	CU_ASSERT_EQUAL(rd(MSR_MISC_ENABLE), 0x41801);
	CU_ASSERT(!wr(MSR_MISC_ENABLE, BIT(22)));
	CU_ASSERT(!wr(MSR_MISC_ENABLE, BIT(34)));
	CU_ASSERT(wr(MSR_MISC_ENABLE, 0));
	CU_ASSERT_EQUAL(rd(MSR_MISC_ENABLE), 0x41800);
	finish();

	start(QEMU_MAX, "bare");
	CU_ASSERT_EQUAL(rd(MSR_PLATFORM_ID), ~0ull);
	CU_ASSERT_EQUAL(rd(MSR_MISC_ENABLE), ~0ull);
	CU_ASSERT_EQUAL(rd(MSR_BIOS_SIGN_ID), 0x01000065);
	for (u32 msr = 0xc0010000; msr < 0xc0010008; msr++) {
		CU_ASSERT(wr(msr, 0x430076));
		CU_ASSERT_EQUAL(rd(msr), 0);
	}
	CU_ASSERT_EQUAL(rd(0xc0010008), ~0ull);
	CU_ASSERT_EQUAL(rd(0xc0010114), 0x18);
	CU_ASSERT(wr(0xc0010114, 0));
	CU_ASSERT_EQUAL(rd(0xc0010114), 0x18);
	CU_ASSERT(!wr(0xc0010015, BIT(40)));
	CU_ASSERT(wr(0xc0010015, BIT(18)));
	CU_ASSERT_EQUAL(rd(0xc0010015), BIT(24));
	CU_ASSERT_EQUAL(rd(0xc001001a), MiB(4));
	CU_ASSERT_EQUAL(rd(0xc001001d), 0);
	CU_ASSERT(wr(MSR_TSC_AUX, BIT(32) | 9));
	CU_ASSERT_EQUAL(rd(MSR_TSC_AUX), 9);
	finish();

	start(QEMU_MAX, "v1"); /* nobody's */
	CU_ASSERT_EQUAL(rd(MSR_BIOS_SIGN_ID), 0);
	CU_ASSERT(wr(0xc0010000, 1));
	CU_ASSERT_EQUAL(rd(MSR_TSC_AUX), ~0ull); /* RDTSCP is not in v1 */
	finish();
}

static void test_machine_check_and_debug(void)
{
	start(BOCHS_RYZEN, "bare");
	CU_ASSERT_EQUAL(rd(MSR_MCG_CAP), 0);
	CU_ASSERT(!wr(MSR_MCG_CAP, 0));
	CU_ASSERT(wr(MSR_MCG_STATUS, 4));
	CU_ASSERT_EQUAL(rd(MSR_MCG_STATUS), 0);
	CU_ASSERT(!wr(MSR_MCG_STATUS, 8));
	CU_ASSERT(wr(MSR_DEBUGCTL, 3));
	CU_ASSERT_EQUAL(rd(MSR_DEBUGCTL), 0);
	CU_ASSERT(!wr(MSR_DEBUGCTL, BIT(6)));
	CU_ASSERT_EQUAL(rd(0x1db), 0);
	finish();
}

/* A machine that ignores what it lacks, as QEMU and Bochs do. */
static void test_ignored(void)
{
	static const struct msr_machine lenient = {
		.ignores = true, .misc_enable = 0x40001, .perf_status = 77, .mcg_cap = 0x100010a
	};
	static const u32 absent[] = { 0x3a,  0x48,   0xc1,	0x199,
				      0x480, 0x1234, 0xc0010117, 0xdeadbeef };

	msr_set_machine(&lenient);
	start(QEMU_MAX, "bare");
	for (unsigned i = 0; i < ARRAY_SIZE(absent); i++) {
		CU_ASSERT(wr(absent[i], ~0ull));
		CU_ASSERT_EQUAL(rd(absent[i]), 0);
	}
	CU_ASSERT_EQUAL(rd(MSR_MISC_ENABLE), 0x40001);
	CU_ASSERT(wr(MSR_MISC_ENABLE, 0x400c51889));
	CU_ASSERT_EQUAL(rd(MSR_MISC_ENABLE), 0x400c51889);
	CU_ASSERT_EQUAL(rd(MSR_PERF_STATUS), 77);
	CU_ASSERT_EQUAL(rd(0xc0010020), 0); /* write-only */
	/* A register that is there keeps its rules. */
	CU_ASSERT(!wr(MSR_PAT, 2));
	CU_ASSERT(!wr(MSR_MTRRCAP, 0));
	finish();

	start(QEMU_MAX, "v1");
	CU_ASSERT_EQUAL(rd(0x1234), ~0ull);
	CU_ASSERT(!wr(0x1234, 0));
	CU_ASSERT_EQUAL(rd(MSR_MCG_CAP), 0);
	finish();
	msr_set_machine(&(struct msr_machine){ 0 });
}

static void test_banks(void)
{
	static const struct msr_machine lenient = { .ignores = true, .mcg_cap = 0x100050a };

	msr_set_machine(&lenient);
	start(QEMU_MAX, "bare");
	CU_ASSERT_EQUAL(rd(MSR_MCG_CAP), 0x100010a); /* no CMCI */
	CU_ASSERT(wr(MSR_MCG_STATUS, 7));
	CU_ASSERT_EQUAL(rd(MSR_MCG_STATUS), 7);
	CU_ASSERT(wr(0x17b, 5));
	CU_ASSERT_EQUAL(rd(0x17b), 5);
	CU_ASSERT(wr(0x400, 0));
	CU_ASSERT_EQUAL(rd(0x400), 0);
	CU_ASSERT(wr(0x400, 6)); /* CTL is all or nothing */
	CU_ASSERT_EQUAL(rd(0x400), 0);
	CU_ASSERT(wr(0x425, 6));
	CU_ASSERT_EQUAL(rd(0x425), 6);
	CU_ASSERT(wr(0x428, 6)); /* behind the last bank */
	CU_ASSERT_EQUAL(rd(0x428), 0);
	CU_ASSERT(wr(0x47f, 6));
	CU_ASSERT_EQUAL(rd(0x47f), 0);
	msr_reset(v);
	CU_ASSERT_EQUAL(rd(0x425), 0);
	finish();

	msr_set_machine(&(struct msr_machine){ .mcg_cap = 0x100050a });
	start(QEMU_MAX, "bare"); /* a machine check there is real, and the host's */
	CU_ASSERT_EQUAL(rd(MSR_MCG_CAP), 0);
	CU_ASSERT_EQUAL(rd(0x17b), ~0ull);
	CU_ASSERT_EQUAL(rd(0x400), ~0ull);
	CU_ASSERT(!wr(0x401, 0));
	finish();
	msr_set_machine(&(struct msr_machine){ 0 });
}

/* PKRS has 32 bits; XSS comes with XSAVES and has none. */
static void test_state_controls(void)
{
	start(QEMU_MAX, "bare");
	CU_ASSERT(wr(MSR_PKRS, 0xfffffff0));
	CU_ASSERT_EQUAL(rd(MSR_PKRS), 0xfffffff0);
	CU_ASSERT(!wr(MSR_PKRS, BIT(32)));
	CU_ASSERT(cpuid_cr4_allowed(&vm->cpuid) & CR4_PKS);
	CU_ASSERT_EQUAL(rd(MSR_XSS), ~0ull);
	finish();

	start(BOCHS_SKYLAKE_X, "bare");
	CU_ASSERT(!(cpuid_cr4_allowed(&vm->cpuid) & CR4_PKS));
	CU_ASSERT_EQUAL(rd(MSR_PKRS), ~0ull);
	CU_ASSERT(cpuid_has_xsaves(&vm->cpuid));
	CU_ASSERT_EQUAL(rd(MSR_XSS), 0);
	CU_ASSERT(wr(MSR_XSS, 0));
	CU_ASSERT(!wr(MSR_XSS, BIT(11)));
	finish();

	start(BOCHS_SKYLAKE_X, "v1");
	CU_ASSERT(!cpuid_has_xsaves(&vm->cpuid));
	CU_ASSERT_EQUAL(rd(MSR_XSS), ~0ull);
	finish();
}

/* What passes without an exit is told to the back end, both ways, and nothing else. */
static u32 passed[64];
static unsigned passed_count, switched_on;

static void record(struct vm *machine_of UNUSED, const struct trap *trap)
{
	if (trap->kind != TRAP_MSR_READ && trap->kind != TRAP_MSR_WRITE)
		return;
	switched_on += trap->on;
	for (u32 msr = trap->first; msr <= trap->last && passed_count < ARRAY_SIZE(passed); msr++)
		passed[passed_count++] = msr;
}

static void test_traps(void)
{
	static const u32 expected[] = { MSR_SYSENTER_CS,   MSR_SYSENTER_ESP, MSR_SYSENTER_EIP,
					MSR_PKRS,
					MSR_STAR,	   MSR_LSTAR,	     MSR_CSTAR,
					MSR_SFMASK,	   MSR_FS_BASE,	     MSR_GS_BASE,
					MSR_KERNEL_GS_BASE };
	const struct virt_ops *real;
	struct virt_ops ops;

	start(QEMU_MAX, "bare");
	real = virt;
	ops = *real;
	ops.trap = record;
	virt = &ops;
	passed_count = switched_on = 0;
	msr_init(vm);
	virt = real;
	CU_ASSERT_EQUAL(switched_on, 0);
	CU_ASSERT_EQUAL_FATAL(passed_count, 2 * ARRAY_SIZE(expected));
	for (unsigned i = 0; i < passed_count; i++)
		CU_ASSERT_EQUAL(passed[i], expected[i / 2]);
	finish();
}

void test_msr_register(void)
{
	CU_pSuite suite = CU_add_suite("msr", NULL, NULL);

	CU_add_test(suite, "rules are sorted, disjoint, reasoned", test_rules);
	CU_add_test(suite, "absent registers", test_absent);
	CU_add_test(suite, "registers that the machine ignores", test_ignored);
	CU_add_test(suite, "machine-check banks", test_banks);
	CU_add_test(suite, "PKRS, XSS", test_state_controls);
	CU_add_test(suite, "EFER", test_efer);
	CU_add_test(suite, "PAT", test_pat);
	CU_add_test(suite, "MTRRs", test_mtrr);
	CU_add_test(suite, "TSC and TSC_ADJUST", test_tsc);
	CU_add_test(suite, "a moving TSC moves its deadline", test_deadline_moves);
	CU_add_test(suite, "a deadline that never comes", test_deadline_far);
	CU_add_test(suite, "APIC_BASE and x2APIC", test_lapic_doors);
	CU_add_test(suite, "canonical addresses", test_canonical);
	CU_add_test(suite, "vendors", test_vendors);
	CU_add_test(suite, "machine checks, DEBUGCTL", test_machine_check_and_debug);
	CU_add_test(suite, "what passes without an exit", test_traps);
}
