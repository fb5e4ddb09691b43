/*
 * cpuid_build.c - making a virtual CPU's identity
 *
 * Owns: a VM's CPUID table out of the rules (cpuid_rules.c), a model and the machine.
 * Must not know: back ends; how it is asked (cpuid.c).
 *
 * Sources: [SDM] vol. 2 "CPUID - CPU Identification"; [APM] vol. 3 appendix E.
 */
#include "vm/cpuid.h"

#include "lib/string.h"
#include "vm/cpuid_rules.h"
#include "vm/vm.h"

#define LEAF1_ECX_XSAVE 26
#define LEAF1_ECX_HYPERVISOR BIT(31)
#define LEAF1_EDX_HTT BIT(28)
#define EXT1_ECX_CMP_LEGACY BIT(1)
#define EXT1_ECX_TOPOLOGY 22

#define CACHE_SUBLEAVES 8
#define PACKAGE_LEVELS 2 /* of leaf 0xb: threads, cores */

/* Model v1: values of its own.  Bits are in the rules; cpuid_rules.c says why. */
#define V1_MAX_BASIC 0xbu
#define V1_MAX_EXTENDED 0x80000008u
#define V1_PHYSICAL_BITS 39
#define V1_LINEAR_BITS 48
#define TEXT4(a, b, c, d) ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)

static const struct {
	u32 leaf;
	struct cpuid_regs regs;
} v1_values[] = {
	{ 0x0,
	  { 0, TEXT4('E', 's', 'p', 'e'), TEXT4('p', 'e', 'j', 'o'), TEXT4('j', 'o', 'E', 's') } },
	{ 0x1, { 0x610, 8 << 8, 0, 0 } },
	{ 0x80000001, { 0x610, 0, 0, 0 } },
	{ 0x80000002,
	  { TEXT4('E', 's', 'p', 'e'), TEXT4('j', 'o', ' ', 'v'), TEXT4('1', ' ', 'v', 'i'),
	    TEXT4('r', 't', 'u', 'a') } },
	{ 0x80000003, { TEXT4('l', ' ', 'C', 'P'), TEXT4('U', 0, 0, 0), 0, 0 } },
	{ 0x80000008, { V1_PHYSICAL_BITS | V1_LINEAR_BITS << 8, 0, 0, 0 } },
};

struct builder {
	struct cpuid_table *table;
	cpuid_reader read;
	unsigned vcpus;
	bool v1;
	u32 host_max_basic, host_max_extended;
	const char *missing;
};

static bool all_zero(const struct cpuid_regs *r)
{
	return !(r->eax | r->ebx | r->ecx | r->edx);
}

/* The machine's answer; zeros for leaves that it does not have, whatever it says there. */
static struct cpuid_regs machine(const struct builder *b, u32 leaf, u32 subleaf)
{
	u32 max = leaf >= CPUID_EXTENDED ? b->host_max_extended : b->host_max_basic;

	return leaf <= max ? b->read(leaf, subleaf) : (struct cpuid_regs){ 0 };
}

/* The smallest n with 2^n >= count. */
static unsigned bits_for(unsigned count)
{
	unsigned n = 0;

	while ((1u << n) < count)
		n++;
	return n;
}

static void add(struct builder *b, u32 leaf, u32 subleaf, struct cpuid_regs regs, u8 flags)
{
	struct cpuid_table *t = b->table;
	u32 n = leaf & ~CPUID_EXTENDED;
	u8 *index = leaf >= CPUID_EXTENDED ? t->extended : t->basic;

	if (all_zero(&regs) && !flags)
		return;
	check(t->count < CPUID_LEAVES);
	t->leaf[t->count++] = (struct cpuid_leaf){ leaf, subleaf, regs, flags };
	if (n < CPUID_INDEXED && !index[n])
		index[n] = t->count;
}

/* What a rule lets through of one register. */
static u32 keep(struct builder *b, const struct cpuid_rule *rule, u32 host)
{
	u32 mask = BITS(rule->high, rule->low);

	switch (rule->policy) {
	case CPUID_PASSED:
		if (!b->v1)
			return host & mask;
		if (rule->v1 && (host & mask) != mask && !b->missing)
			b->missing = rule->name;
		return rule->v1 ? mask : 0;
	case CPUID_EMULATED:
		return b->v1 ? (rule->v1 ? mask : 0) : host & mask;
	default:
		return 0;
	}
}

static struct cpuid_regs filter(struct builder *b, const struct cpuid_rule *rules, unsigned count,
				struct cpuid_regs host)
{
	struct cpuid_regs result = { 0 };

	for (unsigned i = 0; i < count; i++)
		for (unsigned reg = CPUID_EAX; reg < CPUID_ALL; reg++)
			if (rules[i].reg == reg || rules[i].reg == CPUID_ALL)
				*cpuid_reg(&result, reg) |=
				    keep(b, &rules[i], *cpuid_reg(&host, reg));
	return result;
}

/*
 * Is the machine's own "hypervisor" only a name (an emulator's)?  One that offers services
 * offers them to us: a guest that tried them would find nothing.
 */
static bool name_only(const struct builder *b)
{
	u32 last = b->read(CPUID_HYPERVISOR, 0).eax;

	if (!(machine(b, 1, 0).ecx & LEAF1_ECX_HYPERVISOR) || last < CPUID_HYPERVISOR ||
	    last > CPUID_HYPERVISOR + CPUID_INDEXED)
		return false;
	for (u32 leaf = CPUID_HYPERVISOR + 1; leaf <= last; leaf++) {
		struct cpuid_regs r = b->read(leaf, 0);

		if (!all_zero(&r))
			return false;
	}
	return true;
}

static void build_hypervisor(struct builder *b)
{
	struct cpuid_regs r = { CPUID_HYPERVISOR, TEXT4('E', 's', 'p', 'e'),
				TEXT4('j', 'o', 'E', 's'), TEXT4('p', 'e', 'j', 'o') };

	if (!b->v1) {
		if (!name_only(b))
			return;
		r = b->read(CPUID_HYPERVISOR, 0);
	}
	b->table->max_hypervisor = r.eax;
	add(b, CPUID_HYPERVISOR, 0, r, 0);
}

/* Cache parameters, one subleaf each until a type of 0.  Sharing follows our topology. */
static void build_caches(struct builder *b, const struct cpuid_rule *rules, unsigned count)
{
	u32 leaf = rules->leaf, cores = (1u << bits_for(b->vcpus)) - 1;

	for (u32 subleaf = 0; subleaf < CACHE_SUBLEAVES && !b->v1; subleaf++) {
		struct cpuid_regs host = machine(b, leaf, subleaf);
		struct cpuid_regs r = filter(b, rules, count, host);
		unsigned level = host.eax >> 5 & 7;

		if (!(host.eax & BITS(4, 0)))
			break;
		if (level >= 3)
			r.eax |= cores << 14;
		if (leaf == 4)
			r.eax |= cores << 26;
		add(b, leaf, subleaf, r, CPUID_EXACT);
	}
}

/* [SDM] "CPUID", leaf 0xb: level types 1 (thread) and 2 (core) in ECX[15:8]. */
static void build_topology(struct builder *b, u32 leaf)
{
	if (!b->v1 && !machine(b, leaf, 0).ebx)
		return;
	for (u32 level = 0; level < PACKAGE_LEVELS; level++) {
		struct cpuid_regs r = { level ? bits_for(b->vcpus) : 0, level ? b->vcpus : 1,
					(level + 1) << 8 | level, 0 };

		add(b, leaf, level, r, CPUID_EXACT | CPUID_DYNAMIC);
	}
}

static u64 xcr0_of(const struct cpuid_regs *leaf_d)
{
	return (u64)leaf_d->edx << 32 | leaf_d->eax;
}

/* The group of leaf 0xd with this subleaf: 0 and 1 are bits, the others one component each. */
static void build_xsave(struct builder *b, const struct cpuid_rule *rules, unsigned count)
{
	struct cpuid_table *t = b->table;
	struct cpuid_regs r, host = machine(b, 0xd, rules->subleaf);
	u64 components = cpuid_xcr0_allowed(t);

	if (!cpuid_has(t, 1, CPUID_ECX, LEAF1_ECX_XSAVE))
		return;
	if (rules->subleaf != CPUID_ANY_SUBLEAF) {
		r = filter(b, rules, count, host);
		for (unsigned i = 2; rules->subleaf == 0 && i < CPUID_XSAVE_COMPONENTS; i++)
			if (xcr0_of(&r) & BIT(i)) {
				struct cpuid_regs part = machine(b, 0xd, i);

				r.ecx = MAX(r.ecx, part.eax + part.ebx);
			}
		if (rules->subleaf == 0)
			r.ecx = MAX(r.ecx, (u32)CPUID_XSAVE_LEGACY);
		add(b, 0xd, rules->subleaf, r, CPUID_EXACT | CPUID_DYNAMIC);
		return;
	}
	for (unsigned i = 2; i < CPUID_XSAVE_COMPONENTS; i++)
		if (components & BIT(i))
			add(b, 0xd, i, filter(b, rules, count, machine(b, 0xd, i)), CPUID_EXACT);
}

#define NS_PER_S 1000000000u
#define KHZ_LIMIT 0xffffffffull

static u64 divisor_of(u64 a, u64 b)
{
	while (b) {
		u64 rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/*
 * TSC = crystal * EBX / EAX, with our LAPIC's timer as the crystal, whose clock that leaf tells as
 * well.  Systems multiply the crystal's kHz by EBX in 32 bits, so EBX is kept that small, if need
 * be by rounding.  [SDM] vol. 2 "CPUID", leaf 0x15
 */
static struct cpuid_regs clocks(void)
{
	u64 crystal = NS_PER_S / vm_lapic_tick_ns(), hz = host_tsc_hz();
	u64 common = divisor_of(hz, crystal), parts = crystal / common;

	if (hz / common * (crystal / 1000) > KHZ_LIMIT)
		parts = MAX(KHZ_LIMIT / (hz / 1000 + 1), 1ull);
	return (struct cpuid_regs){ (u32)parts, (u32)((hz * parts + crystal / 2) / crystal),
				    (u32)crystal, 0 };
}

/* What rules call computed, as far as it depends on the VM only; returns the entry's flags. */
static u8 compute(struct builder *b, u32 leaf, struct cpuid_regs *r, const struct cpuid_regs *host)
{
	bool several = b->vcpus > 1, amd = b->table->vendor == CPUID_VENDOR_AMD;

	switch (leaf) {
	case 0x0:
		r->eax = b->table->max_basic;
		return 0;
	case 0x1:
		if (several || (!b->v1 && (host->edx & LEAF1_EDX_HTT))) {
			r->ebx |= b->vcpus << 16;
			r->edx |= LEAF1_EDX_HTT;
		}
		r->ecx |= b->v1 || name_only(b) ? LEAF1_ECX_HYPERVISOR : 0;
		return CPUID_DYNAMIC;
	case 0x7:
		r->eax = b->v1 ? 0 : MIN(host->eax, 1u);
		return CPUID_EXACT | CPUID_DYNAMIC;
	case 0x15:
		if (host->eax && host->ebx)
			*r = clocks();
		return 0;
	case 0x80000000:
		r->eax = b->table->max_extended;
		return 0;
	case 0x80000001:
		r->ecx |= amd && several ? EXT1_ECX_CMP_LEGACY
			  : b->v1	 ? 0
					 : host->ecx & EXT1_ECX_CMP_LEGACY;
		return CPUID_DYNAMIC;
	case 0x80000008:
		if (amd && several)
			r->ecx |= (b->vcpus - 1) | bits_for(b->vcpus) << 12;
		return 0;
	case 0x8000001e:
		return cpuid_has(b->table, CPUID_EXTENDED + 1, CPUID_ECX, EXT1_ECX_TOPOLOGY)
			   ? CPUID_DYNAMIC
			   : 0;
	default:
		return 0;
	}
}

static void build_leaf(struct builder *b, const struct cpuid_rule *rules, unsigned count)
{
	u32 leaf = rules->leaf;
	u8 subleaf = rules->subleaf == CPUID_ANY_SUBLEAF ? 0 : rules->subleaf, flags;
	struct cpuid_regs host = machine(b, leaf, subleaf);
	struct cpuid_regs r = filter(b, rules, count, host);

	if (leaf == 7 && subleaf == 1 && machine(b, 7, 0).eax < 1)
		r = (struct cpuid_regs){ 0 };
	flags = subleaf ? CPUID_EXACT : compute(b, leaf, &r, &host);
	for (unsigned i = 0; i < ARRAY_SIZE(v1_values) && b->v1; i++)
		if (v1_values[i].leaf == leaf)
			for (unsigned reg = CPUID_EAX; reg < CPUID_ALL; reg++) {
				struct cpuid_regs more = v1_values[i].regs;

				*cpuid_reg(&r, reg) |= *cpuid_reg(&more, reg);
			}
	add(b, leaf, subleaf, r, flags);
}

/* All rules of one leaf and subleaf. */
static void build_group(struct builder *b, const struct cpuid_rule *rules, unsigned count)
{
	u32 leaf = rules->leaf,
	    max = leaf >= CPUID_EXTENDED ? b->table->max_extended : b->table->max_basic;

	if (leaf == CPUID_HYPERVISOR)
		build_hypervisor(b);
	else if (leaf > max)
		return;
	else if (leaf == 0x4 || leaf == 0x8000001d)
		build_caches(b, rules, count);
	else if (leaf == 0xb || leaf == 0x1f)
		build_topology(b, leaf);
	else if (leaf == 0xd)
		build_xsave(b, rules, count);
	else
		build_leaf(b, rules, count);
}

static u8 vendor_of(u32 ebx)
{
	if (ebx == TEXT4('G', 'e', 'n', 'u'))
		return CPUID_VENDOR_INTEL;
	if (ebx == TEXT4('A', 'u', 't', 'h') || ebx == TEXT4('H', 'y', 'g', 'o'))
		return CPUID_VENDOR_AMD;
	return CPUID_VENDOR_OTHER;
}

/* How far the leaves go, and what is beyond: asked of the machine, not of its vendor's name. */
static void build_limits(struct builder *b)
{
	struct cpuid_table *t = b->table;
	struct cpuid_regs first = b->read(0, 0), last, beyond;

	b->host_max_basic = first.eax;
	b->host_max_extended = b->read(CPUID_EXTENDED, 0).eax;
	if (b->host_max_extended < CPUID_EXTENDED)
		b->host_max_extended = 0;
	if (b->v1) {
		t->max_basic = V1_MAX_BASIC;
		t->max_extended = V1_MAX_EXTENDED;
		return;
	}
	t->vendor = vendor_of(first.ebx);
	t->max_basic = MIN(first.eax, CPUID_INDEXED - 1u);
	t->max_extended = MIN(b->host_max_extended, CPUID_EXTENDED + CPUID_INDEXED - 1);
	last = b->read(first.eax, 0);
	beyond = b->read(first.eax + 1, 0);
	t->intel = t->vendor == CPUID_VENDOR_INTEL ||
		   (!all_zero(&beyond) && memcmp(&last, &beyond, sizeof(last)) == 0);
}

int cpuid_build(struct cpuid_table *table, const char *model, cpuid_reader read, unsigned vcpus,
		const char **missing)
{
	struct builder b = { .table = table, .read = read, .vcpus = vcpus };
	unsigned next;

	*missing = "";
	memset(table, 0, sizeof(*table));
	b.v1 = strcmp(model, "v1") == 0;
	table->hypervisor = b.v1;
	if (!b.v1 && strcmp(model, "bare") != 0)
		return -HOST_EINVAL;
	build_limits(&b);
	for (unsigned i = 0; i < cpuid_rule_count; i = next) {
		const struct cpuid_rule *rule = &cpuid_rules[i];

		for (next = i + 1; next < cpuid_rule_count; next++)
			if (cpuid_rules[next].leaf != rule->leaf ||
			    cpuid_rules[next].subleaf != rule->subleaf)
				break;
		build_group(&b, rule, next - i);
	}
	if (b.v1 && !b.missing && (machine(&b, 0x80000008, 0).eax & 0xff) < V1_PHYSICAL_BITS)
		b.missing = "39 physical address bits";
	*missing = b.missing ? b.missing : "";
	return b.missing ? -HOST_ENOTSUP : 0;
}
