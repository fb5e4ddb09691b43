/* errors.c - see evil.h: a disk whose sector bad=N cannot be read or written */
#include "evil.h"

#include "lib/string.h"

#define SECTOR 512u
#define BLK_IN 0u
#define BLK_OUT 1u
#define BLK_FLUSH 4u

/* The status of one sector's transfer. */
static unsigned transfer(const struct device *d, u32 type, u64 sector)
{
	const struct {
		u32 type, reserved;
		u64 sector;
	} header = { type, 0, sector };

	virtio_up(d, F_INDIRECT);
	virtio_chain(d);
	memcpy(memory_buffer(0), &header, sizeof(header));
	ring.d[1].flags = (u16)(D_NEXT | (type == BLK_OUT ? 0 : D_WRITE));
	return virtio_run(d, 1) == SERVED ? *memory_buffer(2) : 0x100;
}

void errors_main(void)
{
	const struct device *d = &devices[0];
	u64 bad = rt_number("bad", 0);

	if (d->devfn < 0 || !bad)
		return;
	for (unsigned i = 0; i < 3; i++) {
		verdict(transfer(d, BLK_IN, bad) == 1, "blk: a read of sector %lu fails", bad);
		verdict(transfer(d, BLK_OUT, bad) == 1, "blk: a write of sector %lu fails", bad);
		verdict(transfer(d, BLK_IN, bad - 1) == 0, "blk: the one before can be read");
		verdict(transfer(d, BLK_OUT, bad + 1) == 0, "blk: the one behind can be written");
		verdict(transfer(d, BLK_FLUSH, 0) == 0, "blk: and all flushed");
	}
}
