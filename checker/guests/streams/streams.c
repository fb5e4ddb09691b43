/*
 * streams.c - the probe: cases of a seed, or those that were written into the image
 *
 *	seed=N from=I to=J	cases I up to J of seed N (1, 0, 1024)
 *	lenient=1		see generate.h
 *	mask=BITS		of RFLAGS that the emulator treats in its own way
 *	detail=1		a record a case; 2: the state too
 *
 * Records:
 *	block first=I count=N KIND=HASH..	for each 512 cases, memory=HASH of all memory
 *	case INDEX name=.. hash=..		with detail, and of cases in the image
 *	value INDEX NAME=NUMBER..		detail=2
 *	trap INDEX N vector=.. ..		detail=2
 *	end cases=.. instructions=.. sensitive=.. traps=.. done=..
 */
#include "generate.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "rt/rt.h"
#include "run.h"

#define BLOCK 512
#define LINE_MAX 560

/* Space for cases; the tool on the host finds it by its first bytes. */
#include "space.h"
struct stream_space streams_space = { .magic = STREAM_SPACE_MAGIC, .size = STREAM_SPACE_SIZE };

static struct stream_case the_case;
static struct run the_run;
static u64 hashes[KIND_COUNT], cases, instructions, sensitive, traps, done;
static u64 detail;

static void tell_values(u64 index)
{
	static const char *const name[] = {
#define X(id) #id,
		ARENA_RESULTS(X)
#undef X
	};
	char line[LINE_MAX];
	size_t len = 0;

	for (unsigned i = 0; i < RESULT_COUNT; i++) {
		len += fmt_string(line + len, sizeof(line) - len, " %s=0x%lx", name[i],
				  the_run.result[i]);
		if (len > sizeof(line) - 60 || i + 1 == RESULT_COUNT) {
			rt_record("value %lu%s", index, line);
			len = 0;
		}
	}
}

static void tell_traps(u64 index)
{
	for (unsigned i = 0; i < the_run.traps; i++) {
		const struct run_trap *t = &the_run.trap[i];

		rt_record("trap %lu %u vector=%lu error=0x%lx rip=0x%lx cs=0x%lx rflags=0x%lx "
			  "rsp=0x%lx ss=0x%lx more=0x%lx",
			  index, i, t->vector, t->error, t->rip, t->cs, t->rflags, t->rsp, t->ss,
			  t->more);
	}
}

static u64 one_case(u64 index)
{
	u64 hash;

	run_case(&the_run, &the_case);
	hash = run_hash(&the_run);
	cases++;
	instructions += the_run.instructions;
	sensitive += the_run.sensitive;
	traps += the_run.traps;
	done += the_run.result[RESULT_reason] == RUN_DONE;
	if (detail)
		rt_record("case %lu name=%s hash=0x%lx", index, the_case.name, hash);
	if (detail > 1) {
		tell_traps(index);
		tell_values(index);
	}
	return hash;
}

static void tell_block(u64 first, u64 count)
{
	char line[LINE_MAX];
	size_t len = 0;

	for (unsigned i = 0; i < KIND_COUNT; i++) {
		len += fmt_string(line + len, sizeof(line) - len, " %s=0x%lx",
				  generate_kind_name(i), hashes[i]);
		hashes[i] = 0;
	}
	rt_record("block first=%lu count=%lu%s memory=0x%lx", first, count, line, arena_check());
}

static void generated(void)
{
	u64 seed = rt_number("seed", 1), first = rt_number("from", 0), to = rt_number("to", 1024);
	u64 count = 0;

	for (u64 i = first; i < to; i++) {
		u64 *hash = &hashes[i % KIND_COUNT];

		generate_case(&the_case, seed, i);
		*hash = arena_fold(*hash, one_case(i));
		count++;
		if (count == BLOCK || i + 1 == to) {
			tell_block(i + 1 - count, count);
			count = 0;
		}
	}
}

/* False: there is text in the image that is no case. */
static bool given(void)
{
	const char *text = streams_space.text;
	int result;

	detail = MAX(detail, 1);
	for (u64 i = 0; (result = case_read(&the_case, &text)) > 0; i++)
		one_case(i);
	return !result;
}

unsigned probe_main(void)
{
	const char *lacks = arena_init();
	bool good = true;

	detail = rt_number("detail", 0);
	run_mask = rt_number("mask", 0);
	generate_lenient = rt_has("lenient", "1");
	if (lacks) {
		rt_record("lacks %s", lacks);
		return 1;
	}
	if (*streams_space.text)
		good = given();
	else
		generated();
	if (!good)
		rt_record("broken case");
	rt_record("end cases=%lu instructions=%lu sensitive=%lu traps=%lu done=%lu", cases,
		  instructions, sensitive, traps, done);
	return 0;
}
