/*
 * filter.c - what a container may ask the kernel: container.h has the contract
 *
 * Owns: the list of system calls that are refused, and the program that refuses them.
 * Must not know: why a process asks.
 *
 * A guest of a hypervisor meets an interface of a CPU and a few devices.  A container meets one of
 * some 350 system calls, of a kernel that everybody shares: this list is what makes it smaller.
 * Unknown numbers, beyond those that this file knew when it was written, do not exist (ENOSYS).
 * The filter is a program of the classic BPF machine, run by the kernel before each system call.
 * Source: seccomp(2), "Filters"; Linux, "Seccomp BPF (SECure COMPuting with filters)".
 */
#define _GNU_SOURCE
#include "container/container.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#define NEW_NAMESPACES                                                                  \
	(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | \
	 CLONE_NEWCGROUP)
#define LAST_KNOWN SYS_futex_waitv

static const u16 refused[] = {
	/* other file systems, another root */
	SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_open_tree, SYS_move_mount,
	SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr,
	SYS_open_by_handle_at, SYS_quotactl, SYS_quotactl_fd, SYS_swapon, SYS_swapoff, SYS_acct,
	/* other namespaces */
	SYS_unshare, SYS_setns,
	/* other processes */
	SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd, SYS_kcmp,
	SYS_process_madvise,
	/* the kernel itself, its keys and its messages */
	SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_kexec_file_load,
	SYS_reboot, SYS_bpf, SYS_perf_event_open, SYS_add_key, SYS_request_key, SYS_keyctl,
	SYS_syslog, SYS_userfaultfd, SYS_lookup_dcookie, SYS_io_uring_setup, SYS_io_uring_enter,
	SYS_io_uring_register,
	/* the machine */
	SYS_iopl, SYS_ioperm, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime,
};

#define FIELD(name) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, name))
#define ANSWER(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
/* If the value satisfies it, the next instruction, else the one behind it. */
#define IF(test, value) BPF_JUMP(BPF_JMP | (test) | BPF_K, (value), 0, 1)
#define IF_NOT(test, value) BPF_JUMP(BPF_JMP | (test) | BPF_K, (value), 1, 0)

static const struct sock_filter begin[] = {
	/* The numbers below are those of 64-bit calls; other ways into the kernel are shut. */
	FIELD(arch),
	IF_NOT(BPF_JEQ, AUDIT_ARCH_X86_64),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	FIELD(nr),
	/* x32 calls have bit 30 set, and are caught here too. */
	IF(BPF_JGT, LAST_KNOWN),
	ANSWER(ENOSYS),
	/* clone3's flags lie in memory, where a filter cannot look; libraries then use clone. */
	IF(BPF_JEQ, SYS_clone3),
	ANSWER(ENOSYS),
};

static const struct sock_filter end[] = {
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
	FIELD(args[0]), /* its lower half: little-endian */
	IF(BPF_JSET, NEW_NAMESPACES),
	ANSWER(EPERM),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

/* Without those of the bounding set, no program that root executes gets a capability either. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	unsigned cap = 0;

	while (!prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
		cap++;
	if (errno != EINVAL || syscall(SYS_capset, &header, none))
		container_die(EX_OSERR, "cannot drop capabilities");
}

void filter_install(void)
{
	struct sock_filter code[ARRAY_SIZE(begin) + 2 * ARRAY_SIZE(refused) + ARRAY_SIZE(end)];
	struct sock_fprog program = { .filter = code };

	for (unsigned i = 0; i < ARRAY_SIZE(begin); i++)
		code[program.len++] = begin[i];
	for (unsigned i = 0; i < ARRAY_SIZE(refused); i++) {
		code[program.len++] = (struct sock_filter)IF(BPF_JEQ, refused[i]);
		code[program.len++] = (struct sock_filter)ANSWER(EPERM);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(end); i++)
		code[program.len++] = end[i];
	drop_capabilities();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		container_die(EX_OSERR, "cannot install the filter of system calls");
}
