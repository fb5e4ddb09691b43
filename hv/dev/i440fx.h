/*
 * i440fx.h - the host bridge: which of memory below 1 MiB is RAM and which is ROM
 *
 * Owns: PCI function 00:00.0 with the PAM and SMRAM registers.
 * Must not know: memory itself; it is told by a callback.
 *
 * Source: Intel, "440FX PCIset 82441FX PCI and Memory Controller (PMC)" (290549), "PAM -
 * Programmable Attribute Map Registers" (3.2.18), "SMRAM" (3.2.22).  The subsystem ID is that
 * of QEMU's board, by which SeaBIOS knows that fw_cfg is there.
 *
 * There is no system management mode: SMRAM is a register without effect.
 */
#ifndef ESPEJO_DEV_I440FX_H
#define ESPEJO_DEV_I440FX_H

#include "dev/pci.h"

#define I440FX_DEVFN PCI_DEVFN(0, 0)
#define I440FX_PAM 0x59 /* seven bytes */
#define I440FX_PAM_BYTES 7
#define I440FX_SMRAM 0x72

/*
 * Areas that are mapped one by one: twelve of 16 KiB from 0xc0000 to 0xeffff, then 0xf0000 to
 * 0xfffff in one.
 */
#define I440FX_AREAS 13

struct i440fx_lines {
	/*
	 * Reads of [base, base + size) come from RAM (else from ROM), writes go to RAM (else are
	 * lost).  Called when that changes, and for all areas after reset and load.
	 */
	void (*pam_changed)(void *ctx, gpa_t base, u64 size, bool read_ram, bool write_ram);
	void *ctx;
};

struct i440fx {
	struct pci_function function; /* all of its state is in there */
	struct i440fx_lines lines;
	u8 told[I440FX_AREAS]; /* the bits that were last told */
};

/* Plugs it into pci.  Tells nothing: pci_reset does. */
void i440fx_init(struct i440fx *b, struct pci *pci, const struct i440fx_lines *lines);
/* After pci_reset, for kernels that are started without firmware: all areas are RAM. */
void i440fx_after_firmware(struct i440fx *b);

#endif
