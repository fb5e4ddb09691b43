#!/bin/sh
# tests/system/boot.sh - `make run` with nobody at the keyboard, on each machine and by each compiler
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# What the guests said, without what depends on the machine's speed and the compiler: run times, the
# size of the kernel, and how far the counters came.
transcript()
{
  wait_for "$1"
  {
    guest_lines "$1" two
    guest_lines "$1" one | head -n 5
  } | sed -E 's/[0-9]+ KiB/N KiB/; s/ +/ /g; s/[0-9]+ (kernel|shell)/N \1/; s/^[$ ]*//' | grep .
}

# make builds nothing here: that was done before the test.
machines='qemu-svm bochs-vmx bochs-svm'
for machine in $machines; do
  background "$machine" make --no-print-directory run B="$build" MACHINE="$machine"
done
other=clang
case ${CC:-gcc} in clang*) other=gcc ;; esac
[ ! -f "$build/$other/hv/espejo.elf" ] ||
  background "$other" make --no-print-directory run B="$build/$other" CC="$other" MACHINE=qemu-svm

for machine in $machines; do
  ends "$machine" 0 'make run without a terminal ends by itself'
  says "$machine" 'both guests and the shell speak' '^espejo: [0-9]+ of 2 CPUs' \
    '^\[one\] .*counter: 1' '^\[two\] sieve: 25 primes' '^hv> vm list' '^ *1 one +running' \
    '^ *2 two +running' '^hv> mem' '^hv> trace two 5' '^ *1 one +paused' '^\[three\] .*counter: 1' \
    '^ *1 one +dead .*killed' 'espejo: exit status 0'
  transcript "$machine" >"$records/$machine.said"
done
says qemu-svm 'runs on all CPUs by AMD-V' '^espejo: 2 of 2 CPUs .*AMD-V'
says bochs-vmx 'runs on all CPUs by VT-x' '^espejo: 2 of 2 CPUs .*VT-x'
says bochs-svm 'runs on all CPUs by AMD-V' '^espejo: 2 of 2 CPUs .*AMD-V'
check 'the guests said something' test "$(wc -l <"$records/qemu-svm.said")" -ge 8
for machine in bochs-vmx bochs-svm; do
  check "the guests say the same on $machine as on qemu-svm" \
    diff "$records/qemu-svm.said" "$records/$machine.said"
done
if [ -e "$records/$other.begun" ]; then
  ends "$other" 0 'the other compiler builds one that works too'
  transcript "$other" >"$records/other.said"
  check 'and its guests say the same' diff "$records/qemu-svm.said" "$records/other.said"
else
  skip 'the other compiler builds one that works too' "no $other"
  skip 'and its guests say the same' "no $other"
fi
finish
