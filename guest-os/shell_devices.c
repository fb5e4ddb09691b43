/*
 * shell_devices.c - the commands for network and other devices
 *
 * Owns: what they say.  Must not know: how any of it is done.
 */
#include "shell_devices.h"

#include "arp.h"
#include "clock.h"
#include "errno.h"
#include "icmp.h"
#include "lib/string.h"
#include "net.h"
#include "pci_interrupt.h"
#include "print.h"
#include "random.h"
#include "sched.h"
#include "shell.h"
#include "uart.h"
#include "virtio_console.h"
#include "virtio_net.h"

#define PINGS 4
#define PING_TIMEOUT_US 1000000
#define PING_PAUSE_US 200000
#define RANDOM_BYTES 16

static void print_mac(const u8 mac[NET_MAC_SIZE])
{
	print("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void print_neighbours(void)
{
	char text[NET_TEXT_MAX];
	u8 mac[NET_MAC_SIZE];
	u32 address;

	for (unsigned i = 0; arp_neighbour(i, &address, mac); i++) {
		net_format(address, text);
		print("%s is at ", text);
		print_mac(mac);
		print("\n");
	}
}

static void print_config(void)
{
	char text[3][NET_TEXT_MAX];

	net_format(net_config.address, text[0]);
	net_format(net_config.mask, text[1]);
	net_format(net_config.gateway, text[2]);
	print_mac(net_config.mac);
	print(", address %s, mask %s, gateway %s\n", text[0], text[1], text[2]);
	print("%lu frames sent, %lu received\n", virtio_net_sent(), virtio_net_received());
}

/* net, net ADDRESS/BITS [GATEWAY] */
bool shell_devices_net(unsigned count, char **words)
{
	u32 address, mask, gateway = 0;

	if (!virtio_net_present()) {
		print("net: there is no network card\n");
		return false;
	}
	if (count == 1) {
		print_config();
		print_neighbours();
		return true;
	}
	if (!net_parse_prefix(words[1], &address, &mask) ||
	    (count > 2 && !net_parse(words[2], &gateway))) {
		print("net: an address is like 10.0.0.2/24, a gateway like 10.0.0.1\n");
		return false;
	}
	net_config.address = address;
	net_config.mask = mask;
	net_config.gateway = gateway;
	arp_clear();
	return true;
}

static void pause_for(u64 us)
{
	for (u64 until = clock_us() + us; clock_us() < until;)
		sched_wait(0, until);
}

static bool ping_once(u32 address, const char *text, u32 sequence)
{
	u64 us;
	int error = icmp_ping(address, (u16)sequence, PING_TIMEOUT_US, &us);

	if (error == -ENETUNREACH)
		print("%s: no way there\n", text);
	else if (error)
		print("%s: no reply to number %u\n", text, sequence);
	else
		print("%s: reply to number %u in %lu us\n", text, sequence, us);
	return !error;
}

/* ping ADDRESS [COUNT] */
bool shell_devices_ping(unsigned count, char **words)
{
	u32 address, wanted = PINGS, sent = 0, replies = 0;
	int given = count > 2 ? shell_number(words[2]) : PINGS;

	if (count < 2 || !net_parse(words[1], &address) || given < 1) {
		print("ping: ping ADDRESS [COUNT]\n");
		return false;
	}
	wanted = (u32)given;
	while (sent < wanted && !uart_take_break()) {
		if (sent)
			pause_for(PING_PAUSE_US);
		replies += ping_once(address, words[1], ++sent);
	}
	print("%u sent, %u replies, %u lost\n", sent, replies, sent - replies);
	return replies == wanted;
}

bool shell_devices_pci(unsigned count UNUSED, char **words UNUSED)
{
	for (const struct pci_device *d = pci_devices; d < pci_devices + pci_count; d++) {
		print("%02x:%02x.%u %04x:%04x class %06x", d->bus, d->slot, d->function, d->vendor,
		      d->device, d->class);
		print("%s\n", pci_capability(d, PCI_CAP_MSIX, 0) ? ", MSI-X" : "");
	}
	print("%u functions, %lu interrupts\n", pci_count, pci_interrupt_count());
	return true;
}

bool shell_devices_random(unsigned count UNUSED, char **words UNUSED)
{
	u8 bytes[RANDOM_BYTES];

	if (!random_device_present() || random_from_device(bytes, sizeof(bytes))) {
		print("random: there is no entropy device\n");
		return false;
	}
	for (unsigned i = 0; i < sizeof(bytes); i++)
		print("%02x", bytes[i]);
	print("\n");
	return true;
}

/* say TEXT..: on the second console */
bool shell_devices_say(unsigned count, char **words)
{
	int error = virtio_console_present() ? 0 : -ENODEV;

	for (unsigned i = 1; !error && i < count; i++) {
		error = virtio_console_write(words[i], strlen(words[i]));
		if (!error)
			error = virtio_console_write(i + 1 < count ? " " : "\n", 1);
	}
	if (error)
		print("say: there is no second console\n");
	return !error;
}
