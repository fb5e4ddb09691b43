#!/bin/sh
# tests/system/firmware.sh - the other ways in: GRUB from an ISO, by BIOS and by UEFI, with all CPUs
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# try NAME MACHINE CPUS OPTION...
try()
{
  name=$1 machine=$2 cpus=$3
  shift 3
  start "$name" "$machine" --cpus "$cpus" "$@" \
    --module "$GUEST_OS name=one mem=32M -- run=counter,100" \
    --module "$GUEST_OS name=two mem=32M -- run=sieve,100" --script <<'END'
expect one "counter: 3" 60
expect two "25 primes" 60
vm list
quit 0
END
}

try qemu-uefi qemu-svm 4 --uefi
# OVMF has no ACPI tables to give away on Bochs: one CPU then, and a line that says why.
try bochs-uefi bochs-vmx 2 --uefi
try qemu-iso qemu-svm 3 --iso

for name in qemu-uefi:4:AMD-V qemu-iso:3:AMD-V; do
  virtualization=${name##*:}
  name=${name%:*}
  cpus=${name#*:}
  name=${name%:*}
  ends "$name" 0 'boots, runs both guests and ends'
  says "$name" "GRUB loads it, and all $cpus CPUs are used" 'modules from GRUB' \
    "^espejo: $cpus of $cpus CPUs \\(by ACPI.*$virtualization" '^\[one\] .*counter: 3' \
    '^ *1 one +running' '^ *2 two +running'
done
ends bochs-uefi 0 'boots, runs both guests and ends'
says bochs-uefi 'GRUB loads it, and without ACPI tables one CPU is used' 'modules from GRUB' \
  'neither ACPI tables nor an MP table .*one CPU' '^espejo: 1 of 1 CPUs .*VT-x' '^\[one\] .*counter: 3' \
  '^ *1 one +running' '^ *2 two +running'
finish
