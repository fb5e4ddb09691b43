/*
 * lapic.h - the local APIC of one CPU
 *
 * Owns: its registers behind both of their doors (the xAPIC page and the x2APIC MSRs),
 * APIC_BASE, the timer with its TSC deadline, and which interrupt comes next.
 * Must not know: other CPUs (IPIs leave by a callback), nor how an interrupt is injected.
 *
 * Source: [SDM] vol. 3 "Advanced Programmable Interrupt Controller (APIC)" (12; 10 in
 * older editions); [APM] vol. 2 "Advanced Programmable Interrupt Controller" (16).
 *
 * The timer's clock has a period of config.tick_ns; the count goes down in (divisor) of them.
 * The page is not claimed on the bus: with several CPUs each one sees its own LAPIC there,
 * so whoever handles a CPU's memory access asks lapic_page_hit first.
 */
#ifndef ESPEJO_DEV_LAPIC_H
#define ESPEJO_DEV_LAPIC_H

#include "dev/bus.h"

struct state_buf;
struct lapic;

/* Ticks of the periodic timer are at least this far apart: a bound on a guest's cost to us. */
#define LAPIC_MIN_PERIOD_NS 200000ull
#define LAPIC_BROADCAST 0xffffffffu

/* [SDM] "Interrupt Command Register (ICR)" (12.6.1) */
enum lapic_mode {
	LAPIC_FIXED,
	LAPIC_LOWEST,
	LAPIC_SMI,
	LAPIC_RESERVED,
	LAPIC_NMI,
	LAPIC_INIT,
	LAPIC_SIPI,
	LAPIC_EXTINT,
};

enum lapic_shorthand { LAPIC_TO_DEST, LAPIC_TO_SELF, LAPIC_TO_ALL, LAPIC_TO_OTHERS };

struct ipi {
	const struct lapic *sender;
	u8 mode;      /* enum lapic_mode: FIXED, LOWEST, SMI, NMI, INIT or SIPI */
	u8 vector;    /* of SIPI: the page to start at */
	u8 shorthand; /* enum lapic_shorthand */
	bool level;   /* to hand to lapic_deliver; IPIs are edges whatever ICR says, so false */
	bool logical;
	u32 dest; /* LAPIC_BROADCAST: all, in either mode of addressing */
};

/* Called with the device lock held.  All but eoi and event must be there. */
struct lapic_ops {
	/* An interrupt may have become deliverable: look at lapic_pending. */
	void (*notify)(void *ctx);
	/*
	 * Hand ipi to every LAPIC of the machine for which lapic_accepts(l, ipi): lapic_deliver;
	 * of LOWEST to the one of them with the lowest lapic_ppr.
	 */
	void (*send_ipi)(void *ctx, const struct ipi *ipi);
	/* NMI, SMI, INIT or SIPI for this CPU. */
	void (*event)(void *ctx, enum lapic_mode mode, u8 vector);
	/* A level-triggered vector was ended: for an IOAPIC. */
	void (*eoi)(void *ctx, u8 vector);
	/*
	 * This CPU's guest TSC now, and the bus clock's time at which it reaches a value, rounded
	 * up (~0: never).  Of values already passed the time is not used.
	 */
	u64 (*tsc)(void *ctx);
	u64 (*tsc_to_ns)(void *ctx, u64 tsc);
};

struct lapic_config {
	u32 id;
	bool bsp;
	bool x2apic, tsc_deadline; /* as the guest's CPUID says */
	u8 maxphyaddr;		   /* as the guest's CPUID says: 32..52 */
	u16 tick_ns; /* of the timer's clock; 0: 1.  Kernels rely on it not to outrun the TSC. */
};

enum lapic_lvt {
	LAPIC_LVT_TIMER,
	LAPIC_LVT_THERMAL,
	LAPIC_LVT_PERF,
	LAPIC_LVT_LINT0,
	LAPIC_LVT_LINT1,
	LAPIC_LVT_ERROR,
	LAPIC_LVT_COUNT,
};

#define LAPIC_VECTOR_WORDS 8 /* 256 bits */

struct lapic {
	struct bus *bus;
	const struct lapic_ops *ops;
	void *ctx;
	struct lapic_config config;
	struct alarm alarm;

	u64 base; /* APIC_BASE */
	u8 tpr;
	u32 ldr, dfr, svr; /* ldr as written in xAPIC mode; in x2APIC mode it follows from the ID */
	u32 isr[LAPIC_VECTOR_WORDS], tmr[LAPIC_VECTOR_WORDS], irr[LAPIC_VECTOR_WORDS];
	u32 esr, esr_new; /* as latched by the last write; collected since */
	u64 icr;	  /* as in x2APIC mode; xAPIC: destination in bits 63..56 */
	u32 lvt[LAPIC_LVT_COUNT];
	bool lint[2]; /* levels of the inputs */
	u32 timer_initial, timer_divide;
	bool timer_running; /* a count was loaded; in one-shot mode it may have reached 0 */
	u64 timer_start;    /* ns at which timer_initial was loaded */
	u64 timer_told;	    /* ns up to which expiries were delivered or lost */
	u64 tsc_deadline;   /* 0: not armed */
};

/* ops stays the caller's.  Resets. */
void lapic_init(struct lapic *l, struct bus *bus, const struct lapic_config *config,
		const struct lapic_ops *ops, void *ctx);
/* Power-on: APIC_BASE at its default, enabled, xAPIC mode; all LVTs masked. */
void lapic_reset(struct lapic *l);
/* INIT: as reset, but APIC_BASE is kept.  The vCPU's INIT calls it. */
void lapic_init_ipi(struct lapic *l);
/* What a PC's firmware leaves on the BSP: software-enabled, LINT0 ExtINT, LINT1 NMI. */
void lapic_after_firmware(struct lapic *l);

/* APIC_BASE.  Setting: false is #GP, nothing changed.  [SDM] "x2APIC State Transitions" (12.12.5)
 */
u64 lapic_base(const struct lapic *l);
bool lapic_set_base(struct lapic *l, u64 value) MUST_CHECK;
/* Not switched off in APIC_BASE: CPUID.1:EDX.APIC follows it. */
bool lapic_enabled(const struct lapic *l);
bool lapic_x2apic(const struct lapic *l);

/* In xAPIC mode, and a lies in its page. */
bool lapic_page_hit(const struct lapic *l, gpa_t a);
/* Offset in the page, size in bytes; the signatures of struct mmio_range, dev a struct lapic *. */
u64 lapic_mmio_read(void *dev, u64 offset, unsigned size);
void lapic_mmio_write(void *dev, u64 offset, unsigned size, u64 value);

/*
 * MSRs 0x800..0x8ff and TSC_DEADLINE; false is #GP (also when not in x2APIC mode).
 * [SDM] "x2APIC Register Address Space" (12.12.1.2)
 */
bool lapic_read_msr(struct lapic *l, u32 msr, u64 *value) MUST_CHECK;
bool lapic_write_msr(struct lapic *l, u32 msr, u64 value) MUST_CHECK;

/* The guest's TSC was set: a TSC deadline now comes at another time. */
void lapic_tsc_changed(struct lapic *l);

/* Task priority; CR8 is its upper four bits. */
u8 lapic_get_tpr(const struct lapic *l);
void lapic_set_tpr(struct lapic *l, u8 tpr);

/* What the CPU would take: the highest request above the processor priority, or -1. */
int lapic_highest_pending(const struct lapic *l);
/* The CPU takes vector (which lapic_highest_pending gave): it goes into service. */
void lapic_ack(struct lapic *l, u8 vector);
/* LINT0 asks as ExtINT (or the LAPIC is off, and LINT0 is INTR): take pic_ack's vector. */
bool lapic_extint(const struct lapic *l);
/* LINT0 brings NMI or INIT: events for a CPU whose interrupts are off, too. */
bool lapic_lint0_is_event(const struct lapic *l);
/* Either of the two. */
bool lapic_pending(const struct lapic *l);
u8 lapic_ppr(const struct lapic *l);

/* Is l a receiver of a message to dest; of ipi?  (A LAPIC that is switched off is none.) */
bool lapic_matches(const struct lapic *l, u32 dest, bool logical);
bool lapic_accepts(const struct lapic *l, const struct ipi *ipi);
/* A message arrives. */
void lapic_deliver(struct lapic *l, enum lapic_mode mode, u8 vector, bool level);
/* The level of an input: pin 0 is LINT0, 1 is LINT1; the signature of struct wire. */
void lapic_set_lint(void *l, unsigned pin, bool level);
struct wire lapic_wire(struct lapic *l, unsigned pin);

void lapic_save(const struct lapic *l, struct state_buf *buf);
/* After state_next_section gave DEVICE_SECTION_LAPIC, clock and TSC restored before. */
int lapic_load(struct lapic *l, struct state_buf *buf);

#endif
