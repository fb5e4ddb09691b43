/*
 * fuzz_isa.c - a guest that does anything to one of the old devices, or to a LAPIC
 *
 * Input: a byte that chooses the device, then steps: see struct step.  There are two of it.  When
 * the one is saved, what is saved is loaded into the other, new one; saved again it is the same,
 * and from then on both see the same accesses and must do the same.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "dev/debugport.h"
#include "dev/exitport.h"
#include "dev/i8042.h"
#include "dev/ioapic.h"
#include "dev/lapic.h"
#include "dev/lines.h"
#include "dev/pic.h"
#include "dev/pit.h"
#include "dev/rtc.h"
#include "dev/section.h"
#include "dev/uart.h"
#include "dev/vga.h"
#include "host.h"

#define STATE_MAX 4096
#define STEPS 300
#define ALARMS_MAX 64
#define TSC_PER_NS 2

struct side {
	struct bus bus;
	union {
		struct uart uart;
		struct pic pic;
		struct pit pit;
		struct rtc rtc;
		struct i8042 i8042;
		struct vga vga;
		struct lapic lapic;
		struct ioapic ioapic;
		struct {
			struct debugport debugport;
			struct exitport exitport;
			struct lines lines;
		};
	};
	u8 *vga_memory;
	u64 said; /* a hash of what it did to the outside */
};

struct kind {
	u32 section; /* 0: it has no state that is saved */
	void (*start)(struct side *s);
	void (*save)(const struct side *s, struct state_buf *buf);
	int (*load)(struct side *s, struct state_buf *buf);
	u64 (*outside)(struct side *s, u8 which, u32 value); /* something that is no access */
	u16 port[4][2]; /* first and last */
	u64 mmio, mmio_size;
};

static struct side side[2];
static const struct kind *kind;
static bool both; /* side 1 is what side 0 is */
static u64 time_ns;

/* ---- The outside -------------------------------------------------------------- */

static u64 now(const struct bus *bus UNUSED)
{
	return time_ns;
}

static void rearm(struct bus *bus UNUSED)
{
}

static void say(struct side *s, u64 what)
{
	s->said = (s->said ^ what) * 0x100000001b3ull;
}

static void set_wire(void *ctx, unsigned pin, bool level)
{
	say(ctx, 0x100 + 2 * pin + level);
}

static struct wire wire(struct side *s, unsigned pin)
{
	return (struct wire){ set_wire, s, pin };
}

static void put_byte(void *ctx, u8 byte)
{
	say(ctx, byte);
}

static void note(void *ctx)
{
	say(ctx, 0x200);
}

static void note_flag(void *ctx, bool flag)
{
	say(ctx, 0x300 + flag);
}

static void put_text(void *ctx, const char *text, size_t len)
{
	check(len);
	for (size_t i = 0; i < len; i++)
		put_byte(ctx, (u8)text[i]);
}

static void put_exit(void *ctx, u32 value, unsigned size)
{
	check(size == 4 || !(value >> 8 * size));
	say(ctx, value);
}

/* ---- UART, 8259s, 8254, RTC, keyboard -------------------------------------------- */

static void start_uart(struct side *s)
{
	const struct uart_line line = { put_byte, note, s };

	uart_init(&s->uart, &s->bus, UART_COM1_PORT, wire(s, 0), &line);
}

static void save_uart(const struct side *s, struct state_buf *buf)
{
	uart_save(&s->uart, buf);
}

static int load_uart(struct side *s, struct state_buf *buf)
{
	return uart_load(&s->uart, buf);
}

static u64 outside_uart(struct side *s, u8 which, u32 value)
{
	unsigned room = uart_room(&s->uart);

	if (which % 8 == 7)
		uart_after_firmware(&s->uart);
	else if (uart_receive(&s->uart, (u8)value))
		check(room);
	return room;
}

static void start_pic(struct side *s)
{
	pic_init(&s->pic, &s->bus, wire(s, 0));
}

static void save_pic(const struct side *s, struct state_buf *buf)
{
	pic_save(&s->pic, buf);
}

static int load_pic(struct side *s, struct state_buf *buf)
{
	return pic_load(&s->pic, buf);
}

static u64 outside_pic(struct side *s, u8 which, u32 value)
{
	if (which % 4 == 0)
		return pic_ack(&s->pic);
	if (which == 255)
		pic_reset(&s->pic);
	else
		pic_set_irq(&s->pic, value & 15, value & 16);
	return pic_pending(&s->pic);
}

static void start_pit(struct side *s)
{
	pit_init(&s->pit, &s->bus, wire(s, 0));
	pit_after_firmware(&s->pit);
}

static void save_pit(const struct side *s, struct state_buf *buf)
{
	pit_save(&s->pit, buf);
}

static int load_pit(struct side *s, struct state_buf *buf)
{
	return pit_load(&s->pit, buf);
}

static void start_rtc(struct side *s)
{
	rtc_init(&s->rtc, &s->bus, wire(s, 0), 1767225600, MiB(64), 0);
}

static void save_rtc(const struct side *s, struct state_buf *buf)
{
	rtc_save(&s->rtc, buf);
}

static int load_rtc(struct side *s, struct state_buf *buf)
{
	return rtc_load(&s->rtc, buf);
}

static void start_i8042(struct side *s)
{
	const struct i8042_lines lines = { note, note_flag, s };

	i8042_init(&s->i8042, &s->bus, wire(s, 1), wire(s, 2), &lines);
}

static void save_i8042(const struct side *s, struct state_buf *buf)
{
	i8042_save(&s->i8042, buf);
}

static int load_i8042(struct side *s, struct state_buf *buf)
{
	return i8042_load(&s->i8042, buf);
}

/* ---- VGA ------------------------------------------------------------------------- */

static void window(void *ctx, enum vga_window state)
{
	(void)ctx;
	check(state <= VGA_WINDOW_OPEN);
}

static bool settled(void *ctx UNUSED)
{
	return true;
}

/* What was on the screen before is not told again by the one that loads: no part of said. */
static void show(void *ctx UNUSED, const char *text, size_t len)
{
	check(len > 1 && text[len - 1] == '\n');
}

static const struct vga_ops vga_ops = { window, settled, show };

static void start_vga(struct side *s)
{
	if (!s->vga_memory)
		s->vga_memory = aligned_alloc(PAGE_SIZE, VGA_MEMORY);
	memset(s->vga_memory, 0, VGA_MEMORY);
	vga_init(&s->vga, &s->bus, s->vga_memory, &vga_ops, s);
	vga_after_firmware(&s->vga);
}

static void save_vga(const struct side *s, struct state_buf *buf)
{
	vga_save(&s->vga, buf);
}

/* Memory comes by another way. */
static int load_vga(struct side *s, struct state_buf *buf)
{
	if (s != &side[0])
		memcpy(s->vga_memory, side[0].vga_memory, VGA_MEMORY);
	return vga_load(&s->vga, buf);
}

static u64 outside_vga(struct side *s, u8 which, u32 value)
{
	u8 *at = s->vga_memory + (value & (VGA_TEXT_SIZE - 1));

	if (which % 8 == 0) {
		vga_finish(&s->vga);
	} else if (which % 8 == 1) {
		vga_reset(&s->vga);
		vga_after_firmware(&s->vga);
	} else if (s->vga.window != VGA_WINDOW_CLOSED) { /* a store that does not come to us */
		if (s->vga.window == VGA_WINDOW_WATCHED)
			vga_written(&s->vga);
		*at = which;
	}
	return 0;
}

/* ---- APICs ----------------------------------------------------------------------- */

static void say_ipi(void *ctx, const struct ipi *ipi)
{
	check(ipi->mode != LAPIC_RESERVED);
	say(ctx, (u64)ipi->dest << 32 | (u64)ipi->mode << 16 | ipi->vector | ipi->logical << 8);
}

static void send_ipi(void *ctx, const struct ipi *ipi)
{
	struct lapic *l = &((struct side *)ctx)->lapic;

	check(ipi->mode != LAPIC_EXTINT);
	say_ipi(ctx, ipi);
	if (lapic_accepts(l, ipi))
		lapic_deliver(l, ipi->mode, ipi->vector, ipi->level);
}

static void event(void *ctx, enum lapic_mode mode, u8 vector)
{
	check(mode == LAPIC_NMI || mode == LAPIC_SMI || mode == LAPIC_INIT || mode == LAPIC_SIPI);
	say(ctx, mode << 8 | vector);
}

static void eoi(void *ctx, u8 vector)
{
	say(ctx, 0x400 | vector);
}

static u64 tsc(void *ctx UNUSED)
{
	return time_ns * TSC_PER_NS;
}

static u64 tsc_to_ns(void *ctx UNUSED, u64 value)
{
	return value / TSC_PER_NS + value % TSC_PER_NS;
}

static void notify(void *ctx)
{
	say(ctx, 0x500);
}

static const struct lapic_ops lapic_ops = {
	.notify = notify,
	.send_ipi = send_ipi,
	.event = event,
	.eoi = eoi,
	.tsc = tsc,
	.tsc_to_ns = tsc_to_ns,
};

static void start_lapic(struct side *s)
{
	const struct lapic_config config = {
		.id = 3, .bsp = true, .x2apic = true, .tsc_deadline = true, .maxphyaddr = 40
	};

	lapic_init(&s->lapic, &s->bus, &config, &lapic_ops, s);
	lapic_after_firmware(&s->lapic);
}

static void save_lapic(const struct side *s, struct state_buf *buf)
{
	lapic_save(&s->lapic, buf);
}

static int load_lapic(struct side *s, struct state_buf *buf)
{
	return lapic_load(&s->lapic, buf);
}

#define X2APIC_MSRS 0x800u

static u64 outside_lapic(struct side *s, u8 which, u32 value)
{
	struct lapic *l = &s->lapic;
	u64 answer = 0;
	int vector;

	switch (which % 10) {
	case 0:
		return lapic_read_msr(l, X2APIC_MSRS + (value & 0x3f), &answer) ? answer : 1;
	case 1:
		return lapic_write_msr(l, X2APIC_MSRS + (value & 0x3f),
				       value >> 8 | (u64)(value & 0xff00) << 32);
	case 2:
		return lapic_set_base(l, (lapic_base(l) & ~0xfffull) ^ (value & 0xffff000f));
	case 3: /* the CPU takes what is pending */
		vector = lapic_highest_pending(l);
		check(vector < 0 || (vector > 15 && vector <= 255 &&
				     vector >> 4 > lapic_ppr(l) >> 4));
		if (vector >= 0)
			lapic_ack(l, (u8)vector);
		return (u64)vector;
	case 4:
		lapic_set_lint(l, value & 1, value & 2);
		return lapic_extint(l);
	case 5:
		if (lapic_enabled(l))
			lapic_deliver(l, value & 0x100 ? LAPIC_FIXED : LAPIC_LOWEST, (u8)value,
				      value & 0x200);
		return lapic_pending(l);
	case 6:
		lapic_set_tpr(l, (u8)value);
		return lapic_get_tpr(l);
	case 7: /* the deadline, near */
		return lapic_write_msr(l, 0x6e0, value ? tsc(NULL) + value % 100000 : 0);
	case 8:
		return lapic_read_msr(l, 0x6e0, &answer) ? answer : 1;
	default:
		if (value % 4 == 0)
			lapic_init_ipi(l);
		lapic_tsc_changed(l);
		return lapic_ppr(l);
	}
}

static void start_ioapic(struct side *s)
{
	ioapic_init(&s->ioapic, &s->bus, 2, say_ipi, s);
}

static void save_ioapic(const struct side *s, struct state_buf *buf)
{
	ioapic_save(&s->ioapic, buf);
}

static int load_ioapic(struct side *s, struct state_buf *buf)
{
	return ioapic_load(&s->ioapic, buf);
}

static u64 outside_ioapic(struct side *s, u8 which, u32 value)
{
	if (which & 1)
		ioapic_eoi(&s->ioapic, (u8)value);
	else
		ioapic_set_irq(&s->ioapic, (value >> 8) % IOAPIC_PINS, value & 1);
	return 0;
}

/* ---- Ports of ours, and the console's lines -------------------------------------- */

static void put_line_byte(void *ctx, u8 byte)
{
	lines_byte(&((struct side *)ctx)->lines, byte);
}

static void start_ports(struct side *s)
{
	lines_init(&s->lines, &s->bus, put_text, s);
	debugport_init(&s->debugport, &s->bus, put_line_byte, s);
	exitport_init(&s->exitport, &s->bus, put_exit, s);
}

static u64 outside_ports(struct side *s, u8 which, u32 value)
{
	char text[256];

	if (which == 255) {
		lines_flush(&s->lines);
		return 0;
	}
	memset(text, (int)(value & 0x7f), sizeof(text));
	text[which % 128] = '\n';
	lines_line(&s->lines, text, which % 128 + 1);
	return 0;
}

/* ---- Steps ----------------------------------------------------------------------- */

static const struct kind kinds[] = {
	{ DEVICE_SECTION_UART, start_uart, save_uart, load_uart, outside_uart, { { 0x3f8, 0x3ff } },
	  0, 0 },
	{ DEVICE_SECTION_PIC, start_pic, save_pic, load_pic, outside_pic,
	  { { 0x20, 0x21 }, { 0xa0, 0xa1 }, { 0x4d0, 0x4d1 } }, 0, 0 },
	{ DEVICE_SECTION_PIT, start_pit, save_pit, load_pit, NULL,
	  { { 0x40, 0x43 }, { 0x61, 0x61 } }, 0, 0 },
	{ DEVICE_SECTION_RTC, start_rtc, save_rtc, load_rtc, NULL, { { 0x70, 0x71 } }, 0, 0 },
	{ DEVICE_SECTION_I8042, start_i8042, save_i8042, load_i8042, NULL,
	  { { 0x60, 0x60 }, { 0x64, 0x64 }, { 0x92, 0x92 } }, 0, 0 },
	{ DEVICE_SECTION_VGA, start_vga, save_vga, load_vga, outside_vga,
	  { { 0x3c0, 0x3cf }, { 0x3d4, 0x3da }, { 0x3b4, 0x3ba } }, 0xa0000, 0x20000 },
	{ DEVICE_SECTION_LAPIC, start_lapic, save_lapic, load_lapic, outside_lapic, { { 0, 0 } },
	  0xfee00000, PAGE_SIZE },
	{ DEVICE_SECTION_IOAPIC, start_ioapic, save_ioapic, load_ioapic, outside_ioapic,
	  { { 0, 0 } }, 0xfec00000, 0x50 },
	{ 0, start_ports, NULL, NULL, outside_ports,
	  { { DEBUGPORT_PORT, DEBUGPORT_PORT }, { EXITPORT_PORT, EXITPORT_PORT + 3 } }, 0, 0 },
};

struct step {
	u8 what;  /* enum step_kind, and above: size of an access, or which range */
	u8 which; /* a port in its range */
	u32 value;
};

enum step_kind { OUT, OUT_BYTE, IN, IN_BYTE, MMIO, OUTSIDE, TIME, SAVE };

static void start_side(struct side *s)
{
	u8 *memory = s->vga_memory;

	memset(s, 0, sizeof(*s));
	s->vga_memory = memory;
	s->bus.now = now;
	s->bus.rearm = rearm;
	kind->start(s);
}

static size_t save(const struct side *s, u8 data[STATE_MAX])
{
	struct state_buf buf = { .data = data, .size = STATE_MAX };

	kind->save(s, &buf);
	check(!buf.error);
	return buf.at;
}

static int load(struct side *s, u8 *data, size_t len)
{
	struct state_buf buf = { .data = data, .size = len };
	u32 version, length;

	check(state_next_section(&buf, &version, &length) == kind->section);
	return kind->load(s, &buf);
}

static void save_and_load(void)
{
	static u8 first[STATE_MAX], second[STATE_MAX];
	size_t len;

	if (!kind->section)
		return;
	len = save(&side[0], first);
	start_side(&side[1]);
	check(!load(&side[1], first, len));
	check(save(&side[1], second) == len && !memcmp(first, second, len));
	side[0].said = side[1].said = 0;
	both = true;
}

/* What is broken is refused, with no change; or it is a state, for both. */
static void load_broken(u8 which, u32 value)
{
	static u8 data[STATE_MAX];
	size_t len;

	if (!kind->section)
		return;
	if (!both)
		save_and_load();
	len = save(&side[0], data);
	data[12 + (value >> 8) % (len - 12)] = (u8)value;
	if (which & 1)
		data[12 + (value >> 20) % (len - 12)] ^= which;
	if (!load(&side[1], data, len))
		check(!load(&side[0], data, len));
	side[0].said = side[1].said = 0;
}

static u64 access_mmio(struct side *s, u64 at, unsigned size, bool write, u64 value)
{
	const struct mmio_range *range = bus_mmio_find(&s->bus, gpa(at));

	if (!range || at - range->base.v + size > range->size)
		return 0;
	if (!write)
		return range->read(range->dev, at - range->base.v, size);
	range->write(range->dev, at - range->base.v, size, value);
	return 0;
}

/* Time passes; alarms are served when they are due, or late. */
static void pass_time(struct side *s, u64 end, bool late)
{
	for (unsigned i = 0; i < ALARMS_MAX && !late; i++) {
		if (!s->bus.alarms || s->bus.alarms->when_ns > end)
			break;
		time_ns = MAX(time_ns, s->bus.alarms->when_ns);
		bus_expire(&s->bus);
	}
	time_ns = end;
	bus_expire(&s->bus);
	check(!s->bus.alarms || s->bus.alarms->when_ns > time_ns);
}

static u64 run_step(struct side *s, const struct step *step)
{
	const u16 *range = kind->port[step->what >> 5 & 3];
	unsigned size = 1u << (step->what >> 3 & 3) % 3;
	u16 port;

	if (!range[0])
		range = kind->port[0];
	port = (u16)(range[0] + step->which % (range[1] - range[0] + 1));
	switch ((enum step_kind)(step->what & 7)) {
	case OUT:
		bus_out(&s->bus, port, size, step->value);
		return 0;
	case OUT_BYTE:
		bus_out(&s->bus, port, 1, step->value & 0xff);
		return 0;
	case IN:
		return bus_in(&s->bus, port, size);
	case IN_BYTE:
		return bus_in(&s->bus, port, 1);
	case MMIO:
		if (!kind->mmio)
			return 0;
		return access_mmio(s,
				   kind->mmio + ((step->which << 4 | (step->value >> 28)) &
						 (kind->mmio_size - 1)) +
					   (kind->section == DEVICE_SECTION_VGA ? 0x18000 : 0),
				   1u << (step->what >> 3 & 3), step->what & 0x80, step->value);
	case OUTSIDE:
		return kind->outside ? kind->outside(s, step->which, step->value) : 0;
	default:
		return 0;
	}
}

static void run(const struct step *step)
{
	u64 before = time_ns, answer, end;

	switch ((enum step_kind)(step->what & 7)) {
	case TIME:
		end = time_ns + ((u64)step->value << (step->which % 20));
		pass_time(&side[0], end, step->what & 8);
		if (both) {
			time_ns = before;
			pass_time(&side[1], end, step->what & 8);
		}
		break;
	case SAVE:
		if (step->what & 8)
			load_broken(step->which, step->value);
		else
			save_and_load();
		break;
	default:
		answer = run_step(&side[0], step);
		check(!both || run_step(&side[1], step) == answer);
		break;
	}
	check(!both || side[0].said == side[1].said);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };

	kind = &kinds[fuzz_take(&in, 1) % ARRAY_SIZE(kinds)];
	both = false;
	time_ns = 1000;
	start_side(&side[0]);
	for (unsigned i = 0; i < STEPS && in.left; i++) {
		const struct step step = {
			.what = (u8)fuzz_take(&in, 1),
			.which = (u8)fuzz_take(&in, 1),
			.value = (u32)fuzz_take(&in, 4),
		};

		run(&step);
	}
	save_and_load();
	return 0;
}
