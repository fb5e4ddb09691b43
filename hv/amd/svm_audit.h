/*
 * svm_audit.h - the audit of a VMCB
 *
 * Owns: nothing but the functions that a host test calls too.
 * Must not know: the hypervisor's own bookkeeping (struct svm_vcpu).
 */
#ifndef ESPEJO_AMD_SVM_AUDIT_H
#define ESPEJO_AMD_SVM_AUDIT_H

#include "amd/vmcb.h"
#include "audit/audit.h"

/* What of the machine decides what a VMCB must hold. */
struct svm_audit_machine {
	u32 asids; /* CPUID says so many */
	bool rdpru, debug_exits, lbr_virt, flush_by_asid;
};

/* then: the VMCB as the last exit left it, on this CPU; NULL: it was not entered here last. */
void svm_audit_clean(struct audit_vcpu *a, const struct vmcb *now, const struct vmcb *then);
void svm_audit_intercepts(struct audit_vcpu *a, const struct vmcb *b,
			  const struct svm_audit_machine *m);
void svm_audit_events(struct audit_vcpu *a, const struct vmcb *b);
/* Tell the model what TLB_CONTROL does; then, is it enough? */
void svm_audit_tlb(struct audit_vcpu *a, const struct vmcb *b, const struct svm_audit_machine *m);
/* What the audit remembers of an exit. */
void svm_audit_left(struct audit_vcpu *a, const struct vmcb *b);

extern const struct tree_format svm_audit_format;

#endif
