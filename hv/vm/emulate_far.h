/*
 * emulate_far.h - what jumps and returns that load CS have in common
 *
 * Owns: a transfer's target and stack.
 * Must not know: instructions.  Private to emulate_far.c and emulate_return.c.
 */
#ifndef ESPEJO_VM_EMULATE_FAR_H
#define ESPEJO_VM_EMULATE_FAR_H

#include "vm/emulate_parts.h"
#include "vm/emulate_segment.h"
#include "vm/task.h"

/* Where a transfer leads. */
struct target {
	struct descriptor code;
	u64 rip;
	u8 cpl; /* the new one */
};

/* A stack that is not v's yet: rSP, SS, the bits of its addresses. */
struct stack {
	u64 sp, mask;
	struct segment ss;
};

/* v's own; values of 2, 4 or 8 bytes, through v's SS.  -1: the fault; v's rSP is as it was. */
struct stack far_stack(struct vcpu *v);
int far_push(struct vcpu *v, struct stack *s, unsigned size, u64 value, struct event *fault);
int far_pop(struct vcpu *v, struct stack *s, unsigned size, u64 *value, struct event *fault);
void far_set_stack(struct vcpu *v, const struct stack *s);

bool far_is_code(const struct segment *s);
/*
 * Protected mode: is the code segment present, of 64 bits or not, but not of both, and the target
 * within it?  Then it is marked as accessed.  CS, CPL and RIP as they are from now on.
 */
int far_check_code(struct vcpu *v, struct target *t, struct event *fault);
void far_set_code(struct vcpu *v, const struct target *t);

/* The same in real and virtual-8086 mode. */
int far_check_real(struct vcpu *v, u64 rip, struct event *fault);
void far_set_real(struct vcpu *v, u16 selector, u64 rip);

/* The instruction changes the task. */
enum emulate_result far_switch_task(struct vcpu *v, const struct insn *insn, u16 selector,
				    enum task_source source);

#endif
