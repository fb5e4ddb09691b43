#!/bin/sh
# tests/system/cr2.sh - a page fault's address stays with the guest that faulted (VMRUN of Bochs 2.7 loads no CR2)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# Two guests take turns on one CPU; time is counted, so that they do so in the same way each time.
for machine in qemu-svm bochs-vmx bochs-svm; do
  counted=
  [ "$machine" != qemu-svm ] || counted=--icount
  # shellcheck disable=SC2086
  start "$machine" "$machine" $counted --cpus 1 --opt exit=done \
    --module "$TINY/cr2.elf name=a mem=8M -- a" --module "$TINY/cr2.elf name=b mem=8M -- b"
done

for machine in qemu-svm bochs-vmx bochs-svm; do
  for guest in a b; do
    says "$machine" "$guest comes to its end" "^\[$guest\] cr2: begins" "^\[$guest\] cr2: finished" \
      "^VM $guest is halted"
    check "$machine: each of ${guest}'s 8 page faults leaves its address in CR2" \
      [ "$(guest_lines "$machine" "$guest" | grep -c '^cr2: kept$')" -eq 8 ]
  done
  never "$machine" 'no CR2 is lost' 'cr2: (lost|no fault)'
  says "$machine" 'they took turns' '^\[b\] cr2: kept' '^\[a\] cr2: finished'
  says "$machine" 'both ways' '^\[a\] cr2: kept' '^\[b\] cr2: finished'
done
finish
