/* xsave.c - see xsave.h */
#include "vm/xsave.h"

#include "lib/string.h"
#include "vm/vm.h"

/* [SDM] vol. 1 table 13-1: the legacy region, which FXSAVE's is too */
#define FCW 0
#define FSW 2
#define FTW 4 /* abridged: a bit for each register that is not empty */
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
		memset(to, 0, ST0);
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
