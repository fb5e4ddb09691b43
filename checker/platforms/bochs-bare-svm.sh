# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# The emulated PC of Bochs without a hypervisor; the CPU model of bochs-svm.
platform_title='bare Bochs (svm model)'
platform_machine=bochs-bare-svm
platform_can=ticks
. "$checker/platforms/bochs-chips.sh"
platform_known="census/honest.vmx.msr VMX_BASIC can be read where there is no VT-x (docs/found.md)
$bochs_chips"
. "$checker/platforms/bare.sh"
