/*
 * state.h - the state of a virtual CPU, in one neutral form
 *
 * Owns: the registers that make up a CPU, their values at reset, and the
 * versioned format in which they are saved.
 * Must not know: how a back end keeps them (VMCB, VMCS, a file descriptor).
 *
 * The same form serves reset, loaders, introspection, snapshots and migration,
 * between vendors too.  Its normal form for what the vendors keep differently:
 *  - a segment register that holds no usable segment has attr == 0;
 *  - attr is the descriptor's 12 bits (x86.h), in TR with the busy type;
 *  - cpl is explicit, whatever SS's DPL says;
 *  - debug registers and XSAVE area are those of the guest, wherever they live.
 */
#ifndef ESPEJO_VM_STATE_H
#define ESPEJO_VM_STATE_H

#include "x86.h"

/* Known to common code after every exit, without asking. */
struct gpregs {
	u64 r[REG_COUNT];
	u64 rip;
	u64 rflags;
};

struct segment {
	u16 selector;
	u16 attr; /* SEG_ATTR_*; 0: unusable */
	u32 limit; /* in bytes, the granularity applied */
	u64 base;
};
ASSERT_SIZE(struct segment, 16);

struct table_register {
	u64 base;
	u16 limit;
};

/*
 * An exception or interrupt on its way into the guest.
 * [SDM] "Event Injection" (26.6), [APM] vol. 2 "Event Injection" (15.20)
 */
enum event_type {
	EVENT_NONE,
	EVENT_INTR, /* external, maskable */
	EVENT_NMI,
	EVENT_EXCEPTION,
	EVENT_SOFT_INT, /* INT n */
	EVENT_SOFT_EXCEPTION, /* INT3, INTO: delivered with RIP behind it */
	EVENT_ICEBP, /* F1: privileged software exception */
};

struct event {
	u8 type; /* enum event_type */
	u8 vector;
	bool has_error;
	u8 insn_len; /* of the soft kinds: RIP + insn_len is pushed */
	u32 error;
	u64 cr2; /* of a #PF raised by emulation: loaded at delivery */
	u64 dr6; /* of a #DB raised by emulation: bits to be set in DR6 */
};

enum activity { ACTIVITY_RUN, ACTIVITY_HALT, ACTIVITY_WAIT_SIPI, ACTIVITY_SHUTDOWN };

#define SHADOW_STI 1
#define SHADOW_MOV_SS 2

/*
 * The parts that a back end reads and writes as one.  Small ones stand alone
 * because exits need them; the rest is fetched when somebody looks.
 */
#define STATE_EXEC BIT(0) /* cr0 cr3 cr4 efer cs cpl: what fetching code depends on */
#define STATE_SEG BIT(1) /* the other segments, gdtr, idtr, ldtr, tr */
#define STATE_CR2 BIT(2)
#define STATE_DR BIT(3)
#define STATE_MSR BIT(4) /* the MSRs below */
#define STATE_XSAVE BIT(5) /* xcr0, xss; the area itself is vcpu->xsave */
#define STATE_INT BIT(6) /* shadow, nmi_blocked, interrupted */
#define STATE_PDPTE BIT(7)
#define STATE_TSC BIT(8)
#define STATE_ALL (BIT(9) - 1)

struct cpu_state {
	/* STATE_EXEC; seg[SEG_CS] too */
	u64 cr0, cr3, cr4, efer;
	u8 cpl;
	/* STATE_SEG, but seg[SEG_CS] */
	struct segment seg[SEG_COUNT]; /* by enum x86_seg */
	struct segment ldtr, tr;
	struct table_register gdtr, idtr;
	/* STATE_CR2 */
	u64 cr2;
	/* STATE_DR: dr[4], dr[5] unused; dr[6], dr[7] are DR6, DR7 */
	u64 dr[8];
	/* STATE_MSR */
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 pat, debugctl, tsc_aux, spec_ctrl, pkrs;
	/* STATE_XSAVE */
	u64 xcr0, xss;
	/* STATE_INT */
	u8 shadow; /* SHADOW_*: interrupts held back for one instruction */
	bool nmi_blocked; /* from an NMI's delivery to its IRET */
	struct event interrupted; /* delivery cut short by an exit; type NONE: none */
	/* STATE_PDPTE: of PAE paging, as loaded by the last MOV CR3 */
	u64 pdpte[4];
	/* STATE_TSC: guest TSC = host TSC + tsc_offset, modulo 2^64 */
	u64 tsc_offset;
	/* Kept by common code, never by a back end: APIC_BASE, CR8 (in the LAPIC), */
	u8 activity; /* enum activity */
};

/*
 * Power-on or INIT state of a CPU: real mode at f000:fff0.
 * [SDM] "Processor State After Reset" (9.1.1), table 9-1.
 * INIT keeps CR0.CD/NW, the TSC, MSRs, FPU state: pass the old state with init.
 */
void state_reset(struct cpu_state *state, struct gpregs *regs, u32 signature);
void state_init(struct cpu_state *state, struct gpregs *regs, u32 signature);

/*
 * Flat 32-bit protected mode, paging off, interrupts off, as multiboot hands over;
 * and 64-bit mode on page tables at cr3, as the Linux 64-bit boot protocol wants it.
 * Set segments, cr0, cr4, efer and rflags; leave general registers and rip alone.
 */
void state_flat32(struct cpu_state *state, struct gpregs *regs);
void state_long(struct cpu_state *state, struct gpregs *regs, u64 cr3);

/*
 * Saved form: a header, then sections {u32 id; u32 version; u32 length; bytes}, all
 * little-endian, fixed width.  A reader skips sections that it does not know, unless
 * their id has STATE_SECTION_REQUIRED set; it refuses shorter ones than it needs.
 */
#define STATE_MAGIC 0x4f4a5053 /* "SPJO" */
#define STATE_FORMAT 1
#define STATE_SECTION_REQUIRED BIT(31)

enum state_section {
	STATE_SECTION_END,
	STATE_SECTION_GPREGS,
	STATE_SECTION_CPU,
	STATE_SECTION_XSAVE,
	/* Of a whole machine: vm/state_vm.h */
	STATE_SECTION_MACHINE,
	STATE_SECTION_CPUID,
	STATE_SECTION_VCPU,
	STATE_SECTION_RAM,
	STATE_SECTION_SCREEN,
	STATE_SECTION_NAMES,
	STATE_SECTION_DEVICE_FIRST = 0x100,
};

struct state_names;

/*
 * A buffer being written or read; zero-initialise all but data and size.  After an overrun, or
 * a bad value, error is set and calls do nothing (state_get gives 0).  While a section is read,
 * nothing beyond its end is.
 */
struct state_buf {
	u8 *data;
	size_t size, at;
	struct state_names *names; /* writing: what is written is named there; NULL: nowhere */
	size_t section_end; /* reading: of the section begun by state_next_section; else 0 */
	u32 version; /* reading: of that section */
	const char *error; /* NULL, or what is wrong, as a sentence */
};

/* bytes: 1, 2, 4 or 8.  The text of value is its name. */
#define state_put(buf, value, bytes) state_put_named(buf, value, bytes, #value)
#define state_put_bytes(buf, data, len) state_put_bytes_named(buf, data, len, #data)
void state_put_named(struct state_buf *buf, u64 value, unsigned bytes, const char *name);
void state_put_bytes_named(struct state_buf *buf, const void *data, size_t len, const char *name);
u64 state_get(struct state_buf *buf, unsigned bytes);
/* As state_get; a value above max sets error to problem (a sentence, or NULL for a general one). */
u64 state_get_max(struct state_buf *buf, unsigned bytes, u64 max, const char *problem);
/* The value is wrong: sets error, unless it is set already.  Returns -1. */
int state_refuse(struct state_buf *buf, const char *problem);
void state_get_bytes(struct state_buf *buf, void *data, size_t len);

/*
 * The names of all that was written into sections, in its order, for who wants to read a state
 * without knowing its layout (tools/state.c): {u32 count; u32 bytes; a text that ends in 0}, where
 * count neighbours of the same name are one.  bytes has STATE_NAME_BYTES set if it is no number.
 * The text is the C expression that was written, behind its scope and a tab if it has one.
 * The names become a section themselves, the last one.
 */
#define STATE_NAME_BYTES BIT(31)
struct state_names {
	struct state_buf text;
	const char *scope;
	const char *last; /* of the entry that a neighbour may join; NULL: none may */
	size_t last_at;
	u32 last_bytes, last_count;
};
/* What is written from now on belongs to scope, until the section ends; NULL: to none. */
void state_scope(struct state_buf *buf, const char *scope);
void state_put_names(struct state_buf *buf);

void state_put_header(struct state_buf *buf);
/* Returns the offset to hand to state_end_section, which fills in the length. */
size_t state_begin_section(struct state_buf *buf, u32 id, u32 version);
void state_end_section(struct state_buf *buf, size_t begin);
/* Checks magic and format; sets buf->error. */
void state_get_header(struct state_buf *buf);
/*
 * The next section, what is left of the one before being skipped: its id (STATE_SECTION_END at
 * the end or on error), version, length.  A section that the caller does not know goes to
 * state_skip_section, which sets error if it must not be skipped.
 */
u32 state_next_section(struct state_buf *buf, u32 *version, u32 *length);
void state_skip_section(struct state_buf *buf, u32 id);

/* An event, within a section. */
void state_put_event(struct state_buf *buf, const struct event *e);
void state_get_event(struct state_buf *buf, struct event *e);

/*
 * A CPU: its GPREGS section, then its CPU section.  Loading reads from where it stands up to
 * the end of the CPU section, skipping unknown ones; device sections come later.
 * Values that no CPU could have are refused, before anything is changed.
 */
void state_save_cpu(struct state_buf *buf, const struct cpu_state *state,
		    const struct gpregs *regs);
/* Returns 0, or -1 with buf->error set and *state, *regs unchanged. */
int state_load_cpu(struct state_buf *buf, struct cpu_state *state, struct gpregs *regs);

#endif
