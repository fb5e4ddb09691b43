/*
 * virt.h - the border to what runs the guest's code
 *
 * Owns: the operations of a CPU back end, and the rules of calling them.
 * Must not know: any vendor's control block.  No vendor header or exit code
 * leaves its folder; everything above speaks in struct vm_exit and cpu_state.
 *
 * One const table for each back end, chosen once by virt_select.  Life of a vCPU:
 *
 *   vcpu_init -> load -> { run -> (handler) }* -> unload -> ... -> vcpu_free
 *
 * Between load and unload only the loading CPU may touch the vCPU; its registers
 * (vcpu->regs) are true after every run.  The rest of its state is fetched and set
 * in the parts of vm/state.h.  A vCPU that is not loaded can be read by any CPU.
 */
#ifndef ESPEJO_VIRT_H
#define ESPEJO_VIRT_H

#include "vm/exit.h"

struct vm;
struct vcpu;
struct fmt_sink;

/* Windows: tell me when the guest can take one. */
#define WINDOW_INTR 1
#define WINDOW_NMI 2

/* Rights of guest memory. */
#define PROT_R ACCESS_READ
#define PROT_W ACCESS_WRITE
#define PROT_X ACCESS_FETCH
#define PROT_RWX (PROT_R | PROT_W | PROT_X)

/* What exits, beyond what must: sets that common code switches. */
enum trap_kind {
	TRAP_IO, /* ports first..last; all trap at first */
	TRAP_MSR_READ, /* MSRs first..last; all trap at first */
	TRAP_MSR_WRITE,
};

struct trap {
	u8 kind; /* enum trap_kind */
	bool on;
	u32 first, last; /* both included */
};

struct virt_ops {
	const char *name; /* "AMD-V", "VT-x" */

	/*
	 * Bytes of the back end's own struct, whose first member is the struct vm (vcpu) that
	 * common code sees; a back end reaches its part by container_of.  Common code allocates
	 * them, zeroed.
	 */
	size_t vm_size, vcpu_size;
	/* Bytes of vcpu->xsave, which common code allocates: all that XCR0 can switch on here. */
	size_t (*xsave_size)(void);

	/* What CPUID of a guest could show at most; NULL: what host_cpuid says. */
	struct cpuid_regs (*cpuid)(u32 leaf, u32 subleaf);

	/*
	 * Under PAE paging the guest's PDPTEs are read from memory at each walk: no MOV to a
	 * control register loads them, or faults for a reserved bit.
	 */
	bool pdptes_in_memory;

	/*
	 * Can this machine do it?  NULL, or the sentence that says what is missing and
	 * where to enable it.  Called on the boot CPU, changes nothing.
	 */
	const char *(*probe)(void);

	/* Switch this CPU's extension on; 0 or -HOST_E*.  Off gives the CPU back as it was. */
	int (*cpu_on)(void);
	void (*cpu_off)(void);

	/*
	 * Does an interrupt of the host not end a run of a guest that has interrupts off?  Then
	 * the host kicks by NMI.  Known after cpu_on of the boot CPU; NULL: it always does.
	 */
	bool (*kick_needs_nmi)(void);

	/* The guest's physical address space, empty at first; bitmaps that trap everything. */
	int (*vm_init)(struct vm *vm);
	void (*vm_free)(struct vm *vm);

	/* Make v's control structures; state as vcpu->state has it. */
	int (*vcpu_init)(struct vcpu *v);
	void (*vcpu_free)(struct vcpu *v);

	/* Bind v to this CPU (its FPU, MSRs and control block become the CPU's), and release it. */
	void (*load)(struct vcpu *v);
	void (*unload)(struct vcpu *v);

	/*
	 * Complete v->exit, then run the guest until it exits; fill in v->exit.
	 * Does not return for what the back end can do on its own.  A host interrupt that is
	 * due, or arrives, ends it with EXIT_HOST.  v->state is stale afterwards (see
	 * vcpu_state); an event whose delivery was cut short is in v->state.interrupted.
	 */
	void (*run)(struct vcpu *v);

	/*
	 * Somebody wants v out of the guest: a run of it, now or the next one, ends with EXIT_HOST.
	 * Any CPU, at any moment, in a signal handler too.  NULL: host interrupts do that.
	 */
	void (*kick)(struct vcpu *v);

	/* Complete v->exit now: registers and state are then as the guest would see them. */
	void (*complete)(struct vcpu *v);

	/* Fetch parts (STATE_*) into v->state; or make parts of v->state the guest's. */
	void (*get_state)(struct vcpu *v, unsigned parts);
	void (*set_state)(struct vcpu *v, unsigned parts);
	/* May v, loaded here, have breakpoints (DR7)?  Cheaper than STATE_DR; NULL: yes. */
	bool (*breakpoints)(const struct vcpu *v);

	/*
	 * Deliver this event at the next entry.  At most one per entry, and the guest must be
	 * able to take it (common code checks the windows).  It is delivered before the
	 * guest's next instruction, or comes back in v->state.interrupted.
	 */
	void (*inject)(struct vcpu *v, const struct event *event);

	/*
	 * Exit as soon as the guest can take an interrupt (EXIT_WINDOW_INTR), an NMI
	 * (EXIT_WINDOW_NMI); windows is the whole set of wishes, 0 takes them back.  A back end
	 * that has no such exit may take v->nmi_pending in that window itself.
	 */
	void (*window)(struct vcpu *v, unsigned windows);

	void (*trap)(struct vm *vm, const struct trap *trap);

	/*
	 * Guest-physical space.  Sizes and addresses in whole pages.  map: host is memory from
	 * host_alloc_pages, physically in one piece, or of host_alloc_ram;
	 * -HOST_ENOMEM if tables cannot be made.
	 * The others change what exists; callers then vm_flush (vm/vm.h), which gets every
	 * CPU to call flush before it enters the guest again.
	 */
	int (*map)(struct vm *vm, gpa_t at, void *host, u64 size, unsigned prot);
	void (*unmap)(struct vm *vm, gpa_t at, u64 size);
	void (*protect)(struct vm *vm, gpa_t at, u64 size, unsigned prot);
	/*
	 * One bit per page that its vCPUs wrote since the last call, lowest page in bit 0 of
	 * bitmap[0].  At the first call, and behind a change of the map, others may be set too.
	 * What devices store is not seen here.
	 */
	void (*dirty_fetch_and_clear)(struct vm *vm, gpa_t at, u64 size, u64 *bitmap);
	/* This CPU: forget translations of v's VM before the next entry. */
	void (*flush)(struct vcpu *v);
	/*
	 * The entries that translate a, outermost first, for the shell; their number, at most 5.
	 * *page is where a lies, if they map it, else unchanged.
	 */
	unsigned (*walk)(struct vm *vm, gpa_t a, u64 entries[5], hpa_t *page);

	/*
	 * Check v's control block against the manual's rules: each broken one is a line
	 * in sink that names field, value, rule and the manual's title.  Returns their number.
	 */
	unsigned (*explain)(struct vcpu *v, struct fmt_sink *sink);
	/*
	 * For the operator: at v's next entry its control block holds value in field (a name of
	 * dump), whatever sense that makes, and all rules are checked.  With force the CPU is asked
	 * although they are broken, and both verdicts are logged.  v is not loaded.  False: no such
	 * field.
	 */
	bool (*poke)(struct vcpu *v, const char *field, u64 value, bool force);
	/* Raw exit code to text ("VMEXIT_NPF"), and the control block in full. */
	const char *(*raw_name)(u64 raw);
	void (*dump)(struct vcpu *v, struct fmt_sink *sink);
};

/* The back end of this machine; set once at start. */
extern const struct virt_ops *virt;

/*
 * Choose the first of the candidates that probes well.  Returns NULL, or why none does:
 * the sentences of all of them, in one string, each on a line of its own behind "\n".
 */
const char *virt_select(const struct virt_ops *const candidates[], unsigned count);

extern const struct virt_ops amd_ops, intel_ops;

#endif
