/* filter.c - see filter.h */
#define _GNU_SOURCE

#include "type2/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"

#define PROGRAM_MAX 256
#define X32_CALLS 0x40000000u /* numbers from here on are of the x32 ABI */
#define SYS_LOW_WORD(n) (offsetof(struct seccomp_data, args[n])) /* little-endian */

static struct sock_filter program[PROGRAM_MAX];
static unsigned length;

static void emit(u16 code, u32 k, u8 if_true, u8 if_false)
{
	check(length < PROGRAM_MAX);
	program[length++] = (struct sock_filter){ code, if_true, if_false, k };
}

static void load(u32 offset)
{
	emit(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void verdict(u32 what)
{
	emit(BPF_RET | BPF_K, what, 0, 0);
}

/* If the loaded word is value, the next instruction is carried out, else it is skipped. */
static void if_equal(u32 value)
{
	emit(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
}

/* Calls that are harmless whatever is asked: on descriptors that are open already, on memory. */
static const u16 free_calls[] = {
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_pread64,
	SYS_pwrite64,
	SYS_preadv,
	SYS_pwritev,
	SYS_fdatasync,
	SYS_futex,
	SYS_poll,
	SYS_ppoll,
	SYS_clock_gettime,
	SYS_nanosleep,
	SYS_clock_nanosleep,
	SYS_timerfd_settime,
	SYS_munmap,
	SYS_madvise,
	SYS_brk,
	SYS_close,
	SYS_rt_sigreturn,
	SYS_sched_yield,
	SYS_getrandom,
	SYS_restart_syscall,
	SYS_rt_sigprocmask,
	SYS_gettid,
	SYS_getpid,
	SYS_exit,
	SYS_exit_group,
};

static void allow(const u16 *calls, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if_equal(calls[i]);
		verdict(SECCOMP_RET_ALLOW);
	}
}

/* A call with one argument (its low word) under a condition; the rest of it is denied. */
static void allow_without(u32 call, unsigned arg, u32 forbidden_bits)
{
	emit(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
	load(SYS_LOW_WORD(arg));
	emit(BPF_JMP | BPF_JSET | BPF_K, forbidden_bits, 0, 1);
	verdict(SECCOMP_RET_KILL_PROCESS);
	verdict(SECCOMP_RET_ALLOW);
}

static void allow_with(u32 call, unsigned arg, const u32 *values, unsigned count)
{
	emit(BPF_JMP | BPF_JEQ | BPF_K, call, 0, (u8)(2 * count + 2));
	load(SYS_LOW_WORD(arg));
	for (unsigned i = 0; i < count; i++) {
		if_equal(values[i]);
		verdict(SECCOMP_RET_ALLOW);
	}
	verdict(SECCOMP_RET_KILL_PROCESS);
}

/* The number stays loaded until a call was recognised; those ends do not come back. */
static void write_program(const struct filter_wishes *wishes)
{
	const u32 me = (u32)getpid();

	load(offsetof(struct seccomp_data, arch));
	emit(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	verdict(SECCOMP_RET_KILL_PROCESS);
	load(offsetof(struct seccomp_data, nr));
	emit(BPF_JMP | BPF_JGE | BPF_K, X32_CALLS, 0, 1);
	verdict(SECCOMP_RET_KILL_PROCESS);
	allow_with(SYS_ioctl, 1, wishes->ioctls, wishes->ioctl_count);
	allow(free_calls, ARRAY_SIZE(free_calls));
	allow(wishes->calls, wishes->call_count);
	allow_without(SYS_mmap, 2, PROT_EXEC);
	allow_without(SYS_mprotect, 2, PROT_EXEC);
	allow_with(SYS_tgkill, 0, &me, 1);
	verdict(SECCOMP_RET_KILL_PROCESS);
}

bool filter_install(const struct filter_wishes *wishes)
{
	struct sock_fprog code = { .filter = program };

	length = 0;
	write_program(wishes);
	code.len = (u16)length;
	return !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &code);
}
