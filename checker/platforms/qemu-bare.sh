# shellcheck shell=sh disable=SC2034
# The emulated PC of QEMU without a hypervisor: what the others are compared with.
platform_title='bare QEMU TCG'
platform_machine=qemu-bare
platform_can=icount
. "$checker/platforms/bare.sh"
