/*
 * kvm_cpuid.c - what KVM can show a guest, and what this guest's CPUs show
 *
 * Owns: KVM's table of supported leaves, and a VM's table in KVM's form.
 * Must not know: which features a guest gets (vm/cpuid_rules.c).
 *
 * CPUID does not exit: KVM answers it from a table that is given once.  What depends on CR4, XCR0
 * and APIC_BASE it fills in itself.
 *
 * Source: [KVM] "KVM_GET_SUPPORTED_CPUID" (4.46), "KVM_SET_CPUID2" (4.21).
 */
#include <stdlib.h>
#include <sys/ioctl.h>

#include "kvm/kvm.h"

#define SUPPORTED_MAX 256
#define CPUID_HYPERVISOR 0x40000000u
#define TCG_NAME 0x54474354u /* "TCGT", "CGTC", "GTCG" */
#define TCG_NAME2 0x43544743u
#define TCG_NAME3 0x47435447u
#define LEAF1_ECX_FMA BIT(12)
#define LEAF1_ECX_XSAVE BIT(26)
#define LEAF1_ECX_OSXSAVE BIT(27)
#define LEAF1_ECX_AVX BIT(28)
#define LEAF1_ECX_F16C BIT(29)
/* AVX2, AVX-512; PKU, VAES, VPCLMULQDQ, AVX-512. */
#define LEAF7_EBX_AVX \
	(BIT(5) | BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31))
#define LEAF7_ECX_AVX (BIT(1) | BIT(3) | BIT(6) | BITS(12, 8) | BIT(14))
#define EXT1_ECX_XOP BIT(11)
#define EXT1_ECX_FMA4 BIT(16)
#define CPUID_1_EBX_APIC_ID_SHIFT 24

static struct kvm_cpuid2 *supported;

bool kvm_cpuid_read(int fd)
{
	if (!supported)
		supported =
		    calloc(1, sizeof(*supported) + SUPPORTED_MAX * sizeof(struct kvm_cpuid_entry2));
	if (!supported)
		return false;
	supported->nent = SUPPORTED_MAX;
	return ioctl(fd, KVM_GET_SUPPORTED_CPUID, supported) == 0;
}

/* KVM leaves them out, as they promise nothing: the processor's name, its first-level caches. */
static bool is_description(u32 leaf)
{
	return leaf >= CPUID_EXTENDED + 2 && leaf <= CPUID_EXTENDED + 5;
}

static struct cpuid_regs supported_leaf(u32 leaf, u32 subleaf)
{
	for (unsigned i = 0; i < supported->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &supported->entries[i];
		bool indexed = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX;

		if (e->function == leaf && (!indexed || e->index == subleaf))
			return (struct cpuid_regs){ e->eax, e->ebx, e->ecx, e->edx };
	}
	return (struct cpuid_regs){ 0 };
}

/*
 * QEMU's emulated AMD-V (7.2) lets XSETBV pass, whatever is intercepted.  KVM then never learns of
 * the guest's XCR0, and loads the old one at the next entry: state would not be saved.  So a guest
 * there has no XSAVE, nor what stands on it.
 */
static bool loses_xcr0(void)
{
	struct cpuid_regs r = host_cpuid(CPUID_HYPERVISOR, 0);

	return r.ebx == TCG_NAME && r.ecx == TCG_NAME2 && r.edx == TCG_NAME3;
}

static void hide_xsave(u32 leaf, u32 subleaf, struct cpuid_regs *r)
{
	switch (leaf) {
	case 0x1:
		r->ecx &= ~(u32)(LEAF1_ECX_FMA | LEAF1_ECX_XSAVE | LEAF1_ECX_OSXSAVE |
				 LEAF1_ECX_AVX | LEAF1_ECX_F16C);
		break;
	case 0x7:
		r->ebx &= subleaf ? 0 : ~(u32)LEAF7_EBX_AVX;
		r->ecx &= subleaf ? 0 : ~(u32)LEAF7_ECX_AVX;
		r->eax = r->edx = 0;
		break;
	case 0xd:
		*r = (struct cpuid_regs){ 0 };
		break;
	case CPUID_EXTENDED + 1:
		r->ecx &= ~(u32)(EXT1_ECX_XOP | EXT1_ECX_FMA4);
		break;
	}
}

struct cpuid_regs kvm_cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r;

	if (is_description(leaf))
		return host_cpuid(leaf, subleaf);
	r = supported_leaf(leaf, subleaf);
	if (loses_xcr0())
		hide_xsave(leaf, subleaf, &r);
	return r;
}

/* As cpuid_get has it, for a CPU of which nothing else is known yet. */
static struct cpuid_regs identify(const struct vcpu *v, const struct cpuid_leaf *leaf)
{
	struct cpuid_regs r = leaf->regs;
	u32 id = v->lapic.config.id;

	switch (leaf->leaf) {
	case 0x1:
		r.ebx |= id << CPUID_1_EBX_APIC_ID_SHIFT;
		break;
	case 0xb:
	case 0x1f:
		r.edx = id;
		break;
	case 0x8000001e:
		r.eax = id;
		r.ebx = v->index;
		break;
	}
	return r;
}

void kvm_cpuid_fill(const struct vcpu *v, struct kvm_cpuid2 *to)
{
	const struct cpuid_table *t = &v->vm->cpuid;

	to->nent = t->count;
	for (unsigned i = 0; i < t->count; i++) {
		const struct cpuid_leaf *leaf = &t->leaf[i];
		struct cpuid_regs r = identify(v, leaf);

		to->entries[i] = (struct kvm_cpuid_entry2){
			.function = leaf->leaf,
			.index = leaf->subleaf,
			.flags = leaf->flags & CPUID_EXACT ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
			.eax = r.eax,
			.ebx = r.ebx,
			.ecx = r.ecx,
			.edx = r.edx,
		};
	}
}
