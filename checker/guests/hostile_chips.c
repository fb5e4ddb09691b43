/*
 * hostile_chips.c - the chips of a PC, driven as no driver would
 *
 * Owns: timer, interrupt controllers, clock, keyboard, serial line, screen, fw_cfg, gate A20.
 * Must not know: whether they are there.
 *
 * Each attack leaves its chip as it was, or as a kernel would find it.  What it got is little: that
 * hypervisor and neighbours go on is the check.
 *
 * Sources: Intel, "8254", "8259A", "8042", "82371SB (PIIX3)"; Motorola, "MC146818A"; IBM,
 * "VGA" registers; QEMU, "fw_cfg".
 */
#include "hostile.h"
#include "lib/string.h"
#include "x86_ops.h"

/* A port's access has no fault: say so, then count. */
static void done(struct tally *t, u64 target, u64 action)
{
	rt_vector = RT_NONE;
	hostile_case(t, target, action);
}

static void take_pending(void)
{
	__asm__ volatile("sti; nop; nop; cli");
}

/* ---- 8254 ----------------------------------------------------------------------------- */

#define PIT 0x40
#define PIT_COMMAND 0x43
#define SPEAKER 0x61

/* Catches: a count of 0 that is divided by, a period that keeps the hypervisor busy. */
static void pit_modes(struct tally *t)
{
	static const u16 counts[] = { 0, 1, 2, 0xffff };

	rt_pic(0xfffe);
	for (unsigned command = 0; command < 0xc0; command++)
		for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
			u16 port = (u16)(PIT + (command >> 6));

			x86_outb(SPEAKER, (u8)(command & 3));
			x86_outb(PIT_COMMAND, (u8)command);
			x86_outb(port, (u8)counts[i]);
			x86_outb(port, (u8)(counts[i] >> 8));
			x86_inb(port);
			take_pending();
			done(t, command >> 2, i);
		}
	for (unsigned command = 0xc0; command < 0x100; command++) { /* read back */
		x86_outb(PIT_COMMAND, (u8)command);
		x86_inb((u16)(PIT + command % 3));
		done(t, command >> 2, 4);
	}
	x86_outb(PIT_COMMAND, 0x30); /* channel 0, once, soon: quiet afterwards */
	x86_outb(PIT, 1);
	x86_outb(PIT, 0);
	rt_pic(0xffff);
}

/* ---- 8259 ----------------------------------------------------------------------------- */

/* Catches: an initialisation that stops half-way, a rotation beyond the inputs. */
static void pic_words(struct tally *t)
{
	for (unsigned port = 0; port < 4; port++)
		for (unsigned word = 0; word < 256; word++) {
			u16 at = (u16)((port & 2 ? 0xa0 : 0x20) + (port & 1));

			x86_outb(at, (u8)word);
			x86_outb(at | 1, (u8)rt_random());
			x86_inb(at);
			done(t, port, word >> 3);
		}
	for (unsigned word = 0; word < 256; word += 5) { /* ELCR */
		x86_outb(0x4d0, (u8)word);
		x86_outb(0x4d1, (u8)~word);
		done(t, 4, word / 16);
	}
	x86_outb(0x4d0, 0);
	x86_outb(0x4d1, 0x0c);
	rt_pic(0xffff);
}

/* ---- MC146818 --------------------------------------------------------------------------- */

#define RTC 0x70

static u8 cmos_read(u8 index)
{
	x86_outb(RTC, index);
	return x86_inb(RTC + 1);
}

static void cmos_write(u8 index, u8 value)
{
	x86_outb(RTC, index);
	x86_outb(RTC + 1, value);
}

/* Catches: dates that do not exist, a periodic interrupt that is too fast. */
static void rtc_registers(struct tally *t)
{
	u8 old[128];

	for (unsigned i = 0; i < 128; i++)
		old[i] = cmos_read((u8)i);
	for (unsigned i = 0; i < 128; i++)
		for (unsigned k = 0; k < 6; k++) {
			static const u8 values[] = { 0, 0xff, 0x7f, 0x99, 0x26, 0x81 };

			cmos_write((u8)i, values[k]);
			cmos_read((u8)i);
			done(t, i < 14 ? i : 14 + i / 8, k);
		}
	take_pending();
	for (unsigned i = 0; i < 128; i++)
		cmos_write((u8)i, old[i]);
	cmos_read(0x0c);
}

/* ---- 8042 -------------------------------------------------------------------------------- */

#define KBD_DATA 0x60
#define KBD_COMMAND 0x64
#define KBD_WRITE_OUTPUT 0xd1 /* its bit 0 is the CPU's reset */
#define KBD_PULSE 0xf0	      /* and so are these */
#define A20_OFF 0xdd
#define A20_ON 0xdf

/* Catches: a command that waits for a byte that never comes, a queue that overflows. */
static void kbd_commands(struct tally *t)
{
	for (unsigned command = 0; command < KBD_PULSE; command++) {
		if (command == KBD_WRITE_OUTPUT || command == A20_OFF)
			continue;
		x86_outb(KBD_COMMAND, (u8)command);
		x86_outb(KBD_DATA, (u8)(rt_random() | 1));
		for (unsigned i = 0; i < 3; i++)
			x86_inb(KBD_DATA);
		done(t, 0, command >> 1);
	}
	x86_outb(KBD_COMMAND, 0xae); /* the keyboard's clock on */
	for (unsigned command = 0; command < 256; command++) {
		x86_outb(KBD_DATA, (u8)command); /* to the keyboard itself */
		for (unsigned i = 0; i < 2; i++)
			x86_inb(KBD_DATA);
		done(t, 1, command >> 2);
	}
	x86_outb(KBD_COMMAND, A20_ON);
	for (unsigned i = 0; i < 300 && (x86_inb(KBD_COMMAND) & 1); i++)
		x86_inb(KBD_DATA);
}

/* ---- Gate A20 ------------------------------------------------------------------------------ */

#define PORT92 0x92
#define A20_BIT 2
#define LARGE_PAGE MiB(2)
#define PARTS_MAX 64 /* of that size */

/*
 * While the gate is closed, our own code, stack and page tables, all above 1 MiB, are not where
 * they were: this runs below, with tables of its own, and touches no stack.
 */
#define LOW 0x2000
#define LOW_TABLES LOW /* three of them */
#define LOW_WORD 0x5000
#define LOW_WORDS 0x5800 /* what the other code has read */
#define LOW_CODE 0x6000
#define LOW_END 0x7000

static const u8 with_gate[] = {
	0xb0, 0x00,	     /* mov $value, %al */
	0xe6, PORT92,	     /* out %al, $0x92 */
	0x4c, 0x8b,    0x1f, /* mov (%rdi), %r11 */
	0xb0, A20_BIT,	     /* open again */
	0xe6, PORT92,  0xc3,
};

/* Reads a word each 2 MiB, RCX of them from RDI to RSI, behind the closed gate. */
static const u8 behind_gate[] = {
	0xb0, 0x00,				 /* mov $0, %al */
	0xe6, PORT92,				 /* out %al, $0x92 */
	0x4c, 0x8b,   0x1f,			 /* 1: mov (%rdi), %r11 */
	0x4c, 0x89,   0x1e,			 /* mov %r11, (%rsi) */
	0x48, 0x83,   0xc6, 0x08,		 /* add $8, %rsi */
	0x48, 0x81,   0xc7, 0x00, 0x00, 0x20, 0, /* add $0x200000, %rdi */
	0xff, 0xc9,				 /* dec %ecx */
	0x75, 0xeb,				 /* jnz 1b */
	0xb0, A20_BIT,				 /* mov $2, %al */
	0xe6, PORT92, 0xc3,
};

static u8 low_saved[LOW_END - LOW];

static void enter_low(const u8 *code, size_t len)
{
	u64 *table = (u64 *)(uintptr_t)LOW_TABLES;

	__asm__("" : "+r"(table)); /* the compiler knows no objects there */
	memcpy(low_saved, table, sizeof(low_saved));
	memset(table, 0, LOW_END - LOW);
	table[0] = (LOW_TABLES + 4096) | PTE_P | PTE_W;
	table[512] = (LOW_TABLES + 8192) | PTE_P | PTE_W;
	for (u64 i = 0; i < 512; i++)
		table[1024 + i] = i * LARGE_PAGE | PTE_P | PTE_W | PTE_PS;
	memcpy((u8 *)table + (LOW_CODE - LOW), code, len);
	x86_write_cr3(LOW_TABLES);
}

static void leave_low(u64 cr3)
{
	u8 *low = (u8 *)(uintptr_t)LOW;

	__asm__("" : "+r"(low));
	x86_write_cr3(cr3);
	memcpy(low, low_saved, sizeof(low_saved));
}

/* Catches: memory that stays mapped to where it was, or to another's, when the gate moves. */
static void gate_a20(struct tally *t)
{
	volatile u64 *word = (volatile u64 *)(uintptr_t)LOW_WORD;
	u8 *code = (u8 *)(uintptr_t)LOW_CODE;
	u64 cr3 = x86_read_cr3();

	__asm__("" : "+r"(word), "+r"(code));
	enter_low(with_gate, sizeof(with_gate));
	for (u64 i = 0; i < MAX(hostile_some(32), 4); i++) {
		u64 value, at = LOW_WORD + (i & 1 ? MiB(1) : MiB(3)), shown;

		*word = rt_random();
		code[1] = i & 2 ? A20_BIT : 0;
		shown = *(volatile u64 *)(i & 2 ? at : at & ~(u64)MiB(1));
		__asm__ volatile("call *%1\n\tmov %%r11, %0"
				 : "=&r"(value)
				 : "r"(code), "D"(at)
				 : "rax", "r11", "memory", "cc");
		done(t, i % 32, 0);
		hostile_bad(t, hostile_secret(value), "a-secret", at);
		hostile_bad(t, value != shown, "what-the-gate-hides", at);
	}
	leave_low(cr3);
}

/*
 * More of memory than a hypervisor may keep in mind is touched before the gate is closed, and
 * behind it.  Catches: what stays mapped to where it was then.
 */
static void gate_a20_all(struct tally *t)
{
	static u64 kept[PARTS_MAX], shown[PARTS_MAX], hidden[PARTS_MAX];
	const u64 first = MiB(1) + LOW_WORD, parts = MIN(rt_memory_end() / LARGE_PAGE, PARTS_MAX);
	const u64 cr3 = x86_read_cr3();
	volatile u64 *read = (volatile u64 *)(uintptr_t)LOW_WORDS;
	u64 from = first, to = LOW_WORDS, count = parts;

	__asm__("" : "+r"(read));
	enter_low(behind_gate, sizeof(behind_gate));
	for (u64 i = 0; i < parts; i++) {
		volatile u64 *at = (volatile u64 *)(uintptr_t)(first + i * LARGE_PAGE);

		kept[i] = *at;
		if ((u64)(uintptr_t)at > rt_image_limit())
			*at = rt_random();
		shown[i] = *at;
		hidden[i] = at[-(s64)(MiB(1) / sizeof(*at))];
	}
	__asm__ volatile("call *%3"
			 : "+D"(from), "+S"(to), "+c"(count)
			 : "r"((u64)LOW_CODE)
			 : "rax", "r11", "memory", "cc");
	for (u64 i = 0; i < parts; i++) {
		volatile u64 *at = (volatile u64 *)(uintptr_t)(first + i * LARGE_PAGE);

		done(t, i / 8, 0);
		hostile_bad(t, read[i] != hidden[i], "what-the-gate-hides",
			    first + i * LARGE_PAGE);
		hostile_bad(t, *at != shown[i], "what-the-gate-hid", first + i * LARGE_PAGE);
		if ((u64)(uintptr_t)at > rt_image_limit())
			*at = kept[i];
	}
	leave_low(cr3);
}

/* ---- 16550 ---------------------------------------------------------------------------------- */

#define UART 0x3f8
#define UART_LCR 3
#define UART_MCR 4
#define MCR_LOOP 0x10

/* In the loop, so that nobody hears it.  Catches: a FIFO that overflows, a divisor of 0. */
static void uart_registers(struct tally *t)
{
	for (unsigned reg = 1; reg < 8; reg++)
		for (unsigned bit = 0; bit < 8; bit++)
			for (unsigned k = 0; k < 2; k++) {
				u8 value = (u8)(k ? ~(1u << bit) : 1u << bit);

				x86_outb(UART + UART_MCR, MCR_LOOP);
				x86_outb((u16)(UART + reg),
					 reg == UART_MCR ? value | MCR_LOOP : value);
				for (unsigned i = 0; i < 20; i++)
					x86_outb(UART, (u8)i);
				for (unsigned i = 0; i < 8; i++)
					x86_inb((u16)(UART + i));
				x86_outb(UART + UART_LCR, 3);
				x86_outb(UART + 1, 0);
				done(t, reg, bit << 1 | k);
			}
	x86_outb(UART + UART_LCR, 0x83); /* a divisor of zero, then of one */
	x86_outb(UART, 0);
	x86_outb(UART + 1, 0);
	x86_inb(UART + 5);
	done(t, 8, 0);
	x86_outb(UART, 1);
	x86_outb(UART + UART_LCR, 3);
	x86_outb(UART + UART_MCR, 0);
}

/* ---- VGA ------------------------------------------------------------------------------------- */

#define VGA_BEGIN 0xa0000ull
#define VGA_END 0xc0000ull

static const u16 vga_index[] = { 0x3c4, 0x3ce, 0x3d4, 0x3c0 };
static const u8 vga_indices[] = { 8, 16, 40, 32 };

/* Catches: a register that is taken for an index, a start beyond the screen's memory. */
static void vga_registers(struct tally *t)
{
	for (unsigned i = 0; i < ARRAY_SIZE(vga_index); i++)
		for (unsigned reg = 0; reg < vga_indices[i]; reg++) {
			static const u8 values[] = { 0xff, 0x80, 0x55 };
			u16 port = vga_index[i], data = port == 0x3c0 ? port : port + 1;
			u8 old;

			x86_inb(0x3da);
			x86_outb(port, (u8)reg);
			old = x86_inb((u16)(port + 1));
			for (unsigned k = 0; k < ARRAY_SIZE(values); k++) {
				x86_inb(0x3da);
				x86_outb(port, (u8)reg);
				x86_outb(data, values[k]);
				*(volatile u16 *)(uintptr_t)(VGA_END - 2) = 0x0720;
				done(t, i << 8 | reg / 2, k);
			}
			x86_inb(0x3da);
			x86_outb(port, (u8)reg);
			x86_outb(data, old);
		}
	x86_outb(0x3c0, 0x20);
}

/* All modes of access to all of its memory.  Catches: an offset beyond it. */
static void vga_memory(struct tally *t)
{
	u64 value = 0;

	for (unsigned mode = 0; mode < 8; mode++)
		for (unsigned map = 0; map < 4; map++) {
			x86_outb(0x3ce, 5); /* read and write modes */
			x86_outb(0x3cf, (u8)((mode & 3) | (mode & 4) << 1));
			x86_outb(0x3ce, 6); /* where it lies */
			x86_outb(0x3cf, (u8)(map << 2 | (mode & 1)));
			x86_outb(0x3c4, 4);
			x86_outb(0x3c5, (u8)(mode << 1));
			for (u64 at = VGA_BEGIN; at < VGA_END; at += 0x4000) {
				RT_TRY("movq (%1), %0", RT_OUT("+r"(value)), "r"(at | 0x3ff8));
				hostile_bad(t, hostile_secret(value), "a-secret", at);
				RT_TRY("movl %k0, (%1)", RT_OUT(), "r"(rt_random()),
				       "r"(at | 0x3ffd));
				hostile_case(t, mode << 2 | map, at / 0x8000 & 7);
			}
		}
	x86_outb(0x3ce, 5);
	x86_outb(0x3cf, 0x10);
	x86_outb(0x3ce, 6);
	x86_outb(0x3cf, 0x0e);
	x86_outb(0x3c4, 4);
	x86_outb(0x3c5, 2);
}

/* ---- fw_cfg ------------------------------------------------------------------------------------
 */

#define FWCFG 0x510
#define FWCFG_DATA 0x511
#define FWCFG_DMA 0x514
#define DMA_ERROR 1u
#define DMA_READ 2u
#define DMA_SKIP 4u
#define DMA_SELECT 8u
#define DMA_WRITE 16u

static u32 swap(u32 value)
{
	return __builtin_bswap32(value);
}

static struct {
	u32 control, length, high, low;
	u8 before[64];
	u8 data[64];
	u8 behind[64];
} dma ALIGNED(256);

static void ask_dma(u64 at)
{
	x86_outl(FWCFG_DMA, swap((u32)(at >> 32)));
	x86_outl(FWCFG_DMA + 4, swap((u32)at));
}

/* Catches: a key that is taken as it is, a transfer to where the guest has no RAM, or beyond. */
static void fwcfg(struct tally *t)
{
	const u64 places[] = { (u64)(uintptr_t)dma.data,
			       rt_memory_end() - 4,
			       rt_memory_end(),
			       0xfee00000,
			       GiB(4) - 4,
			       1ull << 40,
			       ~0ull - 3 };
	const u32 lengths[] = { 64, 0, 0xffffffff, 0x80000000 };

	for (unsigned key = 0; key < 0x10000; key += key < 64 ? 1 : 4093) {
		x86_outw(FWCFG, (u16)key);
		for (unsigned i = 0; i < 70; i++)
			x86_inb(FWCFG_DATA);
		x86_outb(FWCFG_DATA, 0xff);
		done(t, 0, key / 4);
	}
	for (unsigned p = 0; p < ARRAY_SIZE(places); p++)
		for (unsigned l = 0; l < ARRAY_SIZE(lengths); l++)
			for (u32 command = 0; command < 32; command += 2) {
				bool small = l == 0 && !p;

				for (unsigned i = 0; i < 64; i++)
					dma.before[i] = dma.behind[i] = 0x5a;
				dma.control = swap(command | DMA_SELECT | 0x19u << 16);
				dma.length = swap(p || small ? lengths[l] : 0);
				dma.high = swap((u32)(places[p] >> 32));
				dma.low = swap((u32)places[p]);
				ask_dma((u64)(uintptr_t)&dma);
				done(t, 1 + p, l << 8 | command / 8);
				for (unsigned i = 0; i < 64; i++)
					hostile_bad(t,
						    dma.before[i] != 0x5a || dma.behind[i] != 0x5a,
						    "transfer-beyond-its-length", command);
			}
	for (unsigned p = 1; p < ARRAY_SIZE(places); p++) {
		ask_dma(places[p]); /* the request itself lies there */
		done(t, 10, p);
	}
}

/* ---- IDE, DMA, power: what may not be there ---------------------------------------------------
 */

static const u16 pc_ports[] = { 0x00,  0x08,  0x0a,  0x80,  0x87,  0xc0,   0xd0,
				0x170, 0x1f0, 0x2f8, 0x376, 0x378, 0x3f0,  0x3f6,
				0xb2,  0xe9,  0x402, 0x600, 0x700, 0xafe0, 0xb000 };

/* Catches: a device that is there by mistake: the machine's own. */
static void pc_devices(struct tally *t)
{
	for (unsigned i = 0; i < ARRAY_SIZE(pc_ports); i++)
		for (unsigned k = 0; k < 8; k++) {
			u16 port = (u16)(pc_ports[i] + k);

			if (port == 0x604 || port == 0x605)
				continue;
			for (unsigned value = 0; value < 3; value++) {
				x86_outb(port, (u8)(value == 2 ? 0xec : 0u - value));
				x86_inb(port);
				done(t, i, (k & 4) | value);
			}
		}
}

static const struct attack attacks[] = {
	{ "pit-modes", pit_modes, true },
	{ "pic-words", pic_words, true },
	{ "rtc-registers", rtc_registers, true },
	{ "kbd-commands", kbd_commands, true },
	{ "gate-a20", gate_a20, true },
	{ "gate-a20-all", gate_a20_all, false },
	{ "uart-registers", uart_registers, true },
	{ "vga-registers", vga_registers, true },
	{ "vga-memory", vga_memory, true },
	{ "fwcfg", fwcfg, true },
	{ "pc-devices", pc_devices, false },
};

const struct attack_list hostile_chips = ATTACKS(attacks);
