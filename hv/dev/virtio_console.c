/* virtio_console.c - see virtio_console.h; pure, tested and fuzzed on the host */
#include "dev/virtio_console.h"

#include "dev/section.h"
#include "host.h"
#include "vm/state.h"

#define CLASS_COMMUNICATION 0x078000
#define SECTION_VERSION 1
#define BYTES_OF_BUFFER 32u /* what one costs at least, in such bytes */

static struct virtio_console *of_virtio(const struct virtio *v)
{
	return container_of(v, struct virtio_console, virtio);
}

/* ---- Out ----------------------------------------------------------------- */

/* The next chunk of the chain; how many bytes that was. */
static u32 show(struct virtio_console *console)
{
	char text[VIRTIO_CONSOLE_CHUNK];
	u32 len = virtqueue_read(&console->chain, console->done, text, sizeof(text));

	if (len)
		console->output(console->context, text, len);
	console->done += len;
	return len;
}

static bool next_buffer(struct virtio_console *console)
{
	console->writing =
	    console->writing || virtio_pop(&console->virtio, VIRTIO_CONSOLE_TX, &console->chain);
	return console->writing;
}

static void transmit(struct virtio_console *console)
{
	struct virtio *v = &console->virtio;
	u32 budget = VIRTIO_CONSOLE_RUN;

	if (!virtio_running(v) && console->writing) {
		virtio_push(v, VIRTIO_CONSOLE_TX, console->chain.head, console->chain.epoch, 0);
		console->writing = false;
		console->done = 0;
	}
	do {
		while (budget && next_buffer(console)) {
			u32 len = show(console);

			budget -= MIN(budget, MAX(len, BYTES_OF_BUFFER));
			if (console->done < console->chain.readable_bytes)
				continue;
			virtio_push(v, VIRTIO_CONSOLE_TX, console->chain.head, console->chain.epoch,
				    0);
			console->writing = false;
			console->done = 0;
		}
		virtio_publish(v, VIRTIO_CONSOLE_TX);
		if (!budget) {
			virtio_ignore(v, VIRTIO_CONSOLE_TX);
			bus_post(v->bus, console->work);
			return;
		}
	} while (virtio_listen(v, VIRTIO_CONSOLE_TX));
}

/* ---- In ------------------------------------------------------------------ */

/* Characters that wait, into one buffer of the driver's: as many as there are, not as it holds. */
static void fill(struct virtio_console *console, const struct virtqueue_chain *chain)
{
	u32 written = 0;

	while (written < chain->writable_bytes && console->head != console->tail) {
		u8 *byte = &console->input[console->head++ % VIRTIO_CONSOLE_INPUT];

		written += virtqueue_write(chain, written, byte, 1);
	}
	virtio_push(&console->virtio, VIRTIO_CONSOLE_RX, chain->head, chain->epoch, written);
}

static void receive(struct virtio_console *console)
{
	struct virtio *v = &console->virtio;
	struct virtqueue_chain chain;
	unsigned buffers = 0;

	do {
		while (console->head != console->tail && buffers < VIRTIO_CONSOLE_INPUT &&
		       virtio_pop(v, VIRTIO_CONSOLE_RX, &chain)) {
			fill(console, &chain);
			buffers++;
		}
		virtio_publish(v, VIRTIO_CONSOLE_RX);
		if (console->head == console->tail || buffers == VIRTIO_CONSOLE_INPUT) {
			virtio_ignore(v, VIRTIO_CONSOLE_RX);
			return;
		}
	} while (virtio_listen(v, VIRTIO_CONSOLE_RX));
}

bool virtio_console_input(struct virtio_console *console, u8 byte)
{
	if (!virtio_running(&console->virtio) ||
	    console->tail - console->head == VIRTIO_CONSOLE_INPUT)
		return false;
	console->input[console->tail++ % VIRTIO_CONSOLE_INPUT] = byte;
	receive(console);
	return true;
}

static void notify(struct virtio *v, unsigned n)
{
	if (n == VIRTIO_CONSOLE_RX)
		receive(of_virtio(v));
	else
		transmit(of_virtio(v));
}

static void work(void *dev)
{
	transmit(dev);
}

/* ---- Configuration, life ------------------------------------------------- */

/* Size and ports are not offered: they read as 0. */
static u8 config_read(struct virtio *v UNUSED, unsigned offset UNUSED)
{
	return 0;
}

/* "Device Operation" (5.3.6): a character that needs no queue, at any time. */
static void config_write(struct virtio *v, unsigned offset, u8 value)
{
	struct virtio_console *console = of_virtio(v);
	char text = (char)value;

	if (offset == VIRTIO_CONSOLE_EMERG_WRITE)
		console->output(console->context, &text, 1);
}

static void forget(struct virtio *v, unsigned n)
{
	struct virtio_console *console = of_virtio(v);

	if (n == VIRTIO_CONSOLE_RX) {
		console->head = console->tail = 0;
	} else {
		console->writing = false;
		console->done = 0;
	}
}

static const struct virtio_ops ops = {
	.id = VIRTIO_ID_CONSOLE,
	.queues = 2,
	.queue_size = { VIRTIO_CONSOLE_QUEUE_SIZE, VIRTIO_CONSOLE_QUEUE_SIZE },
	.config_size = VIRTIO_CONSOLE_CONFIG_SIZE,
	.notify = notify,
	.config_read = config_read,
	.config_write = config_write,
	.forget = forget,
};

void virtio_console_init(struct virtio_console *console, struct bus *bus, struct pci *pci, u8 devfn,
			 void (*output)(void *context, const char *text, size_t len), void *context,
			 bool ports)
{
	*console = (struct virtio_console){ .output = output, .context = context };
	console->work = bus_add_work(bus, work, console);
	virtio_init(&console->virtio, bus, &ops, VIRTIO_CONSOLE_F_EMERG_WRITE);
	virtio_pci_init(&console->pci, &console->virtio, pci, devfn, CLASS_COMMUNICATION, ports);
}

void virtio_console_reset(struct virtio_console *console)
{
	virtio_reset(&console->virtio);
}

void virtio_console_save(const struct virtio_console *console, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_VIRTIO_CONSOLE, SECTION_VERSION);
	u32 waiting = console->tail - console->head;

	check(!console->writing);
	state_put(buf, waiting, 4);
	for (u32 i = 0; i < waiting; i++)
		state_put(buf, console->input[(console->head + i) % VIRTIO_CONSOLE_INPUT], 1);
	virtio_pci_save(&console->pci, buf);
	state_end_section(buf, begin);
}

int virtio_console_load(struct virtio_console *console, struct state_buf *buf)
{
	u8 input[VIRTIO_CONSOLE_INPUT];
	u32 waiting = (u32)state_get_max(buf, 4, VIRTIO_CONSOLE_INPUT,
					 "a virtio console has more input than it holds");

	for (u32 i = 0; i < waiting && !buf->error; i++)
		input[i] = (u8)state_get(buf, 1);
	if (virtio_pci_load(&console->pci, buf))
		return -1;
	for (u32 i = 0; i < waiting; i++)
		console->input[i] = input[i];
	console->head = 0;
	console->tail = waiting;
	console->writing = false;
	console->done = 0;
	return 0;
}
