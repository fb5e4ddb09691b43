/*
 * link.c - the audit's place in the hypervisor
 *
 * Owns: the functions that are called in place of those of vm/, paging/ and type1/ that make and
 * end VMs, change their memory, reset CPUs, and end the machine.
 * Must not know: rules (audit.c).
 *
 * With ld's --wrap=f a call of f from another file is one of __wrap_f, and __real_f is f.
 */
#include "audit/link.h"

#include "audit/audit.h"
#include "paging/nested.h"
#include "type1/panic.h"
#include "type1/power.h"

/* Of each function that is wrapped: as its header has it. */
int __real_vm_create(const struct vm_config *config, struct vm **result, char *error, size_t size);
int __wrap_vm_create(const struct vm_config *config, struct vm **result, char *error, size_t size);
void __real_vm_free(struct vm *vm);
void __wrap_vm_free(struct vm *vm);
void __real_host_exit(unsigned status);
void __wrap_host_exit(unsigned status);

/* ---- Life and end ------------------------------------------------------------------ */

int __wrap_vm_create(const struct vm_config *config, struct vm **result, char *error, size_t size)
{
	int e;

	link_begin();
	e = __real_vm_create(config, result, error, size);
	if (!e)
		audit_add(*result, link_format());
	return e;
}

void __wrap_vm_free(struct vm *vm)
{
	audit_remove(vm);
	__real_vm_free(vm);
}

void __wrap_host_exit(unsigned status)
{
	if (audit_summary() && status != PANIC_STATUS)
		status = PANIC_STATUS;
	__real_host_exit(status);
}

/* ---- CPUs as after RESET or INIT ----------------------------------------------------- */

#define WRAP_RESET(function)                                                                       \
	void __real_##function(struct cpu_state *state, struct gpregs *regs, u32 signature);       \
	void __wrap_##function(struct cpu_state *state, struct gpregs *regs, u32 signature);       \
	void __wrap_##function(struct cpu_state *state, struct gpregs *regs, u32 signature)        \
	{                                                                                          \
		struct audit_vcpu *a = audit_find(container_of(regs, struct vcpu, regs));          \
                                                                                                   \
		if (a)                                                                             \
			audit_reset(a);                                                            \
		__real_##function(state, regs, signature);                                         \
	}
WRAP_RESET(state_reset)
WRAP_RESET(state_init)

/* ---- Nested tables ------------------------------------------------------------------- */

/* The VM in whose structure of the back end they are. */
static struct audit_vm *owner_of(const struct nested *n)
{
	return audit_vm_around(n, virt->vm_size);
}

#define WRAP_CHANGE(function, parameters, arguments, changing)                                     \
	int __real_##function parameters;                                                          \
	int __wrap_##function parameters;                                                          \
	int __wrap_##function parameters                                                           \
	{                                                                                          \
		struct audit_vm *vm = owner_of(n);                                                 \
		int error;                                                                         \
                                                                                                   \
		if (vm)                                                                            \
			changing(vm, host_cpu());                                                  \
		error = __real_##function arguments;                                               \
		if (vm)                                                                            \
			changing(vm, host_cpu());                                                  \
		return error;                                                                      \
	}
WRAP_CHANGE(nested_map, (struct nested * n, gpa_t at, hpa_t page, u64 size, unsigned prot),
	    (n, at, page, size, prot), audit_touched)
WRAP_CHANGE(nested_unmap, (struct nested * n, gpa_t at, u64 size), (n, at, size), audit_changing)
WRAP_CHANGE(nested_protect, (struct nested * n, gpa_t at, u64 size, unsigned prot),
	    (n, at, size, prot), audit_changing)

/* ---- Memory: when these return, whoever must flush has been asked ---------------------- */

#define WRAP_MEMORY(type, function, parameters, arguments)                                         \
	type __real_##function parameters;                                                         \
	type __wrap_##function parameters;                                                         \
	type __wrap_##function parameters                                                          \
	{                                                                                          \
		struct audit_vm *a = audit_vm(vm);                                                 \
                                                                                                   \
		__real_##function arguments;                                                       \
		if (a)                                                                             \
			audit_changed(a, host_cpu());                                              \
	}
WRAP_MEMORY(void, memory_pam, (struct vm * vm, gpa_t base, u64 size, bool read_ram, bool write_ram),
	    (vm, base, size, read_ram, write_ram))
WRAP_MEMORY(void, memory_unguard, (struct vm * vm, unsigned vcpu), (vm, vcpu))
WRAP_MEMORY(void, memory_a20, (struct vm * vm, bool enabled), (vm, enabled))
WRAP_MEMORY(void, memory_window_set, (struct vm * vm, enum memory_window_state state), (vm, state))

int __real_memory_rom(struct vm *vm, const void *image, u64 size);
int __wrap_memory_rom(struct vm *vm, const void *image, u64 size);
int __wrap_memory_rom(struct vm *vm, const void *image, u64 size)
{
	struct audit_vm *a = audit_vm(vm);
	int error = __real_memory_rom(vm, image, size);

	if (a)
		audit_changed(a, host_cpu());
	return error;
}

/* Who guards a page sleeps until that is over: it alone needs no flush. */
void __real_memory_guard(struct vm *vm, unsigned vcpu, gpa_t page);
void __wrap_memory_guard(struct vm *vm, unsigned vcpu, gpa_t page);
void __wrap_memory_guard(struct vm *vm, unsigned vcpu, gpa_t page)
{
	struct audit_vm *a = audit_vm(vm);
	u64 before = a ? READ_ONCE(a->tables) : 0;

	__real_memory_guard(vm, vcpu, page);
	if (!a)
		return;
	audit_tables_update(a);
	tlb_forgive(audit_find(vm->vcpu[vcpu])->serial, before, READ_ONCE(a->tables));
	audit_changed(a, host_cpu());
}

/* ---- The vendor ---------------------------------------------------------------------- */

void link_begin(void)
{
	if (virt == &amd_ops)
		svm_audit_begin();
}

const struct tree_format *link_format(void)
{
	return virt == &amd_ops ? &svm_audit_format : &vmx_audit_format;
}
