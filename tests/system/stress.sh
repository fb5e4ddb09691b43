#!/bin/sh
# tests/system/stress.sh - 100,000 kicks from one CPU to others, of which none is lost
#
# The guests make each loss visible: `spin` never leaves the guest by itself, `sleep` never wakes by
# itself, and there are no more of them than other CPUs, so no time slice ends.  On a busy host QEMU's
# CPUs overlook an interrupt now and then (docs/found.md); which kick that was, the hypervisor finds out.
LIMIT=${LIMIT:-400}
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start qemu-svm qemu-svm --cpus 4 --opt silence=0 --module "$TINY/spin.elf name=spin mem=4M" \
  --module "$TINY/sleep.elf name=sleep mem=4M" --module "$TINY/sleep.elf name=sleep2 mem=4M" \
  --script <<'END'
expect spin "spin: now" 100
expect sleep "sleep: now" 100
expect sleep2 "sleep: now" 100
vm pause spin
stress kicks 98000
vm pause sleep
vm pause sleep2
vm resume spin
sleep 20
stress kicks 2000
cpus
vm list
quit 0
END
for machine in bochs-vmx bochs-svm; do
  start "$machine" "$machine" --cpus 2 --opt silence=0 --module "$TINY/spin.elf name=spin mem=4M" \
    --module "$TINY/sleep.elf name=sleep mem=4M" --script <<'END'
expect spin "spin: now" 100
expect sleep "sleep: now" 100
vm pause spin
stress kicks 80000
vm pause sleep
vm resume spin
sleep 20
stress kicks 20000
cpus
vm list
quit 0
END
done

ends qemu-svm 0 'the stress comes to its end'
says qemu-svm '98,000 kicks to two that sleep, 2,000 to one that spins, none lost' \
  '^stress: 98000 kicks to 2 vCPUs, 98000 answered, 0 lost, [0-3] overlooked;' \
  '^stress: 2000 kicks to 1 vCPUs, 2000 answered, 0 lost, [0-3] overlooked;'
for machine in bochs-vmx bochs-svm; do
  ends "$machine" 0 'the stress comes to its end'
  says "$machine" '80,000 kicks to one that sleeps, 20,000 to one that spins, none lost' \
    '^stress: 80000 kicks to 1 vCPUs, 80000 answered, 0 lost, 0 overlooked;' \
    '^stress: 20000 kicks to 1 vCPUs, 20000 answered, 0 lost, 0 overlooked;'
done
finish
