#!/bin/sh
# tests/system/cpu.sh - the CPU that a kernel with cpu=bare finds is the machine's
#
# Two guests say what they find and what becomes of what they try: tests/guests/cpu (CPUID, MSRs,
# control registers, page rights and keys, instructions at each privilege level, width and stepped)
# and tests/guests/legacy (real mode, virtual-8086 mode, segment limits).  What
# docs/machine.md and docs/emulators.md declare to be different may differ from
# the bare machine (guests.sh), and is compared with cpu.expected; all the rest must be equal, line by line.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/guests.sh
. "$(dirname "$0")/guests.sh"

LIMIT=${CPU_LIMIT:-200}
expected=tests/system/cpu.expected

# pinned NAME MACHINE: what same has just left out, as the guest said it, is word for word what it said when somebody
# last read it.  What it says now is left in the build tree, to be read and taken over.
pinned()
{
  grep -E -f "$records/declared" "$records/$2.spoken" >"$records/left-out"
  mkdir -p "$build/cpu.expected"
  cp "$records/left-out" "$build/cpu.expected/$1-$2"
  check "$1, $2: what may differ from the bare machine is as expected" diff "$expected/$1-$2" "$records/left-out"
}

# pair BARE VIRTUAL NAME
pair()
{
  guest_row "$3" "$2"
  KERNEL=$image
  start "$3-$1" "$1" --append "$words"
  unset KERNEL
  start "$3-$2" "$2" --opt exit=done --module "$image name=g mem=$memory cpu=bare -- $words"
  ends "$3-$2" 0 'the guest comes to its end'
  wait_for "$3-$1"
  spoken "$3" <"$records/$3-$1.log" >"$records/$1.spoken"
  guest_lines "$3-$2" g | spoken "$3" >"$records/$2.spoken"
  same "$3" "$1" "$2" "$least"
  pinned "$3" "$2"
}

pair qemu-bare qemu-svm cpu
pair qemu-bare qemu-svm legacy
pair bochs-bare-vmx bochs-vmx cpu
pair bochs-bare-vmx bochs-vmx legacy
pair bochs-bare-svm bochs-svm cpu
check 'bochs-svm: PDPTEs are what is in memory' \
  grep -q '^pae read, changed in memory, INVLPG: -1(0) bbbb' "$records/bochs-svm.spoken"
check 'bochs-svm: their reserved bits are page faults' \
  grep -q '^pae read after that: 14(9) 0' "$records/bochs-svm.spoken"
pair bochs-bare-svm bochs-svm legacy
finish
