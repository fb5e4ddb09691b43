/*
 * test_e1000.c - the driver of the uplink with a card that is only memory: hv/type1/e1000.c
 *
 * The driver is part of this file.  Its registers are an array; what the card would do happens
 * while the driver waits, and in the tests themselves.
 */
#include "fake_host.h"
#include "fake_type1.h"
#include "machine.h"

#include "type1/apic.h"
#include "type1/irqroute.h"
#include "type1/nudge.h"
#include "type1/paging.h"
#include "type1/pcibus.h"
#include "type1/traps.h"

static const struct pcibus_function *fake_find(u16 vendor, u16 id);
static void fake_enable(const struct pcibus_function *f);
static void *fake_map(u64 address, u64 size);
static void fake_handler(unsigned vector, void (*handler)(void));
static void fake_eoi(void);
static bool fake_route(unsigned irq, u8 vector, u32 apic_id);
static void fake_mask(unsigned irq);
static bool fake_nudge(void);

#define pcibus_find fake_find
#define pcibus_enable fake_enable
#define paging_map_device fake_map
#define traps_set_handler fake_handler
#define apic_eoi fake_eoi
#define irqroute_isa fake_route
#define irqroute_mask_isa fake_mask
#define nudge_needed fake_nudge
#include "type1/e1000.c"

void test_e1000_register(void);

static struct {
	struct pcibus_function function;
	bool there, no_map, stuck; /* stuck: in its reset */
	bool interrupts, deaf; /* the line is connected; guests can be deaf to it */
	u32 registers[E1000_REGISTERS / 4];
	bool enabled, masked;
	void (*handler)(void);
	unsigned eois;
} fake;

static struct net_switch net;
static struct link guest;
static unsigned told;

static const struct pcibus_function *fake_find(u16 vendor, u16 id)
{
	return fake.there && vendor == 0x8086 && id == 0x100e ? &fake.function : NULL;
}

static void fake_enable(const struct pcibus_function *f UNUSED)
{
	fake.enabled = true;
}

static void *fake_map(u64 address, u64 size)
{
	CU_ASSERT_EQUAL(address, 0xfebc0000);
	CU_ASSERT_EQUAL(size, E1000_REGISTERS);
	return fake.no_map ? NULL : fake.registers;
}

static void fake_handler(unsigned vector, void (*handler)(void))
{
	CU_ASSERT_EQUAL(vector, TRAPS_VECTOR_NET);
	fake.handler = handler;
}

static void fake_eoi(void)
{
	fake.eois++;
}

static bool fake_route(unsigned irq, u8 vector UNUSED, u32 apic_id UNUSED)
{
	CU_ASSERT_EQUAL(irq, 11);
	return true;
}

static void fake_mask(unsigned irq)
{
	CU_ASSERT_EQUAL(irq, 11);
	fake.masked = true;
}

static bool fake_nudge(void)
{
	return fake.deaf;
}

static u32 *reg(u32 offset)
{
	return &fake.registers[offset / 4];
}

/* What the card does while the driver waits for it. */
static void card_works(void)
{
	static const u16 eeprom[] = { 0x5452, 0x1200, 0x5634 };

	fake_host.now += US;
	if (!fake.stuck)
		*reg(E1000_CTRL) &= ~(u32)E1000_CTRL_RST;
	if (*reg(E1000_EERD) & E1000_EERD_START)
		*reg(E1000_EERD) = (u32)eeprom[*reg(E1000_EERD) >> 8 & 3] << 16 | E1000_EERD_DONE;
	if (*reg(E1000_ICS) && fake.interrupts && fake.handler) {
		*reg(E1000_ICR) = *reg(E1000_ICS);
		*reg(E1000_ICS) = 0;
		fake.handler();
		*reg(E1000_ICR) = 0;
	}
}

static void ready_guest(struct link *link UNUSED)
{
	told++;
}

static bool begin(void)
{
	memset(&card, 0, sizeof(card));
	memset(tx, 0, sizeof(tx));
	fake.function = (struct pcibus_function){
		.vendor = 0x8086, .id = 0x100e, .irq = 11, .pin = 1,
		.bar = { { .address = 0xfebc0000, .size = E1000_REGISTERS } },
	};
	fake_type1_reset();
	fake_host.on_relax = card_works;
	memset(fake.registers, 0, sizeof(fake.registers));
	switch_init(&net, "net");
	CU_ASSERT_EQUAL_FATAL(link_init(&guest, "guest", ready_guest), 0);
	CU_ASSERT_EQUAL_FATAL(switch_plug(&net, &guest), 0);
	return e1000_probe(&net);
}

static void end(void)
{
	link_free(&card.link);
	link_free(&guest);
	host_timer_cancel(&card.timer);
	host_timer_cancel(&card.watch);
	CU_ASSERT_TRUE(fake_host_clean());
	memset(&fake, 0, sizeof(fake));
}

static void test_start(void)
{
	static const u8 mac[LINK_MAC] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

	fake.there = fake.interrupts = true;
	CU_ASSERT_TRUE(begin());
	CU_ASSERT_TRUE(fake.enabled);
	CU_ASSERT_FALSE(memcmp(card.link.mac, mac, LINK_MAC));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(fake_host.log, "uplink 52:54:00:12:34:56, by interrupts"));
	CU_ASSERT_EQUAL(*reg(E1000_RAL0), 0x12005452);
	CU_ASSERT_EQUAL(*reg(E1000_RAH0), 0x80005634);
	CU_ASSERT_TRUE(*reg(E1000_RCTL) & E1000_RCTL_EN);
	CU_ASSERT_TRUE(*reg(E1000_TCTL) & E1000_TCTL_EN);
	CU_ASSERT_TRUE(*reg(E1000_CTRL) & E1000_CTRL_SLU);
	CU_ASSERT_EQUAL(*reg(E1000_RDLEN), RX_COUNT * 16);
	CU_ASSERT_EQUAL(*reg(E1000_RDT), RX_COUNT - 1);
	CU_ASSERT_PTR_EQUAL(switch_find(&net, "uplink"), &card.link);
	CU_ASSERT_PTR_NULL(fake_host.timers); /* idle costs nothing */
	end();
}

/* Whatever is missing is said, and nothing stays behind. */
static void test_refused(void)
{
	CU_ASSERT_FALSE(begin());
	CU_ASSERT_STRING_EQUAL(fake_host.log, "");
	end();
	fake.there = fake.stuck = true;
	CU_ASSERT_FALSE(begin());
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "does not come back from a reset"));
	e1000_poll();
	end();
	fake.there = fake.no_map = true;
	CU_ASSERT_FALSE(begin());
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "cannot be mapped"));
	end();
}

/* The card puts a frame into the next buffer. */
static void arrives(u32 i, u16 len, u8 status, u8 errors)
{
	struct e1000_rx *d = &rx[i % RX_COUNT];
	u8 *buffer = rx_buffer[i % RX_COUNT];

	CU_ASSERT_EQUAL(d->address, host_hpa(buffer).v);
	CU_ASSERT_EQUAL(d->status, 0);
	memset(buffer, 0, BUFFER);
	memset(buffer, 0xff, LINK_MAC);
	buffer[6] = 2;
	buffer[11] = 9;
	buffer[13] = (u8)i;
	d->length = len;
	d->errors = errors;
	d->status = status;
}

static void test_receive(void)
{
	u8 frame[LINK_FRAME_MAX];
	u32 next = 0;

	fake.there = fake.interrupts = true;
	begin();
	/* Around the ring several times, in bursts, and all buffers go back to the card. */
	for (unsigned burst = 1; burst < 40; burst++) {
		for (unsigned i = 0; i < burst; i++)
			arrives(next + i, (u16)(60 + i), 3, 0);
		e1000_poll();
		for (unsigned i = 0; i < burst; i++) {
			CU_ASSERT_EQUAL(link_receive(&guest, frame), 60 + i);
			CU_ASSERT_EQUAL(frame[13], (u8)(next + i));
		}
		next += burst;
		CU_ASSERT_EQUAL(*reg(E1000_RDT), (next - 1) % RX_COUNT);
	}
	CU_ASSERT_FALSE(link_waiting(&guest));
	CU_ASSERT_EQUAL(told, 39);
	/* Damaged ones, one without an end and some that are too long are left out. */
	arrives(next++, 60, 3, 1);
	arrives(next++, 60, 1, 0);
	arrives(next++, LINK_FRAME_MAX + 1, 3, 0);
	arrives(next++, 4 * BUFFER, 3, 0);
	arrives(next++, LINK_FRAME_MAX, 3, 0);
	e1000_poll();
	CU_ASSERT_EQUAL(link_receive(&guest, frame), LINK_FRAME_MAX);
	CU_ASSERT_EQUAL(link_receive(&guest, frame), 0);
	/* More than a ring: the rest is left for the loop's next turn, which is asked for. */
	fake_type1.wakes = 0;
	for (unsigned i = 0; i < RX_COUNT; i++)
		arrives(next + i, 60, 3, 0);
	e1000_poll();
	CU_ASSERT_EQUAL(fake_type1.wakes, 1);
	told = 0;
	end();
}

static void send(u8 n)
{
	u8 frame[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, n };

	link_send(&guest, frame, (u32)(60 + n % 4));
}

static void test_send(void)
{
	fake.there = fake.interrupts = true;
	begin();
	for (unsigned n = 0; n < 200; n++) {
		const struct e1000_tx *d = &tx[n % TX_COUNT];

		send((u8)n);
		CU_ASSERT_PTR_NOT_NULL(fake_host.timers); /* posted: locks are held */
		CU_ASSERT_EQUAL(*reg(E1000_TDT), n % TX_COUNT);
		fake_host_run(1);
		CU_ASSERT_EQUAL(*reg(E1000_TDT), (n + 1) % TX_COUNT);
		CU_ASSERT_EQUAL(d->address, host_hpa(tx_buffer[n % TX_COUNT]).v);
		CU_ASSERT_EQUAL(d->length, 60 + n % 4);
		CU_ASSERT_EQUAL(d->command, 0x0b);
		CU_ASSERT_EQUAL(tx_buffer[n % TX_COUNT][13], (u8)n);
		tx[n % TX_COUNT].status = E1000_TX_DONE;
		CU_ASSERT_PTR_NULL(fake_host.timers);
	}
	end();
}

/* A card that sends nothing: the ring fills up, nothing is overwritten, and it goes on later. */
static void test_send_full(void)
{
	u32 before;

	fake.there = fake.interrupts = true;
	begin();
	for (unsigned n = 0; n < 100; n++)
		send((u8)n);
	fake_host_run(10 * MS);
	CU_ASSERT_EQUAL(card.tx_next, TX_COUNT - 1);
	CU_ASSERT_TRUE(link_waiting(&card.link));
	for (unsigned i = 0; i < 10; i++)
		tx[i].status = E1000_TX_DONE;
	before = card.tx_next;
	fake_host_run(10 * MS);
	CU_ASSERT_EQUAL(card.tx_next, before + 10);
	for (unsigned i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(tx_buffer[(before + i) % TX_COUNT][13], before + i);
	end();
}

/* Interrupts that do not come, or not always: timers look instead. */
static void test_without_interrupts(void)
{
	fake.there = true;
	CU_ASSERT_TRUE(begin());
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "polled"));
	CU_ASSERT_TRUE(fake.masked);
	arrives(0, 60, 3, 0);
	fake_host_run(POLL_NS);
	CU_ASSERT_TRUE(link_waiting(&guest));
	CU_ASSERT_PTR_NOT_NULL(fake_host.timers);
	end();
	fake.there = fake.interrupts = fake.deaf = true;
	CU_ASSERT_TRUE(begin());
	arrives(0, 60, 3, 0);
	fake_host_run(BACKSTOP_NS);
	CU_ASSERT_TRUE(link_waiting(&guest));
	end();
}

/* Another device holds the line up: it is masked, and the card is polled from then on. */
static void test_storm(void)
{
	fake.there = fake.interrupts = true;
	begin();
	*reg(E1000_ICR) = E1000_INT_RXT0;
	for (unsigned i = 0; i < 3000; i++)
		fake.handler();
	CU_ASSERT_FALSE(fake.masked);
	*reg(E1000_ICR) = 0;
	for (unsigned i = 0; i < 3000 && !fake.masked; i++)
		fake.handler();
	CU_ASSERT_TRUE(fake.masked);
	CU_ASSERT_TRUE(fake_type1.wakes);
	e1000_poll();
	arrives(0, 60, 3, 0);
	fake_host_run(POLL_NS);
	CU_ASSERT_TRUE(link_waiting(&guest));
	end();
}

void test_e1000_register(void)
{
	CU_pSuite suite = CU_add_suite("e1000", NULL, NULL);

	CU_ADD_TEST(suite, test_start);
	CU_ADD_TEST(suite, test_refused);
	CU_ADD_TEST(suite, test_receive);
	CU_ADD_TEST(suite, test_send);
	CU_ADD_TEST(suite, test_send_full);
	CU_ADD_TEST(suite, test_without_interrupts);
	CU_ADD_TEST(suite, test_storm);
}
