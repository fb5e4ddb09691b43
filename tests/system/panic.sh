#!/bin/sh
# tests/system/panic.sh - bugs of the hypervisor, made on purpose by the shell's `crash`: each is
# reported with what it was and where, and ends the machine with status 70
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# crash NAME MACHINE KIND: beside a guest that keeps the other CPU.
crash()
{
  start "$1" "$2" --cpus 2 --module "$TINY/spin.elf name=spin mem=4M" --script <<END
expect spin "spin: now"
crash $3
END
}

# reported NAME TEXT PATTERN...
reported()
{
  name=$1 text=$2
  shift 2
  ends "$name" 70 "$text: the status says that it is our bug"
  says "$name" "$text" "$@" '^espejo: exit status 70'
}

# called_by NAME FUNCTION: one of the likely callers is in FUNCTION.
called_by()
{
  wait_for "$1"
  # shellcheck disable=SC2046
  addr2line -f -e "$ESPEJO" $(sed -n 's/^  callers? //p' "$log") >"$records/callers"
  check "$1: $2 is among the likely callers" grep -qx "$2" "$records/callers"
}

for kind in panic check lock read write execute undefined stack pointer twice; do
  crash "$kind" qemu-svm "$kind"
done
crash bochs-svm bochs-svm stack
crash bochs-vmx bochs-vmx stack

trap_head='^espejo: PANIC on CPU [01]: #'
reported panic 'a panic' \
  'PANIC on CPU [01]: on purpose' 'at hv/type1/crash.c:[0-9]+' '^  callers\? [0-9a-f]'
reported check 'a check that fails' \
  'PANIC on CPU [01]: check failed: host_cpu' 'at hv/type1/crash.c:'
reported lock 'a lock taken twice' \
  'PANIC on CPU [01]: lock 0x[0-9a-f]+ taken twice' 'at hv/type1/lock.c:'
reported read 'a load from the empty lower half' "${trap_head}PF \\(vector 14, error 0\\)" \
  '^  rip ffffffff8.* cr2 0000000001000000' '^  rax ' '^  r12 '
reported write 'a store to code' "${trap_head}PF \\(vector 14, error 3\\)" ' cr2 ffffffff8'
reported execute 'a call into the direct map' "${trap_head}PF \\(vector 14, error 11\\)" \
  '^  rip ffff8.* cr2 ffff8'
reported undefined 'an undefined instruction' \
  "${trap_head}UD \\(vector 6, error 0\\)" '^  rip ffffffff8'
reported pointer 'a wild stack pointer' \
  "${trap_head}DF \\(vector 8, error 0\\)" ' rsp 0000000001000000'
reported twice 'a panic inside a panic' '^espejo: PANIC again'
for name in stack bochs-svm bochs-vmx; do
  reported "$name" 'calls without end' "${trap_head}DF \\(vector 8, error 0\\)" \
    "this CPU's stack is full"
done
called_by panic run_crash
called_by read run_crash
called_by stack run_crash
finish
