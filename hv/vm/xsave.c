/* xsave.c - see xsave.h */
#include "vm/xsave.h"

#include "lib/string.h"
#include "vm/vm.h"

/* [SDM] vol. 1 table 13-1: the legacy region, which FXSAVE's is too */
#define FCW 0
#define FSW 2
#define FTW 4 /* abridged: a bit for each register that is not empty */
#define MXCSR 24 /* not of x87, though between its parts */
#define ST0 32 /* in the order of the stack, 16 bytes each */
#define XMM0 160
#define LEGACY_SIZE 512
#define FCW_INIT 0x37f
#define FSW_TOP BITS(13, 11)
#define FSW_TOP_SHIFT 11
#define REGISTER 16
#define STACK 8
#define XMM_COUNT 16

#define HEADER_XSTATE_BV LEGACY_SIZE
#define COMPONENT_X87 0
#define COMPONENT_SSE 1
#define COMPONENT_AVX 2
#define COMPONENT_PKRU 9
#define CPUID_XSAVE 0xd

static u8 *area(struct vcpu *v)
{
	vcpu_state(v, STATE_XSAVE);
	return v->xsave;
}

/* Where a component lies; 0: the machine's area has none.  The two legacy ones are always there. */
static u32 offset_of(struct vcpu *v, unsigned component)
{
	return virt->xsave_size() > LEGACY_SIZE ? cpuid_get(v, CPUID_XSAVE, component).ebx : 0;
}

/* Without a header (FXSAVE) all is in use. */
static bool in_use(const u8 *area, unsigned component)
{
	u64 bv;

	if (virt->xsave_size() <= LEGACY_SIZE)
		return true;
	memcpy(&bv, area + HEADER_XSTATE_BV, sizeof(bv));
	return bv & BIT(component);
}

static void use(u8 *area, unsigned component)
{
	u64 bv;

	if (virt->xsave_size() <= LEGACY_SIZE)
		return;
	memcpy(&bv, area + HEADER_XSTATE_BV, sizeof(bv));
	bv |= BIT(component);
	memcpy(area + HEADER_XSTATE_BV, &bv, sizeof(bv));
}

/* ---- Vector registers ---------------------------------------------------------- */

/* One half of the register: a component that is not in use holds zeros, whatever the area has. */
static void read_half(const u8 *area, unsigned component, u32 at, void *to)
{
	if (at && in_use(area, component))
		memcpy(to, area + at, REGISTER);
	else
		memset(to, 0, REGISTER);
}

static void write_half(u8 *area, unsigned component, u32 first, unsigned n, const void *from)
{
	if (!first)
		return;
	if (!in_use(area, component))
		memset(area + first, 0, XMM_COUNT * REGISTER);
	memcpy(area + first + n * REGISTER, from, REGISTER);
	use(area, component);
}

void xsave_read_vector(struct vcpu *v, unsigned n, void *to, unsigned size)
{
	const u8 *from = area(v);
	u8 value[XSAVE_YMM_SIZE];
	u32 upper = offset_of(v, COMPONENT_AVX);

	read_half(from, COMPONENT_SSE, XMM0 + n * REGISTER, value);
	read_half(from, COMPONENT_AVX, upper ? upper + n * REGISTER : 0, value + REGISTER);
	memcpy(to, value, size);
}

void xsave_write_vector(struct vcpu *v, unsigned n, const void *from, unsigned size,
			bool clear_upper)
{
	u8 *to = area(v), value[XSAVE_YMM_SIZE] = { 0 };

	memcpy(value, from, size);
	write_half(to, COMPONENT_SSE, XMM0, n, value);
	if (size > REGISTER || clear_upper)
		write_half(to, COMPONENT_AVX, offset_of(v, COMPONENT_AVX), n, value + REGISTER);
	vcpu_state_changed(v, STATE_XSAVE);
}

/* ---- MMX --------------------------------------------------------------------------- */

/* Register Rn is at ST(n - TOP); with TOP 0, which every MMX instruction makes it, at ST(n). */
static u8 *enter_mmx(struct vcpu *v)
{
	u8 *to = area(v), old[STACK * REGISTER];
	u16 fcw = FCW_INIT, fsw = 0;
	unsigned top;

	if (!in_use(to, COMPONENT_X87)) {
		memset(to, 0, MXCSR);
		memset(to + ST0, 0, sizeof(old));
		memcpy(to + FCW, &fcw, sizeof(fcw));
	}
	memcpy(&fsw, to + FSW, sizeof(fsw));
	top = (unsigned)((fsw & FSW_TOP) >> FSW_TOP_SHIFT);
	memcpy(old, to + ST0, sizeof(old));
	for (unsigned n = 0; n < STACK; n++)
		memcpy(to + ST0 + n * REGISTER, old + (n - top) % STACK * REGISTER, REGISTER);
	fsw &= (u16)~FSW_TOP;
	memcpy(to + FSW, &fsw, sizeof(fsw));
	to[FTW] = 0xff;
	use(to, COMPONENT_X87);
	return to;
}

u64 xsave_read_mmx(struct vcpu *v, unsigned n)
{
	u64 value = load64(enter_mmx(v) + ST0 + n * REGISTER);

	vcpu_state_changed(v, STATE_XSAVE);
	return value;
}

void xsave_write_mmx(struct vcpu *v, unsigned n, u64 value)
{
	const u16 exponent = 0xffff;
	u8 *at = enter_mmx(v) + ST0 + n * REGISTER;

	memcpy(at, &value, sizeof(value));
	memcpy(at + sizeof(value), &exponent, sizeof(exponent));
	vcpu_state_changed(v, STATE_XSAVE);
}

/* ---- Keys -------------------------------------------------------------------------- */

u32 xsave_pkru(struct vcpu *v)
{
	const u8 *from = area(v);
	u32 at = offset_of(v, COMPONENT_PKRU), pkru = 0;

	if (at && in_use(from, COMPONENT_PKRU))
		memcpy(&pkru, from + at, sizeof(pkru));
	return pkru;
}

/* ---- State ------------------------------------------------------------------------- */

#define XSAVE_VERSION 1
#define FOP 6
#define FIP 8
#define FDP 16
#define ST_SIZE 10
#define COMPONENTS 63 /* bit 63 of XCR0 is none */

static u64 read_number(const u8 *area, unsigned at, unsigned size)
{
	u64 value = 0;

	memcpy(&value, area + at, size);
	return value;
}

/* The initial state is zero but for the control word: [SDM] vol. 1 "x87 State" (13.5.1) */
static void save_x87(struct state_buf *buf, const u8 *area)
{
	static const u8 initial[XMM0] = { [FCW] = FCW_INIT & 0xff, [FCW + 1] = FCW_INIT >> 8 };
	const u8 *from = in_use(area, COMPONENT_X87) ? area : initial;
	u64 fcw = read_number(from, FCW, 2), fsw = read_number(from, FSW, 2);
	u64 fop = read_number(from, FOP, 2), fip = read_number(from, FIP, 8);
	u64 fdp = read_number(from, FDP, 8), ftw = from[FTW];

	state_put(buf, fcw, 2);
	state_put(buf, fsw, 2);
	state_put(buf, ftw, 1);
	state_put(buf, fop, 2);
	state_put(buf, fip, 8);
	state_put(buf, fdp, 8);
	for (unsigned n = 0; n < STACK; n++) {
		const u8 *st = from + ST0 + n * REGISTER;

		state_put_bytes(buf, st, ST_SIZE);
	}
}

/* MXCSR belongs to no component's initial state. */
static void save_sse(struct state_buf *buf, const u8 *area)
{
	u64 mxcsr = read_number(area, MXCSR, 4);
	u8 xmm[REGISTER];

	state_put(buf, mxcsr, 4);
	for (unsigned n = 0; n < XMM_COUNT; n++) {
		read_half(area, COMPONENT_SSE, XMM0 + n * REGISTER, xmm);
		state_put_bytes(buf, xmm, REGISTER);
	}
}

static void save_component(struct state_buf *buf, struct vcpu *v, const u8 *from,
			   unsigned component)
{
	struct cpuid_regs r = cpuid_get(v, CPUID_XSAVE, component);
	bool used = in_use(from, component);

	state_put(buf, component, 4);
	state_put(buf, r.eax, 4);
	for (u32 at = 0; at < r.eax; at += REGISTER) {
		u8 part[REGISTER] = { 0 };

		if (used)
			memcpy(part, from + r.ebx + at, MIN(r.eax - at, (u32)REGISTER));
		state_put_bytes(buf, part, REGISTER);
	}
}

void xsave_save(struct vcpu *v, struct state_buf *buf)
{
	static const char *const name[COMPONENTS] = {
		[COMPONENT_AVX] = "ymm_upper", [3] = "bndregs",	 [4] = "bndcsr",
		[5] = "opmask",		       [6] = "zmm_upper", [7] = "zmm16_31",
		[COMPONENT_PKRU] = "pkru",
	};
	size_t begin = state_begin_section(buf, STATE_SECTION_XSAVE, XSAVE_VERSION);
	const u8 *from = area(v);

	save_x87(buf, from);
	save_sse(buf, from);
	for (unsigned n = COMPONENT_AVX; n < COMPONENTS; n++) {
		if (!(v->state.xcr0 & BIT(n)) || !offset_of(v, n))
			continue;
		state_scope(buf, name[n] ? name[n] : "component");
		save_component(buf, v, from, n);
	}
	state_end_section(buf, begin);
}
