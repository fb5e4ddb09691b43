/* process.h - processes; see process.c */
#ifndef GUEST_OS_PROCESS_H
#define GUEST_OS_PROCESS_H

#include "space.h"
#include "trap.h"

#define PROCESS_MAX 16
#define PROCESS_NAME_MAX 16
#define PROCESS_ARGS_MAX 8
#define PROCESS_KERNEL 0 /* pid of the kernel's own thread */

enum process_state {
	PROCESS_FREE,
	PROCESS_RUNNABLE, /* those that run too */
	PROCESS_WAITING,
	PROCESS_ENDED, /* until its parent has asked for its end */
};

/* How a process ended. */
struct process_end {
	enum { END_EXIT, END_FAULT, END_KILLED } how;
	int status; /* END_EXIT: what it gave to exit */
	struct trap_frame frame; /* END_FAULT: the exception */
	u64 cr2; /* #PF: the address */
	bool no_memory; /* #PF: the address was the program's, but there was no page left */
};

struct process {
	unsigned slot; /* index in process_table */
	int pid, parent;
	enum process_state state;
	struct cpu *cpu; /* where it runs now, or NULL */
	struct cpu *home; /* where it ran last: that one's timer wakes it */
	bool pinned; /* may only run at home */
	bool doomed; /* somebody has killed it while it ran elsewhere */
	char name[PROCESS_NAME_MAX];
	struct space space; /* no pml4: a thread of the kernel */
	unsigned heap; /* index of the heap's area in space */
	u64 kernel_rsp; /* while it does not run */
	void *fpu; /* a page, see fpu.h */
	unsigned events; /* while waiting: see sched.h */
	u64 wake_at;
	u64 run_us;
	struct process_end end;
};

struct cpu;

extern struct process process_table[PROCESS_MAX];

/* Make the thread that runs now the first process, PROCESS_KERNEL. */
void process_init(void);

struct process *process_current(void);

/*
 * Start a program: words[0] is its name and, with the others, its arguments.  Returns its pid, or
 * -ENOENT, -EAGAIN (table full), -E2BIG, -ENOMEM, -ENOEXEC.
 */
int process_spawn(const char *const *words, unsigned count);

/* End the current process. */
NORETURN void process_exit(int status);

/* End the current process because of this exception, with a line on the console that names it. */
NORETURN void process_die(const struct trap_frame *frame, u64 cr2);

/* Whether process_die prints its line: yes, unless somebody else will report. */
void process_announce(bool deaths);

/*
 * End another process; one that runs elsewhere ends as soon as it leaves user mode.  0, or -ESRCH
 * if it has ended, -EINVAL for the kernel's thread.
 */
int process_kill(int pid);

/* Has this child of the current process ended?  1, and it is forgotten; 0: not yet; or -ECHILD. */
int process_reap(int pid, struct process_end *end);

/* Wait until this child has ended.  0, or -ECHILD. */
int process_wait(int pid, struct process_end *end);

/* One line of text on an end: "exit 0", "killed", "#PF: ...". */
void process_describe_end(const struct process_end *end, char *text, size_t size);

/* Charge the time since the last call to those that run, on every processor. */
void process_account(void);

/* How long processors have had nothing to do, all together. */
u64 process_idle_us(void);

/* For sched.c: on the way back to user mode; does not return if the current process is doomed. */
void process_obey(void);

/* For smp.c: make the idle thread that a processor is when it starts.  0, or -ENOMEM. */
int process_init_idle(struct cpu *cpu);

/* Where the kernel's stack of a process begins. */
u64 process_stack_top(const struct process *p);

/* For sched.c: run this process; returns when the one that called is switched to again. */
void process_switch_to(struct process *next);

#endif
