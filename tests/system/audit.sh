#!/bin/sh
# tests/system/audit.sh - the audit of each entry: a run that passes, and its judge against runs that must not
# verdict calls what is named as its arguments.
# shellcheck disable=SC2317
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

export B="$build"
judged=$records/judged

# verdict NAME COMMAND...
verdict()
{
  name=$1
  shift
  if "$@" >"$records/log" 2>&1; then
    ok "$name"
  else
    not_ok "$name"
    sed 's/^/# /' "$records/log"
  fi
}

# record MORE..: a directory of one run that passes, and these lines in its output
record()
{
  rm -rf "$judged"
  mkdir -p "$judged"
  printf '%s\n' 'platform a test' 'seed 1' 'wanted audit-one' 'audit audit-one 5000' 'status audit-one 0' \
    "sources $root/checker/sources" >"$judged/info"
  {
    printf '%s\n' "$@"
    for rule in asid flush clean intercepts maps events shadows short tables host; do
      echo "audit: $rule entries=5000 violations=0"
    done
    echo 'espejo: exit status 0'
  } >"$judged/audit-one.out"
}

# fails CHECK: that one, and no other
fails()
{
  "$B/checker/judge" "$judged"
  echo "fail isolation $1" >"$records/expected"
  grep '^fail' "$judged/results" | diff "$records/expected" -
}

passes() { "$B/checker/judge" "$judged"; }

record '[one] a guest speaks'
verdict 'a run without violations passes' passes
record '[one] audit: flush: expected 1, there is 2' '[one] audit: asid entries=9999999 violations=9'
verdict 'what a guest says does not count' passes
record 'audit: flush: something is expected 0x1, there is 0x2'
verdict 'a violation that is said fails its rule' fails audit/flush
record
sed -i 's/clean entries=5000 violations=0/clean entries=5000 violations=1/' "$judged/audit-one.out"
verdict 'so does one that is counted' fails audit/clean
record
sed -i 's/asid entries=5000/asid entries=4999/' "$judged/audit-one.out"
verdict 'a rule that looks too seldom fails' fails audit/asid
record
sed -i 's/^audit audit-one 5000$/& 20/' "$judged/info"
sed -i 's/short entries=5000/short entries=19/' "$judged/audit-one.out"
verdict 'one that did not meet what the run is there for fails' fails audit/short
record
sed -i 's/asid entries=5000/asid entries=0x/' "$judged/audit-one.out"
verdict 'so does one whose count is none' fails audit/asid
record
sed -i '/maps entries/d' "$judged/audit-one.out"
verdict 'so does one that says nothing' fails audit/maps
record
sed -i 's/^audit: host/[one] &/' "$judged/audit-one.out"
verdict 'so does one of which only a guest speaks' fails audit/host
record 'espejo: PANIC something'
sed -i 's/^status audit-one 0/status audit-one 70/' "$judged/info"
verdict 'a machine that ends badly fails' fails audit/ends
record 'VM one: the CPU refuses to enter the guest:'
verdict 'so does a guest that cannot be entered' fails audit/ends
record '[one] VM one: the CPU refuses to enter the guest:'
verdict 'whatever a guest says of that' passes
record
echo 'audit-without clean no such bits' >>"$judged/info"
sed -i '/clean entries/d' "$judged/audit-one.out"
verdict 'a rule that means nothing here is skipped' passes

AUDIT_RUNS=lives
export AUDIT_RUNS
verdict 'machines that come and go: no violation' checker/pgcheck --platform qemu-svm --only audit \
  --out "$records/lives"
verdict 'and each rule was looked at' sh -c "[ \"\$(grep -c '^pass isolation audit/' '$records/lives/results')\" -eq 11 ]"
finish
