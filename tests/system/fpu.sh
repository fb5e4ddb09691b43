#!/bin/sh
# tests/system/fpu.sh - two guests on one CPU, turn after turn: no bit of their FPU, SSE, AVX and XSAVE state
# may differ, and CR0 makes the faults that it makes on the bare machine
#
# The guest of tests/guests/fpu.  Bare, it shows that its own checks are right, and where that machine's XSAVEC
# and XSAVES put AVX state: Bochs 2.7 writes it over the header (docs/emulators.md), guests are to find the same.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

FPU=$build/fpu/fpu.elf
ROUNDS=240

KERNEL=$FPU
for machine in qemu-bare bochs-bare-vmx bochs-bare-svm; do
  start "$machine" "$machine" --append "rounds=$ROUNDS seed=2"
done
unset KERNEL
for machine in qemu-svm bochs-vmx bochs-svm; do
  start "$machine" "$machine" --opt exit=done \
    --module "$FPU name=a mem=32M cpu=bare -- rounds=$ROUNDS seed=3" \
    --module "$FPU name=b mem=32M cpu=bare -- rounds=$ROUNDS seed=4"
done

# facts: what the machine says of itself, behind GRUB's escape codes.
facts() { sed -n 's/.*\(XSAVE[CS]: AVX\)/\1/; /^XSAVE[CS]: AVX/p; /^CR0 /p'; }

# turns: how often another guest was the next to say how far it is.
turns() { sed -n 's/^\[\(.\)\] round .*/\1/p' "$log" | uniq | wc -l; }

pair()
{
  wait_for "$1"
  check "$1: each bit is there again" \
    grep -a -q "^fpu: finished, $ROUNDS rounds, .* 0 differences" "$log"
  facts <"$log" >"$records/bare"
  ends "$2" 0 'both guests come to their ends'
  for guest in a b; do
    guest_lines "$2" "$guest" >"$records/virtual"
    check "$2, $guest: each bit is there again" \
      grep -q "^fpu: finished, $ROUNDS rounds, .* 0 differences" "$records/virtual"
    facts <"$records/virtual" >"$records/facts"
    check "$2, $guest: CR0's faults, and XSAVE's layout, are those of $1" \
      diff "$records/bare" "$records/facts"
  done
  wait_for "$2"
  check "$2: they took turns" test "$(turns)" -ge 8
}

pair qemu-bare qemu-svm
pair bochs-bare-vmx bochs-vmx
pair bochs-bare-svm bochs-svm
finish
