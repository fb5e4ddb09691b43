# shellcheck shell=sh disable=SC2154
# checks.sh - how lab 1 is judged; tools/grade sources it
#
# The guest OS runs without a hypervisor and says what it finds.  Sizes, addresses and names come from the
# nonce, so that no screen fits another submission.

number=$((0x$nonce % 9000 + 1000))
pages=$((0x$nonce / 7 % 400 + 100))
rounds=$((0x$nonce / 3 % 3 + 2))
# Some ticks of the clock long.
below=$((number * 300 + 2000000))
offset=$(printf '%03x' $((0x$nonce / 16 % 4096)))
far=$(printf '%x' $((0x$nonce % 0x2000000 + 0x800000)))
letters=$(awk -v n="$number" 'BEGIN { for (; i < 3; i++) { printf "%c", 97 + n % 26; n = int(n / 26) } }')
walker="run,walker,$((4 * pages)),$rounds"
walked="^walker: $pages pages, $rounds rounds, 0 wrong\$"

# bare NAME WORDS [OPTION..]: the guest OS with this command line, until it has done all.
bare()
{
  name=$1 words=$2
  shift 2
  run "$name" --mem 64 --append "quiet $words poweroff" "$@" B/guest-os/guest-os.elf
}

# Free memory is the same each time that the guest OS was asked.
nothing_lost()
{
  seen=$(grep -a -E '^[0-9]+ of [0-9]+ KiB free$' "$out" | cut -d ' ' -f 1)
  first=$(printf '%s\n' "$seen" | sed -n 1p) last=$(printf '%s\n' "$seen" | sed -n '$p')
  if [ "$(printf '%s\n' "$seen" | wc -l)" -gt 1 ] && [ "$first" = "$last" ]; then
    record 'no page is lost' pass 'as much free memory after a program as before' "$first KiB" "$1"
  else
    record 'no page is lost' fail 'as much free memory after a program as before' \
      "$(text '%s KiB before, %s KiB after' "${first:-?}" "${last:-?}")" "$1"
  fi
}

# tells TITLE EXPECTED LOOK LINE PATTERN..: as expect, but what was got is the line that matches LINE, if one does.
tells()
{
  title=$1 expected=$2 where=$3
  line=$(grep -a -m 1 -E -e "$4" "$out") || :
  shift 4
  for pattern; do
    grep -a -q -E -e "$pattern" "$out" && continue
    record "$title" fail "$expected" "${line:-$(symptom)}" "$where"
    return
  done
  record "$title" pass "$expected" 'as expected' "$where"
}

# each_dies TITLE EXPECTED LOOK [KIND PATTERN]..: how each kind of faulter ended, by the line before it says so.
each_dies()
{
  title=$1 expected=$2 where=$3
  shift 3
  while [ $# -gt 1 ]; do
    line=$(grep -a -B 1 -E "^faulter: $1: (vector|status) " "$out" | head -n 1)
    if ! printf '%s\n' "$line" | grep -q -E -e "$2"; then
      record "$title" fail "$expected" "$(texts "$(verbatim "faulter $1")" "${line:-$(symptom)}")" "$where"
      return
    fi
    shift 2
  done
  record "$title" pass "$expected" 'as expected' "$where"
}

programs()
{
  bare programs "do=mem do=$walker do=mem do=$walker"
  expect 'programs run' "$(text 'a program walks through %s pages, %s times' "$pages" "$rounds")" "$1" "$walked"
}

check_1_1()
{
  look='the contract of entry_make; which bits does the CPU look at, on which levels?'
  bare boot 'do=mem'
  expect 'the kernel boots' 'it moves to its own page tables, and tells how much memory is free' \
    "$look" '^[0-9]+ of [0-9]+ KiB free$'
  programs "$look"
  nothing_lost "$look"
  bare tables "do=run,counter,100,0,& do=walk,400$offset,1 do=walk,ffffffff80101$offset"
  expect 'who may pass' 'user mode passes the tables above a program, and none of the kernel' "$look" \
    '^level 4: .* entry +0: [0-9a-f]+ P W U' '^level 2: .* entry +2: [0-9a-f]+ P W U' \
    '!^level [34]: .* entry +51[01]: .* U( |$)'
}

check_1_2()
{
  look='the contract of space_walk: where does the processor stop?'
  bare walks "do=walk,ffffffff80101$offset do=walk,ffff8000$(printf '%08x' "0x$far") \
do=walk,ffffffffd0000$offset do=mem"
  expect 'the kernel boots' 'the kernel shows itself what the firmware left in memory' "$look" \
    '^[0-9]+ of [0-9]+ KiB free$'
  tells 'four entries' "$(text '%s is physical %s, by four entries' "0xffffffff80101$offset" "0x101$offset")" "$look" \
    "^level 1: " \
    '^level 1: table 0x[0-9a-f]{1,6}000, entry 257: ' \
    "^0xffffffff80101$offset is physical 0x101$offset, in a page of 4 KiB\$"
  tells 'a large page' "$(text 'the direct map has %s in a page of 2 MiB' "$far")" "$look" \
    "^0xffff8000$(printf '%08x' "0x$far") is" \
    "is physical 0x$far, in a page of 2048 KiB\$" '^level 4: table 0x[0-9a-f]{1,6}000, entry 256: '
  tells 'nothing there' 'the walk to an address that is not mapped ends at level 2' "$look" \
    "^0xffffffffd0000$offset is" \
    '^level 2: table 0x[0-9a-f]{1,6}000, entry 128: 0000000000000000$' \
    "^0xffffffffd0000$offset is not mapped\$"
}

check_1_3()
{
  look='the contract of user_byte: what may the program itself do at this address?'
  bare asker "do=run,asker,$number"
  expect 'programs run' 'a program gets its arguments, and the kernel what it asks to be printed' "$look" \
    "^asker $number: pid 1\$" "^$letters\\.\$" "^asker $number: text across two pages: 5\$"
  tells "no one else's memory" 'the kernel refuses (-14, EFAULT) what the program could not read' "$look" \
    "^asker $number: (write|read) .*: [^-]" \
    "^asker $number: write the kernel's text: -14\$" "^asker $number: write what is nowhere: -14\$" \
    "^asker $number: write beyond the stack: -14\$" \
    "^asker $number: write from the last bytes of all: -14\$" \
    "^asker $number: read to the kernel's memory: -14\$"
  bare key "do=run,asker,$number,read" --play labs/01-the-bare-machine/key.play
  tells 'nor where no store may go' 'the kernel stores no key into the code of a program' "$look" \
    "^asker $number: read a key into my code: [^-]" \
    "^asker $number: read a key into my code: -14\$"
}

check_1_4()
{
  look='the contract of space_fault: who has a right to a page, and what may be done with it?'
  programs "$look"
  bare faults 'do=mem do=run,faulter do=mem'
  each_dies 'no more than promised' 'each of these faults ends the program that commits it' "$look" \
    unmapped 'read of 0x10000000, which is not mapped$' code 'write of 0x400[0-9a-f]+, which is protected$' \
    stack 'fetch of 0x7fff[0-9a-f]+, which is protected$' heap 'fetch of 0x40[0-9a-f]+, which is not mapped$' \
    constant 'write of 0x40[0-9a-f]+, which is not mapped$' recursion ', which is not mapped$'
  nothing_lost "$look"
  bare full "do=mem do=run,walker,100000,1 do=mem do=$walker" --mem 32
  expect 'no memory left' 'a program that wants more than there is dies, the next one runs' "$look" \
    '^walker \(pid 1\): killed: #PF at .* for which there is no page left$' "$walked"
}

check_1_5()
{
  look='the contract of syscall_dispatch, and syscall_numbers.h: who is in which register?'
  bare asker "do=run,asker,$number do=$walker"
  expect 'a call and its result' 'the pid of the first program is 1, and five bytes are written' "$look" \
    "^asker $number: pid 1\$" "^$letters\\.\$" "^asker $number: text across two pages: 5\$"
  tells 'no such call' 'calls that do not exist are refused (-38, ENOSYS), whatever the number' "$look" \
    "^asker $number: (the first )?call .*: [^-]" \
    "^asker $number: call $((number + 12)): -38\$" "^asker $number: the first call that is none: -38\$" \
    "^asker $number: call -1: -38\$" "^asker $number: call 1 with bit 32 set: -38\$"
  tells 'a turn for others' 'a child runs while its parent computes and asks for the time' "$look" \
    "^asker $number: my child had its turn: no" \
    "^asker $number: my child had its turn: yes\$" "$walked"
}

check_1_6()
{
  look='the contract of handle: whose fault is it, and who answers for it?'
  bare faults "do=$walker do=run,faulter do=mem"
  expect 'programs run' 'memory that a program touches first comes by a fault, and the program goes on' \
    "$look" "$walked"
  expect 'a fault ends one program' 'each ends with its vector and its address; the next one runs' "$look" \
    '^faulter: divide: vector 0$' '^faulter: breakpoint: vector 3$' '^faulter: hlt: vector 13$' \
    'killed: #PF at rip 0x[0-9a-f]+: read of 0xffffffff80101000, which is protected$' \
    '^faulter: recursion: vector 14$' '^[0-9]+ of [0-9]+ KiB free$'
  bare devices "do=peek,ffffffffd0000$offset run=sieve,$below run=counter,1,4"
  expect 'the kernel survives a look' 'peek tells that nothing is there, and the kernel goes on' "$look" \
    "^peek: #PF at rip 0xf[0-9a-f]+: read of 0xffffffffd0000$offset, which is not mapped\$"
  expect 'devices are heard' "the clock's interrupts come through, also while a program computes" "$look" \
    '^counter: 4$' "^sieve: [0-9]+ primes below $below\$"
  bare crash 'do=crash'
  expect "the kernel's own fault" 'the kernel stops and says where' "$look" \
    '^guest-os: panic at guest-os/trap.c:[0-9]+: #PF in the kernel$'
}

check_whole()
{
  look='each exercise alone, first: make grade LAB=1 EX=1.1'
  bare whole "do=mem do=$walker do=mem do=run,faulter do=run,asker,$number \
do=walk,ffff8000$(printf '%08x' "0x$far") run=sieve,$below run=counter,1,4"
  expect 'programs run' "$(text 'a program walks through %s pages, %s times' "$pages" "$rounds")" "$look" "$walked" \
    '^counter: 4$'
  expect 'a fault ends one program' 'programs that fault die, others go on' "$look" \
    '^faulter: divide: vector 0$' 'fetch of 0x40[0-9a-f]+, which is not mapped$'
  expect 'no such call' 'calls that do not exist are refused, and a child gets its turn' "$look" \
    "^asker $number: call -1: -38\$" "^asker $number: my child had its turn: yes\$"
  expect "no one else's memory" 'what the program could not read is refused' "$look" \
    "^asker $number: write the kernel's text: -14\$"
  expect 'a large page' "$(text 'the direct map has %s in a page of 2 MiB' "$far")" "$look" \
    "is physical 0x$far, in a page of 2048 KiB\$"
}
