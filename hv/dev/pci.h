/*
 * pci.h - the PCI bus of a machine: bus 0, its functions and their configuration space
 *
 * Owns: configuration mechanism #1 (ports 0xcf8, 0xcfc), BARs and where they are decoded,
 * capabilities, MSI-X tables, interrupt pins.
 * Must not know: any device.  A device embeds struct pci_function and fills it in.
 *
 * Sources: PCI-SIG, "PCI Local Bus Specification" 3.0, "Configuration Space" (6), "MSI-X
 * Capability and Table Structure" (6.8.2), "Generating Configuration Transactions" (3.2.2.3.2).
 *
 * Locking: as everything on the bus, with the VM's device lock held.
 */
#ifndef ESPEJO_DEV_PCI_H
#define ESPEJO_DEV_PCI_H

#include "dev/bus.h"

struct state_buf;
struct pci;
struct pci_function;

#define PCI_CONFIG_SIZE 256
#define PCI_SLOTS 32	     /* devices of bus 0 */
#define PCI_FUNCTIONS_MAX 24 /* in one machine */
#define PCI_BARS 6
#define PCI_INTX_LINES 4 /* PIRQA..PIRQD */
#define PCI_MSIX_VECTORS_MAX 16
#define PCI_DEVFN(slot, function) ((u8)((slot) << 3 | (function)))

/* Where the header's fields are. */
enum pci_register {
	PCI_VENDOR_ID = 0x00,
	PCI_DEVICE_ID = 0x02,
	PCI_COMMAND = 0x04,
	PCI_STATUS = 0x06,
	PCI_REVISION_ID = 0x08,
	PCI_CLASS = 0x09, /* interface, subclass, base class: three bytes */
	PCI_CACHE_LINE = 0x0c,
	PCI_HEADER_TYPE = 0x0e,
	PCI_BAR0 = 0x10,
	PCI_SUBSYSTEM_VENDOR_ID = 0x2c,
	PCI_SUBSYSTEM_ID = 0x2e,
	PCI_ROM = 0x30,
	PCI_CAPABILITIES = 0x34,
	PCI_INTERRUPT_LINE = 0x3c,
	PCI_INTERRUPT_PIN = 0x3d,
	PCI_HEADER_END = 0x40,
};

#define PCI_COMMAND_IO BIT(0)
#define PCI_COMMAND_MEMORY BIT(1)
#define PCI_COMMAND_MASTER BIT(2)
#define PCI_COMMAND_PARITY BIT(6)
#define PCI_COMMAND_SERR BIT(8)
#define PCI_COMMAND_INTX_OFF BIT(10)
#define PCI_STATUS_INTERRUPT BIT(3)
#define PCI_STATUS_CAPABILITIES BIT(4)
#define PCI_HEADER_MULTIFUNCTION BIT(7)

#define PCI_CAP_VENDOR 0x09
#define PCI_CAP_MSIX 0x11

/*
 * One BAR.  size is a power of two: at least 16 for ports, 4096 for memory (so that no two share a
 * page); 0: there is none.  A 64-bit BAR takes two places; the second one stays empty.
 */
struct pci_bar {
	u32 size;
	bool io, wide; /* ports; a 64-bit memory BAR */
	u64 (*read)(void *dev, u64 offset, unsigned size);
	void (*write)(void *dev, u64 offset, unsigned size, u64 value);
	struct pci_function *function;
	/* pci.c's own: where the bus decodes it now */
	bool decoded;
	u64 at;
};

struct pci_msix {
	u8 cap; /* its place in configuration space; 0: the function has no MSI-X */
	unsigned vectors;
	u32 table[PCI_MSIX_VECTORS_MAX][4]; /* address low, high, data, control */
	u32 pending;			    /* a bit for each vector */
};

struct pci_function {
	struct pci *pci;
	u8 devfn;		      /* device << 3 | function */
	u8 config[PCI_CONFIG_SIZE];   /* as the guest reads it */
	u8 writable[PCI_CONFIG_SIZE]; /* the bits a guest's write changes */
	u8 power_on[PCI_CONFIG_SIZE]; /* what config is after reset: set by pci_add, kept true by it
				       */
	u8 config_end;		      /* where the next capability goes */
	struct pci_bar bar[PCI_BARS];
	struct pci_msix msix;
	bool intx; /* what the device drives its pin to */
	/*
	 * Hooks, each may be NULL.  before: the guest is about to read size bytes at offset (the
	 * device brings config up to date).  written: it wrote them; config holds the new bytes.
	 * replaced: all of config is new (pci_reset, pci_load): derive anew what depends on it.
	 */
	void (*before)(struct pci_function *f, unsigned offset, unsigned size);
	void (*written)(struct pci_function *f, unsigned offset, unsigned size);
	void (*replaced)(struct pci_function *f);
};

struct pci {
	struct bus *bus;
	u32 address; /* CONFIG_ADDRESS */
	struct pci_function *function[PCI_FUNCTIONS_MAX];
	unsigned count;
	struct wire pirq[PCI_INTX_LINES];
	struct port_range inner; /* see pci_set_inner_port */
};

/* What a function is.  class: base class << 16 | subclass << 8 | interface. */
struct pci_identity {
	u16 vendor, device, subsystem_vendor, subsystem;
	u32 class;
	u8 revision;
	u8 intx_pin; /* 1: INTA .. 4: INTD, 0: none */
};

/*
 * Claims the ports.  pirq[i] is raised while a function drives line i: see pci_line.
 */
void pci_init(struct pci *pci, struct bus *bus, const struct wire pirq[PCI_INTX_LINES]);
/* All functions as after power-on: nothing decoded, INTx low, MSI-X off. */
void pci_reset(struct pci *pci);
/*
 * CONFIG_ADDRESS is a dword only; a byte at its ports belongs to others.  Those at range.first
 * to range.last, within 0xcf8..0xcfb, go to range.dev: the reset control register at 0xcf9.
 */
void pci_set_inner_port(struct pci *pci, struct port_range range);

/*
 * The line (0: PIRQA) to which a device's pin (1: INTA) leads: (pin - 1 + device - 1) & 3.  Boards
 * choose it; firmware for the 440FX (SeaBIOS) takes it for granted.
 */
static inline unsigned pci_line(u8 devfn, u8 pin)
{
	return ((devfn >> 3) + pin - 2u) % PCI_INTX_LINES;
}

/* Plug f in; panics if devfn is taken.  f is zeroed first; hooks and BARs are set after. */
void pci_add(struct pci *pci, struct pci_function *f, u8 devfn, const struct pci_identity *id);
/* A register of size bytes: its value after power-on, and which of its bits a guest writes. */
void pci_define(struct pci_function *f, unsigned offset, unsigned size, u32 value, u32 writable);
/* Describe BAR number n (0..5).  read and write get dev = f, and accesses inside the BAR only. */
void pci_add_bar(struct pci_function *f, unsigned n, const struct pci_bar *bar);
/* Append a capability of size bytes (with its two header bytes); its offset. */
u8 pci_add_capability(struct pci_function *f, u8 id, u8 size);
/*
 * MSI-X with so many vectors, table and pending bits in BAR n, which must be described without read
 * and write, at least 4 KiB: they are pci_msix.c's.
 */
void pci_add_msix(struct pci_function *f, unsigned n, unsigned vectors);

/* Helpers for config[], little endian.  pci_set ignores writable[] and calls no hook. */
u32 pci_get(const struct pci_function *f, unsigned offset, unsigned size);
void pci_set(struct pci_function *f, unsigned offset, unsigned size, u32 value);
/* Where BAR n is decoded now; false: it is not (command register, or not placed). */
bool pci_bar_address(const struct pci_function *f, unsigned n, u64 *address);

/* May the function reach RAM (bus mastering)? */
static inline bool pci_master(const struct pci_function *f)
{
	return (f->config[PCI_COMMAND] & PCI_COMMAND_MASTER) != 0;
}

/* Drive the interrupt pin (level; has no effect while MSI-X is on or INTx is disabled). */
void pci_set_intx(struct pci_function *f, bool level);
bool pci_msix_enabled(const struct pci_function *f);
/*
 * Send MSI-X vector n, or leave it pending while it is masked or the function is no bus master (a
 * message is a write to memory).  n beyond the table, or MSI-X off: nothing.
 */
void pci_msix_send(struct pci_function *f, unsigned n);

/* The same accesses as the ports give, for firmware tables and tests. */
u32 pci_config_read(struct pci *pci, u8 devfn, unsigned offset, unsigned size);
void pci_config_write(struct pci *pci, u8 devfn, unsigned offset, unsigned size, u32 value);

/*
 * Place all BARs as firmware would: ports from 0xc000 up, memory from base up; IRQ lines set by
 * irq[pci_line], decoding switched on.
 */
void pci_after_firmware(struct pci *pci, u64 memory_base, const u8 irq[PCI_INTX_LINES]);

/*
 * Configuration spaces, MSI-X tables and pins.  Bytes of a device's own that no guest can write
 * are not loaded: they are that device's section.  Load it after those of the devices that pirq
 * leads to.
 */
void pci_save(const struct pci *pci, struct state_buf *buf);
/* After state_next_section gave DEVICE_SECTION_PCI: 0, or -1, buf->error set, pci unchanged. */
int pci_load(struct pci *pci, struct state_buf *buf);

/* ---- Between pci.c, pci_bar.c and pci_msix.c -------------------------------- */

static inline unsigned pci_bar_offset(unsigned n)
{
	return PCI_BAR0 + 4 * n;
}

/* Something changed that decides where BARs are decoded: move the claims on the bus. */
void pci_bar_update(struct pci *pci);

/* MSI-X off, all vectors masked, none pending. */
void pci_msix_reset(struct pci_function *f);
/* Send what was pending and is no longer held back. */
void pci_msix_flush(struct pci_function *f);
void pci_msix_save(const struct pci_function *f, struct state_buf *buf);
void pci_msix_load(struct pci_function *f, struct state_buf *buf); /* errors in buf->error */

#endif
