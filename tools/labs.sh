# shellcheck shell=sh disable=SC2034,SC2154
# tools/labs.sh - reads the labs' folders (labs/FORMAT.md): the only place that does
#
# Sourced behind tools/lib.sh.  A lab is named by its two digits; its folder is a path from the
# tree's top, or an absolute one if it lies in LABS_PATH.

# lab_folders: the folder of every lab, in the order of their numbers.
lab_folders()
{
  (
    cd "$root" || exit
    IFS=:
    # shellcheck disable=SC2086
    set -- labs ${LABS_PATH:-}
    for place; do
      for folder in "$place"/[0-9][0-9]-*; do
        [ ! -f "$folder/points" ] || printf '%s %s\n' "${folder##*/}" "$folder"
      done
    done
  ) | sort | cut -d ' ' -f 2-
}

# lab_find NUMBER: sets $lab (two digits) and $folder; a sentence and status 64 if there is none.
lab_find()
{
  case $1 in
  [0-9]) lab=0$1 ;;
  [0-9][0-9]) lab=$1 ;;
  '') echo 'which lab? LAB=3, for example' >&2 && return 64 ;;
  *) echo "not the number of a lab: $1" >&2 && return 64 ;;
  esac
  folder=$(lab_folders | sed -n "s|^\\(.*/\\)*$lab-|&|p" | head -n 1)
  [ -n "$folder" ] && return 0
  echo "there is no lab $lab" >&2
  return 64
}

# lab_in TREE FOLDER: where the folder lies in a tree that was made from this one.
lab_in() { printf '%s/labs/%s\n' "$1" "${2##*/}"; }

# rows FILE: its lines without comments and empty ones; none if there is no such file.
rows()
{
  [ ! -f "$1" ] || sed -e '/^#/d' -e '/^[[:space:]]*$/d' "$1"
}

# lab_key FOLDER KEY DEFAULT
lab_key()
{
  value=$(rows "$1/lab" | sed -n "s/^$2  *//p")
  printf '%s\n' "${value:-$3}"
}

# lab_of ID: the two digits of the lab of an exercise.
lab_of() { printf '%02d\n' "${1%%.*}"; }

lab_points() { rows "$1/points" | sed -n "s/^$2  *//p"; }

# open_ids FOLDER: the free-text questions, which a human marks.
open_ids() { [ ! -f "$1/open" ] || sed -n 's/^#  *\([0-9][0-9]*\.[0-9][0-9]*\)$/\1/p' "$1/open"; }

# holes_of FOLDER [VENDOR]: lines "id file function planted" (planted may be "-"); with a VENDOR
# (amd, intel) only the twins for that one.
holes_of()
{
  case ${2:-} in
  amd) other=intel ;;
  intel) other=amd ;;
  *) other=none ;;
  esac
  rows "$1/holes" | awk -v other="hv/$other/" 'index($2, other) != 1 { print $1, $2, $3, $4 == "" ? "-" : $4 }'
}

# built_files FROM TO: what two builds of nearly the same tree have in common, with its times; without the Linux that
# was set up if TO has one.
built_files()
{
  mkdir -p "$2"
  set -- "$1" "$2" linux
  [ ! -e "$2/linux" ] || set -- "$1" "$2" setup
  (cd "$1" && find hv guest-os labs type2 containers checker container espejo-vm tools setup "$3" -type f 2>/dev/null |
    sort -u | tar -c -f - -T -) | tar -x -f - -C "$2"
}

# lab_vendor MACHINE: sets $vendor; empty where a lab's machine has no hypervisor of one.
lab_vendor()
{
  case $1 in
  *-svm | type2) vendor=amd ;;
  *-vmx) vendor=intel ;;
  *) vendor= ;;
  esac
}

# owner TREE: an address, or a name, of whoever works in it.
owner() { git -C "$1" config user.email 2>/dev/null || id -un; }

# nonce LAB TREE: 8 hexadecimal digits: of the lecturer's secret and the submission where a trusted
# grader says so (NONCE), else of whoever owns the tree: answers/who if there is one, made by `make seed`.
nonce()
{
  if [ -n "${NONCE:-}" ]; then
    echo "$NONCE"
    return
  fi
  if [ -f "$2/answers/who" ]; then
    who=$(head -c 200 "$2/answers/who" | head -n 1)
  else
    who=$(owner "$2")
  fi
  printf 'lab %s of %s\n' "$1" "$who" | sha256sum | cut -c 1-8
}
