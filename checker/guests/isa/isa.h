/*
 * isa.h - the census of instruction forms: what each does in each mode
 *
 * One form at a time is put on a page of INT3, with registers and memory of known contents, and
 *entered in a mode; what comes first, an exception, an interrupt, the INT3 behind it or at the
 *landing, ends it.  What it left is compared with what was there: registers, flags, memory, FPU
 *(the hash), the system (control registers, tables, MSRs, debug registers, the interrupt
 *controller).  isa/tokens.h says what is recorded.
 *
 *	main.c		the loop over forms, modes, states; the record
 *	prepare.c	the bytes of a form, its registers and memory
 *	sandbox.c	descriptor tables, task segments, the modes
 *	state.c		states of the system, and what changed in it
 *	shoot.S		the ways into a mode and back
 */
#ifndef CHECKER_ISA_H
#define CHECKER_ISA_H

#include "../../isa/tokens.h"
#include "layout.h"
#include "../rt/rt.h"

/* ---- One execution (shoot.S) ---------------------------------------------------------- */

enum isa_gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R11 = 11, GPRS = 16 };

struct isa_context {
	u64 gpr[GPRS], rip, cs, rflags, ss, ds, es, fs, gs;
};

struct PACKED isa_pointer {
	u16 limit;
	u64 base;
	u8 pad[6];
};

struct isa_shot {
	struct isa_context in, out;
	u64 vector, error, enter, cr0, ldtr, tr;
	struct isa_pointer gdtr, idtr, main_gdtr;
	u64 seen_cr0, seen_cr3, seen_cr4, seen_ldtr, seen_tr;
	struct isa_pointer seen_gdtr, seen_idtr;
	u64 jump;
};
ASSERT_OFFSET(struct isa_context, rip, SHOT_RIP);
ASSERT_OFFSET(struct isa_context, gs, SHOT_GS);
ASSERT_OFFSET(struct isa_shot, out, SHOT_OUT);
ASSERT_OFFSET(struct isa_shot, vector, SHOT_VECTOR);
ASSERT_OFFSET(struct isa_shot, cr0, SHOT_CR0);
ASSERT_OFFSET(struct isa_shot, gdtr, SHOT_GDTR);
ASSERT_OFFSET(struct isa_shot, main_gdtr, SHOT_MAIN_GDTR);
ASSERT_OFFSET(struct isa_shot, seen_ldtr, SHOT_SEEN_LDTR);
ASSERT_OFFSET(struct isa_shot, seen_idtr, SHOT_SEEN_IDTR);
ASSERT_OFFSET(struct isa_shot, jump, SHOT_JUMP);
ASSERT_SIZE(struct isa_shot, SHOT_SIZE);

static inline struct isa_shot *isa_shot(void)
{
	return (struct isa_shot *)ISA_SHOT;
}

/* ---- Forms ------------------------------------------------------------------------------- */

enum isa_setup {
	SETUP_none,
	SETUP_area,
	SETUP_arpl,
	SETUP_base,
	SETUP_bound,
	SETUP_call_gate,
	SETUP_clzero,
	SETUP_cpuid0,
	SETUP_cpuid1,
	SETUP_cr0,
	SETUP_cr2,
	SETUP_cr3,
	SETUP_cr4,
	SETUP_cr8,
	SETUP_data,
	SETUP_dr0,
	SETUP_dr1,
	SETUP_dr2,
	SETUP_dr3,
	SETUP_dr6,
	SETUP_dr7,
	SETUP_equal,
	SETUP_far,
	SETUP_far_data,
	SETUP_far_stack,
	SETUP_fcw,
	SETUP_fenv,
	SETUP_frame,
	SETUP_frstor,
	SETUP_fxrstor,
	SETUP_gdtr,
	SETUP_idtr,
	SETUP_invpcid,
	SETUP_iret,
	SETUP_lahf,
	SETUP_ldtr,
	SETUP_lmsw,
	SETUP_low,
	SETUP_monitor,
	SETUP_move64,
	SETUP_msr,
	SETUP_mwait,
	SETUP_mxcsr,
	SETUP_near,
	SETUP_one,
	SETUP_out,
	SETUP_out_of_bound,
	SETUP_overflow,
	SETUP_page,
	SETUP_pkru,
	SETUP_pmc,
	SETUP_popa,
	SETUP_popf,
	SETUP_port,
	SETUP_port_e0,
	SETUP_port_rep,
	SETUP_rep,
	SETUP_rep0,
	SETUP_retf,
	SETUP_stack,
	SETUP_sysexit,
	SETUP_sysret,
	SETUP_task,
	SETUP_task_absent,
	SETUP_task_busy,
	SETUP_task_fault,
	SETUP_task_gate,
	SETUP_task_int,
	SETUP_task_nested,
	SETUP_task_no_segment,
	SETUP_task_short,
	SETUP_task_system,
	SETUP_task_trap,
	SETUP_task16,
	SETUP_tr,
	SETUP_unaligned,
	SETUP_xcr0,
	SETUP_xrstor,
	SETUP_xrstors,
	SETUP_zero,
};

struct isa_form {
	u16 feature, class;
	u8 setup, flags, count;
	u16 token[ISA_TOKENS];
};

/* ---- Modes (sandbox.c) --------------------------------------------------------------------- */

struct isa_mode_info {
	u8 width; /* of an address in bytes: 8, 4, 2 */
	u8 cpl;
	bool legacy;				 /* no long mode */
	u8 enter;				 /* shoot_legacy's way */
	u16 cs, ss, ds, test_cs, stack_selector; /* the last: for a load of SS */
	u32 code, data, stack;			 /* bases */
};
extern const struct isa_mode_info isa_modes[ISA_MODES];

void sandbox_init(void);
/* Content of the test descriptors and of the gate of vector ISA_INT: closed is state ISA_DPL. */
void sandbox_protect(bool closed);
/* The tables of a mode into the shot; b: those of the states ISA_GDTR, ISA_IDTR, ISA_LDTR, ISA_TR.
 */
void sandbox_tables(struct isa_shot *shot, enum isa_mode mode, const bool b[4]);
/* After shoot_*: what C needs. */
void sandbox_restore(void);
/*
 * The TSS that is not in TR becomes a task that begins at the landing in this mode, in the way of
 * the setup (SETUP_task*); the selector that leads there.  It is so for one shot.
 */
u16 sandbox_task(enum isa_mode mode, enum isa_setup setup, u16 tr);
/* What a switch has left: what was saved and linked, who is busy.  Ask before state_leave. */
u64 sandbox_hash_tasks(u64 hash);
/* What loads GDTR, IDTR in a mode with the state's other table. */
struct isa_pointer sandbox_other_gdt(void);
struct isa_pointer sandbox_other_idt(enum isa_mode mode);

#define ISA_INT 0x41	/* a vector with a gate for CPL 3 */
#define ISA_START 0x100 /* offsets in the code page */
#define ISA_LANDING 0x200
#define ISA_OPERAND 0x100 /* in the data page, of the memory operand */
#define ISA_DATA_SIZE 0x480
#define ISA_SP 0x400 /* in the stack page */
#define ISA_STACK_SIZE 0x480
#define WAKE_VECTOR RT_PIC_VECTOR

/* ---- A form (prepare.c) ---------------------------------------------------------------------- */

/*
 * Puts the form's bytes on the code page, and what it needs into the shot's registers and into
 * memory.  The offset of the byte behind the form.  flags: RFLAGS to begin with.
 */
unsigned prepare(const struct isa_form *form, enum isa_mode mode, u64 flags);
/* Does it switch tasks, if it does what it is for? */
bool prepare_task(const struct isa_form *form);
/* What data and stack held before. */
extern u64 prepare_data[ISA_DATA_SIZE / 8], prepare_stack[ISA_STACK_SIZE / 8];

/* ---- States (state.c) ------------------------------------------------------------- */

/* What this CPU has of features and states; the state in which C runs. */
void state_init(void);
bool state_possible(enum isa_state state);
/* RFLAGS at the beginning, in these states (a mask). */
u64 state_flags(u32 states);
/* From C's state to these states; shot.cr0 and tables too. */
void state_enter(u32 states, enum isa_mode mode);
/* Back; what of the system changed.  full: look at what costs time, too. */
u32 state_leave(enum isa_mode mode, bool full);
/* In C's state: what has changed of that which costs time, and is put right. */
u32 state_look(void);
/* A mask of those that are looked at in any case. */
#define STATE_CHEAP                                                                                \
	(BIT(ISA_SYS_CPL) | BIT(ISA_SYS_IF) | BIT(ISA_SYS_IOPL) | BIT(ISA_SYS_CR0) |               \
	 BIT(ISA_SYS_CR3) | BIT(ISA_SYS_CR4) | BIT(ISA_SYS_XCR0) | BIT(ISA_SYS_GDTR) |             \
	 BIT(ISA_SYS_IDTR) | BIT(ISA_SYS_LDTR) | BIT(ISA_SYS_TR))

/* CR0 and CR4 as C has them; CR0 as a form finds it in that mode. */
u64 state_cr0(enum isa_mode mode);
u64 state_cr4(void);
u64 state_xcr0(void);

/* The FPU's known contents; a hash of what changed in it. */
void state_load_fpu(void);
u64 state_hash_fpu(u64 hash);
u64 state_hash(u64 hash, u64 value);
/* An image for FXRSTOR, XRSTOR. */
const u8 *state_fpu_image(void);

#endif
