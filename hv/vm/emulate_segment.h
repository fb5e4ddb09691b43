/*
 * emulate_segment.h - descriptors, as emulated instructions and task switches load them
 *
 * Owns: the words in which emulate_segment.c, emulate_far.c and task.c speak of segments.
 * Must not know: instructions.  Private to them.
 *
 * Source: [SDM] vol. 3 "Segment Descriptors" (3.4.5), "System Descriptor Types" (3.5).
 */
#ifndef ESPEJO_VM_EMULATE_SEGMENT_H
#define ESPEJO_VM_EMULATE_SEGMENT_H

#include "vm/decode.h"
#include "vm/state.h"

struct vcpu;

/* Type bits of code and data. */
#define SEGMENT_CODE BIT(3)
#define SEGMENT_CONFORMING BIT(2)
#define SEGMENT_RW BIT(1) /* code: readable, data: writable */
#define SEGMENT_ACCESSED BIT(0)

/* Types of the system. */
#define SEGMENT_TSS16 1
#define SEGMENT_LDT 2
#define SEGMENT_CALL16 4
#define SEGMENT_TASK_GATE 5
#define SEGMENT_TSS 9
#define SEGMENT_CALL 12
#define SEGMENT_BUSY BIT(1) /* of a TSS */
#define SEGMENT_32 BIT(3) /* of a TSS, of a gate */

#define SELECTOR_RPL 3
#define SELECTOR_LOCAL BIT(2)
#define SELECTOR_INDEX 0xfff8
#define SELECTOR_ERROR 0xfffc

#define SEGMENT_DESCRIPTOR 8 /* bytes in a table */
#define SEGMENT_TYPE_BYTE 5 /* of them, the one with type, DPL and P */

struct descriptor {
	u64 raw[2]; /* the second: of the system in long mode, else 0 */
	u64 at; /* linear address */
	struct segment segment; /* raw taken apart */
};

static inline unsigned segment_dpl(const struct segment *s)
{
	return (s->attr & SEG_ATTR_DPL) >> SEG_ATTR_DPL_SHIFT;
}

/* Protected mode (virtual-8086 mode is none); long mode, compatibility mode too. */
bool segment_protected(struct vcpu *v);
bool segment_long(struct vcpu *v);

/* -1, with a fault that names the selector. */
int segment_fault(struct event *fault, u8 vector, u16 selector);

/* Linear address of len bytes at the selector's place in its table; -1: beyond the limit. */
int segment_find(struct vcpu *v, u16 selector, unsigned len, u64 *at);

/* What a selector stands for.  -1: #GP, null and beyond the table, or #PF. */
int segment_read(struct vcpu *v, u16 selector, struct descriptor *d, struct event *fault);

/* Set a type bit (SEGMENT_ACCESSED, _BUSY) in register and memory, if it is not. */
int segment_mark(struct vcpu *v, struct descriptor *d, u16 bit, struct event *fault);

/* Is s a stack for that CPL?  -1: vector with the selector, or #SS, if it is absent. */
int segment_check_stack(const struct segment *s, u8 cpl, u8 vector, struct event *fault);
/* May DS and its kin hold it at that CPL?  -1: vector with the selector, or #NP. */
int segment_check_data(const struct segment *s, u8 cpl, u8 vector, struct event *fault);

/*
 * A segment register that is not CS becomes selector, by the rules of v's mode.  -1: the fault,
 * nothing changed.
 */
int segment_load(struct vcpu *v, enum x86_seg seg, u16 selector, struct event *fault);

/*
 * Bytes of the offset in a far pointer in memory: 2, 4 or 8.  [SDM] vol. 2 "JMP",
 * "LDS/LES/LFS/LGS/LSS"; [APM] vol. 3 "JMP (Far)", "LDS, LES, LFS, LGS, LSS".
 */
unsigned segment_pointer_size(const struct vcpu *v, const struct insn *insn);

/* Any of them in real or virtual-8086 mode; the caller tells the back end. */
void segment_set_real(struct vcpu *v, enum x86_seg seg, u16 selector);

#endif
