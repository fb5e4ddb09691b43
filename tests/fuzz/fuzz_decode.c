/*
 * fuzz_decode.c - any bytes as an instruction
 *
 * Input: a byte with the mode, then the instruction.  However many of its bytes are there, the
 * decoder says the same, or that it wants more; and it looks at none beyond those that it needs.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "vm/decode.h"

/* From a copy of exact size, so that a byte too many is seen. */
static int decode_copy(struct insn *insn, const u8 *bytes, unsigned len, enum decode_mode mode)
{
	u8 *copy = malloc(len ? len : 1);
	int result;

	memcpy(copy, bytes, len);
	memset(insn, 0, sizeof(*insn));
	result = decode(insn, copy, len, mode);
	free(copy);
	return result;
}

static void check_operand(const struct insn *insn, const struct insn_operand *o)
{
	u64 gpr[REG_COUNT] = { 0x1234, ~0ull, 1ull << 63 };

	check(o->kind <= OPERAND_FAR && o->size <= 16);
	switch (o->kind) {
	case OPERAND_REG:
		check(o->reg < REG_COUNT);
		if (o->size && o->size <= 8)
			insn_reg_write(insn, gpr, o->reg, o->size,
				       ~insn_reg_read(insn, gpr, o->reg, o->size));
		break;
	case OPERAND_MEM:
		check(insn->mem);
		/* fallthrough */
	case OPERAND_SI:
	case OPERAND_DI:
		check(insn_seg(insn, o) < SEG_COUNT);
		if (!insn->evex)
			check(insn_ea(insn, o, gpr, 0x7fff) <= insn_mask(insn->asize));
		break;
	case OPERAND_SREG:
		check(o->reg < SEG_COUNT);
		break;
	case OPERAND_CR:
	case OPERAND_DR:
		check(o->reg < 16);
		break;
	default:
		break;
	}
}

static void check_insn(const struct insn *i, enum decode_mode mode)
{
	check(i->mode == mode && i->op != INSN_INVALID && i->op < INSN_OP_COUNT);
	check(insn_name(i->op)[0]);
	check(i->osize == 2 || i->osize == 4 || (i->osize == 8 && mode == DECODE_64));
	check(i->asize == 4 || i->asize == (mode == DECODE_64 ? 8 : 2));
	check(!i->rex || mode == DECODE_64 || i->vector_prefix);
	check(i->seg_override <= SEG_COUNT && i->scale < 4);
	check(i->base < REG_COUNT || i->base == INSN_NO_REG);
	check(i->index < REG_COUNT || i->index == INSN_NO_REG);
	check_operand(i, &i->dst);
	check_operand(i, &i->src);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	enum decode_mode mode = (enum decode_mode)(fuzz_take(&in, 1) % 3);
	unsigned len = (unsigned)MIN(in.left, 32u);
	struct insn insn, again;
	int result = decode_copy(&insn, in.data, len, mode), shorter;

	check(result <= 0 && result >= -DECODE_LONG);
	check(result != -DECODE_SHORT || len < INSN_MAX_LEN);
	if (!result) {
		check(insn.len && insn.len <= len && insn.len <= INSN_MAX_LEN);
		check_insn(&insn, mode);
	}
	for (unsigned n = 0; n < MIN(len, INSN_MAX_LEN); n++) {
		shorter = decode_copy(&again, in.data, n, mode);
		if (!result && n >= insn.len)
			check(!shorter && !memcmp(&insn, &again, sizeof(insn)));
		else
			check(shorter == -DECODE_SHORT || (result && shorter == result));
	}
	return 0;
}
