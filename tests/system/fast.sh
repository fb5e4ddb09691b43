#!/bin/sh
# tests/system/fast.sh - what is answered on the short way is what the long way answers
#
# Guests run under the hypervisor as it is, and under one that takes no short way and checks every
# entry (CHECKING): what they print must be the same, register by register.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

CHECKING=$build/checking/hv/espejo.elf

# pair MACHINE NAME OPTION...: both hypervisors.  On QEMU time is counted, so that it is the same too.
pair()
{
  machine=$1 guest=$2
  shift 2
  case $machine in
  qemu-*) set -- --icount "$@" ;;
  esac
  start "$machine-$guest-short" "$machine" --opt exit=done "$@"
  KERNEL=$CHECKING start "$machine-$guest-long" "$machine" --opt exit=done "$@"
}

for machine in qemu-svm bochs-vmx bochs-svm; do
  pair "$machine" v1 --module "$TINY/fast.elf name=g mem=8M cpu=v1"
  pair "$machine" bare --module "$TINY/fast.elf name=g mem=8M cpu=bare"
done

for machine in qemu-svm bochs-vmx bochs-svm; do
  for guest in v1 bare; do
    for way in short long; do
      says "$machine-$guest-$way" 'the guest comes to its end' '^\[g\] fast: finished' \
        '^VM g is halted'
      guest_lines "$machine-$guest-$way" g >"$records/$way"
    done
    check "$machine-$guest: both ways print the same" diff "$records/short" "$records/long"
    check "$machine-$guest: all of it" [ "$(wc -l <"$records/short")" -ge 370 ]
  done
done
finish
