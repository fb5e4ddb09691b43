/*
 * fuzz_vm.h - a whole virtual machine on the fake back end, made once
 *
 * Owns: bringing it back to power-on between inputs; CPU states that an input chooses, of the kind
 * that a CPU can be in.
 * Must not know: what is tried.
 */
#ifndef ESPEJO_TESTS_FUZZ_FUZZ_VM_H
#define ESPEJO_TESTS_FUZZ_FUZZ_VM_H

#include "fake_virt.h"
#include "fuzz.h"

/* Where things are in the machine's RAM, of which there are 2 MiB. */
#define FUZZ_VM_MEMORY MiB(2)
#define FUZZ_PML4 0x1000u
#define FUZZ_PDPT 0x2000u
#define FUZZ_PD 0x3000u
#define FUZZ_PT 0x4000u
#define FUZZ_PD32 0x5000u
#define FUZZ_PT32 0x6000u
#define FUZZ_PDPT_PAE 0x7000u
#define FUZZ_CODE 0x8000u
#define FUZZ_DATA 0x10000u
#define FUZZ_DATA_PAGES 8u
#define FUZZ_DATA_SIZE (FUZZ_DATA_PAGES * 0x1000u)
#define FUZZ_NOTHING 0xf8000000u

enum fuzz_mode {
	FUZZ_REAL,
	FUZZ_PM16,
	FUZZ_PM32,
	FUZZ_PAGED32,
	FUZZ_PAE,
	FUZZ_LONG,
	FUZZ_COMPAT,
	FUZZ_V86,
	FUZZ_MODES
};

/*
 * The machine, running, vCPU 0 loaded, with identity page tables in RAM that is else clear.  If
 * anew or if it had ended, its devices are as after power-on.  The first call says how many vCPUs.
 */
struct vm *fuzz_vm_begin(unsigned vcpus, bool anew);
/* Its RAM. */
u8 *fuzz_vm_ram(u64 a);

/*
 * Flat segments, CPL 3 if user, identity paging of all RAM where the mode has paging; then as the
 * input says: segments, page table entries for FUZZ_DATA, flags, registers.
 */
void fuzz_vm_state(struct vcpu *v, enum fuzz_mode mode, bool user, struct fuzz_input *in);
/* A value for a register: likely an address of something. */
u64 fuzz_vm_address(struct fuzz_input *in);

/* What VT-x would refuse at the next entry: panics.  [SDM] "Checks on Guest Segment Registers" */
void fuzz_vm_check_segments(struct vcpu *v);

#endif
