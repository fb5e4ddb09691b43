/*
 * census_board.c - words about a PC's board, and what is on it besides: firmware's interface, power
 * management, screen
 *
 * As in census_chips2.c, the manual's word stands beside each case.
 *
 * Sources: QEMU, "fw_cfg"; ACPI Specification, "ACPI Register Model"; IBM, "VGA" registers.
 */
#include "census_board.h"

#include "census.h"
#include "x86_ops.h"

/* ---- Words ---- */

volatile u32 *board_apic(u32 offset)
{
	return (volatile u32 *)(u64)(APIC_DEFAULT_BASE + offset);
}

#define IOAPIC 0xfec00000ull

volatile u32 *board_ioapic(u8 n)
{
	*(volatile u32 *)IOAPIC = n;
	return (volatile u32 *)(IOAPIC + 0x10);
}

void board_open(void)
{
	__asm__ volatile("sti; nop; nop; nop; nop; cli" ::: "memory");
}

u8 board_cmos(u8 index)
{
	x86_outb(0x70, index);
	return x86_inb(0x71);
}

void board_set_cmos(u8 index, u8 value)
{
	x86_outb(0x70, index);
	x86_outb(0x71, value);
}

void board_pit_once(bool up)
{
	x86_outb(0x43, 0x30);
	if (!up)
		return;
	x86_outb(0x40, 2);
	x86_outb(0x40, 0);
}

#define PCI_ENABLE 0x80000000u

u32 board_pci_read(unsigned devfn, unsigned offset)
{
	x86_outl(0xcf8, PCI_ENABLE | devfn << 8 | (offset & 0xfc));
	return x86_inl(0xcfc);
}

void board_pci_write(unsigned devfn, unsigned offset, u32 value)
{
	x86_outl(0xcf8, PCI_ENABLE | devfn << 8 | (offset & 0xfc));
	x86_outl(0xcfc, value);
}

#define PIIX4 (1 << 3 | 3)
#define PIIX4_ID 0x71138086u
#define PMBASE 0x40
#define PM_TIMER 8

static u16 pm_base(void)
{
	return board_pci_read(PIIX4, 0) == PIIX4_ID ? (u16)(board_pci_read(PIIX4, PMBASE) & 0xffc0)
						    : 0;
}

u16 board_pm_port(void)
{
	static u16 port;

	if (!port && pm_base())
		port = (u16)(pm_base() + PM_TIMER);
	return port;
}

/* ---- fw_cfg ---- */

#define SELECT 0x510
#define FW_DATA 0x511
#define FW_DMA 0x514

static u32 fw_word(u16 key, unsigned skip)
{
	u32 value = 0;

	x86_outw(SELECT, key);
	while (skip--)
		(void)x86_inb(FW_DATA);
	for (unsigned i = 0; i < 4; i++)
		value |= (u32)x86_inb(FW_DATA) << 8 * i;
	return value;
}

static struct {
	u32 control, length;
	u64 address;
} fw_request ALIGNED(16);
static u8 fw_bytes[16];

/* A request by DMA; what became of its control word. */
static u32 fw_dma(u16 key, u32 what, u32 length, u64 address)
{
	fw_request.control = __builtin_bswap32((u32)key << 16 | 8 | what);
	fw_request.length = __builtin_bswap32(length);
	fw_request.address = __builtin_bswap64(address);
	__asm__ volatile("" ::: "memory");
	x86_outl(FW_DMA + 4, __builtin_bswap32((u32)(uintptr_t)&fw_request));
	__asm__ volatile("" ::: "memory");
	return *(volatile u32 *)&fw_request.control;
}


static void fw_cfg(void)
{
	for (unsigned i = 0; i < sizeof(fw_bytes); i++)
		fw_bytes[i] = 0xee;
	if (fw_word(0, 0) != 0x554d4551)
		return; /* nobody promised one */
	census_number_manual("fwcfg.again", fw_word(0, 0), 0x554d4551);
	census_number_manual("fwcfg.offset", fw_word(0, 2), 0x554d);
	census_number_manual("fwcfg.id", fw_word(1, 0) & 1, 1);
	census_number_manual("fwcfg.absent", fw_word(0x3ff0, 0), 0);
	if (!(fw_word(1, 0) & 2))
		return;
	x86_outl(FW_DMA, 0);
	(void)fw_dma(0, 2, 6, (u64)(uintptr_t)fw_bytes);
	census_number_manual("fwcfg.dma", fw_request.control, 0);
	census_number_manual("fwcfg.dma.bytes", *(u32 *)(void *)fw_bytes, 0x554d4551);
	census_number_manual("fwcfg.dma.zeros", fw_bytes[4] | fw_bytes[5], 0);
	census_number_manual("fwcfg.dma.end", fw_bytes[6], 0xee);
	census_number_manual("fwcfg.dma.signature", x86_inl(FW_DMA), 0x554d4551);
}

#define FW_ERROR 0x01000000u /* bit 0, in its order of bytes */
#define FW_SKIP 4
#define FW_WRITE 16
#define FW_DIRECTORY 0x19
#define FW_FILES 64u

/* Behind the end of each item there is nothing but zeros; what cannot be done is an error. */
static void fw_ends(void)
{
	u32 files = __builtin_bswap32(fw_word(FW_DIRECTORY, 0)), beyond = 0, written;

	if (!(fw_word(1, 0) & 2))
		return;
	for (u32 i = 0; i < files && i < FW_FILES; i++) {
		u32 size = __builtin_bswap32(fw_word(FW_DIRECTORY, 4 + 64 * i));
		u16 key = (u16)__builtin_bswap32(fw_word(FW_DIRECTORY, 6 + 64 * i));

		(void)fw_dma(key, FW_SKIP, size, 0);
		for (unsigned k = 0; k < 4; k++)
			beyond |= x86_inb(FW_DATA);
	}
	census_number_manual("fwcfg.files.end", beyond, 0);
	written = fw_dma(0, FW_WRITE, 4, (u64)(uintptr_t)fw_bytes);
	census_number_manual("fwcfg.dma.write", written & FW_ERROR, FW_ERROR);
	if (!census_virtual())
		return;
	census_number_manual("fwcfg.dma.nowhere", fw_dma(0, 2, 4, BIT(45)) & FW_ERROR, FW_ERROR);
	/* A request at 64 GiB and more, where nothing is. */
	x86_outl(FW_DMA, __builtin_bswap32(BIT(4)));
	(void)fw_dma(0, 2, 4, (u64)(uintptr_t)fw_bytes);
	census_number_manual("fwcfg.dma.high-once", fw_dma(0, 2, 4, (u64)(uintptr_t)fw_bytes), 0);
}

/* ---- Power management ---- */

#define PM1_ENABLE 2
#define PM1_CONTROL 4
#define PM1_RESERVED 0xb8deu /* "PM1 Enable Registers" (4.8.3.1.2) */

static void power(void)
{
	u16 base = pm_base(), enable, control, port = board_pm_port();
	u32 timer, later;

	if (!base)
		return;
	enable = x86_inw(base + PM1_ENABLE);
	control = x86_inw(base + PM1_CONTROL);
	x86_outw(base + PM1_ENABLE, 0x0521);
	census_number_manual("pm.enable", x86_inw(base + PM1_ENABLE), 0x0521);
	x86_outw(base + PM1_ENABLE, 0);
	census_number_manual("pm.enable.none", x86_inw(base + PM1_ENABLE), 0);
	x86_outw(base + PM1_ENABLE, 0xffff);
	census_number_manual("pm.enable.reserved", x86_inw(base + PM1_ENABLE) & PM1_RESERVED, 0);
	x86_outw(base + PM1_ENABLE, 0);
	x86_outw(base + PM1_CONTROL, (u16)(control ^ 1));
	census_number_manual("pm.sci", (x86_inw(base + PM1_CONTROL) ^ control) & 1, 1);
	x86_outw(base + PM1_CONTROL, control);
	x86_outw(base + PM1_ENABLE, enable);
	timer = x86_inl(port);
	x86_outl(port, 0);
	later = x86_inl(port);
	census_number_manual("pm.timer.24-bits", (timer | later) >> 24, 0);
	census_number_manual("pm.timer.read-only", ((later - timer) & 0xffffff) < 0x400000, 1);
}

/* ---- VGA ---- */

static u8 indexed(u16 port, u8 index)
{
	x86_outb(port, index);
	return x86_inb(port + 1);
}

static void set_indexed(u16 port, u8 index, u8 value)
{
	x86_outb(port, index);
	x86_outb(port + 1, value);
}

static void vga(void)
{
	u8 misc = x86_inb(0x3cc), old, colour[3];

	if (misc == 0xff)
		return; /* there is none */
	x86_outb(0x3c2, misc | 1);
	old = indexed(0x3d4, 0x0f);
	set_indexed(0x3d4, 0x0f, 0x5a);
	census_number_manual("vga.crtc", indexed(0x3d4, 0x0f), 0x5a);
	set_indexed(0x3d4, 0x0e, 0x07);
	census_number_manual("vga.crtc.index", indexed(0x3d4, 0x0f), 0x5a);
	set_indexed(0x3d4, 0x0f, old);
	set_indexed(0x3d4, 0x0e, 0);
	old = indexed(0x3d4, 0);
	set_indexed(0x3d4, 0x11, indexed(0x3d4, 0x11) | 0x80);
	set_indexed(0x3d4, 0, (u8)~old);
	census_number_manual("vga.crtc.protected", indexed(0x3d4, 0) == old, 1);
	(void)x86_inb(0x3da);
	x86_outb(0x3c0, 0x0e); /* an index, and it is forgotten */
	(void)x86_inb(0x3da); /* the next write is an index */
	x86_outb(0x3c0, 0x0f);
	x86_outb(0x3c0, 0x2a);
	(void)x86_inb(0x3da);
	x86_outb(0x3c0, 0x0f);
	census_number_manual("vga.attribute", x86_inb(0x3c1), 0x2a);
	(void)x86_inb(0x3da);
	x86_outb(0x3c0, 0x0f);
	x86_outb(0x3c0, 0x3f);
	(void)x86_inb(0x3da);
	x86_outb(0x3c0, 0x0e);
	census_number_manual("vga.attribute.other", x86_inb(0x3c1) != 0x0f, 1);
	(void)x86_inb(0x3da);
	x86_outb(0x3c0, 0x20); /* the screen on again */
	x86_outb(0x3c8, 200);
	for (u8 i = 1; i <= 6; i++)
		x86_outb(0x3c9, (u8)(i * 9));
	x86_outb(0x3c7, 201);
	for (unsigned i = 0; i < 3; i++)
		colour[i] = x86_inb(0x3c9);
	census_number_manual("vga.dac", colour[0] << 16 | colour[1] << 8 | colour[2], 0x242d36);
	census_number_manual("vga.dac.state", x86_inb(0x3c7) & 3, 3);
	old = indexed(0x3c4, 2);
	set_indexed(0x3c4, 2, 0xff);
	census_number_manual("vga.map-mask", indexed(0x3c4, 2), 0x0f);
	set_indexed(0x3c4, 2, old);
	old = indexed(0x3ce, 8);
	set_indexed(0x3ce, 8, 0x3c);
	census_number_manual("vga.bit-mask", indexed(0x3ce, 8), 0x3c);
	set_indexed(0x3ce, 8, old);
	*(volatile u16 *)0xb8f00 = 0x0220;
	census_number_manual("vga.text", *(volatile u16 *)0xb8f00, 0x0220);
	x86_outb(0x3c2, misc);
}

/* ---- Shadow RAM ---- */

#define HOST_BRIDGE_ID 0x12378086u
#define PAM 0x58 /* two dwords; the first register is at 0x59 */
#define AREAS 13u
#define PAM_READ 1u
#define PAM_WRITE 2u

/* Twelve areas of 16 KiB from 0xc0000 on, and 64 KiB behind them. */
static volatile u32 *area_word(unsigned area)
{
	return (volatile u32 *)(u64)(0xc0000 + area * 0x4000 + 0x2f00);
}

static void set_pam(unsigned area, u32 rights)
{
	unsigned bit = area == AREAS - 1 ? 12 : 16 + 4 * area, at = PAM + bit / 32 * 4;
	u32 word = board_pci_read(0, at) & ~(3u << bit % 32);

	board_pci_write(0, at, word | rights << bit % 32);
}

/* One area's rights: what is written there, by who may, is there; what may not, is not. */
static unsigned wrong_area(unsigned area)
{
	volatile u32 *p = area_word(area);
	unsigned bad = 0;

	set_pam(area, PAM_READ);
	*p = ~area;
	bad += *p != 0x1000 + area;
	set_pam(area, 0);
	*p = ~area;
	for (unsigned other = 0; other < AREAS; other++)
		bad += other != area && *area_word(other) != 0x1000 + other;
	set_pam(area, PAM_READ | PAM_WRITE);
	bad += *p != 0x1000 + area;
	set_pam(area, PAM_WRITE);
	*p = 0x2000 + area;
	set_pam(area, PAM_READ | PAM_WRITE);
	bad += *p != 0x2000 + area;
	*p = 0x1000 + area;
	return bad;
}

/* [440FX] "Programmable Attribute Map Registers" */
static void shadow(void)
{
	u32 pam[2] = { board_pci_read(0, PAM), board_pci_read(0, PAM + 4) }, old[AREAS];
	unsigned bad = 0;

	if (board_pci_read(0, 0) != HOST_BRIDGE_ID)
		return;
	for (unsigned area = 0; area < AREAS; area++) {
		set_pam(area, PAM_READ | PAM_WRITE);
		old[area] = *area_word(area);
		*area_word(area) = 0x1000 + area;
	}
	for (unsigned area = 0; area < AREAS; area++)
		bad += wrong_area(area);
	for (unsigned area = 0; area < AREAS; area++)
		*area_word(area) = old[area];
	board_pci_write(0, PAM, pam[0]);
	board_pci_write(0, PAM + 4, pam[1]);
	census_number_manual("pci.shadow", bad, 0);
}

/* ---- Addresses ---- */

#define EDGE 0xfee00ffeu /* the last two bytes of the LAPIC's page, and two behind it */

/* Bytes of MOV with a 32-bit address, RBP being 0x1000, RCX 4. */
#define LOAD(bytes, value)                                                                         \
	do {                                                                                       \
		rt_vector = RT_NONE;                                                               \
		__asm__ volatile(                                                                  \
		    "movq $77f, rt_fixup\n\tmov %%rbp, %%r8\n\tmov $0x1000, %%ebp\n\t"             \
		    ".byte " bytes "\n77:\tmov %%r8, %%rbp\n\tmovq $0, rt_fixup"                   \
		    : "=a"(value)                                                                  \
		    : "a"(0), "c"(4), "D"((u64)EDGE)                                               \
		    : "r8", "memory", "cc");                                                       \
	} while (0)

/*
 * Over a page's edge, where the exit does not tell the address: that comes from the instruction.
 * SIB with base 5 and mod 0 has a displacement and no base.  [SDM] vol. 2 "32-Bit Addressing Forms
 * with the SIB Byte" (table 2-3)
 */
static void addresses(void)
{
	u64 plain, sib, scaled, based;

	LOAD("0x67, 0x8b, 0x07", plain);				/* (%edi) */
	LOAD("0x67, 0x8b, 0x04, 0x25, 0xfe, 0x0f, 0xe0, 0xfe", sib);	/* EDGE */
	LOAD("0x67, 0x8b, 0x04, 0x8d, 0xee, 0x0f, 0xe0, 0xfe", scaled); /* EDGE - 16(, %ecx, 4) */
	LOAD("0x67, 0x8b, 0x44, 0x25, 0xfe", based);			/* -2(%ebp) */
	census_number_manual("mmio.edge.sib", sib == plain, 1);
	census_number_manual("mmio.edge.scaled", scaled == plain, 1);
	census_number_manual("mmio.edge.based", based != plain && !rt_faulted(), 1);
}

static void board_virtual(void)
{
	addresses();
	shadow();
}

/* ---- Calls ---- */

/*
 * Nobody told of a hypervisor that is called so: #UD, whatever the number, and each time.  The
 * first number of an interface is 0.
 */
static void calls(void)
{
	static const u64 numbers[] = { 0, 1, BIT(32), ~0ull };
	unsigned vmmcall = 0, vmcall = 0;

	for (unsigned i = 0; i < 4 * ARRAY_SIZE(numbers); i++) {
		u64 a = numbers[i / 4], b = 0, c = 0;

		RT_TRY("vmmcall", RT_OUT("+a"(a), "+b"(b), "+c"(c)), "d"(0));
		vmmcall += rt_vector == 6;
		a = numbers[i / 4];
		RT_TRY("vmcall", RT_OUT("+a"(a), "+b"(b), "+c"(c)), "d"(0));
		vmcall += rt_vector == 6;
	}
	census_number_manual("call.vmmcall", vmmcall, 4 * ARRAY_SIZE(numbers));
	census_number_manual("call.vmcall", vmcall, 4 * ARRAY_SIZE(numbers));
}

void census_board(void)
{
	calls();
	fw_cfg();
	fw_ends();
	power();
	vga();
	if (census_virtual()) /* bare, such an access to the LAPIC ends Bochs */
		board_virtual();
}
