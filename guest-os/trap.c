/*
 * trap.c - exceptions and interrupts
 *
 * Owns: the IDT, the way from a vector to its handler, what happens without one: a process
 * dies with its cause named, the kernel panics with a dump.
 * Must not know: devices; they bring their handlers.
 *
 * Sources: [SDM] "Interrupt and Exception Handling" (6), "IDT Descriptors" (6.14.1).
 */
#include "trap.h"

#include "ipi.h"
#include "layout.h"
#include "lock.h"
#include "print.h"
#include "process.h"
#include "sched.h"
#include "segment.h"
#include "x86_ops.h"

#define GATE_INTERRUPT 0x8e00u /* present, DPL 0, 64-bit interrupt gate */
#define GATE_USER (3u << 13)
#define GATE_PRESENT BIT(15)
#define STUB_SIZE 16

struct gate {
	u16 offset0;
	u16 selector;
	u16 attributes; /* bits 2..0: IST */
	u16 offset16;
	u32 offset32;
	u32 reserved;
};
ASSERT_SIZE(struct gate, 16);

struct pseudo_descriptor {
	u16 limit;
	u64 base;
} PACKED;

/* trap_entry.S */
extern u8 trap_stubs[TRAP_VECTORS][STUB_SIZE];
extern char trap_recover[];
extern u64 trap_recover_rsp;
u64 trap_call(void (*function)(u64), u64 argument);

static struct gate idt[TRAP_VECTORS];
static trap_handler *handlers[TRAP_VECTORS];
static struct trap_frame *try_frame; /* where trap_try wants the exception */

static void set_gate(unsigned vector, unsigned attributes)
{
	u64 stub = (u64)trap_stubs[vector];

	idt[vector] = (struct gate){ (u16)stub, SELECTOR_KERNEL_CS, (u16)attributes,
				     (u16)(stub >> 16), (u32)(stub >> 32), 0 };
}

void trap_load(void)
{
	struct pseudo_descriptor idtr = { sizeof(idt) - 1, (u64)idt };

	__asm__ volatile("lidt %0" ::"m"(idtr));
}

void trap_init(void)
{
	for (unsigned i = 0; i < TRAP_VECTORS; i++)
		set_gate(i, GATE_INTERRUPT);
	set_gate(VECTOR_BP, GATE_INTERRUPT | GATE_USER);
	set_gate(VECTOR_OF, GATE_INTERRUPT | GATE_USER);
	trap_set_gate(VECTOR_NMI, IST_NMI, true);
	trap_set_gate(VECTOR_DF, IST_DOUBLE_FAULT, true);
	trap_set_gate(VECTOR_MC, IST_MACHINE_CHECK, true);
	trap_load();
}

trap_handler *trap_set(unsigned vector, trap_handler *handler)
{
	trap_handler *before = handlers[vector];

	handlers[vector] = handler;
	return before;
}

void trap_set_gate(unsigned vector, unsigned ist, bool present)
{
	set_gate(vector, (GATE_INTERRUPT | ist) & ~(present ? 0 : GATE_PRESENT));
}

const char *trap_name(u64 vector)
{
	static const char *const names[] = {
		[VECTOR_DE] = "#DE", [VECTOR_DB] = "#DB", [VECTOR_NMI] = "NMI",
		[VECTOR_BP] = "#BP", [VECTOR_OF] = "#OF", [VECTOR_BR] = "#BR",
		[VECTOR_UD] = "#UD", [VECTOR_NM] = "#NM", [VECTOR_DF] = "#DF",
		[VECTOR_TS] = "#TS", [VECTOR_NP] = "#NP", [VECTOR_SS] = "#SS",
		[VECTOR_GP] = "#GP", [VECTOR_PF] = "#PF", [VECTOR_MF] = "#MF",
		[VECTOR_AC] = "#AC", [VECTOR_MC] = "#MC", [VECTOR_XM] = "#XM",
	};

	return vector < ARRAY_SIZE(names) && names[vector] ? names[vector] : "interrupt";
}

void trap_dump(const struct trap_frame *f)
{
	print("%s vector %lu error %#lx\n", trap_name(f->vector), f->vector, f->error);
	print("rip %016lx cs %04lx rflags %08lx\n", f->rip, f->cs, f->rflags);
	print("rsp %016lx ss %04lx\n", f->rsp, f->ss);
	print("rax %016lx rbx %016lx rcx %016lx\n", f->rax, f->rbx, f->rcx);
	print("rdx %016lx rsi %016lx rdi %016lx\n", f->rdx, f->rsi, f->rdi);
	print("rbp %016lx r8  %016lx r9  %016lx\n", f->rbp, f->r8, f->r9);
	print("r10 %016lx r11 %016lx r12 %016lx\n", f->r10, f->r11, f->r12);
	print("r13 %016lx r14 %016lx r15 %016lx\n", f->r13, f->r14, f->r15);
	print("cr0 %016lx cr2 %016lx cr3 %016lx\n", x86_read_cr0(), x86_read_cr2(),
	      x86_read_cr3());
	print("cr4 %016lx\n", x86_read_cr4());
}

bool trap_try(void (*function)(u64), u64 argument, struct trap_frame *frame)
{
	bool raised;

	try_frame = frame;
	raised = trap_call(function, argument);
	try_frame = NULL;
	return raised;
}

/* Let the frame return into trap_call's end, with its stack and with TF and AC off. */
static void recover(struct trap_frame *frame)
{
	*try_frame = *frame;
	try_frame = NULL;
	frame->rip = (u64)trap_recover;
	frame->rsp = trap_recover_rsp;
	frame->cs = SELECTOR_KERNEL_CS;
	frame->ss = SELECTOR_KERNEL_SS;
	frame->rflags = RFLAGS_ONE;
}

/* A fault that nobody expected, in the kernel itself: all that is known, and the end. */
static NORETURN void kernel_fault(const struct trap_frame *frame)
{
	print("\n");
	trap_dump(frame);
	panic("%s in the kernel", trap_name(frame->vector));
}

/*
 * What becomes of an exception or interrupt.  The first of these that fits:
 *
 * 1. Its vector has a handler (handlers[]): that is called, and answers for everything.
 * 2. It came from a program.  A page fault is over if space_fault gives the address, which CR2
 *    holds, a page in the space of the current process; the instruction is then tried again.
 *    Anything else ends the process (process_die, with CR2).
 * 3. trap_try waits for one (try_frame): recover.
 * 4. kernel_fault.
 *
 * The kernel reaches a program's memory by the direct map only, so a page fault of its own never
 * has a right to a page.
 */
static void handle(struct trap_frame *frame)
{
	if (handlers[frame->vector]) {
		handlers[frame->vector](frame);
	} else if (trap_from_user(frame)) {
		u64 va = x86_read_cr2();

		if (frame->vector != VECTOR_PF ||
		    !space_fault(&process_current()->space, va, frame->error))
			process_die(frame, va);
	} else if (try_frame) {
		recover(frame);
	} else {
		kernel_fault(frame);
	}
}

/*
 * Who asks for a call holds the kernel's lock and waits for the answer: that interrupt is handled
 * without it.  So is one that only ends HLT.
 */
static bool needs_lock(const struct trap_frame *frame)
{
	return frame->vector != IPI_CALL_VECTOR &&
	       (frame->vector != IPI_WAKE_VECTOR || trap_from_user(frame));
}

/* A trap of the kernel itself finds the lock taken, but for one in HLT. */
void trap_dispatch(struct trap_frame *frame)
{
	bool locked = needs_lock(frame), entered = locked && lock_kernel_enter();

	handle(frame);
	if (locked && trap_from_user(frame))
		sched_preempt();
	if (entered)
		lock_kernel_leave();
}
