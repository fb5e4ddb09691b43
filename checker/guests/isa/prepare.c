/*
 * prepare.c - see isa.h: the bytes of a form, its registers and memory
 *
 * Owns: the templates' meaning, the contents that forms begin with, one function for each setup of
 * the table. Must not know: what comes out.
 */
#include "isa.h"

#include "lib/string.h"
#include "x86_ops.h"

#define INT3 0xcc
#define MODRM_REGISTER 0xc1 /* rCX */
#define MODRM_BX16 0x07
#define MODRM_BX 0x03
#define OPERAND_PREFIX 0x66
#define REX_W 0x48
#define NEW_FLAGS (RFLAGS_ONE | RFLAGS_CF | RFLAGS_IF | RFLAGS_IOPL)
#define HARMLESS_ADDRESS 0x12345000
#define MSR_VALUE_HIGH 0x1234
#define PIC_PORT 0x21
#define PIC_ABSENT 0xe0 /* no device there */
#define PIC_NEW 0xf7
#define STRING_SOURCE 0x40
#define STRING_TARGET 0x80
#define CODE_BYTES 0x300
#define UPPER_HALF (0x0badf00dull << 32)

u64 prepare_data[ISA_DATA_SIZE / 8], prepare_stack[ISA_STACK_SIZE / 8];

static const struct isa_form *form;
static const struct isa_mode_info *info;
static enum isa_mode mode;
static struct isa_context *in;

/* ---- Bytes ------------------------------------------------------------------------ */

static unsigned put(u8 *at, u64 value, unsigned size)
{
	memcpy(at, &value, size);
	return size;
}

static u8 modrm(u16 token)
{
	unsigned reg = (token & 7) << 3;

	if ((token & ~0xffu) == TOKEN_REGISTER)
		return (u8)(MODRM_REGISTER | reg);
	return (u8)((info->width == 2 ? MODRM_BX16 : MODRM_BX) | reg);
}

static unsigned put_far(u8 *at)
{
	unsigned size = info->width == 2 ? 2 : 4;

	put(at, (info->width == 2 ? 0 : info->code) + ISA_LANDING, size);
	return size + put(at + size, info->test_cs, 2);
}

static unsigned put_token(u8 *at, u16 token)
{
	unsigned size = info->width == 2 ? 2 : 4;

	switch (token & 0xff00) {
	case TOKEN_MEMORY:
	case TOKEN_REGISTER:
		return put(at, modrm(token), 1);
	case TOKEN_IMMEDIATE:
		return put(at, 0x12345678, size);
	case TOKEN_RELATIVE:
		return put(at, 0, size);
	case TOKEN_OFFSET:
		return put(at, info->data + ISA_OPERAND, info->width);
	case TOKEN_FAR:
		return put_far(at);
	default:
		return put(at, token, 1);
	}
}

/* What must stand before a form that waits: interrupts come behind it, not before. */
static unsigned put_wait(u8 *at)
{
	static const u8 monitor[] = { 0x0f, 0x01, 0xc8 };
	unsigned n = 0;

	if (!(form->flags & ISA_FLAG_WAKE) || info->cpl)
		return 0;
	if (form->setup == SETUP_mwait) {
		memcpy(at, monitor, sizeof(monitor));
		n = sizeof(monitor);
	}
	at[n] = 0xfb; /* STI */
	return n + 1;
}

static unsigned put_code(void)
{
	u8 *page = (u8 *)ISA_CODE;
	u8 bytes[64];
	unsigned n = put_wait(bytes);

	for (unsigned i = 0; i < form->count; i++)
		n += put_token(bytes + n, form->token[i]);
	memset(bytes + n, INT3, sizeof(bytes) - n);
	memcpy(page + ISA_START, bytes, sizeof(bytes));
	return ISA_START + n;
}

/* ---- Contents ------------------------------------------------------------------------- */

static u8 *operand(unsigned offset)
{
	return (u8 *)prepare_data + ISA_OPERAND + offset;
}

static void set_operand(unsigned offset, u64 value, unsigned size)
{
	put(operand(offset), value, size);
}

static void set_stack(unsigned slot, unsigned size, u64 value)
{
	put((u8 *)prepare_stack + ISA_SP + slot * size, value, size);
}

static void fill_memory(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(prepare_data); i++)
		prepare_data[i] = 0x3f9123453f812345 + i * 0x0000000200000003ull;
	for (unsigned i = 0; i < ARRAY_SIZE(prepare_stack); i++)
		prepare_stack[i] = 0x0000000000000400 + i;
	/* A divisor that fits AL, AX and EAX; a double; as m80 an odd one. */
	set_operand(0, 0x3ff921fb54442d7d, 8);
	set_operand(8, 0x0000000000003fff, 8);
}

static void fill_registers(void)
{
	for (unsigned i = R8; i < GPRS; i++)
		in->gpr[i] = 0x0807060504030200 + i * 0x1111;
	in->gpr[RAX] = 0x0077665511223344;
	in->gpr[RCX] = 0x0102030455667788;
	in->gpr[RDX] = 0;
	in->gpr[RBX] = info->data + ISA_OPERAND;
	in->gpr[RSP] = info->stack + ISA_SP;
	in->gpr[RBP] = info->stack + ISA_SP + 0x20;
	in->gpr[RSI] = info->data + STRING_SOURCE;
	in->gpr[RDI] = info->data + STRING_TARGET;
	in->rip = info->code + ISA_START;
	in->cs = info->cs;
	in->ss = info->ss;
	in->ds = in->es = in->fs = in->gs = info->ds;
}

bool prepare_task(const struct isa_form *which)
{
	return which->setup >= SETUP_task && which->setup <= SETUP_task16;
}

/* ---- Setups ------------------------------------------------------------------------------ */

static bool has_prefix(u8 byte)
{
	return form->token[0] == byte;
}

/* Operand size of far transfers and IRET; of near ones it is the address's in 64-bit mode. */
static unsigned far_size(void)
{
	return has_prefix(REX_W) ? 8 : info->width == 2 ? 2 : 4;
}

static u64 landing(void)
{
	return info->code + ISA_LANDING;
}

static void set_value(u64 value)
{
	in->gpr[RCX] = value;
	set_operand(0, value, 8);
}

/* Instructions that take 32 bits of a register must not look at the others, in any mode. */
static void set_low(enum isa_gpr reg, u32 value)
{
	in->gpr[reg] = (in->gpr[reg] & ~BITS(31, 0)) | UPPER_HALF | value;
}

static void set_near(void)
{
	set_value(landing());
	set_stack(0, info->width, landing());
}

static u16 segment_for(bool stack)
{
	if (mode == ISA_R || mode == ISA_V)
		return stack ? info->ss : info->ds;
	return stack ? info->stack_selector : SEL_TEST_DATA;
}

static void set_segment(bool stack)
{
	u16 selector = segment_for(stack);
	unsigned size = has_prefix(OPERAND_PREFIX) ? 2 : info->width;

	in->gpr[RCX] = selector;
	set_operand(0, selector, 2);
	set_stack(0, size, selector);
}

static void set_far_operand(u64 offset, u16 selector)
{
	unsigned size = info->width == 2 ? 2 : 4;

	set_operand(0, offset, size);
	set_operand(size, selector, 2);
}

/* A far return must not lower the privilege level: RPL is CPL. */
static void set_far_return(void)
{
	unsigned size = far_size();
	bool segments = mode != ISA_R && mode != ISA_V;

	set_stack(0, size, landing());
	set_stack(1, size, info->test_cs | (segments ? info->cpl : 0u));
}

static void set_iret(void)
{
	unsigned size = far_size();

	set_stack(0, size, landing());
	set_stack(1, size, info->cs);
	set_stack(2, size, NEW_FLAGS);
	set_stack(3, size, info->stack + ISA_SP);
	set_stack(4, size, info->ss);
}

static void set_popf(void)
{
	set_stack(0, has_prefix(OPERAND_PREFIX) ? (info->width == 2 ? 4 : 2) : info->width,
		  NEW_FLAGS);
}

static void set_pointer(struct isa_pointer pointer)
{
	set_operand(0, pointer.limit, 2);
	set_operand(2, pointer.base, 8);
}

static void set_equal(void)
{
	u64 low, high;

	memcpy(&low, operand(0), 8);
	memcpy(&high, operand(8), 8);
	in->gpr[RAX] = low;
	in->gpr[RDX] = high;
}

static void set_port(u16 port)
{
	in->gpr[RDX] = port;
	in->gpr[RAX] = PIC_NEW;
	put((u8 *)prepare_data + STRING_SOURCE, PIC_NEW * 0x010101ull, 8);
}

static void set_bound(bool inside)
{
	unsigned size = info->width == 2 ? 2 : 4;

	set_operand(0, 0, size);
	set_operand(size, !inside ? 1 : size == 2 ? 0x7fff : 0x7fffffff, size);
}

/* FNINIT's environment, then registers that hold 0 (FRSTOR). */
static void set_fpu_environment(void)
{
	unsigned size = info->width == 2 ? 2 : 4;

	memset(operand(0), 0, 7 * 4 + 80);
	set_operand(0, 0x37f, 2);
	set_operand(2 * size, 0xffff, 2);
}

static void set_fpu_image(bool compacted)
{
	u64 components = XCR0_X87 | XCR0_SSE;

	memset(operand(0), 0, 640);
	memcpy(operand(0), state_fpu_image(), 416);
	set_operand(32, 0xc123456789abcdef, 8); /* ST0 is another */
	set_operand(512, components, 8);
	set_operand(520, compacted ? BIT(63) | components : 0, 8);
	in->gpr[RAX] = components;
}

static void set_area(void)
{
	memset(operand(0), 0, ISA_DATA_SIZE - ISA_OPERAND);
	in->gpr[RAX] = XCR0_X87 | XCR0_SSE | XCR0_AVX;
}

static void set_far_setups(void)
{
	switch (form->setup) {
	case SETUP_far:
		return set_far_operand(landing(), info->test_cs);
	case SETUP_far_data:
		return set_far_operand(0, segment_for(false));
	case SETUP_far_stack:
		return set_far_operand(info->stack + ISA_SP, segment_for(true));
	case SETUP_call_gate:
		return set_far_operand(0, SEL_TEST_GATE);
	}
}

static void set_task(void)
{
	u16 selector = sandbox_task(mode, form->setup, (u16)isa_shot()->tr);

	set_far_operand(0, selector);
	if (form->setup == SETUP_task_fault)
		in->rflags |= RFLAGS_OF;
	if (form->setup != SETUP_task_nested)
		return;
	set_iret();
	in->rflags |= RFLAGS_NT;
}

static void set_control(void)
{
	switch (form->setup) {
	case SETUP_cr0:
		return set_value(state_cr0(mode) ^ CR0_AM);
	case SETUP_lmsw:
		return set_value((state_cr0(mode) ^ CR0_MP) & 0xf);
	case SETUP_cr2:
	case SETUP_dr0:
	case SETUP_dr1:
	case SETUP_dr2:
	case SETUP_dr3:
		return set_value(HARMLESS_ADDRESS);
	case SETUP_cr3:
		return set_value(x86_read_cr3() ^ 8); /* PWT */
	case SETUP_cr4:
		return set_value(state_cr4() ^ CR4_DE);
	case SETUP_cr8:
	case SETUP_one:
		return set_value(1);
	case SETUP_dr6:
		return set_value(DR6_FIXED ^ 1);
	case SETUP_dr7:
		return set_value(DR7_FIXED ^ BIT(9)); /* GE: does nothing */
	case SETUP_xcr0:
		set_low(RCX, 0);
		set_low(RDX, 0);
		return set_low(RAX, state_xcr0() & XCR0_AVX ? 3 : 1);
	case SETUP_gdtr:
		return set_pointer(sandbox_other_gdt());
	case SETUP_idtr:
		return set_pointer(sandbox_other_idt(mode));
	case SETUP_ldtr:
		return set_value(SEL_LDT_B);
	case SETUP_tr:
		return set_value(info->legacy ? SEL_TSS32_B : SEL_TSS64_B);
	case SETUP_msr:
		set_low(RCX, MSR_KERNEL_GS_BASE);
		return set_low(RDX, MSR_VALUE_HIGH);
	}
}

static void set_strings_and_ports(void)
{
	switch (form->setup) {
	case SETUP_rep:
	case SETUP_rep0:
		in->gpr[RCX] = form->setup == SETUP_rep ? 3 : 0;
		return;
	case SETUP_out:
	case SETUP_port:
		return set_port(PIC_PORT);
	case SETUP_port_rep:
		in->gpr[RCX] = 3;
		return set_port(PIC_PORT);
	case SETUP_port_e0:
		return set_port(PIC_ABSENT);
	}
}

static void set_registers(void)
{
	switch (form->setup) {
	case SETUP_mwait: /* all of RCX counts in 64-bit mode */
		in->gpr[RAX] = in->gpr[RCX] = 0;
		return;
	case SETUP_pmc:
		set_low(RAX, 0);
		return set_low(RCX, 0);
	case SETUP_cpuid0:
	case SETUP_cpuid1:
		set_low(RAX, form->setup == SETUP_cpuid1);
		return set_low(RCX, 0);
	case SETUP_pkru:
		in->gpr[RAX] = 0x55555550; /* key 0 stays open */
		in->gpr[RCX] = 0;
		return;
	case SETUP_clzero:
		in->gpr[RAX] = info->data + ISA_OPERAND;
		return;
	case SETUP_monitor:
		in->gpr[RAX] = info->data + ISA_OPERAND;
		in->gpr[RCX] = form->token[0] == 0xf3 ? in->gpr[RAX] : 0;
		return;
	case SETUP_invpcid:
		in->gpr[RAX] = 2; /* all contexts */
		memset(operand(0), 0, 16);
		return;
	case SETUP_low:
		in->gpr[RAX] = (u32)in->gpr[RAX];
		in->gpr[RCX] = (u32)in->gpr[RCX];
		return;
	case SETUP_page:
		in->gpr[RAX] = ISA_DATA;
		return;
	case SETUP_base:
		in->gpr[RCX] = 0x0000123456789abc;
		return;
	case SETUP_zero:
		in->gpr[RCX] = 0;
		return;
	case SETUP_arpl:
		in->gpr[RAX] |= 3;
		return;
	case SETUP_sysret:
		in->gpr[RCX] = landing();
		in->gpr[R11] = RFLAGS_ONE;
		return;
	case SETUP_sysexit:
		in->gpr[RDX] = landing();
		in->gpr[RCX] = in->gpr[RSP];
		return;
	case SETUP_overflow:
		in->rflags |= RFLAGS_OF;
		return;
	case SETUP_unaligned:
		in->gpr[RBX]++;
		return;
	}
}

static void set_memory(void)
{
	switch (form->setup) {
	case SETUP_near:
		return set_near();
	case SETUP_data:
		return set_segment(false);
	case SETUP_stack:
		return set_segment(true);
	case SETUP_retf:
		return set_far_return();
	case SETUP_iret:
		return set_iret();
	case SETUP_popf:
		return set_popf();
	case SETUP_equal:
		return set_equal();
	case SETUP_bound:
	case SETUP_out_of_bound:
		return set_bound(form->setup == SETUP_bound);
	case SETUP_fenv:
	case SETUP_frstor:
		return set_fpu_environment();
	case SETUP_fcw:
		return set_operand(0, 0x27f, 2);
	case SETUP_mxcsr:
		return set_operand(0, 0x1fa0, 4);
	case SETUP_fxrstor:
	case SETUP_xrstor:
	case SETUP_xrstors:
		return set_fpu_image(form->setup == SETUP_xrstors);
	case SETUP_area:
		return set_area();
	}
}

unsigned prepare(const struct isa_form *which, enum isa_mode in_mode, u64 flags)
{
	unsigned end;

	form = which;
	mode = in_mode;
	info = &isa_modes[mode];
	in = &isa_shot()->in;
	end = put_code();
	fill_memory();
	fill_registers();
	in->rflags = flags | (mode == ISA_V ? RFLAGS_VM : 0);
	set_far_setups();
	if (prepare_task(form))
		set_task();
	set_control();
	set_registers();
	set_strings_and_ports();
	set_memory();
	memcpy((void *)ISA_DATA, prepare_data, sizeof(prepare_data));
	memcpy((void *)ISA_STACK, prepare_stack, sizeof(prepare_stack));
	isa_shot()->enter = info->enter;
	isa_shot()->jump = in->rip | (u64)in->cs << (mode == ISA_R ? 16 : 32);
	return end;
}
