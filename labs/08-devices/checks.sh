# shellcheck shell=sh disable=SC2154
# checks.sh - how lab 8 is judged; tools/grade sources it
#
# check_8_N judges exercise 8.N alone, check_whole all bodies together.  They see what a stranger
# sees: what guests say of their devices, what `vm list` and `net list` show.

hv='B/hv/espejo.elf'
here=labs/08-devices
there=B/labs/08-devices
os=B/guest-os/guest-os.elf

script() { printf '%s\n' "$here/$1.script role=script"; }

# shows TITLE EXPECTED PATTERN..: the line that a pattern finds up to its first colon is as all of
# the pattern says.
shows()
{
  named=$1 wanted=$2
  shift 2
  for line in "$@"; do
    found=$(grep -a -m 1 -E -e "${line%%:*}:" "$out" 2>/dev/null) || continue
    if ! printf '%s\n' "$found" | grep -a -q -E -e "$line"; then
      record "$named" fail "$wanted" "$found" "$look"
      return
    fi
  done
  expect "$named" "$wanted" "$look" "$@"
}

# run_disk PART: the driver of rings.S, honest or not.
run_disk()
{
  run "$1" --append script-exit "$hv" --module "$there/rings.elf name=disk mem=16M -- part=$1 seed=$nonce" \
    --module "$here/disk.txt vm=disk role=disk cow" --module "$(script rings)"
}

# told LINE, served NAME, refused NAME: the pattern of a line of rings.S.
told() { printf '%s' "^\\[disk\\] $nonce $1\$"; }
served() { told "$1: served, data 512, behind 0"; }
refused() { told "$1: needs a reset, data 0, behind 0"; }

# two N: the N-th pair of the nonce's digits.
two() { printf '%s' "$nonce" | cut -c "$((2 * $1 - 1))-$((2 * $1))"; }

check_8_1()
{
  look='the contract of uart_out, and what registers.S does'
  a=$(two 1) b=$(two 2) c=$(two 3) d=$(two 4)
  run registers --append script-exit "$hv" --module "$there/registers.elf name=regs mem=16M -- seed=$nonce" \
    --module "$(script registers)"
  shows 'registers' \
    "$(verbatim "divisor: $c$d, still $d, IER 00, IIR c1 .. 01; scratch: $b, MSR b0, LSR 60; loop: $a, LSR 61, MSR 1a")" \
    "^\\[regs\\] .*divisor: $c$d, still $d, IER 00, IIR c1 and without FIFOs 01\$" '!^\[regs\] .+divisor' \
    "^\\[regs\\] scratch: $b, MSR b0, LSR 60\$" "^\\[regs\\] .*loop: $a, LSR 61, MSR 1a\$" '!^\[regs\] .+loop'
  shows 'wide accesses' "$(text 'an OUT of four bytes and one of two, each byte in its register: %s' "wide: 08$d, $b$c")" \
    "^\\[regs\\] .*wide: 08$d, $b$c\$"
  shows 'the empty transmitter' 'its interrupt (IIR 02) when it is switched on, and behind the byte: 02010201' \
    '^\[regs\] \. interrupts: 02010201$' '^espejo. exit status 0$'
}

check_8_2()
{
  look='the contract of read_chain, and the chains of rings.S'
  run_disk rings
  shows 'right chains' 'chains of 3 and of 8 descriptors are served, in whatever order they lie' \
    "$(served 'a right chain')" "$(served 'one as long as the queue')" "$(served 'one that goes backwards')"
  shows 'indirect tables' 'a chain is served that lies in a table of its own, all or a part of it' \
    "$(served 'an indirect table')" "$(served 'a header and a table')"
  shows 'numbers beyond the table' 'the device needs a reset, and has written nothing' \
    "$(refused 'a successor just beyond the queue')" "$(refused 'a successor far beyond it')"
  shows 'a loop' 'the device needs a reset because "a chain of descriptors loops"' \
    "$(refused 'a chain that returns')" 'disk 0 needs a reset: a chain of descriptors loops$' \
    '^espejo. exit status 0$'
}

check_8_3()
{
  look='the contract of add_data, and the pieces of rings.S'
  run_disk data
  shows 'data and its pieces' '512 bytes are read, over a border of RAM too, and nothing behind them' \
    "$(served 'a right chain')" "$(served 'a buffer over a border')" "$(served 'data in two parts')"
  shows 'rules of a descriptor' 'the device needs a reset, and has written nothing' \
    "$(refused 'a buffer of no bytes')" "$(refused 'the status before the data')"
  shows 'addresses beyond all RAM' 'it needs a reset; at last "a buffer wraps around the address space"' \
    "$(refused 'a buffer beyond RAM')" "$(refused 'a buffer around the end of addresses')" \
    'disk 0 needs a reset: a buffer wraps around the address space$' '^espejo. exit status 0$'
}

check_8_4()
{
  look='the contract of virtqueue_publish, and the interrupts of rings.S'
  run_disk notify
  shows 'used buffers' 'idx of the used ring counts all buffers that were given back: 1, 4, 5; 5' \
    "$(told 'one buffer: used 1, .*')" "$(told 'three at once: used 4, .*')" \
    "$(told 'none wanted: used 5, .*')" "$(told 'index 2, behind it: used 5, .*')"
  shows 'interrupts' 'one (ISR 01) for all that is new, none (00) where nothing is, or none is wanted' \
    "$(told 'one buffer: used 1, ISR 01')" "$(told 'nothing new: used 1, ISR 00')" \
    "$(told 'three at once: used 4, ISR 01')" "$(told 'none wanted: used 5, ISR 00')" \
    "$(told 'wanted again: used 5, ISR 00')" "$(told 'and one more: used 6, ISR 01')"
  shows 'the event index' 'one interrupt, when idx passes the buffer that the driver named: 00, 01, 00' \
    "$(told 'index 2, before it: used 2, ISR 00')" "$(told 'index 2, past it: used 4, ISR 01')" \
    "$(told 'index 2, behind it: used 5, ISR 00')" '^espejo. exit status 0$'
}

check_8_5()
{
  look='the contract of begin, and the requests of rings.S'
  run_disk requests
  shows 'a sector' 'what is written to a sector is read from it: status 00, 1 and 513 bytes written' \
    '^\[disk\] write: status 00, written 1$' \
    "^\\[disk\\] read: status 00, written 513, $nonce, data 9, behind 0\$"
  shows 'however it is cut' 'the status is the last writable byte, the data is behind 16 readable ones' \
    "^\\[disk\\] status behind the data: status 00, written 513, $nonce, data 9, behind 0\$" \
    '^\[disk\] header beside the data: status 00, written 1$'
  shows 'other requests' 'a flush, a name; a sector that there is not (01), a type that there is not (02)' \
    '^\[disk\] flush: status 00, written 1$' '^\[disk\] name: status 00, written 21, vm1-disk0$' \
    '^\[disk\] beyond the end: status 01, written 0, data 0, behind 0$' \
    '^\[disk\] unknown: status 02, written 0, data 0, behind 0$' '^espejo. exit status 0$'
}

check_8_6()
{
  look='the contract of switch_input, and frames.S'
  run frames --append script-exit "$hv" \
    --module "$os name=one mem=32M net=lan mac=02:00:00:00:00:01 -- quiet ip=10.0.0.1/24 shell" \
    --module "$os name=two mem=32M net=lan mac=02:00:00:00:00:02 -- quiet ip=10.0.0.2/24 shell" \
    --module "$os name=three mem=32M net=lan mac=02:00:00:00:00:03 -- quiet ip=10.0.0.3/24 shell" \
    --module "$there/frames.elf name=liar mem=16M net=lan mac=02:00:00:00:00:04 -- seed=$nonce" \
    --module "$(script frames)"
  expect 'frames arrive' 'one pings two, two pings three: no packet is lost' "$look" \
    '!^\[(one|two)\] . sent, .*, [1-9] lost$' '^\[liar\] sent 4 frames$' \
    '^\[one\] 3 sent, 3 replies, 0 lost$' '^\[two\] 2 sent, 2 replies, 0 lost$' '^espejo: exit status 0$'
  shows 'forged senders' 'of four frames of liar two are flooded, two refused; flooded 4, filtered 2' \
    '^lan: frames forwarded 12, flooded 4, filtered 2$' '!^ *liar +sent .* refused [^2]' \
    '^ *liar +sent 4 \(240 bytes\), received 0 \(0 bytes\), dropped 0, refused 2$'
  expect 'what is learned' "$(text 'the address 02:00 and %s, which no card was given, is at the port of liar' "$nonce")" \
    "$look" '!^ *addresses: 02:00:00:00:00:04$' '!^ *addresses: .* .* ' \
    '!^ *addresses: 02:00:00:00:00:0[123] .' \
    "^ *addresses: 02:00:00:00:00:04 02:00:$(two 1):$(two 2):$(two 3):$(two 4)\$" '^espejo: exit status 0$'
}

# 16 KiB cost 16384 exits by registers, 4 through a queue; the rest is what the guests say and
# set up, the same on either vendor.
check_whole()
{
  look='the exercise that the symptom points to'
  files="do=mkfs do=write,note,$nonce do=sync do=cat,note"
  run whole --append script-exit "$hv" --module "$there/bytes.elf name=bytes mem=16M -- kib=16" \
    --module "$there/rings.elf name=block mem=16M -- part=move kib=16 chunk=8" \
    --module "$there/rings.elf name=liar mem=16M -- part=rings seed=$nonce" \
    --module "$here/disk.txt vm=block,liar role=disk cow" \
    --module "$os name=one mem=32M net=lan -- quiet ip=10.0.0.1/24 $files shell" \
    --module "$os vm=one role=disk cow" \
    --module "$os name=two mem=32M net=lan -- quiet ip=10.0.0.2/24 shell" --module "$(script whole)"
  expect 'a disk' 'guest-os makes a file system, writes a file, reads it again' "$look" \
    '!^\[one\] (mkfs|write|sync|cat): ' "^\\[one\\] $nonce\$"
  expect 'a network' 'one pings two, and no packet is lost' "$look" \
    '!^\[one\] . sent, .*, [1-9] lost$' '^\[one\] 3 sent, 3 replies, 0 lost$'
  expect 'exits per kilobyte' 'port exits: 16409 by registers, 44 through a queue' "$look" \
    '!moved by [0-3] requests' '^\[bytes\] moved by 16384 bytes$' '^\[block\] moved by 4 requests$' \
    ' port 16409\b' ' port 44\b'
  expect 'a liar' 'its disk needs a reset, and all the others go on' "$look" \
    '!just beyond the queue: (served|nothing)' \
    "^\\[liar\\] $nonce a successor just beyond the queue: needs a reset, data 0, behind 0\$" \
    'disk 0 needs a reset: a chain of descriptors loops$' '^espejo: exit status 0$'
}
