/*
 * hostile_memory.c - addresses that are not ours: holes, above RAM, near 4 GiB, beyond; borders;
 * page tables that are odd
 *
 * Must not know: where the hypervisor or others lie.
 */
#include "hostile.h"
#include "hostile_pci.h"
#include "x86_ops.h"

#define LAPIC 0xfee00000ull
#define IOAPIC 0xfec00000ull

extern u64 rt_pml4[];

/* ---- RAM of ours -------------------------------------------------------------------- */

/* Catches: memory given out as its last owner left it.  Nobody has touched it yet. */
static void fresh_page(struct tally *t, u64 page)
{
	for (u64 at = page; at < page + 4096; at += 8) {
		u64 value = *(volatile u64 *)at;

		hostile_bad(t, value != 0, "memory-not-cleared", at);
		hostile_bad(t, hostile_secret(value), "a-secret", at);
	}
	hostile_case(t, page / MiB(1), 0);
}

static void fresh_memory(struct tally *t)
{
	for (u64 at = ALIGN_UP(rt_image_limit(), 4096); at < rt_memory_end(); at += 4096)
		if (IS_ALIGNED(at, MiB(1)) || hostile_chosen())
			fresh_page(t, at);
}

/* ---- What is not RAM ------------------------------------------------------------------ */

/*
 * Classes of addresses where no RAM of ours is: places that a PC gives a meaning, equal parts of
 * all between RAM and 4 GiB, and powers of two above.
 */
static const u64 places[] = {
	0xa0000,    0xb8000,	0xbfff8,    0xfec00000, 0xfed00000,
	0xfedffff8, 0xfee01000, 0xff000000, 0xfffffff0, 0xfffffff8,
};
#define PARTS 20u
#define POWERS 20u
#define HOLES (ARRAY_SIZE(places) + PARTS + POWERS)

static u64 hole(unsigned class)
{
	u64 part = (GiB(4) - rt_memory_end()) / PARTS;

	if (class < ARRAY_SIZE(places))
		return places[class];
	class -= ARRAY_SIZE(places);
	if (class < PARTS)
		return rt_memory_end() + part * class + (rt_random() % part & ~7ull);
	class -= PARTS;
	return 1ull << (32 + class) | (rt_random() & BITS(31 + class, 32)) |
	       (rt_random() & 0xfffffff8);
}

static bool is_apic(u64 address)
{
	return ALIGN_DOWN(address, 4096) == LAPIC || ALIGN_DOWN(address, 4096) == IOAPIC;
}

/* Text memory of a VGA, which a machine may have: what is stored there stays. */
static bool is_device(u64 address)
{
	return is_apic(address) || (address >= 0xb8000 && address < 0xc0000);
}

typedef void probing(struct tally *t, unsigned class, volatile void *p, u64 address);

/* Powers of two have more addresses to a class, and each costs as much. */
static void each_hole(struct tally *t, probing *probe, u64 tries)
{
	for (unsigned class = 0; class < HOLES; class ++)
		for (u64 i = hostile_some(class < ARRAY_SIZE(places) ? 1 : tries); i; i--) {
			u64 at = hole(class);

			if (!is_apic(at))
				probe(t, class, rt_window(at), at);
		}
}

static void loads(struct tally *t, unsigned class, volatile void *p, u64 address)
{
	u64 value = 0, once_more = 0;

	RT_TRY("movq (%1), %0", RT_OUT("+r"(value)), "r"(p));
	hostile_case(t, class, 8);
	hostile_bad(t, hostile_secret(value), "a-secret", address);
	RT_TRY("movl (%1), %k0", RT_OUT("+r"(value)), "r"(p));
	hostile_case(t, class, 4);
	RT_TRY("movw (%1), %w0", RT_OUT("+r"(value)), "r"(p));
	hostile_case(t, class, 2);
	RT_TRY("movb (%1), %b0", RT_OUT("+q"(once_more)), "r"(p));
	hostile_case(t, class, 1);
}

/* Catches: a nested mapping where there should be none. */
static void hole_loads(struct tally *t)
{
	each_hole(t, loads, 60);
}

static void stores(struct tally *t, unsigned class, volatile void *p, u64 address)
{
	u64 again = 0, value = rt_random() | 1;
	bool device = is_device(address);

	RT_TRY("movq %0, (%1)", RT_OUT(), "r"(value), "r"(p));
	hostile_case(t, class, 8);
	RT_TRY("movq (%1), %0", RT_OUT("+r"(again)), "r"(p));
	hostile_bad(t, !device && !rt_faulted() && again == value, "a-store-that-stays", address);
	value = ~value;
	RT_TRY("movl %k0, (%1)", RT_OUT(), "r"(value), "r"(p));
	hostile_case(t, class, 4);
	RT_TRY("movw %w0, (%1)", RT_OUT(), "r"(value), "r"(p));
	hostile_case(t, class, 2);
	RT_TRY("movb %b0, (%1)", RT_OUT(), "q"(value), "r"(p));
	hostile_case(t, class, 1);
	again = 0;
	RT_TRY("movl (%1), %k0", RT_OUT("+r"(again)), "r"(p));
	hostile_bad(t, !device && !rt_faulted() && (u32)again == (u32)value, "a-store-that-stays",
		    address);
}

/* Catches: a store that goes to host memory at the same address, or to a scratch page for all. */
static void hole_stores(struct tally *t)
{
	each_hole(t, stores, 40);
}

static void atomics(struct tally *t, unsigned class, volatile void *p, u64 address)
{
	u64 a = 0, mine = 0x1234567;

	RT_TRY("lock xaddl %k0, (%1)", RT_OUT("+r"(mine)), "r"(p));
	hostile_case(t, class, 0);
	RT_TRY("xchgl %k0, (%1)", RT_OUT("+r"(mine)), "r"(p));
	hostile_case(t, class, 1);
	RT_TRY("lock cmpxchgq %1, (%2)", RT_OUT("+a"(a)), "r"(mine), "r"(p));
	hostile_case(t, class, 2);
	hostile_bad(t, hostile_secret(a), "a-secret", address);
	RT_TRY("lock btsl $3, (%0)", RT_OUT(), "r"(p));
	hostile_case(t, class, 3);
}

/* Catches: emulation that wants two accesses and finds another mapping the second time. */
static void hole_atomics(struct tally *t)
{
	each_hole(t, atomics, 4);
}

static void strings(struct tally *t, unsigned class, volatile void *p, u64 address UNUSED)
{
	static u8 buffer[64];
	volatile void *from = p, *to = buffer;
	u64 n = 9, a = 0;

	RT_TRY("rep movsb", RT_OUT("+S"(from), "+D"(to), "+c"(n)), "a"(0));
	hostile_case(t, class, 0);
	hostile_bad(t, n > 9, "string-count", n);
	from = buffer;
	to = p;
	n = 3;
	RT_TRY("rep movsw", RT_OUT("+S"(from), "+D"(to), "+c"(n)), "a"(0));
	hostile_case(t, class, 1);
	to = p;
	n = 2;
	RT_TRY("rep stosl", RT_OUT("+D"(to), "+c"(n)), "a"(-1));
	hostile_case(t, class, 2);
	from = p;
	RT_TRY("lodsl", RT_OUT("+S"(from), "+a"(a)), "c"(0));
	hostile_case(t, class, 3);
}

/* Catches: string emulation that counts wrongly, or leaves its page. */
static void hole_strings(struct tally *t)
{
	each_hole(t, strings, 2);
}

static u32 bar_size(unsigned devfn, unsigned bar)
{
	u32 saved = pci_read(devfn, PCI_BAR0 + 4 * bar), size;

	pci_write(devfn, PCI_BAR0 + 4 * bar, ~0u);
	size = -(pci_read(devfn, PCI_BAR0 + 4 * bar) & ~0xfu);
	pci_write(devfn, PCI_BAR0 + 4 * bar, saved);
	return size;
}

/* Registers of a PCI device. */
static bool is_bar(u64 address)
{
	for (unsigned devfn = 0; devfn < PCI_FUNCTIONS; devfn++)
		for (unsigned bar = 0; pci_is_victim(devfn) && bar < PCI_BARS; bar++) {
			u32 base = pci_memory_bar(devfn, bar);

			if (base && address >= base && address - base < bar_size(devfn, bar))
				return true;
		}
	return false;
}

/* pages=all: every page between RAM and 4 GiB is read, else only some. */
static void every_page(struct tally *t)
{
	u64 all = rt_has("pages", "all") ? 1 : 1024, value = 0;

	for (u64 at = rt_memory_end(); at < GiB(4); at += 4096) {
		if ((all > 1 && rt_random() % all) || is_apic(at))
			continue;
		RT_TRY("movq (%1), %0", RT_OUT("+r"(value)), "r"(at));
		hostile_case(t, at / MiB(32), 0);
		hostile_bad(t, value != 0 && value != ~0ull && !is_bar(at),
			    "something-in-a-hole", at);
	}
}

/* ---- Borders -------------------------------------------------------------------------- */

/* Catches: an access that is taken to lie where it begins. */
static void straddle(struct tally *t)
{
	const u64 borders[] = { rt_memory_end(), 0xa0000,	0xc0000,   LAPIC,
				LAPIC + 4096,	 IOAPIC + 4096, 0xffff0000 };
	u64 value = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(borders); i++)
		for (unsigned back = 1; back < 8; back++) {
			volatile u8 *p = (volatile u8 *)borders[i] - back;

			RT_TRY("movq (%1), %0", RT_OUT("+r"(value)), "r"(p));
			hostile_case(t, i, back << 2);
			RT_TRY("movq %0, (%1)", RT_OUT(), "r"(value), "r"(p));
			hostile_case(t, i, back << 2 | 1);
			RT_TRY("movw (%1), %w0", RT_OUT("+r"(value)), "r"(p));
			hostile_case(t, i, back << 2 | 2);
			value = 0;
			RT_TRY("lock addl %k0, (%1)", RT_OUT(), "r"(value), "r"(p));
			hostile_case(t, i, back << 2 | 3);
		}
}

/* ---- Instructions with an operand in a device ------------------------------------------- */

#define DO(insn)                                                                                   \
	do {                                                                                       \
		RT_TRY(insn, RT_OUT("+a"(a), "+c"(c), "+d"(d)), "r"(p));                           \
		hostile_case(t, target, n++);                                                      \
	} while (0)

static void instructions_at(struct tally *t, unsigned target, volatile void *p)
{
	u64 a = 0x55, c = 3, d = 0;
	unsigned n = 0;

	DO("movzbl (%3), %k0");
	DO("movsbl (%3), %k0");
	DO("movzwl (%3), %k0");
	DO("movswq (%3), %q0");
	DO("movslq (%3), %q0");
	DO("addb %b0, (%3)");
	DO("addl %k0, (%3)");
	DO("orl %k0, (%3)");
	DO("andl %k0, (%3)");
	DO("subl %k0, (%3)");
	DO("sbbl %k0, (%3)");
	DO("adcl %k0, (%3)");
	DO("xorl %k0, (%3)");
	DO("cmpl %k0, (%3)");
	DO("testl %k0, (%3)");
	DO("addl (%3), %k0");
	DO("xorw (%3), %w0");
	DO("incl (%3)");
	DO("decb (%3)");
	DO("notl (%3)");
	DO("negl (%3)");
	DO("shll $3, (%3)");
	DO("sarl %%cl, (%3)");
	DO("rolw $1, (%3)");
	DO("rcrl $2, (%3)");
	DO("btl $5, (%3)");
	DO("btrl $5, (%3)");
	DO("btcl $5, (%3)");
	DO("cmpxchgl %k1, (%3)");
	DO("cmpxchg8b (%3)");
	DO("xaddw %w0, (%3)");
	DO("xchgb %b0, (%3)");
	DO("imull (%3), %k0");
	DO("mull (%3)");
	DO("cmovzl (%3), %k0");
	DO("sete (%3)");
	DO("movl $7, (%3)");
	DO("movb $7, (%3)");
	DO("movntil %k0, (%3)");
	DO("bsfl (%3), %k0");
	DO("shldl $3, %k0, (%3)");
	DO("pushq (%3); popq %q0");
	DO("prefetcht0 (%3)");
	DO("movw %%ds, (%3)");
	DO("orb $1, (%3)");
	DO("cmpb $1, (%3)");
}

/* Catches: a form of an instruction that the emulator takes for another, or dies of. */
static void device_instructions(struct tally *t)
{
	/* The APIC's ID, the screen, the IOAPIC's version, nothing at all. */
	const u64 targets[] = { LAPIC + 0x30, 0xb8f00, IOAPIC + 0x20, 0xd0000000 };

	for (unsigned i = 0; i < ARRAY_SIZE(targets); i++)
		instructions_at(t, i, (volatile void *)targets[i]);
}

/* ---- Page tables ------------------------------------------------------------------------- */

#define LEVELS 4

static u8 target_page[4096] ALIGNED(4096);

static u64 *table_of(u64 entry)
{
	return (u64 *)(entry & PTE_ADDR);
}

/* The entry of the window at a level, 4 to 1. */
static u64 *entry_at(unsigned level)
{
	u64 *table = rt_pml4;

	for (unsigned i = LEVELS; i > level; i--)
		table = table_of(table[i == LEVELS]);
	return &table[level == LEVELS];
}

static const u8 cpuid_and_count[] = { 0x53, 0x31, 0xc0, 0x0f, 0xa2, 0x5b, 0x49, 0xff, 0xc3, 0xc3 };

/* Bits that make another table of an entry, whose entries would be anything, stay. */
static bool may_flip(unsigned level, unsigned bit)
{
	return level == 1 || bit < 12 || bit >= 52;
}

static void try_entry(struct tally *t, unsigned level, unsigned bit, volatile u8 *p)
{
	u64 *entry = entry_at(level), before = *entry, value = 0, r11;

	*entry ^= 1ull << bit;
	x86_invlpg(RT_WINDOW);
	RT_TRY("movq (%1), %0", RT_OUT("+r"(value)), "r"(p));
	hostile_case(t, level, bit);
	hostile_bad(t, hostile_secret(value), "a-secret", level << 8 | bit);
	if (bit < 12 || bit >= 52) {
		hostile_call((const void *)(uintptr_t)p, &r11); /* CPUID there must be decoded */
		hostile_case(t, level, 64 + bit);
	}
	*entry = before;
	x86_invlpg(RT_WINDOW);
}

/*
 * Catches: a walk of the guest's tables that follows what the CPU would refuse: large pages at
 * levels that have none, bases that are not aligned, reserved bits.
 */
static void odd_tables(struct tally *t)
{
	volatile u8 *p = rt_window((u64)(uintptr_t)target_page);

	for (unsigned i = 0; i < sizeof(cpuid_and_count); i++)
		target_page[i] = cpuid_and_count[i];
	for (unsigned level = LEVELS; level; level--)
		for (unsigned bit = 0; bit < 64; bit++)
			if (may_flip(level, bit))
				try_entry(t, level, bit, p);
}

static const struct attack attacks[] = {
	{ "hole-loads", hole_loads, true },
	{ "hole-stores", hole_stores, true },
	{ "hole-atomics", hole_atomics, true },
	{ "hole-strings", hole_strings, true },
	{ "every-page", every_page, false },
	{ "straddle", straddle, true },
	{ "device-instructions", device_instructions, true },
	{ "odd-tables", odd_tables, true },
};

const struct attack_list hostile_memory = ATTACKS(attacks);

static const struct attack first[] = { { "fresh-memory", fresh_memory, false } };

const struct attack_list hostile_start = ATTACKS(first);
