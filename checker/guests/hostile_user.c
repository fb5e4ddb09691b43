/*
 * hostile_user.c - from user mode: what a kernel relies on its CPU to refuse
 *
 * A guest's own user programs attack its kernel through the hypervisor, if that carries out for
 * CPL 3 what the CPU would have refused.
 *
 * Source: [SDM] vol. 3 "Privileged Instructions" (5.9), vol. 1 "I/O Permission Bit Map" (19.5.2).
 */
#include "hostile.h"
#include "lib/string.h"
#include "x86_ops.h"

static u8 code[4096] ALIGNED(4096), stack[4096] ALIGNED(4096), page[4096] ALIGNED(4096);
static struct rt_frame home;
static u64 vector, stopped_at;

static bool back_home(struct rt_frame *frame)
{
	if (frame->vector == VECTOR_NMI || frame->vector >= 32)
		return false;
	vector = frame->vector;
	stopped_at = frame->rip - (u64)(uintptr_t)code;
	*frame = home;
	return true;
}

static u64 user_rsp, user_flags, user_argument;

/* Runs `code` at CPL 3 until it raises an exception, which leads back. */
static void go_user(u64 rcx, u64 rdx, u64 flags)
{
	user_rsp = (u64)(uintptr_t)stack + sizeof(stack) - 64;
	user_flags = flags | RFLAGS_ONE;
	user_argument = (u64)(uintptr_t)page;
	home.cs = RT_CS;
	home.ss = RT_DS;
	home.rflags = RFLAGS_ONE;
	rt_hook = back_home;
	__asm__ volatile("movq %%rsp, %0\n\tleaq 1f(%%rip), %%rax\n\tmovq %%rax, %1\n\t"
			 "pushq %4\n\tpushq %5\n\tpushq %6\n\tpushq %7\n\tpushq %8\n\t"
			 "movq %9, %%rax\n\tmovq %%rax, %%rbx\n\tmovq %%rax, %%rsi\n\t"
			 "movq %%rax, %%rdi\n\tiretq\n1:"
			 : "=m"(home.rsp), "=m"(home.rip), "+c"(rcx), "+d"(rdx)
			 : "i"(RT_USER_DS), "m"(user_rsp), "m"(user_flags), "i"(RT_USER_CS),
			   "i"(code), "m"(user_argument)
			 : "rax", "rbx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12",
			   "r13", "r14", "r15", "memory", "cc");
	rt_hook = NULL;
	rt_vector = vector;
}

extern u64 rt_pml4[];

/* User mode reaches nothing again: the next attack may switch SMEP on. */
static void kernel_pages(void)
{
	rt_pml4[0] &= ~PTE_U;
	x86_write_cr3(x86_read_cr3());
}

#define UD2 0x0f, 0x0b
#define SHADOW 0x8c, 0xd0, 0x8e, 0xd0 /* MOV EAX, SS; MOV SS, EAX */

static unsigned place(const u8 *bytes, unsigned len, bool shadow)
{
	static const u8 lead[] = { SHADOW }, end[] = { UD2 };
	unsigned at = shadow ? sizeof(lead) : 0;

	memcpy(code, lead, at);
	memcpy(code + at, bytes, len);
	memcpy(code + at + len, end, sizeof(end));
	return at;
}

/* Did CPL 3 get beyond the instruction at that offset? */
static void must_fault(struct tally *t, unsigned at, unsigned target, unsigned action)
{
	hostile_case(t, target, action);
	hostile_bad(t, stopped_at != at || (vector != VECTOR_GP && vector != VECTOR_UD),
		    "carried-out-for-CPL-3", target << 8 | vector);
}

/* ---- Privileged instructions --------------------------------------------------------- */

#define INSN(...)                                                                                  \
	{                                                                                          \
		sizeof((const u8[]){ __VA_ARGS__ }),                                               \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

static const struct {
	u8 len, bytes[7];
} privileged[] = {
	INSN(0xf4),			    /* HLT */
	INSN(0x0f, 0x06),		    /* CLTS */
	INSN(0x0f, 0x08),		    /* INVD */
	INSN(0x0f, 0x09),		    /* WBINVD */
	INSN(0x0f, 0x01, 0x17),		    /* LGDT [RDI] */
	INSN(0x0f, 0x01, 0x1f),		    /* LIDT [RDI] */
	INSN(0x0f, 0x00, 0xd0),		    /* LLDT AX */
	INSN(0x0f, 0x00, 0xd8),		    /* LTR AX */
	INSN(0x0f, 0x01, 0xf0),		    /* LMSW AX */
	INSN(0x0f, 0x01, 0x3f),		    /* INVLPG [RDI] */
	INSN(0x0f, 0x20, 0xc0),		    /* MOV RAX, CR0 */
	INSN(0x0f, 0x22, 0xc0),		    /* MOV CR0, RAX */
	INSN(0x0f, 0x20, 0xd0),		    /* MOV RAX, CR2 */
	INSN(0x0f, 0x22, 0xd0),		    /* MOV CR2, RAX */
	INSN(0x0f, 0x20, 0xd8),		    /* MOV RAX, CR3 */
	INSN(0x0f, 0x22, 0xd8),		    /* MOV CR3, RAX */
	INSN(0x0f, 0x20, 0xe0),		    /* MOV RAX, CR4 */
	INSN(0x0f, 0x22, 0xe0),		    /* MOV CR4, RAX */
	INSN(0x44, 0x0f, 0x20, 0xc0),	    /* MOV RAX, CR8 */
	INSN(0x44, 0x0f, 0x22, 0xc0),	    /* MOV CR8, RAX */
	INSN(0x0f, 0x21, 0xc0),		    /* MOV RAX, DR0 */
	INSN(0x0f, 0x23, 0xc0),		    /* MOV DR0, RAX */
	INSN(0x0f, 0x21, 0xf0),		    /* MOV RAX, DR6 */
	INSN(0x0f, 0x23, 0xf8),		    /* MOV DR7, RAX */
	INSN(0x0f, 0x32),		    /* RDMSR */
	INSN(0x0f, 0x30),		    /* WRMSR */
	INSN(0x0f, 0x33),		    /* RDPMC */
	INSN(0x0f, 0x01, 0xf8),		    /* SWAPGS */
	INSN(0x48, 0x0f, 0x07),		    /* SYSRET */
	INSN(0x48, 0x0f, 0x35),		    /* SYSEXIT */
	INSN(0x0f, 0x01, 0xd1),		    /* XSETBV */
	INSN(0x0f, 0x01, 0xd8),		    /* VMRUN */
	INSN(0x0f, 0x01, 0xda),		    /* VMLOAD */
	INSN(0x0f, 0x01, 0xdb),		    /* VMSAVE */
	INSN(0x0f, 0x01, 0xdc),		    /* STGI */
	INSN(0x0f, 0x01, 0xdd),		    /* CLGI */
	INSN(0x0f, 0x01, 0xde),		    /* SKINIT */
	INSN(0x0f, 0x01, 0xdf),		    /* INVLPGA */
	INSN(0x0f, 0x01, 0xc2),		    /* VMLAUNCH */
	INSN(0x0f, 0x01, 0xc3),		    /* VMRESUME */
	INSN(0x0f, 0x01, 0xc4),		    /* VMXOFF */
	INSN(0x0f, 0x78, 0xc0),		    /* VMREAD */
	INSN(0x0f, 0x79, 0xc0),		    /* VMWRITE */
	INSN(0xf3, 0x0f, 0xc7, 0x37),	    /* VMXON [RDI] */
	INSN(0x0f, 0xc7, 0x37),		    /* VMPTRLD [RDI] */
	INSN(0x66, 0x0f, 0x38, 0x82, 0x07), /* INVPCID */
	INSN(0x0f, 0xaa),		    /* RSM */
	INSN(0x0f, 0x37),		    /* GETSEC */
	INSN(0x0f, 0x01, 0xc8),		    /* MONITOR */
	INSN(0x0f, 0x01, 0xc9),		    /* MWAIT */
};

/* As it is; single-stepped; in the shadow of MOV SS; with IOPL 3.  Catches: an exit that comes
 * before the CPU's own check, and a handler that makes none. */
static void user_privileged(struct tally *t)
{
	const u64 flags[] = { 0, RFLAGS_TF, 0, RFLAGS_IOPL };

	rt_user_pages();
	for (unsigned i = 0; i < ARRAY_SIZE(privileged); i++)
		for (unsigned how = 0; how < ARRAY_SIZE(flags); how++) {
			unsigned at = place(privileged[i].bytes, privileged[i].len, how == 2);

			go_user(MSR_EFER, 0, flags[how]);
			must_fault(t, at, i, how);
		}
	kernel_pages();
}

/* ---- Ports ------------------------------------------------------------------------------- */

static const u16 ports[] = {
	0x20,  0x40,  0x60,  0x64,  0x70,  0x71,  0x80,	 0x92,	0xed,  0xf4,
	0x1f0, 0x3d4, 0x3f8, 0x510, 0x604, 0xcf8, 0xcfc, 0xcf9, 0x4e0, 0xffff
};
static const u8 port_insns[][2] = { { 0xec }, { 0x66, 0xed }, { 0xed }, { 0xee }, { 0x66, 0xef },
				    { 0xef }, { 0x6c },	      { 0x6d }, { 0x6e }, { 0x6f } };

/* IOPL 0 and no permission bitmap: all ports are closed to CPL 3.  Catches: port exits, strings
 * above all, that are carried out without a look at both. */
static void user_ports(struct tally *t)
{
	rt_user_pages();
	for (unsigned p = 0; p < ARRAY_SIZE(ports); p++)
		for (unsigned i = 0; i < ARRAY_SIZE(port_insns); i++) {
			unsigned at = place(port_insns[i], port_insns[i][0] == 0x66 ? 2 : 1, false);

			go_user(1, ports[p], 0);
			must_fault(t, at, p, i);
		}
	kernel_pages();
}

/* ---- Devices -------------------------------------------------------------------------------- */

/* Loads and stores to device memory and holes by CPL 3, which may: its kernel let it. */
static void user_devices(struct tally *t)
{
	static const u8 insns[][3] = { { 2, 0x8b, 0x07 }, { 2, 0x89, 0x07 }, { 2, 0x86, 0x07 },
				       { 2, 0x01, 0x07 }, { 1, 0xa4 },	     { 1, 0xaa } };
	const u64 places[] = { 0xfee00030, 0xb8f00, 0xd0000000, 0xfec00010, 0xfffffff0 };

	rt_user_pages();
	for (unsigned p = 0; p < ARRAY_SIZE(places); p++)
		for (unsigned i = 0; i < ARRAY_SIZE(insns); i++) {
			u8 bytes[16] = { 0x48, 0xbf }; /* MOV RDI, place */
			unsigned len = insns[i][0];

			memcpy(bytes + 2, &places[p], sizeof(places[p]));
			memcpy(bytes + 10, insns[i] + 1, len);
			place(bytes, 10 + len, false);
			go_user(1, 0, 0);
			hostile_case(t, p, i);
			hostile_bad(t, vector != VECTOR_UD || stopped_at != 10 + len,
				    "a-load-or-store-of-CPL-3", p << 8 | i);
		}
	kernel_pages();
}

static const struct attack attacks[] = {
	{ "user-privileged", user_privileged, true },
	{ "user-ports", user_ports, true },
	{ "user-devices", user_devices, true },
};

const struct attack_list hostile_user = ATTACKS(attacks);
