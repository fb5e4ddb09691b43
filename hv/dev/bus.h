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

#define BUS_PORT_RANGES 32
#define BUS_ISA_PORTS 0x400 /* the ISA bus has ten address lines */
#define BUS_MMIO_RANGES 16

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
};

/* Claim a range.  Panics if it overlaps another one: devices are placed by us. */
void bus_claim_ports(struct bus *bus, struct port_range range);
void bus_claim_mmio(struct bus *bus, struct mmio_range range);
/* Move the claimed mmio range of dev (a LAPIC follows its APIC_BASE); size 0 hides it. */
void bus_move_mmio(struct bus *bus, void *dev, gpa_t base, u64 size);

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

#endif
