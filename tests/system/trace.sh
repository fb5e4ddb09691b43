#!/bin/sh
# tests/system/trace.sh - `make trace`: a record of exits that a viewer can open
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
# shellcheck disable=SC2016
for machine in qemu-svm bochs-vmx; do
  case $machine in
  qemu-svm) cp "$build/trace.json" "$records/trace.json" ;;
  *) tools/trace-json "$records/bochs-vmx.log" >"$records/trace.json" ;;
  esac
  echo "# $machine: $(jq '.traceEvents | length' "$records/trace.json") events"
  holds "$machine: it is JSON, with more than 500 slices" \
    '[.traceEvents[] | select(.ph == "X")] | length > 500'
  holds "$machine: every event has what its phase needs" '
    .traceEvents | all(
      (.ph == "X" and (.ts | type) == "number" and .dur >= 0 and .name != "" and (.args.rip | startswith("0x")))
      or (.ph == "C" and .ts >= 0 and ([.args[] | type] | all(. == "number")))
      or (.ph == "M" and .args.name != ""))'
  holds "$machine: both VMs and their vCPUs are named" '
    [.traceEvents[] | select(.ph == "M") | .args.name] == ["VM one", "vCPU 0", "VM two", "vCPU 0"]'
  # In whole nanoseconds: a slice begins where the one before ended, or later.
  holds "$machine: on each track slices follow each other and never overlap" '
    [.traceEvents[] | select(.ph == "X")
      | {track: [.pid, .tid], from: (.ts * 1000 | round), to: ((.ts * 1000 | round) + (.dur * 1000 | round))}]
    | group_by(.track)
    | all(. as $t | [range(1; length)] | all($t[.].from >= $t[. - 1].to))'
  holds "$machine: guest and hypervisor take turns" '
    [.traceEvents[] | select(.ph == "X") | {track: [.pid, .tid], guest: (.cat == "guest")}]
    | group_by(.track)
    | all(. as $t | [range(1; length)] | all($t[.].guest != $t[. - 1].guest))'
  holds "$machine: the counters count every exit" '
    ([.traceEvents[] | select(.ph == "C") | .args[]] | add) ==
    ([.traceEvents[] | select(.cat == "guest")] | length)'
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
finish
