/* fwcfg.c - see fwcfg.h; pure, tested on the host */
#include "dev/fwcfg.h"

#include "dev/section.h"
#include "host.h"
#include "lib/string.h"

#define SELECTOR_PORT FWCFG_PORT
#define DATA_PORT (FWCFG_PORT + 1)
#define DMA_PORT (FWCFG_PORT + 4)
#define DMA_LOW_PORT (FWCFG_PORT + 8)

#define ID_TRADITIONAL BIT(0)
#define ID_DMA BIT(1)
#define SIGNATURE 0x554d4551u /* "QEMU" */
static const u8 dma_signature[8] = { 'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G' };

/* What the guest puts into memory, all big endian, and what the control word means. */
struct dma_request {
	u8 control[4], length[4], address[8];
};
ASSERT_SIZE(struct dma_request, 16);
#define DMA_ERROR BIT(0)
#define DMA_READ BIT(1)
#define DMA_SKIP BIT(2)
#define DMA_SELECT BIT(3)
#define DMA_WRITE BIT(4)
#define DMA_KEY_SHIFT 16

#define FWCFG_VERSION 1

static u64 get_big(const u8 *bytes, unsigned size)
{
	u64 value = 0;

	for (unsigned i = 0; i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

static void put_big(u8 *bytes, unsigned size, u64 value)
{
	for (unsigned i = 0; i < size; i++)
		bytes[i] = (u8)(value >> (8 * (size - 1 - i)));
}

static void put_little(u8 *bytes, unsigned size, u64 value)
{
	for (unsigned i = 0; i < size; i++)
		bytes[i] = (u8)(value >> (8 * i));
}

/* ---- Items ------------------------------------------------------------------ */

static struct fwcfg_item *find(struct fwcfg *f, u16 key)
{
	for (unsigned i = 0; i < f->count; i++)
		if (f->item[i].key == key)
			return &f->item[i];
	return NULL;
}

static struct fwcfg_item *find_or_add(struct fwcfg *f, u16 key)
{
	struct fwcfg_item *item = find(f, key);

	if (item)
		return item;
	check(f->count < ARRAY_SIZE(f->item));
	item = &f->item[f->count++];
	item->key = key;
	return item;
}

static const u8 *contents(const struct fwcfg_item *item)
{
	return item->data ? item->data : item->number;
}

void fwcfg_add_number(struct fwcfg *f, u16 key, u64 value, unsigned bytes)
{
	struct fwcfg_item *item = find_or_add(f, key);

	check(bytes <= sizeof(item->number));
	put_little(item->number, bytes, value);
	item->size = bytes;
	item->data = NULL;
}

/* The key of a file; a new name gets a new one. */
static u16 file_key(struct fwcfg *f, const char *name)
{
	struct fwcfg_file *file = f->directory.file;
	unsigned n = 0;

	while (n < f->files && strcmp(file[n].name, name))
		n++;
	if (n == f->files) {
		check(n < FWCFG_FILES && strlen(name) < FWCFG_NAME_SIZE);
		memcpy(file[n].name, name, strlen(name));
		put_big(file[n].key, sizeof(file[n].key), FWCFG_FIRST_FILE + n);
		put_big(f->directory.count, sizeof(f->directory.count), ++f->files);
		find_or_add(f, FWCFG_DIRECTORY)->size =
		    (u32)(offsetof(struct fwcfg_directory, file) + f->files * sizeof(file[0]));
	}
	return (u16)(FWCFG_FIRST_FILE + n);
}

static void set_file_size(struct fwcfg *f, u16 key, u32 size)
{
	struct fwcfg_file *file = &f->directory.file[key - FWCFG_FIRST_FILE];

	put_big(file->size, sizeof(file->size), size);
}

void fwcfg_add_file(struct fwcfg *f, const char *name, const void *data, u32 size)
{
	u16 key = file_key(f, name);
	struct fwcfg_item *item = find_or_add(f, key);

	check(data || !size);
	item->data = data;
	item->size = size;
	set_file_size(f, key, size);
}

void fwcfg_add_file_number(struct fwcfg *f, const char *name, u64 value)
{
	u16 key = file_key(f, name);

	fwcfg_add_number(f, key, value, sizeof(value));
	set_file_size(f, key, sizeof(value));
}

/* ---- Byte by byte ----------------------------------------------------------- */

static void select_key(struct fwcfg *f, u16 key)
{
	f->key = key;
	f->at = 0;
}

static u8 next_byte(struct fwcfg *f)
{
	const struct fwcfg_item *item = find(f, f->key);

	return item && f->at < item->size ? contents(item)[f->at++] : 0;
}

/* ---- DMA -------------------------------------------------------------------- */

/* The bytes of the item that are left. */
static u32 left(const struct fwcfg *f, const struct fwcfg_item *item)
{
	return item && item->size > f->at ? item->size - f->at : 0;
}

static bool write_zeros(const struct bus *bus, u64 address, u32 size)
{
	static const u8 zeros[256];

	for (u32 part; size; address += part, size -= part) {
		part = MIN(size, (u32)sizeof(zeros));
		if (!bus_write_ram(bus, gpa(address), zeros, part))
			return false;
	}
	return true;
}

/* False: not all of it is RAM, or more zeros than anybody needs. */
static bool dma_read(struct fwcfg *f, u64 address, u32 length)
{
	const struct fwcfg_item *item = find(f, f->key);
	u32 size = MIN(length, left(f, item));

	if (length - size > FWCFG_ZEROS_MAX || address + length < address)
		return false;
	if (size && !bus_write_ram(f->bus, gpa(address), contents(item) + f->at, size))
		return false;
	f->at += size;
	return write_zeros(f->bus, address + size, length - size);
}

static bool dma_run(struct fwcfg *f, u32 control, u64 address, u32 length)
{
	if (control & DMA_SELECT)
		select_key(f, (u16)(control >> DMA_KEY_SHIFT));
	if (control & DMA_READ)
		return dma_read(f, address, length);
	if (control & DMA_WRITE)
		return false;
	if (control & DMA_SKIP)
		f->at += MIN(length, left(f, find(f, f->key)));
	return true;
}

/* A request that is not in RAM cannot even be told that it failed. */
static void dma_start(struct fwcfg *f, u64 address)
{
	struct dma_request request;
	u32 control;
	bool good;

	if (!bus_read_ram(f->bus, gpa(address), &request, sizeof(request)))
		return;
	control = (u32)get_big(request.control, sizeof(request.control));
	good = dma_run(f, control, get_big(request.address, sizeof(request.address)),
		       (u32)get_big(request.length, sizeof(request.length)));
	put_big(request.control, sizeof(request.control), good ? 0 : DMA_ERROR);
	if (!bus_write_ram(f->bus, gpa(address), request.control, sizeof(request.control)))
		return; /* see above */
}

/* Both halves of the address are big endian; the lower one starts. */
static void dma_out(struct fwcfg *f, u16 port, u32 value)
{
	value = __builtin_bswap32(value);
	if (port == DMA_PORT) {
		f->dma_high = value;
	} else if (port == DMA_LOW_PORT) {
		u64 address = (u64)f->dma_high << 32 | value;

		f->dma_high = 0;
		dma_start(f, address);
	}
}

/* ---- Ports ------------------------------------------------------------------ */

static u32 dma_in(u16 port, unsigned size)
{
	u32 value = 0;

	for (unsigned i = 0; i < size && port - DMA_PORT + i < sizeof(dma_signature); i++)
		value |= (u32)dma_signature[port - DMA_PORT + i] << (8 * i);
	return value;
}

/* The data register is one byte wide; the selector reads as it does, as in QEMU. */
static u32 fwcfg_in(void *dev, u16 port, unsigned size)
{
	if (port >= DMA_PORT)
		return dma_in(port, size);
	return port <= DATA_PORT && size == 1 ? next_byte(dev) : 0;
}

static void fwcfg_out(void *dev, u16 port, unsigned size, u32 value)
{
	if (port == SELECTOR_PORT && size == 2)
		select_key(dev, (u16)value);
	else if (port >= DMA_PORT && size == 4)
		dma_out(dev, port, value);
}

void fwcfg_reset(struct fwcfg *f)
{
	select_key(f, FWCFG_SIGNATURE);
	f->dma_high = 0;
}

void fwcfg_init(struct fwcfg *f, struct bus *bus)
{
	struct fwcfg_item *directory;

	*f = (struct fwcfg){ .bus = bus };
	bus_claim_ports(bus, (struct port_range){ FWCFG_PORT, FWCFG_PORT + FWCFG_PORTS - 1,
						  fwcfg_in, fwcfg_out, f });
	fwcfg_add_number(f, FWCFG_SIGNATURE, SIGNATURE, 4);
	fwcfg_add_number(f, FWCFG_ID, ID_TRADITIONAL | ID_DMA, 4);
	directory = find_or_add(f, FWCFG_DIRECTORY);
	directory->data = &f->directory;
	directory->size = sizeof(f->directory.count);
	fwcfg_reset(f);
}

void fwcfg_save(const struct fwcfg *f, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_FWCFG, FWCFG_VERSION);

	state_put(buf, f->key, 2);
	state_put(buf, f->at, 4);
	state_put(buf, f->dma_high, 4);
	state_end_section(buf, begin);
}

int fwcfg_load(struct fwcfg *f, struct state_buf *buf)
{
	u16 key = (u16)state_get(buf, 2);
	u32 at = (u32)state_get(buf, 4);
	u32 dma_high = (u32)state_get(buf, 4);
	const struct fwcfg_item *item = find(f, key);

	if (at > (item ? item->size : 0))
		state_refuse(buf, "fw_cfg stands behind the end of its item");
	if (buf->error)
		return -1;
	f->key = key;
	f->at = at;
	f->dma_high = dma_high;
	return 0;
}
