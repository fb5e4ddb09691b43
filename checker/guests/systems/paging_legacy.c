/*
 * paging_legacy.c - 32-bit paging, with large pages and without, and PAE paging: as paging.c
 *
 * Owns: the entries and the accesses that are tried.  Must not know: what should come of it
 * (pagemodel.c).
 */
#include "access.h"
#include "legacy.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "x86_ops.h"

#define LINEAR 0x80000000u
#define USER 0x40000000u
#define USER_APIC (USER + 0x1000)
#define LOW_TABLES 4
#define SHOTS 256
#define EXITS_ONE_IN 10

/* What was asked of one shot. */
struct plan {
	u8 how;
	bool user, ac;
	u64 entry[3];
};

static u32 directory[1024] ALIGNED(4096), low[LOW_TABLES][1024] ALIGNED(4096);
static u32 user_table[1024] ALIGNED(4096), apic_table[1024] ALIGNED(4096), last[1024] ALIGNED(4096);
static u64 pdpt[4] ALIGNED(4096), pae_directory[4][512] ALIGNED(4096);
static u64 pae_user[512] ALIGNED(4096), pae_last[512] ALIGNED(4096);
static u8 page[4096] ALIGNED(4096);
static struct legacy_shot shots[SHOTS];
static struct plan plans[SHOTS];
static struct pagemodel model;
static u32 linear;

static u32 at(const void *p)
{
	return (u32)(uintptr_t)p;
}

/* ---- Tables ------------------------------------------------------------------------------ */

#define RW_ (PTE_P | PTE_W)
#define ALL (PTE_P | PTE_W | PTE_U)

static void make_tables(void)
{
	for (unsigned i = 0; i < LOW_TABLES; i++) {
		directory[i] = at(low[i]) | RW_;
		for (unsigned j = 0; j < 1024; j++)
			low[i][j] = (i << 22 | j << 12) | RW_;
	}
	directory[USER >> 22] = at(user_table) | ALL;
	user_table[0] = at(snippets) | PTE_P | PTE_U;
	user_table[1] = (u32)APIC_DEFAULT_BASE | ALL | PTE_PCD;
	directory[APIC_DEFAULT_BASE >> 22] = at(apic_table) | RW_;
	apic_table[APIC_DEFAULT_BASE >> 12 & 1023] = (u32)APIC_DEFAULT_BASE | RW_ | PTE_PCD;

	for (unsigned i = 0; i < 4; i++)
		pdpt[i] = at(pae_directory[i]) | PTE_P;
	for (unsigned i = 0; i < LEGACY_MAPPED >> 21; i++)
		pae_directory[0][i] = (u64)i << 21 | RW_ | PTE_PS;
	pae_directory[1][0] = at(pae_user) | ALL;
	pae_user[0] = user_table[0];
	pae_user[1] = user_table[1];
	pae_directory[3][APIC_DEFAULT_BASE >> 21 & 511] =
	    (APIC_DEFAULT_BASE & ~BITS(20, 0)) | RW_ | PTE_PS | PTE_PCD;
}

/* ---- Entries ----------------------------------------------------------------------------- */

static bool one_in(unsigned n)
{
	return rt_random() % n == 0;
}

static u64 rights(void)
{
	u64 r = rt_random();

	return (r & 7 ? PTE_P : 0) | (r & 0x30 ? PTE_W : 0) | (r & 0xc0 ? PTE_U : 0) |
	       (r & 0x100 ? PTE_A : 0) | (r & 0x200 ? PTE_D : 0);
}

/* An entry that maps the page at its level, or the table below. */
static u64 entry_32(unsigned level)
{
	u64 e = rights();

	if (!level)
		return e | at(page);
	if (one_in(3))
		/* Without PSE the table below is used all the same. */
		return e | PTE_PS |
		       (model.pse ? (at(page) & ~BITS(21, 0)) | (one_in(6) ? BIT(21) : 0)
				  : at(last));
	return (e & ~PTE_D) | at(last);
}

static u64 entry_pae(unsigned level)
{
	u64 e = rights(), high = model.maxphyaddr < 52 ? BIT(51) : BIT(52);

	if (level == 2)
		return (one_in(12) ? 0 : PTE_P) | at(pae_directory[2]);
	e |= (one_in(4) ? PTE_NX : 0) | (one_in(12) ? high : 0) | (one_in(24) ? BIT(62) : 0);
	if (!level)
		return e | at(page);
	if (one_in(3))
		return e | PTE_PS | (at(page) & ~BITS(20, 0)) | (one_in(6) ? BIT(13) : 0);
	return (e & ~PTE_D) | at(pae_last);
}

static u32 entry_at(unsigned level)
{
	if (model.kind == PAGEMODEL_32)
		return level ? at(&directory[linear >> 22]) : at(&last[linear >> 12 & 1023]);
	return level == 2   ? at(&pdpt[linear >> 30])
	       : level == 1 ? at(&pae_directory[2][linear >> 21 & 511])
			    : at(&pae_last[linear >> 12 & 511]);
}

/* ---- Accesses ---------------------------------------------------------------------------- */

static u32 address_of(enum access how)
{
	return linear + access_offset(how);
}

static void aim(struct legacy_shot *s, const struct plan *p)
{
	u32 apic = p->user ? USER_APIC : (u32)APIC_DEFAULT_BASE;

	*s = (struct legacy_shot){ .edx = ACCESS_PORT,
				   .esi = address_of(p->how),
				   .edi = linear + ACCESS_DATA };
	if (p->how == SEGMENT)
		s->eax = SEL_IN_LDT;
	else if (p->how == LOAD_APIC)
		s->edi = apic + ACCESS_APIC_TPR;
	else if (p->how == STORE_APIC)
		s->esi = apic + ACCESS_APIC_VERSION;
	s->eip = at(access_code(p->how));
	s->cs = RT_CS32;
	if (p->user) {
		s->eip = USER + (u32)(access_code(p->how) - snippets);
		s->cs = SEL_USER_CS32;
		s->ss = RT_USER_DS;
		s->esp = USER + 0x800;
	}
	s->eflags = (u32)(RFLAGS_ONE | RFLAGS_IOPL | (p->ac ? RFLAGS_AC : 0));
}

static void make_shot(struct legacy_shot *s, struct plan *p)
{
	const unsigned levels = (unsigned)model.kind;

	p->how = (u8)(one_in(EXITS_ONE_IN) ? ACCESS_EXITS + rt_random() % (ACCESSES - ACCESS_EXITS)
					   : rt_random() % ACCESS_EXITS);
	/* With SMEP CPUID hangs a guest of Xen without NRIP save (docs/found.md). */
	if (model.smep && p->how == FETCH_CPUID && rt_avoids("smep.cpuid"))
		p->how = FETCH;
	p->user = one_in(2);
	p->ac = one_in(4);
	for (unsigned i = 0; i < levels; i++)
		p->entry[i] = model.kind == PAGEMODEL_32 ? entry_32(i) : entry_pae(i);
	aim(s, p);
	s->flush = model.kind == PAGEMODEL_32 && one_in(2) ? linear : 0;
	/* 32-bit entries: eight bytes are stored, and nobody uses the next one. */
	for (unsigned i = 0; i < levels; i++) {
		s->edit[i].at = entry_at(i);
		s->edit[i].low = (u32)p->entry[i];
		s->edit[i].high = (u32)(p->entry[i] >> 32);
	}
}

static u64 entries_word(const u64 *entry)
{
	u64 word = 0;

	for (unsigned i = 0; i < (unsigned)model.kind; i++)
		word |= WORD_ENTRY(i, entry[i]);
	return word;
}

static void judge_shot(const struct legacy_shot *s, const struct plan *p)
{
	const struct pagemodel_access access = access_of(p->how, p->user, p->ac);
	const u64 after[3] = { s->edit[0].after, s->edit[1].after, s->edit[2].after };
	struct pagemodel_result want;
	u64 got, manual;

	pagemodel_expect(&model, p->entry, &access, &want);
	got = access_word(s->vector, s->error, s->cr2 == address_of(p->how)) | entries_word(after);
	manual = access_manual(&want) | entries_word(want.entry);
	systems_try(p->how, got, manual, entries_word(want.open));
}

/* ---- Control registers ------------------------------------------------------------------- */

static void batch(void)
{
	const bool pae = model.kind == PAGEMODEL_PAE;
	struct legacy l = {
		.cr0 = (u32)(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_PG | (model.wp ? CR0_WP : 0)),
		.cr3 = pae ? at(pdpt) : at(directory),
		.cr4 = (u32)((pae ? CR4_PAE : 0) | (model.pse ? CR4_PSE : 0) |
			     (model.smep ? CR4_SMEP : 0) | (model.smap ? CR4_SMAP : 0)),
		.efer = model.nxe ? (u32)EFER_NXE : 0,
		.ldt = SEL_LDT,
		.count = SHOTS,
		.shot = shots,
	};
	char name[SYSTEMS_NAME];

	fmt_string(name, sizeof(name), "paging.%s%s%s%s%s%s", pae ? "pae" : "32bit",
		   model.pse ? ".pse" : "", model.nxe ? ".nxe" : "", model.wp ? ".wp" : "",
		   model.smep ? ".smep" : "", model.smap ? ".smap" : "");
	for (unsigned i = 0; i < SHOTS; i++)
		make_shot(&shots[i], &plans[i]);
	/* The first one's tables must be there when paging begins, whatever its own entries are. */
	make_tables();
	legacy_run(&l);
	systems_begin(name);
	for (unsigned i = 0; i < SHOTS; i++)
		judge_shot(&shots[i], &plans[i]);
	systems_end();
}

static void prepare(void)
{
	linear = LINEAR | (at(page) & (u32)BITS(29, 0));
	access_fill(page);
	model = (struct pagemodel){ .maxphyaddr = x86_cpuid(0x80000008, 0).eax & 0xff };
}

void systems_paging_legacy(void)
{
	const u32 features = x86_cpuid(7, 0).ebx;
	const bool has_nx = x86_cpuid(0x80000001, 0).edx & BIT(20);
	const bool no_pae = rt_avoids("pae");

	prepare();
	space_begin();
	space_ldt(linear + ACCESS_LDT);
	legacy_begin();
	for (unsigned c = 0; c < 32; c++) {
		model.wp = c & 1;
		model.smep = c & 2;
		model.smap = c & 4;
		model.kind = c & 16 ? PAGEMODEL_PAE : PAGEMODEL_32;
		model.pse = c & 8 && !(c & 16);
		model.nxe = c & 8 && c & 16;
		if ((model.smep && !(features & BIT(7))) || (model.smap && !(features & BIT(20))) ||
		    (model.nxe && !has_nx) || (model.kind == PAGEMODEL_PAE && no_pae))
			continue;
		batch();
	}
	space_end();
}
