/*
 * paging.c - 4-level and 5-level paging: entries of all kinds, control bits, accesses; faults,
 * accessed and dirty flags
 *
 * Owns: the entries and the accesses that are tried.  Must not know: what should come of it
 * (pagemodel.c).
 */
#include "access.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "x86_ops.h"

#define HIGH_SLOT 0x155ull /* of the fifth level: addresses of 57 bits, sign-extended */
#define KEY 5ull
#define KEY_SHIFT 59
#define KEY_AD (1u << 2 * KEY)
#define KEY_WD (2u << 2 * KEY)
#define KEY_OF_OURS 3u /* key 0: the pages of the snippets */
#define PKRS_OTHERS (~(KEY_AD | KEY_WD | KEY_OF_OURS))
#define NATIVE_PERCENT_5 3 /* what the CPU does itself is not ours */
#define NATIVE_PERCENT 12
#define EXIT_PERCENT 3
#define USER_STACK (SPACE_USER + 0x800)

/* What is tried at which privilege level: at 0, at 0 with AC set, at 3, at 3 with AC. */
enum level { KERNEL, KERNEL_AC, USER, USER_AC, LEVEL_COUNT };

/* Tables for the page that is tried; [0] is the last level. */
static u64 table[PAGEMODEL_LEVELS][512] ALIGNED(4096);
static u8 page[4096] ALIGNED(4096);
static struct pagemodel model;
static u64 linear, cpu_keys;
static bool has_nx, has_smep, has_smap, has_gigabyte, has_supervisor_keys;
static unsigned levels;
static unsigned large; /* the level whose entry maps the page */

static u64 at(const void *p)
{
	return (u64)(uintptr_t)p;
}

static u64 *entry_of(unsigned level)
{
	return &table[level][linear >> (12 + 9 * level) & 511];
}

/* ---- Entries ----------------------------------------------------------------------------- */

#define LEAF_KINDS 32
#define UPPER_KINDS 7

static u64 reserved_bit(unsigned level)
{
	if (level >= 3 && (rt_random() & 1))
		return PTE_PS;
	if (level && level == large && (rt_random() & 1))
		return BIT(13);
	return model.maxphyaddr < 52 ? BIT(51) : 0;
}

static u64 leaf_entry(unsigned kind)
{
	u64 e = at(page);

	if (large)
		e = (e & ~(BIT(12 + 9 * large) - 1)) | PTE_PS;
	e |= (kind & 1 ? PTE_P : 0) | (kind & 2 ? PTE_W : 0) | (kind & 4 ? PTE_U : 0);
	e |= (kind & 8 ? PTE_NX : 0) | (kind & 16 ? reserved_bit(large) : 0);
	return e | (rt_random() & 1 ? PTE_A : 0) | (rt_random() & 1 ? PTE_D : 0) |
	       (rt_random() & 1 ? KEY << KEY_SHIFT : 0);
}

static u64 upper_entry(unsigned level, unsigned kind)
{
	static const u64 bits[UPPER_KINDS] = {
		PTE_P | PTE_W | PTE_U, PTE_W | PTE_U, PTE_P | PTE_U,
		PTE_P | PTE_W,	       PTE_P,	      PTE_P | PTE_W | PTE_U | PTE_NX,
		PTE_P | PTE_W | PTE_U,
	};
	u64 e = at(table[level - 1]) | bits[kind];

	if (kind == UPPER_KINDS - 1)
		e |= reserved_bit(level);
	return e | (rt_random() & 1 ? PTE_A : 0);
}

/* One upper level is of that kind; the others let all pass. */
static void set_entries(unsigned leaf, unsigned upper, unsigned kind)
{
	for (unsigned level = large; level < levels; level++)
		*entry_of(level) = level == large ? leaf_entry(leaf)
						  : upper_entry(level, level == upper ? kind : 0);
}

/* ---- Accesses ---------------------------------------------------------------------------- */

static u64 address_of(enum access how)
{
	return linear + access_offset(how);
}

static void aim(struct space_shot *s, enum access how, bool user)
{
	u64 apic = user ? SPACE_USER_APIC : APIC_DEFAULT_BASE, data = linear + ACCESS_DATA;

	*s = (struct space_shot){ .rdx = ACCESS_PORT, .rsi = data, .rdi = data, .rsp = USER_STACK };
	if (how == FETCH || how == FETCH_CPUID)
		s->rsi = address_of(how);
	else if (how == SEGMENT)
		s->rax = SEL_IN_LDT;
	else if (how == LOAD_APIC)
		s->rdi = apic + ACCESS_APIC_TPR;
	else if (how == STORE_APIC)
		s->rsi = apic + ACCESS_APIC_VERSION;
	s->cs = user ? RT_USER_CS : RT_CS;
	s->ss = user ? RT_USER_DS : RT_DS;
	s->rip = user ? space_user(access_code(how)) : at(access_code(how));
}

static u64 entries_word(const u64 *entry)
{
	u64 word = 0;

	for (unsigned level = large; level < levels; level++)
		word |= WORD_ENTRY(level, entry[level]);
	return word;
}

static void one(enum access how, enum level level)
{
	const bool user = level >= USER, ac = level == KERNEL_AC || level == USER_AC;
	const struct pagemodel_access access = access_of(how, user, ac);
	struct pagemodel_result want;
	struct space_shot s;
	u64 before[PAGEMODEL_LEVELS], after[PAGEMODEL_LEVELS], got, manual;

	for (unsigned i = 0; i < levels; i++)
		before[i] = *entry_of(i);
	pagemodel_expect(&model, before, &access, &want);
	aim(&s, how, user);
	s.rflags = RFLAGS_ONE | RFLAGS_IOPL | (ac ? RFLAGS_AC : 0);
	x86_invlpg(linear);
	space_shoot(&s);
	for (unsigned i = 0; i < levels; i++)
		after[i] = *entry_of(i);
	got = access_word(s.vector, s.error, s.cr2 == address_of(how)) | entries_word(after);
	manual = access_manual(&want) | entries_word(want.entry);
	systems_try(how, got, manual, entries_word(want.open) | WORD_ERROR(want.error_open));
	page[ACCESS_DATA] = 0;
}

static void all_accesses(unsigned leaf, unsigned upper, unsigned kind)
{
	for (unsigned how = 0; how < ACCESSES; how++)
		for (unsigned level = 0; level < LEVEL_COUNT; level++) {
			/* Without SMAP, and for user mode, AC changes nothing: now and then. */
			bool ac = level == KERNEL_AC || level == USER_AC;
			unsigned percent = how >= ACCESS_EXITS	  ? EXIT_PERCENT
					   : levels > PAGEMODEL_4 ? NATIVE_PERCENT_5
								  : NATIVE_PERCENT;

			if (ac && (!model.smap || level == USER_AC))
				percent = percent / 4;
			if (!systems_chosen(percent))
				continue;
			set_entries(leaf, upper, kind);
			one(how, level);
		}
}

static void all_entries(void)
{
	for (unsigned leaf = 0; leaf < LEAF_KINDS; leaf++) {
		all_accesses(leaf, large, 0);
		for (unsigned upper = large + 1; upper < levels; upper++)
			for (unsigned kind = 1; kind < UPPER_KINDS; kind++)
				if ((leaf & 1) || systems_chosen(25))
					all_accesses(leaf, upper, kind);
	}
}

/* ---- Control registers ------------------------------------------------------------------- */

static void control(void)
{
	const u64 keys = CR4_PKE | CR4_PKS;
	u64 cr0 = x86_read_cr0() & ~CR0_WP, cr4 = x86_read_cr4() & ~(CR4_SMEP | CR4_SMAP | keys);
	u64 efer = x86_rdmsr(MSR_EFER) & ~EFER_NXE;

	x86_write_cr0(cr0 | (model.wp ? CR0_WP : 0));
	x86_write_cr4(cr4 | (model.smep ? CR4_SMEP : 0) | (model.smap ? CR4_SMAP : 0) |
		      (model.pke ? CR4_PKE : 0) | (model.pks ? CR4_PKS : 0));
	x86_wrmsr(MSR_EFER, efer | (model.nxe ? EFER_NXE : 0));
	if (model.pke)
		__asm__ volatile("wrpkru" ::"a"(model.pkru), "c"(0), "d"(0));
	if (model.pks)
		x86_wrmsr(MSR_PKRS, model.pkrs);
}

static const char *key_name(bool on, u32 rights)
{
	return !on ? "" : rights == KEY_AD ? "key-ad" : rights == KEY_WD ? "key-wd" : "key-other";
}

static void batch(void)
{
	char name[SYSTEMS_NAME];

	fmt_string(name, sizeof(name), "paging.%ulevel%s%s%s%s%s%s%s%s", levels,
		   model.nxe ? ".nxe" : "", model.wp ? ".wp" : "", model.smep ? ".smep" : "",
		   model.smap ? ".smap" : "", model.pke ? "." : "", key_name(model.pke, model.pkru),
		   model.pks ? ".s-" : "", key_name(model.pks, model.pkrs));
	control();
	systems_begin(name);
	for (large = 0; large < (has_gigabyte ? 3 : 2); large++)
		all_entries();
	systems_end();
}

static void prepare(unsigned kind)
{
	struct cpuid_regs r = x86_cpuid(7, 0);

	has_smep = r.ebx & BIT(7);
	has_smap = r.ebx & BIT(20);
	cpu_keys = r.ecx & BIT(3);
	has_supervisor_keys = r.ecx & BIT(31);
	r = x86_cpuid(0x80000001, 0);
	has_nx = r.edx & BIT(20);
	has_gigabyte = r.edx & BIT(26);
	levels = kind;
	model =
	    (struct pagemodel){ .kind = kind, .maxphyaddr = x86_cpuid(0x80000008, 0).eax & 0xff };
	linear = (u64)SPACE_FREE_SLOT << 39 | 6ull << 30 | (at(page) & (BIT(30) - 1));
	if (levels > PAGEMODEL_4)
		linear = (u64)((s64)((linear | HIGH_SLOT << 48) << 7) >> 7);
	access_fill(page);
}

static bool lacks(void)
{
	return (model.smep && !has_smep) || (model.smap && !has_smap) || (model.nxe && !has_nx);
}

/* step: of the sixteen ways to set four bits each step-th. */
static void all_controls(unsigned step)
{
	for (unsigned c = 0; c < 16; c += step) {
		model.wp = c & 1;
		model.smep = c & 2;
		model.smap = c & 4;
		model.nxe = !(c & 8);
		if (!lacks())
			batch();
	}
}

static void all_keys(unsigned step)
{
	static const u32 rights[] = { KEY_AD, KEY_WD, PKRS_OTHERS };

	model.nxe = has_nx;
	model.smep = model.smap = false;
	for (unsigned key = 0; key < 2 * ARRAY_SIZE(rights); key += step) {
		model.wp = key & 1;
		model.pkru = model.pkrs = rights[key / 2];
		model.pke = cpu_keys;
		model.pks = false;
		if (model.pke)
			batch();
		model.pke = cpu_keys && key & 1;
		model.pks = has_supervisor_keys && key % 4;
		model.pkru = rights[(key / 2 + 1) % ARRAY_SIZE(rights)];
		if (model.pks)
			batch();
	}
	model.pke = model.pks = false;
}

void systems_paging(void)
{
	u64 cr0 = x86_read_cr0(), cr4 = x86_read_cr4(), efer = x86_rdmsr(MSR_EFER);

	prepare(PAGEMODEL_4);
	space_begin();
	space_ldt(linear + ACCESS_LDT);
	/* Our own root is the first level of what is tried. */
	memcpy(table[levels - 1], space_root, sizeof(space_root));
	x86_write_cr3(at(table[levels - 1]));
	systems_canonical();
	all_controls(1);
	all_keys(1);
	x86_write_cr0(cr0);
	x86_write_cr4(cr4);
	x86_wrmsr(MSR_EFER, efer);
	space_end();
}

/* The last part: bare QEMU 7.2 hangs on the way back from five levels. */
void systems_paging_five(void)
{
	u64 cr0 = x86_read_cr0(), cr4 = x86_read_cr4(), efer = x86_rdmsr(MSR_EFER);
	bool there = x86_cpuid(7, 0).ecx & BIT(16);

	systems_case("paging.5level.there", there ? "yes" : "no", NULL);
	if (!there)
		return;
	prepare(PAGEMODEL_5);
	space_begin();
	space_ldt(0);
	__asm__ volatile("lldt %w0" ::"r"(0));
	/* The first quarter of a PiB is as it was; what is tried lies in another slot. */
	table[PAGEMODEL_4][0] = at(space_root) | PTE_P | PTE_W | PTE_U;
	space_levels(at(table[PAGEMODEL_4]), cr4 | CR4_LA57);
	space_ldt(linear + ACCESS_LDT);
	systems_canonical();
	all_controls(3);
	all_keys(2);
	x86_write_cr0(cr0);
	x86_write_cr4(cr4 | CR4_LA57);
	x86_wrmsr(MSR_EFER, efer);
	if (!systems_virtual())
		return;
	space_levels(at(space_root), cr4);
	systems_number("paging.5level.left", x86_read_cr4(), cr4);
	space_end();
}
