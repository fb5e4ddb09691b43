/*
 * hostile.c - attacks, one after the other
 *
 * attack=NAME or attack=all   each once, with a record
 * attack=storm                those that cost time, again and again, without a word
 * end=NAME                    see hostile_end.c
 */
#include "hostile.h"

#include "registers.h"

static const struct attack_list *const lists[] = { &hostile_memory, &hostile_io,  &hostile_devices,
						   &hostile_cpu,    &hostile_last };

void hostile_case(struct tally *t)
{
	t->cases++;
	t->faults += rt_faulted();
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

static void run(const struct attack *a, bool say)
{
	struct tally t = { .what = "none" };

	a->run(&t);
	if (!say)
		return;
	rt_print("\n"); /* behind what the ports may have said */
	rt_record("attack name=%s cases=%lu faults=%lu bad=%lu what=%s where=0x%lx", a->name,
		  t.cases, t.faults, t.bad, word(t.what), t.where);
}

static unsigned attack_all(void)
{
	unsigned n = 0;

	for (unsigned l = 0; l < ARRAY_SIZE(lists); l++)
		for (unsigned i = 0; i < lists[l]->count; i++)
			if (rt_has("attack", "all") || rt_has("attack", lists[l]->attack[i].name)) {
				run(&lists[l]->attack[i], true);
				n++;
			}
	rt_record("attacked %u", n);
	return 0;
}

NORETURN static void storm(void)
{
	registers_set(rt_number("seed", 666));
	rt_record("storming");
	for (;;)
		for (unsigned l = 0; l < ARRAY_SIZE(lists); l++)
			for (unsigned i = 0; i < lists[l]->count; i++)
				if (lists[l]->attack[i].storm)
					run(&lists[l]->attack[i], false);
}

unsigned probe_main(void)
{
	if (rt_has("attack", "storm"))
		storm();
	if (rt_number("end", ~0ull) != ~0ull) {
		rt_record("ending");
		hostile_end();
		rt_record("survived");
		return 0;
	}
	return attack_all();
}
