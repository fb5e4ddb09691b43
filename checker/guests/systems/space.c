/*
 * space.c - see space.h
 *
 * Sources: [SDM] vol. 3 "Segment Descriptors" (3.4.5), "Segment Descriptor Tables in IA-32e Mode"
 * (3.5.2).
 */
#include "space.h"

#include "lib/string.h"
#include "x86_ops.h"

#define RT_SLOTS 8
#define DESCRIPTOR_LDT (0x82ull << 40)
#define USER_CODE32 0x00cffb000000ffff
#define LDT_BYTES 16
#define TSS_BUSY BIT(41)
#define TSS_RSP0 4
#define GATES 256

ASSERT_OFFSET(struct space_shot, rip, SHOT_RIP);
ASSERT_OFFSET(struct space_shot, rdi, SHOT_RDI);

struct PACKED pointer {
	u16 limit;
	u64 base;
};

extern u64 rt_gdt[], rt_pml4[];
extern volatile u64 space_rsp;
extern const char space_back[];
void space_enter(const struct space_shot *shot);

u64 space_root[512] ALIGNED(4096);
static u64 user_pdpt[512] ALIGNED(4096), user_pd[512] ALIGNED(4096), user_pt[512] ALIGNED(4096);
static u64 gdt[GDT_BYTES / 8] ALIGNED(16);
static struct space_shot *shooting;
static u64 saved_rsp0;

static u64 at(const void *p)
{
	return (u64)(uintptr_t)p;
}

static bool end_shot(struct rt_frame *f)
{
	struct space_shot *s = shooting;

	if (!s)
		return false;
	shooting = NULL;
	s->vector = f->vector;
	s->error = f->error;
	s->cr2 = x86_read_cr2();
	s->at = f->rip;
	s->at_cs = f->cs;
	s->at_rflags = f->rflags;
	s->at_rsp = f->rsp;
	s->at_ss = f->ss;
	s->frame_end = at(f) + sizeof(*f);
	f->rip = at(space_back);
	f->cs = RT_CS;
	f->ss = RT_DS;
	f->rsp = space_rsp;
	f->rflags = RFLAGS_ONE;
	return true;
}

void space_shoot(struct space_shot *shot)
{
	shooting = shot;
	space_enter(shot);
}

void space_descriptor(unsigned selector, u64 low, u64 high)
{
	gdt[selector / 8] = low;
	gdt[selector / 8 + 1] = high;
}

void space_ldt(u64 base)
{
	space_descriptor(SEL_LDT,
			 (LDT_BYTES - 1) | (base & 0xffffff) << 16 | DESCRIPTOR_LDT |
			     (base >> 24 & 0xff) << 56,
			 base >> 32);
	__asm__ volatile("lldt %w0" ::"r"(SEL_LDT) : "memory");
}

void space_begin(void)
{
	const struct pointer gdtr = { sizeof(gdt) - 1, at(gdt) };

	memcpy(gdt, rt_gdt, RT_SLOTS * 8);
	gdt[SEL_USER_CS32 / 8] = USER_CODE32;
	__asm__ volatile("lgdt %0" ::"m"(gdtr) : "memory");
	space_root[0] = rt_pml4[0];
	space_root[1] = at(user_pdpt) | PTE_P | PTE_W | PTE_U;
	user_pdpt[0] = at(user_pd) | PTE_P | PTE_W | PTE_U;
	user_pd[0] = at(user_pt) | PTE_P | PTE_W | PTE_U;
	user_pt[0] = at(snippets) | PTE_P | PTE_U;
	user_pt[1] = APIC_DEFAULT_BASE | PTE_P | PTE_W | PTE_U | PTE_PCD | PTE_PWT;
	rt_gate(VECTOR_BP, RT_CS, 3, 1, true);
	rt_hook = end_shot;
	x86_write_cr3(at(space_root));
}

void space_descriptor_low(unsigned selector, u64 low)
{
	gdt[selector / 8] = low;
}

void space_task_available(void)
{
	gdt[RT_TSS / 8] &= ~TSS_BUSY;
}

void space_user_page(unsigned n, u64 address)
{
	user_pt[n] = address | PTE_P | PTE_W | PTE_U;
	x86_invlpg(SPACE_USER + n * 4096ull);
}

/* RSP 0 of the runtime's TSS: [SDM] figure 7-11. */
static void *rsp0(void)
{
	u64 low = gdt[RT_TSS / 8], base;

	base = (low >> 16 & 0xffffff) | (low >> 56) << 24 | gdt[RT_TSS / 8 + 1] << 32;
	return (void *)(base + TSS_RSP0);
}

void space_ring0_stack(u64 top)
{
	memcpy(&saved_rsp0, rsp0(), sizeof(saved_rsp0));
	memcpy(rsp0(), &top, sizeof(top));
}

void space_end(void)
{
	const struct pointer gdtr = { RT_SLOTS * 8 - 1, at(rt_gdt) };

	if (saved_rsp0)
		memcpy(rsp0(), &saved_rsp0, sizeof(saved_rsp0));
	saved_rsp0 = 0;
	for (unsigned v = 0; v < GATES; v++)
		rt_gate(v, RT_CS, 0, v == VECTOR_NMI ? 2 : 1, true);
	x86_write_cr3(at(rt_pml4));
	rt_hook = NULL;
	__asm__ volatile("lldt %w0; lgdt %1" ::"r"(0), "m"(gdtr) : "memory");
}
