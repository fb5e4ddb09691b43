/*
 * section.h - the numbers of the devices' sections in a saved state
 *
 * Owns: one number per device; a number is never given to another device.
 * Must not know: what stands in the sections (each device's own save and load).
 */
#ifndef ESPEJO_DEV_SECTION_H
#define ESPEJO_DEV_SECTION_H

#include "vm/state.h"

enum device_section {
	DEVICE_SECTION_UART = STATE_SECTION_DEVICE_FIRST,
	DEVICE_SECTION_PIC,
	DEVICE_SECTION_PIT,
	DEVICE_SECTION_RTC,
	DEVICE_SECTION_I8042,
	DEVICE_SECTION_DEBUGPORT,
	DEVICE_SECTION_EXITPORT,
	DEVICE_SECTION_LAPIC,
	DEVICE_SECTION_PCI,
	DEVICE_SECTION_IOAPIC,
	DEVICE_SECTION_PIIX3,
	DEVICE_SECTION_PIIX4,
	DEVICE_SECTION_FWCFG,
	DEVICE_SECTION_VGA,
	DEVICE_SECTION_VIRTIO_BLK,
	DEVICE_SECTION_VIRTIO_NET,
	DEVICE_SECTION_VIRTIO_CONSOLE,
	DEVICE_SECTION_VIRTIO_RNG,
};

#endif
