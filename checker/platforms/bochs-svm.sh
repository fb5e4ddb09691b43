# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# Espejo on Bochs; one instruction is one tick of the TSC.
platform_title='Espejo on Bochs, svm'
platform_machine=bochs-svm
platform_bare=bochs-bare-svm
platform_can='ticks disks'
platform_slice=500000
platform_scale=1 # in a hundred, of attacks that are alike
# 50 million instructions a second: an interrupt each 1,600, as on QEMU with a nanosecond for each.
platform_storm=40
# A tick of the TSC is counted for the exiting instruction too (not so on QEMU): it is the guest's own.
platform_own=1
platform_roots=npt
# A #DB in the delivery of #DB hangs the emulator itself (docs/emulators.md).
platform_deadly=endlessdb
platform_cannot='end/endlessdb Bochs hangs at a #DB in the delivery of #DB, and tells no cause if #DB is intercepted'
platform_limits='cpuid 100
vmmcall 100
rdmsr 800
out 600
in 600
mmio 2500
touch 1000000
load.cpu 1.01
load.memory 1.01
load.syscall 1.01
load.fault 1.01
load.switch 8'
. "$checker/platforms/espejo.sh"
