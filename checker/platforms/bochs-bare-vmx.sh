# shellcheck shell=sh disable=SC2034
# The emulated PC of Bochs without a hypervisor; the CPU model of bochs-vmx.
platform_title='bare Bochs (vmx model)'
platform_machine=bochs-bare-vmx
platform_can=ticks
. "$checker/platforms/bare.sh"
