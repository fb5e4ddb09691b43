#!/bin/sh
# tests/system/type2-attack.sh - lab 10 on the Type 2: attacks on the process that is a guest's hypervisor, with
# its four holes open and closed; a neighbour in another process; what somebody may do who has a process
# shellcheck source=tests/system/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

lab=$root/labs/10-attack-and-defend
if [ ! -f "$build/linux/vmlinuz" ] || [ ! -f "$build/labs/10-attack-and-defend/linux.cpio" ]; then
  skip 'attacks on the Type 2' 'no Linux to run it in (make labs-linux)'
  finish
fi

# The tree with the holes: what was built here serves there, but the four files.
open=$records/open
open_tree()
{
  mkdir -p "$open/build"
  git ls-files -z | tar -c -f - --null -T - | tar -x -f - -C "$open"
  for part in type2 type2-init espejo-vm container containers tools setup linux labs hv; do
    cp -a "$build/$part" "$open/build/" || return 1
  done
  for hole in "$lab"/planted/*; do
    tools/mutate "$hole" "$open" || return 1
  done
  MAKEFLAGS='' ESPEJO_SETUP=ready make -C "$open" --no-print-directory -s B=build labs-linux
}

check 'the four holes are built into espejo-vm' open_tree
background open env B="$open/build" tools/lab demo 10 type2
background closed tools/lab demo 10 type2

# screen HANDOUT: each line that it shows, "..." standing for any text, is in the record of the open one.
screen()
{
  awk '$0 == "<!-- screen: type2 -->" { on = 1; next }
    $0 == "<!-- end -->" { on = 0 }
    on && !/^```/ && $0 != "..."' "$lab/$1" >"$records/screen"
  [ -s "$records/screen" ] || return 1
  while IFS= read -r line; do
    pattern=$(printf '%s\n' "$line" | sed 's/[][\.*^$]/\\&/g; s/\\\.\\\.\\\./.*/g')
    grep -q -x -e "$pattern" "$log" || { echo "not seen: $line" && return 1; }
  done <"$records/screen"
}

ends open 0 'with open holes all of them come to their end'
for handout in README.md README.es.md; do
  check "open: as $handout shows it" screen "$handout"
done
says open 'VENOM kills its own process' "^\\[venom\\] espejo-vm: the guest's process died of a bug: Segmentation fault" \
  '^outside: venom ends with status 70'
says open 'XSA-108 reads its own process' '^\[xsa-108\] xsa-108: my weight is 100'
says open 'XSA-148 finds nobody' '^\[xsa-148\] xsa-148: nothing there'
says open 'CVE-2021-29657 ends in a panic of its own process' \
  '^\[cve-2021-29657\] espejo-vm: panic at hv/store/store.c:.* do not lie in' \
  "^\\[cve-2021-29657\\] espejo-vm: the guest's process died of a bug: Illegal instruction"
never open 'a process that fell does not go on' '^\[(venom|cve-2021-29657)\] .*: I am still here'
ends closed 0 'with closed holes too'
for attack in venom xsa-108 xsa-148 cve-2021-29657; do
  says closed "$attack comes to its end" "^\\[$attack\\] $attack: I am still here" "^outside: $attack ends with status 1"
done
never closed 'and finds nothing' 'my weight is|the secret is|panic|died of'
for run in open closed; do
  wait_for "$run"
  says "$run" 'the neighbour counts on' '^\[neighbour\] neighbour: my counter is unbroken' \
    '^outside: neighbour ends with status 1'
  says "$run" 'its process is nobody, without capabilities, filtered, in an empty root' \
    '^outside: neighbour has Uid: 65534' '^outside: neighbour has CapEff: 0000000000000000' \
    '^outside: neighbour has NoNewPrivs: 1' '^outside: neighbour has Seccomp: 2' '^outside: neighbour sees 0 files'
  for attempt in open socket; do
    says "$run" "who has a process and tries $attempt is killed" \
      "^\\[$attempt\\] espejo-vm: the guest's process was killed: it made a system call that is not on its list" \
      "^outside: $attempt ends with status 70"
  done
  never "$run" 'and does not come back' 'attempt .*: (refused|WORKED)'
done
finish
