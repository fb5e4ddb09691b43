/*
 * control_effects.c - what bits of CR0, CR4 and EFER do: instructions that work, or not, by them
 *
 * Owns: the instructions, and how each ends at CPL 0 and 3 with a bit clear and set.
 * Must not know: who holds the registers.
 *
 * What is read back from a control register may come from a hypervisor; what the bit does comes
 * from what the CPU itself has.  Each is tried at once, and right behind an instruction that exits.
 *
 * Sources: [SDM] vol. 3 "Control Registers" (2.5), "Extended Feature Enable Register" (2.2.1),
 * "Protected-Mode Virtual Interrupts" (20.4); vol. 2, "64-Bit Mode Exceptions" of each instruction,
 * "INVPCID"; vol. 3 "Interrupt 17 - Alignment Check Exception (#AC)" (6.15).
 */
#include "control.h"
#include "space.h"

#include "lib/string.h"
#include "x86_ops.h"

#define CODE_MAX 12
#define PORT 0xed
#define WORD_AT(n) ((u64)((n)&0xff) << 32)
#define MXCSR_INVALID_OPEN 0x1f00u /* but for invalid operations, all is masked */
#define MXCSR_USUAL 0x1f80u
#define CODE_PAGE 2
#define DATA_PAGE 3

enum reg { CR0, CR4, EFER };
enum vectors {
	OK = VECTOR_BP,
	UD = VECTOR_UD,
	NM = VECTOR_NM,
	GP = VECTOR_GP,
	AC = VECTOR_AC,
	XM = VECTOR_XM,
	ANY = 0xff
};

/* A feature: a leaf of CPUID, 1 to 3 for EBX to EDX, and the bit; leaf 0: everybody has it. */
struct needs {
	u32 leaf;
	u8 reg, bit;
};

struct line {
	enum reg reg;
	u64 bits;
	struct needs needs;
	u8 clear[2], set[2]; /* the vectors at CPL 0 and 3; ANY: not tried */
	bool own_flags;	     /* IOPL 0, so there is no exit before it at CPL 3 */
	u8 fault_at, len, code[CODE_MAX];
	u64 rax, rcx, data[2];
};

#define CODE(...) .len = sizeof((u8[]){ __VA_ARGS__ }), .code = { __VA_ARGS__ }
#define XSAVE                                                                                      \
	{                                                                                          \
		1, 2, 26                                                                           \
	}
#define INVPCID 0x66, 0x0f, 0x38, 0x82, 0x06

static const struct line lines[] = {
	{ CR4, CR4_TSD, { 1, 3, 4 }, { OK, OK }, { OK, GP }, CODE(0x0f, 0x31) },
	{ CR4, CR4_TSD, { 0x80000001, 3, 27 }, { OK, OK }, { OK, GP }, CODE(0x0f, 0x01, 0xf9) },
	{ CR4, CR4_DE, { 1, 3, 2 }, { OK, GP }, { UD, ANY }, CODE(0x0f, 0x21, 0xe0) },
	{ CR4, CR4_DE, { 1, 3, 2 }, { OK, GP }, { UD, ANY }, CODE(0x0f, 0x21, 0xe8) },
	{ CR4, CR4_UMIP, { 7, 2, 2 }, { OK, OK }, { OK, GP }, CODE(0x0f, 0x01, 0x06) },
	{ CR4, CR4_UMIP, { 7, 2, 2 }, { OK, OK }, { OK, GP }, CODE(0x0f, 0x01, 0x0e) },
	{ CR4, CR4_UMIP, { 7, 2, 2 }, { OK, OK }, { OK, GP }, CODE(0x0f, 0x00, 0xc0) },
	{ CR4, CR4_UMIP, { 7, 2, 2 }, { OK, OK }, { OK, GP }, CODE(0x0f, 0x00, 0xc8) },
	{ CR4, CR4_UMIP, { 7, 2, 2 }, { OK, OK }, { OK, GP }, CODE(0x0f, 0x01, 0xe0) },
	{ CR4,
	  CR4_FSGSBASE,
	  { 7, 1, 0 },
	  { UD, UD },
	  { OK, OK },
	  CODE(0xf3, 0x48, 0x0f, 0xae, 0xc0) },
	{ CR4,
	  CR4_FSGSBASE,
	  { 7, 1, 0 },
	  { UD, UD },
	  { OK, OK },
	  CODE(0xf3, 0x48, 0x0f, 0xae, 0xc9) },
	{ CR4,
	  CR4_FSGSBASE,
	  { 7, 1, 0 },
	  { UD, UD },
	  { GP, GP },
	  CODE(0xf3, 0x48, 0x0f, 0xae, 0xd0),
	  .rax = BIT(62) },
	{ CR4, CR4_OSXSAVE, XSAVE, { UD, UD }, { OK, OK }, CODE(0x0f, 0x01, 0xd0) },
	{ CR4, CR4_OSXSAVE, XSAVE, { UD, UD }, { GP, GP }, CODE(0x0f, 0x01, 0xd0), .rcx = 2 },
	{ CR4, CR4_OSXSAVE, XSAVE, { UD, UD }, { OK, GP }, CODE(0x0f, 0x01, 0xd1), .rax = 1 },
	{ CR4, CR4_OSXSAVE, XSAVE, { UD, UD }, { GP, GP }, CODE(0x0f, 0x01, 0xd1), .rax = 2 },
	{ CR4,
	  CR4_OSXSAVE,
	  XSAVE,
	  { UD, UD },
	  { GP, GP },
	  CODE(0x0f, 0x01, 0xd1),
	  .rax = 1,
	  .rcx = 1 },
	{ CR4, CR4_OSXSAVE, XSAVE, { UD, UD }, { OK, OK }, CODE(0x0f, 0xae, 0x26) },
	{ CR4, CR4_OSFXSR, { 1, 3, 24 }, { UD, UD }, { OK, OK }, CODE(0x0f, 0x28, 0xc0) },
	{ CR4, CR4_OSFXSR, { 1, 3, 24 }, { OK, OK }, { OK, OK }, CODE(0x0f, 0xae, 0x06) },
	{ CR4,
	  CR4_OSXMMEXCPT,
	  { 1, 3, 25 },
	  { UD, UD },
	  { XM, XM },
	  CODE(0x0f, 0xae, 0x16, 0x0f, 0x57, 0xc0, 0xf3, 0x0f, 0x5e, 0xc0),
	  .fault_at = 6,
	  .data = { MXCSR_INVALID_OPEN } },
	{ CR4, CR4_PKE, { 7, 2, 3 }, { UD, UD }, { OK, OK }, CODE(0x0f, 0x01, 0xee) },
	{ CR4, CR4_PKE, { 7, 2, 3 }, { UD, UD }, { GP, GP }, CODE(0x0f, 0x01, 0xee), .rcx = 1 },
	{ CR4, CR4_SMAP, { 7, 1, 20 }, { OK, UD }, { OK, UD }, CODE(0x0f, 0x01, 0xca) },
	{ CR4, CR4_SMAP, { 7, 1, 20 }, { OK, UD }, { OK, UD }, CODE(0x0f, 0x01, 0xcb) },
	{ CR4, CR4_PVI, { 1, 3, 1 }, { OK, GP }, { OK, OK }, true, CODE(0xfa) },
	/* INVPCID: four types; PCIDs only where they are on, addresses only for the first type. */
	{ CR4, CR4_PCIDE, { 7, 1, 10 }, { OK, GP }, { OK, GP }, CODE(INVPCID), .rax = 0 },
	{ CR4, CR4_PCIDE, { 7, 1, 10 }, { OK, GP }, { OK, GP }, CODE(INVPCID), .rax = 1 },
	{ CR4, CR4_PCIDE, { 7, 1, 10 }, { OK, GP }, { OK, GP }, CODE(INVPCID), .rax = 2 },
	{ CR4, CR4_PCIDE, { 7, 1, 10 }, { OK, GP }, { OK, GP }, CODE(INVPCID), .rax = 3 },
	{ CR4, CR4_PCIDE, { 7, 1, 10 }, { GP, GP }, { GP, GP }, CODE(INVPCID), .rax = 4 },
	{ CR4,
	  CR4_PCIDE,
	  { 7, 1, 10 },
	  { GP, GP },
	  { OK, GP },
	  CODE(INVPCID),
	  .rax = 0,
	  .data = { 5 } },
	{ CR4,
	  CR4_PCIDE,
	  { 7, 1, 10 },
	  { GP, GP },
	  { OK, GP },
	  CODE(INVPCID),
	  .rax = 1,
	  .data = { 5 } },
	{ CR4,
	  CR4_PCIDE,
	  { 7, 1, 10 },
	  { GP, GP },
	  { GP, GP },
	  CODE(INVPCID),
	  .rax = 0,
	  .data = { BIT(12) } },
	{ CR4,
	  CR4_PCIDE,
	  { 7, 1, 10 },
	  { GP, GP },
	  { GP, GP },
	  CODE(INVPCID),
	  .rax = 0,
	  .data = { 0, BIT(62) } },
	{ CR4,
	  CR4_PCIDE,
	  { 7, 1, 10 },
	  { OK, GP },
	  { OK, GP },
	  CODE(INVPCID),
	  .rax = 2,
	  .data = { 0, BIT(62) } },
	{ CR0, CR0_TS, { 0 }, { OK, OK }, { NM, NM }, CODE(0xd9, 0xd0) },
	{ CR0, CR0_TS, { 0 }, { OK, OK }, { NM, NM }, CODE(0x0f, 0x77) },
	{ CR0, CR0_TS, { 0 }, { OK, OK }, { NM, NM }, CODE(0x0f, 0xae, 0x06) },
	{ CR0, CR0_TS | CR0_MP, { 0 }, { OK, OK }, { NM, NM }, CODE(0x9b) },
	{ CR0, CR0_TS, { 0 }, { OK, OK }, { OK, OK }, CODE(0x9b) },
	{ CR0, CR0_MP, { 0 }, { OK, OK }, { OK, OK }, CODE(0xd9, 0xd0) },
	{ CR0, CR0_EM, { 0 }, { OK, OK }, { NM, NM }, CODE(0xd9, 0xd0) },
	{ CR0, CR0_EM, { 0 }, { OK, OK }, { UD, UD }, CODE(0x0f, 0x77) },
	{ CR0, CR0_EM, { 0 }, { OK, OK }, { OK, OK }, CODE(0x9b) },
	{ CR0, CR0_AM, { 0 }, { OK, OK }, { OK, AC }, CODE(0x8b, 0x46, 0x01) },
	{ EFER, EFER_SCE, { 0 }, { UD, UD }, { ANY, ANY }, CODE(0x0f, 0x05) },
	{ EFER, EFER_SCE, { 0 }, { UD, UD }, { ANY, GP }, CODE(0x48, 0x0f, 0x07) },
};

static u8 code_page[4096] ALIGNED(4096), data_page[4096] ALIGNED(4096);

static u64 at(const void *p)
{
	return (u64)(uintptr_t)p;
}

static bool has(const struct needs *n)
{
	const struct cpuid_regs r = x86_cpuid(n->leaf, 0);
	const u32 reg = n->reg == 1 ? r.ebx : n->reg == 2 ? r.ecx : r.edx;

	return !n->leaf || reg & BIT(n->bit);
}

static u64 expect(unsigned vector, const struct line *l, unsigned before)
{
	const bool error = vector == VECTOR_GP || vector == VECTOR_AC;

	return WORD_VECTOR(vector) | (error ? WORD_ERROR(0) : 0) |
	       WORD_AT(before + (vector == VECTOR_BP ? l->len + 1u : l->fault_at));
}

static void one(const struct line *l, bool user, bool exit, unsigned vector)
{
	const u64 code = user ? SPACE_USER + CODE_PAGE * 4096ull : at(code_page);
	const u64 data = user ? SPACE_USER + DATA_PAGE * 4096ull : at(data_page);
	struct space_shot s = { .rip = code, .rax = l->rax, .rcx = l->rcx, .rsi = data };
	unsigned n = 0;

	s.cs = user ? RT_USER_CS : RT_CS;
	s.ss = user ? RT_USER_DS : RT_DS;
	s.rsp = data + sizeof(data_page) - 64;
	s.rflags =
	    RFLAGS_ONE | (l->own_flags ? 0 : RFLAGS_IOPL) | (l->bits == CR0_AM ? RFLAGS_AC : 0);
	if (exit) {
		code_page[n++] = 0xe6; /* OUT */
		code_page[n++] = PORT;
	}
	memcpy(code_page + n, l->code, l->len);
	code_page[n + l->len] = 0xcc;
	memcpy(data_page, l->data, sizeof(l->data));
	space_shoot(&s);
	systems_try(l->reg, WORD_VECTOR(s.vector) | WORD_ERROR(s.error) | WORD_AT(s.at - code),
		    expect(vector, l, n), 0);
}

static void set(const struct line *l, bool on, u64 cr0, u64 cr4, u64 efer)
{
	u64 bits = on ? l->bits : 0;

	x86_wrmsr(MSR_EFER, l->reg == EFER ? (efer & ~l->bits) | bits : efer);
	x86_write_cr4(l->reg == CR4 ? (cr4 & ~l->bits) | bits : cr4);
	x86_write_cr0(l->reg == CR0 ? (cr0 & ~l->bits) | bits : cr0);
}

static void line(const struct line *l, u64 cr0, u64 cr4, u64 efer)
{
	for (unsigned n = 0; n < 8; n++) {
		const bool user = n & 1, on = n & 2, exit = n & 4;
		const unsigned vector = on ? l->set[user] : l->clear[user];

		if (vector == ANY || (exit && user && l->own_flags))
			continue;
		if (!has(&l->needs) ||
		    (on && l->bits == CR4_PCIDE && !(control_cr4() & CR4_PCIDE))) {
			systems_try(0, 0, 0, 0); /* as many cases everywhere */
			continue;
		}
		set(l, on, cr0, cr4, efer);
		one(l, user, exit, vector);
		set(l, false, cr0 & ~CR0_TS, cr4, efer);
		x86_write_cr0(cr0);
		if (l->data[0] == MXCSR_INVALID_OPEN)
			__asm__ volatile("ldmxcsr %0" ::"m"(*(u32[]){ MXCSR_USUAL }));
	}
}

void control_effects(void)
{
	const u64 cr0 = x86_read_cr0(), cr4 = x86_read_cr4(), efer = x86_rdmsr(MSR_EFER);
	const u64 sse = control_cr4() & (CR4_OSFXSR | CR4_OSXMMEXCPT);

	space_begin();
	space_user_page(CODE_PAGE, at(code_page));
	space_user_page(DATA_PAGE, at(data_page));
	for (unsigned v = 0; v < 32; v++)
		rt_gate(v, RT_CS, v == VECTOR_BP ? 3 : 0, 1, true);
	systems_begin("control.effects");
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		line(&lines[i], cr0 & ~(CR0_EM | CR0_TS | CR0_MP), cr4 | sse, efer);
	systems_end();
	x86_write_cr4(cr4);
	x86_write_cr0(cr0);
	space_end();
}
