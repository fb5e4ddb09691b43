/*
 * fuzz_task.c - task switches between tasks that are described anyhow
 *
 * Input: how the switch is asked for; changes of a GDT and a TSS that are good at first: a place
 * and a number of one to four bytes.  What the new task has, VT-x could enter; or the old one
 * faults and has not changed.
 */
#include "fuzz_vm.h"

#include <string.h>

#include "vm/task.h"

#define GDT FUZZ_DATA
#define OLD_TSS (FUZZ_DATA + 0x100)
#define NEW_TSS (FUZZ_DATA + 0x200)
#define LDT (FUZZ_DATA + 0x300)
#define STACK (FUZZ_DATA + 0x800)
#define GDT_LIMIT 0x7fu

enum { S_CODE = 0x08, S_DATA = 0x10, S_OLD = 0x18, S_NEW = 0x20, S_LDT = 0x28, S_CODE3 = 0x30,
       S_DATA3 = 0x38, S_NEW16 = 0x40 };

#define A_CODE 0xc9au
#define A_DATA 0xc92u
#define A_DPL3 0x60u
#define A_TSS32 0x089u
#define A_TSS16 0x081u
#define A_LDT 0x082u
#define BUSY 2u

#define TSS_CR3 0x1c
#define TSS_EIP 0x20
#define TSS_EFLAGS 0x24
#define TSS_ESP 0x38
#define TSS_ES 0x48

static void put(u32 at, unsigned size, u64 value)
{
	memcpy(fuzz_vm_ram(at), &value, size);
}

static void describe(u32 selector, u32 base, u32 limit, u32 attr)
{
	put(GDT + selector, 8,
	    (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)(attr & 0xff) << 40 |
		    (u64)(limit >> 16 & 15) << 48 | (u64)(attr >> 8 & 15) << 52 |
		    (u64)(base >> 24) << 56);
}

static void describe_all(enum task_source source)
{
	u32 busy = source == TASK_IRET ? BUSY : 0;

	describe(S_CODE, 0, 0xfffff, A_CODE);
	describe(S_DATA, 0, 0xfffff, A_DATA);
	describe(S_CODE3, 0, 0xfffff, A_CODE | A_DPL3);
	describe(S_DATA3, 0, 0xfffff, A_DATA | A_DPL3);
	describe(S_OLD, OLD_TSS, 103, A_TSS32 | BUSY);
	describe(S_NEW, NEW_TSS, 103, A_TSS32 | busy);
	describe(S_NEW16, NEW_TSS, 43, A_TSS16 | busy);
	describe(S_LDT, LDT, 15, A_LDT);
}

static void fill_tss(bool user)
{
	put(NEW_TSS + TSS_EIP, 4, FUZZ_CODE);
	put(NEW_TSS + TSS_EFLAGS, 4, RFLAGS_ONE);
	put(NEW_TSS + TSS_ESP, 4, STACK);
	put(NEW_TSS + TSS_CR3, 4, FUZZ_PD32);
	for (u32 i = 0; i < 6; i++) /* ES, CS, SS, DS, FS, GS */
		put(NEW_TSS + TSS_ES + 4 * i, 2,
		    i == 1 ? (user ? S_CODE3 + 3 : S_CODE) : user ? S_DATA3 + 3 : S_DATA);
}

/* A change where something is; of every byte of the data pages' first. */
static void change(struct fuzz_input *in)
{
	u16 where = (u16)fuzz_take(in, 2);
	unsigned size = 1u << (where >> 13 & 3) % 3;

	put(FUZZ_DATA + where % 0x380, size, fuzz_take(in, size));
}

static void ask(struct vcpu *v, enum task_source source, struct fuzz_input *in)
{
	static const u16 targets[] = { S_NEW, S_NEW16, S_NEW, S_OLD, S_CODE, 0, 0x1004, 0xfff8 };
	static const u8 types[] = { EVENT_INTR, EVENT_NMI, EVENT_EXCEPTION, EVENT_SOFT_INT,
				    EVENT_SOFT_EXCEPTION };
	u8 how = (u8)fuzz_take(in, 1);

	v->exit = (struct vm_exit){ .reason = EXIT_TASK, .insn_len = (u8)(1 + (how & 7)) };
	v->exit.task.source = (u8)source;
	v->exit.task.selector = targets[how >> 3 & 7];
	v->exit.task.has_error = source == TASK_IDT && (how & 0x40);
	v->exit.task.error = how * 0x101u;
	if (source == TASK_IDT)
		v->state.interrupted =
			(struct event){ .type = types[how % ARRAY_SIZE(types)],
					.vector = how & 0x1f,
					.has_error = how & 0x40,
					.insn_len = 2 };
	if (v->state.interrupted.type == EVENT_NMI)
		v->state.interrupted.vector = VECTOR_NMI;
}

static void check_fault(struct vcpu *v, const struct gpregs *before, u16 old_task)
{
	const struct event *fault = &v->exit.fault;

	check(fault->type == EVENT_EXCEPTION);
	check(fault->vector == VECTOR_TS || fault->vector == VECTOR_NP ||
	      fault->vector == VECTOR_SS || fault->vector == VECTOR_GP ||
	      fault->vector == VECTOR_PF || fault->vector == VECTOR_DB ||
	      fault->vector == VECTOR_AC);
	if (v->exit.task.selector != old_task && vcpu_state(v, STATE_ALL)->tr.selector == old_task)
		check(!memcmp(&v->regs, before, sizeof(*before)));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const enum fuzz_mode modes[] = { FUZZ_PM32, FUZZ_PAGED32, FUZZ_V86, FUZZ_PAE };
	struct fuzz_input in = { data, size };
	u8 options = (u8)fuzz_take(&in, 1);
	enum task_source source = (enum task_source)(options & 3);
	struct vcpu *v = fuzz_vm_begin(1, false)->vcpu[0];
	struct gpregs before;
	enum fuzz_mode mode = modes[options >> 2 & 3];

	fuzz_vm_state(v, mode, options & 0x10, &in);
	memset(fuzz_vm_ram(FUZZ_DATA), 0, FUZZ_DATA_SIZE);
	describe_all(source);
	fill_tss(options & 0x20);
	if (mode == FUZZ_PAE)
		put(NEW_TSS + TSS_CR3, 4, FUZZ_PDPT_PAE);
	v->state.gdtr = (struct table_register){ GDT, GDT_LIMIT };
	v->state.tr = (struct segment){ S_OLD, A_TSS32 | BUSY, 103, OLD_TSS };
	if (options & 0x40)
		v->state.tr = (struct segment){ S_OLD, A_TSS16 | BUSY, 43, OLD_TSS };
	fake_vcpu_settle(v);
	ask(v, source, &in);
	while (in.left)
		change(&in);
	before = v->regs;
	task_switch(v);
	check(!host_locked(&v->vm->lock));
	if (v->exit.outcome == OUTCOME_FAULT)
		check_fault(v, &before, S_OLD);
	else
		check(v->exit.outcome == OUTCOME_RETRY || v->vm->state == VM_DEAD);
	if (v->vm->state == VM_RUNNING)
		fuzz_vm_check_segments(v);
	v->exit.outcome = OUTCOME_NONE;
	return 0;
}
