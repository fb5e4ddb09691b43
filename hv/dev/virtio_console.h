/*
 * virtio_console.h - a virtio console with one port
 *
 * Owns: characters between a driver's buffers and whoever shows them or types them.
 * Must not know: who that is.
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Console Device" (5.3).
 *
 * Locking: as everything on the bus, with the VM's device lock held.
 */
#ifndef ESPEJO_DEV_VIRTIO_CONSOLE_H
#define ESPEJO_DEV_VIRTIO_CONSOLE_H

#include "dev/virtio_pci.h"

#define VIRTIO_CONSOLE_QUEUE_SIZE 64
#define VIRTIO_CONSOLE_INPUT 256 /* characters that wait for a buffer of the driver's */
#define VIRTIO_CONSOLE_CHUNK 128 /* characters given to the callback at once, at most */
/*
 * What is shown before the guest runs again, and others may: 11 ms of a serial line of 115200 baud,
 * about a turn of the scheduler's.
 */
#define VIRTIO_CONSOLE_RUN 128u

enum virtio_console_queue { VIRTIO_CONSOLE_RX, VIRTIO_CONSOLE_TX };

#define VIRTIO_CONSOLE_F_EMERG_WRITE BIT(2)

/* "Device configuration layout" (5.3.4) */
enum virtio_console_config {
	VIRTIO_CONSOLE_EMERG_WRITE = 8,
	VIRTIO_CONSOLE_CONFIG_SIZE = 12,
};

struct virtio_console {
	struct virtio virtio;
	struct virtio_pci pci;
	unsigned work;
	/* Shows text, of at most VIRTIO_CONSOLE_CHUNK bytes. */
	void (*output)(void *context, const char *text, size_t len);
	void *context;
	u8 input[VIRTIO_CONSOLE_INPUT];
	u32 head, tail; /* tail - head characters wait */
	bool writing; /* chain is being shown, done bytes of it were */
	u32 done;
	struct virtqueue_chain chain; /* the one being looked at */
};

/* Plug a console into pci at devfn.  ports: see virtio_pci_init. */
void virtio_console_init(struct virtio_console *console, struct bus *bus, struct pci *pci, u8 devfn,
			 void (*output)(void *context, const char *text, size_t len), void *context,
			 bool ports);
void virtio_console_reset(struct virtio_console *console);

/* A character typed; false: no room now, or nobody reads: try later. */
bool virtio_console_input(struct virtio_console *console, u8 byte);

/* The buffer being shown must have been (console->writing: run the bus's works), else panic. */
void virtio_console_save(const struct virtio_console *console, struct state_buf *buf);
/* 0, or -1 with buf->error set and nothing changed. */
int virtio_console_load(struct virtio_console *console, struct state_buf *buf);

#endif
