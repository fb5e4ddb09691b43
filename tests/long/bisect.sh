#!/bin/sh
# tests/long/bisect.sh - pgcheck --bisect finds the commit that brought a seeded bug
#
# In a copy of the repository with three commits more: one that changes a text, the bug, another text.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
B=${B:-$root/build}
export B
scratch=$(mktemp -d "${TMPDIR:-/tmp}/espejo-bisect.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT

commit()
{
  git -C "$scratch/tree" -c user.name=test -c user.email=test@localhost commit --quiet -a -m "$1"
}

{
  git clone --quiet "$root" "$scratch/tree" && cd "$scratch/tree" || exit 1
  good=$(git rev-parse HEAD)
  echo >>README.md && commit 'readme: a line'
  "$root/tools/mutate" checker/mutants/port-absent-zero.mutant "$scratch/tree" && commit 'vm: the bug'
  echo >>README.md && commit 'readme: another line'
} >"$scratch/log" 2>&1 || {
  sed 's/^/# /' "$scratch/log"
  echo 'not ok 1 - a history with a bug in it'
  echo 1..1
  exit 1
}
if checker/pgcheck --bisect "$good" --filter 'census/in.absent*' --out "$scratch/out" >"$scratch/log" 2>&1 &&
  grep -q 'vm: the bug' "$scratch/log"; then
  echo 'ok 1 - the commit with the bug is named'
  echo 1..1
else
  sed 's/^/# /' "$scratch/log"
  echo 'not ok 1 - the commit with the bug is named'
  echo 1..1
  exit 1
fi
