#!/bin/sh
# checker.sh - the checker itself: a clean run passes, its reports are well-formed, garbage does not pass,
# and it catches a seeded bug of each property.  All of them: make mutants.
# shellcheck disable=SC2317
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1
# shellcheck source=tools/lib.sh
. "$root/tools/lib.sh"
B=$(build_dir)
export B
scratch=$(mktemp -d "${TMPDIR:-/tmp}/espejo-checker.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
number=0 failures=0

# check TEXT COMMAND...: ok if it succeeds
check()
{
  number=$((number + 1))
  text=$1
  shift
  if "$@" >"$scratch/log" 2>&1; then
    echo "ok $number - $text"
    return
  fi
  failures=$((failures + 1))
  echo "not ok $number - $text"
  tail -n 20 "$scratch/log" | sed 's/^/# /'
}

skip()
{
  number=$((number + 1))
  echo "ok $number - $1 # SKIP $2"
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

# ---- A run of all three properties -----------------------------------------------------

check 'make check passes on qemu-svm' checker/pgcheck --out "$scratch/check"
if command -v jq >/dev/null; then
  check 'report.json is JSON with a score of 100 for each property' \
    jq -e '[.properties[].score] == [100, 100, 100] and (.checks | length) > 200' "$scratch/check/report.json"
else
  skip 'report.json is JSON' 'no jq'
fi
if command -v xmllint >/dev/null; then
  check 'junit.xml is XML' xmllint --noout "$scratch/check/junit.xml"
else
  skip 'junit.xml is XML' 'no xmllint'
fi
check 'control bytes are stripped from reports' sh -c \
  "! LC_ALL=C tr -d '\\n -~' <'$scratch/check/report.json' | grep -q . &&
   ! LC_ALL=C tr -d '\\n -~' <'$scratch/check/junit.xml' | grep -q ."

# ---- The harness against runs that went wrong --------------------------------------------

asan="cc -std=gnu17 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -Ichecker"
# shellcheck disable=SC2086
check 'the judge builds with sanitizers' $asan -o "$scratch/judge" checker/judge*.c checker/compare.c \
  checker/record.c checker/report.c checker/outside.c

# What the clean run left, for a test to spoil.
spoil()
{
  rm -rf "$scratch/bad"
  cp -r "$scratch/check" "$scratch/bad"
}

each_output()
{
  for out in "$scratch"/bad/*.out; do
    "$@" "$out"
  done
}

half() { dd if="$1" of="$1.half" bs=1 count=$(($(wc -c <"$1") / 2)) 2>/dev/null && mv "$1.half" "$1"; }
noise() { dd if=/dev/urandom of="$1" bs=1024 count=300 2>/dev/null; }
megabytes() { yes '[neighbour] @0 share count=1 own=1 elapsed=1' | head -c 20000000 >"$1"; }
forged() { sed -i 's/@[0-9a-f]*/@0123456789abcdef/' "$1"; }
nothing() { : >"$1"; }
scoreless() { ! grep -q '100 of 100' "$scratch/bad/report.txt"; }

for how in half noise megabytes forged nothing; do
  spoil
  each_output "$how"
  status=0
  "$scratch/judge" "$scratch/bad" >"$scratch/judged" 2>&1 || status=$?
  check "output that is $how does not pass" test "$status" -ne 0
  check "output that is $how does not break the judge" sh -c "! grep -q -e 'Sanitizer' -e 'runtime error' '$scratch/judged'"
  check "output that is $how scores no property full" scoreless
done
spoil
rm "$scratch/bad"/*.out
check 'runs without output are an error' status_is 2 "$scratch/judge" "$scratch/bad"
spoil
sed -i 's/^status attack .*/status attack 125/' "$scratch/bad/info"
check 'an emulator that broke down is an error' status_is 2 "$scratch/judge" "$scratch/bad"
check 'a directory without runs is an error' status_is 2 "$scratch/judge" "$scratch"
check 'an unknown group is an error' status_is 2 checker/pgcheck --only nonsense --out "$scratch/none"
check 'an unknown platform is an error' status_is 2 checker/pgcheck --platform nonsense

# ---- Seeded bugs, one for each property ------------------------------------------------------

for bug in port-absent-zero ram-not-cleared svm-cr3-exits; do
  check "the seeded bug $bug is caught" checker/prove "checker/mutants/$bug.mutant"
done
fitting()
{
  for mutant in checker/mutants/*.mutant; do
    rm -rf "$scratch/tree"
    mkdir "$scratch/tree"
    cp -r hv "$scratch/tree/"
    tools/mutate "$mutant" "$scratch/tree" || return 1
  done
}
check 'every seeded bug fits the tree' fitting

echo "1..$number"
exit "$((failures != 0))"
