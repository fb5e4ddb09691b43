/*
 * legacy.c - see legacy.h
 *
 * Sources: [SDM] vol. 3 "IDT Descriptors" (6.11), "Task-State Segment (TSS)" (7.2.1), "TSS
 * Descriptor" (7.2.2).
 */
#include "legacy.h"

#include "lib/string.h"
#include "x86_ops.h"

#define STUB_SIZE 16
#define GATE32 (0x8eull << 40) /* interrupt gate, present */
#define GATE_DPL3 (3ull << 45)
#define TSS32_AVAILABLE (0x89ull << 40)
#define NO_IO_MAP 104

struct legacy_tss {
	u32 link, esp0, ss0, others[22];
	u16 trap, io_map;
};
ASSERT_SIZE(struct legacy_tss, 104);
ASSERT_OFFSET(struct legacy_shot, edit, L_EDIT);
ASSERT_OFFSET(struct legacy_shot, vector, L_VECTOR);
ASSERT_SIZE(struct legacy_shot, L_SIZE);
ASSERT_OFFSET(struct legacy, shot, LEGACY_SHOT);

struct PACKED pointer {
	u16 limit;
	u64 base;
};

extern const char legacy_stubs[], legacy_stack_top[];
extern u32 of_legacy;
void legacy_enter(const struct legacy *l);

extern u64 legacy_idt[256];
u64 legacy_idt[256] ALIGNED(16);
static struct legacy_tss tss ALIGNED(128);

static u64 at(const void *p)
{
	return (u64)(uintptr_t)p;
}

void legacy_gate_reset(unsigned vector)
{
	u64 to = at(legacy_stubs) + STUB_SIZE * (u64)vector;

	legacy_idt[vector] = (to & 0xffff) | (u64)RT_CS32 << 16 | GATE32 |
			     (vector == VECTOR_BP ? GATE_DPL3 : 0) | (to >> 16) << 48;
}

void legacy_begin(void)
{
	for (unsigned v = 0; v < 256; v++)
		legacy_gate_reset(v);
	memset(&tss, 0, sizeof(tss));
	tss.esp0 = (u32)at(legacy_stack_top);
	tss.ss0 = RT_DS;
	tss.io_map = NO_IO_MAP;
}

void legacy_run(const struct legacy *l)
{
	struct legacy of_run = *l;
	struct pointer idtr;
	u64 base = at(&tss);

	space_descriptor_low(SEL_TSS32, (sizeof(tss) - 1) | (base & 0xffffff) << 16 |
					    TSS32_AVAILABLE | (base >> 24 & 0xff) << 56);
	__asm__ volatile("sidt %0" : "=m"(idtr));
	of_legacy = (u32)at(&of_run);
	legacy_enter(&of_run);
	space_task_available();
	__asm__ volatile("lidt %0; lldt %w1; ltr %w2" ::"m"(idtr), "r"(0), "r"(RT_TSS) : "memory");
}

void legacy_gate_change(unsigned vector, u64 mask, u64 value)
{
	legacy_idt[vector] = (legacy_idt[vector] & ~mask) | value;
}

void legacy_gate_dpl3(unsigned vector)
{
	legacy_gate_change(vector, GATE_DPL3, GATE_DPL3);
}

u32 legacy_stack(void)
{
	return (u32)at(legacy_stack_top);
}
