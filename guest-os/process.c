/*
 * process.c - processes
 *
 * Owns: the process table; birth, death and burial; what belongs to a process: a space, a kernel
 * stack, the FPU's registers.  The first processor's first thread is a process; each processor's
 * idle thread has no place in the table.
 * Must not know: who runs next (sched.c), what system calls there are (syscall.c).
 */
#include "process.h"

#include "clock.h"
#include "cpu.h"
#include "errno.h"
#include "fpu.h"
#include "ipi.h"
#include "layout.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "page.h"
#include "print.h"
#include "program.h"
#include "sched.h"
#include "segment.h"
#include "syscall.h"

#define STACK_STRIDE (8 * PAGE_SIZE) /* the rest of it is never mapped */
#define ARGUMENT_MAX 64 /* bytes of one argument */

struct process process_table[PROCESS_MAX];

static int last_pid;
static bool announce = true;

/* sched_switch.S, trap_entry.S */
void sched_switch(u64 *save_rsp, u64 load_rsp);
extern char trap_begin[];

/* What sched_switch pops, and above it what trap_return pops. */
struct first_frame {
	u64 registers[6];
	u64 return_to;
	struct trap_frame user;
};

void process_announce(bool deaths)
{
	announce = deaths;
}

struct process *process_current(void)
{
	return cpu_this()->current;
}

static struct process *find(int pid)
{
	for (struct process *p = process_table; p < process_table + PROCESS_MAX; p++)
		if (p->state != PROCESS_FREE && p->pid == pid)
			return p;
	return NULL;
}

u64 process_stack_top(const struct process *p)
{
	return STACK_BASE + (p->slot + 1) * STACK_STRIDE;
}

static void free_stack(const struct process *p)
{
	space_release(process_stack_top(p) - KERNEL_STACK_PAGES * PAGE_SIZE, KERNEL_STACK_PAGES);
}

static int new_stack(const struct process *p)
{
	for (unsigned i = 1; i <= KERNEL_STACK_PAGES; i++) {
		u64 va = process_stack_top(p) - i * PAGE_SIZE;
		void *page = page_alloc();

		if (!page)
			return -ENOMEM;
		if (space_map(&space_kernel, va, page_address(page), PTE_W | PTE_NX)) {
			page_free(page);
			return -ENOMEM;
		}
	}
	return 0;
}

/* The boot processor's idle thread begins here, the others' in smp.c. */
static NORETURN void begin_idle(void)
{
	sched_idle_forever();
}

int process_init_idle(struct cpu *cpu)
{
	struct process *p = &cpu->idle;
	struct first_frame *frame;

	p->slot = PROCESS_MAX + cpu->index; /* where its stack is */
	p->state = PROCESS_RUNNABLE;
	p->cpu = p->home = cpu;
	cpu->slice_end = CLOCK_NEVER;
	cpu->current = p;
	cpu->accounted_us = clock_us();
	if (new_stack(p))
		return -ENOMEM;
	frame = (void *)(process_stack_top(p) - sizeof(*frame));
	frame->return_to = (u64)begin_idle;
	p->kernel_rsp = (u64)frame;
	return 0;
}

void process_init(void)
{
	struct cpu *cpu = cpu_this();
	struct process *first = &process_table[0];

	for (unsigned i = 0; i < PROCESS_MAX; i++)
		process_table[i].slot = i;
	first->fpu = page_alloc();
	if (process_init_idle(cpu) || !first->fpu)
		panic("no memory for the first process");
	first->pid = PROCESS_KERNEL;
	first->state = PROCESS_RUNNABLE;
	first->pinned = true;
	first->cpu = first->home = cpu;
	cpu->current = first;
	fpu_fresh(first->fpu);
	fpu_restore(first->fpu);
	fmt_string(first->name, sizeof(first->name), "kernel");
}

/* Everything but the kernel stack, on which the process may still be running. */
static void release(struct process *p)
{
	if (p == process_current())
		space_activate(&space_kernel);
	space_free(&p->space);
	if (p->fpu)
		page_free(p->fpu);
	p->fpu = NULL;
}

static void bury(struct process *p)
{
	free_stack(p);
	*p = (struct process){ .slot = p->slot };
}

/*
 * The arguments on top of the user's stack: the strings, then the array of pointers to them.
 * Returns where the array begins, or 0.
 */
static u64 push_arguments(struct space *space, const char *const *words, unsigned count)
{
	u64 at = USER_STACK_TOP, argv[PROCESS_ARGS_MAX + 1] = { 0 };

	for (unsigned i = 0; i < count; i++) {
		size_t size = strlen(words[i]) + 1;

		at -= ALIGN_UP(size, 16ull);
		argv[i] = at;
		if (size > ARGUMENT_MAX || space_write(space, at, words[i], size))
			return 0;
	}
	at -= sizeof(argv);
	at = ALIGN_DOWN(at, 16);
	return space_write(space, at, argv, sizeof(argv)) ? 0 : at;
}

/* The stack that sched_switch finds when the process runs for the first time. */
static void push_first_frame(struct process *p, u64 entry, u64 argv, unsigned argc)
{
	struct first_frame *frame = (void *)(process_stack_top(p) - sizeof(*frame));

	*frame = (struct first_frame){
		.return_to = (u64)trap_begin,
		.user = { .rip = entry, .cs = SELECTOR_USER_CS, .rsp = argv, .ss = SELECTOR_USER_SS,
			  .rflags = RFLAGS_ONE | RFLAGS_IF, .rdi = argc, .rsi = argv },
	};
	p->kernel_rsp = (u64)frame;
}

static int fill(struct process *p, const struct program *program, const char *const *words,
		unsigned count)
{
	u64 entry, heap, argv;
	int error = space_new(&p->space);

	if (!error)
		error = new_stack(p);
	if (!error)
		error = program_load(program, &p->space, &entry, &heap);
	if (!error) {
		p->heap = p->space.area_count;
		error = space_add_area(&p->space, heap, heap, PTE_W | PTE_NX);
	}
	p->fpu = page_alloc();
	if (error || !p->fpu)
		return error ? error : -ENOMEM;
	argv = push_arguments(&p->space, words, count);
	if (!argv)
		return -E2BIG;
	fpu_fresh(p->fpu);
	push_first_frame(p, entry, argv, count);
	return 0;
}

static struct process *free_slot(void)
{
	for (struct process *p = process_table; p < process_table + PROCESS_MAX; p++)
		if (p->state == PROCESS_FREE)
			return p;
	return NULL;
}

int process_spawn(const char *const *words, unsigned count)
{
	const struct program *program = count ? program_find(words[0]) : NULL;
	struct process *p = free_slot();

	if (!program)
		return -ENOENT;
	if (count > PROCESS_ARGS_MAX)
		return -E2BIG;
	if (!p)
		return -EAGAIN;

	int error = fill(p, program, words, count);

	if (error) {
		release(p);
		bury(p);
		return error;
	}
	p->pid = ++last_pid;
	p->parent = process_current()->pid;
	fmt_string(p->name, sizeof(p->name), "%s", program->name);
	sched_start(p);
	return p->pid;
}

/* What a dead process leaves behind: its children, to the kernel; and news, to its parent. */
static void end(struct process *p, const struct process_end *how)
{
	p->end = *how;
	release(p);
	for (struct process *c = process_table; c < process_table + PROCESS_MAX; c++)
		if (c->state != PROCESS_FREE && c->parent == p->pid)
			c->parent = PROCESS_KERNEL;
	p->state = PROCESS_ENDED;
	sched_wake(SCHED_CHILD);
}

static NORETURN void end_current(const struct process_end *how)
{
	end(process_current(), how);
	sched_yield();
	panic("process %d ran after its end", process_current()->pid);
}

void process_exit(int status)
{
	struct process_end how = { .how = END_EXIT, .status = status };

	end_current(&how);
}

void process_die(const struct trap_frame *frame, u64 cr2)
{
	struct process_end how = { .how = END_FAULT, .frame = *frame, .cr2 = cr2 };
	char text[128];

	how.no_memory = frame->vector == VECTOR_PF && !(frame->error & PF_PRESENT) &&
			page_free_count() < SPACE_LEVELS &&
			space_owns(&process_current()->space, cr2);
	process_describe_end(&how, text, sizeof(text));
	if (announce)
		print("%s (pid %d): killed: %s\n", process_current()->name, process_current()->pid,
		      text);
	end_current(&how);
}

int process_kill(int pid)
{
	struct process *p = find(pid);
	struct process_end how = { .how = END_KILLED };

	if (!p || p->state == PROCESS_ENDED)
		return -ESRCH;
	if (p->pid == PROCESS_KERNEL)
		return -EINVAL;
	if (p == process_current())
		end_current(&how);
	p->doomed = true;
	if (p->cpu)
		ipi_wake(p->cpu);
	else
		end(p, &how);
	return 0;
}

void process_obey(void)
{
	struct process_end how = { .how = END_KILLED };

	if (process_current()->doomed)
		end_current(&how);
}

int process_reap(int pid, struct process_end *how)
{
	struct process *p = find(pid);

	if (!p || p == process_current() || p->parent != process_current()->pid)
		return -ECHILD;
	if (p->state != PROCESS_ENDED)
		return 0;
	*how = p->end;
	bury(p);
	return 1;
}

int process_wait(int pid, struct process_end *how)
{
	int reaped;

	while (!(reaped = process_reap(pid, how)))
		sched_wait(SCHED_CHILD, CLOCK_NEVER);
	return reaped < 0 ? reaped : 0;
}

static void describe_page_fault(const struct process_end *how, char *text, size_t size)
{
	u64 error = how->frame.error;

	fmt_string(text, size, "#PF at rip %#lx: %s of %#lx, %s", how->frame.rip,
		   error & PF_FETCH ? "fetch" : error & PF_WRITE ? "write" : "read", how->cr2,
		   error & PF_PRESENT ? "which is protected"
		   : how->no_memory   ? "for which there is no page left"
				      : "which is not mapped");
}

void process_describe_end(const struct process_end *how, char *text, size_t size)
{
	if (how->how == END_EXIT)
		fmt_string(text, size, "exit %d", how->status);
	else if (how->how == END_KILLED)
		fmt_string(text, size, "killed");
	else if (how->frame.vector == VECTOR_PF)
		describe_page_fault(how, text, size);
	else
		fmt_string(text, size, "%s at rip %#lx, error %#lx", trap_name(how->frame.vector),
			   how->frame.rip, how->frame.error);
}

void process_account(void)
{
	u64 now = clock_us();

	for (struct cpu *cpu = cpu_table; cpu < cpu_table + cpu_count; cpu++) {
		if (cpu->current && now > cpu->accounted_us)
			cpu->current->run_us += now - cpu->accounted_us;
		cpu->accounted_us = now;
	}
}

u64 process_idle_us(void)
{
	u64 us = 0;

	for (const struct cpu *cpu = cpu_table; cpu < cpu_table + cpu_count; cpu++)
		us += cpu->idle.run_us;
	return us;
}

void process_switch_to(struct process *next)
{
	struct cpu *cpu = cpu_this();
	struct process *before = cpu->current;

	if (next == before)
		return;
	if (before->fpu)
		fpu_save(before->fpu);
	if (next->fpu)
		fpu_restore(next->fpu);
	space_activate(next->space.pml4 ? &next->space : &space_kernel);
	segment_set_stack(process_stack_top(next));
	syscall_set_stack(process_stack_top(next));
	before->cpu = NULL;
	next->cpu = next->home = cpu;
	cpu->current = next;
	sched_switch(&before->kernel_rsp, next->kernel_rsp);
}
