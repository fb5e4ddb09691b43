/*
 * exit.h - why a guest stopped, told without the vendor's words
 *
 * Owns: the reasons and their parameters.
 * Must not know: exit codes of VMCB or VMCS, and what is done about an exit.
 *
 * An exit is a request.  virt->run fills in what the guest asked for; the handler
 * (vm/exit.c) fills in the answer and an outcome; the back end completes it - writes
 * the destination register, advances RIP, ends the interrupt shadow, raises the
 * single-step #DB - at the next run, or at virt->complete if somebody must see
 * the guest's registers before.
 */
#ifndef ESPEJO_VM_EXIT_H
#define ESPEJO_VM_EXIT_H

#include "vm/state.h"

#define EXIT_REASONS(X)                                                     \
	X(NONE, "none")                                                     \
	X(HOST, "host interrupt") /* or NMI: the host wants its CPU back */ \
	X(WINDOW_INTR, "interrupt window")                                  \
	X(WINDOW_NMI, "NMI window")                                         \
	X(IO, "port")                                                       \
	X(MMIO, "device memory") /* decoded by the back end (KVM) */        \
	X(MEMORY, "nested fault") /* raw: no mapping, or not permitted */   \
	X(CPUID, "CPUID")                                                   \
	X(MSR, "MSR")                                                       \
	X(CR, "control register")                                           \
	X(DR, "debug register")                                             \
	X(HLT, "HLT")                                                       \
	X(PAUSE, "PAUSE")                                                   \
	X(HYPERCALL, "hypercall")                                           \
	X(VM_INSN, "VM instruction") /* the guest plays hypervisor */       \
	X(XSETBV, "XSETBV")                                                 \
	X(CACHE, "INVD/WBINVD")                                             \
	X(RDPMC, "RDPMC")                                                   \
	X(MONITOR, "MONITOR/MWAIT")                                         \
	X(EXCEPTION, "exception")                                           \
	X(TASK, "task switch")                                              \
	X(INSN, "other instruction") /* intercepted, to answer with #UD */   \
	X(INIT, "INIT")                                                     \
	X(EMULATE, "instruction to emulate") /* the back end cannot (KVM) */ \
	X(SHUTDOWN, "triple fault")                                         \
	X(REFUSED, "entry refused") /* the CPU rejects the guest's state */ \
	X(UNKNOWN, "unknown exit")

enum exit_reason {
#define X(name, text) EXIT_##name,
	EXIT_REASONS(X)
#undef X
		EXIT_REASON_COUNT
};

/* What the guest sees of a handled exit. */
enum exit_outcome {
	OUTCOME_NONE, /* nothing to complete */
	OUTCOME_DONE, /* executed: deliver result, RIP moves on */
	OUTCOME_RETRY, /* not executed: the guest tries again */
	OUTCOME_FAULT, /* not executed: exit->fault is raised instead */
};

/*
 * insn_len of an exit that the back end completes all by itself (KVM): it knows how long the
 * instruction is, raises the single-step #DB, and exit->fault.
 */
#define EXIT_LEN_BACK_END 0xff

#define ACCESS_READ 1
#define ACCESS_WRITE 2
#define ACCESS_FETCH 4

enum cr_access { CR_WRITE, CR_READ, CR_CLTS, CR_LMSW, CR_SMSW };

struct vm_exit {
	union {
		struct {
			u8 reason; /* enum exit_reason */
			u8 outcome; /* enum exit_outcome */
			u8 insn_len; /* to the next instruction; 0: decode; or EXIT_LEN_BACK_END */
			bool decoded; /* operands below are valid; else decode to find them */
			u32 raw; /* the vendor's code, for trace and messages only */
		};
		u64 head; /* all of these at once */
	};
	union {
		u64 word; /* the first eight bytes of whatever it is: for the trace */
		struct {
			u16 port;
			u8 size; /* 1, 2, 4 */
			bool in, string;
			u32 value; /* out: given; in: the answer */
		} io; /* string (INS, OUTS): decode for the rest */
		struct {
			gpa_t gpa;
			u8 size;
			bool write;
			u64 value;
		} mmio;
		struct {
			gpa_t gpa;
			u8 access; /* ACCESS_* */
			bool walking; /* fault on the guest's own page table entry */
		} memory;
		struct {
			u32 index;
			bool write;
			u64 value;
		} msr;
		struct {
			u8 number, reg; /* CR or DR number; general register */
			u8 access; /* enum cr_access; DR: CR_READ or CR_WRITE */
			u16 source; /* LMSW */
		} cr;
		struct {
			u8 vector;
			bool has_error;
			u8 int1_len; /* it is INT1, of so many bytes; 0: it is not */
			u32 error;
			u64 address; /* #PF: faulting gva; #DB: DR6 bits */
		} exception;
		struct {
			u16 selector;
			u8 source; /* 0 CALL, 1 IRET, 2 JMP, 3 through the IDT */
			bool has_error;
			u32 error;
		} task;
		struct {
			u64 value; /* edx:eax of XSETBV, rcx in index */
			u32 index;
		} xsetbv;
	};
	struct event fault; /* with OUTCOME_FAULT */
};

/* The reason's name, for people. */
const char *exit_reason_name(unsigned reason);

/* Answers for handlers. */
static inline void exit_done(struct vm_exit *exit)
{
	exit->outcome = OUTCOME_DONE;
}

static inline void exit_fault(struct vm_exit *exit, u8 vector, bool has_error, u32 error)
{
	exit->outcome = OUTCOME_FAULT;
	exit->fault = (struct event){ .type = EVENT_EXCEPTION,
				      .vector = vector,
				      .has_error = has_error,
				      .error = error };
}

#endif
