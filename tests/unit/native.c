/* native.c - see native.h */
#define _DEFAULT_SOURCE
#include "native.h"

#ifdef __x86_64__
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

u64 native_state[REG_COUNT + 1], native_rsp, native_code;
void native_enter(void);
void native_leave(void);

/* All registers but RSP come from native_state and go back there. */
__asm__(
    ".text\n"
    "native_enter:\n"
    "	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
    "	pushfq\n"
    "	mov %rsp, native_rsp(%rip)\n"
    "	pushq native_state+128(%rip)\n"
    "	popfq\n"
    "	mov native_state+0(%rip), %rax\n	mov native_state+8(%rip), %rcx\n"
    "	mov native_state+16(%rip), %rdx\n	mov native_state+24(%rip), %rbx\n"
    "	mov native_state+40(%rip), %rbp\n	mov native_state+48(%rip), %rsi\n"
    "	mov native_state+56(%rip), %rdi\n	mov native_state+64(%rip), %r8\n"
    "	mov native_state+72(%rip), %r9\n	mov native_state+80(%rip), %r10\n"
    "	mov native_state+88(%rip), %r11\n	mov native_state+96(%rip), %r12\n"
    "	mov native_state+104(%rip), %r13\n	mov native_state+112(%rip), %r14\n"
    "	mov native_state+120(%rip), %r15\n"
    "	jmp *native_code(%rip)\n"
    "native_leave:\n"
    "	mov %rax, native_state+0(%rip)\n	mov %rcx, native_state+8(%rip)\n"
    "	mov %rdx, native_state+16(%rip)\n	mov %rbx, native_state+24(%rip)\n"
    "	mov %rbp, native_state+40(%rip)\n	mov %rsi, native_state+48(%rip)\n"
    "	mov %rdi, native_state+56(%rip)\n	mov %r8, native_state+64(%rip)\n"
    "	mov %r9, native_state+72(%rip)\n	mov %r10, native_state+80(%rip)\n"
    "	mov %r11, native_state+88(%rip)\n	mov %r12, native_state+96(%rip)\n"
    "	mov %r13, native_state+104(%rip)\n	mov %r14, native_state+112(%rip)\n"
    "	mov %r15, native_state+120(%rip)\n"
    "	mov native_rsp(%rip), %rsp\n"
    "	pushfq\n"
    "	popq native_state+128(%rip)\n"
    "	popfq\n"
    "	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	pop %rbx\n"
    "	ret\n");

/* Of RIP in a signal's context.  The C library has a name for it, which comes with others that are
 * ours. */
#define REG_RIP_INDEX 16

static volatile sig_atomic_t divide_error;

/* The instruction had no effect: leave with the registers as they are. */
static void on_divide_error(int number UNUSED, siginfo_t *info UNUSED, void *context)
{
	ucontext_t *c = context;

	divide_error = 1;
	c->uc_mcontext.gregs[REG_RIP_INDEX] = (greg_t)(uintptr_t)native_leave;
}

static u8 *map(u64 at, u64 size, int protection)
{
	void *p = mmap((void *)(uintptr_t)at, size, protection,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

bool native_init(void)
{
	struct sigaction action = { .sa_sigaction = on_divide_error,
				    .sa_flags = SA_SIGINFO | SA_NODEFER };
	static bool done;

	if (!done)
		done = map(NATIVE_CODE, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC) &&
		       map(NATIVE_DATA, NATIVE_DATA_SIZE, PROT_READ | PROT_WRITE) &&
		       !sigaction(SIGFPE, &action, NULL);
	return done;
}

/* Behind the instruction: JMP [RIP], and there the address. */
bool native_run(struct native *n, const u8 *bytes, unsigned len)
{
	static const u8 jump[] = { 0xff, 0x25, 0, 0, 0, 0 };
	u8 *code = (u8 *)(uintptr_t)NATIVE_CODE;
	void (*leave)(void) = native_leave;

	memcpy(code, bytes, len);
	memcpy(code + len, jump, sizeof(jump));
	memcpy(code + len + sizeof(jump), &leave, sizeof(leave));
	memcpy(native_state, n->r, sizeof(n->r));
	native_state[REG_COUNT] = n->rflags | RFLAGS_ONE | RFLAGS_IF;
	native_code = NATIVE_CODE;
	divide_error = 0;
	native_enter();
	memcpy(n->r, native_state, sizeof(n->r));
	n->rflags = native_state[REG_COUNT];
	return !divide_error;
}
#else
bool native_init(void)
{
	return false;
}

bool native_run(struct native *n UNUSED, const u8 *bytes UNUSED, unsigned len UNUSED)
{
	return false;
}
#endif
