/* record.c - see systems.h */
#include "systems.h"

#include "lib/fmt.h"
#include "lib/string.h"

#define KINDS 40 /* of deviations in a batch; what is beyond is one more kind */
#define MANY ~0ull
#define UNKNOWN ~0ull
#define SMALL 128 /* cases of a batch whose numbers are told */

static struct kind {
	u64 got, manual, count, set, first, in[2];
	unsigned tag;
} kinds[KINDS + 1];
static unsigned kind_count;
static char batch[SYSTEMS_NAME];
static u64 number, off, total;

void systems_begin(const char *name)
{
	fmt_string(batch, sizeof(batch), "%s", name);
	number = off = kind_count = 0;
}

static struct kind *kind_of(unsigned tag, u64 got, u64 manual)
{
	for (unsigned i = 0; i < kind_count; i++)
		if (kinds[i].tag == tag && (kinds[i].got ^ kinds[i].manual) == (got ^ manual))
			return &kinds[i];
	if (kind_count > KINDS)
		return &kinds[KINDS];
	if (kind_count == KINDS)
		got = manual = MANY;
	kinds[kind_count] =
	    (struct kind){ .got = got, .manual = manual, .tag = tag, .first = number };
	return &kinds[kind_count++];
}

/* Any set of numbers has its sum; the numbers are spread first (splitmix). */
static u64 spread(u64 n)
{
	n = (n + 1) * 0x9e3779b97f4a7c15ull;
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9ull;
	n = (n ^ n >> 27) * 0x94d049bb133111ebull;
	return n ^ n >> 31;
}

void systems_try(unsigned tag, u64 got, u64 manual, u64 open)
{
	got &= ~open;
	manual &= ~open;
	if (got != manual) {
		struct kind *kind = kind_of(tag, got, manual);

		off++;
		kind->count++;
		kind->set += spread(number ^ got << 20 ^ manual << 40);
		if (number < SMALL)
			kind->in[number / 64] |= BIT(number % 64);
	}
	number++;
}

static void put_kind(const struct kind *k)
{
	char which[64];

	if (number <= SMALL)
		fmt_string(which, sizeof(which), "in=0x%lx in2=0x%lx", k->in[0], k->in[1]);
	else
		fmt_string(which, sizeof(which), "set=0x%lx", k->set);
	rt_record("off %s.%x got=0x%lx manual=0x%lx count=%lu first=%lu %s", batch, k->tag, k->got,
		  k->manual, k->count, k->first, which);
}

void systems_end(void)
{
	total += number;
	rt_record("batch %s n=%lu off=%lu", batch, number, off);
	for (unsigned i = 0; i < kind_count; i++)
		put_kind(&kinds[i]);
}

void systems_case(const char *name, const char *got, const char *manual)
{
	total++;
	if (manual)
		rt_record("case %s got=%s manual=%s", name, got, manual);
	else
		rt_record("case %s got=%s", name, got);
}

void systems_number(const char *name, u64 got, u64 manual)
{
	char text[24], expected[24];

	fmt_string(text, sizeof(text), "0x%lx", got);
	fmt_string(expected, sizeof(expected), "0x%lx", manual);
	systems_case(name, text, expected);
}

bool systems_chosen(unsigned percent)
{
	static u64 scale = UNKNOWN;

	if (scale == UNKNOWN)
		scale = rt_number("scale", 100);
	return rt_random() % 10000 < (u64)percent * scale;
}

bool systems_virtual(void)
{
	return rt_has("where", "virtual");
}

void systems_finish(void)
{
	rt_record("end cases=%lu", total);
}
