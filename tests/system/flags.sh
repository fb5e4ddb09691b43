#!/bin/sh
# tests/system/flags.sh - garbage that an emulator leaves in RFLAGS harms no guest
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

for machine in qemu-svm bochs-vmx bochs-svm; do
  start "$machine" "$machine" --cpus 1 --opt exit=done --module "$TINY/adcx.elf name=adcx mem=8M cpu=bare"
done
for machine in qemu-svm bochs-vmx bochs-svm; do
  says "$machine" 'a guest goes on behind ADCX' '^\[adcx\] adcx: goes on' '^VM adcx is halted'
done
finish
