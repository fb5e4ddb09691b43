# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# Espejo on QEMU's AMD-V with nested paging; no NRIP save, no decode assists (docs/emulators.md).
platform_title='Espejo on QEMU, AMD-V'
platform_machine=qemu-svm
platform_bare=qemu-bare
platform_can='icount count ram log disks memory weights'
platform_slice=10000000
platform_storm=2
platform_roots=npt
# FXRSTOR on any CPU may undo what the first one does at that moment with HF2_NPT and HF2_GIF (docs/emulators.md): where there
# are several, guests run on the others.
platform_housekeeping=yes
# A #DB in the delivery of #DB ends the emulator itself, intercepted or not (docs/emulators.md).
platform_deadly=endlessdb
platform_cannot='end/endlessdb QEMU itself ends at a #DB in the delivery of #DB
isa/FNSTENV_m QEMU'\''s FXSAVE stores no instruction pointer: it is lost when the vCPU makes room for a moment
  isa/FNSAVE_m
attack/msr-halves-low QEMU looks an MSR below 2000h up by all of RCX, and lets a guest read and write the one of the host (docs/found.md)'
# Instructions per exit, at most: issue 2, "Speed and size", for cpuid and the call; a fifth above what was measured for the rest.
platform_limits='cpuid 150
vmmcall 120
rdmsr 420
out 400
in 420
mmio 1600
touch 320000
load.cpu 1.001
load.memory 1.001
load.syscall 1.001
load.fault 1.001
load.switch 3.8
load.timer 7.5
load.disk 6.8
load.network 6.8
entries.cpu 0
entries.memory 0
entries.syscall 0
entries.fault 0
entries.switch 2.05
entries.timer 5.2
entries.disk 12.5
entries.network 6.2
wake.halted 8000
wake.computing 10000
wake.beside-busy 10500000
wake.computing-beside-busy 10500000
memory.vm 440
memory.vcpu 40
memory.gib 16
walk.large 18.5
walk.small 20.2'
. "$checker/platforms/espejo.sh"
