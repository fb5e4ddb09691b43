/*
 * virtio_pci.h - a virtio device as a PCI function
 *
 * Owns: identity, capabilities and registers of a modern virtio PCI device, and its interrupts,
 * MSI-X or INTx.
 * Must not know: what the device does.
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Virtio Over PCI Bus" (4.1).
 *
 * Locking: as everything on the bus, with the VM's device lock held.
 */
#ifndef ESPEJO_DEV_VIRTIO_PCI_H
#define ESPEJO_DEV_VIRTIO_PCI_H

#include "dev/pci.h"
#include "dev/virtio.h"

/* BARs: registers; MSI-X; notifications as ports too, which cost a guest far less than memory. */
#define VIRTIO_PCI_BAR_REGISTERS 0
#define VIRTIO_PCI_BAR_MSIX 1
#define VIRTIO_PCI_BAR_PORTS 2

/* What is where in the registers' BAR: a page each. */
#define VIRTIO_PCI_COMMON 0x0000
#define VIRTIO_PCI_ISR 0x1000
#define VIRTIO_PCI_DEVICE 0x2000
#define VIRTIO_PCI_NOTIFY 0x3000
#define VIRTIO_PCI_BAR_SIZE 0x4000
#define VIRTIO_PCI_NOTIFY_MULTIPLIER 4

#define VIRTIO_PCI_NO_VECTOR 0xffff

/* "Virtio Structure PCI Capabilities" (4.1.4) */
enum virtio_pci_cap_type {
	VIRTIO_PCI_CAP_COMMON = 1,
	VIRTIO_PCI_CAP_NOTIFY,
	VIRTIO_PCI_CAP_ISR,
	VIRTIO_PCI_CAP_DEVICE,
	VIRTIO_PCI_CAP_PCI, /* a window into the BARs, in configuration space */
};

/* Fields of such a capability. */
enum virtio_pci_cap_field {
	VIRTIO_PCI_CAP_LEN = 2,
	VIRTIO_PCI_CAP_TYPE = 3,
	VIRTIO_PCI_CAP_BAR = 4,
	VIRTIO_PCI_CAP_OFFSET = 8,
	VIRTIO_PCI_CAP_LENGTH = 12,
	VIRTIO_PCI_CAP_SIZE = 16,
	VIRTIO_PCI_CAP_EXTRA = 16, /* notify_off_multiplier, or pci_cfg_data */
};

/* "Common configuration structure layout" (4.1.4.3) */
enum virtio_pci_common {
	VIRTIO_PCI_DEVICE_FEATURE_SELECT = 0x00,
	VIRTIO_PCI_DEVICE_FEATURE = 0x04,
	VIRTIO_PCI_DRIVER_FEATURE_SELECT = 0x08,
	VIRTIO_PCI_DRIVER_FEATURE = 0x0c,
	VIRTIO_PCI_CONFIG_VECTOR = 0x10,
	VIRTIO_PCI_NUM_QUEUES = 0x12,
	VIRTIO_PCI_STATUS = 0x14,
	VIRTIO_PCI_GENERATION = 0x15,
	VIRTIO_PCI_QUEUE_SELECT = 0x16,
	VIRTIO_PCI_QUEUE_SIZE = 0x18,
	VIRTIO_PCI_QUEUE_VECTOR = 0x1a,
	VIRTIO_PCI_QUEUE_ENABLE = 0x1c,
	VIRTIO_PCI_QUEUE_NOTIFY_OFF = 0x1e,
	VIRTIO_PCI_QUEUE_DESC = 0x20,
	VIRTIO_PCI_QUEUE_DRIVER = 0x28,
	VIRTIO_PCI_QUEUE_DEVICE = 0x30,
	VIRTIO_PCI_QUEUE_NOTIFY_DATA = 0x38,
	VIRTIO_PCI_QUEUE_RESET = 0x3a,
	VIRTIO_PCI_COMMON_SIZE = 0x3c,
};

#define VIRTIO_PCI_ISR_QUEUE BIT(0)
#define VIRTIO_PCI_ISR_CONFIG BIT(1)

struct virtio_pci {
	struct pci_function function;
	struct virtio *virtio;
	u8 window; /* the capability VIRTIO_PCI_CAP_PCI */
	bool was_master; /* bus mastering, when last looked at */
	u32 device_feature_select, driver_feature_select;
	u16 queue_select;
	u16 vector[VIRTIO_QUEUES_MAX + 1]; /* [VIRTIO_CONFIG_CHANGE] too */
	u8 isr;
};

/*
 * Plug v, which virtio_init made, into pci at devfn and become its transport.  class as in struct
 * pci_identity; intx_pin 1..4.  ports: offer notification by I/O ports too, behind that by memory.
 */
void virtio_pci_init(struct virtio_pci *p, struct virtio *v, struct pci *pci, u8 devfn, u32 class,
		     bool ports);

/* Registers in the BAR; any offset and size are harmless. */
u64 virtio_pci_read(void *function, u64 offset, unsigned size);
void virtio_pci_write(void *function, u64 offset, unsigned size, u64 value);

/* A whole section: begin it, save what is the device's own, then this; see virtio_blk_save. */
void virtio_pci_save(const struct virtio_pci *p, struct state_buf *buf);
/* 0, or -1 with buf->error set and nothing changed. */
int virtio_pci_load(struct virtio_pci *p, struct state_buf *buf);

#endif
