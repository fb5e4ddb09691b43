/* breakpoint.c - see breakpoint.h */
#include "vm/breakpoint.h"

#include "vm/irq.h"
#include "vm/vcpu.h"

#define BREAKPOINTS 4
/* DR7: R/W and LEN, two bits each, from bit 16. */
#define DR7_WRITE 1
#define DR7_PORT 2
#define DR7_ACCESS 3

static bool enabled(u64 dr7, unsigned n)
{
	return dr7 >> 2 * n & 3;
}

static unsigned kind(u64 dr7, unsigned n)
{
	return dr7 >> (16 + 4 * n) & 3;
}

/* LEN: 1, 2, 8, 4 bytes.  The address is taken as aligned to it. */
static u64 length(u64 dr7, unsigned n)
{
	static const u8 bytes[] = { 1, 2, 8, 4 };

	return bytes[dr7 >> (18 + 4 * n) & 3];
}

static bool overlaps(u64 dr, u64 len, u64 at, unsigned size)
{
	u64 begin = ALIGN_DOWN(dr, len);

	return at < begin + len && begin < at + size;
}

static void look(struct vcpu *v, u64 at, unsigned size, unsigned kind1, unsigned kind2)
{
	const u64 *dr = vcpu_state(v, STATE_DR)->dr;
	struct event event = { .type = EVENT_EXCEPTION, .vector = VECTOR_DB };

	if (!(dr[7] & DR7_ENABLED))
		return;
	for (unsigned n = 0; n < BREAKPOINTS; n++)
		if (enabled(dr[7], n) && (kind(dr[7], n) == kind1 || kind(dr[7], n) == kind2) &&
		    overlaps(dr[n], length(dr[7], n), at, size))
			event.dr6 |= BIT(n);
	if (event.dr6)
		irq_raise(v, &event);
}

void breakpoint_port(struct vcpu *v, u16 port, unsigned size)
{
	if (vcpu_state(v, STATE_EXEC)->cr4 & CR4_DE)
		look(v, port, size, DR7_PORT, DR7_PORT);
}

void breakpoint_data(struct vcpu *v, u64 gva, unsigned size, bool write)
{
	if (!breakpoint_none(v))
		look(v, gva, size, DR7_ACCESS, write ? DR7_WRITE : DR7_ACCESS);
}
