/*
 * emulate_parts.h - what the files of emulation share
 *
 * Owns: memory operands, of which everything that may fault is done before anything happens.
 * Must not know: back ends.  Private to emulate*.c and task.c.
 *
 * A CPU raises the faults of an instruction before the instruction has had any effect, and a read
 * of a device register is an effect.  So an operand is first located: segment, alignment, page
 * tables, for reading or for writing; one that is read, modified and written is located for
 * writing.  What has been located is read and written without a fault.
 */
#ifndef ESPEJO_VM_EMULATE_PARTS_H
#define ESPEJO_VM_EMULATE_PARTS_H

#include "vm/breakpoint.h"
#include "vm/decode.h"
#include "vm/exit.h"
#include "vm/walk.h"

#include "vm/vcpu.h"

/*
 * What became of an instruction.  R_AGAIN: a REP that is not at its end.  R_MOVED: done, RIP and
 * RFLAGS being already those of the next instruction.  R_SHADOW: the same, and an interrupt shadow
 * has begun (MOV SS).  R_ELSEWHERE: v->exit has its outcome.
 */
enum emulate_result {
	R_DONE,
	R_FAULT,
	R_AGAIN,
	R_UNKNOWN,
	R_MOVED,
	R_CHANGED, /* not what the CPU executed: it shall look again */
	R_SHADOW,
	R_ELSEWHERE,
};

/* A located piece of memory.  len 0: the operand is no memory. */
struct emulate_place {
	u64 gva;
	unsigned len, first; /* bytes in all, and on the first page */
	bool write;
	bool locked; /* vm->lock is held */
	gpa_t at[2]; /* of the pages it touches */
	u8 *ram[2]; /* NULL: a device, or nothing */
};

/* ---- emulate_memory.c */

/* Bytes from linear address gva; access is ACCESS_READ or _WRITE, and WALK_SYSTEM.  0, or -1. */
int emulate_locate(struct vcpu *v, u64 gva, unsigned len, unsigned access,
		   struct emulate_place *place, struct event *fault);
void emulate_get(struct vcpu *v, const struct emulate_place *place, void *to);
void emulate_put(struct vcpu *v, const struct emulate_place *place, const void *from);

/*
 * Read, modify, write as one: between begin and end no other vCPU of the VM gets at a device; and
 * RAM is replaced only if it still holds old (false: it does not, read again), in one access if it
 * lies in one piece there (exchange.h).
 */
void emulate_begin(struct vcpu *v, struct emulate_place *place);
bool emulate_replace(struct vcpu *v, const struct emulate_place *place, const void *old,
		     const void *new);
void emulate_end(struct vcpu *v, struct emulate_place *place);

/* len bytes at offset in a segment, as code of v's CPL may access them: 0, or -1 with the fault. */
int emulate_locate_in(struct vcpu *v, enum x86_seg seg, u64 offset, unsigned len, bool write,
		      struct emulate_place *place, struct event *fault);
/* The operand of an instruction, which is memory; or may be. */
int emulate_locate_memory(struct vcpu *v, const struct insn *insn, const struct insn_operand *opnd,
			  unsigned len, bool write, struct emulate_place *place,
			  struct event *fault);
static inline int emulate_locate_operand(struct vcpu *v, const struct insn *insn,
					 const struct insn_operand *opnd, unsigned len, bool write,
					 struct emulate_place *place, struct event *fault)
{
	if (opnd->kind == OPERAND_MEM || opnd->kind == OPERAND_SI || opnd->kind == OPERAND_DI)
		return emulate_locate_memory(v, insn, opnd, len, write, place, fault);
	place->len = place->first = 0;
	place->locked = false;
	return 0;
}

/* It was accessed: breakpoints. */
void emulate_watched(struct vcpu *v, const struct emulate_place *place);
static inline void emulate_accessed(struct vcpu *v, const struct emulate_place *place)
{
	if (place->len && unlikely(!breakpoint_none(v)))
		emulate_watched(v, place);
}

/* In 64-bit mode (not compatibility mode)? */
bool emulate_code64(struct vcpu *v);
bool emulate_canonical(struct vcpu *v, u64 gva);
/* Offsets into the stack are cut to these bits. */
u64 emulate_stack_mask(struct vcpu *v);

static inline int emulate_fault(struct event *fault, u8 vector, u32 error)
{
	*fault = (struct event){ .type = EVENT_EXCEPTION,
				 .vector = vector,
				 .has_error = true,
				 .error = error };
	return -1;
}

/* Of a vector without an error code. */
static inline int emulate_exception(struct event *fault, u8 vector)
{
	*fault = (struct event){ .type = EVENT_EXCEPTION, .vector = vector };
	return -1;
}

/* The instruction is over, and code goes on at rip: what it returns. */
static inline enum emulate_result emulate_moved(struct vcpu *v, u64 rip)
{
	v->regs.rip = rip;
	v->regs.rflags &= ~(u64)RFLAGS_RF;
	return R_MOVED;
}

/* ---- emulate.c: the value of an operand that has been located, up to eight bytes */
u64 emulate_value(struct vcpu *v, const struct insn *insn, const struct insn_operand *opnd,
		  const struct emulate_place *place);
void emulate_store(struct vcpu *v, const struct insn *insn, const struct insn_operand *opnd,
		   const struct emulate_place *place, u64 value);

/* ---- the files with groups of instructions; R_UNKNOWN: not theirs */
enum emulate_result emulate_string(struct vcpu *v, const struct insn *insn, struct event *fault);
enum emulate_result emulate_stack(struct vcpu *v, const struct insn *insn, struct event *fault);
enum emulate_result emulate_segment(struct vcpu *v, const struct insn *insn, struct event *fault);
enum emulate_result emulate_system(struct vcpu *v, const struct insn *insn, struct event *fault);
enum emulate_result emulate_far(struct vcpu *v, const struct insn *insn, struct event *fault);
enum emulate_result emulate_return(struct vcpu *v, const struct insn *insn, struct event *fault);
enum emulate_result emulate_integer(struct vcpu *v, const struct insn *insn, struct event *fault);
enum emulate_result emulate_bmi(struct vcpu *v, const struct insn *insn, struct event *fault);
enum emulate_result emulate_vector(struct vcpu *v, const struct insn *insn, struct event *fault);
enum emulate_result emulate_fpu(struct vcpu *v, const struct insn *insn, struct event *fault);

#endif
