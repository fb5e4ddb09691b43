#!/bin/sh
# tests/system/memory.sh - memory that changes hands comes clean, and none gets lost; what a guest
# sees below 1 MiB, and what others see of its screen
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
  start "$machine-views" "$machine" --mem 128 --module "$TINY/views.elf name=views mem=8M" \
    --script <<'END'
wait views halted 120
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

  ends "$machine-views" 0 'the bridge and the screen'
  guest_lines "$machine-views" views >"$records/said"
  says "$machine-views" 'memory below 1 MiB is read and written where the bridge says' \
    'views: lost' 'views: shadowed' 'views: code runs there' 'views: done'
  never "$machine-views" 'nothing failed' 'views: FAILED'
  awk 'BEGIN { for (i = 1; i <= 30; i++) printf "vga: slowly said %02d\n", i }' >"$records/expected"
  grep '^vga: ' "$records/said" >"$records/screen"
  check "$machine: the screen is told line by line, each once" \
    diff "$records/expected" "$records/screen"
done
finish
