/* references.c - see references.h */
#include "references.h"

#include <string.h>

#define ENTRIES 512
#define LEVELS 4
#define PRESENT_NPT 1u
#define PRESENT_EPT 7u /* any of read, write, execute */
#define GUEST_PRESENT 1u
#define ACCESSED 0x20u
#define LARGE 0x80u
#define ADDRESS 0x000ffffffffff000ull
#define FIRST_CHUNK 0x200000u /* holds the hole of a PC: small pages, whoever maps it */
#define PAGE 4096u

struct walk {
	const struct outside_memory *memory;
	uint64_t root, present;
	struct references *r;
	const char *why;
};

static uint64_t span_of(unsigned level)
{
	return 1ull << (12 + 9 * (level - 1));
}

static bool read_entry(const struct walk *w, uint64_t table, uint64_t address, unsigned level,
		       uint64_t *entry)
{
	uint64_t at = table + (address / span_of(level) % ENTRIES) * sizeof(*entry);

	if (at > w->memory->size || sizeof(*entry) > w->memory->size - at)
		return false;
	memcpy(entry, w->memory->bytes + at, sizeof(*entry));
	return true;
}

/*
 * Where guest-physical memory lies; result: the entries read for that, 0 if nothing is mapped.
 * *leaf: the level of the last one.
 */
static unsigned nested(const struct walk *w, uint64_t gpa, uint64_t *host, unsigned *leaf)
{
	uint64_t table = w->root & ADDRESS, entry;

	for (unsigned level = LEVELS; level; level--) {
		if (!read_entry(w, table, gpa, level, &entry) || !(entry & w->present))
			return 0;
		table = entry & ADDRESS;
		if (level > 1 && !(level < LEVELS && entry & LARGE))
			continue;
		*host = (table & ~(span_of(level) - 1)) + gpa % span_of(level);
		*leaf = level;
		return LEVELS + 1 - level;
	}
	return 0;
}

/* A page of the guest's at gpa, found behind so many references in so many levels. */
static void add_page(struct walk *w, uint64_t gpa, unsigned levels, unsigned references)
{
	unsigned leaf = 0, last;
	uint64_t host;

	last = nested(w, gpa, &host, &leaf);
	if (!last) /* a device */
		return;
	references += last;
	w->r->pages++;
	w->r->small += levels == LEVELS;
	w->r->sum += references;
	w->r->native += levels;
	w->r->most = references > w->r->most ? references : w->r->most;
	w->r->split += gpa >= FIRST_CHUNK && leaf == 1;
}

/* A table of the guest's at gpa; references: those of the levels above. */
static bool walk_table(struct walk *w, uint64_t gpa, unsigned level, unsigned references)
{
	uint64_t host, entry;
	unsigned leaf, before = nested(w, gpa, &host, &leaf);

	if (!before || host > w->memory->size || PAGE > w->memory->size - host) {
		w->why = "a table of the guest's does not lie in its RAM";
		return false;
	}
	references += before + 1;
	for (unsigned i = 0; i < ENTRIES; i++) {
		memcpy(&entry, w->memory->bytes + host + i * sizeof(entry), sizeof(entry));
		if (!(entry & GUEST_PRESENT) || !(entry & ACCESSED))
			continue;
		if (level == 1 || (level < LEVELS && entry & LARGE))
			add_page(w, entry & ADDRESS & ~(span_of(level) - 1), LEVELS + 1 - level,
				 references);
		else if (!walk_table(w, entry & ADDRESS, level - 1, references))
			return false;
	}
	return true;
}

bool references_count(const struct outside_memory *memory, enum outside_format format,
		      uint64_t root, uint64_t cr3, struct references *r, const char **why)
{
	struct walk w = { memory, root, format == OUTSIDE_NPT ? PRESENT_NPT : PRESENT_EPT, r, "" };
	bool good;

	*r = (struct references){ 0 };
	good = walk_table(&w, cr3 & ADDRESS, LEVELS, 0);
	*why = w.why;
	return good;
}
