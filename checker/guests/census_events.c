/*
 * census_events.c - where several things meet: a halt with interrupts off, an instruction at the
 * end of 4 GiB, one that changes between two runs, one page used from two levels, subleaves of
 * CPUID, shadows, registers of MOV CR
 *
 * Sources: [SDM] vol. 2 "HLT - Halt", "MWAIT - Monitor Wait", "CPUID - CPU Identification"; vol. 3
 * "Operand Addressing" in vol. 1 (3.7), "Handling Self- and Cross-Modifying Code" (8.1.3),
 * "Page-Fault Exceptions" (4.7); Intel 82093AA "I/O Redirection Table Registers" (3.2.4).
 */
#include "census.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "x86_ops.h"

/* ---- CPUID ---------------------------------------------------------------------------- */

/* Leaves with subleaves, how many are asked for: some that exist, and one or more that do not. */
static const struct {
	u32 leaf;
	u8 first, count;
} subleaves[] = {
	{ 4, 0, 5 },
	{ 7, 1, 3 },
	{ 0xd, 2, 1 },
	{ 0xd, 20, 2 },
};

#define CACHE_ITSELF BITS(13, 0) /* not who shares it */

/* What must not depend on the subleaf: ECX is not looked at. */
static const u32 without[] = { 0, 0x80000000, 0x80000002, 0x80000008 };

static void cpuid_subleaves(void)
{
	char name[CENSUS_NAME_MAX];

	for (unsigned i = 0; i < ARRAY_SIZE(subleaves); i++)
		for (unsigned n = 0; n < subleaves[i].count; n++) {
			u32 leaf = subleaves[i].leaf, sub = subleaves[i].first + n;
			struct cpuid_regs r = x86_cpuid(leaf, sub);

			r.eax &= leaf == 4 ? CACHE_ITSELF : ~0u;
			fmt_string(name, sizeof(name), "cpuid.%x.%u.ab", leaf, sub);
			census_number(name, (u64)r.eax << 32 | r.ebx);
			fmt_string(name, sizeof(name), "cpuid.%x.%u.cd", leaf, sub);
			census_number(name, (u64)r.ecx << 32 | r.edx);
		}
	for (unsigned i = 0; i < ARRAY_SIZE(without); i++) {
		struct cpuid_regs a = x86_cpuid(without[i], 0), b = x86_cpuid(without[i], 77);

		fmt_string(name, sizeof(name), "cpuid.%x.no-subleaf", without[i]);
		census_number_manual(name, !memcmp(&a, &b, sizeof(a)), 1);
	}
}

/* ---- Halts that only an NMI ends --------------------------------------------------------- */

#define ICR 0xfee00300ull
#define EOI 0xfee000b0ull
#define SVR 0xfee000f0ull
#define TPR 0xfee00080ull
#define APIC_ID 0xfee00020ull
#define SELF BIT(18)
#define VECTOR 0x60
#define CPUID_1_ECX_MONITOR BIT(3)
#define IOAPIC 0xfec00000ull
#define TIMER_ENTRY 0x14 /* of the PIT's pin, 2 */
#define MODE_NMI 0x400
#define MASKED BIT(16)
#define PIT_CONTROL 0x43
#define PIT_COUNTER 0x40

static volatile u64 nmis, came;

static bool count_events(struct rt_frame *frame)
{
	if (frame->vector == VECTOR_NMI) {
		nmis++;
	} else if (frame->vector == VECTOR) {
		came++;
		*(volatile u32 *)EOI = 0;
	} else {
		return false;
	}
	return true;
}

static void redirect_timer(u32 low)
{
	volatile u32 *select = (volatile u32 *)IOAPIC, *window = select + 4;

	*select = TIMER_ENTRY + 1;
	*window = *(volatile u32 *)APIC_ID & 0xff000000;
	*select = TIMER_ENTRY;
	*window = low;
}

/* An interrupt waits, and NMIs will come, one after the other: one may be there before we halt. */
static void arm(void)
{
	nmis = came = 0;
	*(volatile u32 *)ICR = (u32)SELF | VECTOR;
	x86_outb(PIT_CONTROL, 0x34); /* counter 0, again and again */
	redirect_timer(MODE_NMI);
	x86_outb(PIT_COUNTER, 0);
	x86_outb(PIT_COUNTER, 0x10);
}

static void disarm(const char *name, u64 manual)
{
	if (name)
		census_number_manual(name, !!nmis * 10 + came, manual);
	redirect_timer((u32)MASKED);
	x86_outb(PIT_CONTROL, 0x30);
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
}

static void monitor(u64 extensions)
{
	static u64 line;

	arm();
	__asm__ volatile("monitor" ::"a"(&line), "c"(0ull), "d"(0ull) : "memory");
	RT_TRY("mwait", RT_OUT(), "a"(0ull), "c"(extensions));
}

/*
 * With IF clear an interrupt that waits does not end HLT, an NMI does.  MWAIT with ECX[0] set is
 * ended by it all the same: then no NMI has come.
 */
static void halts(void)
{
	if (rt_avoids("halts"))
		return;
	rt_gate(VECTOR_NMI, RT_CS, 0, 2, true);
	rt_hook = count_events;
	arm();
	__asm__ volatile("hlt" ::: "memory");
	disarm("hlt.masked", 10);
	if (!(x86_cpuid(1, 0).ecx & CPUID_1_ECX_MONITOR))
		return;
	monitor(0);
	disarm("mwait.masked", 10);
	if ((x86_cpuid(5, 0).ecx & 3) != 3)
		return;
	monitor(1); /* QEMU refuses that */
	census_trap("mwait.ends", NULL);
	disarm(rt_faulted() ? NULL : "mwait.ends.by", 0);
}

/* ---- The end of 4 GiB ---------------------------------------------------------------------- */

#define LARGE_PAGE MiB(2)
#define LAST_PAGE (GiB(4) / LARGE_PAGE - 1)
#define SPARE_RAM MiB(32)
#define JUMP_EBP 0xe5ff
#define CPUID 0xa20f

extern u64 rt_pd[];
void census_wrap(void);

/* In compatibility mode, CPUID in the last two bytes; at 0, JMP to EBP. */
__asm__(".text\n"
	"census_wrap:\n\t"
	"pushq %rbx; pushq %rbp\n\t"
	"pushq $0x18; pushq $1f; lretq\n\t" /* RT_CS32 */
	".code32\n"
	"1:\txorl %eax, %eax; movl $2f, %ebp; movl $-2, %edi; jmp *%edi\n"
	"2:\tljmp $0x08, $3f\n\t" /* RT_CS */
	".code64\n"
	"3:\tpopq %rbp; popq %rbx; ret");

static void wrap(u64 argument UNUSED)
{
	census_wrap();
}

/* Bare QEMU 7.2 fetches from beyond 4 GiB.  Twice: a hypervisor may know the instruction then. */
static void end_of_4_gib(void)
{
	u64 entry = rt_pd[LAST_PAGE];
	u16 old;

	if (!census_virtual())
		return;
	__asm__ volatile("movw 0, %0" : "=r"(old));
	__asm__ volatile("movw %w0, 0" ::"r"(JUMP_EBP) : "memory");
	*(volatile u16 *)(SPARE_RAM + LARGE_PAGE - 2) = CPUID;
	rt_pd[LAST_PAGE] = SPARE_RAM | PTE_P | PTE_W | PTE_PS;
	x86_invlpg(LAST_PAGE * LARGE_PAGE);
	rt_hook = NULL;
	for (unsigned i = 0; i < 2; i++) {
		rt_attempt(wrap, 0);
		census_trap(i ? "wrap.eip.again" : "wrap.eip", "none");
	}
	rt_pd[LAST_PAGE] = entry;
	x86_invlpg(LAST_PAGE * LARGE_PAGE);
	__asm__ volatile("movw %w0, 0" ::"r"(old) : "memory");
}

/* ---- An instruction that changes ------------------------------------------------------- */

#define LDR 0xfee000d0

static u8 code[16] ALIGNED(64);

/* MOV of an immediate to a register that keeps its upper byte, which is the last of the code. */
static void changing(const char *name, const u8 *bytes, unsigned len)
{
	u64 got = 0;

	memcpy(code, bytes, len);
	code[len] = 0xc3;
	for (unsigned i = 1; i <= 3; i++) {
		code[len - 1] = (u8)(i << 4);
		__asm__ volatile("call *%0" ::"r"(code), "b"((u64)LDR) : "memory");
		got = got << 8 | *(volatile u32 *)(u64)LDR >> 24;
	}
	census_number_manual(name, got, 0x102030);
}

/* Also the opcode and the register: the same length, another instruction. */
static void becoming(void)
{
	static const u8 or_ecx[] = { 0x09, 0x0b, 0xc3 }, xor_edx[] = { 0x31, 0x13, 0xc3 };

	*(volatile u32 *)(u64)LDR = 0x0f000000;
	memcpy(code, or_ecx, sizeof(or_ecx));
	__asm__ volatile("call *%0" ::"r"(code), "b"((u64)LDR), "c"(0xf0000000), "d"(0x55000000)
			 : "memory", "cc");
	memcpy(code, xor_edx, sizeof(xor_edx));
	__asm__ volatile("call *%0" ::"r"(code), "b"((u64)LDR), "c"(0xf0000000), "d"(0x55000000)
			 : "memory", "cc");
	census_number_manual("change.opcode", *(volatile u32 *)(u64)LDR >> 24, 0xaa);
}

static u8 pages[2][PAGE_SIZE] ALIGNED(4096);
static u64 tables[2][512] ALIGNED(4096);

/* Which page's code runs there: 10h, 20h. */
static u64 page_of_code(u64 address)
{
	static const u8 store[] = { 0xc7, 0x03, 0, 0, 0, 0, 0xc3 };

	for (unsigned i = 0; i < 2; i++) {
		memcpy(pages[i], store, sizeof(store));
		pages[i][5] = (u8)(0x10 << i);
	}
	__asm__ volatile("call *%0" ::"r"(address), "b"((u64)LDR) : "memory");
	return *(volatile u32 *)(u64)LDR >> 24;
}

/* Which page gets what is read from a device: 10h, 20h. */
static u64 page_of_data(u64 address)
{
	u64 from = LDR;

	memset(pages, 0, sizeof(pages));
	*(volatile u32 *)(u64)LDR = 0xff000000;
	__asm__ volatile("movsl" : "+S"(from), "+D"(address) : : "memory");
	return (pages[0][3] ? 0x10 : 0) | (pages[1][3] ? 0x20 : 0);
}

/* The directory is left alone, its accessed flag too, where it has that table already. */
static void map_page(u64 address, unsigned table, unsigned page)
{
	u64 *entry = &rt_pd[address / LARGE_PAGE];

	tables[table][address / PAGE_SIZE % 512] = (u64)pages[page] | PTE_P | PTE_W;
	if ((*entry & ~(u64)PAGE_MASK) != (u64)tables[table])
		*entry = (u64)tables[table] | PTE_P | PTE_W;
	x86_invlpg(address);
}

/* At one address another page: by the last level of tables, and by the one above. */
static void moved(const char *name, u64 (*page_of)(u64 address))
{
	/* Not the low bits of the page of LDR: a hypervisor may keep one translation for both. */
	const u64 address = LAST_PAGE * LARGE_PAGE + 2 * PAGE_SIZE, entry = rt_pd[LAST_PAGE];
	char full[40];
	u64 got;

	map_page(address, 0, 0);
	got = page_of(address);
	map_page(address, 0, 1);
	fmt_string(full, sizeof(full), "%s.page", name);
	census_number_manual(full, got << 8 | page_of(address), 0x1020);
	map_page(address, 0, 0);
	got = page_of(address);
	map_page(address, 1, 1);
	fmt_string(full, sizeof(full), "%s.table", name);
	census_number_manual(full, got << 8 | page_of(address), 0x1020);
	rt_pd[LAST_PAGE] = entry;
	x86_invlpg(address);
}

static void changes(void)
{
	static const u8 six[] = { 0xc7, 0x03, 0, 0, 0, 0 };
	static const u8 ten[] = { 0xc7, 0x83, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const u8 twelve[] = { 0x67, 0xc7, 0x04, 0x25, 0xd0, 0x00, 0xe0, 0xfe, 0, 0, 0, 0 };

	changing("change.6", six, sizeof(six));
	changing("change.10", ten, sizeof(ten));
	changing("change.12", twelve, sizeof(twelve));
	becoming();
	moved("change.code", page_of_code);
	moved("change.data", page_of_data);
	*(volatile u32 *)(u64)LDR = 0;
}

/* ---- Breakpoints on ports and devices -------------------------------------------------- */

#define PORT 0x4e0 /* nobody's */
#define ON 2	   /* G0 */
#define ON_PORT(len) (ON | 2 << 16 | ((len)-1) << 18)
#define ON_WRITE(len) (ON | 1 << 16 | ((len)-1) << 18)
#define ON_ACCESS(len) (ON | 3 << 16 | ((len)-1) << 18)

static volatile u64 first_dr6, debugs;

static bool note_debug(struct rt_frame *frame)
{
	u64 dr6;

	if (frame->vector != VECTOR_DB)
		return false;
	__asm__ volatile("mov %%dr6, %0; mov %1, %%dr6" : "=&r"(dr6) : "r"(DR6_FIXED));
	if (!debugs++)
		first_dr6 = dr6 & (DR6_BS | 0xf);
	return true;
}

/* What DR6 says at the first #DB of insn, which begins with TF if step is 0x100. */
#define WATCHED(name, at, control, step, insn, manual)                                             \
	do {                                                                                       \
		first_dr6 = debugs = 0;                                                            \
		__asm__ volatile("mov %0, %%dr0; mov %1, %%dr7" ::"r"((u64)(at)),                  \
				 "r"((u64)(control) | DR7_FIXED));                                 \
		__asm__ volatile("pushfq; orq %0, (%%rsp); popfq\n\t" insn                         \
				 "\n\tpushfq; andq $~0x100, (%%rsp); popfq" ::"i"(step),           \
				 "b"((u64)LDR), "d"(PORT)                                          \
				 : "rax", "memory", "cc");                                         \
		__asm__ volatile("mov %0, %%dr7" ::"r"((u64)DR7_FIXED));                           \
		census_number_manual(name, first_dr6, manual);                                     \
	} while (0)

#define ON_CODE ON

/* Only the first one: the breakpoint may be on what comes next. */
static bool note_once(struct rt_frame *frame)
{
	if (!note_debug(frame))
		return false;
	frame->rflags &= ~(u64)RFLAGS_TF;
	__asm__ volatile("mov %0, %%dr7" ::"r"((u64)DR7_FIXED));
	return true;
}

/* What DR6 says behind insn, which is stepped over; DR0 is `at`, where 88 is behind insn. */
#define STEPPED(name, at, control, insn, manual)                                                   \
	do {                                                                                       \
		first_dr6 = debugs = 0;                                                            \
		__asm__ volatile("leaq " at "(%%rip), %%rax; mov %%rax, %%dr0; mov %0, %%dr7\n\t"  \
				 "xorl %%eax, %%eax; xorl %%ecx, %%ecx\n\t"                        \
				 "pushfq; orq $0x100, (%%rsp); popfq\n\t" insn                     \
				 "\n88:\tnop\n89:\tnop" ::"r"((u64)(control) | DR7_FIXED),         \
				 "d"(PORT)                                                         \
				 : "rax", "rcx", "memory", "cc");                                  \
		__asm__ volatile("mov %0, %%dr7" ::"r"((u64)DR7_FIXED));                           \
		census_number_manual(name, first_dr6, manual);                                     \
	} while (0)

/*
 * A step over what exits: DR6 tells of breakpoints where it ends, and of no others.
 * [SDM] "Debug Status Register (DR6)"
 */
static void stepped(void)
{
	rt_hook = note_once;
	STEPPED("step.break.here", "88f", ON_CODE, "inb %%dx, %%al", DR6_BS | 1);
	STEPPED("step.break.behind", "89f", ON_CODE, "inb %%dx, %%al", DR6_BS);
	STEPPED("step.break.elsewhere", "census_wrap", ON_CODE, "inb %%dx, %%al", DR6_BS);
	STEPPED("step.break.cr", "89f", ON_CODE, "mov %%cr8, %%rax", DR6_BS);
	STEPPED("step.break.data", "88f", ON_WRITE(1), "inb %%dx, %%al", DR6_BS);
	STEPPED("step.break.access", "88f", ON_ACCESS(1), "outb %%al, %%dx", DR6_BS);
	rt_hook = note_debug;
}

static void watched_device(void)
{
	WATCHED("watch.mmio", LDR, ON_ACCESS(4), 0, "movl (%%rbx), %%eax", 1);
	WATCHED("watch.mmio.step", LDR, ON_ACCESS(4), 0x100, "movl (%%rbx), %%eax", DR6_BS | 1);
	WATCHED("watch.mmio.written", LDR, ON_WRITE(4), 0, "movl $0, (%%rbx)", 1);
	WATCHED("watch.mmio.not-written", LDR, ON_WRITE(4), 0, "movl (%%rbx), %%eax", 0);
	WATCHED("watch.mmio.beside", LDR + 4, ON_ACCESS(4), 0, "movl (%%rbx), %%eax", 0);
	WATCHED("watch.mmio.below", LDR - 4, ON_ACCESS(4), 0, "movl (%%rbx), %%eax", 0);
	WATCHED("watch.mmio.below.1", LDR - 1, ON_ACCESS(1), 0, "movl (%%rbx), %%eax", 0);
}

/*
 * Both traps of one instruction show at once.  [SDM] "Debug Status Register (DR6)", "Breakpoint
 * Field Recognition" (18.2.5)
 */
static void watched(void)
{
	u64 cr4 = x86_read_cr4();

	rt_hook = note_debug;
	x86_write_cr4(cr4 | CR4_DE);
	WATCHED("watch.port", PORT, ON_PORT(1), 0, "inb %%dx, %%al", 1);
	WATCHED("watch.port.out", PORT, ON_PORT(1), 0, "outb %%al, %%dx", 1);
	WATCHED("watch.port.step", PORT, ON_PORT(1), 0x100, "inb %%dx, %%al", DR6_BS | 1);
	WATCHED("watch.port.last", PORT + 3, ON_PORT(1), 0, "inl %%dx, %%eax", 1);
	WATCHED("watch.port.behind", PORT + 1, ON_PORT(1), 0, "inb %%dx, %%al", 0);
	WATCHED("watch.port.below", PORT - 1, ON_PORT(1), 0, "inb %%dx, %%al", 0);
	WATCHED("watch.port.below.4", PORT - 4, ON_PORT(4), 0, "inb %%dx, %%al", 0);
	WATCHED("watch.port.wide", PORT, ON_PORT(2), 0, "inb %%dx, %%al", 1);
	WATCHED("watch.port.beside", PORT + 4, ON_PORT(4), 0, "inb %%dx, %%al", 0);
	WATCHED("watch.port.aligned", PORT + 3, ON_PORT(4), 0, "inb %%dx, %%al", 1);
	WATCHED("watch.port.aligned.below", PORT - 1, ON_PORT(2), 0, "inb %%dx, %%al", 0);
	x86_write_cr4(cr4);
	stepped();
	if (census_virtual()) /* a step onto a breakpoint on a device never ends on bare QEMU */
		watched_device();
	rt_hook = NULL;
}

/* ---- One page, two levels --------------------------------------------------------------- */

#define SCRATCH 0x3ff /* of the UART: keeps a byte */
#define IOPL_3 0x3002

static u8 page[PAGE_SIZE] ALIGNED(PAGE_SIZE);
static u8 user_stack[512] ALIGNED(16);

/* OUTSB at CPL 3, which may do I/O; UD2 behind it. */
static void out_of_user(u64 address)
{
	__asm__ volatile("pushq %0; pushq %1; pushq %2; pushq %3; pushq $1f; iretq\n"
			 "1:\toutsb; ud2" ::"i"(RT_USER_DS),
			 "r"((u64)(uintptr_t)(user_stack + sizeof(user_stack))), "i"(IOPL_3),
			 "i"(RT_USER_CS), "S"(address), "d"(SCRATCH)
			 : "memory");
}

/* The window's page stays the supervisor's; a user's can be read.  For good: nothing follows. */
static void two_levels(void)
{
	u64 at = RT_WINDOW, own = (u64)(uintptr_t)page;

	rt_user_pages();
	rt_window(own);
	page[0] = 0x5a;
	__asm__ volatile("outsb" : "+S"(at) : "d"(SCRATCH) : "memory");
	census_number_manual("levels.kernel", x86_inb(SCRATCH), 0x5a);
	rt_attempt(out_of_user, RT_WINDOW);
	census_trap("levels.user", "#14(0x5)");
	page[0] = 0xa5;
	rt_attempt(out_of_user, own);
	census_trap("levels.user.own", "#6(0x0)");
	census_number_manual("levels.user.read", x86_inb(SCRATCH), 0xa5);
	rt_attempt(out_of_user, RT_WINDOW);
	census_trap("levels.user.again", "#14(0x5)");
}

/* ---- Shadows, again and again -------------------------------------------------------------- */

#define AGAIN 64

/*
 * The same instruction in a shadow: a hypervisor that knows it by now may answer in another way
 * than at first.  What becomes of the shadow the audit sees (groups/audit.sh counts these).
 */
static void shadows(void)
{
	u32 vendor = x86_cpuid(0, 0).ebx, same = 0;

	for (unsigned i = 0; i < AGAIN; i++) {
		u32 eax = 0, ebx;

		__asm__ volatile("sti; cpuid; cli"
				 : "+a"(eax), "=b"(ebx)
				 :
				 : "ecx", "edx", "memory");
		same += ebx == vendor;
	}
	census_number_manual("shadow.cpuid.again", same, AGAIN);
}

/* ---- Registers of MOV to and from control registers ---------------------------------------- */

void census_compatible(void);

/* In compatibility mode, with something in the upper half of RBX: CR4 and CR0 as they are. */
__asm__(".text\n"
	"census_compatible:\n\t"
	"pushq %rbx; movq %cr4, %rax; movq %cr0, %rcx; movabsq $0x5a5a5a5a00000000, %rbx\n\t"
	"orq %rbx, %rcx; orq %rax, %rbx; pushq $0x18; pushq $1f; lretq\n\t" /* RT_CS32 */
	".code32\n"
	"1:\tmovl %ebx, %cr4; movl %ecx, %cr0; ljmp $0x08, $2f\n\t" /* RT_CS */
	".code64\n"
	"2:\tpopq %rbx; ret");

static void compatible(u64 argument UNUSED)
{
	census_compatible();
}

u64 census_cr_value, census_cr_back; /* for assembly */

/* CR8 by that register, both ways, and CR4, which is read back by another one. */
#define BY(reg, n)                                                                                 \
	do {                                                                                       \
		census_cr_value = (n);                                                             \
		__asm__ volatile("movq census_cr_value, %%" reg "; movq %%" reg ", %%cr8\n\t"      \
				 "xorl %%eax, %%eax; movq %%cr8, %%" reg "; movq %%" reg           \
				 ", census_cr_back" ::                                             \
				     : "rax", reg, "memory", "cc");                                \
		right += census_cr_back == (n);                                                    \
		census_cr_value = cr4 ^ CR4_TSD;                                                   \
		__asm__ volatile("movq census_cr_value, %%" reg "; movq %%" reg ", %%cr4" ::       \
				     : reg, "memory", "cc");                                       \
		right += x86_read_cr4() == census_cr_value;                                        \
		x86_write_cr4(cr4);                                                                \
	} while (0)

static void control_by_register(void)
{
	u64 cr4 = x86_read_cr4();
	unsigned right = 0;

	BY("rax", 1);
	BY("rcx", 2);
	BY("rdx", 3);
	BY("rbx", 4);
	BY("rsi", 5);
	BY("rdi", 6);
	BY("r8", 7);
	BY("r9", 8);
	BY("r10", 9);
	BY("r11", 10);
	BY("r12", 11);
	BY("r13", 12);
	BY("r14", 13);
	BY("r15", 14);
	__asm__ volatile("movq %0, %%cr8" ::"r"(0ull));
	census_number_manual("cr.by-register", right, 28);
	if (!census_virtual()) /* bare QEMU 7.2 takes all 64 bits */
		return;
	rt_attempt(compatible, 0);
	census_trap("cr.compatibility", "none");
	census_number_manual("cr.compatibility.cr4", x86_read_cr4() == cr4, 1);
}

void census_events(void)
{
	*(volatile u32 *)SVR = 0x1ff;
	*(volatile u32 *)TPR = 0;
	cpuid_subleaves();
	shadows();
	control_by_register();
	halts();
	end_of_4_gib();
	changes();
	watched();
	two_levels();
	rt_hook = NULL;
}
