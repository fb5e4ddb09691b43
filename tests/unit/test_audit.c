/*
 * test_audit.c - the audit of entries: what it must find, and what it must let pass
 *
 * A machine of the fake back end, VMCBs and nested tables made by hand.
 */
#include "machine.h"

#include "amd/svm_audit.h"
#include "fake_host.h"
#include "fake_virt.h"
#include "vm/irq.h"

void test_audit_register(void);

static struct vm *vm;
static struct audit_vcpu *a;
static const struct svm_audit_machine machine = { .asids = 16 };

static void set_up(void)
{
	fake_host_reset();
	vm = fake_vm_make(MiB(4), 2);
	audit_add(vm, &svm_audit_format);
	a = audit_find(vm->vcpu[0]);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	for (unsigned cpu = 0; cpu < fake_host.cpus; cpu++)
		tlb_flush_all(cpu);
	audit_enter(a, 0);
}

static void tear_down(void)
{
	audit_remove(vm);
	CU_ASSERT_PTR_NULL(audit_find(vm->vcpu[0]));
	fake_vm_free(vm);
	CU_ASSERT(fake_host_clean());
}

/* Does what is done find a violation of that rule, and of no other? */
#define FINDS(rule, what)                                                                          \
	do {                                                                                       \
		u64 before = only(rule);                                                           \
		what;                                                                              \
		CU_ASSERT_TRUE((s64)(only(rule) - before) > 0);                                    \
	} while (0)
#define PASSES(what)                                                                               \
	do {                                                                                       \
		u64 before = sum();                                                                \
		what;                                                                              \
		CU_ASSERT_EQUAL(sum(), before);                                                    \
	} while (0)

static u64 sum(void)
{
	u64 n = 0;

	for (unsigned rule = 0; rule < AUDIT_RULES; rule++)
		n += audit_violations(rule);
	return n;
}

/* Grows with those of the rule, shrinks with others. */
static u64 only(enum audit_rule rule)
{
	return 2 * audit_violations(rule) - sum();
}

/* ---- The model of a TLB ----------------------------------------------------------------- */

static enum tlb_verdict enter(unsigned cpu, u64 tag, const struct tlb_user *u)
{
	return tlb_enter(cpu, tag, u);
}

static void test_tlb(void)
{
	struct tlb_user one = { .vcpu = 1, .root = 0x1000, .stay = 1 };
	struct tlb_user two = { .vcpu = 2, .root = 0x2000, .stay = 1 };

	fake_host_reset();
	tlb_flush_all(0);
	tlb_flush_all(1);
	CU_ASSERT_EQUAL(enter(0, 0, &one), TLB_NO_TAG);
	CU_ASSERT_EQUAL(enter(0, TLB_TAGS, &one), TLB_NO_TAG);
	CU_ASSERT_EQUAL(enter(0, 1, &one), TLB_GOOD);
	CU_ASSERT_EQUAL(enter(0, 1, &two), TLB_SHARED);
	CU_ASSERT_EQUAL(enter(1, 1, &one), TLB_GOOD); /* another CPU */
	tlb_flush_tag(0, 1);
	CU_ASSERT_EQUAL(enter(0, 1, &one), TLB_GOOD);
	/* What was taken away is due later than it happens. */
	one.tables = 1;
	CU_ASSERT_EQUAL(enter(0, 1, &one), TLB_GOOD);
	one.due = 1;
	CU_ASSERT_EQUAL(enter(0, 1, &one), TLB_STALE);
	one.tables = one.due = 2;
	tlb_flush_tag(0, 2); /* the wrong one */
	CU_ASSERT_EQUAL(enter(0, 1, &one), TLB_STALE);
	one.tables = one.due = 3;
	tlb_flush_all(0);
	CU_ASSERT_EQUAL(enter(0, 1, &one), TLB_GOOD);
	/* Back from another CPU. */
	one.stay = 3;
	CU_ASSERT_EQUAL(enter(0, 1, &one), TLB_FROM_BEFORE);
	/* Where the root of the tables is a part of the tag. */
	one.by_root = two.by_root = true;
	CU_ASSERT_EQUAL(enter(0, 1, &two), TLB_GOOD);
	one.root = two.root;
	CU_ASSERT_EQUAL(enter(0, 1, &one), TLB_SHARED);
	tlb_flush_root(0, two.root);
	CU_ASSERT_EQUAL(enter(0, 1, &two), TLB_GOOD);
	two.tables = two.due = 9;
	tlb_forgive(2, 0, 9);
	CU_ASSERT_EQUAL(enter(0, 1, &two), TLB_GOOD);
}

static void test_mode(void)
{
	const struct audit_mode off = { 0, 0x1000, 0 };
	const struct audit_mode on = { CR0_PG | CR0_PE, 0x1000, CR4_PAE };
	struct audit_mode other = on;

	CU_ASSERT_TRUE(audit_mode_flushes(&off, &on));
	CU_ASSERT_TRUE(audit_mode_flushes(&on, &off));
	CU_ASSERT_FALSE(audit_mode_flushes(&on, &on));
	other.cr0 |= CR0_TS | CR0_WP;
	CU_ASSERT_FALSE(audit_mode_flushes(&on, &other));
	other.cr4 |= CR4_PGE;
	CU_ASSERT_TRUE(audit_mode_flushes(&on, &other));
	other = on;
	other.cr3 = 0x2000;
	CU_ASSERT_TRUE(audit_mode_flushes(&on, &other));
	other.cr4 |= CR4_PCIDE;
	other.cr3 |= 1; /* another PCID */
	CU_ASSERT_FALSE(audit_mode_flushes(&on, &other));
	CU_ASSERT_TRUE(audit_mode_flushes(&other, &on));
	other = off;
	other.cr3 = 0x2000;
	CU_ASSERT_FALSE(audit_mode_flushes(&off, &other));
}

/* ---- A VMCB -------------------------------------------------------------------------------- */

static struct vmcb good_vmcb(void)
{
	struct vmcb b = { 0 };
	struct vmcb_control *c = &b.control;

	c->intercept_cr = VMCB_INTERCEPT_WRITE(0) | VMCB_INTERCEPT_WRITE(4) |
			  VMCB_INTERCEPT_WRITE(8) | VMCB_INTERCEPT_READ(8);
	c->intercept_exceptions = BIT(VECTOR_MC) | BIT(VECTOR_DF) | BIT(VECTOR_AC);
	c->intercept_misc1 =
	    (u32)(VMCB_INTERCEPT_INTR | VMCB_INTERCEPT_NMI | VMCB_INTERCEPT_INIT |
		  VMCB_INTERCEPT_RDPMC | VMCB_INTERCEPT_CPUID | VMCB_INTERCEPT_RSM |
		  VMCB_INTERCEPT_INVD | VMCB_INTERCEPT_HLT | VMCB_INTERCEPT_INVLPGA |
		  VMCB_INTERCEPT_IOIO_PROT | VMCB_INTERCEPT_MSR_PROT | VMCB_INTERCEPT_TASK_SWITCH |
		  VMCB_INTERCEPT_FERR_FREEZE | VMCB_INTERCEPT_SHUTDOWN);
	c->intercept_misc2 = 0x2e7f; /* VMRUN to SKINIT, WBINVD, MONITOR, MWAIT, XSETBV */
	c->guest_asid = 1;
	c->int_control = VMCB_V_INTR_MASKING;
	c->nested_control = VMCB_NP_ENABLE;
	b.save.cr0 = CR0_PE;
	b.save.rflags = RFLAGS_ONE;
	b.save.rip = 0x1000;
	return b;
}

static void test_intercepts(void)
{
	const struct vmcb good = good_vmcb();
	struct vmcb b;

	set_up();
	PASSES(svm_audit_intercepts(a, &good, &machine));
	/* Each bit of each word: none may be missing, and few may be too many. */
	for (unsigned bit = 0; bit < 32; bit++) {
		b = good;
		b.control.intercept_misc2 ^= (u32)BIT(bit);
		FINDS(AUDIT_INTERCEPTS, svm_audit_intercepts(a, &b, &machine));
		b = good;
		b.control.intercept_cr ^= (u32)BIT(bit);
		FINDS(AUDIT_INTERCEPTS, svm_audit_intercepts(a, &b, &machine));
		b = good;
		b.control.intercept_exceptions ^= (u32)BIT(bit);
		FINDS(AUDIT_INTERCEPTS, svm_audit_intercepts(a, &b, &machine));
		b = good;
		b.control.intercept_misc1 ^= (u32)BIT(bit);
		if (BIT(bit) == VMCB_INTERCEPT_IRET)
			PASSES(svm_audit_intercepts(a, &b, &machine));
		else
			FINDS(AUDIT_INTERCEPTS, svm_audit_intercepts(a, &b, &machine));
	}
	b = good;
	b.control.nested_control = 0;
	FINDS(AUDIT_INTERCEPTS, svm_audit_intercepts(a, &b, &machine));
	b = good;
	b.control.int_control = 0;
	FINDS(AUDIT_INTERCEPTS, svm_audit_intercepts(a, &b, &machine));
	/* The window. */
	b = good;
	b.control.int_control |= VMCB_V_IRQ | VMCB_V_IGN_TPR;
	b.control.intercept_misc1 |= VMCB_INTERCEPT_VINTR;
	PASSES(svm_audit_intercepts(a, &b, &machine));
	/* A step: TF, or it is none. */
	b = good;
	b.control.intercept_exceptions = ~0u;
	FINDS(AUDIT_INTERCEPTS, svm_audit_intercepts(a, &b, &machine));
	b.save.rflags |= RFLAGS_TF;
	PASSES(svm_audit_intercepts(a, &b, &machine));
	a->nmi_blocked = true;
	FINDS(AUDIT_INTERCEPTS, svm_audit_intercepts(a, &good, &machine));
	b = good;
	b.control.intercept_misc1 |= VMCB_INTERCEPT_IRET;
	PASSES(svm_audit_intercepts(a, &b, &machine));
	tear_down();
}

static void test_clean(void)
{
	/* A byte of a field of each group. */
	static const struct {
		u32 bit;
		size_t offset;
	} fields[] = {
		{ VMCB_CLEAN_I, offsetof(struct vmcb, control.intercept_misc1) + 2 },
		{ VMCB_CLEAN_I, offsetof(struct vmcb, control.tsc_offset) + 7 },
		{ VMCB_CLEAN_IOPM, offsetof(struct vmcb, control.msrpm_base_pa) },
		{ VMCB_CLEAN_ASID, offsetof(struct vmcb, control.guest_asid) },
		{ VMCB_CLEAN_TPR, offsetof(struct vmcb, control.int_control) + 1 },
		{ VMCB_CLEAN_NP, offsetof(struct vmcb, save.g_pat) },
		{ VMCB_CLEAN_CRX, offsetof(struct vmcb, save.efer) + 1 },
		{ VMCB_CLEAN_DRX, offsetof(struct vmcb, save.dr7) },
		{ VMCB_CLEAN_DT, offsetof(struct vmcb, save.idtr.base) },
		{ VMCB_CLEAN_SEG, offsetof(struct vmcb, save.ss.attrib) },
		{ VMCB_CLEAN_SEG, offsetof(struct vmcb, save.cpl) },
		{ VMCB_CLEAN_CR2, offsetof(struct vmcb, save.cr2) + 3 },
		{ VMCB_CLEAN_LBR, offsetof(struct vmcb, save.dbgctl) },
	};
	const struct vmcb then = good_vmcb();

	set_up();
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		struct vmcb b = then;

		((u8 *)&b)[fields[i].offset] ^= 0x10;
		b.control.clean = VMCB_CLEAN_ALL & ~fields[i].bit;
		PASSES(svm_audit_clean(a, &b, &then));
		b.control.clean = fields[i].bit;
		FINDS(AUDIT_CLEAN, svm_audit_clean(a, &b, &then));
		FINDS(AUDIT_CLEAN, svm_audit_clean(a, &b, NULL));
		b.control.clean = 0;
		PASSES(svm_audit_clean(a, &b, NULL));
	}
	tear_down();
}

static u64 event(u64 type, u64 vector, u64 more)
{
	return VMCB_EVENT_V | type << VMCB_EVENT_TYPE_SHIFT | vector | more;
}

static void test_events(void)
{
	struct vmcb b = good_vmcb();

	set_up();
	PASSES(svm_audit_events(a, &b));
	b.control.eventinj = event(VMCB_EVENT_TYPE_INTR, 0x30, 0);
	FINDS(AUDIT_EVENTS, svm_audit_events(a, &b)); /* IF is clear */
	b.save.rflags |= RFLAGS_IF;
	PASSES(svm_audit_events(a, &b));
	b.control.eventinj = event(VMCB_EVENT_TYPE_NMI, VECTOR_NMI, 0);
	PASSES(svm_audit_events(a, &b));
	a->nmi_blocked = true;
	FINDS(AUDIT_EVENTS, svm_audit_events(a, &b));
	b.control.eventinj = event(VMCB_EVENT_TYPE_EXCEPTION, VECTOR_GP, 0);
	FINDS(AUDIT_EVENTS, svm_audit_events(a, &b)); /* without an error code */
	b.control.eventinj |= VMCB_EVENT_EV;
	PASSES(svm_audit_events(a, &b));
	b.save.cr0 = 0;
	FINDS(AUDIT_EVENTS, svm_audit_events(a, &b)); /* with one in real mode */
	b.control.eventinj = event(VMCB_EVENT_TYPE_EXCEPTION, 40, 0);
	FINDS(AUDIT_EVENTS, svm_audit_events(a, &b));
	b.control.eventinj = event(1, 3, 0);
	FINDS(AUDIT_EVENTS, svm_audit_events(a, &b));
	tear_down();
}

static void test_shadows(void)
{
	struct vmcb b = good_vmcb();

	set_up();
	b.control.int_shadow = VMCB_INTERRUPT_SHADOW;
	b.control.exitcode = VMCB_EXIT_CPUID;
	svm_audit_left(a, &b);
	PASSES(svm_audit_events(a, &b)); /* the instruction itself, again */
	b.save.rip += 2;
	FINDS(AUDIT_SHADOWS, svm_audit_events(a, &b));
	b.control.exitcode = VMCB_EXIT_NPF;
	svm_audit_left(a, &b);
	b.control.int_shadow = 0;
	FINDS(AUDIT_SHADOWS, svm_audit_events(a, &b));
	b.control.eventinj = event(VMCB_EVENT_TYPE_EXCEPTION, VECTOR_UD, 0);
	PASSES(svm_audit_events(a, &b));
	tear_down();
}

/* ---- Translations ------------------------------------------------------------------------ */

static void test_flushes(void)
{
	struct vmcb b = good_vmcb();

	set_up();
	vm->vcpu[0]->requests = 0;
	PASSES(svm_audit_tlb(a, &b, &machine));
	b.control.guest_asid = 16;
	FINDS(AUDIT_ASID, svm_audit_tlb(a, &b, &machine));
	b.control.guest_asid = 1;
	PASSES(svm_audit_tlb(a, &b, &machine));
	svm_audit_left(a, &b);
	b.save.cr0 |= CR0_PG;
	FINDS(AUDIT_FLUSH, svm_audit_tlb(a, &b, &machine));
	svm_audit_left(a, &b);
	b.save.cr0 &= ~CR0_PG;
	b.control.tlb_control = VMCB_TLB_FLUSH_ALL;
	PASSES(svm_audit_tlb(a, &b, &machine));
	b.control.tlb_control = VMCB_TLB_FLUSH_ASID; /* which this machine lacks */
	FINDS(AUDIT_FLUSH, svm_audit_tlb(a, &b, &machine));
	b.control.tlb_control = VMCB_TLB_NOTHING;
	/* The tables lost something, and nobody asked for a flush; or has just asked. */
	a->vm->tables = a->vm->due = 1;
	FINDS(AUDIT_FLUSH, svm_audit_tlb(a, &b, &machine));
	a->vm->tables = a->vm->due = 2;
	vm->vcpu[0]->requests = REQUEST_FLUSH;
	PASSES(svm_audit_tlb(a, &b, &machine));
	tear_down();
}

/* ---- Nested tables ------------------------------------------------------------------------ */

#define LARGE_LEAF (PTE_P | PTE_W | PTE_U | PTE_PS)

static u64 *new_table(u64 *above, unsigned index)
{
	u64 *table = host_alloc_pages(0);

	if (above)
		above[index] = host_hpa(table).v | PTE_P | PTE_W | PTE_U;
	return table;
}

static void test_tables(void)
{
	u64 *root, *third, *second, *first, base, good, page;

	set_up();
	root = new_table(NULL, 0);
	third = new_table(root, 0);
	second = new_table(third, 0);
	first = host_alloc_pages(0);
	base = host_hpa(root).v;
	good = host_hpa(memory_ptr(vm, gpa(LARGE_PAGE_SIZE), 1)).v;
	PASSES(audit_tables(a, base, true)); /* empty */
	second[1] = good | LARGE_LEAF;
	PASSES(audit_tables(a, base, true));
	CU_ASSERT_EQUAL(a->vm->tables, 0); /* an addition */
	second[1] |= PTE_D | PTE_A;
	PASSES(audit_tables(a, base, true));
	/* The same by small pages. */
	for (unsigned i = 0; i < TREE_ENTRIES; i++)
		first[i] = (good + i * PAGE_SIZE) | PTE_P | PTE_W | PTE_U;
	second[1] = host_hpa(first).v | PTE_P | PTE_W | PTE_U;
	PASSES(audit_tables(a, base, true));
	CU_ASSERT_EQUAL(a->vm->tables, 0);
	page = first[5];
	first[5] &= ~PTE_W; /* a right less */
	PASSES(audit_tables(a, base, true));
	CU_ASSERT_EQUAL(a->vm->tables, 1);
	CU_ASSERT_EQUAL(a->vm->due, 1);
	first[5] = page;
	PASSES(audit_tables(a, base, true));
	CU_ASSERT_EQUAL(a->vm->tables, 1);
	/* Another CPU has not yet asked for its flushes. */
	audit_changing(a->vm, 1);
	first[5] = 0;
	PASSES(audit_tables(a, base, true));
	CU_ASSERT_EQUAL(a->vm->tables, 2);
	CU_ASSERT_EQUAL(a->vm->due, 1);
	audit_changed(a->vm, 1);
	PASSES(audit_tables(a, base, false));
	CU_ASSERT_EQUAL(a->vm->due, 2);
	/* What is wrong with a leaf. */
	first[5] = page + PAGE_SIZE;
	FINDS(AUDIT_TABLES, audit_tables(a, base, true));
	first[5] = page | PTE_PCD;
	FINDS(AUDIT_TABLES, audit_tables(a, base, true));
	first[5] = page & ~PTE_U;
	FINDS(AUDIT_TABLES, audit_tables(a, base, true));
	first[5] = page;
	PASSES(audit_tables(a, base, true));
	second[0] = good | LARGE_LEAF; /* in the hole, among others */
	FINDS(AUDIT_TABLES, audit_tables(a, base, true));
	second[0] = 0;
	second[3] = page | LARGE_LEAF; /* beyond its memory */
	FINDS(AUDIT_TABLES, audit_tables(a, base, true));
	host_free_pages(first, 0);
	host_free_pages(second, 0);
	host_free_pages(third, 0);
	host_free_pages(root, 0);
	tear_down();
}

/* ---- Maps ---------------------------------------------------------------------------------- */

static void test_maps(void)
{
	static u8 map[VMCB_MSRPM_PART];
	struct audit_msr_map m = {
		.map = map, .count = VMCB_MSRPM_PART_MSRS, .step = 2, .what = "RDMSR"
	};

	set_up();
	memset(map, 0xff, sizeof(map));
	PASSES(audit_map(a, "ports", map, sizeof(map)));
	map[100] = 0x7f;
	FINDS(AUDIT_MAPS, audit_map(a, "ports", map, sizeof(map)));
	map[100] = 0xff;
	m.first = 0xc0010000;
	PASSES(audit_msr_map(a, &m));
	map[0x15 / 4] &= (u8)~BIT(2 * (0x15 % 4));
	FINDS(AUDIT_MAPS, audit_msr_map(a, &m)); /* RDMSR of 0xc0010015 */
	m.offset = 1;
	PASSES(audit_msr_map(a, &m)); /* WRMSR is another bit */
	tear_down();
}

/* INIT switches paging off: found by the audit in a machine of two CPUs. */
static void test_init_flushes(void)
{
	struct vm *two = fake_vm_make(MiB(4), 2);
	struct vcpu *v = two->vcpu[1];

	virt->load(v);
	v->requests = REQUEST_INIT;
	fake_vcpu(v)->flushes = 0;
	CU_ASSERT_EQUAL(vcpu_step(v), VCPU_BLOCKED); /* waits for SIPI */
	CU_ASSERT_EQUAL(fake_vcpu(v)->flushes, 1);
	virt->unload(v);
	fake_vm_free(two);
}

void test_audit_register(void)
{
	CU_pSuite suite = CU_add_suite("audit", NULL, NULL);

	CU_add_test(suite, "a TLB's model", test_tlb);
	CU_add_test(suite, "modes", test_mode);
	CU_add_test(suite, "intercepts", test_intercepts);
	CU_add_test(suite, "clean bits", test_clean);
	CU_add_test(suite, "events", test_events);
	CU_add_test(suite, "shadows", test_shadows);
	CU_add_test(suite, "flushes", test_flushes);
	CU_add_test(suite, "nested tables", test_tables);
	CU_add_test(suite, "maps", test_maps);
	CU_add_test(suite, "INIT flushes", test_init_flushes);
}
