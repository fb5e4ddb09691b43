# shellcheck shell=sh disable=SC2154
# checks.sh - how lab 5 is judged; tools/grade sources it
#
# One run shows what all the exercises do: three small guests, and an operator (tables.script) who
# looks at their nested tables and changes them.  check_5_N looks at the answers that tell about
# exercise 5.N.  The guests' numbers come from $nonce.

lab5=labs/05-memory
mark="B/$lab5/marks.elf name=marks mem=16M pauseport -- $nonce"
wild="B/$lab5/wild.elf name=wild mem=4M strict=1 pauseport -- $nonce"
edges="B/$lab5/edges.elf name=edges mem=6M -- $nonce"

run_tables()
{
  run tables --append script-exit B/hv/espejo.elf --module "$mark" --module "$wild" \
    --module "$edges" --module "$lab5/tables.script role=script"
}

# there PATTERN..: would expect find them all, and none of those after "!"?
there()
{
  for pattern; do
    case $pattern in
    '!'*) ! grep -q -E -e "${pattern#!}" "$out" || return 1 ;;
    *) grep -q -E -e "$pattern" "$out" || return 1 ;;
    esac
  done
}

# endless VM: says that this VM (any, if it is "") faults at one place for ever: then it says nothing
# itself, and only the list of VMs tells.
endless()
{
  # shellcheck disable=SC2046
  set -- $(awk -v wanted="$1" '
    /^ +[0-9]+ [a-z]/ { vm = $2 }
    /^ +exits: / && match($0, /nested fault [0-9]+/) && (wanted == "" || vm == wanted) {
      faults = substr($0, RSTART + 13, RLENGTH - 13)
      if (faults + 0 < 100) next
      print vm, faults
      exit
    }' "$out")
  [ $# -ne 2 ] || text 'VM %s faults again and again: nested fault %s' "$@"
}

# must TITLE EXPECTED VM PATTERN..: as expect.
must()
{
  title=$1 expected=$2 got=$(endless "$3")
  shift 3
  if [ -z "$got" ] || there "$@"; then
    expect "$title" "$expected" "$look" "$@"
  else
    record "$title" fail "$expected" "$got" "$look"
  fi
}

# What the guests must say: marks of 3584 pages from 2 MiB on, 4 KiB apart, number plus address
# each; a store between 1 and 1.25 GiB.
mark_sum()
{
  printf '%08x' $(((3584 * 0x$nonce + 3584 * 0x200000 + 0x1000 * 3584 * 3583 / 2) & 0xffffffff))
}
wild_address() { printf '%08x' $((0x$nonce & 0x0ffffffc | 0x40000000)); }

# answer COMMAND [N]: what the operator read behind the N-th such line, without what guests said.
answer()
{
  awk -v command="hv> $1" -v n="${2:-1}" '
    /^hv> / { on = $0 == command && ++count == n; next }
    on && !/^\[/ && !/^VM / && !/^espejo: /' "$out"
}

# answers TITLE EXPECTED COMMAND N PATTERN..: the answer has these lines, in this order, no others.
answers()
{
  title=$1 expected=$(texts "$(verbatim "$3")" "$2") command=$3 n=$4
  shift 4
  if [ -z "$(answer "$command" "$n")" ]; then
    must "$title" "$expected" '' "^hv> $command, an answer to it\$"
    return
  fi
  got=$(answer "$command" "$n" | {
    for pattern; do
      IFS= read -r line || line=$(text 'no more lines')
      printf '%s\n' "$line" | grep -q -x -E -e "$pattern" || {
        printf '%s\n' "$line"
        exit
      }
    done
    if IFS= read -r line; then text 'one line more: %s' "$line"; fi
  })
  record "$title" "$([ -z "$got" ] && echo pass || echo fail)" "$expected" \
    "${got:-as expected}" "$look"
}

# An entry's first and last digits: of small pages with these rights or none, of large ones.
# The CPU may have set accessed and dirty bits.
digits()
{
  case $vendor-$1 in
  amd-rwx) echo '0x[0-9a-f]{1,12}0[0246]7' ;;
  amd-r) echo '0x8[0-9a-f]{12}0[0246]5' ;;
  amd-rx) echo '0x[0-9a-f]{1,12}0[0246]5' ;;
  amd-rw) echo '0x8[0-9a-f]{12}0[0246]7' ;;
  amd-none) echo '0x[0-9a-f]*[02468ace]' ;;
  amd-large) echo '0x[0-9a-f]{1,12}0[8ace]7' ;;
  amd-large-rx) echo '0x[0-9a-f]{1,12}0[8ace]5' ;;
  intel-rwx) echo '0x[0-9a-f]*[0-3]77' ;;
  intel-r) echo '0x[0-9a-f]*[0-3]71' ;;
  intel-rx) echo '0x[0-9a-f]*[0-3]75' ;;
  intel-rw) echo '0x[0-9a-f]*[0-3]73' ;;
  intel-none) echo '0x[0-9a-f]*[08]' ;;
  intel-large) echo '0x[0-9a-f]*[0-3]f7' ;;
  intel-large-rx) echo '0x[0-9a-f]*[0-3]f5' ;;
  esac
}

# walks TITLE EXPECTED COMMAND LEVELS LEAF WAY: what `walk` says of an address of a guest without
# paging; LEAF is the last of so many entries, WAY where the tables lead.
walks()
{
  title=$1 expected=$2 command=$3 levels=$4 leaf=$5 way=$6
  last='host-physical 0x[0-9a-f]+'
  [ "$way" != "$nowhere" ] || last='RAM that is not mapped: an access makes a nested fault'
  set -- 'guest-virtual .*' 'guest-physical .*'
  n=4
  while [ "$n" -gt $((5 - levels)) ]; do
    set -- "$@" "  nested level $n: 0x[0-9a-f]+"
    n=$((n - 1))
  done
  answers "$title" "$expected" "$command" 1 "$@" "  nested level $n: $leaf" "$way" \
    "$last"
}
large() { walks "$1" 'three entries, the last one of a large page' "$2" 3 "$(digits large)" "$way3"; }
small() { walks "$1" 'four entries' "$2" 4 "$(digits "${3:-rwx}")" "${4:-$way4}"; }
way3='the tables lead to 0x[0-9a-f]+: 3 references to memory'
way4='the tables lead to 0x[0-9a-f]+: 4 references to memory'
nowhere='the tables lead nowhere: [0-9]+ references to memory'

# Both ways to find an address: by the tables, and by the hypervisor's own list of memory.
same_page()
{
  tables=$(answer "$2" | sed -n 's/^the tables lead to \(0x[0-9a-f]*\):.*/\1/p')
  list=$(answer "$2" | sed -n 's/^host-physical //p')
  same=fail
  [ -z "$tables" ] || [ "$tables" != "$list" ] || same=pass
  expected=$(text 'the tables lead to the host-physical address')
  [ -z "$list" ] || expected=$(text 'the tables lead to %s' "$list")
  record "$1" "$same" "$(texts "$(verbatim "$2")" "$expected")" \
    "$(answer "$2" | grep 'the tables lead' || text 'no answer')" "$look"
}

# ---- What guests notice -----------------------------------------------------------------

all_marks()
{
  must 'all marks' 'a guest finds in each of 3584 pages what it wrote there' marks \
    '!^\[marks\] marks: FAILED' "^\\[marks\\] marks: all there, sum $(mark_sum)\$" \
    '^VM marks is off: the guest wrote 0 to the exit port$'
}

# exits_of VM: its exits by reason, from the list of VMs at the end.
exits_of()
{
  awk -v vm="$1" '$2 == vm { getline; sub(/.*exits: /, ""); last = $0 } END { print last }' "$out"
}

# faults TITLE VM N EXPECTED: exactly so many nested faults.
faults()
{
  got=$(exits_of "$2")
  if [ -z "$got" ]; then
    must "$1" "$4" "$2" "^hv> vm list, exits of $2\$"
    return
  fi
  case ", $got," in
  *", nested fault $3,"*) record "$1" pass "$4" "$got" "$look" ;;
  *) record "$1" fail "$4" "$(text 'exits of %s: %s' "$2" "$got")" "$look" ;;
  esac
}

# Seven chunks that nobody has touched, rights that were taken from five pages.
each_fault_once()
{
  faults 'each fault once' marks 12 \
    'exits of marks: nested fault 12, at seven chunks and five pages with fewer rights'
}

wild_store()
{
  must 'a wild store' 'one VM is dead, and the address is named' wild \
    "^\\[wild\\] wild: a store to $(wild_address)\$" '!^\[wild\] wild: still here' \
    "^VM wild is dead: stored 4 bytes to address 0x$(wild_address), where nothing is, at rip "
}

neighbour()
{
  must 'a wild store' 'beside it a counter goes on to its end' wild \
    "^VM wild is dead: stored 4 bytes to address 0x$(wild_address), where nothing is, at rip " \
    '^\[neighbour\] counter: 8$' '^VM neighbour is off: the guest wrote 0 to the exit port$'
}

# ---- The exercises ------------------------------------------------------------------------

check_5_1()
{
  look="the contract of change_table: which part of the range belongs to which entry?"
  run_tables
  all_marks
  large 'large pages' 'walk marks 0x5ff123'
  small 'small pages' 'walk marks 0x100123'
  small 'a range over a border' 'walk marks 0x200010'
  small 'a range over a border' 'walk marks 0x3ff010' r
  small 'a range over a border' 'walk marks 0x400010' r
  walks 'what need not be split' 'three entries, the last one of a large page' \
    'walk marks 0xe00123' 3 "$(digits large-rx)" "$way3"
  walks 'holes' 'three entries, the last one 0' 'walk edges 0x200123' 3 0 "$nowhere"
}

check_5_2()
{
  look=$(text "the contract of %s's leaf: which bits does the entry have, which not?" "$vendor")
  run_tables
  all_marks
  large 'large pages' 'walk marks 0x5ff123'
  small 'small pages' 'walk marks 0x100123'
  small 'rights' 'walk marks 0x600000' rx
  small 'rights' 'walk marks 0x800000' rw
  walks 'rights' 'an entry that maps nothing' 'walk marks 0xa00000' 4 "$(digits none)" "$nowhere"
  each_fault_once
}

run_demo()
{
  run demo --append script-exit B/hv/espejo.elf \
    --module "B/guest-os/guest-os.elf name=neighbour mem=32M -- run=counter,5,8 poweroff" \
    --module "$wild" --module "$mark" --module "$lab5/demo.script role=script"
}

check_5_3()
{
  look="the contract of memory_fault: which of the answers belongs to this access?"
  run_tables
  all_marks
  wild_store
  each_fault_once
  must 'beside RAM' 'RAM reads as zero, nothing as ones; what is read-only keeps its number' \
    edges '^\[edges\] edges: RAM that nobody wrote: 00000000$' \
    '^\[edges\] edges: where nothing is: ffffffff$' \
    "^\\[edges\\] edges: read-only: $nonce\$"
  must 'the screen' 'text that is stored there is noticed' edges \
    '^\[edges\] edges: done$' '^\[edges\] vga: written to the screen$'
  faults 'each fault once' edges 7 \
    'exits of edges: nested fault 7, one for 64 loads, one for 320 stores to the screen'
  run_demo
  neighbour
}

check_5_4()
{
  look="the contract of nested_walk: where does it end, and what has it found there?"
  run_tables
  large 'large pages' 'walk marks 0x5ff123'
  small 'small pages' 'walk marks 0x100123'
  same_page 'the address' 'walk marks 0x5ff123'
  same_page 'the address' 'walk marks 0x3ff010'
  walks 'holes' 'three entries, the last one 0' 'walk edges 0x200123' 3 0 "$nowhere"
}

check_5_5()
{
  look="the contract of split: what must the pieces have of the large page?"
  run_tables
  all_marks
  each_fault_once
  small 'pieces' 'walk marks 0x200010'
  small 'pieces' 'walk marks 0x400010' r
  same_page 'the address' 'walk marks 0x3ff010'
  answers 'dirty stays dirty' 'all pages from 2 MiB on, split or not' 'dirty marks' 1 \
    "$low" '  0x200000-0xffffff: 3584' 'pages written since the last time: 358[5-9]'
}

check_5_6()
{
  look='the contract of nested_dirty_fetch_and_clear: how many pages has an entry?'
  run_tables
  answers 'written pages' 'all pages from 2 MiB on' 'dirty marks' 1 \
    "$low" '  0x200000-0xffffff: 3584' 'pages written since the last time: 358[5-9]'
  answers 'asked again' 'nothing was written in between' 'dirty marks' 2 \
    'pages written since the last time: 0'
  answers 'a part of a large page' 'two pages of the one that was written to' \
    'dirty marks 0x9fe000 0x4000' 1 '  0xa00000-0xa01fff: 2' 'pages written since the last time: 2'
  answers 'written pages' 'two small pages beside each other, a large one' 'dirty marks' 3 \
    "$low" '  0x3ff000-0x400fff: 2' '  0x600000-0x7fffff: 512' \
    'pages written since the last time: 51[5-9]'
}
# The guest's own image and stack.
low='  0x10[0-9a-f]{4}-0x10[0-9a-f]{4}: [0-9]+'

check_whole()
{
  look='each exercise alone: make grade LAB=5'
  run_tables
  all_marks
  each_fault_once
  wild_store
  small 'a range over a border' 'walk marks 0x3ff010' r
  same_page 'the address' 'walk marks 0x3ff010'
  answers 'written pages' 'two small pages beside each other, a large one' 'dirty marks' 3 \
    "$low" '  0x3ff000-0x400fff: 2' '  0x600000-0x7fffff: 512' \
    'pages written since the last time: 51[5-9]'
  run_demo
  neighbour
}
