/*
 * canonical.c - addresses at the borders of what is canonical, by 4-level and by 5-level paging
 *
 * Owns: the addresses, the accesses, what comes of them.  Must not know: the tables (nothing is
 * mapped at these addresses).
 *
 * An access all of whose bytes are canonical is a page fault here, any other one #GP, or #SS by
 * the stack's register; that is decided before any table is looked at.
 *
 * Sources: [SDM] vol. 1 "Canonical Addressing" (3.3.7.1); vol. 3 "Interrupt 12 - Stack Fault
 * Exception (#SS)" and "Interrupt 13 - General Protection Exception (#GP)" (6.15), "Page-Fault
 * Exceptions" (4.7); vol. 2 "JMP" (64-bit mode exceptions).
 */
#include "space.h"

#include "lib/fmt.h"
#include "x86_ops.h"

#define PORT 0xed
#define APIC_VERSION 0x30
#define APIC_TPR 0x80
#define BITS_4 48
#define BITS_5 57
#define ERROR_WR 0x02
#define ERROR_US 0x04
#define ERROR_ID 0x10

enum how { READ, STACK, WRITE, FETCH, OUTS, INS, LOAD_APIC, STORE_APIC, HOWS };

static const struct {
	const char *code;
	unsigned bytes;
	bool write, fetch;
} ways[HOWS] = {
	[READ] = { snippet_read, 1, .write = false },
	[STACK] = { snippet_stack, 1, .write = false },
	[WRITE] = { snippet_write, 1, .write = true },
	[FETCH] = { snippet_fetch, 1, .fetch = true },
	[OUTS] = { snippet_outs, 1, .write = false },
	[INS] = { snippet_ins, 1, .write = true },
	[LOAD_APIC] = { snippet_movs, 4, .write = true },
	[STORE_APIC] = { snippet_movs, 4, .write = false },
};

static unsigned width;

static bool canonical(u64 a)
{
	return (u64)((s64)(a << (64 - width)) >> (64 - width)) == a;
}

static u64 expect(enum how how, u64 a, bool user)
{
	const bool told = (x86_rdmsr(MSR_EFER) & EFER_NXE) || (x86_read_cr4() & CR4_SMEP);

	if (!canonical(a) || !canonical(a + ways[how].bytes - 1))
		return WORD_VECTOR(how == STACK ? VECTOR_SS : VECTOR_GP);
	return WORD_VECTOR(VECTOR_PF) | WORD_CR2 |
	       WORD_ERROR((ways[how].write ? ERROR_WR : 0) | (user ? ERROR_US : 0) |
			  (ways[how].fetch && told ? ERROR_ID : 0));
}

static void one(enum how how, u64 a, bool user)
{
	const u64 apic = user ? SPACE_USER_APIC : APIC_DEFAULT_BASE;
	struct space_shot s = { .rdx = PORT, .rsi = a, .rdi = a, .rsp = SPACE_USER + 0x800 };
	u64 got;

	if (how == STACK)
		s.rsp = a;
	else if (how == LOAD_APIC)
		s.rsi = apic + APIC_VERSION;
	else if (how == STORE_APIC)
		s.rdi = apic + APIC_TPR;
	s.cs = user ? RT_USER_CS : RT_CS;
	s.ss = user ? RT_USER_DS : RT_DS;
	s.rip = user ? space_user(ways[how].code) : (u64)(uintptr_t)ways[how].code;
	s.rflags = RFLAGS_ONE | RFLAGS_IOPL;
	space_shoot(&s);
	got = WORD_VECTOR(s.vector) | WORD_ERROR(s.error);
	if (s.vector == VECTOR_PF && s.cr2 == a)
		got |= WORD_CR2;
	systems_try(how, got, expect(how, a, user), 0);
}

void systems_canonical(void)
{
	const u64 border4 = BIT(BITS_4 - 1), border5 = BIT(BITS_5 - 1);
	const u64 borders[] = { border4, border5, BIT(BITS_4), BIT(BITS_5), BIT(63) };
	char name[SYSTEMS_NAME];

	width = x86_read_cr4() & CR4_LA57 ? BITS_5 : BITS_4;
	fmt_string(name, sizeof(name), "canonical.%ulevel", width == BITS_5 ? 5u : 4u);
	systems_begin(name);
	for (unsigned how = 0; how < HOWS; how++)
		for (unsigned user = 0; user < 2; user++)
			for (unsigned i = 0; i < ARRAY_SIZE(borders); i++) {
				one(how, borders[i], user);
				one(how, borders[i] - 1, user);
				one(how, borders[i] - 2, user);
				one(how, 0 - borders[i], user);
				one(how, 0 - borders[i] - 1, user);
				one(how, 0 - borders[i] - 2, user);
				one(how, borders[i] | SPACE_USER, user);
			}
	systems_end();
}
