#!/bin/sh
# tests/system/machines.sh - small, large and old machines; VMs made and ended again and again
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# machine NAME OPTION...: one guest counts there.
machine()
{
  name=$1
  shift
  start "$name" qemu-svm "$@" \
    --module "$GUEST_OS name=one mem=16M -- run=counter,100" --script <<'END'
expect one "counter: 3" 60
cpus
quit 0
END
}

machine small --mem 24 --cpus 1
machine eight --mem 256 --cpus 8
# One CPU a socket: the firmware's MP table lists no cores.
machine mp-table --cpus 4 --qemu -machine --qemu acpi=off --qemu -smp --qemu 4,sockets=4

# COM1 is not there; only the status can tell that all went well.
start mute qemu-svm --qemu -global --qemu isa-serial.iobase=0x2f8 \
  --module "$GUEST_OS name=one mem=16M -- run=counter,100" --script <<'END'
expect one "counter: 3" 60
quit 5
END

# Half of the memory lies above 4 GiB.  The guest writes all of its own.
start large qemu-svm --mem 1024 --cpus 2 --qemu -machine --qemu max-ram-below-4g=512M \
  --module "$TINY/pattern.elf name=p mem=300M" --script <<'END'
wait p halted 100
mem
walk p 0x10000000
quit 0
END

# Twice as many as there are slots for VMs, some with half a line on the console, some paused.
{
  echo 'expect one "counter: 1" 60'
  echo 'vm create two one 8'
  i=0
  while [ "$i" -lt 128 ]; do
    echo 'vm start two'
    [ $((i % 4)) -eq 0 ] || echo 'expect two "$ " 60'
    [ $((i % 5)) -ne 0 ] || echo 'vm console two'
    [ $((i % 7)) -ne 0 ] || echo 'vm pause two'
    [ $((i % 9)) -ne 0 ] || echo 'vm restart two'
    echo 'vm kill two'
    case $i in 15 | 127) echo 'mem' ;; esac
    i=$((i + 1))
  done
  echo 'quit 0'
} >"$records/again.play"
start again qemu-svm --mem 128 --cpus 2 --module "$GUEST_OS name=one mem=16M -- run=counter,100" \
  --script <"$records/again.play"

ends small 0 'a guest runs on a machine of 24 MiB'
ends eight 0 'a guest runs on a machine of eight CPUs'
says eight 'all of them are used' '^espejo: 8 of 8 CPUs \(by ACPI'
ends mp-table 0 'a guest runs on a machine without ACPI'
says mp-table 'the MP table lists its CPUs' '^espejo: 4 of 4 CPUs \(by the MP table'
ends mute 5 'a guest runs on a machine without a serial line'
never mute 'which says nothing' .
ends large 0 'a guest of 300 MiB runs on a machine with memory above 4 GiB'
says large 'it found its memory clean and wrote all of it there' '^\[p\] pattern: clean' \
  '^\[p\] pattern: written' '^  p +300 MiB, touched 300 MiB' '^host-physical 0x1[0-9a-f]{8}$'
ends again 0 'a VM is started and killed 128 times'
sed -n 's/^memory: .* promised to VMs \([0-9]* MiB\), in use \([0-9]* KiB\)/\1 \2/p' "$log" \
  >"$records/used"
check 'and no memory is lost by that' \
  test "$(uniq "$records/used" | wc -l) $(wc -l <"$records/used")" = '1 2'
finish
