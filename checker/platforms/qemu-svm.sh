# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# Espejo on QEMU's AMD-V with nested paging; no NRIP save, no decode assists (docs/emulators.md).
platform_title='Espejo on QEMU, AMD-V'
platform_machine=qemu-svm
platform_bare=qemu-bare
platform_can='icount count ram log disks'
platform_slice=10000000
platform_storm=2
platform_roots=npt
# A #DB in the delivery of #DB ends the emulator itself, intercepted or not (docs/emulators.md).
platform_deadly=endlessdb
platform_cannot='end/endlessdb QEMU itself ends at a #DB in the delivery of #DB'
# Instructions per exit, at most: issue 2, "Speed and size"; those without a target there are wide.
platform_limits='cpuid 150
vmmcall 120
rdmsr 800
out 600
in 600
mmio 2500
touch 1000000
load.cpu 1.001
load.memory 1.001
load.syscall 1.001
load.fault 1.001
load.switch 8
load.timer 10
load.disk 7
load.network 7'
. "$checker/platforms/espejo.sh"
