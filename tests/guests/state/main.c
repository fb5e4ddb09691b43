/*
 * main.c - a machine in a state that is worth to be compared, and one instruction that says "here"
 *
 * CPU 0 fills every register that it has and most devices, and then writes to the pause port
 * (hv/dev/pauseport.h) in the handler of an NMI, so with NMIs blocked, interrupts off, and
 * interrupts waiting in both kinds of controller.  CPU 1, if there is one, is halted in 32-bit mode
 * under PAE paging.  Once it is let go on, the guest says so: registers that changed are seen then.
 *
 * With odd=1 two registers hold other values: for who compares, to see that.
 *
 * Everything that it does depends on nothing but its own instructions: no clock is read, so two
 * machines hold the same bytes.
 */
#include "state.h"

#include "lib/string.h"
#include "x86_ops.h"

#define ICR_NMI 0x4400u
#define ICR_INIT 0x4500u
#define ICR_SIPI 0x4600u
#define ICR_OTHERS 0xc0000u
#define APIC_ICR 0x300
#define APIC_ICR_HIGH 0x310
#define APIC_SVR 0xf0

extern char ap_start[], ap_end[], ap_gdt_pointer[];
extern u64 rt_pd[];
extern volatile u32 ap_arrived;
static volatile bool been_here;

static void apic(unsigned reg, u32 value)
{
	*(volatile u32 *)(APIC_DEFAULT_BASE + reg) = value;
}

/* CPU 1 has arrived; a moment later it is halted. */
static void start_other(void)
{
	char *to = (char *)(uintptr_t)(STATE_SIPI_PAGE << 12);
	u64 *pdpte = (u64 *)STATE_PDPTES;
	struct PACKED {
		u16 limit;
		u32 base;
	} gdtr = { sizeof(state_gdt) - 1, (u32)(uintptr_t)state_gdt };

	memcpy(to, ap_start, (size_t)(ap_end - ap_start));
	memcpy(to + (ap_gdt_pointer - ap_start), &gdtr, sizeof(gdtr));
	for (unsigned i = 0; i < 4; i++)
		pdpte[i] = (u64)(uintptr_t)(rt_pd + 512 * (size_t)i) | PTE_P;
	apic(APIC_SVR, 0x1ff);
	apic(APIC_ICR, ICR_OTHERS | ICR_INIT);
	apic(APIC_ICR, ICR_OTHERS | ICR_SIPI | STATE_SIPI_PAGE);
	while (!ap_arrived)
		x86_pause();
}

static bool on_trap(struct rt_frame *frame)
{
	if (frame->vector != VECTOR_NMI)
		return false;
	state_here();
	been_here = true;
	return true;
}

unsigned probe_main(void)
{
	rt_hook = on_trap;
	cpu_set_up();
	if (rt_number("cpus", 1) > 1)
		start_other();
	devices_set_up();
	devices_wait();
	if (rt_number("odd", 0)) {
		__asm__ volatile("mov %0, %%dr2" ::"r"(0x00007fffffffe223));
		x86_outb(0x70, 0x40);
		x86_outb(0x71, 0xa4);
		x86_outb(0x70, 0x7f);
	}
	apic(APIC_ICR_HIGH, 0);
	apic(APIC_ICR, ICR_NMI);
	while (!been_here)
		x86_pause();
	rt_print("state: it went on\n");
	return 0;
}
