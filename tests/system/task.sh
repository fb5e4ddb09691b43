#!/bin/sh
# tests/system/task.sh - hardware task switches: as a guest as on the bare machine
#
# The guest of tests/guests/task says what it finds in each task and which fault ended a bad switch,
# and in whose context.  VT-x exits on each switch and AMD-V is asked to, so both are emulated by
# vm/task.c, but for QEMU, which ignores that intercept and switches by itself.  Bochs 2.7 gives up
# when a guest of its AMD-V exits from virtual-8086 mode ("VM is set in long mode"): not tried.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

TASK=$build/task/task.elf
CASES=47

KERNEL=$TASK
start qemu-bare qemu-bare --icount
start bochs-bare-vmx bochs-bare-vmx
start bochs-bare-svm bochs-bare-svm --append no-v86
unset KERNEL
start qemu-svm qemu-svm --icount --opt exit=done --module "$TASK name=g mem=32M cpu=bare"
start bochs-vmx bochs-vmx --opt exit=done --module "$TASK name=g mem=32M cpu=bare"
start bochs-svm bochs-svm --opt exit=done --module "$TASK name=g mem=32M cpu=bare -- no-v86"

# bare NAME: what the guest said on a bare machine, behind GRUB's escape codes.
bare()
{
  sed -n 's/.*CALL$/CALL/; /^CALL$/,/^task: finished$/p' "$records/$1.log"
}

# pair BARE VIRTUAL CASES
pair()
{
  ends "$2" 0 'the guest comes to its end'
  wait_for "$1"
  bare "$1" >"$records/bare"
  guest_lines "$2" g >"$records/virtual"
  check "$2: says what $1 says" diff "$records/bare" "$records/virtual"
  check "$2: the last line is there" grep -q '^task: finished$' "$records/virtual"
  check "$2: all of it" [ "$(grep -c '^  back:' "$records/virtual")" -eq "$3" ]
}

pair qemu-bare qemu-svm "$CASES"
pair bochs-bare-vmx bochs-vmx "$CASES"
pair bochs-bare-svm bochs-svm $((CASES - 1))
finish
