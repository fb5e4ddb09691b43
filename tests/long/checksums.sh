#!/bin/sh
# tests/long/checksums.sh - frames on the uplink have valid checksums, whatever a guest leaves to its card
#
# Linux sends by TCP and UDP to the emulator's user network, once with all offloads and once without;
# the hypervisor captures its uplink, and tools/pcap adds up what is in the file.
# shellcheck disable=SC2034
LIMIT=${LIMIT:-800}
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"

machines=${CHECKSUM_MACHINES:-qemu-svm}
plain_machines=${CHECKSUM_NONE:-qemu-svm bochs-vmx bochs-svm}
linux=$build/linux
if [ ! -f "$linux/vmlinuz" ]; then
  skip 'checksums on the uplink' 'there is no kernel: make linux'
  finish
fi

# A listener on the host: the guest reaches it at 10.0.2.2.
port=$((20000 + $$ % 20000))
mkfifo "$records/silence"
head -c 262144 /dev/urandom >"$records/sent.img"
hash=$(sha256sum <"$records/sent.img")
hash=${hash%% *}

# traffic NAME MACHINE PARAMETERS: boots Linux, whose network driver is loaded with these.
traffic()
{
  name=$1 machine=$2 parameters=$3
  port=$((port + 1))
  : >"$records/$name.pcap"
  # Its own input stays open: at its end the guest would stop as well.
  exec 9<>"$records/silence"
  busybox nc -l -p "$port" <&9 >"$records/$name.got" 2>/dev/null &
  listener=$!
  start "$name" "$machine" --mem 512 --net --capture "$records/$name.pcap" --opt silence=0 \
    --module "$linux/vmlinuz name=linux mem=192M net=net -- console=ttyS0" \
    --module "$linux/initrd.gz vm=linux role=initrd" \
    --module "$records/sent.img vm=linux role=disk ro" --script <<END
net capture uplink on
expect linux "init: ready" 600
expect linux "# " 600
send linux "modprobe -r virtio_net; modprobe virtio_net $parameters; ip link set eth0 up; udhcpc -q -n -i eth0 -s /etc/udhcpc\\r"
expect linux "dhcp: " 300
send linux "cd /sys/module/virtio_net/parameters; echo uses csum=\$(cat csum) gso=\$(cat gso) \$(cat /sys/class/net/eth0/device/features)\\r"
expect linux "uses csum=" 60
send linux "nc 10.0.2.2 $port </dev/vda; echo s''ent\\r"
expect linux "sent" 300
send linux "nslookup espejo.example 10.0.2.3; tftp -g -r none 10.0.2.2; ping -c 2 10.0.2.2; echo a''sked\\r"
expect linux "asked" 300
net capture uplink off
sleep 500
quit 0
END
  wait_for "$name"
  kill "$listener" 2>/dev/null
  wait "$listener"
}

# frames NAME PATTERN: how many frames of the capture are so
frames() { tools/pcap "$records/$1.pcap" 2>/dev/null | grep -c -E -e "$2"; }

# judge NAME USE: what its driver makes use of, and what the wire saw
judge()
{
  ends "$1" 0 'Linux reaches the emulator'\''s network'
  says "$1" "its driver was told $2" "^\\[linux\\] uses $2 1[01]{10}1"
  check "$1: what it sent by TCP arrived whole" grep -q "^$hash" "$records/$1.hash"
  check "$1: all checksums on the wire are right" tools/pcap "$records/$1.pcap"
  echo "# $1: $(frames "$1" ' ip4 tcp ok$') frames of TCP, $(frames "$1" ' ip4 udp ok$') of UDP"
  check "$1: of its TCP, in more than a hundred frames" \
    [ "$(frames "$1" '02:.* > 52:.* ip4 tcp ok$')" -ge 100 ]
  check "$1: and of its UDP" [ "$(frames "$1" '02:.* > .* ip4 udp ok$')" -ge 2 ]
}

for machine in $machines; do
  traffic "offloads-$machine" "$machine" ''
  traffic "plain-$machine" "$machine" 'csum=0 gso=0'
  for run in offloads plain; do
    sha256sum <"$records/$run-$machine.got" >"$records/$run-$machine.hash"
  done
  # Both agree to features 0 (the card finishes checksums) and 11 (it cuts TCP into segments); the
  # second makes no use of them.
  judge "offloads-$machine" 'csum=Y gso=Y'
  judge "plain-$machine" 'csum=N gso=N'
done

# A driver that agrees to none of them.
for machine in $plain_machines; do
  : >"$records/none-$machine.pcap"
  start "none-$machine" "$machine" --net --capture "$records/none-$machine.pcap" --opt silence=0 \
    --module "$GUEST_OS name=one mem=32M net=net -- ip=10.0.2.15/24 shell" --script <<'END'
net capture uplink on
expect one "$ " 60
send one "ping 10.0.2.2 5\r"
expect one "lost" 60
net capture uplink off
sleep 500
quit 0
END
done
for machine in $plain_machines; do
  ends "none-$machine" 0 'the guest OS reaches the emulator'\''s network'
  says "none-$machine" 'and is answered' '^\[one\] 5 sent, 5 replies, 0 lost'
  check "none-$machine: all checksums on the wire are right" tools/pcap "$records/none-$machine.pcap"
  check "none-$machine: of pings there and back" [ "$(frames "none-$machine" ' ip4 icmp ok$')" -ge 10 ]
done
finish
