#!/bin/sh
# tests/system/stress.sh - 100,000 kicks from one CPU to others, of which none is lost
#
# The guests make each loss visible: `spin` never leaves the CPU by itself, `sleep` never wakes by
# itself, and there are no more of them than other CPUs, so no time slice ends.
. "$(dirname "$0")/lib.sh"

start qemu-svm qemu-svm --cpus 4 --opt silence=0 --module "$TINY/spin.elf name=spin mem=4M" \
  --module "$TINY/spin.elf name=spin2 mem=4M" --module "$TINY/sleep.elf name=sleep mem=4M" \
  --script <<'END'
expect spin "spin: now"
expect spin2 "spin: now"
expect sleep "sleep: now"
sleep 100
stress kicks 100000
cpus
vm list
quit 0
END
for machine in bochs-vmx bochs-svm; do
  start "$machine" "$machine" --cpus 2 --opt silence=0 --module "$TINY/spin.elf name=spin mem=4M" \
    --module "$TINY/sleep.elf name=sleep mem=4M" --script <<'END'
expect spin "spin: now"
expect sleep "sleep: now"
sleep 100
vm pause sleep
stress kicks 50000
vm pause spin
vm resume sleep
sleep 20
stress kicks 50000
vm list
quit 0
END
done

ends qemu-svm 0 'the stress comes to its end'
says qemu-svm '100,000 kicks to other CPUs, none lost' \
  '^stress: 100000 kicks to 3 vCPUs, 100000 answered, 0 lost'
for machine in bochs-vmx bochs-svm; do
  ends "$machine" 0 'the stress comes to its end'
  says "$machine" '50,000 kicks to one that spins, 50,000 to one that sleeps, none lost' \
    '^stress: 50000 kicks to 1 vCPUs, 50000 answered, 0 lost' \
    '^stress: 50000 kicks to 1 vCPUs, 50000 answered, 0 lost'
done
finish
