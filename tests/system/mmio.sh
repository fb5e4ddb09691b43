#!/bin/sh
# tests/system/mmio.sh - instructions on device memory do what they do on RAM, and what they do bare
#
# tests/guests/mmio runs each form with its operands in RAM and in VGA memory, and says what came
# of the latter; where that is not what came of the former, it says so.  Bare, the emulated CPU
# carries out both; as a guest, the hypervisor the second.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/guests.sh
. "$(dirname "$0")/guests.sh"

# pair BARE VIRTUAL
pair()
{
  guest_row mmio "$2"
  KERNEL=$image
  start "$1" "$1"
  unset KERNEL
  start "$2" "$2" --opt exit=done --module "$image name=g mem=$memory cpu=bare"
  ends "$2" 0 'the guest comes to its end'
  wait_for "$1"
  spoken mmio <"$records/$1.log" >"$records/$1.spoken"
  guest_lines "$2" g | spoken mmio >"$records/$2.spoken"
  same mmio "$1" "$2" "$least"
  check "$2: device memory is as RAM" [ "$(grep -c 'NOT AS IN RAM' "$records/$2.left")" -eq 0 ]
}

pair qemu-bare qemu-svm
pair bochs-bare-vmx bochs-vmx
pair bochs-bare-svm bochs-svm
finish
