# shellcheck shell=sh
# tests/system/lib.sh - what the tests in emulators have in common
#
# Owns: starting machines two at a time, their records, TAP.
# Must not know: what is tested.
#
# A test starts its machines, each under a name, and then looks at their records:
#
#   . tests/system/lib.sh
#   start one qemu-svm --cpus 2 --module "$GUEST_OS name=a" --script <<'END'
#   vm list
#   quit 0
#   END
#   ends one 0 'the script comes to its end'
#   says one 'the list is printed' '1 a +running'
#   finish
#
# Nothing depends on how long something takes: waits are inside the machine, in its own time, and
# the limit of a run (LIMIT seconds, multiplied by TIMEOUT_SCALE) is there for what hangs.

set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1
# shellcheck source=tools/lib.sh
. "$root/tools/lib.sh"

build=$(build_dir)
# shellcheck disable=SC2034
{
  ESPEJO=$build/hv/espejo.elf
  GUEST_OS=$build/guest-os/guest-os.elf
  TINY=$build/tests/guests
}
JOBS=${JOBS:-2}
LIMIT=${LIMIT:-120}
number=0 failures=0
records=$(mktemp -d "${TMPDIR:-/tmp}/espejo-test.XXXXXX") || exit 1
pids=

# Machines end with their launcher; wait for that, so that none is left behind.
tidy()
{
  trap - EXIT INT TERM HUP
  for pid in $pids; do
    kill "$pid" 2>/dev/null
  done
  wait
  rm -rf "$records"
}
trap tidy EXIT
trap 'tidy; exit 130' INT TERM HUP

# ---- Checks -------------------------------------------------------------------------

# ok TEXT, not_ok TEXT [NAME]: the verdict; of a failure, the end of NAME's record too.
ok()
{
  number=$((number + 1))
  echo "ok $number - $1"
}

not_ok()
{
  number=$((number + 1))
  failures=$((failures + 1))
  echo "not ok $number - $1"
  if [ -n "${2:-}" ] && [ ! -e "$records/$2.shown" ]; then
    : >"$records/$2.shown"
    echo "# $2 (status $(cat "$records/$2.status")):"
    # Why a machine or the emulator gave up may stand far from the end.
    grep -a -n -E -A 3 "refuses to enter| is dead: |PANIC|[Aa]ssert" "$records/$2.log" | head -n 20 | sed "s/^/#   > /"
    tail -n 25 "$records/$2.log" | sed 's/^/#   | /'
  fi
}

# check TEXT COMMAND...: COMMAND succeeds.
check()
{
  text=$1
  shift
  if "$@" >"$records/check.out" 2>&1; then
    ok "$text"
  else
    not_ok "$text"
    head -n 20 "$records/check.out" | sed 's/^/#   | /'
  fi
}

# status_is STATUS COMMAND...
status_is()
{
  want=$1
  shift
  status=0
  "$@" || status=$?
  echo "status $status, expected $want"
  [ "$status" -eq "$want" ]
}

skip()
{
  number=$((number + 1))
  echo "ok $number - $1 # SKIP $2"
}

# The plan comes last, so a test that is cut off has none.
finish()
{
  wait_all
  echo "1..$number"
  [ "$failures" -eq 0 ]
  exit
}

# ---- Machines -----------------------------------------------------------------------

running()
{
  count=0
  for begun in "$records"/*.begun; do
    [ ! -e "$begun" ] || [ -e "${begun%.begun}.status" ] || count=$((count + 1))
  done
}

seconds() { date +%s.%N; }

# run_machine NAME COMMAND...: the record, the status and the duration of COMMAND.
run_machine()
{
  record=$records/$1
  shift
  began=$(seconds)
  "$@" </dev/null >"$record.raw" 2>&1 &
  machine_pid=$!
  trap 'kill "$machine_pid" 2>/dev/null; wait "$machine_pid"; exit 1' TERM
  wait "$machine_pid"
  result=$?
  tr -d '\r\000' <"$record.raw" >"$record.log"
  echo "$began $(seconds)" >"$record.times"
  echo "$result" >"$record.status.new"
  mv "$record.status.new" "$record.status"
}

# background NAME COMMAND...: run it when fewer than JOBS others do.
background()
{
  running
  while [ "$count" -ge "$JOBS" ]; do
    sleep 0.1
    running
  done
  : >"$records/$1.begun"
  run_machine "$@" &
  pids="$pids $!"
}

# start NAME MACHINE OPTION...: boot the hypervisor (KERNEL=FILE: another kernel).  The options are
# those of tools/run, and
#   --script      the operator's script comes from standard input
#   --opt TEXT    the hypervisor's command line
start()
{
  name=$1 machine=$2
  shift 2
  left=$#
  while [ "$left" -gt 0 ]; do
    word=$1
    shift
    left=$((left - 1))
    case $word in
    --script)
      cat >"$records/$name.script"
      set -- "$@" --module "$records/$name.script role=script"
      ;;
    --opt) set -- "$@" --append ;;
    *) set -- "$@" "$word" ;;
    esac
  done
  background "$name" tools/run --machine "$machine" --strict --timeout "$LIMIT" "$@" "${KERNEL:-$ESPEJO}"
}

# wait_for NAME: until its run is over; sets $log, $status.
wait_for()
{
  log=$records/$1.log
  while [ ! -e "$records/$1.status" ]; do
    sleep 0.1
  done
  status=$(cat "$records/$1.status")
  [ -e "$records/$1.told" ] || {
    awk -v name="$1" '{ printf "# %s: %.1f s\n", name, $2 - $1 }' "$records/$1.times"
    : >"$records/$1.told"
  }
}

wait_all()
{
  for begun in "$records"/*.begun; do
    [ -e "$begun" ] || continue
    begun=${begun%.begun}
    wait_for "${begun##*/}"
  done
}

# ends NAME STATUS TEXT
ends()
{
  wait_for "$1"
  if [ "$status" -eq "$2" ]; then
    ok "$1: $3"
  else
    not_ok "$1: $3 (status $status, not $2)" "$1"
  fi
}

# says NAME TEXT PATTERN...: the patterns (extended) match lines of the record, in this order.
says()
{
  wait_for "$1"
  says_name=$1 says_text=$2 says_line=1
  shift 2
  for pattern in "$@"; do
    found=$(tail -n "+$says_line" "$log" | grep -a -n -m 1 -E -e "$pattern") || {
      not_ok "$says_name: $says_text" "$says_name"
      echo "#   not found: $pattern"
      return 1
    }
    says_line=$((says_line + ${found%%:*}))
  done
  ok "$says_name: $says_text"
}

# never NAME TEXT PATTERN: no line matches.
never()
{
  wait_for "$1"
  if grep -a -q -E -e "$3" "$log"; then
    not_ok "$1: $2" "$1"
    grep -a -m 3 -E -e "$3" "$log" | sed 's/^/#   found: /'
  else
    ok "$1: $2"
  fi
}

# guest_lines NAME VM: what the VM's console said, without the prefix.
guest_lines()
{
  sed -n "s/^\[$2\] \{0,1\}//p" "$records/$1.log"
}
