#!/bin/sh
# tests/system/network.sh - two Linux guests and a guest OS, each with its disk, on one switch; and
# three that are small, on a machine that is slow
#
# NETWORK_MACHINE: which one has the Linux guests, NETWORK_TRIOS: which ones the small guests.
# tests/long/network.sh asks for those on Bochs.
# shellcheck disable=SC2034
LIMIT=${LIMIT:-800}
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

trios=${NETWORK_TRIOS:-bochs-vmx}

# Three instances of the guest OS, all busy with one another, of which one dies.
for trio in $trios; do
  start "trio-$trio" "$trio" --opt silence=0 \
    --module "$GUEST_OS name=one mem=32M net=lan -- ip=10.0.0.1/24 shell" \
    --module "$GUEST_OS name=two mem=32M net=lan -- ip=10.0.0.2/24 shell" \
    --module "$GUEST_OS name=three mem=32M net=lan -- ip=10.0.0.3/24 shell" --script <<'END'
expect one "$ " 60
expect two "$ " 60
expect three "$ " 60
send one "ping 10.0.0.2 60\r"
send two "ping 10.0.0.1 60\r"
send three "ping 10.0.0.1 1000\r"
expect three "number 10 " 60
expect one "number 10 " 60
expect two "number 10 " 60
vm kill three
net list
expect one "60 sent" 60
expect two "60 sent" 60
send two "ping 10.0.0.3 2\r"
expect two "2 lost" 60
expect two "$ " 60
vm list
quit 0
END
done

linux=$build/linux
machine=${NETWORK_MACHINE:-qemu-svm}
pings=${NETWORK_PINGS:-40}

# A network that cannot be: the words name what is wrong, and the neighbour boots.
start wrong "$machine" --module "$GUEST_OS name=good mem=32M net=lan -- ip=10.0.0.1/24 shell" \
  --module "$GUEST_OS name=same mem=32M net=lan mac=02:00:00:00:00:09 -- shell" \
  --module "$GUEST_OS name=twin mem=32M net=lan mac=02:00:00:00:00:09 -- shell" \
  --module "$GUEST_OS name=up mem=32M net=net -- shell" --script <<'END'
expect good "$ " 60
send good "ping 10.0.0.77 1\r"
expect good "1 lost" 60
expect good "$ " 60
vm list
net list
quit 0
END

# What became of the small ones.
without_linux()
{
  for trio in $trios; do
    name=trio-$trio
    ends "$name" 0 'three guests ping each other'
    says "$name" 'one is killed while all three are busy' '^\[three\] .*number 9 ' \
      '^hv> vm kill three' '^\[one\] .*number 60 ' '^ *3 three +dead'
    says "$name" 'of the others, the one goes on without a lost packet' '^hv> vm kill three' \
      '^\[one\] 60 sent, 60 replies, 0 lost' '^ *1 one +running'
    says "$name" 'and the other' '^hv> vm kill three' '^\[two\] 60 sent, 60 replies, 0 lost' \
      '^\[two\] 2 sent, 0 replies, 2 lost' '^ *2 two +running'
  done
  ends wrong 0 'a network with nobody at an address'
  says wrong 'two cards with one address: the second VM is refused, by name' 'VM twin: net=lan: another card there has its mac'
  says wrong 'the others run' '1 sent, 0 replies, 1 lost' '1 good +running' '2 same +running'
}

if [ ! -f "$linux/vmlinuz" ]; then
  without_linux
  skip 'Linux guests on a switch' 'there is no kernel: make linux'
  finish
fi

receive='nc -l -p 999 | tee /tmp/got | sha256sum'
keep="dd if=/tmp/got of=/dev/vda bs=512 count=128; sync; echo s''aved"

# Disks: a MiB of noise to send, and two that only have to be there.
head -c 1048576 /dev/urandom >"$records/noise.img"
head -c 65536 /dev/zero >"$records/zero.img"
hash=$(sha256sum <"$records/noise.img")
hash=${hash%% *}
start "$machine" "$machine" --cpus 2 --mem 768 \
  --module "$linux/vmlinuz name=one mem=192M net=lan -- console=ttyS0 guest.ip=10.0.0.1/24 guest.host=one" \
  --module "$linux/vmlinuz name=two mem=192M net=lan -- console=ttyS0 guest.ip=10.0.0.2/24 guest.host=two" \
  --module "$linux/initrd.gz vm=one,two role=initrd" \
  --module "$GUEST_OS name=three mem=32M net=lan -- ip=10.0.0.3/24 shell" \
  --module "$records/noise.img vm=one role=disk" --module "$records/zero.img vm=two,three role=disk cow" \
  --script <<END
expect one "init: ready" 600
expect one "# " 600
expect two "init: ready" 600
expect two "# " 600
expect three "$ " 600
send three "ping 10.0.0.1 4\\r"
expect three "0 lost" 60
send three "ping 10.0.0.2 4\\r"
expect three "0 lost" 60
send one "ping -c 3 10.0.0.3\\r"
expect one "% packet loss" 60
send two "$receive; $keep\\r"
sleep 1000
send one "nc 10.0.0.2 999 </dev/vda; echo s''ent\\r"
expect one "sent" 300
expect two "saved" 300
send one "ping -c $pings -i 0.1 10.0.0.2\\r"
send three "ping 10.0.0.1 100\\r"
expect one "seq=4 " 60
expect three "number 2" 60
vm kill three
expect one "% packet loss" 300
send two "ping -c 3 10.0.0.1\\r"
expect two "% packet loss" 60
net list
vm list
quit 0
END

without_linux
ends "$machine" 0 'two Linux guests and a guest OS'
says "$machine" 'the guest OS reaches both' '^\[three\] 4 sent, 4 replies, 0 lost' \
  '^\[three\] 4 sent, 4 replies, 0 lost'
says "$machine" 'and is reached' '^\[one\] 3 packets transmitted, 3 packets received, 0% packet loss'
says "$machine" 'a disk sent by TCP arrives whole' "^\\[two\\] $hash" '^\[two\] saved'
says "$machine" 'one VM is killed meanwhile' '^\[one\] .*seq=3 ' '^hv> vm kill three' \
  '^VM three is dead: killed' "^\\[one\\] $pings packets transmitted" '^ *3 three +dead'
says "$machine" 'the other two go on without a lost packet' \
  "^\\[one\\] $pings packets transmitted, $pings packets received, 0% packet loss"
says "$machine" 'in either direction' \
  '^\[two\] 3 packets transmitted, 3 packets received, 0% packet loss'
says "$machine" 'and are there at the end' '^ *1 one +running' '^ *2 two +running'
finish
