/*
 * fuzz_emulate.c - any instruction on device memory, in any mode, with any page tables
 *
 * Input: mode and state (fuzz_vm.c); then up to 16 instructions, each with a new value for one
 * register.  An instruction that faults has had no effect; nothing but the guest's RAM and its
 * device is touched; flags change only as arithmetic may.
 */
#include "fuzz_vm.h"

#include <string.h>

#include "vm/emulate.h"

#define DEVICE 0xa0000u
#define DEVICE_SIZE 0x20000u
#define PORT 0x5000
#define STEPS 16
#define FPU_GROUP 0xae /* LDMXCSR, FXRSTOR */
#define ARITHMETIC (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

static u8 device[DEVICE_SIZE];
static unsigned accesses;

static u64 device_read(void *dev UNUSED, u64 offset, unsigned size)
{
	u64 value = 0;

	check((size == 1 || size == 2 || size == 4 || size == 8) && offset + size <= DEVICE_SIZE);
	memcpy(&value, device + offset, size);
	accesses++;
	return value;
}

static void device_write(void *dev UNUSED, u64 offset, unsigned size, u64 value)
{
	check((size == 1 || size == 2 || size == 4 || size == 8) && offset + size <= DEVICE_SIZE);
	check(size == 8 || !(value >> 8 * size));
	memcpy(device + offset, &value, size);
	accesses++;
}

static u32 port_in(void *dev UNUSED, u16 port, unsigned size)
{
	check(size == 1 || size == 2 || size == 4);
	accesses++;
	return port * 0x01010101u;
}

static void port_out(void *dev UNUSED, u16 port UNUSED, unsigned size, u32 value)
{
	check(size == 4 || ((size == 1 || size == 2) && !(value >> 8 * size)));
	accesses++;
}

static struct vm *begin(void)
{
	static bool placed;
	struct vm *vm = fuzz_vm_begin(1, false);

	if (!placed) { /* in the place of the VGA */
		bus_move_mmio(&vm->bus, &vm->vga, gpa(0), 0);
		bus_claim_mmio(&vm->bus, (struct mmio_range){ .base = gpa(DEVICE),
							      .size = DEVICE_SIZE,
							      .read = device_read,
							      .write = device_write });
		bus_claim_ports(&vm->bus, (struct port_range){ .first = PORT,
							       .last = PORT + 7,
							       .in = port_in,
							       .out = port_out });
	}
	placed = true;
	memset(device, 0x11, sizeof(device));
	return vm;
}

static bool repeats(const struct insn *insn)
{
	return insn->rep && (insn->op == INSN_MOVS || insn->op == INSN_STOS ||
			     insn->op == INSN_LODS || insn->op == INSN_CMPS ||
			     insn->op == INSN_SCAS || insn->op == INSN_INS ||
			     insn->op == INSN_OUTS);
}

static bool jumps(const struct insn *insn)
{
	return insn->op == INSN_JMP || insn->op == INSN_CALL || insn->op == INSN_RET ||
	       insn->op == INSN_JCC;
}

/* They may have changed segments, tasks and modes. */
static bool goes_far(const struct insn *insn)
{
	return insn->op == INSN_JMP_FAR || insn->op == INSN_CALL_FAR || insn->op == INSN_RET_FAR ||
	       insn->op == INSN_IRET;
}

/* They bring RIP behind them and change flags or the interrupt shadow. */
static bool moves_on(const struct insn *insn)
{
	bool loads = insn->op == INSN_MOV_SREG || insn->op == INSN_POP_SREG;

	return insn->op == INSN_POPF || (loads && insn->dst.kind == OPERAND_SREG &&
					 insn->dst.reg == SEG_SS);
}

/* What they read decides whether they fault: of INS and OUTS, the map in the TSS; MXCSR. */
static bool reads_first(const struct insn *insn)
{
	switch (insn->op) {
	case INSN_DIV:
	case INSN_IDIV:
	case INSN_BOUND:
	case INSN_MOV_SREG:
	case INSN_POP_SREG:
	case INSN_LES:
	case INSN_LDS:
	case INSN_LSS:
	case INSN_LFS:
	case INSN_LGS:
	case INSN_LLDT:
	case INSN_LTR:
	case INSN_LAR:
	case INSN_LSL:
	case INSN_VERR:
	case INSN_VERW:
	case INSN_LGDT:
	case INSN_LIDT:
	case INSN_LMSW:
	case INSN_POPF:
	case INSN_INS:
	case INSN_OUTS:
	case INSN_ENTER:
		return true;
	default:
		return jumps(insn) || (insn->map == MAP_0F && insn->opcode == FPU_GROUP);
	}
}

struct before {
	struct gpregs regs;
	u8 data[FUZZ_DATA_SIZE];
};

static void check_outcome(struct vcpu *v, const struct before *before, const struct insn *insn)
{
	const struct vm_exit *exit = &v->exit;
	bool some = insn && repeats(insn); /* may have happened */
	bool frames = insn && insn->op == INSN_ENTER; /* of which some may be there */

	check(!host_locked(&v->vm->lock));
	if (insn && goes_far(insn))
		return;
	switch (exit->outcome) {
	case OUTCOME_DONE:
		check(insn && exit->insn_len == insn->len);
		check(((v->regs.rflags ^ before->regs.rflags) & ~(u64)ARITHMETIC) == 0);
		check(v->regs.rip == before->regs.rip || jumps(insn));
		break;
	case OUTCOME_RETRY:
		check(insn);
		if (v->changed) { /* this cannot have exited: the CPU looks again */
			check(!insn->mem && !accesses);
			check(!memcmp(&v->regs, &before->regs, sizeof(v->regs)));
			break;
		}
		check(moves_on(insn) ? v->regs.rip != before->regs.rip
				     : some && v->regs.rip == before->regs.rip);
		break;
	case OUTCOME_FAULT:
		check(exit->fault.type == EVENT_EXCEPTION && exit->fault.vector < 32);
		check(exit->fault.vector != VECTOR_PF || exit->fault.has_error);
		check(v->regs.rip == before->regs.rip);
		check(some || !memcmp(&v->regs, &before->regs, sizeof(v->regs)));
		/* Where to jump is read, then judged. */
		check(some || !accesses || (insn && reads_first(insn)));
		check(some || frames ||
		      !memcmp(fuzz_vm_ram(FUZZ_DATA), before->data, FUZZ_DATA_SIZE));
		break;
	default:
		check(v->vm->state == VM_DEAD && v->vm->cause[0]);
		check(!memcmp(&v->regs, &before->regs, sizeof(v->regs)) && !accesses);
		break;
	}
}

static void put_code(u64 at, struct fuzz_input *in, u8 bytes[INSN_MAX_LEN])
{
	for (unsigned i = 0; i < INSN_MAX_LEN; i++)
		bytes[i] = (u8)fuzz_take(in, 1);
	memcpy(fuzz_vm_ram(at), bytes, INSN_MAX_LEN);
}

static void step(struct vcpu *v, enum fuzz_mode mode, struct fuzz_input *in)
{
	static struct before before;
	u8 what = (u8)fuzz_take(in, 1), bytes[INSN_MAX_LEN];
	unsigned reg = what & (mode == FUZZ_LONG ? 15 : 7);
	enum decode_mode bits = mode == FUZZ_LONG ? DECODE_64
				: mode == FUZZ_REAL || mode == FUZZ_V86 || mode == FUZZ_PM16 ?
						    DECODE_16 :
						    DECODE_32;
	static struct cpu_state state;
	struct insn insn;
	u64 value;
	bool good;

	value = fuzz_vm_address(in);
	v->regs.r[reg] = mode == FUZZ_LONG ? value : (u32)value;
	if (reg == REG_RDX && (what & 0x10))
		v->regs.r[reg] = PORT + (value & 7);
	v->regs.rip = what & 0x20 ? FUZZ_CODE + 0xff8 : FUZZ_CODE;
	v->state.interrupted.type = v->raised.type = EVENT_NONE;
	v->requests = 0;
	v->vm->config.strict = what & 0x40;
	put_code(v->regs.rip, in, bytes);
	accesses = 0;
	before.regs = v->regs;
	state = *vcpu_state(v, STATE_ALL);
	memcpy(before.data, fuzz_vm_ram(FUZZ_DATA), FUZZ_DATA_SIZE);
	v->exit = (struct vm_exit){ .reason = EXIT_MEMORY };
	v->changed = 0;
	emulate_instruction(v);
	good = !decode(&insn, bytes, INSN_MAX_LEN, bits);
	check_outcome(v, &before, good ? &insn : NULL);
	fuzz_vm_check_segments(v);
	v->exit.outcome = OUTCOME_NONE;
	v->state = state; /* each begins in the same mode */
	v->regs.rflags = before.regs.rflags;
	vcpu_state_changed(v, STATE_ALL);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	u8 mode = (u8)fuzz_take(&in, 1);
	struct vm *vm = begin();

	fuzz_vm_state(vm->vcpu[0], mode % FUZZ_MODES, mode & 0x80, &in);
	for (unsigned i = 0; i < FUZZ_DATA_SIZE; i++)
		*fuzz_vm_ram(FUZZ_DATA + i) = (u8)(i + (i >> 8));
	for (unsigned i = 0; i < STEPS && in.left && vm->state == VM_RUNNING; i++)
		step(vm->vcpu[0], mode % FUZZ_MODES, &in);
	return 0;
}
