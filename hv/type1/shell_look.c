/* shell_look.c - see shell_commands.h: commands that look into a machine, and poke it */
#include "type1/shell_commands.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/console.h"
#include "type1/words.h"
#include "vm/state_vm.h"
#include "vm/walk.h"

/* A machine that stands still while it is looked at: registers are true then. */
struct look {
	struct guest *guest;
	struct vcpu *vcpu; /* its first one */
	bool ran;
};

/* Begin to look at the machine of the guest that word[1] names.  False after a sentence. */
static bool look_at(struct look *look, int words, char *word[])
{
	struct guest *g = shell_guest(words, word, 1);

	if (!g)
		return false;
	if (!g->vm) {
		shell_fail("VM %s has no vCPU: it is not started", g->definition.config.name);
		return false;
	}
	*look = (struct look){ g, g->vm->vcpu[0], guests_hold(g) };
	return true;
}

static void look_away(const struct look *look)
{
	guests_release(look->guest, look->ran);
}

/* ---- Its exits ----------------------------------------------------------------------- */

static void print_trace(const struct vcpu *v, u64 count)
{
	while (count--) {
		const struct trace_entry *e = trace_get(&v->trace, count);

		if (!e)
			continue;
		console_printf("%14llu ns %-16s rip %#llx info %#llx\n",
			       (unsigned long long)host_tsc_to_ns(e->left),
			       exit_reason_name(trace_reason(e)), (unsigned long long)e->rip,
			       (unsigned long long)e->info);
	}
}

int shell_look_trace(int words, char *word[])
{
	struct look look;
	u64 count = 10;

	if (words > 3 || (words == 3 && !words_number(word[2], &count)))
		return shell_fail("trace VM [COUNT]");
	if (!look_at(&look, words, word))
		return -1;
	print_trace(look.vcpu, MIN(count, trace_size(&look.vcpu->trace)));
	look_away(&look);
	return 0;
}

/*
 * Everything the rings hold, for tools/trace-json: one line an exit, times in TSC ticks.
 * "trace VM VCPU ENTERED LEFT RIP INFO REASON": in the guest from ENTERED to LEFT
 */
static void dump_vcpu(const struct guest *g, const struct vcpu *v)
{
	for (u64 n = trace_size(&v->trace); n--;) {
		const struct trace_entry *e = trace_get(&v->trace, n);

		if (e)
			console_printf("trace %s %u %llu %llu %llx %llx %s\n",
				       g->definition.config.name, v->index,
				       (unsigned long long)e->entered,
				       (unsigned long long)e->left, (unsigned long long)e->rip,
				       (unsigned long long)e->info,
				       exit_reason_name(trace_reason(e)));
	}
}

int shell_look_trace_dump(int words UNUSED, char *word[] UNUSED)
{
	console_printf("trace-begin %llu\n", (unsigned long long)host_tsc_hz());
	for (unsigned i = 0; guests_at(i); i++) {
		struct guest *g = guests_at(i);
		bool ran;

		if (!g->vm)
			continue;
		ran = guests_hold(g);
		for (unsigned n = 0; n < g->vm->vcpu_count; n++)
			dump_vcpu(g, g->vm->vcpu[n]);
		guests_release(g, ran);
	}
	console_printf("trace-end\n");
	return 0;
}

/* ---- Its addresses ------------------------------------------------------------------- */

/* Levels are counted from the last one, also where a large page leaves some out. */
static unsigned top_level(const struct walk_mode *mode, const struct walk *w)
{
	if (mode->efer & EFER_LMA)
		return mode->cr4 & CR4_LA57 ? 5 : 4;
	return w->entry_size == 8 ? 3 : 2;
}

static void print_guest_walk(const struct walk_mode *mode, const struct walk *w)
{
	unsigned top = top_level(mode, w);

	for (unsigned i = 0; i < w->count; i++)
		console_printf("  level %u: entry at %#llx = %#llx\n", top - i,
			       (unsigned long long)w->entry[i].at.v,
			       (unsigned long long)w->entry[i].value);
}

static void print_nested_walk(struct vm *vm, gpa_t a)
{
	u64 entries[5];
	hpa_t page;
	unsigned n = virt->walk(vm, a, entries, &page);

	console_printf("guest-physical %#llx\n", (unsigned long long)a.v);
	for (unsigned i = 0; i < n; i++)
		console_printf("  nested level %u: %#llx\n", 4 - i, (unsigned long long)entries[i]);
}

/*
 * What a CPU that remembers nothing reads on the way.  The guest's tables lie in guest-physical
 * memory, so each of their entries needs a walk of its own.
 * Does it lead anywhere?
 */
static bool print_way(struct vm *vm, const struct walk *w)
{
	u64 entries[5];
	hpa_t page = hpa(~0ull), other;
	unsigned n = virt->walk(vm, w->gpa, entries, &page);

	for (unsigned i = 0; i < w->count; i++)
		if (w->entry[i].at.v != ~0ull)
			n += 1 + virt->walk(vm, w->entry[i].at, entries, &other);
	if (page.v == ~0ull)
		console_printf("the tables lead nowhere: %u references to memory\n", n);
	else
		console_printf("the tables lead to %#llx: %u references to memory\n",
			       (unsigned long long)page.v, n);
	return page.v != ~0ull;
}

static void walk_gva(struct vcpu *v, u64 gva)
{
	struct walk_mode mode;
	struct walk w;
	void *host;

	fetch_walk_mode(v, &mode);
	mode.cpl = 0;
	console_printf("guest-virtual %#llx, CR3 %#llx\n", (unsigned long long)gva,
		       (unsigned long long)mode.cr3);
	if (walk(&w, &mode, gva, ACCESS_READ)) {
		print_guest_walk(&mode, &w);
		console_printf("  page fault, error code %#x\n", w.error);
		return;
	}
	print_guest_walk(&mode, &w);
	print_nested_walk(v->vm, w.gpa);
	if (!print_way(v->vm, &w) && memory_is_ram(v->vm, w.gpa, 1)) {
		console_printf("RAM that is not mapped: an access makes a nested fault\n");
		return;
	}
	host = memory_ptr(v->vm, w.gpa, 1);
	if (host)
		console_printf("host-physical %#llx\n", (unsigned long long)host_hpa(host).v);
	else
		console_printf("no RAM there: a device or nothing\n");
}

int shell_look_walk(int words, char *word[])
{
	struct look look;
	u64 gva;

	if (words != 3 || !words_number(word[2], &gva))
		return shell_fail("walk VM ADDRESS (0x...)");
	if (!look_at(&look, words, word))
		return -1;
	walk_gva(look.vcpu, gva);
	look_away(&look);
	return 0;
}

/* ---- Its nested tables --------------------------------------------------------------- */

/* Words first and second are a range of whole pages of RAM.  False after a sentence. */
static bool range_of(struct vm *vm, const char *first, const char *second, u64 *at, u64 *size)
{
	if (words_number(first, at) && words_number(second, size) && *size &&
	    IS_ALIGNED(*at | *size, PAGE_SIZE) && memory_is_ram(vm, gpa(*at), *size))
		return true;
	shell_fail("%s and %s are no range of whole pages of its RAM", first, second);
	return false;
}

/* Letters of rwx, or "-" for none. */
static bool rights_of(const char *text, unsigned *prot)
{
	for (*prot = 0; *text; text++) {
		if (*text == 'r')
			*prot |= PROT_R;
		else if (*text == 'w')
			*prot |= PROT_W;
		else if (*text == 'x')
			*prot |= PROT_X;
		else if (*text != '-')
			return false;
	}
	return true;
}

int shell_look_protect(int words, char *word[])
{
	struct look look;
	unsigned prot;
	u64 at, size;
	bool good;

	if (words != 5 || !rights_of(word[4], &prot))
		return shell_fail("protect VM ADDRESS SIZE RIGHTS (of rwx, or -)");
	if (!look_at(&look, words, word))
		return -1;
	good = range_of(look.guest->vm, word[2], word[3], &at, &size);
	if (good) {
		host_lock(&look.guest->vm->memory.lock);
		virt->protect(look.guest->vm, gpa(at), size, prot);
		host_unlock(&look.guest->vm->memory.lock);
		vm_flush(look.guest->vm);
	}
	look_away(&look);
	return good ? 0 : -1;
}

#define DIRTY_WORDS 64 /* of 64 pages each: asked for at a time */
#define DIRTY_BYTES (DIRTY_WORDS * 64 * PAGE_SIZE)

/* Dirty pages in a row, as far as they are known. */
struct dirty_run {
	u64 at, pages;
	u64 total; /* of all rows */
};

static void end_run(struct dirty_run *run)
{
	if (run->pages)
		console_printf("  %#llx-%#llx: %llu\n", (unsigned long long)run->at,
			       (unsigned long long)(run->at + run->pages * PAGE_SIZE - 1),
			       (unsigned long long)run->pages);
	run->total += run->pages;
	run->pages = 0;
}

static void take_dirty(struct vm *vm, u64 at, u64 size, struct dirty_run *run)
{
	static u64 bitmap[DIRTY_WORDS]; /* what the last call left in it does not count */

	while (size) {
		u64 part = MIN(size, DIRTY_BYTES);

		virt->dirty_fetch_and_clear(vm, gpa(at), part, bitmap);
		for (u64 page = 0; page < part / PAGE_SIZE; page++) {
			if (!(bitmap[page / 64] & BIT(page % 64))) {
				end_run(run);
				continue;
			}
			if (!run->pages++)
				run->at = at + page * PAGE_SIZE;
		}
		at += part;
		size -= part;
	}
	end_run(run);
}

int shell_look_dirty(int words, char *word[])
{
	struct dirty_run run = { 0 };
	const struct memory *memory;
	struct look look;
	u64 at, size;
	bool good;

	if (words != 2 && words != 4)
		return shell_fail("dirty VM [ADDRESS SIZE]");
	if (!look_at(&look, words, word))
		return -1;
	memory = &look.guest->vm->memory;
	good = words == 2 || range_of(look.guest->vm, word[2], word[3], &at, &size);
	if (words == 4 && good)
		take_dirty(look.guest->vm, at, size, &run);
	for (unsigned s = 0; words == 2 && s < memory->slot_count; s++)
		take_dirty(look.guest->vm, memory->slot[s].base.v, memory->slot[s].size, &run);
	if (good) {
		vm_flush(look.guest->vm); /* a CPU sets no bit that it remembers as set */
		console_printf("pages written since the last time: %llu\n",
			       (unsigned long long)run.total);
	}
	look_away(&look);
	return good ? 0 : -1;
}

/* ---- Its control block --------------------------------------------------------------- */

int shell_look_dump(int words, char *word[])
{
	struct look look;

	if (words > 2)
		return shell_fail("dump VM");
	if (!look_at(&look, words, word))
		return -1;
	virt->dump(look.vcpu, console_sink);
	look_away(&look);
	return 0;
}

/* Also what a lab on the control block is done with. */
int shell_look_poke(int words, char *word[])
{
	bool force = words == 5 && !strcmp(word[4], "force"), known;
	struct look look;
	u64 value;

	if ((words != 4 && !force) || !words_number(word[3], &value))
		return shell_fail("poke VM FIELD VALUE [force]");
	if (!look_at(&look, words, word))
		return -1;
	known = virt->poke(look.vcpu, word[2], value, force);
	look_away(&look);
	return known ? 0 : shell_fail("%s has no field '%s': see dump", virt->name, word[2]);
}

/* ---- All of it ----------------------------------------------------------------------- */

int shell_look_state(int words, char *word[])
{
	struct look look;
	const char *why;

	if (words != 2)
		return shell_fail("state VM");
	if (!look_at(&look, words, word))
		return -1;
	why = state_vm_print(look.guest->vm, console_sink);
	look_away(&look);
	return why ? shell_fail("%s", why) : 0;
}
