/*
 * litmus.c - what two CPUs see of each other's loads and stores
 *
 * Owns: the tests and which outcomes the memory model forbids; they are counted, and none may
 * come.
 *
 * A test is one function for each CPU, run over many slots with variables of their own, so that
 * the two meet in all ways; "note" records say how often, and how often the weak outcome came
 * that is allowed.
 *
 * Sources: [SDM] vol. 3 "Memory Ordering in P6 and More Recent Processor Families" (8.2.2),
 * "Examples Illustrating the Memory-Ordering Principles" (8.2.3), "Bus Locking" (8.1.2).
 */
#include "smp.h"

#include "lib/fmt.h"

#define SLOTS 256
#define ROUNDS 10
#define TIMES 400 /* of a locked instruction */
#define LINE 64

struct slot {
	volatile u32 x ALIGNED(LINE), y ALIGNED(LINE);
	u32 r[CPUS][2] ALIGNED(LINE);
};

struct litmus {
	const char *name;
	void (*part[CPUS])(struct slot *s);
	bool (*forbidden)(const struct slot *s);
	bool (*weak)(
	    const struct slot *s); /* allowed, and not sequentially consistent; NULL: none */
};

static struct slot slots[SLOTS];
static const struct litmus *now;
static volatile u32 start, begun;

#define MFENCE() __asm__ volatile("mfence" ::: "memory")
#define LOCKED() __asm__ volatile("lock orl $0, (%%rsp)" ::: "memory", "cc")
#define PART(name, ...)                                                                            \
	static void name(struct slot *s)                                                           \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define TEST(name, condition)                                                                      \
	static bool name(const struct slot *s)                                                     \
	{                                                                                          \
		return condition;                                                                  \
	}

PART(sb_0, s->x = 1; s->r[0][0] = s->y;)
PART(sb_1, s->y = 1; s->r[1][0] = s->x;)
PART(sb_fence_0, s->x = 1; MFENCE(); s->r[0][0] = s->y;)
PART(sb_fence_1, s->y = 1; MFENCE(); s->r[1][0] = s->x;)
PART(sb_locked_0, s->x = 1; LOCKED(); s->r[0][0] = s->y;)
PART(sb_locked_1, s->y = 1; LOCKED(); s->r[1][0] = s->x;)
PART(sb_xchg_0, __atomic_exchange_n(&s->x, 1, __ATOMIC_SEQ_CST); s->r[0][0] = s->y;)
PART(sb_xchg_1, __atomic_exchange_n(&s->y, 1, __ATOMIC_SEQ_CST); s->r[1][0] = s->x;)
PART(own_0, s->x = 1; s->r[0][0] = s->x; s->r[0][1] = s->y;)
PART(own_1, s->y = 1; s->r[1][0] = s->y; s->r[1][1] = s->x;)
PART(mp_0, s->x = 1; s->y = 1;)
PART(mp_1, s->r[1][0] = s->y; s->r[1][1] = s->x;)
PART(mp_exit_0, s->x = 1; x86_outb(0xed, 0); s->y = 1;)
PART(lb_0, s->r[0][0] = s->x; s->y = 1;)
PART(lb_1, s->r[1][0] = s->y; s->x = 1;)
PART(s_0, s->x = 2; s->y = 1;)
PART(s_1, s->r[1][0] = s->y; s->x = 1;)
PART(r_1, s->y = 2; s->r[1][0] = s->x;)
PART(r_fence_0, s->x = 1; MFENCE(); s->y = 1;)
PART(r_fence_1, s->y = 2; MFENCE(); s->r[1][0] = s->x;)
PART(ww_0, s->x = 1; s->y = 2;)
PART(ww_1, s->y = 1; s->x = 2;)
PART(co_0, s->x = 1; s->x = 2;)
PART(co_1, s->r[1][0] = s->x; s->r[1][1] = s->x;)

TEST(both_zero, !s->r[0][0] && !s->r[1][0])
TEST(never, s == NULL)
TEST(own_missing, !s->r[0][0] || !s->r[1][0])
TEST(own_weak, !s->r[0][1] && !s->r[1][1])
TEST(mp_old, s->r[1][0] && !s->r[1][1])
TEST(lb_both, s->r[0][0] && s->r[1][0])
TEST(s_lost, s->r[1][0] && s->x == 2)
TEST(r_lost, s->y == 2 && !s->r[1][0])
TEST(ww_lost, s->x == 1 && s->y == 1)
TEST(co_back, s->r[1][0] > s->r[1][1])

static const struct litmus tests[] = {
	{ "sb", { sb_0, sb_1 }, never, both_zero },
	{ "sb.mfence", { sb_fence_0, sb_fence_1 }, both_zero, NULL },
	{ "sb.lock", { sb_locked_0, sb_locked_1 }, both_zero, NULL },
	{ "sb.xchg", { sb_xchg_0, sb_xchg_1 }, both_zero, NULL },
	{ "forwarding", { own_0, own_1 }, own_missing, own_weak },
	{ "mp", { mp_0, mp_1 }, mp_old, NULL },
	{ "mp.exit", { mp_exit_0, mp_1 }, mp_old, NULL },
	{ "lb", { lb_0, lb_1 }, lb_both, NULL },
	{ "s", { s_0, s_1 }, s_lost, NULL },
	{ "r", { mp_0, r_1 }, never, r_lost },
	{ "r.mfence", { r_fence_0, r_fence_1 }, r_lost, NULL },
	{ "2+2w", { ww_0, ww_1 }, ww_lost, NULL },
	{ "coherence", { co_0, co_1 }, co_back, NULL },
};

static void run_part(unsigned cpu)
{
	void (*part)(struct slot * s) = now->part[cpu];

	for (unsigned i = 0; i < SLOTS; i++)
		part(&slots[i]);
}

static void second(void)
{
	begun = 1;
	while (!start)
		__asm__ volatile("" ::: "memory");
	run_part(1);
}

static void run_test(const struct litmus *test, unsigned rounds)
{
	char name[SYSTEMS_NAME];
	u32 forbidden = 0, weak = 0;

	now = test;
	for (unsigned n = 0; n < rounds; n++) {
		for (unsigned i = 0; i < SLOTS; i++)
			slots[i] = (struct slot){ 0 };
		start = begun = 0;
		smp_give(second);
		smp_until(&begun, 1);
		start = 1;
		/* Not always at the same distance. */
		for (unsigned i = 0; i < n % 8 * 3; i++)
			__asm__ volatile("" ::: "memory");
		run_part(0);
		smp_join();
		for (unsigned i = 0; i < SLOTS; i++) {
			forbidden += test->forbidden(&slots[i]);
			weak += test->weak && test->weak(&slots[i]);
		}
	}
	fmt_string(name, sizeof(name), "litmus.%s", test->name);
	systems_number(name, forbidden, 0);
	rt_record("note %s runs=%u weak=%u", name, rounds * SLOTS, weak);
}

/* ---- Locked instructions ----------------------------------------------------------------- */

static u8 words[3 * 4096] ALIGNED(4096);
static u8 *target;

static void increment(void)
{
	volatile u32 *p = (volatile u32 *)target;

	for (unsigned i = 0; i < TIMES; i++)
		__asm__ volatile("lock incl %0" : "+m"(*p)::"cc");
}

static void exchange(void)
{
	volatile u32 *p = (volatile u32 *)target;

	for (unsigned i = 0; i < TIMES; i++) {
		u32 old = *p;

		while (!__atomic_compare_exchange_n(p, &old, old + 1, false, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST))
			;
	}
}

static void on_both(const char *name, u64 at, void (*f)(void))
{
	char text[SYSTEMS_NAME];
	u32 sum;

	target = (u8 *)(uintptr_t)at;
	begun = start = 0;
	smp_give(f);
	f();
	smp_join();
	__builtin_memcpy(&sum, target, sizeof(sum));
	fmt_string(text, sizeof(text), "lock.%s", name);
	systems_number(text, sum, 2 * TIMES);
}

static void locked(void)
{
	u64 at = (u64)(uintptr_t)words;

	on_both("aligned", at, increment);
	on_both("cmpxchg", at + 128, exchange);
	on_both("line", at + 256 + LINE - 2, increment);
	on_both("page", at + 4096 - 2, increment);
	/* Memory that nobody has touched: two CPUs bring it in at once, on both sides of a border.
	 */
	on_both("large-page", MiB(18) - 2, increment);
	on_both("untouched", MiB(22), increment);
}

/* The second CPU does the same with what exits: no increment may be lost between instructions of
 * others. */
static void time_goes_on(void)
{
	static volatile u64 last;
	u32 backwards = 0;

	for (unsigned i = 0; i < TIMES; i++) {
		u64 before = last, now_is = x86_rdtsc();

		backwards += now_is < before;
		last = now_is;
	}
	__atomic_add_fetch((u32 *)target, backwards, __ATOMIC_SEQ_CST);
}

void smp_litmus(void)
{
	const unsigned rounds = (unsigned)rt_number("rounds", 0);

	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		run_test(&tests[i], rounds ? rounds : ROUNDS);
	locked();
	target = words + 512;
	smp_give(time_goes_on);
	time_goes_on();
	smp_join();
	systems_number("tsc.backwards", *(u32 *)(uintptr_t)target, 0);
}
