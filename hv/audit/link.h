/*
 * link.h - what the two vendors' audits offer to the common part
 *
 * Owns: nothing but the choice between them.
 * Must not know: control blocks.
 */
#ifndef ESPEJO_AUDIT_LINK_H
#define ESPEJO_AUDIT_LINK_H

#include "audit/tree.h"

/* Before a VM is made: what this build does otherwise than the usual one. */
void link_begin(void);
/* The entries of this machine's nested tables. */
const struct tree_format *link_format(void);

/* amd/svm_audit.c, intel/vmx_audit.c */
void svm_audit_begin(void);
extern const struct tree_format svm_audit_format, vmx_audit_format;

#endif
