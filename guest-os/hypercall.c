/*
 * hypercall.c - see hypercall.h
 *
 * The number goes in RAX, where the result comes back.  An instruction that belongs to the other
 * vendor's CPUs raises #UD; where Linux's KVM runs this, both are KVM's, which knows no such call.
 * Sources: hv/vm/handle.h; [SDM] vol. 2 "VMCALL", [APM] vol. 3 "VMMCALL".
 */
#include "hypercall.h"

#include "lib/string.h"
#include "trap.h"
#include "x86_ops.h"

#define CPUID_1_ECX_HYPERVISOR BIT(31)
#define CPUID_HYPERVISOR 0x40000000u
#define VERSION_MAX 0xffff /* of an interface; what KVM says of an unknown call is beyond it */

static const char hypervisor_name[] = "EspejoEspejo";
static u64 rax; /* of the instruction that is tried */

bool hypercall_present(void)
{
	struct cpuid_regs r;
	u32 word[3];

	if (!(x86_cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR))
		return false;
	r = x86_cpuid(CPUID_HYPERVISOR, 0);
	word[0] = r.ebx;
	word[1] = r.ecx;
	word[2] = r.edx;
	return !memcmp(word, hypervisor_name, sizeof(word));
}

static void vmmcall(u64 number)
{
	__asm__ volatile("vmmcall" : "=a"(rax) : "a"(number) : "memory");
}

static void vmcall(u64 number)
{
	__asm__ volatile("vmcall" : "=a"(rax) : "a"(number) : "memory");
}

static bool answers(void (*instruction)(u64 number))
{
	struct trap_frame frame;

	return !trap_try(instruction, HYPERCALL_VERSION, &frame) && rax && rax <= VERSION_MAX;
}

u64 hypercall_by_port(u64 number)
{
	u64 result;

	__asm__ volatile("outl %%eax, %2"
			 : "=a"(result)
			 : "a"(number), "N"(HYPERCALL_PORT)
			 : "memory");
	return result;
}

u64 hypercall(u64 number)
{
	static void (*const instruction[])(u64) = { vmmcall, vmcall };

	for (unsigned i = 0; i < ARRAY_SIZE(instruction); i++)
		if (answers(instruction[i])) {
			instruction[i](number);
			return rax;
		}
	return hypercall_by_port(number);
}
