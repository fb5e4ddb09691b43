/*
 * insn.c - a decoded instruction's registers and addresses
 *
 * Owns: the rules by which an instruction names parts of registers, and what its
 * memory operand's address is.  The contracts are in decode.h.
 * Must not know: how it was encoded (decode.c).
 *
 * Sources: as in decode.h.
 */
#include "vm/decode.h"

const char *insn_name(enum insn_op op)
{
	static const char *const names[] = {
#define INSN_NAME(name) #name,
		INSN_OPS(INSN_NAME)
#undef INSN_NAME
	};

	return op < INSN_OP_COUNT ? names[op] : "?";
}

/* AH, CH, DH and BH lie in bits 15:8 of registers 0 to 3. */
static bool is_high_byte(const struct insn *insn, unsigned reg, unsigned size)
{
	return size == 1 && !insn->rex && reg >= REG_RSP && reg <= REG_RDI;
}

u64 insn_reg_read(const struct insn *insn, const u64 *gpr, unsigned reg, unsigned size)
{
	if (is_high_byte(insn, reg, size))
		return gpr[reg - REG_RSP] >> 8 & 0xff;
	return gpr[reg] & insn_mask(size);
}

void insn_reg_write(const struct insn *insn, u64 *gpr, unsigned reg, unsigned size, u64 value)
{
	u64 mask = insn_mask(size);
	unsigned shift = 0;

	if (is_high_byte(insn, reg, size)) {
		reg -= REG_RSP;
		shift = 8;
	}
	if (size == 4)
		gpr[reg] = value & mask;
	else
		gpr[reg] = (gpr[reg] & ~(mask << shift)) | (value & mask) << shift;
}

/*
 * BT and its kin with a register count bits from the operand's address, forwards
 * and backwards. [SDM] "BT", vol. 2; "Bit String" addressing
 */
static u64 bit_displacement(const struct insn *insn, const u64 *gpr)
{
	unsigned size = insn->src.size, unused;
	s64 bit;

	if (insn->op < INSN_BT || insn->op > INSN_BTC || insn->src.kind != OPERAND_REG)
		return 0;
	unused = 64 - 8 * size; /* bits above a signed number of that size */
	bit = (s64)(insn_reg_read(insn, gpr, insn->src.reg, size) << unused) >> unused;
	return (u64)(bit >> 3) & ~(u64)(size - 1);
}

u64 insn_ea(const struct insn *insn, const struct insn_operand *opnd, const u64 *gpr, u64 rip_next)
{
	u64 ea = (u64)insn->disp;

	if (opnd->kind == OPERAND_SI)
		return gpr[REG_RSI] & insn_mask(insn->asize);
	if (opnd->kind == OPERAND_DI)
		return gpr[REG_RDI] & insn_mask(insn->asize);
	if (insn->rip_relative)
		ea += rip_next;
	if (insn->base != INSN_NO_REG)
		ea += gpr[insn->base];
	if (insn->index != INSN_NO_REG)
		ea += gpr[insn->index] << insn->scale;
	return (ea + bit_displacement(insn, gpr)) & insn_mask(insn->asize);
}

/* [SDM] "Specifying a Segment Selector" (vol. 1, 3.7.4) */
enum x86_seg insn_seg(const struct insn *insn, const struct insn_operand *opnd)
{
	if (opnd->kind == OPERAND_DI)
		return SEG_ES;
	if (insn->seg_override != SEG_COUNT)
		return insn->seg_override;
	if (opnd->kind == OPERAND_MEM && (insn->base == REG_RSP || insn->base == REG_RBP))
		return SEG_SS;
	return SEG_DS;
}
