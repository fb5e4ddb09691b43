/* uart.c - see uart.h; pure, tested on the host */
#include "dev/uart.h"

#include "dev/clock.h"
#include "dev/section.h"
#include "lib/string.h"

/* Registers, by offset.  With DLAB the first two are the divisor latch. */
enum { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR, UART_PORTS };

#define IER_RX 0x01
#define IER_THRE 0x02
#define IER_LINE 0x04
#define IER_MODEM 0x08
#define IER_BITS 0x0f

#define IIR_NONE 0x01
#define IIR_MODEM 0x00
#define IIR_THRE 0x02
#define IIR_RX 0x04
#define IIR_LINE 0x06
#define IIR_TIMEOUT 0x0c
#define IIR_FIFOS 0xc0

#define FCR_ENABLE 0x01
#define FCR_CLEAR_RX 0x02
#define FCR_KEPT 0xc9 /* trigger level, DMA mode (without effect), enable */
#define FCR_TRIGGER_SHIFT 6

#define LCR_WORD 0x03 /* 5 bits and this many more */
#define LCR_STOP 0x04
#define LCR_PARITY 0x08
#define LCR_BREAK 0x40
#define LCR_DLAB 0x80

#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10
#define MCR_BITS 0x1f

#define LSR_DR 0x01
#define LSR_OE 0x02
#define LSR_BI 0x10
#define LSR_THRE 0x20
#define LSR_TEMT 0x40
#define LSR_FIFO_ERROR 0x80
#define LSR_BYTE_ERRORS 0x1c /* PE, FE, BI: they belong to a byte */

#define MSR_DELTAS 0x0f
#define MSR_TERI 0x04 /* the bell stopped ringing: only its falling edge counts */
#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI 0x40
#define MSR_DCD 0x80

#define UART_CLOCK_HZ 1843200ull
#define UART_CLOCKS_PER_BIT 16
#define UART_TIMEOUT_CHARS 4
#define DIVISOR_9600 12

#define UART_VERSION 1

static bool fifo_on(const struct uart *u)
{
	return u->fcr & FCR_ENABLE;
}

static unsigned capacity(const struct uart *u)
{
	return fifo_on(u) ? UART_FIFO_SIZE : 1;
}

static unsigned trigger(const struct uart *u)
{
	static const u8 level[] = { 1, 4, 8, 14 };

	return fifo_on(u) ? level[u->fcr >> FCR_TRIGGER_SHIFT] : 1;
}

static u8 line_status(const struct uart *u)
{
	u8 lsr = LSR_THRE | LSR_TEMT | (u->lsr & LSR_OE);

	if (u->fifo_count)
		lsr |= LSR_DR | u->fifo_error[u->fifo_head];
	for (unsigned i = 0; fifo_on(u) && i < u->fifo_count; i++)
		if (u->fifo_error[(u->fifo_head + i) % UART_FIFO_SIZE])
			lsr |= LSR_FIFO_ERROR;
	return lsr;
}

/* The interrupt of highest priority. */
static u8 interrupt_id(const struct uart *u)
{
	if ((u->ier & IER_LINE) && (line_status(u) & (LSR_OE | LSR_BYTE_ERRORS)))
		return IIR_LINE;
	if ((u->ier & IER_RX) && u->fifo_count >= trigger(u))
		return IIR_RX;
	if ((u->ier & IER_RX) && u->timeout_pending)
		return IIR_TIMEOUT;
	if ((u->ier & IER_THRE) && u->thre_pending)
		return IIR_THRE;
	if ((u->ier & IER_MODEM) && (u->msr & MSR_DELTAS))
		return IIR_MODEM;
	return IIR_NONE;
}

/*
 * On a PC the output OUT2 lets the interrupt through to the bus; loopback takes
 * all modem outputs off their pins, OUT2 too.
 */
static void update_irq(struct uart *u)
{
	bool gate = (u->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;

	wire_set(&u->irq, gate && interrupt_id(u) != IIR_NONE);
}

static u8 word_mask(const struct uart *u)
{
	return (u8)BITS(4 + (u->lcr & LCR_WORD), 0);
}

static u64 timeout_ns(const struct uart *u)
{
	unsigned bits = 1 + 5 + (u->lcr & LCR_WORD) + (u->lcr & LCR_PARITY ? 1 : 0) +
			(u->lcr & LCR_STOP ? 2 : 1);
	u64 clocks = (u64)UART_TIMEOUT_CHARS * bits * UART_CLOCKS_PER_BIT * MAX(u->divisor, 1);

	return clocks * NS_PER_S / UART_CLOCK_HZ;
}

/* Called when a byte came or went. */
static void restart_timeout(struct uart *u)
{
	u->timeout_pending = false;
	if (fifo_on(u) && u->fifo_count)
		bus_alarm_set(&u->timeout, u->bus->now(u->bus) + timeout_ns(u));
	else
		bus_alarm_cancel(&u->timeout);
}

static void timeout_fire(void *dev)
{
	struct uart *u = dev;

	u->timeout_pending = u->fifo_count != 0;
	update_irq(u);
}

static void push(struct uart *u, u8 byte, u8 error)
{
	unsigned at;

	if (u->fifo_count >= capacity(u)) {
		u->lsr |= LSR_OE;
		if (fifo_on(u)) /* the new one is lost; without FIFO the old one */
			return;
		u->fifo_count = 0;
	}
	at = (u->fifo_head + u->fifo_count) % UART_FIFO_SIZE;
	u->fifo[at] = byte;
	u->fifo_error[at] = error;
	u->fifo_count++;
	restart_timeout(u);
}

static u8 read_rbr(struct uart *u)
{
	u8 byte = u->fifo[u->fifo_head]; /* when empty: the last one again */

	if (!u->fifo_count)
		return byte;
	/* Without a FIFO there is one place, so that an empty register shows its byte. */
	if (u->fifo_count > 1)
		u->fifo_head = (u8)((u->fifo_head + 1) % UART_FIFO_SIZE);
	u->fifo_count--;
	restart_timeout(u);
	update_irq(u);
	if (u->line.room && uart_room(u))
		u->line.room(u->line.ctx);
	return byte;
}

/* The transmitter is empty again at once, but its interrupt line must be seen to move. */
static void write_thr(struct uart *u, u8 byte)
{
	u->thre_pending = false;
	update_irq(u);
	byte &= word_mask(u);
	if (u->mcr & MCR_LOOP)
		push(u, byte, 0);
	else if (u->line.tx)
		u->line.tx(u->line.ctx, byte);
	u->thre_pending = true;
	update_irq(u);
}

static void write_ier(struct uart *u, u8 value)
{
	if (value & ~u->ier & IER_THRE)
		u->thre_pending = true;
	u->ier = value & IER_BITS;
	update_irq(u);
}

static u8 read_iir(struct uart *u)
{
	u8 id = interrupt_id(u);

	if (id == IIR_THRE) {
		u->thre_pending = false;
		update_irq(u);
	}
	return id | (fifo_on(u) ? IIR_FIFOS : 0);
}

static void clear_rx(struct uart *u)
{
	u->fifo_head = u->fifo_count = 0;
	memset(u->fifo, 0, sizeof(u->fifo));
	restart_timeout(u);
}

static void write_fcr(struct uart *u, u8 value)
{
	bool switched = (value ^ u->fcr) & FCR_ENABLE;
	bool was_full = !uart_room(u);

	u->fcr = value & FCR_ENABLE ? value & FCR_KEPT : 0;
	if (switched || (value & FCR_ENABLE && value & FCR_CLEAR_RX))
		clear_rx(u);
	update_irq(u);
	if (was_full && uart_room(u) && u->line.room)
		u->line.room(u->line.ctx);
}

/* What the modem inputs are: a modem that is always ready, or in loopback our own outputs. */
static u8 modem_inputs(const struct uart *u)
{
	if (!(u->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (u->mcr & MCR_RTS ? MSR_CTS : 0) | (u->mcr & MCR_DTR ? MSR_DSR : 0) |
	       (u->mcr & MCR_OUT1 ? MSR_RI : 0) | (u->mcr & MCR_OUT2 ? MSR_DCD : 0);
}

static void update_modem(struct uart *u)
{
	u8 new = modem_inputs(u);
	u8 changed = (u8)((u->msr ^ new) >> 4);

	if (new &MSR_RI)
		changed &= (u8)~MSR_TERI;
	u->msr = new | (u->msr & MSR_DELTAS) | changed;
	update_irq(u);
}

static void write_mcr(struct uart *u, u8 value)
{
	bool was_full = !uart_room(u);

	u->mcr = value & MCR_BITS;
	update_modem(u);
	if (was_full && uart_room(u) && u->line.room)
		u->line.room(u->line.ctx);
}

static void write_lcr(struct uart *u, u8 value)
{
	bool break_begins = value & ~u->lcr & LCR_BREAK;

	u->lcr = value;
	if (break_begins && u->mcr & MCR_LOOP)
		push(u, 0, LSR_BI);
	update_irq(u);
}

static u8 read_lsr(struct uart *u)
{
	u8 lsr = line_status(u);

	u->lsr &= (u8)~LSR_OE;
	if (u->fifo_count)
		u->fifo_error[u->fifo_head] = 0;
	update_irq(u);
	return lsr;
}

static u8 read_msr(struct uart *u)
{
	u8 msr = u->msr;

	u->msr &= (u8)~MSR_DELTAS;
	update_irq(u);
	return msr;
}

static u32 uart_in(void *dev, u16 port, unsigned size)
{
	struct uart *u = dev;
	bool dlab = u->lcr & LCR_DLAB;

	if (size != 1)
		return bus_split_in(u->bus, port, size);
	switch (port - u->base) {
	case RBR_THR:
		return dlab ? u->divisor & 0xff : read_rbr(u);
	case IER:
		return dlab ? u->divisor >> 8 : u->ier;
	case IIR_FCR:
		return read_iir(u);
	case LCR:
		return u->lcr;
	case MCR:
		return u->mcr;
	case LSR:
		return read_lsr(u);
	case MSR:
		return read_msr(u);
	default:
		return u->scr;
	}
}

/*
 * An OUT to one of our ports: the register there gets the byte.  An access wider than a byte is one
 * to several registers: the bus takes it apart (bus_split_out) and comes back with each byte.
 *
 * While LCR has DLAB set, the first two registers are the divisor, its low byte first; no other
 * register knows DLAB.  FCR is written where IIR is read.  SCR keeps what it gets; LSR and MSR are
 * not for writing, and whatever is written there has no effect.  The others have functions above.
 *
 * Source: "Registers" (8), table II, "Programmable Baud Generator" (8.3).
 */
static void uart_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct uart *u = dev;
	bool dlab = u->lcr & LCR_DLAB;
	u8 byte = (u8)value;

	if (size != 1) {
		bus_split_out(u->bus, port, size, value);
		return;
	}
	switch (port - u->base) {
	case RBR_THR:
		if (dlab)
			u->divisor = (u16)((u->divisor & 0xff00) | byte);
		else
			write_thr(u, byte);
		break;
	case IER:
		if (dlab)
			u->divisor = (u16)((u->divisor & 0xff) | byte << 8);
		else
			write_ier(u, byte);
		break;
	case IIR_FCR:
		write_fcr(u, byte);
		break;
	case LCR:
		write_lcr(u, byte);
		break;
	case MCR:
		write_mcr(u, byte);
		break;
	case SCR:
		u->scr = byte;
		break;
	default: /* LSR, MSR: a factory's test registers */
		break;
	}
}

bool uart_receive(struct uart *u, u8 byte)
{
	if (!uart_room(u))
		return false;
	push(u, byte & word_mask(u), 0);
	update_irq(u);
	return true;
}

unsigned uart_room(const struct uart *u)
{
	if (u->mcr & MCR_LOOP || u->fifo_count >= capacity(u))
		return 0;
	return capacity(u) - u->fifo_count;
}

void uart_reset(struct uart *u)
{
	u->ier = u->fcr = u->lcr = u->mcr = u->lsr = u->scr = 0;
	u->divisor = DIVISOR_9600;
	u->thre_pending = false;
	u->msr = modem_inputs(u);
	clear_rx(u);
	update_irq(u);
}

void uart_after_firmware(struct uart *u)
{
	u->lcr = LCR_WORD;
}

void uart_init(struct uart *u, struct bus *bus, u16 base, struct wire irq,
	       const struct uart_line *line)
{
	*u = (struct uart){ .bus = bus, .irq = irq, .line = *line, .base = base };
	bus_alarm_init(bus, &u->timeout, timeout_fire, u);
	bus_claim_ports(
	    bus, (struct port_range){ base, (u16)(base + UART_PORTS - 1), uart_in, uart_out, u });
	uart_reset(u);
}

void uart_save(const struct uart *u, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_UART, UART_VERSION);
	u64 timeout = u->timeout.armed ? u->timeout.when_ns + 1 : 0;

	state_put(buf, u->ier, 1);
	state_put(buf, u->fcr, 1);
	state_put(buf, u->lcr, 1);
	state_put(buf, u->mcr, 1);
	state_put(buf, u->lsr, 1);
	state_put(buf, u->msr, 1);
	state_put(buf, u->scr, 1);
	state_put(buf, u->divisor, 2);
	state_put(buf, u->thre_pending, 1);
	state_put(buf, u->timeout_pending, 1);
	state_put(buf, timeout, 8);
	state_put_bytes(buf, u->fifo, sizeof(u->fifo));
	state_put_bytes(buf, u->fifo_error, sizeof(u->fifo_error));
	state_put(buf, u->fifo_head, 1);
	state_put(buf, u->fifo_count, 1);
	state_end_section(buf, begin);
}

int uart_load(struct uart *u, struct state_buf *buf)
{
	struct uart n = *u;
	u64 timeout;

	n.ier = (u8)state_get_max(buf, 1, IER_BITS, "the UART's IER has unknown bits");
	n.fcr = (u8)state_get(buf, 1);
	n.lcr = (u8)state_get(buf, 1);
	n.mcr = (u8)state_get_max(buf, 1, MCR_BITS, "the UART's MCR has unknown bits");
	n.lsr = (u8)state_get(buf, 1);
	n.msr = (u8)state_get(buf, 1);
	n.scr = (u8)state_get(buf, 1);
	n.divisor = (u16)state_get(buf, 2);
	n.thre_pending = state_get_max(buf, 1, 1, NULL);
	n.timeout_pending = state_get_max(buf, 1, 1, NULL);
	timeout = state_get(buf, 8);
	state_get_bytes(buf, n.fifo, sizeof(n.fifo));
	state_get_bytes(buf, n.fifo_error, sizeof(n.fifo_error));
	n.fifo_head =
	    (u8)state_get_max(buf, 1, UART_FIFO_SIZE - 1, "the UART's FIFO begins nowhere");
	n.fifo_count = (u8)state_get(buf, 1);
	if (n.fcr & ~FCR_KEPT || (n.fcr && !fifo_on(&n)) || n.lsr & ~LSR_OE)
		state_refuse(buf, "the UART's FCR or LSR has impossible bits");
	if (n.fifo_count > capacity(&n))
		state_refuse(buf, "the UART's FIFO holds more than it can");
	for (unsigned i = 0; i < UART_FIFO_SIZE; i++)
		if (n.fifo_error[i] & ~LSR_BYTE_ERRORS)
			state_refuse(buf, "the UART's FIFO holds an unknown error");
	if (buf->error)
		return -1;

	bus_alarm_cancel(&u->timeout);
	n.timeout = u->timeout;
	*u = n;
	if (timeout)
		bus_alarm_set(&u->timeout, timeout - 1);
	update_irq(u);
	return 0;
}
