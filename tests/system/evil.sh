#!/bin/sh
# tests/system/evil.sh - a guest whose drivers break every rule: it harms nobody but itself
#
# The guest tells what its devices made of it (TAP lines of its own); two neighbours and the
# hypervisor are looked at from outside.
# shellcheck disable=SC2034
LIMIT=600
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

EVIL=$build/evil/evil.elf
# MACHINE:PART, or all parts; tests/long/evil.sh asks for all of them on Bochs too.
cases=${EVIL_CASES:-qemu-svm:all bochs-vmx:rings}
floods=${EVIL_FLOODS:-bochs-vmx} # machines whose serial line has real speed
head -c 65536 /dev/zero >"$records/evil.img"
printf 'evil disk' | dd of="$records/evil.img" conv=notrunc 2>/dev/null
head -c 262144 /dev/zero >"$records/victim.img"

# The victim has written, and reads it after evil was at work; it and `one` are on evil's switch.
for case in $cases; do
  machine=${case%:*} part=${case#*:}
  start "$machine" "$machine" --opt silence=0 \
    --module "$EVIL name=evil mem=16M net=lan -- ram=0x1000000 part=$part" \
    --module "$records/evil.img vm=evil role=disk" \
    --module "$GUEST_OS name=one mem=32M net=lan -- ip=10.0.0.1/24 run=counter,100,9999" \
    --module "$GUEST_OS name=victim mem=32M net=lan -- ip=10.0.0.2/24 shell" \
    --module "$records/victim.img vm=victim role=disk" --script <<'END'
expect victim "$ " 600
send victim "mkfs\r"
expect victim "$ " 600
send victim "write mine it is still mine\r"
expect victim "$ " 600
send victim "sync\r"
expect victim "$ " 600
expect evil "1.." 6000
expect evil "failed" 600
send victim "cat mine\r"
expect victim "it is still mine" 600
send victim "ping 10.0.0.1 3\r"
expect victim "lost" 600
expect one "counter: " 600
vm list
vm restart evil
expect evil "ok 3 - " 600
vm kill evil
vm list
quit 0
END
done

# A disk that is a real one's part: requests are truly in flight.  One that may not be written, and
# one whose third sector cannot be read or written.
sectors=$((20 * 16 * 63))
head -c $((sectors * 512)) /dev/zero >"$records/ata.img"
printf 'evil disk' | dd of="$records/ata.img" bs=512 seek=2048 conv=notrunc 2>/dev/null
cp "$records/ata.img" "$records/hurt.img"
start ata qemu-svm --disk "$records/ata.img" --opt silence=0 \
  --module "$EVIL name=flight mem=16M disk=hd0:2048+128 -- ram=0x1000000 devices=3 part=flight" \
  --module "$EVIL name=asks mem=16M -- ram=0x1000000 devices=3 part=requests" \
  --module "$records/evil.img vm=asks role=disk ro" \
  --module "$GUEST_OS name=victim mem=32M disk=hd0:4096+4096 -- shell" --script <<'END'
expect victim "$ " 600
send victim "mkfs\r"
expect victim "$ " 600
send victim "write mine it is still mine\r"
expect victim "$ " 600
send victim "sync\r"
expect flight "failed" 600
expect asks "failed" 600
send victim "cat mine\r"
expect victim "it is still mine" 600
vm list
quit 0
END
drive="driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=$records/hurt.img"
drive="$drive,file.inject-error.0.event=read_aio,file.inject-error.0.errno=5,file.inject-error.0.sector=2050"
drive="$drive,file.inject-error.1.event=write_aio,file.inject-error.1.errno=5,file.inject-error.1.sector=2050"
start hurt qemu-svm --opt silence=0 --qemu -drive \
  --qemu "$drive,if=ide,index=0,media=disk,werror=report,rerror=report" \
  --module "$EVIL name=evil mem=16M disk=hd0:2048+128 -- ram=0x1000000 devices=3 part=errors bad=2" \
  --module "$GUEST_OS name=victim mem=32M disk=hd0:4096+4096 -- do=mkfs do=write,mine,it,is,mine do=sync shell" \
  --script <<'END'
expect victim "$ " 600
expect evil "failed" 600
send victim "cat mine\r"
expect victim "it is mine" 600
vm list
quit 0
END

# A second CPU changes rings while they are read.
start race qemu-svm --cpus 2 --opt silence=0 \
  --module "$EVIL name=evil mem=16M cpus=2 net=lan -- ram=0x1000000 part=race race=1" \
  --module "$records/evil.img vm=evil role=disk" --script <<'END'
expect evil "failed" 600
wait evil ended 60
vm list
quit 0
END

# What a neighbour gets of its one CPU beside it, in executed instructions.  A turn of the scheduler's
# is so many of them:
turn() { case $1 in qemu-*) echo 10000000 ;; *) echo 500000 ;; esac }
share()
{
  share_name=$1 share_machine=$2 share_guest=$3 icount=
  shift 3
  case $share_machine in qemu-*) icount=--icount ;; esac
  # shellcheck disable=SC2086 # an option or none
  start "$share_name" "$share_machine" $icount --until '@none shared' --opt silence=0 \
    --module "$build/checker/neighbour.elf name=neighbour mem=16M -- mode=share slice=$(turn "$share_machine")" \
    --module "$share_guest name=other mem=16M net=lan -- $*" \
    --module "$records/evil.img vm=other role=disk"
}
share spin qemu-svm "$build/checker/neighbour.elf" mode=spin
share storm qemu-svm "$EVIL" mode=storm

# Text without end, where a line of it takes 6 ms: beside it a neighbour, and an operator.
for machine in $floods; do
  share "$machine-spin" "$machine" "$build/checker/neighbour.elf" mode=spin
  for kind in uart console; do
    share "$machine-$kind" "$machine" "$EVIL" mode=storm kind=$kind
  done
  start "$machine-quit" "$machine" --opt silence=0 \
    --module "$EVIL name=evil mem=16M -- mode=storm kind=uart" \
    --module "$GUEST_OS name=one mem=32M -- shell" --script <<'END'
expect one "$ " 60
expect evil "line 20," 60
send one "run sieve 100\r"
expect one "25 primes" 10
expect evil "line 60," 60
vm kill evil
sleep 1
echo the last word
quit 3
END
  start "$machine-panic" "$machine" --opt silence=0 \
    --module "$EVIL name=evil mem=16M -- mode=storm kind=uart" --script <<'END'
expect evil "line 50," 60
crash panic
END
done

# number NAME KEY: of its record of shares
number() { sed -n "s/.*share count=.*\\b$2=\\([0-9]*\\).*/\\1/p" "$records/$1.log"; }
counted() { sed -n 's/.*share count=\([0-9]*\).*/\1/p' "$records/$1.log"; }

# worth NAME: what a tick of the neighbour's own time was worth to it, in steps of 10,000 ticks
worth() { echo "$(($(counted "$1") * 10000 / ($(number "$1" own) + 1)))"; }

# in_order NAME LEAST: evil's lines are whole but for the last, one after the other, and so many at
# least
# shellcheck disable=SC2317 # called by check
in_order()
{
  wait_for "$1"
  guest_lines "$1" evil | awk -v least="$2" '
    last != "" { bad = bad "\n" last; last = "" }
    /^line/ && $0 != "line " ++n ", as long as those of a kernel that has much to say" { last = $0 }
    END {
      whole = "line " n ", as long as those of a kernel that has much to say"
      if (last != substr(whole, 1, length(last))) bad = bad "\n" last
      print n + 0 " lines" bad
      exit bad != "" || n < least
    }'
}

# clean NAME VM [LEAST]: its TAP lines up to the plan are whole, and none is bad
# shellcheck disable=SC2317 # called by check
clean()
{
  wait_for "$1"
  guest_lines "$1" "$2" | awk -v least="${3:-1}" '
    /^ok [0-9]+ - / { if ($2 != ++n) broken = 1 }
    /^not ok / { n++; bad++; print }
    /^1\.\.[0-9]+$/ { plan = substr($0, 4); exit }
    END {
      if (bad || plan != n || n < least) print n + 0 " checks of " plan + 0 ", " bad + 0 " bad"
      exit broken || bad || plan != n || n < least
    }'
}

for case in $cases; do
  machine=${case%:*} part=${case#*:}
  ends "$machine" 0 'the hypervisor obeys its operator beside an evil guest and after it'
  case $part in all) least=400 ;; *) least=200 ;; esac
  check "$machine: its devices break and heal as the specification says" \
    clean "$machine" evil "$least"
  says "$machine" 'what the victim wrote is there' '^\[evil\] evil: [0-9]+ of [0-9]+ failed' \
    '^\[victim\] it is still mine' '^\[victim\] 3 sent, 3 replies, 0 lost'
  says "$machine" 'the neighbours run on, the evil one has ended by itself, and again by force' \
    '^ *1 evil +off .*exit port' '^ *2 one +running' '^ *3 victim +running' \
    '^ *1 evil +dead .*killed' '^ *2 one +running'
  never "$machine" 'nothing that the hypervisor complains about' 'panic|espejo: .*(bug|check failed)'
done

ends ata 0 'an evil guest on a part of the machine'\''s disk'
check 'ata: requests in flight are ended or answered' clean ata flight
check 'ata: a disk that may not be written says so, and all else that is wrong' clean ata asks
says ata 'the data of its neighbour on the same disk' '^\[victim\] it is still mine'
says ata 'which goes on' '3 victim +running'
check 'ata: nothing was written outside of the parts' \
  sh -c "dd if='$records/ata.img' bs=512 count=2048 2>/dev/null | tr -d '\\0' | wc -c | grep -q '^ *0$'"
ends hurt 0 'a disk with a sector that fails'
check 'hurt: the guest gets an I/O error for that sector, and the others' clean hurt evil
says hurt 'its neighbour on the same disk' '^\[victim\] it is mine'
says hurt 'which goes on' '2 victim +running'

ends race 0 'rings that another CPU changes'
check 'race: its devices serve them or break, and touch nothing else' clean race evil 15
ends spin 0 'a share is measured beside an innocent loop'
ends storm 0 'and beside interrupts, frames and moves without end'
spin=$(counted spin) storm=$(counted storm)
echo "# counted: ${spin:-0} beside a loop, ${storm:-0} beside a storm"
check 'the storm takes at most a hundredth more than a loop does' \
  [ "$((${storm:-0} * 100))" -ge "$((${spin:-1} * 99))" ]
check 'and at least nine tenths of half of the CPU are the neighbour'\''s' \
  [ "$(($(number storm own) * 20))" -ge "$(($(number storm elapsed) * 9))" ]

for machine in $floods; do
  ends "$machine-spin" 0 'a share is measured beside an innocent loop'
  for kind in uart console; do
    name=$machine-$kind
    ends "$name" 0 'and beside text without end'
    longest=$(number "$name" longest) worth=$(worth "$name") spin=$(worth "$machine-spin")
    echo "# longest absence: ${longest:=999999999} of $(turn "$machine"); worth $worth of $spin"
    check "$name: the neighbour has more than half of the CPU, for the other waits for the line" \
      [ "$(($(number "$name" own) * 20))" -ge "$(($(number "$name" elapsed) * 11))" ]
    check "$name: it waits for no longer than a turn and what goes to the screen at once" \
      [ "$((longest * 10))" -le "$(($(turn "$machine") * 13))" ]
    check "$name: what is sent in its time takes at most a twentieth of it" \
      [ "$((worth * 20))" -ge "$((spin * 19))" ]
  done
  ends "$machine-quit" 3 'the operator ends a run beside text without end'
  check "$machine-quit: no line is lost, none is out of order" in_order "$machine-quit" 60
  # What evil says waits for the line: it has said line 20 before that is seen.
  says "$machine-quit" 'a neighbour is heard in the middle of it' '^\[evil\] line 5,' '^\[one\] .*25 primes' '^\[evil\] line 60,'
  says "$machine-quit" 'all that was said before the end comes before it' '^\[evil\] line 59,' \
    '^VM evil is dead: killed' '^the last word' '^espejo: exit status 3$'
  ends "$machine-panic" 70 'a panic beside text without end'
  check "$machine-panic: no line is lost, none is out of order" in_order "$machine-panic" 50
  says "$machine-panic" 'then it speaks' '^\[evil\] line 49,' 'espejo: PANIC on CPU 0: on purpose' \
    '^  callers' '^espejo: exit status'
done
finish
