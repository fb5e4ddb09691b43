/*
 * memory.c - see memory.h
 *
 * Source of the shadowing: Intel, "82441FX PCI and Memory Controller (PMC)", "PAM - Programmable
 * Attribute Map Registers".
 */
#include "vm/memory.h"

#include "host.h"
#include "lib/string.h"
#include "vm/vm.h"

/* 40 bits: what every CPU that we run on can address. */
#define MEMORY_SIZE_LIMIT (BIT(40) - GiB(4))

#define READ_RAM 1 /* bits of memory->pam[] */
#define WRITE_RAM 2

#define GATE_A20 BIT(20)

#define GUARD_SET 1 /* in guard[], beside the page's address */

/* ---- What is where ------------------------------------------------------------------ */

enum source {
	SOURCE_NONE, /* a device, or nobody */
	SOURCE_RAM,
	SOURCE_ROM, /* writes there are lost */
	SOURCE_WINDOW,
};

/* Addresses up to end are alike: reads come from one source, writes go to one. */
struct view {
	u64 end;
	u8 read, write; /* enum source */
	u8 *host; /* ROM, window: memory of the address asked for */
};

static const struct memory_slot *find_slot(const struct memory *memory, u64 a)
{
	for (unsigned s = 0; s < memory->slot_count; s++)
		if (a - memory->slot[s].base.v < memory->slot[s].size)
			return &memory->slot[s];
	return NULL;
}

static struct view view_of_hole(const struct memory *memory, u64 a)
{
	const struct memory_window *w = &memory->window;
	u8 state = READ_ONCE(memory->window_state);

	if (state == MEMORY_WINDOW_CLOSED || a >= w->base.v + w->size)
		return (struct view){ .end = MEMORY_VGA_HOLE_END };
	if (a < w->base.v)
		return (struct view){ .end = w->base.v };
	return (struct view){ .end = w->base.v + w->size,
			      .read = SOURCE_WINDOW,
			      .write = SOURCE_WINDOW,
			      .host = w->host + (a - w->base.v) };
}

static u8 pam_of(const struct memory *memory, u64 a)
{
	return READ_ONCE(memory->pam[(a - MEMORY_PAM) / PAGE_SIZE]);
}

static struct view view_of_pam(const struct memory *memory, u64 a)
{
	u64 rom = MEMORY_PAM_END - MIN(memory->rom_size, MEMORY_ROM_LOW), end = a & ~PAGE_MASK;
	u8 pam = pam_of(memory, a);
	struct view view = { .read = SOURCE_RAM,
			     .write = pam & WRITE_RAM ? SOURCE_RAM : SOURCE_ROM };

	do
		end += PAGE_SIZE;
	while (end < MEMORY_PAM_END && pam_of(memory, end) == pam);
	view.end = end;
	if (pam & READ_RAM)
		return view;
	view.read = a >= rom ? SOURCE_ROM : SOURCE_NONE;
	if (a >= rom)
		view.host = memory->rom + (memory->rom_size - (MEMORY_PAM_END - a));
	else
		view.end = MIN(end, rom);
	return view;
}

static struct view view_with_a20(const struct memory *memory, u64 a)
{
	const struct memory_slot *slot = find_slot(memory, a);

	if (slot && a >= MEMORY_PAM_END)
		return (struct view){ slot->base.v + slot->size, SOURCE_RAM, SOURCE_RAM, NULL };
	if (slot && a < MEMORY_VGA_HOLE)
		return (struct view){ MEMORY_VGA_HOLE, SOURCE_RAM, SOURCE_RAM, NULL };
	if (slot)
		return a < MEMORY_PAM ? view_of_hole(memory, a) : view_of_pam(memory, a);
	if (a < GiB(4) && GiB(4) - a <= memory->rom_size)
		return (struct view){ GiB(4), SOURCE_ROM, SOURCE_ROM,
				      memory->rom + (memory->rom_size - (GiB(4) - a)) };
	return (struct view){ .end = a };
}

/*
 * What RAM answers to a: gate A20 holds bit 20 at 0, so each odd MiB is the even one below it.
 * Slots hold whole pairs of them.
 */
static u64 gated(const struct memory *memory, u64 a)
{
	if (likely(!READ_ONCE(memory->a20_masked)) || !find_slot(memory, a))
		return a;
	return a & ~GATE_A20;
}

static struct view view_at(const struct memory *memory, u64 a)
{
	u64 low = gated(memory, a);
	struct view view = view_with_a20(memory, low);

	if (unlikely(READ_ONCE(memory->a20_masked)) && find_slot(memory, a))
		view.end = MIN(view.end, ALIGN_DOWN(low, GATE_A20) + GATE_A20) + (a - low);
	return view;
}

static bool is_ram(const struct view *view)
{
	return view->read == SOURCE_RAM && view->write == SOURCE_RAM;
}

/* What of the guest's rights the tables can give: the rest is emulated. */
static unsigned prot_of(const struct memory *memory, const struct view *view)
{
	if (view->read == SOURCE_NONE)
		return 0;
	if (is_ram(view) || (view->read == SOURCE_WINDOW &&
			     READ_ONCE(memory->window_state) == MEMORY_WINDOW_OPEN))
		return PROT_RWX;
	return PROT_R | PROT_X;
}

/* All of [a, a + len) is RAM: pieces of it may lie side by side. */
static bool low_is_ram(const struct memory *memory, u64 a, u64 len)
{
	u64 end = a + len;

	while (a < end) {
		struct view view = view_at(memory, a);

		if (!is_ram(&view))
			return false;
		a = view.end;
	}
	return true;
}

bool memory_is_ram(const struct vm *vm, gpa_t a, u64 len)
{
	const struct memory_slot *slot = find_slot(&vm->memory, a.v);

	if (!slot || len > slot->size - (a.v - slot->base.v))
		return false;
	return (likely(a.v >= MEMORY_PAM_END) && likely(!READ_ONCE(vm->memory.a20_masked))) ||
	       a.v + len <= MEMORY_VGA_HOLE || low_is_ram(&vm->memory, a.v, len);
}

/* ---- Making and unmaking --------------------------------------------------------------- */

static unsigned order_of(u64 size)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

static int add_slot(struct memory *memory, u64 base, u64 size)
{
	struct memory_slot *slot = &memory->slot[memory->slot_count];

	slot->chunk_order = order_of(size / MEMORY_CHUNK * sizeof(void *));
	slot->chunk = host_alloc_pages(slot->chunk_order);
	if (!slot->chunk)
		return -HOST_ENOMEM;
	slot->base = gpa(base);
	slot->size = size;
	slot->whole = host_alloc_ram(size);
	for (u64 i = 0; slot->whole && i < size / MEMORY_CHUNK; i++)
		slot->chunk[i] = slot->whole + i * MEMORY_CHUNK;
	memory->slot_count++;
	return 0;
}

static int map_slots(struct vm *vm);

int memory_init(struct vm *vm, u64 size)
{
	struct memory *memory = &vm->memory;
	int error;

	if (!size || size > MEMORY_SIZE_LIMIT)
		return -HOST_EINVAL;
	size = ALIGN_UP(size, MEMORY_CHUNK);
	error = host_reserve(size);
	if (error)
		return error;
	memory->size = size;
	memset(memory->pam, READ_RAM | WRITE_RAM, sizeof(memory->pam));
	error = add_slot(memory, 0, MIN(size, MEMORY_LOW_LIMIT));
	if (!error && size > MEMORY_LOW_LIMIT)
		error = add_slot(memory, GiB(4), size - MEMORY_LOW_LIMIT);
	if (!error)
		error = map_slots(vm);
	if (error)
		memory_free(vm);
	return error;
}

void memory_free(struct vm *vm)
{
	struct memory *memory = &vm->memory;

	for (unsigned s = 0; s < memory->slot_count; s++) {
		struct memory_slot *slot = &memory->slot[s];

		for (u64 i = 0; i < slot->size / MEMORY_CHUNK; i++)
			if (slot->chunk[i] && !slot->whole)
				host_free_pages(slot->chunk[i], LARGE_PAGE_SHIFT - PAGE_SHIFT);
		if (slot->whole)
			host_free_ram(slot->whole, slot->size);
		host_free_pages(slot->chunk, slot->chunk_order);
	}
	if (memory->rom)
		host_free_pages(memory->rom, memory->rom_order);
	host_unreserve(memory->size);
	*memory = (struct memory){ 0 };
}

/* ---- Mapping ------------------------------------------------------------------------------ */

static int map_view(struct vm *vm, u64 at, const struct view *view, u8 *ram)
{
	unsigned prot = prot_of(&vm->memory, view);

	if (!prot)
		return 0;
	return virt->map(vm, gpa(at), view->read == SOURCE_RAM ? ram : view->host, view->end - at,
			 prot);
}

/*
 * A chunk belongs to the VM: MEMORY_CHUNK bytes of its own at host, for the guest's addresses from
 * base on.  Put it into the nested tables.  If gate A20 is open, every chunk but the first, the one
 * at 0, is RAM throughout: one call of virt->map, which can make one large leaf of it.  Else it is
 * done by pieces: view_at says up to where addresses are alike, map_view maps a piece (and knows
 * what is not to be mapped), and what an address shows of host, gated says.  0, or virt->map's
 * error.
 */
static int map_chunk(struct vm *vm, gpa_t base, u8 *host)
{
	struct view view;
	int error = 0;

	if (base.v && !READ_ONCE(vm->memory.a20_masked))
		return virt->map(vm, base, host, MEMORY_CHUNK, PROT_RWX);
	for (u64 at = base.v; at < base.v + MEMORY_CHUNK && !error; at = view.end) {
		view = view_at(&vm->memory, at);
		view.end = MIN(view.end, base.v + MEMORY_CHUNK);
		error = map_view(vm, at, &view, host + (gated(&vm->memory, at) - base.v));
	}
	return error;
}

/*
 * What of [from, to) is in memory of one piece, as it is seen now.  What cannot be mapped exits at
 * each access.
 */
static int map_whole(struct vm *vm, u64 from, u64 to)
{
	const struct memory_slot *slot = find_slot(&vm->memory, from);
	int error = 0;

	if (!slot || !slot->whole)
		return 0;
	for (u64 at = from; at < to && !error;) {
		struct view view = view_at(&vm->memory, at);

		view.end = MIN(view.end, to);
		error = map_view(vm, at, &view,
				 slot->whole + (gated(&vm->memory, at) - slot->base.v));
		at = view.end;
	}
	return error;
}

static int map_slots(struct vm *vm)
{
	int error = 0;

	for (unsigned s = 0; s < vm->memory.slot_count && !error; s++) {
		u64 base = vm->memory.slot[s].base.v;

		error = map_whole(vm, base, base + vm->memory.slot[s].size);
	}
	return error;
}

/* ---- Guards ---------------------------------------------------------------------------- */

/* Under memory->lock: is a page of [at, at + size) guarded for anybody?  drop: no longer. */
static bool find_guards(struct memory *memory, u64 at, u64 size, bool drop)
{
	bool found = false;

	for (unsigned i = 0; i < MEMORY_GUARDS; i++) {
		u64 guard = memory->guard[i];

		if (!(guard & GUARD_SET) || (guard & ~PAGE_MASK) - at >= size)
			continue;
		found = true;
		if (!drop)
			continue;
		memory->guard[i] = 0;
		__atomic_sub_fetch(&memory->guards, 1, __ATOMIC_SEQ_CST);
	}
	return found;
}

/*
 * It flushes before it enters the guest, and leaves it now if it is there.  As in vcpu_step: one of
 * the two sees what the other one has written.
 */
static void flush_before_entry(struct vcpu *v)
{
	vcpu_note(v, REQUEST_FLUSH);
	if (__atomic_load_n(&v->in_guest, __ATOMIC_SEQ_CST))
		host_kick(v);
}

void memory_guard(struct vm *vm, unsigned vcpu, gpa_t page)
{
	struct memory *memory = &vm->memory;

	check(vcpu < MEMORY_GUARDS && !memory->guard[vcpu]);
	host_lock(&memory->lock);
	memory->guard[vcpu] = page.v | GUARD_SET;
	__atomic_add_fetch(&memory->guards, 1, __ATOMIC_SEQ_CST);
	if (vm->vcpu_count > 1)
		virt->protect(vm, page, PAGE_SIZE, PROT_R | PROT_X);
	host_unlock(&memory->lock);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (i != vcpu)
			flush_before_entry(vm->vcpu[i]);
}

/* Under memory->lock, the last guard being gone.  A page that is no RAM any more is mapped anew. */
static void give_back(struct vm *vm, u64 page)
{
	if (vm->vcpu_count > 1 && memory_is_ram(vm, gpa(page), PAGE_SIZE))
		virt->protect(vm, gpa(page), PAGE_SIZE, PROT_RWX);
}

void memory_unguard(struct vm *vm, unsigned vcpu)
{
	struct memory *memory = &vm->memory;
	u64 page;

	host_lock(&memory->lock);
	page = memory->guard[vcpu] & ~PAGE_MASK;
	if (memory->guard[vcpu]) {
		memory->guard[vcpu] = 0;
		__atomic_sub_fetch(&memory->guards, 1, __ATOMIC_SEQ_CST);
		if (!find_guards(memory, page, PAGE_SIZE, false))
			give_back(vm, page);
	}
	host_unlock(&memory->lock);
}

static bool guarded(const struct vm *vm)
{
	return unlikely(__atomic_load_n(&vm->memory.guards, __ATOMIC_SEQ_CST) != 0);
}

void memory_stored(struct vm *vm, gpa_t a, u64 len)
{
	if (guarded(vm))
		mwait_stored(vm, a, len);
}

/* A store met the guard: it goes through at the next try. */
static bool break_guard(struct vm *vm, gpa_t a)
{
	u64 page = a.v & ~PAGE_MASK;
	bool found;

	host_lock(&vm->memory.lock);
	found = find_guards(&vm->memory, page, PAGE_SIZE, true);
	if (found)
		give_back(vm, page);
	host_unlock(&vm->memory.lock);
	if (found)
		mwait_stored(vm, gpa(page), PAGE_SIZE);
	return found;
}

/* What is seen where changes: whoever waits looks anew, and its guard may be gone by now. */
static void drop_guards(struct vm *vm)
{
	if (!guarded(vm))
		return;
	host_lock(&vm->memory.lock);
	find_guards(&vm->memory, 0, ~0ull, true);
	host_unlock(&vm->memory.lock);
	mwait_stored(vm, gpa(0), ~0ull);
}

/* ---- Touching ----------------------------------------------------------------------------- */

/* Under memory->lock. */
static void note_recent(struct memory *memory, gpa_t chunk)
{
	if (memory->recent_count < MEMORY_RECENT)
		memory->recent[memory->recent_count] = chunk.v;
	if (memory->recent_count <= MEMORY_RECENT)
		memory->recent_count++;
}

/*
 * Take a chunk and map it.  Two CPUs may touch it at once: then it is mapped twice, to the
 * same effect.  A chunk that could not be mapped stays the VM's and is mapped at the next
 * touch; it is never given back while a table may point to it.
 */
static int touch(struct vm *vm, const struct memory_slot *slot, u64 index)
{
	gpa_t base = gpa(slot->base.v + index * MEMORY_CHUNK);
	bool unguarded = false;
	int error = 0;

	host_lock(&vm->memory.lock);
	if (!slot->chunk[index]) {
		void *host = host_alloc_pages(LARGE_PAGE_SHIFT - PAGE_SHIFT);

		__atomic_store_n(&slot->chunk[index], host, __ATOMIC_RELEASE);
		vm->memory.touched += host ? MEMORY_CHUNK : 0;
	}
	note_recent(&vm->memory, base);
	if (!slot->chunk[index])
		error = -HOST_ENOMEM;
	else
		error = map_chunk(vm, base, slot->chunk[index]);
	if (guarded(vm)) /* which the new entries know nothing of */
		unguarded = find_guards(&vm->memory, base.v, MEMORY_CHUNK, true);
	host_unlock(&vm->memory.lock);
	if (unguarded)
		mwait_stored(vm, base, MEMORY_CHUNK);
	return error;
}

/* ROM below 4 GiB, which is in no chunk. */
static int touch_rom(struct vm *vm)
{
	u64 base = GiB(4) - vm->memory.rom_size;
	struct view view;
	int error;

	host_lock(&vm->memory.lock);
	view = view_at(&vm->memory, base);
	error = map_view(vm, base, &view, NULL);
	host_unlock(&vm->memory.lock);
	return error;
}

/* The guest is about to write into the window. */
static void announce(struct vm *vm)
{
	const struct memory_window *w = &vm->memory.window;
	bool locked = host_locked(&vm->lock);

	if (!locked)
		host_lock(&vm->lock);
	if (vm->memory.window_state == MEMORY_WINDOW_WATCHED)
		w->written(w->ctx);
	if (!locked)
		host_unlock(&vm->lock);
}

/*
 * The answers are those of memory.h.  What lies at a, view_at tells:
 *   - reads come from nowhere (SOURCE_NONE): -HOST_ENOENT, for a write too;
 *   - a write that goes to the window: announce() it; then it is an access to memory;
 *   - a write, and not is_ram: -HOST_ENOENT;
 *   - a write while the VM is guarded(): if break_guard() had one there, that was all: 0.
 * Anything else is mapped, and the result is that of mapping: a slot's memory by touch(), which
 * wants the number of the chunk in that slot; what is in no slot is the ROM, by touch_rom().
 * access may have several bits set.
 */
int memory_fault(struct vm *vm, gpa_t a, unsigned access)
{
	const struct memory_slot *slot = find_slot(&vm->memory, a.v);
	struct view view = view_at(&vm->memory, a.v);

	if (view.read == SOURCE_NONE)
		return -HOST_ENOENT;
	if ((access & ACCESS_WRITE) && view.write == SOURCE_WINDOW)
		announce(vm);
	else if ((access & ACCESS_WRITE) && !is_ram(&view))
		return -HOST_ENOENT;
	if ((access & ACCESS_WRITE) && guarded(vm) && break_guard(vm, a))
		return 0;
	return slot ? touch(vm, slot, (a.v - slot->base.v) / MEMORY_CHUNK) : touch_rom(vm);
}

/* ---- Changing views ---------------------------------------------------------------------- */

static void flush(struct vm *vm)
{
	drop_guards(vm);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_request(vm->vcpu[i], REQUEST_FLUSH);
}

bool memory_settled(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		const struct vcpu *v = vm->vcpu[i];

		if (READ_ONCE(v->in_guest) && (READ_ONCE(v->requests) & REQUEST_FLUSH))
			return false;
	}
	return true;
}

int memory_rom(struct vm *vm, const void *image, u64 size)
{
	struct memory *memory = &vm->memory;
	unsigned order, old_order = memory->rom_order;
	u8 *rom, *old = memory->rom;

	if (!size || size > MEMORY_ROM_MAX || !IS_ALIGNED(size, PAGE_SIZE))
		return -HOST_EINVAL;
	order = order_of(size);
	rom = host_alloc_pages(order);
	if (!rom)
		return -HOST_ENOMEM;
	memcpy(rom, image, size);
	host_lock(&memory->lock);
	if (old)
		virt->unmap(vm, gpa(GiB(4) - memory->rom_size), memory->rom_size);
	virt->unmap(vm, gpa(MEMORY_PAM), MEMORY_PAM_END - MEMORY_PAM);
	memory->rom = rom;
	memory->rom_size = size;
	memory->rom_order = order;
	map_whole(vm, MEMORY_PAM, MEMORY_PAM_END);
	host_unlock(&memory->lock);
	if (memory->slot[0].whole)
		touch_rom(vm);
	if (old)
		host_free_pages(old, old_order);
	flush(vm);
	return 0;
}

void memory_pam(struct vm *vm, gpa_t base, u64 size, bool read_ram, bool write_ram)
{
	struct memory *memory = &vm->memory;
	u8 pam = (read_ram ? READ_RAM : 0) | (write_ram ? WRITE_RAM : 0);

	check(base.v >= MEMORY_PAM && base.v + size <= MEMORY_PAM_END);
	check(IS_ALIGNED(base.v | size, PAGE_SIZE));
	host_lock(&memory->lock);
	for (u64 at = base.v; at < base.v + size; at += PAGE_SIZE)
		WRITE_ONCE(memory->pam[(at - MEMORY_PAM) / PAGE_SIZE], pam);
	virt->unmap(vm, base, size); /* the next touch maps what is there now, or: */
	map_whole(vm, base.v, base.v + size);
	host_unlock(&memory->lock);
	flush(vm);
}

/* All RAM goes out of the tables, and what is in one piece comes in again. */
static void unmap_slots(struct vm *vm)
{
	for (unsigned s = 0; s < vm->memory.slot_count; s++)
		virt->unmap(vm, vm->memory.slot[s].base, vm->memory.slot[s].size);
	map_slots(vm);
}

void memory_a20(struct vm *vm, bool enabled)
{
	struct memory *memory = &vm->memory;

	host_lock(&memory->lock);
	WRITE_ONCE(memory->a20_masked, !enabled);
	if (memory->recent_count > MEMORY_RECENT || memory->slot[0].whole)
		unmap_slots(vm);
	else
		for (unsigned i = 0; i < memory->recent_count; i++)
			virt->unmap(vm, gpa(memory->recent[i]), MEMORY_CHUNK);
	memory->recent_count = 0;
	host_unlock(&memory->lock);
	flush(vm);
}

void memory_window(struct vm *vm, const struct memory_window *window)
{
	check(IS_ALIGNED(window->base.v | window->size | (uintptr_t)window->host, PAGE_SIZE));
	check(window->base.v >= MEMORY_VGA_HOLE &&
	      window->base.v + window->size <= MEMORY_VGA_HOLE_END);
	check(vm->memory.window_state == MEMORY_WINDOW_CLOSED);
	vm->memory.window = *window;
}

/* Rights that are taken need a flush, those that are given do not: a refused access looks again. */
void memory_window_set(struct vm *vm, enum memory_window_state state)
{
	struct memory *memory = &vm->memory;
	const struct memory_window *w = &memory->window;
	u8 old = memory->window_state;

	check(w->size || state == MEMORY_WINDOW_CLOSED);
	if (old == state)
		return;
	host_lock(&memory->lock);
	WRITE_ONCE(memory->window_state, (u8)state);
	if (state == MEMORY_WINDOW_CLOSED)
		virt->unmap(vm, w->base, w->size);
	else if (old == MEMORY_WINDOW_CLOSED)
		map_whole(vm, w->base.v, w->base.v + w->size);
	else
		virt->protect(vm, w->base, w->size,
			      state == MEMORY_WINDOW_OPEN ? PROT_RWX : PROT_R | PROT_X);
	host_unlock(&memory->lock);
	if (state < old)
		flush(vm);
}

/* ---- Access ------------------------------------------------------------------------------ */

static void *ram_at(struct vm *vm, gpa_t a, u64 len)
{
	const struct memory_slot *slot = find_slot(&vm->memory, a.v);
	u64 offset = gated(&vm->memory, a.v) - slot->base.v;
	u64 index = offset / MEMORY_CHUNK;
	u8 *chunk;

	if (len > MEMORY_CHUNK - offset % MEMORY_CHUNK)
		return NULL;
	chunk = __atomic_load_n(&slot->chunk[index], __ATOMIC_ACQUIRE);
	if (!chunk) {
		if (touch(vm, slot, index))
			return NULL;
		chunk = slot->chunk[index];
	}
	return chunk + offset % MEMORY_CHUNK;
}

void *memory_ptr(struct vm *vm, gpa_t a, u64 len)
{
	return memory_is_ram(vm, a, len) ? ram_at(vm, a, len) : NULL;
}

const void *memory_view(struct vm *vm, gpa_t a, u64 len)
{
	struct view view;

	if (likely(memory_is_ram(vm, a, len)))
		return ram_at(vm, a, len);
	view = view_at(&vm->memory, a.v);
	if (view.read == SOURCE_NONE || len > view.end - a.v)
		return NULL;
	return view.read == SOURCE_RAM ? ram_at(vm, a, len) : view.host;
}

/* Does all of it belong to memory, for this direction? */
static bool all_there(const struct memory *memory, u64 a, u64 len, bool write)
{
	while (len) {
		struct view view = view_at(memory, a);

		if ((write ? view.write : view.read) == SOURCE_NONE)
			return false;
		if (len <= view.end - a)
			return true;
		len -= view.end - a;
		a = view.end;
	}
	return true;
}

/* len bytes of one view and one chunk. */
static int copy_piece(struct vm *vm, u64 a, const struct view *view, u8 *buf, u64 len, bool write)
{
	enum source source = write ? view->write : view->read;
	u8 *p = source == SOURCE_RAM ? ram_at(vm, gpa(a), len) : view->host;

	if (source == SOURCE_NONE)
		return -HOST_EINVAL; /* another CPU has just changed it */
	if (write && source == SOURCE_ROM)
		return 0;
	if (!p)
		return -HOST_ENOMEM;
	if (write && source == SOURCE_WINDOW)
		announce(vm);
	memcpy(write ? p : buf, write ? buf : p, len);
	return 0;
}

static int copy(struct vm *vm, gpa_t a, u8 *buf, u64 len, bool write)
{
	int error = all_there(&vm->memory, a.v, len, write) ? 0 : -HOST_EINVAL;

	while (len && !error) {
		struct view view = view_at(&vm->memory, a.v);
		u64 part = MIN(len, MIN(view.end - a.v, MEMORY_CHUNK - a.v % MEMORY_CHUNK));

		error = copy_piece(vm, a.v, &view, buf, part, write);
		a.v += part;
		buf += part;
		len -= part;
	}
	return error;
}

int memory_read(struct vm *vm, gpa_t a, void *to, u64 len)
{
	return copy(vm, a, to, len, false);
}

int memory_write(struct vm *vm, gpa_t a, const void *from, u64 len)
{
	/* Only read from when writing: the cast takes no right away. */
	int error = copy(vm, a, (u8 *)(uintptr_t)from, len, true);

	memory_stored(vm, a, len);
	return error;
}
