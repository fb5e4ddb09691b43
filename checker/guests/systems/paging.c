/*
 * paging.c - 4-level paging: entries of all kinds, control bits, accesses; faults, accessed and
 * dirty flags
 *
 * Owns: the entries and the accesses that are tried.  Must not know: what should come of it
 * (pagemodel.c).
 *
 * Some accesses a hypervisor carries out itself, because the instruction exits (strings from and
 * to ports, the local APIC, CPUID): it must walk the tables as the CPU does.
 */
#include "space.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "pagemodel.h"
#include "x86_ops.h"

#define LEVELS 4
#define PORT 0xed /* nobody is there */
#define CODE_AT 0x10
#define CPUID_AT 0x20
#define DATA_AT 0x80
#define LDT_AT 0x100
#define APIC_VERSION 0x30
#define APIC_TPR 0x80
#define INT3 0xcc
#define DATA_DESCRIPTOR 0x00cff3000000ffff /* accessed already */
#define KEY 5ull
#define KEY_SHIFT 59
#define KEY_AD (1u << 2 * KEY)
#define KEY_WD (2u << 2 * KEY)
#define KEY_OF_OURS 3u /* key 0: the pages of the snippets */
#define NATIVE_PERCENT 12
#define EXIT_PERCENT 3
#define USER_STACK (SPACE_USER + 0x800)

enum how {
	READ,
	WRITE,
	FETCH,
	SEGMENT,
	CHANGE,
	OUTS,
	INS,
	LOAD_APIC,  /* from the page to a device */
	STORE_APIC, /* from a device to the page */
	FETCH_CPUID,
	HOWS
};

/* What is tried at which privilege level: at 0, at 0 with AC set, at 3, at 3 with AC. */
enum level { KERNEL, KERNEL_AC, USER, USER_AC, LEVEL_COUNT };

static const struct {
	const char *code;
	bool write, fetch, implicit, exits;
} ways[HOWS] = {
	[READ] = { snippet_read, .write = false },
	[WRITE] = { snippet_write, .write = true },
	[FETCH] = { snippet_fetch, .fetch = true },
	[SEGMENT] = { snippet_segment, .implicit = true },
	[CHANGE] = { snippet_change, .write = true },
	[OUTS] = { snippet_outs, .exits = true },
	[INS] = { snippet_ins, .write = true, .exits = true },
	[LOAD_APIC] = { snippet_movs, .exits = true },
	[STORE_APIC] = { snippet_movs, .write = true, .exits = true },
	[FETCH_CPUID] = { snippet_fetch, .fetch = true, .exits = true },
};

/* Tables for the page that is tried; [0] is the last level. */
static u64 table[LEVELS][512] ALIGNED(4096);
static u8 page[4096] ALIGNED(4096);
static struct pagemodel model;
static u64 linear, cpu_keys;
static bool has_nx, has_smep, has_smap, has_gigabyte;
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
	if (level == 3 && (rt_random() & 1))
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
	for (unsigned level = large; level < LEVELS; level++)
		*entry_of(level) = level == large ? leaf_entry(leaf)
						  : upper_entry(level, level == upper ? kind : 0);
}

/* ---- Accesses ---------------------------------------------------------------------------- */

static void aim(struct space_shot *s, enum how how, bool user)
{
	u64 apic = user ? SPACE_USER_APIC : APIC_DEFAULT_BASE, data = linear + DATA_AT;

	*s = (struct space_shot){ .rdx = PORT, .rsi = data, .rdi = data, .rsp = USER_STACK };
	if (how == FETCH)
		s->rsi = linear + CODE_AT;
	else if (how == FETCH_CPUID)
		s->rsi = linear + CPUID_AT;
	else if (how == SEGMENT)
		s->rax = SEL_IN_LDT;
	else if (how == LOAD_APIC)
		s->rdi = apic + APIC_TPR;
	else if (how == STORE_APIC)
		s->rsi = apic + APIC_VERSION;
	s->cs = user ? RT_USER_CS : RT_CS;
	s->ss = user ? RT_USER_DS : RT_DS;
	s->rip = user ? space_user(ways[how].code) : at(ways[how].code);
}

static u64 address_of(enum how how)
{
	return linear + (how == FETCH	      ? CODE_AT
			 : how == FETCH_CPUID ? CPUID_AT
			 : how == SEGMENT     ? LDT_AT
					      : DATA_AT);
}

static u64 entries_word(const u64 *entry)
{
	u64 word = 0;

	for (unsigned level = large; level < LEVELS; level++)
		word |= WORD_ENTRY(level, entry[level]);
	return word;
}

static void one(enum how how, enum level level)
{
	const bool user = level >= USER, ac = level == KERNEL_AC || level == USER_AC;
	const struct pagemodel_access access = { .write = ways[how].write,
						 .fetch = ways[how].fetch,
						 .implicit = ways[how].implicit,
						 .user = user,
						 .ac = ac };
	struct pagemodel_result want;
	struct space_shot s;
	u64 before[LEVELS], after[LEVELS], got, manual;

	for (unsigned i = 0; i < LEVELS; i++)
		before[i] = *entry_of(i);
	pagemodel_expect(&model, before, &access, &want);
	aim(&s, how, user);
	s.rflags = RFLAGS_ONE | RFLAGS_IOPL | (ac ? RFLAGS_AC : 0);
	x86_invlpg(linear);
	space_shoot(&s);
	for (unsigned i = 0; i < LEVELS; i++)
		after[i] = *entry_of(i);
	got = WORD_VECTOR(s.vector) | WORD_ERROR(s.error) | entries_word(after);
	if (s.vector == VECTOR_PF && s.cr2 == address_of(how))
		got |= WORD_CR2;
	manual = entries_word(want.entry);
	manual |= want.fault ? WORD_VECTOR(VECTOR_PF) | WORD_ERROR(want.error) | WORD_CR2
			     : WORD_VECTOR(VECTOR_BP);
	systems_try(how, got, manual, entries_word(want.open));
	page[DATA_AT] = 0;
}

static void all_accesses(unsigned leaf, unsigned upper, unsigned kind)
{
	for (unsigned how = 0; how < HOWS; how++)
		for (unsigned level = 0; level < LEVEL_COUNT; level++) {
			/* Without SMAP, and for user mode, AC changes nothing: now and then. */
			bool ac = level == KERNEL_AC || level == USER_AC;
			unsigned percent = ways[how].exits ? EXIT_PERCENT : NATIVE_PERCENT;

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
		for (unsigned upper = large + 1; upper < LEVELS; upper++)
			for (unsigned kind = 1; kind < UPPER_KINDS; kind++)
				if ((leaf & 1) || systems_chosen(25))
					all_accesses(leaf, upper, kind);
	}
}

/* ---- Control registers ------------------------------------------------------------------- */

static void control(void)
{
	u64 cr0 = x86_read_cr0() & ~CR0_WP, cr4 = x86_read_cr4() & ~(CR4_SMEP | CR4_SMAP | CR4_PKE);
	u64 efer = x86_rdmsr(MSR_EFER) & ~EFER_NXE;

	x86_write_cr0(cr0 | (model.wp ? CR0_WP : 0));
	x86_write_cr4(cr4 | (model.smep ? CR4_SMEP : 0) | (model.smap ? CR4_SMAP : 0) |
		      (model.pke ? CR4_PKE : 0));
	x86_wrmsr(MSR_EFER, efer | (model.nxe ? EFER_NXE : 0));
	if (model.pke)
		__asm__ volatile("wrpkru" ::"a"(model.pkru), "c"(0), "d"(0));
}

static void batch(void)
{
	char name[SYSTEMS_NAME];

	fmt_string(name, sizeof(name), "paging.4level%s%s%s%s%s", model.nxe ? ".nxe" : "",
		   model.wp ? ".wp" : "", model.smep ? ".smep" : "", model.smap ? ".smap" : "",
		   !model.pke		  ? ""
		   : model.pkru == KEY_AD ? ".key-ad"
		   : model.pkru == KEY_WD ? ".key-wd"
					  : ".key-other");
	control();
	systems_begin(name);
	for (large = 0; large < (has_gigabyte ? 3 : 2); large++)
		all_entries();
	systems_end();
}

static void prepare(void)
{
	struct cpuid_regs r = x86_cpuid(7, 0);

	has_smep = r.ebx & BIT(7);
	has_smap = r.ebx & BIT(20);
	cpu_keys = r.ecx & BIT(3);
	r = x86_cpuid(0x80000001, 0);
	has_nx = r.edx & BIT(20);
	has_gigabyte = r.edx & BIT(26);
	model = (struct pagemodel){ .kind = PAGEMODEL_4,
				    .maxphyaddr = x86_cpuid(0x80000008, 0).eax & 0xff };
	linear = (u64)SPACE_FREE_SLOT << 39 | 6ull << 30 | (at(page) & (BIT(30) - 1));
	memset(page, INT3, sizeof(page));
	page[CPUID_AT] = 0x0f;
	page[CPUID_AT + 1] = 0xa2;
	memset(page + DATA_AT, 0, 64);
	memcpy(page + LDT_AT, &(u64){ DATA_DESCRIPTOR }, 8);
}

void systems_paging(void)
{
	u64 cr0 = x86_read_cr0(), cr4 = x86_read_cr4(), efer = x86_rdmsr(MSR_EFER);

	prepare();
	space_begin();
	space_ldt(linear + LDT_AT);
	/* Our own root is the first level of what is tried. */
	memcpy(table[LEVELS - 1], space_root, sizeof(space_root));
	x86_write_cr3(at(table[LEVELS - 1]));
	for (unsigned c = 0; c < 16; c++) {
		model.wp = c & 1;
		model.smep = c & 2;
		model.smap = c & 4;
		model.nxe = !(c & 8);
		if ((model.smep && !has_smep) || (model.smap && !has_smap) ||
		    (model.nxe && !has_nx))
			continue;
		batch();
	}
	model.nxe = has_nx;
	model.smep = model.smap = false;
	model.pke = true;
	for (unsigned key = 0; key < 6 && cpu_keys; key++) {
		model.wp = key & 1;
		model.pkru = key < 2 ? KEY_AD : key < 4 ? KEY_WD : ~(KEY_AD | KEY_WD | KEY_OF_OURS);
		batch();
	}
	x86_write_cr0(cr0);
	x86_write_cr4(cr4);
	x86_wrmsr(MSR_EFER, efer);
	space_end();
}
