/*
 * test_cr.c - what the guest may write into control registers
 *
 * Owns: tables of legal and illegal values, each with the manual's reason.
 * Sources: [SDM] "Control Registers" (2.5), MOV-Move to/from Control Registers (vol. 2).
 */
#include "machine.h"

#include "fake_virt.h"
#include "vm/cr.h"

void test_cr_register(void);

#define PE CR0_PE
#define PG CR0_PG
#define ET CR0_ET
#define LME EFER_LME
#define LMA EFER_LMA

static struct vm *vm;

static int begin(void)
{
	vm = fake_vm_make(MiB(8), 1);
	return vm == NULL;
}

static int end(void)
{
	fake_vm_free(vm);
	return 0;
}

/* Before: cr0, cr4, efer, 64-bit code; written; then *is* what the register holds. */
struct write {
	const char *rule;
	u64 cr0, cr4, efer, value;
	bool cs_long, ok;
	u64 is, efer_is;
	bool flushes;
};

static const struct write cr0_writes[] = {
	{ "bits 63:32 are reserved: #GP", PE | ET, 0, 0, PE | BIT(32), false, false, 0, 0, false },
	{ "bits 63:32 are reserved: #GP", PE | ET, 0, 0, BIT(63), false, false, 0, 0, false },
	{ "PG without PE: #GP", PE | ET, 0, 0, PG, false, false, 0, 0, false },
	{ "PG without PE: #GP", PE | PG | ET, 0, 0, PG, false, false, 0, 0, false },
	{ "NW without CD: #GP", PE | ET, 0, 0, PE | CR0_NW, false, false, 0, 0, false },
	{ "NW with CD", PE | ET, 0, 0, PE | CR0_NW | CR0_CD, false, true, PE | ET | CR0_NW | CR0_CD,
	  0, false },
	{ "CD without NW", PE | ET, 0, 0, PE | CR0_CD, false, true, PE | ET | CR0_CD, 0, false },
	{ "reserved low bits are ignored", PE | ET, 0, 0, PE | BITS(15, 6) | BIT(17) | BITS(28, 19),
	  false, true, PE | ET, 0, false },
	{ "ET stays 1", PE | ET, 0, 0, PE, false, true, PE | ET, 0, false },
	{ "into protected mode", ET, 0, 0, PE, false, true, PE | ET, 0, true },
	{ "and back", PE | ET, 0, 0, 0, false, true, ET, 0, true },
	{ "TS does not flush", PE | ET, 0, 0, PE | CR0_TS, false, true, PE | ET | CR0_TS, 0,
	  false },
	{ "WP flushes", PE | ET, 0, 0, PE | CR0_WP, false, true, PE | ET | CR0_WP, 0, true },
	{ "paging on", PE | ET, 0, 0, PE | PG, false, true, PE | PG | ET, 0, true },
	{ "paging off", PE | PG | ET, 0, 0, PE, false, true, PE | ET, 0, true },
	{ "IA-32e without PAE: #GP", PE | ET, 0, LME, PE | PG, false, false, 0, 0, false },
	{ "IA-32e from a 64-bit segment: #GP", PE | ET, CR4_PAE, LME, PE | PG, true, false, 0, 0,
	  false },
	{ "into IA-32e mode", PE | ET, CR4_PAE, LME, PE | PG, false, true, PE | PG | ET, LME | LMA,
	  true },
	{ "out of it from compatibility mode", PE | PG | ET, CR4_PAE, LME | LMA, PE, false, true,
	  PE | ET, LME, true },
	{ "paging off in 64-bit mode: #GP", PE | PG | ET, CR4_PAE, LME | LMA, PE, true, false, 0, 0,
	  false },
	{ "paging off with PCIDE: #GP", PE | PG | ET, CR4_PAE | CR4_PCIDE, LME | LMA, PE, false,
	  false, 0, 0, false },
	{ "in IA-32e mode, PG stays", PE | PG | ET, CR4_PAE, LME | LMA, PE | PG | CR0_TS, true,
	  true, PE | PG | ET | CR0_TS, LME | LMA, false },
	{ "WP off with CET: #GP", PE | ET | CR0_WP, CR4_CET, 0, PE, false, false, 0, 0, false },
};

static const struct write cr4_writes[] = {
	{ "reserved: #GP", PE | ET, 0, 0, BIT(63), false, false, 0, 0, false },
	{ "reserved: #GP", PE | ET, 0, 0, BIT(32), false, false, 0, 0, false },
	{ "reserved: #GP", PE | ET, 0, 0, BIT(15), false, false, 0, 0, false },
	{ "VMXE, without VMX in CPUID: #GP", PE | ET, 0, 0, CR4_VMXE, false, false, 0, 0, false },
	{ "SMXE, without SMX: #GP", PE | ET, 0, 0, CR4_SMXE, false, false, 0, 0, false },
	{ "TSD", PE | ET, 0, 0, CR4_TSD, false, true, CR4_TSD, 0, false },
	{ "PAE", PE | ET, 0, 0, CR4_PAE, false, true, CR4_PAE, 0, true },
	{ "PGE flushes, on", PE | ET, 0, 0, CR4_PGE, false, true, CR4_PGE, 0, true },
	{ "PGE flushes, off", PE | ET, CR4_PGE, 0, 0, false, true, 0, 0, true },
	{ "SMEP flushes", PE | ET, 0, 0, CR4_SMEP, false, true, CR4_SMEP, 0, true },
	{ "PAE off in IA-32e mode: #GP", PE | PG | ET, CR4_PAE, LME | LMA, 0, true, false, 0, 0,
	  false },
	{ "LA57", PE | ET, 0, 0, CR4_LA57, false, true, CR4_LA57, 0, true },
	{ "LA57 on in IA-32e mode: #GP", PE | PG | ET, CR4_PAE, LME | LMA, CR4_PAE | CR4_LA57, true,
	  false, 0, 0, false },
	{ "LA57 off in IA-32e mode: #GP", PE | PG | ET, CR4_PAE | CR4_LA57, LME | LMA, CR4_PAE,
	  true, false, 0, 0, false },
	{ "PCIDE outside IA-32e mode: #GP", PE | ET, 0, 0, CR4_PCIDE, false, false, 0, 0, false },
	{ "PCIDE in it", PE | PG | ET, CR4_PAE, LME | LMA, CR4_PAE | CR4_PCIDE, true, true,
	  CR4_PAE | CR4_PCIDE, LME | LMA, true },
	{ "PCIDE off flushes", PE | PG | ET, CR4_PAE | CR4_PCIDE, LME | LMA, CR4_PAE, true, true,
	  CR4_PAE, LME | LMA, true },
};

static bool try_write(const struct write *w, unsigned number)
{
	struct vcpu *v = vm->vcpu[0];
	struct cpu_state *s = &v->state;

	fake_mode_flat32(v);
	s->cr0 = w->cr0;
	s->cr4 = w->cr4;
	s->efer = w->efer;
	if (w->cs_long)
		s->seg[SEG_CS].attr = (u16)((s->seg[SEG_CS].attr & ~SEG_ATTR_DB) | SEG_ATTR_L);
	fake_vcpu_settle(v);
	return cr_write(v, number, w->value);
}

static void check_write(const struct write *w, unsigned number)
{
	const struct fake_vcpu *f = fake_vcpu(vm->vcpu[0]);
	bool ok = try_write(w, number);
	u64 cr0 = w->ok && number == 0 ? w->is : w->cr0;
	u64 cr4 = w->ok && number == 4 ? w->is : w->cr4;
	u64 efer = w->ok ? w->efer_is : w->efer;

	if (ok != w->ok || f->truth.cr0 != cr0 || f->truth.cr4 != cr4 || f->truth.efer != efer ||
	    !!f->flushes != w->flushes)
		printf("\nCR%u %#llx: %s: ok %d, CR0 %#llx, CR4 %#llx, EFER %#llx, %u flushes\n",
		       number, (unsigned long long)w->value, w->rule, ok,
		       (unsigned long long)f->truth.cr0, (unsigned long long)f->truth.cr4,
		       (unsigned long long)f->truth.efer, f->flushes);
	CU_ASSERT_EQUAL(ok, w->ok);
	CU_ASSERT_EQUAL(f->truth.cr0, cr0);
	CU_ASSERT_EQUAL(f->truth.cr4, cr4);
	CU_ASSERT_EQUAL(f->truth.efer, efer);
	CU_ASSERT_EQUAL(!!f->flushes, w->flushes);
}

static void test_cr0(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cr0_writes); i++)
		check_write(&cr0_writes[i], 0);
}

static void test_cr4(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cr4_writes); i++)
		check_write(&cr4_writes[i], 4);
}

/* [SDM] MOV-Move to/from Control Registers (vol. 2): no IA-32e mode with a 16-bit TSS. */
static void test_activation_and_tss(void)
{
	static const u16 types[] = { 1, 3, 9, 11, 2 };
	struct vcpu *v = vm->vcpu[0];

	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		fake_mode_flat32(v);
		v->state.cr4 = CR4_PAE;
		v->state.efer = LME;
		v->state.tr.attr = SEG_ATTR_P | types[i];
		fake_vcpu_settle(v);
		v->state_fresh = 0;
		CU_ASSERT_EQUAL(cr_write(v, 0, PE | PG), i >= 2);
		CU_ASSERT_EQUAL(fake_vcpu(v)->truth.efer, i >= 2 ? LME | LMA : LME);
	}
}

/* The legal and the illegal, of all combinations of what decides, by the rules written out anew. */
static void test_cr0_exhaustively(void)
{
	static const u64 bits[] = { PE, PG, CR0_NW, CR0_CD, CR0_WP };
	struct vcpu *v = vm->vcpu[0];

	for (unsigned n = 0; n < 1u << 12; n++) {
		u64 value = 0, old = n & BIT(5) ? PE | PG | ET : PE | ET, cr4 = 0, efer = 0;
		bool cs_long = n & BIT(6), lme = n & BIT(7), pae = n & BIT(8), pcide = n & BIT(9);
		bool cet = n & BIT(10), high = n & BIT(11), on, legal;

		for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
			value |= n & BIT(i) ? bits[i] : 0;
		on = old & PG;
		efer = (lme ? LME : 0) | (lme && on ? LMA : 0);
		if ((lme && on && !pae) || (cs_long && !(lme && on)) || (pcide && !(lme && on)))
			continue; /* no CPU is there */
		cr4 = (pae ? CR4_PAE : 0) | (pcide ? CR4_PCIDE : 0) | (cet ? CR4_CET : 0);
		legal = !high && (!(value & PG) || (value & PE)) &&
			(!(value & CR0_NW) || (value & CR0_CD)) &&
			((value & PG) || !on || !lme || (!cs_long && !pcide)) &&
			(!(value & PG) || on || !lme || pae) && (!cet || (value & CR0_WP));
		fake_mode_flat32(v);
		v->state.cr0 = old | (cet ? CR0_WP : 0);
		v->state.cr4 = cr4;
		v->state.efer = efer;
		v->state.cr3 = 0x7000;
		if (cs_long)
			v->state.seg[SEG_CS].attr =
				(u16)((v->state.seg[SEG_CS].attr & ~SEG_ATTR_DB) | SEG_ATTR_L);
		fake_vcpu_settle(v);
		CU_ASSERT_EQUAL(cr_write(v, 0, value | (high ? BIT(32) : 0)), legal);
		CU_ASSERT_EQUAL(!!(fake_vcpu(v)->truth.cr0 & PG), legal ? !!(value & PG) : on);
		CU_ASSERT_EQUAL(!!(fake_vcpu(v)->truth.efer & LMA),
				lme && (fake_vcpu(v)->truth.cr0 & PG));
	}
}

/* PCIDE needs CR3's low bits clear. */
static void test_pcide_and_cr3(void)
{
	struct vcpu *v = vm->vcpu[0];

	for (unsigned bit = 0; bit < 12; bit++) {
		fake_mode_long(v);
		v->state.cr3 |= BIT(bit);
		fake_vcpu_settle(v);
		CU_ASSERT_FALSE(cr_write(v, 4, CR4_PAE | CR4_PCIDE));
	}
}

static void test_cr3(void)
{
	struct vcpu *v = vm->vcpu[0];
	unsigned width = cpuid_maxphyaddr(&vm->cpuid);
	u64 cr3;

	fake_mode_long(v);
	cr3 = v->state.cr3;
	for (unsigned bit = width; bit < 64; bit++) {
		CU_ASSERT_FALSE(cr_write(v, 3, cr3 | BIT(bit)));
		CU_ASSERT_EQUAL(cr_read(v, 3), cr3);
	}
	CU_ASSERT_TRUE(cr_write(v, 3, BIT(width - 1)));
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cr3, BIT(width - 1));
	CU_ASSERT_EQUAL(fake_vcpu(v)->flushes, 1);
	/* Bit 63 is an order, not a part of the address, with PCIDs only. */
	CU_ASSERT_TRUE(cr_write(v, 3, 0x1000));
	CU_ASSERT_TRUE(cr_write(v, 4, CR4_PAE | CR4_PCIDE));
	CU_ASSERT_TRUE(cr_write(v, 3, CR3_NOFLUSH | 0x2005));
	CU_ASSERT_EQUAL(cr_read(v, 3), 0x2005);
	CU_ASSERT_FALSE(cr_write(v, 3, CR3_NOFLUSH | BIT(62)));
}

/* ---- PDPTEs ----------------------------------------------------------------------- */

#define PDPTES 0x7fe0ull

static void put_pdpte(unsigned n, u64 value)
{
	memory_write(vm, gpa(PDPTES + 8 * n), &value, 8);
}

/* 32-bit code with PAE set and paging still off. */
static struct vcpu *before_pae(void)
{
	struct vcpu *v = vm->vcpu[0];

	fake_mode_flat32(v);
	v->state.cr4 = CR4_PAE;
	v->state.cr3 = PDPTES | 0x1f; /* low bits mean nothing */
	fake_vcpu_settle(v);
	for (unsigned n = 0; n < 4; n++)
		put_pdpte(n, (n + 1) << 12 | PTE_P);
	return v;
}

static void test_pdptes_are_loaded(void)
{
	struct vcpu *v = before_pae();
	const struct cpu_state *truth = &fake_vcpu(v)->truth;

	CU_ASSERT_TRUE(cr_write(v, 0, PE | PG));
	for (unsigned n = 0; n < 4; n++)
		CU_ASSERT_EQUAL(truth->pdpte[n], (n + 1) << 12 | PTE_P);
	put_pdpte(2, 0xff000 | PTE_P | PTE_PCD | PTE_PWT);
	CU_ASSERT_EQUAL(truth->pdpte[2], 0x3000 | PTE_P); /* not seen until CR3 is written */
	CU_ASSERT_TRUE(cr_write(v, 4, CR4_PAE | CR4_TSD));
	CU_ASSERT_EQUAL(truth->pdpte[2], 0x3000 | PTE_P); /* TSD is none of its business */
	CU_ASSERT_TRUE(cr_write(v, 3, PDPTES));
	CU_ASSERT_EQUAL(truth->pdpte[2], 0xff000 | PTE_P | PTE_PCD | PTE_PWT);
	put_pdpte(2, 0x5000 | PTE_P);
	CU_ASSERT_TRUE(cr_write(v, 4, CR4_PAE | CR4_PGE));
	CU_ASSERT_EQUAL(truth->pdpte[2], 0x5000 | PTE_P);
	put_pdpte(2, 0x6000 | PTE_P);
	CU_ASSERT_TRUE(cr_write(v, 0, PE | PG | CR0_CD));
	CU_ASSERT_EQUAL(truth->pdpte[2], 0x6000 | PTE_P);
	put_pdpte(2, 0x7000 | PTE_P);
	CU_ASSERT_TRUE(cr_write(v, 0, PE | PG | CR0_CD | CR0_TS));
	CU_ASSERT_EQUAL(truth->pdpte[2], 0x6000 | PTE_P);
}

/* [SDM] "PDPTE Registers" (4.4.1): reserved bits of a present entry are #GP, nothing changes. */
static void test_pdpte_reserved(void)
{
	unsigned width = cpuid_maxphyaddr(&vm->cpuid);

	for (unsigned bit = 1; bit < 64; bit++) {
		bool reserved = bit == 1 || bit == 2 || (bit >= 5 && bit <= 8) || bit >= width;
		struct vcpu *v = before_pae();

		put_pdpte(3, PTE_P | BIT(bit));
		CU_ASSERT_EQUAL(cr_write(v, 0, PE | PG), !reserved);
		CU_ASSERT_EQUAL(!!(fake_vcpu(v)->truth.cr0 & PG), !reserved);
		v = before_pae();
		CU_ASSERT_TRUE(cr_write(v, 0, PE | PG));
		put_pdpte(3, PTE_P | BIT(bit));
		CU_ASSERT_EQUAL(cr_write(v, 3, PDPTES), !reserved);
		CU_ASSERT_EQUAL(fake_vcpu(v)->truth.pdpte[3],
				reserved ? 0x4000 | PTE_P : PTE_P | BIT(bit));
		put_pdpte(3, BIT(bit)); /* not present: anything goes */
		CU_ASSERT_TRUE(cr_write(v, 3, PDPTES));
	}
}

/* A CPU that reads them at each walk has nothing to load, and nothing to refuse. */
static void test_pdptes_in_memory(void)
{
	const struct virt_ops *ops = virt;
	struct virt_ops other = *ops;
	struct vcpu *v = before_pae();

	other.pdptes_in_memory = true;
	virt = &other;
	put_pdpte(3, PTE_P | PTE_A);
	CU_ASSERT_TRUE(cr_write(v, 0, PE | PG));
	CU_ASSERT_TRUE(cr_write(v, 4, CR4_PAE | CR4_PGE));
	CU_ASSERT_TRUE(cr_write(v, 3, PDPTES));
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.pdpte[3], 0);
	virt = ops;
}

static void test_pdptes_in_no_memory(void)
{
	struct vcpu *v = before_pae();

	CU_ASSERT_TRUE(cr_write(v, 0, PE | PG));
	CU_ASSERT_FALSE(cr_write(v, 3, 0xfff00000));
	CU_ASSERT_EQUAL(cr_read(v, 3), PDPTES | 0x1f);
	CU_ASSERT_FALSE(cr_write(v, 3, 0xa0000));
}

/* ---- CR8 ---------------------------------------------------------------------------- */

static void test_cr8(void)
{
	struct vcpu *v = vm->vcpu[0];

	fake_mode_long(v);
	for (u64 value = 0; value < 16; value++) {
		CU_ASSERT_TRUE(cr_write(v, 8, value));
		CU_ASSERT_EQUAL(cr_read(v, 8), value);
		CU_ASSERT_EQUAL(lapic_get_tpr(&v->lapic), value << 4);
	}
	for (unsigned bit = 4; bit < 64; bit++)
		CU_ASSERT_FALSE(cr_write(v, 8, BIT(bit)));
	CU_ASSERT_EQUAL(cr_read(v, 8), 15);
	CU_ASSERT_TRUE(cr_write(v, 8, 0));
}

static void write_cr1(void *v)
{
	cr_write(v, 1, 0);
}

static void read_cr5(void *v)
{
	cr_read(v, 5);
}

static void test_misuse(void)
{
	fake_mode_flat32(vm->vcpu[0]);
	CU_ASSERT(panics(write_cr1, vm->vcpu[0]));
	CU_ASSERT(panics(read_cr5, vm->vcpu[0]));
}

void test_cr_register(void)
{
	CU_pSuite suite = CU_add_suite("cr", begin, end);

	CU_add_test(suite, "misuse panics", test_misuse);
	CU_add_test(suite, "CR0", test_cr0);
	CU_add_test(suite, "CR4", test_cr4);
	CU_add_test(suite, "IA-32e mode and a 16-bit TSS", test_activation_and_tss);
	CU_add_test(suite, "CR0, all combinations", test_cr0_exhaustively);
	CU_add_test(suite, "CR4.PCIDE wants a clean CR3", test_pcide_and_cr3);
	CU_add_test(suite, "CR3", test_cr3);
	CU_add_test(suite, "PDPTEs: when they are loaded", test_pdptes_are_loaded);
	CU_add_test(suite, "PDPTEs: reserved bits", test_pdpte_reserved);
	CU_add_test(suite, "PDPTEs in memory", test_pdptes_in_memory);
	CU_add_test(suite, "PDPTEs where there is no RAM", test_pdptes_in_no_memory);
	CU_add_test(suite, "CR8", test_cr8);
}
