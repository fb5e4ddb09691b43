#!/bin/sh
# tests/system/lifecycle.sh - from vm create to vm delete; more vCPUs than CPUs; idle VMs
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

machines='qemu-svm bochs-vmx bochs-svm'
for machine in $machines; do
  start "$machine" "$machine" --cpus 2 \
    --module "$GUEST_OS name=one mem=16M -- run=counter,100" --script <<'END'
expect one "counter: 3" 60
vm pause one
vm list
echo the pause begins
sleep 500
echo the pause ends
vm list
vm resume one
expect one "counter: 6" 60
vm create two one 32
vm start two
expect two "counter: 2" 60
vm restart one
expect one "memory free" 60
expect one "counter: 2" 60
vm kill two
wait two dead 60
sleep 10
vm start two
expect two "memory free" 60
expect two "counter: 1" 60
vm kill 1
vm list
quit 0
END
done

# A hundred VMs come and go, each in its guest for a moment: as much memory is in use afterwards as
# after the first of them.
rounds()
{
  echo 'expect one "counter: 1" 60'
  for n in $(seq 0 100); do
    echo "vm create two one 32"
    echo "vm start two"
    [ $((n % 25)) -ne 0 ] || echo 'expect two "counter: 1" 60'
    [ $((n % 3)) -ne 0 ] || echo "sleep 1"
    echo "vm kill two"
    [ $((n % 2)) -ne 0 ] || echo "wait two dead 60"
    echo "vm delete two"
    [ "$n" -ne 0 ] || printf '%s\n' 'mem' 'echo the rounds begin'
  done
  printf '%s\n' 'echo the rounds end' 'mem' 'vm list' 'quit 0'
}
for machine in $machines; do
  rounds | start "rounds-$machine" "$machine" --cpus 2 \
    --module "$GUEST_OS name=one mem=16M -- run=counter,1000" --script
done

# 64 and no more; then one goes, and its name and number are another's.
full()
{
  for n in $(seq 2 64); do
    echo "vm create vm$n one"
  done
}
{
  full
  printf '%s\n' 'vm delete vm7' 'vm start vm64' 'expect vm64 "free" 60' 'vm kill 64' 'vm delete 64' \
    'vm create seven one' 'vm create vm64 one' 'vm list' 'quit 0'
} | start full qemu-svm --module "$GUEST_OS name=one mem=4M" --script
{
  full
  echo 'vm create onemore one'
} | start overfull qemu-svm --module "$GUEST_OS name=one mem=4M" --script
start alive qemu-svm --module "$GUEST_OS name=one mem=4M" --script <<'END'
expect one "free" 60
vm delete one
END
start paused qemu-svm --module "$GUEST_OS name=one mem=4M" --script <<'END'
expect one "free" 60
vm pause one
vm delete one
END

# Eight VMs on two CPUs: each computes without end and tells of each round.
many()
{
  set --
  for n in 1 2 3 4 5 6 7 8; do
    set -- "$@" --module "$TINY/busy.elf name=vm$n mem=4M"
  done
  start many-"$machine" "$machine" --cpus 2 "$@" --script <<'END'
expect vm1 "busy: 2" 120
expect vm2 "busy: 2" 120
expect vm3 "busy: 2" 120
expect vm4 "busy: 2" 120
expect vm5 "busy: 2" 120
expect vm6 "busy: 2" 120
expect vm7 "busy: 2" 120
expect vm8 "busy: 2" 120
cpus
sleep 100
expect vm1 "busy: 4" 120
expect vm8 "busy: 4" 120
cpus
vm list
quit 0
END
}
for machine in qemu-svm bochs-vmx; do
  many
done

# Idle guests, looked at twice with some of their seconds between: idle_seconds MACHINE.
idle_seconds()
{
  case $1 in
  bochs-*) echo 2 ;;
  *) echo 10 ;;
  esac
}
for machine in qemu-svm bochs-vmx; do
  start "idle-$machine" "$machine" --cpus 1 --module "$GUEST_OS name=one mem=16M" \
    --module "$GUEST_OS name=two mem=16M" --module "$TINY/sleep.elf name=three mem=4M" --script <<END
expect one "$ " 60
expect two "$ " 60
expect three "sleep: now" 60
sleep 500
vm list
sleep $(idle_seconds "$machine")000
vm list
quit 0
END
done

# A guest that resets its machine as soon as it runs, again and again, beside one that wants all of the CPU.
for machine in $machines; do
  counted=''
  [ "$machine" != qemu-svm ] || counted=--icount
  # shellcheck disable=SC2086
  start "resets-$machine" "$machine" $counted --module "$build/checker/neighbour.elf name=one mem=16M -- \
nonce=n mode=share slice=8000000" --module "$TINY/ends.elf name=two mem=4M -- c" --script <<'END'
wait one ended 120
vm kill two
sleep 3000
vm list
quit 0
END
done

for machine in $machines; do
  ends "$machine" 0 'create, start, pause, resume, restart, kill'
  says "$machine" 'a paused VM stands still' '^hv> vm pause one' '^ *1 one +paused' \
    '^the pause begins' '^the pause ends' '^hv> vm resume one' '^\[one\] counter: 6'
  sed -n '/^the pause begins/,/^the pause ends/p' "$log" | grep '^\[one\]' >"$records/while"
  check "$machine: it says nothing meanwhile" test ! -s "$records/while"
  grep -E '^ *1 one +paused' "$log" | awk '{ print $6, $7 }' | sort -u >"$records/stood"
  check "$machine: nor do its run time and its exits grow" test "$(wc -l <"$records/stood")" -eq 1
  guest_lines "$machine" one | grep -o 'counter: [0-9]*' | awk '{ n = $2 == 1 ? 1 : n + 1; if ($2 != n) print }' \
    >"$records/gaps"
  check "$machine: and it loses no count" test ! -s "$records/gaps"
  says "$machine" 'a VM is created like another, and killed' '^\[two\] .*counter: 2' \
    '^VM two is dead: killed' '^\[two\] .*memory free'
  says "$machine" 'a restarted VM boots again' '^hv> vm restart one' '^\[one\] guest-os: .*memory free' \
    '^\[one\] .*counter: 1'
  says "$machine" 'vm list shows their end' '^ *1 one +dead .*killed' '^ *2 two +running +32'
done

for machine in $machines; do
  name=rounds-$machine
  ends "$name" 0 'a hundred VMs come and go'
  sed -n 's/^memory:.* promised to VMs \([0-9]* MiB, in use [0-9]* KiB\)$/\1/p' "$log" >"$records/used"
  sed "s/^/# $name: promised /" "$records/used"
  check "$name: all their memory comes back" \
    test "$(sort -u "$records/used" | wc -l)-$(wc -l <"$records/used")" = 1-2
  says "$name" 'each of them ended before it went' '^the rounds begin' '^VM two is dead: killed' \
    '^hv> vm delete two' '^the rounds end'
  check "$name: a hundred and one ends" test "$(grep -c '^VM two is dead: killed' "$log")" -eq 101
  says "$name" 'the one beside them went on, and is alone' '^the rounds end' '^ *1 one +running'
  check "$name: alone" test "$(grep -c -E '^ +[0-9]+ [a-z]+ +(running|dead|defined)' "$log")" -eq 1
done
for machine in $machines; do
  name=resets-$machine
  ends "$name" 0 'a guest that resets for ever'
  says "$name" 'it comes again, later each time, until it is killed' '^\[two\] ends: reset' \
    '^VM two is off: the guest reset' '^\[two\] ends: reset' '^hv> vm kill two' '^ *2 two +off'
  # shellcheck disable=SC2016
  check "$name: and the other has 97 % of the CPU" awk '
    sub(/.*@n share /, "") { split($2, own, "="); split($3, all, "="); found = own[2] >= all[2] * 0.97 }
    END { exit !found }' "$log"
  sed -n '/^hv> vm kill two/,$p' "$log" | grep '^\[two\]' >"$records/after"
  check "$name: what was killed comes no more" test ! -s "$records/after"
done
ends full 0 'after vm delete there is room for one more'
says full 'name and number are free again' '^hv> vm delete vm7' '^ *6 vm6 ' '^ *7 seven +defined' '^ *8 vm8 ' \
  '^ *64 vm64 +defined'
ends overfull 1 'the 65th VM is refused'
says overfull 'with a sentence' '^hv> vm create onemore' '^no more than 64 VMs: vm delete gives room'
ends alive 1 'vm delete of a running VM is refused'
says alive 'with a sentence' '^hv> vm delete one' '^VM one is running: vm kill it first'
ends paused 1 'and that of a paused one'
says paused 'with a sentence' '^hv> vm delete one' '^VM one is paused: vm kill it first'

for machine in qemu-svm bochs-vmx; do
  name=many-$machine
  ends "$name" 0 'eight VMs on two CPUs all advance'
  grep -E '^ +[0-9] vm[0-9] +running' "$log" | awk '$6 == 0 || $6 == "0.000" { print }' >"$records/none"
  check "$name: each has run time" test ! -s "$records/none"
  grep -E '^ +[01] +[0-9]+ +[0-9]+\.' "$log" | awk '
    { busy[$1] = busy[$1] " " $3 }
    END { for (c in busy) { split(busy[c], b, " "); if (b[2] <= b[1]) bad = 1; n++ } exit bad || n != 2 }'
  check "$name: each CPU's run time grows" test $? -eq 0
done

# Thresholds by count: a tick of 100 Hz would be hundreds of exits.
for machine in qemu-svm bochs-vmx; do
  name=idle-$machine
  ends "$name" 0 'idle guests'
  grep -E '^ +[123] (one|two|three) +running' "$log" | awk '
    { if ($2 in exits) printf "%s %d %d\n", $2, $7 - exits[$2], ($6 - run[$2]) * 1000
      exits[$2] = $7; run[$2] = $6 }' >"$records/idle"
  sed "s/^/# $name: exits and ms in $(idle_seconds "$machine") s: /" "$records/idle"
  # shellcheck disable=SC2016
  check "$name: $(idle_seconds "$machine") idle seconds are at most 10 exits and 10 ms" \
    awk '$2 > 10 || $3 > 10 { bad = 1 } END { exit bad || NR != 3 }' "$records/idle"
done
finish
