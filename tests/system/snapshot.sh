#!/bin/sh
# tests/system/snapshot.sh - the state of one guest at one instruction: on every machine the same
#
# tests/guests/state puts something into every register and says "here".  Its state is taken on AMD-V and
# VT-x by the Type 1, and on Linux's KVM by the Type 2, and all pairs are compared field by field:
# what differs is declared in state.declared, and what is declared differs.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

STATE=$build/state/state.elf
tool=$build/tools/state
linux=$build/linux

# take NAME MACHINE MODEL WORD...: on the Type 1.
take()
{
  name=$1 machine=$2 model=$3
  shift 3
  start "$name" "$machine" --opt exit=done --script \
    --module "$STATE name=st mem=32M cpus=2 cpu=$model pauseport -- $STATE cpus=2${*:+ $*}" <<'END'
wait st paused 60
state st
vm resume st
wait st ended 60
END
}

take bochs-vmx bochs-vmx v1
take bochs-svm bochs-svm v1
take qemu-svm qemu-svm v1
take odd qemu-svm v1 odd=1
start twice qemu-svm --opt exit=done --script \
  --module "$STATE name=st mem=32M cpu=v1 pauseport -- $STATE" <<'END'
state st
wait st paused 60
state st
state nobody
END
if [ -f "$linux/vmlinuz" ]; then
  background type2 tools/type2 --mem 32M --cpus 2 --host-cpus 1 --cpu v1 --timeout "$LIMIT" --verbose \
    --state "$records/type2.state" --append cpus=2 "$STATE"
fi
for machine in qemu-svm bochs-vmx bochs-svm; do
  take "bare-$machine" "$machine" bare
done

goes_on()
{
  ends "$1" "$2" 'it comes to its end'
  says "$1" 'and went on behind that instruction' 'state: it went on'
}

for name in qemu-svm bochs-vmx bochs-svm odd bare-qemu-svm bare-bochs-vmx bare-bochs-svm; do
  goes_on "$name" 0
done
ends twice 1 'a state of no VM is an error of the script'
says twice 'and one is taken of a VM that runs, and of one with one CPU' '^state-end ' '^state-end ' "there is no VM .nobody."
set -- qemu-svm="$records/qemu-svm.log" bochs-vmx="$records/bochs-vmx.log" bochs-svm="$records/bochs-svm.log"
if [ -f "$linux/vmlinuz" ]; then
  goes_on type2 1
  set -- "$@" type2="$records/type2.state"
else
  skip 'the state on the Type 2' 'no Linux to run it in (make linux)'
fi

# ---- The comparison --------------------------------------------------------------------------

"$tool" diff --declared tests/system/state.declared "$@" >"$records/diff" 2>&1
result=$?
sed 's/^/# /' "$records/diff"
check 'all pairs differ in what is declared, and in nothing else' test "$result" -eq 0
few=$(awk '/^pair / && $4 < 900' "$records/diff")
check 'they have more than 900 fields each' test -z "$few"
check 'there is something in FPU and vectors on all CPUs that have AVX: the upper halves too' sh -c \
  "'$tool' show '$records/bare-qemu-svm.log' | grep -q '^cpu0.xsave.ymm_upper.part\[5\] 3c3c'"
"$tool" diff --only 'cpu*.xsave.*' --declared tests/system/state.declared qemu-svm="$records/bare-qemu-svm.log" \
  bochs-vmx="$records/bare-bochs-vmx.log" bochs-svm="$records/bare-bochs-svm.log" >"$records/diff" 2>&1
result=$?
sed 's/^/# /' "$records/diff"
check 'and hold the same there' test "$result" -eq 0

# ---- What the comparison sees ----------------------------------------------------------------

"$tool" diff --declared tests/system/state.declared one="$records/qemu-svm.log" two="$records/odd.log" \
  >"$records/diff"
check 'a guest that is otherwise fails' test $? -eq 1
check 'by the names of what is otherwise' sh -c "grep -q '^differs one two cpu0.dr\[2\] 0x00007fffffffe222 0x00007fffffffe223$' \
  '$records/diff' && grep -q '^differs one two rtc.cmos+0x40 a5 a4$' '$records/diff'"
check 'and of the pages that tell its command line' sh -c \
  "! grep '^differs' '$records/diff' | grep -v -e ' cpu0.dr\[2\] ' -e ' rtc.cmos+0x40 ' -e ' ram\.[0-9a-f]*\.hash '"
echo 'must * machine.vcpu_count never' >"$records/idle"
"$tool" diff --declared "$records/idle" --only 'machine.vcpu_count' one="$records/qemu-svm.log" two="$records/odd.log" \
  >"$records/diff"
check 'a declared difference that is none fails' test $? -eq 1
check 'and is named' grep -q '^never differs: line 1: \* machine.vcpu_count$' "$records/diff"

# refused TEXT STATUS FILE
refused()
{
  "$tool" show "$2" >"$records/refused" 2>&1
  check "refused: $1" test $? -eq 2
}

sed 's/^state 120 00/state 120 01/' "$records/qemu-svm.log" >"$records/damaged"
refused 'a state with another digit' "$records/damaged"
sed '/^state 1b0 /d' "$records/qemu-svm.log" >"$records/damaged"
refused 'a state without a line' "$records/damaged"
sed '/^state-end /d' "$records/qemu-svm.log" >"$records/damaged"
refused 'a state without an end' "$records/damaged"
refused 'a log without a state' tests/system/state.declared
finish
