/* ps2.c - see ps2.h; pure, tested on the host */
#include "dev/ps2.h"

#include "lib/string.h"
#include "vm/state.h"

enum answer {
	ACKNOWLEDGE = 0xfa,
	RESEND = 0xfe,
	ECHO = 0xee,
	TEST_PASSED = 0xaa,
	KEYBOARD_ID = 0xab, /* and its second byte */
	KEYBOARD_ID_2 = 0x83,
	MOUSE_ID = 0x00,
};

/* Of both, */
enum command {
	SET_DEFAULTS = 0xf6,
	DISABLE = 0xf5,
	ENABLE = 0xf4,
	SET_RATE = 0xf3,
	IDENTIFY = 0xf2,
	REPEAT = 0xfe,
	RESET = 0xff,
	/* of the keyboard, */
	SET_LIGHTS = 0xed,
	SCAN_SET = 0xf0,
	KEYS_FIRST = 0xf7, /* ..0xfa: how all keys repeat */
	KEYS_LAST = 0xfa,
	/* of the mouse */
	SCALING_1 = 0xe6,
	SCALING_2 = 0xe7,
	SET_RESOLUTION = 0xe8,
	GET_STATUS = 0xe9,
	STREAM_MODE = 0xea,
	READ_DATA = 0xeb,
	REMOTE_MODE = 0xf0,
};

#define DEFAULT_SCAN_SET 2
#define DEFAULT_RATE 100
#define DEFAULT_RESOLUTION 2
#define STATUS_ENABLED 0x20
#define STATUS_SCALING 0x10
#define PACKET_FIRST 0x08 /* no button, no movement; this bit is always set */

static void say(struct ps2 *d, u8 byte)
{
	if (d->count < PS2_QUEUE)
		d->queue[d->count++] = byte;
}

static void set_defaults(struct ps2 *d)
{
	d->scan_set = DEFAULT_SCAN_SET;
	d->rate = DEFAULT_RATE;
	d->resolution = DEFAULT_RESOLUTION;
	d->scaling = 0;
	d->enabled = !d->mouse;
}

static void argument(struct ps2 *d, u8 command, u8 byte)
{
	say(d, ACKNOWLEDGE);
	if (d->mouse && command == SET_RATE)
		d->rate = byte;
	else if (d->mouse)
		d->resolution = byte;
	else if (command == SCAN_SET && !byte)
		say(d, d->scan_set);
	else if (command == SCAN_SET && byte <= 3)
		d->scan_set = byte;
}

/* False: not one of both kinds of device. */
static bool common_command(struct ps2 *d, u8 command)
{
	switch (command) {
	case SET_DEFAULTS:
		set_defaults(d);
		break;
	case ENABLE:
	case DISABLE:
		d->enabled = command == ENABLE;
		break;
	case SET_RATE:
		d->wants = command;
		break;
	default:
		return false;
	}
	say(d, ACKNOWLEDGE);
	return true;
}

static void keyboard_command(struct ps2 *d, u8 command)
{
	switch (command) {
	case ECHO:
		say(d, ECHO);
		break;
	case SET_LIGHTS:
	case SCAN_SET:
		d->wants = command;
		say(d, ACKNOWLEDGE);
		break;
	case KEYS_FIRST ... KEYS_LAST:
		say(d, ACKNOWLEDGE);
		break;
	case IDENTIFY:
		say(d, ACKNOWLEDGE);
		say(d, KEYBOARD_ID);
		say(d, KEYBOARD_ID_2);
		break;
	case RESET:
		set_defaults(d);
		say(d, ACKNOWLEDGE);
		say(d, TEST_PASSED);
		break;
	default:
		say(d, RESEND);
	}
}

static void say_status(struct ps2 *d)
{
	say(d, ACKNOWLEDGE);
	say(d, (d->enabled ? STATUS_ENABLED : 0) | (d->scaling ? STATUS_SCALING : 0));
	say(d, d->resolution);
	say(d, d->rate);
}

static void mouse_command(struct ps2 *d, u8 command)
{
	switch (command) {
	case SCALING_1:
	case SCALING_2:
		d->scaling = command == SCALING_2;
		say(d, ACKNOWLEDGE);
		break;
	case SET_RESOLUTION:
		d->wants = command;
		say(d, ACKNOWLEDGE);
		break;
	case STREAM_MODE:
	case REMOTE_MODE:
		say(d, ACKNOWLEDGE);
		break;
	case GET_STATUS:
		say_status(d);
		break;
	case READ_DATA:
		say(d, ACKNOWLEDGE);
		say(d, PACKET_FIRST);
		say(d, 0);
		say(d, 0);
		break;
	case IDENTIFY:
		say(d, ACKNOWLEDGE);
		say(d, MOUSE_ID);
		break;
	case RESET:
		set_defaults(d);
		say(d, ACKNOWLEDGE);
		say(d, TEST_PASSED);
		say(d, MOUSE_ID);
		break;
	default:
		say(d, RESEND);
	}
}

void ps2_send(struct ps2 *d, u8 byte)
{
	u8 command = d->wants;

	d->wants = 0;
	d->count = 0;
	if (byte == REPEAT)
		say(d, d->last);
	else if (command)
		argument(d, command, byte);
	else if (common_command(d, byte))
		return;
	else if (d->mouse)
		mouse_command(d, byte);
	else
		keyboard_command(d, byte);
}

bool ps2_take(struct ps2 *d, u8 *byte)
{
	if (!d->count)
		return false;
	*byte = d->last = d->queue[0];
	memmove(d->queue, d->queue + 1, --d->count);
	return true;
}

void ps2_reset(struct ps2 *d)
{
	ps2_init(d, d->mouse);
}

void ps2_init(struct ps2 *d, bool mouse)
{
	*d = (struct ps2){ .mouse = mouse };
	set_defaults(d);
}

void ps2_save(const struct ps2 *d, struct state_buf *buf)
{
	const u8 values[] = { d->wants, d->last,       d->scan_set, d->rate,
			      d->resolution, d->scaling, d->enabled,  d->count };

	state_put_bytes(buf, values, sizeof(values));
	state_put_bytes(buf, d->queue, sizeof(d->queue));
}

void ps2_load(struct ps2 *d, struct state_buf *buf)
{
	d->wants = (u8)state_get(buf, 1);
	d->last = (u8)state_get(buf, 1);
	d->scan_set = (u8)state_get_max(buf, 1, 3, "a keyboard has no such scan codes");
	d->rate = (u8)state_get(buf, 1);
	d->resolution = (u8)state_get(buf, 1);
	d->scaling = (u8)state_get_max(buf, 1, 1, "a mouse scales by 1 or 2");
	d->enabled = (u8)state_get_max(buf, 1, 1, "a keyboard or mouse is on or off");
	d->count = (u8)state_get_max(buf, 1, PS2_QUEUE, "a keyboard or mouse says too much");
	state_get_bytes(buf, d->queue, sizeof(d->queue));
}
