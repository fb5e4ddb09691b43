/*
 * timer.c - the local APIC's timer
 *
 * Source: [SDM] vol. 3 "APIC Timer" (12.5.4), "TSC-Deadline Mode" (12.5.4.1).
 */
#include "apic.h"

#define VECTOR 0x81
#define COUNT 0x99999u
#define MSR_TSC 0x10
#define MSR_TSC_ADJUST 0x3b
#define MSR_DEADLINE 0x6e0

static u32 current(void)
{
	return apic_read(APIC_CURRENT);
}

static void start(u32 lvt, u32 count)
{
	apic_write(APIC_LVT_TIMER, lvt | VECTOR);
	apic_write(APIC_INITIAL, count);
}

static void until_below(u32 count)
{
	for (unsigned i = 0; i < 100 * PATIENCE && current() > count; i++)
		x86_pause();
}

static void check_one_shot(void)
{
	u64 begin, end;
	u32 last, now, rises = 0, above = 0;

	log_clear();
	begin = x86_rdtsc();
	start(0, COUNT);
	good(log_wait(1), "one-shot: it fires");
	end = x86_rdtsc();
	good(end - begin >= COUNT, "not before as many TSC ticks (%lu)", end - begin);
	good(!current(), "the count stays 0");
	for (unsigned i = 0; i < 1000; i++)
		log_open();
	good(log_count == 1, "it fires once (%u)", log_count);

	start(LVT_MASK, COUNT);
	for (last = COUNT; (now = current()); last = now) {
		rises += now > last;
		above += now > COUNT;
	}
	good(!rises && !above, "the count only falls (%u, %u)", rises, above);
	log_clear();
	apic_write(APIC_LVT_TIMER, VECTOR);
	log_open();
	good(!log_count, "what expired while masked is lost");
	start(0, COUNT);
	apic_write(APIC_INITIAL, 0);
	good(!current(), "an initial count of 0 stops it");
	start(0, 1);
	good(log_wait(1), "a count of 1 fires");
	good(apic_read(APIC_INITIAL) == 1, "the initial count reads back");
	start(0, COUNT);
	until_below(COUNT / 2);
	apic_write(APIC_INITIAL, COUNT);
	good(current() > COUNT / 2, "a new initial count starts anew");
	apic_write(APIC_INITIAL, 0);
	log_open();
}

static void check_periodic(void)
{
	u64 begin;
	u32 now, above = 0;

	log_clear();
	begin = x86_rdtsc();
	start(LVT_PERIODIC, COUNT);
	good(log_wait(5), "periodic: five times");
	good(x86_rdtsc() - begin >= 5ull * COUNT, "not before their time");
	for (unsigned i = 0; i < 1000; i++) {
		now = current();
		above += now > COUNT || !now;
	}
	good(above < 3, "the count is between 1 and the initial one (%u)", above);
	apic_write(APIC_INITIAL, 0);
	log_open();
	log_clear();
	for (unsigned i = 0; i < 100000; i++)
		log_open();
	good(!log_count, "stopped, it is silent");
}

/* What others' kernels try: one-shot, periodic and back, in the middle and at the end. */
static void check_change(void)
{
	start(LVT_MASK, COUNT);
	until_below(COUNT / 2);
	apic_write(APIC_LVT_TIMER, LVT_MASK | LVT_PERIODIC | VECTOR);
	good(current() && current() < COUNT / 2 + 1, "to periodic: it counts on from where it is");
	until_below(COUNT / 8);
	for (unsigned i = 0; i < 100 * PATIENCE && current() <= COUNT / 8; i++)
		x86_pause();
	good(current() > COUNT / 2, "and then begins anew");
	until_below(COUNT / 2);
	apic_write(APIC_LVT_TIMER, LVT_MASK | VECTOR);
	good(current() < COUNT / 2 + 1, "to one-shot: it counts on");
	until_below(0);
	good(!current(), "to the end");
	apic_write(APIC_LVT_TIMER, LVT_MASK | LVT_PERIODIC | VECTOR);
	value("count after one-shot's end and a change to periodic is 0: %u", !current());
	apic_write(APIC_INITIAL, 0);
	apic_write(APIC_LVT_TIMER, LVT_MASK);
}

static void check_divide(void)
{
	static const u32 code[] = { 0xb, 0, 1, 2, 3, 8, 9, 0xa };
	u64 time[ARRAY_SIZE(code)];
	unsigned bad = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(code); i++) {
		u64 begin;

		apic_write(APIC_DIVIDE, code[i]);
		begin = x86_rdtsc();
		start(LVT_MASK, COUNT / 8);
		until_below(0);
		time[i] = x86_rdtsc() - begin;
	}
	for (unsigned i = 1; i < ARRAY_SIZE(code); i++)
		bad += time[i] < time[i - 1] || time[i] < (u64)(COUNT / 8) << i;
	good(!bad, "each divisor is twice the one before (%u are not)", bad);
	apic_write(APIC_DIVIDE, DIVIDE_BY_1);
}

static bool has_adjust(void)
{
	u32 a = 7, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return b >> 1 & 1;
}

static bool has_deadline(void)
{
	u32 a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c >> 24 & 1;
}

static u64 deadline(void)
{
	return x86_rdmsr(MSR_DEADLINE);
}

static void check_deadline(void)
{
	u64 when;

	x86_wrmsr(MSR_DEADLINE, x86_rdtsc() + COUNT);
	good(!deadline(), "deadline: nothing to set in the other modes");
	apic_write(APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	log_clear();
	when = x86_rdtsc() + COUNT;
	x86_wrmsr(MSR_DEADLINE, when);
	good(deadline() == when, "it reads back");
	good(log_wait(1) && x86_rdtsc() >= when, "it comes, not early");
	good(!deadline(), "and is gone");
	log_clear();
	x86_wrmsr(MSR_DEADLINE, x86_rdtsc());
	log_open();
	good(log_is(VECTOR), "one that is past comes at once");
	log_clear();
	x86_wrmsr(MSR_DEADLINE, 1);
	log_open();
	good(log_is(VECTOR), "even 1");
	x86_wrmsr(MSR_DEADLINE, x86_rdtsc() + COUNT);
	x86_wrmsr(MSR_DEADLINE, 0);
	good(!deadline(), "0 disarms");
	log_clear();
	x86_wrmsr(MSR_DEADLINE, x86_rdtsc() + (1ull << 40));
	x86_wrmsr(MSR_TSC, x86_rdtsc() + (1ull << 41));
	log_open();
	log_wait(1);
	good(log_is(VECTOR), "the TSC set behind it lets it come");
	apic_write(APIC_INITIAL, COUNT);
	good(!current() && !apic_read(APIC_INITIAL), "the counts are not there in this mode");
	x86_wrmsr(MSR_DEADLINE, x86_rdtsc() + (1ull << 40));
	apic_write(APIC_LVT_TIMER, VECTOR);
	good(!deadline(), "another mode disarms");
	log_clear();
	apic_write(APIC_LVT_TIMER, LVT_DEADLINE | LVT_MASK | VECTOR);
	x86_wrmsr(MSR_DEADLINE, x86_rdtsc() + 10);
	for (unsigned i = 0; i < 100; i++)
		log_open();
	good(!log_count && !deadline(), "masked, it passes unseen");
	apic_write(APIC_LVT_TIMER, VECTOR | LVT_MASK);
}

static void check_tsc(void)
{
	u64 adjust, before, after;

	if (!has_adjust() || !rt_rdmsr(MSR_TSC_ADJUST, &adjust))
		return; /* the TSCs would not agree any more */
	before = x86_rdtsc();
	value("TSC_ADJUST takes %u", rt_wrmsr(MSR_TSC_ADJUST, adjust + (1ull << 50)));
	after = x86_rdtsc();
	rt_rdmsr(MSR_TSC_ADJUST, &adjust);
	value("TSC_ADJUST 0x%lx moves the TSC %u", adjust, after - before >= 1ull << 50);
	rt_wrmsr(MSR_TSC_ADJUST, 0);
	before = x86_rdtsc();
	x86_wrmsr(MSR_TSC, before + (1ull << 45));
	good(x86_rdtsc() - before >= 1ull << 45, "writing the TSC moves it");
	rt_rdmsr(MSR_TSC_ADJUST, &adjust);
	value("TSC_ADJUST follows %u", adjust >> 44 == 2 || adjust >> 44 == 1);
	rt_wrmsr(MSR_TSC_ADJUST, 0);
}

void check_timer(void)
{
	apic_quiet(false);
	check_one_shot();
	check_periodic();
	check_change();
	check_divide();
	if (has_deadline())
		check_deadline();
	check_tsc();
	apic_quiet(false);
}
