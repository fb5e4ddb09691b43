/*
 * svm.h - what the files of the AMD-V back end share
 *
 * Owns: the back end's part of a VM and of a vCPU, and the features of the machine it uses.
 * Must not know: how exits are handled; nothing outside amd/ includes this header.
 */
#ifndef ESPEJO_AMD_SVM_H
#define ESPEJO_AMD_SVM_H

#include "amd/vmcb.h"
#include "paging/nested.h"
#include "vm/vm.h"

/* What this machine offers beyond what we need. Known after cpu_on. */
struct svm_features {
	u32 asids; /* number of ASIDs, the host's 0 included */
	u32 clean; /* VMCB_CLEAN_ALL if clean bits are heeded, else 0 */
	u8 phys_bits, linear_bits; /* bits of a physical and of a linear address */
	bool nrips, flush_by_asid, decode_assists, lbr_virt, rdpru, rdtscp, spec_ctrl, pks;
	bool virtual_interrupts; /* V_IRQ is taken at the entry; found out by trying */
	bool debug_exits; /* #DB may exit: DR6 then says why; found out by trying */
};
extern struct svm_features svm_features;

/*
 * Exceptions that always exit: the machine's own, the one before the triple fault, and #AC, whose
 * delivery may raise #AC without end.
 */
#define SVM_EXCEPTIONS ((u32)(BIT(VECTOR_MC) | BIT(VECTOR_DF) | BIT(VECTOR_AC)))
/*
 * #DB likewise, whose delivery may meet a breakpoint, and a #DB again.  On neither emulator
 * (svm.c), where a guest may stop the machine by that: docs/emulators.md.
 */
#define SVM_EXCEPTIONS_NOW (SVM_EXCEPTIONS | (svm_features.debug_exits ? (u32)BIT(VECTOR_DB) : 0))
/* Those that push an error code. */
#define SVM_EXCEPTIONS_WITH_ERROR                                                             \
	(BIT(VECTOR_DF) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | BIT(VECTOR_GP) |  \
	 BIT(VECTOR_PF) | BIT(VECTOR_AC) | BIT(VECTOR_CP))

struct svm_vm {
	struct vm vm; /* first */
	struct nested npt;
	u8 *iopm, *msrpm;
};

/*
 * Reasons to take the slow way into the guest.  The low bits are the VMCB_CLEAN_* groups of
 * fields that changed since the last good entry.
 */
#define SVM_DIRTY_LOADED BIT(16) /* fields that each VMRUN and VMLOAD reads, no clean bit */
#define SVM_DIRTY_EVENT BIT(17) /* EVENTINJ */
#define SVM_DIRTY_FLUSH BIT(18) /* translations of this ASID */
#define SVM_DIRTY_WINDOW BIT(19) /* common code waits for a window */
#define SVM_DIRTY_STEP BIT(20) /* the next instruction is to be stepped over */
#define SVM_DIRTY_POKE BIT(21) /* the operator breaks a field */
#define SVM_CHECK_CPU BIT(31) /* svm_check: what the CPU checks, of all groups */
#define SVM_DIRTY_ALL (VMCB_CLEAN_ALL | SVM_DIRTY_LOADED | SVM_DIRTY_EVENT)

/* An instruction that is being stepped over: what we changed, and what it does to RFLAGS. */
struct svm_step {
	bool active;
	bool pushes_flags, loads_flags; /* PUSHF; POPF or IRET */
	bool iret;
	u8 len, imm; /* of the instruction; 0: unknown */
	u16 op; /* enum insn_op */
	u64 guest_tf, r11_tf; /* RFLAGS_TF or 0 */
	u64 dr6, sfmask;
	u32 exceptions, misc1, misc2; /* intercepts */
};

/* svm_poke.c */
struct svm_poke {
	const char *field;
	bool force; /* ask the CPU, whatever our rules say */
	bool forced; /* and that is being done */
	u8 size;
	u16 offset;
	u64 value;
	unsigned broken; /* rules */
};

struct svm_vcpu {
	struct vcpu vcpu; /* first */
	struct vmcb *vmcb;
	u64 vmcb_pa;
	u64 host_pa; /* VMSAVE area of the CPU on which it is loaded */
	bool (*again)(struct gpregs *regs); /* for svm_enter */
	u32 dirty; /* reasons for the slow way: SVM_DIRTY_*, VMCB_CLEAN_* */
	u32 unchecked; /* groups of fields that we changed since the last entry */
	u8 windows; /* WINDOW_* */
	u8 soft_len; /* of the INT n to be injected: RIP stands behind it during the entry */
	u8 cut_len; /* of the injected INT n that the last exit cut short */
	u64 soft_rip;
	bool loaded; /* its FPU, DR0-3 and MSRs are in the CPU */
	bool nmi_blocked;
	bool lme_apart; /* EFER.LME is set, but not in the VMCB: see svm_state.c */
	bool guarded; /* faults of a delivery exit: see svm_event.c */
	bool offered; /* what is delivered is V_IRQ */
	unsigned cpu; /* of the ASID */
	u32 asid_generation;
	u64 host_tsc_aux, host_spec_ctrl;
	struct svm_step step;
	struct svm_poke poke;
};

static inline struct svm_vm *svm_vm(struct vm *vm)
{
	return container_of(vm, struct svm_vm, vm);
}

static inline struct svm_vcpu *svm_vcpu(struct vcpu *v)
{
	return container_of(v, struct svm_vcpu, vcpu);
}

/* A usable segment of the VMCB is in our normal form already. */
static inline const struct segment *svm_segment(const struct vmcb_segment *segment)
{
	return (const struct segment *)segment;
}

/* We changed fields of these groups: reload them, check them. */
static inline void svm_changed(struct svm_vcpu *s, u32 groups)
{
	s->dirty |= groups;
	s->unchecked |= groups;
}

/*
 * The world switch (svm_run.S): the general registers but RAX and RSP, which are in the VMCB,
 * become the guest's; runs it until #VMEXIT; saves them.  Host interrupts are let through
 * while the guest runs, and nothing is taken by the host in between: what is pending
 * afterwards waits for the caller's STI, an NMI arrives before the return.
 * [APM] vol. 2 "VMRUN Instruction" (15.5), "Global Interrupt Flag" (15.17)
 */
void svm_enter(struct gpregs *regs, u64 vmcb_pa, u64 host_pa, bool (*again)(struct gpregs *regs));
/*
 * For again: the short way of vm/fast.h if nothing is dirty, without and with NRIP save; never.  An
 * entry with V_IRQ wants the last one.
 */
bool svm_go_on(struct gpregs *regs);
bool svm_go_on_nrips(struct gpregs *regs);
bool svm_stop(struct gpregs *regs);
/* Which of them the next entries have, by the VMCB. */
void svm_choose_way(struct svm_vcpu *s);
/* Guests that execute VMMCALL at once, and after RDMSR: for probes. */
extern const u8 svm_probe_guest[], svm_probe_msr_guest[], svm_probe_rdpmc_guest[];
extern const u8 svm_probe_debug_guest[], svm_probe_debug_end[], svm_dr7_guest[];
/* A control block for one of them: all exceptions and the host's interrupts end it. */
void svm_probe_vmcb(struct vmcb *b);
/* Of this CPU: where the host's FS, GS, TR and the like are; the rest of the page is anybody's. */
struct vmcb *svm_host_page(void);

/* In checking builds every entry takes the slow way, which checks all that the CPU will. */
#ifdef CHECKING
#define SVM_CHECKING true
#else
#define SVM_CHECKING false
#endif

/* ---- svm_state.c */
void svm_get_state(struct vcpu *v, unsigned parts);
void svm_set_state(struct vcpu *v, unsigned parts);
bool svm_breakpoints(const struct vcpu *v);

/* ---- svm_event.c: injection, windows */
void svm_inject(struct vcpu *v, const struct event *event);
void svm_window(struct vcpu *v, unsigned windows);
/* Run with all that svm_vcpu.dirty asks for, until an exit for common code; fill it in. */
void svm_run_slow(struct svm_vcpu *s);
/* Was CS a form that only an emulator leaves, refused at the entry?  It is not any more. */
bool svm_mend_cs(struct svm_vcpu *s);
void svm_set_nmi_blocked(struct svm_vcpu *s, bool blocked);

/* ---- svm_step.c: one instruction of the guest */
/* What became of it. */
enum svm_step_result {
	STEP_GOES_ON, /* it is an instruction to be known about */
	STEP_DONE,
	STEP_TRAP, /* done, and a debug trap of the guest's own is raised */
	STEP_FAULT, /* not executed, its event is injected */
	STEP_EXIT, /* not executed, something else stopped the guest */
};

/* The next entry ends behind the instruction at RIP, or before it if that raises something else. */
void svm_step_begin(struct svm_vcpu *s);
/* After the exit: all is as the guest must see it, unless the step goes on. */
enum svm_step_result svm_step_after(struct svm_vcpu *s);
/* Take our TF and intercepts back; done: the instruction was executed. */
void svm_step_end(struct svm_vcpu *s, bool done);

/* ---- svm_exit.c */
/* The VMCB's exit becomes v->exit, and the registers in the VMCB v->regs. */
void svm_exit(struct svm_vcpu *s);
/* Between v->regs and the VMCB: RIP, RSP, RAX, RFLAGS. */
static inline void svm_regs_from_vmcb(struct svm_vcpu *s)
{
	const struct vmcb_save *save = &s->vmcb->save;
	struct gpregs *regs = &s->vcpu.regs;

	regs->rip = save->rip;
	regs->rflags = save->rflags;
	regs->r[REG_RSP] = save->rsp;
	regs->r[REG_RAX] = save->rax;
}

static inline void svm_regs_to_vmcb(struct svm_vcpu *s)
{
	struct vmcb_save *save = &s->vmcb->save;
	const struct gpregs *regs = &s->vcpu.regs;

	save->rip = regs->rip;
	save->rflags = regs->rflags;
	save->rsp = regs->r[REG_RSP];
	save->rax = regs->r[REG_RAX];
}

/* ---- svm.c */
/* The value of VMCB.tlb_control for the next entry; and that VMRUN threw this CPU's TLB away. */
u8 svm_tlb_control(const struct svm_vcpu *s);
void svm_flushed_all(void);

/* The guest's CR2, in the VMCB and, if it is loaded, in the CPU. */
void svm_set_cr2(struct svm_vcpu *s, u64 value);

/* ---- svm_explain.c */
/*
 * A rule about the VMCB.  It is checked when one of its groups is dirty.  `by_cpu`: VMRUN
 * checks it too, and fails with VMEXIT_INVALID; the others are what must hold besides, for
 * the guest to run as we mean it.
 */
struct svm_rule {
	const char *id; /* for the test */
	const char *field; /* "EFER", "EVENTINJ" */
	u32 groups;
	bool by_cpu;
	u64 (*value)(const struct vmcb *b);
	bool (*holds)(const struct vmcb *b, const struct svm_features *f);
	const char *text; /* "SVME must be set" */
	const char *source;
};
extern const struct svm_rule svm_rules[];
extern const unsigned svm_rule_count;

/* Check the rules of these groups; each broken one is a line in sink, unless NULL. Their number. */
unsigned svm_check(const struct vmcb *b, const struct svm_features *f, u32 groups,
		   struct fmt_sink *sink);
/* In svm_exit.c: all rules, on the VMCB of v. */
unsigned svm_explain(struct vcpu *v, struct fmt_sink *sink);

/* ---- svm_dump.c */
const char *svm_raw_name(u64 raw);
void svm_dump(struct vcpu *v, struct fmt_sink *sink);

/* A field by its name in a dump; false: there is none.  Its name. */
bool svm_field(const char *name, u16 *offset, u16 *size);
const char *svm_field_name(u16 offset);

/* ---- svm_poke.c: virt.h, poke; before the entry: true, if the CPU is to be asked; behind it. */
bool svm_poke(struct vcpu *v, const char *field, u64 value, bool force);
bool svm_poke_apply(struct svm_vcpu *s);
void svm_poke_verdict(struct svm_vcpu *s);

/* ---- svm_debug.c: breakpoints where VMRUN arms none
 *
 * A vCPU that comes arms its own, under its DR0 to DR3, and disarms them as it goes or before its
 * DR7 is changed by us; nothing where the CPU does as the manual says.  Called on its CPU, with
 * interrupts off.
 */
void svm_debug_arm(const struct svm_vcpu *s);
void svm_debug_disarm(const struct svm_vcpu *s);

/* ---- npt.c */
extern const struct nested_format npt_format;

#endif
