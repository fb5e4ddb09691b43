/*
 * vmx_ops.h - the VMX instructions, as functions
 *
 * Owns: one inline for each instruction of VMX root operation that we use, and what becomes
 * of its failure.  Must not know: what any of them is used for.
 *
 * VMX instructions report by flags: CF for VMfailInvalid, ZF for VMfailValid; JBE takes both.
 * [SDM] "Conventions" (31.2)
 *
 * A vmread or vmwrite fails only if the field does not exist on this CPU, or no VMCS is
 * current: our bugs, which panic with the field's name, so that callers stay linear.
 */
#ifndef ESPEJO_INTEL_VMX_OPS_H
#define ESPEJO_INTEL_VMX_OPS_H

#include "host.h"
#include "intel/vmcs.h"

/* vmx_vcpu.c: panics; insn is "vmread" or "vmwrite". */
NORETURN void vmx_field_failed(const char *insn, enum vmcs_field field);

/* The value of a field of the current VMCS. */
static inline u64 vmread(enum vmcs_field field)
{
	u64 value;

	__asm__ goto("vmread %1, %0\n\tjbe %l[failed]"
		     : "=r"(value)
		     : "r"((u64)field)
		     : "cc"
		     : failed);
	return value;
failed:
	vmx_field_failed("vmread", field);
}

static inline void vmwrite(enum vmcs_field field, u64 value)
{
	__asm__ goto("vmwrite %0, %1\n\tjbe %l[failed]"
		     :
		     : "rm"(value), "r"((u64)field)
		     : "cc"
		     : failed);
	return;
failed:
	vmx_field_failed("vmwrite", field);
}

struct field_value {
	enum vmcs_field field;
	u64 value;
};

/*
 * For fields read or written at every exit, which all CPUs have, while the VMCS is known to
 * be current because the entry just now worked: the test would cost a third.
 */
static inline void vmread_hot(enum vmcs_field field, u64 *to)
{
#ifdef CHECKING
	*to = vmread(field);
#else
	__asm__ volatile("vmread %1, %0" : "=m"(*to) : "r"((u64)field) : "cc");
#endif
}

static inline u64 vmread_value_hot(enum vmcs_field field)
{
#ifdef CHECKING
	return vmread(field);
#else
	u64 value;

	__asm__ volatile("vmread %1, %0" : "=r"(value) : "r"((u64)field) : "cc");
	return value;
#endif
}

static inline void vmwrite_hot(enum vmcs_field field, const u64 *from)
{
#ifdef CHECKING
	vmwrite(field, *from);
#else
	__asm__ volatile("vmwrite %0, %1" ::"rm"(*from), "r"((u64)field) : "cc");
#endif
}

/* False: this CPU does not have the field (or no VMCS is current); value is 0 then. */
static inline bool vmx_try_read(enum vmcs_field field, u64 *value)
{
	bool failed;

	*value = 0;
	__asm__ volatile("vmread %2, %1" : "=@ccbe"(failed), "+r"(*value) : "r"((u64)field));
	return !failed;
}

static inline bool vmx_try_write(enum vmcs_field field, u64 value)
{
	bool failed;

	__asm__ volatile("vmwrite %1, %2" : "=@ccbe"(failed) : "r"(value), "r"((u64)field));
	return !failed;
}

/* These return false on VMfail; region is a physical address. */
static inline bool vmx_on(hpa_t region)
{
	bool failed;

	__asm__ volatile("vmxon %1" : "=@ccbe"(failed) : "m"(region.v) : "memory");
	return !failed;
}

static inline void vmx_off(void)
{
	__asm__ volatile("vmxoff" ::: "cc", "memory");
}

static inline bool vmx_clear(hpa_t region)
{
	bool failed;

	__asm__ volatile("vmclear %1" : "=@ccbe"(failed) : "m"(region.v) : "memory");
	return !failed;
}

static inline bool vmx_load_pointer(hpa_t region)
{
	bool failed;

	__asm__ volatile("vmptrld %1" : "=@ccbe"(failed) : "m"(region.v) : "memory");
	return !failed;
}

/* vmx.c: not inline, so that an audit (audit/) can stand between. */
bool vmx_invept(u64 type, const struct invept_descriptor *descriptor);

#endif
