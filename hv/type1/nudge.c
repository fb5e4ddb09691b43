/* nudge.c - see nudge.h */
#include "type1/nudge.h"

#include "host.h"
#include "type1/cpu.h"
#include "type1/irqroute.h"
#include "type1/traps.h"
#include "vm/vcpu.h"
#include "x86_ops.h"

#define NEVER (~0ull)
#define NS_PER_S 1000000000ull
#define ALL_CPUS 0xff /* physical destination: every APIC */
#define SOON_NS 2000000ull
#define SLACK_NS 50000ull /* behind the interrupt that should do without us */
#define SLACK_PART 512 /* and a part of the way: the clocks were only measured */
#define SLACK_PART_DEAF 2048 /* a tick that is early costs no more than asking for another */
#define TICK_MIN_NS 10000ull /* it repeats, so that there must be time for something else */

#define PIT_IRQ 0
#define PIT_HZ 1193182ull
#define PIT_CHANNEL0 0x40
#define PIT_COMMAND 0x43
#define PIT_CHANNEL0_MODE2 0x34 /* low byte then high byte, rate generator */
#define PIT_MIN 2
#define PIT_MAX 0xffff

#define RTC_IRQ 8
#define RTC_INDEX 0x70
#define RTC_DATA 0x71
#define RTC_A 0x0a
#define RTC_B 0x0b
#define RTC_C 0x0c
#define RTC_A_RATE BITS(3, 0)
#define RTC_A_2HZ 15
#define RTC_B_INTERRUPTS BITS(6, 4)
#define RTC_B_PERIODIC BIT(6)
#define RTC_PERIOD_NS (NS_PER_S / 2)

enum ticker { TICKER_NONE, TICKER_PIT, TICKER_RTC };

static struct {
	bool needed, has_rtc;
	struct host_lock lock;
	u64 when_ns[HOST_MAX_CPUS];
	bool deaf[HOST_MAX_CPUS]; /* the guest has interrupts off */
	enum ticker ticker;
	u64 tick_ns; /* the PIT's next tick; 0: ask the clocks again */
} nudge;

/* ---- The two clocks ------------------------------------------------------------------------- */

static u8 rtc_read(u8 index)
{
	x86_outb(RTC_INDEX, index);
	return x86_inb(RTC_DATA);
}

static void rtc_write(u8 index, u8 value)
{
	x86_outb(RTC_INDEX, index);
	x86_outb(RTC_DATA, value);
}

/* Its wire stays up after a tick until somebody asks why: without this there is no second one. */
static void rtc_acknowledge(void)
{
	rtc_read(RTC_C);
}

/* Two ticks a second, or none. */
static void rtc_tick(bool on)
{
	u8 a = rtc_read(RTC_A) & (u8)~RTC_A_RATE, b = rtc_read(RTC_B) & (u8)~RTC_B_INTERRUPTS;

	rtc_write(RTC_A, a | RTC_A_2HZ);
	rtc_write(RTC_B, on ? b | RTC_B_PERIODIC : b);
	rtc_acknowledge();
}

/* A tick in ns, or as late as it can, and again after the same time.  Returns that time. */
static u64 pit_tick(u64 ns)
{
	u64 most = PIT_MAX * NS_PER_S / PIT_HZ;
	u64 count = MAX(MIN(ns, most) * PIT_HZ / NS_PER_S, (u64)PIT_MIN);

	x86_outb(PIT_COMMAND, PIT_CHANNEL0_MODE2);
	x86_outb(PIT_CHANNEL0, (u8)count);
	x86_outb(PIT_CHANNEL0, (u8)(count >> 8));
	return count * NS_PER_S / PIT_HZ;
}

/* Let one of them through to the CPUs. */
static void use(enum ticker ticker)
{
	if (ticker == nudge.ticker)
		return;
	if (nudge.ticker == TICKER_PIT)
		irqroute_mask_isa(PIT_IRQ);
	if (nudge.ticker == TICKER_RTC) {
		irqroute_mask_isa(RTC_IRQ);
		rtc_tick(false);
	}
	nudge.ticker = ticker;
	if (ticker == TICKER_PIT)
		irqroute_isa_nmi(PIT_IRQ, ALL_CPUS);
	if (ticker == TICKER_RTC) {
		irqroute_isa_nmi(RTC_IRQ, ALL_CPUS);
		rtc_tick(true);
	}
}

/* ---- Wishes --------------------------------------------------------------------------------- */

/*
 * An NMI in the hypervisor itself, which found no guest to stop: the one that is entered next stops
 * at once, or it would have its CPU for another period.  And if it came early, for clocks differ,
 * nudge_at is to ask for another.  No lock: this CPU may hold it; to ask once too often is no harm.
 */
static void nmi(void)
{
	struct cpu *cpu = cpu_this();

	if (cpu->stepping)
		vcpu_note(cpu->loaded, REQUEST_HOST);
	WRITE_ONCE(nudge.tick_ns, 0);
	if (READ_ONCE(nudge.ticker) == TICKER_RTC)
		rtc_acknowledge();
}

bool nudge_init(void)
{
	for (unsigned i = 0; i < HOST_MAX_CPUS; i++)
		nudge.when_ns[i] = NEVER;
	nudge.needed = irqroute_isa_nmi(PIT_IRQ, ALL_CPUS);
	irqroute_mask_isa(PIT_IRQ);
	nudge.has_rtc = irqroute_isa_nmi(RTC_IRQ, ALL_CPUS);
	irqroute_mask_isa(RTC_IRQ);
	traps_set_handler(VECTOR_NMI, nmi);
	return nudge.needed;
}

bool nudge_needed(void)
{
	return nudge.needed;
}

/* The CPU that must leave first; its wish may be NEVER. */
static unsigned earliest(void)
{
	unsigned cpu = 0;

	for (unsigned i = 1; i < host_cpu_count(); i++)
		if (nudge.when_ns[i] < nudge.when_ns[cpu])
			cpu = i;
	return cpu;
}

/* How long from now the tick shall come for a wish that is so far away. */
static u64 delay(u64 away, bool deaf)
{
	if (deaf)
		return MAX(away + away / SLACK_PART_DEAF, TICK_MIN_NS);
	return away + away / SLACK_PART + SLACK_NS;
}

/* Make the next tick come for the earliest wish. */
static void program(u64 now)
{
	unsigned cpu = earliest();
	u64 when = nudge.when_ns[cpu], away = when > now ? when - now : 0;

	nudge.tick_ns = 0;
	if (when == NEVER) {
		use(TICKER_NONE);
	} else if (nudge.has_rtc && away > RTC_PERIOD_NS) {
		use(TICKER_RTC);
		rtc_acknowledge();
	} else {
		nudge.tick_ns = now + pit_tick(delay(away, nudge.deaf[cpu]));
		use(TICKER_PIT);
	}
}

/* The guest that this CPU enters next has interrupts off: nothing but a tick will end its run. */
static bool is_deaf(const struct cpu *cpu)
{
	return cpu->loaded && !(cpu->loaded->regs.rflags & RFLAGS_IF);
}

void nudge_at(u64 when_ns)
{
	const struct cpu *cpu = cpu_this();
	unsigned i = cpu->index;
	bool deaf = is_deaf(cpu);
	u64 now;

	if (!nudge.needed)
		return;
	host_lock(&nudge.lock);
	now = host_now();
	if (nudge.when_ns[i] != when_ns ||
	    (when_ns != NEVER && (nudge.deaf[i] != deaf || now >= READ_ONCE(nudge.tick_ns)))) {
		nudge.when_ns[i] = when_ns;
		nudge.deaf[i] = deaf;
		program(now);
	}
	host_unlock(&nudge.lock);
}

void nudge_soon(unsigned cpu)
{
	u64 now = host_now();

	if (!nudge.needed)
		return;
	host_lock(&nudge.lock);
	if (nudge.when_ns[cpu] > now + SOON_NS) {
		nudge.when_ns[cpu] = now + SOON_NS;
		program(now);
	}
	host_unlock(&nudge.lock);
}
