#!/bin/sh
# tests/system/apic.sh - interrupt controllers, clocks and CPUs: the guest of tests/guests/apic
# finds under the hypervisor what the manuals say; bare, it shows that its own checks are right
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/guests.sh
. "$(dirname "$0")/guests.sh"

# bare MACHINE PART: on emulators only where they do as the manuals say.
bare()
{
  guest_row apic "$1"
  KERNEL=$image start "$1-$2" "$1" ${3:+"$3"} --append "only=$2"
}

# guest NAME MACHINE ROW OPTION...
guest()
{
  name=$1 machine=$2
  guest_row "$3" "$machine"
  shift 3
  background "$name" tools/hv-run --machine "$machine" --cpus "$cpus" --mem "$memory" --timeout "$LIMIT" \
    --hypervisor "$ESPEJO" --append "$words" "$@" "$image"
}

guest bochs-vmx bochs-vmx apic
guest bochs-svm bochs-svm apic
guest qemu-svm qemu-svm apic --icount
guest qemu-svm-8 qemu-svm cpus
for part in vectors ioapic; do
  bare qemu-bare "$part" --icount
done
bare bochs-bare-vmx clocks

passes bochs-vmx 160
passes bochs-svm 130
passes qemu-svm 130
guest_row cpus qemu-svm
passes qemu-svm-8 "$least"
for part in vectors ioapic; do
  passes "qemu-bare-$part" 10
done
passes bochs-bare-vmx-clocks 5
finish
