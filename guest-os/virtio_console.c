/*
 * virtio_console.c - the second console
 *
 * Owns: port 0 of the first virtio console.  It is written with interrupts off and polled, as the
 * UART is; what is typed there interrupts.
 * Must not know: what is said through it.
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Console Device" (5.3).
 */
#include "virtio_console.h"

#include "clock.h"
#include "errno.h"
#include "lib/string.h"
#include "page.h"
#include "print.h"
#include "sched.h"
#include "virtio.h"
#include "x86_ops.h"

#define RX 0
#define TX 1
#define PATIENCE_US 1000000

static struct virtio console;
static char *in_page, *out_page;
static bool writing;   /* out_page belongs to the device */
static char ring[256]; /* as in uart.c */
static unsigned head, tail;

static void offer_input(void)
{
	struct virtqueue_part part = { in_page, PAGE_SIZE, true };

	virtqueue_add(&console.queue[RX], &part, 1, in_page);
	virtqueue_kick(&console.queue[RX]);
}

static void take_output(void)
{
	u32 written;

	if (virtqueue_take(&console.queue[TX], &written))
		writing = false;
}

static void interrupt(void)
{
	u32 length;

	take_output();
	if (!virtqueue_take(&console.queue[RX], &length))
		return;
	for (u32 i = 0; i < MIN(length, (u32)PAGE_SIZE); i++)
		if (head - tail < sizeof(ring))
			ring[head++ % sizeof(ring)] = in_page[i];
	offer_input();
	sched_wake(SCHED_INPUT);
}

void virtio_console_init(void)
{
	int error;

	error = virtio_start(&console, VIRTIO_CONSOLE, 0, 2, interrupt);
	if (error == -ENODEV)
		return;
	in_page = page_alloc();
	out_page = page_alloc();
	if (error || !in_page || !out_page) {
		print("guest-os: the second console does not start\n");
		console.pci = NULL;
		return;
	}
	offer_input();
}

bool virtio_console_present(void)
{
	return console.pci;
}

/* A page at most. */
static int write_piece(const char *text, size_t length)
{
	struct virtqueue_part part = { out_page, (u32)length, false };
	u64 limit = clock_us() + PATIENCE_US;

	memcpy(out_page, text, length);
	writing = true;
	virtqueue_add(&console.queue[TX], &part, 1, out_page);
	virtqueue_kick(&console.queue[TX]);
	while (writing && clock_us() < limit) {
		x86_pause();
		take_output();
	}
	return writing ? -EIO : 0;
}

int virtio_console_write(const char *text, size_t length)
{
	int error = console.pci && !writing ? 0 : -EIO;

	for (size_t n; !error && length; text += n, length -= n) {
		n = MIN(length, (size_t)PAGE_SIZE);
		error = write_piece(text, n);
	}
	return error;
}

int virtio_console_read(void)
{
	return tail == head ? -1 : (u8)ring[tail++ % sizeof(ring)];
}
