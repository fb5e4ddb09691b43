/* task.c - see task.h */
#include "vm/task.h"

#include "lib/string.h"
#include "vm/cr.h"
#include "vm/emulate.h"
#include "vm/emulate_parts.h"
#include "vm/emulate_segment.h"
#include "vm/irq.h"
#include "vm/vm.h"

/* ---- Layouts ------------------------------------------------------------------------ */

/* [SDM] "Task-State Segment (TSS)" (8.2.1), "16-Bit Task-State Segment (TSS)" (8.6) */
struct tss32 {
	u16 link, reserved0;
	u32 stacks[6], cr3;
	u32 eip, eflags, r[8];
	struct {
		u16 selector, reserved;
	} seg[6]; /* ES CS SS DS FS GS */
	u16 ldt, reserved1, trap, io_map;
};
ASSERT_SIZE(struct tss32, 104);
ASSERT_OFFSET(struct tss32, cr3, 0x1c);
ASSERT_OFFSET(struct tss32, eip, 0x20);
ASSERT_OFFSET(struct tss32, seg, 0x48);
ASSERT_OFFSET(struct tss32, ldt, 0x60);
ASSERT_OFFSET(struct tss32, trap, 0x64);

struct tss16 {
	u16 link, stacks[6];
	u16 ip, flags, r[8];
	u16 seg[4]; /* ES CS SS DS */
	u16 ldt;
};
ASSERT_SIZE(struct tss16, 44);
ASSERT_OFFSET(struct tss16, ip, 0x0e);
ASSERT_OFFSET(struct tss16, ldt, 0x2a);

#define TSS_TRAP BIT(0)
#define ERROR_EXT 1
#define DR6_BT BIT(15)
#define DR7_LOCAL 0x155 /* L0 to L3, LE */
#define NO_CODE (0xb | SEG_ATTR_S | SEG_ATTR_P) /* with a limit of 0 */
#define V86_ATTR (0x3 | SEG_ATTR_S | SEG_ATTR_DPL | SEG_ATTR_P)
/* What POPF at CPL 0 and an IRET may load. */
#define EFLAGS_KNOWN                                                                               \
	(RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_TF | RFLAGS_IF |       \
	 RFLAGS_DF | RFLAGS_OF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_VM | RFLAGS_AC |     \
	 RFLAGS_VIF | RFLAGS_VIP | RFLAGS_ID)

/* What both kinds of TSS hold, of the new task. */
struct task {
	u32 cr3, eip, eflags, r[8];
	u16 seg[SEG_COUNT], ldt;
	bool has_cr3, trap;
};

/* A switch on its way. */
struct change {
	struct vcpu *v;
	struct event *fault;
	enum task_source source;
	u32 ext; /* ERROR_EXT: what happens is no instruction's doing */
	u16 selector;
	struct descriptor tss; /* the new one's */
	struct emulate_place old_tss, new_tss, link, old_busy, new_busy;
};

static int selector_fault(const struct change *c, u8 vector, u16 selector)
{
	return emulate_fault(c->fault, vector, (selector & SELECTOR_ERROR) | c->ext);
}

static unsigned type_of(const struct segment *s)
{
	return s->attr & SEG_ATTR_TYPE;
}

/* ---- Descriptors ------------------------------------------------------------------------ */

/* A fault of segment_*: what happens may be no instruction's doing. */
static int with_ext(const struct change *c, int error)
{
	if (error && c->fault->vector != VECTOR_PF)
		c->fault->error |= c->ext;
	return error;
}

/* -1: the fault is c's: vector for a selector in no table, or #PF. */
static int read_descriptor(const struct change *c, u16 selector, u8 vector, struct descriptor *d)
{
	int error = segment_read(c->v, selector, d, c->fault);

	if (error && c->fault->vector == VECTOR_GP)
		c->fault->vector = vector;
	return with_ext(c, error);
}

/* ---- Before: the old task's faults -------------------------------------------------------- */

/* Table 8-1, first part. */
static int check_new_tss(struct change *c)
{
	const struct segment *tr = &c->tss.segment;
	u8 vector = c->source == TASK_IRET ? VECTOR_TS : VECTOR_GP;
	unsigned type;

	if (c->selector & SELECTOR_LOCAL || !(c->selector & SELECTOR_ERROR))
		return selector_fault(c, vector, c->selector);
	if (read_descriptor(c, c->selector, vector, &c->tss))
		return -1;
	type = type_of(tr);
	if ((tr->attr & SEG_ATTR_S) || (type & ~(SEGMENT_32 | SEGMENT_BUSY)) != SEGMENT_TSS16 ||
	    !!(type & SEGMENT_BUSY) != (c->source == TASK_IRET))
		return selector_fault(c, vector, c->selector);
	if (!(tr->attr & SEG_ATTR_P))
		return selector_fault(c, VECTOR_NP, c->selector);
	if (tr->limit < (type & SEGMENT_32 ? sizeof(struct tss32) : sizeof(struct tss16)) - 1)
		return selector_fault(c, VECTOR_TS, c->selector);
	return 0;
}

/* All memory that will be written must be there: then nothing can fail half way. */
static int locate_all(struct change *c)
{
	struct vcpu *v = c->v;
	const struct segment *tr = &v->state.tr;
	bool old32 = type_of(tr) & SEGMENT_32, new32 = type_of(&c->tss.segment) & SEGMENT_32;
	unsigned first = old32 ? offsetof(struct tss32, eip) : offsetof(struct tss16, ip);
	unsigned end = old32 ? offsetof(struct tss32, ldt) : offsetof(struct tss16, ldt);
	bool links = c->source == TASK_CALL || c->source == TASK_IDT;
	u64 old_at;

	if (tr->limit < end - 1)
		return selector_fault(c, VECTOR_TS, tr->selector);
	if (emulate_locate(v, (u32)(tr->base + first), end - first, ACCESS_WRITE | WALK_SYSTEM,
			   &c->old_tss, c->fault) ||
	    emulate_locate(v, c->tss.segment.base,
			   new32 ? sizeof(struct tss32) : sizeof(struct tss16),
			   ACCESS_READ | WALK_SYSTEM, &c->new_tss, c->fault))
		return -1;
	c->link.len = c->old_busy.len = c->new_busy.len = 0;
	if (links && emulate_locate(v, c->tss.segment.base, sizeof(u16), ACCESS_WRITE | WALK_SYSTEM,
				    &c->link, c->fault))
		return -1;
	if ((c->source == TASK_JMP || c->source == TASK_IRET) &&
	    !segment_find(v, tr->selector, SEGMENT_DESCRIPTOR, &old_at) &&
	    emulate_locate(v, old_at + SEGMENT_TYPE_BYTE, 1, ACCESS_WRITE | WALK_SYSTEM,
			   &c->old_busy, c->fault))
		return -1;
	if (c->source == TASK_IRET)
		return 0;
	return emulate_locate(v, c->tss.at + SEGMENT_TYPE_BYTE, 1, ACCESS_WRITE | WALK_SYSTEM,
			      &c->new_busy, c->fault);
}

/* ---- The old task is put away --------------------------------------------------------------- */

static void save32(struct change *c, u64 eflags)
{
	struct vcpu *v = c->v;
	const unsigned first = offsetof(struct tss32, eip);
	struct tss32 tss;

	/* The halves of words beside the selectors stay. */
	emulate_get(v, &c->old_tss, (u8 *)&tss + first);
	tss.eip = (u32)v->regs.rip;
	tss.eflags = (u32)eflags;
	for (unsigned i = 0; i < ARRAY_SIZE(tss.r); i++)
		tss.r[i] = (u32)v->regs.r[i];
	for (unsigned i = 0; i < SEG_COUNT; i++)
		tss.seg[i].selector = v->state.seg[i].selector;
	emulate_put(v, &c->old_tss, (u8 *)&tss + first);
}

static void save16(struct change *c, u64 eflags)
{
	struct vcpu *v = c->v;
	struct tss16 tss;

	tss.ip = (u16)v->regs.rip;
	tss.flags = (u16)eflags;
	for (unsigned i = 0; i < ARRAY_SIZE(tss.r); i++)
		tss.r[i] = (u16)v->regs.r[i];
	for (unsigned i = 0; i < ARRAY_SIZE(tss.seg); i++)
		tss.seg[i] = v->state.seg[i].selector;
	emulate_put(v, &c->old_tss, &tss.ip);
}

static void set_busy(struct vcpu *v, const struct emulate_place *place, bool busy)
{
	u8 byte;

	if (!place->len)
		return;
	emulate_get(v, place, &byte);
	byte = (u8)((byte & ~SEGMENT_BUSY) | (busy ? SEGMENT_BUSY : 0));
	emulate_put(v, place, &byte);
}

static void save_old(struct change *c)
{
	struct vcpu *v = c->v;
	u64 eflags = v->regs.rflags;

	if (c->source == TASK_IRET)
		eflags &= ~RFLAGS_NT;
	set_busy(v, &c->old_busy, false);
	if (type_of(&v->state.tr) & SEGMENT_32)
		save32(c, eflags);
	else
		save16(c, eflags);
}

/* ---- The new one is taken ------------------------------------------------------------------- */

static void read32(struct change *c, struct task *t)
{
	struct tss32 tss;

	emulate_get(c->v, &c->new_tss, &tss);
	*t = (struct task){ .cr3 = tss.cr3,
			    .has_cr3 = true,
			    .eip = tss.eip,
			    .eflags = tss.eflags,
			    .ldt = tss.ldt,
			    .trap = tss.trap & TSS_TRAP };
	memcpy(t->r, tss.r, sizeof(t->r));
	for (unsigned i = 0; i < SEG_COUNT; i++)
		t->seg[i] = tss.seg[i].selector;
}

/* FS and GS become null; the upper halves of registers are left to the CPU: ones, as on Bochs. */
static void read16(struct change *c, struct task *t)
{
	struct tss16 tss;

	emulate_get(c->v, &c->new_tss, &tss);
	*t = (struct task){ .eip = tss.ip, .eflags = tss.flags, .ldt = tss.ldt };
	for (unsigned i = 0; i < ARRAY_SIZE(tss.r); i++)
		t->r[i] = 0xffff0000 | tss.r[i];
	for (unsigned i = 0; i < ARRAY_SIZE(tss.seg); i++)
		t->seg[i] = tss.seg[i];
}

/* Virtual-8086 mode: a selector is a base, and nothing is checked. */
static void load_v86(struct cpu_state *state)
{
	for (unsigned i = 0; i < SEG_COUNT; i++) {
		struct segment *s = &state->seg[i];

		s->base = (u64)s->selector << 4;
		s->limit = 0xffff;
		s->attr = V86_ATTR;
	}
	state->cpl = 3;
}

/*
 * A segment that is not loaded yet has its new selector and is of no use, but for the stack:
 * until it is loaded the old one stays, as on Bochs, so that a handler in the new task can be
 * told of a fault.  A CPU enters no guest with a stack of another privilege level.
 */
static void keep_stack(struct cpu_state *state, struct segment old)
{
	struct segment *stack = &state->seg[SEG_SS];

	if (!(old.attr & SEG_ATTR_P) || (stack->selector & SELECTOR_RPL) != state->cpl)
		return;
	old.selector = stack->selector;
	old.attr = (u16)((old.attr & ~SEG_ATTR_DPL) | state->cpl << SEG_ATTR_DPL_SHIFT);
	*stack = old;
}

/* From here on the new task runs: TR, flags, registers, selectors; no segment is loaded yet. */
static void begin_new(struct change *c, struct task *t)
{
	struct vcpu *v = c->v;
	struct cpu_state *state = &v->state;
	struct segment stack = state->seg[SEG_SS];
	u16 link = state->tr.selector;

	if (c->link.len) {
		emulate_put(v, &c->link, &link);
		t->eflags |= RFLAGS_NT;
	}
	set_busy(v, &c->new_busy, true);
	state->tr = c->tss.segment;
	state->tr.attr |= SEGMENT_BUSY;
	state->cr0 |= CR0_TS;
	state->dr[7] &= ~(u64)DR7_LOCAL;
	state->shadow = 0;
	if (c->source == TASK_IRET)
		state->nmi_blocked = false;
	if (c->source == TASK_IDT && state->interrupted.type == EVENT_NMI)
		state->nmi_blocked = true;
	v->regs.rip = t->eip;
	v->regs.rflags = (t->eflags & EFLAGS_KNOWN) | RFLAGS_ONE;
	for (unsigned i = 0; i < ARRAY_SIZE(t->r); i++)
		v->regs.r[i] = t->r[i];
	for (unsigned i = 0; i < SEG_COUNT; i++)
		state->seg[i] = (struct segment){ .selector = t->seg[i] };
	state->ldtr = (struct segment){ .selector = t->ldt };
	state->cpl = t->seg[SEG_CS] & SELECTOR_RPL;
	if (v->regs.rflags & RFLAGS_VM) { /* a CPU enters no such guest without */
		load_v86(state);
		return;
	}
	/* Code runs from none of it, but a CPU enters no guest without a code segment. */
	keep_stack(state, stack);
	state->seg[SEG_CS].attr = (u16)(NO_CODE | state->cpl << SEG_ATTR_DPL_SHIFT);
}

/* ---- Its segments: faults are its own ------------------------------------------------- */

static int load_ldt(struct change *c)
{
	struct segment *ldtr = &c->v->state.ldtr;
	u16 selector = ldtr->selector;
	struct descriptor d;

	if (!(selector & SELECTOR_ERROR))
		return 0;
	if (selector & SELECTOR_LOCAL)
		return selector_fault(c, VECTOR_TS, selector);
	if (read_descriptor(c, selector, VECTOR_TS, &d))
		return -1;
	if ((d.segment.attr & (SEG_ATTR_S | SEG_ATTR_TYPE | SEG_ATTR_P)) !=
	    (SEGMENT_LDT | SEG_ATTR_P))
		return selector_fault(c, VECTOR_TS, selector);
	*ldtr = d.segment;
	return 0;
}

/* It is used now: the descriptor says so, in memory and in the register. */
static int take_segment(struct change *c, enum x86_seg seg, struct descriptor *d)
{
	if (segment_mark(c->v, d, SEGMENT_ACCESSED, c->fault))
		return -1;
	c->v->state.seg[seg] = d->segment;
	return 0;
}

static int load_stack(struct change *c)
{
	struct cpu_state *state = &c->v->state;
	u16 selector = state->seg[SEG_SS].selector;
	struct descriptor d;

	if (!(selector & SELECTOR_ERROR))
		return selector_fault(c, VECTOR_TS, selector);
	if (read_descriptor(c, selector, VECTOR_TS, &d) ||
	    with_ext(c, segment_check_stack(&d.segment, state->cpl, VECTOR_TS, c->fault)))
		return -1;
	return take_segment(c, SEG_SS, &d);
}

static int load_code(struct change *c)
{
	struct cpu_state *state = &c->v->state;
	u16 selector = state->seg[SEG_CS].selector;
	const struct segment *s;
	struct descriptor d;
	unsigned dpl;

	if (!(selector & SELECTOR_ERROR))
		return selector_fault(c, VECTOR_TS, selector);
	if (read_descriptor(c, selector, VECTOR_TS, &d))
		return -1;
	s = &d.segment;
	dpl = segment_dpl(s);
	if (!(s->attr & SEG_ATTR_S) || !(s->attr & SEGMENT_CODE) ||
	    (s->attr & SEGMENT_CONFORMING ? dpl > state->cpl : dpl != state->cpl))
		return selector_fault(c, VECTOR_TS, selector);
	if (!(s->attr & SEG_ATTR_P))
		return selector_fault(c, VECTOR_NP, selector);
	return take_segment(c, SEG_CS, &d);
}

static int load_data(struct change *c, enum x86_seg seg)
{
	struct cpu_state *state = &c->v->state;
	u16 selector = state->seg[seg].selector;
	struct descriptor d;

	if (!(selector & SELECTOR_ERROR))
		return 0;
	if (read_descriptor(c, selector, VECTOR_TS, &d) ||
	    with_ext(c, segment_check_data(&d.segment, state->cpl, VECTOR_TS, c->fault)))
		return -1;
	return take_segment(c, seg, &d);
}

static int load_segments(struct change *c)
{
	static const u8 data[] = { SEG_DS, SEG_ES, SEG_FS, SEG_GS };

	if (c->v->regs.rflags & RFLAGS_VM)
		return load_ldt(c);
	if (load_ldt(c) || load_stack(c) || load_code(c))
		return -1;
	for (unsigned i = 0; i < ARRAY_SIZE(data); i++)
		if (load_data(c, data[i]))
			return -1;
	return 0;
}

/* An exception's error code goes onto the new task's stack, as wide as its TSS. */
static int push_error(struct change *c, u32 error)
{
	struct vcpu *v = c->v;
	unsigned size = type_of(&c->tss.segment) & SEGMENT_32 ? 4 : 2;
	u64 mask = emulate_stack_mask(v), sp = (v->regs.r[REG_RSP] - size) & mask;
	struct emulate_place place;

	if (emulate_locate_in(v, SEG_SS, sp, size, true, &place, c->fault)) {
		if (c->fault->vector == VECTOR_SS)
			c->fault->error |= c->ext;
		return -1;
	}
	emulate_put(v, &place, &error);
	v->regs.r[REG_RSP] = (v->regs.r[REG_RSP] & ~mask) | sp;
	return 0;
}

/*
 * CR3 has to be the new one before anything else of the new task is looked at.  Bad PDPTEs are #GP,
 * and the old CR3 stays.
 */
static int load_cr3(struct change *c, const struct task *t)
{
	if (t->has_cr3 && (c->v->state.cr0 & CR0_PG) && !cr_write(c->v, 3, t->cr3))
		return emulate_fault(c->fault, VECTOR_GP, c->ext);
	return 0;
}

#define NEW_STATE (STATE_EXEC | STATE_SEG | STATE_INT | STATE_DR)

/* -1: a fault of the new task. */
static int enter_new(struct change *c, const struct task *t)
{
	struct vcpu *v = c->v;
	const struct vm_exit *exit = &v->exit;
	bool has_error = exit->task.has_error;
	u32 error = exit->task.error;

	if (load_cr3(c, t) || load_segments(c))
		return -1;
	if (has_error && push_error(c, error))
		return -1;
	if (v->regs.rip > v->state.seg[SEG_CS].limit)
		return emulate_fault(c->fault, VECTOR_GP, c->ext);
	return 0;
}

/* ---- The whole ------------------------------------------------------------------------------ */

/* RIP as the old task continues: behind the instruction, if one did this.  -1: it is gone. */
static int skip_instruction(struct vcpu *v, const struct event *through, struct event *fault)
{
	unsigned len = v->exit.insn_len;

	if (v->exit.task.source == TASK_IDT) {
		len = through->type >= EVENT_SOFT_INT ? through->insn_len : 0;
	} else if (!len) {
		const struct insn *insn = fetch_insn(v, fault);

		if (!insn)
			return -1;
		len = insn->len;
	}
	v->regs.rip = fetch_rip_behind(v, v->regs.rip, len);
	return 0;
}

/* Delivered; but a fault in its course may still make a double fault of an exception. */
static void end_event(struct event *through)
{
	if (through->type != EVENT_EXCEPTION)
		through->type = EVENT_NONE;
}

static void begin_switch(struct change *c, struct task *t)
{
	save_old(c);
	if (type_of(&c->tss.segment) & SEGMENT_32)
		read32(c, t);
	else
		read16(c, t);
	begin_new(c, t);
}

void task_switch(struct vcpu *v)
{
	static const struct event trap = { .type = EVENT_EXCEPTION,
					   .vector = VECTOR_DB,
					   .dr6 = DR6_BT };
	struct event *through = &v->state.interrupted;
	struct vm_exit *exit = &v->exit;
	struct change c = { .v = v, .fault = &exit->fault, .source = exit->task.source,
			    .selector = exit->task.selector };
	u64 rip = v->regs.rip;
	struct task t;
	int error;

	vcpu_state(v, NEW_STATE);
	if (c.source == TASK_IDT && through->type && through->type < EVENT_SOFT_INT)
		c.ext = ERROR_EXT;
	exit->outcome = OUTCOME_FAULT;
	if (check_new_tss(&c) || locate_all(&c) || skip_instruction(v, through, c.fault)) {
		v->regs.rip = rip;
		return;
	}
	begin_switch(&c, &t);
	end_event(through);
	error = enter_new(&c, &t);
	vcpu_state_changed(v, NEW_STATE);
	virt->flush(v);
	if (error)
		return;
	through->type = EVENT_NONE;
	exit->outcome = OUTCOME_RETRY;
	if (t.trap)
		irq_raise(v, &trap);
}
