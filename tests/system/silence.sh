#!/bin/sh
# tests/system/silence.sh - a guest that falls silent is reported; those that live are not
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start qemu-svm qemu-svm --cpus 2 --opt silence=1 \
  --module "$TINY/spin.elf name=spin mem=4M" --module "$TINY/storm.elf name=storm mem=4M" \
  --module "$TINY/busy.elf name=busy mem=4M" --module "$TINY/sleep.elf name=sleep mem=4M" \
  --module "$GUEST_OS name=idle mem=16M" --script <<'END'
expect spin "spin: now" 60
expect storm "storm: now" 60
sleep 6000
vm restart spin
sleep 4000
vm list
quit 0
END
# Few guests and a short time: each of its seconds costs Bochs several.
start bochs-vmx bochs-vmx --cpus 2 --opt silence=1 --module "$TINY/spin.elf name=spin mem=4M" \
  --module "$GUEST_OS name=idle mem=16M" --script <<'END'
expect spin "spin: now" 60
sleep 2500
quit 0
END

for machine in qemu-svm bochs-vmx; do
  ends "$machine" 0 'the script comes to its end'
  says "$machine" 'one that spins is reported: where it is, its last exit, what to do next' \
    '^VM spin is silent: it used [1-9] s of CPU time without a word or a HLT' \
    '^  vCPU 0 is at 0x1000[0-9a-f]+, in spin_here\+0, interrupts are off' \
    '^  its last exit, [0-9.]+ s ago: port \(info 0x[0-9a-f]+\) at 0x1000[0-9a-f]+, in tiny_say\+0x' \
    '^  next: addr2line -f -e KERNEL 0x1000.*vm kill spin'
  never "$machine" 'those that talk, sleep or wait are left alone' '^VM (busy|sleep|idle) is silent'
done
says qemu-svm 'one that only asks and never listens is reported too' \
  '^VM storm is silent:' 'its last exit, .*: CPUID .* at .*, in storm_here'
says qemu-svm 'and one that was restarted, again' '^hv> vm restart spin' '^VM spin is silent:'
check 'qemu-svm: each once until it shows life' \
  test "$(grep -c '^VM spin is silent' "$log") $(grep -c '^VM storm is silent' "$log")" = '2 1'
finish
