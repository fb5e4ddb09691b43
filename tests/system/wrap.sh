#!/bin/sh
# tests/system/wrap.sh - an instruction that is emulated and ends at 4 GiB: EIP wraps
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

for machine in qemu-svm bochs-vmx bochs-svm; do
  start "$machine" "$machine" --cpus 1 --module "$TINY/wrap.elf name=wrap mem=8M" --script <<'END'
expect wrap "wrap: MOV to CR0" 30
vm list
quit 0
END
done
for machine in qemu-svm bochs-vmx bochs-svm; do
  ends "$machine" 0 'the script comes to its end'
  says "$machine" 'EIP goes on at 0 behind CPUID and MOV to CR0' '^\[wrap\] wrap: CPUID' \
    '^\[wrap\] wrap: MOV to CR0'
done
finish
