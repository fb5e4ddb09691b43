# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# The emulated PC of Bochs without a hypervisor; the CPU model of bochs-vmx.
platform_title='bare Bochs (vmx model)'
platform_machine=bochs-bare-vmx
platform_can=ticks
. "$checker/platforms/bochs-chips.sh"
platform_known=$bochs_chips
. "$checker/platforms/bare.sh"
