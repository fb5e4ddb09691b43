#!/bin/sh
# tests/long/type2-guests.sh - the guests of guests.list, by which the Type 1 is judged, under the Type 2
#
# What they find otherwise there, and why, is in tests/system/type2.known.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
# shellcheck source=tests/system/guests.sh
. "$(dirname "$0")/../system/guests.sh"

MACHINE=qemu-type2
LIMIT=${GUESTS_LIMIT:-300}
# shellcheck disable=SC2154 # guest_row sets them
[ -f "$build/linux/vmlinuz" ] || {
  skip 'guests under the Type 2' 'no Linux to run it in (make linux)'
  finish
}

names=$(guest_names)
check 'there is a list' test "$(echo "$names" | wc -w)" -ge 7
# In tables clocks are compared: time is counted there, so that it is the same each time; QEMU does that for one CPU.
for name in $names; do
  guest_row "$name" $MACHINE
  counted=
  [ "$judge-$cpus" != table-1 ] || counted=--icount
  # shellcheck disable=SC2086
  background "$name" tools/type2 --host emulated $counted --timeout "$LIMIT" --verbose --mem "$memory" \
    --cpus "$cpus" --append "$words" "$image"
  [ "$judge" = table ] ||
    KERNEL=$image start "$name-bare" qemu-bare --append "$words"
done

background double tools/type2 --host emulated --timeout "$LIMIT" --verbose --mem 8M "$TINY/double.elf"

for name in $names; do
  guest_row "$name" $MACHINE
  sed -n "s/^$name: //p" tests/system/type2.known >"$records/$name.known"
  if [ "$judge" = table ]; then
    passes "$name" "$least" "$records/$name.known"
    continue
  fi
  ends "$name" 1 'the guest comes to its end'
  wait_for "$name-bare"
  spoken "$name" <"$records/$name.log" >"$records/type2.spoken"
  spoken "$name" <"$records/$name-bare.log" >"$records/qemu-bare.spoken"
  same "$name" qemu-bare type2 "$least" "$records/$name.known"
done
double_faults >"$records/expected"
wait_for double
grep '^double: ' "$log" >"$records/double.said"
check 'double: each fault comes as the manual says' diff "$records/expected" "$records/double.said"
says double 'a fault in the delivery of a double fault ends the machine' 'VM guest is dead: triple fault'
finish
