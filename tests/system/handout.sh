#!/bin/sh
# tests/system/handout.sh - handouts: a lab from elsewhere, object code, catching up, bad arguments
# shellcheck source=tests/system/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

work=$build/handout-test
rm -rf "$work"
mkdir -p "$work/labs/90-pretend" "$work/bad/91-bad"

# A lecturer's own lab, with a hole that no lab of ours has.
pretend=$work/labs/90-pretend
printf 'title A lab from elsewhere\nhours 1\nmachines qemu-svm\n' >"$pretend/lab"
echo 3 >"$pretend/needs"
echo '90.1 hv/vm/cpuid.c cpuid_get' >"$pretend/holes"
echo '90.1 100' >"$pretend/points"
echo 'check_90_1() { run one B/hv/espejo.elf; expect boots "a banner" here "^espejo: a hypervisor"; }
check_whole() { check_90_1; }' >"$pretend/checks.sh"
printf '# 90.1\nThink.\n' | tee "$pretend/hints" >"$pretend/hints.es"
printf 'a handout\n' | tee "$pretend/README.md" >"$pretend/README.es.md"
LABS_PATH=$work/labs
export LABS_PATH

says() # NAME STATUS PATTERN COMMAND...
{
  name=$1 wanted=$2 pattern=$3
  shift 3
  status=0
  "$@" >"$work/said" 2>&1 </dev/null || status=$?
  cat "$work/said"
  if [ "$status" = "$wanted" ] && grep -q -e "$pattern" "$work/said"; then return 0; fi
  echo "$name: status $status"
  return 1
}

check 'no lab of that number' says none 64 'there is no lab 77' tools/handout 77 "$work/none"
check 'not a number' says word 64 'not the number of a lab: x' tools/handout x "$work/none"
check 'a directory that is there already' says exists 73 'exists already' tools/handout 3 "$work/labs"
check 'EARLIER that is neither' says earlier 64 'source or object' tools/handout 3 "$work/none" --earlier maybe
check 'an exercise that the lab has not' says exercise 64 'no exercise 3.99' tools/handout 3 "$work/none" --fill 3.99
printf '91.1 hv/nowhere.c nothing\n' >"$work/bad/91-bad/holes"
printf '91.1 100\n' >"$work/bad/91-bad/points"
: >"$work/bad/91-bad/checks.sh"
check 'a hole in a file that is not there' says hole 65 'nowhere.c' env LABS_PATH="$work/bad" tools/handout 91 "$work/none"

check 'a lab from LABS_PATH has a handout' tools/handout 90 "$work/h90"
check 'its hole is open, those of earlier labs are solved' sh -c "
  cd '$work/h90' && grep -q 'lab_todo(\"90.1\", \"labs/90-pretend\")' hv/vm/cpuid.c && ! grep -q lab_todo hv/amd/svm.c"
check 'a later lab has its holes as object code here' sh -c "
  tools/handout 3 '$work/h3' && grep -q 'lab_given(\"90.1\")' '$work/h3/hv/vm/cpuid.c' &&
    [ -f '$work/h3/given/hv/vm/cpuid.c.o/cpuid_get.o' ]"
check 'and nothing of that lab is shown' sh -c "! ls -d '$work'/h3/labs/90-*"
check 'earlier labs as object code' sh -c "
  tools/handout 90 '$work/object' --earlier object && grep -q 'lab_given(\"3.1\")' '$work/object/hv/amd/svm.c'"

# A command of its checks that fails is the lab's fault, and no verdict.
tools/handout 90 "$work/solved" --fill all
cp -r "$work/h90" "$work/careless"
cat >"$work/careless/labs/90-pretend/checks.sh" <<'END'
check_90_1() { record first pass a a here; got=$(grep nowhere /dev/null); record second fail b "$got" here; }
check_whole() { check_90_1; }
END
check 'checks that fail themselves are told' says careless 70 \
  "a command failed in check_90_1 of labs/90-pretend/checks.sh, behind the check 'first'" \
  env BASE="$work/careless" SUBMISSION="$work/solved" WORK="$work/grade" tools/grade 90 90.1

# It is linked, and does what the reference does.
linked()
{
  (cd "$1" && ESPEJO_SETUP=ready MAKEFLAGS='' make -s --no-print-directory -j2 B=build hv labs >"$work/build.log" 2>&1) || {
    cat "$work/build.log"
    return 1
  }
  B=$1/build "$1/tools/run" --timeout 60 --append script-exit "$1/build/hv/espejo.elf" --module "$1/labs/03-first-guest/demo.script role=script" \
    </dev/null >"$work/out" 2>&1
  cat "$work/out"
}
check "it links" sh -c "exit $(linked "$work/object" >/dev/null 2>&1; echo $?)"
cp "$work/out" "$work/out.object"
check "and runs its script to the end" grep -q "espejo: exit status" "$work/out.object"
linked "$work/h3" >/dev/null 2>&1
check "a handout with a hole of a later lab runs to its own first exercise" grep -q "lab 3.1 is next" "$work/out"

check 'no handout of a handout' says again 64 'is a handout itself' "$work/h90/tools/handout" 3 "$work/none"

# Catching up.
student=$work/student
cp -r "$work/h3" "$student"
(
  cd "$student" || exit
  git config user.name student && git config user.email student@invalid
  sed -i 's|lab_todo("3.1", "labs/03-first-guest");|return "my own answer";|' hv/amd/svm.c
  mkdir answers && echo because >answers/3.7
)
cp -r "$student" "$work/keeps"
check 'catching up needs a handout' says nothing 64 'make catchup' "$student/tools/catchup" 90 ''
check 'of that lab' says other 66 'is no handout of lab 05' "$student/tools/catchup" 5 "$work/h90"
check 'a student catches up' says caught-up 0 'what you had is on lab-03' "$student/tools/catchup" 90 "$work/h90"
check 'the answer came along, the body is the reference'\''s' sh -c "
  cd '$student' && grep -q because answers/3.7 && ! grep -q 'my own answer' hv/amd/svm.c && ! grep -q lab_todo hv/amd/svm.c"
check 'what was there is on its branch' sh -c "cd '$student' && git show lab-03:hv/amd/svm.c | grep -q 'my own answer'"
check 'not twice' says twice 73 'branch lab-90' "$student/tools/catchup" 90 "$work/h90"
check 'KEEP=mine keeps the own body' sh -c "
  cd '$work/keeps' && KEEP=mine tools/catchup 90 '$work/h90' && grep -q 'my own answer' hv/amd/svm.c"
(cd "$work" && tar -c -z -f h90.tgz h90)
rm -rf "$work/archive"
cp -r "$work/h3" "$work/archive"
check 'an archive will do' says archive 0 'You are on branch lab-90' "$work/archive/tools/catchup" 90 "$work/h90.tgz"
rm -rf "$work"
finish
