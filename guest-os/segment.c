/*
 * segment.c - descriptors and the TSS
 *
 * Owns: the GDT, and for each processor a task-state segment with the stacks for NMI, #DF and #MC.
 * Must not know: processes, traps.
 *
 * Sources: [SDM] "Segment Descriptors" (3.4.5), "64-Bit Mode Task Management" (7.7).
 */
#include "segment.h"

#include "compiler.h"
#include "cpu.h"
#include "layout.h"
#include "x86.h"

#define TYPE_DATA 3 /* read, write, accessed */
#define TYPE_CODE 11 /* execute, read, accessed */
#define TYPE_TSS 9
#define USER (3u << SEG_ATTR_DPL_SHIFT)
#define CODE (SEG_ATTR_P | SEG_ATTR_S | TYPE_CODE)
#define DATA (SEG_ATTR_P | SEG_ATTR_S | TYPE_DATA | SEG_ATTR_DB | SEG_ATTR_G)

/* Attributes as x86.h has them, limit 4 GiB where SEG_ATTR_G. */
#define DESCRIPTOR(attr) \
	(0xffffull | ((attr) & 0xff) << 40 | 0xfull << 48 | ((u64)(attr) >> 8 & 0xf) << 52)

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7]; /* IST 1 is ist[0] */
	u64 reserved2;
	u16 reserved3;
	u16 iomap_base;
} PACKED;
ASSERT_SIZE(struct tss, 104);
ASSERT_OFFSET(struct tss, ist, 36);

struct pseudo_descriptor {
	u16 limit;
	u64 base;
} PACKED;
ASSERT_SIZE(struct pseudo_descriptor, 10);

/* No I/O map: its base lies behind the limit, so user mode may access no port. */
static struct tss tss[CPU_MAX];
static u8 ist_stack[CPU_MAX][IST_COUNT][PAGE_SIZE] ALIGNED(PAGE_SIZE);

static u64 gdt[] = {
	[SELECTOR_KERNEL_CS / 8] = DESCRIPTOR(CODE | SEG_ATTR_L | SEG_ATTR_G),
	[SELECTOR_KERNEL_SS / 8] = DESCRIPTOR(DATA),
	[SELECTOR_USER_CS32 / 8] = DESCRIPTOR(CODE | USER | SEG_ATTR_DB | SEG_ATTR_G),
	[SELECTOR_USER_SS / 8] = DESCRIPTOR(DATA | USER),
	[SELECTOR_USER_CS / 8] = DESCRIPTOR(CODE | USER | SEG_ATTR_L | SEG_ATTR_G),
	[SELECTOR_ABSENT / 8] = DESCRIPTOR(DATA & ~SEG_ATTR_P), /* behind the TSSs */
};
_Static_assert(SELECTOR_ABSENT == SELECTOR_TSS + CPU_MAX * SELECTOR_TSS_SIZE,
	       "a TSS's descriptor is two entries long");

static void describe_tss(unsigned index)
{
	u64 base = (u64)&tss[index], limit = sizeof(tss[index]) - 1;
	u64 *entry = &gdt[(SELECTOR_TSS + index * SELECTOR_TSS_SIZE) / 8];

	entry[0] = limit | (base & BITS(23, 0)) << 16 | (SEG_ATTR_P | TYPE_TSS) << 40 |
		   (base >> 24 & 0xff) << 56;
	entry[1] = base >> 32;
}

void segment_init(unsigned index)
{
	struct pseudo_descriptor gdtr = { sizeof(gdt) - 1, (u64)gdt };

	tss[index].iomap_base = sizeof(tss[index]);
	for (int i = IST_NONE + 1; i < IST_COUNT; i++)
		tss[index].ist[i - 1] = (u64)ist_stack[index][i] + PAGE_SIZE;
	describe_tss(index);
	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %2, %%ss\n\t"
			 "movl %2, %%ds\n\t"
			 "movl %2, %%es\n\t"
			 "ltr %w3" ::"m"(gdtr),
			 "i"(SELECTOR_KERNEL_CS), "r"(SELECTOR_KERNEL_SS),
			 "r"(SELECTOR_TSS + index * SELECTOR_TSS_SIZE)
			 : "rax", "memory");
}

void segment_set_stack(u64 rsp)
{
	tss[cpu_this()->index].rsp[0] = rsp;
}

void segment_ist_bounds(enum segment_ist ist, u64 *low, u64 *high)
{
	*low = (u64)ist_stack[cpu_this()->index][ist];
	*high = *low + PAGE_SIZE;
}
