/*
 * bus.h - what a device sees of its machine
 *
 * Owns: the ports and memory ranges that devices answer at, interrupt wires,
 * and the machine's clock with the alarms set on it.
 * Must not know: vCPUs, the hypervisor's hosts and back ends, or any device.
 *
 * A device is a struct with registers.  It claims its ports on a bus, drives
 * wires, and sets alarms in the machine's own time; that is all it can do, so
 * every device runs in a host test just as it runs in a VM.
 *
 * Locking: every call into a device and every call of this header is made with
 * the VM's device lock held (vm/vm.h).
 */
#ifndef ESPEJO_DEV_BUS_H
#define ESPEJO_DEV_BUS_H

#include "compiler.h"

/*
 * A wire from a device to an input of an interrupt controller.  Level true is
 * asserted.  Setting a level that it has already is harmless.
 */
struct wire {
	void (*set)(void *controller, unsigned pin, bool level);
	void *controller;
	unsigned pin;
};

static inline void wire_set(const struct wire *wire, bool level)
{
	if (wire->set)
		wire->set(wire->controller, wire->pin, level);
}

/*
 * Ports first..last, both included, of one device.  size is 1, 2 or 4 bytes; a
 * wider access than the device has is its own to define (see bus_in).
 */
struct port_range {
	u16 first, last;
	u32 (*in)(void *dev, u16 port, unsigned size);
	void (*out)(void *dev, u16 port, unsigned size, u32 value);
	void *dev;
};

/* Memory-mapped registers at base..base+size-1; size of an access 1, 2, 4 or 8. */
struct mmio_range {
	gpa_t base;
	u64 size;
	u64 (*read)(void *dev, u64 offset, unsigned size);
	void (*write)(void *dev, u64 offset, unsigned size, u64 value);
	void *dev;
};

struct bus;

/* Something that a device wants done for it soon, with the lock held: see bus_post. */
struct bus_work {
	void (*run)(void *dev);
	void *dev;
};

/*
 * An alarm: fire(dev) is called once, when the machine's clock reaches when_ns.
 * Zero-initialised alarms are valid after bus_alarm_init.
 */
struct alarm {
	void (*fire)(void *dev);
	void *dev;
	struct bus *bus;
	u64 when_ns;
	struct alarm *next; /* in the bus's list, earliest first */
	bool armed;
};

#define BUS_PORT_RANGES 64
#define BUS_ISA_PORTS 0x400 /* the ISA bus has ten address lines */
#define BUS_MMIO_RANGES 64
#define BUS_WORKS 32

struct bus {
	/* The machine's clock: nanoseconds of its running time since power-on. */
	u64 (*now)(const struct bus *bus);
	/* The earliest alarm changed: call bus_expire when bus->alarms->when_ns is reached. */
	void (*rearm)(struct bus *bus);
	struct alarm *alarms;
	struct port_range port[BUS_PORT_RANGES]; /* sorted by first */
	unsigned port_count;
	u8 isa[BUS_ISA_PORTS]; /* whose port it is: place in port[] + 1, 0: nobody's */
	struct mmio_range mmio[BUS_MMIO_RANGES]; /* sorted by base */
	unsigned mmio_count;

	/*
	 * Guest RAM, which devices read and write themselves: a pointer to [a, a + len), or NULL if
	 * that is not RAM in one piece (see bus_ram).
	 */
	void *(*ram)(const struct bus *bus, gpa_t a, u64 len);
	/* A device writes data to the interrupt range: a message signalled interrupt. */
	void (*msi)(struct bus *bus, u64 address, u32 data);
	/* Work was posted: call bus_run_works soon, from the machine itself.  Any CPU, any lock. */
	void (*posted)(struct bus *bus);
	struct bus_work work[BUS_WORKS];
	unsigned work_count;
	u32 works_posted; /* a bit each; atomic */
};

/* Claim a range.  Panics if it overlaps another one: devices are placed by us. */
void bus_claim_ports(struct bus *bus, struct port_range range);
void bus_claim_mmio(struct bus *bus, struct mmio_range range);
/* Move the claimed mmio range of dev (a LAPIC follows its APIC_BASE); size 0 hides it. */
void bus_move_mmio(struct bus *bus, void *dev, gpa_t base, u64 size);
/*
 * Ports that a guest places (a BAR): range.dev gives up what it has and takes this.  False: nothing
 * is claimed, for it is empty (last < first), would take ports of another device, or is one too
 * many.
 */
bool bus_place_ports(struct bus *bus, struct port_range range);

/*
 * One access of 1, 2 or 4 bytes.  A port that nobody claims reads as all ones
 * and ignores writes, as on a PC whose bus floats.  An access that covers several
 * byte-wide ports is the access of its first port's device; devices of byte-wide
 * registers use bus_split_in/out to take it apart as the ISA bus did.
 */
u32 bus_in(struct bus *bus, u16 port, unsigned size);
void bus_out(struct bus *bus, u16 port, unsigned size, u32 value);

/*
 * Take an access apart into single bytes at port, port + 1, ..., low byte first, each to the
 * device that has that port.  Bytes beyond port 0xffff float.
 */
u32 bus_split_in(struct bus *bus, u16 port, unsigned size);
void bus_split_out(struct bus *bus, u16 port, unsigned size, u32 value);

/* The device's range at address a, or NULL: not a device (memory, or nothing). */
const struct mmio_range *bus_mmio_find(const struct bus *bus, gpa_t a);

void bus_alarm_init(struct bus *bus, struct alarm *alarm, void (*fire)(void *dev), void *dev);
/* (Re)arm for when_ns, which may be past: it then fires at the next bus_expire. */
void bus_alarm_set(struct alarm *alarm, u64 when_ns);
void bus_alarm_cancel(struct alarm *alarm);
/* Fire all alarms that are due, in order of time. */
void bus_expire(struct bus *bus);

/*
 * RAM as devices see it.  bus_ram: a pointer good for len bytes, or NULL if any of them is not RAM
 * or they lie in two pieces (pieces are 2 MiB and aligned).  The guest may change what it points to
 * at any time: read once, then check, then use.  The others copy over borders; false: not all is
 * RAM, nothing was copied.
 */
static inline void *bus_ram(const struct bus *bus, gpa_t a, u64 len)
{
	return bus->ram ? bus->ram(bus, a, len) : NULL;
}
bool bus_read_ram(const struct bus *bus, gpa_t a, void *to, u64 len) MUST_CHECK;
bool bus_write_ram(const struct bus *bus, gpa_t a, const void *from, u64 len) MUST_CHECK;

/*
 * A device that is told of something from outside its machine (a block arrived, a frame, a key)
 * may not touch its state there: it posts work, which the machine runs with the lock held, at its
 * own expense.  bus_add_work once, at init; bus_post on any CPU, whatever lock is held: posting
 * what is posted already is harmless.
 */
unsigned bus_add_work(struct bus *bus, void (*run)(void *dev), void *dev);
void bus_post(struct bus *bus, unsigned work);
void bus_run_works(struct bus *bus);

#endif
