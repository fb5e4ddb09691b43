/*
 * syscall.c - system calls
 *
 * Owns: the MSRs of SYSCALL and the table of calls.  Arguments come from a program that may be
 * wrong or hostile: every address goes through space_read or space_write.
 * Must not know: how the calls are done.
 *
 * Source: [SDM] "Fast System Calls in 64-Bit Mode" (5.8.8).
 */
#include "syscall.h"

#include "clock.h"
#include "cpu.h"
#include "errno.h"
#include "layout.h"
#include "lock.h"
#include "page.h"
#include "process.h"
#include "sched.h"
#include "syscall_numbers.h"
#include "uart.h"
#include "x86_ops.h"

#define WORD_MAX 64
#define FAULT_STATUS 128

/* syscall_entry.S */
extern char syscall_entry[];

void syscall_init(void)
{
	u64 selectors = (u64)SELECTOR_USER_CS32 << 48 | (u64)SELECTOR_KERNEL_CS << 32;

	x86_wrmsr(MSR_EFER, x86_rdmsr(MSR_EFER) | EFER_SCE);
	x86_wrmsr(MSR_STAR, selectors);
	x86_wrmsr(MSR_LSTAR, (u64)syscall_entry);
	x86_wrmsr(MSR_CSTAR, (u64)syscall_entry); /* AMD: from 32-bit code, which is then 64-bit */
	x86_wrmsr(MSR_SYSENTER_CS, 0); /* no SYSENTER */
	x86_wrmsr(MSR_KERNEL_GS_BASE, (u64)cpu_this());
	x86_wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC);
}

void syscall_set_stack(u64 rsp)
{
	cpu_this()->syscall_rsp = rsp;
}

static s64 do_exit(u64 status, u64 b UNUSED, u64 c UNUSED)
{
	process_exit((int)status);
}

static s64 do_write(u64 text, u64 length, u64 c UNUSED)
{
	char piece[128];

	for (u64 done = 0; done < length;) {
		size_t n = MIN(length - done, sizeof(piece));

		if (space_read(&process_current()->space, piece, text + done, n))
			return -EFAULT;
		uart_write(piece, n);
		done += n;
	}
	return (s64)length;
}

static s64 do_read(u64 buffer, u64 size, u64 c UNUSED)
{
	u64 done = 0;
	int next;

	while (size && (next = uart_read()) < 0)
		sched_wait(SCHED_INPUT, CLOCK_NEVER);
	for (; done < size && next >= 0; next = done < size ? uart_read() : -1) {
		char byte = (char)next;

		if (space_write(&process_current()->space, buffer + done++, &byte, 1))
			return -EFAULT;
	}
	return (s64)done;
}

static s64 do_getpid(u64 a UNUSED, u64 b UNUSED, u64 c UNUSED)
{
	return process_current()->pid;
}

static s64 do_yield(u64 a UNUSED, u64 b UNUSED, u64 c UNUSED)
{
	sched_yield();
	return 0;
}

static s64 do_sleep(u64 us, u64 b UNUSED, u64 c UNUSED)
{
	u64 until = clock_us() + MIN(us, CLOCK_NEVER / 2);

	while (clock_us() < until)
		sched_wait(0, until);
	return 0;
}

static s64 do_uptime(u64 a UNUSED, u64 b UNUSED, u64 c UNUSED)
{
	return (s64)clock_us();
}

/* The heap is an area that grows; its pages come when they are touched. */
static s64 do_sbrk(u64 bytes, u64 b UNUSED, u64 c UNUSED)
{
	struct process *self = process_current();
	struct space_area *heap = &self->space.area[self->heap];
	u64 before = heap->end;

	if (bytes > USER_STACK_TOP - USER_STACK_SIZE - before)
		return -ENOMEM;
	heap->end = before + ALIGN_UP(bytes, PAGE_SIZE);
	return (s64)before;
}

static s64 do_unmap(u64 va, u64 b UNUSED, u64 c UNUSED)
{
	u64 pa;

	if (va < USER_BASE || va >= USER_END)
		return -EINVAL;
	pa = space_unmap(&process_current()->space, ALIGN_DOWN(va, PAGE_SIZE));
	if (pa == SPACE_NONE)
		return -EINVAL;
	page_free(page_at(pa));
	return 0;
}

static s64 do_spawn(u64 words, u64 count, u64 c UNUSED)
{
	char text[PROCESS_ARGS_MAX][WORD_MAX];
	const char *word[PROCESS_ARGS_MAX];

	if (count > PROCESS_ARGS_MAX)
		return -E2BIG;
	for (u64 i = 0; i < count; i++) {
		struct space *space = &process_current()->space;
		u64 at, n = 0;

		if (space_read(space, &at, words + i * sizeof(at), sizeof(at)))
			return -EFAULT;
		do {
			if (n == WORD_MAX)
				return -E2BIG;
			if (space_read(space, &text[i][n], at + n, 1))
				return -EFAULT;
		} while (text[i][n++]);
		word[i] = text[i];
	}
	return process_spawn(word, (unsigned)count);
}

static s64 do_wait(u64 pid, u64 b UNUSED, u64 c UNUSED)
{
	struct process_end end;
	int error = process_wait((int)pid, &end);

	if (error)
		return error;
	return end.how == END_EXIT ? end.status : (s64)(FAULT_STATUS + end.frame.vector);
}

static s64 do_kill(u64 pid, u64 b UNUSED, u64 c UNUSED)
{
	return process_kill((int)pid);
}

typedef s64 syscall_function(u64 a, u64 b, u64 c);

static syscall_function *const calls[SYSCALL_COUNT] = {
	[SYSCALL_EXIT] = do_exit,     [SYSCALL_WRITE] = do_write,   [SYSCALL_READ] = do_read,
	[SYSCALL_GETPID] = do_getpid, [SYSCALL_YIELD] = do_yield,   [SYSCALL_SLEEP] = do_sleep,
	[SYSCALL_UPTIME] = do_uptime, [SYSCALL_SBRK] = do_sbrk,	    [SYSCALL_UNMAP] = do_unmap,
	[SYSCALL_SPAWN] = do_spawn,   [SYSCALL_WAIT] = do_wait,	    [SYSCALL_KILL] = do_kill,
};

/*
 * A program has executed SYSCALL.  syscall_numbers.h says which registers hold the number, the
 * arguments and the result; all of them are the program's to choose, in all 64 bits.  A number
 * below SYSCALL_COUNT has its function in calls[]; any other gets -ENOSYS.  The kernel's lock is
 * held from the first to the last.  The call may have made somebody else able to run, or doomed
 * this process: before the lock is given back sched_preempt looks after both.  (A call may also not
 * return at all.)
 */
void syscall_dispatch(struct trap_frame *frame)
{
	lock_kernel_enter();
	if (frame->rax < SYSCALL_COUNT)
		frame->rax = (u64)calls[frame->rax](frame->rdi, frame->rsi, frame->rdx);
	else
		frame->rax = (u64)-ENOSYS;
	sched_preempt();
	lock_kernel_leave();
}
