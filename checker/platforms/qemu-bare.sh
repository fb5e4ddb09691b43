# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# The emulated PC of QEMU without a hypervisor: what the others are compared with.
platform_title='bare QEMU TCG'
platform_machine=qemu-bare
platform_can='icount count'
. "$checker/platforms/qemu-chips.sh"
# What it does otherwise than the manuals say; docs/found.md has the reproducers.
platform_known="census/tsc.written WRMSR to the TSC does not move it
  census/tsc.rdmsr
census/msr.mtrr.*.reserved reserved bits of MTRRs are kept, no #GP
census/msr.pat.reserved reserved types are taken, no #GP
census/msr.tsc_aux.high the upper half of TSC_AUX is kept, not refused
census/lapic.off.masks the local vector table is not masked when the APIC is off by its software switch
census/lapic.icr.high reserved bits are kept
census/lapic.timer.expired a count that came to its end begins anew when the mode becomes periodic
census/lapic.to.cluster.all no broadcast to all clusters
census/ioapic.edge no edge of IRQ 0 arrives in time: the PIC still has the request before (inferred), so nobody waits
census/watch.port.step DR6.BS is missing where a port's breakpoint is met by a step
$qemu_chips"
. "$checker/platforms/bare.sh"
