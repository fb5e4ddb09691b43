#!/bin/sh
# tests/system/peers.sh - the checker on hypervisors that are not ours: the table, what a platform cannot show,
# and a group on each of Type 2, KVM and Xen
# shellcheck disable=SC2317
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

B=$build
export B

# ---- The table, from reports made by hand ----------------------------------------------------

# report PLATFORM CHECK..: a report whose checks are "RESULT PROPERTY NAME"
report()
{
  mkdir -p "$records/table/$1"
  into=$records/table/$1
  shift
  echo 'seed 1' >"$into/info"
  printf '%s\n' "$@" | jq -R 'split(" ") | {result: .[0], property: .[1], name: .[2], points: 1, reason: "why", where: ""}' |
    jq -s '{platform: "made up", seed: "1", numbers: [{series: "cost", name: "cpuid", value: 12.34, limit: 20, unit: "instructions"}],
      properties: [("fidelity", "isolation", "performance") as $p
        | {name: $p, score: 50, points: 1, max: ([.[] | select(.property == $p)] | length)}], checks: .}' >"$into/report.json"
}

# table STATUS: the status of the table, which is then in $records/table.txt
table()
{
  status=0
  tools/peers --table --out "$records/table" --platforms "$2" >"$records/table.txt" 2>&1 || status=$?
  cat "$records/table.txt"
  echo "status $status, expected $1"
  [ "$status" -eq "$1" ]
}
has() { grep -q -E -e "$1" "$records/table.txt" || { cat "$records/table.txt"; return 1; }; }

if command -v jq >/dev/null; then
  report kvm 'pass fidelity census/a' 'fail fidelity census/b.1' 'skip isolation run/attack'
  report xen 'pass fidelity census/a' 'pass fidelity census/b.1'
  check 'a failure that nobody knows of: status 1' table 1 'kvm xen'
  check 'it is marked' has '^  census +1/2 ! +2/2$'
  check 'what was skipped is said, and is no pass' has '^  run +skip +-$'
  check 'a cost is a number' has '^  cost of cpuid +12 +12$'
  echo 'known census/b.* a reason' >>"$records/table/kvm/info"
  check 'a failure that is known: status 0' table 0 'kvm xen'
  check 'it is counted' has '^  census +1/2 k1 +2/2$'
  check 'with its reason' has 'kvm: known: a reason \(census/b.1\)'
  echo 'no file here: make it' >"$records/table/type2.absent"
  check 'an absent platform is no failure' table 0 'kvm type2'
  check 'but it is said' has 'type2: absent: no file here: make it'
  report xen 'pass fidelity census/a' 'error fidelity run/b'
  check 'an error of the harness: status 2' table 2 'kvm xen'
  check 'it is no pass' has '^  census +1/2 k1 +1/1$'
  check 'and it is said' has 'xen: ERROR run/b: why'
  rm "$records/table/xen/report.json" && echo 'pgcheck: it broke off' >"$records/table/xen.log"
  check 'a check that broke off: status 2' table 2 'kvm xen'
  check 'with its last words' has 'xen: ERROR pgcheck: it broke off'
else
  skip 'the table' 'no jq'
fi
check 'an unknown platform is refused' sh -c '! tools/peers --platforms nonsense'

# ---- What a platform says of itself -------------------------------------------------------------

cat >"$records/platform.sh" <<'EOF_PLATFORM'
platform_title=nothing platform_bare=qemu-bare platform_can='' platform_image=/dev/null
platform_limits= platform_slice=1 platform_storm=1
platform_cannot='switch/none nothing
reuse/nothing it has no memory
  reuse/clear*'
platform_run() { echo "[one] half a" >"$dir/$1.out"; }
platform_facts() { :; }
EOF_PLATFORM
only_reuse_is_skipped()
{
  checker/pgcheck --platform "$records/platform.sh" --only 'reuse switch' --out "$records/cannot" --quiet
  grep -q '^skip isolation reuse/cleared$' "$records/cannot/results" &&
    grep -q '^fail isolation switch/alive.one$' "$records/cannot/results" &&
    jq -e '.checks[] | select(.name == "reuse/cleared")
      | .reason | startswith("it has no memory; seen: fail")' "$records/cannot/report.json"
}
check 'what a platform cannot show is a skip, and nothing else is' only_reuse_is_skipped
# Lines "PATTERN WHY" of all platform files, and more patterns behind one.
excuses()
{
  for file in checker/platforms/*.sh; do
    case $file in
    */bare.sh | */espejo.sh | */linux.sh | */vmexit.sh | */*-chips.sh) continue ;;
    esac
    sh -c 'checker=$1 tools=none
      . "$2"
      printf "%s\n" "${platform_known:-}" "${platform_cannot:-}"' - "$root/checker" "./$file" | grep .
  done
}
well_formed() { excuses >"$records/excuses" && ! grep -v -E '^([a-z]+/[^ ]+ .{10}|( +[a-z]+/[^ ]+)+$)' "$records/excuses"; }
check 'each known failure has a pattern of a group and a reason' well_formed

# ---- A group on each --------------------------------------------------------------------------

# passes NAME PLATFORM GROUPS: every check of these groups passes, or is known to fail
passes()
{
  LIMIT=600 background "$1" tools/peers --platforms "$2" --only "$3" --out "$records/$1.peer"
}
if [ -f "$build/linux/vmlinuz" ]; then
  passes type2 type2 'switch reuse loads'
  passes kvm kvm 'switch'
else
  skip 'guests of KVM' 'no Linux to run it in (make linux)'
fi
if [ -f "$build/xen/xen.elf" ]; then
  passes xen xen 'census switch'
else
  skip 'a guest of Xen' 'no Xen (make xen)'
fi
if [ -f "$build/linux/vmlinuz" ]; then
  ends type2 0 'two guests of the Type 2 keep apart, by its own account and ours'
  says type2 'all that was to be judged was' '^  switch +([1-9][0-9]*)/\1$'
  ends kvm 0 'two guests of KVM and QEMU keep apart'
  says kvm 'all that was to be judged was' '^  switch +([1-9][0-9]*)/\1$'
fi
if [ -f "$build/xen/xen.elf" ]; then
  ends xen 0 "Xen's dom0 goes through the census as it is known to"
  check 'to its end' grep -q '^pass fidelity census/complete$' "$records/xen.peer/xen/results"
  says xen 'what one guest cannot show is skipped' 'xen: skip: one guest only.*run/switch'
fi
finish
