/*
 * translate.c - see monitor.h: what does not trap is made to
 *
 * Owns: which instructions need a patch, finding and patching them, what they were.
 * Must not know: what becomes of them then (emulate.c).
 *
 * Sources: G. J. Popek, R. P. Goldberg, CACM 17(7), 1974, section 6, theorem 1; J. S. Robin,
 * C. E. Irvine, USENIX Security 2000, section 3; the census of instructions (../census).
 */
#include "monitor.h"

struct patch patches[PATCH_MAX];
unsigned patch_count;

/*
 * Is the instruction sensitive, and does it run to its end at CPL 3 all the same? The answer is
 * for 64-bit code of a kernel that was written for CPL 0, and by the operation and operands of
 * *insn alone (vm/decode.h).  True for
 *   - what shows a register of the system of which the virtual CPU has its own: GDTR, IDTR, LDTR,
 *     TR, CR0 (its lower half: the machine status word);
 *   - what shows IF and IOPL, or should change them and at CPL 3 does not: the two instructions of
 *     RFLAGS and the stack;
 *   - what shows the CPL: a move from the segment register CS or SS, to wherever;
 *   - what answers a question about a segment by the CPL, and asks the wrong table: the four
 *     instructions that verify rights, or load access rights or limits.
 *
 * False for all that faults at CPL 3 by itself, for there the hardware's trap does it, and a
 * patch would only cost: what loads those registers, CLI, STI, input and output, and what names
 * segments of ring 0 in another way than those above (far transfers, IRET, moves to segment
 * registers).  False for what shows things that guest and monitor share: CPUID, RDTSC and their
 * like.
 */
bool must_trap(const struct insn *insn)
{
	switch (insn->op) {
	case INSN_SGDT:
	case INSN_SIDT:
	case INSN_SLDT:
	case INSN_STR:
	case INSN_SMSW:
	case INSN_PUSHF:
	case INSN_POPF:
	case INSN_LAR:
	case INSN_LSL:
	case INSN_VERR:
	case INSN_VERW:
		return true;
	case INSN_MOV_SREG:
		return insn->src.kind == OPERAND_SREG &&
		       (insn->src.reg == SEG_CS || insn->src.reg == SEG_SS);
	default:
		return false;
	}
}

/*
 * Patches the guest's code before it runs.  The code begins at the first of `size` bytes, fills
 * all of them, and there is nothing but instructions in it: each begins where the one before it
 * ends.  They are for 64-bit mode; decode() in vm/decode.h says what each is, and how long, and
 * must not be given bytes beyond the code.
 *
 * Of each instruction that must_trap(), the first byte becomes PATCH_BYTE, the others stay as
 * they are (nothing ever executes them), and patches[] gets an entry: where it begins, counted
 * from `code`, and the instruction as it was before.  patch_count counts the entries; it is 0 at
 * the start.
 *
 * True if all of the code was gone through.  False, with what was patched so far, if decode()
 * refuses an instruction, or one that must be patched finds patches[] full.
 */
bool translate(u8 *code, unsigned size)
{
	struct insn insn;

	for (unsigned at = 0; at < size; at += insn.len) {
		if (decode(&insn, code + at, size - at, DECODE_64))
			return false;
		if (!must_trap(&insn))
			continue;
		if (patch_count == PATCH_MAX)
			return false;
		patches[patch_count++] = (struct patch){ at, insn };
		code[at] = PATCH_BYTE;
	}
	return true;
}

const struct patch *patch_at(u64 at)
{
	for (unsigned i = 0; i < patch_count; i++)
		if (patches[i].at == at)
			return &patches[i];
	return NULL;
}
