/*
 * vmx_mask.c - does the CPU let our interrupts through while a guest has its own off?
 *
 * Owns: one trial at start, by a guest of one instruction.
 * Must not know: vCPUs.
 *
 * With external-interrupt exiting the guest's RFLAGS.IF does not matter, says the manual. Bochs 2.7
 * takes the mask from that flag all the same when it enters a guest, so a guest that spins with
 * interrupts off would keep the CPU for ever: then the host kicks by NMI (virt.h, kick_needs_nmi).
 *
 * Sources: [SDM] "External-Interrupt Exiting" in "Pin-Based VM-Execution Controls" (25.6.1),
 * "Checks on the Guest State Area" (27.3.1).
 */
#include "intel/vmx.h"

#include "vm/msr.h"
#include "x86_ops.h"

#define CS_64BIT (0xb | SEG_ATTR_S | SEG_ATTR_P | ACCESS_RIGHTS_L | ACCESS_RIGHTS_G)
#define TSS_BUSY (0xb | SEG_ATTR_P)
#define TSS_LIMIT 103

static bool masked_by_guest;

/* A guest that shares our address space; all segments but CS and TR are unusable. */
static void write_guest(void)
{
	const struct field_value fields[] = {
		{ VMCS_GUEST_CR0, x86_read_cr0() },
		{ VMCS_GUEST_CR3, x86_read_cr3() },
		{ VMCS_GUEST_CR4, x86_read_cr4() },
		{ VMCS_GUEST_EFER, x86_rdmsr(MSR_EFER) },
		{ VMCS_GUEST_PAT, x86_rdmsr(MSR_PAT) },
		{ VMCS_GUEST_DR7, DR7_FIXED },
		{ VMCS_GUEST_RFLAGS, RFLAGS_ONE }, /* interrupts off */
		{ VMCS_LINK_POINTER, VMCS_NO_LINK },
		{ VMCS_GUEST_CS_SELECTOR, vmread(VMCS_HOST_CS_SELECTOR) },
		{ VMCS_GUEST_TR_SELECTOR, vmread(VMCS_HOST_TR_SELECTOR) },
		{ VMCS_GUEST_TR_BASE, vmread(VMCS_HOST_TR_BASE) },
		{ VMCS_GUEST_CS_LIMIT, ~0u },
		{ VMCS_GUEST_TR_LIMIT, TSS_LIMIT },
		{ VMCS_GUEST_CS_ACCESS_RIGHTS, CS_64BIT },
		{ VMCS_GUEST_TR_ACCESS_RIGHTS, TSS_BUSY },
	};
	static const enum vmcs_field unusable[] = {
		VMCS_GUEST_ES_ACCESS_RIGHTS, VMCS_GUEST_SS_ACCESS_RIGHTS,
		VMCS_GUEST_DS_ACCESS_RIGHTS, VMCS_GUEST_FS_ACCESS_RIGHTS,
		VMCS_GUEST_GS_ACCESS_RIGHTS, VMCS_GUEST_LDTR_ACCESS_RIGHTS,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		vmwrite(fields[i].field, fields[i].value);
	for (unsigned i = 0; i < ARRAY_SIZE(unusable); i++)
		vmwrite(unusable[i], ACCESS_RIGHTS_UNUSABLE);
}

/* What the guest does not need is 0, whatever a fresh VMCS holds: fields that a CPU lacks, too. */
static void write_zeros(void)
{
	for (unsigned slot = 0; slot < VMCS_SLOT_COUNT; slot++)
		vmx_try_write(vmx_slot_field(slot), 0);
}

static void write_controls(void)
{
	const struct vmx_machine *m = &vmx_machine;

	vmwrite(VMCS_PIN_BASED_CONTROLS, m->pin);
	vmwrite(VMCS_PRIMARY_CONTROLS, vmx_adjust(0, m->caps.primary));
	vmwrite(VMCS_EXIT_CONTROLS, m->exit);
	vmwrite(VMCS_ENTRY_CONTROLS, m->entry | ENTRY_CTL_IA32E_GUEST);
}

/*
 * The basic reason of the exit; ~0: the entry failed.  The guest executes RDMSR if told
 * so, and VMCALL.
 */
static u32 enter(bool rdmsr)
{
	bool entered;
	u32 high;

	__asm__ volatile("vmwrite %%rsp, %[host_rsp]\n\t"
			 "leaq 2f(%%rip), %%rax\n\t"
			 "vmwrite %%rax, %[host_rip]\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "vmwrite %%rax, %[guest_rip]\n\t"
			 "vmlaunch\n\t"
			 "movl $0, %%eax\n\t"
			 "jmp 3f\n"
			 "1:\ttestl %%edx, %%edx\n\t"
			 "jz 4f\n\t"
			 "rdmsr\n"
			 "4:\tvmcall\n"
			 "2:\tmovl $1, %%eax\n"
			 "3:"
			 : "=&a"(entered), "=d"(high)
			 : [host_rsp] "r"((u64)VMCS_HOST_RSP), [host_rip] "r"((u64)VMCS_HOST_RIP),
			   [guest_rip] "r"((u64)VMCS_GUEST_RIP),
			   "c"(MSR_NOBODYS), "1"((u32)rdmsr)
			 : "cc", "memory");
	(void)high;
	return entered ? (u32)vmread(VMCS_EXIT_REASON) : ~0u;
}

/*
 * Does RDMSR of a register that nobody has raise #GP, as it should?  The guest tries it, since a
 * fault of ours would be the end.
 */
static int probe_msrs(void)
{
	struct msr_machine machine = { 0 };
	u8 *bitmap = host_alloc_pages(0);
	u64 primary = vmread(VMCS_PRIMARY_CONTROLS);

	if (!bitmap)
		return -HOST_ENOMEM;
	vmwrite(VMCS_MSR_BITMAP, host_hpa(bitmap).v);
	vmwrite(VMCS_PRIMARY_CONTROLS, primary | PRIMARY_MSR_BITMAPS);
	vmwrite(VMCS_EXCEPTION_BITMAP, ~0u);
	machine.ignores = enter(true) == VMX_EXIT_VMCALL;
	if (machine.ignores) {
		machine.misc_enable = x86_rdmsr(MSR_MISC_ENABLE);
		machine.perf_status = x86_rdmsr(MSR_PERF_STATUS);
		machine.mcg_cap = x86_rdmsr(MSR_MCG_CAP);
	}
	msr_set_machine(&machine);
	host_free_pages(bitmap, 0);
	return 0;
}

int vmx_mask_probe(void)
{
	struct vmcs_region *region = host_alloc_pages(0);
	struct vmx_host host = { .known = false };
	u32 reason;
	int error;

	if (!region)
		return -HOST_ENOMEM;
	region->revision = vmx_machine.caps.basic & VMX_BASIC_REVISION;
	check(vmx_clear(host_hpa(region)) && vmx_load_pointer(host_hpa(region)));
	vmx_find_fields();
	write_zeros();
	vmx_write_host_state(NULL, &host);
	write_guest();
	write_controls();
	if (host_pend_interrupt()) {
		reason = enter(false);
		check(reason == VMX_EXIT_VMCALL || reason == VMX_EXIT_EXTERNAL_INTERRUPT);
		masked_by_guest = reason == VMX_EXIT_VMCALL;
		host_take_interrupts();
	}
	check(vmx_clear(host_hpa(region)) && vmx_load_pointer(host_hpa(region)));
	error = probe_msrs();
	check(vmx_clear(host_hpa(region)));
	host_free_pages(region, 0);
	return error;
}

bool vmx_kick_needs_nmi(void)
{
	return masked_by_guest;
}
