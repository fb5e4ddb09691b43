/*
 * test_vmcb.c - the VMCB: layout and constants against a second table, and every rule broken
 *
 * Owns: offsets and codes typed from [APM] vol. 2 "Layout of VMCB" (appendix B) and "SVM Intercept
 * Exit Codes" (appendix C) once more, apart from vmcb.h; one way to break each rule.
 */
#include "machine.h"

#include "amd/svm.h"
#include "fake_host.h"
#include "lib/fmt.h"

void test_vmcb_register(void);

/* ---- Layout --------------------------------------------------------------------------- */

#define AT(member) offsetof(struct vmcb, member), sizeof(((struct vmcb *)0)->member)

static const struct {
	size_t offset, size;
	u16 manual_offset, manual_size;
} layout[] = {
	{ AT(control.intercept_cr), 0x000, 4 },
	{ AT(control.intercept_dr), 0x004, 4 },
	{ AT(control.intercept_exceptions), 0x008, 4 },
	{ AT(control.intercept_misc1), 0x00c, 4 },
	{ AT(control.intercept_misc2), 0x010, 4 },
	{ AT(control.intercept_misc3), 0x014, 4 },
	{ AT(control.pause_filter_threshold), 0x03c, 2 },
	{ AT(control.pause_filter_count), 0x03e, 2 },
	{ AT(control.iopm_base_pa), 0x040, 8 },
	{ AT(control.msrpm_base_pa), 0x048, 8 },
	{ AT(control.tsc_offset), 0x050, 8 },
	{ AT(control.guest_asid), 0x058, 4 },
	{ AT(control.tlb_control), 0x05c, 1 },
	{ AT(control.int_control), 0x060, 8 },
	{ AT(control.int_shadow), 0x068, 8 },
	{ AT(control.exitcode), 0x070, 8 },
	{ AT(control.exitinfo1), 0x078, 8 },
	{ AT(control.exitinfo2), 0x080, 8 },
	{ AT(control.exitintinfo), 0x088, 8 },
	{ AT(control.nested_control), 0x090, 8 },
	{ AT(control.eventinj), 0x0a8, 8 },
	{ AT(control.n_cr3), 0x0b0, 8 },
	{ AT(control.lbr_control), 0x0b8, 8 },
	{ AT(control.clean), 0x0c0, 4 },
	{ AT(control.nrip), 0x0c8, 8 },
	{ AT(control.insn_bytes_count), 0x0d0, 1 },
	{ AT(control.insn_bytes), 0x0d1, 15 },
	{ AT(save.es), 0x400, 16 },
	{ AT(save.cs), 0x410, 16 },
	{ AT(save.ss), 0x420, 16 },
	{ AT(save.ds), 0x430, 16 },
	{ AT(save.fs), 0x440, 16 },
	{ AT(save.gs), 0x450, 16 },
	{ AT(save.gdtr), 0x460, 16 },
	{ AT(save.ldtr), 0x470, 16 },
	{ AT(save.idtr), 0x480, 16 },
	{ AT(save.tr), 0x490, 16 },
	{ AT(save.cpl), 0x4cb, 1 },
	{ AT(save.efer), 0x4d0, 8 },
	{ AT(save.cr4), 0x548, 8 },
	{ AT(save.cr3), 0x550, 8 },
	{ AT(save.cr0), 0x558, 8 },
	{ AT(save.dr7), 0x560, 8 },
	{ AT(save.dr6), 0x568, 8 },
	{ AT(save.rflags), 0x570, 8 },
	{ AT(save.rip), 0x578, 8 },
	{ AT(save.rsp), 0x5d8, 8 },
	{ AT(save.rax), 0x5f8, 8 },
	{ AT(save.star), 0x600, 8 },
	{ AT(save.lstar), 0x608, 8 },
	{ AT(save.cstar), 0x610, 8 },
	{ AT(save.sfmask), 0x618, 8 },
	{ AT(save.kernel_gs_base), 0x620, 8 },
	{ AT(save.sysenter_cs), 0x628, 8 },
	{ AT(save.sysenter_esp), 0x630, 8 },
	{ AT(save.sysenter_eip), 0x638, 8 },
	{ AT(save.cr2), 0x640, 8 },
	{ AT(save.g_pat), 0x668, 8 },
	{ AT(save.dbgctl), 0x670, 8 },
};

static void test_layout(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(layout); i++) {
		CU_ASSERT_EQUAL(layout[i].offset, layout[i].manual_offset);
		CU_ASSERT_EQUAL(layout[i].size, layout[i].manual_size);
	}
	CU_ASSERT_EQUAL(sizeof(struct vmcb), 4096);
	CU_ASSERT_EQUAL(offsetof(struct vmcb_segment, attrib), 2);
	CU_ASSERT_EQUAL(offsetof(struct vmcb_segment, limit), 4);
	CU_ASSERT_EQUAL(offsetof(struct vmcb_segment, base), 8);
}

/* Bit by bit from the manual's table of intercepts: offset in the VMCB, bit, our name for it. */
static void test_intercepts(void)
{
	static const struct {
		u16 offset;
		u8 bit;
		u64 mask;
	} bits[] = {
		{ 0x00c, 0, VMCB_INTERCEPT_INTR },
		{ 0x00c, 1, VMCB_INTERCEPT_NMI },
		{ 0x00c, 2, VMCB_INTERCEPT_SMI },
		{ 0x00c, 3, VMCB_INTERCEPT_INIT },
		{ 0x00c, 4, VMCB_INTERCEPT_VINTR },
		{ 0x00c, 15, VMCB_INTERCEPT_RDPMC },
		{ 0x00c, 16, VMCB_INTERCEPT_PUSHF },
		{ 0x00c, 17, VMCB_INTERCEPT_POPF },
		{ 0x00c, 18, VMCB_INTERCEPT_CPUID },
		{ 0x00c, 19, VMCB_INTERCEPT_RSM },
		{ 0x00c, 20, VMCB_INTERCEPT_IRET },
		{ 0x00c, 21, VMCB_INTERCEPT_SWINT },
		{ 0x00c, 22, VMCB_INTERCEPT_INVD },
		{ 0x00c, 24, VMCB_INTERCEPT_HLT },
		{ 0x00c, 26, VMCB_INTERCEPT_INVLPGA },
		{ 0x00c, 27, VMCB_INTERCEPT_IOIO_PROT },
		{ 0x00c, 28, VMCB_INTERCEPT_MSR_PROT },
		{ 0x00c, 29, VMCB_INTERCEPT_TASK_SWITCH },
		{ 0x00c, 30, VMCB_INTERCEPT_FERR_FREEZE },
		{ 0x00c, 31, VMCB_INTERCEPT_SHUTDOWN },
		{ 0x010, 0, VMCB_INTERCEPT_VMRUN },
		{ 0x010, 1, VMCB_INTERCEPT_VMMCALL },
		{ 0x010, 2, VMCB_INTERCEPT_VMLOAD },
		{ 0x010, 3, VMCB_INTERCEPT_VMSAVE },
		{ 0x010, 4, VMCB_INTERCEPT_STGI },
		{ 0x010, 5, VMCB_INTERCEPT_CLGI },
		{ 0x010, 6, VMCB_INTERCEPT_SKINIT },
		{ 0x010, 8, VMCB_INTERCEPT_ICEBP },
		{ 0x010, 9, VMCB_INTERCEPT_WBINVD },
		{ 0x010, 10, VMCB_INTERCEPT_MONITOR },
		{ 0x010, 11, VMCB_INTERCEPT_MWAIT },
		{ 0x010, 13, VMCB_INTERCEPT_XSETBV },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
		CU_ASSERT_EQUAL(bits[i].mask, BIT(bits[i].bit));
	CU_ASSERT_EQUAL(VMCB_INTERCEPT_READ(8) | VMCB_INTERCEPT_WRITE(8), 0x01000100);
}

/* ---- Exit codes -------------------------------------------------------------------------- */

static const struct {
	u64 code;
	const char *name;
} exits[] = {
	{ 0x00, "VMEXIT_READ_CR0" },
	{ 0x0f, "VMEXIT_READ_CR15" },
	{ 0x10, "VMEXIT_WRITE_CR0" },
	{ 0x18, "VMEXIT_WRITE_CR8" },
	{ 0x20, "VMEXIT_READ_DR0" },
	{ 0x37, "VMEXIT_WRITE_DR7" },
	{ 0x40, "VMEXIT_EXCP0" },
	{ 0x4e, "VMEXIT_EXCP14" },
	{ 0x52, "VMEXIT_EXCP18" },
	{ 0x5f, "VMEXIT_EXCP31" },
	{ 0x60, "VMEXIT_INTR" },
	{ 0x61, "VMEXIT_NMI" },
	{ 0x62, "VMEXIT_SMI" },
	{ 0x63, "VMEXIT_INIT" },
	{ 0x64, "VMEXIT_VINTR" },
	{ 0x65, "VMEXIT_CR0_SEL_WRITE" },
	{ 0x6e, "VMEXIT_RDTSC" },
	{ 0x6f, "VMEXIT_RDPMC" },
	{ 0x70, "VMEXIT_PUSHF" },
	{ 0x71, "VMEXIT_POPF" },
	{ 0x72, "VMEXIT_CPUID" },
	{ 0x73, "VMEXIT_RSM" },
	{ 0x74, "VMEXIT_IRET" },
	{ 0x75, "VMEXIT_SWINT" },
	{ 0x76, "VMEXIT_INVD" },
	{ 0x77, "VMEXIT_PAUSE" },
	{ 0x78, "VMEXIT_HLT" },
	{ 0x79, "VMEXIT_INVLPG" },
	{ 0x7a, "VMEXIT_INVLPGA" },
	{ 0x7b, "VMEXIT_IOIO" },
	{ 0x7c, "VMEXIT_MSR" },
	{ 0x7d, "VMEXIT_TASK_SWITCH" },
	{ 0x7e, "VMEXIT_FERR_FREEZE" },
	{ 0x7f, "VMEXIT_SHUTDOWN" },
	{ 0x80, "VMEXIT_VMRUN" },
	{ 0x81, "VMEXIT_VMMCALL" },
	{ 0x82, "VMEXIT_VMLOAD" },
	{ 0x83, "VMEXIT_VMSAVE" },
	{ 0x84, "VMEXIT_STGI" },
	{ 0x85, "VMEXIT_CLGI" },
	{ 0x86, "VMEXIT_SKINIT" },
	{ 0x87, "VMEXIT_RDTSCP" },
	{ 0x88, "VMEXIT_ICEBP" },
	{ 0x89, "VMEXIT_WBINVD" },
	{ 0x8a, "VMEXIT_MONITOR" },
	{ 0x8b, "VMEXIT_MWAIT" },
	{ 0x8c, "VMEXIT_MWAIT_CONDITIONAL" },
	{ 0x8d, "VMEXIT_XSETBV" },
	{ 0x8e, "VMEXIT_RDPRU" },
	{ 0x8f, "VMEXIT_EFER_WRITE_TRAP" },
	{ 0x90, "VMEXIT_CR_WRITE_TRAP0" },
	{ 0x9f, "VMEXIT_CR_WRITE_TRAP15" },
	{ 0xa0, "VMEXIT_INVLPGB" },
	{ 0xa2, "VMEXIT_INVPCID" },
	{ 0xa4, "VMEXIT_TLBSYNC" },
	{ 0xa5, "VMEXIT_BUSLOCK" },
	{ 0x400, "VMEXIT_NPF" },
	{ 0x401, "VMEXIT_AVIC_INCOMPLETE_IPI" },
	{ 0x402, "VMEXIT_AVIC_NOACCEL" },
	{ 0x403, "VMEXIT_VMGEXIT" },
	{ 0xffffffff, "VMEXIT_INVALID" },
	{ ~0ull, "VMEXIT_INVALID" },
	{ 0x404, "unknown to the manual" },
	{ 0xa7, "unknown to the manual" },
	{ ~1ull, "unknown to the manual" },
};

static void test_exit_names(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(exits); i++)
		CU_ASSERT_STRING_EQUAL(svm_raw_name(exits[i].code), exits[i].name);
	for (u64 code = 0; code < 0x500; code++)
		CU_ASSERT_PTR_NOT_NULL(svm_raw_name(code));
}

/* ---- A VMCB that any CPU accepts ------------------------------------------------------------ */

static const struct svm_features machine = { .asids = 16, .phys_bits = 40, .linear_bits = 48 };

static void make_good(struct vmcb *b)
{
	const struct vmcb_segment data = { .selector = 0x10, .attrib = 0xc93, .limit = ~0u };

	memset(b, 0, sizeof(*b));
	b->control.intercept_exceptions = 0x60100;
	b->control.intercept_misc1 = 0x98000003 | VMCB_INTERCEPT_CPUID;
	b->control.intercept_misc2 = 0x7f;
	b->control.iopm_base_pa = 0x10000;
	b->control.msrpm_base_pa = 0x20000;
	b->control.guest_asid = 1;
	b->control.int_control = VMCB_V_INTR_MASKING;
	b->control.nested_control = VMCB_NP_ENABLE;
	b->control.n_cr3 = 0x30000;
	b->save.es = b->save.ss = b->save.ds = b->save.fs = b->save.gs = data;
	b->save.cs = (struct vmcb_segment){ .selector = 8, .attrib = 0xa9b, .limit = ~0u };
	b->save.tr = (struct vmcb_segment){ .selector = 0x20, .attrib = 0x8b, .limit = 0x67 };
	b->save.ldtr.attrib = 0x82;
	b->save.gdtr.limit = b->save.idtr.limit = 0xffff;
	b->save.efer = EFER_SVME | EFER_LME | EFER_LMA | EFER_SCE | EFER_NXE;
	b->save.cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_NE | CR0_WP;
	b->save.cr3 = 0x1000;
	b->save.cr4 = CR4_PAE | CR4_PGE;
	b->save.dr6 = DR6_FIXED;
	b->save.dr7 = DR7_FIXED;
	b->save.rflags = RFLAGS_ONE | RFLAGS_IF;
	b->save.rip = 0xffffffff80100000;
	b->save.g_pat = PAT_RESET;
}

/* The same without paging, 32 bits; and real mode as after reset. */
static void make_flat(struct vmcb *b)
{
	make_good(b);
	b->save.cs.attrib = 0xc9b;
	b->save.efer = EFER_SVME;
	b->save.cr0 = CR0_PE | CR0_ET;
	b->save.cr4 = 0;
	b->save.rip = 0x100000;
}

static void make_real(struct vmcb *b)
{
	make_flat(b);
	b->save.cr0 = CR0_ET | CR0_CD | CR0_NW;
	b->save.cs = (struct vmcb_segment){ 0xf000, 0x9b, 0xffff, 0xffff0000 };
	b->save.rip = 0xfff0;
}

static unsigned check_all(const struct vmcb *b)
{
	return svm_check(b, &machine, ~0u, NULL);
}

static void inject(struct vmcb *b, unsigned type, u8 vector, bool error)
{
	b->control.eventinj = VMCB_EVENT_V | type << 8 | vector | (error ? VMCB_EVENT_EV : 0);
}

static void test_good(void)
{
	struct vmcb b;

	make_good(&b);
	CU_ASSERT_EQUAL(check_all(&b), 0);
	make_flat(&b);
	CU_ASSERT_EQUAL(check_all(&b), 0);
	make_real(&b);
	CU_ASSERT_EQUAL(check_all(&b), 0);
	/* what looks odd and is allowed */
	b.save.tr = b.save.ldtr = b.save.ss = (struct vmcb_segment){ 0 };
	b.save.cr3 = ~0ull; /* no paging: nobody looks at it */
	b.control.int_shadow = VMCB_INTERRUPT_SHADOW;
	CU_ASSERT_EQUAL(check_all(&b), 0);
	b.control.int_shadow = 0;
	inject(&b, VMCB_EVENT_TYPE_EXCEPTION, VECTOR_GP, false); /* real mode: no error code */
	CU_ASSERT_EQUAL(check_all(&b), 0);
	make_good(&b);
	for (u8 vector = 0; vector < 32; vector++) {
		bool error = BIT(vector) & 0x60227d00;

		if (vector == VECTOR_NMI || vector == VECTOR_OF || vector == VECTOR_BR)
			continue;
		inject(&b, VMCB_EVENT_TYPE_EXCEPTION, vector, error);
		CU_ASSERT_EQUAL(check_all(&b), 0);
	}
	inject(&b, VMCB_EVENT_TYPE_INTR, 0xff, false);
	CU_ASSERT_EQUAL(check_all(&b), 0);
	inject(&b, VMCB_EVENT_TYPE_SOFT_INT, 4, false);
	CU_ASSERT_EQUAL(check_all(&b), 0);
	inject(&b, VMCB_EVENT_TYPE_NMI, VECTOR_NMI, false);
	CU_ASSERT_EQUAL(check_all(&b), 0);
	b.control.eventinj = 0x7fffffff; /* not valid: nobody looks at it */
	CU_ASSERT_EQUAL(check_all(&b), 0);
}

/* ---- Each rule broken ------------------------------------------------------------------------ */

#define WILD 0x0000800000000000ull /* the first address that is not canonical */
#define SET(field, value) (b->field = (value))
#define OR(field, value) (b->field |= (value))
#define CLEAR(field, value) (b->field &= ~(__typeof__(b->field))(value))
#define INJECT(type, vector, error) inject(b, type, vector, error)

/* X(rule, rules that this breaks in all, how): one rule's breaking may break another one. */
/* clang-format off */
#define BREAKS(X) \
	X(efer_svme, 1, CLEAR(save.efer, EFER_SVME)) \
	X(efer_reserved, 1, OR(save.efer, BIT(9))) \
	X(efer_lma, 1, CLEAR(save.efer, EFER_LMA)) \
	X(cr0_high, 1, OR(save.cr0, BIT(32))) \
	X(cr0_nw, 1, OR(save.cr0, CR0_NW)) \
	X(cr0_pg, 1, (make_flat(b), SET(save.cr0, CR0_PG | CR0_ET))) \
	X(lme_pae, 1, CLEAR(save.cr4, CR4_PAE)) \
	X(lme_pe, 2, CLEAR(save.cr0, CR0_PE)) \
	X(cs_l_d, 1, OR(save.cs.attrib, SEG_ATTR_DB)) \
	X(cr3_high, 1, OR(save.cr3, BIT(63))) \
	X(cr3_width, 1, OR(save.cr3, BIT(40))) \
	X(cr4_reserved, 1, OR(save.cr4, CR4_VMXE)) \
	X(cr4_pcide, 1, (make_flat(b), SET(save.cr4, CR4_PCIDE))) \
	X(cr4_cet, 1, (OR(save.cr4, CR4_CET), CLEAR(save.cr0, CR0_WP))) \
	X(dr6_high, 1, OR(save.dr6, BIT(32))) \
	X(dr7_high, 1, OR(save.dr7, BIT(63))) \
	X(vmrun, 1, CLEAR(control.intercept_misc2, VMCB_INTERCEPT_VMRUN)) \
	X(intr, 1, CLEAR(control.intercept_misc1, VMCB_INTERCEPT_INTR)) \
	X(nmi, 1, CLEAR(control.intercept_misc1, VMCB_INTERCEPT_NMI)) \
	X(shutdown, 1, CLEAR(control.intercept_misc1, VMCB_INTERCEPT_SHUTDOWN)) \
	X(exceptions, 1, CLEAR(control.intercept_exceptions, (u32)BIT(VECTOR_DF))) \
	X(protection, 1, CLEAR(control.intercept_misc1, VMCB_INTERCEPT_MSR_PROT)) \
	X(vm_insns, 1, CLEAR(control.intercept_misc2, VMCB_INTERCEPT_STGI)) \
	X(asid_zero, 1, SET(control.guest_asid, 0)) \
	X(asid_range, 1, SET(control.guest_asid, 16)) \
	X(iopm_range, 1, SET(control.iopm_base_pa, BIT(40) - KiB(8))) \
	X(iopm_align, 1, OR(control.iopm_base_pa, 0x800)) \
	X(msrpm_range, 1, SET(control.msrpm_base_pa, BIT(40) - KiB(4))) \
	X(msrpm_align, 1, OR(control.msrpm_base_pa, 1)) \
	X(event_type, 1, INJECT(1, 0x20, false)) \
	X(event_vector, 1, INJECT(VMCB_EVENT_TYPE_EXCEPTION, 32, false)) \
	X(event_mode, 1, INJECT(VMCB_EVENT_TYPE_EXCEPTION, VECTOR_BR, false)) \
	X(event_reserved, 1, (INJECT(0, 0x20, false), OR(control.eventinj, BIT(12)))) \
	X(event_error, 1, INJECT(VMCB_EVENT_TYPE_EXCEPTION, VECTOR_UD, true)) \
	X(event_no_error, 1, INJECT(VMCB_EVENT_TYPE_EXCEPTION, VECTOR_GP, false)) \
	X(event_nmi, 1, INJECT(VMCB_EVENT_TYPE_NMI, 3, false)) \
	X(event_shadow, 1, (INJECT(0, 0x20, false), SET(control.int_shadow, 1))) \
	X(tlb_control, 1, SET(control.tlb_control, VMCB_TLB_FLUSH_ASID)) \
	X(np_enable, 1, CLEAR(control.nested_control, VMCB_NP_ENABLE)) \
	X(np_reserved, 1, OR(control.nested_control, BIT(9))) \
	X(ncr3_align, 1, OR(control.n_cr3, 8)) \
	X(ncr3_range, 1, SET(control.n_cr3, BIT(40))) \
	X(g_pat, 1, SET(save.g_pat, (PAT_RESET & ~0xffull) | 2)) \
	X(intr_masking, 1, CLEAR(control.int_control, VMCB_V_INTR_MASKING)) \
	X(int_reserved, 1, OR(control.int_control, BIT(21))) \
	X(v_tpr, 1, OR(control.int_control, 0x10)) \
	X(v_irq, 1, OR(control.int_control, VMCB_V_IRQ)) \
	X(shadow_reserved, 1, SET(control.int_shadow, 4)) \
	X(lbr_reserved, 1, SET(control.lbr_control, 8)) \
	X(reserved, 1, SET(control.reserved_0e8, BIT(56))) \
	X(rflags_one, 1, CLEAR(save.rflags, RFLAGS_ONE)) \
	X(rflags_reserved, 1, OR(save.rflags, BIT(15))) \
	X(rflags_vm, 2, OR(save.rflags, RFLAGS_VM)) \
	X(rip_canonical, 1, SET(save.rip, WILD)) \
	X(rip_high, 1, (make_flat(b), OR(save.rip, BIT(32)))) \
	X(cpl_range, 1, SET(save.cpl, 4)) \
	X(cpl_real, 1, (make_real(b), SET(save.cpl, 3))) \
	X(cpl_v86, 1, (make_flat(b), OR(save.rflags, RFLAGS_VM))) \
	X(es_attrib, 1, OR(save.es.attrib, BIT(12))) \
	X(cs_attrib, 1, OR(save.cs.attrib, BIT(13))) \
	X(ss_attrib, 1, OR(save.ss.attrib, BIT(14))) \
	X(ds_attrib, 1, OR(save.ds.attrib, BIT(15))) \
	X(fs_attrib, 1, OR(save.fs.attrib, BIT(12))) \
	X(gs_attrib, 1, OR(save.gs.attrib, BIT(12))) \
	X(ldtr_attrib, 1, OR(save.ldtr.attrib, BIT(12))) \
	X(tr_attrib, 1, OR(save.tr.attrib, BIT(12))) \
	X(ldtr_type, 1, SET(save.ldtr.attrib, 0x8b)) \
	X(tr_type, 1, SET(save.tr.attrib, 0x9b)) \
	X(gdtr_limit, 1, SET(save.gdtr.limit, 0x10000)) \
	X(idtr_limit, 1, SET(save.idtr.limit, 0x10000)) \
	X(gdtr_base, 1, SET(save.gdtr.base, WILD)) \
	X(idtr_base, 1, SET(save.idtr.base, WILD)) \
	X(ldtr_base, 1, SET(save.ldtr.base, WILD)) \
	X(tr_base, 1, SET(save.tr.base, WILD)) \
	X(fs_base, 1, SET(save.fs.base, WILD)) \
	X(gs_base, 1, SET(save.gs.base, WILD)) \
	X(kernel_gs_base, 1, SET(save.kernel_gs_base, WILD)) \
	X(lstar_base, 1, SET(save.lstar, WILD)) \
	X(cstar_base, 1, SET(save.cstar, WILD)) \
	X(sysenter_esp_base, 1, SET(save.sysenter_esp, WILD)) \
	X(sysenter_eip_base, 1, SET(save.sysenter_eip, WILD))
/* clang-format on */

#define X(id, count, how)                        \
	static void break_##id(struct vmcb *b)   \
	{                                        \
		how;                             \
	}
BREAKS(X)
#undef X

static const struct {
	const char *id;
	unsigned count;
	void (*how)(struct vmcb *b);
} breaks[] = {
#define X(id, count, how) { #id, count, break_##id },
	BREAKS(X)
#undef X
};

/* What was said, as one text. */
struct text {
	struct fmt_sink sink;
	char text[2000];
	size_t len;
};

static void text_put(struct fmt_sink *sink, const char *text, size_t len)
{
	struct text *t = container_of(sink, struct text, sink);

	len = MIN(len, sizeof(t->text) - 1 - t->len);
	memcpy(t->text + t->len, text, len);
	t->len += len;
	t->text[t->len] = '\0';
}

static const struct svm_rule *find_rule(const char *id)
{
	for (unsigned i = 0; i < svm_rule_count; i++)
		if (!strcmp(svm_rules[i].id, id))
			return &svm_rules[i];
	return NULL;
}

/* Says "VMCB field = value: text: source". */
static void expect_line(const struct svm_rule *rule, const struct vmcb *b, const char *text)
{
	char line[400];

	fmt_string(line, sizeof(line), "VMCB %s = %#llx: %s: %s\n", rule->field,
		   (unsigned long long)rule->value(b), rule->text, rule->source);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "[APM] vol. 2 \""));
}

static void test_each_rule(void)
{
	struct vmcb b;

	CU_ASSERT(svm_rule_count >= 40);
	CU_ASSERT_EQUAL(svm_rule_count, ARRAY_SIZE(breaks));
	for (unsigned i = 0; i < ARRAY_SIZE(breaks); i++) {
		const struct svm_rule *rule = find_rule(breaks[i].id);
		struct text said = { .sink = { text_put } };

		make_good(&b);
		CU_ASSERT_PTR_NOT_NULL_FATAL(rule);
		breaks[i].how(&b);
		if (svm_check(&b, &machine, ~0u, &said.sink) != breaks[i].count) {
			printf("\n%s:\n%s", breaks[i].id, said.text);
			CU_FAIL("not the rules that were to break");
		}
		expect_line(rule, &b, said.text);
		CU_ASSERT(svm_check(&b, &machine, rule->groups, NULL) >= 1);
		CU_ASSERT_EQUAL(svm_check(&b, &machine, 0, NULL), 0);
		CU_ASSERT_EQUAL(svm_check(&b, &machine, SVM_CHECK_CPU, NULL) > 0,
				rule->by_cpu);
	}
}

/* An interrupt offered as V_IRQ must be one that the guest takes before anything else. */
static void test_offered_interrupt(void)
{
	struct vmcb good, b;

	make_good(&good);
	good.control.int_control |= VMCB_V_IRQ | VMCB_V_IGN_TPR;
	CU_ASSERT_EQUAL(svm_check(&good, &machine, ~0u, NULL), 0);
	b = good;
	b.control.int_control &= ~VMCB_V_IGN_TPR;
	CU_ASSERT_EQUAL(svm_check(&b, &machine, ~0u, NULL), 1);
	b = good;
	b.control.int_shadow = VMCB_INTERRUPT_SHADOW;
	CU_ASSERT_EQUAL(svm_check(&b, &machine, ~0u, NULL), 1);
	b = good;
	inject(&b, VMCB_EVENT_TYPE_INTR, 0x20, false);
	CU_ASSERT_EQUAL(svm_check(&b, &machine, ~0u, NULL), 1);
	b = good;
	b.save.rflags &= ~RFLAGS_IF;
	CU_ASSERT_EQUAL(svm_check(&b, &machine, ~0u, NULL), 1);
	b.control.intercept_misc1 |= VMCB_INTERCEPT_VINTR; /* then it is the window */
	CU_ASSERT_EQUAL(svm_check(&b, &machine, ~0u, NULL), 0);
}

/* Each named reserved field, at its first and last byte. */
static void test_reserved_fields(void)
{
	static const u16 at[] = { 0x018, 0x03b, 0x05d, 0x05f, 0x0c4, 0x0c7, 0x0e8, 0x0ef,
				  0x100, 0x107, 0x3df, 0x4a0, 0x4ca, 0x4cc, 0x4cf };
	struct vmcb b;

	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		make_good(&b);
		((u8 *)&b)[at[i]] = 1;
		CU_ASSERT_EQUAL(check_all(&b), 1);
		CU_ASSERT_EQUAL(find_rule("reserved")->value(&b), at[i] + 1);
	}
	make_good(&b);
	b.control.host_use[0] = b.control.host_use[31] = 1;
	CU_ASSERT_EQUAL(check_all(&b), 0);
}

static void test_features(void)
{
	struct svm_features more = machine;
	struct vmcb b;

	more.flush_by_asid = true;
	more.phys_bits = 48;
	more.linear_bits = 57;
	make_good(&b);
	b.control.tlb_control = VMCB_TLB_FLUSH_ASID;
	b.control.n_cr3 = BIT(40);
	b.save.cr3 |= BIT(47);
	b.save.fs.base = WILD;
	CU_ASSERT_EQUAL(check_all(&b), 4);
	CU_ASSERT_EQUAL(svm_check(&b, &more, ~0u, NULL), 0);
	b.control.tlb_control = 2;
	CU_ASSERT_EQUAL(svm_check(&b, &more, ~0u, NULL), 1);
}

static void test_dump(void)
{
	static struct vmcb b;
	static struct svm_vcpu s = { .vmcb = &b };
	static char all[8000];
	struct text said = { .sink = { text_put } };

	make_good(&b);
	b.control.exitcode = 0x72;
	b.save.rip = 0x1234567890;
	svm_dump(&s.vcpu, &said.sink);
	memcpy(all, said.text, said.len);
	CU_ASSERT_PTR_NOT_NULL(strstr(all, "exitcode             0000000000000072\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(all, "n_cr3                0000000000030000\n"));
}

void test_vmcb_register(void)
{
	CU_pSuite suite = CU_add_suite("vmcb", NULL, NULL);

	CU_add_test(suite, "layout", test_layout);
	CU_add_test(suite, "intercept bits", test_intercepts);
	CU_add_test(suite, "names of exits", test_exit_names);
	CU_add_test(suite, "good ones", test_good);
	CU_add_test(suite, "each rule broken", test_each_rule);
	CU_add_test(suite, "an interrupt offered", test_offered_interrupt);
	CU_add_test(suite, "reserved fields", test_reserved_fields);
	CU_add_test(suite, "what the machine offers", test_features);
	CU_add_test(suite, "dump", test_dump);
}
