#!/bin/sh
# checker.sh - the checker itself: a clean run passes, its reports are well-formed, garbage does not pass,
# and it catches a seeded bug of each property.  All of them: make mutants.
# shellcheck disable=SC2317
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
B=$build
export B
scratch=$records

# ---- A run of all three properties -----------------------------------------------------

# Its failures stand in the line: often nothing else of a run on another machine is seen.
passed=0
checker/pgcheck --out "$scratch/check" >"$scratch/first" 2>&1 || passed=$?
sed -n 's/^fail [a-z]* //p' "$scratch/check/results" | sort >"$scratch/before"
first()
{
  cat "$scratch/first"
  [ "$passed" -eq 0 ]
}
check "make check passes on qemu-svm$(sed 's/^/, but not /' "$scratch/before" | head -n 5 | tr -d '\n')" first
if command -v jq >/dev/null; then
  check 'report.json is JSON with a score of 100 for each property if nothing failed' \
    jq -e '(.checks | length) > 200 and
      ([.properties[].score] == [100, 100, 100]) == ([.checks[] | select(.result == "fail")] == [])' "$scratch/check/report.json"
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

# shellcheck disable=SC2016
check 'report.tap is TAP 13 with as many lines as its plan, and as many failures' awk -v failures="$(wc -l <"$scratch/before")" '
  NR == 1 && $0 != "TAP version 13" { exit 1 }
  NR == 2 { split($0, plan, "\\.\\.") }
  /^(not )?ok [0-9]+ - / { n++; if (/^not/) bad++ }
  END { exit bad + 0 != failures || n != plan[2] || n < 200 }' "$scratch/check/report.tap"

# The page: drawn by a browser, every plot with something in it, and nothing from elsewhere.
chrome=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
# drawn PAGE PICTURES: so many at least
drawn()
{
  timeout 120 "$chrome" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir="$scratch/chrome" --dump-dom "file://$1" >"$scratch/dom" 2>/dev/null
  grep -q '</html>' "$scratch/dom" && [ "$(grep -c '<svg' "$scratch/dom")" -ge "$2" ] &&
    ! grep -E '>(NaN|null|Infinity)<|"(NaN|null)"' "$scratch/dom"
}
if [ -n "$chrome" ]; then
  check 'report.html is drawn by a browser' drawn "$scratch/check/report.html" 9
else
  skip 'report.html is drawn by a browser' 'no browser'
fi
check 'report.html needs nothing from elsewhere' sh -c "
  grep -q '<svg' '$scratch/check/report.html' && ! grep -E '(src|href)=|url\\(|<script' '$scratch/check/report.html'"
sourced()
{
  jq -r '.checks[] | select(.source == "") | .name' "$scratch/check/report.json" >"$scratch/sourceless"
  [ ! -s "$scratch/sourceless" ] || {
    cat "$scratch/sourceless"
    return 1
  }
}
check 'each check says what it rests on' sourced

# ---- Parts of it, and the same again -----------------------------------------------------------

filtered()
{
  checker/pgcheck --filter 'census/cpuid*' --bare "$scratch/check" --out "$scratch/part" || return 1
  ! ls "$scratch"/part/cost-*.out 2>/dev/null && ! grep -v ' census/cpuid' "$scratch/part/results" &&
    [ "$(grep -c ' census/cpuid' "$scratch/part/results")" -eq "$(grep -c ' census/cpuid' "$scratch/check/results")" ]
}
check '--filter runs and judges what fits, and no more' filtered
check 'a filter that fits nothing is an error' status_is 2 checker/pgcheck --filter 'nosuch/*' --out "$scratch/part"
check '--list names groups and checks' sh -c "checker/pgcheck --list --out '$scratch/check' >'$scratch/list' &&
  grep -q '^census ' '$scratch/list' && grep -q '^  pass  census/cr0' '$scratch/list'"
check '--repeat 2: other seeds, nothing fails' sh -c "
  checker/pgcheck --filter 'census/cr*' --bare '$scratch/check' --repeat 2 --out '$scratch/twice' >'$scratch/log2' &&
  grep -q 'seed 2: [1-9][0-9]* judged, 0 failed' '$scratch/log2'"
check 'an earlier check is not written over while it is read' status_is 2 \
  checker/pgcheck --bare "$scratch/check" --out "$scratch/check"
check '--bisect from no commit is an error' status_is 2 checker/pgcheck --bisect nosuchcommit --out "$scratch/part"

# ---- Platforms side by side ------------------------------------------------------------------

# Two platforms, one of which fails everything; its title is no HTML.
compared()
{
  mkdir -p "$scratch/side/qemu-svm" "$scratch/side/kvm"
  cp "$scratch/check/report.json" "$scratch/check/info" "$scratch/side/qemu-svm/"
  cp "$scratch/check/info" "$scratch/side/kvm/"
  jq '.platform = "Other <b>" | .checks[].result = "fail"' "$scratch/check/report.json" >"$scratch/side/kvm/report.json"
  status_is 1 tools/peers --table --platforms 'qemu-svm kvm' --out "$scratch/side" || return 1
  grep -q 'Platforms side by side' "$scratch/side/peers.html" && grep -q 'Other &lt;b&gt;' "$scratch/side/peers.html" &&
    ! grep -E '(src|href)=|url\(|<script|<b>"' "$scratch/side/peers.html"
}
embedded()
{
  checker/pgcheck --filter 'census/cr0*' --bare "$scratch/check" --out "$scratch/side/again" --quiet &&
    grep -q 'Platforms side by side' "$scratch/side/again/report.html"
}
if command -v jq >/dev/null; then
  check 'platforms side by side are a page, which needs nothing from elsewhere' compared
  check 'a report beside them has their table too' embedded
else
  skip 'platforms side by side are a page' 'no jq'
fi
if [ -n "$chrome" ] && [ -s "$scratch/side/peers.html" ]; then
  check 'that page is drawn by a browser' drawn "$scratch/side/peers.html" 1
else
  skip 'that page is drawn by a browser' 'no browser, or no page'
fi

# ---- The harness against runs that went wrong --------------------------------------------

sane_judge()
{
  MAKEFLAGS='' make -s --no-print-directory B="$scratch/asan" SETUP=no \
    JUDGE_FLAGS='-fsanitize=address,undefined -fno-sanitize-recover=all' "$scratch/asan/checker/judge" &&
    cp "$scratch/asan/checker/judge" "$scratch/judge"
}
check 'the judge builds with sanitizers' sane_judge

# What the clean run left, for a test to spoil.  The machine's memory was thrown away.
spoil()
{
  rm -rf "$scratch/bad"
  cp -r "$scratch/check" "$scratch/bad"
  sed -i '/^can ram$/d' "$scratch/bad/info"
}

each_output()
{
  for out in "$scratch"/bad/*.out; do
    "$@" "$out"
  done
}

# fails_only NAME...: these checks of the spoilt run fail, beside what failed before, and no others
fails_only()
{
  "$scratch/judge" "$scratch/bad" >/dev/null
  sed -n 's/^fail [a-z]* //p' "$scratch/bad/results" | sort >"$scratch/failed"
  printf '%s\n' "$@" | sort -u - "$scratch/before" | diff - "$scratch/failed"
}

half() { dd if="$1" of="$1.half" bs=1 count=$(($(wc -c <"$1") / 2)) 2>/dev/null && mv "$1.half" "$1"; }
# Without its last record and what follows; the self-test has none.
cut_off()
{
  case $1 in
  *selftest*)
    half "$1"
    return
    ;;
  esac
  last=$(grep -a -n '@[0-9a-f]* ' "$1" | tail -n 1)
  head -n "$((${last%%:*} - 1))" "$1" >"$1.cut" && mv "$1.cut" "$1"
}
noise() { dd if=/dev/urandom of="$1" bs=1024 count=300 2>/dev/null; }
megabytes() { yes '[neighbour] @0 share count=1 own=1 elapsed=1' | head -c 20000000 >"$1"; }
forged() { sed -i 's/@[0-9a-f]*/@0123456789abcdef/' "$1"; }
nothing() { : >"$1"; }
scoreless() { ! grep -q '100 of 100' "$scratch/bad/report.txt"; }

spoil
unspoilt()
{
  status_is "$passed" "$scratch/judge" "$scratch/bad" &&
    sed -n 's/^fail [a-z]* //p' "$scratch/bad/results" | sort | diff "$scratch/before" -
}
check 'what is not spoilt is judged as before' unspoilt
for out in "$scratch"/check/*.out; do
  spoil
  cut_off "$scratch/bad/${out##*/}"
  status=0
  "$scratch/judge" "$scratch/bad" >/dev/null 2>&1 || status=$?
  check "nothing passes if only ${out##*/} is cut off" test "$status" -ne 0
done

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
spoil
sed -i '/^status census-virtual /d' "$scratch/bad/info"
check 'a run that was wanted and did not take place is an error' status_is 2 "$scratch/judge" "$scratch/bad"
spoil
rm "$scratch/bad/cost-virtual.log"
check 'a log that the platform promised and that is not there is an error' \
  status_is 2 "$scratch/judge" "$scratch/bad"
spoil
echo 'can ram' >>"$scratch/bad/info"
check 'so is memory' status_is 2 "$scratch/judge" "$scratch/bad"
spoil
: >"$scratch/bad/cost-virtual.log"
check 'no exit at all fails' fails_only exits/outside
spoil
sed -i '/^vm caller /d' "$scratch/bad/attack.facts"
check 'a VM that the hypervisor does not know any more fails' fails_only hypervisor/answers
spoil
sed -i '/storming/d' "$scratch/bad/share-storm.out"
check 'shares without a storm fail' fails_only share/storm share/speed share/progress share/fair
spoil
sed -i 's/ own=[0-9]* elapsed=\([0-9]*\)/ own=\1 elapsed=\1/' "$scratch/bad/share-storm.out"
check 'shares beside one that has died fail' fails_only share/storm share/speed share/progress share/fair
spoil
sed -i '/name=cpuid/s/least=[0-9]*/least=5/' "$scratch/bad/cost-virtual.out"
check 'an exit that costs nothing is not believed' fails_only cost/cpuid
spoil
sed -i '/name=switch/s/ticks=[0-9]*/ticks=3500000/' "$scratch/bad/loads-virtual.out"
check 'a clock that hides the time of exits fails' fails_only clock/honest
spoil
awk '$1 == 29 { $4 += 100000 } { print }' "$scratch/check/loads-virtual.marks" >"$scratch/bad/loads-virtual.marks"
check 'a guest that executes something else fails' fails_only identity/disk
spoil
rm "$scratch/bad/loads-virtual.marks"
check 'loads that nobody counted fail' fails_only load/cpu load/memory load/syscall load/fault load/switch load/timer \
  load/disk load/network
spoil
sed -i '/name=disk/s/$/ failed=1/' "$scratch/bad/loads-virtual.out"
check 'a load that did not do its work fails' fails_only load/disk
spoil
sed -i '/ end/d' "$scratch/bad/cost-virtual.out" "$scratch/bad/accounts.out"
check 'a probe without its end line fails' fails_only cost/complete accounts/complete accounts/run-time
spoil
sed -i '/how=halted/s/most=[0-9]*/most=50000/' "$scratch/bad/cost-virtual.out"
check 'a timer that wakes its guest too late fails' fails_only wake/halted
spoil
sed -i '/how=computing/s/early=0/early=1/' "$scratch/bad/wake-busy.out"
check 'one that wakes it before its time fails' fails_only wake/computing-beside-busy
spoil
sed -i '/^.middle. @.* share /s/own=[0-9]*/own=1000000/' "$scratch/bad/share-weights.out"
check 'a share that is not as its weight fails' fails_only weight/middle
spoil
awk '$1 == "memory" && ++n == 8 { $4++ } { print }' "$scratch/check/footprint.facts" >"$scratch/bad/footprint.facts"
check 'memory that does not come back fails' fails_only memory/killed
spoil
awk '$1 == "memory" && ++n >= 5 { $3++ } { print }' "$scratch/check/footprint.facts" >"$scratch/bad/footprint.facts"
check 'so does memory that stays promised' fails_only memory/ended memory/killed
spoil
awk '$1 == "memory" && !n++ { $4 += 1000 } { print }' "$scratch/check/footprint.facts" >"$scratch/bad/footprint.facts"
check 'a VM that is too large fails' fails_only memory/vm memory/vcpu memory/gib
spoil
sed -i '0,/^memory /s//forgotten /' "$scratch/bad/footprint.facts"
check 'memory that is not told of fails' fails_only memory/vm memory/vcpu memory/gib memory/ended memory/killed
spoil
sed -i 's/^run one .*/run one 0.010/' "$scratch/bad/accounts.facts"
check 'an account of less time than the guest saw fails' fails_only accounts/run-time
spoil
awk '$1 == 27 { $3 += 100 } { print }' "$scratch/check/loads-virtual.marks" >"$scratch/bad/loads-virtual.marks"
check 'a load with more exits than it needs fails' fails_only entries/timer
check 'a directory without runs is an error' status_is 2 "$scratch/judge" "$scratch"
check 'an unknown group is an error' status_is 2 checker/pgcheck --only nonsense --out "$scratch/none"
check 'an unknown platform is an error' status_is 2 checker/pgcheck --platform nonsense

# platform FACTS CAN: one that boots nothing, with this command in platform_facts and this platform_can
platform()
{
  cat >"$scratch/platform.sh" <<SH
platform_title=nothing platform_bare=qemu-bare platform_can=$2 platform_image=$B/hv/espejo.elf
platform_limits= platform_slice=1 platform_storm=1
platform_run() { : >"\$dir/\$1.out"; }
platform_facts() { $1; }
SH
}
platform false ticks
check 'a platform that breaks off is an error' \
  status_is 2 checker/pgcheck --platform "$scratch/platform.sh" --only reuse --out "$scratch/nothing"
platform : ticks
sed -i 's@^platform_run() .*@platform_run() { sleep 371; }@' "$scratch/platform.sh"
# shellcheck disable=SC2009
stopped()
{
  JOBS=2 checker/pgcheck --platform "$scratch/platform.sh" --only 'reuse switch' --out "$scratch/nothing" &
  stopped_pid=$! patience=300
  while [ "$(ps ax -o args= | grep -c '^sleep 371$')" -lt 2 ] && [ "$patience" -gt 0 ]; do
    sleep 0.1
    patience=$((patience - 1))
  done
  kill "$stopped_pid"
  [ "$patience" -gt 0 ] && ! wait "$stopped_pid" && ! ps ax -o args= | grep '^sleep 371$'
}
check 'a check that is stopped leaves nothing running' stopped
platform : ticks
check 'a machine that says nothing fails, and is no error of the harness' \
  status_is 1 checker/pgcheck --platform "$scratch/platform.sh" --only reuse --out "$scratch/nothing"
platform : ''
only_skips()
{
  checker/pgcheck --platform "$scratch/platform.sh" --only 'share cost' --out "$scratch/nothing"
  [ "$(cut -d' ' -f1 "$scratch/nothing/results" | sort -u)" = skip ]
}
check 'who cannot count instructions is not judged by the clock' only_skips

# ---- What is declared ------------------------------------------------------------------------

# Bits of CPUID that docs/machine.md hides with a reason: LEAF.REGISTER 0xMASK.
hidden_bits()
{
  awk -F' *[|] *' '
    $5 == "hidden" && $3 ~ /^E[A-D]X\[/ {
      key = "cpuid." substr($2, 3) "." tolower(substr($3, 1, 3))
      range = substr($3, 5, length($3) - 5)
      high = low = range
      sub(/:.*/, "", high)
      sub(/.*:/, "", low)
      for (bit = low + 0; bit <= high + 0; bit++)
        mask[key] += 2 ^ bit
    }
    END {
      for (key in mask)
        printf "%s 0x%04x%04x\n", key, int(mask[key] / 65536), mask[key] % 65536
    }' docs/machine.md
}

# The registers of features that the census looks at.
census_flags() { sed -n 's/.*census_flags("\([^"]*\)".*/\1/p' checker/guests/census_cpu.c; }

declared_is_documented()
{
  census_flags | sort >"$scratch/flags"
  [ -s "$scratch/flags" ] || return 1
  hidden_bits | sort | join - "$scratch/flags" >"$scratch/hidden"
  sed -n 's/^\([^# ]* 0x[0-9a-f]*\) .*/\1/p' checker/declared | sort | diff - "$scratch/hidden"
}
check 'the bits declared as hidden are those of docs/machine.md' declared_is_documented

# ---- Seeded bugs, one for each property ------------------------------------------------------

for bug in port-absent-zero ram-not-cleared svm-cr3-exits; do
  check "the seeded bug $bug is caught" checker/prove "checker/mutants/$bug.mutant"
done
# Two checks, of which a bug that was caught failed one, and one that was missed the other.
covered()
{
  mkdir -p "$scratch/cov/checker" "$scratch/cov/hv" "$scratch/cov/mutants/reference-a-b" \
    "$scratch/cov/mutants/bug/check" "$scratch/cov/mutants/other/check"
  cp "$B/checker/judge" "$scratch/cov/checker/" && : >"$scratch/cov/hv/espejo.elf"
  printf 'pass isolation x/%s\n' one two >"$scratch/cov/mutants/reference-a-b/results"
  echo 'fail isolation x/one' >"$scratch/cov/mutants/bug/check/results"
  echo 'fail isolation x/two' >"$scratch/cov/mutants/other/check/results"
  printf '%s\n' key 'caught   bug by x/one' >"$scratch/cov/mutants/bug.verdict"
  printf '%s\n' key 'missed   other: nothing fails' >"$scratch/cov/mutants/other.verdict"
  B=$scratch/cov checker/prove --coverage >"$scratch/coverage" || return 1
  cat "$scratch/coverage"
  grep -q '^isolation x: 1 of 2 checks failed for a bug; never: two$' "$scratch/coverage"
}
check 'checks that no bug made fail are listed' covered
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
# A pattern that fits two checks, one of which fails without the bug as well.
newly()
{
  printf '%s\n' 'pass fidelity x/one' 'fail fidelity x/two' >"$scratch/newly.ref"
  printf '%s\n' 'pass fidelity x/one' 'fail fidelity x/two' >"$scratch/newly.same"
  printf '%s\n' 'fail fidelity x/one' 'fail fidelity x/two' >"$scratch/newly.more"
  ! checker/prove --newly "$scratch/newly.ref" "$scratch/newly.same" fidelity 'x/*' &&
    [ "$(checker/prove --newly "$scratch/newly.ref" "$scratch/newly.more" fidelity 'x/*')" = x/one ]
}
check 'what fails without a bug as well does not catch it' newly

finish
