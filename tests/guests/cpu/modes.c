/*
 * modes.c - ways of paging and ways into the kernel that few use: 5-level paging, PAE paging and
 * its four registers, SYSCALL and SYSRET by odd values of STAR
 *
 * Owns: the tables; the order of tries is that of modes.S.
 * Must not know: what is right.
 *
 * Under nested paging AMD-V has no registers for PDPTEs: they are read from memory at each walk,
 * and a reserved bit in one faults then, not at MOV to CR3.
 * [APM] vol. 2 "Legacy PAE Mode" (15.25.10)
 *
 * Source: [SDM] "PDPTE Registers" (4.4.1), "4-Level Paging and 5-Level Paging" (4.5), SYSCALL,
 * SYSRET (vol. 2).
 */
#include "cpu.h"

#define NUMBER(x) ((unsigned long long)(x))
#define LOW_PAGE MiB(16)
#define OTHER_PAGE MiB(18)
#define LAPIC_VERSION 0xfee00030ull
#define HIGH_SLOT 0x155ull /* of the PML5 */
#define ABSENT_SLOT 0xaaull
#define GATE32 (0x8eull << 40)
#define TRIES 11
#define VALUE_BITS 0xffffffu /* the APIC's version has more, that differ */

extern u64 rt_pml4[], rt_pdpt[], rt_pd[];
void modes_switch(u64 cr3, u64 cr4);
u64 modes_exits(void);
void modes_syscall(u32 *selectors);
void modes_sysret(void);
void modes_pae(u64 cr3);
extern const char modes_syscall_entry[], modes_sysret_back[], modes_gp32[], modes_pf32[];

struct modes_result {
	u32 vector, error, value;
};
ASSERT_SIZE(struct modes_result, 12); /* modes.S */

struct modes_result modes_results[TRIES];
u64 modes_pdpt[4] ALIGNED(32);
u32 modes_entry_a, modes_entry_b, modes_entry_reserved, modes_entry_absent, modes_entry_device;
u32 modes_buffer;
static u64 idt32[VECTOR_PF + 1];
struct {
	u16 limit;
	u32 base;
} PACKED modes_idt32_pointer;

static u64 tables[4][512] ALIGNED(4096);

/* ---- 5-level paging ------------------------------------------------------------------------ */

static u64 in_slot(u64 slot, u64 address)
{
	return (u64)((s64)((slot << 48 | address) << 7) >> 7);
}

static void read_at(const char *what, u64 at)
{
	u32 value = 0;

	RT_TRY("movl (%1), %0", RT_OUT("+r"(value)), "r"(at));
	rt_print("la57 read %s: %s %x\n", what, outcome(), value);
}

static void write_from(const char *what, u64 at)
{
	RT_TRY("outsb", RT_OUT("+S"(at)), "d"(0x80));
	rt_print("la57 outsb %s: %s cr2 %llx\n", what, outcome(),
		 NUMBER(rt_faulted() ? rt_cr2 : 0));
}

static void high_idt(void)
{
	struct {
		u16 limit;
		u64 base;
	} PACKED old, high;

	__asm__ volatile("sidt %0" : "=m"(old));
	high = old;
	high.base = in_slot(HIGH_SLOT, old.base);
	__asm__ volatile("lidt %0" ::"m"(high));
	RT_TRY("ud2", RT_OUT(), "a"(0));
	rt_print("la57 ud2 by a high IDT: %s\n", outcome());
	RT_TRY("vmload", RT_OUT(), "a"(0));
	rt_print("la57 vmload by a high IDT: %s\n", outcome());
	__asm__ volatile("lidt %0" ::"m"(old));
}

static void five_levels(u64 cr4)
{
	u64 (*high_exits)(void) = (u64(*)(void))(uintptr_t)in_slot(
		HIGH_SLOT, (u64)(uintptr_t)modes_exits);
	u64 page = LOW_PAGE;

	rt_print("la57 cr4 %llx\n", NUMBER(x86_read_cr4() ^ cr4));
	read_at("one to one", page);
	read_at("high", in_slot(HIGH_SLOT, page));
	read_at("absent", in_slot(ABSENT_SLOT, page));
	read_at("device", in_slot(HIGH_SLOT, LAPIC_VERSION));
	read_at("not canonical", in_slot(HIGH_SLOT, page) ^ BIT(60));
	write_from("high", in_slot(HIGH_SLOT, page));
	write_from("absent", in_slot(ABSENT_SLOT, page));
	write_from("not canonical", in_slot(HIGH_SLOT, page) ^ BIT(60));
	rt_print("la57 exits: %s high, %s low\n",
		 high_exits() == modes_exits() ? "the same" : "not the same", outcome());
	high_idt();
	RT_TRY("movq %0, %%cr4", RT_OUT(), "r"(cr4));
	rt_print("la57 off in long mode: %s %llx\n", outcome(), NUMBER(x86_read_cr4() ^ cr4));
}

static void la57(void)
{
	u64 cr3 = x86_read_cr3(), cr4 = x86_read_cr4();
	u64 pml4 = (u64)(uintptr_t)tables[1];

	if (!feature(7, 2, 16)) {
		rt_print("la57: absent\n");
		return;
	}
	tables[0][0] = (u64)(uintptr_t)rt_pml4 | PTE_P | PTE_W;
	tables[0][HIGH_SLOT] = pml4 | PTE_P | PTE_W;
	tables[1][0] = (u64)(uintptr_t)rt_pdpt | PTE_P | PTE_W;
	*(volatile u32 *)LOW_PAGE = 0x57575757;
	modes_switch((u64)(uintptr_t)tables[0], cr4 | CR4_LA57);
	five_levels(cr4);
	modes_switch(cr3, cr4);
	rt_print("la57 is off: %llx\n", NUMBER(x86_read_cr4() ^ cr4));
}

/* ---- PAE paging ------------------------------------------------------------------------------ */

static const char *const pae_names[TRIES] = {
	"read",
	"read, changed in memory, INVLPG",
	"read, after MOV CR3",
	"MOV CR3 with a reserved bit",
	"read after that",
	"read absent",
	"device, changed in memory",
	"device, after MOV CR3",
	"device, absent in memory, INVLPG",
	"MOVS from the device",
	"read after MOV CR4",
};

static u64 gate32(const char *handler)
{
	u64 at = (u64)(uintptr_t)handler;

	return (at & 0xffff) | RT_CS32 << 16 | GATE32 | at >> 16 << 48;
}

static void map_large(u64 *table, u64 page)
{
	table[0] = page | PTE_PS | PTE_W | PTE_P;
}

static void pae(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(modes_pdpt); i++)
		modes_pdpt[i] = (u64)(uintptr_t)(rt_pd + 512 * i) | PTE_P;
	map_large(tables[2], LOW_PAGE);
	map_large(tables[3], OTHER_PAGE);
	modes_entry_a = (u32)(uintptr_t)tables[2] | PTE_P;
	modes_entry_b = (u32)(uintptr_t)tables[3] | PTE_P;
	modes_entry_reserved = modes_entry_a | PTE_W;
	modes_entry_device = (u32)modes_pdpt[3];
	modes_pdpt[1] = modes_entry_a;
	*(volatile u32 *)LOW_PAGE = 0xaaaa;
	*(volatile u32 *)OTHER_PAGE = 0xbbbb;
	idt32[VECTOR_GP] = gate32(modes_gp32);
	idt32[VECTOR_PF] = gate32(modes_pf32);
	modes_idt32_pointer.limit = sizeof(idt32) - 1;
	modes_idt32_pointer.base = (u32)(uintptr_t)idt32;
	modes_pae((u64)(uintptr_t)modes_pdpt);
	for (unsigned i = 0; i < TRIES; i++)
		rt_print("pae %s: %d(%x) %x\n", pae_names[i], (int)modes_results[i].vector,
			 modes_results[i].error, modes_results[i].value & VALUE_BITS);
	rt_print("pae low bits of entry 0: %llx\n", NUMBER(modes_pdpt[0] & BITS(11, 0)));
}

/* ---- SYSCALL and SYSRET --------------------------------------------------------------------- */

/* The frame may have selectors that IRET would refuse. */
static bool hook(struct rt_frame *f)
{
	if (f->vector != VECTOR_BP)
		return false;
	rt_print("star frame: cs %llx ss %llx\n", NUMBER(f->cs), NUMBER(f->ss));
	if ((f->cs & 3) == 3) {
		rt_print("star user: cs %llx ss %llx\n", NUMBER(f->rax), NUMBER(f->rdx));
		f->rip = (u64)(uintptr_t)modes_sysret_back;
	}
	f->cs = RT_CS;
	f->ss = RT_DS;
	f->rflags = RFLAGS_ONE;
	return true;
}

static void star(void)
{
	static const u16 values[] = { RT_CS, 0, 3, 0xb, 0x1b, 0x33, 0x100, 0xfff0, 0xfff8, 0xffff };
	u32 selectors[4] = { 0 };

	rt_user_pages();
	rt_gate(VECTOR_BP, RT_CS, 3, 1, true);
	rt_hook = hook;
	rt_wrmsr(MSR_LSTAR, (u64)(uintptr_t)modes_syscall_entry);
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		rt_wrmsr(MSR_STAR, (u64)values[i] << 48 | (u64)values[i] << 32);
		modes_syscall(selectors);
		rt_print("star %x: cs %x ss %x, after an exit %x %x\n", values[i], selectors[0],
			 selectors[1], selectors[2], selectors[3]);
		modes_sysret();
	}
	rt_hook = NULL;
}

void modes_area(void)
{
	pae();
	star();
	la57();
}
