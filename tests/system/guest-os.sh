#!/bin/sh
# tests/system/guest-os.sh - the guest OS says the same bare and as a guest of each machine: alone, and
# with all devices and two processors; its files survive; it pings its neighbour
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

DISK_SECTORS=2048
devices='-device virtio-rng-pci,disable-legacy=on
-device virtio-serial-pci,disable-legacy=on -chardev null,id=console -device virtconsole,chardev=console
-drive file=@DISK@,format=raw,if=none,id=disk -device virtio-blk-pci,disable-legacy=on,drive=disk
-netdev user,id=net -device virtio-net-pci,disable-legacy=on,netdev=net'

# new_disk NAME: an empty one, as $records/NAME.disk
new_disk()
{
  truncate -s "$((DISK_SECTORS * 512))" "$records/$1.disk"
}

# start_bare NAME DISK OPTION...: on the bare machine with every device that the guest OS can drive
start_bare()
{
  bare_name=$1 bare_disk=$records/$2.disk
  shift 2
  for word in $(printf '%s' "$devices" | sed "s|@DISK@|$bare_disk|"); do
    set -- "$@" --qemu "$word"
  done
  KERNEL=$GUEST_OS start "$bare_name" qemu-bare --mem 64 "$@"
}

# said NAME [VM]: the self-test's lines that must not differ
said()
{
  if [ $# -eq 1 ]; then
    sed -n '/^1\.\.[0-9]/,$p' "$log"
  else
    guest_lines "$1" "$2"
  fi | grep -E '^(1\.\.|(# )?ok |(# )?not ok |# devices|# end)'
}

# in_plan FILE: only what is in the plan; "# ok" lines tell of what else there is
in_plan() { grep -vE '^# (ok|not ok|devices)' "$1" >"$1.plan"; }

KERNEL=$GUEST_OS start bare qemu-bare --mem 64 --append selftest
for machine in qemu-svm bochs-vmx bochs-svm; do
  start "$machine" "$machine" --opt 'exit=done silence=0' \
    --module "$GUEST_OS name=test mem=64M -- selftest"
done

new_disk full
start_bare full full --cpus 2 --append selftest
new_disk lines
start_bare lines lines --append 'selftest intx'
for machine in qemu-svm bochs-vmx bochs-svm; do
  new_disk "$machine"
  start "full-$machine" "$machine" --cpus 2 --opt 'exit=done silence=0' \
    --module "$GUEST_OS name=test mem=64M cpus=2 net=net -- selftest" \
    --module "$records/$machine.disk vm=test role=disk"
done

# Lines with "# " tell of the machine and of time.
wait_for bare
said bare >"$records/bare.said"
in_plan "$records/bare.said"
ends bare 0 'the self-test passes on the bare machine'
says bare 'to the last line' '^1\.\.[0-9]+' '^# end selftest: [0-9]+ passed of [0-9]+'
for machine in qemu-svm bochs-vmx bochs-svm; do
  ends "$machine" 0 'it passes in a VM'
  said "$machine" test >"$records/$machine.said"
  in_plan "$records/$machine.said"
  check "$machine: and says the same as bare" \
    diff "$records/bare.said.plan" "$records/$machine.said.plan"
done

wait_for full
said full >"$records/full.said"
ends full 0 'it passes bare with all devices and two processors'
says full 'which it has tested' '^# ok SMP: programs run' \
  '^# ok virtio-rng' '^# ok virtio-console' \
  '^# ok virtio-blk: what is written' '^# ok virtio-net: a frame leaves'
ends lines 0 'it passes bare with interrupts by lines instead of messages'
says lines 'which it has tested' '^# ok virtio-blk: many' '^# ok virtio-net: a frame leaves'
for machine in qemu-svm bochs-vmx bochs-svm; do
  ends "full-$machine" 0 'it passes in a VM with all devices and two processors'
  said "full-$machine" test >"$records/full-$machine.said"
  check "full-$machine: and says the same as bare" \
    diff "$records/full.said" "$records/full-$machine.said"
done

# A disk goes from the bare machine to a VM and back: each finds what the other has left.  Last,
# both superblocks are damaged.
new_disk kept
start_bare disk1 kept --append 'do=ls do=mkfs do=write,first,of,the,bare,machine do=sync poweroff'
wait_for disk1
vm_words='do=cat,first do=write,second,of,the,VM do=sync poweroff'
start disk2 qemu-svm --opt 'exit=done silence=0' --disk "$records/kept.disk" \
  --module "$GUEST_OS name=test disk=hd0:0+$DISK_SECTORS -- $vm_words"
wait_for disk2
start_bare disk3 kept --append 'do=cat,first do=cat,second do=write,lost,x do=rm,first do=ls poweroff'
wait_for disk3
start_bare disk4 kept --append 'do=ls poweroff'
wait_for disk4
for block in 0 4; do
  printf 'x' | dd of="$records/kept.disk" bs=1 seek=$((block * 4096)) conv=notrunc 2>/dev/null
done
start_bare disk5 kept --append 'do=ls do=cat,first do=mem poweroff'
ends disk1 1 'a command that fails is told: there is no file system at first'
says disk1 'and why' '^ls: there is no file system'
ends disk2 0 'a VM finds the files'
says disk2 'with their contents' '^\[test\] of the bare machine'
ends disk3 0 'and the bare machine those of the VM'
says disk3 'with their contents' '^of the bare machine' '^of the VM' '^ +2 lost'
ends disk4 0 'what was not synced is not there'
says disk4 'but all else is' '^ +20 first' '^ +10 second'
never disk4 'and nothing more' ' lost$'
ends disk5 1 'a damaged superblock is an error'
says disk5 'and not a crash' '^ls: there is no file system' '^cat: there is no file' 'KiB free'

# The emulator's network answers a bare machine's pings; two VMs answer each other's.
new_disk net
start_bare ping net --append 'ip=10.0.2.15/24 gateway=10.0.2.2 selftest'
for machine in qemu-svm bochs-vmx; do
  start "ping-$machine" "$machine" --opt 'silence=0' --script <<END \
    --module "$GUEST_OS name=one net=net -- ip=10.0.0.1/24 do=ping,10.0.0.2,5 do=ping,10.0.0.3,1" \
    --module "$GUEST_OS name=two net=net -- ip=10.0.0.2/24 do=ping,10.0.0.1,5 do=net"
expect one "1 sent, 0 replies, 1 lost"
expect two "is at"
quit 0
END
done
ends ping 0 'the gateway of the bare machine answers'
says ping 'its pings' '^# ok virtio-net: the gateway answers pings'
for machine in qemu-svm bochs-vmx; do
  ends "ping-$machine" 0 'two VMs ping each other'
  says "ping-$machine" 'without loss' '^\[one\] 5 sent, 5 replies, 0 lost'
  says "ping-$machine" 'both ways' '^\[two\] 5 sent, 5 replies, 0 lost'
  says "ping-$machine" 'and nobody else answers' '^\[one\] 10.0.0.3: no way there' '^\[one\] 1 sent, 0 replies'
done
finish
