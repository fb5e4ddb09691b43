/* generate.c - see generate.h: the state */
#include "generate.h"

#include "compiler.h"
#include "lib/fmt.h"
#include "x86.h"

#define PAGE_ABSENT_IN 12
#define PAGE_READ_ONLY_IN 5
#define PAGE_SUPERVISOR_IN 10
#define MEMORIES 4
#define VECTOR_LOWEST 0x80 /* of interrupts that wait */
#define DR7_LE_GE BITS(9, 8)
#define DR7_PORT 2 /* with CR4.DE */

bool generate_lenient;

const char *generate_kind_name(unsigned kind)
{
	static const char *const name[] = {
#define X(id, text) text,
		STREAM_KINDS(X)
#undef X
	};

	return kind < KIND_COUNT ? name[kind] : "?";
}

/* Small, an edge, a place in the window, or anything. */
static u64 some_number(struct dice *d)
{
	static const u64 edge[] = { 0,
				    1,
				    0x7f,
				    0x80,
				    0xff,
				    0x7fff,
				    0x8000,
				    0xffff,
				    0x7fffffff,
				    0x80000000,
				    0xffffffff,
				    0x100000000,
				    0x7fffffffffff,
				    0x800000000000,
				    0x7fffffffffffffff,
				    0x8000000000000000,
				    0xffff800000000000,
				    ~0ull };

	switch (dice_below(d, 6)) {
	case 0:
		return dice_below(d, 64);
	case 1:
		return edge[dice_below(d, ARRAY_SIZE(edge))];
	case 2:
	case 3:
		return forms_address(d);
	case 4:
		return dice_number(d) & 0xffffffff;
	default:
		return dice_number(d);
	}
}

static u64 canonical(u64 value)
{
	return (u64)((s64)(value << 16) >> 16);
}

static void some_registers(struct stream_case *c, struct dice *d)
{
	for (unsigned i = CASE_rax; i <= CASE_r15; i++)
		c->value[i] = some_number(d);
	/* These are where most operands in memory are looked for. */
	c->value[CASE_rbx] = forms_address(d);
	c->value[CASE_rsi] = forms_address(d);
	c->value[CASE_rdi] = forms_address(d);
	if (!dice_one_in(d, 3))
		c->value[CASE_rcx] = dice_below(d, 24);
	if (!dice_one_in(d, 8))
		c->value[CASE_rsp] = forms_address(d) & ~7ull;
	c->value[CASE_rflags] |= dice_number(d) & (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF |
						   RFLAGS_SF | RFLAGS_OF);
	if (dice_one_in(d, 4))
		c->value[CASE_rflags] |= RFLAGS_DF;
	if (dice_one_in(d, 6))
		c->value[CASE_rflags] |= dice_number(d) & (RFLAGS_AC | RFLAGS_ID | RFLAGS_NT);
	if (dice_one_in(d, 3))
		c->value[CASE_rflags] |= RFLAGS_IF;
}

static void some_segments(struct stream_case *c, struct dice *d)
{
	static const u16 data[] = {
		0,	  SEL_USER_DATA, SEL_USER_DATA, SEL_KERNEL_DATA, SEL_SMALL,
		SEL_DOWN, SEL_READ_ONLY, SEL_LDT_DATA,	SEL_USER_DATA
	};
	bool flat = !dice_one_in(d, 4);

	for (unsigned i = CASE_ds; i <= CASE_gs; i++)
		c->value[i] = flat ? SEL_USER_DATA : data[dice_below(d, ARRAY_SIZE(data))];
	for (unsigned i = CASE_fs_base; i <= CASE_kernel_gs_base; i++)
		if (dice_one_in(d, 2))
			c->value[i] =
			    dice_one_in(d, 4) ? canonical(dice_number(d)) : dice_below(d, 64);
}

static void some_pages(struct stream_case *c, struct dice *d)
{
	for (unsigned i = CASE_data0; i <= CASE_data3; i++) {
		u64 *page = &c->value[i];

		if (dice_one_in(d, PAGE_ABSENT_IN))
			*page &= ~PTE_P;
		if (dice_one_in(d, PAGE_READ_ONLY_IN))
			*page &= ~PTE_W;
		if (dice_one_in(d, PAGE_SUPERVISOR_IN))
			*page &= ~PTE_U;
	}
	c->value[CASE_memory] = dice_below(d, MEMORIES);
	/* Across the border of the two code pages, or anywhere. */
	c->value[CASE_entry] =
	    dice_one_in(d, 4) ? PAGE_SIZE - dice_below(d, 40) : dice_below(d, PAGE_SIZE);
}

static void some_control(struct stream_case *c, struct dice *d)
{
	if (dice_one_in(d, 8))
		c->value[CASE_cr0] ^= BIT(dice_below(d, 3) + 1); /* MP, EM, TS */
	if (dice_one_in(d, 8) && !generate_lenient)
		c->value[CASE_cr0] ^= CR0_AM;
	if (dice_one_in(d, 16))
		c->value[CASE_cr0] &= ~CR0_WP;
	if (dice_one_in(d, 4))
		c->value[CASE_cr4] ^=
		    dice_number(d) & (CR4_TSD | CR4_DE | CR4_PGE | CR4_PCE | CR4_FSGSBASE);
	if (dice_one_in(d, 16))
		c->value[CASE_cr4] ^= dice_number(d) & (CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE);
	if (dice_one_in(d, 16))
		c->value[CASE_xcr0] = dice_number(d) & 1 ? XCR0_X87 : XCR0_X87 | XCR0_SSE;
	if (dice_one_in(d, 16))
		c->value[CASE_efer] &= ~EFER_SCE;
	if (dice_one_in(d, 2))
		c->value[CASE_fpu] = 1 + dice_below(d, 1000);
	c->value[CASE_cr2] = dice_one_in(d, 2) ? dice_number(d) : 0;
	c->value[CASE_stacks] = dice_one_in(d, 3);
}

/* Breakpoints on what the stream executes, on its data, on ports that it uses (CR4.DE). */
static void some_breakpoints(struct stream_case *c, struct dice *d)
{
	u64 dr7 = DR7_FIXED;

	for (unsigned i = 0; i < 4; i++) {
		u64 kind = dice_below(d, 4), len = dice_below(d, 4);
		u64 at = kind ? forms_watched(d, c->value[CASE_rsp])
			      : STREAM_CODE + c->value[CASE_entry] + dice_below(d, 32);

		if (len == 2 && !kind)
			len = 0;
		if (kind == DR7_PORT && dice_one_in(d, 2)) {
			u64 port = forms_port(d) + dice_below(d, 4) - 1;

			/* QEMU has other addresses, and other flags behind one. */
			if (!generate_lenient)
				at = port;
			c->value[CASE_cr4] |= CR4_DE; /* without, QEMU looks at ports as well */
		}
		c->value[CASE_dr0 + i] = at;
		dr7 |= (kind ? kind | len << 2 : 0) << (16 + 4 * i);
		dr7 |= dice_below(d, 4) << (2 * i);
	}
	c->value[CASE_dr7] = dr7 | (dice_number(d) & DR7_LE_GE);
	if (dice_one_in(d, 4))
		c->value[CASE_cr4] |= CR4_DE;
}

/*
 * Operands in VGA memory, in any mode, stepped, watched, interrupted.  No event may be delivered
 * to a stack there, which nobody emulates; and QEMU checks no segment, and calls an instruction
 * that reads and writes across a border a reader if the second page is not there.
 */
static void with_device_memory(struct stream_case *c, struct dice *d)
{
	u64 *mode = &c->value[CASE_mode];

	c->value[CASE_device] = 2;
	c->value[CASE_stacks] = 0;
	c->value[CASE_memory] = 1;
	c->value[CASE_rbx] = forms_in_device(d);
	c->value[CASE_rsi] = forms_in_device(d);
	c->value[CASE_rdi] = forms_in_device(d);
	*mode = dice_below(d, MODE_COUNT);
	if (generate_lenient) {
		for (unsigned i = CASE_ds; i <= CASE_gs; i++)
			c->value[i] = SEL_USER_DATA;
		c->value[CASE_data1] = c->value[CASE_data3] = CASE_DATA_PAGE;
	}
	c->value[CASE_rflags] |= dice_one_in(d, 4) ? RFLAGS_TF : 0;
	/* QEMU meets breakpoints on a device twice, or others instead. */
	if (dice_one_in(d, 4) && !generate_lenient)
		some_breakpoints(c, d);
	if (!dice_one_in(d, 4))
		return;
	c->value[CASE_rflags] |= *mode == MODE_USER_64 || *mode == MODE_USER_32 ? RFLAGS_IOPL : 0;
	c->value[CASE_pending] = VECTOR_LOWEST + dice_below(d, 0x70);
}

static void of_kind(struct stream_case *c, struct dice *d, enum stream_kind kind)
{
	u64 *mode = &c->value[CASE_mode];

	switch (kind) {
	case KIND_USER:
		*mode = MODE_USER_64;
		c->value[CASE_rflags] |= dice_one_in(d, 8) ? RFLAGS_IOPL : 0;
		break;
	case KIND_COMPATIBILITY:
		*mode = dice_one_in(d, 4) ? MODE_KERNEL_32 : MODE_USER_32;
		break;
	case KIND_STEP:
		*mode = dice_below(d, MODE_COUNT);
		c->value[CASE_rflags] |= dice_one_in(d, 4) ? 0 : RFLAGS_TF;
		if (dice_one_in(d, 2))
			some_breakpoints(c, d);
		break;
	case KIND_INTERRUPT:
		*mode = dice_one_in(d, 4) ? MODE_USER_64 : MODE_KERNEL_64;
		c->value[CASE_rflags] |= *mode == MODE_USER_64 ? RFLAGS_IOPL : 0;
		c->value[CASE_pending] = VECTOR_LOWEST + dice_below(d, 0x70);
		break;
	case KIND_DEVICE:
		if (dice_one_in(d, 3))
			with_device_memory(c, d);
		else
			c->value[CASE_device] = 1;
		break;
	case KIND_RAW:
		*mode = dice_one_in(d, 3) ? MODE_USER_32 : MODE_USER_64;
		/* What shows time is a fault. */
		c->value[CASE_cr4] = (c->value[CASE_cr4] | CR4_TSD) & ~CR4_PCE;
		c->value[CASE_rflags] |= dice_one_in(d, 4) ? RFLAGS_TF : 0;
		if (dice_one_in(d, 8))
			c->value[CASE_code1] = dice_number(d) & 1 ? 0 : CASE_CODE_PAGE | PTE_NX;
		break;
	default:
		break;
	}
}

/* In 32-bit modes the upper halves are unobservable, and what becomes of them is nobody's promise.
 */
static void narrow(struct stream_case *c)
{
	enum case_mode mode = (enum case_mode)c->value[CASE_mode];

	if (mode != MODE_USER_32 && mode != MODE_KERNEL_32)
		return;
	for (unsigned i = CASE_rax; i <= CASE_r15; i++)
		c->value[i] = i <= CASE_rdi ? (u32)c->value[i] : 0;
}

void generate_case(struct stream_case *c, u64 seed, u64 index)
{
	struct dice d = dice_of(seed, index);
	enum stream_kind kind = (enum stream_kind)(index % KIND_COUNT);

	case_init(c);
	fmt_string(c->name, sizeof(c->name), "%llu:%llu", (unsigned long long)seed,
		   (unsigned long long)index);
	some_registers(c, &d);
	some_segments(c, &d);
	some_pages(c, &d);
	some_control(c, &d);
	of_kind(c, &d, kind);
	narrow(c);
	c->units = 4 + (unsigned)dice_below(&d, CASE_UNITS - 3);
	for (unsigned i = 0; i < c->units; i++)
		forms_unit(&c->unit[i], &d, kind, c);
}
