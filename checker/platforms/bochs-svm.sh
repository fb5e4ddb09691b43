# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# Espejo on Bochs; one instruction is one tick of the TSC.
platform_title='Espejo on Bochs, svm'
platform_machine=bochs-svm
platform_bare=bochs-bare-svm
platform_can='ticks disks memory weights'
platform_slice=500000
platform_weight=130 # of the lightest: a turn of 13 ms is 650,000 instructions here
platform_scale=1 # in a hundred, of attacks that are alike
# 50 million instructions a second: an interrupt each 1,600, as on QEMU with a nanosecond for each.
platform_storm=40
# A tick of the TSC is counted for the exiting instruction too (not so on QEMU): it is the guest's own.
platform_own=1
platform_roots=npt
# A #DB in the delivery of #DB hangs the emulator itself (docs/emulators.md).
platform_deadly=endlessdb
platform_cannot='end/endlessdb Bochs hangs at a #DB in the delivery of #DB, and tells no cause if #DB is intercepted
events/data-mov-ss-cpuid the VMCB has no place for a #DB that waits for the end of a shadow
events/fresh-stack-int-n EXITINTINFO is stale if the delivery of INT n exits (docs/emulators.md)
  events/fresh-sti-int events/fresh-then-exits-int-n events/fresh-stack-user
events/fresh-stack-icebp EXITINTINFO is stale if the delivery of INT1 exits'
platform_limits='cpuid 100
vmmcall 100
rdmsr 420
out 400
in 420
mmio 1600
touch 320000
load.cpu 1.01
load.memory 1.01
load.syscall 1.01
load.fault 1.01
load.switch 3.8
wake.halted 8000
wake.computing 10000
wake.beside-busy 525000
wake.computing-beside-busy 525000
memory.vm 440
memory.vcpu 48
memory.gib 16
walk.large 18.5
walk.small 20.2'
. "$checker/platforms/espejo.sh"
