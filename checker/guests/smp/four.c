/*
 * four.c - what takes more than two CPUs: who is addressed, whom the lowest priority chooses,
 * and whether all see stores in one order
 *
 * Owns: the sets of CPUs, the tests and what may not come of them.  Must not know: how CPUs start.
 *
 * Sources: [SDM] vol. 3 "Logical Destination Mode" (10.6.2.2), "Broadcast/Self Delivery Mode"
 * (10.6.2.3), "Lowest Priority Delivery Mode" (10.6.2.4), "Examples Illustrating the
 * Memory-Ordering Principles" (8.2.3: stores are transitively visible, and seen in a consistent
 * order by other processors).
 */
#include "smp.h"

#include "lib/fmt.h"

#define LOW 0x40 /* behind what was to come */
#define VECTOR 0x61
#define FLAT 0xffffffffu
#define CLUSTER 0x0fffffffu
#define SLOTS 256
#define ROUNDS 3
#define LINE 64

static volatile u32 gate;
static bool clusters;

/* ---- Who is addressed -------------------------------------------------------------------- */

/* Clusters 1 and 2 have two CPUs each. */
static void set_logical(void)
{
	const unsigned cpu = smp_here();

	smp_write(APIC_DFR, clusters ? CLUSTER : FLAT);
	smp_write(APIC_LDR, clusters ? (0x10u << cpu / 2 | 1u << cpu % 2) << 24 : 1u << (24 + cpu));
}

static void set_all_logical(bool by_cluster)
{
	clusters = by_cluster;
	smp_give_all(set_logical);
	set_logical();
	smp_join();
}

/* A digit for each CPU: how often it came. */
static u64 send_and_see(u32 destination, u32 command)
{
	u64 came = 0;

	smp_forget();
	smp_send(destination, command | ICR_ASSERT | VECTOR);
	for (unsigned cpu = 1; cpu < CPUS; cpu++)
		smp_send(cpu, ICR_ASSERT | LOW);
	smp_send(0, ICR_ASSERT | ICR_SELF | LOW);
	__asm__ volatile("sti" ::: "memory");
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		smp_until(&smp_came[cpu][LOW], 1);
	__asm__ volatile("cli" ::: "memory");
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		came |= (u64)smp_came[cpu][VECTOR] << 4 * cpu;
	return came;
}

static u64 digits(unsigned set)
{
	u64 value = 0;

	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		value |= set & 1u << cpu ? 1ull << 4 * cpu : 0;
	return value;
}

static void addressed(void)
{
	systems_begin("four.ipi.flat");
	set_all_logical(false);
	for (unsigned set = 0; set < 1u << CPUS; set++)
		systems_try(0, send_and_see(set, ICR_LOGICAL), digits(set), 0);
	systems_try(1, send_and_see(0xf3, ICR_LOGICAL), digits(3), 0);
	systems_end();
	systems_begin("four.ipi.cluster");
	set_all_logical(true);
	for (unsigned cluster = 1; cluster < 4; cluster++)
		for (unsigned set = 1; set < 4; set++)
			systems_try(0, send_and_see(cluster << 4 | set, ICR_LOGICAL),
				    cluster == 1   ? digits(set)
				    : cluster == 2 ? digits(set << 2)
						   : 0,
				    0);
	systems_end();
	set_all_logical(false);
	systems_begin("four.ipi.physical");
	for (unsigned cpu = 0; cpu < CPUS + 2; cpu++)
		systems_try(0, send_and_see(cpu, 0), cpu < CPUS ? digits(1u << cpu) : 0, 0);
	systems_try(1, send_and_see(0xff, 0), digits(0xf), 0);
	systems_try(2, send_and_see(0, ICR_SELF), digits(1), 0);
	systems_try(3, send_and_see(1, ICR_ALL), digits(0xf), 0);
	systems_try(4, send_and_see(1, ICR_OTHERS), digits(0xe), 0);
	systems_end();
}

/* ---- Lowest priority --------------------------------------------------------------------- */

static volatile u32 priority[CPUS];

static void set_priority(void)
{
	smp_write(APIC_TPR, priority[smp_here()]);
}

static void set_priorities(const u8 *tpr)
{
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		priority[cpu] = tpr[cpu];
	smp_give_all(set_priority);
	set_priority();
	smp_join();
}

/* All priorities differ, so one of the set is the lowest; all are below the vectors'. */
static void lowest(void)
{
	static const u8 tprs[][CPUS] = { { 0x00, 0x10, 0x20, 0x30 },
					 { 0x30, 0x20, 0x10, 0x00 },
					 { 0x10, 0x30, 0x00, 0x20 } };
	static const u8 none[CPUS];

	systems_begin("four.lowest");
	for (unsigned n = 0; n < ARRAY_SIZE(tprs); n++) {
		set_priorities(tprs[n]);
		for (unsigned set = 3; set < 1u << CPUS; set++) {
			unsigned best = CPUS;

			for (unsigned cpu = 0; cpu < CPUS; cpu++)
				if (set & 1u << cpu &&
				    (best == CPUS || tprs[n][cpu] < tprs[n][best]))
					best = cpu;
			systems_try(n, send_and_see(set, ICR_LOGICAL | ICR_LOWEST),
				    best < CPUS ? digits(1u << best) : 0, 0);
		}
	}
	systems_end();
	set_priorities(none);
}

/* ---- Stores, in one order for all -------------------------------------------------------- */

struct slot {
	volatile u32 x ALIGNED(LINE), y ALIGNED(LINE);
	u32 r[CPUS][2] ALIGNED(LINE);
};

struct litmus {
	const char *name;
	void (*part[CPUS])(struct slot *s);
	bool (*forbidden)(const struct slot *s);
};

static struct slot slots[SLOTS];
static const struct litmus *now;
static volatile u32 ready;

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

PART(store_x, s->x = 1;)
PART(store_y, s->y = 1;)
PART(store_x2, s->x = 2;)
PART(xy_2, s->r[2][0] = s->x; s->r[2][1] = s->y;)
PART(yx_3, s->r[3][0] = s->y; s->r[3][1] = s->x;)
PART(xx_2, s->r[2][0] = s->x; s->r[2][1] = s->x;)
PART(xx_3, s->r[3][0] = s->x; s->r[3][1] = s->x;)
PART(pass_1, s->r[1][0] = s->x; s->y = 1;)
PART(idle, (void)s;)

TEST(iriw, s->r[2][0] && !s->r[2][1] && s->r[3][0] && !s->r[3][1])
TEST(wrc, s->r[1][0] && s->r[3][0] && !s->r[3][1])
TEST(apart, s->r[2][0] && s->r[2][1] && s->r[3][0] && s->r[3][1] && s->r[2][0] != s->r[2][1] &&
		s->r[3][0] != s->r[3][1] && s->r[2][0] != s->r[3][0])

static const struct litmus tests[] = {
	{ "iriw", { store_x, store_y, xy_2, yx_3 }, iriw },
	{ "wrc", { store_x, pass_1, idle, yx_3 }, wrc },
	{ "coherence", { store_x, store_x2, xx_2, xx_3 }, apart },
};

static void run_part(void)
{
	void (*part)(struct slot * s) = now->part[smp_here()];

	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (!gate)
		x86_pause();
	for (unsigned i = 0; i < SLOTS; i++)
		part(&slots[i]);
}

static void run_test(const struct litmus *test, unsigned rounds)
{
	char name[SYSTEMS_NAME];
	u32 forbidden = 0;

	now = test;
	for (unsigned n = 0; n < rounds; n++) {
		for (unsigned i = 0; i < SLOTS; i++)
			slots[i] = (struct slot){ 0 };
		gate = ready = 0;
		smp_give_all(run_part);
		smp_until(&ready, CPUS - 1);
		gate = 1;
		run_part();
		smp_join();
		for (unsigned i = 0; i < SLOTS; i++)
			forbidden += test->forbidden(&slots[i]);
	}
	fmt_string(name, sizeof(name), "four.litmus.%s", test->name);
	systems_number(name, forbidden, 0);
}

void smp_four(void)
{
	const unsigned rounds = (unsigned)rt_number("rounds", 0);

	addressed();
	lowest();
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		run_test(&tests[i], rounds ? rounds : ROUNDS);
}
