/*
 * emulate_segment.c - selectors that come from memory
 *
 * Owns: descriptors and the checks before one is loaded; MOV and POP to segment registers, LDS and
 * its kin, LLDT, LTR; and what only asks about selectors: LAR, LSL, VERR, VERW, ARPL.
 * Must not know: CS, which only a jump loads (emulate_far.c); what is behind the addresses.
 *
 * The CPU has checked privileges before the access that made the guest exit.  They are checked
 * again: another CPU of the guest may have put another instruction there since.
 *
 * Sources: [SDM] vol. 3 "Segment Descriptors" (3.4.5), "Privilege Level Checking When Accessing
 * Data Segments" (5.6), "Pointer Validation" (5.10); vol. 2, each instruction's page.
 */
#include "vm/emulate_segment.h"

#include "vm/emulate.h"
#include "vm/emulate_parts.h"
#include "vm/vm.h"

#define REAL_ATTR (SEGMENT_RW | SEGMENT_ACCESSED | SEG_ATTR_S | SEG_ATTR_P)
#define V86_ATTR (REAL_ATTR | SEG_ATTR_DPL)
/* The second half of a descriptor as LAR tells it. */
#define LAR_SHOWN 0xffff00u

bool segment_protected(struct vcpu *v)
{
	return (vcpu_state(v, STATE_EXEC)->cr0 & CR0_PE) && !(v->regs.rflags & RFLAGS_VM);
}

bool segment_long(struct vcpu *v)
{
	return vcpu_state(v, STATE_EXEC)->efer & EFER_LMA;
}

int segment_fault(struct event *fault, u8 vector, u16 selector)
{
	return emulate_fault(fault, vector, selector & SELECTOR_ERROR);
}

/* ---- Descriptors ---------------------------------------------------------------------- */

static void parse(struct segment *s, u16 selector, const u64 *d)
{
	s->selector = selector;
	s->base = (d[0] >> 16 & 0xffffff) | (d[0] >> 32 & 0xff000000) | d[1] << 32;
	s->limit = (u32)((d[0] & 0xffff) | (d[0] >> 32 & 0xf0000));
	s->attr = (u16)((d[0] >> 40 & 0xff) | (d[0] >> 44 & 0xf00));
	if (s->attr & SEG_ATTR_G)
		s->limit = s->limit << 12 | 0xfff;
}

int segment_find(struct vcpu *v, u16 selector, unsigned len, u64 *at)
{
	const struct cpu_state *state = vcpu_state(v, STATE_SEG | STATE_EXEC);
	bool local = selector & SELECTOR_LOCAL;
	u64 base = local ? state->ldtr.base : state->gdtr.base;
	u32 limit = local ? state->ldtr.limit : state->gdtr.limit;

	if ((local && !state->ldtr.attr) || (selector & SELECTOR_INDEX) + len - 1u > limit)
		return -1;
	*at = base + (selector & SELECTOR_INDEX);
	if (!segment_long(v))
		*at = (u32)*at;
	return 0;
}

/* 0; -1: a fault of the table's pages; 1: there is no such descriptor. */
static int look_up(struct vcpu *v, u16 selector, struct descriptor *d, struct event *fault)
{
	d->raw[1] = 0;
	if (segment_find(v, selector, SEGMENT_DESCRIPTOR, &d->at))
		return 1;
	if (emulate_read(v, d->at, d->raw, SEGMENT_DESCRIPTOR, true, fault))
		return -1;
	parse(&d->segment, selector, d->raw);
	if ((d->segment.attr & SEG_ATTR_S) || !segment_long(v))
		return 0;
	/* Those of the system have 16 bytes in long mode. */
	if (segment_find(v, selector, 2 * SEGMENT_DESCRIPTOR, &d->at))
		return 1;
	if (emulate_read(v, d->at + SEGMENT_DESCRIPTOR, &d->raw[1], SEGMENT_DESCRIPTOR, true,
			 fault))
		return -1;
	parse(&d->segment, selector, d->raw);
	return 0;
}

int segment_read(struct vcpu *v, u16 selector, struct descriptor *d, struct event *fault)
{
	int error;

	if (!(selector & SELECTOR_ERROR))
		return segment_fault(fault, VECTOR_GP, 0);
	error = look_up(v, selector, d, fault);
	return error > 0 ? segment_fault(fault, VECTOR_GP, selector) : error;
}

int segment_mark(struct vcpu *v, struct descriptor *d, u16 bit, struct event *fault)
{
	u8 byte;

	if (d->segment.attr & bit)
		return 0;
	d->segment.attr |= bit;
	byte = (u8)d->segment.attr;
	return emulate_write(v, d->at + SEGMENT_TYPE_BYTE, &byte, 1, true, fault);
}

/* ---- Data and stack segments ----------------------------------------------------------- */

static bool is_loadable_data(const struct segment *s, u16 selector, u8 cpl)
{
	bool code = s->attr & SEGMENT_CODE;

	if (!(s->attr & SEG_ATTR_S) || (code && !(s->attr & SEGMENT_RW)))
		return false;
	if (code && (s->attr & SEGMENT_CONFORMING))
		return true;
	return segment_dpl(s) >= cpl && segment_dpl(s) >= (selector & SELECTOR_RPL);
}

int segment_check_stack(const struct segment *s, u8 cpl, u8 vector, struct event *fault)
{
	if (!(s->attr & SEG_ATTR_S) || (s->attr & (SEGMENT_CODE | SEGMENT_RW)) != SEGMENT_RW ||
	    (s->selector & SELECTOR_RPL) != cpl || segment_dpl(s) != cpl)
		return segment_fault(fault, vector, s->selector);
	if (!(s->attr & SEG_ATTR_P))
		return segment_fault(fault, VECTOR_SS, s->selector);
	return 0;
}

int segment_check_data(const struct segment *s, u8 cpl, u8 vector, struct event *fault)
{
	if (!is_loadable_data(s, s->selector, cpl))
		return segment_fault(fault, vector, s->selector);
	if (!(s->attr & SEG_ATTR_P))
		return segment_fault(fault, VECTOR_NP, s->selector);
	return 0;
}

static int check_data(struct vcpu *v, enum x86_seg seg, const struct segment *s,
		      struct event *fault)
{
	return seg == SEG_SS ? segment_check_stack(s, v->state.cpl, VECTOR_GP, fault) :
			       segment_check_data(s, v->state.cpl, VECTOR_GP, fault);
}

/* A stack without a segment is for 64-bit code of the system only. */
static int load_null(struct vcpu *v, enum x86_seg seg, u16 selector, struct event *fault)
{
	if (seg == SEG_SS && (!emulate_code64(v) || v->state.cpl == 3 ||
			      (selector & SELECTOR_RPL) != v->state.cpl))
		return segment_fault(fault, VECTOR_GP, 0);
	v->state.seg[seg] = (struct segment){ .selector = selector };
	return 0;
}

/*
 * Limit and attributes stay in real mode, but of what was null, and are fixed in virtual-8086
 * mode.
 */
void segment_set_real(struct vcpu *v, enum x86_seg seg, u16 selector)
{
	struct segment *s = &v->state.seg[seg];

	s->selector = selector;
	s->base = (u64)selector << 4;
	if (!(v->regs.rflags & RFLAGS_VM) && (s->attr & SEG_ATTR_P))
		return;
	s->limit = 0xffff;
	s->attr = v->regs.rflags & RFLAGS_VM ? V86_ATTR : REAL_ATTR;
}

int segment_load(struct vcpu *v, enum x86_seg seg, u16 selector, struct event *fault)
{
	struct descriptor d;

	vcpu_state(v, STATE_EXEC | STATE_SEG);
	if (!segment_protected(v)) {
		segment_set_real(v, seg, selector);
	} else if (!(selector & SELECTOR_ERROR)) {
		if (load_null(v, seg, selector, fault))
			return -1;
	} else {
		if (segment_read(v, selector, &d, fault) || check_data(v, seg, &d.segment, fault) ||
		    segment_mark(v, &d, SEGMENT_ACCESSED, fault))
			return -1;
		v->state.seg[seg] = d.segment;
	}
	vcpu_state_changed(v, STATE_SEG);
	return 0;
}

/* ---- Instructions that load them ------------------------------------------------------- */

/* The selector in an operand of two bytes, from memory or a register. */
static int load_selector(struct vcpu *v, const struct insn *insn, u16 *selector,
			 struct event *fault)
{
	struct emulate_place place;

	if (emulate_locate_operand(v, insn, &insn->src, 2, false, &place, fault))
		return -1;
	*selector = (u16)emulate_value(v, insn, &insn->src, &place);
	emulate_accessed(v, &place);
	return 0;
}

static enum emulate_result behind(struct vcpu *v, const struct insn *insn, bool shadow)
{
	emulate_moved(v, fetch_rip_behind(v, v->regs.rip, insn->len));
	return shadow ? R_SHADOW : R_MOVED;
}

static enum emulate_result do_mov(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	u16 selector;

	if (insn->dst.kind != OPERAND_SREG)
		return R_UNKNOWN;
	if (load_selector(v, insn, &selector, fault) ||
	    segment_load(v, insn->dst.reg, selector, fault))
		return R_FAULT;
	return insn->dst.reg == SEG_SS ? behind(v, insn, true) : R_DONE;
}

static enum emulate_result do_pop(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	u64 mask = emulate_stack_mask(v), sp = v->regs.r[REG_RSP];
	struct emulate_place stack;
	u64 value = 0;

	if (emulate_locate_in(v, SEG_SS, sp & mask, insn->osize, false, &stack, fault))
		return R_FAULT;
	emulate_get(v, &stack, &value);
	if (segment_load(v, insn->dst.reg, (u16)value, fault))
		return R_FAULT;
	v->regs.r[REG_RSP] = (sp & ~mask) | ((sp + insn->osize) & mask);
	emulate_accessed(v, &stack);
	return insn->dst.reg == SEG_SS ? behind(v, insn, true) : R_DONE;
}

/* AMD's CPUs know no pointer with 64 bits: there REX.W widens only what is pushed or loaded. */
unsigned segment_pointer_size(const struct vcpu *v, const struct insn *insn)
{
	return v->vm->cpuid.vendor == CPUID_VENDOR_AMD ? MIN(insn->osize, 4u) : insn->osize;
}

/* A far pointer: the offset first, behind it the selector. */
static enum emulate_result do_load_pointer(struct vcpu *v, const struct insn *insn,
					   enum x86_seg seg, struct event *fault)
{
	unsigned size = segment_pointer_size(v, insn);
	struct emulate_place place;
	u8 pointer[sizeof(u64) + sizeof(u16)] = { 0 };
	u64 offset = 0;
	u16 selector;

	if (emulate_locate_operand(v, insn, &insn->src, size + 2, false, &place, fault))
		return R_FAULT;
	emulate_get(v, &place, pointer);
	__builtin_memcpy(&selector, pointer + size, sizeof(selector));
	pointer[size] = pointer[size + 1] = 0;
	offset = load64(pointer);
	if (segment_load(v, seg, selector, fault))
		return R_FAULT;
	insn_reg_write(insn, v->regs.r, insn->dst.reg, insn->osize, offset);
	emulate_accessed(v, &place);
	return R_DONE;
}

/* ---- LDTR and TR ----------------------------------------------------------------------- */

/* They do not exist outside protected mode, and are the system's. */
static int check_system(struct vcpu *v, struct event *fault)
{
	if (!segment_protected(v))
		return emulate_exception(fault, VECTOR_UD);
	return v->state.cpl ? segment_fault(fault, VECTOR_GP, 0) : 0;
}

/* 64 bits of a base, with which a CPU would not be entered unless it is canonical. */
static int check_base(struct vcpu *v, const struct segment *s, struct event *fault)
{
	if (emulate_canonical(v, s->base))
		return 0;
	return segment_fault(fault, VECTOR_GP, s->selector);
}

static int load_ldtr(struct vcpu *v, u16 selector, struct event *fault)
{
	struct descriptor d;

	vcpu_state(v, STATE_SEG);
	if (!(selector & SELECTOR_ERROR)) {
		v->state.ldtr = (struct segment){ .selector = selector };
		return 0;
	}
	if (selector & SELECTOR_LOCAL)
		return segment_fault(fault, VECTOR_GP, selector);
	if (segment_read(v, selector, &d, fault))
		return -1;
	if ((d.segment.attr & (SEG_ATTR_S | SEG_ATTR_TYPE)) != SEGMENT_LDT)
		return segment_fault(fault, VECTOR_GP, selector);
	if (!(d.segment.attr & SEG_ATTR_P))
		return segment_fault(fault, VECTOR_NP, selector);
	if (check_base(v, &d.segment, fault))
		return -1;
	v->state.ldtr = d.segment;
	return 0;
}

static int load_tr(struct vcpu *v, u16 selector, struct event *fault)
{
	struct descriptor d;
	unsigned type;

	if (selector & SELECTOR_LOCAL)
		return segment_fault(fault, VECTOR_GP, selector);
	if (segment_read(v, selector, &d, fault))
		return -1;
	type = d.segment.attr & (SEG_ATTR_S | SEG_ATTR_TYPE);
	if (type != SEGMENT_TSS && (type != SEGMENT_TSS16 || segment_long(v)))
		return segment_fault(fault, VECTOR_GP, selector);
	if (!(d.segment.attr & SEG_ATTR_P))
		return segment_fault(fault, VECTOR_NP, selector);
	if (check_base(v, &d.segment, fault) || segment_mark(v, &d, SEGMENT_BUSY, fault))
		return -1;
	vcpu_state(v, STATE_SEG);
	v->state.tr = d.segment;
	return 0;
}

static enum emulate_result do_load_system(struct vcpu *v, const struct insn *insn,
					  struct event *fault)
{
	u16 selector;

	if (check_system(v, fault) || load_selector(v, insn, &selector, fault))
		return R_FAULT;
	if (insn->op == INSN_LTR ? load_tr(v, selector, fault) : load_ldtr(v, selector, fault))
		return R_FAULT;
	vcpu_state_changed(v, STATE_SEG);
	return R_DONE;
}

/* ---- Instructions that only ask --------------------------------------------------------- */

/* Which system descriptors have access rights for LAR, and which limits for LSL. */
static bool has_rights(unsigned type, bool limits, bool is_long)
{
	static const u16 rights = BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(9) | BIT(11) |
				  BIT(12);
	static const u16 rights_long = BIT(2) | BIT(9) | BIT(11) | BIT(12);
	static const u16 gates = BIT(4) | BIT(5) | BIT(12); /* which have no limit */

	unsigned types = is_long ? rights_long : rights;

	return (limits ? types & ~(unsigned)gates : types) >> type & 1;
}

static bool is_visible(struct vcpu *v, const struct segment *s, enum insn_op op)
{
	bool code = s->attr & SEGMENT_CODE;
	unsigned dpl = segment_dpl(s);

	if (!(s->attr & SEG_ATTR_S) &&
	    (op == INSN_VERR || op == INSN_VERW ||
	     !has_rights(s->attr & SEG_ATTR_TYPE, op == INSN_LSL, segment_long(v))))
		return false;
	if (op == INSN_VERR && code && !(s->attr & SEGMENT_RW))
		return false;
	if (op == INSN_VERW && (code || !(s->attr & SEGMENT_RW)))
		return false;
	if ((s->attr & SEG_ATTR_S) && code && (s->attr & SEGMENT_CONFORMING))
		return true;
	return dpl >= v->state.cpl && dpl >= (s->selector & SELECTOR_RPL);
}

/* ZF says whether the selector is one that the program could use. */
static enum emulate_result do_ask(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	struct descriptor d;
	bool visible = false;
	u16 selector;
	int error;

	if (!segment_protected(v)) {
		emulate_exception(fault, VECTOR_UD);
		return R_FAULT;
	}
	if (load_selector(v, insn, &selector, fault))
		return R_FAULT;
	if (selector & SELECTOR_ERROR) {
		error = look_up(v, selector, &d, fault);
		if (error < 0)
			return R_FAULT;
		visible = !error && is_visible(v, &d.segment, insn->op);
	}
	v->regs.rflags = (v->regs.rflags & ~(u64)RFLAGS_ZF) | (visible ? RFLAGS_ZF : 0);
	if (visible && insn->dst.kind == OPERAND_REG)
		insn_reg_write(insn, v->regs.r, insn->dst.reg, insn->dst.size,
			       insn->op == INSN_LSL ? d.segment.limit :
						      d.raw[0] >> 32 & LAR_SHOWN);
	return R_DONE;
}

/* The operand's RPL becomes at least that of the register. */
static enum emulate_result do_arpl(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	u64 old, new, rpl = v->regs.r[insn->src.reg] & SELECTOR_RPL;
	struct emulate_place dst;
	bool less;

	if (!segment_protected(v)) {
		emulate_exception(fault, VECTOR_UD);
		return R_FAULT;
	}
	if (emulate_locate_operand(v, insn, &insn->dst, 2, true, &dst, fault))
		return R_FAULT;
	emulate_begin(v, &dst);
	do {
		old = emulate_value(v, insn, &insn->dst, &dst);
		less = (old & SELECTOR_RPL) < rpl;
		new = less ? (old & ~(u64)SELECTOR_RPL) | rpl : old;
		if (!dst.len)
			emulate_store(v, insn, &insn->dst, &dst, new);
	} while (dst.len && !emulate_replace(v, &dst, &old, &new));
	emulate_end(v, &dst);
	v->regs.rflags = (v->regs.rflags & ~(u64)RFLAGS_ZF) | (less ? RFLAGS_ZF : 0);
	emulate_accessed(v, &dst);
	return R_DONE;
}

enum emulate_result emulate_segment(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	switch (insn->op) {
	case INSN_MOV_SREG:
		return do_mov(v, insn, fault);
	case INSN_POP_SREG:
		return do_pop(v, insn, fault);
	case INSN_LES:
		return do_load_pointer(v, insn, SEG_ES, fault);
	case INSN_LDS:
		return do_load_pointer(v, insn, SEG_DS, fault);
	case INSN_LSS:
		return do_load_pointer(v, insn, SEG_SS, fault);
	case INSN_LFS:
		return do_load_pointer(v, insn, SEG_FS, fault);
	case INSN_LGS:
		return do_load_pointer(v, insn, SEG_GS, fault);
	case INSN_LLDT:
	case INSN_LTR:
		return do_load_system(v, insn, fault);
	case INSN_LAR:
	case INSN_LSL:
	case INSN_VERR:
	case INSN_VERW:
		return do_ask(v, insn, fault);
	case INSN_ARPL:
		return do_arpl(v, insn, fault);
	default:
		return R_UNKNOWN;
	}
}
