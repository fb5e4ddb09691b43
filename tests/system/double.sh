#!/bin/sh
# tests/system/double.sh - double faults, faults in their handlers, and a fault in their delivery
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/guests.sh
. "$(dirname "$0")/guests.sh"

for machine in qemu-svm bochs-vmx bochs-svm; do
  start "$machine" "$machine" --cpus 1 \
    --module "$GUEST_OS name=good mem=32M -- run=counter,100" \
    --module "$TINY/double.elf name=double mem=8M" \
    --module "$TINY/triple.elf name=triple mem=8M" --script <<'END'
wait double dead 60
wait triple dead 60
expect good "counter: 2" 60
vm list
quit 0
END
done

double_faults >"$records/expected"

for machine in qemu-svm bochs-vmx bochs-svm; do
  ends "$machine" 0 'the script comes to its end'
  guest_lines "$machine" double >"$records/$machine.double"
  check "$machine: each fault comes as the manual says" diff "$records/expected" "$records/$machine.double"
  says "$machine" 'a fault in the delivery of a double fault ends that VM' \
    '^VM double is dead: .*triple fault'
  says "$machine" 'so does one without any gate' '^VM triple is dead: .*triple fault'
  says "$machine" 'the neighbour counts on' '^VM double is dead' '^\[good\] counter: 2' \
    '^ *1 good +running'
done
finish
