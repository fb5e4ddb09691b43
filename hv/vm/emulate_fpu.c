/*
 * emulate_fpu.c - control words of the FPU and its whole state, to and from memory
 *
 * Owns: FLDCW, FNSTCW, FNSTSW, LDMXCSR, STMXCSR, FXSAVE, FXRSTOR.
 * Must not know: single registers (xsave.h), arithmetic: a number that the FPU loads from or stores
 * to a device is not emulated.
 *
 * Sources: [SDM] vol. 1 "FXSAVE and FXRSTOR Instructions" (10.5), "XSAVE Area" (13.4); vol. 2, each
 * instruction's page.
 */
#include "lib/string.h"
#include "vm/emulate_parts.h"
#include "vm/vm.h"

/* The area, of XSAVE and FXSAVE alike. */
#define FCW 0
#define FSW 2
#define FIP_HIGH 12 /* of a 64-bit pointer; else a selector, and CPUs of today have none */
#define FDP_HIGH 20
#define MXCSR 24
#define MXCSR_MASK 28
#define XMM0 160
#define XMM8 288
#define REGISTERS_END 416 /* what is behind is the program's */
#define AREA_SIZE 512
#define XSTATE_BV AREA_SIZE
#define BV_X87 BIT(0)
#define BV_SSE BIT(1)
#define FCW_INIT 0x37f
#define MXCSR_MASK_DEFAULT 0xffbf

#define X87_CONTROL 0xd9 /* FLDCW /5, FNSTCW /7 */
#define X87_STATUS 0xdd /* FNSTSW /7 */
#define GROUP_15 0xae /* FXSAVE /0, FXRSTOR /1, LDMXCSR /2, STMXCSR /3 */

static bool has_header(void)
{
	return virt->xsave_size() > AREA_SIZE;
}

/* v's area, where components that were never used hold their first values. */
static u8 *area(struct vcpu *v)
{
	const u16 fcw = FCW_INIT;
	u8 *at = v->xsave;
	u64 bv;

	vcpu_state(v, STATE_XSAVE);
	if (!has_header())
		return at;
	bv = load64(at + XSTATE_BV);
	if (!(bv & BV_X87)) {
		memset(at, 0, MXCSR);
		memset(at + MXCSR + 8, 0, XMM0 - MXCSR - 8);
		memcpy(at + FCW, &fcw, sizeof(fcw));
	}
	if (!(bv & BV_SSE))
		memset(at + XMM0, 0, REGISTERS_END - XMM0);
	bv |= BV_X87 | BV_SSE;
	memcpy(at + XSTATE_BV, &bv, sizeof(bv));
	return at;
}

static u32 mxcsr_mask(const u8 *area)
{
	u32 mask;

	memcpy(&mask, area + MXCSR_MASK, sizeof(mask));
	return mask ? mask : MXCSR_MASK_DEFAULT;
}

static int check_mxcsr(const u8 *area, const u8 *image, struct event *fault)
{
	u32 value;

	memcpy(&value, image, sizeof(value));
	return value & ~mxcsr_mask(area) ? emulate_fault(fault, VECTOR_GP, 0) : 0;
}

static int locate(struct vcpu *v, const struct insn *insn, unsigned size, bool write,
		  struct emulate_place *place, struct event *fault)
{
	static const struct insn_operand memory = { .kind = OPERAND_MEM };

	return emulate_locate_operand(v, insn, &memory, size, write, place, fault);
}

/* ---- Words ---------------------------------------------------------------------------- */

static enum emulate_result store_word(struct vcpu *v, const struct insn *insn, unsigned at,
				      unsigned size, struct event *fault)
{
	struct emulate_place place;

	if (locate(v, insn, size, true, &place, fault))
		return R_FAULT;
	emulate_put(v, &place, area(v) + at);
	emulate_accessed(v, &place);
	return R_DONE;
}

static enum emulate_result load_word(struct vcpu *v, const struct insn *insn, unsigned at,
				     unsigned size, struct event *fault)
{
	struct emulate_place place;
	u8 image[sizeof(u32)];

	if (locate(v, insn, size, false, &place, fault))
		return R_FAULT;
	emulate_get(v, &place, image);
	if (at == MXCSR && check_mxcsr(area(v), image, fault))
		return R_FAULT;
	memcpy(area(v) + at, image, size);
	vcpu_state_changed(v, STATE_XSAVE);
	emulate_accessed(v, &place);
	return R_DONE;
}

/* ---- All of it ------------------------------------------------------------------------ */

/* Eight vector registers outside 64-bit mode. */
static unsigned area_end(struct vcpu *v)
{
	return emulate_code64(v) ? REGISTERS_END : XMM8;
}

/* Without REX.W pointers have 32 bits. */
static void cut_pointers(const struct insn *insn, u8 *image)
{
	if (insn->rex & REX_W)
		return;
	memset(image + FIP_HIGH, 0, sizeof(u32));
	memset(image + FDP_HIGH, 0, sizeof(u32));
}

static int locate_area(struct vcpu *v, const struct insn *insn, bool write,
		       struct emulate_place *place, struct event *fault)
{
	if (locate(v, insn, AREA_SIZE, write, place, fault))
		return -1;
	return place->gva & 15 ? emulate_fault(fault, VECTOR_GP, 0) : 0;
}

/* The place, shortened: what lies behind is not written. */
static void cut_place(struct emulate_place *place, unsigned len)
{
	place->len = len;
	place->first = MIN(place->first, len);
}

static enum emulate_result do_save(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	struct emulate_place place;
	u8 image[REGISTERS_END];

	if (locate_area(v, insn, true, &place, fault))
		return R_FAULT;
	memcpy(image, area(v), sizeof(image));
	cut_pointers(insn, image);
	cut_place(&place, area_end(v));
	emulate_put(v, &place, image);
	emulate_accessed(v, &place);
	return R_DONE;
}

static enum emulate_result do_restore(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	struct emulate_place place;
	u8 image[REGISTERS_END], *to;
	u32 mask;

	if (locate_area(v, insn, false, &place, fault))
		return R_FAULT;
	cut_place(&place, area_end(v));
	emulate_get(v, &place, image);
	to = area(v);
	if (check_mxcsr(to, image + MXCSR, fault))
		return R_FAULT;
	cut_pointers(insn, image);
	memcpy(&mask, to + MXCSR_MASK, sizeof(mask));
	memcpy(image + MXCSR_MASK, &mask, sizeof(mask));
	memcpy(to, image, place.len);
	vcpu_state_changed(v, STATE_XSAVE);
	emulate_accessed(v, &place);
	return R_DONE;
}

/* ---- Which it is ---------------------------------------------------------------------- */

/* As in emulate_vector.c: checked again. */
static int check_enabled(struct vcpu *v, bool sse, struct event *fault)
{
	const struct cpu_state *state = vcpu_state(v, STATE_EXEC);

	if (sse && ((state->cr0 & CR0_EM) || !(state->cr4 & CR4_OSFXSR)))
		return emulate_exception(fault, VECTOR_UD);
	return state->cr0 & (CR0_TS | CR0_EM) ? emulate_exception(fault, VECTOR_NM) : 0;
}

static enum emulate_result control_word(struct vcpu *v, const struct insn *insn,
					struct event *fault)
{
	unsigned reg = insn->modrm >> 3 & 7;
	bool loads = insn->opcode == X87_CONTROL && reg == 5;

	if (!loads && reg != 7)
		return R_UNKNOWN;
	if (check_enabled(v, false, fault))
		return R_FAULT;
	if (loads)
		return load_word(v, insn, FCW, sizeof(u16), fault);
	return store_word(v, insn, insn->opcode == X87_CONTROL ? FCW : FSW, sizeof(u16), fault);
}

static enum emulate_result group_15(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	unsigned reg = insn->modrm >> 3 & 7;

	if (reg > 3)
		return R_UNKNOWN;
	if (check_enabled(v, reg >= 2, fault))
		return R_FAULT;
	switch (reg) {
	case 0:
		return do_save(v, insn, fault);
	case 1:
		return do_restore(v, insn, fault);
	case 2:
		return load_word(v, insn, MXCSR, sizeof(u32), fault);
	default:
		return store_word(v, insn, MXCSR, sizeof(u32), fault);
	}
}

enum emulate_result emulate_fpu(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	bool prefixed = insn->rep || insn->opsize_prefix;

	if (!insn->mem || insn->evex)
		return R_UNKNOWN;
	if (insn->map == MAP_0F && insn->opcode == GROUP_15 && !prefixed)
		return insn->vector_prefix && (insn->modrm >> 3 & 7) < 2 ? R_UNKNOWN :
									   group_15(v, insn, fault);
	if (insn->map == MAP_ONE_BYTE && !insn->vector_prefix &&
	    (insn->opcode == X87_CONTROL || insn->opcode == X87_STATUS))
		return control_word(v, insn, fault);
	return R_UNKNOWN;
}
