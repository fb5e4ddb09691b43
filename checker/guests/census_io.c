/*
 * census_io.c - ports and device memory: widths, what is not there, what is left of registers
 */
#include "census.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "x86_ops.h"

#define NOBODY 0x4e0  /* no device of this PC */
#define SCRATCH 0x3ff /* of the UART: keeps a byte */
#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define CMOS_FREE 0x50 /* a byte of RAM in the RTC that nobody means */
#define BEFORE 0x1122334455667788ull

static void widths(void)
{
	u64 a = BEFORE;

	__asm__ volatile("inb %%dx, %%al" : "+a"(a) : "d"(NOBODY));
	census_number_manual("in.absent.8", a, 0x11223344556677ff);
	a = BEFORE;
	__asm__ volatile("inw %%dx, %%ax" : "+a"(a) : "d"(NOBODY));
	census_number_manual("in.absent.16", a, 0x112233445566ffff);
	a = BEFORE;
	__asm__ volatile("inl %%dx, %%eax" : "+a"(a) : "d"(NOBODY));
	census_number_manual("in.absent.32", a, 0xffffffff);
	x86_outb(SCRATCH, 0xa5);
	a = BEFORE;
	__asm__ volatile("inb %%dx, %%al" : "+a"(a) : "d"(SCRATCH));
	census_number_manual("in.scratch.8", a, 0x11223344556677a5);
	a = BEFORE;
	__asm__ volatile("inw %%dx, %%ax" : "+a"(a) : "d"(SCRATCH - 1));
	census_number_manual("in.scratch.16", a & ~0xffull, 0x112233445566a500);
	x86_outw(SCRATCH - 1, 0x5a00);
	census_number_manual("out.scratch.16", x86_inb(SCRATCH), 0x5a);
	x86_outb(0x80, 0);
	__asm__ volatile("inb $0xed, %%al" : "+a"(a));
	census_number_manual("in.imm.8", a & 0xff, 0xff);
}

static void clock_memory(void)
{
	x86_outb(CMOS_INDEX, CMOS_FREE);
	x86_outb(CMOS_DATA, 0x3c);
	x86_outb(CMOS_INDEX, CMOS_FREE);
	census_number_manual("cmos.keeps", x86_inb(CMOS_DATA), 0x3c);
}

static void strings(void)
{
	static u8 buffer[32];
	u8 *at = buffer;
	u64 n = 5, sum = 0;

	memset(buffer, 0, sizeof(buffer));
	__asm__ volatile("rep insb" : "+D"(at), "+c"(n) : "d"(NOBODY) : "memory");
	for (unsigned i = 0; i < sizeof(buffer); i++)
		sum += buffer[i];
	census_number_manual("insb.bytes", sum, 5 * 0xff);
	census_number_manual("insb.rdi", (u64)(at - buffer), 5);
	census_number_manual("insb.rcx", n, 0);
	memcpy(buffer, "\x11\x22\x33\x44", 4);
	at = buffer;
	n = 4;
	__asm__ volatile("rep outsb" : "+S"(at), "+c"(n) : "d"(SCRATCH) : "memory");
	census_number_manual("outsb.last", x86_inb(SCRATCH), 0x44);
	census_number_manual("outsb.rsi", (u64)(at - buffer), 4);
	at = buffer + 8;
	__asm__ volatile("std; insw; cld" : "+D"(at) : "d"(NOBODY) : "memory");
	census_number_manual("insw.down", (u64)(at - buffer), 6);
	n = 0;
	at = buffer;
	__asm__ volatile("rep insb" : "+D"(at), "+c"(n) : "d"(NOBODY) : "memory");
	census_number_manual("insb.none", (u64)(at - buffer), 0);
}

void census_io(void)
{
	widths();
	clock_memory();
	strings();
}

/* ---- Device memory ---------------------------------------------------------------------- */

#define LDR 0xfee000d0ull /* a register that keeps its upper byte */
#define DFR 0xfee000e0ull

static volatile u32 *ldr(void)
{
	return (volatile u32 *)LDR;
}

void census_memory(void)
{
	u64 rdi = LDR, rsi = LDR, rcx = 1, value = 0, copy = 0;
	u32 word = 0xcd000000;

	*ldr() = 0xab000000;
	value = BEFORE;
	__asm__ volatile("movl (%1), %k0" : "+a"(value) : "r"(LDR) : "memory");
	census_number_manual("mmio.load", value, 0xab000000);
	__asm__ volatile("movl %1, (%0)" ::"r"(LDR), "r"(0x12000000) : "memory");
	census_number_manual("mmio.store", *ldr(), 0x12000000);
	__asm__ volatile("movl $0x34000000, (%0)" ::"r"(LDR) : "memory");
	census_number_manual("mmio.store.imm", *ldr(), 0x34000000);
	__asm__ volatile("movl %k0, %%r9d; movl (%1), %%r9d; movq %%r9, %0"
			 : "=r"(value)
			 : "r"(LDR)
			 : "r9");
	census_number_manual("mmio.load.r9", value, 0x34000000);
	__asm__ volatile("addl $0x01000000, (%0)" ::"r"(LDR) : "memory", "cc");
	census_number_manual("mmio.add", *ldr(), 0x35000000);
	__asm__ volatile("orl %1, (%0)" ::"r"(LDR), "r"(0x42000000) : "memory", "cc");
	census_number_manual("mmio.or", *ldr(), 0x77000000);
	__asm__ volatile("xchgl %0, (%1)" : "+r"(word) : "r"(LDR) : "memory");
	census_number_manual("mmio.xchg.old", word, 0x77000000);
	census_number_manual("mmio.xchg.new", *ldr(), 0xcd000000);
	__asm__ volatile("movsl" : "+S"(rsi), "+D"((u64){ (u64)(uintptr_t)&copy }) : : "memory");
	census_number_manual("mmio.movs", copy, 0xcd000000);
	census_number_manual("mmio.movs.rsi", rsi - LDR, 4);
	__asm__ volatile("rep stosl" : "+D"(rdi), "+c"(rcx) : "a"(0x56000000) : "memory");
	census_number_manual("mmio.stos", *ldr(), 0x56000000);
	__asm__ volatile("cmpl $0x56000000, (%1); sete %b0" : "=q"(value) : "r"(LDR) : "cc");
	census_number_manual("mmio.cmp", value & 1, 1);
	*ldr() = 0;
	/* The rest of a page that is not mapped, by our own tables: the exception is ours. */
	RT_TRY("movb (%0), %%al", RT_OUT(), "r"(RT_WINDOW + MiB(1)), "a"(0));
	census_trap("not-present", "#14(0x0)");
	census_number_manual("not-present.cr2", rt_cr2, RT_WINDOW + MiB(1));
	RT_TRY("movb %%al, (%0)", RT_OUT(), "r"(RT_WINDOW + MiB(1)), "a"(0));
	census_trap("not-present.store", "#14(0x2)");
}
