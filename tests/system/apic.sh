#!/bin/sh
# tests/system/apic.sh - interrupt controllers, clocks and CPUs: the guest of tests/guests/apic
# finds under the hypervisor what the manuals say; bare, it shows that its own checks are right
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

APIC=$build/apic/apic.elf

# bare MACHINE PART: on emulators only where they do as the manuals say.
bare()
{
  KERNEL=$APIC start "$1-$2" "$1" ${3:+"$3"} --append "only=$2"
}

# guest NAME MACHINE CPUS OPTION...
guest()
{
  name=$1 machine=$2 cpus=$3
  shift 3
  background "$name" tools/hv-run --machine "$machine" --cpus "$cpus" --mem 32M --timeout "$LIMIT" \
    --hypervisor "$ESPEJO" "$@" "$APIC"
}

guest bochs-vmx bochs-vmx 2
guest bochs-svm bochs-svm 2
guest qemu-svm qemu-svm 2 --icount
guest qemu-svm-8 qemu-svm 8 --append only=cpus
for part in vectors ioapic; do
  bare qemu-bare "$part" --icount
done
bare bochs-bare-vmx clocks

# passes NAME AT-LEAST: a plan of so many checks, each of them ok.
passes()
{
  wait_for "$1"
  plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$log")
  good=$(grep -a -c '^ok ' "$log")
  bad=$(grep -a -c '^not ok ' "$log")
  if [ "${plan:-0}" -ge "$2" ] && [ "$good" -eq "$plan" ] && [ "$bad" -eq 0 ]; then
    ok "$1: each of $plan checks"
  else
    not_ok "$1: $good of ${plan:-no} checks" "$1"
    sed -n 's/^not ok/#   not ok/p' "$log"
  fi
}

passes bochs-vmx 160
passes bochs-svm 130
passes qemu-svm 130
passes qemu-svm-8 25
for part in vectors ioapic; do
  passes "qemu-bare-$part" 10
done
passes bochs-bare-vmx-clocks 5
finish
