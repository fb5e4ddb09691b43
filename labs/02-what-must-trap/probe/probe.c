/*
 * probe.c - see questions.h: what sensitive instructions do on this machine
 *
 * Write probe().  It executes sensitive instructions and calls question() for each thing that the
 * manuals promise, and a wrong virtual machine might break: at least six of them.  On a right
 * machine, whatever processor it has, no question may be answered by no.  A machine counts as
 * told to be wrong if one is, or if the probe does not come to its end there.
 *
 * The hypervisor has a hand in CPUID, in RDMSR and WRMSR, in MOV to control registers, XSETBV,
 * HLT and in what reaches ports: there its bugs live.  For each instruction there is a page in
 * [SDM] vol. 2 with the cases in which it faults, and what it leaves alone.  Bits that need a
 * feature want CPUID's word for it first.  Leave the machine as it was found.
 */
#include "questions.h"

/* lab: 2.6 */
#define CPUID_SVM BIT(2) /* of 8000_0001 */
#define CPUID_VMX BIT(5)
#define CPUID_XSAVE BIT(26)
#define CPUID_OSXSAVE BIT(27)
#define CPUID_SERVICES 0x40000000
#define NAME_ESPEJO 0x65707345 /* "Espe" */
#define EFER_RESERVED BIT(16)
#define PORT_PCI_ADDRESS 0xcf8
#define PATTERN 0x5a5a5a5a5a5a5a5aull

/* Does CPUID say whether CR4.OSXSAVE is set, now? */
static bool osxsave_follows(u64 cr4)
{
	x86_write_cr4(cr4);
	return !(x86_cpuid(1, 0).ecx & CPUID_OSXSAVE) == !(cr4 & CR4_OSXSAVE);
}

/* What CPUID offers can be switched on, what it does not offer cannot. */
static void ask_cpuid(u64 efer, u64 cr4)
{
	bool svm = x86_cpuid(0x80000001, 0).ecx & CPUID_SVM, vmx = x86_cpuid(1, 0).ecx & CPUID_VMX;

	question("EFER.SVME is not as CPUID offers it",
		 rt_wrmsr(MSR_EFER, efer | EFER_SVME) == svm);
	rt_wrmsr(MSR_EFER, efer);
	RT_TRY("mov %0, %%cr4", RT_OUT(), "r"(cr4 | CR4_VMXE));
	question("CR4.VMXE is not as CPUID offers it", rt_faulted() != vmx);
	if (x86_cpuid(1, 0).ecx & CPUID_XSAVE)
		question("OSXSAVE does not follow CR4",
			 osxsave_follows(cr4 | CR4_OSXSAVE) && osxsave_follows(cr4 & ~CR4_OSXSAVE));
	x86_write_cr4(cr4);
}

/* Without a hypervisor that offers services there is nobody to call; an emulator's name is none. */
static void ask_calls(void)
{
	if (x86_cpuid(CPUID_SERVICES, 0).ebx == NAME_ESPEJO)
		return;
	RT_TRY("vmcall", RT_OUT(), "a"(0));
	question("VMCALL does something", rt_vector == VECTOR_UD);
	RT_TRY("vmmcall", RT_OUT(), "a"(0));
	question("VMMCALL does something", rt_vector == VECTOR_UD);
}

static void ask_registers(u64 efer)
{
	u64 value = 5, back = 0;

	question("a reserved bit of EFER is taken", !rt_wrmsr(MSR_EFER, efer | EFER_RESERVED));
	question("long mode ends while paging is on", !rt_wrmsr(MSR_EFER, efer & ~EFER_LME));
	RT_TRY("mov %1, %%cr8\n\tmov %%cr8, %0", RT_OUT("=&r"(back)), "r"(value));
	question("CR8 does not keep 5", !rt_faulted() && back == value);
	RT_TRY("mov %0, %%cr8", RT_OUT(), "r"(16ull));
	question("a reserved bit of CR8 is taken", rt_vector == VECTOR_GP);
	RT_TRY("mov %0, %%cr8", RT_OUT(), "r"(0ull));
}

/* 32 bits clear the upper half of RAX, 8 and 16 leave all else alone. */
static void ask_ports(void)
{
	u64 rax = PATTERN;

	__asm__ volatile("inl %%dx, %%eax" : "+a"(rax) : "d"(PORT_PCI_ADDRESS));
	question("IN of 32 bits leaves the upper half alone", !(rax >> 32));
	rax = PATTERN;
	__asm__ volatile("inw %%dx, %%ax" : "+a"(rax) : "d"(PORT_PCI_ADDRESS));
	question("IN of 16 bits changes more", rax >> 16 == PATTERN >> 16);
}

void probe(void)
{
	u64 efer = x86_rdmsr(MSR_EFER);

	ask_cpuid(efer, x86_read_cr4());
	ask_calls();
	ask_registers(efer);
	ask_ports();
}
/* lab: end */
