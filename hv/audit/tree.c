/* tree.c - see tree.h */
#include "audit/tree.h"

#include "host.h"

#define INDEX_BITS 9
#define TOP (TREE_LEVELS - 1)
#define NODE_ORDER 1

_Static_assert(sizeof(struct tree_node) == PAGE_SIZE << NODE_ORDER, "a node has two pages");

static u64 level_size(unsigned level)
{
	return PAGE_SIZE << (INDEX_BITS * level);
}

static struct tree_node *new_node(struct tree *tree)
{
	struct tree_node *node = host_alloc_pages(NODE_ORDER);

	if (!node)
		panic("audit: no memory for a copy of the nested tables");
	tree->tables++;
	return node;
}

static void free_node(struct tree *tree, struct tree_node *node)
{
	if (!node)
		return;
	for (unsigned i = 0; i < TREE_ENTRIES; i++)
		free_node(tree, node->below[i]);
	host_free_pages(node, NODE_ORDER);
	tree->tables--;
}

void tree_free(struct tree *tree)
{
	free_node(tree, tree->root);
	tree->root = NULL;
}

static bool is_table(const struct tree_format *f, u64 entry, unsigned level)
{
	return f->present(entry) && level > 0 && !f->leaf(entry, level);
}

static const u64 *table_at(const struct tree_format *f, u64 entry, unsigned level)
{
	return host_ptr(hpa(f->address(entry, level)));
}

/* Does what stands at entry now still give all that the leaf gave that maps [page, ..)? */
static bool covers(const struct tree_format *f, u64 entry, unsigned level, u64 page,
		   unsigned rights)
{
	const u64 *table;

	if (!f->present(entry))
		return false;
	if (!is_table(f, entry, level))
		return f->address(entry, level) == page && !(rights & ~f->rights(entry));
	table = table_at(f, entry, level);
	for (unsigned i = 0; i < TREE_ENTRIES; i++)
		if (!covers(f, READ_ONCE(table[i]), level - 1, page + i * level_size(level - 1),
			    rights))
			return false;
	return true;
}

static bool update(struct tree *tree, struct tree_node *node, const u64 *table, unsigned level);

/* Entry i of the node was old, a leaf or a table or nothing, and is now another one. */
static bool change(struct tree *tree, struct tree_node *node, unsigned i, u64 now, unsigned level)
{
	const struct tree_format *f = tree->format;
	u64 old = node->entry[i];
	bool was_table = is_table(f, old, level), same = !((old ^ now) & ~f->marks), lost = false;

	if (was_table && !same) {
		lost = true;
		free_node(tree, node->below[i]);
		node->below[i] = NULL;
	} else if (f->present(old) && !was_table) {
		lost = !covers(f, now, level, f->address(old, level), f->rights(old));
	}
	node->entry[i] = now;
	if (!is_table(f, now, level))
		return lost;
	if (!node->below[i])
		node->below[i] = new_node(tree);
	return update(tree, node->below[i], table_at(f, now, level), level - 1) || lost;
}

static bool update(struct tree *tree, struct tree_node *node, const u64 *table, unsigned level)
{
	bool lost = false;

	for (unsigned i = 0; i < TREE_ENTRIES; i++) {
		u64 now = READ_ONCE(table[i]);

		if (now != node->entry[i] || node->below[i])
			lost |= change(tree, node, i, now, level);
	}
	return lost;
}

bool tree_update(struct tree *tree, u64 root)
{
	if (!tree->root)
		tree->root = new_node(tree);
	return update(tree, tree->root, host_ptr(hpa(root)), TOP);
}

static void visit(const struct tree *tree, const struct tree_node *node, unsigned level, u64 at,
		  const struct tree_visitor *v)
{
	const struct tree_format *f = tree->format;

	for (unsigned i = 0; i < TREE_ENTRIES; i++, at += level_size(level)) {
		u64 entry = node->entry[i];
		const char *wrong;

		if (!f->present(entry))
			continue;
		wrong = f->wrong(entry, level);
		if (wrong)
			v->wrong(v, at, entry, wrong);
		if (node->below[i])
			visit(tree, node->below[i], level - 1, at, v);
		else
			v->leaf(v, at, level_size(level), f->address(entry, level),
				f->rights(entry));
	}
}

void tree_visit(const struct tree *tree, const struct tree_visitor *v)
{
	if (tree->root)
		visit(tree, tree->root, TOP, 0, v);
}
