#!/bin/sh
# tests/system/lifecycle.sh - from vm create to vm kill; more vCPUs than CPUs; idle VMs
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
