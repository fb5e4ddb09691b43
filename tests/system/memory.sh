#!/bin/sh
# tests/system/memory.sh - memory that changes hands comes clean, and none gets lost
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# More than half of the machine: the second machine can only have what was the first one's, all of
# it full of a pattern.
for machine in qemu-svm bochs-vmx bochs-svm; do
  start "$machine" "$machine" --mem 128 --module "$TINY/pattern.elf name=first mem=70M" \
    --script <<'END'
wait first halted 120
mem
vm start first
wait first halted 120
mem
vm start first
wait first halted 120
mem
vm restart first
wait first halted 120
quit 0
END
done

for machine in qemu-svm bochs-vmx bochs-svm; do
  ends "$machine" 0 'three machines one after the other, and a restart'
  guest_lines "$machine" first >"$records/said"
  printf 'pattern: %s\n' clean written clean written clean written "somebody else's memory" written \
    >"$records/expected"
  # A restarted machine is the same one: it finds its own pattern, which shows that it looks.
  check "$machine: a new machine's memory is clean" diff "$records/expected" "$records/said"
  grep -o 'in use [0-9]* KiB' "$log" >"$records/used"
  # shellcheck disable=SC2016
  check "$machine: what a machine took it gives back" \
    awk 'NR == 1 { first = $0 } $0 != first { bad = 1 } END { exit bad || NR != 3 }' "$records/used"
done
finish
