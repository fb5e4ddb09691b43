/*
 * vmx_load.c - a VMCS and the CPU that it is bound to
 *
 * Owns: which VMCS is current on a CPU, host-state fields, load and unload, looking at a VMCS.
 * Must not know: what the fields mean to a guest (vmx_state.c), entries (vmx_vcpu.c).
 *
 * Sources: [SDM] "Software Use of the VMCS and Related Structures" (25.11), "Host-State Area"
 * (25.5), "Loading Host State" (28.5).
 */
#include "intel/vmx.h"

#include "x86_ops.h"

/* Whose VMCS is current on each CPU. */
static struct intel_vcpu *current[HOST_MAX_CPUS];

/* ---- Host state -------------------------------------------------------------- */

struct PACKED table_pointer {
	u16 limit;
	u64 base;
};
ASSERT_SIZE(struct table_pointer, 10);

/* A 64-bit TSS descriptor. [SDM] "TSS Descriptor in 64-bit Mode" (8.2.3), figure 8-4 */
static u64 tss_base(const u8 *gdt, u16 selector)
{
	const u64 *d = (const u64 *)(const void *)(gdt + selector);

	return (d[0] >> 16 & 0xffffff) | (d[0] >> 32 & 0xff000000) | d[1] << 32;
}

#define READ_SELECTOR(name)                                             \
	static u16 read_##name(void)                                    \
	{                                                               \
		u16 selector;                                           \
		__asm__ volatile("mov %%" #name ", %0" : "=r"(selector)); \
		return selector & ~7; /* VM entry wants RPL and TI 0 */ \
	}
READ_SELECTOR(es)
READ_SELECTOR(cs)
READ_SELECTOR(ss)
READ_SELECTOR(ds)
READ_SELECTOR(fs)
READ_SELECTOR(gs)
#undef READ_SELECTOR

bool vmx_write_host_state(struct intel_vcpu *iv, struct vmx_host *host)
{
	struct table_pointer gdt, idt;
	u16 tr;

	__asm__ volatile("sgdt %0" : "=m"(gdt));
	__asm__ volatile("sidt %0" : "=m"(idt));
	__asm__ volatile("str %0" : "=r"(tr));
	const struct field_value fields[] = {
		{ VMCS_HOST_CR0, x86_read_cr0() },
		{ VMCS_HOST_CR3, x86_read_cr3() },
		{ VMCS_HOST_CR4, x86_read_cr4() },
		{ VMCS_HOST_ES_SELECTOR, read_es() },
		{ VMCS_HOST_CS_SELECTOR, read_cs() },
		{ VMCS_HOST_SS_SELECTOR, read_ss() },
		{ VMCS_HOST_DS_SELECTOR, read_ds() },
		{ VMCS_HOST_FS_SELECTOR, read_fs() },
		{ VMCS_HOST_GS_SELECTOR, read_gs() },
		{ VMCS_HOST_TR_SELECTOR, tr },
		{ VMCS_HOST_FS_BASE, x86_rdmsr(MSR_FS_BASE) },
		{ VMCS_HOST_GS_BASE, x86_rdmsr(MSR_GS_BASE) },
		{ VMCS_HOST_TR_BASE, tss_base((const u8 *)gdt.base, tr) },
		{ VMCS_HOST_GDTR_BASE, gdt.base },
		{ VMCS_HOST_IDTR_BASE, idt.base },
		{ VMCS_HOST_SYSENTER_CS, x86_rdmsr(MSR_SYSENTER_CS) },
		{ VMCS_HOST_SYSENTER_ESP, x86_rdmsr(MSR_SYSENTER_ESP) },
		{ VMCS_HOST_SYSENTER_EIP, x86_rdmsr(MSR_SYSENTER_EIP) },
		{ VMCS_HOST_PAT, x86_rdmsr(MSR_PAT) },
		{ VMCS_HOST_EFER, x86_rdmsr(MSR_EFER) },
		{ VMCS_HOST_RSP, (u64)iv },
		{ VMCS_HOST_RIP, (u64)vmx_exit_point },
	};
	_Static_assert(ARRAY_SIZE(fields) == VMX_HOST_FIELDS, "the size of struct vmx_host");
	bool changed = false;

	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		if (likely(host->known && host->value[i] == fields[i].value))
			continue;
		vmwrite(fields[i].field, fields[i].value);
		host->value[i] = fields[i].value;
		changed = true;
	}
	host->known = true;
	return changed;
}

/* ---- Binding to a CPU -------------------------------------------------------- */

static void make_current(struct intel_vcpu *iv)
{
	if (!vmx_load_pointer(host_hpa(iv->region)))
		panic("VMPTRLD of %#llx failed", (unsigned long long)host_hpa(iv->region).v);
}

/* To memory, launch state clear, so that any CPU may take it.  [SDM] "VMCLEAR" (31.3) */
static void clear(struct intel_vcpu *iv)
{
	if (!vmx_clear(host_hpa(iv->region)))
		panic("VMCLEAR of %#llx failed", (unsigned long long)host_hpa(iv->region).v);
	iv->todo = (iv->todo & ~VMX_TODO_RESUME) | VMX_TODO_LAUNCH;
}

void vmx_reload(struct intel_vcpu *iv)
{
	clear(iv);
	make_current(iv);
}

/*
 * The VMCS keeps its fields while it is not loaded: only those are written, and looked at by the
 * rules, that were changed meanwhile.  What has no field goes into the CPU.
 */
void vmx_load(struct vcpu *v)
{
	struct intel_vcpu *iv = vmx_vcpu(v);
	unsigned cpu = host_cpu();
	u32 set = iv->set;

	check(iv->loaded_on < 0 && !current[cpu]);
	if (!iv->made)
		clear(iv);
	make_current(iv);
	current[cpu] = iv;
	iv->loaded_on = (int)cpu;
	if (!iv->made)
		vmx_vcpu_make(iv);
	if (vmx_write_host_state(iv, &iv->host))
		vmx_changed(iv, VMX_GROUP_HOST);
	vmwrite(VMCS_PRIMARY_CONTROLS, iv->primary);
	/* What this CPU remembers of the guest's memory may be from long ago. */
	if (iv->cpu != (int)cpu)
		iv->todo |= VMX_TODO_FLUSH;
	iv->cpu = (int)cpu;
	iv->set = 0;
	if (set)
		vmx_set_state(v, set);
	vmx_load_registers(v);
	iv->seen_rsp = vmread(VMCS_GUEST_RSP);
	iv->seen_rflags = vmread(VMCS_GUEST_RFLAGS);
}

void vmx_unload(struct vcpu *v)
{
	struct intel_vcpu *iv = vmx_vcpu(v);

	check(iv->loaded_on == (int)host_cpu());
	vcpu_state(v, STATE_ALL);
	clear(iv);
	current[host_cpu()] = NULL;
	iv->loaded_on = -1;
}

/* ---- Looking at a VMCS ------------------------------------------------------- */

/* Which fields this machine's CPUs have: to read another one would overwrite INSTRUCTION_ERROR. */
static bool present[VMCS_SLOT_COUNT];

void vmx_find_fields(void)
{
	u64 value;

	for (unsigned i = 0; i < VMCS_SLOT_COUNT; i++)
		present[i] = vmx_try_read(vmx_slot_field(i), &value);
}

void vmx_snapshot(struct vmcs_snapshot *s)
{
	s->caps = vmx_machine.caps;
	for (unsigned i = 0; i < VMCS_SLOT_COUNT; i++)
		s->value[i] = present[i] ? vmread(vmx_slot_field(i)) : 0;
}

/*
 * The same of a vCPU that may not be loaded: borrow this CPU for a moment.  False: another
 * CPU runs it, and only that one can read it.
 */
static bool borrow_snapshot(struct intel_vcpu *iv, struct vmcs_snapshot *s)
{
	unsigned cpu = host_cpu();
	bool borrow = iv->loaded_on < 0;

	if (!iv->made || (!borrow && iv->loaded_on != (int)cpu))
		return false;
	if (borrow)
		make_current(iv);
	vmx_snapshot(s);
	if (borrow) {
		clear(iv);
		if (current[cpu])
			make_current(current[cpu]);
	}
	return true;
}

unsigned vmx_explain(struct vcpu *v, struct fmt_sink *sink)
{
	struct vmcs_snapshot s;
	unsigned broken;
	u64 error;

	if (!borrow_snapshot(vmx_vcpu(v), &s))
		return 0;
	broken = vmx_explain_snapshot(&s, VMX_GROUP_ALL, sink);
	error = s.value[VMCS_SLOT_INSTRUCTION_ERROR];
	if (!broken && sink && v->exit.raw & VMX_RAW_FAIL_VALID)
		vmx_put(sink, "VM-instruction error %llu: %s\n", (unsigned long long)error,
			vmx_error_text(error));
	return broken;
}

void vmx_dump(struct vcpu *v, struct fmt_sink *sink)
{
	struct vmcs_snapshot s;

	if (!borrow_snapshot(vmx_vcpu(v), &s)) {
		vmx_put(sink, "VMCS: never used, or in use by another CPU: pause the VM first\n");
		return;
	}
	for (unsigned i = 0; i < VMCS_SLOT_COUNT; i++)
		vmx_put(sink, "%-29s %#018llx\n", vmx_slot_name(i), (unsigned long long)s.value[i]);
}
