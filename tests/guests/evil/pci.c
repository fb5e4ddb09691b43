/* pci.c - see evil.h: configuration space by mechanism 1 */
#include "evil.h"

#define ADDRESS 0xcf8
#define DATA 0xcfc
#define ENABLE BIT(31)
#define KEPT_MAX 24

static struct {
	u8 devfn;
	u32 word[PCI_CONFIG_SIZE / 4];
} kept[KEPT_MAX];
static unsigned kept_count;

static u16 select(u8 devfn, unsigned offset)
{
	x86_outl(ADDRESS, (u32)ENABLE | (u32)devfn << 8 | (offset & 0xfcu));
	return (u16)(DATA + (offset & 3));
}

u32 pci_read(u8 devfn, unsigned offset, unsigned size)
{
	u16 port = select(devfn, offset);

	return size == 1 ? x86_inb(port) : size == 2 ? x86_inw(port) : x86_inl(port);
}

void pci_write(u8 devfn, unsigned offset, unsigned size, u32 value)
{
	u16 port = select(devfn, offset);

	if (size == 1)
		x86_outb(port, (u8)value);
	else if (size == 2)
		x86_outw(port, (u16)value);
	else
		x86_outl(port, value);
}

int pci_next(unsigned devfn)
{
	for (; devfn < PCI_DEVFNS; devfn++)
		if (pci_read((u8)devfn, 0, 2) != 0xffff)
			return (int)devfn;
	return -1;
}

void pci_keep(void)
{
	kept_count = 0;
	for (int at = pci_next(0); at >= 0 && kept_count < KEPT_MAX; at = pci_next(at + 1u)) {
		kept[kept_count].devfn = (u8)at;
		for (unsigned i = 0; i < PCI_CONFIG_SIZE / 4; i++)
			kept[kept_count].word[i] = pci_read((u8)at, 4 * i, 4);
		kept_count++;
	}
}

/* All off first, so that none is in another's way; the status bits, which a 1 clears, last. */
void pci_restore(void)
{
	for (unsigned k = 0; k < kept_count; k++)
		pci_write(kept[k].devfn, PCI_COMMAND, 2, 0);
	for (unsigned k = 0; k < kept_count; k++)
		for (unsigned i = 0; i < PCI_CONFIG_SIZE / 4; i++)
			if (4 * i != PCI_COMMAND)
				pci_write(kept[k].devfn, 4 * i, 4, kept[k].word[i]);
	for (unsigned k = 0; k < kept_count; k++)
		pci_write(kept[k].devfn, PCI_COMMAND, 2, kept[k].word[PCI_COMMAND / 4]);
}
