/*
 * ordinary.c - an honest guest that wants of its machine what honest guests want
 *
 * part= says which: palette, x2apic, memory, disk.  seed= changes what is written.  It compares
 * what it gets with what a machine without a hypervisor gives, and says so.
 */
#include "frame.h"

static u32 state;

static u32 next(void)
{
	state = state * 1664525u + 1013904223u;
	return state >> 8;
}

static void result(const char *what, u32 good, u32 all)
{
	say("ordinary: ");
	say(what);
	say(" ");
	say_number(good);
	say(" of ");
	say_number(all);
	say("\n");
}

/* ---- The palette of the VGA --------------------------------------------------------------- */

#define DAC_READ 0x3c7
#define DAC_WRITE 0x3c8
#define DAC_DATA 0x3c9

/* Colours first, first + 1, ..: as many as were written before, by seed. */
static u32 count_colours(u8 first, unsigned colours, u32 seed)
{
	u32 good = 0;

	state = seed;
	outb(DAC_READ, first);
	for (unsigned i = 0; i < colours; i++) {
		bool same = true;

		for (unsigned part = 0; part < 3; part++)
			same &= inb(DAC_DATA) == (next() & 0x3f);
		good += same;
	}
	return good;
}

static void write_colours(unsigned colours, u32 seed)
{
	state = seed;
	for (unsigned i = 0; i < 3 * colours; i++)
		outb(DAC_DATA, (u8)next() & 0x3f);
}

static void palette(u32 seed)
{
	outb(DAC_WRITE, 0);
	write_colours(256, seed);
	result("colours", count_colours(0, 256, seed), 256);
	outb(DAC_WRITE, 254); /* behind the last one comes the first */
	write_colours(4, seed + 1);
	result("colours round the end", count_colours(254, 4, seed + 1), 4);
	outb(DAC_WRITE, 20);
	outb(DAC_READ, 10);
	write_colours(2, seed + 2);
	result("colours between reads", count_colours(20, 2, seed + 2), 2);
}

/* ---- The local APIC ----------------------------------------------------------------------- */

#define APIC_BASE 0x1b
#define X2APIC 0x800
#define SVR 0x0f
#define TMR 0x18
#define IRR 0x20
#define LVT_FIRST 0x32
#define LVT_LAST 0x37
#define SELF_IPI 0x3f
#define MASKED 0x10000u

static void x2apic(u32 seed)
{
	u32 vector = 32 + seed % 200, found = 0, bits = 0, faults = 0, kept = 0;
	u64 value;

	if (try_rdmsr(APIC_BASE, &value))
		wrmsr(APIC_BASE, value | 0x400);
	wrmsr(X2APIC + SVR, 0x1ff);
	wrmsr(X2APIC + SELF_IPI, vector);
	for (u32 reg = TMR; reg < IRR + 8; reg++) {
		if (!try_rdmsr(X2APIC + reg, &value))
			continue;
		for (u32 bit = 0; bit < 32; bit++) {
			if (!((u32)value >> bit & 1))
				continue;
			bits++;
			found = (reg - IRR) * 32 + bit;
		}
	}
	result("interrupts that wait", found == vector && bits == 1, 1);
	for (u32 reg = LVT_FIRST; reg <= LVT_LAST; reg++) {
		wrmsr(X2APIC + reg, MASKED | (vector + reg));
		kept += try_rdmsr(X2APIC + reg, &value) &&
			value == (MASKED | ((vector + reg) & 0xff));
	}
	result("vectors of the local table", kept, LVT_LAST - LVT_FIRST + 1);
	for (u32 reg = 0; reg < 256; reg++)
		faults += !try_rdmsr(X2APIC + reg, &value);
	result("registers that are not there", faults, 256);
}

/* ---- Memory ------------------------------------------------------------------------------- */

#define CHUNK MiB(2)

/* Reads at ECX into EDX while gate A20 is closed: no code above 1 MiB is to be seen then. */
extern const u8 gate_code[], gate_code_end[];
__asm__(".text\n"
	"gate_code:\n"
	"	movb $0, %al\n"
	"	outb %al, $0x92\n"
	"	movl (%ecx), %edx\n"
	"	movb $2, %al\n"
	"	outb %al, $0x92\n"
	"	ret\n"
	"gate_code_end:\n");
#define GATE_PLACE 0x8000u

static u32 read_through_gate(u32 at)
{
	u32 value, to = GATE_PLACE;

	memcpy((void *)GATE_PLACE, gate_code, (u32)(gate_code_end - gate_code));
	__asm__ volatile("call *%[to]" : "=d"(value), [to] "+a"(to) : "c"(at) : "memory");
	return value;
}

/* The first and the last word of each 2 MiB but the first. */
static void memory(u32 seed)
{
	u32 end = memory_end(), chunks = end / CHUNK, zero = 0, good = 0;

	for (u32 i = 1; i < chunks; i++) {
		volatile u32 *first = (volatile u32 *)(i * CHUNK);
		volatile u32 *last = (volatile u32 *)((i + 1) * CHUNK - 4);

		zero += !*first && !*last;
		*first = seed + 2 * i;
		*last = seed + 2 * i + 1;
	}
	for (u32 i = 1; i < chunks; i++)
		good += *(volatile u32 *)(i * CHUNK) == seed + 2 * i &&
			*(volatile u32 *)((i + 1) * CHUNK - 4) == seed + 2 * i + 1;
	result("fresh pieces of memory", zero, chunks - 1);
	result("pieces of memory", good, chunks - 1);
	result("pieces behind the end", *(volatile u32 *)end == ~0u, 1);
	*(volatile u32 *)(2 * CHUNK + 64) = seed;
	result("bytes below a closed gate",
	       read_through_gate(2 * CHUNK + MiB(1) + 64) == seed ? 4 : 0, 4);
}

/* ---- A disk ------------------------------------------------------------------------------- */

#define SECTOR 512u
#define SECTORS 24u
#define BYTES (SECTORS * SECTOR)

static u8 data[BYTES];

/* In pieces that are no sectors, so that it goes page by page. */
static u8 move(u32 type, u64 sector, bool even)
{
	struct disk_header header = { type, 0, sector };
	struct disk_piece all = { data, BYTES };
	struct disk_piece uneven[] = {
		{ data, 77 }, { data + 77, 5000 }, { data + 5077, BYTES - 5077 }
	};

	return even ? disk_request(&header, &all, 1) : disk_request(&header, uneven, 3);
}

static void fill(u32 seed)
{
	state = seed;
	for (u32 i = 0; i < BYTES; i++)
		data[i] = (u8)next();
}

static u32 sectors_of(u32 seed)
{
	u32 good = 0;

	state = seed;
	for (u32 i = 0; i < SECTORS; i++) {
		bool same = true;

		for (u32 k = 0; k < SECTOR; k++)
			same &= data[i * SECTOR + k] == (u8)next();
		good += same;
	}
	return good;
}

static u32 round_trip(u32 seed, u64 sector, bool even_write, bool even_read)
{
	fill(seed);
	if (move(DISK_WRITE, sector, even_write) != DISK_OK)
		return 0;
	memset(data, 0, BYTES);
	return move(DISK_READ, sector, even_read) == DISK_OK ? sectors_of(seed) : 0;
}

static void disk(u32 seed)
{
	u32 good = 0;

	if (!disk_open()) {
		say("ordinary: no disk\n");
		return;
	}
	good += round_trip(seed, 3, true, true);
	good += round_trip(seed + 1, 40, true, false);
	good += round_trip(seed + 2, 80, false, true);
	good += round_trip(seed + 3, 120, false, false);
	result("sectors", good, 4 * SECTORS);
	result("errors beyond the disk",
	       (move(DISK_READ, 1u << 30, true) == DISK_ERROR) +
		       (move(DISK_READ, 1u << 30, false) == DISK_ERROR),
	       2);
}

void guest(void)
{
	const char *part = option("part"), *digits = option("seed");
	u32 seed = 0;

	for (; digits && *digits && *digits != ' '; digits++)
		seed = seed * 16 + (*digits <= '9' ? *digits - '0' : *digits - 'a' + 10);
	switch (part ? *part : 0) {
	case 'p':
		palette(seed);
		break;
	case 'x':
		x2apic(seed);
		break;
	case 'm':
		memory(seed);
		break;
	case 'd':
		disk(seed);
		break;
	default:
		say("ordinary: part=palette, x2apic, memory or disk\n");
	}
	say("ordinary: done\n");
}
