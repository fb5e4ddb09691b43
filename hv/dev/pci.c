/* pci.c - see pci.h; pure, tested on the host */
#include "dev/pci.h"

#include "dev/section.h"
#include "host.h"
#include "lib/string.h"

/* [PCI] "Software Generation of Configuration Transactions" (3.2.2.3.2) */
#define ADDRESS_PORT 0xcf8
#define DATA_PORT 0xcfc
#define LAST_PORT 0xcff
#define ADDRESS_ENABLE BIT(31)
#define ADDRESS_BITS 0x80fffffcu
#define ADDRESS_BUS(a) ((a) >> 16 & 0xff)
#define ADDRESS_DEVFN(a) ((u8)((a) >> 8))
#define ADDRESS_REGISTER(a) ((a)&0xfc)

#define BAR_BYTES (4 * PCI_BARS)

#define FIRMWARE_PORTS 0xc000u /* where firmware begins to place ports */
#define COMMAND_ALWAYS                                                                             \
	(PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_OFF)

#define PCI_VERSION 1

u32 pci_get(const struct pci_function *f, unsigned offset, unsigned size)
{
	u32 value = 0;

	for (unsigned i = 0; i < size && offset + i < PCI_CONFIG_SIZE; i++)
		value |= (u32)f->config[offset + i] << (8 * i);
	return value;
}

static void put(u8 *bytes, unsigned offset, unsigned size, u32 value)
{
	check(offset + size <= PCI_CONFIG_SIZE);
	for (unsigned i = 0; i < size; i++)
		bytes[offset + i] = (u8)(value >> (8 * i));
}

void pci_set(struct pci_function *f, unsigned offset, unsigned size, u32 value)
{
	put(f->config, offset, size, value);
}

void pci_define(struct pci_function *f, unsigned offset, unsigned size, u32 value, u32 writable)
{
	put(f->config, offset, size, value);
	put(f->power_on, offset, size, value);
	put(f->writable, offset, size, writable);
}

static struct pci_function *find(const struct pci *pci, u8 devfn)
{
	for (unsigned i = 0; i < pci->count; i++)
		if (pci->function[i]->devfn == devfn)
			return pci->function[i];
	return NULL;
}

/* ---- Interrupt pins --------------------------------------------------------- */

static bool drives_pin(const struct pci_function *f)
{
	return f->intx && f->config[PCI_INTERRUPT_PIN] && !pci_msix_enabled(f) &&
	       !(pci_get(f, PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF);
}

/* Lines are shared: each is up while any function drives it. */
static void update_lines(struct pci *pci)
{
	bool level[PCI_INTX_LINES] = { false };

	for (unsigned i = 0; i < pci->count; i++) {
		const struct pci_function *f = pci->function[i];

		if (drives_pin(f))
			level[pci_line(f->devfn, f->config[PCI_INTERRUPT_PIN])] = true;
	}
	for (unsigned i = 0; i < PCI_INTX_LINES; i++)
		wire_set(&pci->pirq[i], level[i]);
}

void pci_set_intx(struct pci_function *f, bool level)
{
	if (f->intx == level)
		return;
	f->intx = level;
	if (level)
		f->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	else
		f->config[PCI_STATUS] &= (u8)~PCI_STATUS_INTERRUPT;
	update_lines(f->pci);
}

/* ---- Configuration space ---------------------------------------------------- */

static bool overlaps(unsigned offset, unsigned size, unsigned first, unsigned count)
{
	return offset < first + count && first < offset + size;
}

u32 pci_config_read(struct pci *pci, u8 devfn, unsigned offset, unsigned size)
{
	struct pci_function *f = find(pci, devfn);
	u32 ones = ~0u >> (32 - 8 * size);

	if (!f || offset + size > PCI_CONFIG_SIZE)
		return ones;
	if (f->before)
		f->before(f, offset, size);
	return pci_get(f, offset, size);
}

void pci_config_write(struct pci *pci, u8 devfn, unsigned offset, unsigned size, u32 value)
{
	struct pci_function *f = find(pci, devfn);

	if (!f || offset + size > PCI_CONFIG_SIZE)
		return;
	for (unsigned i = 0; i < size; i++) {
		u8 *byte = &f->config[offset + i], writable = f->writable[offset + i];

		*byte = (u8)((*byte & ~writable) | ((u8)(value >> (8 * i)) & writable));
	}
	if (overlaps(offset, size, PCI_COMMAND, 2) || overlaps(offset, size, PCI_BAR0, BAR_BYTES))
		pci_bar_update(pci);
	if (overlaps(offset, size, PCI_COMMAND, 2) ||
	    (f->msix.cap && overlaps(offset, size, f->msix.cap, 4))) {
		update_lines(pci);
		pci_msix_flush(f);
	}
	if (f->written)
		f->written(f, offset, size);
}

/* ---- Ports ------------------------------------------------------------------ */

static bool is_address(u16 port, unsigned size)
{
	return port == ADDRESS_PORT && size == 4;
}

/* Within the data dword; accesses that cross its borders fall apart into bytes. */
static bool is_data(u16 port, unsigned size)
{
	return port >= DATA_PORT && port + size <= LAST_PORT + 1u;
}

static bool is_inner(const struct pci *pci, u16 port)
{
	return pci->inner.in && port >= pci->inner.first && port <= pci->inner.last;
}

/* Only bus 0 has devices. */
static bool addressed(const struct pci *pci)
{
	return pci->address & ADDRESS_ENABLE && !ADDRESS_BUS(pci->address);
}

static u32 pci_in(void *dev, u16 port, unsigned size)
{
	struct pci *pci = dev;

	if (is_address(port, size))
		return pci->address;
	if (is_data(port, size) && addressed(pci))
		return pci_config_read(pci, ADDRESS_DEVFN(pci->address),
				       ADDRESS_REGISTER(pci->address) + (port & 3u), size);
	if (is_data(port, size))
		return ~0u;
	if (size > 1)
		return bus_split_in(pci->bus, port, size);
	return is_inner(pci, port) ? pci->inner.in(pci->inner.dev, port, size) : ~0u;
}

static void pci_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct pci *pci = dev;

	if (is_address(port, size))
		pci->address = value & ADDRESS_BITS;
	else if (is_data(port, size) && addressed(pci))
		pci_config_write(pci, ADDRESS_DEVFN(pci->address),
				 ADDRESS_REGISTER(pci->address) + (port & 3u), size, value);
	else if (!is_data(port, size) && size > 1)
		bus_split_out(pci->bus, port, size, value);
	else if (is_inner(pci, port))
		pci->inner.out(pci->inner.dev, port, size, value);
}

void pci_set_inner_port(struct pci *pci, struct port_range range)
{
	check(range.first >= ADDRESS_PORT && range.last < DATA_PORT && range.in && range.out);
	pci->inner = range;
}

/* ---- Plugging in ------------------------------------------------------------ */

void pci_init(struct pci *pci, struct bus *bus, const struct wire pirq[PCI_INTX_LINES])
{
	*pci = (struct pci){ .bus = bus };
	memcpy(pci->pirq, pirq, sizeof(pci->pirq));
	bus_claim_ports(bus, (struct port_range){ ADDRESS_PORT, LAST_PORT, pci_in, pci_out, pci });
}

/* Function 0 tells whether its device has others. */
static void mark_multifunction(struct pci *pci, u8 devfn)
{
	struct pci_function *first = find(pci, devfn & 0xf8);
	bool others = false;

	for (unsigned i = 0; i < pci->count; i++)
		others |= pci->function[i]->devfn >> 3 == devfn >> 3 && pci->function[i]->devfn & 7;
	if (first && others)
		pci_define(first, PCI_HEADER_TYPE, 1, PCI_HEADER_MULTIFUNCTION, 0);
}

void pci_add(struct pci *pci, struct pci_function *f, u8 devfn, const struct pci_identity *id)
{
	check(pci->count < PCI_FUNCTIONS_MAX && !find(pci, devfn) && id->intx_pin <= 4);
	*f = (struct pci_function){ .pci = pci, .devfn = devfn, .config_end = PCI_HEADER_END };
	pci_define(f, PCI_VENDOR_ID, 2, id->vendor, 0);
	pci_define(f, PCI_DEVICE_ID, 2, id->device, 0);
	pci_define(f, PCI_COMMAND, 2, 0, COMMAND_ALWAYS);
	pci_define(f, PCI_REVISION_ID, 4, id->class << 8 | id->revision, 0);
	pci_define(f, PCI_CACHE_LINE, 1, 0, 0xff); /* kept, without effect */
	pci_define(f, PCI_SUBSYSTEM_VENDOR_ID, 2, id->subsystem_vendor, 0);
	pci_define(f, PCI_SUBSYSTEM_ID, 2, id->subsystem, 0);
	pci_define(f, PCI_INTERRUPT_LINE, 1, 0, id->intx_pin ? 0xff : 0);
	pci_define(f, PCI_INTERRUPT_PIN, 1, id->intx_pin, 0);
	pci->function[pci->count++] = f;
	mark_multifunction(pci, devfn);
}

/* Each one is put before the others of the list, and ends where the next one begins. */
u8 pci_add_capability(struct pci_function *f, u8 id, u8 size)
{
	u8 at = f->config_end;

	check(size >= 2 && at + size <= PCI_CONFIG_SIZE);
	pci_define(f, at, 1, id, 0);
	pci_define(f, at + 1u, 1, f->config[PCI_CAPABILITIES], 0);
	pci_define(f, PCI_CAPABILITIES, 1, at, 0);
	pci_define(f, PCI_STATUS, 2, PCI_STATUS_CAPABILITIES, 0);
	f->config_end = (u8)MIN(ALIGN_UP(at + size, 4u), PCI_CONFIG_SIZE - 1u);
	return at;
}

void pci_reset(struct pci *pci)
{
	pci->address = 0;
	for (unsigned i = 0; i < pci->count; i++) {
		struct pci_function *f = pci->function[i];

		memcpy(f->config, f->power_on, sizeof(f->config));
		f->intx = false;
		pci_msix_reset(f);
	}
	pci_bar_update(pci);
	update_lines(pci);
	for (unsigned i = 0; i < pci->count; i++)
		if (pci->function[i]->replaced)
			pci->function[i]->replaced(pci->function[i]);
}

static void place_all(struct pci_function *f, u64 *port, u64 *memory)
{
	for (unsigned n = 0; n < PCI_BARS; n++) {
		const struct pci_bar *bar = &f->bar[n];
		u64 *next = bar->io ? port : memory, at;

		if (!bar->size)
			continue;
		at = ALIGN_UP(*next, (u64)bar->size);
		*next = at + bar->size;
		pci_config_write(f->pci, f->devfn, pci_bar_offset(n), 4, (u32)at);
		if (bar->wide)
			pci_config_write(f->pci, f->devfn, pci_bar_offset(n + 1), 4,
					 (u32)(at >> 32));
	}
}

void pci_after_firmware(struct pci *pci, u64 memory_base, const u8 irq[PCI_INTX_LINES])
{
	u64 port = FIRMWARE_PORTS;

	for (unsigned i = 0; i < pci->count; i++) {
		struct pci_function *f = pci->function[i];
		u8 pin = f->config[PCI_INTERRUPT_PIN];

		place_all(f, &port, &memory_base);
		if (pin)
			f->config[PCI_INTERRUPT_LINE] = irq[pci_line(f->devfn, pin)];
		pci_config_write(pci, f->devfn, PCI_COMMAND, 2,
				 pci_get(f, PCI_COMMAND, 2) | PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	}
	check(port <= 0x10000);
}

/* ---- Saving ----------------------------------------------------------------- */

void pci_save(const struct pci *pci, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_PCI, PCI_VERSION);

	state_put(buf, pci->address, 4);
	state_put(buf, pci->count, 1);
	for (unsigned i = 0; i < pci->count; i++) {
		const struct pci_function *f = pci->function[i];

		state_put(buf, f->devfn, 1);
		state_put_bytes(buf, f->config, sizeof(f->config));
		state_put(buf, f->intx, 1);
		if (f->msix.cap)
			pci_msix_save(f, buf);
	}
	state_end_section(buf, begin);
}

/* Header and capabilities say what the function is: they must be the same here. */
static bool same_function(const struct pci_function *f, const u8 *config)
{
	for (unsigned i = 0; i < PCI_HEADER_END; i++)
		if ((config[i] ^ f->power_on[i]) & (u8)~f->writable[i] &
		    (i == PCI_STATUS ? (u8)~PCI_STATUS_INTERRUPT : 0xff))
			return false;
	return true;
}

static void load_function(struct pci_function *f, struct state_buf *buf)
{
	u8 config[PCI_CONFIG_SIZE];

	if (state_get(buf, 1) != f->devfn)
		state_refuse(buf, "another PCI device is in this place");
	state_get_bytes(buf, config, sizeof(config));
	f->intx = state_get_max(buf, 1, 1, "a PCI device's pin is neither up nor down");
	if (f->msix.cap)
		pci_msix_load(f, buf);
	if (!same_function(f, config))
		state_refuse(buf, "a PCI device is another one than that of this machine");
	for (unsigned i = 0; i < PCI_CONFIG_SIZE; i++)
		f->config[i] =
		    (u8)((f->config[i] & ~f->writable[i]) | (config[i] & f->writable[i]));
	f->config[PCI_STATUS] =
	    (u8)(f->power_on[PCI_STATUS] | (f->intx ? PCI_STATUS_INTERRUPT : 0));
}

/* Once to see whether all of it is good, once for earnest. */
static bool is_loadable(const struct pci *pci, struct state_buf *buf)
{
	size_t begin = buf->at;

	if (state_get(buf, 4) & ~ADDRESS_BITS)
		state_refuse(buf, "CONFIG_ADDRESS has impossible bits");
	if (state_get(buf, 1) != pci->count)
		state_refuse(buf, "the machine had another number of PCI devices");
	for (unsigned i = 0; i < pci->count && !buf->error; i++) {
		struct pci_function f = *pci->function[i];

		load_function(&f, buf);
	}
	buf->at = begin;
	return !buf->error;
}

int pci_load(struct pci *pci, struct state_buf *buf)
{
	if (!is_loadable(pci, buf))
		return -1;
	pci->address = (u32)state_get(buf, 4);
	(void)state_get(buf, 1);
	for (unsigned i = 0; i < pci->count; i++)
		load_function(pci->function[i], buf);
	pci_bar_update(pci);
	update_lines(pci);
	for (unsigned i = 0; i < pci->count; i++)
		if (pci->function[i]->replaced)
			pci->function[i]->replaced(pci->function[i]);
	return 0;
}
