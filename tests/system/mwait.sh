#!/bin/sh
# tests/system/mwait.sh - MONITOR and MWAIT: what they refuse, what ends a wait, that no store is missed, and
# that who waits leaves the machine to others
#
# The guest of tests/guests/mwait.  Bare, it shows that its own checks of one CPU are right (Bochs 2.7 does not
# end a wait for stores of another CPU, so two cannot be asked there; QEMU looks at no address).
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/guests.sh
. "$(dirname "$0")/guests.sh"

guest_row mwait qemu-svm
MWAIT=$image

# guest NAME MACHINE CPUS: with as many CPUs as the list has, or fewer.
guest()
{
  guest_row mwait "$2"
  background "$1" tools/hv-run --machine "$2" --cpus "$3" --mem "$memory" --timeout "$LIMIT" \
    --hypervisor "$ESPEJO" --append "$(echo "$words" | sed "s/cpus=[0-9]*/cpus=$3/")" "$image"
}

guest qemu-svm qemu-svm 2
guest qemu-svm-1 qemu-svm 1
guest bochs-vmx bochs-vmx 2
guest bochs-svm bochs-svm 2
KERNEL=$MWAIT start bochs-bare-vmx bochs-bare-vmx --append cpus=1

# Two CPUs wait for ever, on one CPU of the machine, beside a guest that has work to do.
start beside qemu-svm --icount --script \
  --module "$MWAIT name=idle mem=32M cpus=2 -- cpus=2 then=sleep" \
  --module "$TINY/spin.elf name=busy mem=32M" <<'END'
expect idle "both sleep" 60
sleep 1000
vm list
sleep 2000
vm list
quit 0
END

# passes NAME CHECKS: a plan of so many checks, each of them ok.
passes()
{
  wait_for "$1"
  plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$log")
  good=$(grep -a -c '^ok ' "$log")
  bad=$(grep -a -c '^not ok ' "$log")
  if [ "${plan:-0}" -eq "$2" ] && [ "$good" -eq "$plan" ] && [ "$bad" -eq 0 ]; then
    ok "$1: each of $plan checks"
  else
    not_ok "$1: $good of ${plan:-no} checks" "$1"
    sed -n 's/^not ok/#   not ok/p' "$log"
  fi
}

passes qemu-svm 19
passes qemu-svm-1 11
passes bochs-vmx 22
passes bochs-svm 27 # which has MONITORX and MWAITX too; bare, Bochs ends no wait by its time
passes bochs-bare-vmx 14
ends beside 0 'two CPUs that wait for ever do not keep others from running'
# ran NAME: what it ran between the two lists, in ms.
ran()
{
  awk -v name="$1" '$2 == name && $3 == "running" { ms[n++] = $6 * 1000 } END { print n == 2 ? ms[1] - ms[0] : -1 }' "$log"
}
idle=$(ran idle) busy=$(ran busy)
echo "# of 2000 ms, idle ran $idle, busy $busy"
check 'beside: they run for less than 1 ms in 2 s' test "$idle" -ge 0 -a "$idle" -lt 1
check 'beside: the other one has nearly all of it' test "$busy" -gt 1900
finish
