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

# ---- Entries --------------------------------------------------------------------------------

# The audit stands where the linker turns calls round (AUDIT_WRAPS of hv/hv.mk).  A call within the file of
# the function that is called never gets there: then the audit sees less, and says nothing.
wraps=$(make -s --no-print-directory SETUP=no hv-audit-wraps)
# vm_create takes back what it could not finish, of which the audit has not heard yet.
echo 'vm.c.o vm_free' >"$records/known"

# The object files whose code or data has the address of a function that is turned round, and its own.
passed_by()
{
  find "$build/hv" -name '*.o' -exec nm -A {} + | awk -v wraps="$wraps" '
    BEGIN { n = split(wraps, w); for (i = 1; i <= n; i++) wanted[w[i]] = 1 }
    $2 == "T" && $3 in wanted { sub(/:[0-9a-f]*$/, "", $1); print $1, $3 }' | while read -r object name; do
    readelf -rW "$object" | awk -v name="$name" '
      /^Relocation section/ { code = $3 ~ /rela\.(text|rodata|data)/ }
      code && $5 == name { found = 1 }
      END { exit !found }' && echo "${object##*/} $name"
  done
}
there() { nm "$build/audit/espejo.elf" | sed -n 's/.* T __wrap_//p' | sort | diff "$records/wraps" -; }

verdict 'there are calls that the audit turns round' [ "$(echo "$wraps" | wc -w)" -ge 20 ]
echo "$wraps" | tr ' ' '\n' | sort >"$records/wraps"
verdict 'each has its function in the audit' there
passed_by >"$records/passed-by"
verdict 'and no call goes by it, but one that is known' diff "$records/known" "$records/passed-by"

verdict 'selftest, census, streams, machines that come and go, bombs: no violation' checker/pgcheck --platform qemu-svm \
  --only audit --out "$records/all"
verdict 'and each rule was looked at' sh -c "[ \"\$(grep -c '^pass isolation audit/' '$records/all/results')\" -eq 11 ]"
finish
