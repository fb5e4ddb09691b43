/* i8042.c - see i8042.h; pure, tested on the host */
#include "dev/i8042.h"

#include "dev/section.h"
#include "lib/string.h"

#define DATA_PORT 0x60
#define COMMAND_PORT 0x64
#define SYSTEM_PORT 0x92

#define STATUS_FULL 0x01
#define STATUS_SYSTEM 0x04
#define STATUS_COMMAND 0x08 /* the last byte written was a command */
#define STATUS_UNLOCKED 0x10
#define STATUS_AUX 0x20

#define COMMAND_BYTE_IRQ 0x01
#define COMMAND_BYTE_AUX_IRQ 0x02
#define COMMAND_BYTE_SYSTEM 0x04
#define COMMAND_BYTE_DISABLE 0x10
#define COMMAND_BYTE_AUX_DISABLE 0x20
#define COMMAND_BYTE_TRANSLATE 0x40

enum command {
	READ_RAM = 0x20,  /* ..0x3f; byte 0 is the command byte */
	WRITE_RAM = 0x60, /* ..0x7f */
	RAM_BYTES = 0x20,
	AUX_DISABLE = 0xa7,
	AUX_ENABLE = 0xa8,
	AUX_TEST = 0xa9,
	SELF_TEST = 0xaa,
	KEYBOARD_TEST = 0xab,
	KEYBOARD_DISABLE = 0xad,
	KEYBOARD_ENABLE = 0xae,
	READ_INPUT_PORT = 0xc0,
	READ_OUTPUT_PORT = 0xd0,
	WRITE_OUTPUT_PORT = 0xd1,
	WRITE_OUTPUT = 0xd2, /* as if the keyboard had sent it */
	WRITE_AUX_OUTPUT = 0xd3,
	WRITE_AUX = 0xd4,
	A20_OFF = 0xdd,
	A20_ON = 0xdf,
	READ_TEST_INPUTS = 0xe0,
	PULSE = 0xf0, /* ..0xff: the lines whose bits are 0 */
};

#define SELF_TEST_PASSED 0x55
#define TEST_PASSED 0x00
#define INPUT_PORT 0x80 /* keyboard not locked */

#define OUTPUT_PORT_NO_RESET 0x01
#define OUTPUT_PORT_A20 0x02
#define OUTPUT_PORT_IRQ 0x10
#define OUTPUT_PORT_AUX_IRQ 0x20

#define SYSTEM_RESET 0x01
#define SYSTEM_A20 0x02

#define I8042_VERSION 2 /* with keyboard, mouse and the gate */

static void update_irqs(struct i8042 *k)
{
	wire_set(&k->irq, k->full && !k->aux && k->command & COMMAND_BYTE_IRQ);
	wire_set(&k->aux_irq, k->full && k->aux && k->command & COMMAND_BYTE_AUX_IRQ);
}

/* The controller speaks.  A byte that was not fetched yet is lost. */
static void answer(struct i8042 *k, u8 byte, bool aux)
{
	k->output = byte;
	k->full = true;
	k->aux = aux;
	update_irqs(k);
}

/* Set 1 of what keyboards say: of their answers only the second byte of their name has another. */
static u8 translate(const struct i8042 *k, u8 byte)
{
	return k->command & COMMAND_BYTE_TRANSLATE && byte == 0x83 ? 0x41 : byte;
}

/* Keyboard and mouse speak when the buffer is empty. */
static void listen(struct i8042 *k)
{
	u8 byte;

	if (k->full)
		return;
	if (!(k->command & COMMAND_BYTE_DISABLE) && ps2_take(&k->keyboard, &byte))
		answer(k, translate(k, byte), false);
	else if (!(k->command & COMMAND_BYTE_AUX_DISABLE) && ps2_take(&k->mouse, &byte))
		answer(k, byte, true);
}

static void request_reset(const struct i8042 *k)
{
	if (k->lines.reset)
		k->lines.reset(k->lines.ctx);
}

/* The gate follows who spoke last, of its two controls; each reads back what it was told. */
static void set_gate(struct i8042 *k, bool a20)
{
	if (a20 == k->a20)
		return;
	k->a20 = a20;
	if (k->lines.a20)
		k->lines.a20(k->lines.ctx, a20);
}

static void set_a20(struct i8042 *k, bool enabled)
{
	k->output_port =
	    (u8)((k->output_port & ~OUTPUT_PORT_A20) | (enabled ? OUTPUT_PORT_A20 : 0));
	set_gate(k, enabled);
}

static void set_command_byte(struct i8042 *k, u8 set, u8 clear)
{
	k->command = (u8)((k->command | set) & ~clear);
	update_irqs(k);
}

static u8 read_output_port(const struct i8042 *k)
{
	return (u8)(OUTPUT_PORT_NO_RESET | k->output_port |
		    (k->full && !k->aux ? OUTPUT_PORT_IRQ : 0) |
		    (k->full && k->aux ? OUTPUT_PORT_AUX_IRQ : 0));
}

static void self_test(struct i8042 *k)
{
	k->status |= STATUS_SYSTEM;
	set_command_byte(k, COMMAND_BYTE_SYSTEM, 0);
	answer(k, SELF_TEST_PASSED, false);
}

static void write_command(struct i8042 *k, u8 command)
{
	k->status |= STATUS_COMMAND;
	k->pending = 0;
	switch (command) {
	case READ_RAM ... READ_RAM + RAM_BYTES - 1:
		answer(k, command == READ_RAM ? k->command : k->ram[command - READ_RAM], false);
		break;
	case WRITE_RAM ... WRITE_RAM + RAM_BYTES - 1:
	case WRITE_OUTPUT_PORT ... WRITE_AUX:
		k->pending = command;
		break;
	case AUX_DISABLE:
		set_command_byte(k, COMMAND_BYTE_AUX_DISABLE, 0);
		break;
	case AUX_ENABLE:
		set_command_byte(k, 0, COMMAND_BYTE_AUX_DISABLE);
		break;
	case KEYBOARD_DISABLE:
		set_command_byte(k, COMMAND_BYTE_DISABLE, 0);
		break;
	case KEYBOARD_ENABLE:
		set_command_byte(k, 0, COMMAND_BYTE_DISABLE);
		break;
	case SELF_TEST:
		self_test(k);
		break;
	case AUX_TEST:
	case KEYBOARD_TEST:
		answer(k, TEST_PASSED, false);
		break;
	case READ_INPUT_PORT:
		answer(k, INPUT_PORT, false);
		break;
	case READ_OUTPUT_PORT:
		answer(k, read_output_port(k), false);
		break;
	case READ_TEST_INPUTS:
		answer(k, 0, false);
		break;
	case A20_OFF:
	case A20_ON:
		set_a20(k, command == A20_ON);
		break;
	case PULSE ... PULSE + 0xf:
		if (!(command & OUTPUT_PORT_NO_RESET))
			request_reset(k);
		break;
	default: /* not known to the controller: no answer */
		break;
	}
}

static void write_data(struct i8042 *k, u8 byte)
{
	u8 command = k->pending;

	k->status &= (u8)~STATUS_COMMAND;
	k->pending = 0;
	switch (command) {
	case WRITE_RAM:
		k->command = byte;
		k->status = (u8)((k->status & ~STATUS_SYSTEM) |
				 (byte & COMMAND_BYTE_SYSTEM ? STATUS_SYSTEM : 0));
		update_irqs(k);
		break;
	case WRITE_RAM + 1 ... WRITE_RAM + RAM_BYTES - 1:
		k->ram[command - WRITE_RAM] = byte;
		break;
	case WRITE_OUTPUT_PORT:
		set_a20(k, byte & OUTPUT_PORT_A20);
		if (!(byte & OUTPUT_PORT_NO_RESET))
			request_reset(k);
		break;
	case WRITE_OUTPUT:
	case WRITE_AUX_OUTPUT:
		answer(k, byte, command == WRITE_AUX_OUTPUT);
		break;
	case WRITE_AUX:
		k->command &= (u8)~COMMAND_BYTE_AUX_DISABLE;
		ps2_send(&k->mouse, byte);
		break;
	default: /* talking to them wakes them */
		k->command &= (u8)~COMMAND_BYTE_DISABLE;
		ps2_send(&k->keyboard, byte);
		break;
	}
}

static u8 read_data(struct i8042 *k)
{
	u8 byte = k->output;

	k->full = false;
	update_irqs(k);
	listen(k);
	return byte;
}

static u32 i8042_in(void *dev, u16 port, unsigned size)
{
	struct i8042 *k = dev;

	if (size != 1)
		return bus_split_in(k->bus, port, size);
	if (port == SYSTEM_PORT)
		return k->system_port;
	if (port == DATA_PORT)
		return read_data(k);
	return k->status | STATUS_UNLOCKED | (k->full ? STATUS_FULL : 0) |
	       (k->full && k->aux ? STATUS_AUX : 0);
}

static void i8042_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct i8042 *k = dev;

	if (size != 1) {
		bus_split_out(k->bus, port, size, value);
	} else if (port == DATA_PORT) {
		write_data(k, (u8)value);
	} else if (port == COMMAND_PORT) {
		write_command(k, (u8)value);
	} else {
		/* The reset bit acts on its rising edge, and reads back. */
		bool reset = value & ~(u32)k->system_port & SYSTEM_RESET;

		k->system_port = value & (SYSTEM_A20 | SYSTEM_RESET);
		set_gate(k, value & SYSTEM_A20);
		if (reset)
			request_reset(k);
	}
	listen(k);
}

void i8042_reset(struct i8042 *k)
{
	bool a20 = k->a20;

	k->status = STATUS_SYSTEM;
	k->command = COMMAND_BYTE_SYSTEM;
	k->pending = k->output = 0;
	k->full = k->aux = false;
	memset(k->ram, 0, sizeof(k->ram));
	ps2_reset(&k->keyboard);
	ps2_reset(&k->mouse);
	k->output_port = OUTPUT_PORT_A20;
	k->system_port = SYSTEM_A20;
	k->a20 = true;
	if (!a20 && k->lines.a20)
		k->lines.a20(k->lines.ctx, true);
	update_irqs(k);
}

void i8042_after_firmware(struct i8042 *k)
{
	k->command = COMMAND_BYTE_IRQ | COMMAND_BYTE_AUX_DISABLE | COMMAND_BYTE_TRANSLATE;
	update_irqs(k);
}

void i8042_init(struct i8042 *k, struct bus *bus, struct wire irq, struct wire aux_irq,
		const struct i8042_lines *lines)
{
	const u16 port[] = { DATA_PORT, COMMAND_PORT, SYSTEM_PORT };

	*k = (struct i8042){
		.bus = bus, .irq = irq, .aux_irq = aux_irq, .lines = *lines, .a20 = true
	};
	ps2_init(&k->keyboard, false);
	ps2_init(&k->mouse, true);
	for (unsigned i = 0; i < ARRAY_SIZE(port); i++)
		bus_claim_ports(bus,
				(struct port_range){ port[i], port[i], i8042_in, i8042_out, k });
	i8042_reset(k);
}

void i8042_save(const struct i8042 *k, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_I8042, I8042_VERSION);

	state_put(buf, k->status, 1);
	state_put(buf, k->command, 1);
	state_put(buf, k->pending, 1);
	state_put(buf, k->output, 1);
	state_put(buf, k->output_port, 1);
	state_put(buf, k->system_port, 1);
	state_put(buf, k->full, 1);
	state_put(buf, k->aux, 1);
	state_put_bytes(buf, k->ram, sizeof(k->ram));
	state_put(buf, k->a20, 1);
	ps2_save(&k->keyboard, buf);
	ps2_save(&k->mouse, buf);
	state_end_section(buf, begin);
}

int i8042_load(struct i8042 *k, struct state_buf *buf)
{
	struct i8042 n = *k;
	bool a20;

	n.status = (u8)state_get(buf, 1);
	n.command = (u8)state_get(buf, 1);
	n.pending = (u8)state_get(buf, 1);
	n.output = (u8)state_get(buf, 1);
	n.output_port = (u8)state_get(buf, 1);
	n.system_port =
	    (u8)state_get_max(buf, 1, SYSTEM_A20 | SYSTEM_RESET, "port 0x92 has unknown bits");
	n.full = state_get_max(buf, 1, 1, "a flag of the i8042 is neither 0 nor 1");
	n.aux = state_get_max(buf, 1, 1, "a flag of the i8042 is neither 0 nor 1");
	state_get_bytes(buf, n.ram, sizeof(n.ram));
	a20 = state_get_max(buf, 1, 1, "gate A20 is neither open nor closed");
	ps2_load(&n.keyboard, buf);
	ps2_load(&n.mouse, buf);
	if (n.status & ~(STATUS_SYSTEM | STATUS_COMMAND) ||
	    n.output_port & ~OUTPUT_PORT_A20)
		state_refuse(buf, "the i8042's status or output port has impossible bits");
	if (buf->error)
		return -1;
	*k = n;
	set_gate(k, a20);
	update_irqs(k);
	return 0;
}
