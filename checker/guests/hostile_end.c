/*
 * hostile_end.c - ways to go that take the VM along, and nobody else
 *
 * end=0  triple fault              end=5  the IDT lies in a hole, then an exception
 * end=1  CLI; HLT                  end=6  INIT to oneself
 * end=2  jump to nowhere           end=7  jump into device memory
 * end=3  page tables in a hole     end=8  the stack lies in a hole, then an interrupt
 * end=4  a store outside memory (in a VM with strict=1)
 * end=9  random instructions at CPL 0, seed=N, n=N
 * end=10 resets its machine for ever  end=14 task switches for ever (32 bits)
 * end=11 #DB while #DB is delivered    end=15 exceptions that are task switches (32 bits)
 * end=12 a page-fault handler that is  end=16 #AC while #AC is delivered (32 bits)
 *        not there                     end=17 CLI; JMP to itself
 * end=13 caches written back for ever  end=18 MTRRs, PAT and caching modes for ever
 * end=19 a second CPU changes the code that the first one runs
 */
#include "hostile.h"
#include "hostile_legacy.h"
#include "lib/string.h"
#include "x86_ops.h"

struct PACKED pointer {
	u16 limit;
	u64 base;
};

static void triple_fault(void)
{
	const struct pointer none = { 0, 0 };

	__asm__ volatile("lidt %0; ud2" ::"m"(none));
}

static void halt(void)
{
	__asm__ volatile("cli; hlt");
}

static void jump(u64 address)
{
	__asm__ volatile("jmp *%0" ::"r"(rt_window(address)));
}

static void jump_nowhere(void)
{
	rt_hook = NULL;
	jump(rt_memory_end() + MiB(64));
}

static void jump_to_device(void)
{
	jump(APIC_DEFAULT_BASE);
}

static void lost_page_tables(void)
{
	x86_write_cr3(rt_memory_end() + MiB(4));
}

static void wild_store(void)
{
	*(volatile u64 *)(rt_memory_end() + MiB(8)) = 0x0bad0bad0bad0bad;
}

static void lost_idt(void)
{
	const struct pointer lost = { 0xfff, rt_memory_end() + MiB(4) };

	__asm__ volatile("lidt %0; ud2" ::"m"(lost));
}

/*
 * INIT leads to firmware, which goes on where CMOS and 40:67 say (shutdown code 10): to CLI; HLT.
 * Else it would reset the machine again and again.
 */
static void init_self(void)
{
	uintptr_t data_area = 0x400;

	__asm__("" : "+r"(data_area));			   /* the compiler knows no objects there */
	*(volatile u32 *)(data_area + 0x200) = 0xfdebf4fa; /* CLI; HLT; JMP to the HLT */
	*(volatile u32 *)(data_area + 0x67) = 0x00600000;  /* 60h:0 */
	x86_outb(0x70, 0x0f);
	x86_outb(0x71, 0x0a);
	*(volatile u32 *)(APIC_DEFAULT_BASE + 0xf0) = 0x1ff;
	*(volatile u32 *)(APIC_DEFAULT_BASE + 0x310) = 0;
	*(volatile u32 *)(APIC_DEFAULT_BASE + 0x300) = 0x4500;
	for (unsigned i = 0; i < 1000; i++)
		x86_pause();
}

extern u64 rt_gdt[];

static void lost_stack(void)
{
	u32 *tss = (u32 *)(uintptr_t)(rt_gdt[RT_TSS / 8] >> 16 & 0xffffff);

	for (unsigned i = 0; i < 4; i++) /* IST1 and 2, at 36 */
		tss[9 + i] = i % 2 ? 0 : (u32)rt_memory_end() + 0x800000;
	__asm__ volatile("ud2");
}

/* ---- Random instructions ------------------------------------------------------------------ */

#define CODE_SIZE 32
#define HLT 0xf4

static u8 code[4096] ALIGNED(4096), playground[65536] ALIGNED(4096);
static u64 stepped, faulted;
static struct rt_frame home;

/* One instruction is over, by a step or a fault: back to fuzz's loop. */
static bool back_home(struct rt_frame *frame)
{
	if (frame->vector == VECTOR_NMI || frame->vector >= 32)
		return false;
	stepped++;
	faulted += frame->vector != VECTOR_DB;
	*frame = home;
	return true;
}

static void make_instruction(u8 *at)
{
	for (unsigned i = 0; i < CODE_SIZE; i++)
		at[i] = (u8)rt_random();
	/* Most random bytes are dull: steer every other one to the system instructions. */
	if (rt_random() % 2) {
		static const u8 system[] = { 0x00, 0x01, 0x06, 0x08, 0x09, 0x20, 0x21, 0x22, 0x23,
					     0x30, 0x31, 0x32, 0x33, 0x78, 0x79, 0xa2, 0xae, 0xc7 };

		at[0] = 0x0f;
		at[1] = system[rt_random() % ARRAY_SIZE(system)];
	}
}

#define LTR_REG 3

/*
 * HLT with interrupts off is an ending of its own.  QEMU ends itself (docs/emulators.md) at 0F 38
 * 0C, and at the event behind an LTR of selector 0: behind up to four prefixes here.
 */
static bool too_final(const u8 *at)
{
	for (unsigned i = 0; i < 4; i++)
		if (at[i] == HLT)
			return true;
	for (unsigned i = 0; i < 5; i++)
		if (at[i] == 0x0f && ((!at[i + 1] && (at[i + 2] >> 3 & 7) == LTR_REG) ||
				      (at[i + 1] == 0x38 && at[i + 2] == 0x0c)))
			return true;
	return false;
}

static u64 entry, scratch;

static void step_into(u64 at)
{
	entry = at;
	scratch = (u64)(uintptr_t)playground + sizeof(playground) / 2;
	__asm__ volatile(
	    "movq %%rsp, %0\n\tleaq 1f(%%rip), %%rax\n\tmovq %%rax, %1\n\t"
	    "movq %3, %%rax\n\tmovq %2, %%rbx\n\tpushq %4\n\tpushq %%rax\n\tpushq $0x102\n\t"
	    "pushq %5\n\tpushq %%rbx\n\tmovq %%rax, %%rbx\n\tmovq %%rax, %%rcx\n\t"
	    "movq %%rax, %%rdx\n\tmovq %%rax, %%rsi\n\tmovq %%rax, %%rdi\n\t"
	    "movq %%rax, %%rbp\n\tmovq %%rax, %%r8\n\tmovq %%rax, %%r9\n\tiretq\n1:"
	    : "=m"(home.rsp), "=m"(home.rip)
	    : "m"(entry), "m"(scratch), "i"(RT_DS), "i"(RT_CS)
	    : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12",
	      "r13", "r14", "r15", "memory", "cc");
}

/* What random code may have switched, switched back. */
static void tidy(u64 cr0, u64 cr4)
{
	x86_write_cr0(cr0);
	x86_write_cr4(cr4);
	__asm__ volatile("mov %0, %%dr7" ::"r"(DR7_FIXED));
	__asm__ volatile("cld");
}

extern u64 rt_pd[];

/* Wild pointers shall fault in our own tables, else the first one that is not emulated ends it all.
 */
static void unmap_what_is_not_ours(void)
{
	for (u64 at = rt_memory_end(); at < GiB(4); at += MiB(2))
		rt_pd[at / MiB(2)] = 0;
	x86_write_cr3(x86_read_cr3());
}

static void fuzz(void)
{
	u64 n = rt_number("n", 20000), cr0 = x86_read_cr0(), cr4 = x86_read_cr4();

	unmap_what_is_not_ours();
	home.cs = RT_CS;
	home.ss = RT_DS;
	home.rflags = RFLAGS_ONE;
	rt_hook = back_home;
	for (u64 i = 0; i < n; i++) {
		u8 *at = code + (rt_random() & 0x7ff);

		make_instruction(at);
		if (too_final(at))
			continue;
		step_into((u64)(uintptr_t)at);
		tidy(cr0, cr4);
	}
	rt_hook = NULL;
	rt_record("fuzz steps=%lu faults=%lu", stepped, faulted);
}

/* ---- Without end ---------------------------------------------------------------------------- */

#define KBD_COMMAND 0x64
#define KBD_RESET 0xfe

/* A machine that is reset comes again, and does it again. */
static void reset_for_ever(void)
{
	x86_outb(KBD_COMMAND, KBD_RESET);
	for (;;)
		x86_hlt();
}

#define DR7_WRITE_8 0x90302ull /* DR0, exact, a store of 8 bytes */

/*
 * A breakpoint on the stack to which #DB is delivered: each delivery is the next one's cause, and
 * no instruction is executed between: CVE-2015-8104.  Catches: a hypervisor that waits for one.
 */
static void endless_db(void)
{
	const u32 *tss = (const u32 *)(uintptr_t)(rt_gdt[RT_TSS / 8] >> 16 & 0xffffff);
	u64 top = tss[9] | (u64)tss[10] << 32;
	volatile u64 *pushed = (volatile u64 *)(uintptr_t)(top - 8);

	__asm__ volatile("mov %0, %%dr0" ::"r"(pushed));
	__asm__ volatile("mov %0, %%dr7" ::"r"(DR7_WRITE_8 | DR7_FIXED));
	*pushed = 0;
	for (;;)
		x86_pause();
}

/* The handler of #PF lies in a page that is not there. */
static void endless_pf(void)
{
	struct pointer now;
	u64 *gate, at = RT_WINDOW + MiB(1);

	__asm__ volatile("sidt %0" : "=m"(now));
	gate = (u64 *)(uintptr_t)now.base + (u64)VECTOR_PF * 2;
	gate[0] =
	    (gate[0] & ~(0xffffull | 0xffffull << 48)) | (at & 0xffff) | (at >> 16 & 0xffff) << 48;
	gate[1] = at >> 32;
	(void)*(volatile u8 *)(uintptr_t)at;
}

static void endless_wbinvd(void)
{
	for (;;) {
		__asm__ volatile("wbinvd");
		__asm__ volatile("invd" ::: "memory");
	}
}

static void endless_caching(void)
{
	u64 cr0 = x86_read_cr0();

	for (u64 i = 0;; i++) {
		x86_write_cr0(cr0 | CR0_CD | (i & 1 ? CR0_NW : 0));
		rt_wrmsr(MSR_MTRR_DEF_TYPE, i & 2 ? 0xc06 : 0x406);
		rt_wrmsr(MSR_MTRR_PHYSBASE0 + (u32)(i % 16), i << 12);
		rt_wrmsr(MSR_PAT, i & 4 ? PAT_RESET : 0);
		x86_write_cr0(cr0);
	}
}

static void endless_loop(void)
{
	__asm__ volatile("cli; 1: jmp 1b");
}

void hostile_end(void)
{
	static void (*const ends[])(void) = {
		triple_fault,	  halt,		  jump_nowhere,	   lost_page_tables,
		wild_store,	  lost_idt,	  init_self,	   jump_to_device,
		lost_stack,	  fuzz,		  reset_for_ever,  endless_db,
		endless_pf,	  endless_wbinvd, legacy_tasks,	   legacy_tangle,
		legacy_alignment, endless_loop,	  endless_caching, hostile_race_code,
	};
	u64 which = rt_number("end", 0);

	if (which < ARRAY_SIZE(ends))
		ends[which]();
}
