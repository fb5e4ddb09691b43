/*
 * emulate_far.c - jumps and calls that load CS
 *
 * Owns: far JMP and CALL, directly and through gates, to more privileged levels too.
 * Must not know: what is behind the addresses; task switches (task.h), to which some of them lead.
 *
 * Sources: [SDM] vol. 2 "CALL", "JMP"; vol. 3 "Privilege Level Checking When Transferring Program
 * Control Between Code Segments" (5.8).
 */
#include "vm/emulate_far.h"

#include "vm/emulate.h"
#include "vm/vm.h"

#define GATE_PARAMETERS 31
#define TSS_STACK 4 /* ESP0 of a 32-bit TSS; each stack is 8 bytes */
#define TSS_STACK16 2 /* SP0; 4 bytes */

/* ---- Stacks ----------------------------------------------------------------------------- */

struct stack far_stack(struct vcpu *v)
{
	return (struct stack){ .sp = v->regs.r[REG_RSP],
			       .mask = emulate_stack_mask(v),
			       .ss = vcpu_state(v, STATE_SEG)->seg[SEG_SS] };
}

int far_push(struct vcpu *v, struct stack *s, unsigned size, u64 value, struct event *fault)
{
	struct emulate_place place;

	s->sp = (s->sp & ~s->mask) | ((s->sp - size) & s->mask);
	if (emulate_locate_in(v, SEG_SS, s->sp & s->mask, size, true, &place, fault))
		return -1;
	emulate_put(v, &place, &value);
	return 0;
}

int far_pop(struct vcpu *v, struct stack *s, unsigned size, u64 *value, struct event *fault)
{
	struct emulate_place place;

	*value = 0;
	if (emulate_locate_in(v, SEG_SS, s->sp & s->mask, size, false, &place, fault))
		return -1;
	emulate_get(v, &place, value);
	s->sp = (s->sp & ~s->mask) | ((s->sp + size) & s->mask);
	return 0;
}

void far_set_stack(struct vcpu *v, const struct stack *s)
{
	v->regs.r[REG_RSP] = s->sp;
}

/* ---- Code segments ---------------------------------------------------------------------- */

int far_check_code(struct vcpu *v, struct target *t, struct event *fault)
{
	const struct segment *cs = &t->code.segment;
	bool wide = segment_long(v) && (cs->attr & SEG_ATTR_L);

	if (wide && (cs->attr & SEG_ATTR_DB))
		return segment_fault(fault, VECTOR_GP, cs->selector);
	if (!(cs->attr & SEG_ATTR_P))
		return segment_fault(fault, VECTOR_NP, cs->selector);
	if (wide ? !emulate_canonical(v, t->rip) : t->rip > cs->limit)
		return segment_fault(fault, VECTOR_GP, 0);
	return segment_mark(v, &t->code, SEGMENT_ACCESSED, fault);
}

bool far_is_code(const struct segment *s)
{
	return (s->attr & SEG_ATTR_S) && (s->attr & SEGMENT_CODE);
}

void far_set_code(struct vcpu *v, const struct target *t)
{
	struct segment *cs = &v->state.seg[SEG_CS];

	*cs = t->code.segment;
	cs->selector = (u16)((cs->selector & ~SELECTOR_RPL) | t->cpl);
	v->state.cpl = t->cpl;
	v->regs.rip = t->rip;
	v->regs.rflags &= ~(u64)RFLAGS_RF;
	vcpu_state_changed(v, STATE_EXEC | STATE_SEG);
}

int far_check_real(struct vcpu *v, u64 rip, struct event *fault)
{
	return rip > v->state.seg[SEG_CS].limit ? segment_fault(fault, VECTOR_GP, 0) : 0;
}

void far_set_real(struct vcpu *v, u16 selector, u64 rip)
{
	segment_set_real(v, SEG_CS, selector);
	v->regs.rip = rip;
	v->regs.rflags &= ~(u64)RFLAGS_RF;
	vcpu_state_changed(v, STATE_EXEC | STATE_SEG);
}

/* ---- Where JMP and CALL lead -------------------------------------------------------------- */

static int check_direct(struct vcpu *v, struct target *t, struct event *fault)
{
	const struct segment *cs = &t->code.segment;
	unsigned dpl = segment_dpl(cs), rpl = cs->selector & SELECTOR_RPL;

	t->cpl = v->state.cpl;
	if (cs->attr & SEGMENT_CONFORMING ? dpl > t->cpl : rpl > t->cpl || dpl != t->cpl)
		return segment_fault(fault, VECTOR_GP, cs->selector);
	return far_check_code(v, t, fault);
}

/* The segment that a call gate names; to one that does not conform only CALL goes inwards. */
static int check_gate_target(struct vcpu *v, struct target *t, bool call, struct event *fault)
{
	const struct segment *cs = &t->code.segment;
	unsigned dpl = segment_dpl(cs);
	bool inwards = call && !(cs->attr & SEGMENT_CONFORMING) && dpl < v->state.cpl;

	if (!far_is_code(cs) || dpl > v->state.cpl ||
	    (!call && !(cs->attr & SEGMENT_CONFORMING) && dpl != v->state.cpl) ||
	    (segment_long(v) && (cs->attr & (SEG_ATTR_L | SEG_ATTR_DB)) != SEG_ATTR_L))
		return segment_fault(fault, VECTOR_GP, cs->selector);
	t->cpl = inwards ? (u8)dpl : v->state.cpl;
	return far_check_code(v, t, fault);
}

/* A gate may be used by who is privileged enough, and so may a TSS. */
static int check_gate(struct vcpu *v, const struct descriptor *gate, struct event *fault)
{
	unsigned dpl = segment_dpl(&gate->segment), rpl = gate->segment.selector & SELECTOR_RPL;

	if (dpl < v->state.cpl || dpl < rpl)
		return segment_fault(fault, VECTOR_GP, gate->segment.selector);
	if (!(gate->segment.attr & SEG_ATTR_P))
		return segment_fault(fault, VECTOR_NP, gate->segment.selector);
	return 0;
}

static u16 gate_selector(const struct descriptor *gate)
{
	return (u16)(gate->raw[0] >> 16);
}

static u64 gate_offset(const struct descriptor *gate)
{
	u64 low = gate->raw[0] & 0xffff;

	if (!(gate->segment.attr & SEGMENT_32))
		return low;
	return low | (gate->raw[0] >> 32 & 0xffff0000) | gate->raw[1] << 32;
}

enum emulate_result far_switch_task(struct vcpu *v, const struct insn *insn, u16 selector,
				    enum task_source source)
{
	v->exit.insn_len = insn->len;
	v->exit.task.selector = selector;
	v->exit.task.source = source;
	v->exit.task.has_error = false;
	task_switch(v);
	return R_ELSEWHERE;
}

/* ---- Through a gate to a more privileged level -------------------------------------------- */

/* rSP and SS of a level, from the TSS. */
static int tss_stack(struct vcpu *v, u8 cpl, struct stack *s, u16 *selector, struct event *fault)
{
	const struct segment *tr = &v->state.tr;
	bool wide = segment_long(v), is32 = tr->attr & SEGMENT_32;
	unsigned size = wide ? 8 : is32 ? 4 : 2;
	u32 at = is32 ? TSS_STACK + 8u * cpl : TSS_STACK16 + 4u * cpl;

	s->sp = *selector = 0;
	if (at + size + (wide ? 0 : 2) - 1 > tr->limit)
		return segment_fault(fault, VECTOR_TS, tr->selector);
	if (emulate_read(v, tr->base + at, &s->sp, size, true, fault))
		return -1;
	if (!wide)
		return emulate_read(v, tr->base + at + size, selector, 2, true, fault);
	*selector = cpl;
	return emulate_canonical(v, s->sp) ? 0 : segment_fault(fault, VECTOR_SS, 0);
}

/* The stack of the more privileged level: none but a null selector in long mode. */
static int inner_stack(struct vcpu *v, u8 cpl, struct stack *s, struct event *fault)
{
	struct descriptor d;
	u16 selector;

	if (tss_stack(v, cpl, s, &selector, fault))
		return -1;
	s->ss = (struct segment){ .selector = selector };
	s->mask = ~0ull;
	if (segment_long(v))
		return 0;
	if (!(selector & SELECTOR_ERROR) || segment_read(v, selector, &d, fault)) {
		if (!(selector & SELECTOR_ERROR) || fault->vector == VECTOR_GP)
			segment_fault(fault, VECTOR_TS, selector);
		return -1;
	}
	if (segment_check_stack(&d.segment, cpl, VECTOR_TS, fault) ||
	    segment_mark(v, &d, SEGMENT_ACCESSED, fault))
		return -1;
	s->ss = d.segment;
	s->mask = d.segment.attr & SEG_ATTR_DB ? 0xffffffffull : 0xffffull;
	return 0;
}

/* What the outer level knows, to be pushed onto the inner one's stack: at most 31 parameters. */
struct frame {
	u64 value[4 + GATE_PARAMETERS];
	unsigned count;
};

static int make_frame(struct vcpu *v, unsigned size, unsigned parameters, u64 next,
		      struct frame *f, struct event *fault)
{
	struct stack outer = far_stack(v);
	u64 sp = outer.sp, parameter[GATE_PARAMETERS];

	for (unsigned i = 0; i < parameters; i++)
		if (far_pop(v, &outer, size, &parameter[i], fault))
			return -1;
	f->count = 0;
	f->value[f->count++] = outer.ss.selector;
	f->value[f->count++] = sp;
	while (parameters)
		f->value[f->count++] = parameter[--parameters];
	f->value[f->count++] = v->state.seg[SEG_CS].selector;
	f->value[f->count++] = next;
	return 0;
}

/*
 * Privilege and stack change first, and are taken back if the frame does not fit: a fault is that
 * of the outer level.
 */
static enum emulate_result call_inwards(struct vcpu *v, const struct descriptor *gate, u64 next,
					const struct target *t, struct event *fault)
{
	unsigned size = segment_long(v) ? 8 : gate->segment.attr & SEGMENT_32 ? 4 : 2;
	unsigned parameters = segment_long(v) ? 0 : gate->raw[0] >> 32 & GATE_PARAMETERS;
	struct segment old = v->state.seg[SEG_SS], old_cs = v->state.seg[SEG_CS];
	u8 old_cpl = v->state.cpl;
	struct stack s;
	struct frame f;
	bool failed = false;

	if (inner_stack(v, t->cpl, &s, fault) ||
	    make_frame(v, size, parameters, next, &f, fault))
		return R_FAULT;
	v->state.seg[SEG_SS] = s.ss;
	v->state.seg[SEG_CS] = t->code.segment;
	v->state.cpl = t->cpl;
	for (unsigned i = 0; i < f.count && !failed; i++)
		failed = far_push(v, &s, size, f.value[i], fault);
	v->state.seg[SEG_CS] = old_cs;
	v->state.cpl = old_cpl;
	if (failed) {
		v->state.seg[SEG_SS] = old;
		if (fault->vector == VECTOR_SS) /* names the stack that is new */
			segment_fault(fault, VECTOR_SS, s.ss.selector);
		return R_FAULT;
	}
	far_set_code(v, t);
	far_set_stack(v, &s);
	return R_MOVED;
}

/* ---- JMP and CALL ------------------------------------------------------------------------- */

static enum emulate_result transfer(struct vcpu *v, const struct target *t, bool call,
				    unsigned size, u64 next, struct event *fault)
{
	struct stack s = far_stack(v);

	if (call && (far_push(v, &s, size, v->state.seg[SEG_CS].selector, fault) ||
		     far_push(v, &s, size, next, fault)))
		return R_FAULT;
	far_set_stack(v, &s);
	far_set_code(v, t);
	return R_MOVED;
}

static enum emulate_result through_gate(struct vcpu *v, const struct descriptor *gate, bool call,
					u64 next, struct event *fault)
{
	unsigned size = segment_long(v) ? 8 : gate->segment.attr & SEGMENT_32 ? 4 : 2;
	struct target t = { .rip = gate_offset(gate) };

	if (check_gate(v, gate, fault) ||
	    segment_read(v, gate_selector(gate), &t.code, fault) ||
	    check_gate_target(v, &t, call, fault))
		return R_FAULT;
	if (t.cpl != v->state.cpl)
		return call_inwards(v, gate, next, &t, fault);
	return transfer(v, &t, call, size, next, fault);
}

/* The selector is that of no code segment. */
static enum emulate_result through_system(struct vcpu *v, const struct insn *insn,
					  const struct descriptor *d, bool call, u64 next,
					  struct event *fault)
{
	unsigned type = d->segment.attr & SEG_ATTR_TYPE;
	u16 selector = d->segment.selector;

	if (!(d->segment.attr & SEG_ATTR_S)) {
		if (type == SEGMENT_CALL || (type == SEGMENT_CALL16 && !segment_long(v)))
			return through_gate(v, d, call, next, fault);
		if (!segment_long(v) && (type == SEGMENT_TASK_GATE || type == SEGMENT_TSS ||
					 type == SEGMENT_TSS16)) {
			if (check_gate(v, d, fault))
				return R_FAULT;
			if (type == SEGMENT_TASK_GATE)
				selector = gate_selector(d);
			return far_switch_task(v, insn, selector, call ? TASK_CALL : TASK_JMP);
		}
	}
	segment_fault(fault, VECTOR_GP, selector);
	return R_FAULT;
}

static enum emulate_result go_real(struct vcpu *v, const struct insn *insn, u16 selector,
				   u64 offset, bool call, u64 next, struct event *fault)
{
	struct stack s = far_stack(v);

	if (far_check_real(v, offset, fault))
		return R_FAULT;
	if (call && (far_push(v, &s, insn->osize, v->state.seg[SEG_CS].selector, fault) ||
		     far_push(v, &s, insn->osize, next, fault)))
		return R_FAULT;
	far_set_stack(v, &s);
	far_set_real(v, selector, offset);
	return R_MOVED;
}

/* The pointer: in the instruction, or in memory. */
static int far_pointer(struct vcpu *v, const struct insn *insn, u16 *selector, u64 *offset,
		       struct event *fault)
{
	u8 pointer[sizeof(u64) + sizeof(u16)] = { 0 };
	unsigned size = segment_pointer_size(v, insn);
	struct emulate_place place;

	if (insn->src.kind == OPERAND_FAR) {
		*selector = (u16)insn->imm2;
		*offset = insn->imm;
		return 0;
	}
	if (emulate_locate_operand(v, insn, &insn->src, size + 2, false, &place, fault))
		return -1;
	emulate_get(v, &place, pointer);
	emulate_accessed(v, &place);
	__builtin_memcpy(selector, pointer + size, sizeof(*selector));
	*offset = load64(pointer) & insn_mask(size);
	return 0;
}

static enum emulate_result do_transfer(struct vcpu *v, const struct insn *insn,
				       struct event *fault)
{
	u64 next = fetch_rip_behind(v, v->regs.rip, insn->len);
	bool call = insn->op == INSN_CALL_FAR;
	struct target t = { 0 };
	u16 selector;

	if (far_pointer(v, insn, &selector, &t.rip, fault))
		return R_FAULT;
	if (!segment_protected(v))
		return go_real(v, insn, selector, t.rip, call, next, fault);
	if (segment_read(v, selector, &t.code, fault))
		return R_FAULT;
	if (!far_is_code(&t.code.segment))
		return through_system(v, insn, &t.code, call, next, fault);
	if (check_direct(v, &t, fault))
		return R_FAULT;
	return transfer(v, &t, call, insn->osize, next, fault);
}

enum emulate_result emulate_far(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	if (insn->op != INSN_JMP_FAR && insn->op != INSN_CALL_FAR)
		return R_UNKNOWN;
	vcpu_state(v, STATE_EXEC | STATE_SEG);
	return do_transfer(v, insn, fault);
}
