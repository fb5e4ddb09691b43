/*
 * nested.c - see nested.h
 *
 * Owns: the walk and every change of the tree.
 * Must not know: the bits of an entry; they come from struct nested_format.
 *
 * A CPU may walk the tree, and set dirty bits in it, while it is changed here.  So every
 * change of an entry that is in use is one atomic exchange, and tables are filled before
 * anything points to them.
 */
#include "paging/nested.h"

#include "host.h"
#include "virt.h"

#define INDEX_BITS 9
#define TOP_LEVEL (NESTED_LEVELS - 1)

static u64 level_size(unsigned level)
{
	return PAGE_SIZE << (INDEX_BITS * level);
}

static unsigned level_index(u64 at, unsigned level)
{
	return at >> (PAGE_SHIFT + INDEX_BITS * level) & (NESTED_ENTRIES - 1);
}

static u64 *new_table(struct nested *n)
{
	u64 *table = host_alloc_pages(0);

	if (table)
		n->table_pages++;
	return table;
}

static u64 *table_of(const struct nested *n, u64 entry, unsigned level)
{
	return host_ptr(n->format->address(entry, level));
}

static bool is_leaf(const struct nested *n, u64 entry, unsigned level)
{
	return level == 0 || n->format->is_leaf(entry, level);
}

int nested_init(struct nested *n, const struct nested_format *format)
{
	n->format = format;
	n->table_pages = 0;
	n->root = new_table(n);
	return n->root ? 0 : -HOST_ENOMEM;
}

/* Free the table and all below it, but not the memory that leaves map. */
static void free_table(struct nested *n, u64 *table, unsigned level)
{
	for (unsigned i = 0; level > 0 && i < NESTED_ENTRIES; i++)
		if (n->format->present(table[i]) && !is_leaf(n, table[i], level))
			free_table(n, table_of(n, table[i], level), level - 1);
	host_free_pages(table, 0);
	n->table_pages--;
}

void nested_free(struct nested *n)
{
	if (n->root)
		free_table(n, n->root, TOP_LEVEL);
	n->root = NULL;
}

/*
 * Put a table of NESTED_ENTRIES smaller leaves, a level lower, in place of the large leaf *entry:
 * the same memory, the same rights, and what was dirty is dirty in all its pieces.  0; or
 * -HOST_ENOMEM, and nothing is changed.
 *
 * CPUs walk the tree meanwhile.  So the table is complete before anything points to it (entries
 * from format->leaf), and the entry changes by one atomic exchange (to format->table).  Until that
 * very exchange a CPU may set the dirty bit of the large leaf: what the exchange returns is looked
 * at again, and pieces that a CPU may be writing to by then get the bit by an atomic OR.
 */
static int split(struct nested *n, u64 *entry, unsigned level)
{
	const struct nested_format *f = n->format;
	u64 old = READ_ONCE(*entry);
	u64 page = f->address(old, level).v, step = level_size(level - 1);
	u64 *table = new_table(n);

	if (!table)
		return -HOST_ENOMEM;
	for (unsigned i = 0; i < NESTED_ENTRIES; i++)
		table[i] = f->leaf(hpa(page + i * step), level - 1, f->rights(old)) |
			   (old & f->dirty);
	old = __atomic_exchange_n(entry, f->table(host_hpa(table)), __ATOMIC_ACQ_REL);
	for (unsigned i = 0; (old & f->dirty) && i < NESTED_ENTRIES; i++)
		__atomic_fetch_or(&table[i], f->dirty, __ATOMIC_RELAXED);
	return 0;
}

static int fill(struct nested *n, u64 *entry)
{
	u64 *table = new_table(n);

	if (!table)
		return -HOST_ENOMEM;
	__atomic_store_n(entry, n->format->table(host_hpa(table)), __ATOMIC_RELEASE);
	return 0;
}

/* What is done to a range: piece() gets each entry of it, a leaf or an empty one. */
struct change {
	void (*piece)(struct nested *n, u64 *entry, unsigned level, u64 at, const struct change *c);
	bool make; /* leaves and tables where there are none; else holes are skipped */
	unsigned prot;
	u64 at; /* the range begins here, */
	u64 page; /* and its memory here */
};

/* Can [at, end), which lies in one entry of this level, be one leaf? */
static bool is_piece(const struct nested *n, unsigned level, u64 at, u64 end,
		     const struct change *c)
{
	if (end - at < level_size(level))
		return false;
	return !c->make || (level <= n->format->max_leaf_level &&
			    IS_ALIGNED(c->page + (at - c->at), level_size(level)));
}

/*
 * Do c->piece() to all of [at, end): whole pages that lie in this table.  An entry of its level
 * stands for level_size(level) bytes from a multiple of that on, so the range is cut there: it may
 * begin and end within an entry.  For each part:
 *   - nothing is mapped there, and c->make is not set: a hole, it stays one;
 *   - a leaf or nothing, and one entry may hold the part (is_piece): piece() gets the entry;
 *   - else a lower table has to be there.  split() makes one of a leaf, fill() one where nothing
 *     was; both put it into the entry.  The part is then done in that table (table_of).
 * 0, or the error of split or fill, behind which nothing more is done.
 * A CPU may set bits in an entry at any time: one READ_ONCE decides what it is.
 */
static int change_table(struct nested *n, u64 *table, unsigned level, u64 at, u64 end,
			const struct change *c)
{
	int error = 0;

	for (u64 next; at < end && !error; at = next) {
		u64 *entry = &table[level_index(at, level)], old = READ_ONCE(*entry);
		bool present = n->format->present(old);
		bool leaf = present && is_leaf(n, old, level);

		next = MIN(end, ALIGN_DOWN(at, level_size(level)) + level_size(level));
		if (!present && !c->make)
			continue;
		if ((leaf || !present) && is_piece(n, level, at, next, c)) {
			c->piece(n, entry, level, at, c);
			continue;
		}
		if (leaf)
			error = split(n, entry, level);
		else if (!present)
			error = fill(n, entry);
		if (!error)
			error = change_table(n, table_of(n, READ_ONCE(*entry), level), level - 1,
					     at, next, c);
	}
	return error;
}

static int change(struct nested *n, gpa_t at, u64 size, const struct change *c)
{
	u64 limit = level_size(NESTED_LEVELS);

	check(IS_ALIGNED(at.v | size, PAGE_SIZE));
	check(at.v <= limit && size <= limit - at.v);
	return change_table(n, n->root, TOP_LEVEL, at.v, at.v + size, c);
}

/*
 * Two CPUs may touch the same memory, and rights come back by mapping it again: then a CPU may set
 * the dirty bit meanwhile, and it stays.
 */
static void map_piece(struct nested *n, u64 *entry, unsigned level, u64 at, const struct change *c)
{
	const struct nested_format *f = n->format;
	hpa_t page = hpa(c->page + (at - c->at));
	u64 old = READ_ONCE(*entry), new;

	do {
		new = f->leaf(page, level, c->prot);
		if (f->address(old, level).v == page.v)
			new |= old & f->dirty;
	} while (!__atomic_compare_exchange_n(entry, &old, new, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
}

int nested_map(struct nested *n, gpa_t at, hpa_t page, u64 size, unsigned prot)
{
	struct change c = {
		.piece = map_piece, .make = true, .prot = prot, .at = at.v, .page = page.v
	};

	check(IS_ALIGNED(page.v, PAGE_SIZE));
	return change(n, at, size, &c);
}

static void unmap_piece(struct nested *n, u64 *entry, unsigned level, u64 at,
			const struct change *c)
{
	(void)n, (void)level, (void)at, (void)c;
	__atomic_store_n(entry, 0, __ATOMIC_RELEASE);
}

int nested_unmap(struct nested *n, gpa_t at, u64 size)
{
	return change(n, at, size, &(struct change){ .piece = unmap_piece });
}

/* The new entry keeps the dirty bit, which a CPU may set meanwhile. */
static void protect_piece(struct nested *n, u64 *entry, unsigned level, u64 at,
			  const struct change *c)
{
	const struct nested_format *f = n->format;
	u64 old = READ_ONCE(*entry), new;

	(void)at;
	do {
		new = f->leaf(f->address(old, level), level, c->prot) | (old & f->dirty);
	} while (!__atomic_compare_exchange_n(entry, &old, new, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
}

int nested_protect(struct nested *n, gpa_t at, u64 size, unsigned prot)
{
	return change(n, at, size, &(struct change){ .piece = protect_piece, .prot = prot });
}

/* The entry that decides about address a, and its level. */
static u64 *find(const struct nested *n, u64 a, unsigned *level)
{
	u64 *table = n->root;

	for (*level = TOP_LEVEL;; --*level) {
		u64 *entry = &table[level_index(a, *level)], value = READ_ONCE(*entry);

		if (!n->format->present(value) || is_leaf(n, value, *level))
			return entry;
		table = table_of(n, value, *level);
	}
}

/* A format without dirty bits knows only which pages may be written: all those count. */
static bool take_dirty(const struct nested *n, u64 *entry)
{
	const struct nested_format *f = n->format;

	if (!f->present(READ_ONCE(*entry)))
		return false;
	if (!f->dirty)
		return f->rights(READ_ONCE(*entry)) & PROT_W;
	return __atomic_fetch_and(entry, ~f->dirty, __ATOMIC_ACQ_REL) & f->dirty;
}

/*
 * Bit i of the bitmap becomes 1 if page i of [at, at + size) was written since the last call, else
 * 0; bits behind the last page, in its word, become 0.  What the bitmap held before is nothing.
 *
 * The entry that decides about an address is found by find(); it stands for level_size(level)
 * bytes, whether it maps them or not, and the range may begin and end within it.  take_dirty() asks
 * and clears, so an entry is asked once; its answer holds for all its pages that are in the range.
 */
void nested_dirty_fetch_and_clear(struct nested *n, gpa_t at, u64 size, u64 *bitmap)
{
	u64 pages = size >> PAGE_SHIFT, page = 0;

	for (u64 i = 0; i < (pages + 63) / 64; i++)
		bitmap[i] = 0;
	while (page < pages) {
		u64 a = at.v + (page << PAGE_SHIFT), next;
		unsigned level;
		u64 *entry = find(n, a, &level);

		next = page + ((level_size(level) - (a & (level_size(level) - 1))) >> PAGE_SHIFT);
		next = MIN(next, pages);
		for (bool dirty = take_dirty(n, entry); page < next; page++)
			if (dirty)
				bitmap[page / 64] |= BIT(page % 64);
	}
}

/*
 * Where does a lead?  From n->root down, level TOP_LEVEL to 0: entry by entry, each read once and
 * put into entries[], the outermost first, until one maps a (is_leaf) or nothing (format->present
 * comes first).  The number of entries; *page becomes the host address of a itself, not of its
 * page, if a leaf was reached, and is left alone if not.  An address beyond what NESTED_LEVELS
 * levels can tell apart: 0.
 */
unsigned nested_walk(const struct nested *n, gpa_t a, u64 entries[NESTED_LEVELS], hpa_t *page)
{
	const u64 *table = n->root;
	unsigned count = 0;

	if (a.v >= level_size(NESTED_LEVELS))
		return 0;
	for (unsigned level = TOP_LEVEL;; level--) {
		u64 entry = READ_ONCE(table[level_index(a.v, level)]);

		entries[count++] = entry;
		if (!n->format->present(entry))
			return count;
		if (is_leaf(n, entry, level)) {
			page->v = n->format->address(entry, level).v +
				  (a.v & (level_size(level) - 1));
			return count;
		}
		table = table_of(n, entry, level);
	}
}
