#!/bin/sh
# tests/system/lab.sh - a lab keeps its promises, as TAP
#
# The skeleton builds and stops at its first exercise by name; grading gives nothing for it, all
# for the solution, and takes away only what is wrong; the handouts show what one sees, the same
# in both languages.  One wrong solution per exercise; LAB_WRONG=all tries each.
# shellcheck source=tests/system/lib.sh disable=SC2317
. "$(dirname "$0")/lib.sh"

lab=3 folder=labs/03-first-guest first=3.1 file=hv/amd/svm.c
work=$build/lab-test
rm -rf "$work"
mkdir -p "$work/cache"

# The exercises and their points: "3.1 10".
exercises() { sed -e '/^#/d' -e '/^$/d' "$folder/points"; }
ids() { exercises | cut -d ' ' -f 1; }
join() { tr '\n' ',' | sed 's/,$//'; }

# grade TREE [EXERCISE]: the report, in $work/report.
grade()
{
  (cd "$1" && REFERENCE=$root CACHE=$work/cache B=$work/b FIRST=${FIRST:-} MACHINE=${machine:-qemu-svm} \
    tools/grade "$lab" "${2:-}") >"$work/report" 2>&1
}

# scores EXPECTED: the report's lines "ID GOT MAX" are those of the file EXPECTED.
scores()
{
  sed -n 's/^\([0-9.]*\)  *\([0-9]*\) of *\([0-9]*\) points$/\1 \2 \3/p' "$work/report" |
    diff "$1" - && return 0
  cat "$work/report"
  return 1
}

full() { exercises | awk '{ print $1, $2, $2 }'; }
none() { exercises | awk '{ print $1, 0, $2 }'; }

# make_in TREE CC B TARGET...
make_in()
{
  tree=$1 cc=$2 b=$3
  shift 3
  (cd "$tree" && MAKEFLAGS='' ESPEJO_SETUP=ready make --no-print-directory -s -j2 CC="$cc" B="$b" "$@")
}

# The text between "<!-- screen: NAME -->" and "<!-- end -->", without its fence.
screen()
{
  awk -v name="$2" '
    $0 == "<!-- screen: " name " -->" { on = 1; next }
    $0 == "<!-- end -->" { on = 0 }
    on && !/^```/ { print }' "$1"
}

# shows HANDOUT NAME OUTPUT: a line "..." stands for any lines, "..." in a line for any text.
shows()
{
  screen "$1" "$2" >"$work/screen"
  [ -s "$work/screen" ] || return 1
  tr -d '\r' <"$3" | awk -v patterns="$work/screen" '
    function fits(line, pattern, n, part, i, at) {
      n = split(pattern, part, "[.][.][.]")
      if (n == 1) return line == pattern
      if (substr(line, 1, length(part[1])) != part[1]) return 0
      line = substr(line, length(part[1]) + 1)
      for (i = 2; i < n; i++) {
        at = index(line, part[i])
        if (!at) return 0
        line = substr(line, at + length(part[i]))
      }
      return part[n] == "" || (length(line) >= length(part[n]) &&
        substr(line, length(line) - length(part[n]) + 1) == part[n])
    }
    { line[NR] = $0 }
    END {
      at = 1
      while ((getline pattern < patterns) > 0) {
        if (pattern == "...") { gap = 1; continue }
        while (gap && at <= NR && !fits(line[at], pattern)) at++
        if (at > NR || !fits(line[at], pattern)) {
          print "the handout shows: " pattern
          print "the run, line " at ": " line[at]
          exit 1
        }
        gap = 0
        at++
      }
    }' && return 0
  cat "$3"
  return 1
}

# Rows "| 3.1 | 10 | ..." of a handout.
table() { sed -n 's/^| \([0-9][0-9]*\.[0-9][0-9]*\) | \([0-9]*\) |.*/\1 \2/p' "$1"; }
same_table() { table "$folder/$1" >"$work/table"; exercises | diff - "$work/table"; }

# Each hole is one function of 5 to 45 lines, and has a contract above it.
holes_fit()
{
  host_tool function function.c cfunc.c || return 1
  grep -v -e '^#' -e '^$' "$folder/holes" | while read -r id path function; do
    lines=$("$program" lines "$path" "$function") || echo "$id: no $function() in $path"
    if [ "${lines:-0}" -lt 5 ] || [ "${lines:-0}" -gt 45 ]; then
      echo "$id: $function() has ${lines:-no} lines, not 5 to 45"
    fi
    case $("$program" print "$path" "$function") in
    '/*'*) ;;
    *) echo "$id: $function() has no contract" ;;
    esac
  done >"$work/misfits"
  cat "$work/misfits"
  [ ! -s "$work/misfits" ]
}

# ---- The handout and the skeleton ------------------------------------------------------

check 'each hole is one function of 5 to 45 lines with a contract' holes_fit
check 'README.md lists the exercises and their points' same_table README.md
check 'README.es.md lists the same' same_table README.es.md

skeleton=$work/skeleton
check 'the skeleton is cut' tools/mkskel "$lab" "$skeleton"
check 'it holds no wrong solutions and no tests' sh -c "! ls -d '$skeleton'/labs/*/wrong '$skeleton'/tests"
check 'it builds with gcc and -Werror' make_in "$skeleton" gcc "$work/s-gcc" hv guest-os labs
check 'it builds with clang and -Werror' make_in "$skeleton" clang "$work/s-clang" hv
make_in "$skeleton" gcc "$work/s-gcc" demo LAB="$lab" >"$work/before" 2>&1
for handout in README.md README.es.md; do
  check "it stops at lab $first by name, as in $handout" \
    shows "$folder/$handout" before "$work/before"
done
check 'it names the place of that function' sh -c "
  line=\$(sed -n 's|.*is next: $file:\\([0-9]*\\) in.*|\\1|p' '$work/before')
  sed -n \"\${line}p\" '$skeleton/$file' | grep -q 'lab_todo(\"$first\")'"
grade "$skeleton"
none >"$work/expected"
check 'the skeleton scores 0, exercise by exercise' scores "$work/expected"

# ---- Solutions ----------------------------------------------------------------------------

tools/mkskel "$lab" "$work/filled" --fill "$(ids | join)"
grade "$work/filled"
full >"$work/expected"
check 'with the holes filled it scores full' scores "$work/expected"
touch "$work"/filled/hv/amd/* "$work"/filled/hv/intel/* # the build is the skeleton's
make_in "$work/filled" gcc "$work/s-gcc" hv labs guest-os >"$work/build.log" 2>&1
make_in "$work/filled" gcc "$work/s-gcc" demo LAB="$lab" >"$work/after" 2>&1
for handout in README.md README.es.md; do
  check "and shows the screen of $handout" shows "$folder/$handout" after "$work/after"
done
for id in $(ids); do
  rm -rf "$work/one"
  tools/mkskel "$lab" "$work/one" --fill "$(ids | grep -v -x "$id" | join)"
  grade "$work/one"
  full | awk -v id="$id" '$1 == id { $2 = 0 } { print }' >"$work/expected"
  check "without $id only its points are lost" scores "$work/expected"
done
machine=bochs-vmx
grade "$work/filled"
full >"$work/expected"
check 'the VT-x twins score full on bochs-vmx' scores "$work/expected"
make_in "$work/filled" gcc "$work/s-gcc" demo LAB="$lab" MACHINE=bochs-vmx \
  >"$work/vmx" 2>&1
sed 's/GenuineIntel/AuthenticAMD/' "$work/vmx" >"$work/vmx-as-svm"
check 'and show the same screen, but for the processor' \
  shows "$folder/README.md" after "$work/vmx-as-svm"
machine=qemu-svm

# ---- Wrong solutions ------------------------------------------------------------------------

# The check that must catch it is named in the file; the symptom is whatever that one reports.
# No other exercise can be touched: its tree gets the reference's body in this place, as above.
caught()
{
  id=${1##*/}
  id=${id%%-*}
  named=$(sed -n 's/^check: //p' "$1")
  rm -rf "$work/one"
  cp -a "$work/whole" "$work/one"
  tools/mutate "$1" "$work/one" || return 1
  machine=qemu-svm
  case $1 in *-intel-*) machine=bochs-vmx ;; esac
  FIRST=1
  grade "$work/one" "$id"
  FIRST=
  sed -n '1,6p' "$work/report"
  grep -q "^$id   *0 of" "$work/report" && grep -q "not ok: $named\$" "$work/report"
}

tools/mkskel "$lab" "$work/whole" --fill all
tried=
for wrong in "$folder"/wrong/*; do
  id=${wrong##*/}
  id=${id%%-*}
  case ${LAB_WRONG:-} in
  all) ;;
  *)
    # The first of each exercise.
    case " $tried " in *" $id "*) continue ;; esac
    tried="$tried $id"
    ;;
  esac
  check "wrong: $(sed -n 's/^why: //p' "$wrong") (${wrong##*/})" caught "$wrong"
done
rm -rf "$work"
finish
