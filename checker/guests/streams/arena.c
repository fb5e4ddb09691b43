/*
 * arena.c - see arena.h
 *
 * Sources: [SDM] "Segment Descriptors" (3.4.5), "64-Bit Mode IDT" (6.14.1), "TSS in 64-bit Mode"
 * (7.7), "XSAVE Area" (13.4), "Interrupt Command Register" (11.6.1).
 */
#include "arena.h"

#include "dice.h"
#include "generate.h"
#include "lib/string.h"
#include "rt/rt.h"
#include "x86_ops.h"

#define TABLE (PTE_P | PTE_W | PTE_U)
#define FILL 0xcc /* INT3: whoever strays is caught at once */
#define GATE_INTERRUPT (0x8eull << 40)
#define GATE_DPL3 BITS(46, 45)
#define IST_SHIFT 32
#define VECTORS 256
#define TSS_LIMIT 0x67
#define TSS_BUSY BIT(41)
#define XSAVE_SIZE 832
#define XSAVE_SSE 160
#define XSAVE_HEADER 512
#define XSAVE_AVX 576
#define FCW_RESET 0x37f
#define MXCSR_RESET 0x1f80
#define LAPIC ((volatile u32 *)APIC_DEFAULT_BASE)
#define LAPIC_TPR (0x80 / 4)
#define LAPIC_EOI (0xb0 / 4)
#define LAPIC_SVR (0xf0 / 4)
#define LAPIC_ICR (0x300 / 4)
#define SVR_ON 0x1ff
#define ICR_SELF 0x40000
#define CPUID_1_ECX_XSAVE_AVX (BIT(26) | BIT(28))
#define CPUID_7_EBX_FSGSBASE BIT(0)

struct PACKED pointer {
	u16 limit;
	u64 base;
};

extern u64 rt_pml4[];

static u64 pml4[512] ALIGNED(4096), pdpt[512] ALIGNED(4096), pd[512] ALIGNED(4096),
    pt[512] ALIGNED(4096),
    arena_pdpt[512] ALIGNED(4096), arena_pd[512] ALIGNED(4096), arena_pt[512] ALIGNED(4096);
static u8 code[STREAM_CODE_PAGES][PAGE_SIZE] ALIGNED(4096);
static u64 data[STREAM_DATA_PAGES][512] ALIGNED(4096);
static u8 fpu[PAGE_SIZE] ALIGNED(64);
static u64 gdt_image[STREAM_GDT_ENTRIES];
static u64 filled_from;		      /* case_memory of what is in data */
static unsigned code_end, code_begin; /* what is not FILL */
/* Which state the case may change; what it cannot is not looked at, as looking may be an exit. */
static bool system, debugs, priority;
static bool vga, vga_stale; /* a data page is VGA memory; that differs from data */

static u64 physical(const void *p)
{
	return (u64)(uintptr_t)p;
}

static u64 *in_arena(u64 offset)
{
	return (u64 *)(uintptr_t)(physical(arena) + offset);
}

/* ---- Page tables ------------------------------------------------------------------------- */

static void init_pages(void)
{
	pml4[0] = physical(pdpt) | TABLE;
	pdpt[STREAM_WINDOW >> 30] = physical(pd) | TABLE;
	pd[STREAM_WINDOW >> 21 & 511] = physical(pt) | TABLE;
	pml4[511] = rt_pml4[511] = physical(arena_pdpt) | PTE_P | PTE_W;
	arena_pdpt[0] = physical(arena_pd) | PTE_P | PTE_W;
	arena_pd[0] = physical(arena_pt) | PTE_P | PTE_W;
	for (u64 i = 0; i < STREAM_ARENA_PAGES; i++)
		arena_pt[i] = (physical(arena) + i * PAGE_SIZE) | PTE_P | PTE_W;
	memset(code, FILL, sizeof(code));
}

u64 *arena_word(u64 linear)
{
	u64 page = (linear - STREAM_DATA) / PAGE_SIZE;

	if (linear % 8)
		return NULL;
	if (linear - STREAM_ARENA < STREAM_ARENA_PAGES * PAGE_SIZE)
		return in_arena(linear - STREAM_ARENA);
	if (page < STREAM_DATA_PAGES)
		return &data[page][(linear & PAGE_MASK) / 8];
	return NULL;
}

/* ---- VGA memory ----------------------------------------------------------------------------- */

#define VGA_MEMORY 0xa0000

/*
 * Graphics memory as a plain array: four planes, chained.  IBM VGA, "Sequencer Registers",
 * "Graphics Controller Registers"
 */
static void init_vga(void)
{
	static const struct {
		u16 port;
		u8 index, value;
	} set[] = {
		{ 0x3c4, 2, 0x0f }, { 0x3c4, 4, 0x0e }, { 0x3ce, 0, 0 },    { 0x3ce, 1, 0 },
		{ 0x3ce, 3, 0 },    { 0x3ce, 4, 0 },    { 0x3ce, 5, 0x40 }, { 0x3ce, 6, 0x05 },
		{ 0x3ce, 8, 0xff },
	};

	x86_outb(0x3c2, x86_inb(0x3cc) | 3);
	for (unsigned i = 0; i < ARRAY_SIZE(set); i++) {
		x86_outb(set[i].port, set[i].index);
		x86_outb(set[i].port + 1, set[i].value);
	}
	vga_stale = true;
}

static void copy_words(void *to, const void *from, u64 words)
{
	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

/* The device's page becomes what data has, or the other way round. */
static void load_vga(void)
{
	if (vga_stale)
		copy_words((void *)VGA_MEMORY, data[STREAM_DEVICE_PAGE], PAGE_SIZE / 8);
	vga_stale = false;
}

static void store_vga(void)
{
	copy_words(data[STREAM_DEVICE_PAGE], (const void *)VGA_MEMORY, PAGE_SIZE / 8);
	vga_stale = true;
}

/* ---- Descriptors ---------------------------------------------------------------------------- */

static u64 descriptor(u64 base, u64 limit, u64 access, u64 flags)
{
	return (limit & 0xffff) | (base & 0xffffff) << 16 | access << 40 |
	       (limit >> 16 & 15) << 48 | flags << 52 | (base >> 24 & 0xff) << 56;
}

#define FLAT 0xfffff
#define CODE 0x9b /* present, accessed */
#define DATA 0x93
#define DPL3 0x60
#define FLAG_L 0xa /* granular, 64-bit */
#define FLAG_D 0xc /* granular, 32-bit */

static void system_descriptor(unsigned selector, u64 base, u64 limit, u64 access)
{
	gdt_image[selector / 8] = descriptor(base, limit, access, 0);
	gdt_image[selector / 8 + 1] = base >> 32;
}

#define GATE_CALL 0x8cull
#define GATE_PRESENT 0x80ull

static void call_gate(unsigned selector, u64 access)
{
	u64 at = STREAM_ARENA + (u64)(arena_gate - arena);

	gdt_image[selector / 8] = (at & 0xffff) | (u64)SEL_KERNEL_64 << 16 | access << 40 |
				  (at >> 16 & 0xffff) << 48;
	gdt_image[selector / 8 + 1] = at >> 32;
}

static void init_gdt(void)
{
	u64 *g = gdt_image, *ldt = in_arena(ARENA_LDT);

	g[SEL_KERNEL_64 / 8] = descriptor(0, FLAT, CODE, FLAG_L);
	g[SEL_KERNEL_DATA / 8] = descriptor(0, FLAT, DATA, FLAG_D);
	g[SEL_KERNEL_32 / 8] = descriptor(0, FLAT, CODE, FLAG_D);
	g[SEL_USER_DATA / 8] = descriptor(0, FLAT, DATA | DPL3, FLAG_D);
	g[SEL_USER_64 / 8] = descriptor(0, FLAT, CODE | DPL3, FLAG_L);
	g[SEL_USER_32 / 8] = descriptor(0, FLAT, CODE | DPL3, FLAG_D);
	g[SEL_SMALL / 8] = descriptor(STREAM_DATA, 0x1fff, 0xf2, 4);
	g[SEL_DOWN / 8] = descriptor(0, 0x60004, 0xf6, FLAG_D);
	g[SEL_ABSENT / 8] = descriptor(0, FLAT, 0x73, FLAG_D);
	g[SEL_READ_ONLY / 8] = descriptor(0, FLAT, 0xf0, FLAG_D);
	g[SEL_CONFORMING / 8] = descriptor(0, FLAT, 0x9f, FLAG_L);
	g[SEL_USER_16 / 8] = descriptor(STREAM_CODE, 0xffff, 0xfb, 0);
	g[SEL_ABSENT_CODE / 8] = descriptor(0, FLAT, 0x7b, FLAG_L);
	system_descriptor(SEL_TSS, STREAM_ARENA + ARENA_TSS, TSS_LIMIT, 0x89);
	system_descriptor(SEL_TSS_OTHER, STREAM_ARENA + ARENA_TSS_OTHER, TSS_LIMIT, 0x89);
	system_descriptor(SEL_LDT, STREAM_ARENA + ARENA_LDT, 8 * STREAM_LDT_ENTRIES - 1, 0x82);
	call_gate(SEL_GATE, GATE_CALL | DPL3);
	call_gate(SEL_GATE_KERNEL, GATE_CALL);
	call_gate(SEL_GATE_ABSENT, (GATE_CALL | DPL3) & ~GATE_PRESENT);
	ldt[SEL_LDT_DATA / 8] = g[SEL_USER_DATA / 8];
	ldt[SEL_LDT_CODE / 8] = g[SEL_USER_64 / 8];
}

static void set_gate(u64 idt, unsigned vector, unsigned ist)
{
	u64 at = STREAM_ARENA + (u64)vector * STREAM_STUB_SIZE, *g = in_arena(idt) + 2 * vector;
	bool open = vector == VECTOR_BP || vector == VECTOR_OF ||
		    (vector >= VECTOR_OPEN && vector < VECTOR_MISSING);

	if (vector >= VECTOR_MISSING && vector < VECTOR_MISSING + 16)
		return;
	g[0] = (at & 0xffff) | (u64)SEL_KERNEL_64 << 16 | (u64)ist << IST_SHIFT | GATE_INTERRUPT |
	       (open ? GATE_DPL3 : 0) | (at >> 16 & 0xffff) << 48;
	g[1] = at >> 32;
}

/* Page and double faults, NMIs and #DB must work whatever RSP is. */
static unsigned ist_of(unsigned vector)
{
	switch (vector) {
	case VECTOR_DB:
		return 2;
	case VECTOR_NMI:
		return 3;
	case VECTOR_DF:
		return 4;
	case VECTOR_PF:
		return 5;
	case VECTOR_MC:
		return 6;
	default:
		return 0;
	}
}

static u64 stack_top(unsigned n)
{
	return STREAM_ARENA + ARENA_STACKS + ARENA_STACK_SIZE * (u64)n;
}

static void init_tss(u64 at)
{
	u8 *tss = (u8 *)in_arena(at);
	u64 rsp0 = stack_top(ARENA_STACK_RSP0);
	u16 no_ports = TSS_LIMIT + 1;

	memcpy(tss + 4, &rsp0, sizeof(rsp0));
	for (unsigned i = 1; i <= 7; i++) {
		u64 top = stack_top(i);

		memcpy(tss + 0x1c + 8 * i, &top, sizeof(top));
	}
	memcpy(tss + 0x66, &no_ports, sizeof(no_ports));
}

static void init_traps(void)
{
	for (unsigned i = 0; i < VECTORS; i++) {
		set_gate(ARENA_IDT, i, ist_of(i) ? ist_of(i) : 1);
		set_gate(ARENA_IDT_PLAIN, i, ist_of(i));
	}
	init_tss(ARENA_TSS);
	init_tss(ARENA_TSS_OTHER);
}

static void load_tables(u64 idt)
{
	const struct pointer gdtr = { STREAM_GDT_ENTRIES * 8 - 1, STREAM_ARENA + ARENA_GDT };
	const struct pointer idtr = { 16 * VECTORS - 1, STREAM_ARENA + idt };

	__asm__ volatile("lgdt %0; lidt %1" ::"m"(gdtr), "m"(idtr) : "memory");
}

static void load_task(void)
{
	in_arena(ARENA_GDT)[SEL_TSS / 8] &= ~TSS_BUSY;
	__asm__ volatile("ltr %w0; lldt %w1" ::"r"(SEL_TSS), "r"(SEL_LDT) : "memory");
}

/* ---- MSRs -------------------------------------------------------------------------------------
 */

static const u32 msrs[] = { MSR_STAR,	      MSR_LSTAR,	MSR_CSTAR,
			    MSR_SFMASK,	      MSR_PAT,		MSR_SYSENTER_CS,
			    MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_TSC_AUX };

static u64 stub(unsigned vector)
{
	return STREAM_ARENA + (u64)vector * STREAM_STUB_SIZE;
}

static void load_msrs(void)
{
	x86_wrmsr(MSR_STAR, (u64)(SEL_KERNEL_32 | 3) << 48 | (u64)SEL_KERNEL_64 << 32);
	x86_wrmsr(MSR_LSTAR, stub(VECTOR_SYSCALL));
	x86_wrmsr(MSR_CSTAR, stub(VECTOR_SYSCALL_32));
	x86_wrmsr(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC);
	x86_wrmsr(MSR_PAT, PAT_RESET);
	x86_wrmsr(MSR_SYSENTER_CS, 0);
	x86_wrmsr(MSR_SYSENTER_ESP, stack_top(ARENA_STACK_SYSENTER));
	x86_wrmsr(MSR_SYSENTER_EIP, stub(VECTOR_SYSENTER));
	x86_wrmsr(MSR_TSC_AUX, 0);
}

/* ---- Memory and the FPU's state ------------------------------------------------------------- */

/* Pointers into the window, small numbers, selectors, anything. */
static u64 some_word(struct dice *d)
{
	switch (dice_below(d, 4)) {
	case 0:
		return STREAM_DATA + dice_below(d, STREAM_DATA_PAGES * PAGE_SIZE);
	case 1:
		return dice_below(d, 256);
	default:
		return dice_number(d);
	}
}

static void fill_page(unsigned page, u64 from)
{
	struct dice d = dice_of(from, page);

	for (unsigned i = 0; i < 512; i++)
		data[page][i] = from ? some_word(&d) : 0;
}

static void load_memory(u64 from)
{
	if (from == filled_from)
		return;
	for (unsigned i = 0; i < STREAM_DATA_PAGES; i++)
		fill_page(i, from);
	filled_from = from;
	vga_stale = true;
}

/* Registers of x87 and SSE, no exception waiting; whatever else is allowed. */
static void load_fpu(u64 from)
{
	struct dice d = dice_of(from, 0);
	u16 fcw = FCW_RESET;
	u32 mxcsr = MXCSR_RESET;
	u64 components = XCR0_X87 | XCR0_SSE | XCR0_AVX;

	memset(fpu, 0, XSAVE_SIZE);
	if (from) {
		for (unsigned i = 32; i < 416; i += 8) {
			u64 value = dice_number(&d);

			memcpy(fpu + i, &value, sizeof(value));
		}
		for (unsigned i = XSAVE_AVX; i < XSAVE_SIZE; i += 8) {
			u64 value = dice_number(&d);

			memcpy(fpu + i, &value, sizeof(value));
		}
		fcw = (u16)(0x40 | (dice_one_in(&d, 2) ? 0x3f : dice_below(&d, 64)) |
			    dice_below(&d, 16) << 8);
		mxcsr = (u32)(MXCSR_RESET ^ dice_below(&d, 4) << 13);
		fpu[3] = (u8)(dice_below(&d, 8) << 3); /* FSW.TOP */
		fpu[4] = (u8)dice_number(&d);	       /* which registers are in use */
	}
	for (unsigned i = 0; i < 8; i++) /* 80 bits of 128 */
		memset(fpu + 32 + 16 * i + 10, 0, 6);
	memcpy(fpu, &fcw, sizeof(fcw));
	memcpy(fpu + 24, &mxcsr, sizeof(mxcsr));
	memcpy(fpu + XSAVE_HEADER, &components, sizeof(components));
	/* XRSTOR may leave the pointers to the last instruction and operand as they were. */
	__asm__ volatile("fninit; xrstor64 %0" ::"m"(fpu), "a"(7), "d"(0) : "memory");
}

static u64 fold_bytes(const void *from, size_t size)
{
	u64 hash = 1;

	for (size_t i = 0; i < size; i += 8)
		hash = arena_fold(hash, load64((const char *)from + i));
	return hash;
}

/* A component that is as after reset may not be stored at all. */
static void store_fpu(u64 *results)
{
	const u16 fcw = FCW_RESET;
	u32 mxcsr = MXCSR_RESET;

	memset(fpu, 0, XSAVE_SIZE);
	memcpy(fpu, &fcw, sizeof(fcw));
	memcpy(fpu + 24, &mxcsr, sizeof(mxcsr));
	__asm__ volatile("xsave64 %0" : "+m"(fpu) : "a"(7), "d"(0) : "memory");
	memcpy(&mxcsr, fpu + 24, sizeof(mxcsr));
	results[RESULT_mxcsr] = mxcsr;
	results[RESULT_x87] = arena_fold(fold_bytes(fpu, 24), fold_bytes(fpu + 32, 128));
	results[RESULT_xmm] = fold_bytes(fpu + XSAVE_SSE, 256);
	results[RESULT_ymm] = fold_bytes(fpu + XSAVE_AVX, 256);
}

/* ---- Loading ------------------------------------------------------------------------------------
 */

/* Is this pair of bytes among the stream's? */
static bool has(const struct stream_case *c, u8 first, u8 second)
{
	for (unsigned u = 0; u < c->units; u++)
		for (unsigned i = 0; i + 1 < c->unit[u].len; i++)
			if (c->unit[u].byte[i] == first && c->unit[u].byte[i + 1] == second)
				return true;
	return false;
}

static void look_at(const struct stream_case *c)
{
	bool kernel = arena_cs(c->value[CASE_mode]) % 4 == 0;

	system = kernel && (has(c, 0x0f, 0x22) || has(c, 0x0f, 0x30) || has(c, 0x0f, 0x01) ||
			    has(c, 0x0f, 0x00) || has(c, 0x0f, 0x06));
	system |= c->value[CASE_cr0] != CASE_CR0 || c->value[CASE_cr4] != CASE_CR4 ||
		  c->value[CASE_efer] != CASE_EFER || c->value[CASE_xcr0] != 7;
	debugs = (kernel && has(c, 0x0f, 0x23)) || c->value[CASE_dr7] != DR7_FIXED;
	priority = system || c->value[CASE_pending] || c->value[CASE_device];
}

static void load_code(const struct stream_case *c)
{
	u8 *bytes = &code[0][0];
	unsigned at = (unsigned)c->value[CASE_entry];

	memset(bytes + code_begin, FILL, code_end - code_begin);
	code_begin = at;
	for (unsigned i = 0; i < c->units; i++) {
		memcpy(bytes + at, c->unit[i].byte, c->unit[i].len);
		at += c->unit[i].len;
	}
	code_end = at;
}

static void load_pages(const struct stream_case *c)
{
	load_memory(c->value[CASE_memory]);
	for (unsigned i = 0; i < STREAM_CODE_PAGES; i++)
		pt[i] = physical(code[i]) | c->value[CASE_code0 + i];
	for (unsigned i = 0; i < STREAM_DATA_PAGES; i++)
		pt[3 + i] = physical(data[i]) | c->value[CASE_data0 + i];
	pt[(STREAM_DEVICE - STREAM_WINDOW) / PAGE_SIZE] =
	    c->value[CASE_device] == 1 ? APIC_DEFAULT_BASE | PTE_P | PTE_W | PTE_PCD : 0;
	vga = c->value[CASE_device] == 2;
	if (!vga)
		return;
	load_vga();
	pt[3 + STREAM_DEVICE_PAGE] = VGA_MEMORY | c->value[CASE_data0 + STREAM_DEVICE_PAGE];
}

static void load_debug(const u64 *value)
{
	if (!debugs)
		return;
	__asm__ volatile(
	    "mov %0, %%db0; mov %1, %%db1; mov %2, %%db2; mov %3, %%db3" ::"r"(value[CASE_dr0]),
	    "r"(value[CASE_dr1]), "r"(value[CASE_dr2]), "r"(value[CASE_dr3]));
	__asm__ volatile("mov %0, %%db7" ::"r"(value[CASE_dr7]));
}

static void load_control(const u64 *value)
{
	if (value[CASE_xcr0] != 7)
		x86_xsetbv(0, value[CASE_xcr0]);
	if (value[CASE_efer] != CASE_EFER)
		x86_wrmsr(MSR_EFER, value[CASE_efer]);
	if (value[CASE_cr4] != CASE_CR4)
		x86_write_cr4(value[CASE_cr4]);
	x86_write_cr2(value[CASE_cr2]);
	if (value[CASE_cr0] != CASE_CR0)
		x86_write_cr0(value[CASE_cr0]);
}

static void load_segments(const u64 *value)
{
	__asm__ volatile(
	    "mov %w0, %%ds; mov %w1, %%es; mov %w2, %%fs; mov %w3, %%gs" ::"r"(value[CASE_ds]),
	    "r"(value[CASE_es]), "r"(value[CASE_fs]), "r"(value[CASE_gs]));
	/* A base belongs to a segment that was loaded; another one is given only on purpose. */
	if (!value[CASE_fs] || value[CASE_fs_base])
		x86_wrmsr(MSR_FS_BASE, value[CASE_fs_base]);
	if (!value[CASE_gs] || value[CASE_gs_base])
		x86_wrmsr(MSR_GS_BASE, value[CASE_gs_base]);
	x86_wrmsr(MSR_KERNEL_GS_BASE, value[CASE_kernel_gs_base]);
}

u16 arena_cs(u64 mode)
{
	static const u16 cs[MODE_COUNT] = {
		[MODE_KERNEL_64] = SEL_KERNEL_64,
		[MODE_USER_64] = SEL_USER_64,
		[MODE_USER_32] = SEL_USER_32,
		[MODE_KERNEL_32] = SEL_KERNEL_32,
	};

	return cs[mode];
}

u16 arena_ss(u64 mode)
{
	return arena_cs(mode) % 4 ? SEL_USER_DATA : SEL_KERNEL_DATA;
}

void arena_load(const struct stream_case *c)
{
	const u64 *value = c->value;
	u64 *frame = arena_save + SAVE_FRAME;

	look_at(c);
	load_code(c);
	load_pages(c);
	memcpy(in_arena(ARENA_GDT), gdt_image, sizeof(gdt_image));
	load_task();
	load_tables(value[CASE_stacks] ? ARENA_IDT_PLAIN : ARENA_IDT);
	if (has(c, (u8)PORT_SCRATCH, PORT_SCRATCH >> 8))
		x86_outb(PORT_SCRATCH, 0);
	load_fpu(value[CASE_fpu]);
	load_segments(value);
	if (value[CASE_pending])
		LAPIC[LAPIC_ICR] = (u32)(ICR_SELF | value[CASE_pending]);
	load_control(value);
	load_debug(value);
	memcpy(arena_save, &value[CASE_rax], 16 * sizeof(u64));
	frame[0] = STREAM_CODE + value[CASE_entry];
	frame[1] = arena_cs(value[CASE_mode]);
	frame[2] = value[CASE_rflags];
	frame[3] = value[CASE_rsp];
	frame[4] = arena_ss(value[CASE_mode]);
	arena_save[SAVE_CR3] = physical(pml4);
}

/* ---- Storing
 * ---------------------------------------------------------------------------------------- */

static void store_segments(u64 *results)
{
	u64 ds, es, fs, gs, ldtr, tr;

	__asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
			 : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
	__asm__ volatile("sldt %0; str %1" : "=r"(ldtr), "=r"(tr));
	results[RESULT_ds] = ds & 0xffff;
	results[RESULT_es] = es & 0xffff;
	results[RESULT_fs] = fs & 0xffff;
	results[RESULT_gs] = gs & 0xffff;
	results[RESULT_ldtr] = ldtr & 0xffff;
	results[RESULT_tr] = tr & 0xffff;
	results[RESULT_fs_base] = x86_rdmsr(MSR_FS_BASE);
	results[RESULT_gs_base] = x86_rdmsr(MSR_GS_BASE);
	results[RESULT_kernel_gs_base] = x86_rdmsr(MSR_KERNEL_GS_BASE);
	results[RESULT_gdt] = fold_bytes(in_arena(ARENA_GDT), sizeof(gdt_image));
}

static void store_tables(u64 *results)
{
	struct pointer gdtr, idtr;

	__asm__ volatile("sgdt %0; sidt %1" : "=m"(gdtr), "=m"(idtr));
	results[RESULT_gdt_limit] = gdtr.limit;
	results[RESULT_idt_limit] = idtr.limit;
	results[RESULT_idt_base] = idtr.base;
}

/* DR7 first: a breakpoint must not meet us. */
static void store_debug(u64 *results)
{
	const u64 zero = 0, off = DR7_FIXED, fixed = DR6_FIXED;

	if (!debugs)
		return;
	__asm__ volatile("mov %%db7, %0" : "=r"(results[RESULT_dr7]));
	__asm__ volatile("mov %0, %%db7" ::"r"(off));
	__asm__ volatile("mov %%db0, %0; mov %%db1, %1; mov %%db2, %2; mov %%db3, %3; mov %%db6, %4"
			 : "=r"(results[RESULT_dr0]), "=r"(results[RESULT_dr1]),
			   "=r"(results[RESULT_dr2]), "=r"(results[RESULT_dr3]),
			   "=r"(results[RESULT_dr6]));
	__asm__ volatile(
	    "mov %0, %%db0; mov %0, %%db1; mov %0, %%db2; mov %0, %%db3; mov %1, %%db6" ::"r"(zero),
	    "r"(fixed));
}

/* What a case may have written is stored and put back. */
static void store_control(u64 *results)
{
	results[RESULT_cr0] = x86_read_cr0();
	results[RESULT_cr2] = arena_save[SAVE_CR2];
	results[RESULT_cr4] = x86_read_cr4();
	if (!system)
		return;
	if (results[RESULT_cr0] != CASE_CR0)
		x86_write_cr0(CASE_CR0);
	if (results[RESULT_cr4] != CASE_CR4)
		x86_write_cr4(CASE_CR4);
	results[RESULT_xcr0] = x86_xgetbv(0);
	if (results[RESULT_xcr0] != 7)
		x86_xsetbv(0, 7);
	results[RESULT_efer] = x86_rdmsr(MSR_EFER);
	if (results[RESULT_efer] != CASE_EFER)
		x86_wrmsr(MSR_EFER, CASE_EFER);
}

static void store_msrs(const struct stream_case *c, u64 *results)
{
	u64 hash = 1;

	if (!has(c, 0x0f, 0x30))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		hash = arena_fold(hash, x86_rdmsr(msrs[i]));
	results[RESULT_msrs] = hash;
	load_msrs();
}

static void store_memory(u64 *results)
{
	for (unsigned i = 0; i < STREAM_CODE_PAGES; i++)
		results[RESULT_code0 + i] = pt[i] & ~PTE_ADDR;
	for (unsigned i = 0; i < STREAM_DATA_PAGES; i++) {
		results[RESULT_data0 + i] = pt[3 + i] & ~PTE_ADDR;
		if (!(pt[3 + i] & PTE_D))
			continue;
		if (vga && i == STREAM_DEVICE_PAGE)
			store_vga();
		results[RESULT_memory0 + i] = fold_bytes(data[i], PAGE_SIZE);
		fill_page(i, filled_from);
	}
	for (unsigned i = 0; i < STREAM_CODE_PAGES; i++)
		if (pt[i] & PTE_D)
			memset(code, FILL, sizeof(code));
	/* QEMU reads on in the next page before it finds that it cannot write to this one. */
	if (vga && generate_lenient)
		results[RESULT_data0 + STREAM_DEVICE_PAGE + 1] &= ~PTE_A;
}

void arena_store(const struct stream_case *c, u64 results[RESULT_COUNT])
{
	store_debug(results);
	store_control(results);
	store_tables(results);
	store_segments(results);
	load_tables(ARENA_IDT);
	__asm__ volatile("mov %w0, %%ss; mov %w0, %%ds; mov %w0, %%es" ::"r"(SEL_KERNEL_DATA));
	store_fpu(results);
	store_msrs(c, results);
	store_memory(results);
	if (!priority)
		return;
	__asm__ volatile("mov %%cr8, %0" : "=r"(results[RESULT_cr8]));
	__asm__ volatile("mov %0, %%cr8" ::"r"(0ull));
	LAPIC[LAPIC_TPR] = 0;
	if (!c->value[CASE_pending])
		return;
	/* An interrupt whose delivery failed may still be in service. */
	LAPIC[LAPIC_EOI] = 0;
	arena_drain();
}

u64 arena_check(void)
{
	u64 hash = fold_bytes(data, sizeof(data));

	load_memory(~0ull);
	return hash;
}

/* ---- The start
 * ----------------------------------------------------------------------------------------- */

const char *arena_init(void)
{
	struct cpuid_regs one = x86_cpuid(1, 0), seven = x86_cpuid(7, 0);

	if ((one.ecx & CPUID_1_ECX_XSAVE_AVX) != CPUID_1_ECX_XSAVE_AVX)
		return "XSAVE and AVX";
	if (!(seven.ebx & CPUID_7_EBX_FSGSBASE))
		return "FSGSBASE";
	x86_write_cr4(CASE_CR4);
	x86_write_cr0(CASE_CR0);
	x86_xsetbv(0, 7);
	x86_wrmsr(MSR_EFER, CASE_EFER);
	init_pages();
	init_gdt();
	init_traps();
	memcpy(in_arena(ARENA_GDT), gdt_image, sizeof(gdt_image));
	x86_write_cr3(x86_read_cr3());
	arena_save[SAVE_HOST_CR3] = x86_read_cr3();
	load_tables(ARENA_IDT);
	load_task();
	load_msrs();
	init_vga();
	load_memory(1);
	LAPIC[LAPIC_SVR] = SVR_ON;
	LAPIC[LAPIC_TPR] = 0;
	return NULL;
}
