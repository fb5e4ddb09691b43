/*
 * emulate_system.c - system registers, to and from memory
 *
 * Owns: SGDT, SIDT, LGDT, LIDT, SLDT, STR, SMSW, LMSW, CLFLUSH and its kin.
 * Must not know: descriptors (emulate_segment.c), what is behind the addresses.
 *
 * As in emulate_segment.c, privileges are checked again.
 *
 * Sources: [SDM] vol. 2, each instruction's page; vol. 3 "User-Mode Instruction Prevention" in
 * "Control Registers" (2.5).
 */
#include "lib/string.h"
#include "vm/cr.h"
#include "vm/emulate_parts.h"
#include "vm/emulate_segment.h"
#include "vm/vm.h"

#define BASE_286 0xffffffull /* what LGDT of 16 bits loads; in 64-bit mode there is none */

/* The stores are everybody's, unless CR4.UMIP says otherwise. */
static int check_store(struct vcpu *v, struct event *fault)
{
	const struct cpu_state *state = vcpu_state(v, STATE_EXEC);

	if (state->cpl && (state->cr4 & CR4_UMIP))
		return emulate_fault(fault, VECTOR_GP, 0);
	return 0;
}

static int check_load(struct vcpu *v, struct event *fault)
{
	return vcpu_state(v, STATE_EXEC)->cpl ? emulate_fault(fault, VECTOR_GP, 0) : 0;
}

/* Bytes of the destination from at on, an access of its own: with its alignment, and its fault. */
static int store_part(struct vcpu *v, const struct insn *insn, unsigned at, const void *from,
		      unsigned len, struct event *fault)
{
	u64 ea = insn_ea(insn, &insn->dst, v->regs.r, v->regs.rip + insn->len);
	struct emulate_place place;

	if (emulate_locate_in(v, insn_seg(insn, &insn->dst), (ea + at) & insn_mask(insn->asize),
			      len, true, &place, fault))
		return -1;
	emulate_put(v, &place, from);
	emulate_accessed(v, &place);
	return 0;
}

/*
 * 16 bits of limit, then the base: all of it, by whatever operand size.  Two stores, as the
 * manual's advice on alignment has it: [SDM] vol. 3 "Segment Descriptor Tables" (3.5.1).
 */
static enum emulate_result do_store_table(struct vcpu *v, const struct insn *insn,
					  struct event *fault)
{
	const struct cpu_state *state = vcpu_state(v, STATE_SEG);
	const struct table_register *table = insn->op == INSN_SGDT ? &state->gdtr : &state->idtr;

	if (check_store(v, fault) ||
	    store_part(v, insn, 0, &table->limit, sizeof(u16), fault) ||
	    store_part(v, insn, sizeof(u16), &table->base, insn->dst.size - sizeof(u16), fault))
		return R_FAULT;
	return R_DONE;
}

static enum emulate_result do_load_table(struct vcpu *v, const struct insn *insn,
					 struct event *fault)
{
	u8 image[sizeof(u16) + sizeof(u64)] = { 0 };
	struct table_register table;
	struct emulate_place place;

	if (check_load(v, fault) ||
	    emulate_locate_operand(v, insn, &insn->src, insn->src.size, false, &place, fault))
		return R_FAULT;
	emulate_get(v, &place, image);
	memcpy(&table.limit, image, sizeof(u16));
	table.base = load64(image + sizeof(u16));
	if (insn->osize == 2 && insn->mode != DECODE_64)
		table.base &= BASE_286;
	if (emulate_code64(v) && !emulate_canonical(v, table.base)) {
		emulate_fault(fault, VECTOR_GP, 0);
		return R_FAULT;
	}
	vcpu_state(v, STATE_SEG);
	*(insn->op == INSN_LGDT ? &v->state.gdtr : &v->state.idtr) = table;
	vcpu_state_changed(v, STATE_SEG);
	emulate_accessed(v, &place);
	return R_DONE;
}

/* SLDT, STR, SMSW: into memory always 16 bits. */
static enum emulate_result do_store_word(struct vcpu *v, const struct insn *insn,
					 struct event *fault)
{
	const struct cpu_state *state = vcpu_state(v, STATE_SEG | STATE_EXEC);
	u64 value = insn->op == INSN_SLDT ? state->ldtr.selector :
		    insn->op == INSN_STR  ? state->tr.selector :
					    state->cr0;
	struct emulate_place place;

	if (insn->op != INSN_SMSW && !segment_protected(v)) {
		emulate_exception(fault, VECTOR_UD);
		return R_FAULT;
	}
	if (check_store(v, fault) ||
	    emulate_locate_operand(v, insn, &insn->dst, insn->dst.size, true, &place, fault))
		return R_FAULT;
	emulate_store(v, insn, &insn->dst, &place, value);
	emulate_accessed(v, &place);
	return R_DONE;
}

/* The low four bits of CR0; PE is never cleared. */
static enum emulate_result do_lmsw(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	const u64 changed = CR0_MP | CR0_EM | CR0_TS;
	struct emulate_place place;
	u64 value, cr0;

	if (check_load(v, fault) ||
	    emulate_locate_operand(v, insn, &insn->src, insn->src.size, false, &place, fault))
		return R_FAULT;
	value = emulate_value(v, insn, &insn->src, &place);
	cr0 = vcpu_state(v, STATE_EXEC)->cr0;
	if (!cr_write(v, 0, (cr0 & ~changed) | (value & (changed | CR0_PE)))) {
		emulate_fault(fault, VECTOR_GP, 0);
		return R_FAULT;
	}
	emulate_accessed(v, &place);
	return R_DONE;
}

/* CLFLUSH, CLFLUSHOPT, CLWB fault as a load of a byte does, and no device is cached. */
static enum emulate_result do_flush(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	struct emulate_place place;

	if (emulate_locate_operand(v, insn, &insn->src, 1, false, &place, fault))
		return R_FAULT;
	return R_DONE;
}

enum emulate_result emulate_system(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	switch (insn->op) {
	case INSN_SGDT:
	case INSN_SIDT:
		return do_store_table(v, insn, fault);
	case INSN_LGDT:
	case INSN_LIDT:
		return do_load_table(v, insn, fault);
	case INSN_SLDT:
	case INSN_STR:
	case INSN_SMSW:
		return do_store_word(v, insn, fault);
	case INSN_LMSW:
		return do_lmsw(v, insn, fault);
	case INSN_CLFLUSH:
		return do_flush(v, insn, fault);
	default:
		return R_UNKNOWN;
	}
}
