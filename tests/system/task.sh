#!/bin/sh
# tests/system/task.sh - hardware task switches: as a guest as on the bare machine
#
# The guest of tests/guests/task says what it finds in each task and which fault ended a bad switch,
# and in whose context.  VT-x exits on each switch and AMD-V is asked to, so both are emulated by
# vm/task.c, but for QEMU, which ignores that intercept and switches by itself.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/guests.sh
. "$(dirname "$0")/guests.sh"

CASES=51

# bare MACHINE OPTION...
bare()
{
  guest_row task "$1"
  KERNEL=$image
  # shellcheck disable=SC2086
  start "$1" "$@" ${words:+--append "$words"}
  unset KERNEL
}

# guest MACHINE OPTION...
guest()
{
  guest_row task "$1"
  start "$1" "$@" --opt exit=done --module "$image name=g mem=$memory cpu=bare${words:+ -- $words}"
}

bare qemu-bare --icount
bare bochs-bare-vmx
bare bochs-bare-svm
guest qemu-svm --icount
guest bochs-vmx
guest bochs-svm

# pair BARE VIRTUAL CASES
pair()
{
  guest_row task "$2"
  ends "$2" 0 'the guest comes to its end'
  wait_for "$1"
  spoken task <"$records/$1.log" >"$records/$1.spoken"
  guest_lines "$2" g | spoken task >"$records/$2.spoken"
  same task "$1" "$2" "$least"
  check "$2: all of it" [ "$(grep -c '^  back:' "$records/$2.spoken")" -eq "$3" ]
}

pair qemu-bare qemu-svm "$CASES"
pair bochs-bare-vmx bochs-vmx "$CASES"
pair bochs-bare-svm bochs-svm $((CASES - 1))
finish
