/*
 * deviations.c - what emulators are known to do instead of what the manuals say
 *
 * Measured on QEMU 7.2.22 (TCG, with icount) and Bochs 2.7.  "qemu", "bochs": what their CPUs do,
 * bare and under a hypervisor.  "qemu-bare", "bochs-bare": what only the bare machine does, because
 * the hypervisor has devices of its own, or emulates the instruction: there it must do what the
 * manual says.
 */
#include "run.h"

#include "lib/string.h"

static const struct {
	const char *emulator, *name, *got;
} known[] = {
	{ "qemu", "step-icebp", "db(BS)@a ud@a db(BS)@z" },
	{ "qemu-bare", "step-rep-outs", "db(BS)@a db(BS)@a db(BS)@a db(BS)@a db(BS)@b db(BS)@z" },
	{ "qemu-bare", "step-rep-ins", "db(BS)@a db(BS)@a db(BS)@a db(BS)@a db(BS)@b db(BS)@z" },
	{ "qemu", "step-sti", "db(BS)@a db(BS)@z irq0@z" },
	{ "qemu-bare", "nmi-unblocked-by-faulting-iret", "nmi@b bad-iret gp(fff8)@h nmi@h" },
	{ "qemu-bare", "pic-spurious", "irq4@a" },
	{ "qemu-bare", "break-rep-outs", "db(B0)@b db(B0)@b db(B0)@b db(B0)@b" },
	{ "qemu", "break-in-ss-shadow", "db(B0)@b" },
	{ "qemu", "data-mov-ss", "db(B0)@b" },
	{ "qemu", "data-mov-ss-cpuid", "db(B0)@b" },
	{ "qemu", "data-step", "db(BS)@a db(B0,BS)@h db()@b db(BS)@z" },
	{ "qemu", "icebp", "ud@a" },
	{ "qemu", "general-detect", "-" },
	{ "qemu", "non-canonical-stack", "gp(0)@a" },
	{ "qemu", "rdmsr-absent", "-" },
	{ "qemu-bare", "wrmsr-pat", "-" },
	{ "qemu", "user-int3-dpl0", "gp(32)@a" },
	{ "qemu", "user-int-n-dpl0", "gp(312)@a" },
	{ "qemu", "user-int-n-absent", "np(322)@a" },
	{ "qemu", "user-icebp-needs-no-dpl", "ud@a" },
	{ "qemu", "rf-of-fault", "ud@a" },
	{ "qemu", "rf-of-gp", "gp(1234)@a" },
	{ "qemu", "rf-of-xsetbv", "gp(0)@a" },
	{ "qemu-bare", "rf-of-vmrun", "ud@a" },
	{ "qemu", "rf-of-page-fault", "pf(2)@a" },
	{ "qemu", "rf-of-interrupted-rep", "no rf" },
	{ "qemu", "absent-ud", "np(62)@a" },
	{ "qemu", "absent-vmrun", "np(62)@a" },
	{ "qemu", "absent-int-n", "np(322)@a" },
	{ "qemu", "absent-int3", "np(32)@a" },
	{ "qemu", "absent-nmi", "np(22)@b" },
	{ "qemu", "absent-irq", "np(202)@a" },
	{ "qemu", "absent-apic", "np(512)@a" },
	{ "qemu", "absent-apic-in-shadow", "np(512)@b" },
	{ "qemu", "nowhere-ud", "gp(1238)@a" },
	{ "qemu", "nowhere-apic", "gp(1238)@a" },
	{ "qemu", "nowhere-step", "gp(1238)@z" },
	{ "qemu", "nowhere-icebp", "ud@a" },
	{ "qemu", "fresh-stack-icebp", "ud@a" },
	{ "qemu-bare", "nmi-unblocked-by-iret-from-fresh-stack", "nmi@b sent gp(0)@a nmi@b" },
	{ "qemu", "null-segments-stay-null", "-" },
	{ "qemu-bare", "null-segments-and-a-device", "-" },
	{ "bochs", "step-syscall-masked", "db(BS)@a db(BS)@b" },
	{ "bochs-bare", "apic-same-class-waits-for-eoi", "v51@a vef@h handled v52@a" },
	{ "bochs-bare", "apic-lint0-masked", "v51@a irq0@a" },
	{ "bochs-bare", "pic-lower-number-first", "irq4@a irq0@a" },
	{ "bochs", "break-after-irq", "db(B0)@a irq0@a" },
	{ "bochs", "rdmsr-absent", "-" },
	{ "bochs", "rf-of-interrupted-rep", "no rf" },
	/* VMCB has no place for a #DB that waits for the end of the shadow. */
	{ "bochs-svm", "data-mov-ss-cpuid", "-" },
	/* EXITINTINFO is stale if the delivery of INT n or INT1 exits: it names the last other
	   event. */
	{ "bochs-svm", "fresh-stack-int-n", "bp@b" },
	{ "bochs-svm", "fresh-sti-int", "irq0@a irq0@a v32@b" },
	{ "bochs-svm", "fresh-then-exits-int-n", "bp@b exits 6" },
	{ "bochs-svm", "fresh-stack-icebp", "bp@b" },
	{ "bochs-svm", "fresh-stack-user", "df(0)@a ud@b bp@d" },
};

static bool is_prefix(const char *prefix, const char *text)
{
	return !strncmp(prefix, text, strlen(prefix));
}

const char *deviation(const char *emulator, const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (is_prefix(known[i].emulator, emulator) && !strcmp(known[i].name, name))
			return known[i].got;
	return NULL;
}
