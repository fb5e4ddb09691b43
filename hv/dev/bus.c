/* bus.c - see bus.h; pure, tested on the host */
#include "dev/bus.h"

#include "host.h"
#include "lib/string.h"

/* What one byte reads as when nobody drives the data lines. */
#define BUS_FLOATING 0xffu

static u32 size_mask(unsigned size)
{
	static const u32 mask[] = { [1] = 0xff, [2] = 0xffff, [4] = 0xffffffff };

	check(size < ARRAY_SIZE(mask) && mask[size]);
	return mask[size];
}

/* The place of the first range that begins above port. */
static unsigned port_above(const struct bus *bus, u16 port)
{
	unsigned low = 0, high = bus->port_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (bus->port[middle].first > port)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* The range that holds port, or NULL. */
static const struct port_range *port_find(const struct bus *bus, u16 port)
{
	unsigned i;

	if (likely(port < BUS_ISA_PORTS)) {
		i = bus->isa[port];
		return i ? &bus->port[i - 1] : NULL;
	}
	i = port_above(bus, port);
	return i && bus->port[i - 1].last >= port ? &bus->port[i - 1] : NULL;
}

static void note_owners(struct bus *bus)
{
	memset(bus->isa, 0, sizeof(bus->isa));
	for (unsigned i = 0; i < bus->port_count; i++)
		for (unsigned port = bus->port[i].first;
		     port <= bus->port[i].last && port < BUS_ISA_PORTS; port++)
			bus->isa[port] = (u8)(i + 1);
}

static bool ports_free(const struct bus *bus, u16 first, u16 last)
{
	unsigned i = port_above(bus, first);

	return !(i && bus->port[i - 1].last >= first) &&
	       !(i < bus->port_count && bus->port[i].first <= last);
}

void bus_claim_ports(struct bus *bus, struct port_range range)
{
	unsigned i = port_above(bus, range.first);

	if (bus->port_count == BUS_PORT_RANGES)
		panic("more than %d port ranges", BUS_PORT_RANGES);
	if (range.last < range.first || !ports_free(bus, range.first, range.last))
		panic("ports %#x-%#x are empty or taken", range.first, range.last);
	for (unsigned k = bus->port_count++; k > i; k--)
		bus->port[k] = bus->port[k - 1];
	bus->port[i] = range;
	note_owners(bus);
}

bool bus_place_ports(struct bus *bus, struct port_range range)
{
	unsigned i = 0;

	while (i < bus->port_count && bus->port[i].dev != range.dev)
		i++;
	if (i < bus->port_count) {
		for (bus->port_count--; i < bus->port_count; i++)
			bus->port[i] = bus->port[i + 1];
		note_owners(bus);
	}
	if (range.last < range.first || bus->port_count == BUS_PORT_RANGES ||
	    !ports_free(bus, range.first, range.last))
		return false;
	bus_claim_ports(bus, range);
	return true;
}

u32 bus_in(struct bus *bus, u16 port, unsigned size)
{
	const struct port_range *range = port_find(bus, port);
	u32 mask = size_mask(size);

	if (range && range->in)
		return range->in(range->dev, port, size) & mask;
	/* Nobody at the first byte: on the ISA bus the others are cycles of their own. */
	return !range && size > 1 ? bus_split_in(bus, port, size) : mask;
}

void bus_out(struct bus *bus, u16 port, unsigned size, u32 value)
{
	const struct port_range *range = port_find(bus, port);

	value &= size_mask(size);
	if (range && range->out)
		range->out(range->dev, port, size, value);
	else if (!range && size > 1)
		bus_split_out(bus, port, size, value);
}

NEVER_INLINE u32 bus_split_in(struct bus *bus, u16 port, unsigned size)
{
	u32 value = 0;

	for (unsigned i = 0; i < size; i++) {
		u32 byte = port + i > 0xffff ? BUS_FLOATING : bus_in(bus, (u16)(port + i), 1);

		value |= byte << (8 * i);
	}
	return value;
}

NEVER_INLINE void bus_split_out(struct bus *bus, u16 port, unsigned size, u32 value)
{
	for (unsigned i = 0; i < size && port + i <= 0xffff; i++)
		bus_out(bus, (u16)(port + i), 1, value >> (8 * i) & 0xff);
}

static bool mmio_holds(const struct mmio_range *range, u64 a)
{
	return a - range->base.v < range->size; /* also when the end wraps around */
}

static void mmio_insert(struct bus *bus, struct mmio_range range)
{
	unsigned i = bus->mmio_count++;

	for (; i && bus->mmio[i - 1].base.v > range.base.v; i--)
		bus->mmio[i] = bus->mmio[i - 1];
	bus->mmio[i] = range;
}

void bus_claim_mmio(struct bus *bus, struct mmio_range range)
{
	if (bus->mmio_count == BUS_MMIO_RANGES)
		panic("more than %d memory ranges of devices", BUS_MMIO_RANGES);
	for (unsigned i = 0; i < bus->mmio_count; i++) {
		const struct mmio_range *other = &bus->mmio[i];

		if (mmio_holds(other, range.base.v) || mmio_holds(&range, other->base.v))
			panic("device memory at %#llx is taken", (unsigned long long)range.base.v);
	}
	mmio_insert(bus, range);
}

/* A guest decides where to: two ranges may then overlap, and the lower base wins. */
void bus_move_mmio(struct bus *bus, void *dev, gpa_t base, u64 size)
{
	struct mmio_range range;
	unsigned i = 0;

	while (i < bus->mmio_count && bus->mmio[i].dev != dev)
		i++;
	if (i == bus->mmio_count)
		panic("a device moves memory that it never claimed");
	range = bus->mmio[i];
	for (bus->mmio_count--; i < bus->mmio_count; i++)
		bus->mmio[i] = bus->mmio[i + 1];
	range.base = base;
	range.size = size;
	mmio_insert(bus, range);
}

const struct mmio_range *bus_mmio_find(const struct bus *bus, gpa_t a)
{
	for (unsigned i = 0; i < bus->mmio_count; i++)
		if (mmio_holds(&bus->mmio[i], a.v))
			return &bus->mmio[i];
	return NULL;
}

void bus_alarm_init(struct bus *bus, struct alarm *alarm, void (*fire)(void *dev), void *dev)
{
	*alarm = (struct alarm){ .fire = fire, .dev = dev, .bus = bus };
}

static void unlink_alarm(struct alarm *alarm)
{
	struct alarm **at = &alarm->bus->alarms;

	while (*at && *at != alarm)
		at = &(*at)->next;
	check(*at == alarm);
	*at = alarm->next;
	alarm->next = NULL;
	alarm->armed = false;
}

void bus_alarm_set(struct alarm *alarm, u64 when_ns)
{
	struct bus *bus = alarm->bus;
	struct alarm **at = &bus->alarms;
	bool was_first = *at == alarm;

	if (alarm->armed && alarm->when_ns == when_ns)
		return;
	if (alarm->armed)
		unlink_alarm(alarm);
	while (*at && (*at)->when_ns <= when_ns)
		at = &(*at)->next;
	alarm->when_ns = when_ns;
	alarm->next = *at;
	alarm->armed = true;
	*at = alarm;
	if (was_first || bus->alarms == alarm)
		bus->rearm(bus);
}

void bus_alarm_cancel(struct alarm *alarm)
{
	bool was_first = alarm->bus->alarms == alarm;

	if (!alarm->armed)
		return;
	unlink_alarm(alarm);
	if (was_first)
		alarm->bus->rearm(alarm->bus);
}

static unsigned due_count(const struct bus *bus, u64 now)
{
	unsigned n = 0;

	for (const struct alarm *a = bus->alarms; a && a->when_ns <= now; a = a->next)
		n++;
	return n;
}

/* As many as are due now: one that sets itself for the past waits for the next call. */
void bus_expire(struct bus *bus)
{
	u64 now = bus->now(bus);
	unsigned due = due_count(bus, now);

	if (!due)
		return;
	while (due-- && bus->alarms && bus->alarms->when_ns <= now) {
		struct alarm *alarm = bus->alarms;

		unlink_alarm(alarm);
		alarm->fire(alarm->dev);
	}
	bus->rearm(bus);
}

/* Pieces of guest RAM are 2 MiB. */
static u64 piece(gpa_t a, u64 len)
{
	return MIN(len, LARGE_PAGE_SIZE - a.v % LARGE_PAGE_SIZE);
}

static bool all_ram(const struct bus *bus, gpa_t a, u64 len)
{
	if (a.v + len < a.v)
		return false;
	for (u64 part; len; a.v += part, len -= part) {
		part = piece(a, len);
		if (!bus_ram(bus, a, part))
			return false;
	}
	return true;
}

bool bus_read_ram(const struct bus *bus, gpa_t a, void *to, u64 len)
{
	u8 *byte = to;

	if (!all_ram(bus, a, len))
		return false;
	for (u64 part; len; a.v += part, byte += part, len -= part) {
		part = piece(a, len);
		memcpy(byte, bus_ram(bus, a, part), part);
	}
	return true;
}

bool bus_write_ram(const struct bus *bus, gpa_t a, const void *from, u64 len)
{
	const u8 *byte = from;

	if (!all_ram(bus, a, len))
		return false;
	for (u64 part; len; a.v += part, byte += part, len -= part) {
		part = piece(a, len);
		memcpy(bus_ram(bus, a, part), byte, part);
	}
	return true;
}

unsigned bus_add_work(struct bus *bus, void (*run)(void *dev), void *dev)
{
	check(bus->work_count < BUS_WORKS);
	bus->work[bus->work_count] = (struct bus_work){ .run = run, .dev = dev };
	return bus->work_count++;
}

void bus_post(struct bus *bus, unsigned work)
{
	check(work < bus->work_count);
	if (!(__atomic_fetch_or(&bus->works_posted, 1u << work, __ATOMIC_ACQ_REL) & 1u << work))
		bus->posted(bus);
}

void bus_run_works(struct bus *bus)
{
	u32 posted = __atomic_exchange_n(&bus->works_posted, 0, __ATOMIC_ACQ_REL);

	for (; posted; posted &= posted - 1) {
		struct bus_work *work = &bus->work[__builtin_ctz(posted)];

		work->run(work->dev);
	}
}
