#!/bin/sh
# tests/system/lint.sh - the rules that a script can check, as TAP
#
# Owns: headers stand alone, borders between folders, the reading order, scripts,
# what must not be in the tree, what a build may leave behind.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1
# shellcheck source=tools/lib.sh
. "$root/tools/lib.sh"

number=0 failures=0
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP

# check NAME FILE: ok if FILE, a list of offences, is empty.
check()
{
  number=$((number + 1))
  if [ -s "$2" ]; then
    failures=$((failures + 1))
    echo "not ok $number - $1"
    head -n 30 "$2" | sed 's/^/# /'
  else
    echo "ok $number - $1"
  fi
}

skip()
{
  number=$((number + 1))
  echo "ok $number - $1 # SKIP $2"
}

# files PATTERN...: the tree's own files of these names.
files()
{
  if [ -e .git ]; then
    git ls-files -co --exclude-standard -- "$@" 2>/dev/null
  else
    for pattern in "$@"; do
      find . -path ./build -prune -o -type f -name "$pattern" -print | sed 's|^\./||'
    done
  fi | while IFS= read -r file; do
    [ ! -f "$file" ] || printf '%s\n' "$file"
  done | sort -u
}

scripts()
{
  files '*' | while IFS= read -r file; do
    case $file in *.c | *.h | *.md | *.S) continue ;; esac
    case $(head -c 20 "$file" | head -n 1 | tr -d '\000') in
    '#!/bin/sh'* | '# shellcheck shell'*) printf '%s\n' "$file" ;;
    esac
  done
}

# Every header must stand on its own, with the compiler flags of its part.
headers_alone()
{
  compiler=$1
  files '*.h' | while IFS= read -r header; do
    case $header in
    hv/*) set -- -ffreestanding -m64 -mgeneral-regs-only -Ihv ;;
    guest-os/user/*) set -- -ffreestanding -m64 -Iguest-os -Ihv -Iguest-os/user ;;
    guest-os/*) set -- -ffreestanding -m64 -mgeneral-regs-only -Iguest-os -Ihv ;;
    checker/*) set -- -ffreestanding -m64 -Ichecker -Iguest-os -Ihv ;;
    labs/02-*) set -- -ffreestanding -m64 -Ichecker/guests/rt -Ihv ;;
    labs/*) set -- -ffreestanding -m32 ;;
    tests/guests/*) set -- -ffreestanding -m64 -Ichecker/guests/rt -Ihv ;;
    tests/*) set -- -Ihv -Itests/unit ;;
    *) set -- -I. ;;
    esac
    source=$scratch/one.c
    # Macros of the assembler.
    if grep -q '^[[:space:]]*\.macro' "$header"; then
      source=$scratch/one.S
      set -- "$@" -c -o "$scratch/one.o"
    else
      set -- "$@" -fsyntax-only
    fi
    printf '#include "%s"\n' "$root/$header" >"$source"
    "$compiler" -std=gnu17 -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
      -Wvla -Werror -I"$(dirname "$header")" "$@" "$source" \
      >"$scratch/message" 2>&1 || {
      echo "$header:"
      grep -m 2 error "$scratch/message"
    }
  done
}

# includes FILE...: lines "FILE:LINE:NAME" for each #include "NAME".
includes()
{
  [ $# -eq 0 ] || grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$@" |
    sed -E 's/^([^:]*:[0-9]+):[^"]*"([^"]*)".*/\1:\2/'
}

# A vendor's headers stay in its folder; only the one table of back ends may be named.
vendor_includes()
{
  files 'hv/*.c' 'hv/*.h' 'hv/*.S' | grep -vE '^hv/(amd|intel)/' >"$scratch/shared"
  # shellcheck disable=SC2046
  includes $(cat "$scratch/shared") |
    grep -E ':([^:]*/)?(amd|intel)/|:([^:]*/)?(vmcb|vmcs|svm|vmx|npt|ept)[a-z0-9_]*\.h$'
  for vendor in amd:intel intel:amd; do
    # shellcheck disable=SC2046
    includes $(files "hv/${vendor%:*}/*") | grep -E ":([^:]*/)?${vendor#*:}/"
  done
}

# No name of a vendor's structure or instruction in what is written once.
vendor_names()
{
  # shellcheck disable=SC2046
  strip_comments $(files 'hv/vm/*.[ch]' 'hv/dev/*.[ch]' 'hv/store/*.[ch]' 'hv/net/*.[ch]' \
    'hv/sched/*.[ch]' 'hv/trace/*.[ch]' 'hv/paging/*.[ch]') |
    grep -E '\b(VMCB|VMCS|vmcb|vmcs)_|\b(vmread|vmwrite|vmrun|vmlaunch|vmresume|vmptrld)\('
}

# Code that is written once stands on host.h, not on one host.
host_includes()
{
  # shellcheck disable=SC2046
  includes $(files 'hv/vm/*' 'hv/dev/*' 'hv/store/*' 'hv/net/*' 'hv/sched/*' 'hv/trace/*' 'hv/paging/*') |
    grep -E ':([^:]*/)?(type1|type2)/'
}

# Conditionals on vendor or host in shared code.
conditionals()
{
  # shellcheck disable=SC2046
  grep -nHE '^[[:space:]]*#[[:space:]]*(el)?if(n?def)?\b.*(AMD|INTEL|SVM|VMX|KVM|TYPE1|TYPE2|HOSTED|__linux__|__unix__)' \
    $(files 'hv/vm/*.[chS]' 'hv/dev/*.[chS]' 'hv/store/*.[ch]' 'hv/net/*.[ch]') /dev/null
}

# strip_comments FILE...: "FILE:LINE:code", comments and literals blanked.
strip_comments()
{
  for file in "$@"; do
    awk -v file="$file" '
      {
        line = $0; out = ""
        while (line != "") {
          if (inside) {
            at = index(line, "*/")
            if (!at) { line = ""; break }
            line = substr(line, at + 2); inside = 0; continue
          }
          c = index(line, "/*"); s = index(line, "//"); q = index(line, "\"")
          first = c; if (s && (!first || s < first)) first = s
          if (q && (!first || q < first)) first = q
          if (!first) { out = out line; break }
          out = out substr(line, 1, first - 1)
          if (first == s) break
          line = substr(line, first + 1)
          if (first == c) { line = substr(line, 2); inside = 1; continue }
          while (match(line, /^([^"\\]|\\.)*/) && RLENGTH >= 0) { line = substr(line, RLENGTH + 2); break }
        }
        if (out ~ /[^ \t]/) printf "%s:%d:%s\n", file, NR, out
      }' "$file"
  done
}

# The names in hv/ORDER: one path a line, relative to hv/; headings start with #.
order()
{
  sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e 's/^[[:space:]]*//' -e 's|^hv/||' hv/ORDER |
    awk 'NF { print $1 }'
}

order_complete()
{
  order | sort | uniq -d | sed 's/$/ is listed twice/'
  order | sort -u >"$scratch/listed"
  files 'hv/*.c' 'hv/*.h' 'hv/*.S' | sed 's|^hv/||' | sort -u >"$scratch/there"
  comm -23 "$scratch/there" "$scratch/listed" | sed 's/$/ is not listed/'
  comm -13 "$scratch/there" "$scratch/listed" | while IFS= read -r name; do
    [ -f "hv/$name" ] || echo "$name is listed but is no file"
  done
}

# A header includes none that comes later.
order_kept()
{
  order | grep '\.h$' | while IFS= read -r header; do
    [ ! -f "hv/$header" ] || includes "hv/$header"
  done >"$scratch/includes"
  order | awk -v includes="$scratch/includes" '
    { place[$1] = NR }
    END {
      while ((getline line < includes) > 0) {
        split(line, part, ":")
        from = part[1]; sub(/^hv\//, "", from)
        folder = from; if (!sub(/\/[^\/]*$/, "/", folder)) folder = ""
        to = (folder part[3]) in place ? folder part[3] : part[3]
        if ((to in place) && place[to] > place[from])
          printf "%s:%s includes %s, which comes later\n", part[1], part[2], to
      }
    }'
}

# The whole tree without build products, pictures and this script's own patterns.
text_files()
{
  files '*' | grep -vE '\.(png|jpg|gif|pdf|woff2?|iso|elf|bin)$|^tests/system/lint\.sh$'
}

no_python()
{
  files '*.py' '*.pyc'
  text_files | while IFS= read -r file; do
    head -n 1 "$file" | tr -d '\000' | grep -qE '^#!.*python' && echo "$file"
  done
  # shellcheck disable=SC2046
  grep -nHwE 'python[23]?' $(scripts) $(files Makefile '*.mk') /dev/null |
    grep -v '^tests/system/lint\.sh:'
}

no_own_paths()
{
  # Home directories and this machine's work folders; $HOME is kept out of it when it is /root.
  text_files | tr '\n' '\0' | xargs -0 grep -nHE -e '/(work|home|Users)/[a-z]+' -e '(^|[^a-z$/])/root/'
}

no_marks() { text_files | tr '\n' '\0' | xargs -0 grep -nHwE 'TODO|FIXME|XXX|HACK' ; }

trailing_space() { text_files | tr '\n' '\0' | xargs -0 grep -nHIE '[[:blank:]]+$|'"$(printf '\r')"'$'; }

long_lines()
{
  files '*.c' '*.h' '*.S' | while IFS= read -r file; do
    expand -t 8 "$file" | awk -v file="$file" 'length($0) > 100 { print file ":" NR ": " length($0) }'
  done
}

clean_tree()
{
  [ ! -e .git ] || {
    git status --porcelain --untracked-files=all >"$scratch/before"
    # What is there before the build may be work in progress; what the build adds is not.
    make --no-print-directory B="$scratch/build" build-all >"$scratch/make.log" 2>&1 || {
      echo 'the build fails:'
      tail -n 5 "$scratch/make.log"
    }
    git status --porcelain --untracked-files=all >"$scratch/after"
    comm -13 "$scratch/before" "$scratch/after"
  }
}

# Emulators of this user that have lost their supervisor belong to init or a reaper.
leftovers()
{
  ps -u "$(id -u)" -o pid=,ppid=,stat=,args= | awk '
    $3 !~ /^Z/ && ($4 ~ /(^|\/)(qemu-system-[a-z0-9_]+|bochs|bochs-bin)$/) && $2 == 1'
  find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'espejo-run.*' -user "$(id -u)" -mmin +120 2>/dev/null
}

run()
{
  name=$1
  shift
  "$@" >"$scratch/offences" 2>&1
  check "$name" "$scratch/offences"
}

run 'every header compiles alone (gcc)' headers_alone gcc
if command -v clang >/dev/null; then
  run 'every header compiles alone (clang)' headers_alone clang
else
  skip 'every header compiles alone (clang)' 'no clang'
fi
run 'vendor headers stay in their folders' vendor_includes
run 'vendor names stay out of shared code' vendor_names
run 'host headers stay in their folders' host_includes
run 'no conditionals on vendor or host in vm/ and dev/' conditionals
if [ -f hv/ORDER ]; then
  run 'hv/ORDER lists every file once' order_complete
  run 'no header includes a later one of hv/ORDER' order_kept
else
  echo 'there is no hv/ORDER' >"$scratch/offences"
  check 'hv/ORDER lists every file once' "$scratch/offences"
  check 'no header includes a later one of hv/ORDER' "$scratch/offences"
fi
# shellcheck disable=SC2046
run 'shellcheck accepts every script' shellcheck -x $(scripts)
run 'no python' no_python
run 'no paths of one machine' no_own_paths
run 'no marks of unfinished work' no_marks
run 'no trailing space, no carriage return' trailing_space
run 'no line beyond 100 columns' long_lines
cp .devcontainer/Dockerfile "$scratch/Dockerfile"
tools/in-container --dockerfile | diff - "$scratch/Dockerfile" >"$scratch/offences" 2>&1
check 'the devcontainer is made from tools/packages' "$scratch/offences"
if [ -e .git ]; then
  run 'a build leaves the source tree clean' clean_tree
else
  skip 'a build leaves the source tree clean' 'not a git checkout'
fi
run 'no emulator is left behind' leftovers
echo "1..$number"
[ "$failures" -eq 0 ]
