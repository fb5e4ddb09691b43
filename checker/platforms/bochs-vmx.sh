# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# Espejo on Bochs; one instruction is one tick of the TSC.
platform_title='Espejo on Bochs, vmx'
platform_machine=bochs-vmx
platform_bare=bochs-bare-vmx
platform_can='ticks disks memory weights lazy-fpu'
platform_slice=500000
platform_weight=130 # of the lightest: a turn of 13 ms is 650,000 instructions here
platform_scale=1 # in a hundred, of attacks that are alike
# 50 million instructions a second: an interrupt each 1,600, as on QEMU with a nanosecond for each.
platform_storm=40
# A tick of the TSC is counted for the exiting instruction too (not so on QEMU): it is the guest's own.
platform_own=1
platform_roots=ept
platform_limits='cpuid 100
vmcall 100
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
