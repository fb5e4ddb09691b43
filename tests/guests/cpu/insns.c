/*
 * insns.c - one instruction at a time, at each privilege level and width, stepped and not, with the
 * switches of CR0 and CR4 that matter: which exceptions come, where, with which DR6
 *
 * Sources: [SDM] vol. 2; "Interrupt and Exception Handling" (6), "Debug Exceptions" (18.3).
 */
#include "cpu.h"

#include "lib/fmt.h"
#include "lib/string.h"

#define EXIT_VECTOR 0x30
#define USER_VECTOR 0x31
#define NONCANONICAL 0x800000000000ull
#define STEPS 6

struct insn {
	const char *text;
	const u8 *code, *end;
};

struct insns_regs {
	u64 rip, cs, rflags, rsp, ss, rax, rbx, rcx, rdx, rdi;
};

extern const struct insn insns64[], insns64_user[], insns32[], insns16[];
extern u64 insns_rsp;
extern const char insns_back[];
void insns_go(const struct insns_regs *regs);

static u64 gdt[32];
static u8 stack[8192] ALIGNED(16), buffer[8192] ALIGNED(4096);
static char line[200];
static size_t len;
static const struct insn *now;
static unsigned steps;

/* Behind the descriptors of the runtime. */
enum { CS16 = 0x40, CS32_USER = 0x48, CS16_USER = 0x50 };

static void log_event(const struct rt_frame *f)
{
	long at = (long)(f->rip - (u64)(uintptr_t)now->code);
	bool inside = at >= 0 && at < 64;

	len += fmt_string(line + len, sizeof(line) - len, " %llu(%llx)",
			  (unsigned long long)f->vector, (unsigned long long)f->error);
	if (inside)
		len += fmt_string(line + len, sizeof(line) - len, "+%ld", at);
	else
		len += fmt_string(line + len, sizeof(line) - len, "+?");
	if (f->vector == VECTOR_PF)
		len += fmt_string(line + len, sizeof(line) - len, " cr2=%llx",
				  (unsigned long long)x86_read_cr2());
}

static bool hook(struct rt_frame *f)
{
	u64 dr6;

	if (f->vector == VECTOR_DB) {
		__asm__ volatile("movq %%db6, %0" : "=r"(dr6));
		log_event(f);
		len += fmt_string(line + len, sizeof(line) - len, " dr6=%llx",
				  (unsigned long long)dr6);
		__asm__ volatile("movq %0, %%db6" ::"r"(0xffff0ff0ull));
		if (++steps < STEPS && (f->rflags & RFLAGS_TF))
			return true;
	} else if (f->vector != EXIT_VECTOR) {
		log_event(f);
	}
	f->rip = (u64)(uintptr_t)insns_back;
	f->cs = RT_CS;
	f->ss = RT_DS;
	f->rsp = insns_rsp;
	f->rflags = RFLAGS_ONE;
	return true;
}

static void try_one(const struct insn *insn, unsigned cs, u64 flags)
{
	unsigned ring = cs & 3;
	struct insns_regs regs = {
		.rip = (u64)(uintptr_t)insn->code,
		.cs = cs,
		.rflags = RFLAGS_ONE | flags,
		.rsp = (u64)(uintptr_t)stack + sizeof(stack) - 64,
		.ss = ring ? RT_USER_DS : RT_DS,
		.rbx = (u64)(uintptr_t)buffer,
		.rcx = 0x55,
		.rdx = 0x80,
		.rdi = cs == RT_CS || cs == RT_USER_CS ? NONCANONICAL : 0x4000,
	};

	memset(buffer, 0, sizeof(buffer));
	now = insn;
	steps = 0;
	len = 0;
	line[0] = '\0';
	__asm__ volatile("movq %0, %%db6" ::"r"(0xffff0ff0ull));
	rt_hook = hook;
	insns_go(&regs);
	rt_hook = NULL;
	x86_cli();
	__asm__ volatile("movw %w0, %%ds; movw %w0, %%es; movw %w0, %%ss" ::"r"(RT_DS));
	if (len)
		rt_print("%s:%s\n", insn->text, line);
}

static void table(const char *name, const struct insn *insn, unsigned cs, u64 flags)
{
	rt_print("-- %s cs=%x flags=%llx\n", name, cs, (unsigned long long)flags);
	for (; insn->text; insn++)
		try_one(insn, cs, flags);
}

static void make_segments(void)
{
	struct {
		u16 limit;
		u64 base;
	} PACKED pointer = { sizeof(gdt) - 1, (u64)(uintptr_t)gdt };
	extern u64 rt_gdt[];

	memcpy(gdt, rt_gdt, 8 * sizeof(gdt[0]));
	gdt[CS16 / 8] = 0x008f9b000000ffff;
	gdt[CS32_USER / 8] = 0x00cffb000000ffff;
	gdt[CS16_USER / 8] = 0x008ffb000000ffff;
	__asm__ volatile("lgdt %0" ::"m"(pointer));
	rt_user_pages();
	rt_gate(EXIT_VECTOR, RT_CS, 3, 1, true);
	rt_gate(USER_VECTOR, RT_CS, 3, 1, true);
	rt_gate(VECTOR_BP, RT_CS, 3, 1, true);
	rt_gate(VECTOR_OF, RT_CS, 3, 1, true);
}

static void all_widths(const char *name, u64 flags)
{
	table(name, insns64, RT_CS, flags);
	table(name, insns64, RT_USER_CS, flags);
	table(name, insns32, RT_CS32, flags);
	table(name, insns32, CS32_USER | 3, flags);
	table(name, insns16, CS16, flags);
	table(name, insns16, CS16_USER | 3, flags);
}

void fault_area(void)
{
	u64 cr0 = x86_read_cr0(), cr4 = x86_read_cr4();

	make_segments();
	all_widths("plain", 0);
	table("user only", insns64_user, RT_USER_CS, 0);
	all_widths("stepped", RFLAGS_TF);
	x86_write_cr4(cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_TSD | CR4_DE |
		      (feature(7, 2, 2) ? CR4_UMIP : 0) | (feature(1, 2, 26) ? CR4_OSXSAVE : 0) |
		      (feature(7, 1, 0) ? CR4_FSGSBASE : 0));
	table("cr4", insns64, RT_CS, 0);
	table("cr4", insns64, RT_USER_CS, 0);
	table("cr4", insns32, CS32_USER | 3, 0);
	x86_write_cr0(cr0 | CR0_AM);
	table("alignment", insns64, RT_USER_CS, RFLAGS_AC);
	x86_write_cr0(cr0 | CR0_TS);
	table("TS", insns64, RT_CS, 0);
	x86_write_cr0(cr0 | CR0_EM);
	table("EM", insns64, RT_CS, 0);
	x86_write_cr0(cr0);
	x86_write_cr4(cr4 | CR4_PCE);
	table("PCE, IOPL 3", insns64, RT_USER_CS, 0x3000);
	x86_write_cr4(cr4);
}
