/* test_lapic.c - the local APIC: dev/lapic.c, lapic_regs.c, lapic_timer.c */
#include "machine.h"

#include "dev/lapic.h"
#include "dev/pic.h"
#include "dev/section.h"
#include "x86.h"

void test_lapic_register(void);

#define APICS 4
#define TSC_HZ 2ull /* ticks per ns */

static struct machine m;
static struct lapic apic[APICS];
static unsigned notified[APICS], events[APICS][8], eois;
static u8 last_vector[APICS], last_eoi;
static s64 tsc_offset;

static unsigned index_of(void *ctx)
{
	return (unsigned)((struct lapic *)ctx - apic);
}

static void notify(void *ctx)
{
	CU_ASSERT(lapic_pending(ctx));
	notified[index_of(ctx)]++;
}

static void event(void *ctx, enum lapic_mode mode, u8 vector)
{
	events[index_of(ctx)][mode]++;
	last_vector[index_of(ctx)] = vector;
}

static void eoi(void *ctx UNUSED, u8 vector)
{
	eois++;
	last_eoi = vector;
}

/* As a VM does it. */
static void send_ipi(void *ctx UNUSED, const struct ipi *ipi)
{
	struct lapic *lowest = NULL;

	for (unsigned i = 0; i < APICS; i++) {
		if (!lapic_accepts(&apic[i], ipi))
			continue;
		if (ipi->mode != LAPIC_LOWEST)
			lapic_deliver(&apic[i], ipi->mode, ipi->vector, ipi->level);
		else if (!lowest || lapic_ppr(&apic[i]) < lapic_ppr(lowest))
			lowest = &apic[i];
	}
	if (lowest)
		lapic_deliver(lowest, ipi->mode, ipi->vector, ipi->level);
}

static u64 tsc(void *ctx UNUSED)
{
	return m.now * TSC_HZ + (u64)tsc_offset;
}

static u64 tsc_to_ns(void *ctx UNUSED, u64 value)
{
	value -= (u64)tsc_offset;
	return value / TSC_HZ + (value % TSC_HZ != 0);
}

static const struct lapic_ops ops = { notify, send_ipi, event, eoi, tsc, tsc_to_ns };

static void start_with(bool x2apic, bool tsc_deadline)
{
	machine_init(&m);
	m.now = 1000;
	tsc_offset = 0;
	eois = 0;
	memset(notified, 0, sizeof(notified));
	memset(events, 0, sizeof(events));
	for (unsigned i = 0; i < APICS; i++) {
		const struct lapic_config config = { i, i == 0, x2apic, tsc_deadline, 40, 1 };

		lapic_init(&apic[i], &m.bus, &config, &ops, &apic[i]);
	}
}

static void wr(unsigned i, u64 offset, u32 value)
{
	lapic_mmio_write(&apic[i], offset, 4, value);
}

static u32 rd(unsigned i, u64 offset)
{
	return (u32)lapic_mmio_read(&apic[i], offset, 4);
}

static u64 rdmsr(unsigned i, u32 msr)
{
	u64 v = ~0ull;

	CU_ASSERT(lapic_read_msr(&apic[i], msr, &v));
	return v;
}

static bool wrmsr(unsigned i, u32 msr, u64 value)
{
	return lapic_write_msr(&apic[i], msr, value);
}

static void start(void)
{
	start_with(true, true);
	for (unsigned i = 0; i < APICS; i++)
		wr(i, 0xf0, 0x1ff);
}

static void start_x2apic(void)
{
	start();
	for (unsigned i = 0; i < APICS; i++)
		CU_ASSERT(lapic_set_base(&apic[i], lapic_base(&apic[i]) | APIC_BASE_X2APIC));
}

/* Take what is pending: its vector, or -1. */
static int take(unsigned i)
{
	int v = lapic_highest_pending(&apic[i]);

	if (v >= 0)
		lapic_ack(&apic[i], (u8)v);
	return v;
}

static u32 error_status(unsigned i)
{
	wr(i, 0x280, 0);
	return rd(i, 0x280);
}

static void test_reset_values(void)
{
	start_with(true, true);
	CU_ASSERT_EQUAL(lapic_base(&apic[0]), 0xfee00900);
	CU_ASSERT_EQUAL(lapic_base(&apic[1]), 0xfee00800);
	CU_ASSERT_EQUAL(rd(3, 0x20), 0x03000000);
	CU_ASSERT_EQUAL(rd(0, 0x30), 0x00050014);
	CU_ASSERT_EQUAL(rd(0, 0x80), 0);
	CU_ASSERT_EQUAL(rd(0, 0xd0), 0);
	CU_ASSERT_EQUAL(rd(0, 0xe0), 0xffffffff);
	CU_ASSERT_EQUAL(rd(0, 0xf0), 0xff);
	for (u64 lvt = 0x320; lvt <= 0x370; lvt += 0x10)
		CU_ASSERT_EQUAL(rd(0, lvt), 0x10000);
	CU_ASSERT_EQUAL(rd(0, 0x380) | rd(0, 0x390) | rd(0, 0x3e0), 0);
	CU_ASSERT(lapic_page_hit(&apic[0], gpa(0xfee00fff)));
	CU_ASSERT(!lapic_page_hit(&apic[0], gpa(0xfee01000)));
	lapic_deliver(&apic[0], LAPIC_FIXED, 0x40, false); /* not enabled by software */
	CU_ASSERT_EQUAL(lapic_highest_pending(&apic[0]), -1);
}

static void test_reserved_registers(void)
{
	static const u16 reserved[] = { 0x00,  0x10,  0x40,  0x70,  0xc0,  0x290,
					0x2f0, 0x3a0, 0x3d0, 0x3f0, 0x400, 0xff0 };

	start();
	for (unsigned i = 0; i < ARRAY_SIZE(reserved); i++) {
		CU_ASSERT_EQUAL(rd(0, reserved[i]), 0);
		CU_ASSERT_EQUAL(error_status(0), 0x80);
		wr(0, reserved[i], ~0u);
		CU_ASSERT_EQUAL(error_status(0), 0x80);
	}
	CU_ASSERT_EQUAL(rd(0, 0xb0), 0); /* write-only, no error */
	wr(0, 0x30, 0);			 /* read-only, no error */
	wr(0, 0x200, ~0u);
	CU_ASSERT_EQUAL(error_status(0), 0);
	CU_ASSERT_EQUAL(lapic_highest_pending(&apic[0]), -1);
	/* Odd addresses and sizes. */
	lapic_mmio_write(&apic[0], 0x81, 4, 0x20);
	lapic_mmio_write(&apic[0], 0x84, 4, 0x20);
	lapic_mmio_write(&apic[0], 0x80, 1, 0x20);
	CU_ASSERT_EQUAL(rd(0, 0x80), 0);
	lapic_mmio_write(&apic[0], 0x80, 8, 0xaaaaaaaa00000020);
	CU_ASSERT_EQUAL(rd(0, 0x80), 0x20);
	CU_ASSERT_EQUAL(lapic_mmio_read(&apic[0], 0x30, 1), 0x14);
	CU_ASSERT_EQUAL(lapic_mmio_read(&apic[0], 0x32, 1), 0x05);
	CU_ASSERT_EQUAL(lapic_mmio_read(&apic[0], 0x32, 2), 0x05);
	CU_ASSERT_EQUAL(lapic_mmio_read(&apic[0], 0x34, 4), 0);
	CU_ASSERT_EQUAL(lapic_mmio_read(&apic[0], 0x30, 8), 0x00050014);
}

static void test_illegal_vectors(void)
{
	start();
	wr(0, 0x370, 0xfe);		  /* the error interrupt */
	wr(0, 0x300, 0x4000f);		  /* to itself, vector 15 */
	CU_ASSERT_EQUAL(rd(0, 0x280), 0); /* not shown before it is latched */
	CU_ASSERT_EQUAL(take(0), 0xfe);
	CU_ASSERT_EQUAL(error_status(0), 0x20);
	CU_ASSERT_EQUAL(error_status(0), 0);
	lapic_deliver(&apic[0], LAPIC_FIXED, 15, false);
	CU_ASSERT_EQUAL(error_status(0), 0x40);
	wr(0, 0x370, 0x05); /* an error interrupt that is itself illegal must end */
	lapic_deliver(&apic[0], LAPIC_FIXED, 15, false);
	CU_ASSERT_EQUAL(error_status(0), 0x40);
	wr(0, 0x300, 0x4000f);
	CU_ASSERT_EQUAL(error_status(0), 0x60);
	wr(0, 0x320, 3); /* the timer's */
	wr(0, 0x380, 1);
	machine_run(&m, 1 * MS);
	CU_ASSERT_EQUAL(error_status(0), 0x40);
	CU_ASSERT_EQUAL(lapic_highest_pending(&apic[1]), -1);
}

static void test_priorities(void)
{
	start();
	lapic_deliver(&apic[0], LAPIC_FIXED, 0x31, false);
	lapic_deliver(&apic[0], LAPIC_FIXED, 0x35, false);
	lapic_deliver(&apic[0], LAPIC_FIXED, 0x82, false);
	CU_ASSERT_EQUAL(notified[0], 3);
	CU_ASSERT_EQUAL(take(0), 0x82);
	CU_ASSERT_EQUAL(rd(0, 0xa0), 0x80);	   /* PPR */
	CU_ASSERT_EQUAL(rd(0, 0x140), 0x4);	   /* ISR: bit 0x82 - 0x80 */
	CU_ASSERT_EQUAL(rd(0, 0x210), 0x00220000); /* IRR of 0x20..0x3f */
	CU_ASSERT_EQUAL(take(0), -1);
	lapic_deliver(&apic[0], LAPIC_FIXED, 0x8f, false); /* the same class waits */
	CU_ASSERT_EQUAL(take(0), -1);
	lapic_deliver(&apic[0], LAPIC_FIXED, 0x90, false);
	CU_ASSERT_EQUAL(take(0), 0x90);
	wr(0, 0xb0, 0);
	wr(0, 0xb0, 0);
	CU_ASSERT_EQUAL(take(0), 0x8f);
	wr(0, 0x80, 0x30);
	wr(0, 0xb0, 0);
	CU_ASSERT_EQUAL(take(0), -1); /* the task's priority is theirs */
	CU_ASSERT_EQUAL(rd(0, 0xa0), 0x30);
	notified[0] = 0;
	lapic_set_tpr(&apic[0], 0x2f);
	CU_ASSERT_EQUAL(notified[0], 1);
	CU_ASSERT_EQUAL(rd(0, 0x80), 0x2f);
	CU_ASSERT_EQUAL(lapic_get_tpr(&apic[0]), 0x2f);
	CU_ASSERT_EQUAL(take(0), 0x35);
	CU_ASSERT_EQUAL(take(0), -1);
	CU_ASSERT_EQUAL(rd(0, 0x90), 0x30); /* APR */
	wr(0, 0xb0, 0);
	CU_ASSERT_EQUAL(take(0), 0x31);
	wr(0, 0xb0, 0);
	wr(0, 0xb0, 0); /* one too many */
	CU_ASSERT_EQUAL(eois, 0);
	CU_ASSERT_EQUAL(rd(0, 0xa0), 0x2f);
}

static void ack_unasked(void *l)
{
	lapic_ack(l, 0x99);
}

static void test_ack_unasked(void)
{
	start();
	CU_ASSERT(panics(ack_unasked, &apic[0]));
}

static void test_level(void)
{
	start();
	lapic_deliver(&apic[0], LAPIC_FIXED, 0x51, true);
	CU_ASSERT_EQUAL(rd(0, 0x1a0), 0x20000); /* TMR */
	CU_ASSERT_EQUAL(take(0), 0x51);
	wr(0, 0xb0, 0);
	CU_ASSERT_EQUAL(eois, 1);
	CU_ASSERT_EQUAL(last_eoi, 0x51);
	lapic_deliver(&apic[0], LAPIC_FIXED, 0x51, false);
	CU_ASSERT_EQUAL(take(0), 0x51);
	wr(0, 0xb0, 0);
	CU_ASSERT_EQUAL(eois, 1);
	/* LINT0 as a level-triggered local interrupt */
	wr(0, 0x350, 0x8044);
	lapic_set_lint(&apic[0], 0, true);
	CU_ASSERT_EQUAL(rd(0, 0x350), 0xc044); /* remote IRR */
	CU_ASSERT_EQUAL(take(0), 0x44);
	wr(0, 0xb0, 0);
	CU_ASSERT_EQUAL(take(0), 0x44); /* still asked for */
	lapic_set_lint(&apic[0], 0, false);
	wr(0, 0xb0, 0);
	CU_ASSERT_EQUAL(take(0), -1);
	CU_ASSERT_EQUAL(rd(0, 0x350), 0x8044);
}

static void test_virtual_wire(void)
{
	static struct pic pic;

	start_with(true, true);
	pic_init(&pic, &m.bus, lapic_wire(&apic[0], 0));
	pic_after_firmware(&pic);
	bus_out(&m.bus, 0x21, 1, 0xfe);
	pic_set_irq(&pic, 0, true);
	CU_ASSERT(!lapic_extint(&apic[0])); /* LINT0 is masked */
	lapic_after_firmware(&apic[0]);
	CU_ASSERT(lapic_extint(&apic[0]));
	CU_ASSERT_EQUAL(notified[0], 1);
	CU_ASSERT_EQUAL(lapic_highest_pending(&apic[0]), -1);
	lapic_set_tpr(&apic[0], 0xff); /* no priority stops ExtINT */
	CU_ASSERT(lapic_pending(&apic[0]));
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x08);
	CU_ASSERT(!lapic_pending(&apic[0]));
	lapic_set_lint(&apic[0], 1, true);
	CU_ASSERT_EQUAL(events[0][LAPIC_NMI], 1);
	lapic_set_lint(&apic[0], 1, true);
	lapic_set_lint(&apic[0], 1, false);
	CU_ASSERT_EQUAL(events[0][LAPIC_NMI], 1);
	wr(0, 0x360, 0x10400);
	lapic_set_lint(&apic[0], 1, true);
	CU_ASSERT_EQUAL(events[0][LAPIC_NMI], 1);
	wr(0, 0x350, 0x33); /* as an edge-triggered interrupt */
	lapic_set_tpr(&apic[0], 0);
	pic_set_irq(&pic, 0, false);
	bus_out(&m.bus, 0x20, 1, 0x20);
	pic_set_irq(&pic, 0, true);
	CU_ASSERT_EQUAL(take(0), 0x33);
	CU_ASSERT(!lapic_extint(&apic[0]));
	CU_ASSERT(lapic_set_base(&apic[0], APIC_DEFAULT_BASE)); /* off: the pin is INTR */
	CU_ASSERT(lapic_extint(&apic[0]));
	lapic_set_lint(&apic[0], 1, false);
	lapic_set_lint(&apic[0], 1, true);
	CU_ASSERT_EQUAL(events[0][LAPIC_NMI], 2);
}

static void test_software_disable(void)
{
	start();
	wr(0, 0x320, 0x40);
	lapic_deliver(&apic[0], LAPIC_FIXED, 0x40, false);
	wr(0, 0xf0, 0xff);
	CU_ASSERT_EQUAL(rd(0, 0x320), 0x10040);
	wr(0, 0x320, 0x41); /* the mask stays */
	CU_ASSERT_EQUAL(rd(0, 0x320), 0x10041);
	CU_ASSERT_EQUAL(take(0), 0x40); /* what had come is still served */
	lapic_deliver(&apic[0], LAPIC_FIXED, 0x40, false);
	CU_ASSERT_EQUAL(take(0), -1);
	lapic_deliver(&apic[0], LAPIC_NMI, 0, false);
	lapic_deliver(&apic[0], LAPIC_INIT, 0, false);
	lapic_deliver(&apic[0], LAPIC_SIPI, 0x9a, false);
	CU_ASSERT_EQUAL(events[0][LAPIC_NMI] + events[0][LAPIC_INIT] + events[0][LAPIC_SIPI], 3);
	CU_ASSERT_EQUAL(last_vector[0], 0x9a);
	wr(0, 0xf0, 0xffffffff);
	CU_ASSERT_EQUAL(rd(0, 0xf0), 0x1ff);
	CU_ASSERT_EQUAL(rd(0, 0x320), 0x10041); /* unmasked by hand only */
}

static void icr(u32 dest, u32 low)
{
	wr(0, 0x310, dest << 24);
	wr(0, 0x300, low);
}

/* Which LAPICs have vector pending, as a set; takes it from all. */
static unsigned receivers(int vector)
{
	unsigned set = 0;

	for (unsigned i = 0; i < APICS; i++)
		if (take(i) == vector) {
			set |= 1u << i;
			wr(i, 0xb0, 0);
		}
	return set;
}

static void test_ipis(void)
{
	start();
	icr(2, 0x4041);
	CU_ASSERT_EQUAL(rd(0, 0x300), 0x4041);
	CU_ASSERT_EQUAL(rd(0, 0x310), 0x02000000);
	CU_ASSERT_EQUAL(receivers(0x41), 4);
	icr(9, 0x4041);
	CU_ASSERT_EQUAL(receivers(0x41), 0);
	icr(0xff, 0x4041);
	CU_ASSERT_EQUAL(receivers(0x41), 15);
	icr(0, 0x44041);
	CU_ASSERT_EQUAL(receivers(0x41), 1);
	icr(0, 0x84041);
	CU_ASSERT_EQUAL(receivers(0x41), 15);
	icr(0, 0xc4041);
	CU_ASSERT_EQUAL(receivers(0x41), 14);
	for (unsigned i = 0; i < APICS; i++)
		wr(i, 0xd0, 0x01000000u << i);
	icr(0x0a, 0x4841); /* flat: 1 and 3 */
	CU_ASSERT_EQUAL(receivers(0x41), 10);
	for (unsigned i = 0; i < APICS; i++) {
		wr(i, 0xe0, 0); /* cluster: 0, 1 in cluster 1; 2, 3 in cluster 2 */
		wr(i, 0xd0, (i / 2 + 1) << 28 | 0x01000000u << i % 2);
	}
	CU_ASSERT_EQUAL(rd(0, 0xe0), 0x0fffffff);
	icr(0x22, 0x4841);
	CU_ASSERT_EQUAL(receivers(0x41), 8);
	icr(0xf1, 0x4841);
	CU_ASSERT_EQUAL(receivers(0x41), 5);
	icr(0xff, 0x4841);
	CU_ASSERT_EQUAL(receivers(0x41), 15);
	icr(0, 0x4841);
	CU_ASSERT_EQUAL(receivers(0x41), 0);
	for (unsigned i = 0; i < APICS; i++)
		lapic_set_tpr(&apic[i], i == 2 ? 0x10 : 0x20);
	icr(0xff, 0x4141); /* lowest priority */
	CU_ASSERT_EQUAL(receivers(0x41), 4);
	wr(3, 0xf0, 0xff);
	icr(3, 0x4041); /* disabled by software */
	CU_ASSERT_EQUAL(receivers(0x41), 0);
	CU_ASSERT_EQUAL(error_status(0), 0);
}

static void test_other_messages(void)
{
	start();
	icr(1, 0x4500);
	icr(1, 0x8500); /* INIT de-assert: nothing */
	icr(1, 0x4609);
	CU_ASSERT_EQUAL(events[1][LAPIC_INIT], 1);
	CU_ASSERT_EQUAL(events[1][LAPIC_SIPI], 1);
	CU_ASSERT_EQUAL(last_vector[1], 9);
	icr(0, 0xc4400);
	for (unsigned i = 0; i < APICS; i++)
		CU_ASSERT_EQUAL(events[i][LAPIC_NMI], i != 0);
	icr(0, 0x44400); /* NMI to itself */
	CU_ASSERT_EQUAL(events[0][LAPIC_NMI], 1);
	icr(0, 0x44500); /* INIT, SIPI to itself: not valid */
	icr(0, 0x84600);
	icr(1, 0x4341); /* reserved modes */
	icr(1, 0x4741);
	CU_ASSERT_EQUAL(events[0][LAPIC_INIT] + events[0][LAPIC_SIPI], 0);
	CU_ASSERT_EQUAL(events[1][LAPIC_SIPI], 1);
	CU_ASSERT_EQUAL(receivers(0x41), 0);
	lapic_init_ipi(&apic[1]);
	CU_ASSERT_EQUAL(rd(1, 0xf0), 0xff);
	CU_ASSERT_EQUAL(lapic_base(&apic[1]), 0xfee00800);
}

static void test_base_transitions(void)
{
	const u64 off = APIC_DEFAULT_BASE, on = off | APIC_BASE_ENABLE, x2 = on | APIC_BASE_X2APIC;

	start();
	CU_ASSERT(!lapic_set_base(&apic[0], on | 1));
	CU_ASSERT(!lapic_set_base(&apic[0], on | BIT(9)));
	CU_ASSERT(!lapic_set_base(&apic[0], on | BIT(40)));
	CU_ASSERT(!lapic_set_base(&apic[0], on | BIT(63)));
	CU_ASSERT(!lapic_set_base(&apic[0], off | APIC_BASE_X2APIC));
	CU_ASSERT_EQUAL(lapic_base(&apic[0]), on | APIC_BASE_BSP);
	CU_ASSERT(lapic_set_base(&apic[0], on)); /* the BSP flag is not written */
	CU_ASSERT_EQUAL(lapic_base(&apic[0]), on | APIC_BASE_BSP);
	CU_ASSERT(lapic_set_base(&apic[0], 0x12345000 | APIC_BASE_ENABLE));
	CU_ASSERT(lapic_page_hit(&apic[0], gpa(0x12345020)));
	CU_ASSERT(!lapic_page_hit(&apic[0], gpa(0xfee00020)));
	CU_ASSERT_EQUAL(rd(0, 0xf0), 0x1ff);
	lapic_set_tpr(&apic[0], 0x30);
	CU_ASSERT(lapic_set_base(&apic[0], x2));
	CU_ASSERT(lapic_x2apic(&apic[0]));
	CU_ASSERT(!lapic_page_hit(&apic[0], gpa(0xfee00020)));
	CU_ASSERT_EQUAL(rd(0, 0x20), 0xffffffff);
	CU_ASSERT_EQUAL(rdmsr(0, 0x808), 0x30);	  /* registers are kept */
	CU_ASSERT(!lapic_set_base(&apic[0], on)); /* no way straight back */
	CU_ASSERT(lapic_set_base(&apic[0], off));
	CU_ASSERT(!lapic_enabled(&apic[0]));
	CU_ASSERT(!lapic_page_hit(&apic[0], gpa(0xfee00020)));
	CU_ASSERT(!lapic_set_base(&apic[0], x2)); /* nor straight forward */
	CU_ASSERT(lapic_set_base(&apic[0], on));
	CU_ASSERT_EQUAL(rd(0, 0xf0), 0xff); /* off lost them */
	CU_ASSERT_EQUAL(lapic_get_tpr(&apic[0]), 0);
	start_with(false, false);
	CU_ASSERT(!lapic_set_base(&apic[0], x2)); /* CPUID does not offer it */
	/* A LAPIC that is off receives nothing. */
	start();
	CU_ASSERT(lapic_set_base(&apic[1], off));
	icr(0xff, 0x4041);
	icr(1, 0x4500);
	CU_ASSERT_EQUAL(receivers(0x41), 13);
	CU_ASSERT_EQUAL(events[1][LAPIC_INIT], 0);
}

static void test_x2apic_faults(void)
{
	static const u32 no_read[] = { 0x800, 0x801, 0x804, 0x807, 0x809, 0x80b, 0x80c, 0x80e,
				       0x829, 0x82f, 0x831, 0x83a, 0x83f, 0x840, 0x8ff };
	static const u32 no_write[] = { 0x800, 0x802, 0x803, 0x809, 0x80a, 0x80c,
					0x80d, 0x80e, 0x810, 0x818, 0x820, 0x827,
					0x82f, 0x831, 0x839, 0x840, 0x8ff };
	static const struct {
		u32 msr;
		u64 value;
	} reserved[] = {
		{ 0x808, 0x100 },   { 0x808, BIT(32) },	 { 0x80b, 1 },	     { 0x80f, 0x200 },
		{ 0x80f, BIT(32) }, { 0x828, 1 },	 { 0x830, 0x1041 },  { 0x830, 0x2041 },
		{ 0x830, 0x10041 }, { 0x830, 0x100041 }, { 0x832, 0x100 },   { 0x832, 0x80000 },
		{ 0x833, 0x800 },   { 0x835, 0x800 },	 { 0x835, BIT(32) }, { 0x837, 0x100 },
		{ 0x838, BIT(32) }, { 0x83e, 4 },	 { 0x83e, 0x10 },    { 0x83f, 0x100 },
	};
	u64 v;

	start();
	CU_ASSERT(!lapic_read_msr(&apic[0], 0x802, &v)); /* not in x2APIC mode */
	CU_ASSERT(!wrmsr(0, 0x80b, 0));
	start_x2apic();
	for (unsigned i = 0; i < ARRAY_SIZE(no_read); i++)
		CU_ASSERT(!lapic_read_msr(&apic[0], no_read[i], &v));
	for (unsigned i = 0; i < ARRAY_SIZE(no_write); i++)
		CU_ASSERT(!wrmsr(0, no_write[i], 0));
	for (unsigned i = 0; i < ARRAY_SIZE(reserved); i++)
		CU_ASSERT(!wrmsr(0, reserved[i].msr, reserved[i].value));
	CU_ASSERT(wrmsr(0, 0x832, 0x1040)); /* read-only status bit: no fault, no effect */
	CU_ASSERT_EQUAL(rdmsr(0, 0x832), 0x40);
	CU_ASSERT(wrmsr(0, 0x835, 0xf7ff));
	CU_ASSERT_EQUAL(rdmsr(0, 0x835), 0xa7ff);
	CU_ASSERT_EQUAL(rdmsr(0, 0x828), 0); /* faults leave no trace in ESR */
	start_with(true, false);
	CU_ASSERT(lapic_set_base(&apic[0], lapic_base(&apic[0]) | APIC_BASE_X2APIC));
	CU_ASSERT(!wrmsr(0, 0x832, 0x40040)); /* no TSC-deadline mode */
	CU_ASSERT(!wrmsr(0, 0x6e0, 0));
	CU_ASSERT(!lapic_read_msr(&apic[0], 0x6e0, &v));
	CU_ASSERT(!lapic_read_msr(&apic[0], 0x7ff, &v));
	CU_ASSERT(!lapic_read_msr(&apic[0], 0x900, &v));
}

static void test_x2apic(void)
{
	start_x2apic();
	CU_ASSERT_EQUAL(rdmsr(3, 0x802), 3);
	CU_ASSERT_EQUAL(rdmsr(3, 0x80d), 8);
	CU_ASSERT(wrmsr(0, 0x83f, 0x77)); /* self IPI */
	CU_ASSERT_EQUAL(take(0), 0x77);
	CU_ASSERT(wrmsr(0, 0x80b, 0));
	CU_ASSERT(wrmsr(0, 0x83f, 0x0f));
	CU_ASSERT(wrmsr(0, 0x828, 0));
	CU_ASSERT_EQUAL(rdmsr(0, 0x828), 0x20);
	CU_ASSERT(wrmsr(0, 0x830, 2ull << 32 | 0x4041));
	CU_ASSERT_EQUAL(take(2), 0x41);
	CU_ASSERT_EQUAL(rdmsr(0, 0x830), 2ull << 32 | 0x4041);
	CU_ASSERT(wrmsr(0, 0x830, 0xffffffffull << 32 | 0x4042));
	for (unsigned i = 0; i < APICS; i++)
		CU_ASSERT_EQUAL(take(i), i == 2 ? -1 : 0x42); /* 2 serves its class */
	CU_ASSERT(wrmsr(2, 0x80b, 0));
	CU_ASSERT(wrmsr(0, 0x830, 0x6ull << 32 | 0x4843)); /* logical: cluster 0, 1 and 2 */
	CU_ASSERT_EQUAL(lapic_highest_pending(&apic[3]), -1);
	CU_ASSERT(wrmsr(1, 0x80b, 0));
	CU_ASSERT_EQUAL(take(1), 0x43);
	CU_ASSERT(wrmsr(0, 0x830, 0x1000full << 32 | 0x4853)); /* another cluster */
	CU_ASSERT(wrmsr(0, 0x830, 0xffull << 32 | 0x4053));    /* 255 is no broadcast here */
	CU_ASSERT_EQUAL(lapic_highest_pending(&apic[3]), -1);
}

/* The count says that it is over before the alarm has come: so does IRR. */
static void test_count_and_request(void)
{
	start();
	wr(0, 0x320, 0x40);
	wr(0, 0x3e0, 0xb);
	wr(0, 0x380, 1000000);
	m.now += 1 * MS;
	CU_ASSERT_EQUAL(rd(0, 0x390), 0);
	CU_ASSERT_EQUAL(rd(0, 0x220), 1); /* IRR of vectors 0x40.. */
	CU_ASSERT_EQUAL(take(0), 0x40);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
}

static void test_one_shot(void)
{
	start();
	wr(0, 0x320, 0x40);
	wr(0, 0x3e0, 0xb); /* by 1 */
	wr(0, 0x380, 1000000);
	machine_run(&m, 400000);
	CU_ASSERT_EQUAL(rd(0, 0x390), 600000);
	machine_run(&m, 599999);
	CU_ASSERT_EQUAL(take(0), -1);
	machine_run(&m, 1);
	CU_ASSERT_EQUAL(take(0), 0x40);
	CU_ASSERT_EQUAL(rd(0, 0x390), 0);
	wr(0, 0xb0, 0);
	machine_run(&m, 10 * S);
	CU_ASSERT_EQUAL(take(0), -1);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	wr(0, 0x380, 1000);
	wr(0, 0x380, 0); /* stops it */
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	for (unsigned code = 0; code < 8; code++) { /* divisors */
		static const u8 divisor[] = { 2, 4, 8, 16, 32, 64, 128, 1 };

		wr(0, 0x3e0, (code & 3) | (code & 4) << 1);
		wr(0, 0x380, 1000);
		machine_run(&m, 10 * divisor[code]);
		CU_ASSERT_EQUAL(rd(0, 0x390), 990);
	}
	wr(0, 0x3e0, 0xffffffff); /* a change while counting keeps the count */
	CU_ASSERT_EQUAL(rd(0, 0x3e0), 0xb);
	wr(0, 0x380, 1000);
	machine_run(&m, 500);
	wr(0, 0x3e0, 0); /* by 2 */
	CU_ASSERT_EQUAL(rd(0, 0x390), 500);
	machine_run(&m, 999);
	CU_ASSERT_EQUAL(take(0), -1);
	machine_run(&m, 1);
	CU_ASSERT_EQUAL(take(0), 0x40);
	wr(0, 0xb0, 0);
	wr(0, 0x380, 1000); /* masked: lost */
	wr(0, 0x320, 0x10040);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	machine_run(&m, 5000);
	wr(0, 0x320, 0x40);
	machine_run(&m, 5000);
	CU_ASSERT_EQUAL(take(0), -1);
	wr(0, 0x320, 0x20040); /* becoming periodic does not start it again */
	machine_run(&m, 1 * MS);
	CU_ASSERT_EQUAL(take(0), -1);
}

/* On a machine whose TSC is slower than 1 GHz. */
static void test_slow_clock(void)
{
	start();
	apic[0].config.tick_ns = 20;
	wr(0, 0x320, 0x40);
	wr(0, 0x3e0, 0xb);
	wr(0, 0x380, 1000);
	machine_run(&m, 20 * 400);
	CU_ASSERT_EQUAL(rd(0, 0x390), 600);
	wr(0, 0x3e0, 0); /* by 2: it goes on from there */
	CU_ASSERT_EQUAL(rd(0, 0x390), 600);
	machine_run(&m, 40 * 600 - 1);
	CU_ASSERT_EQUAL(take(0), -1);
	CU_ASSERT_EQUAL(rd(0, 0x390), 1);
	machine_run(&m, 1);
	CU_ASSERT_EQUAL(take(0), 0x40);
	CU_ASSERT_EQUAL(rd(0, 0x390), 0);
}

static void test_periodic(void)
{
	unsigned ticks = 0;

	start();
	wr(0, 0x320, 0x20040);
	wr(0, 0x3e0, 3);     /* by 16 */
	wr(0, 0x380, 62500); /* 1 ms */
	for (unsigned i = 1; i <= 1000; i++) {
		machine_run(&m, i == 1 ? 1 * MS - 1 : 1 * MS);
		ticks += take(0) == 0x40;
		wr(0, 0xb0, 0);
	}
	CU_ASSERT_EQUAL(ticks, 999);
	CU_ASSERT_EQUAL(rd(0, 0x390), 1);
	machine_jump(&m, 100 * MS + 1); /* not looked after for 100 ticks: one, then in step */
	CU_ASSERT_EQUAL(take(0), 0x40);
	wr(0, 0xb0, 0);
	CU_ASSERT_EQUAL(take(0), -1);
	machine_run(&m, 1 * MS - 1);
	CU_ASSERT_EQUAL(take(0), -1);
	machine_run(&m, 1);
	CU_ASSERT_EQUAL(take(0), 0x40);
	wr(0, 0xb0, 0);
	wr(0, 0x3e0, 0xb);
	wr(0, 0x380, 1); /* every nanosecond */
	for (ticks = 0; m.bus.alarms && ticks < 100; ticks++) {
		u64 wait = m.bus.alarms->when_ns - m.now;

		CU_ASSERT(wait >= LAPIC_MIN_PERIOD_NS);
		machine_run(&m, wait);
		CU_ASSERT_EQUAL(take(0), 0x40);
		wr(0, 0xb0, 0);
	}
	CU_ASSERT_EQUAL(ticks, 100);
}

static void test_deadline(void)
{
	start();
	CU_ASSERT(wrmsr(0, 0x6e0, 12345)); /* another mode: ignored */
	CU_ASSERT_EQUAL(rdmsr(0, 0x6e0), 0);
	wr(0, 0x320, 0x40040);
	wr(0, 0x380, 1000); /* no count in this mode */
	CU_ASSERT_EQUAL(rd(0, 0x390), 0);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	CU_ASSERT(wrmsr(0, 0x6e0, tsc(NULL) + 2001));
	CU_ASSERT_EQUAL(rdmsr(0, 0x6e0), tsc(NULL) + 2001);
	machine_run(&m, 1000);
	CU_ASSERT_EQUAL(take(0), -1);
	machine_run(&m, 1);
	CU_ASSERT_EQUAL(take(0), 0x40);
	CU_ASSERT_EQUAL(rdmsr(0, 0x6e0), 0);
	wr(0, 0xb0, 0);
	CU_ASSERT(wrmsr(0, 0x6e0, 1)); /* long past */
	CU_ASSERT_EQUAL(take(0), 0x40);
	wr(0, 0xb0, 0);
	CU_ASSERT(wrmsr(0, 0x6e0, ~0ull));
	machine_run(&m, 1000 * S);
	CU_ASSERT_EQUAL(take(0), -1);
	CU_ASSERT(wrmsr(0, 0x6e0, 0));
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	CU_ASSERT(wrmsr(0, 0x6e0, tsc(NULL) + 2000));
	tsc_offset = 1000; /* the guest moved its TSC */
	lapic_tsc_changed(&apic[0]);
	machine_run(&m, 500);
	CU_ASSERT_EQUAL(take(0), 0x40);
	wr(0, 0xb0, 0);
	CU_ASSERT(wrmsr(0, 0x6e0, tsc(NULL) + 2000));
	wr(0, 0x320, 0x40); /* leaving the mode disarms */
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	wr(0, 0x320, 0x40040);
	CU_ASSERT_EQUAL(rdmsr(0, 0x6e0), 0);
	wr(0, 0x320, 0x60040); /* reserved mode */
	wr(0, 0x380, 1000);
	CU_ASSERT_EQUAL(rd(0, 0x390), 0);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	CU_ASSERT(wrmsr(0, 0x6e0, 5));
	wr(0, 0x320, 0x50040); /* masked: it passes in silence */
	CU_ASSERT(wrmsr(0, 0x6e0, tsc(NULL) + 2000));
	machine_run(&m, 2000);
	CU_ASSERT_EQUAL(rdmsr(0, 0x6e0), 0);
	CU_ASSERT_EQUAL(take(0), -1);
}

static void save(const void *dev, struct state_buf *buf)
{
	lapic_save(dev, buf);
}

static int load(void *dev, struct state_buf *buf)
{
	return lapic_load(dev, buf);
}

/* All registers by both doors, then time. */
static void poke(void)
{
	unsigned faults = 0;
	u64 v;

	for (u32 reg = 0; reg < 0x100; reg++) {
		(void)rd(0, reg << 4);
		wr(0, reg << 4, reg * 0x01010101);
		faults += !lapic_read_msr(&apic[0], 0x800 + reg, &v);
		faults += !wrmsr(0, 0x800 + reg, reg);
		(void)take(0);
	}
	faults += !wrmsr(0, 0x6e0, 0);
	CU_ASSERT(faults > 0);
	for (unsigned i = 0; i < 10; i++) {
		m.now += 1 * MS;
		bus_expire(&m.bus);
		if (m.bus.alarms)
			CU_ASSERT_FATAL(m.bus.alarms->when_ns > m.now);
	}
	lapic_set_lint(&apic[0], 0, true);
	lapic_set_lint(&apic[0], 0, false);
}

static void test_state(void)
{
	const struct saved_device d = { &apic[0], sizeof(apic[0]), DEVICE_SECTION_LAPIC, save, load,
					poke };
	u8 data[1024];
	size_t size;
	const char *error;

	start();
	wr(0, 0x320, 0x20040);
	wr(0, 0x3e0, 0xb);
	wr(0, 0x380, 1000000);
	wr(0, 0x350, 0x8044);
	lapic_set_lint(&apic[0], 0, true);
	lapic_deliver(&apic[0], LAPIC_FIXED, 0x99, true);
	(void)take(0);
	machine_run(&m, 100 * US);
	check_truncated(&d);
	CU_ASSERT_EQUAL(rd(0, 0x390), 900000);
	machine_run(&m, 1 * MS);
	wr(0, 0xb0, 0);
	CU_ASSERT_EQUAL(last_eoi, 0x99);
	CU_ASSERT_EQUAL(take(0), 0x44);
	check_corrupt(&d);
	size = saved_write(&d, data, sizeof(data));
	data[SAVED_HEADER]++; /* another CPU's */
	CU_ASSERT_EQUAL(saved_read(&d, data, size, &error), -1);
	CU_ASSERT_PTR_NOT_NULL(error);
	start_x2apic(); /* corrupt states of the other mode */
	check_corrupt(&d);
	CU_ASSERT(lapic_set_base(&apic[0], APIC_DEFAULT_BASE));
	check_corrupt(&d);
	start();
	apic[0].timer_start = m.now + 1;
	CU_ASSERT(refuses_itself(&d));
	start();
	apic[0].timer_told = m.now + 1;
	CU_ASSERT(refuses_itself(&d));
	start();
	apic[0].timer_running = true; /* of a count of 0 */
	CU_ASSERT(refuses_itself(&d));
	start();
	CU_ASSERT(!refuses_itself(&d));
}

void test_lapic_register(void)
{
	CU_pSuite suite = CU_add_suite("lapic", NULL, NULL);

	CU_add_test(suite, "reset values", test_reset_values);
	CU_add_test(suite, "registers that are not there", test_reserved_registers);
	CU_add_test(suite, "illegal vectors", test_illegal_vectors);
	CU_add_test(suite, "an acknowledge without request", test_ack_unasked);
	CU_add_test(suite, "x2APIC faults", test_x2apic_faults);
	CU_add_test(suite, "transitions of APIC_BASE", test_base_transitions);
	CU_add_test(suite, "priorities", test_priorities);
	CU_add_test(suite, "level-triggered", test_level);
	CU_add_test(suite, "virtual wire", test_virtual_wire);
	CU_add_test(suite, "disabled by software", test_software_disable);
	CU_add_test(suite, "IPIs to whom", test_ipis);
	CU_add_test(suite, "INIT, SIPI, NMI", test_other_messages);
	CU_add_test(suite, "x2APIC", test_x2apic);
	CU_add_test(suite, "timer, one-shot", test_one_shot);
	CU_add_test(suite, "a count of 0 and its request", test_count_and_request);
	CU_add_test(suite, "timer, periodic", test_periodic);
	CU_add_test(suite, "a slow clock", test_slow_clock);
	CU_add_test(suite, "timer, TSC deadline", test_deadline);
	CU_add_test(suite, "saved state, broken ones", test_state);
}
