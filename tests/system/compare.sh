#!/bin/sh
# tests/system/compare.sh - `make compare`: its figures are those of the runs, twice the same, and they
# say what they must
#
# PARTS: of tools/compare.  tests/long/compare.sh takes all of them.
# shellcheck disable=SC2016
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

PARTS=${PARTS:-bare type1}
if [ ! -f "$build/compare/initrd.gz" ]; then
  skip 'the comparison' 'its initramfs is not there: make compare'
  finish
fi

# compare NAME PART...: into a folder of its own.
compare()
{
  name=$1
  shift
  mkdir -p "$records/$name"
  for file in initrd.gz type2.gz; do
    [ ! -f "$build/compare/$file" ] || ln -sf "$build/compare/$file" "$records/$name/$file"
  done
  background "$name" tools/compare "$records/$name" "$@"
}

# true_of TEXT EXPRESSION: jq says so of the figures, called $f.
true_of()
{
  check "$1" jq -e ".figures as \$f | ($2)" "$records/first/compare.json"
}

# has COLUMN: it was to be measured.
has() { case " $PARTS " in *" $1 "*) ;; *) false ;; esac }

check 'an unknown part is an error' sh -c '! tools/compare "$1" nothing 2>"$1/error" && grep -q nothing "$1/error"' \
  sh "$records"

mkdir "$records/without"
echo "it was not built" >"$records/without/type2.why"
check 'a column that cannot be is left out, with the reason' \
  sh -c 'tools/compare "$1" type2 2>/dev/null | grep -q "Left out: Type 2: it was not built"' sh "$records/without"

# shellcheck disable=SC2086
compare first $PARTS
# shellcheck disable=SC2086
compare second $PARTS
ends first 0 'it runs to its end'
ends second 0 'and once more'
for form in json txt html; do
  check "twice the same bytes: compare.$form" \
    cmp "$records/first/compare.$form" "$records/second/compare.$form"
done
check 'the page needs nothing else: no script, no address' \
  sh -c '! grep -E "<script|<link|<img|src=|href=|https?:" "$1"' sh "$records/first/compare.html"
check 'the page has its plots' test "$(grep -c '<svg' "$records/first/compare.html")" -eq 2
check '... whose axes begin where they say' sh -c 'grep -q ">0.0001 <" "$1" && ! grep -q ">0.1 x<" "$1"' \
  sh "$records/first/compare.html"
check 'the text names the model a model' grep -q 'a MODEL' "$records/first/compare.txt"
check 'every figure of the page is a number' \
  sh -c '! grep -n -E "null|NaN|undefined|e\+[0-9]" "$1"' sh "$records/first/compare.html"

true_of 'bare: no exits' '[$f.exits[] | objects | .bare // empty] | all(. == 0)'
true_of 'arithmetic costs the same wherever it runs' \
  '[$f.instructions.cpu[]] | (max / min) < 1.05'
true_of 'a container pays for its filter at each system call, and for nothing there but that' \
  '$f.instructions.syscall | .container > .process + 50 and .container < .process * 2'
true_of 'a process is started by less than a container, that by less than a machine' \
  '$f.boot.start | .process < .container and .container < .bare'
true_of 'a container is the smaller, a system the larger thing' \
  '$f.memory.tenant | .container < .bare and .process < .bare'
true_of 'trusted: the container'\''s lines are few' '$f.trusted.lines.container < 420'
true_of 'a container with a network of its own pays for the way through it' \
  '$f.instructions | .veth.container / .packet.container | . > 1.2 and . < 3'
true_of '... which nobody else has' '$f.instructions.veth | keys == ["container"]'
check 'each generation of the model has its cycles and its source' jq -e '.model.generations | length >= 4
  and all(.cycles > 100 and .cycles < 10000 and (.name | test(", 20[0-9][0-9]$")) and (.source | length) > 10)' \
  "$records/first/compare.json"
if has type1; then
  true_of 'Type 1: a system call needs no exit' '$f.exits.syscall.type1 < 0.05'
  true_of 'Type 1: and costs what it costs on the bare machine' \
    '$f.instructions.syscall | .type1 / .bare | . > 0.98 and . < 1.02'
  true_of 'Type 1: a disk write needs some exits' \
    '$f.exits.disk.type1 | . >= 2 and . < 6'
  true_of 'Type 1: a packet needs some exits' '$f.exits.packet.type1 | . >= 1 and . < 4'
  true_of 'Type 1: the boot costs at most a fifth more' \
    '$f.boot.start | .type1 / .bare | . > 1 and . < 1.2'
fi
if has type2; then
  if [ -f "$build/compare/type2.gz" ]; then
    true_of 'Type 2: exits to the hypervisor' '$f.exits.disk.type2 >= 2'
    true_of 'Type 2: a disk write costs more than under Type 1' \
      '$f.instructions.disk | .type2 > .type1 * 1.5'
    true_of 'Type 2: a system call costs what it costs on the bare machine' \
      '$f.instructions.syscall | .type2 / .bare | . > 0.98 and . < 1.02'
  fi
fi

# got COLUMN YES|NO ATTEMPT...
got()
{
  column=$1 want=$2
  shift 2
  for attempt in "$@"; do
    true_of "$column: $attempt: $want" "\$f.attack[\"$attempt\"].$column | startswith(\"$want \")"
  done
}

if has attack; then
  got bare got process-memory physical-memory kill files ports module core-pattern mount memory power \
    neighbour
  got process got process-memory kill files memory neighbour
  got process failed physical-memory ports module core-pattern mount power
  got container failed process-memory physical-memory kill files ports module core-pattern mount \
    memory power neighbour
fi
for column in type1 type2; do
  has "$column-attack" || continue
  [ "$column" = type1 ] || [ -f "$build/compare/type2.gz" ] || continue
  got "$column" failed process-memory physical-memory kill files neighbour
  # Its own kernel's and its own machine's.
  got "$column" got ports module core-pattern mount power
done
finish
