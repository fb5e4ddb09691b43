#!/bin/sh
# tests/system/pcap.sh - tools/pcap with files made by hand: what it accepts, and what it must not
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1

number=0 failures=0
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP

# verdict NAME STATUS PATTERN: tools/pcap ends with that status and prints a line that matches.
verdict()
{
  number=$((number + 1))
  tools/pcap "$scratch/file" >"$scratch/out" 2>&1
  status=$?
  if [ "$status" -eq "$2" ] && grep -q "$3" "$scratch/out"; then
    echo "ok $number - $1"
  else
    failures=$((failures + 1))
    echo "not ok $number - $1"
    sed 's/^/# /' "$scratch/out"
    echo "# status $status"
  fi
}

# bytes HEX...: as they are.
bytes()
{
  for byte in "$@"; do
    # shellcheck disable=SC2059
    printf "\\$(printf '%03o' "0x$byte")"
  done
}

header() { bytes d4 c3 b2 a1 02 00 04 00 00 00 00 00 00 00 00 00 ff ff 00 00 01 00 00 00; }

# record LENGTH: the frame follows.
record() { bytes 78 56 34 12 40 42 0f 00 "$1" 00 00 00 "$1" 00 00 00; }

ethernet() { bytes 02 00 00 00 00 01 02 00 00 00 00 02 "$@"; }

# An echo request of 9 bytes from 10.0.2.15 to 10.0.2.2; the checksums were added up by hand.
ping()
{
  record 2b
  ethernet 08 00
  bytes 45 00 00 1d 00 01 00 00 40 01 62 cf 0a 00 02 0f 0a 00 02 02
  bytes 08 00 "$1" "$2" 00 00 00 01 41
}

# The same with UDP, port 1 to 2, one byte of data.
udp()
{
  record 2b
  ethernet 08 00
  bytes 45 00 00 1d 00 01 00 00 40 11 62 bf 0a 00 02 0f 0a 00 02 02
  bytes 00 01 00 02 00 09 "$1" "$2" 41
}

header >"$scratch/file"
verdict 'a file without frames' 0 '^0 frames, 0 bad$'
{ header && ping b6 fe; } >"$scratch/file"
verdict 'a ping' 0 '02:00:00:00:00:02 > 02:00:00:00:00:01 ip4 icmp ok$'
{ header && ping b6 ff && ping b6 fe; } >"$scratch/file"
verdict 'a ping whose checksum is wrong, and a good one' 1 '^2 frames, 1 bad$'
{ header && udp a6 c8; } >"$scratch/file"
verdict 'UDP' 0 'ip4 udp ok$'
{ header && udp a6 c9; } >"$scratch/file"
verdict 'UDP whose checksum is wrong' 1 'ip4 udp bad$'
{ header && udp 00 00; } >"$scratch/file"
verdict 'UDP without a checksum' 0 'ip4 udp ok$'
{ header && record 0e && ethernet 08 06; } >"$scratch/file"
verdict 'ARP has none' 0 'arp -$'
{ header && ping b6 fe; } | head -c 70 >"$scratch/file"
verdict 'a file that is cut off in a frame' 2 'cut off'
{ header && ping b6 fe; } | head -c 30 >"$scratch/file"
verdict 'a file that is cut off in a record' 2 'cut off'
header | head -c 23 >"$scratch/file"
verdict 'half a header' 2 'no pcap file'
bytes 00 01 02 >"$scratch/file"
verdict 'something else' 2 'no pcap file'
echo "1..$number"
[ "$failures" -eq 0 ]
