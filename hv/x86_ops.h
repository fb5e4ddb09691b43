/*
 * x86_ops.h - single instructions, as functions
 *
 * Owns: one inline for each privileged or special instruction that C cannot
 * say.  Must not know: what any of them is used for.
 * Only freestanding x86-64 code includes this; host tests never do.
 */
#ifndef ESPEJO_X86_OPS_H
#define ESPEJO_X86_OPS_H

#include "x86.h"


static inline struct cpuid_regs x86_cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static inline u64 x86_rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}

static inline void x86_wrmsr(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)value),
			 "d"((u32)(value >> 32))
			 : "memory");
}

static inline u64 x86_rdtsc(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

static inline void x86_outb(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline void x86_outw(u16 port, u16 value)
{
	__asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static inline void x86_outl(u16 port, u32 value)
{
	__asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

static inline u8 x86_inb(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u16 x86_inw(u16 port)
{
	u16 value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u32 x86_inl(u16 port)
{
	u32 value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* False: the CPU had no random number ready. */
static inline bool x86_rdrand(u64 *value)
{
	bool ready;

	__asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ready));
	return ready;
}

static inline void x86_pause(void)
{
	__asm__ volatile("pause" ::: "memory");
}

#define X86_READ_CR(n)                                              \
	static inline u64 x86_read_cr##n(void)                      \
	{                                                           \
		u64 v;                                              \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v));   \
		return v;                                           \
	}                                                           \
	static inline void x86_write_cr##n(u64 v)                   \
	{                                                           \
		__asm__ volatile("mov %0, %%cr" #n ::"r"(v) : "memory"); \
	}
X86_READ_CR(0)
X86_READ_CR(2)
X86_READ_CR(3)
X86_READ_CR(4)
X86_READ_CR(8)
#undef X86_READ_CR

static inline u64 x86_xgetbv(u32 index)
{
	u32 lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(index));
	return (u64)hi << 32 | lo;
}

static inline void x86_xsetbv(u32 index, u64 value)
{
	__asm__ volatile("xsetbv" ::"c"(index), "a"((u32)value),
			 "d"((u32)(value >> 32)));
}

static inline void x86_sti(void)
{
	__asm__ volatile("sti" ::: "memory");
}

static inline void x86_cli(void)
{
	__asm__ volatile("cli" ::: "memory");
}

static inline void x86_hlt(void)
{
	__asm__ volatile("hlt" ::: "memory");
}

static inline void x86_invlpg(u64 va)
{
	__asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

static inline u64 x86_rflags(void)
{
	u64 v;

	__asm__ volatile("pushfq; popq %0" : "=r"(v));
	return v;
}

#endif
