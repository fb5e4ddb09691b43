/*
 * control_activate.c - what keeps paging with EFER.LME from becoming IA-32e mode
 *
 * Source: [SDM] vol. 3 "IA-32e Mode System Data Structures" and "Initializing IA-32e Mode" (9.8.5):
 * #GP(0) without CR4.PAE, from a code segment with L, and with a 16-bit TSS in TR.
 */
#include "control.h"
#include "legacy.h"

#include "x86_ops.h"

#define TSS16_AVAILABLE (0x81ull << 40)
#define TSS32_AVAILABLE (0x89ull << 40)
#define CODE_LONG 0x00af9b000000ffffull /* L, G, execute, read; its base is 0 */

/* TR from SI; CR0 from EAX, and if that is allowed from EDX again.  SEL_TEST is 0x70. */
extern const char activate_task[], activate_cs[], activate_here[], activate_again[];
__asm__(".text\n.code32\n"
	"activate_task:\tltr %si\n"
	"activate_here:\tmov %eax, %cr0\n\tmov %edx, %cr0\n\tint3\n"
	"activate_cs:\tljmp $0x70, $activate_here\n"
	"activate_again:\tltr %si\n\tint3\n"
	".code64\n");

static struct legacy_shot shots[2];

static void aim(struct legacy_shot *s, const char *code)
{
	const u32 cr0 = (u32)(CR0_PE | CR0_MP | CR0_ET | CR0_NE);

	*s = (struct legacy_shot){ .eip = (u32)(uintptr_t)code,
				   .cs = RT_CS32,
				   .eflags = (u32)RFLAGS_ONE,
				   .eax = cr0 | (u32)CR0_PG,
				   .edx = cr0 };
}

static void try(const char *name, u64 cr4, unsigned count)
{
	struct legacy l = { .cr0 = shots[0].edx,
			    .cr3 = (u32)x86_read_cr3(),
			    .cr4 = (u32)cr4,
			    .efer = (u32)(x86_rdmsr(MSR_EFER) & ~(u64)EFER_LMA),
			    .ldt = 0,
			    .count = count,
			    .shot = shots };

	legacy_run(&l);
	systems_number(name, shots[0].vector | (u64)shots[0].error << 8, VECTOR_GP);
}

/* A task's segment of either kind: nobody switches to it, so it needs no contents. */
static void task(unsigned selector, u64 type)
{
	static u8 segment[104] ALIGNED(128);
	u64 base = (u64)(uintptr_t)segment;

	space_descriptor_low(selector, (sizeof(segment) - 1) | (base & 0xffffff) << 16 | type |
					   (base >> 24 & 0xff) << 56);
}

/* Paging cannot come back for the runtime either with such a TSS: the second shot takes another. */
static void with_task16(u64 cr4)
{
	task(SEL_TEST, TSS16_AVAILABLE);
	task(SEL_CALL, TSS32_AVAILABLE);
	aim(&shots[0], activate_task);
	shots[0].esi = SEL_TEST;
	aim(&shots[1], activate_again);
	shots[1].esi = SEL_CALL;
	try("control.activate.tss16", cr4, 2);
}

void control_activate(void)
{
	const u64 cr4 = x86_read_cr4() & ~(u64)CR4_PCIDE;

	if (!control_may_break_rules())
		return;
	space_begin();
	legacy_begin();
	aim(&shots[0], activate_here);
	try("control.activate.no-pae", cr4 & ~(u64)CR4_PAE, 1);
	with_task16(cr4);
	space_descriptor_low(SEL_TEST, CODE_LONG);
	aim(&shots[0], activate_cs);
	try("control.activate.long-code", cr4, 1);
	space_end();
}
