#!/bin/sh
# tests/system/class.sh - a class: what an LMS gives, who is who, grades in its shape, late rules, what is alike, going on after a failure
# shellcheck source=tests/system/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

work=$build/class-test
rm -rf "$work"
mkdir -p "$work/moodle" "$work/canvas" "$work/gradescope" "$work/plain" "$work/empty"
tab=$(printf '\t')

cat >"$work/roster.csv" <<'EOF'
id,name,email,canvas_id
s1,Ana García López,ana@example.invalid,501
s2,"Pérez, Juan",juan@example.invalid,502
s3,Zoë O'Neil,zoe@example.invalid,503
EOF

# ---- Layouts ------------------------------------------------------------------------------------

mkdir "$work/moodle/Ana García López_7001_assignsubmission_file_" "$work/moodle/Nobody Known_7009_assignsubmission_file_" \
  "$work/moodle/Zoë O'Neil_7003_assignsubmission_file_"
: >"$work/canvas/lpezanagarca_501_900_svm.zip"
: >"$work/canvas/lpezanagarca_501_901_svm-1.zip"
: >"$work/canvas/oneilzo_LATE_503_902_work.tar.gz"
: >"$work/canvas/nobodyknown_599_903_x.zip"
mkdir "$work/gradescope/submission_11" "$work/gradescope/submission_12"
cat >"$work/gradescope/submission_metadata.yml" <<'EOF'
---
submission_11:
  :submitters:
  - :name: Ana García López
    :sid: s1
    :email: ana@example.invalid
  :created_at: 2026-11-02 10:00:00.123456000 Z
  :score: 0.0
submission_12:
  :submitters:
  - :name: Zoë O'Neil
    :email: zoe@example.invalid
  :created_at: 2026-10-30 10:00:00.000000000 Z
EOF

list() { tools/class-list "$work/$1" "$work/roster.csv" | tee "$work/$1.list"; }
has() { grep -q "^$2$tab.*$3" "$work/$1.list" || { cat "$work/$1.list" && return 1; }; }
is_layout() { list "$1" && [ "$(sed -n 1p "$work/$1.list")" = "# $1" ]; }

check 'a download of Moodle is known' is_layout moodle
check 'by the name, accents and apostrophes included' has moodle s1 'Ana García López_7001'
check 'and another' has moodle s3 7003
check 'whoever is not on the roster is not lost' has moodle unknown-2 'Nobody Known'
check 'a download of Canvas is known' is_layout canvas
check 'of several submissions the last' has canvas s1 901
check 'and only that' sh -c "! grep -q _900_ '$work/canvas.list'"
check 'late ones too' has canvas s3 902
check 'an export of Gradescope is known' is_layout gradescope
check 'by SID, with its time' has gradescope s1 '2026-11-02 10:00:00'
check 'by e-mail' has gradescope s3 submission_12
fails_with() # STATUS PATTERN COMMAND...
{
  wanted=$1 pattern=$2
  shift 2
  status=0
  "$@" >"$work/said" 2>&1 || status=$?
  cat "$work/said"
  [ "$status" = "$wanted" ] || return 1
  grep -q -e "$pattern" "$work/said"
}
check 'an empty directory' fails_with 66 'no submission' tools/class-list "$work/empty" "$work/roster.csv"
check 'no directory' fails_with 66 'there is no' tools/class-list "$work/none" "$work/roster.csv"
printf 'name\nx\n' >"$work/bad.csv"
check 'a roster without ids' fails_with 65 'no column id' tools/class-list "$work/plain" "$work/bad.csv"
check 'no roster' fails_with 65 'no roster' tools/grade-class "$work/plain" "$work/out" LAB=3
check 'a scale that no LMS has' fails_with 64 'SCALE is 10, 20 or 100' env SCALE=7 tools/grade-class "$work/plain" "$work/out" LAB=3

# ---- A class --------------------------------------------------------------------------------------

how=$(tools/confine how)
if [ "$how" = none ]; then
  skip 'a class' 'no sandbox can be had here'
  finish
fi
tools/handout 3 "$work/solved" --fill all
rm -rf "$work/solved/.git"
cp -r "$work/solved" "$work/plain/s1"
# Renamed, the comments gone: alike all the same.
cp -r "$work/solved" "$work/plain/s2"
sed -i 's/\bfeatures\b/capabilities/g' "$work/plain/s2/hv/amd/svm.c"
tools/handout 3 "$work/half" --fill 3.1,3.2
(cd "$work/half" && tar -c -z -f "$work/plain/s3.tar.gz" hv)
printf 'deadline 2026-11-01T23:59:00Z\nlate 10\nmost 30\n' >"$work/policy"
printf 's3,2\n' >"$work/late"
LATE=$work/late POLICY=$work/policy SCALE=10 DECIMAL=comma JOBS=1 MACHINE=qemu-svm
export LATE POLICY SCALE DECIMAL JOBS MACHINE
class() { tools/grade-class "$work/plain" "$work/out" LAB=3 ROSTER="$work/roster.csv"; }
check 'a class is graded' class
check 'the control was graded first' grep -q '^100$' "$work/out/control/score"
check 'each has a folder' sh -c "ls '$work/out/students/s1/report.html' '$work/out/students/s3/record.json'"
check 'a solution has all points' sh -c "jq -e '.students[] | select(.id == \"s1\") | .score == 100 and .grade == 10' '$work/out/class.json'"
check 'two exercises of six, two days late' sh -c "
  jq -e '.students[] | select(.id == \"s3\") | .score == 25 and .days == 2 and .factor == 0.8 and .grade == 2' '$work/out/class.json'"
check 'grades with a decimal comma, raw ones with a point' sh -c "
  grep -q '\"s3\",\"Zoë' '$work/out/grades.csv' && mlr --icsv --ojson cat '$work/out/grades.csv' | jq -e length &&
    grep -q '^\"s3\",25,100,2,0.8,2,0' '$work/out/raw.csv'"
check 'who wrote the same comes first' sh -c "sed -n 1,3p '$work/out/similar.txt' | grep -q -E 's[12] consists for'"
check 'the page is well-formed' sh -c "sed 's/<!DOCTYPE html>//; s/<meta charset=\"utf-8\">//' '$work/out/class.html' | xmllint --noout -"
: >"$work/out/joblog.old"
cp "$work/out/joblog" "$work/out/joblog.old"
check 'called again it grades nothing twice' sh -c "
  tools/grade-class '$work/plain' '$work/out' LAB=3 ROSTER='$work/roster.csv' && cmp '$work/out/joblog' '$work/out/joblog.old'"
check 'Slurm gets an array of the same' sh -c "
  tools/grade-class '$work/plain' '$work/out' LAB=3 ROSTER='$work/roster.csv' --slurm && grep -q 'array=1-3' '$work/out/class.slurm' && sh -n '$work/out/class.slurm'"

# ---- Both vendors -----------------------------------------------------------------------------------

unset MACHINE
# of SUBMISSION FILTER: what jq says of its record.
of() { tools/grade-one "$work/$1" "$work/one-$1" LAB=3 >"$work/one.log" 2>&1; cat "$work/one.log"; jq -e "$2" "$work/one-$1/record.json"; }
check 'solved for both vendors: the points once, a tenth apart' of half '
  .score == 25 and .machine == "qemu-svm" and .extra == (.extra + {machine: "bochs-vmx", points: 2.5, max: 10})'
check 'and the report says so' grep -q 'extra, for the other vendor (bochs-vmx): 2.5 of 10' "$work/one-half/report.txt"
cp -r "$work/half" "$work/intel"
rm -r "$work/intel/hv/amd"
check 'solved for VT-x alone: the same points' of intel '
  .score == 25 and .extra.points == 0 and ([.exercises[] | select(.machine == "bochs-vmx") | .id] == ["3.1", "3.2"])'
check 'graded again, one exercise keeps them' sh -c "
  tools/grade-one --regrade '$work/one-half' LAB=3 --only 3.2 && jq -e '.score == 25 and .extra.points == 2.5' '$work/one-half/record.json'"

# ---- A lab of questions, about a seed of one's own ------------------------------------------------

MACHINE=qemu-svm
export MACHINE
mkdir -p "$work/asked/s1/answers"
echo ana@example.invalid >"$work/asked/s1/answers/who"
seed=$(printf 'lab 00 of ana@example.invalid\n' | sha256sum | cut -c 1-8)
(cd "$work/asked/s1" && NONCE=$seed "$root/labs/00-toolbox/solve")
cp -r "$work/asked/s1" "$work/asked/s2"
# Two hosts, each a mount namespace in which the class's folders are its own.
cat >"$work/ssh" <<EOF
#!/bin/sh
while :; do
  case \$1 in
  -[bcDEeFIiJLlmOopQRSWw]) shift 2 ;;
  -*) shift ;;
  *) break ;;
  esac
done
own='$work'/\$1
shift
[ "\$1" != -- ] || shift
echo "\${own##*/}" >>'$work/ssh.log'
mkdir -p "\$own/asked" "\$own/out0"
exec unshare -m sh -c 'mount --bind "\$1/asked" "\$2/asked" && mount --bind "\$1/out0" "\$2/out0" && shift 2 &&
  exec sh -c "\$*"' - "\$own" '$work' "\$@"
EOF
chmod +x "$work/ssh"
printf '1/%s one\n1/%s two\n' "$work/ssh" "$work/ssh" >"$work/hosts"
HOSTS=
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null && command -v rsync >/dev/null; then
  HOSTS=$work/hosts
fi
export HOSTS
if [ -n "$HOSTS" ]; then
  { cat "$work/hosts" && echo "1/false three"; } >"$work/hosts.bad"
  check "a host that does not answer" fails_with 70 "on 2 of 3 hosts" env -u LATE -u POLICY HOSTS="$work/hosts.bad" \
    tools/grade-class "$work/asked" "$work/out0" LAB=0 ROSTER="$work/roster.csv"
else
  skip "a host that does not answer" "we are not root, or rsync is missing"
fi
check 'a lab of questions has a control submission too' env -u LATE -u POLICY -u SHELL tools/grade-class "$work/asked" "$work/out0" LAB=0 ROSTER="$work/roster.csv"
check 'the answers are right for the seed of their owner' sh -c "jq -e 'all(.students[]; .score == 80)' '$work/out0/class.json'"
check 'whose seed it is, and that two have it, is said' sh -c "
  jq -e '[.students[].notes[]] | any(. == \"another has the same seed\") and any(. == \"the seed is that of ana@example.invalid\")' '$work/out0/class.json'"
check 'a task of the Slurm array grades one' sh -c "
  HOSTS= tools/grade-class '$work/asked' '$work/out0' LAB=0 ROSTER='$work/roster.csv' --slurm && rm -r '$work/out0/students/s1' &&
    SLURM_ARRAY_TASK_ID=1 sh '$work/out0/class.slurm' && jq -e '.score == 80' '$work/out0/students/s1/record.json'"
if [ -n "$HOSTS" ]; then
  check 'both hosts have graded' sh -c "sort -u '$work/ssh.log' | tr '\n' ' ' | grep -x 'one two ' && [ ! -e '$work/one/out0/class.json' ] &&
    cut -f 2 '$work/out0/joblog' | grep -q one && cut -f 2 '$work/out0/joblog' | grep -q two"
else
  skip 'two hosts' 'we are not root, or rsync is missing'
fi
rm -rf "$work"
finish
