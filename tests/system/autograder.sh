#!/bin/sh
# tests/system/autograder.sh - the packed graders, each unpacked and run as that system would run it
#
# gradescope: as root, where user namespaces are refused (inside a chroot).  vpl: as an ordinary user, with its
# limits on processes and memory, nothing installed.  autolab: from its Makefile.  classroom50: in a checkout.
# shellcheck source=tests/system/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

work=$build/autograder-test
rm -rf "$work"
mkdir -p "$work"
export MAKEFLAGS=''

check 'an unknown system' sh -c "tools/autograder blackboard 3 '$work/none' 2>&1 | grep -q 'not a system that is known'; [ ! -e '$work/none/README.md' ]"
rm -rf "$work/none"
tools/handout 3 "$work/sent" --fill all
# One vendor will do here.
rm -rf "$work/sent/.git" "$work/sent/given" "$work/sent/hv/intel"
# What students upload: their files.
mkdir -p "$work/files/hv/amd"
cp "$work/sent/hv/amd/svm.c" "$work/sent/hv/amd/svm_state.c" "$work/files/hv/amd/"

# Each tree's first build takes over what was built here: that is what takes the time.
warm()
{
  mkdir -p "$1/build"
  (cd "$build" && find hv guest-os labs type2 containers checker container espejo-vm tools setup -type f 2>/dev/null |
    tar -c -f - -T -) | tar -x -f - -C "$1/build"
}

full() { jq -e ".score == 100" "$1" >/dev/null || { cat "$1" && return 1; }; }

# ---- Gradescope -----------------------------------------------------------------------------------

in_gradescope()
{
  place=$work/gradescope-run
  mkdir -p "$place/source" "$place/submission" "$place/results"
  (cd "$place/source" && unzip -q "$work/gradescope/autograder.zip") || return 1
  warm "$place/source/espejo"
  cp -r "$work/files/hv" "$place/submission/"
  # A chroot may make no user namespace.
  cat >"$work/enter" <<EOF
mount --rbind / "$work/root" && exec chroot "$work/root" env AUTOGRADER="$place" NO_PACKAGES=1 sh -c '
  ! unshare -U true 2>/dev/null || echo "user namespaces are allowed here"
  "\$AUTOGRADER/source/setup.sh" && "\$AUTOGRADER/source/run_autograder"'
EOF
  mkdir -p "$work/root"
  unshare -m sh "$work/enter" >"$work/gradescope.log" 2>&1
  cat "$work/gradescope.log"
  ! grep -q 'user namespaces are allowed' "$work/gradescope.log" && full "$place/results/results.json"
}
check 'gradescope: it is packed' tools/autograder gradescope 3 "$work/gradescope"
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
  check 'gradescope: as root, without user namespaces, the solution has all points' in_gradescope
  check 'gradescope: each exercise is a test' sh -c "jq -e '.tests | length == 7 and all(.[]; .name != \"\")' '$work/gradescope-run/results/results.json'"
else
  skip 'gradescope: as root' 'we are not root, or may not mount'
fi
rm -rf "$work/gradescope" "$work/gradescope-run"

# ---- Autolab ----------------------------------------------------------------------------------------

in_autolab()
{
  place=$work/autolab-run
  mkdir -p "$place"
  cp "$work/autolab/autograde.tar" "$place/"
  cp "$work/autolab/autograde-Makefile" "$place/Makefile"
  (cd "$work/sent" && tar -c -z -f "$place/handin.tgz" .)
  (cd "$place" && tar -x -f autograde.tar && warm espejo && make -s >"$work/autolab.log" 2>&1)
  tail -n 5 "$work/autolab.log"
  tail -n 1 "$work/autolab.log" | jq -e '.scores | to_entries | length == 6 and ([.[].value] | add) == 100'
}
check 'autolab: it is packed' tools/autograder autolab 3 "$work/autolab"
check 'autolab: the last line has every score' in_autolab
check 'autolab: the image has what grading needs' grep -q 'qemu-system-x86.*\|bubblewrap' "$work/autolab/Dockerfile"
rm -rf "$work/autolab" "$work/autolab-run"

# ---- Virtual Programming Lab --------------------------------------------------------------------

in_vpl()
{
  place=$work/vpl-run
  mkdir -p "$place"
  cp "$work/vpl/espejo.tgz" "$work/vpl/vpl_evaluate.sh" "$place/"
  cp -r "$work/files/hv" "$place/"
  memory=$(sed -n 's/.*\*\*memory \([0-9]*\) MiB.*/\1/p' "$work/vpl/README.md")
  processes=$(sed -n 's/.*\*\*\([0-9]*\) processes.*/\1/p' "$work/vpl/README.md")
  run_as=
  if [ "$(id -u)" = 0 ]; then
    chown -R 61234:61234 "$place"
    run_as='setpriv --reuid 61234 --regid 61234 --clear-groups --no-new-privs'
  fi
  # shellcheck disable=SC2086
  (cd "$place" && HOME=$place TMPDIR=$place $run_as sh vpl_evaluate.sh &&
    HOME=$place TMPDIR=$place $run_as prlimit --as=$((memory * 1048576)) --nproc="$processes" --fsize=268435456 ./vpl_execution) \
    >"$work/vpl.log" 2>&1
  tail -n 20 "$work/vpl.log"
  grep -q '^Grade :=>> 100$' "$work/vpl.log"
}
check 'vpl: it is packed, with the handout built' tools/autograder vpl 3 "$work/vpl"
chmod 755 "$build" "$work" 2>/dev/null
check 'vpl: an ordinary user, within the limits it states, gets the grade' in_vpl
rm -rf "$work/vpl" "$work/vpl-run"

# ---- Classroom 50 -------------------------------------------------------------------------------

in_classroom()
{
  (cd "$work/classroom50" && tar -x -z -f espejo.tgz && warm espejo)
  (cd "$work/sent" && CLASSROOM=c ASSIGNMENT=lab-3 SUBMISSION_TAG=submit/x COMMIT_URL=u RELEASE_URL=r \
    "$work/classroom50/grade.sh" >"$work/classroom50.log" 2>&1)
  tail -n 3 "$work/classroom50.log"
  jq -e '.schema == "classroom50/result/v1" and .classroom == "c" and .score == 100 and ."max-score" == 100
    and (.tests | length == 6) and all(.tests[]; .passed and (.score | floor) == .score)' "$work/sent/result.json"
}
check 'classroom50: it is packed' tools/autograder classroom50 3 "$work/classroom50"
check 'classroom50: result.json is what its runner wants' in_classroom
rm -rf "$work"
finish
