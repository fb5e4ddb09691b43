/* traps.c - see traps.h */
#include "type1/traps.h"

#include "type1/panic.h"
#include "lib/string.h"
#include "x86_ops.h"

/* [SDM] "64-Bit Mode IDT" (6.14.1) */
struct PACKED gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 attributes;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};
ASSERT_SIZE(struct gate, 16);

#define GATE_INTERRUPT 0x8e /* present, ring 0, 64-bit interrupt gate */
#define GATE_STRIDE 16 /* of the stubs in traps_entry.S */
#define VECTORS 256
#define FIRST_INTERRUPT 32

/* [SDM] "TSS Descriptor in 64-bit mode" (7.2.3) */
#define DESCRIPTOR_TSS BIT(47) | 9ull << 40 /* present, available 64-bit TSS */

struct PACKED table_pointer {
	u16 limit;
	u64 base;
};

extern u8 traps_gates[];
void traps_load_segments(void);

static struct gate idt[VECTORS] ALIGNED(16);
static void (*handlers[VECTORS])(void);

static void idt_build(void)
{
	static const u8 ist[FIRST_INTERRUPT] = {
		[VECTOR_NMI] = CPU_IST_NMI,
		[VECTOR_MC] = CPU_IST_MC,
		[VECTOR_DF] = CPU_IST_DF,
	};

	for (unsigned i = 0; i < VECTORS; i++) {
		u64 offset = (u64)traps_gates + i * GATE_STRIDE;

		idt[i] = (struct gate){
			.offset_low = (u16)offset,
			.offset_middle = (u16)(offset >> 16),
			.offset_high = (u32)(offset >> 32),
			.selector = SELECTOR_CS,
			.ist = i < FIRST_INTERRUPT ? ist[i] : 0,
			.attributes = GATE_INTERRUPT,
		};
	}
}

static void gdt_build(struct cpu *cpu)
{
	u64 base = (u64)&cpu->tss;

	cpu->gdt[0] = 0;
	cpu->gdt[SELECTOR_CS / 8] = DESCRIPTOR_CODE64;
	cpu->gdt[SELECTOR_DS / 8] = DESCRIPTOR_DATA;
	cpu->gdt[SELECTOR_TSS / 8] = (DESCRIPTOR_TSS) | (sizeof(cpu->tss) - 1) |
				     (base & BITS(23, 0)) << 16 | (base & BITS(31, 24)) << 32;
	cpu->gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
}

static void tss_build(struct cpu *cpu)
{
	memset(&cpu->tss, 0, sizeof(cpu->tss));
	cpu->tss.io_map = sizeof(cpu->tss);
	for (unsigned i = 1; i <= CPU_IST_COUNT; i++)
		cpu->tss.ist[i - 1] = (u64)cpu->exception_stacks + 2 * i * PAGE_SIZE;
}

/* What this CPU can do and the hypervisor uses: machine checks that are reported, and whatever
 * the swap of the guest's FPU state needs. */
static void control_registers(void)
{
	struct cpuid_regs features = x86_cpuid(1, 0);
	u64 cr4 = x86_read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_PGE;

	if (features.edx & BIT(7))
		cr4 |= CR4_MCE;
	if (features.ecx & BIT(26))
		cr4 |= CR4_OSXSAVE;
	x86_write_cr4(cr4);
}

void traps_init_cpu(struct cpu *cpu)
{
	struct table_pointer gdtr = { sizeof(cpu->gdt) - 1, (u64)cpu->gdt };
	struct table_pointer idtr = { sizeof(idt) - 1, (u64)idt };

	if (cpu->index == 0)
		idt_build();
	gdt_build(cpu);
	tss_build(cpu);
	__asm__ volatile("lgdt %0" ::"m"(gdtr));
	traps_load_segments();
	__asm__ volatile("ltr %w0" ::"r"(SELECTOR_TSS));
	__asm__ volatile("lidt %0" ::"m"(idtr));
	x86_wrmsr(MSR_GS_BASE, (u64)cpu);
	x86_wrmsr(MSR_KERNEL_GS_BASE, 0);
	control_registers();
}

u64 traps_restore_gs(void)
{
	u64 base = x86_rdmsr(MSR_GS_BASE);
	struct table_pointer gdtr;
	struct cpu *own;

	__asm__ volatile("sgdt %0" : "=m"(gdtr));
	own = (struct cpu *)(gdtr.base - offsetof(struct cpu, gdt));
	/* A panic may come before this CPU has a GDT of its own. */
	if (unlikely(base != (u64)own) && own->self == own)
		x86_wrmsr(MSR_GS_BASE, (u64)own);
	return base;
}

void traps_set_handler(unsigned vector, void (*handler)(void))
{
	check(vector == VECTOR_NMI || (vector >= FIRST_INTERRUPT && vector < VECTORS));
	handlers[vector] = handler;
}

/* An interrupt that nobody asked for is counted, not answered: an EOI could end another one. */
static void take_interrupt(const struct traps_frame *frame)
{
	cpu_this()->interrupts++;
	if (handlers[frame->vector])
		handlers[frame->vector]();
}

static void take_nmi(void)
{
	panic_stop_if_asked();
	cpu_this()->nmis++;
	if (handlers[VECTOR_NMI])
		handlers[VECTOR_NMI]();
}

/*
 * GIF, clear from #VMEXIT to STGI, keeps interrupts out while GS is a guest's; on QEMU 7.2 one was
 * seen right behind VMRUN all the same, since other CPUs may set it there (docs/emulators.md).
 */
void traps_dispatch(struct traps_frame *frame)
{
	u64 base = traps_restore_gs();

	if (frame->vector == VECTOR_NMI)
		take_nmi();
	else if (frame->vector < FIRST_INTERRUPT)
		panic_trap(frame);
	else
		take_interrupt(frame);
	if (unlikely(base != (u64)cpu_this()))
		x86_wrmsr(MSR_GS_BASE, base);
}
