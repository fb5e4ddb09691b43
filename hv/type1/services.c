/* services.c - see services.h */
#include "type1/services.h"

#include "lib/fmt.h"
#include "net/switches.h"
#include "type1/ata.h"
#include "type1/disks.h"
#include "type1/e1000.h"
#include "type1/pcibus.h"
#include "type1/tap.h"

#define IDE_BUS_MASTER_BAR 4
#define IDE_BUS_MASTER_PORTS 16

/* The bus master's first port, 0: the controller has none. */
static u16 bus_master(void)
{
	const struct pcibus_function *ide = pcibus_find_class(PCIBUS_CLASS_IDE);
	const struct pcibus_bar *bar = ide ? &ide->bar[IDE_BUS_MASTER_BAR] : NULL;

	if (!bar || !bar->io || !bar->address || bar->size < IDE_BUS_MASTER_PORTS)
		return 0;
	pcibus_enable(ide);
	return (u16)bar->address;
}

static void disks_init(void)
{
	ata_init(bus_master());
	for (unsigned i = 0; ata_store(i); i++) {
		disks_add(ata_store(i), ata_model(i));
		host_log("espejo: disk %s: %llu MiB, %s", ata_store(i)->name,
			 (unsigned long long)ata_store(i)->sectors >> 11, ata_model(i));
	}
	disks_read_partitions(ata_poll);
}

void services_init(void)
{
	pcibus_init();
	disks_init();
	e1000_probe(switches_get(SWITCHES_UPLINK));
}

void services_poll(void)
{
	ata_poll();
	e1000_poll();
}

void services_flush(void)
{
	tap_flush();
}

int services_capture(const char *port, bool on, char *error, size_t size)
{
	struct link *link = switches_port(port);
	struct capture *capture = on ? tap_capture() : NULL;

	if (!link) {
		fmt_string(error, size, "there is no port '%s': see net list", port);
		return -HOST_ENOENT;
	}
	if (on && !capture) {
		fmt_string(error, size, "there is no second serial port to send the capture to");
		return -HOST_ENOTSUP;
	}
	switch_capture(link, capture);
	return 0;
}
