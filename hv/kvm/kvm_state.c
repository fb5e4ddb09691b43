/*
 * kvm_state.c - between the neutral state of a vCPU and KVM's
 *
 * Owns: which request of KVM reads and writes each part, and KVM's forms of them.
 * Must not know: why somebody reads or changes state.
 *
 * What is set is only noted, and goes to KVM at the next entry, in the vCPU's own thread; until
 * then vcpu->state is the truth.  General registers and events travel in the shared page.
 *
 * Source: [KVM] "KVM_GET_SREGS2" (4.132), "KVM_GET_XSAVE" (4.43), "KVM_GET_DEBUGREGS" (4.33), "Sync
 * Regs" (5, the end of struct kvm_run); "KVM_VCPU_TSC_CTRL" (devices/vcpu.rst).
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "kvm/kvm.h"

/* ---- Segments ---- */

#define SEG_ATTR_AVL_SHIFT 8
#define SEG_ATTR_L_SHIFT 9
#define SEG_ATTR_DB_SHIFT 10
#define SEG_ATTR_G_SHIFT 11

static void segment_from(struct segment *to, const struct kvm_segment *from)
{
	unsigned attr =
	    from->type | (unsigned)from->dpl << SEG_ATTR_DPL_SHIFT |
	    (unsigned)from->avl << SEG_ATTR_AVL_SHIFT | (unsigned)from->l << SEG_ATTR_L_SHIFT |
	    (unsigned)from->db << SEG_ATTR_DB_SHIFT | (unsigned)from->g << SEG_ATTR_G_SHIFT |
	    SEG_ATTR_P | (from->s ? (unsigned)SEG_ATTR_S : 0);

	to->selector = from->selector;
	to->attr = from->present && !from->unusable ? (u16)attr : 0;
	to->limit = from->limit;
	to->base = from->base;
}

static void segment_to(struct kvm_segment *to, const struct segment *from)
{
	*to = (struct kvm_segment){
		.base = from->base,
		.limit = from->limit,
		.selector = from->selector,
		.type = from->attr & SEG_ATTR_TYPE,
		.present = !!(from->attr & SEG_ATTR_P),
		.dpl = (from->attr & SEG_ATTR_DPL) >> SEG_ATTR_DPL_SHIFT,
		.db = !!(from->attr & SEG_ATTR_DB),
		.s = !!(from->attr & SEG_ATTR_S),
		.l = !!(from->attr & SEG_ATTR_L),
		.g = !!(from->attr & SEG_ATTR_G),
		.avl = !!(from->attr & SEG_ATTR_AVL),
		.unusable = !(from->attr & SEG_ATTR_P),
	};
}

static void table_from(struct table_register *to, const struct kvm_dtable *from)
{
	*to = (struct table_register){ .base = from->base, .limit = from->limit };
}

static void table_to(struct kvm_dtable *to, const struct table_register *from)
{
	*to = (struct kvm_dtable){ .base = from->base, .limit = from->limit };
}

/* ---- What KVM refuses: no CPU has that state, wherever it came from ---- */

static void refuse(struct kvm_vcpu *k, const char *what, u32 number)
{
	k->refused = true;
	vm_end(k->vcpu.vm, VM_DEAD, "KVM refuses the state of vCPU %u: %s %#x", k->vcpu.index, what,
	       number);
}

#define set(k, request, argument) set_named(k, request, #request, argument)

/* What ioctl returns. */
static int set_named(struct kvm_vcpu *k, unsigned long request, const char *name, void *argument)
{
	int result = ioctl(k->fd - 1, request, argument);

	if (result < 0)
		refuse(k, name, (u32)errno);
	return result;
}

/* ---- Special registers ---- */

/* The CPL of KVM's is the DPL of SS, on both vendors. */
static void exec_from(struct cpu_state *to, const struct kvm_sregs2 *from)
{
	to->cr0 = from->cr0;
	to->cr3 = from->cr3;
	to->cr4 = from->cr4;
	to->efer = from->efer;
	to->cpl = from->ss.dpl;
	segment_from(&to->seg[SEG_CS], &from->cs);
}

/* KVM refuses a long-mode CS outside of long mode, where L means nothing. */
static void exec_to(struct kvm_sregs2 *to, const struct cpu_state *from)
{
	to->cr0 = from->cr0;
	to->cr3 = from->cr3;
	to->cr4 = from->cr4;
	to->efer = from->efer;
	segment_to(&to->cs, &from->seg[SEG_CS]);
	if (!(from->efer & EFER_LMA))
		to->cs.l = 0;
	to->ss.dpl = from->cpl;
}

static void segments_from(struct cpu_state *to, const struct kvm_sregs2 *from)
{
	segment_from(&to->seg[SEG_ES], &from->es);
	segment_from(&to->seg[SEG_SS], &from->ss);
	segment_from(&to->seg[SEG_DS], &from->ds);
	segment_from(&to->seg[SEG_FS], &from->fs);
	segment_from(&to->seg[SEG_GS], &from->gs);
	segment_from(&to->ldtr, &from->ldt);
	segment_from(&to->tr, &from->tr);
	table_from(&to->gdtr, &from->gdt);
	table_from(&to->idtr, &from->idt);
}

static void segments_to(struct kvm_sregs2 *to, const struct cpu_state *from)
{
	u8 cpl = to->ss.dpl;

	segment_to(&to->es, &from->seg[SEG_ES]);
	segment_to(&to->ss, &from->seg[SEG_SS]);
	segment_to(&to->ds, &from->seg[SEG_DS]);
	segment_to(&to->fs, &from->seg[SEG_FS]);
	segment_to(&to->gs, &from->seg[SEG_GS]);
	segment_to(&to->ldt, &from->ldtr);
	segment_to(&to->tr, &from->tr);
	table_to(&to->gdt, &from->gdtr);
	table_to(&to->idt, &from->idtr);
	to->ss.dpl = cpl;
}

void kvm_state_from_sregs(struct cpu_state *to, const struct kvm_sregs2 *from, unsigned parts)
{
	bool pdptes = from->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;

	if (parts & STATE_EXEC)
		exec_from(to, from);
	if (parts & STATE_SEG)
		segments_from(to, from);
	if (parts & STATE_CR2)
		to->cr2 = from->cr2;
	for (unsigned i = 0; i < ARRAY_SIZE(to->pdpte) && (parts & STATE_PDPTE); i++)
		to->pdpte[i] = pdptes ? from->pdptrs[i] : 0;
}

/* PDPTEs are there in PAE paging only; KVM reads those that it is not given from memory. */
void kvm_state_to_sregs(struct kvm_sregs2 *to, const struct cpu_state *from, unsigned parts)
{
	if (parts & STATE_EXEC)
		exec_to(to, from);
	if (parts & STATE_SEG)
		segments_to(to, from);
	if (parts & STATE_CR2)
		to->cr2 = from->cr2;
	if (!(parts & STATE_PDPTE)) {
		if (parts & STATE_EXEC)
			to->flags &= ~(u64)KVM_SREGS2_FLAGS_PDPTRS_VALID;
		return;
	}
	to->flags &= ~(u64)KVM_SREGS2_FLAGS_PDPTRS_VALID;
	if ((to->cr0 & CR0_PG) && (to->cr4 & CR4_PAE) && !(to->efer & EFER_LMA))
		to->flags |= KVM_SREGS2_FLAGS_PDPTRS_VALID;
	for (unsigned i = 0; i < ARRAY_SIZE(from->pdpte); i++)
		to->pdptrs[i] = from->pdpte[i];
}

#define STATE_SREGS (STATE_EXEC | STATE_SEG | STATE_CR2 | STATE_PDPTE)

static void get_sregs(struct kvm_vcpu *k, unsigned parts)
{
	struct kvm_sregs2 sregs = { 0 };

	kvm_must(k->fd - 1, KVM_GET_SREGS2, &sregs);
	kvm_state_from_sregs(&k->vcpu.state, &sregs, parts);
}

static void push_sregs(struct kvm_vcpu *k, unsigned parts)
{
	struct kvm_sregs2 sregs = { 0 };

	kvm_must(k->fd - 1, KVM_GET_SREGS2, &sregs);
	kvm_state_to_sregs(&sregs, &k->vcpu.state, parts);
	sregs.apic_base = lapic_base(&k->vcpu.lapic);
	set(k, KVM_SET_SREGS2, &sregs);
	k->apic_base = sregs.apic_base;
}

/* ---- General registers ---- */

/* clang-format off */
#define GENERAL_REGISTERS(X)                                        \
	X(RAX, rax) X(RCX, rcx) X(RDX, rdx) X(RBX, rbx)             \
	X(RSP, rsp) X(RBP, rbp) X(RSI, rsi) X(RDI, rdi)             \
	X(R8, r8) X(R9, r9) X(R10, r10) X(R11, r11)                 \
	X(R12, r12) X(R13, r13) X(R14, r14) X(R15, r15)
/* clang-format on */

void kvm_state_from_regs(struct gpregs *to, const struct kvm_regs *from)
{
#define X(ours, kvms) to->r[REG_##ours] = from->kvms;
	GENERAL_REGISTERS(X)
#undef X
	to->rip = from->rip;
	to->rflags = from->rflags;
}

void kvm_state_to_regs(struct kvm_regs *to, const struct gpregs *from)
{
#define X(ours, kvms) to->kvms = from->r[REG_##ours];
	GENERAL_REGISTERS(X)
#undef X
	to->rip = from->rip;
	to->rflags = from->rflags;
}

/* ---- Debug registers ---- */

static void get_debug(const struct kvm_vcpu *k, u64 dr[8])
{
	struct kvm_debugregs regs = { 0 };

	kvm_must(k->fd - 1, KVM_GET_DEBUGREGS, &regs);
	for (unsigned i = 0; i < ARRAY_SIZE(regs.db); i++)
		dr[i] = regs.db[i];
	dr[6] = regs.dr6;
	dr[7] = regs.dr7;
}

static void push_debug(struct kvm_vcpu *k)
{
	const u64 *dr = k->vcpu.state.dr;
	struct kvm_debugregs regs = { .dr6 = dr[6], .dr7 = dr[7] };

	for (unsigned i = 0; i < ARRAY_SIZE(regs.db); i++)
		regs.db[i] = dr[i];
	set(k, KVM_SET_DEBUGREGS, &regs);
}

/*
 * To know DR7 takes a system call, 1,700 instructions at every exit of a port; and what KVM's own
 * decoder accesses is not compared anyway.  So breakpoints on ports and on device memory are
 * none here.
 */
bool kvm_breakpoints(const struct vcpu *v UNUSED)
{
	return false;
}

/* ---- MSRs ---- */

#define FIELD(name) offsetof(struct cpu_state, name)

/* TSC_AUX last: not every machine has it.  The others of STATE_MSR vm/msr.c keeps alone. */
static const struct {
	u32 index;
	size_t field;
} msrs[] = {
	{ MSR_STAR, FIELD(star) },
	{ MSR_LSTAR, FIELD(lstar) },
	{ MSR_CSTAR, FIELD(cstar) },
	{ MSR_SFMASK, FIELD(sfmask) },
	{ MSR_KERNEL_GS_BASE, FIELD(kernel_gs_base) },
	{ MSR_SYSENTER_CS, FIELD(sysenter_cs) },
	{ MSR_SYSENTER_ESP, FIELD(sysenter_esp) },
	{ MSR_SYSENTER_EIP, FIELD(sysenter_eip) },
	{ MSR_PAT, FIELD(pat) },
	{ MSR_TSC_AUX, FIELD(tsc_aux) },
};

union msr_list {
	struct kvm_msrs head; /* with its entries behind it */
	u8 bytes[sizeof(struct kvm_msrs) + ARRAY_SIZE(msrs) * sizeof(struct kvm_msr_entry)];
};

_Static_assert(ARRAY_SIZE(msrs) == KVM_MSRS, "as kvm.h has it");

static unsigned msr_count(void)
{
	return ARRAY_SIZE(msrs) - !kvm_features.tsc_aux;
}

static u64 *field_of(struct vcpu *v, unsigned i)
{
	return (u64 *)(void *)((char *)&v->state + msrs[i].field);
}

/* The request returns how many it did. */
static void get_msrs(struct kvm_vcpu *k)
{
	union msr_list list = { .bytes = { 0 } };
	unsigned count = msr_count();

	list.head.nmsrs = count;
	for (unsigned i = 0; i < count; i++)
		list.head.entries[i].index = msrs[i].index;
	check(kvm_must(k->fd - 1, KVM_GET_MSRS, &list) == (int)count);
	for (unsigned i = 0; i < count; i++)
		k->msr_read[i] = *field_of(&k->vcpu, i) = list.head.entries[i].data;
	k->msrs_read = true;
}

/*
 * Only those that are not what KVM said of them: of SYSENTER_ESP and _EIP it says the lower half to
 * a guest of AMD's, and what it is told would take the place of what it has (docs/found.md).
 */
static void push_msrs(struct kvm_vcpu *k)
{
	union msr_list list = { .bytes = { 0 } };
	int count = 0, done;

	for (unsigned i = 0; i < msr_count(); i++) {
		u64 value = *field_of(&k->vcpu, i);

		if (k->msrs_read && value == k->msr_read[i])
			continue;
		list.head.entries[count].index = msrs[i].index;
		list.head.entries[count++].data = value;
	}
	list.head.nmsrs = (u32)count;
	done = set(k, KVM_SET_MSRS, &list);
	if (done >= 0 && done < count)
		refuse(k, "MSR", list.head.entries[done].index);
}

/*
 * The offset of virt.h is the one that KVM adds.  Where it takes none, the TSC is written, which is
 * a little later when it is read.
 */
static void push_tsc(struct kvm_vcpu *k)
{
	u64 offset = k->vcpu.state.tsc_offset;
	struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL,
					.attr = KVM_VCPU_TSC_OFFSET,
					.addr = (uintptr_t)&offset };
	union msr_list list = { .bytes = { 0 } };

	if (kvm_features.tsc_offset) {
		set(k, KVM_SET_DEVICE_ATTR, &attr);
		return;
	}
	list.head.nmsrs = 1;
	list.head.entries[0].index = MSR_TSC;
	list.head.entries[0].data = host_tsc() + offset;
	set(k, KVM_SET_MSRS, &list);
}

/* ---- FPU and vectors: KVM's form is that of XSAVE ---- */

#define XSAVE_MXCSR 24
#define XSAVE_MXCSR_MASK 28
#define MXCSR_MASK_DEFAULT 0xffbfu /* [SDM] vol. 1 "Guidelines for Writing to the MXCSR" (11.6.6)  \
				    */
#define XSAVE_HEADER 512
#define XSAVE_HEADER_SIZE 64

static struct kvm_xcr *find_xcr0(struct kvm_xcrs *xcrs)
{
	for (unsigned i = 0; i < xcrs->nr_xcrs; i++)
		if (xcrs->xcrs[i].xcr == 0)
			return &xcrs->xcrs[i];
	return NULL;
}

static void get_xsave(struct kvm_vcpu *k)
{
	struct kvm_xcrs xcrs = { 0 };
	const struct kvm_xcr *xcr0;

	if (kvm_features.xsave2)
		kvm_must(k->fd - 1, KVM_GET_XSAVE2, k->vcpu.xsave);
	else
		kvm_must(k->fd - 1, KVM_GET_XSAVE, k->vcpu.xsave);
	kvm_must(k->fd - 1, KVM_GET_XCRS, &xcrs);
	xcr0 = find_xcr0(&xcrs);
	if (xcr0) /* else the machine has no XSAVE */
		k->vcpu.state.xcr0 = xcr0->value;
}

/* What MXCSR can hold on this CPU. */
static u32 mxcsr_mask(void)
{
	u8 area[XSAVE_HEADER] ALIGNED(16);
	u32 mask;

	__asm__ volatile("fxsave64 %0" : "=m"(area));
	memcpy(&mask, area + XSAVE_MXCSR_MASK, sizeof(mask));
	return mask ? mask : MXCSR_MASK_DEFAULT;
}

/* An area may come from a file: what KVM would refuse is cleared. */
static void push_xsave(struct kvm_vcpu *k)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs[0].value = k->vcpu.state.xcr0 };
	u64 *header = (u64 *)k->vcpu.xsave + XSAVE_HEADER / sizeof(u64);
	struct cpuid_regs offered = kvm_cpuid(0xd, 0);
	u64 supported = (u64)offered.edx << 32 | offered.eax;

	if (supported)
		set(k, KVM_SET_XCRS, &xcrs);
	((u32 *)k->vcpu.xsave)[XSAVE_MXCSR / sizeof(u32)] &= mxcsr_mask();
	header[0] &= supported | XCR0_X87 | XCR0_SSE;
	memset(header + 1, 0, XSAVE_HEADER_SIZE - sizeof(u64));
	set(k, KVM_SET_XSAVE, k->vcpu.xsave);
}

/* ---- Interruptibility: in the shared page, true after every exit ---- */

static void get_interruptibility(struct kvm_vcpu *k)
{
	const struct kvm_vcpu_events *events = &k->run->s.regs.events;
	struct cpu_state *state = &k->vcpu.state;

	state->shadow = 0;
	if (events->interrupt.shadow & KVM_X86_SHADOW_INT_STI)
		state->shadow |= SHADOW_STI;
	if (events->interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS)
		state->shadow |= SHADOW_MOV_SS;
	state->nmi_blocked = events->nmi.masked;
}

static void push_interruptibility(struct kvm_vcpu *k)
{
	struct kvm_vcpu_events *events = &k->run->s.regs.events;
	const struct cpu_state *state = &k->vcpu.state;

	events->interrupt.shadow = 0;
	if (state->shadow & SHADOW_STI)
		events->interrupt.shadow |= KVM_X86_SHADOW_INT_STI;
	if (state->shadow & SHADOW_MOV_SS)
		events->interrupt.shadow |= KVM_X86_SHADOW_INT_MOV_SS;
	events->nmi.masked = state->nmi_blocked;
	k->events = true;
}

/* ---- All parts ---- */

void kvm_get_state(struct vcpu *v, unsigned parts)
{
	struct kvm_vcpu *k = kvm_vcpu(v);

	parts &= ~k->dirty;
	if (parts & STATE_SREGS)
		get_sregs(k, parts);
	if (parts & STATE_DR)
		get_debug(k, v->state.dr);
	if (parts & STATE_MSR)
		get_msrs(k);
	if (parts & STATE_XSAVE)
		get_xsave(k);
	if (parts & STATE_INT)
		get_interruptibility(k);
	/* STATE_TSC: nobody changes it but we. */
}

void kvm_set_state(struct vcpu *v, unsigned parts)
{
	struct kvm_vcpu *k = kvm_vcpu(v);

	k->dirty |= parts;
	if (parts == STATE_ALL)
		k->msrs_read = false; /* another state, even where it looks the same */
	if (parts & STATE_INT)
		kvm_events_drop(k);
}

bool kvm_state_push(struct kvm_vcpu *k)
{
	u32 parts = k->dirty;

	k->dirty = 0;
	k->refused = false;
	if ((parts & STATE_SREGS) || lapic_base(&k->vcpu.lapic) != k->apic_base)
		push_sregs(k, parts);
	if (parts & STATE_DR)
		push_debug(k);
	if (parts & STATE_MSR)
		push_msrs(k);
	if (parts & STATE_XSAVE)
		push_xsave(k);
	if (parts & STATE_INT)
		push_interruptibility(k);
	if (parts & STATE_TSC)
		push_tsc(k);
	return !k->refused;
}
