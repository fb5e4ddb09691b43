#!/bin/sh
# tests/system/crash.sh - guests that come to grief beside one that must not notice
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

for machine in qemu-svm bochs-vmx bochs-svm; do
  # One CPU: the neighbour lives only if the one that spins with interrupts off is preempted.
  start "$machine" "$machine" --cpus 1 \
    --module "$GUEST_OS name=good mem=32M -- run=counter,100" \
    --module "$TINY/triple.elf name=triple mem=8M" \
    --module "$TINY/halt.elf name=halt mem=8M" \
    --module "$TINY/poke.elf name=poke mem=8M strict=1" \
    --module "$TINY/poke.elf name=lax mem=8M" \
    --module "$TINY/spin.elf name=spin mem=8M" --script <<'END'
wait triple dead 60
wait halt halted 60
wait poke dead 60
expect lax "poke: still here" 60
wait lax halted 60
expect good "counter: 1" 60
vm list
echo now it counts beside one that spins
sleep 500
expect good "counter: 9" 60
vm list
vm pause spin
vm resume spin
vm restart triple
wait triple dead 60
vm kill spin
wait spin dead 60
expect good "counter: 12" 60
vm list
quit 0
END
done

for machine in qemu-svm bochs-vmx bochs-svm; do
  ends "$machine" 0 'the script comes to its end'
  says "$machine" 'a triple fault ends that VM, and the cause is named' \
    '^\[triple\] triple: now' '^VM triple is dead: .*triple fault'
  says "$machine" 'HLT with interrupts off is reported as such' \
    '^VM halt is halted: .*interrupts off'
  says "$machine" 'a store to nowhere ends a strict VM, and names the address' \
    '^VM poke is dead: .*0xf8000000'
  says "$machine" 'the same store is lost, as on a PC, in one that is not' \
    '^\[lax\] poke: nothing reads as ones' '^\[lax\] poke: still here'
  says "$machine" 'a guest that spins with interrupts off gets and leaves the CPU' \
    '^ *6 spin +running' '^hv> vm pause spin' '^hv> vm resume spin' '^VM spin is dead: killed'
  says "$machine" 'the neighbour counts on after each of them' 'counts beside one that spins' \
    '^\[good\] counter: 9' '^VM triple is dead' '^VM spin is dead' '^\[good\] counter: 12' \
    '^ *1 good +running'
done
finish
