/*
 * test_emulate_forms.c - emulated instructions with a stack, a pair or a vector register; faults
 * that come before a device is touched
 *
 * Owns: cases in 16, 32 and 64-bit code.  The two-operand forms are in test_emulate.c.
 */
#include "emu.h"
#include "vm/emulate_parts.h"
#include "vm/exchange.h"

#include <pthread.h>

void test_emulate_forms_register(void);

#define DEV EMU_DEVICE
#define GONE (EMU_RAM + PAGE_SIZE) /* the page that cases take away */

static u64 *reg(enum x86_reg n)
{
	return &emu.v->regs.r[n];
}

static void done(void)
{
	CU_ASSERT_EQUAL(emu.v->exit.outcome, OUTCOME_DONE);
	virt->complete(emu.v); /* RIP moves */
}

/* As emu_run, for instructions that move RIP. */
static void run_branch(const u8 *bytes, unsigned len)
{
	struct vcpu *v = emu.v;

	check(memory_write(emu.vm, gpa(EMU_CODE), bytes, len) == 0);
	v->regs.rip = EMU_CODE;
	v->exit = (struct vm_exit){ .reason = EXIT_MEMORY };
	emulate_instruction(v);
}
#define RUN_BRANCH(...) run_branch((const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

/* ---- Faults before side effects --------------------------------------------------- */

static void gone_page(void)
{
	emu_start(EMU_64);
	*fake_pte(emu.vm, GONE) = 0;
	emu.v->state.cr0 |= CR0_WP;
	emu_settle();
}

static void expect_untouched(u32 error, u64 at)
{
	emu_expect_fault(VECTOR_PF, error, at);
	CU_ASSERT_EQUAL(emu.accesses, 0);
}

/* The page of the device is read-only to the guest: whoever wants to write does not even read. */
static void test_read_modify_write_of_read_only(void)
{
	static const struct {
		u8 code[5], len;
	} forms[] = {
		{ { 0x01, 0x03 }, 2 }, /* ADD [RBX], EAX */
		{ { 0xf0, 0xff, 0x03 }, 3 }, /* LOCK INC [RBX] */
		{ { 0xf7, 0x13 }, 2 }, /* NOT */
		{ { 0x87, 0x03 }, 2 }, /* XCHG */
		{ { 0x0f, 0xc1, 0x03 }, 3 }, /* XADD */
		{ { 0x0f, 0xb1, 0x03 }, 3 }, /* CMPXCHG */
		{ { 0x0f, 0xc7, 0x0b }, 3 }, /* CMPXCHG8B */
		{ { 0x0f, 0xba, 0x2b, 0x03 }, 4 }, /* BTS */
		{ { 0xd1, 0x23 }, 2 }, /* SHL */
		{ { 0x0f, 0x94, 0x03 }, 3 }, /* SETZ */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
		emu_start(EMU_64);
		emu.v->state.cr0 |= CR0_WP;
		emu_settle();
		fake_map(emu.vm, DEV, DEV, 0);
		*reg(REG_RBX) = DEV;
		emu_run(forms[i].code, forms[i].len);
		expect_untouched(PF_PRESENT | PF_WRITE, DEV);
	}
	emu_start(EMU_64);
}

/* Two operands in memory: the second one's fault, before the first one is read. */
static void test_two_operands(void)
{
	gone_page();
	*reg(REG_RSI) = DEV;
	*reg(REG_RDI) = GONE;
	EMU_RUN(0xa5); /* MOVSD from the device */
	expect_untouched(PF_WRITE, GONE);
	EMU_RUN(0xa7); /* CMPSD */
	expect_untouched(0, GONE);
	*reg(REG_RSP) = GONE + 8;
	*reg(REG_RBX) = DEV;
	EMU_RUN(0xff, 0x33); /* PUSH [RBX] */
	expect_untouched(PF_WRITE, GONE);
	CU_ASSERT_EQUAL(*reg(REG_RSP), GONE + 8);
	EMU_RUN(0xff, 0x13); /* CALL [RBX] */
	expect_untouched(PF_WRITE, GONE);
	*reg(REG_RSP) = DEV + 16; /* the stack lies in the device */
	*reg(REG_RBX) = GONE;
	EMU_RUN(0x8f, 0x03); /* POP [RBX] */
	expect_untouched(PF_WRITE, GONE);
	CU_ASSERT_EQUAL(*reg(REG_RSP), DEV + 16);
	*reg(REG_RDX) = EMU_PORT;
	*reg(REG_RDI) = GONE;
	EMU_RUN(0x6d); /* INSD */
	expect_untouched(PF_WRITE, GONE);
	CU_ASSERT_EQUAL(emu.port_accesses, 0);
	emu_start(EMU_64);
}

/* [SDM] "Interrupt 17": CR0.AM, RFLAGS.AC and CPL 3 together; by the operand's size. */
static void test_alignment(void)
{
	for (unsigned n = 0; n < 8; n++) {
		emu_start(EMU_64);
		emu.v->state.cr0 |= n & 1 ? CR0_AM : 0;
		emu.v->state.cpl = n & 2 ? 3 : 0;
		emu_settle();
		emu.v->regs.rflags |= n & 4 ? RFLAGS_AC : 0;
		*reg(REG_RBX) = DEV + 2;
		CU_ASSERT_EQUAL(EMU_RUN(0x66, 0x8b, 0x03), OUTCOME_DONE);
		emu.accesses = 0;
		EMU_RUN(0x8b, 0x03); /* MOV EAX, [RBX] */
		if (n < 7) {
			CU_ASSERT_EQUAL(emu.v->exit.outcome, OUTCOME_DONE);
			continue;
		}
		emu_expect_fault(VECTOR_AC, 0, 0);
		CU_ASSERT_EQUAL(emu.accesses, 0);
		*reg(REG_RBX) = EMU_NOTHING + GiB(100) + 1; /* not mapped: but that comes later */
		EMU_RUN(0x89, 0x03);
		emu_expect_fault(VECTOR_AC, 0, 0);
		*reg(REG_RBX) = 0x0000800000000001; /* and this earlier */
		EMU_RUN(0x89, 0x03);
		emu_expect_fault(VECTOR_GP, 0, 0);
	}
}

/* ---- One access against other CPUs ------------------------------------------------- */

static void test_replace(void)
{
	struct emulate_place place;
	struct event fault;
	u32 old = 5, other = 6, new = 9;

	emu_start(EMU_64);
	emu_set_ram(EMU_RAM, 8, 0x77777777);
	emu_set_ram(EMU_RAM + 4, 4, 5);
	CU_ASSERT_EQUAL(emulate_locate(emu.v, EMU_RAM + 4, 4, ACCESS_WRITE, &place, &fault), 0);
	emulate_begin(emu.v, &place);
	CU_ASSERT_FALSE(host_locked(&emu.vm->lock)); /* not needed */
	CU_ASSERT_FALSE(emulate_replace(emu.v, &place, &other, &new));
	CU_ASSERT_EQUAL(emu_ram(EMU_RAM + 4, 4), 5);
	CU_ASSERT_TRUE(emulate_replace(emu.v, &place, &old, &new));
	emulate_end(emu.v, &place);
	CU_ASSERT_EQUAL(emu_ram(EMU_RAM, 8), 0x977777777);
	/* A device, and what is on two pages that are not side by side: the lock. */
	CU_ASSERT_EQUAL(emulate_locate(emu.v, DEV, 4, ACCESS_WRITE, &place, &fault), 0);
	emulate_begin(emu.v, &place);
	CU_ASSERT_TRUE(host_locked(&emu.vm->lock));
	emulate_get(emu.v, &place, &old);
	CU_ASSERT_TRUE(emulate_replace(emu.v, &place, &old, &new));
	emulate_end(emu.v, &place);
	CU_ASSERT_FALSE(host_locked(&emu.vm->lock));
	CU_ASSERT_EQUAL(emu_device(DEV, 4), 9);
	*fake_pte(emu.vm, GONE) += PAGE_SIZE;
	CU_ASSERT_EQUAL(emulate_locate(emu.v, GONE - 2, 4, ACCESS_WRITE, &place, &fault), 0);
	emulate_begin(emu.v, &place);
	CU_ASSERT_TRUE(host_locked(&emu.vm->lock));
	emulate_end(emu.v, &place);
}

#define RACES 20000

struct racer {
	u8 *at;
	unsigned size;
};

/* Adds 1 to each half of a pair, or to a number: as one access, from another CPU. */
static void *race(void *arg)
{
	const struct racer *r = arg;
	u64 old[2] = { 0 }, new[2] = { 0 };

	for (unsigned i = 0; i < RACES; i++)
		do {
			memcpy(old, r->at, r->size);
			new[0] = old[0] + 1;
			new[1] = old[1] + 1;
		} while (!exchange(r->at, r->size, old, new));
	return NULL;
}

/* LOCK INC of four bytes that lie across eight, across a line, across two pages. */
static void test_locked_anywhere(void)
{
	static const u64 places[] = { EMU_RAM + 6, EMU_RAM + 62, GONE - 1 };

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		struct racer other;
		pthread_t thread;

		emu_start(EMU_64);
		emu_set_ram(places[i], 4, 0);
		other = (struct racer){ memory_ptr(emu.vm, gpa(places[i]), 4), 4 };
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, race, &other), 0);
		for (unsigned n = 0; n < RACES; n++) {
			*reg(REG_RBX) = places[i];
			EMU_RUN(0xf0, 0xff, 0x03);
		}
		pthread_join(thread, NULL);
		CU_ASSERT_EQUAL(emu_ram(places[i], 4), 2 * RACES);
	}
}

/* LOCK CMPXCHG16B: the halves never come apart, and each success counts. */
static void test_locked_pair(void)
{
	struct racer other;
	pthread_t thread;
	unsigned good = 0;

	emu_start(EMU_64);
	emu_set_ram(EMU_RAM, 8, 0);
	emu_set_ram(EMU_RAM + 8, 8, 0);
	other = (struct racer){ memory_ptr(emu.vm, gpa(EMU_RAM), 16), 16 };
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, race, &other), 0);
	*reg(REG_RSI) = EMU_RAM;
	*reg(REG_RAX) = *reg(REG_RDX) = 0;
	for (unsigned n = 0; n < RACES; n++) {
		*reg(REG_RBX) = *reg(REG_RAX) + 1;
		*reg(REG_RCX) = *reg(REG_RDX) + 1;
		EMU_RUN(0xf0, 0x48, 0x0f, 0xc7, 0x0e);
		good += emu.v->regs.rflags & RFLAGS_ZF ? 1 : 0;
		if (*reg(REG_RAX) != *reg(REG_RDX)) {
			CU_FAIL("half of another CPU's pair was seen");
			break;
		}
	}
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(emu_ram(EMU_RAM, 8), RACES + good);
	CU_ASSERT_EQUAL(emu_ram(EMU_RAM + 8, 8), RACES + good);
}

static void test_pairs(void)
{
	for (unsigned wide = 0; wide < 2; wide++) {
		u8 code[] = { 0xf0, wide ? 0x48 : 0x40, 0x0f, 0xc7, 0x0b };
		u64 upper = wide ? 0x1111111100000000 : 0, size = wide ? 8 : 4;

		emu_start(EMU_64);
		*reg(REG_RBX) = DEV + 0x20; /* address, and the new low half */
		*reg(REG_RCX) = 0x2222222233333333;
		*reg(REG_RAX) = 0x1111111144444444;
		*reg(REG_RDX) = 0x1111111155555555;
		emu_set_device(DEV + 0x20, (unsigned)size, upper | 0x44444444);
		emu_set_device(DEV + 0x20 + size, (unsigned)size, upper | 0x55555555);
		CU_ASSERT_EQUAL(emu_run(code, sizeof(code)), OUTCOME_DONE);
		CU_ASSERT_EQUAL(emu.v->regs.rflags & RFLAGS_ZF, RFLAGS_ZF);
		CU_ASSERT_EQUAL(emu_device(DEV + 0x20, (unsigned)size), DEV + 0x20);
		CU_ASSERT_EQUAL(emu_device(DEV + 0x20 + size, (unsigned)size),
				wide ? 0x2222222233333333 : 0x33333333);
		CU_ASSERT_EQUAL(*reg(REG_RAX), 0x1111111144444444);
		emu.v->regs.rflags |= RFLAGS_CF;
		CU_ASSERT_EQUAL(emu_run(code, sizeof(code)), OUTCOME_DONE);
		CU_ASSERT_EQUAL(emu.v->regs.rflags, RFLAGS_ONE | RFLAGS_CF);
		CU_ASSERT_EQUAL(*reg(REG_RAX), DEV + 0x20);
		CU_ASSERT_EQUAL(*reg(REG_RDX), wide ? 0x2222222233333333 : 0x33333333);
	}
	*reg(REG_RBX) = DEV + 0x28; /* sixteen bytes want alignment */
	EMU_RUN(0x48, 0x0f, 0xc7, 0x0b);
	emu_expect_fault(VECTOR_GP, 0, 0);
}

/* ---- Stacks ------------------------------------------------------------------------- */

static void test_push_pop_64(void)
{
	emu_start(EMU_64);
	*reg(REG_RSP) = EMU_RAM + 0x100;
	*reg(REG_RBX) = DEV;
	emu_set_device(DEV, 8, 0x1122334455667788);
	CU_ASSERT_EQUAL(EMU_RUN(0xff, 0x33), OUTCOME_DONE); /* PUSH [RBX] */
	CU_ASSERT_EQUAL(*reg(REG_RSP), EMU_RAM + 0xf8);
	CU_ASSERT_EQUAL(emu_ram(EMU_RAM + 0xf8, 8), 0x1122334455667788);
	CU_ASSERT_EQUAL(EMU_RUN(0x66, 0xff, 0x33), OUTCOME_DONE);
	CU_ASSERT_EQUAL(*reg(REG_RSP), EMU_RAM + 0xf6);
	*reg(REG_RBX) = DEV + 0x10;
	CU_ASSERT_EQUAL(EMU_RUN(0x66, 0x8f, 0x03), OUTCOME_DONE); /* POP word [RBX] */
	CU_ASSERT_EQUAL(EMU_RUN(0x8f, 0x43, 0x08), OUTCOME_DONE); /* POP [RBX+8] */
	CU_ASSERT_EQUAL(emu_device(DEV + 0x10, 2), 0x7788);
	CU_ASSERT_EQUAL(emu_device(DEV + 0x18, 8), 0x1122334455667788);
	CU_ASSERT_EQUAL(*reg(REG_RSP), EMU_RAM + 0x100);
	*reg(REG_RSP) = DEV + 0x40; /* a stack in the device */
	CU_ASSERT_EQUAL(EMU_RUN(0x6a, 0xff), OUTCOME_DONE); /* PUSH -1 */
	CU_ASSERT_EQUAL(emu_device(DEV + 0x38, 8), ~0ull);
	/* POP [RSP]: by the RSP behind it. */
	emu_set_device(DEV + 0x38, 8, 0xabc);
	CU_ASSERT_EQUAL(EMU_RUN(0x8f, 0x04, 0x24), OUTCOME_DONE);
	CU_ASSERT_EQUAL(emu_device(DEV + 0x40, 8), 0xabc);
	*reg(REG_RSP) = DEV + 0x40;
	CU_ASSERT_EQUAL(EMU_RUN(0x5c), OUTCOME_DONE); /* POP RSP */
	CU_ASSERT_EQUAL(*reg(REG_RSP), 0xabc);
	*reg(REG_RBP) = DEV + 0x38;
	CU_ASSERT_EQUAL(EMU_RUN(0xc9), OUTCOME_DONE); /* LEAVE */
	CU_ASSERT_EQUAL(*reg(REG_RSP), DEV + 0x40);
	CU_ASSERT_EQUAL(*reg(REG_RBP), 0xabc);
}

/* A 16-bit stack wraps around within 64 KiB, and leaves the upper half of ESP alone. */
static void test_stack_16(void)
{
	emu_start(EMU_16);
	emu.v->state.seg[SEG_SS].base = EMU_RAM;
	emu.v->state.seg[SEG_DS].base = DEV;
	emu_settle();
	emu_set_device(DEV, 4, 0xaabbccdd);
	*reg(REG_RSP) = 0x12340000;
	CU_ASSERT_EQUAL(EMU_RUN(0xff, 0x37), OUTCOME_DONE); /* PUSH [BX] */
	CU_ASSERT_EQUAL(*reg(REG_RSP), 0x1234fffe);
	CU_ASSERT_EQUAL(emu_ram(EMU_RAM + 0xfffe, 2), 0xccdd);
	CU_ASSERT_EQUAL(EMU_RUN(0x66, 0xff, 0x37), OUTCOME_DONE);
	CU_ASSERT_EQUAL(*reg(REG_RSP), 0x1234fffa);
	CU_ASSERT_EQUAL(emu_ram(EMU_RAM + 0xfffa, 4), 0xaabbccdd);
	*reg(REG_RSP) = 0x12340001; /* half of the word would lie beyond the limit */
	EMU_RUN(0xff, 0x37);
	emu_expect_fault(VECTOR_SS, 0, 0);
	*reg(REG_RSP) = 0x1234fffe;
	*reg(REG_RBX) = 0x10;
	CU_ASSERT_EQUAL(EMU_RUN(0x8f, 0x07), OUTCOME_DONE); /* POP [BX] */
	CU_ASSERT_EQUAL(*reg(REG_RSP), 0x12340000);
	CU_ASSERT_EQUAL(emu_device(DEV + 0x10, 2), 0xccdd);
}

/* Big real mode: a limit of 4 GiB, left from protected mode, and 32-bit addresses. */
static void test_unreal(void)
{
	emu_start(EMU_16);
	emu.v->state.seg[SEG_ES].limit = 0xffffffff;
	emu_settle();
	*reg(REG_RDI) = DEV + 0x30;
	*reg(REG_RAX) = 0x5a;
	CU_ASSERT_EQUAL(EMU_RUN(0x26, 0x67, 0x88, 0x07), OUTCOME_DONE); /* MOV ES:[EDI], AL */
	CU_ASSERT_EQUAL(emu_device(DEV + 0x30, 1), 0x5a);
	*reg(REG_RCX) = 3;
	CU_ASSERT_EQUAL(EMU_RUN(0xf3, 0x67, 0xaa), OUTCOME_DONE); /* REP STOSB by EDI */
	CU_ASSERT_EQUAL(*reg(REG_RDI), DEV + 0x33);
	EMU_RUN(0x67, 0x88, 0x07); /* DS has still 64 KiB */
	emu_expect_fault(VECTOR_GP, 0, 0);
}

static void test_branches(void)
{
	emu_start(EMU_64);
	*reg(REG_RBX) = DEV;
	*reg(REG_RSP) = EMU_RAM + 0x100;
	emu_set_device(DEV, 8, 0xffff800012345678);
	RUN_BRANCH(0xff, 0x13); /* CALL [RBX] */
	done();
	CU_ASSERT_EQUAL(emu.v->regs.rip, 0xffff800012345678);
	CU_ASSERT_EQUAL(emu_ram(EMU_RAM + 0xf8, 8), EMU_CODE + 2);
	RUN_BRANCH(0xff, 0x23); /* JMP [RBX] */
	done();
	CU_ASSERT_EQUAL(emu.v->regs.rip, 0xffff800012345678);
	emu_set_device(DEV, 8, 0x0000800000000000);
	*reg(REG_RSP) = EMU_RAM + 0x100;
	emu_set_ram(EMU_RAM + 0xf8, 8, 1);
	RUN_BRANCH(0xff, 0x13); /* the target is not canonical: nothing is pushed */
	emu_expect_fault(VECTOR_GP, 0, 0);
	CU_ASSERT_EQUAL(emu_ram(EMU_RAM + 0xf8, 8), 1);
	CU_ASSERT_EQUAL(*reg(REG_RSP), EMU_RAM + 0x100);
	*reg(REG_RSP) = DEV + 0x10;
	emu_set_device(DEV + 0x10, 8, 5);
	RUN_BRANCH(0xc2, 0x20, 0x00); /* RET 32: to below its own length */
	done();
	CU_ASSERT_EQUAL(emu.v->regs.rip, 5);
	CU_ASSERT_EQUAL(*reg(REG_RSP), DEV + 0x38);
	RUN_BRANCH(0xe8, 0xf0, 0xff, 0xff, 0xff); /* CALL back by 16, stack in the device */
	done();
	CU_ASSERT_EQUAL(emu.v->regs.rip, EMU_CODE + 5 - 16);
	CU_ASSERT_EQUAL(emu_device(DEV + 0x30, 8), EMU_CODE + 5);
}

static void test_branches_16(void)
{
	emu_start(EMU_16);
	emu.v->state.seg[SEG_DS].base = DEV;
	emu_settle();
	emu_set_device(DEV, 4, 0x11112222);
	*reg(REG_RSP) = 0x7000;
	RUN_BRANCH(0xff, 0x17); /* CALL [BX] */
	done();
	CU_ASSERT_EQUAL(emu.v->regs.rip, 0x2222);
	CU_ASSERT_EQUAL(emu_ram(0x6ffe, 2), EMU_CODE + 2);
	RUN_BRANCH(0x66, 0xff, 0x27); /* JMP dword [BX]: beyond the limit of CS */
	emu_expect_fault(VECTOR_GP, 0, 0);
}

/* ---- Vector registers ------------------------------------------------------------------ */

#define XMM_OFFSET 160
#define YMM_OFFSET 0x240
#define BV_OFFSET 512

static u8 *xsave(void)
{
	return emu.v->xsave;
}

struct vector_case {
	const char *name;
	u8 code[6], len;
	u8 size;
	bool store, aligned;
	u8 from; /* which byte of the register it begins with */
	bool clears; /* a load clears the rest of 16 bytes */
	bool clears_upper; /* and the upper half */
};

/* All with register 3 and [RBX]. */
static const struct vector_case vectors[] = {
	{ "MOVUPS x, m", { 0x0f, 0x10, 0x1b }, 3, 16, false, false, 0, false, false },
	{ "MOVUPS m, x", { 0x0f, 0x11, 0x1b }, 3, 16, true, false, 0, false, false },
	{ "MOVUPD m, x", { 0x66, 0x0f, 0x11, 0x1b }, 4, 16, true, false, 0, false, false },
	{ "MOVSS x, m", { 0xf3, 0x0f, 0x10, 0x1b }, 4, 4, false, false, 0, true, false },
	{ "MOVSD m, x", { 0xf2, 0x0f, 0x11, 0x1b }, 4, 8, true, false, 0, false, false },
	{ "MOVLPS x, m", { 0x0f, 0x12, 0x1b }, 3, 8, false, false, 0, false, false },
	{ "MOVHPS x, m", { 0x0f, 0x16, 0x1b }, 3, 8, false, false, 8, false, false },
	{ "MOVHPD m, x", { 0x66, 0x0f, 0x17, 0x1b }, 4, 8, true, false, 8, false, false },
	{ "MOVAPS m, x", { 0x0f, 0x29, 0x1b }, 3, 16, true, true, 0, false, false },
	{ "MOVAPD x, m", { 0x66, 0x0f, 0x28, 0x1b }, 4, 16, false, true, 0, false, false },
	{ "MOVNTPS m, x", { 0x0f, 0x2b, 0x1b }, 3, 16, true, true, 0, false, false },
	{ "MOVD x, m", { 0x66, 0x0f, 0x6e, 0x1b }, 4, 4, false, false, 0, true, false },
	{ "MOVQ m, x (REX.W)", { 0x66, 0x48, 0x0f, 0x7e, 0x1b }, 5, 8, true, false, 0, false,
	  false },
	{ "MOVQ x, m", { 0xf3, 0x0f, 0x7e, 0x1b }, 4, 8, false, false, 0, true, false },
	{ "MOVQ m, x", { 0x66, 0x0f, 0xd6, 0x1b }, 4, 8, true, false, 0, false, false },
	{ "MOVDQA x, m", { 0x66, 0x0f, 0x6f, 0x1b }, 4, 16, false, true, 0, false, false },
	{ "MOVDQA m, x", { 0x66, 0x0f, 0x7f, 0x1b }, 4, 16, true, true, 0, false, false },
	{ "MOVDQU x, m", { 0xf3, 0x0f, 0x6f, 0x1b }, 4, 16, false, false, 0, false, false },
	{ "MOVNTDQ m, x", { 0x66, 0x0f, 0xe7, 0x1b }, 4, 16, true, true, 0, false, false },
	{ "LDDQU x, m", { 0xf2, 0x0f, 0xf0, 0x1b }, 4, 16, false, false, 0, false, false },
	{ "MOVNTDQA x, m", { 0x66, 0x0f, 0x38, 0x2a, 0x1b }, 5, 16, false, true, 0, false, false },
	{ "VMOVDQU x, m", { 0xc5, 0xfa, 0x6f, 0x1b }, 4, 16, false, false, 0, false, true },
	{ "VMOVDQU m, y", { 0xc5, 0xfe, 0x7f, 0x1b }, 4, 32, true, false, 0, false, false },
	{ "VMOVDQA y, m", { 0xc5, 0xfd, 0x6f, 0x1b }, 4, 32, false, true, 0, false, false },
	{ "VMOVNTPS m, y", { 0xc4, 0xe1, 0x7c, 0x2b, 0x1b }, 5, 32, true, true, 0, false, false },
	{ "VMOVSS x, m", { 0xc5, 0xfa, 0x10, 0x1b }, 4, 4, false, false, 0, true, true },
	{ "PINSRW x, m, 3", { 0x66, 0x0f, 0xc4, 0x1b, 0x03 }, 5, 2, false, false, 6, false, false },
	{ "PINSRD x, m, 1", { 0x66, 0x0f, 0x3a, 0x22, 0x1b, 0x01 }, 6, 4, false, false, 4, false,
	  false },
	{ "PEXTRW m, x, 2", { 0x66, 0x0f, 0x3a, 0x15, 0x1b, 0x02 }, 6, 2, true, false, 4, false,
	  false },
	{ "PEXTRB m, x, 15", { 0x66, 0x0f, 0x3a, 0x14, 0x1b, 0x0f }, 6, 1, true, false, 15, false,
	  false },
};

/* Register 3 holds 0x80, 0x81, ...; memory 1, 2, ... */
static void fill_vector(void)
{
	memset(xsave(), 0, FAKE_XSAVE_SIZE);
	xsave()[BV_OFFSET] = 7;
	for (unsigned i = 0; i < 16; i++) {
		xsave()[XMM_OFFSET + 3 * 16 + i] = (u8)(0x80 + i);
		xsave()[YMM_OFFSET + 3 * 16 + i] = (u8)(0x90 + i);
	}
	for (unsigned i = 0; i < 32; i++)
		emu_set_device(DEV + i, 1, i + 1);
}

static void vector_bytes(u8 *to)
{
	memcpy(to, xsave() + XMM_OFFSET + 3 * 16, 16);
	memcpy(to + 16, xsave() + YMM_OFFSET + 3 * 16, 16);
}

static void run_vector(const struct vector_case *c)
{
	u8 before[32], after[32], memory[32], wanted[32];

	emu_start(EMU_64);
	fill_vector();
	*reg(REG_RBX) = DEV;
	vector_bytes(before);
	CU_ASSERT_EQUAL(emu_run(c->code, c->len), OUTCOME_DONE);
	vector_bytes(after);
	for (unsigned i = 0; i < 32; i++)
		memory[i] = (u8)emu_device(DEV + i, 1);
	memcpy(wanted, before, sizeof(wanted));
	if (c->store) {
		CU_ASSERT_EQUAL(memcmp(memory, before + c->from, c->size), 0);
		CU_ASSERT(c->size == 32 || memory[c->size] == c->size + 1);
	} else {
		memset(wanted, 0, c->clears_upper ? 32 : c->clears ? 16 : 0);
		memcpy(wanted + c->from, memory, c->size);
	}
	if (memcmp(wanted, after, sizeof(after)))
		printf("\n%s: another result\n", c->name);
	CU_ASSERT_EQUAL(memcmp(wanted, after, sizeof(after)), 0);
	*reg(REG_RBX) = DEV + 8;
	emu.accesses = 0;
	emu_run(c->code, c->len);
	if (c->aligned) {
		emu_expect_fault(VECTOR_GP, 0, 0);
		CU_ASSERT_EQUAL(emu.accesses, 0);
	} else {
		CU_ASSERT_EQUAL(emu.v->exit.outcome, OUTCOME_DONE);
	}
}

static void test_vectors(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++)
		run_vector(&vectors[i]);
}

/* With VEX: copies, and halves merged from another register. */
static void test_vex(void)
{
	u8 seen[32];

	emu_start(EMU_64);
	fill_vector();
	*reg(REG_RBX) = DEV;
	CU_ASSERT_EQUAL(EMU_RUN(0xc5, 0xe0, 0x12, 0x0b), OUTCOME_DONE); /* VMOVLPS x1, x3, [RBX] */
	CU_ASSERT_EQUAL(load64(xsave() + XMM_OFFSET + 16), 0x0807060504030201);
	CU_ASSERT_EQUAL(load64(xsave() + XMM_OFFSET + 24), 0x8f8e8d8c8b8a8988);
	CU_ASSERT_EQUAL(load64(xsave() + YMM_OFFSET + 16), 0);
	CU_ASSERT_EQUAL(EMU_RUN(0xc4, 0xe2, 0x7d, 0x18, 0x1b), OUTCOME_DONE); /* VBROADCASTSS y3 */
	vector_bytes(seen);
	for (unsigned i = 0; i < sizeof(seen); i++)
		CU_ASSERT_EQUAL(seen[i], i % 4 + 1);
	CU_ASSERT_EQUAL(EMU_RUN(0xc4, 0xe2, 0x79, 0x78, 0x1b), OUTCOME_DONE); /* VPBROADCASTB x3 */
	vector_bytes(seen);
	for (unsigned i = 0; i < sizeof(seen); i++)
		CU_ASSERT_EQUAL(seen[i], i < 16);
}

/* Only the bytes that the mask names reach the device, and all must be writable. */
static void test_mask_move(void)
{
	emu_start(EMU_64);
	fill_vector();
	memset(xsave() + XMM_OFFSET + 16, 0, 16);
	xsave()[XMM_OFFSET + 16 + 2] = 0x80;
	xsave()[XMM_OFFSET + 16 + 9] = 0xff;
	*reg(REG_RDI) = DEV + 1;
	CU_ASSERT_EQUAL(EMU_RUN(0x66, 0x0f, 0xf7, 0xd9), OUTCOME_DONE); /* MASKMOVDQU x3, x1 */
	CU_ASSERT_EQUAL(emu.accesses, 2);
	CU_ASSERT_EQUAL(emu_device(DEV + 3, 1), 0x82);
	CU_ASSERT_EQUAL(emu_device(DEV + 10, 1), 0x89);
	CU_ASSERT_EQUAL(emu_device(DEV + 4, 1), 5);
	memset(xsave() + XMM_OFFSET + 16, 0, 16);
	*reg(REG_RDI) = EMU_RAM + PAGE_SIZE - 8;
	*fake_pte(emu.vm, EMU_RAM + PAGE_SIZE) = 0;
	fetch_flush(emu.v);
	EMU_RUN(0x66, 0x0f, 0xf7, 0xd9);
	emu_expect_fault(VECTOR_PF, PF_WRITE, EMU_RAM + PAGE_SIZE);
	emu_end();
	emu_begin();
}

/* What the CPU has checked of another instruction. */
static void test_vectors_off(void)
{
	static const struct {
		u64 cr0, cr4; /* set, cleared */
		u8 vector, vex_vector; /* 0xff: none */
	} cases[] = {
		{ CR0_TS, 0, VECTOR_NM, VECTOR_NM },
		{ CR0_EM, 0, VECTOR_UD, 0xff },
		{ 0, CR4_OSFXSR, VECTOR_UD, 0xff },
		{ 0, CR4_OSXSAVE, 0xff, VECTOR_UD },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		emu_start(EMU_64);
		*reg(REG_RBX) = DEV;
		emu.v->state.cr0 |= cases[i].cr0;
		emu.v->state.cr4 &= ~cases[i].cr4;
		emu_settle();
		CU_ASSERT_EQUAL(EMU_RUN(0x0f, 0x10, 0x1b) == OUTCOME_FAULT,
				cases[i].vector != 0xff);
		CU_ASSERT(cases[i].vector == 0xff || emu.v->exit.fault.vector == cases[i].vector);
		CU_ASSERT_EQUAL(EMU_RUN(0xc5, 0xfa, 0x6f, 0x1b) == OUTCOME_FAULT,
				cases[i].vex_vector != 0xff);
		CU_ASSERT(cases[i].vex_vector == 0xff ||
			  emu.v->exit.fault.vector == cases[i].vex_vector);
	}
}

/* A component that is not in use holds zeros, whatever its bytes; a load begins to use it. */
static void test_initial_state(void)
{
	emu_start(EMU_64);
	fill_vector();
	xsave()[BV_OFFSET] = 0;
	*reg(REG_RBX) = DEV;
	CU_ASSERT_EQUAL(EMU_RUN(0x0f, 0x11, 0x1b), OUTCOME_DONE); /* MOVUPS [RBX], XMM3 */
	CU_ASSERT_EQUAL(emu_device(DEV, 8) | emu_device(DEV + 8, 8), 0);
	CU_ASSERT_EQUAL(xsave()[BV_OFFSET], 0);
	emu_set_device(DEV, 8, 7);
	CU_ASSERT_EQUAL(EMU_RUN(0x0f, 0x10, 0x0b), OUTCOME_DONE); /* MOVUPS XMM1, [RBX] */
	CU_ASSERT_EQUAL(xsave()[BV_OFFSET], 2);
	CU_ASSERT_EQUAL(xsave()[XMM_OFFSET + 16], 7);
	CU_ASSERT_EQUAL(xsave()[XMM_OFFSET + 3 * 16], 0);
}

/* MMn is the register that ST(n - TOP) names; an MMX instruction makes TOP 0, and none empty. */
static void test_mmx(void)
{
	u16 fsw = 3 << 11, seen;

	emu_start(EMU_64);
	memset(xsave(), 0, FAKE_XSAVE_SIZE);
	xsave()[BV_OFFSET] = 1;
	memcpy(xsave() + 2, &fsw, 2);
	for (unsigned i = 0; i < 8; i++)
		xsave()[32 + 16 * i] = (u8)(0x10 + i); /* ST(i) */
	*reg(REG_RBX) = DEV;
	CU_ASSERT_EQUAL(EMU_RUN(0x0f, 0x7f, 0x23), OUTCOME_DONE); /* MOVQ [RBX], MM4: ST(1) */
	CU_ASSERT_EQUAL(emu_device(DEV, 8), 0x11);
	memcpy(&seen, xsave() + 2, 2);
	CU_ASSERT_EQUAL(seen, 0);
	CU_ASSERT_EQUAL(xsave()[4], 0xff);
	emu_set_device(DEV, 8, 0x8877665544332211);
	CU_ASSERT_EQUAL(EMU_RUN(0x0f, 0x6f, 0x2b), OUTCOME_DONE); /* MOVQ MM5, [RBX] */
	CU_ASSERT_EQUAL(xsave()[32 + 16 * 5], 0x11);
	CU_ASSERT_EQUAL(xsave()[32 + 16 * 5 + 8], 0xff);
	CU_ASSERT_EQUAL(xsave()[32 + 16 * 4], 0x11); /* MM4 still, where it is now */
	CU_ASSERT_EQUAL(EMU_RUN(0x0f, 0x6e, 0x33), OUTCOME_DONE); /* MOVD MM6, [RBX] */
	CU_ASSERT_EQUAL(load64(xsave() + 32 + 16 * 6), 0x44332211);
}

/* ---- Long strings ------------------------------------------------------------------------- */

/* Somebody wants v: it is left after the round, and goes on where it was. */
static void test_interrupted_string(void)
{
	emu_start(EMU_64);
	*reg(REG_RSI) = EMU_RAM;
	*reg(REG_RDI) = DEV;
	*reg(REG_RCX) = 5;
	emu.v->requests = REQUEST_IRQ;
	CU_ASSERT_EQUAL(EMU_RUN(0xf3, 0xa4), OUTCOME_RETRY);
	CU_ASSERT_EQUAL(*reg(REG_RCX), 4);
	CU_ASSERT_EQUAL(*reg(REG_RSI), EMU_RAM + 1);
	emu.v->requests = 0;
	CU_ASSERT_EQUAL(EMU_RUN(0xf3, 0xa4), OUTCOME_DONE);
	CU_ASSERT_EQUAL(*reg(REG_RCX), 0);
	CU_ASSERT_EQUAL(emu.accesses, 5);
}

void test_emulate_forms_register(void)
{
	CU_pSuite suite = CU_add_suite("emulate forms", emu_begin, emu_end);

	CU_add_test(suite, "read-only: not even read", test_read_modify_write_of_read_only);
	CU_add_test(suite, "two operands: both before either", test_two_operands);
	CU_add_test(suite, "alignment", test_alignment);
	CU_add_test(suite, "one access against others", test_replace);
	CU_add_test(suite, "CMPXCHG8B, CMPXCHG16B", test_pairs);
	CU_add_test(suite, "LOCK against another CPU", test_locked_anywhere);
	CU_add_test(suite, "LOCK CMPXCHG16B against another CPU", test_locked_pair);
	CU_add_test(suite, "PUSH, POP, LEAVE", test_push_pop_64);
	CU_add_test(suite, "a stack of 16 bits", test_stack_16);
	CU_add_test(suite, "big real mode", test_unreal);
	CU_add_test(suite, "near branches", test_branches);
	CU_add_test(suite, "near branches of 16 bits", test_branches_16);
	CU_add_test(suite, "vector registers", test_vectors);
	CU_add_test(suite, "VEX", test_vex);
	CU_add_test(suite, "MASKMOVDQU", test_mask_move);
	CU_add_test(suite, "vector registers switched off", test_vectors_off);
	CU_add_test(suite, "vector registers never used", test_initial_state);
	CU_add_test(suite, "MMX", test_mmx);
	CU_add_test(suite, "strings that are interrupted", test_interrupted_string);
}
