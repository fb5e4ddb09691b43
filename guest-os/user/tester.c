/*
 * tester.c - tester MODE: the self-test's half in user mode
 *
 * A mode that is to fault puts the RIP that the fault must report into R15 first; the others
 * exit with 0 or with the number of the step that failed.
 */
#include "user.h"

#include "errno.h"
#include "layout.h"
#include "lib/string.h"
#include "syscall_numbers.h"
#include "x86.h"

#define KERNEL_TEXT 0xffffffff80101000
#define UNMAPPED 0x20000000
#define CHILD_STATUS 7
#define SLEEP_US 20000
#define SPIN_US 60000
#define HEAP_PAGES 64
#define MARK 0x77

/* An instruction that faults, with the address of the label 1 in R15. */
#define FAULT_AT_1(before, instruction) \
	__asm__ volatile("leaq 1f(%%rip), %%r15\n\t" before "\n1:\t" instruction :: \
				 : "rax", "rcx", "rdx", "r11", "r15", "memory")
/* One whose trap reports the instruction behind it. */
#define TRAP_BEFORE_1(before, instruction) \
	__asm__ volatile("leaq 1f(%%rip), %%r15\n\t" before "\n\t" instruction "\n1:\tnop" :: \
				 : "rax", "rcx", "rdx", "r11", "r15", "memory")

#define FAULTING(name, before, instruction)       \
	static int name(void)                     \
	{                                         \
		FAULT_AT_1(before, instruction);  \
		return 1;                         \
	}

FAULTING(do_cli, "", "cli")
FAULTING(do_sti, "", "sti")
FAULTING(do_hlt, "", "hlt")
FAULTING(do_in, "", "inb $0x60, %%al")
FAULTING(do_out, "", "outb %%al, $0x80")
FAULTING(do_rdmsr, "movl $0x10, %%ecx", "rdmsr")
FAULTING(do_wrmsr, "movl $0x10, %%ecx", "wrmsr")
FAULTING(do_cr0, "", "movq %%cr0, %%rax")
FAULTING(do_cr3, "xorl %%eax, %%eax", "movq %%rax, %%cr3")
FAULTING(do_dr7, "xorl %%eax, %%eax", "movq %%rax, %%dr7")
FAULTING(do_lgdt, "", "lgdt -16(%%rsp)")
FAULTING(do_lidt, "", "lidt -16(%%rsp)")
FAULTING(do_ltr, "movl $0x30, %%eax", "ltr %%ax")
FAULTING(do_lmsw, "xorl %%eax, %%eax", "lmsw %%ax")
FAULTING(do_clts, "", "clts")
FAULTING(do_invlpg, "", "invlpg (%%rsp)")
FAULTING(do_wbinvd, "", "wbinvd")
FAULTING(do_swapgs, "", "swapgs")
FAULTING(do_sysret, "", "sysretq")
FAULTING(do_int, "", "int $0x80")
FAULTING(do_read, "movq $0xffffffff80101000, %%rax", "movb (%%rax), %%al")
FAULTING(do_write, "movq $0xffffffff80101000, %%rax", "movb $0, (%%rax)")
FAULTING(do_code, "leaq 1f(%%rip), %%rax", "movb $0xc3, (%%rax)")
FAULTING(do_null, "xorl %%eax, %%eax", "movb (%%rax), %%al")
FAULTING(do_deep, "leaq -0x100000(%%rsp), %%rax", "movb $0, (%%rax)")
FAULTING(do_divide, "xorl %%ecx, %%ecx; xorl %%edx, %%edx; movl $1, %%eax", "divl %%ecx")
FAULTING(do_ud2, "", "ud2")

/* The next two fault only on machines that have it: see selftest_facts.c. */
FAULTING(do_ac, "pushfq; orl $0x40000, (%%rsp); popfq", "movl -15(%%rsp), %%eax")
FAULTING(do_xm,
	 "pushq $0x1d80; ldmxcsr (%%rsp); addq $8, %%rsp; xorps %%xmm1, %%xmm1\n\t"
	 "movl $0x3f800000, %%eax; movd %%eax, %%xmm0",
	 "divss %%xmm1, %%xmm0")

static int do_int3(void)
{
	TRAP_BEFORE_1("", "int3");
	return 1;
}

static int do_step(void)
{
	TRAP_BEFORE_1("pushfq; orl $0x100, (%%rsp); popfq", "nop");
	return 1;
}

/* Jump to an address that may not be executed: the fault's RIP is the address itself. */
static int jump_to(u64 address)
{
	register u64 r15 __asm__("r15") = address;

	__asm__ volatile("jmp *%0" ::"r"(r15));
	return 1;
}

static int do_jump(void)
{
	return jump_to(KERNEL_TEXT);
}

static int do_stack(void)
{
	volatile u8 code[16] = { 0xc3 };

	return jump_to((u64)code);
}

static int do_wild(void)
{
	return jump_to(UNMAPPED);
}

/*
 * Through a far return into 32-bit code: programs lie in the lower 2 GiB.  R15 is kept there,
 * though 32-bit code can not name it.
 */
static int do_into(void)
{
	__asm__ volatile("leaq 2f(%%rip), %%r15\n\t"
			 "pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n\t"
			 ".code32\n"
			 "1:\tmovl $0x7fffffff, %%eax\n\t"
			 "addl $1, %%eax\n\t"
			 "into\n"
			 "2:\tnop\n\t"
			 ".code64" ::"i"(SELECTOR_USER_CS32)
			 : "rax", "r15", "memory");
	return 1;
}

static int do_bound(void)
{
	static const s32 bounds[2] = { 1, 5 };

	__asm__ volatile("leaq 2f(%%rip), %%r15\n\t"
			 "movl %1, %%ecx\n\t"
			 "movl %2, %%edx\n\t"
			 "movl %%edx, %%ds\n\t"
			 "pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n\t"
			 ".code32\n"
			 "1:\tmovl $6, %%eax\n"
			 "2:\t.byte 0x62, 0x01\n\t" /* BOUND EAX, [ECX] */
			 ".code64" ::"i"(SELECTOR_USER_CS32),
			 "r"((u32)(u64)bounds), "i"(SELECTOR_USER_SS)
			 : "rax", "rcx", "rdx", "r15", "memory");
	return 1;
}

static int do_arguments(void)
{
	return 0; /* main has looked at them */
}

/* A system call with a value in every register that must survive. */
static int do_syscall(void)
{
	u64 rip, rflags, rcx, r11, kept = 0, pid = SYSCALL_GETPID;

	__asm__ volatile("movl $0x11, %%ebx; movl $0x22, %%edx; movl $0x33, %%esi\n\t"
			 "movl $0x44, %%edi; movl $0x55, %%r8d; movl $0x66, %%r9d\n\t"
			 "movl $0x77, %%r10d; movl $0x88, %%r12d; movl $0x99, %%r13d\n\t"
			 "pushfq; popq %%r14\n\t"
			 "syscall\n"
			 "1:\taddq %%rbx, %3; addq %%rdx, %3; addq %%rsi, %3; addq %%rdi, %3\n\t"
			 "addq %%r8, %3; addq %%r9, %3; addq %%r10, %3; addq %%r12, %3\n\t"
			 "addq %%r13, %3\n\t"
			 "movq %%r14, %2\n\t"
			 "leaq 1b(%%rip), %%r14\n\t"
			 : "+a"(pid), "=&c"(rcx), "=m"(rflags), "+m"(kept)
			 :
			 : "rbx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
			   "r14", "memory", "cc");
	if (pid != (u64)user_getpid())
		return 1;
	if (kept != 0x11 + 0x22 + 0x33 + 0x44 + 0x55 + 0x66 + 0x77 + 0x88 + 0x99)
		return 2;

	/* Once more, for the two that SYSCALL itself writes. */
	__asm__ volatile("pushfq; popq %2\n\t"
			 "syscall\n"
			 "1:\tleaq 1b(%%rip), %3\n\t"
			 "movq %%r11, %1"
			 : "=&c"(rcx), "=&d"(r11), "=&b"(rflags), "=&S"(rip)
			 : "a"(SYSCALL_GETPID)
			 : "r11", "memory");
	if (rcx != rip)
		return 3;
	return (r11 & ~RFLAGS_RF) != rflags ? 4 : 0;
}

static int do_unknown(void)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(SYSCALL_COUNT) : "rcx", "r11", "memory");
	if (result != -ENOSYS)
		return 1;
	__asm__ volatile("syscall" : "=a"(result) : "a"(-1l) : "rcx", "r11", "memory");
	return result != -ENOSYS;
}

static int do_addresses(void)
{
	if (user_write((const char *)KERNEL_TEXT, 1) != -EFAULT)
		return 1;
	if (user_write((const char *)UNMAPPED, 1) != -EFAULT)
		return 2;
	if (user_write((const char *)(USER_END - 1ul), 2) != -EFAULT)
		return 3;
	if (user_write((const char *)~0ul, 2) != -EFAULT)
		return 4;
	return user_spawn((const char *const *)KERNEL_TEXT, 1) == -EFAULT ? 0 : 5;
}

static int do_popf(void)
{
	u64 rflags;

	__asm__ volatile("pushfq\n\t"
			 "andl $~0x200, (%%rsp)\n\t"
			 "orl $0x3000, (%%rsp)\n\t"
			 "popfq\n\t"
			 "pushfq\n\t"
			 "popq %0"
			 : "=r"(rflags));
	return (rflags & (RFLAGS_IF | RFLAGS_IOPL)) != RFLAGS_IF;
}

static int do_demand(void)
{
	volatile u8 *memory = user_sbrk(HEAP_PAGES * PAGE_SIZE);

	if (!memory)
		return 1;
	for (u64 i = 0; i < HEAP_PAGES * PAGE_SIZE; i += PAGE_SIZE / 2) {
		if (memory[i])
			return 2;
		memory[i] = (u8)(i / PAGE_SIZE + 1);
	}
	for (u64 i = 0; i < HEAP_PAGES * PAGE_SIZE; i += PAGE_SIZE / 2)
		if (memory[i] != (u8)(i / PAGE_SIZE + 1))
			return 3;
	return 0;
}

static int do_unmap(void)
{
	volatile u8 *memory = user_sbrk(PAGE_SIZE);

	if (!memory)
		return 1;
	*memory = MARK;
	if (user_unmap((const void *)memory))
		return 2;
	if (!user_unmap((const void *)memory))
		return 3;
	return *memory ? 4 : 0;
}

static int do_sleep(void)
{
	u64 before = user_uptime();

	user_sleep(SLEEP_US);
	return user_uptime() - before < SLEEP_US;
}

static int child(const char *mode)
{
	const char *words[] = { "tester", mode };
	int pid = user_spawn(words, ARRAY_SIZE(words));

	return pid < 0 ? pid : user_wait(pid);
}

static int do_status(void)
{
	return CHILD_STATUS;
}

static int do_spawn(void)
{
	if (user_wait(user_getpid()) != -ECHILD)
		return 1;
	return child("status") == CHILD_STATUS ? 0 : 2;
}

static int do_child(void)
{
	return child("ud2") == 128 + VECTOR_UD ? 0 : 1;
}

static int do_spin(void)
{
	for (;;)
		__asm__ volatile("");
	return 0;
}

/* The same address in each of us, another value. */
static int do_private(void)
{
	static volatile int mine;
	u64 end = user_uptime() + SPIN_US;

	mine = user_getpid();
	while (user_uptime() < end) {
		user_yield();
		if (mine != user_getpid())
			return 1;
	}
	return 0;
}

/* Load all of XMM, be preempted for some time, compare. */
static int do_sse(void)
{
	u64 pattern[2] ALIGNED(16), seen[2] ALIGNED(16), end = user_uptime() + SPIN_US;

	pattern[0] = (u64)user_getpid() * 0x0101010101010101;
	pattern[1] = ~pattern[0];
	while (user_uptime() < end) {
		__asm__ volatile("movaps %2, %%xmm0\n\tmovaps %%xmm0, %%xmm15\n\t"
				 "pxor %%xmm7, %%xmm7\n\t"
				 "movl $100000, %%ecx\n"
				 "1:\tdecl %%ecx\n\tjnz 1b\n\t"
				 "pxor %%xmm15, %%xmm7\n\t"
				 "movaps %%xmm7, %0\n\t"
				 "pcmpeqb %%xmm0, %%xmm15\n\tpmovmskb %%xmm15, %%ecx\n\t"
				 "cmpl $0xffff, %%ecx\n\tje 2f\n\tmovq $0, %1\n2:"
				 : "=m"(seen), "+m"(seen[0])
				 : "m"(pattern)
				 : "rcx", "xmm0", "xmm7", "xmm15", "cc");
		if (memcmp(seen, pattern, sizeof(seen)))
			return 1;
	}
	return 0;
}

static int do_registers(void)
{
	u64 pid = (u64)user_getpid(), sum, end = user_uptime() + SPIN_US;

	while (user_uptime() < end) {
		__asm__ volatile("movq %1, %%rbx; movq %1, %%rdx\n\t"
				 "movq %1, %%rsi; movq %1, %%rdi\n\t"
				 "movq %1, %%r8; movq %1, %%r9; movq %1, %%r10; movq %1, %%r11\n\t"
				 "movq %1, %%r12; movq %1, %%r13\n\t"
				 "movq %1, %%r14; movq %1, %%r15\n\t"
				 "movl $100000, %%ecx\n"
				 "1:\tdecl %%ecx\n\tjnz 1b\n\t"
				 "leaq (%%rbx,%%rdx), %%rax\n\t"
				 "addq %%rsi, %%rax; addq %%rdi, %%rax\n\t"
				 "addq %%r8, %%rax; addq %%r9, %%rax; addq %%r10, %%rax\n\t"
				 "addq %%r11, %%rax; addq %%r12, %%rax; addq %%r13, %%rax\n\t"
				 "addq %%r14, %%rax; addq %%r15, %%rax"
				 : "=&a"(sum)
				 : "m"(pid)
				 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
				   "r12", "r13", "r14", "r15", "cc");
		if (sum != 12 * pid)
			return 1;
	}
	return 0;
}

static const struct mode {
	const char *name;
	int (*run)(void);
} modes[] = {
	{ "arguments", do_arguments }, { "syscall", do_syscall },   { "unknown", do_unknown },
	{ "addresses", do_addresses }, { "popf", do_popf },	    { "demand", do_demand },
	{ "unmap", do_unmap },	       { "sleep", do_sleep },	    { "status", do_status },
	{ "spawn", do_spawn },	       { "child", do_child },	    { "spin", do_spin },
	{ "private", do_private },     { "sse", do_sse },	    { "registers", do_registers },
	{ "cli", do_cli },	       { "sti", do_sti },	    { "hlt", do_hlt },
	{ "in", do_in },	       { "out", do_out },	    { "rdmsr", do_rdmsr },
	{ "wrmsr", do_wrmsr },	       { "cr0", do_cr0 },	    { "cr3", do_cr3 },
	{ "dr7", do_dr7 },	       { "lgdt", do_lgdt },	    { "lidt", do_lidt },
	{ "ltr", do_ltr },	       { "lmsw", do_lmsw },	    { "clts", do_clts },
	{ "invlpg", do_invlpg },       { "wbinvd", do_wbinvd },	    { "swapgs", do_swapgs },
	{ "sysret", do_sysret },       { "int", do_int },	    { "read", do_read },
	{ "write", do_write },	       { "jump", do_jump },	    { "code", do_code },
	{ "stack", do_stack },	       { "null", do_null },	    { "deep", do_deep },
	{ "wild", do_wild },	       { "divide", do_divide },	    { "ud2", do_ud2 },
	{ "int3", do_int3 },	       { "step", do_step },	    { "into", do_into },
	{ "bound", do_bound },		    { "ac", do_ac },		    { "xm", do_xm },
};

int main(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[0], "tester") || argv[2])
		return 100;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (!strcmp(modes[i].name, argv[1]))
			return modes[i].run();
	return 101;
}
