/*
 * hostile_legacy.c - back to 32 bits for good: task switches, alignment checks at CPL 3
 *
 * Must not know: the runtime, which is lost from here on.
 *
 * Sources: [SDM] "Switching Out of IA-32e Mode Operation" (9.8.5.4), "Task Management" (7),
 * "Interrupt 17 - Alignment Check Exception (#AC)" (6.15).
 */
#include "hostile_legacy.h"

#include "rt/rt.h"
#include "x86_ops.h"

/* Selectors of our own GDT. */
#define CODE 0x08
#define DATA 0x10
#define TASK_A 0x18
#define TASK_B 0x20
#define USER_CODE 0x2b
#define USER_DATA 0x33

#define TSS_WORDS 26
#define GATES 32
#define TASK_GATE 0x8500ull
#define USER_GATE 0xee00ull /* interrupt gate of 32 bits, DPL 3 */

/* Words of a TSS. */
enum {
	TSS_ESP0 = 1,
	TSS_SS0,
	TSS_EIP = 8,
	TSS_EFLAGS,
	TSS_ESP = 14,
	TSS_ES = 18,
	TSS_CS,
	TSS_SS,
	TSS_DS
};

static u32 task_a[TSS_WORDS], task_b[TSS_WORDS];
static u8 stack_a[4096] ALIGNED(16), stack_b[4096] ALIGNED(16);
static u64 idt[GATES];
static u64 gdt[] = {
	0,
	0x00cf9b000000ffff, /* CODE */
	0x00cf93000000ffff, /* DATA */
	0,		    /* TASK_A */
	0,		    /* TASK_B */
	0x00cffb000000ffff, /* USER_CODE */
	0x00cff3000000ffff, /* USER_DATA */
};

struct PACKED pointer {
	u16 limit;
	u64 base;
};

struct pointer legacy_gdtr, legacy_idtr;
u32 legacy_stack;
extern const u8 legacy_switching[], legacy_back[], legacy_undefined[], legacy_misaligned[],
    legacy_user[], legacy_wait[];
NORETURN void legacy_go(u32 code);

__asm__(".text\nlegacy_go:\n\t"
	"lgdt legacy_gdtr\n\tpushq $8\n\tpushq $1f\n\tlretq\n"
	".code32\n1:\tmovl %cr0, %eax\n\tandl $0x7fffffff, %eax\n\tmovl %eax, %cr0\n\t"
	"movl $0xc0000080, %ecx\n\trdmsr\n\tandl $~0x100, %eax\n\twrmsr\n\t"
	"movl $16, %eax\n\tmovl %eax, %ds\n\tmovl %eax, %es\n\tmovl %eax, %ss\n\t"
	"movl legacy_stack, %esp\n\tlidt legacy_idtr\n\tmovl $24, %eax\n\tltr %ax\n\tjmp *%edi\n"
	"legacy_switching:\n\tljmp $32, $0\n\tjmp legacy_switching\n"
	"legacy_back:\n\tljmp $24, $0\n\tjmp legacy_back\n"
	"legacy_undefined:\n\tud2\n"
	/* With CR0.AM, to CPL 3 with EFLAGS.AC and a stack that is off by one. */
	"legacy_misaligned:\n\tmovl %cr0, %eax\n\torl $0x40000, %eax\n\tmovl %eax, %cr0\n\t"
	"movl legacy_stack, %eax\n\tdecl %eax\n\tpushl $0x33\n\tpushl %eax\n\tpushl $0x40002\n\t"
	"pushl $0x2b\n\tpushl $legacy_user\n\tiret\n"
	"legacy_user:\n\tpushl %eax\n\tpopl %eax\n\tjmp legacy_user\n"
	"legacy_wait:\n\tjmp legacy_wait\n.code64\n");

static u32 low(const volatile void *p)
{
	return (u32)(uintptr_t)p;
}

static u64 available_tss(const u32 *tss)
{
	u64 base = low(tss);

	return (TSS_WORDS * 4 - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | base >> 24 << 56;
}

static void make_task(u32 *tss, const u8 *code, u8 *stack, u32 cs)
{
	tss[TSS_ESP0] = tss[TSS_ESP] = low(stack) + sizeof(stack_a);
	tss[TSS_SS0] = tss[TSS_SS] = tss[TSS_DS] = tss[TSS_ES] = DATA;
	tss[TSS_EIP] = low(code);
	tss[TSS_EFLAGS] = RFLAGS_ONE;
	tss[TSS_CS] = cs;
}

NORETURN static void go(const u8 *code)
{
	gdt[TASK_A / 8] = available_tss(task_a);
	gdt[TASK_B / 8] = available_tss(task_b);
	legacy_gdtr = (struct pointer){ sizeof(gdt) - 1, low(gdt) };
	legacy_idtr = (struct pointer){ sizeof(idt) - 1, low(idt) };
	legacy_stack = low(stack_a) + sizeof(stack_a);
	legacy_go(low(code));
}

void legacy_tasks(void)
{
	make_task(task_a, legacy_switching, stack_a, CODE);
	make_task(task_b, legacy_back, stack_b, CODE);
	go(legacy_switching);
}

void legacy_tangle(void)
{
	for (unsigned i = 0; i < GATES; i++)
		idt[i] = TASK_GATE << 32 | (u64)TASK_B << 16;
	make_task(task_a, legacy_undefined, stack_a, CODE);
	make_task(task_b, legacy_undefined, stack_b, DATA); /* no code: #TS in the new task */
	go(legacy_undefined);
}

void legacy_alignment(void)
{
	u64 at = low(legacy_wait);

	idt[VECTOR_AC] = (at & 0xffff) | (u64)USER_CODE << 16 | USER_GATE << 32 | at >> 16 << 48;
	make_task(task_a, legacy_misaligned, stack_a, CODE);
	go(legacy_misaligned);
}
