#!/bin/sh
# streams.sh - differential streams: no difference on our hypervisor; one that is put there is found, shrunk to
# one instruction, and explained; what is cut off or made up does not pass; the same seed gives the same.
# shellcheck disable=SC2317
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
B=$build
case $B in
/*) ;;
*) B=$root/$B ;;
esac
export B
scratch=$records

# result RESULT CHECK DIR: that check has that result
result() { grep -q "^$1 fidelity $2\$" "$scratch/$3/results"; }

tool=$B/checker/streams-tool
export STREAMS_CASES=1024 STREAMS_SHRINK=1

check 'on qemu-svm nothing differs' checker/pgcheck --only streams --out "$scratch/good"
check '... and cases that once did are run too' result pass streams/cases good

bare()
{
  tools/run --machine qemu-bare --mem 128 --timeout 60 --append "nonce=n seed=3 from=100 to=300 detail=1 $1" \
    "$B/checker/streams.elf" </dev/null >"$scratch/$2" 2>&1 && grep -q '^@n end ' "$scratch/$2"
}
check 'a part of a run can be run alone' bare lenient=1 a
check '... again' bare lenient=1 b
check '... and gives the same bytes' cmp "$scratch/a" "$scratch/b"

# The tool makes the case that the probe makes: given in the image, it gives the same result.
same_as_given()
{
  "$tool" emit 3 "$1" 1 >"$scratch/one.case" &&
    "$tool" embed "$B/checker/streams.elf" "$scratch/one.case" "$scratch/one.elf" &&
    tools/run --machine qemu-bare --mem 128 --timeout 60 --append 'nonce=n' "$scratch/one.elf" \
      </dev/null >"$scratch/given" 2>&1
  want=$(sed -n "s/^@n case $1 .*hash=//p" "$scratch/a" | tr -d '\r')
  got=$(sed -n 's/^@n case 0 .*hash=//p' "$scratch/given" | tr -d '\r')
  echo "'$got', expected '$want'"
  [ -n "$want" ] && [ "$got" = "$want" ]
}
check 'the host makes the same case as the probe' same_as_given 160
check 'text that is no case is refused' status_is 2 "$tool" embed "$B/checker/streams.elf" Makefile "$scratch/no.elf"

# ---- A difference that was put there: the "virtual" machine is a CPU without MOVBE ---------------

cat >"$scratch/other.sh" <<'END'
platform_title='a CPU without MOVBE'
platform_machine=qemu-bare
platform_bare=qemu-bare
platform_can=''
platform_image=$B/hv/espejo.elf
platform_limits=''
. "$checker/platforms/bare.sh"
platform_run()
{
  IFS='|' read -r name mem model options file cmdline <"$dir/$1.guests"
  "$tools/run" --machine qemu-bare --cpu "${OTHER_CPU:-max,-movbe}" --mem 128 --timeout "$run_seconds" \
    --append "$cmdline" "$file" </dev/null 2>"$dir/$1.err" | sed 's/^@/[one] @/' >"$dir/$1.out"
}
END
check 'a CPU without MOVBE differs' status_is 1 checker/pgcheck --platform "$scratch/other.sh" --only streams \
  --out "$scratch/other"

# Its smallest case is MOVBE, and not much else.
shrunk()
{
  set -- "$scratch"/other/streams-*.case
  cat "$1"
  [ "$(grep -c '^unit' "$1")" -eq 1 ] && grep -q '^unit.* 0f 38 f[01]' "$1" && grep -q 'vector=6' "$1"
}
check '... shrunk to that instruction, with what becomes of it' shrunk
replays()
{
  set -- "$scratch"/other/streams-*.case
  "$tool" embed "$B/checker/streams.elf" "$1" "$scratch/small.elf" || return 1
  for cpu in max max,-movbe; do
    tools/run --machine qemu-bare --cpu "$cpu" --mem 128 --timeout 60 --append nonce=n "$scratch/small.elf" \
      </dev/null 2>&1 | sed -n 's/^@n case 0 .*hash=//p' >"$scratch/small.$cpu"
  done
  [ -s "$scratch/small.max" ] && ! cmp -s "$scratch/small.max" "$scratch/small.max,-movbe"
}
check '... and the case shows it by itself' replays

# ---- Runs that went wrong --------------------------------------------------------------------------

spoil()
{
  rm -rf "$scratch/bad"
  cp -r "$scratch/good" "$scratch/bad"
}
cut_off()
{
  spoil
  head -c "$(($(wc -c <"$scratch/good/streams-virtual.out") / 2))" "$scratch/good/streams-virtual.out" \
    >"$scratch/bad/streams-virtual.out"
  "$B/checker/judge" "$scratch/bad"
}
check 'a virtual run that is cut off fails' status_is 1 cut_off
forged()
{
  spoil
  sed -i 's/@[0-9a-f]* block/@0123456789abcdef block/' "$scratch/bad/streams-virtual.out"
  "$B/checker/judge" "$scratch/bad"
}
check 'records without the nonce are none' status_is 1 forged
no_reference()
{
  spoil
  : >"$scratch/bad/streams-bare.out"
  "$B/checker/judge" "$scratch/bad"
}
check 'without a bare run there is no verdict' status_is 2 no_reference

finish
