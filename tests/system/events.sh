#!/bin/sh
# tests/system/events.sh - which event comes first: the table of tests/guests/events, everywhere
#
# Bare, the table says what the manuals and the emulators make of each case (what an emulator
# does otherwise is in deviations.c).  Under the hypervisor it must be the same.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

EVENTS=$build/events/events.elf
CASES_AT_LEAST=200

KERNEL=$EVENTS
start qemu-bare qemu-bare --icount --append emulator=qemu-bare
start bochs-bare-vmx bochs-bare-vmx --append emulator=bochs-bare
start bochs-bare-svm bochs-bare-svm --append emulator=bochs-bare
unset KERNEL
start qemu-svm qemu-svm --icount --opt exit=done \
  --module "$EVENTS name=ev mem=64M -- emulator=qemu-svm"
for machine in bochs-vmx bochs-svm; do
  start "$machine" "$machine" --opt exit=done \
    --module "$EVENTS name=ev mem=64M -- emulator=$machine"
done

# table NAME: what its cases said, in the order of their numbers.
table()
{
  sed -n 's/^\[ev\] //; /^1\.\./p; /^ok /p; /^not ok /p' "$records/$1.log"
}

# all_pass NAME: a plan, and exactly as many cases, each of them ok.
all_pass()
{
  plan=$(table "$1" | sed -n 's/^1\.\.//p')
  good=$(table "$1" | grep -c '^ok ')
  bad=$(table "$1" | grep -c '^not ok ')
  [ "${plan:-0}" -ge "$CASES_AT_LEAST" ] && [ "$good" -eq "$plan" ] && [ "$bad" -eq 0 ]
}

for name in qemu-bare bochs-bare-vmx bochs-bare-svm qemu-svm bochs-vmx bochs-svm; do
  wait_for "$name"
  if all_pass "$name"; then
    ok "$name: each of $plan cases gives the events in their order"
  else
    not_ok "$name: $good of ${plan:-no} cases give the events in their order" "$name"
    table "$name" | sed -n 's/^not ok/#   not ok/p'
  fi
  sed -n 's/^\[ev\] //; s/^# \(.*: known deviation\)/#   \1/p' "$records/$name.log"
done
for name in qemu-svm bochs-vmx bochs-svm; do
  ends "$name" 0 'the guest comes to its end'
done
finish
