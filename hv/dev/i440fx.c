/* i440fx.c - see i440fx.h; pure, tested on the host */
#include "dev/i440fx.h"

#include "host.h"

#define VENDOR 0x8086
#define DEVICE 0x1237
#define REVISION 2
#define CLASS_HOST_BRIDGE 0x060000
#define QEMU_VENDOR 0x1af4
#define QEMU_BOARD 0x1100

#define PMCCFG 0x50
#define DRAMC 0x57 /* and DRAMT behind it */
#define DRAM_ROWS 0x60
#define ROWS 8
#define SMRAM_POWER_ON 0x02
#define SMRAM_WRITABLE 0x78 /* open, closed, lock, enable; the segment is fixed */
#define SMRAM_LOCK 0x10
#define SMRAM_OPEN 0x40
#define ERRCMD 0x90

/* Two bits of a nibble of PAM. */
#define PAM_READ 1u
#define PAM_WRITE 2u
#define PAM_BITS 3u

#define ROM_START 0xc0000u
#define BIOS_START 0xf0000u
#define BIOS_AREA (I440FX_AREAS - 1)

/* The BIOS has the upper nibble of the first byte; the others follow from the lower one up. */
static u8 pam_of(const struct i440fx *b, unsigned area)
{
	const u8 *pam = &b->function.config[I440FX_PAM];

	if (area == BIOS_AREA)
		return pam[0] >> 4 & PAM_BITS;
	return pam[1 + area / 2] >> (area % 2 ? 4 : 0) & PAM_BITS;
}

static void tell(struct i440fx *b, unsigned area)
{
	bool bios = area == BIOS_AREA;

	b->told[area] = pam_of(b, area);
	if (b->lines.pam_changed)
		b->lines.pam_changed(
		    b->lines.ctx, gpa(bios ? BIOS_START : ROM_START + area * KiB(16)),
		    bios ? KiB(64) : KiB(16), b->told[area] & PAM_READ, b->told[area] & PAM_WRITE);
}

/* Locked, SMRAM stays as it is and closed until the next reset. */
static void look_at_smram(struct pci_function *f)
{
	bool locked = f->config[I440FX_SMRAM] & SMRAM_LOCK;

	if (locked)
		f->config[I440FX_SMRAM] &= (u8)~SMRAM_OPEN;
	f->writable[I440FX_SMRAM] = locked ? 0 : SMRAM_WRITABLE;
}

static void written(struct pci_function *f, unsigned offset UNUSED, unsigned size UNUSED)
{
	struct i440fx *b = container_of(f, struct i440fx, function);

	look_at_smram(f);
	for (unsigned area = 0; area < I440FX_AREAS; area++)
		if (pam_of(b, area) != b->told[area])
			tell(b, area);
}

static void replaced(struct pci_function *f)
{
	look_at_smram(f);
	for (unsigned area = 0; area < I440FX_AREAS; area++)
		tell(container_of(f, struct i440fx, function), area);
}

void i440fx_after_firmware(struct i440fx *b)
{
	struct pci_function *f = &b->function;

	pci_config_write(f->pci, f->devfn, I440FX_PAM, 1, 0x30);
	for (unsigned i = 1; i < I440FX_PAM_BYTES; i++)
		pci_config_write(f->pci, f->devfn, I440FX_PAM + i, 1, 0x33);
}

void i440fx_init(struct i440fx *b, struct pci *pci, const struct i440fx_lines *lines)
{
	static const struct pci_identity identity = {
		.vendor = VENDOR,
		.device = DEVICE,
		.subsystem_vendor = QEMU_VENDOR,
		.subsystem = QEMU_BOARD,
		.class = CLASS_HOST_BRIDGE,
		.revision = REVISION,
	};
	struct pci_function *f = &b->function;

	*b = (struct i440fx){ .lines = *lines };
	pci_add(pci, f, I440FX_DEVFN, &identity);
	f->written = written;
	f->replaced = replaced;
	/* Memory and bus mastering cannot be switched off. */
	pci_define(f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, PCI_COMMAND_SERR);
	/* Registers of the DRAM interface, which firmware may set up: without effect here. */
	pci_define(f, PMCCFG, 4, 0, ~0u);
	pci_define(f, DRAMC, 2, 0x0001, 0xffff);
	for (unsigned row = 0; row < ROWS; row++)
		pci_define(f, DRAM_ROWS + row, 1, 1, 0xff);
	pci_define(f, ERRCMD, 2, 0, 0xffff);
	pci_define(f, I440FX_SMRAM, 1, SMRAM_POWER_ON, SMRAM_WRITABLE);
	pci_define(f, I440FX_PAM, 1, 0, 0x30);
	for (unsigned i = 1; i < I440FX_PAM_BYTES; i++)
		pci_define(f, I440FX_PAM + i, 1, 0, 0x33);
}
