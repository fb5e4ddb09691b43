#!/bin/sh
# tests/system/hostile.sh - submissions that want more than points get what they earned, a clear line, and harm nothing
#
# limit: 1800
#
# tests/hostile-submissions/NN-name is a shell script that makes of a solved handout what was sent: its head says why, the one
# exercise that is graded (of lab 3, if no other is named), the points for it and a line of the report.  HOSTILE='01 22' for some; SANDBOX=uid for the other sandbox.
# shellcheck source=tests/system/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"
# shellcheck source=tools/labs.sh
. "$root/tools/labs.sh"

work=$build/hostile
rm -rf "$work"
mkdir -p "$work"
chmod 755 "$work"
head -c 16 /dev/urandom | od -An -tx1 >"$work/secret"
chmod 600 "$work/secret"

head_of() { sed -n "s/^# $2: //p" "$1"; }

# lab_of_script SCRIPT: its lab's two digits.
lab_of_script()
{
  number=$(head_of "$1" lab)
  printf '%02d\n' "${number:-3}"
}

# For the scripts: cut FUNCTION BODY [INCLUDE]: another body for a function of hv/amd/svm.c.
cat >"$work/prelude" <<'EOF'
cut()
{
  awk -v name="$1" -v body="$2" -v include="${3:-}" '
    include != "" && /^#include/ { print include; include = "" }
    $0 ~ "[ *]" name "\\(" && /^[a-z]/ { print; inside = 1; next }
    inside && /^{/ { print body; skipping = 1; next }
    skipping { if (/^}/) { inside = 0; skipping = 0 } next }
    { print }' hv/amd/svm.c >svm.new && mv svm.new hv/amd/svm.c
}
EOF

# What must not change: the reference, the secret, processes.
state()
{
  [ ! -e "$root/.git" ] || git -C "$root" status --porcelain
  sha256sum "$work/secret"
  for lab in $labs; do
    place=$build/grade-one/$lab
    [ ! -f "$place/place" ] || place=$(cat "$place/place")
    find "$place/handout" -type f -exec sha256sum {} +
  done | sort | sha256sum
}

formats_hold()
{
  for format in json gradescope classroom50; do
    tools/results "$format" <"$1" | jq -e . >/dev/null || { echo "$format is no JSON" && return 1; }
  done
  tools/results autolab <"$1" | tail -n 1 | jq -e --arg id "$2" '.scores[$id] != null' >/dev/null || { echo autolab && return 1; }
  tools/results junit <"$1" | xmllint --noout - || return 1
  tools/results vpl <"$1" | tail -n 1 | grep -q '^Grade :=>> [0-9.]*$' || { echo vpl && return 1; }
  [ "$(tools/results vpl <"$1" | grep -c '^Grade :=>>')" = 1 ] || { echo 'two grades' && return 1; }
  tools/results tap <"$1" | sed -n 1p | grep -q '^TAP version 13' || { echo tap && return 1; }
}

# judged SCRIPT
judged()
{
  lab=$(lab_of_script "$1")
  rm -rf "$work/sent" "$work/out" "$work/amd-elsewhere"
  cp -a "$work/solved-$lab" "$work/sent"
  (cd "$work/sent" && REFERENCE=$root PREPARED_BASE=$build/grade-one/$lab/prepared/base SECRET_FILE=$work/secret \
    sh -c '. "$1"; . "$2"' - "$work/prelude" "$1") || return 1
  only=$(head_of "$1" only)
  status=0
  BUILD_SECONDS=30 RUN_SECONDS=20 SECRET=$work/secret tools/grade-one "$work/sent" "$work/out" LAB="$lab" MACHINE=qemu-svm --only "$only" \
    >"$work/said" 2>&1 || status=$?
  [ "$status" = 0 ] || { cat "$work/said" && return 1; }
  got=$(jq -r --arg id "$only" '.exercises[] | select(.id == $id) | .points' "$work/out/record.json")
  cat "$work/out/report.txt"
  [ "$got" = "$(head_of "$1" points)" ] || { echo "$got points" && return 1; }
  # What is judged as a failure to compile says so in its head: others have to be run.
  if grep -q 'not ok: compiles' "$work/out/report.txt"; then
    head_of "$1" says | grep -q compiles || { echo 'it does not compile' && return 1; }
  fi
  grep -q -e "$(head_of "$1" says)" "$work/out/report.txt" || return 1
  ! grep -r -q -F -f "$work/secret" "$work/out" || { echo 'the secret got out' && return 1; }
  ! grep -a -r -q -E '^root:.*:0:0:' "$work/out" || { echo 'a file of the machine got out' && return 1; }
  formats_hold "$work/out/record.json" "$only"
}

CONFINE=${SANDBOX:-bubblewrap}
export CONFINE
how=$(tools/confine how)
if [ "$how" = none ]; then
  skip 'hostile submissions' 'no sandbox can be had here'
  finish
fi
scripts=$(for script in tests/hostile-submissions/[0-9]*; do
  name=${script##*/}
  case " ${HOSTILE:-all} " in ' all ' | *" ${name%%-*} "*) echo "$script" ;; esac
done)
labs=$({ echo 03 && for script in $scripts; do lab_of_script "$script"; done; } | sort -u)
for lab in $labs; do
  tools/handout "$lab" "$work/solved-$lab" --fill all
  rm -rf "$work/solved-$lab/.git"
  tools/grade-one --prepare LAB="$lab" >"$work/prepared.log" 2>&1
done
# Limits may be scaled by a fraction.
TIMEOUT_SCALE=1.5 SECRET=$work/secret tools/grade-one "$work/solved-03" "$work/out" LAB=3 MACHINE=qemu-svm --only 3.1 >"$work/first" 2>&1
check "the solution gets its points, in the sandbox ($how)" grep -q '^3.1 *8 of 10' "$work/first"
state >"$work/state"
for script in $scripts; do
  name=${script##*/}
  check "$name: $(head_of "$script" why)" judged "$root/$script"
done
state >"$work/state.after"
check 'nothing of ours was changed' cmp "$work/state" "$work/state.after"

# The same again is the same again; another secret is another input.
cp "$work/solved-03/hv/amd/svm.c" "$work/keep"
same()
{
  for n in 1 2; do
    SECRET=$work/secret tools/grade-one "$work/solved-03" "$work/twice$n" LAB=3 MACHINE=qemu-svm --only 3.1 >/dev/null || return 1
  done
  cmp "$work/twice1/record.json" "$work/twice2/record.json"
}
check 'the same submission gets the same record' same
check 'another secret makes other inputs' sh -c "
  echo other >'$work/other'
  SECRET='$work/other' tools/grade-one '$work/solved-03' '$work/twice2' LAB=3 MACHINE=qemu-svm --only 3.1 >/dev/null
  [ \"\$(jq -r .nonce '$work/twice1/record.json')\" != \"\$(jq -r .nonce '$work/twice2/record.json')\" ]"
check 'regrading says what was and what is' sh -c "
  SECRET='$work/secret' tools/grade-one --regrade '$work/twice1' LAB=3 MACHINE=qemu-svm --only 3.1 | grep -q '^3.1: old 8, new 8\$'"
rm -rf "$work"
finish
