/*
 * monitor.c - see monitor.h: the guest's memory, its way to CPL 3 and back
 *
 *	how=hardware   the kernel runs at CPL 0, as it was written to: on the bare machine, or
 *	               as a guest of a hypervisor with hardware support
 *	how=ring3      at CPL 3: what faults is carried out here, what does not is left as it is
 *	how=translate  at CPL 3, and what does not fault is patched before
 *
 * Owns: the choice between these, the traps, the counts.
 * Must not know: what single instructions do (emulate.c), or which need a patch (translate.c).
 */
#include "monitor.h"

#include "lib/string.h"
#include "x86_ops.h"

#define GUEST_PAGE (GUEST_BASE >> 21)
#define LINE_SIZE 80
#define STATUS_DEATH 9

/* rt/boot.S: the tables in use. */
extern u64 rt_pml4[], rt_pdpt[], rt_pd[];
/* kernel.S: as it lies in this image; it is copied to GUEST_BASE. */
extern const u8 kernel_begin[], kernel_code_end[], kernel_name[], kernel_end[];

static unsigned by_patch, by_fault;
static char line[LINE_SIZE];
static unsigned line_length;

/* ---- The guest's end ---------------------------------------------------------------------- */

void monitor_stop(unsigned status, const char *why)
{
	if (*why)
		rt_print("monitor: the guest is stopped: %s\n", why);
	rt_print("monitor: %u traps by a patch, %u by the processor\n", by_patch, by_fault);
	rt_end(status);
}

static NORETURN void stop_at(const struct rt_frame *f, const char *what)
{
	rt_print("monitor: %s, vector %lu at %#lx\n", what, f->vector, f->rip);
	monitor_stop(STATUS_DEATH, "it cannot go on");
}

/* ---- The guest's memory ------------------------------------------------------------------ */

static void *guest_memory(u64 at, size_t size)
{
	if (at < GUEST_BASE || at > GUEST_BASE + GUEST_SIZE - size)
		monitor_stop(STATUS_DEATH, "it names memory that is not its own");
	return (void *)(uintptr_t)at;
}

void guest_read(void *to, u64 from, size_t size)
{
	memcpy(to, guest_memory(from, size), size);
}

void guest_write(u64 to, const void *from, size_t size)
{
	memcpy(guest_memory(to, size), from, size);
}

void monitor_type(char c)
{
	if (c != '\n' && line_length < LINE_SIZE - 1) {
		line[line_length++] = c;
		return;
	}
	line[line_length] = '\0';
	rt_print("%s\n", line);
	line_length = 0;
}

/* ---- Traps -------------------------------------------------------------------------------- */

/* The guest runs with the monitor's IF and IOPL, whatever it believes. */
static void look_at_flags(const struct rt_frame *f)
{
	if (!(f->rflags & RFLAGS_IF) || f->rflags & RFLAGS_IOPL)
		stop_at(f, "the guest has got at IF or IOPL of the real CPU");
}

/* INT3 that stands for another instruction: RIP is behind its one byte. */
static bool by_our_patch(struct rt_frame *f)
{
	const struct patch *patch = patch_at(f->rip - 1 - GUEST_BASE);

	if (f->vector != VECTOR_BP || !patch)
		return false;
	f->rip--;
	if (!emulate(&patch->insn, f))
		stop_at(f, "no answer to a patched instruction");
	f->rip += patch->insn.len;
	by_patch++;
	return true;
}

/* What the processor refuses at CPL 3. */
static bool by_processor(struct rt_frame *f)
{
	struct insn insn;

	if (f->vector != VECTOR_GP ||
	    decode(&insn, guest_memory(f->rip, INSN_MAX_LEN), INSN_MAX_LEN, DECODE_64))
		return false;
	by_fault++;
	if (!emulate(&insn, f))
		return false;
	f->rip += insn.len;
	return true;
}

static bool trap(struct rt_frame *f)
{
	if ((f->cs & 3) != 3)
		return false;
	look_at_flags(f);
	if (!by_our_patch(f) && !by_processor(f))
		stop_at(f, "a trap that the monitor does not know");
	return true;
}

/* ---- The start ------------------------------------------------------------------------- */

static void load_kernel(void)
{
	u8 *base = (u8 *)GUEST_BASE;

	memset(base, 0, GUEST_SIZE / 16);
	memcpy(base, kernel_begin, (size_t)(kernel_end - kernel_begin));
	rt_word("nonce", (char *)base + (kernel_name - kernel_begin), 9);
}

/* The virtual CPU as a loader leaves it: CPL 0, paging, interrupts off. */
static void reset_cpu(void)
{
	virtual_cpu = (struct virtual_cpu){
		.cr0 = x86_read_cr0(), .tr = RT_TSS, .cs = RT_CS, .ss = RT_DS
	};
}

/* User mode may touch the guest's page and no other, and has no SYSCALL into the monitor. */
static void protect(void)
{
	u64 efer;

	rt_pml4[0] |= PTE_U;
	rt_pdpt[0] |= PTE_U;
	rt_pd[GUEST_PAGE] |= PTE_U;
	x86_write_cr3(x86_read_cr3());
	if (rt_rdmsr(MSR_EFER, &efer))
		rt_wrmsr(MSR_EFER, efer & ~EFER_SCE);
	rt_gate(VECTOR_BP, RT_CS, 3, 1, true);
	rt_hook = trap;
}

/* The kernel at CPL 3; it comes back by traps only. */
static NORETURN void enter(void)
{
	__asm__ volatile("pushq %0\n\tpushq %1\n\tpushq %2\n\tpushq %3\n\tpushq %4\n\tiretq" ::"r"(
			     (u64)RT_USER_DS),
			 "r"(GUEST_BASE + GUEST_SIZE), "r"((u64)(RFLAGS_ONE | RFLAGS_IF)),
			 "r"((u64)RT_USER_CS), "r"((u64)GUEST_BASE)
			 : "memory");
	__builtin_unreachable();
}

unsigned probe_main(void)
{
	load_kernel();
	if (rt_has("how", "hardware")) {
		((void (*)(void))GUEST_BASE)();
		return STATUS_DEATH;
	}
	reset_cpu();
	if (rt_has("how", "translate")) {
		bool all = translate((u8 *)GUEST_BASE, (unsigned)(kernel_code_end - kernel_begin));

		rt_print("monitor: %u instructions patched%s\n", patch_count,
			 all ? "" : ", and then no further");
	}
	protect();
	enter();
}
