/* panic.c - see panic.h */
#include "type1/panic.h"

#include "lib/fmt.h"
#include "type1/apic.h"
#include "type1/console.h"
#include "type1/power.h"
#include "x86_ops.h"

#define CALLERS 12
#define LINE 200

extern u8 image_text[], image_rodata[];

static u32 panicking; /* CPU number + 1 of the first one */
static unsigned again; /* panics of that CPU since then */

static const char *vector_name(u64 vector)
{
	static const char *const name[] = {
		[VECTOR_DE] = "#DE", [VECTOR_DB] = "#DB", [VECTOR_BP] = "#BP", [VECTOR_OF] = "#OF",
		[VECTOR_BR] = "#BR", [VECTOR_UD] = "#UD", [VECTOR_NM] = "#NM", [VECTOR_DF] = "#DF",
		[VECTOR_TS] = "#TS", [VECTOR_NP] = "#NP", [VECTOR_SS] = "#SS", [VECTOR_GP] = "#GP",
		[VECTOR_PF] = "#PF", [VECTOR_MF] = "#MF", [VECTOR_AC] = "#AC", [VECTOR_MC] = "#MC",
		[VECTOR_XM] = "#XM",
	};

	return vector < ARRAY_SIZE(name) && name[vector] ? name[vector] : "exception";
}

void panic_stop_if_asked(void)
{
	u32 owner = __atomic_load_n(&panicking, __ATOMIC_ACQUIRE);

	if (owner && owner != cpu_this()->index + 1)
		for (;;)
			x86_hlt();
}

/*
 * One CPU panics; a second one waits for the end.  A panic inside a panic just ends, and one inside
 * that does not even say so.
 */
static NEVER_INLINE void begin(void)
{
	u32 me = cpu_this() ? cpu_this()->index + 1 : 1, nobody = 0;

	x86_cli();
	if (!__atomic_compare_exchange_n(&panicking, &nobody, me, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE)) {
		if (nobody == me && !again++) {
			host_log("espejo: PANIC again, in the midst of the first");
			host_exit(PANIC_STATUS);
		}
		if (nobody == me)
			power_off(PANIC_STATUS);
		for (;;)
			x86_hlt();
	}
	if (cpu_count > 1)
		apic_nmi_others();
	console_panic();
}

/* The end of that stack of this CPU which holds address; 0: none does. */
static u64 stack_end(u64 address)
{
	const struct cpu *cpu = cpu_this();

	if (address - (u64)cpu->stack < STACK_SIZE)
		return (u64)cpu->stack + STACK_SIZE;
	if (address - (u64)cpu->exception_stacks < CPU_EXCEPTION_PAGES * PAGE_SIZE)
		return ALIGN_DOWN(address, 2 * PAGE_SIZE) + 2 * PAGE_SIZE;
	return 0;
}

/* Is address in a page that is not there so that a stack may not grow into it? */
static bool is_guard(u64 address)
{
	const struct cpu *cpu = cpu_this();
	u64 exception = address - (u64)cpu->exception_stacks;

	return address - (u64)cpu->stack < PAGE_SIZE ||
	       (exception < CPU_EXCEPTION_PAGES * PAGE_SIZE && exception / PAGE_SIZE % 2 == 0);
}

/* There are no frame pointers: every word on the stack that points behind a call might be one. */
static void show_callers(u64 sp)
{
	u64 end = stack_end(sp);
	u64 last = 0;
	unsigned shown = 0;

	if (is_guard(sp))
		sp = ALIGN_DOWN(sp, PAGE_SIZE) + PAGE_SIZE;
	if (!end || !IS_ALIGNED(sp, 8))
		return;
	console_printf("  callers?");
	for (; sp < end && shown < CALLERS; sp += 8) {
		u64 word = *(const u64 *)sp;

		if (word <= (u64)image_text || word >= (u64)image_rodata || word == last)
			continue;
		console_printf(" %lx", word);
		last = word;
		shown++;
	}
	console_printf("\n  (addr2line -fipe build/hv/espejo.elf ADDRESS names them)\n");
}

void host_panic(const char *file, int line, const char *format, ...)
{
	char text[LINE];
	va_list args;

	traps_restore_gs();
	begin();
	va_start(args, format);
	fmt_vstring(text, sizeof(text), format, args);
	va_end(args);
	console_printf("\nespejo: PANIC on CPU %u: %s\n  at %s:%d\n", host_cpu(), text, file, line);
	show_callers((u64)__builtin_frame_address(0));
	host_exit(PANIC_STATUS);
}

void panic_trap(const struct traps_frame *f)
{
	traps_restore_gs();
	begin();
	console_printf("\nespejo: PANIC on CPU %u: %s (vector %lu, error %lx) in the hypervisor\n",
		       host_cpu(), vector_name(f->vector), f->vector, f->error);
	console_printf("  rip %016lx  rflags %lx  cs %lx  cr2 %016lx\n", f->rip, f->rflags, f->cs,
		       x86_read_cr2());
	console_printf("  cr0 %lx  cr3 %lx  cr4 %lx\n", x86_read_cr0(), x86_read_cr3(),
		       x86_read_cr4());
	console_printf("  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx, f->rcx,
		       f->rdx);
	console_printf("  rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", f->rsi, f->rdi, f->rbp,
		       f->rsp);
	console_printf("  r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", f->r8, f->r9, f->r10,
		       f->r11);
	console_printf("  r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", f->r12, f->r13, f->r14,
		       f->r15);
	if ((f->vector == VECTOR_PF || f->vector == VECTOR_DF) && is_guard(x86_read_cr2()))
		console_printf("  this CPU's stack is full: endless calls, or a large object?\n");
	show_callers(f->rsp);
	host_exit(PANIC_STATUS);
}
