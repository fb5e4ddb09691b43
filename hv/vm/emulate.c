/* emulate.c - see emulate.h */
#include "vm/emulate.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "vm/alu.h"
#include "vm/breakpoint.h"
#include "vm/irq.h"
#include "vm/vm.h"
#include "vm/walk.h"

/* One REP instruction is left after so many rounds, so that interrupts get in. */
#define ROUNDS_MAX 64
/* The widest access that goes to a device in one piece. */
#define PIECE_MAX 8

/* ---- Memory as the guest addresses it --------------------------------------------- */

u64 emulate_device_read(struct vcpu *v, gpa_t at, unsigned size)
{
	const struct mmio_range *range;
	struct vm *vm = v->vm;
	u64 value = ~0ull;

	host_lock(&vm->lock);
	range = bus_mmio_find(&vm->bus, at);
	if (lapic_page_hit(&v->lapic, at))
		value = lapic_mmio_read(&v->lapic, at.v & PAGE_MASK, size);
	else if (range)
		value = range->read(range->dev, at.v - range->base.v, size);
	host_unlock(&vm->lock);
	return value;
}

void emulate_device_write(struct vcpu *v, gpa_t at, unsigned size, u64 value)
{
	const struct mmio_range *range;
	struct vm *vm = v->vm;

	host_lock(&vm->lock);
	range = bus_mmio_find(&vm->bus, at);
	if (lapic_page_hit(&v->lapic, at))
		lapic_mmio_write(&v->lapic, at.v & PAGE_MASK, size, value);
	else if (range)
		range->write(range->dev, at.v - range->base.v, size, value);
	else if (vm->config.strict)
		vm_end(vm, VM_DEAD,
		       "stored %u bytes to address %#llx, where nothing is, at rip %#llx", size,
		       (unsigned long long)at.v, (unsigned long long)v->regs.rip);
	host_unlock(&vm->lock);
}

/* The largest aligned piece of an access: devices see what a bus would carry. */
static unsigned piece(u64 at, u64 len)
{
	unsigned size = PIECE_MAX;

	while (size > len || (at & (size - 1)))
		size /= 2;
	return size;
}

static void access_devices(struct vcpu *v, gpa_t at, u8 *buf, u64 len, bool write)
{
	while (len) {
		unsigned size = piece(at.v, len);
		u64 value = 0;

		if (write) {
			memcpy(&value, buf, size);
			emulate_device_write(v, at, size, value);
		} else {
			value = emulate_device_read(v, at, size);
			memcpy(buf, &value, size);
		}
		at.v += size;
		buf += size;
		len -= size;
	}
}

static void access_physical(struct vcpu *v, gpa_t at, void *buf, u64 len, bool write)
{
	u8 *ram = memory_ptr(v->vm, at, len);

	if (!ram)
		access_devices(v, at, buf, len, write);
	else if (write)
		memcpy(ram, buf, len);
	else
		memcpy(buf, ram, len);
}

static bool canonical(const struct walk_mode *mode, u64 gva)
{
	unsigned shift = 64 - walk_linear_bits(mode);

	return walk_linear_bits(mode) == 32 || (u64)((s64)(gva << shift) >> shift) == gva;
}

static struct event page_fault(u64 gva, u32 error)
{
	return (struct event){ .type = EVENT_EXCEPTION,
			       .vector = VECTOR_PF,
			       .has_error = true,
			       .error = error,
			       .cr2 = gva };
}

/*
 * All pages are translated before a byte moves: a fault on the second one must find
 * nothing written.  Accesses here span two pages at most.
 */
static int access_linear(struct vcpu *v, u64 gva, void *buf, unsigned len, unsigned access,
			 struct event *fault)
{
	unsigned first = (unsigned)MIN(len, PAGE_SIZE - (gva & PAGE_MASK));
	bool write = access & ACCESS_WRITE;
	struct walk_mode mode;
	struct walk w[2];

	check(len <= PAGE_SIZE);
	fetch_walk_mode(v, &mode);
	if (!canonical(&mode, gva) || !canonical(&mode, gva + len - 1)) {
		*fault = (struct event){ .type = EVENT_EXCEPTION,
					 .vector = VECTOR_GP,
					 .has_error = true };
		return -1;
	}
	for (unsigned i = 0; i < (first < len ? 2u : 1u); i++) {
		u64 at = i ? gva + first : gva;

		if (walk_linear_bits(&mode) == 32)
			at = (u32)at;
		if (walk(&w[i], &mode, at, access | WALK_SET_AD)) {
			*fault = page_fault(at, w[i].error);
			return -1;
		}
	}
	access_physical(v, w[0].gpa, buf, first, write);
	if (first < len)
		access_physical(v, w[1].gpa, (u8 *)buf + first, len - first, write);
	return 0;
}

int emulate_read(struct vcpu *v, u64 gva, void *to, unsigned len, bool system, struct event *fault)
{
	return access_linear(v, gva, to, len, ACCESS_READ | (system ? WALK_SYSTEM : 0), fault);
}

int emulate_write(struct vcpu *v, u64 gva, const void *from, unsigned len, bool system,
		  struct event *fault)
{
	/* Only read from when writing: the cast takes no right away. */
	return access_linear(v, gva, (void *)(uintptr_t)from, len,
			     ACCESS_WRITE | (system ? WALK_SYSTEM : 0), fault);
}

/* ---- Segments ------------------------------------------------------------------------- */

static bool long_mode(const struct cpu_state *state)
{
	return (state->efer & EFER_LMA) && (state->seg[SEG_CS].attr & SEG_ATTR_L);
}

#define TYPE_CODE BIT(3)
#define TYPE_EXPAND_DOWN BIT(2) /* of data */
#define TYPE_RW BIT(1) /* data: writable; code: readable */

static bool within_limit(const struct segment *s, u64 offset, unsigned len)
{
	u64 last = offset + len - 1;
	bool down = !(s->attr & TYPE_CODE) && (s->attr & TYPE_EXPAND_DOWN);

	if (down)
		return offset > s->limit &&
		       last <= (s->attr & SEG_ATTR_DB ? 0xffffffffull : 0xffffull);
	return last <= s->limit;
}

static bool type_allows(const struct segment *s, bool real, bool write)
{
	bool code = s->attr & TYPE_CODE;

	if (!(s->attr & SEG_ATTR_P) || real)
		return s->attr & SEG_ATTR_P;
	return write ? !code && (s->attr & TYPE_RW) : !code || (s->attr & TYPE_RW);
}

/* [SDM] "Limit Checking" (5.3), "Type Checking" (5.5): the linear address, or #GP, #SS. */
static int linear_address(struct vcpu *v, enum x86_seg seg, u64 offset, unsigned len, bool write,
			  u64 *gva, struct event *fault)
{
	const struct cpu_state *state = vcpu_state(v, STATE_EXEC | STATE_SEG);
	const struct segment *s = &state->seg[seg];
	bool real = !(state->cr0 & CR0_PE) || (v->regs.rflags & RFLAGS_VM);

	if (long_mode(state)) {
		const struct walk_mode mode = { .cr4 = state->cr4, .efer = state->efer };

		*gva = offset + (seg == SEG_FS || seg == SEG_GS ? s->base : 0);
		if (canonical(&mode, *gva) && canonical(&mode, *gva + len - 1))
			return 0;
	} else if (type_allows(s, real, write) && within_limit(s, offset, len)) {
		*gva = (u32)(s->base + offset);
		return 0;
	}
	*fault = (struct event){ .type = EVENT_EXCEPTION,
				 .vector = seg == SEG_SS ? VECTOR_SS : VECTOR_GP,
				 .has_error = true };
	return -1;
}

static int operand_address(struct vcpu *v, const struct insn *insn, const struct insn_operand *opnd,
			   unsigned len, bool write, u64 *gva, struct event *fault)
{
	u64 offset = insn_ea(insn, opnd, v->regs.r, v->regs.rip + insn->len);

	return linear_address(v, insn_seg(insn, opnd), offset, len, write, gva, fault);
}

int emulate_load(struct vcpu *v, const struct insn *insn, const struct insn_operand *opnd, void *to,
		 unsigned len, struct event *fault)
{
	u64 gva;

	if (operand_address(v, insn, opnd, len, false, &gva, fault))
		return -1;
	if (emulate_read(v, gva, to, len, false, fault))
		return -1;
	breakpoint_data(v, gva, len, false);
	return 0;
}

/* ---- Operands ----------------------------------------------------------------------------- */

static int read_operand(struct vcpu *v, const struct insn *insn, const struct insn_operand *opnd,
			u64 *value, struct event *fault)
{
	*value = 0;
	switch (opnd->kind) {
	case OPERAND_REG:
		*value = insn_reg_read(insn, v->regs.r, opnd->reg, opnd->size);
		return 0;
	case OPERAND_IMM:
		*value = insn->imm;
		return 0;
	case OPERAND_SREG:
		*value = vcpu_state(v, STATE_SEG | STATE_EXEC)->seg[opnd->reg].selector;
		return 0;
	default:
		return emulate_load(v, insn, opnd, value, opnd->size, fault);
	}
}

static int write_operand(struct vcpu *v, const struct insn *insn, const struct insn_operand *opnd,
			 u64 value, struct event *fault)
{
	u64 gva;

	if (opnd->kind == OPERAND_REG) {
		insn_reg_write(insn, v->regs.r, opnd->reg, opnd->size, value);
		return 0;
	}
	if (operand_address(v, insn, opnd, opnd->size, true, &gva, fault))
		return -1;
	if (emulate_write(v, gva, &value, opnd->size, false, fault))
		return -1;
	breakpoint_data(v, gva, opnd->size, true);
	return 0;
}

/* ---- Instructions ------------------------------------------------------------------------- */

enum result { R_DONE, R_FAULT, R_AGAIN, R_UNKNOWN };

static s64 sign_extend(u64 value, unsigned size)
{
	unsigned shift = 64 - 8 * size;

	return (s64)(value << shift) >> shift;
}

static enum result do_move(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	u64 value;

	if (read_operand(v, insn, &insn->src, &value, fault))
		return R_FAULT;
	if (insn->op == INSN_MOVSX || insn->op == INSN_MOVSXD)
		value = (u64)sign_extend(value, insn->src.size);
	if (insn->op == INSN_MOVBE)
		value = __builtin_bswap64(value) >> (64 - 8 * insn->dst.size);
	return write_operand(v, insn, &insn->dst, value, fault) ? R_FAULT : R_DONE;
}

static enum result do_alu(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	u64 flags = v->regs.rflags, a, b = 0, r;
	bool writes = insn->op != INSN_CMP && insn->op != INSN_TEST && insn->op != INSN_BT;

	if (read_operand(v, insn, &insn->dst, &a, fault))
		return R_FAULT;
	if (insn->src.kind != OPERAND_NONE && read_operand(v, insn, &insn->src, &b, fault))
		return R_FAULT;
	r = alu(insn->op, insn->dst.size, a, b, &flags);
	if (writes && write_operand(v, insn, &insn->dst, r, fault))
		return R_FAULT;
	v->regs.rflags = flags;
	return R_DONE;
}

static enum result do_exchange(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	u64 flags = v->regs.rflags, a, b, sum;

	if (read_operand(v, insn, &insn->dst, &a, fault) ||
	    read_operand(v, insn, &insn->src, &b, fault))
		return R_FAULT;
	sum = insn->op == INSN_XADD ? alu(INSN_ADD, insn->dst.size, a, b, &flags) : b;
	/* The one in memory first: if it faults, no register has changed. */
	if (insn->dst.kind != OPERAND_REG) {
		if (write_operand(v, insn, &insn->dst, sum, fault))
			return R_FAULT;
		write_operand(v, insn, &insn->src, a, fault);
	} else {
		if (write_operand(v, insn, &insn->src, a, fault))
			return R_FAULT;
		write_operand(v, insn, &insn->dst, sum, fault);
	}
	v->regs.rflags = flags;
	return R_DONE;
}

static enum result do_cmpxchg(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	unsigned size = insn->dst.size;
	u64 flags = v->regs.rflags, old, new, rax = v->regs.r[REG_RAX] & insn_mask(size);

	if (read_operand(v, insn, &insn->dst, &old, fault) ||
	    read_operand(v, insn, &insn->src, &new, fault))
		return R_FAULT;
	alu(INSN_CMP, size, rax, old, &flags);
	/* Memory is written either way, with its old value if they differ. */
	if (write_operand(v, insn, &insn->dst, old == rax ? new : old, fault))
		return R_FAULT;
	if (old != rax)
		insn_reg_write(insn, v->regs.r, REG_RAX, size, old);
	v->regs.rflags = flags;
	return R_DONE;
}

/* ---- Strings -------------------------------------------------------------------------------- */

static void advance(struct vcpu *v, const struct insn *insn, unsigned reg, unsigned size)
{
	s64 step = v->regs.rflags & RFLAGS_DF ? -(s64)size : (s64)size;
	u64 value = insn_reg_read(insn, v->regs.r, reg, insn->asize) + (u64)step;

	/* insn_reg_write would cut 32-bit registers as an operand: addresses do the same. */
	insn_reg_write(insn, v->regs.r, reg, insn->asize, value);
}

static int port_round(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	u16 port = (u16)v->regs.r[REG_RDX];
	bool in = insn->op == INSN_INS;
	const struct insn_operand *mem = in ? &insn->dst : &insn->src;
	unsigned size = mem->size;
	u64 gva, value = 0;

	if (operand_address(v, insn, mem, size, in, &gva, fault))
		return -1;
	if (!in && emulate_read(v, gva, &value, size, false, fault))
		return -1;
	/* A page that cannot be written must fault before the device is read. */
	if (in) {
		struct walk_mode mode;
		struct walk w;

		fetch_walk_mode(v, &mode);
		for (u64 at = gva; at <= gva + size - 1; at = (at | PAGE_MASK) + 1)
			if (walk(&w, &mode, at, ACCESS_WRITE)) {
				*fault = page_fault(at, w.error);
				return -1;
			}
	}
	host_lock(&v->vm->lock);
	if (in)
		value = bus_in(&v->vm->bus, port, size);
	else
		bus_out(&v->vm->bus, port, size, (u32)value);
	host_unlock(&v->vm->lock);
	if (in && emulate_write(v, gva, &value, size, false, fault))
		return -1;
	breakpoint_port(v, port, size);
	breakpoint_data(v, gva, size, in);
	return 0;
}

/* One round of a string instruction without its count.  -1: it faulted, registers unchanged. */
static int string_round(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	bool compares = insn->op == INSN_CMPS || insn->op == INSN_SCAS;
	unsigned size = insn->op == INSN_OUTS ? insn->src.size : insn->dst.size;
	u64 a, b;

	if (insn->op == INSN_INS || insn->op == INSN_OUTS) {
		if (port_round(v, insn, fault))
			return -1;
	} else if (compares) {
		if (read_operand(v, insn, &insn->dst, &a, fault) ||
		    read_operand(v, insn, &insn->src, &b, fault))
			return -1;
		/* CMPS subtracts the destination from the source, SCAS from rAX. */
		if (insn->op == INSN_CMPS)
			alu(INSN_CMP, size, insn->dst.kind == OPERAND_DI ? b : a,
			    insn->dst.kind == OPERAND_DI ? a : b, &v->regs.rflags);
		else
			alu(INSN_CMP, size, insn->dst.kind == OPERAND_REG ? a : b,
			    insn->dst.kind == OPERAND_REG ? b : a, &v->regs.rflags);
	} else {
		if (read_operand(v, insn, &insn->src, &a, fault) ||
		    write_operand(v, insn, &insn->dst, a, fault))
			return -1;
	}
	if (insn->dst.kind == OPERAND_SI || insn->src.kind == OPERAND_SI)
		advance(v, insn, REG_RSI, size);
	if (insn->dst.kind == OPERAND_DI || insn->src.kind == OPERAND_DI)
		advance(v, insn, REG_RDI, size);
	return 0;
}

static bool repeat_ends(const struct insn *insn, u64 rflags)
{
	bool zero = rflags & RFLAGS_ZF;

	if (insn->op != INSN_CMPS && insn->op != INSN_SCAS)
		return false;
	return insn->rep == REP_REPE ? !zero : zero;
}

static enum result do_string(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	unsigned rounds = 0;

	if (insn->rep == REP_NONE)
		return string_round(v, insn, fault) ? R_FAULT : R_DONE;
	for (;;) {
		u64 count = insn_reg_read(insn, v->regs.r, REG_RCX, insn->asize);

		if (!count)
			return R_DONE;
		if (rounds++ == ROUNDS_MAX)
			return R_AGAIN;
		if (string_round(v, insn, fault))
			return R_FAULT;
		insn_reg_write(insn, v->regs.r, REG_RCX, insn->asize, count - 1);
		if (repeat_ends(insn, v->regs.rflags))
			return R_DONE;
		/* A trap flag steps through every round; a breakpoint is met by one of them. */
		if ((v->regs.rflags & RFLAGS_TF) || v->raised.type)
			return count == 1 ? R_DONE : R_AGAIN;
		if (READ_ONCE(v->vm->state) != VM_RUNNING)
			return R_AGAIN;
	}
}

static enum result execute(struct vcpu *v, const struct insn *insn, struct event *fault)
{
	switch (insn->op) {
	case INSN_MOV:
	case INSN_MOVZX:
	case INSN_MOVSX:
	case INSN_MOVSXD:
	case INSN_MOVBE:
	case INSN_MOVNTI:
		return do_move(v, insn, fault);
	case INSN_XCHG:
	case INSN_XADD:
		return do_exchange(v, insn, fault);
	case INSN_CMPXCHG:
		return do_cmpxchg(v, insn, fault);
	case INSN_MOVS:
	case INSN_STOS:
	case INSN_LODS:
	case INSN_CMPS:
	case INSN_SCAS:
	case INSN_INS:
	case INSN_OUTS:
		return do_string(v, insn, fault);
	default:
		return alu_knows(insn->op) ? do_alu(v, insn, fault) : R_UNKNOWN;
	}
}

static void give_up(struct vcpu *v, const struct insn *insn)
{
	vm_end(v->vm, VM_DEAD,
	       "cannot emulate %s (opcode %#x of map %u) at rip %#llx on address %#llx",
	       insn_name(insn->op), insn->opcode, insn->map, (unsigned long long)v->regs.rip,
	       (unsigned long long)v->exit.memory.gpa.v);
}

void emulate_instruction(struct vcpu *v)
{
	static const struct event step = { .type = EVENT_EXCEPTION,
					   .vector = VECTOR_DB,
					   .dr6 = DR6_BS };
	struct vm_exit *exit = &v->exit;
	struct event fault = { 0 };
	const struct insn *insn = fetch_insn(v, &fault);
	enum result result = insn ? execute(v, insn, &fault) : R_FAULT;

	switch (result) {
	case R_DONE:
		exit->insn_len = insn->len;
		exit->outcome = OUTCOME_DONE;
		break;
	case R_AGAIN:
		exit->outcome = OUTCOME_RETRY;
		if (v->regs.rflags & RFLAGS_TF) /* a trap behind each round of REP */
			irq_raise(v, &step);
		break;
	case R_FAULT:
		exit->outcome = OUTCOME_FAULT;
		exit->fault = fault;
		break;
	case R_UNKNOWN:
		give_up(v, insn);
		break;
	}
}
