/* pagemodel.c - see pagemodel.h */
#include "pagemodel.h"

#define P 0x1ull
#define RW 0x2ull
#define US 0x4ull
#define A 0x20ull
#define D 0x40ull
#define PS 0x80ull
#define XD 0x8000000000000000ull
#define KEY_SHIFT 59

#define ERROR_P 0x01
#define ERROR_WR 0x02
#define ERROR_US 0x04
#define ERROR_RSVD 0x08
#define ERROR_ID 0x10
#define ERROR_PK 0x20

/* Bits high to low, both in. */
static u64 bits(unsigned high, unsigned low)
{
	return high < low ? 0 : (~0ull >> (63 - high)) & (~0ull << low);
}

static bool is_pdpte_of_pae(const struct pagemodel *m, unsigned level)
{
	return m->kind == PAGEMODEL_PAE && level == 2;
}

/* Does the entry map a page?  [SDM] tables 4-5 to 4-20: bit 7 of a PDE, and of a PDPTE in long mode
 */
static bool maps_page(const struct pagemodel *m, unsigned level, u64 entry)
{
	if (level == 0)
		return true;
	if (!(entry & PS))
		return false;
	if (m->kind == PAGEMODEL_32)
		return m->pse;
	return level == 1 || (level == 2 && m->kind >= PAGEMODEL_4);
}

static u64 reserved(const struct pagemodel *m, unsigned level, u64 entry)
{
	u64 mask = m->maxphyaddr < 52 ? bits(51, m->maxphyaddr) : 0;

	if (m->kind == PAGEMODEL_32) {
		if (level == 0 || !maps_page(m, level, entry))
			return 0;
		/* PSE-36: bit 13 and on are address bits from 32 on. */
		return m->maxphyaddr < 40 ? bits(21, m->maxphyaddr - 32 + 13) : bits(21, 21);
	}
	if (m->kind == PAGEMODEL_PAE)
		mask |= bits(62, 52);
	if (!m->nxe)
		mask |= XD;
	if (level >= 3)
		mask |= PS;
	else if (level && maps_page(m, level, entry))
		mask |= bits(12 + 9 * level - 1, 13);
	return mask;
}

static bool rights_deny(const struct pagemodel *m, const struct pagemodel_access *access, bool user,
			bool rw, bool us, bool xd)
{
	if (user) {
		if (!us || (access->fetch && xd))
			return true;
		return access->write && !rw;
	}
	if (access->fetch)
		return xd || (us && m->smep);
	if (us && m->smap && (access->implicit || !access->ac))
		return true;
	return access->write && !rw && m->wp;
}

static bool key_denies(const struct pagemodel *m, const struct pagemodel_access *access, bool user,
		       bool us, u64 leaf)
{
	u32 key;

	if (m->kind < PAGEMODEL_4 || !(us ? m->pke : m->pks) || access->fetch)
		return false;
	key = (us ? m->pkru : m->pkrs) >> (2 * (leaf >> KEY_SHIFT & 15)) & 3;
	if (key & 1)
		return true;
	return (key & 2) && access->write && (user || m->wp);
}

static void fault(struct pagemodel_result *r, u32 error)
{
	r->fault = true;
	r->error = error;
}

void pagemodel_expect(const struct pagemodel *m, const u64 *entry,
		      const struct pagemodel_access *access, struct pagemodel_result *r)
{
	bool user = access->user && !access->implicit, rw = true, us = true, xd = false, key;
	u32 error = (access->write ? ERROR_WR : 0) | (user ? ERROR_US : 0);
	int level;

	if (access->fetch && (m->smep || (m->kind != PAGEMODEL_32 && m->nxe)))
		error |= ERROR_ID;
	*r = (struct pagemodel_result){ 0 };
	for (unsigned i = 0; i < (unsigned)m->kind; i++)
		r->entry[i] = entry[i];
	for (level = (int)m->kind - 1;; level--) {
		u64 e = entry[level];

		if (!(e & P)) {
			fault(r, error);
			return;
		}
		if (is_pdpte_of_pae(m, (unsigned)level))
			continue; /* checked when CR3 was loaded; no rights, no flags */
		if (e & reserved(m, (unsigned)level, e)) {
			fault(r, error | ERROR_P | ERROR_RSVD);
			return;
		}
		r->open[level] = A;
		rw = rw && (e & RW);
		us = us && (e & US);
		xd = xd || (m->kind != PAGEMODEL_32 && (e & XD));
		if (maps_page(m, (unsigned)level, e))
			break;
	}
	key = key_denies(m, access, user, us, entry[level]);
	if (key || rights_deny(m, access, user, rw, us, xd)) {
		fault(r, error | ERROR_P | (key ? ERROR_PK : 0));
		/* Whether a key that nobody needs to ask is told. */
		r->error_open = m->pks && user && !us ? ERROR_PK : 0;
		return;
	}
	for (int i = level; i < (int)m->kind; i++) {
		r->open[i] = 0;
		if (!is_pdpte_of_pae(m, (unsigned)i))
			r->entry[i] |= A | (i == level && access->write ? D : 0);
	}
}
