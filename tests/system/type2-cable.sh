#!/bin/sh
# tests/system/type2-cable.sh - networks of the Type 2: a cable between two guests that run, two processes of one
# Linux; a real tap device, whose other side is that Linux
# shellcheck disable=SC2034,SC2317
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

if [ ! -f "$build/linux/vmlinuz" ] || [ ! -f "$build/linux/compare/tun.ko" ]; then
  skip 'guests of the Type 2 on networks' 'no Linux to run them in (make linux)'
  finish
fi

# together NAME: the guests NAME.guests in one machine, by what the checker has for that; --net is the fourth field
together()
{
  B=$build checker=$root/checker tools=$root/tools dir=$records
  die() { echo "$*" && exit 125; }
  # shellcheck source=checker/platforms/type2.sh
  . "$checker/platforms/type2.sh"
  linux_net() { printf '%s\n' --net "${1%% *}" --mac "${1##* }"; }
  linux_modules=compare/tun linux_tap=10.0.0.1
  linux_base=$records/$1.cpio run_mem=128 run_seconds=60 run_until='' run_log=no run_count=no
  linux_boot "$1" && cat "$records/$1.out" "$records/$1.said"
}

cat >"$records/cable.guests" <<END
one|32|bare|socket=5000:5001 52:54:00:e5:00:01|$GUEST_OS|ip=10.0.0.1/24 shell
two|32|bare|socket=5001:5000 52:54:00:e5:00:02|$GUEST_OS|ip=10.0.0.2/24 shell
END
cat >"$records/cable.steps" <<'END'
sleep 500
type two ping 10.0.0.1 20
type two ping 10.0.0.7 1
type two poweroff
wait two 600
type one poweroff
wait one 600
report
END
background cable together cable

cat >"$records/tap.guests" <<END
one|32|bare|tap=tap0 52:54:00:e5:00:01|$GUEST_OS|ip=10.0.0.2/24 shell
END
cat >"$records/tap.steps" <<'END'
sleep 500
type one ping 10.0.0.1 20
type one poweroff
wait one 600
report
END
background tap together tap

ends cable 0 'two guests at the ends of a cable'
says cable 'one answers the other, each time' '\[two\] 20 sent, 20 replies, 0 lost'
says cable 'who is not there does not' '\[two\] 1 sent, 0 replies, 1 lost'
says cable 'both switch themselves off' 'vm one off' 'vm two off'
ends tap 0 'a guest on a tap device'
says tap 'the Linux beneath answers' '\[one\] 20 sent, 20 replies, 0 lost' 'vm one off'
finish
