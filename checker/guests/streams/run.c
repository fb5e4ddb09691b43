/* run.c - see run.h */
#include "run.h"

#include "generate.h"

#include "lib/string.h"
#include "rt/rt.h"
#include "x86_ops.h"

#define LAPIC_EOI ((volatile u32 *)(APIC_DEFAULT_BASE + 0xb0))
#define FIRST_INTERRUPT 32
#define TERMINATOR_SIZE 1 /* INT3 */

u64 run_mask;
static struct run *now;	  /* NULL: no case runs */
static unsigned unit_now; /* up to which units are accounted for */

/* ---- Where in the stream ------------------------------------------------------------------- */

/* The unit that has this RIP, or begins there; units: RIP is at the end; -1: it is astray. */
static int unit_of(const struct stream_case *c, u64 rip)
{
	u64 at = rip - STREAM_CODE - c->value[CASE_entry], end = 0;

	for (unsigned i = 0; i < c->units; i++) {
		end += c->unit[i].len;
		if (at < end)
			return (int)i;
	}
	return at == end ? (int)c->units : -1;
}

static u64 start_of(const struct stream_case *c, unsigned unit)
{
	u64 at = STREAM_CODE + c->value[CASE_entry];

	for (unsigned i = 0; i < unit; i++)
		at += c->unit[i].len;
	return at;
}

/* Units that lie between two traps were executed: there is no way back, and none around them. */
static void account(const struct run_trap *t, unsigned unit)
{
	bool stepped = t->vector == VECTOR_DB && (t->more & DR6_BS);

	if (stepped)
		now->instructions++;
	for (; unit_now < unit; unit_now++) {
		now->instructions += stepped ? 0 : now->c->unit[unit_now].count;
		now->sensitive += now->c->unit[unit_now].sensitive;
	}
	if (t->vector != VECTOR_DB && t->vector != VECTOR_BP && unit < now->c->units) {
		now->instructions++;
		now->sensitive++;
	}
}

/* ---- Traps --------------------------------------------------------------------------------- */

static bool has_error(u64 vector)
{
	return vector == VECTOR_DF || (vector >= VECTOR_TS && vector <= VECTOR_PF) ||
	       vector == VECTOR_AC || vector == VECTOR_CP;
}

/* What SYSCALL and SYSENTER leave in registers, as a frame. */
static void frame_of_call(u64 *frame)
{
	bool kernel = arena_cs(now->c->value[CASE_mode]) % 4 == 0;

	frame[0] = arena_save[1];
	frame[1] = kernel				       ? SEL_KERNEL_64
		   : arena_save[SAVE_VECTOR] == VECTOR_SYSCALL ? SEL_USER_64
							       : SEL_USER_32;
	frame[2] = (arena_save[11] | RFLAGS_ONE) & ~run_mask;
	frame[3] = arena_save[SAVE_STACK];
	frame[4] = kernel ? SEL_KERNEL_DATA : SEL_USER_DATA;
}

/* The frame into the save page; false: it lies where it cannot. */
static bool take_frame(struct run_trap *t)
{
	u64 *frame = arena_save + SAVE_FRAME, at = arena_save[SAVE_STACK];

	if (t->vector >= VECTOR_SYSCALL) {
		frame_of_call(frame);
		return t->vector != VECTOR_SYSENTER;
	}
	if (has_error(t->vector)) {
		const u64 *error = arena_word(at);

		if (!error)
			return false;
		t->error = *error;
		at += 8;
	}
	for (unsigned i = 0; i < 5; i++, at += 8) {
		u64 *word = arena_word(at);

		if (!word)
			return false;
		if (i == 2)
			*word &= ~run_mask; /* the stack is part of the result */
		frame[i] = *word;
	}
	return true;
}

static void take_more(struct run_trap *t)
{
	const u64 fixed = DR6_FIXED;
	u64 dr7;

	if (t->vector == VECTOR_PF)
		t->more = arena_save[SAVE_CR2];
	if (t->vector != VECTOR_DB)
		return;
	__asm__ volatile("mov %%db6, %0; mov %%db7, %1" : "=r"(t->more), "=r"(dr7));
	/* What is not enabled may show, or not: [SDM] "Debug Status Register (DR6)" (18.2.3). */
	for (unsigned i = 0; i < 4; i++)
		if (!(dr7 >> 2 * i & 3))
			t->more &= ~BIT(i);
	/*
	 * QEMU tells of breakpoints on the next instruction as well, after its own steps; and of a
	 * breakpoint on a port only, if the instruction was stepped.
	 */
	if (generate_lenient && (arena_save[SAVE_FRAME + 2] & RFLAGS_TF) && (t->more & BITS(3, 0)))
		t->more = (t->more & ~BITS(3, 0)) | DR6_BS;
	__asm__ volatile("mov %0, %%db6" ::"r"(fixed));
}

static bool is_trap(u64 vector)
{
	return vector == VECTOR_DB || vector == VECTOR_BP || vector == VECTOR_OF ||
	       vector >= FIRST_INTERRUPT;
}

static unsigned over(enum run_reason reason)
{
	now->result[RESULT_reason] = reason;
	return 0;
}

/* RDTSC or RDTSCP is in it: behind its middle, registers may show the time. */
static bool shows_time(const struct case_unit *unit)
{
	const u8 *b = unit->byte;

	return unit->len > 3 && b[0] == 0x0f && (b[1] == 0x31 || (b[1] == 0x01 && b[2] == 0xf9));
}

/*
 * After a fault, the next unit, in the mode of the case: what is behind would mean something else
 * in another one.
 */
static void skip_unit(u64 *frame, unsigned unit)
{
	u64 mode = now->c->value[CASE_mode];

	if (frame[0] != start_of(now->c, unit) && shows_time(&now->c->unit[unit]))
		arena_save[0] = arena_save[1] = arena_save[2] = 0;
	frame[0] = start_of(now->c, unit + 1);
	if (frame[1] == arena_cs(mode))
		return;
	frame[1] = arena_cs(mode);
	frame[4] = arena_ss(mode);
}

/* 0F AE /1, without or with REX.W: FXRSTOR. */
static bool loads_fpu(const struct case_unit *unit)
{
	const u8 *b = unit->byte + ((unit->byte[0] & 0xf0) == 0x40);

	return b[0] == 0x0f && b[1] == 0xae && (b[2] >> 3 & 7) == 1;
}

/*
 * Bochs's FXRSTOR has loaded FCW and FSW when it finds that MXCSR is illegal.  ES and B then say
 * otherwise than the flags and masks, which no image can hold, so a hypervisor that swaps the FPU
 * puts them right ([SDM] vol. 1 "x87 FPU Status Register" (8.1.3)).  So does this, everywhere.
 */
static void settle_fpu(void)
{
	static u8 environment[28];

	__asm__ volatile("fnstenv %0; fldenv %0" : "+m"(environment));
}

static unsigned go_on(struct run_trap *t)
{
	u64 *frame = arena_save + SAVE_FRAME;
	u64 gate = STREAM_ARENA + (u64)(arena_gate - arena);
	u64 end = start_of(now->c, now->c->units);
	int unit = unit_of(now->c, frame[0]);

	if (t->vector == VECTOR_BP && frame[0] == end + TERMINATOR_SIZE) {
		account(t, now->c->units);
		return over(RUN_DONE);
	}
	if (t->vector == VECTOR_DF || t->vector == VECTOR_MC)
		return over(RUN_FATAL);
	if (now->traps == RUN_TRAPS)
		return over(RUN_TOO_MANY);
	if (t->vector == VECTOR_DB)
		frame[2] |= RFLAGS_RF;
	if (unit < 0)
		return frame[0] == gate ? 1 : over(RUN_ASTRAY);
	account(t, (unsigned)unit);
	if (!is_trap(t->vector)) {
		if ((unsigned)unit == now->c->units)
			return over(RUN_ASTRAY);
		if (t->vector == VECTOR_GP && loads_fpu(&now->c->unit[unit]))
			settle_fpu();
		skip_unit(frame, (unsigned)unit);
	}
	return 1;
}

static void remember(const struct run_trap *t)
{
	u64 *history = &now->result[RESULT_history];

	now->trap[now->traps++] = *t;
	*history = arena_fold(*history, t->vector);
	*history = arena_fold(*history, t->error);
	*history = arena_fold(*history, t->rip);
	*history = arena_fold(*history, t->cs);
	*history = arena_fold(*history, t->rflags);
	*history = arena_fold(*history, t->rsp);
	*history = arena_fold(*history, t->ss);
	*history = arena_fold(*history, t->more);
}

/* An interrupt that still waited when its case was over. */
static unsigned drained(const struct run_trap *t)
{
	if (t->vector < FIRST_INTERRUPT) {
		rt_record("unexpected vector=%lu error=0x%lx rip=0x%lx", t->vector, t->error,
			  arena_save[SAVE_FRAME]);
		rt_end(3);
	}
	*LAPIC_EOI = 0;
	now->result[RESULT_waiting] = t->vector;
	return 1;
}

static bool running;

/* QEMU has #GP for a stack that is not canonical, where who carries out PUSH knows better. */
static void forgive(struct run_trap *t)
{
	if (generate_lenient && now->c->value[CASE_device] == 2 && t->vector == VECTOR_SS &&
	    !t->error)
		t->vector = VECTOR_GP;
}

unsigned run_trap(void)
{
	struct run_trap t = { .vector = arena_save[SAVE_VECTOR] };
	const u64 *frame = arena_save + SAVE_FRAME;
	bool framed = take_frame(&t);

	if (!running)
		return drained(&t);
	take_more(&t);
	forgive(&t);
	t.rip = frame[0];
	t.cs = frame[1];
	t.rflags = frame[2];
	t.rsp = frame[3];
	t.ss = frame[4];
	if (framed || t.vector < VECTOR_SYSCALL)
		remember(&t);
	if (t.vector >= FIRST_INTERRUPT && now->c->value[CASE_pending])
		*LAPIC_EOI = 0;
	return framed ? go_on(&t) : over(RUN_ASTRAY);
}

/* ---- A case -------------------------------------------------------------------------------------
 */

void run_case(struct run *run, const struct stream_case *c)
{
	u64 *result = run->result;

	memset(result, 0, sizeof(run->result));
	run->c = c;
	run->traps = 0;
	run->instructions = run->sensitive = 0;
	now = run;
	unit_now = 0;
	arena_load(c);
	running = true;
	arena_enter();
	running = false;
	memcpy(result, arena_save, 16 * sizeof(u64));
	result[RESULT_rip] = arena_save[SAVE_FRAME];
	result[RESULT_cs] = arena_save[SAVE_FRAME + 1];
	result[RESULT_rflags] = arena_save[SAVE_FRAME + 2];
	result[RESULT_rsp] = arena_save[SAVE_FRAME + 3];
	result[RESULT_ss] = arena_save[SAVE_FRAME + 4];
	arena_store(c, result);
	result[RESULT_traps] = run->traps;
	/* It may have ended between RDTSC and what overwrites the time. */
	if (result[RESULT_reason] != RUN_DONE)
		result[RESULT_rax] = result[RESULT_rcx] = result[RESULT_rdx] = 0;
}

u64 run_hash(const struct run *run)
{
	u64 hash = 1;

	for (unsigned i = 0; i < RESULT_COUNT; i++)
		hash = arena_fold(hash, run->result[i]);
	return hash;
}
