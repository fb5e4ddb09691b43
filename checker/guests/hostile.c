/*
 * hostile.c - attacks, one after the other
 *
 * attack=all      each once, with a record
 * attack=GROUP    those of a list that needs a machine of its own
 * attack=NAME     only this one
 * attack=storm    those that cost time, again and again, without a word
 * end=NAME        see hostile_end.c
 * scale=PERCENT   fewer tries of what is alike (100: all of it)
 *
 * First a plan names all that will be tried, then each attack has its record: one that never came
 * to its end is missed.
 */
#include "hostile.h"

#include "lib/string.h"
#include "registers.h"
#include "secret.h"

static const struct attack_list *const lists[] = {
	&hostile_first,	 &hostile_start,     &hostile_memory, &hostile_apic,   &hostile_io,
	&hostile_msr,	 &hostile_chips,     &hostile_code,   &hostile_hidden, &hostile_pci,
	&hostile_virtio, &hostile_pieces,    &hostile_registers, &hostile_user, &hostile_calls,
	&hostile_bombs,	 &hostile_pieces_bombs, &hostile_wire, &hostile_races, &hostile_mirror,
	&hostile_last,
};

/* ---- Cases ------------------------------------------------------------------------- */

#define SEEN_SIZE 4096u /* a power of two, and more than any attack has */
#define SEEN_FULL (SEEN_SIZE / 2)

/* The cases of the attack that is under way: an open hash; 0: free. */
static u32 seen[SEEN_SIZE];

static bool is_new(u32 key)
{
	unsigned i = key * 2654435761u % SEEN_SIZE;

	for (; seen[i]; i = (i + 1) % SEEN_SIZE)
		if (seen[i] == key)
			return false;
	seen[i] = key;
	return true;
}

void hostile_case(struct tally *t, u64 target, u64 action)
{
	u32 key = ((u32)target << 16 | (u16)action) + 1;

	t->tries++;
	t->faults += rt_faulted();
	if (t->cases < SEEN_FULL && is_new(key))
		t->cases++;
}

void hostile_bad(struct tally *t, bool bad, const char *what, u64 where)
{
	if (!bad)
		return;
	if (!t->bad++) {
		t->what = what;
		t->where = where;
	}
}

/* The tag itself may not be in our image, where it would be found as a secret that we hold. */
static volatile u32 not_the_tag = (u32)~SECRET_TAG;

bool hostile_secret(u64 value)
{
	return (u32)(value >> SECRET_SHIFT) == ~not_the_tag;
}

/* ---- How much ------------------------------------------------------------------------ */

static u64 scale = 100;

u64 hostile_some(u64 n)
{
	return MAX(n * scale / 100, 1);
}

bool hostile_chosen(void)
{
	return scale >= 100 || rt_random() % 100 < scale;
}

/* ---- Calls that fault ------------------------------------------------------------------ */

__asm__(".local saved_rsp; .comm saved_rsp, 8, 8");

bool hostile_call(const void *code, u64 *r11)
{
	rt_vector = RT_NONE;
	__asm__ volatile("movq $77f, rt_fixup\n\txor %%r11d, %%r11d\n\txor %%eax, %%eax\n\t"
			 "push %%rbx\n\tpush %%rbp\n\tmovq %%rsp, saved_rsp\n\tcall *%1\n77:\t"
			 "movq saved_rsp, %%rsp\n\tpop %%rbp\n\tpop %%rbx\n\tmovq $0, rt_fixup\n\t"
			 "mov %%r11, %0"
			 : "=&S"(*r11)
			 : "D"(code)
			 : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
	return rt_faulted();
}

/* ---- The run ------------------------------------------------------------------------------ */

/* A word of a record has no spaces. */
static const char *word(const char *text)
{
	static char buf[40];
	unsigned i = 0;

	for (; text[i] && i < sizeof(buf) - 1; i++)
		buf[i] = text[i] == ' ' ? '_' : text[i];
	buf[i] = '\0';
	return buf;
}

static bool is_wanted(const struct attack_list *list, const struct attack *a)
{
	return rt_has("attack", list->group ? list->group : "all") || rt_has("attack", a->name);
}

static void plan(const struct attack_list *list UNUSED, const struct attack *a)
{
	rt_record("plan name=%s", a->name);
}

static void run(const struct attack_list *list UNUSED, const struct attack *a)
{
	struct tally t = { .what = "none" };

	memset(seen, 0, sizeof(seen));
	a->run(&t);
	rt_print("\n"); /* behind what the ports may have said */
	rt_record("attack name=%s cases=%lu tries=%lu faults=%lu bad=%lu what=%s where=0x%lx",
		  a->name, t.cases, t.tries, t.faults, t.bad, word(t.what), t.where);
}

static void run_silently(const struct attack_list *list UNUSED, const struct attack *a)
{
	struct tally t = { .what = "none" };

	if (a->storm)
		a->run(&t);
}

static unsigned each(void (*f)(const struct attack_list *list, const struct attack *a), bool all)
{
	unsigned n = 0;

	for (unsigned l = 0; l < ARRAY_SIZE(lists); l++)
		for (unsigned i = 0; i < lists[l]->count; i++)
			if (all ? !lists[l]->group : is_wanted(lists[l], &lists[l]->attack[i])) {
				f(lists[l], &lists[l]->attack[i]);
				n++;
			}
	return n;
}

NORETURN static void storm(void)
{
	registers_set(rt_number("seed", 666));
	__asm__ volatile("mov %0, %%cr8" ::"r"(0ull)); /* interrupts are wanted */
	rt_record("storming");
	for (;;)
		each(run_silently, true);
}

unsigned probe_main(void)
{
	scale = rt_number("scale", 100);
	if (rt_has("attack", "storm"))
		storm();
	if (rt_number("end", ~0ull) != ~0ull) {
		rt_record("ending");
		hostile_end();
		rt_record("survived");
		return 0;
	}
	rt_record("planned %u", each(plan, false));
	rt_record("attacked %u", each(run, false));
	return 0;
}
