/*
 * sandbox.c - see isa.h: descriptor tables, task segments, modes
 *
 * Owns: two GDTs of the same contents, two IDTs and IVTs of each kind, the TSSs.
 * Sources: [SDM] vol. 3 "Protected-Mode Memory Management" (3), "Task Management" (8),
 * "Real-Address Mode" (21.1), "Software Interrupt Handling in Virtual-8086 Mode" (21.3.3).
 */
#include "isa.h"

#include "lib/string.h"
#include "x86_ops.h"

#define BUSY BIT(41)
#define PRESENT BIT(47)
#define DPL3 (3ull << 45)
#define GATE_INTERRUPT (0x0eull << 40)
#define CALL_GATE (0x0cull << 40)
#define TASK_GATE (0x05ull << 40)
#define TSS_TYPE (0x09ull << 40)
#define LDT_TYPE (0x02ull << 40)
#define TSS16_TYPE (0x01ull << 40)
#define DATA_TYPE (0x13ull << 40) /* S set, writable, accessed */
#define STUB_SIZE 16
#define LOW_STUB_SIZE 6
#define VECTORS 256
#define REDIRECT_SIZE 32
#define INT_NO_GATE 0x42
#define INT_TASK_GATE 0x43
#define CR3_PWT BIT(3)
#define TRAP_BIT 1

struct PACKED tss64 {
	u32 reserved;
	u64 rsp[3], reserved1, ist[7];
	u64 reserved2;
	u16 reserved3, iomap;
};
ASSERT_SIZE(struct tss64, 104);

struct PACKED tss32 {
	u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	u32 eax, ecx, edx, ebx, esp, ebp, esi, edi, es, cs, ss, ds, fs, gs, ldt;
	u16 trap, iomap;
	u8 redirect[REDIRECT_SIZE]; /* all ones: no INT n goes to the IVT, with CR4.VME either */
};
ASSERT_OFFSET(struct tss32, eip, 0x20);
ASSERT_OFFSET(struct tss32, ldt, 0x60);
ASSERT_OFFSET(struct tss32, iomap, 102);
ASSERT_OFFSET(struct tss32, redirect, 104);

struct PACKED tss16 {
	u16 link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags;
	u16 ax, cx, dx, bx, sp, bp, si, di, es, cs, ss, ds, ldt;
};
ASSERT_SIZE(struct tss16, 44);

extern const char shoot_stubs64[], shoot_stubs32[], shoot_low[], shoot_low_end[];
extern char shoot_stack_top[];

static u64 gdt[2][GDT_SLOTS] ALIGNED(16);
static u64 idt64[2][VECTORS][2] ALIGNED(16), idt32[2][VECTORS] ALIGNED(16);
static u64 ldt[2] ALIGNED(16);
static struct tss64 tss64[2] ALIGNED(16);
static struct tss32 tss32[2] ALIGNED(128);
static struct tss16 tss16 ALIGNED(64);
static u8 exit_stack[4096] ALIGNED(16), call_stack[4096] ALIGNED(16);
static struct isa_pointer rt_idtr;
static bool tasks_spoiled; /* gates, descriptors or TSSs are no longer as sandbox_init left them */

const struct isa_mode_info isa_modes[ISA_MODES] = {
	[ISA_L0] = { 8, 0, false, 0, SEL_CS64, SEL_DS, SEL_USER_DS, SEL_TEST_CS64, SEL_DS, ISA_CODE,
		     ISA_DATA, ISA_STACK },
	[ISA_L3] = { 8, 3, false, 0, SEL_USER_CS64, SEL_USER_DS, SEL_USER_DS, SEL_TEST_CS64,
		     SEL_TEST_DATA, ISA_CODE, ISA_DATA, ISA_STACK },
	[ISA_C3] = { 4, 3, false, 0, SEL_USER_CS32, SEL_USER_DS, SEL_USER_DS, SEL_TEST_CS32,
		     SEL_TEST_DATA, ISA_CODE, ISA_DATA, ISA_STACK },
	[ISA_D3] = { 2, 3, false, 0, SEL_USER_CS16, SEL_USER_SS16, SEL_USER_DS16, SEL_TEST_CS16,
		     SEL_USER_SS16, 0, 0, 0 },
	[ISA_P0] = { 4, 0, true, ENTER_SUPERVISOR, SEL_CS32, SEL_DS, SEL_USER_DS, SEL_TEST_CS32,
		     SEL_DS, ISA_CODE, ISA_DATA, ISA_STACK },
	[ISA_P3] = { 4, 3, true, ENTER_USER, SEL_USER_CS32, SEL_USER_DS, SEL_USER_DS, SEL_TEST_CS32,
		     SEL_TEST_DATA, ISA_CODE, ISA_DATA, ISA_STACK },
	[ISA_R] = { 2, 0, true, ENTER_REAL, ISA_CODE >> 4, ISA_STACK >> 4, ISA_DATA >> 4,
		    ISA_CODE >> 4, ISA_STACK >> 4, 0, 0, 0 },
	[ISA_V] = { 2, 3, true, ENTER_V86, ISA_CODE >> 4, ISA_STACK >> 4, ISA_DATA >> 4,
		    ISA_CODE >> 4, ISA_STACK >> 4, 0, 0, 0 },
};

static void set(unsigned selector, u64 descriptor)
{
	gdt[0][selector / 8] = gdt[1][selector / 8] = descriptor;
}

static void set_system(unsigned selector, u64 type, const void *at, u64 size, bool wide)
{
	u64 base = (u64)(uintptr_t)at;

	set(selector, (size - 1) | (base & 0xffffff) << 16 | type | PRESENT | DPL3 |
			  (base >> 24 & 0xff) << 56);
	if (wide)
		set(selector + 8, base >> 32);
}

static void init_gdt(void)
{
	set(SEL_CS64, 0x00af9b000000ffff);
	set(SEL_DS, 0x00cf93000000ffff);
	set(SEL_CS32, 0x00cf9b000000ffff);
	set(SEL_USER_DS, 0x00cff3000000ffff);
	set(SEL_USER_CS64, 0x00affb000000ffff);
	set(SEL_USER_CS32, 0x00cffb000000ffff);
	set(SEL_USER_CS16, 0x0000fb000000ffff | (u64)ISA_CODE << 16);
	set(SEL_USER_DS16, 0x0000f3000000ffff | (u64)ISA_DATA << 16);
	set(SEL_USER_SS16, 0x0000f3000000ffff | (u64)ISA_STACK << 16);
	set(SEL_LOW_CS, 0x00009b000000ffff);
	set(SEL_LOW_DS, 0x000093000000ffff);
	for (unsigned i = 0; i < 2; i++) {
		set_system(SEL_TSS64_A + 16 * i, TSS_TYPE, &tss64[i], sizeof(tss64[i]), true);
		set_system(SEL_TSS32_A + 8 * i, TSS_TYPE, &tss32[i], sizeof(tss32[i]), false);
		set_system(SEL_LDT_A + 16 * i, LDT_TYPE, ldt, sizeof(ldt), true);
	}
	set_system(SEL_TSS16 & ~7, TSS16_TYPE, &tss16, sizeof(tss16), false);
	set_system(SEL_LEAVE, TSS_TYPE, &tss32[0], sizeof(tss32[0]), false);
	set_system(SEL_ABSENT & ~7, DATA_TYPE, NULL, PAGE_SIZE, false);
	set(SEL_ABSENT & ~7, gdt[0][SEL_ABSENT / 8] & ~PRESENT);
}

static u64 gate(u64 at, unsigned selector, bool user)
{
	return (at & 0xffff) | (u64)selector << 16 | GATE_INTERRUPT | PRESENT | (user ? DPL3 : 0) |
	       (at >> 16 & 0xffff) << 48;
}

/* INT3, INTO and one more vector may be used at CPL 3. */
static void init_vector(unsigned table, unsigned vector)
{
	bool user = vector == VECTOR_BP || vector == VECTOR_OF || vector == ISA_INT;
	u64 at = (u64)(uintptr_t)shoot_stubs64 + STUB_SIZE * vector;

	idt64[table][vector][0] = gate(at, SEL_CS64, user) | 1ull << 32;
	idt64[table][vector][1] = at >> 32;
	idt32[table][vector] =
	    gate((u64)(uintptr_t)shoot_stubs32 + STUB_SIZE * vector, SEL_CS32, user);
	if (vector == INT_NO_GATE)
		idt64[table][vector][0] = idt64[table][vector][1] = idt32[table][vector] = 0;
	((u32 *)(uintptr_t)(table ? ISA_IVT_B : ISA_IVT_A))[vector] =
	    ISA_LOW + LOW_STUB_SIZE * vector;
}

static void init_tss(unsigned i)
{
	tss64[i].ist[0] = (u64)(uintptr_t)exit_stack + sizeof(exit_stack);
	tss64[i].ist[1] = tss64[i].ist[0];
	tss64[i].rsp[0] = (u64)(uintptr_t)call_stack + sizeof(call_stack);
	tss64[i].iomap = sizeof(tss64[i]);
	tss32[i].ss0 = SEL_DS;
	tss32[i].esp0 = (u32)(uintptr_t)shoot_stack_top;
	tss32[i].iomap = sizeof(tss32[i]);
	memset(tss32[i].redirect, 0xff, sizeof(tss32[i].redirect));
}

void sandbox_init(void)
{
	memcpy((void *)ISA_LOW, shoot_low, (size_t)(shoot_low_end - shoot_low));
	init_gdt();
	for (unsigned i = 0; i < 2; i++) {
		init_tss(i);
		for (unsigned v = 0; v < VECTORS; v++)
			init_vector(i, v);
	}
	sandbox_protect(false);
	__asm__ volatile("sidt %0" : "=m"(rt_idtr));
	isa_shot()->main_gdtr =
	    (struct isa_pointer){ sizeof(gdt[0]) - 1, (u64)(uintptr_t)gdt[0], { 0 } };
	sandbox_restore();
}

static void protect_gate(unsigned table, bool closed)
{
	u64 keep = ~DPL3, dpl = closed ? 0 : DPL3;

	idt64[table][ISA_INT][0] = (idt64[table][ISA_INT][0] & keep) | dpl;
	idt32[table][ISA_INT] = (idt32[table][ISA_INT] & keep) | dpl;
}

void sandbox_protect(bool closed)
{
	set(SEL_TEST_DATA, closed ? 0x00cf93000000ffff : 0x00cff3000000ffff);
	set(SEL_TEST_CS64, closed ? 0x00af9b000000ffff : 0x00af9f000000ffff);
	set(SEL_TEST_CS32, closed ? 0x00cf9b000000ffff : 0x00cf9f000000ffff);
	set(SEL_TEST_CS16,
	    (closed ? 0x00009b000000ffff : 0x00009f000000ffff) | (u64)ISA_CODE << 16);
	for (unsigned i = 0; i < 2; i++)
		protect_gate(i, closed);
}

struct isa_pointer sandbox_other_gdt(void)
{
	return (struct isa_pointer){ sizeof(gdt[1]) - 1, (u64)(uintptr_t)gdt[1], { 0 } };
}

static struct isa_pointer idt_of(enum isa_mode mode, unsigned table)
{
	if (mode == ISA_R)
		return (struct isa_pointer){ 0x3ff, table ? ISA_IVT_B : ISA_IVT_A, { 0 } };
	if (isa_modes[mode].legacy)
		return (struct isa_pointer){ sizeof(idt32[0]) - 1,
					     (u64)(uintptr_t)idt32[table],
					     { 0 } };
	return (struct isa_pointer){ sizeof(idt64[0]) - 1, (u64)(uintptr_t)idt64[table], { 0 } };
}

struct isa_pointer sandbox_other_idt(enum isa_mode mode)
{
	return idt_of(mode, 1);
}

/* A TSS is marked busy by whoever loads it. */
static void all_available(void)
{
	static const u8 selectors[] = { SEL_TSS64_A, SEL_TSS64_B, SEL_TSS32_A, SEL_TSS32_B,
					SEL_TSS16, SEL_LEAVE };

	for (unsigned i = 0; i < sizeof(selectors); i++) {
		gdt[0][selectors[i] / 8] &= ~BUSY;
		gdt[1][selectors[i] / 8] &= ~BUSY;
	}
}

/* The call gate leads to where C's code segment of the mode is. */
static void set_gate(bool legacy)
{
	u64 at = ISA_CODE + ISA_LANDING, selector = legacy ? SEL_CS32 : SEL_CS64;

	set(SEL_TEST_GATE & ~7, (at & 0xffff) | selector << 16 | CALL_GATE | PRESENT | DPL3 |
				    (at >> 16 & 0xffff) << 48);
	set((SEL_TEST_GATE & ~7) + 8, 0);
}

/* As if no form had been about tasks yet. */
static void reset_tasks(void)
{
	static const u8 vectors[] = { INT_TASK_GATE, VECTOR_UD, VECTOR_OF, VECTOR_GP };

	for (unsigned i = 0; i < 2; i++) {
		u32 esp0 = tss32[i].esp0;

		memset(&tss32[i], 0, offsetof(struct tss32, iomap));
		tss32[i].esp0 = esp0;
		tss32[i].ss0 = SEL_DS;
		set_system(SEL_TSS32_A + 8 * i, TSS_TYPE, &tss32[i], sizeof(tss32[i]), false);
		for (unsigned v = 0; v < sizeof(vectors); v++)
			init_vector(i, vectors[v]);
	}
	tasks_spoiled = false;
}

void sandbox_tables(struct isa_shot *shot, enum isa_mode mode, const bool b[4])
{
	bool legacy = isa_modes[mode].legacy;

	shot->gdtr = (struct isa_pointer){ sizeof(gdt[0]) - 1, (u64)(uintptr_t)gdt[b[0]], { 0 } };
	shot->idtr = idt_of(mode, b[1]);
	shot->ldtr = b[2] ? SEL_LDT_B : SEL_LDT_A;
	shot->tr = legacy ? (b[3] ? SEL_TSS32_B : SEL_TSS32_A) : b[3] ? SEL_TSS64_B : SEL_TSS64_A;
	set_gate(legacy);
	if (tasks_spoiled)
		reset_tasks();
	all_available();
	if (legacy)
		return;
	__asm__ volatile("lgdt %0; lidt %1; lldt %w2; ltr %w3" ::"m"(shot->gdtr), "m"(shot->idtr),
			 "r"((u32)shot->ldtr), "r"((u32)shot->tr)
			 : "memory");
}

void sandbox_restore(void)
{
	all_available();
	__asm__ volatile("lgdt %0; lidt %1; ltr %w2" ::"m"(isa_shot()->main_gdtr), "m"(rt_idtr),
			 "r"(SEL_TSS64_A)
			 : "memory");
}

/* ---- Hardware tasks ------------------------------------------------------------------- */

static void set_busy(unsigned selector)
{
	gdt[0][selector / 8] |= BUSY;
	gdt[1][selector / 8] |= BUSY;
}

static u64 task_gate(u16 selector)
{
	return (u64)selector << 16 | TASK_GATE | PRESENT | DPL3;
}

static void set_task_vector(unsigned vector, u16 selector)
{
	idt32[0][vector] = idt32[1][vector] = task_gate(selector);
}

/*
 * A landing in 16 bits.  At CPL 0, its INT3 is delivered on the task's own stack, below 64 KiB:
 * the upper half of ESP is nobody's.
 */
static void make_task16(void)
{
	tss16 = (struct tss16){ .ip = ISA_LANDING, .flags = RFLAGS_ONE, .cs = SEL_TEST_CS16,
				.ss = SEL_LOW_DS, .sp = ISA_LOW_STACK, .ds = SEL_DS,
				.es = SEL_DS, .ldt = SEL_LDT_A, .ax = 0xa16, .cx = 0xc16,
				.di = 0xd16 };
}

/* Its EFLAGS say whether it is virtual-8086 mode's.  Without paging its CR3 is not loaded. */
static void make_task(struct tss32 *task, enum isa_mode mode)
{
	const struct isa_mode_info *info = &isa_modes[mode];

	task->eip = info->code + ISA_LANDING;
	task->eflags = RFLAGS_ONE | (mode == ISA_V ? RFLAGS_VM : 0);
	task->esp = info->stack + ISA_SP;
	task->cs = info->cs;
	task->ss = info->ss;
	task->ds = task->es = task->fs = task->gs = info->ds;
	task->ldt = SEL_LDT_A;
	task->cr3 = (u32)(x86_read_cr3() ^ CR3_PWT);
	task->eax = 0xa32;
	task->ecx = 0xc32;
	task->edx = 0xd32;
	task->ebx = 0xb32;
	task->ebp = 0xeb32;
	task->esi = 0x5132;
	task->edi = 0xd132;
}

static void spoil_task(enum isa_setup setup, struct tss32 *task, u16 selector)
{
	u64 descriptor = gdt[0][selector / 8];

	switch (setup) {
	case SETUP_task_absent:
		set(selector, descriptor & ~PRESENT);
		break;
	case SETUP_task_short: /* by one byte: the I/O map's base is part of it */
		set(selector, (descriptor & ~0xffffull) | (offsetof(struct tss32, redirect) - 2));
		break;
	case SETUP_task_busy:
		set_busy(selector);
		break;
	case SETUP_task_system: /* a data segment that is none; what comes behind it stays */
		task->ds = SEL_TSS32_A;
		break;
	case SETUP_task_no_segment:
		task->es = SEL_ABSENT;
		break;
	case SETUP_task_trap:
		task->trap = TRAP_BIT;
		break;
	default:
		break;
	}
}

u16 sandbox_task(enum isa_mode mode, enum isa_setup setup, u16 tr)
{
	unsigned other = tr == SEL_TSS32_A;
	u16 selector = (u16)(SEL_TSS32_A + 8 * other);

	tasks_spoiled = true;
	make_task(&tss32[other], mode);
	/* Exactly as long as it must be. */
	set(selector, (gdt[0][selector / 8] & ~0xffffull) | (offsetof(struct tss32, redirect) - 1));
	spoil_task(setup, &tss32[other], selector);
	switch (setup) {
	case SETUP_task16:
		make_task16();
		return SEL_TSS16;
	case SETUP_task_gate:
		set(SEL_TEST_GATE & ~7, task_gate(selector));
		return SEL_TEST_GATE;
	case SETUP_task_int:
		set_task_vector(INT_TASK_GATE, selector);
		break;
	case SETUP_task_fault:
		set_task_vector(VECTOR_UD, selector);
		set_task_vector(VECTOR_OF, selector);
		set_task_vector(VECTOR_GP, selector);
		break;
	case SETUP_task_nested:
		tss32[!other].link = selector;
		set_busy(selector);
		break;
	default:
		break;
	}
	return selector | 3;
}

static u64 hash_bytes(u64 hash, const void *at, size_t size)
{
	for (size_t i = 0; i < size; i += 4) {
		u32 word;

		memcpy(&word, (const u8 *)at + i, 4);
		hash = state_hash(hash, word + i);
	}
	return hash;
}

u64 sandbox_hash_tasks(u64 hash)
{
	static const u8 selectors[] = { SEL_TSS32_A, SEL_TSS32_B, SEL_TSS16 };

	for (unsigned i = 0; i < 2; i++)
		hash = hash_bytes(hash, &tss32[i], offsetof(struct tss32, redirect));
	hash = hash_bytes(hash, &tss16, sizeof(tss16));
	for (unsigned i = 0; i < sizeof(selectors); i++)
		hash = state_hash(hash, (gdt[0][selectors[i] / 8] & BUSY) |
					    (gdt[1][selectors[i] / 8] & BUSY) >> 1);
	return hash;
}
