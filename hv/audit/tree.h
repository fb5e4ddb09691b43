/*
 * tree.h - a copy of nested tables, to see what became of them
 *
 * Owns: the copy; telling an addition from a loss; the walk over all leaves.
 * Must not know: paging/nested.c, which makes the tables; whose memory leaves point to.
 *
 * It is compared with what is in memory at the address that the CPU is given.
 */
#ifndef ESPEJO_AUDIT_TREE_H
#define ESPEJO_AUDIT_TREE_H

#include "compiler.h"

#define TREE_ENTRIES 512
#define TREE_LEVELS 4

/* How the CPU reads an entry: a second opinion beside the maker's (struct nested_format). */
struct tree_format {
	bool (*present)(u64 entry);
	bool (*leaf)(u64 entry, unsigned level); /* of one that is present */
	u64 (*address)(u64 entry, unsigned level);
	unsigned (*rights)(u64 entry); /* PROT_* */
	u64 marks;		       /* bits that the CPU sets: accessed, dirty */
	/* NULL, or what is wrong with the bits of an entry that is present. */
	const char *(*wrong)(u64 entry, unsigned level);
};

struct tree_node {
	u64 entry[TREE_ENTRIES];
	struct tree_node *below[TREE_ENTRIES]; /* copies of the tables that entries point to */
};

struct tree {
	const struct tree_format *format;
	struct tree_node *root; /* NULL: nothing was looked at yet */
	u64 tables;		/* in the copy */
};

/*
 * Make the copy what is in memory at root.  True: something was taken away since the last time: a
 * translation, a right, a page that is elsewhere now.
 */
bool tree_update(struct tree *tree, u64 root);

/* Each leaf of the copy; and each entry with bits that are wrong, a table's too. */
struct tree_visitor {
	void (*leaf)(const struct tree_visitor *v, u64 at, u64 size, u64 address, unsigned rights);
	void (*wrong)(const struct tree_visitor *v, u64 at, u64 entry, const char *what);
};
void tree_visit(const struct tree *tree, const struct tree_visitor *v);

void tree_free(struct tree *tree);

#endif
