#!/bin/sh
# tests/system/housekeeping.sh - a boot CPU that runs no guests
#
# The guests are those that QEMU kills, or itself, within seconds where its first CPU runs them (docs/found.md).
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# three MACHINE CPUS SLEEP
three()
{
  start "$1" "$1" --cpus "$2" --opt housekeeping --module "$TINY/storm.elf name=a mem=4M" \
    --module "$TINY/storm.elf name=b mem=4M" --module "$TINY/restore.elf name=c mem=4M" --script <<END
expect a "storm: now" 60
expect b "storm: now" 60
expect c "restore: now" 60
sleep $3
vm list
cpus
quit 0
END
}

three qemu-svm 3 4000
three bochs-vmx 2 200
three bochs-svm 2 200
start one qemu-svm --opt housekeeping --module "$TINY/storm.elf name=a mem=4M"

for machine in qemu-svm bochs-vmx bochs-svm; do
  ends "$machine" 0 'the script comes to its end'
  says "$machine" 'each guest had its turns' '^ *1 a +running +4 +1 +[0-9.]*[1-9]' \
    '^ *2 b +running +4 +1 +[0-9.]*[1-9]' '^ *3 c +running +4 +1 +[0-9.]*[1-9]'
  says "$machine" 'on the other CPUs only' '^ +0 +[0-9]+ +0\.000 ' '^ +1 +[0-9]+ +([1-9][0-9]*\.[0-9]+|0\.[0-9]*[1-9][0-9]*) '
done
ends one 1 'a machine with one CPU: ends with status 1'
says one 'the sentence says why' '^espejo: cannot start: housekeeping .* only one'
never one 'no guest ran' '^\[a\]'
finish
