/* e1000.c - see e1000.h */
#include "type1/e1000.h"

#include "lib/string.h"
#include "net/switch.h"
#include "type1/apic.h"
#include "type1/cpu.h"
#include "type1/e1000_regs.h"
#include "type1/irqroute.h"
#include "type1/loop.h"
#include "type1/nudge.h"
#include "type1/paging.h"
#include "type1/pcibus.h"
#include "type1/physical.h"
#include "type1/traps.h"

#define RX_COUNT 64
#define TX_COUNT 64
#define BUFFER 2048
#define RESET_NS 1000000ull /* the manual asks for 1 us before the registers are touched */
#define EEPROM_NS 10000000ull
#define RESET_PATIENCE_NS 10000000ull
#define TEST_NS 1000000ull /* in which a provoked interrupt arrives, if interrupts do */
#define POLL_NS 2000000ull /* without interrupts */
#define BACKSTOP_NS 100000000ull /* where guests can be deaf to them (nudge.h) */
#define FRUITLESS_MAX 1000 /* interrupts in a row that were not the card's */
#define ISA_IRQS 16

#define CAUSES (E1000_INT_LSC | E1000_INT_RXDMT0 | E1000_INT_RXO | E1000_INT_RXT0)

static struct {
	volatile u32 *registers; /* NULL: there is no card */
	struct link link;
	struct host_lock lock; /* the rings; nothing is sent or delivered while it is held */
	u32 rx_next, tx_next, tx_oldest; /* the latter two run over */
	u8 irq;
	bool interrupts; /* they come */
	volatile u32 seen; /* causes that the interrupt has found */
	u32 fruitless;
	bool posted; /* the timer was set for frames to send */
	bool watching; /* the other one runs */
	struct host_timer timer, watch;
} card;

static struct e1000_rx rx[RX_COUNT] ALIGNED(128);
static struct e1000_tx tx[TX_COUNT] ALIGNED(128);
static u8 rx_buffer[RX_COUNT][BUFFER] ALIGNED(4096);
static u8 tx_buffer[TX_COUNT][BUFFER] ALIGNED(4096);
_Static_assert(LINK_FRAME_MAX <= BUFFER, "a frame fits into a buffer");
_Static_assert(sizeof(rx) % 128 == 0 && sizeof(tx) % 128 == 0, "rings are multiples of 128 bytes");

static u32 reg_read(u32 reg)
{
	return card.registers[reg / 4];
}

static void reg_write(u32 reg, u64 value)
{
	card.registers[reg / 4] = (u32)value;
}

/* The card sees memory as it is when a register is written. */
static void memory_barrier(void)
{
	__asm__ volatile("" ::: "memory");
}

/* ---- Frames --------------------------------------------------------------------------------- */

/* The next frame received into frame; its length, 0: there is none. */
static u32 take_frame(u8 *frame)
{
	volatile struct e1000_rx *d = &rx[card.rx_next];
	u32 len = 0;

	/* Long packets are not enabled, so that a frame is in one buffer. */
	while (!len && d->status & E1000_RX_DONE) {
		if (d->status & E1000_RX_END && !d->errors && d->length <= LINK_FRAME_MAX)
			len = d->length;
		memory_barrier();
		memcpy(frame, rx_buffer[card.rx_next], len);
		d->status = 0;
		memory_barrier();
		reg_write(E1000_RDT, card.rx_next);
		card.rx_next = (card.rx_next + 1) % RX_COUNT;
		d = &rx[card.rx_next];
	}
	return len;
}

/* As many as the ring has, so that a flood does not keep the loop from its other duties. */
static void receive(void)
{
	u8 frame[BUFFER];

	for (unsigned i = 0; i < RX_COUNT; i++) {
		u32 len;

		host_lock(&card.lock);
		len = take_frame(frame);
		host_unlock(&card.lock);
		if (!len)
			return;
		link_send(&card.link, frame, len);
	}
	loop_wake_drivers();
}

static void reclaim(void)
{
	while (card.tx_oldest != card.tx_next) {
		volatile struct e1000_tx *d = &tx[card.tx_oldest % TX_COUNT];

		if (!(d->status & E1000_TX_DONE))
			return;
		card.tx_oldest++;
	}
}

/* What the switch has for the world.  Without room in the ring it waits for the next look. */
static void transmit(void)
{
	u32 first = card.tx_next;

	reclaim();
	while (card.tx_next - card.tx_oldest < TX_COUNT - 1) {
		u32 i = card.tx_next % TX_COUNT;
		u32 len = link_receive(&card.link, tx_buffer[i]);

		if (!len)
			break;
		tx[i] = (struct e1000_tx){
			.address = host_hpa(tx_buffer[i]).v,
			.length = (u16)len,
			.command = E1000_TX_END | E1000_TX_FCS | E1000_TX_REPORT,
		};
		card.tx_next++;
	}
	memory_barrier();
	if (card.tx_next != first)
		reg_write(E1000_TDT, card.tx_next % TX_COUNT);
}

static void send_waiting(void)
{
	host_lock(&card.lock);
	transmit();
	host_unlock(&card.lock);
}

/* Where interrupts do not come, or perhaps not soon, a timer runs. */
static void keep_watch(void)
{
	bool needed = !card.interrupts || nudge_needed();

	if (needed && !__atomic_exchange_n(&card.watching, true, __ATOMIC_SEQ_CST))
		host_timer_set(&card.watch,
			       host_now() + (card.interrupts ? BACKSTOP_NS : POLL_NS));
}

void e1000_poll(void)
{
	if (!card.registers)
		return;
	keep_watch();
	receive();
	send_waiting();
}

/* ---- When to look --------------------------------------------------------------------------- */

/* The switch put a frame into the queue; locks are held. */
static void ready(struct link *link UNUSED)
{
	if (!__atomic_exchange_n(&card.posted, true, __ATOMIC_SEQ_CST))
		host_timer_set(&card.timer, host_now());
}

/* On the CPU of the sender.  It does not receive: two CPUs would mix up the order of frames. */
static void fire(struct host_timer *timer)
{
	__atomic_store_n(&card.posted, false, __ATOMIC_SEQ_CST);
	send_waiting();
	/* The ring was full: what it sends makes room. */
	if (link_waiting(&card.link) && !__atomic_exchange_n(&card.posted, true, __ATOMIC_SEQ_CST))
		host_timer_set(timer, host_now() + POLL_NS);
}

static void watch(struct host_timer *timer UNUSED)
{
	__atomic_store_n(&card.watching, false, __ATOMIC_SEQ_CST);
	e1000_poll();
}

/*
 * The wire is level triggered and may be shared: reading the cause lets it go down.  Were it held
 * up by another device, which nobody here drives, the CPU would do nothing else any more.
 */
static void interrupt(void)
{
	u32 causes = reg_read(E1000_ICR);

	card.seen |= causes;
	card.fruitless = causes ? 0 : card.fruitless + 1;
	if (card.fruitless > FRUITLESS_MAX) {
		irqroute_mask_isa(card.irq);
		card.interrupts = false;
	}
	loop_wake_drivers();
	apic_eoi();
}

static void delay(u64 ns)
{
	u64 end = host_now() + ns;

	while (host_now() < end)
		host_relax();
}

/* Does an interrupt that the card is told to raise arrive? */
static bool interrupts_work(void)
{
	u64 end = host_now() + TEST_NS;

	card.seen = 0;
	reg_write(E1000_ICS, E1000_INT_LSC);
	while (!card.seen && host_now() < end) {
		host_take_interrupts();
		host_relax();
	}
	return card.seen;
}

static void init_interrupts(const struct pcibus_function *f)
{
	card.irq = f->irq;
	traps_set_handler(TRAPS_VECTOR_NET, interrupt);
	reg_read(E1000_ICR);
	if (f->pin && f->irq && f->irq < ISA_IRQS &&
	    irqroute_isa(f->irq, TRAPS_VECTOR_NET, cpu_table[0]->apic_id)) {
		reg_write(E1000_IMS, CAUSES);
		card.interrupts = interrupts_work();
		if (!card.interrupts)
			irqroute_mask_isa(f->irq);
	}
	keep_watch();
}

/* ---- Start ---------------------------------------------------------------------------------- */

static bool reset(void)
{
	u64 end;

	reg_write(E1000_IMC, ~0u);
	reg_write(E1000_CTRL, reg_read(E1000_CTRL) | E1000_CTRL_RST);
	delay(RESET_NS);
	end = host_now() + RESET_PATIENCE_NS;
	while (reg_read(E1000_CTRL) & E1000_CTRL_RST) {
		if (host_now() >= end)
			return false;
		host_relax();
	}
	reg_write(E1000_IMC, ~0u);
	reg_read(E1000_ICR);
	reg_write(E1000_CTRL, reg_read(E1000_CTRL) | E1000_CTRL_SLU | E1000_CTRL_ASDE);
	return true;
}

/* A word of the EEPROM; 0 if it does not answer. */
static u16 read_eeprom(u32 word)
{
	u64 end = host_now() + EEPROM_NS;
	u32 value;

	reg_write(E1000_EERD, E1000_EERD_START | word << E1000_EERD_ADDRESS_SHIFT);
	do {
		value = reg_read(E1000_EERD);
		if (value & E1000_EERD_DONE)
			return (u16)(value >> E1000_EERD_DATA_SHIFT);
		host_relax();
	} while (host_now() < end);
	return 0;
}

/* A real card loads its address register from the EEPROM at the reset, Bochs's does not. */
static void read_mac(void)
{
	for (u32 i = 0; i < LINK_MAC / 2; i++) {
		u16 word = read_eeprom(i);

		card.link.mac[2 * i] = (u8)word;
		card.link.mac[2 * i + 1] = (u8)(word >> 8);
	}
	reg_write(E1000_RAL0, physical_u32(card.link.mac));
	reg_write(E1000_RAH0, E1000_RAH_VALID | physical_u16(card.link.mac + 4));
}

static void init_receiver(void)
{
	u64 ring = host_hpa(rx).v;

	for (u32 i = 0; i < E1000_MTA_WORDS; i++)
		reg_write(E1000_MTA + 4 * i, 0);
	for (u32 i = 0; i < RX_COUNT; i++)
		rx[i] = (struct e1000_rx){ .address = host_hpa(rx_buffer[i]).v };
	memory_barrier();
	reg_write(E1000_RDBAL, ring);
	reg_write(E1000_RDBAH, ring >> 32);
	reg_write(E1000_RDLEN, sizeof(rx));
	reg_write(E1000_RDH, 0);
	reg_write(E1000_RDT, RX_COUNT - 1);
	reg_write(E1000_RCTL, E1000_RCTL_EN | E1000_RCTL_UPE | E1000_RCTL_MPE | E1000_RCTL_BAM |
				  E1000_RCTL_SECRC);
}

static void init_transmitter(void)
{
	u64 ring = host_hpa(tx).v;

	reg_write(E1000_TDBAL, ring);
	reg_write(E1000_TDBAH, ring >> 32);
	reg_write(E1000_TDLEN, sizeof(tx));
	reg_write(E1000_TDH, 0);
	reg_write(E1000_TDT, 0);
	reg_write(E1000_TIPG, E1000_TIPG_COPPER);
	reg_write(E1000_TCTL, E1000_TCTL_EN | E1000_TCTL_PSP | E1000_TCTL_CT | E1000_TCTL_COLD);
}

/* Why it cannot be used; NULL: it can. */
static const char *start(const struct pcibus_function *f, struct net_switch *net)
{
	const struct pcibus_bar *bar = &f->bar[0];

	if (bar->io || !bar->address || bar->size < E1000_REGISTERS)
		return "firmware gave it no address";
	if (link_init(&card.link, "uplink", ready))
		return "memory is short";
	card.registers = paging_map_device(bar->address, bar->size);
	if (!card.registers)
		return "its registers cannot be mapped";
	pcibus_enable(f);
	if (!reset())
		return "it does not come back from a reset";
	read_mac();
	init_receiver();
	init_transmitter();
	card.timer.fire = fire;
	card.watch.fire = watch;
	if (switch_plug(net, &card.link))
		return "the switch has no port for it";
	return NULL;
}

bool e1000_probe(struct net_switch *net)
{
	const struct pcibus_function *f = pcibus_find(E1000_VENDOR, E1000_82540EM);
	const char *why_not = f ? start(f, net) : NULL;
	const u8 *mac = card.link.mac;

	if (!f)
		return false;
	if (why_not) {
		host_log("espejo: the 82540EM network card is not used: %s", why_not);
		link_free(&card.link);
		card.registers = NULL;
		return false;
	}
	init_interrupts(f);
	host_log("espejo: network: uplink %02x:%02x:%02x:%02x:%02x:%02x, %s", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5], card.interrupts ? "by interrupts" : "polled");
	return true;
}
