# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# Espejo on QEMU's AMD-V with nested paging; no NRIP save, no decode assists (docs/emulators.md).
platform_title='Espejo on QEMU, AMD-V'
platform_machine=qemu-svm
platform_bare=qemu-bare
platform_can='icount ram log'
platform_slice=10000000
platform_storm=2
platform_roots=npt
# Instructions per exit, at most: issue 2, "Speed and size"; those without a target there are wide.
platform_limits='cpuid 150
vmmcall 120
rdmsr 800
out 600
in 600
mmio 2500
touch 1000000'
. "$checker/platforms/espejo.sh"
