#!/bin/sh
# tests/system/deaf.sh - guests that never hear the interrupt that waits for them take nobody's CPU
#
# QEMU lost the host's own timer there within seconds, at an entry with V_IRQ (hv/amd/svm_fast.c).
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# four MACHINE SLEEP: twice as many as there are CPUs
four()
{
  start "$1" "$1" --cpus 2 --module "$TINY/deaf.elf name=a mem=4M" --module "$TINY/deaf.elf name=b mem=4M" \
    --module "$TINY/deaf.elf name=c mem=4M" --module "$TINY/deaf.elf name=d mem=4M" --script <<END
expect a "deaf: now" 60
expect b "deaf: now" 60
expect c "deaf: now" 60
expect d "deaf: now" 60
sleep $2
vm list
quit 0
END
}

four qemu-svm 12000
four bochs-vmx 400
four bochs-svm 400

for machine in qemu-svm bochs-vmx bochs-svm; do
  ends "$machine" 0 'the operator gets a turn to the end'
  says "$machine" 'and each of them had its own' '^ *1 a +running' '^ *2 b +running' '^ *3 c +running' '^ *4 d +running'
done
finish
