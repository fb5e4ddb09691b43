/* pic.c - see pic.h; pure, tested on the host */
#include "dev/pic.h"

#include "dev/section.h"
#include "host.h"

#define PIC_MASTER_PORT 0x20 /* and 0x21 */
#define PIC_SLAVE_PORT 0xa0
#define PIC_ELCR_PORT 0x4d0 /* and 0x4d1 for the second chip */

#define INPUTS 8
#define SPURIOUS 7
#define CASCADE_BIT BIT(PIC_CASCADE)
/* Timer, keyboard and cascade; clock and coprocessor: always edge-triggered. */
#define ELCR_FIXED_MASTER 0x07
#define ELCR_FIXED_SLAVE 0x21

#define ICW1 0x10 /* marks ICW1 among commands */
#define ICW1_IC4 0x01
#define ICW1_SINGLE 0x02
#define ICW2_BASE 0xf8
#define ICW4_AUTO_EOI 0x02
#define ICW4_SPECIAL_NESTED 0x10
#define INIT_DONE 0

#define OCW3 0x08 /* marks OCW3 among commands that are no ICW1 */
#define OCW3_POLL 0x04
#define OCW3_READ_SELECT 0x02
#define OCW3_READ_ISR 0x01
#define OCW3_MASK_SELECT 0x40
#define OCW3_MASK_SET 0x20

#define OCW2_LEVEL 0x07
#define OCW2_COMMAND_SHIFT 5
enum ocw2 {
	ROTATE_AUTO_OFF,
	EOI,
	OCW2_NOTHING,
	EOI_SPECIFIC,
	ROTATE_AUTO_ON,
	EOI_ROTATE,
	SET_LOWEST,
	EOI_SPECIFIC_ROTATE,
};

#define POLL_INTERRUPT 0x80
#define NONE (-1)

#define PIC_VERSION 1

static int chip_highest(const struct pic *pic, unsigned n);

static bool has_slave(const struct pic *pic)
{
	return !pic->chip[0].single;
}

/* IRR as it reads: inputs in level mode are not latched, the second chip's output neither. */
static u8 requests(const struct pic *pic, unsigned n)
{
	const struct pic_chip *c = &pic->chip[n];
	u8 irr = (u8)((c->irr & ~c->elcr) | (c->lines & c->elcr));

	if (n == 0 && has_slave(pic)) {
		irr &= (u8)~CASCADE_BIT;
		if (chip_highest(pic, 1) != NONE)
			irr |= CASCADE_BIT;
	}
	return irr;
}

/* The input of highest priority in set, or NONE. */
static int first_by_priority(const struct pic_chip *c, u8 set)
{
	for (unsigned i = 1; i <= INPUTS; i++) {
		unsigned input = (c->lowest + i) % INPUTS;

		if (set & BIT(input))
			return (int)input;
	}
	return NONE;
}

/* 0 is the highest. */
static unsigned priority(const struct pic_chip *c, int input)
{
	return ((unsigned)input + INPUTS - 1 - c->lowest) % INPUTS;
}

/*
 * The input for which chip n raises its INT output, or NONE.  Of the inputs that ask (requests)
 * and are not masked, the one of highest priority (first_by_priority, priority) has a chance; it
 * asks in vain while one of the same or of higher priority is in service.  Not counted among
 * those in service are
 *   - in special mask mode, inputs that are masked;
 *   - in special fully nested mode, at the first chip, the cascade, if there is a second chip:
 *     that one resolves its own priorities.
 * A chip whose initialization is not complete asks for nothing.
 * [8259A] "Fully Nested Mode", "The Special Fully Nested Mode", "Special Mask Mode"
 */
static int chip_highest(const struct pic *pic, unsigned n)
{
	const struct pic_chip *c = &pic->chip[n];
	u8 blocking = c->isr;
	int request, service;

	if (c->init_state != INIT_DONE)
		return NONE;
	request = first_by_priority(c, requests(pic, n) & (u8)~c->imr);
	if (c->special_mask)
		blocking &= (u8)~c->imr;
	/* The second chip resolves its own priorities: its service does not block itself. */
	if (n == 0 && c->special_nested && has_slave(pic))
		blocking &= (u8)~CASCADE_BIT;
	service = first_by_priority(c, blocking);
	if (request == NONE || (service != NONE && priority(c, service) <= priority(c, request)))
		return NONE;
	return request;
}

static void update(struct pic *pic)
{
	wire_set(&pic->intr, pic_pending(pic));
}

/* The CPU, or a poll, takes the request of an input. */
static void take(struct pic_chip *c, int input)
{
	u8 bit = (u8)BIT(input);

	c->irr &= (u8)~bit;
	if (!c->auto_eoi)
		c->isr |= bit;
	else if (c->rotate_auto_eoi)
		c->lowest = (u8)input;
}

bool pic_pending(const struct pic *pic)
{
	return chip_highest(pic, 0) != NONE;
}

/* One chip's answer to INTA: the number of an input. */
static unsigned acknowledge(struct pic *pic, unsigned n)
{
	int input = chip_highest(pic, n);

	if (input == NONE)
		return SPURIOUS;
	take(&pic->chip[n], input);
	return (unsigned)input;
}

u8 pic_ack(struct pic *pic)
{
	/* Looked up first: taking the cascade's request in the first chip is no part of it. */
	bool cascade = chip_highest(pic, 0) == PIC_CASCADE && has_slave(pic);
	unsigned input = acknowledge(pic, 0);
	u8 vector = (u8)(pic->chip[0].vector_base + input);

	if (cascade)
		vector = (u8)(pic->chip[1].vector_base + acknowledge(pic, 1));
	update(pic);
	return vector;
}

void pic_set_irq(void *dev, unsigned irq, bool level)
{
	struct pic *pic = dev;
	struct pic_chip *c = &pic->chip[irq / INPUTS % 2];
	u8 bit = (u8)BIT(irq % INPUTS);

	check(irq < PIC_IRQS);
	if (irq == PIC_CASCADE || !!(c->lines & bit) == level)
		return;
	/* An edge is latched, but the input must stay up until it is acknowledged. */
	if (level) {
		c->lines |= bit;
		c->irr |= bit;
	} else {
		c->lines &= (u8)~bit;
		c->irr &= (u8)~bit;
	}
	update(pic);
}

struct wire pic_wire(struct pic *pic, unsigned irq)
{
	check(irq < PIC_IRQS);
	return (struct wire){ pic_set_irq, pic, irq };
}

/* "Initialization Command Words": edge latches and masks are cleared, IR7 is lowest. */
static void write_icw1(struct pic_chip *c, u8 value)
{
	*c = (struct pic_chip){
		.lines = c->lines,
		.elcr = c->elcr,
		.vector_base = c->vector_base,
		.lowest = INPUTS - 1,
		.init_state = 2,
		.need_icw4 = value & ICW1_IC4,
		.single = value & ICW1_SINGLE,
	};
}

static void end_of_interrupt(struct pic_chip *c, int input, bool rotate)
{
	if (input == NONE)
		return;
	c->isr &= (u8)~BIT(input);
	if (rotate)
		c->lowest = (u8)input;
}

static void write_ocw2(struct pic_chip *c, u8 value)
{
	int level = value & OCW2_LEVEL;
	/* In special mask mode a masked level is not ended by a non-specific EOI. */
	u8 endable = c->special_mask ? c->isr & (u8)~c->imr : c->isr;

	switch ((enum ocw2)(value >> OCW2_COMMAND_SHIFT)) {
	case ROTATE_AUTO_OFF:
		c->rotate_auto_eoi = false;
		break;
	case ROTATE_AUTO_ON:
		c->rotate_auto_eoi = true;
		break;
	case EOI:
		end_of_interrupt(c, first_by_priority(c, endable), false);
		break;
	case EOI_ROTATE:
		end_of_interrupt(c, first_by_priority(c, endable), true);
		break;
	case EOI_SPECIFIC:
		end_of_interrupt(c, level, false);
		break;
	case EOI_SPECIFIC_ROTATE:
		end_of_interrupt(c, level, true);
		break;
	case SET_LOWEST:
		c->lowest = (u8)level;
		break;
	case OCW2_NOTHING:
		break;
	}
}

static void write_ocw3(struct pic_chip *c, u8 value)
{
	if (value & OCW3_POLL)
		c->poll = true;
	if (value & OCW3_READ_SELECT)
		c->read_isr = value & OCW3_READ_ISR;
	if (value & OCW3_MASK_SELECT)
		c->special_mask = value & OCW3_MASK_SET;
}

static void write_command(struct pic_chip *c, u8 value)
{
	if (value & ICW1)
		write_icw1(c, value);
	else if (value & OCW3)
		write_ocw3(c, value);
	else
		write_ocw2(c, value);
}

static void write_data(struct pic_chip *c, u8 value)
{
	switch (c->init_state) {
	case 2:
		c->vector_base = value & ICW2_BASE;
		c->init_state = !c->single ? 3 : c->need_icw4 ? 4 : INIT_DONE;
		break;
	case 3: /* where the chips are joined is fixed by the board */
		c->init_state = c->need_icw4 ? 4 : INIT_DONE;
		break;
	case 4:
		c->auto_eoi = value & ICW4_AUTO_EOI;
		c->special_nested = value & ICW4_SPECIAL_NESTED;
		c->init_state = INIT_DONE;
		break;
	default:
		c->imr = value;
		break;
	}
}

/* A poll acknowledges like the CPU, but this chip only. */
static u8 read_poll(struct pic *pic, unsigned n)
{
	int input = chip_highest(pic, n);

	pic->chip[n].poll = false;
	if (input == NONE)
		return SPURIOUS;
	take(&pic->chip[n], input);
	update(pic);
	return (u8)(POLL_INTERRUPT | input);
}

static u32 chip_in(struct pic *pic, unsigned n, bool data)
{
	struct pic_chip *c = &pic->chip[n];

	if (c->poll)
		return read_poll(pic, n);
	if (data)
		return c->imr;
	return c->read_isr ? c->isr : requests(pic, n);
}

static u32 pic_in(void *dev, u16 port, unsigned size)
{
	struct pic *pic = dev;

	if (size != 1)
		return bus_split_in(pic->bus, port, size);
	return chip_in(pic, port >= PIC_SLAVE_PORT, port & 1);
}

static void pic_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct pic *pic = dev;
	struct pic_chip *c = &pic->chip[port >= PIC_SLAVE_PORT];

	if (size != 1) {
		bus_split_out(pic->bus, port, size, value);
		return;
	}
	if (port & 1)
		write_data(c, (u8)value);
	else
		write_command(c, (u8)value);
	update(pic);
}

static u32 elcr_in(void *dev, u16 port, unsigned size)
{
	struct pic *pic = dev;

	return size == 1 ? pic->chip[port & 1].elcr : bus_split_in(pic->bus, port, size);
}

static void elcr_out(void *dev, u16 port, unsigned size, u32 value)
{
	static const u8 fixed[2] = { ELCR_FIXED_MASTER, ELCR_FIXED_SLAVE };
	struct pic *pic = dev;

	if (size != 1) {
		bus_split_out(pic->bus, port, size, value);
		return;
	}
	pic->chip[port & 1].elcr = (u8)value & (u8)~fixed[port & 1];
	update(pic);
}

void pic_reset(struct pic *pic)
{
	for (unsigned n = 0; n < 2; n++)
		pic->chip[n] = (struct pic_chip){ .lines = pic->chip[n].lines,
						  .lowest = INPUTS - 1,
						  .init_state = 2 };
	update(pic);
}

/* Open: timer, keyboard, cascade, floppy disk; clock, mouse, FPU, first hard disk. */
#define FIRMWARE_MASTER_MASK 0xb8
#define FIRMWARE_SLAVE_MASK 0x8e

void pic_after_firmware(struct pic *pic)
{
	static const u8 base[2] = { 0x08, 0x70 };
	static const u8 mask[2] = { FIRMWARE_MASTER_MASK, FIRMWARE_SLAVE_MASK };

	for (unsigned n = 0; n < 2; n++) {
		struct pic_chip *c = &pic->chip[n];

		write_icw1(c, ICW1_IC4);
		c->vector_base = base[n];
		c->imr = mask[n];
		c->init_state = INIT_DONE;
	}
	update(pic);
}

void pic_init(struct pic *pic, struct bus *bus, struct wire intr)
{
	const u16 chip_port[] = { PIC_MASTER_PORT, PIC_SLAVE_PORT };

	*pic = (struct pic){ .bus = bus, .intr = intr };
	for (unsigned n = 0; n < ARRAY_SIZE(chip_port); n++)
		bus_claim_ports(bus, (struct port_range){ chip_port[n], (u16)(chip_port[n] + 1),
							  pic_in, pic_out, pic });
	bus_claim_ports(
	    bus, (struct port_range){ PIC_ELCR_PORT, PIC_ELCR_PORT + 1, elcr_in, elcr_out, pic });
	pic_reset(pic);
}

static void save_chip(const struct pic_chip *c, struct state_buf *buf)
{
	const u8 bytes[] = { c->irr,	      c->imr,
			     c->isr,	      c->lines,
			     c->elcr,	      c->vector_base,
			     c->lowest,	      c->init_state,
			     c->need_icw4,    c->single,
			     c->auto_eoi,     c->rotate_auto_eoi,
			     c->special_mask, c->special_nested,
			     c->read_isr,     c->poll };

	state_put_bytes(buf, bytes, sizeof(bytes));
}

static bool get_flag(struct state_buf *buf)
{
	return state_get_max(buf, 1, 1, "a flag of the PIC is neither 0 nor 1");
}

static void load_chip(struct pic_chip *c, struct state_buf *buf)
{
	c->irr = (u8)state_get(buf, 1);
	c->imr = (u8)state_get(buf, 1);
	c->isr = (u8)state_get(buf, 1);
	c->lines = (u8)state_get(buf, 1);
	c->elcr = (u8)state_get(buf, 1);
	c->vector_base = (u8)state_get(buf, 1);
	c->lowest = (u8)state_get_max(buf, 1, INPUTS - 1, "the PIC's lowest priority is no input");
	c->init_state = (u8)state_get_max(buf, 1, 4, "the PIC waits for an unknown ICW");
	c->need_icw4 = get_flag(buf);
	c->single = get_flag(buf);
	c->auto_eoi = get_flag(buf);
	c->rotate_auto_eoi = get_flag(buf);
	c->special_mask = get_flag(buf);
	c->special_nested = get_flag(buf);
	c->read_isr = get_flag(buf);
	c->poll = get_flag(buf);
	if (c->init_state == 1)
		state_refuse(buf, "the PIC waits for an unknown ICW");
	if (c->vector_base & ~ICW2_BASE)
		state_refuse(buf, "the PIC's vector base is no multiple of 8");
}

void pic_save(const struct pic *pic, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_PIC, PIC_VERSION);

	for (unsigned n = 0; n < 2; n++)
		save_chip(&pic->chip[n], buf);
	state_end_section(buf, begin);
}

int pic_load(struct pic *pic, struct state_buf *buf)
{
	struct pic new = *pic;

	for (unsigned n = 0; n < 2; n++)
		load_chip(&new.chip[n], buf);
	if (new.chip[0].elcr & ELCR_FIXED_MASTER || new.chip[1].elcr &ELCR_FIXED_SLAVE)
		state_refuse(buf, "the PIC's ELCR has impossible bits");
	if (buf->error)
		return -1;
	*pic = new;
	update(pic);
	return 0;
}
