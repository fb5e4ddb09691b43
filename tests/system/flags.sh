#!/bin/sh
# tests/system/flags.sh - what an emulator gets wrong in RFLAGS, CS, breakpoints and at an exit harms no guest
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

guests='adcx sysenter lme'
for machine in qemu-svm bochs-vmx bochs-svm; do
  set --
  for guest in $guests; do
    set -- "$@" --module "$TINY/$guest.elf name=$guest mem=8M cpu=bare"
  done
  # Two of them, by turns.
  for guest in code store; do
    set -- "$@" --module "$TINY/debug.elf name=$guest mem=8M cpu=bare"
  done
  start "$machine" "$machine" --cpus 1 --opt exit=done "$@"
done
for machine in qemu-svm bochs-vmx bochs-svm; do
  says "$machine" 'a guest goes on behind ADCX' '^\[adcx\] adcx: goes on' '^VM adcx is halted'
  says "$machine" 'a guest goes on behind SYSENTER' '^\[sysenter\] sysenter: goes on' '^VM sysenter is halted'
  says "$machine" 'a guest goes on with LME alone' '^\[lme\] lme: goes on' '^VM lme is halted'
  for guest in code store; do
    says "$machine" "two guests by turns: $guest meets its own breakpoints" \
      "^\\[$guest\\] debug: each breakpoint was met"
  done
done
finish
