/* pit.c - see pit.h; pure, tested on the host */
#include "dev/pit.h"

#include "dev/clock.h"
#include "dev/section.h"

#define PIT_PORT 0x40 /* counters at 0x40..0x42, control word at 0x43 */
#define PIT_CONTROL_PORT 0x43
#define SYSTEM_PORT 0x61

#define CONTROL_CHANNEL_SHIFT 6
#define CONTROL_READ_BACK 3 /* instead of a channel */
#define CONTROL_ACCESS_SHIFT 4
#define CONTROL_ACCESS 3 /* 0: latch the count */
#define CONTROL_MODE_SHIFT 1
#define CONTROL_MODE 7
#define CONTROL_BCD 0x01
#define READ_BACK_NO_COUNT 0x20
#define READ_BACK_NO_STATUS 0x10
#define STATUS_OUT 0x80
#define STATUS_NULL 0x40

#define ACCESS_LOW 1
#define ACCESS_HIGH 2
#define ACCESS_BOTH 3

#define SYSTEM_GATE2 0x01
#define SYSTEM_WRITABLE 0x0f
#define SYSTEM_REFRESH 0x10
#define SYSTEM_OUT2 0x20

#define COUNTS_BINARY 0x10000u
#define COUNTS_BCD 10000u
/* Memory is refreshed every 18 ticks; port 0x61 shows a bit that each refresh toggles. */
#define REFRESH_TICKS 18
/* PIT_MIN_PERIOD_NS in ticks, rounded up. */
#define MIN_PERIOD_TICKS ((PIT_MIN_PERIOD_NS * PIT_HZ + NS_PER_S - 1) / NS_PER_S)
#define NEVER (~0ull)

#define PIT_VERSION 3 /* with the mode as written, and ticks that are owed */

/* [8254] "Mode Definitions" */
enum mode {
	MODE_TERMINAL_COUNT,
	MODE_ONE_SHOT,
	MODE_RATE,
	MODE_SQUARE,
	MODE_STROBE,
	MODE_HARDWARE_STROBE,
};

static u64 now_tick(const struct pit *pit)
{
	return clock_ticks(pit->bus->now(pit->bus), PIT_HZ);
}

static bool periodic(const struct pit_channel *c)
{
	return c->mode == MODE_RATE || c->mode == MODE_SQUARE;
}

/* In these a rising gate starts the count; in the others its level lets it run. */
static bool gate_triggered(const struct pit_channel *c)
{
	return c->mode == MODE_ONE_SHOT || c->mode == MODE_HARDWARE_STROBE;
}

static u32 counts(const struct pit_channel *c)
{
	return c->bcd ? COUNTS_BCD : COUNTS_BINARY;
}

static u64 elapsed(const struct pit_channel *c, u64 now)
{
	if (!c->counting)
		return 0;
	return c->gate || gate_triggered(c) ? now - c->start : c->frozen;
}

/* Ticks of a square wave's period during which the output is high. */
static u32 high_half(u32 reload)
{
	return (reload + 1) / 2;
}

static bool output(const struct pit_channel *c, u64 now)
{
	u64 e = elapsed(c, now);

	switch ((enum mode)c->mode) {
	case MODE_TERMINAL_COUNT:
		return c->counting && e >= c->reload;
	case MODE_ONE_SHOT:
		return !c->counting || e >= c->reload;
	case MODE_RATE:
		return !c->counting || !c->gate || e % c->reload != c->reload - 1;
	case MODE_SQUARE:
		return !c->counting || !c->gate || e % c->reload < high_half(c->reload);
	case MODE_STROBE:
	case MODE_HARDWARE_STROBE:
		break;
	}
	return !c->counting || e != c->reload;
}

static u16 to_bcd(u32 n)
{
	return (u16)(n / 1000 % 10 << 12 | n / 100 % 10 << 8 | n / 10 % 10 << 4 | n % 10);
}

/* A digit above 9 is no BCD; it counts for what its bits are worth. */
static u32 from_bcd(u32 bcd)
{
	return (bcd >> 12) * 1000 + (bcd >> 8 & 15) * 100 + (bcd >> 4 & 15) * 10 + (bcd & 15);
}

/* Two steps a tick, in either half of the period; odd counts are loaded less one. */
static u32 square_value(const struct pit_channel *c, u64 e)
{
	u32 phase = (u32)(e % c->reload);
	u32 half = high_half(c->reload);

	if (phase >= half)
		phase -= half;
	return (c->reload & ~1u) - MIN(2 * phase, c->reload & ~1u);
}

/* What the counting element shows. */
static u16 value(const struct pit_channel *c, u64 now)
{
	u64 e = elapsed(c, now);
	u32 v;

	if (c->mode == MODE_SQUARE)
		v = square_value(c, e);
	else if (c->mode == MODE_RATE)
		v = c->reload - (u32)(e % c->reload);
	else
		v = c->reload + counts(c) - (u32)(e % counts(c));
	v %= counts(c);
	return c->bcd ? to_bcd(v) : (u16)v;
}

static void load(struct pit_channel *c, u64 start)
{
	c->reload = c->next_reload;
	c->next_reload = 0;
	c->null_count = false;
	c->counting = true;
	c->start = start;
	c->frozen = 0;
}

/* A count written to a running periodic channel takes over at its tick. */
static void settle(struct pit_channel *c, u64 now)
{
	if (c->next_reload && c->counting && periodic(c) && c->gate && now >= c->switch_tick) {
		u64 at = c->switch_tick;

		/* A square wave changes at a half: the new low half begins where a period would
		 * end. */
		load(c, c->switch_low ? at - high_half(c->next_reload) : at);
	}
}

/* The tick of the next rising edge after now, or NEVER. */
static u64 next_edge(const struct pit_channel *c, u64 now)
{
	u64 end = c->start + c->reload;

	if (!c->counting || !c->gate)
		return NEVER;
	if (periodic(c)) {
		u64 from = c->reload < MIN_PERIOD_TICKS ? now + MIN_PERIOD_TICKS - 1 : now;

		if (c->next_reload && c->switch_low)
			return c->switch_tick + c->next_reload - high_half(c->next_reload);
		if (c->next_reload)
			return c->switch_tick;
		return c->start + ((from - c->start) / c->reload + 1) * c->reload;
	}
	if (c->mode == MODE_STROBE)
		end++;
	return c->mode != MODE_ONE_SHOT && c->mode != MODE_HARDWARE_STROBE && end > now ? end
											: NEVER;
}

/* Ticks come at a rate at which a guest can be given them one by one, and a bit faster. */
static bool paced(const struct pit_channel *c)
{
	return periodic(c) && c->counting && c->gate && !c->next_reload &&
	       c->reload >= 2 * MIN_PERIOD_TICKS;
}

/* The next rising edge as the policy wants it, later than now; or NEVER. */
static u64 planned_edge(struct pit *pit, u64 now)
{
	const struct pit_channel *c = &pit->channel[0];

	if (!paced(c))
		return next_edge(c, now);
	ticks_set(&pit->ticks, now, c->start, c->reload);
	return MAX(ticks_next(&pit->ticks, now), now + 1);
}

/* Arm for the next edge of counter 0, and give IRQ 0 the level it has until then. */
static void update(struct pit *pit, u64 now)
{
	struct pit_channel *c = &pit->channel[0];
	u64 edge;

	settle(c, now);
	edge = planned_edge(pit, now);
	if (edge == NEVER)
		bus_alarm_cancel(&pit->alarm);
	else
		bus_alarm_set(&pit->alarm, clock_ns(edge, PIT_HZ));
	/* The low phases of the other modes are not driven: only their end matters (fire). */
	wire_set(&pit->irq, c->mode != MODE_TERMINAL_COUNT || output(c, now));
}

static void fire(void *dev)
{
	struct pit *pit = dev;
	u64 now = now_tick(pit);

	if (paced(&pit->channel[0]))
		ticks_give(&pit->ticks, now);
	if (pit->channel[0].mode != MODE_TERMINAL_COUNT)
		wire_set(&pit->irq, false);
	update(pit, now);
}

/* Before a guest changes anything: what was due by then has happened. */
static u64 catch_up(struct pit *pit)
{
	u64 now_ns = pit->bus->now(pit->bus);

	if (pit->alarm.armed && pit->alarm.when_ns <= now_ns) {
		bus_alarm_cancel(&pit->alarm);
		fire(pit);
	}
	for (unsigned i = 0; i < PIT_CHANNELS; i++)
		settle(&pit->channel[i], now_tick(pit));
	return now_tick(pit);
}

/* Where a new count takes over from a running one: the end of the period, or half period. */
static void plan_switch(struct pit_channel *c, u64 now)
{
	u64 e = elapsed(c, now);
	u64 phase = e % c->reload;
	u32 half = high_half(c->reload);

	c->switch_low = c->mode == MODE_SQUARE && phase < half;
	c->switch_tick = now - phase + (c->switch_low ? half : c->reload);
}

static void write_count(struct pit_channel *c, u32 n, u64 now)
{
	if (c->bcd)
		n = from_bcd(n);
	c->next_reload = n ? MIN(n, counts(c)) : counts(c);
	c->null_count = true;
	if (gate_triggered(c))
		return;
	if (periodic(c) && c->counting)
		plan_switch(c, now);
	else
		load(c, now);
}

static void write_counter(struct pit_channel *c, u8 byte, u64 now)
{
	if (c->access == ACCESS_LOW) {
		write_count(c, byte, now);
	} else if (c->access == ACCESS_HIGH) {
		write_count(c, (u32)byte << 8, now);
	} else if (!c->write_high) {
		c->write_low = byte;
		c->write_high = true;
		if (c->mode == MODE_TERMINAL_COUNT)
			c->counting = false; /* its output falls with the first byte */
	} else {
		c->write_high = false;
		write_count(c, (u32)byte << 8 | c->write_low, now);
	}
}

static void latch_count(struct pit_channel *c, u64 now)
{
	if (c->latched_bytes)
		return;
	c->latch_value = value(c, now);
	c->latched_bytes = c->access == ACCESS_BOTH ? 2 : 1;
	c->read_high = false;
}

static void latch_status(struct pit_channel *c, u64 now)
{
	if (c->status_latched)
		return;
	c->status_latched = true;
	c->status = (u8)((output(c, now) ? STATUS_OUT : 0) | (c->null_count ? STATUS_NULL : 0) |
			 c->access << CONTROL_ACCESS_SHIFT | c->mode_written << CONTROL_MODE_SHIFT |
			 (c->bcd ? CONTROL_BCD : 0));
}

static u8 read_counter(struct pit_channel *c, u64 now)
{
	u16 v = c->latched_bytes ? c->latch_value : value(c, now);
	bool high = c->access == ACCESS_HIGH;

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	if (c->access == ACCESS_BOTH) {
		high = c->read_high;
		c->read_high = !high;
	}
	if (c->latched_bytes)
		c->latched_bytes--;
	return (u8)(high ? v >> 8 : v);
}

/* A control word: the counter stops until a count is written, its output goes to its idle level. */
static void program(struct pit_channel *c, u8 word)
{
	u8 mode = word >> CONTROL_MODE_SHIFT & CONTROL_MODE;

	*c = (struct pit_channel){
		.mode = mode > MODE_HARDWARE_STROBE ? mode - 4 : mode, /* 6 and 7 are 2 and 3 */
		.mode_written = mode,
		.access = word >> CONTROL_ACCESS_SHIFT & CONTROL_ACCESS,
		.bcd = word & CONTROL_BCD,
		.gate = c->gate,
		.null_count = true,
		.reload = word & CONTROL_BCD ? COUNTS_BCD : COUNTS_BINARY,
	};
}

static void write_control(struct pit *pit, u8 word, u64 now)
{
	unsigned n = word >> CONTROL_CHANNEL_SHIFT;

	if (n == CONTROL_READ_BACK) {
		for (unsigned i = 0; i < PIT_CHANNELS; i++) {
			if (!(word & BIT(i + 1)))
				continue;
			if (!(word & READ_BACK_NO_COUNT))
				latch_count(&pit->channel[i], now);
			if (!(word & READ_BACK_NO_STATUS))
				latch_status(&pit->channel[i], now);
		}
	} else if (!(word >> CONTROL_ACCESS_SHIFT & CONTROL_ACCESS)) {
		latch_count(&pit->channel[n], now);
	} else {
		program(&pit->channel[n], word);
	}
}

static void set_gate(struct pit_channel *c, bool gate, u64 now)
{
	if (gate == c->gate)
		return;
	if (!gate) {
		/* What has expired stays expired, though its count would go on around. */
		c->frozen = (u32)(periodic(c) ? elapsed(c, now) % c->reload
					      : MIN(elapsed(c, now), c->reload + 1ull));
		c->gate = false;
		return;
	}
	c->gate = true;
	if (gate_triggered(c) || periodic(c)) {
		bool loaded = c->next_reload || c->counting;

		if (!c->next_reload)
			c->next_reload = c->reload;
		if (loaded)
			load(c, now);
		else
			c->next_reload = 0;
	} else if (c->counting) {
		c->start = now - c->frozen;
	}
}

static u32 pit_in(void *dev, u16 port, unsigned size)
{
	struct pit *pit = dev;
	u64 now;

	if (size != 1)
		return bus_split_in(pit->bus, port, size);
	if (port == PIT_CONTROL_PORT)
		return 0xff; /* cannot be read: the bus floats */
	now = catch_up(pit);
	return read_counter(&pit->channel[port - PIT_PORT], now);
}

static void pit_out(void *dev, u16 port, unsigned size, u32 byte)
{
	struct pit *pit = dev;
	u64 now;

	if (size != 1) {
		bus_split_out(pit->bus, port, size, byte);
		return;
	}
	now = catch_up(pit);
	if (port == PIT_CONTROL_PORT)
		write_control(pit, (u8)byte, now);
	else
		write_counter(&pit->channel[port - PIT_PORT], (u8)byte, now);
	update(pit, now);
}

static u32 system_in(void *dev, u16 port, unsigned size)
{
	struct pit *pit = dev;
	u64 now;

	if (size != 1)
		return bus_split_in(pit->bus, port, size);
	now = catch_up(pit);
	return pit->port61 | (now / REFRESH_TICKS & 1 ? SYSTEM_REFRESH : 0) |
	       (output(&pit->channel[2], now) ? SYSTEM_OUT2 : 0);
}

static void system_out(void *dev, u16 port, unsigned size, u32 byte)
{
	struct pit *pit = dev;

	if (size != 1) {
		bus_split_out(pit->bus, port, size, byte);
		return;
	}
	pit->port61 = byte & SYSTEM_WRITABLE;
	set_gate(&pit->channel[2], byte & SYSTEM_GATE2, catch_up(pit));
}

void pit_reset(struct pit *pit)
{
	pit->port61 = 0;
	for (unsigned i = 0; i < PIT_CHANNELS; i++) {
		struct pit_channel *c = &pit->channel[i];

		c->gate = i != 2;
		program(c, ACCESS_BOTH << CONTROL_ACCESS_SHIFT);
	}
	update(pit, now_tick(pit));
}

void pit_after_firmware(struct pit *pit)
{
	u64 now = now_tick(pit);

	program(&pit->channel[0],
		ACCESS_BOTH << CONTROL_ACCESS_SHIFT | MODE_RATE << CONTROL_MODE_SHIFT);
	write_count(&pit->channel[0], 0, now);
	program(&pit->channel[1],
		ACCESS_LOW << CONTROL_ACCESS_SHIFT | MODE_RATE << CONTROL_MODE_SHIFT);
	write_count(&pit->channel[1], REFRESH_TICKS, now);
	update(pit, now);
}

void pit_init(struct pit *pit, struct bus *bus, struct wire irq)
{
	*pit = (struct pit){ .bus = bus, .irq = irq, .ticks.policy = &ticks_merge };
	bus_alarm_init(bus, &pit->alarm, fire, pit);
	bus_claim_ports(bus,
			(struct port_range){ PIT_PORT, PIT_CONTROL_PORT, pit_in, pit_out, pit });
	bus_claim_ports(
	    bus, (struct port_range){ SYSTEM_PORT, SYSTEM_PORT, system_in, system_out, pit });
	pit_reset(pit);
}

static void save_channel(const struct pit_channel *c, struct state_buf *buf)
{
	state_put(buf, c->mode, 1);
	state_put(buf, c->mode_written, 1);
	state_put(buf, c->access, 1);
	state_put(buf, c->bcd, 1);
	state_put(buf, c->gate, 1);
	state_put(buf, c->counting, 1);
	state_put(buf, c->null_count, 1);
	state_put(buf, c->write_high, 1);
	state_put(buf, c->read_high, 1);
	state_put(buf, c->write_low, 1);
	state_put(buf, c->switch_low, 1);
	state_put(buf, c->reload, 4);
	state_put(buf, c->next_reload, 4);
	state_put(buf, c->frozen, 4);
	state_put(buf, c->start, 8);
	state_put(buf, c->switch_tick, 8);
	state_put(buf, c->latched_bytes, 1);
	state_put(buf, c->latch_value, 2);
	state_put(buf, c->status_latched, 1);
	state_put(buf, c->status, 1);
}

static bool get_flag(struct state_buf *buf)
{
	return state_get_max(buf, 1, 1, "a flag of the PIT is neither 0 nor 1");
}

static void load_channel(struct pit_channel *c, struct state_buf *buf)
{
	*c = (struct pit_channel){ 0 };
	c->mode = (u8)state_get_max(buf, 1, MODE_HARDWARE_STROBE, "the PIT is in an unknown mode");
	c->mode_written =
	    (u8)state_get_max(buf, 1, CONTROL_MODE, "the PIT was told an unknown mode");
	c->access = (u8)state_get_max(buf, 1, ACCESS_BOTH, "the PIT's access mode is unknown");
	c->bcd = get_flag(buf);
	c->gate = get_flag(buf);
	c->counting = get_flag(buf);
	c->null_count = get_flag(buf);
	c->write_high = get_flag(buf);
	c->read_high = get_flag(buf);
	c->write_low = (u8)state_get(buf, 1);
	c->switch_low = get_flag(buf);
	c->reload = (u32)state_get_max(buf, 4, counts(c), "the PIT's count is too large");
	c->next_reload = (u32)state_get_max(buf, 4, counts(c), "the PIT's count is too large");
	c->frozen = (u32)state_get_max(buf, 4, COUNTS_BINARY + 1, "the PIT's count is too large");
	c->start = state_get(buf, 8);
	c->switch_tick = state_get(buf, 8);
	c->latched_bytes = (u8)state_get_max(buf, 1, 2, "the PIT latched more than two bytes");
	c->latch_value = (u16)state_get(buf, 2);
	c->status_latched = get_flag(buf);
	c->status = (u8)state_get(buf, 1);
	if (!c->reload || !c->access) /* divided by; never chosen */
		state_refuse(buf, "the PIT's count or access mode is 0");
}

/* A half period may reach back to before the machine began: then start has wrapped around. */
static bool time_is_possible(const struct pit_channel *c, u64 now)
{
	return now - c->start <= now + COUNTS_BINARY && c->switch_tick <= now + COUNTS_BINARY;
}

/* What a guest is owed goes with the counter that owes it. */
static void save_ticks(const struct pit *pit, struct state_buf *buf)
{
	bool owes = paced(&pit->channel[0]);

	state_put(buf, owes ? pit->ticks.owed : 0, 4);
	state_put(buf, owes ? pit->ticks.gave : 0, 8);
}

static void load_ticks(struct pit *pit, struct state_buf *buf)
{
	const struct pit_channel *c = &pit->channel[0];
	struct ticks ticks = { .policy = pit->ticks.policy };

	ticks.owed = state_get(buf, 4);
	ticks.gave = state_get(buf, 8);
	if (paced(c)) {
		ticks.first = c->start;
		ticks.period = c->reload;
		if (ticks.gave - c->start > now_tick(pit) - c->start)
			state_refuse(buf, "the PIT gave a tick in the future");
	} else if (ticks.owed || ticks.gave) {
		state_refuse(buf, "the PIT owes ticks that it does not make");
	}
	pit->ticks = ticks;
}

void pit_save(const struct pit *pit, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_PIT, PIT_VERSION);
	u64 alarm = pit->alarm.armed ? pit->alarm.when_ns + 1 : 0;

	for (unsigned i = 0; i < PIT_CHANNELS; i++)
		save_channel(&pit->channel[i], buf);
	state_put(buf, pit->port61, 1);
	state_put(buf, alarm, 8);
	save_ticks(pit, buf);
	state_end_section(buf, begin);
}

int pit_load(struct pit *pit, struct state_buf *buf)
{
	struct pit n = *pit;
	u64 alarm;

	for (unsigned i = 0; i < PIT_CHANNELS; i++)
		load_channel(&n.channel[i], buf);
	n.port61 = (u8)state_get_max(buf, 1, SYSTEM_WRITABLE, "port 0x61 has unknown bits");
	alarm = state_get(buf, 8);
	load_ticks(&n, buf);
	if (!n.channel[0].gate || !n.channel[1].gate ||
	    n.channel[2].gate != !!(n.port61 & SYSTEM_GATE2))
		state_refuse(buf, "the PIT's gates contradict port 0x61");
	for (unsigned i = 0; i < PIT_CHANNELS; i++)
		if (!time_is_possible(&n.channel[i], now_tick(pit)))
			state_refuse(buf, "the PIT's count began in the future");
	if (buf->error)
		return -1;

	bus_alarm_cancel(&pit->alarm);
	n.alarm = pit->alarm;
	*pit = n;
	if (alarm) /* perhaps due: then its edge is still to come */
		bus_alarm_set(&pit->alarm, alarm - 1);
	return 0;
}
