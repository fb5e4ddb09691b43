/*
 * audit_tables.c - the audit's look at nested tables: see audit.h
 *
 * Owns: what each leaf may point to and allow.
 * Must not know: how vm/memory.c maps; it takes from there what memory a VM has, and what it lets
 * the guest see, and works out the rest by docs/machine.md, "Memory".
 */
#include "audit/audit.h"

struct leaves {
	struct tree_visitor visitor; /* first */
	struct audit_vcpu *a;
};

static const struct memory_slot *slot_at(const struct memory *memory, u64 at)
{
	for (unsigned i = 0; i < memory->slot_count; i++)
		if (at - memory->slot[i].base.v < memory->slot[i].size)
			return &memory->slot[i];
	return NULL;
}

/* The RAM of this VM at an address, as the machine of docs/machine.md has it; 0: none there. */
static u64 ram_at(const struct memory *memory, u64 at)
{
	const struct memory_slot *slot = slot_at(memory, at);
	u64 offset;

	if (!slot)
		return 0;
	offset = at - slot->base.v;
	if (!slot->chunk[offset / MEMORY_CHUNK])
		return 0;
	return host_hpa(slot->chunk[offset / MEMORY_CHUNK]).v + offset % MEMORY_CHUNK;
}

/* Where the ROM is seen: below 4 GiB, and its end below 1 MiB. */
static u64 rom_at(const struct memory *memory, u64 at)
{
	u64 end = at < MEMORY_PAM_END ? MEMORY_PAM_END : GiB(4);
	u64 seen = end == GiB(4) ? memory->rom_size : MIN(memory->rom_size, MEMORY_ROM_LOW);

	if (!memory->rom || at >= end || end - at > seen)
		return 0;
	return host_hpa(memory->rom).v + memory->rom_size - (end - at);
}

#define GATE_A20 BIT(20) /* while it is closed, RAM does not see it */

/* Bits of memory->pam[]. */
#define PAM_READ_RAM 1
#define PAM_WRITE_RAM 2

/* What a leaf at this address may point to, and whether it may be written. */
static u64 place_at(const struct memory *memory, u64 at, bool *writable)
{
	const struct memory_window *w = &memory->window;
	u8 pam;

	*writable = false;
	if (memory->a20_masked && slot_at(memory, at))
		at &= ~GATE_A20;
	if (at - MEMORY_VGA_HOLE < MEMORY_VGA_HOLE_END - MEMORY_VGA_HOLE) {
		if (memory->window_state == MEMORY_WINDOW_CLOSED || at - w->base.v >= w->size)
			return 0;
		*writable = memory->window_state == MEMORY_WINDOW_OPEN;
		return host_hpa(w->host).v + (at - w->base.v);
	}
	if (at - MEMORY_PAM < MEMORY_PAM_END - MEMORY_PAM) {
		pam = memory->pam[(at - MEMORY_PAM) / PAGE_SIZE];
		*writable = pam == (PAM_READ_RAM | PAM_WRITE_RAM);
		return pam & PAM_READ_RAM ? ram_at(memory, at) : rom_at(memory, at);
	}
	*writable = slot_at(memory, at) != NULL;
	return *writable ? ram_at(memory, at) : rom_at(memory, at);
}

static bool is_guarded(const struct memory *memory, u64 at)
{
	for (unsigned i = 0; i < MEMORY_GUARDS; i++)
		if (memory->guard[i] && (memory->guard[i] & ~PAGE_MASK) == at)
			return true;
	return false;
}

/* Each small page of it, or each chunk of a large one in plain RAM. */
static void look_at_leaf(const struct tree_visitor *v, u64 at, u64 size, u64 address,
			 unsigned rights)
{
	struct audit_vcpu *a = container_of(v, const struct leaves, visitor)->a;
	const struct memory *memory = &a->v->vm->memory;
	u64 step = at >= MEMORY_PAM_END && !memory->a20_masked ? MEMORY_CHUNK : PAGE_SIZE;

	for (u64 end = at + size; at < end; at += MIN(step, size), address += MIN(step, size)) {
		bool writable;
		u64 place = place_at(memory, at, &writable);

		audit_equal(a, AUDIT_TABLES, "a leaf points to the VM's own memory", place,
			    address);
		audit_expect(a, AUDIT_TABLES, writable || !(rights & PROT_W),
			     "a leaf gives no write access, at", at, rights);
		if (a->v->vm->vcpu_count > 1 && is_guarded(memory, at))
			audit_expect(a, AUDIT_TABLES, !(rights & PROT_W),
				     "a guarded page gives no write access, at", at, rights);
	}
}

static void look_at_wrong(const struct tree_visitor *v, u64 at, u64 entry, const char *what)
{
	audit_expect(container_of(v, const struct leaves, visitor)->a, AUDIT_TABLES, false, what,
		     at, entry);
}

/* The memory's lock is held. */
static void update(struct audit_vm *vm)
{
	if (tree_update(&vm->tree, vm->root))
		WRITE_ONCE(vm->tables, vm->tables + 1);
	/* Now, not before: who finds the tables untouched counts on the number of losses. */
	__atomic_store_n(&vm->touched, false, __ATOMIC_RELEASE);
}

void audit_tables_update(struct audit_vm *vm)
{
	host_lock(&vm->vm->memory.lock);
	if (vm->root)
		update(vm);
	host_unlock(&vm->vm->memory.lock);
}

/*
 * Changes are made under the memory's lock; it is asked for flushes behind it.  So what was lost is
 * due as soon as no other CPU is in between.
 */
void audit_tables(struct audit_vcpu *a, u64 root, bool whole)
{
	struct audit_vm *vm = a->vm;
	struct memory *memory = &a->v->vm->memory;
	struct leaves leaves = { .visitor = { look_at_leaf, look_at_wrong }, .a = a };

	vm->root = root;
	if (whole) {
		host_lock(&memory->lock);
		update(vm);
		tree_visit(&vm->tree, &leaves.visitor);
		host_unlock(&memory->lock);
	}
	if (!(__atomic_load_n(&vm->changing, __ATOMIC_SEQ_CST) & ~BIT(a->cpu)))
		WRITE_ONCE(vm->due, READ_ONCE(vm->tables));
	audit_count(a, AUDIT_TABLES);
}
