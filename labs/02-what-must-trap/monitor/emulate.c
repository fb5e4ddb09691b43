/*
 * emulate.c - see monitor.h: what the guest's instructions do to the virtual CPU
 *
 * Owns: the sensitive instructions that the guest kernel uses, whether a fault of the hardware or a
 * patch has brought them here.
 * Must not know: how they came.
 *
 * Sources: [SDM] vol. 2, the pages of the instructions; vol. 3 "Segment Descriptors" (3.4.5).
 */
#include "monitor.h"

#include "x86_ops.h"

#define COM1 0x3f8
#define EXIT_PORT 0xf4

#define SELECTOR_TI BIT(2)
#define DESCRIPTOR_S BIT(44)
#define DESCRIPTOR_CODE BIT(43)
#define DESCRIPTOR_RW BIT(41) /* code: readable; data: writable */
#define DESCRIPTOR_P BIT(47)
#define DESCRIPTOR_G BIT(55)
#define RIGHTS_MASK 0xf0ff00u

/* Of RFLAGS: what the virtual CPU has for itself, and what a POPF may change in the CPU. */
#define FLAGS_VIRTUAL (RFLAGS_IF | RFLAGS_IOPL)
#define FLAGS_SHARED                                                                       \
	(RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_DF | RFLAGS_OF | \
	 RFLAGS_NT | RFLAGS_AC | RFLAGS_ID)

struct virtual_cpu virtual_cpu;

/* ---- Operands ----------------------------------------------------------------------------- */

/* A general register in the frame. */
static u64 *gpr(struct rt_frame *f, unsigned reg)
{
	u64 *const place[REG_COUNT] = { &f->rax, &f->rcx, &f->rdx, &f->rbx, &f->rsp, &f->rbp,
					&f->rsi, &f->rdi, &f->r8,  &f->r9,  &f->r10, &f->r11,
					&f->r12, &f->r13, &f->r14, &f->r15 };

	return place[reg];
}

/* The address of the memory operand: segments have base 0 here. */
static u64 address_of(const struct insn *insn, struct rt_frame *f)
{
	u64 at = (u64)insn->disp;

	if (insn->rip_relative)
		at += f->rip + insn->len;
	if (insn->base != INSN_NO_REG)
		at += *gpr(f, insn->base);
	if (insn->index != INSN_NO_REG)
		at += *gpr(f, insn->index) << insn->scale;
	return at;
}

/* The source operand, of 16 bits. */
static u16 source(const struct insn *insn, struct rt_frame *f)
{
	u16 value = 0;

	if (insn->src.kind == OPERAND_MEM)
		guest_read(&value, address_of(insn, f), sizeof(value));
	else
		value = (u16)*gpr(f, insn->src.reg);
	return value;
}

/* To the destination operand: a register of the operand size, or 16 bits of memory. */
static void answer(const struct insn *insn, struct rt_frame *f, u64 value)
{
	u64 *reg;

	if (insn->dst.kind == OPERAND_MEM) {
		guest_write(address_of(insn, f), &value, 2);
		return;
	}
	reg = gpr(f, insn->dst.reg);
	if (insn->dst.size == 2)
		*reg = (*reg & ~0xffffull) | (u16)value;
	else
		*reg = value & insn_mask(insn->dst.size);
}

/* ---- What they do ------------------------------------------------------------------------- */

/*
 * PUSHF or POPF (insn->op says which) of a guest kernel that takes itself to be at CPL 0.  The
 * operand size, 2 or 8 bytes, is insn->osize; the guest's stack is in its memory at f->rsp, where
 * its pointer must have moved as the instruction moves it.
 *
 * Two sets of flags.  FLAGS_VIRTUAL are IF and IOPL: at CPL 0 PUSHF shows and POPF changes both,
 * so they are those of virtual_cpu.flags, and what stands in f->rflags in their place is the
 * monitor's: the guest must neither see nor change it.  FLAGS_SHARED are the guest's own in
 * f->rflags: POPF replaces them, as far as its operand reaches, and the bits of 16 and above stay
 * if that is of 2 bytes.
 *
 * PUSHF pushes f->rflags with the virtual flags in their places and RFLAGS_RF and RFLAGS_VM clear.
 * POPF changes nothing of f->rflags but FLAGS_SHARED.  RIP is the caller's business.
 *
 * [SDM] vol. 2 "PUSHF/PUSHFD/PUSHFQ", "POPF/POPFD/POPFQ", with the table of what each CPL may
 * change.
 */
static void emulate_flags(const struct insn *insn, struct rt_frame *f)
{
	u64 size = insn->osize, shared = FLAGS_SHARED & insn_mask(insn->osize), image = 0;

	if (insn->op == INSN_PUSHF) {
		image = f->rflags & ~(FLAGS_VIRTUAL | RFLAGS_RF | RFLAGS_VM);
		image |= virtual_cpu.flags;
		f->rsp -= size;
		guest_write(f->rsp, &image, size);
		return;
	}
	guest_read(&image, f->rsp, size);
	f->rsp += size;
	virtual_cpu.flags = image & FLAGS_VIRTUAL;
	f->rflags = (f->rflags & ~shared) | (image & shared);
}

/* The descriptor that the selector names in the guest's GDT; 0, which is not present: none. */
static u64 descriptor(u16 selector)
{
	u64 value = 0;

	if (selector < 8 || selector & SELECTOR_TI || (selector | 7) > virtual_cpu.gdtr.limit)
		return 0;
	guest_read(&value, virtual_cpu.gdtr.base + (selector & ~7u), sizeof(value));
	return value & DESCRIPTOR_S && value & DESCRIPTOR_P ? value : 0;
}

static u64 limit_of(u64 descriptor)
{
	u64 limit = (descriptor & 0xffff) | (descriptor >> 32 & 0xf0000);

	return descriptor & DESCRIPTOR_G ? limit << 12 | 0xfff : limit;
}

/*
 * LAR, LSL, VERR, VERW: the guest's CPL is 0, so no DPL refuses it; of segments of code and data
 * only, which is all that this kernel asks for.
 */
static void emulate_rights(const struct insn *insn, struct rt_frame *f)
{
	u64 d = descriptor(source(insn, f));
	bool good = d;

	if (insn->op == INSN_VERR)
		good = good && (!(d & DESCRIPTOR_CODE) || d & DESCRIPTOR_RW);
	else if (insn->op == INSN_VERW)
		good = good && !(d & DESCRIPTOR_CODE) && d & DESCRIPTOR_RW;
	else if (good)
		answer(insn, f, insn->op == INSN_LAR ? d >> 32 & RIGHTS_MASK : limit_of(d));
	f->rflags = (f->rflags & ~RFLAGS_ZF) | (good ? RFLAGS_ZF : 0);
}

/* MOV to and from CR0; of the other control registers this monitor has none to give. */
static bool emulate_cr(const struct insn *insn, struct rt_frame *f)
{
	if (insn->dst.kind == OPERAND_CR) {
		virtual_cpu.cr0 = *gpr(f, insn->src.reg);
		return insn->dst.reg == 0;
	}
	*gpr(f, insn->dst.reg) = virtual_cpu.cr0;
	return insn->src.reg == 0;
}

/* A byte to the serial line, which is the guest's alone, or to the port that ends its machine. */
static bool emulate_out(const struct insn *insn, struct rt_frame *f)
{
	u16 port = insn->dst.kind == OPERAND_IMM ? (u16)insn->imm : (u16)f->rdx;

	if (insn->src.size != 1)
		return false;
	if (port == EXIT_PORT)
		monitor_stop((u8)f->rax, "");
	if (port == COM1)
		monitor_type((char)f->rax);
	return port == COM1;
}

/* The registers that the kernel loads, and that fault where it does. */
static bool emulate_load(const struct insn *insn, struct rt_frame *f)
{
	switch (insn->op) {
	case INSN_LGDT:
		guest_read(&virtual_cpu.gdtr, address_of(insn, f), sizeof(virtual_cpu.gdtr));
		return true;
	case INSN_LIDT:
		guest_read(&virtual_cpu.idtr, address_of(insn, f), sizeof(virtual_cpu.idtr));
		return true;
	case INSN_LLDT:
		virtual_cpu.ldtr = source(insn, f);
		return true;
	case INSN_LTR:
		virtual_cpu.tr = source(insn, f);
		return true;
	case INSN_CLTS:
		virtual_cpu.cr0 &= ~CR0_TS;
		return true;
	case INSN_CLI:
		virtual_cpu.flags &= ~RFLAGS_IF;
		return true;
	case INSN_STI:
		virtual_cpu.flags |= RFLAGS_IF;
		return true;
	case INSN_MOV_CR:
		return emulate_cr(insn, f);
	case INSN_OUT:
		return emulate_out(insn, f);
	default:
		return false;
	}
}

bool emulate(const struct insn *insn, struct rt_frame *f)
{
	switch (insn->op) {
	case INSN_SGDT:
		guest_write(address_of(insn, f), &virtual_cpu.gdtr, sizeof(virtual_cpu.gdtr));
		return true;
	case INSN_SIDT:
		guest_write(address_of(insn, f), &virtual_cpu.idtr, sizeof(virtual_cpu.idtr));
		return true;
	case INSN_SLDT:
		answer(insn, f, virtual_cpu.ldtr);
		return true;
	case INSN_STR:
		answer(insn, f, virtual_cpu.tr);
		return true;
	case INSN_SMSW:
		answer(insn, f, virtual_cpu.cr0);
		return true;
	case INSN_PUSHF:
	case INSN_POPF:
		emulate_flags(insn, f);
		return true;
	case INSN_LAR:
	case INSN_LSL:
	case INSN_VERR:
	case INSN_VERW:
		emulate_rights(insn, f);
		return true;
	case INSN_MOV_SREG:
		answer(insn, f, insn->src.reg == SEG_CS ? virtual_cpu.cs : virtual_cpu.ss);
		return insn->src.kind == OPERAND_SREG;
	default:
		return emulate_load(insn, f);
	}
}
