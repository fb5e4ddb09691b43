/* ioapic.c - see ioapic.h; pure, tested on the host */
#include "dev/ioapic.h"

#include "dev/section.h"
#include "host.h"

/* The window: the first byte of each 16. */
#define IOREGSEL 0x00
#define IOWIN 0x10
#define IOEOI 0x40

enum ioapic_register { ID, VERSION, ARBITRATION, ENTRIES = 0x10 };
#define ID_SHIFT 24
#define VERSION_PINS_SHIFT 16

/* [IOAPIC] "I/O Redirection Table Registers" (3.2.4) */
#define ENTRY_VECTOR 0xffull
#define ENTRY_MODE_SHIFT 8
#define ENTRY_MODE 7u
#define ENTRY_LOGICAL BIT(11)
#define ENTRY_REMOTE_IRR BIT(14)
#define ENTRY_LEVEL BIT(15)
#define ENTRY_MASKED BIT(16)
#define ENTRY_DEST_SHIFT 56
/* Vector, mode, destination mode, polarity, trigger, mask; destination. */
#define ENTRY_WRITABLE 0xff0000000001afffull
#define PHYSICAL_BROADCAST 0xff

#define STATE_VERSION 1

static unsigned mode_of(u64 entry)
{
	return entry >> ENTRY_MODE_SHIFT & ENTRY_MODE;
}

/* NMI, SMI, INIT and ExtINT are edges, whatever the trigger mode says. */
static bool is_level(u64 entry)
{
	return entry & ENTRY_LEVEL &&
	       (mode_of(entry) == LAPIC_FIXED || mode_of(entry) == LAPIC_LOWEST);
}

static bool is_asserted(const struct ioapic *io, unsigned pin)
{
	return io->lines >> pin & 1;
}

/* Modes 3 and 6 are reserved (6 means SIPI between CPUs only): nothing leaves. */
static void send(struct ioapic *io, u64 entry)
{
	struct ipi message = {
		.mode = (u8)mode_of(entry),
		.vector = entry & ENTRY_VECTOR,
		.shorthand = LAPIC_TO_DEST,
		.level = is_level(entry),
		.logical = entry & ENTRY_LOGICAL,
		.dest = (u32)(entry >> ENTRY_DEST_SHIFT),
	};

	if (message.mode == LAPIC_RESERVED || message.mode == LAPIC_SIPI)
		return;
	if (!message.logical && message.dest == PHYSICAL_BROADCAST)
		message.dest = LAPIC_BROADCAST;
	io->send(io->ctx, &message);
}

/* A level-triggered input: sent once, then not again before its EOI. */
static void look_at_level(struct ioapic *io, unsigned pin)
{
	u64 *entry = &io->entry[pin];

	if (!is_level(*entry) || !is_asserted(io, pin) ||
	    *entry & (ENTRY_MASKED | ENTRY_REMOTE_IRR))
		return;
	*entry |= ENTRY_REMOTE_IRR;
	send(io, *entry);
}

void ioapic_set_irq(void *dev, unsigned pin, bool level)
{
	struct ioapic *io = dev;
	u32 bit;

	check(pin < IOAPIC_PINS);
	bit = 1u << pin;
	if (is_asserted(io, pin) == level)
		return;
	io->lines ^= bit;
	if (!level)
		return;
	if (is_level(io->entry[pin]))
		look_at_level(io, pin);
	else if (!(io->entry[pin] & ENTRY_MASKED))
		send(io, io->entry[pin]);
}

bool ioapic_has_event(const struct ioapic *io)
{
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		unsigned mode = mode_of(io->entry[pin]);

		if (!(io->entry[pin] & ENTRY_MASKED) && (mode == LAPIC_NMI || mode == LAPIC_INIT))
			return true;
	}
	return false;
}

struct wire ioapic_wire(struct ioapic *io, unsigned pin)
{
	return (struct wire){ ioapic_set_irq, io, pin };
}

void ioapic_eoi(struct ioapic *io, u8 vector)
{
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		u64 *entry = &io->entry[pin];

		if (!is_level(*entry) || (*entry & ENTRY_VECTOR) != vector)
			continue;
		*entry &= ~ENTRY_REMOTE_IRR;
		look_at_level(io, pin);
	}
}

/* ---- Registers -------------------------------------------------------------- */

static u32 read_register(const struct ioapic *io, unsigned n)
{
	if (n == ID || n == ARBITRATION)
		return (u32)io->id << ID_SHIFT;
	if (n == VERSION)
		return IOAPIC_VERSION | (IOAPIC_PINS - 1) << VERSION_PINS_SHIFT;
	if (n < ENTRIES || n >= ENTRIES + 2 * IOAPIC_PINS)
		return 0;
	return (u32)(io->entry[(n - ENTRIES) / 2] >> (n & 1 ? 32 : 0));
}

/* Switched to edge, an entry forgets that it waits for an EOI. */
static void write_entry(struct ioapic *io, unsigned pin, bool high, u32 value)
{
	u64 *entry = &io->entry[pin];
	u64 written = high ? (u64)value << 32 : value;
	u64 half = high ? BITS(63, 32) : BITS(31, 0);

	*entry = (*entry & ~(half & ENTRY_WRITABLE)) | (written & ENTRY_WRITABLE);
	if (!is_level(*entry))
		*entry &= ~ENTRY_REMOTE_IRR;
	look_at_level(io, pin);
}

static void write_register(struct ioapic *io, unsigned n, u32 value)
{
	if (n == ID)
		io->id = value >> ID_SHIFT & IOAPIC_ID_MAX;
	else if (n >= ENTRIES && n < ENTRIES + 2 * IOAPIC_PINS)
		write_entry(io, (n - ENTRIES) / 2, n & 1, value);
}

/* The data register takes accesses of 32 bits only; the select register has no more than 8. */
static u64 ioapic_read(void *dev, u64 offset, unsigned size)
{
	const struct ioapic *io = dev;

	if (offset == IOREGSEL)
		return io->select;
	return offset == IOWIN && size == 4 ? read_register(io, io->select) : 0;
}

static void ioapic_write(void *dev, u64 offset, unsigned size, u64 value)
{
	struct ioapic *io = dev;

	if (offset == IOREGSEL)
		io->select = (u8)value;
	else if (offset == IOWIN && size == 4)
		write_register(io, io->select, (u32)value);
	else if (offset == IOEOI && size == 4)
		ioapic_eoi(io, (u8)value);
}

void ioapic_reset(struct ioapic *io)
{
	io->id = io->power_on_id;
	io->select = 0;
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		io->entry[pin] = ENTRY_MASKED;
}

void ioapic_init(struct ioapic *io, struct bus *bus, u8 id,
		 void (*send_message)(void *ctx, const struct ipi *message), void *ctx)
{
	check(id <= IOAPIC_ID_MAX);
	*io = (struct ioapic){ .bus = bus, .send = send_message, .ctx = ctx, .power_on_id = id };
	bus_claim_mmio(bus, (struct mmio_range){ gpa(IOAPIC_BASE), IOAPIC_SIZE, ioapic_read,
						 ioapic_write, io });
	ioapic_reset(io);
}

void ioapic_save(const struct ioapic *io, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_IOAPIC, STATE_VERSION);

	state_put(buf, io->id, 1);
	state_put(buf, io->select, 1);
	state_put(buf, io->lines, 4);
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		state_put(buf, io->entry[pin], 8);
	state_end_section(buf, begin);
}

static bool entry_is_possible(u64 entry)
{
	return !(entry & ~(ENTRY_WRITABLE | ENTRY_REMOTE_IRR)) &&
	       (is_level(entry) || !(entry & ENTRY_REMOTE_IRR));
}

/* What was sent before is in the LAPICs' sections: nothing is sent again. */
int ioapic_load(struct ioapic *io, struct state_buf *buf)
{
	struct ioapic n = *io;

	n.id = (u8)state_get_max(buf, 1, IOAPIC_ID_MAX, "the IOAPIC's ID is above 15");
	n.select = (u8)state_get(buf, 1);
	n.lines = (u32)state_get_max(buf, 4, BIT(IOAPIC_PINS) - 1,
				     "the IOAPIC has more lines than it can");
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		n.entry[pin] = state_get(buf, 8);
		if (!entry_is_possible(n.entry[pin]))
			state_refuse(buf, "an IOAPIC entry has impossible bits");
	}
	if (buf->error)
		return -1;
	*io = n;
	return 0;
}
