#!/bin/sh
# tests/system/trace.sh - `make trace`, `make trace-both`: records of exits that a viewer can open
# shellcheck disable=SC2016
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

cat >"$records/broken" <<'END'
trace-begin 1000000000
trace one 0 100 200 1000 0 po
[two] between
trace one 0 100 200 1000 0 port
END

# holds TEXT FILTER: jq's filter says true of the trace.
holds()
{
  check "$1" jq -e "$2" "$records/trace.json"
}

# fits NAME: the trace is of the documented form ("Trace Event Format"), with which a viewer can do something.
fits()
{
  holds "$1: every event has what its phase needs" '
    .traceEvents | all((.pid | type) == "number" and (.tid | type) == "number" and (
      (.ph == "X" and (.ts | type) == "number" and .ts >= 0 and .dur >= 0 and .name != "" and .cat != "" and
        (.args.rip | startswith("0x")))
      or (.ph == "C" and .ts >= 0 and .name != "" and ([.args[] | type] | all(. == "number")))
      or (.ph == "M" and (.name == "process_name" or .name == "thread_name") and .args.name != "")))'
  holds "$1: every process and every track with slices has a name, once" '
    ([.traceEvents[] | select(.ph == "X") | [.pid, .tid]] | unique) ==
    ([.traceEvents[] | select(.name == "thread_name") | [.pid, .tid]]) and
    ([.traceEvents[] | select(.ph == "X") | .pid] | unique) ==
    ([.traceEvents[] | select(.name == "process_name") | .pid])'
  # In whole nanoseconds: a slice begins where the one before ended, or later.
  holds "$1: on each track slices follow each other and never overlap" '
    [.traceEvents[] | select(.ph == "X")
      | {track: [.pid, .tid], from: (.ts * 1000 | round), to: ((.ts * 1000 | round) + (.dur * 1000 | round))}]
    | group_by(.track)
    | all(. as $t | [range(1; length)] | all($t[.].from >= $t[. - 1].to))'
  holds "$1: guest and hypervisor take turns" '
    [.traceEvents[] | select(.ph == "X") | {track: [.pid, .tid], guest: (.cat == "guest")}]
    | group_by(.track)
    | all(. as $t | [range(1; length)] | all($t[.].guest != $t[. - 1].guest))'
  holds "$1: the counters count every exit" '
    ([.traceEvents[] | select(.ph == "C") | .args[]] | add) ==
    ([.traceEvents[] | select(.cat == "guest")] | length)'
}

background make make --no-print-directory trace B="$build" MACHINE=qemu-svm
start bochs-vmx bochs-vmx --cpus 2 --opt trace=8192 \
  --module "$GUEST_OS name=one mem=16M -- run=counter,100" \
  --module "$GUEST_OS name=two mem=16M" --script <tools/trace.script
ends make 0 'make trace runs two guests and ends'
ends bochs-vmx 0 'so does the same on VT-x'
command -v jq >/dev/null || {
  skip 'the trace is right' 'no jq'
  finish
}
for machine in qemu-svm bochs-vmx; do
  case $machine in
  qemu-svm) cp "$build/trace.json" "$records/trace.json" ;;
  *) tools/trace-json "$records/bochs-vmx.log" >"$records/trace.json" ;;
  esac
  echo "# $machine: $(jq '.traceEvents | length' "$records/trace.json") events"
  holds "$machine: it is JSON, with more than 500 slices" \
    '[.traceEvents[] | select(.ph == "X")] | length > 500'
  fits "$machine"
  holds "$machine: both VMs and their vCPUs are named" '
    [.traceEvents[] | select(.ph == "M") | .args.name] == ["VM one", "vCPU 0", "VM two", "vCPU 0"]'
  holds "$machine: a guest waits by HLT, and talks through ports" '
    [.traceEvents[] | select(.ph == "X") | .cat + " " + .name] | (index("wait HLT") and index("hypervisor port"))'
done
tools/trace-json "$records/broken" >"$records/out" 2>"$records/error"
check 'a dump that was cut off is refused, and said to be' grep -q 'cut off' "$records/error"
{
  cat "$records/broken"
  echo trace-end
} >"$records/whole"
tools/trace-json "$records/whole" >"$records/trace.json"
holds 'a line that another one interrupted counts once' \
  '[.traceEvents[] | select(.ph == "X") | .args.exit] == ["port"]'

# ---- Several runs in one file --------------------------------------------------------------------

# Two clocks of different speed, which began at different times.
sed 's/^trace-begin .*/trace-begin 2000000000/; s/ 100 200 / 50000100 50000200 /' "$records/whole" >"$records/other"
tools/trace-json "Type 1=$records/whole" "Type 2=$records/other" >"$records/trace.json"
holds 'two runs: two processes, named after their runs' '
  [.traceEvents[] | select(.name == "process_name") | [.pid, .args.name]]
  == [[1, "Type 1: VM one"], [2, "Type 2: VM one"]]'
holds 'two runs: each begins at 0 and counts by its own clock' '
  [.traceEvents[] | select(.ph == "X") | [.pid, .ts, .dur]] == [[1, 0, 0.1], [2, 0, 0.05]]'
tools/trace-json "$records/whole" "$records/other" >"$records/out" 2>"$records/error"
check 'two runs that cannot be told apart are refused, and said to be' grep -q 'other: line .*NAME=RECORD' "$records/error"
check '... with nothing written' test ! -s "$records/out"
tools/trace-json "$records/none" 2>"$records/error"
check 'a record that is not there is named' grep -q 'none: No such file' "$records/error"
check 'no record at all: usage' sh -c 'tools/trace-json 2>"$1"; test $? -eq 64 && grep -q "^usage: " "$1"' sh "$records/error"

if [ ! -f "$build/linux/vmlinuz" ]; then
  skip 'both types in one file' 'Debian'\''s kernel was not fetched: make linux'
  finish
fi
background both make --no-print-directory trace-both B="$build" MACHINE=qemu-svm
ends both 0 'make trace-both records a Type 1 and a Type 2'
cp "$build/trace-both.json" "$records/trace.json"
holds 'both: three virtual machines, apart from each other' '
  [.traceEvents[] | select(.name == "process_name") | [.pid, .args.name]]
  == [[1, "Type 1: VM one"], [2, "Type 1: VM two"], [3, "Type 2: VM guest"]]'
fits both
holds 'both: each run begins at 0' '
  [.traceEvents[] | select(.ph == "X")] | group_by(.pid < 3) | map(map(.ts) | min) == [0, 0]'
holds 'both: all three wait by HLT, and talk through ports' '
  [.traceEvents[] | select(.ph == "X")] | group_by(.pid) | length == 3
  and all(map(.cat + " " + .name) | index("wait HLT") and index("hypervisor port"))'
finish
