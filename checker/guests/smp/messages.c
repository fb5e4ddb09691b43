/*
 * messages.c - interrupts from CPU to CPU: delivery modes, destination modes, what holds them
 * back
 *
 * Sources: [SDM] vol. 3 "Interrupt Command Register (ICR)" (10.6.1), "Determining IPI
 * Destination" (10.6.2), "Task and Processor Priorities" (10.8.3.1), "Interrupt Acceptance for
 * Fixed Interrupts" (10.8.4); vol. 2 "HLT", "MONITOR", "MWAIT".
 */
#include "smp.h"

#include "lib/fmt.h"

#define LOW 0x40 /* comes last: what was to come before has come */
#define VECTOR 0x61
#define WAKE_PATIENCE 300000u
#define FLAT 0xffffffffu
#define CLUSTER 0x0fffffffu
#define LOGICAL(id) (1u << (24 + (id)))

static volatile u32 ready, go, awake;

static void set_logical(void)
{
	smp_write(APIC_DFR, FLAT);
	smp_write(APIC_LDR, LOGICAL(1));
}

static void set_cluster(void)
{
	smp_write(APIC_DFR, CLUSTER);
	smp_write(APIC_LDR, 0x12u << 24);
}

/* "first,second": how often it came to CPU 0 and to CPU 1. */
static void told(const char *name, unsigned vector, const char *manual)
{
	char got[24];

	fmt_string(got, sizeof(got), "%u,%u", smp_came[0][vector], smp_came[1][vector]);
	systems_case(name, got, manual);
}

static void send_and_see(const char *name, u32 destination, u32 command, const char *manual)
{
	unsigned vector = (command & 0x700) == ICR_NMI ? VECTOR_NMI : command & 0xff;

	smp_forget();
	smp_send(destination, command | ICR_ASSERT);
	/* Behind it, one of lower priority to each. */
	smp_send(1, ICR_ASSERT | LOW);
	smp_send(0, ICR_ASSERT | ICR_SELF | LOW);
	__asm__ volatile("sti" ::: "memory");
	smp_until(&smp_came[1][LOW], 1);
	smp_until(&smp_came[0][LOW], 1);
	smp_settle();
	__asm__ volatile("cli" ::: "memory");
	told(name, vector, manual);
}

static void destinations(void)
{
	send_and_see("ipi.physical", 1, VECTOR, "0,1");
	send_and_see("ipi.physical.own", 0, VECTOR, "1,0");
	send_and_see("ipi.physical.nobody", 7, VECTOR, "0,0");
	send_and_see("ipi.physical.all", 0xff, VECTOR, "1,1");
	send_and_see("ipi.self", 1, ICR_SELF | VECTOR, "1,0");
	send_and_see("ipi.all", 0, ICR_ALL | VECTOR, "1,1");
	send_and_see("ipi.others", 0, ICR_OTHERS | VECTOR, "0,1");
	send_and_see("ipi.nmi.physical", 1, ICR_NMI, "0,1");
	send_and_see("ipi.nmi.nobody", 7, ICR_NMI, "0,0");
	send_and_see("ipi.nmi.others", 0, ICR_OTHERS | ICR_NMI, "0,1");
	send_and_see("ipi.nmi.vector-ignored", 1, ICR_NMI | 0xff, "0,1");
	smp_write(APIC_DFR, FLAT);
	smp_write(APIC_LDR, LOGICAL(0));
	smp_give(set_logical);
	smp_join();
	send_and_see("ipi.flat", 2, ICR_LOGICAL | VECTOR, "0,1");
	send_and_see("ipi.flat.own", 1, ICR_LOGICAL | VECTOR, "1,0");
	send_and_see("ipi.flat.both", 3, ICR_LOGICAL | VECTOR, "1,1");
	send_and_see("ipi.flat.nobody", 4, ICR_LOGICAL | VECTOR, "0,0");
	send_and_see("ipi.flat.all", 0xff, ICR_LOGICAL | VECTOR, "1,1");
	send_and_see("ipi.flat.nmi", 2, ICR_LOGICAL | ICR_NMI, "0,1");
	send_and_see("ipi.lowest.one", 2, ICR_LOGICAL | ICR_LOWEST | VECTOR, "0,1");
	smp_forget();
	smp_write(APIC_DFR, CLUSTER);
	smp_write(APIC_LDR, 0x11u << 24);
	smp_give(set_cluster);
	smp_join();
	send_and_see("ipi.cluster", 0x12, ICR_LOGICAL | VECTOR, "0,1");
	send_and_see("ipi.cluster.both", 0x13, ICR_LOGICAL | VECTOR, "1,1");
	send_and_see("ipi.cluster.other", 0x23, ICR_LOGICAL | VECTOR, "0,0");
	smp_write(APIC_DFR, FLAT);
	smp_write(APIC_LDR, LOGICAL(0));
	smp_give(set_logical);
	smp_join();
}

/* ---- What holds them back ---------------------------------------------------------------- */

static void hold_by_if(void)
{
	x86_cli();
	ready = 1;
	while (!go)
		x86_pause();
	x86_sti();
	__asm__ volatile("nop; nop");
}

static void hold_by_tpr(void)
{
	smp_write(APIC_TPR, 0x60);
	ready = 1;
	while (!go)
		x86_pause();
	smp_write(APIC_TPR, 0);
}

static void held(const char *name, void (*how)(void), unsigned times, const char *before,
		 const char *after)
{
	char text[SYSTEMS_NAME];

	smp_forget();
	ready = go = 0;
	smp_give(how);
	smp_until(&ready, 1);
	for (unsigned i = 0; i < times; i++)
		smp_send(1, ICR_ASSERT | VECTOR);
	smp_settle();
	fmt_string(text, sizeof(text), "%s.before", name);
	told(text, VECTOR, before);
	go = 1;
	smp_join();
	smp_until(&smp_came[1][VECTOR], 1);
	smp_settle();
	fmt_string(text, sizeof(text), "%s.after", name);
	told(text, VECTOR, after);
}

static void sleep_deaf(void)
{
	x86_cli();
	ready = 1;
	x86_hlt();
	awake = 1;
	x86_sti();
	__asm__ volatile("nop; nop");
}

static void sleep_open(void)
{
	ready = 1;
	__asm__ volatile("sti; hlt" ::: "memory");
	awake = 1;
}

/* Long enough for a CPU that sleeps to wake, on a host that is busy with other things. */
static bool wakes(void)
{
	for (unsigned i = 0; i < WAKE_PATIENCE && !awake; i++)
		x86_pause();
	return awake;
}

static void rest(void (*how)(void))
{
	smp_forget();
	ready = awake = 0;
	smp_give(how);
	smp_until(&ready, 1);
	smp_settle();
}

/* With IF clear only an NMI ends HLT; the interrupt waits, and comes behind STI. */
static void halts(void)
{
	rest(sleep_deaf);
	smp_send(1, ICR_ASSERT | VECTOR);
	systems_number("hlt.deaf", wakes(), false);
	smp_send(1, ICR_ASSERT | ICR_NMI);
	systems_number("hlt.deaf.nmi", smp_join(), true);
	smp_until(&smp_came[1][VECTOR], 1);
	told("hlt.deaf.then", VECTOR, "0,1");
	rest(sleep_open);
	systems_number("hlt.sleeps", wakes(), false);
	smp_send(1, ICR_ASSERT | VECTOR);
	systems_number("hlt.interrupt", smp_join(), true);
	told("hlt.interrupt.came", VECTOR, "0,1");
	rest(sleep_open);
	smp_send(1, ICR_ASSERT | ICR_NMI);
	systems_number("hlt.nmi", smp_join(), true);
	rest(sleep_open);
	smp_send(7, ICR_ASSERT | VECTOR);
	systems_number("hlt.not-mine", wakes(), false);
	smp_send(1, ICR_ASSERT | VECTOR);
	smp_join();
}

/* ---- MONITOR and MWAIT --------------------------------------------------------------------- */

#define CPUID_1_ECX_MONITOR BIT(3)
#define LINE_WORDS 16

/* Nothing else is in it. */
static volatile u32 line[LINE_WORDS] __attribute__((aligned(64)));

static void watch_line(void)
{
	__asm__ volatile("monitor" ::"a"(line), "c"(0ull), "d"(0ull) : "memory");
}

static void wait_for_line(void)
{
	__asm__ volatile("mwait" ::"a"(0ull), "c"(0ull) : "memory");
	awake = 1;
}

static void doze(void)
{
	watch_line();
	ready = 1;
	wait_for_line();
}

/* Its line is stored to before it waits, and nothing comes behind. */
static void doze_late(void)
{
	x86_cli();
	watch_line();
	ready = 1;
	while (!go)
		x86_pause();
	wait_for_line();
	x86_sti();
}

/* As many cases where there is no MONITOR. */
static void watches_nothing(void)
{
	static const char *const names[] = { "mwait.store", "mwait.stored-before",
					     "mwait.interrupt", "mwait.interrupt.came" };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		systems_case(names[i], "absent", NULL);
}

/*
 * MWAIT is a hint, so it may end at once, and does in QEMU; but who waits is woken by a store, also
 * by one from before, and waits again the next time.
 */
static void watches(void)
{
	bool sleeps;

	if (!(x86_cpuid(1, 0).ecx & CPUID_1_ECX_MONITOR)) {
		watches_nothing();
		return;
	}
	rest(doze);
	sleeps = !wakes();
	line[0]++;
	systems_number("mwait.store", smp_join(), true);
	go = 0;
	rest(doze_late);
	line[LINE_WORDS - 1]++;
	go = 1;
	systems_number("mwait.stored-before", wakes(), true);
	smp_send(1, ICR_ASSERT | ICR_NMI);
	smp_join();
	rest(doze);
	/* Bare QEMU never sleeps: a hypervisor that stopped to would pass as bare. */
	if (systems_virtual()) {
		systems_begin("mwait.again");
		systems_try(0, !wakes(), sleeps, 0);
		systems_end();
	}
	smp_send(1, ICR_ASSERT | VECTOR);
	systems_number("mwait.interrupt", smp_join(), true);
	smp_until(&smp_came[1][VECTOR], 1);
	told("mwait.interrupt.came", VECTOR, "0,1");
}

void smp_messages(void)
{
	destinations();
	held("ipi.if", hold_by_if, 3, "0,0", "0,1");
	held("ipi.tpr", hold_by_tpr, 2, "0,0", "0,1");
	halts();
	watches();
}
