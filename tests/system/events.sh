#!/bin/sh
# tests/system/events.sh - which event comes first: the table of tests/guests/events, everywhere
#
# Bare, the table says what the manuals and the emulators make of each case (what an emulator
# does otherwise is in deviations.c).  Under the hypervisor it must be the same.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/guests.sh
. "$(dirname "$0")/guests.sh"

# bare MACHINE OPTION...
bare()
{
  guest_row events "$1"
  KERNEL=$image
  start "$1" "$@" --append "$words"
  unset KERNEL
}

# guest MACHINE OPTION...
guest()
{
  guest_row events "$1"
  start "$1" "$@" --opt exit=done --module "$image name=ev mem=$memory -- $words"
}

bare qemu-bare --icount
bare bochs-bare-vmx
bare bochs-bare-svm
guest qemu-svm --icount
guest bochs-vmx
guest bochs-svm

for name in qemu-bare bochs-bare-vmx bochs-bare-svm qemu-svm bochs-vmx bochs-svm; do
  guest_row events "$name"
  passes "$name" "$least"
  sed -n 's/^\[ev\] //; s/^# \(.*: known deviation\)/#   \1/p' "$records/$name.log"
done
for name in qemu-svm bochs-vmx bochs-svm; do
  ends "$name" 0 'the guest comes to its end'
done
finish
