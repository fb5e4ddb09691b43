#!/bin/sh
# tests/system/console.sh - an operator who types: Ctrl-a switches, each guest gets what is meant for it
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

cat >"$records/typed" <<'END'
wait hv>
send help
wait walk
send vm list
wait 2 two +running.*
ctrl a
type 1
wait input goes to one
wait \[one\] \$
send run sieve 100
wait \[one\] .*25 primes
ctrl a
type n
wait input goes to two
wait \[two\] \$
send run sieve 1000
wait \[two\] .*168 primes
ctrl a
type p
wait input goes to one
wait \[one\] \$
send ps
wait \[one\] .*kernel
ctrl a
type 7
wait no such VM
ctrl a
type h
wait a Ctrl-a as input
ctrl a
type s
send vm console two
send ps
wait \[two\] .*kernel
ctrl a
type s
send vm kill two
wait VM two is dead
send nonsense
wait is no command
send vm delete one
wait VM one is running: vm kill it first
send vm create three two 16
send vm start three
wait \[three\] .*free
ctrl a
type 3
wait input goes to three
send run sieve 10
wait \[three\] .*4 primes
ctrl a
type s
send vm kill three
wait VM three is dead
send vm delete two
send vm delete 3
ctrl a
type n
wait input goes to one
ctrl a
type n
wait input goes to one
ctrl a
type s
send vm create two one
send vm start two
wait \[two\] .*free
send vm kill two
wait VM two is dead
type vm lisx
ctrl h
type t
send
wait 2 two +dead
send quit 5
END

for machine in qemu-svm bochs-vmx; do
  start "$machine" "$machine" --cpus 2 --play "$records/typed" \
    --module "$GUEST_OS name=one mem=16M" --module "$GUEST_OS name=two mem=16M"
done

for machine in qemu-svm bochs-vmx; do
  ends "$machine" 5 'all that was typed was answered, and the last word was quit 5'
  says "$machine" 'input goes where Ctrl-a sent it' '^\[one\] .*25 primes' '^\[two\] .*168 primes' \
    '^\[one\] .*kernel' 'there is no such VM' '^\[two\] .*kernel' 'VM two is dead: killed' \
    "'nonsense' is no command"
  never "$machine" 'no guest got what was typed at the other' '^\[two\] .*25 primes|^\[one\] .*168 primes'
done
finish
