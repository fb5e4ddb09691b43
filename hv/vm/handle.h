/*
 * handle.h - what is done about an exit
 *
 * Owns: the answer to every exit reason; policy that is the same for all vendors.
 * Must not know: back ends, hosts.
 */
#ifndef ESPEJO_VM_HANDLE_H
#define ESPEJO_VM_HANDLE_H

struct vcpu;

/*
 * Answer v->exit: sets its outcome, and insn_len with OUTCOME_DONE.  Faults are raised, ends of
 * the VM declared.  Holds no lock before or after.
 */
void handle_exit(struct vcpu *v);

/*
 * Hypercalls: the number in RAX, arguments in RDI, RSI, RDX, the result in RAX.  On AMD-V the
 * instruction is VMMCALL, on VT-x VMCALL.  A VM whose CPUID shows no hypervisor gets #UD.
 *
 * Linux's KVM keeps both instructions to itself.  So OUT of EAX to HYPERCALL_PORT is the same call
 * on every machine, with the same registers; IOPL and the I/O map decide who may, as for any port.
 * OUTS is none.  Without a hypervisor in CPUID nobody is at that port: RAX stays as it was.
 */
#define HYPERCALL_PORT 0xec
#define HYPERCALL_VERSION 0 /* result: version of this interface */
#define HYPERCALL_CURRENT_VERSION 1
#define HYPERCALL_UNKNOWN (~0ull)

#endif
