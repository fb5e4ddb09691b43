/* walk.c - see walk.h */
#include "vm/walk.h"

#include "vm/exit.h"

/* One way of paging: levels from the root, and how many address bits each one takes. */
struct paging {
	u8 levels;
	u8 bits; /* per level */
	u8 entry_size;
	u8 large; /* bit n: level n (0 is the last) may map a page by itself */
};

static const struct paging paging_32 = { 2, 10, 4, 0 };
static const struct paging paging_32_pse = { 2, 10, 4, BIT(1) };
static const struct paging paging_pae = { 3, 9, 8, BIT(1) };
static const struct paging paging_4 = { 4, 9, 8, BIT(1) | BIT(2) };
static const struct paging paging_5 = { 5, 9, 8, BIT(1) | BIT(2) };

static const struct paging *paging_of(const struct walk_mode *mode)
{
	if (!(mode->cr0 & CR0_PG))
		return NULL;
	if (mode->efer & EFER_LMA)
		return mode->cr4 & CR4_LA57 ? &paging_5 : &paging_4;
	if (mode->cr4 & CR4_PAE)
		return &paging_pae;
	return mode->cr4 & CR4_PSE ? &paging_32_pse : &paging_32;
}

unsigned walk_linear_bits(const struct walk_mode *mode)
{
	if (!(mode->efer & EFER_LMA))
		return 32;
	return mode->cr4 & CR4_LA57 ? 57 : 48;
}

/* Bits that must be clear in a present entry of that level. */
static u64 reserved_bits(const struct walk_mode *mode, const struct paging *p, unsigned level,
			 u64 entry)
{
	bool leaf = level == 0 || ((p->large & BIT(level)) && (entry & PTE_PS));
	u64 high = BITS(51, 0) & ~(BIT(mode->maxphyaddr) - 1);
	u64 reserved;

	if (p->entry_size == 4) {
		/* PSE-36: bits 20..13 are address bits 39..32, bit 21 is reserved. */
		u64 present = BITS(20, 13) >> (40 - MIN(mode->maxphyaddr, 40));

		return leaf && level ? BIT(21) | (BITS(20, 13) & ~present) : 0;
	}
	reserved = mode->maxphyaddr < 52 ? high : 0;
	if (!(mode->efer & EFER_NXE))
		reserved |= PTE_NX;
	if (p->levels == 3)
		reserved |= BITS(62, 52);
	if (p->levels == 3 && level == 2)
		return reserved | PTE_NX | BITS(8, 5) | BITS(2, 1);
	if (leaf && level)
		reserved |= BITS(12 + 9 * level - 1, 13); /* bit 12 is PAT */
	if (!leaf && level && !(p->large & BIT(level)))
		reserved |= PTE_PS;
	return reserved;
}

static u64 leaf_address(const struct paging *p, unsigned level, u64 entry)
{
	u64 size_mask = BIT(12 + p->bits * level) - 1;

	if (p->entry_size == 4 && level)
		return (entry & BITS(31, 22)) | (entry & BITS(20, 13)) << 19;
	return (p->entry_size == 4 ? entry & BITS(31, 12) : entry & PTE_ADDR) & ~size_mask;
}

struct rights {
	bool user, write, nx;
};

/* Supervisor accesses to user pages. [SDM] "Determination of Access Rights" (4.6.1) */
static bool supervisor_may(const struct walk_mode *mode, const struct rights *r, unsigned access)
{
	if (r->user && (access & ACCESS_FETCH) && (mode->cr4 & CR4_SMEP))
		return false;
	if (r->user && !(access & ACCESS_FETCH) && (mode->cr4 & CR4_SMAP) &&
	    ((access & WALK_SYSTEM) || !(mode->rflags & RFLAGS_AC)))
		return false;
	return !(access & ACCESS_WRITE) || r->write || !(mode->cr0 & CR0_WP);
}

/*
 * Protection keys, of user and of supervisor pages: bit 0 of a key's pair forbids access, bit 1
 * writing.  [SDM] "Protection Keys" (4.6.2)
 */
static bool key_denies(const struct walk_mode *mode, const struct paging *p, const struct rights *r,
		       u64 entry, unsigned access, bool user)
{
	unsigned deny;

	if (!(mode->cr4 & (r->user ? CR4_PKE : CR4_PKS)) || p->levels < 4 ||
	    (access & ACCESS_FETCH))
		return false;
	deny = (r->user ? mode->pkru : mode->pkrs) >> (2 * (entry >> 59 & 15)) & 3;
	return (deny & 1) ||
	       ((deny & 2) && (access & ACCESS_WRITE) && (user || (mode->cr0 & CR0_WP)));
}

static u32 error_code(const struct walk_mode *mode, unsigned access, bool user, u32 bits)
{
	bool told = (mode->cr4 & CR4_SMEP) ||
		    ((mode->cr4 & CR4_PAE) && (mode->efer & EFER_NXE));

	if (access & ACCESS_WRITE)
		bits |= PF_WRITE;
	if (user)
		bits |= PF_USER;
	if ((access & ACCESS_FETCH) && told)
		bits |= PF_FETCH;
	return bits;
}

static int fail(struct walk *w, u32 error)
{
	w->error = error;
	return -1;
}

/* Other CPUs of the guest write these words too. */
static void set_bits(void *entry, unsigned size, u64 *value, u64 bits)
{
	if ((*value & bits) == bits || !entry)
		return;
	if (size == 4)
		*value = __atomic_or_fetch((u32 *)entry, (u32)bits, __ATOMIC_SEQ_CST);
	else
		*value = __atomic_or_fetch((u64 *)entry, bits, __ATOMIC_SEQ_CST);
}

static u64 read_entry(const struct paging *p, const void *entry)
{
	if (!entry)
		return p->entry_size == 4 ? 0xffffffffull : ~0ull;
	if (p->entry_size == 4)
		return *(const volatile u32 *)entry;
	return *(const volatile u64 *)entry;
}

/*
 * The key's bit of the error code does not depend on whether another right is missing as well.
 * [SDM] "Page-Fault Exceptions" (4.7)
 */
static int check_access(struct walk *w, const struct walk_mode *mode, const struct paging *p,
			const struct rights *r, u64 leaf, unsigned access, bool user)
{
	bool allowed = user ? r->user && (!(access & ACCESS_WRITE) || r->write)
			    : supervisor_may(mode, r, access);
	bool by_key = key_denies(mode, p, r, leaf, access, user);

	if (!allowed || by_key || ((access & ACCESS_FETCH) && r->nx))
		return fail(w, error_code(mode, access, user,
					  PF_PRESENT | (by_key ? PF_PKEY : 0)));
	w->writable = r->write || (!user && !(mode->cr0 & CR0_WP));
	return 0;
}

static int walk_tables(struct walk *w, const struct walk_mode *mode, const struct paging *p,
		       u64 gva, unsigned access)
{
	bool user = mode->cpl == 3 && !(access & WALK_SYSTEM);
	struct rights rights = { .user = true, .write = true };
	u64 table = mode->cr3 & (p->levels == 3	  ? BITS(31, 5)
				 : p->levels == 2 ? BITS(31, 12)
						  : PTE_ADDR);
	void *ptr[WALK_LEVELS];
	u64 value = 0;

	for (unsigned level = p->levels; level-- > 0;) {
		unsigned shift = 12 + p->bits * level;
		u64 index = gva >> shift & (BIT(p->levels == 3 && level == 2 ? 2 : p->bits) - 1);
		gpa_t at = gpa(table + index * p->entry_size);
		bool in_register = p->levels == 3 && level == 2 && mode->pdpte;
		unsigned n = w->count++;

		ptr[n] = in_register ? NULL : mode->entry(mode->ctx, at, p->entry_size);
		value = in_register ? mode->pdpte[index] : read_entry(p, ptr[n]);
		w->entry[n].at = in_register ? gpa(~0ull) : at;
		w->entry[n].ptr = ptr[n];
		w->entry[n].value = value;
		if (!(value & PTE_P))
			return fail(w, error_code(mode, access, user, 0));
		if (!in_register && (value & reserved_bits(mode, p, level, value)))
			return fail(w, error_code(mode, access, user, PF_PRESENT | PF_RESERVED));
		if (!(p->levels == 3 && level == 2)) {
			rights.user &= !!(value & PTE_U);
			rights.write &= !!(value & PTE_W);
			rights.nx |=
			    p->entry_size == 8 && (value & PTE_NX) && (mode->efer & EFER_NXE);
		}
		if (level == 0 || ((p->large & BIT(level)) && (value & PTE_PS))) {
			w->size = BIT(shift);
			break;
		}
		table = p->entry_size == 4 ? value & BITS(31, 12) : value & PTE_ADDR;
	}
	if (check_access(w, mode, p, &rights, value, access, user))
		return -1;
	w->gpa =
	    gpa(leaf_address(p, (unsigned)(p->levels - w->count), value) | (gva & (w->size - 1)));
	if (!(access & WALK_SET_AD))
		return 0;
	for (unsigned n = 0; n < w->count; n++)
		if (w->entry[n].at.v != ~0ull && !(p->levels == 3 && n == 0))
			set_bits(ptr[n], p->entry_size, &w->entry[n].value,
				 PTE_A |
				     (n + 1 == w->count && (access & ACCESS_WRITE) ? PTE_D : 0));
	return 0;
}

int walk(struct walk *w, const struct walk_mode *mode, u64 gva, unsigned access)
{
	const struct paging *p = paging_of(mode);

	*w = (struct walk){ 0 };
	if (!p) {
		w->gpa = gpa(gva & BITS(31, 0));
		w->size = PAGE_SIZE;
		w->writable = true;
		return 0;
	}
	w->entry_size = p->entry_size;
	return walk_tables(w, mode, p, gva, access);
}
