# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# The emulated PC of QEMU without a hypervisor: what the others are compared with.
platform_title='bare QEMU TCG'
platform_machine=qemu-bare
platform_can='icount count'
platform_known='census/tsc.* WRMSR to the TSC does not move it (docs/found.md)'
. "$checker/platforms/bare.sh"
